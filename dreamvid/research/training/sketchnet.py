"""Training of Sketch-a-Net on generated sketches: `python -m dreamvid.research.training.sketchnet OUT.safetensors`.

Without options this reproduces the shipped net, sketchnet: every sketch comes from the seed and its number, the budget
is in steps instead of minutes, and one thread computes, so that the same machine with the same torch gives the same
weights. "Free" adversarial training, as in `dreamvid.research.training.loop`, makes its dreams strokes instead of
grain.

`--figures FILE.safetensors` measures a net instead: on sketches with distortions that do not occur in training
(`dreamvid.research.sketches.hand.DISTORTIONS`), beside a linear classifier on 32 x 32 pixels trained on the same
sketches.
"""

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dreamvid.core.errors import NetError
from dreamvid.media import opencv
from dreamvid.models import zoo
from dreamvid.models.sketch_a_net import MEAN, SIDE, SLIM, SOURCE_SIDE, STD, SketchANet, Unit, folded, with_batch_norm
from dreamvid.research.sketches.hand import CLASSES, DISTORTIONS, Sketch, distorted, drawn
from dreamvid.research.sketches.recognise import at_scale, features, fused, joined, joint_bayesian, linear, views, voted
from dreamvid.research.sketches.strokes import render, six_channels
from dreamvid.research.training.export import Facts, export, mean_squares
from dreamvid.research.training.measure import normalised_step, within

logger = logging.getLogger(__name__)
TEST = 1_000_000  # first number of the test sketches: no training gets that far
MEASURED = 512  # number of sketches for the channel statistics
READ_SCALES = (256, 128, 64)  # pixels a side: the paper's finest three, since the net is not trained on others
LINEAR_SIDE = 32  # pixels a side of the input of the linear classifier


@dataclass(frozen=True)
class Lessons:
    """Parameters that determine the weights. `radius`: L2 radius of the attack, pixels being in [0, 1], per crop."""

    steps: int = 1400
    batch: int = 32
    replays: int = 2
    radius: float = 2.5
    rate: float = 1.5e-3
    decay: float = 0.02
    smoothing: float = 0.05
    dropout: float = 0.1
    width: float = SLIM
    channels: int = 1
    seed: int = 1


def sketches(seed: int, first: int, count: int, channels: int = 1) -> tuple[Tensor, Tensor]:
    """Return sketches `first` to `first + count - 1` of a seed: uint8 (count, channels, 256, 256), and class indices.

    Each depends on the seed and its own number only. From TEST on they are distorted.
    """
    pictures, labels = [], []
    for number in range(first, first + count):
        rng = np.random.default_rng((seed, number))
        label = int(rng.integers(len(CLASSES)))
        sketch = (distorted if number >= TEST else drawn)(CLASSES[label], rng)
        pictures.append(picture(sketch, channels))
        labels.append(label)
    return torch.from_numpy(np.stack(pictures)), torch.tensor(labels)


def picture(sketch: Sketch, channels: int) -> NDArray[np.uint8]:
    """Render a sketch as (channels, 256, 256), 1 or 6 channels: the net's input before the crop."""
    if channels == 1:
        return render(sketch.strokes, SOURCE_SIDE, sketch.width)[None]
    return six_channels(sketch.strokes, SOURCE_SIDE, sketch.width)


