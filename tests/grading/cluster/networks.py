"""Machines made of network namespaces: each has its own addresses and only a cable to a common switch."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

SUBNET = "10.203.77"
SWITCH = "agtest0"


def missing() -> str:
    """What this machine lacks for it, in words; "" if nothing."""
    if os.geteuid() != 0:
        return "network namespaces are made by root"
    if not shutil.which("ip"):
        return "there is no `ip`: apt-get install iproute2"
    made = subprocess.run(["ip", "link", "add", SWITCH, "type", "bridge"], capture_output=True, text=True)
    subprocess.run(["ip", "link", "delete", SWITCH], capture_output=True)
    return f"no bridge can be made here: {made.stderr.strip()}" if made.returncode else ""


@contextlib.contextmanager
def machines(*names: str) -> Iterator[dict[str, tuple[str, list[str]]]]:
    """By name: a machine's address, and what a command on it begins with. This machine is 10.203.77.1."""
    found = {}
    try:
        _ip("link", "add", SWITCH, "type", "bridge")
        _ip("address", "add", f"{SUBNET}.1/24", "dev", SWITCH)
        _ip("link", "set", SWITCH, "up")
        for number, name in enumerate(names, start=2):
            namespace, cable, address = f"agtest-{name}", f"agtest{number}", f"{SUBNET}.{number}"
            _ip("netns", "add", namespace)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
            _ip("link", "set", cable, "master", SWITCH, "up")
            inside = ("netns", "exec", namespace, "ip")
            _ip(*inside, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip(*inside, "link", "set", device, "up")
            found[name] = (address, ["ip", "netns", "exec", namespace])
        yield found
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", f"agtest-{name}"], capture_output=True)
        subprocess.run(["ip", "link", "delete", SWITCH], capture_output=True)


def hidden(folder: object) -> list[str]:
    """What a command begins with that must not see a folder: an empty one is mounted over it."""
    return ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(folder)]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
