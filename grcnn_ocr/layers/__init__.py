"""The layers of the GRCNN line: one concept a file, the paper's equation in its docstring."""
