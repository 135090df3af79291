"""Which modules of the reference a check module needs, read from its text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

__all__ = ["PACKAGE", "names_of_modules", "needed_modules"]

PACKAGE = "reference_impl"  # that solutions come from


def needed_modules(checks: bytes) -> dict[str, bytes]:
    """Texts, by path below an import root, of the modules that a check module names and of those they
    import."""
    installed = _installed()
    waiting, found = names_of_modules(ast.parse(checks)), set()
    while waiting:
        path = _path(waiting.pop(), installed)
        if path is not None and path not in found:
            found.add(path)
            waiting |= names_of_modules(ast.parse(installed[path].read_bytes()))
    if found and (package := _path(PACKAGE, installed)):
        found.add(package)
    return {path: installed[path].read_bytes() for path in sorted(found)}


def names_of_modules(node: ast.AST) -> set[str]:
    """Dotted names of the reference's modules, as they occur in imports and in texts (`REFERENCE = (…)`)."""
    found = set()
    for child in ast.walk(node):
        if isinstance(child, ast.ImportFrom) and child.module:
            found |= {child.module, *(f"{child.module}.{alias.name}" for alias in child.names)}
        elif isinstance(child, ast.Import):
            found |= {alias.name for alias in child.names}
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            found.add(child.value)
    return {name for name in found if name.split(".")[0] == PACKAGE}


def _installed() -> Mapping[str, Path]:
    spec = find_spec(PACKAGE)
    folders = (spec.submodule_search_locations if spec else None) or ()
    return {
        f"{PACKAGE}/{path.relative_to(folder).as_posix()}": path
        for folder in map(Path, folders)
        for path in folder.rglob("*.py")
    }


def _path(name: str, modules: Iterable[str]) -> str | None:
    """The file of a module, by its dotted name."""
    stem = name.replace(".", "/")
    return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if path in modules), None)
