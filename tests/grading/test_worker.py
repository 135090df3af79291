"""Warm graders: tasks go to processes that may die, hang or raise."""

import os
import time

import pytest

from autograder.grading.worker import WorkerDied, WorkerPool

ASK_FOR_A_KERNEL = """(lambda worker, limits: [
    kernel := worker.launcher().launch(limits.Limits(), seed=1), kernel.layers, kernel.close()
][1])(__import__("autograder.grading.worker").grading.worker, __import__("autograder.sandbox.limits").sandbox.limits)"""
DIE_ONCE = (
    "__import__('os')._exit(3) if not __import__('os').path.exists({0!r}) and open({0!r}, 'w') else 'again'"
)


@pytest.fixture
def pool(bare_launcher):
    with WorkerPool(bare_launcher, 2) as running:
        yield running


def test_tasks_run_in_processes_that_are_kept(pool):
    pids = {pool.submit(os.getpid).result() for _ in range(6)}
    assert os.getpid() not in pids
    assert len(pids) <= 2


def test_an_exception_comes_back_and_its_worker_lives_on(pool):
    with pytest.raises(ValueError, match="invalid literal"):
        pool.submit(int, "no").result()
    assert pool.submit(os.getpid).result()


def test_a_function_that_the_worker_cannot_import_is_an_error(pool):
    with pytest.raises((ModuleNotFoundError, AttributeError)):
        pool.submit(test_a_function_that_the_worker_cannot_import_is_an_error).result()
    assert pool.submit(os.getpid).result()


def test_a_task_whose_worker_dies_is_tried_once_more(pool, tmp_path):
    assert pool.submit(eval, DIE_ONCE.format(str(tmp_path / "marker"))).result() == "again"


def test_a_task_that_kills_every_worker_fails_alone(pool):
    with pytest.raises(WorkerDied, match="twice"):
        pool.submit(os._exit, 3).result()
    assert pool.submit(os.getpid).result()


def test_a_worker_that_hangs_is_replaced(bare_launcher):
    with WorkerPool(bare_launcher, 1, task_timeout_s=0.5) as pool:
        with pytest.raises(WorkerDied, match="no answer"):
            pool.submit(time.sleep, 60).result()
        assert pool.submit(os.getpid).result()


def test_workers_get_kernels_of_the_launchers_confinement(pool, bare_launcher):
    assert pool.submit(eval, ASK_FOR_A_KERNEL).result() == bare_launcher.layers


def test_workers_end_with_their_pool(bare_launcher):
    with WorkerPool(bare_launcher, 1) as pool:
        pid = pool.submit(os.getpid).result()
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}")
