"""What is handed in: the notebook's file, the files beside it, names, links, modules that shadow others."""

import json
import os

from attack import Attack, Link

READER = "the notebook is read as data: order, kind and text of its cells, and nothing else"
FILES = "regular files are copied by content, the instructor's files lie over the student's"
SHADOWS = "nothing of the submission is ever on the path of a process outside the sandbox"
NAMES = "a name that nbgrader, a path or a page could misread is shown as such and goes nowhere"
INTAKE = "what cannot be read is that submission's failure, with a reason, and nobody else's"

SHOUT = "open('/tmp/shadowed', 'w').write('here')\nimport builtins\nbuiltins.SHADOWED = True\n"
PWN = "import os\nprint('GAINED', os.getpid())\n"


def handed_in(name, tries, answer="", defence=FILES, **more):
    return Attack(name=name, tries=tries, answer=answer, defence=defence, **more)


def broken(name, tries, raw, **more):
    more.setdefault("status", "failed")
    return Attack(name=name, tries=tries, raw=raw, defence=READER, **more)


def notebook_of(*cells, **fields):
    return json.dumps(
        {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **fields}
    ).encode()


def unreadable(folder):
    os.chmod(folder / "ps.ipynb", 0)


def unreadable_folder(folder):
    os.chmod(folder, 0)


def unreadable_parent(folder):
    os.chmod(folder.parent, 0)


def linked_notebook(folder):
    (folder / "ps.ipynb").rename(folder / "real.ipynb")
    (folder / "ps.ipynb").symlink_to("real.ipynb")


def pipe_for_notebook(folder):
    (folder / "ps.ipynb").unlink()
    os.mkfifo(folder / "ps.ipynb")


def many_files_first(folder):
    for number in range(2100):
        (folder / f"a{number:05}").touch()


def deep_folders(folder):
    here = os.open(folder, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def special_files(folder):
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "up").symlink_to("..")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "self").symlink_to("/proc/self/environ")


