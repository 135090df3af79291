"""nbgrader's exchange, as its commands and extensions use it, over the service."""

import json
import logging

import pytest
from nbgrader.exchange import ExchangeError
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from people import At
from served import WRONG, notebook_bytes

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),  # of nbgrader's Gradebook
]


@pytest.fixture
def ida(served, hub, root):
    return At(served.url, hub.ida, root)


@pytest.fixture
def ada(served, hub, tmp_path):
    return At(served.url, hub.ada, tmp_path / "ada")


@pytest.fixture
def bob(served, hub, tmp_path):
    return At(served.url, hub.bob, tmp_path / "bob")


def test_release_fetch_submit_collect(ida, ada, root, caplog):
    ida.run("ReleaseAssignment")
    ada.run("FetchAssignment")
    fetched = ada.home / "ps" / "ps.ipynb"
    assert fetched.read_bytes() == (root / "release" / "ps" / "ps.ipynb").read_bytes()
    fetched.write_bytes(notebook_bytes(WRONG))
    with caplog.at_level(logging.INFO):
        ada.run("Submit")
    assert "Receipt: " in caplog.text
    receipt = json.loads((ada.home / ".jupyter-data/autograder_receipts/one/ps/1.json").read_text())
    ida.run("Collect")
    collected = root / "submitted" / "ada" / "ps"
    assert (collected / "ps.ipynb").read_bytes() == notebook_bytes(WRONG)
    time = receipt["time"].replace("T", " ").replace("Z", "")
    assert (collected / "timestamp.txt").read_text().startswith(time[:19])


def test_fetch_does_not_overwrite_and_replaces_what_is_missing(ida, ada):
    ida.run("ReleaseAssignment")
    ada.run("FetchAssignment")
    own = ada.home / "ps" / "notes.txt"
    own.write_text("mine")
    with pytest.raises(ExchangeError, match="already have a copy"):
        ada.run("FetchAssignment")
    (ada.home / "ps" / "ps.ipynb").unlink()
    ada.run("FetchAssignment", replace_missing_files=True)
    assert (ada.home / "ps" / "ps.ipynb").exists()
    assert own.read_text() == "mine"


def test_collect_takes_the_newest_and_updates_when_told(ida, ada, root):
    ida.run("ReleaseAssignment")
    ada.run("FetchAssignment")
    ada.run("Submit")
    ida.run("Collect")
    notebook = root / "submitted" / "ada" / "ps" / "ps.ipynb"
    first = notebook.read_bytes()
    (ada.home / "ps" / "ps.ipynb").write_bytes(notebook_bytes(WRONG))
    ada.run("Submit")
    ida.run("Collect")
    assert notebook.read_bytes() == first
    ida.run("Collect", update=True)
    assert notebook.read_bytes() == notebook_bytes(WRONG)


def test_links_and_strange_names_stay_behind_with_a_warning(ida, ada, served, hub, caplog, tmp_path):
    ida.run("ReleaseAssignment")
    ada.run("FetchAssignment")
    (tmp_path / "secret").write_text("x")
    (ada.home / "ps" / "link.txt").symlink_to(tmp_path / "secret")
    (ada.home / "ps" / "back\\slash.txt").write_text("x")
    (ada.home / "ps" / "program.exe").write_text("x")
    ada.run("Submit")
    for name in ("link.txt", "slash.txt", "program.exe"):
        assert name in caplog.text
    submission = served.get("api/courses/one/assignments/ps/submissions", hub.ada).json()[0]
    assert [file["path"] for file in submission["files"]] == ["ps.ipynb"]


def test_strict_submission_refuses_missing_notebooks(ida, ada):
    ida.run("ReleaseAssignment")
    ada.run("FetchAssignment")
    (ada.home / "ps" / "ps.ipynb").rename(ada.home / "ps" / "other.ipynb")
    with pytest.raises(ExchangeError, match=r"Missing notebooks: ps\.ipynb"):
        ada.run("Submit", strict=True)


def test_list_shows_what_nbgraders_own_shows(ida, ada):
    ida.run("ReleaseAssignment")
    [info] = ada.run("List", assignment="")
    assert (info["course_id"], info["assignment_id"], info["status"]) == ("one", "ps", "released")
    ada.run("FetchAssignment")
    [info] = ada.run("List", assignment="")
    assert (info["status"], info["path"]) == ("fetched", str(ada.home / "ps"))
    assert [each["notebook_id"] for each in info["notebooks"]] == ["ps"]
    ada.run("Submit")
    [group] = ada.run("List", assignment="", cached=True)
    [submission] = group["submissions"]
    assert (group["student_id"], submission["status"]) == ("ada", "submitted")
    assert submission["has_exchange_feedback"] is submission["has_local_feedback"] is False


