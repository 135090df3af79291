"""The checks of problem set 3, proved: every listed mistake is noticed, by name; every right solution passes.

Nothing is trained here: the three checks of a trained model are left out, which `autograder mutants` runs.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from autograder.checking.catalogue import check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.mutants import Variant
from autograder.checking.proof import Proof
from autograder.checking.student import Student
from autograder.checking.suite import reference_namespace, run_checks
from autograder.checking.transports import LocalTransport

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "autograder/checks/p03_training_decoding.py"
DATA = load_check_module(ROOT / "tests/mutants/p03_training_decoding.py")
POINTS = {
    "noam_schedule": 9,
    "masked_loss": 11,
    "greedy_decode": 4,
    "beam_search": 8,
    "sampling": 9,
    "step_function": 4,
    "toy_transformer": 10,
}
TRAINED = {check.id for check in check_catalogue(CHECKS) if check.seconds is not None}
QUICK = [check.id for check in check_catalogue(CHECKS) if check.id not in TRAINED]
UNTRAINED = [mutant for mutant in DATA.MUTANTS if mutant.target != "train_toy_transformer"]


def title(case):
    return getattr(case, "name", None) or f"{case.target}: {case.wrong}"


def namespace_of(variant):
    """The reference's names, with those that a right solution defines anew."""
    namespace = dict(reference_namespace(load_check_module(CHECKS).REFERENCE))
    exec(compile(variant.source, variant.name, "exec"), namespace)
    return namespace


def graded(namespace, seed=0, only=QUICK):
    results = run_checks(CHECKS, Student(LocalTransport(namespace)), seed, only=only)
    return {result.id: result.message for result in results if result.outcome != "passed"}


@pytest.fixture(scope="module")
def proof():
    return Proof(ROOT, "p03_training_decoding")


@pytest.mark.parametrize("mutant", UNTRAINED, ids=title)
def test_a_mistake_fails_the_checks_named_for_it_and_no_others(proof, mutant):
    run = proof.run_mutant(mutant, own_question_only=True)
    assert run.verdict == "caught", {"missed": run.missed, "strays": run.strays, "telling": run.telling}


@pytest.mark.parametrize("variant", [Variant("the solution itself", ""), *DATA.VARIANTS], ids=title)
def test_a_right_solution_keeps_every_point_that_needs_no_training(variant):
    assert graded(namespace_of(variant)) == {}


class Reverser:
    """Writes backwards without any training; `peeks` copies its next input instead, as a model with a leak."""

    def __init__(self, peeks=False):
        self.peeks = peeks

    def __call__(self, pair):
        source, inputs = (np.asarray(part) for part in pair)
        answer = np.concatenate([source[:, ::-1], np.full((len(source), 1), 2)], axis=1)
        answer = answer[:, : inputs.shape[1]]
        if self.peeks:
            answer[:, :-1] = inputs[:, 1:]
        return np.eye(13, dtype="float32")[answer]


def test_the_notebooks_own_model_is_judged_and_nothing_is_trained():
    def train_toy_transformer(seed):
        raise AssertionError("trained again")

    names = {"toy": Reverser(), "train_toy_transformer": train_toy_transformer}
    assert graded(names, only=TRAINED) == {}


def test_another_seed_is_tried_where_the_notebooks_model_falls_short():
    seeds = []

    def train_toy_transformer(seed):
        seeds.append(seed)
        return Reverser()

    names = {"toy": lambda pair: Reverser()(pair) * 0, "train_toy_transformer": train_toy_transformer}
    assert graded(names, only=TRAINED) == {}
    assert seeds == [1], "a seed is trained once for all checks"


def test_a_model_that_reads_later_inputs_passes_neither_alone_nor_on_foreign_answers():
    names = {"train_toy_transformer": lambda seed: Reverser(peeks=True)}
    failed = graded(names, only=TRAINED)
    assert "the_trained_model_does_not_read_the_answer" in failed
    assert "too good to be true" in failed["the_trained_model_does_not_read_the_answer"]


def test_the_release_earns_nothing(proof):
    assert proof.stub_points() == 0


def test_every_check_has_a_mistake_to_notice(proof):
    assert proof.untested() == ()


def test_a_wrong_loss_shows_in_a_model_that_has_learned_nothing():
    source = "right = masked_loss\ndef masked_loss(label, pred): return 3 * right(label, pred)"
    check = "a_model_that_has_learned_nothing_guesses"
    assert graded(namespace_of(Variant("three times the loss", source)), only=[check]).keys() == {check}


def test_points_of_the_questions():
    points, public = defaultdict(float), defaultdict(float)
    for check in check_catalogue(CHECKS):
        points[check.question] += check.points
        public[check.question] += check.points * check.public
    assert points == POINTS
    for question in POINTS:
        assert 0 < public[question] < points[question] / 2, question
