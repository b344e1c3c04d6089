"""Reads files of events: CSV with a column `seconds` or `beat` and perhaps `value`, or the notes of a MIDI file."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from dreamvid.config.timeline import Event, Tempo
from dreamvid.core.errors import SettingsError, SourceError, nearest

COLUMNS = ("seconds", "beat", "value")
MIDI = (".mid", ".midi")
LARGEST, MOST = 500_000, 100_000  # bytes of a file; events
LATEST = 1e6  # seconds or beats: no film is as long
LOUDEST = 127  # velocity of a note


@dataclass(frozen=True)
class EventFile:
    """The events of a file as it has them: times in seconds of the sound, or in beats where `in_beats`."""

    events: tuple[Event, ...]
    in_beats: bool = False

    def of_film(self, begins: Fraction, tempo: Tempo | None) -> tuple[Event, ...]:
        """Return the events of a film that begins so many seconds into the sound; `tempo`: that of the sound."""
        if not self.in_beats:
            return tuple(Event(event.time - float(begins), event.value) for event in self.events)
        if tempo is None:
            raise SettingsError("audio.events has beats, and there is no tempo: give audio.bpm")
        times = (float(tempo.seconds(Fraction(event.time)) - begins) for event in self.events)
        return tuple(Event(time, event.value) for time, event in zip(times, self.events, strict=True))


def read_events(file: Path) -> EventFile:
    """Read a file of events, in any order.

    Raises SourceError where it cannot be read, with the number of a line that is wrong; SettingsError where mido, which
    reads MIDI, is missing.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise SourceError(f"the events of {file.name} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise SourceError(f"{file.name} has more than {LARGEST:,} bytes: give a file with fewer events")
    found = _midi(file.name, data) if file.suffix.lower() in MIDI else _table(file.name, data)
    if not found.events:
        raise SourceError(f"{file.name} has no events: give a file that has some")
    if len(found.events) > MOST:
        raise SourceError(f"{file.name} has {len(found.events):,} events: give at most {MOST:,}")
    return EventFile(tuple(sorted(found.events)), found.in_beats)


def _table(name: str, data: bytes) -> EventFile:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SourceError(f"{name}: line {line}: it is not text in UTF-8: give a CSV file, or MIDI as .mid") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    events, columns = [], None
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if columns is None:
                columns = _columns(cells)
            else:
                events.append(_event(columns, cells))
    except (csv.Error, ValueError) as error:
        raise SourceError(f"{name}: line {rows.line_num}: {error}") from None
    return EventFile(tuple(events), columns is not None and "beat" in columns)


def _columns(cells: list[str]) -> list[str]:
    """Return the names of the columns; raise ValueError where they are others than `COLUMNS`."""
    names = [cell.lower() for cell in cells]
    advice = "give a first line of seconds or beat, and value if wanted: seconds,value"
    for name in names:
        if name not in COLUMNS:
            raise ValueError(f"there is no column {name[:40]!r}{nearest(name, COLUMNS)}; {advice}")
    if len(set(names)) < len(names) or ("seconds" in names) == ("beat" in names):
        raise ValueError(f"the columns are {', '.join(names)[:80]}: {advice}")
    return names


def _event(columns: list[str], cells: list[str]) -> Event:
    """Return the event of a row; raise ValueError where it has none."""
    if len(cells) != len(columns):
        raise ValueError(f"it has {len(cells)} cells: give one for each column, {', '.join(columns)}")
    table = {name: _number(name, cell) for name, cell in zip(columns, cells, strict=True)}
    return Event(table.get("seconds", table.get("beat", 0.0)), table.get("value", 1.0))


def _number(name: str, cell: str) -> float:
    """Return the number of a cell; raise ValueError where it is none, or out of bounds."""
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    most = 1.0 if name == "value" else LATEST
    if not 0 <= number <= most:
        raise ValueError(f"{name} is {cell[:40]!r}: give a number from 0 to {most:g}")
    return number


def _midi(name: str, data: bytes) -> EventFile:
    try:
        import mido
    except ImportError:
        raise SettingsError(f"{name}: MIDI needs mido: run `pip install mido`") from None
    try:
        return EventFile(tuple(_notes(mido.MidiFile(file=io.BytesIO(data)))))
    except Exception as error:  # mido raises whatever its parsers run into
        about = f": {error}" if str(error) else ", as if it was cut short" if isinstance(error, EOFError) else ""
        raise SourceError(f"{name} is not a MIDI file that can be read{about}"[:200]) from None


def _notes(song: Any) -> Iterator[Event]:
    """Yield the beginnings of all notes, in seconds by the tempo of the file; raise ValueError for other clocks."""
    if song.ticks_per_beat <= 0:
        raise ValueError("its ticks are not those of beats")
    seconds = 0.0
    for message in song:
        seconds += message.time
        if message.type == "note_on" and message.velocity:
            if seconds > LATEST:
                raise ValueError(f"it has notes after {LATEST:g} seconds")
            yield Event(seconds, message.velocity / LOUDEST)
