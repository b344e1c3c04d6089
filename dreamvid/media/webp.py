"""Animated WebP as bytes: how long one lasts, and how a still becomes one.

https://developers.google.com/speed/webp/docs/riff_container
"""

import struct
from collections.abc import Iterator
from fractions import Fraction

LONGEST = 0xFFFFFF  # ms that one frame can last
ANIMATED = 0x02  # flag of VP8X


def duration(data: bytes) -> Fraction:
    """Return the duration of an animated WebP in ms; frames cannot be counted, since equal ones are stored as one."""
    lasts = (int.from_bytes(chunk[20:23], "little") for chunk in _chunks(data) if chunk.startswith(b"ANMF"))
    return Fraction(sum(lasts))


def animated(data: bytes, size: tuple[int, int], lasts: Fraction) -> bytes:
    """Return a WebP of `size` (height, width) as an animation: a still, as one that shows it for `lasts` ms.

    An encoder that stores equal frames as one writes a still where all of them are, and a still has no duration.
    """
    if data[12:16] == b"VP8X" and data[20] & ANIMATED:
        return data
    sides = b"".join((side - 1).to_bytes(3, "little") for side in reversed(size))
    picture = b"".join(chunk for chunk in _chunks(data) if chunk[:4] in (b"ALPH", b"VP8 ", b"VP8L"))
    left, frames = max(1, round(lasts)), b""
    while left:
        lasting = min(left, LONGEST)
        frames += _chunk(b"ANMF", bytes(6) + sides + lasting.to_bytes(3, "little") + b"\0" + picture)
        left -= lasting
    # Background white, repeated for ever.
    head = _chunk(b"VP8X", bytes([ANIMATED, 0, 0, 0]) + sides) + _chunk(b"ANIM", b"\xff" * 4 + b"\0\0")
    whole = b"WEBP" + head + frames
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _chunks(data: bytes) -> Iterator[bytes]:
    """Yield the chunks of a WebP, each with its head and the byte that fills it up."""
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 8 + length + length % 2]
        at += 8 + length + length % 2
