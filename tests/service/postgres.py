"""A real PostgreSQL server of Debian's packages, in a temporary folder, for one test run."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def postgres_url(folder: Path) -> Iterator[str]:
    """Start a server. Returns: an SQLAlchemy URL of its database. Skips where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if not initdb:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    binaries = Path(initdb).resolve().parent if found else Path(initdb).parent
    data = Path("/tmp") / f"autograder-postgres-{secrets.token_hex(4)}"
    data.mkdir(mode=0o700)
    user: dict = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        name = "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"
        entry = pwd.getpwnam(name)
        os.chown(data, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [binaries / program, *arguments], capture_output=True, text=True, cwd="/", timeout=120, **user
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
    try:
        run("initdb", "-D", f"{data}/db", "-U", "grader", "-A", "trust", "--no-sync")
        subprocess.run(
            [binaries / "pg_ctl", "-D", f"{data}/db", "-o", options, "-l", f"{data}/log", "-w", "start"],
            check=True, cwd="/", timeout=120, stdout=subprocess.DEVNULL, **user,
        )  # fmt: skip
        try:
            yield f"postgresql+psycopg://grader@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", f"{data}/db", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(data, ignore_errors=True)
