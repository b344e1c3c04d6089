"""The settings that name files are found wherever they stand."""

from typing import Any

from dreamvid.config.named_files import change_files


def test_every_file_is_found_and_nothing_else() -> None:
    table: dict[str, Any] = {
        "seed": 1,
        "net": {"name": "a.safetensors", "weights": "b.pth", "classes": "c.txt"},
        "objective": [
            {"kind": "guide", "file": "d.png", "net": "e.py:make", "weights": "random:1"},
            {"layer": "conv1", "net": "vgg16", "weights": "f.pth"},
            "no table",
        ],
        "mask": {"file": "g.png", "kind": None},
        "audio": {"file": None, "events": "h.csv"},
    }
    seen: dict[str, str] = {}

    def noted(key: str, name: str) -> str:
        seen[key] = name
        return name.upper()

    change_files(table, noted)
    assert seen == {
        "net.name": "a.safetensors",
        "net.weights": "b.pth",
        "net.classes": "c.txt",
        "objective.0.file": "d.png",
        "objective.0.net": "e.py:make",
        "objective.1.weights": "f.pth",
        "mask.file": "g.png",
        "audio.events": "h.csv",
    }
    assert table["objective"][0]["file"] == "D.PNG" and table["objective"][1]["net"] == "vgg16"


def test_tables_that_hold_anything_are_left_alone() -> None:
    for table in ({}, {"net": 3}, {"objective": "x"}, {"mask": {"file": 3}}, {"net": {"name": "vgg16"}}):
        before = repr(table)
        change_files(table, lambda key, name: "changed")
        assert repr(table) == before
