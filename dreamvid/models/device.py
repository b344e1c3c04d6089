"""The process set up for computing: device, precision, threads, heap. Called once a job, before the first tensor."""

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
    """Where and how precisely this process computes; `description` tells two machines apart in a fingerprint."""

    device: torch.device
    dtype: torch.dtype
    threads: int
    description: str


def set_up(settings: ComputeSettings) -> Compute:
    """Chooses device and precision, pins the threads of torch, and keeps the heap from shrinking between steps.

    Raises SettingsError where the device asked for is not there: never another one in its place.
    """
    device = _device(settings.device)
    usual = physical_cores()
    threads = settings.threads or usual
    torch.set_num_threads(threads)
    _keep_heap()
    dtype = torch.bfloat16 if settings.precision == "bf16" or _computes_in_bf16(settings, device) else torch.float32
    if device.type == "cuda":
        # What is carried from frame to frame must not depend on which kernel happened to be the fastest today.
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        description = torch.cuda.get_device_name(device)
    else:
        description = f"{device.type} {torch.backends.cpu.get_cpu_capability()}"
    return Compute(device, dtype, threads, description)


@cache
def physical_cores() -> int:
    """Cores this process may use, hyper-threads counted once where the system tells; whatever OMP_NUM_THREADS says.

    The number is part of a job's fingerprint, and a variable of the shell must not stop a job from going on.
    """
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    usable = os.sched_getaffinity(0)
    siblings = (Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") for cpu in usable)
    return len({file.read_text() if file.exists() else file for file in siblings})


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(wanted)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingsError(
            f"--device {wanted}: torch finds {torch.cuda.device_count()} CUDA devices; try --device cpu"
        )
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


def _keep_heap() -> None:
    """Keeps glibc from giving every large block back to the kernel: each step would pay its page faults again."""
    trim_threshold, mmap_threshold, unlimited = -1, -3, 2**31 - 1
    if (libc := _glibc()) is not None:
        libc.mallopt(trim_threshold, unlimited)
        libc.mallopt(mmap_threshold, 2**30)


def release_heap() -> None:
    """Gives what the heap has kept and does not use back to the kernel: where memory is short, others need it."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libc.so.6") if sys.platform.startswith("linux") else None
    except OSError:  # musl has no such settings
        return None
