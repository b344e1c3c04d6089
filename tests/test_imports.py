"""Imports between rooms go down, floor by floor, and what is heavy is loaded only where it is used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dreamvid

PACKAGE = Path(dreamvid.__file__).parent

# Rooms from above; a module imports from its own room and from floors below, never from another room of its floor.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("batch", "studio"),
    ("jobs", "research"),
    ("pipeline",),
    ("camera", "analysis"),
    ("coherence",),
    ("dream",),
    ("media", "models"),
    ("config",),
    ("core",),
)
# Rooms within `research`, likewise.
RESEARCH: tuple[tuple[str, ...], ...] = (
    ("papers",),
    ("experiments",),
    ("training",),
    ("features", "sketches"),
)
HEAVY = {"torch", "torchvision", "cv2", "av", "subprocess", "scenedetect", "imageio_ffmpeg", "safetensors"}
OPENCV = "media.opencv"
LIGHT_ROOMS = ("core", "config")
RENDERS = ("jobs.run", "batch.run")  # from where a render is begun
ENTRIES = {"__init__", "__main__"}  # of the package itself: above all rooms


def modules() -> dict[str, Path]:
    """Return every module of the package by its name without `dreamvid.`; a package by its own name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


MODULES = modules()


def imports(name: str, *, for_types: bool = False) -> Iterator[str]:
    """Yield the full names of all modules that a module imports, at the top or in a function.

    `for_types`: also those under `if TYPE_CHECKING`.
    """
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    left_out = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not for_types
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively: full names can be searched for"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if inner.removeprefix("dreamvid.") in MODULES else module


def ours(name: str, *, for_types: bool = False) -> set[str]:
    """Return the modules of the package that a module imports, without `dreamvid.`."""
    found = imports(name, for_types=for_types)
    return {module.removeprefix("dreamvid.") for module in found if module.startswith("dreamvid.")}


def top(name: str) -> str:
    return name.partition(".")[0]


def reached(starts: tuple[str, ...]) -> set[str]:
    """Return every module that some modules import, directly or through others."""
    found, waiting = set(), list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += ours(name)
    return found


def floors(rooms: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    """Return the height of each room: the lowest has 0."""
    return {room: height for height, floor in enumerate(reversed(rooms)) for room in floor}


INNER = [name for name in MODULES if name not in ENTRIES]


def test_every_folder_is_a_room_and_every_room_a_folder() -> None:
    assert {top(name) for name in INNER} == set(floors(FLOORS))
    inside = {name.split(".")[1] for name in INNER if name.startswith("research.")}
    assert inside == set(floors(RESEARCH))


@pytest.mark.parametrize("name", INNER)
def test_imports_between_rooms_go_down(name: str) -> None:
    height = floors(FLOORS)
    for other in ours(name, for_types=True):
        if top(other) != top(name):
            assert other not in ENTRIES, f"{name} imports {other}"
            assert height[top(other)] < height[top(name)], f"{name} imports {other}, which does not lie below it"


@pytest.mark.parametrize("name", [name for name in INNER if name.startswith("research.")])
def test_imports_within_research_go_down(name: str) -> None:
    height, room = floors(RESEARCH), name.split(".")[1]
    for other in ours(name, for_types=True):
        if top(other) == "research" and other.split(".")[1] != room:
            assert height[other.split(".")[1]] < height[room], f"{name} imports {other}, which does not lie below it"


def test_no_render_imports_research() -> None:
    assert not {name for name in reached(RENDERS) if top(name) in ("research", "cli")}


@pytest.mark.parametrize("name", [name for name in INNER if top(name) in LIGHT_ROOMS])
def test_core_and_config_need_neither_torch_nor_opencv_nor_a_subprocess(name: str) -> None:
    assert not {top(found) for found in imports(name)} & HEAVY


def test_the_plan_is_made_of_core_and_config_alone() -> None:
    assert {top(name) for name in ours("pipeline.plan")} <= set(LIGHT_ROOMS)
    assert not {top(found) for found in imports("pipeline.plan")} & HEAVY


def test_the_command_line_decides_nothing_about_pixels() -> None:
    for name in INNER:
        if top(name) == "cli":
            assert not {top(found) for found in imports(name)} & (HEAVY | {"numpy"})


def test_the_loop_knows_no_files_and_shows_no_progress() -> None:
    assert not {top(found) for found in imports("pipeline.render")} & {"pathlib", "os", "tqdm", "json", "logging"}
    assert not {found for found in ours("pipeline.render") if top(found) == "media"}


def test_opencv_is_loaded_in_one_place() -> None:
    """A missing system library is reported there, in one line."""
    assert [name for name in INNER if "cv2" in {top(found) for found in imports(name)}] == [OPENCV]


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not {
        name for name in INNER if name.split(".")[-1].strip("_") in ("utils", "util", "helpers", "common", "misc")
    }
