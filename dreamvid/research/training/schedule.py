"""Schedules: values as functions of the elapsed share of the budget, in [0, 1]."""

import math

from dreamvid.research.training.recipe import Attack, Recipe


def learning_rate(recipe: Recipe, share: float) -> float:
    """Return the learning rate: a linear warm-up to the peak, then a cosine decay to a hundredth of it."""
    if share < recipe.warmup:
        return recipe.rate * max(share / recipe.warmup, 0.01)
    falling = min((share - recipe.warmup) / (1 - recipe.warmup), 1.0)
    return recipe.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * falling)) / 2)


def radius(attack: Attack, share: float) -> float:
    """Return the attack radius: 0 at first, a linear rise to the main one, a smaller one at the end for fine detail."""
    if share < attack.starts:
        return 0.0
    if share >= attack.ends:
        return attack.last_radius
    risen = (share - attack.starts) / max(attack.full - attack.starts, 1e-9)
    return attack.radius * min(risen, 1.0)


def side(recipe: Recipe, share: float) -> int:
    """Return the side of training pictures in pixels: from first size to full size, in multiples of 16 between them."""
    if share >= recipe.grown or recipe.first_size >= recipe.size:
        return recipe.size
    grown = recipe.first_size + (recipe.size - recipe.first_size) * share / recipe.grown
    return max(recipe.first_size, int(grown) // 16 * 16)
