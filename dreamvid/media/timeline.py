"""The time of every frame, and the constant rate that shows them all, from decoded time stamps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, groupby, pairwise
from math import ceil, gcd, lcm
from statistics import median_low

from dreamvid.core.timing import FASTEST, nearest_whole

MAX_RATE = 240  # a base rate above it is a time base (1000, 90000), not a frame rate
BRIEF, SLOWED = Fraction(1, 100), Fraction(1, 10)  # seconds: a frame of an animated picture, and as browsers show it
OFF = Fraction(1, 20)  # seconds by which a frame may be shown too early or too late
NEAR = Fraction(1, 200)  # seconds: no display shows a frame for a shorter time
STANDARD_RATES = (
    *(Fraction(rate, 1001) for rate in (24000, 30000, 60000)),
    *map(Fraction, (24, 25, 30, 50, 60, 120, 240)),
)


@dataclass(frozen=True)
class Timeline:
    """When the frames of a source are shown, in seconds.

    `delay`: from the start of the file's first track to the first frame; `times`: of each frame, rising from 0; `end`:
    of the last one; `rate`: the constant rate that shows every frame; `note`: one line for the user where frames were
    moved, or are not shown.
    """

    delay: Fraction
    times: tuple[Fraction, ...]
    end: Fraction
    rate: Fraction
    note: str = ""


def timeline(stamps: list[Fraction | None], last: Fraction, claimed: Iterable[Fraction]) -> Timeline:
    """Return the timeline of decoded time stamps.

    `last`: duration of the last frame, 0 if unknown; `claimed`: frame rates of the container. If time stamps are
    missing or fall, or half of them are repeated, the claimed rate replaces them.
    """
    sane = tuple(rate for rate in claimed if 0 < rate <= FASTEST)
    usual = sane[0] if sane else Fraction(25)
    known = [stamp for stamp in stamps if stamp is not None]
    delay = max(Fraction(0), known[0]) if known else Fraction(0)
    count, falls = len(stamps), any(b < a for a, b in pairwise(known))
    if len(known) < count or falls or 2 * (count - len(set(known))) >= count > 1:
        return Timeline(delay, tuple(n / usual for n in range(count)), count / usual, usual)
    times = tuple(stamp - known[0] for stamp in known)
    if last <= 0:
        last = times[-1] - times[-2] if len(times) > 1 else 1 / usual
    end = times[-1] + last
    settled = _place_twins(delay, times, end, sane)
    if settled is not None:
        return settled
    times = _spread(times, end)
    return Timeline(delay, times, end, base_rate(times, end, sane))


def seconds_in_browsers(length: Fraction) -> Fraction:
    """Return for how many seconds every browser shows a frame of an animated picture that claims `length`."""
    return SLOWED if length <= BRIEF else length


def as_browsers_show(stamps: list[Fraction | None], last: Fraction) -> tuple[list[Fraction | None], Fraction]:
    """Return the time stamps of an animated picture, and the duration of its last frame, by `seconds_in_browsers`."""
    known = [stamp for stamp in stamps if stamp is not None]
    if not known or len(known) < len(stamps):
        return stamps, last
    lengths = [seconds_in_browsers(b - a) for a, b in pairwise((*known, known[-1] + last))]
    return list(accumulate(lengths[:-1], initial=known[0])), lengths[-1]


def _place_twins(
    delay: Fraction, times: tuple[Fraction, ...], end: Fraction, claimed: tuple[Fraction, ...]
) -> Timeline | None:
    """Return the timeline at the rate of nearly all frames, where a few come at nearly the time of the one before.

    Each of these takes the free place beside it; where there is none, the later of both is shown. None where there are
    no such frames, where more than a few would not be shown (a part of the film is faster), where a usual rate shows
    them as they are, and where no usual rate shows all others.
    """
    twins = [number for number, (a, b) in enumerate(pairwise(times), 1) if b - a < NEAR]
    if not twins:
        return None
    step = median_low(b - a for a, b in pairwise(times))
    usual = [rate for rate in (*_tidied(claimed), *STANDARD_RATES) if rate <= MAX_RATE]
    rates = [rate for rate in usual if rate * step < Fraction(11, 10)]
    if any(len(_places(times, end, rate)) == len(times) for rate in rates):
        return None
    others = [time for number, time in enumerate(times) if number not in set(twins)]
    fitting = [rate for rate in rates if _parts(others, rate)]
    if not fitting and base_rate(_spread(times, end), end, claimed) > MAX_RATE:  # others that are uneven
        fitting = [rate for rate in sorted(usual) if _parts(others, rate)][:1]
    if not fitting:
        return None
    counts = [_grid_count(others, rate) for rate in fitting]  # a claim is as good as another rate if it is nearly so
    rate = next(rate for rate, count in zip(fitting, counts, strict=True) if count >= max(counts) * 9 / 10)
    settled, taken, hidden = list(times), {_place(time, rate) for time in others}, 0
    for number in twins:
        place = _place(times[number - 1], rate)
        free = next((at for at in (place + 1, place - 1) if at > 0 and at not in taken), None)
        if free is None:
            hidden += 1
            continue
        taken.add(free)
        settled[number if free > place else number - 1] = free / rate
    if hidden > max(1, len(times) // 50):
        return None
    note = (
        f"{len(twins)} of {len(times)} frames at nearly the time of the one before (first: frame {twins[0]}, "
        f"{float(times[twins[0]]):.3f} s): read at the rate of all others, {float(rate):g} frames per second, "
    )
    note += f"at which {hidden} cannot be shown" if hidden else "and moved to the free places beside them"
    settled = list(_spread(tuple(settled), end))  # hidden ones at the time of another
    return Timeline(delay, tuple(settled), max(end, settled[-1] + 1 / rate), rate, note)


def _spread(times: tuple[Fraction, ...], end: Fraction) -> tuple[Fraction, ...]:
    """Return rising times: frames at one time are spread evenly up to the time of the next."""
    spread: list[Fraction] = []
    ends = (*times, end)
    for time, group in groupby(times):
        count = len(list(group))
        after = ends[len(spread) + count]
        spread += [time + number * (after - time) / count for number in range(count)]
    return tuple(spread)


def base_rate(times: tuple[Fraction, ...], end: Fraction, claimed: tuple[Fraction, ...]) -> Fraction:
    """Return the constant rate that shows every frame: a claimed one, a standard one, or that of the shortest interval.

    `times`: rising seconds from 0; `claimed`: rates of the container, most trusted first.
    """
    if len(times) == 1:  # a GIF of one picture claims only its time base of 100
        return next((rate for rate in (1 / end, *claimed) if 1 <= rate <= MAX_RATE), Fraction(25))
    claimed = _tidied(claimed)
    steps = {b - a for a, b in pairwise(times)}
    even = tuple(rate for rate in (1 / steps.pop(),) if rate <= FASTEST) if len(steps) == 1 else ()
    in_turn = [rate for rate in (*claimed, *even) if _places(times, end, rate) == list(range(len(times)))]
    for rate in in_turn:
        if _is_near(times, end, rate):
            return rate
    if in_turn and (common := _common_rate((*times, end))) <= MAX_RATE:
        return common
    usual = (*sorted(rate for rate in claimed if rate <= MAX_RATE), *STANDARD_RATES)
    fitting = [rate for rate in usual if len(_places(times, end, rate)) == len(times) and _is_near(times, end, rate)]
    if fitting:
        near = next((rate for rate in fitting if _on_grid(times, rate)), fitting[0])
        common = _common_rate((*times, end))
        return common if not claimed and 1 <= common <= near else near
    shortest = min(b - a for a, b in pairwise(times))
    return min(Fraction(FASTEST), (1 / shortest).limit_denominator(1001))


def _common_rate(times: tuple[Fraction, ...]) -> Fraction:
    """Return the lowest rate at which every time is that of a frame."""
    clock = lcm(*(time.denominator for time in times))
    return Fraction(clock, gcd(*(int(time * clock) for time in times)))


def _is_near(times: tuple[Fraction, ...], end: Fraction, rate: Fraction) -> bool:
    """Return whether a rate shows every frame at nearly its time, and ends so: of a slow one, half a frame is much."""
    ends_at = nearest_whole(end * rate) / rate
    return abs(ends_at - end) <= OFF and all(abs(_place(time, rate) / rate - time) <= OFF for time in times)


def _on_grid(times: tuple[Fraction, ...], rate: Fraction) -> bool:
    """Return whether every time stamp is within a tenth of a frame of a frame time of that rate."""
    return _grid_count(times, rate) == len(times)


def _grid_count(times: Iterable[Fraction], rate: Fraction) -> int:
    return sum(abs(time * rate - round(time * rate)) < Fraction(1, 10) for time in times)


def _tidied(claimed: Iterable[Fraction]) -> tuple[Fraction, ...]:
    return tuple(kind for rate in claimed for kind in (_tidy(rate), rate))


def _tidy(rate: Fraction) -> Fraction:
    """Return the whole or NTSC rate that a claim such as 19001/317 was rounded from; else the claim itself."""
    near = min((Fraction(round(rate)), Fraction(round(rate) * 1000, 1001)), key=lambda kind: abs(kind - rate))
    return near if near and abs(near / rate - 1) < Fraction(1, 2000) else rate


def _parts(times: Sequence[Fraction], rate: Fraction) -> bool:
    """Return whether a rate has a place of its own for each of these rising times."""
    return all(_place(a, rate) < _place(b, rate) for a, b in pairwise(times))


def _place(time: Fraction, rate: Fraction) -> int:
    return ceil(time * rate - Fraction(1, 2))


def _places(times: tuple[Fraction, ...], end: Fraction, rate: Fraction) -> list[int]:
    """Return the output frame that first shows each source frame (see `timing.frame_map`), up to one never shown."""
    places = [_place(time, rate) for time in (*times, end)]
    hidden = next((number for number, (a, b) in enumerate(pairwise(places)) if a >= b), len(times))
    return places[:hidden]
