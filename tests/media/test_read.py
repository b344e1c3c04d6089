import itertools
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.core.framing import Framing, frame_to
from dreamvid.core.types import SourceInfo
from dreamvid.media import probe, read
from dreamvid.media.ffmpeg import Ffmpeg

from . import clips
from .conftest import Clip, Probed

FILMS = [
    "good.mp4",
    "good.mkv",
    "varying.mp4",
    "wide_pixels.mp4",
    "odd.mp4",
    "stream.ts",
    "open_gop.mp4",
    "edit_list.mp4",
    "turned.mp4",
    "interlaced.mp4",
    "ten_bits.mp4",
    "av1.mp4",
    "moving.gif",
    "bare.h264",
]


@pytest.fixture(params=[*FILMS, "frames", "still.png"])
def source(request: pytest.FixtureRequest, probed: Probed, shown: dict[str, list[int]]) -> tuple[SourceInfo, list[int]]:
    """A source, and what its frames show; the turned one is turned back for its barcode by the tests."""
    info = probed(request.param)
    return info, shown.get(request.param, list(range(info.frames)))


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


LAYOUTS = ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuvj444p", "yuv420p10le"]


def exact(planes: list[np.ndarray], matrix: str, full: bool) -> np.ndarray:
    """RGB in [0, 255], not rounded, of 8-bit planes; chroma is spread over its block, so only flat pictures compare."""
    red, blue = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114)}[matrix]
    luma = planes[0] if full else (planes[0] - 16) * 255 / 219
    rows, cols = luma.shape
    wide = [np.kron(plane, np.ones((rows // plane.shape[0], cols // plane.shape[1]))) for plane in planes[1:]]
    cb, cr = ((plane - 128) * (1 if full else 255 / 224) for plane in wide)
    r, b = luma + 2 * (1 - red) * cr, luma + 2 * (1 - blue) * cb
    return np.clip(np.stack([r, (luma - red * r - blue * b) / (1 - red - blue), b], axis=-1), 0, 255)


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_colours_are_those_of_an_exact_conversion(layout: str, matrix: str, tmp_path: Path) -> None:
    """Of fields of one colour each; half a level is lost by rounding, and little more."""
    fields = np.random.default_rng(0).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    raw = fields.repeat(16, 0).repeat(16, 1).tobytes()
    full = layout.startswith("yuvj")
    span = "pc" if full else "tv"
    to_yuv = f"scale=out_color_matrix={matrix}:out_range={span},setparams=colorspace={matrix}:range={span}"
    path = tmp_path / "fields.mkv"
    how = ["-vf", to_yuv, "-c:v", "libx264", "-qp", "0", "-pix_fmt", layout]
    clips.run("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "160x96", "-i", "pipe:0", *how, str(path), data=raw)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    deep = frame.format.components[0].bits - 8
    planes = [
        np.frombuffer(bytes(plane), np.uint16 if deep else np.uint8).reshape(plane.height, -1)[:, : plane.width]
        / 2**deep
        for plane in frame.planes
    ]
    inner = np.s_[6::16, 6::16]  # far from the edges of each field, where chroma is interpolated
    difference = clips.images(probe.probe(str(path)))[0][inner] - exact(planes, matrix, full)[inner]
    assert np.abs(difference).max() <= 0.65
    assert np.abs(difference.mean((0, 1))).max() <= 0.15


def test_reading_is_lazy_and_closing_ends_the_decoder(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Ffmpeg] = []

    class Noted(Ffmpeg):
        def __enter__(self) -> Ffmpeg:
            started.append(self)
            return super().__enter__()

    monkeypatch.setattr(read, "Ffmpeg", Noted)
    info = probed("good.mp4")
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


def test_frames_that_nobody_reads_to_their_end_do_not_abort_the_interpreter(clip: Clip) -> None:
    """What holds them, such as a mask of a film that is shorter, may live until Python ends."""
    code = (
        "import sys\n"
        "from dreamvid.core.framing import Framing\n"
        "from dreamvid.media.probe import probe\n"
        "from dreamvid.media.read import read\n"
        "info = probe(sys.argv[1])\n"
        "size = info.height, info.width\n"
        "sys.held = read(info, Framing((0, size[0]), (0, size[1]), size, size), range(info.frames))\n"
        "print(next(sys.held).index)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(clip("good.mp4"))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
