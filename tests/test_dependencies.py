"""Dependencies run one way, so that the trusted part stays small and a change stays where it is made."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each part may import itself and what stands below it.
# The exchange plug-in comes first: what students have installed holds nothing else of ours.
ORDER = [
    "exchange",
    "sandbox",
    "checking",
    "report",
    "planning",
    "grading",
    "service",
    "build",
    "demo",
    "cli",
]
ANYONE = {"errors"}


def imports(path):
    """The parts of ours that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package in ("autograder", "reference_impl", "tests"):
                yield package, rest.partition(".")[0]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "autograder").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_part_imports_only_what_stands_below_it(path):
    own = path.relative_to(ROOT / "autograder").parts[0].removesuffix(".py")
    if own in ("__init__", *ANYONE):
        assert not list(imports(path))
        return
    allowed = {"checking"} if own == "checks" else set(ORDER[: ORDER.index(own) + 1]) | ANYONE
    for package, part in imports(path):
        if own == "checks" and package == "reference_impl":
            continue  # a check compares with it, and reads data that students do not have by its loaders
        assert package == "autograder", f"{path} imports {package}"
        assert not part or part in allowed, f"{own} imports {part}, which does not stand below it"


@pytest.mark.parametrize("path", sorted((ROOT / "reference_impl").glob("*.py")), ids=lambda p: p.name)
def test_the_reference_imports_nothing_of_ours(path):
    assert {package for package, _ in imports(path)} <= {"reference_impl"}
