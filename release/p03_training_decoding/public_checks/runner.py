"""Runs the checks of one module with pytest, in this process, and turns what happens into results.

pytest runs bare: no plugin, conftest, configuration file, cache or assertion rewriting from elsewhere can
change a mark, and a run in a warm process costs some milliseconds.
"""

import contextlib
import os
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest

from .question import Question, marked, question_of
from .result import CheckResult, Outcome
from .student import last_answer
from .verdict import CheckTimeout, defect, judge, unusable

_BLOCKED = (
    "cacheprovider",
    "capture",
    "debugging",
    "doctest",
    "faulthandler",
    "junitxml",
    "legacypath",
    "logging",
    "pastebin",
    "setuponly",
    "setupplan",
    "stepwise",
    "terminal",
    "threadexception",
    "unittest",
    "unraisableexception",
    "warnings",
)
_GRACE_S = 5.0  # the transport's deadline comes first; the alarm is for the check's own loops


class Bench(Protocol):
    """What the checks run against. A case is a function's name, with its parameters in brackets.

    Args:
        check_s: seconds for a check whose mark does not say otherwise.
    """

    check_s: float

    def begin(self, case: str, seconds: float) -> None: ...
    def fixture(self, name: str, case: str) -> Any:
        """The value of the fixture `student`, `reference`, `rng` or `submission`."""
        ...

    def is_sound(self, case: str, repeat: Callable[[dict[str, Any]], None]) -> bool:
        """Whether the check is known to pass with the reference in the student's place.

        Args:
            repeat: runs the check once more with these fixtures in the place of its own.
        """
        ...


def run(
    module: ModuleType,
    bench: Bench,
    select: Callable[[str, Question], bool],
    on_check: Callable[[CheckResult], None] | None = None,
    on_error: Callable[[str, BaseException], None] | None = None,
) -> list[CheckResult]:
    """Results of the selected checks of `module`, in its order.

    Args:
        select: takes a check's id and its mark.
        on_check: called with each result as it becomes known.
        on_error: called before it with the id and the exception of a check that has not passed.
    """
    path = Path(str(module.__file__))
    plugin = _Plugin(module, bench, select, on_check or _ignore, on_error or _ignore)
    blocked = [argument for name in _BLOCKED for argument in ("-p", f"no:{name}")]
    configuration = Path(__file__).with_name("pytest_for_checks.ini")
    arguments = [str(path), "-c", str(configuration), f"--rootdir={path.parent}", "--noconftest"]
    with (
        _environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS="", PYTEST_PLUGINS=""),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # a warning is no verdict, whatever the process makes of warnings
        code = pytest.main([*arguments, "--assert=plain", *blocked], plugins=[plugin])
    if code == pytest.ExitCode.INTERRUPTED and plugin.interrupted:
        raise KeyboardInterrupt
    if plugin.broken is not None:
        raise plugin.broken
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest could not run {path} ({code!r})")
    return plugin.results


class _CheckModule(pytest.Module):
    loaded: ModuleType

    def _getobj(self) -> ModuleType:
        return self.loaded


class _Progress:
    """One check on its way: cases left, time used, the first verdict that is no pass."""

    def __init__(self, cases: int):
        self.cases = cases
        self.seconds = 0.0
        self.verdict: tuple[Outcome, str] | None = None


class _DecidedError(Exception):
    """A case that need not run: another of the same check has not passed."""


