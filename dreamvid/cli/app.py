"""The commands."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dreamvid.cli import BATCH_INCOMPLETE, REPAIRED
from dreamvid.cli.features import features_app
from dreamvid.cli.options import Common, takes_common
from dreamvid.cli.papers import papers
from dreamvid.cli.progress import bar, minutes_bar, show_notices

if TYPE_CHECKING:
    from collections.abc import Callable

    from dreamvid.jobs.run import Summary
    from dreamvid.models.net import Net

app = typer.Typer(
    help="Dreams a real video, end to end.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
presets_app = typer.Typer(help="Looks: list them, show one, check a file.", no_args_is_help=True)
models_app = typer.Typer(help="Nets: list them, fetch, check one, its layers and channels.", no_args_is_help=True)
Trust = Annotated[bool, typer.Option("--trust", help="Execute the code that FILE.py:FUNCTION names.")]
app.add_typer(presets_app, name="presets")
app.add_typer(models_app, name="models")
app.add_typer(features_app, name="features")
app.command()(papers)

Output = Annotated[str, typer.Argument(help="The file to write; a name that ends in / becomes a folder of PNGs.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False) -> None:
    """Dreams a real video, end to end."""
    if version:
        from dreamvid import __version__

        print(f"dreamvid {__version__}")
        raise typer.Exit


@app.command()
@takes_common
def video(
    source: Annotated[str, typer.Argument(help="A video, a GIF, or a folder of images.")],
    output: Output,
    common: Common,
) -> None:
    """Dream a video."""
    from dreamvid.jobs import run

    _dream(run.dream_video, source, output, common)


@app.command()
@takes_common
def image(
    source: Annotated[str, typer.Argument(help="A still; a video's first frame; noise, noise:gaussian or noise:pink.")],
    output: Output,
    common: Common,
) -> None:
    """Dream a still."""
    from dreamvid.jobs import run

    _dream(run.dream_image, source, output, common, one_picture=True)


@app.command()
@takes_common
def zoom(
    starts: Annotated[
        list[str],
        typer.Argument(help="Stills; a video's first frame; noise, noise:gaussian or noise:pink.", metavar="START..."),
    ],
    output: Output,
    common: Common,
) -> None:
    """Dream a flight into pictures: camera.zoom, camera.rotate and camera.shift, all per second; --loop closes it."""
    from dreamvid.jobs import run

    _dream(run.dream_zoom, starts, output, common)


@app.command()
def batch(
    jobs: Annotated[Path, typer.Argument(help="A TOML file with [defaults] and [[job]] tables.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what this batch has not made.")] = False,
    trust: Trust = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and warnings.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One last line of JSON on standard output.")] = False,
) -> None:
    """Render many films; run again, only what is missing or changed."""
    from dreamvid.jobs import batch as batches

    show_notices(quiet=quiet, verbose=False)
    with bar(quiet=quiet) as progress:
        outcomes = batches.run(jobs, progress, overwrite=overwrite, trust=trust)
    if not quiet:
        print(batches.summary(outcomes), file=sys.stderr)
    if json:
        print(batches.to_json(outcomes))
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(BATCH_INCOMPLETE)


@app.command()
def train(
    recipe: Annotated[
        Path, typer.Argument(help="A TOML file; dreamvid/research/training/dreamnet.toml made the shipped net.")
    ],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder of the pictures; default: the recipe's. Repeat to mix.")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", help="These classes alone.", metavar="NAME,...")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Net to write; default: RECIPE.safetensors here.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Wall clock in place of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed in place of the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads; default: the cores.")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16; try which is faster.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and warnings.")] = False,
) -> None:
    """Train a net on folders of pictures, to dream with; a killed run goes on with the same command."""
    from dreamvid.research.training import train as training

    show_notices(quiet=quiet, verbose=False)
    with minutes_bar(quiet=quiet) as tell:
        names = None if only is None else [name.strip() for name in only.split(",")]
        changes = {"minutes": minutes, "seed": seed, "only": names}
        training(recipe, data or [], out, changes, {"threads": threads, "device": device, "precision": precision}, tell)


@app.command()
def compare(
    source: Annotated[str, typer.Argument(help="What the films were dreamed from.")],
    films: Annotated[list[str], typer.Argument(help="Films to measure.", metavar="FILM...", show_default=False)],
    preset: Annotated[str, typer.Option("--preset", help="The look whose objective is scored.")] = "dream",
    model: Annotated[str | None, typer.Option("--model", help="Score by this net.")] = None,
    trust: Trust = False,
    weights: Annotated[str | None, typer.Option("--weights", help="Weights FILE, or random:SEED.")] = None,
    layer: Annotated[list[str] | None, typer.Option("--layer", help="Score this layer. Repeatable.")] = None,
    alone: Annotated[str | None, typer.Option("--alone", help="A film with coherence.mode=none, to relate to.")] = None,
    fresh: Annotated[int, typer.Option("--fresh", help="Relate gains to N single dreams of some frames.")] = 0,
    flow: Annotated[str, typer.Option("--flow", help="dis or farneback.")] = "dis",
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw strength and incoherence to a PNG.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the table, errors and warnings.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One line of JSON in place of the table.")] = False,
) -> None:
    """Measure films against their source: incoherence, activation gain, flicker, what must not have changed."""
    from dreamvid.analysis import compare as comparing
    from dreamvid.cli import compare_output
    from dreamvid.config import presets

    show_notices(quiet=quiet, verbose=False)
    if plot is not None:
        compare_output.check_plot(plot, [source, *films])
    objective = [{"layer": name} for name in layer or ()]
    given = {"net.name": model, "net.weights": weights, "objective": objective or None}
    settings = presets.resolve(preset, [(key, value) for key, value in given.items() if value is not None])
    with bar(quiet=quiet) as progress:
        measured = comparing.compare(
            source, films, settings, alone=alone, flow=flow, fresh=fresh, trust=trust, progress=progress
        )
    print(comparing.to_json(source, measured) if json else compare_output.table(measured))
    if plot is not None:
        compare_output.plot(measured, plot)


@presets_app.command("list")
def presets_list() -> None:
    """Every shipped look with what it is."""
    from dreamvid.config import presets

    for name in presets.everything():
        print(f"{name:20} {presets.resolve(name).description}")


@presets_app.command("show")
def presets_show(
    preset: Annotated[str, typer.Argument(help="A name or a TOML file.")],
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the settings that move to a PNG.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Over this time.", min=0.1, max=36_000)] = 10,
    audio: Annotated[str | None, typer.Option("--audio", help="Sound that they listen to.")] = None,
) -> None:
    """Every setting of a look, defaults included, as TOML with units."""
    from dreamvid.config import presets

    settings = presets.resolve(preset, [] if audio is None else [("audio.file", audio)])
    print(presets.to_toml(settings), end="")
    if plot is not None:
        from dreamvid.cli import compare_output, plot_keyframes

        compare_output.check_plot(plot, [preset, audio or preset])
        plot_keyframes.draw(settings, plot, seconds)


@presets_app.command("check")
def presets_check(files: Annotated[list[Path], typer.Argument(help="TOML files.")]) -> None:
    """Check preset files; the first mistake is told with its file and key."""
    from dreamvid.config import presets
    from dreamvid.core.errors import SettingsError

    for file in files:
        if not file.is_file():
            raise SettingsError(f"there is no preset file {file}")
        if file.suffix != ".toml":
            raise SettingsError(f"{file}: the name of a preset file ends in .toml")
        presets.resolve(str(file))
        print(f"{file}: ok")


@presets_app.command("schema")
def presets_schema() -> None:
    """The JSON schema of a preset, for editors."""
    from dreamvid.config import presets

    print(presets.schema())


@models_app.command("list")
def models_list() -> None:
    """Every net that --model takes, and whose weights are here: shipped with dreamvid, or fetched before."""
    from dreamvid.models import zoo

    for name in zoo.names():
        where = "ships" if name in zoo.SHIPPED else "on this machine" if zoo.in_cache(name) else ""
        print(f"{name:26} {where}".rstrip())


@models_app.command("fetch")
def models_fetch(model: Annotated[str, typer.Argument(help="A net by name (`models list`).", metavar="NET")]) -> None:
    """Fetch a net's weights, so that it dreams without a network from then on."""
    from dreamvid.models import zoo

    file = zoo.fetch(model)
    print(f"{model}: its weights ship with dreamvid, {file}" if model in zoo.SHIPPED else f"{model}: {file}")


