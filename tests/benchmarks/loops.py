"""How well loops close: every move, in both modes, at two sizes, with each net.

    python tests/benchmarks/loops.py [NET[=WEIGHTS] ...]

The figures: the step from the last frame to the first (mean absolute difference) over the larger of the two beside it,
bar 1.05; the camera's rate, measured by fitting a similarity to optical flow, over the rate that is set, at the steps
of a lap, the wrap among them, bar 0.9 to 1.1; and of the frames before they are encoded, how sharp the softest is, by
the mean size of the Laplacian, as a share of the sharpest, and their objective over the lap's mean: bars 0.75, and 0.75
to 1.25, in a world.
"""

import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

import dreamvid
from dreamvid.core.types import to_float
from dreamvid.dream import session
from dreamvid.dream.deepdream import score, to_tensor

STILL = str(Path(__file__).parents[2] / "samples" / "chelsea.jpg")
RATE, SECONDS = 12, 6
SIZES = ("256x144", "160x160")
MOVES = {
    "in": {"zoom": 1.5},
    "out": {"zoom": 0.67},
    "turn": {"zoom": 1.0, "rotate": 30},
    "pan": {"zoom": 1.0, "shift": (0.0, 0.4)},
    "spiral": {"zoom": 1.35, "rotate": 20},
}


def look(net: str, size: str, camera: dict[str, object]) -> dreamvid.Settings:
    """The settings of a lap."""
    name, _, weights = net.partition("=")
    changes = {"net.name": name, "net.weights": weights or None, "input.size": size, "input.fps": str(RATE)}
    changes |= {"input.seconds": SECONDS, "input.loop": True} | {f"camera.{key}": of for key, of in camera.items()}
    return dreamvid.resolve("dream", [(key, value) for key, value in changes.items() if value is not None])


def film(settings: dreamvid.Settings, file: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The frames of a lap as they are decoded, and as they were stored."""
    dreamvid.dream_zoom(STILL, file, settings, dreamvid.Options(keep_work=True))
    reader, decoded = cv2.VideoCapture(str(file)), []
    while (read := reader.read())[0]:
        decoded.append(read[1])
    stored = sorted(Path(f"{file}.dreamvid", "frames").iterdir())[-len(decoded) :]
    return decoded, [cv2.imread(str(one)) for one in stored]


def wrap(frames: list[np.ndarray]) -> float:
    """The step from the last frame to the first over the larger of its neighbours."""
    ends = [frames[index].astype(np.float32) for index in (-2, -1, 0, 1)]
    before, step, after = (float(np.abs(later - earlier).mean()) for earlier, later in pairwise(ends))
    return step / max(before, after)


def rates(frames: list[np.ndarray], camera: dict[str, object]) -> list[float]:
    """Measured over set rates of the camera at every sixth step and at the wrap."""
    height, width = frames[0].shape[:2]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    columns, rows = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    places = columns + 1j * rows
    inner = np.zeros((height, width), bool)
    inner[12:-12, 12:-12] = True
    inner &= np.abs(places) > 10
    found = []
    for index in (*range(0, len(frames), 6), len(frames) - 1):
        grey = [cv2.cvtColor(frames[at % len(frames)], cv2.COLOR_BGR2GRAY) for at in (index, index + 1)]
        moved = flow.calc(*grey, None)
        here, there = places[inner], (places + moved[..., 0] + 1j * moved[..., 1])[inner]
        for _ in range(6):  # what does not move with the rest is left out
            fit, *_ = np.linalg.lstsq(np.stack([here, np.ones_like(here)], 1), there, rcond=None)
            error = np.abs(np.stack([here, np.ones_like(here)], 1) @ fit - there)
            kept = error <= np.quantile(error, 0.7)
            here, there = here[kept], there[kept]
        way = np.log(fit[0]) * RATE
        if camera["zoom"] != 1:
            found.append(float(way.real / np.log(camera["zoom"])))
        elif camera.get("rotate"):
            found.append(float(-way.imag / np.radians(camera["rotate"])))
        else:
            found.append(float(-fit[1].real * RATE / height / camera["shift"][1]))
    return found


def strengths(frames: list[np.ndarray], settings: dreamvid.Settings) -> list[float]:
    """The objective of every sixth frame over their mean."""
    scorer = session.open_session(settings).scorer
    seen = [to_float(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)) for frame in frames[::6]]
    scores = np.array([score(scorer, to_tensor(one, scorer)) for one in seen])
    return list(scores / scores.mean())


def main() -> None:
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number, net in enumerate(sys.argv[1:] or ["dreamnet"]):
            for mode in ("world", "frames"):
                for size in SIZES:
                    for move, camera in MOVES.items():
                        file = Path(folder) / f"{number}-{mode}-{size}-{move}.mkv"
                        settings = look(net, size, {"mode": mode, **camera})
                        decoded, stored = film(settings, file)
                        ratio, found, strong = wrap(decoded), rates(decoded, camera), strengths(stored, settings)
                        sharp = [float(np.abs(cv2.Laplacian(frame, cv2.CV_32F)).mean()) for frame in stored]
                        worst = max(worst, ratio)
                        print(
                            f"{net.partition('=')[0]:14} {mode:6} {size:8} {move:6} wrap {ratio:.3f}, rate "
                            f"{min(found):.2f} to {max(found):.2f}, at the wrap {found[-1]:.2f}, softest "
                            f"{min(sharp) / max(sharp):.2f}, strength {min(strong):.2f} to {max(strong):.2f}",
                            flush=True,
                        )
    print(f"worst wrap {worst:.3f}")


if __name__ == "__main__":
    main()
