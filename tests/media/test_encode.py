import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dreamvid.core.timing import frame_map
from dreamvid.core.types import SourceInfo
from dreamvid.media import images, probe, subtitles, webp

from . import clips
from .clips import write
from .conftest import Clip

RATE = Fraction(25)


IS_ON = "subtitle track 1 is shown by players unless they are told otherwise (.mkv would leave it off)"
AS_MOV_TEXT = ["subtitle track 1 (subrip) becomes mov_text: mp4 does not keep it as it is", IS_ON]


def rendered(
    path: Path, output: Path, frames: range | None = None, **more: Any
) -> tuple[SourceInfo, SourceInfo, list[str]]:
    """Encodes a source's own frames (of a range), as a render without a dream would: source, film, notices."""
    source = probe.probe(str(path))
    shown = frame_map(source.times, source.end, source.rate)
    clip = None if frames is None else (frames.start / source.rate, frames.stop / source.rate)
    pictures = clips.images(source)
    chosen = [pictures[number] for number in (shown if frames is None else shown[frames.start : frames.stop])]
    beside = {"sar": source.sar, "delay": source.delay, "sound": source, "clip": clip}
    notices = write(output, chosen, source.rate, **beside)
    return source, probe.probe(str(output)), notices


def packets(path: Path, kind: str) -> list[tuple[float, float]]:
    """Begin and end of each packet of the first stream of a kind, in seconds."""
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        found = [packet for packet in container.demux(stream) if packet.pts is not None and packet.size]
        return sorted((float(p.pts * p.time_base), float((p.pts + p.duration) * p.time_base)) for p in found)


FILMS: list[tuple[str, dict[str, Any]]] = [
    ("a.mp4", {}),
    ("a.m4v", {}),
    ("a.mov", {}),
    ("a.mkv", {}),
    ("a.webm", {}),
    ("a.gif", {}),
    ("b.mp4", {"codec": "h265"}),
    ("c.mp4", {"codec": "av1", "crf": 40}),
    ("d.mp4", {"codec": "vp9", "crf": 0}),
    ("e.mov", {"codec": "prores"}),
    ("f.mkv", {"codec": "ffv1"}),
    ("g.mkv", {"pix_fmt": "yuv444p"}),
    ("h.mkv", {"pix_fmt": "bgr0", "crf": 0}),
    ("folder", {}),
    ("folder.frames", {"codec": "png"}),
]


