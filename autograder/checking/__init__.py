"""What checks are written with, and how they are run.

from autograder.checking import close, question

REFERENCE = ("reference_impl.masks",)

@question("look_ahead_mask", points=2, public=True)
def test_counts_a_triangle(student, reference):
    close(student.create_look_ahead_mask(5), reference.create_look_ahead_mask(5), "…")
"""

from autograder.checking.vocabulary import *  # noqa: F403
from autograder.checking.vocabulary import __all__ as __all__
