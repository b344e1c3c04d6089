"""The loop: what is stored is all that counts, equal pictures dream equally, a cut begins anew."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from little import HEIGHT, WIDTH, drifting, quick, texture

from dreamvid.coherence import optical_flow
from dreamvid.coherence.carry import Carry, Past
from dreamvid.coherence.energy import BROADER, Strength
from dreamvid.coherence.optical_flow import Motion
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import Framing
from dreamvid.core.types import Frame, Pixels, Shot
from dreamvid.dream import session
from dreamvid.dream.deepdream import Dreamer
from dreamvid.dream.objectives import layer_energy
from dreamvid.dream.session import Session
from dreamvid.models.net import Net
from dreamvid.models.prepare import prepare
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.frame_params import params_by_frame
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.render import RenderContext, Rendered, carried_budget, gain
from dreamvid.pipeline.schedule import make_schedule

MODES = ("flow", "blend", "none")
WHOLE = Framing((0, HEIGHT), (0, WIDTH), (HEIGHT, WIDTH), (HEIGHT, WIDTH))


@pytest.fixture
def dreamer_of(tiny_net: Net) -> Callable[[Settings], Dreamer]:
    objective = layer_energy("second", tiny_net.statistics["second"])
    prepared = prepare(tiny_net, objective.layers, torch.device("cpu"), torch.float32)
    return lambda settings: Dreamer(prepared, objective, settings.dream, settings.seed)


def frames(pictures: Sequence[Pixels], start: int = 0) -> Iterator[Frame]:
    return (Frame(number, Fraction(number, 12), picture) for number, picture in enumerate(pictures) if number >= start)


def plan(count: int, *cuts: int) -> Plan:
    starts, stops = (0, *cuts), (*cuts, count)
    shots = tuple(Shot(*ends) for ends in zip(starts, stops, strict=True))
    return Plan(WHOLE, Fraction(12), tuple(range(count)), tuple(range(count)), shots)


def move(past: Past, frame: Frame) -> Motion:
    return optical_flow.estimate(past.source, frame.image)


def rendered(pictures: Sequence[Pixels], settings: Settings, dreamer: Dreamer, *cuts: int) -> list[Rendered]:
    return list(render_at_cadence(RenderContext(plan(len(pictures), *cuts), settings, move, dreamer), frames(pictures)))


Made = Callable[[Settings], Dreamer]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [1, 2, 5])
def test_a_render_that_stops_and_goes_on_gives_the_same_bytes(dreamer_of: Made, mode: str, first: int) -> None:
    """From the stored pixels and the journal's numbers alone, whatever the frame it stopped after."""
    settings, pictures = quick(coherence={"mode": mode}), drifting(7)
    dreamer = dreamer_of(settings)
    whole = rendered(pictures, settings, dreamer)
    last, memory = whole[first - 1], whole[max(0, first - 4) : first]
    past = tuple(Past(r.index, pictures[r.index].copy(), r.dream.copy()) for r in reversed(memory))
    carry = Carry(past, last.state)
    rest = list(
        render_at_cadence(RenderContext(plan(7), settings, move, dreamer_of(settings)), frames(pictures, first), carry)
    )
    assert [result.index for result in rest] == list(range(first, 7))
    for again, before in zip(rest, whole[first:], strict=True):
        assert np.array_equal(again.dream, before.dream)
        assert again.state.strength == before.state.strength
        assert (again.state.calibration_age, again.state.survival) == (
            before.state.calibration_age,
            before.state.survival,
        )
        assert again.valid == before.valid


@pytest.mark.parametrize("mode", MODES)
def test_the_same_render_gives_the_same_bytes(dreamer_of: Made, mode: str) -> None:
    settings, pictures = quick(coherence={"mode": mode}), drifting(3)
    first, second = (rendered(pictures, settings, dreamer_of(settings)) for _ in range(2))
    assert all(np.array_equal(a.dream, b.dream) for a, b in zip(first, second, strict=True))


