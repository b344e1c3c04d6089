"""Pages of one file each: templates over a common base, `page.html.j2`, with its style, `page.css`, written into it."""

import base64
import os
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(template: str, **values: object) -> str:
    """Return the HTML of a template of this folder, such as `preview.html.j2`; a value that it lacks is an error."""
    return _environment().get_template(template).render(values)


def data_uri(data: bytes, kind: str) -> str:
    """Return a file as an address that holds it: `kind` is its media type, such as image/jpeg."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def link(file: Path, page: Path) -> str:
    """Return where a file is, as an address from a page; by its name alone where no path leads there."""
    try:
        way = os.path.relpath(file.resolve(), page.resolve().parent)
    except ValueError:  # another drive
        way = file.name
    return quote(Path(way).as_posix(), errors="surrogateescape")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dreamvid.analysis.pages", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
