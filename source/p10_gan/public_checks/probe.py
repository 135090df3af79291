"""Answers the grader's requests for values inside the process that ran the notebook.

This side is untrusted: everything it says is a claim, and it is given inputs only. It knows nothing of
checks, expected values or marks. A request is a dict with `op` and that operation's fields; the answer is
`{"value": ...}`, or `{"error": {"kind", "type", "message", "where"}}` when the student's code raised.
"""

import contextlib
import importlib
import io
import itertools
import linecache
import random
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .codec import Caps, CodecError, Ref, decode, encode
from .remote_values import to_plain, to_student
from .remote_variables import assign, describe, variables_of, vjp

_MAX_MESSAGE_CHARS = 2000


class _UndefinedNameError(Exception):
    """A name that the notebook does not define."""


class Probe:
    """Looks names up in a namespace, calls what it finds, and keeps what cannot cross.

    Args:
        namespace: the notebook's global names.
        first: number of the first object that is kept.
    """

    def __init__(self, namespace: dict[str, Any], first: int = 1):
        self._namespace = namespace
        self._kept: dict[int, Any] = {}
        self._numbers = itertools.count(first)
        self._seeds: set[int] = set()
        self._operations: dict[str, Callable[[dict], Any]] = {
            "ping": lambda request: True,
            "defined": lambda request: request["name"] in self._namespace,
            "get": lambda request: self._plain(self._resolve(request["target"])),
            "call": self._call,
            "take": self._take,
            "make": self._make,
            "define": self._define,
            "variables": lambda request: describe(self._student(request["target"])),
            "assign": self._assign,
            "vjp": self._vjp,
            "seed": self._seed,
        }

    def answer(self, request: dict) -> dict:
        """Do what `request` asks. KeyboardInterrupt and the like pass through."""
        for number in request.get("drop", ()):
            self._kept.pop(number, None)
        try:
            return {"value": self._operations[request["op"]](request)}
        except (Exception, SystemExit) as error:
            return {"error": self.describe(error)}

    def describe(self, error: BaseException) -> dict:
        """Type, message and place of an exception, for the report."""
        kind = "raised"
        if isinstance(error, _UndefinedNameError):
            kind = "undefined"
        elif isinstance(error, NotImplementedError):
            kind = "unimplemented"
        elif isinstance(error, CodecError):
            kind = "too large"
        try:
            message = str(error)
        except Exception:
            message = ""
        return {
            "kind": kind,
            "type": type(error).__name__,
            "message": message[:_MAX_MESSAGE_CHARS],
            "where": self._where(error)[:_MAX_MESSAGE_CHARS],
        }

    def _where(self, error: BaseException) -> str:
        """The innermost line of the notebook itself that was running."""
        where, traceback = "", error.__traceback__
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if traceback.tb_frame.f_globals is self._namespace:
                line = linecache.getline(code.co_filename, traceback.tb_lineno).strip()
                where = (
                    f"line {traceback.tb_lineno} of the cell, in {code.co_name}{': ' + line if line else ''}"
                )
            traceback = traceback.tb_next
        return where

    def _resolve(self, ref: Ref) -> Any:
        steps = list(ref.path)
        if ref.number:
            found = self._kept[ref.number]
        else:
            name = steps.pop(0)[1]
            if name not in self._namespace:
                raise _UndefinedNameError(name)
            found = self._namespace[name]
        for kind, key in steps:
            found = getattr(found, key) if kind == "attribute" else found[key]
        return found

    def _keep(self, value: Any) -> Ref:
        number = next(self._numbers)
        self._kept[number] = value
        return Ref(number)

    def _plain(self, value: Any) -> Any:
        return to_plain(value, self._keep)

    def _student(self, value: Any, floats: list | None = None) -> Any:
        return to_student(value, self._resolve, floats)

    def _call(self, request: dict) -> Any:
        function = self._resolve(request["target"])
        return self._plain(function(*self._student(request["args"]), **self._student(request["kwargs"])))

    def _take(self, request: dict) -> Any:
        items = iter(self._resolve(request["target"]))
        return [self._plain(item) for item in itertools.islice(items, request["count"])]

    def _make(self, request: dict) -> Any:
        module, _, name = request["name"].rpartition(".")
        maker = getattr(importlib.import_module(module), name)
        return self._keep(maker(*self._student(request["args"]), **self._student(request["kwargs"])))

    def _define(self, request: dict) -> Any:
        scope = self._student(request["values"])
        exec(compile(request["source"], "<given by the check>", "exec"), scope)  # noqa: S102
        return self._keep(scope[request["name"]])

    def _assign(self, request: dict) -> None:
        assign(self._student(request["target"]), request["values"])

    def _vjp(self, request: dict) -> dict:
        function = self._resolve(request["target"])
        floats: list = []
        args, kwargs = self._student(request["args"], floats), self._student(request["kwargs"], floats)
        of = request["of"] if request["of"] is not None else request["target"]
        output, variables, inputs = vjp(
            lambda: function(*args, **kwargs),
            floats if "inputs" in request["wrt"] else [],
            lambda: variables_of(self._student(of)) if "variables" in request["wrt"] else [],
            request["cotangent"],
        )
        return {"output": self._plain(output), "variables": variables, "inputs": inputs}

    def _seed(self, request: dict) -> None:
        seed = request["seed"]
        random.seed(seed)
        np.random.seed(seed % 2**32)
        if not {"tensorflow", "keras"} & sys.modules.keys():
            return
        with contextlib.nullcontext() if seed in self._seeds else _kernels_kept():
            if "keras" in sys.modules:
                sys.modules["keras"].utils.set_random_seed(seed % 2**31)
            else:
                sys.modules["tensorflow"].random.set_seed(seed % 2**31)
        self._seeds.add(seed)


