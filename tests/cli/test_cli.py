"""The command line: what it says, on which stream, with which exit code."""

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from little import HEIGHT, QUICK_PRESET, WIDTH, drifting, film, read_image, texture, tone, unstyled, write_image

import dreamvid
from dreamvid import cli
from dreamvid.analysis import plots
from dreamvid.config import presets
from dreamvid.core.types import Pixels
from dreamvid.dream import session
from dreamvid.jobs.locks import output_held
from dreamvid.jobs.time_left import FrameTimes
from dreamvid.media import opencv
from dreamvid.media.frame_store import Journal
from dreamvid.models.net import Net

PRESET = 'description = "quick"' + QUICK_PRESET
SETTINGS, SOURCE, TOOL, NET, JOB = 2, 3, 4, 5, 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("cli") / "clip.mp4", drifting(3))


@pytest.fixture
def here(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a clip, a still, and a quick preset."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    write_image(tmp_path / "still.png", texture())
    (tmp_path / "quick.toml").write_text(PRESET)
    return tmp_path


Capture = pytest.CaptureFixture[str]
QUICK = ("--preset", "quick.toml")
LOADED_BY_SIGNAL = (
    "signal",
    "enum",
    "types",
    "operator",
    "functools",
    "collections",
    "keyword",
    "reprlib",
    "itertools",
)
LOADED_BY_SIGNAL += ("_operator", "_collections", "_functools", "_signal", "collections.abc")
FEW_STEPS = ("--set", "dream.octaves=1", "--set", "dream.steps=1")


# What it is


def python(tmp_path: Path, code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["video", "--help"], ["presets", "list"], ["--version"]],
    ids=lambda given: " ".join(given),
)
def test_help_and_presets_load_no_torch_and_no_opencv(tmp_path: Path, arguments: list[str]) -> None:
    heavy = {"torch", "torchvision", "cv2", "av", "scenedetect", "numpy"}
    code = f"import sys\nfrom dreamvid import cli\ncode = cli.run({arguments})\nprint()\n"
    code += f"print(code, sorted({heavy} & set(sys.modules)))"
    assert python(tmp_path, code).splitlines()[-1] == "0 []"


def test_help_loads_none_of_our_settings(tmp_path: Path) -> None:
    """What help shows is told in the options themselves."""
    code = "import sys\nfrom dreamvid import cli\ncli.run(['--help'])\nprint()\n"
    code += "print(sorted(name for name in sys.modules if name.startswith(('dreamvid', 'pydantic'))))"
    loaded = set(python(tmp_path, code).splitlines()[-1].strip("[]").replace("'", "").split(", "))
    assert loaded == {
        "dreamvid",
        "dreamvid.cli",
        "dreamvid.cli.again",
        "dreamvid.cli.app",
        "dreamvid.cli.batch",
        "dreamvid.cli.bench",
        "dreamvid.cli.commands",
        "dreamvid.cli.doctor",
        "dreamvid.cli.experiments",
        "dreamvid.cli.features",
        "dreamvid.cli.looks",
        "dreamvid.cli.feature_options",
        "dreamvid.cli.models",
        "dreamvid.cli.option_values",
        "dreamvid.cli.options",
        "dreamvid.cli.papers",
        "dreamvid.cli.presets",
        "dreamvid.cli.preview",
        "dreamvid.cli.report",
        "dreamvid.cli.progress",
        "dreamvid.cli.studio",
        "dreamvid.cli.workers",
        "dreamvid.core",
        "dreamvid.core.ctrl_c",
        "dreamvid.core.errors",
        "dreamvid.core.memory",
        "dreamvid.core.words",
    }


def test_the_module_is_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dreamvid"]
    done = subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"dreamvid {dreamvid.__version__}\n"
    wrong = subprocess.run([*command, "fly"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (SETTINGS, "")
    assert wrong.stderr == "dreamvid: there is no command 'fly'; `dreamvid --help` lists all\n"


@pytest.mark.parametrize("arguments", [[], ["presets"], ["models"]])
def test_a_command_that_is_not_whole_shows_help(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) in (0, SETTINGS)
    out, err = capfd.readouterr()
    assert "Usage" in out + err


def test_every_command_and_option_that_scripts_rely_on_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    every = (
        "preset set model layer seed weights size fit frames from to fps device precision threads quiet verbose json "
        "log-file overwrite no-resume force keep-work work-dir class channel guide mask trust"
    )
    options = [f"--{name}" for name in every.split()]
    for command in ("video", "image", "zoom"):
        assert cli.run([command, "--help"]) == 0
        shown = unstyled(capfd.readouterr().out)
        assert [option for option in options if option not in shown] == []
    assert cli.run(["zoom", "-h"]) == 0
    assert "--seconds" in unstyled(capfd.readouterr().out)


# Rendering


@pytest.mark.usefixtures("small_net")
def test_a_film_ends_with_one_line_of_json_on_standard_output(here: Path, capsys: Capture) -> None:
    assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK, "--json"]) == 0
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    table = json.loads(line)
    assert {"output", "frames", "fps", "seconds", "seconds_per_frame", "score"} <= set(table)
    assert (table["output"], table["frames"], table["fps"]) == ("dream.mp4", 3, 12)
    assert err.splitlines() == [f"dreamvid: dream.mp4: {err.partition('dream.mp4: ')[2].strip()}"]
    assert (here / "dream.mp4").is_file()