def test_another_seed_gives_another_dream(dreamer_of: Made) -> None:
    pictures = drifting(1)
    first, second = (rendered(pictures, quick(seed=seed), dreamer_of(quick(seed=seed))) for seed in (0, 1))
    assert not np.array_equal(first[0].dream, second[0].dream)


@pytest.mark.parametrize("mode", ["flow", "none"])
def test_without_steps_the_source_comes_back_to_the_byte(dreamer_of: Made, mode: str) -> None:
    settings = quick(dream={"steps": 0}, coherence={"mode": mode, "steps": 0})
    pictures = drifting(4)
    for result in rendered(pictures, settings, dreamer_of(settings)):
        assert np.array_equal(result.dream, pictures[result.index])


def test_without_steps_a_blend_leaves_a_still_source_as_it_is(dreamer_of: Made) -> None:
    settings = quick(dream={"steps": 0}, coherence={"mode": "blend", "steps": 0})
    pictures = [texture()] * 3
    assert all(np.array_equal(r.dream, pictures[0]) for r in rendered(pictures, settings, dreamer_of(settings)))


def test_without_steps_a_blend_is_the_mean_of_now_and_before(dreamer_of: Made) -> None:
    settings = quick(dream={"steps": 0}, coherence={"mode": "blend", "steps": 0, "blend": 0.5})
    pictures = drifting(2)
    second = rendered(pictures, settings, dreamer_of(settings))[1].dream
    expected = (pictures[0].astype(float) + pictures[1]) / 2
    assert np.abs(second - expected).max() <= 0.51


def test_equal_pictures_dream_equally(dreamer_of: Made) -> None:
    settings, pictures = quick(), [texture()] * 4
    results = rendered(pictures, settings, dreamer_of(settings))
    assert all(np.array_equal(result.dream, results[0].dream) for result in results)
    assert not np.array_equal(results[0].dream, pictures[0])


def test_a_picture_that_comes_again_after_another_is_dreamed_anew(dreamer_of: Made) -> None:
    """Nothing is remembered but the frame before."""
    one, other = drifting(2)
    results = rendered([one, other, one], quick(), dreamer_of(quick()))
    assert not np.array_equal(results[0].dream, results[2].dream)


@pytest.mark.parametrize("mode", MODES)
def test_after_a_cut_nothing_is_carried(dreamer_of: Made, mode: str) -> None:
    """What comes after a cut does not depend on what came before it."""
    settings, after = quick(coherence={"mode": mode}), drifting(2, seed=8)
    dreamer = dreamer_of(settings)
    results = [
        rendered([*before, *after], settings, dreamer, 2) for before in (drifting(2, seed=1), drifting(2, seed=2))
    ]
    for one, other in zip(results[0][2:], results[1][2:], strict=True):
        assert np.array_equal(one.dream, other.dream)
    assert results[0][2].valid is None
    assert not np.array_equal(results[0][0].dream, results[1][0].dream)


def test_every_frame_stands_alone_without_coherence(dreamer_of: Made) -> None:
    settings, pictures = quick(coherence={"mode": "none"}), drifting(3)
    together = rendered(pictures, settings, dreamer_of(settings))
    alone = list(render_at_cadence(RenderContext(plan(3), settings, move, dreamer_of(settings)), frames(pictures, 2)))
    assert np.array_equal(together[2].dream, alone[0].dream)
    assert all(result.valid is None for result in together)


def test_a_carried_frame_knows_how_much_could_be_followed(dreamer_of: Made) -> None:
    results = rendered(drifting(3), quick(), dreamer_of(quick()))
    assert results[0].valid is None
    assert all(0.7 < result.valid <= 1 for result in results[1:] if result.valid is not None)
    assert None not in [result.valid for result in results[1:]]
    assert all(result.state.strength.bands == results[0].state.strength.bands for result in results)


