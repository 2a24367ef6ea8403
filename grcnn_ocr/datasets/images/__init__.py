"""Labelled pictures: readers of the official files and of folders, one format a file, and training batches of them."""
