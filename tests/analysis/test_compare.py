"""What films are measured by: each number where it is known beforehand."""

import json
import sys
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from little import drifting, film, quick, read_image, texture, write_image

from dreamvid import cli
from dreamvid.analysis import compare, pairing, stability
from dreamvid.analysis.stability import Stability
from dreamvid.core.types import Frame, Pixels, SourceInfo
from dreamvid.dream import session
from dreamvid.dream.session import Session
from dreamvid.models.net import Net

SIZE = 96, 128
COUNT = 12
MOVED = (1, 2)  # rows and columns a frame


def frames(pictures: Sequence[Pixels]) -> list[Frame]:
    return [Frame(index, Fraction(index, 12), picture) for index, picture in enumerate(pictures)]


def measured(source: Sequence[Pixels], dreamt: Sequence[Pixels], cuts: Sequence[int] = (), **how: str) -> Stability:
    return stability.measure(zip(frames(source), frames(dreamt), strict=True), cuts, **how)


def with_layer(source: Sequence[Pixels], layers: Sequence[Pixels], strength: float = 0.4) -> list[Pixels]:
    """Pictures with a texture added to each, as a dream adds one."""
    sums = (picture + strength * (layer - 127.5) for picture, layer in zip(source, layers, strict=True))
    return [np.clip(np.rint(total), 0, 255).astype(np.uint8) for total in sums]


