"""From a dataset as released to (image bytes, label) records."""
