"""What of an installation works: every part tried, its failures named, and no path of anybody in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from dreamvid import cli
from dreamvid.core.errors import NetError, ToolError
from dreamvid.jobs import doctor
from dreamvid.models.net import Net

FEW = {".mp4": ("mp4", ("h264",)), ".gif": ("gif", ("gif",))}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tiny_net: Net) -> None:
    monkeypatch.setattr(doctor.formats, "CONTAINERS", FEW)
    monkeypatch.setattr(doctor.zoo, "names", lambda: ["tiny", "far"])
    monkeypatch.setattr(doctor.zoo, "in_cache", lambda name: name == "tiny")
    monkeypatch.setattr(doctor.zoo, "get", lambda name: tiny_net)


@pytest.mark.usefixtures("small")
def test_every_part_is_tried(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.run(["doctor"]) == 0
    lines = capfd.readouterr().out.splitlines()
    for words in ("ok program ffmpeg", "ok device cpu", "ok picture .png", "ok film h264 in .mp4", "ok net tiny 5"):
        assert any(" ".join(line.split()).startswith(words) for line in lines), words
    assert any("1 whose weights are not on this machine" in line for line in lines)
    assert not any(str(Path.home()) in line or "/tmp" in line for line in lines)


@pytest.mark.usefixtures("small")
def test_what_fails_is_named_without_a_path(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise ToolError("the film /home/someone/secret folder/x.mp4 could not be written")

    def lost(name: str) -> Net:
        raise NetError(r"C:\Users\someone\weights.pth is damaged")

    monkeypatch.setattr(doctor.encode, "encode", fails)
    monkeypatch.setattr(doctor.zoo, "get", lost)
    assert cli.run(["doctor", "--json"]) == 4
    out = capfd.readouterr().out
    assert out.count("\n") == 1 and "someone" not in out
    failed = {check["name"]: check["words"] for check in json.loads(out)["checks"] if not check["works"]}
    assert failed["tiny"] == "weights.pth is damaged"
    assert failed["h264 in .mp4"] == "the film x.mp4 could not be written"
