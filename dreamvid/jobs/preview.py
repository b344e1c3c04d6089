"""One frame of a source, or a second of it, in many looks: small first, then sharper, on a sheet that grows."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dreamvid.analysis.look_sheet import MOVING, PAGE, STILL, LookSheet, View
from dreamvid.config.serialize import settings_at
from dreamvid.core.errors import DreamvidError, NetError, SettingsError, nearest
from dreamvid.core.types import Frame, Pixels
from dreamvid.core.words import counted
from dreamvid.dream.session import SharedNets
from dreamvid.jobs.events import Stop, never
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.locks import output_held
from dreamvid.jobs.preview_look import Look, Opened, frames_of, open_look, resized
from dreamvid.jobs.preview_pool import Dream, dreaming
from dreamvid.jobs.preview_source import Subject
from dreamvid.jobs.run import check_output
from dreamvid.media import encode, formats
from dreamvid.media.frame_store import write_file

logger = logging.getLogger(__name__)
PALE = 3  # by which the contrast of the source is divided where no dream is there yet
ONLY_IN_MOTION = ("coherence", "camera", "audio", "output")  # sections that a still shows nothing of


@dataclass(frozen=True)
class Options:
    """Options of a preview.

    `side`: pixels of the long side of its pictures; `columns`: of a grid, 0 for as many as fit; `tell`: called with how
    much is done of how much; `stop`: asked after every picture; `trust`: whether a net that is code may be executed;
    `leave_out`: looks whose net is not here are left out, and so are those that a still shows as another look;
    `processes`: of `processes_for`, for looks of one thread each.
    """

    side: int
    columns: int = 0
    tell: Callable[[int, int], None] = lambda done, total: None
    stop: Stop = never
    trust: bool = False
    leave_out: bool = False
    processes: int = 0


def check(source: str, output: Path, *, motion: bool, overwrite: bool) -> None:
    """Raise SettingsError where a preview cannot be written under this name."""
    suffix, valid = output.suffix.lower(), (PAGE, STILL, MOVING)
    if suffix not in valid:
        near = nearest(suffix, valid, count=1)
        raise SettingsError(f"{output.name}: a preview is written as {', '.join(valid)}{near}")
    if motion and suffix == STILL:
        page, moving = output.with_suffix(PAGE).name, output.with_suffix(MOVING).name
        raise SettingsError(f"{output.name}: a PNG does not move: give --motion a page, {page}, or a sheet, {moving}")
    formats.check_place(output)
    if output.is_dir():
        raise SettingsError(f"{output} is a folder: give the preview another name")
    check_output((source,), output, overwrite=overwrite)


def preview(subject: Subject, looks: Sequence[Look], output: Path, options: Options) -> list[tuple[Look, float]]:
    """Show a subject in many looks, and return those shown, each with the seconds that dreaming it took.

    Raises DreamvidError before the first picture where a look cannot be dreamed, Interrupted where it is stopped: then
    the sheet holds what there was.
    """
    how = dreaming(subject, options.processes, options.side, options.stop, trust=options.trust)
    with output_held(output), how as dream:
        encode.recover(output)
        opened = _open_all(subject, looks, options)
        frames = _read(opened)
        sheet, seconds = _begun(subject, opened, frames, options), [0.0] * len(opened)

        def write() -> None:
            write_file(output, sheet.encoded(output.suffix.lower()))

        write()
        try:
            for at, view, took in _passes(dream, opened, frames, options):
                seconds[at] += took
                sheet = replace(sheet, views=(*sheet.views[:at], view, *sheet.views[at + 1 :]))
                write()
            sheet = replace(sheet, state="done")
        except KeyboardInterrupt:
            raise Interrupted(f"stopped: {output} holds the pictures that there were") from None
        finally:
            if sheet.state != "done":
                sheet = replace(sheet, state="stopped")
            write()
    return [(each.look, took) for each, took in zip(opened, seconds, strict=True)]


def _open_all(subject: Subject, looks: Sequence[Look], options: Options) -> list[Opened]:
    """Open every look; raise the error of one that cannot be dreamed, or a line for each where there are several."""
    shared, opened, failed = SharedNets(options.trust), list[Opened](), list[tuple[Look, DreamvidError]]()
    if options.leave_out and subject.command == "image":
        looks = _distinct(looks)
    for look in looks:
        try:
            opened.append(open_look(subject, look, shared, options.side))
        except NetError as error:
            if options.leave_out:
                logger.warning("%s is left out: %s", look.title, error)
            else:
                failed.append((look, error))
        except DreamvidError as error:
            failed.append((look, error))
    if len({str(error) for _, error in failed}) == 1 and len(failed) in (1, len(looks)):
        look, first = failed[0]
        raise type(first)(f"{look.title}: {first}" if len(failed) < len(looks) else str(first))
    for look, each in failed:
        logger.warning("%s: %s", look.title, each)
    if failed:
        raise type(failed[0][1])(f"{len(failed)} of {len(looks)} looks cannot be dreamed: leave them out")
    if not opened:
        raise NetError("none of the looks can be dreamed")
    return opened


def _distinct(looks: Sequence[Look]) -> list[Look]:
    """Return the looks without those that a still shows as one before them does, and say which."""
    kept: dict[str, Look] = {}
    for look in looks:
        plain = settings_at(look.settings, {})
        key = plain.model_dump_json(exclude={"description", *ONLY_IN_MOTION})
        if (first := kept.setdefault(key, look)) is not look:
            logger.info("%s is left out: in a still it looks like %s; --motion shows it", look.title, first.title)
    return list(kept.values())


def _read(opened: Sequence[Opened]) -> list[list[Frame]]:
    """Return the frames of each look at the size of its last pictures; those that are the same are read once."""
    found: dict[object, list[Frame]] = {}
    each_frames = []
    for each in opened:
        plan, settings, factor = each.source.plan, each.schedule.settings, each.factors[-1]
        animated = tuple(item for item in settings.keyframes.items() if item[0].startswith("mask."))
        key = (settings.input, settings.mask, animated, settings.seed, plan.shots, factor)
        if key not in found:
            found[key] = frames_of(each)
        each_frames.append(found[key])
    return each_frames


def _begun(
    subject: Subject, opened: Sequence[Opened], frames: Sequence[Sequence[Frame]], options: Options
) -> LookSheet:
    """Return the sheet before anything is dreamed: the source, pale, in the place of each look."""
    views = []
    for each, own in zip(opened, frames, strict=True):
        pale = [frame.image // PALE + (255 - 255 // PALE) for frame in own]
        views.append(_view(each, pale, options, "to come"))
    pictures = _displayed(opened[0], [frame.image for frame in frames[0]], options)
    source = View("source", pictures, opened[0].source.plan.rate)
    title = f"{subject.info.name} in {counted(len(opened), 'look')}"
    return LookSheet(title, subject.words, source, tuple(views), options.columns)


def _passes(
    dream: Dream, opened: Sequence[Opened], frames: Sequence[Sequence[Frame]], options: Options
) -> Iterator[tuple[int, View, float]]:
    """Dream every look at its first size, then at its next; yield its place, what there is of it, and the seconds."""
    most = max(len(each.factors) for each in opened)
    tasks = [
        (at, each.factors[number])
        for number in range(most)
        for at, each in enumerate(opened)
        if number < len(each.factors)
    ]
    there = set[int]()
    for done, made in enumerate(dream(tasks, opened, frames), 1):
        each = opened[made.at]
        yield made.at, _view(each, made.pictures, options, _note(each, made.pictures[0], made.factor)), made.seconds
        options.tell(done, len(tasks))
        if len(there) < len(opened) and len(there | {made.at}) == len(opened) and done < len(tasks):
            logger.info("every look is there; sharper pictures follow")
        there.add(made.at)


def _view(each: Opened, pictures: Sequence[Pixels], options: Options, note: str) -> View:
    look, rate = each.look, each.source.plan.rate
    return View(look.title, _displayed(each, pictures, options), rate, note, look.about, look.command, look.film)


def _displayed(each: Opened, pictures: Sequence[Pixels], options: Options) -> tuple[Pixels, ...]:
    """Return pictures as they are shown: in square pixels, at most `side` of them long."""
    height, width = pictures[0].shape[:2]
    square = round(width * each.source.plan.framing.sar)
    share = min(1.0, options.side / max(height, square))
    size = max(1, round(share * height)), max(1, round(share * square))
    return tuple(picture if size == (height, width) else resized(picture, *size) for picture in pictures)


def _note(each: Opened, picture: Pixels, factor: int) -> str:
    if factor == 1:
        return "as at full size"
    height, width = each.source.plan.framing.size
    return f"dreamed at {picture.shape[1]}x{picture.shape[0]}; at {width}x{height} there is more detail"
