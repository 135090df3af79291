"""Starting the launcher before anything else: its imports and ours then run side by side.

This module imports next to nothing itself, so that there is something to gain.
"""

from __future__ import annotations

from pathlib import Path

from autograder.grading.config import FILE_NAME, read_config
from autograder.sandbox.session import COURSE_MODULES, GRADER_MODULES, Launcher

CHECKS_FOLDERS = ("autograder/checks", "checks")


def start_ahead(root: Path, assignment: str, isolation: str | None) -> Launcher | None:
    """A launcher on its way up, or None where it cannot be told yet what it should import.

    An assignment with a check module uses TensorFlow; for others its notebooks have to be read first.

    Raises: ConfigError for an autograder.toml that cannot be used.
    """
    if not any((root / folder / f"{assignment}.py").is_file() for folder in CHECKS_FOLDERS):
        return None
    chosen = isolation or read_config(root / FILE_NAME).isolation
    return Launcher.start(chosen, preload=COURSE_MODULES + GRADER_MODULES, course=root.absolute())
