"""Encoding of the final film from stored frames: piped to ffmpeg, decoded again as a check, and only then renamed."""

import contextlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from dreamvid.config.settings import OutputSettings
from dreamvid.core.errors import JobError, ToolError
from dreamvid.core.types import Pixels, SourceInfo
from dreamvid.media import decode, embedded, images, mux, tags, webp
from dreamvid.media.container import open_file
from dreamvid.media.ffmpeg import EndedError, Ffmpeg, check_space, location
from dreamvid.media.formats import Format, check, check_film
from dreamvid.media.frame_store import advised, part_of, parts_of, write_file
from dreamvid.media.tracks import Beside

__all__ = ["FilmSpec", "check", "check_film", "encode", "rehearse", "write_image"]

FRAME = re.compile(r"\d{6}\.png")  # one of a film that is a folder
TRIED = 8  # frames of a trial film


@dataclass(frozen=True)
class FilmSpec:
    """A film to be written: `count` frames of `size` (height, width), `rate` per second, as `settings` say.

    `sar`: pixel aspect ratio, width / height. `sound`: source whose sound, subtitles and chapters are added, only those
    of `clip`, a half-open range in seconds from the source's first frame, if given. `music`: file whose first sound
    track is added instead of the source's sound, from its beginning to the film's end. `delay`: seconds from the start
    of the source's first track to its picture. `record`: a text that the film carries, in place of a comment of the
    source.
    """

    size: tuple[int, int]
    rate: Fraction
    count: int
    settings: OutputSettings
    sar: Fraction = Fraction(1)
    delay: Fraction = Fraction(0)
    sound: SourceInfo | None = None
    music: Path | None = None
    clip: tuple[Fraction, Fraction] | None = None
    record: str = ""


def rehearse(output: Path, film: FilmSpec, folder: Path, *, threads: int, notice: Callable[[str], None]) -> Path | None:
    """Write a trial film of a few plain frames with all sound, subtitles and chapters, as the film will be written.

    It is what the film gets these from: return its path in `folder`, which is made anew; None for a folder of PNGs.
    `notice` gets one line for each sound or subtitle track that could not be kept unchanged, and one for tags of the
    source that it lacks. Raises as `encode`.
    """
    form = _form(output, film)
    _remove(folder)
    with advised(folder):
        folder.mkdir()
    tracks = mux.plan(_beside(form, film), folder, notice)
    trial = None if form.codec == "png" else folder / "trial"
    if trial is not None:
        short = replace(film, count=min(film.count, TRIED))
        frames = [np.full((*film.size, 3), number % 2 * 255, np.uint8) for number in range(short.count)]
        _write(lambda: frames, trial, form, short, tracks, threads, notice)
    if film.sound is not None:
        tags.tell_lost(film.sound, trial, notice)
    for path in folder.iterdir() if trial is not None else ():
        if path != trial:
            _remove(path)
    return trial


def encode(
    frames: Callable[[], Iterable[Pixels]],
    output: Path,
    film: FilmSpec,
    trial: Path | None,
    *,
    threads: int,
    notice: Callable[[str], None],
    ready: Callable[[Path], None] = lambda part: None,
) -> None:
    """Write RGB frames as a film, with the tracks of its trial film (see `rehearse`), all or nothing.

    `frames` is called again where the film cannot be written with these tracks: then it is written without, and
    `notice` gets a line about that. `ready` is called with the finished film, just before it gets its name.

    Raises SettingsError as `check_film` does, JobError where the disk refuses, ToolError with ffmpeg's last lines where
    the film could not be written or fails the check; then no file is left behind.
    """
    form = _form(output, film)
    part = part_of(output)
    recover(output)
    try:
        if trial is None:
            _write_folder(_counted(frames(), film.size, film.count), part, film.record)
            ready(part)
            _name_folder(part, output)
            return
        _write(frames, part, form, film, mux.carried(trial, _beside(form, film)), threads, notice)
        ready(part)
        _name(part, output)
    finally:
        _remove(part)


def _form(output: Path, film: FilmSpec) -> Format:
    return check_film(output, film.settings, size=film.size, rate=film.rate, sar=film.sar, notice=lambda _: None)


def _beside(form: Format, film: FilmSpec) -> Beside:
    return Beside(form.muxer, film.sound, film.count / film.rate, film.clip, film.delay, film.music)


def _write(
    frames: Callable[[], Iterable[Pixels]],
    part: Path,
    form: Format,
    film: FilmSpec,
    tracks: mux.Tracks,
    threads: int,
    notice: Callable[[str], None],
) -> None:
    """Write a film and verify it; where it fails with its tracks and not without them, they are left out, and said."""

    def written(tracks: mux.Tracks) -> None:
        _encode(_counted(frames(), film.size, film.count), part, form, film, tracks, threads)
        if form.codec in ("gif", "webp"):
            with advised(part):
                part.write_bytes(_completed(part.read_bytes(), form, film))
        _verify(part, form, film.count, film.rate, tracks.audio)

    try:
        written(tracks)
    except ToolError as error:
        if not tracks.maps or isinstance(error, EndedError):
            raise
        written(mux.Tracks())
        notice(f"sound, subtitles, chapters and tags are left out: {error}")


def _completed(data: bytes, form: Format, film: FilmSpec) -> bytes:
    """Return a GIF or WebP with its record, which ffmpeg writes in neither; a WebP of equal frames, with its length."""
    if form.codec == "gif":
        return embedded.in_gif(data, film.record) if film.record else data
    data = webp.animated(data, film.size, 1000 * film.count / film.rate)
    return embedded.in_webp(data, film.record) if film.record else data


