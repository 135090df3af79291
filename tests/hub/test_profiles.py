"""Profiles: what is chosen is what is asked for, and seats are counted."""

from types import SimpleNamespace

import pytest
from tornado.web import HTTPError

from hub_config.shared import profiles, slurm
from hub_config.shared.profiles import CPU, GPU, GPU_SHARED, PROFILES, Profile


def spawner(options=None, others=()):
    """A spawner as the hub has it, among others that run."""
    mine = SimpleNamespace(user_options=options, active=False, environment={})
    running = [SimpleNamespace(user_options={"profile": slug}, active=True) for slug in others]
    users = {1: SimpleNamespace(spawners={"": mine}), 2: SimpleNamespace(spawners=dict(enumerate(running)))}
    mine.user = SimpleNamespace(settings={"users": users}, groups=[])
    return mine


def test_nothing_chosen_is_the_first():
    assert profiles.chosen(PROFILES, None) is CPU
    assert profiles.chosen(PROFILES, "gpu") is GPU


@pytest.mark.parametrize("slug", ["gpu:8", "CPU", ["gpu"], 3])
def test_what_is_not_offered_is_refused(slug):
    with pytest.raises(HTTPError) as refused:
        profiles.chosen(PROFILES, slug)
    assert refused.value.status_code == 400


def test_the_form_names_every_profile_with_its_end():
    form = profiles.options_form(PROFILES)
    for profile in PROFILES:
        assert f'value="{profile.slug}"' in form and f"after {profile.hours:g} hours" in form
    assert form.count(" checked") == 1
    assert profiles.options_from_form({"profile": ["gpu"]}) == {"profile": "gpu"}


def test_the_last_seat_is_given_and_no_further_one():
    scarce = Profile("gpu", "One GPU", "", 1, 1, hours=1, gpus=1, seats=2)
    profiles.take_seat([scarce], "gpu", ["gpu", "cpu"])
    with pytest.raises(HTTPError) as refused:
        profiles.take_seat([scarce], "gpu", ["gpu", "gpu"])
    assert refused.value.status_code == 429 and "2 seats" in str(refused.value.log_message)


def test_seats_are_those_of_others():
    mine = spawner({"profile": "gpu"}, others=["gpu", "cpu"])
    mine.active = True
    assert sorted(profiles.running_profiles(mine)) == ["cpu", "gpu"]


def test_slurm_is_asked_for_what_the_profile_says():
    assert slurm.requests(GPU) == {
        "req_nprocs": "4",
        "req_memory": "16G",
        "req_runtime": "240",
        "req_gres": "gpu:1",
    }
    assert slurm.requests(GPU_SHARED)["req_gres"] == "shard:1"
    assert slurm.requests(CPU)["req_gres"] == ""


def test_options_of_a_students_own_do_not_reach_the_job():
    """batchspawner writes every option into the script, over the hub's own requests."""
    asked = spawner(
        {"profile": "gpu", "gres": "gpu:8", "runtime": "525600", "cmd": "sleep 9", "prologue": "x"}
    )
    slurm.pre_spawn_hook(PROFILES, then=lambda _: None)(asked)
    assert asked.user_options == {"profile": "gpu"}
    assert asked.req_gres == "gpu:1" and asked.req_runtime == "240"
