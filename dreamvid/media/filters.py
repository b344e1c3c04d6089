"""Filters of ffmpeg that make progressive pictures of normal range over black of whatever a source holds."""

import logging
from collections.abc import Sized

import av

from dreamvid.core.errors import SourceError
from dreamvid.media.decode import WIDE, Colours, Decoded
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
PALETTE_OVER_BLACK = "format=rgba,format=gbrap16,premultiply=inplace=1,format=gbrp"  # to the bit where it is opaque
DEINTERLACE = "bwdif=mode=send_frame:deint=interlaced"
TO_BT709 = "zscale=primaries=bt709:matrix=gbr:range=pc,format=gbrap"
TO_GBR = "zscale=matrix=gbr,format=gbrp"
ZIMG = ("ycgco", "bt2020c", "chroma-derived-nc", "chroma-derived-c")  # matrices that only zscale converts
CURVES = (  # transfers that zscale undoes
    *("bt709", "smpte170m", "smpte240m", "bt470m", "bt470bg", "iec61966-2-1", "iec61966-2-4"),
    *("linear", "log100", "log316", "bt2020-10", "bt2020-12"),
)
UNKNOWN = ("ycgco-re", "ycgco-ro", "smpte2085", "ictcp", "ipt-c2")  # and those that nothing does
AS_HD = "setparams=colorspace=bt709"
AS_HDR = {"space": "colorspace=bt2020nc", "primaries": "color_primaries=bt2020"}  # of both, the only ones in use
RUNS = 64  # of frames of one kind that are read: each takes filters of its own
HD = (
    1280,
    720,
)  # from this width or height on, players read untagged YUV as BT.709; below, and ffmpeg always, as BT.601


def to_rgb(name: str, seen: Decoded, stored: tuple[int, int], alpha: bool) -> list[str]:
    """Return the filters that a source needs before it is converted to RGB.

    `stored`: (width, height) before rotation; `alpha`: whether the container says that there is some. Where colours
    turn to another kind amid the source, each run of frames has filters of its own. Raises SourceError where this
    ffmpeg lacks a filter, and for more than RUNS of them.
    """
    runs = seen.colours or [(Colours(), 0)]
    if len(runs) > RUNS:
        raise SourceError(f"{name} turns from SDR to HDR or back {len(runs) - 1} times: convert all of it to SDR first")
    chains = [_of_one_kind(name, seen, said, stored, alpha) for said, _ in runs]
    if len(runs) == 1:
        return chains[0]
    kinds = dict.fromkeys(said.kind for said, _ in runs)
    logger.info(f"{name} is {' and '.join(kinds)} by turns: each is read as what it is")
    stops = [*(f":end_frame={first}" for _, first in runs[1:]), ""]
    graph = [f"split={len(runs)}{_pads('in', runs)}"]
    for number, ((said, first), stop, chain) in enumerate(zip(runs, stops, chains, strict=True)):
        # What comes out of `trim` is to ffmpeg what the first frame of the source was.
        own = [f"setparams=colorspace={said.space},scale,format={said.pixels}"] if seen.mixed else []
        steps = [f"trim=start_frame={first}{stop}", *own, *chain, "format=gbrp"]
        graph.append(f"[in{number}]{','.join(steps)}[out{number}]")
    return [";".join([*graph, f"{_pads('out', runs)}concat={len(runs)}:unsafe=1"])]


def _pads(name: str, runs: Sized) -> str:
    return "".join(f"[{name}{number}]" for number in range(len(runs)))


def _of_one_kind(name: str, seen: Decoded, said: Colours, stored: tuple[int, int], alpha: bool) -> list[str]:
    filters, layout = [], _layout(said.pixels)
    large = any(side >= limit for side, limit in zip(stored, HD, strict=True))
    if said.space == "unknown" and said.transfer not in TO_LIGHT and large and _is_yuv(layout):
        logger.debug("%s does not say which matrix its colours have: read as BT.709, as it is HD", name)
        filters.append(AS_HD)
    if seen.interlaced:
        filters.append(DEINTERLACE)
    if said.transfer in TO_LIGHT:
        if not (has_filter("zscale") and has_filter("tonemap")):
            raise SourceError(
                f"{name} is HDR, and this ffmpeg has no zscale filter to convert it to SDR: convert it to SDR first"
            )
        untold = [setting for fact, setting in AS_HDR.items() if getattr(said, fact) == "unknown"]
        if untold:
            logger.info(f"{name} is HDR, and does not say of which primaries or matrix: read as BT.2020")
            filters.append(f"setparams={':'.join(untold)}")
        filters += [TO_LIGHT[said.transfer], TO_SDR]
    elif said.space in UNKNOWN or (said.space in ZIMG and not has_filter("zscale")):
        raise SourceError(f"{name} has colours of the matrix {said.space}, which cannot be read: convert it to BT.709")
    elif said.primaries in WIDE and _is_coloured(layout):
        filters += _to_bt709(name, said, AS_HD in filters)
    elif said.space in ZIMG:
        filters.append(TO_GBR)
    if layout is not None and layout.has_palette:
        filters.append(PALETTE_OVER_BLACK)
    elif alpha or _has_alpha(layout):
        filters.append(OVER_BLACK)
    return filters


def _to_bt709(name: str, said: Colours, as_hd: bool) -> list[str]:
    if not has_filter("zscale"):
        logger.info(f"{name} has colours of {WIDE[said.primaries]}, which this ffmpeg has no zscale filter to convert")
        return []
    untold = {
        "colorspace=smpte170m": said.space == "unknown" and not as_hd,
        "color_trc=bt709": said.transfer not in CURVES,
        "color_primaries=smpte432": said.primaries == "smpte431",  # the same but for white, which is to stay white
    }
    settings = ":".join(setting for setting, needed in untold.items() if needed)
    return [f"setparams={settings}", TO_BT709] if settings else [TO_BT709]


def _layout(pixel_format: str) -> av.VideoFormat | None:
    try:
        return av.VideoFormat(pixel_format)
    except ValueError:  # a pixel format that is newer than PyAV
        return None


def _is_coloured(layout: av.VideoFormat | None) -> bool:
    return layout is not None and (layout.has_palette or len(layout.components) >= 3)


def _is_yuv(layout: av.VideoFormat | None) -> bool:
    return layout is not None and not (layout.is_rgb or layout.has_palette) and len(layout.components) >= 3


def _has_alpha(layout: av.VideoFormat | None) -> bool:
    return layout is not None and any(part.is_alpha for part in layout.components)
