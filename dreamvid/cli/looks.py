"""The looks of a preview: one for each value of an option, or of two; and the lines that make their pictures."""

import json
import math
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dreamvid.cli.options import LOOK, Common, Text, option

if TYPE_CHECKING:
    from dreamvid.jobs.preview_look import Look
    from dreamvid.jobs.preview_source import Subject

MOST = 120  # looks of one preview
# Option of a list -> field of `Common` that it is a list of, and the option of that.
FIELDS = {
    "--presets": ("preset", "--preset"),
    "--layers": ("layer", "--layer"),
    "--channels": ("channel", "--channel"),
    "--classes": ("class_", "--class"),
}
OF_THE_RUN = ("overwrite", "no_resume", "force", "keep_work", "work_dir", "quiet", "json")  # in no line
# What options are in the line of a part of a film, and of one picture.
OF_A_PART: dict[str, Any] = {"from_": None, "to": None, "loop": False, "laps": None}
OF_A_PICTURE: dict[str, Any] = {**OF_A_PART, "fps": None, "seconds": None, "audio": None, "max_flash": None}


@dataclass(frozen=True)
class Axis:
    """The values of one option in turn; `field`: of `Common`; `key`: of the setting, where that is `set`."""

    field: str
    values: tuple[str, ...]
    key: str = ""

    def at(self, common: Common, value: str) -> Common:
        """Return the options with one of the values."""
        if self.key:
            return replace(common, set=[*common.set, f"{self.key}={value}"])
        change: dict[str, Any] = {self.field: [value] if self.field in ("layer", "channel") else value}
        return replace(common, **change)

    def title(self, value: str) -> str:
        """Return a value as it is shown."""
        if self.key:
            return f"{self.key}={value}"
        return Path(value).stem if self.field == "preset" and value.endswith(".toml") else value


def _listed(name: str, about: str, metavar: str = "A,B,...") -> Any:
    return option(name, help=about, metavar=metavar, panel=LOOK)


@dataclass
class Lists:
    """The options that say which looks there are, as typed."""

    presets: Annotated[Text, _listed("--presets", "Presets; default: all.")] = None
    layers: Annotated[Text, _listed("--layers", "Layers, each as --layer; default: none.")] = None
    channels: Annotated[
        Text, _listed("--channels", "Channels, each a name or LAYER:N,M,...; default: none.", "LAYER:N,M,...")
    ] = None
    classes: Annotated[Text, _listed("--classes", "Classes, each as --class; default: none.")] = None
    vary: Annotated[
        list[str],
        _listed("--vary", "Values of a setting; default: none. Two of these lists make a grid.", "KEY=A,B,..."),
    ] = ()  # type: ignore[assignment]

    @property
    def given(self) -> dict[str, str]:
        """The lists of names that were given, by option."""
        named = {name: getattr(self, name.removeprefix("--")) for name in FIELDS}
        return {name: text for name, text in named.items() if text is not None}

    def axes(self, common: Common) -> list[Axis]:
        """Return the axes that are asked for, or every preset outside the series; raise SettingsError."""
        from dreamvid.config import presets
        from dreamvid.core.errors import SettingsError

        for name in self.given:
            field, one = FIELDS[name]
            if getattr(common, field):
                raise SettingsError(f"give {one} or {name}, not both")
        axes = [Axis(FIELDS[name][0], _values(name, text)) for name, text in self.given.items()]
        axes += [_varied(text) for text in self.vary]
        if len(axes) > 2:
            every = [*self.given, *["--vary"] * len(self.vary)]
            raise SettingsError(f"{', '.join(every)}: a sheet has rows and columns: give two of these at most")
        if len({(axis.field, axis.key) for axis in axes}) < len(axes):
            raise SettingsError(f"--vary {axes[0].key} is given twice: give all its values at once")
        axes = axes or [Axis("preset", tuple(dict.fromkeys([presets.DEFAULT, *presets.names()])))]
        if (count := math.prod(len(axis.values) for axis in axes)) > MOST:
            raise SettingsError(f"these are {count} looks: a sheet has {MOST} at most")
        return axes


