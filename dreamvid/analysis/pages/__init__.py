"""Pages of one file each: templates over a common base, `page.html.j2`, with its style, `page.css`, written into it."""

import base64
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(template: str, **values: object) -> str:
    """Return the HTML of a template of this folder, such as `preview.html.j2`; a value that it lacks is an error."""
    return _environment().get_template(template).render(values)


def data_uri(data: bytes, kind: str) -> str:
    """Return a file as an address that holds it: `kind` is its media type, such as image/jpeg."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


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
