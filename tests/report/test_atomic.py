"""A file is the old one or the new one, and never somewhere else."""

import os
import stat

import pytest

from autograder.report.atomic import write_atomically


def test_writes_and_replaces(tmp_path):
    target = tmp_path / "a" / "report.json"
    write_atomically(target, "old")
    write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert os.listdir(target.parent) == ["report.json"]


def test_a_planted_link_is_replaced_not_followed(tmp_path):
    victim = tmp_path / "gradebook.db"
    victim.write_text("marks")
    (tmp_path / "report.json").symlink_to(victim)
    write_atomically(tmp_path / "report.json", "{}")
    assert victim.read_text() == "marks"
    assert not (tmp_path / "report.json").is_symlink()


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = tmp_path / "report.json"
    target.mkdir()
    with pytest.raises(OSError):
        write_atomically(target, "{}")
    assert os.listdir(tmp_path) == ["report.json"]


def test_half_a_character_is_written_visibly(tmp_path):
    assert write_atomically(tmp_path / "x", "a\ud800").read_text() == "a\\ud800"
