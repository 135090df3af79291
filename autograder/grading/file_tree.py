"""Files by path, as they make one folder: which paths can be there together, and which can be written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TypeVar

__all__ = ["can_be_written", "laid_over"]

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 2048  # PATH_MAX is 4096, with the course's own path before it

Content = TypeVar("Content")
Other = TypeVar("Other")


def laid_over(below: Mapping[str, Content], above: Mapping[str, Other]) -> dict[str, Content | Other]:
    """Both together; of two paths that cannot be there together, or are the same, `above` has its way.

    A file cannot be where the other has a folder: `data` and `data/train.csv`.
    """
    folders = {str(parent) for path in above for parent in PurePosixPath(path).parents}
    fitting = {
        path: content
        for path, content in below.items()
        if path not in folders and not any(str(parent) in above for parent in PurePosixPath(path).parents)
    }
    return {**fitting, **above}


def can_be_written(path: str) -> bool:
    """Whether a relative path is short enough to be written below a course's folder."""
    encoded = path.encode("utf-8", "surrogateescape")
    return len(encoded) <= MAX_PATH_BYTES and all(len(part) <= MAX_NAME_BYTES for part in encoded.split(b"/"))
