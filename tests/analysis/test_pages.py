"""Pages are one file each, and hold nothing that is not theirs."""

import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from dreamvid.analysis import pages

pytestmark = pytest.mark.fast


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open."""

    EMPTY = ("meta", "img", "link", "br", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_base_is_a_whole_page_with_its_style_in_it() -> None:
    html = pages.render_page("page.html.j2")
    reader = Balanced()
    reader.feed(html)
    assert not reader.open and {"html", "title", "style", "main"} <= set(reader.seen)
    assert "prefers-color-scheme: dark" in html and 'name="viewport"' in html
    assert not re.search(r"https?://|\blink\b.*href|@import", html)


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    environment = pages._environment()
    with pytest.raises(UndefinedError, match="nothing_of_the_kind"):
        environment.from_string("{{ nothing_of_the_kind }}").render()
    assert environment.from_string("{{ text }}").render(text="<b>") == "&lt;b&gt;"


def test_an_address_holds_its_file() -> None:
    head, _, data = pages.data_uri(b"\x00\xff", "image/png").partition(",")
    assert head == "data:image/png;base64" and b64decode(data) == b"\x00\xff"


def test_a_link_leads_from_the_page_to_the_file(tmp_path: Path) -> None:
    page, odd = tmp_path / "site" / "index.html", tmp_path / "films" / "a b#1: \udcff.mp4"
    assert pages.link(odd, page) == "../films/a%20b%231%3A%20%FF.mp4"
    assert pages.link(tmp_path / "site" / "x.mp4", page) == "x.mp4"
