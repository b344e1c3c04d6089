"""Changes of pictures, and the two trainings that they are tried on."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from dreamvid import cli
from dreamvid.media import images
from dreamvid.research.experiments.invariance import CHANGES, flipped, noisy, shifted
from dreamvid.research.experiments.textures import write_set


def views() -> torch.Tensor:
    return torch.rand(8, 3, 20, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("change", CHANGES)
def test_no_amount_changes_nothing_and_every_other_something(change: str) -> None:
    none, *some = CHANGES[change].amounts
    assert none == 0 and torch.equal(CHANGES[change].of(views(), none), views())
    far = [float((CHANGES[change].of(views(), amount) - views()).abs().mean()) for amount in some]
    assert min(far) > 0.02


def test_shifts_go_by_the_share_of_each_side() -> None:
    moved = shifted(views(), 0.2)
    assert torch.equal(moved[:, :, 4:, 2:], views()[:, :, :-4, :-2])
    assert torch.equal(moved[:, :, 0, 2:], views()[:, :, 0, :-2])  # the edge is repeated


def test_flips_are_of_that_share() -> None:
    mirrored = (flipped(views(), 0.25) == views().flip(3)).flatten(1).all(dim=1)
    assert mirrored.sum() == 2
    assert torch.equal(flipped(views(), 1), views().flip(3))


def test_noise_has_its_strength_and_repeats() -> None:
    grey = torch.full((4, 3, 32, 32), 0.5)
    assert float((noisy(grey, 0.05) - grey).std()) == pytest.approx(0.05, rel=0.05)
    assert torch.equal(noisy(grey, 0.05), noisy(grey, 0.05))


def test_the_curves_of_a_folder(
    tmp_path: Path,
    clock: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_set("posed", tmp_path / "mine", per_class=4, side=32, seed=0)
    quick = ["--side", "32", "--minutes", "0.001", "--json"]
    assert cli.run(["features", "invariance", "--data", "mine", *quick]) == 0, capsys.readouterr().err
    found = json.loads(capsys.readouterr().out)
    assert set(found["gained"]) == set(CHANGES)
    rows = list(csv.DictReader((tmp_path / "invariance.csv").read_text().splitlines()))
    assert len(rows) == 2 * sum(len(change.amounts) for change in CHANGES.values())
    assert images.load(tmp_path / "invariance.png").std() > 10
    write_set("posed", tmp_path / "single", per_class=1, side=32, seed=0)
    assert cli.run(["features", "invariance", "--data", "single", *quick, "--out", "s.png"]) == 3
    assert "none can be held out" in capsys.readouterr().err
