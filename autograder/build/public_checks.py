"""The `public_checks` package beside a notebook: made of the check module, kept where it still holds.

Frozen answers are floating-point numbers that another processor rounds differently. The committed answers
stay as long as the new ones agree with them, so that a build on any machine gives the same bytes.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from autograder.checking.freeze import write_public_package
from autograder.checking.frozen import ANSWERS, INDEX
from autograder.errors import BuildError

PACKAGE = "public_checks"
# float32 with room for another order of summation
RELATIVE, ABSOLUTE = 1e-4, 1e-5


def make_public_checks(
    check_module: Path, shown: str, course_root: Path, folder: Path, committed: Path
) -> None:
    """Write the package to `folder`, with the answers of `committed` if they differ in rounding only.

    Args:
        check_module: its file. shown: as messages show it.
        course_root: where the reference is imported from, if it is not installed.
    Raises: BuildError where the checks or the reference cannot be imported, or public checks use what is
        not released; FreezeError.
    """
    with _importable(course_root):
        try:
            write_public_package(check_module, folder)
        except (ValueError, ImportError) as error:
            raise BuildError(str(error), shown) from error
    keep_committed_answers(folder, committed)


def keep_committed_answers(package: Path, committed: Path) -> None:
    """Put the committed answers into the new package if they differ in rounding only."""
    if all((committed / name).is_file() for name in (ANSWERS, INDEX)) and _agree(package, committed):
        for name in (ANSWERS, INDEX):
            shutil.copy(committed / name, package / name)


def _agree(new, old):
    index, committed_index = (json.loads((folder / INDEX).read_text("utf-8")) for folder in (new, old))
    if not _close_trees(index, committed_index):
        return False
    with (
        np.load(new / ANSWERS, allow_pickle=False) as ours,
        np.load(old / ANSWERS, allow_pickle=False) as theirs,
    ):
        return ours.files == theirs.files and all(_close(ours[name], theirs[name]) for name in ours.files)


def _close_trees(new, old):
    if type(new) is not type(old):
        return False
    if isinstance(new, dict):
        return list(new) == list(old) and all(_close_trees(new[key], old[key]) for key in new)
    if isinstance(new, list):
        return len(new) == len(old) and all(map(_close_trees, new, old))
    return _close(np.array(new), np.array(old)) if isinstance(new, float) else new == old


def _close(new, old):
    if new.dtype != old.dtype or new.shape != old.shape:
        return False
    if new.dtype.kind not in "fc":
        return bool(np.array_equal(new, old))
    return np.allclose(new, old, RELATIVE, ABSOLUTE, equal_nan=True)


@contextmanager
def _importable(course_root: Path) -> Iterator[None]:
    """The reference, which gives the frozen answers, may lie in the course and nowhere else."""
    before = list(sys.path)
    sys.path.insert(0, str(course_root))
    try:
        yield
    finally:
        sys.path[:] = before
