"""Running checks: outcomes, messages, time, and what must not get in the way."""

import contextlib
import os
import signal
import socket
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import toy_reference

from autograder.checking.student import Student
from autograder.checking.submission_facts import CellFacts, SubmissionFacts
from autograder.checking.suite import run_checks
from autograder.checking.transports import LocalTransport, SocketTransport
from autograder.sandbox.probe import Probe, serve

TINY = Path(__file__).with_name("tiny_checks.py")
GOOD = {"double": toy_reference.double, "split": toy_reference.split}
HEADER = """
import numpy as np
import pytest
from autograder.checking import as_numpy, close, outputs, question
REFERENCE = ("toy_reference",)
"""


def local(**names):
    return Student(LocalTransport(GOOD | names))


def outcomes(results):
    return {result.id: result.outcome for result in results}


@pytest.fixture
def checks(tmp_path):
    """Writes a check module and runs it."""

    def run(body, student=None, **options):
        path = tmp_path / "some_checks.py"
        path.write_text(HEADER + body)
        return run_checks(path, student or local(), options.pop("seed", 1), **options)

    return run


@pytest.fixture
def one(checks):
    """The result of the only check of a module: a body without its mark and `def`."""

    def run(body, student=None, **options):
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        mark = '\n@question("q", points=1)\ndef test_a(student, reference, rng):\n'
        [result] = checks(mark + lines, student, **options)
        return result

    return run


def test_the_reference_passes_everything():
    results = run_checks(TINY, local(), 1)
    assert [result.outcome for result in results] == ["passed"] * 4
    assert [result.message for result in results] == [""] * 4
    assert sum(result.earned for result in results) == 11


def test_a_mistake_costs_its_checks_and_says_why():
    doubled, shape, *_ = run_checks(TINY, local(double=lambda x: 3 * x), 1)
    assert (doubled.outcome, doubled.earned, shape.outcome) == ("failed", 0, "passed")
    assert doubled.message.startswith("every entry is multiplied by 2 (max. difference")


def test_selection_by_question_check_and_publicity():
    assert list(outcomes(run_checks(TINY, local(), 1, only={"double"}))) == [
        "doubles_every_entry",
        "keeps_the_shape",
    ]
    assert list(outcomes(run_checks(TINY, local(), 1, only={"keeps_the_shape"}))) == ["keeps_the_shape"]
    assert list(outcomes(run_checks(TINY, local(), 1, public_only=True))) == [
        "doubles_every_entry",
        "halves_add_up",
    ]
    assert run_checks(TINY, local(), 1, only={"nothing"}) == []


def test_each_result_is_told_as_it_is_known():
    told = []
    results = run_checks(TINY, local(), 1, on_check=told.append)
    assert told == results


def test_facts_about_the_submission_reach_their_check():
    cell = CellFacts(0, "1/0", "code", True, "ZeroDivisionError", 0.1, "", None)
    *_, ran = run_checks(TINY, local(), 1, SubmissionFacts((cell,)))
    assert (ran.outcome, ran.message) == ("failed", "a cell raised")


def test_parameters_are_one_check_and_its_worst_case(checks):
    body = """
@question("q", points=1)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a(student, n):
    assert student.f(n) != 2, f"n is {n}"
"""
    calls = []
    [result] = checks(body, local(f=lambda n: calls.append(n) or n))
    assert (result.outcome, result.message, calls) == ("failed", "n is 2", [1, 2])


@pytest.mark.parametrize(
    ("student", "outcome", "words"),
    [
        ({}, "failed", "`f` is not defined in the notebook"),
        ({"f": lambda x: 1 / 0}, "failed", "your code raised ZeroDivisionError: division by zero"),
        ({"f": lambda x: exit()}, "failed", "SystemExit"),
        ({"f": 3}, "failed", "TypeError"),
    ],
)
def test_what_the_student_raises_fails(one, student, outcome, words):
    result = one("student.f(rng.normal(size=2))", local(**student))
    assert result.outcome == outcome and words in result.message


def test_not_implemented_is_told_apart(one):
    def stub(x):
        raise NotImplementedError

    assert one("student.f(1)", local(f=stub)).message.startswith("not implemented yet")


@pytest.mark.parametrize("result", [None, np.zeros(3), (1, 2, 3), "text", object()])
def test_code_that_trips_over_a_strange_result_is_the_students_failure(one, result):
    tripping = "first, second = student.split(as_numpy(rng.normal(size=6)))\nfirst.shape[0] + second.shape[0]"
    checked = one(tripping, local(split=lambda x: result))
    assert checked.outcome == "failed"
    assert checked.message.startswith("the result has another form than the question asks for: it is ")


def test_code_that_trips_over_the_reference_too_is_our_defect(one):
    result = one("student.double(rng.normal(size=2)).no_such_attribute")
    assert (result.outcome, result.earned) == ("error", 0)
    assert result.message == "this check could not be carried out (AttributeError): please tell the staff"