@pytest.fixture(scope="module")
def source() -> list[Pixels]:
    """A texture in motion, of little contrast so that what is added is not clipped."""
    return [(64 + picture // 2).astype(np.uint8) for picture in drifting(COUNT, *MOVED, size=SIZE)]


@pytest.fixture(scope="module")
def attached(source: list[Pixels]) -> list[Pixels]:
    return with_layer(source, drifting(COUNT, *MOVED, seed=1, size=SIZE))


@pytest.fixture(scope="module")
def alone(source: list[Pixels]) -> list[Pixels]:
    """New noise in every frame."""
    return with_layer(source, [texture(*SIZE, seed=number) for number in range(10, 10 + COUNT)])


def test_the_source_itself_has_no_layer_to_speak_of(source: list[Pixels]) -> None:
    result = measured(source, source)
    assert (result.incoherence_1, result.incoherence_8, result.warp_error_reduction) == (None, None, None)
    assert result.layer_rms == 0
    assert result.warp_error == result.warp_error_source


@pytest.mark.parametrize("method", ["dis", "farneback"])
def test_a_layer_that_moves_with_the_picture_is_coherent(
    source: list[Pixels], attached: list[Pixels], method: str
) -> None:
    result = measured(source, attached, method=method)
    assert result.incoherence_1 is not None and result.incoherence_1 < 0.02
    assert result.incoherence_8 is not None and result.incoherence_8 < 0.05
    assert result.warp_error_reduction is not None and result.warp_error_reduction > 0.95


@pytest.mark.parametrize("strength", [0.1, 0.4])
def test_noise_that_is_new_in_every_frame_is_not_however_weak(source: list[Pixels], strength: float) -> None:
    noise = [texture(*SIZE, seed=number) for number in range(10, 10 + COUNT)]
    result = measured(source, with_layer(source, noise, strength))
    assert result.incoherence_1 == pytest.approx(1, abs=0.06)
    assert result.incoherence_8 == pytest.approx(1, abs=0.1)
    assert result.warp_error_reduction == pytest.approx(0, abs=0.1)


def test_what_stays_on_the_screen_is_found_out_at_the_longer_lag(source: list[Pixels]) -> None:
    result = measured(source, with_layer(source, [texture(*SIZE, seed=3, grain=4.0)] * COUNT))
    assert result.incoherence_1 is not None and result.incoherence_1 < 0.4
    assert result.incoherence_8 is not None and result.incoherence_8 > 0.8


def test_nothing_is_compared_over_a_cut(source: list[Pixels]) -> None:
    """Two shots, each with a layer of its own that moves with it."""
    half = COUNT // 2
    other = [picture[::-1] for picture in source]
    both = source[:half] + other[half:]
    layers = drifting(half, *MOVED, seed=1, size=SIZE) + [
        layer[::-1] for layer in drifting(COUNT - half, *MOVED, seed=2, size=SIZE)
    ]
    dreamt = with_layer(both, layers)
    result = measured(both, dreamt, cuts=[half])
    assert result.incoherence_1 is not None and result.incoherence_1 < 0.02
    assert result.incoherence_8 is None  # no shot is that long


def test_a_film_is_not_held_in_memory() -> None:
    given: list[weakref.ref[Frame]] = []
    most = 0

    def pairs() -> Iterator[stability.Pair]:
        nonlocal most
        for frame in map(replace, frames([texture()] * 30)):
            given.append(weakref.ref(frame))
            yield frame, frame
            most = max(most, sum(reference() is not None for reference in given))

    stability.measure(pairs(), ())
    assert len(given) == 30 and most <= 4


def test_flicker_is_told_in_levels_where_the_picture_rests() -> None:
    still = [texture(*SIZE)] * 6
    blinking = [picture // 2 + 10 * (number % 2) for number, picture in enumerate(still)]
    result = measured([picture // 2 for picture in still], [picture.astype(np.uint8) for picture in blinking])
    assert result.flicker == pytest.approx(20)  # |10 - 2 * 0 + 10|
    assert result.flicker_source == 0


def test_one_picture_has_no_stability() -> None:
    result = measured([texture()], [texture(seed=1)])
    assert (result.incoherence_1, result.warp_error, result.flicker) == (None, None, None)


def test_the_edges_of_what_moves_are_not_followed() -> None:
    background, disc = texture(*SIZE, seed=1), texture(48, 48, seed=2)
    now, later = background.copy(), background.copy()
    now[24:72, 30:78] = disc
    later[24:72, 36:84] = disc
    motion = stability.follow(now, later)
    assert np.abs(motion.field[34:62, 42:66] - np.float32([0, 6])).mean() < 0.3
    assert motion.valid[34:62, 42:66].mean() > 0.9
    assert motion.valid[30:66, 76:86].mean() < 0.5


# Strength


@pytest.fixture
def ready(tiny_net: Net, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)
    return session.open_session(quick(compute={"precision": "fp32", "threads": 1}))


def test_the_source_itself_has_gain_1_and_of_fresh_dreams_nothing(ready: Session) -> None:
    pictures = frames(drifting(4))
    plain = compare.gain(zip(pictures, pictures, strict=True), ready)
    assert plain == compare.Gain(1.0, 1.0, 1.0, frames=4, fresh=0)
    related = compare.gain(zip(pictures, pictures, strict=True), ready, steps=2, fresh=1)
    assert related == compare.Gain(0.0, 0.0, None, frames=4, fresh=1)


def test_a_film_of_fresh_dreams_is_as_strong_as_they_are(ready: Session) -> None:
    pictures = frames(drifting(4))
    dreams = [replace(frame, image=compare._dreamed(ready, frame, 2, 0)) for frame in pictures]
    absolute = compare.gain(zip(pictures, dreams, strict=True), ready)
    assert absolute is not None and absolute.mean > 1.05
    related = compare.gain(zip(pictures, dreams, strict=True), ready, steps=2, fresh=1)
    assert related is not None
    assert (related.mean, related.p5, related.last_to_first) == pytest.approx((1, 1, 1))


def test_fresh_dreams_keep_as_little_in_flat_places_as_the_film(ready: Session) -> None:
    pictures = frames(drifting(4))
    for frame in pictures:
        frame.image[:, : frame.image.shape[1] * 2 // 3] = 128
    dreams = [replace(frame, image=compare._dreamed(ready, frame, 2, 0, 0.25)) for frame in pictures]
    alike, whole = (
        compare.gain(zip(pictures, dreams, strict=True), ready, steps=2, fresh=1, flat=flat) for flat in (0.25, 1.0)
    )
    assert alike is not None and whole is not None
    assert alike.mean == pytest.approx(1) and whole.mean < 0.95


def test_a_dream_that_fades_is_told_by_its_last_quarter(ready: Session) -> None:
    pictures = frames([texture()] * 8)
    dreamt = replace(pictures[0], image=compare._dreamed(ready, pictures[0], 3, 0))
    result = compare.gain(zip(pictures, [dreamt] * 4 + pictures[4:], strict=True), ready)
    assert result is not None and result.last_to_first is not None
    assert result.last_to_first < 1 and result.p5 == pytest.approx(1)


def test_an_objective_below_zero_gives_no_ratio(ready: Session) -> None:
    pictures = frames([texture()])
    negative = replace(ready, scorer=replace(ready.scorer, objective=-1.0 * ready.scorer.objective))
    assert compare.gain(zip(pictures, pictures, strict=True), negative) is None


# What must not have changed


def info(**facts: object) -> SourceInfo:
    times = tuple(Fraction(number, 12) for number in range(6))
    return replace(
        SourceInfo("clip.mp4", "video", 48, 64, times, Fraction(1, 2), Fraction(12), ""),
        **facts,  # type: ignore[arg-type]
    )


def pairing_of(source: SourceInfo, film: SourceInfo) -> pairing.Pairing:
    return pairing.pair(pairing.Opened("clip.mp4", source, None), pairing.Opened("film.mp4", film, None))


def test_a_faithful_film_of_a_source_of_varying_rate_keeps_its_contract() -> None:
    uneven = info(times=tuple(Fraction(at, 12) for at in (0, 1, 2, 5, 6, 7)), end=Fraction(8, 12))
    even = info(times=tuple(Fraction(at, 12) for at in range(8)), end=Fraction(8, 12))
    assert compare.contract(pairing_of(uneven, even), even).broken == ()


# The command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_net: Net) -> Path:
    """A clip with sound, and a preset whose objective the tiny net has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)
    film(tmp_path / "clip.mp4", drifting(4))
    (tmp_path / "quick.toml").write_text(
        '[[objective]]\nlayer = "second"\n[compute]\nthreads = 1\nprecision = "fp32"\n'
    )
    return tmp_path


QUICK = ("--preset", "quick.toml", "--quiet")


@pytest.mark.usefixtures("here")
def test_the_table_is_aligned_and_a_faithful_film_keeps_its_contract(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["compare", "clip.mp4", "clip.mp4", "./clip.mp4", *QUICK]) == 0
    head, *rows = capfd.readouterr().out.partition("\n\n")[0].splitlines()
    assert head.split()[:3] == ["film", "I_1", "I_8"]
    assert [row.split()[0] for row in rows] == ["clip.mp4", "./clip.mp4"]
    assert all(row[head.index("contract") :] == "kept" for row in rows)
    gain = head.index("gain") + len("gain")
    assert all(row[:gain].endswith("  1.00") for row in rows)


def test_every_breach_of_the_contract_is_told(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    film(here / "other.mp4", [picture[:40, :56] for picture in drifting(3)], rate=10, sound=False)
    assert cli.run(["compare", "clip.mp4", "other.mp4", "--json", *QUICK]) == 0
    out = capfd.readouterr().out
    assert out.count("\n") == 1
    (result,) = json.loads(out)["films"]
    assert result["frames"] == 3
    assert result["contract"]["frames"] == [4, 3]
    assert result["contract"]["broken"] == [
        "frames 4 -> 3",
        "fps 12 -> 10",
        "size 64x48 -> 56x40",
        "sound lost",
    ]
    assert result["note"] == "cut 2 of 48 rows of the source to fit 56x40"


def test_other_sound_is_told(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    film(here / "silent.mp4", drifting(4), sound=False)
    film(here / "other.mp4", [*drifting(4), *drifting(2)])  # whose sound is longer
    whole = ["compare", "clip.mp4", "silent.mp4", *QUICK]
    assert cli.run(whole) == 0
    assert capfd.readouterr().out.splitlines()[1].endswith("sound lost")
    assert cli.run(["compare", "other.mp4", "clip.mp4", "--from", "0", *QUICK]) == 0
    row = capfd.readouterr().out.splitlines()[1]
    assert row.endswith("kept")  # of a part, sound is cut


def test_a_reduction_is_related_to_a_film_dreamed_alone(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    film(here / "noise.mp4", with_layer(drifting(4), [texture(seed=number) for number in range(4)]))
    assert cli.run(["compare", "clip.mp4", "clip.mp4", "--alone", "noise.mp4", "--json", *QUICK]) == 0
    plain, alone = json.loads(capfd.readouterr().out)["films"]
    assert plain["stability"]["warp_error_reduction"] is None
    assert alone["stability"]["warp_error_reduction"] == 0
    film(here / "large.mp4", drifting(4, size=(64, 80)))
    assert cli.run(["compare", "clip.mp4", "clip.mp4", "--alone", "large.mp4", *QUICK]) == 2
    assert "another size" in capfd.readouterr().err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gone.mp4"], 3, "there is no such file"),
        (["quick.toml"], 3, "quick.toml"),
        (["clip.mp4", "--flow", "lucas"], 2, "dis or farneback"),
        (["clip.mp4", "--fresh", "-1"], 2, "--fresh"),
        (["clip.mp4", "--layer", "secnd"], 5, "second"),
        ([], 2, "FILM"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_line(
    words: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["compare", "clip.mp4", *words, *QUICK]) == code
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err


def test_a_plot_without_matplotlib_says_what_to_install(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cli.run(["compare", "clip.mp4", "clip.mp4", "--plot", "seen.png", *QUICK]) == 2
    assert "pip install matplotlib" in capfd.readouterr().err
    assert not (here / "seen.png").exists()


def test_a_plot_is_a_picture(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    film(here / "noise$.mp4", with_layer(drifting(4), [texture(seed=number) for number in range(4)]))
    assert cli.run(["compare", "clip.mp4", "noise$.mp4", "--plot", "seen.png", *QUICK]) == 0, capfd.readouterr().err
    assert read_image(here / "seen.png").std() > 5
    write_image(here / "still.png", texture())
    (here / "folder").mkdir()
    for name in ("seen.jpg", "gone/seen.png", "still.png", "folder/seen.png"):
        assert cli.run(["compare", "still.png", "folder", "--plot", name, *QUICK]) == 2
        assert "--plot" in capfd.readouterr().err
