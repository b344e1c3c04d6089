"""The READMEs hold: commands and Python run, tables are whole, links lead somewhere, rooms are described.

The commands are run at a small size; nets that would have to be fetched are not.
"""

import re
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args
from urllib.error import URLError

import numpy as np
import pytest
import torch
from little import unstyled
from test_imports import FLOORS, PACKAGE, RESEARCH
from torchvision import models

from dreamvid import cli
from dreamvid.config import presets
from dreamvid.config.objective_settings import FORMS, Kind
from dreamvid.media import formats, images
from dreamvid.models import zoo
from dreamvid.research.training.export import Facts, export

ROOT = Path(__file__).parent.parent
READMES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(
        [
            ROOT / "CONTRIBUTING.md",
            *(ROOT / folder / "README.md" for folder in (".", "presets", "samples")),
            *(ROOT / "dreamvid").rglob("README.md"),
        ]
    )
}
README, PRESETS = READMES["README.md"], READMES["presets/README.md"]
ROOMS = {room: f"dreamvid/{room}" for floor in FLOORS for room in floor}
INNER_ROOMS = {room: f"dreamvid/research/{room}" for floor in RESEARCH for room in floor}
# Appended to a command: of two values of one key the last counts.
ONE_STEP = ["--set", "dream.steps=1"]
SMALLER = {
    "video": ["--size", "64x36", *ONE_STEP],
    "image": ["--size", "64x48", *ONE_STEP],
    "preview": ["--size", "64x36", "--fps", "2", *ONE_STEP],
    "zoom": ["--size", "64x36", "--fps", "2", "--seconds", "1", "--laps", "1", *ONE_STEP],
    "train": ["--minutes", "0.01"],
    "papers": ["--only", "b-2.1", "--minutes", "0.01"],
}
FEW_STEPS = [*ONE_STEP, "--set", "dream.octaves=1"]
BRIEFLY = ["--net", "squeezenet1_1", "--minutes", "0.001", "--per-class", "4", "--side", "32"]
SMALLER_FEATURES = {
    **{name: [*FEW_STEPS, "--side", "48"] for name in ("grid", "class", "crops", "deconv", "depth", "noise")},
    "atlas": [*FEW_STEPS, "--side", "32"],
    "infinite": ["--sides", "48,64", "--circular", "64", *FEW_STEPS],
    "steps": ["--side", "48", "--iterations", "2"],
    "embed": ["--side", "48", "--dream-side", "48", *FEW_STEPS],
    "terra": [*BRIEFLY, "--dream-side", "32", *FEW_STEPS],
    "invariance": BRIEFLY,
}


def blocks(language: str, files: Iterable[str] = READMES) -> list[str]:
    """Return the fenced blocks of a language in some files."""
    return [
        block
        for file in files
        for block in re.findall(rf"^```{language}\n(.*?)^```", READMES[file], re.MULTILINE | re.DOTALL)
    ]


def commands(files: Iterable[str] = READMES) -> list[str]:
    """Return every `dreamvid ...` in a shell block, without its comment."""
    parts = [
        part.strip() for block in blocks("bash", files) for line in block.splitlines() for part in line.split("&&")
    ]
    return [shlex.join(shlex.split(part, comments=True)) for part in parts if part.startswith("dreamvid ")]


def quicker(words: list[str], frames: int = 1) -> list[str]:
    """Return the same command with less to do: a video has so many frames, or as many as its options need."""
    more = SMALLER_FEATURES[words[1]] if words[0] == "features" else SMALLER.get(words[0], [])
    if "--from" in words:
        more = [*more, "--from", "1.5", "--to", "1.55"]
    elif words[0] == "preview" and not any(word in ("--presets", "--layers") for word in words):
        more = [*more, "--presets", "whisper,reef"]
    elif words[0] == "video":
        frames = 8 if "--loop" in words else 2 if "motion" in words else frames
        more = [*more, "--frames", f"0:{frames}"]
    replaced = {word for word in more if word.startswith("--")} - {"--set"}
    kept = [word for before, word in zip(["", *words], words, strict=False) if not {before, word} & replaced]
    return [*kept, *more]


