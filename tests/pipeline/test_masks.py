"""Masks: what they leave alone is the source to the byte, what they let be seen neither fades nor grows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_runs import source_of, stop_after
from little import HEIGHT, WIDTH, drifting, film, quick, read_image, texture, write_image
from PIL import Image

from dreamvid.coherence.flat_places import kept_where_flat
from dreamvid.config.settings import MaskSettings
from dreamvid.core.errors import JobError, SettingsError, SourceError
from dreamvid.core.types import Frame, Pixels
from dreamvid.dream import session
from dreamvid.jobs import run
from dreamvid.jobs.run import Options
from dreamvid.models.net import Net
from dreamvid.pipeline.masks import mask, with_masks

KEEP = Options(keep_work=True)
COUNT = 6


@pytest.fixture(autouse=True)
def small_net(tiny_net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job in this process dreams with the tiny net."""
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("masks") / "clip.mp4", drifting(COUNT))


@pytest.fixture(scope="module")
def disc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """White in the middle."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = np.hypot(rows - HEIGHT / 2, columns - WIDTH / 2) < 16
    return write_image(tmp_path_factory.mktemp("masks") / "disc.png", levels(np.where(inside, 255, 0)))


def levels(grey: Any) -> Pixels:
    """A grey picture, H x W, in colours."""
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)


def seen(clip: Path, **how: Any) -> list[Frame]:
    settings = quick(mask=how)
    opened = source_of("video", str(clip), settings)
    return list(opened.frames(opened.plan.frames))


def stored(output: Path) -> list[Pixels]:
    folder = output.with_name(f"{output.name}.dreamvid") / "frames"
    return [read_image(path) for path in sorted(folder.iterdir())]


# What a mask is


@pytest.mark.parametrize(
    ("fill", "how", "said"),
    [
        ((0, 0, 0), {}, "the mask .*m.png is black, or transparent, everywhere; make white"),
        ((40, 40, 40), {"low": 0.5}, "black"),
        ((255, 255, 255), {"invert": True}, "white, which mask.invert makes black, everywhere; make black"),
        ((0, 0, 0, 128), {}, "transparent"),
    ],
)
def test_a_still_that_hides_all_of_the_dream_is_refused(
    fill: tuple[int, ...], how: dict[str, Any], said: str, clip: Path, tmp_path: Path
) -> None:
    """The last: a shape that lies in the transparency alone."""
    file = tmp_path / "m.png"
    Image.new("RGBA" if len(fill) == 4 else "RGB", (WIDTH, HEIGHT), fill).save(file)
    with pytest.raises(SettingsError, match=f"nothing would be dreamed: .*{said}"):
        seen(clip, file=str(file), **how)
    assert len(seen(clip, file=str(file), **{**how, "invert": not how.get("invert")})) == COUNT


def test_a_film_that_hides_all_of_the_dream_is_named(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dark = film(tmp_path / "dark.mp4", [levels(np.zeros((HEIGHT, WIDTH)))] * 2)
    settings = quick(mask={"file": str(dark), "low": 0.1})
    run.dream_video(str(clip), tmp_path / "out.mp4", settings)
    assert "dark.mp4 shows nothing of it" in caplog.records[-1].message


def test_without_a_mask_frames_have_none(clip: Path) -> None:
    opened = source_of("video", str(clip), quick())
    assert with_masks(opened, quick()) is opened
    assert all(frame.mask is None for frame in seen(clip))


@given(low=st.floats(0, 0.9), width=st.floats(0.05, 1), feather=st.floats(0, 0.3), invert=st.booleans())
def test_a_mask_lies_between_nothing_and_all(low: float, width: float, feather: float, invert: bool) -> None:
    grey = texture()[..., 0].astype(np.float32) / 255
    found = mask(grey, MaskSettings(kind="luma", low=low, high=low + width, feather=feather, invert=invert))
    assert found.shape == grey.shape and found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    assert np.array_equal(np.rint(found * 255).astype(np.float32) / np.float32(255), found)


@given(feather=st.floats(0.05, 0.4), more=st.floats(1.3, 2))
def test_more_feather_is_a_softer_edge_no_farther_than_it_says(feather: float, more: float) -> None:
    half = np.zeros((60, 120), np.float32)
    half[:, 60:] = 1
    soft, softer = (mask(half, MaskSettings(file="m.png", feather=by))[30] for by in (feather, feather * more))
    assert (np.diff(soft) >= 0).all() and (np.diff(softer) >= 0).all()
    assert np.count_nonzero((softer > 0) & (softer < 1)) >= np.count_nonzero((soft > 0) & (soft < 1)) > 0
    assert (softer[:60] >= soft[:60]).all() and (softer[60:] <= soft[60:]).all()
    reach = round(feather * 60)
    assert not soft[: 60 - reach].any() and (soft[60 + reach :] == 1).all()


def test_luma_is_what_is_bright(tmp_path: Path) -> None:
    ramp = levels(np.tile(np.linspace(0, 255, WIDTH), (HEIGHT, 1)))
    settings = quick(mask={"kind": "luma", "low": 0.25, "high": 0.75, "feather": 0})
    opened = source_of("image", str(write_image(tmp_path / "ramp.png", ramp)), settings)
    (frame,) = opened.frames((0,))
    assert frame.mask is not None
    wanted = np.clip((np.linspace(0, 1, WIDTH) - 0.25) / 0.5, 0, 1)
    assert np.abs(frame.mask - wanted).max() < 0.01
    inverse = quick(mask={"kind": "luma", "low": 0.25, "high": 0.75, "feather": 0, "invert": True})
    (other,) = source_of("image", str(tmp_path / "ramp.png"), inverse).frames((0,))
    assert other.mask is not None and np.abs(other.mask + frame.mask - 1).max() < 0.005


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box that goes to the right before a picture that rests."""
    ground, box = np.clip(texture(96, 128), 60, 190), texture(30, 30, seed=5)
    frames = []
    for number in range(4):
        frame = ground.copy()
        frame[33:63, 20 + 6 * number : 50 + 6 * number] = box
        frames.append(frame)
    return film(tmp_path_factory.mktemp("masks") / "passing.mp4", frames)


