"""Folders of pictures and arrays; shards are in test_data."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dreamvid.core.errors import SourceError
from dreamvid.research.training.recipe import Source
from dreamvid.research.training.sources import fitted, read_source

from .conftest import SIDE, jpeg

HERE = Source()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for label, name in enumerate(("Big_Cats", "dogs")):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.jpg").write_bytes(jpeg(200 * label, number))
        (tmp_path / name / "notes.txt").write_text("no picture")
    (tmp_path / ".thumbnails").mkdir()
    return tmp_path


def test_a_sub_folder_is_a_class(pictures: Path) -> None:
    shard = read_source(pictures, HERE, 32)
    assert shard.classes == ("big cats", "dogs")
    assert shard.pictures.images.shape == (6, 3, 32, 32)
    assert shard.pictures.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert shard.photos[0] == "Big_Cats/0.jpg" and len(set(shard.photos)) == 6
    reds = shard.pictures.images[:, 0].float().mean(dim=(1, 2))
    assert reds[:3].max() < 50 and reds[3:].min() > 150


def test_a_truncated_picture_of_a_folder_is_named(pictures: Path) -> None:
    (pictures / "dogs" / "1.jpg").write_bytes(jpeg(0, 0)[:-300])
    with pytest.raises(SourceError, match=r"dogs.1\.jpg: is damaged or incomplete; replace it or take it out"):
        read_source(pictures, HERE, 32)


def test_an_empty_class_is_named(pictures: Path) -> None:
    (pictures / "ghosts").mkdir()
    with pytest.raises(SourceError, match="class ghosts has no pictures"):
        read_source(pictures, HERE, 32)


def test_a_folder_without_classes_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no sub-folders; make one for each class"):
        read_source(tmp_path, HERE, 32)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no pictures"):
        read_source(tmp_path, HERE, 32)
    with pytest.raises(SourceError, match=r"nowhere: no such folder or \.npz"):
        read_source(tmp_path, Source(path="nowhere"), 32)


def planes(values: np.ndarray) -> np.ndarray:
    return values.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("layout", ["rows", "planes", "cifar"])
def test_arrays_of_every_layout_give_the_same_pictures(tmp_path: Path, layout: str) -> None:
    values = np.random.default_rng(0).integers(0, 255, (4, SIDE, SIDE, 3)).astype(np.uint8)
    stored = {"rows": values, "planes": planes(values), "cifar": planes(values).reshape(4, -1)}[layout]
    np.savez(tmp_path / "few.npz", data=stored, labels=[0, 1, 1, 0])
    shard = read_source(tmp_path, Source(path="few.npz", rename={"class 1": "ships"}), SIDE)
    assert np.array_equal(shard.pictures.images.numpy(), planes(values))
    assert shard.classes == ("class 0", "ships")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"images": np.zeros((2, 8, 8, 3)), "labels": [0, 1]}, "uint8 is needed"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": [0, 1]}, "RGB is needed"),
        ({"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": [0]}, "1 labels for 2 pictures"),
        ({"images": np.zeros((2, 8, 8, 3), np.uint8)}, "labels is missing"),
        ({"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": [0, 2]}, "class class 1 has no pictures"),
    ],
)
def test_arrays_that_will_not_do_are_named(tmp_path: Path, arrays: dict[str, object], said: str) -> None:
    np.savez(tmp_path / "few.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=rf"few\.npz: .*{said}"):
        read_source(tmp_path, Source(path="few.npz"), 32)


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (20, 20), (64, 64), (32, 33)])
def test_the_middle_is_kept_at_the_short_side(shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    cv2.circle(picture, (shape[1] // 2, shape[0] // 2), min(shape) // 4, (255, 255, 255), -1)
    kept = fitted(picture, 32)
    assert kept.shape == (32, 32, 3)
    rows, cols = np.nonzero(kept[:, :, 0] > 127)
    assert abs(rows.mean() - 15.5) < 2 and abs(cols.mean() - 15.5) < 2
