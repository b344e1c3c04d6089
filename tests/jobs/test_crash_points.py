"""Jobs killed at every rename, removal and sync: the same command ends with the same bytes."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_jobs import render
from job_runs import WORLD, two_tinted
from little import film, quick, texture, write_image

from dreamvid.config.presets import to_toml
from dreamvid.core.errors import DreamvidError, SettingsError
from dreamvid.jobs import run
from dreamvid.jobs.run import Options

pytestmark = [
    pytest.mark.usefixtures("small_net"),  # every job in this process, and those forked from it, dreams with it
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
]
CALLS = ("fsync", "replace", "rename", "unlink", "rmdir")
KILLED = 9
ONE_THREAD = {"compute": {"threads": 1, "precision": "fp32"}}


def killed_at(call: int, job: Callable[[], object]) -> bool:
    """Run a job in a process that ends without a word after so many calls; return whether it came to that."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
    count = 0

    def ending(plain: Callable[..., object]) -> Callable[..., object]:
        def called(*given: object, **named: object) -> object:
            nonlocal count
            count += 1
            result = plain(*given, **named)
            if count == call:
                os._exit(KILLED)
            return result

        return called

    try:
        for name in CALLS:
            setattr(os, name, ending(getattr(os, name)))
        job()
    except BaseException as error:  # of the job itself: said by the exit code, for pytest must not go on in here
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    return film(tmp_path / "source" / "shots.mkv", two_tinted(1, 1), rate=12)


@pytest.fixture
def still(tmp_path: Path) -> Path:
    return write_image(tmp_path / "source" / "still.png", texture())


@pytest.fixture(autouse=True)
def source_folder(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()


def tree(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder, by its path; the state of a batch, which holds times, is left out."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("jobs.state")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def again(job: Callable[[], object], *, complete: bool) -> None:
    """Run a job again; where it was killed after its last step, it is refused as it is after an ordinary run."""
    try:
        job()
    except SettingsError as error:
        assert complete and "there already" in str(error)


def check(folder: Path, job: Callable[[], object], before: Callable[[], object] = lambda: None) -> None:
    """Kill a job at one point after another, until one is not reached; each time, run it again.

    `folder`: what is there at the end must always be the same, and meanwhile no film there may be half; `before` brings
    about what the job finds there.
    """

    def anew() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        before()

    anew()
    started = tree(folder)
    job()
    wanted = tree(folder)
    point, killed = 1, True
    while killed:
        anew()
        killed = killed_at(point, job)
        named = {name: data for name, data in tree(folder).items() if name in wanted}
        assert all(data in (wanted[name], started.get(name)) for name, data in named.items()), f"half at point {point}"
        if killed:
            again(job, complete=named == wanted)
        assert tree(folder) == wanted, f"killed at point {point}"
        assert not list(folder.glob("*.dreamvid"))
        point += 1
    assert point > 10


def test_a_video(shots: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check(out, lambda: run.dream_video(str(shots), out / "dream.mkv", quick(**ONE_THREAD)))


def test_a_video_that_replaces_another(shots: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check(
        out,
        lambda: run.dream_video(str(shots), out / "dream.mkv", quick(**ONE_THREAD), Options(overwrite=True)),
        lambda: (out / "dream.mkv").write_bytes(b"before"),
    )


def test_a_zoom(still: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check(out, lambda: run.dream_zoom(str(still), out / "dream.mkv", quick(**WORLD, **ONE_THREAD)))


def test_an_image(still: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    settings = quick(**ONE_THREAD)

    def job() -> None:
        if not (out / "dream.png").exists():
            run.dream_image(str(still), out / "dream.png", settings)
        else:  # named before it was killed
            with pytest.raises(DreamvidError, match="there already"):
                run.dream_image(str(still), out / "dream.png", settings)

    job()
    wanted = tree(out)
    for point in (1, 2, 3):  # written, named, its folder synced
        (out / "dream.png").unlink()
        assert killed_at(point, job)
        job()
        assert tree(out) == wanted, f"killed at point {point}"


def test_a_folder_of_frames_that_replaces_a_longer_one(shots: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def longer() -> None:
        (out / "frames").mkdir()
        for number in range(5):
            write_image(out / "frames" / f"{number:06d}.png", texture(seed=number))
        (out / "frames" / "notes.txt").write_text("mine")

    settings = quick(**ONE_THREAD, output={"codec": "png"})
    check(out, lambda: run.dream_video(str(shots), out / "frames", settings, Options(overwrite=True)), longer)
    assert sorted(path.name for path in (out / "frames").iterdir()) == [
        "000000.png",
        "000001.png",
        "notes.txt",
    ]


def test_a_batch(shots: Path, still: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "quick.toml").write_text(to_toml(quick(**ONE_THREAD)))
    jobs = """
[defaults]
preset = "../quick.toml"
[[job]]
source = "../source/shots.mkv"
output = "one.mkv"
[[job]]
command = "zoom"
source = "../source/still.png"
output = "two.mkv"
set = {"input.seconds" = 0.1, "input.fps" = "12", "camera.mode" = "frames"}
"""

    def job() -> None:
        outcomes = render(out / "jobs.toml")
        assert not any(outcome.error for outcome in outcomes), outcomes

    check(out, job, lambda: (out / "jobs.toml").write_text(jobs))
