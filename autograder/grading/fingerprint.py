"""What a mark depends on besides the submission, as hashes: a receipt is current while they are."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograder.grading.config import AssignmentConfig
from autograder.grading.material import Material
from autograder.sandbox.limits import Limits

MAX_NAMED = 6  # differences that a message lists


def checks(material: Material, limits: Limits, settings: AssignmentConfig) -> str:
    """sha256 over checks, reference, released cells and files, limits and settings: all that a mark is by."""
    return _sha256(material.sha256, limits, _lasting(settings))


def run(material: Material, limits: Limits, settings: AssignmentConfig, skipped: frozenset[str]) -> str:
    """sha256 over what the run of a notebook depends on: not over checks, nor over what cells are worth."""
    cells = [dataclasses.replace(cell, points=None) for cell in material.trusted]
    files = {name: hashlib.sha256(content).hexdigest() for name, content in material.released.items()}
    return _sha256(cells, sorted(files.items()), limits, _lasting(settings), sorted(skipped))


def _lasting(settings: AssignmentConfig) -> AssignmentConfig:
    """Without what decides when a class is graded, and not how."""
    return dataclasses.replace(settings, class_s=None)


def _sha256(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "surrogateescape")).hexdigest()


@cache
def environment() -> str:
    """sha256 over the interpreter, every installed package's version, and our own code but the checks."""
    digest = hashlib.sha256()
    for name, version in sorted(environment_parts().items()):
        digest.update(f"{name}=={version} ".encode())
    return digest.hexdigest()


@cache
def environment_parts() -> dict[str, str]:
    """What `environment` is made of, by name."""
    own = hashlib.sha256()
    _add_package(own, "autograder", leave_out="checks")
    parts = {each.name: each.version for each in distributions() if not _is_vendored(each)}
    return parts | {
        "Python": platform.python_version(),
        "machine": platform.machine(),
        "autograder's own code": own.hexdigest()[:12],
    }


def _is_vendored(distribution: Distribution) -> bool:
    """Copies that another package keeps for itself: they are found only once it was imported."""
    return "_vendor" in Path(str(distribution.locate_file(""))).parts


def differences(other: Mapping[str, str]) -> str:
    """How `other` (the parts of another machine's environment) differs from ours, in words; "" if not."""
    ours = environment_parts()
    names = sorted(name for name in ours.keys() | other.keys() if ours.get(name) != other.get(name))
    said = [f"{name} {ours.get(name, 'missing')} (there {other.get(name, 'missing')})" for name in names]
    more = f" and {len(said) - MAX_NAMED} more" if len(said) > MAX_NAMED else ""
    return ", ".join(said[:MAX_NAMED]) + more


def _add_package(digest: Any, package: str, leave_out: str | None = None) -> None:
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or ()
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*.py")):
            if path.relative_to(folder).parts[0] != leave_out:
                digest.update(path.read_bytes())
