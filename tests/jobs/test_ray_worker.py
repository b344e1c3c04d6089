"""Workers on a Ray cluster of two nodes, both on this machine: one is lost, and the film is the same to the byte."""

import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from job_runs import two_tinted
from little import drifting, film

from dreamvid.cli import run as command
from dreamvid.config.presets import resolve
from dreamvid.core.errors import JobError, SettingsError
from dreamvid.jobs import ray_worker, run
from dreamvid.jobs.events import Event
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.parts import Part
from dreamvid.jobs.ray_worker import RayWorker, connect
from dreamvid.jobs.run import Options
from dreamvid.jobs.workers import Workers

ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="clusters of several nodes on one machine are for Unix"),
    pytest.mark.filterwarnings("ignore"),  # those of Ray itself
    pytest.mark.timeout(240),
]
PLAIN = [("dream.steps", 2), ("dream.octaves", 2), ("compute.precision", "fp32"), ("parallel.segment", 1.2)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two nodes with a processor each, beside a head without one."""
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    for _ in range(2):
        found.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    found.wait_for_nodes()
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots, the last of two segments."""
    frames = [*two_tinted(4, 3), *drifting(28, seed=9)]
    return film(tmp_path_factory.mktemp("clip") / "shots.mkv", frames, rate=12)


@pytest.fixture(scope="module")
def whole(clip: Path) -> bytes:
    """The film as one process renders it."""
    output = clip.with_name("whole.mkv")
    run.dream_video(str(clip), output, resolve("dream", [*PLAIN, ("compute.threads", 1)]))
    return output.read_bytes()


def test_a_cluster_that_loses_a_node_renders_the_bytes_of_one_process(
    cluster: Any, clip: Path, whole: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost: list[int] = []

    def lose(event: Event) -> None:
        if event.phase == "render" and event.done == 9 and not lost:
            lost.append(event.done)
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    assert connect(cluster.address) == 2
    output = tmp_path / "dream.mkv"
    with Workers([RayWorker(), RayWorker()]) as two:
        run.dream_video(str(clip), output, resolve("dream", PLAIN), Options(progress=lose, workers=two))
    assert lost and "a worker was lost with its node" in caplog.text
    assert output.read_bytes() == whole


def test_nodes_without_a_shared_folder_render_the_same_bytes(
    cluster: Any, clip: Path, whole: bytes, tmp_path: Path
) -> None:
    """The files that they need are sent to them, and what they store is sent back; nothing stays on them."""
    before = set(Path(tempfile.gettempdir()).glob("dreamvid-sent-*"))
    connect(cluster.address)
    output = tmp_path / "dream.mkv"
    with Workers([RayWorker(shared=False)]) as one:
        run.dream_video(str(clip), output, resolve("dream", PLAIN), Options(workers=one))
    assert output.read_bytes() == whole
    assert set(Path(tempfile.gettempdir()).glob("dreamvid-sent-*")) == before


def test_what_goes_wrong_on_a_node_is_raised_here(cluster: Any, tmp_path: Path) -> None:
    connect(cluster.address)
    begun = tmp_path / "begun.dreamvid"
    begun.mkdir()
    with Workers([RayWorker()]) as one:  # the first may begin on the node that was lost, of which Ray learns late
        future = one.submit(Part(begun, (0,)), lambda news: None, threading.Event())
        with pytest.raises(JobError, match="is not a job that was begun"):
            future.result(120)


def test_a_render_that_is_stopped_is_stopped_on_its_nodes(cluster: Any, clip: Path, tmp_path: Path) -> None:
    connect(cluster.address)
    output, told = tmp_path / "dream.mkv", list[int]()
    with Workers([RayWorker()]) as one:
        options = Options(progress=lambda event: told.append(event.done), stop=lambda: told[-1] >= 3, workers=one)
        with pytest.raises(Interrupted, match="the same command resumes"):
            run.dream_video(str(clip), output, resolve("dream", PLAIN), options)
    assert not output.exists()
    assert list(tmp_path.glob("dream.mkv.dreamvid/journal/*.jsonl"))


def test_an_address_that_does_not_answer_is_said_in_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clip: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(ray_worker, "ANSWER", 0.5)
    with socket.socket() as bound:  # a port that nobody listens at
        bound.bind(("127.0.0.1", 0))
        began = time.monotonic()
        with pytest.raises(JobError, match=r"no Ray cluster answers at 127\.0\.0\.1:"):
            connect(f"127.0.0.1:{bound.getsockname()[1]}")
    assert time.monotonic() - began < 5
    for wrong in ("nowhere", "host:port", "host:99999", ":1"):
        with pytest.raises(SettingsError, match="give auto or HOST:PORT"):
            connect(wrong)
    assert command(["video", str(clip), str(tmp_path / "a.mkv"), "--ray", "nowhere"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
