"""Batches: checked whole, none stopped by another, nothing done twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from batch_jobs import HEAD, ONE, Write, render, states
from little import QUICK_PRESET, drifting, film, quick, tone

from dreamvid.batch import run as driver
from dreamvid.batch.jobs_file import read
from dreamvid.cli import run
from dreamvid.core.errors import NetError, SettingsError
from dreamvid.dream import session
from dreamvid.jobs import run as job
from dreamvid.jobs.events import Event
from dreamvid.jobs.run import Options
from dreamvid.models.net import Net

pytestmark = pytest.mark.usefixtures("small_net")


def test_defaults_hold_where_a_job_says_nothing(jobs: Write) -> None:
    file = jobs(
        HEAD
        + 'set = {"dream.steps" = 4, seed = 3}\n'
        + '[[job]]\nsource = "in/one.mp4"\n'
        + '[[job]]\nsource = "in/two.mp4"\nframes = "1:2"\noutput = "b.mkv"\nset = {"dream.steps" = 5}\n'
    )
    first, second = read(file)
    assert (first.settings.dream.steps, first.settings.seed, first.settings.input.frames) == (4, 3, "0:2")
    assert (second.settings.dream.steps, second.settings.seed, second.settings.input.frames) == (5, 3, "1:2")
    assert (first.command, first.output.name, second.output.name) == ("video", "one.mp4", "b.mkv")


def test_a_glob_makes_a_job_of_each_match_in_order(jobs: Write) -> None:
    file = jobs(HEAD + '[[job]]\nsource = "in/*.mp4"\noutput = "{index}-{stem}-{preset}.mkv"\n')
    assert [planned.output.name for planned in read(file)] == ["0-one-quick.mkv", "1-two-quick.mkv"]


def test_the_index_counts_over_all_jobs(jobs: Write) -> None:
    file = jobs(
        HEAD
        + '[[job]]\nsource = "in/*.mp4"\noutput = "{index:02d}.mp4"\n'
        + '[[job]]\nsource = "in/one.mp4"\noutput = "{index:02d}.mp4"\npreset = "bold.toml"\n'
    )
    assert [planned.output.name for planned in read(file)] == ["00.mp4", "01.mp4", "02.mp4"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(jobs: Write, tmp_path: Path) -> None:
    odd = tmp_path / "in" / "[one].mp4"
    odd.write_bytes((tmp_path / "in" / "one.mp4").read_bytes())
    (planned,) = read(jobs(HEAD + '[[job]]\nsource = "in/[one].mp4"\n'))
    assert Path(planned.source) == odd


@pytest.mark.parametrize("pattern", ["in/*.mov", "nowhere/[ab]*.mp4"])
def test_a_glob_without_a_match_is_said_to_be_one(pattern: str, jobs: Write) -> None:
    (outcome,) = render(jobs(HEAD + f'[[job]]\nsource = "{pattern}"\noutput = "a.mp4"\n'))
    assert outcome.state == "skipped"
    assert outcome.message.startswith("no file matches ")
    assert pattern in outcome.message


def test_a_name_that_is_too_long_is_a_missing_file(jobs: Write) -> None:
    (outcome,) = render(jobs(HEAD + f'[[job]]\nsource = "{"a" * 300}.mp4"\noutput = "a.mp4"\n'))
    assert outcome.state == "skipped"


def test_paths_start_from_the_batch_files_folder(jobs: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = jobs(HEAD + '[[job]]\nsource = "in/one.mp4"\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert states(render(file)) == {"one.mp4": "rendered"}
    assert (tmp_path / "one.mp4").is_file()
    assert list(elsewhere.iterdir()) == []


TWO_BY_TWO = HEAD + (
    'output = "{stem}-{preset}.mp4"\n'
    '[[job]]\nsource = "in/one.mp4"\n'
    '[[job]]\nsource = "in/missing.mp4"\n'
    '[[job]]\nsource = "in/one.mp4"\npreset = "bold.toml"\n'
    '[[job]]\nsource = "in/two.mp4"\npreset = "bold.toml"\n'
)


@pytest.fixture
def two_by_two(jobs: Write) -> Path:
    return jobs(TWO_BY_TWO.replace('output = "{stem}.mp4"\n', ""))


def test_a_missing_source_is_skipped_and_the_others_are_rendered(
    two_by_two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["batch", str(two_by_two), "--json"]) == 7
    out, err = capsys.readouterr()
    films = sorted(path.name for path in tmp_path.glob("*.mp4"))
    assert films == ["one-bold.mp4", "one-quick.mp4", "two-bold.mp4"]
    assert err.count("warning: skipping missing-quick.mp4") == 1
    assert "3 rendered, 0 unchanged, 1 skipped, 0 failed" in err
    assert not list(tmp_path.glob("*.dreamvid"))
    table = json.loads(out.splitlines()[-1])
    assert [entry["state"] for entry in table["jobs"]] == ["rendered", "skipped", "rendered", "rendered"]
    assert "there is no such file" in table["jobs"][1]["message"]


def test_run_again_it_renders_nothing_and_later_only_what_is_missing(
    two_by_two: Path, tmp_path: Path, renders: list[str]
) -> None:
    render(two_by_two)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.mp4")}
    renders.clear()
    assert sorted(states(render(two_by_two)).values()) == ["skipped", "unchanged", "unchanged", "unchanged"]
    assert renders == []
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.mp4")} == before

    (tmp_path / "in" / "missing.mp4").write_bytes((tmp_path / "in" / "one.mp4").read_bytes())
    (tmp_path / "two-bold.mp4").unlink()
    assert not any(outcome.error for outcome in render(two_by_two))
    assert renders == ["missing-quick.mp4", "two-bold.mp4"]


def test_a_changed_setting_or_source_renders_that_alone(two_by_two: Path, tmp_path: Path, renders: list[str]) -> None:
    render(two_by_two)
    renders.clear()
    (tmp_path / "quick.toml").write_text(QUICK_PRESET.replace("jitter = 4", "jitter = 5"))
    (tmp_path / "bold.toml").write_text(QUICK_PRESET)
    render(two_by_two)
    assert renders == ["one-quick.mp4", "one-bold.mp4", "two-bold.mp4"]
    renders.clear()
    film(tmp_path / "in" / "two.mp4", drifting(3, seed=7))
    render(two_by_two)
    assert renders == ["two-bold.mp4"]


def test_other_weights_of_any_of_its_nets_render_a_job_again(
    jobs: Write, tiny_net: Net, other_net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets = {quick().net.name: tiny_net, "alexnet": other_net}
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: nets[name])
    still = '[[job]]\ncommand = "image"\nsource = "in/still.png"\noutput = "a.png"\npreset = "quick.toml"\n'
    file = jobs(still + 'set = {objective = [{layer = "second"}, {net = "alexnet", layer = "first"}]}\n')
    assert states(render(file)) == {"a.png": "rendered"}
    assert states(render(file)) == {"a.png": "unchanged"}
    for name in nets:
        nets[name] = replace(nets[name], sha256="f" * 64)
        assert states(render(file)) == {"a.png": "rendered"}


def test_a_job_that_fails_does_not_stop_the_others(jobs: Write, tmp_path: Path, renders: list[str]) -> None:
    (tmp_path / "two.mp4").write_text("precious")
    file = jobs(
        HEAD
        + '[[job]]\nsource = "in/one.mp4"\nframes = "0:99"\n'
        + '[[job]]\nsource = "in/two.mp4"\n'
        + '[[job]]\nsource = "in/two.mp4"\noutput = "good.mp4"\n'
    )
    outcomes = render(file)
    assert states(outcomes) == {"one.mp4": "skipped", "two.mp4": "failed", "good.mp4": "rendered"}
    assert "beyond" in outcomes[0].message
    assert "there already" in outcomes[1].message
    assert not list(tmp_path.glob("*.dreamvid"))


def test_a_layer_that_does_not_exist_stops_the_batch_before_its_first_frame(jobs: Write, renders: list[str]) -> None:
    file = jobs(
        HEAD
        + '[[job]]\nsource = "in/one.mp4"\n'
        + '[[job]]\nsource = "in/two.mp4"\nset = {"objective" = [{layer = "secnd"}]}\n'
    )
    with pytest.raises(NetError, match=r"jobs\.toml: two\.mp4: layer 'secnd' .* nearest: second"):
        render(file)
    assert renders == []


def test_a_film_that_the_batch_has_not_made_is_not_replaced(jobs: Write, tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_text("precious")
    (outcome,) = render(jobs(HEAD + '[[job]]\nsource = "in/one.mp4"\n'))
    assert outcome.state == "failed"
    assert (tmp_path / "one.mp4").read_text() == "precious"


def test_a_batch_that_is_stopped_goes_on(jobs: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = jobs(HEAD + '[[job]]\nsource = "in/*.mp4"\n')

    def stops(event: Event) -> None:
        if event.done == 1 and (tmp_path / "one.mp4").exists():  # one frame of the second film is stored
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(file, Options(progress=stops))
    assert (tmp_path / "one.mp4").exists()
    assert not (tmp_path / "two.mp4").exists()
    summaries: list[job.Summary] = []
    plain = driver.RENDERERS["video"]
    monkeypatch.setitem(driver.RENDERERS, "video", lambda *given: summaries.append(plain(*given)))
    assert states(render(file)) == {"one.mp4": "unchanged", "two.mp4": "rendered"}
    assert [summary.rendered for summary in summaries] == [1]


def test_a_job_that_was_stopped_and_then_changed_begins_anew(jobs: Write, tmp_path: Path) -> None:
    def stops(event: Event) -> None:
        if event.done == 1:
            raise KeyboardInterrupt

    file = jobs(HEAD + '[[job]]\nsource = "in/one.mp4"\n')
    with pytest.raises(KeyboardInterrupt):
        render(file, Options(progress=stops))
    assert states(render(jobs(HEAD + '[[job]]\nsource = "in/one.mp4"\nset = {seed = 9}\n'))) == {"one.mp4": "rendered"}


def test_stills_and_flights_are_jobs_too(jobs: Write, tmp_path: Path) -> None:
    file = jobs(
        '[defaults]\npreset = "quick.toml"\n'
        '[[job]]\ncommand = "image"\nsource = "in/still.png"\noutput = "dream.png"\n'
        '[[job]]\ncommand = "image"\nsource = "noise:pink"\nsize = "32x32"\noutput = "noise.png"\n'
        '[[job]]\ncommand = "zoom"\nsource = "in/still.png"\noutput = "flight.mp4"\nset = {"input.seconds" = 0.1}\n'
    )
    assert set(states(render(file)).values()) == {"rendered"}
    assert set(states(render(file)).values()) == {"unchanged"}


MISTAKES = {
    "no TOML": ("[[job", "jobs.toml"),
    "no job": ("[defaults]\n", "no \\[\\[job\\]\\]"),
    "empty": ("", "no \\[\\[job\\]\\]"),
    "jobs that are no tables": ("job = [1]", "no \\[\\[job\\]\\]"),
    "defaults that are no table": (f"defaults = 3\n{ONE}", "defaults"),
    "an unknown table": (f"{ONE}[default]\n", "nearest: defaults"),
    "an unknown key": (f'{HEAD}{ONE}sorce = "x"\n', "job 1: unknown key sorce; nearest: source"),
    "a key of the wrong kind": (f"{HEAD}{ONE}frames = 3\n", "job 1: frames"),
    "an unknown key for a required one": ('[[job]]\nsorce = "x"\n', "job 1: unknown key sorce; nearest: source"),
    "no source": (f'{HEAD}[[job]]\noutput = "x.mp4"\n', "job 1: source"),
    "no output": (ONE, "job 1: output"),
    "an empty output": (f'{ONE}output = ""\n', "job 1: output"),
    "an unknown command": (f'{HEAD}{ONE}command = "film"\n', "job 1: command"),
    "an unknown preset": (f'{HEAD}{ONE}preset = "quik.toml"\n', "job 1.*quik"),
    "an unknown setting": (f'{HEAD}{ONE}set = {{"dream.stepz" = 3}}\n', "job 1.*dream.steps"),
    "a setting out of bounds": (f'{HEAD}{ONE}set = {{"dream.octaves" = 99}}\n', "job 1.*dream.octaves"),
    "a section for a value": (f"{HEAD}{ONE}set = {{net = 3}}\n", "job 1.*net"),
    "an unknown placeholder": (f'{ONE}output = "{{name}}.mp4"\n', "job 1: output.*{stem}"),
    "a placeholder misspelt": (
        f'{ONE}output = "{{stm}}.mp4"\n',
        "job 1: output.*nothing else in braces; nearest: stem",
    ),
    "an attribute as a placeholder": (f'{ONE}output = "{{stem.upper}}.mp4"\n', "job 1: output.*{stem}"),
    "a placeholder without a name": (f'{ONE}output = "{{}}.mp4"\n', "job 1: output.*{stem}"),
    "a brace left open": (f'{ONE}output = "{{stem.mp4"\n', "job 1: output.*{stem}"),
    "an unknown suffix of a film": (f'{ONE}output = "x.mp5"\n', "job 1: output.*nearest: .mp4"),
    "an unknown suffix": (f'{ONE}output = "x.doc"\n', "job 1: output.*doc"),
    "a still as a film": (f'{ONE}command = "image"\noutput = "x.mp4"\n', "job 1: output.*still"),
    "a folder that cannot be made": (f'{ONE}output = "in/one.mp4/x.mp4"\n', "job 1: output.*one.mp4 is a file"),
    "two jobs with one output": (f"{HEAD}{ONE}{ONE}", "two jobs write one.mp4"),
    "two matches with one output": ('[[job]]\nsource = "in/*.mp4"\noutput = "x.mp4"\n', "two jobs write x.mp4"),
    "a name that is too long": (f'{ONE}output = "{"x" * 300}.mp4"\n', "job 1: output.*too long"),
    "an output that is its source": (f'{ONE}output = "in/{{stem}}.mp4"\n', "job 1: output.*source itself"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_file_stops_the_batch_at_once(
    mistake: str, jobs: Write, tmp_path: Path, renders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is rendered, and one line names the file."""
    text, said = MISTAKES[mistake]
    file = jobs(text)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SettingsError, match=f"(?s){said}"):
        render(file)
    assert run(["batch", str(file)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "jobs.toml" in err
    assert renders == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("source", [r"\u0000", "x" * 5000, "/dev/zero", "["])
def test_a_source_that_no_file_can_be_is_skipped(source: str, jobs: Write, renders: list[str]) -> None:
    (outcome,) = render(jobs(f'{HEAD}[[job]]\nsource = "{source}"\noutput = "x.mp4"\n'))
    assert (outcome.state, renders) == ("skipped", [])
    assert "\n" not in outcome.message


def test_a_batch_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["batch", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err


def test_from_another_folder_it_is_the_same_batch(
    jobs: Write, tmp_path: Path, renders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = jobs(HEAD + ONE)
    monkeypatch.chdir(tmp_path)
    assert states(render(Path(file.name))) == {"one.mp4": "rendered"}
    monkeypatch.chdir(tmp_path / "in")
    assert states(render(Path("..", file.name))) == states(render(file)) == {"one.mp4": "unchanged"}
    assert renders == ["one.mp4"]


@pytest.mark.parametrize("text", ["[", "[]", '{"one.mp4": 5}', '{"one.mp4": [1, 2, 3]}'])
def test_a_damaged_ledger_is_said(text: str, jobs: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = jobs(HEAD + ONE)
    (tmp_path / "jobs.done.json").write_text(text)
    assert run(["batch", str(file)]) == 2
    assert "jobs.done.json" in capsys.readouterr().err


def test_a_job_folder_with_a_damaged_record_stays_and_is_said(
    jobs: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, folder = jobs(HEAD + ONE), tmp_path / "one.mp4.dreamvid"
    render(file, Options(keep_work=True))
    whole = (folder / "done.json").read_text()
    (folder / "done.json").write_text(whole.replace("summary", "summery"))
    assert states(render(file)) == {"one.mp4": "unchanged"}
    assert f"{folder} stays: the record of its film is damaged" in caplog.text
    (folder / "done.json").write_text(whole)
    assert states(render(file)) == {"one.mp4": "unchanged"}
    assert not folder.exists()


def test_quiet_says_only_what_is_wrong(jobs: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["batch", str(jobs(HEAD + ONE)), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert run(["batch", str(jobs(HEAD + '[[job]]\nsource = "in/none.mp4"\n')), "--quiet"]) == 7
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() and all("none.mp4" in line for line in err.splitlines())


def test_a_film_put_in_the_place_of_ours_is_not_replaced_unless_that_is_asked_for(jobs: Write, tmp_path: Path) -> None:
    file = jobs(HEAD + '[[job]]\nsource = "in/one.mp4"\n')
    render(file)
    (tmp_path / "one.mp4").write_text("precious")
    (outcome,) = render(file)
    assert outcome.state == "failed"
    assert (tmp_path / "one.mp4").read_text() == "precious"
    (outcome,) = render(file, Options(overwrite=True))
    assert outcome.state == "rendered"


@pytest.mark.parametrize("mistake", ['frames = "9:3"', 'size = "banana"', 'set = {"input.fps" = "abc"}'])
def test_a_range_size_or_rate_that_is_none_stops_the_batch(jobs: Write, renders: list[str], mistake: str) -> None:
    file = jobs(HEAD + f'[[job]]\nsource = "in/one.mp4"\n[[job]]\nsource = "in/two.mp4"\n{mistake}\n')
    with pytest.raises(SettingsError, match="job 2"):
        render(file)
    assert renders == []


def test_a_track_that_does_not_fit_its_film_is_told_before_the_first_frame(
    jobs: Write, tmp_path: Path, renders: list[str]
) -> None:
    long = '[[job]]\nsource = "in/one.mp4"\nset = {"dream.smooth" = "0:0, 9s:1"}\n'
    (skipped, rendered) = render(jobs(f'{HEAD}{long}[[job]]\nsource = "in/two.mp4"\n'))
    assert (skipped.state, rendered.state, renders) == ("skipped", "rendered", ["two.mp4"])
    assert skipped.message.startswith("dream.smooth: '0:0, 9s:1': the keyframe 9s:1 is after the end of the film")


def test_another_sound_renders_a_job_anew(jobs: Write, tmp_path: Path, renders: list[str]) -> None:
    sound = tone(tmp_path / "tone.wav")
    moved = f'[[job]]\nsource = "in/one.mp4"\nset = {{"audio.file" = {json.dumps(str(sound))}}}\n'
    file = jobs(HEAD + moved)
    assert [render(file)[0].state for _ in range(2)] == ["rendered", "unchanged"]
    sound.write_bytes(sound.read_bytes()[:-800])
    assert render(file)[0].state == "rendered"
    assert renders == ["one.mp4"] * 2