def test_feedback_goes_to_the_submission_it_was_made_of(ida, ada, bob, root, tmp_path):
    ida.run("ReleaseAssignment")
    for student in (ada, bob):
        student.run("FetchAssignment")
        student.run("Submit")
    ida.run("Collect")
    for student in ("ada", "bob"):
        folder = root / "feedback" / student / "ps"
        folder.mkdir(parents=True)
        (folder / "ps.html").write_text(f"for {student} alone")
        stamp = (root / "submitted" / student / "ps" / "timestamp.txt").read_text()
        (folder / "timestamp.txt").write_text(stamp)
    ida.run("ReleaseFeedback")
    ada.run("FetchFeedback")
    pages = list((ada.home / "ps" / "feedback").rglob("*.html"))
    assert [page.read_text() for page in pages] == ["for ada alone"]
    [group] = ada.run("List", assignment="", cached=True)
    assert group["submissions"][0]["has_local_feedback"] is True
    assert group["submissions"][0]["feedback_updated"] is False
    (root / "feedback" / "ada" / "ps" / "ps.html").write_text("better")
    ida.run("ReleaseFeedback", student="ada")
    [group] = ada.run("List", assignment="", cached=True)
    assert group["submissions"][0]["feedback_updated"] is True


def test_fetched_feedback_is_not_handed_in_again(ida, ada, served, hub):
    ida.run("ReleaseAssignment")
    ada.run("FetchAssignment")
    (ada.home / "ps" / "feedback" / "then").mkdir(parents=True)
    (ada.home / "ps" / "feedback" / "then" / "ps.ipynb").write_text("x")
    ada.run("Submit")
    submission = served.get("api/courses/one/assignments/ps/submissions", hub.ada).json()[0]
    assert [file["path"] for file in submission["files"]] == ["ps.ipynb"]


def test_students_can_neither_release_nor_remove_nor_collect_others(ida, ada, bob, root):
    with pytest.raises(ExchangeError, match="role of instructor"):
        (ada.home / "release" / "ps").mkdir(parents=True)
        (ada.home / "release" / "ps" / "ps.ipynb").write_bytes(notebook_bytes())
        ada.run("ReleaseAssignment")
    ida.run("ReleaseAssignment")
    with pytest.raises(ExchangeError, match="role of instructor"):
        ada.run("List", assignment="", remove=True)
    bob.run("FetchAssignment")
    bob.run("Submit")
    ada.run("Collect")
    assert not (ada.home / "submitted").exists()
    with pytest.raises(ExchangeError, match="their own"):
        ada.run("Collect", student="bob")
    with pytest.raises(ExchangeError, match="cannot be removed"):
        ida.run("List", assignment="", cached=True, remove=True)


def test_without_a_service_the_student_is_told_that_nothing_was_submitted(ida, ada):
    ida.run("ReleaseAssignment")
    ada.run("FetchAssignment")
    ada._environment["AUTOGRADER_SERVICE_URL"] = "http://127.0.0.1:9/services/autograder"
    with pytest.raises(ExchangeError, match="does not answer"):
        ada.run("Submit")
    ada._environment["AUTOGRADER_SERVICE_URL"] = ""
    with pytest.raises(ExchangeError, match="AUTOGRADER_SERVICE_URL is not set"):
        ada.run("Submit")


def test_the_extensions_of_jupyterlab_find_what_they_expect(ida, ada, monkeypatch):
    """What `assignment_list` calls on each click, with nbgrader's own code in between."""
    ida.run("ReleaseAssignment")
    (ada.home / "nbgrader_config.py").write_text(
        "c = get_config()\nfrom autograder.exchange import configure\nconfigure(c)\n"
    )
    manager = AssignmentList()
    manager.root_dir = str(ada.home)
    with ada.there():
        assert manager.list_courses() == {"success": True, "value": ["one"]}
        assert manager.fetch_assignment("one", "ps") == {"success": True}
        assert manager.submit_assignment("one", "ps") == {"success": True}
        assert manager.fetch_feedback("one", "ps") == {"success": True}
        listed = manager.list_assignments("one")
    assert listed["success"]
    assert [each["status"] for each in listed["value"]] == ["fetched", "submitted"]
    assert listed["value"][0]["path"] == "ps"


def test_formgrader_finds_the_exchange_working(ida, ada, root):
    with ida.there():
        api = ida.api()
        assert api.exchange_is_functional
        assert api.release_assignment("ps")["success"]
        assert api.get_released_assignments() == {"ps"}
    ada.run("FetchAssignment")
    ada.run("Submit")
    with ida.there():
        assert api.collect("ps")["success"]
        assert api.get_submitted_students("ps") == {"ada"}
        assert api.unrelease("ps")["success"]
        assert api.get_released_assignments() == set()
