"""One frame of a source, or a second of it, in many looks: small first, then sharper, on a sheet that grows."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from dreamvid.analysis.look_sheet import MOVING, PAGE, STILL, LookSheet, View
from dreamvid.config.serialize import settings_at
from dreamvid.config.settings import Settings
from dreamvid.core.errors import DreamvidError, NetError, SettingsError, nearest
from dreamvid.core.types import Frame, Pixels
from dreamvid.dream.octaves import octave_sizes
from dreamvid.dream.session import Session, SharedNets, open_session
from dreamvid.jobs.events import Stop, never
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job
from dreamvid.jobs.locks import output_held
from dreamvid.jobs.preview_source import Subject
from dreamvid.jobs.run import check_output
from dreamvid.media import encode, formats, opencv
from dreamvid.media.frame_store import write_file
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.prepare import open_source, prepare_probed
from dreamvid.pipeline.render import RenderContext, Rendered, render
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.sources import NOISE, Source, probe_source

logger = logging.getLogger(__name__)
FIRST, LEAST = 200, 32  # pixels, at least: of the long side of the first pictures, and of their short side
SOON = 480  # pixels of the long side of pictures that are soon dreamed: before larger ones, smaller ones come
PALE = 3  # by which the contrast of the source is divided where no dream is there yet
AnyArray = npt.NDArray[Any]
ONLY_IN_MOTION = ("coherence", "camera", "audio", "output")  # sections that a still shows nothing of


@dataclass(frozen=True)
class Look:
    """One cell of a preview: its `title`, and the line that makes its picture at full size, with its `settings`.

    `film`: the line that makes the whole film in this look, empty where there is none; `about`: a line on it.
    """

    title: str
    settings: Settings
    command: str
    film: str = ""
    about: str = ""


@dataclass(frozen=True)
class Options:
    """Options of a preview.

    `side`: pixels of the long side of its pictures; `columns`: of a grid, 0 for as many as fit; `tell`: called with how
    much is done of how much; `stop`: asked after every picture; `trust`: whether a net that is code may be executed;
    `leave_out`: looks whose net is not here are left out, and so are those that a still shows as another look.
    """

    side: int
    columns: int = 0
    tell: Callable[[int, int], None] = lambda done, total: None
    stop: Stop = never
    trust: bool = False
    leave_out: bool = False


@dataclass(frozen=True)
class Opened:
    """A look that is ready to be dreamed; `factors`: by how much smaller than at full size, falling."""

    look: Look
    source: Source
    schedule: Schedule
    session: Session
    factors: tuple[int, ...]


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
    with output_held(output):
        encode.recover(output)
        opened = _open_all(subject, looks, options)
        frames = _read(opened)
        sheet, seconds = _begun(subject, opened, frames, options), [0.0] * len(opened)

        def write() -> None:
            write_file(output, sheet.encoded(output.suffix.lower()))

        write()
        try:
            for at, view, took in _passes(opened, frames, options):
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
            opened.append(_open(subject, look, shared, options))
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


def _open(subject: Subject, look: Look, shared: SharedNets, options: Options) -> Opened:
    settings = settings_at(look.settings, {}) if subject.command == "image" else look.settings
    info = probe_source(subject.source, settings) if subject.source in NOISE else subject.info
    planned, schedule = prepare_probed(subject.command, (info,), settings)
    source = open_source(planned, schedule)
    session = open_session(settings, rate=source.info.rate, shared=shared)
    return Opened(look, source, schedule, session, factors(source.plan.framing.size, settings, session, options.side))


def factors(size: tuple[int, int], settings: Settings, session: Session, side: int) -> tuple[int, ...]:
    """Return by how much smaller than (height, width) a look is dreamed, pass by pass.

    The last pictures have `side` pixels at least, or all that there are, and are no smaller than the coarsest octave at
    full size: in a smaller one other forms grow. Before them comes about that octave alone, which is soon dreamed;
    before it, where it is large, ever smaller ones. Raises NetError where the net takes no picture of the size.
    """
    coarsest = min(size) / min(octave_sizes(*size, settings.dream)[0])

    def check(factor: int) -> None:
        session.dreamer.net.check_size(*(min(round(edge / factor), session.dreamer.patch[0]) for edge in size))

    def fits(factor: int) -> bool:
        try:
            check(factor)
        except NetError:
            return False
        return max(size) // factor >= FIRST and min(size) // factor >= LEAST

    last = max(1, min(max(size) // side, int(coarsest)))
    while last > 1 and not fits(last):
        last -= 1
    check(last)
    found, smaller = [last], round(coarsest) if round(coarsest) > last else 2 * last
    while fits(smaller) and max(size) // found[-1] > SOON:
        found.append(smaller)
        smaller *= 2
    return tuple(reversed(found))


def _read(opened: Sequence[Opened]) -> list[list[Frame]]:
    """Return the frames of each look at the size of its last pictures; those that are the same are read once."""
    found: dict[object, list[Frame]] = {}
    each_frames = []
    for each in opened:
        plan, settings, factor = each.source.plan, each.schedule.settings, each.factors[-1]
        animated = tuple(item for item in settings.keyframes.items() if item[0].startswith("mask."))
        key = (settings.input, settings.mask, animated, settings.seed, plan.shots, factor)
        if key not in found:
            found[key] = [shrunk(frame, factor) for frame in each.source.frames(plan.frames)]
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
    title = f"{subject.info.name} in {len(opened)} look{'' if len(opened) == 1 else 's'}"
    return LookSheet(title, subject.words, source, tuple(views), options.columns)


def _passes(
    opened: Sequence[Opened], frames: Sequence[Sequence[Frame]], options: Options
) -> Iterator[tuple[int, View, float]]:
    """Dream every look at its first size, then at its next; yield its place, what there is of it, and the seconds."""
    total, done, most = sum(len(each.factors) for each in opened), 0, max(len(each.factors) for each in opened)
    for number in range(most):
        if number:
            logger.info("every look is there; sharper pictures follow")
        for at, each in enumerate(opened):
            if number >= len(each.factors):
                continue
            if options.stop():
                raise Interrupted
            factor, began = each.factors[number], time.perf_counter()
            small = [shrunk(frame, factor / each.factors[-1]) for frame in frames[at]]
            pictures = _dreamed(each, small, factor, options.stop)
            took, done = time.perf_counter() - began, done + 1
            yield at, _view(each, pictures, options, _note(each, pictures[0], factor)), took
            options.tell(done, total)


def _dreamed(each: Opened, frames: Sequence[Frame], factor: int, stop: Stop) -> list[Pixels]:
    """Dream the frames of a look as its command does, but smaller by a factor, in the octaves of the full size."""
    settings = each.schedule.settings
    dream = settings.dream.model_copy(update={"draft": settings.dream.draft * factor})
    schedule = replace(each.schedule, settings=settings.model_copy(update={"dream": dream}))
    plain = settings_at(schedule.settings, {})
    session, plan = each.session.at(plain), each.source.plan
    results: Iterator[Rendered]
    if each.source.info.kind == "still":
        results = render(RenderContext(plan, plain, each.source.move, session.dreamer), frames)
    else:
        results = render_at_cadence(Job(JobFolder(Path()), each.source, schedule, session).context, frames)
    made = []
    for result in results:
        made.append(result.dream)
        if stop() and len(made) < len(frames):
            raise Interrupted
    return [made[position] for position in plan.playback]


def shrunk(frame: Frame, factor: float) -> Frame:
    """Return a frame, with its mask, smaller by a factor."""
    if factor == 1:
        return frame
    height, width = (round(side / factor) for side in frame.image.shape[:2])
    mask = None if frame.mask is None else _resized(frame.mask, height, width)
    return replace(frame, image=_resized(frame.image, height, width), mask=mask)


def _view(each: Opened, pictures: Sequence[Pixels], options: Options, note: str) -> View:
    look, rate = each.look, each.source.plan.rate
    return View(look.title, _displayed(each, pictures, options), rate, note, look.about, look.command, look.film)


def _displayed(each: Opened, pictures: Sequence[Pixels], options: Options) -> tuple[Pixels, ...]:
    """Return pictures as they are shown: in square pixels, at most `side` of them long."""
    height, width = pictures[0].shape[:2]
    square = round(width * each.source.plan.framing.sar)
    share = min(1.0, options.side / max(height, square))
    size = max(1, round(share * height)), max(1, round(share * square))
    return tuple(picture if size == (height, width) else _resized(picture, *size) for picture in pictures)


def _note(each: Opened, picture: Pixels, factor: int) -> str:
    if factor == 1:
        return "as at full size"
    height, width = each.source.plan.framing.size
    return f"dreamed at {picture.shape[1]}x{picture.shape[0]}; at {width}x{height} there is more detail"


def _resized(picture: AnyArray, height: int, width: int) -> AnyArray:
    cv2 = opencv.load()
    resized: AnyArray = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return resized