def cropped(pictures: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Crop uint8 pictures to 225 pixels, in [-1, 1]: each at a random place, or all centrally without `generator`."""
    room = SOURCE_SIDE - SIDE
    corners = torch.full((len(pictures), 2), room // 2)
    if generator is not None:
        corners = torch.randint(room + 1, corners.shape, generator=generator)
    crops = [
        one[:, row : row + SIDE, col : col + SIDE] for one, (row, col) in zip(pictures, corners.tolist(), strict=True)
    ]
    return torch.stack(crops).float() / 127.5 - 1


def shaded(views: Tensor, generator: torch.Generator) -> Tensor:
    """Change every second crop (N, C, 225, 225) to other shades, such as chalk on slate; still in [-1, 1].

    A net that knows only ink on white takes everything dark in a photograph for ink, and dreams black areas.
    """
    count = len(views[::2])
    contrast, level, sign = torch.rand(3, count, 1, 1, 1, generator=generator)
    contrast = 0.3 + 0.7 * contrast
    shades = views.clone()
    shades[::2] = views[::2] * contrast * (2 * sign.round() - 1) + (1 - contrast) * (2 * level - 1)
    return shades


def learn(lessons: Lessons) -> SketchANet:
    """Train a net and return it with its batch norms folded."""
    torch.manual_seed(lessons.seed)
    generator = torch.Generator().manual_seed(lessons.seed)
    net = with_batch_norm(SketchANet(len(CLASSES), lessons.channels, lessons.width, lessons.dropout))
    net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lessons.rate, weight_decay=lessons.decay)
    updates = lessons.steps * lessons.replays
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lessons.rate, total_steps=updates + 1, pct_start=0.15)
    began, recent = time.monotonic(), 0.0
    for step in range(lessons.steps):
        pictures, labels = sketches(lessons.seed, step * lessons.batch, lessons.batch, lessons.channels)
        views = shaded(cropped(pictures, generator), generator).to(memory_format=torch.channels_last)
        # In [-1, 1] a pixel's range is 2. The attack begins late: under a strong one, a new net learns nothing.
        limit = 2 * lessons.radius * min(1.0, max(0.0, 2 * step / lessons.steps - 0.2))
        perturbation = torch.zeros_like(views)
        for _ in range(lessons.replays):
            perturbation.requires_grad_(limit > 0)
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(views + perturbation).float()
            loss = functional.cross_entropy(logits, labels, label_smoothing=lessons.smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            if perturbation.grad is not None:
                perturbation = within(perturbation.detach() + normalised_step(perturbation.grad, limit), limit)
        right = (logits.argmax(dim=1) == labels).float().mean().item()
        recent += (right - recent) * (1 if step == 0 else 0.05)
        if (step + 1) % 20 == 0:
            minutes = (time.monotonic() - began) / 60
            logger.info("step %d  minutes %.1f  loss %.3f  right %.3f", step + 1, minutes, loss.item(), recent)
    return folded(net)


def save(net: SketchANet, lessons: Lessons, path: Path) -> None:
    """Write the net with its classes and channel statistics: mean squares over the first MEASURED training sketches."""
    batches = (cropped(sketches(lessons.seed, first, 64, lessons.channels)[0]) for first in range(0, MEASURED, 64))
    statistics = mean_squares(net, net, batches, (Unit,))
    facts = Facts(width=lessons.width, classes=CLASSES, mean=MEAN, std=STD)
    export(net, path, facts, statistics, "sketch_a_net")


@torch.no_grad()
def accuracy(net: SketchANet, pictures: Tensor, labels: Tensor) -> float:
    """Return top-1 accuracy on the central crops of uint8 pictures (N, channels, 256, 256)."""
    right = 0
    for some, wanted in zip(pictures.split(64), labels.split(64), strict=True):
        right += int((net(cropped(some)).argmax(dim=1) == wanted).sum())
    return right / len(labels)


def by_distortion(net: SketchANet, seed: int, count: int) -> dict[str, float]:
    """Return accuracy on `count` sketches each: undistorted, with each distortion, and with two at once."""

    def measured(hand: Callable[[str, np.random.Generator], Sketch]) -> float:
        rng = np.random.default_rng((seed, TEST))
        labels = rng.integers(len(CLASSES), size=count)
        pictures = np.stack([picture(hand(CLASSES[label], rng), net.channels) for label in labels])
        return accuracy(net, torch.from_numpy(pictures), torch.from_numpy(labels))

    single = {name: measured(partial(drawn, distortions=(one,))) for name, one in DISTORTIONS.items()}
    return {"undistorted": measured(drawn), **single, "two at once": measured(partial(distorted, at_once=2))}


def linear_accuracy(lessons: Lessons, test: Tensor, labels: Tensor) -> float:
    """Return the accuracy of logistic regression on 32 x 32 pixels, trained on the same sketches as the net."""
    from sklearn.linear_model import LogisticRegression

    cv2 = opencv.load()

    def small(pictures: Tensor) -> NDArray[np.float32]:
        size = (LINEAR_SIDE, LINEAR_SIDE)
        shrunk = [cv2.resize(one[0].numpy(), size, interpolation=cv2.INTER_AREA) for one in pictures]
        return (1 - np.stack(shrunk).reshape(len(pictures), -1) / 255).astype(np.float32)

    parts = [sketches(lessons.seed, step * lessons.batch, lessons.batch) for step in range(lessons.steps)]
    seen, known = (
        np.concatenate([small(part[0]) for part in parts]),
        np.concatenate([part[1].numpy() for part in parts]),
    )
    linear = LogisticRegression(C=0.1, max_iter=200, tol=1e-3).fit(seen, known)
    return float(linear.score(small(test), labels.numpy()))


def by_reading(net: SketchANet, seed: int, known: int, count: int) -> dict[str, float]:
    """Return accuracy on `count` distorted sketches for each method of `sketches.recognise` on the net's features.

    One net is used at three scales, where the paper has a net for each. Classifier, metric and neighbours use the first
    `known` training sketches, unchanged; the weights of the scales use as many others, from number TEST / 2 on.
    """
    pictures, labels = sketches(seed, 0, known, net.channels)
    test, wanted = sketches(seed, TEST, count, net.channels)
    other, others = sketches(seed, TEST // 2, known, net.channels)

    def scaled(some: Tensor, side: int) -> Tensor:
        return cropped(torch.from_numpy(at_scale(some.numpy(), side)))

    with torch.no_grad():
        logits = [torch.cat([net(few) for few in scaled(test, side).split(64)]) for side in READ_SCALES]
    weights = [accuracy(net, torch.from_numpy(at_scale(other.numpy(), side)), others) for side in READ_SCALES]
    found = {f"at {side} pixels": some.argmax(1) for side, some in zip(READ_SCALES, logits, strict=True)} | {
        "scales averaged": fused(logits).argmax(1),
        "scales weighted": fused(logits, weights).argmax(1),
    }
    learned = joined([features(net, scaled(pictures, side)) for side in READ_SCALES])
    unknown = joined([features(net, scaled(test, side)) for side in READ_SCALES])
    marks = labels.numpy()
    found["joined features, linear"] = torch.from_numpy(linear(learned, marks, unknown))
    plain = joined([features(net, cropped(pictures))])
    crops = views(test.float() / 127.5 - 1)
    seen = joined([features(net, crops.flatten(0, 1))]).reshape(count, crops.shape[1], -1)
    found["neighbours, one crop"] = torch.from_numpy(voted(plain, marks, seen[:, 4:5]))
    found["neighbours, ten crops"] = torch.from_numpy(voted(plain, marks, seen))
    metric = joint_bayesian(plain, marks)
    found["the same, joint Bayesian"] = torch.from_numpy(voted(plain, marks, seen, alike=metric))
    return {name: (classes == wanted).float().mean().item() for name, classes in found.items()}


def figures(path: Path, lessons: Lessons, count: int = 2000) -> dict[str, float]:
    """Return accuracies of a net in a file on `count` distorted sketches, and of a linear classifier on the same."""
    net = zoo.get("sketch_a_net", str(path)).module
    assert isinstance(net, SketchANet)
    pictures, labels = sketches(lessons.seed, TEST, count, net.channels)
    found = {"net": accuracy(net, pictures, labels)}
    if net.channels == 1:
        found["linear on 32 x 32 pixels"] = linear_accuracy(lessons, pictures, labels)
    found |= by_distortion(net, lessons.seed, count // 4)
    return found | by_reading(net, lessons.seed, count // 2, count // 4)


def main() -> None:
    """Parse the options, then train or measure."""
    parser = argparse.ArgumentParser(
        prog="python -m dreamvid.research.training.sketchnet", description="Train on sketches."
    )
    parser.add_argument("net", type=Path, help="the file to make; with --figures, the one to measure")
    parser.add_argument("--figures", action="store_true", help="measure the net instead of training it")
    for name, kind in (("steps", int), ("width", float), ("channels", int), ("seed", int), ("radius", float)):
        parser.add_argument(f"--{name}", type=kind, default=getattr(Lessons, name))
    options = vars(parser.parse_args())
    path, measured = options.pop("net"), options.pop("figures")
    if measured and find_spec("sklearn") is None:
        parser.error("--figures needs scikit-learn: `pip install scikit-learn`, or dreamvid's extra `learn`")
    if not measured and (path.suffix != ".safetensors" or not path.parent.is_dir()):
        parser.error(f"{path}: give a name ending in .safetensors, in a folder that is there")  # before training
    if options["channels"] not in (1, 6):
        parser.error(f"--channels {options['channels']}: 1, or 6 for the order of strokes")
    lessons = Lessons(**options)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    if measured:
        try:
            found = figures(path, lessons)
        except NetError as error:
            parser.error(str(error))
        for name, share in found.items():
            logger.info("%-26s %.3f", name, share)
        return
    save(learn(lessons), lessons, path)


if __name__ == "__main__":
    main()
