"""Which of this machine's files a kernel may read, and which it must never see.

Promise: nothing is readable that is not named here or by the instructor, and the packages of this
project are masked wherever this or another interpreter of the machine has them installed. Folders that
a `.pth` file or PYTHONPATH adds to `sys.path` are not included: they are how a course's own sources,
solutions among them, become importable.
"""

from __future__ import annotations

import glob
import os
import site
import sys
from collections.abc import Iterable

OUR_PACKAGES = ("autograder", "reference_impl")

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
# Files that programs read; the rest of /etc says more about the machine than a notebook needs.
ETC = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/magic",
    "/etc/os-release",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/crypto-policies",
    "/etc/OpenCL",
)
PROCESSORS = ("/sys/devices/system/cpu", "/sys/devices/system/node")
# What CUDA asks sysfs.
GPU = ("/sys/bus/pci", "/sys/devices", "/sys/module", "/sys/class/drm")

# World-readable by design, and full of other people's work or of tokens: nbgrader's folder exchange,
# and the configuration of Jupyter servers and hubs.
NEVER = (
    "/usr/local/share/nbgrader",
    "/usr/local/etc/jupyter",
    "/usr/local/etc/jupyterhub",
    "/usr/etc/jupyter",
)


def readable(extra: Iterable[str] = (), *, gpu: bool = False) -> tuple[str, ...]:
    """Absolute paths, each with all below it."""
    wanted = [*SYSTEM, *ETC, *PROCESSORS, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    if site.ENABLE_USER_SITE and (user := site.getusersitepackages()):
        wanted.append(user)
    if gpu:
        wanted += GPU
    wanted += [os.path.abspath(path) for path in extra]
    return tuple(path for path in dict.fromkeys(wanted) if path != "/" and os.path.lexists(path))


def masked(readable: Iterable[str], extra: Iterable[str] = ()) -> tuple[str, ...]:
    """Paths that stay hidden even where they lie below a readable one.

    Args:
        readable: what is shown. extra: more to hide, such as a course's folder.
    """
    hidden = [*NEVER, *(os.path.abspath(path) for path in extra)]
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix)):
        hidden += [os.path.join(prefix, "etc", name) for name in ("jupyter", "jupyterhub")]
    for folder in _package_folders(readable):
        for package in OUR_PACKAGES:
            hidden += _traces(folder, package)
    if root := _source_root():
        hidden.append(root)
        if sys.pycache_prefix:
            hidden.append(os.path.join(sys.pycache_prefix, root.lstrip("/")))
    return tuple(path for path in dict.fromkeys(hidden) if os.path.lexists(path))


def _package_folders(readable: Iterable[str]) -> list[str]:
    """Every folder below the readable ones in which an interpreter looks for packages."""
    prefixes = dict.fromkeys([*readable, "/usr/local", sys.prefix, sys.base_prefix])
    folders = [path for path in sys.path if os.path.isdir(path)]
    for prefix in prefixes:
        for pattern in ("lib*/python3*/site-packages", "lib*/python3*/dist-packages"):
            folders += glob.glob(os.path.join(prefix, pattern))
    folders += [path for path in readable if path.endswith("-packages")]
    return list(dict.fromkeys(map(os.path.realpath, folders)))


def _traces(folder: str, package: str) -> list[str]:
    """What installing `package` leaves in a folder of packages: modules, metadata, links to its sources."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    distribution = package.replace("_", "-")
    return [os.path.join(folder, name) for name in names if _is_trace(name, package, distribution)]


def _is_trace(name: str, package: str, distribution: str) -> bool:
    stem = name.lower()
    for ours in (package, distribution):
        if stem in (ours, f"{ours}.py", f"{ours}.egg-link", f"{ours}.pth"):
            return True
        if stem.startswith(f"{ours}-") and stem.endswith((".dist-info", ".egg-info", ".egg")):
            return True
        if stem.startswith((f"_editable_impl_{ours}", f"__editable__.{ours}", f"__editable___{ours}")):
            return True
    return False


def _source_root() -> str | None:
    """The folder that holds our packages when they are not installed but run from their sources."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return None if root.endswith("-packages") else root
