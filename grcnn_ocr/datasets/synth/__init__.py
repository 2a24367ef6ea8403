"""The word engine: labelled word images drawn from fonts and words, a pure function of (seed, index)."""
