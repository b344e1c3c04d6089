"""Carry the dream of one frame to the next: warp its layer, match its band energy, damp what is static."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dreamvid.coherence.energy import OPPONENT, SLIVER, Strength, band_rms, bands, grown, opponent, tint
from dreamvid.coherence.optical_flow import Field, Motion, left_behind, sample, warp
from dreamvid.config.settings import CoherenceSettings
from dreamvid.core.types import Frame, Image, Mask, Pixels, to_float
from dreamvid.media import opencv

LOST = 0.4  # share of the frame: where less can be followed, or less outlives the change, nothing is carried
GAIN = (0.90, 1.05)  # limits of a band's gain per frame: strength is steered, not forced
ABOVE = 1.10  # times the rms of a fresh layer: one that was warped and rounded excites a net less
TINTED = 0.1  # share, a frame, of what a layer's mean colour lacks
SPECK = 1 / 60  # of the short side: what is smaller is the flow's own error and not a place uncovered
FADED = 0.5  # share of the carried layer that goes where something was uncovered: the rest is soon made to fit
AREA = 1 / 10  # of the short side: over such squares what flow leaves of a change of light averages out
STEADY = 1.0  # levels by which the light of such a square may change in a frame, and nothing is meant by it
CHANGED = 8.0  # levels over which the dream of another picture dies away to 1 / e, in however many frames
LEAST_SURVIVAL = 0.2  # share of a dream that survives, below which it ends
SURVIVAL_GROWTH = 0.97  # what survives grows by 1 / 0.97 a frame
ANOTHER = 0.7, 0.4  # share of a layer that outlives a change: below the first it is another picture, and new
STILL = 0.125, 0.25  # pixels a frame: below the first the picture is still, above the second it moves
CALM = 0.45  # share of a step that is taken back where the picture is still: there the eye sees every change
SHORTEST_CALIBRATION_AGE, LONGEST_CALIBRATION_AGE = 6, 48  # frames from one measure of the strength to the next
WORTH, ASKING = 0.02, 0.04  # shares of the frame uncovered: that gets more steps; that older frames are asked for
RIM = 1 / 60  # of the short side, around what is uncovered: what was so some frames ago is weak still
CALIBRATION_TURNOVER = 0.5  # share of the picture that has come or gone, frame after frame, that calls for one
FAINT = 1 / 8  # of a dream: where a mask lets less be seen, stored pixels hardly tell what it was


@dataclass(frozen=True)
class Past:
    """An earlier frame exactly as it is stored: `source` and `dream`, uint8 H x W x 3; `index`: the source frame's.

    `mask`: as the frame has it.
    """

    index: int
    source: Pixels
    dream: Pixels
    mask: Mask | None = None

    @property
    def layer(self) -> Image:
        """What dreaming has added to the picture, before a mask took of it: H x W x 3.

        A layer that was carried as it is seen would be masked again in every frame, and soft edges would fade.
        """
        difference: Image = np.subtract(self.dream, self.source, dtype=np.float32)
        layer: Image = difference / np.float32(255)
        return layer if self.mask is None else layer / _in_colours(np.maximum(self.mask, np.float32(FAINT)))

    @property
    def whole(self) -> Image:
        """The dream before a mask took of it, H x W x 3."""
        return to_float(self.dream) if self.mask is None else to_float(self.source) + self.layer


Move = Callable[[Past, Frame], Motion]  # how the picture moved from an earlier frame to a new one


@dataclass(frozen=True)
class CarryState:
    """The numbers that cross from one frame to the next, as the journal keeps them.

    `strength`: what dreams of this picture are held to; `calibration_age`: how much the picture has changed since that
    was measured; at 1 it is measured again. `survival`: share of the dreamed picture that is still there; steps
    alone would hold on to the eyes of a face that has long dissolved.
    """

    strength: Strength
    calibration_age: float = 0.0
    survival: float = 1.0


@dataclass(frozen=True)
class Carry:
    """All that crosses from one frame to the next: the frames before, the last one first, and their state."""

    frames: tuple[Past, ...]
    state: CarryState

    @property
    def last(self) -> Past:
        """The frame just before."""
        return self.frames[0]


def uncovered(motion: Motion) -> Mask:
    """Where nothing was before: H x W in [0, 1], 1 in the places uncovered, soft at their edges.

    Specks are left out: there the check of the flow has failed, and what is carried fits well enough.
    """
    cv2 = opencv.load()
    new = (~motion.valid).astype(np.float32)
    speck = max(3, round(min(new.shape) * SPECK))
    new = cv2.morphologyEx(new, cv2.MORPH_OPEN, np.ones((speck, speck), np.uint8), borderType=cv2.BORDER_REPLICATE)
    if not new.any():
        return new
    wider: Mask = cv2.GaussianBlur(cv2.dilate(new, np.ones((7, 7), np.uint8)), (0, 0), 2)
    return wider


def widened(new: Mask) -> Mask:
    """Places uncovered, H x W in [0, 1], with a soft rim of what was so in the frames before."""
    cv2 = opencv.load()
    side = max(3, round(min(new.shape) * RIM)) | 1
    result: Mask = cv2.blur(cv2.dilate(new, np.ones((side, side), np.uint8)), (side, side))
    return result


def outlived(past: Past, motion: Motion, source: Pixels) -> Mask:
    """Return how much of a layer survives a change of the picture that is no motion: H x W in [0, 1].

    A dissolve, a fade, a shadow: where the light of a whole area changes though motion is allowed for, the dream of
    what was there dies away with what was there.
    """
    cv2 = opencv.load()
    height, width = source.shape[:2]
    change = source.astype(np.float32) - sample(past.source.astype(np.float32), motion.field)
    size = max(1, width // 4), max(1, height // 4)
    small = cv2.resize(change, size, interpolation=cv2.INTER_AREA)
    side = max(3, round(min(size) * AREA)) | 1
    light = np.abs(cv2.blur(small, (side, side))).mean(axis=2)
    survival = np.exp(-np.maximum(light - STEADY, 0) / CHANGED)
    result: Mask = cv2.resize(survival, (width, height), interpolation=cv2.INTER_LINEAR)
    return result


def visibility(mask: Mask) -> Mask:
    """Return where a mask lets so much be seen that the layer can be recovered from stored pixels: H x W in [0, 1]."""
    result: Mask = np.minimum(mask / np.float32(FAINT), np.float32(1))
    return result


def apply_mask(image: Image, source: Image, mask: Mask | None) -> Image:
    """Return a dream under its mask; where that is 0 the source, bit by bit; all H x W x 3 but the mask."""
    return image if mask is None else source + _in_colours(mask) * (image - source)


def same_mask(one: Mask | None, other: Mask | None) -> bool:
    """Whether two frames have the very same mask, or none."""
    return one is other if one is None or other is None else np.array_equal(one, other)


@dataclass(frozen=True)
class Followed:
    """What earlier frames lend to a new one: a `layer` moved to where it belongs now, H x W x 3.

    `kept`: share of it that lives on; `new`, `still`: places that were uncovered and that do not move; all H x W in
    [0, 1]. `valid`: share of the frame that could be followed; `survival`: as in a `CarryState`; `gone`: share of
    the frame before that a zoom in has left behind; `opened`: share of the frame that is dreamed, under a mask;
    `field`: where each pixel was in the nearest reference, (H, W, 2), in pixels.
    """

    layer: Image
    kept: Mask
    new: Mask
    still: Mask
    valid: float
    survival: float
    field: Field
    gone: float = 0.0
    opened: float = 1.0

    @property
    def seed(self) -> Image:
        """The layer that a frame's dream begins with, as far as it lives on."""
        return self.layer * _in_colours(self.kept)

    def lasting(self, mask: Mask | None) -> Mask:
        """Where the layer goes on as it was, and a frame's mask shows it: H x W in [0, 1]."""
        lasting = self.kept * (1 - self.new)
        return lasting if mask is None else lasting * visibility(mask)

    def next_calibration_age(self, calibration_age: float, calibration_wear: float) -> float:
        """Return the calibration age after this frame; `calibration_wear`: what animated settings add to it."""
        changed = max(float(self.new.mean()) / self.opened, self.gone)
        return round(
            calibration_age
            + min(1 / SHORTEST_CALIBRATION_AGE, changed / CALIBRATION_TURNOVER + 1 / LONGEST_CALIBRATION_AGE)
            + calibration_wear,
            6,
        )


