"""Jobs that are sent to where their folder is not seen: the frames that come back are the same to the byte."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from job_runs import Here, folder_of, two_tinted
from little import drifting, film, quick, texture, write_image

from dreamvid.config.fields import Moment
from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError
from dreamvid.jobs import run
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.job import open_job
from dreamvid.jobs.joined import dream_joined
from dreamvid.jobs.parcel import Outbox, named_files, pack, store, unpack
from dreamvid.jobs.parts import Part
from dreamvid.jobs.run import Options
from dreamvid.jobs.workers import Tell, Workers, render_part
from dreamvid.pipeline.stretches import Stretch

pytestmark = pytest.mark.usefixtures("small_net")
PINNED: dict[str, Any] = {"compute": {"threads": 1, "precision": "fp32"}}


class Away(Here):
    """A worker that gets all it needs sent to a folder of its own; `told`: after each news, with what it has stored."""

    def __init__(self, place: Path, told: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._place, self._told = place, told

    def render(self, part: Part, tell: Tell, halt: threading.Event) -> None:
        parcel = pack(part, named_files(part.folder), Path.read_bytes)
        path = unpack(parcel, self._place, bytes)
        outbox, home = Outbox(path), JobFolder(part.folder)

        def bring(news: Any) -> None:
            store(outbox.take(), home)
            tell(news)
            self._told()

        try:
            render_part(open_job(path), replace(part, folder=path), bring, halt.is_set)
        finally:
            store(outbox.take(), home)


def a_film(folder: Path) -> tuple[str, Settings]:
    film(folder / "clip.mp4", two_tinted(3, 2))
    write_image(folder / "mask.png", texture())
    return "clip.mp4", quick(mask={"file": "mask.png"}, **PINNED)


def a_folder_with_a_guide(folder: Path) -> tuple[str, Settings]:
    (folder / "in").mkdir()
    for number, picture in enumerate(drifting(3)):
        write_image(folder / "in" / f"{number}.png", picture)
    guide = write_image(folder / "guide.png", texture())
    objective = [{"kind": "guide", "layer": "first", "file": str(guide)}]
    return str(folder / "in"), quick(objective=objective, **PINNED)


@pytest.mark.parametrize("made", [a_film, a_folder_with_a_guide])
def test_what_comes_back_is_what_is_rendered_here(
    made: Callable[[Path], tuple[str, Settings]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source, settings = made(tmp_path)
    run.dream_video(source, tmp_path / "here.mkv", settings)
    for worker, name in ((Here(), "worker.mkv"), (Away(tmp_path / "away"), "sent.mkv")):
        with Workers([worker]) as one:
            run.dream_video(source, tmp_path / name, settings, Options(workers=one))
        assert (tmp_path / name).read_bytes() == (tmp_path / "here.mkv").read_bytes()
    sent = tmp_path / "away" / "sent.mkv.dreamvid"
    assert all(file.is_relative_to(tmp_path / "away") for file in named_files(sent))


def test_the_end_of_the_stretch_before_is_sent_with_one_that_goes_on_with_its_dream(tmp_path: Path) -> None:
    clip, mask = film(tmp_path / "clip.mp4", drifting(4)), write_image(tmp_path / "mask.png", texture())
    looks = quick(mask={"file": str(mask)}, **PINNED), quick("third", **PINNED)
    parts = [Stretch(look, Moment(number / 6), None, "carry") for number, look in enumerate(looks)]
    dream_joined(str(clip), tmp_path / "here.mkv", parts)
    with Workers([Away(tmp_path / "away")]) as one:
        dream_joined(str(clip), tmp_path / "sent.mkv", parts, Options(workers=one))
    assert (tmp_path / "sent.mkv").read_bytes() == (tmp_path / "here.mkv").read_bytes()
    sent = [tmp_path / "away" / name for name in ("000", "001")]
    assert all(file.is_relative_to(tmp_path / "away") for path in sent for file in named_files(path))


def test_a_canvas_comes_back_too(tmp_path: Path) -> None:
    still = str(write_image(tmp_path / "still.png", texture()))
    flight = quick(input={"seconds": 0.25, "fps": "12"}, camera={"zoom": 2.0}, **PINNED)
    run.dream_zoom(still, tmp_path / "here.mkv", flight)
    with Workers([Away(tmp_path / "away")]) as one:
        how = Options(workers=one, keep_work=True)
        run.dream_zoom(still, tmp_path / "sent.mkv", flight, how)
    assert (tmp_path / "sent.mkv").read_bytes() == (tmp_path / "here.mkv").read_bytes()
    assert (folder_of(tmp_path / "sent.mkv") / "canvas.npz").exists()


def test_what_was_stored_before_a_worker_was_lost_is_sent_to_the_next(tmp_path: Path) -> None:
    clip = str(film(tmp_path / "clip.mp4", drifting(5)))
    run.dream_video(clip, tmp_path / "here.mkv", quick(**PINNED))
    news = list[int]()

    def lose() -> None:
        news.append(1)
        if len(news) == 2:
            raise JobError("the node is gone")

    with Workers([Away(tmp_path / "one", lose)]) as one, pytest.raises(JobError, match="the node is gone"):
        run.dream_video(clip, tmp_path / "sent.mkv", quick(**PINNED), Options(workers=one))
    with Workers([Away(tmp_path / "two")]) as one:
        summary = run.dream_video(clip, tmp_path / "sent.mkv", quick(**PINNED), Options(workers=one))
    assert summary.rendered is not None and summary.rendered < 5
    assert (tmp_path / "sent.mkv").read_bytes() == (tmp_path / "here.mkv").read_bytes()


def test_a_net_that_is_code_goes_to_workers_here_but_is_not_sent(tmp_path: Path) -> None:
    code = tmp_path / "net.py"
    code.write_text(
        "from torch import nn\n\n\ndef make():\n    net = nn.Sequential(nn.Conv2d(3, 4, 3))\n"
        "    nn.init.constant_(net[0].weight, 0.1)\n    nn.init.zeros_(net[0].bias)\n    return net\n"
    )
    clip = str(film(tmp_path / "clip.mp4", drifting(2)))
    settings = quick("0", net={"name": f"{code}:make"}, **PINNED)
    for worker, name in ((Away(tmp_path / "away"), "a.mkv"), (Here(trust=True), "b.mkv")):
        with Workers([worker]) as one:
            how = Options(workers=one, trust=True)
            if name == "b.mkv":
                assert run.dream_video(clip, tmp_path / name, settings, how).rendered == 2
                continue
            with pytest.raises(JobError, match="a net that is code is not sent"):
                run.dream_video(clip, tmp_path / name, settings, how)


def test_a_job_that_is_begun_anew_with_other_settings_is_sent_anew(tmp_path: Path) -> None:
    clip = str(film(tmp_path / "clip.mp4", drifting(2)))
    bold = quick(dream={"step_size": 0.05}, **PINNED)
    run.dream_video(clip, tmp_path / "here.mkv", bold)
    with Workers([Away(tmp_path / "away")]) as one:
        for settings in (quick(**PINNED), bold):
            run.dream_video(clip, tmp_path / "sent.mkv", settings, Options(True, "renew", workers=one))
    assert (tmp_path / "sent.mkv").read_bytes() == (tmp_path / "here.mkv").read_bytes()
