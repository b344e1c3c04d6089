"""The top-level commands of `dreamvid`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dreamvid.cli.again import AGAIN, again
from dreamvid.cli.batch import batch_app
from dreamvid.cli.bench import BENCH, bench
from dreamvid.cli.commands import DREAM, HELP, LOOKS, MANY, STUDY, add_group, command, new_app, takes
from dreamvid.cli.doctor import DOCTOR, doctor
from dreamvid.cli.features import features_app
from dreamvid.cli.models import models_app
from dreamvid.cli.options import FRAMES, Common, Config, option, preset_names, user_defaults
from dreamvid.cli.papers import PAPERS, papers
from dreamvid.cli.presets import presets_app
from dreamvid.cli.preview import PREVIEW, preview
from dreamvid.cli.progress import bar, minutes_bar, render_bar, report, show_notices
from dreamvid.cli.report import REPORT
from dreamvid.cli.report import report as film_report
from dreamvid.cli.studio import STUDIO, studio
from dreamvid.cli.workers import Crew

if TYPE_CHECKING:
    from collections.abc import Callable

    from dreamvid.jobs.run import Summary
    from dreamvid.jobs.workers import Workers

app = new_app(
    "Dream a real video, end to end. `dreamvid COMMAND --help` shows a command's options, defaults and examples.",
    examples=[
        "dreamvid video clip.mp4 dream.mp4                the clip, dreamed from end to end",
        "dreamvid video clip.mp4 calm.mp4 --preset calm   in another look",
        "dreamvid presets list                            every look, with a line about it",
        "dreamvid --install-completion                    let the tab key complete names",
    ],
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
add_group(app, presets_app, "presets", LOOKS)
add_group(app, models_app, "models", LOOKS)
add_group(app, features_app, "features", STUDY)
add_group(app, batch_app, "batch", MANY)

Trust = Annotated[bool, typer.Option("--trust", help="Allow a net to run FILE.py: only for code that you trust.")]
Output = Annotated[str, typer.Argument(help="The file to write; a name without a suffix becomes a folder of PNGs.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False) -> None:
    """DeepDream for whole videos: coherent, with sound, resumable."""
    if version:
        from dreamvid import __version__

        print(f"dreamvid {__version__}")
        raise typer.Exit


@command(
    app,
    examples=[
        "dreamvid video clip.mp4 dream.mp4",
        "dreamvid video clip.mp4 calm.mp4 --preset calm --size 640x",
        "dreamvid video clip.mp4 part.mp4 --from 1:02.5 --to 1:10",
        'dreamvid video clip.mp4 sky.mp4 --mask luma --class "hot air balloon"',
        "dreamvid video clip.mov edit.mkv --set output.codec=ffv1",
    ],
    panel=DREAM,
)
@takes(Common, hidden=["seconds"])
@takes(Crew)
def video(
    source: Annotated[str, typer.Argument(help="A video, a GIF, or a folder of images.")],
    output: Output,
    common: Common,
    crew: Crew,
    budget: Annotated[
        str | None,
        option(
            "--budget",
            help="Be done in 90s, 10m or 1.5h: dream fewer frames, take fewer steps, be smaller; default: no limit.",
            panel=FRAMES,
        ),
    ] = None,
) -> None:
    """Dream a video (with its sound), a GIF or a folder of images."""
    from functools import partial

    from dreamvid.core.errors import SettingsError
    from dreamvid.core.timing import parse_duration
    from dreamvid.jobs import run

    if budget is not None and common.draft:
        raise SettingsError("--budget chooses size, steps and cadence itself: leave out --draft")
    if budget is not None and crew.wanted:
        raise SettingsError("--budget measures this process alone: leave out --workers, --devices and --ray")
    seconds = None if budget is None else parse_duration(budget)
    with crew.opened(trust=common.trust) as workers:
        _dream(partial(run.dream_video, budget=seconds), source, output, common, workers=workers)


@command(
    app,
    examples=[
        "dreamvid image photo.jpg dream.png",
        "dreamvid image photo.jpg dogs.png --class beagle --set dream.strength=1.5",
        "dreamvid image noise:pink texture.png --size 640x640 --layer block9",
    ],
    panel=DREAM,
)
@takes(Common, hidden=["seconds", "loop", "laps", "max_flash"])
def image(
    source: Annotated[str, typer.Argument(help="A still; a video's first frame; noise, noise:gaussian or noise:pink.")],
    output: Output,
    common: Common,
) -> None:
    """Dream one picture: a still, the first frame of a video, or noise."""
    from dreamvid.jobs import run

    _dream(run.dream_image, source, output, common, one_picture=True)


@command(
    app,
    examples=[
        "dreamvid zoom photo.jpg flight.mp4 --preset plunge",
        "dreamvid zoom photo.jpg loop.mp4 --loop --laps 3 --seconds 8",
        "dreamvid zoom noise:pink flight.mp4 --size 640x360 --set camera.rotate=6",
    ],
    panel=DREAM,
)
@takes(Common)
def zoom(
    starts: Annotated[
        list[str],
        typer.Argument(
            help="Stills, one after the other; a video (its first frame); noise, noise:gaussian or noise:pink.",
            metavar="START...",
        ),
    ],
    output: Output,
    common: Common,
) -> None:
    """Make a zoom film: a camera flies into one picture or more.

    Its speed is set by camera.zoom, camera.rotate and camera.shift, all per second; --loop leads its end into its
    beginning.
    """
    from dreamvid.jobs import run

    _dream(run.dream_zoom, starts, output, common)


@command(
    app,
    examples=[
        "dreamvid train mine.toml --data pictures",
        "dreamvid train mine.toml --data pictures --minutes 30 --out mine.safetensors",
    ],
    panel=LOOKS,
)
def train(
    recipe: Annotated[
        Path, typer.Argument(help="A TOML file; dreamvid/research/training/dreamnet.toml made the shipped net.")
    ],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder of the pictures; default: the recipe's. Repeat to mix.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", help="These classes alone; default: all.", metavar="NAME,...")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Net to write; default: RECIPE.safetensors here.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Wall clock; default: the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed; default: the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="CPU threads; default: one per core.")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16; try which is faster.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and warnings.")] = False,
) -> None:
    """Train a net of your own on folders of pictures. The same command resumes a stopped run."""
    from dreamvid.research.training import train as training

    show_notices(quiet=quiet)
    with minutes_bar(quiet=quiet) as tell:
        names = None if only is None else [name.strip() for name in only.split(",")]
        changes = {"minutes": minutes, "seed": seed, "only": names}
        training(recipe, data or [], out, changes, {"threads": threads, "device": device, "precision": precision}, tell)


@command(
    app,
    examples=[
        "dreamvid compare clip.mp4 dream.mp4",
        "dreamvid compare clip.mp4 calm.mp4 boil.mp4 --plot films.png",
        "dreamvid compare clip.mp4 dream.mp4 --alone single.mp4 --json",
    ],
    panel=STUDY,
)
def compare(
    source: Annotated[str, typer.Argument(help="What the films were dreamed from.")],
    films: Annotated[list[str], typer.Argument(help="Films to measure.", metavar="FILM...", show_default=False)],
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help="The preset whose objective is scored; default: what the film says of itself, else dream.",
            autocompletion=preset_names,
        ),
    ] = None,
    config: Config = None,
    model: Annotated[str | None, typer.Option("--model", help="Score by this net; default: the preset's.")] = None,
    trust: Trust = False,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Other weights for the net: FILE, or random:SEED; default: its own.")
    ] = None,
    layer: Annotated[
        list[str] | None, typer.Option("--layer", help="Score this layer; default: the preset's objective. Repeatable.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Time of the source at which the films begin; default: as they say of themselves."),
    ] = None,
    alone: Annotated[
        str | None, typer.Option("--alone", help="A film with coherence.mode=none, to relate to; default: none.")
    ] = None,
    fresh: Annotated[int, typer.Option("--fresh", help="Relate gains to N single dreams of some frames.")] = 0,
    flow: Annotated[str, typer.Option("--flow", help="dis or farneback.")] = "dis",
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Draw strength and incoherence to this PNG; default: nothing is drawn."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the table, errors and warnings.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One line of JSON in place of the table.")] = False,
) -> None:
    """Measure films against their source: flicker, strength of the dream, frames, size and sound."""
    from dreamvid.analysis import compare as comparing
    from dreamvid.cli import compare_output
    from dreamvid.config import presets
    from dreamvid.core.timing import parse_moment

    show_notices(quiet=quiet)
    if plot is not None:
        compare_output.check_plot(plot, [source, *films])
    objective = [{"layer": name} for name in layer or ()]
    given = {"net.name": model, "net.weights": weights, "objective": objective or None}
    defaults = user_defaults(config)
    overrides = [(key, value) for key, value in given.items() if value is not None]
    settings = presets.resolve(preset or defaults.preset, overrides, defaults.table)
    begins = None if from_ is None else parse_moment(from_)
    how = comparing.Comparison(settings, preset is None and not overrides, begins, alone, flow, fresh, trust)
    with bar(quiet=quiet) as progress:
        measured = comparing.compare(source, films, how, progress)
    print(comparing.to_json(source, measured) if json else compare_output.table(measured))
    if plot is not None:
        compare_output.plot(measured, plot)


command(app, examples=AGAIN, panel=DREAM)(again)
command(app, examples=REPORT, panel=STUDY)(film_report)
command(app, examples=PREVIEW, panel=LOOKS)(preview)
command(app, examples=STUDIO, panel=LOOKS)(studio)
command(app, examples=PAPERS, panel=STUDY)(papers)
command(app, examples=DOCTOR, panel=STUDY)(doctor)
command(app, examples=BENCH, panel=STUDY)(bench)


def _dream(
    render: "Callable[..., Summary]",
    source: str | list[str],
    output: str,
    common: Common,
    *,
    one_picture: bool = False,
    workers: "Workers | None" = None,
) -> None:
    """Render with a progress bar, unless it is `one_picture`, and report the result."""
    from dataclasses import replace

    from dreamvid.jobs.interrupt import interruptible

    show_notices(quiet=common.quiet)
    with render_bar(quiet=common.quiet or one_picture) as progress, interruptible() as stop:
        options = replace(common.options(progress, stop), workers=workers)
        summary = render(source, Path(output), common.settings(output), options)
    report(summary, json=common.json)
