"""Jobs that last: killed, stopped, damaged or changed, they go on with the same bytes or say why not."""

import json
import os
import shutil
import signal
import sys
import time
import wave
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import av
import filelock
import numpy as np
import pytest
from little import HEIGHT, WIDTH, apart, contents, drifting, film, quick, read_image, texture, write_image

import dreamvid
from dreamvid import engine, job
from dreamvid.errors import JobError, NetError, SettingsError, SourceError, ToolError
from dreamvid.job import Interrupted, Options, Summary
from dreamvid.media import Pixels
from dreamvid.nets.net import Net
from dreamvid.nets.prepare import PreparedNet
from dreamvid.settings import Settings
from dreamvid.video import encode
from dreamvid.video.store import FrameStore
from dreamvid.workspace import FrameRecord

COUNT = 5
KEEP = Options(keep_work=True)


@pytest.fixture(autouse=True)
def small_net(tiny_net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job in this process dreams with the tiny net."""
    monkeypatch.setattr(engine.zoo, "get", lambda name, weights=None: tiny_net)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("job") / "clip.mp4", drifting(COUNT))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "dream.mp4"


def folder_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.dreamvid")


def frames_of(output: Path) -> dict[str, bytes]:
    return contents(folder_of(output) / "frames")


def journal_of(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder_of(output) / "journal.jsonl").read_text().splitlines()]


def scores_of(output: Path) -> list[float]:
    """The scores in the journal, of the frames that have one."""
    return [line["score"] for line in journal_of(output) if line["score"] is not None]


def stop_after(count: int, kind: type[BaseException] = KeyboardInterrupt) -> Options:
    """Options under which a job breaks off once `count` frames are stored."""

    def progress(done: int, total: int) -> None:
        if done == count:
            raise kind

    return Options(progress=progress)


def decoded(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


# A film, whole


def test_a_film_has_every_frame_the_rate_and_the_sound(clip: Path, output: Path) -> None:
    summary = job.dream_video(str(clip), output, quick())
    with av.open(str(output)) as container:
        assert container.streams.video[0].average_rate == 12
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == COUNT
    assert summary.frames == summary.rendered == COUNT
    assert summary.fps == 12
    assert summary.seconds == pytest.approx(COUNT / 12)


def test_the_summary_is_one_line_of_json_with_the_keys_that_scripts_rely_on(clip: Path, output: Path) -> None:
    summary = job.dream_video(str(clip), output, quick())
    line = summary.to_json()
    assert "\n" not in line
    table = json.loads(line)
    assert {"output", "frames", "fps", "seconds", "seconds_per_frame", "score"} <= set(table)
    assert table["output"] == str(output)
    assert table["frames"] == COUNT
    assert table["score"] > 0
    assert table["seconds_per_frame"] > 0
    assert table["rendered"] == COUNT
    assert table["damaged"] == 0


def test_the_score_is_the_mean_rise_of_the_stored_frames(clip: Path, output: Path) -> None:
    summary = job.dream_video(str(clip), output, quick(), KEEP)
    assert summary.score == pytest.approx(np.mean(scores_of(output)))


def test_without_steps_the_stored_frames_are_the_source(clip: Path, output: Path) -> None:
    settings = quick(dream={"steps": 0}, coherence={"steps": 0})
    summary = job.dream_video(str(clip), output, settings, KEEP)
    source = decoded(clip)
    stored = [read_image(path) for path in sorted((folder_of(output) / "frames").iterdir())]
    assert len(stored) == COUNT
    assert summary.score == pytest.approx(0, abs=1e-6)
    # OpenCV and PyAV turn YUV to RGB by other roundings.
    assert all(np.abs(one.astype(int) - other).max() <= 3 for one, other in zip(stored, source, strict=True))


def test_the_job_folder_goes_when_the_film_is_there(clip: Path, output: Path) -> None:
    job.dream_video(str(clip), output, quick())
    assert sorted(path.name for path in output.parent.iterdir()) == ["dream.mp4"]


def test_the_job_folder_stays_if_asked_and_tells_everything(clip: Path, output: Path) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    folder = folder_of(output)
    assert {"frames", "job.toml", "journal.jsonl", "plan.json"} <= {path.name for path in folder.iterdir()}
    assert list(frames_of(output)) == [f"{number:06d}.png" for number in range(COUNT)]
    assert [line["index"] for line in journal_of(output)] == list(range(COUNT))
    assert {field.name for field in fields(FrameRecord)} == set(journal_of(output)[0])
    plan = json.loads((folder / "plan.json").read_text())
    assert {"dream.steps", "source", "net", "seed", "threads", "torch", "opencv"} <= set(plan["fingerprint"])


def test_the_settings_in_the_job_folder_are_a_preset_that_gives_the_same(clip: Path, output: Path) -> None:
    from dreamvid.presets import resolve

    job.dream_video(str(clip), output, quick(seed=5), KEEP)
    assert resolve(str(folder_of(output) / "job.toml")) == quick(seed=5)


def test_the_job_folder_may_lie_elsewhere(clip: Path, output: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "far" / "away"
    job.dream_video(str(clip), output, quick(), Options(keep_work=True, work_dir=elsewhere))
    assert (elsewhere / "dream.mp4.dreamvid" / "journal.jsonl").is_file()
    assert not folder_of(output).exists()


def test_frames_shown_twice_are_dreamed_once(clip: Path, output: Path) -> None:
    summary = job.dream_video(str(clip), output, quick(input={"fps": "24"}), KEEP)
    assert (summary.frames, summary.rendered, summary.fps) == (2 * COUNT, COUNT, 24)
    assert len(frames_of(output)) == COUNT
    assert len(decoded(output)) == 2 * COUNT


def test_a_folder_of_pngs_holds_the_stored_frames(clip: Path, tmp_path: Path) -> None:
    job.dream_video(str(clip), tmp_path / "frames", quick(), KEEP)
    assert contents(tmp_path / "frames") == frames_of(tmp_path / "frames")


def test_a_lossless_film_gives_back_the_stored_frames(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "exact.mkv"
    job.dream_video(str(clip), output, quick(output={"codec": "ffv1"}), KEEP)
    for number, picture in enumerate(decoded(output)):
        assert np.array_equal(picture, read_image(folder_of(output) / "frames" / f"{number:06d}.png"))


def test_names_with_any_letters_will_do(clip: Path, tmp_path: Path) -> None:
    odd = tmp_path / "ein Traum & 夢 %d 'x' [1]"
    odd.mkdir()
    source = odd / "co-lon é.mp4"
    source.write_bytes(clip.read_bytes())
    output = odd / "-ö %04d.mp4"
    job.dream_video(str(source), output, quick(input={"frames": "0:2"}))
    assert len(decoded(output)) == 2
    assert sorted(path.name for path in odd.iterdir()) == sorted([source.name, output.name])


# Stopped and gone on with


@pytest.fixture(scope="module")
def reference(clip: Path, tmp_path_factory: pytest.TempPathFactory, tiny_net: Net) -> Path:
    """The film that is made without a stop."""
    output = tmp_path_factory.mktemp("reference") / "dream.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.zoo, "get", lambda name, weights=None: tiny_net)
        job.dream_video(str(clip), output, quick(), KEEP)
    return output


@pytest.mark.parametrize("stored", [1, 3, 4])
def test_a_job_that_breaks_off_goes_on_with_the_same_bytes(
    clip: Path, output: Path, reference: Path, stored: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(stored))
    assert not output.exists()
    assert len(frames_of(output)) == stored
    summary = job.dream_video(str(clip), output, quick(), KEEP)
    assert summary.rendered == COUNT - stored
    assert summary.frames == COUNT
    assert frames_of(output) == frames_of(reference)
    assert output.read_bytes() == reference.read_bytes()
    assert summary.score == pytest.approx(np.mean(scores_of(reference)))


@pytest.mark.parametrize("mode", ["flow", "blend", "none"])
@pytest.mark.parametrize("stored", [3, 8, 10])
def test_a_job_that_breaks_off_inside_a_shot_goes_on_in_every_mode(tmp_path: Path, mode: str, stored: int) -> None:
    """Before a cut, just after it, and with fewer frames behind it than are looked back to."""
    tinted = ((7, 1, (220, 40, 30)), (6, 2, (20, 50, 200)))
    shots = [
        np.clip(0.4 * picture + 0.6 * np.array(tint), 0, 255).astype(np.uint8)
        for count, seed, tint in tinted
        for picture in drifting(count, seed=seed)
    ]
    clip = film(tmp_path / "shots.mkv", shots, rate=12)
    settings = quick(coherence={"mode": mode})
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    job.dream_video(str(clip), whole, settings, KEEP)
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, settings, stop_after(stored))
    summary = job.dream_video(str(clip), output, settings, KEEP)
    assert summary.rendered == len(shots) - stored
    assert frames_of(output) == frames_of(whole)
    plan = json.loads((tmp_path / "whole.mkv.dreamvid" / "plan.json").read_text())
    assert mode == "none" or [shot["start"] for shot in plan["shots"]] == [0, 7]


def test_a_finished_job_that_was_kept_renders_nothing_again(clip: Path, output: Path) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    first = output.read_bytes()
    again = job.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True))
    assert again.rendered == 0
    assert again.seconds_per_frame is None
    assert output.read_bytes() == first


@pytest.mark.parametrize(
    "changes", [{"output": {"crf": 30}}, {"output": {"codec": "h265"}}, {"description": "another word"}]
)
def test_what_changes_no_pixel_dreams_nothing_again(clip: Path, output: Path, changes: dict[str, Any]) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    assert job.dream_video(str(clip), output, quick(**changes), Options(overwrite=True)).rendered == 0
    assert len(decoded(output)) == COUNT


def test_a_flipped_byte_is_noticed_and_costs_the_frames_from_there_on(
    clip: Path, output: Path, reference: Path
) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    damaged = folder_of(output) / "frames" / "000003.png"
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    summary = job.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True))
    assert summary.rendered == COUNT - 3
    assert frames_of(output) == frames_of(reference)
    assert output.read_bytes() == reference.read_bytes()


def test_a_missing_frame_is_rendered_again(clip: Path, output: Path, reference: Path) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    (folder_of(output) / "frames" / "000002.png").unlink()
    assert job.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True)).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


@pytest.mark.parametrize("tail", [b'{"index":3,"sha2', b"\x00\xff\n", b'{"other":1}\n', b'{"index":4}\n'])
def test_a_torn_journal_costs_what_is_torn_off(clip: Path, output: Path, reference: Path, tail: bytes) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    journal = folder_of(output) / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + tail)
    assert job.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True)).rendered == COUNT - 3
    assert frames_of(output) == frames_of(reference)


@pytest.mark.parametrize("wrong", [{"strength": 5}, {"tile": "large"}, {"index": [2]}, {"sha256": None}])
def test_a_line_of_the_journal_that_holds_other_things_is_no_line(
    clip: Path, output: Path, reference: Path, wrong: dict[str, Any]
) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    lines = journal_of(output)
    lines[2] |= wrong
    (folder_of(output) / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert job.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True)).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_what_a_killed_run_left_half_written_goes(clip: Path, output: Path, reference: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    halves = [folder_of(output) / ".plan.7.part.json", folder_of(output) / "frames" / ".000002.7.part.png"]
    for half in halves:
        half.write_text("half")
    job.dream_video(str(clip), output, quick(), KEEP)
    assert [half.name for half in halves if half.exists()] == []
    assert frames_of(output) == frames_of(reference)


def test_a_damaged_plan_is_said(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    (folder_of(output) / "plan.json").write_text("{")
    with pytest.raises(JobError, match="no-resume"):
        job.dream_video(str(clip), output, quick())
    assert job.dream_video(str(clip), output, quick(), Options(resume="never")).rendered == COUNT


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"dream": {"steps": 3}}, "dream.steps"),
        ({"seed": 1}, "seed"),
        ({"objective": [{"layer": "third"}]}, "objective"),
        ({"coherence": {"mode": "blend"}}, "coherence.mode"),
        ({"input": {"frames": "0:3"}}, "input.frames"),
        ({"compute": {"threads": 1, "precision": "bf16"}}, "precision"),
    ],
)
def test_a_job_begun_differently_is_refused_by_the_name_of_what_changed(
    clip: Path, output: Path, changes: dict[str, Any], key: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    before = frames_of(output)
    with pytest.raises(JobError, match=key):
        job.dream_video(str(clip), output, quick(**changes))
    assert frames_of(output) == before
    assert not output.exists()


def test_another_source_or_other_weights_are_refused(
    clip: Path, output: Path, tmp_path: Path, tiny_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    other = film(tmp_path / "other.mp4", drifting(COUNT, seed=9))
    with pytest.raises(JobError, match="source"):
        job.dream_video(str(other), output, quick())
    monkeypatch.setattr(engine.zoo, "get", lambda name, weights=None: replace(tiny_net, sha256="1" * 64))
    with pytest.raises(JobError, match="net"):
        job.dream_video(str(clip), output, quick())


@pytest.mark.parametrize(("changed", "key"), [("dreamnet", "net "), ("alexnet", "further nets ")])
def test_other_weights_of_either_of_two_nets_are_refused(
    clip: Path,
    output: Path,
    changed: str,
    key: str,
    tiny_net: Net,
    other_net: Net,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nets = {"dreamnet": tiny_net, "alexnet": other_net}
    monkeypatch.setattr(engine.zoo, "get", lambda name, weights=None: nets[name])
    both = quick(objective=[{"layer": "second"}, {"net": "alexnet", "layer": "first"}])
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, both, stop_after(2))
    nets[changed] = replace(nets[changed], sha256="f" * 64)
    with pytest.raises(JobError, match=f"begun differently: {key}"):
        job.dream_video(str(clip), output, both)


def test_a_dream_that_changed_nothing_says_so(
    clip: Path, output: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An objective without a slope, as that of a channel that nothing in the source awakes."""
    flat = quick(objective=[{"kind": "layer", "layer": "second", "weight": 0.0}])
    job.dream_video(str(clip), output, flat)
    job.dream_image(str(clip), tmp_path / "still.png", flat)
    assert [record.message for record in caplog.records].count(caplog.records[-1].message) == 2
    assert "changed nothing" in caplog.records[-1].message
    caplog.clear()
    job.dream_image(str(clip), tmp_path / "plain.png", quick(dream={"steps": 0}))
    job.dream_image(str(clip), tmp_path / "dream.png", quick())
    assert not caplog.records


def test_a_name_that_means_another_channel_is_refused(
    clip: Path, output: Path, tiny_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = quick(objective=[{"kind": "channel", "name": "eyes"}])
    net = replace(tiny_net, catalogue={"eyes": ("second", 3)})
    monkeypatch.setattr(engine.zoo, "get", lambda name, weights=None: net)
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, named, stop_after(2))
    net = replace(tiny_net, catalogue={"eyes": ("second", 4)})
    with pytest.raises(JobError, match="named channels"):
        job.dream_video(str(clip), output, named)


def test_a_changed_job_goes_on_if_forced_and_begins_anew_if_told(clip: Path, output: Path, reference: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    kept = frames_of(output)
    changed = quick(dream={"steps": 3})
    assert job.dream_video(str(clip), output, changed, Options(resume="force", keep_work=True)).rendered == COUNT - 2
    assert {name: frames_of(output)[name] for name in kept} == kept
    begun_anew = Options(resume="never", keep_work=True, overwrite=True)
    assert job.dream_video(str(clip), output, quick(), begun_anew).rendered == COUNT
    assert frames_of(output) == frames_of(reference)


def test_a_changed_job_begins_anew_where_that_was_agreed(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    assert job.dream_video(str(clip), output, quick(seed=3), Options(resume="renew")).rendered == COUNT


def test_frames_of_another_size_cannot_be_gone_on_with(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    with pytest.raises(JobError, match="another size"):
        job.dream_video(str(clip), output, quick(input={"size": "32x24"}), Options(resume="force"))


def test_another_range_takes_over_what_it_shares_if_forced(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(3))
    summary = job.dream_video(str(clip), output, quick(input={"frames": "0:4"}), Options(resume="force"))
    assert (summary.frames, summary.rendered) == (4, 1)


# Ctrl-C


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
            job.dream_video(str(clip), output, quick())
    assert len(frames_of(output)) == 2
    assert "Ctrl-C again" in caplog.text
    assert not output.exists()
    assert job.dream_video(str(clip), output, quick(), KEEP).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_ctrl_c_twice_stops_at_once_and_loses_no_finished_frame(
    clip: Path, output: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupting(patch, times=2)
        with pytest.raises(Interrupted, match="at once"):
            job.dream_video(str(clip), output, quick())
    assert len(frames_of(output)) == 2
    assert job.dream_video(str(clip), output, quick(), KEEP).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_ctrl_c_on_the_last_frame_makes_the_film(clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch, times=1, at=COUNT)
    assert job.dream_video(str(clip), output, quick()).frames == COUNT


def test_ctrl_c_means_what_it_did_before_once_the_job_is_over(clip: Path, output: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    job.dream_video(str(clip), output, quick())
    assert signal.getsignal(signal.SIGINT) is before


# Killed


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
        file = folder_of(output) / "journal.jsonl"
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


# Refused, and failed


def test_a_second_job_on_the_same_folder_is_refused(clip: Path, output: Path) -> None:
    folder_of(output).mkdir()
    with filelock.FileLock(folder_of(output) / "lock"), pytest.raises(JobError, match="another dreamvid"):
        job.dream_video(str(clip), output, quick())
    assert folder_of(output).is_dir()  # it belongs to the other one
    assert job.dream_video(str(clip), output, quick()).rendered == COUNT


def test_a_foreign_folder_or_file_in_the_way_is_left_alone(clip: Path, output: Path, tmp_path: Path) -> None:
    folder = folder_of(output)
    folder.mkdir()
    (folder / "holiday.txt").write_text("mine")
    with pytest.raises(JobError, match="not a job folder"):
        job.dream_video(str(clip), output, quick(), Options(resume="never"))
    assert contents(folder) == {"holiday.txt": b"mine"}
    other = tmp_path / "other.mp4"
    folder_of(other).write_text("mine")
    with pytest.raises(JobError, match="not a job folder"):
        job.dream_video(str(clip), other, quick())
    assert folder_of(other).read_text() == "mine"


def test_an_empty_folder_is_taken(clip: Path, output: Path) -> None:
    folder_of(output).mkdir()
    assert job.dream_video(str(clip), output, quick()).rendered == COUNT


def test_an_output_that_is_there_is_replaced_only_if_told_and_only_by_a_whole_film(clip: Path, output: Path) -> None:
    output.write_text("precious")
    with pytest.raises(SettingsError, match="overwrite"):
        job.dream_video(str(clip), output, quick())
    assert output.read_text() == "precious"
    with pytest.raises(KeyboardInterrupt):
        seen = stop_after(3)
        job.dream_video(str(clip), output, quick(), Options(overwrite=True, progress=seen.progress))
    assert output.read_text() == "precious"
    job.dream_video(str(clip), output, quick(), Options(overwrite=True))
    assert len(decoded(output)) == COUNT


def test_the_output_cannot_be_the_source(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    source.write_bytes(clip.read_bytes())
    for name in ("clip.mp4", "./clip.mp4"):
        with pytest.raises(SettingsError, match="source itself"):
            job.dream_video(str(source), tmp_path / name, quick(), Options(overwrite=True))
    assert source.read_bytes() == clip.read_bytes()


def test_a_work_folder_that_cannot_be_made_is_said(clip: Path, output: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="work-dir"):
        job.dream_video(str(clip), output, quick(), Options(work_dir=tmp_path / "file"))


def test_a_disk_that_is_too_small_is_said_before_the_first_frame(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(JobError, match="free"):
        job.dream_video(str(clip), output, quick())
    assert list(output.parent.iterdir()) == []


def test_a_job_that_fails_before_its_first_frame_leaves_nothing(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(net: PreparedNet, image: Any) -> dict[str, Any]:
        return {"second": image[:, :1].expand(-1, 12, -1, -1) * float("nan")}

    monkeypatch.setattr(PreparedNet, "__call__", nothing)
    with pytest.raises(NetError, match="not finite"):
        job.dream_video(str(clip), output, quick())
    assert list(output.parent.iterdir()) == []


def test_an_encoder_that_fails_keeps_the_frames_and_leaves_no_film(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ToolError("the encoder stopped: no reason")

    with monkeypatch.context() as patch:
        patch.setattr(encode, "_encode", fails)
        with pytest.raises(ToolError):
            job.dream_video(str(clip), output, quick())
    assert [path.name for path in output.parent.iterdir()] == [folder_of(output).name]
    assert job.dream_video(str(clip), output, quick()).rendered == 0
    assert len(decoded(output)) == COUNT


def test_the_name_of_the_film_is_not_there_until_it_is_whole(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[bool] = []
    for step in ("_encode", "_verify"):
        plain = getattr(encode, step)

        def watched(*given: Any, plain: Any = plain) -> None:
            there.append(output.exists())
            plain(*given)
            there.append(output.exists())

        monkeypatch.setattr(encode, step, watched)
    progress = Options(progress=lambda done, total: there.append(output.exists()))
    job.dream_video(str(clip), output, quick(), progress)
    assert len(there) == COUNT + 1 + 4
    assert not any(there)
    assert output.exists()


def test_progress_is_told_from_what_is_there_already(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(), stop_after(2))
    told: list[tuple[int, int]] = []
    job.dream_video(str(clip), output, quick(), Options(progress=lambda done, total: told.append((done, total))))
    assert told == [(2, 5), (3, 5), (4, 5), (5, 5)]


def test_a_broken_source_leaves_nothing(tmp_path: Path, output: Path) -> None:
    source = tmp_path / "source.mp4"
    source.write_text("no film")
    with pytest.raises(SourceError):
        job.dream_video(str(source), output, quick())
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


# Stills and flights


def test_a_still_is_dreamed_into_a_still(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    summary = job.dream_image(str(source), tmp_path / "dream.png", quick())
    dream = read_image(tmp_path / "dream.png")
    assert dream.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(dream.astype(int) - texture()).mean() > 2
    assert (summary.frames, summary.fps, summary.seconds) == (1, 0.0, 0.0)
    assert summary.score > 0
    assert summary.in_words().startswith("1 picture")


def test_a_still_dreams_as_the_first_frame_of_a_film_does(clip: Path, tmp_path: Path) -> None:
    job.dream_video(str(clip), tmp_path / "film", quick(input={"frames": "0:1"}))
    job.dream_image(str(clip), tmp_path / "still.png", quick())
    assert np.array_equal(read_image(tmp_path / "still.png"), read_image(tmp_path / "film" / "000000.png"))


def test_a_still_without_steps_is_the_source(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    job.dream_image(str(source), tmp_path / "dream.png", quick(dream={"steps": 0}))
    assert np.array_equal(read_image(tmp_path / "dream.png"), texture())


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tiff", ".PNG"])
def test_a_still_is_written_as_its_name_says(tmp_path: Path, suffix: str) -> None:
    job.dream_image("noise:pink", tmp_path / f"dream{suffix}", quick(input={"size": "40x24"}))
    assert read_image(tmp_path / f"dream{suffix}").shape == (24, 40, 3)


def test_a_still_of_noise_depends_on_its_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        job.dream_image("noise", tmp_path / f"{name}.png", quick(input={"size": "32x32"}, seed=seed))
    a, b, c = (read_image(tmp_path / f"{name}.png") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("name", ["dream.mp4", "dream", "dream.txt"])
def test_a_still_cannot_be_a_film(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError):
        job.dream_image("noise", tmp_path / name, quick(input={"size": "32x32"}))
    assert list(tmp_path.iterdir()) == []


FLIGHT: dict[str, Any] = {"input": {"seconds": 0.25, "fps": "12"}, "camera": {"zoom": 2.0, "mode": "frames"}}


def test_a_flight_is_a_film_of_its_length(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    summary = job.dream_zoom(str(source), tmp_path / "flight.mp4", quick(**FLIGHT))
    assert (summary.frames, summary.fps, summary.seconds) == (3, 12.0, 0.25)
    assert summary.score > 0
    assert len(decoded(tmp_path / "flight.mp4")) == 3


def test_a_flight_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    whole, output = tmp_path / "whole.mp4", tmp_path / "flight.mp4"
    job.dream_zoom(str(source), whole, quick(**FLIGHT), KEEP)
    with pytest.raises(KeyboardInterrupt):
        job.dream_zoom(str(source), output, quick(**FLIGHT), stop_after(2))
    assert job.dream_zoom(str(source), output, quick(**FLIGHT), KEEP).rendered == 1
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()


WORLD: dict[str, Any] = {"input": {"seconds": 0.5, "fps": "12", "loop": True}, "camera": {"zoom": 2.5}}


def test_a_world_is_dreamed_and_filmed_and_leaves_no_folder(tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mp4"
    summary = job.dream_zoom(str(source), output, quick(**WORLD))
    assert (summary.frames, summary.rendered) == (6, 6)
    assert summary.score > 0
    assert len(decoded(output)) == 6
    assert not Path(f"{output}.dreamvid").exists()


@pytest.mark.parametrize("step", [1, 4])
def test_a_world_goes_on_where_it_was_kept(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "KEPT_EVERY", 0.0)
    source = write_image(tmp_path / "still.png", texture())
    whole, output = tmp_path / "whole.mp4", tmp_path / "lap.mp4"
    job.dream_zoom(str(source), whole, quick(**WORLD), KEEP)
    told: list[int] = []

    def breaks_off(done: int, total: int) -> None:
        told.append(done)
        if len(told) == 1 + step:  # the first is of the frames
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.dream_zoom(str(source), output, quick(**WORLD), Options(progress=breaks_off))
    again: list[int] = []
    options = Options(keep_work=True, progress=lambda done, total: again.append(done))
    assert job.dream_zoom(str(source), output, quick(**WORLD), options).rendered == 6
    assert again[1] == step  # one step was told but not kept
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()


def test_frames_of_a_world_are_filmed_on_without_dreaming_again(tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mp4"
    job.dream_zoom(str(source), output, quick(**WORLD), KEEP)
    before = frames_of(output)
    journal = Path(f"{output}.dreamvid") / "journal.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))
    output.unlink()
    told: list[tuple[int, int]] = []
    options = Options(keep_work=True, progress=lambda done, total: told.append((done, total)))
    assert job.dream_zoom(str(source), output, quick(**WORLD), options).rendered == 4
    assert {total for _, total in told} == {6}
    assert frames_of(output) == before


def test_a_damaged_world_is_dreamed_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mp4"
    job.dream_zoom(str(source), output, quick(**WORLD), KEEP)
    before, folder = frames_of(output), Path(f"{output}.dreamvid")
    (folder / "world.npz").write_bytes(b"nothing")
    (folder / "journal.jsonl").write_text("")
    output.unlink()
    job.dream_zoom(str(source), output, quick(**WORLD), KEEP)
    assert "the world is dreamed again" in caplog.text
    assert frames_of(output) == before


@pytest.mark.parametrize("mode", ["world", "frames"])
def test_a_loop_goes_round_after_its_intro(mode: str, tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mkv"
    how = quick(
        input={**WORLD["input"], "laps": 3},
        camera={"zoom": 2.5, "mode": mode, "intro": 0.25},
        output={"codec": "ffv1"},
    )
    summary = job.dream_zoom(str(source), output, how)
    landing = 2 if mode == "frames" else 0  # a third of the lap
    assert summary.frames == 3 + landing + 3 * 6
    film = decoded(output)
    assert np.array_equal(film[0], texture()) is (mode == "world")
    assert np.array_equal(film[-6], film[-12])
    assert not np.array_equal(film[-6], film[-5])


def test_a_loop_frame_by_frame_ends_with_the_frame_that_its_first_was_dreamed_from(tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mkv"
    job.dream_zoom(str(source), output, quick(**{**WORLD, "camera": {"zoom": 2.5, "mode": "frames"}}), KEEP)
    stored = frames_of(output)
    assert len(stored) == 2 + 6  # a third of the lap is the landing
    frames = [read_image(path) for path in sorted((Path(f"{output}.dreamvid") / "frames").iterdir())]
    assert np.array_equal(frames[7], frames[1])
    assert not np.array_equal(frames[6], frames[0])


def test_a_flight_over_several_stills(tmp_path: Path) -> None:
    stills = [str(write_image(tmp_path / f"{seed}.png", texture(seed=seed))) for seed in range(2)]
    summary = job.dream_zoom(stills, tmp_path / "flight.mp4", quick(**WORLD))
    assert summary.frames == 6
    small = write_image(tmp_path / "small.png", texture(32, 40))
    with pytest.raises(SettingsError, match="different sizes"):
        job.dream_zoom([stills[0], str(small)], tmp_path / "other.mp4", quick(**WORLD))
    with pytest.raises(SettingsError, match="source itself"):
        job.dream_zoom(stills, Path(stills[1]), quick(**WORLD))


def test_a_flight_that_turns_otherwise_is_another_job(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    with pytest.raises(KeyboardInterrupt):
        job.dream_zoom(str(source), tmp_path / "flight.mp4", quick(**FLIGHT), stop_after(2))
    turned = quick(**{**FLIGHT, "camera": {"zoom": 2.0, "rotate": 5, "mode": "frames"}})
    with pytest.raises(JobError, match=r"camera\.rotate"):
        job.dream_zoom(str(source), tmp_path / "flight.mp4", turned)


def test_the_public_names_are_those_functions() -> None:
    """The package `dreamvid.dream_video` is loaded by now, and does not hide the function."""
    assert dreamvid.dream_video is job.dream_video
    assert dreamvid.dream_zoom is job.dream_zoom
    assert dreamvid.dream_image is job.dream_image
    assert dreamvid.Summary is Summary
    assert dreamvid.Settings is Settings
    assert sorted(dreamvid.__all__) == dreamvid.__all__
    with pytest.raises(AttributeError):
        _ = dreamvid.nothing


def test_a_rate_that_the_film_cannot_have_is_found_before_the_first_frame(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="GIF"):
        job.dream_zoom(str(clip), tmp_path / "film.gif", quick(input={"fps": "120", "seconds": 0.1}))
    assert list(tmp_path.iterdir()) == []


# Frames that are not dreamed, and guides that run along


@pytest.fixture(scope="module")
def two_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tinted = ((6, 1, (220, 40, 30)), (5, 2, (20, 50, 200)))
    shots = [
        np.clip(0.4 * picture + 0.6 * np.array(tint), 0, 255).astype(np.uint8)
        for count, seed, tint in tinted
        for picture in drifting(count, seed=seed)
    ]
    return film(tmp_path_factory.mktemp("job") / "shots.mkv", shots, rate=12)


@pytest.fixture(scope="module")
def guides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two pictures, for films of more."""
    folder = tmp_path_factory.mktemp("guides")
    for number in range(2):
        write_image(folder / f"{number}.png", texture(seed=20 + number, grain=1 + 3 * number))
    return folder


def guided(file: Path, **changes: Any) -> Settings:
    return quick(layer=None, objective=[{"kind": "guide", "layer": "second", "file": str(file)}], **changes)


@pytest.mark.parametrize("stored", [1, 2, 3, 4, 6, 7, 10])
@pytest.mark.parametrize("along", [False, True])
def test_a_job_with_a_cadence_goes_on_with_the_same_bytes(
    two_shots: Path, guides: Path, tmp_path: Path, stored: int, along: bool
) -> None:
    """Wherever it stopped: between what is dreamed, at the end of a shot, after a cut."""
    settings = guided(guides, coherence={"cadence": 3}) if along else quick(coherence={"cadence": 3})
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    job.dream_video(str(two_shots), whole, settings, KEEP)
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(two_shots), output, settings, stop_after(stored))
    assert job.dream_video(str(two_shots), output, settings, KEEP).rendered == 11 - stored
    assert frames_of(output) == frames_of(whole)


def test_each_frame_is_guided_by_the_picture_of_its_time_and_then_by_the_last(
    clip: Path, guides: Path, tmp_path: Path
) -> None:
    made = {}
    for name, file in (("along", guides), ("first", guides / "0.png"), ("last", guides / "1.png")):
        output = tmp_path / f"{name}.mkv"
        job.dream_video(str(clip), output, guided(file, coherence={"mode": "none"}), KEEP)
        made[name] = list(frames_of(output).values())
    assert made["along"] == [made["first"][0], *made["last"][1:]]
    assert made["first"][1] != made["last"][1]


def test_the_strength_is_that_of_the_guide_that_is_held(clip: Path, guides: Path, output: Path) -> None:
    """Its pictures change after the first frame and then no more: what is wanted is measured again when they rest."""
    job.dream_video(str(clip), output, guided(guides), KEEP)
    lines = journal_of(output)
    assert [line["strength"] is not None for line in lines] == [True, False, True, False, False]
    assert [line["age"] for line in lines][2] == 0


@pytest.mark.parametrize("stored", [1, 3])
def test_a_guided_job_goes_on_with_the_same_bytes(clip: Path, guides: Path, tmp_path: Path, stored: int) -> None:
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    job.dream_video(str(clip), whole, guided(guides), KEEP)
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, guided(guides), stop_after(stored))
    job.dream_video(str(clip), output, guided(guides), KEEP)
    assert frames_of(output) == frames_of(whole)


def test_another_picture_of_a_guide_is_another_job(clip: Path, output: Path, tmp_path: Path) -> None:
    folder = tmp_path / "guides"
    folder.mkdir()
    for number in range(2):
        write_image(folder / f"{number}.png", texture(seed=number))
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, guided(folder), stop_after(2))
    write_image(folder / "1.png", texture(seed=7))
    with pytest.raises(JobError, match="guides"):
        job.dream_video(str(clip), output, guided(folder))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, r"needs camera\.mode=frames"),
        ({"camera": {"mode": "frames", "zoom": 9}, "input": {"seconds": 0.5, "loop": True}}, "does not come back"),
    ],
)
def test_a_guide_that_has_nothing_to_run_along_with_is_refused(
    guides: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    photo = write_image(tmp_path / "photo.png", texture())
    with pytest.raises(SettingsError, match=said):
        job.dream_zoom(str(photo), tmp_path / "zoom.mkv", guided(guides, **changes))


@pytest.mark.parametrize("stored", [2, 5])
@pytest.mark.parametrize("cadence", [1, 3])
def test_settings_move_beside_a_guide_that_runs_along(
    two_shots: Path, guides: Path, tmp_path: Path, stored: int, cadence: int
) -> None:
    moved = {"dream": {"step_size": "0:0.01, 9f:0.05"}, "coherence": {"cadence": cadence}}
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    job.dream_video(str(two_shots), whole, guided(guides, **moved), KEEP)
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(two_shots), output, guided(guides, **moved), stop_after(stored))
    job.dream_video(str(two_shots), output, guided(guides, **moved), KEEP)
    assert frames_of(output) == frames_of(whole)
    assert [line["values"]["dream.step_size"] for line in journal_of(whole)][:2] == [
        0.01,
        pytest.approx(0.01 + 0.04 / 9),
    ]


def test_a_loop_leaves_no_frame_out(tmp_path: Path) -> None:
    source = film(tmp_path / "longer.mkv", drifting(8), rate=12)
    with pytest.raises(SettingsError, match=r"^a loop comes back .*coherence\.cadence=1"):
        job.dream_video(
            str(source), tmp_path / "out.mkv", quick(input={"loop": True}, coherence={"cadence": 2}), Options()
        )
    assert list(tmp_path.iterdir()) == [source]


# Settings that move

MOVING = {"dream": {"step_size": "0:0.01, 4f:0.05 ease", "smooth": "0.1 * f"}}


def test_the_journal_tells_the_values_of_each_frame(clip: Path, output: Path) -> None:
    job.dream_video(str(clip), output, quick(**MOVING), KEEP)
    ease = [0, 5 / 32, 1 / 2, 27 / 32, 1]
    for number, line in enumerate(journal_of(output)):
        assert line["values"] == {
            "dream.step_size": pytest.approx(0.01 + 0.04 * ease[number]),
            "dream.smooth": pytest.approx(0.1 * number),
        }
    job.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True, resume="never"))
    assert all(line["values"] == {} for line in journal_of(output))


@pytest.mark.parametrize("stored", [1, 4])
def test_a_job_that_moves_goes_on_with_the_same_bytes(clip: Path, output: Path, tmp_path: Path, stored: int) -> None:
    whole = tmp_path / "whole.mp4"
    job.dream_video(str(clip), whole, quick(**MOVING), KEEP)
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(**MOVING), stop_after(stored))
    assert job.dream_video(str(clip), output, quick(**MOVING), KEEP).rendered == COUNT - stored
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()


def test_a_job_with_another_track_is_refused_by_its_name(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        job.dream_video(str(clip), output, quick(**MOVING), stop_after(2))
    with pytest.raises(JobError, match=r"tracks\.dream\.smooth \(was 0\.1 \* f, now 0\.2 \* f\)"):
        job.dream_video(str(clip), output, quick(dream={**MOVING["dream"], "smooth": "0.2 * f"}))
    with pytest.raises(JobError, match=r"tracks\.dream\.smooth \(was 0\.1 \* f, now None\)"):
        job.dream_video(str(clip), output, quick(dream={**MOVING["dream"], "smooth": 0}))


def test_the_settings_in_the_job_folder_move_as_well(clip: Path, output: Path) -> None:
    from dreamvid.presets import resolve

    job.dream_video(str(clip), output, quick(**MOVING), KEEP)
    assert resolve(str(folder_of(output) / "job.toml")) == quick(**MOVING)


def test_a_jump_of_the_objective_begins_a_shot(clip: Path, output: Path) -> None:
    terms = [{"layer": "first", "weight": "0:1, 3f:0 hold"}, {"layer": "third", "weight": "0:0, 3f:1 hold"}]
    job.dream_video(str(clip), output, quick(objective=terms), KEEP)
    plan = json.loads((folder_of(output) / "plan.json").read_text())
    assert [shot["start"] for shot in plan["shots"]] == [0, 3]
    assert [line["valid"] is None for line in journal_of(output)] == [True, False, False, True, False]


def test_a_track_that_goes_wrong_somewhere_is_said_before_anything_is_dreamed(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "start", None)
    with pytest.raises(SettingsError, match=r"^dream\.smooth: '1 / abs\(f - 3\)': at frame 3 \(0\.250 s\): it divides"):
        job.dream_video(str(clip), output, quick(dream={"smooth": "1 / abs(f - 3)"}))
    with pytest.raises(SettingsError, match=r"the key 1s:2 lies beyond the end of the film, 0\.416667 s"):
        job.dream_video(str(clip), output, quick(dream={"smooth": "0:1, 1s:2"}))
    assert list(output.parent.iterdir()) == []


def test_a_still_has_the_first_values(tmp_path: Path) -> None:
    still = write_image(tmp_path / "still.png", texture())
    job.dream_image(str(still), tmp_path / "one.png", quick(dream={"step_size": "4s:0.03, 8s:0.9"}))
    job.dream_image(str(still), tmp_path / "other.png", quick(dream={"step_size": 0.03}))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_a_sound_moves_settings_and_goes_with_the_film(clip: Path, output: Path, tmp_path: Path) -> None:
    track = clicking(tmp_path / "clicks.wav", [0.25])
    settings = quick(dream={"smooth": "beat"}, audio={"file": str(track)})
    job.dream_video(str(clip), output, settings, KEEP)
    heard = [line["values"]["dream.smooth"] for line in journal_of(output)]
    assert np.argmax(heard) in (3, 4) and max(heard) > 0.6 and heard[:2] == [0, 0]
    with av.open(str(output)) as container:
        (sound,) = container.streams.audio
        seconds = float(sum(frame.samples for frame in container.decode(sound)) / sound.rate)
    assert sound.codec_context.name == "aac"
    assert 0 <= seconds - COUNT / 12 < 1024 / 8000  # a packet of AAC
    clicking(track, [0.1])
    with pytest.raises(JobError, match="values of settings that move"):
        job.dream_video(str(clip), output, settings, Options(overwrite=True))


def test_another_sound_beside_settings_that_do_not_listen_dreams_nothing_again(
    clip: Path, output: Path, tmp_path: Path
) -> None:
    job.dream_video(str(clip), output, quick(), KEEP)
    track = clicking(tmp_path / "clicks.wav", [0.1])
    again = job.dream_video(str(clip), output, quick(audio={"file": str(track)}), Options(overwrite=True))
    assert again.rendered == 0
    with pytest.raises(SourceError, match=r"gone\.wav cannot be read"):
        job.dream_video(str(clip), tmp_path / "other.mp4", quick(audio={"file": "gone.wav"}))


def clicking(path: Path, times: list[float]) -> Path:
    """A second of faint hiss with clicks at these times."""
    random = np.random.default_rng(0)
    samples = 0.002 * random.standard_normal(8000)
    for time_ in times:
        samples[round(8000 * time_) :][:80] += random.uniform(-0.8, 0.8, 80)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((32767 * np.clip(samples, -1, 1)).astype("<i2").tobytes())
    return path
