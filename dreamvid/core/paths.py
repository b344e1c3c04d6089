"""Files by their paths and patterns: whether they are there, their size in words, their hash, their TOML."""

import glob
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dreamvid.core.errors import SettingsError
from dreamvid.core.texts import parse_toml

LONGEST = 1_000_000  # bytes of a TOML file
BEFORE = r"(?<![\w.~/*?\]])"  # an absolute path of Unix is no part of another, of a pattern or of an address
ABSOLUTE = re.compile(rf"{BEFORE}/(?!/)|(?<!\w)[A-Za-z]:\\|\\\\")
FOLDERS = re.compile(rf"{BEFORE}/(?!/)(?:[^\s/:'\",;]+/)+|(?:(?<!\w)[A-Za-z]:|(?<!\\)\\)\\(?:[^\s\\:'\",;]+\\)+")


def is_there(path: Path) -> bool:
    """Return whether a path is an existing file; False also for a string that cannot be a file name."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a null byte
        return False


def without_folders(text: str, known: Iterable[Path] = ()) -> str:
    """Return a text in which absolute paths are names alone: where something lies on a machine is nobody's business.

    `known`: folders that it may speak of, whose names may hold spaces, as those of the user, which are known.
    """
    text = text.replace("file://", "")
    if not ABSOLUTE.search(text):
        return text
    for folder in sorted({*known, Path.cwd(), Path.home()}, key=lambda path: -len(str(path))):
        if folder.is_absolute() and folder.name:
            itself = rf"{BEFORE}{re.escape(str(folder))}"
            text = re.sub(rf"{itself}{re.escape(os.sep)}", "", text)
            text = re.sub(rf"{itself}(?![\w.-])", folder.name.replace("\\", r"\\"), text)
    return FOLDERS.sub("", text)


def matching(pattern: str) -> list[str]:
    """Return the files and folders that match a pattern, sorted; only the one whose name it is, if there is one."""
    return glob.glob(glob.escape(pattern)) or sorted(glob.glob(pattern))  # noqa: PTH207 (of any name, without an error)


def file_size(count: int) -> str:
    """Return a number of bytes as people read the size of a file."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes; raise OSError where they cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_toml(path: Path, longest: int = LONGEST) -> dict[str, Any]:
    """Read a TOML file; raise SettingsError with its name where it cannot be read, is no TOML, or too long in bytes."""
    try:
        if (size := path.stat().st_size) > longest:
            raise SettingsError(f"{path}: a file of {size} bytes is too long: give at most {longest}")
        # -sig: Windows Notepad writes a byte order mark; surrogates: the name of a file that is no text, in a job.
        return parse_toml(path.read_text(encoding="utf-8-sig", errors="surrogatepass"))
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: it is not text in UTF-8: save it as UTF-8 in your editor") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from None
