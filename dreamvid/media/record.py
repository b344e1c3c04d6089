"""The record that a film carries of how it was made: enough to make it again, nothing of the machine or its user.

It is a JSON object. A film is anything that dreamvid writes: a still and a folder of frames, too.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from dreamvid.config import presets
from dreamvid.config.named_files import change_files
from dreamvid.config.serialize import read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.errors import NetError, SettingsError, SourceError
from dreamvid.core.timing import FASTEST, timecode
from dreamvid.media import embedded, images
from dreamvid.media.companion import digest

VERSION = 2  # the newest that is read; a film without segments has the first, which earlier programs read
SEGMENTS = 2  # of a film in segments
BEGINNING = '{"dreamvid":'  # of every record, and of no other text
LONGEST = 16_000  # characters: programs may be started with 32,767 on Windows
Overrides = Sequence[tuple[str, Any]]


def _bare(name: Any) -> str:
    """Return the name of a file; raise ValueError where it has a folder, or is none."""
    if not isinstance(name, str) or not 0 < len(name) <= 255 or name == ".." or PurePath(name).name != name:
        raise ValueError(f"{str(name)[:80]!r} is not the name of a file without its folder")
    return name


def _ratio(value: Any) -> Fraction:
    """Return a number, read from text such as `30000/1001`; raise ValueError for another form, or a huge one."""
    text = str(value)
    if len(text) > 100 or not text.replace("/", "", 1).isdecimal() or not text.isascii():
        raise ValueError(f"{text[:40]!r} is not a ratio")
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is not a ratio") from None


def _rate(value: Any) -> Fraction:
    """Return a rate, read as `_ratio`; raise ValueError where no film can have it."""
    rate = _ratio(value)
    if not 0 < rate <= FASTEST:
        raise ValueError(f"{rate} is not a frame rate")
    return rate


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Weights = Annotated[str, Field(pattern=r"^([0-9a-f]{64}|random:\d{1,19})$")]
Name = Annotated[str, BeforeValidator(_bare)]
Ratio = Annotated[Fraction, BeforeValidator(_ratio), PlainSerializer(str, return_type=str)]
Rate = Annotated[Fraction, BeforeValidator(_rate), PlainSerializer(str, return_type=str)]
Count = Annotated[int, Field(ge=0, le=10**9, strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordedSource(_Part):
    """A source as it was; `rate`: frames a second at which its frames were counted, `size`: height and width."""

    name: Name
    sha256: Digest
    frames: Count
    rate: Rate
    size: tuple[Count, Count]


class Playback(_Part):
    """Which frames of the source a film shows: `frames` at `rate`, from source frame `first`, `start` to `stop` s.

    `cycle`: of a loop, the film frames of one; the `mixed` first ones of a cycle show a mixture of two source frames.
    """

    frames: Count
    rate: Rate
    first: Count
    start: Ratio
    stop: Ratio
    cycle: Count | None = None
    mixed: Count = 0


class RecordedSegment(_Part):
    """A segment of a film, from film frame `first` on; else as in a `Record`, `join`: as of a `Stretch`."""

    name: Annotated[str, Field(max_length=200)]
    first: Count
    join: Literal["carry", "cut"]
    settings: dict[str, Any]
    nets: tuple[Weights, ...]
    files: dict[str, Digest] = {}


class Record(_Part):
    """The record of a film. `dreamvid`, `render`: versions of the program and of what it makes of the same settings.

    `settings`: those that are not built in, files by their names alone; `nets`: sha256 of the weights of each net, or
    `random:SEED`; `files`: full key -> sha256 of each file that the settings name; `segments`: of a film that has such,
    the first of which has those settings, nets and files.
    """

    dreamvid: Annotated[str, Field(pattern=r"^[\w.+-]{1,40}$")]
    record: Annotated[int, Field(strict=True)] = 1
    render: Count
    command: Literal["video", "image", "zoom"]
    settings: dict[str, Any]
    sources: Annotated[tuple[RecordedSource, ...], Field(min_length=1, max_length=1000)]
    film: Playback
    nets: tuple[Weights, ...]
    files: dict[str, Digest] = {}
    segments: Annotated[tuple[RecordedSegment, ...], Field(max_length=1000)] = ()

    def to_text(self) -> str:
        """Return the record as a line of ASCII, the same whenever it is the same."""
        table = self.model_dump(mode="json", exclude=None if self.segments else {"segments"})
        return json.dumps(table, separators=(",", ":"))

    def of_segment(self, segment: RecordedSegment) -> "Record":
        """Return what the record of a film in the look of one of its segments would be."""
        look = {"settings": segment.settings, "nets": segment.nets, "files": segment.files}
        return self.model_copy(update={**look, "segments": ()})

    def plain_settings(self, overrides: Overrides = ()) -> Settings:
        """Return the settings of the film, changed by `overrides`, files by their names alone; raise SettingsError."""
        return read_settings(presets.merged(self.settings, presets.nested(overrides)), "settings")

    def toml(self, overrides: Overrides = ()) -> str:
        """Return the settings of the film as a preset; of one in segments, the preset of each, told apart by comments.

        Raises SettingsError as `plain_settings`.
        """
        if not self.segments:
            return presets.to_toml(self.plain_settings(overrides))
        parts = []
        for number, segment in enumerate(self.segments, start=1):
            begins = timecode(float(segment.first / self.film.rate))
            called, join = f" ({segment.name})" if segment.name else "", f", join {segment.join}" if number > 1 else ""
            head = f"# segment {number} of {len(self.segments)}{called}: from {begins}{join}; a preset of its own"
            parts.append(f"{head}\n{presets.to_toml(self.of_segment(segment).plain_settings(overrides))}")
        return "\n".join(parts)

    def settings_beside(self, film: Path, overrides: Overrides = (), instead: str = "") -> Settings:
        """Return the settings of a film; the files that they name lie beside it, and have their digests.

        `overrides`: as of `presets.resolve`; files that they name may be any. `instead`: the options by which other
        files are given; none: `--set`. Raises SettingsError where a setting is wrong, SourceError where a file is not
        there.
        """
        table, given = deepcopy(self.settings), [key for key, _ in overrides]

        def beside(key: str, name: str) -> str:
            if any(key == other or key.startswith(f"{other}.") for other in given):
                return name
            option = instead or f"--set {key}={'FILE.py:FUNCTION --trust' if '.py' in name else 'FILE'}"
            if ".py" in name:
                raise SettingsError(
                    f"{film.name} was dreamed with code, {name}, which is not run unasked: give {option}"
                )
            file = film.parent / name
            if not file.exists():
                raise SourceError(f"{name} ({key}), of {film.name}, is not beside it: put it there, or give {option}")
            if digest(str(file)) != self.files.get(key):
                raise SourceError(
                    f"{name} ({key}) is not that which {film.name} was made with: get that, or give {option}"
                )
            return str(file)

        change_files(table, beside)
        return read_settings(presets.merged(table, presets.nested(overrides)), "settings")

    def check_nets(self, film: Path, digests: Sequence[str], instead: str) -> None:
        """Raise NetError where nets, by the sha256 of their weights, are others than those of `film`.

        `instead`: the options by which others are chosen.
        """
        if tuple(digests) != self.nets:
            raise NetError(
                f"{film.name} was dreamed with other weights of {self.plain_settings().net.name} than are here: get "
                f"those, or choose a net with {instead}"
            )


def of(film: Path) -> Record | None:
    """Return the record of a film; None where it has none.

    Raises SourceError where the film cannot be read, or its record is damaged or of a newer version.
    """
    text = embedded.read(film)
    if not text.startswith(BEGINNING):
        return None
    name = images.short_name(film)
    try:
        if len(text) > LONGEST:
            raise ValueError(f"it has {len(text)} characters, at most {LONGEST} are read")
        table = json.loads(text)
        version = table.get("record")
        if isinstance(version, int) and version > VERSION:
            raise SourceError(f"{name} was made by a newer dreamvid, {str(table['dreamvid'])[:20]!r}: update this one")
        found = Record.model_validate(table)
        for record in (found, *map(found.of_segment, found.segments)):
            change_files(deepcopy(record.settings), lambda _, value: _bare(value))
            record.plain_settings()
    except RecursionError:
        raise SourceError(f"{name} has a record that is damaged: its brackets are nested too deep") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:80]
        raise SourceError(f"{name} has a record that is damaged: {where}: {first['msg']}") from None
    except (ValueError, SettingsError) as error:
        raise SourceError(f"{name} has a record that is damaged: {str(error)[:200]}") from None
    return found


def needed(film: Path) -> Record:
    """Return the record of a film; raise SourceError as `of`, and where it has none."""
    found = of(film)
    if found is None:
        raise SourceError(
            f"{images.short_name(film)} has no record of how it was made: dreamvid did not write it, or another "
            "program has removed it"
        )
    return found


def without_folders(table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a table of settings in which files have their names alone, and their digests by full key.

    Raises SourceError where one cannot be read.
    """
    table, digests = deepcopy(table), {}

    def bare(key: str, value: str) -> str:
        if ".py" not in value:  # of code, the digest of the net tells
            digests[key] = digest(value)
        return PurePath(value).name

    change_files(table, bare)
    return table, digests
