"""The bench: what is timed is what a dream runs, each part counted once, and an earlier report to compare with."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from job_runs import decoded
from torch import nn

from dreamvid import cli
from dreamvid.coherence import carry
from dreamvid.config.settings import ComputeSettings
from dreamvid.core.errors import SettingsError
from dreamvid.jobs import bench, bench_nets
from dreamvid.jobs.bench import Report, Scope, ratios
from dreamvid.jobs.bench_frames import DRIFT, PARTS, REST, Stopwatch, write_film
from dreamvid.jobs.bench_nets import Extent, convolutions, plain_step
from dreamvid.models import zoo
from dreamvid.models.net import Net

CPU = torch.device("cpu")
HOW = ComputeSettings(device="cpu", precision="fp32", threads=1)
LITTLE = Scope(Extent(rounds=2, seconds=60, side=64), frames=2, sizes=((64, 96),))


@pytest.fixture(scope="module")
def report() -> Report:
    """One of a small net, and of small frames, by the default preset."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "NETS", {"squeezenet1_1": "features.4", "dreamnet": None})
        patch.setattr(bench_nets.zoo, "in_cache", lambda name: name == "dreamnet")
        patch.setattr(bench_nets.presets, "DEFAULT", "dreamnet")
        return bench.measure(HOW, LITTLE)


def test_every_net_and_size_is_measured(report: Report) -> None:
    assert [(speed.net, speed.weights) for speed in report.nets] == [
        ("squeezenet1_1", "random:0"),
        ("dreamnet", "its own"),
    ]
    for speed in report.nets:
        assert 1 <= speed.rounds <= 2 and min(speed.step, speed.convolutions, speed.plain, speed.rate) > 0
    (frames,) = report.frames
    assert frames.size == "96x64" and frames.count == 2
    assert frames.carried < frames.first
    assert frames.parts.keys() >= {"net", "flow and warp", "the store", "the source", REST}
    assert all(seconds >= 0 for seconds in frames.parts.values())


def test_a_report_is_read_again_and_compared(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slower = replace(report, nets=tuple(replace(speed, step=2 * speed.step) for speed in report.nets))
    file = tmp_path / "before.json"
    file.write_text(slower.to_json())
    assert bench.read(file) == slower
    found = ratios(slower, report)
    assert found["dreamnet 64 step"] == pytest.approx(2) and found["dreamnet 64 plain step"] == pytest.approx(1)
    monkeypatch.setattr(bench, "measure", lambda how, scope, tell: report)
    assert cli.run(["bench", "--json", "--against", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["ratios"] == found
    assert cli.run(["bench", "--quick", "--against", str(file)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["dreamnet", "64", "step", "2.00"] in [[*words[:3], words[-1]] for words in lines if len(words) == 6]


@pytest.mark.parametrize("text", ["", "[]", '{"machine": 3, "nets": [], "frames": []}', '{"nets": []}'])
def test_another_file_is_no_report(text: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"other\.json: this is no report of `dreamvid bench`"):
        bench.read(file)
    with pytest.raises(SettingsError, match="No such file"):
        bench.read(tmp_path / "none.json")


def test_convolutions_are_those_up_to_the_layer(tiny_net: Net) -> None:
    found = convolutions(tiny_net, frozenset({"second"}), 64)
    assert sorted((each.input, each.weight) for each in found) == [
        ((1, 3, 64, 64), (8, 3, 5, 5)),
        ((1, 8, 32, 32), (12, 8, 3, 3)),
    ]
    operations = {each.input[1]: each.operations for each in found}
    assert operations == {3: 4 * (3 * 5 * 5) * (8 * 32 * 32), 8: 4 * (8 * 3 * 3) * (12 * 16 * 16)}


def test_equal_convolutions_are_counted_and_padding_of_one_side_keeps_the_size() -> None:
    lite = zoo.get("efficientnet_lite0", "random:0")
    found = convolutions(lite, frozenset({lite.default_layers[0]}), 64)
    assert sum(found.values()) == sum(
        1 for part in _until(lite.module, lite.default_layers[0]) if isinstance(part, nn.Conv2d)
    )
    first = next(each for each in found if each.input[1] == 3)
    assert first.apply(torch.zeros(first.input), torch.zeros(first.weight)).shape[-2:] == (32, 32)


def _until(module: nn.Module, layer: str) -> list[nn.Module]:
    """The parts that run up to a layer, in the order in which they first run."""
    ran: list[nn.Module] = []
    handles = [part.register_forward_hook(lambda part, *_: ran.append(part)) for part in module.modules()]
    with torch.inference_mode():
        module(torch.zeros(1, 3, 64, 64))
    for handle in handles:
        handle.remove()
    return ran[: ran.index(module.get_submodule(layer)) + 1]


def test_a_plain_step_is_the_gradient_at_the_picture(tiny_net: Net) -> None:
    picture = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    slope = plain_step(tiny_net, frozenset({"first"}), picture)()
    assert slope.shape == picture.shape and float(slope.abs().sum()) > 0
    assert not picture.requires_grad


def test_a_stopwatch_counts_no_time_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, clock = Stopwatch(CPU), [0.0]
    monkeypatch.setattr("dreamvid.jobs.bench_frames.time.perf_counter", lambda: clock[0])

    def takes(seconds: float) -> None:
        clock[0] += seconds

    inner = watch.timed("inner", partial(takes, 2.0))

    def outer() -> None:
        takes(1.0)
        inner()
        inner()
        takes(0.5)

    watch.timed("outer", outer)()
    inner()
    assert watch.seconds == {"outer": 1.5, "inner": 6.0}


def test_the_functions_are_as_they_were_afterwards() -> None:
    functions = [(owner, name) for each in PARTS.values() for owner, name in each]
    before = [getattr(owner, name) for owner, name in functions]
    follow, watch = carry.follow, Stopwatch(CPU)
    with pytest.raises(ValueError, match="broke"), watch.watching():
        assert carry.follow is not follow
        raise ValueError("broke")
    assert [getattr(owner, name) for owner, name in functions] == before


def test_the_film_that_is_made_drifts_and_uncovers(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", (48, 64), 3)
    first, second, _ = (picture.astype(int) for picture in decoded(tmp_path / "film.mp4"))
    down, right = DRIFT
    apart = np.abs(first[down:, right:] - second[:-down, :-right]).mean(axis=2)
    assert apart[:12].mean() < 8 < apart[20:28, 26:38].mean()
    assert np.abs(first - second).mean() > 8
