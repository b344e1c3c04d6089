"""Batch files beside what they name, and a count of what is really rendered."""

from pathlib import Path
from typing import Any

import pytest
from batch_jobs import Write
from little import QUICK_PRESET, drifting, film, texture, write_image

from dreamvid.batch import run as driver


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        name: film(folder / name, drifting(2, seed=seed)).read_bytes()
        for seed, name in enumerate(("one.mp4", "two.mp4"))
    }


@pytest.fixture
def jobs(tmp_path: Path, clips: dict[str, bytes]) -> Write:
    """Writes a batch file beside two clips in `in/`, a still and two presets."""
    (tmp_path / "in").mkdir()
    for name, data in clips.items():
        (tmp_path / "in" / name).write_bytes(data)
    write_image(tmp_path / "in" / "still.png", texture())
    (tmp_path / "quick.toml").write_text(QUICK_PRESET)
    (tmp_path / "bold.toml").write_text('extends = "quick.toml"\n[dream]\nstep_size = 0.05\n')

    def write(text: str) -> Path:
        file = tmp_path / "jobs.toml"
        file.write_text(text)
        return file

    return write


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the outputs that are really rendered, in order."""
    done: list[str] = []
    for command, render in driver.RENDERERS.items():

        def counted(source: str, output: Path, *rest: Any, render: Any = render) -> Any:
            done.append(output.name)
            return render(source, output, *rest)

        monkeypatch.setitem(driver.RENDERERS, command, counted)
    return done
