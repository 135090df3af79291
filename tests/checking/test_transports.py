"""The socket to a kernel: honest, slow, hostile and dying ones."""

import contextlib
import socket
import threading
import time

import numpy as np
import pytest

from autograder.checking.errors import BadReply, NotDefined, StudentError, StudentGone, StudentTimeout
from autograder.checking.student import Handle, Student, as_numpy, begin_check
from autograder.checking.transports import SocketTransport
from autograder.sandbox.codec import Caps, Ref, decode, encode
from autograder.sandbox.probe import Probe, serve


@contextlib.contextmanager
def served_by(serve_on, **options):
    """A transport whose other end is served by a function of its socket, on a thread."""
    ours, theirs = socket.socketpair()
    options = {"timeout_s": 10.0} | options

    def run():
        with theirs, contextlib.suppress(OSError):
            serve_on(theirs)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    transport = SocketTransport(ours, **options)
    yield transport
    transport.close()
    thread.join(10)
    assert not thread.is_alive()


def frame(data):
    return len(data).to_bytes(8, "big") + data


def receive(sock):
    length = int.from_bytes(sock.recv(8, socket.MSG_WAITALL), "big")
    return decode(sock.recv(length, socket.MSG_WAITALL))


def replying(*replies):
    """A kernel that answers each request with the next of these bytes, whatever was asked."""

    def serve_on(sock):
        for reply in replies:
            receive(sock)
            sock.sendall(reply)
        while sock.recv(1 << 16):
            pass

    return serve_on


def test_values_come_and_go():
    with served_by(lambda sock: serve(Probe({"double": lambda x: 2 * x}), sock)) as transport:
        student = Student(transport)
        np.testing.assert_array_equal(student.double(as_numpy([1.5, 2.0])), [3, 4])
        with pytest.raises(NotDefined, match="`nothing` is not defined"):
            student.nothing(1)
        assert student.double(2) == 4


def test_large_arrays_come_whole():
    x = np.arange(3 << 20, dtype=np.float64)
    with served_by(lambda sock: serve(Probe({"same": lambda x: x}), sock)) as transport:
        np.testing.assert_array_equal(Student(transport).same(as_numpy(x)), x)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(frame(b""), id="nothing"),
        pytest.param(frame(b"\x00\x00\x00\x05hello"), id="no JSON"),
        pytest.param(frame(encode([1])), id="a list"),
        pytest.param(frame(encode({"n": 1})), id="neither value nor error"),
        pytest.param(frame(encode({"n": 1, "value": 1, "error": 1})), id="both"),
        pytest.param(frame(encode({"n": 1, "error": {"kind": "raised"}})), id="half an error"),
        pytest.param(
            frame(encode({"n": 1, "error": {**dict.fromkeys(("kind", "type", "where"), ""), "message": 1}})),
            id="number as message",
        ),
        pytest.param(frame(encode({"n": 7, "value": 1})), id="another number"),
        pytest.param(frame(encode({"value": 1})), id="no number"),
        pytest.param((1 << 62).to_bytes(8, "big"), id="endless frame"),
    ],
)
def test_malformed_replies_fail_the_check(reply):
    with (
        served_by(replying(reply)) as transport,
        pytest.raises(BadReply, match="what came back cannot be used"),
    ):
        Student(transport).f()


def test_the_channel_stays_in_step_after_a_reply_that_cannot_be_read():
    with served_by(replying(frame(b"rubbish"), frame(encode({"n": 2, "value": 5})))) as transport:
        student = Student(transport)
        with pytest.raises(BadReply):
            student.f()
        assert student.f() == 5


def test_an_endless_reply_is_cut_off_while_it_arrives():
    def flood(sock):
        receive(sock)
        sock.sendall((10**9).to_bytes(8, "big"))
        for _ in range(1000):
            sock.sendall(b"x" * (1 << 20))

    with served_by(flood, caps=Caps(total_bytes=1 << 20)) as transport:
        with pytest.raises(BadReply, match="1000000000 bytes, at most 1048576"):
            Student(transport).f()
        assert transport.closed
        with pytest.raises(StudentGone):
            Student(transport).f()