@pytest.mark.parametrize(
    ("name", "codec"), FILMS, ids=[f"{name}-{'-'.join(map(str, codec.values()))}" for name, codec in FILMS]
)
def test_every_container_gives_its_frames_back(name: str, codec: dict[str, Any], tmp_path: Path) -> None:
    output = tmp_path / name
    frames = [clips.picture(number, 64, 96) for number in range(5)]
    assert write(output, frames, codec=codec) == []
    info = probe.probe(str(output))
    assert clips.numbers(info) == list(range(5))
    assert (info.rate, info.end, info.sar, info.delay) == (25, Fraction(1, 5), 1, 0)
    assert (info.height, info.width) == (64, 96)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_animated_webp(tmp_path: Path) -> None:
    output = tmp_path / "a.webp"
    write(output, [clips.picture(number // 2, 64, 96) for number in range(10)])  # equal frames in pairs
    data = output.read_bytes()
    assert webp.duration(data) == 400
    assert data[8:12] == b"WEBP"
    assert data[data.find(b"ANIM") + 12 : data.find(b"ANIM") + 14] == b"\0\0"  # for ever


# Numbers of the pictures, in order: where some are equal, an encoder may store them as one.
EQUAL = [[0] * 10, [0, 1, 2, 2, 2, 2], [0, 0, 0, 0, 1, 2], [0, 1, 1, 1, 1, 2], [0]]


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".mp4"])
@pytest.mark.parametrize("order", EQUAL, ids=str)
def test_equal_frames_are_shown_as_long(suffix: str, order: list[int], tmp_path: Path) -> None:
    output = tmp_path / f"a{suffix}"
    assert write(output, [clips.picture(number, 64, 96) for number in order], record='{"dreamvid":"text"}') == []
    info = probe.probe(str(output))
    assert info.end == Fraction(len(order), 25)
    shown = clips.numbers(info)
    assert [shown[number] for number in frame_map(info.times, info.end, RATE)] == order


def test_a_still_lasts_longer_than_one_frame_of_a_webp_can() -> None:
    still = images.encode(clips.picture(3, 64, 96), ".webp")
    data = webp.animated(still, (64, 96), Fraction(40_000_000))
    assert webp.duration(data) == 40_000_000
    assert webp.animated(data, (64, 96), Fraction(1)) == data


@pytest.mark.parametrize("name", ["x.mkv", "x.png"])
def test_lossless_is_bit_for_bit(name: str, tmp_path: Path) -> None:
    noise = [np.random.default_rng(seed).integers(0, 256, (37, 51, 3), dtype=np.uint8) for seed in range(3)]
    output = tmp_path / name if name.endswith(".mkv") else tmp_path / "folder"
    write(output, noise, codec={"codec": "ffv1" if name.endswith(".mkv") else "png"})
    for left, right in zip(clips.images(probe.probe(str(output))), noise, strict=True):
        np.testing.assert_array_equal(left, right)


def test_at_crf_0_only_the_colour_is_coarser(tmp_path: Path) -> None:
    frames = [np.random.default_rng(seed).integers(0, 256, (32, 48, 3), dtype=np.uint8) for seed in range(3)]
    output = tmp_path / "x.mp4"
    write(output, frames, codec={"crf": 0})
    raw = clips.run("-i", str(output), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    planes = np.frombuffer(raw, np.uint8).reshape(3, -1)
    for frame, plane in zip(frames, planes, strict=True):
        luma = 16 + 219 / 255 * frame @ np.array([0.2126, 0.7152, 0.0722])
        assert np.abs(plane[: 32 * 48].reshape(32, 48) - luma).max() < 0.52


def test_flat_colours_survive_within_two_levels(tmp_path: Path) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (250, 130, 20), (12, 12, 12)]
    frames = [np.full((32, 48, 3), colour, np.uint8) for colour in colours]
    output = tmp_path / "x.mp4"
    write(output, frames, codec={"crf": 0})
    for left, right in zip(clips.images(probe.probe(str(output))), frames, strict=True):
        assert np.abs(left.astype(int) - right).max() <= 2


def test_the_film_is_tagged_bt709(tmp_path: Path) -> None:
    output = tmp_path / "x.mp4"
    write(output, [clips.picture(0)])
    with av.open(str(output)) as container:
        frame = next(container.decode(video=0))
        assert (frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)
        assert frame.format.name == "yuv420p"


def test_odd_sides_get_a_pixel_like_their_neighbour(tmp_path: Path) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (31, 45, 3), dtype=np.uint8)
    notices = write(tmp_path / "x.mp4", [frame], codec={"crf": 0})
    assert notices == ["45x31 is padded to 46x32: yuv420p needs even sides"]
    raw = clips.run("-i", str(tmp_path / "x.mp4"), "-f", "rawvideo", "-pix_fmt", "gray", "-")
    luma = np.frombuffer(raw, np.uint8).reshape(32, 46)
    np.testing.assert_array_equal(luma[31], luma[30])
    np.testing.assert_array_equal(luma[:, 45], luma[:, 44])


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25, 2), Fraction(1), Fraction(240)])
@pytest.mark.parametrize("name", ["x.mp4", "x.mkv"])
def test_rates_are_exact(rate: Fraction, name: str, tmp_path: Path) -> None:
    write(tmp_path / name, [clips.picture(number, 32, 48) for number in range(7)], rate)
    info = probe.probe(str(tmp_path / name))
    assert (info.rate, info.frames) == (rate, 7)
    assert abs(info.end - 7 / rate) < Fraction(1, 500)


