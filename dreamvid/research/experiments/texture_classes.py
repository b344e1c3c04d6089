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

from dreamvid.analysis.contact_sheet import Cell, enlarged, sheet, stacked
from dreamvid.core.types import Pixels
from dreamvid.dream import objectives
from dreamvid.models import zoo
from dreamvid.models.net import OUTPUT
from dreamvid.models.prepare import PreparedNet
from dreamvid.research.experiments.small_nets import School, Taught, teach
from dreamvid.research.experiments.textures import write_set
from dreamvid.research.features import embed
from dreamvid.research.features.feature_session import FROM_NOTHING, FeatureSession, Look, beginning, picture
from dreamvid.research.features.finding import Finding
from dreamvid.research.features.photos import fitted
from dreamvid.research.training.augment import centred
from dreamvid.research.training.recipe import Attack, Augment, Recipe

Points = embed.Points
LOOK: Look = FROM_NOTHING
SEEN = 24  # held-out pictures of a class on the map
UNTRAINED = 4  # nets of the control: one net's few dreams may look like their classes by chance


@dataclass(frozen=True)
class Dreams:
    """How each class is dreamed: `count` times, each from a seed of its own, `side` pixels."""

    count: int = 2
    side: int = 128


@dataclass(frozen=True)
class Told:
    """What a set's dreams, (F,) each, are to the eye of a net that was not trained on it.

    `right`: the share whose own class is the nearest in direction from the mean; `apart`: the mean distance between
    dreams of two classes over that between dreams of one (1: no more apart; NaN where a class has one dream).
    """

    right: float
    apart: float


def terra(classifier: FeatureSession, folders: Mapping[str, Path], school: School, how: Dreams) -> Finding:
    """The experiment as one picture: for each set its pictures, their means, its dreams, an untrained net's, the map.

    `classifier`: the net that says what a dream looks like, and how all dream; `folders`: sets by name, each with a
    sub-folder for each class; without any, the two of `textures`. Two sets are also taught together. Raises SourceError
    for a folder that will not do, NetError for a net that cannot be had.
    """
    zoo.untrained(school.net, classes=2)  # a net that cannot be had is told before anything is drawn
    with TemporaryDirectory() as work:
        sets = dict(folders) or dict(_drawn(school, Path(work)))
        lessons = {name: [folder] for name, folder in sets.items()}
        if len(sets) == 2:
            lessons[" and ".join(sets)] = list(sets.values())
        taught = {
            name: teach(recipe(school, classes_of_net), Path(work) / f"{number}.safetensors", classifier.compute)
            for number, (name, classes_of_net) in enumerate(lessons.items())
        }
    pages, rows, said, numbers = [], [], [], {}
    for name, one in taught.items():
        page, found, figures = look(classifier, name, one, how)
        pages.append(page)
        rows += found
        numbers[name] = figures
        said.append(
            f"{name}: {figures['top1']:.0%} of held-out pictures known; {figures['told']:.0%} of dreams told by "
            f"{classifier.net.name} ({figures['told_untrained']:.0%} of an untrained net's), by chance "
            f"{1 / len(one.corpus.classes):.0%}; dreams of two classes {figures['apart']:.2f} times as far apart as of "
            f"one; at {figures['ratio']:.2f} of a picture's distance from their centres; correlation with the mean "
            f"picture {figures['mean_picture']:.2f}"
        )
    return Finding({"": stacked(pages)}, tuple(said), {"sets": numbers}, rows)


def recipe(school: School, folders: Sequence[Path]) -> Recipe:
    """A school's recipe without crops, which would change the size that a texture is told by, and with weak attacks.

    These make dreams that can be seen; earlier or stronger ones keep a net from learning what is hard to tell.
    """
    return school.recipe(
        folders,
        held_out=0.1,
        augment=Augment(shift=False, colour=False, noise=False),
        attack=Attack(starts=0.5, full=0.9, radius=0.25, replays=2, ends=1, last_radius=0.25),
    )


def _drawn(school: School, work: Path) -> Iterator[tuple[str, Path]]:
    for name in ("similar", "mixed"):
        write_set(name, work / name, school.per_class, school.side, school.seed)
        yield name, work / name


