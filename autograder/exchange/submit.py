"""`nbgrader submit`: the student's folder, to the service; its receipt, to the student."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from nbgrader.exchange import abc
from nbgrader.utils import ignore_patterns

from autograder.errors import ServiceError
from autograder.exchange.base import ServiceExchange, timestamp
from autograder.exchange.client import files_of
from autograder.exchange.folders import read_folder
from autograder.exchange.manifest import File

__all__ = ["Submit"]


class Submit(ServiceExchange, abc.ExchangeSubmit):
    def init_src(self) -> None:
        self.coursedir.assignment_id = Path(self.coursedir.assignment_id).name
        self.source = self.local_folder(self.course, self.assignment)
        if not self.source.is_dir():
            there = sorted(path.name for path in self.source.parent.glob("[!.]*") if path.is_dir())
            self.fail(f"Assignment not found at: {self.source}. Here are: {', '.join(there[:10]) or 'none'}")

    def copy_files(self) -> None:
        with self.saying(f"{self.assignment} was NOT submitted"):
            files = self._files(self._limits())
            self._compare([file.path for file, _ in files if file.path.endswith(".ipynb")])
            answer = self.client.send_listed(
                self.course, files, "courses", self.course, "assignments", self.assignment, "submissions",
                key=secrets.token_hex(16),
            )  # fmt: skip
        receipt = answer["receipt"]
        kept = self._keep(receipt)
        self.log.info("Submitted as: %s %s %s", self.course, self.assignment, timestamp(receipt["time"]))
        self.log.info("Receipt: %s (number %s), kept in %s", receipt["id"], receipt["number"], kept)
        if answer["late"]:
            self.log.warning("This is after the due date: it counts as late")

    def _files(self, limits: dict[str, Any]) -> list[tuple[File, Path]]:
        """What there is to send; what the service would not take is left out, and said to be."""
        types = tuple(limits["file_types"])
        chosen = []
        for file, path in read_folder(self.source, self._ignore, self._left_out):
            if "*" not in types and not file.path.lower().endswith(types):
                self._left_out(file.path, "files of this type are not taken")
            elif file.size > limits["max_file_bytes"]:
                self._left_out(file.path, f"it has more than {limits['max_file_bytes'] >> 20} MB")
            else:
                chosen.append((file, path))
        return chosen

    def _limits(self) -> dict[str, Any]:
        for course in self.client.get("courses"):
            if course["id"] == self.course:
                return course["limits"]
        raise ServiceError(f"you are not in the course {self.course}")

    def _ignore(self, folder: str, names: list[str]) -> list[str]:
        chosen = ignore_patterns(
            exclude=self.coursedir.ignore,
            include=self.coursedir.include,
            max_file_size=self.coursedir.max_file_size,
            log=self.log,
        )
        feedback = ["feedback"] if Path(folder) == self.source else []  # what `fetch_feedback` wrote there
        return [*chosen(folder, names), *feedback]

    def _left_out(self, path: str, why: str) -> None:
        self.log.warning("Not submitted: %r: %s", path, why)

    def _compare(self, notebooks: list[str]) -> None:
        """Warn about notebooks that the release has and this lacks; refuse if `strict`."""
        where = ("courses", self.course, "assignments", self.assignment, "release")
        released = [file.path for file in files_of(self.client.get(*where)) if file.path.endswith(".ipynb")]
        missing = sorted(set(released) - set(notebooks))
        extra = sorted(set(notebooks) - set(released))
        if missing and self.strict:
            self.fail(f"Assignment {self.assignment} not submitted. Missing notebooks: {', '.join(missing)}")
        if missing or extra:
            self.log.warning(
                "Possible missing notebooks and/or extra notebooks in %s: missing: %s; extra: %s",
                self.assignment,
                ", ".join(missing) or "none",
                ", ".join(extra) or "none",
            )

    def _keep(self, receipt: dict[str, Any]) -> Path:
        """The student's own copy, which holds even where the service has lost its."""
        folder = Path(jupyter_data_dir(), "autograder_receipts", self.course, self.assignment)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{receipt['number']}.json"
        path.write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")
        return path
