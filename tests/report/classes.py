"""Classes of made-up submissions: right, half right, hostile, and some that could not be graded."""

import random

from autograder.report.receipt import CellTiming, CheckResult, QuestionResult, Seconds, SubmissionResult

QUESTIONS = {
    "hard_lookup": [
        ("returns_the_value_of_the_best_key", 2),
        ("ties_go_to_the_first_key", 2),
        ("any_shape", 4),
    ],
    "soft_lookup": [
        ("weights_sum_to_one", 2),
        ("softmax_runs_over_the_keys", 4),
        ("matches_the_reference", 12),
    ],
    "scaled_dot_product_attention": [
        ("logits_are_scaled", 5),
        ("masked_positions_get_no_weight", 4),
        ("gradients_reach_query_key_and_value", 4),
        ("large_logits_stay_finite", 4),
    ],
    "count_parameters": [("matches_keras", 4)],
    "submission_contract": [("runs_from_top_to_bottom", 5), ("no_absolute_paths", 5)],
}
MESSAGES = {
    "softmax_runs_over_the_keys": [
        "the softmax runs over the queries: rows of the weights must sum to 1, the first sums to {x:.4f}",
        "the weights are not normalised at all: the first row sums to {x:.3f}",
    ],
    "logits_are_scaled": ["the logits are not divided by √d_k: weights differ by {x:.3f} at d_k = 64"],
    "masked_positions_get_no_weight": [
        "a masked position still gets weight {x:.2e}: True means 'may attend'",
        "ValueError: operands could not be broadcast together with shapes (2,4,5) (2,5)",
    ],
    "matches_keras": ["you count {x:.0f} parameters for d_model = 512: are the biases missing?"],
    "runs_from_top_to_bottom": ["cell 7 ends with NameError: name 'tf' is not defined"],
}
NAMES = [
    "ada",
    "bohr",
    "curie",
    "dirac",
    "euler",
    "fermi",
    "gauss",
    "hopper",
    "ito",
    "jacobi",
    "kovalevskaya",
]
NAMES += ["lovelace", "mirzakhani", "noether"]
HOSTILE = "<script>alert(1)</script>"
LAYERS = ("namespaces", "new root", "landlock", "seccomp", "uid")


def submission(student, rng, skill):
    questions = []
    for question, checks in QUESTIONS.items():
        results = tuple(check_result(question, name, points, rng, skill) for name, points in checks)
        earned = sum(result.earned for result in results)
        questions.append(QuestionResult(question, earned, float(sum(p for _, p in checks)), checks=results))
    automatic = sum(question.score for question in questions)
    maximum = sum(question.max_score for question in questions)
    questions.append(QuestionResult("written_attention", None, 5.0, manual=True))
    execute, check = rng.uniform(0.3, 1.2), rng.uniform(0.2, 0.6)
    warnings = (
        ("test cell 'hard_lookup' was edited: the original text was put back",) if rng.random() < 0.06 else ()
    )
    return SubmissionResult(
        student,
        "p01_attention",
        "graded",
        score=automatic,
        max_score=maximum,
        manual_max=5.0,
        questions=tuple(questions),
        seconds=Seconds(0.02, execute, check, 0.05 + execute + check),
        isolation=LAYERS,
        limits={"cell_s": 60, "notebook_s": 300, "memory_mb": 4096, "held_by": {"memory_mb": "cgroup"}},
        seed=rng.getrandbits(63),
        notebook_sha256="ab" * 32,
        cells=(CellTiming(0, "setup", 0.1), CellTiming(3, "soft_lookup-answer", execute - 0.1)),
        warnings=warnings,
    )


def check_result(question, name, points, rng, skill):
    outcome, message = "passed", ""
    if rng.random() > skill:
        outcome = rng.choices(["failed", "timeout", "error"], [20, 1, 0.3])[0]
        texts = MESSAGES.get(name, ["the result differs from the reference by {x:.3f}, more than 1e-5"])
        message = rng.choice(texts).format(x=rng.uniform(0.01, 2))
    if outcome == "timeout":
        message = "no answer within 30 s"
    if outcome == "error":
        message = "the check could not be carried out: the kernel ended"
    return CheckResult(name, question, float(points), outcome, message, 0.02, public=points == 2)


def a_class(size, seed=0):
    """So many students: about one in fifteen could not be graded, one has a hostile name."""
    rng = random.Random(seed)
    reasons = [
        "there is no notebook p01_attention.ipynb in the submission",
        "the file is not a notebook: no valid JSON (its end is missing)",
        "the kernel was killed: more than 4096 MB of memory, in cell 12",
    ]
    submissions = []
    for number in range(size):
        name = NAMES[number % len(NAMES)] + (str(number // len(NAMES)) if number >= len(NAMES) else "")
        if number == 7:
            name = f"=cmd|{HOSTILE}\u202e"
        if number % 15 == 4:
            submissions.append(SubmissionResult.failed(name, "p01_attention", reasons[number // 15 % 3]))
        else:
            submissions.append(submission(name, rng, rng.choice([0.55, 0.75, 0.85, 0.95, 1.0])))
    return submissions
