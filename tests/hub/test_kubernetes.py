"""The chart's values against its schema, the GPU pod through KubeSpawner, every manifest against the API."""

import asyncio
import copy
import json
import os
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jsonschema
import kubernetes_validate
import pytest
import yaml
from traitlets.config import Config

from hub_config.shared import people, profiles, roles

HERE = Path(__file__).parents[2] / "hub_config" / "kubernetes"
OLDEST_KUBERNETES, NEWEST_KUBERNETES = "1.32", "1.35"
VALUES = yaml.safe_load((HERE / "values.yaml").read_text())
EXAMPLE = yaml.safe_load((HERE / "people.example.yaml").read_text())


@pytest.fixture(scope="module")
def chart():
    """Schema, defaults and description of the chart, which are not part of the project."""
    data = os.environ.get("AUTOGRADER_DATA")
    if not data or not Path(data, "z2jh").is_dir():
        pytest.skip("AUTOGRADER_DATA is not set, or has no z2jh/: the chart's schema lies there")
    folder = Path(data, "z2jh")
    return {
        "schema": json.loads((folder / "values.schema.json").read_text()),
        "defaults": yaml.safe_load((folder / "values.yaml").read_text()),
        "chart": yaml.safe_load((folder / "Chart.yaml").read_text()),
    }


def merged(*layers):
    """As helm merges values: tables by key, all else replaced."""
    result = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def problems(chart, values):
    validator = jsonschema.Draft7Validator(chart["schema"])
    return [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        for error in validator.iter_errors(merged(chart["defaults"], values))
    ]


@pytest.mark.parametrize("layers", [[VALUES], [VALUES, EXAMPLE]], ids=["values", "with people"])
def test_the_values_are_what_the_chart_takes(chart, layers):
    assert problems(chart, merged(*layers)) == []


def test_a_misspelt_value_would_be_noticed(chart):
    assert any("timeuot" in each for each in problems(chart, merged(VALUES, {"cull": {"timeuot": 60}})))


def test_the_images_hold_the_hub_that_they_talk_to(chart):
    for name in ("student", "grader"):
        text = (HERE / f"{name}.Dockerfile").read_text()
        assert re.search(r"^ARG HUB_VERSION=(\S+)$", text, re.M)[1] == chart["chart"]["appVersion"]
        assert '"jupyterhub==${HUB_VERSION}"' in text


def test_roles_are_those_of_the_other_hubs():
    course = VALUES["custom"]["course"]
    by_the_chart = {roles.CULLER}
    expected = {role["name"]: role for role in roles.roles(course) if role["name"] not in by_the_chart}
    stated = {name: {"name": name, **role} for name, role in VALUES["hub"]["loadRoles"].items()}
    assert stated == expected


def test_every_service_of_a_role_is_there_and_every_group_too():
    services = set(VALUES["hub"]["services"])
    groups = set(EXAMPLE["hub"]["config"]["JupyterHub"]["load_groups"])
    for role in VALUES["hub"]["loadRoles"].values():
        assert set(role.get("services", ())) <= services
        assert set(role.get("groups", ())) <= groups
    course = people.People(VALUES["custom"]["course"], "g", ("s",))
    assert groups == set(roles.groups(course))


def test_no_secret_stands_in_the_values():
    for service in VALUES["hub"]["services"].values():
        assert not {"apiToken", "api_token"} & set(service)
    assert not re.search(r"(?i)password|secret_?key|client_secret", yaml.safe_dump(VALUES))


def test_nobody_can_log_in_until_an_authenticator_is_chosen():
    assert VALUES["hub"]["config"]["JupyterHub"]["authenticator_class"] == "null"
    assert VALUES["hub"]["config"]["JupyterHub"]["admin_access"] is False


