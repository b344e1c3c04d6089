"""Colours that a still tells without an ICC profile, as one: by the numbers of H.273, or by gAMA and cHRM of a PNG."""

import logging
import re
import struct
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from PIL import Image

logger = logging.getLogger(__name__)

Points = tuple[float, ...]  # x and y of white, red, green and blue

_NCLX = re.compile(rb"colrnclx\0(.)\0(.)", re.DOTALL)  # primaries and transfer
_NUMBERS = {"PNG": re.compile(rb"\0\0\0\x04cICP(.)(.)", re.DOTALL), "AVIF": _NCLX, "HEIF": _NCLX}
_HDR = (16, 18)  # the transfers PQ and HLG
_SRGB: Points = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_PRIMARIES: dict[int, Points] = {
    4: (0.31, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (0.3127, 0.329, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: (0.3127, 0.329, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (0.3127, 0.329, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
_POWERS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}  # of transfers; those of cameras (1, 6, 14, 15) are shown as sRGB's is
_USUAL = 0.45455  # the gamma with which programs mean the curve of sRGB
_LEAST = 0.1  # of powers, which are at most its reciprocal
_NEAR = 0.01  # share of it, or of a chromaticity, that is no difference
_D50 = np.array((0.9642, 1.0, 0.8249))  # the white of ICC profiles, XYZ
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))


def is_hdr(image: Image.Image, head: bytes) -> bool:
    """Return whether the light of a picture is coded as PQ or HLG; `head`: the first bytes of its file."""
    return any(transfer in _HDR for _, transfer in _numbers(image, head))


def profile(image: Image.Image, head: bytes) -> bytes | None:
    """Return an ICC profile of the colours that a picture tells otherwise; None where they are sRGB, or it tells none.

    What it does not tell, its primaries or its curve, is that of sRGB. `head`: the first bytes of its file.
    """
    points, power = _SRGB, None
    if numbers := _numbers(image, head):
        points, power = _PRIMARIES.get(numbers[0][0], _SRGB), _POWERS.get(numbers[0][1])
    elif image.format == "PNG" and "srgb" not in image.info:
        points, gamma = image.info.get("chromaticity", _SRGB), image.info.get("gamma") or _USUAL
        power = None if abs(gamma / _USUAL - 1) <= _NEAR else 1 / gamma
    if power is None and np.allclose(points, _SRGB, rtol=_NEAR):
        return None
    try:
        return _profile(points, power)
    except (ArithmeticError, ValueError, struct.error):
        logger.info("colours that cannot be as a picture tells them are taken as sRGB")
        return None


def _numbers(image: Image.Image, head: bytes) -> list[tuple[int, int]]:
    """Return the primaries and the transfer that a file gives as numbers of H.273, of each of its pictures."""
    pattern = _NUMBERS.get(image.format or "")
    return [(found[1][0], found[2][0]) for found in pattern.finditer(head)] if pattern else []


@lru_cache(maxsize=16)
def _profile(points: Points, power: float | None) -> bytes:
    """Return an ICC profile of primaries and a power, or else sRGB's curve; raise an error where that is no colour."""
    if power is not None and not _LEAST <= power <= 1 / _LEAST:
        raise ValueError("the curve is no curve")
    xyz = np.array([(x / y, 1, (1 - x - y) / y) for x, y in zip(points[::2], points[1::2], strict=True)]).T
    white, colours = xyz[:, 0], xyz[:, 1:]
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / (_BRADFORD @ white)) @ _BRADFORD
    columns = (adapted @ colours * np.linalg.solve(colours, white)).T
    curve = (3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045) if power is None else (0, power)  # kind, parameters
    tags = {b"wtpt": b"XYZ \0\0\0\0" + _fixed(_D50)}
    for letter, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[letter + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(column)
        tags[letter + b"TRC"] = b"para" + struct.pack(">4xH2x", curve[0]) + _fixed(curve[1:])
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4s2I", name, start + len(body), len(data))
        body += data
    kinds = (b"mntr", b"RGB ", b"XYZ ", b"acsp")
    header = struct.pack(">I4xI4s4s4s12x4s28x", start + len(body), 0x04000000, *kinds) + _fixed(_D50)
    return header.ljust(128, b"\0") + table + body


def _fixed(values: Iterable[float]) -> bytes:
    """Return numbers as ICC profiles hold them: 16 bits, and 16 bits of fractions."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)
