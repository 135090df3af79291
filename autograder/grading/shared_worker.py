"""Grading one notebook from a program that does not grade a class: nbgrader, Formgrader.

The work is done by a worker of the shared launcher (`autograder.sandbox.on_demand`), so that neither
TensorFlow nor a check ever runs inside a notebook server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from autograder.errors import LauncherError
from autograder.grading.worker import WorkerPool
from autograder.sandbox import on_demand

Result = TypeVar("Result")


def run(
    function: Callable[..., Result], *arguments: object, isolation: str, preload: tuple[str, ...]
) -> Result:
    """Run `function` in a warm worker; what it raises is raised here.

    Raises: LauncherError where no launcher can be had; IsolationUnavailable.
    """
    try:
        return _pool(isolation, preload).submit(function, *arguments).result()
    except LauncherError:
        # The launcher that we knew has ended, after idling for instance.
        _pool.cache_clear()
        return _pool(isolation, preload).submit(function, *arguments).result()


@cache
def _pool(isolation: str, preload: tuple[str, ...]) -> WorkerPool:
    return WorkerPool(on_demand.connect(isolation, preload=preload), workers=1)
