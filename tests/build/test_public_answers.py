"""Committed frozen answers outlive another processor's rounding, and nothing else."""

import json

import numpy as np
import pytest

from autograder.build.public_checks import keep_committed_answers

INDEX = {"cases": [{"reply": 0.5, "count": 3, "exact": True, "name": "a"}]}
COMMITTED = {"a": np.array([1.0, np.nan], np.float32), "n": np.array([1, 2])}

NOISY = {**COMMITTED, "a": COMMITTED["a"] + np.float32(1e-6)}


@pytest.fixture
def kept(tmp_path):
    """Whether the committed answers replace those given."""

    def keep(answers, index=INDEX):
        for folder, arrays, tree in (("new", answers, index), ("committed", COMMITTED, INDEX)):
            (tmp_path / folder).mkdir()
            np.savez(tmp_path / folder / "answers.npz", **arrays)
            (tmp_path / folder / "answers.json").write_text(json.dumps(tree))
        old = (tmp_path / "committed" / "answers.npz").read_bytes()
        new = (tmp_path / "new" / "answers.npz").read_bytes()
        assert new != old
        keep_committed_answers(tmp_path / "new", tmp_path / "committed")
        now = (tmp_path / "new" / "answers.npz").read_bytes()
        assert now in (old, new)
        return now == old

    return keep


def test_rounding_is_kept_out(kept):
    assert kept(NOISY)


@pytest.mark.parametrize(
    "changed",
    [
        {"a": np.array([1.01, np.nan], np.float32)},
        {"a": np.array([1.0, 1.0], np.float32)},
        {"a": np.array([1.0, np.nan], np.float64)},
        {"a": np.array([[1.0, np.nan]], np.float32)},
        {"n": np.array([1, 3])},
        {"another": np.array(1)},
    ],
    ids=["value", "nan", "dtype", "shape", "integer", "key"],
)
def test_a_real_change_is_let_in(kept, changed):
    assert not kept({**COMMITTED, **changed})


@pytest.mark.parametrize("field", [{"reply": 0.5000001}, {"reply": 0.5}])
def test_rounding_in_the_index_is_kept_out(kept, field):
    assert kept(NOISY, {"cases": [INDEX["cases"][0] | field]})


@pytest.mark.parametrize(
    "field",
    [
        {"reply": 0.6},
        {"reply": 1},
        {"count": 4},
        {"exact": False},
        {"name": "b"},
        {"name": ["a"]},
        {"more": 1},
    ],
)
def test_a_real_change_of_the_index_is_let_in(kept, field):
    assert not kept(NOISY, {"cases": [INDEX["cases"][0] | field]})


def test_without_committed_answers_the_new_ones_stay(tmp_path):
    (tmp_path / "new").mkdir()
    np.savez(tmp_path / "new" / "answers.npz", **COMMITTED)
    keep_committed_answers(tmp_path / "new", tmp_path / "committed")
    assert (tmp_path / "new" / "answers.npz").is_file()
