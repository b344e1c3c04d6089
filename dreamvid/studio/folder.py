"""The folder that a studio works in: which sources and presets lie there, and which names may be read or written."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dreamvid.config import presets
from dreamvid.config.named_files import change_files
from dreamvid.config.serialize import to_table
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.paths import read_toml
from dreamvid.media.images import READ_SUFFIXES

FILMS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".mts", ".3gp"}
STILLS = READ_SUFFIXES
MOST, DEEPEST, LONGEST = 500, 2, 120  # files that are listed; folders within one another; characters of a new name
NESTED = 32  # presets that extend one another


@dataclass(frozen=True)
class Folder:
    """A folder, by its real path; nothing outside it is read as a source, and nothing is written there."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> "Folder":
        """Return the folder of a path; raise SettingsError where there is none."""
        if not path.is_dir():
            raise SettingsError(f"{path} is no folder: name the folder that your clips are in")
        return cls(Path(os.path.realpath(path)))

    def inside(self, name: str) -> Path:
        """Return the real path of a file in the folder; raise SettingsError for any other, by whatever way."""
        path, told = self._within(name)
        try:
            there = path.is_file()
        except OSError:
            there = False
        if not there:
            raise SettingsError(f"there is no file {told} in this folder")
        return path

    def source(self, name: str) -> Path:
        """Return the real path of a file or a folder of pictures in the folder; raise SettingsError as `inside`."""
        path, told = self._within(name)
        try:
            entries = list(os.scandir(path))
        except OSError:
            return self.inside(name)
        if not all(Path(os.path.realpath(entry.path)).is_relative_to(self.root) for entry in entries):
            raise SettingsError(f"{told} holds a link that leads out of this folder: copy the file into it")
        return path

    def _within(self, name: str) -> tuple[Path, str]:
        """Return a real path in the folder, and how to name it; raise SettingsError for any other."""
        parts = name.replace("\\", "/").split("/")
        told = name if name.isprintable() and len(name) <= LONGEST else "this name"
        if not name or "\0" in name or Path(name).is_absolute() or ".." in parts or ":" in parts[0][1:2]:
            raise SettingsError(f"{told} is not the name of a file in this folder")
        path = Path(os.path.realpath(self.root / name))
        if not path.is_relative_to(self.root):
            raise SettingsError(f"{told} leads out of this folder: copy the file into it")
        return path, told

    def new(self, name: str, suffixes: tuple[str, ...]) -> Path:
        """Return the path of a file to write, directly in the folder; raise SettingsError where the name is no such."""
        plain = name.strip()
        told = plain if plain.isprintable() and len(plain) <= LONGEST else "this name"
        odd = set(plain) & set('/\\:*?"<>|') or not plain.isprintable() or plain.startswith((".", "-"))
        if not plain or odd or len(plain.encode(errors="replace")) > LONGEST:
            raise SettingsError(f"{told or 'an empty name'} cannot be the name of a file: use letters, digits, - and _")
        path = self.root / plain
        if path.suffix.lower() not in suffixes:
            raise SettingsError(f"{told}: the name must end in {', '.join(suffixes)}")
        if path.is_symlink() or path.is_dir():
            raise SettingsError(f"{told} is a link or a folder: give another name")
        return path

    def named(self, suffixes: set[str]) -> list[str]:
        """Return the files with one of some suffixes, by their names within the folder, those directly in it first."""
        found = (self._name(entry) for entry in self._files(self.root, DEEPEST) if _suffix(entry) in suffixes)
        names = [name for name, _ in zip(found, range(MOST), strict=False)]
        # Without their suffixes, or clip-dream.mp4 would come before clip.mp4.
        return sorted(names, key=lambda name: (name.count("/"), name.rpartition(".")[0].casefold(), name))

    def sequences(self) -> list[str]:
        """Return the folders within it that hold more than one still, by name."""
        stills = (self._name(entry) for entry in self._files(self.root, DEEPEST) if _suffix(entry) in STILLS)
        held = Counter(name.rpartition("/")[0] for name in stills)
        return sorted((name for name, count in held.items() if name and count > 1), key=str.casefold)[:MOST]

    def presets(self) -> list[str]:
        """Return the files directly in the folder that are presets, by name."""
        names = (entry.name for entry in self._files(self.root, 1) if _suffix(entry) == ".toml")
        return sorted((name for name in names if _is_preset(self.root / name)), key=str.casefold)

    def preset(self, name: str) -> str:
        """Return a preset as `presets.resolve` takes it: a shipped one by name, one of the folder by its path.

        Raises SettingsError where there is none, or where it extends a file outside the folder.
        """
        if name in presets.everything():
            return name
        if not name.endswith(".toml"):
            raise SettingsError(f"there is no look {name[:LONGEST]!r}")
        path = self.inside(name)
        beside: Path | None = path
        for _ in range(NESTED):
            extended = read_toml(beside).get("extends") if beside else None
            if extended is None or extended in presets.everything():
                break
            if not isinstance(extended, str) or Path(extended).name != extended:
                raise SettingsError(f"{name}: extends must name a preset, or a file beside it")
            beside = self.inside(extended) if (self.root / extended).exists() else None
        return str(path)

    def check_files(self, settings: Settings) -> None:
        """Raise SettingsError where settings name a file outside the folder."""

        def check(key: str, value: str) -> str:
            if not Path(os.path.realpath(self.root / value)).is_relative_to(self.root):
                raise SettingsError(f"{key}: {value} is outside this folder: copy the file into it")
            return value

        change_files(to_table(settings), check)

    def stamp(self, name: str) -> int:
        """Return a number that changes when a file of the folder does; 0 where there is none."""
        try:
            return (self.root / name).stat().st_mtime_ns
        except (OSError, ValueError):
            return 0

    def _name(self, entry: "os.DirEntry[str]") -> str:
        return Path(entry.path).relative_to(self.root).as_posix()

    def _files(self, where: Path, deep: int) -> Iterator["os.DirEntry[str]"]:
        """Yield the visible files of a folder and those within it, links to elsewhere left out."""
        try:
            with os.scandir(where) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return
        for entry in found:
            if entry.name.startswith(".") or entry.name.endswith(".dreamvid") or not entry.name.isprintable():
                continue  # what is no text has no address
            if _is_file(entry) and Path(os.path.realpath(entry.path)).is_relative_to(self.root):
                yield entry
            elif deep > 1 and entry.is_dir(follow_symlinks=False):
                yield from self._files(Path(entry.path), deep - 1)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:  # as of a link that leads to itself
        return False


def _suffix(entry: "os.DirEntry[str]") -> str:
    return Path(entry.name).suffix.lower()


def _is_preset(path: Path) -> bool:
    """Return whether a TOML file reads as a preset; batch files and others do not."""
    try:
        table = read_toml(path)
    except SettingsError:
        return False
    return bool(table) and table.keys() <= {*Settings.model_fields, "extends"} - {"keyframes"}