def test_motion_is_what_moves(passing: Path) -> None:
    for frame in seen(passing, kind="motion", feather=0):
        assert frame.mask is not None
        left = 20 + 6 * frame.index
        assert frame.mask[38:58, left + 5 : left + 25].mean() > 0.8
        assert frame.mask[:, 100:].mean() < 0.1 and frame.mask[80:].mean() < 0.1


def test_a_frames_mask_does_not_depend_on_where_reading_began(passing: Path) -> None:
    settings = quick(mask={"kind": "motion"})
    opened = source_of("video", str(passing), settings)
    whole, late = (list(opened.frames(opened.plan.frames[first:])) for first in (0, 2))
    assert [frame.index for frame in late] == [2, 3]
    for one, other in zip(whole[2:], late, strict=True):
        assert one.mask is not None and other.mask is not None
        assert np.array_equal(one.mask, other.mask) and np.array_equal(one.image, other.image)


def test_a_mask_that_runs_along_is_taken_by_time_and_holds_its_last(clip: Path, tmp_path: Path) -> None:
    """A mask at half the film's rate, and of three frames for six."""
    folder = tmp_path / "masks"
    folder.mkdir()
    for number in range(4):
        write_image(folder / f"{number}.png", levels(np.full((HEIGHT, WIDTH), 60 * number)))
    by_folder = [frame.mask for frame in seen(clip, file=str(folder))]
    assert [round(float(each.mean() * 255)) for each in by_folder if each is not None] == [0, 60, 120, 180, 180, 180]
    slow = film(tmp_path / "slow.mkv", [levels(np.full((HEIGHT, WIDTH), grey)) for grey in (20, 235)], rate=6)
    by_film = [frame.mask for frame in seen(clip, file=str(slow))]
    assert [float(each.mean()) > 0.5 for each in by_film if each is not None] == [False, False, True, True, True, True]


