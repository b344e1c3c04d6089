"""Films of other matrices, ranges, depths and transfers, and with alpha."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from media.clips import run

from odd.case import Film, case, cases
from odd.making import encode, pictures
from odd.picture import COLOURS, Colours, picture

SHARP = ("-c:v", "libx264", "-preset", "veryfast", "-qp", "2", "-pix_fmt", "yuv420p")
TAGGED = (
    "scale=out_color_matrix={m}:out_range={r},format=yuv420p,setparams=colorspace={m}:color_primaries={m}:range={r}"
)
for matrix in ("bt709", "smpte170m", "bt470bg"):
    for span in ("tv", "pc"):
        case(f"{matrix}_{span}.mp4", Film())(
            lambda path, matrix=matrix, span=span: encode(path, "-vf", TAGGED.format(m=matrix, r=span), *SHARP)
        )


def large(height: int, width: int) -> list[npt.NDArray[np.uint8]]:
    return [picture(number, height, width) for number in range(4)]


@case("untagged_hd.mp4", Film(shows=(0, 1, 2, 3), size=(1280, 720)))
def untagged_hd(path: Path) -> None:
    """As many recorders write it: BT.709, and nothing says so."""
    encode(path, "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", *SHARP, shown=large(720, 1280))


@case("untagged_sd.avi", Film())
def untagged_sd(path: Path) -> None:
    encode(path, "-vf", "scale=out_color_matrix=smpte170m:out_range=tv,format=yuv420p", *SHARP)


@case("tagged_601_hd.mp4", Film(shows=(0, 1, 2, 3), size=(1280, 720)))
def tagged_601_hd(path: Path) -> None:
    """HD of BT.601, as some phones and converters write it, and say so."""
    encode(path, "-vf", TAGGED.format(m="smpte170m", r="tv"), *SHARP, shown=large(720, 1280))


@case("yuvj.mp4", Film())
def yuvj(path: Path) -> None:
    """Full range, as the cameras of phones have it."""
    encode(path, "-vf", "scale=out_color_matrix=smpte170m:out_range=pc,format=yuvj420p", *SHARP[:-1], "yuvj420p")


for name, codec, pixels in (
    ("ten_bits.mp4", "libx264", "yuv420p10le"),
    ("ten_bits_444.mp4", "libx264", "yuv444p10le"),
    ("twelve_bits.mkv", "libx265", "yuv420p12le"),
    ("sixteen_bits.mkv", "ffv1", "yuv444p16le"),
    ("sixteen_bits_rgb.mkv", "ffv1", "gbrp16le"),
):
    quiet = ("-x265-params", "log-level=error") if codec == "libx265" else ()
    crf = ("-crf", "8") if codec != "ffv1" else ()
    case(name, Film())(lambda path, how=("-c:v", codec, *crf, *quiet, "-pix_fmt", pixels): encode(path, *how))

TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
TO_P3 = np.array([[0.8225, 0.1775, 0], [0.0332, 0.9668, 0], [0.0171, 0.0724, 0.9105]])
WIDE = {"uhd_2020_sdr.mp4": (TO_2020, "bt2020", "bt2020nc"), "display_p3.mp4": (TO_P3, "smpte432", "bt709")}
for name, (wider, primaries, matrix) in WIDE.items():

    @case(name, Film())
    def wide(path: Path, wider=wider, primaries=primaries, matrix=matrix) -> None:
        """Wide gamut without HDR, seen on a screen of a gamma of 2.4: the colours are brought into sRGB."""
        shown = [255 * ((image / 255) ** 2.4 @ wider.T) ** (1 / 2.4) for image in pictures()]
        encode(
            path,
            "-vf",
            f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p10le,setparams=colorspace={matrix}:"
            f"color_primaries={primaries}:color_trc=bt709",
            "-c:v",
            "libx264",
            "-qp",
            "2",
            shown=[np.rint(image).astype(np.uint8) for image in shown],
        )


# HDR: what is white at 203 candelas stands for white, as ITU-R BT.2408 has it.


def linear(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Light of sRGB, in primaries of BT.2020."""
    value = image / 255.0
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.clip(light @ TO_2020.T, 0, 1)


def pq(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    power = (light * 203 / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """White at 75 % of the signal; the system gamma of 1.2 undone by luminance."""
    luminance = np.maximum(light @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
    scene = 0.203 * light * (0.203 * luminance) ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


HDR = {"pq": (pq, "smpte2084"), "hlg": (hlg, "arib-std-b67")}
# A tone map moves them; hue and order of brightness stay.
for name, (curve, transfer) in HDR.items():

    @cases(f"hdr_{name}.mp4", Film(fidelity=16), ("", "film.mp4"))
    def hdr(path: Path, curve=curve, transfer=transfer) -> None:
        shown = [np.rint(65535 * curve(linear(image))).astype("<u2") for image in pictures()]
        tags = f"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:crf=8"
        run(
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb48le",
            "-s",
            "160x96",
            "-r",
            "25",
            "-i",
            "pipe:0",
            "-vf",
            "scale=out_color_matrix=bt2020nc:out_range=tv,format=yuv420p10le",
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            tags,
            "-tag:v",
            "hvc1",
            f"file:{path}",
            data=b"".join(image.tobytes() for image in shown),
        )


# Alpha: over black

HALF = "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(gt(Y,32)*lt(Y,80),128,255)'"
HALVED: Colours = {name: tuple(round(level * 128 / 255) for level in colour) for name, colour in COLOURS.items()}  # type: ignore[misc]
ALPHA = {
    "alpha_vp9.webm": (
        "-c:v",
        "libvpx-vp9",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-crf",
        "8",
        "-b:v",
        "0",
        "-pix_fmt",
        "yuva420p",
        "-auto-alt-ref",
        "0",
    ),
    "alpha_vp8.webm": ("-c:v", "libvpx", "-b:v", "4M", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"),
    "alpha_prores.mov": ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"),
    "alpha_qtrle.mov": ("-c:v", "qtrle", "-pix_fmt", "argb"),
    "alpha_png.mov": ("-c:v", "png", "-pix_fmt", "rgba"),
    "alpha_ffv1.mkv": ("-c:v", "ffv1", "-pix_fmt", "bgra"),
    "alpha_utvideo.avi": ("-c:v", "utvideo", "-pix_fmt", "gbrap"),
    "alpha_cineform.mov": ("-c:v", "cfhd", "-pix_fmt", "gbrap12le"),
    "alpha_raw.mov": ("-c:v", "rawvideo", "-pix_fmt", "rgba"),
}
for name, how in ALPHA.items():
    deep = ",format=rgba64le" if "gbrap12le" in how else ""  # or ffmpeg would not scale the alpha of 8 bits
    case(name, Film(colours=HALVED, fidelity=32))(
        lambda path, how=how, deep=deep: encode(path, "-vf", HALF + deep, *how)
    )
