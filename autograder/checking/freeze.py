"""What the build makes of a check module for the release: the package `public_checks`.

public_checks/
  __init__.py      check
  checks.py        the public checks and what they need, nothing else of the check module
  answers.npz      frozen answers of the reference, and the inputs that they belong to
  answers.json     their structure
  *.py             copies of the modules that run them
"""

import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograder.checking.catalogue import check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.errors import NotFrozen
from autograder.checking.frozen import ANSWERS, INDEX, asked
from autograder.checking.public_source import public_source, shipped_modules, shipped_text
from autograder.checking.runner import run
from autograder.checking.student import Student, begin_check
from autograder.checking.suite import derived_seed, reference_namespace
from autograder.checking.transports import LocalTransport, Transport
from autograder.errors import AutograderError
from autograder.sandbox.codec import flatten

__all__ = ["FreezeError", "public_source", "record_answers", "write_public_package"]

_SHIPPED_WHOLE = ("pytest_for_checks.ini",)
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_INIT = '''"""`check("question")` in a cell shows which public checks hold for what the notebook defines."""

from .public_check import check

__all__ = ["check"]
'''


class FreezeError(AutograderError):
    """A public check that cannot be released: it fails on the reference, or needs it alive."""


def write_public_package(check_module_path: str | os.PathLike, folder: str | os.PathLike) -> None:
    """Write the package for the check module to `folder`, which is replaced. The same bytes every time."""
    folder = Path(folder)
    answers, index = record_answers(check_module_path)
    files = {"__init__.py": _INIT, "checks.py": public_source(check_module_path), INDEX: index}
    files |= {f"{path.stem}.py": shipped_text(path) for path in shipped_modules()}
    files |= {name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _SHIPPED_WHOLE}
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    (folder / ANSWERS).write_bytes(answers)


def record_answers(check_module_path: str | os.PathLike, seed: int | str = "public") -> tuple[bytes, str]:
    """Run the public checks with the reference as the student, and keep what they asked the reference for.

    Returns: the bytes of an npz and the JSON that points into it.
    Raises: FreezeError.
    """
    module = load_check_module(Path(check_module_path))
    namespace = reference_namespace(getattr(module, "REFERENCE", ()))
    bench = _RecordingBench(namespace, seed, LocalTransport(namespace))
    errors: dict[str, BaseException] = {}
    run(module, bench, lambda _, mark: mark.public, on_error=errors.__setitem__)
    for check_id, error in errors.items():
        raise FreezeError(f"{check_module_path}: the public check {check_id} fails on the reference: {error}")
    perturbed = _RecordingBench(namespace, seed, _PerturbedTransport(namespace))
    run(module, perturbed, lambda _, mark: mark.public)
    for case, sent in bench.sent.items():
        for ours, theirs in zip(sent, perturbed.sent.get(case, []), strict=False):
            if ours != theirs:
                raise FreezeError(
                    f"{check_module_path}: {case} sends the reference what came from the student, so its "
                    "answer cannot be frozen. Draw the values from rng, or make the check hidden."
                )
    tree, arrays = flatten({"cases": bench.cases, "hidden": _partly_hidden(check_module_path)})
    return _npz(arrays), json.dumps(tree, separators=(",", ":")) + "\n"


def _partly_hidden(check_module_path: str | os.PathLike) -> list[str]:
    checks = check_catalogue(check_module_path)
    public = {check.question for check in checks if check.public}
    return sorted({check.question for check in checks if not check.public} & public)


def _npz(arrays: list[np.ndarray]) -> bytes:
    """`np.savez` without the time of day, and stored, because zlib's versions compress differently."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, array in enumerate(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{number:04d}.npy", _FIXED_DATE), content.getvalue())
    return buffer.getvalue()


class _RecordingBench:
    """The reference in both places; what is asked of it as the reference is kept, case by case."""

    check_s = 60.0

    def __init__(self, namespace: dict[str, Any], seed: int | str, as_student: Transport):
        self.cases: dict[str, dict[str, list]] = {}
        self.sent: dict[str, list[tuple]] = {}
        self._namespace, self._seed = namespace, seed
        self._student = Student(as_student)

    def begin(self, case: str, seconds: float) -> None:
        self._case(case)

    def fixture(self, name: str, case: str) -> Any:
        if name == "submission":
            raise NotFrozen("a public check cannot look at the submission")
        frozen = self._case(case)
        if name == "student":
            return self._student
        if name == "rng":
            return RecordingRng(np.random.default_rng(derived_seed(self._seed, case)), frozen["draws"])
        transport = RecordingTransport(LocalTransport(self._namespace), frozen["answers"], self.sent[case])
        return Student(transport, trusted=True)

    def is_sound(self, case: str, repeat: Callable[[dict[str, Any]], None]) -> bool:
        return False

    def _case(self, case: str) -> dict[str, list]:
        if case not in self.cases:
            self.cases[case], self.sent[case] = {"draws": [], "answers": []}, []
            # Names and first weights of layers are in the answers: they must not depend on what ran before.
            if "keras" in sys.modules:
                sys.modules["keras"].utils.clear_session(free_memory=False)
            begin_check(self._student, self.check_s, derived_seed("kernel", self._seed, case))
        return self.cases[case]


class RecordingTransport:
    """Passes requests on and keeps the replies.

    Args:
        answers: receives `{"asked", "reply"}` for each request.
        sent: receives each request as something that can be compared.
    """

    def __init__(self, inner: Transport, answers: list[dict], sent: list):
        self._inner, self._answers, self._sent = inner, answers, sent

    def begin(self, seconds: float) -> None:
        self._inner.begin(seconds)

    def request(self, request: dict) -> dict:
        request = {name: value for name, value in request.items() if name != "drop"}
        tree, arrays = flatten(request)
        self._sent.append((json.dumps(tree), [(a.shape, a.tobytes()) for a in arrays]))
        reply = self._inner.request(request)
        self._answers.append({"asked": asked(request), "reply": reply})
        return reply


class RecordingRng:
    """A generator whose draws are kept."""

    def __init__(self, inner: np.random.Generator, draws: list[dict]):
        self._inner, self._draws = inner, draws

    def __getattr__(self, method: str) -> Callable:
        if method.startswith("_"):
            raise AttributeError(method)

        def draw(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self._inner, method)(*args, **kwargs)
            if isinstance(result, np.generic):
                result = result.item()
            changed = args[0].copy() if method == "shuffle" else None
            kept = result.copy() if isinstance(result, np.ndarray) else result
            self._draws.append({"method": method, "result": kept, "changed": changed})
            return result

        return draw


class _PerturbedTransport(LocalTransport):
    """A student who is a little wrong everywhere: shows whose values a check sends on."""

    def request(self, request: dict) -> dict:
        reply = super().request(request)
        return {name: _perturbed(value) for name, value in reply.items()}


def _perturbed(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value * value.dtype.type(1 + 1e-6)
    if isinstance(value, list | tuple):
        return type(value)(_perturbed(item) for item in value)
    if isinstance(value, dict):
        return {key: _perturbed(item) for key, item in value.items()}
    return value
