"""nbgrader's database, opened so that several programs can use it and errors say what to do.

SQLite's own defaults fail here: a transaction that reads first and writes later is refused at once when
another wrote in between. So a transaction that may write takes the write lock when it begins, and waits
for it; one that only reads takes none, since with it even a commit without changes waits for all readers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from alembic.script import ScriptDirectory
from nbgrader import dbutil
from nbgrader.api import Base, Course, InvalidEntry
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from autograder.errors import GradebookError

__all__ = ["Database"]

LOCK_WAIT_S = 60.0
_ATTEMPT_S = 5.0  # one wait of SQLite's; between attempts other programs get their turn
_BUSY = ("database is locked", "database table is locked", "database schema is locked")
READING = "autograder_reading"
DEFAULT_COURSE = "default_course"  # what nbgrader files assignments under

Result = TypeVar("Result")


class Database:
    """Args:
        db_url: as nbgrader's `CourseDirectory.db_url`; a file of SQLite is made if there is none.
        lock_wait_s: how long to wait in all for another program's transaction.

    Raises: GradebookError.
    """

    def __init__(self, db_url: str, lock_wait_s: float = LOCK_WAIT_S):
        self.db_url = db_url
        self.name = _shown(db_url)
        self._lock_wait_s = lock_wait_s
        self._engine = _engine(db_url, min(_ATTEMPT_S, lock_wait_s))
        self._reading = self._engine.execution_options(**{READING: True})
        self._inspected = False

    def close(self) -> None:
        self._engine.dispose()

    def transaction(self, work: Callable[[Session], Result]) -> Result:
        """`work(session)` as one transaction: all of it, or, if it raises, nothing.

        It may be called again when the database was busy, so it must not keep what it read.

        Raises: GradebookError if the database refuses or stays busy; whatever `work` raises.
        """
        return self._repeated(lambda: self._within_session(self._engine, work))

    def read(self, work: Callable[[Session], Result]) -> Result:
        """`work(session)`, which changes nothing, beside programs that read or prepare to write.

        Raises: as `transaction`.
        """
        return self._repeated(lambda: self._within_session(self._reading, work))

    def _repeated(self, work: Callable[[], Result]) -> Result:
        deadline = time.monotonic() + self._lock_wait_s
        while True:
            try:
                return work()
            except DBAPIError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise self._explained(error) from error
            time.sleep(0.05)

    def _within_session(self, engine: Engine, work: Callable[[Session], Result]) -> Result:
        self._ensure_tables()
        with Session(engine) as session, session.begin():
            session.connection()  # SQLAlchemy begins at the first statement otherwise
            return work(session)

    def _ensure_tables(self) -> None:
        """nbgrader's tables and its version mark, as its own first command would make them."""
        if self._inspected:
            return
        with self._reading.begin() as connection:
            self._inspected = bool(inspect(connection).get_table_names())
        if self._inspected:
            return
        with self._engine.begin() as connection:
            if not inspect(connection).get_table_names():  # nobody was faster
                Base.metadata.create_all(connection)
                version = ScriptDirectory(dbutil.ALEMBIC_DIR).get_current_head()
                connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
                connection.execute(
                    text("INSERT INTO alembic_version VALUES (:version)"), {"version": version}
                )
                connection.execute(Course.__table__.insert(), {"id": DEFAULT_COURSE})
        self._inspected = True

    def _explained(self, error: Exception) -> GradebookError:
        said = str(getattr(error, "orig", error))
        if _is_busy(error):
            advice = (
                f"another program has held it for {self._lock_wait_s:.0f} s. Close what has it open "
                "(Formgrader, `nbgrader`, a database viewer) and run this again: it goes on where it stopped."
            )
        elif "readonly" in said or "read-only" in said:
            advice = "it cannot be written. Give this account the right to write the file and its folder."
        elif "unable to open" in said:
            advice = "it cannot be opened. Does the folder exist, and may this account write to it?"
        elif "no such column" in said or "no such table" in said or "UndefinedColumn" in said:
            advice = "it comes from another version of nbgrader. Back it up and run `nbgrader db upgrade`."
        elif "malformed" in said or "not a database" in said:
            advice = "the file is damaged, or no SQLite database. Restore it from a backup."
        else:
            advice = "the database refused."
        return GradebookError(f"gradebook {self.name}: {advice} It said: {said}")

    @property
    def exists(self) -> bool:
        """Whether there is anything to read; asking a database of SQLite would make its file."""
        url = make_url(self.db_url)
        return url.get_backend_name() != "sqlite" or bool(url.database and Path(url.database).exists())

    def by_nbgrader(self, work: Callable[[], Result]) -> Result:
        """`work()`, which opens the database with nbgrader's own Gradebook and can be repeated.

        nbgrader waits 5 s for a lock and reports any refusal as an entry that is not valid.

        Raises: GradebookError if the database refuses or stays busy; whatever else `work` raises.
        """
        self.read(lambda session: None)  # makes the tables
        deadline = time.monotonic() + self._lock_wait_s
        while True:
            try:
                return work()
            except (DBAPIError, InvalidEntry) as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise self._explained(error) from error


def _engine(db_url: str, wait_s: float) -> Engine:
    try:
        if make_url(db_url).get_backend_name() != "sqlite":
            return create_engine(db_url)
        engine = create_engine(db_url, connect_args={"timeout": wait_s})
    except Exception as error:  # a URL without meaning, or a driver that is not installed
        raise GradebookError(f"gradebook {_shown(db_url)} cannot be opened: {error}") from error

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def take_the_write_lock(connection: Any) -> None:
        reading = connection.get_execution_options().get(READING)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _is_busy(error: Exception) -> bool:
    return any(text in str(error) for text in _BUSY)


def _shown(db_url: str) -> str:
    """The URL without its password; of SQLite the path."""
    try:
        url = make_url(db_url)
    except Exception:
        return db_url.split("@")[-1]
    if url.get_backend_name() == "sqlite" and url.database:
        return str(Path(url.database))
    return url.render_as_string(hide_password=True)
