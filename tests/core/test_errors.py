"""The tree of errors, and the names that an error message offers."""

import pytest

from dreamvid.core import errors
from dreamvid.core.errors import DreamvidError, nearest

LAYERS = ["mixed3a", "mixed3b", "mixed4a", "mixed4b", "logits"]


@pytest.mark.parametrize("name", ["SettingsError", "SourceError", "ToolError", "NetError", "JobError"])
def test_every_error_can_be_caught_at_the_root(name: str) -> None:
    assert getattr(errors, name).__base__ is DreamvidError


def test_a_misspelt_name_finds_its_neighbours_the_nearest_first() -> None:
    assert nearest("mixed4bb", LAYERS).startswith("; nearest: mixed4b, ")


def test_a_part_of_a_name_finds_it() -> None:
    assert nearest("4b", LAYERS) == "; nearest: mixed4b"


def test_no_more_names_are_offered_than_asked_for() -> None:
    assert nearest("mixed", LAYERS, count=2).count("mixed") == 2


def test_a_name_is_offered_once() -> None:
    assert nearest("cudaa", ["cpu", "cuda", "cuda"]) == "; nearest: cuda, cpu"


@pytest.mark.parametrize("wanted", ["", "zzz"])
def test_where_nothing_is_near_nothing_is_said(wanted: str) -> None:
    assert nearest(wanted, LAYERS) == ""


def test_each_mistake_is_a_line_of_its_own() -> None:
    several = errors.SettingsError("one", "two")
    assert (several.lines, str(several)) == (("one", "two"), "one\ntwo")
    assert (errors.SettingsError("one").lines, str(errors.SettingsError("one"))) == (("one",), "one")
