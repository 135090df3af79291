"""What all submissions of an assignment are graded by, in a form that can be sent to another machine.

The engine (interpreter, packages, `autograder` itself) is installed on every machine that grades and has to
be the same everywhere: it is large, changes rarely, and `fingerprint.environment` tells it apart. What an
instructor changes between two runs (checks, reference, released cells and files) is small, and is sent,
under the hash of its content. So a worker never grades by checks that lay on its disk from last week.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.grading.notebook import TrustedCells
from autograder.grading.reference import needed_modules

if TYPE_CHECKING:
    from autograder.grading.submission import GradeTask

__all__ = ["Material"]

CHECKS_FOLDER = "checks"
NO_CELLS = TrustedCells(())


@dataclass(frozen=True)
class Material:
    """Args:
    trusted: the released cells. released: files beside the notebook.
    modules: texts by path below an import root: `checks/<assignment>.py`, what it needs of the reference.
    checks: the path in `modules` of the check module; None for a plain nbgrader assignment.
    """

    trusted: TrustedCells
    released: Mapping[str, bytes]
    modules: Mapping[str, bytes] = field(default_factory=dict)
    checks: str | None = None

    @classmethod
    def of(cls, trusted: TrustedCells, released: Mapping[str, bytes], checks: Path | None) -> Material:
        """The material of an assignment as it lies on this machine."""
        if checks is None:
            return cls(trusted, released)
        name, text = f"{CHECKS_FOLDER}/{checks.name}", checks.read_bytes()
        return cls(trusted, released, {name: text, **needed_modules(text)}, name)

    @property
    def reference(self) -> dict[str, bytes]:
        """The modules of the reference."""
        return {path: text for path, text in self.modules.items() if path != self.checks}

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256(f"{self.trusted!r} {self.checks}".encode())
        for files in (self.released, self.modules):
            digest.update(f"{len(files)} ".encode())
            for name, content in sorted(files.items()):
                digest.update(f"{len(name)} {name} {len(content)} ".encode("utf-8", "surrogateescape"))
                digest.update(content)
        return digest.hexdigest()

    def mentions(self, word: bytes) -> bool:
        """Whether a text of the checks or the reference has `word` in it."""
        return any(word in text for text in self.modules.values())

    def without(self, task: GradeTask) -> GradeTask:
        """The task as it travels: what belongs to one submission alone."""
        return dataclasses.replace(task, trusted=NO_CELLS, released={}, checks=None)

    def within(self, task: GradeTask, root: Path) -> GradeTask:
        """The whole task again, where the material has been unpacked below `root`."""
        checks = root / self.checks if self.checks else None
        return dataclasses.replace(task, trusted=self.trusted, released=dict(self.released), checks=checks)

    def unpack(self, root: Path) -> None:
        """Write the modules below `root`, a folder of ours alone."""
        for name, text in self.modules.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)

    def packed_again(self, root: Path) -> Material:
        """The same with the modules as they are below `root`, so that its hash says what is there."""
        modules = {name: (root / name).read_bytes() for name in self.modules}
        return dataclasses.replace(self, modules=modules)
