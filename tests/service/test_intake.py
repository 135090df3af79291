"""Handing in: receipted, kept as it was, once, and by whom the hub says it was."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy.exc
from served import Served, everything_in, listed, make_course, notebook_bytes
from sqlalchemy import select, text

from autograder.service.receipts import broken_links, receipt_of, signed_by
from autograder.service.schema import Course, Submission

pytestmark = pytest.mark.timeout(60)


def test_a_submission_gets_a_receipt_with_the_servers_time(released, hub):
    before = datetime.now(UTC)
    answer = released.submit(hub.ada)
    assert answer.status_code == 201
    receipt = answer.json()["receipt"]
    assert (receipt["student"], receipt["assignment"], receipt["number"]) == ("ada", "ps", 1)
    assert before <= datetime.fromisoformat(receipt["time"]) <= datetime.now(UTC)


def test_what_was_handed_in_comes_back_byte_for_byte(released, hub):
    files = {"ps.ipynb": notebook_bytes(), "data/ä b.csv": b"1,2\n", "empty.txt": b""}
    answer = released.submit(hub.ada, files).json()
    for path, content in files.items():
        got = released.get(f"api/courses/one/submissions/{answer['id']}/files/{path}", hub.ada)
        assert got.content == content


def test_the_same_act_sent_twice_hands_in_once(released, hub):
    first = released.submit(hub.ada, key="the-same-act")
    again = released.submit(hub.ada, key="the-same-act")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["receipt"] == again.json()["receipt"]
    assert len(released.get("api/courses/one/assignments/ps/submissions", hub.ada).json()) == 1


def test_a_key_is_not_reused_for_other_files(released, hub):
    released.submit(hub.ada, key="the-same-act")
    other = released.submit(hub.ada, {"ps.ipynb": b"{}"}, key="the-same-act")
    assert other.status_code == 409


def test_two_students_may_use_the_same_key(released, hub):
    assert released.submit(hub.ada, key="the-same-act").status_code == 201
    assert released.submit(hub.bob, key="the-same-act").status_code == 201


def test_files_that_were_not_sent_are_listed(released, hub):
    files = listed({"ps.ipynb": notebook_bytes()})
    answer = released.submit_listed(hub.ada, files)
    assert answer.status_code == 409
    assert answer.json()["missing"] == [files[0]["sha256"]]


def test_knowing_a_hash_does_not_give_the_content(released, hub):
    content = notebook_bytes("# ada's own work")
    released.submit(hub.ada, {"ps.ipynb": content})
    stolen = released.submit_listed(hub.bob, listed({"ps.ipynb": content}))
    assert stolen.status_code == 409


def test_a_blob_must_have_the_hash_it_is_sent_under(released, hub):
    wrong = hashlib.sha256(b"other").hexdigest()
    answer = released.request("PUT", f"api/courses/one/blobs/{wrong}", hub.ada, data=b"this")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "path",
    ["../ps.ipynb", "/etc/x.ipynb", "a/../b.ipynb", "a//b.ipynb", "./a.ipynb", "a\\..\\b.ipynb", "a\0.ipynb",
     "a/./b.ipynb", "timestamp.txt", " a.ipynb", "a /b.ipynb", "x" * 300 + ".ipynb", "\u202ea.ipynb"],
)  # fmt: skip
def test_a_path_that_could_lead_elsewhere_is_refused(released, hub, path):
    content = notebook_bytes()
    released.send(hub.ada, content)
    before = everything_in(released.stores)
    files = [*listed({"ps.ipynb": content}), *listed({path: content})]
    assert released.submit_listed(hub.ada, files).status_code == 422
    assert everything_in(released.stores) == before


@pytest.mark.parametrize(
    "paths", [("a.ipynb", "A.ipynb"), ("a.ipynb", "a.ipynb/b.py"), ("a.ipynb", "a.ipynb")]
)
def test_two_files_of_one_place_are_refused(released, hub, paths):
    content = notebook_bytes()
    released.send(hub.ada, content)
    files = [entry for path in paths for entry in listed({path: content})]
    assert released.submit_listed(hub.ada, files).status_code == 422


def test_a_submission_without_a_notebook_is_refused(released, hub):
    assert released.submit(hub.ada, {"readme.txt": b"sorry"}).status_code == 422


def test_a_broken_notebook_is_taken_in(released, hub):
    assert released.submit(hub.ada, {"ps.ipynb": b"not json"}).status_code == 201


def test_sizes_types_and_numbers_are_limited(hub, stores, tmp_path):
    root = make_course(
        tmp_path / "small", toml="[service]\nmax_file_mb = 1\nmax_submission_mb = 2\nmax_files = 3\n"
        "student_quota_mb = 5\nsubmissions_per_day = 2\n",
    )  # fmt: skip
    nb = notebook_bytes()
    with Served(hub, stores, root) as served:
        served.release(hub.ida)
        assert served.send(hub.ada, b"x" * (1 << 20)).status_code == 201
        assert served.send(hub.ada, b"x" * ((1 << 20) + 1)).status_code == 413
        assert served.submit(hub.ada, {"ps.ipynb": nb, "virus.exe": b"MZ"}).status_code == 422
        assert (
            served.submit(hub.ada, {"ps.ipynb": nb, **{f"{n}.txt": b"" for n in range(3)}}).status_code == 413
        )
        big = {f"{n}.txt": bytes([n]) * (1 << 20) for n in range(2)}
        assert served.submit(hub.ada, {"ps.ipynb": nb, **big}).status_code == 413
        assert served.send(hub.ada, b"last one that fits" * 50_000).status_code == 201
        refused = served.send(hub.ada, b"beyond the quota" * 50_000)
        assert refused.status_code == 413
        assert "quota" in refused.json()["detail"]
        assert served.submit(hub.ada).status_code == 201
        assert served.submit(hub.ada).status_code == 201
        assert served.submit(hub.ada).status_code == 429


def test_a_chunked_body_is_cut_off_at_the_limit(hub, stores, tmp_path):
    root = make_course(tmp_path / "small", toml="[service]\nmax_file_mb = 1\n")
    with Served(hub, stores, root) as served:
        chunks = (b"x" * 65536 for _ in range(64))
        sha256 = hashlib.sha256(b"x" * 65536 * 64).hexdigest()
        answer = served.request("PUT", f"api/courses/one/blobs/{sha256}", hub.ada, data=chunks)
        assert answer.status_code == 413
    assert not stores.blobs.has(sha256)


def test_what_is_late_is_called_late_or_refused(hub, stores, tmp_path):
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    root = make_course(tmp_path / "lenient")
    with Served(hub, stores, root) as served:
        served.release(hub.ida, due=past)
        answer = served.submit(hub.ada)
        assert (answer.status_code, answer.json()["late"]) == (201, True)
    (root / "autograder.toml").write_text("[service.assignments.ps]\nlate = 'refuse'\n")
    with Served(hub, stores, root) as served:
        assert served.submit(hub.ada).status_code == 410


def test_a_due_date_that_moves_makes_work_timely(released, hub):
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    due = "api/courses/one/assignments/ps/due"
    assert released.request("PUT", due, hub.ida, json={"due": past.isoformat()}).status_code == 204
    id = released.submit(hub.ada).json()["id"]
    assert released.get(f"api/courses/one/submissions/{id}", hub.ada).json()["late"]
    released.request("PUT", due, hub.ida, json={"due": future.isoformat()})
    assert not released.get(f"api/courses/one/submissions/{id}", hub.ada).json()["late"]


def test_an_assignment_that_was_taken_back_takes_nothing(released, hub):
    assert released.request("DELETE", "api/courses/one/assignments/ps/release", hub.ida).status_code == 204
    assert released.submit(hub.ada).status_code == 410
    assert released.get("api/courses/one/assignments", hub.ada).json() == []


def test_times_of_one_student_always_grow(released, hub, stores):
    for _ in range(3):
        released.submit(hub.ada)
    times = [
        each["time"] for each in released.get("api/courses/one/assignments/ps/submissions", hub.ada).json()
    ]
    assert times == sorted(set(times))


def test_nothing_can_change_a_submission_not_even_in_the_database(released, hub, stores):
    released.submit(hub.ada)
    for sql in (
        "UPDATE submissions SET student = 'bob'",
        "UPDATE submissions SET time = '2020-01-01 00:00:00'",
        "DELETE FROM submissions",
        "UPDATE submission_files SET sha256 = 'x'",
        "DELETE FROM submission_files",
    ):
        with (
            pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"),
            stores.database.write() as session,
        ):
            session.execute(text(sql))


def test_receipts_are_a_chain_and_a_change_breaks_it(released, hub, stores):
    for token in (hub.ada, hub.bob, hub.ada):
        released.submit(token)
    with stores.database.read() as session:
        submissions = list(session.scalars(select(Submission).order_by(Submission.id)))
        head = session.get(Course, "one").head
        assert broken_links(stores.secret, submissions, head) == []
        assert broken_links(stores.secret, submissions[:2], head), "the last one can be left out"
        assert broken_links(stores.secret, [submissions[0], submissions[2]], head), "one can be left out"
        session.expunge_all()
        submissions[1].student = "mallory"
        assert broken_links(stores.secret, submissions, head), "a name can be changed"


def test_a_receipt_can_be_shown_to_be_genuine(released, hub, stores):
    receipt = released.submit(hub.ada).json()["receipt"]
    check = "api/courses/one/receipts/check"
    assert released.request("POST", check, hub.tina, json=receipt).json() == {"genuine": True}
    forged = receipt | {"time": "2020-01-01T00:00:00Z"}
    assert released.request("POST", check, hub.tina, json=forged).json() == {"genuine": False}
    assert released.request("POST", check, hub.ada, json=receipt).status_code == 403


def test_a_receipt_of_another_secret_is_not_ours(released, hub, stores):
    released.submit(hub.ada)
    with stores.database.read() as session:
        receipt = receipt_of(session.scalars(select(Submission)).one())
    assert signed_by(stores.secret, receipt)
    assert not signed_by(b"another" * 5, receipt)
