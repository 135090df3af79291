"""The checks of the final project, proved. Models of known accuracy stand in for submitted ones.

Mistakes that train take seconds each: but for two they are left to `autograder mutants`, which runs all.
"""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from autograder.checking.catalogue import check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.proof import Proof
from autograder.checking.student import Student
from autograder.checking.submission_facts import CellFacts, SubmissionFacts
from autograder.checking.suite import run_checks
from autograder.checking.transports import LocalTransport
from reference_impl.phrasebank_data import LABELS, sentence_hash

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "autograder/checks/final_phrasebank.py"
DATA = load_check_module(ROOT / "tests/mutants/final_phrasebank.py")
MODULE = load_check_module(CHECKS)
POINTS = {
    "sentence_split": 15,
    "predict": 5,
    "stage_a": 20,
    "stage_b": 15,
    "hidden_accuracy": 35,
    "example_datasets": 15,
    "pooled_head": 6,
    "lora": 9,
    "submission_contract": 10,
}
TRAINING = ("build_classifier", "fine_tune_head_only", "fine_tune_all")


def title(case):
    return getattr(case, "name", None) or f"{case.target}: {case.wrong}"


FEW = [
    mutant
    for mutant in DATA.MUTANTS
    if mutant.target not in TRAINING
    or mutant.wrong in ("nothing is frozen", "unfrozen without a new compile")
]


@pytest.fixture(scope="module")
def proof():
    return Proof(ROOT, "final_phrasebank")


@pytest.mark.parametrize("mutant", FEW, ids=title)
def test_a_mistake_fails_the_checks_named_for_it_and_no_others(proof, mutant):
    run = proof.run_mutant(mutant)
    assert run.verdict == "caught", {"missed": run.missed, "strays": run.strays, "telling": run.telling}


@pytest.mark.parametrize("variant", DATA.VARIANTS, ids=title)
def test_a_right_solution_keeps_every_point(proof, variant):
    run, _ = proof.run_variant(variant)
    assert not run.failed


def test_the_release_earns_nothing(proof):
    assert proof.stub_points() == 0


def test_every_check_but_those_of_a_saved_model_has_a_mistake_to_notice(proof):
    assert proof.untested() == ()
    assert set(proof.left_out) == set(names("trained_on", "saved", *TIERS, "macro", "opening"))


def test_points_of_the_questions():
    points, public = defaultdict(float), defaultdict(float)
    for check in check_catalogue(CHECKS):
        points[check.question] += check.points
        public[check.question] += check.points * check.public
    assert points == POINTS
    for question in POINTS.keys() - {"submission_contract", "hidden_accuracy"}:
        assert 0 < public[question] < points[question] / 2, question


# Submitted models of known accuracy


@pytest.fixture
def hidden(phrasebank):
    return MODULE.hidden_rows()


def failed_of(names, namespace):
    """Which of the checks do not pass, with their outcomes."""
    results = run_checks(CHECKS, Student(LocalTransport(namespace)), 0, only=names)
    assert {result.id for result in results} == set(names)
    return {result.id: result.outcome for result in results if result.outcome != "passed"}


def oracle(rows, errors=0, seed=0):
    """Knows the labels, whatever the opening, and gives the next one for `errors` of the sentences."""
    wrong = set(np.random.default_rng(seed).permutation(len(rows))[:errors].tolist())
    answers = {
        sentence.lower(): LABELS[(LABELS.index(label) + (i in wrong)) % 3]
        for i, (sentence, label) in enumerate(rows)
    }

    def predict(texts):
        bare = [re.sub("|".join(map(re.escape, MODULE.PREFIXES)), "", text).lower() for text in texts]
        return [answers.get(text, "positive" if "profit" in text else "neutral") for text in bare]

    return {"predict": predict, "training_hashes": lambda: [sentence_hash(str(i) * i) for i in range(1)]}


def names(*keys):
    return [DATA.CHECKS[key] for key in keys]


TIERS = ("tier_85", "tier_90", "tier_94")


@pytest.mark.parametrize(
    ("share_wrong", "lost"),
    [
        (0.0, ()),
        (0.05, ()),
        (0.068, ()),
        (0.08, ("tier_94",)),
        (0.13, TIERS[1:]),
        (0.19, TIERS),
        (0.4, TIERS),
    ],
)
def test_the_tiers_follow_the_accuracy(hidden, share_wrong, lost):
    found = failed_of(names(*TIERS), oracle(hidden, round(share_wrong * len(hidden))))
    assert found == dict.fromkeys(names(*lost), "failed")