def smaller_batch(block: str) -> str:
    """Return a batch file with little to do: one that names no frames gets a small one."""
    if not {"[[job]]", "[matrix]"} & set(block.splitlines()) or "frames" in block:
        return block
    return re.sub(
        r'^size = ".*"', 'size = "64x36"\nframes = "0:1"\nset = {"dream.steps" = 1}', block, flags=re.MULTILINE
    )


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the samples, the presets, and the files that the READMEs show by name."""
    for name in ("samples", "presets"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for block in [*blocks("toml"), *blocks("py")]:
        if named := re.match(r"# (\S+\.(?:toml|py))\n", block):
            (tmp_path / named[1]).write_text(smaller_batch(block), encoding="utf-8")
    photo = images.load(ROOT / "samples" / "coffee.jpg")
    for number in range(8):  # what the reader brings
        (tmp_path / "pictures" / f"kind{number % 2}").mkdir(parents=True, exist_ok=True)
        crop = np.roll(photo, 40 * number, axis=number % 2)[:150, :200]
        file = tmp_path / "pictures" / f"kind{number % 2}" / f"{number}.jpg"
        file.write_bytes(images.encode(np.ascontiguousarray(crop), ".jpg"))
        flower = tmp_path / "flowers" / ("tulip", "rose")[number % 2]  # classes of dreamnet
        flower.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, flower)
    for mask in ("oval.png", "sky.png"):
        (tmp_path / mask).write_bytes(images.encode(np.ascontiguousarray(photo[::-1]), ".png"))
    shutil.copy(ROOT / "samples" / "clip.mp4", tmp_path / "phone.mp4")
    (tmp_path / "clips").mkdir()
    shutil.copy(ROOT / "samples" / "clip.mp4", tmp_path / "clips" / "one.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise URLError("no network in this test")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fails)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("command", commands())
def test_the_command_does_what_is_said(command: str, checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command)[1:]
    if "mine.safetensors" in words:  # what the command above it makes
        shutil.copy(zoo.EMBEDDED, checkout / "mine.safetensors")
    if "fields.safetensors" in words:  # likewise
        facts = Facts(width=1, classes=["kind0", "kind1", "rose"], mean=(0.5, 0.5, 0.5), std=(0.3, 0.3, 0.3))
        export(models.resnet18(num_classes=3), checkout / "fields.safetensors", facts, {}, "resnet18")
    if "fields.pth" in words:  # what the reader brings
        torch.save(models.resnet18(num_classes=3).state_dict(), "fields.pth")
        Path("fields.txt").write_text("maize\nsorghum\nwheat\n")
    if words[0] in ("compare", "report"):
        clip = "samples/clip.mp4"
        for film in {word for word in words if Path(word).suffix} - {clip}:  # what the commands above it make
            assert cli.run(quicker(["video", clip, film], frames=2)) == 0, capfd.readouterr().err
    if words[0] == "again":
        for name in ("chelsea.jpg", "coffee.jpg"):
            shutil.copy(checkout / "samples" / name, checkout)
        assert cli.run(quicker(["image", "chelsea.jpg", words[1]])) == 0, capfd.readouterr().err
    before = set(checkout.iterdir())
    code = cli.run(quicker(words))
    out, err = capfd.readouterr()
    if "could not be fetched" in err:
        assert code == 5
        return
    assert code == 0, err
    if words[0] in ("video", "image", "zoom", "preview") or (words[0] == "again" and "--show" not in words):
        made = {path.name for path in set(checkout.iterdir()) - before}
        named = next((at for at, word in enumerate(words) if word.startswith("--")), len(words))
        assert made == {words[named - 1]}
    elif words[0] == "train":
        made = Path(words[1]).with_suffix(".safetensors").name
        assert (checkout / made).is_file() and (checkout / f"{made}.png").is_file()
    elif words[0] == "features":
        assert f"{words[1]}.png" in {path.name for path in set(checkout.iterdir()) - before}
    elif words[0] == "papers":
        (folder,) = set(checkout.iterdir()) - before
        assert (folder / "index.html").is_file()
    elif words[0] == "batch":
        assert len(set(checkout.iterdir()) - before) >= 3
    else:
        assert out


def test_there_are_commands_of_every_kind() -> None:
    kinds = {command.split()[1] for command in commands()}
    assert kinds >= {"video", "image", "zoom", "again", "preview", "batch"}
    assert kinds >= {"compare", "report", "models", "train", "features", "papers"}


def test_no_command_is_shown_twice() -> None:
    every = commands()
    assert sorted({command for command in every if every.count(command) > 1}) == []


def test_the_first_command_installs_and_dreams_the_sample() -> None:
    assert blocks("bash", ["README.md"])[0].strip() == "pip install . && dreamvid video samples/clip.mp4 dream.mp4"


def test_the_test_command_is_marked_for_the_checks() -> None:
    assert "<!-- test command -->\n```bash\npip install '.[test]' && pytest\n```" in README


@pytest.mark.usefixtures("checkout")
def test_the_python_example_runs(capsys: pytest.CaptureFixture[str], checkout: Path) -> None:
    examples = blocks("python")
    assert examples
    for example in examples:
        code = re.sub(r'"\d+x\d*"', '"64x36"', example)
        assert code != example
        exec(compile(code, "README.md", "exec"), {})
        for name in re.findall(r'Path\("(.+?)"\)', code):
            assert (checkout / name).is_file()
    assert capsys.readouterr().out.startswith("3 20.0 ")


def test_the_preset_example_is_one(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = [block for block in blocks("toml") if not block.startswith("# ")]
    assert plain
    for number, block in enumerate(plain):
        (checkout / f"example{number}.toml").write_text(block, encoding="utf-8")
        assert cli.run(["presets", "check", f"example{number}.toml"]) == 0, capsys.readouterr().err


def test_every_preset_is_in_the_table_with_its_description() -> None:
    for name in presets.everything():
        assert f"| `{name}` | {presets.resolve(name).description} |" in PRESETS


def test_every_exit_code_is_in_the_table() -> None:
    codes = {0, *cli.EXIT_CODES.values(), cli.BATCH_INCOMPLETE, cli.REPAIRED, cli.INTERRUPTED}
    table = READMES["dreamvid/cli/README.md"].partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


def test_every_container_is_in_the_table_with_its_codecs() -> None:
    text = READMES["dreamvid/media/README.md"]
    for suffix, (_, codecs) in formats.CONTAINERS.items():
        if len(codecs) > 1:
            assert f"| `{suffix}` | {' '.join(f'`{codec}`' for codec in codecs)} |" in text
        else:
            assert f"`{suffix}`" in text


def test_every_kind_of_objective_is_in_the_table_with_its_forms() -> None:
    rows = re.findall(r"^\| (`\w+`.*?) \|.*?\| (.*) \|$", READMES["dreamvid/dream/README.md"], re.MULTILINE)
    forms = {kind: re.findall(r"`(\w+)`", form) for kinds, form in rows for kind in re.findall(r"`(\w+)`", kinds)}
    for kind in get_args(Kind):
        assert [form for form in FORMS.get(kind, ()) if form not in forms[kind]] == []


def anchors(text: str) -> set[str]:
    """Return the anchors of a file's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", READMES)
