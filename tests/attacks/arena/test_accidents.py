"""What happens to honest students costs them nothing that they have earned."""

from __future__ import annotations

import pytest
from cases import ACCIDENTS
from course import FULL, POINTS
from judging import EVERYTHING, in_every_way, result_of


@in_every_way
@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda accident: accident.name)
def test_every_mark_is_kept(world, user, mode, accident):
    result = result_of(world.run(user, mode, EVERYTHING), accident)
    assert result["status"] == "graded", result["reason"]
    lost = {
        q["id"]: POINTS[q["id"]] - q["score"] for q in result["questions"] if q["score"] < POINTS[q["id"]]
    }
    assert lost == accident.loses
    assert result["score"] == FULL - sum(accident.loses.values())
    assert accident.warns in " ".join(result["warnings"])