@pytest.mark.parametrize(
    "name", ["good.mp4", "late.mp4", "varying.mp4", "wide_pixels.mp4", "interlaced.mp4", "two_tracks.mkv"]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_a_source_is_its_film_is(
    name: str, suffix: str, clip: Clip, shown: dict[str, list[int]], tmp_path: Path
) -> None:
    source, film, notices = rendered(clip(name), tmp_path / f"film{suffix}")
    assert notices == (AS_MOV_TEXT if source.subtitles and suffix == ".mp4" else [])
    assert (film.rate, film.sar, film.height, film.width) == (source.rate, source.sar, source.height, source.width)
    assert abs(film.end - source.end) < 1 / source.rate
    assert abs(film.delay - source.delay) < Fraction(1, 500)
    order = frame_map(source.times, source.end, source.rate)
    assert clips.numbers(film) == [shown.get(name, list(range(source.frames)))[number] for number in order]
    assert [track.codec for track in film.audio] == [track.codec for track in source.audio]
    assert [track.language for track in film.audio] == [track.language for track in source.audio]
    if source.audio:
        assert clips.sound_md5(tmp_path / f"film{suffix}") == clips.sound_md5(clip(name))
    assert (len(film.subtitles), film.chapters) == (len(source.subtitles), source.chapters)


def test_every_frame_of_a_range_and_its_sound(clip: Clip, tmp_path: Path) -> None:
    for name in ("good.mp4", "late.mp4", "late.ts"):
        for suffix in (".mp4", ".mkv"):
            output = tmp_path / f"{name}{suffix}"
            source, film, _ = rendered(clip(name), output, range(6, 18))
            assert clips.numbers(film) == list(range(6, 18))
            sound = packets(output, "audio")
            assert 0 <= sound[0][0] <= 0.0225
            # The sound ends with the range, or with itself where that is earlier.
            end = min(Fraction(12, 25), Fraction(96, 100) - source.delay - Fraction(6, 25))
            assert abs(sound[-1][1] - float(end)) <= 0.0225 + 0.021
            assert film.delay <= Fraction(1, 40)


def test_subtitles_and_chapters_of_a_range(clip: Clip, tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        output = tmp_path / f"x{suffix}"
        _, film, notices = rendered(clip("two_tracks.mkv"), output, range(10, 19))
        assert notices == (AS_MOV_TEXT if suffix == ".mp4" else [])
        text = clips.run("-i", str(output), "-map", "0:s", "-f", "srt", "-").decode()
        assert re.findall(r"(\S+) --> (\S+)\n(\w+)", text.replace("\r", "")) == [
            ("00:00:00,000", "00:00:00,200", "hello"),
            ("00:00:00,300", "00:00:00,360", "again"),
        ]
        assert film.chapters == 2
        with av.open(str(output)) as container:
            ends = [float(chapter["end"] * chapter["time_base"]) for chapter in container.chapters()]
        assert ends == pytest.approx([0.08, 0.36], abs=0.002)


@pytest.mark.parametrize("frames", [None, range(10, 19)])
def test_what_players_choose_a_track_by_is_kept(frames: range | None, clip: Clip, tmp_path: Path) -> None:
    marks = ["-disposition:a:0", "0", "-disposition:a:1", "default+visual_impaired", "-disposition:s:0", "forced"]
    clips.run("-i", str(clip("two_tracks.mkv")), "-map", "0", "-c", "copy", *marks, str(tmp_path / "a.mkv"))
    source, film, _ = rendered(tmp_path / "a.mkv", tmp_path / "x.mkv", frames)
    assert [track.marks for track in source.audio] == ["", "default+visual_impaired"]
    assert (film.audio, film.subtitles) == (source.audio, source.subtitles)


def test_a_subtitle_track_that_ffmpeg_fails_on_is_said(clip: Clip, tmp_path: Path) -> None:
    source = probe.probe(str(clip("two_tracks.mkv")))
    absent = replace(source.subtitles[0], number=1)
    more = replace(source, subtitles=(*source.subtitles, absent))
    notices = write(tmp_path / "x.mkv", [clips.picture(0)], sound=more, clip=(Fraction(0), RATE / 625))
    assert notices == ["subtitle track 2 (subrip) is left out: ffmpeg cannot read it as text"]


@pytest.mark.parametrize(("suffix", "codec", "text"), [(".mov", "aac", "mov_text"), (".webm", "opus", "webvtt")])
@pytest.mark.parametrize("frames", [None, range(4, 20)])
def test_sound_and_text_that_a_container_cannot_hold(
    suffix: str, codec: str, text: str, frames: range | None, clip: Clip, tmp_path: Path
) -> None:
    _, film, notices = rendered(clip("two_tracks.mkv"), tmp_path / f"x{suffix}", frames)
    assert [track.codec for track in film.audio] == [codec, codec]
    tracks = {"sound track 1 (flac)": codec, "sound track 2 (flac)": codec, "subtitle track 1 (subrip)": text}
    changed = [f"{track} becomes {became}: {suffix[1:]} does not keep it as it is" for track, became in tracks.items()]
    assert notices == [*changed, *([IS_ON] if suffix == ".mov" else [])]
    length = 0.96 if frames is None else 0.64
    begin, end = packets(tmp_path / f"x{suffix}", "audio")[0][0], packets(tmp_path / f"x{suffix}", "audio")[-1][1]
    assert abs(end - length) < 0.03
    assert abs(begin) < 0.03
    assert len(film.subtitles) == 1


def test_styles_that_a_range_loses_are_said(tmp_path: Path) -> None:
    """A range is cut as SRT, which has none."""
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,800\nhello\n\n")
    more = ["-i", str(tmp_path / "s.srt")]
    source = clips.film(tmp_path / "a.mkv", "-map", "0", "-map", "1", *clips.X264, "-c:s", "ass", inputs=more)
    assert rendered(source, tmp_path / "whole.mkv")[2] == []
    assert rendered(source, tmp_path / "part.mkv", range(3, 12))[2] == [
        "subtitle track 1 (ass) becomes subrip: it is cut"
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("frames", [None, range(3, 12)])
def test_titles_of_tracks_stay(suffix: str, frames: range | None, clip: Clip, tmp_path: Path) -> None:
    """From Matroska, and then from what was made of it."""
    titled, first, again = tmp_path / "titled.mkv", tmp_path / f"first{suffix}", tmp_path / f"again{suffix}"
    named = ["-metadata:s:a:1", "title=Kommentar {}", "-metadata:s:s:0", "title=für alle"]
    clips.run("-i", str(clip("two_tracks.mkv")), "-map", "0", "-c", "copy", *named, str(titled))
    for source, film in ((titled, first), (first, again)):
        info = rendered(source, film, frames if source == titled else None)[1]
        assert [track.title for track in info.audio] == ["", "Kommentar {}"]
        assert [track.title for track in info.subtitles] == ["für alle"]


def test_what_no_film_gets_is_said_in_one_line(clip: Clip, tmp_path: Path) -> None:
    font, cover, source = tmp_path / "a.ttf", tmp_path / "cover.png", tmp_path / "a.mkv"
    font.write_bytes(bytes(3000))
    cover.write_bytes(images.encode(clips.picture(0), ".png"))
    attached = [
        *("-attach", str(font), "-metadata:s:t:0", "mimetype=font/ttf"),
        *("-attach", str(cover), "-metadata:s:t:1", "mimetype=image/png", "-metadata:s:t:1", "filename=cover.png"),
    ]
    clips.run("-i", str(clip("good.mp4")), "-map", "0", "-map", "0:v", "-c", "copy", *attached, str(source))
    for name in ("x.mp4", "x.mkv", "x.gif"):
        notices = rendered(source, tmp_path / name)[2]
        assert notices[0] == "left out of a.mkv: 1 further picture track (160x90), 1 cover picture, 1 attachment"
        assert len(notices) == (2 if name == "x.gif" else 1)


def test_of_an_animated_avif_nothing_is_said_to_be_left_out(tmp_path: Path) -> None:
    """It has a track of its frames, and another of the still that stands for them."""
    source = tmp_path / "walk.avif"
    first, *others = (Image.fromarray(clips.picture(number)) for number in range(3))
    first.save(source, save_all=True, append_images=others, duration=40)
    _, film, notices = rendered(source, tmp_path / "x.mp4")
    assert (film.frames, notices) == (3, [])


def test_a_timecode_is_said_and_titles_of_chapters_are_not(clip: Clip, tmp_path: Path) -> None:
    """Both are tracks of data in a MOV."""
    source, chapters = tmp_path / "a.mov", str(clip("two_tracks.mkv"))
    how = ["-map", "0", "-map_metadata", "1", "-c", "copy", "-timecode", "01:00:00:00", "-write_tmcd", "1"]
    clips.run("-i", str(clip("good.mp4")), "-i", chapters, *how, str(source))
    _, film, notices = rendered(source, tmp_path / "x.mp4")
    assert film.chapters == 2
    assert notices == ["left out of a.mov: 1 timecode track"]


def test_what_frames_hold_is_said_to_be_left_out(clip: Clip, tmp_path: Path) -> None:
    said = ["-metadata:s:v:0", "stereo_mode=left_right"]
    clips.run("-i", str(clip("good.mp4")), "-c", "copy", *said, str(tmp_path / "a.mkv"))
    _, _, notices = rendered(tmp_path / "a.mkv", tmp_path / "x.mkv")
    assert notices == ["left out of a.mkv: the view in 3D"]


def test_the_title_of_an_ogg_is_the_films_and_not_that_of_its_sound(clip: Clip, tmp_path: Path) -> None:
    """Its tags are those of its tracks."""
    how = ["-c:v", "libtheora", "-q:v", "9", "-c:a", "libvorbis", "-metadata", "title=A walk"]
    clips.run("-i", str(clip("good.mp4")), *how, str(tmp_path / "a.ogv"))
    source, film, _ = rendered(tmp_path / "a.ogv", tmp_path / "x.mkv")
    with av.open(str(tmp_path / "x.mkv")) as container:
        assert container.metadata["title"] == "A walk"
    assert [track.title for track in (*source.audio, *film.audio)] == ["", ""]


@pytest.mark.parametrize("name", ["x.gif", "x.webp", "folder"])
def test_where_no_sound_fits_it_is_said(name: str, clip: Clip, tmp_path: Path) -> None:
    source = probe.probe(str(clip("good.mp4")))
    notices = write(tmp_path / name, [clips.picture(0, 32, 48)], sound=source)
    assert len(notices) == 1
    home = {".gif": "gif", ".webp": "webp"}.get(Path(name).suffix, "a folder of images")
    assert notices == [f"left out of good.mp4: sound; {home} cannot contain that"]


@pytest.mark.parametrize(
    ("name", "codec", "notices"),
    [("x.mkv", "pcm_s16le", 0), ("x.mp4", "aac", 1), ("x.webm", "opus", 1), ("x.gif", None, 1), ("folder", None, 1)],
)
@pytest.mark.parametrize("beside", [True, False])
def test_another_sound_takes_the_place_of_the_sources_and_ends_with_the_film(
    name: str, codec: str | None, notices: int, beside: bool, clip: Clip, tmp_path: Path
) -> None:
    music = tmp_path / "music.wav"
    clips.run("-f", "lavfi", "-t", "3", "-i", "sine=440", f"file:{music}")
    source = probe.probe(str(clip("two_tracks.mkv"))) if beside else None
    said = write(tmp_path / name, [clips.picture(n) for n in range(24)], RATE, sound=source, music=music)
    film = probe.probe(str(tmp_path / name))
    assert [track.codec for track in film.audio] == ([codec] if codec else [])
    assert len([line for line in said if not line.startswith("subtitle track 1")]) == notices + (beside and not codec)
    if codec:
        assert packets(tmp_path / name, "audio")[0][0] == pytest.approx(0, abs=0.03)
        assert packets(tmp_path / name, "audio")[-1][1] == pytest.approx(0.96, abs=0.07)  # to the packet
        assert len(film.subtitles) == (1 if beside else 0)


def test_another_sound_shorter_than_the_film_leaves_the_rest_silent(tmp_path: Path) -> None:
    music = tmp_path / "music.wav"
    clips.run("-f", "lavfi", "-t", "0.4", "-i", "sine=440", f"file:{music}")
    write(tmp_path / "x.mp4", [clips.picture(n) for n in range(24)], RATE, music=music)
    assert probe.probe(str(tmp_path / "x.mp4")).frames == 24
    assert packets(tmp_path / "x.mp4", "audio")[-1][1] == pytest.approx(0.4, abs=0.05)


def test_the_same_frames_give_the_same_bytes(clip: Clip, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        rendered(clip("good.mp4"), tmp_path / name)
    assert clips.sha256(tmp_path / "a.mp4") == clips.sha256(tmp_path / "b.mp4")


def test_a_film_takes_the_place_of_an_old_one(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"old")
    write(tmp_path / "x.mp4", [clips.picture(1)])
    assert clips.numbers(probe.probe(str(tmp_path / "x.mp4"))) == [1]
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    write(folder, [clips.picture(number) for number in range(5)])
    write(folder, [clips.picture(number) for number in (3, 4)])
    assert sorted(path.name for path in folder.iterdir()) == ["000000.png", "000001.png", "notes.txt"]
    assert clips.numbers(probe.probe(str(folder))) == [3, 4]


def test_pictures_that_are_no_part_of_an_old_film_stay(tmp_path: Path) -> None:
    mine = ["000007.png", "20240131.png"]
    for name in mine:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / "000002.png").write_bytes(b"old")
    write(tmp_path, [clips.picture(number) for number in (3, 4)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000.png", "000001.png", *mine]
    assert all((tmp_path / name).read_bytes() == b"mine" for name in mine)


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    others = [".x.999999.part.mkv", ".x.mine.part.mp4", ".x.v2.999.part.mp4", ".y.999999.part.mp4"]
    for name in (".x.999999.part.mp4", *others):
        (tmp_path / name).write_bytes(b"torn")
    write(tmp_path / "x.mp4", [clips.picture(1)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [*others, "x.mp4"]


CUES = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 900)), max_size=8)


@given(cues=CUES, start=st.integers(0, 4000), length=st.one_of(st.none(), st.integers(1, 3000)))
def test_cut_subtitles_stay_within_the_range(cues: list[tuple[int, int]], start: int, length: int | None) -> None:
    def srt(spans: list[tuple[int, int, str]]) -> str:
        def stamp(time: int) -> str:
            return f"00:00:{time // 1000:02d},{time % 1000:03d}"

        return "\n".join(f"{n}\n{stamp(a)} --> {stamp(b)}\n{text}\n" for n, (a, b, text) in enumerate(spans, 1))

    stop = 10**6 if length is None else start + length
    spans = [(begin, begin + lasts, f"text {number}\nand more") for number, (begin, lasts) in enumerate(cues)]
    kept = [(max(a, start) - start, min(b, stop) - start, text) for a, b, text in spans if max(a, start) < min(b, stop)]
    end = None if length is None else Fraction(stop, 1000)
    assert subtitles.cut_srt(srt(spans), Fraction(start, 1000), end) == srt(kept)
