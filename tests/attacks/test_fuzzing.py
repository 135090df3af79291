"""Whatever arrives from a submission, there are clean errors and nothing else, within time and memory.

Notebooks go from bytes to the marked copy that people see; messages of a kernel from a dict to a cell's outputs;
replies from bytes on a socket to the verdict of a comparison. `tests/sandbox/test_codec.py` has the codec's own.
"""

from __future__ import annotations

import json
import socket
import struct
import threading

import nbformat
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_any
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.checking import close, equal
from autograder.checking.compare import array, boolean, finite, integer, outputs
from autograder.checking.errors import CheckingError
from autograder.checking.student import Student
from autograder.checking.transports import SocketTransport
from autograder.errors import NotebookError
from autograder.grading import marking
from autograder.grading.execute import _CellWatch
from autograder.grading.notebook import TrustedCell, TrustedCells, intake
from autograder.report.safe_notebook import safe_to_show
from autograder.sandbox.codec import Caps, encode
from autograder.sandbox.limits import Limits

EXAMPLES = 300


def given(*strategies, examples=EXAMPLES):
    """Without Hypothesis's time limit: other work on the machine is no failure."""
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    chosen = settings(deadline=None, max_examples=examples, suppress_health_check=quiet)
    return lambda test: chosen(given_any(*strategies)(test))


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def fields(**known):
    """Objects with these keys, each with what belongs there, something else, or missing."""
    return st.fixed_dictionaries({}, optional={name: likely | JSON for name, likely in known.items()})


# Notebooks

GRADE_IDS = st.sampled_from(["answer", "test", "essay", "task", "../x", "a" * 300, ""])
NBGRADER = fields(
    grade_id=GRADE_IDS,
    schema_version=st.integers(0, 9),
    grade=st.booleans(),
    solution=st.booleans(),
    locked=st.booleans(),
    points=st.floats(),
    cell_type=st.sampled_from(["code", "markdown", "raw"]),
)
BUNDLE = fields(
    **{kind: st.text() for kind in ("text/plain", "text/html", "image/png", "image/svg+xml", "x/y")}
)
OUTPUT = fields(
    output_type=st.sampled_from(["stream", "display_data", "execute_result", "error"]),
    name=st.sampled_from(["stdout", "stderr"]),
    text=st.text() | st.lists(st.text()),
    data=BUNDLE,
    metadata=BUNDLE,
    execution_count=st.integers(),
    ename=st.text(),
    evalue=st.text(),
    traceback=st.lists(st.text()),
)
SOURCE = (
    st.text()
    | st.lists(st.text())
    | st.sampled_from(["1\r\n2", "$\\href{x}$", "<script>", "![a](attachment:b)"])
)
CELL = fields(
    cell_type=st.sampled_from(["code", "markdown", "raw", "heading"]),
    source=SOURCE,
    input=SOURCE,
    id=st.text(),
    metadata=fields(nbgrader=NBGRADER, tags=st.lists(st.text())),
    outputs=st.lists(OUTPUT, max_size=3),
    attachments=fields(b=BUNDLE),
    level=st.integers(),
)
NOTEBOOK = fields(
    cells=st.lists(CELL | JSON, max_size=6),
    worksheets=st.lists(fields(cells=st.lists(CELL, max_size=3)), max_size=2),
    metadata=fields(kernelspec=fields(name=st.text(), language=st.text())),
    nbformat=st.integers(0, 9),
    nbformat_minor=st.integers(0, 99),
)
TRUSTED = TrustedCells(
    (
        TrustedCell("answer", "code", "raise NotImplementedError()", solution=True),
        TrustedCell("test", "code", "assert f() == 1", points=2.0, grade=True, locked=True),
        TrustedCell("essay", "markdown", "YOUR ANSWER", points=1.0, grade=True, solution=True),
        TrustedCell("task", "markdown", "Plot it.", points=1.0, locked=True, task=True),
    )
)


@given(NOTEBOOK)
def test_any_notebook_is_marked_or_refused_with_a_reason(notebook):
    _mark(json.dumps(notebook).encode())


@given(
    st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-16", "surrogatepass"))
)
def test_any_file_is_marked_or_refused_with_a_reason(data):
    _mark(data)


