"""What service and worker share: a database, a blob store, a secret, and what time it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from autograder.errors import ConfigError
from autograder.grading.secret import read_or_create_secret
from autograder.service.blobs import Blobs
from autograder.service.database import Database
from autograder.service.settings import Places, read_places

__all__ = ["Stores", "open_stores", "utc_now"]

MIN_SECRET = 16


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Stores:
    """Args:
    secret: signs receipts and cookies.
    now: the clock; submissions carry its time.
    """

    database: Database
    blobs: Blobs
    secret: bytes
    now: Callable[[], datetime] = utc_now


def open_stores(first_course: Path, environment: Mapping[str, str]) -> Stores:
    """Open what the environment, else the first course's autograder.toml, names.

    Raises: ConfigError, StoreError.
    """
    places = read_places(first_course, environment)
    secret = _secret(places, environment)
    return Stores(Database(places.database), Blobs(places.store), secret)


def _secret(places: Places, environment: Mapping[str, str]) -> bytes:
    if given := environment.get("AUTOGRADER_SERVICE_SECRET"):
        if len(given) < MIN_SECRET:
            raise ConfigError(
                f"AUTOGRADER_SERVICE_SECRET has {len(given)} characters, expected {MIN_SECRET} or more: "
                "`openssl rand -hex 32` makes one"
            )
        return hashlib.sha256(given.encode()).digest()
    try:
        url = make_url(places.database)
    except ArgumentError as error:
        raise ConfigError(f"the database {places.database!r} is no URL of SQLAlchemy: {error}") from error
    if url.get_backend_name() != "sqlite" or not url.database:
        raise ConfigError(
            "AUTOGRADER_SERVICE_SECRET is not set, and there is no folder of a SQLite database to keep a "
            "secret in: set it to the same long random text for service and workers (`openssl rand -hex 32`)"
        )
    return read_or_create_secret(Path(url.database).parent / "service.key")
