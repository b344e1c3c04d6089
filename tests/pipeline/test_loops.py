"""Videos whose end leads into their beginning: by themselves, or by a dissolve."""

import re
import shlex
import subprocess
from collections.abc import Generator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from job_runs import source_of
from little import drifting, film, quick, texture

from dreamvid import cli
from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import frame_to
from dreamvid.core.types import Frame, Pixels
from dreamvid.media.ffmpeg import executable
from dreamvid.pipeline import loops
from dreamvid.pipeline.crossfade import mixing, patch_delays
from dreamvid.pipeline.plan import Crossfade, Plan

RATE = Fraction(4)


def looping_plan(pictures: Sequence[Pixels], first: int = 0) -> tuple[Plan, loops.Frames]:
    def frames(indices: Sequence[int]) -> Generator[Frame, None, None]:
        for index in indices:
            yield Frame(index, index / RATE, pictures[index])

    height, width = pictures[0].shape[:2]
    known = tuple(range(first, len(pictures)))
    plan = Plan(frame_to(height, width, Fraction(1), None, "crop"), RATE, known, tuple(range(len(known))))
    return plan, frames


def rolling(count: int = 24) -> list[Pixels]:
    """A texture that goes once around its width."""
    picture = texture(32, 4 * count)
    return [np.roll(picture, 4 * number, axis=1) for number in range(count)]


def closed(pictures: Sequence[Pixels], first: int = 0, rounds: int = 1) -> tuple[Plan, loops.Frames]:
    known, frames = looping_plan(pictures, first)
    plan = loops.close_loop(known, frames, rounds)
    assert plan.crossfade is not None
    return plan, loops.looped(frames, plan, plan.crossfade)


def looped(pictures: Sequence[Pixels], first: int = 0, rounds: int = 1) -> tuple[list[Pixels], bool]:
    plan, looks = closed(pictures, first, rounds)
    images = [frame.image for frame in looks(plan.frames)]
    assert plan.crossfade is not None
    return [images[position] for position in plan.playback], plan.crossfade.dissolves


def test_what_loops_by_itself_keeps_every_frame() -> None:
    pictures = rolling()
    film, dissolved = looped(pictures)
    assert not dissolved
    assert all(np.array_equal(one, other) for one, other in zip(film, pictures, strict=True))


def test_what_does_not_loop_dissolves_into_its_beginning_and_starts_where_it_did_not_end() -> None:
    pictures = drifting(24, cols=3)
    film, dissolved = looped(pictures)
    back = loops.crossfade_frames(RATE, 24)
    assert dissolved
    assert len(film) == 24 - back
    assert all(np.array_equal(one, other) for one, other in zip(film[back:], pictures[back:-back], strict=True))
    steps = [np.abs(film[n].astype(float) - film[n - 1]).mean() for n in range(len(film))]  # the first is the wrap
    assert steps[0] <= 1.05 * max(steps[1], steps[-1])


def test_the_wrap_goes_on_as_the_frames_were_dreamed() -> None:
    """Each frame of the film follows, in the order of dreaming, the one before it; the last but the crossfade's."""
    plan, _ = closed(rolling())
    crossfade = plan.crossfade
    assert crossfade is not None
    dreamed = [plan.frames[position] for position in plan.playback]
    follows = [later - earlier for earlier, later in zip([dreamed[-1], *dreamed], dreamed, strict=False)]
    back = crossfade.stop - crossfade.start
    assert follows == [1] * back + [1 - crossfade.cycle_length] + [1] * (crossfade.cycle_length - back - 1)
    assert crossfade.share(crossfade.start - 1) == 0
    assert crossfade.share(crossfade.stop - 1) == 1


def test_a_range_loops_within_itself() -> None:
    film, dissolved = looped(drifting(30, cols=3), first=6)
    assert dissolved
    assert len(film) == 24 - loops.crossfade_frames(RATE, 24)


