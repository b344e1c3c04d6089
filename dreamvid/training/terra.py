"""Nets taught near-identical textures against nets taught things: can one tell from a dream what class it is?

A lab trained a ResNet-18 on fields of sorghum cultivars and could not tell the dreams of its classes from one another,
where those of birds, fish and dogs can be told. Here the same small net is trained on each set, and on both together;
then each class is dreamed, and a net that was not trained on either says which class a dream looks like.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from dreamvid import objectives
from dreamvid.device import Compute
from dreamvid.features import embed
from dreamvid.features.finding import Finding
from dreamvid.features.photos import fitted
from dreamvid.features.sheet import Cell, enlarged, sheet, stacked
from dreamvid.features.studio import FROM_NOTHING, Look, Studio, beginning, picture
from dreamvid.media import Pixels
from dreamvid.nets import zoo
from dreamvid.nets.net import OUTPUT, Net
from dreamvid.nets.prepare import PreparedNet
from dreamvid.training.augment import centred
from dreamvid.training.corpus import Corpus, read_corpus
from dreamvid.training.loop import run_to_end
from dreamvid.training.measure import Normalised, accuracy
from dreamvid.training.recipe import Attack, Augment, Recipe, Source
from dreamvid.training.textures import write_set

Points = embed.Points
LOOK: Look = FROM_NOTHING
SEEN = 24  # held-out pictures of a class on the map


@dataclass(frozen=True)
class Lesson:
    """How each net is trained and dreams: `net` of torchvision, `minutes` of wall clock each, sides in pixels.

    `per_class`: pictures of a class, where they are drawn; `dreams` of each class, which differ in their seed.
    """

    net: str = "resnet18"
    minutes: float = 2.5
    side: int = 64
    dream_side: int = 128
    per_class: int = 400
    dreams: int = 2
    seed: int = 0

    def recipe(self, folders: Sequence[Path]) -> Recipe:
        """Trained from nothing, without crops, which would change the size that a texture is told by."""
        return Recipe(
            net=self.net,
            minutes=self.minutes,
            seed=self.seed,
            size=self.side,
            first_size=self.side,
            batch=16,
            rate=1e-3,
            held_out=0.1,
            sheet=False,
            augment=Augment(shift=False, colour=False, noise=False),
            attack=Attack(starts=0.5, full=0.9, radius=0.25, replays=2, ends=1, last_radius=0.25),
            sources=tuple(Source(path=str(folder.resolve())) for folder in folders),
        )


@dataclass(frozen=True)
class Taught:
    """A net after its lesson, with the pictures it was taught; `top1`: the share of held-out ones it knows."""

    net: Net
    corpus: Corpus
    top1: float


@dataclass(frozen=True)
class Told:
    """What a set's dreams, (F,) each, are to the eye of a net that was not trained on it.

    `right`: the share whose own class is the nearest in direction from the mean; `apart`: the mean distance between
    dreams of two classes over that between dreams of one (1: no more apart; NaN where a class has one dream).
    """

    right: float
    apart: float


def terra(judge: Studio, folders: Mapping[str, Path], lesson: Lesson) -> Finding:
    """The experiment as one picture: for each set its pictures, their means, its dreams, an untrained net's, the map.

    `judge`: the net that says what a dream looks like, and how all dream; `folders`: sets by name, each with a
    sub-folder for each class; without any, the two of `textures`. Two sets are also taught together. Raises SourceError
    for a folder that will not do, NetError for a net that cannot be had.
    """
    with TemporaryDirectory() as work:
        sets = dict(folders) or dict(_drawn(lesson, Path(work)))
        lessons = {name: [folder] for name, folder in sets.items()}
        if len(sets) == 2:
            lessons[" and ".join(sets)] = list(sets.values())
        taught = {
            name: teach(lesson, several, Path(work) / f"{number}.safetensors", judge.compute)
            for number, (name, several) in enumerate(lessons.items())
        }
    pages, rows, said, numbers = [], [], [], {}
    for name, one in taught.items():
        page, found, figures = look(judge, name, one, lesson)
        pages.append(page)
        rows += found
        numbers[name] = figures
        said.append(
            f"{name}: {figures['top1']:.0%} of held-out pictures known; {figures['told']:.0%} of dreams told by "
            f"{judge.net.name} ({figures['told_untrained']:.0%} of an untrained net's), by chance "
            f"{1 / len(one.corpus.classes):.0%}; dreams of two classes {figures['apart']:.2f} times as far apart as of "
            f"one; at {figures['ratio']:.2f} of a picture's distance from their centres; correlation with the mean "
            f"picture {figures['mean_picture']:.2f}"
        )
    return Finding({"": stacked(pages)}, tuple(said), {"sets": numbers}, rows)


def _drawn(lesson: Lesson, work: Path) -> Iterator[tuple[str, Path]]:
    for name in ("similar", "mixed"):
        write_set(name, work / name, lesson.per_class, lesson.side, lesson.seed)
        yield name, work / name


def teach(lesson: Lesson, folders: Sequence[Path], out: Path, compute: Compute) -> Taught:
    """Trains a net on the pictures of some folders, to `out`; raises SourceError or NetError."""
    recipe = lesson.recipe(folders)
    corpus = read_corpus(recipe, Path())
    run_to_end(recipe, corpus, out, compute, lambda minutes: None)
    net = zoo.get(recipe.net, str(out))
    if len(corpus.held_out.labels) == 0:
        return Taught(net, corpus, float("nan"))
    views = centred(corpus.held_out.images, recipe.size)
    return Taught(net, corpus, accuracy(Normalised(net.module, net.mean, net.std), views, corpus.held_out.labels))


def look(
    judge: Studio, name: str, taught: Taught, lesson: Lesson
) -> tuple[Pixels, list[dict[str, object]], dict[str, float]]:
    """A set's page, its rows by class, and its numbers."""
    corpus, classes = taught.corpus, taught.corpus.classes
    data = {kind: _pictures(corpus, number, lesson.side) for number, kind in enumerate(classes)}
    means = {kind: _mean(corpus, number, lesson.side) for number, kind in enumerate(classes)}
    dreams = dreams_of(replace(judge, net=taught.net), lesson)
    blank = dreams_of(replace(judge, net=untrained(taught.net, lesson)), lesson)

    own, eye = prepared(judge, taught.net), prepared(judge, judge.net)
    features = {kind: np.stack([embed.penultimate(own, photo) for photo in photos]) for kind, photos in data.items()}
    seen = {kind: embed.penultimate(own, of[0]) for kind, of in dreams.items()}
    sat = embed.sat(features, seen)
    looks = {kind: np.stack([embed.penultimate(eye, photo) for photo in photos]) for kind, photos in data.items()}
    told, told_blank = (
        tell(looks, {kind: np.stack([embed.penultimate(eye, one) for one in of]) for kind, of in some.items()})
        for some in (dreams, blank)
    )
    alike = {kind: correlation(fitted(dreams[kind][0], lesson.side), means[kind]) for kind in classes}
    rows: list[dict[str, object]] = [
        {"set": name, "class": kind, "mean_picture": alike[kind], **vars(sat[kind])} for kind in classes
    ]
    figures = {
        "top1": taught.top1,
        "told": told.right,
        "told_untrained": told_blank.right,
        "apart": told.apart,
        "apart_untrained": told_blank.apart,
        "own_centre": float(np.mean([at.nearest == kind for kind, at in sat.items()])),
        "ratio": float(np.mean([at.ratio for at in sat.values()])),
        "mean_picture": float(np.mean(list(alike.values()))),
    }
    cells = [Cell(kind, _shown(data[kind][0], lesson)) for kind in classes]
    cells += [Cell(f"mean {alike[kind]:.2f}", _shown(means[kind], lesson)) for kind in classes]
    cells += [Cell(f"dream {sat[kind].ratio:.2f}", dreams[kind][0]) for kind in classes]
    cells += [Cell("another seed", of[number]) for number in range(1, lesson.dreams) for of in dreams.values()]
    cells += [Cell("untrained", of[0]) for of in blank.values()]
    chart = embed.chart(features, seen, "pca", lesson.seed, f"{name}: {taught.top1:.0%} known, {told.right:.0%} told")
    return stacked([sheet(cells, len(classes)), chart]), rows, figures