class _Plugin:
    def __init__(self, module, bench: Bench, select, on_check, on_error):
        self.results: list[CheckResult] = []
        self.broken: Exception | None = None
        self.interrupted = False
        self._module, self._bench, self._select = module, bench, select
        self._on_check, self._on_error = on_check, on_error
        self._progress: dict[str, _Progress] = {}

    @pytest.fixture
    def student(self, request):
        return self._bench.fixture("student", request.node.name)

    @pytest.fixture
    def reference(self, request):
        return self._bench.fixture("reference", request.node.name)

    @pytest.fixture
    def rng(self, request):
        return self._bench.fixture("rng", request.node.name)

    @pytest.fixture
    def submission(self, request):
        return self._bench.fixture("submission", request.node.name)

    def pytest_pycollect_makemodule(self, module_path, parent):
        collected = _CheckModule.from_parent(parent, path=module_path)
        collected.loaded = self._module
        return collected

    def pytest_collection_modifyitems(self, items):
        for item in items:
            if question_of(item.function) is None:
                self.broken = TypeError(f"{item.name} in {self._module.__file__} has no @question")
                items.clear()
                return
        items[:] = [item for item in items if self._select(_check_id(item), marked(item.function))]
        counts = Counter(_check_id(item) for item in items)
        self._progress = {check: _Progress(cases) for check, cases in counts.items()}

    def pytest_collectreport(self, report):
        if report.failed:
            self.broken = RuntimeError(f"pytest could not collect {self._module.__file__}: {report.longrepr}")

    def pytest_keyboard_interrupt(self, excinfo):
        self.interrupted = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        progress = self._progress[_check_id(item)]
        if progress.verdict is not None:
            raise _DecidedError
        left = self._left(item)
        if "student" in item.fixturenames:
            self._bench.begin(item.name, left)
        with _alarm(left + _GRACE_S):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        with _alarm(self._left(item) + _GRACE_S):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        # pytest's own report would render the traceback with every value in it: slow, and never shown.
        progress = self._progress[_check_id(item)]
        error = call.excinfo.value if call.excinfo is not None else None
        progress.seconds += call.duration
        if error is not None and not isinstance(error, _DecidedError) and progress.verdict is None:
            progress.verdict = self._judge(item, error)
            self._on_error(_check_id(item), error)
        if call.when == "teardown":
            self._count_down(item, progress)
        outcome = "passed" if error is None else "failed"
        return pytest.TestReport(
            item.nodeid, item.location, {}, outcome, None, call.when, duration=call.duration
        )

    def _budget(self, item) -> float:
        seconds = marked(item.function).seconds
        return self._bench.check_s if seconds is None else seconds

    def _left(self, item) -> float:
        return max(self._budget(item) - self._progress[_check_id(item)].seconds, 0.0)

    def _judge(self, item, error: BaseException) -> tuple[Outcome, str]:
        verdict = judge(error, str(self._module.__file__), _check_id(item), self._budget(item))
        if verdict is not None:
            return verdict

        # Code that trips over None or a wrong shape is the student's failure if the reference's values
        # pass through it, on the same inputs.
        def repeat(fixtures: dict[str, Any]) -> None:
            names = item._fixtureinfo.argnames
            with _alarm(self._budget(item)):
                item.function(**{name: fixtures.get(name, item.funcargs[name]) for name in names})

        by_student = isinstance(error, Exception) and "student" in item.fixturenames
        if by_student and self._bench.is_sound(item.name, repeat):
            return "failed", unusable(last_answer(self._bench.fixture("student", item.name)))
        return "error", defect(error)

    def _count_down(self, item, progress: _Progress) -> None:
        progress.cases -= 1
        if progress.cases:
            return
        mark = marked(item.function)
        outcome, message = progress.verdict or ("passed", "")
        result = CheckResult(
            _check_id(item), mark.id, mark.points, outcome, message, round(progress.seconds, 4), mark.public
        )
        self.results.append(result)
        self._on_check(result)


def _ignore(*_arguments: object) -> None:
    pass


def _check_id(item) -> str:
    return item.originalname.removeprefix("test_")


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise CheckTimeout in the main thread after `seconds`, again and again if it is swallowed."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    expired = False

    def expire(_signal, _frame):
        nonlocal expired
        expired = True
        raise CheckTimeout

    started = time.monotonic()
    previous_handler = signal.signal(signal.SIGALRM, expire)
    previous_left, previous_interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
        if expired:
            raise CheckTimeout
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous_handler)
        if previous_left:
            left = max(previous_left - (time.monotonic() - started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, previous_interval)


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    previous = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
