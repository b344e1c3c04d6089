"""Schedules: numbers as functions of the elapsed share (0 to 1) of the budget."""

import math

from dreamvid.research.training.recipe import Attack, Recipe


def learning_rate(recipe: Recipe, share: float) -> float:
    """Linear rise to the peak, then a cosine down to a hundredth of it."""
    if share < recipe.warmup:
        return recipe.rate * max(share / recipe.warmup, 0.01)
    falling = min((share - recipe.warmup) / (1 - recipe.warmup), 1.0)
    return recipe.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * falling)) / 2)


def radius(attack: Attack, share: float) -> float:
    """Radius of the attack: none at first, a steady rise to the main one, a smaller one at the end for detail."""
    if share < attack.starts:
        return 0.0
    if share >= attack.ends:
        return attack.last_radius
    risen = (share - attack.starts) / max(attack.full - attack.starts, 1e-9)
    return attack.radius * min(risen, 1.0)


def side(recipe: Recipe, share: float) -> int:
    """Side of the training pictures in pixels: from the first size to the full one, a multiple of 16 on the way."""
    if share >= recipe.grown or recipe.first_size >= recipe.size:
        return recipe.size
    grown = recipe.first_size + (recipe.size - recipe.first_size) * share / recipe.grown
    return max(recipe.first_size, int(grown) // 16 * 16)
