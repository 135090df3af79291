"""Machines that share neither a folder nor a network stack, and connections that prove who they are."""

import subprocess

import dask.config
import pytest

from autograder.errors import ConfigError
from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from tests.grading.cluster import clusters, networks
from tests.grading.test_batch import course, hand_in  # noqa: F401  the course of one question

pytestmark = pytest.mark.slow


def grade(course, address, **options):  # noqa: F811
    batch = grade_batch(Course(course), "ps", executor=address, **options)
    return {result.student: result.reason or result.score for result in batch.submissions}


@pytest.mark.timeout(1200)
def test_scheduler_and_workers_in_networks_of_their_own_that_do_not_see_the_course(
    course,  # noqa: F811
    tmp_path_factory,
):
    if reason := networks.missing():
        pytest.skip(reason)
    for name in ("ada", "bob", "eve"):
        hand_in(course, name)
    folder = tmp_path_factory.mktemp("cluster")
    with networks.machines("scheduler", "one", "two") as machines:
        address, on_scheduler = machines["scheduler"]
        with clusters.running(folder, host=address, prefix=on_scheduler) as cluster:
            cluster.prefix = ()
            for name in ("one", "two"):
                own, on_machine = machines[name]
                cluster.worker("--host", own, prefix=[*on_machine, *networks.hidden(course)])
            assert grade(course, cluster.address) == {"ada": 2, "bob": 2, "eve": 2}
        logs = "".join(process.said() for process in cluster.processes)
    assert all(machines[name][0] in logs for name in ("one", "two"))


@pytest.fixture
def certificates(tmp_path_factory):
    """An authority, and a certificate of it."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes")
    openssl("req", "-x509", *new, "-days", "2", "-subj", "/CN=a", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *new, "-subj", "/CN=dask", "-keyout", "dask.key", "-out", "dask.csr")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    openssl("x509", "-req", "-in", "dask.csr", *sign, "-out", "dask.pem")
    return folder


@pytest.mark.timeout(1200)
def test_over_tls_only_who_has_a_certificate_can_grade(
    course,  # noqa: F811
    certificates,
    tmp_path_factory,
    monkeypatch,
):
    hand_in(course, "ada")
    files = {name: str(certificates / f"{name}") for name in ("ca.pem", "dask.pem", "dask.key")}
    options = [
        "--tls-ca-file",
        files["ca.pem"],
        "--tls-cert",
        files["dask.pem"],
        "--tls-key",
        files["dask.key"],
    ]
    folder = tmp_path_factory.mktemp("cluster")
    with clusters.running(
        folder, protocol="tls", scheduler_options=["--protocol", "tls", *options]
    ) as cluster:
        cluster.worker(*options)
        monkeypatch.setattr("autograder.grading.cluster.executor.CONNECT_S", 5.0)
        for address in (cluster.address, cluster.address.replace("tls", "tcp")):
            with pytest.raises(ConfigError, match="certificates"):
                grade(course, address)
        monkeypatch.undo()
        own = {"cert": files["dask.pem"], "key": files["dask.key"]}
        with dask.config.set(
            {"distributed.comm.tls.ca-file": files["ca.pem"], "distributed.comm.tls.client": own}
        ):
            assert grade(course, cluster.address) == {"ada": 2}
