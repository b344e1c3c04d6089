"""Process-wide compute set-up: device, precision, threads, heap. Call it once per job, before the first tensor."""

import ctypes
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from dreamvid.config.settings import ComputeSettings
from dreamvid.core.errors import SettingsError


@dataclass(frozen=True)
class Compute:
    """Device, precision and threads of this process; `description` names the hardware in a job's fingerprint."""

    device: torch.device
    dtype: torch.dtype
    threads: int
    description: str


def set_up(settings: ComputeSettings) -> Compute:
    """Choose device and precision, set torch's thread count, and keep the heap from shrinking between steps.

    Raises SettingsError where the requested device is missing; it never falls back to another one.
    """
    device = find_device(settings.device)
    usual = physical_cores()
    threads = settings.threads or usual
    torch.set_num_threads(threads)
    _keep_heap()
    dtype = torch.bfloat16 if settings.precision == "bf16" or _computes_in_bf16(settings, device) else torch.float32
    if device.type == "cuda":
        # Frames depend on earlier frames: a resumed job must use the same kernels, not whichever benchmark fastest now.
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        description = torch.cuda.get_device_name(device)
    else:
        description = f"{device.type} {torch.backends.cpu.get_cpu_capability()}"
    return Compute(device, dtype, threads, description)


@cache
def physical_cores() -> int:
    """Return the number of physical cores this process may use, whatever OMP_NUM_THREADS says.

    Hyper-threads of a core count once where the system reports them. OMP_NUM_THREADS is ignored because the number is
    part of a job's fingerprint: a shell variable must not keep a job from being resumed.
    """
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    usable = os.sched_getaffinity(0)
    siblings = (Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") for cpu in usable)
    return len({file.read_text() if file.exists() else file for file in siblings})


def find_device(wanted: str) -> torch.device:
    """Return the device of a name, as of `compute.device`; raise SettingsError where it is missing."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, number = wanted.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():  # torch.device takes 999 for -25
        raise SettingsError(
            f"--device {wanted}: torch finds {torch.cuda.device_count()} CUDA devices; try --device cpu"
        )
    device = torch.device(wanted)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise SettingsError("--device mps: torch finds no Apple GPU; try --device cpu")
    return torch.device("cuda", 0) if wanted == "cuda" else device


def _computes_in_bf16(settings: ComputeSettings, device: torch.device) -> bool:
    if settings.precision != "auto":
        return False
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # A processor without bf16 instructions emulates them, at half the speed of fp32.
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def wait_for(device: torch.device) -> None:
    """Wait until a device has computed all that it was given; a processor always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _keep_heap() -> None:
    """Keep glibc from returning large blocks to the kernel, or each step would pay their page faults again.

    Those of a picture of 8K are returned: the heap would be torn by them, and grow by half.
    """
    trim_threshold, mmap_threshold, unlimited = -1, -3, 2**31 - 1
    if (libc := _glibc()) is not None:
        libc.mallopt(trim_threshold, unlimited)
        libc.mallopt(mmap_threshold, 2**28)


def share_heap() -> None:
    """Have all threads share one heap of glibc, for what runs for long; called before there are any.

    By default each has its own, and keeps what it once needed: threads that dream in turn hold several times as much.
    """
    most_arenas = -8
    if (libc := _glibc()) is not None:
        libc.mallopt(most_arenas, 1)


def release_heap() -> None:
    """Return unused heap memory to the kernel (`malloc_trim`), for when memory is short."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libc.so.6") if sys.platform.startswith("linux") else None
    except OSError:  # musl has no such settings
        return None
