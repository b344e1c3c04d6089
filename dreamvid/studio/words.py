"""The words of the page, in place of those of the command line: in messages, and in what is said of looks."""

import re

from dreamvid.core.errors import one_line
from dreamvid.studio.controls import BY_KEY

SAID = {
    "give --class NAME, and noise:pink as the source": "choose a thing under Motifs",
    " (give --audio)": "",
    ": give --set audio.bpm=BPM": "",
    "--seconds": "seconds",
    "--size": "size",
    "--from": "start",
    "--to": "end",
    "--frames": "range",
}
WORDS = SAID | {key: control.label for key, control in BY_KEY.items()}
OLD = re.compile("|".join(rf"(?<![\w.-]){re.escape(word)}(?![\w-]|\.\w)" for word in WORDS))


def on_page(text: object) -> str:
    """Return an error or a text in a line, in the words of the page."""
    return OLD.sub(lambda found: WORDS[found[0]], one_line(str(text)).removeprefix("settings: "))