def test_a_mask_is_laid_over_the_source_and_cut_with_it(clip: Path, tmp_path: Path) -> None:
    """Of another size, and the film of another aspect: what is left of the right half is the right half."""
    half = levels(np.tile(np.arange(200) >= 100, (100, 1)) * 255)
    file = write_image(tmp_path / "half.png", half)
    settings = quick(mask={"file": str(file), "feather": 0}, input={"size": "40x48"})
    opened = source_of("video", str(clip), settings)
    (frame, *_) = opened.frames(opened.plan.frames)
    assert frame.mask is not None and frame.mask.shape == (48, 40)
    assert not frame.mask[:, :18].any() and (frame.mask[:, 22:] == 1).all()


# What it does


@pytest.mark.parametrize("mode", ["flow", "blend", "none"])
def test_outside_a_mask_every_stored_frame_is_its_source_to_the_bit(
    clip: Path, disc: Path, tmp_path: Path, mode: str
) -> None:
    how = {"file": str(disc), "feather": 0.1}
    output = tmp_path / "dream.mkv"
    run.dream_video(str(clip), output, quick(mask=how, coherence={"mode": mode}), KEEP)
    for frame, dreamed in zip(seen(clip, **how), stored(output), strict=True):
        assert frame.mask is not None
        out, inner = frame.mask == 0, frame.mask == 1
        assert out.mean() > 0.2 and inner.any()
        assert np.array_equal(dreamed[out], frame.image[out])
        assert (dreamed[inner] != frame.image[inner]).mean() > 0.5


@pytest.mark.parametrize("camera", ["world", "frames"])
def test_outside_a_mask_a_flight_is_its_source(disc: Path, tmp_path: Path, camera: str) -> None:
    photo = write_image(tmp_path / "photo.png", texture(seed=3))
    settings = quick(mask={"file": str(disc)}, camera={"mode": camera}, input={"seconds": 0.2})
    output = tmp_path / "flight.mkv"
    run.dream_zoom(str(photo), output, settings, KEEP)
    opened = source_of("zoom", str(photo), settings)
    for frame, dreamed in zip(opened.frames(opened.plan.frames), stored(output), strict=True):
        assert frame.mask is not None
        assert np.array_equal(dreamed[frame.mask == 0], frame.image[frame.mask == 0])
        assert not np.array_equal(dreamed, frame.image)


@pytest.mark.parametrize("how", [{"kind": "motion", "low": 0.4, "high": 0.8}, {"kind": "luma"}])
@pytest.mark.parametrize("camera", ["world", "frames"])
def test_outside_a_mask_a_flight_that_loops_is_its_source(how: dict[str, Any], tmp_path: Path, camera: str) -> None:
    photo = write_image(tmp_path / "photo.png", texture(seed=3))
    settings = quick(mask=how, camera={"mode": camera, "zoom": 3}, input={"seconds": 0.5, "fps": "12", "loop": True})
    output = tmp_path / "flight.mkv"
    run.dream_zoom(str(photo), output, settings, KEEP)
    opened = source_of("zoom", str(photo), settings)
    for frame, dreamed in zip(opened.frames(opened.plan.frames), stored(output), strict=True):
        assert frame.mask is not None and 0 < (frame.mask == 0).mean() < 1
        assert np.array_equal(dreamed[frame.mask == 0], frame.image[frame.mask == 0])
        assert not np.array_equal(dreamed, frame.image)


