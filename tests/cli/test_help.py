"""Help that teaches: groups, examples, defaults, completion; and slips that are told with the nearest name."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from little import unstyled
from typer.main import get_command

from dreamvid import cli
from dreamvid.cli.app import app
from dreamvid.cli.commands import DREAM, LOOKS, MANY, ORDER, STUDY
from dreamvid.config.settings import Settings

Capture = pytest.CaptureFixture[str]


def commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group of commands, with the words that call it."""
    group = get_command(app) if group is None else group
    yield words, group
    for name, inner in getattr(group, "commands", {}).items():
        yield from commands(inner, (*words, name))


EVERY = dict(commands())
CALLED = pytest.mark.parametrize("words", EVERY, ids=lambda words: " ".join(words) or "dreamvid")


def shown(words: tuple[str, ...], capture: Capture) -> str:
    assert cli.run([*words, "--help"]) == 0
    return unstyled(capture.readouterr().out)


def test_commands_stand_in_groups_the_main_one_first(capfd: Capture) -> None:
    text = shown((), capfd)
    places = [text.index(f"─ {panel} ─") for panel in (DREAM, LOOKS, MANY, STUDY)]
    assert places == sorted(places)
    first = text[places[0] :].splitlines()[1:3]
    assert first[0].split()[1] == "video" and "dreamvid video clip.mp4 dream.mp4" in first[1]


def test_every_command_has_a_line_of_example_in_the_list(capfd: Capture) -> None:
    text = shown((), capfd)
    assert set(ORDER) == set(EVERY[()].commands)
    for name in EVERY[()].commands:
        assert f"│           dreamvid {name} " in text


@CALLED
def test_help_holds_no_picture_that_was_meant_as_text(words: tuple[str, ...], capfd: Capture) -> None:
    """Rich would read `:B:` as one."""
    assert not re.findall("[\U0001f000-\U0001faff\u2600-\u27bf]", shown(words, capfd))


@CALLED
def test_what_stands_in_square_brackets_is_not_taken_for_markup(words: tuple[str, ...], capfd: Capture) -> None:
    command = EVERY[words]
    said = " ".join(str(each.help) for each in (command, *command.params) if getattr(each, "help", None))
    seen = re.sub(r"[│\s]+", "", shown(words, capfd))
    assert [name for name in re.findall(r"\[([a-z]+)\]", said) if f"[{name}]" not in seen] == []


@CALLED
def test_every_help_ends_in_examples_that_fit_a_terminal(words: tuple[str, ...], capfd: Capture) -> None:
    lines = shown(words, capfd).partition("\nExamples:\n")[2].splitlines()
    assert lines and all(line.startswith("  dreamvid ") and len(line) <= 90 for line in lines)
    assert all(line.split()[1 : 1 + len(words)] == list(words) for line in lines)


@CALLED
def test_examples_are_commands_that_parse(words: tuple[str, ...]) -> None:
    """Their options and arguments exist; nothing is run."""
    for example in EVERY[words].examples:
        given = shlex.split(example.partition("   ")[0].partition(" >")[0])[1:]
        name = tuple(given[:2]) if tuple(given[:2]) in EVERY else tuple(given[:1])
        if given[0].startswith("-"):  # an option of the program itself
            assert any(given[0] in param.opts for param in EVERY[()].params)
        else:
            assert EVERY[name].make_context("dreamvid", given[len(name) :]).command is EVERY[name]


@CALLED
def test_every_option_with_a_value_tells_its_default(words: tuple[str, ...]) -> None:
    for param in EVERY[words].params:
        if param.param_type_name == "option" and not param.is_flag and not param.required:
            assert "default: " in param.help or (param.show_default and param.default is not None), param.name


@pytest.mark.parametrize(
    ("option", "default"),
    [
        ("fit", Settings().input.fit),
        ("seconds", f"{Settings().input.seconds:g}"),
        ("laps", str(Settings().input.laps)),
        ("seed", str(Settings().seed)),
        ("device", Settings().compute.device),
        ("precision", Settings().compute.precision),
    ],
)
def test_a_default_that_is_told_is_that_of_the_settings(option: str, default: str) -> None:
    (param,) = (param for param in EVERY[("zoom",)].params if param.name == option)
    assert param.help.endswith(f"default: {default}.")


