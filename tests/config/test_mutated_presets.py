"""Presets, keyframes and formulas with a few characters changed: settings that come back the same, or one line."""

import math
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutated import mutated

from dreamvid.config import formula, keyframes, presets
from dreamvid.config.keyframes import NAMES
from dreamvid.config.serialize import read_settings
from dreamvid.config.timeline import Cues, Event, Tempo, Timeline
from dreamvid.core.errors import SettingsError

WRITTEN = presets.to_toml(presets.resolve("dream", [("dream.step_size", "0:0.01, 50%:0.05 ease"), ("seed", 7)]))
SHORT = (presets.folder() / "boil.toml").read_text(encoding="utf-8")
FILM = Timeline(48, Fraction(24), Cues(tempo=Tempo(), events=(Event(0.5), Event(1.25, 0.5))))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated") / "mine.toml"


def is_one_line(error: SettingsError) -> bool:
    return "\n" not in str(error).replace(r"\n", "") and len(str(error)) < 100_000


@given(mutated(WRITTEN) | mutated(SHORT) | st.text())
def test_a_preset_is_settings_or_one_line(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        settings = presets.resolve(str(file))
    except SettingsError as error:
        assert str(error).startswith(str(file))
        return
    assert read_settings(tomllib.loads(presets.to_toml(settings)), "again") == settings


@given(st.sampled_from(["dream.step_size", "camera.shift", "objective", "input.start", "seed", "net.name"]), st.data())
def test_an_override_is_settings_or_one_line(key: str, data: st.DataObject) -> None:
    text = data.draw(
        mutated('[{layer = "block9", weight = 0.5}]') | mutated("[0.5, 1]") | mutated("1:02.5") | st.text()
    )
    try:
        settings = presets.resolve("dream", [presets.parse_override(f"{key}={text}")])
    except SettingsError as error:
        assert is_one_line(error)
        return
    assert read_settings(tomllib.loads(presets.to_toml(settings)), "again") == settings


@given(
    mutated("0:0.01, 12f:0.05 ease, 50%:0.1 spline, 2s:0.2 hold")
    | mutated("clamp(0.1 + 0.2 * sin(t), 0, 1) if f < n / 2 else b % 4 + event - bar")
    | mutated("every 2b, 0b:0.3, 0.5b:0.1 ease-out, 50%:0.2 hold")
    | mutated("every event, 0s:1, 3f:0.5 spline, 1bar:0")
)
def test_keyframes_are_a_curve_or_one_line(text: str) -> None:
    try:
        curve = keyframes.parse(text).on(FILM)
        values = [curve(number / 24) for number in range(48)]
    except SettingsError as error:
        assert is_one_line(error)
        return
    assert all(map(math.isfinite, values))


@given(mutated("smoothstep(0, 1, t) ** 2 + random(0, 1) * max(bass, 1 - beat) % 3"), st.floats(0, 1e9))
def test_a_formula_is_a_number_or_one_line(text: str, time: float) -> None:
    try:
        parsed = formula.parse(text, NAMES)
        given_names = dict.fromkeys([*NAMES, *parsed.draws], time)
        assert math.isfinite(parsed.value(given_names))
        assert parsed.value(given_names) == formula.parse(parsed.text, NAMES).value(given_names)
    except SettingsError as error:
        assert is_one_line(error)
