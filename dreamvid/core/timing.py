"""Time as fractions: ranges, rates, and which source frame each output frame shows."""

import bisect
import math
import re
from fractions import Fraction

from dreamvid.core.errors import SettingsError


def parse_range(text: str) -> tuple[int | None, int | None]:
    """Reads `A:B`, `A:` or `:B`, a half-open range of frames.

    Returns start and stop, None where open. Raises SettingsError where it is not such a range or is empty.
    """
    parts = text.split(":")
    try:
        start, stop = (int(part) if part.strip() else None for part in parts)
    except ValueError:
        raise SettingsError(
            f"--frames {text!r}: give a range such as 0:48, 48: or :48 (the last is not included)"
        ) from None
    if (start or 0) < 0 or (stop is not None and stop <= (start or 0)):
        raise SettingsError(f"--frames {text!r} holds no frame: the second number must be larger than the first")
    return start, stop


def parse_moment(text: str) -> float:
    """Read a moment in seconds: `62.5`, or a timecode, `1:02.5` or `0:01:02.5`; raise SettingsError otherwise."""
    match = re.fullmatch(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})", text.strip(), re.ASCII)
    hours, minutes, seconds = match.groups() if match else (None, None, None)
    whole = hours is None or int(minutes or 0) < 60
    if seconds is None or not whole or (minutes is not None and float(seconds) >= 60):
        raise SettingsError(f"{text!r} is no moment: give seconds, such as 62.5, or a timecode, such as 1:02.5")
    return float(Fraction(seconds) + 60 * int(minutes or 0) + 3600 * int(hours or 0))


def timecode(seconds: float) -> str:
    """Write a moment as `M:SS.ss` or `H:MM:SS.ss`, without a fraction where there is none."""
    cents = nearest_whole(Fraction(seconds) * 100)
    minutes, cents = divmod(cents, 6000)
    rest = f"{cents // 100:02d}" + (f".{cents % 100:02d}".rstrip("0") if cents % 100 else "")
    return f"{minutes // 60}:{minutes % 60:02d}:{rest}" if minutes >= 60 else f"{minutes}:{rest}"


def parse_rate(text: str) -> Fraction:
    """Reads frames per second: `25`, `29.97`, `30000/1001`; Raises SettingsError outside 0.01 to 1000.

    The NTSC decimals (23.976, 29.97, 59.94, and halves and doubles of them) mean the exact fraction over 1001.
    """
    try:
        if len(text) > 20 or "e" in text.lower():  # an exponent can make a number that takes for ever to write out
            raise ValueError
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise SettingsError(f"{text!r} is no frame rate: give 25, 29.97 or 30000/1001") from None
    if not Fraction(1, 100) <= rate <= 1000:
        raise SettingsError(f"a frame rate of {text} is outside 0.01 to 1000 frames a second")
    nominal = round(rate)
    if "/" in text or rate.denominator == 1 or nominal == 0 or (nominal % 12 and nominal % 15):
        return rate
    ntsc = Fraction(nominal * 1000, 1001)
    return ntsc if abs(rate - ntsc) < Fraction(1, 200) else rate


def frame_map(times: tuple[Fraction, ...], end: Fraction, rate: Fraction) -> tuple[int, ...]:
    """Which source frame each frame of a constant-rate film shows.

    `times`: rising presentation times in seconds, the first 0; `end`: seconds at which the last frame ends;
    `rate`: output frames per second. Returns, for output frame n, the last source frame that has begun by the middle of
    n's interval, so that time stamps that are rounded (milliseconds in Matroska) fall on their own frame.
    """
    count = max(1, nearest_whole(end * rate))
    return tuple(frame_at(times, n / rate, rate) for n in range(count))


def frame_at(times: tuple[Fraction, ...], time: Fraction, rate: Fraction) -> int:
    """Which of the frames with these `times` a frame at `time` of a film of `rate` shows, as in `frame_map`."""
    return max(0, bisect.bisect_right(times, time + Fraction(1, 2) / rate) - 1)


def seconds_to_frames(start: float | None, stop: float | None, rate: Fraction) -> tuple[int | None, int | None]:
    """The half-open frame range that covers `start` to `stop` seconds at `rate`, each end on its nearest frame."""
    first, last = (
        None if moment is None else nearest_whole(Fraction(moment).limit_denominator(10**6) * rate)
        for moment in (start, stop)
    )
    return first, last


def nearest_whole(number: Fraction) -> int:
    """The nearest whole number, a half always upwards: `round` takes it to the even one, and a second would not be 25
    frames long wherever it begins."""
    return math.floor(number + Fraction(1, 2))
