"""Pages about finished films: what is there is told, and what is not there is said to be missing."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from job_runs import COUNT, KEEP, WORLD, folder_of, journal_of, write_journal
from little import drifting, film, quick, texture, write_image

from dreamvid import cli
from dreamvid.jobs import run
from dreamvid.jobs.run import Options

pytestmark = pytest.mark.usefixtures("small_net")


class Page(HTMLParser):
    """What a page holds: its elements, their attributes, its words; fails where one is closed that is not open."""

    EMPTY = ("meta", "img", "input")

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.html = file.read_text(encoding="utf-8")
        self.feed(self.html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text += f" {' '.join(data.split())}" if data.strip() else ""

    def every(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def diagrams(self) -> list[str]:
        return [svg["aria-label"].partition(":")[0].removesuffix(" of each frame") for svg in self.every("svg")[:-4]]


@pytest.fixture
def made(reference: Path, clip: Path, tmp_path: Path) -> Path:
    """A film with its job folder and its source beside it, in a folder of someone's own."""
    home = tmp_path / "home of someone"
    home.mkdir()
    shutil.copy(clip, home / "clip.mp4")
    shutil.copy(reference, home / "dream.mp4")
    shutil.copytree(folder_of(reference), folder_of(home / "dream.mp4"))
    return home / "dream.mp4"


def reported(film: Path, *words: str) -> Page:
    out = film.with_name("page.html")
    assert cli.run(["report", str(film), *words, "--out", str(out), "--overwrite", "--quiet"]) == 0
    return Page(out)


def test_a_page_is_one_file_that_asks_for_nothing_and_names_no_folder(made: Path) -> None:
    page = reported(made)
    assert not re.search(r"https?://|@import|url\(", page.html)
    assert [link["href"] for link in page.every("a")] == ["dream.mp4"]
    assert all(picture["src"].startswith("data:image/webp;base64,") for picture in page.every("img"))
    assert all(picture["alt"] for picture in page.every("img"))
    assert "someone" not in page.html and str(made.parent) not in page.html


def test_film_and_source_are_beside_each_other_with_sliders_that_have_labels(made: Path) -> None:
    page = reported(made)
    assert "The film beside its source" in page.text
    sliders = {slider["id"]: slider for slider in page.every("input")}
    assert {slider["type"] for slider in sliders.values()} == {"range"}
    assert set(sliders) == {label["for"] for label in page.every("label")} == {"moment", "split"}
    assert sliders["moment"]["max"] == str(COUNT - 1)
    pairs = [div for div in page.every("div") if "data-words" in div]
    assert [pair["data-words"].partition(", strength")[0] for pair in pairs][:2] == [
        "frame 0, 0:00",
        "frame 1, 0:00.08",
    ]
    assert ["hidden" in pair for pair in pairs] == [False] + [True] * (COUNT - 1)
    assert len(page.every("img")) == 4 * COUNT  # source and film, large and in the strip


def test_with_the_job_folder_everything_is_drawn(made: Path) -> None:
    page = reported(made)
    assert page.diagrams == ["Strength", "Incoherence", "Seconds", "Followed share"]
    assert "Not known" not in page.text
    took = sum(line["seconds"] for line in journal_of(made))
    assert f"for {COUNT} frames, {took / COUNT:.2f} s each" in page.text
    assert "dreamvid again dream.mp4 clip.mp4 dream-twin.mp4" in page.text
    assert "General flashes: never more than 3 in a second" in page.text
    assert "[[objective]]" in page.text and "To look at" not in page.text


def test_a_frame_that_was_dreamed_anew_is_told_and_marked(made: Path) -> None:
    lines = journal_of(made)
    lines[2]["valid"] = None
    write_journal(made, lines)
    page = reported(made)
    assert "To look at Frame 2 was dreamed anew: the flow failed." in page.text
    marks = [path["d"] for path in page.every("path") if path["class"] == "anew"]
    assert marks == ["M500.0 86V100"] * len(page.diagrams) + ["M12 4V16"]


def test_without_the_job_folder_the_rest_is_measured_and_what_is_not_known_is_said(made: Path) -> None:
    shutil.rmtree(folder_of(made))
    page = reported(made)
    assert page.diagrams == ["Strength", "Incoherence", "Followed share"]
    assert "Not known: how long each frame took" in page.text and "Time it took" not in page.text
    other = made.with_name("other.mp4")
    shutil.copy(made, other)
    shutil.move(str(made), made.with_name("moved.mp4"))
    assert "The film beside its source" in reported(other).text


@pytest.mark.parametrize("damage", ["a job folder of another film", "something else", "no plan"])
def test_a_job_folder_that_is_not_the_films_is_not_read(damage: str, made: Path) -> None:
    if damage == "a job folder of another film":
        (folder_of(made) / "done.json").unlink()
    elif damage == "something else":
        (folder_of(made) / "diary.txt").write_text("dear diary")
    else:
        (folder_of(made) / "plan.json").write_text("{}")
    page = reported(made)
    said = "that of another film" if damage == "a job folder of another film" else "damaged"
    assert f"since the job folder is {said}." in page.text and "Seconds" not in page.diagrams
    assert "someone" not in page.html


