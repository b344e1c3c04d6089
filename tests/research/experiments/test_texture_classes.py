"""The experiment with near-identical textures, on nets that have no time to learn, and the measures it goes by."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dreamvid import cli
from dreamvid.media import images
from dreamvid.models import zoo
from dreamvid.models.net import Net
from dreamvid.research.experiments.texture_classes import correlation, tell
from dreamvid.research.experiments.textures import write_set


def test_dreams_in_the_direction_of_their_class_are_told_whatever_they_have_in_common() -> None:
    rng = np.random.default_rng(0)
    centres = {"a": np.array([4.0, 0, 0]), "b": np.array([0, 4.0, 0]), "c": np.array([0, 0, 4.0])}
    data = {name: centre + rng.normal(0, 0.1, (5, 3)) for name, centre in centres.items()}
    dreams = {name: 30 + 2 * centre + rng.normal(0, 0.1, (2, 3)) for name, centre in centres.items()}
    told = tell(data, dreams)
    assert told.right == 1 and told.apart > 10
    turned = tell(data, {"a": dreams["b"], "b": dreams["c"], "c": dreams["a"]})
    assert turned.right == 0 and turned.apart == pytest.approx(told.apart)
    alike = tell(data, {name: rng.normal(0, 1, (40, 3)) for name in centres})
    assert alike.apart == pytest.approx(1, abs=0.15) and 0.15 < alike.right < 0.55
    assert np.isnan(tell(data, {name: of[:1] for name, of in dreams.items()}).apart)


def test_a_picture_correlates_with_itself_and_not_with_its_negative_or_one_colour() -> None:
    picture = np.random.default_rng(0).integers(20, 200, (8, 8, 3), dtype=np.uint8)
    assert correlation(picture, picture // 2 + 30) == pytest.approx(1, abs=0.01)
    assert correlation(picture, 255 - picture) == pytest.approx(-1)
    assert correlation(picture, np.full_like(picture, 90)) == 0


QUICK = ["--set", "dream.steps=1", "--set", "dream.octaves=1", "--side", "32", "--minutes", "0.001", "--json"]


@pytest.fixture
def here(tiny_net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a little net in place of the one that judges."""
    get = zoo.get
    monkeypatch.setattr(zoo, "get", lambda name, weights=None: get(name, weights) if weights else tiny_net)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_experiment_on_folders_of_ones_own_is_one_picture(
    here: Path, clock: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, kinds in (("fields", "similar"), ("things", "mixed")):
        write_set(kinds, here / name, per_class=3, side=32, seed=1)
        for folder in sorted((here / name).iterdir())[2:]:
            shutil.rmtree(folder)
    small = ["--net", "squeezenet1_1", "--dream-side", "40", *QUICK]
    command = ["features", "terra", "--data", "fields", "--data", "things", *small]
    assert cli.run(command) == 0, capsys.readouterr().err
    found = json.loads(capsys.readouterr().out)
    assert {*found["files"]} == {"terra.png", "terra.csv"}
    assert set(found["sets"]) == {"fields", "things", "fields and things"}
    for numbers in found["sets"].values():
        assert 0 <= numbers["told"] <= 1 and 0 <= numbers["top1"] <= 1 and numbers["ratio"] > 0
    assert len((here / "terra.csv").read_text().splitlines()) == 1 + 2 + 2 + 4
    assert images.load(here / "terra.png").std() > 10
    assert cli.run(command) == 2  # nothing is replaced unasked


def test_two_folders_of_one_name_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["features", "terra", "--data", "a/set", "--data", "b/set", *QUICK]) == 2
    assert "--data: two folders have the same name" in capsys.readouterr().err
    assert cli.run(["features", "terra", "--data", "nowhere", *QUICK]) == 3
    assert "nowhere: no such folder" in capsys.readouterr().err
    assert cli.run(["features", "terra", "--net", "resnet81", *QUICK]) == 5
    assert "nearest: resnet18" in capsys.readouterr().err
