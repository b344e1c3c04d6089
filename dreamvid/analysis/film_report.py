"""A report on a finished film, on a page of one file: pictures, diagrams, and in words what is to be known of it."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path, PurePath

from dreamvid.analysis.diagrams import Diagram, Marks, across, draw
from dreamvid.analysis.film_facts import FilmFacts, Moment
from dreamvid.analysis.pages import render_page
from dreamvid.analysis.pairing import Opened
from dreamvid.core.paths import file_size
from dreamvid.core.timing import duration, timecode
from dreamvid.core.words import counted
from dreamvid.media.images import short_name
from dreamvid.media.record import Record

LOST = 0.4  # share of a frame with valid flow below which a render carries nothing on
UNSTEADY = 0.5  # incoherence of a frame from which on its dream is new rather than carried
FADES, GROWS = 0.5, 2.0  # strength of the last quarter of a film over that of the first
LISTED = 12  # runs of frames in a warning


@dataclass(frozen=True)
class Rendered:
    """The facts in the job folder of a film, by film frame.

    `seconds`: of each frame; `valid`: share of it whose motion was followed, None on a frame dreamed from nothing;
    `anew`: frames dreamed so though no shot begins there; `cuts`: frames at which one does; `made`: frames dreamed;
    `took`: seconds of them all; `canvas`: whether they are views of a canvas, whose time is not known.
    """

    seconds: dict[int, float]
    valid: dict[int, float | None]
    anew: tuple[int, ...]
    cuts: tuple[int, ...]
    made: int
    took: float
    canvas: bool


@dataclass(frozen=True)
class Subject:
    """The film of a report: `size`: of its file, in bytes; `link`: where it is, from the page; `rate`: of its frames.

    `note`: which part of its source it shows; `missing`: what is not known of it, and why, a sentence each.
    """

    film: Opened
    size: int
    link: str
    rate: Fraction
    note: str = ""
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the film, fit to be shown."""
        return short_name(Path(self.film.path))

    @property
    def noun(self) -> str:
        """The word for it: a film, or a picture."""
        return "film" if self.film.info.frames > 1 else "picture"

    def at(self, frame: int, before: str = "") -> str:
        """Return a frame of the film by its number and time, after some words; empty where the film has but one."""
        if self.film.info.frames == 1:
            return ""
        return f"{before}frame {frame}, {timecode(round(float(frame / self.rate), 2))}"


def page(subject: Subject, facts: FilmFacts, rendered: Rendered | None) -> str:
    """Return the report as HTML."""
    film, record = subject.film, subject.film.record
    count = film.info.frames
    cuts = rendered.cuts if rendered is not None else facts.cuts
    anew = _anew(rendered, record) or _lost(facts, rendered, record)
    flashes = [span for verdict in facts.verdicts for span in verdict.film]
    length = count / float(subject.rate)
    return render_page(
        "report.html.j2",
        subject=subject,
        facts=_table(subject, facts, rendered),
        warnings=warnings(facts, rendered, record),
        moments=[(moment, _words(subject, facts, rendered, moment)) for moment in facts.moments],
        strip=_spread(facts.moments, 8),
        beside=bool(facts.moments[0].source),
        diagrams=_diagrams(facts, rendered, count) if count > 1 else [],
        marks=Marks(
            tuple(across(cut, count) for cut in cuts),
            tuple(across(frame, count) for frame in anew),
            tuple((1000 * span.start / length, 1000 * (span.stop - span.start) / length) for span in flashes),
        ),
        positions=[across(moment.frame, count) for moment in facts.moments],
        times=[timecode(round(length * part / 4, 1)) for part in range(5)],
        flashes=[verdict.in_words() for verdict in facts.verdicts],
        again=_again(subject) if record is not None else [],
        settings=record.toml() if record is not None else "",
    )


