"""Reference implementations of the course's components: one module per family, one idea per function."""
