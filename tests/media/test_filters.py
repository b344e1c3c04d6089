"""Colours of sources that do not say how theirs are stored."""

import itertools
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvid.core.errors import SourceError
from dreamvid.media import filters, probe
from dreamvid.media.ffmpeg import SCALER

from . import clips

GREEN = (12, 220, 2)
RIGHT = ("720x1280", "1280x96", "160x720")


@pytest.mark.parametrize("size", [*RIGHT, "854x480", "720x576"])
@pytest.mark.parametrize("tagged", [True, False])
def test_untagged_colours_are_read_as_players_read_them(
    size: str, tagged: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    matrix = "bt709" if size in RIGHT else "smpte170m"
    colour = (
        f"color=c=0x{bytes(GREEN).hex()}:s={size}:r=25,scale=out_color_matrix={matrix}:flags={SCALER},format=yuv420p"
    )
    said = matrix if tagged else "unknown"
    path = tmp_path / "green.mkv"
    graph = f"{colour},setparams=colorspace={said}"
    clips.run("-f", "lavfi", "-i", graph, "-frames:v", "2", "-c:v", "libx264", "-qp", "4", str(path))
    with caplog.at_level(logging.DEBUG):
        info = probe.probe(str(path))
    assert ("read as BT.709" in caplog.text) == (size in RIGHT and not tagged)
    assert np.abs(clips.images(info)[1].astype(int) - GREEN).max() <= 2


def labelled(path: Path, matrix: str, planes: np.ndarray) -> Path:
    """A clip of one colour, in planes of 4:4:4 and full range."""
    tags = ["-pix_fmt", "yuv444p", "-color_range", "pc", "-colorspace", matrix]
    raw = ["-f", "rawvideo", "-s", "32x32", "-r", "25", *tags, "-i", "pipe:0"]
    data = np.repeat(planes.astype(np.uint8), 32 * 32).tobytes()
    clips.run(*raw, "-c:v", "libx264", "-qp", "1", *tags, str(path), data=data * 2)
    return path


def test_ycgco_is_read(tmp_path: Path) -> None:
    red, green, blue = 190, 50, 46
    luma = (red + 2 * green + blue) / 4
    planes = np.rint([luma, green - luma + 128, (red - blue) / 2 + 128])
    info = probe.probe(str(labelled(tmp_path / "screen.mkv", "ycgco", planes)))
    assert np.abs(clips.images(info)[1].astype(int) - (red, green, blue)).max() <= 2


def test_a_matrix_that_nothing_reads_is_named(tmp_path: Path) -> None:
    path = labelled(tmp_path / "odd.mkv", "ictcp", np.array([90, 128, 128]))
    with pytest.raises(SourceError, match=r"^odd\.mkv has colours of the matrix ictcp, which cannot be read"):
        probe.probe(str(path))


def test_hues_of_hlg_stay(tmp_path: Path) -> None:
    """Red, green and blue of BT.709 at 80 candelas: by a gamma of each channel alone, two of three would clip."""
    primaries = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    light = (0.078 * np.eye(3) + 0.002) @ primaries.T
    scene = light * (light @ np.array([0.2627, 0.6780, 0.0593]))[:, None] ** (1 / 1.2 - 1)
    signal = np.where(
        scene <= 1 / 12,
        np.sqrt(3 * scene),
        0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073,
    )
    code = np.repeat(64 + 876 * signal[:, [1, 2, 0]].T, 32, axis=1)  # planes of G, B and R, in bars of 32 columns
    planes = np.rint(np.repeat(code[:, None], 64, axis=1)).astype("<u2")
    path = tmp_path / "phone.mkv"
    tags = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc:range=tv"
    clips.run(
        *("-f", "rawvideo", "-pix_fmt", "gbrp10le", "-s", "96x64", "-i", "pipe:0", "-vf"),
        f"setparams=range=tv,zscale=matrix=2020_ncl:matrixin=gbr:range=tv:rangein=tv,format=yuv444p10le,{tags}",
        *("-c:v", "ffv1", str(path)),
        data=planes.tobytes(),
    )
    (image,) = clips.images(probe.probe(str(path)))
    for number, shown in enumerate(image[32, 16::32].astype(int)):
        others = np.delete(shown, number)
        assert shown[number] > 120
        assert 5 < others.min() <= others.max() < others.min() + 8 < 60


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("untold", ["colorspace", "color_primaries", "colorspace+color_primaries"])
def test_hdr_that_does_not_say_more_is_read_as_bt2020(
    transfer: str, untold: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tags = {"colorspace": "bt2020nc", "color_primaries": "bt2020", "color_trc": transfer}
    shown = []
    for name, left_out in (("tagged.mkv", ()), ("untold.mkv", untold.split("+"))):
        told = {key: "unknown" if key in left_out else value for key, value in tags.items()}
        graph = "testsrc2=s=160x96:r=25,scale=out_color_matrix=bt2020nc:out_range=tv,format=yuv420p10le,setparams="
        graph += ":".join(f"{key}={value}" for key, value in told.items())
        clips.run("-f", "lavfi", "-i", graph, "-frames:v", "2", "-c:v", "ffv1", str(tmp_path / name))
        with caplog.at_level(logging.INFO):
            shown.append(clips.images(probe.probe(str(tmp_path / name))))
        assert ("read as BT.2020" in caplog.text) == bool(left_out)
    np.testing.assert_array_equal(*shown)


SDR = ("bt709", "bt709", "bt709")
HLG = ("bt2020nc", "bt2020", "arib-std-b67")
PQ = ("bt2020nc", "bt2020", "smpte2084")


def part(path: Path, colours: tuple[str, str, str], *how: str) -> Path:
    """Twelve frames in H.264, whose stream tells these colours: matrix, primaries, transfer."""
    matrix, primaries, transfer = colours
    tags = f"setparams=colorspace={matrix}:color_primaries={primaries}:color_trc={transfer}:range=tv"
    scene = f"testsrc2=s=160x96:r=25,scale=out_color_matrix={matrix.replace('unknown', 'bt601')}:out_range=tv"
    graph = f"{scene},format=yuv420p,{tags}"
    clips.run("-f", "lavfi", "-i", graph, "-frames:v", "12", *(how or ("-c:v", "libx264", "-g", "6")), str(path))
    return path


def joined(path: Path, *parts: Path) -> Path:
    names = path.with_suffix(".txt")
    names.write_text("".join(f"file '{part}'\n" for part in parts))
    clips.run("-f", "concat", "-safe", "0", "-i", str(names), "-c", "copy", str(path))
    return path


X265 = ("-c:v", "libx265", "-x265-params", "log-level=error:repeat-headers=1:keyint=6")


@pytest.mark.parametrize(
    ("runs", "how", "turns"),
    [
        ((SDR, HLG, SDR), (), "is SDR and HLG by turns"),
        ((PQ, SDR, HLG), (), "is PQ and SDR and HLG by turns"),
        ((HLG, SDR), X265, "is HLG and SDR by turns"),
        ((SDR, ("smpte170m", "smpte170m", "smpte170m")), (), ""),
    ],
)
def test_colours_that_turn_are_each_read_as_what_they_are(
    runs: tuple[tuple[str, str, str], ...],
    how: tuple[str, ...],
    turns: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    parts = [part(tmp_path / f"{number}.ts", colours, *how) for number, colours in enumerate(runs)]
    right = np.concatenate([clips.images(probe.probe(str(path))) for path in parts])
    with caplog.at_level(logging.INFO):
        info = probe.probe(str(joined(tmp_path / "all.ts", *parts)))
    assert turns in caplog.text and ("by turns" in caplog.text) == bool(turns)
    np.testing.assert_array_equal(clips.images(info), right)
    for wanted in (range(3, 9), range(15, 20), range(10, 14), [2, 13, 23]):
        np.testing.assert_array_equal(clips.images(info, wanted), right[list(wanted)])


def test_colours_turn_in_a_damaged_film_where_they_do(tmp_path: Path) -> None:
    whole = joined(tmp_path / "all.ts", *(part(tmp_path / f"{kind[2]}.ts", kind) for kind in (SDR, HLG)))
    late = tmp_path / "late.ts"
    clips.run("-i", str(whole), "-c", "copy", "-copyinkf", "-bsf:v", "noise=drop='lt(n,2)':amount=0", str(late))
    right, info = clips.images(probe.probe(str(whole))), probe.probe(str(late), tolerate_damage=True)
    assert 0 < len(info.damaged) < 6
    for image, wanted in itertools.zip_longest(clips.images(info)[::-1][:18], right[::-1][:18]):
        assert np.abs(image.astype(int) - wanted).max() <= 1


def test_a_film_whose_pixel_format_turns_with_its_colours_is_read(tmp_path: Path) -> None:
    deep = (*X265, "-pix_fmt", "yuv420p10le")
    parts = [part(tmp_path / "sdr.ts", SDR, *X265), part(tmp_path / "hlg.ts", HLG, *deep)]
    right = np.concatenate([clips.images(probe.probe(str(path))) for path in parts])
    info = probe.probe(str(joined(tmp_path / "all.ts", *parts)))
    np.testing.assert_array_equal(clips.images(info), right)
    np.testing.assert_array_equal(clips.images(info, [15])[0], right[15])


@pytest.mark.parametrize("alpha", [True, False])
def test_alpha_of_a_palette_lies_over_black(alpha: bool, tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (256, 4), dtype=np.uint8)
    colours[: 64 if alpha else 256, 3] = 255
    fields = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(4, 0).repeat(4, 1)
    still = Image.frombytes("P", fields.shape, fields.tobytes())
    still.putpalette(colours[:, :3].tobytes())
    still.save(tmp_path / "p.png", **({"transparency": colours[:, 3].tobytes()} if alpha else {}))
    clips.run("-i", str(tmp_path / "p.png"), "-c", "copy", str(tmp_path / "p.mov"))
    (image,) = clips.images(probe.probe(str(tmp_path / "p.mov")))
    right = (colours[:, :3] * (colours[:, 3:] / 255))[fields]
    opaque = colours[:, 3][fields] == 255
    np.testing.assert_array_equal(image[opaque], right[opaque])
    assert np.abs(image - right).max() < 1


# Of SMPTE EG 432-1 and ITU-R BT.2020: what in light is one primary, in those of BT.709
TO_BT709 = {
    "smpte432": [[1.2249, -0.2249, 0], [-0.0421, 1.0421, 0], [-0.0196, -0.0786, 1.0983]],
    "bt2020": [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    "bt709": np.eye(3),
    "unknown": np.eye(3),
    "smpte170m": np.eye(3),
}
FIELDS = np.array([(255, 0, 0), (234, 51, 35), (224, 172, 105), (0, 128, 0), (60, 90, 200), (128,) * 3, (255,) * 3])


@pytest.mark.parametrize("primaries", TO_BT709)
@pytest.mark.parametrize("transfer", ["bt709", "unknown", "iec61966-2-1", "bt2020-10"])
@pytest.mark.parametrize("form", ["yuv444p10le", "gbrp", "yuva444p"])
def test_wide_gamut_becomes_bt709(primaries: str, transfer: str, form: str, tmp_path: Path) -> None:
    data = np.repeat(FIELDS[None], 16, 0).repeat(16, 1).astype(np.uint8)
    matrix = "gbr" if form == "gbrp" else "bt709"
    scaled = "" if form == "gbrp" else "scale=out_color_matrix=bt709:out_range=tv,"
    graph = f"{scaled}format={form},setparams=colorspace={matrix}:color_primaries={primaries}:color_trc={transfer}"
    path = tmp_path / "wide.mkv"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{16 * len(FIELDS)}x16", "-i", "pipe:0"]
    clips.run(*raw, "-vf", graph, "-c:v", "ffv1", str(path), data=data.tobytes())
    info = probe.probe(str(path))
    level = FIELDS / 255
    if transfer == "iec61966-2-1":
        light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    else:
        light = level**2.4  # of a screen, as ITU-R BT.1886 has it
    light = np.clip(light @ np.transpose(TO_BT709[primaries]), 0, 1)
    if transfer == "iec61966-2-1":
        right = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    else:
        right = light ** (1 / 2.4)
    shown = clips.images(info)[0][8, 8::16].astype(int)
    assert ("zscale" in info.filters) == (primaries in ("smpte432", "bt2020"))
    assert np.abs(shown - 255 * right).max() <= (3 if form == "yuva444p" else 2)
    assert np.ptp(shown[5:], axis=1).max() <= 1


def test_white_of_cinemas_and_untold_matrices_are_read(tmp_path: Path) -> None:
    shown = []
    for primaries in ("bt709", "smpte431"):
        path = tmp_path / f"{primaries}.mkv"
        graph = f"color=c=0xB0B0B0:s=64x48:r=25,format=yuv420p,setparams=colorspace=unknown:color_primaries={primaries}"
        clips.run("-f", "lavfi", "-i", graph, "-frames:v", "1", "-c:v", "ffv1", str(path))
        shown.append(clips.images(probe.probe(str(path)))[0].astype(int))
    assert np.abs(shown[0] - shown[1]).max() <= 1


def test_colours_that_turn_to_and_fro_too_often_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [part(tmp_path / f"{number}.ts", colours) for number, colours in enumerate((SDR, HLG, SDR))]
    monkeypatch.setattr(filters, "RUNS", 2)
    with pytest.raises(SourceError, match=r"^all\.ts turns from SDR to HDR or back 2 times: convert all of it"):
        probe.probe(str(joined(tmp_path / "all.ts", *parts)))
