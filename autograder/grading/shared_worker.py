"""Grading one notebook from a program that does not grade a class: nbgrader, Formgrader.

The work is done by a worker of the shared launcher (`autograder.sandbox.on_demand`), so that neither
TensorFlow nor a check ever runs inside a notebook server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from autograder.errors import LauncherError
from autograder.grading.worker import WorkerPool
from autograder.sandbox import on_demand

Result = TypeVar("Result")


def run(
    function: Callable[..., Result],
    *arguments: object,
    isolation: str,
    preload: tuple[str, ...],
    course: Path,
) -> Result:
    """Run `function` in a warm worker; what it raises is raised here.

    Raises: LauncherError where no launcher can be had; IsolationUnavailable.
    """
    try:
        return _pool(isolation, preload, course).submit(function, *arguments).result()
    except LauncherError:
        # The launcher that we knew has ended, after idling for instance.
        _pool.cache_clear()
        return _pool(isolation, preload, course).submit(function, *arguments).result()


@cache
def _pool(isolation: str, preload: tuple[str, ...], course: Path) -> WorkerPool:
    return WorkerPool(on_demand.connect(isolation, preload=preload, course=course), workers=1)
