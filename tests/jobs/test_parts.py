"""The parts of a film, and the frames that each still lacks."""

from pathlib import Path

import pytest
from job_runs import folder_of, two_tinted
from little import drifting, film

from dreamvid.config.presets import resolve
from dreamvid.jobs import run
from dreamvid.jobs.events import Event
from dreamvid.jobs.job import open_job
from dreamvid.jobs.parts import Remaining, most_at_once
from dreamvid.jobs.run import Options
from dreamvid.jobs.segment_records import find_segments


@pytest.mark.parametrize("finished", [1, 4, 9])
def test_parts_lack_every_frame_that_is_not_finished_once(finished: int, tmp_path: Path) -> None:
    """Two short shots, and one of two segments, the anchors of which are a part of their own."""
    frames = [*two_tinted(4, 3), *drifting(28, seed=9)]
    clip, output = film(tmp_path / "shots.mkv", frames, rate=12), tmp_path / "film.mkv"
    plain = {"dream.steps": 0, "compute.threads": 1, "parallel.segment": 1.2}

    def stop(event: Event) -> None:
        if event.phase == "render" and event.done == finished:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, resolve("dream", [*plain.items()]), Options(progress=stop, keep_work=True))
    job = open_job(folder_of(output))
    remaining = Remaining.of(job, find_segments(job), count=2)
    assert sum(left.firsts + left.later for left in remaining.left.values()) == len(frames) - finished
    anchors = [part.shot for part in remaining.left if part.shot is not None]
    assert anchors == ([2] if finished == 1 else [])  # they come first
    assert remaining.left.keys() == remaining.waiting.keys()
    assert most_at_once([remaining]) == len(remaining.left)
