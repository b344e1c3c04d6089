"""Imports only go down: vocabulary, operations, pipeline, durable work, surface."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dreamvid

PACKAGE = Path(dreamvid.__file__).parent

# Layer of each module; a package's name stands for all that is in it.
LAYERS: dict[str, int] = {
    **dict.fromkeys(("errors", "media", "timing", "framing", "easing", "tracks", "expressions"), 0),
    **dict.fromkeys(("section", "objective_settings", "settings", "tables", "presets"), 0),
    **dict.fromkeys(("video", "shots", "nets", "objectives", "tiles", "dream", "motion", "camera"), 1),
    **dict.fromkeys(("coherence", "landing", "strength", "steps", "jitter", "neighbourhoods", "octaves"), 1),
    **dict.fromkeys(("device", "stability", "sketch", "scene", "world", "listening"), 1),
    **dict.fromkeys(("plan", "render", "engine", "footage", "targets", "worlds", "masks", "laps"), 2),
    **dict.fromkeys(("schedule", "turns"), 2),
    **dict.fromkeys(("interrupt", "workspace", "commit", "job", "batch"), 3),
    **dict.fromkeys(("compare", "training", "features", "papers"), 3),
    **dict.fromkeys(("cli", "__main__"), 4),
}
# Who knows whom within a layer. Packages may import within themselves, and every operation may load OpenCV.
BESIDE: dict[str, set[str]] = {
    "framing": {"errors"},
    "timing": {"errors"},
    "expressions": {"errors", "easing"},
    "tracks": {"errors", "expressions", "easing"},
    "objective_settings": {"section"},
    "settings": {"section", "objective_settings"},
    "tables": {"errors", "tracks", "section", "settings", "objective_settings"},
    "presets": {"errors", "settings", "objective_settings", "tables"},
    "dream": {
        "device",
        "jitter",
        "neighbourhoods",
        "nets.prepare",
        "nets.relu",
        "nets.several",
        "objectives",
        "octaves",
        "steps",
        "strength",
        "tiles",
    },
    "objectives": {"nets.net"},
    "camera": {"motion"},
    "strength": {"motion"},
    "shots": {"motion"},
    "coherence": {"motion", "strength"},
    "stability": {"motion"},
    "listening": {"video.container", "video.ffmpeg"},
    "sketch": {"nets.net", "nets.sketch_a_net"},
    "scene": {"camera"},
    "world": {"camera", "scene"},
    "footage": {"plan", "worlds", "laps"},
    "laps": {"plan"},
    "masks": {"footage"},
    "schedule": {"plan"},
    "turns": {"plan", "schedule", "engine"},
    "render": {"plan", "turns", "worlds"},
    "engine": {"targets"},
    "commit": {"interrupt", "workspace"},
    "job": {"commit", "workspace"},
    "training": {"features"},
    "batch": {"job"},
    "papers": {"features", "training"},
    "__main__": {"cli"},
}
EVERYWHERE = "video.cv"
VOCABULARY = {name for name, layer in LAYERS.items() if layer == 0}
HEAVY = {"torch", "torchvision", "cv2", "av", "subprocess", "scenedetect", "imageio_ffmpeg", "safetensors"}


def modules() -> dict[str, Path]:
    """Every module of the package by its name without `dreamvid.`; the package itself is ``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """The full names of all modules that a module imports, wherever in it; not those for types alone."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively: full names can be searched for"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner.removeprefix("dreamvid.") in MODULES else module


def ours(name: str) -> set[str]:
    """Modules of the package that a module imports, without `dreamvid.`."""
    return {found.removeprefix("dreamvid.") for found in imports(name) if found.startswith("dreamvid.")}


def top(name: str) -> str:
    return name.partition(".")[0]


INNER = [name for name in MODULES if name]


def test_every_module_has_a_layer_and_every_layer_its_modules() -> None:
    assert {top(name) for name in INNER} == set(LAYERS)


@pytest.mark.parametrize("name", INNER)
def test_imports_only_go_down(name: str) -> None:
    own = LAYERS[top(name)]
    for other in ours(name):
        if top(other) == top(name) or (other == EVERYWHERE and own > 0):
            continue
        assert LAYERS[top(other)] <= own, f"{name} imports {other}, which lies above it"
        if LAYERS[top(other)] == own:
            allowed = BESIDE.get(top(name), set())
            assert {other, top(other)} & allowed, f"{name} imports {other}, which lies beside it"


def test_what_is_allowed_beside_is_used() -> None:
    """The list is as small as the truth."""
    for name, allowed in BESIDE.items():
        used = {other for inner in INNER if top(inner) == name for other in ours(inner)}
        unused = {other for other in allowed if other not in used and other not in {top(found) for found in used}}
        assert not unused, f"{name} does not import {unused}"


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_the_vocabulary_needs_neither_torch_nor_opencv_nor_a_subprocess(name: str) -> None:
    assert not {top(found) for found in imports(name)} & HEAVY


def test_the_plan_is_made_of_vocabulary_alone() -> None:
    assert ours("plan") <= VOCABULARY
    assert not {top(found) for found in imports("plan")} & HEAVY


def test_the_command_line_decides_nothing_about_pixels() -> None:
    for name in INNER:
        if top(name) == "cli":
            assert not {top(found) for found in imports(name)} & (HEAVY | {"numpy"})


def test_the_loop_knows_no_files_and_shows_no_progress() -> None:
    used = set(imports("render"))
    assert not {top(found) for found in used} & {"pathlib", "os", "tqdm", "json", "logging"}
    assert not {found for found in ours("render") if top(found) == "video"}


def test_opencv_is_loaded_in_one_place() -> None:
    """Where a missing system library is told in one line."""
    assert [name for name in INNER if "cv2" in {top(found) for found in imports(name)}] == [EVERYWHERE]


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not {
        name for name in INNER if name.split(".")[-1].strip("_") in ("utils", "util", "helpers", "common", "misc")
    }
