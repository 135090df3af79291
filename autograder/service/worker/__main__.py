"""`python -m autograder.service.worker`: grade what comes in."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click

from autograder.errors import AutograderError
from autograder.service.__main__ import course_options
from autograder.service.courses import Courses
from autograder.service.stores import open_stores
from autograder.service.worker.engine import Engine
from autograder.service.worker.loop import Worker

__all__ = ["main", "work"]


@click.command()
@course_options
@click.option("--jobs", type=click.IntRange(1), default=1, help="Submissions graded at once (default: 1).")
@click.option("--once", is_flag=True, help="End when there is nothing to do.")
def main(courses: tuple[Path, ...], parents: tuple[Path, ...], jobs: int, once: bool) -> None:
    """Take submissions from the service's queue and grade them, until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        work(Courses(courses, parents), jobs, once)
    except AutograderError as error:
        click.secho(f"autograder: {error}", err=True, fg="red")
        sys.exit(2)


def work(courses: Courses, jobs: int, once: bool) -> None:
    """Raises: ConfigError, StoreError."""
    stores = open_stores(courses.first_root, os.environ)
    engine = Engine(jobs)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    workers = [Worker(stores, courses, engine) for _ in range(jobs)]
    try:
        if once:
            while workers[0].step():
                pass
            return
        threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.5)
    finally:
        engine.close()
        stores.database.close()


if __name__ == "__main__":
    main()
