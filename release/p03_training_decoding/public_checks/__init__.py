"""`check("question")` in a cell shows which public checks hold for what the notebook defines."""

from .public_check import check

__all__ = ["check"]
