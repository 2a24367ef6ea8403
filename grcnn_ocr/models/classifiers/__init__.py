"""Image classifiers. Each registers its builders by name."""
