"""Job folders: what lies in them, damage that is noticed, and jobs that were begun differently."""

import json
import logging
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import filelock
import pytest
from job_runs import (
    COUNT,
    FLIGHT,
    KEEP,
    MOVING,
    WORLD,
    clicking,
    decoded,
    folder_of,
    frames_of,
    guided,
    journal_file,
    journal_of,
    stop_after,
    write_journal,
)
from little import contents, drifting, film, quick, texture, write_image

from dreamvid.core.errors import JobError, NetError, SettingsError, SourceError
from dreamvid.dream import session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs import run
from dreamvid.jobs.locks import output_held
from dreamvid.jobs.records import FrameRecord
from dreamvid.jobs.run import Options
from dreamvid.models.net import Net
from dreamvid.models.prepare import PreparedNet

pytestmark = pytest.mark.usefixtures("small_net")  # every job in this process dreams with the tiny net


def test_the_job_folder_goes_when_the_film_is_there(clip: Path, output: Path) -> None:
    run.dream_video(str(clip), output, quick())
    assert sorted(path.name for path in output.parent.iterdir()) == ["dream.mp4"]


def test_the_job_folder_stays_if_asked_and_tells_everything(clip: Path, output: Path) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    folder = folder_of(output)
    assert {"frames", "fingerprint.json", "job.toml", "journal", "plan.json"} <= {
        path.name for path in folder.iterdir()
    }
    assert list(frames_of(output)) == [f"{number:06d}.png" for number in range(COUNT)]
    assert [line["index"] for line in journal_of(output)] == list(range(COUNT))
    assert {*(field.name for field in fields(FrameRecord)), "state"} == set(journal_of(output)[0])
    facts = json.loads((folder / "fingerprint.json").read_text())
    assert {"dream.steps", "source", "net", "seed", "threads", "torch", "opencv"} <= set(facts)


def test_the_settings_in_the_job_folder_are_a_preset_that_gives_the_same(clip: Path, output: Path) -> None:
    from dreamvid.config.presets import resolve

    run.dream_video(str(clip), output, quick(seed=5), KEEP)
    assert resolve(str(folder_of(output) / "job.toml")) == quick(seed=5)


def test_the_job_folder_may_lie_elsewhere(clip: Path, output: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "far" / "away"
    run.dream_video(str(clip), output, quick(), Options(keep_work=True, work_dir=elsewhere))
    assert (elsewhere / "dream.mp4.dreamvid" / "journal").is_dir()
    assert not folder_of(output).exists()


@pytest.mark.parametrize(
    "changes", [{"output": {"crf": 30}}, {"output": {"codec": "h265"}}, {"description": "another word"}]
)
def test_what_changes_no_pixel_dreams_nothing_again(clip: Path, output: Path, changes: dict[str, Any]) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    assert run.dream_video(str(clip), output, quick(**changes), Options(overwrite=True)).rendered == 0
    assert len(decoded(output)) == COUNT


def test_a_flipped_byte_is_noticed_and_costs_the_frames_from_there_on(
    clip: Path, output: Path, reference: Path
) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    damaged = folder_of(output) / "frames" / "000003.png"
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    summary = run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True))
    assert summary.rendered == COUNT - 3
    assert frames_of(output) == frames_of(reference)
    assert output.read_bytes() == reference.read_bytes()


def test_a_missing_frame_is_rendered_again(clip: Path, output: Path, reference: Path) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    (folder_of(output) / "frames" / "000002.png").unlink()
    assert run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True)).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


@pytest.mark.parametrize("tail", [b'0123abcd {"index":3,"sha2', b"\x00\xff\n", b'{"other":1}\n', b'0 {"index":4}\n'])
def test_a_torn_journal_costs_what_is_torn_off(clip: Path, output: Path, reference: Path, tail: bytes) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    journal = journal_file(output)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + tail)
    assert run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True)).rendered == COUNT - 3
    assert frames_of(output) == frames_of(reference)


def test_a_journal_of_another_version_costs_every_frame(clip: Path, output: Path, reference: Path) -> None:
    """Here one whose numbers had other names."""
    run.dream_video(str(clip), output, quick(), KEEP)
    lines = journal_of(output)
    for line in lines:
        line["state"] = {"strength": line["state"]["strength"], "age": 0.0, "alive": 1.0}
    write_journal(output, lines)
    assert run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True)).rendered == COUNT
    assert frames_of(output) == frames_of(reference)


