"""Footage: filmed, still, flown over, or made of noise."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from job_runs import source_of
from little import HEIGHT, WIDTH, drifting, film, quick, texture, write_image

from dreamvid.coherence.carry import Past
from dreamvid.coherence.optical_flow import warp
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Shot
from dreamvid.pipeline.sources import FAINT, noise, same_file


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames with a cut at 7: first reddish, then blueish."""
    first, second = (
        (0.3 * np.array(drifting(n, seed=n)) + tint) for n, tint in ((7, (150, 20, 20)), (5, (10, 30, 160)))
    )
    frames = np.clip([*first, *second], 0, 255).astype(np.uint8)
    return film(tmp_path_factory.mktemp("footage") / "clip.mp4", frames)


@pytest.fixture
def still(tmp_path: Path) -> Path:
    return write_image(tmp_path / "still.png", texture())


def test_a_video_comes_with_its_frames_in_order_and_its_shots(clip: Path) -> None:
    source = source_of("video", str(clip), quick())
    assert source.plan.frames == tuple(range(12))
    assert source.plan.shots == (Shot(0, 7), Shot(7, 12))
    frames = list(source.frames(source.plan.frames))
    assert [frame.index for frame in frames] == list(range(12))
    assert all(frame.image.shape == (HEIGHT, WIDTH, 3) for frame in frames)
    assert [frame.time for frame in frames] == [Fraction(n, 12) for n in range(12)]


def test_frames_can_be_had_from_any_on(clip: Path) -> None:
    source = source_of("video", str(clip), quick())
    every = list(source.frames(range(12)))
    some = list(source.frames((5, 6, 9)))
    assert [frame.index for frame in some] == [5, 6, 9]
    assert all(np.array_equal(frame.image, every[frame.index].image) for frame in some)


def test_a_range_has_the_cuts_inside_it(clip: Path) -> None:
    assert source_of("video", str(clip), quick(input={"frames": "3:12"})).plan.shots == (Shot(3, 7), Shot(7, 12))
    assert source_of("video", str(clip), quick(input={"frames": "8:12"})).plan.shots == (Shot(8, 12),)


def test_cuts_are_not_looked_for_where_nothing_is_carried(clip: Path) -> None:
    assert source_of("video", str(clip), quick(coherence={"mode": "none"})).plan.shots == (Shot(0, 12),)


def test_the_motion_of_a_film_is_estimated(clip: Path) -> None:
    source = source_of("video", str(clip), quick())
    before, now = source.frames((2, 3))
    motion = source.move(Past(2, before.image, before.image), now)
    assert np.median(motion.field[..., 0]) == pytest.approx(-1, abs=0.3)
    assert np.median(motion.field[..., 1]) == pytest.approx(-2, abs=0.3)


def test_a_still_is_one_frame(still: Path) -> None:
    source = source_of("image", str(still), quick())
    assert source.plan.frames == (0,)
    (frame,) = source.frames((0,))
    assert np.array_equal(frame.image, texture())


def test_of_a_video_the_first_frame_of_its_range_is_taken(clip: Path) -> None:
    (frame,) = source_of("image", str(clip), quick(input={"frames": "9:12"})).frames((0,))
    (expected,) = source_of("video", str(clip), quick()).frames((9,))
    assert np.array_equal(frame.image, expected.image)


def test_a_flight_has_its_seconds_at_its_rate(still: Path) -> None:
    usual = source_of("zoom", str(still), quick(input={"seconds": 0.5}))
    assert (len(usual.plan.frames), usual.plan.rate) == (12, 24)
    fast = source_of("zoom", str(still), quick(input={"seconds": 0.5, "fps": "60"}))
    assert (len(fast.plan.frames), fast.plan.rate) == (30, 60)
    assert len(source_of("zoom", str(still), quick(input={"seconds": 0.001})).plan.frames) == 1


def test_a_flight_begins_at_the_still_and_is_the_same_at_any_rate(still: Path) -> None:
    slow, fast = (source_of("zoom", str(still), quick(input={"seconds": 1.0, "fps": fps})) for fps in ("24", "60"))
    (first,) = slow.frames((0,))
    assert np.array_equal(first.image, texture())
    for here, there in ((12, 30), (18, 45)):
        (one,), (other,) = slow.frames((here,)), fast.frames((there,))
        assert np.array_equal(one.image, other.image)


def test_a_flights_motion_is_exact(tmp_path: Path) -> None:
    soft = write_image(tmp_path / "soft.png", texture(72, 96, grain=5))
    source = source_of("zoom", str(soft), quick(camera={"zoom": 2.0, "rotate": 20, "shift": [0.1, 0.2]}))
    before, now = source.frames((30, 33))
    motion = source.move(Past(30, before.image, before.image), now)
    predicted = warp(before.image.astype(np.float32), motion)
    assert np.abs(predicted - now.image)[motion.valid].mean() < 2


