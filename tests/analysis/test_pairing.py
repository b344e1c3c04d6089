"""Which frames of a film show which of its source: told by records, by a time, or one by one; else refused."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from job_runs import decoded
from little import drifting, film, quick

from dreamvid import cli
from dreamvid.analysis.pairing import Opened, pair
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import SourceInfo
from dreamvid.jobs import run
from dreamvid.media.record import Record

SHA, OTHER = 64 * "a", 64 * "b"
ZERO = {"dream": {"steps": 0}, "coherence": {"steps": 0}, "output": {"codec": "ffv1"}}


def info(frames: int, rate: int = 12, sha: str = OTHER, **facts: Any) -> SourceInfo:
    times = tuple(Fraction(number, rate) for number in range(frames))
    return replace(SourceInfo("clip.mp4", "video", 48, 64, times, Fraction(frames, rate), Fraction(rate), sha), **facts)


def record(frames: int, start: int, rate: int = 12, **changes: Any) -> Record:
    """The record of a film of so many frames from frame `start` of a source of 24 frames at 12 a second."""
    shown = {"frames": frames, "rate": str(rate), "first": start, "start": f"{start}/12"}
    shown |= {"stop": str(Fraction(start, 12) + Fraction(frames, rate)), **changes.pop("film", {})}
    source = {"name": "clip.mp4", "sha256": SHA, "frames": 24, "rate": "12", "size": [48, 64]}
    table = {"dreamvid": "1", "render": 7, "command": "video", "settings": {}, "sources": [source], "nets": []}
    return Record.model_validate({**table, "film": shown, **changes})


def seen(source: Opened | SourceInfo, made: SourceInfo, its: Record | None = None, begins: float | None = None) -> Any:
    source = source if isinstance(source, Opened) else Opened("clip.mp4", source, None)
    return pair(source, Opened("film.mp4", made, its), begins)


SOURCE = info(24, sha=SHA)


def test_without_a_record_as_many_frames_are_paired_one_by_one() -> None:
    assert seen(SOURCE, info(24)).frames == {at: at for at in range(24)}
    assert seen(SOURCE, info(24, 25, kind="folder")).frames == {at: at for at in range(24)}
    uneven = info(6, times=tuple(Fraction(at, 12) for at in (0, 1, 2, 5, 6, 7)), end=Fraction(8, 12))
    assert seen(uneven, info(8)).frames == {0: 0, 1: 1, 2: 2, 3: 5, 4: 6, 5: 7}
    assert seen(SOURCE, info(12, 6)).frames == {2 * at + 1: at for at in range(12)}  # half the rate, all of it


@pytest.mark.parametrize(
    ("made", "its"),
    [
        (info(6), None),
        (info(30), None),
        (info(24, 24), None),  # as many, twice as fast: of half the source, or of all of it?
        (info(24, 6), None),
        (info(6, 25, kind="folder"), None),
        (info(5), record(6, 6)),  # cut since
        (info(6), record(6, 6, sources=[{**record(6, 6).sources[0].model_dump(), "sha256": OTHER, "frames": 99}])),
    ],
)
def test_what_cannot_be_paired_says_what_to_do(made: SourceInfo, its: Record | None) -> None:
    with pytest.raises(SettingsError, match=r"--from at which time of clip.mp4 it begins"):
        seen(SOURCE, made, its)


def test_a_time_says_where_a_film_begins() -> None:
    found = seen(SOURCE, info(6), begins=0.5)
    assert found.frames == {6 + at: at for at in range(6)} and found.clip == (Fraction(1, 2), Fraction(1))
    assert found.note == "shows 0.50 to 1.00 s of clip.mp4"
    assert seen(SOURCE, info(6, 25, kind="folder"), begins=0.5).frames == found.frames
    assert list(seen(SOURCE, info(3, 6), begins=0.5).frames) == [7, 9, 11]
    with pytest.raises(SettingsError, match=r"would show 1.75 to 2.25 s of clip.mp4, which lasts 2.00 s"):
        seen(SOURCE, info(6), begins=1.75)


def test_a_record_says_which_frames_a_film_shows() -> None:
    assert seen(SOURCE, info(6), record(6, 6)).frames == {6 + at: at for at in range(6)}
    assert list(seen(SOURCE, info(3, 6), record(3, 6, 6)).frames) == [7, 9, 11]
    assert seen(info(24), info(6), record(6, 6)).frames == {6 + at: at for at in range(6)}  # a copy of the source
    assert seen(SOURCE, info(1, 25, kind="still"), record(1, 7, command="image")).frames == {7: 0}
    folder = info(24, 25, SHA, kind="folder")
    its = record(6, 6, 6, film={"start": "1"}, sources=[{**record(6, 6).sources[0].model_dump(), "rate": "6"}])
    assert seen(folder, info(6, 6), its).frames == {6 + at: at for at in range(6)}


def test_a_loop_is_compared_where_it_shows_the_source_alone() -> None:
    of_loop = {"cycle": 10, "mixed": 3, "stop": str(Fraction(18, 12))}
    found = seen(SOURCE, info(20), record(20, 8, film=of_loop))
    assert found.frames == {8 + at: at for at in range(3, 10)}


def test_films_of_one_source_are_compared_with_one_another() -> None:
    zero = Opened("zero.mkv", info(12), record(12, 4))
    assert seen(zero, info(12), record(12, 4)).frames == {at: at for at in range(12)}
    assert seen(zero, info(6), record(6, 6)).frames == {2 + at: at for at in range(6)}
    with pytest.raises(SettingsError, match=r"film.mp4 shows 0.00 to 0.50 s of clip.mp4, zero.mkv only 0.33 to 1.33 s"):
        seen(zero, info(6), record(6, 0))
    with pytest.raises(SettingsError, match="at other rates"):
        seen(zero, info(3, 6), record(3, 6, 6))
    flight = record(12, 0, command="zoom")
    assert len(seen(Opened("zero.mkv", info(12), flight), info(12), flight).frames) == 12
    with pytest.raises(SettingsError, match=r"is a flight.*dream.steps=0"):
        seen(SOURCE, info(12), flight)


def test_the_picture_is_framed_as_it_was_and_padding_taken_off() -> None:
    its = record(24, 0, settings={"input": {"size": "40x31", "fit": "pad"}})
    found = seen(SOURCE, info(24, height=32, width=40), its)
    assert found.framing.inner == (30, 40) and found.framing.size == found.cropped.size == (31, 40)
    scaled = seen(SOURCE, info(24, height=96, width=128), its)
    assert scaled.framing.size == (96, 128)


@pytest.fixture
def trimmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_net: None) -> Path:
    """A clip of 12 frames, and a film without a step of its frames 5 to 10."""
    monkeypatch.chdir(tmp_path)
    clip = film(tmp_path / "clip.mp4", drifting(12))
    run.dream_video(str(clip), tmp_path / "zero.mkv", quick(input={"frames": "5:11"}, **ZERO))
    return tmp_path


def test_a_trimmed_film_without_a_step_is_its_source(trimmed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["compare", "clip.mp4", "zero.mkv", "--json", "--quiet"]) == 0
    (result,) = json.loads(capfd.readouterr().out)["films"]
    steady = result["stability"]
    assert result["frames"] == 6 and steady["layer_rms"] < 0.5
    assert steady["incoherence_1"] is None and steady["warp_error"] == steady["warp_error_source"]
    assert result["gain"]["mean"] == pytest.approx(1)
    assert result["contract"]["broken"] == []
    assert result["note"] == "shows 0.42 to 0.92 s of clip.mp4"


def test_options_come_before_the_record(trimmed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = decoded(trimmed / "zero.mkv")
    for options, frames in (((), 6), (("--from", "0.25"), 6)):
        assert cli.run(["compare", "clip.mp4", "zero.mkv", "--json", "--quiet", *options]) == 0
        (result,) = json.loads(capfd.readouterr().out)["films"]
        assert result["frames"] == frames == len(before)
    assert result["stability"]["layer_rms"] > 2  # two frames off
    assert cli.run(["compare", "clip.mp4", "zero.mkv", "--quiet", "--layer", "first"]) == 0
    assert cli.run(["compare", "clip.mp4", "zero.mkv", "--quiet", "--from", "half"]) == 2
    assert "'half' is not a time" in capfd.readouterr().err
