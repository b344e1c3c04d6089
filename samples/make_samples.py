"""Make clip.mp4 from the photographs that lie beside this file.

    python samples/make_samples.py [OUTPUT]

Two scenes of 1.5 s with a hard cut between them: a cat who leans in before her room, and a flying saucer (cup
included) that crosses a launch pad at dusk. Each scene is a stack of layers cut from photographs; every layer has a
depth of its own, so near things move faster and cover and uncover what lies behind. The sound is synthesised.
Nothing is random: the same versions of OpenCV and ffmpeg give the same bytes. It needs only what dreamvid itself needs.
"""

import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np

HERE = Path(__file__).resolve().parent
ROWS, COLS = 216, 384
FPS, FRAMES, CUT = 20, 60, 30
OVERSAMPLE = 2  # scenes are composed at twice the size, then averaged down: smooth edges, smooth motion
RATE = 48_000

Points = list[tuple[int, int]]  # (row, col)


@dataclass(frozen=True)
class Layer:
    """A cut-out: colours already multiplied by their coverage, so that edges blend without a fringe."""

    colour: np.ndarray
    cover: np.ndarray

    @classmethod
    def cut(cls, photo: np.ndarray, cover: np.ndarray) -> "Layer":
        return cls(photo * cover[..., None], cover)

    def onto(
        self, canvas: np.ndarray, *, pivot: tuple[float, float], at: tuple[float, float], scale: float, turn: float = 0
    ) -> np.ndarray:
        """Place the layer so that its point `pivot` lies at the frame's point `at`; `turn` in degrees."""
        matrix = cv2.getRotationMatrix2D((pivot[1], pivot[0]), turn, scale * OVERSAMPLE)
        centre = (OVERSAMPLE - 1) / 2  # of the first pixel, in the finer grid
        matrix[0, 2] += at[1] * OVERSAMPLE + centre - pivot[1]
        matrix[1, 2] += at[0] * OVERSAMPLE + centre - pivot[0]
        size = (canvas.shape[1], canvas.shape[0])
        colour = cv2.warpAffine(self.colour, matrix, size, flags=cv2.INTER_LINEAR)
        cover = cv2.warpAffine(self.cover, matrix, size, flags=cv2.INTER_LINEAR)
        return canvas * (1 - cover[..., None]) + colour


def photograph(name: str) -> np.ndarray:
    photo = cv2.imread(str(HERE / name), cv2.IMREAD_COLOR)
    if photo is None:
        sys.exit(f"{HERE / name} is missing")
    return photo.astype(np.float32) / 255


def filled(shape: tuple[int, int], points: Points) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.array([(col, row) for row, col in points], np.int32)], 1)
    return mask


def ellipse(shape: tuple[int, int], centre: tuple[int, int], rows: int, cols: int) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.ellipse(mask, ((centre[1], centre[0]), (cols, rows), 0), 1, -1)
    return mask


def softened(mask: np.ndarray, soft: float) -> np.ndarray:
    """Blur, then keep the upper part of the slope: a soft edge inside the thing, with no rim of what lay behind it."""
    return np.clip(2 * cv2.GaussianBlur(mask.astype(np.float32), (0, 0), soft) - 0.9, 0, 1)


def grab(photo: np.ndarray, surely: np.ndarray, maybe: np.ndarray, never: np.ndarray, soft: float) -> np.ndarray:
    """Cut a thing out by its colours: between what it surely is and what it never is, GrabCut decides."""
    labels = np.where(maybe > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[surely > 0] = cv2.GC_FGD
    labels[never > 0] = cv2.GC_BGD
    cv2.setRNGSeed(1)
    pixels = np.round(photo * 255).astype(np.uint8)
    cv2.grabCut(pixels, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    return softened(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)), soft)


def without(photo: np.ndarray, hole: np.ndarray, sigmas: list[tuple[float, float]], feather: float) -> np.ndarray:
    """Fill `hole` with the weighted mean of what surrounds it, from the widest (row, col) reach to the narrowest."""
    known = 1 - hole.astype(np.float32)
    fill = photo
    for step, (rows, cols) in enumerate(sigmas):
        weight = cv2.GaussianBlur(known, (0, 0), cols, sigmaY=rows)[..., None]
        mean = cv2.GaussianBlur(photo * known[..., None], (0, 0), cols, sigmaY=rows) / np.maximum(weight, 1e-6)
        trust = np.clip(weight * 4, 0, 1) if step else 1
        fill = mean * trust + fill * (1 - trust)
    edge = cv2.GaussianBlur(cv2.dilate(hole, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), feather)
    edge = np.maximum(edge, hole)[..., None]
    return photo * (1 - edge) + fill * edge


