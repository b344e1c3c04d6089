"""The command `dreamvid batch`, which renders many films, and the commands that say how far it is and steer it."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from dreamvid.cli import BATCH_INCOMPLETE
from dreamvid.cli.commands import Group, command, escaped, takes, write_examples
from dreamvid.cli.options import Config, preset_names, user_defaults
from dreamvid.cli.progress import batch_bars, show_notices
from dreamvid.cli.workers import Crew

if TYPE_CHECKING:
    from dreamvid.batch.orders import Orders
    from dreamvid.jobs.run import Options

RUN = "run"
EXAMPLES = (
    "dreamvid batch jobs.toml",
    "dreamvid batch jobs.toml --overwrite --json",
    "dreamvid batch jobs.toml --page films.html                a page to look at meanwhile",
    "dreamvid batch jobs.toml --dry-run --nodes 4              how long it takes",
    "dreamvid batch clips/*.mp4 --preset calm --preset boil --out films",
    "dreamvid batch --watch inbox --preset calm --out films    what is put into inbox",
    "dreamvid batch status jobs.toml                           while it runs, or not",
    "dreamvid batch pause jobs.toml                            until `batch resume jobs.toml`",
    "dreamvid batch skip jobs.toml one.mp4                     leave a job out",
    "dreamvid batch priority jobs.toml one.mp4 5               its turn comes sooner",
)


class BatchGroup(Group):
    """A group whose arguments are those of `run`, where they do not begin with another command's name."""

    examples = EXAMPLES

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as usual, with `run` where no command is named."""
        if args[:1] not in (["--help"], ["-h"]) and (not args or args[0] not in self.commands):
            args = [RUN, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command named first in `args`; the usage of `run` leaves its name out."""
        name, found, rest = super().resolve_command(ctx, args)
        return "" if name == RUN else name, found, rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of `run`, with examples of all commands."""
        run: Any = self.commands[RUN]
        TyperCommand.format_help(run, run.context_class(run, info_name="", parent=ctx), formatter)
        write_examples(self.examples, formatter)


batch_app = typer.Typer(
    cls=BatchGroup,
    help="Render many films from one file of jobs. Run again, it renders what is missing or changed.",
    rich_markup_mode="rich",
)
Jobs = Annotated[
    Path, typer.Argument(help="The batch file; of clips, the folder of the films.", metavar="JOBS", show_default=False)
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--page",
        help="Keep a page about all jobs up to date here; default: none.",
        metavar="PAGE.html",
        show_default=False,
    ),
]
Trust = Annotated[bool, typer.Option("--trust", help="Allow a net to run FILE.py: only for code that you trust.")]
Name = Annotated[str, typer.Argument(help="Name of its output, or its number, from 1.", metavar="JOB")]


@dataclass
class _Looks:
    """The options by which clips are dreamed without a batch file, and a folder is watched."""

    preset: Annotated[
        list[str] | None,
        typer.Option(
            "--preset", help="Of clips: a look; default: yours. Repeat it for more.", autocompletion=preset_names
        ),
    ] = None
    out: Annotated[
        Path | None, typer.Option("--out", help="Of clips: the folder of the films; default: none.", show_default=False)
    ] = None
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="Of clips: names of the films; default: '{stem} {preset}.mp4'.")
    ] = None
    watch: Annotated[
        Path | None,
        typer.Option(
            "--watch", help="Render what is put into this folder, until Ctrl-C; default: none.", show_default=False
        ),
    ] = None


@dataclass
class _Trial:
    """The options of a dry run."""

    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be rendered, and how long it takes: it is measured.")
    ] = False
    nodes: Annotated[
        int | None,
        typer.Option(
            "--nodes",
            help="With --dry-run: say how long N workers take, on machines like this one; default: this process.",
            min=1,
        ),
    ] = None
    failures: Annotated[
        float, typer.Option("--failures", help="With --nodes: share of the shots on which one fails.", min=0, max=0.9)
    ] = 0.0


@command(batch_app, RUN, examples=["dreamvid batch run jobs.toml"])
@takes(_Looks)
@takes(_Trial)
@takes(Crew)
def run(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(
            help=escaped("A TOML file with [defaults], [[job]] and [matrix] tables; or clips, with --out."),
            metavar="JOBS | CLIP...",
            show_default=False,
        ),
    ] = None,
    *,
    looks: _Looks,
    trial: _Trial,
    crew: Crew,
    config: Config = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing films, also those that this batch did not make.")
    ] = False,
    trust: Trust = False,
    page: Page = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and warnings.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a last line of JSON, for scripts.")] = False,
) -> None:
    """Render many films from one file of jobs. Run again, it renders what is missing or changed."""
    from dreamvid.batch import run as driver
    from dreamvid.batch.job import summary, to_json
    from dreamvid.batch.place import AtWorkError
    from dreamvid.core.errors import SettingsError
    from dreamvid.jobs.interrupt import interruptible
    from dreamvid.jobs.run import Options

    show_notices(quiet=quiet)
    orders = _orders(jobs or [], looks, config)
    if trial.dry_run:
        if page is not None:
            raise SettingsError("--page is about films that are made: leave out --dry-run")
        return _tell_forecast(orders, Options(overwrite, trust=trust), trial, crew)
    if trial.nodes is not None or trial.failures:
        raise SettingsError("--nodes and --failures are of --dry-run: give that as well")
    try:
        with (
            crew.opened(trust=trust) as workers,
            batch_bars(quiet=quiet) as show,
            interruptible() as stop,
        ):
            options = Options(overwrite, "renew", stop=stop, trust=trust, workers=workers)
            outcomes = driver.run(orders, options, show, page)
    except AtWorkError as error:
        words = "" if page is None else f"; --page {page} is not written"
        print(f"dreamvid: {error}{words}", file=sys.stderr)
        _tell_status(orders.file, json=json)
        return
    if not quiet:
        print(summary(outcomes), file=sys.stderr)
    if json:
        print(to_json(outcomes))
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(BATCH_INCOMPLETE)


def _tell_forecast(orders: "Orders", options: "Options", trial: _Trial, crew: Crew) -> None:
    from dreamvid.batch.forecast import forecast
    from dreamvid.core.errors import SettingsError

    if trial.nodes is not None:
        if crew.wanted:
            raise SettingsError("--nodes is for workers that are not here: give it, or --workers, --devices or --ray")
        crew = replace(crew, workers=min(trial.nodes, os.cpu_count() or 1))
    elif trial.failures and not crew.wanted:
        raise SettingsError("--failures is of workers: give --nodes as well")
    with crew.opened(trust=options.trust) as workers:
        found = forecast(orders, replace(options, workers=workers), trial.nodes, trial.failures)
    print("\n".join(found.lines()))


def _orders(jobs: list[str], looks: _Looks, config: str | None) -> "Orders":
    """Return what a command line asks for; raise SettingsError where that is not clear."""
    from dreamvid.batch.orders import Clips, JobsFile, Watched
    from dreamvid.core.errors import SettingsError

    orders: JobsFile | Clips
    user = user_defaults(config)
    of_clips = {"--preset": looks.preset, "--out": looks.out, "--pattern": looks.pattern}
    if given := [option for option, said in of_clips.items() if said]:
        if len(jobs) == 1 and jobs[0].endswith(".toml"):
            raise SettingsError(f"{' and '.join(given)}: for clips, not for a batch file, which says these itself")
        if looks.out is None:
            raise SettingsError("give the folder of the films as well: --out FOLDER")
        if not jobs and looks.watch is None:
            raise SettingsError("give a clip or more: dreamvid batch CLIP... --out FOLDER")
        if jobs and looks.watch is not None:
            raise SettingsError("give clips, or --watch FOLDER, not both")
        orders = Clips(jobs, looks.preset or [], looks.out, looks.pattern, user)
    elif len(jobs) != 1:
        raise SettingsError("give one batch file, or clips and --out FOLDER")
    else:
        orders = JobsFile(Path(jobs[0]), user)
    return orders if looks.watch is None else Watched(looks.watch, orders)


@command(batch_app, examples=["dreamvid batch status jobs.toml", "dreamvid batch status jobs.toml --json"])
def status(
    jobs: Jobs,
    json: Annotated[bool, typer.Option("--json", help="One line of JSON: every job.")] = False,
) -> None:
    """Say how far a batch is, while it runs or not."""
    _tell_status(jobs, json=json)


def _tell_status(file: Path, *, json: bool) -> None:
    from dreamvid.batch.status import status_of

    found = status_of(file)
    print(found.to_json() if json else "\n".join(found.lines()))


@command(batch_app, examples=["dreamvid batch pause jobs.toml"])
def pause(jobs: Jobs) -> None:
    """Pause a batch after the frame that is being made; it waits for `resume`, and nothing is lost."""
    from dreamvid.batch import control

    control.pause(jobs)


@command(batch_app, examples=["dreamvid batch resume jobs.toml", "dreamvid batch resume jobs.toml one.mp4"])
def resume(
    jobs: Jobs,
    job: Annotated[
        str | None, typer.Argument(help="A job that was left out.", metavar="JOB", show_default=False)
    ] = None,
) -> None:
    """Go on with a batch that was paused; or take in a job again that was left out."""
    from dreamvid.batch import control

    control.resume(jobs, job)


@command(batch_app, examples=["dreamvid batch skip jobs.toml one.mp4"])
def skip(jobs: Jobs, job: Name) -> None:
    """Leave a job out, also the one that is being rendered; what is finished of it is kept."""
    from dreamvid.batch import control

    control.skip(jobs, job)


@command(batch_app, examples=["dreamvid batch priority jobs.toml one.mp4 5"])
def priority(
    jobs: Jobs,
    job: Name,
    number: Annotated[int, typer.Argument(help="Higher ones come first; default of a job: 0.", metavar="N")],
) -> None:
    """Give a job another priority, until that of the file changes."""
    from dreamvid.batch import control

    control.set_priority(jobs, job, number)