def follow(carry: Carry, frame: Frame, references: Sequence[int], move: Move, *, dies: bool = True) -> Followed | None:
    """The layer of the nearest reference that can be followed; what is new since then comes from those further back.

    None where the motion is lost from all of them, or the picture has become another. A flash is passed over so, and
    what was hidden for some frames comes back as it was (Ruder et al. 2016, section 3.2: the closest first). `dies`:
    whether a dream of which little survives ends at once; in a loop, where all comes and goes, that would be a cut.
    """
    found: Followed | None = None
    for back in sorted(references):
        if back > len(carry.frames) or (found is not None and float(found.new.mean()) < ASKING):
            break
        past = carry.frames[back - 1]
        motion = move(past, frame)
        valid, kept = float(motion.valid.mean()), outlived(past, motion, frame.image)
        if min(valid, float(kept.mean())) < LOST:
            continue
        same, other = ANOTHER
        layer, new = warp(past.layer, motion), np.clip((same - kept) / (same - other), uncovered(motion), 1)
        opened = 1.0
        if past.mask is not None and frame.mask is not None:
            seen, wanted = sample(visibility(past.mask), motion.field), visibility(frame.mask)
            new = np.maximum(new, wanted - seen) * (wanted > 0)
            opened = max(SLIVER, float(wanted.mean()))
        if found is None:
            survival = round(min(1.0, carry.state.survival / SURVIVAL_GROWTH) * float(kept.mean()), 6)
            if dies and survival < LEAST_SURVIVAL:
                break
            kept = kept * (1 - FADED * new)
            left = left_behind(motion.field)
            found = Followed(layer, kept, new, still(motion), valid, survival, motion.field, left, opened)
            continue
        again = found.new * (1 - new)  # uncovered since, and seen from here
        layer = found.layer + _in_colours(again) * (layer - found.layer)
        kept = found.kept + again * (kept - found.kept)
        found = replace(found, layer=layer, kept=kept, new=found.new * new)
    return found


