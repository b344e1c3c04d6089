"""What of this installation works: each part is tried on something small; no path, and nothing of the user."""

import platform
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from importlib import import_module, metadata
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dreamvid import __version__
from dreamvid.config.settings import ComputeSettings, OutputSettings
from dreamvid.core.errors import DreamvidError
from dreamvid.core.types import Pixels
from dreamvid.media import encode, ffmpeg, formats, images, stills
from dreamvid.media.probe import probe
from dreamvid.models import zoo
from dreamvid.models.device import physical_cores, set_up
from dreamvid.pipeline.plan import RENDER_VERSION

NEEDED = (
    *("av", "jinja2", "numpy", "opencv-python", "pillow", "pydantic"),
    *("safetensors", "scenedetect", "torch", "torchvision"),
)
MORE = {
    "scipy": "sound",
    "starlette": "studio",
    "uvicorn": "studio",
    "mido": "midi",
    "ray": "ray",
    "matplotlib": "plot",
    "scikit-learn": "features",
    "pillow-heif": "heic",
}
HEADLESS = {"opencv-python": "opencv-python-headless"}  # package -> another of the same content
SIZE = 32, 48
FOLDERS = re.compile(r"(?:[A-Za-z]:|~|\.\.?)?[\\/].*[\\/]")  # from the first to the last: names may hold spaces


@dataclass(frozen=True)
class Check:
    """A part that was tried: its `kind` and `name`, whether it `works`, `words` on that; whether it is `needed`."""

    kind: str
    name: str
    works: bool
    words: str = ""
    needed: bool = True


def examine() -> Iterator[Check]:
    """Try every part, one after another."""
    yield Check("program", "dreamvid", True, f"{__version__}, render version {RENDER_VERSION}")
    yield Check("program", "Python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from (_package(name) for name in NEEDED)
    yield from (_package(name, extra) for name, extra in MORE.items())
    yield _tried("program", "ffmpeg", ffmpeg.version)
    yield _tried("device", "cpu", partial(_computes, "cpu"))
    others = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    for name, there in others.items():
        yield _tried("device", name, partial(_computes, name)) if there else _absent("device", name)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in dict.fromkeys(images.WRITTEN):
            yield _tried("picture", suffix, partial(_picture, suffix))
        yield from (_tried("picture", kind, partial(_reads, kind)) for kind in ("GIF", "BMP", "AVIF"))
        yield replace(_tried("picture", "HEIC", partial(_reads, "HEIF")), needed=False)
        for suffix, (_, codecs) in formats.CONTAINERS.items():
            for codec in codecs:
                film = Path(folder) / f"{codec}{suffix}"
                yield _tried("film", f"{codec} in {suffix}", partial(_film, film, codec))
    for name in zoo.names():
        if zoo.in_cache(name):
            yield _tried("net", name, partial(_net, name))
    away = sum(not zoo.in_cache(name) for name in zoo.names())
    yield Check("net", "others", True, f"{away} whose weights are not on this machine: `dreamvid models list`", False)


def _tried(kind: str, name: str, attempt: Callable[[], str]) -> Check:
    try:
        return Check(kind, name, True, attempt())
    except Exception as error:  # of any class: the parts are other people's, and whatever they raise is the finding
        words = str(error) if isinstance(error, DreamvidError) else f"{type(error).__name__}: {error}"
        return Check(kind, name, False, FOLDERS.sub("", " ".join(words.split()))[:200])


def _absent(kind: str, name: str) -> Check:
    return Check(kind, name, False, "not on this machine", needed=False)


def _package(name: str, extra: str = "") -> Check:
    for package in (name, HEADLESS.get(name, name)):
        try:
            return Check("package", package, True, metadata.version(package), not extra)
        except metadata.PackageNotFoundError:
            continue
    return Check("package", name, False, f"not installed: pip install '.[{extra}]'" if extra else "missing", not extra)


def _computes(device: str) -> str:
    found = set_up(ComputeSettings(device=device))
    square = torch.eye(8, device=found.device, dtype=found.dtype)
    if not torch.equal(square @ square, square):
        raise ArithmeticError("a product of matrices is wrong")
    cores = f", {physical_cores()} cores" if device == "cpu" else ""
    return f"{found.description}, {str(found.dtype).removeprefix('torch.')}{cores}"


def _frames() -> list[Pixels]:
    return [np.full((*SIZE, 3), value, np.uint8) for value in (60, 200)]


def _picture(suffix: str) -> str:
    seen = stills.decode(images.encode(_frames()[0], suffix))
    return f"written and read, {seen.shape[1]}x{seen.shape[0]}"


def _reads(kind: str) -> str:
    if kind == "HEIF":
        import_module("pillow_heif").register_heif_opener()
    data = BytesIO()
    Image.fromarray(_frames()[0]).save(data, kind)
    seen = stills.decode(data.getvalue())
    return f"read, {seen.shape[1]}x{seen.shape[0]}"


def _film(film: Path, codec: str) -> str:
    spec = encode.FilmSpec(SIZE, Fraction(10), 2, OutputSettings(codec=codec))  # type: ignore[arg-type]
    folder = film.with_name(f"{film.name}-trial")
    trial = encode.rehearse(film, spec, folder, threads=1, notice=lambda _: None)
    encode.encode(_frames, film, spec, trial, threads=1, notice=lambda _: None)
    found = probe(str(film))
    return f"written and read, {found.frames} frames by {formats.check(film, spec.settings).encoder}"


def _net(name: str) -> str:
    net = zoo.get(name)
    with torch.inference_mode():
        answer = net.module.eval()(torch.zeros(1, 3, net.side, net.side))
    if not torch.isfinite(answer).all():
        raise ArithmeticError("its answer is not finite")
    return f"{len(net.classes)} classes, weights {net.sha256[:12]}"
