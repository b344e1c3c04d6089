"""Times and frame rates as exact fractions; frame ranges, timecodes, and the mapping of output to source frames."""

import bisect
import math
import re
from fractions import Fraction

from dreamvid.core.errors import SettingsError

FASTEST, SLOWEST = 1000, Fraction(1, 1000)  # frames per second; a GIF shows a picture for 11 minutes at most
LONGEST = 10**7  # frames of one film: 92 hours at 30 per second


def parse_range(text: str) -> tuple[int | None, int | None]:
    """Parse a half-open range of frames: `A:B`, `A:` or `:B`.

    Returns start and stop, None where one is left out. Raises SettingsError for another form or an empty range.
    """
    parts = text.split(":")
    try:
        start, stop = (int(part) if part.strip() else None for part in parts)
    except ValueError:
        raise SettingsError(
            f"the range of frames {text!r}: give one such as 0:48, 48: or :48 (the second number is not included)"
        ) from None
    if (start or 0) < 0 or (stop is not None and stop <= (start or 0)):
        raise SettingsError(
            f"the range of frames {text!r} contains no frame: count from 0, and give a second number larger than the "
            "first"
        )
    return start, stop


def parse_moment(text: str) -> float:
    """Return the seconds of a time: `62.5`, or a timecode, `1:02.5` or `0:01:02.5`; raise SettingsError otherwise."""
    match = re.fullmatch(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})", text.strip(), re.ASCII)
    hours, minutes, seconds = match.groups() if match else (None, None, None)
    whole = hours is None or int(minutes or 0) < 60
    if seconds is None or not whole or (minutes is not None and float(seconds) >= 60):
        raise SettingsError(f"{text!r} is not a time: give seconds, such as 62.5, or a timecode, such as 1:02.5")
    return float(Fraction(seconds) + 60 * int(minutes or 0) + 3600 * int(hours or 0))


def parse_duration(text: str) -> float:
    """Return the seconds of a length of time: `90s`, `10m`, `1.5h`; raise SettingsError otherwise."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([smh])", text.strip().lower(), re.ASCII)
    if match is None or float(match[1]) == 0:
        raise SettingsError(f"{text!r} is not a length of time: give one such as 90s, 10m or 1.5h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def duration(seconds: float) -> str:
    """Format a length of time as `45s`, `9m20s` or `1h05m`; parts that are zero at its end are left out."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m" + (f"{whole % 60:02d}s" if whole % 60 else "")
    minutes = round(whole / 60)
    return f"{minutes // 60}h" + (f"{minutes % 60:02d}m" if minutes % 60 else "")


def timecode(seconds: float) -> str:
    """Format seconds as `M:SS.ss` or `H:MM:SS.ss`, rounded to hundredths, trailing zeros left out."""
    cents = nearest_whole(Fraction(seconds) * 100)
    minutes, cents = divmod(cents, 6000)
    rest = f"{cents // 100:02d}" + (f".{cents % 100:02d}".rstrip("0") if cents % 100 else "")
    return f"{minutes // 60}:{minutes % 60:02d}:{rest}" if minutes >= 60 else f"{minutes}:{rest}"


def parse_rate(text: str) -> Fraction:
    """Parse frames per second: `25`, `29.97` or `30000/1001`.

    The NTSC decimals (23.976, 29.97, 59.94, and halves and doubles of them) become the exact fraction over 1001.
    Raises SettingsError for other text, or outside 0.01 to 1000.
    """
    try:
        if len(text) > 20 or "e" in text.lower():  # an exponent can make an integer with millions of digits
            raise ValueError
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise SettingsError(f"{text!r} is not a frame rate: give a number such as 25, 29.97 or 30000/1001") from None
    if not Fraction(1, 100) <= rate <= FASTEST:
        raise SettingsError(f"a frame rate of {text} is out of range: give 0.01 to {FASTEST} frames per second")
    nominal = round(rate)
    if "/" in text or rate.denominator == 1 or nominal == 0 or (nominal % 12 and nominal % 15):
        return rate
    ntsc = Fraction(nominal * 1000, 1001)
    return ntsc if abs(rate - ntsc) < Fraction(1, 200) else rate


def frame_map(times: tuple[Fraction, ...], end: Fraction, rate: Fraction) -> tuple[int, ...]:
    """Return the index of the source frame that each frame of a film of constant `rate` shows.

    `times`: rising presentation times in seconds, the first 0; `end`: seconds at which the last frame ends;
    `rate`: output frames per second. Output frame n shows the last source frame that starts before the middle of n's
    interval, so that rounded time stamps (milliseconds in Matroska) map to their own frame.
    """
    count = max(1, nearest_whole(end * rate))
    return tuple(frame_at(times, n / rate, rate) for n in range(count))


def frame_at(times: tuple[Fraction, ...], time: Fraction, rate: Fraction) -> int:
    """Return the index in `times` of the source frame shown at `time` in a film of `rate`, as in `frame_map`."""
    return max(0, bisect.bisect_right(times, time + Fraction(1, 2) / rate) - 1)


def seconds_to_frames(start: float | None, stop: float | None, rate: Fraction) -> tuple[int | None, int | None]:
    """Return the half-open frame range of `start` to `stop` seconds at `rate`, both rounded to the nearest frame."""
    first, last = (
        None if moment is None else nearest_whole(Fraction(moment).limit_denominator(10**6) * rate)
        for moment in (start, stop)
    )
    return first, last


def nearest_whole(number: Fraction) -> int:
    """Return the nearest integer, halves rounded up.

    Python's `round` goes to the even integer: the length of one second in frames would then depend on its start.
    """
    return math.floor(number + Fraction(1, 2))
