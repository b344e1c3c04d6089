"""Ctrl-C: what is being done is finished first, and nothing that is finished is lost."""

import signal
from pathlib import Path

import pytest
from job_runs import COUNT, KEEP, frames_of
from little import quick

from dreamvid.core import ctrl_c
from dreamvid.jobs import run
from dreamvid.jobs.events import Event
from dreamvid.jobs.interrupt import Interrupted, interruptible
from dreamvid.jobs.run import Options

pytestmark = pytest.mark.usefixtures("small_net")  # every job in this process dreams with the tiny net


def dream(clip: Path, output: Path, times: int = 0, at: int = 2) -> run.Summary:
    """Dream as the command line does: Ctrl-C is asked about after every frame, and comes `times` times after `at`."""

    def press(event: Event) -> None:
        if event.phase == "render" and event.done == at:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    with interruptible() as stop:
        return run.dream_video(str(clip), output, quick(), Options(stop=stop, progress=press))


def test_ctrl_c_finishes_the_frame_and_says_how_to_go_on(
    clip: Path, output: Path, reference: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Interrupted, match=r"frame 2 of 5.*same command"):
        dream(clip, output, times=1)
    assert len(frames_of(output)) == 2
    assert "Ctrl-C again" in caplog.text
    assert not output.exists()
    assert run.dream_video(str(clip), output, quick(), KEEP).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_ctrl_c_twice_stops_at_once_and_loses_no_finished_frame(clip: Path, output: Path, reference: Path) -> None:
    with pytest.raises(Interrupted, match="at once"):
        dream(clip, output, times=2)
    assert len(frames_of(output)) == 2
    assert run.dream_video(str(clip), output, quick(), KEEP).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_ctrl_c_on_the_last_frame_leaves_the_film_to_be_written(clip: Path, output: Path) -> None:
    with pytest.raises(Interrupted, match="while the film was written"):
        dream(clip, output, times=1, at=COUNT)
    assert [path.name for path in output.parent.iterdir()] == [f"{output.name}.dreamvid"]
    summary = dream(clip, output)
    assert (summary.frames, summary.rendered) == (COUNT, 0)


def test_ctrl_c_before_the_first_frame_stops_at_once() -> None:
    with interruptible() as stop:
        with pytest.raises(Interrupted, match="at once"):
            signal.raise_signal(signal.SIGINT)
        assert not stop()
        assert signal.getsignal(signal.SIGINT) is ctrl_c.leave  # once more ends the process


def test_ctrl_c_is_known_to_whoever_asks() -> None:
    with interruptible() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()


def test_ctrl_c_means_what_it_did_before_once_the_job_is_over(clip: Path, output: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    dream(clip, output)
    assert signal.getsignal(signal.SIGINT) is before
