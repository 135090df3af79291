"""What a mark depends on, as hashes."""

import subprocess
import sys

READ = "from autograder.grading import fingerprint; print(fingerprint.environment())"


def test_the_environment_does_not_depend_on_what_was_imported_before():
    """setuptools shows the copies of packages that it carries to whoever looks after it was imported."""
    hashes = {
        subprocess.run(
            [sys.executable, "-c", f"{before}; {READ}"], check=True, capture_output=True, text=True
        ).stdout
        for before in ("pass", "import setuptools")
    }
    assert len(hashes) == 1