def cat_scene() -> Callable[[float], np.ndarray]:
    photo = photograph("chelsea.jpg")
    shape = photo.shape[:2]
    surely = filled(shape, [(5, 60), (5, 330), (60, 350), (170, 340), (235, 300), (298, 320), (298, 20), (150, 25)])
    maybe = filled(
        shape,
        [(0, 40), (0, 390), (30, 395), (75, 370), (188, 368), (230, 330), (300, 385), (300, 0), (130, 0), (110, 30)],
    )
    never = np.zeros(shape, np.uint8)
    never[:, 410:] = 1
    never[:95, :25] = 1
    cover = grab(photo, surely, maybe, never, 2.0)
    cat = Layer.cut(photo, cover)
    hole = cv2.dilate((cover > 0).astype(np.uint8), np.ones((15, 15), np.uint8))
    room = cv2.GaussianBlur(without(photo, hole, [(64, 64), (32, 32), (16, 16), (8, 8)], 6), (0, 0), 1.5)
    room = cv2.copyMakeBorder(room, 100, 100, 200, 200, cv2.BORDER_REFLECT_101)
    behind = Layer.cut(room, np.ones(room.shape[:2], np.float32))

    def frame(time: float) -> np.ndarray:
        canvas = np.zeros((ROWS * OVERSAMPLE, COLS * OVERSAMPLE, 3), np.float32)
        canvas = behind.onto(canvas, pivot=(250, 425), at=(108, 200 - 18 * time), scale=1.0)
        return cat.onto(canvas, pivot=(150, 0), at=(112 + 4 * time, -44 + 40 * time), scale=0.80 + 0.04 * time)

    return frame


def launch_scene() -> Callable[[float], np.ndarray]:
    photo = photograph("rocket.jpg") ** 0.8  # a little more light
    shape = photo.shape[:2]
    near_left = filled(shape, [(0, 20), (0, 122), (330, 108), (427, 100), (427, 0), (230, 0)])
    near_right = filled(shape, [(0, 522), (0, 625), (220, 640), (427, 640), (427, 540)])
    far_left = filled(shape, [(110, 180), (110, 222), (330, 222), (427, 232), (427, 98), (330, 120), (190, 165)])
    far_right = filled(shape, [(110, 425), (110, 465), (330, 495), (427, 505), (427, 400), (330, 412)])
    rocket = filled(shape, [(110, 290), (110, 352), (330, 392), (427, 392), (427, 245), (330, 270)])
    things = [far_left, far_right, rocket, near_left, near_right]
    sky = without(photo, np.maximum.reduce(things), [(2, 60)], 3)
    sky = cv2.copyMakeBorder(sky, 0, 0, 100, 100, cv2.BORDER_REFLECT_101)
    behind = Layer.cut(sky, np.ones(sky.shape[:2], np.float32))
    # The sky around a thing goes with it: it is the same smooth sky, so a wide feather hides the border.
    feathers = [5, 5, 5, 9, 9]
    layers = [
        Layer.cut(photo, cv2.GaussianBlur(thing.astype(np.float32), (0, 0), feather, borderType=cv2.BORDER_REPLICATE))
        for thing, feather in zip(things, feathers, strict=True)
    ]
    speeds = [20, 20, 28, 48, 48]  # columns per scene, rising with nearness

    coffee = photograph("coffee.jpg")
    shape = coffee.shape[:2]
    china = ellipse(shape, (228, 279), 316, 400) | ellipse(shape, (112, 290), 189, 234)  # the saucer, the cup's rim
    spoon = filled(shape, [(110, 398), (64, 404), (65, 416), (72, 425), (110, 410)])
    saucer = Layer.cut(coffee, softened(china | spoon, 1.5))

    def frame(time: float) -> np.ndarray:
        canvas = np.zeros((ROWS * OVERSAMPLE, COLS * OVERSAMPLE, 3), np.float32)
        scale = 0.67 + 0.015 * time
        canvas = behind.onto(canvas, pivot=(427, 420), at=(222, 190 + 8 * time), scale=scale)
        for layer, speed in zip(layers, speeds, strict=True):
            canvas = layer.onto(canvas, pivot=(427, 320), at=(222, 194.5 + speed * (time - 0.5)), scale=scale)
        bob = 6 * np.sin(2 * np.pi * time)
        return saucer.onto(
            canvas, pivot=(205, 279), at=(120 - bob, 82 + 112 * time), scale=0.23 + 0.05 * time, turn=10 - 20 * time
        )

    return frame


