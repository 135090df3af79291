import os
import sqlite3
import sys
import threading
import time

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import text

from autograder.errors import GradebookError
from autograder.grading.database import Database
from autograder.grading.nbgrader_models import Student


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gradebook.db"


@pytest.fixture
def database(path):
    database = Database(f"sqlite:///{path}", lock_wait_s=0.5)
    yield database
    database.close()


def add(name):
    return lambda session: session.add(Student(id=name))


def names(database):
    return database.transaction(lambda session: sorted(session.scalars(text("select id from student"))))


def hold(path):
    """Another program in the middle of a transaction."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def content(path):
    connection = sqlite3.connect(path)
    schema = connection.execute("select type, name, tbl_name, sql from sqlite_master").fetchall()
    rows = {
        name: connection.execute(f"select * from {name}").fetchall()
        for kind, name, *_ in schema
        if kind == "table"
    }
    connection.close()
    plain = [
        (kind, name, table, " ".join((sql or "").split()).rstrip(";")) for kind, name, table, sql in schema
    ]
    return sorted(plain), rows


def test_a_new_database_is_as_nbgrader_makes_it(database, path, tmp_path, monkeypatch):
    programs = os.path.dirname(sys.executable)  # nbgrader calls `alembic`
    monkeypatch.setenv("PATH", programs + os.pathsep + os.environ["PATH"])
    database.transaction(lambda session: None)
    with Gradebook(f"sqlite:///{tmp_path}/theirs.db"):
        pass
    assert content(path) == content(tmp_path / "theirs.db")


def test_a_transaction_that_raises_leaves_nothing(database):
    def fail(session):
        session.add(Student(id="eve"))
        session.flush()
        raise KeyError("stop")

    with pytest.raises(KeyError):
        database.transaction(fail)
    assert names(database) == []


def test_a_transaction_holds_the_write_lock_from_its_beginning(database, path):
    """Nobody can write between what it reads and what it writes."""
    database.transaction(add("ada"))

    def work(session):
        other = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        finally:
            other.close()

    database.transaction(work)


def test_it_waits_for_another_programs_transaction(path):
    database = Database(f"sqlite:///{path}", lock_wait_s=20)
    database.transaction(add("ada"))
    other = hold(path)
    timer = threading.Timer(0.4, other.rollback)
    timer.start()
    began = time.monotonic()
    database.transaction(add("bob"))
    timer.join()
    other.close()
    database.close()
    assert 0.3 < time.monotonic() - began < 10


def test_a_lock_that_is_never_given_up_is_a_clear_error(database, path):
    database.transaction(add("ada"))
    other = hold(path)
    began = time.monotonic()
    with pytest.raises(GradebookError, match=r"gradebook\.db: another program has held it.*run this again"):
        database.transaction(add("bob"))
    assert time.monotonic() - began < 5
    other.rollback()
    other.close()
    assert names(database) == ["ada"]


def test_a_reader_that_holds_the_file_delays_a_commit_and_loses_nothing(path):
    """In SQLite's default journal a commit needs every reader to be gone."""
    database = Database(f"sqlite:///{path}", lock_wait_s=20)
    database.transaction(add("ada"))
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("select * from student").fetchall()
    timer = threading.Timer(6.0, reader.rollback)  # longer than one attempt
    timer.start()
    database.transaction(add("bob"))
    timer.join()
    reader.close()
    assert names(database) == ["ada", "bob"]
    database.close()


def test_reading_waits_for_nobody(database, path):
    database.transaction(add("ada"))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("select * from student").fetchall()
    writer = hold(path)
    another = Database(f"sqlite:///{path}", lock_wait_s=0.1)
    assert another.read(lambda session: session.get(Student, "ada").id) == "ada"
    another.close()
    writer.close()
    reader.close()


def test_programs_that_write_at_once_all_get_through(path):
    url = f"sqlite:///{path}"
    errors = []

    def write(name):
        database = Database(url, lock_wait_s=30)
        try:
            for i in range(10):
                database.transaction(add(f"{name}{i}"))
        except GradebookError as error:
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    database = Database(url)
    assert len(names(database)) == 40
    database.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "damaged"),
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: sqlite3.connect(path).execute("create table student (id text)").connection.close(),
         "nbgrader db upgrade"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_gradebook_is_a_clear_error(database, path, make, message):
    make(path)
    with pytest.raises(GradebookError, match=message):
        database.transaction(add("ada") if "upgrade" not in message else lambda s: s.get(Student, "ada"))


def test_a_database_that_cannot_be_written_is_a_clear_error(path):
    Database(f"sqlite:///{path}").transaction(add("ada"))
    # as root a file's mode forbids nothing, so SQLite itself is told
    database = Database(f"sqlite:///file:{path}?mode=ro&uri=true", lock_wait_s=0.5)
    with pytest.raises(GradebookError, match="cannot be written"):
        database.transaction(add("bob"))
    database.close()


def test_a_missing_folder_is_a_clear_error(tmp_path):
    with pytest.raises(GradebookError, match="Does the folder exist"):
        Database(f"sqlite:///{tmp_path}/nowhere/gradebook.db").transaction(add("ada"))


@pytest.mark.parametrize(
    "url", ["nonsense", "klingon://host/db", "postgresql+nosuchdriver://u:hunter2@host/db"]
)
def test_a_url_without_meaning_is_a_clear_error_without_its_password(url):
    with pytest.raises(GradebookError) as raised:
        Database(url)
    assert "cannot be opened" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def add_by_nbgrader(path, name):
    def work():
        with Gradebook(f"sqlite:///{path}") as gradebook:
            gradebook.update_or_create_student(name)

    return work


def test_what_nbgrader_does_with_the_database_is_repeated_while_that_is_busy(path):
    database = Database(f"sqlite:///{path}", lock_wait_s=20)
    database.transaction(add("ada"))
    other = hold(path)
    timer = threading.Timer(6.0, other.rollback)  # nbgrader waits for 5
    timer.start()
    database.by_nbgrader(add_by_nbgrader(path, "bob"))
    timer.join()
    other.close()
    assert names(database) == ["ada", "bob"]
    database.close()


def test_nbgraders_own_errors_are_explained(database, path):
    database.transaction(add("ada"))
    other = hold(path)
    with pytest.raises(GradebookError, match="another program has held it"):
        Database(f"sqlite:///{path}", lock_wait_s=0.1).by_nbgrader(add_by_nbgrader(path, "bob"))
    other.close()
