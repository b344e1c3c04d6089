"""One bit of a half-done job flipped on disk: the same film, or a refusal in one line; never another film."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from job_runs import KEEP, WORLD, folder_of, frames_of, stop_after, two_tinted
from little import film, quick, texture, write_image

from dreamvid.core.errors import DreamvidError
from dreamvid.jobs import run, worker
from dreamvid.jobs.events import Event
from dreamvid.jobs.run import Options, Summary

pytestmark = pytest.mark.usefixtures("small_net")  # every job in this process dreams with the tiny net
FLIPS = 2  # in each file of a job folder, at other places for each

Job = Callable[[Path, Options], Summary]


@pytest.fixture
def video(tmp_path: Path) -> Job:
    clip = film(tmp_path / "shots.mkv", two_tinted(3, 2), rate=12)
    return lambda output, options: run.dream_video(str(clip), output, quick(), options)


@pytest.fixture
def canvas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(worker, "SAVE_EVERY", 0.0)
    still = write_image(tmp_path / "still.png", texture())
    return lambda output, options: run.dream_zoom(str(still), output, quick(**WORLD), options)


def after_painting(event: Event) -> None:
    if event.phase == "paint" and event.done == event.total // 2:
        raise KeyboardInterrupt


@pytest.mark.parametrize(("kind", "stops"), [("video", stop_after(4)), ("canvas", Options(progress=after_painting))])
def test_a_flipped_bit_changes_no_film(
    kind: str, stops: Options, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    job: Job = request.getfixturevalue(kind)
    whole, output, spare = tmp_path / "whole.mkv", tmp_path / "dream.mkv", tmp_path / "spare"
    job(whole, KEEP)
    with pytest.raises(KeyboardInterrupt):
        job(output, stops)
    shutil.copytree(folder_of(output), spare)
    files = [path.relative_to(spare) for path in sorted(spare.rglob("*")) if path.is_file() and path.stat().st_size]
    assert {path.name for path in files} >= {"job.toml", "plan.json", "fingerprint.json"}
    refused = 0
    for number, file in enumerate(files):
        for place in np.random.default_rng(number).integers(0, 8 * (spare / file).stat().st_size, FLIPS):
            shutil.rmtree(folder_of(output), ignore_errors=True)
            shutil.copytree(spare, folder_of(output))
            data = bytearray((spare / file).read_bytes())
            data[place // 8] ^= 1 << (place % 8)
            (folder_of(output) / file).write_bytes(data)
            output.unlink(missing_ok=True)
            try:
                job(output, KEEP)
            except DreamvidError as error:
                refused += 1
                assert "\n" not in str(error), (file, place)
            else:
                assert frames_of(output) == frames_of(whole), (file, place)
                assert output.read_bytes() == whole.read_bytes(), (file, place)
    assert refused < FLIPS * len(files) / 2  # most damage is made good
