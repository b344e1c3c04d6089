"""Options for workers, and what is opened by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from dreamvid.cli.options import MACHINE, option

if TYPE_CHECKING:
    from dreamvid.jobs.workers import Workers

Count = Annotated[
    int | None,
    option(
        "--workers",
        help="Render shots and segments (parallel.segment) in so many processes at once, of one thread each unless "
        "--threads says otherwise; default: in this one.",
        panel=MACHINE,
        metavar="N",
        min=1,
        max=256,
    ),
]
Devices = Annotated[
    str | None,
    option(
        "--devices", help="A worker on each of these: cuda:0,cuda:1; default: --device.", panel=MACHINE, metavar="A,B"
    ),
]


@contextmanager
def opened(count: int | None, devices: str | None, *, trust: bool) -> Iterator["Workers | None"]:
    """Open the workers that are asked for, None where none are; they end with the context.

    Raises SettingsError for a device that is none.
    """
    if count is None and devices is None:
        yield None
        return
    from dreamvid.config.serialize import read_settings
    from dreamvid.jobs.local_worker import LocalWorker
    from dreamvid.jobs.workers import Workers
    from dreamvid.models.device import find_device

    names = [] if devices is None else [name.strip() for name in devices.split(",")]
    for name in names:
        find_device(read_settings({"compute": {"device": name}}, "--devices").compute.device)
    each = [names[number % len(names)] if names else None for number in range(count or len(names))]
    with Workers([LocalWorker(device, trust=trust) for device in each]) as workers:
        yield workers
