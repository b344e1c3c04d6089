"""Jobs stopped, broken off or killed anywhere: the same command goes on with the same bytes."""

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_runs import (
    COUNT,
    FLIGHT,
    KEEP,
    MOVING,
    WORLD,
    folder_of,
    frames_of,
    guided,
    journal_file,
    journal_of,
    scores_of,
    stop_after,
    two_tinted,
)
from little import apart, film, quick, texture, write_image

from dreamvid.coherence.energy import Strength
from dreamvid.jobs import run, worker
from dreamvid.jobs.events import Event
from dreamvid.jobs.run import Options

pytestmark = pytest.mark.usefixtures("small_net")  # every job in this process dreams with the tiny net


def test_the_score_is_the_mean_rise_of_the_stored_frames(clip: Path, output: Path) -> None:
    summary = run.dream_video(str(clip), output, quick(), KEEP)
    assert summary.score == pytest.approx(np.mean(scores_of(output)))


@pytest.mark.parametrize("stored", [1, 3, 4])
def test_a_job_that_breaks_off_goes_on_with_the_same_bytes(
    clip: Path, output: Path, reference: Path, stored: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(stored))
    assert not output.exists()
    assert len(frames_of(output)) == stored
    summary = run.dream_video(str(clip), output, quick(), KEEP)
    assert summary.rendered == COUNT - stored
    assert summary.frames == COUNT
    assert frames_of(output) == frames_of(reference)
    assert output.read_bytes() == reference.read_bytes()
    assert summary.score == pytest.approx(np.mean(scores_of(reference)))


@pytest.mark.parametrize("mode", ["flow", "blend", "none"])
@pytest.mark.parametrize("stored", [3, 8, 10])
def test_a_job_that_breaks_off_inside_a_shot_goes_on_in_every_mode(tmp_path: Path, mode: str, stored: int) -> None:
    """Before a cut, just after it, and with fewer frames behind it than are looked back to."""
    shots = two_tinted(7, 6)
    clip = film(tmp_path / "shots.mkv", shots, rate=12)
    settings = quick(coherence={"mode": mode})
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    run.dream_video(str(clip), whole, settings, KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, settings, stop_after(stored))
    summary = run.dream_video(str(clip), output, settings, KEEP)
    assert summary.rendered == len(shots) - stored
    assert frames_of(output) == frames_of(whole)
    plan = json.loads((tmp_path / "whole.mkv.dreamvid" / "plan.json").read_text())["plan"]
    assert mode == "none" or [shot["start"] for shot in plan["shots"]] == [0, 7]


def test_a_long_film_needs_no_more_memory(two_shots: Path, output: Path) -> None:
    """Strengths are thousands of numbers a frame: those of the frame before are kept, while rendering and resuming."""
    kept: list[int] = []

    def progress(event: Event) -> None:
        if event.phase == "render" and event.done in (event.total - 1, event.total):
            gc.collect()
            kept.append(sum(type(one) is Strength for one in gc.get_objects()))

    options = Options(keep_work=True, overwrite=True, progress=progress)
    for number in range(2):
        assert run.dream_video(str(two_shots), output, quick(), options).rendered == (0 if number else 11)
    assert len(kept) == 3 and max(kept) <= 4, kept


def test_a_frame_that_is_rendered_again_is_followed_by_the_same(clip: Path, output: Path, reference: Path) -> None:
    """And again after that: the lines of its journal are no longer in the order of the frames."""
    run.dream_video(str(clip), output, quick(), KEEP)
    for lost in (3, 1, 4):
        (folder_of(output) / "frames" / f"{lost:06d}.png").unlink()
        again = run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True))
        assert again.rendered == COUNT - lost
        assert frames_of(output) == frames_of(reference)


def test_what_is_random_is_the_same_in_a_job_that_goes_on_and_another_for_another_seed(
    clip: Path, tmp_path: Path
) -> None:
    how = {"mode": "blend", "blend": "random(.3, .7)"}
    whole, output, other = (tmp_path / name for name in ("whole.mkv", "again.mkv", "other.mkv"))
    run.dream_video(str(clip), whole, quick(coherence=how), KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(coherence=how), stop_after(2))
    run.dream_video(str(clip), output, quick(coherence=how), KEEP)
    assert frames_of(output) == frames_of(whole)
    run.dream_video(str(clip), other, quick(coherence=how, seed=1), KEEP)
    shares = [[line["values"]["coherence.blend"] for line in journal_of(file)] for file in (whole, output, other)]
    assert shares[0] == shares[1] != shares[2] and len(set(shares[0])) == len(shares[0])
    assert all(0.3 <= share <= 0.7 for share in shares[0])


