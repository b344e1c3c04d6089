"""Output formats: containers, codecs, encoders, quality and pixel format, checked before anything is rendered."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from dreamvid.config.settings import OutputSettings
from dreamvid.core.errors import SettingsError, ToolError, nearest
from dreamvid.media import images
from dreamvid.media.ffmpeg import SCALER, pixel_formats

# Suffix -> ffmpeg's muxer, and the codecs it can hold, the default first.
CONTAINERS: dict[str, tuple[str, tuple[str, ...]]] = {
    ".mp4": ("mp4", ("h264", "h265", "av1", "vp9")),
    ".m4v": ("mp4", ("h264", "h265")),
    ".mov": ("mov", ("h264", "h265", "prores")),
    ".mkv": ("matroska", ("h264", "h265", "av1", "vp9", "prores", "ffv1")),
    ".webm": ("webm", ("vp9", "av1")),
    ".gif": ("gif", ("gif",)),
    ".webp": ("webp", ("webp",)),
}
# Codec -> encoders, best first: the binary may lack one, or one may not support the pixel format.
ENCODERS: dict[str, tuple[str, ...]] = {
    "h264": ("libx264", "libx264rgb"),
    "h265": ("libx265",),
    "av1": ("libsvtav1", "libaom-av1"),
    "vp9": ("libvpx-vp9",),
    "prores": ("prores_ks",),
    "ffv1": ("ffv1",),
    "gif": ("gif",),
    "webp": ("libwebp_anim",),
}
USUAL_PIXELS = {"prores": "yuv422p10le", "ffv1": "bgr0", "gif": "pal8", "webp": "bgra"}
FIXED_PIXELS = SQUARE = {"gif", "webp", "png"}
CRF = {"h264": (16, 51), "h265": (18, 51), "av1": (22, 63), "vp9": (20, 63)}  # codec -> our default, the largest

# One palette per frame: a common one would need the whole film in memory.
GIF = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=bayer:bayer_scale=3"


@dataclass(frozen=True)
class Format:
    """Complete description of how a film is written, derived from its name and the output settings.

    `muxer` and `encoder` have ffmpeg's names; both are empty for a folder of PNGs.
    """

    codec: str
    muxer: str = ""
    encoder: str = ""
    pix_fmt: str = "rgb24"
    crf: int = 0

    @property
    def grain(self) -> tuple[int, int]:
        """Return the numbers of rows and columns per chroma sample: height and width must be multiples of them."""
        layout = av.VideoFormat(self.pix_fmt, 16, 16)
        if not self.muxer or layout.is_rgb or self.pix_fmt == "pal8" or len(layout.components) < 3:
            return 1, 1
        return 16 // layout.chroma_height(16), 16 // layout.chroma_width(16)

    def filters(self, sar: Fraction) -> str:
        """Return the filters from RGB frames to the encoder's input: converted to BT.709, tagged so, with `sar` set."""
        shape = f"setsar={sar.numerator}/{sar.denominator}"
        if self.codec == "gif":
            return f"{shape},{GIF}"
        if av.VideoFormat(self.pix_fmt).is_rgb:
            return f"format={self.pix_fmt},{shape}"
        span = "pc" if self.pix_fmt.startswith("yuvj") else "tv"
        return (
            f"scale=out_color_matrix=bt709:out_range={span}:flags={SCALER},format={self.pix_fmt},"
            f"setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range={span},{shape}"
        )

    def arguments(self, threads: int) -> list[str]:
        """Return the arguments of encoder and muxer; threads are fixed, since x264's output depends on their number."""
        crf = str(self.crf)
        own: dict[str, list[str]] = {
            "libx264": ["-preset", "medium", "-crf", crf],
            "libx264rgb": ["-preset", "medium", "-crf", crf],
            "libx265": ["-preset", "medium", "-crf", crf, "-x265-params", self._x265(threads)],
            "libsvtav1": ["-preset", "7", "-crf", crf, "-svtav1-params", f"lp={min(threads, 6)}"],
            "libaom-av1": ["-crf", crf, "-b:v", "0", "-cpu-used", "6", "-row-mt", "1"],
            "libvpx-vp9": ["-crf", crf, "-b:v", "0", "-deadline", "good", "-cpu-used", "3", "-row-mt", "1"],
            "prores_ks": ["-profile:v", "hq", "-vendor", "apl0"],
            "ffv1": ["-level", "3", "-g", "1", "-slices", "4", "-slicecrc", "1"],
            "gif": ["-loop", "0"],
            "libwebp_anim": ["-quality", "90", "-loop", "0"],
        }
        extra = ["-lossless", "1"] if self.encoder == "libvpx-vp9" and not self.crf else []
        extra += ["-tag:v", "hvc1"] if self.codec == "h265" and self.muxer in ("mp4", "mov") else []
        extra += ["-movflags", "+faststart"] if self.muxer in ("mp4", "mov") else []
        exact = ["-threads", str(threads), "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
        return ["-c:v", self.encoder, *own[self.encoder], *extra, *exact, "-f", self.muxer]

    def _x265(self, threads: int) -> str:
        lossless = ":lossless=1" if not self.crf else ""  # crf 0 is not lossless in x265
        return f"log-level=error:pools={threads}:frame-threads=1{lossless}"


def check(output: Path, settings: OutputSettings) -> Format:
    """Return the format in which the film will be written; call it before anything is rendered.

    A name without a suffix, or an existing folder, becomes a folder of PNGs. Raises SettingsError where the suffix is
    unknown, the container cannot hold the codec, crf or pix_fmt do not apply, or the output's folder is missing or not
    writable; ToolError where this ffmpeg lacks the encoder.
    """
    check_place(output)
    codec, muxer = _codec(output, settings.codec)
    crf, largest = CRF.get(codec, (0, 0))
    if settings.crf is not None:
        if not largest:
            raise SettingsError(f"output.crf does not apply to {codec}: leave it out")
        if settings.crf > largest:
            raise SettingsError(f"output.crf = {settings.crf}: {codec} takes 0 (lossless or almost) to {largest}")
        crf = settings.crf
    if codec in FIXED_PIXELS and settings.pix_fmt is not None:
        raise SettingsError(f"output.pix_fmt does not apply to {codec}: leave it out")
    if codec == "png":
        return Format(codec)
    pix_fmt = settings.pix_fmt or USUAL_PIXELS.get(codec, "yuv420p")
    known = {encoder: pixel_formats(encoder) for encoder in ENCODERS[codec]}
    for encoder, formats in known.items():
        if pix_fmt in formats:
            return Format(codec, muxer, encoder, pix_fmt, crf)
    every = sorted({name for formats in known.values() for name in formats})
    if not every:
        raise ToolError(f"this ffmpeg cannot encode {codec} (no {' or '.join(known)}): choose another output.codec")
    raise SettingsError(f"output.pix_fmt = {pix_fmt!r} does not apply to {codec}{nearest(pix_fmt, every)}")


def check_film(
    output: Path,
    settings: OutputSettings,
    *,
    size: tuple[int, int],
    rate: Fraction,
    sar: Fraction = Fraction(1),
    notice: Callable[[str], None],
) -> Format:
    """Run `check`, and check what depends on the picture: `size` (height, width), `rate`, and `sar` (width / height).

    `notice` gets one line for each setting that the format cannot honour exactly. Raises SettingsError also where the
    format cannot hold the size or show the rate.
    """
    form = check(output, settings)
    if form.codec == "gif" and rate > 50:
        if rate > 100:
            raise SettingsError(
                f"a GIF cannot have {float(rate):g} frames per second: give an --fps of at most 100, or another suffix"
            )
        notice(f"most viewers play a GIF of {float(rate):g} frames per second too slowly: give an --fps of at most 50")
    if form.codec == "webp" and max(size) > 16383:
        raise SettingsError("a WebP can have at most 16383 pixels a side: give a smaller --size")
    below, right = (-side % grain for side, grain in zip(size, form.grain, strict=True))
    if below or right:
        notice(f"{size[1]}x{size[0]} is padded to {size[1] + right}x{size[0] + below}: {form.pix_fmt} needs even sides")
    if sar != 1 and form.codec in SQUARE:
        notice(
            f"the picture will look distorted, as {form.codec} supports square pixels only: "
            "give a --size to keep its shape"
        )
    return form


def check_image(output: Path) -> None:
    """Raise SettingsError where a still cannot be written under this name: unknown suffix, or no writable folder."""
    check_place(output)
    if output.is_dir():
        raise SettingsError(f"{output} is a folder: give the still another name")
    if output.suffix.lower() not in images.WRITTEN:
        near = nearest(output.suffix.lower(), images.WRITTEN, count=1)
        raise SettingsError(f"{output.name}: a still is written as {', '.join(images.WRITTEN)}{near}")


def _codec(output: Path, wanted: str | None) -> tuple[str, str]:
    suffix = output.suffix.lower()
    if output.is_dir() and suffix in CONTAINERS and wanted != "png":
        raise SettingsError(f"{output} is a folder: give the film another name, or end it in / for a folder of PNGs")
    if output.is_file() and (not suffix or (wanted == "png" and suffix not in CONTAINERS)):
        raise SettingsError(f"{output} is a file: a folder of PNGs needs another name, or a suffix such as .mp4")
    if output.is_dir() or not suffix:
        if wanted not in (None, "png"):
            raise SettingsError(
                f"{output} is a folder of PNGs: output.codec = {wanted} needs a file such as {output}.mkv"
            )
        return "png", ""
    if wanted == "png" and suffix not in CONTAINERS:
        return "png", ""
    if suffix in images.WRITTEN and suffix not in CONTAINERS:
        raise SettingsError(
            f"{output.name} is the name of a still: use `dreamvid image`, or a film's name, which ends in "
            f"{', '.join(CONTAINERS)}"
        )
    if suffix not in CONTAINERS:
        near = nearest(suffix, CONTAINERS, count=1)
        raise SettingsError(
            f"{output.name}: a film cannot be written as {suffix}{near}; use {', '.join(CONTAINERS)}, "
            "or a name without a suffix for a folder of PNGs"
        )
    muxer, codecs = CONTAINERS[suffix]
    if wanted is None:
        return codecs[0], muxer
    if wanted not in codecs:
        homes = [name for name, (_, held) in CONTAINERS.items() if wanted in held] or ["a folder"]
        raise SettingsError(f"output.codec = {wanted} cannot be stored in {suffix}: use {', '.join(homes)}")
    return wanted, muxer


def check_place(output: Path) -> None:
    """Raise SettingsError where nothing can be written under a name, for what it is or where it lies."""
    if output.name in ("", ".."):
        raise SettingsError(f"{output} is not a file name: give the name of the file or folder to write")
    if output.name == "-":
        raise SettingsError("- is no output: nothing can be written to a pipe, so give the name of a file")
    if output.exists() and not (output.is_file() or output.is_dir()):
        raise SettingsError(f"{output} is not a regular file: give the output another name")
    if not output.parent.is_dir():
        raise SettingsError(f"the folder {output.parent} does not exist: create it first")
    folder = output if output.is_dir() else output.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(f"the folder {folder} cannot be written to: {error.strerror}") from None