@pytest.mark.parametrize(
    "defect",
    [
        "reference.no_such_name(1)",
        "pytest.skip('not today')",
        "pytest.fail('0.123456')",
        "raise RuntimeError('0.123456')",
        "raise SystemExit",
        "import sys; sys.exit(3)",
        "student.double(object())",
    ],
)
def test_defects_of_the_check_are_errors_and_hide_their_text(one, defect):
    result = one(defect)
    assert result.outcome == "error" and "0.123456" not in result.message


SECRET = 0.7348295
LEAKS = [
    "assert student.double(1.0) == SECRET",
    "assert student.double(1.0) == SECRET, SECRET",
    "assert student.double(1.0) == SECRET, np.array([SECRET])",
    "np.testing.assert_allclose(student.double(np.ones(1)), [SECRET])",
    "np.testing.assert_array_equal(student.double(np.ones(1)), [SECRET], err_msg='words')",
    "close(student.double(np.ones(2)), [SECRET, -SECRET], 'words')",
    "assert student.double(1.0) in {SECRET: 1}",
    "pytest.approx(SECRET) == student.double(1.0) or pytest.fail(str(SECRET))",
    "{}[student.double(1.0) and SECRET]",
    "raise ValueError(SECRET)",
]


@pytest.mark.parametrize("check", LEAKS)
def test_no_message_holds_a_hidden_value(one, check, capfd):
    result = one(f"SECRET = {SECRET}\n{check}")
    assert result.outcome in ("failed", "error")
    assert "7348" not in result.message + "".join(capfd.readouterr())


def test_inputs_differ_by_seed_check_and_case_and_by_nothing_else(checks):
    body = """
for name in "ab":
    exec(f'''
@question("q", points=1)
@pytest.mark.parametrize("n", [1, 2])
def test_{name}(student, rng, n):
    student.see(as_numpy(rng.normal(size=2)))
''')
"""

    def draws(seed):
        seen = []
        checks(body, local(see=lambda x: seen.append(tuple(x))), seed=seed)
        return seen

    first = draws(1)
    assert len(set(first)) == 4 and first == draws(1) and not set(first) & set(draws(2))


class Spied(LocalTransport):
    """Keeps every request that reaches the student's side."""

    def __init__(self, namespace):
        super().__init__(namespace)
        self.requests = []

    def request(self, request):
        self.requests.append(request)
        return super().request(request)


def test_the_student_is_seeded_and_cannot_tell_the_inputs_from_the_seed(one):
    drawn = []
    transports = [Spied({"f": lambda x: drawn.append(np.random.normal())}) for _ in range(2)]
    for transport in transports:
        one("student.f(as_numpy(rng.normal(size=2)))", Student(transport))
    seeding, call = transports[0].requests
    assert drawn[0] == drawn[1]
    guess = np.random.default_rng(seeding["seed"]).normal(size=2)
    assert seeding["op"] == "seed" and not np.array_equal(guess, call["args"][0].array)


@pytest.fixture
def served():
    """Serves names over a socket, on a thread; `end` among them ends the connection."""
    opened = []

    def start(**names):
        ours, theirs = socket.socketpair()
        probe = Probe(GOOD | {"end": lambda: theirs.shutdown(socket.SHUT_RDWR)} | names)

        def run():
            with theirs, contextlib.suppress(OSError):
                serve(probe, theirs)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        opened.append((SocketTransport(ours), thread))
        return Student(opened[-1][0])

    yield start
    for transport, thread in opened:
        transport.close()
        thread.join(30)


def test_a_function_that_hangs_is_a_timeout_of_its_check(one, served):
    stop = threading.Event()
    started = time.monotonic()
    result = one("student.hang()", served(hang=lambda: stop.wait(20)), check_s=0.3)
    stop.set()
    assert (result.outcome, result.message) == ("timeout", "no result within 0.3 seconds: a")
    assert time.monotonic() - started < 3


def test_after_a_kernel_is_gone_the_rest_are_errors(checks, served):
    body = """
@question("q", points=1)
def test_a(student): student.end()
@question("q", points=1)
def test_b(student): student.double(1)
@question("q", points=1)
def test_c(submission): pass
"""
    results = checks(body, served())
    assert outcomes(results) == {"a": "error", "b": "error", "c": "passed"}
    assert "ended" in results[0].message


def test_a_check_that_hangs_itself_is_stopped(one, monkeypatch):
    monkeypatch.setattr("autograder.checking.runner._GRACE_S", 0.2)
    result = one("while True:\n    pass", check_s=0.1)
    assert result.outcome == "timeout"