def _values(option: str, text: str) -> tuple[str, ...]:
    """Return the values of a list; a number that follows LAYER:N is a channel of that layer, too."""
    from dreamvid.core.errors import SettingsError

    found: list[str] = []
    for value in (part.strip() for part in text.split(",")):
        if option == "--channels" and value.isdecimal() and found and ":" in found[-1]:
            value = f"{found[-1].rpartition(':')[0]}:{value}"
        found.append(value)
    if not all(found):
        raise SettingsError(f"{option} {text!r}: give names with a comma between them")
    return tuple(found)


def _varied(text: str) -> Axis:
    """Parse `--vary KEY=VALUE,...`; the values are read as TOML, or as plain words where they are not TOML."""
    from dreamvid.config.presets import parse_override
    from dreamvid.core.errors import SettingsError

    key, equals, listed = (part.strip() for part in text.partition("="))
    if not (key and equals and listed.strip(", ")):
        raise SettingsError(f"--vary {text!r}: give a setting and its values, such as dream.steps=4,8,16")
    _, values = parse_override(f"{key}=[{listed}]")
    if not isinstance(values, list):
        return Axis("set", _values("--vary", listed), key)
    return Axis("set", tuple(_plain(key, value) for value in values), key)


def _plain(key: str, value: Any) -> str:
    """Return a value as --set takes it, as short as it can be."""
    from dreamvid.config.presets import parse_override

    if isinstance(value, str) and parse_override(f"{key}={value}")[1] == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def make_looks(subject: "Subject", axes: Sequence[Axis], common: Common, threads: int | None = None) -> list["Look"]:
    """Return a look for every combination of values; raise SettingsError where one is not valid.

    `threads`: with which pictures are dreamed, and so are those that their lines make: another number is another dream.
    """
    from dreamvid.jobs.preview_look import Look

    film, taken = subject.command == "video", set[str]()
    part = replace(common, frames=subject.frames, threads=threads, **(OF_A_PART if film else OF_A_PICTURE))
    looks = []
    for values in product(*(axis.values for axis in axes)):
        title = ", ".join(axis.title(value) for axis, value in zip(axes, values, strict=True))
        name = _name(subject.source, title, taken)
        own, whole = part, common
        for axis, value in zip(axes, values, strict=True):
            own, whole = axis.at(own, value), axis.at(whole, value)
        output = f"{name}{'.mp4' if film else '.png'}"
        settings = own.settings(output)
        looks.append(
            Look(
                title,
                settings,
                line(subject.command, subject.source, output, own),
                "" if subject.frames is None else line("video", subject.source, f"{name}.mp4", whole),
                settings.description if any(axis.field == "preset" for axis in axes) else "",
            )
        )
    return looks


def _name(source: str, title: str, taken: set[str]) -> str:
    """Return the stem of a file for a look, and take it."""
    stem = Path(source).stem if os.sep in source or "." in source else source
    name = plain = re.sub(r"[^\w.]+", "-", f"{stem}-{title}").strip("-.")
    number = 2
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    taken.add(name)
    return name


def line(command: str, source: str, output: str, common: Common) -> str:
    """Return the command line of a render, quoted for a shell."""
    there = f".{os.sep}{source}" if source.startswith("-") else source
    return shlex.join(["dreamvid", command, there, output, *_words(common)])


def _words(common: Common) -> Iterator[str]:
    """Yield the options that were given, as words, without those of a run."""
    for field in fields(common):
        value = getattr(common, field.name)
        if field.name in OF_THE_RUN or value is None or value is False:
            continue
        declared: Any = field.type
        (info,) = declared.__metadata__
        name = next(word for word in (info.default, *info.param_decls) if str(word).startswith("--"))
        for each in [value] if isinstance(value, str | bool) or not isinstance(value, Sequence) else value:
            if each is True:
                yield name
            elif str(each).startswith("-"):
                yield f"{name}={each}"
            else:
                yield from (name, str(each))
