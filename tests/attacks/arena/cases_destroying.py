"""Destroying: time, memory, processes, disk, and whatever stands beside."""

from attack import Attack

LIMITS = "limits on time, memory, tasks, output and files, and a watchdog that buries the kernel"
REPLAY = "cells are run again on a new kernel only as long as the notebook has time"


def destroy(name, tries, answer="", defence=LIMITS, **more):
    return Attack(name=name, tries=tries, answer=answer, defence=defence, **more)


def many_cells(source, count):
    def edit(nb):
        from nbformat.v4 import new_code_cell

        nb.cells[1:1] = [new_code_cell(source) for _ in range(count)]

    return edit


CASES = (
    destroy("loop for ever", "a cell that never ends", "while True:\n    pass"),
    destroy(
        "loop that cannot be interrupted",
        "a cell that ignores signals and never ends",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
    ),
    destroy("loop in C", "a computation in C that does not look at signals", "(10 ** 8) ** (10 ** 8)"),
    destroy(
        "fork bomb",
        "as many processes as there may be, each forking on",
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    ),
    destroy(
        "threads without end",
        "as many threads as there may be",
        "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ),
    destroy(
        "memory",
        "memory without end",
        "kept = []\nwhile True:\n    kept.append(bytearray(b'x' * (16 << 20)))",
    ),
    destroy(
        "memory in a check",
        "memory without end, as soon as a check asks",
        "def affine(*a):\n    kept = []\n    while True:\n        kept.append(bytearray(b'x' * (16 << 20)))\n"
        "labels = describe = affine\nclass Counter:\n    def __init__(self):\n        affine()",
    ),
    destroy(
        "full disk",
        "files until every folder is full",
        "import os\nfor folder in ('.', '/tmp', '/dev/shm', os.path.expanduser('~'), '/var/tmp'):\n    try:\n"
        "        for number in range(2000):\n            open(f'{folder}/fill-{number}', 'wb').write(b'x' * (1 << 20))\n"
        "    except OSError:\n        pass",
    ),
    destroy(
        "files without end",
        "a hundred thousand empty files in folders of folders",
        "import os\ntry:\n    for i in range(100_000):\n        os.makedirs(f'd{i % 300}/e{i % 7}', exist_ok=True)\n"
        "        open(f'd{i % 300}/e{i % 7}/{i}', 'w').close()\nexcept OSError:\n    pass",
    ),
    destroy(
        "sparse files",
        "files that take no room and are huge to read",
        "for i in range(8):\n    try:\n        open(f'sparse{i}', 'wb').truncate(1 << 40)\n    except OSError:\n        pass\n"
        "    open(f'big{i}', 'wb').truncate(31 << 20)",
    ),
    destroy(
        "folders nested deeply",
        "a path longer than Linux takes, with a file at its end",
        "import os\nfor _ in range(40):\n    os.mkdir('d' * 250)\n    os.chdir('d' * 250)\n    open('f' * 250, 'w').write('x')\n"
        "os.chdir(os.path.expanduser('~'))",
    ),
    destroy(
        "odd file names",
        "names with line ends, escapes, quotes, wrong encodings and dots",
        "for name in (b'a\\nb', b'\\x1b[2J', b'\\xff\\xfe', b\"'; rm -rf ~ #\", b'<script>alert(1)</script>', b'...', b'-rf', b'%s%n',\n"
        "             b'nbgrader_config.py', b'conftest.py', b'ps.ipynb', b'timestamp.txt', b'.git', b'gradebook.db'):\n"
        "    try:\n        open(name, 'w').write('x')\n    except OSError as error:\n        print(error)",
    ),
    destroy(
        "a file where a folder was",
        "the instructor's folder is replaced by a file, and a file by a folder",
        "import os, shutil\nshutil.rmtree('public', ignore_errors=True)\nopen('public', 'w').write('x')\n"
        "os.path.exists('data.csv') and os.remove('data.csv')\nos.makedirs('data.csv/inner')\nopen('data.csv/inner/x', 'w').write('x')",
    ),
    destroy(
        "signals to everybody",
        "every process that may be signalled is killed",
        "import os, signal\nfor pid in range(1, 70000):\n    if pid != os.getpid():\n        try:\n            os.kill(pid, signal.SIGKILL)\n"
        "        except OSError:\n            pass\nos.kill(-1, signal.SIGKILL)",
    ),
    destroy(
        "its parent killed",
        "the parent, its group and its session are killed",
        "import os, signal\nfor kill, target in ((os.kill, os.getppid()), (os.killpg, os.getpgid(0)), (os.kill, 1)):\n    try:\n"
        "        if target > 0: kill(target, signal.SIGKILL)\n    except OSError:\n        pass",
    ),
    destroy(
        "daemons",
        "processes of other sessions that outlive the kernel and write on",
        "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n"
        "            while True:\n                try:\n                    open('alive', 'a').write('x')\n                except OSError:\n                    pass\n"
        "                time.sleep(0.01)\n        os._exit(0)",
    ),
    destroy("output without end", "lines without end", "while True:\n    print('x' * 1000)"),
    destroy(
        "output past the kernel's own cap",
        "output that goes around the kernel's own cap",
        "import os\nfrom IPython import get_ipython\nkernel = get_ipython().kernel\nwhile True:\n"
        "    kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'x' * 100_000},\n"
        "                        parent=kernel.get_parent('shell'))",
    ),
    destroy(
        "one huge message",
        "a message of 200 MB",
        "from IPython.display import display\ndisplay({'text/plain': 'x' * 200_000_000}, raw=True)",
    ),
    destroy(
        "huge outputs in many cells",
        "each of hundreds of cells prints as much as a cell may, in characters that take four bytes",
        "",
        edit=many_cells("print('\\U0001f600' + 'x' * 1_000_000)", 300),
    ),
    destroy(
        "hundreds of figures",
        "pictures that are none, and the largest that may be shown",
        "import base64\nfrom IPython.display import display\nfor i in range(400):\n"
        "    display({'image/png': base64.b64encode(b'\\x89PNG' + bytes(3000)).decode(), 'image/svg+xml': '<svg onload=alert(1)>'}, raw=True)",
    ),
    destroy(
        "cells that outlive the notebook's time",
        "kernels that die after hundreds of slow cells, which would all be run again, and again",
        "import os\nos._exit(1)",
        defence=REPLAY,
        edit=many_cells("import time\ntime.sleep(1)", 400),
    ),
    destroy(
        "a kernel that dies in every check",
        "each check ends the kernel, so that all cells are run again for the next",
        "import os, time\ntime.sleep(0.5)\ndef affine(*a): os._exit(1)\nlabels = describe = affine\n"
        "class Counter:\n    def __init__(self): os._exit(1)",
        defence=REPLAY,
    ),
    destroy(
        "core dump",
        "a core of its memory, handed to whatever the machine has for it",
        "import ctypes\nctypes.string_at(0)",
    ),
    destroy(
        "stack overflow",
        "recursion without end, in Python and in C",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nf()",
    ),
    destroy(
        "at exit",
        "code that runs when the process ends, and holds it",
        "import atexit, time, signal\natexit.register(lambda: time.sleep(600))\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ),
    destroy(
        "garbage that fights back",
        "objects whose end never ends",
        "class Never:\n    def __del__(self):\n        while True: pass\n    def __reduce__(self): raise SystemExit\n"
        "    def __iter__(self): return self\n    def __next__(self): return 1\n    def __len__(self): return 1 << 60\n"
        "affine = labels = describe = lambda *a: Never()\nclass Counter:\n    total = property(lambda s: Never())\n    def add(self, n): return Never()",
    ),
    destroy(
        "time turned back",
        "the clock is set, and file times lie in the future",
        "import os, time\ntry:\n    time.clock_settime(time.CLOCK_REALTIME, 0)\n    print('GAINED the clock')\nexcept OSError:\n    pass\n"
        "open('future', 'w').close()\nos.utime('future', (2**40, 2**40))",
    ),
)
