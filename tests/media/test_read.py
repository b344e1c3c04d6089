import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.core.framing import Framing, frame_to
from dreamvid.core.types import SourceInfo
from dreamvid.media import read
from dreamvid.media.ffmpeg import Ffmpeg

from . import clips
from .conftest import Probed

PLAIN = [
    "good.mp4",
    "good.mkv",
    "varying.mp4",
    "wide_pixels.mp4",
    "odd.mp4",
    "stream.ts",
    "open_gop.mp4",
    "edit_list.mp4",
    "turned.mp4",
]
PIPED = ["interlaced.mp4", "ten_bits.mp4", "av1.mp4", "moving.gif", "bare.h264"]
# One contract for every reader: each clip by the reader that was chosen, and the plain ones by our pipe as well.
CASES = [*((name, "") for name in (*PLAIN, *PIPED, "frames", "still.png")), *((name, "ffmpeg") for name in PLAIN[:3])]


@pytest.fixture(params=CASES, ids="-".join)
def source(request: pytest.FixtureRequest, probed: Probed, shown: dict[str, list[int]]) -> tuple[SourceInfo, list[int]]:
    """A source, and what its frames show; the turned one is turned back for its barcode by the tests."""
    name, reader = request.param
    info = probed(name)
    return replace(info, reader=reader or info.reader), shown.get(name, list(range(info.frames)))


def numbers(info: SourceInfo, wanted: list[int]) -> list[int]:
    """What the frames show, whichever way up they are."""
    quarter = -1 if info.height > info.width else 0
    return [clips.number_of(np.rot90(image, quarter)) for image in clips.images(info, wanted)]


def test_all_frames(source: tuple[SourceInfo, list[int]]) -> None:
    info, shown = source
    assert numbers(info, list(range(info.frames))) == shown


def test_any_frames(source: tuple[SourceInfo, list[int]]) -> None:
    info, shown = source
    for wanted in (list(range(info.frames // 2, info.frames)), list(range(0, info.frames, 3)), []):
        assert numbers(info, wanted) == [shown[index] for index in wanted]


def test_what_a_frame_is(source: tuple[SourceInfo, list[int]]) -> None:
    info, _ = source
    last = info.frames - 1
    frames = list(read.read(info, clips.untouched(info), [last]))
    assert [(frame.index, frame.time) for frame in frames] == [(last, info.times[last])]
    assert frames[0].image.shape == (info.height, info.width, 3)
    assert frames[0].image.dtype == np.uint8
    for wanted in ([0, 0], [-1], [info.frames]):
        with pytest.raises(ValueError, match="strictly rising"):
            next(read.read(info, clips.untouched(info), wanted))


@pytest.mark.parametrize("name", PLAIN)
def test_opencv_and_our_pipe_give_the_same_bytes(name: str, probed: Probed) -> None:
    info = probed(name)
    assert info.reader == "opencv"
    ours = clips.images(replace(info, reader="ffmpeg"))
    for left, right in zip(clips.images(info), ours, strict=True):
        np.testing.assert_array_equal(left, right)


def test_reading_is_lazy_and_closing_ends_the_decoder(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Ffmpeg] = []

    class Noted(Ffmpeg):
        def __enter__(self) -> Ffmpeg:
            started.append(self)
            return super().__enter__()

    monkeypatch.setattr(read, "Ffmpeg", Noted)
    info = replace(probed("good.mp4"), reader="ffmpeg")
    frames = read.read(info, clips.untouched(info), range(info.frames))
    assert not started
    assert clips.number_of(next(frames).image) == 0
    assert started[0]._process.poll() is None
    frames.close()  # type: ignore[attr-defined]
    assert started[0]._process.poll() is not None


def test_a_mirrored_picture_is_mirrored(probed: Probed) -> None:
    plain, mirrored = (clips.images(probed(name), [5])[0] for name in ("good.mp4", "mirrored.mp4"))
    assert np.abs(mirrored.astype(int) - plain[:, ::-1]).mean() < 1


def test_a_quarter_turn_is_turned(probed: Probed) -> None:
    plain, turned = (clips.images(probed(name), [5])[0] for name in ("good.mp4", "turned.mp4"))
    assert np.abs(turned.astype(int) - np.rot90(plain)).mean() < 1


def test_a_picture_that_its_container_crops_is_cropped(probed: Probed) -> None:
    image = clips.images(probed("cropped.mkv"), [5])[0].astype(int)
    assert np.abs(image - clips.picture(5)[:80, 16:]).mean() < 5


@pytest.mark.parametrize("name", ["clear.webm", "clear.mov"])
def test_alpha_lies_over_black(name: str, probed: Probed) -> None:
    image = clips.images(probed(name), [4])[0].astype(int)
    assert image[:, :76].max() <= 2
    assert np.abs(image[:, 84:] - clips.picture(4)[:, 84:]).mean() < 12


def test_interlaced_is_not_black(probed: Probed) -> None:
    image = clips.images(probed("interlaced.mp4"), [4])[0].astype(int)
    assert np.abs(image - clips.picture(4, 96, 160)).mean() < 15


def test_hdr_becomes_a_normal_range(probed: Probed) -> None:
    image = clips.images(probed("hdr.mp4"), [2])[0]
    assert image.min() < 40
    assert image.max() > 200
    assert clips.number_of(image) == 2


def test_the_same_size_leaves_every_byte() -> None:
    image = clips.picture(9)
    same = Framing((0, 90), (0, 160), (90, 160), (90, 160))
    np.testing.assert_array_equal(read.apply(same, image), image)


def test_shrinking_is_the_mean_over_areas() -> None:
    image = clips.picture(9)
    half = read.apply(Framing((0, 90), (0, 160), (45, 80), (45, 80)), image)
    mean = image.reshape(45, 2, 80, 2, 3).mean((1, 3))
    assert np.abs(half - mean).max() <= 0.51


def test_padding_is_black_around_the_middle() -> None:
    image = np.full((90, 160, 3), 200, np.uint8)
    padded = read.apply(Framing((0, 90), (0, 160), (90, 160), (120, 160)), image)
    assert padded.shape == (120, 160, 3)
    assert not padded[:15].any()
    assert not padded[105:].any()
    assert (padded[15:105] == 200).all()


def test_cropping_keeps_the_middle() -> None:
    image = clips.picture(3)
    cropped = read.apply(Framing((10, 80), (20, 140), (70, 120), (70, 120)), image)
    np.testing.assert_array_equal(cropped, image[10:80, 20:140])


@given(
    size=st.tuples(st.integers(16, 80), st.integers(16, 80)),
    wanted=st.tuples(st.integers(16, 80), st.integers(16, 80)),
    fit=st.sampled_from(["crop", "pad", "stretch"]),
    sar=st.sampled_from([Fraction(1), Fraction(4, 3), Fraction(8, 9)]),
)
def test_framing_always_gives_the_size_it_plans(
    size: tuple[int, int], wanted: tuple[int, int], fit: str, sar: Fraction
) -> None:
    framing = frame_to(*size, sar, f"{wanted[1]}x{wanted[0]}", fit)  # type: ignore[arg-type]
    image = read.apply(framing, np.full((*size, 3), 77, np.uint8))
    assert image.shape == (*wanted, 3)
    assert image.flags["C_CONTIGUOUS"]
    values = set(itertools.chain.from_iterable(image.reshape(-1, 3).tolist()))
    assert values <= ({0, 77} if fit == "pad" else {77})
