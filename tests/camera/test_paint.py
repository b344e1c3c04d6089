"""A canvas dreamed once through views of it, then filmed."""

from dataclasses import replace

import numpy as np
import pytest
from little import quick, texture
from test_backdrop import LOOPS
from test_path import flight

from dreamvid.camera import paint
from dreamvid.camera.backdrop import Backdrop
from dreamvid.camera.paint import FlightView, fine, paint_canvas, paint_steps, view_times
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import to_float
from dreamvid.dream import session
from dreamvid.dream.deepdream import Dreamer, score, to_tensor
from dreamvid.models.net import Net

HEIGHT, WIDTH = 48, 64
STILL = texture(HEIGHT, WIDTH, seed=3)


@pytest.fixture
def dreamer(tiny_net: Net, monkeypatch: pytest.MonkeyPatch) -> Dreamer:
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)
    return session.open_session(quick(dream={"octaves": 2, "steps": 3})).dreamer


def view(backdrop: Backdrop) -> FlightView:
    return FlightView(backdrop, lambda index: backdrop.flight.pose(index / 12), lambda index: 1.0)


@pytest.mark.parametrize("name", ["zoom in", "zoom out", "spiral", "rotate", "pan"])
def test_every_frame_of_a_canvas_is_dreamed_and_the_cycle_closes(name: str, dreamer: Dreamer) -> None:
    backdrop = Backdrop((STILL,), LOOPS[name])
    *_, made = paint_canvas(backdrop, HEIGHT, WIDTH, dreamer)
    film = view(backdrop)
    frames = [film.frame(index, (HEIGHT, WIDTH), made.canvas) for index in range(73)]
    assert np.abs(frames[0].astype(int) - frames[72]).mean() < 0.5
    for index in range(0, 72, 9):
        seen, source = (
            to_tensor(to_float(part), dreamer) for part in (frames[index], film.frame(index, (HEIGHT, WIDTH)))
        )
        assert score(dreamer, seen) > score(dreamer, source)


