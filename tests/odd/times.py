"""Films whose frames come at odd times: varying, missing, doubled, cut, shifted, or far from 0."""

from fractions import Fraction
from pathlib import Path

import av
from media.clips import run

from odd.case import ALL, Film, Refused, case, cases
from odd.making import AAC, MS, X264, beeps, encode, held, pictures, stamped, url, with_sound
from odd.picture import COUNT, picture

EVEN = [40 * number for number in range(COUNT)]
HEARD = Film(sound=1)
IN_BOTH = ("", "film.mp4")
SLOWING = [number for number in range(COUNT) if number < 8 or (number < 16 and number % 2 == 0) or number % 4 == 0]
SLOWED = held([(number, number / 25) for number in SLOWING], 0.84, 25)
SELECT = "select='lt(n,8)+between(n,8,15)*not(mod(n,2))+gte(n,16)*not(mod(n,4))'"
SCREEN = [0, 200, 233, 267, 300, 900, 933, 960]  # ms: a screen recorder writes what changes
SCREENED = [(n, ms / 1000) for n, ms in enumerate(SCREEN)]


@cases("varying.mp4", Film(shows=SLOWED), ("", "film.webm"))
def varying(path: Path) -> None:
    encode(path, "-vf", SELECT, "-fps_mode", "passthrough", *X264, "-bf", "0")


@case("varying.mkv", Film(shows=SLOWED))
def varying_in_ms(path: Path) -> None:
    encode(path, "-vf", SELECT, "-fps_mode", "passthrough", *X264, "-bf", "0")


@case("screen.mkv", Film(shows=held(SCREENED, 1.0, 30), rate="30"))
def screen(path: Path) -> None:
    stamped(path, SCREEN)


@case("jitter.mkv", Film())
def jitter(path: Path) -> None:
    """As phones write them: every time stamp is off by up to 5 ms."""
    stamped(path, [40 * n + (n * 7 % 11) - 5 * (n > 0) for n in range(COUNT)])


@case("long_first.mkv", Film(shows=(0,) * 25 + tuple(range(1, COUNT))))
def long_first(path: Path) -> None:
    """A first frame that stays for a second."""
    stamped(path, [0, *(960 + 40 * n for n in range(1, COUNT))])


@case("twice_at_once.mkv", Film())
def twice_at_once(path: Path) -> None:
    """Two frames at one time, and the next comes late."""
    stamped(path, [*EVEN[:10], EVEN[9] + 1, *EVEN[11:]])


@case("all_at_zero.nut", Film())
def all_at_zero(path: Path) -> None:
    """No time stamps worth the name: those of a raw stream."""
    encode(path, *X264, "-bf", "0", "-bsf:v", "setts=pts=N:dts=N:time_base=1/25")


@case("no_stamps.avi", Film())
def no_stamps(path: Path) -> None:
    """H.264 with B-frames in AVI, which has no time stamps."""
    encode(path, *X264, "-bf", "3")


@cases("late_picture.mp4", HEARD, IN_BOTH)
def late_picture(path: Path) -> None:
    encode(path.with_name("v.mp4"))
    sound = beeps(path.with_name("a.wav"), (0.6, 1.0), 1.36)
    run("-itsoffset", "0.4", "-i", url(path.with_name("v.mp4")), "-i", url(sound), "-c:v", "copy", *AAC, url(path))


@cases("late_picture.mkv", HEARD, IN_BOTH)
def late_picture_mkv(path: Path) -> None:
    late_picture(path)


@cases("late_picture.ts", HEARD, IN_BOTH)
def late_picture_ts(path: Path) -> None:
    late_picture(path)


@cases("late_sound.mp4", HEARD, IN_BOTH)
def late_sound(path: Path) -> None:
    encode(path.with_name("v.mp4"))
    sound = beeps(path.with_name("a.wav"), (0.05, 0.45), 0.8)
    run("-i", url(path.with_name("v.mp4")), "-itsoffset", "0.15", "-i", url(sound), "-c:v", "copy", *AAC, url(path))


@cases("late_sound.mkv", HEARD, IN_BOTH)
def late_sound_mkv(path: Path) -> None:
    late_sound(path)


