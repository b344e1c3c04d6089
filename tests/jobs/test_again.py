"""Films made again by their own record."""

import getpass
import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from job_runs import FLIGHT, folder_of
from little import contents, drifting, film, quick, texture, write_image

from dreamvid import cli
from dreamvid.config import presets
from dreamvid.core.errors import JobError, SettingsError, SourceError
from dreamvid.dream import session
from dreamvid.jobs import again as films
from dreamvid.jobs import film_record, run
from dreamvid.jobs.run import Options
from dreamvid.media import record as records
from dreamvid.media.probe import probe
from dreamvid.models.net import Net

pytestmark = pytest.mark.usefixtures("small_net")

PLAIN = Options()
PART: dict[str, Any] = {"input": {"frames": "2:4"}}


def again(made: Path, output: Path, *sources: Path, **overrides: Any) -> Path:
    given = [(key.replace("__", "."), value) for key, value in overrides.items()]
    films.again(made, list(map(str, sources)), output, given, PLAIN)
    return output


@pytest.fixture
def home(clip: Path, tmp_path: Path) -> Path:
    """A folder with a source in it."""
    folder = tmp_path / "home of someone"
    folder.mkdir()
    shutil.copy(clip, folder / "clip.mp4")
    return folder


@pytest.mark.parametrize("name", ["dream.mp4", "dream.gif", "frames"])
def test_the_same_source_gives_the_same_bytes(name: str, home: Path) -> None:
    made, moved = home / name, home / "renamed.mp4"
    run.dream_video(str(home / "clip.mp4"), made, quick(**PART))
    twin = again(made, home / f"twin-{name}")
    shutil.copy(home / "clip.mp4", moved)
    other = again(made, home / f"other-{name}", moved)
    if made.is_dir():
        assert contents(made) == contents(twin) == contents(other)
    else:
        assert made.read_bytes() == twin.read_bytes() == other.read_bytes()


def test_a_still_and_a_flight_are_made_again(home: Path) -> None:
    photo = write_image(home / "photo.png", texture())
    run.dream_image(str(photo), home / "still.png", quick())
    assert again(home / "still.png", home / "twin.png").read_bytes() == (home / "still.png").read_bytes()
    run.dream_zoom([str(photo), "noise:pink"], home / "flight.webm", quick(input={**FLIGHT["input"], "size": "64x48"}))
    assert again(home / "flight.webm", home / "twin.webm").read_bytes() == (home / "flight.webm").read_bytes()


def test_another_source_is_dreamed_whole_in_the_same_look(home: Path) -> None:
    run.dream_video(str(home / "clip.mp4"), home / "dream.mp4", quick(**PART))
    film(home / "other.mp4", drifting(3, seed=5))
    assert probe(str(again(home / "dream.mp4", home / "whole.mp4", home / "other.mp4"))).frames == 3
    before, after = (records.needed(home / name) for name in ("dream.mp4", "whole.mp4"))
    assert after.settings == {key: value for key, value in before.settings.items() if key != "input"}
    assert probe(str(again(home / "dream.mp4", home / "one.mp4", home / "other.mp4", input__frames="0:1"))).frames == 1
    changed = again(home / "dream.mp4", home / "less.mp4", dream__steps=1)
    assert records.needed(changed).settings["dream"]["steps"] == 1


def test_what_is_not_beside_the_film_is_said(home: Path) -> None:
    made, clip = home / "dream.mp4", home / "clip.mp4"
    run.dream_video(str(clip), made, quick(**PART))
    film(clip, drifting(3, seed=5))
    with pytest.raises(SourceError, match=r"clip.mp4, beside dream.mp4, is another .*name it"):
        again(made, home / "twin.mp4")
    clip.unlink()
    with pytest.raises(SourceError, match=r"clip.mp4, of which dream.mp4 was made, is not beside it"):
        again(made, home / "twin.mp4")
    with pytest.raises(SettingsError, match="made of one source: give one, not 2"):
        again(made, home / "twin.mp4", made, made)
    assert not (home / "twin.mp4").exists() and not folder_of(home / "twin.mp4").exists()


