"""The `[service]` table of autograder.toml: where the service keeps things, and the course's policies.

    [service]                             # of the first course that the service is started with
    database = "sqlite:////srv/autograder/service.db"    # or postgresql+psycopg://user@host/name
    store = "file:///srv/autograder/blobs"               # any fsspec URL

    # of each course; groups of the hub
    students = "nbgrader-{course}"
    graders = "formgrade-{course}"
    instructors = "instructors-{course}"
    staff_services = ["deep_learning"]    # hub services (Formgrader's) that count as an instructor
    formgrader = "/services/{course}/formgrader"

    max_file_mb = 64                      # limits of one submission, and of one student in the course
    max_submission_mb = 256
    max_files = 500
    student_quota_mb = 2048
    submissions_per_day = 100             # of one student for one assignment, in any 24 hours
    file_types = [".ipynb", ".py"]        # endings that are taken; "*" takes all

    # policies, which [service.assignments.NAME] can set for one assignment
    final = "last"                        # the mark that counts: last | best of those in time
    late = "accept"                       # accept | refuse what comes after the due date
    hidden_results = "questions"          # students see of hidden checks on arrival: questions | points |
                                          # deadline (nothing until the due date, then questions)
    hidden_results_per_day = 5            # so many submissions in any 24 hours show that much; others show
                                          # public checks until feedback is released

Everything is optional. Times are UTC; sizes in MB of 2**20 bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from autograder.errors import ConfigError
from autograder.grading.config import FILE_NAME, read_config
from autograder.report.cell_feedback import FeedbackPolicy

__all__ = ["CourseSettings", "Places", "Policy", "read_course_settings", "read_places"]

FinalMark = Literal["last", "best"]
_Settings = TypeVar("_Settings", "Policy", "CourseSettings")
HiddenResults = Literal["questions", "points", "deadline"]
LateWork = Literal["accept", "refuse"]
# fmt: off
FILE_TYPES = (
    ".ipynb", ".py", ".md", ".txt", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".toml", ".yaml", ".yml",
    ".npy", ".npz", ".keras", ".h5", ".hdf5", ".weights", ".safetensors", ".tflite", ".parquet", ".png",
    ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf", ".bib", ".log",
)
# fmt: on


@dataclass(frozen=True)
class Policy:
    """What can differ between assignments; `feedback` is autograder.toml's own key for released feedback."""

    final: FinalMark = "last"
    late: LateWork = "accept"
    hidden_results: HiddenResults = "questions"
    hidden_results_per_day: int = 5
    feedback: FeedbackPolicy = "all"

    @property
    def rule(self) -> str:
        """Which submission counts, for students."""
        which = "last" if self.final == "last" else "best"
        late = "is not taken" if self.late == "refuse" else "is marked as late"
        return f"The {which} submission in time counts; late work {late}."


@dataclass(frozen=True)
class CourseSettings:
    """One course's settings; `policies` by assignment, others have `policy`."""

    students: str = "nbgrader-{course}"
    graders: str = "formgrade-{course}"
    instructors: str = "instructors-{course}"
    staff_services: tuple[str, ...] = ()
    formgrader: str = "/services/{course}/formgrader"
    max_file_mb: int = 64
    max_submission_mb: int = 256
    max_files: int = 500
    student_quota_mb: int = 2048
    submissions_per_day: int = 100
    file_types: tuple[str, ...] = FILE_TYPES
    policy: Policy = Policy()
    policies: Mapping[str, Policy] = dataclasses.field(default_factory=dict)

    def policy_of(self, assignment: str) -> Policy:
        return self.policies.get(assignment, self.policy)

    def takes(self, path: str) -> bool:
        """Whether a file of this name is taken in."""
        return "*" in self.file_types or path.lower().endswith(self.file_types)


@dataclass(frozen=True)
class Places:
    """Where the service keeps what it has been given: URLs of SQLAlchemy and of fsspec."""

    database: str
    store: str


_POLICY_KEYS = tuple(field.name for field in dataclasses.fields(Policy) if field.name != "feedback")
_COURSE_KEYS = tuple(
    field.name for field in dataclasses.fields(CourseSettings) if field.name not in ("policy", "policies")
)
_PLACE_KEYS = ("database", "store")


def read_course_settings(root: Path) -> CourseSettings:
    """What a course's autograder.toml says to the service. Raises: ConfigError."""
    config = read_config(root / FILE_NAME)
    where = f"{root / FILE_NAME}: service"
    table = dict(config.service)
    own = table.pop("assignments", {})
    _refuse_unknown(table, (*_PLACE_KEYS, *_COURSE_KEYS, *_POLICY_KEYS, "assignments"), where)
    base = Policy(feedback=config.course.feedback)
    policy = _changed(base, {key: table[key] for key in _POLICY_KEYS if key in table}, where)
    settings = _changed(CourseSettings(), {key: table[key] for key in _COURSE_KEYS if key in table}, where)
    if not isinstance(own, dict):
        raise ConfigError(f"{where}.assignments: expected a table. Received: {own!r}")
    policies = {}
    for name in {*own, *config.assignments}:
        place = f"{where}.assignments.{name}"
        changes = own.get(name, {})
        if not isinstance(changes, dict):
            raise ConfigError(f"{place}: expected a table. Received: {changes!r}")
        _refuse_unknown(changes, _POLICY_KEYS, place)
        start = dataclasses.replace(policy, feedback=config.of(name).feedback)
        policies[name] = _changed(start, changes, place)
    return dataclasses.replace(settings, policy=policy, policies=policies)


def read_places(root: Path, environment: Mapping[str, str]) -> Places:
    """Database and store: of the environment, else of the first course's file, else inside that course.

    Raises: ConfigError.
    """
    table = read_config(root / FILE_NAME).service
    inside = root.absolute() / ".autograder" / "service"
    defaults = {"database": f"sqlite:///{inside / 'service.db'}", "store": f"file://{inside / 'blobs'}"}
    found = {}
    for key in _PLACE_KEYS:
        value = environment.get(f"AUTOGRADER_SERVICE_{key.upper()}") or table.get(key, defaults[key])
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{root / FILE_NAME}: service.{key}: expected a URL. Received: {value!r}")
        found[key] = value
    return Places(**found)


def _changed(base: _Settings, changes: dict[str, Any], where: str) -> _Settings:
    kinds = get_type_hints(type(base))
    checked = {key: _value(value, kinds[key], f"{where}.{key}") for key, value in changes.items()}
    return dataclasses.replace(base, **checked)


def _value(value: Any, kind: Any, where: str) -> Any:
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{where}: expected a whole number above 0. Received: {value!r}")
        return value
    if kind is str:
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{where}: expected a text. Received: {value!r}")
        return value
    if allowed := get_args(kind):
        if allowed[-1] is Ellipsis:
            if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
                raise ConfigError(f"{where}: expected a list of texts. Received: {value!r}")
            return tuple(value)
        if value not in allowed:
            raise ConfigError(f"{where}: expected one of {', '.join(allowed)}. Received: {value!r}")
    return value


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    if unknown := sorted(set(table) - set(known)):
        raise ConfigError(f"{where}: unknown key {', '.join(unknown)}. Known keys: {', '.join(known)}.")
