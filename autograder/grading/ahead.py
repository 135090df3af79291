"""Starting the launcher before anything else: its imports and ours then run side by side.

This module imports next to nothing itself, so that there is something to gain.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder.grading.config import FILE_NAME, read_config
from autograder.sandbox.session import COURSE_MODULES, GRADER_MODULES, Launcher

CHECKS_FOLDERS = ("autograder/checks", "checks")
HEAVY = (b"tensorflow", b"keras", b"reference_impl")


def start_ahead(root: Path, assignment: str, isolation: str | None) -> Launcher | None:
    """A launcher on its way up; None where it cannot be told yet whether one is needed, and what for.

    Raises: ConfigError for an autograder.toml that cannot be used.
    """
    checks = next((path for path in _places(root, assignment) if path.is_file()), None)
    if checks is None or _nothing_new(root, assignment, checks):
        return None
    if not (preload := modules_to_preload([checks.read_bytes()])):
        return None
    chosen = isolation or read_config(root / FILE_NAME).isolation
    return Launcher.start(chosen, preload=preload + GRADER_MODULES, course=root.absolute())


def modules_to_preload(texts: Iterable[bytes]) -> tuple[str, ...]:
    """What a launcher imports for notebooks and checks of these texts; nothing if they need no TensorFlow."""
    return COURSE_MODULES if any(word in text for text in texts for word in HEAVY) else ()


def _places(root: Path, assignment: str) -> list[Path]:
    return [root / folder / f"{assignment}.py" for folder in CHECKS_FOLDERS]


def _nothing_new(root: Path, assignment: str, checks: Path) -> bool:
    """Whether every receipt is younger than what it is about, by the clock: most likely all marks stand.

    This decides about starting early and nothing else. What is graded is decided by hashes.
    """
    folders = list(root.glob(f"submitted/[!.]*/{assignment}"))
    for folder in folders:
        receipt = root / "reports" / assignment / folder.parent.name / "report.json"
        try:
            graded = receipt.stat().st_mtime
            if any(path.stat().st_mtime > graded for path in (checks, folder, *folder.iterdir())):
                return False
        except OSError:
            return False
    return bool(folders)
