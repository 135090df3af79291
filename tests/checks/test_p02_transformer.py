"""The checks of problem set 2, proved: every listed mistake is noticed, by name; every right solution passes.

A few typical mistakes are looked for, each in its own question; `autograder mutants` runs all of them through
all questions, and the right solutions with many seeds.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from autograder.checking.catalogue import check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.proof import Proof

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "autograder/checks/p02_transformer.py"
DATA = load_check_module(ROOT / "tests/mutants/p02_transformer.py")
POINTS = {
    "positional_encoding": 6,
    "positional_embedding": 4,
    "padding_mask": 4,
    "look_ahead_mask": 4,
    "combined_mask": 6,
    "feed_forward": 2,
    "encoder_layer": 6,
    "decoder_layer": 6,
    "encoder_decoder": 4,
    "transformer": 7,
    "teacher_forcing": 6,
}
TYPICAL = [
    "every feature has its own wavelength: i/d instead of 2⌊i/2⌋/d",
    "positions after dropout",
    "padding on the query axis",
    "strict lower triangle: the diagonal is lost",
    "OR instead of AND",
    "no ReLU",
    "no residual around the attention",
    "the context before the self-attention",
    "the same encoder layer over and over",
    "the context's mask is not passed to the cross-attention",
    "softmax, for a loss with from_logits",
    "shifted the wrong way",
]


def title(case):
    return getattr(case, "name", None) or f"{case.target}: {case.wrong}"


@pytest.fixture(scope="module")
def proof():
    return Proof(ROOT, "p02_transformer")


@pytest.mark.parametrize("mutant", [m for m in DATA.MUTANTS if m.wrong in TYPICAL], ids=title)
def test_a_typical_mistake_fails_the_checks_named_for_it_and_no_others(proof, mutant):
    run = proof.run_mutant(mutant, own_question_only=True)
    assert run.verdict == "caught", {"missed": run.missed, "strays": run.strays, "telling": run.telling}


@pytest.mark.parametrize("variant", DATA.VARIANTS, ids=title)
def test_a_right_solution_keeps_every_point(proof, variant):
    run, results = proof.run_variant(variant)
    assert not run.failed
    assert sum(result.earned for result in results) == sum(POINTS.values())


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
