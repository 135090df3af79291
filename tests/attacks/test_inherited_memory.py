"""What the grader's shell exports is not in the memory that kernels inherit.

The kernel is searched from within, as a hostile notebook would: every readable page of it.
"""

from autograder.checking.student import Student, define
from autograder.checking.transports import SocketTransport
from autograder.sandbox import launcher_environment
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import Launcher

TOKEN = "hub-token-4711-of-the-grader"
# The pattern must not find itself, nor the text of the function that searches.
SEARCH = """
import re

def search():
    pattern, found = re.compile(rb"hub-token-[4]711-of"), 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps.read().splitlines():
            addresses, rights, *_ = line.split()
            if "r" not in rights or line.endswith(("[vvar]", "[vvar_vclock]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in addresses.split("-"))
            try:
                memory.seek(start)
                found += len(pattern.findall(memory.read(end - start)))
            except OSError:
                pass
    return found
"""


def occurrences(**planted):
    with Launcher.start(preload=()) as launcher, launcher.launch(Limits(), seed=1) as kernel:
        student = Student(SocketTransport(kernel.probe))
        return define(student, "search", SEARCH, **planted)()


def test_the_environment_of_the_grader_is_not_in_the_memory_of_a_kernel(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", TOKEN)
    assert occurrences() == 0


def test_the_search_finds_what_is_there():
    """The control."""
    assert occurrences(planted=TOKEN) > 0


def test_only_named_variables_reach_the_launcher():
    shell = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "AWS_SECRET_ACCESS_KEY": TOKEN,
        "PGPASSWORD": TOKEN,
        "SECRET": TOKEN,
    }
    passed = launcher_environment.launcher_environment(shell)
    assert TOKEN not in passed.values()
    assert (passed["PATH"], passed["LC_ALL"], passed["OMP_NUM_THREADS"]) == ("/bin", "C", "1")