def test_a_slow_drip_does_not_outlast_the_deadline():
    def drip(sock):
        receive(sock)
        for byte in frame(encode({"n": 1, "value": 1})):
            sock.sendall(bytes([byte]))
            time.sleep(0.05)

    with served_by(drip, timeout_s=0.5) as transport:
        started = time.monotonic()
        with pytest.raises(StudentTimeout):
            Student(transport).f()
        assert time.monotonic() - started < 1.5


def test_all_requests_of_a_check_share_its_time():
    served = Probe({"nap": lambda: time.sleep(0.2)})
    with served_by(lambda sock: serve(served, sock)) as transport:
        student = Student(transport)
        begin_check(student, 0.5, 1)
        with pytest.raises(StudentTimeout):
            for _ in range(10):
                student.nap()


def test_a_kernel_that_does_not_read_is_a_timeout():
    stop = threading.Event()
    with served_by(lambda sock: stop.wait(20), timeout_s=0.3) as transport:
        with pytest.raises(StudentTimeout):
            Student(transport).f(np.zeros(1 << 20))
        stop.set()


def test_a_kernel_that_ends_midway_is_gone():
    def die(sock):
        receive(sock)
        sock.sendall(frame(encode({"n": 1, "value": 1}))[:12])

    with served_by(die) as transport:
        with pytest.raises(StudentGone, match="ended"):
            Student(transport).f()
        assert transport.closed


def test_an_interrupted_kernel_answers_the_next_request():
    interrupted = threading.Event()

    def hang():
        interrupted.wait(20)
        raise KeyboardInterrupt

    probe = Probe({"hang": hang, "one": lambda: 1})
    with served_by(lambda sock: serve(probe, sock), timeout_s=0.3, interrupt=interrupted.set) as transport:
        student = Student(transport)
        with pytest.raises(StudentTimeout):
            student.hang()
        assert student.one() == 1


def test_a_kernel_that_ignores_interrupts_is_given_up():
    stop = threading.Event()
    probe = Probe({"hang": lambda: stop.wait(20)})
    options = {"timeout_s": 0.2, "interrupt": lambda: None, "grace_s": 0.2}
    with served_by(lambda sock: serve(probe, sock), **options) as transport:
        with pytest.raises(StudentTimeout):
            Student(transport).hang()
        assert transport.closed
        stop.set()


def test_a_result_over_the_caps_is_the_students_error():
    served = Probe({"huge": lambda: np.zeros(1 << 20), "one": lambda: 1})
    with served_by(lambda sock: serve(served, sock, Caps(total_bytes=1 << 20))) as transport:
        student = Student(transport)
        with pytest.raises(BadReply, match="8 MiB, at most 1 MiB"):
            student.huge()
        assert student.one() == 1


def test_text_from_the_student_is_cleaned_and_cut():
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07\u202eevil\x00\x9b2J " + "x" * 1000
    error = {"kind": "raised", "type": "E" * 200, "message": text, "where": "a\rb"}
    serve_on = replying(frame(encode({"n": 1, "error": error})))
    with served_by(serve_on) as transport, pytest.raises(StudentError) as caught:
        Student(transport).f()
    error = caught.value
    assert error.message.startswith("red  evil") and "\x1b" not in str(error) and "\u202e" not in str(error)
    assert str(error).isprintable()
    assert len(error.message) == 500 and len(error.type_name) == 80 and error.where == "a b"


def test_forged_references_are_handles_and_nothing_more():
    with served_by(replying(frame(encode({"n": 1, "value": [Ref(5, (("item", 3),))]})))) as transport:
        [handle] = Student(transport).f()
    assert isinstance(handle, Handle)


def test_a_reference_to_what_cannot_be_there_is_no_reply():
    with (
        served_by(replying(frame(encode({"n": 1, "value": [Ref(-5)]})))) as transport,
        pytest.raises(BadReply, match="cannot be there"),
    ):
        Student(transport).f()


def test_what_the_check_lets_go_of_is_let_go_there():
    probe = Probe({"make": object, "one": lambda: 1})
    with served_by(lambda sock: serve(probe, sock)) as transport:
        student = Student(transport)
        for _ in range(5):
            student.make()
        student.one()
        assert len(probe._kept) <= 1