def test_where_motion_is_lost_a_frame_is_dreamed_from_the_start(dreamer_of: Made) -> None:
    def lost(past: Past, frame: Frame) -> Motion:
        return Motion(np.zeros((HEIGHT, WIDTH, 2), np.float32), np.zeros((HEIGHT, WIDTH), bool))

    settings, pictures = quick(), drifting(2)
    _, second = render_at_cadence(RenderContext(plan(2), settings, lost, dreamer_of(settings)), frames(pictures))
    (alone,) = render_at_cadence(RenderContext(plan(2, 1), settings, lost, dreamer_of(settings)), frames(pictures, 1))
    assert second.valid is None
    assert np.array_equal(second.dream, alone.dream)


def test_the_dream_stays_on_what_moves(dreamer_of: Made) -> None:
    """The layer that has moved along is nearer to the new one than the layer that has stayed, or a fresh one."""
    pictures = [np.clip(picture, 60, 190) for picture in drifting(3, rows=0, cols=4)]
    settings = quick(dream={"steps": 6})
    dreamer = dreamer_of(settings)
    layers = [r.dream.astype(float) - pictures[r.index] for r in rendered(pictures, settings, dreamer)]
    later = layers[2][8:-8, 16:-8]
    along, stayed = (np.abs(later - layers[1][8:-8, 16 - by : -8 - by]).mean() for by in (4, 0))
    alone = quick(dream={"steps": 6}, coherence={"mode": "none"})
    fresh = [r.dream.astype(float) - pictures[r.index] for r in rendered(pictures, alone, dreamer)]
    boiling = np.abs(fresh[2][8:-8, 16:-8] - fresh[1][8:-8, 12:-12]).mean()
    assert along < 0.6 * stayed
    assert along < 0.6 * boiling


def test_the_objective_stays_raised_and_does_not_run_away(dreamer_of: Made) -> None:
    settings, pictures = quick(dream={"steps": 4}), drifting(6)
    dreamer = dreamer_of(settings)
    gains = [gain(dreamer, r.source, r.dream) for r in rendered(pictures, settings, dreamer)]
    assert min(gains) > 0.2 * gains[0] > 0
    assert max(gains) < 3 * gains[0]
    assert gain(dreamer, pictures[0], pictures[0]) == 0


@pytest.mark.parametrize(
    ("coherence", "steps"),
    [
        ({"mode": "flow"}, 1),
        ({"mode": "flow", "steps": 3}, 3),
        ({"mode": "blend"}, 2),
        ({"mode": "blend", "steps": 0}, 0),
    ],
)
def test_a_carried_frame_takes_the_steps_of_its_mode(dreamer_of: Made, coherence: dict[str, Any], steps: int) -> None:
    settings = quick(coherence=coherence)
    (first,) = rendered(drifting(1), settings, dreamer_of(settings))
    assert carried_budget(settings, first.state.strength).steps == steps


