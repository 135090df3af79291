"""What a student may ask for when a server starts: processors, memory, GPUs, hours; and how many may at once.

A profile is data. Slurm turns it into a job's requests (slurm.py), Kubernetes has the same ones in
kubernetes/values.yaml; a test compares the two.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tornado import web


@dataclass(frozen=True)
class Profile:
    """Args:
    slug: what the form sends. title, about: what the form shows.
    gpus: whole devices. gpu_shards: parts of a device that others share (Slurm's gres/shard,
        time-slicing on Kubernetes); one of the two is 0.
    hours: the longest that a server runs. seats: how many servers of it run at once on the hub, None for
        as many as the cluster takes.
    """

    slug: str
    title: str
    about: str
    cpus: int
    memory_gib: int
    hours: float
    gpus: int = 0
    gpu_shards: int = 0
    seats: int | None = None


CPU = Profile("cpu", "CPU", "2 processors, 6 GiB: reading, writing, small tests", 2, 6, hours=8)
GPU = Profile(
    "gpu", "One GPU", "4 processors, 16 GiB and a GPU of your own: training", 4, 16, hours=4, gpus=1
)
GPU_SHARED = Profile(
    "gpu-shared",
    "A quarter of a GPU",
    "2 processors, 8 GiB, and a GPU that up to four share: trying out",
    2,
    8,
    hours=6,
    gpu_shards=1,
)
PROFILES = (CPU, GPU_SHARED, GPU)


def chosen(profiles: Iterable[Profile], slug: object) -> Profile:
    """The profile of that name; the first where nothing was asked for.

    Raises: HTTPError 400, which the hub shows on the page, for a profile that there is not.
    """
    offered = {profile.slug: profile for profile in profiles}
    if slug in (None, ""):
        return next(iter(offered.values()))
    if not isinstance(slug, str) or slug not in offered:
        raise web.HTTPError(400, f"unknown profile {slug!r}: this hub offers {', '.join(offered)}")
    return offered[slug]


def options_form(profiles: Iterable[Profile]) -> str:
    """The page on which a profile is chosen: radio buttons in a group with a name, the first chosen."""
    rows = []
    for index, profile in enumerate(profiles):
        checked = " checked" if index == 0 else ""
        rows.append(
            '<div class="form-check mb-2">'
            f'<input class="form-check-input" type="radio" name="profile" id="profile-{profile.slug}"'
            f' value="{profile.slug}"{checked}>'
            f'<label class="form-check-label" for="profile-{profile.slug}">'
            f"<strong>{html.escape(profile.title)}</strong><br>{html.escape(profile.about)}. "
            f"Ends after {profile.hours:g} hours; save your work before.</label></div>"
        )
    return "<fieldset><legend>What do you need?</legend>" + "".join(rows) + "</fieldset>"


def options_from_form(form: Mapping[str, list[str]]) -> dict[str, str]:
    """`c.Spawner.options_from_form`."""
    return {"profile": form.get("profile", [""])[0]}


def take_seat(profiles: Iterable[Profile], slug: str, running: Iterable[str]) -> None:
    """Refuse a server whose profile has all its seats taken.

    Args:
        running: the profile of each server that runs or starts, this one left out.
    Raises: HTTPError 429 with what to do.
    """
    profile = chosen(profiles, slug)
    taken = sum(1 for other in running if other == profile.slug)
    if profile.seats is not None and taken >= profile.seats:
        raise web.HTTPError(
            429,
            f"All {profile.seats} seats of “{profile.title}” are taken. Choose another profile, or wait "
            "until somebody stops a server.",
        )


def running_profiles(spawner) -> list[str]:
    """The profile of every other active server of the hub that `spawner` belongs to."""
    found = []
    for user in spawner.user.settings["users"].values():
        for other in user.spawners.values():
            if other is not spawner and other.active:
                found.append((other.user_options or {}).get("profile", ""))
    return found
