"""A fuzzer made of the API's own description: bad requests are refused, and leave the store as it was."""

import contextlib
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance
from served import PREFIX
from sqlalchemy import text

EXAMPLES = int(os.environ.get("AUTOGRADER_FUZZ_EXAMPLES", "6"))
pytestmark = [
    pytest.mark.timeout(580),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestWarning"),
]
FUZZED = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def description(released, hub):
    """The API of a course with a submission in it."""
    assert released.submit(hub.ada).status_code == 201
    return schemathesis.openapi.from_url(f"{released.url}openapi.json")


class Untouched:
    """Sees whether another connection has changed anything in a SQLite database."""

    def __init__(self, database):
        self.connection = database.engine.connect()

    def version(self):
        found = self.connection.execute(text("PRAGMA data_version")).scalar()
        self.connection.rollback()
        return found


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_bad_requests_are_refused_and_change_nothing(description, released, hub, mode):
    """Every operation, with requests as described and with others, from nobody, a student, an instructor."""
    watch = Untouched(released.stores.database)
    sent = 0

    def fuzz(operation):
        @FUZZED
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case):
            nonlocal sent
            for token in ("nonsense", hub.ada, hub.ida):
                send_and_check(case, token, watch)
                sent += 1

        with contextlib.suppress(Unsatisfiable):  # an operation without parameters cannot be asked wrongly
            run()

    operations = [found.ok() for found in description.get_all_operations()]
    for operation in operations:
        fuzz(operation)
    watch.connection.close()
    assert len(operations) > 15
    assert sent > 2 * len(operations)


def send_and_check(case, token, watch):
    before = watch.version()
    response = case.call(headers={**(case.headers or {}), "Authorization": f"token {token}"})
    assert response.status_code < 500, f"{response.status_code}: {response.text}"
    case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])
    assert response.status_code in documented(case), response.text
    if response.status_code >= 400 or case.method == "GET":
        assert watch.version() == before, f"{case.method} {response.status_code} changed the store"
    if token == "nonsense" and not case.path.endswith("/health"):
        assert 400 <= response.status_code < 500


def documented(case):
    """The statuses that the description has for this operation; a wrong path or method is HTTP's own."""
    return {int(status) for status in case.operation.definition.raw["responses"] if status.isdigit()} | {
        404,
        405,
    }


def test_nothing_was_left_in_the_store_that_the_database_does_not_know(released, hub, tmp_path):
    from autograder.service.schema import Upload

    for content in (b"a", b"b" * 100):
        released.send(hub.ada, content)
    wrong = "0" * 64
    released.request("PUT", f"api/courses/one/blobs/{wrong}", hub.ada, data=b"x")
    with released.stores.database.read() as session:
        known = {upload.sha256 for upload in session.query(Upload)}
    assert {path.name for path in (tmp_path / "service" / "blobs").rglob("*") if path.is_file()} == known


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"key":"12345678","files":' + b"[" * 100_000, b"\xff\xfe", b'{"key": "\\ud800aaaaaaaa", "files": []}',
     b'{"key":"12345678","files":[{"path":"\\ud800.ipynb","sha256":"' + b"0" * 64 + b'","size":1}]}',
     b'{"key":"12345678","files":[{"path":"a.ipynb","sha256":"' + b"0" * 64 + b'","size":1e400}]}',
     b'{"key":"12345678","files":[{"path":"a.ipynb","sha256":"' + b"0" * 64 + b'","size":NaN}]}',
     b"x" * (5 << 20), b"null", b""],
)  # fmt: skip
def test_bodies_that_break_parsers_are_refused(released, hub, body):
    path = "api/courses/one/assignments/ps/submissions"
    answer = released.request("POST", path, hub.ada, data=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "path",
    ["api/courses/../one/assignments", "api/courses/%2e%2e/assignments", "api/courses/one%00/assignments",
     "api/courses/one/assignments/..%2f..%2fetc/release", "api/courses/one/assignments/ps/release/files/..%2f..%2fgradebook.db",
     "api/courses/one/submissions/1/files/%2e%2e/%2e%2e/nbgrader_config.py", "static/..%2flive.js", "static/%2e%2e/base.html",
     "api/courses/one/submissions/99999999999999999999", "api/courses/one/assignments/ps/submissions?student=%00"],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_not_found(released, hub, path):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", released.port)
    connection.request("GET", PREFIX + path, headers={"Authorization": f"token {hub.ida}"})
    answer = connection.getresponse()
    assert answer.status in (404, 422), answer.read()
    connection.close()
