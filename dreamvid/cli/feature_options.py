"""Options that all commands of `dreamvid features` share, and the common code that runs them and writes results."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dreamvid.cli.options import RUN, Device, Json, Model, Quiet, Seed, Sets, Threads, Trust, Weights, option
from dreamvid.cli.progress import show_notices

if TYPE_CHECKING:
    from dreamvid.config.settings import Settings
    from dreamvid.research.features.feature_session import FeatureSession
    from dreamvid.research.features.finding import Finding

PLOTS, LEARNING = "matplotlib", "sklearn"  # libraries of the extra `features`

Side = Annotated[int, typer.Option("--side", help="Short side of the pictures, in pixels.", min=32, max=4096)]


@dataclass
class Shared:
    """The options of every command of `dreamvid features`, as typed."""

    out: Annotated[Path | None, option("--out", help="The picture to write; default: COMMAND.png here.", panel=RUN)] = (
        None
    )
    set: Sets = ()  # type: ignore[assignment]
    model: Model = None
    weights: Weights = None
    trust: Trust = False
    seed: Seed = None
    device: Device = None
    threads: Threads = None
    overwrite: Annotated[bool, option("--overwrite", help="Replace what is there.", panel=RUN)] = False
    quiet: Quiet = False
    json: Json = False

    def settings(self, look: Sequence[tuple[str, Any]]) -> "Settings":
        """Return the settings: the command's own (`look`), then --set, then other options; raise SettingsError."""
        from dreamvid.config.presets import parse_override, resolve

        keys = {
            "net.name": self.model,
            "net.weights": self.weights,
            "seed": self.seed,
            "compute.device": self.device,
            "compute.threads": self.threads,
        }
        given = [(key, value) for key, value in keys.items() if value is not None]
        return resolve(overrides=[*look, *map(parse_override, self.set), *given])


def make(
    shared: Shared,
    name: str,
    look: Sequence[tuple[str, Any]],
    work: Callable[["FeatureSession"], "Finding"],
    *,
    beside: Sequence[str] = (),
    needs: Sequence[str] = (),
    html: bool = False,
) -> None:
    """Check options and output, open the session, run `work`, write its files and report them.

    `look`: settings of the command; `beside`: suffixes of files written next to the main picture, as in
    `finding.check`; `needs`: packages that must be installed; `html`: allow a page as output.
    """
    from dreamvid.research.features import finding
    from dreamvid.research.features.feature_session import open_feature_session

    show_notices(quiet=shared.quiet)
    out = shared.out or Path(f"{name}.png")
    finding.require(*needs)
    finding.check(out, beside, overwrite=shared.overwrite, html=html)
    found = work(open_feature_session(shared.settings(look), trust=shared.trust))
    files = finding.write(found, out)
    if not shared.quiet:
        for line in found.words:
            logging.getLogger("dreamvid").info("%s", line)
        logging.getLogger("dreamvid").info("%s", ", ".join(map(str, files)))
    if shared.json:
        print(finding.to_json(found, files))


def parse_numbers(name: str, text: str, kind: type[int] | type[float], least: float = float("-inf")) -> list[float]:
    """Parse the numbers, separated by commas, of the option `name`; raise SettingsError if one is below `least`."""
    from dreamvid.core.errors import SettingsError

    try:
        numbers = [kind(part) for part in text.split(",")]
    except ValueError:
        raise SettingsError(f"{name} {text!r}: give numbers separated by commas, such as 1,2") from None
    if min(numbers) < least:
        raise SettingsError(f"{name} {text!r}: {min(numbers):g} is too small: give {least:g} or more")
    return numbers
