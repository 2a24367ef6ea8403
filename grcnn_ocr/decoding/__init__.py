"""From log-probabilities to text: the best path, the best word of a list, a beam search. No torch here."""
