"""The commands `dreamvid features terra` and `invariance`, experiments that train small nets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dreamvid.cli.commands import takes
from dreamvid.cli.feature_options import LEARNING, PLOTS, Shared, Side, make

if TYPE_CHECKING:
    from dreamvid.research.features.feature_session import FeatureSession
    from dreamvid.research.features.finding import Finding

Taught = Annotated[str, typer.Option("--net", help="The net to train: a name of torchvision.")]
OfDrawn = Annotated[int, typer.Option("--per-class", help="Pictures of a class, where they are drawn.", min=2)]


@takes(Shared)
def terra(
    shared: Shared,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Set of pictures, a sub-folder a class; default: two drawn ones. Repeatable."),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", help="Training of each net, wall clock.")] = 2.5,
    net: Taught = "resnet18",
    per_class: OfDrawn = 400,
    side: Side = 64,
    dream_side: Annotated[int, typer.Option("--dream-side", help="Side of the dreams, in pixels.", min=32)] = 128,
) -> None:
    """Train nets on near-identical textures and on things, and test if their dreams differ; --model classifies them."""
    from dreamvid.core.errors import SettingsError
    from dreamvid.research.experiments import texture_classes as experiment
    from dreamvid.research.experiments.small_nets import School

    sets = {folder.resolve().name: folder for folder in data or ()}
    if len(sets) < len(data or ()):
        raise SettingsError("--data: two folders have the same name: rename one of them")

    def work(at: "FeatureSession") -> "Finding":
        school = School(net, minutes, side, per_class, at.settings.seed)
        return experiment.terra(at, sets, school, experiment.Dreams(side=dream_side))

    make(shared, "terra", experiment.LOOK, work, beside=(".csv",), needs=(PLOTS, LEARNING))


@takes(Shared)
def invariance(
    shared: Shared,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of pictures, a sub-folder a class; default: drawn ones.")
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", help="Training of each net, wall clock.")] = 1.0,
    net: Taught = "resnet18",
    per_class: OfDrawn = 120,
    side: Side = 64,
) -> None:
    """Train a net with and without augmentation, and measure how shifts, flips and noise change its accuracy."""
    from dreamvid.research.experiments import invariance as experiment
    from dreamvid.research.experiments.small_nets import School

    def work(at: "FeatureSession") -> "Finding":
        return experiment.invariance(data, School(net, minutes, side, per_class, at.settings.seed), at.compute)

    make(shared, "invariance", (), work, beside=(".csv",), needs=(PLOTS,))
