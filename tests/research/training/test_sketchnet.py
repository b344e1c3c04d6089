"""Training on sketches: the same from the same seed, nothing of the test in it, a file that dreams."""

import sys
from pathlib import Path

import pytest
import torch

from dreamvid.models import zoo
from dreamvid.research.training import sketchnet
from dreamvid.research.training.sketchnet import (
    TEST,
    Lessons,
    accuracy,
    cropped,
    figures,
    learn,
    save,
    shaded,
    sketches,
)

TINY = Lessons(steps=4, batch=2, width=0.02)


def test_sketches_come_from_seed_and_number_alone() -> None:
    pictures, labels = sketches(1, 10, 4)
    later, known = sketches(1, 12, 2)
    assert pictures.shape == (4, 1, 256, 256) and pictures.dtype == torch.uint8
    assert torch.equal(pictures[2:], later) and torch.equal(labels[2:], known)
    assert not torch.equal(sketches(2, 10, 4)[0], pictures)
    assert sketches(1, TEST, 2, 6)[0].shape == (2, 6, 256, 256)


def test_the_last_of_six_channels_is_the_sketch_itself() -> None:
    assert torch.equal(sketches(1, 0, 4, 6)[0][:, 5:], sketches(1, 0, 4)[0])


def test_shades_leave_every_second_crop_alone() -> None:
    views = cropped(sketches(1, 0, 40)[0])
    shades = shaded(views, torch.Generator().manual_seed(0))
    assert torch.equal(shades[1::2], views[1::2]) and float(shades.abs().max()) <= 1
    paper, ink = shades[::2].amax(dim=(1, 2, 3)), shades[::2].amin(dim=(1, 2, 3))
    assert float((paper - ink).min()) >= 0.6 - 1e-4
    medians = shades[::2].flatten(1).median(dim=1).values  # mostly paper, whatever its shade
    assert bool((medians == paper).any()) and bool((medians == ink).any())


def test_crops_are_the_middle_or_anywhere() -> None:
    pictures = sketches(1, 0, 3)[0]
    middle = cropped(pictures)
    assert torch.equal(middle, pictures[..., 15:240, 15:240] / 127.5 - 1) and float(middle.max()) == 1
    assert not torch.equal(middle, cropped(pictures, torch.Generator().manual_seed(0)))


@pytest.fixture(autouse=True)
def few_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channel statistics over fewer sketches: no test is about their values."""
    monkeypatch.setattr(sketchnet, "MEASURED", 64)


@pytest.mark.parametrize("channels", [1, 6])
def test_the_same_lessons_give_the_same_weights(tmp_path: Path, channels: int) -> None:
    lessons = Lessons(steps=2, batch=2, width=0.02, channels=channels)
    nets = []
    for name in ("some", "again"):
        save(learn(lessons), lessons, tmp_path / f"{name}.safetensors")
        nets.append(zoo.get("sketch_a_net", str(tmp_path / f"{name}.safetensors")))
    some, again = (net.module.state_dict() for net in nets)
    assert all(torch.equal(some[name], again[name]) for name in some)
    assert set(nets[0].statistics) == {f"conv{number}" for number in range(1, 8)}
    pictures, labels = sketches(1, TEST, 4, channels)
    assert 0 <= accuracy(nets[0].module, pictures, labels) <= 1


def test_figures_tell_net_linear_classifier_and_each_distortion(tmp_path: Path) -> None:
    save(learn(TINY), TINY, tmp_path / "tiny.safetensors")
    found = figures(tmp_path / "tiny.safetensors", Lessons(steps=40, batch=4), count=8)
    assert set(found) >= {"net", "linear on 32 x 32 pixels", "undistorted", "sheared", "two at once", "scales averaged"}
    assert all(0 <= share <= 1 for share in found.values())


def test_the_module_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.safetensors"
    monkeypatch.setattr(sys, "argv", ["sketchnet", str(path), "--steps", "1", "--width", "0.02"])
    sketchnet.main()
    assert zoo.get("sketch_a_net", str(path)).classes == sketchnet.CLASSES


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["net.pth"], "net.pth: give a name ending in .safetensors"),
        (["none/net.safetensors"], "in a folder that is there"),
        (["net.safetensors", "--channels", "3"], "--channels 3: 1, or 6"),
        (["none.safetensors", "--figures"], "there is no weights file none.safetensors"),
    ],
)
def test_mistakes_are_said_before_the_work(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sketchnet", *words])
    with pytest.raises(SystemExit):
        sketchnet.main()
    assert said in capsys.readouterr().err


def test_the_shipped_net_knows_distorted_sketches() -> None:
    pictures, labels = sketches(Lessons.seed, TEST + 5000, 120)
    assert accuracy(zoo.get("sketchnet").module, pictures, labels) > 0.8
