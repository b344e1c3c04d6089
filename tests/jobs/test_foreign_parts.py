"""Job folders that somebody else has filled: the same film as ever, or one line; nothing outside them is touched."""

import hashlib
import io
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_runs import KEEP, WORLD, folder_of, frames_of, journal_of, stop_after, write_journal
from little import quick, read_image, texture, write_image

from dreamvid.core.errors import DreamvidError
from dreamvid.dream import session
from dreamvid.jobs import run, worker
from dreamvid.jobs.canvas_file import load_canvas
from dreamvid.jobs.events import Event
from dreamvid.jobs.run import Options
from dreamvid.media.frame_store import Journal

pytestmark = pytest.mark.usefixtures("small_net")  # every job in this process dreams with the tiny net
Craft = Callable[[Path, Path], None]  # changes a job folder; the other folder is none of its business


@pytest.fixture(scope="module")
def begun(clip: Path, reference: Path, tmp_path_factory: pytest.TempPathFactory, tiny_net: Any) -> Path:
    """The folder of a job of which three frames are finished."""
    output = tmp_path_factory.mktemp("begun") / "dream.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)
        with pytest.raises(KeyboardInterrupt):
            run.dream_video(str(clip), output, quick(), stop_after(3))
    return folder_of(output)


def swapped(part: str, put: Callable[[Path, Path], None]) -> Craft:
    """Put something else in the place of a part."""

    def craft(folder: Path, elsewhere: Path) -> None:
        path = folder / part
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        put(path, elsewhere)

    return craft


def folder(path: Path, _: Path) -> None:
    path.mkdir()


def link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


