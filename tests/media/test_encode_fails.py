"""What goes wrong before, in and after an encode: nothing wrong is named, nothing is left behind."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvid.config.settings import OutputSettings
from dreamvid.core.errors import DreamvidError, JobError, SettingsError, ToolError
from dreamvid.core.types import Pixels
from dreamvid.media import encode, ffmpeg, formats, probe

from . import clips
from .clips import write
from .conftest import Clip


def wrong_frames(kind: str) -> Iterator[Pixels]:
    """Three frames where something goes wrong at the last."""
    yield clips.picture(0)
    yield clips.picture(1)
    if kind == "shape":
        yield clips.picture(2, 80, 160)
    elif kind == "type":
        yield clips.picture(2).astype(np.float32)  # type: ignore[misc]
    elif kind == "more":
        yield clips.picture(2)
        yield clips.picture(3)
    elif kind == "interrupt":
        raise KeyboardInterrupt


@pytest.mark.parametrize("output", ["x.mp4", "folder"])
@pytest.mark.parametrize("kind", ["shape", "type", "more", "fewer", "interrupt"])
def test_a_failure_leaves_nothing(kind: str, output: str, tmp_path: Path) -> None:
    film = encode.FilmSpec(size=(90, 160), rate=Fraction(25), count=3, settings=OutputSettings())
    trial_folder = tmp_path / "trial"
    trial = encode.rehearse(tmp_path / output, film, trial_folder, threads=1, notice=print)
    with pytest.raises(KeyboardInterrupt if kind == "interrupt" else ValueError):
        encode.encode(lambda: wrong_frames(kind), tmp_path / output, film, trial, threads=1, notice=print)
    assert list(tmp_path.iterdir()) == [trial_folder]


def test_an_encoder_that_dies_is_an_error_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ffmpeg.Ffmpeg.write

    def kills(self: ffmpeg.Ffmpeg, data: memoryview) -> None:
        self._process.kill()
        self._process.wait()
        plain(self, data)

    monkeypatch.setattr(ffmpeg.Ffmpeg, "write", kills)
    with pytest.raises(ToolError):
        write(tmp_path / "x.mp4", [clips.picture(number) for number in range(40)])
    assert list(tmp_path.iterdir()) == []


def test_a_track_that_ffmpeg_refuses_is_left_out_with_its_words(clip: Clip, tmp_path: Path) -> None:
    source = probe.probe(str(clip("good.mp4")))
    absent = replace(source.audio[0], number=1)
    lies = replace(source, audio=(*source.audio, absent))
    notices = write(tmp_path / "x.mp4", [clips.picture(0)], sound=lies)
    assert len(notices) == 1
    assert re.match(r"sound track 2 \(aac\) is left out: .*matches no streams", notices[0])
    assert len(probe.probe(str(tmp_path / "x.mp4")).audio) == 1


def test_an_encoder_that_refuses_is_quoted_before_the_first_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = encode.FilmSpec(size=(90, 160), rate=Fraction(25), count=3, settings=OutputSettings())
    monkeypatch.setattr(formats.Format, "arguments", lambda *_: ["-c:v", "libx264", "-profile:v", "none", "-f", "mp4"])
    with pytest.raises(ToolError, match=r"could not be written|the encoder stopped"):
        encode.rehearse(tmp_path / "x.mp4", film, tmp_path / "trial", threads=1, notice=print)
    assert not (tmp_path / "x.mp4").exists()


def test_tracks_that_fail_only_at_the_end_leave_a_film_without_them(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output, notices = probe.probe(str(clip("good.mp4"))), tmp_path / "x.mp4", list[str]()
    film = encode.FilmSpec((90, 160), Fraction(25), 3, OutputSettings(), sound=source)
    more: dict[str, Any] = {"threads": 1, "notice": notices.append}
    trial = encode.rehearse(output, film, tmp_path / "trial", **more)
    monkeypatch.setattr(encode.mux, "carried", lambda *_: encode.mux.Tracks([], ["-map", "1:a:5"], 1))
    encode.encode(lambda: [clips.picture(number) for number in range(3)], output, film, trial, **more)
    assert clips.numbers(probe.probe(str(output))) == [0, 1, 2]
    assert probe.probe(str(output)).audio == ()
    assert len(notices) == 1
    assert notices[0].startswith("sound, subtitles, chapters and tags are left out: ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGSTOP])
def test_ffmpeg_that_is_killed_or_stopped_costs_a_film_no_sound(
    kind: signal.Signals, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "x.mp4"
    film = encode.FilmSpec((90, 160), Fraction(25), 3, OutputSettings(), sound=probe.probe(str(clip("good.mp4"))))
    trial = encode.rehearse(output, film, tmp_path / "trial", threads=1, notice=print)
    plain, met = ffmpeg.Ffmpeg.finish, []

    def ended(self: ffmpeg.Ffmpeg) -> int:
        if not met:
            met.append(self)
            os.kill(self._process.pid, kind)
        return plain(self)

    monkeypatch.setattr(ffmpeg.Ffmpeg, "finish", ended)
    monkeypatch.setattr(ffmpeg, "PATIENCE", 1)
    frames = [clips.picture(number) for number in range(3)]
    with pytest.raises(ffmpeg.EndedError, match="run the command again"):
        encode.encode(lambda: frames, output, film, trial, threads=1, notice=print)
    assert not output.exists()
    encode.encode(lambda: frames, output, film, trial, threads=1, notice=print)
    assert len(probe.probe(str(output)).audio) == 1


def test_a_trial_film_that_is_gone_is_made_by_the_next_run(clip: Clip, tmp_path: Path) -> None:
    film = encode.FilmSpec((90, 160), Fraction(25), 1, OutputSettings(), sound=probe.probe(str(clip("good.mp4"))))
    more: dict[str, Any] = {"threads": 1, "notice": print}
    trial = encode.rehearse(tmp_path / "x.mp4", film, tmp_path / "trial", **more)
    assert trial is not None
    trial.unlink()
    with pytest.raises(ToolError, match="run again to resume"):
        encode.encode(lambda: [clips.picture(0)], tmp_path / "x.mp4", film, trial, **more)


def test_a_film_that_lost_frames_is_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ffmpeg.Ffmpeg.write
    seen: list[int] = []

    def loses(self: ffmpeg.Ffmpeg, data: memoryview) -> None:
        seen.append(0)
        if len(seen) != 3:
            plain(self, data)

    monkeypatch.setattr(ffmpeg.Ffmpeg, "write", loses)
    with pytest.raises(ToolError, match="holds 4 frames instead of 5"):
        write(tmp_path / "x.mp4", [clips.picture(number) for number in range(5)])
    assert list(tmp_path.iterdir()) == []


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("x.xyz", {}, r"cannot be written as \.xyz; use \.mp4"),
    ("x.mp5", {}, r"cannot be written as \.mp5; nearest: \.mp4; use \.mp4"),
    ("x.MKW", {}, r"cannot be written as \.mkw; nearest: \.mkv; use \.mp4"),
    ("x.mp4", {"codec": "prores"}, r"prores cannot be stored in \.mp4: use \.mov, \.mkv"),
    ("x.mp4", {"codec": "ffv1"}, r"ffv1 cannot be stored in \.mp4: use \.mkv"),
    ("x.webm", {"codec": "h264"}, r"cannot be stored in \.webm"),
    ("x.mp4", {"codec": "png"}, r"png cannot be stored in \.mp4: use a folder"),
    ("folder", {"codec": "h264"}, r"needs a file such as"),
    ("x.mp4", {"crf": 60}, r"h264 takes 0 .* to 51"),
    ("x.mov", {"codec": "prores", "crf": 3}, r"crf does not apply to prores"),
    ("x.gif", {"crf": 3}, r"crf does not apply to gif"),
    ("x.gif", {"pix_fmt": "rgb8"}, r"pix_fmt does not apply to gif"),
    ("folder", {"pix_fmt": "rgb24"}, r"pix_fmt does not apply to png"),
    ("x.mp4", {"pix_fmt": "yuv421p"}, r"yuv421p' does not apply to h264; nearest: yuv422p, yuv420p"),
    ("x.mov", {"codec": "prores", "pix_fmt": "yuv420p"}, r"does not apply to prores"),
    ("no/x.mp4", {}, r"no does not exist: create it"),
]


@pytest.mark.parametrize(("name", "codec", "reason"), REFUSED)
def test_what_cannot_be_written_is_refused_before_it_begins(
    name: str, codec: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=reason) as caught:
        encode.check(tmp_path / name, OutputSettings(**codec))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    for output, folder in ((tmp_path / "no.mp4", tmp_path), (tmp_path, tmp_path)):
        with pytest.raises(SettingsError, match=f"folder {re.escape(str(folder))} cannot be written to: Permission"):
            encode.check(output, OutputSettings())


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    notices = write(tmp_path / "x.gif", [clips.picture(0, 16, 16)], sar=Fraction(4, 3))
    assert notices == [
        "the picture will look distorted, as gif supports square pixels only: give a --size to keep its shape"
    ]


def test_rates_that_a_gif_cannot_show(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="at most 100"):
        write(tmp_path / "x.gif", [clips.picture(0, 16, 16)], Fraction(120))
    assert "too slowly" in write(tmp_path / "x.gif", [clips.picture(0, 16, 16)], Fraction(60))[0]


def test_what_a_format_cannot_hold_is_refused_before_it_begins(tmp_path: Path) -> None:
    told: list[str] = []
    what = {"settings": OutputSettings(), "notice": told.append}
    with pytest.raises(SettingsError, match="16383 pixels a side"):
        encode.check_film(tmp_path / "x.webp", size=(16, 16384), rate=Fraction(25), **what)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="at most 100"):
        encode.check_film(tmp_path / "x.gif", size=(16, 16), rate=Fraction(120), **what)  # type: ignore[arg-type]
    assert encode.check_film(tmp_path / "x.mp4", size=(15, 16), rate=Fraction(25), **what).codec == "h264"  # type: ignore[arg-type]
    assert told == ["16x15 is padded to 16x16: yuv420p needs even sides"]


@pytest.mark.parametrize("name", ["x.mp4", "folder"])
def test_an_output_that_another_program_has_open(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / name
    plain = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if output in (target, target.parent):
            raise PermissionError(13, "Access is denied")
        return plain(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(JobError, match="close the program") as caught:
        write(output, [clips.picture(1)])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif"])
def test_a_full_disk_is_no_fault_of_ffmpeg(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / f"full{suffix}"
    part.symlink_to("/dev/full")
    monkeypatch.setattr(encode, "part_of", lambda _: part)
    with pytest.raises(JobError, match="disk is full; free some space") as caught:
        write(tmp_path / f"x{suffix}", [clips.picture(number) for number in range(40)])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_one_still(suffix: str, tmp_path: Path) -> None:
    output = tmp_path / f"x{suffix}"
    encode.write_image(clips.picture(9), output)
    assert clips.numbers(probe.probe(str(output))) == [9]
    assert list(tmp_path.iterdir()) == [output]


def test_a_still_that_cannot_be_written(tmp_path: Path) -> None:
    for output in (tmp_path / "x.mp4", tmp_path / "no" / "x.png"):
        with pytest.raises(DreamvidError):
            encode.write_image(clips.picture(9), output)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_an_encoder_that_stands_still_is_ended_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(encode.Ffmpeg):
        def finish(self) -> int:
            os.kill(self._process.pid, signal.SIGSTOP)
            return super().finish()

    monkeypatch.setattr(ffmpeg, "PATIENCE", 1.0)
    monkeypatch.setattr(encode, "Ffmpeg", Stopped)
    with pytest.raises(ToolError, match="made no progress for 1 s and was stopped: run the command again"):
        clips.write(tmp_path / "x.mp4", [clips.picture(number) for number in range(4)])
    assert not list(tmp_path.iterdir())