def test_profiles_are_those_of_the_other_hubs():
    stated = {each["slug"]: each for each in VALUES["singleuser"]["profileList"]}
    assert list(stated) == [profile.slug for profile in profiles.PROFILES]
    for profile in profiles.PROFILES:
        override = stated[profile.slug]["kubespawner_override"]
        assert override["cpu_limit"] == profile.cpus
        assert override["mem_limit"] == f"{profile.memory_gib}G"
        wanted = {"nvidia.com/gpu": profile.gpus, "nvidia.com/gpu.shared": profile.gpu_shards}
        assert override.get("extra_resource_limits", {}) == {k: str(v) for k, v in wanted.items() if v}
    assert VALUES["cull"]["maxAge"] >= max(profile.hours for profile in profiles.PROFILES) * 3600


def test_the_hub_gets_every_module_that_its_code_imports():
    files = VALUES["hub"]["extraFiles"]
    mounted = {Path(file["mountPath"]).name for file in files.values()}
    header = (HERE / "values.yaml").read_text()
    for name in files:
        assert f"hub.extraFiles.{name}.stringData=../shared/{name}.py" in header
    shared = HERE.parent / "shared"
    needed, seen = {"extensions", "profiles"}, set()
    while needed - seen:
        name = (needed - seen).pop()
        seen.add(name)
        text = (shared / f"{name}.py").read_text()
        needed |= set(re.findall(r"from hub_config\.shared\.(\w+) import", text))
        for line in re.findall(r"from hub_config\.shared import ([\w, ]+)", text):
            needed |= {each.strip() for each in line.split(",")}
    assert {f"{name}.py" for name in seen} == mounted


def singleuser_config(values):
    """What the chart's own jupyterhub_config.py makes of `singleuser`, for the keys that these values use."""
    single = values["singleuser"]
    c = Config()
    k = c.KubeSpawner
    k.image = f"{single['image']['name']}:{single['image']['tag']}"
    k.cmd = single["cmd"]
    k.uid, k.fs_gid = single["uid"], single["fsGid"]
    k.allow_privilege_escalation = single["allowPrivilegeEscalation"]
    k.environment = {**single["extraEnv"], **values["hub"]["config"]["KubeSpawner"]["environment"]}
    k.extra_pod_config = single["extraPodConfig"]
    k.profile_list = single["profileList"]
    k.pvc_name_template = "claim-{username}"
    k.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "claim-{username}"}}]
    k.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
    return c


def pod_of(profile, monkeypatch, tmp_path):
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "none",
                "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
                "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "none", "user": {}}],
            }
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))

    async def make():
        from kubernetes_asyncio.client import ApiClient
        from kubespawner import KubeSpawner

        spawner = KubeSpawner(config=singleuser_config(VALUES), _mock=True)
        spawner.user_options = {"profile": profile}
        await spawner.load_user_options()
        manifest = await spawner.get_pod_manifest()
        async with ApiClient() as client:
            plain = client.sanitize_for_serialization(manifest)
        await spawner.api.api_client.close()
        return plain

    return asyncio.run(make())


def test_the_gpu_pod_asks_for_a_gpu_and_lands_where_gpus_are_whole(monkeypatch, tmp_path):
    pod = pod_of("gpu", monkeypatch, tmp_path)
    container = pod["spec"]["containers"][0]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["resources"]["limits"]["memory"] == 16 * 2**30
    assert pod["spec"]["nodeSelector"] == {"nvidia.com/device-plugin.config": "whole"}
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod["spec"][
        "tolerations"
    ]
    assert {"name": "home", "mountPath": "/home/jovyan"} in container["volumeMounts"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert any(each["name"] == "AUTOGRADER_SERVICE_URL" for each in container["env"])


def test_the_shared_profile_asks_for_a_slice_and_the_cpu_one_for_neither(monkeypatch, tmp_path):
    shared = pod_of("gpu-shared", monkeypatch, tmp_path)["spec"]["containers"][0]["resources"]["limits"]
    assert shared["nvidia.com/gpu.shared"] == "1" and "nvidia.com/gpu" not in shared
    cpu = pod_of("cpu", monkeypatch, tmp_path)["spec"]
    assert not [name for name in cpu["containers"][0]["resources"]["limits"] if "nvidia" in name]
    assert not cpu.get("nodeSelector")


@pytest.mark.parametrize("profile", [each.slug for each in profiles.PROFILES])
@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
def test_every_profiles_pod_is_valid_to_the_letter(profile, version, monkeypatch, tmp_path):
    pod = pod_of(profile, monkeypatch, tmp_path)
    kubernetes_validate.validate(pod, version, strict=True)


def manifests():
    for name in ("autograder.yaml", "quota.yaml"):
        for manifest in yaml.safe_load_all((HERE / name).read_text()):
            yield pytest.param(manifest, id=f"{manifest['kind']}-{manifest['metadata']['name']}")


@pytest.mark.parametrize("manifest", manifests())
@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, NEWEST_KUBERNETES])
def test_our_manifests_are_valid_to_the_letter(manifest, version):
    kubernetes_validate.validate(manifest, version, strict=True)


