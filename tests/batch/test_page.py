"""The page about a batch: what it shows, of whom it keeps quiet, and that it costs little."""

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from batch_jobs import HEAD, ONE, TWO, Write, states
from PIL import Image

from dreamvid.batch import control, place
from dreamvid.batch import page as pages
from dreamvid.batch import run as driver
from dreamvid.batch.jobs_file import read
from dreamvid.batch.orders import JobsFile, Watched
from dreamvid.batch.page import BatchPage
from dreamvid.batch.state import Ended, MadeFilm, State
from dreamvid.batch.whole import Whole
from dreamvid.cli import run
from dreamvid.core.errors import SettingsError
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.run import Options

pytestmark = pytest.mark.usefixtures("small_net")
MATRIX = HEAD.replace("{stem}", "films/{stem} {dream.strength}") + (
    '[[job]]\nsource = "in/one.mp4"\nmatrix = {"dream.strength" = [0.5, 1.5]}\n'
    '[[job]]\nsource = "in/still.png"\ncommand = "image"\noutput = "films/s.png"\nframes = "0:1"\npriority = 2\n'
)


class Seen(HTMLParser):
    """What a page shows, by heading; its links and pictures; fails where an element is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: dict[str, str] = {"": ""}
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "h2":
            self.headings[""], last = "", self.headings.pop("", "")
            self.headings.setdefault("top", last)
        self.links += [unquote(value or "") for key, value in attrs if key == "href"]
        self.pictures += [value or "" for key, value in attrs if key == "src"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        if self.open and self.open[-1] == "h2":
            self.headings[data] = ""
        else:
            last = next(reversed(self.headings))
            self.headings[last] += " ".join(data.split()) + " "


def rendered(file: Path, options: Options | None = None) -> Seen:
    """Render a batch with a page beside it, and return what that shows."""
    page = file.with_name("films.html")
    driver.run(JobsFile(file), options, page=page)
    return Seen(page.read_text(encoding="utf-8"))


@pytest.fixture
def begun(jobs: Write) -> Iterator[tuple[BatchPage, State, Path]]:
    """A batch that was taken up, of which nothing is rendered, and its page."""
    file = jobs(MATRIX)
    found = {job.name: job for job in read(file)}
    with place.opened(file, drives=True) as state:
        state.take_up((name, job.priority, name, 10, "waiting", "") for name, job in found.items())
        yield BatchPage(file.with_name("films.html"), file, state, lambda: found), state, file


def test_it_shows_every_film_with_a_picture_a_link_and_what_tells_it_from_others(jobs: Write) -> None:
    seen = rendered(jobs(MATRIX))
    assert seen.links == ["films/s.png", "films/one 0.5.mp4", "films/one 1.5.mp4"]
    assert len(seen.pictures) == 3 and all(each.startswith("data:image/webp;base64,") for each in seen.pictures)
    assert "Done." in seen.headings["top"] and "3 of 3 done" in seen.headings["top"]
    assert "All: preset quick.toml" in seen.headings["top"]
    assert re.search(r"films/one 0\.5\.mp4 [^/]*dream\.strength 0\.5 +2 frames", seen.headings["Films"])
    assert "Waiting" not in seen.headings and "left" not in seen.headings["top"]


def test_what_failed_or_was_skipped_is_said_without_the_folders_of_this_machine(jobs: Write, tmp_path: Path) -> None:
    (tmp_path / "films").write_text("in the way of a folder")
    text = HEAD.replace("{stem}", "{stem} <b>") + ONE + '[[job]]\nsource = "in/gone.mp4"\n'
    seen = rendered(
        jobs(text + f'[[job]]\nsource = "{tmp_path}/in/two.mp4"\noutput = "{tmp_path}/in/two.mp4.d/x.mp4"\n')
    )
    assert "gone.mp4: there is no such file" in seen.headings["Skipped"]
    assert "one <b>.mp4" in seen.headings["Films"] and "x.mp4" in seen.headings["Films"]
    html = (tmp_path / "films.html").read_text()
    assert str(tmp_path) not in html and str(Path.home()) + "/" not in html


def test_while_it_runs_it_says_how_far_it_is_and_what_comes_next(begun: tuple[BatchPage, State, Path]) -> None:
    page, state, _ = begun
    state.begin("films/one 0.5.mp4")
    state.progress("films/one 0.5.mp4", 4)
    page.see(Whole("films/one 0.5.mp4", 0, 3, 4, 30, 125.0))
    seen = Seen(page.page.read_text())
    assert "At work. About 2m05s left." in seen.headings["top"] and "4 of 30 frames" in seen.headings["top"]
    assert re.search(r"films/one 0\.5\.mp4 .*dream\.strength 0\.5 4 of 10 frames", seen.headings["Running"])
    assert seen.headings["Waiting"].split()[0] == "films/s.png" and "priority 2" in seen.headings["Waiting"]
    state.tell("paused", "1")
    assert "Paused." in Seen(page.html(over=False)).headings["top"]


def test_a_page_asks_nobody_for_anything(begun: tuple[BatchPage, State, Path]) -> None:
    html = begun[0].html(over=False)
    assert not re.search(r"https?://|<script|@import|http-equiv", html)


def test_a_report_beside_a_film_is_linked(jobs: Write, tmp_path: Path) -> None:
    file = jobs(HEAD + ONE)
    rendered(file)
    (tmp_path / "one.mp4.html").write_text("a report")
    assert rendered(file).links == ["one.mp4", "one.mp4.html"]
    (tmp_path / "one.mp4").unlink()
    with place.opened(file) as state:
        page = BatchPage(tmp_path / "films.html", file, state, lambda: {job.name: job for job in read(file)})
        seen = Seen(page.html(over=True))
    assert seen.links == seen.pictures == [] and "the film is not there any more" in seen.headings["Films"]


def test_a_picture_is_made_once_also_for_later_runs(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    made, file = [], jobs(HEAD + TWO)
    thumbnail = pages.thumbnail
    monkeypatch.setattr(pages, "thumbnail", lambda film, side: made.append(film.name) or thumbnail(film, side))
    first, again = rendered(file), rendered(file)
    assert sorted(made) == ["one.mp4", "two.mp4"]
    assert first.pictures == again.pictures and len(again.pictures) == 2


def test_pictures_are_bounded_and_that_is_said(
    begun: tuple[BatchPage, State, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, state, _ = begun
    (tmp_path / "films").mkdir()
    for name in page.jobs():
        film = tmp_path / name
        film.write_bytes((tmp_path / "in" / ("still.png" if name.endswith("png") else "one.mp4")).read_bytes())
        state.end(name, state.begin(name), 1.0, Ended("done", film=MadeFilm.of(film, "digest", name)))
    monkeypatch.setattr(pages, "AT_ONCE", 1)
    assert [len(Seen(page.html(over=False)).pictures) for _ in range(2)] == [1, 2]
    assert len(Seen(page.html(over=True)).pictures) == 3
    monkeypatch.setattr(pages, "PICTURES", 2)
    seen = Seen(page.html(over=True))
    assert len(seen.pictures) == 2 and "2 of 3 films are shown with a picture (2 at most)" in seen.headings["Films"]
    assert seen.links == ["films/s.png", "films/one 0.5.mp4", "films/one 1.5.mp4"]


def test_a_film_that_shows_nothing_has_no_picture(begun: tuple[BatchPage, State, Path], tmp_path: Path) -> None:
    page, state, _ = begun
    film = tmp_path / "films" / "s.png"
    film.parent.mkdir()
    film.write_bytes(b"no picture")
    state.end("films/s.png", state.begin("films/s.png"), 1.0, Ended("done", film=MadeFilm.of(film, "", "hash")))
    seen = Seen(page.html(over=True))
    assert seen.pictures == [] and seen.links == ["films/s.png"] and state.picture("hash") == b""


def test_pictures_are_small(jobs: Write, tmp_path: Path) -> None:
    rendered(jobs(HEAD + ONE))
    webp = pages._webp(tmp_path / "one.mp4")
    with Image.open(io.BytesIO(webp)) as picture:
        assert picture.format == "WEBP" and max(picture.size) <= pages.SIDE


def test_it_is_written_seldom_and_seldomer_where_writing_takes_long(begun: tuple[BatchPage, State, Path]) -> None:
    page, _, _ = begun
    clock, takes, written = 0.0, 0.01, []

    class Slow(BatchPage):
        def html(self, *, over: bool) -> str:
            nonlocal clock
            clock += takes
            written.append(clock)
            return ""

    slow = Slow(page.page, page.file, page.state, page.jobs, now=lambda: clock)
    for _ in range(100):
        slow.see(None)
        clock += 0.1
    assert len(written) == 4
    takes, written = 1.0, []
    for _ in range(1000):
        slow.see(None)
        clock += 0.1
    assert len(written) == 2
    slow.see(None, over=True)
    assert len(written) == 3


def test_a_batch_that_is_stopped_says_so(jobs: Write, tmp_path: Path) -> None:
    file = jobs(HEAD + TWO)
    with pytest.raises(Interrupted):
        rendered(file, Options(stop=lambda: True))
    seen = Seen((tmp_path / "films.html").read_text())
    assert "Stopped; the same command goes on." in seen.headings["top"] and "Running" not in seen.headings
    assert seen.headings["Waiting"].count(".mp4") == 2


def test_what_is_left_out_is_said(begun: tuple[BatchPage, State, Path]) -> None:
    page, _, file = begun
    control.skip(file, "films/s.png")
    assert "films/s.png" in (skipped := Seen(page.html(over=False)).headings["Skipped"]) and "left out" in skipped


def test_a_page_that_cannot_be_written_stops_no_batch(
    jobs: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pages, "write_file", full)
    assert states(driver.run(JobsFile(jobs(HEAD + TWO)), page=tmp_path / "films.html")) == {
        "one.mp4": "rendered",
        "two.mp4": "rendered",
    }
    assert caplog.text.count("the page is not written") == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("films.mp4", "give a name that ends in .html"),
        ("folder.html", "is a folder"),
        ("mine.html", "is there already and is no page of a batch"),
        ("in/one.mp4/x.html", "in/one.mp4 is a file"),
    ],
)
def test_a_name_that_no_page_may_have_is_refused_before_anything(
    name: str, said: str, jobs: Write, tmp_path: Path, renders: list[str]
) -> None:
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "mine.html").write_text("<p>not to be lost</p>")
    with pytest.raises(SettingsError, match=said):
        driver.run(JobsFile(jobs(HEAD + ONE)), page=tmp_path / name)
    assert not renders and (tmp_path / "mine.html").read_text() == "<p>not to be lost</p>"


def test_a_page_among_what_is_watched_is_refused(tmp_path: Path, jobs: Write) -> None:
    watched = Watched(tmp_path / "in", JobsFile(jobs(HEAD)))
    with pytest.raises(SettingsError, match=r"what lies in .* is dreamed: write the page elsewhere"):
        driver.run(watched, page=tmp_path / "in" / "films.html")


def test_the_option_writes_it_into_a_new_folder_too(
    jobs: Write, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, page = jobs(HEAD + ONE), tmp_path / "new" / "index.html"
    assert run(["batch", str(file), "--page", str(page), "--quiet"]) == 0
    assert Seen(page.read_text()).links == ["../one.mp4"]
    assert run(["batch", str(file), "--page", str(page), "--dry-run"]) == 2
    assert "--page is about films that are made" in capfd.readouterr().err
    with place.at_work(file):
        assert run(["batch", str(file), "--page", str(page)]) == 0
    assert f"--page {page} is not written" in capfd.readouterr().err
