"""SECURITY.md says what is so: the trusted part as it is, and names that exist."""

import re

import trusted_part


def test_the_trusted_part_is_as_long_as_the_document_says():
    told = trusted_part.in_document()
    assert told == trusted_part.table(), "run `python tests/attacks/trusted_part.py --write`"


def test_every_file_of_the_sandbox_is_trusted_or_said_not_to_be():
    """A new file has to be put on one side or the other."""
    trusted = {file for files in trusted_part.PARTS.values() for file in files}
    outside = {"sandbox/__init__.py", "sandbox/doctor.py", "sandbox/on_demand.py", "sandbox/provisioner.py"}
    students = {f"sandbox/{name}.py" for name in ("probe", "kernel", "remote_values", "remote_variables")}
    package = trusted_part.REPOSITORY / "autograder"
    found = {str(path.relative_to(package)) for path in (package / "sandbox").glob("*.py")}
    assert found == {file for file in trusted if file.startswith("sandbox/")} | outside | students


def test_what_the_document_names_exists():
    text = trusted_part.DOCUMENT.read_text()
    for path in re.findall(r"`((?:tests|autograder)/[\w/.]+)`", text):
        assert (trusted_part.REPOSITORY / path).exists(), path


def test_the_count_leaves_out_what_does_nothing(tmp_path):
    (tmp_path / "x.py").write_text(
        '"""A\ndocstring."""\n\n# a comment\nX = """\nno docstring\n"""\n\n\ndef f():\n    """D."""\n    return X\n'
    )
    assert trusted_part.lines_of_code(tmp_path / "x.py") == 5
