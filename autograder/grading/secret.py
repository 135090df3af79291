"""The instructor's secret: 32 random bytes from which the seeds of hidden inputs derive."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from autograder.errors import ConfigError

__all__ = ["read_or_create_secret"]

BYTES = 32


def read_or_create_secret(path: Path, *, shared_with_group: bool = False) -> bytes:
    """The secret at `path`, made on first use; of programs that make it at once all get the same.

    Args:
        shared_with_group: the course belongs to a group of instructors (nbgrader's `groupshared`).
    Raises: ConfigError if it is damaged, or others than the instructors can read it.
    """
    mode = 0o660 if shared_with_group else 0o600
    if not os.path.lexists(path):
        _create(path, mode)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            allowed, data = os.fstat(descriptor).st_mode & 0o777, file.read(BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: the course's secret cannot be read: {error.strerror}") from error
    if allowed & ~mode:
        raise ConfigError(
            f"{path}: others could read the course's secret (mode {allowed:o}, expected {mode:o}). "
            "Delete the file to get a new one; hidden inputs will then differ from those of earlier grades."
        )
    if len(data) != BYTES:
        raise ConfigError(
            f"{path}: expected {BYTES} bytes, received {len(data)}. Restore it from a backup, or delete it "
            "for a new secret; hidden inputs will then differ from those of earlier grades."
        )
    return data


def _create(path: Path, mode: int) -> None:
    try:
        path.parent.mkdir(mode=0o770 if mode & 0o060 else 0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(BYTES))
                file.flush()
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            os.link(temporary, path)  # never replaces: whoever comes second reads the first one's
        finally:
            Path(temporary).unlink()
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(f"{path}: the course's secret cannot be written: {error.strerror}") from error