@pytest.mark.parametrize("mode", ["world", "frames"])
def test_zooming_in_and_back_out_gives_the_still_again(mode: str, tmp_path: Path) -> None:
    """Every frame is looked up in the still itself: nothing adds up."""
    soft = write_image(tmp_path / "soft.png", texture(72, 96, grain=3))
    how = {"zoom": "1.6 if t < 1 else 1 / 1.6", "mode": mode}
    source = source_of("zoom", str(soft), quick(camera=how, input={"seconds": 2.05}))
    first, middle, last = (frame.image.astype(float) for frame in source.frames((0, 24, 48)))
    inner = slice(8, -8), slice(8, -8)
    assert np.abs(last - first)[inner].mean() < 1.5
    assert np.abs(middle - first)[inner].mean() > 10


def test_a_part_of_a_flight_is_a_range_of_its_frames(still: Path) -> None:
    part = source_of("zoom", str(still), quick(input={"seconds": 1.0, "frames": "10:14"}))
    whole = source_of("zoom", str(still), quick(input={"seconds": 1.0}))
    assert part.plan.frames == (10, 11, 12, 13)
    assert all(
        np.array_equal(one.image, other.image)
        for one, other in zip(part.frames((10, 13)), whole.frames((10, 13)), strict=True)
    )


def test_a_flight_takes_the_size_asked_for(still: Path) -> None:
    source = source_of("zoom", str(still), quick(input={"seconds": 0.1, "size": "32x32"}))
    assert [frame.image.shape for frame in source.frames((0, 1))] == [(32, 32, 3)] * 2
    assert "cut" in source.plan.framing.note


@pytest.mark.parametrize("kind", ["noise", "noise:gaussian", "noise:pink"])
def test_noise_is_grey_on_average_and_the_same_for_a_seed(kind: str) -> None:
    picture = noise(kind, 90, 160, seed=3)
    assert picture.shape == (90, 160, 3)
    assert picture.dtype == np.uint8
    assert picture.mean() == pytest.approx(127.5, abs=2)
    assert picture.std() == pytest.approx(FAINT, rel=0.05) if kind == "noise:pink" else picture.std() > 30
    assert np.array_equal(picture, noise(kind, 90, 160, seed=3))
    assert not np.array_equal(picture, noise(kind, 90, 160, seed=4))


def test_kinds_of_noise_differ_in_their_values_and_their_spectrum() -> None:
    uniform, gaussian, pink = (
        noise(kind, 128, 128, 0).astype(float) for kind in ("noise", "noise:gaussian", "noise:pink")
    )

    def neighbours(picture: np.ndarray) -> float:
        rest = picture - picture.mean()
        return float((rest[:, 1:] * rest[:, :-1]).mean() / rest.var())

    assert abs(neighbours(uniform)) < 0.05
    assert abs(neighbours(gaussian)) < 0.05
    assert neighbours(pink) > 0.7
    assert uniform.std() == pytest.approx(255 / 12**0.5, rel=0.03)
    assert gaussian.std() == pytest.approx(40, rel=0.03)


def test_pink_noise_falls_with_frequency_at_any_shape() -> None:
    """Amplitude falls as 1/f along rows and along columns alike."""
    picture = noise("noise:pink", 96, 256, 1).astype(float)[..., 0]
    spectrum = np.abs(np.fft.fft2(picture - picture.mean()))
    frequency = np.hypot(np.fft.fftfreq(96)[:, None], np.fft.fftfreq(256)[None, :])
    low, high = ((frequency > f * 0.8) & (frequency < f * 1.2) for f in (0.05, 0.2))
    assert spectrum[low].mean() / spectrum[high].mean() == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("size", [None, "640x", "x360", "50%", "5x5", "junk", "0x0", "100000x100000"])
def test_noise_needs_both_sides(size: str | None) -> None:
    with pytest.raises(SettingsError):
        source_of("image", "noise", quick(input={"size": size}))


def test_noise_has_the_size_and_the_seed_asked_for() -> None:
    settings = quick(input={"size": "40x24"}, seed=7)
    (frame,) = source_of("image", "noise:pink", settings).frames((0,))
    assert np.array_equal(frame.image, noise("noise:pink", 24, 40, 7))


def test_a_source_is_known_under_another_name(tmp_path: Path, still: Path) -> None:
    link = tmp_path / "link.png"
    try:
        link.symlink_to(still)
    except OSError:
        pytest.skip("this system makes no links")
    assert same_file(str(still), tmp_path / "x" / ".." / "still.png")
    assert same_file(str(still), link)
    assert not same_file(str(still), tmp_path / "other.png")
    link.unlink()
    link.symlink_to(link)
    assert not same_file(str(link), tmp_path / "other.png")  # reading it says what is wrong
    assert not same_file("noise", Path("noise"))
    with pytest.raises(
        SettingsError, match=r"out\.png: this locale has no '\\ud800' in names of files: set PYTHONUTF8"
    ):
        same_file("\ud800.png", tmp_path / "out.png")  # as any letter beyond ASCII where the locale is C


def test_a_still_smaller_than_the_smallest_side_is_enlarged_by_a_size(tmp_path: Path) -> None:
    tiny = write_image(tmp_path / "tiny.png", texture()[:10, :10])
    for source in (
        source_of("image", str(tiny), quick(input={"size": "32x32"})),
        source_of("zoom", str(tiny), quick(input={"size": "32x32"})),
    ):
        assert source.plan.framing.size == (32, 32)
        (frame,) = source.frames((0,))
        assert frame.image.shape == (32, 32, 3)