CASES = (
    # The notebook itself
    broken("not json", "text that is no JSON", b"this is not a notebook"),
    broken("json of another kind", "a list, in the place of a notebook", b"[1, 2, 3]"),
    broken("nested notebook", "JSON nested a million deep", b"[" * 1_000_000),
    broken("values by the million", "ten million numbers", b'{"cells": [' + b"0," * 10_000_000 + b"0]}"),
    broken("zip bomb", "an archive named like a notebook", b"PK\x03\x04" + bytes(1000)),
    broken("empty file", "nothing", b""),
    broken(
        "cells without end",
        "a hundred thousand cells",
        notebook_of(*[{"cell_type": "code", "source": ""}] * 100_000),
    ),
    broken(
        "digits", "a version of a million digits", b'{"nbformat": ' + b"9" * 1_000_000 + b', "cells": []}'
    ),
    broken(
        "cells of every other type",
        "cells that are numbers, lists, of unknown types, with damaged text and ids",
        notebook_of(
            *(5, None, [], "x", {}, {"cell_type": []}, {"cell_type": "code", "source": {"a": 1}}),
            {"cell_type": "code", "source": ["1\n", 2], "metadata": []},
            {"cell_type": "code", "source": "1", "metadata": {"nbgrader": {"grade_id": "../../x"}}},
            {"cell_type": "code", "source": "1", "metadata": {"nbgrader": {"grade_id": ["affine"]}}},
            {"cell_type": "code", "source": "1", "id": 5, "outputs": 7, "execution_count": []},
            {
                "cell_type": "markdown",
                "source": "![x](attachment:y)",
                "attachments": {"y": {"image/svg+xml": "<svg>"}},
            },
        ),
        status="graded",
    ),
    broken(
        "forged python",
        "cell text with null bytes, other line ends, surrogates and bidirectional marks",
        notebook_of(
            {"cell_type": "code", "source": "x = 1\u0000\r\ny = 2\u2028z = 3 # \u202e\ud800", "metadata": {}},
        ),
        status="graded",
    ),
    handed_in(
        "another name",
        "the notebook has another name",
        status="failed",
        defence=INTAKE,
        prepare=lambda f: (f / "ps.ipynb").rename(f / "ps (1).ipynb"),
    ),
    handed_in(
        "unreadable notebook",
        "nobody may read the notebook",
        status="either",
        defence=INTAKE,
        prepare=unreadable,
    ),
    handed_in(
        "unreadable folder",
        "nobody may enter the folder",
        status="either",
        defence=INTAKE,
        prepare=unreadable_folder,
    ),
    handed_in(
        "unreadable parent",
        "nobody may enter the student's folder",
        status="either",
        defence=INTAKE,
        prepare=unreadable_parent,
    ),
    handed_in(
        "notebook is a link",
        "the notebook is a link",
        status="failed",
        defence=INTAKE,
        prepare=linked_notebook,
    ),
    handed_in(
        "notebook is a pipe",
        "whoever opens the notebook waits for ever",
        status="failed",
        defence=INTAKE,
        prepare=pipe_for_notebook,
    ),
    handed_in(
        "thousands of files before the notebook",
        "more files than are read come before the notebook in the alphabet",
        defence=INTAKE,
        prepare=many_files_first,
    ),
    handed_in(
        "folders without end",
        "folders nested deeper than a path may be long",
        defence=INTAKE,
        prepare=deep_folders,
    ),
    handed_in("special files", "pipes, devices and links in a circle", prepare=special_files),
    # Files beside the notebook
    handed_in(
        "public checks edited",
        "the instructor's files come back changed, or as folders",
        "print(open('data.csv').read(), open('public/hints.txt').read())\nif 'mine' in open('data.csv').read(): print('GAINED')",
        files={"data.csv": "mine", "public/hints.txt": "mine"},
    ),
    handed_in(
        "a folder where a file is",
        "folders with the names of the instructor's files, and a file with the name of a folder",
        "print(open('data.csv').read())",
        files={"data.csv/x.txt": "mine", "public": "mine"},
    ),
    *(
        handed_in(
            f"shadow {name}",
            f"a {name} that whoever imports or reads it would run",
            "",
            defence=SHADOWS,
            files={name: text},
        )
        for name, text in {
            "numpy.py": PWN,
            "keras/__init__.py": PWN,
            "sitecustomize.py": PWN,
            "usercustomize.py": PWN,
            "conftest.py": PWN + "def pytest_runtest_makereport(): pass\n",
            "pytest.ini": "[pytest]\naddopts = -p evil\n",
            "tox.ini": "[pytest]\naddopts = -p evil\n",
            "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p evil'\n",
            "evil.pth": "import os; print('GAINED')\n",
            "nbgrader_config.py": PWN + "c = get_config()\n",
            "autograder.toml": "isolation = 'none'\n",
            "ipython_config.py": PWN,
            "jupyter_config.py": PWN,
            "autograder/__init__.py": PWN,
            "checks/ps.py": PWN,
            "reference_of_ps.py": PWN + "affine = labels = Counter = describe = lambda *a: 0\n",
            "gradebook.db": "not a database",
            "report.json": '{"schema": 1, "student": "x", "score": 10.0, "status": "graded"}',
            ".autograder/secret": "x" * 32,
            "timestamp.txt": "9999-99-99 \x1b[2J" + "x" * 10_000,
            "logging.py": PWN,
            "json.py": PWN,
        }.items()
    ),
    handed_in(
        "environment variables",
        "variables that change what Python, TensorFlow, IPython or pytest load, set for all that is started later",
        "import os\nfor name in ('PYTHONPATH', 'PYTHONSTARTUP', 'LD_PRELOAD', 'PYTEST_ADDOPTS', 'PYTEST_PLUGINS', 'PYTHONHOME',\n"
        "             'TF_PLUGGABLE_DEVICE_LIBRARY_PATH', 'TF_LOAD_LIBRARY', 'KERAS_BACKEND', 'IPYTHONDIR', 'BASH_ENV', 'HOME'):\n"
        "    os.environ[name] = os.getcwd() + '/evil'",
        defence=SHADOWS,
        files={"evil": "import os"},
    ),
    handed_in(
        "model with code",
        "a saved model whose Lambda layer holds code: whoever loads it runs it",
        "",
        defence="the grader loads no file of a submission; the kernel may, in its sandbox",
        files={
            "model.keras": b"PK\x03\x04 Lambda",
            "weights.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
            + b" " * 50
            + b"\n\x80\x04cos\nsystem\n.",
            "data.pkl": b"cos\nsystem\n(S'echo pwned'\ntR.",
        },
    ),
    # Names of students
    *(
        Attack(
            name=f"student called {shown}",
            tries="a name that a path, a page, a terminal or nbgrader would misread",
            defence=NAMES,
            student=name,
            status=status,
        )
        for shown, name, status in (
            ("index.html", "index.html", "failed"),
            ("marks.csv", "marks.csv", "failed"),
            ("checks.csv", "checks.csv", "failed"),
            ("a wildcard", "eve[0-9]*", "failed"),
            ("an escape", "eve\x1b[2Jx", "failed"),
            ("markup", "<img src=x onerror=alert(1)>", "graded"),
            ("a formula", "=cmd|' ", "failed"),
            ("a formula that runs", "=1+1", "graded"),
            ("quotes", "Robert'); DROP TABLE grade;--", "graded"),
            ("an option", "--isolation=none", "graded"),
            ("percent", "%s%n%d{course}", "graded"),
            ("a wrong encoding", os.fsdecode(b"eve\xff\xfe"), "failed"),
            ("a very long name", "e" * 200, "failed"),
            ("the other way round", "eve\u202egpj", "failed"),
        )
    ),
    handed_in(
        "links for folders", "the submission is a link to another's", files={"x": Link("../../honest-01/ps")}
    ),
)
