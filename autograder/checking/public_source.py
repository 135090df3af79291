"""What of our texts goes into a release: the public checks of a module, and copies of what runs them."""

import ast
import builtins
import os
import re
import sys
from pathlib import Path

from autograder.checking.catalogue import is_public_check

_CHECKING = Path(__file__).parent
_FOLDERS = {"autograder.checking": _CHECKING, "autograder.sandbox": _CHECKING.parent / "sandbox"}
_FIRST = ("public_check", "public_runner", "vocabulary")
_OUR_IMPORT = re.compile(r"^(\s*)from autograder\.(?:checking|sandbox)\.(\w+) import", re.MULTILINE)
_ALLOWED = frozenset(["numpy", "pytest", "keras", "tensorflow", *sys.stdlib_module_names])
_HEADER = '"""Public checks of this assignment. At grading they run with other inputs, among others."""\n'


def public_source(check_module_path: str | os.PathLike) -> str:
    """The text of the public checks, and of the module-level names that they need, in their order.

    Raises: ValueError when they need a module that is not released.
    """
    path = Path(check_module_path)
    text = path.read_text(encoding="utf-8")
    body = ast.parse(text, str(path)).body
    definitions = {name: node for node in body for name in _defined_names(node)}
    needed = _needed([node for node in body if is_public_check(node)], definitions)
    parts = [_HEADER]
    imports = [
        _import_text(node, needed, path) for node in body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    parts.append("".join(line + "\n" for line in imports if line))
    kept = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom)]
    parts += [_source(node, text) for node in kept if is_public_check(node) or _defined_names(node) & needed]
    released = "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"
    if missing := _undefined_names(released):
        raise ValueError(f"{path}: public checks need {', '.join(missing)}, defined by no plain statement")
    return released


def shipped_modules() -> list[Path]:
    """The modules that a release carries, so that it needs nothing of ours installed."""
    found: dict[str, Path] = {}
    waiting = [_CHECKING / f"{name}.py" for name in _FIRST]
    while waiting:
        path = waiting.pop()
        if found.setdefault(path.stem, path) != path:
            raise ValueError(f"two released modules have one name: {path} and {found[path.stem]}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            package, _, name = (module or "").rpartition(".")
            if package in _FOLDERS and name not in found:
                waiting.append(_FOLDERS[package] / f"{name}.py")
    return [found[name] for name in sorted(found)]


def shipped_text(path: Path) -> str:
    """The text of a module, with imports from its neighbours in the release."""
    return _OUR_IMPORT.sub(r"\1from .\2 import", path.read_text(encoding="utf-8"))


def _defined_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return set()


def _needed(roots: list[ast.stmt], definitions: dict[str, ast.stmt]) -> set[str]:
    """Names that the roots use, directly or through others. Arguments count: they may name fixtures."""
    needed: set[str] = set()
    waiting = list(roots)
    while waiting:
        for node in ast.walk(waiting.pop()):
            name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else None
            if name in definitions and name not in needed:
                needed.add(name)
                waiting.append(definitions[name])
    return needed


def _undefined_names(text: str) -> list[str]:
    """Names that a module uses and neither defines nor binds anywhere."""
    used, bound = set(), set(dir(builtins))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler):
            bound.add(node.name or "")
        elif isinstance(node, ast.stmt):
            bound |= _defined_names(node)
    return sorted(used - bound)


def _import_text(node: ast.Import | ast.ImportFrom, needed: set[str], path: Path) -> str:
    names = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in needed]
    if not names:
        return ""
    module = node.module or "" if isinstance(node, ast.ImportFrom) else names[0].name
    if isinstance(node, ast.ImportFrom) and module == "autograder.checking":
        module = ".vocabulary"
    elif module.rpartition(".")[0] in _FOLDERS and isinstance(node, ast.ImportFrom):
        name = module.rpartition(".")[2]
        if name not in {shipped.stem for shipped in shipped_modules()}:
            raise ValueError(f"{path}:{node.lineno}: {module} is not released, and a public check needs it")
        module = f".{name}"
    elif module.partition(".")[0] not in _ALLOWED:
        raise ValueError(f"{path}:{node.lineno}: a public check needs {module}, which students may not have")
    kept = ", ".join(ast.unparse(alias) for alias in names)
    return f"from {module} import {kept}" if isinstance(node, ast.ImportFrom) else f"import {kept}"


def _source(node: ast.stmt, text: str) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