def frames() -> np.ndarray:
    """All frames as (frame, row, col, BGR) in 8 bits."""
    film = []
    for scene, first, last in ((cat_scene(), 0, CUT), (launch_scene(), CUT, FRAMES)):
        for index in range(first, last):
            large = scene((index - first) / (last - first))
            small = cv2.resize(large, (COLS, ROWS), interpolation=cv2.INTER_AREA)
            film.append(np.round(np.clip(small, 0, 1) * 255).astype(np.uint8))
    return np.stack(film)


def sound() -> np.ndarray:
    """A soft chord and a few bells for the cat, a lower chord and a humming saucer for the launch, in stereo."""
    time = np.arange(RATE * FRAMES // FPS) / RATE
    cut, end = CUT / FPS, FRAMES / FPS
    mix = np.zeros((len(time), 2))

    def add(tone: np.ndarray, pan: np.ndarray | float) -> None:
        mix[:, 0] += tone * np.sqrt(1 - np.asarray(pan))
        mix[:, 1] += tone * np.sqrt(np.asarray(pan))

    for start, stop, chord in ((0.0, cut, (57, 60, 64, 67)), (cut, end, (50, 57, 60, 65))):
        swell = np.clip((time - start) / 0.15, 0, 1) * np.clip((stop + 0.2 - time) / 0.3, 0, 1)
        for voice, note in enumerate(chord):
            for cents in (-5, 4):
                pitch = 440 * 2 ** ((note - 69 + cents / 100) / 12)
                tone = sum(np.sin(2 * np.pi * pitch * part * time) / part**2 for part in (1, 2, 3))
                add(0.05 * swell * tone, 0.2 + 0.2 * voice)
    for bell, note in enumerate((76, 72, 79, 81)):
        age = np.maximum(time - 0.15 - 0.32 * bell, 0)
        pitch = 440 * 2 ** ((note - 69) / 12)
        tone = np.sin(2 * np.pi * pitch * age + np.sin(2 * np.pi * 2 * pitch * age) * np.exp(-9 * age))
        add(0.11 * tone * np.exp(-5 * age), 0.3 + 0.13 * bell)
    flight = np.clip((time - cut) / (end - cut), 0, 1)
    pitches = 520 * 2 ** (np.sin(np.pi * flight) * 0.6 + 0.02 * np.sin(2 * np.pi * 6 * time))
    hum = np.sin(2 * np.pi * np.cumsum(pitches) / RATE) * np.sin(np.pi * flight)
    add(0.09 * hum, 0.2 + 0.6 * flight)
    mix *= np.clip((end - time) / 0.2, 0, 1)[:, None]
    return np.round(mix / np.abs(mix).max() * 0.7 * 32767).astype("<i2")


def encode(film: np.ndarray, samples: np.ndarray, output: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        track = Path(folder) / "sound.wav"
        with wave.open(str(track), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.tobytes())
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{COLS}x{ROWS}", "-r", str(FPS), "-i", "-"]
        command += ["-i", str(track), "-map", "0:v", "-map", "1:a"]
        command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"]
        command += ["-c:v", "libx264", "-preset", "slow", "-crf", "18", "-threads", "1"]
        command += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
        command += ["-c:a", "aac", "-b:a", "128k", "-map_metadata", "-1", "-fflags", "+bitexact"]
        command += ["-flags:v", "+bitexact", "-flags:a", "+bitexact", "-movflags", "+faststart", str(output)]
        subprocess.run(command, input=film.tobytes(), check=True)


def main() -> None:
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "clip.mp4"
    encode(frames(), sound(), output)
    print(f"{output}: {FRAMES} frames of {COLS}x{ROWS} at {FPS} fps, {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
