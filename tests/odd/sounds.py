"""The sound of films: codecs, channels, rates, several tracks, longer, shorter or later than the picture."""

from pathlib import Path

from media.clips import run

from odd.case import ALL, Film, Refused, case, cases
from odd.making import AAC, X264, beeps, encode, sound_with_cover, url, with_sound

HEARD = Film(sound=1)
PCM = ("pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_alaw", "pcm_mulaw", "pcm_u8")
for codec in PCM:
    cases(f"{codec}.mov", HEARD, ("", "film.mp4", "film.mov") if codec == "pcm_s24le" else ("",))(
        lambda path, codec=codec: with_sound(path, "-c:a", codec)
    )
OTHER = {
    "adpcm.avi": ("-c:a", "adpcm_ima_wav"),
    "adpcm.mov": ("-c:a", "adpcm_ima_qt"),
    "alac.mov": ("-c:a", "alac"),
    "vorbis.mkv": ("-c:a", "libvorbis"),
    "opus.mkv": ("-c:a", "libopus"),
    "mp3.mkv": ("-c:a", "libmp3lame"),
    "mp2.ts": ("-c:a", "mp2"),
    "dts.mkv": ("-c:a", "dca", "-strict", "-2"),
    "truehd.mkv": ("-c:a", "truehd", "-strict", "-2"),
    "tta.mkv": ("-c:a", "tta"),
    "wavpack.mkv": ("-c:a", "wavpack"),
    "g722.mkv": ("-c:a", "g722", "-ar", "16000"),
    "amr.3gp": ("-c:a", "libopencore_amrnb", "-ar", "8000"),
    "speechless.mkv": ("-c:a", "pcm_s16le", "-ar", "8000"),
    "96k.mkv": ("-c:a", "flac", "-ar", "96000"),
    "11k.mov": ("-c:a", "pcm_s16le", "-ar", "11025"),
}
LATE = {"dts.mkv": 512 / 48000}  # of codecs that cannot say their delay
for file, how in OTHER.items():
    heard = Film(sound=1, beeps=tuple(time + LATE.get(file, 0.0) for time in (0.2, 0.6)))
    cases(file, heard, ("", "film.mp4", "film.webm"))(
        lambda path, how=how: with_sound(path, *how, video=(*X264, "-bf", "0"))  # for AVI, which tells no times
    )

LAYOUTS = {
    "stereo.mp4": ("stereo", AAC),
    "surround.mp4": ("5.1", ("-c:a", "aac", "-b:a", "384k")),
    "side.mkv": ("5.1(side)", ("-c:a", "ac3")),
    "four.mkv": ("4.0", ("-c:a", "flac")),
    "two_one.mkv": ("2.1", ("-c:a", "flac")),
    "eight.mov": ("7.1", ("-c:a", "pcm_s24le")),
    "quad.mov": ("quad", ("-c:a", "pcm_s16le")),
    "sixteen.mov": ("hexadecagonal", ("-c:a", "pcm_s16le")),
}
for file, (layout, how) in LAYOUTS.items():
    cases(file, HEARD, ("", "film.mp4", "film.webm"))(
        lambda path, layout=layout, how=how: with_sound(path, *how, "-af", f"aformat=channel_layouts={layout}")
    )


@case("unknown_layout.mov", HEARD, output="film.webm")
def unknown_layout(path: Path) -> None:
    """Five microphones of a recorder, and nothing that says where they stand."""
    sound = beeps(path.with_name("five.wav"), channels=5)
    with_sound(path, "-c:a", "pcm_s16le", sound=sound)


@cases("longer.mp4", HEARD, ("", "film.mp4"))
def longer(path: Path) -> None:
    with_sound(path, sound=beeps(path.with_name("long.wav"), seconds=3.0))


@cases("shorter.mp4", Film(sound=1, beeps=(0.2,)), ("", "film.mp4", "film.webm"))
def shorter(path: Path) -> None:
    with_sound(path, sound=beeps(path.with_name("short.wav"), seconds=0.4))


@case(
    "ends_early.mp4",
    Film(shows=ALL[15:20], said="there is none of it in the film"),
    "--frames",
    "15:20",
    output="film.mp4",
)
def ends_early(path: Path) -> None:
    with_sound(path, sound=beeps(path.with_name("short.wav"), seconds=0.4))


@case(
    "begins_later.mp4",
    Film(shows=ALL[:5], said="there is none of it in the film"),
    "--frames",
    "0:5",
    output="film.mp4",
)
def begins_later(path: Path) -> None:
    encode(path.with_name("v.mp4"))
    sound = beeps(path.with_name("a.wav"), (0.1,), 0.3)
    run("-i", url(path.with_name("v.mp4")), "-itsoffset", "0.5", "-i", url(sound), "-c:v", "copy", *AAC, url(path))


@cases("silent.mp4", Film(sound=1, beeps=()), ("", "film.webm"))
def silent(path: Path) -> None:
    with_sound(path, sound=beeps(path.with_name("none.wav"), ()))


