"""The tags of a file, such as title, date and place: what a film gets of them, and a line about what it lacks."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path

import av

from dreamvid.core.errors import one_line
from dreamvid.core.types import SourceInfo, Stream
from dreamvid.media.container import facts, open_file, picture, tags_of_file
from dreamvid.media.languages import in_quicktime
from dreamvid.media.record import BEGINNING

VENDORS = ("com.apple.quicktime.", "com.android.")  # how names of tags begin that MP4 and MOV have no place for
PLAIN = {  # the names that these have there
    **{name: (name,) for name in ("make", "model", "title", "artist", "album", "genre", "copyright", "description")},
    "manufacturer": ("make",),
    "location.iso6709": ("location",),
    "creationdate": ("date", "creation_time"),
}
# Patterns of tags that say how the old file was written: not a word is said of them.
WRITING = (
    *("major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id", "language", "timecode"),
    *("encoder*", "encoding_tool", "software", "version", "duration", "bps", "number_of_*", "_statistics_*"),
    *("application_platform", "company_name", "product_*", "toolkit_version*", "*_ul", "*_umid", "*uid"),  # of MXF
    *("wmfsdk*", "isvbr", "deviceconformancetemplate"),  # of WMV
)
LONGEST = 1000  # characters of a tag on ffmpeg's command line
MOST = 40  # tags that a line names, by the alphabet
NEAR = 2e-4  # degrees that MP4 may move a place by, since four digits of them are read from it

Tags = Mapping[str, str]


def of(container: av.container.Container) -> dict[str, str]:
    """Return the tags of an open file by their names in lower case."""
    film = picture(container) if tags_of_file(container) else None
    found = container.metadata if film is None else film.metadata
    return {name.lower(): value for name, value in found.items() if value}


def options(container: av.container.Container) -> list[str]:
    """Return ffmpeg's options that give a film the tags of input 1, which is open here.

    Those of a vendor it gets under their plain names as well. A date that stands in two places of a file is one: ffmpeg
    joins both to a text that is none.
    """
    tags, plain = of(container), dict[str, str]()
    for name, value in tags.items():
        for other in _plain(name):
            if other not in tags and len(value) <= LONGEST:
                plain.setdefault(other, value)
    if date := tags.get("creation_time"):
        plain["creation_time"] = date.partition(";")[0][:LONGEST]
    more = [word for name, value in plain.items() for word in ("-metadata", f"{name}={value}")]
    return ["-map_metadata", f"1{tags_of_file(container)}", *more]


def tell_lost(source: SourceInfo, film: Path | None, notice: Callable[[str], None]) -> None:
    """Call `notice` with a line about the tags of a source that a film lacks; None: it has none.

    Nothing of stills, or where PyAV cannot read the source, as a WebP.
    """
    if source.kind != "video" or source.reader == "images":
        return
    names = sorted(lost(_read(source.files[0]), _read(film) if film is not None else {}))
    said = ["the comment"] if "comment" in names else []  # no film has one but its record
    names = [one_line(name)[:60] for name in names if name != "comment"]
    if names:
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        what, them = ("tags", "them") if len(names) > 1 else ("tag", "it")
        said.append(f"the {what} {', '.join(names[:MOST])}{more} (.mkv would hold {them})")
    gained = list[str]()
    if film is not None:
        for name, track, its in _tracks(source, film):
            said += [f"the {each} of {name}" for each in _lost_of_track(track, its)]
            gained += [name] if "default" in its.marks.split("+") and "default" not in track.marks.split("+") else []
    if said:
        notice(f"left out of {source.name}: {', '.join(said)}")
    if on := [name for name in gained if name.startswith("subtitle")]:  # MP4 and MOV have one that is, of each kind
        notice(f"{on[0]} is shown by players unless they are told otherwise (.mkv would leave it off)")


def _tracks(source: SourceInfo, film: Path) -> Iterator[tuple[str, Stream, Stream]]:
    """Yield the tracks of a source with those of its film, of each kind of which the film has all: name and facts."""
    with suppress(av.FFmpegError), open_file(film) as container:
        streams = container.streams
        for kind, of, there in (
            ("sound", source.audio, streams.audio),
            ("subtitle", source.subtitles, streams.subtitles),
        ):
            if len(of) == len(there):
                for number, (track, stream) in enumerate(zip(of, there, strict=True), 1):
                    yield f"{kind} track {number}", track, facts(number, stream)


def _lost_of_track(track: Stream, its: Stream) -> list[str]:
    """Return in words what tells a track of a source from others and that of its film has not."""
    same = in_quicktime(track.language) in ("und", in_quicktime(its.language))
    marks = sorted({*track.marks.split("+")} - {*its.marks.split("+"), "default", ""})
    return [*([] if same else [f"language ({track.language})"]), *(f"mark {mark}" for mark in marks)]


def lost(source: Tags, film: Tags) -> list[str]:
    """Return the names of the tags of a source that a film does not have, but for those about how it was written.

    A film has a tag in another language, or under its plain name, too.
    """
    there = dict[str, set[str]]()
    for name, value in film.items():
        there.setdefault(_shared(name), set()).add(value)
    return [
        name for name, value in source.items() if not (_is_about_writing(name, value) or _is_in(there, name, value))
    ]


def _read(path: Path) -> dict[str, str]:
    with suppress(av.FFmpegError), open_file(path) as container:
        return of(container)
    return {}


def _bare(name: str) -> str:
    """Return the name of a tag without its vendor; the same name where it has none."""
    return next((name.removeprefix(vendor) for vendor in VENDORS if name.startswith(vendor)), name)


def _plain(name: str) -> tuple[str, ...]:
    """Return the plain names of a tag of a vendor; none of any other tag."""
    bare = _bare(name)
    return () if bare == name else PLAIN.get(bare, ())


def _is_about_writing(name: str, value: str) -> bool:
    record = _shared(name) == "comment" and value.startswith(BEGINNING)  # a film that is a source
    return record or any(fnmatchcase(_shared(_bare(name)), pattern) for pattern in WRITING)


def _is_in(there: Mapping[str, set[str]], name: str, value: str) -> bool:
    """Return whether a tag is among the values of tags by shared names."""
    homes = {_shared(home) for home in (name, *_plain(name))} & there.keys()
    return any(value in there[home] or any(_same(home, value, other) for other in there[home]) for home in homes)


def _shared(name: str) -> str:
    """Return the name of a tag as Matroska writes it, without the language that some containers add (`title-eng`)."""
    return re.sub("-[a-z]{3}$", "", name).replace(" ", "_")


def _same(name: str, value: str, other: str) -> bool:
    """Return whether two texts are one date or place, as containers write these: to the second, and as numbers."""
    if name == "creation_time":
        return _seconds(value) is not None and _seconds(value) == _seconds(other)
    if name == "location":
        pairs = list(zip_longest(_numbers(value), _numbers(other), fillvalue=0.0))  # MP4 leaves out a height of 0
        return bool(pairs) and all(abs(here - there) < NEAR for here, there in pairs)
    return False


def _seconds(date: str) -> int | None:
    """Return the whole seconds since 1970 of the first of the dates in a tag; None where it is none."""
    try:
        return math.floor(datetime.fromisoformat(date.partition(";")[0]).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _numbers(place: str) -> list[float]:
    return [float(number) for number in re.findall(r"[+-]\d+(?:\.\d+)?", place)]
