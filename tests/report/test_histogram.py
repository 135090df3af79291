"""Marks as bars."""

import pytest

from autograder.report.histogram import histogram


@pytest.mark.parametrize(
    ("scores", "maximum"),
    [
        ([0.0], 0.0),
        ([5.0] * 3, 5.0),
        ([0.0, 57.0, 56.9], 57.0),
        ([0.3, 0.1], 1.0),
        ([999.5], 1000.0),
        ([12.0], 10.0),
    ],
)
def test_every_mark_is_in_one_bar(scores, maximum):
    drawn = histogram(scores, maximum, scores[0])
    assert sum(bar.count for bar in drawn.bars) == len(scores)
    assert len(drawn.bars) <= 14
    assert drawn.bars[-1].high >= max(maximum, *scores) - 1e-9
    for bar in drawn.bars:
        inside = sum(bar.low - 1e-9 <= score < bar.high - 1e-9 for score in scores)
        assert bar.count == inside or bar is drawn.bars[-1]
        assert drawn.left <= bar.x <= bar.x + bar.width <= drawn.right
