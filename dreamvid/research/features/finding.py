"""Result of a features command: pictures, a table, text and numbers; files are written atomically, old ones kept."""

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
    """Pictures by the ending of their file's stem ("" is the main one), rows of a table, lines of text, numbers.

    `words`: lines to read; `numbers`: the same for a program, as JSON; `page`: HTML in place of the main picture.
    """

    pictures: dict[str, Pixels]
    words: tuple[str, ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)
    table: Sequence[dict[str, Any]] = ()
    page: str | None = None


def check(out: Path, endings: Iterable[str], *, overwrite: bool, html: bool = False) -> None:
    """Raise SettingsError where `out`, or a file beside it, cannot be written or exists; call it before dreaming.

    `endings`: of the stems of further pictures ("-dreams"), which have the suffix of `out`, or a suffix (".csv").
    """
    valid = [*images.WRITTEN, *([HTML] if html else [])]
    if out.suffix.lower() not in valid:
        near = nearest(out.suffix.lower(), valid, count=1)
        raise SettingsError(f"--out {out}: give a name that ends in {', '.join(valid)}{near}")
    if not out.parent.is_dir():
        raise SettingsError(f"--out {out}: the folder {out.parent} does not exist: create it first")
    for path in (out, *(_beside(out, end if end.startswith(".") else end + out.suffix) for end in endings)):
        if path.exists() and (path.is_dir() or not overwrite):
            raise SettingsError(f"{path} exists: replace it with --overwrite, or give another name with --out")


def write(finding: Finding, out: Path) -> list[Path]:
    """Write the pictures, the table and the page to `out` and beside it, each atomically; return the files.

    Raises JobError where the disk refuses.
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
    """Return JSON on one line: `output`, `files`, and the numbers."""
    return json.dumps({"output": str(files[0]), "files": [str(file) for file in files], **finding.numbers})


def require(*modules: str) -> None:
    """Raise SettingsError where one of the libraries that only features need is missing."""
    for module in modules:
        if find_spec(module) is None:
            raise SettingsError(f"this command needs the package {module}: run `pip install 'dreamvid[features]'`")


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(out.stem + ending)


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