@pytest.mark.parametrize("wrong", [{"strength": 5}, {"tile": "large"}, {"index": [2]}, {"sha256": None}])
def test_a_line_of_the_journal_that_holds_other_things_is_no_line(
    clip: Path, output: Path, reference: Path, wrong: dict[str, Any]
) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    lines = journal_of(output)
    lines[2] |= wrong
    write_journal(output, lines)
    assert run.dream_video(str(clip), output, quick(), Options(keep_work=True, overwrite=True)).rendered == COUNT - 2
    assert frames_of(output) == frames_of(reference)


def test_what_a_killed_run_left_half_written_goes(clip: Path, output: Path, reference: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    halves = [folder_of(output) / ".plan.7.part.json", folder_of(output) / "frames" / ".000002.7.part.png"]
    for half in halves:
        half.write_text("half")
    run.dream_video(str(clip), output, quick(), KEEP)
    assert [half.name for half in halves if half.exists()] == []
    assert frames_of(output) == frames_of(reference)


@pytest.mark.parametrize("key", ["frames", "summary", "film"])
def test_a_film_whose_record_is_damaged_is_not_taken_as_done(key: str, clip: Path, output: Path) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    record = folder_of(output) / "done.json"
    record.write_text(record.read_text().replace(f'"{key}"', f'"{key}s"'))
    with pytest.raises(SettingsError, match="there already"):
        run.dream_video(str(clip), output, quick())


def test_a_damaged_fingerprint_is_said(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    file = folder_of(output) / "fingerprint.json"
    whole = file.read_text()
    for damaged in ("{", whole.replace('"seed": 0', '"seed": 1'), whole.replace('"threads"', '"threats"')):
        file.write_text(damaged)
        with pytest.raises(JobError, match=r"fingerprint\.json is damaged.*no-resume"):
            run.dream_video(str(clip), output, quick())
    assert run.dream_video(str(clip), output, quick(), Options(resume="never")).rendered == COUNT


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"dream": {"steps": 3}}, "dream.steps"),
        ({"seed": 1}, "seed"),
        ({"objective": [{"layer": "third"}]}, "objective"),
        ({"coherence": {"mode": "blend"}}, "coherence.mode"),
        ({"input": {"frames": "0:3"}}, "range"),
        ({"compute": {"threads": 1, "precision": "bf16"}}, "precision"),
    ],
)
def test_a_job_begun_differently_is_refused_by_the_name_of_what_changed(
    clip: Path, output: Path, changes: dict[str, Any], key: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    before = frames_of(output)
    with pytest.raises(JobError, match=key):
        run.dream_video(str(clip), output, quick(**changes))
    assert frames_of(output) == before
    assert not output.exists()


def test_another_source_or_other_weights_are_refused(
    clip: Path, output: Path, tmp_path: Path, tiny_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    other = film(tmp_path / "other.mp4", drifting(COUNT, seed=9))
    with pytest.raises(JobError, match="source"):
        run.dream_video(str(other), output, quick())
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: replace(tiny_net, sha256="1" * 64))
    with pytest.raises(JobError, match="net"):
        run.dream_video(str(clip), output, quick())


@pytest.mark.parametrize(("changed", "key"), [(quick().net.name, "the net "), ("alexnet", "the nets of objectives ")])
def test_other_weights_of_either_of_two_nets_are_refused(
    clip: Path,
    output: Path,
    changed: str,
    key: str,
    tiny_net: Net,
    other_net: Net,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nets = {quick().net.name: tiny_net, "alexnet": other_net}
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: nets[name])
    both = quick(objective=[{"layer": "second"}, {"net": "alexnet", "layer": "first"}])
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, both, stop_after(2))
    nets[changed] = replace(nets[changed], sha256="f" * 64)
    with pytest.raises(JobError, match=f"begun differently: {key}"):
        run.dream_video(str(clip), output, both)


def test_a_name_that_means_another_channel_is_refused(
    clip: Path, output: Path, tiny_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = quick(objective=[{"kind": "channel", "name": "eyes"}])
    net = replace(tiny_net, channel_names={"eyes": ("second", 3)})
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: net)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, named, stop_after(2))
    net = replace(tiny_net, channel_names={"eyes": ("second", 4)})
    with pytest.raises(JobError, match="named channels"):
        run.dream_video(str(clip), output, named)


