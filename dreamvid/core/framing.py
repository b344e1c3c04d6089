"""Framing of source frames: parse sizes as users write them, then crop, resize and pad to the working size."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from dreamvid.core.errors import SettingsError

Fit = Literal["crop", "pad", "inside", "stretch"]
MIN_SIDE, MAX_SIDE = 16, 16384


@dataclass(frozen=True)
class Framing:
    """Crop to `rows` x `cols` (half-open pixel ranges of the source), resize to `inner`, pad to `size`.

    `inner`, `size`: (height, width) in pixels; `sar`: width over height of one pixel; `note`: one line for the user
    on what was cut or added.
    """

    rows: tuple[int, int]
    cols: tuple[int, int]
    inner: tuple[int, int]
    size: tuple[int, int]
    sar: Fraction = Fraction(1)
    note: str = ""

    def enlarged(self) -> "Framing":
        """Return the same crop and padding at the source's own resolution; this framing if that is not larger."""
        kept, inner_rows = self.rows[1] - self.rows[0], self.inner[0]
        if kept <= inner_rows:
            return self
        inner, size = (
            (round(rows * kept / inner_rows), round(cols * kept / inner_rows)) for rows, cols in (self.inner, self.size)
        )
        return replace(self, inner=inner, size=size)

    def within(self, longest: int) -> "Framing":
        """Return the same crop and padding in square pixels, at a size whose longer side has at most `longest`."""
        factor = min(Fraction(1), longest / max(Fraction(self.size[0]), self.size[1] * self.sar))
        inner, size = (
            (max(1, round(rows * factor)), max(1, round(cols * self.sar * factor)))
            for rows, cols in (self.inner, self.size)
        )
        return replace(self, inner=inner, size=size, sar=Fraction(1))


def parse_size(text: str, height: int, width: int) -> tuple[int, int, bool]:
    """Parse `WxH`, `Wx`, `xH` or `N%` for a source of `height` x `width` square pixels.

    Returns height, width, and True if both were given (then the aspect ratio is the user's). Raises SettingsError.
    """
    if match := re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)%", text.strip()):
        share = float(match[1]) / 100
        rows, cols, exact = round(height * share), round(width * share), False
    elif (match := re.fullmatch(r"(\d{0,9})x(\d{0,9})", text.strip().lower())) and (match[1] or match[2]):
        cols, rows = (int(part) if part else 0 for part in match.groups())
        exact = bool(match[1] and match[2])
        rows = rows if match[2] else round(height * cols / width)
        cols = cols if match[1] else round(width * rows / height)
    else:
        raise SettingsError(f"the size {text!r}: give WxH, Wx, xH or N%, for example 640x360")
    if not (MIN_SIDE <= rows <= MAX_SIDE and MIN_SIDE <= cols <= MAX_SIDE):
        both = "" if exact else f"; give both sides, such as {_nearest_side(cols)}x{_nearest_side(rows)}"
        raise SettingsError(
            f"the size {text!r} gives {cols}x{rows}: each side must be {MIN_SIDE} to {MAX_SIDE} pixels{both}"
        )
    return rows, cols, exact


def _nearest_side(side: int) -> int:
    return min(max(side, MIN_SIDE), MAX_SIDE)


def _possible_size(height: int, width: int) -> str:
    """Return options that bring a picture of square pixels to a size that is possible, in its shape if that is."""
    least = max(640, MIN_SIDE, -(-MIN_SIDE * width // height))
    cols = min(least, MAX_SIDE, MAX_SIDE * width // height)
    if cols >= MIN_SIDE and MIN_SIDE <= round(height * cols / width) <= MAX_SIDE:
        return f"--size {cols}x"
    return f"--size {_nearest_side(width)}x{_nearest_side(height)} --fit pad"


def frame_to(height: int, width: int, sar: Fraction, size: str | None, fit: Fit) -> Framing:
    """Return the Framing from a source of `height` x `width` stored pixels to the wanted `size`.

    Without a size the stored pixels and `sar` (pixel width over height) stay as they are; with one the result has
    square pixels. The note says in one line what was cut or added. Raises SettingsError.
    """
    square = max(1, round(width * sar))  # columns of square pixels
    if size is None:
        if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
            raise SettingsError(
                f"the source is {width}x{height}: each side must be {MIN_SIDE} to {MAX_SIDE} pixels; "
                f"resize it with {_possible_size(height, square)}"
            )
        return Framing((0, height), (0, width), (height, width), (height, width), sar)
    rows, cols, exact = parse_size(size, height, square)
    whole = (0, height), (0, width)
    scale = Fraction(rows, height) / (Fraction(cols) / (width * sar))  # above 1: the source is wider than `size`
    if not exact or fit == "stretch" or abs(scale - 1) < Fraction(1, 2 * max(rows, cols)):
        return Framing(*whole, (rows, cols), (rows, cols))
    if fit == "crop":
        keep_rows = height if scale > 1 else max(1, round(height * scale))
        keep_cols = max(1, round(width / scale)) if scale > 1 else width
        top, left = (height - keep_rows) // 2, (width - keep_cols) // 2
        cut = f"{width - keep_cols} of {width} columns" if scale > 1 else f"{height - keep_rows} of {height} rows"
        note = f"cut {cut} of the source to fit {cols}x{rows}; --fit pad, inside or stretch keeps the whole picture"
        return Framing((top, top + keep_rows), (left, left + keep_cols), (rows, cols), (rows, cols), note=note)
    inner = (max(1, round(rows / scale)), cols) if scale > 1 else (rows, max(1, round(cols * scale)))
    if fit == "inside":
        if min(inner) < MIN_SIDE:
            raise SettingsError(
                f"the size {size!r} with the fit inside gives {inner[1]}x{inner[0]}: too small, each side must be at "
                f"least {MIN_SIDE} pixels; use the fit crop or a larger size"
            )
        return Framing(*whole, inner, inner)
    return Framing(*whole, inner, (rows, cols), note=f"padded {inner[1]}x{inner[0]} to {cols}x{rows} with black")
