"""What students are given holds no reference, no hidden check and no solution: looked up inside what is built."""

import ast
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from hub_config.setup_local.places import CHECKOUT

STUDENT = CHECKOUT / "hub_config" / "student"
KUBERNETES = CHECKOUT / "hub_config" / "kubernetes"
ALLOWED = re.compile(r"autograder/(__init__|errors)\.py|autograder/exchange/[a-z_]+\.py")
HIDDEN = (
    "reference_impl",
    "autograder/checks",
    "autograder/grading",
    "autograder/service",
    "tests/mutants",
    "source",
)


def uv():
    found = shutil.which("uv") or shutil.which("uv", path=str(CHECKOUT / ".uv" / "bin"))
    if not found:
        pytest.skip("uv is not here: `make setup` puts it into .uv/")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [uv(), "build", "--quiet", "--wheel", "--out-dir", str(out), str(STUDENT)]
    subprocess.run(command, check=True, timeout=120)
    return next(out.glob("*.whl"))


def hidden_lines():
    """Lines of code that stand in the reference or the checks and nowhere else: what would give them away."""
    for folder in ("reference_impl", "autograder/checks"):
        for file in (CHECKOUT / folder).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef):
                    yield node.name


def test_the_wheel_holds_the_exchange_and_nothing_else(wheel):
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert "autograder/exchange/__init__.py" in names
    assert [name for name in names if not ALLOWED.fullmatch(name)] == []


def test_no_function_of_the_reference_or_the_checks_is_in_it(wheel):
    archive = zipfile.ZipFile(wheel)
    text = "\n".join(archive.read(name).decode() for name in archive.namelist())
    defined = set(re.findall(r"def (\w+)\(", text))
    names = {name for name in hidden_lines() if name.startswith("test_") or len(name) > 12}
    assert len(names) > 100 and not names & defined


def test_it_works_without_the_rest_of_the_project(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "from traitlets.config import Config; from autograder.exchange import configure; configure(Config())"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}; import autograder; print(autograder.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert str(tmp_path) in run.stdout


def copied(dockerfile):
    """Every path that a Dockerfile takes from the project."""
    text = (KUBERNETES / dockerfile).read_text().replace("\\\n", " ")
    for line in re.findall(r"^(?:COPY|ADD)\s+(.+)$", text, re.M):
        yield from line.split()[:-1]


def test_the_student_image_is_made_of_nothing_hidden():
    sources = list(copied("student.Dockerfile"))
    assert "autograder/exchange" in sources
    for source in sources:
        inside = (CHECKOUT / source).rglob("*") if (CHECKOUT / source).is_dir() else [CHECKOUT / source]
        for path in inside:
            relative = str(path.relative_to(CHECKOUT))
            assert not relative.startswith(HIDDEN), relative
    assert "." not in sources and "autograder" not in sources and "--from" not in " ".join(sources)


def lets_through(path):
    """Whether Docker's build of the student image could see a file, by its .dockerignore: last match wins."""
    seen = True
    for line in (KUBERNETES / "student.Dockerfile.dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keep, pattern = pattern.startswith("!"), pattern.lstrip("!")
        ends = pattern.removeprefix("**/")
        if (
            pattern == "*"
            or path == pattern
            or path.startswith(pattern + "/")
            or (pattern.startswith("**/") and any(fnmatch.fnmatch(part, ends) for part in path.split("/")))
        ):
            seen = keep
    return seen


def test_docker_never_sees_what_is_hidden_even_if_a_line_were_added():
    tracked = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout: which files are the project's cannot be told")
    seen = [path for path in tracked.stdout.split() if lets_through(path)]
    assert "autograder/exchange/__init__.py" in seen and "hub_config/student/requirements.in" in seen
    assert [path for path in seen if path.startswith(HIDDEN)] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_installed_environment_holds_nothing_hidden(tmp_path):
    """The image's own program, run here: the packages of a student's server, with the version of the chart's hub."""
    version = re.search(r"^ARG HUB_VERSION=(\S+)$", (KUBERNETES / "student.Dockerfile").read_text(), re.M)[1]
    environment = tmp_path / "environment"
    command = ["sh", str(STUDENT / "install.sh"), str(environment), f"jupyterhub=={version}"]
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin") or sys.executable
    subprocess.run(command, check=True, env={**os.environ, "UV": uv(), "PYTHON": python}, timeout=1700)
    packages = next(environment.glob("lib/python3*/site-packages"))
    assert (packages / "autograder" / "exchange" / "__init__.py").is_file()
    found = {
        path.relative_to(packages).parts[0] for path in packages.rglob("*") if "reference_impl" in str(path)
    }
    assert not found
    ours = [str(path.relative_to(packages)) for path in (packages / "autograder").rglob("*.py")]
    assert [path for path in ours if not ALLOWED.fullmatch(path)] == []
    assert not list(packages.glob("_editable_impl_*"))
    run = subprocess.run(
        [environment / "bin" / "jupyterhub-singleuser", "--version"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stdout.strip() == version, run.stderr