def test_every_link_inside_the_project_leads_somewhere(file: str) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", READMES[file])
    for target in (target for target in targets if "://" not in target):
        path, _, anchor = target.partition("#")
        found = (ROOT / file).parent / path if path else ROOT / file
        assert found.exists(), target
        assert not anchor or anchor in anchors(found.read_text(encoding="utf-8")), target


def test_every_option_they_speak_of_exists(capfd: pytest.CaptureFixture[str]) -> None:
    for command in (
        "video",
        "zoom",
        "image",
        "again",
        "preview",
        "compare",
        "report",
        "features grid",
        "features class",
        "features embed",
        "train",
    ):
        cli.run([*command.split(), "--help"])
    for command in ("features steps", "papers", "presets show", "models layers", "batch"):
        cli.run([*command.split(), "--help"])
    known = set(re.findall(r"--[a-z][a-z-]+", unstyled(capfd.readouterr().out)))
    spoken = {option for text in READMES.values() for option in re.findall(r"`(--[a-z][a-z-]+)", text)}
    assert sorted(spoken - known) == []


def test_the_readme_is_short_and_so_is_that_of_each_room() -> None:
    assert len(README.splitlines()) <= 160
    for folder in ROOMS.values():
        assert 20 <= len(READMES[f"{folder}/README.md"].splitlines()) <= 60, folder


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_may_import(room: str) -> None:
    (height,) = (at for at, floor in enumerate(FLOORS) if room in floor)
    below = [other for floor in FLOORS[height + 1 :] for other in floor]
    (line,) = re.findall(r"^May import: ([^.]+)\.$", READMES[f"dreamvid/{room}/README.md"], re.MULTILINE)
    assert re.findall(r"`(\w+)`", line) == below


@pytest.mark.parametrize("folder", [*ROOMS.values(), *INNER_ROOMS.values()])
def test_a_room_lists_its_files(folder: str) -> None:
    """A file that was added, renamed or removed is so in the table of its room's README, too."""
    rows = re.findall(r"^\| (`.+?) \|", READMES[f"{folder}/README.md"].partition("\n## ")[0], re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+\.py)`", row)}
    assert listed == {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}


def test_the_map_has_every_room_and_the_path_of_a_frame_names_files() -> None:
    text = READMES["dreamvid/README.md"]
    rows = re.findall(r"^\| (\d+) \| \[(\w+)\]\((\w+)/README.md\)", text, re.MULTILINE)
    assert [(int(height), room) for height, room, _ in rows] == [
        (len(FLOORS) - at, room) for at, floor in enumerate(FLOORS) for room in floor
    ]
    assert all(room == folder for _, room, folder in rows)
    path = text.partition("## The path of a frame")[2].partition("\n## ")[0]
    assert [name for name in re.findall(r"`(\w+/\w+\.py)`", path) if not (PACKAGE / name).is_file()] == []


def test_files_that_are_spoken_of_exist() -> None:
    for file, text in READMES.items():
        for name in re.findall(r"`((?:dreamvid|tests|samples|presets)/[\w/.-]+)`", text):
            assert (ROOT / name).exists() or "NAME" in name or "ROOM" in name, f"{file}: {name}"
