"""Files that are cut short, damaged, empty, of another kind than their name says, or lists of other files."""

import os
from pathlib import Path

import numpy as np
from media.clips import run
from PIL import Image

from odd.case import Film, Refused, case
from odd.making import AAC, X264, cut_off, encode, pictures, url, with_sound
from odd.picture import COUNT, picture


@case("cut_header.mp4", Refused("may be an incomplete download"))
def without_header(path: Path) -> None:
    """The camera died: the index, which comes last, is missing."""
    with_sound(path)
    cut_off(path, 0.6)


CUT = {"cut_faststart.mp4": ("-movflags", "+faststart"), "cut.mkv": (), "cut.webm": (), "cut.flv": ()}
for name, how in CUT.items():

    @case(name, Refused("--tolerate-damage"))
    def shortened(path: Path, how: tuple[str, ...] = how) -> None:
        if path.suffix == ".webm":
            video: tuple[str, ...] = (
                "-c:v",
                "libvpx-vp9",
                "-deadline",
                "realtime",
                "-crf",
                "20",
                "-b:v",
                "0",
                "-g",
                "8",
            )
            with_sound(path, "-c:a", "libopus", video=video)
        else:
            with_sound(path, *AAC, *how)
        cut_off(path, 0.6)


@case("cut.avi", Refused("does not tell which"))
def shortened_avi(path: Path) -> None:
    """B-frames of H.264 in AVI: its times are those of packets, in the order in which they are decoded."""
    with_sound(path)
    cut_off(path, 0.6)


CUT_BETWEEN = {
    "cut.wmv": (("-c:v", "wmv2"), ("-c:a", "wmav2")),
    "cut.mxf": (("-c:v", "mpeg2video", "-pix_fmt", "yuv422p"), ("-c:a", "pcm_s16le")),
    "cut_fragments.mp4": (X264, (*AAC, "-movflags", "+frag_keyframe+empty_moov")),
}
for name, hows in CUT_BETWEEN.items():

    @case(name, Refused("--tolerate-damage"))
    def shortened_silently(path: Path, hows: tuple[tuple[str, ...], tuple[str, ...]] = hows) -> None:
        """No decoder misses a thing."""
        with_sound(path, *hows[1], video=hows[0])
        cut_off(path, 0.6)


@case("cut_divx.avi", Refused("--tolerate-damage"))
def shortened_divx(path: Path) -> None:
    with_sound(path, video=("-c:v", "mpeg4", "-bf", "2", "-q:v", "2"))
    cut_off(path, 0.6)


@case("cut.ts", Film(shows=(*range(12), 11, 13), sound=1, beeps=(0.2,)))
def shortened_stream(path: Path) -> None:
    """A broadcast has no end that could be missing: what came is the film. Frame 12, a B-frame, did not come."""
    with_sound(path)
    cut_off(path, 0.6)


@case("cut.mkv", Film(shows=(*range(8),), code=8), "--tolerate-damage", name="cut.mkv tolerated")
def tolerated(path: Path) -> None:
    """It ends with the last frame that is whole."""
    encode(path)
    cut_off(path, 0.6)


@case("damaged.mp4", Refused("damaged"))
def damaged(path: Path) -> None:
    with_sound(path, *AAC, "-movflags", "+faststart")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    random = np.random.default_rng(5)
    for place in range(12):
        at = start + round((len(data) - start) * (0.35 + 0.02 * place))
        data[at : at + 40] = random.integers(0, 256, 40, dtype=np.uint8).tobytes()
    path.write_bytes(bytes(data))


@case("zeros.mp4", Refused("damaged"))
def zeros(path: Path) -> None:
    """A disk that was full, or a download that was not finished: the middle is all 0."""
    encode(path, *X264, "-movflags", "+faststart")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    path.write_bytes(bytes(data))


@case("tail.mp4", Film())
def tail(path: Path) -> None:
    """Bytes behind its end."""
    encode(path)
    path.write_bytes(path.read_bytes() + b"\0" * 1000)


@case("head.ts", Film())
def head(path: Path) -> None:
    """A recording that begins in the middle of a packet."""
    encode(path)
    path.write_bytes(b"\x12\x34" * 30 + path.read_bytes())


