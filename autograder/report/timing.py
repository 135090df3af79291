"""Where the time of a submission went."""

from dataclasses import dataclass
from typing import Any, Self

from autograder.report import json_fields as fields

__all__ = ["CellTiming", "Seconds"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Seconds:
    """Wall time of the stages of one submission, in seconds."""

    launch: float = 0.0
    execute: float = 0.0
    check: float = 0.0
    total: float = 0.0

    def to_json(self) -> Json:
        return {stage: round(getattr(self, stage), 4) for stage in ("launch", "execute", "check", "total")}

    @classmethod
    def from_json(cls, data: object, where: str = "seconds") -> Self:
        names = ("launch", "execute", "check", "total")
        return cls(**fields.take(data, where, dict.fromkeys(names, fields.number)))


@dataclass(frozen=True)
class CellTiming:
    """One executed code cell: its place in the notebook, how long it ran, the error it ended with."""

    index: int
    grade_id: str | None
    seconds: float
    error: str | None = None

    def to_json(self) -> Json:
        return {
            "index": self.index,
            "grade_id": self.grade_id,
            "seconds": round(self.seconds, 4),
            "error": self.error,
        }

    @classmethod
    def from_json(cls, data: object, where: str = "cell") -> Self:
        kinds = {
            "index": fields.integer,
            "grade_id": fields.optional(fields.text),
            "seconds": fields.number,
            "error": fields.optional(fields.text),
        }
        return cls(**fields.take(data, where, kinds))