REFUSED: dict[str, Craft] = {
    "the lock is a folder": swapped("lock", folder),
    "the settings are a folder": swapped("job.toml", folder),
    "the record is a folder": swapped("done.json", folder),
    "the record is a pipe": swapped("done.json", pipe),
    "the frames lie elsewhere": swapped("frames", link),
    "the journals lie elsewhere": swapped("journal", link),
    "the trial lies elsewhere": swapped("trial", link),
    "the plan is a link": swapped("plan.json", link),
    "a frame is a pipe": swapped("frames/000001.png", pipe),
    "a journal is a folder": swapped("journal/000000.jsonl", folder),
    "a half-written file is a folder": swapped("frames/.000004.1.part.png", folder),
    "the fingerprint is a pipe": swapped("fingerprint.json", pipe),
    "the fingerprint is a list": swapped("fingerprint.json", lambda path, _: path.write_text('[["a", 1]]')),
    "the fingerprint is nested": swapped("fingerprint.json", lambda path, _: path.write_text("[" * 9999)),
    "the fingerprint is long": swapped("fingerprint.json", lambda path, _: path.write_text('{"a": %s}' % ("9" * 4000))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_part_of_a_job_is_refused_and_left(name: str, begun: Path, clip: Path, output: Path) -> None:
    shutil.copytree(begun, folder_of(output))
    elsewhere = output.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "000000.png").write_text("mine")
    REFUSED[name](folder_of(output), elsewhere)
    with pytest.raises(DreamvidError) as caught:
        run.dream_video(str(clip), output, quick())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert [(path.name, path.read_text()) for path in elsewhere.iterdir()] == [("000000.png", "mine")]
    assert folder_of(output).is_dir()


@pytest.mark.parametrize("put", [folder, pipe])
@pytest.mark.parametrize("part", ["lock", "done.json"])
def test_a_folder_of_one_wrong_part_is_refused(part: str, put: Any, clip: Path, output: Path) -> None:
    folder_of(output).mkdir()
    put(folder_of(output) / part, output)
    with pytest.raises(DreamvidError, match=f"{part} is no part of one"):
        run.dream_video(str(clip), output, quick())


def line(**changes: Any) -> Craft:
    """Write the second line of the journal anew, with other values and the right checksum."""

    def craft(folder: Path, _: Path) -> None:
        output = Path(str(folder).removesuffix(".dreamvid"))
        lines = journal_of(output)
        lines[1] = lines[1] | {key: change(lines[1][key]) for key, change in changes.items()}
        write_journal(output, lines)

    return craft


def strength(**changes: Any) -> Craft:
    def craft(state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "strength": {"bands": [], "tint": [], "scores": []} | changes}

    return line(state=craft)


def nested(folder: Path, _: Path) -> None:
    file = next((folder / "journal").iterdir())
    file.unlink()
    Journal(file).append({"index": 0})
    text = ("[" * 100_000).encode()
    file.write_bytes(b"%08x " % zlib.crc32(text) + text + b"\n")


def small_frame(folder: Path, elsewhere: Path) -> None:
    write_image(folder / "frames" / "000001.png", texture(20, 20))
    line(sha256=lambda _: hashlib.sha256((folder / "frames" / "000001.png").read_bytes()).hexdigest())(
        folder, elsewhere
    )


MENDED: dict[str, Craft] = {
    "a journal is nested": nested,
    "patches of no size": line(tile=lambda _: 0),
    "an index is no number": line(index=lambda _: [1]),
    "strengths are short": strength(bands=[[0.1]], tint=[0.0], scores=[[[1.0]]]),
    "strengths are ragged": strength(bands=[[0.1] * 3] * 7, tint=[0.0] * 3, scores=[[[1.0], []], [[1.0]]]),
    "strengths are infinite": strength(bands=[[1e999] * 3] * 7, tint=[0.0] * 3, scores=[[[1.0]], [[1.0]]]),
    "a frame has another size": small_frame,
}


@pytest.mark.parametrize("name", MENDED)
def test_what_is_not_as_it_was_written_is_rendered_again(
    name: str, begun: Path, clip: Path, output: Path, reference: Path
) -> None:
    shutil.copytree(begun, folder_of(output))
    MENDED[name](folder_of(output), output.parent)
    run.dream_video(str(clip), output, quick(), KEEP)
    assert frames_of(output) == frames_of(reference)


@pytest.mark.parametrize("summary", [{}, {"rendered": 1}, [], "x" * 9, {"output": 5}])
def test_a_record_that_is_none_counts_for_nothing(summary: Any, clip: Path, output: Path) -> None:
    run.dream_video(str(clip), output, quick(), KEEP)
    file = folder_of(output) / "done.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"summary": summary}))
    with pytest.raises(DreamvidError, match="is there already"):
        run.dream_video(str(clip), output, quick())


def packed(how: int, **arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array, allow_pickle=True)
            archive.writestr(f"{name}.npy", data.getvalue())
    return file.getvalue()


SOME = np.zeros((4, 4, 3), np.float32)
CANVASES = {
    "no archive": b"none",
    "nothing in it": packed(zipfile.ZIP_STORED),
    "another shape": packed(zipfile.ZIP_STORED, layer=SOME, done=np.int64(1)),
    "objects": packed(zipfile.ZIP_STORED, layer=np.array([{}]), done=np.int64(1)),
    "steps below none": packed(zipfile.ZIP_STORED, layer=SOME, done=np.int64(-9)),
    "steps that are a list": packed(zipfile.ZIP_STORED, layer=SOME, done=np.arange(3)),
    "packed": packed(zipfile.ZIP_DEFLATED, layer=SOME, done=np.int64(1)),
    "a shape without end": packed(zipfile.ZIP_STORED, layer=SOME, done=np.int64(1)).replace(b"(4, 4, 3)", b"(9**9,9)"),
}


@pytest.mark.parametrize("name", CANVASES)
def test_a_canvas_that_is_none_counts_for_nothing(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "canvas.npz"
    file.write_bytes(CANVASES[name] + hashlib.sha256(CANVASES[name]).digest())
    assert load_canvas(file, lambda done, layer: done == 1 and layer.shape == (8, 8, 3)) is None
    assert "the canvas is painted again" in caplog.text


def test_a_canvas_of_another_shape_is_painted_again(
    tmp_path: Path, output: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "SAVE_EVERY", 0.0)
    still = write_image(tmp_path / "still.png", texture())

    def painting(event: Event) -> None:
        if event.phase == "paint" and event.done == event.total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.dream_zoom(str(still), output, quick(**WORLD), Options(progress=painting))
    data = CANVASES["another shape"]
    (folder_of(output) / "canvas.npz").write_bytes(data + hashlib.sha256(data).digest())
    run.dream_zoom(str(still), output, quick(**WORLD), KEEP)
    assert "the canvas is painted again" in caplog.text
    assert read_image(folder_of(output) / "frames" / "000000.png").shape == texture().shape
