"""The command `dreamvid papers`, which reproduces figures of papers on one page."""

import json
import logging
from pathlib import Path
from typing import Annotated

from dreamvid.cli.options import LOOK, RUN, Device, Json, Quiet, Threads, option
from dreamvid.cli.progress import bar, show_notices

PAPERS = ("dreamvid papers --list", "dreamvid papers --only b-2.5", "dreamvid papers --out page --also googlenet")


def papers(
    out: Annotated[Path, option("--out", help="Folder for the page; default: papers here.", panel=RUN)] = Path(
        "papers"
    ),
    only: Annotated[
        list[str] | None,
        option("--only", help="A figure, or all that begin so: b-2.5; default: all. Repeatable.", panel=LOOK),
    ] = None,
    also: Annotated[
        list[str] | None,
        option(
            "--also", help="A further net, NAME or NAME=WEIGHTS; default: none. Repeatable.", metavar="NET", panel=LOOK
        ),
    ] = None,
    photos: Annotated[
        Path | None, option("--photos", help="Folder of photographs; default: three that come along.", panel=LOOK)
    ] = None,
    minutes: Annotated[
        float, option("--minutes", help="Wall clock for each net that a figure trains; default: 2.", panel=LOOK)
    ] = 2.0,
    device: Device = None,
    threads: Threads = None,
    list_: Annotated[bool, option("--list", help="Only list the figures.", panel=RUN)] = False,
    quiet: Quiet = False,
    json_: Json = False,
) -> None:
    """Repeat the experiments of five DeepDream texts and write a page of claims, pictures and measured numbers.

    Nets: dreamnet, those of SqueezeNet, VGG16 and ResNet-50 whose weights are on this machine, and one of random
    weights as control. A figure that the folder already holds is not made again.
    """
    from dreamvid.research.features import finding
    from dreamvid.research.papers import gallery

    wanted = gallery.choose(only or ())
    if list_:
        for entry in wanted:
            print(f"{entry.id:22} {entry.title}")
        return
    show_notices(quiet=quiet)
    finding.require("matplotlib", "sklearn")
    nets = dict(gallery.at_hand())
    nets.update((name, weights or None) for name, _, weights in (net.partition("=") for net in also or ()))
    machine = {"compute.device": device, "compute.threads": threads}
    settings = {key: value for key, value in machine.items() if value is not None}
    page = gallery.Page(tuple(nets.items()), gallery.photographs(photos), minutes, settings)
    with bar(quiet=quiet) as progress:
        found = gallery.make(page, wanted, out, progress)
    verdicts = {entry.id: gallery.verdict(entry, found[entry.id]) for entry in wanted if entry.id in found}
    if not quiet:
        for id_, said in verdicts.items():
            logging.getLogger("dreamvid").info("%s: %s", id_, said)
        logging.getLogger("dreamvid").info("%s", out / "index.html")
    if json_:
        print(json.dumps({"output": str(out / "index.html"), "verdicts": verdicts}))
