"""Drafts: smaller, the same octaves and steps as far as they fit, fewer frames dreamed."""

import pytest

from dreamvid.config.draft import drafted, resized
from dreamvid.config.presets import resolve
from dreamvid.dream.octaves import octave_sizes


@pytest.mark.parametrize(
    ("size", "half"),
    [(None, "50%"), ("25%", "12.5%"), ("1280x720", "640x360"), ("1280x", "640x"), ("x721", "x360"), ("1x1", "1x1")],
)
def test_half_a_size(size: str | None, half: str) -> None:
    assert resized(size, 0.5) == half


def test_the_same_steps_at_half_the_size_and_every_other_frame() -> None:
    settings = resolve("dream", [("dream.steps", 7), ("dream.step_size", 0.01)])
    draft = drafted(settings)
    assert (draft.dream.steps, draft.dream.step_size) == (7, 0.01)
    assert draft.coherence.cadence == 2
    assert draft.input.size == "50%"
    assert draft.objective == settings.objective and draft.seed == settings.seed


@pytest.mark.parametrize(
    ("key", "value"), [("input.loop", True), ("coherence.mode", "none"), ("coherence.mode", "blend")]
)
def test_where_a_cadence_is_refused_every_frame_is_dreamed(key: str, value: object) -> None:
    assert drafted(resolve("dream", [(key, value)])).coherence.cadence == 1


def test_a_longer_cadence_and_what_is_animated_stay() -> None:
    settings = resolve("dream", [("coherence.cadence", 4), ("dream.steps", "2 + 2 * beat")])
    draft = drafted(settings)
    assert draft.coherence.cadence == 4
    assert draft.dream.steps == settings.dream.steps and draft.keyframes == settings.keyframes


@pytest.mark.parametrize("octaves", [16, [0.25, 0.5, 1], [80, 120, 300]])
def test_the_octaves_are_those_of_the_full_size_as_far_as_they_fit(octaves: object) -> None:
    settings = resolve("dream", [("dream.octaves", octaves)])
    full, draft = octave_sizes(400, 600, settings.dream), octave_sizes(200, 300, drafted(settings).dream)
    assert draft[-1] == (200, 300)
    assert draft[:-1] == [size for size in full if size[0] < 200]
