"""Fingerprints: what pixels depend on, and how it is said that something of it has changed."""

from pathlib import Path
from typing import Any

import pytest
from little import quick

from dreamvid.core.errors import SourceError
from dreamvid.jobs.fingerprint import CHANGED, batch_digest, differences, pixel_facts

NET = {"net": "aa", "further nets": [], "named channels": []}


def test_differences_name_what_changed_what_came_and_what_went() -> None:
    stored = {"seed": 0, "size": "a", "gone": 1}
    assert differences(stored, stored) == []
    assert differences(stored, {"seed": 1, "size": "a", "new": 2}) == [
        "gone (was 1, now None)",
        "new (was None, now 2)",
        "seed (was 0, now 1)",
    ]


def test_a_changed_range_is_told_as_it_was_given_and_not_by_hashes() -> None:
    whole = {"input.frames": None, "input.start": None, "input.stop": None, "frames and shots": "aa", "seed": 0}
    some = {**whole, "input.frames": "0:24", "frames and shots": "bb"}
    later = {**whole, "input.start": 1.0, "input.stop": 62.5, "frames and shots": "cc", "seed": 1}
    assert differences(whole, some) == ["range (was all of the source, now --frames 0:24)"]
    assert differences(some, later) == ["range (was --frames 0:24, now --from 1.0 --to 62.5)", "seed (was 0, now 1)"]
    (said,) = differences(whole, {**whole, "frames and shots": "bb"})
    assert "frames and shots" in said and "aa" not in said


@pytest.mark.parametrize("key", CHANGED)
def test_what_is_a_hash_is_said_in_words(key: str) -> None:
    (said,) = differences({key: "1a2b"}, {key: "3c4d"})
    assert said == CHANGED[key] and "1a2b" not in said


@pytest.mark.parametrize(
    "changes",
    [
        {"dream": {"steps": 9}},
        {"dream": {"steps": "0:2, 1s:4"}},
        {"seed": 4},
        {"objective": [{"layer": "third"}]},
        {"mask": {"kind": "luma"}},
        {"camera": {"zoom": 2.0}},
    ],
)
def test_pixels_depend_on_what_is_dreamed(changes: dict[str, Any]) -> None:
    assert pixel_facts(quick(**changes), NET, "file") != pixel_facts(quick(), NET, "file")
    assert batch_digest("video", quick(**changes), NET, "file", "") != batch_digest("video", quick(), NET, "file", "")


@pytest.mark.parametrize("changes", [{"output": {"crf": 30}}, {"compute": {"threads": 7}}])
def test_a_film_depends_on_its_encoding_and_pixels_do_not(changes: dict[str, Any]) -> None:
    assert pixel_facts(quick(**changes), NET, "file") == pixel_facts(quick(), NET, "file")
    assert batch_digest("video", quick(**changes), NET, "file", "") != batch_digest("video", quick(), NET, "file", "")


def test_a_film_depends_on_nothing_that_only_describes_it() -> None:
    plain = batch_digest("video", quick(), NET, "file", "")
    assert batch_digest("video", quick(description="other words"), NET, "file", "") == plain
    for other in (("zoom", "file", ""), ("video", "other", ""), ("video", "file", "song")):
        assert batch_digest(other[0], quick(), NET, other[1], other[2]) != plain


def test_a_film_depends_on_what_its_file_of_events_holds(tmp_path: Path) -> None:
    hits = tmp_path / "hits.csv"
    hits.write_text("seconds\n1\n")
    settings = quick(audio={"events": str(hits)})
    first = batch_digest("zoom", settings, NET, "file", "")
    assert batch_digest("zoom", settings, NET, "file", "") == first
    hits.write_text("seconds\n2\n")
    assert batch_digest("zoom", settings, NET, "file", "") != first
    hits.unlink()
    with pytest.raises(SourceError):
        batch_digest("zoom", settings, NET, "file", "")
