"""The trusted part of the system, as SECURITY.md lists it: which files, what each is trusted with, how long it is.

python tests/attacks/trusted_part.py            prints the table
python tests/attacks/trusted_part.py --write    puts it into SECURITY.md
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "SECURITY.md"
BEGIN, END = "<!-- trusted part: begin -->", "<!-- trusted part: end -->"

# A mistake in one of these could let a submission out, through to a mark, or into a page.
PARTS = {
    "Keeps untrusted code in": (
        "sandbox/confinement.py",
        "sandbox/layers.py",
        "sandbox/new_root.py",
        "sandbox/visible.py",
        "sandbox/landlock.py",
        "sandbox/seccomp.py",
        "sandbox/syscalls.py",
        "sandbox/credentials.py",
        "sandbox/libc.py",
    ),
    "Starts it, limits it, ends it": (
        "sandbox/launcher.py",
        "sandbox/launcher_environment.py",
        "sandbox/supervisor.py",
        "sandbox/watchdog.py",
        "sandbox/usage.py",
        "sandbox/limits.py",
        "sandbox/cgroup.py",
        "sandbox/scratch_folder.py",
        "sandbox/work_folder.py",
        "sandbox/session.py",
    ),
    "Reads what it says": (
        "sandbox/codec.py",
        "checking/transports.py",
        "checking/student.py",
        "checking/errors.py",
        "grading/execute.py",
        "grading/notebook_file.py",
        "grading/notebook.py",
    ),
    "Decides": (
        "checking/compare.py",
        "checking/verdict.py",
        "checking/runner.py",
        "checking/suite.py",
        "grading/checked.py",
        "grading/submission.py",
        "grading/marking.py",
        "grading/gradebook.py",
        "grading/secret.py",
    ),
    "Shows it to people": ("report/safe_notebook.py", "report/safe_html.py", "report/plain_text.py"),
}


def lines_of_code(path: Path) -> int:
    """Lines that do something: no blank ones, no comments, no docstrings."""
    text = path.read_text()
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    passed_over = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (*passed_over, tokenize.ENDMARKER):
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


def table() -> str:
    rows = ["| trusted with | file below `autograder/` | lines of code |", "|---|---|---:|"]
    total = 0
    for part, files in PARTS.items():
        counts = [lines_of_code(REPOSITORY / "autograder" / file) for file in files]
        total += sum(counts)
        rows.append(f"| **{part}** | | **{sum(counts):,}** |")
        rows += [f"| | `{file}` | {count} |" for file, count in zip(files, counts, strict=True)]
    return "\n".join([*rows, f"| **together** | | **{total:,}** |"])


def in_document() -> str:
    text = DOCUMENT.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def main() -> None:
    if "--write" not in sys.argv[1:]:
        print(table())
        return
    text = DOCUMENT.read_text()
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    DOCUMENT.write_text(f"{before}\n{table()}\n{after}")


if __name__ == "__main__":
    main()
