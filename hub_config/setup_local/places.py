"""Where a hub on this machine keeps its things: everything but homes lies below one prefix."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from hub_config.shared.people import People

CHECKOUT = Path(__file__).resolve().parents[2]
ROOTS_PREFIX = Path("/opt/autograder-hub")
DEMOS_PREFIX = CHECKOUT / ".hub"
# The hub's configuration file is told by this variable where to look.
PREFIX_VARIABLE = "AUTOGRADER_HUB_PREFIX"


@dataclass(frozen=True)
class Ports:
    """Six ports in a row; the first is the one that people open, the others listen on 127.0.0.1 alone."""

    first: int = 8000

    @property
    def proxy(self) -> int:
        return self.first

    @property
    def proxy_api(self) -> int:
        return self.first + 1

    @property
    def hub(self) -> int:
        return self.first + 2

    @property
    def submission_service(self) -> int:
        return self.first + 3

    @property
    def formgrader(self) -> int:
        return self.first + 4

    @property
    def status(self) -> int:
        return self.first + 5

    def all(self) -> range:
        return range(self.first, self.first + 6)


@dataclass(frozen=True)
class Places:
    """Folders of a hub.

    Args:
        prefix: readable by all (0755); what must not be read lies in folders of its own below it.
        demo: no root: everything runs as one user, in the checkout's own environment.
    """

    prefix: Path
    demo: bool

    @property
    def students_environment(self) -> Path:
        """Packages for people's servers: nothing of ours in it but the exchange plug-in."""
        return CHECKOUT / ".venv" if self.demo else self.prefix / "environment"

    @property
    def graders_environment(self) -> Path:
        """For the service, the worker and Formgrader: the whole project (root:grader, 0750)."""
        return CHECKOUT / ".venv" if self.demo else self.prefix / "grader" / "environment"

    @property
    def proxy_program(self) -> Path:
        return self.prefix / "proxy" / "node_modules" / ".bin" / "configurable-http-proxy"

    @property
    def role_folders(self) -> Path:
        """Jupyter's configuration by role, readable by all."""
        return self.prefix / "etc"

    @property
    def state(self) -> Path:
        """The hub's database, cookie secret and process ids (0700)."""
        return self.prefix / "state"

    @property
    def metrics_token(self) -> Path:
        """With it Prometheus reads the hub's metrics."""
        return self.state / "metrics_token"

    @property
    def submissions(self) -> Path:
        """The service's database and blobs (the grader's, 0700)."""
        return self.prefix / "submissions"

    def course(self, people: People) -> Path:
        if self.demo:
            return self.prefix / "course"
        return Path(f"~{people.grader}").expanduser() / people.course


@dataclass(frozen=True)
class Settings:
    """What the hub's configuration file is told by the set-up (prefix/settings.json).

    Args:
        class_file: who is in the course. address: where the proxy listens.
        demo_password: one for all names of a demo, else empty.
    """

    class_file: str
    demo: bool
    address: str = "127.0.0.1"
    port: int = 8000
    idle_s: int = 3600
    demo_password: str = ""

    def write(self, prefix: Path) -> None:
        write_private(prefix / "settings.json", json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, prefix: Path) -> Settings:
        return cls(**json.loads((prefix / "settings.json").read_text(encoding="utf-8")))


def write_private(file: Path, text: str) -> None:
    """Readable by its owner alone from the first moment."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)


def make_metrics_token(places: Places) -> None:
    if not places.metrics_token.is_file():
        write_private(places.metrics_token, secrets.token_hex(32))
