"""The wheel holds what dreamvid needs to dream, and nothing else; what is installed from it runs."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from dreamvid import __version__

ROOT = Path(__file__).parent.parent
LARGEST = 32_000_000  # bytes
RECORDS = f"dreamvid-{__version__}.dist-info/"
WEIGHTS = "dreamvid/models/weights/"
NEEDED = [
    "dreamvid/data/presets/dream.toml",
    "dreamvid/data/presets/flights/plunge.toml",
    "dreamvid/data/photos/chelsea.jpg",
    f"{WEIGHTS}efficientnet_lite2_robust.safetensors",
    f"{WEIGHTS}efficientnet_lite2_robust.channels.toml",
    f"{WEIGHTS}dreamnet.safetensors",
    f"{WEIGHTS}sketchnet.safetensors",
    f"{WEIGHTS}imagenet.txt",
    f"{WEIGHTS}EFFICIENTNET_LITE2_ROBUST.md",
    f"{WEIGHTS}DREAMNET.md",
    f"{WEIGHTS}SKETCHNET.md",
    f"{WEIGHTS}NOTICE",
    "dreamvid/research/training/dreamnet.toml",
    "dreamvid/research/training/efficientnet_lite2_robust.toml",
    "dreamvid/research/features/atlas.html.j2",
    "dreamvid/analysis/pages/page.html.j2",
    "dreamvid/analysis/pages/page.css",
    "dreamvid/analysis/pages/report.html.j2",
    "dreamvid/analysis/pages/preview.html.j2",
    "dreamvid/studio/pages/index.html",
    "dreamvid/studio/pages/studio.css",
    "dreamvid/studio/pages/main.js",
    f"{RECORDS}licenses/LICENSE",
    f"{RECORDS}licenses/{WEIGHTS}NOTICE",
    f"{RECORDS}licenses/{WEIGHTS}LICENSE.apache-2.0",
    f"{RECORDS}entry_points.txt",
]

pytestmark = pytest.mark.skipif(
    not (find_spec("pip") and find_spec("hatchling")), reason="pip and hatchling build the wheel: pip install '.[test]'"
)


def pip(*arguments: str | Path) -> None:
    """Run pip, without a network: what builds the wheel is installed already."""
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--no-index", "--quiet"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_of(folder: Path, beneath: str) -> set[str]:
    """Return the files of a folder of this checkout as the wheel names them."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {beneath + path.relative_to(folder).as_posix() for path in found}


@pytest.mark.parametrize("name", NEEDED)
def test_what_dreamvid_needs_is_in_the_wheel(name: str, names: set[str]) -> None:
    assert name in names


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    photos = {f"dreamvid/data/photos/{name}.jpg" for name in ("chelsea", "coffee", "rocket")}
    package = files_of(ROOT / "dreamvid", "dreamvid/") | files_of(ROOT / "presets", "dreamvid/data/presets/") | photos
    assert {name for name in names if not name.startswith(RECORDS)} == package
    assert not {name for name in names if Path(name).suffix in (".mp4", ".pyc") or Path(name).parts[0] == "tests"}


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= LARGEST


def test_what_is_installed_from_the_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    pip("install", "--target", target, wheel)
    scripts = target / Path(sysconfig.get_path("scripts")).name  # bin, or Scripts on Windows
    program = shutil.which("dreamvid", path=scripts)
    assert program is not None

    def said(*command: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(target)}
        run = subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        return run.stdout

    place = said(sys.executable, "-c", "import dreamvid; print(dreamvid.__file__)")
    assert Path(place.strip()).is_relative_to(target)
    assert said(program, "--version") == f"dreamvid {__version__}\n"
    listed = {line.split()[0] for line in said(program, "presets", "list").splitlines()}
    shipped = files_of(ROOT / "presets", "") - {"README.md"}
    assert listed == {name.removesuffix(".toml") for name in shipped}
