"""Jobs from source to finished file: films, stills and flights, whole or refused."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from job_runs import (
    COUNT,
    FLIGHT,
    KEEP,
    WORLD,
    clicking,
    decoded,
    folder_of,
    frames_of,
    guided,
    journal_of,
    stop_after,
)
from little import HEIGHT, WIDTH, drifting, film, quick, read_image, texture, write_image
from PIL import ExifTags, Image

import dreamvid
from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError, SettingsError, SourceError, ToolError
from dreamvid.jobs import run
from dreamvid.jobs.folder import JobFolder, read_plan
from dreamvid.jobs.run import Options, Summary
from dreamvid.media import encode
from dreamvid.media.probe import probe
from dreamvid.media.read import read
from dreamvid.pipeline.plan import make_plan

pytestmark = pytest.mark.usefixtures("small_net")  # every job in this process dreams with the tiny net


def test_a_film_has_every_frame_the_rate_and_the_sound(clip: Path, output: Path) -> None:
    summary = run.dream_video(str(clip), output, quick())
    with av.open(str(output)) as container:
        assert container.streams.video[0].average_rate == 12
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == COUNT
    assert summary.frames == summary.rendered == COUNT
    assert summary.fps == 12
    assert summary.seconds == pytest.approx(COUNT / 12)


def test_the_summary_is_one_line_of_json_with_the_keys_that_scripts_rely_on(clip: Path, output: Path) -> None:
    summary = run.dream_video(str(clip), output, quick())
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


def test_without_steps_the_stored_frames_are_the_source(clip: Path, output: Path) -> None:
    settings = quick(dream={"steps": 0}, coherence={"steps": 0})
    summary = run.dream_video(str(clip), output, settings, KEEP)
    info = probe(str(clip))
    source = read(info, make_plan(settings, info).framing, range(COUNT))
    stored = [read_image(path) for path in sorted((folder_of(output) / "frames").iterdir())]
    assert len(stored) == COUNT
    assert summary.score == pytest.approx(0, abs=1e-6)
    assert all(np.array_equal(one, other.image) for one, other in zip(stored, source, strict=True))


def test_frames_shown_twice_are_dreamed_once(clip: Path, output: Path) -> None:
    summary = run.dream_video(str(clip), output, quick(input={"fps": "24"}), KEEP)
    assert (summary.frames, summary.rendered, summary.fps) == (2 * COUNT, COUNT, 24)
    assert len(frames_of(output)) == COUNT
    assert len(decoded(output)) == 2 * COUNT


def test_a_folder_of_pngs_holds_the_stored_frames(clip: Path, tmp_path: Path) -> None:
    run.dream_video(str(clip), tmp_path / "frames", quick(), KEEP)
    stored = sorted((folder_of(tmp_path / "frames") / "frames").iterdir())
    written = sorted((tmp_path / "frames").iterdir())
    assert [path.name for path in written] == [path.name for path in stored]
    assert all(np.array_equal(*map(read_image, pair)) for pair in zip(written, stored, strict=True))


def test_a_lossless_film_gives_back_the_stored_frames(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "exact.mkv"
    run.dream_video(str(clip), output, quick(output={"codec": "ffv1"}), KEEP)
    for number, picture in enumerate(decoded(output)):
        assert np.array_equal(picture, read_image(folder_of(output) / "frames" / f"{number:06d}.png"))


def test_names_with_any_letters_will_do(clip: Path, tmp_path: Path) -> None:
    odd = tmp_path / "ein Traum & 夢 %d 'x' [1]"
    odd.mkdir()
    source = odd / "co-lon é.mp4"
    source.write_bytes(clip.read_bytes())
    output = odd / "-ö %04d.mp4"
    run.dream_video(str(source), output, quick(input={"frames": "0:2"}))
    assert len(decoded(output)) == 2
    assert sorted(path.name for path in odd.iterdir()) == sorted([source.name, output.name])


def test_a_dream_that_changed_nothing_says_so(
    clip: Path, output: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An objective without a slope, as that of a channel that nothing in the source awakes."""
    flat = quick(objective=[{"kind": "layer", "layer": "second", "weight": 0.0}])
    run.dream_video(str(clip), output, flat)
    run.dream_image(str(clip), tmp_path / "still.png", flat)
    assert [record.message for record in caplog.records].count(caplog.records[-1].message) == 2
    assert "changed nothing" in caplog.records[-1].message
    caplog.clear()
    run.dream_image(str(clip), tmp_path / "plain.png", quick(dream={"steps": 0}))
    run.dream_image(str(clip), tmp_path / "dream.png", quick())
    assert not caplog.records


