"""ICC profiles, made byte by byte, and colours stored in their spaces."""

import struct

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from odd.picture import Colour, Colours, Pixels

# Primaries to XYZ under D50, columns red, green, blue.
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
P3 = np.array([[0.5151, 0.2919, 0.1572], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
ADOBE = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
D50 = (0.9642, 1.0, 0.8249)
INKS: Colours = {  # inks of a made-up press, each at full strength or not at all, and what they look like
    "red": (200, 40, 50),
    "green": (30, 140, 70),
    "blue": (60, 60, 140),
    "yellow": (240, 220, 60),
    "skin": (40, 150, 200),
    "grey": (190, 50, 120),
    "dark": (40, 40, 40),
    "white": (255, 255, 255),
}
INK_OF: dict[str, tuple[int, int, int, int]] = {
    "red": (0, 1, 1, 0),
    "green": (1, 0, 1, 0),
    "blue": (1, 1, 0, 0),
    "yellow": (0, 0, 1, 0),
    "skin": (1, 0, 0, 0),
    "grey": (0, 1, 0, 0),
    "dark": (0, 0, 0, 1),
    "white": (0, 0, 0, 0),
}


def _numbers(values: tuple[float, ...]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(65536 * value) for value in values))


def _profile(space: bytes, kind: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    about = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(78)
    tags = {b"desc": about, b"cprt": b"text\0\0\0\0none\0", b"wtpt": b"XYZ \0\0\0\0" + _numbers(D50), **tags}
    at, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", at + len(data), len(value))
        data += value
    head = struct.pack(">I4sI4s4s4s12s4s", at + len(data), bytes(4), 0x02400000, kind, space, pcs, bytes(12), b"acsp")
    return (head + bytes(28) + _numbers(D50)).ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma)) + b"\0\0"


def of_primaries(matrix: npt.NDArray[np.float64], gamma: float = 2.2) -> bytes:
    """A profile of RGB with these primaries."""
    tags = {
        name + b"XYZ": b"XYZ \0\0\0\0" + _numbers(tuple(matrix[:, place]))
        for place, name in enumerate((b"r", b"g", b"b"))
    }
    tags |= {name + b"TRC": _curve(gamma) for name in (b"r", b"g", b"b")}
    return _profile(b"RGB ", b"mntr", b"XYZ ", tags)


def of_grey(gamma: float) -> bytes:
    return _profile(b"GRAY", b"mntr", b"XYZ ", {b"kTRC": _curve(gamma)})


def of_inks() -> bytes:
    """A profile of CMYK that knows the colours of `INKS`."""
    lab = ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), lab, "RGB", "LAB", ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    seen: dict[tuple[int, ...], Colour] = {INK_OF[name]: colour for name, colour in INKS.items()}
    corners = b""
    for number in range(16):
        inks = tuple(number >> bit & 1 for bit in (3, 2, 1, 0))
        done = ImageCms.applyTransform(Image.new("RGB", (1, 1), seen.get(inks, INKS["dark"])), to_lab)
        light, a, b = done.tobytes()
        corners += bytes([light, a ^ 128, b ^ 128])  # of Pillow signed, of a profile from 128
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + _numbers((1, 0, 0, 0, 1, 0, 0, 0, 1))
    ramp = bytes(range(256))
    return _profile(b"CMYK", b"prtr", b"Lab ", {b"A2B0": head + 4 * ramp + corners + 3 * ramp})


def light_of(image: Pixels) -> npt.NDArray[np.float64]:
    value = image / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def stored_in(image: Pixels, matrix: npt.NDArray[np.float64], gamma: float = 2.2) -> Pixels:
    """An sRGB picture in the space of other primaries."""
    light = np.clip(light_of(image) @ SRGB.T @ np.linalg.inv(matrix).T, 0, 1)
    return np.rint(255 * light ** (1 / gamma)).astype(np.uint8)
