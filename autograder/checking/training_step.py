"""A spy around one training step: which weights it moved, and whether by -lr times the gradient.

    spy = StepSpy(encoder=model.encoder, decoder=model.decoder)
    result = spy.watch(lambda: model.train_step(x))
    spy.require_moved("encoder", "the step must train the encoder too")
    spy.require_descent("decoder", gradients, learning_rate, "one step of SGD is w - lr * gradient")
    spy.put_back()

The weights are read before and after in requests of their own, never by the step itself. `gradients` are
the grader's: of the reference with the same weights, or of the loss that the grader writes down, taken
back through the student's forward calls with `vjp`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.checking.compare import finite
from autograder.checking.student import Handle
from autograder.checking.weights import Variable, assign, variables

__all__ = ["StepSpy"]

Group = Handle | list[Handle]


class StepSpy:
    """Weights of named groups before and after a step.

    Args:
        groups: layers, models, optimizers, or lists of them, whose weights exist when `watch` is called.
    """

    def __init__(self, **groups: Group):
        self._groups = groups
        self._before: dict[str, list[Variable]] = {}
        self._after: dict[str, list[Variable]] = {}

    def watch(self, step: Callable[[], Any]) -> Any:
        """Take the step, with readings before and after it. Returns: what the step does."""
        self._before = self._read()
        result = step()
        self._after = self._read()
        return result

    def changes(self, group: str) -> list[np.ndarray]:
        """After minus before, for each variable of the group, in float64.

        Raises: AssertionError if the step made, dropped or reshaped a variable.
        """
        before, after = self._before[group], self._after[group]
        if [(v.path, v.shape) for v in before] != [(v.path, v.shape) for v in after]:
            raise AssertionError(f"the step makes new weights in the {group}: make them before training")
        return [a.value.astype(np.float64) - b.value for b, a in zip(before, after, strict=True)]

    def moved(self, group: str) -> list[bool]:
        """For each variable of the group, whether the step changed it. NaN counts as a change."""
        return [bool((change != 0).any()) for change in self.changes(group)]

    def require_moved(self, group: str, message: str) -> None:
        """Every trainable variable of the group changed, to finite numbers."""
        moved = self.moved(group)
        trained = [m for m, v in zip(moved, self._after[group], strict=True) if v.trainable]
        if not trained or not all(trained):
            raise AssertionError(
                f"{message} ({trained.count(False)} of {len(trained)} weights stay as they are)"
            )
        for change in self.changes(group):
            finite(change, message)

    def require_unmoved(self, group: str, message: str) -> None:
        """No variable of the group changed at all."""
        if any(self.moved(group)):
            raise AssertionError(message)

    def require_descent(
        self,
        group: str,
        gradients: Sequence[np.ndarray | None],
        learning_rate: float,
        message: str,
        rtol: float = 1e-3,
    ) -> None:
        """The group moved by -learning_rate * gradients.

        Args:
            gradients: one for each variable of the group, None for zero, computed by the grader.
            rtol: allowed distance, relative to the length of the whole group's step. A weight is float32,
                so a step much shorter than 1e-4 of it cannot be told to three digits: choose the rate
                so that it is not.
        """
        changes = self.changes(group)
        if len(changes) != len(gradients):
            raise AssertionError(f"{message} (the {group} has {len(changes)} weights, not {len(gradients)})")
        wanted = [
            np.zeros(change.shape) if gradient is None else -learning_rate * gradient
            for change, gradient in zip(changes, gradients, strict=True)
        ]
        got, right = (np.concatenate([part.ravel() for part in parts]) for parts in (changes, wanted))
        finite(got, message)
        length, distance = np.linalg.norm(right), np.linalg.norm(got - right)
        if not distance <= rtol * length + 1e-7 * np.sqrt(got.size):
            raise AssertionError(f"{message} ({_compared(got, right)})")

    def put_back(self) -> None:
        """Give every group the weights that it had before the step."""
        for group, before in self._before.items():
            assign(self._groups[group], [variable.value for variable in before])

    def _read(self) -> dict[str, list[Variable]]:
        return {name: variables(group) for name, group in self._groups.items()}


def _compared(got: np.ndarray, right: np.ndarray) -> str:
    """How a step differs from the right one, in words that name the usual mistakes and no number of it."""
    length, right_length = np.linalg.norm(got), np.linalg.norm(right)
    if length == 0:
        return "nothing moved"
    if right_length == 0:
        return "it moved, and the gradient is zero"
    cosine = float(got @ right / (length * right_length))
    if cosine < -0.99:
        return "it goes up the gradient"
    if cosine > 0.999:
        return "the direction is right, the length is not"
    return "the direction differs"
