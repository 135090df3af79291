"""The schedule against published numbers, its own shape, and the optimizer that uses it."""

import keras
import numpy as np
import pytest

from reference_impl.noam_schedule import NoamSchedule


@pytest.mark.parametrize(("step", "rate"), [(1, 1.747e-7), (4000, 6.988e-4), (16000, 3.494e-4)])
def test_rates_of_the_base_model(step, rate):
    assert float(NoamSchedule(512)(step)) == pytest.approx(rate, rel=2e-4)


def test_it_is_highest_at_the_end_of_the_warmup_and_continuous_there():
    rates = np.asarray(NoamSchedule(64, warmup_steps=50)(np.arange(1, 200)))
    assert rates.argmax() + 1 == 50
    np.testing.assert_allclose(rates[:50], np.arange(1, 51) * rates[0], rtol=1e-5)
    np.testing.assert_allclose(rates[49:] * np.arange(50, 200) ** 0.5, 64**-0.5, rtol=1e-5)


def test_adam_moves_with_the_rate_of_step_one_first():
    schedule = NoamSchedule(16, warmup_steps=3)
    optimizer, variable = keras.optimizers.Adam(schedule, epsilon=1e-9), keras.Variable(np.zeros(1))
    moves = []
    for _ in range(6):
        before = float(variable[0])
        optimizer.apply([np.ones(1, "float32")], [variable])
        moves.append(before - float(variable[0]))
    np.testing.assert_allclose(moves, [float(schedule(step)) for step in (1, 1, 2, 3, 4, 5)], rtol=1e-4)


def test_it_is_saved_with_the_optimizer():
    saved = keras.optimizers.serialize(keras.optimizers.Adam(NoamSchedule(32, 7)))
    loaded = keras.optimizers.deserialize(saved, custom_objects={"NoamSchedule": NoamSchedule})
    assert loaded._learning_rate.get_config() == {"d_model": 32, "warmup_steps": 7}
