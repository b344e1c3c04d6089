"""A look in the making: a preset and what was changed of it; as settings, as a preset file, as a command line."""

import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from dreamvid.config import presets
from dreamvid.config.presets import Defaults
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.studio.controls import BY_KEY
from dreamvid.studio.folder import Folder

Value = float | bool | str | None
Pair = tuple[str, Any]
MASKS = ("luma", "motion")  # kinds; any other mask is a file


@dataclass(frozen=True)
class Motif:
    """A class or a channel of the net that is dreamed in place of what a preset dreams."""

    kind: Literal["class", "channel"]
    name: str

    def term(self, preset: str) -> dict[str, Any]:
        """Return the motif as an objective in place of those of a preset; a class, as --class has it."""
        if self.kind == "class":
            return presets.class_objective(preset, self.name)
        return {"kind": "channel", "name": self.name}


@dataclass(frozen=True)
class Look:
    """A preset and changes of it, in the order of their keys; `keys`: keyframes as text, by setting.

    `mask`: None: the preset's; else a kind of MASKS, or a file of the folder.
    """

    preset: str = presets.DEFAULT
    values: tuple[tuple[str, Value], ...] = ()
    motifs: tuple[Motif, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    mask: str | None = None

    def with_value(self, key: str, value: Value) -> "Look":
        """Return the look with one setting changed, or with None as its preset has it."""
        if isinstance(value, float) and value.is_integer():  # as a page has every number
            value = int(value)
        others = dict(self.values) | {key: value}
        return replace(self, values=tuple(sorted(item for item in others.items() if item[1] is not None)))

    def with_keys(self, key: str, text: str) -> "Look":
        """Return the look with keyframes of a setting; without, where the text is empty."""
        others = dict(self.keys) | {key: text}
        return replace(self, keys=tuple(sorted(item for item in others.items() if item[1])))

    def with_mask(self, mask: str | None) -> "Look":
        """Return the look with another mask; what was changed of the one before is the mask's own again."""
        return replace(self, mask=mask, values=tuple(item for item in self.values if not item[0].startswith("mask.")))

    @property
    def changed(self) -> bool:
        """Return whether anything of the preset was changed."""
        return self != Look(self.preset)

    @property
    def title(self) -> str:
        """The look in a few words."""
        plain = self.preset.removesuffix(".toml").rpartition("/")[2]
        motifs = " + ".join(motif.name for motif in self.motifs)
        return f"{plain}: {motifs}" if motifs else f"{plain}, changed" if self.changed else plain

    def overrides(self, preset: str, place: Callable[[str], str] = str) -> Iterator[Pair]:
        """Yield what was changed, as pairs of a setting's full key and its value.

        `preset`: as `presets.resolve` takes it; `place`: where a mask of the folder lies.
        """
        if self.motifs:
            yield "objective", [motif.term(preset) for motif in self.motifs]
        if self.mask is not None:
            of_a_kind = self.mask in MASKS
            yield "mask.kind", self.mask if of_a_kind else None
            yield "mask.file", None if of_a_kind else place(self.mask)
        animated = dict(self.keys)
        yield from ((key, value) for key, value in self.values if key not in animated)
        yield from animated.items()


@dataclass(frozen=True)
class Cut:
    """The film that is made: its size as `input.size`, None for the source's; its range in seconds, None: the whole.

    `loop`: whether its end leads into its beginning; `frames`: in place of the range, as `input.frames`.
    """

    size: str | None = None
    start: float | None = None
    stop: float | None = None
    loop: bool = False
    frames: str | None = None

    @property
    def overrides(self) -> list[Pair]:
        """The parts of it that are given, as pairs of a setting's full key and its value."""
        given: dict[str, Any] = {"input.size": self.size, "input.start": self.start, "input.stop": self.stop}
        given |= {"input.loop": self.loop or None, "input.frames": self.frames}
        return [(key, value) for key, value in given.items() if value is not None]


def settings_of(look: Look, cut: Cut, folder: Folder, defaults: Defaults) -> Settings:
    """Return the settings of a film in a look; raise SettingsError where they are not valid, or name other folders."""
    preset = folder.preset(look.preset)
    overrides = [*look.overrides(preset, lambda name: str(folder.inside(name))), *cut.overrides]
    settings = presets.resolve(preset, overrides, defaults.table)
    folder.check_files(settings)
    return settings


def check_value(key: str, value: Value) -> None:
    """Raise SettingsError where a page gives what is no value of a control."""
    if key not in BY_KEY:
        raise SettingsError(f"there is no control {key[:60]!r}")
    switch = BY_KEY[key].step == 0
    if value is not None and isinstance(value, bool) != switch:
        raise SettingsError(f"{BY_KEY[key].label}: give {'true or false' if switch else 'a number'}")


def preset_text(look: Look, preset: str, about: str) -> str:
    """Return a look as the text of a preset that extends the one it began with, `preset` as in `overrides`."""
    lines = [
        f"extends = {presets.toml_value(look.preset)}",
        *([f"description = {presets.toml_value(about)}"] if about else []),
    ]
    sections: dict[str, list[str]] = {}
    changes = list(look.overrides(preset))
    for key, value in changes:
        section, _, name = key.rpartition(".")
        if key != "objective" and value is not None:  # TOML has no none
            entry = f"{name} = {presets.toml_value(value)}"
            (sections.setdefault(section, []) if section else lines).append(entry)
    for section, entries in sections.items():
        lines += ["", f"[{section}]", *entries]
    for term in dict(changes).get("objective", []):
        lines += ["", "[[objective]]", *(f"{name} = {presets.toml_value(value)}" for name, value in term.items())]
    return "\n".join(lines) + "\n"


def command_line(command: str, source: str, output: str, look: Look, cut: Cut, preset: str) -> str:
    """Return the line that makes the film in the folder, quoted for a shell; `preset` as in `overrides`."""
    words = ["dreamvid", command, *(f"./{name}" if name.startswith("-") else name for name in (source, output))]
    words += ["--preset", look.preset]
    for option, value in (("--size", cut.size), ("--from", cut.start), ("--to", cut.stop), ("--frames", cut.frames)):
        words += [] if value is None else [option, f"{value:g}" if isinstance(value, float) else str(value)]
    words += ["--loop"] * cut.loop
    classes = [motif.name for motif in look.motifs if motif.kind == "class"]
    channels = [motif.name for motif in look.motifs if motif.kind == "channel"]
    short = not classes or (len(classes) == 1 and not channels)
    if short:
        words += [word for name in classes for word in ("--class", name)]
        words += [word for name in channels for word in ("--channel", name)]
    if look.mask:
        words += ["--mask", look.mask]
    for key, value in look.overrides(preset):
        if (key == "objective" and short) or (key in ("mask.kind", "mask.file") and look.mask):
            continue
        if value is not None:
            words += ["--set", f"{key}={_word(value)}"]
    return shlex.join(words) if os.sep == "/" else " ".join(map(_quoted, words))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else presets.toml_value(value)


def _quoted(word: str) -> str:
    plain = word and not set(word) & set(' "&|<>^%;,=')
    return word if plain else '"' + word.replace('"', '\\"') + '"'
