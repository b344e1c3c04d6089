"""The command `dreamvid again`, which makes a film again by its record."""

from pathlib import Path
from typing import Annotated

import typer

from dreamvid.cli.options import LOOK, Json, KeepWork, NoResume, Overwrite, Quiet, Sets, Trust, WorkDir, option
from dreamvid.cli.progress import render_bar, report, show_notices

AGAIN = (
    "dreamvid again dream.mp4 twin.mp4             from the source beside it: the same bytes",
    "dreamvid again dream.mp4 other.mp4 new.mp4    the same look on another source",
    "dreamvid again dream.mp4 clip.mp4 hd.mp4 --set input.size=1280x",
    "dreamvid again dream.mp4 --show > look.toml   its settings, as a preset",
)


def again(
    film: Annotated[str, typer.Argument(help="A film, picture or folder that dreamvid made.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="The source, if it is not beside FILM or is another; then the file to write.",
            metavar="[SOURCE]... OUTPUT",
            show_default=False,
        ),
    ] = None,
    set_: Sets = (),  # type: ignore[assignment]
    trust: Trust = False,
    show: Annotated[bool, option("--show", help="Only print its settings, as a preset.", panel=LOOK)] = False,
    overwrite: Overwrite = False,
    no_resume: NoResume = False,
    keep_work: KeepWork = False,
    work_dir: WorkDir = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make a film again by the record that it carries, or put its look on another source."""
    from dreamvid.config.presets import parse_override
    from dreamvid.core.errors import SettingsError
    from dreamvid.jobs import again as films
    from dreamvid.jobs.folder import Resume
    from dreamvid.jobs.interrupt import interruptible
    from dreamvid.jobs.run import Options
    from dreamvid.media import record as records
    from dreamvid.media.images import short_name

    show_notices(quiet=quiet)
    overrides, (*sources, output) = list(map(parse_override, set_)), files or [""]
    if show:
        if files:
            raise SettingsError(f"--show makes no film: leave out {' '.join(files)}")
        record = records.needed(Path(film))
        made_of = ", ".join(short_name(Path(source.name)) for source in record.sources)
        print(f"# {short_name(Path(film))}: `dreamvid {record.command}` of {made_of}, by dreamvid {record.dreamvid}")
        print(record.toml(overrides), end="")
        return
    if not output:
        raise SettingsError("give the name of the film to write as well: dreamvid again FILM [SOURCE] OUTPUT")
    with render_bar(quiet=quiet) as progress, interruptible() as stop:
        resume: Resume = "never" if no_resume else "same"
        options = Options(overwrite, resume, keep_work, work_dir, progress, stop, trust)
        summary = films.again(Path(film), sources, Path(output), overrides, options)
    report(summary, json=json)
