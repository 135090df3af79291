"""What every notebook promises: it runs from top to bottom, in any folder."""

import ast
import re
from collections.abc import Iterator

from autograder.checking.submission_facts import CellFacts, SubmissionFacts

__all__ = ["absolute_paths", "cells_until_done", "done_cell"]

_ROOTS = (
    "content|data|datasets?|dev|drive|etc|gdrive|home|kaggle|lustre|media|mnt|nfs|opt|private|root|scratch|srv"
    "|sys|tmp|usr|Users|var|Volumes|work|workspace"
)
_ABSOLUTE = (
    re.compile(rf"/(?:{_ROOTS})(?:/|$)"),
    re.compile(r"/[\w.+~-]+(?:/[\w.+ ~-]+)*\.[A-Za-z]\w{0,5}$"),  # /any/file.csv
    re.compile(r"/[\w.+~-]+(?:/[\w.+~-]+){2,}/?$"),  # /three/or/more
    re.compile(r"[A-Za-z]:[\\/]"),
    re.compile(r"\\\\[\w.-]+\\[\w.$-]+"),  # \\server\share
    re.compile(r"~(?:[A-Za-z_][\w-]*)?[/\\]"),
    re.compile(r"\$\{?HOME\}?(?:/|$)"),
    re.compile(r"file:/"),
)
_HARMLESS = frozenset(["/dev/null"])
# `%magic`, `!command`, `?help`, and `name = !command`: a shell's business
_SHELL = re.compile(r"^(?P<indent>\s*)(?:[\w, ]+=\s*)?[%!?].*$|^(?P<help>\s*)[\w.]+\?\??\s*$")
_PYTHON_CELL = re.compile(r"^%%(?:time|timeit|capture|prun)\b[^\n]*\n")


def done_cell(submission: SubmissionFacts, grade_id: str = "done") -> CellFacts | None:
    """The locked cell that prints Done; by its text where a tool has removed the cell's id."""
    code = [cell for cell in submission.cells if cell.cell_type == "code"]
    by_id = [cell for cell in code if cell.grade_id == grade_id]
    by_text = [cell for cell in code if re.fullmatch(r"print\(([\"'])Done\1\)", cell.source.strip())]
    return next(iter([*by_id, *by_text]), None)


def cells_until_done(submission: SubmissionFacts) -> list[CellFacts]:
    """The code cells up to the one that prints Done, that one included; all of them if there is none."""
    last = done_cell(submission)
    cells = [cell for cell in submission.cells if cell.cell_type == "code"]
    return cells if last is None else [cell for cell in cells if cell.index <= last.index]


def absolute_paths(source: str) -> list[str]:
    """The string literals of a code cell that are paths of one machine: `/content/…`, `C:\\…`, `~/…`.

    Comments, docstrings, URLs, lines of magics and of the shell, and what is put behind another string do
    not count. Neither does "/train/loss": without a known root, an ending or a third part it may be a name.
    """
    try:
        tree = ast.parse(_python(source))
    except (SyntaxError, ValueError, RecursionError):
        return []
    return [text for text in _leading_strings(tree) if _is_absolute(text)]


def _python(source: str) -> str:
    source = _PYTHON_CELL.sub("", source)
    if source.startswith("%%"):
        return ""
    lines = (
        f"{match['indent'] or match['help'] or ''}pass" if (match := _SHELL.match(line)) else line
        for line in source.splitlines()
    )
    return "\n".join(lines)


def _leading_strings(node: ast.AST, leads: bool = True) -> Iterator[str]:
    """String literals that may begin a path; of a sum and of an f-string only the first part can."""
    if isinstance(node, ast.Constant):
        if leads and isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    elif isinstance(node, ast.JoinedStr):
        for position, part in enumerate(node.values):
            yield from _leading_strings(part, leads and position == 0)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _leading_strings(node.left, leads)
        yield from _leading_strings(node.right, False)
    else:
        skipped = node.slice if isinstance(node, ast.Subscript) else None  # a key of a dict or an HDF5 file
        for child in ast.iter_child_nodes(node):
            if child is not skipped:
                yield from _leading_strings(child)


def _is_absolute(text: str) -> bool:
    return text not in _HARMLESS and any(pattern.match(text) for pattern in _ABSOLUTE)
