"""A render within a time: measured on its own frames, chosen once, refused before the first frame where it must be."""

import logging
from pathlib import Path
from typing import Any

import pytest
from job_runs import KEEP, decoded, folder_of, frames_of, stop_after
from little import drifting, film, quick, write_image

from dreamvid import cli
from dreamvid.config import presets
from dreamvid.config.budget import Choice
from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError, SettingsError
from dreamvid.jobs import budget
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.run import Options, dream_video

pytestmark = pytest.mark.usefixtures("small_net")
HALF = Choice(0.5, 1, 2)
NO_RESUME = Options(resume="never", keep_work=True)


def chosen(settings: Settings) -> tuple[str | None, int, int]:
    return settings.input.size, settings.dream.steps, settings.coherence.cadence


def of_job(output: Path) -> Settings:
    return presets.resolve(str(folder_of(output) / "job.toml"))


def choosing(monkeypatch: pytest.MonkeyPatch, *choices: Choice) -> None:
    """The choices that are made, one for each time that one is."""
    coming = iter(choices)
    monkeypatch.setattr(budget, "choose", lambda *_: next(coming))


def test_with_time_enough_the_film_is_what_it_is_without(
    clip: Path, output: Path, reference: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="dreamvid"):
        dream_video(str(clip), output, quick(), KEEP, budget=36_000)
    assert frames_of(output) == frames_of(reference)
    (line,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("within")]
    assert line.startswith("within 10h: 64x48 (100%), 2 of 2 steps, every frame dreamed, about ")


def test_too_little_time_is_refused_and_nothing_is_left(clip: Path, output: Path) -> None:
    with pytest.raises(SettingsError, match=r"--budget 1s is too short: even with .* this takes about \d+s: give more"):
        dream_video(str(clip), output, quick(), Options(), budget=0.01)
    assert list(output.parent.iterdir()) == []


def test_a_choice_makes_the_film(clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choosing(monkeypatch, HALF)
    dream_video(str(clip), output, quick(), KEEP, budget=60)
    assert chosen(of_job(output)) == ("50%", 1, 2)
    assert decoded(output)[0].shape == (24, 32, 3)


def test_a_job_goes_on_with_the_choice_that_it_began_with(
    clip: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    choosing(monkeypatch, HALF, HALF)  # a third would be an error
    whole = tmp_path / "whole.mp4"
    dream_video(str(clip), whole, quick(), KEEP, budget=60)
    with pytest.raises(KeyboardInterrupt):
        dream_video(str(clip), output, quick(), stop_after(2), budget=60)
    with caplog.at_level(logging.INFO, logger="dreamvid"):
        summary = dream_video(str(clip), output, quick(), KEEP, budget=90)
    assert summary.rendered < summary.frames
    assert "going on with what the job was begun with: size 50%, 1 steps, cadence 2" in caplog.messages
    assert frames_of(output) == frames_of(whole)


def test_what_else_has_changed_is_refused_as_ever(clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choosing(monkeypatch, HALF)
    with pytest.raises(KeyboardInterrupt):
        dream_video(str(clip), output, quick(), stop_after(2), budget=60)
    with pytest.raises(JobError, match=r"was begun differently: seed \(was 0, now 1\)\."):
        dream_video(str(clip), output, quick(seed=1), budget=60)
    with pytest.raises(JobError, match=r"dream\.steps \(was 1, now 2\)"):
        dream_video(str(clip), output, quick())


def test_a_job_that_begins_anew_is_chosen_for_anew(clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choosing(monkeypatch, HALF, Choice(1.0, 2, 2))
    with pytest.raises(KeyboardInterrupt):
        dream_video(str(clip), output, quick(), stop_after(2), budget=60)
    dream_video(str(clip), output, quick(), NO_RESUME, budget=60)
    assert chosen(of_job(output)) == (None, 2, 2)


def test_damaged_settings_of_a_job_are_said(clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choosing(monkeypatch, HALF)
    with pytest.raises(KeyboardInterrupt):
        dream_video(str(clip), output, quick(), stop_after(2), budget=60)
    (folder_of(output) / "job.toml").write_text("[dream\nsteps")
    with pytest.raises(JobError, match=r"job\.toml is damaged: begin anew with --no-resume"):
        dream_video(str(clip), output, quick(), budget=60)


def test_an_output_that_is_there_is_refused_before_anything_is_measured(
    clip: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choosing(monkeypatch)
    output.write_bytes(b"mine")
    with pytest.raises(SettingsError, match="is there already"):
        dream_video(str(clip), output, quick(), budget=60)


@pytest.mark.parametrize(
    "changes",
    [
        {"coherence": {"mode": "none"}},
        {"coherence": {"mode": "blend"}},
        {"coherence": {"cadence": 3}},
        {"mask": {"kind": "motion"}},
        {"dream": {"step_size": "0:0.01, 4f:0.05 ease", "steps": "2 + f"}},
        {"dream": {"steps": 0}},
        {"input": {"frames": "1:2"}},
        {"input": {"size": "40x32"}},
        {"output": {"codec": "ffv1"}},
    ],
    ids=str,
)
def test_whatever_is_rendered_can_be_measured(changes: dict[str, Any], clip: Path, tmp_path: Path) -> None:
    settings, output = quick(**changes), tmp_path / "dream.mkv"
    found = budget.within(str(clip), settings, 3600, output, JobFolder(tmp_path / "job"), resume="same", trust=False)
    assert found == settings


def test_a_folder_of_images_with_a_cut_can_be_measured(tmp_path: Path) -> None:
    for number, picture in enumerate([*drifting(2, seed=1), *drifting(6, seed=2)]):
        (tmp_path / "in").mkdir(exist_ok=True)
        write_image(tmp_path / "in" / f"{number}.png", picture)
    job = JobFolder(tmp_path / "job")
    found = budget.within(str(tmp_path / "in"), quick(), 3600, tmp_path / "out", job, resume="same", trust=False)
    assert found == quick() and not job.path.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--budget", "10m", "--draft"], "--budget chooses size, steps and cadence itself: leave out --draft"),
        (["--budget", "ten"], "'ten' is not a length of time: give one such as 90s"),
    ],
)
def test_options_that_do_not_fit_are_told(
    words: list[str], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = film(tmp_path / "clip.mp4", drifting(3))
    assert cli.run(["video", str(source), str(tmp_path / "dream.mp4"), *words]) == 2
    assert said in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
