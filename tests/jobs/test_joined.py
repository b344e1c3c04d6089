"""Films in stretches: one film of them all, joined by cuts or by a dream that grows; resumed to the same bytes."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_runs import KEEP, Here, decoded, folder_of, journal_of, stop_after, two_tinted
from little import contents, drifting, film, quick, read_image

from dreamvid import cli
from dreamvid.config.fields import Moment
from dreamvid.config.settings import OutputSettings, Settings
from dreamvid.core.errors import JobError, SettingsError
from dreamvid.jobs import again as films
from dreamvid.jobs import run
from dreamvid.jobs.folder import JobFolder, read_plan
from dreamvid.jobs.joined import dream_joined
from dreamvid.jobs.parts import Part
from dreamvid.jobs.run import Options
from dreamvid.jobs.stretch_folders import stretch
from dreamvid.jobs.workers import Tell, Workers
from dreamvid.media.probe import probe
from dreamvid.pipeline.stretches import Join, Stretch

pytestmark = pytest.mark.usefixtures("small_net")
RATE, COUNT, FIRST = 12, 9, 4  # of the clip: frames a second, frames, and those before its second stretch
ONE_THREAD: dict[str, Any] = {"compute": {"threads": 1, "precision": "fp32"}}


def look(layer: str = "second", **changes: Any) -> Settings:
    return quick(layer, **(ONE_THREAD | changes))


def stretches(join: Join = "carry", first: Settings | None = None, second: Settings | None = None) -> list[Stretch]:
    """Two looks, the other of which begins in the middle of the clip."""
    looks = first or look(), second or look("third")
    times = Moment(0), Moment(FIRST / RATE)
    return [
        Stretch(each, time, None, how, name)
        for each, time, how, name in zip(looks, times, ("cut", join), ("one", "two"), strict=True)
    ]


class Telling(Here):
    """A worker that tells which stretch it begins, and has rendered."""

    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told

    def render(self, part: Part, tell: Tell, halt: threading.Event) -> None:
        self._told.append(f"begun {part.folder.name}")
        super().render(part, tell, halt)
        self._told.append(f"done {part.folder.name}")


def stored(output: Path, number: int) -> list[bytes]:
    """The frames of a stretch, as they are stored."""
    return list(contents(stretch(JobFolder(folder_of(output)), number).frames.folder).values())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("clip") / "clip.mkv", drifting(COUNT, seed=3), rate=RATE)


@pytest.fixture
def carried(clip: Path) -> Path:
    """A film whose second look grows out of the first, as a folder of frames, and its job folder; rendered once."""
    if not (output := clip.with_name("carried")).exists():
        summary = dream_joined(str(clip), output, stretches(), KEEP)
        assert (summary.frames, summary.rendered) == (COUNT, COUNT)
    return output


@pytest.fixture
def cut(clip: Path) -> Path:
    """The same with a cut between both."""
    if not (output := clip.with_name("cut")).exists():
        dream_joined(str(clip), output, stretches("cut"), KEEP)
    return output


def test_the_film_has_the_frames_of_its_stretches_and_the_sound_of_its_source(clip: Path, tmp_path: Path) -> None:
    own = [
        replace(each, settings=each.settings.model_copy(update={"output": OutputSettings(codec="ffv1")}))
        for each in stretches()
    ]
    dream_joined(str(clip), tmp_path / "dream.mkv", own, KEEP)
    folder = JobFolder(folder_of(tmp_path / "dream.mkv"))
    plans = [read_plan(stretch(folder, number)).plan for number in (0, 1)]
    assert [plan.frames for plan in plans] == [tuple(range(FIRST)), tuple(range(FIRST, COUNT))]
    frames = [stretch(folder, number).frames.read(at) for number in (0, 1) for at in range(len(plans[number].frames))]
    assert np.array_equal(frames, decoded(tmp_path / "dream.mkv"))
    assert [track.codec for track in probe(str(tmp_path / "dream.mkv")).audio] == ["aac"]


def test_behind_a_cut_a_stretch_is_as_a_film_of_it_would_be(
    clip: Path, carried: Path, cut: Path, tmp_path: Path
) -> None:
    run.dream_video(str(clip), tmp_path / "alone", look("third", input={"frames": f"{FIRST}:"}), KEEP)
    assert stored(cut, 1) == list(contents(folder_of(tmp_path / "alone") / "frames").values())
    assert not set(stored(cut, 1)) & set(stored(carried, 1))
    assert stored(cut, 0)[:-1] == stored(carried, 0)[:-1]


def test_a_dream_that_is_carried_on_goes_over_without_a_jump(carried: Path, cut: Path) -> None:
    def steps(made: Path) -> list[float]:
        pictures = np.array([read_image(path) for path in sorted(made.iterdir())], float)
        return [float(np.abs(after - before).mean()) for before, after in pairwise(pictures)]

    usual = float(np.median(steps(carried)[: FIRST - 1]))
    assert steps(carried)[FIRST - 1] < usual + 0.5 * (steps(cut)[FIRST - 1] - usual)


def test_its_record_has_all_of_its_looks_and_makes_it_again(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, twin, other = tmp_path / "dream.mp4", tmp_path / "twin.mp4", tmp_path / "other.mkv"
    shutil.copy(clip, tmp_path / "clip.mkv")
    dream_joined(str(tmp_path / "clip.mkv"), made, stretches(), KEEP)
    assert cli.run(["again", str(made), "--show"]) == 0
    shown = capsys.readouterr().out
    assert "# segment 2 of 2 (two): from 0:00.33, join carry" in shown
    assert [line.split()[2] for line in shown.splitlines() if line.startswith("layer =")] == ['"second"', '"third"']
    films.again(made, [], twin, [], Options())
    assert twin.read_bytes() == made.read_bytes()
    film(other, drifting(3, seed=5))
    with pytest.raises(SettingsError, match="has segments, which fit its own source alone"):
        films.again(made, [str(other)], tmp_path / "third.mp4", [], Options())
    assert cli.run(["report", str(made), "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert f"for {COUNT} frames" in page and "# segment 2 of 2 (two)" in page
    assert cli.run(["compare", str(clip), str(made)]) == 2
    assert "has segments with objectives of their own" in capsys.readouterr().err


@pytest.mark.parametrize("count", [FIRST, FIRST + 2])
def test_a_film_that_is_stopped_anywhere_is_resumed_to_the_same_bytes(
    count: int, clip: Path, carried: Path, tmp_path: Path
) -> None:
    output = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        dream_joined(str(clip), output, stretches(), stop_after(count))
    assert dream_joined(str(clip), output, stretches()).rendered == COUNT - count
    assert list(contents(output).values()) == list(contents(carried).values())
    assert not folder_of(output).exists()


@pytest.mark.parametrize("join", ["carry", "cut"])
def test_workers_give_the_same_bytes(join: Join, clip: Path, carried: Path, cut: Path, tmp_path: Path) -> None:
    told: list[int] = []
    with Workers([Here(), Here()]) as two:
        options = Options(workers=two, progress=lambda event: told.append(event.done))
        dream_joined(str(clip), tmp_path / "two", stretches(join), options)
    assert contents(tmp_path / "two") == contents(carried if join == "carry" else cut)
    assert told[: COUNT + 1] == list(range(COUNT + 1))


def test_behind_a_cut_another_worker_goes_on_at_once_and_a_dream_is_waited_for(clip: Path, tmp_path: Path) -> None:
    both_begun = threading.Barrier(2)
    with Workers([Here(lambda: both_begun.wait(60)), Here(lambda: both_begun.wait(60))]) as two:
        dream_joined(str(clip), tmp_path / "cut", stretches("cut"), Options(workers=two))
    parts: list[str] = []
    with Workers([Telling(parts), Telling(parts)]) as two:
        dream_joined(str(clip), tmp_path / "carried", stretches(), Options(workers=two))
    assert (
        str(Part(tmp_path / "a.mp4.dreamvid" / "stretches" / "001", (0,))) == "segment 0 of [[job.segment]] 2 of a.mp4"
    )
    assert parts == ["begun 000", "done 000", "begun 001", "done 001"]


def test_a_changed_stretch_is_rendered_anew_with_those_that_go_on_with_it(clip: Path, tmp_path: Path) -> None:
    def rendered(join: Join, first: Settings, second: Settings) -> int:
        options = Options(True, "renew", keep_work=True)
        return dream_joined(str(clip), tmp_path / "dream", stretches(join, first, second), options).rendered

    one, other, changed = look(), look("third"), look("third", dream={"step_size": 0.05})
    assert rendered("carry", one, other) == COUNT
    assert rendered("carry", one, changed) == COUNT - FIRST
    assert rendered("carry", other, changed) == COUNT
    assert rendered("cut", other, changed) == COUNT  # the first one is no longer carried on
    assert rendered("cut", one, changed) == FIRST
    with pytest.raises(JobError, match="was begun differently"):
        dream_joined(str(clip), tmp_path / "dream", stretches("cut"), Options(True, "same", keep_work=True))


def test_films_with_stretches_and_without_do_not_mix(clip: Path, tmp_path: Path) -> None:
    output, renew, two = tmp_path / "dream", Options(True, "renew", keep_work=True), look(input={"frames": "0:2"})
    run.dream_video(str(clip), output, two, KEEP)
    with pytest.raises(JobError, match="was begun without segments"):
        dream_joined(str(clip), output, stretches(), Options(True, keep_work=True))
    halves = [Stretch(two, Moment(0)), Stretch(two, Moment(1 / RATE))]
    assert dream_joined(str(clip), output, halves, renew).rendered == 2
    assert {path.name for path in folder_of(output).iterdir()} == {"stretches", "trial", "lock", "done.json"}
    assert dream_joined(str(clip), output, halves[:1], renew).rendered == 2
    assert [path.name for path in (folder_of(output) / "stretches").iterdir()] == ["000"]
    assert run.dream_video(str(clip), output, two, renew).rendered == 2
    assert not (folder_of(output) / "stretches").exists()


def test_time_counts_from_the_begin_of_the_film(clip: Path, tmp_path: Path) -> None:
    moving = look(dream={"step_size": "0f:0.01, 8f:0.05"})
    dream_joined(str(clip), tmp_path / "joined", stretches("cut", moving, moving), KEEP)
    run.dream_video(str(clip), tmp_path / "plain", moving, KEEP)
    folder = JobFolder(folder_of(tmp_path / "joined"))
    values = [line["values"] for number in (0, 1) for line in stretch(folder, number).journal(0).lines()]
    assert values == [line["values"] for line in journal_of(tmp_path / "plain")]
    assert len({str(value) for value in values}) == COUNT


def test_a_cut_of_the_source_begins_a_dream_of_its_own_all_the_same(tmp_path: Path) -> None:
    clip = film(tmp_path / "shots.mkv", two_tinted(FIRST, 2), rate=RATE)
    for join in ("carry", "cut"):
        dream_joined(str(clip), tmp_path / join, stretches(join), KEEP)
    assert stored(tmp_path / "carry", 1) == stored(tmp_path / "cut", 1)


def one_frame_each() -> list[Stretch]:
    return [
        replace(stretch, start=Moment(at / RATE), join="carry" if at else "cut")
        for at, stretch in enumerate([*stretches(), *stretches()])
    ]


HOW: dict[str, Callable[[], list[Stretch]]] = {
    "cadence, octaves": lambda: stretches(
        "carry", look(coherence={"cadence": 2}), look("third", coherence={"cadence": 3}, dream={"octaves": 1})
    ),
    "no coherence, a mask, a blend": lambda: [
        *stretches("carry", look(coherence={"mode": "none"}), look("third", mask={"kind": "motion"})),
        Stretch(look(coherence={"mode": "blend"}), Moment((FIRST + 2) / RATE), None, "carry"),
    ],
    "one frame each": one_frame_each,
    "parallel.segment": lambda: stretches(
        "carry", look(parallel={"segment": 1}), look("third", parallel={"segment": 1})
    ),
}


@pytest.mark.parametrize("how", HOW)
def test_any_looks_can_be_joined_and_resumed(how: str, clip: Path, tmp_path: Path) -> None:
    made = HOW[how]()
    summary = dream_joined(str(clip), tmp_path / "dream", made)
    assert summary.frames == summary.rendered == COUNT
    with pytest.raises(KeyboardInterrupt):
        dream_joined(str(clip), tmp_path / "stopped", made, stop_after(FIRST + 3))
    dream_joined(str(clip), tmp_path / "stopped", made)
    assert list(contents(tmp_path / "stopped").values()) == list(contents(tmp_path / "dream").values())


def test_a_rate_that_shows_frames_twice_loses_and_doubles_none(clip: Path, tmp_path: Path) -> None:
    twice = [replace(each, start=Moment(0.292 * number)) for number, each in enumerate(stretches())]
    for number, each in enumerate(twice):
        own = each.settings.input.model_copy(update={"fps": "24"})
        twice[number] = replace(each, settings=each.settings.model_copy(update={"input": own}))
    summary = dream_joined(str(clip), tmp_path / "dream", twice, KEEP)
    folder = JobFolder(folder_of(tmp_path / "dream"))
    shown = [
        plan.frames[position]
        for plan in (read_plan(stretch(folder, number)).plan for number in (0, 1))
        for position in plan.playback
    ]
    assert shown == [at // 2 for at in range(2 * COUNT)]
    assert (summary.frames, summary.rendered) == (2 * COUNT, COUNT + 1)  # the one that both looks show


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda one, two: [one, replace(two, start=Moment(2))], r"two: 2 s lies behind the end of the film, 0.75 s"),
        (lambda one, two: [one, replace(two, start=Moment(0.01))], r"one: from 0 s on it has no frame of its own"),
        (lambda one, two: [one, replace(two, stop=Moment(3))], r"two: 3 s lies behind the end of the film, 0.75 s"),
        (lambda one, two: [one, replace(two, stop=Moment(0.5))], r"two: the film goes on behind its end, to 0.75 s"),
    ],
)
def test_a_stretch_outside_its_film_is_said(
    wrong: Callable[[Stretch, Stretch], list[Stretch]], said: str, clip: Path, tmp_path: Path
) -> None:
    one, two = (replace(each, where=each.name) for each in stretches())
    with pytest.raises(SettingsError, match=said):
        dream_joined(str(clip), tmp_path / "dream", wrong(one, two))
    assert not folder_of(tmp_path / "dream").exists()