def prepared(studio: Studio, net: Net) -> PreparedNet:
    """A net cut at its output, for what is measured."""
    return replace(studio, net=net).exact(OUTPUT)


def untrained(net: Net, lesson: Lesson) -> Net:
    """The same net with weights that have learned nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lesson.seed)
        return replace(net, module=zoo.untrained(net.name, len(net.classes)).eval())


def dreams_of(studio: Studio, lesson: Lesson) -> dict[str, list[Pixels]]:
    """Class -> its dreams out of noise."""
    net = studio.prepared(OUTPUT)
    made: dict[str, list[Pixels]] = {}
    for index, kind in enumerate(studio.net.classes):
        for seed in range(lesson.dreams):
            dreamer = replace(studio.dreamer(objectives.class_logit(index), net), seed=lesson.seed + seed)
            made.setdefault(kind, []).append(picture(dreamer, beginning(dreamer, lesson.dream_side, lesson.dream_side)))
    return made


def tell(data: Mapping[str, Points], dreams: Mapping[str, Points]) -> Told:
    """What the dreams of classes, (dreams, F) each, look like beside their pictures, (N, F) each.

    Pictures and dreams are each centred first: what all dreams have in common, such as their contrast, tells nothing.
    """
    names = list(dreams)
    centres = np.stack([data[name].mean(axis=0) for name in names])
    centres = centres - centres.mean(axis=0)
    every = np.concatenate([dreams[name] for name in names])
    middle = np.mean([dreams[name].mean(axis=0) for name in names], axis=0)
    directions = [_unit(dreams[name] - middle) @ _unit(centres).T for name in names]
    right = np.mean([like.argmax(axis=1) == number for number, like in enumerate(directions)])
    labels = np.repeat(np.arange(len(names)), [len(dreams[name]) for name in names])
    far: dict[bool, list[float]] = {True: [], False: []}
    for one, other in combinations(range(len(every)), 2):
        far[bool(labels[one] == labels[other])].append(float(np.linalg.norm(every[one] - every[other])))
    within = float(np.mean(far[True])) if far[True] else float("nan")
    apart = float(np.mean(far[False])) / within if within else float("nan")
    return Told(float(right), apart)


def _unit(vectors: Points) -> Points:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def correlation(one: Pixels, other: Pixels) -> float:
    """Pearson's correlation of two pictures of one size over pixels and channels, each channel less its mean."""
    first, second = ((some - some.mean(axis=(0, 1))).ravel() for some in (one.astype(float), other.astype(float)))
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / scale if scale else 0.0


def _pictures(corpus: Corpus, label: int, side: int) -> list[Pixels]:
    """Pictures of a class, held-out ones where there are two."""
    chosen = corpus.held_out.images[corpus.held_out.labels == label]
    if len(chosen) < 2:
        chosen = torch.cat([part.images[part.labels == label] for part in corpus.sources])
    return [_pixels(view) for view in centred(chosen[:SEEN], side)]


def _mean(corpus: Corpus, label: int, side: int) -> Pixels:
    every = torch.cat([part.images[part.labels == label] for part in corpus.sources])
    return _pixels(centred(every, side).mean(dim=0))


def _pixels(view: Tensor) -> Pixels:
    return np.ascontiguousarray((view.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


def _shown(photo: Pixels, lesson: Lesson) -> Pixels:
    return enlarged(photo, lesson.dream_side)