def warnings(facts: FilmFacts, rendered: Rendered | None, record: Record | None) -> list[str]:
    """Return what is to be looked at in a film, a sentence each."""
    found, anew, lost = [], _anew(rendered, record), _lost(facts, rendered, record)
    if anew:
        found.append(f"{_frames(anew)} {'was' if len(anew) == 1 else 'were'} dreamed anew: the flow failed.")
    if lost:
        found.append(
            f"{_frames(lost)}: less than {LOST:.0%} of the picture could be followed; the dream may begin anew there."
        )
    beginnings = {*anew, *lost}
    unsteady = [
        frame
        for frame, step in facts.steps.items()
        if step.incoherence is not None and step.incoherence > UNSTEADY and frame not in beginnings
    ]
    if unsteady:
        found.append(f"{_frames(unsteady)}: the dream does not stay on the picture (incoherence above {UNSTEADY}).")
    change = _change(facts)
    if change is not None and change < FADES:
        found.append(f"The dream fades: in the last quarter it is {change:.0%} as strong as in the first.")
    if change is not None and change > GROWS:
        found.append(f"The dream grows: in the last quarter it is {change:.1f} times as strong as in the first.")
    found += [f"{verdict.in_words().capitalize()}." for verdict in facts.verdicts if not verdict.met]
    if unasked := _unasked(facts, record):
        found.append(f"Not as in the source: {'; '.join(unasked)}.")
    return found


def _unasked(facts: FilmFacts, record: Record | None) -> list[str]:
    """Return what a film does not have of its source, but for what its settings ask for."""
    wanted = None if record is None else record.plain_settings().input
    chosen = () if wanted is None else (wanted.size and "size ", wanted.fps and "fps ", wanted.fps and "frames ")
    broken = () if facts.contract is None else facts.contract.broken
    return [words for words in broken if not words.startswith(tuple(filter(None, chosen)))]


def _anew(rendered: Rendered | None, record: Record | None) -> tuple[int, ...]:
    """Return the frames that were dreamed from nothing since what was carried was lost, as the job folder says."""
    return rendered.anew if rendered is not None and _follows(record) else ()


def _lost(facts: FilmFacts, rendered: Rendered | None, record: Record | None) -> tuple[int, ...]:
    """Return the frames at which too little could be followed, as measured anew where there is no job folder."""
    if rendered is not None or not _follows(record):
        return ()
    return tuple(frame for frame, step in facts.steps.items() if step.valid is not None and step.valid < LOST)


def _follows(record: Record | None) -> bool:
    """Return whether a film is known to have been made by following motion."""
    return record is not None and record.command == "video" and record.plain_settings().coherence.mode == "flow"


def _change(facts: FilmFacts) -> float | None:
    """Return the strength of the last quarter of a film over that of the first; None where that cannot be told."""
    levels = [step.layer_rms for step in facts.steps.values()]
    quarter = len(levels) // 4
    first = sum(levels[:quarter])
    return sum(levels[-quarter:]) / first if quarter and first else None


def _diagrams(facts: FilmFacts, rendered: Rendered | None, count: int) -> list[Diagram]:
    drawn = []
    steps = facts.steps.items()
    if facts.steps:
        at = f"measured at {facts.side} pixels"
        strength = [(frame, step.layer_rms) for frame, step in steps]
        drawn.append(draw("Strength", f"difference from the source, in levels of 255, {at}", strength, count))
        incoherence = [(frame, step.incoherence) for frame, step in steps]
        about = f"0 where the dream moves with the picture, 1 where it is new, {at}"
        drawn.append(draw("Incoherence", about, incoherence, count))
    if rendered is not None:
        drawn.append(draw("Seconds", "time to make the frame", list(rendered.seconds.items()), count, unit=" s"))
    followed, about = None, ""
    if rendered is not None and any(share is not None for share in rendered.valid.values()):
        followed, about = list(rendered.valid.items()), "of the frame, its motion from the one before"
    elif facts.steps:
        followed, about = [(frame, step.valid) for frame, step in steps], "of the frame, measured anew"
    if followed is not None:
        shares = [(frame, None if share is None else 100 * share) for frame, share in followed]
        drawn.append(draw("Followed share", about, shares, count, unit=" %", highest=100))
    return drawn


