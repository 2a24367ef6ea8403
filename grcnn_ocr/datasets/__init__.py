"""Datasets of words: importing, storing, checking, augmenting, batching."""
