"""From log-probabilities to text: greedy and over a lexicon. numpy only."""
