"""The checks of problem set 8, proved: every listed mistake is noticed, by name; every right solution passes.

Every fifth mistake is looked for, in its own question; `autograder mutants` has them all, with the checks of
later questions and the three that train, and the right solutions with many seeds.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from autograder.checking.catalogue import check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.intervals import false_failure_rate
from autograder.checking.proof import Proof
from autograder.checking.student import Student
from autograder.checking.suite import run_checks
from autograder.checking.transports import LocalTransport

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "autograder/checks/p08_vae.py"
DATA = load_check_module(ROOT / "tests/mutants/p08_vae.py")
POINTS = {
    "build_autoencoder": 4,
    "autoencoder_losses": 2.5,
    "denoising_and_anomalies": 2.5,
    "reparameterize": 5,
    "sampling_layer": 4,
    "kl_divergence": 9,
    "evidence_bound": 9,
    "vae_networks": 2,
    "vae": 12,
    "conditional_vae": 5,
}
TRAINING = {DATA.CHECKS[label] for label in ("trained", "digits", "samples")}
QUICK = {check.id for check in check_catalogue(CHECKS)} - TRAINING


def title(case):
    return getattr(case, "name", None) or f"{case.target}: {case.wrong}"


def graded(namespace, only, seed=0):
    """Results of the checks for a namespace."""
    return run_checks(CHECKS, Student(LocalTransport(namespace)), seed, only=only)


@pytest.fixture(scope="module")
def proof():
    return Proof(ROOT, "p08_vae")


NOTICED_BY_OTHERS = [mutant for mutant in DATA.MUTANTS if mutant.expected - TRAINING]
FEW = [mutant for mutant in NOTICED_BY_OTHERS if DATA.MUTANTS.index(mutant) % 5 == 0]


@pytest.mark.parametrize("mutant", FEW, ids=title)
def test_a_mistake_fails_the_checks_named_for_it_and_no_others(proof, mutant):
    run = proof.run_mutant(mutant, own_question_only=True)
    assert run.verdict == "caught", {"missed": run.missed, "strays": run.strays, "telling": run.telling}


def test_no_mistake_needs_training_to_be_noticed_where_the_code_can_be_asked():
    """What goes wrong in the inherited step alone shows in what is drawn, and nowhere else."""
    only = {title(mutant) for mutant in DATA.MUTANTS} - {title(mutant) for mutant in NOTICED_BY_OTHERS}
    assert all(name.startswith("ConditionalVAE.forward") for name in only)


@pytest.mark.parametrize("variant", DATA.VARIANTS, ids=title)
def test_a_right_solution_keeps_every_point_that_needs_no_training(proof, variant):
    run, _ = proof.run_variant(variant, gates=False)
    assert not run.failed


def test_the_release_earns_nothing(proof):
    assert proof.stub_points() == 0


def test_every_check_has_a_mistake_to_notice(proof):
    assert proof.untested() == ()


def test_points_of_the_questions():
    points, public = defaultdict(float), defaultdict(float)
    for check in check_catalogue(CHECKS):
        points[check.question] += check.points
        public[check.question] += check.points * check.public
    assert points == POINTS
    for question in POINTS:
        assert 0 < public[question] < points[question] / 2, question


def test_training_is_a_tenth_of_the_points():
    trained = sum(check.points for check in check_catalogue(CHECKS) if check.id in TRAINING)
    assert trained / sum(POINTS.values()) < 0.12


def test_the_classifier_of_drawn_digits_can_tell_real_ones():
    checks = load_check_module(CHECKS)
    train, _, test, labels = checks.digits()
    assert (train.shape, test.shape) == ((1437, 64), (360, 64))
    assert np.mean(checks.classifier()(test) == labels) > 0.95


def test_bands_of_training_leave_the_trivial_answer_outside():
    checks = load_check_module(CHECKS)
    train, _, test, _ = checks.digits()
    means = np.clip(train.mean(axis=0), 1e-6, 1 - 1e-6)
    logits = np.log(means / (1 - means))
    trivial = checks.cross_entropy(test, logits).sum(axis=-1).mean()
    assert trivial == pytest.approx(27.18, abs=0.01)
    assert "trivial" in checks.DIGITS["-ELBO"].broken_by(trivial)


def test_three_runs_make_a_false_failure_rare():
    """Of each band, 9 runs of right solutions out of 9 were within it."""
    assert false_failure_rate(9, 9, 3) < 0.03
