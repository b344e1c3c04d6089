"""The record of a render: what its film will say of how it was made."""

import logging
from collections.abc import Iterable, Sequence
from fractions import Fraction

from dreamvid import __version__
from dreamvid.config.serialize import changed
from dreamvid.config.settings import Settings
from dreamvid.core.types import SourceInfo
from dreamvid.media.images import short_name
from dreamvid.media.record import (
    LONGEST,
    SEGMENTS,
    Playback,
    Record,
    RecordedSegment,
    RecordedSource,
    without_folders,
)
from dreamvid.models.net import Net
from dreamvid.pipeline.plan import RENDER_VERSION
from dreamvid.pipeline.prepare import RenderPlan
from dreamvid.pipeline.sources import plan_first
from dreamvid.pipeline.stretches import Stretch

logger = logging.getLogger(__name__)


def record_text(
    planned: RenderPlan,
    settings: Settings,
    nets: Iterable[Net],
    names: Sequence[str] = (),
    segments: Sequence[RecordedSegment] = (),
) -> str:
    """Return the record of a planned film as text; empty, with a warning, where it is too long for a film.

    `names`: of the sources; empty: those of their files; `segments`: of a film that has such. Raises SourceError where
    a file that the settings name cannot be read.
    """
    table, files = without_folders(changed(settings))
    # As they were planned: a folder of images has the rate that it was given.
    sources = (planned.info,) if planned.command == "video" else planned.sources
    record = Record(
        dreamvid=__version__,
        render=RENDER_VERSION,
        command=planned.command,
        settings=table,
        sources=tuple(
            RecordedSource(
                name=name,
                sha256=info.identity,
                frames=info.frames,
                rate=info.rate,
                size=(info.height, info.width),
            )
            for info, name in zip(sources, names or map(_file_name, sources), strict=True)
        ),
        film=_playback(planned, settings),
        nets=tuple(net.sha256 for net in nets),
        files=files,
        record=SEGMENTS if segments else 1,
        segments=tuple(segments),
    )
    text = record.to_text()
    if len(text) > LONGEST:
        logger.warning(
            "the film gets no record of how it was made: its settings have %d characters, at most %d are written",
            len(text),
            LONGEST,
        )
        return ""
    return text


def recorded_stretch(stretch: Stretch, planned: RenderPlan, nets: Iterable[Net]) -> RecordedSegment:
    """Return the record of a stretch of a film, by its plan; raise SourceError as `record_text`."""
    table, files = without_folders(changed(stretch.settings))
    assert planned.plan.excerpt is not None
    return RecordedSegment(
        name=stretch.name,
        first=planned.plan.excerpt.first,
        join=stretch.join,
        settings=table,
        nets=tuple(net.sha256 for net in nets),
        files=files,
    )


def _file_name(info: SourceInfo) -> str:
    """Return the name of a source's file or folder, without the folder that it is in."""
    places = (place for file in info.files[:1] for place in (file, file.parent))
    return next((place.name for place in places if short_name(place) == info.name), info.name)


def _playback(planned: RenderPlan, settings: Settings) -> Playback:
    """Return which frames of its source a planned film shows."""
    plan, first, start = planned.plan, 0, Fraction(0)
    frames = len(plan.playback)
    stop = frames / plan.rate
    if planned.command == "image" and planned.sources[0].kind != "noise":
        of_source = plan_first(planned.sources[0], settings)
        first, start = of_source.frames[0], of_source.clip[0] if of_source.clip else start
        stop = start + 1 / plan.rate
    elif planned.command == "video":
        first, (start, stop) = plan.frames[0], plan.clip or (start, planned.info.end)
    fade = plan.crossfade
    return Playback(
        frames=frames,
        rate=plan.rate,
        first=first,
        start=start,
        stop=stop,
        cycle=plan.cycle_length,
        mixed=fade.stop - fade.start if fade is not None and fade.dissolves else 0,
    )