def test_strict_validation_notices_a_misspelt_key():
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"contaniers": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, NEWEST_KUBERNETES, strict=True)


def deployments():
    return {
        each["metadata"]["name"]: each["spec"]["template"]
        for each in yaml.safe_load_all((HERE / "autograder.yaml").read_text())
        if each["kind"] == "Deployment"
    }


def test_the_worker_has_no_token_of_hub_or_cluster_and_no_way_out():
    pod = deployments()["autograder-grading"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["hostUsers"] is False
    worker = next(each for each in pod["spec"]["containers"] if each["name"] == "worker")
    assert not [each["name"] for each in worker["env"] if "JUPYTERHUB" in each["name"]]
    policy = next(
        each
        for each in yaml.safe_load_all((HERE / "autograder.yaml").read_text())
        if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "autograder-grading"
    )
    assert policy["spec"]["policyTypes"] == ["Egress"]
    assert all(
        "podSelector" in to or "namespaceSelector" in to
        for rule in policy["spec"]["egress"]
        for to in rule["to"]
    )


def test_only_the_service_runs_without_the_course():
    service = deployments()["autograder"]["spec"]
    assert [volume["name"] for volume in service["volumes"]] == ["course", "tmp"]
    assert "configMap" in service["volumes"][0], "two files of settings, not the course with its checks"


@pytest.mark.parametrize(
    "name, service", [("autograder", "autograder"), ("formgrader", "deep_learning"), ("status", "status")]
)
def test_each_token_comes_from_the_charts_secret(name, service):
    containers = [container for pod in deployments().values() for container in pod["spec"]["containers"]]
    names = {"autograder": "service"}
    container = next(each for each in containers if each["name"] == names.get(name, name))
    token = next(each for each in container["env"] if each["name"] == "JUPYTERHUB_API_TOKEN")
    assert token["valueFrom"]["secretKeyRef"] == {"name": "hub", "key": f"hub.services.{service}.apiToken"}
    assert VALUES["hub"]["services"][service]["url"] == f"http://{name}:8000"


def test_the_hubs_own_code_runs_and_chooses_what_a_server_loads(monkeypatch):
    z2jh = ModuleType("z2jh")
    z2jh.get_config = lambda key: VALUES["custom"][key.removeprefix("custom.")]
    monkeypatch.setitem(sys.modules, "z2jh", z2jh)
    monkeypatch.setattr(sys, "path", list(sys.path))
    c = Config()
    for code in VALUES["hub"]["extraConfig"].values():
        exec(compile(code, "values.yaml", "exec"), {"c": c})
    group = SimpleNamespace(name="formgrade-deep_learning")
    spawner = SimpleNamespace(user_options={"profile": "gpu"}, environment={"A": "1"})
    spawner.user = SimpleNamespace(settings={"users": {}}, groups=[group])
    c.Spawner.pre_spawn_hook(spawner)
    assert spawner.environment["JUPYTER_CONFIG_PATH"] == "/opt/autograder/etc/assistant"
    assert spawner.environment["A"] == "1"
    dockerfile = (HERE / "student.Dockerfile").read_text()
    assert "write_role_folders(Path('/opt/autograder/etc')" in dockerfile
