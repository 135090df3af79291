"""What several packages' tests share: one warm launcher a test run."""

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def launcher():
    """A launcher of kernels as confined as this machine allows, with the course's modules."""
    from autograder.sandbox.session import Launcher

    with Launcher.start("auto") as running:
        yield running


@pytest.fixture(scope="session")
def bare_launcher():
    """A launcher without TensorFlow, up in a second."""
    from autograder.sandbox.session import Launcher

    with Launcher.start("auto", preload=()) as running:
        yield running


@pytest.fixture
def phrasebank():
    """The folder of the Financial PhraseBank, which is not part of the project."""
    from pathlib import Path

    root = os.environ.get("AUTOGRADER_DATA")
    if not root:
        pytest.skip("AUTOGRADER_DATA is not set: the Financial PhraseBank lies there")
    return Path(root, "financial_phrasebank")
