"""Build: authored text and the reference's own code -> source and release notebooks.

    source/<a>.py ──read──▶ cells ──solutions, test cells──▶ source/<a>/ ──nbgrader──▶ release/<a>/

Importing this imports nbgrader and pytest, seconds: import it where a build is asked for.
"""

from autograder.build.assignment import BuiltAssignment, build

__all__ = ["BuiltAssignment", "build"]
