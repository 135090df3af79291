"""A course with two students, a TA and an instructor; its service; its database on SQLite or PostgreSQL."""

import pytest
from fake_hub import FakeHub
from postgres import postgres_url
from served import Served, make_course
from sqlalchemy import create_engine, text

from autograder.service.blobs import Blobs
from autograder.service.database import Database
from autograder.service.stores import Stores

SECRET = b"s" * 32


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """The URL of a real server, started for this test run."""
    with postgres_url(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def root(tmp_path):
    return make_course(tmp_path / "one")


@pytest.fixture
def hub():
    with FakeHub() as running:
        running.ada = running.add("ada", "nbgrader-one")
        running.bob = running.add("bob", "nbgrader-one")
        running.tina = running.add("tina", "formgrade-one")
        running.ida = running.add("ida", "formgrade-one", "instructors-one")
        yield running


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'service' / 'service.db'}")
    yield database
    database.close()


@pytest.fixture
def stores(tmp_path, database):
    return Stores(database, Blobs(f"file://{tmp_path / 'service' / 'blobs'}"), SECRET)


@pytest.fixture
def served(hub, stores, root):
    with Served(hub, stores, root) as running:
        yield running


@pytest.fixture
def released(served, hub):
    assert served.release(hub.ida).status_code == 200
    return served


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request, tmp_path):
    """Each kind of database, empty."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'any' / 'service.db'}"
    else:
        url = request.getfixturevalue("postgres")
    database = Database(url)
    yield database
    database.close()
    if request.param == "postgresql":
        drop = create_engine(url)
        with drop.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        drop.dispose()


@pytest.fixture
def any_stores(tmp_path, any_database):
    return Stores(any_database, Blobs(f"file://{tmp_path / 'any-blobs'}"), SECRET)
