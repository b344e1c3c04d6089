"""The command `dreamvid preview`, which shows a source in many looks on one sheet."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from dreamvid.cli.commands import takes
from dreamvid.cli.looks import Lists, make_looks
from dreamvid.cli.options import FRAMES, Common, option
from dreamvid.cli.progress import bar, show_notices
from dreamvid.core.words import counted

PREVIEW = (
    "dreamvid preview clip.mp4 looks.html          every preset, on a page to open at once",
    "dreamvid preview clip.mp4 looks.html --presets reef,wolves --motion",
    "dreamvid preview photo.jpg looks.png --layers block5,block9,block13",
    "dreamvid preview clip.mp4 grid.html --presets reef,tide --vary dream.strength=0.5,1,2",
)
PAGE = ".html"
PAGE_SIDE, SHEET_SIDE = 640, 480  # of the pictures of a page, and of a drawn sheet
MEANINGLESS = ("seconds", "no_resume", "force", "keep_work", "work_dir")


@takes(Common, hidden=MEANINGLESS)
@takes(Lists)
def preview(
    source: Annotated[str, typer.Argument(help="A video, a GIF, a folder of images, a still, or noise.")],
    output: Annotated[str, typer.Argument(help="The page (.html) or picture (.png, .webp) to write.")],
    common: Common,
    lists: Lists,
    at: Annotated[
        str | None,
        option("--at", help="Time of the frame: 62.5 or 1:02.5; default: the most telling.", panel=FRAMES),
    ] = None,
    motion: Annotated[
        bool, option("--motion", help="Show a second of film in each look (.html, .webp).", panel=FRAMES)
    ] = False,
    side: Annotated[
        int | None,
        option(
            "--side",
            help=f"Long side of the pictures, in pixels; default: {PAGE_SIDE} on a page, else {SHEET_SIDE}.",
            min=64,
            max=4096,
            panel=FRAMES,
        ),
    ] = None,
) -> None:
    """Show one frame in many looks, small first, each with the command that makes it at full size."""
    from dreamvid.jobs import preview as previews
    from dreamvid.jobs.interrupt import interruptible
    from dreamvid.jobs.preview_pool import processes_for
    from dreamvid.jobs.preview_source import find_subject

    show_notices(quiet=common.quiet)
    out = Path(output)
    previews.check(source, out, motion=motion, overwrite=common.overwrite)
    axes = lists.axes(common)
    settings = common.settings(output)
    subject = find_subject(source, settings, at, motion=motion)
    log = logging.getLogger("dreamvid")
    if subject.words:
        log.info("%s: %s", subject.info.name, subject.words)
    processes = processes_for(settings)
    looks = make_looks(subject, axes, common, 1 if processes else common.threads)
    if out.suffix.lower() != PAGE and not all(look.command.isascii() for look in looks):
        log.warning("letters beyond ASCII cannot be drawn: a page (.html) or --json has the lines as they are")
    with bar(quiet=common.quiet) as tell, interruptible() as stop:
        options = previews.Options(
            side=side or (PAGE_SIDE if out.suffix.lower() == PAGE else SHEET_SIDE),
            columns=len(axes[1].values) if len(axes) == 2 else 0,
            tell=tell,
            stop=stop,
            trust=common.trust,
            leave_out=not lists.given and not lists.vary,
            processes=processes,
        )
        made = previews.preview(subject, looks, out, options)
    log.info("%s: %s", output, counted(len(made), "look"))
    if common.json:
        cells = [{"look": look.title, "command": look.command, "seconds": round(took, 3)} for look, took in made]
        print(json.dumps({"output": output, "shows": subject.words, "cells": cells}))
