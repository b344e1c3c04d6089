import logging
import re
import struct
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dreamvid.core.errors import SourceError
from dreamvid.core.lost import refuse_damage
from dreamvid.core.timing import frame_map
from dreamvid.core.types import Stream
from dreamvid.media import damage, decode, filters, probe, read
from dreamvid.media.ffmpeg import executable

from . import clips
from .conftest import Clip

FACTS: dict[str, dict[str, object]] = {
    "good.mp4": {"frames": 24, "rate": 25, "audio": (Stream("aac", marks="default"),), "kind": "video"},
    "late.mp4": {"frames": 24, "rate": 25},
    "two_tracks.mkv": {
        "audio": (Stream("flac", marks="default"), Stream("flac", "fra", number=1)),
        "subtitles": (Stream("subrip"),),
        "chapters": 2,
        "delay": 0,
    },
    "varying.mp4": {"frames": 14, "rate": 25},
    "varying.mkv": {"frames": 14, "rate": 25},
    "turned.mp4": {"frames": 24, "height": clips.WIDTH, "width": clips.HEIGHT},
    "mirrored.mp4": {"frames": 24, "filters": ""},
    "wide_pixels.mp4": {"frames": 24, "sar": Fraction(4, 3)},
    "cropped.mkv": {"frames": 24, "height": 80, "width": 144},
    "odd.mp4": {"frames": 24, "height": 91, "width": 161, "sar": 1},
    "interlaced.mp4": {"frames": 24, "filters": filters.DEINTERLACE},
    "ten_bits.mp4": {"frames": 24, "filters": ""},
    "hdr.mp4": {"frames": 4, "filters": f"{filters.TO_LIGHT['smpte2084']},{filters.TO_SDR}"},
    "clear.webm": {"frames": 6, "filters": filters.OVER_BLACK, "decoder": "libvpx-vp9"},
    "clear.mov": {"frames": 6, "filters": filters.OVER_BLACK},
    "moving.gif": {"frames": 6, "rate": 25, "kind": "video"},
    "av1.mp4": {"frames": 6},
    "ntsc.mkv": {"frames": 24, "rate": Fraction(30000, 1001)},
    "stream.ts": {"frames": 24, "rate": 25},
    "open_gop.mp4": {"frames": 24, "rate": 25},
    "edit_list.mp4": {"frames": 14, "rate": 25, "delay": 0},
    "bare.h264": {"frames": 24, "rate": 25, "delay": 0},
    "frames": {"frames": 6, "rate": 25, "kind": "folder"},
    "still.png": {"frames": 1, "kind": "still", "end": Fraction(1, 25)},
}


@pytest.mark.parametrize("name", FACTS)
def test_facts(name: str, clip: Clip) -> None:
    info = probe.probe(str(clip(name)))
    assert {key: getattr(info, key) for key in FACTS[name]} == FACTS[name]
    assert info.times[0] == 0
    assert abs(info.end * info.rate - len(frame_map(info.times, info.end, info.rate))) < Fraction(1, 2)
    assert set(frame_map(info.times, info.end, info.rate)) == set(range(info.frames))


def test_the_picture_begins_after_the_sound(clip: Clip) -> None:
    for name, priming in (("late.mp4", Fraction(0)), ("late.ts", Fraction(1024, 48000))):
        delay = probe.probe(str(clip(name))).delay
        assert abs(delay - priming - Fraction("0.517")) < Fraction(1, 10000)


def test_times_of_a_varying_rate(clip: Clip, shown: dict[str, list[int]]) -> None:
    for name in ("varying.mp4", "varying.mkv"):
        info = probe.probe(str(clip(name)))
        assert [round(time * 25) for time in info.times] == shown[name]


