"""The notebook with its solutions, as a syntax tree in which bodies can be replaced. Nothing is imported.

The solution is the text of the reference's modules, one after the other in one namespace, as the cells of
a notebook are: what an earlier module defines, the later ones use from here.
"""

import ast
import copy
import importlib.util
import textwrap
from collections.abc import Sequence
from pathlib import Path

Definition = ast.FunctionDef | ast.ClassDef


def solved_notebook(modules: Sequence[str]) -> ast.Module:
    """The statements of the reference's modules without imports from each other.

    Raises: ModuleNotFoundError.
    """
    body: list[ast.stmt] = []
    for name in modules:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no module named {name!r}")
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"), spec.origin)
        body += [node for node in tree.body if not _imports_from(node, modules)]
    return ast.Module(body, type_ignores=[])


def replaced(notebook: ast.Module, bodies: dict[str, str]) -> ast.Module:
    """A copy with other bodies.

    Args:
        bodies: statements by `function`, `Class.method`, or `Class` for all that stands in it.
    Raises: ValueError for a name that is not defined there, and for a body that is not Python.
    """
    notebook = copy.deepcopy(notebook)
    for target, body in bodies.items():
        try:
            statements = ast.parse(textwrap.dedent(body).strip("\n")).body
        except SyntaxError as error:
            raise ValueError(f"the body for {target} is not Python: {error}") from None
        _find(notebook, target).body = statements
    return ast.fix_missing_locations(notebook)


def stubbed(notebook: ast.Module) -> ast.Module:
    """A copy in which every function and method raises NotImplementedError, as in the release."""
    notebook = copy.deepcopy(notebook)
    stub = "raise NotImplementedError"
    for node in notebook.body:
        for function in [node, *node.body] if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, ast.FunctionDef):
                function.body = ast.parse(stub).body
    return ast.fix_missing_locations(notebook)


def needed_definitions(notebook: ast.Module) -> dict[str, set[str]]:
    """For each function and class: itself and every one that it uses, directly or through others."""
    nodes = {node.name: node for node in notebook.body if isinstance(node, Definition)}
    uses = {name: _names(node) & nodes.keys() for name, node in nodes.items()}
    needed = {}
    for name in nodes:
        found, waiting = {name}, [name]
        while waiting:
            new = uses[waiting.pop()] - found
            found |= new
            waiting += new
        needed[name] = found
    return needed


def _imports_from(node: ast.stmt, modules: Sequence[str]) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module in modules


def _find(notebook: ast.Module, target: str) -> Definition:
    found: ast.Module | Definition = notebook
    for name in target.split("."):
        inside = [node for node in found.body if isinstance(node, Definition) and node.name == name]
        if not inside:
            raise ValueError(f"the solution has no {target}")
        found = inside[-1]
    assert isinstance(found, Definition)
    return found


def _names(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