@pytest.mark.parametrize("frames", [None, "1:22"])
def test_what_moves_is_masked_in_a_video_that_loops(frames: str | None, tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mkv", drifting(24))
    how = quick(mask={"kind": "motion"}, input={"loop": True, "frames": frames})
    opened = source_of("video", str(clip), how)
    (once,) = opened.frames(opened.plan.frames[-1:])
    *_, last = opened.frames(opened.plan.frames)
    assert once.mask is not None and last.mask is not None
    assert np.array_equal(once.mask, last.mask) and last.mask.mean() > 0.5


def test_a_still_is_dreamed_where_its_mask_is(disc: Path, tmp_path: Path) -> None:
    photo = write_image(tmp_path / "photo.png", texture(seed=3))
    run.dream_image(str(photo), tmp_path / "out.png", quick(mask={"file": str(disc), "feather": 0}))
    changed = (read_image(tmp_path / "out.png") != texture(seed=3)).any(axis=2)
    assert not changed[:, :10].any() and changed[20:28, 28:36].all()


MASKS: dict[str, dict[str, Any]] = {"luma": {"kind": "luma"}, "motion": {"kind": "motion", "low": 0.1, "high": 0.9}}


@pytest.mark.parametrize("kind", [*MASKS, "file"])
@pytest.mark.parametrize("count", [1, 4])
def test_a_masked_job_that_stops_goes_on_with_the_same_bytes(
    clip: Path, disc: Path, tmp_path: Path, kind: str, count: int
) -> None:
    settings = quick(mask=MASKS.get(kind, {"file": str(disc)}))
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    run.dream_video(str(clip), whole, settings, KEEP)
    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, settings, stop_after(count))
    run.dream_video(str(clip), output, settings, KEEP)
    assert all(np.array_equal(one, other) for one, other in zip(stored(whole), stored(output), strict=True))


def test_another_mask_is_another_job(clip: Path, tmp_path: Path) -> None:
    file, output = write_image(tmp_path / "mask.png", texture(seed=1)), tmp_path / "dream.mkv"

    with pytest.raises(KeyboardInterrupt):
        run.dream_video(str(clip), output, quick(mask={"file": str(file)}), stop_after(2))
    write_image(file, texture(seed=2))
    with pytest.raises(JobError, match="mask"):
        run.dream_video(str(clip), output, quick(mask={"file": str(file)}))


def test_strength_under_a_soft_mask_neither_fades_nor_grows(disc: Path, tmp_path: Path) -> None:
    """Where half of the dream is seen as well: each frame's layer is masked once, however often it was carried."""
    frames = [np.clip(picture, 60, 190) for picture in drifting(16, rows=0, cols=1)]
    still = film(tmp_path / "long.mkv", frames, sound=False)
    rms: dict[str, list[float]] = {}
    for name, how in (("half", {"file": str(half_grey(tmp_path))}), ("open", {})):
        run.dream_video(str(still), tmp_path / f"{name}.mkv", quick(mask=how), KEEP)
        layers = zip(stored(tmp_path / f"{name}.mkv"), seen(still), strict=True)
        rms[name] = [float((dreamed.astype(float) - frame.image).std()) for dreamed, frame in layers]
    ratios = np.array(rms["half"]) / np.array(rms["open"])
    assert np.abs(ratios - 0.5).max() < 0.1


def half_grey(folder: Path) -> Path:
    return write_image(folder / "grey.png", levels(np.full((HEIGHT, WIDTH), 128)))


# What is refused


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"file": "a.png", "kind": "luma"}, "give mask.file a.png or mask.kind luma, not both"),
        ({"invert": True}, "mask.invert needs a mask"),
        ({"kind": "luma", "low": 0.7}, r"mask\.low 0\.7 must be below mask\.high 0\.6"),
        ({"kind": "depth"}, "mask.kind"),
    ],
)
def test_a_mask_that_makes_no_sense_is_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        quick(mask=how)


def test_what_cannot_be_had_is_said_before_anything_is_dreamed(clip: Path, tmp_path: Path) -> None:
    photo = write_image(tmp_path / "photo.png", texture())
    with pytest.raises(SettingsError, match="motion needs a film"):
        run.dream_image(str(photo), tmp_path / "out.png", quick(mask={"kind": "motion"}))
    output = tmp_path / "out.mkv"
    with pytest.raises(SourceError, match=r"gone\.png: there is no such file"):
        run.dream_video(str(clip), output, quick(mask={"file": str(tmp_path / "gone.png")}))
    with pytest.raises(SettingsError, match="is a film, and a loop has no end"):
        looping = quick(mask={"file": str(clip)}, camera={"zoom": 9}, input={"seconds": 0.5, "loop": True})
        run.dream_zoom(str(photo), output, looping)
    assert not output.exists()


# Masks that move with time