@pytest.mark.parametrize(
    "name", ["co:lon.mp4", "http:x.mp4", "-dash.mp4", "f_%04d.mp4", "quo'te\"s.mp4", "new\nline.mp4", "[a]*?.mp4"]
)
def test_any_name_is_a_name(name: str, clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(clip("good.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    info = probe.probe(name)
    assert clips.numbers(info, [0, 23]) == [0, 23]
    assert "\n" not in info.name


def test_jpegs_one_after_the_other_are_a_film(tmp_path: Path) -> None:
    for name in ("camera.mjpeg", "camera.MJPG"):
        info = probe.probe(str(clips.film(tmp_path / name, "-c:v", "mjpeg", "-q:v", "2", "-f", "mjpeg", count=5)))
        assert (info.kind, info.rate) == ("video", 25)
        assert clips.numbers(info) == list(range(5))


def test_so_are_some_that_ffmpeg_takes_for_a_pipe_of_stills(tmp_path: Path) -> None:
    path = tmp_path / "small.mjpg"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=128x72:r=15:d=0.4"]
    subprocess.run([executable(), "-v", "error", *picture, "-c:v", "mjpeg", "-f", "mjpeg", str(path)], check=True)
    info = probe.probe(str(path))
    assert (info.kind, info.frames, info.height, info.width) == ("video", 6, 72, 128)


def bad_sources(folder: Path, clip: Clip) -> dict[str, str]:
    """Sources that must be refused: path below `folder` -> what the error must say."""
    good = clip("good.mp4").read_bytes()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "header_lost.mp4").write_bytes(good[: len(good) * 6 // 10])
    (folder / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{clip('good.mp4')}'\n")
    (folder / "hls.mp4").write_text(f"#EXTM3U\n#EXTINF:2,\nfile://{clip('good.mp4')}\n#EXT-X-ENDLIST\n")
    (folder / "sdp.mp4").write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5999 RTP/AVP 96\n")
    (folder / "dangling.mp4").symlink_to("nowhere.mp4")
    (folder / "none").mkdir()
    clips.run("-i", str(clip("good.mp4")), "-vn", "-c", "copy", str(folder / "sound.mp4"))
    cover = ["-map", "0", "-map", "1", "-c:a", "flac", "-c:v", "copy", "-disposition:v", "attached_pic"]
    clips.run("-i", str(folder / "sound.mp4"), "-i", str(clip("still.png")), *cover, str(folder / "cover.flac"))
    clips.run("-i", str(clip("good.mp4")), "-c", "copy", str(folder / "whole.mkv"))
    whole = (folder / "whole.mkv").read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) * 6 // 10])
    small = clips.film(folder / "small.ts", *clips.X264, count=8).read_bytes()
    large = clips.film(folder / "large.ts", *clips.X264, count=8, size=(120, 200)).read_bytes()
    (folder / "grows.ts").write_bytes(small + large)
    for name, numbers in {"gap": (1, 2, 3, 5), "sizes": (1, 2)}.items():
        (folder / name).mkdir()
        for number in numbers:
            clips.film(
                folder / name / f"f_{number:03d}.png",
                "-frames:v",
                "1",
                count=1,
                size=(32 + 2 * number * (name == "sizes"), 48),
            )
    good = clips.film(folder / "plain.mp4", *clips.X264, count=4).read_bytes()
    (folder / "no_index.mp4").write_bytes(good[: good.rindex(b"moov") - 4])
    large = good.index(b"mdat")  # whose length has 8 bytes, as a film of more than 4 GB has it
    length = int.from_bytes(good[large - 4 : large], "big") + 8
    (folder / "no_index.mov").write_bytes(
        good[: large - 4] + struct.pack(">I4sQ", 1, b"mdat", length) + good[large + 4 : good.rindex(b"moov") - 4]
    )
    (folder / "unknown.mp4").write_bytes(good.replace(b"avc1", b"zzzz"))
    return {
        "missing.mp4": "no such file",
        "missing_%04d.png": "give the folder",
        "empty.mp4": "empty",
        "text.mp4": "cannot be opened as a video",
        "header_lost.mp4": "incomplete download or recording",
        "list.mp4": "playlist",
        "hls.mp4": "playlist",
        "sdp.mp4": "playlist",
        "dangling.mp4": "is a link to a file that does not exist",
        "none": "without images",
        "sound.mp4": "no video",
        "cover.flac": "cover picture",
        "no_index.mp4": "cannot be opened as a video or an image: its index is missing",
        "no_index.mov": "incomplete download or recording",
        "unknown.mp4": "in a codec that is not known here: convert it",
        "cut.mkv": "cut short|is damaged",
        "grows.ts": "size changes from 160x90 to 200x120 at frame 8",
        "gap": "f_004.png is missing",
        "sizes": "f_002.png is 48x36",
    }


def test_what_is_refused(clip: Clip, tmp_path: Path) -> None:
    for name, reason in bad_sources(tmp_path, clip).items():
        with pytest.raises(SourceError) as caught:
            probe.probe(str(tmp_path / name))
        message = str(caught.value)
        assert re.search(reason, message), message
        assert name in message
        assert "\n" not in message


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_damage_is_named_and_can_be_bridged(suffix: str, clip: Clip, tmp_path: Path) -> None:
    whole = tmp_path / f"whole{suffix}"
    clips.run("-i", str(clip("good.mp4")), "-an", "-c", "copy", "-movflags", "+faststart", str(whole))
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][10]  # between the keyframes 8 and 16
    if suffix == ".ts":  # a transport stream has a packet's bytes in parts, each with a header of its own
        at, size = len(data) * 47 // 100, 60
    else:
        at, size = packet.pos + packet.size // 4, packet.size // 2
    data[at : at + size] = bytes(size)
    path = tmp_path / f"spoiled{suffix}"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=rf"^spoiled{suffix}: frame \d+ of 24 is damaged; .*--tolerate-damage$"):
        probe.probe(str(path))
    info = probe.probe(str(path), tolerate_damage=True)
    assert info.frames == 24
    assert info.damaged
    assert set(info.damaged) <= set(range(8, 16))
    assert info.damaged[-1] == 15
    last_good = [max(good for good in range(number + 1) if good not in info.damaged) for number in range(24)]
    assert clips.numbers(info) == last_good
    some = [info.damaged[0] + 1, 17, 23]
    assert clips.numbers(info, some) == [last_good[number] for number in some]


def test_a_file_cut_short_ends_where_it_breaks_off(clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    data = clip("good.mkv").read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(SourceError, match=r"^cut\.mkv"):
        probe.probe(str(path))
    info = probe.probe(str(path), tolerate_damage=True)
    assert info.promised == 0  # Matroska does not say how many
    assert 8 < info.frames < 23
    good = [number for number in range(info.frames) if number not in info.damaged]
    assert clips.numbers(info, good) == good
    assert probe.probe(str(clip("good.mkv"))).promised is None


def test_frames_that_were_swallowed_are_missed_where_the_rate_is_constant() -> None:
    times = [Fraction(number, 25) for number in (0, 1, 2, 3, 4, 5, 8, 9, 10, 12)]
    assert damage.swallowed(times) == [Fraction(number, 25) for number in (6, 7, 11)]
    assert damage.swallowed([Fraction(number * number, 25) for number in range(9)]) == []
    assert damage.swallowed(times[:1]) == damage.swallowed([]) == []


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("https://example.com/a/clip.mp4", "; addresses are not read: download the file first"),
        ("rtsp://camera/1", "; addresses are not read: download the file first"),
        ("-", "; a pipe cannot be read: write it to a file first"),
        ("frame_%04d.png", "; give the folder that holds the images"),
        ("clip.mp4", ""),
        ("a:b/clip.mp4", ""),
    ],
)
def test_what_is_no_file_is_said_to_be_none(source: str, hint: str) -> None:
    with pytest.raises(SourceError, match=rf"there is no such file in [^;]*{hint}$"):
        probe.probe(source)


@pytest.mark.parametrize("tolerate", [False, True])
def test_an_encrypted_film_is_not_called_damaged(tolerate: bool, tmp_path: Path) -> None:
    keys = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "00" * 16, "-encryption_kid", "11" * 16]
    path = clips.film(tmp_path / "bought.mp4", *clips.X264, *keys, count=4)
    with pytest.raises(SourceError, match=r"^bought\.mp4 is encrypted"):
        probe.probe(str(path), tolerate_damage=tolerate)