def test_saying_neutral_earns_nothing(hidden):
    every = names("saved", *TIERS, "macro", "opening")
    namespace = {"predict": lambda texts: ["neutral"] * len(texts)}
    assert failed_of(every, namespace) == dict.fromkeys(every, "failed")


def test_a_perfect_model_earns_everything(hidden):
    assert failed_of(names("saved", *TIERS, "macro", "opening"), oracle(hidden)) == {}


def test_a_model_that_gives_up_the_rare_class_loses_macro_f1(hidden):
    rows = [(sentence, "neutral" if label == "negative" else label) for sentence, label in hidden]
    assert DATA.CHECKS["macro"] in failed_of(names("tier_85", "macro"), oracle(rows))


def test_a_table_of_sentences_fails_with_another_opening(hidden):
    table = dict(hidden)
    found = failed_of(
        names("tier_94", "opening"), {"predict": lambda texts: [table.get(s, "neutral") for s in texts]}
    )
    assert found == dict.fromkeys(names("opening"), "failed")


@pytest.mark.parametrize(
    "answer",
    [
        lambda texts: ["neutral"],
        lambda texts: [1] * len(texts),
        lambda texts: np.ones(len(texts)),
        lambda texts: None,
        lambda texts: ["bullish"] * len(texts),
        lambda texts: "neutral",
    ],
)
def test_what_is_no_list_of_labels_fails(hidden, answer):
    every = names(*TIERS, "macro", "opening", "saved")
    assert failed_of(every, {"predict": answer}) == dict.fromkeys(every, "failed")


def test_a_label_that_depends_on_the_order_fails(phrasebank):
    def predict(texts):
        return [LABELS[i % 3] for i in range(len(texts))]

    assert failed_of(names("saved"), {"predict": predict}) == dict.fromkeys(names("saved"), "failed")


def test_training_on_hidden_sentences_is_noticed(hidden):
    honest = [sentence_hash(f"sentence {chr(97 + i % 26)} {chr(97 + i // 26)}") for i in range(300)]
    leaked = sentence_hash(f"  {hidden[7][0].upper()}")
    for hashes, expected in (
        (honest, {}),
        ([*honest, leaked], dict.fromkeys(names("trained_on"), "failed")),
        (honest[:5], dict.fromkeys(names("trained_on"), "failed")),
        (None, dict.fromkeys(names("trained_on"), "failed")),
    ):
        assert failed_of(names("trained_on"), {"training_hashes": lambda h=hashes: h}) == expected


def test_without_the_hidden_sentences_the_checks_end_in_an_error_for_a_person(monkeypatch):
    monkeypatch.delenv("AUTOGRADER_DATA", raising=False)
    every = names("trained_on", *TIERS, "macro", "opening")
    assert failed_of(every, oracle([])) == dict.fromkeys(every, "error")


def test_an_instructors_own_hidden_file_comes_first(tmp_path, monkeypatch):
    folder = tmp_path / "financial_phrasebank_hidden"
    folder.mkdir()
    (folder / "Sentences_AllAgree.txt").write_text(
        "One .@neutral\nTwo .@positive\nTWO@positive\nThree@negative\nthree .@neutral\n", encoding="latin-1"
    )
    monkeypatch.setenv("AUTOGRADER_DATA", str(tmp_path))
    with pytest.warns(UserWarning, match="another edition"):
        assert MODULE.hidden_rows() == [("One .", "neutral"), ("Two .", "positive")]


# The contract


def cell(index, source="x = 1", error=None, ran=True, grade_id=None):
    return CellFacts(index, source, "code", ran, error, 0.1, "", grade_id)


def contract(*cells):
    """Which of the two contract checks fail."""
    facts = SubmissionFacts(cells)
    results = run_checks(CHECKS, Student(LocalTransport({})), 0, facts, only=["submission_contract"])
    return [result.id for result in results if result.outcome != "passed"]


DONE = cell(9, 'print("Done")', grade_id="done")


def test_a_notebook_whose_training_is_skipped_keeps_the_contract():
    assert contract(cell(0), cell(1, "TRAIN = True", ran=False, grade_id="train"), DONE) == []


def test_a_cell_that_fails_and_an_absolute_path_break_the_contract():
    assert contract(cell(0, error="NameError: q", ran=False), DONE) == [
        "the_notebook_runs_from_top_to_bottom"
    ]
    assert contract(cell(0, 'open("/content/drive/model.npz")'), DONE) == ["paths_are_relative"]
