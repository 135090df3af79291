"""Prometheus metrics: counts and times, never a name of a person or a course."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select

from autograder.service.overview import queue_counts
from autograder.service.schema import Job, Mark, Submission
from autograder.service.stores import Stores

__all__ = ["CONTENT_TYPE", "exposition", "measure"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
_registry = CollectorRegistry()
_requests = Counter(
    "autograder_requests", "Requests by route and status", ("route", "status"), registry=_registry
)
_seconds = Histogram("autograder_request_seconds", "Time to an answer", ("route",), registry=_registry)


async def measure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.monotonic()
    response = await call_next(request)
    route = getattr(request.scope.get("route"), "path", "none")
    _requests.labels(route, response.status_code).inc()
    _seconds.labels(route).observe(time.monotonic() - started)
    return response


def exposition(stores: Stores) -> bytes:
    """What this process counted, and what service and workers wrote into the database."""
    fresh = CollectorRegistry()
    fresh.register(_Tables(stores))
    return generate_latest(_registry) + generate_latest(fresh)


class _Tables:
    def __init__(self, stores: Stores):
        self._stores = stores

    def collect(self) -> Iterator[Metric]:
        with self._stores.database.read() as session:
            jobs = GaugeMetricFamily("autograder_jobs", "Jobs by kind and state", labels=("kind", "state"))
            for (kind, state), count in queue_counts(session).items():
                jobs.add_metric((kind, state), count)
            yield jobs
            submissions = session.scalar(select(func.count(Submission.id))) or 0
            yield GaugeMetricFamily("autograder_submissions", "Submissions taken in", value=submissions)
            marks = GaugeMetricFamily("autograder_marks", "Marks by status", labels=("status",))
            for status, count in session.execute(select(Mark.status, func.count()).group_by(Mark.status)):
                marks.add_metric((status,), count)
            yield marks
            oldest = session.scalar(select(func.min(Job.created)).where(Job.state == "queued"))
            waited = (self._stores.now() - oldest).total_seconds() if oldest else 0.0
            yield GaugeMetricFamily(
                "autograder_queue_wait_seconds", "Age of the oldest queued job", value=waited
            )
