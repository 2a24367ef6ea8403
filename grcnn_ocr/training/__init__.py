"""Training: a loop that reads top to bottom, and its parts."""
