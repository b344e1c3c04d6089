"""Inputs that mean harm, or lie: each is made in a folder of its own and given to the command line as a user would.

`cases(port, canary)` yields them: `port` is that of a server that must hear nothing, `canary` a file that nothing may
make.
"""

import io
import json
import os
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from media import clips
from PIL import Image
from safetensors.torch import save as save_tensors

from dreamvid.models import zoo
from dreamvid.models.checkpoint import load

Make = Callable[[Path], object]
FAST = ["--size", "32x32", "--set", "dream.steps=0", "--set", "coherence.steps=0", "--model", "dreamnet"]


@dataclass(frozen=True)
class Case:
    """A command line in a folder that `make` has filled."""

    kind: str
    name: str
    arguments: list[str]
    make: Make = lambda folder: None


def write(name: str, data: bytes | str) -> Make:
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return lambda folder: (folder / name).write_bytes(raw)


def dreamed(kind: str, name: str, file: str, make: Make, commands: str = "video image") -> Iterator[Case]:
    """A file as the source of some commands, and as what they take beside it."""
    for command in commands.split():
        source = {"video": "clip.mp4", "image": "still.png", "zoom": "still.png"}
        output = "out.png" if command == "image" else "out.mp4"
        if command in source:
            yield Case(kind, f"{name} as {command}", [command, file, output, *FAST], make)
        elif command == "audio":
            yield Case(kind, f"{name} as audio", ["video", "clip.mp4", "out.mp4", "--audio", file, *FAST], make)
        elif command == "compare":
            yield Case(kind, f"{name} as compare", ["compare", "clip.mp4", file], make)
        else:
            yield Case(
                kind, f"{name} as {command}", ["image", "still.png", "out.png", f"--{command}", file, *FAST], make
            )


# Stills


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def saved(form: str, **more: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(clips.picture(5)).save(file, form, **more)
    return file.getvalue()


def png(width: int, height: int, bits: int = 8, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">2I", width, height) + bytes([bits, 2, 0, 0, 0]))
    body = chunk(b"IDAT", zlib.compress(bytes(99)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + body + chunk(b"IEND", b"")


def bmp(width: int, height: int, bits: int = 24, how: int = 0) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 154, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, how, 0, 0, 0, 0, 0)
        + bytes(100)
    )


def tiff(*tags: tuple[int, int, int, int], after: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + struct.pack("<I", after) + bytes(99)


def plain_tiff(width: int, height: int, bits: int = 8, samples: int = 3, count: int = 1, after: int = 0) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, count, 8), (277, 3, 1, samples), (278, 4, 1, height), (279, 4, count, 8)]
    return tiff(*tags, after=after)


def gif(width: int, height: int, frames: int = 1) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    one = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"
    return head + one * frames + b";"


def sized(data: bytes, mark: bytes, skip: int, form: str, *sides: int) -> bytes:
    """Bytes with other sides behind a mark."""
    at = data.index(mark) + len(mark) + skip
    packed = struct.pack(form, *sides)
    return data[:at] + packed + data[at + len(packed) :]


SIDES = [(0, 0), (1, 65535), (16384, 16384), (44000, 44000), (65535, 65535), (2**31 - 1, 2**31 - 1)]


def still_files() -> Iterator[tuple[str, bytes]]:
    jpeg, webp, avif = saved("JPEG"), saved("WEBP"), saved("AVIF")
    zeros = zlib.compress(bytes(10**8), 9)
    for width, height in SIDES:
        yield f"{width}x{height}.png", png(width, height)
        yield f"{width}x{height}-16.png", png(width, height, 16)
        yield f"{width}x{height}.bmp", bmp(width, -height)
        yield f"{width}x{height}.tif", plain_tiff(width, height)
        yield f"{width}x{height}-32.tif", plain_tiff(width, height, 32)
        yield f"{width}x{height}.avif", sized(avif, b"ispe", 4, ">2I", width, height)
        if max(width, height) < 65536:
            yield f"{width}x{height}.gif", gif(width, height)
            yield f"{width}x{height}.jpg", sized(jpeg, b"\xff\xc0", 3, ">2H", height, width)
            yield f"{width}x{height}.webp", sized(webp, b"\x9d\x01\x2a", 0, "<2H", width & 16383, height & 16383)
    yield "profile.png", png(32, 32, 8, chunk(b"iCCP", b"x\0\0" + zeros))
    yield "text.png", png(32, 32, 8, chunk(b"zTXt", b"x\0\0" + zeros))
    yield "texts.png", png(32, 32, 8, *[chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(10**6)))] * 200)
    yield "data.png", png(32, 32).replace(chunk(b"IDAT", zlib.compress(bytes(99))), chunk(b"IDAT", zeros))
    yield "frames.png", png(32, 32, 8, chunk(b"acTL", struct.pack(">2I", 2**31 - 1, 0)))
    yield "many.gif", gif(16000, 16000, 5000)
    yield "strips.tif", plain_tiff(16000, 16000, count=2**31)
    yield "ring.tif", plain_tiff(32, 32, after=8)
    yield "samples.tif", plain_tiff(1000, 1000, samples=65535)
    yield "rle.bmp", bmp(16384, 16384, 8, 1)
    yield "exif.jpg", jpeg[:2] + b"\xff\xe1\xff\xffExif\0\0II*\0" + b"\xff" * 65525 + jpeg[2:]
    yield "empty.png", b""


