"""Draw flights.jpg: a lap of each of the flights, from left to right.

python samples/make_flights.py [FOLDER]
"""

import sys
import tempfile
import wave
from pathlib import Path

import cv2
import numpy as np

import dreamvid
from dreamvid.config import presets

HERE = Path(__file__).resolve().parent
ACROSS, WIDTH = 6, 200
STILLS = {"flights/drift": "rocket.jpg", "flights/pulse": "coffee.jpg"}


def beats(file: Path, seconds: float) -> Path:
    """A drum twice a second, as a WAV file."""
    rate = 22050
    time = np.arange(round(rate * seconds)) / rate % 0.5
    drum = np.exp(-12 * time) * np.sin(2 * np.pi * 70 * time)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes((20000 * drum).astype("<i2").tobytes())
    return file


def frames(name: str, folder: Path) -> list[np.ndarray]:
    """Some frames of the film that a flight makes, evenly spread."""
    file, still = folder / f"{Path(name).name}.mkv", HERE / STILLS.get(name, "chelsea.jpg")
    changes = [("input.size", "320x180"), ("input.fps", "12"), ("output.codec", "ffv1")]
    if name == "flights/pulse":
        changes += [("audio.file", str(beats(folder / "beats.wav", 5))), ("input.seconds", 5)]
    dreamvid.dream_zoom(str(still), file, dreamvid.resolve(name, changes))
    reader, found = cv2.VideoCapture(str(file)), []
    while (read := reader.read())[0]:
        found.append(read[1])
    return [found[at] for at in np.linspace(0, len(found) - 1, ACROSS).astype(int)]


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    size = WIDTH, WIDTH * 9 // 16
    names = [f"flights/{name}" for name in ("plunge", "helix", "tunnel", "breathe", "drift", "pulse")]
    assert sorted(names) == presets.names(presets.FLIGHTS)
    with tempfile.TemporaryDirectory() as name:
        rows = [
            np.hstack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames(flight, Path(name))])
            for flight in names
        ]
    cv2.imwrite(str(out / "flights.jpg"), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
