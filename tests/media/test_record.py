"""Records as text: read back as they were written, and whatever else is there is refused in a line."""

import json
from pathlib import Path
from typing import Any

import pytest
from little import texture

from dreamvid.core.errors import NetError, SettingsError, SourceError
from dreamvid.media import images
from dreamvid.media import record as records
from dreamvid.media.record import Record

SHA, OTHER = 64 * "a", 64 * "b"
TABLE: dict[str, Any] = {
    "dreamvid": "0.1.0",
    "record": 1,
    "render": 7,
    "command": "video",
    "settings": {"dream": {"steps": 3}, "objective": [{"kind": "guide", "file": "guide.png"}]},
    "sources": [{"name": "clip.mp4", "sha256": SHA, "frames": 60, "rate": "30000/1001", "size": [48, 64]}],
    "film": {"frames": 6, "rate": "20", "first": 20, "start": "1", "stop": "13/10"},
    "nets": [SHA],
    "files": {"objective.0.file": SHA},
}


SEGMENT = {"name": "two", "first": 3, "join": "carry", "settings": {"dream": {"steps": 5}}, "nets": [SHA]}


def still(path: Path, text: str) -> Path:
    path.write_bytes(images.encode(texture(16, 16), ".png", text))
    return path


def table(**changes: Any) -> str:
    return json.dumps({**TABLE, **changes}, separators=(",", ":"))


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = Record.model_validate(TABLE)
    assert record.to_text().startswith(records.BEGINNING) and record.to_text().isascii()
    assert records.of(still(tmp_path / "a.png", record.to_text())) == record
    assert record.plain_settings([("dream.steps", 4)]).dream.steps == 4


def test_segments_are_kept_with_looks_of_their_own() -> None:
    assert "segments" not in Record.model_validate(TABLE).to_text()
    record = Record.model_validate({**TABLE, "record": 2, "segments": [{**SEGMENT, "first": 0, "name": ""}, SEGMENT]})
    assert Record.model_validate_json(record.to_text()) == record
    looks = [record.of_segment(each).plain_settings([("seed", 7)]) for each in record.segments]
    assert [(look.dream.steps, look.seed) for look in looks] == [(5, 7), (5, 7)]
    assert "# segment 2 of 2 (two): from 0:00.15, join carry; a preset of its own\n" in record.toml()


@pytest.mark.parametrize("text", ["", "Holiday in Rome", "[1, 2]", '{"other": 1}', 10_000_000 * "x"])
def test_another_text_is_no_record(text: str, tmp_path: Path) -> None:
    film = still(tmp_path / "a.png", text)
    assert records.of(film) is None
    with pytest.raises(SourceError, match=r"a.png has no record of how it was made"):
        records.needed(film)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (table()[:-9], "damaged"),
        (table(description=10_000_000 * "x"), "characters"),
        (records.BEGINNING + 5_000 * "[", "nested too deep|damaged"),
        (records.BEGINNING + 2_000 * '{"a":' + "1" + 2_001 * "}", "nested too deep|damaged"),
        (table(settings={"dream": {"steps": json.loads(150 * "[" + 150 * "]")}}), "dream.steps"),
        (table(record=3), "newer dreamvid"),
        (
            table(segments=[{**SEGMENT, "settings": {"mask": {"file": "/etc/passwd"}}}]),
            "not the name of a file",
        ),
        (table(record=2, segments=[{**SEGMENT, "settings": {"dream": {"steps": -1}}}]), "dream.steps"),
        (table(record=2, segments=[{**SEGMENT, "join": "fade"}]), "segments.0.join"),
        (table(record="1"), "record"),
        (table(home="/home/someone"), "home: Extra inputs"),
        (table(settings={"dreams": {}}), "unknown key dreams"),
        (table(settings={"dream": {"steps": -1}}), "dream.steps"),
        (table(settings={"mask": {"file": "/etc/passwd"}}), "not the name of a file"),
        (table(settings={"mask": {"file": "../secret.png"}}), "not the name of a file"),
        (table(settings={"objective": [{"kind": "guide", "file": ".."}]}), "not the name of a file"),
        (table(settings={"net": {"name": "../code.py:make"}}), "not the name of a file"),
        (table(sources=[{**TABLE["sources"][0], "name": "/etc/passwd"}]), "not the name of a file"),
        (table(sources=[{**TABLE["sources"][0], "rate": "1e99999999"}]), "not a ratio"),
        (table(sources=[{**TABLE["sources"][0], "rate": "1/0"}]), "not a ratio"),
        (table(film={**TABLE["film"], "rate": "100000000"}), "not a frame rate"),
        (table(film={**TABLE["film"], "frames": 10**30}), "film.frames"),
        (table(sources=[]), "sources"),
        (table(nets=[1]), "nets.0"),
    ],
)
def test_a_damaged_or_hostile_record_is_refused_in_a_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        records.of(still(tmp_path / "a.png", text))
    assert len(str(caught.value)) < 500 and str(caught.value).startswith("a.png ")


def test_files_are_read_beside_the_film_alone_and_with_their_digest(tmp_path: Path) -> None:
    record, film = Record.model_validate(TABLE), tmp_path / "film.mp4"
    with pytest.raises(SourceError, match=r"guide.png \(objective.0.file\).*--set objective.0.file=FILE"):
        record.settings_beside(film)
    still(tmp_path / "guide.png", "")
    with pytest.raises(SourceError, match=r"not that which film.mp4 was made with"):
        record.settings_beside(film)
    given = record.settings_beside(film, [("objective.0.file", "mine.png")])
    assert given.objective[0].file == "mine.png"
    _, digests = records.without_folders({"mask": {"file": str(tmp_path / "guide.png")}})
    right = record.model_copy(update={"files": {"objective.0.file": digests["mask.file"]}})
    assert right.settings_beside(film).objective[0].file == str(tmp_path / "guide.png")


def test_code_is_never_run_unasked_and_other_weights_are_told(tmp_path: Path) -> None:
    record = Record.model_validate({**TABLE, "settings": {"net": {"name": "net.py:make"}}})
    with pytest.raises(SettingsError, match=r"code, net.py:make.*--set net.name=FILE.py:FUNCTION --trust"):
        record.settings_beside(tmp_path / "film.mp4")
    record.check_nets(tmp_path / "film.mp4", [SHA], "")
    with pytest.raises(NetError, match=r"other weights of net.py:make"):
        record.check_nets(tmp_path / "film.mp4", [OTHER], "--layer")


def test_weights_may_be_random() -> None:
    assert Record.model_validate({**TABLE, "nets": ["random:12"]}).nets == ("random:12",)


def test_folders_are_left_out(tmp_path: Path) -> None:
    guide = still(tmp_path / "guide.png", "")
    code = str(tmp_path / "net.py:make")
    bare, digests = records.without_folders({"net": {"name": code}, "mask": {"file": str(guide)}, "seed": 3})
    assert bare == {"net": {"name": "net.py:make"}, "mask": {"file": "guide.png"}, "seed": 3}
    assert digests.keys() == {"mask.file"}