def _words(subject: Subject, facts: FilmFacts, rendered: Rendered | None, moment: Moment) -> str:
    """Return what is known of a frame, in a line."""
    said, step = [subject.at(moment.frame)], facts.steps.get(moment.frame)
    if step is not None:
        said.append(f"strength {step.layer_rms:.1f}")
        said += [] if step.incoherence is None else [f"incoherence {step.incoherence:.3f}"]
    if rendered is not None and moment.frame in rendered.seconds:
        said.append(f"{rendered.seconds[moment.frame]:.2f} s")
    return ", ".join(said)


def _table(subject: Subject, facts: FilmFacts, rendered: Rendered | None) -> list[tuple[str, str]]:
    """Return what is said of a film in a table, as rows."""
    info, record = subject.film.info, subject.film.record
    size = f"{info.width}x{info.height}, {file_size(subject.size)}"
    if info.frames > 1:
        length = timecode(round(info.frames / float(subject.rate), 1))
        size = f"{info.frames} frames at {float(subject.rate):.6g} a second, {length} long, {size}"
    rows = [(subject.noun.capitalize(), size)]
    if record is not None:
        names = ", ".join(short_name(Path(source.name)) for source in record.sources)
        rows.append(("Made of", f"{names}{f' ({subject.note})' if subject.note else ''}"))
        rows.append(("Made by", f"dreamvid {record.dreamvid}, command {record.command}"))
        rows.append(("Net", record.plain_settings().net.name))
    if rendered is not None:
        each = f"{rendered.took / max(1, rendered.made):.2f} s each"
        beside = ", and the canvas before them" if rendered.canvas else ""
        made = counted(rendered.made, "frame")
        rows.append(("Time it took", f"{duration(rendered.took)} for {made}, {each}{beside}"))
    if facts.contract is not None:
        broken = "; ".join(facts.contract.broken)
        rows.append(("As in the source", broken or "frames, rate, duration, size and sound are kept"))
    return rows


def _again(subject: Subject) -> list[tuple[str, str]]:
    """Return the commands that make a film again, each with what it does."""
    record = subject.film.record
    assert record is not None
    name = PurePath(subject.name)
    sources = [source.name for source in record.sources if not source.name.startswith("noise")]
    lines = [(["again", name.name, *sources, f"{name.stem}-twin{name.suffix}"], "the same bytes, from the same source")]
    if record.command != "zoom" and not record.segments:
        other = ["again", name.name, f"OTHER{PurePath(record.sources[0].name).suffix}", f"{name.stem}-2{name.suffix}"]
        lines.append((other, "the same look on another source"))
    lines.append((["again", name.name, "--show"], "its settings, as a preset"))
    return [(shlex.join(["dreamvid", *map(_named, words)]), what) for words, what in lines]


def _named(word: str) -> str:
    """Return a word of a command; a file whose name would be read as an option by its path."""
    return f"./{word}" if word.startswith("-") and word != "--show" else word


def _frames(numbers: Iterable[int]) -> str:
    """Return frames in words: `Frame 5`, `Frames 5, 212-230`."""
    ordered = sorted(numbers)
    starts = [ordered[0], *(later for earlier, later in pairwise(ordered) if later != earlier + 1)]
    stops = [*(earlier for earlier, later in pairwise(ordered) if later != earlier + 1), ordered[-1]]
    runs = [f"{start}-{stop}" if stop > start else f"{start}" for start, stop in zip(starts, stops, strict=True)]
    more = f" and {len(runs) - LISTED} more places" if len(runs) > LISTED else ""
    return f"Frame{'s' if len(ordered) > 1 else ''} {', '.join(runs[:LISTED])}{more}"


def _spread(moments: Sequence[Moment], most: int) -> list[Moment]:
    """Return at most so many moments, evenly."""
    last = len(moments) - 1
    return [moments[at] for at in sorted({round(last * part / (most - 1)) for part in range(most)})]
