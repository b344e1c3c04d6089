"""Carry the dream of one frame to the next: warp its layer, match its band energy, damp what is static."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dreamvid.coherence.energy import OPPONENT, SLIVER, Strength, band_rms, bands, grown, opponent, tint
from dreamvid.coherence.optical_flow import Field, Motion, left_behind, sample, warp
from dreamvid.coherence.survival import outlived
from dreamvid.config.settings import CoherenceSettings
from dreamvid.core.types import Frame, Image, Mask, Pixels, to_float
from dreamvid.media import opencv

LOST = 0.4  # share of the frame: if less has valid flow, or less survives the change, nothing is carried
GAIN = (0.90, 1.05)  # limits of a band's gain per frame: strength is steered, not forced
ABOVE = 1.10  # target rms over that of a fresh layer: a warped and rounded layer scores lower at equal rms
TINTED = 0.1  # share of the error in a layer's mean colour that is corrected per frame
SPECK = 1 / 60  # of the short side: smaller invalid places are errors of the flow, not disocclusions
FADED = 0.5  # share of the carried layer that is removed where uncovered: later steps adapt the rest
LEAST_SURVIVAL = 0.2  # share of a dream that survives, below which it ends
SURVIVAL_GROWTH = 0.97  # the surviving share grows by 1 / 0.97 per frame
ANOTHER = 0.7, 0.4  # surviving share of a layer from which on a place begins to count as new; wholly new
STILL = 0.125, 0.25  # pixels per frame: below the first the picture is static, above the second it moves
CALM = 0.45  # share of a step that is undone where the picture is static: there the eye sees every change
SHORTEST_CALIBRATION_AGE, LONGEST_CALIBRATION_AGE = 6, 48  # frames from one calibration to the next
WORTH, ASKING = 0.02, 0.04  # uncovered shares of the frame from which on it gets more steps; older references are used
RIM = 1 / 60  # of the short side, around uncovered places: what was uncovered some frames ago is still weak
CALIBRATION_TURNOVER = 0.5  # uncovered share of the picture, summed over frames, that causes a calibration
FAINT = 1 / 8  # of a mask: where less of the dream is visible, it cannot be recovered from stored pixels


@dataclass(frozen=True)
class Past:
    """An earlier frame as stored: `source` and `dream`, uint8 H x W x 3; `index`: number of the source frame.

    `mask`: opacity of the dream, H x W in [0, 1], or None.
    """

    index: int
    source: Pixels
    dream: Pixels
    mask: Mask | None = None

    @property
    def layer(self) -> Image:
        """The layer, dream minus source, before the mask was applied: H x W x 3.

        If the masked layer were carried, the mask would be applied again in every frame, and soft edges would fade.
        """
        difference: Image = np.subtract(self.dream, self.source, dtype=np.float32)
        layer: Image = difference / np.float32(255)
        return layer if self.mask is None else layer / _in_colours(np.maximum(self.mask, np.float32(FAINT)))

    @property
    def whole(self) -> Image:
        """The dream before the mask was applied, H x W x 3 in [0, 1]."""
        return to_float(self.dream) if self.mask is None else to_float(self.source) + self.layer


Move = Callable[[Past, Frame], Motion]  # the motion of the picture from an earlier frame to a new one


@dataclass(frozen=True)
class CarryState:
    """The numbers carried from one frame to the next and stored in the journal.

    `strength`: the strength that dreams are steered to; `calibration_age`: change of the picture since it was measured;
    at 1 it is measured again. `survival`: share of the dreamed picture that is still visible; without it, steps
    would preserve the eyes of a face that has long dissolved.
    """

    strength: Strength
    calibration_age: float = 0.0
    survival: float = 1.0


@dataclass(frozen=True)
class Carry:
    """Everything carried from one frame to the next: earlier frames, the latest first, and their state."""

    frames: tuple[Past, ...]
    state: CarryState

    @property
    def last(self) -> Past:
        """The previous frame."""
        return self.frames[0]


def uncovered(motion: Motion) -> Mask:
    """Return the mask of disocclusions, places uncovered in this frame: H x W in [0, 1], 1 inside, with soft edges.

    Invalid specks are left out: they are errors of the forward-backward check, and the carried layer fits well enough.
    """
    cv2 = opencv.load()
    new = (~motion.valid).astype(np.float32)
    speck = max(3, round(min(new.shape) * SPECK))
    new = cv2.morphologyEx(new, cv2.MORPH_OPEN, np.ones((speck, speck), np.uint8), borderType=cv2.BORDER_REPLICATE)
    if not new.any():
        return new
    wider: Mask = cv2.GaussianBlur(cv2.dilate(new, np.ones((7, 7), np.uint8)), (0, 0), 2)
    return wider


def newness(motion: Motion, kept: Mask) -> Mask:
    """Return the mask of new places, uncovered or with another picture: H x W in [0, 1]; `kept`: as of `outlived`."""
    same, other = ANOTHER
    new: Mask = np.clip((same - kept) / (same - other), uncovered(motion), 1)
    return new


def gets_more(new: float, how: CoherenceSettings) -> bool:
    """Return whether so much of a frame is new, as a share of it, that it gets more steps, and longer ones."""
    return new >= WORTH * how.cadence


def calibration_wear(changed: float) -> float:
    """Return how much a frame adds to the calibration age, at 1 of which another is due; `changed`: share of it."""
    return min(1 / SHORTEST_CALIBRATION_AGE, changed / CALIBRATION_TURNOVER + 1 / LONGEST_CALIBRATION_AGE)


def widened(new: Mask) -> Mask:
    """Dilate and blur a mask of uncovered places, H x W in [0, 1], to cover those uncovered some frames ago."""
    cv2 = opencv.load()
    side = max(3, round(min(new.shape) * RIM)) | 1
    result: Mask = cv2.blur(cv2.dilate(new, np.ones((side, side), np.uint8)), (side, side))
    return result


def visibility(mask: Mask) -> Mask:
    """Return mask / `FAINT`, at most 1, H x W: at 1 the layer can be recovered from the stored masked pixels."""
    result: Mask = np.minimum(mask / np.float32(FAINT), np.float32(1))
    return result


def apply_mask(image: Image, source: Image, mask: Mask | None) -> Image:
    """Blend a dream over its source by a mask, H x W; pixels of mask 0 equal the source exactly; others H x W x 3."""
    return image if mask is None else source + _in_colours(mask) * (image - source)


def same_mask(one: Mask | None, other: Mask | None) -> bool:
    """Return True if two masks are equal or both None."""
    return one is other if one is None or other is None else np.array_equal(one, other)


@dataclass(frozen=True)
class Followed:
    """The dream carried from earlier frames to a new one: the warped `layer`, H x W x 3.

    `kept`: share of the layer that is kept; `new`, `still`: uncovered places, static places; all H x W in [0, 1].
    `valid`: share of the frame with valid flow; `survival`: as in `CarryState`; `gone`: share of the previous frame
    that a zoom in has moved out of view; `opened`: share of the frame that the mask shows; `field`: offset of each
    pixel to its place in the nearest reference, (H, W, 2), in pixels.
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
        """The layer times its kept share, to start the frame's dream with: H x W x 3."""
        return self.layer * _in_colours(self.kept)

    def lasting(self, mask: Mask | None) -> Mask:
        """Return the places where the layer is carried unchanged and the frame's mask shows it: H x W in [0, 1]."""
        lasting = self.kept * (1 - self.new)
        return lasting if mask is None else lasting * visibility(mask)

    def next_calibration_age(self, calibration_age: float, animated: float) -> float:
        """Return the calibration age after this frame; `animated`: the amount that animated settings add."""
        changed = max(float(self.new.mean()) / self.opened, self.gone)
        return round(calibration_age + calibration_wear(changed) + animated, 6)


