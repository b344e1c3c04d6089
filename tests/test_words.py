"""Names are the field's: none of the words that the package once had for itself comes back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dreamvid

PACKAGE = Path(dreamvid.__file__).parent

# A word of a name, in lower case -> what the field says.
WORDS = {
    "alive": "survival",
    "alongside": "companion",
    "catalogue": "channel_names",
    "climb": "gradient_step",
    "climbed": "gradient_step",
    "commit": "worker",
    "course": "RenderContext",
    "effort": "StepBudget",
    "engine": "session",
    "filming": "view",
    "footage": "source",
    "judge": "scorer",
    "judged": "scorer",
    "landed": "crossfade",
    "landing": "crossfade",
    "lap": "cycle",
    "laps": "cycles",
    "listening": "audio_features",
    "masked": "apply_mask, with_masks",
    "moves": "animated",
    "neighbourhoods": "local_stats, cells",
    "renewed": "refresh_share, mix_fresh",
    "renewing": "refresh rate",
    "scene": "backdrop",
    "settle": "damp_static",
    "several": "ensemble",
    "shown": "playback, visible",
    "steadied": "match_band_energy",
    "turns": "frame_params, rotates",
    "workspace": "job folder",
    "world": "canvas",
    "worlds": "paint",
}
WHOLE = {"Film": "Timeline", "How": "StepOptions", "Made": "PaintProgress", "Track": "Keyframes", "Turn": "FrameParams"}
SPELLED = {"own_code": "user_module"}  # several words that mean nothing but together
# Where a word is meant as everybody means it: a setting's key, an argument of another library, rotations of a pen.
MEANT = {
    ("config.settings", "laps"),
    ("cli.options", "laps"),
    ("pipeline.sources", "laps"),
    ("batch.estimate", "laps"),
    ("pipeline.zoom_source", "laps"),
    ("coherence.cuts", "min_scene_len"),
    ("research.sketches.nature", "turns"),
    ("research.sketches.outdoors", "turns"),
    ("research.sketches.pen", "turns"),
    ("research.training.shapes", "turns"),
}


def modules() -> dict[str, Path]:
    """Return every module of the package by its name without `dreamvid.`."""
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}


MODULES = modules()


def names(path: Path) -> Iterator[str]:
    """Yield the names that a module gives or uses: classes, functions, arguments, attributes and variables."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.keyword(arg=str(name)):
                yield name
            case ast.Attribute():
                yield node.attr
            case ast.Name(ctx=ast.Store()):
                yield node.id


def instead(name: str) -> str | None:
    """Return what the field says in place of a name, None where it says that."""
    if name in WHOLE:
        return WHOLE[name]
    found = [right for wrong, right in SPELLED.items() if wrong in name.lower()]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    return next(iter([*found, *(WORDS[word] for word in words if word in WORDS)]), None)


@pytest.mark.parametrize("module", MODULES)
def test_names_are_the_fields(module: str) -> None:
    given = {*module.split("."), *names(MODULES[module])}
    wrong = {name: instead(name) for name in sorted(given) if (module, name) not in MEANT and instead(name)}
    assert not wrong, f"{module}: these names have another word: {wrong}"


def test_what_is_meant_is_still_there() -> None:
    """Or the list of exceptions would outlive them."""
    assert {(module, name) for module, name in MEANT if name not in set(names(MODULES[module]))} == set()


@pytest.mark.parametrize(
    ("name", "right"),
    [("Footage", "source"), ("LANDING_FRAMES", "crossfade"), ("_own_code", "user_module"), ("overlap", None)],
)
def test_old_words_are_found_in_any_spelling(name: str, right: str | None) -> None:
    assert instead(name) == right
