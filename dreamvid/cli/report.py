"""The command `dreamvid report`, which writes a page about a finished film."""

from pathlib import Path
from typing import Annotated

import typer

from dreamvid.cli.options import RUN, Overwrite, Quiet, WorkDir, option
from dreamvid.cli.progress import bar, show_notices
from dreamvid.core.errors import SettingsError

REPORT = (
    "dreamvid report dream.mp4                    its source lies beside it",
    "dreamvid report dream.mp4 clips/clip.mp4 --out dream.html",
)


def report(
    film: Annotated[str, typer.Argument(help="A film, picture or folder of frames.", metavar="OUTPUT")],
    source: Annotated[
        str | None,
        typer.Argument(help="What it was made of; default: what lies beside it, by its record.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, option("--out", help="The page to write; default: OUTPUT.html.", metavar="PAGE.html", panel=RUN)
    ] = None,
    from_: Annotated[
        str | None,
        option("--from", help="Time of the source at which the film begins; default: as it says of itself.", panel=RUN),
    ] = None,
    overwrite: Overwrite = False,
    work_dir: WorkDir = None,
    quiet: Quiet = False,
) -> None:
    """Write a page about a finished film: beside its source, frame by frame, and how to make it again."""
    from dreamvid.core.timing import parse_moment
    from dreamvid.jobs.report import report as write

    show_notices(quiet=quiet)
    if source is not None and source.lower().endswith((".html", ".htm")):
        raise SettingsError(f"{source} is given as the source of the film: for the page to write, give --out {source}")
    page, begins = out or Path(f"{Path(film)}.html"), None if from_ is None else parse_moment(from_)
    with bar(quiet=quiet) as progress:
        write(film, source, page, work_dir, begins=begins, overwrite=overwrite, progress=progress)
    print(page)
