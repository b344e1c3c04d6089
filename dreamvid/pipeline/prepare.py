"""Prepare a render before its first frame, in the order in which each part needs the one before.

What comes of it, a RenderPlan, is data: with it, the settings and the files it names, any process renders any shot.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError, SettingsError
from dreamvid.core.types import SourceInfo
from dreamvid.media import audio_features, audio_tracks
from dreamvid.pipeline.calm import calms
from dreamvid.pipeline.masks import with_masks
from dreamvid.pipeline.plan import Plan, with_cuts
from dreamvid.pipeline.schedule import Schedule, make_schedule
from dreamvid.pipeline.segments import with_segments
from dreamvid.pipeline.sources import Source, open_still, open_video, plan_still, plan_video, probe_source
from dreamvid.pipeline.zoom_source import open_zoom, plan_zoom

logger = logging.getLogger(__name__)
Command = Literal["video", "image", "zoom"]


@dataclass(frozen=True)
class Kind:
    """The two functions of a kind of source: plan it from what was probed, open it as it was planned."""

    plan: Callable[[Sequence[SourceInfo], Settings], tuple[SourceInfo, Plan]]
    open: Callable[[Sequence[SourceInfo], Settings, SourceInfo, Plan], Source]


KINDS: dict[Command, Kind] = {
    "video": Kind(plan_video, open_video),
    "image": Kind(plan_still, open_still),
    "zoom": Kind(plan_zoom, open_zoom),
}


@dataclass(frozen=True)
class RenderPlan:
    """All that is known of a render before its first frame, beside its settings.

    `sources`: the facts of each file or folder; `info`: of the frames that are made of them; `plan`: which of these are
    rendered, and in which shots.
    """

    command: Command
    sources: tuple[SourceInfo, ...]
    info: SourceInfo
    plan: Plan

    def to_table(self) -> dict[str, Any]:
        """Return the plan as a table that JSON can hold, the same whenever the plan is the same."""
        table: dict[str, Any] = ADAPTER.dump_python(self, mode="json")
        return table

    @staticmethod
    def from_table(table: dict[str, Any]) -> "RenderPlan":
        """Read a plan that `to_table` gave; raises JobError where it is damaged, or another version's."""
        try:
            return ADAPTER.validate_python(table)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise JobError(f"the plan is damaged at {where or 'its beginning'}") from None


ADAPTER = TypeAdapter(RenderPlan)


def prepare(command: Command, sources: Sequence[str], settings: Settings) -> tuple[RenderPlan, Schedule]:
    """Plan a render: probe the sources, find range and cuts, evaluate animated settings; return these as well.

    Raises SourceError where a source cannot be read, SettingsError where the settings do not fit it.
    """
    return prepare_probed(command, tuple(probe_source(source, settings) for source in sources), settings)


def prepare_probed(command: Command, probed: tuple[SourceInfo, ...], settings: Settings) -> tuple[RenderPlan, Schedule]:
    """Plan a render of sources whose facts are known; else as `prepare`."""
    info, plan = KINDS[command].plan(probed, settings)
    if settings.coherence.cadence > 1 and plan.crossfade is not None:
        raise SettingsError("a loop comes back to a dream of every frame: give coherence.cadence=1, or no --loop")
    found, schedule = scheduled(RenderPlan(command, probed, info, plan), settings)
    tell_timing([schedule])
    return found, schedule


def scheduled(planned: RenderPlan, settings: Settings) -> tuple[RenderPlan, Schedule]:
    """Return a plan whose shots are those of the source, with shots and segments of its settings; and these by frame.

    Raises as `prepare`.
    """
    if settings.audio.file is not None:
        audio_tracks.first_track(Path(settings.audio.file))
    schedule, plan = schedule_of(planned, settings), planned.plan
    # Where the objective jumps, a dream of its own begins, as at a cut.
    plan = with_cuts(plan, (*(shot.start for shot in plan.shots), *schedule.jumps))
    return replace(planned, plan=with_segments(plan, settings) if planned.command == "video" else plan), schedule


def tell_timing(schedules: Sequence[Schedule]) -> None:
    """Log what was found of the tempo of a film, and what is calmed; `schedules`: of its stretches, or its one."""
    settings = schedules[0].settings
    found = (tempo for schedule in schedules if (tempo := schedule.timeline.cues.tempo) is not None)
    if settings.audio.bpm is None and (tempo := next(found, None)) is not None:
        logger.info(
            "found %.6g beats per minute, beat 0 at %.3f s: audio.bpm and audio.first_beat change that",
            *(tempo.bpm, tempo.first),
        )
    animated = [key for schedule in schedules for key in schedule.settings.keyframes]
    if settings.audio.max_flash and not any(map(calms, animated)):
        logger.info(
            "audio.max_flash has nothing to calm: %s",
            "only the camera is animated" if animated else "no setting is animated",
        )


def schedule_of(planned: RenderPlan, settings: Settings) -> Schedule:
    """Return the animated settings of a planned render, frame by frame; raises as `make_schedule`."""
    plan = planned.plan
    clip = plan.clip if plan.excerpt is None else plan.excerpt.clip
    return make_schedule(settings, plan, audio_features.of_film(settings, planned.info, clip))


def open_source(planned: RenderPlan, schedule: Schedule) -> Source:
    """Open a planned render for reading, with the masks of its frames; raises as `with_masks`."""
    settings = schedule.settings
    source = KINDS[planned.command].open(planned.sources, settings, planned.info, planned.plan)
    if planned.command == "zoom":  # it goes where its photograph has no detail left
        settings = settings.model_copy(update={"mask": settings.mask.model_copy(update={"flat": 1.0})})
    return with_masks(source, settings, schedule.at)
