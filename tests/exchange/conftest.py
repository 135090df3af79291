"""The service of tests/service, and people at nbgrader's commands."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from conftest_service import database, hub, released, root, served, stores  # noqa: F401