def test_a_finished_job_that_was_kept_renders_nothing_again(clip: Path, output: Path) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    first = output.read_bytes()
    again = run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True))
    assert again.rendered == 0
    assert again.seconds_per_frame is None
    assert output.read_bytes() == first


def wait_for(ready: Callable[[], bool], process: Any) -> None:
    for _ in range(20_000):
        if ready() or not process.is_alive():
            return
        time.sleep(0.002)
    raise AssertionError("the job came to nothing")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_again_and_again_the_same_command_gives_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    """Killed before the first frame, twice between frames and while the film is encoded."""
    preset = tmp_path / "quick.toml"
    preset.write_text('[dream]\nsteps = 2\noctaves = 2\n[compute]\nprecision = "fp32"\nthreads = 1\n')
    log = tmp_path / "log"
    log.touch()

    def begin(output: Path, *more: str) -> Any:
        return apart(["video", str(clip), str(output), "--preset", str(preset), "--json", *more], log)

    def journal(output: Path) -> int:
        file = journal_file(output)
        return file.read_bytes().count(b"\n") if file.exists() else 0

    whole, output = tmp_path / "whole.mp4", tmp_path / "killed.mp4"
    process = begin(whole, "--keep-work")
    process.join(120)
    assert process.exitcode == 0, log.read_text()

    part = f".{output.stem}.*.part{output.suffix}"
    moments: list[Callable[[], bool]] = [
        lambda: (folder_of(output) / "plan.json").exists(),
        lambda: journal(output) >= 1,
        lambda: journal(output) >= 3,
        lambda: any(tmp_path.glob(part)),
    ]
    killed = 0
    for moment in moments:
        process = begin(output)
        wait_for(moment, process)
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        killed += process.exitcode == -signal.SIGKILL
        assert not output.exists() or process.exitcode == 0
    assert killed == len(moments), log.read_text()
    process = begin(output, "--keep-work")
    process.join(120)
    assert process.exitcode == 0, log.read_text()

    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(part))
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert lines[0]["rendered"] == COUNT
    assert lines[-1]["rendered"] == 0  # killed while it was encoded, with every frame stored
    assert lines[-1]["score"] == pytest.approx(lines[0]["score"])


