"""The status page: what the doctor says becomes rows, text stays text, and a dead service is seen."""

import asyncio
import sys
from pathlib import Path

import pytest

from hub_config.shared import status_page
from hub_config.shared.status_page import Doctor, Line, ask, disk, findings, render

OUTPUT = """\
no   isolation: submissions cannot be isolated on this machine
     see below; `--isolation none` runs them unprotected
ok   Linux: Linux 6.1 on x86_64
no   landlock version: ABI 1, without network
     a later Linux closes this
"""


def test_findings_carry_their_advice():
    lines = findings(OUTPUT)
    assert [(line.name, line.ok) for line in lines] == [
        ("isolation", False),
        ("Linux", True),
        ("landlock version", False),
    ]
    assert lines[0].detail.endswith("runs them unprotected") and "later Linux" in lines[2].detail


def test_the_real_doctors_output_is_understood():
    lines = asyncio.run(Doctor([sys.executable, "-m", "autograder.cli", "doctor"]).lines())
    assert lines[0].name == "isolation" and {"Linux", "namespaces", "landlock"} <= {
        line.name for line in lines
    }


def test_a_doctor_that_fails_or_hangs_is_a_line_too(monkeypatch):
    failed = asyncio.run(Doctor([sys.executable, "-c", "import sys; sys.exit('broken')"]).lines())
    assert failed == [Line("doctor", False, "broken")]
    monkeypatch.setattr(status_page, "DOCTOR_TIMEOUT_S", 0.2)
    hung = asyncio.run(Doctor([sys.executable, "-c", "import time; time.sleep(60)"]).lines())
    assert not hung[0].ok and "did not end" in hung[0].detail


def test_the_doctor_is_asked_once_for_many(tmp_path):
    count = tmp_path / "count"
    code = f"open({str(count)!r}, 'a').write('x'); print('ok   isolation: holds')"

    async def many():
        doctor = Doctor([sys.executable, "-c", code])
        return await asyncio.gather(*(doctor.lines() for _ in range(5)))

    assert all(lines[0].ok for lines in asyncio.run(many()))
    assert count.read_text() == "x"


def test_who_does_not_answer_is_named():
    line = asyncio.run(ask("service", "http://127.0.0.1:9/health"))
    assert line.name == "service" and not line.ok


def test_the_disk_is_measured():
    assert "GiB free" in disk(Path("/")).detail


@pytest.mark.parametrize("well, says", [(True, "All is well"), (False, "Something needs you")])
def test_text_is_shown_as_text(well, says):
    page = render([Line("<b>hub</b>", False, "<script>alert(1)</script>")], [], well, "12:00")
    assert "<script>" not in page and "<b>hub" not in page and "&lt;script&gt;" in page and says in page
