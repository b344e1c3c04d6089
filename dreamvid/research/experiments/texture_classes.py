"""Nets trained on near-identical textures against nets trained on objects, by how recognisable their dreams are.

A lab trained a ResNet-18 on fields of sorghum cultivars and could not tell the dreams of its classes apart, whereas
dreams of birds, fish and dogs can be recognised. Here the same small net is trained on each kind of set, and on both
together; then each class is dreamed, and a net that was not trained on either classifies the dreams.
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
SEEN = 24  # most held-out pictures of a class on the map
UNTRAINED = 4  # number of control nets: the few dreams of a single one may resemble their classes by chance


@dataclass(frozen=True)
class Dreams:
    """Number of dreams per class, each from a seed of its own, and their side in pixels."""

    count: int = 2
    side: int = 128


@dataclass(frozen=True)
class Told:
    """Recognisability of a set's dreams by the features of a net that was not trained on it.

    `right`: share of dreams whose own class has the nearest direction from the mean; `apart`: mean distance between
    dreams of two classes / that between dreams of one (1: no more apart; NaN where each class has one dream).
    """

    right: float
    apart: float


def terra(classifier: FeatureSession, folders: Mapping[str, Path], school: School, how: Dreams) -> Finding:
    """Run the experiment; its picture shows per set: pictures, means, dreams, untrained nets' dreams, and the map.

    `classifier`: session of the net that recognises dreams, whose settings all dreams use; `folders`: sets by name,
    each with a sub-folder for each class; empty for the two generated ones of `textures`. If there are two sets, a net
    is also trained on both together. Raises SourceError for a folder that cannot be used, NetError for an unknown net.
    """
    zoo.untrained(school.net, classes=2)  # raises for an unknown net before any picture is drawn
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
    """Return a training recipe with weak attacks and without crops, which would change the scale of a texture.

    The attacks (adversarial training) make dreams visible; earlier or stronger ones keep a net from learning classes
    that are hard to tell apart.
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
    """Return the page of a set, its rows by class, and its numbers.

    Titles on the page give the correlation of each mean picture with the dream, and the ratio of `embed.Sat`.
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
    """Return class -> penultimate features of the net for each of its pictures, (pictures, F)."""
    return {kind: np.stack([embed.penultimate(net, photo) for photo in of]) for kind, of in pictures.items()}


def dreams_of(session: FeatureSession, how: Dreams) -> dict[str, list[Pixels]]:
    """Return class -> its dreams from noise."""
    net = session.prepared(OUTPUT)
    made: dict[str, list[Pixels]] = {}
    for index, kind in enumerate(session.net.classes):
        for number in range(how.count):
            dreamer = replace(session.dreamer(objectives.class_logit(index), net), seed=session.settings.seed + number)
            made.setdefault(kind, []).append(picture(dreamer, beginning(dreamer, how.side, how.side)))
    return made


def dreams_of_untrained(session: FeatureSession, side: int) -> dict[str, list[Pixels]]:
    """Return class -> a dream by each of UNTRAINED nets with random weights, as a control for chance."""
    made: dict[str, list[Pixels]] = {}
    for seed in range(UNTRAINED):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(session.settings.seed + seed)
            module = zoo.untrained(session.net.name, len(session.net.classes)).eval()
        for kind, of in dreams_of(replace(session, net=replace(session.net, module=module)), Dreams(1, side)).items():
            made.setdefault(kind, []).extend(of)
    return made


def tell(data: Mapping[str, Points], dreams: Mapping[str, Points]) -> Told:
    """Measure how well the dreams of classes, (dreams, F) each, match the class's pictures, (N, F) each.

    Pictures and dreams are each centred first, which removes what all dreams have in common, such as contrast.
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
    """Return Pearson's correlation of two pictures of one size over pixels and channels, each channel less its mean."""
    first, second = ((some - some.mean(axis=(0, 1))).ravel() for some in (one.astype(float), other.astype(float)))
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / scale if scale else 0.0


def _pictures(taught: Taught, label: int) -> list[Pixels]:
    """Return at most SEEN pictures of a class, held-out ones where there are at least two."""
    of_class = taught.views[taught.corpus.held_out.labels == label]
    return [_pixels(view) for view in (of_class if len(of_class) > 1 else _learned(taught, label))[:SEEN]]


def _mean(taught: Taught, label: int) -> Pixels:
    return _pixels(_learned(taught, label).mean(dim=0))


def _learned(taught: Taught, label: int) -> Tensor:
    """Return the training pictures of a class, (N, 3, side, side) in [0, 1]."""
    every = torch.cat([part.images[part.labels == label] for part in taught.corpus.sources])
    return centred(every, taught.side)


def _pixels(view: Tensor) -> Pixels:
    return np.ascontiguousarray((view.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