def test_a_check_may_ask_for_time_of_its_own(checks, monkeypatch):
    monkeypatch.setattr("autograder.checking.runner._GRACE_S", 0.0)
    body = """
import time
@question("q", points=1, seconds=5)
def test_trains_a_while(): time.sleep(0.4)
@question("q", points=1)
def test_is_quick(): time.sleep(0.4)
@question("q", points=1, seconds=0.2)
def test_has_little_time(): time.sleep(5)
"""
    long, usual, short = checks(body, check_s=0.1)
    assert [result.outcome for result in (long, usual, short)] == ["passed", "timeout", "timeout"]
    assert usual.message == "no result within 0.1 seconds: is quick"
    assert short.message == "no result within 0.2 seconds: has little time"
    assert long.seconds >= 0.4 > short.seconds


def test_parameters_share_the_time_of_their_check(checks, monkeypatch):
    monkeypatch.setattr("autograder.checking.runner._GRACE_S", 0.0)
    body = """
import time
@question("q", points=1, seconds=0.5)
@pytest.mark.parametrize("n", range(3))
def test_a(n): time.sleep(0.3)
"""
    assert outcomes(checks(body)) == {"a": "timeout"}


def test_code_in_this_process_that_swallows_exceptions_is_stopped(one, monkeypatch):
    monkeypatch.setattr("autograder.checking.runner._GRACE_S", 0.2)

    def stubborn():
        for _ in range(2):
            try:
                time.sleep(20)
            except BaseException:
                continue

    assert one("student.stubborn()", local(stubborn=stubborn), check_s=0.1).outcome != "passed"


def test_an_alarm_that_was_set_before_still_rings(one):
    rung = []
    previous = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    remaining = signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        one("student.double(1)")
        time.sleep(0.7)
    finally:
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, *remaining)
    assert rung


def test_an_interrupt_by_the_operator_passes_through(one):
    # A shell that starts us in the background lets SIGINT be ignored.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    try:
        with pytest.raises(KeyboardInterrupt):
            one("student.interrupt()", local(interrupt=interrupt))
    finally:
        signal.signal(signal.SIGINT, previous)


def test_configuration_plugins_and_files_from_elsewhere_change_nothing(tmp_path, monkeypatch, capfd, checks):
    (tmp_path / "conftest.py").write_text("raise RuntimeError('conftest was read')")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --no-such-option\npython_functions = nothing_*\n"
    )
    (tmp_path / "numpy.py").write_text("raise RuntimeError('a file of the current folder was imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    body = (
        '@question("q", points=1)\ndef test_a(student):\n    print("loud")\n    assert student.double(1) == 2'
    )
    [result] = checks(body)
    assert result.outcome == "passed"
    assert os.environ["PYTEST_ADDOPTS"] == "--collect-only"
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "conftest.py", "numpy.py", "pytest.ini", "some_checks.py",
    ]  # fmt: skip


def test_warnings_are_no_verdict(one):
    def warn(x):
        warnings.warn("of the student", stacklevel=1)
        return x

    assert one("student.warn(1)", local(warn=warn)).outcome == "passed"


def test_two_modules_of_one_name_and_a_changed_one_are_told_apart(tmp_path):
    results = []
    for folder, points in (("a", 1), ("b", 2), ("a", 3)):
        path = tmp_path / folder / "checks.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{HEADER}\n@question('q', points={points})\ndef test_a(): pass\n")
        results += run_checks(path, local(), 1)
    assert [result.points for result in results] == [1, 2, 3]


@pytest.mark.parametrize(
    ("body", "error"),
    [("def test_a(): pass", TypeError), ("1 / 0", ZeroDivisionError), ("import no_such_module", ImportError)],
)
def test_a_broken_module_is_our_error_at_once(checks, body, error):
    with pytest.raises(error):
        checks(body)


def test_a_fixture_that_does_not_exist_is_an_error_of_its_check(checks):
    results = checks(
        '@question("q", points=1)\ndef test_a(no_such_fixture): pass\n'
        '@question("q", points=1)\ndef test_b(student): pass\n'
    )
    assert outcomes(results) == {"a": "error", "b": "passed"}


def test_fixtures_of_the_module_work(checks):
    body = """
@pytest.fixture
def doubled(student, rng):
    return student.double(as_numpy(rng.normal(size=2)))
@question("q", points=1)
def test_a(doubled): assert doubled.shape == (2,), "m"
"""
    assert outcomes(checks(body)) == {"a": "passed"}
    [failed] = checks(body, local(double=lambda x: 1 / 0))
    assert failed.outcome == "failed" and "ZeroDivisionError" in failed.message


def test_many_runs_leave_nothing_behind_and_are_fast():
    run_checks(TINY, local(), 1)
    started, threads = time.perf_counter(), threading.active_count()
    for seed in range(20):
        run_checks(TINY, local(), seed)
    assert (time.perf_counter() - started) / 20 < 0.3
    assert threading.active_count() == threads