def between(before: Carry, after: Past, frame: Frame, share: float, move: Move) -> Followed | None:
    """What the dreamed frames on both sides lend to one between them; `share`: how far it is on its way to the later.

    Where one of them cannot be seen from here, the other alone. None where the motion is lost from both.
    """
    following = Carry((after,), CarryState(before.state.strength))
    sides = [(weight, follow(each, frame, (1,), move)) for weight, each in ((1 - share, before), (share, following))]
    found = [(weight, side) for weight, side in sides if side is not None]
    if len(found) < 2:
        return found[0][1] if found else None
    (left, one), (right, other) = found
    least = np.float32(1e-3)  # of a side that cannot be seen: where neither can, they are mixed all the same
    mine, its = left * (1 - one.new + least), right * (1 - other.new + least)
    later_share: Mask = (its / (mine + its)).astype(np.float32)
    return replace(
        one,
        layer=one.layer + _in_colours(later_share) * (other.layer - one.layer),
        kept=one.kept + later_share * (other.kept - one.kept),
        new=one.new * other.new,
        valid=max(one.valid, other.valid),
    )


def mix_fresh(found: Followed, fresh: Image, share: float) -> Followed:
    """Return what is carried with a share, in [0, 1], replaced by a `fresh` layer, H x W x 3, of the same picture."""
    if not share:
        return found
    layer, kept = found.layer + np.float32(share) * (fresh - found.layer), found.kept + share * (1 - found.kept)
    return replace(found, layer=layer, kept=kept.astype(np.float32))


def match_band_energy(
    dream: Image, source: Image, strength: Strength, sizes: list[tuple[int, int]], where: Mask | None = None
) -> Image:
    """Return a dream, H x W x 3 in [0, 1], with each band of its layer, and its tint, nearer to those of a fresh one.

    `where`: H x W in [0, 1], the places that its own strength is told from, and that are changed. Told after the steps,
    which add more to ripe shapes than to young ones.
    """
    cv2 = opencv.load()
    layer = opponent(dream - source)
    change = np.zeros((1, 1, 3), np.float32)
    for band, found, wanted in zip(bands(layer, sizes), band_rms(layer, sizes, where), strength.bands, strict=True):
        gains = [np.clip(ABOVE * much / has, *GAIN) if has > 0 else 1 for has, much in zip(found, wanted, strict=True)]
        change = grown(change, (band.shape[0], band.shape[1]))
        change += cv2.transform(band, np.diag(np.array(gains, np.float32) - 1))
    change += np.float32(TINTED) * np.subtract(strength.tint, tint(layer, where), dtype=np.float32)
    change = cv2.transform(change, OPPONENT.T)
    return np.clip(dream + (change if where is None else _in_colours(where) * change), 0, 1)


def blended(past: Past, source: Image, settings: CoherenceSettings) -> Image:
    """The layer that mixes a share of the last dream, where it was, into the next frame's start (DeepDreamVideo)."""
    return settings.blend * (past.whole - source)


def damp_static(
    dream: Image, start: Image, still: Mask, past: Past, source: Pixels, *, restless: bool = False
) -> Image:
    """Damp the dream where the picture is static: calmer where it is still, to the byte where it is the very same.

    `dream`: the new one, `start`: what it began with, both H x W x 3 in [0, 1]; `still`: where nothing moves, H x W in
    [0, 1]; `source`: the new source frame; `restless`: the dream goes on even where the picture is the very same. The
    edge between rest and change is soft.
    """
    cv2 = opencv.load()
    calmer = dream + _in_colours(CALM * still) * (start - dream)
    if restless:
        return calmer
    same = cv2.inRange(cv2.absdiff(source, past.source), (0, 0, 0), (0, 0, 0)) // 255
    reach = max(3, min(source.shape[:2]) // 40) | 1  # a pixel rests only if its neighbourhood does
    same = cv2.erode(same, np.ones((reach, reach), np.uint8), borderValue=1)
    if not same.any():
        return calmer
    weight = _in_colours(cv2.blur(same.astype(np.float32), (reach, reach)) * same)
    return weight * past.whole + (1 - weight) * calmer


def still(motion: Motion) -> Mask:
    """Where the picture does not move: H x W in [0, 1], soft at the edges."""
    cv2 = opencv.load()
    slow, fast = STILL
    rest = np.clip((fast - np.hypot(motion.field[..., 0], motion.field[..., 1])) / (fast - slow), 0, 1)
    side = max(3, round(min(rest.shape) / 30)) | 1
    result: Mask = cv2.blur(rest * motion.valid, (side, side)).astype(np.float32)
    return result


def _in_colours(mask: Mask) -> Image:
    """A mask, H x W, as H x W x 3: numpy multiplies equal shapes many times as fast as it spreads the last axis."""
    result: Image = opencv.load().merge((mask, mask, mask))
    return result