@given(st.data())
def test_a_damaged_notebook_is_marked_or_refused_with_a_reason(data):
    whole = bytearray(json.dumps(data.draw(NOTEBOOK)).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, max(len(whole) - 1, 0)))
        whole[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    _mark(bytes(whole))


def _mark(data):
    try:
        nb = intake(data, TRUSTED).nb
    except NotebookError as refused:
        assert str(refused)
        return
    questions = marking.questions(nb, TRUSTED, [])
    assert [question.id for question in questions] == ["test", "essay", "task"]
    assert all(0 <= (question.score or 0) <= question.max_score for question in questions)
    marked = marking.mark(nb, questions)
    nbformat.validate(marked)
    nbformat.v4.writes(marked).encode("utf-8", "strict")


# Messages of a kernel

MESSAGE = "message-1"
KINDS = ("stream", "display_data", "execute_result", "error", "clear_output", "update_display_data", "status")
CONTENT = fields(
    name=st.sampled_from(["stdout", "stderr"]),
    text=st.text(),
    wait=st.booleans(),
    data=BUNDLE,
    metadata=BUNDLE,
    transient=fields(display_id=st.sampled_from(["a", "b"])),
    execution_count=st.integers(),
    execution_state=st.sampled_from(["busy", "idle"]),
    comm_id=st.sampled_from(["a", "b"]),
    target_name=st.just("jupyter.widget"),
    ename=st.text(),
    evalue=st.text(),
    traceback=st.lists(st.text()),
    status=st.sampled_from(["ok", "error", "aborted"]),
)
MESSAGES = st.fixed_dictionaries(
    {
        "msg_type": st.sampled_from([*KINDS, "comm_open", "comm_msg", "execute_input", "execute_reply", "x"]),
        "parent_header": st.just({"msg_id": MESSAGE}) | st.dictionaries(st.text(), JSON, max_size=2),
        "content": CONTENT,
        "header": st.dictionaries(st.text(), JSON, max_size=2),
        "metadata": JSON,
        "buffers": st.just([]),
    }
)


@given(st.lists(MESSAGES, max_size=12), examples=60)
def test_any_messages_leave_a_cell_that_can_be_shown(messages):
    cell = nbformat.v4.new_code_cell("x")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("x"), cell])
    client = NotebookClient(nb, record_timing=False)
    client.reset_execution_trackers()
    watch = _CellWatch(MESSAGE, cell, 1, client, Limits(output_bytes=2000), 2000)
    for message in messages:
        watch.on_iopub(message, len(repr(message)))
        watch.on_shell(message, 10)
    watch.failure()
    assert 0 <= watch.kept_bytes <= 2000
    nbformat.validate(safe_to_show(nb))
    marked = marking.mark(NotebookNode(nb), [])
    nbformat.v4.writes(marked).encode("utf-8", "strict")


# Replies of the probe

SMALL = Caps(total_bytes=1 << 16, header_bytes=1 << 12, arrays=20, depth=8, items=200, string_chars=500)
DTYPES = st.sampled_from(["|b1", "<f4", "<f8", "<i8", "|O", "<U4", "|V9", ">f4", "<M8[s]", "", "<f2", "<c16"])
SPECS = st.lists(st.tuples(DTYPES, st.lists(st.integers(-1, 2**40), max_size=4)), max_size=3)
TREE = st.recursive(
    LEAVES | st.fixed_dictionaries({"array": st.integers(-1, 3)}) | st.just({"ref": [1, []]}),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.fixed_dictionaries({"tuple": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"dict": st.lists(st.tuples(st.text(max_size=5), inner), max_size=3)})
        | st.fixed_dictionaries({"ref": st.lists(JSON, max_size=3)})
    ),
    max_leaves=8,
)
COMPARISONS = (
    lambda value: close(value, np.ones((2, 3)), "as expected"),
    lambda value: close(value, np.array([True, False]), "as expected"),
    lambda value: equal(value, {"a": [1, "x", None]}, "as expected"),
    lambda value: equal(value, [1, 2, 3], "as expected"),
    lambda value: outputs(value, 2, "two"),
    lambda value: (finite(value, "finite"), integer(value, "whole")),
    lambda value: boolean(value, "truth"),
    lambda value: array(value, "numbers", (None, 3)).sum(axis=0),
)


@pytest.fixture(scope="module")
def wire():
    """A student whose every reply is what the test says: `wire(reply)` gives it."""
    ours, theirs = socket.socketpair()
    answers: list[bytes] = []

    def serve():
        while prefix := theirs.recv(8, socket.MSG_WAITALL):
            theirs.recv(int.from_bytes(prefix, "big"), socket.MSG_WAITALL)
            theirs.sendall(answers[-1])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    transport = SocketTransport(ours, timeout_s=5, caps=SMALL)

    def ask(make):
        answers.append(make(transport._sent + 1))
        return Student(transport).f()

    yield ask
    ours.close()
    thread.join(5)
    theirs.close()


def framed(body: bytes) -> bytes:
    return struct.pack(">Q", len(body)) + body


def message(number, tree, specs=(), raw=b""):
    header = json.dumps({"arrays": list(specs), "value": {"dict": [["n", number], ["value", tree]]}}).encode()
    header += b" " * (-(len(header) + 4) % 16)
    return framed(struct.pack(">I", len(header)) + header + raw)


@given(TREE, SPECS, st.binary(max_size=64))
def test_any_reply_fails_a_comparison_and_nothing_else(wire, tree, specs, raw):
    for compare in COMPARISONS:
        try:
            compare(wire(lambda number: message(number, tree, specs, raw)))
        except (AssertionError, CheckingError) as verdict:
            assert str(verdict)


@given(
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner), max_leaves=6)
)
def test_any_value_fails_a_comparison_and_nothing_else(wire, value):
    def reply(number):
        return framed(encode({"n": number, "value": value}))

    for compare in COMPARISONS:
        try:
            compare(wire(reply))
        except (AssertionError, CheckingError) as verdict:
            assert str(verdict)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_said_to_be_none(data):
    """On a connection of their own, which ends with them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data[:8] if len(data) < 8 else struct.pack(">Q", len(data) - 8) + data[8:])
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(CheckingError):
            Student(SocketTransport(ours, timeout_s=5, caps=SMALL)).f()
