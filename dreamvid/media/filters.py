"""Filters of ffmpeg that make progressive pictures of normal range over black of whatever a source holds."""

import logging

import av

from dreamvid.core.errors import SourceError
from dreamvid.media.decode import Decoded
from dreamvid.media.ffmpeg import has_filter

logger = logging.getLogger(__name__)

TO_LIGHT = {
    "smpte2084": "zscale=transfer=linear:npl=100",
    "arib-std-b67": "zscale=transfer=linear:npl=100:agamma=0",  # HLG's gamma is of luminance: short cuts shift hues
}
TO_SDR = (
    "format=gbrpf32le,zscale=primaries=bt709,tonemap=hable:desat=0,"
    "zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv444p"
)
OVER_BLACK = "format=gbrap,premultiply=inplace=1,format=gbrp"
DEINTERLACE = "bwdif=mode=send_frame:deint=interlaced"
TO_GBR = "zscale=matrix=gbr,format=gbrp"
ZIMG = ("ycgco", "bt2020c", "chroma-derived-nc", "chroma-derived-c")  # matrices that only zscale converts
UNKNOWN = ("ycgco-re", "ycgco-ro", "smpte2085", "ictcp", "ipt-c2")  # and those that nothing does
AS_HD = "setparams=colorspace=bt709"
AS_HDR = {"space": "colorspace=bt2020nc", "primaries": "color_primaries=bt2020"}  # of both, the only ones in use
HD = (
    1280,
    720,
)  # from this width or height on, players read untagged YUV as BT.709; below, and ffmpeg always, as BT.601


def to_rgb(name: str, seen: Decoded, stored: tuple[int, int], alpha: bool) -> list[str]:
    """Return the filters that a source needs before it is converted to RGB.

    `stored`: (width, height) before rotation; `alpha`: whether the container says that there is some. Raises
    SourceError where this ffmpeg lacks a filter.
    """
    filters, layout = [], _layout(seen.pixel_format)
    large = any(side >= limit for side, limit in zip(stored, HD, strict=True))
    if seen.space == "unknown" and seen.transfer not in TO_LIGHT and large and _is_yuv(layout):
        logger.debug("%s does not say which matrix its colours have: read as BT.709, as it is HD", name)
        filters.append(AS_HD)
    if seen.interlaced:
        filters.append(DEINTERLACE)
    if seen.transfer in TO_LIGHT:
        if not (has_filter("zscale") and has_filter("tonemap")):
            raise SourceError(
                f"{name} is HDR, and this ffmpeg has no zscale filter to convert it to SDR: convert it to SDR first"
            )
        untold = [setting for fact, setting in AS_HDR.items() if getattr(seen, fact) == "unknown"]
        if untold:
            logger.info(f"{name} is HDR, and does not say of which primaries or matrix: read as BT.2020")
            filters.append(f"setparams={':'.join(untold)}")
        filters += [TO_LIGHT[seen.transfer], TO_SDR]
    elif seen.space in UNKNOWN or (seen.space in ZIMG and not has_filter("zscale")):
        raise SourceError(f"{name} has colours of the matrix {seen.space}, which cannot be read: convert it to BT.709")
    elif seen.space in ZIMG:
        filters.append(TO_GBR)
    if alpha or _has_alpha(layout):
        filters.append(OVER_BLACK)
    return filters


def _layout(pixel_format: str) -> av.VideoFormat | None:
    try:
        return av.VideoFormat(pixel_format)
    except ValueError:  # a pixel format that is newer than PyAV
        return None


def _is_yuv(layout: av.VideoFormat | None) -> bool:
    return layout is not None and not (layout.is_rgb or layout.has_palette) and len(layout.components) >= 3


def _has_alpha(layout: av.VideoFormat | None) -> bool:
    return layout is not None and any(part.is_alpha for part in layout.components)
