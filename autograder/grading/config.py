"""autograder.toml: what an instructor can set, for the course and for one assignment.

    isolation = "auto"                   # auto | namespaces | landlock | none
    jobs = 4                             # submissions at a time; default: one a core
    feedback = "all"                     # what students see of checks: all | public | points
    skip_cells_tagged = ["long-training"]  # not run at grading; graded cells always are
    gpu = false                          # kernels get a GPU, which is theirs alone while they run
    submission_s = 600                   # for one submission, cells and checks; default: as limits allow
    class_s = 14400                      # after so long a run begins no further submission; default: no end

    [limits]                             # of one submission; see autograder.sandbox.limits.Limits
    cell_s = 60
    memory_mb = 4096

    [assignments.p03_transformer]        # the same keys but isolation and jobs, for this one alone
    feedback = "public"
    limits = { notebook_s = 900 }

    [service]                            # of the submission service; see autograder.service.settings

Every key is optional, and so is the file.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from autograder.errors import ConfigError
from autograder.report.cell_feedback import FeedbackPolicy
from autograder.sandbox.limits import Limits

__all__ = ["FILE_NAME", "AssignmentConfig", "CourseConfig", "Isolation", "read_config"]

FILE_NAME = "autograder.toml"
Isolation = Literal["auto", "namespaces", "landlock", "none"]

LIMIT_DEFAULTS = {limit.name: limit.default for limit in dataclasses.fields(Limits)}


@dataclass(frozen=True)
class AssignmentConfig:
    """What can differ between assignments.

    Args:
        limits: those that were set, by name; the rest come from the layer below.
        gpu: kernels may use a GPU, which is theirs alone while they run.
        submission_s: wall-clock seconds for one submission, cells and checks together.
        class_s: wall-clock seconds after which a run begins no further submission.
    """

    feedback: FeedbackPolicy = "all"
    skip_cells_tagged: tuple[str, ...] = ()
    gpu: bool = False
    submission_s: float | None = None
    class_s: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CourseConfig:
    """The whole file. `jobs` None means one submission a core; `service` is for that part to read."""

    isolation: Isolation = "auto"
    jobs: int | None = None
    course: AssignmentConfig = AssignmentConfig()
    assignments: Mapping[str, AssignmentConfig] = field(default_factory=dict)
    service: Mapping[str, Any] = field(default_factory=dict)

    def of(self, assignment: str) -> AssignmentConfig:
        """The settings of one assignment: its own, else the course's."""
        return self.assignments.get(assignment, self.course)


def read_config(path: Path) -> CourseConfig:
    """Read autograder.toml; without the file every setting has its default.

    Raises: ConfigError that names the file, the key, what was expected and what was received.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return CourseConfig()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from error
    where = str(path)
    keys = ("isolation", "jobs", *_ASSIGNMENT_KEYS, "assignments", "service")
    _refuse_unknown(data, keys, where)
    course = _assignment(
        {key: data[key] for key in _ASSIGNMENT_KEYS if key in data}, AssignmentConfig(), where
    )
    return CourseConfig(
        isolation=_choice(data.get("isolation", "auto"), get_args(Isolation), f"{where}: isolation"),
        jobs=None if "jobs" not in data else _count(data["jobs"], f"{where}: jobs"),
        course=course,
        assignments={
            name: _assignment(table, course, f"{where}: assignments.{name}")
            for name, table in _table(data.get("assignments", {}), f"{where}: assignments").items()
        },
        service=_table(data.get("service", {}), f"{where}: service"),
    )


def merge_limits(*layers: Mapping[str, float]) -> Limits:
    """The limits that hold when later layers override earlier ones and all override the defaults."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    return Limits(**merged)


_ASSIGNMENT_KEYS = ("feedback", "skip_cells_tagged", "gpu", "submission_s", "class_s", "limits")


def _assignment(table: object, base: AssignmentConfig, where: str) -> AssignmentConfig:
    table = _table(table, where)
    _refuse_unknown(table, _ASSIGNMENT_KEYS, where)
    changed: dict[str, Any] = {}
    if "feedback" in table:
        changed["feedback"] = _choice(table["feedback"], get_args(FeedbackPolicy), f"{where}: feedback")
    if "skip_cells_tagged" in table:
        changed["skip_cells_tagged"] = _texts(table["skip_cells_tagged"], f"{where}: skip_cells_tagged")
    if "gpu" in table:
        changed["gpu"] = _boolean(table["gpu"], f"{where}: gpu")
    for name in ("submission_s", "class_s"):
        if name in table:
            changed[name] = _positive(table[name], f"{where}: {name}")
    if "limits" in table:
        changed["limits"] = {**base.limits, **_limits(table["limits"], f"{where}: limits")}
    return dataclasses.replace(base, **changed)


def _limits(table: object, where: str) -> dict[str, float]:
    table = _table(table, where)
    _refuse_unknown(table, LIMIT_DEFAULTS, where)
    return {
        name: _count(value, f"{where}.{name}")
        if isinstance(LIMIT_DEFAULTS[name], int)
        else _positive(value, f"{where}.{name}")
        for name, value in table.items()
    }


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    if unknown := sorted(set(table) - set(known)):
        raise ConfigError(f"{where}: unknown key {', '.join(unknown)}. Known keys: {', '.join(known)}.")


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected a table. Received: {value!r}")
    return value


def _choice(value: object, allowed: tuple[Any, ...], where: str) -> Any:
    if value not in allowed:
        raise ConfigError(f"{where}: expected one of {', '.join(allowed)}. Received: {value!r}")
    return value


def _boolean(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: expected true or false. Received: {value!r}")
    return value


def _positive(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"{where}: expected a number above 0. Received: {value!r}")
    return float(value)


def _count(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{where}: expected a whole number above 0. Received: {value!r}")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ConfigError(f"{where}: expected a list of texts. Received: {value!r}")
    return tuple(value)
