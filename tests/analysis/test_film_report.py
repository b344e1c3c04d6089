"""What is said of a film in a report."""

from typing import Any

import numpy as np
import pytest

from dreamvid.analysis.compare import Contract
from dreamvid.analysis.film_facts import FilmFacts
from dreamvid.analysis.film_report import Rendered, warnings
from dreamvid.analysis.flashes import Span, Verdict
from dreamvid.analysis.stability import Step
from dreamvid.media.record import Playback, Record, RecordedSource

pytestmark = pytest.mark.fast


def record(command: Any = "video", **settings: Any) -> Record:
    source = RecordedSource(name="clip.mp4", sha256="0" * 64, frames=9, rate="12", size=(48, 64))  # type: ignore[arg-type]
    playback = Playback(frames=9, rate="12", first=0, start="0", stop="3/4")  # type: ignore[arg-type]
    return Record(
        dreamvid="1", render=1, command=command, settings=settings, sources=(source,), film=playback, nets=("0" * 64,)
    )


def step(index: int, level: float = 10, valid: float = 0.9, incoherence: float = 0.1) -> Step:
    return Step(index, level, valid, {1: np.array([incoherence, 1.0])}, None, None)


def facts(steps: list[Step], verdicts: tuple[Verdict, ...] = (), broken: tuple[str, ...] | None = None) -> FilmFacts:
    kept = None if broken is None else Contract((9, 9), (12, 12), (1, 1), ((1, 1), (1, 1)), ((), ()), broken)
    return FilmFacts(verdicts, (), {one.index: one for one in steps}, (), kept, 64)


def rendered(*anew: int) -> Rendered:
    return Rendered({}, {}, anew, (), 9, 9.0, canvas=False)


STEADY = [step(frame) for frame in range(8)]


def test_a_film_with_nothing_to_look_at_has_no_warning() -> None:
    met = Verdict("general", True, (), ())
    assert warnings(facts(STEADY, (met,), ()), rendered(), record()) == []
    assert warnings(facts([]), None, None) == []


def test_frames_that_were_dreamed_anew_are_named_as_runs() -> None:
    assert warnings(facts(STEADY), rendered(212, 213, 214, 5), record()) == [
        "Frames 5, 212-214 were dreamed anew: the flow failed."
    ]
    assert warnings(facts(STEADY), rendered(5), record()) == ["Frame 5 was dreamed anew: the flow failed."]


@pytest.mark.parametrize("made", [record(coherence={"mode": "none"}), record("zoom"), None])
def test_where_nothing_was_to_be_followed_none_failed(made: Record | None) -> None:
    assert warnings(facts([*STEADY, step(8, valid=0.1)]), rendered(5), made) == []
    assert warnings(facts([*STEADY, step(8, valid=0.1)]), None, made) == []


def test_without_the_job_folder_it_is_told_as_measured() -> None:
    """A dream that begins anew is not said to leave the picture, too."""
    lost = [*STEADY[:4], step(4, valid=0.39, incoherence=0.9), *STEADY[5:]]
    (words,) = warnings(facts(lost), None, record())
    assert words == "Frame 4: less than 40% of the picture could be followed; the dream may begin anew there."
    assert warnings(facts([*STEADY[:4], step(4, valid=0.41), *STEADY[5:]]), None, record()) == []


def test_a_dream_that_leaves_the_picture_is_told_and_many_places_are_counted() -> None:
    (words,) = warnings(facts([*STEADY, step(8, incoherence=0.51)]), rendered(), record())
    assert words == "Frame 8: the dream does not stay on the picture (incoherence above 0.5)."
    (words,) = warnings(facts([step(2 * frame, incoherence=0.9) for frame in range(20)]), rendered(), record())
    assert words.startswith("Frames 0, 2, 4,") and " 22 and 8 more places: " in words


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (4.9, "The dream fades: in the last quarter it is 49% as strong as in the first."),
        (5.1, ""),
        (19.9, ""),
        (20.1, "The dream grows: in the last quarter it is 2.0 times as strong as in the first."),
    ],
)
def test_a_dream_that_fades_or_grows_is_told(last: float, said: str) -> None:
    steps = [step(frame, last if frame > 5 else 10) for frame in range(8)]
    assert warnings(facts(steps), rendered(), record()) == ([said] if said else [])


def test_flashes_are_told_with_their_times() -> None:
    broken = Verdict("red", False, (Span(4.2, 5.1),), ())
    assert warnings(facts(STEADY, (broken,)), rendered(), record()) == [
        "Red flashes: more than 3 in a second at 0:04.2-0:05.1, which its source has not."
    ]


def test_what_was_asked_for_is_no_breach() -> None:
    broken = ("frames 9 -> 5", "fps 12 -> 6", "size 64x48 -> 32x24", "sound lost")
    assert warnings(facts(STEADY, (), broken), rendered(), record()) == [f"Not as in the source: {'; '.join(broken)}."]
    asked = record(input={"size": "32x24", "fps": "6"})
    assert warnings(facts(STEADY, (), broken), rendered(), asked) == ["Not as in the source: sound lost."]
