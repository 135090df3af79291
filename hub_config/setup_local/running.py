"""Start the hub, wait until every part of it answers, say where it is, and stop it on Ctrl-C."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import psutil

from hub_config.setup_local.environments import SetupFailed
from hub_config.setup_local.places import CHECKOUT, PREFIX_VARIABLE, Places, Ports, Settings
from hub_config.shared.people import read_people
from hub_config.shared.roles import STATUS, SUBMISSION_SERVICE

READY_WITHIN_S = 120
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
ASK_EVERY_S = 0.25


def check_ports_free(settings: Settings) -> None:
    """Raises: SetupFailed with the port that somebody else has."""
    for port in Ports(settings.port).all():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise SetupFailed(
                    f"port {port} is taken. Is a hub running? Stop it, or choose others with --port."
                ) from error


def run(places: Places, settings: Settings, say: Callable[[str], None], config: str = "local.py") -> int:
    """Args: config: the file of hub_config/ that the hub reads. Returns: the hub's exit status."""
    started = time.monotonic()
    command = [sys.executable, "-m", "jupyterhub", "-f", str(CHECKOUT / "hub_config" / config)]
    environment = {**os.environ, PREFIX_VARIABLE: str(places.prefix), "PYTHONPATH": str(CHECKOUT)}
    # With `nohup … &` children would ignore SIGINT, and stopping would take 40 s in place of 6.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _adopt_orphans()
    hub = subprocess.Popen(command, env=environment, cwd=places.state, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        if missing := _wait(hub, _addresses(settings), started):
            say(f"not answering after {READY_WITHIN_S} s: {', '.join(missing)}; see the log above")
        elif hub.poll() is None:
            shown = "localhost" if settings.address == "127.0.0.1" else settings.address
            say(f"ready after {time.monotonic() - started:.1f} s: http://{shown}:{settings.port}/")
            say("Ctrl-C stops it")
        return hub.wait()
    except KeyboardInterrupt:
        say("stopping")
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)  # once is enough, and the hub needs its time
        hub.send_signal(signal.SIGTERM)
        hub.wait()
        return 0
    finally:
        _end_orphans()


def _adopt_orphans() -> None:
    """From now on processes that a hub leaves behind become children of this one."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans() -> None:
    """A hub that fails while it starts leaves its proxy and services behind, which would hold the ports."""
    left = psutil.Process().children(recursive=True)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(left, timeout=10)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _interrupt() -> None:
    raise KeyboardInterrupt


def _addresses(settings: Settings) -> dict[str, str]:
    """What is asked, in this order: each part straight, which no log shows, then by the proxy."""
    ports = Ports(settings.port)
    formgrader = f"services/{read_people(settings.class_file).course}/formgrader"
    service = f"services/{SUBMISSION_SERVICE}/health"
    everywhere = settings.address in ("", "0.0.0.0")  # noqa: S104  # asked, not opened
    proxy = f"http://{'127.0.0.1' if everywhere else settings.address}:{ports.proxy}"
    return {
        "submission service": f"http://127.0.0.1:{ports.submission_service}/{service}",
        "Formgrader": f"http://127.0.0.1:{ports.formgrader}/{formgrader}",
        "status page": f"http://127.0.0.1:{ports.status}/services/{STATUS}/health",
        "hub": f"{proxy}/hub/health",
        "submission service by the proxy": f"{proxy}/{service}",
        "Formgrader by the proxy": f"{proxy}/{formgrader}",
    }


def _wait(hub: subprocess.Popen, addresses: dict[str, str], started: float) -> list[str]:
    """Until all answer or the hub ends. Returns: who does not answer."""
    waiting = list(addresses)
    while waiting and hub.poll() is None and time.monotonic() - started < READY_WITHIN_S:
        if _answers(addresses[waiting[0]]):
            waiting.pop(0)
        else:
            time.sleep(ASK_EVERY_S)
    return waiting if hub.poll() is None else []


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _answers(url: str) -> bool:
    """A redirection to the login is an answer; a 404 is the proxy's, for what is not up yet."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (302, 303, 403)
    except OSError:
        return False