def follow(carry: Carry, frame: Frame, references: Sequence[int], move: Move, *, dies: bool = True) -> Followed | None:
    """Return the warped layer of the nearest usable reference; places uncovered since are filled from older ones.

    Returns None if the flow from every reference is lost, or the picture has changed entirely. So a flash is skipped,
    and what was occluded for some frames returns as before (Ruder et al. 2016, section 3.2: the closest first). `dies`:
    end a dream of which little survives; off in loops, where everything comes and goes and that would be a cut.
    """
    found: Followed | None = None
    for back in sorted(references):
        if back > len(carry.frames) or (found is not None and float(found.new.mean()) < ASKING):
            break
        past = carry.frames[back - 1]
        motion = move(past, frame)
        valid, kept = float(motion.valid.mean()), outlived(past.source, motion, frame.image)
        if min(valid, float(kept.mean())) < LOST:
            continue
        layer, new = warp(past.layer, motion), newness(motion, kept)
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
        again = found.new * (1 - new)  # uncovered since this reference, and visible in it
        layer = found.layer + _in_colours(again) * (layer - found.layer)
        kept = found.kept + again * (kept - found.kept)
        found = replace(found, layer=layer, kept=kept, new=found.new * new)
    return found


def between(before: Carry, after: Past, frame: Frame, share: float, move: Move) -> Followed | None:
    """Interpolate the layers of the dreamed frames before and after a frame; `share`: its place in time, 0 to 1.

    Places occluded in one of them use the other alone. Returns None if the flow from both is lost.
    """
    following = Carry((after,), CarryState(before.state.strength))
    sides = [(weight, follow(each, frame, (1,), move)) for weight, each in ((1 - share, before), (share, following))]
    found = [(weight, side) for weight, side in sides if side is not None]
    if len(found) < 2:
        return found[0][1] if found else None
    (left, one), (right, other) = found
    least = np.float32(1e-3)  # weight of an occluded side, so that places occluded in both are mixed as well
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
    """Return the carried dream with a share, in [0, 1], replaced by a `fresh` layer, H x W x 3, of the same frame."""
    if not share:
        return found
    layer, kept = found.layer + np.float32(share) * (fresh - found.layer), found.kept + share * (1 - found.kept)
    return replace(found, layer=layer, kept=kept.astype(np.float32))


