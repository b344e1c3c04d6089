"""The process set up for computing: the device asked for or none, precision, threads."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from dreamvid.config.settings import ComputeSettings
from dreamvid.core.errors import SettingsError
from dreamvid.models import device
from dreamvid.models.device import physical_cores, set_up


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """Threads are the process's: whatever a test pins is given back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_processor_is_described_by_what_it_computes_with() -> None:
    compute = set_up(ComputeSettings(device="cpu", precision="fp32"))
    assert (compute.device, compute.dtype) == (torch.device("cpu"), torch.float32)
    assert compute.description == f"cpu {torch.backends.cpu.get_cpu_capability()}"


def test_threads_are_pinned_to_the_number_asked_for() -> None:
    assert set_up(ComputeSettings(device="cpu", threads=1)).threads == 1
    assert torch.get_num_threads() == 1


def test_threads_are_the_cores_where_none_are_asked_for_however_many_were_pinned_before() -> None:
    usual = set_up(ComputeSettings(device="cpu")).threads
    assert usual == physical_cores() >= 1
    set_up(ComputeSettings(device="cpu", threads=1))
    assert set_up(ComputeSettings(device="cpu")).threads == usual


def test_precision_is_as_asked_for_and_by_itself_what_the_processor_computes_in(monkeypatch) -> None:
    assert set_up(ComputeSettings(device="cpu", precision="bf16")).dtype == torch.bfloat16
    for able, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda able=able: able)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert set_up(ComputeSettings(device="cpu")).dtype == dtype
        assert set_up(ComputeSettings(device="cpu", precision="fp32")).dtype == torch.float32


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "cuda:7", "cuda:255", "cuda:999"])
def test_a_cuda_device_that_is_not_there_is_never_replaced(monkeypatch, wanted: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SettingsError, match=f"--device {wanted}: torch finds 0 CUDA devices; try --device cpu"):
        set_up(ComputeSettings(device=wanted))


def test_an_apple_gpu_that_is_not_there_is_never_replaced(monkeypatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="try --device cpu"):
        set_up(ComputeSettings(device="mps"))


def test_a_gpu_is_taken_where_there_is_one(monkeypatch) -> None:
    for cuda, mps, wanted in ((True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        assert device.find_device("auto").type == wanted


ARENAS = """
import ctypes, sys, threading
from dreamvid.models.device import share_heap
if sys.argv[1] == "shared":
    share_heap()
libc = ctypes.CDLL("libc.so.6")
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
ready = threading.Barrier(4)
def work():
    ready.wait()
    for _ in range(1000):
        libc.malloc(ctypes.c_size_t(1000))
    ready.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fflush(None)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
@pytest.mark.parametrize(("how", "several"), [("apart", True), ("shared", False)])
def test_threads_share_one_heap_where_that_is_asked_for(how: str, several: bool) -> None:
    done = subprocess.run([sys.executable, "-c", ARENAS, how], capture_output=True, text=True, check=True)
    assert (done.stdout.count("<heap nr=") > 1) is several