def test_smaller_patches_once_needed_are_kept(dreamer_of: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from dreamvid.dream import tiles

    plain = tiles.gradient

    def poor(fields: Any, image: Any, tile: int, overlap: int, *more: Any) -> Any:
        if min(tile, max(image.shape[-2:])) > 120:
            raise torch.OutOfMemoryError("no room")
        return plain(fields, image, tile, overlap, *more)

    monkeypatch.setattr(tiles, "gradient", poor)
    settings = quick(dream={"tile": 256, "overlap": 32})
    pictures = [texture(128, 160, seed=3)]
    framing = Framing((0, 128), (0, 160), (128, 160), (128, 160))
    dreamer = dreamer_of(settings)
    list(render_at_cadence(RenderContext(replace(plan(1), framing=framing), settings, move, dreamer), frames(pictures)))
    assert dreamer.patch == (64, 32)


def test_a_flash_is_passed_over(dreamer_of: Made) -> None:
    """After it the dream goes on from the frame before it; with one reference alone it would begin anew."""
    pictures = [np.clip(picture, 60, 190) for picture in drifting(5, size=(96, 128))]
    pictures[2] = np.full_like(pictures[2], 255)
    framing = Framing((0, 96), (0, 128), (96, 128), (96, 128))
    whole = replace(plan(5), framing=framing)

    def fourth(references: list[int]) -> Rendered:
        settings = quick(coherence={"references": references})
        return list(render_at_cadence(RenderContext(whole, settings, move, dreamer_of(settings)), frames(pictures)))[3]

    over, anew = fourth([1, 2]), fourth([1])
    assert over.valid is not None
    assert anew.valid is None


def test_what_was_hidden_comes_back_as_it_was(dreamer_of: Made) -> None:
    """A box that covers a place for one frame: what is dreamed there again is what was dreamed there before."""
    before = np.clip(texture(96, 128, seed=3), 60, 190)
    over = before.copy()
    over[30:60, 40:80] = texture(96, 128, seed=5)[30:60, 40:80]
    again = before.copy()
    again[:, :20] += 1  # so that the picture is not the very same
    pictures = [before, over, again]
    hidden = np.ones((96, 128), bool)
    hidden[30:60, 40:80] = False

    def seen(past: Past, frame: Frame) -> Motion:
        valid = hidden if 1 in (past.index, frame.index) else np.ones_like(hidden)
        return Motion(np.zeros((96, 128, 2), np.float32), valid)

    framing = Framing((0, 96), (0, 128), (96, 128), (96, 128))

    def likeness(references: list[int]) -> float:
        settings = quick(coherence={"references": references})
        results = list(
            render_at_cadence(
                RenderContext(replace(plan(3), framing=framing), settings, seen, dreamer_of(settings)), frames(pictures)
            )
        )
        layers = [result.dream[34:56, 44:76].astype(float) - result.source[34:56, 44:76] for result in results]
        return float(np.corrcoef(layers[0].ravel(), layers[2].ravel())[0, 1])

    assert likeness([1, 2]) > likeness([1]) + 0.1


def test_the_strength_is_measured_anew_when_the_picture_has_changed_enough(dreamer_of: Made) -> None:
    pictures = [np.clip(picture, 60, 190) for picture in drifting(9, rows=0, cols=5)]
    results = rendered(pictures, quick(), dreamer_of(quick()))
    ages = [result.state.calibration_age for result in results]
    renewed = [number for number in range(1, 9) if ages[number] == 0]
    assert renewed
    for number in range(1, 9):
        changed = results[number].state.strength.bands != results[number - 1].state.strength.bands
        assert changed == (number in renewed)
        assert number in renewed or ages[number] > ages[number - 1]


def test_a_picture_that_stays_does_not_age_and_costs_nothing(dreamer_of: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from dreamvid.pipeline import calibrate, render

    results = render_at_cadence(RenderContext(plan(4), quick(), move, dreamer_of(quick())), frames([texture()] * 4))
    first = next(results)
    for module in (render, calibrate):
        monkeypatch.setattr(module, "dream", None)
    assert all(np.array_equal(later.dream, first.dream) and later.state.calibration_age == 0 for later in results)


def test_a_frame_that_stands_alone_is_dreamed_once(dreamer_of: Made) -> None:
    """No probes and no finishing where nothing follows: an image, the last frame after a cut."""
    settings = quick()
    (alone,) = rendered([texture()], settings, dreamer_of(settings))
    (fresh,) = rendered([texture()], quick(coherence={"mode": "none"}), dreamer_of(settings))
    assert np.array_equal(alone.dream, fresh.dream)
    assert alone.state.strength == Strength((), (), ())


def test_after_a_dissolve_the_dream_begins_anew_once(dreamer_of: Made) -> None:
    """Or the eyes of the first picture would look out of the second."""
    one, other = (np.clip(texture(96, 128, seed=seed), 60, 190).astype(float) for seed in (1, 2))
    other[..., 0] = 255 - other[..., 0] / 3
    shares = [0, 0, *np.linspace(0, 1, 8), 1, 1, 1, 1]
    pictures = [
        np.rint((1 - share) * one + share * other + number % 2).astype(np.uint8) for number, share in enumerate(shares)
    ]
    framing = Framing((0, 96), (0, 128), (96, 128), (96, 128))
    whole = replace(plan(len(pictures)), framing=framing)
    results = list(render_at_cadence(RenderContext(whole, quick(), move, dreamer_of(quick())), frames(pictures)))
    anew = [result.index for result in results[1:] if result.valid is None]
    assert anew
    assert set(anew) <= set(range(3, 11))
    assert all(0 < result.state.survival <= 1 for result in results)


def cadence(number: int, **changes: Any) -> Settings:
    return quick(coherence={"cadence": number}, **changes)


def test_frames_between_take_no_steps(dreamer_of: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from dreamvid.pipeline import calibrate, render

    plain, dreamed = render.dream, set()

    def told(dreamer: Any, source: Any, layer: Any, budget: Any, key: Any) -> Any:
        dreamed.add(key[0])
        return plain(dreamer, source, layer, budget, key)

    for module in (render, calibrate):
        monkeypatch.setattr(module, "dream", told)
    results = rendered(drifting(9), cadence(3), dreamer_of(quick()), 5)
    assert [result.index for result in results] == list(range(9))
    assert dreamed == {0, 3, 4, 5, 8}  # every third of a shot, and its last


def test_what_lies_between_is_carried_from_both_sides(dreamer_of: Made) -> None:
    """Moved along, it is like the one at the nearer end, and about as strong."""
    pictures = [np.clip(picture, 60, 190) for picture in drifting(5, rows=0, cols=2, size=(96, 128))]
    framing = Framing((0, 96), (0, 128), (96, 128), (96, 128))
    settings = cadence(4, dream={"steps": 6})
    results = list(
        render_at_cadence(
            RenderContext(replace(plan(5), framing=framing), settings, move, dreamer_of(settings)), frames(pictures)
        )
    )
    layers = [result.dream.astype(float) - result.source for result in results]
    for number in range(1, 4):
        there = layers[number][16:-16, 24:-24]
        along = [
            np.corrcoef(there.ravel(), layers[end][16:-16, 24 - by : -24 - by].ravel())[0, 1]
            for end, by in ((0, 2 * number), (4, -2 * (4 - number)))
        ]
        assert max(along) > 0.75
        assert (along[0] > along[1]) == (number < 2) or number == 2
        assert 0.7 < there.std() / layers[0][16:-16, 24:-24].std() < 1.3
    assert all(result.valid is not None for result in results[1:])


def test_with_a_cadence_what_does_not_change_still_dreams_the_same(dreamer_of: Made) -> None:
    results = rendered([texture()] * 6, cadence(3), dreamer_of(quick()))
    assert all(np.array_equal(result.dream, results[0].dream) for result in results)


def test_without_steps_a_cadence_leaves_the_source(dreamer_of: Made) -> None:
    settings = quick(dream={"steps": 0}, coherence={"cadence": 2, "steps": 0})
    pictures = drifting(4)
    assert all(np.array_equal(r.dream, pictures[r.index]) for r in rendered(pictures, settings, dreamer_of(settings)))


def test_where_motion_is_lost_from_both_sides_a_frame_between_is_dreamed(dreamer_of: Made) -> None:
    def lost(past: Past, frame: Frame) -> Motion:
        return Motion(np.zeros((HEIGHT, WIDTH, 2), np.float32), np.zeros((HEIGHT, WIDTH), bool))

    settings, pictures = cadence(2), drifting(3)
    results = list(render_at_cadence(RenderContext(plan(3), settings, lost, dreamer_of(settings)), frames(pictures)))
    (alone,) = render_at_cadence(
        RenderContext(plan(3, 1, 2), quick(), lost, dreamer_of(settings)), frames(pictures[:2], 1)
    )
    assert results[1].valid == 0
    assert np.array_equal(results[1].dream, alone.dream)


@pytest.mark.parametrize("mode", ["blend", "none"])
def test_a_cadence_is_for_flow_alone(mode: str) -> None:
    with pytest.raises(SettingsError, match=r"cadence 2 needs optical flow: give coherence\.mode=flow"):
        quick(coherence={"mode": mode, "cadence": 2})


# Settings that move


@pytest.fixture
def ready(tiny_net: Net, monkeypatch: pytest.MonkeyPatch) -> Callable[[Settings], Session]:
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)
    return lambda settings: session.open_session(settings)


Ready = Callable[[Settings], Session]


def when(frame: int) -> Fraction:
    return Fraction(frame, 12)


def moving(
    pictures: Sequence[Pixels], settings: Settings, ready: Ready, start: int = 0, before: Sequence[Rendered] = ()
) -> list[Rendered]:
    """A render of settings that move, or its end after those rendered `before`."""
    made = make_schedule(settings, plan(len(pictures)))
    able = ready(settings)
    whole = plan(len(pictures), *made.jumps)
    carry, frame_params = None, params_by_frame(made, able, whole, when) if settings.keyframes else None
    if before:
        memory = before[max(0, start - 4) : start]
        past = tuple(Past(r.index, pictures[r.index].copy(), r.dream.copy()) for r in reversed(memory))
        carry = Carry(past, memory[-1].state)
    return list(
        render_at_cadence(
            RenderContext(whole, settings, move, able.dreamer, frame_params), frames(pictures, start), carry
        )
    )


SIZE = "0:0.01, 6f:0.06"
FADE = [
    {"kind": "channel", "layer": "first", "channels": [1], "weight": "0:1, 8f:0"},
    {"kind": "channel", "layer": "third", "channels": [2], "weight": "0:0, 8f:1"},
]


@pytest.mark.parametrize("mode", MODES)
def test_settings_that_stay_where_they_are_give_the_same_bytes(ready: Ready, mode: str) -> None:
    pictures, still = drifting(4), quick(coherence={"mode": mode})
    held = quick(coherence={"mode": mode}, dream={"step_size": "0:0.03, 3f:0.03"})
    able = ready(still)
    plain = rendered(pictures, still, able.dreamer)
    for one, other in zip(plain, moving(pictures, held, ready), strict=True):
        assert np.array_equal(one.dream, other.dream)
        assert (one.state.strength, one.state.calibration_age) == (other.state.strength, other.state.calibration_age)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [1, 4, 9])
def test_a_render_that_moves_stops_and_goes_on_with_the_same_bytes(ready: Ready, mode: str, first: int) -> None:
    settings = quick(coherence={"mode": mode}, dream={"step_size": SIZE}, objective=FADE)
    pictures = drifting(12)
    whole = moving(pictures, settings, ready)
    rest = moving(pictures, settings, ready, first, whole)
    assert [result.index for result in rest] == list(range(first, 12))
    for again, before in zip(rest, whole[first:], strict=True):
        assert np.array_equal(again.dream, before.dream)
        assert (again.state.strength, again.state.calibration_age) == (
            before.state.strength,
            before.state.calibration_age,
        )


RAMPS = [SIZE, "0:0.06, 6f:0.01", "0:0.01, 6f:0.06 hold"]


@pytest.mark.parametrize("ramp", RAMPS)
def test_a_ramp_arrives(ready: Ready, ramp: str) -> None:
    """After it the dream is as strong as that of a film that had the last value all along."""
    first, last = (float(key.split(":")[1].split()[0]) for key in ramp.split(", "))
    ends = {}
    for size in (first, last, ramp):
        settings = quick(dream={"step_size": size})
        results = moving(drifting(24), settings, ready)
        ends[size] = gain_of(results[-4:], ready(quick()))
    assert abs(ends[ramp] - ends[last]) < 0.3 * abs(ends[first] - ends[last])


@pytest.mark.parametrize("ramp", RAMPS)
def test_a_dream_of_a_picture_that_rests_follows_and_then_rests_too(ready: Ready, ramp: str) -> None:
    results = moving([texture()] * 33, quick(dream={"step_size": ramp}), ready)
    able = ready(quick())
    before, after = gain_of(results[:1], able), gain_of(results[-1:], able)
    assert after > 1.7 * before if ramp != RAMPS[1] else after < 0.5 * before
    assert np.array_equal(results[-1].dream, results[-2].dream)
    assert not np.array_equal(results[6].dream, results[7].dream)


def gain_of(results: Sequence[Rendered], able: Session) -> float:
    """How much the objective was raised, on average."""
    return float(np.mean([gain(able.scorer, result.source, result.dream) for result in results]))


@pytest.mark.parametrize("way", ["linear", "hold"])
def test_a_fade_from_one_objective_to_another_arrives(ready: Ready, way: str) -> None:
    """The last frames score by the new one as if it had been alone, and little by the old."""
    pictures = drifting(16)
    faded = moving(pictures, quick(objective=[{**term, "weight": f"{term['weight']} {way}"} for term in FADE]), ready)
    for term, comes in zip(FADE, (False, True), strict=True):
        settings = quick(objective=[{**term, "weight": 1}])
        able = ready(settings)
        alone = gain_of(rendered(pictures, settings, able.dreamer)[-3:], able)
        before, after = gain_of(faded[:1], able), gain_of(faded[-3:], able)
        assert (after > 0.6 * alone) == comes
        assert (before > 0.6 * alone) != comes


def test_octaves_may_come_and_go(ready: Ready) -> None:
    pictures = drifting(8, size=(80, 96))
    framing = Framing((0, 80), (0, 96), (80, 96), (80, 96))
    settings = quick(dream={"octaves": "0:1, 6f:3", "octave_scale": "1.3 + t / 10"})
    made = make_schedule(settings, plan(8))
    able = ready(settings)
    whole = replace(plan(8), framing=framing)
    results = list(
        render_at_cadence(
            RenderContext(whole, settings, move, able.dreamer, params_by_frame(made, able, whole, when)),
            frames(pictures),
        )
    )
    assert [len(result.state.strength.bands) for result in results] == [
        BROADER + octaves for octaves in (1, 1, 2, 2, 2, 3, 3, 3)
    ]
    assert len({result.valid is None for result in results[1:]}) == 1


def test_a_setting_that_moves_is_measured_anew_and_one_that_rests_is_not(ready: Ready) -> None:
    results = moving(drifting(9), quick(dream={"step_size": SIZE}), ready)
    assert [result.state.calibration_age == 0 for result in results] == [True] * 8 + [False]
    assert results[7].state.strength.bands == results[8].state.strength.bands
    assert len({result.state.strength.bands for result in results}) == 8


@pytest.mark.parametrize("first", [2, 4, 5, 9])
def test_with_a_cadence_settings_move_and_a_render_goes_on_with_the_same_bytes(ready: Ready, first: int) -> None:
    """Octaves come and go, too, and frames between have the strength of the frame before."""
    track = {"step_size": SIZE, "octaves": "0:1, 9f:2", "octave_scale": 1.3}
    settings = quick(coherence={"cadence": 3}, dream=track, objective=FADE)
    pictures = drifting(12)
    whole = moving(pictures, settings, ready)
    assert {len(result.state.strength.bands) for result in whole} == {BROADER + 1, BROADER + 2}
    keys = [result.index for result in whole if plan(12).is_key(result.index, 3) and result.index < first]
    last = whole[first - 1]
    past = tuple(Past(index, pictures[index], whole[index].dream) for index in reversed(keys))
    made, able = make_schedule(settings, plan(12)), ready(settings)
    carry = Carry(past, last.state)
    frame_params = params_by_frame(made, able, plan(12), when)
    rest = list(
        render_at_cadence(
            RenderContext(plan(12), settings, move, able.dreamer, frame_params), frames(pictures, first), carry
        )
    )
    assert [again.index for again in rest] == list(range(first, 12))
    assert all(np.array_equal(again.dream, whole[again.index].dream) for again in rest)


def test_with_a_cadence_a_dream_of_a_picture_that_rests_follows_as_well(ready: Ready) -> None:
    results = moving([texture()] * 13, quick(coherence={"cadence": 4}, dream={"step_size": SIZE}), ready)
    assert [result.state.calibration_age == 0 for result in results if result.index % 4 == 0] == [
        True,
        True,
        True,
        True,
    ]
    assert all(not np.array_equal(one.dream, other.dream) for one, other in pairwise(results[:9]))
