"""The commands `dreamvid features ...`, which show what a net has learned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dreamvid.cli import experiments
from dreamvid.cli.commands import command, new_app, takes
from dreamvid.cli.feature_options import LEARNING, PLOTS, Shared, Side, make, parse_numbers
from dreamvid.cli.options import Text
from dreamvid.cli.progress import bar

if TYPE_CHECKING:
    from dreamvid.research.features.feature_session import FeatureSession
    from dreamvid.research.features.finding import Finding

features_app = new_app(
    "Show what a net has learned, as pictures and numbers.",
    examples=["dreamvid features atlas block5", "dreamvid features class beagle", "dreamvid features depth photo.jpg"],
)

Layer = Annotated[str, typer.Argument(help="A layer (`models layers NET` lists them).")]
OneUnit = Annotated[str, typer.Argument(help="LAYER:N, or the name of a channel.", metavar="LAYER:N")]
Source = Annotated[str, typer.Argument(help="A still; a video's first frame; noise, noise:gaussian or noise:pink.")]
Count = Annotated[int, typer.Option("--count", help="How many crops.", min=1, max=1000)]


@command(
    features_app,
    examples=["dreamvid features atlas block5 --side 48", "dreamvid features atlas block5 --out atlas.html"],
)
@takes(Shared)
def atlas(layer: Layer, shared: Shared, side: Side = 64) -> None:
    """Draw every channel of a layer as a labelled grid; --out NAME.html makes a page."""
    from dreamvid.research.features import feature_session, gallery, units

    page = shared.out is not None and shared.out.suffix.lower() == ".html"

    def work(at: "FeatureSession") -> "Finding":
        every = units.of_layer(layer, None, at.net)
        with bar(quiet=shared.quiet) as progress:
            if page:
                return gallery.units_page(at, every, side=side, progress=progress)
            return gallery.units_sheet(at, every, side=side, across=16, progress=progress)

    make(shared, "atlas", feature_session.LITTLE, work, html=True)


@command(features_app, examples=["dreamvid features grid block9", "dreamvid features grid block9 --units 3,14,15"])
@takes(Shared)
def grid(
    layer: Layer,
    shared: Shared,
    units_: Annotated[Text, typer.Option("--units", help="Channels, N,M,...; default: nine over the layer.")] = None,
    side: Side = 160,
) -> None:
    """Draw some channels of a layer side by side."""
    from dreamvid.research.features import feature_session, gallery, units

    numbers = None if units_ is None else [int(number) for number in parse_numbers("--units", units_, int)]

    def work(at: "FeatureSession") -> "Finding":
        chosen = units.evenly(layer, 9, at.net) if numbers is None else units.of_layer(layer, numbers, at.net)
        across = next(columns for columns in range(1, 65) if columns * columns >= min(len(chosen), 4096))
        with bar(quiet=shared.quiet) as progress:
            return gallery.units_sheet(at, chosen, side=side, across=across, progress=progress)

    make(shared, "grid", feature_session.FROM_NOTHING, work)


@command(
    features_app,
    "class",
    examples=["dreamvid features class beagle volcano", "dreamvid features class beagle --photo photo.jpg"],
)
@takes(Shared)
def class_(
    names: Annotated[list[str], typer.Argument(help="Classes by name or index.", metavar="NAME...")],
    shared: Shared,
    photo: Annotated[
        Text, typer.Option("--photo", help="A picture to dream the classes on as well; default: none.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder with a sub-folder of pictures for each of these classes; default: none."),
    ] = None,
    side: Side = 224,
) -> None:
    """Dream classes from noise and on a photo; plot the net's score step by step and the mean of their pictures."""
    from dreamvid.research.features import feature_session, photos, portraits

    def work(at: "FeatureSession") -> "Finding":
        source = None if photo is None else photos.still(photo, at.settings, side)
        return portraits.classes(at, names, source, data, side=side)

    make(shared, "class", feature_session.FROM_NOTHING, work, beside=("-scores", ".csv"), needs=(PLOTS,))


@command(features_app, examples=["dreamvid features crops block9:12 --photos pictures"])
@takes(Shared)
def crops(
    unit: OneUnit,
    shared: Shared,
    photos: Annotated[Path, typer.Option("--photos", help="Folder of photos, sub-folders included.")],
    count: Count = 9,
    side: Side = 224,
) -> None:
    """Find the crops of photos that excite a unit most; show them beside its dream, with its receptive field."""
    from dreamvid.research.features import crops as looking
    from dreamvid.research.features import feature_session, units

    def work(at: "FeatureSession") -> "Finding":
        return looking.crops(at, units.parse(unit, at.net), photos, count=count, side=side)

    make(shared, "crops", feature_session.FROM_NOTHING, work, beside=(".csv",))


@command(
    features_app,
    examples=["dreamvid features depth photo.jpg", "dreamvid features depth photo.jpg --layer block3 --layer block9"],
)
@takes(Shared)
def depth(
    source: Source,
    shared: Shared,
    layer: Annotated[
        list[str] | None, typer.Option("--layer", help="Layer; default: three by depth. Repeatable.")
    ] = None,
    side: Side = 320,
) -> None:
    """Dream a picture by an early, a middle and a late layer."""
    from dreamvid.research.features import feature_session, gallery, photos

    def work(at: "FeatureSession") -> "Finding":
        return gallery.depth(at, photos.still(source, at.settings, side), layer or ())

    make(shared, "depth", feature_session.ON_PHOTO, work)


