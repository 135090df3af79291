"""Ways to the process that holds the student's objects: another process, or this one."""

import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

from .errors import BadReply, StudentGone, StudentTimeout
from .codec import Caps, CodecError, decode, encode
from .probe import Probe

_CHUNK = 1 << 20


class Transport(Protocol):
    """Carries one request at a time and waits for its reply."""

    def begin(self, seconds: float) -> None:
        """A check begins: its requests have `seconds` together."""
        ...

    def request(self, request: dict) -> dict: ...


class LocalTransport:
    """Answers in this process, from a namespace: the reference, a mutant, a student's own notebook."""

    def __init__(self, namespace: dict[str, Any]):
        self._probe = Probe(namespace)

    def begin(self, seconds: float) -> None:
        pass

    def request(self, request: dict) -> dict:
        # Through bytes, so that nothing works here that would not work between processes.
        reply = self._probe.answer(decode(bytearray(encode(request))))
        try:
            return decode(bytearray(encode(reply)))
        except CodecError as error:
            return {"error": self._probe.describe(error)}


class SocketTransport:
    """Asks a kernel over a stream socket. Everything that arrives is capped while it arrives.

    Args:
        sock: connected; the other end is served by `probe.serve` or `probe.install`.
        timeout_s: for requests outside a check.
        caps: the largest reply.
        interrupt: stops what the kernel is doing (SIGINT); called after a timeout, so that the next check
            finds it answering again.
        grace_s: how long an interrupted kernel has to answer.
    """

    def __init__(
        self,
        sock: socket.socket,
        timeout_s: float = 30.0,
        caps: Caps | None = None,
        *,
        interrupt: Callable[[], None] | None = None,
        grace_s: float = 2.0,
    ):
        self._sock: socket.socket | None = sock
        self._timeout_s = timeout_s
        self._caps = caps or Caps()
        self._interrupt = interrupt
        self._grace_s = grace_s
        self._deadline: float | None = None
        self._sent = 0

    def begin(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def request(self, request: dict) -> dict:
        sock = self._sock
        if sock is None:
            raise StudentGone("the notebook's process has ended")
        deadline = self._deadline if self._deadline is not None else time.monotonic() + self._timeout_s
        self._sent += 1
        message = encode({"n": self._sent, **request}, self._caps)
        try:
            _wait_until(sock, deadline)
            sock.sendall(len(message).to_bytes(8, "big") + message)
            reply = self._receive(sock, deadline)
        except TimeoutError:
            self._recover(sock)
            raise StudentTimeout from None
        except OSError:
            self.close()
            raise StudentGone("the notebook's process ended while it was asked for a value") from None
        return reply

    @property
    def closed(self) -> bool:
        """Whether the kernel has to be replaced: it has ended, or its next words could not be told apart."""
        return self._sock is None

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _receive(self, sock: socket.socket, deadline: float) -> dict:
        length = int.from_bytes(_receive_exactly(sock, 8, deadline), "big")
        if length > self._caps.total_bytes:
            # What follows would have to be read to its end: there is no way back in step.
            self.close()
            raise BadReply("BadReply", f"a reply of {length} bytes, at most {self._caps.total_bytes}")
        data = _receive_exactly(sock, length, deadline)
        try:
            reply = decode(data, self._caps)
        except CodecError as error:
            raise BadReply("BadReply", str(error)) from None
        if not isinstance(reply, dict) or reply.pop("n", None) != self._sent:
            self.close()
            raise BadReply("BadReply", "a reply to another question")
        return reply

    def _recover(self, sock: socket.socket) -> None:
        """Bring the kernel to answer again, or give it up."""
        if self._interrupt is None:
            self.close()
            return
        try:
            self._interrupt()
            self._receive(sock, time.monotonic() + self._grace_s)
        except (OSError, BadReply):
            self.close()


def _wait_until(sock: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left)


def _receive_exactly(sock: socket.socket, count: int, deadline: float) -> bytearray:
    """`count` bytes, allocated as they arrive, before `deadline` however slowly they drip."""
    data = bytearray()
    while len(data) < count:
        _wait_until(sock, deadline)
        chunk = sock.recv(min(_CHUNK, count - len(data)))
        if not chunk:
            raise ConnectionResetError
        data += chunk
    return data