@pytest.mark.usefixtures("small_net")
@pytest.mark.parametrize("command", ["video", "image", "zoom"])
def test_quiet_is_quiet(here: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    """Even where something is cut off to fit."""
    output = "dream.png" if command == "image" else "dream.mp4"
    size = ["--size", "48x48", "--set", "input.seconds=0.1"]
    assert cli.run([command, "clip.mp4", output, *QUICK, *size, "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("small_net", "here")
def test_what_is_cut_off_is_told_in_a_line(capsys: Capture) -> None:
    assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK, "--size", "48x48"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("dreamvid: cut 16 of 64 columns")


@pytest.mark.usefixtures("small_net", "here")
def test_no_bar_is_drawn_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK]) == 0
    assert "\r" not in capfd.readouterr().err


@pytest.mark.usefixtures("small_net")
def test_options_reach_the_render(here: Path, capsys: Capture) -> None:
    options = ["--size", "32x24", "--frames", "1:3", "--fps", "24", "--seed", "7", "--keep-work", "--quiet"]
    assert cli.run(["video", "clip.mp4", "dream.mkv", *QUICK, *options, "--set", "output.codec=ffv1", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["frames"], table["fps"]) == (2, 24)
    folder = here / "dream.mkv.dreamvid"
    assert read_image(folder / "frames" / "000000.png").shape == (24, 32, 3)
    assert json.loads((folder / "fingerprint.json").read_text())["seed"] == 7


@pytest.mark.usefixtures("small_net")
def test_short_forms_come_before_the_preset_and_set(here: Path) -> None:
    steps = ["--set", "dream.steps=0", "--set", "coherence.steps=0"]
    assert cli.run(["image", "still.png", "same.png", *QUICK, *steps, "--quiet"]) == 0
    assert (read_image(here / "same.png") == texture()).all()


@pytest.mark.usefixtures("small_net")
def test_a_draft_is_half_as_large(here: Path) -> None:
    assert cli.run(["image", "still.png", "draft.png", *QUICK, "--size", "64x48", "--draft", "--quiet"]) == 0
    assert read_image(here / "draft.png").shape == (24, 32, 3)


@pytest.mark.usefixtures("small_net", "here")
@pytest.mark.parametrize(
    "objective",
    [
        *("--layer third", "--layer first --layer third", "--channel second:1,3", "--class Sea_Slug"),
        *("--neuron first:2:9:9", "--guide still.png", "--guide still.png --layer third"),
    ],
)
def test_what_is_dreamed_can_be_said_in_short(objective: str, capsys: Capture) -> None:
    assert cli.run(["image", "still.png", "dream.png", *QUICK, *objective.split(), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["score"] > 0


@pytest.mark.usefixtures("small_net")
@pytest.mark.parametrize(
    ("said", "file", "kind"), [("luma", None, "luma"), ("motion", None, "motion"), ("still.png", "still.png", None)]
)
def test_a_mask_in_short_comes_before_that_of_the_preset(
    here: Path, said: str, file: str | None, kind: str | None
) -> None:
    (here / "masked.toml").write_text('[mask]\nfile = "beside.png"\nfeather = 0.1\n')
    (here / "other.toml").write_text('[mask]\nkind = "luma"\n')
    for preset in ("masked.toml", "other.toml"):
        command = ["video", "clip.mp4", f"{preset}.mkv", "--preset", preset, "--mask", said]
        assert cli.run([*command, "--layer", "second", "--frames", "0:2", *FEW_STEPS, "--keep-work", "--quiet"]) == 0
        table = json.loads((here / f"{preset}.mkv.dreamvid" / "fingerprint.json").read_text())
        assert (table["mask.file"], table["mask.kind"]) == (file, kind)


@pytest.mark.usefixtures("small_net", "here")
@pytest.mark.parametrize(
    ("name", "frames"), [("a.mp4", 2), ("a.mkv", 2), ("a.mov", 2), ("a.webm", 2), ("a.gif", 2), ("a.webp", 2), ("a", 2)]
)
def test_the_outputs_name_decides_its_container(here: Path, name: str, frames: int, capsys: Capture) -> None:
    assert cli.run(["video", "clip.mp4", name, *QUICK, "--frames", "0:2", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == frames
    written = here / name
    assert len(list(written.iterdir())) == frames if name == "a" else written.stat().st_size > 0


@pytest.mark.usefixtures("here")
def test_channels_can_be_said_by_name(tiny_net: Net, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    named = {"sea eyes": ("third", 3), "spots": ("first", 2)}
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: replace(tiny_net, channel_names=named))

    def dream(output: str, *channels: str) -> Pixels:
        given = [word for channel in channels for word in ("--channel", channel)]
        assert cli.run(["image", "still.png", output, *QUICK, *given, "--json", "--quiet"]) == 0
        assert json.loads(capsys.readouterr().out)["score"] > 0
        return read_image(Path(output))

    assert np.array_equal(dream("named.png", "Sea-Eyes", "spots"), dream("numbered.png", "third:3", "first:2"))


@pytest.mark.usefixtures("small_net", "here")
@pytest.mark.parametrize("source", ["noise", "noise:gaussian", "noise:pink"])
def test_noise_is_a_source(source: str, here: Path) -> None:
    assert cli.run(["image", source, "dream.png", *QUICK, "--size", "40x24", "--seed", "3", "--quiet"]) == 0
    assert read_image(here / "dream.png").shape == (24, 40, 3)


def test_ctrl_c_while_another_is_being_answered_ends_with_130_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(cli, "run", pressed)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # the process ends
    signal.signal(signal.SIGINT, before)


def test_an_output_that_another_process_renders_has_the_code_of_jobs(here: Path, capsys: Capture) -> None:
    with output_held(here / "dream.mp4"):
        assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK]) == JOB
    assert "is being rendered by another dreamvid" in capsys.readouterr().err


@pytest.mark.usefixtures("small_net", "here")
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = FrameTimes.add

    def interrupted(times: FrameTimes, seconds: float, work: float | None) -> None:
        add(times, seconds, work)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(FrameTimes, "add", interrupted)
        assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK]) == 130
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "dreamvid: stopped after frame 1 of 3; the same command resumes"
    assert len(list((here / "dream.mp4.dreamvid" / "frames").iterdir())) == 1
    assert not (here / "dream.mp4").exists()
    assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["rendered"] == 2
    assert "resuming: 1 of 3 frames are finished" in err


@pytest.mark.usefixtures("here")
def test_an_interrupt_at_any_other_moment_is_130_too(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dreamvid.jobs.run.open_session", stops)
    assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK]) == 130
    assert "the same command resumes" in capsys.readouterr().err


def test_ctrl_c_has_its_answer_before_anything_takes_its_time(tmp_path: Path) -> None:
    code = "import sys\nbefore = set(sys.modules)\nfrom dreamvid.cli import main\nprint(*set(sys.modules) - before)"
    loaded = set(python(tmp_path, code).split())
    assert loaded <= {"dreamvid", "dreamvid.cli", "dreamvid.core", "dreamvid.core.ctrl_c", *LOADED_BY_SIGNAL}


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cuda.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("here")
def test_memory_that_runs_out_is_one_line(error: Exception, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("dreamvid.jobs.run.open_session", fails)
    assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK]) == TOOL
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dreamvid: memory ran out: ")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds programs to a limit of addresses")
@pytest.mark.parametrize("limit", [700, 1500, 3000])
def test_a_limit_of_memory_is_one_line(limit: int, here: Path) -> None:
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_AS, ({limit << 20}, {limit << 20}))\n"
    code += "from dreamvid.cli import main\nmain()"
    command = [sys.executable, "-c", code, "image", "still.png", "dream.png", *QUICK]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    if done.returncode:  # a torch without CUDA takes less
        assert (done.returncode, done.stderr.count("\n")) == (TOOL, 1), done.stderr
        assert done.stderr.startswith("dreamvid: memory ran out: ")


