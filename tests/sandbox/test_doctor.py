from autograder.errors import IsolationUnavailable
from autograder.sandbox import confinement, doctor


def test_each_finding_is_said_once():
    names = [finding.name for finding in doctor.diagnose()]
    assert names[0] == "isolation"
    assert len(names) == len(set(names))


def test_what_is_wrong_comes_with_what_helps():
    for finding in doctor.diagnose():
        assert finding.detail
        assert finding.ok or finding.advice, finding


def test_it_agrees_with_what_a_launcher_chooses():
    found = {finding.name: finding for finding in doctor.diagnose()}
    try:
        chosen = confinement.choose("auto")
    except IsolationUnavailable:
        assert not found["isolation"].ok
    else:
        assert found["isolation"].detail.endswith(chosen.mode)
        assert found[chosen.mode].detail == "holds: " + ", ".join(chosen.layers)
