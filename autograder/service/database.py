"""The database: SQLite or PostgreSQL behind one URL, whole transactions, and nothing lost at a kill.

Every transaction that writes takes its turn from the start (SQLite: BEGIN IMMEDIATE), and is on disk when it
returns (SQLite: WAL with synchronous=FULL; PostgreSQL: its default).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from autograder.errors import StoreError
from autograder.service.schema import VERSION, Base, Schema

__all__ = ["Database"]

LOCK_WAIT_S = 30.0
POOL = 20
_WRITES = "autograder_writes"


class Database:
    """Args:
        url: of SQLAlchemy; the tables are made where they are missing.

    Raises: StoreError if it cannot be opened or belongs to another version.
    """

    def __init__(self, url: str):
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            self.path = Path(parsed.database) if self.is_sqlite and parsed.database else None
            if self.path:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.path.touch(mode=0o600)  # SQLite gives its other files the mode of this one
            self.engine = self._engine(url)
            with self.locked("schema") as session:
                Base.metadata.create_all(session.connection())
                version = session.scalar(select(Schema.version))
                if version is None:
                    session.add(Schema(version=VERSION))
        except (ArgumentError, SQLAlchemyError, ImportError, OSError) as error:
            raise StoreError(f"the service's database cannot be used: {_said(error)}") from error
        if version not in (None, VERSION):
            self.close()
            raise StoreError(
                f"the service's database has tables of version {version}, this program needs {VERSION}: "
                "run the version of the program that made it, or give it another database"
            )

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state and writes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: all of it is kept when the block ends, none of it when the block raises."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={_WRITES: True})
            yield session
            session.commit()

    @contextlib.contextmanager
    def locked(self, what: str) -> Iterator[Session]:
        """`write`, of those with the same `what` one at a time (in SQLite all writes are)."""
        with self.write() as session:
            if not self.is_sqlite:
                key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield session

    def check(self) -> None:
        """Raises: StoreError if the database does not answer."""
        try:
            with self.read() as session:
                session.execute(select(Schema.version))
        except SQLAlchemyError as error:
            raise StoreError(f"the database does not answer: {_said(error)}") from error

    def close(self) -> None:
        self.engine.dispose()

    def _engine(self, url: str) -> Engine:
        if not self.is_sqlite:
            return create_engine(url, pool_pre_ping=True, pool_size=POOL, max_overflow=POOL)
        options: dict[str, Any] = {"connect_args": {"timeout": LOCK_WAIT_S, "check_same_thread": False}}
        engine = create_engine(url, pool_size=POOL, max_overflow=POOL, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # sqlite3 would begin transactions on its own, and too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _said(error: BaseException) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())