def recover(output: Path) -> None:
    """Tidy up what a killed run left beside an output: unfinished files go, a folder half replaced is put right.

    To be called while no other process writes that output.
    """
    for old in parts_of(output):
        _remove(old)
    for aside in parts_of(output, "old"):
        if output.exists():
            _retire(aside, output)
        else:
            _name(aside, output)


def write_image(pixels: Pixels, output: Path, record: str = "") -> None:
    """Write one still as .png, .jpg, .webp or .tiff, atomically, with its record; raise SettingsError or JobError."""
    write_file(output, images.encode(pixels, output.suffix, record))


def _counted(frames: Iterable[Pixels], size: tuple[int, int], count: int) -> Iterator[Pixels]:
    """Yield the frames, checking size, type and number: ffmpeg would accept a wrong size and shear the picture."""
    number = 0
    for number, frame in enumerate(frames, 1):
        if frame.shape != (*size, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frame {number - 1} is {frame.shape} {frame.dtype}, not {(*size, 3)} uint8")
        if number > count:
            break
        yield frame
    if number != count:
        raise ValueError(f"the film should have {count} frames, and {'more' if number > count else number} came")


def _encode(
    frames: Iterable[Pixels], part: Path, form: Format, film: FilmSpec, tracks: mux.Tracks, threads: int
) -> None:
    below, right = (-side % grain for side, grain in zip(film.size, form.grain, strict=True))
    width, height = film.size[1] + right, film.size[0] + below
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"]
    source = [*raw, "-framerate", f"{film.rate.numerator}/{film.rate.denominator}", "-i", "pipe:0", *tracks.inputs]
    maps = [
        "-map",
        "0:v:0",
        *tracks.maps,
        *embedded.comment(form.muxer, film.record),
        "-vf",
        form.filters(film.sar),
        "-fps_mode",
        "passthrough",
    ]
    with Ffmpeg(
        [*source, *maps, *form.arguments(threads), "-y", location(part)], feeds=True, counts=True, writes=part
    ) as ffmpeg:
        try:
            for frame in frames:
                if below or right:
                    frame = np.pad(frame, ((0, below), (0, right), (0, 0)), mode="edge")
                ffmpeg.write(np.ascontiguousarray(frame).data)
            if ffmpeg.finish():
                raise ToolError(f"the film could not be written: {ffmpeg.words}")
        except ToolError as error:
            check_space(str(error), part)
            raise


def _verify(part: Path, form: Format, count: int, rate: Fraction, audio: int) -> None:
    """Decode the film as strictly as a source: ffmpeg's exit status was 0 for films that had been cut short."""
    if form.codec == "webp":
        duration = webp.duration(part.read_bytes())
        if abs(duration - 1000 * count / rate) > max(Fraction(count), 1000 / rate):
            raise ToolError(
                f"the film that was written lasts {float(duration):g} ms instead of {float(1000 * count / rate):g}"
            )
        return
    seen = decode.decode(part)
    if seen.errors:
        raise ToolError(f"the film that was written cannot be decoded again: {seen.errors[0]}")
    times = [time for time in seen.times if time is not None]
    if len(times) != count:
        raise ToolError(f"the film that was written holds {len(times)} frames instead of {count}")
    if abs(times[-1] - times[0] - (count - 1) / rate) > 1 / rate:
        raise ToolError(
            f"the film that was written lasts {float(times[-1] - times[0]):.3f} s to its last frame, not as planned"
        )
    with open_file(part) as container:
        kept = len(container.streams.audio)
    if kept != audio:
        raise ToolError(f"the film that was written holds {kept} sound tracks instead of {audio}")


def _write_folder(frames: Iterable[Pixels], part: Path, record: str) -> None:
    """Write `000000.png` ... to a new folder, each with the record of the film."""
    with advised(part):
        part.mkdir()
    for count, frame in enumerate(frames):
        write_file(part / f"{count:06d}.png", images.encode(frame, ".png", record))


def _name_folder(part: Path, output: Path) -> None:
    """Give a finished folder of frames its name; what it replaces goes aside first, and is removed afterwards."""
    if not output.exists():
        _name(part, output)
        return
    aside = part_of(output, "old")
    _name(output, aside)
    _name(part, output)
    _retire(aside, output)


def _retire(aside: Path, output: Path) -> None:
    """Remove the frames of a replaced folder; its other files go to the new one, and numbers after a gap with them."""
    count = _count(output, 0)
    old = _count(aside, count)
    with advised(output):
        for path in sorted(aside.iterdir(), reverse=True):  # the last frame first: a run killed here leaves no gap
            if FRAME.fullmatch(path.name) and int(path.stem) < old:
                path.unlink()
            elif not (output / path.name).exists():
                path.rename(output / path.name)
    _remove(aside)


def _count(folder: Path, first: int) -> int:
    """Return the first number from `first` on of which a folder has no frame."""
    while (folder / f"{first:06d}.png").exists():
        first += 1
    return first


def _name(part: Path, output: Path) -> None:
    """Rename a finished file to its final name; Windows refuses while another program has the old file open."""
    with advised(output):
        try:
            part.replace(output)
        except PermissionError:
            raise JobError(
                f"{output} cannot be replaced: close the program that has it open, or give the output another name, "
                "and run again to resume"
            ) from None


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