def stills() -> Iterator[Case]:
    for name, data in still_files():
        yield from dreamed("still bombs and lies", name, name, write(name, data), "image")
    for name, data in list(still_files())[::9]:
        yield from dreamed("still bombs and lies", name, name, write(name, data), "zoom mask guide")


# Containers


@cache
def film(suffix: str) -> bytes:
    path = Path(f"/tmp/hostile-{os.getpid()}.{suffix}")
    more = {
        "webm": ["-c:v", "libvpx", "-deadline", "realtime"],
        "gif": ["-c:v", "gif"],
        "avi": ["-c:v", "mjpeg"],
        "ogv": ["-c:v", "libtheora"],
    }
    try:
        clips.film(path, *more.get(suffix, clips.X264), count=4, size=(48, 64))
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


def atom(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def avi(**claims: int) -> bytes:
    """An AVI whose header is another: bytes of avih and strh by their offset in them."""
    data = bytearray(film("avi"))
    for place, value in claims.items():
        head, at = place.split("_")
        start = data.index(head.encode()) + 8 + int(at)
        data[start : start + 4] = struct.pack("<I", value)
    return bytes(data)


def mp4(kind: bytes, at: int, *values: int) -> bytes:
    """An MP4 with other numbers in the first box of a kind."""
    return sized(film("mp4"), kind, at, f">{len(values)}I", *values)


def deep(kind: bytes, count: int) -> bytes:
    data = b""
    for _ in range(count):
        data = atom(kind, data)
    return film("mp4")[:32] + data + film("mp4")[32:]


def film_files() -> Iterator[tuple[str, bytes]]:
    yield "rate.avi", avi(strh_20=1, strh_24=10**9, avih_0=0)
    yield "frames.avi", avi(avih_16=2**31 - 1, strh_32=2**31 - 1)
    yield "wide.avi", avi(avih_32=2**30, avih_36=2**30)
    yield "picture.avi", sized(film("avi"), b"strf", 8, "<II", 40000, 40000)
    yield "still.avi", avi(strh_20=10**9, strh_24=1)
    for number, values in enumerate([(0,), (1,), (2**32 - 1,)]):
        yield f"scale{number}.mp4", mp4(b"mvhd", 12, *values)
        yield f"track-scale{number}.mp4", mp4(b"mdhd", 12, *values)
        yield f"duration{number}.mp4", mp4(b"mdhd", 16, *values)
        yield f"times{number}.mp4", mp4(b"stts", 4, *values)
        yield f"time{number}.mp4", mp4(b"stts", 8, 4, *values)
        yield f"sizes{number}.mp4", mp4(b"stsz", 8, *values)
        yield f"chunks{number}.mp4", mp4(b"stco", 4, *values)
        yield f"edit{number}.mp4", mp4(b"elst", 8, *values, 0)
    yield "wide.mp4", sized(film("mp4"), b"avc1", 24, ">2H", 65535, 65535)
    for kind in (b"moov", b"trak", b"udta", b"meta"):
        yield f"deep-{kind.decode()}.mp4", deep(kind, 2000)
    yield "long.mkv", film("mkv").replace(b"\x44\x89\x88", b"\x44\x89\x88" + struct.pack(">d", 1e300)[:0], 1)
    for number, value in enumerate((0.0, -1.0, 1e300, float("nan"), float("inf"))):
        data = film("mkv")
        at = data.index(b"\x44\x89\x88") + 3
        yield f"duration{number}.mkv", data[:at] + struct.pack(">d", value) + data[at + 8 :]
    for number, value in enumerate((0, 1, 2**24 - 1)):
        data = film("mkv")
        at = data.index(b"\x2a\xd7\xb1\x83") + 4
        yield f"scale{number}.mkv", data[:at] + value.to_bytes(3, "big") + data[at + 3 :]
    yield "nested.mkv", film("mkv")[:40] + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" * 3000
    for suffix in ("mp4", "mov", "mkv", "webm", "avi", "ts", "flv", "nut", "gif"):
        data, random = film(suffix), np.random.default_rng(len(suffix) + len(film(suffix)))
        yield f"half.{suffix}", data[: len(data) // 2]
        yield f"twice.{suffix}", data + data
        for number in range(4):
            changed = bytearray(data)
            for at in random.integers(0, min(len(data), 2000), 8):
                changed[at] = (0, 127, 128, 255)[random.integers(4)]
            yield f"mutated{number}.{suffix}", bytes(changed)


def references(port: int) -> Iterator[tuple[str, str]]:
    """Texts that name other files, each under the suffix of its own."""
    url = f"http://127.0.0.1:{port}/secret.mp4"
    for where, at in (("file", "clip.mp4"), ("net", url)):
        yield f"{where}.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\n{at}\n#EXT-X-ENDLIST\n"
        yield f"{where}.ffconcat", f"ffconcat version 1.0\nfile '{at}'\n"
        yield (
            f"{where}.sdp",
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns={at}\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
        )
        yield f"{where}.pls", f"[playlist]\nFile1={at}\nNumberOfEntries=1\n"
        yield f"{where}.mpd", f'<?xml version="1.0"?><MPD><BaseURL>{at}</BaseURL></MPD>'
        yield f"{where}.asx", f'<asx version="3.0"><entry><ref href="{at}"/></entry></asx>'
        yield (
            f"{where}.svg",
            f'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image href="{at}"/></svg>',
        )
        yield (
            f"{where}.ass",
            f"[Script Info]\nVideo File: {at}\n[Events]\nDialogue: 0,0:00:00.00,0:00:01.00,,,,,,,{at}\n",
        )
        yield f"{where}.smi", f'<SAMI><BODY><IMG SRC="{at}"></BODY></SAMI>'
        yield f"{where}.imf", f'<?xml version="1.0"?><AssetMap><Path>{at}</Path></AssetMap>'
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    yield "laughs.svg", f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "ha">{laughs}]><svg>&l11;</svg>'
    yield "entity.svg", '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'


def mov_elsewhere(at: str) -> bytes:
    """A film whose frames lie in another file, as QuickTime may say it."""
    entry = atom(b"url ", bytes(4) + at.encode() + b"\0")
    data = film("mp4")
    start = data.index(b"dref") - 4
    (length,) = struct.unpack_from(">I", data, start)
    return data[:start] + atom(b"dref", bytes(4) + struct.pack(">I", 1) + entry) + data[start + length :]


def names(port: int) -> list[str]:
    """Sources that are no files."""
    web = f"127.0.0.1:{port}/secret.mp4"
    schemes = ["http", "https", "tcp", "udp", "rtmp", "rtsp", "ftp", "tls", "sctp", "gopher", "srt"]
    names = [f"{scheme}://{web}" for scheme in schemes]
    names += ["concat:clip.mp4|clip.mp4", "subfile,,start,0,end,99,,:clip.mp4", "file:clip.mp4", "file:///etc/passwd"]
    names += [
        "data:video/mp4;base64,AAAA",
        "pipe:0",
        "fd:0",
        f"async:http://{web}",
        f"cache:http://{web}",
        "crypto:clip.mp4",
    ]
    names += ["lavfi:testsrc", "testsrc=size=64x64", "-", "--help.mp4", "%d.png", "*.mp4", "\x1b[31m.mp4", "a\nb.mp4"]
    return [
        *names,
        "/dev/zero",
        "/dev/random",
        "/dev/stdin",
        "/proc/self/mem",
        "/proc/self/fd/0",
        "pipe",
        "x" * 300,
        "ring",
    ]


def odd_files(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "ring").symlink_to("ring")


def container_lies() -> Iterator[Case]:
    for number, (name, data) in enumerate(film_files()):
        beside = " audio compare" if number % 8 == 0 else " mask" if number % 8 == 4 else ""
        yield from dreamed("container lies", name, name, write(name, data), "video" + beside)


def naming_files(port: int) -> Iterator[Case]:
    kind = "files that name files"
    for name, text in references(port):
        for suffix in (Path(name).suffix, ".mp4", ".png"):
            file = Path(name).stem + Path(name).suffix[1:] + suffix
            command = "image" if suffix == ".png" else "video"
            yield from dreamed(kind, file, file, write(file, text), command)
        yield from dreamed(kind, name, name, write(name, text), "audio guide")
    for at in ("clip.mp4", "/etc/passwd", f"http://127.0.0.1:{port}/secret.mp4"):
        yield from dreamed(kind, f"mov to {at[:9]}", "far.mov", write("far.mov", mov_elsewhere(at)), "video audio mask")


def no_files(port: int) -> Iterator[Case]:
    for name in names(port):
        yield from dreamed("names that are no files", name[:40], name, odd_files, "video image zoom mask guide audio")


# Weights


class Trap:
    """Runs a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def torch_file(value: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **more)
    return file.getvalue()


def packed(data: bytes) -> bytes:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return file.getvalue()


def safe(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def weights_files(canary: Path) -> Iterator[tuple[str, bytes]]:
    traps = [Trap(Path.touch, canary), Trap(os.system, f"touch {canary}"), Trap(eval, f"open({str(canary)!r}, 'w')")]
    traps += [Trap(exec, f"open({str(canary)!r}, 'w')"), Trap(torch.hub.load, "x/y", "z"), Trap(bytearray, 10**12)]
    for number, trap in enumerate(traps):
        for protocol in (0, 2, 4):
            yield f"pickle{number}-{protocol}.pth", pickle.dumps({"w": trap}, protocol)
        yield f"zipped{number}.pth", torch_file({"w": trap})
        yield f"legacy{number}.pth", torch_file({"w": trap}, _use_new_zipfile_serialization=False)
    one = torch.ones(1)
    yield "square.pth", torch_file({"w": one.expand(10**6, 10**6)})
    yield "line.pth", torch_file({"w": one.expand(3 * 10**9)})
    yield (
        "views.pth",
        torch_file({f"w{number}": torch.ones(10**5)[:] for number in range(3)} | {"v": one.expand(10**10)}),
    )
    yield "packed.pth", packed(torch_file({"w": torch.zeros(5 * 10**7)}))
    yield "rows.pth", torch_file({"logits.weight": torch.ones(10**9, 0)})
    yield "nested.pth", pickle.dumps({"w": None}) + b"(" * 10**6
    tensor = {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4]}
    yield "shape.safetensors", safe({"w": tensor}, bytes(4))
    yield "offsets.safetensors", safe({"w": tensor | {"shape": [1], "data_offsets": [0, 2**62]}}, bytes(4))
    yield "back.safetensors", safe({"w": tensor | {"shape": [1], "data_offsets": [4, 0]}}, bytes(4))
    yield "over.safetensors", safe({n: tensor | {"shape": [1]} for n in "abc"}, bytes(4))
    yield "long.safetensors", safe({}, length=2**63)
    yield "header.safetensors", safe({}, length=10**8) + bytes(10**6)
    yield "lists.safetensors", safe(b'{"__metadata__":[' + b"[]," * 3_000_000 + b"[]]}")
    yield "deep.safetensors", safe(b"[" * 10**5)
    yield "deeper.safetensors", safe({"__metadata__": {"architecture": "dreamnet", "classes": "[" * 10**5}})
    yield "type.safetensors", safe({"w": tensor | {"dtype": "F8_E4M3", "shape": [4]}}, bytes(4))
    for name, data in {
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "html": b"<!DOCTYPE html><html></html>",
        "onnx": b"\x08\x07\x12\x07pytorch" + bytes(99),
        "hdf": b"\x89HDF\r\n\x1a\n" + bytes(99),
        "gguf": b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63),
        "none": b"",
    }.items():
        yield f"{name}.pth", data
        yield f"{name}.safetensors", data
    script = io.BytesIO()
    warnings.simplefilter("ignore")  # torch says that its archives are old
    torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.ones(1)), script)
    yield "script.pth", script.getvalue()
    own = load(zoo.SHIPPED["dreamnet"])
    for key, lie in (("width", "16"), ("width", "1e300"), ("classes", "5"), ("classes", json.dumps(["x"] * 10**5))):
        yield f"{key}{len(lie)}.safetensors", save_tensors(own.tensors, own.metadata | {key: lie})
    yield "stats.safetensors", save_tensors(own.tensors | {"stats.mixed4a": torch.ones(3)}, own.metadata)


def weights(canary: Path) -> Iterator[Case]:
    for number, (name, data) in enumerate(weights_files(canary)):
        net = ("dreamnet", "efficientnet_lite2", "squeezenet1_1")[number % 3]
        yield Case("weights", name, ["models", "check", net, "--weights", name], write(name, data))
        if name.endswith(".safetensors"):
            yield Case(
                "weights", f"{name} as net", ["image", "still.png", "out.png", "--model", name], write(name, data)
            )
        elif number % 4 == 0:
            table = f'[net]\nname = "dreamnet"\nweights = "{name}"\n'
            yield Case(
                "weights",
                f"{name} in a preset",
                ["image", "still.png", "out.png", "--preset", "p.toml"],
                lambda folder, name=name, data=data, table=table: (
                    write(name, data)(folder),
                    write("p.toml", table)(folder),
                ),
            )
    big = lambda folder: os.truncate(folder / "big.safetensors", 50 * 10**9)  # noqa: E731
    yield Case(
        "weights",
        "50 GB of nothing",
        ["models", "check", "dreamnet", "--weights", "big.safetensors"],
        lambda folder: (write("big.safetensors", safe({}))(folder), big(folder)),
    )
    for name in ("/dev/zero", "pipe", "ring", "\x1b.pth", "x" * 300, "random:" + "9" * 5000, "random:-1", "."):
        yield Case("weights", name[:30], ["models", "check", "dreamnet", "--weights", name], odd_files)
        yield Case(
            "weights",
            f"classes {name[:30]}",
            ["image", "still.png", "out.png", "--set", f"net.classes={name}"],
            odd_files,
        )


def code(canary: Path) -> Iterator[Case]:
    kind = "code without --trust"
    make = write("evil.py", f"open({str(canary)!r}, 'w')\ndef net(): pass\n")
    still = ["image", "still.png", "out.png"]
    for argument in ("evil.py:net", "evil.py", "./evil.py:net", "evil.py:__init__"):
        yield Case(kind, argument, [*still, "--model", argument], make)
        yield Case(kind, f"{argument} set", [*still, "--set", f"net.name={argument}"], make)
        yield Case(
            kind, f"{argument} in an objective", [*still, "--set", f'objective=[{{net="{argument}", layer="x"}}]'], make
        )
        yield Case(kind, f"{argument} checked", ["models", "layers", argument], make)
        for name, table in {
            "preset": f'[net]\nname = "{argument}"\n',
            "objective": f'[[objective]]\nnet = "{argument}"\nlayer = "x"\n',
        }.items():
            both = lambda folder, table=table: (make(folder), write("p.toml", table)(folder))  # noqa: E731
            yield Case(kind, f"{argument} in a {name}", [*still, "--preset", "p.toml"], both)
            yield Case(kind, f"{argument} in defaults, {name}", [*still, "--config", "p.toml"], both)
        job = (
            f'[[job]]\nsource = "still.png"\ncommand = "image"\noutput = "o.png"\nset = {{"net.name" = "{argument}"}}\n'
        )
        yield Case(
            kind,
            f"{argument} in a batch",
            ["batch", "b.toml"],
            lambda folder, job=job: (make(folder), write("b.toml", job)(folder)),
        )
    for module in ("sitecustomize", "torch", "cv2", "dreamvid"):
        yield Case(kind, f"{module}.py here", [*still, *FAST], write(f"{module}.py", f"open({str(canary)!r}, 'w')\n"))


# Texts

SECTIONS = (
    "dream",
    "net",
    "camera",
    "mask",
    "audio",
    "input",
    "output",
    "compute",
    "coherence",
    "objective",
    "seed",
    "description",
    "extends",
)
VALUES = {
    "a number": "5",
    "a list": "[[1]]",
    "a date": "1979-05-27",
    "a table": "{a = 1}",
    "nan": "nan",
    "infinity": "-inf",
    "a huge float": "1e308",
    "a huge integer": "0x" + "f" * 5000,
    "a deep table": "[{" + "a." * 5000 + "a = 1}]",
    "a nul": '"\\u0000"',
    "a long text": '"' + "x" * 10**5 + '"',
    "an escape": '"\\u001b[31m"',
}


def preset_texts() -> Iterator[tuple[str, str]]:
    for section in SECTIONS:
        for name, value in VALUES.items():
            yield f"{section} is {name}", f"{section} = {value}\n"
    yield "300,000 objectives", '[[objective]]\nlayer = "x"\n' * 300_000
    yield "deep brackets", "seed = " + "[" * 10**5
    yield "deep tables", "seed = " + "{a=" * 10**5
    yield "deep keys", ".".join(["a"] * 10**5) + " = 1"
    yield "deep headers", "[" + ".".join(["a"] * 5000) + "]\na = 1"
    yield "many headers", "".join(f"[a{n}.b.c]\n" for n in range(60_000))
    yield "the same key twice", "seed = 1\nseed = 2"
    yield "a name of 300", "x" * 300 + " = 1"
    yield "no text", "\x00\x01\x02"
    yield "itself", 'extends = "p.toml"'
    yield "a path", 'extends = "../../../../etc/passwd"'
    yield "a device", 'extends = "/dev/zero"'
    yield "a formula", '[dream]\nstep_size = "' + "(" * 400 + '"'
    yield "a power", '[dream]\nstep_size = "9**9**9**9"'
    yield "a call", "[dream]\nstep_size = \"__import__('os').system('x')\""
    yield "a walk", '[dream]\nstep_size = "().__class__.__bases__"'
    yield "keyframes", '[dream]\nstep_size = "' + "0:1, " * 10**5 + '1:1"'
    yield "far keyframes", '[dream]\nstep_size = "0:1, ' + "9" * 90 + 's:1"'
    yield "a fast film", '[input]\nfps = "1e999999999"'
    yield "a long film", "[input]\nseconds = 1e308"


def chain(folder: Path) -> None:
    for number in range(1500):
        (folder / f"p{number}.toml").write_text(f'extends = "p{number + 1}.toml"\n')
    (folder / "p1500.toml").write_text("seed = 1\n")


def texts() -> Iterator[Case]:
    for name, text in preset_texts():
        yield Case("presets", name, ["presets", "check", "p.toml"], write("p.toml", text))
    yield Case("presets", "a chain of 1500", ["presets", "check", "p0.toml"], chain)
    for name, text in list(preset_texts())[::12]:
        yield Case("presets", f"{name} as defaults", ["presets", "show", "--config", "p.toml"], write("p.toml", text))
        yield Case("presets", f"{name} as a recipe", ["train", "p.toml", "--data", "."], write("p.toml", text))
        yield Case("presets", f"{name} as a batch", ["batch", "p.toml"], write("p.toml", text))


def options() -> Iterator[Case]:
    still, film = ["image", "still.png", "out.png"], ["zoom", "still.png", "out.mp4", "--model", "dreamnet"]
    given = [
        "--size",
        "--frames",
        "--from",
        "--to",
        "--fps",
        "--seed",
        "--threads",
        "--device",
        "--precision",
        "--layer",
        "--channel",
    ]
    given += ["--neuron", "--class", "--mask", "--guide", "--preset", "--work-dir", "--config", "--fit"]
    for option in given:
        for value in (
            "9" * 5000,
            "-1",
            "1e308",
            "nan",
            "\x1b[31m",
            "\n",
            "999999999x999999999",
            "cuda:999",
            "a:b:c:d",
            "/dev/zero",
        ):
            yield Case("options", f"{option} {value[:12]!r}", [*still, option, value, "--quiet"])
    for text in (
        *(
            "objective=5",
            "objective=[5]",
            "objective=[[]]",
            "camera.shift=[1e308,1e308]",
            "camera.zoom=1e308",
            "dream.tile=1e9",
        ),
        *(
            "dream.octaves=[]",
            "dream.octaves=[1e-9,1]",
            "dream.octaves=[2,1e300]",
            "input.laps=1e9",
            "coherence.references=[]",
        ),
        *(
            "=",
            "a",
            ".",
            "..=1",
            "dream.=1",
            "dream..steps=1",
            "keyframes.a=b",
            "seed=0x" + "f" * 5000,
            "dream=[{" + "a." * 5000 + "a=1}]",
        ),
        *(
            "camera.zoom=20*sin(1e9*t)",
            "camera.rotate=0/0",
            "dream.step_size=t/0",
            "output.pix_fmt=\x00",
        ),
        *("dream.step_size=1e308", "dream.strength='10'", "compute.device=cuda:999", "output.codec=" + "x" * 10**5),
    ):
        yield Case("options", text[:40], [*film, "--size", "32x32", "--set", "input.seconds=0.1", "--set", text])


def batches() -> Iterator[Case]:
    jobs = {
        "up": 'source = "still.png"\ncommand = "image"\noutput = "../../../../../../proc/x.png"',
        "root": 'source = "still.png"\ncommand = "image"\noutput = "/proc/x.png"',
        "format": 'source = "still.png"\noutput = "{index:999999999}.mp4"',
        "attribute": 'source = "still.png"\noutput = "{stem.__class__}.mp4"',
        "nul": 'source = "\\u0000"\noutput = "x.mp4"',
        "long": f'source = "{"x" * 5000}"\noutput = "x.mp4"',
        "glob": 'source = "[" \noutput = "x.mp4"',
        "many": 'source = "*"\noutput = "{stem}.mp4"',
        "itself": 'source = "still.png"\ncommand = "image"\noutput = "still.png"',
        "set": 'source = "still.png"\noutput = "x.mp4"\nset = {"dream.steps" = 1979-05-27}',
        "deep set": 'source = "still.png"\noutput = "x.mp4"\nset = {"' + ".".join("a" * 5000) + '" = 1}',
        "number": "source = 5\noutput = 6",
        "nothing": "",
    }
    for name, text in jobs.items():
        yield Case("batches", f"job: {name}", ["batch", "b.toml"], write("b.toml", f"[[job]]\n{text}\n"))
    fine = (
        '[[job]]\nsource = "still.png"\ncommand = "image"\noutput = "o.png"\nsize = "32x"\nset = {"dream.steps" = 0}\n'
    )
    ledgers = (
        "[]",
        "5",
        '{"o.png": 5}',
        '{"o.png": [1, 2]}',
        "[" * 10**5,
        '{"o.png": ["x", ' + "9" * 5000 + "]}",
        "\x00",
        '{"a": [[], {}]}',
    )
    for number, ledger in enumerate(ledgers):
        yield Case(
            "batches",
            f"ledger {number}",
            ["batch", "b.toml"],
            lambda folder, ledger=ledger: (write("b.toml", fine)(folder), write("b.done.json", ledger)(folder)),
        )


def job_folders() -> Iterator[Case]:
    def put(name: str, how: Callable[[Path], object]) -> Make:
        def make(folder: Path) -> None:
            path = folder / "out.mp4.dreamvid" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            how(path)

        return make

    deep_text = lambda path: path.write_text("[" * 10**5)  # noqa: E731
    parts = (
        "lock",
        "job.toml",
        "plan.json",
        "fingerprint.json",
        "done.json",
        "canvas.npz",
        "frames",
        "journal",
        "trial",
    )
    parts += ("journal/000000.jsonl", "frames/000000.png", "frames/.x.1.part.png", "other")
    for part in parts:
        ways: dict[str, Callable[[Path], object]] = {
            "a folder": Path.mkdir,
            "a link": lambda path: path.symlink_to("/etc"),
            "a ring": lambda path: path.symlink_to(path.name),
            "a pipe": os.mkfifo,
            "deep text": deep_text,
            "zeros": lambda path: (path.write_bytes(b""), os.truncate(path, 10**9)),
        }
        for way, how in ways.items():
            if not (way == "a folder" and part in ("frames", "journal", "trial")):
                arguments = ["video", "clip.mp4", "out.mp4", *FAST]
                yield Case("job folders", f"{part} is {way}", arguments, put(part, how))
    yield Case(
        "job folders",
        "a link",
        ["video", "clip.mp4", "out.mp4", *FAST],
        lambda folder: (folder / "out.mp4.dreamvid").symlink_to("/etc"),
    )


def cases(port: int, canary: Path, only: str = "") -> Iterator[Case]:
    """Yield the cases of all kinds whose name holds `only`."""
    kinds: dict[str, Callable[[], Iterator[Case]]] = {
        "still bombs and lies": stills,
        "container lies": container_lies,
        "files that name files": lambda: naming_files(port),
        "names that are no files": lambda: no_files(port),
        "weights": lambda: weights(canary),
        "code without --trust": lambda: code(canary),
        "presets": texts,
        "options": options,
        "batches": batches,
        "job folders": job_folders,
    }
    for kind, make in kinds.items():
        if only in kind:
            yield from make()