@contextlib.contextmanager
def _kernels_kept():
    """Let TensorFlow keep its kernels when its seed changes: to make them anew costs more than most checks.

    It forgets them because a random kernel goes on from where it was when the same seed is set again. A seed
    that was never set before has no such kernel.
    """
    eager = sys.modules.get("tensorflow.python.eager.context")
    wrapped = getattr(eager, "pywrap_tfe", None)
    forget = getattr(wrapped, "TFE_ContextClearCaches", None)
    if forget is None:
        yield
        return
    wrapped.TFE_ContextClearCaches = lambda _context: None  # pyright: ignore[reportOptionalMemberAccess]
    try:
        yield
    finally:
        wrapped.TFE_ContextClearCaches = forget  # pyright: ignore[reportOptionalMemberAccess]


def serve(probe: Probe, sock: socket.socket, caps: Caps | None = None) -> None:
    """Answer the requests that arrive on `sock` until the other side closes it."""
    while _serve_one(probe, sock, caps or Caps()):
        pass


def install(namespace: dict[str, Any], fd: int) -> None:
    """Answer requests on descriptor `fd` from the kernel's own event loop, between cells, on its thread."""
    from tornado.ioloop import IOLoop

    sock = socket.socket(fileno=fd)
    sock.setblocking(True)
    # Objects of a kernel that this one replaces must not be mistaken for its own.
    probe, loop = Probe(namespace, first=1 + secrets.randbits(48)), IOLoop.current()

    def answer(_fd: Any, _events: int) -> None:
        if not _serve_one(probe, sock, Caps()):
            loop.remove_handler(sock)
            sock.close()

    loop.add_handler(sock, answer, IOLoop.READ)


def _serve_one(probe: Probe, sock: socket.socket, caps: Caps) -> bool:
    frame = _receive_frame(sock)
    if frame is None:
        return False
    request = decode(frame, caps)
    with _interruptible(), contextlib.redirect_stdout(_Silence()), contextlib.redirect_stderr(_Silence()):
        try:
            reply = encode({"n": request["n"], **probe.answer(request)}, caps)
        except BaseException as error:
            reply = encode({"n": request["n"], "error": probe.describe(error)}, caps)
    sock.sendall(len(reply).to_bytes(8, "big") + reply)
    return True


def _receive_frame(sock: socket.socket) -> bytearray | None:
    prefix = _receive(sock, 8)
    return None if prefix is None else _receive(sock, int.from_bytes(prefix, "big"))


def _receive(sock: socket.socket, count: int) -> bytearray | None:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        received = sock.recv_into(view)
        if not received:
            return None
        view = view[received:]
    return data


@contextlib.contextmanager
def _interruptible():
    """Let SIGINT raise KeyboardInterrupt here: an idle IPython kernel ignores it."""
    try:
        previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


class _Silence(io.TextIOBase):
    """What a function prints while a check calls it is nobody's output."""

    def write(self, text: str) -> int:
        return len(text)