def test_a_canvas_that_goes_on_is_the_same(dreamer: Dreamer) -> None:
    backdrop = Backdrop((STILL,), LOOPS["spiral"])
    total = len(paint_steps(backdrop.flight, HEIGHT, WIDTH, dreamer.settings))
    whole = [(made.done, made.canvas.layer.copy()) for made in paint_canvas(backdrop, HEIGHT, WIDTH, dreamer)]
    assert [done for done, _ in whole] == list(range(1, total + 1))
    for done, layer in (whole[0], whole[total // 2], whole[-2]):
        *_, again = paint_canvas(backdrop, HEIGHT, WIDTH, dreamer, (done, layer.copy()))
        assert np.array_equal(again.canvas.layer, whole[-1][1])


def test_the_steps_do_not_depend_on_length_in_time_or_frame_rate(dreamer: Dreamer) -> None:
    slow, quicker = flight(1.5**0.5, seconds=12.0, loop=True), flight(1.5, seconds=6.0, loop=True)
    first, second = (paint_steps(way, HEIGHT, WIDTH, dreamer.settings) for way in (slow, quicker))
    assert len(first) == len(second)


def test_without_steps_a_frame_is_the_still_to_the_byte(dreamer: Dreamer) -> None:
    how = flight(1.5)
    rests = replace(dreamer, settings=dreamer.settings.model_copy(update={"steps": 0}))
    backdrop = Backdrop((STILL,), how)
    assert list(paint_canvas(backdrop, HEIGHT, WIDTH, rests)) == []
    assert np.array_equal(view(backdrop).frame(0, (HEIGHT, WIDTH)), STILL)


def test_of_an_intro_only_a_share_is_seen(dreamer: Dreamer) -> None:
    backdrop = Backdrop((STILL,), LOOPS["zoom in"])
    *_, made = paint_canvas(backdrop, HEIGHT, WIDTH, dreamer)
    rising = FlightView(backdrop, lambda index: backdrop.flight.pose(0), lambda index: index / 2)
    none, half, whole = (rising.frame(index, (HEIGHT, WIDTH), made.canvas).astype(int) for index in range(3))
    assert np.array_equal(none, STILL)
    assert 0 < np.abs(half - none).mean() < np.abs(whole - none).mean()


@pytest.mark.parametrize("rule", paint.MEMORIES)
def test_a_rule_with_a_memory_is_refused(rule: str, dreamer: Dreamer) -> None:
    remembering = replace(dreamer, settings=dreamer.settings.model_copy(update={"step_rule": rule}))
    with pytest.raises(SettingsError, match=rule):
        paint_steps(LOOPS["zoom in"], HEIGHT, WIDTH, remembering.settings)


def test_only_light_is_dreamed_where_colours_are_kept(dreamer: Dreamer) -> None:
    kept = replace(dreamer, settings=dreamer.settings.model_copy(update={"keep_colours": True}))
    *_, made = paint_canvas(Backdrop((STILL,), LOOPS["pan"]), HEIGHT, WIDTH, kept)
    assert np.allclose(made.canvas.layer[..., 0], made.canvas.layer[..., 2])


def test_what_is_fine_has_no_broad_part() -> None:
    broad = np.broadcast_to(np.linspace(-1, 1, 96, dtype=np.float32)[None, :, None], (64, 96, 3))
    dots = np.zeros((64, 96, 3), np.float32)
    dots[::4, ::4] = 1
    assert np.abs(fine(np.ascontiguousarray(broad))[:, 16:-16]).max() < 0.1
    assert fine(dots).std() == pytest.approx(dots.std(), rel=0.02)


def test_frames_are_the_same_in_any_order_and_by_anyone(dreamer: Dreamer) -> None:
    backdrop = Backdrop((STILL,), LOOPS["spiral"])
    *_, made = paint_canvas(backdrop, HEIGHT, WIDTH, dreamer)
    film = view(backdrop)
    forward = [film.frame(index, (HEIGHT, WIDTH), made.canvas) for index in range(0, 72, 8)]
    other = paint.restored(backdrop.flight, HEIGHT, WIDTH, made.canvas.layer.copy())
    backward = [film.frame(index, (HEIGHT, WIDTH), other) for index in reversed(range(0, 72, 8))]
    assert all(np.array_equal(one, two) for one, two in zip(forward, reversed(backward), strict=True))


def test_at_the_end_steps_go_where_the_film_is_weakest(dreamer: Dreamer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where strength is how bright it is, over a still that grows bright from left to right."""
    still = np.clip(STILL // 4 + np.linspace(0, 180, WIDTH)[:, None], 0, 255).astype(np.uint8)
    backdrop = Backdrop((still,), flight(shift=(0.0, 1.0), seconds=3.0))
    bright: list[float] = []
    monkeypatch.setattr(paint, "_worth", lambda image, dreamer: float(image.mean()))
    monkeypatch.setattr(
        paint, "gradient_step", lambda dreamer, image, *more: bright.append(float(image.mean())) or image
    )

    def mean(share: float) -> float:
        bright.clear()
        monkeypatch.setattr(paint, "EVENING", share)
        assert len(list(paint_canvas(backdrop, HEIGHT, WIDTH, dreamer))) == len(bright)
        return float(np.mean(bright[len(bright) // 2 :]))

    assert mean(1.0) < mean(0.0) - 0.05


def test_where_settings_move_each_view_is_dreamed_with_those_of_its_time(dreamer: Dreamer) -> None:
    """Steps of no length in the first half of a pan leave no more than what reaches into it."""
    backdrop = Backdrop((STILL,), flight(shift=(0.0, 1.0), seconds=6.0))
    times = view_times(backdrop.flight, len(paint_steps(backdrop.flight, HEIGHT, WIDTH, dreamer.settings)))

    def sized(size: float) -> Dreamer:
        return replace(dreamer, settings=dreamer.settings.model_copy(update={"step_size": size}))

    *_, made = paint_canvas(
        backdrop, HEIGHT, WIDTH, dreamer, dreamer_at=lambda step: sized(0.05 if times[step] > 3 else 1e-9)
    )
    early, late = (np.abs(made.canvas.view(backdrop.flight.pose(time))).mean() for time in (0.0, 6.0))
    assert early < 1e-6
    assert late > 0.01