DEFAULT_NET = "efficientnet_lite2_robust"  # as `NetSettings` has it, which is not loaded for a help text
Model = Annotated[str, typer.Argument(help="A net by name, a file `train` made, or FILE.py:FUNCTION.")]
Weights = Annotated[str | None, typer.Option("--weights", help="Weights FILE, or random:SEED.")]


@models_app.command("layers")
def models_layers(model: Model = DEFAULT_NET, weights: Weights = None, trust: Trust = False) -> None:
    """Every layer of a net: output shape at its own size, stride and receptive field in pixels, other names, what it
    dreams where that is known."""
    from dreamvid.models import net

    layers = net.describe(_net(model, weights, trust))
    names = max(len(" ".join(layer.aliases)) for layer in layers)
    print(f"{'layer':40} {'shape':>16} {'stride':>7} {'field':>6}")
    for layer in layers:
        shape = "x".join(map(str, layer.shape))
        stride, field = layer.stride or "-", layer.receptive_field or "all"
        more = f"{' '.join(layer.aliases):{names}}  {layer.note}" if names else layer.note
        print(f"{layer.name:40} {shape:>16} {stride:>7} {field:>6}  {more}".rstrip())


@models_app.command("channels")
def models_channels(model: Model = DEFAULT_NET, weights: Weights = None, trust: Trust = False) -> None:
    """The channels of a net that have a name, from the first layer to the last."""
    from dreamvid.models import net

    channels = net.channels_by_depth(_net(model, weights, trust))
    rows = [("name", "layer", "number"), *((name, layer, str(number)) for name, layer, number in channels)]
    names, layers, numbers = (max(map(len, column)) for column in zip(*rows, strict=True))
    for name, layer, number in rows:
        print(f"{name:{names}}  {layer:{layers}}  {number:>{numbers}}")