def test_nothing_of_machine_user_place_or_time_is_in_a_film(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = write_image(home / "guide.png", texture(seed=3))
    hits = home / "hits.csv"
    hits.write_text("seconds\n0.1\n")
    settings = quick(
        layer=None,
        objective=[{"kind": "guide", "layer": "second", "file": str(guide)}],
        mask={"file": str(guide)},
        dream={"smooth": "event"},
        audio={"file": str(home / "clip.mp4"), "events": str(hits)},
        **PART,
    )
    made = home / "dream.mkv"
    run.dream_video(str(home / "clip.mp4"), made, settings)
    text = records.needed(made).to_text()
    secrets = [str(home.parent), "home of someone", socket.gethostname(), getpass.getuser(), time.strftime("%Y-%m")]
    assert [word for word in secrets if word in text] == []
    assert [word for word in secrets if len(word) > 5 and word.encode() in made.read_bytes()] == []
    monkeypatch.chdir(home.parent)
    assert again(made, home / "twin.mkv").read_bytes() == made.read_bytes()  # and all of it is found again
    hits.write_text("seconds\n0.2\n")
    with pytest.raises(SourceError, match=r"hits.csv \(audio.events\) is not that which"):
        again(made, home / "third.mkv")
    guide.write_bytes(guide.read_bytes() + b" ")
    with pytest.raises(SourceError, match=r"guide.png \(objective.0.file\)"):
        again(made, home / "third.mkv")


def test_other_weights_are_refused_and_an_older_program_is_told(
    home: Path, other_net: Net, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = home / "dream.mp4"
    monkeypatch.setattr(film_record, "RENDER_VERSION", 3)
    run.dream_video(str(home / "clip.mp4"), made, quick(**PART))
    again(made, home / "twin.mp4")
    assert "made by dreamvid" in caplog.text and "(render version 3)" in caplog.text
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: other_net)
    with pytest.raises(films.records.NetError, match="other weights"):
        again(made, home / "third.mp4")
    again(made, home / "third.mp4", net__name="other")


def test_a_record_too_long_for_a_film_is_left_out_with_a_warning(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(film_record, "LONGEST", 300)
    run.dream_video(str(home / "clip.mp4"), home / "dream.mp4", quick(**PART))
    assert "gets no record" in caplog.text and records.of(home / "dream.mp4") is None


def test_a_job_begun_without_a_record_resumes(home: Path) -> None:
    """What is written into a film is none of what its stored frames depend on."""
    made, clip = home / "dream.mp4", str(home / "clip.mp4")
    keep = replace(PLAIN, keep_work=True)
    run.dream_video(clip, made, quick(**PART), keep)
    made.unlink()
    (folder_of(made) / "done.json").unlink()
    assert run.dream_video(clip, made, quick(**PART), replace(keep, names=("other.mp4",))).rendered == 0
    with pytest.raises(JobError, match="begun differently"):
        run.dream_video(clip, made, quick(dream={"steps": 1}, **PART), replace(keep, overwrite=True))


def test_the_command_shows_a_preset_and_makes_the_film(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = home / "dream.mp4"
    run.dream_video(str(home / "clip.mp4"), made, quick(**PART))
    assert cli.run(["again", str(made), "--show"]) == 0
    shown = capfd.readouterr().out
    (home / "look.toml").write_text(shown)
    assert shown.startswith("# dream.mp4: `dreamvid video` of clip.mp4")
    assert presets.resolve(str(home / "look.toml")) == quick(**PART)
    assert cli.run(["again", str(made), str(home / "twin.mp4"), "--quiet", "--json"]) == 0
    assert made.read_bytes() == (home / "twin.mp4").read_bytes()
    for words, said in (
        ([str(made)], "OUTPUT"),
        ([str(made), str(home / "x.mp4"), "--show"], "leave out"),
        ([str(made), str(home / "twin.mp4")], "--overwrite"),
    ):
        assert cli.run(["again", *words]) == 2
        err = capfd.readouterr().err
        assert err.count("\n") == 1 and said in err
    assert cli.run(["again", str(home / "clip.mp4"), str(home / "x.mp4")]) == 3