@cases("two.mkv", Film(sound=2), ("", "film.mp4", "film.mov", "film.webm"))
def two_tracks(path: Path) -> None:
    """The voice on a second track, as OBS writes it."""
    a, b = beeps(path.with_name("a.wav")), beeps(path.with_name("b.wav"), rate=44100)
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a", *X264)
    encode(path, *maps, "-c:a:0", "aac", "-c:a:1", "flac", more=("-i", url(a), "-i", url(b)))


@case("six.mkv", Film(sound=6))
def six_tracks(path: Path) -> None:
    sound = beeps(path.with_name("a.wav"))
    encode(path, "-map", "0:v", *["-map", "1:a"] * 6, *X264, *AAC, more=("-i", url(sound)))


@case("unknown_sound.mov", Film(sound=1, said="sound track 2"))
def unknown_sound(path: Path) -> None:
    """A second track of a codec that nobody decodes, as new phones have it."""
    sound = beeps(path.with_name("a.wav"))
    encode(
        path,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-map",
        "1:a",
        *X264,
        "-c:a:0",
        "aac",
        "-c:a:1",
        "alac",
        more=("-i", url(sound)),
    )
    path.write_bytes(path.read_bytes().replace(b"alac", b"apac"))


@case("only_unknown_sound.mov", Film(said="sound track 1"))
def only_unknown_sound(path: Path) -> None:
    with_sound(path, "-c:a", "alac")
    path.write_bytes(path.read_bytes().replace(b"alac", b"apac"))


@cases("adts.mkv", HEARD, ("", "film.mp4", "film.mov"))
def adts_in_matroska(path: Path) -> None:
    """AAC as it is broadcast, taken into Matroska as it is."""
    with_sound(path.with_name("a.ts"))
    run("-i", url(path.with_name("a.ts")), "-c", "copy", url(path))


@cases("latm.ts", HEARD, ("", "film.mp4"))
def latm(path: Path) -> None:
    with_sound(path, *AAC, "-mpegts_flags", "latm")


@case("damaged_sound.mkv", Film(sound=1, beeps=(0.2, 0.6), said=""))
def damaged_sound(path: Path) -> None:
    """The picture is whole, and some bytes of the sound are not."""
    with_sound(path, "-c:a", "pcm_s16le")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\0" * 400)
    data[at + 100 : at + 110] = bytes(range(10))
    path.write_bytes(bytes(data))


@case("wrong_parameters.mkv", Film(sound=1))
def changes_rate(path: Path) -> None:
    """A header of 44.1 kHz for sound of 48 kHz: the stream itself is right."""
    with_sound(path, "-c:a", "flac")


def song(path: Path, *how: str) -> None:
    run("-i", url(beeps(path.with_name("song.wav"))), *how, url(path))


SONGS = {
    "song.mp3": ("-c:a", "libmp3lame"),
    "song.m4a": AAC,
    "song.flac": ("-c:a", "flac"),
    "song.ogg": ("-c:a", "libvorbis"),
    "song.opus": ("-c:a", "libopus"),
    "song.aiff": ("-c:a", "pcm_s16be"),
    "song.aif": ("-c:a", "pcm_s16be", "-f", "aiff"),
    "song.wma": ("-c:a", "wmav2"),
    "song.caf": ("-c:a", "pcm_s16le"),
    "song.w64": ("-c:a", "pcm_s16le"),
    "song.ac3": ("-c:a", "ac3"),
    "song.wv": ("-c:a", "wavpack"),
    "song.aac": AAC,
    "song.mka": ("-c:a", "flac"),
    "song.au": ("-c:a", "pcm_s16be"),
    "song.amr": ("-c:a", "libopencore_amrnb", "-ar", "8000"),
    "song.tta": ("-c:a", "tta"),
    "song_24.wav": ("-c:a", "pcm_s24le"),
    "song_float.wav": ("-c:a", "pcm_f32le"),
    "song_rf64.wav": ("-c:a", "pcm_s16le", "-rf64", "always"),
    "song.mp2": ("-c:a", "mp2"),
    "song.dts": ("-c:a", "dca", "-strict", "-2"),
}
for name, how in SONGS.items():
    late = {
        "song.aac": 1024 / 48000,
        "song.ac3": 256 / 48000,
        "song.mp2": 481 / 48000,
        "song.amr": 0.005,
        "song.dts": 512 / 48000,
        "song.wma": 2048 / 48000,
    }
    at = tuple(time + late.get(name, 0.0) for time in (0.2, 0.6))

    @case("clip.mp4", Film(sound=1, beeps=at), "--audio", name, name=f"with {name}")
    def with_song(path: Path, name: str = name, how: tuple[str, ...] = how) -> None:
        encode(path)
        song(path.with_name(name), *how)


@cases("clip.mp4", HEARD, ("", "film.mp4"), "--audio", "song.mp3", name="with song.mp3 and its cover")
def with_cover(path: Path) -> None:
    encode(path)
    sound_with_cover(path.with_name("song.mp3"))


case("clip.mp4", Refused("no sound"), "--audio", "clip.mp4", name="with a song without sound")(encode)


@case("clip.mp4", Refused("cannot be read"), "--audio", "song.txt", name="with a song of text")
def audio_of_text(path: Path) -> None:
    encode(path)
    path.with_name("song.txt").write_text("la la la\n" * 50)
