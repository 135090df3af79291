"""Grading: one submission, a batch, the gradebook, nbgrader's plug-in points."""

import sys

# jsonschema imports this if it is there, for a format that no notebook uses; it builds a grammar then, which
# takes longer than everything else that grading imports.
sys.modules.setdefault("rfc3987_syntax", None)  # pyright: ignore[reportArgumentType]
