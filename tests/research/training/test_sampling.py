"""Shards: decoding, the split by photograph, sampling, and clear lines about bad ones."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dreamvid.core.errors import SettingsError, SourceError
from dreamvid.research.training.dataset import read_corpus
from dreamvid.research.training.recipe import Drawings, Recipe, Source
from dreamvid.research.training.sampling import Pictures, held_out, joined_classes, sample
from dreamvid.research.training.shapes import KINDS
from dreamvid.research.training.sources import read_source

from .conftest import SIDE, jpeg, write_shard

THINGS = Source(path="things.npz")


def test_pictures_are_rgb_and_classes_readable(data_folder: Path) -> None:
    shard = read_source(data_folder, THINGS, SIDE)
    assert shard.pictures.images.shape == (9, 3, SIDE, SIDE)
    assert shard.classes == ("light blue thing", "red")
    means = shard.pictures.images[shard.pictures.labels == 0].float().mean(dim=(0, 2, 3))
    assert means[0] < 80 and means[2] > 180


def test_a_class_can_be_renamed(data_folder: Path) -> None:
    source = Source(path="things.npz", rename={"Light_Blue-Thing": "sky"})
    assert read_source(data_folder, source, SIDE).classes == ("sky", "red")


def test_some_classes_of_a_source_are_chosen_by_either_name(data_folder: Path) -> None:
    for name in ("light blue thing", "Light_Blue-Thing"):
        shard = read_source(data_folder, Source(path="things.npz", classes=(name,)), SIDE)
        assert shard.classes == ("light blue thing",) and len(shard.photos) == 5
        assert shard.pictures.labels.tolist() == [0] * 5
    with pytest.raises(SettingsError, match=r"things\.npz: classes: there is no class 'light'; nearest: light blue"):
        read_source(data_folder, Source(path="things.npz", classes=("light",)), SIDE)


def test_some_classes_of_all_sources_are_chosen(data_folder: Path, recipe: Recipe) -> None:
    write_shard(data_folder / "more.npz", [jpeg(0, 0), jpeg(90, 1)], [0, 1], ["Red", "green"], ["one.jpg", "two.jpg"])
    sources = (Source(path="things.npz"), Source(path="more.npz", weight=2))
    mixed = recipe.model_copy(update={"sources": sources})
    assert read_corpus(mixed, data_folder).classes == ["light blue thing", "things red", "more red", "green"]
    chosen = read_corpus(mixed.model_copy(update={"only": ("RED", "green")}), data_folder)
    assert chosen.classes == ["things red", "more red", "green"] and chosen.weights == [1, 2]
    assert sorted({int(label) for part in chosen.sources for label in part.labels}) == [0, 1, 2]
    one = read_corpus(mixed.model_copy(update={"only": ("light blue thing", "green")}), data_folder)
    assert one.classes == ["light blue thing", "green"]
    none_of_one = mixed.model_copy(update={"only": ("light blue thing", "blue thing")})
    with pytest.raises(SettingsError, match="only: there is no class 'blue thing'; nearest: light blue thing"):
        read_corpus(none_of_one, data_folder)


def test_the_split_goes_by_photograph_and_keeps_both_sides_of_each_class(data_folder: Path) -> None:
    shard = read_source(data_folder, THINGS, SIDE)
    out = held_out(shard, 0.25)
    photos = np.array(shard.photos)
    assert not set(photos[out.numpy()]) & set(photos[~out.numpy()])
    for label in (0, 1):
        own = shard.pictures.labels == label
        assert (out & own).any() and (~out & own).any()


def test_the_split_does_not_depend_on_the_order(data_folder: Path) -> None:
    shard = read_source(data_folder, THINGS, SIDE)
    order = torch.tensor([8, 3, 1, 0, 2, 7, 6, 5, 4])
    turned = type(shard)(shard.pictures.part(order), shard.classes, tuple(shard.photos[i] for i in order))
    assert torch.equal(held_out(turned, 0.25), held_out(shard, 0.25)[order])


def test_only_names_that_clash_are_prefixed() -> None:
    assert joined_classes({"pets": ("cat", "dog"), "toys": ("dog", "car")}) == ["cat", "pets dog", "toys dog", "car"]


def test_sampling_follows_the_weights() -> None:
    sources = [Pictures(torch.full((3, 3, 1, 1), n, dtype=torch.uint8), torch.full((3,), n)) for n in range(2)]
    drawn = sample(sources, [3.0, 1.0], 4000, torch.Generator().manual_seed(0))
    assert drawn.images.shape == (4000, 3, 1, 1)
    assert torch.equal(drawn.images[:, 0, 0, 0].long(), drawn.labels)
    assert drawn.labels.float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_the_corpus_joins_photographs_and_drawings(data_folder: Path, recipe: Recipe) -> None:
    drawn = recipe.model_copy(update={"drawings": Drawings(weight=0.5, per_kind=2)})
    corpus = read_corpus(drawn, data_folder)
    assert len(corpus.classes) == len(set(corpus.classes)) == 2 + len(KINDS)
    assert corpus.classes[2:4] == ["drawn spiral", "drawn scales"]
    assert corpus.drawings is corpus.sources[-1]
    assert sorted(set(corpus.drawings.labels.tolist())) == list(range(2, len(corpus.classes)))
    assert set(corpus.held_out.labels.tolist()) == {0, 1}
    assert len(corpus.held_out.labels) + len(corpus.sources[0].labels) == 9


def test_all_drawings_are_made_anew_in_an_epoch(data_folder: Path, recipe: Recipe) -> None:
    corpus = read_corpus(recipe.model_copy(update={"drawings": Drawings(weight=0.5, per_kind=2)}), data_folder)
    assert corpus.drawings is not None
    before = corpus.drawings.images.clone()
    pictures = sum(len(source.labels) for source in corpus.sources)
    afresh, batch = corpus.drawn_afresh(8, np.random.default_rng(5)), 8
    next(afresh)
    changed = (corpus.drawings.images != before).flatten(1).any(dim=1)
    assert 0 < int(changed.sum()) <= len(changed) * batch / pictures + 1
    for _ in range(pictures // batch):
        next(afresh)
    assert (corpus.drawings.images != before).flatten(1).any(dim=1).all()


def test_a_truncated_picture_is_named(data_folder: Path) -> None:
    pictures = [jpeg(0, 0), jpeg(0, 1)[:-200], jpeg(255, 2)]
    write_shard(data_folder / "things.npz", pictures, [0, 0, 1], ["a", "b"], ["one.jpg", "two.jpg", "three.jpg"])
    with pytest.raises(SourceError, match=r"things\.npz: picture 1 \(two\.jpg\) is damaged or incomplete"):
        read_source(data_folder, THINGS, SIDE)


@pytest.mark.parametrize("content", [b"", b"no shard at all", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_shard_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "things.npz").write_bytes(content)
    with pytest.raises(SourceError, match=r"things\.npz: not a file of pictures"):
        read_source(tmp_path, THINGS, SIDE)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"things\.npz: no such file"):
        read_source(tmp_path, THINGS, SIDE)


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    write_shard(tmp_path / "things.npz", [jpeg(0, 0)], [0], ["a", "ghost"], ["one.jpg"])
    with pytest.raises(SourceError, match="class ghost has no pictures"):
        read_source(tmp_path, THINGS, SIDE)


def test_one_class_is_not_enough(tmp_path: Path, recipe: Recipe) -> None:
    write_shard(tmp_path / "things.npz", [jpeg(0, 0), jpeg(0, 1)], [0, 0], ["a"], ["one.jpg", "two.jpg"])
    with pytest.raises(SourceError, match="only one class, a;"):
        read_corpus(recipe, tmp_path)
