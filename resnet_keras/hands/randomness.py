"""The random numbers of a picture, the same with every version of NumPy."""

import numpy as np


class RandomGenerator:
    """All random numbers of one picture, made from uniform ones alone.

    NumPy promises the bits of a generator but not the way it turns them into normal
    numbers or choices; with uniforms only, a picture stays the same across versions.

    Args:
        *key: non-negative integers that name the picture, such as (stream, seed, k).

    >>> RandomGenerator(1, 0, 7).uniform(0, 1) == RandomGenerator(1, 0, 7).uniform(0, 1)
    True
    """

    def __init__(self, *key):
        self.generator = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(key))
        )
        self.random = self.generator.random

    def uniform(self, low, high):
        """Return a number in [low, high)."""
        return low + (high - low) * self.random()

    def normal(self, mean, deviation):
        """Return an approximately normal number: four uniforms, added.

        It lies within 3.5 standard deviations of the mean.
        """
        total = self.random() + self.random() + self.random() + self.random()
        return mean + deviation * (total - 2) * 1.7320508

    def bernoulli(self, probability):
        """Return True with the given probability."""
        return self.random() < probability

    def choice(self, rows):
        """Return one of `rows`, whose first entries are weights."""
        threshold = self.random() * sum(row[0] for row in rows)
        for row in rows:
            threshold -= row[0]
            if threshold < 0:
                return row
        return rows[-1]
