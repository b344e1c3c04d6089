"""Tiny shards, a tiny recipe and a clock that the test turns: nothing here needs the real pictures."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from dreamvid.research.training import interval
from dreamvid.research.training.recipe import Attack, Drawings, Recipe, Source

SIDE = 40  # what a recipe of size 35 keeps in memory


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors this small lose far more to waiting threads than they gain."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def jpeg(hue: int, seed: int) -> bytes:
    """A noisy picture of one colour, RGB (hue, 128, 255 - hue), so that classes can be told apart."""
    noise = np.random.default_rng(seed).integers(-40, 40, (SIDE, SIDE, 3))
    picture = np.clip(noise + np.array([hue, 128, 255 - hue]), 0, 255).astype(np.uint8)[:, :, ::-1]  # OpenCV writes BGR
    return bytes(cv2.imencode(".jpg", picture)[1])


def write_shard(path: Path, pictures: list[bytes], labels: list[int], classes: list[str], names: list[str]) -> None:
    offsets = np.cumsum([0, *map(len, pictures)])
    data = np.frombuffer(b"".join(pictures), np.uint8)
    np.savez(path, data=data, offsets=offsets, labels=np.array(labels, np.int16), classes=classes, names=names)


@pytest.fixture(autouse=True)
def sheets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sheet of dreams at every interval of every test; a test with `sheet` in its name gets them."""
    if "sheet" not in request.node.name:
        monkeypatch.setattr(interval, "write_sheet", lambda *_: None)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """One shard `things`: four photographs of each of two classes, the first with a second crop."""
    labels = [0, 0, 0, 0, 1, 1, 1, 1, 0]
    names = [f"{label}/{number}.jpg" for number, label in enumerate(labels[:-1])] + ["0/0.jpg#crop"]
    pictures = [jpeg(40 + 170 * label, number) for number, label in enumerate(labels)]
    write_shard(tmp_path / "things.npz", pictures, labels, ["Light_Blue-Thing", "red"], names)
    return tmp_path


@pytest.fixture
def recipe() -> Recipe:
    """Seconds of a tiny net: five intervals of a few steps, under attack from the third step on."""
    return Recipe(
        minutes=20 / 60,
        interval=4 / 60,
        size=35,
        first_size=32,
        grown=0.1,
        batch=4,
        width=0.125,
        dropout=0,
        held_out=0.25,
        attack=Attack(starts=0.1, full=0.1, replays=2),
        drawings=Drawings(weight=0, per_kind=1),
        sources=(Source(path="things.npz"),),
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Every look at the clock takes one second; call it to set it back to zero."""

    def restart() -> None:
        seconds = itertools.count()
        monkeypatch.setattr(interval, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))

    restart()
    return restart
