"""Tags of a source: a film has them, where ordinary players look for them, or a line names those that it lacks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest

from dreamvid.media import probe, tags

from . import clips
from .clips import write
from .conftest import Clip

APPLE = {
    "com.apple.quicktime.location.ISO6709": "+52.5200+013.4050+034.000/",
    "com.apple.quicktime.creationdate": "2024-05-05T12:00:00+0200",
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.model": "iPhone 15",
    "com.apple.quicktime.software": "17.4.1",
}
MANY = {
    "title": "A walk",
    "title-deu": "Ein Gang",
    "artist": "Ada",
    "album": "Holidays",
    "album_artist": "Both",
    "composer": "Clara",
    "date": "2024-05-05",
    "creation_time": "2024-05-05T10:00:00.250Z",
    "genre": "Nature",
    "copyright": "CC0",
    "description": "Up the hill",
    "synopsis": "and down again",
    "track": "3/7",
    "disc": "1/2",
    "keywords": "hill, path",
    "location": "+52.52001-013.40502+034.000/",
    "make": "Nikon",
    "model": "Z 8",
    "lyrics": "la\nla; la",
    "rating": "5",
    "com.android.capture.fps": "240.5",
    "com.android.manufacturer": "Google",
    "com.apple.quicktime.content.identifier": "8-4-4",
    "my own": 'a=b; "c" = 日本 %03d',
}


def source(path: Path, clip: Clip, named: dict[str, str], *how: str) -> Path:
    """Makes a film with these tags and a sound."""
    given = [word for name, value in named.items() for word in ("-metadata", f"{name}={value}")]
    clips.run("-i", str(clip("good.mp4")), *how, "-c", "copy", *given, str(path))
    return path


def made(film: Path, of: Path, record: str = "") -> tuple[dict[str, str], list[str]]:
    """Writes a film of a source: its tags as PyAV reads them, and the notices about tags."""
    notices = write(film, [clips.picture(number) for number in range(3)], sound=probe.probe(str(of)), record=record)
    with av.open(str(film)) as container:
        found = {name.lower(): value for name, value in container.metadata.items()}
    return found, [notice for notice in notices if " becomes " not in notice]


def date_of(film: Path) -> datetime:
    """The date in the header of an MP4 or MOV."""
    data = film.read_bytes()
    at = data.index(b"mvhd") + 4
    size = 8 if data[at] else 4
    return datetime(1904, 1, 1, tzinfo=UTC) + timedelta(seconds=int.from_bytes(data[at + 4 : at + 4 + size], "big"))


@pytest.mark.parametrize("suffix", ["mov", "mp4", "mkv", "webm"])
def test_the_tags_of_a_phone(suffix: str, clip: Clip, tmp_path: Path) -> None:
    phone = source(tmp_path / "phone.mov", clip, APPLE, "-movflags", "use_metadata_tags")
    found, notices = made(tmp_path / f"x.{suffix}", phone)
    assert found["date"] == "2024-05-05T12:00:00+0200"
    assert found["creation_time"] == "2024-05-05T10:00:00.000000Z"
    place = "+52.5200+013.4050+34.000000/" if suffix == "mp4" else "+52.5200+013.4050+034.000/"
    assert found["location"] == place
    if suffix == "mp4":
        lacking = "the tags com.apple.quicktime.make, com.apple.quicktime.model (.mkv would hold them)"
        assert notices == [f"left out of phone.mov: {lacking}"]
    else:
        assert (found["make"], found["model"], notices) == ("Apple", "iPhone 15", [])
    if suffix in ("mov", "mp4"):
        assert date_of(tmp_path / f"x.{suffix}") == datetime(2024, 5, 5, 10, tzinfo=UTC)


def test_a_tag_of_a_phone_does_not_replace_one_of_that_name(clip: Clip, tmp_path: Path) -> None:
    named = {"make": "Nikon", "com.apple.quicktime.make": "Apple"}
    phone = source(tmp_path / "phone.mov", clip, named, "-movflags", "use_metadata_tags")
    found, notices = made(tmp_path / "x.mov", phone)
    assert found["make"] == "Nikon"
    assert notices == ["left out of phone.mov: the tag com.apple.quicktime.make (.mkv would hold it)"]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("moved", [[], ["-movflags", "use_metadata_tags"]])
def test_the_date_stays_where_a_source_has_it_twice(suffix: str, moved: list[str], clip: Clip, tmp_path: Path) -> None:
    """In its header, and among its tags."""
    dated = source(tmp_path / "a.mp4", clip, {"creation_time": "2024-05-05T10:00:00Z"}, *moved)
    found, notices = made(tmp_path / f"x.{suffix}", dated)
    assert (found["creation_time"], notices) == ("2024-05-05T10:00:00.000000Z", [])
    if suffix != "mkv":
        assert date_of(tmp_path / f"x.{suffix}") == datetime(2024, 5, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("origin", ["a.mkv", "a.mp4", "tagged.mov"])
def test_each_tag_of_a_source_is_in_the_film_or_in_the_line(
    origin: str, suffix: str, clip: Clip, tmp_path: Path
) -> None:
    how = ["-movflags", "use_metadata_tags"] if origin == "tagged.mov" else []
    path = source(tmp_path / origin, clip, MANY, *how)
    found, notices = made(tmp_path / f"x.{suffix}", path)
    with av.open(str(path)) as container:
        of_source = {name.lower(): value for name, value in container.metadata.items()}
    if origin != "a.mp4":  # they hold all that they were given
        assert {"my own", "rating", "lyrics", "make"} <= {name.replace("_", " ") for name in of_source}
    line = notices[0] if notices else "()"
    named = line.partition(" (.mkv")[0].partition("the tags ")[2].split(", ")
    quiet = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
    for name, value in of_source.items():
        place = name.startswith("location") or name == "creation_time"  # of which each container has a form of its own
        there = name in found if place else value in found.values()
        assert there != (name in named) or name in quiet, name
    assert "location" in found
    assert found["creation_time"].startswith("2024-05-05T10:00:00")
    assert found["title"] == "A walk"
    assert suffix in ("mp4", "mov") or not notices


def test_a_film_made_of_a_film_has_its_tags(clip: Clip, tmp_path: Path) -> None:
    """Through a container and back."""
    of_source = made(tmp_path / "a.mkv", source(tmp_path / "a.mov", clip, APPLE, "-movflags", "use_metadata_tags"))[0]
    again, notices = made(tmp_path / "b.mkv", tmp_path / "a.mkv")
    assert (again, notices) == (of_source, [])
    found, notices = made(tmp_path / "c.mov", tmp_path / "a.mkv")
    assert (found["make"], found["location"], notices) == ("Apple", "+52.5200+013.4050+034.000/", [])


@pytest.mark.parametrize("name", ["x.mp4", "x.mkv", "x.gif", "x.webp", "x"])
def test_a_comment_gives_way_to_the_record(name: str, clip: Clip, tmp_path: Path) -> None:
    named = {"comment": "https://example.invalid/1", "title": "A walk"}
    spoken = source(tmp_path / "a.mkv", clip, named, "-an")
    notices = write(tmp_path / name, [clips.picture(0)], sound=probe.probe(str(spoken)), record='{"dreamvid":1}')
    title = "" if name in ("x.mp4", "x.mkv") else ", the tag title (.mkv would hold it)"
    assert notices == [f"left out of a.mkv: the comment{title}"]


def test_the_record_of_a_film_is_not_its_comment(clip: Clip, tmp_path: Path) -> None:
    made(tmp_path / "a.mp4", clip("good.mp4"), '{"dreamvid":1}')
    assert made(tmp_path / "b.mp4", tmp_path / "a.mp4", '{"dreamvid":2}')[1] == []


def test_a_huge_tag_and_a_name_that_a_terminal_would_obey(clip: Clip, tmp_path: Path) -> None:
    """Longer than an argument of a program may be."""
    path, tagged = tmp_path / "a.mov", tmp_path / "tags"
    tagged.write_text(f";FFMETADATA1\ncom.apple.quicktime.make={'m' * 200_000}\n\x1b[31m\nred=1\n")
    how = ["-i", str(tagged), "-map_metadata", "1", "-map", "0", "-movflags", "use_metadata_tags"]
    source(path, clip, {"a\x1b[31mb": "1"}, *how)
    found, notices = made(tmp_path / "x.mp4", path)
    assert "make" not in found
    assert notices == ["left out of a.mov: the tags a?[31mb, com.apple.quicktime.make, red (.mkv would hold them)"]


def test_of_very_many_tags_some_are_named(clip: Clip, tmp_path: Path) -> None:
    many = source(tmp_path / "a.mkv", clip, {f"tag{number}": "1" for number in range(10, 60)})
    line = made(tmp_path / "x.mp4", many)[1][0]
    assert line.startswith("left out of a.mkv: the tags tag10, tag11, ")
    assert line.endswith("tag49 and 10 more (.mkv would hold them)")


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_tag_that_is_not_utf_8_stays_as_it_is(suffix: str, clip: Clip, tmp_path: Path) -> None:
    """As old cameras and programs write it."""
    tagged = tmp_path / "tags"
    tagged.write_bytes(b";FFMETADATA1\ntitle=caf\xe9 noir\n")
    path = source(tmp_path / "a.avi", clip, {}, "-i", str(tagged), "-map", "0", "-map_metadata", "1")
    notices = write(tmp_path / f"x.{suffix}", [clips.picture(0)], sound=probe.probe(str(path)))
    assert b"caf\xe9 noir" in (tmp_path / f"x.{suffix}").read_bytes()
    assert notices == []


@pytest.mark.parametrize(
    ("value", "other", "same"),
    [
        ("+52.5200+013.4050+034.000/", "+52.5200+013.4050+34.000000/", True),
        ("+52.5+013.4/", "+52.5000+013.4000/", True),
        ("+52.5+013.4+000.000/", "+52.5000+013.4000/", True),
        ("+52.5+013.4+034/", "+52.5000+013.4000/", False),
        ("+52.5+013.4/", "+52.5000-013.4000/", False),
        ("-52.5+013.4/", "+52.5000+013.4000/", False),
        ("Berlin", "Paris", False),
    ],
)
def test_a_place_is_its_numbers(value: str, other: str, same: bool) -> None:
    assert (tags.lost({"location": value}, {"location": other}) == []) is same


@pytest.mark.parametrize(
    ("value", "other", "same"),
    [
        ("2024-05-05T12:00:00+0200", "2024-05-05T10:00:00.000000Z", True),
        ("2024-05-05T10:00:00.900Z", "2024-05-05T10:00:00.000000Z", True),
        ("2024-05-05T10:00:00Z;2024-05-05T10:00:00.000000Z", "2024-05-05T10:00:00.000000Z", True),
        ("2024-05-05T10:00:00Z", "2024-05-05T10:00:01.000000Z", False),
        ("yesterday", "2024-05-05T10:00:00.000000Z", False),
    ],
)
def test_a_date_is_its_second(value: str, other: str, same: bool) -> None:
    assert (tags.lost({"creation_time": value}, {"creation_time": other}) == []) is same


def test_of_how_the_old_file_was_written_nothing_is_said() -> None:
    written = {
        "encoder": "Lavf",
        "major_brand": "qt",
        "bps-eng": "1",
        "_statistics_tags": "BPS",
        "number_of_frames": "9",
    }
    assert tags.lost({**written, "com.apple.quicktime.software": "17", "performer": "Ada"}, {}) == ["performer"]
