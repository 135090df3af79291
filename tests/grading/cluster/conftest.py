"""The course of one question that a batch is tested on."""

from tests.grading.test_batch import course

__all__ = ["course"]