def test_time_goes_on_where_a_range_begins_again() -> None:
    plan, looks = closed(drifting(30, cols=3), 6)
    times = [frame.time for frame in looks(plan.frames)]
    assert {later - earlier for earlier, later in pairwise(times)} == {1 / RATE}


def test_cycles_repeat() -> None:
    once, _ = looped(rolling())
    thrice, _ = looped(rolling(), rounds=3)
    assert all(np.array_equal(one, other) for one, other in zip(once * 3, thrice, strict=True))


def test_one_frame_is_looked_up_as_many_are() -> None:
    plan, looks = closed(drifting(24, cols=3))
    every = {frame.index: frame.image for frame in looks(plan.frames)}
    for index in plan.frames:
        (frame,) = looks((index,))
        assert np.array_equal(frame.image, every[index])


def test_what_cannot_be_closed_is_refused() -> None:
    with pytest.raises(SettingsError, match="too short"):
        looped(rolling(5))


def test_of_a_constant_rate_none_is_to_be_given(tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", drifting(24))
    with pytest.raises(SettingsError, match=r"keeps the frame rate of its source, 12: leave out --fps 25$"):
        source_of("video", str(clip), quick(input={"loop": True, "fps": "25"}))
    plan = source_of("video", str(clip), quick(input={"loop": True, "fps": "12"})).plan
    assert plan.cycle_length is not None


@pytest.mark.parametrize("fps", [(), ("--fps", "24")])
def test_of_a_varying_rate_the_command_that_is_said_helps(
    fps: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "clip.mp4", drifting(24))
    how = ["-vf", "select='lt(n,8)+not(mod(n,2))'", "-fps_mode", "passthrough", "-c:v", "libx264", "-c:a", "copy"]
    subprocess.run([executable(), "-v", "error", "-i", "clip.mp4", *how, "a phone's.mp4"], check=True)
    assert cli.run(["video", "a phone's.mp4", "loop.mp4", "--loop", *fps]) == 2
    (command,) = re.findall("`(.*)`", capfd.readouterr().err)
    assert cli.run(shlex.split(command)[1:]) == 0
    plan = source_of("video", "steady.mkv", quick(input={"loop": True})).plan
    assert plan.rate == (24 if fps else 12)


def test_a_video_is_made_to_loop(tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", drifting(24))
    found = source_of("video", str(clip), quick(input={"loop": True}))
    assert found.plan.crossfade is not None
    assert (
        len(found.plan.playback) == found.plan.crossfade.cycle_length == 24 - loops.crossfade_frames(Fraction(12), 24)
    )
    assert [frame.index for frame in found.frames(found.plan.frames)] == list(found.plan.frames)


def test_a_crossfade_mixes_in_what_its_share_still_lacks() -> None:
    crossfade, left, means = Crossfade(20, 44), np.ones((36, 64, 1)), []
    assert not mixing(crossfade, 19, 36, 64).any()
    for index in range(20, 44):
        left = left * (1 - mixing(crossfade, index, 36, 64))
        means.append(1 - float(left.mean()))
    assert means == pytest.approx(
        [(index - 19) / 24 for index in range(20, 44)], abs=0.15
    )  # about evenly, over the picture
    assert not left.any()


def test_each_place_crossfades_in_a_part_of_the_time_one_after_another() -> None:
    crossfade, whole = Crossfade(20, 44), (36, 64)
    mixed = np.stack([mixing(crossfade, index, *whole)[..., 0] for index in range(20, 44)])
    begins, ends = (mixed > 0).argmax(axis=0), (mixed == 1).argmax(axis=0)
    assert (ends - begins).max() <= 24 / 3 + 1
    assert begins.min() == 0 and begins.max() >= 15
    assert np.abs(np.diff(begins, axis=1)).max() <= 4  # one after another, not here and there


def test_what_has_crossfaded_stays_what_it_was() -> None:
    crossfade = Crossfade(20, 24)
    early = np.argwhere(patch_delays(36, 64) < 0.05)[0]
    assert [mixing(crossfade, index, 36, 64)[tuple(early)][0] for index in (22, 23)] == [1, 1]