def look(
    classifier: FeatureSession, name: str, taught: Taught, how: Dreams
) -> tuple[Pixels, list[dict[str, object]], dict[str, float]]:
    """A set's page, its rows by class, and its numbers.

    Titles on the page: the correlation of each mean picture with the dream, and the ratio of `embed.Sat`.
    """
    classes = taught.corpus.classes
    data = {kind: _pictures(taught, number) for number, kind in enumerate(classes)}
    means = {kind: _mean(taught, number) for number, kind in enumerate(classes)}
    dreams = dreams_of(replace(classifier, net=taught.net), how)
    blank = dreams_of_untrained(replace(classifier, net=taught.net), how.side)

    own, eye = (replace(classifier, net=net).exact(OUTPUT) for net in (taught.net, classifier.net))
    features, seen = features_of(own, data), {kind: of[0] for kind, of in features_of(own, dreams).items()}
    sat, looks = embed.sat(features, seen), features_of(eye, data)
    told, told_blank = (tell(looks, features_of(eye, some)) for some in (dreams, blank))
    top1 = taught.right(taught.views)
    alike = {kind: correlation(fitted(dreams[kind][0], taught.side), means[kind]) for kind in classes}
    rows: list[dict[str, object]] = [
        {"set": name, "class": kind, "mean_picture": alike[kind], **vars(sat[kind])} for kind in classes
    ]
    figures = {
        "top1": top1,
        "told": told.right,
        "told_untrained": told_blank.right,
        "apart": told.apart,
        "apart_untrained": told_blank.apart,
        "own_centre": float(np.mean([at.nearest == kind for kind, at in sat.items()])),
        "ratio": float(np.mean([at.ratio for at in sat.values()])),
        "mean_picture": float(np.mean(list(alike.values()))),
    }
    cells = [Cell(kind, enlarged(data[kind][0], how.side)) for kind in classes]
    cells += [Cell(f"mean, corr. {alike[kind]:.2f}", enlarged(means[kind], how.side)) for kind in classes]
    cells += [Cell(f"dream, ratio {sat[kind].ratio:.1f}", dreams[kind][0]) for kind in classes]
    cells += [Cell("another seed", of[number]) for number in range(1, how.count) for of in dreams.values()]
    cells += [Cell("untrained", of[0]) for of in blank.values()]
    chart = embed.chart(
        features, seen, "pca", classifier.settings.seed, f"{name}: {top1:.0%} known, {told.right:.0%} told"
    )
    return stacked([sheet(cells, len(classes)), chart]), rows, figures


def features_of(net: PreparedNet, pictures: Mapping[str, Sequence[Pixels]]) -> dict[str, Points]:
    """Class -> what the net's last layer is given for each of its pictures, (pictures, F)."""
    return {kind: np.stack([embed.penultimate(net, photo) for photo in of]) for kind, of in pictures.items()}


def dreams_of(session: FeatureSession, how: Dreams) -> dict[str, list[Pixels]]:
    """Class -> its dreams out of noise."""
    net = session.prepared(OUTPUT)
    made: dict[str, list[Pixels]] = {}
    for index, kind in enumerate(session.net.classes):
        for number in range(how.count):
            dreamer = replace(session.dreamer(objectives.class_logit(index), net), seed=session.settings.seed + number)
            made.setdefault(kind, []).append(picture(dreamer, beginning(dreamer, how.side, how.side)))
    return made


def dreams_of_untrained(session: FeatureSession, side: int) -> dict[str, list[Pixels]]:
    """Class -> a dream by each of some nets whose weights have learned nothing: what luck would have it look like."""
    made: dict[str, list[Pixels]] = {}
    for seed in range(UNTRAINED):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(session.settings.seed + seed)
            module = zoo.untrained(session.net.name, len(session.net.classes)).eval()
        for kind, of in dreams_of(replace(session, net=replace(session.net, module=module)), Dreams(1, side)).items():
            made.setdefault(kind, []).extend(of)
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


def _pictures(taught: Taught, label: int) -> list[Pixels]:
    """Pictures of a class, held-out ones where there are two."""
    of_class = taught.views[taught.corpus.held_out.labels == label]
    return [_pixels(view) for view in (of_class if len(of_class) > 1 else _learned(taught, label))[:SEEN]]


def _mean(taught: Taught, label: int) -> Pixels:
    return _pixels(_learned(taught, label).mean(dim=0))


def _learned(taught: Taught, label: int) -> Tensor:
    """The pictures of a class that the net was taught, (N, 3, side, side) in 0 to 1."""
    every = torch.cat([part.images[part.labels == label] for part in taught.corpus.sources])
    return centred(every, taught.side)


def _pixels(view: Tensor) -> Pixels:
    return np.ascontiguousarray((view.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
