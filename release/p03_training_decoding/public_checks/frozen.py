"""The reference without the reference: its answers, and the random inputs that they belong to, replayed.

A frozen case is what one public check asked for when the release was built:

    {"draws": [{"method", "result", "changed"}, ...], "answers": [{"asked", "reply"}, ...]}

The draws are kept too, because other versions of NumPy draw other numbers from one seed.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .errors import NotFrozen
from .codec import Ref, restore

ANSWERS = "answers.npz"
INDEX = "answers.json"


def load_frozen(folder: str | os.PathLike) -> dict[str, Any]:
    """What the build froze: `{"cases": {case: ...}, "hidden": [questions with more checks at grading]}`."""
    index = json.loads(Path(folder, INDEX).read_text(encoding="utf-8"))
    with np.load(Path(folder, ANSWERS), allow_pickle=False) as archive:
        arrays = [archive[f"{number:04d}"] for number in range(len(archive.files))]
    return restore(index, arrays)


def asked(request: dict) -> str:
    """What a request is about, to notice when another one comes."""
    target = request.get("target")
    steps = [str(key) for _, key in target.path] if isinstance(target, Ref) else []
    return " ".join([request["op"], *steps, request.get("name", "")]).strip()


class ReplayTransport:
    """Answers requests to the reference in the order in which the build recorded them."""

    def __init__(self, case: dict[str, Any]):
        self._answers = list(case["answers"])

    def begin(self, seconds: float) -> None:
        pass

    def request(self, request: dict) -> dict:
        answer: dict[str, Any] = self._answers.pop(0) if self._answers else {"asked": None}
        if answer["asked"] != asked(request):
            raise NotFrozen("this check can only be run at grading")
        return answer["reply"]


class ReplayRng:
    """Stands for `np.random.Generator` and gives the recorded draws; after them, ones of its own."""

    def __init__(self, case: dict[str, Any]):
        self._draws = list(case["draws"])
        self._own = np.random.default_rng(0)

    def __getattr__(self, method: str) -> Callable:
        if method.startswith("_"):
            raise AttributeError(method)

        def draw(*args: Any, **kwargs: Any) -> Any:
            recorded = self._draws.pop(0) if self._draws else {"method": None}
            if recorded["method"] != method:
                return getattr(self._own, method)(*args, **kwargs)
            if recorded["changed"] is not None:  # shuffle works in place
                args[0][...] = recorded["changed"]
            result = recorded["result"]
            return result.copy() if isinstance(result, np.ndarray) else result

        return draw
