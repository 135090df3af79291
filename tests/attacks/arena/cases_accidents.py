"""What happens to honest students. Every mark that was earned is kept; what is lost is what the accident is about."""

from __future__ import annotations

import copy
import json

import nbformat
from attack import Accident
from nbformat.v4 import new_code_cell

RAISED = {"submission_contract": 2.0}  # the course asks for a notebook in which no cell raises


def _answer(nb):
    return next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("solution"))


def _tests(nb):
    return [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def copy_tests(nb):
    nb.cells += copy.deepcopy(_tests(nb))


def copy_answer(nb):
    nb.cells.insert(1, copy.deepcopy(_answer(nb)))


def copy_answer_above_the_stub(nb):
    """The stub, copied first and forgotten."""
    stub = copy.deepcopy(_answer(nb))
    stub.source = "# YOUR CODE HERE\nraise NotImplementedError()"
    nb.cells.insert(nb.cells.index(_answer(nb)), stub)


def delete_tests(nb):
    tests = _tests(nb)
    nb.cells = [cell for cell in nb.cells if cell not in tests[1:3]]


def delete_answers_id(nb):
    _answer(nb).metadata = {}
    nb.cells[-1].metadata = {}


def tests_first(nb):
    nb.cells = [*_tests(nb), *[cell for cell in nb.cells if cell not in _tests(nb)]]


def rename_cell_ids(nb):
    for cell in nb.cells:
        cell.id = "same"


def notes_in_tests(nb):
    for cell in _tests(nb):
        cell.source += "\n# this one is hard"


def split_answer(nb):
    """One function a cell, as people like it."""
    answer = _answer(nb)
    first, *rest = answer.source.split("\n\n\n")
    answer.source = first
    place = nb.cells.index(answer) + 1
    nb.cells[place:place] = [new_code_cell(part) for part in rest]


def colab(nb):
    nb.metadata.update(colab={"provenance": [], "gpuType": "T4"}, accelerator="GPU")
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    for cell in nb.cells:
        cell.metadata.update(id="aBcD", outputId="x", colab={"base_uri": "https://localhost:8080/"})


def vscode(nb):
    nb.metadata.update(
        language_info={"name": "python", "version": "3.12.1"}, vscode={"interpreter": {"hash": "x"}}
    )
    nb.metadata.kernelspec = {"name": ".venv", "display_name": ".venv (3.12)", "language": "python"}
    for cell in nb.cells:
        cell.metadata.vscode = {"languageId": "python"}
        cell.pop("id", None)


def another_kernel(nb):
    nb.metadata.kernelspec = {"name": "tf-gpu-2", "display_name": "My environment", "language": "python"}


def no_metadata(nb):
    nb.metadata = {}


def widget_state(nb):
    nb.metadata.widgets = {
        "application/vnd.jupyter.widget-state+json": {"state": {"a": {}}, "version_major": 2}
    }


def huge_outputs(nb):
    nb.cells[1].outputs = [{"output_type": "stream", "name": "stdout", "text": "x" * 20_000_000}]


def empty_cells(nb):
    for place in range(len(nb.cells), 0, -1):
        nb.cells.insert(place, new_code_cell(""))


def old_format(text):
    nb = nbformat.reads(text, as_version=4)
    cells = []
    for cell in nb.cells:
        old = {"cell_type": cell.cell_type, "metadata": cell.metadata}
        if cell.cell_type == "code":
            old |= {
                "input": cell.source.splitlines(keepends=True),
                "outputs": [],
                "language": "python",
                "collapsed": False,
            }
        else:
            old["source"] = cell.source
        cells.append(old)
    return json.dumps(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    ).encode()


def lines_of_windows(text):
    data = json.loads(text)
    for cell in data["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    return json.dumps(data, indent=1).replace("\n", "\r\n").encode()


CASES = (
    Accident("right and nothing else"),
    Accident(
        "warnings on stderr",
        before=("import sys, warnings\nprint('oops', file=sys.stderr)\nwarnings.warn('deprecated')",),
    ),
    Accident(
        "warnings in the functions",
        after=(
            "_affine = affine\ndef affine(*a):\n    import sys, warnings\n    print('oops', file=sys.stderr)\n    warnings.warn('x')\n    return _affine(*a)",
        ),
    ),
    Accident("tests copied", edit=copy_tests, warns="is there 2 times"),
    Accident("answer copied", edit=copy_answer, warns="is there 2 times"),
    Accident("stub left behind", edit=copy_answer_above_the_stub, warns="is there 2 times", loses=RAISED),
    Accident("tests deleted by accident", edit=delete_tests, warns="was deleted"),
    Accident("ids lost", edit=delete_answers_id, warns="recognized by its text"),
    Accident("tests above the answers", edit=tests_first),
    Accident("cells renamed", edit=rename_cell_ids),
    Accident("notes in the tests", edit=notes_in_tests, warns="was edited"),
    Accident("answer in many cells", edit=split_answer),
    Accident("exception halfway", before=("1 / 0",), loses=RAISED),
    Accident("exception at the end", after=("undefined_name",), loses=RAISED),
    Accident("syntax error", after=("def broken(:",), loses=RAISED),
    Accident("exit", after=("exit()",), loses=RAISED),
    Accident("sys exit", after=("import sys\nsys.exit(0)",), loses=RAISED),
    Accident("input", after=("name = input('your name? ')",), loses=RAISED),
    Accident("prints by the megabyte", before=("for i in range(3000):\n    print('epoch', i, 'x' * 1000)",)),
    Accident(
        "a progress bar",
        before=(
            "import sys, time\nfor i in range(300):\n    sys.stdout.write(f'\\r{i}/300')\n    sys.stdout.flush()",
        ),
    ),
    Accident(
        "plots by the hundred",
        before=(
            "import base64\nfrom IPython.display import display\npng = base64.b64encode(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(60_000)).decode()\nfor _ in range(200):\n    display({'image/png': png, 'text/plain': '<Figure>'}, raw=True)",
        ),
    ),
    Accident(
        "display updated",
        before=(
            "from IPython.display import display\nh = display('0', display_id=True)\nfor i in range(50):\n    h.update(str(i))",
            "h.update('later')",
        ),
    ),
    Accident(
        "output cleared",
        before=(
            "from IPython.display import clear_output\nfor i in range(20):\n    clear_output(wait=True)\n    print(i)",
        ),
    ),
    Accident(
        "a widget",
        before=(
            "from IPython import get_ipython\nk = get_ipython().kernel\nk.session.send(k.iopub_socket, 'comm_open', {'comm_id': 'c', 'target_name': 'jupyter.widget', 'data': {'state': {'_model_module': '@jupyter-widgets/output', '_model_name': 'OutputModel', 'msg_id': k.get_parent('shell')['header']['msg_id']}}}, parent=k.get_parent('shell'))\nprint('inside')",
        ),
    ),
    Accident(
        "shell lines",
        before=(
            "!echo hello\n%matplotlib inline\n%time 1 + 1\n!pip --version",
            "%%bash\necho hello",
            "%%capture out\nprint('x')",
        ),
    ),
    Accident(
        "pip without a network",
        before=("%pip install --quiet --disable-pip-version-check --retries 0 no-such-package-anywhere",),
    ),
    Accident("absolute paths", after=("open('/home/ada/course/data.csv')",), loses=RAISED),
    Accident(
        "a file of its own", before=("import own\nassert own.VALUE == 3",), files={"own.py": "VALUE = 3\n"}
    ),
    Accident(
        "a folder of its own",
        before=("open('results/plot.txt', 'w').write('x')\nopen('results/old.txt').read()",),
        files={"results/old.txt": "old"},
    ),
    Accident("instructors file removed", before=("import os\nos.remove('data.csv')",)),
    Accident("instructors file deleted before", before=("assert open('data.csv').read() == '1,2,3\\n'",)),
    Accident("a name defined twice", before=("def affine(*a):\n    return None\nclass Counter:\n    pass",)),
    Accident(
        "a builtin shadowed",
        before=("list = [1]\nsum = 5\nid = 3\ninput = None\nprint = print",),
        after=("del list, sum",),
    ),
    Accident("get ipython shadowed", before=("get_ipython = None\nexit = quit = None",)),
    Accident(
        "random seeded and threads",
        before=(
            "import random, threading\nrandom.seed(0)\nt = threading.Thread(target=lambda: None)\nt.start()\nt.join()",
        ),
    ),
    Accident(
        "a thread that goes on",
        before=(
            "import threading, time\nthreading.Thread(target=lambda: [time.sleep(0.05) for _ in iter(int, 1)], daemon=True).start()",
        ),
    ),
    Accident("a subprocess that goes on", before=("import subprocess\nsubprocess.Popen(['sleep', '600'])",)),
    Accident("stdout replaced", before=("import io, sys\nsys.stdout = io.StringIO()",)),
    Accident(
        "logging configured",
        before=(
            "import logging\nlogging.basicConfig(level=logging.DEBUG)\nlogging.getLogger().debug('x' * 1000)",
        ),
    ),
    Accident("working folder changed", before=("import os\nos.makedirs('deep/er')\nos.chdir('deep/er')",)),
    Accident("recursion limit", before=("import sys\nsys.setrecursionlimit(100_000)",)),
    Accident(
        "numpy results",
        after=(
            "import numpy as np\n_a, _l = affine, labels\ndef affine(x, s, t): return np.asarray(_a(x, s, t), dtype=np.float32)\ndef labels(p, c): return np.asarray(_l(p, c))",
        ),
    ),
    Accident("async cells", before=("import asyncio\nawait asyncio.sleep(0.01)",)),
    Accident(
        "clock skew",
        files={"timestamp.txt": "2199-01-01 00:00:00 UTC"},
        before=("import os\nos.utime('timestamp.txt', (2**33, 2**33))",),
    ),
    Accident("timestamp nobody can read", files={"timestamp.txt": "gestern"}),
    Accident("empty cells", edit=empty_cells),
    Accident("huge saved outputs", edit=huge_outputs),
    Accident("from colab", edit=colab),
    Accident("from vs code", edit=vscode),
    Accident("another kernels name", edit=another_kernel),
    Accident("no metadata at all", edit=no_metadata),
    Accident("widget state saved", edit=widget_state),
    Accident("line ends of windows", rewrite=lines_of_windows),
    Accident("nbformat 3", rewrite=old_format),
    Accident("byte order mark", rewrite=lambda text: b"\xef\xbb\xbf" + text.encode()),
    Accident("utf-16", rewrite=lambda text: text.encode("utf-16")),
    Accident(
        "latin-1",
        before=("# Größe, naïve, façade",),
        rewrite=lambda text: json.dumps(json.loads(text), ensure_ascii=False).encode("cp1252"),
    ),
    Accident("no line end at the end", rewrite=lambda text: text.rstrip().encode()),
    Accident(
        "on one line", rewrite=lambda text: json.dumps(json.loads(text), separators=(",", ":")).encode()
    ),
    Accident(
        "minor version of the future",
        rewrite=lambda text: text.replace('"nbformat_minor": 5', '"nbformat_minor": 99').encode(),
    ),
)