@models_app.command("check")
def models_check(model: Model = DEFAULT_NET, weights: Weights = None, trust: Trust = False) -> None:
    """Load a net and run it once."""
    from dreamvid.models import net

    loaded = _net(model, weights, trust)
    layers = net.layer_shapes(loaded)
    print(f"{loaded.name}: ok, {len(layers)} layers, {len(loaded.classes)} classes, sha256 {loaded.sha256[:16]}")


def _net(model: str, weights: str | None, trust: bool) -> "Net":
    """The net that --model and --weights mean when a film is rendered."""
    from dreamvid.config.serialize import read_settings
    from dreamvid.models import zoo

    return zoo.from_settings(read_settings({"net": {"name": model, "weights": weights}}, "settings").net, trust=trust)


def _dream(
    render: "Callable[..., Summary]",
    source: str | list[str],
    output: str,
    common: Common,
    *,
    one_picture: bool = False,
) -> None:
    """Renders, with a bar where there is more than one picture to wait for, and reports."""
    show_notices(quiet=common.quiet, verbose=common.verbose)
    with bar(quiet=common.quiet or one_picture) as progress:
        summary = render(source, Path(output), common.settings(output), common.options(progress))
    _report(summary, common)


def _report(summary: "Summary", common: Common) -> None:
    log = logging.getLogger("dreamvid")
    log.info("%s: %s", summary.output, summary.in_words())
    if common.json:
        print(summary.to_json())
    if summary.damaged:
        log.warning("%d damaged frames of the source repeat the one before", summary.damaged)
        raise typer.Exit(REPAIRED)
