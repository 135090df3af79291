"""All cases by name."""

from __future__ import annotations

import cases_accidents
import cases_destroying
import cases_files
import cases_forging
import cases_pages
import cases_protocol
import cases_reading
from attack import Accident, Attack

ATTACKS: tuple[Attack, ...] = (
    *cases_forging.CASES,
    *cases_reading.CASES,
    *cases_protocol.CASES,
    *cases_destroying.CASES,
    *cases_files.CASES,
    *cases_pages.CASES,
)
PAGES: tuple[Attack, ...] = cases_pages.CASES
ACCIDENTS: tuple[Accident, ...] = cases_accidents.CASES


def all_cases() -> dict[str, Attack | Accident]:
    return {case.name: case for case in (*ATTACKS, *ACCIDENTS)}
