"""nbgrader's exchange over the submission service: `nbgrader fetch_assignment`, `submit`, … work unchanged.

In nbgrader_config.py, of students and graders alike:
    from autograder.exchange import configure
    configure(c)

It takes AUTOGRADER_SERVICE_URL and the hub's JUPYTERHUB_API_TOKEN from the environment. Nothing here imports
another part of the project than errors.py: it is what students have installed.
"""

from __future__ import annotations

from typing import Any

__all__ = ["configure"]

_CLASSES = {
    "exchange": "base.ServiceExchange",
    "fetch_assignment": "fetch_assignment.FetchAssignment",
    "submit": "submit.Submit",
    "list": "listing.ListAssignments",
    "collect": "collect.Collect",
    "release_assignment": "release_assignment.ReleaseAssignment",
    "fetch_feedback": "fetch_feedback.FetchFeedback",
    "release_feedback": "release_feedback.ReleaseFeedback",
}


def configure(c: Any) -> None:
    """Set nbgrader's configuration `c` so that its commands and extensions use the submission service."""
    for name, place in _CLASSES.items():
        setattr(c.ExchangeFactory, name, f"autograder.exchange.{place}")
