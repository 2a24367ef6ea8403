"""Front ends: (B, 1, H, W) images to (B, C, 1, T) columns. Each registers a builder under its name."""