@pytest.mark.parametrize("tolerate", [False, True])
def test_recordings_put_together_are_not_taken_for_the_first_of_them(
    tolerate: bool, clip: Clip, tmp_path: Path
) -> None:
    joined = tmp_path / "joined.ts"
    joined.write_bytes(clip("stream.ts").read_bytes() * 2)
    with pytest.raises(SourceError, match=r"^joined\.ts: its clock starts anew"):
        probe.probe(str(joined), tolerate_damage=tolerate)
    clips.run("-i", str(joined), "-c", "copy", str(tmp_path / "joined.mkv"))  # as the message says
    assert clips.numbers(probe.probe(str(tmp_path / "joined.mkv"))) == [*range(clips.COUNT)] * 2


@pytest.mark.parametrize("ahead", [0.2, 3.0])
def test_a_recording_cut_out_before_its_clock_overflows_is_one(ahead: float, tmp_path: Path) -> None:
    """The 33 bits of a time stamp; of such a beginning, ffmpeg tells times below zero."""
    wrap = ["-muxdelay", "0", "-output_ts_offset", f"{2**33 / 90000 - ahead:.6f}"]
    path = clips.film(tmp_path / "wraps.ts", *clips.X264, *wrap)
    data, packet = path.read_bytes(), 188
    path.write_bytes(data[len(data) // packet // 4 * packet :])  # it begins amid a group of pictures
    found = damage.find_damage(path)
    assert not found.restarts and found.lost
    info = probe.probe(str(path), tolerate_damage=True)
    shown = clips.numbers(info)
    assert shown[-1] == clips.COUNT - 1 and shown == sorted(shown)


def test_damage_counts_where_it_is_shown(clip: Clip, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mkv"
    data = clip("good.mkv").read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    info = probe.probe(str(cut), leave_damage=True)
    refuse_damage(info, range(8))
    for number in info.damaged:
        with pytest.raises(SourceError, match=rf"frame {number} of "):
            refuse_damage(info, [0, number])
    with pytest.raises(SourceError, match="is cut short: it ends after frame 9"):
        refuse_damage(replace(info, damaged=(), times=info.times[:10]), [9])


def test_a_film_whose_size_changes_is_read_once_it_is_brought_to_one(clip: Clip, tmp_path: Path) -> None:
    small = clips.film(tmp_path / "small.ts", *clips.X264, count=8, size=(60, 120))
    grows = tmp_path / "grows.ts"
    grows.write_bytes(small.read_bytes() + clip("stream.ts").read_bytes())
    with pytest.raises(SourceError, match="size changes from 120x60 to 160x90 at frame 8") as refused:
        probe.probe(str(grows))
    command = re.search(r"`ffmpeg (.*) one\.mkv`", str(refused.value))
    assert command is not None
    one = tmp_path / "one.mkv"
    clips.run(*command[1].replace("FILE", str(grows)).split(), str(one))  # as the message says
    info = probe.probe(str(one))
    assert (info.width, info.height, info.frames) == (160, 90, 8 + clips.COUNT)
    first = clips.images(info, [0])[0]
    assert first[:4].max() < 20 < first[40].max()  # bars above and below what is wider


def test_a_frame_of_which_a_decoder_only_says_that_it_is_torn_is_damaged(clip: Clip, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gif"
    data = clip("moving.gif").read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(SourceError, match="--tolerate-damage"):
        probe.probe(str(cut))
    info = probe.probe(str(cut), tolerate_damage=True)
    assert info.damaged == (info.frames - 1,)
    assert clips.numbers(info) == [*range(info.frames - 1), info.frames - 2]


def test_frames_before_the_first_good_one_show_that(tmp_path: Path) -> None:
    """A recording that begins without its keyframe: the picture stays in time with the sound."""
    whole, late = clips.film(tmp_path / "whole.mkv", *clips.X264), tmp_path / "late.mkv"
    clips.run("-i", str(whole), "-c", "copy", "-copyinkf", "-bsf:v", "noise=drop='lt(n,2)':amount=0", str(late))
    with pytest.raises(SourceError, match=r"frame 0 of .* is damaged"):
        probe.probe(str(late))
    info = probe.probe(str(late), leave_damage=True)
    lost = list(info.damaged)
    with pytest.raises(
        SourceError, match=rf"as all before frame {len(lost)} are: leave them out with --from 0\.[\d]+,"
    ):
        refuse_damage(info, range(info.frames))
    refuse_damage(info, range(len(lost), info.frames))
    assert lost == list(range(len(lost))) and lost
    shown = clips.numbers(info)
    assert set(shown[: len(lost) + 1]) == {8}  # the second keyframe
    assert shown[len(lost) :] == list(range(8, clips.COUNT))


@pytest.mark.parametrize("tolerate", [False, True])
def test_damage_in_an_avi_that_tells_no_times_is_said_to_be_nowhere(tolerate: bool, tmp_path: Path) -> None:
    whole = clips.film(tmp_path / "whole.avi", *clips.X264, "-bf", "2")
    assert clips.numbers(probe.probe(str(whole))) == [*range(clips.COUNT)]
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(SourceError, match=r"^cut\.avi is damaged, and does not tell which of its frames are"):
        probe.probe(str(cut), tolerate_damage=tolerate)


def test_every_healthy_packet_is_found_whole(clip: Clip) -> None:
    for name in ("good.mp4", "open_gop.mp4", "varying.mkv", "late.ts"):
        found = damage.find_damage(clip(name))
        assert not found.lost
        assert len(found.times) == probe.probe(str(clip(name))).frames


def test_identity_follows_the_bytes(clip: Clip, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip("good.mp4").read_bytes())
    assert probe.identity(copy) == probe.identity(clip("good.mp4"))
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(data)
    assert probe.identity(copy) != probe.identity(clip("good.mp4"))
    large = tmp_path / "large"
    large.write_bytes(bytes(5 << 20))
    before = probe.identity(large)
    with large.open("r+b") as file:
        file.seek(5 << 19)
        file.write(b"x")
    assert probe.identity(large) != before


def test_identity_of_a_folder_follows_every_byte(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    for number in range(2):
        (tmp_path / f"{number}.bmp").write_bytes(cv2.imencode(".bmp", noise)[1])
    before = probe.probe(str(tmp_path)).identity
    with (tmp_path / "0.bmp").open("r+b") as file:
        file.seek(100_000)
        old = file.read(1)
        file.seek(100_000)
        file.write(bytes([old[0] ^ 1]))
    assert probe.probe(str(tmp_path)).identity != before


def test_reading_holds_to_what_was_probed(clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "changes.mp4"
    path.write_bytes(clip("good.mp4").read_bytes())
    info = probe.probe(str(path))
    path.write_bytes(clip("varying.mp4").read_bytes())
    with pytest.raises(SourceError, match="frame 14 of 24 could not be decoded a second time"):
        list(read.read(info, clips.untouched(info), range(24)))


def test_two_frames_at_one_time_are_no_damage(tmp_path: Path) -> None:
    path = clips.film(tmp_path / "twice.mkv", "-bsf:v", "setts=ts=PTS-eq(N\\,9)*DURATION", *clips.X264, "-bf", "0")
    info = probe.probe(str(path))
    assert (info.frames, info.rate, info.damaged) == (24, 25, ())
    assert clips.numbers(info) == list(range(24))
    assert [time for n, time in enumerate(info.times) if n != 9] == [Fraction(n, 25) for n in range(24) if n != 9]


@pytest.mark.parametrize(
    ("rate", "scale", "count", "reason"),
    [
        (10**9, 1, 24, r"claims 1000000000 frames per second: at most 1000 are read"),
        (25, 1, 2 * 10**9, r"claims 2000000000 frames: at most 10000000 are read"),
    ],
)
def test_what_a_header_claims_is_bounded_before_decoding(
    rate: int, scale: int, count: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.film(tmp_path / "boast.avi", "-c:v", "mjpeg", count=4)
    data = bytearray(path.read_bytes())
    at = data.find(b"strh") + 28
    data[at : at + 8] = struct.pack("<II", scale, rate)
    data[at + 12 : at + 16] = struct.pack("<I", count)
    path.write_bytes(data)
    monkeypatch.setattr(decode, "decode", None)
    with pytest.raises(SourceError, match=rf"^boast\.avi {reason}"):
        probe.probe(str(path))


def test_a_film_of_a_frame_a_week_is_refused(tmp_path: Path) -> None:
    path = clips.film(tmp_path / "slow.avi", "-c:v", "mjpeg", count=4)
    data = bytearray(path.read_bytes())
    at = data.find(b"strh") + 28
    data[at : at + 8] = struct.pack("<II", 10**6, 1)
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"^slow\.avi shows 1e-06 frames per second: at least 0\.001 are read"):
        probe.probe(str(path))


@pytest.mark.parametrize(("sar", "believed"), [("1/4", True), ("10", True), ("1/12", False), ("20", False)])
def test_pixels_that_are_taken_as_square_are_said(
    sar: str, believed: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    film = clips.film(tmp_path / "a.mp4", *clips.X264, "-vf", f"setsar={sar}", count=2)
    with caplog.at_level(logging.INFO):
        info = probe.probe(str(film))
    assert info.sar == (Fraction(sar) if believed else 1)
    shape = "{0.numerator}:{0.denominator}".format(Fraction(sar))
    line = f"a.mp4 says that its pixels are {shape}: that is not believed, and they are taken as square"
    assert [record.getMessage() for record in caplog.records] == ([] if believed else [line])
