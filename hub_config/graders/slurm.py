"""A scheduler here and workers as Slurm jobs, for `autograder grade --executor`.

    python hub_config/graders/slurm.py --most 40 --queue batch   # on a login node; prints the address
    python hub_config/graders/slurm.py --most 8 --gpu --queue gpu   # one GPU a job

Jobs are started when there is work and end after idling. Run `autograder plan` for how many are worth having.
"""

import argparse
import signal
import sys

from dask_jobqueue import SLURMCluster


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=10, help="jobs at once")
    parser.add_argument("--fewest", type=int, default=0, help="jobs that are kept without work")
    parser.add_argument("--queue", help="partition")
    parser.add_argument("--gpu", action="store_true", help="each job has a GPU and offers it")
    parser.add_argument("--memory", default="8GB", help="of a job: launcher, kernel and notebook")
    parser.add_argument("--walltime", default="04:00:00")
    parser.add_argument("--port", type=int, default=8786)
    parser.add_argument("--interface", help="network interface that nodes can reach, such as ib0")
    parser.add_argument("--host", help="address to listen on, where there is no interface to name")
    return parser.parse_args(arguments)


def cluster(chosen: argparse.Namespace) -> SLURMCluster:
    """One job is one worker with one thread: what Slurm gives it is what one submission gets."""
    worker = ["--nthreads", "1", "--no-nanny"]
    listen = {"port": chosen.port, **({"host": chosen.host} if chosen.host else {})}
    return SLURMCluster(
        queue=chosen.queue,
        cores=1,
        processes=1,
        memory=chosen.memory,
        walltime=chosen.walltime,
        interface=chosen.interface,
        nanny=False,
        death_timeout=300,
        python=sys.executable,
        worker_extra_args=[*worker, *(["--resources", "GPU=1"] if chosen.gpu else [])],
        job_extra_directives=["--gres=gpu:1"] if chosen.gpu else [],
        scheduler_options=listen,
    )


def main() -> None:
    chosen = options()
    with cluster(chosen) as running:
        running.adapt(minimum=chosen.fewest, maximum=chosen.most, interval="5s", wait_count=12)
        print(running.scheduler_address, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