@cases("starts_at_100.mkv", HEARD, IN_BOTH)
def starts_late(path: Path) -> None:
    with_sound(path, *AAC, "-output_ts_offset", "100")


@case("starts_at_100.mp4", HEARD)
def starts_late_mp4(path: Path) -> None:
    with_sound(path, *AAC, "-output_ts_offset", "100")


@cases("wraps.ts", HEARD, IN_BOTH)
def wraps(path: Path) -> None:
    """The 33 bits of a time stamp overflow in the middle of the clip."""
    with_sound(path, *AAC, "-muxdelay", "0", "-output_ts_offset", f"{2**33 / 90000 - 0.5:.6f}")


TWO = Film(shows=ALL * 2, sound=1, beeps=(0.2, 0.6, 1.16, 1.56))


@case("joined.ts", Refused("starts anew"))
@case("joined.ts", Refused("starts anew"), "--tolerate-damage", name="joined.ts tolerated")
def joined(path: Path) -> None:
    """Two recordings put together with cat, so that time starts anew."""
    with_sound(path, *AAC, "-mpegts_flags", "resend_headers")
    path.write_bytes(path.read_bytes() * 2)


@cases("joined.mp4", TWO, IN_BOTH)
def joined_mp4(path: Path) -> None:
    """Two clips joined by ffmpeg without encoding them again."""
    with_sound(path.with_name("a.mp4"))
    path.with_name("list.txt").write_text("file a.mp4\nfile a.mp4\n")
    run("-f", "concat", "-i", url(path.with_name("list.txt")), "-c", "copy", url(path))


TAIL = tuple(range(10, COUNT))


@cases("edited.mp4", Film(shows=TAIL, sound=1, beeps=(0.2,)), IN_BOTH)
def cut(path: Path) -> None:
    """Cut without encoding, between keyframes: an edit list hides what comes before."""
    with_sound(path.with_name("whole.mp4"))
    run("-ss", "0.4", "-i", url(path.with_name("whole.mp4")), "-c", "copy", url(path))


@cases("good.mp4", Film(shows=ALL[4:20], sound=1, beeps=(0.04, 0.44)), IN_BOTH, "--frames", "4:20", name="a range")
def a_range(path: Path) -> None:
    with_sound(path)


@cases(
    "good.mp4",
    Film(shows=ALL[4:20], sound=1, beeps=(0.04, 0.44)),
    ("film.webm", "film.mov"),
    "--from",
    "0.16",
    "--to",
    "0.8",
    name="a range in seconds",
)
def a_range_in_seconds(path: Path) -> None:
    with_sound(path)


@case("edited.mov", Film(shows=(*ALL[15:], *ALL[:10])))
def edited(path: Path) -> None:
    """Two edits, the later part first, as editors that do not encode make them."""
    encode(path.with_name("plain.mov"), *X264, "-g", "1", "-bf", "0", "-video_track_timescale", "25")
    data = path.with_name("plain.mov").read_bytes()
    entries = b"".join(
        length.to_bytes(4, "big") + start.to_bytes(4, "big") + (1 << 16).to_bytes(4, "big")
        for length, start in ((360, 15), (400, 0))
    )
    at = data.index(b"elst") - 4
    old = int.from_bytes(data[at : at + 4], "big")
    box = (16 + len(entries)).to_bytes(4, "big") + b"elst\0\0\0\0\0\0\0\2" + entries
    grown = len(box) - old
    outer = [data.rindex(name, 0, at) - 4 for name in (b"edts", b"trak", b"moov")]
    found = bytearray(data)
    for place in outer:
        found[place : place + 4] = (int.from_bytes(data[place : place + 4], "big") + grown).to_bytes(4, "big")
    found[at : at + old] = box  # the index lies behind the data, which so stays where it is
    path.write_bytes(bytes(found))


@case("empty_edit.mp4", HEARD)
def empty_edit(path: Path) -> None:
    """An empty edit delays the picture, as editors that keep sound in step make it."""
    late_picture(path)


