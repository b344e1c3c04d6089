"""The segments of a job, with presets and settings of their own: read and checked, as the stretches of its film."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dreamvid.batch.job_table import told
from dreamvid.config import presets
from dreamvid.config.fields import Moment
from dreamvid.config.settings import Settings
from dreamvid.pipeline.stretches import OF_FILM, Join

FILMS = "size, rate, sound, output and computing are the film's: give it in the job's own set"
Note = Callable[[str, int, str], None]  # takes what is wrong, the number of the segment from 0, and its key


class SegmentTable(BaseModel):
    """One [[job.segment]] of a batch file; `start` is called `from` there, times are those of the film."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(default="", max_length=100)
    start: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None
    preset: str | None = None
    join: Join | None = None
    set: dict[str, Any] = Field(default_factory=dict)

    @property
    def called(self) -> str:
        """The name that errors add to its number."""
        return f" ({self.name})" if self.name else ""


def read_segments(tables: Sequence[dict[str, Any]], note: Note) -> list[SegmentTable]:
    """Return the segments of a job, without those of their keys that are wrong, which are noted."""
    found, wrong = list[SegmentTable](), set[str]()
    for number, table in enumerate(tables):
        try:
            found.append(SegmentTable.model_validate(table))
        except ValidationError as error:
            mistakes = dict(told(error, SegmentTable))
            for key, words in mistakes.items():
                note(words, number, key)
            wrong |= mistakes.keys()
            found.append(SegmentTable.model_validate({key: table[key] for key in table if key not in mistakes}))
    _check_names(found, note)
    if not wrong & {"from", "to"}:
        _check_times(found, note)
    return found


def begins(segments: Sequence[SegmentTable]) -> list[Moment]:
    """Return when each segment begins, in seconds of the film: where it says so, or where the one before ends."""
    ends = [None, *(segment.to for segment in segments)]
    said = [end if segment.start is None else segment.start for segment, end in zip(segments, ends, strict=False)]
    return [Moment(0) if time is None else time for time in said]


def _check_names(segments: Sequence[SegmentTable], note: Note) -> None:
    if segments[0].join is not None:
        note("join: there is nothing before the first segment that it could be joined to", 0, "join")
    seen = dict[str, int]()
    for number, segment in enumerate(segments):
        if segment.name and seen.setdefault(segment.name, number) != number:
            note(f"name: segment {seen[segment.name] + 1} has the name {segment.name!r}, too", number, "name")


def _check_times(segments: Sequence[SegmentTable], note: Note) -> None:
    """Take note of segments that do not follow one another, as far as that is known without their source."""
    if segments[0].start:
        note(f"from: the film begins at 0 s, not at {segments[0].start}: give the job input.start", 0, "from")
    for number, (one, after) in enumerate(pairwise(segments)):
        if one.to is None and after.start is None:
            note("it does not say where it ends: give `to`", number, "to")
            return
        if one.to is not None and after.start is not None and one.to != after.start:
            how = "a gap" if after.start > one.to else "an overlap"
            words = f"from: {after.start}, and the segment before it ends at {one.to}, {how}: leave out `from`"
            note(words, number + 1, "from")
    times = begins(segments)
    ends = [segment.to or after for segment, after in zip(segments, [*times[1:], None], strict=True)]
    for number, (time, end) in enumerate(zip(times, ends, strict=True)):
        if end is not None and end <= time:
            note(f"it ends at {end}, and begins at {time}", number, "to")


def given_to_film(segment: SegmentTable, preset: str | None, film: Settings) -> list[tuple[str, str]]:
    """Return key and words of each setting of a segment that is not its own to have; `preset`: as it is found."""
    wrong = [(key, f"{key}: {FILMS}") for key in segment.set if key.partition(".")[0] in OF_FILM]
    if preset is not None:
        table = presets.load_table(preset)
        for section in OF_FILM:
            own = getattr(film, section)
            keys = [key for key, value in table.get(section, {}).items() if getattr(own, key) != value]
            wrong += [("preset", f"preset: {segment.preset} has {section}.{key}: {FILMS}") for key in keys]
    return wrong


def with_films_own(settings: Settings, film: Settings) -> Settings:
    """Return the settings of a segment with all that is the film's."""
    return settings.model_copy(update={section: getattr(film, section) for section in OF_FILM})
