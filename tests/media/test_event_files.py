"""Events: read from CSV and MIDI, or one line that says where the file is wrong."""

import struct
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutated import mutated

from dreamvid.config.timeline import Event, Tempo
from dreamvid.core.errors import SettingsError, SourceError
from dreamvid.media import event_files
from dreamvid.media.event_files import LARGEST, EventFile, read_events


def table(folder: Path, text: str) -> Path:
    file = folder / "hits.csv"
    file.write_text(text, encoding="utf-8")
    return file


def midi(path: Path, notes: list[tuple[int, int]], tempo: int = 500_000, ticks: int = 480) -> Path:
    """A MIDI file of notes, ticks after the one before and velocity; half the `tempo` from the second note on."""
    track = b"\x00\xff\x51\x03" + tempo.to_bytes(3, "big")
    for number, (after, velocity) in enumerate(notes):
        wait = bytes([0x80 | after >> 7, after & 0x7F])
        track += wait + bytes([0x90, 60, velocity]) + b"\x00\x80\x3c\x00"
        if number == 0:
            track += b"\x00\xff\x51\x03" + (tempo // 2).to_bytes(3, "big")
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">Lhhh", 6, 1, 1, ticks)
    path.write_bytes(header + b"MTrk" + struct.pack(">L", len(track)) + track)
    return path


def refused(file: Path) -> str:
    with pytest.raises(SourceError) as error:
        read_events(file)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "events", "in_beats"),
    [
        ("seconds\n1\n0.5\n", (Event(0.5), Event(1)), False),
        ("seconds,value\n1,0.25\n\n2.5 , 1\n", (Event(1, 0.25), Event(2.5)), False),
        ("\ufeff value,Beat\r\n0.5,4\r\n", (Event(4, 0.5),), True),
        ("\nbeat\n1e1", (Event(10),), True),
    ],
)
def test_a_table_is_events_by_time(tmp_path: Path, text: str, events: tuple[Event, ...], in_beats: bool) -> None:
    assert read_events(table(tmp_path, text)) == EventFile(events, in_beats)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seconds,valeu\n1,1\n", "hits.csv: line 1: there is no column 'valeu'; nearest: value; give a first line of"),
        ("1.5,1\n2,1\n", "hits.csv: line 1: there is no column '1.5'"),
        ("seconds,beat\n1,1\n", "hits.csv: line 1: the columns are seconds, beat: give a first line"),
        ("value\n1\n", "hits.csv: line 1: the columns are value"),
        ("seconds,seconds\n1,1\n", "the columns are seconds, seconds"),
        ("seconds\n1\n\ntwo\n", "hits.csv: line 4: seconds is 'two': give a number from 0 to 1e+06"),
        ("seconds\n-1\n", "hits.csv: line 2: seconds is '-1'"),
        ("seconds\nnan\n", "line 2: seconds is 'nan'"),
        ("beat\ninf\n", "line 2: beat is 'inf'"),
        ("seconds,value\n1,1.5\n", "hits.csv: line 2: value is '1.5': give a number from 0 to 1"),
        ("seconds,value\n1\n", "hits.csv: line 2: it has 1 cells: give one for each column, seconds, value"),
        ('seconds\n"1\n', "hits.csv: line 2: unexpected end of data"),
        ("seconds\n", "hits.csv has no events"),
        ("", "hits.csv has no events"),
        ("seconds\n" + "1\n" * (LARGEST // 2), f"hits.csv has more than {LARGEST:,} bytes"),
    ],
)
def test_a_wrong_table_says_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(table(tmp_path, text))


def test_there_is_a_most_of_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_files, "MOST", 1000)
    assert len(read_events(table(tmp_path, "seconds\n" + "1\n" * 1000)).events) == 1000
    assert "hits.csv has 1,001 events: give at most 1,000" in refused(table(tmp_path, "seconds\n" + "1\n" * 1001))


def test_what_is_no_text_says_its_line(tmp_path: Path) -> None:
    (tmp_path / "hits.csv").write_bytes(b"seconds\n1\n\xff\xfe\n")
    assert "hits.csv: line 3: it is not text in UTF-8" in refused(tmp_path / "hits.csv")
    assert "the events of gone.csv cannot be read: No such file" in refused(tmp_path / "gone.csv")
    assert "cannot be read: Is a directory" in refused(tmp_path)


def test_events_are_placed_by_seconds_or_by_beats() -> None:
    tempo = Tempo(Fraction(120), Fraction(1, 2))
    assert EventFile((Event(3, 0.5),)).of_film(Fraction(1), None) == (Event(2, 0.5),)
    assert EventFile((Event(3, 0.5),), True).of_film(Fraction(1), tempo) == (Event(1, 0.5),)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated("seconds,value\n0.5,1\n2.25,0.5\n") | mutated("beat\n1\n2\n") | st.text())
def test_any_text_is_events_or_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hits.csv"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_events(file).events
    except SourceError as error:
        assert "\n" not in str(error).replace(r"\n", "")
        return
    assert found and list(found) == sorted(found) and all(event.time >= 0 and 0 <= event.value <= 1 for event in found)


def test_notes_of_midi_are_events_by_its_tempo(tmp_path: Path) -> None:
    pytest.importorskip("mido")
    found = read_events(midi(tmp_path / "drums.mid", [(480, 127), (960, 64), (0, 0), (480, 127)]))
    assert found == EventFile((Event(0.5), Event(1.0, 64 / 127), Event(1.25)))  # a note of velocity 0 is none


def test_wrong_midi_is_refused_in_a_line(tmp_path: Path) -> None:
    pytest.importorskip("mido")
    file = midi(tmp_path / "drums.MID", [(480, 127)])
    whole = file.read_bytes()
    for cut in range(0, len(whole), 5):
        file.write_bytes(whole[:cut])
        assert "drums.MID is not a MIDI file that can be read" in refused(file)
    file.write_bytes(b"seconds\n1\n2\n3\n4\n")
    assert "MThd not found" in refused(file)
    assert "its ticks are not those of beats" in refused(midi(file, [(480, 127)], ticks=-6240))
    assert "drums.MID has no events" in refused(midi(file, [(480, 0)]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_midi_is_events_or_one_line(tmp_path: Path, data: st.DataObject) -> None:
    pytest.importorskip("mido")
    file = midi(tmp_path / "drums.mid", [(480, 127), (960, 64)])
    damaged = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(damaged)
    try:
        assert all(0 <= event.value <= 1 for event in read_events(file).events)
    except SourceError as error:
        assert "drums.mid" in str(error) and "\n" not in str(error)


def test_midi_needs_mido(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(SettingsError, match="MIDI needs mido: run `pip install mido`"):
        read_events(midi(tmp_path / "drums.mid", [(480, 127)]))
