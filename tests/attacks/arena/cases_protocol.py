"""Attacks on what the grader and a kernel say to each other: values, messages, sockets, handles."""

from attack import Attack

CODEC = "values are read by a codec that checks every size before it allocates, and never unpickles"
MESSAGES = "messages are capped while they arrive, and one that is no output is not kept"
CLAIMS = "a reply is a claim: a value, compared like any other"
CHANNEL = "a check has a deadline, whatever the kernel sends or leaves out"

# A thread or a patch inside the kernel that owns the probe's socket.
FIND_PROBE = """
import gc, os, socket, struct, threading, json
def probe_socket():
    for thing in gc.get_objects():
        if getattr(thing, "__qualname__", "") == "install.<locals>.answer":
            for cell in thing.__closure__:
                if isinstance(cell.cell_contents, socket.socket):
                    return cell.cell_contents
def probe_object():
    for thing in gc.get_objects():
        if type(thing).__name__ == "Probe":
            return thing
def frame(value, arrays=(), raw=b""):
    header = json.dumps({"arrays": list(arrays), "value": value}).encode()
    header += b" " * (-(len(header) + 4) % 16)
    body = struct.pack(">I", len(header)) + header + raw
    return struct.pack(">Q", len(body)) + body
"""
ANSWER_ALL = """
def reply_with(make):
    sock = probe_socket()
    def serve():
        number = 0
        while True:
            try:
                size = struct.unpack(">Q", sock.recv(8, socket.MSG_WAITALL))[0]
                data = b""
                while len(data) < size:
                    piece = sock.recv(size - len(data))
                    if not piece: return
                    data += piece
                number += 1
                sock.sendall(make(number, data))
            except Exception as error:
                return
    import tornado.ioloop
    tornado.ioloop.IOLoop.current().remove_handler(sock)
    threading.Thread(target=serve, daemon=True).start()
"""


def protocol(name, tries, answer, defence=CODEC, **more):
    return Attack(name=name, tries=tries, answer=answer, defence=defence, **more)


def replies(name, tries, make, defence=CODEC):
    return protocol(name, tries, FIND_PROBE + ANSWER_ALL + f"reply_with(lambda n, data: {make})", defence)


