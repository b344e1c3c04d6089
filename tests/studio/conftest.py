"""A folder with a clip, a still and a quick look, and a studio of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from little import QUICK_PRESET, texture, write_image
from studio_page import Page, Running, running


def filled(beside: Path, clip: Path) -> Path:
    """A folder of what a person might have; beside it what is nobody's business, and links that lead there."""
    found = beside / "clips"
    found.mkdir()
    (found / "clip.mp4").write_bytes(clip.read_bytes())
    write_image(found / "still.png", texture())
    (found / "quick.toml").write_text(f'description = "quick"{QUICK_PRESET}')
    (beside / "outside.toml").write_text(f'description = "outside"{QUICK_PRESET}')
    write_image(beside / "outside.png", texture(seed=1))
    for name, target in {
        "link.png": "outside.png",
        "linked": ".",
        "linked.toml": "outside.toml",
        "out.toml": "written.toml",
        "out.mp4": "written.mp4",
    }.items():
        (found / name).symlink_to(beside / target)
    return found


@pytest.fixture
def folder(clip: Path, tmp_path: Path) -> Path:
    return filled(tmp_path, clip)


@pytest.fixture
def studio(folder: Path, small_net: None) -> Iterator[Running]:
    with running(folder) as found:
        yield found


@pytest.fixture(scope="package")
def quiet(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A studio that dreams nothing, the same for all tests: each has a page of its own."""
    with running(filled(tmp_path_factory.mktemp("quiet"), clip), dreams=False) as found:
        yield found


@pytest.fixture
def fresh(quiet: Running) -> Page:
    """A page of the quiet studio on which nothing was done; those of other tests are closed."""
    quiet.server.studio.sessions.clear()
    return quiet.page()


@pytest.fixture
def page(studio: Running) -> Page:
    """A page with the clip open, in the quick look."""
    found = studio.page()
    found.ok(do="tab", tab="adjust")
    found.ok(do="take", name="quick.toml")
    found.ok(do="open", name="clip.mp4")
    return found


@pytest.fixture
def still(fresh: Page, small_net: None) -> Page:
    """A page with the clip open, in the quick look, where nothing is dreamed."""
    fresh.ok(do="take", name="quick.toml")
    fresh.ok(do="open", name="clip.mp4")
    return fresh