def test_the_job_folder_may_lie_elsewhere(made: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    shutil.move(folder_of(made), tmp_path / "work")
    assert "Seconds" in reported(made, "--work-dir", str(tmp_path / "work")).diagrams


def test_without_its_source_a_film_is_shown_alone(made: Path, tmp_path: Path) -> None:
    shutil.move(made.with_name("clip.mp4"), tmp_path / "renamed.mp4")
    page = reported(made)
    assert "Not known: strength and incoherence, since clip.mp4 is not beside dream.mp4." in page.text
    assert page.diagrams == ["Seconds", "Followed share"]
    assert len(page.every("img")) == 2 * COUNT and len(page.every("input")) == 1
    page = reported(made, str(tmp_path / "renamed.mp4"))
    assert page.diagrams == ["Strength", "Incoherence", "Seconds", "Followed share"]
    write_image(tmp_path / "clip.png", texture())
    shutil.copy(tmp_path / "clip.png", made.with_name("clip.mp4"))
    assert "is another than it was made of" in reported(made).text


def test_a_film_without_a_record_is_shown_as_it_is(clip: Path, tmp_path: Path) -> None:
    shutil.copy(clip, tmp_path / "<b>.mp4")
    page = reported(tmp_path / "<b>.mp4")
    assert page.text.startswith(" <b>.mp4: report")
    assert "since <b>.mp4 has no record of what it was made of. Give its source." in page.text
    assert "Make it again" not in page.text and page.diagrams == []
    assert reported(tmp_path / "<b>.mp4", str(clip)).diagrams == ["Strength", "Incoherence", "Followed share"]


def test_a_still_has_one_slider_and_no_diagram(tmp_path: Path) -> None:
    source = write_image(tmp_path / "photo.png", texture())
    run.dream_image(str(source), tmp_path / "dream.png", quick(), Options())
    page = reported(tmp_path / "dream.png")
    assert "The picture beside its source" in page.text and "Flashes" not in page.text
    assert [slider["id"] for slider in page.every("input")] == ["split"] and not page.every("svg")
    assert "Not known" not in page.text


def test_a_flight_is_shown_without_its_source(tmp_path: Path) -> None:
    source = write_image(tmp_path / "photo.png", texture(96, 128))
    world: dict[str, Any] = {**WORLD, "input": {**WORLD["input"], "size": "64x48"}}
    run.dream_zoom([str(source)], tmp_path / "flight.mp4", quick(**world), KEEP)
    page = reported(tmp_path / "flight.mp4")
    assert "since no frame of a flight is one of its source" in page.text
    assert page.diagrams == ["Seconds"] and ", and the canvas before them" in page.text
    assert "To look at" not in page.text and "another source" not in page.text


def test_cuts_are_marked(two_shots: Path, tmp_path: Path) -> None:
    shutil.copy(two_shots, tmp_path / "shots.mkv")
    run.dream_video(str(tmp_path / "shots.mkv"), tmp_path / "dream.mp4", quick(), Options())
    page = reported(tmp_path / "dream.mp4")
    cuts = [path["d"] for path in page.every("path") if path["class"] == "cut"]
    assert cuts == [f"M{1000 * 6.5 / 11:.2f} 0V100"] * len(page.diagrams) + ["M12 0V16"]


def test_frames_of_every_segment_are_drawn(tmp_path: Path) -> None:
    film(tmp_path / "long.mkv", drifting(26, seed=3), rate=12)
    settings, dream = quick(parallel={"segment": 1}), tmp_path / "dream.mkv"
    run.dream_video(str(tmp_path / "long.mkv"), dream, settings, KEEP)
    assert len(list((folder_of(dream) / "journal").iterdir())) == 2
    assert " for 26 frames, " in reported(dream).text


def test_a_film_that_was_cut_is_not_paired_with_what_lies_beside_it(made: Path, clip: Path) -> None:
    shorter = made.with_name("frames")
    run.dream_video(str(made.with_name("clip.mp4")), shorter, quick(), Options())
    max(shorter.iterdir()).unlink()
    page = reported(shorter)
    assert "cannot be paired one by one" in page.text and "someone" not in page.html
    assert reported(shorter, str(clip), "--from", "0").diagrams == ["Strength", "Incoherence", "Followed share"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gone.mp4"], 3, "there is no such file"),
        (["dream.mp4", "gone.mp4"], 3, "there is no such file"),
        (["dream.mp4", "page.html"], 2, "give --out page.html"),
        (["dream.mp4", "--out", "page.pdf"], 2, "a name that ends in .html"),
        (["dream.mp4", "--out", "gone/page.html"], 2, "the folder gone does not exist"),
        (["dream.mp4", "--out", "taken.html"], 2, "--overwrite replaces it"),
        (["dream.mp4", "--from", "soon"], 2, "is not a time"),
        ([], 2, "OUTPUT"),
    ],
)
def test_what_cannot_be_reported_is_told_in_a_line(
    words: list[str],
    code: int,
    said: str,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(made.parent)
    Path("taken.html").write_text("mine")
    assert cli.run(["report", *words, "--quiet"]) == code
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err
    assert Path("taken.html").read_text() == "mine"


def test_the_page_lies_beside_the_film_by_default(
    made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made.parent)
    assert cli.run(["report", "dream.mp4", "--quiet"]) == 0
    assert capfd.readouterr().out == "dream.mp4.html\n" and Path("dream.mp4.html").is_file()