def test_a_mask_opens_as_its_levels_move(clip: Path) -> None:
    """At first no place is bright enough, at last all are."""
    settings = quick(mask={"kind": "luma", "low": "0:0.98, 5f:0", "high": "0:0.99, 5f:0.001", "feather": 0.0})
    found = source_of("video", str(clip), settings).frames(range(COUNT))
    shares = [frame.mask.mean() for frame in found if frame.mask is not None]
    assert len(shares) == COUNT
    assert shares[0] == 0 and shares[-1] > 0.99
    assert shares == sorted(shares)


def test_a_film_under_a_mask_that_moves_is_its_source_where_that_is_closed(clip: Path, tmp_path: Path) -> None:
    settings = quick(mask={"kind": "luma", "low": "0:0.98, 5f:0", "high": "0:0.99, 5f:0.001"}, output={"codec": "ffv1"})
    output = tmp_path / "out.mkv"
    run.dream_video(str(clip), output, settings, KEEP)
    made, plain = (
        stored(output),
        [frame.image for frame in source_of("video", str(clip), settings).frames(range(COUNT))],
    )
    assert np.array_equal(made[0], plain[0])
    assert not np.array_equal(made[-1], plain[-1])


def test_levels_that_cross_are_told_with_their_frame(clip: Path, tmp_path: Path) -> None:
    settings = quick(mask={"kind": "luma", "low": "0:0.1, 5f:0.9", "high": 0.6})
    with pytest.raises(SettingsError, match=r"mask.low: .*at frame .*must be below mask.high"):
        run.dream_video(str(clip), tmp_path / "out.mp4", settings)


def half_sky(contrast: float = 80.0, grain: float = 0.0) -> Pixels:
    """A sky that shades from left to right, above ground with detail."""
    rows, cols, chance = *np.mgrid[:180, :320], np.random.default_rng(0)
    grey = 120.0 + cols / 8 + grain * chance.standard_normal(rows.shape)
    ground = contrast * np.sign(np.sin(rows / 3.0) * np.sin(cols / 4.0))
    return levels(np.clip(np.where(rows > 90, grey + ground, grey), 0, 255))


@pytest.mark.parametrize(("contrast", "grain"), [(80.0, 0.0), (80.0, 4.0), (12.0, 0.0)])
def test_flat_places_keep_their_share_of_the_dream_and_those_with_detail_all(contrast: float, grain: float) -> None:
    kept = kept_where_flat(half_sky(contrast, grain), 0.25)
    assert kept[:45].max() < 0.35 and kept[:45].min() >= 0.25
    assert kept[120:, 20:-20].min() > 0.95


@pytest.mark.parametrize("value", [0, 90, 255])
def test_a_picture_of_one_colour_has_no_flat_places(value: int) -> None:
    assert (kept_where_flat(levels(np.full((90, 120), value)), 0.25) == 1).all()


def test_what_flat_places_keep_lies_under_a_mask_and_is_nothing_for_a_flight(clip: Path, disc: Path) -> None:
    alone, both = seen(clip, flat=0.25), seen(clip, flat=0.25, kind="luma")
    luma = seen(clip, kind="luma")
    for one, two, three in zip(alone, both, luma, strict=True):
        assert one.mask is not None and two.mask is not None and three.mask is not None
        assert 0.25 <= one.mask.min() < 1 and np.array_equal(one.mask, np.rint(one.mask * 255) / np.float32(255))
        assert np.abs(two.mask - one.mask * three.mask).max() <= 1.5 / 255
    flight = source_of("zoom", str(disc), quick(mask={"flat": 0.25}))
    assert all(frame.mask is None for frame in flight.frames(flight.plan.frames[:2]))


def test_a_picture_that_stands_still_rests_though_its_flat_places_keep_little(tmp_path: Path) -> None:
    clip = film(tmp_path / "still.mp4", [half_sky()[:HEIGHT, :WIDTH]] * 3)
    run.dream_video(str(clip), tmp_path / "dream.mp4", quick(mask={"flat": 0.25}), KEEP)
    first, *later = stored(tmp_path / "dream.mp4")
    assert all(np.array_equal(first, other) for other in later)