def test_a_folder_has_the_rate_that_is_asked_for_and_keeps_its_frames(tmp_path: Path) -> None:
    for number in range(5):
        write_image(tmp_path / f"{number}.png", texture())
    source = source_of("video", str(tmp_path), quick(input={"fps": "12"}))
    assert source.plan.rate == 12
    assert source.plan.playback == tuple(range(5))


def test_a_range_that_begins_beyond_the_end_is_told_the_length(clip: Path) -> None:
    with pytest.raises(SettingsError, match=r"frames 0 to 11 .* the range --frames 100: goes beyond"):
        source_of("video", str(clip), quick(input={"frames": "100:"}))


# Cameras whose settings move


def test_what_a_canvas_holds_still_is_told(still: Path) -> None:
    assert source_of("zoom", str(still), quick(dream={"step_size": "0:0.01, 1s:0.02"})).view is not None
    for moves in ({"dream": {"steps": "0:1, 1s:2"}}, {"coherence": {"step_size": "0:0.1, 1s:0.5"}}):
        with pytest.raises(SettingsError, match=r"steps?(_size)?: '0:.*camera\.mode=frames"):
            source_of("zoom", str(still), quick(**moves))
    with pytest.raises(SettingsError, match=r"bends.*camera\.mode=frames"):
        source_of("zoom", str(still), quick(camera={"centre": ["0:0, 1s:0.3", 0.0]}))
    with pytest.raises(SettingsError, match=r"bends.*camera\.mode=frames"):
        source_of("zoom", str(still), quick(camera={"zoom": "1.2 + 0.1 * sin(t)", "shift": [0.1, 0.0]}))
    bent = {"zoom": "1.2 + 0.1 * sin(t)", "shift": [0.1, 0.0], "mode": "frames"}
    assert source_of("zoom", str(still), quick(camera=bent)).view is None


def test_a_zoom_is_about_its_centre_wherever_that_has_come(still: Path) -> None:
    """At each moment the centre, and nothing else, stays where it is."""
    moved = {"zoom": 2.0, "rotate": 20, "centre": ["0:-0.2, 2s:0.3", "0:0.1, 2s:-0.4"], "mode": "frames"}
    size = 33, 41
    source = source_of("zoom", str(still), quick(camera=moved, input={"seconds": 2, "fps": "100", "size": "41x33"}))
    for index in (0, 80, 150):
        before, now = source.frames((index, index + 1))
        field = source.move(Past(before.index, before.image, before.image, None), now).field
        where = np.unravel_index(np.argmin(np.hypot(field[..., 0], field[..., 1])), size)
        share = (index + 0.5) / 200
        expected = (-0.2 + 0.5 * share) * 33 + 16, (0.1 - 0.5 * share) * 33 + 20
        assert np.abs(np.subtract(where, expected)).max() <= 1


def test_a_push_on_the_beat_nears_on_the_beat(still: Path) -> None:
    pushed = quick(
        camera={"zoom": "every 2b, 0b:3, 0.5b:1"}, audio={"bpm": 120, "first_beat": 0.5}, input={"seconds": 3}
    )
    source = source_of("zoom", str(still), pushed)
    frames = list(source.frames((6, 12, 18, 36)))  # at 0.25, 0.5, 0.75 and 1.5 s; beats 0 and 2 are at 0.5 and 1.5 s

    def nears(one: int, other: int) -> float:
        field = source.move(Past(frames[one].index, frames[one].image, frames[one].image, None), frames[other]).field
        return float(np.abs(field).max())

    assert nears(0, 1) < 0.1 and nears(1, 2) > 3 and nears(2, 3) < 0.1
    with pytest.raises(SettingsError, match=r"^camera\.rotate: '0b:1, 40b:2': the keyframe 40b:2 is after the end"):
        source_of("zoom", str(still), quick(camera={"rotate": "0b:1, 40b:2"}, audio={"bpm": 120}))


def test_a_loop_about_a_point_that_moves_is_refused(still: Path) -> None:
    moved = {"zoom": 2.0, "centre": ["0:0, 50%:0.3", 0.0], "mode": "frames"}
    with pytest.raises(SettingsError, match=r"leave out --loop"):
        source_of("zoom", str(still), quick(camera=moved, input={"loop": True}))


def test_a_loop_that_eases_is_the_same_in_every_cycle(still: Path) -> None:
    """Its intro goes before the lap, where the lap before would be."""
    how = {"input": {"seconds": 1, "fps": "8", "loop": True}}
    source = source_of("zoom", str(still), quick(camera={"ease": "in-out", "intro": 1}, **how))
    frames = [frame.image for frame in source.frames(range(8, 16))]
    again = [
        frame.image for frame in source_of("zoom", str(still), quick(camera={"ease": "in-out"}, **how)).frames(range(8))
    ]
    assert all(np.array_equal(one, other) for one, other in zip(frames, again, strict=True))
