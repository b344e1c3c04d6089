"""Ctrl-C: what is being done is finished first, and nothing that is finished is lost."""

import signal
from pathlib import Path
from typing import Any

import pytest
from job_runs import COUNT, KEEP, frames_of
from little import quick

from dreamvid.jobs import run
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.media.frame_store import FrameStore

pytestmark = pytest.mark.usefixtures("small_net")  # every job in this process dreams with the tiny net


def interrupting(monkeypatch: pytest.MonkeyPatch, times: int, at: int = 2) -> None:
    """Sends SIGINT to this process while frame number `at` is stored, so many times."""
    append, seen = FrameStore.append, []

    def interrupted(store: FrameStore, line: dict[str, Any]) -> None:
        append(store, line)
        seen.append(line)
        if len(seen) == at:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(FrameStore, "append", interrupted)


def test_ctrl_c_finishes_the_frame_and_says_how_to_go_on(
    clip: Path, output: Path, reference: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        interrupting(patch, times=1)
        with pytest.raises(Interrupted, match=r"frame 2 of 5.*same command"):
            run.dream_video(str(clip), output, quick())
    assert len(frames_of(output)) == 2
    assert "Ctrl-C again" in caplog.text
    assert not output.exists()
    assert run.dream_video(str(clip), output, quick(), KEEP).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_ctrl_c_twice_stops_at_once_and_loses_no_finished_frame(
    clip: Path, output: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupting(patch, times=2)
        with pytest.raises(Interrupted, match="at once"):
            run.dream_video(str(clip), output, quick())
    assert len(frames_of(output)) == 2
    assert run.dream_video(str(clip), output, quick(), KEEP).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_ctrl_c_on_the_last_frame_makes_the_film(clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch, times=1, at=COUNT)
    assert run.dream_video(str(clip), output, quick()).frames == COUNT


def test_ctrl_c_means_what_it_did_before_once_the_job_is_over(clip: Path, output: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    run.dream_video(str(clip), output, quick())
    assert signal.getsignal(signal.SIGINT) is before