for text, count in {
    "24000/1001": 24,
    "30000/1001": 24,
    "60000/1001": 24,
    "25/2": 10,
    "1": 3,
    "120": 24,
    "240": 24,
}.items():
    shown = tuple(range(count))
    name = text.replace("/", "_")
    case(f"rate_{name}.mp4", Film(shows=shown, rate=text))(
        lambda path, text=text, count=count: encode(path, rate=text, shown=pictures(count))
    )
case("rate_1000_1001.mkv", Film(shows=tuple(range(24)), rate="30000/1001"))(
    lambda path: encode(path, rate="30000/1001")
)
case("slow_motion.mov", Film(rate="240", shows=ALL))(lambda path: encode(path, rate="240"))
case("slow.mp4", Film(shows=(0, 1, 2), rate="1/2"))(lambda path: encode(path, rate="1/2", shown=pictures(3)))
case("good.mp4", Film(shows=held([(n, n / 25) for n in ALL], 0.96, 50), rate="50"), "--fps", "50", name="at 50")(encode)
case("good.mp4", Film(shows=held([(n, n / 25) for n in ALL], 0.96, 12), rate="12"), "--fps", "12", name="at 12")(encode)


@cases("one.mp4", Film(shows=(0,)), ("", "film.mp4", "film.webm", "film.gif", "film.webp", "frames"))
def one(path: Path) -> None:
    encode(path, shown=[picture(0)])


@cases("still.mp4", Film(shows=(3,) * 10), ("", "film.mp4", "film.gif", "film.webp"))
def still(path: Path) -> None:
    """A film whose frames are all alike, which an encoder may store as one."""
    encode(path, shown=[picture(3)] * 10)


@case("two.mp4", Film(shows=(0, 1)))
def two(path: Path) -> None:
    encode(path, shown=pictures(2))


@case("three.webm", Film(shows=(0, 1, 2), fidelity=30))
def three(path: Path) -> None:
    encode(path, "-c:v", "libvpx", "-b:v", "2M", shown=pictures(3))


@case("wrong_rate.mp4", Film())
def wrong_rate(path: Path) -> None:
    """A header that claims 50 frames a second in the codec, and 25 in the container."""
    encode(path.with_name("a.mp4"), *X264, "-bsf:v", "h264_metadata=tick_rate=100")
    run("-i", url(path.with_name("a.mp4")), "-c", "copy", url(path))


@case("negative.mkv", Film())
def negative(path: Path) -> None:
    """Decoding begins before 0."""
    encode(path, *X264, "-bf", "3", "-avoid_negative_ts", "disabled")


PRIMED = 1024 / 48000  # seconds by which all begins later, so that the first picture stays as much longer
LONGER = held([(0, 0.0), *((number, number / 25 + PRIMED) for number in ALL[1:])], 0.96 + PRIMED, 50)


@cases("no_edit_list.mp4", Film(shows=LONGER, rate="50", sound=1, beeps=(0.2 + PRIMED, 0.6 + PRIMED)), IN_BOTH)
def no_edit_list(path: Path) -> None:
    """Written without an edit list. At 50 frames a second the picture keeps step with the sound."""
    with_sound(path, *AAC, "-use_editlist", "0", video=(*X264, "-bf", "0"))


@case("hole.ts", Film(shows=(*ALL[:8], *(7,) * 25, *ALL[8:])))
def hole(path: Path) -> None:
    """A recording that was interrupted for a second."""
    stamped(
        path, [40 * 90 * n + (90_000 if n >= 8 else 0) for n in range(COUNT)], base=Fraction(1, 90_000), form="mpegts"
    )


@case("falling.mkv", Film(shows=ALL))
def falling(path: Path) -> None:
    """Time falls back once, as after an adjustment of a clock."""
    encode(path.with_name("a.mkv"), *X264, "-bf", "0")
    with av.open(str(path.with_name("a.mkv"))) as old, av.open(str(path), "w", options={"strict": "-2"}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(p for p in old.demux(video=0) if p.pts is not None):
            packet.stream, packet.time_base = stream, MS
            packet.pts = packet.dts = 40 * number + (0 if number < 12 else 10)
            new.mux(packet)
