"""What people look at: the feedback page, Formgrader, the class report, a terminal, a spreadsheet."""

from attack import Attack
from nbformat.v4 import new_markdown_cell, new_raw_cell

PAGES = "what a submission says is shown as text, plain tables and pictures, everything escaped and capped"
SCRIPT = "<script>alert('canary-script')</script><img src=x onerror=alert('canary-script')>"
MATH = (
    r"$\href{javascript:alert('canary-script')}{see}$ $$\cssId{canary-script}{x}\style{position:fixed}{y}$$"
)


def page(name, tries, answer="", **more):
    return Attack(name=name, tries=tries, answer=answer, defence=PAGES, **more)


def text_cells(*sources):
    return lambda nb: nb.cells.extend(
        make(source) for make in (new_markdown_cell, new_raw_cell) for source in sources
    )


CASES = (
    page(
        "script in outputs",
        "markup in every kind of output",
        "from IPython.display import display, HTML, Javascript, SVG, Markdown, Latex\n"
        f"bad = {SCRIPT!r}\n"
        "display(HTML(bad)); display(HTML('<table>' + bad + '<tr onclick=alert(1)><td>1</td></tr></table>'))\n"
        "display(Javascript('alert(\"canary-script\")')); display(Markdown(bad)); display(Latex(bad))\n"
        "display({'image/svg+xml': '<svg onload=alert(\"canary-script\")></svg>', 'text/html': bad}, raw=True)\n"
        "display({'application/javascript': 'alert(\"canary-script\")'}, raw=True)\n"
        "print(bad); bad",
    ),
    page(
        "script in text cells",
        "markup in markdown and raw cells",
        edit=text_cells(
            SCRIPT,
            f"[x](javascript:alert(1)) {SCRIPT}",
            "<iframe srcdoc=x>",
            "<style>*{display:none}</style>",
        ),
    ),
    page(
        "script in mathematics",
        "TeX commands that make links, ids and styles",
        f"raise ValueError({MATH!r})",
        edit=text_cells(MATH),
    ),
    page(
        "script in an exception",
        "markup in the type and the text of an exception",
        f"class X(Exception): pass\nX.__name__ = {SCRIPT!r}\nraise X({SCRIPT + MATH!r})",
    ),
    page(
        "script in a check's message",
        "markup in what a check reports of the student's exception",
        f"def affine(*a): raise ValueError({SCRIPT + MATH!r})\nlabels = describe = affine\nCounter = affine",
    ),
    page(
        "script in a cell's number",
        "markup where a page shows In [1]",
        "from IPython import get_ipython\nk = get_ipython().kernel\nparent = k.get_parent('shell')\n"
        f"for number in ({SCRIPT!r}, [{SCRIPT!r}], -1, 1.5, 10 ** 400):\n"
        "    for kind, more in (('execute_input', {'code': 'x'}), ('execute_result', {'data': {'text/plain': 'x'}, 'metadata': {}})):\n"
        "        k.session.send(k.iopub_socket, kind, {'execution_count': number, **more}, parent=parent)",
    ),
    page(
        "terminal escapes",
        "codes that clear the screen, set the title, answer as if typed, hide and reorder text",
        "print('\\x1b[2J\\x1b]0;owned\\x07\\x1bP$qm\\x1b\\\\\\x9b31m\\u202e\\u2066\\x08\\x08')\n"
        "def affine(*a): raise ValueError('\\x1b[2J\\x1b]0;owned\\x07\\u202e\\r\\x9b2J')\nlabels = describe = Counter = affine",
    ),
    page(
        "pictures that are none",
        "other things under the names of pictures, with sizes that break out of an attribute",
        "from IPython.display import display\nimport base64\nbad = base64.b64encode(b'<svg onload=alert(1)>').decode()\n"
        "for kind in ('image/png', 'image/jpeg', 'image/gif'):\n"
        "    display({kind: bad}, metadata={kind: {'width': '1 onerror=alert(1)', 'height': '\"><script>'}}, raw=True)",
    ),
    page(
        "a page that grows",
        "tables, messages and texts of megabytes, to be shown to a person",
        "from IPython.display import display, HTML\nfor _ in range(20):\n    display(HTML('<table>' + '<tr><td>1' * 30000))\n"
        "def affine(*a): raise ValueError('y' * 10_000_000)\nlabels = describe = Counter = affine",
    ),
)