def test_progress_is_told_from_what_is_there_already(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    events: list[Event] = []
    run.dream_video(str(clip), output, quick(), Options(progress=events.append))
    assert [(event.phase, event.done) for event in events] == [
        *(("render", done) for done in range(2, 6)),
        *(("encode", done) for done in range(5)),
    ]
    assert {event.total for event in events} == {COUNT}
    assert [event.picture is not None and event.seconds > 0 for event in events[:4]] == [False, True, True, True]


def test_a_flight_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    whole, output = tmp_path / "whole.mp4", tmp_path / "flight.mp4"
    run.dream_zoom(str(source), whole, quick(**FLIGHT), KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_zoom(str(source), output, quick(**FLIGHT), stop_after(2))
    assert run.dream_zoom(str(source), output, quick(**FLIGHT), KEEP).rendered == 1
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("more", [{}, {"dream": {"step_size": "0:0.01, 3f:0.05 ease"}}])
@pytest.mark.parametrize("step", [1, 4])
def test_a_canvas_goes_on_where_it_was_saved(
    step: int, more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SAVE_EVERY", 0.0)
    source, how = write_image(tmp_path / "still.png", texture()), quick(**WORLD, **more)
    whole, output = tmp_path / "whole.mp4", tmp_path / "lap.mp4"
    run.dream_zoom(str(source), whole, how, KEEP)
    moved = [line["values"].get("dream.step_size") for line in journal_of(whole)]
    assert moved[:4] == (
        pytest.approx([0.01, 0.01 + 0.04 * 7 / 27, 0.01 + 0.04 * 20 / 27, 0.05]) if more else [None] * 4
    )

    def breaks_off(event: Event) -> None:
        if event.phase == "paint" and event.done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.dream_zoom(str(source), output, how, Options(progress=breaks_off))
    again: list[Event] = []
    assert run.dream_zoom(str(source), output, how, Options(keep_work=True, progress=again.append)).rendered == 6
    painted = [event for event in again if event.phase == "paint"]
    assert painted[0].done == step  # one was painted but not saved
    left = [event.seconds_left for event in painted]
    assert left[-1] == 0 and all(seconds is not None and seconds > 0 for seconds in left[:-1])
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()


def test_views_of_a_canvas_go_on_without_painting_again(tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mp4"
    run.dream_zoom(str(source), output, quick(**WORLD), KEEP)
    before = frames_of(output)
    journal = journal_file(output)
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))
    output.unlink()
    events: list[Event] = []
    options = Options(keep_work=True, progress=events.append)
    assert run.dream_zoom(str(source), output, quick(**WORLD), options).rendered == 4
    assert {event.phase for event in events} == {"render", "encode"}
    assert frames_of(output) == before


@pytest.mark.parametrize("stored", [1, 2, 3, 4, 6, 7, 10])
@pytest.mark.parametrize("along", [False, True])
def test_a_job_with_a_cadence_goes_on_with_the_same_bytes(
    two_shots: Path, guides: Path, tmp_path: Path, stored: int, along: bool
) -> None:
    """Wherever it stopped: between what is dreamed, at the end of a shot, after a cut."""
    settings = guided(guides, coherence={"cadence": 3}) if along else quick(coherence={"cadence": 3})
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    run.dream_video(str(two_shots), whole, settings, KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(two_shots), output, settings, stop_after(stored))
    assert run.dream_video(str(two_shots), output, settings, KEEP).rendered == 11 - stored
    assert frames_of(output) == frames_of(whole)


def test_each_frame_is_guided_by_the_picture_of_its_time_and_then_by_the_last(
    clip: Path, guides: Path, tmp_path: Path
) -> None:
    made = {}
    for name, file in (("along", guides), ("first", guides / "0.png"), ("last", guides / "1.png")):
        output = tmp_path / f"{name}.mkv"
        run.dream_video(str(clip), output, guided(file, coherence={"mode": "none"}), KEEP)
        made[name] = list(frames_of(output).values())
    assert made["along"] == [made["first"][0], *made["last"][1:]]
    assert made["first"][1] != made["last"][1]


def test_the_strength_is_that_of_the_guide_that_is_held(clip: Path, guides: Path, output: Path) -> None:
    """Its pictures change after the first frame and then no more: what is wanted is measured again when they rest."""
    run.dream_video(str(clip), output, guided(guides), KEEP)
    lines = journal_of(output)
    assert [line["state"]["calibration_age"] == 0 for line in lines] == [True, False, True, False, False]
    bands = [line["state"]["strength"]["bands"] for line in lines if line["state"]["strength"] is not None]
    assert bands[0] != bands[-1]


@pytest.mark.parametrize("stored", [1, 3])
def test_a_guided_job_goes_on_with_the_same_bytes(clip: Path, guides: Path, tmp_path: Path, stored: int) -> None:
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    run.dream_video(str(clip), whole, guided(guides), KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, guided(guides), stop_after(stored))
    run.dream_video(str(clip), output, guided(guides), KEEP)
    assert frames_of(output) == frames_of(whole)


@pytest.mark.parametrize("stored", [2, 5])
@pytest.mark.parametrize("cadence", [1, 3])
def test_settings_move_beside_a_guide_that_runs_along(
    two_shots: Path, guides: Path, tmp_path: Path, stored: int, cadence: int
) -> None:
    moved = {"dream": {"step_size": "0:0.01, 9f:0.05"}, "coherence": {"cadence": cadence}}
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    run.dream_video(str(two_shots), whole, guided(guides, **moved), KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(two_shots), output, guided(guides, **moved), stop_after(stored))
    run.dream_video(str(two_shots), output, guided(guides, **moved), KEEP)
    assert frames_of(output) == frames_of(whole)
    assert [line["values"]["dream.step_size"] for line in journal_of(whole)][:2] == [
        0.01,
        pytest.approx(0.01 + 0.04 / 9),
    ]


def test_the_journal_tells_the_values_of_each_frame(clip: Path, output: Path) -> None:
    run.dream_video(str(clip), output, quick(**MOVING), KEEP)
    ease = [0, 5 / 32, 1 / 2, 27 / 32, 1]
    for number, line in enumerate(journal_of(output)):
        assert line["values"] == {
            "dream.step_size": pytest.approx(0.01 + 0.04 * ease[number]),
            "dream.smooth": pytest.approx(0.1 * number),
        }
    run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True, resume="never"))
    assert all(line["values"] == {} for line in journal_of(output))


@pytest.mark.parametrize("stored", [1, 4])
def test_a_job_that_moves_goes_on_with_the_same_bytes(clip: Path, output: Path, tmp_path: Path, stored: int) -> None:
    whole = tmp_path / "whole.mp4"
    run.dream_video(str(clip), whole, quick(**MOVING), KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(**MOVING), stop_after(stored))
    assert run.dream_video(str(clip), output, quick(**MOVING), KEEP).rendered == COUNT - stored
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()
