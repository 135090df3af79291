"""The text of a solution, out of the reference's source, with nbgrader's solution marks around its bodies.

The reference is read, never imported: what the student sees (signature, docstring) and what the stub
hides (the body) are the author's own lines, comments and shapes included.
"""

import ast
import difflib
import sys
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Solution:
    """One function or class of the reference.

    Attributes:
        module: dotted. path: its file. line: where the text starts in it, from 1.
        text: as it stands there. marked: with solution marks.
        hidden: the lines between the marks, stripped, without blank ones.
        imports: name -> the module's import statement that binds it.
    """

    module: str
    path: Path
    line: int
    text: str
    marked: str
    hidden: tuple[str, ...]
    imports: dict[str, str]


def find_solution(dotted: str, course_root: Path) -> Solution:
    """The function or class that `package.module.name` names, looked for in the course, then on sys.path.

    Raises: ValueError with what is wrong and what to do.
    """
    module, _, name = dotted.rpartition(".")
    path = _module_file(module, course_root)
    if path is None:
        raise ValueError(f"no module {module!r} for the solution {dotted!r}. Is the name spelt right?")
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, filename=str(path))
    found = {node.name: node for node in tree.body if isinstance(node, Function | ast.ClassDef)}
    if name not in found:
        near = difflib.get_close_matches(name, found) or sorted(found)
        raise ValueError(f"{path.name} has no function or class {name!r}. It has: {', '.join(near)}.")
    return _solution(found[name], module, path, text.split("\n"), _imports(tree))


def _module_file(module, course_root):
    parts = module.split(".") if module else []
    if not parts or not all(part.isidentifier() for part in parts):
        return None
    for folder in (course_root, *(Path(entry or ".") for entry in sys.path)):
        base = folder.joinpath(*parts)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
    return None


def _imports(tree):
    """Name -> import statement, for the imports at the module's top level."""
    bound = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                kept = ast.Import([alias]) if isinstance(node, ast.Import) else _import_from(node, alias)
                bound[alias.asname or alias.name.split(".")[0]] = ast.unparse(kept)
    return bound


def _import_from(node, alias):
    return ast.ImportFrom(node.module, [alias], node.level)


def _solution(node, module, path, lines, imports):
    first = _first_line(node)
    regions = _regions(node, lines)
    if not regions:
        raise ValueError(f"{path.name}:{node.lineno}: {node.name} has no body that a student could write.")
    marked, hidden, at = [], [], first
    for region in regions:
        body = lines[region.start - 1 : region.end]
        indent = " " * region.column
        marked += [*lines[at - 1 : region.start - 1], indent + BEGIN, *body, indent + END]
        hidden += [line.strip() for line in body if line.strip()]
        at = region.end + 1
    last = max(node.end_lineno, regions[-1].end)
    marked += lines[at - 1 : last]
    text = "\n".join(lines[first - 1 : last])
    return Solution(module, path, first, text, "\n".join(marked), tuple(hidden), imports)


@dataclass(frozen=True)
class _Region:
    """The lines `start` to `end` of a body, both included, from 1, and the column its statements start at."""

    start: int
    end: int
    column: int


def _regions(node, lines):
    """The body of a function; of a class, the bodies of its methods."""
    if isinstance(node, Function):
        return _body_region(node, lines)
    methods = [child for child in node.body if isinstance(child, Function)]
    return [region for method in methods if not _is_given(method) for region in _body_region(method, lines)]


def _is_given(method):
    """A `get_config` of one statement: boilerplate that gives nothing away, so the student keeps it."""
    return method.name == "get_config" and [type(node) for node in _statements(method)] == [ast.Return]


def _statements(function):
    """The body without the docstring."""
    return function.body[1:] if _has_docstring(function) else function.body


def _has_docstring(function):
    return ast.get_docstring(function, clean=False) is not None


def _body_region(function, lines):
    """From after the docstring or signature to the last comment that is indented like the body."""
    statements = _statements(function)
    if all(_is_placeholder(statement) for statement in statements):
        return []
    start, column = _first_line(statements[0]), statements[0].col_offset
    if lines[start - 1][:column].strip():
        raise ValueError(f"{function.name}, line {start}: write the body below the `def`, not beside it.")
    above = function.body[0].end_lineno if _has_docstring(function) else function.lineno
    while start - 1 > above and _is_blank_or_comment(lines[start - 2]):
        start -= 1
    while not lines[start - 1].strip():
        start += 1
    end = at = function.end_lineno
    while at < len(lines) and _is_blank_or_comment(lines[at], indent=column):
        at += 1
        end = at if lines[at - 1].strip() else end
    return [_Region(start, end, column)]


def _first_line(statement):
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _is_placeholder(statement):
    is_ellipsis = isinstance(statement, ast.Expr) and getattr(statement.value, "value", None) is ...
    return isinstance(statement, ast.Pass) or is_ellipsis


def _is_blank_or_comment(line, indent=0):
    stripped = line.lstrip()
    return not stripped or (stripped.startswith("#") and len(line) - len(stripped) >= indent)
