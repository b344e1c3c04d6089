"""What a command has found: pictures, a table, words and numbers; written whole, and never over what is there."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dreamvid.core.errors import SettingsError, nearest
from dreamvid.core.types import Pixels
from dreamvid.media import images
from dreamvid.media.frame_store import write_file

HTML = ".html"


@dataclass(frozen=True)
class Finding:
    """Pictures by the ending of their file's stem ("" is the main one), rows of a table, and what is said of them.

    `words`: lines for a reader; `numbers`: the same for a program; `page`: HTML in place of the main picture.
    """

    pictures: dict[str, Pixels]
    words: tuple[str, ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)
    table: Sequence[dict[str, Any]] = ()
    page: str | None = None


def check(out: Path, endings: Iterable[str], *, overwrite: bool, html: bool = False) -> None:
    """Raises SettingsError where `out`, or a file beside it, cannot be or is there already.

    `endings`: of the stems of further pictures ("-dreams"), which have the suffix of `out`, or a suffix (".csv").
    To be asked before anything is dreamed.
    """
    valid = [*images.WRITTEN, *([HTML] if html else [])]
    if out.suffix.lower() not in valid:
        near = nearest(out.suffix.lower(), valid, count=1)
        raise SettingsError(f"--out {out}: the name ends in {', '.join(valid)}{near}")
    if not out.parent.is_dir():
        raise SettingsError(f"--out {out}: there is no folder {out.parent}")
    for path in (out, *(_beside(out, end if end.startswith(".") else end + out.suffix) for end in endings)):
        if path.exists() and (path.is_dir() or not overwrite):
            raise SettingsError(f"{path} is there already: --overwrite replaces it, --out gives it another name")


def write(finding: Finding, out: Path) -> list[Path]:
    """Writes the pictures, the table and the page to `out` and beside it, each whole or not at all.

    Returns the files. Raises JobError where the disk refuses.
    """
    files = {}
    for ending, picture in finding.pictures.items():
        files[_beside(out, ending + out.suffix)] = images.encode(picture, out.suffix)
    if finding.page is not None:
        files[out] = finding.page.encode("utf-8")
    if finding.table:
        files[_beside(out, ".csv")] = _csv(finding.table).encode("utf-8")
    for path, data in files.items():
        write_file(path, data)
    return list(files)


def to_json(finding: Finding, files: Sequence[Path]) -> str:
    """One line of JSON: `output`, `files`, and the numbers."""
    return json.dumps({"output": str(files[0]), "files": [str(file) for file in files], **finding.numbers})


def require(*modules: str) -> None:
    """Raises SettingsError where one of the libraries that only features need is missing."""
    for module in modules:
        if find_spec(module) is None:
            raise SettingsError(f"this needs {module}: `pip install 'dreamvid[features]'`")


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(out.stem + ending)


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
