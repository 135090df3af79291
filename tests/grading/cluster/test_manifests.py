"""The manifests for Kubernetes, against its own schema and against what our workers need."""

from pathlib import Path

import pytest
import yaml

kubernetes_validate = pytest.importorskip("kubernetes_validate")
MANIFESTS = list(
    yaml.safe_load_all(
        (Path(__file__).parents[3] / "hub_config" / "graders" / "kubernetes" / "graders.yaml").read_text()
    )
)


def deployment(name):
    (found,) = [m for m in MANIFESTS if m["kind"] == "Deployment" and m["metadata"]["name"] == name]
    return found["spec"]["template"]["spec"]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_kubernetes_would_take_it(manifest):
    kubernetes_validate.validate(manifest, "1.33", strict=True)


def test_the_schema_would_notice_a_typo():
    wrong = {**MANIFESTS[0], "spec": {**MANIFESTS[0]["spec"], "portz": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.33", strict=True)


@pytest.mark.parametrize("name", ["autograder-worker", "autograder-gpu-worker"])
def test_a_worker_grades_one_submission_at_a_time_and_ends_without_its_scheduler(name):
    spec = deployment(name)
    (container,) = spec["containers"]
    command = container["command"]
    assert command[command.index("--nthreads") + 1] == "1"
    assert "--death-timeout" in command
    assert "--tls-ca-file" in command
    assert spec["automountServiceAccountToken"] is False, "a kernel must not find a token in its pod"


def test_only_gpu_workers_offer_and_hold_a_gpu():
    for name, gpus in (("autograder-worker", None), ("autograder-gpu-worker", 1)):
        (container,) = deployment(name)["containers"]
        assert container["resources"]["limits"].get("nvidia.com/gpu") == gpus
        assert ("GPU=1" in container["command"]) == bool(gpus)