OTHERS = {
    "empty.mp4": (b"", "empty"),
    "text.mp4": (b"this is not a video\n" * 200, "cannot be opened as a video"),
    "zeros_only.mp4": (bytes(5000), "cannot be opened as a video"),
    "page.html.mp4": (b"<!DOCTYPE html><html><body>404</body></html>" * 20, "cannot be opened as a video"),
    "page.mp4": (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "playlist"),
    "list.m3u8": (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
        "playlist",
    ),
    "list.mp4": (b"ffconcat version 1.0\nfile good.mp4\n", "playlist"),
    "session.sdp": (b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5999 RTP/AVP 96\n", "playlist"),
    "list.pls": (b"[playlist]\nFile1=good.mp4\n", "playlist"),
    "dash.mpd": (b"<?xml version='1.0'?><MPD></MPD>", "playlist"),
    "archive.zip": (b"PK\3\4" + bytes(600), "cannot be opened as a video"),
    "download.mp4.part": (bytes(range(256)) * 20, "cannot be opened as a video"),
    "index.mp4.txt": (b"GIF", "cannot be opened as a video"),
    "moov.mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08free", "cannot be opened as a video"),
    "riff.avi": (b"RIFF\x10\0\0\0AVI LIST" + bytes(8), "cannot be opened as a video"),
    "few.mkv": (b"\x1aE\xdf\xa3", "cannot be opened as a video"),
}
for name, (data, word) in OTHERS.items():
    case(name, Refused(word))(lambda path, data=data: path.write_bytes(data))
case("missing.mp4", Refused("no such file"))(lambda path: None)
case("folder.mp4", Refused("without images"))(lambda path: path.mkdir())
case("link.mp4", Refused("link"))(lambda path: path.symlink_to("nowhere.mp4"))
case("loop.mp4", Refused("loop.mp4"))(lambda path: path.symlink_to("loop.mp4"))
case("pipe.mp4", Refused("regular file"))(os.mkfifo)


@case("link_to_clip.mp4", Film())
def link(path: Path) -> None:
    encode(path.with_name("real.mp4"))
    path.symlink_to("real.mp4")


@case("png.mp4", Refused("dreamvid image"))
def png_as_mp4(path: Path) -> None:
    Image.fromarray(picture(1)).save(path, "PNG")


@case("photo.jpg", Refused("dreamvid image"))
def photo(path: Path) -> None:
    Image.fromarray(picture(1)).save(path)


@case("mp4_called.avi", Film(sound=1))
def wrong_suffix(path: Path) -> None:
    with_sound(path.with_name("a.mp4"))
    path.with_name("a.mp4").rename(path)


@case("mp4_called.jpg", Film(sound=1))
def wrong_kind(path: Path) -> None:
    wrong_suffix(path)


@case("mp4_called.txt", Film(sound=1))
def no_kind(path: Path) -> None:
    wrong_suffix(path)


@case("gif_called.mp4", Film(fidelity=28))
def gif_as_mp4(path: Path) -> None:
    """As web sites deliver them."""
    encode(path.with_name("a.gif"), "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse")
    path.with_name("a.gif").rename(path)


@case("grows.ts", Refused("size changes"))
def grows(path: Path) -> None:
    encode(path)
    small = path.read_bytes()
    encode(path, shown=[picture(number, 144, 240) for number in range(COUNT)])
    path.write_bytes(small + path.read_bytes())


@case("unknown_codec.mp4", Refused("codec that is not known"))
def unknown_codec(path: Path) -> None:
    encode(path)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))


@case("locked.mp4", Refused("is encrypted"))
def encrypted(path: Path) -> None:
    """As bought films are."""
    encode(
        path, *X264, "-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "00" * 16, "-encryption_kid", "11" * 16
    )


@case("no_frames.mp4", Refused("no_frames.mp4"))
def no_frames(path: Path) -> None:
    encode(path.with_name("a.mp4"))
    run("-i", url(path.with_name("a.mp4")), "-c", "copy", "-frames:v", "0", url(path))


@case("huge.mp4", Film(shows=(0, 1), size=(160, 160)), "--size", "160x")
def huge(path: Path) -> None:
    """200 MB per frame, of a few kB."""
    shown = [np.ascontiguousarray(np.resize(image, image.shape)) for image in pictures(2)]
    encode(
        path,
        "-vf",
        "scale=6400:6400:flags=neighbor:out_color_matrix=bt709",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-crf",
        "20",
        "-pix_fmt",
        "yuv420p",
        shown=shown,
    )


@case("too_large.mkv", Refused("at most 16384"))
def too_large(path: Path) -> None:
    encode(path, "-vf", "scale=20000:16:flags=neighbor", "-c:v", "ffv1", "-pix_fmt", "yuv420p", shown=pictures(1))


@case("jobs.toml", Refused("*.mp4", code=7), name="batch of nothing", command="batch", output="a.mp4")
def batch_of_nothing(path: Path) -> None:
    path.write_text('[[job]]\nsource = "clips/*.mp4"\noutput = "{stem}-dream.mp4"\n')
