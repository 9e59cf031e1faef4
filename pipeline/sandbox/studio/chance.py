"""Chance by the door: the one generator an edit draws from, made from its seed."""

import numpy as np

Chance = np.random.Generator


def chance_from(seed: int) -> Chance:
    """Return the generator of *seed*, any whole number; the same seed draws the same everywhere."""
    return np.random.default_rng(seed % 2**64)
