"""Drawn sets: the same for a seed, alike in colour where they are to be alike, told apart where not."""

from pathlib import Path

import numpy as np
import pytest

from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Pixels
from dreamvid.media import images
from dreamvid.research.experiments.textures import SETS, write_set


def drawn(name: str, count: int = 12) -> dict[str, list[Pixels]]:
    return {
        kind: [drawer(40, np.random.default_rng([7, number])) for number in range(count)]
        for kind, drawer in SETS[name].items()
    }


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_a_folder_of_folders_that_repeats_with_its_seed(name: str, tmp_path: Path) -> None:
    for place, seed in (("first", 1), ("again", 1), ("other", 2)):
        write_set(name, tmp_path / place, per_class=2, side=32, seed=seed)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.png"))
    assert len(files) == 2 * len(SETS[name]) and {file.parts[0] for file in files} == set(SETS[name])
    for file in files:
        first, again, other = ((tmp_path / place / file).read_bytes() for place in ("first", "again", "other"))
        assert first == again != other
        assert images.load(tmp_path / "first" / file).shape == (32, 32, 3)


def test_cultivars_are_alike_in_colour_and_things_are_not() -> None:
    fields, things = drawn("similar"), drawn("mixed")
    for of_kind in fields.values():
        assert np.mean([picture[..., 1] > picture[..., 2] for picture in of_kind]) > 0.9  # more green than blue
    means = {name: [np.mean(of) for of in some.values()] for name, some in (("similar", fields), ("mixed", things))}
    assert np.ptp(means["similar"]) < 6 < np.ptp(means["mixed"])


def test_what_is_posed_stays_in_its_place() -> None:
    for kind, pictures in drawn("posed").items():
        ink = [np.abs(picture.mean(axis=2) - np.median(picture.mean(axis=2))) > 30 for picture in pictures]
        centres = np.array([np.argwhere(where).mean(axis=0) for where in ink])
        assert (centres.std(axis=0) < 4).all(), kind


def test_an_unknown_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no set 'simlar'; nearest: similar; give one of similar, mixed"):
        write_set("simlar", tmp_path, 1, 32, 0)
