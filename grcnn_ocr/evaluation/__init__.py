"""Evaluation: counts that add up across shards, under a stated protocol, then a report."""