@command(features_app, examples=["dreamvid features infinite block9:12 --sides 224,448"])
@takes(Shared)
def infinite(
    channel: OneUnit,
    shared: Shared,
    sides: Annotated[str, typer.Option("--sides", help="Sizes, in pixels.", metavar="N,M,...")] = "224,448,896",
    circular: Annotated[int, typer.Option("--circular", help="Size without borders, in pixels.", min=32)] = 448,
) -> None:
    """Dream one unit at several sizes and with circular padding, to see if its pattern repeats or is due to borders."""
    from dreamvid.research.features import feature_session, units
    from dreamvid.research.features import infinite as growing

    lengths = [int(side) for side in parse_numbers("--sides", sides, int, least=32)]

    def work(at: "FeatureSession") -> "Finding":
        return growing.infinite(at, units.parse(channel, at.net), lengths, circular)

    make(shared, "infinite", feature_session.LARGE, work, beside=(".csv",))


@command(features_app, examples=["dreamvid features noise", "dreamvid features noise block3 block9"])
@takes(Shared)
def noise(
    shared: Shared,
    layers: Annotated[
        list[str] | None, typer.Argument(help="Layers; default: the last of each size of map.", metavar="LAYER...")
    ] = None,
    side: Side = 224,
) -> None:
    """Measure the noise of dreams: their radial power spectrum by depth of the layer."""
    from dreamvid.research.features import feature_session, spectra

    def work(at: "FeatureSession") -> "Finding":
        return spectra.noise(at, layers or (), side=side)

    make(shared, "noise", feature_session.BARE, work, beside=("-dreams", ".csv"), needs=(PLOTS,))


@command(
    features_app,
    examples=["dreamvid features embed --photos pictures", "dreamvid features embed --photos pictures --method tsne"],
)
@takes(Shared)
def embed(
    shared: Shared,
    photos: Annotated[Path, typer.Option("--photos", help="Folder of photos, a sub-folder for each class.")],
    method: Annotated[str, typer.Option("--method", help="pca, tsne or umap.")] = "pca",
    per_class: Annotated[int, typer.Option("--per-class", help="Most pictures of a class.", min=2)] = 24,
    side: Side = 128,
    dream_side: Annotated[int, typer.Option("--dream-side", help="Side of the dreams, in pixels.", min=32)] = 160,
) -> None:
    """Map pictures and dreams of classes to a plane, to see if a dream is at the centre of its class."""
    from dreamvid.research.features import embed as mapping
    from dreamvid.research.features import feature_session

    chosen = mapping.check_method(method)

    def work(at: "FeatureSession") -> "Finding":
        return mapping.embed(at, photos, chosen, per_class=per_class, side=side, dream_side=dream_side)

    make(shared, "embed", feature_session.FROM_NOTHING, work, beside=("-dreams", ".csv"), needs=(PLOTS, LEARNING))


@command(features_app, examples=["dreamvid features deconv block9:12 photo.jpg"])
@takes(Shared)
def deconv(
    unit: OneUnit,
    photo: Annotated[Path, typer.Argument(help="A photo.")],
    shared: Shared,
    count: Count = 3,
    side: Side = 224,
) -> None:
    """Find a unit's strongest crops in a photo, and show the pixels that excite it, by a deconvolution network."""
    from dreamvid.research.features import deconv as projecting
    from dreamvid.research.features import feature_session, units

    def work(at: "FeatureSession") -> "Finding":
        return projecting.deconv(at, units.parse(unit, at.net), photo, count=count, side=side)

    make(shared, "deconv", feature_session.FROM_NOTHING, work)


@command(
    features_app,
    examples=[
        "dreamvid features steps photo.jpg",
        "dreamvid features steps photo.jpg --sizes 0.01,0.1 --rule mean,adam",
    ],
)
@takes(Shared)
def steps(
    source: Source,
    shared: Shared,
    layer: Annotated[Text, typer.Option("--layer", help="Layer to dream; default: the net's own.")] = None,
    sizes: Annotated[
        str, typer.Option("--sizes", help="Step sizes, as dream.step_size has them.", metavar="S,T,...")
    ] = "0.001,0.004,0.016,0.064,0.25",
    rule: Annotated[
        Text,
        typer.Option(
            "--rule",
            help="Rules, as dream.step_rule has them, each with each size; default: the look's.",
            metavar="R,S,...",
        ),
    ] = None,
    iterations: Annotated[int, typer.Option("--iterations", help="Steps of each.", min=1, max=2000)] = 80,
    side: Side = 160,
) -> None:
    """Plot a layer's L2 norm over the steps for several step sizes and rules: rising, saturated or diverged."""
    from dreamvid.research.features import feature_session, photos, units
    from dreamvid.research.features import steps as stepping

    lengths = parse_numbers("--sizes", sizes, float)
    rules = [] if rule is None else [name.strip() for name in rule.split(",")]

    def work(at: "FeatureSession") -> "Finding":
        chosen = layer or units.usual_layer(at.net)
        return stepping.steps(at, photos.still(source, at.settings, side), chosen, rules, lengths, iterations)

    make(shared, "steps", feature_session.ONE_SCALE, work, beside=("-pictures", ".csv"), needs=(PLOTS,))


command(features_app, examples=["dreamvid features terra", "dreamvid features terra --data fields --minutes 5"])(
    experiments.terra
)
command(features_app, examples=["dreamvid features invariance", "dreamvid features invariance --data pictures"])(
    experiments.invariance
)
