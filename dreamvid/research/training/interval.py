"""Interval between two log lines: its clock, and the figures, net file, checkpoint and log line at its end."""

import csv
import logging
import time
from pathlib import Path

from dreamvid.models.device import Compute
from dreamvid.research.training.augment import centred
from dreamvid.research.training.checkpoint import Run, save
from dreamvid.research.training.dataset import Corpus
from dreamvid.research.training.dream_sheet import write_sheet
from dreamvid.research.training.export import OURS, Facts, export, mean_squares
from dreamvid.research.training.measure import Normalised, accuracy, ranks
from dreamvid.research.training.recipe import Recipe
from dreamvid.research.training.schedule import learning_rate, radius

logger = logging.getLogger(__name__)

MEASURED_RADIUS = 0.5  # L2 radius of the attack for the log, pixels being in [0, 1]
ATTACKED_PICTURES = 500  # held-out pictures attacked for the last log line; a fifth of them for earlier ones


class Interval:
    """Counts of steps, pictures and losses since its beginning; it also advances the run's clock."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._began = self._last = time.monotonic()
        self._pictures = 0
        self._losses = 0.0

    @property
    def minutes(self) -> float:
        """Return the wall clock since the interval began, in minutes."""
        return (self._last - self._began) / 60

    @property
    def loss(self) -> float:
        """Return the mean loss over the pictures of the interval."""
        return self._losses / max(self._pictures, 1)

    @property
    def speed(self) -> float:
        """Return pictures per second; a replayed picture counts each time."""
        return self._pictures / max(self.minutes * 60, 1e-9)

    def count(self, pictures: int, loss: float) -> None:
        """Count one step on that many pictures with that mean loss."""
        self.tick()
        self._run.steps += 1
        self._pictures += pictures
        self._losses += loss * pictures

    def tick(self) -> None:
        """Advance the run's clock to the current time."""
        now = time.monotonic()
        self._run.minutes += (now - self._last) / 60
        self._last = now


def close(recipe: Recipe, corpus: Corpus, run: Run, interval: Interval, out: Path, compute: Compute) -> None:
    """End an interval: write net file, sheet of dreams, checkpoint and log line with figures."""
    share, loss, speed = run.share(recipe), interval.loss, interval.speed
    _export(recipe, corpus, run, out)
    if recipe.sheet:
        write_sheet(recipe.net, out, corpus.photographs, out.with_name(f"{out.name}.png"), compute)
    figures = _figures(recipe, corpus, run, ATTACKED_PICTURES if share >= 1 else ATTACKED_PICTURES // 5)
    interval.tick()
    save(run, out, recipe)
    line = {
        "minutes": f"{run.minutes:.2f}",
        "steps": run.steps,
        "rate": f"{learning_rate(recipe, share):.2e}",
        "radius": f"{radius(recipe.attack, share):.2f}",
        "loss": f"{loss:.4f}",
        **{name: f"{value:.4f}" for name, value in figures.items()},
        "pictures_per_second": f"{speed:.1f}",
    }
    _log(out.with_name(f"{out.name}.csv"), line)


def _export(recipe: Recipe, corpus: Corpus, run: Run, out: Path) -> None:
    device = next(run.average.parameters()).device
    model = Normalised(run.average, recipe.mean, recipe.std).to(device)
    facts = Facts(width=recipe.width, classes=corpus.classes, mean=recipe.mean, std=recipe.std)
    statistics = {}
    if isinstance(run.average, OURS):  # other nets are dreamed without channel statistics
        photographs = (centred(some, recipe.size).to(device) for some in corpus.photographs.split(64))
        statistics = mean_squares(run.average, model, photographs)
    export(run.average, out, facts, statistics, recipe.net)


def _figures(recipe: Recipe, corpus: Corpus, run: Run, attacked: int) -> dict[str, float]:
    """Return top-1 and top-5 accuracy of the averaged net on held-out pictures, and top-1 under attack.

    `attacked`: number of pictures to attack. All are NaN where nothing is held out.
    """
    if len(corpus.held_out.labels) == 0:
        return dict.fromkeys(("top1", "top5", "attacked"), float("nan"))
    device = next(run.average.parameters()).device
    model = Normalised(run.average, recipe.mean, recipe.std).to(device)
    views, labels = centred(corpus.held_out.images, recipe.size).to(device), corpus.held_out.labels.to(device)
    place = ranks(model, views, labels)
    top1, top5 = (float((place < most).float().mean()) for most in (1, 5))
    return {
        "top1": top1,
        "top5": top5,
        "attacked": accuracy(model, views[:attacked], labels[:attacked], MEASURED_RADIUS),
    }


def _log(path: Path, line: dict[str, object]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(line))
        if new:
            writer.writeheader()
        writer.writerow(line)
    logger.info(" ".join(f"{key}={value}" for key, value in line.items()))
