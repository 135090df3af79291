"""What a folder of files is, apart from where it lies: paths, hashes and sizes.

Client and service both use these rules; the service never trusts that a client did.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RESERVED", "File", "file_at", "manifest_problem", "manifest_sha256", "path_problem"]

MAX_PATH = 500
MAX_PART = 200  # bytes; file systems take 255, and programs append to names
CHUNK = 1 << 20
UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
JOINERS = "\u200c\u200d"  # part of names in Persian and in Indic scripts
# nbgrader writes these beside a submission; what a student sends may not stand in their place.
RESERVED = frozenset(("timestamp.txt", "submission_secret.txt"))


@dataclass(frozen=True, order=True)
class File:
    """One file: its POSIX path in the folder, sha256 of the content in hex, size in bytes."""

    path: str
    sha256: str
    size: int


def file_at(path: Path, name: str) -> File:
    """The entry `name` of the file that lies at `path`."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return File(name, digest.hexdigest(), size)


def path_problem(path: str) -> str | None:
    """Why a path cannot be one of a submission's, None if it can."""
    if not path or len(path) > MAX_PATH:
        return f"a path has 1 to {MAX_PATH} characters"
    if "\\" in path:
        return "it holds a backslash"
    if any(unicodedata.category(c) in UNSEEN and c not in JOINERS for c in path):
        return "it holds characters that cannot be seen"
    if path != unicodedata.normalize("NFC", path):
        return "it is not in Unicode's composed form (NFC)"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "it is not a plain relative path"
        if part != part.strip() or part.endswith("."):
            return "a name begins or ends with a space, or ends with a dot"
        if len(part.encode()) > MAX_PART:
            return f"a name is longer than {MAX_PART} bytes"
    if path.lower() in RESERVED:
        return "nbgrader keeps this name for itself"
    return None


def manifest_problem(files: Iterable[File]) -> str | None:
    """Why these files cannot lie in one folder, on any file system; None if they can."""
    seen: dict[str, str] = {}
    paths = [file.path for file in files]
    for path in paths:
        if why := path_problem(path):
            return f"{path!r}: {why}"
        folded = path.casefold()
        if folded in seen:
            return f"{path!r} and {seen[folded]!r} would be one file"
        seen[folded] = path
    for path in paths:
        parents = path.casefold().split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            if (parent := "/".join(parents[:depth])) in seen:
                return f"{seen[parent]!r} cannot be a file and a folder"
    return None


def manifest_sha256(files: Iterable[File]) -> str:
    """One hash for all of a folder: the order of the files does not matter, everything else does."""
    lines = [json.dumps([file.path, file.sha256, file.size]) for file in sorted(files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