def make_way(found: Followed, places: Mask, fade: float) -> Followed:
    """Return the carried dream with a share `fade`, in [0, 1], removed at some places, H x W in [0, 1].

    These are dreamed as what is uncovered is.
    """
    return replace(found, kept=found.kept * (1 - np.float32(fade) * places), new=np.maximum(found.new, places))


def match_band_energy(
    dream: Image, source: Image, strength: Strength, sizes: list[tuple[int, int]], where: Mask | None = None
) -> Image:
    """Return a dream, H x W x 3 in [0, 1], with the rms of each band of its layer and its tint steered to `strength`.

    The gain per band is limited to `GAIN`. `where`: H x W in [0, 1], the places that are measured and changed. Applied
    after the steps, which add more to old shapes than to new ones.
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
    """Return the layer that mixes `settings.blend` of the last dream, unwarped, into the source (DeepDreamVideo)."""
    return settings.blend * (past.whole - source)


def damp_static(
    dream: Image, start: Image, still: Mask, past: Past, source: Pixels, *, restless: bool = False
) -> Image:
    """Damp the change of the dream where the picture is static; where source pixels are equal, keep it to the byte.

    `dream`: the new one, `start`: the picture before its steps, both H x W x 3 in [0, 1]; `still`: static places, H x W
    in [0, 1]; `source`: the new source frame; `restless`: do not keep the dream where pixels are equal. Edges are soft.
    """
    cv2 = opencv.load()
    calmer = dream + _in_colours(CALM * still) * (start - dream)
    if restless:
        return calmer
    same = cv2.inRange(cv2.absdiff(source, past.source), (0, 0, 0), (0, 0, 0)) // 255
    reach = max(3, min(source.shape[:2]) // 40) | 1  # a pixel is kept only if its whole neighbourhood is equal
    same = cv2.erode(same, np.ones((reach, reach), np.uint8), borderValue=1)
    if not same.any():
        return calmer
    weight = _in_colours(cv2.blur(same.astype(np.float32), (reach, reach)) * same)
    return weight * past.whole + (1 - weight) * calmer


def still(motion: Motion) -> Mask:
    """Return the mask of static places, where motion is below `STILL`: H x W in [0, 1], with soft edges."""
    cv2 = opencv.load()
    slow, fast = STILL
    rest = np.clip((fast - np.hypot(motion.field[..., 0], motion.field[..., 1])) / (fast - slow), 0, 1)
    side = max(3, round(min(rest.shape) / 30)) | 1
    result: Mask = cv2.blur(rest * motion.valid, (side, side)).astype(np.float32)
    return result


def _in_colours(mask: Mask) -> Image:
    """Repeat a mask, H x W, to H x W x 3: numpy multiplies equal shapes faster than it broadcasts the last axis."""
    result: Image = opencv.load().merge((mask, mask, mask))
    return result