@pytest.mark.usefixtures("here")
def test_a_bug_stays_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("dreamvid.jobs.run.open_session", breaks)
    with pytest.raises(ZeroDivisionError):
        cli.run(["video", "clip.mp4", "dream.mp4", *QUICK])


@pytest.mark.usefixtures("small_net")
def test_damage_that_was_repaired_is_told_by_code_8(here: Path, capsys: Capture) -> None:
    frames = drifting(24, size=(96, 128))
    data = bytearray(film(here / "whole.mkv", frames, sound=False).read_bytes())
    (here / "cut.mkv").write_bytes(data[: len(data) * 3 // 4])
    settings = [*QUICK, "--size", "32x24", "--json", "--quiet"]
    assert cli.run(["video", "cut.mkv", "dream.mp4", *settings]) == SOURCE
    assert "--tolerate-damage" in capsys.readouterr().err
    assert cli.run(["video", "cut.mkv", "dream.mp4", *settings, "--tolerate-damage"]) == 8
    assert json.loads(capsys.readouterr().out)["damaged"] > 0


# Bad input


def make_odd_files(folder: Path) -> None:
    clip = (folder / "clip.mp4").read_bytes()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    (folder / "short.mp4").write_bytes(clip[: len(clip) // 2])
    (folder / "playlist.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nclip.mp4\n")
    (folder / "list.mp4").write_text("ffconcat version 1.0\nfile clip.mp4\n")
    tone(folder / "sound.wav")
    (folder / "pictureless").mkdir()
    png = (folder / "still.png").read_bytes()
    (folder / "cut.png").write_bytes(png[: len(png) // 2])
    (folder / "gap").mkdir()
    for number in (1, 2, 4):
        (folder / "gap" / f"{number:03d}.png").write_bytes(png)
    (folder / "taken.mp4").write_text("precious")
    (folder / "taken.png").write_text("precious")
    (folder / "taken").mkdir()
    (folder / "taken" / "mine.txt").write_text("precious")
    (folder / "broken.toml").write_text("[dream\n")
    (folder / "odd.toml").write_text("[dream]\nstepz = 3\n")
    (folder / "loop.toml").write_text('extends = "loop.toml"\n')
    (folder / "notes.txt").write_text("no preset")
    (folder / "wide.toml").write_bytes("seed = 3\n".encode("utf-16"))
    (folder / "job.json").write_text("{}")
    torch.save({"features.0.weight": torch.full((4, 3, 3, 3), float("nan"))}, folder / "nan.pth")
    torch.save({"features.0.weight": torch.zeros(4, 3, 3, 3)}, folder / "foreign.pth")
    (folder / "three.txt").write_text("one\ntwo\nthree\n")
    (folder / "own.py").write_text("def fails():\n    return 1 / 0\n")
    (folder / "code.toml").write_text('[net]\nname = "own.py:fails"\n')
    (folder / "foreign.dreamvid").mkdir()
    (folder / "busy.mp4.dreamvid").mkdir()
    (folder / "busy.mp4.dreamvid" / "holiday.txt").write_text("mine")
    (folder / "a_file").touch()
    (folder / "-50%.mp4").touch()


IN_OUT = ["clip.mp4", "dream.mp4"]
NOISE = ["noise", "dream.png"]
STILL = ["still.png", "dream.png"]
# What is wrong: exit code, a word of what is said, arguments.
BAD: dict[str, tuple[int, str, list[str]]] = {
    "a missing source": (SOURCE, "no such file", ["video", "nothing.mp4", "dream.mp4"]),
    "a source without a name": (SOURCE, "no name", ["video", "", "dream.mp4"]),
    "a name that begins as an option does": (SETTINGS, "given as ./-50%.mp4", ["video", "-50%.mp4", "dream.mp4"]),
    "an empty source": (SOURCE, "empty", ["video", "empty.mp4", "dream.mp4"]),
    "a text for a film": (SOURCE, "text.mp4", ["video", "text.mp4", "dream.mp4"]),
    "a film cut short": (SOURCE, "short.mp4", ["video", "short.mp4", "dream.mp4"]),
    "a sound without a picture": (SOURCE, "no video", ["video", "sound.wav", "dream.mp4"]),
    "a playlist": (SOURCE, "playlist", ["video", "playlist.m3u8", "dream.mp4"]),
    "a playlist that says it is a film": (SOURCE, "playlist", ["video", "list.mp4", "dream.mp4"]),
    "a folder without images": (SOURCE, "without images", ["video", "pictureless", "dream.mp4"]),
    "a sequence with a gap": (SOURCE, "003.png", ["video", "gap", "dream.mp4"]),
    "a still cut short": (SOURCE, "cut.png", ["image", "cut.png", "dream.png"]),
    "a missing still": (SOURCE, "no such file", ["image", "nothing.png", "dream.png"]),
    "a missing start of a flight": (SOURCE, "no such file", ["zoom", "nothing.png", "dream.mp4"]),
    "noise for a film": (SOURCE, "noise", ["video", "noise", "dream.mp4", "--size", "32x32"]),
    "a still for a film": (
        SOURCE,
        "still.png is a still: `dreamvid image` dreams it",
        ["video", "still.png", "dream.mp4"],
    ),
    "a still's name for a film": (SETTINGS, "use `dreamvid image`", ["video", "still.png", "dream.png"]),
    "noise without a size": (SETTINGS, "--size", ["image", *NOISE]),
    "noise with one side": (SETTINGS, "both sides", ["image", *NOISE, "--size", "640x"]),
    "an unknown kind of noise": (
        SOURCE,
        "noise:blu: there is no such file, and no such kind of noise; nearest: .*noise:pink",
        ["image", "noise:blu", "dream.png", "--size", "32x32"],
    ),
    "an unknown kind of noise to fly into": (
        SOURCE,
        "nearest: noise:gaussian",
        ["zoom", "noise:gausian", "dream.mp4", "--size", "32x32"],
    ),
    "an unknown suffix of a film": (SETTINGS, "nearest: .mp4", ["video", *IN_OUT[:1], "dream.mp5"]),
    "an unknown suffix of a still": (SETTINGS, "nearest: .png", ["image", "still.png", "dream.pgn"]),
    "an unknown preset": (SETTINGS, "no preset 'dreem'; nearest: dream", ["video", *IN_OUT, "--preset", "dreem"]),
    "a missing preset file": (SETTINGS, "x.toml", ["video", *IN_OUT, "--preset", "x.toml"]),
    "a broken preset": (SETTINGS, "broken.toml", ["video", *IN_OUT, "--preset", "broken.toml"]),
    "a key that no preset has": (SETTINGS, "odd.toml.*dream.steps", ["video", *IN_OUT, "--preset", "odd.toml"]),
    "a preset that extends itself": (SETTINGS, "extends itself", ["video", *IN_OUT, "--preset", "loop.toml"]),
    "a preset in UTF-16": (SETTINGS, "wide.toml: .*: save it as UTF-8", ["video", *IN_OUT, "--preset", "wide.toml"]),
    "a batch in UTF-16": (SETTINGS, "wide.toml: .*: save it as UTF-8", ["batch", "wide.toml"]),
    "a JSON file for a preset": (SETTINGS, "presets are TOML files", ["video", *IN_OUT, "--preset", "job.json"]),
    "a pipe for a film": (SETTINGS, "written to a pipe", ["video", "clip.mp4", "-"]),
    "a pipe for a still": (SETTINGS, "written to a pipe", ["image", "still.png", "-"]),
    "cycles without a loop": (SETTINGS, "laps 3 needs a loop: give --loop", ["video", *IN_OUT, "--laps", "3"]),
    "a text for a preset": (SETTINGS, "notes.txt", ["presets", "check", "notes.txt"]),
    "a preset to show": (SETTINGS, "nearest", ["presets", "show", "dreem"]),
    "an unknown key": (SETTINGS, "nearest: dream.steps", ["video", *IN_OUT, "--set", "dream.step=3"]),
    "a set without a value": (SETTINGS, "section.key=value", ["video", *IN_OUT, "--set", "dream.steps"]),
    "a set of the wrong kind": (SETTINGS, "dream.steps", ["video", *IN_OUT, "--set", "dream.steps=many"]),
    "a set out of bounds": (SETTINGS, "dream.octaves", ["video", *IN_OUT, "--set", "dream.octaves=0"]),
    "a set of infinity": (SETTINGS, "dream.step_size", ["video", *IN_OUT, "--set", "dream.step_size=inf"]),
    "a set of a whole section": (SETTINGS, "net", ["video", *IN_OUT, "--set", "net=3"]),
    "an overlap beyond the tile": (SETTINGS, "overlap", ["video", *IN_OUT, "--set", "dream.overlap=900"]),
    "an unknown layer": (NET, "nearest: .*block1", ["video", *IN_OUT, "--layer", "blok1"]),
    "a neuron without a place": (SETTINGS, "LAYER:CHANNEL:ROW:COL", ["video", *IN_OUT, "--neuron", "block13:3:2"]),
    "a neuron that is not there": (NET, "has no channel 9999", ["video", *IN_OUT, "--neuron", "block13:9999:1:1"]),
    "a guide that is not there": (SOURCE, "no.png", ["video", *IN_OUT, "--guide", "no.png"]),
    "a channel without a number": (SETTINGS, "LAYER:N", ["video", *IN_OUT, "--channel", "block13:"]),
    "a channel of no name": (SETTINGS, "LAYER:N", ["video", *IN_OUT, "--channel", ""]),
    "a channel of an unknown name": (NET, "named 'wyverns'.*LAYER:N", ["video", *IN_OUT, "--channel", "wyverns"]),
    "a name of random weights": (NET, "LAYER:N", ["video", *IN_OUT, "--channel", "eyes", "--weights", "random:0"]),
    "a channel that is no number": (SETTINGS, "LAYER:N", ["video", *IN_OUT, "--channel", "block13:²"]),
    "a channel that is not there": (NET, "has no channel 9999", ["video", *IN_OUT, "--channel", "block13:9999"]),
    "an unknown class": (NET, "no class", ["video", *IN_OUT, "--class", "wyvern"]),
    "a class by name of a net without": (
        NET,
        "no names for its classes: give a number from 0 to 999",
        ["video", *IN_OUT, "--class", "cat", "--model", "dreamnet", "--weights", "random:0"],
    ),
    "a class beyond the last": (NET, "from 0 to 202", ["video", *IN_OUT, "--class", "203", "--model", "dreamnet"]),
    "weights of an unknown net to fetch": (NET, "no net", ["models", "fetch", "nothing"]),
    "an unknown net": (NET, "nearest: googlenet", ["video", *IN_OUT, "--model", "googlnet"]),
    "a net of two pictures": (NET, "not an image classification net", ["video", *IN_OUT, "--model", "raft_small"]),
    "a net of videos": (NET, "not an image classification net", ["video", *IN_OUT, "--model", "r3d_18"]),
    "layers of an unknown net": (NET, "no net", ["models", "layers", "nothing"]),
    "names of a net without any": (NET, "LAYER:N", ["models", "channels", "dreamnet", "--weights", "random:0"]),
    "missing weights": (NET, "no weights file", ["video", *IN_OUT, "--weights", "nothing.safetensors"]),
    "a text for weights": (NET, "notes.txt", ["video", *IN_OUT, "--weights", "notes.txt"]),
    "NaN in weights": (NET, "NaN", ["video", *IN_OUT, "--model", "squeezenet1_1", "--weights", "nan.pth"]),
    "weights of another net": (NET, "not fit", ["video", *IN_OUT, "--model", "alexnet", "--weights", "foreign.pth"]),
    "weights of no dreamnet": (
        NET,
        "no weights of dreamnet",
        ["video", *IN_OUT, "--model", "dreamnet", "--weights", "foreign.pth"],
    ),
    "random misspelt": (
        NET,
        "no weights file randm:3; nearest: random:SEED",
        ["video", *IN_OUT, "--weights", "randm:3"],
    ),
    "random without a seed": (NET, "random:0", ["video", *IN_OUT, "--weights", "random:"]),
    "random with a word": (NET, "random:0", ["video", *IN_OUT, "--weights", "random:²"]),
    "random with too large a seed": (NET, "random:0", ["video", *IN_OUT, "--weights", f"random:{10**30}"]),
    "an unknown alias": (
        NET,
        "'conv6' of alexnet does not exist; nearest: conv5",
        ["image", *STILL, "--model", "alexnet", "--weights", "random:0", "--layer", "conv6"],
    ),
    "too small a picture for a dense head": (
        NET,
        "alexnet .* at least 224x224 pixels, not 64x48",
        ["image", *STILL, "--model", "alexnet", "--weights", "random:0", "--layer", "fc8", "--set", "net.dense=true"],
    ),
    "a head that cannot be dense": (
        NET,
        "densenet121 cannot be made dense",
        ["image", *STILL, "--model", "densenet121", "--weights", "random:0", "--set", "net.dense=true"],
    ),
    "names of other classes": (NET, "3 class names", ["image", *STILL, "--set", "net.classes=three.txt"]),
    "no names of classes": (NET, "no file of class", ["image", *STILL, "--set", "net.classes=nothing.txt"]),
    "code without trust": (NET, "--trust", ["image", *STILL, "--model", "own.py:build", "--layer", "0"]),
    "code without a function": (NET, "own.py:FUNCTION", ["image", *STILL, "--model", "own.py", "--trust"]),
    "code of a preset": (SETTINGS, "must not name Python code", ["image", *STILL, "--preset", "code.toml", "--trust"]),
    "code that fails": (NET, "ZeroDivisionError", ["models", "check", "own.py:fails", "--trust"]),
    "code that is not there": (NET, "no Python file", ["models", "layers", "nothing.py:build", "--trust"]),
    "a size of nothing": (SETTINGS, "16 to", ["video", *IN_OUT, "--size", "0x0"]),
    "a size of 0 columns": (SETTINGS, "16 to", ["video", *IN_OUT, "--size", "0x90"]),
    "a size of 0 %": (SETTINGS, "16 to", ["video", *IN_OUT, "--size", "0%"]),
    "a size of 100000": (SETTINGS, "16 to", ["video", *IN_OUT, "--size", "100000x100000"]),
    "a size in words": (SETTINGS, "640x360", ["video", *IN_OUT, "--size", "huge"]),
    "a negative size": (SETTINGS, "640x360", ["video", *IN_OUT, "--size=-64x48"]),
    "an unknown fit": (SETTINGS, "input.fit", ["video", *IN_OUT, "--size", "32x32", "--fit", "cut"]),
    "a range backwards": (SETTINGS, "second number", ["video", *IN_OUT, "--frames", "3:1"]),
    "a range of nothing": (SETTINGS, "second number", ["video", *IN_OUT, "--frames", "2:2"]),
    "a range before the clip": (SETTINGS, "range of frames", ["video", *IN_OUT, "--frames=-2:1"]),
    "a range beyond the clip": (SETTINGS, "frames 0 to 2", ["video", *IN_OUT, "--frames", "0:99"]),
    "a range after the clip": (SETTINGS, "range", ["video", *IN_OUT, "--frames", "90:"]),
    "a range that is none": (SETTINGS, "0:48", ["video", *IN_OUT, "--frames", "7"]),
    "a range in seconds backwards": (SETTINGS, "--to", ["video", *IN_OUT, "--from", "0.2", "--to", "0.1"]),
    "a moment after the end": (SETTINGS, "range", ["video", *IN_OUT, "--from", "60"]),
    "a moment before the start": (SETTINGS, "input.start", ["video", *IN_OUT, "--from=-1"]),
    "two kinds of range": (SETTINGS, "not both", ["video", *IN_OUT, "--frames", "0:2", "--from", "0"]),
    "a rate of 0": (SETTINGS, "frame rate", ["video", *IN_OUT, "--fps", "0"]),
    "a rate below 0": (SETTINGS, "frame rate", ["video", *IN_OUT, "--fps=-25"]),
    "a rate of next to nothing": (SETTINGS, "frame rate", ["video", *IN_OUT, "--fps", "1e-30"]),
    "a rate that is none": (SETTINGS, "frame rate", ["video", *IN_OUT, "--fps", "fast"]),
    "a rate over 0": (SETTINGS, "frame rate", ["video", *IN_OUT, "--fps", "1/0"]),
    "a flight of no time": (SETTINGS, "input.seconds", ["zoom", "still.png", "dream.mp4", "--seconds", "0"]),
    "a zoom of 0": (SETTINGS, "camera.zoom", ["zoom", "still.png", "dream.mp4", "--set", "camera.zoom=0"]),
    "a seed below 0": (SETTINGS, "seed", ["video", *IN_OUT, "--seed", "-1"]),
    "a seed that is no number": (SETTINGS, "--seed", ["video", *IN_OUT, "--seed", "luck"]),
    "an unknown device": (SETTINGS, "device", ["video", *IN_OUT, "--device", "tpu"]),
    "a device beyond the last": (SETTINGS, "cuda:99", ["video", *IN_OUT, "--device", "cuda:99"]),
    "an unknown precision": (SETTINGS, "precision", ["video", *IN_OUT, "--precision", "fp8"]),
    "no threads": (SETTINGS, "threads", ["video", *IN_OUT, "--threads", "0"]),
    "an unknown suffix": (SETTINGS, ".mp4", ["video", "clip.mp4", "dream.doc"]),
    "a film as a still": (SETTINGS, "still", ["image", "clip.mp4", "dream.mp4"]),
    "an unknown codec": (SETTINGS, "output.codec", ["video", *IN_OUT, "--set", "output.codec=divx"]),
    "a codec in the wrong home": (SETTINGS, ".mkv", ["video", *IN_OUT, "--set", "output.codec=ffv1"]),
    "a crf beyond the last": (SETTINGS, "output.crf", ["video", *IN_OUT, "--set", "output.crf=60"]),
    "a crf where there is none": (SETTINGS, "crf", ["video", "clip.mp4", "dream.gif", "--set", "output.crf=20"]),
    "an unknown pixel format": (SETTINGS, "yuv420p", ["video", *IN_OUT, "--set", "output.pix_fmt=yuv420"]),
    "a folder that is not there": (SETTINGS, "does not exist", ["video", "clip.mp4", "nowhere/dream.mp4"]),
    "a file for a folder": (SETTINGS, "a_file", ["video", "clip.mp4", "a_file/dream.mp4"]),
    "the source as the output": (SETTINGS, "source itself", ["video", "clip.mp4", "clip.mp4", "--overwrite"]),
    "the source by another name": (SETTINGS, "source itself", ["video", "clip.mp4", "gap/../clip.mp4"]),
    "the source as a still": (SETTINGS, "source itself", ["image", "still.png", "still.png", "--overwrite"]),
    "an output without a name": (SETTINGS, "is not a file name", ["video", "clip.mp4", "..", "--overwrite"]),
    "a still without a name": (SETTINGS, "is not a file name", ["image", "still.png", ".", "--overwrite"]),
    "an output that is there": (SETTINGS, "--overwrite", ["video", "clip.mp4", "taken.mp4"]),
    "a still that is there": (SETTINGS, "--overwrite", ["image", "still.png", "taken.png"]),
    "a folder that is there": (SETTINGS, "--overwrite", ["video", "clip.mp4", "taken"]),
    "a name that is too long": (
        SETTINGS,
        "too long; give the output a shorter name",
        ["video", "clip.mp4", f"{'x' * 300}.mp4"],
    ),
    "a name too long for its folder": (
        JOB,
        "too long; give the output a shorter name",
        ["video", "clip.mp4", f"{'x' * 250}.mp4"],
    ),
    "a foreign folder in the way": (JOB, "not a job folder", ["video", "clip.mp4", "busy.mp4"]),
    "a work folder that is a file": (JOB, "work-dir", ["video", *IN_OUT, "--work-dir", "a_file"]),
    "a mask that is not there": (SOURCE, "gone.png", ["video", *IN_OUT, "--mask", "gone.png"]),
    "a mask that is none": (SOURCE, "text.mp4", ["video", *IN_OUT, "--mask", "text.mp4"]),
    "motion of a still": (SETTINGS, "needs a film", ["image", "still.png", "out.png", "--mask", "motion"]),
    "a cadence without flow": (
        SETTINGS,
        "cadence 2 needs optical flow: give coherence.mode=flow",
        ["video", *IN_OUT, "--set", "coherence.cadence=2", "--set", "coherence.mode=none"],
    ),
    "an unknown option": (SETTINGS, "--sizes", ["video", *IN_OUT, "--sizes", "3"]),
    "an unknown command": (SETTINGS, "film", ["film", *IN_OUT]),
    "no output": (SETTINGS, "output", ["video", "clip.mp4"]),
    "too much": (SETTINGS, "extra", ["video", *IN_OUT, "more.mp4"]),
    "an option without its value": (SETTINGS, "--size", ["video", *IN_OUT, "--size"]),
}


@pytest.mark.parametrize("wrong", BAD)
def test_bad_input_gets_one_line_the_right_code_and_leaves_nothing_behind(
    wrong: str, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_odd_files(here)
    before = {path: path.read_bytes() for path in sorted(here.rglob("*")) if path.is_file()}
    folders = sorted(path for path in here.rglob("*") if path.is_dir())
    code, said, arguments = BAD[wrong]
    assert cli.run(arguments) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("dreamvid: ")
    assert len(err.splitlines()) == 1, err
    assert "Traceback" not in err
    assert re.search(said, err), err
    assert {path: path.read_bytes() for path in sorted(here.rglob("*")) if path.is_file()} == before
    assert sorted(path for path in here.rglob("*") if path.is_dir()) == folders


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["video", "clip.mp4", "pipe", "--overwrite"], SETTINGS),
        (["image", "still.png", "pipe.png", "--overwrite"], SETTINGS),
        (["batch", "pipe"], SETTINGS),
        (["video", *IN_OUT, "--audio", "pipe.png"], SOURCE),
        (["video", "pipe", "dream.mp4"], SOURCE),
    ],
    ids=["film", "still", "batch file", "sound", "source"],
)
def test_no_pipe_is_waited_for(here: Path, arguments: list[str], code: int, capsys: Capture) -> None:
    os.mkfifo("pipe")
    os.mkfifo("pipe.png")
    before = sorted(here.iterdir())
    assert cli.run(arguments) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert "pipe" in line
    assert sorted(here.iterdir()) == before


def test_a_full_disk_is_one_line_wherever_it_is_met(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/some.srt")

    monkeypatch.setattr(presets, "schema", full)
    assert cli.run(["presets", "schema"]) == JOB
    assert (
        capsys.readouterr().err
        == "dreamvid: the disk with /tmp/some.srt is full: free some space, and run the same command again to resume\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="no shell that closes a stream")
def test_a_closed_stderr_stops_nothing(here: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m dreamvid image noise dream.png --size 32x32 --set dream.steps=0 2>&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert (here / "dream.png").is_file()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no folder here that not even root can write")
def test_an_output_folder_that_cannot_be_written_is_said(here: Path, capsys: Capture) -> None:
    assert cli.run(["video", "clip.mp4", "/proc/dream.mp4"]) == SETTINGS
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written" in line


@pytest.mark.usefixtures("small_net")
@pytest.mark.parametrize(
    "arguments",
    [["video", "clip.mp4", "dream.mp4"], ["image", "still.png", "dream.png"], ["zoom", "still.png", "dream.mp4"]],
    ids=lambda given: given[0],
)
def test_opencv_that_cannot_be_loaded_is_one_line_with_the_remedy(
    here: Path, arguments: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch, forget_cv: Callable[[], None]
) -> None:
    before = sorted(here.iterdir())
    monkeypatch.setitem(sys.modules, "cv2", None)
    forget_cv()
    assert cli.run([*arguments, *QUICK]) == TOOL
    (line,) = capsys.readouterr().err.splitlines()
    assert "libgl1" in line
    assert "opencv-python-headless" in line
    assert sorted(here.iterdir()) == before


@pytest.fixture
def forget_cv() -> Iterator[Callable[[], None]]:
    yield opencv.load.cache_clear
    opencv.load.cache_clear()


def test_no_network_is_one_line_that_names_the_file(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.error import URLError

    def fails(*_: Any, **__: Any) -> None:
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fails)
    monkeypatch.setenv("TORCH_HOME", str(here / "cache"))
    assert cli.run(["video", "clip.mp4", "dream.mp4", "--model", "squeezenet1_1"]) == NET
    lines = capsys.readouterr().err.splitlines()
    assert "https://download.pytorch.org/models/squeezenet1_1" in lines[-1]
    assert str(here / "cache" / "hub" / "checkpoints") in lines[-1]
    assert not list(here.glob("dream*"))


# Presets and models


def test_presets_are_listed_shown_and_checked(here: Path, capsys: Capture) -> None:
    from dreamvid.config.presets import everything

    assert cli.run(["presets", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == everything()
    assert all(len(line.split()) > 2 for line in lines)
    assert cli.run(["presets", "show", "dream"]) == 0
    shown = capsys.readouterr().out
    (here / "shown.toml").write_text(shown)
    assert cli.run(["presets", "check", "shown.toml", "quick.toml"]) == 0
    assert capsys.readouterr().out.splitlines() == ["shown.toml: ok", "quick.toml: ok"]


def test_the_schema_is_json(capsys: Capture) -> None:
    assert cli.run(["presets", "schema"]) == 0
    assert "extends" in json.loads(capsys.readouterr().out)["properties"]


def test_nets_are_listed_and_checked_and_their_layers_told(capsys: Capture) -> None:
    assert cli.run(["models", "list"]) == 0
    listed = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert listed[0] == ["efficientnet_lite2_robust", "ships"] and ["dreamnet", "ships"] in listed
    assert {"googlenet", "vgg16", "efficientnet_lite0"} <= {words[0] for words in listed}
    assert {words[1] for words in listed if len(words) > 1} <= {"ships", "on this machine"}
    assert cli.run(["models", "check", "dreamnet"]) == 0
    assert "dreamnet: ok" in capsys.readouterr().out


def test_channels_with_names_are_listed_from_the_first_layer_to_the_last(
    capsys: Capture, tiny_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"eyes": ("third", 10), "long legs": ("third", 9), "spots": ("first", 2)}
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: replace(tiny_net, channel_names=named))
    assert cli.run(["models", "channels"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name       layer  number",
        "spots      first       2",
        "long legs  third       9",
        "eyes       third      10",
    ]


@pytest.mark.usefixtures("here")
def test_the_embedded_net_dreams(capsys: Capture, here: Path) -> None:
    quick = ["--set", "dream.octaves=1", "--set", "dream.steps=1", "--quiet", "--json"]
    assert cli.run(["image", "still.png", "dream.png", *quick]) == 0
    assert json.loads(capsys.readouterr().out)["score"] > 0
    assert read_image(here / "dream.png").shape == (HEIGHT, WIDTH, 3)


@pytest.mark.usefixtures("here")
def test_another_net_dreams_with_random_weights_if_asked(capsys: Capture) -> None:
    net = ["--model", "squeezenet1_1", "--weights", "random:0", "--layer", "features.4"]
    quick = ["--set", "dream.octaves=1", "--set", "dream.steps=1", "--quiet", "--json"]
    assert cli.run(["image", "still.png", "dream.png", *net, *quick]) == 0
    assert json.loads(capsys.readouterr().out)["score"] > 0


OWN = """
import torch
from torch import nn

def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
"""
OWN_BATCH = """
[defaults]
command = "image"
source = "still.png"
output = "{index}.png"
preset = "quick.toml"
[[job]]
set = {"net.name" = "own.py:build", "objective" = [{layer = "2"}]}
"""


def test_a_net_of_ones_own_code_is_looked_at_dreamed_and_measured_where_it_is_trusted(
    here: Path, capsys: Capture
) -> None:
    (here / "own.py").write_text(OWN)
    (here / "jobs.toml").write_text(OWN_BATCH)
    own = ["--model", "own.py:build", "--layer", "2"]
    commands = [
        ["models", "layers", "own.py:build"],
        ["image", "still.png", "dream.png", *own, *QUICK],
        ["video", "clip.mp4", "dream.mp4", *own, *QUICK],
        ["compare", "clip.mp4", "dream.mp4", *own],
        ["batch", "jobs.toml"],
    ]
    for command in commands:
        assert cli.run(command) == NET, command
        assert "--trust" in capsys.readouterr().err
        assert cli.run([*command, "--trust"]) == 0, capsys.readouterr().err
        capsys.readouterr()


@pytest.mark.usefixtures("small_net")
def test_an_output_that_ends_in_a_slash_is_a_folder_of_pngs(here: Path) -> None:
    assert cli.run(["video", "clip.mp4", "frames.v1/", *QUICK, "--quiet"]) == 0
    assert sorted(path.name for path in (here / "frames.v1").iterdir()) == ["000000.png", "000001.png", "000002.png"]


@pytest.mark.usefixtures("small_net")
def test_a_file_that_came_to_lie_there_while_it_was_rendered_is_not_replaced(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Journal.append

    def disturbed(journal: Journal, line: dict[str, Any]) -> None:
        append(journal, line)
        (here / "dream.mp4").write_text("precious")

    monkeypatch.setattr(Journal, "append", disturbed)
    assert cli.run(["video", "clip.mp4", "dream.mp4", *QUICK]) == SETTINGS
    assert "there already" in capsys.readouterr().err
    assert (here / "dream.mp4").read_text() == "precious"


@pytest.mark.usefixtures("small_net")
def test_folders_and_files_in_the_place_of_outputs_are_told_before_the_first_frame(here: Path, capsys: Capture) -> None:
    (here / "film.mp4").mkdir()
    (here / "still.d.png").mkdir()
    (here / "nosuf").write_text("precious")
    for command, output in (("video", "film.mp4"), ("image", "still.d.png"), ("video", "nosuf")):
        assert cli.run([command, "clip.mp4", output, *QUICK, "--overwrite"]) == SETTINGS
        (line,) = capsys.readouterr().err.splitlines()
        assert " is a f" in line


@pytest.mark.usefixtures("small_net")
def test_a_preset_may_begin_with_a_mark_and_names_itself_where_it_extends_nothing(here: Path, capsys: Capture) -> None:
    (here / "marked.toml").write_bytes(b"\xef\xbb\xbf" + PRESET.encode())
    assert cli.run(["presets", "check", "marked.toml"]) == 0
    (here / "lost.toml").write_text('extends = "nope"\n')
    assert cli.run(["presets", "check", "lost.toml"]) == SETTINGS
    assert "lost.toml: extends: there is no preset 'nope'" in capsys.readouterr().err


@pytest.mark.usefixtures("small_net")
def test_a_very_wide_clip_has_its_cuts_looked_for(here: Path) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (2, 16, 8192, 3), dtype=np.uint8)
    film(here / "wide.mp4", wide)
    assert cli.run(["video", "wide.mp4", "dream.mp4", *QUICK, "--set", "dream.steps=0", "--quiet"]) == 0


def test_what_moves_is_drawn(here: Path, capsys: Capture) -> None:
    moving = '[dream]\nstep_size = "0:0.01, 4s:0.05 ease, 8s:0.02"\noctaves = "2 + t / 5"\n'
    (here / "moving.toml").write_text(moving)
    assert cli.run(["presets", "show", "moving.toml", "--plot", "moving.png"]) == 0
    assert 'step_size = "0:0.01, 4s:0.05 ease, 8s:0.02"' in capsys.readouterr().out
    two = read_image(here / "moving.png")
    assert (two < 128).any() and two.shape[2] == 3
    (here / "one.toml").write_text(moving[: moving.index("octaves")])
    assert cli.run(["presets", "show", "one.toml", "--plot", "one.png", "--seconds", "20"]) == 0
    assert read_image(here / "one.png").shape[0] < two.shape[0]


def test_beats_bars_and_events_are_drawn_as_lines(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[plots.Panel] = []
    draw = plots.timelines
    monkeypatch.setattr(plots, "timelines", lambda panels: drawn.extend(panels) or draw(panels))
    (here / "hits.csv").write_text("beat\n1\n7\n99\n")
    moving = '[dream]\nsmooth = "every bar, 0b:1, 50%:0 hold"\n[audio]\nbpm = 60\nfirst_beat = 0.5\nbeats_per_bar = 3\n'
    (here / "moving.toml").write_text(f'{moving}events = "hits.csv"\n')
    assert cli.run(["presets", "show", "moving.toml", "--plot", "moving.png", "--seconds", "8"]) == 0
    (panel,) = drawn
    assert panel.lines == {"beat": [n + 0.5 for n in range(8)], "bar": [0.5, 3.5, 6.5], "event": [1.5, 7.5]}
    assert panel.across == "seconds; light lines: 60 beats per minute; dark lines: bars of 3; dashed: events"
    (curve,) = panel.curves.values()
    assert curve.marks == (0.5, 2, 3.5, 5, 6.5, 8)
    assert [curve.y[list(curve.x).index(mark)] for mark in curve.marks] == [1, 0, 1, 0, 1, 0]  # where it jumps, too
    (here / "moving.toml").write_text(moving.replace("= 60", "= 1000"))
    assert cli.run(["presets", "show", "moving.toml", "--plot", "fast.png", "--seconds", "60"]) == 0
    assert drawn[1].lines == {}  # a thousand lines would be a grey area


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("", [], "--plot: this preset has no animated settings"),
        ('[dream]\nsmooth = "beat"\n', [], "dream.smooth uses the audio feature beat: give --audio FILE"),
        ('[dream]\nsmooth = "b"\n', [], "dream.smooth counts in beats: give --set audio.bpm=BPM, or --audio FILE"),
        ('[dream]\nsmooth = "b"\n[audio]\nbpm = 0\n', [], "audio.bpm: input should be greater than or equal to 1"),
        (
            '[dream]\nsmooth = "0:1, 9s:2"\n',
            ["--seconds", "5"],
            "the keyframe 9s:2 is after the end of the film, at 5 s",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(here: Path, capsys: Capture, text: str, more: list[str], said: str) -> None:
    (here / "moving.toml").write_text(text)
    assert cli.run(["presets", "show", "moving.toml", "--plot", "moving.png", *more]) == SETTINGS
    assert said in capsys.readouterr().err
    assert not (here / "moving.png").exists()


@pytest.mark.usefixtures("small_net")
def test_a_setting_moves_and_a_sound_is_given_in_a_line(here: Path) -> None:
    tone(here / "tone.wav")
    size = ["--set", "dream.step_size=0:0.01, 2f:0.05 ease", "--set", "dream.smooth=loudness"]
    assert cli.run(["video", "clip.mp4", "dream.mkv", *QUICK, *size, "--audio", "tone.wav", "-q"]) == 0
    assert (
        cli.run(["video", "clip.mp4", "wrong.mkv", *QUICK, "--set", "dream.step_size=0:0.01, 9s:1", "-q"]) == SETTINGS
    )


def test_a_class_by_name_takes_the_place_of_the_presets_first_class(tmp_path: Path) -> None:
    from dreamvid.cli.options import Common

    preset = tmp_path / "one.toml"
    preset.write_text(
        '[[objective]]\nkind = "class"\nclass_name = "castle"\nform = "log_probability"\nweight = 0.5\n'
        '[[objective]]\nlayer = "block13"\n'
    )
    (term,) = Common(preset=str(preset), class_="zebra").settings("out.png").objective
    assert (term.class_name, term.form, term.weight) == ("zebra", "log_probability", 0.5)
    (plain,) = Common(class_="zebra").settings("out.png").objective
    assert (plain.class_name, plain.form, plain.weight) == ("zebra", "above_mean", 0.4)


def test_the_default_net_is_that_of_the_settings() -> None:
    from dreamvid.cli.models import DEFAULT_NET
    from dreamvid.config.settings import Settings
    from dreamvid.models.zoo import ROBUST

    assert DEFAULT_NET == Settings().net.name == ROBUST