def test_brackets_are_shown_as_they_are(capfd: Capture) -> None:
    text = shown(("batch",), capfd)
    assert "[defaults]" in text and "[[job]]" in text


@pytest.mark.parametrize(("line", "completed"), [("dreamvid vi", "video"), ("dreamvid video --preset plun", "plunge")])
def test_a_shell_completes_commands_and_presets(line: str, completed: str) -> None:
    asked = {"_DREAMVID_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "dreamvid"], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert completed in done.stdout and not done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["video", "a", "b", "--size", "64x", "--size", "32x"], "--size is given twice: give it once"),
        (["video", "a", "b", *(3 * ["--preset", "calm"])], "--preset is given 3 times: give it once"),
        (["compare", "a", "b", "--flow", "dis", "--flow", "dis"], "--flow is given twice: give it once"),
        (["features", "noise", "--side", "64", "--side=32"], "--side is given twice: give it once"),
    ],
)
def test_an_option_of_one_value_is_given_once(arguments: list[str], said: str, capfd: Capture) -> None:
    assert cli.run(arguments) == 2
    assert capfd.readouterr().err == f"dreamvid: {said}\n"


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["vidio", "a", "b"], "nearest: video"),
        (["features", "crop"], "nearest: crops"),
        (["video", "a", "b", "--siz", "3"], "--size"),
    ],
)
def test_a_mistyped_command_or_option_is_told_with_the_nearest(arguments: list[str], near: str, capfd: Capture) -> None:
    assert cli.run(arguments) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert near in line


SOME = ["video", "clip.mp4", "dream.mp4"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*SOME, "--mask", "lumma"], "--mask 'lumma' is neither a file nor a kind of mask; nearest: luma"),
        ([*SOME, "--set", "output.codec=hevc"], "output.codec: there is no 'hevc'; nearest: h265; give h264, h265"),
        ([*SOME, "--set", "output.codec=x264"], "nearest: h264"),
        ([*SOME, "--fit", "insde"], "there is no 'insde'; nearest: inside; give crop, pad, inside or stretch"),
        (
            [*SOME, "--from", "soon"],
            "--from (input.start): 'soon' is not a time: give seconds, such as 62.5, or a timecode",
        ),
        ([*SOME, "--device", "cud"], "there is no 'cud'; nearest: cuda, cpu;"),
        ([*SOME, "--precision", "bf61"], "there is no 'bf61'; nearest: bf16"),
        ([*SOME, "--set", "mask.kind=moton"], "nearest: motion"),
        ([*SOME, "--set", 'objective=[{kind = "chanel", layer = "a"}]'], "nearest: channel"),
        ([*SOME, "--set", "dream.step_rule=adm"], "nearest: adam"),
        ([*SOME, "--set", "dream.step_sise=1"], "nearest: dream.step_size"),
        ([*SOME, "--preset", "plung"], "there is no preset 'plung'; nearest: plunge"),
        ([*SOME, "--preset", "flight/plunge"], "nearest: flights/plunge"),
        (["compare", "a", "b", "--flow", "farnebck"], "nearest: farneback"),
    ],
)
def test_a_mistyped_value_is_told_with_the_nearest(arguments: list[str], said: str, capfd: Capture) -> None:
    assert cli.run(arguments) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert said in line


def test_a_preset_is_found_by_its_last_name(capfd: Capture) -> None:
    assert cli.run(["presets", "show", "plunge"]) == 0
    short = capfd.readouterr().out
    assert cli.run(["presets", "show", "flights/plunge"]) == 0
    assert capfd.readouterr().out == short


def test_an_option_that_means_nothing_to_a_command_is_taken_and_not_shown(capfd: Capture) -> None:
    assert "--seconds" in shown(("zoom",), capfd)
    assert "--seconds" not in shown(("video",), capfd)
    assert "--max-flash" in shown(("video",), capfd)
    assert not {"--seconds", "--loop", "--laps", "--max-flash"} & set(shown(("image",), capfd).split())
    assert cli.run(["video", "missing.mp4", "out.mp4", "--seconds", "3"]) == 3
    assert "no such file" in capfd.readouterr().err