def test_a_changed_job_goes_on_if_forced_and_begins_anew_if_told(clip: Path, output: Path, reference: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    kept = frames_of(output)
    changed = quick(dream={"steps": 3})
    assert run.dream_video(str(clip), output, changed, Options(resume="force", keep_work=True)).rendered == COUNT - 2
    assert {name: frames_of(output)[name] for name in kept} == kept
    begun_anew = Options(resume="never", keep_work=True, overwrite=True)
    assert run.dream_video(str(clip), output, quick(), begun_anew).rendered == COUNT
    assert frames_of(output) == frames_of(reference)


def test_a_changed_job_begins_anew_where_that_was_agreed(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    assert run.dream_video(str(clip), output, quick(seed=3), Options(resume="renew")).rendered == COUNT


def test_frames_of_another_size_cannot_be_gone_on_with(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(2))
    with pytest.raises(JobError, match="another size"):
        run.dream_video(str(clip), output, quick(input={"size": "32x24"}), Options(resume="force"))


def test_a_changed_range_is_told_as_a_range(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(1))
    with pytest.raises(
        JobError, match=r"begun differently: range \(was all of the source, now --frames 0:4\)\. Set it"
    ):
        run.dream_video(str(clip), output, quick(input={"frames": "0:4"}))


def test_another_range_takes_over_what_it_shares_if_forced(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(), stop_after(3))
    summary = run.dream_video(str(clip), output, quick(input={"frames": "0:4"}), Options(resume="force"))
    assert (summary.frames, summary.rendered) == (4, 1)


def test_a_second_job_on_the_same_folder_is_refused(clip: Path, output: Path) -> None:
    folder_of(output).mkdir()
    with filelock.FileLock(folder_of(output) / "lock"), pytest.raises(JobError, match="another dreamvid"):
        run.dream_video(str(clip), output, quick())
    assert folder_of(output).is_dir()  # it belongs to the other one
    assert run.dream_video(str(clip), output, quick()).rendered == COUNT


def test_one_output_is_held_by_one_process_wherever_its_folder_lies(clip: Path, output: Path, tmp_path: Path) -> None:
    with output_held(output), pytest.raises(JobError, match=r"dream\.mp4 is being rendered by another dreamvid"):
        run.dream_video(str(clip), output, quick(), Options(work_dir=tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere").exists()
    assert run.dream_video(str(clip), output, quick(), Options(work_dir=tmp_path / "elsewhere")).rendered == COUNT


def test_a_folder_in_place_of_the_lock_is_said(clip: Path, output: Path) -> None:
    (folder_of(output) / "lock").mkdir(parents=True)
    with pytest.raises(JobError, match=r"lock is no part of one"):
        run.dream_video(str(clip), output, quick())


@pytest.mark.parametrize("left", [[], ["job.toml"], ["job.toml", "plan.json"], [".plan.77.part.json", "lock"]])
def test_a_job_killed_before_its_first_frame_is_begun_again(clip: Path, output: Path, left: list[str]) -> None:
    folder_of(output).mkdir()
    for name in left:
        (folder_of(output) / name).write_text("half")
    assert run.dream_video(str(clip), output, quick()).rendered == COUNT
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_a_job_of_an_earlier_version_is_refused_and_kept(clip: Path, output: Path) -> None:
    folder_of(output).mkdir()
    for name in ("plan.json", "journal.jsonl"):
        (folder_of(output) / name).write_text("{}")
    with pytest.raises(JobError, match=r"begun by an earlier version.*--no-resume"):
        run.dream_video(str(clip), output, quick())
    assert (folder_of(output) / "journal.jsonl").read_text() == "{}"
    assert run.dream_video(str(clip), output, quick(), Options(resume="never")).rendered == COUNT


def killed_while_it_clears(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_film_whose_job_was_not_cleared_is_done_already(
    clip: Path, output: Path, reference: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(job_folder, "clear", killed_while_it_clears)
        run.dream_video(str(clip), output, quick())
    assert output.read_bytes() == reference.read_bytes()
    with caplog.at_level(logging.INFO):
        summary = run.dream_video(str(clip), output, quick())
    assert (summary.frames, summary.rendered) == (COUNT, 0)
    assert "is done already" in caplog.text
    assert [path.name for path in output.parent.iterdir()] == [output.name]


@pytest.mark.parametrize("changes", [{"seed": 4}, {"output": {"crf": 30}}])
def test_a_film_made_of_something_else_is_in_the_way(
    clip: Path, output: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(job_folder, "clear", killed_while_it_clears)
        run.dream_video(str(clip), output, quick())
    with pytest.raises(SettingsError, match="there already"):
        run.dream_video(str(clip), output, quick(**changes))
    output.write_bytes(output.read_bytes() + b"changed by hand")
    with pytest.raises(SettingsError, match="there already"):
        run.dream_video(str(clip), output, quick())


def test_a_foreign_folder_or_file_in_the_way_is_left_alone(clip: Path, output: Path, tmp_path: Path) -> None:
    folder = folder_of(output)
    folder.mkdir()
    (folder / "holiday.txt").write_text("mine")
    with pytest.raises(JobError, match="not a job folder"):
        run.dream_video(str(clip), output, quick(), Options(resume="never"))
    assert contents(folder) == {"holiday.txt": b"mine"}
    other = tmp_path / "other.mp4"
    folder_of(other).write_text("mine")
    with pytest.raises(JobError, match="not a job folder"):
        run.dream_video(str(clip), other, quick())
    assert folder_of(other).read_text() == "mine"


def test_an_empty_folder_is_taken(clip: Path, output: Path) -> None:
    folder_of(output).mkdir()
    assert run.dream_video(str(clip), output, quick()).rendered == COUNT


def test_a_work_folder_that_cannot_be_made_is_said(clip: Path, output: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="work-dir"):
        run.dream_video(str(clip), output, quick(), Options(work_dir=tmp_path / "file"))


def test_a_disk_that_is_too_small_is_said_before_the_first_frame(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(JobError, match="free"):
        run.dream_video(str(clip), output, quick())
    assert list(output.parent.iterdir()) == []


def test_a_job_that_fails_before_its_first_frame_leaves_nothing(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(net: PreparedNet, image: Any) -> dict[str, Any]:
        return {"second": image[:, :1].expand(-1, 12, -1, -1) * float("nan")}

    monkeypatch.setattr(PreparedNet, "__call__", nothing)
    with pytest.raises(NetError, match="not finite"):
        run.dream_video(str(clip), output, quick())
    assert list(output.parent.iterdir()) == []


def test_a_damaged_canvas_is_painted_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mp4"
    run.dream_zoom(str(source), output, quick(**WORLD), KEEP)
    before, folder = frames_of(output), Path(f"{output}.dreamvid")
    (folder / "canvas.npz").write_bytes(b"nothing")
    (folder / "journal" / "000000.jsonl").write_text("")
    output.unlink()
    run.dream_zoom(str(source), output, quick(**WORLD), KEEP)
    assert "the canvas is painted again" in caplog.text
    assert frames_of(output) == before


def test_a_flight_that_turns_otherwise_is_another_job(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    with pytest.raises(KeyboardInterrupt):
        run.dream_zoom(str(source), tmp_path / "flight.mp4", quick(**FLIGHT), stop_after(2))
    turned = quick(**{**FLIGHT, "camera": {"zoom": 2.0, "rotate": 5, "mode": "frames"}})
    with pytest.raises(JobError, match=r"camera\.rotate"):
        run.dream_zoom(str(source), tmp_path / "flight.mp4", turned)


def test_another_picture_of_a_guide_is_another_job(clip: Path, output: Path, tmp_path: Path) -> None:
    folder = tmp_path / "guides"
    folder.mkdir()
    for number in range(2):
        write_image(folder / f"{number}.png", texture(seed=number))
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, guided(folder), stop_after(2))
    write_image(folder / "1.png", texture(seed=7))
    with pytest.raises(JobError, match="guides"):
        run.dream_video(str(clip), output, guided(folder))


def test_a_job_with_another_track_is_refused_by_its_name(clip: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(**MOVING), stop_after(2))
    with pytest.raises(JobError, match=r"keyframes\.dream\.smooth \(was 0\.1 \* f, now 0\.2 \* f\)"):
        run.dream_video(str(clip), output, quick(dream={**MOVING["dream"], "smooth": "0.2 * f"}))
    with pytest.raises(JobError, match=r"keyframes\.dream\.smooth \(was 0\.1 \* f, now None\)"):
        run.dream_video(str(clip), output, quick(dream={**MOVING["dream"], "smooth": 0}))


def test_the_settings_in_the_job_folder_move_as_well(clip: Path, output: Path) -> None:
    from dreamvid.config.presets import resolve

    run.dream_video(str(clip), output, quick(**MOVING), KEEP)
    assert resolve(str(folder_of(output) / "job.toml")) == quick(**MOVING)


def test_another_sound_beside_settings_that_do_not_listen_dreams_nothing_again(
    clip: Path, output: Path, tmp_path: Path
) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    track = clicking(tmp_path / "clicks.wav", [0.1])
    again = run.dream_video(str(clip), output, quick(audio={"file": str(track)}), Options(overwrite=True))
    assert again.rendered == 0
    with pytest.raises(SourceError, match=r"gone\.wav cannot be read"):
        run.dream_video(str(clip), tmp_path / "other.mp4", quick(audio={"file": "gone.wav"}))
