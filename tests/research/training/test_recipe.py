"""Recipes: the shipped one, mistakes in others, and the schedules."""

from importlib import resources
from pathlib import Path

import pytest

from dreamvid.core.errors import SettingsError
from dreamvid.research.training.recipe import Attack, Recipe, read_recipe
from dreamvid.research.training.schedule import learning_rate, radius


def test_the_shipped_recipe_is_valid_and_leaves_people_out() -> None:
    with resources.as_file(resources.files("dreamvid.research.training") / "dreamnet.toml") as path:
        recipe = read_recipe(path)
    assert {source.path for source in recipe.sources} == {
        f"{name}.npz" for name in ("pets", "caltech101", "flowers", "grocery", "emoji")
    }
    assert sum(source.weight for source in recipe.sources) + recipe.drawings.weight == pytest.approx(1)
    assert recipe.attack.radius == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("radius = 1", "radius"),
        ("[attack]\nradius = -1", "attack.radius"),
        ("minutes = ", "Invalid value"),
        ("size = 16", "size"),
        ("minutse = 3", "no key minutse; nearest: minutes"),
        ("[drawings]\nwieght = 3", "no key drawings.wieght; nearest: weight"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said) as error:
        read_recipe(path)
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such recipe"):
        read_recipe(tmp_path / "none.toml")


def test_the_rate_rises_to_its_peak_and_falls_to_a_hundredth() -> None:
    recipe = Recipe(rate=0.1, warmup=0.1)
    rates = [learning_rate(recipe, share / 100) for share in range(101)]
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == learning_rate(recipe, 1.3) == pytest.approx(0.001)
    assert min(rates[:10]) > 0


def test_the_attack_starts_rises_holds_and_softens() -> None:
    attack = Attack(starts=0.2, full=0.6, radius=1.0, ends=0.9, last_radius=0.5)
    radii = [radius(attack, share) for share in (0, 0.19, 0.3, 0.5, 0.6, 0.89, 0.9, 1)]
    assert radii == pytest.approx([0, 0, 0.25, 0.75, 1, 1, 0.5, 0.5])


def test_an_attack_without_a_rise_is_full_at_once() -> None:
    assert radius(Attack(starts=0.2, full=0.2, radius=0.8), 0.21) == pytest.approx(0.8)
