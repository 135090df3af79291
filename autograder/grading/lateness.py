"""When a submission was handed in, and what nbgrader's plug-in takes off for being late."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from traitlets.config import Config

from autograder.errors import ConfigError

__all__ = ["TIMESTAMP", "LatePenalty", "read_timestamp", "seconds_late"]

TIMESTAMP = "timestamp.txt"
_MAX_BYTES = 200


def read_timestamp(folder: Path) -> datetime | None:
    """The time in a submission's timestamp.txt, in UTC without a zone; None if there is no usable one.

    The exchange writes this file. Nothing that a student's code can reach is asked: the folder is the one
    that was handed in, not the one that the notebook ran in.
    """
    try:
        descriptor = os.open(folder / TIMESTAMP, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8", "replace").strip()
        return parse_utc(text) if text else None
    except (OSError, ValueError, OverflowError, TypeError):
        return None


def seconds_late(timestamp: datetime | None, duedate: datetime | None, extension: timedelta | None) -> float:
    """As nbgrader counts: 0 when in time, or when one of the times is not known."""
    if timestamp is None or duedate is None:
        return 0.0
    return max(0.0, (timestamp - duedate - (extension or timedelta())).total_seconds())


class LatePenalty:
    """nbgrader's late-submission plug-in, as its configuration chooses it."""

    def __init__(self, config: Config):
        self._preprocessor: Any = AssignLatePenalties(config=config)
        try:
            self._preprocessor.init_plugin()
        except Exception as error:
            raise ConfigError(f"the late-submission plug-in cannot be loaded: {error}") from error

    def points(self, student: str, score: float, late_s: float) -> float | None:
        """What to take off `score`, between 0 and `score`; None for nothing.

        Raises: ConfigError if the plug-in fails.
        """
        if late_s <= 0:
            return None
        try:
            penalty = self._preprocessor.plugin_inst.late_submission_penalty(student, score, late_s)
            if penalty is None:
                return None
            return float(self._preprocessor._check_late_penalty(SimpleNamespace(score=score), penalty))
        except Exception as error:  # the instructor's own code
            raise ConfigError(
                f"the late-submission plug-in {type(self._preprocessor.plugin_inst).__name__} failed for "
                f"{student}: {type(error).__name__}: {error}"
            ) from error
