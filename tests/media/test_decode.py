"""Facts and errors of a full decode, whatever way ffmpeg's threads weave their words."""

from fractions import Fraction
from pathlib import Path

import pytest

from dreamvid.core.errors import ToolError
from dreamvid.media import decode, ffmpeg, probe

from . import clips
from .conftest import Clip

FRAME = "[Parsed_showinfo_0 @ 0x7f] [info] n:  17 pts:   1583 pts_time:1.583 duration:     83 duration_time:0.083 "
FRAME += "fmt:yuv420p cl:left sar:0/1 s:128x96 i:P iskey:0 type:P "
COLOUR = "[Parsed_showinfo_0 @ 0x7f] [info] color_range:tv"


def heard(*lines: str) -> decode.Decoded:
    seen = decode.Decoded()
    for line in lines:
        seen.hear(line)
    return seen


def test_whole_lines_are_not_woven() -> None:
    seen = heard(FRAME, f"{COLOUR} color_space:bt709 color_primaries:bt709 color_trc:bt709", "[info] other")
    assert (len(seen.times), seen.colours, seen.woven) == (1, [(decode.Colours("yuv420p", *["bt709"] * 3), 0)], False)


def test_what_frames_hold_besides_pixels_is_heard_once(clip: Clip, tmp_path: Path) -> None:
    kinds = ("ATSC A53 Part 4 Closed Captions: (3 bytes)", "Spherical Mapping: equirectangular", "Stereo 3D: type - 2D")
    seen = heard(*(f"[Parsed_showinfo_0 @ 0x7f] [info]   side data - {kind}" for kind in kinds * 2))
    assert (seen.beside, seen.woven) == (("closed captions", "the view all around (360 degrees)"), False)
    deep = tmp_path / "deep.mkv"
    clips.run("-i", str(clip("good.mp4")), "-c", "copy", "-metadata:s:v:0", "stereo_mode=left_right", str(deep))
    assert probe.probe(str(deep)).beside == ("the view in 3D",)


@pytest.mark.parametrize(
    "lines",
    [
        (f"{FRAME}File ended prematurely", "[Parsed_showinfo_0 @ 0x7f] [info] "),
        (f"{COLOUR}File ended prematurely", "[Parsed_showinfo_0 @ 0x7f] [info]  color_space:bt709"),
    ],
)
def test_words_of_another_thread_within_a_line_are_noticed(lines: tuple[str, ...]) -> None:
    assert heard(*lines).woven


def test_the_clock_is_heard_behind_a_message_that_ends_without_a_line(clip: Clip, tmp_path: Path) -> None:
    words = "If you want to help, contact the list. (list@example.org)config in time_base: 1/12800, frame_rate: 25/1"
    assert heard(words, FRAME).times == [Fraction(1583, 12800)]
    turned = tmp_path / "turned.mp4"  # by an angle of which ffmpeg warns so
    clips.run("-display_rotation", "3", "-i", str(clip("good.mp4")), "-c", "copy", str(turned))
    assert probe.probe(str(turned)).end == Fraction(clips.COUNT, 25)


def test_wherever_a_file_breaks_off_its_damage_is_found(tmp_path: Path) -> None:
    whole = clips.film(tmp_path / "whole.mkv", *clips.X264, count=24).read_bytes()
    cut = tmp_path / "cut.mkv"
    for number in range(12):
        cut.write_bytes(whole[: len(whole) * (60 + 3 * number) // 100])
        assert probe.probe(str(cut), tolerate_damage=True).promised is not None, number


def test_an_error_that_was_woven_in_is_heard_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every message came in the midst of a line."""
    whole = clips.film(tmp_path / "whole.mkv", *clips.X264, count=24).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 3 // 4])
    hear = decode.Decoded.hear

    def weave(seen: decode.Decoded, line: str) -> None:
        hear(seen, line)
        seen.woven = True

    monkeypatch.setattr(decode.Decoded, "hear", weave)
    assert any("prematurely" in error for error in decode.decode(tmp_path / "cut.mkv").errors)


def test_ffmpeg_that_is_killed_while_probing_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.film(tmp_path / "whole.mkv", *clips.X264, count=24)

    class Killed(decode.Ffmpeg):
        def __enter__(self) -> ffmpeg.Ffmpeg:
            self._process.kill()
            return super().__enter__()

    monkeypatch.setattr(decode, "Ffmpeg", Killed)
    with pytest.raises(ToolError, match=r"^ffmpeg was ended from outside \(SIGKILL\)"):
        probe.probe(str(path), tolerate_damage=True)
