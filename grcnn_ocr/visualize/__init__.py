"""Looking inside a recogniser: gates, receptive fields and the CTC lattice, as arrays and as pictures."""