def test_an_output_that_is_there_is_replaced_only_if_told_and_only_by_a_whole_film(clip: Path, output: Path) -> None:
    output.write_text("precious")
    with pytest.raises(SettingsError, match="overwrite"):
        run.dream_video(str(clip), output, quick())
    assert output.read_text() == "precious"
    with pytest.raises(KeyboardInterrupt):
        seen = stop_after(3)
        run.dream_video(str(clip), output, quick(), Options(overwrite=True, progress=seen.progress))
    assert output.read_text() == "precious"
    run.dream_video(str(clip), output, quick(), Options(overwrite=True))
    assert len(decoded(output)) == COUNT


def test_the_output_cannot_be_the_source(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    source.write_bytes(clip.read_bytes())
    for name in ("clip.mp4", "./clip.mp4"):
        with pytest.raises(SettingsError, match="source itself"):
            run.dream_video(str(source), tmp_path / name, quick(), Options(overwrite=True))
    assert source.read_bytes() == clip.read_bytes()


def test_an_encoder_that_fails_keeps_the_frames_and_leaves_no_film(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = encode._encode

    def fails(frames: Any, part: Path, *more: Any) -> None:
        if part.parent == output.parent:  # and not the trial film
            raise ToolError("the encoder stopped: no reason")
        plain(frames, part, *more)

    with monkeypatch.context() as patch:
        patch.setattr(encode, "_encode", fails)
        with pytest.raises(ToolError):
            run.dream_video(str(clip), output, quick())
    assert [path.name for path in output.parent.iterdir()] == [folder_of(output).name]
    assert run.dream_video(str(clip), output, quick()).rendered == 0
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
    progress = Options(progress=lambda event: there.append(output.exists()))
    run.dream_video(str(clip), output, quick(), progress)
    assert (
        len(there) == 4 + COUNT + 1 + COUNT + 4
    )  # two steps of a trial, frames, their encoding, and the same two steps
    assert not any(there)
    assert output.exists()


def test_a_broken_source_leaves_nothing(tmp_path: Path, output: Path) -> None:
    source = tmp_path / "source.mp4"
    source.write_text("no film")
    with pytest.raises(SourceError):
        run.dream_video(str(source), output, quick())
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


def test_a_still_is_dreamed_into_a_still(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    summary = run.dream_image(str(source), tmp_path / "dream.png", quick())
    dream = read_image(tmp_path / "dream.png")
    assert dream.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(dream.astype(int) - texture()).mean() > 2
    assert (summary.frames, summary.fps, summary.seconds) == (1, 0.0, 0.0)
    assert summary.score > 0
    assert summary.in_words().startswith("1 picture")


def test_what_a_camera_wrote_of_a_still_is_told_to_be_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    block = Image.Exif()
    block[ExifTags.Base.Model] = "K1000"
    Image.fromarray(texture()).save(tmp_path / "photo.jpg", exif=block)
    photo = str(tmp_path / "photo.jpg")
    for render in (
        lambda: run.dream_image(photo, tmp_path / "dream.png", quick()),
        lambda: run.dream_zoom(photo, tmp_path / "flight.mp4", quick(**WORLD)),
    ):
        caplog.clear()
        render()
        assert "left out of photo.jpg: what its EXIF block says of camera" in caplog.messages
    caplog.clear()
    run.dream_image(str(tmp_path / "dream.png"), tmp_path / "again.png", quick())
    assert not [said for said in caplog.messages if "left out" in said]


def test_a_still_dreams_as_the_first_frame_of_a_film_does(clip: Path, tmp_path: Path) -> None:
    run.dream_video(str(clip), tmp_path / "film", quick(input={"frames": "0:1"}))
    run.dream_image(str(clip), tmp_path / "still.png", quick())
    assert np.array_equal(read_image(tmp_path / "still.png"), read_image(tmp_path / "film" / "000000.png"))


def test_a_still_without_steps_is_the_source(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    run.dream_image(str(source), tmp_path / "dream.png", quick(dream={"steps": 0}))
    assert np.array_equal(read_image(tmp_path / "dream.png"), texture())


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tiff", ".PNG"])
def test_a_still_is_written_as_its_name_says(tmp_path: Path, suffix: str) -> None:
    run.dream_image("noise:pink", tmp_path / f"dream{suffix}", quick(input={"size": "40x24"}))
    assert read_image(tmp_path / f"dream{suffix}").shape == (24, 40, 3)


def test_a_still_of_noise_depends_on_its_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run.dream_image("noise", tmp_path / f"{name}.png", quick(input={"size": "32x32"}, seed=seed))
    a, b, c = (read_image(tmp_path / f"{name}.png") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("name", ["dream.mp4", "dream", "dream.txt"])
def test_a_still_cannot_be_a_film(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError):
        run.dream_image("noise", tmp_path / name, quick(input={"size": "32x32"}))
    assert list(tmp_path.iterdir()) == []


def test_a_flight_is_a_film_of_its_length(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    summary = run.dream_zoom(str(source), tmp_path / "flight.mp4", quick(**FLIGHT))
    assert (summary.frames, summary.fps, summary.seconds) == (3, 12.0, 0.25)
    assert summary.score > 0
    assert len(decoded(tmp_path / "flight.mp4")) == 3


def test_a_canvas_is_painted_and_leaves_no_folder(tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mp4"
    summary = run.dream_zoom(str(source), output, quick(**WORLD))
    assert (summary.frames, summary.rendered) == (6, 6)
    assert summary.score > 0
    assert len(decoded(output)) == 6
    assert not Path(f"{output}.dreamvid").exists()


@pytest.mark.parametrize("mode", ["world", "frames"])
def test_a_loop_goes_round_after_its_intro(mode: str, tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mkv"
    how = quick(
        input={**WORLD["input"], "laps": 3},
        camera={"zoom": 2.5, "mode": mode, "intro": 0.25},
        output={"codec": "ffv1"},
    )
    summary = run.dream_zoom(str(source), output, how)
    landing = 3 if mode == "frames" else 0  # half of the lap
    assert summary.frames == 3 + landing + 3 * 6
    film = decoded(output)
    assert np.array_equal(film[0], texture()) is (mode == "world")
    assert np.array_equal(film[-6], film[-12])
    assert not np.array_equal(film[-6], film[-5])


def test_a_part_of_a_loop_is_shown_once(tmp_path: Path) -> None:
    source = write_image(tmp_path / "still.png", texture())
    how = quick(input={**WORLD["input"], "laps": 3, "frames": "0:2"})
    with pytest.raises(SettingsError, match="shown once"):
        run.dream_zoom(str(source), tmp_path / "out.mp4", how)


@pytest.mark.parametrize("cycles", [1, 3])
def test_the_sound_of_a_loop_is_that_of_its_first_cycle_and_that_is_said(
    cycles: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, output = film(tmp_path / "clip.mp4", drifting(48)), tmp_path / "out.mkv"
    how = quick(input={"frames": "0:24", "loop": True, "laps": cycles}, dream={"steps": 0})
    with caplog.at_level(logging.INFO):
        summary = run.dream_video(str(source), output, how)
    said = [record.getMessage() for record in caplog.records if "sound" in record.getMessage()]
    assert [line[:55] for line in said] == ["sound and subtitles of clip.mp4 are those of the first "] * (cycles > 1)
    with av.open(str(output)) as container:
        ends = [packet.pts + packet.duration for packet in container.demux(audio=0) if packet.size]
    assert max(ends) / 1000 == pytest.approx(summary.seconds / cycles, abs=0.07)


def test_a_loop_frame_by_frame_ends_with_the_frame_that_its_first_was_dreamed_from(tmp_path: Path) -> None:
    source, output = write_image(tmp_path / "still.png", texture()), tmp_path / "lap.mkv"
    run.dream_zoom(str(source), output, quick(**{**WORLD, "camera": {"zoom": 2.5, "mode": "frames"}}), KEEP)
    stored = frames_of(output)
    assert len(stored) == 6 + 6  # half of the lap is the landing, and as much goes before what it lands on
    frames = [read_image(path) for path in sorted((Path(f"{output}.dreamvid") / "frames").iterdir())]
    assert np.array_equal(frames[11], frames[5])
    assert not np.array_equal(frames[9], frames[3])


def test_a_flight_over_several_stills(tmp_path: Path) -> None:
    stills = [str(write_image(tmp_path / f"{seed}.png", texture(seed=seed))) for seed in range(2)]
    summary = run.dream_zoom(stills, tmp_path / "flight.mp4", quick(**WORLD))
    assert summary.frames == 6
    small = write_image(tmp_path / "small.png", texture(32, 40))
    with pytest.raises(SettingsError, match="different sizes"):
        run.dream_zoom([stills[0], str(small)], tmp_path / "other.mp4", quick(**WORLD))
    with pytest.raises(SettingsError, match="source itself"):
        run.dream_zoom(stills, Path(stills[1]), quick(**WORLD))


def test_the_public_names_are_those_functions() -> None:
    """The package `dreamvid.dream_video` is loaded by now, and does not hide the function."""
    assert dreamvid.dream_video is run.dream_video
    assert dreamvid.dream_zoom is run.dream_zoom
    assert dreamvid.dream_image is run.dream_image
    assert dreamvid.Summary is Summary
    assert dreamvid.Settings is Settings
    assert sorted(dreamvid.__all__) == dreamvid.__all__
    with pytest.raises(AttributeError):
        _ = dreamvid.nothing


def test_a_rate_that_the_film_cannot_have_is_found_before_the_first_frame(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="GIF"):
        run.dream_zoom(str(clip), tmp_path / "film.gif", quick(input={"fps": "120", "seconds": 0.1}))
    assert list(tmp_path.iterdir()) == []


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
        run.dream_zoom(str(photo), tmp_path / "zoom.mkv", guided(guides, **changes))


def test_a_loop_leaves_no_frame_out(tmp_path: Path) -> None:
    source = film(tmp_path / "longer.mkv", drifting(8), rate=12)
    with pytest.raises(SettingsError, match=r"^a loop comes back .*coherence\.cadence=1"):
        run.dream_video(
            str(source), tmp_path / "out.mkv", quick(input={"loop": True}, coherence={"cadence": 2}), Options()
        )
    assert list(tmp_path.iterdir()) == [source]


def test_a_jump_of_the_objective_begins_a_shot(clip: Path, output: Path) -> None:
    terms = [{"layer": "first", "weight": "0:1, 3f:0 hold"}, {"layer": "third", "weight": "0:0, 3f:1 hold"}]
    run.dream_video(str(clip), output, quick(objective=terms), KEEP)
    plan = read_plan(JobFolder(folder_of(output))).plan
    assert [shot.start for shot in plan.shots] == [0, 3]
    assert [line["valid"] is None for line in journal_of(output)] == [True, False, False, True, False]


def test_a_track_that_goes_wrong_somewhere_is_said_before_anything_is_dreamed(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "open_session", None)
    with pytest.raises(SettingsError, match=r"^dream\.smooth: '1 / abs\(f - 3\)': at frame 3 \(0\.250 s\): it divides"):
        run.dream_video(str(clip), output, quick(dream={"smooth": "1 / abs(f - 3)"}))
    with pytest.raises(SettingsError, match=r"the keyframe 1s:2 is after the end of the film, at 0\.416667 s"):
        run.dream_video(str(clip), output, quick(dream={"smooth": "0:1, 1s:2"}))
    assert list(output.parent.iterdir()) == []


def test_a_still_has_the_first_values(tmp_path: Path) -> None:
    still = write_image(tmp_path / "still.png", texture())
    run.dream_image(str(still), tmp_path / "one.png", quick(dream={"step_size": "4s:0.03, 8s:0.9"}))
    run.dream_image(str(still), tmp_path / "other.png", quick(dream={"step_size": 0.03}))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_a_sound_moves_settings_and_goes_with_the_film(clip: Path, output: Path, tmp_path: Path) -> None:
    track = clicking(tmp_path / "clicks.wav", [0.25])
    settings = quick(dream={"smooth": "beat"}, audio={"file": str(track)})
    run.dream_video(str(clip), output, settings, KEEP)
    heard = [line["values"]["dream.smooth"] for line in journal_of(output)]
    assert np.argmax(heard) in (3, 4) and max(heard) > 0.6 and heard[:2] == [0, 0]
    with av.open(str(output)) as container:
        (sound,) = container.streams.audio
        seconds = float(sum(frame.samples for frame in container.decode(sound)) / sound.rate)
    assert sound.codec_context.name == "aac"
    assert 0 <= seconds - COUNT / 12 < 1024 / 8000  # a packet of AAC
    clicking(track, [0.1])
    with pytest.raises(JobError, match="the values of animated settings"):
        run.dream_video(str(clip), output, settings, Options(overwrite=True))


def test_beats_and_events_move_settings_and_a_job_knows_them(clip: Path, output: Path, tmp_path: Path) -> None:
    hits = tmp_path / "hits.csv"
    hits.write_text("seconds\n0.25\n")
    sound: dict[str, Any] = {"bpm": 240, "events": str(hits)}
    settings = quick(dream={"smooth": "every 1b, 0b:1, 0.5b:0", "decay": "1 - 0.1 * event"}, audio=sound)
    run.dream_video(str(clip), output, settings, KEEP)
    values = [line["values"] for line in journal_of(output)]
    assert [each["dream.smooth"] for each in values[:4]] == pytest.approx([1, 1 / 3, 0, 1])  # 12 frames a second
    assert [each["dream.decay"] for each in values[2:5]] == pytest.approx([1, 0.9, 1 - 0.1 * 2 / 3])
    hits.write_text("seconds\n0.25\n77\n")  # changes no frame
    with pytest.raises(JobError, match=r"the tempo or the events \(audio.bpm"):
        run.dream_video(str(clip), output, settings, Options(overwrite=True))
    other = quick(dream={"smooth": "event"}, audio={"events": "gone.csv"})
    with pytest.raises(SourceError, match=r"the events of gone\.csv cannot be read"):
        run.dream_video(str(clip), tmp_path / "other.mp4", other)
    assert not (tmp_path / "other.mp4").exists()


def test_a_film_that_is_calmed_is_another_job(clip: Path, output: Path) -> None:
    beating = {"strength": "1 if b % 1 < .4 else .3"}
    calm, loud = (quick(dream=beating, audio={"bpm": 240, "max_flash": most}) for most in (2, None))
    run.dream_video(str(clip), output, calm, KEEP)
    assert [line["values"]["dream.strength"] for line in journal_of(output)] == [1] * COUNT
    with pytest.raises(JobError, match=r"audio\.max_flash \(was 2\.0, now None\)"):
        run.dream_video(str(clip), output, loud, Options(overwrite=True))


def test_a_tempo_that_is_found_is_told(
    clip: Path, output: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    track = clicking(tmp_path / "clicks.wav", [0.1 + 0.5 * number for number in range(8)], seconds=5)
    caplog.set_level("INFO")
    run.dream_video(str(clip), output, quick(dream={"smooth": "b % 1"}, audio={"file": str(track)}))
    assert re.search(r"found (120|119\.[89]\d*|120\.[01]\d*) beats per minute, beat 0 at 0\.(09|10)", caplog.text)
