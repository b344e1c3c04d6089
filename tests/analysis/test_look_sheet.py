"""Sheets of looks: pages and drawn sheets, of stills and of what moves."""

import html
import io
import re
from base64 import b64decode
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from little import texture
from PIL import Image
from test_pages import Balanced

from dreamvid.analysis.contact_sheet import GAP, LINE, Cell, sheet
from dreamvid.analysis.look_sheet import MOVING, PAGE, STILL, LookSheet, View
from dreamvid.core.types import Pixels
from dreamvid.media import stills

COMMAND = "dreamvid image 'a <b> &  c.mp4' out.png --set 'dream.step_size=0.1 * beat'"


def view(title: str, seed: int, count: int = 1, **more: str) -> View:
    pictures = tuple(texture(36, 64, seed=seed + number) for number in range(count))
    return View(title, pictures, Fraction(12), **more)


@pytest.fixture
def looks() -> LookSheet:
    views = (view("<one>", 1, note="as at full size", about="a & b", command=COMMAND), view("two", 2, film="film"))
    return LookSheet("clip.mp4 in 2 looks", "frame 3 of 9", view("source", 0), views)


def decoded(address: str) -> Pixels:
    return stills.decode(b64decode(address.partition(",")[2]))


def test_a_page_is_whole_and_holds_every_picture_and_line(looks: LookSheet) -> None:
    page = looks.encoded(PAGE).decode()
    reader = Balanced()
    reader.feed(page)
    assert not reader.open and reader.seen.count("figure") == 3
    found = re.findall(r'<img src="(data:image/webp;base64,[^"]+)" width="64" height="36" alt="([^"]+)"', page)
    assert [html.unescape(alt) for _, alt in found] == ["source", "<one>: a & b", "two"]
    for (address, _), shown in zip(found, (looks.source, *looks.views), strict=True):
        assert np.abs(decoded(address).astype(int) - shown.pictures[0]).mean() < 6
    assert [html.unescape(re.sub("<[^>]*>", "", line)) for line in re.findall("<code[^>]*>(.*?)</code>", page)] == [
        COMMAND,
        "film",
    ]


def test_a_page_that_grows_loads_itself_again_and_a_finished_one_does_not(looks: LookSheet) -> None:
    pages = {state: replace(looks, state=state).encoded(PAGE).decode() for state in ("growing", "done", "stopped")}
    assert [state for state, page in pages.items() if "location.reload" in page] == ["growing"]
    assert [state for state, page in pages.items() if 'http-equiv="refresh"' in page] == ["growing"]
    assert [state for state, page in pages.items() if "Stopped before" in page] == ["stopped"]


def test_a_page_asks_for_nothing_from_elsewhere(looks: LookSheet) -> None:
    page = looks.encoded(PAGE).decode()
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page) and "://" not in page


def test_a_grid_has_its_columns_and_not_the_source(looks: LookSheet) -> None:
    page = replace(looks, columns=2).encoded(PAGE).decode()
    assert "repeat(2, minmax(0, 1fr))" in page and page.count("<figure") == 2
    drawn = stills.decode(replace(looks, columns=1).encoded(STILL))
    assert drawn.shape[1] == 64 + 2 * GAP


def test_a_drawn_sheet_holds_its_pictures_unchanged(looks: LookSheet) -> None:
    drawn = stills.decode(looks.encoded(STILL))
    for shown in (looks.source, *looks.views):
        windows = np.lib.stride_tricks.sliding_window_view(drawn, (36, 64, 3))[:, :, 0]
        assert (windows == shown.pictures[0]).all(axis=(2, 3, 4)).any()


def test_a_sheet_that_moves_has_all_pictures_at_their_times(looks: LookSheet) -> None:
    moving = replace(looks, views=(view("one", 1, count=5), view("two", 7, count=5)), source=view("source", 0, count=5))
    for data in (moving.encoded(MOVING), b64decode(moving.views[0].address.partition(",")[2])):
        with Image.open(io.BytesIO(data)) as film:
            lasts = []
            for number in range(film.n_frames):  # type: ignore[attr-defined]
                film.seek(number)
                film.load()
                lasts.append(film.info["duration"])
            assert len(lasts) == 5 and sum(lasts) == round(5000 / 12) and film.info["loop"] == 0


def test_text_beneath_a_picture_is_broken_into_its_width() -> None:
    picture = np.full((30, 120, 3), 100, np.uint8)
    plain, lines = sheet([Cell("a", picture)], 1), sheet([Cell("a", picture, "--one --two " * 8 + "x" * 60)], 1)
    added = lines.shape[0] - plain.shape[0]
    assert added % LINE == 0 and added > 4 * LINE and lines.shape[1] == plain.shape[1]
    below = lines[LINE + 30 :]
    assert all((below[top : top + LINE] < 128).any() for top in range(0, added, LINE))
    assert (below[:, -GAP:] == 255).all()
    short = sheet([Cell("a", picture, "x"), Cell("b", picture, "--one " * 30)], 2)
    assert (short[LINE : LINE + 30, GAP : GAP + 120] == picture).all()
