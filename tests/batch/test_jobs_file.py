"""Batch files: every mistake at once, each with its place; matrices; names of films."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from batch_jobs import HEAD, ONE, Write
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.batch import jobs_file
from dreamvid.batch.job_table import filled
from dreamvid.batch.jobs_file import read
from dreamvid.batch.matrix import combinations, labels
from dreamvid.batch.positions import positions
from dreamvid.cli import run
from dreamvid.core.errors import SettingsError

WRONG = """
[defaults]
preset = "quick.toml"
output = "{stem}.mp4"
maxtries = 3

[[job]]
sorce = "in/one.mp4"
[[job]]
source = "in/one.mp4"
output = "{stm}.mp4"
size = "banana"
[[job]]
source = "in/two.mp4"
set = {"dream.octaves" = 99, "dream.stepz" = 1}
priority = "high"
[matrix]
source = "in/*.mp4"
output = "m {dream.strength} {stem}.mp4"
"dream.strength" = [1, "loud"]
"""


def test_all_mistakes_are_told_at_once_each_with_its_place(jobs: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = jobs(WRONG)
    assert run(["batch", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.removeprefix(f"dreamvid: {file}:").partition(" ")[0] for line in lines] == [
        "5:1:",
        "8:1:",
        "11:1:",
        "12:1:",
        "15:8:",
        "15:30:",
        "16:1:",
        "20:1:",
    ]
    assert lines[0].endswith(": defaults: unknown key maxtries; nearest: max_tries, matrix, max_minutes")
    assert lines[1].endswith(": job 1: unknown key sorce; nearest: source, set")
    assert "job 2: output: '{stm}.mp4' may hold {stem}" in lines[2]
    assert "job 2: " in lines[3] and "banana" in lines[3]
    assert "job 3: " in lines[4] and "dream.octaves" in lines[4]
    assert "job 3: " in lines[5] and "dream.stepz" in lines[5]
    assert "job 3: priority: " in lines[6]
    assert "matrix: " in lines[7] and "dream.strength" in lines[7]


def test_every_setting_that_is_wrong_is_told_at_its_key(jobs: Write) -> None:
    file = jobs(f'{HEAD}{ONE}set = {{"dream.octaves" = 99, "dream.stepz" = 1, seed = 2}}\n')
    with pytest.raises(SettingsError) as caught:
        read(file)
    octaves, steps = caught.value.lines
    assert octaves.startswith(f"{file}:7:8: job 1: ") and "dream.octaves" in octaves
    assert steps.startswith(f"{file}:7:30: job 1: ") and "nearest: dream.steps" in steps


def test_a_mistake_in_the_text_has_its_place(jobs: Write) -> None:
    file = jobs("[defaults]\nsize = \n")
    with pytest.raises(SettingsError, match=rf"^{file}:2:8: not TOML: "):
        read(file)


PLACES = '''
top = 1
[a.b]
"quoted.key" = """
[no.table]
""" # ] }
c.d = [1, {e = "]", f = [2, 3]}, 'x}',
  4]
[[list]]
key = 1979-05-27 07:32:00
[list.in]
deep = {x = {y = 0.5}}
[[list]]
  [[list.in]]
  last = true'''


def test_places_of_keys_are_found() -> None:
    assert tomllib.loads(PLACES)
    found = positions(PLACES)
    wanted = {
        ("top",): (2, 1),
        ("a", "b"): (3, 1),
        ("a", "b", "quoted.key"): (4, 1),
        ("a", "b", "c", "d"): (7, 1),
        ("a", "b", "c", "d", 1, "e"): (7, 12),
        ("a", "b", "c", "d", 1, "f", 1): (7, 29),
        ("a", "b", "c", "d", 3): (8, 3),
        ("list", 0, "key"): (10, 1),
        ("list", 0, "in", "deep", "x", "y"): (12, 14),
        ("list", 1, "in", 0, "last"): (15, 3),
    }
    assert {key: found.get(key) for key in wanted} == wanted
    assert ("no", "table") not in found


@given(st.text(alphabet="ab=[]{}.,\"'\n# 1\\", max_size=60))
def test_the_search_for_places_ends_on_any_text(text: str) -> None:
    assert all(line >= 1 and column >= 1 for line, column in positions(text).values())


def test_a_matrix_makes_a_job_of_every_combination(jobs: Write) -> None:
    file = jobs(
        HEAD.replace("{stem}", "{stem} {preset} {dream.strength:.1f} {frames} {date}")
        + '[matrix]\nsource = ["in/*.mp4"]\npreset = ["quick.toml", "bold.toml"]\nframes = "0:1"\n'
        + '"dream.strength" = [0.5, 1]\n'
    )
    found = read(file, today=date(2031, 4, 5))
    names = [
        f"{stem} {preset} {strength} 0-1 2031-04-05.mp4"
        for preset in ("quick", "bold")
        for strength in ("0.5", "1.0")
        for stem in ("one", "two")
    ]
    assert [job.name for job in found] == names
    assert [job.settings.dream.strength for job in found] == [0.5, 0.5, 1, 1] * 2
    assert found[0].settings is found[1].settings


def test_a_job_may_have_a_matrix_of_its_own_and_keys_without_quotes(jobs: Write) -> None:
    file = jobs(
        f'{HEAD}{ONE}output = "{{seed}} {{dream.steps}}.mp4"\nset = {{seed = 7}}\n'
        "matrix = {dream.steps = [2, 3], seed = [1, 2]}\n"
    )
    assert [(job.name, job.settings.dream.steps, job.settings.seed) for job in read(file)] == [
        ("1 2.mp4", 2, 1),
        ("2 2.mp4", 2, 2),
        ("1 3.mp4", 3, 1),
        ("2 3.mp4", 3, 2),
    ]


def test_a_list_or_table_is_named_by_its_number() -> None:
    matrix: dict[str, Any] = {"objective": [[{"layer": "first"}], [{"layer": "second"}]]}
    chosen = list(combinations(matrix, 9))[1]
    assert filled("{objective}.mp4", dict(labels(matrix, chosen))) == "1.mp4"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('source = "in/one.mp4"\nseed = [1, 2]\n', "matrix: two jobs write one.mp4"),
        (f'source = "in/one.mp4"\nseed = {list(range(400))}\n"dream.steps" = {list(range(300))}\n', "120000 jobs"),
        ("source = 3\n", "5:1.*matrix: source: "),
    ],
)
def test_what_is_wrong_with_a_matrix_is_said(text: str, said: str, jobs: Write) -> None:
    with pytest.raises(SettingsError, match=said):
        read(jobs(f"{HEAD}[matrix]\n{text}".replace('frames = "0:2"\n', "")))


def test_limits_are_said(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_file, "MOST", 2)
    monkeypatch.setattr(jobs_file, "LONGEST", 500)
    with pytest.raises(SettingsError, match="more than 2 jobs"):
        read(jobs(HEAD + 3 * (ONE + 'output = "{index}.mp4"\n')))
    with pytest.raises(SettingsError, match="at most 500"):
        read(jobs(HEAD + "#" * 500))


def test_of_many_mistakes_the_first_are_told(jobs: Write) -> None:
    text = HEAD + "".join(f'[[job]]\nsource = "in/one.mp4"\nx{number} = 1\n' for number in range(80))
    with pytest.raises(SettingsError) as caught:
        read(jobs(text))
    assert len(caught.value.lines) == 51 and caught.value.lines[-1].endswith("and 30 more mistakes")


def test_folders_of_outputs_need_not_be_there(jobs: Write, tmp_path: Path) -> None:
    (job,) = read(jobs(f'{HEAD}{ONE}output = "new/er/{{stem}}.mp4"\n'))
    assert job.name == "new/er/one.mp4"
    assert not (tmp_path / "new").exists()
