"""Networks built of `layers`: they return logits, and know nothing of data, losses or decoding."""