CASES = (
    replies(
        "verdicts instead of values",
        "replies that say that the check has passed",
        'frame({"dict": [["n", n], ["value", True], ["outcome", "passed"], ["points", 10]]})',
        CLAIMS,
    ),
    replies(
        "true for everything", "every reply is True", 'frame({"dict": [["n", n], ["value", True]]})', CLAIMS
    ),
    replies(
        "pickled replies",
        "a pickle in the place of the message, and an object array",
        'frame({"dict": [["n", n], ["value", {"array": 0}]]}, [["|O", [1]]], __import__("pickle").dumps(print))',
    ),
    replies("endless reply", "a reply that announces an exabyte", 'struct.pack(">Q", 1 << 60) + b"x" * 1000'),
    replies(
        "large reply",
        "a reply just over the cap",
        'struct.pack(">Q", (64 << 20) + 1) + b"x" * 100',
    ),
    replies(
        "empty array with huge axes",
        "an array of no bytes whose other axis is two billion long",
        'frame({"dict": [["n", n], ["value", {"array": 0}]]}, [["<f8", [2147483647, 0]]])',
    ),
    replies(
        "nested reply",
        "JSON nested a hundred thousand deep",
        'struct.pack(">Q", 4 + 200000) + struct.pack(">I", 200000) + b"[" * 100000 + b"]" * 100000',
    ),
    replies(
        "digits without end",
        "a number of a million digits",
        'frame({"dict": [["n", n], ["value", 0]]}).replace(b": 0}", b": " + b"9" * 1000000 + b"}")',
    ),
    replies(
        "handle with a huge number",
        "a reference whose number cannot be sent back",
        'frame({"dict": [["n", n], ["value", {"ref": [10 ** 3000, []]}]]})',
    ),
    replies(
        "two hundred thousand handles",
        "more references than a request can let go of",
        'frame({"dict": [["n", n], ["value", [{"ref": [i, []]} for i in range(1, 99000)]]]})',
    ),
    replies(
        "handle to the namespace",
        "references to the grader's own things: the namespace, frames, classes",
        'frame({"dict": [["n", n], ["value", {"ref": [0, [["attribute", "__class__"], ["attribute", "__globals__"]]]}]]})',
        CLAIMS,
    ),
    replies(
        "another question's reply",
        "numbers of replies that are ahead",
        'frame({"dict": [["n", n + 1], ["value", 1]]}) + frame({"dict": [["n", n], ["value", 1]]})',
        CHANNEL,
    ),
    replies(
        "an error with another face",
        "errors whose kind, type and text are long, odd or not text at all",
        'frame({"dict": [["n", n], ["error", {"dict": [["kind", "\\x1b[31m" * 9], ["type", "x" * 99999], '
        '["message", "<script>alert(1)</script>" * 1000], ["where", "\\u202e" * 999]]}]]})',
        CLAIMS,
    ),
    replies(
        "error that is no dict",
        "an error of another form",
        'frame({"dict": [["n", n], ["error", [1, 2]]]})',
        CLAIMS,
    ),
    replies(
        "duplicate keys",
        "a message with the same key twice",
        'frame({"dict": [["n", n], ["value", 0], ["value", True], ["n", n]]})',
        CLAIMS,
    ),
    replies(
        "nan for a length",
        "shapes that are no numbers",
        'frame({"dict": [["n", n], ["value", {"array": 0}]]}, [["<f8", [float("nan")]]])',
    ),
    replies(
        "negative length",
        "a shape below zero",
        'frame({"dict": [["n", n], ["value", {"array": 0}]]}, [["<f8", [-1]]])',
    ),
    replies("slow reply", "one byte at a time", '(__import__("time").sleep(30), frame(1))[1]', CHANNEL),
    replies("no reply", "silence", 'b""', CHANNEL),
    protocol(
        "channel closed",
        "the probe's socket is closed",
        FIND_PROBE + "probe_socket().close()",
        CHANNEL,
    ),
    protocol(
        "probe patched",
        "the probe's own code is replaced: it answers what it likes, and looks for what it is asked with",
        FIND_PROBE
        + """
import builtins
probe = probe_object()
def answer(request):
    open("asked.txt", "a").write(repr(request)[:2000])
    return {"value": True}
probe.answer = answer
""",
        CLAIMS,
    ),
    protocol(
        "inputs remembered",
        "answers of one check given for another: the same object, the last input, the first result",
        """
seen = []
def remember(*args):
    seen.append(args)
    return seen[0][0] if seen else None
affine = labels = describe = remember
class Counter:
    total = 0
    def add(self, number):
        return seen[-1] if seen else 0
""",
        CLAIMS,
    ),
    # iopub and shell
    protocol(
        "multipart flood",
        "one message of frames without end, written by hand to the grader's connection",
        """
import os, socket, struct, threading
payload = b"x" * (8 << 20)
header = bytes([3]) + struct.pack(">Q", len(payload))  # a long frame, and more will follow
def flood(number):
    try:
        while True:
            for view in (memoryview(header), memoryview(payload)):
                while view:
                    view = view[os.write(number, view):]
    except OSError:
        pass
for number in range(3, 200):
    try:
        s = socket.socket(fileno=os.dup(number))
        listening, name = s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), s.getsockname()
        s.detach()
        if not listening and "k-2" in str(name):
            os.set_blocking(number, True)
            threading.Thread(target=flood, args=(number,), daemon=True).start()
            break
    except OSError:
        pass
import time
time.sleep(5)
""",
        MESSAGES,
    ),
    protocol(
        "many frames",
        "messages of a million frames",
        """
from IPython import get_ipython
kernel = get_ipython().kernel
import threading
def flood():
    for _ in range(40):
        kernel.iopub_socket.send_multipart([b"stream"] + [b"x"] * 200000)
kernel.iopub_thread.io_thread if hasattr(kernel.iopub_thread, "io_thread") else None
kernel.iopub_thread.schedule(flood)
import time
time.sleep(2)
""",
        MESSAGES,
    ),
    protocol(
        "display id out of range",
        "an update of a display that is no longer there",
        """
from IPython.display import display, update_display, clear_output
display("one", display_id="a")
clear_output()
from IPython import get_ipython
kernel = get_ipython().kernel
for content in ({"data": {"text/plain": "x"}, "metadata": {}, "transient": {"display_id": "a"}},
                {"data": 5, "metadata": {}, "transient": {"display_id": "a"}},
                {"data": {}, "metadata": None, "transient": {"display_id": ["a"]}}):
    for kind in ("display_data", "update_display_data", "execute_result"):
        kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent("shell"))
""",
        MESSAGES,
    ),
    protocol(
        "widget protocol",
        "comm messages that make nbclient act: an output widget that redirects, pops and asserts",
        """
from IPython import get_ipython
kernel = get_ipython().kernel
parent = kernel.get_parent("shell")
me = parent["header"]["msg_id"]
def send(kind, content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
state = {"_model_module": "@jupyter-widgets/output", "_model_name": "OutputModel", "msg_id": me}
send("comm_open", {"comm_id": "c", "target_name": "jupyter.widget", "data": {"state": state}})
send("stream", {"name": "stdout", "text": "caught"})
for update in ({"msg_id": ""}, {"msg_id": me}, {"msg_id": ""}, {"msg_id": ""}, {"msg_id": 5}, {"outputs": 3}):
    send("comm_msg", {"comm_id": "c", "data": {"method": "update", "state": update}})
send("comm_msg", {"comm_id": "c", "data": {"method": "custom"}})
send("comm_open", {"comm_id": "d", "target_name": "jupyter.widget", "data": {}})
send("comm_msg", {"comm_id": "c", "data": {"state": {"x": 1}, "buffer_paths": [["x"]]}})
""",
        MESSAGES,
    ),
    protocol(
        "messages of every other form",
        "headers, parents and contents that are lists, numbers, missing, nested and dated",
        """
import json
from IPython import get_ipython
kernel = get_ipython().kernel
session, socket = kernel.session, kernel.iopub_socket
parent = kernel.get_parent("shell")
me = parent["header"]
odd = ([], {}, None, 5, "x", [[]] * 9, {"msg_id": me["msg_id"]}, {"msg_id": [], "msg_type": [], "date": "9999-99-99T99:99:99Z"},
       {**me, "msg_type": []}, {**me, "msg_type": "stream", "date": "0001-01-01T00:00:00+23:59"}, {**me, "msg_type": "status"})
for header in odd:
    for content in (5, [], {"name": 3, "text": {}}, {"data": []}, {"execution_state": []}, None):
        parts = [json.dumps(part).encode() for part in (header, me, {}, content)]
        signature = session.sign(parts)
        socket.send_multipart([b"stream", b"<IDS|MSG>", signature, *parts])
deep = b"[" * 5000 + b"]" * 5000
parts = [json.dumps(me).encode(), json.dumps(me).encode(), b"{}", b'{"x":' + deep + b"}"]
socket.send_multipart([b"stream", b"<IDS|MSG>", session.sign(parts), *parts])
socket.send_multipart([b"<IDS|MSG>"])
socket.send_multipart([b"", b""])
socket.send_multipart([b"x" * 100, b"<IDS|MSG>", b"not signed", b"{}", b"{}", b"{}", b"{}"])
""",
        MESSAGES,
    ),
    protocol(
        "replies ahead of time",
        "the reply and the idle message of cells that have not been sent yet",
        """
import re
from IPython import get_ipython
kernel = get_ipython().kernel
parent = kernel.get_parent("shell")
head, _, count = parent["header"]["msg_id"].rpartition("_")
for ahead in range(1, 50):
    later = {**parent, "header": {**parent["header"], "msg_id": f"{head}_{int(count) + ahead}"}}
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=later)
""",
        CLAIMS,
    ),
    protocol(
        "socket replaced",
        "the kernel's sockets are replaced by others that never answer, or by links",
        """
import glob, os, socket
kept = []
for folder in ("/run/ipc", *glob.glob("/tmp/autograder-*/ipc")):
    for name in ("k-1", "k-2", "k-3", "k-4", "k-5"):
        try:
            os.unlink(f"{folder}/{name}")
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f"{folder}/{name}")
            listener.listen()
            kept.append(listener)
        except OSError:
            pass
""",
        CHANNEL,
    ),
    protocol(
        "interrupts ignored",
        "the kernel ignores SIGINT, in cells and in checks",
        """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal = lambda *a: None
def affine(*a):
    while True: pass
labels = describe = affine
class Counter:
    def __init__(self): affine()
""",
        CHANNEL,
    ),
)
