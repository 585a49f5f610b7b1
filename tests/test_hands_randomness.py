"""Random numbers that are the same with every version of NumPy."""

import numpy as np
import pytest

from resnet_keras.hands.randomness import RandomGenerator


def test_a_key_gives_the_same_numbers_and_another_key_others():
    first, again, other = (RandomGenerator(1, 2, key).random() for key in (3, 3, 4))
    assert first == again != other


def test_uniform_numbers_fill_their_range():
    rng = RandomGenerator(0)
    drawn = np.array([rng.uniform(-2, 4) for _ in range(4000)])
    assert drawn.min() >= -2
    assert drawn.max() < 4
    # mean 1; standard deviation 6 / sqrt(12), over sqrt(4000): 0.027
    assert drawn.mean() == pytest.approx(1, abs=0.1)


def test_normal_numbers_have_the_mean_and_deviation_and_no_tails():
    rng = RandomGenerator(0)
    drawn = np.array([rng.normal(5, 2) for _ in range(4000)])
    assert drawn.mean() == pytest.approx(5, abs=0.1)  # three times 2 / sqrt(4000)
    assert drawn.std() == pytest.approx(2, abs=0.1)
    assert np.abs(drawn - 5).max() <= 2 * 3.47  # 2 x sqrt(3) deviations


def test_bernoulli_and_choice_keep_to_their_weights():
    rng = RandomGenerator(0)
    assert sum(rng.bernoulli(0.3) for _ in range(4000)) == pytest.approx(1200, abs=90)
    rows = [(3, "a"), (1, "b"), (0, "never")]
    chosen = [rng.choice(rows)[1] for _ in range(4000)]
    assert chosen.count("a") == pytest.approx(3000, abs=90)
    assert "never" not in chosen
