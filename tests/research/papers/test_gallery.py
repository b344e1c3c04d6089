"""The page of all figures: choosing, verdicts, what is kept, and the cheapest figures made for real."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dreamvid import cli
from dreamvid.config import presets
from dreamvid.core.errors import SettingsError
from dreamvid.research.papers import gallery
from dreamvid.research.papers.entry import Bench, Entry, FigureResult
from dreamvid.research.papers.gallery import Page, Run

BY_ID = {entry.id: entry for entry in gallery.ENTRIES}


def page(**changes: object) -> Page:
    return replace(Page((("dreamnet", None),), gallery.photographs(None), 0.1, {"compute.threads": 1}), **changes)


def told(net: str, met: bool, control: bool = False) -> Run:
    return Run(net, control, 1.0, met, "", "x.png")


def test_every_figure_says_what_it_is_and_dreams_by_a_preset_that_exists() -> None:
    assert len(BY_ID) == len(gallery.ENTRIES)
    known = presets.names(presets.PAPERS)
    for entry in gallery.ENTRIES:
        assert entry.id[0] in gallery.TEXTS
        assert entry.claim.endswith(".") or entry.claim.endswith("?")
        assert entry.preset in known
    assert {entry.preset for entry in gallery.ENTRIES} == set(known)


def test_figures_are_chosen_by_how_they_begin() -> None:
    assert [entry.id for entry in gallery.choose(["b-2.1"])] == ["b-2.1-gradient"]
    assert gallery.choose([]) == list(gallery.ENTRIES)
    with pytest.raises(SettingsError, match=r"b-9.*no such figure"):
        gallery.choose(["b-9"])


@pytest.mark.parametrize(
    ("about", "runs", "said"),
    [
        ("learned", [told("a", True), told("a", False, True)], "supported"),
        ("learned", [told("a", True), told("a", True, True)], "not supported: a net with random weights meets it too"),
        ("architecture", [told("a", True), told("a", True, True)], "supported"),
        (
            "architecture",
            [told("a", True), told("a", False, True)],
            "not supported: a net with random weights does not meet it",
        ),
        ("learned", [told("a", False), told("a", False, True)], "contradicted"),
        ("learned", [told("a", True), told("b", False), told("a", False, True)], "but contradicted by b"),
    ],
)
def test_a_verdict_weighs_every_run(about: str, runs: list[Run], said: str) -> None:
    assert said in gallery.verdict(replace(gallery.ENTRIES[0], about=about), runs)


def test_a_threshold_is_met_on_the_right_side_and_never_by_what_is_no_number() -> None:
    least, most = replace(gallery.ENTRIES[0], at_most=False), replace(gallery.ENTRIES[0], at_most=True)
    assert least.met(least.threshold + 1) and not least.met(least.threshold - 1)
    assert most.met(most.threshold - 1) and not most.met(most.threshold + 1)
    assert not least.met(float("nan")) and not most.met(float("nan"))


def test_what_is_made_is_kept_and_not_made_again(tmp_path: Path) -> None:
    made: list[str] = []

    def show(bench: Bench) -> FigureResult:
        made.append(bench.session.net.sha256)
        return FigureResult(float(len(made)), "once", np.zeros((8, 8, 3), np.uint8))

    entry = Entry("a-blocks", "title <b>", "claim.", "measure", 2.0, "learned", show, at_most=True)
    for _ in range(2):
        found = gallery.make(page(), [entry], tmp_path, lambda done, total: None)
        assert [(run.control, run.met) for run in found["a-blocks"]] == [(False, True), (True, True)]
    assert len(made) == 2 and made[0] != made[1]  # trained, and with random weights
    gallery.make(page(minutes=0.2), [entry], tmp_path, lambda done, total: None)
    assert len(made) == 4
    html = (tmp_path / "index.html").read_text("utf-8")
    assert html.count('src="data:image/png;base64,') == 2 and 'id="a-blocks"' in html
    assert "href=" not in html.replace('href="#', "") and html.count("src=") == 2  # one file, complete by itself
    assert (tmp_path / "a-blocks-dreamnet.png").is_file()


@pytest.mark.parametrize("id_", ["b-2.1-gradient", "c-objective", "c-amplify"])
def test_cheap_figures_for_real(id_: str, tmp_path: Path) -> None:
    found = gallery.make(page(), [replace(BY_ID[id_], controlled=False)], tmp_path, lambda done, total: None)
    (run,) = found[id_]
    assert run.met and np.isfinite(run.number)


def test_the_command_makes_a_page_and_lists_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page"
    given = ["papers", "--out", str(out), "--only", "b-2.1", "--threads", "1", "--quiet", "--json"]
    assert cli.run(given) == 0
    assert json.loads(capsys.readouterr().out)["verdicts"] == {"b-2.1-gradient": "supported"}
    assert (out / "index.html").is_file()
    assert cli.run(["papers", "--list", "--only", "c-"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["c-amplify", "c-objective"]
