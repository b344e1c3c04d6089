"""A user's own defaults: where they are read, what they lie beneath, how they are shown."""

import tomllib
from pathlib import Path

import pytest
import typer

from dreamvid import cli
from dreamvid.batch.jobs_file import read
from dreamvid.cli.options import Common, user_defaults
from dreamvid.config import presets

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Defaults of a user: a look, a codec, and steps, which most looks have their own word on."""
    file = tmp_path / "mine.toml"
    file.write_text('preset = "calm"\n[output]\ncodec = "h265"\n[mask]\nfile = "oval.png"\n[compute]\nthreads = 3\n')
    return file


def test_they_lie_beneath_the_preset_and_options_above_it(mine: Path) -> None:
    settings = Common(config=str(mine), threads=2).settings("out.mkv")
    calm = presets.resolve("calm")
    assert (settings.output.codec, settings.compute.threads) == ("h265", 2)
    assert (settings.dream, settings.coherence) == (calm.dream, calm.coherence)
    mine.write_text(f"[coherence]\nsteps = {99}\n[dream]\nsmooth = 3\n")
    steps = Common(config=str(mine), preset="dream", set=["dream.smooth=2"]).settings("out.mkv")
    assert steps.dream.smooth == 2


def test_what_a_preset_says_itself_stays(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "look.toml").write_text("[compute]\nthreads = 5\n")
    settings = Common(config=str(mine), preset=str(tmp_path / "look.toml")).settings("out.mkv")
    assert (settings.compute.threads, settings.output.codec) == (5, "h265")


def test_files_lie_beside_them(mine: Path) -> None:
    assert Common(config=str(mine)).settings("out.mkv").mask.file == str(mine.parent / "oval.png")


def test_another_net_leaves_the_layers_of_a_look_that_is_named(mine: Path) -> None:
    mine.write_text('[net]\nname = "googlenet"\n')
    (mine.parent / "look.toml").write_text('[[objective]]\nlayer = "block9"\n')
    settings = Common(config=str(mine), preset=str(mine.parent / "look.toml")).settings("out.mkv")
    assert settings.net.name == "googlenet" and [term.layer for term in settings.objective] == ["block9"]


def test_they_are_read_in_the_usual_place(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DREAMVID_CONFIG")
    monkeypatch.setattr(typer, "get_app_dir", lambda name: str(mine.parent / name))
    assert user_defaults(None).file is None
    (mine.parent / "dreamvid").mkdir()
    usual = mine.rename(mine.parent / "dreamvid" / "config.toml")
    assert (user_defaults(None).file, user_defaults(None).preset) == (usual, "calm")
    assert user_defaults("").file is None
    monkeypatch.setenv("DREAMVID_CONFIG", "")
    assert user_defaults(None).file is None


def test_they_are_shown(mine: Path, capfd: Capture) -> None:
    assert cli.run(["presets", "show", "--config", str(mine)]) == 0
    out = capfd.readouterr().out
    assert out.startswith(f"# calm, on the defaults of {mine}\n")
    assert tomllib.loads(out)["output"]["codec"] == "h265"


def test_a_batch_has_them_beneath_its_jobs(mine: Path, tmp_path: Path) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text(
        '[[job]]\nsource = "a.mp4"\noutput = "{preset}.mkv"\n[[job]]\nsource = "a.mp4"\noutput = "b.mkv"\n'
        'preset = "boil"\nset = {"compute.threads" = 1}\n'
    )
    first, second = read(file, user_defaults(str(mine)))
    assert (first.name, first.settings.output.codec, first.settings.compute.threads) == ("calm.mkv", "h265", 3)
    assert (second.settings.output.codec, second.settings.compute.threads) == ("h265", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[dream]\nstepz = 3\n", "mine.toml: unknown key dream.stepz; nearest: dream.steps"),
        ('preset = "clam"\n', "mine.toml: preset: there is no preset 'clam'; nearest: calm"),
        ('extends = "calm"\n', "mine.toml: defaults extend no preset: leave out extends"),
        ("[dream\n", "mine.toml: "),
    ],
)
def test_a_mistake_in_them_is_told_with_the_file(mine: Path, text: str, said: str, capfd: Capture) -> None:
    mine.write_text(text)
    assert cli.run(["video", "a.mp4", "b.mp4", "--config", str(mine)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert said in line


def test_a_file_that_is_named_must_be_there(capfd: Capture) -> None:
    assert cli.run(["presets", "show", "--config", "nowhere.toml"]) == 2
    assert capfd.readouterr().err == "dreamvid: there is no defaults file nowhere.toml: give the path of a TOML file\n"
