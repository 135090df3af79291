"""What a single check depends on, as a hash: its result stands while that does.

A check depends on its own text and on all that it can reach by name in its module: helpers, constants,
fixtures, classes, imports, and through those whatever they name. This is read from the text, without
running it, and errs on the side of too much: a name counts wherever it occurs, a statement that does
something when the module is loaded counts for every check, and a module that looks names up in ways that a
reader of its text cannot follow has no parts at all. Packages are in the environment's hash; of the
reference, all modules count that the module names or that those import.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from autograder.checking.catalogue import question_call
from autograder.grading.reference import names_of_modules

__all__ = ["CheckTexts", "depends_on"]

OPAQUE = {"globals", "locals", "vars", "eval", "exec", "compile", "__import__", "importlib", "sys", "inspect"}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class CheckTexts:
    """Args:
    own: by a check's id, sha256 of what it reaches; of the reference's modules too where it uses them.
    reference: sha256 of the modules of the reference that the check module needs.
    of_cells: ids of the checks that look at the executed cells (fixture `submission`).
    """

    own: Mapping[str, str]
    reference: str
    of_cells: frozenset[str]

    @classmethod
    def read(cls, module: bytes, modules: Mapping[str, bytes]) -> CheckTexts:
        """Args:
        module: the text of the check module. modules: those of the reference that it needs, by path.
        """
        tree = _with_single_imports(ast.parse(module))
        parts = _Parts(tree)
        reference = _sha256(f"{path} {modules[path].decode()}" for path in sorted(modules))
        own, of_cells = {}, set()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                check_id = node.name.removeprefix("test_")
                reached = parts.reached_from(node)
                own[check_id] = _sha256([*map(_text, reached), reference if _uses_reference(reached) else ""])
                if any(_takes(each, "submission") for each in reached):
                    of_cells.add(check_id)
        return cls(own, reference, frozenset(of_cells))


def depends_on(texts: CheckTexts, check_id: str, outcome: str) -> str:
    """The hash under which a result with this outcome stands.

    A check that passed never asked the reference anything but what its text shows. One that did not may have
    been tried with the reference in the student's place, to tell a student's error from a defect of ours.
    """
    own = texts.own[check_id]
    return own if outcome == "passed" else _sha256([own, texts.reference])


class _Parts:
    """The statements of a module, by the names that they bind."""

    def __init__(self, tree: ast.Module):
        self._by_name: dict[str, list[ast.stmt]] = {}
        self._always: list[ast.stmt] = []
        self._opaque = bool(OPAQUE & _plain_names(tree))
        self._tree = tree
        for node in tree.body:
            bound = _bound(node)
            if bound is None:
                self._always.append(node)
            for name in bound or ():
                self._by_name.setdefault(name, []).append(node)

    def reached_from(self, check: ast.FunctionDef) -> list[ast.stmt]:
        """The statements that a check reaches, itself included, in the order of the module."""
        if self._opaque:
            return list(self._tree.body)
        found: dict[int, ast.stmt] = {}
        waiting: list[ast.stmt] = [check, *self._always]
        while waiting:
            node = waiting.pop()
            if id(node) not in found:
                found[id(node)] = node
                for name in _names(node):
                    waiting += self._by_name.get(name, ())
        return [node for node in self._tree.body if id(node) in found]


def _with_single_imports(tree: ast.Module) -> ast.Module:
    """`from m import a, b` as two statements, so that a check does not depend on what others import."""
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            body += [ast.ImportFrom(node.module, [alias], node.level) for alias in node.names]
        elif isinstance(node, ast.Import):
            body += [ast.Import([alias]) for alias in node.names]
        else:
            body.append(node)
    return ast.Module(body, type_ignores=[])


def _uses_reference(reached: Iterable[ast.stmt]) -> bool:
    return any(
        _takes(node, "reference")
        or (isinstance(node, ast.Import | ast.ImportFrom) and bool(names_of_modules(node)))
        for node in reached
    )


def _takes(node: ast.stmt, fixture: str) -> bool:
    if not isinstance(node, ast.FunctionDef):
        return False
    return any(argument.arg == fixture for argument in (*node.args.args, *node.args.kwonlyargs))


def _sha256(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)} {text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _bound(node: ast.stmt) -> set[str] | None:
    """The names that a statement binds and nothing more; None for one that does something besides."""
    if isinstance(node, Definition):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name | ast.Tuple) for t in node.targets):
        return {child.id for t in node.targets for child in ast.walk(t) if isinstance(child, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return set()  # a docstring
    return None


def _plain_names(tree: ast.Module) -> set[str]:
    """Names that stand for themselves, and imported ones; `model.compile` is not `compile`."""
    names = {child.id for child in ast.walk(tree) if isinstance(child, ast.Name)}
    imports = [child for child in ast.walk(tree) if isinstance(child, ast.Import | ast.ImportFrom)]
    return names | {part for each in imports for alias in each.names for part in alias.name.split(".")}


@lru_cache(maxsize=4096)
def _names(node: ast.AST) -> set[str]:
    """All names in a statement, those of arguments (fixtures) and attributes among them, and plain texts.

    Texts, since a fixture may be asked for by name (`usefixtures`).
    """
    found = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            found.add(child.id)
        elif isinstance(child, ast.arg):
            found.add(child.arg)
        elif isinstance(child, ast.Attribute):
            found.add(child.attr)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str) and child.value.isidentifier():
            found.add(child.value)
    return found


@lru_cache(maxsize=4096)
def _text(node: ast.stmt) -> str:
    """Without comments, docstrings and `points`: what a check is worth changes nothing of its outcome."""
    copied = ast.parse(ast.unparse(node)).body[0]
    for child in ast.walk(copied):
        if isinstance(child, Definition) and ast.get_docstring(child) is not None:
            child.body = child.body[1:] or [ast.Pass()]
    if isinstance(copied, ast.FunctionDef) and (call := question_call(copied)):
        call.keywords = [keyword for keyword in call.keywords if keyword.arg != "points"]
    return ast.dump(copied)
