"""Options for workers, and the workers that are opened by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from dreamvid.cli.options import MACHINE, option

if TYPE_CHECKING:
    from dreamvid.jobs.workers import Worker, Workers


@dataclass
class Crew:
    """The options of commands whose films may be rendered by workers."""

    workers: Annotated[
        int | None,
        option(
            "--workers",
            help="Render N shots or segments (parallel.segment) at once, of a batch also of several films, in "
            "processes of one thread each unless --threads says otherwise; default: in this process; with --ray: as "
            "many as it has processors.",
            panel=MACHINE,
            metavar="N",
            min=1,
            max=1024,
        ),
    ] = None
    devices: Annotated[
        str | None,
        option(
            "--devices",
            help="A worker on each of these, such as cuda:0,cuda:1; default: --device.",
            panel=MACHINE,
            metavar="A,B",
        ),
    ] = None
    ray: Annotated[
        str | None,
        option(
            "--ray",
            help="Have a Ray cluster render: HOST:PORT, or auto for that of this machine; default: none.",
            panel=MACHINE,
            metavar="ADDRESS",
        ),
    ] = None
    gpus: Annotated[
        float | None,
        option("--gpus", help="With --ray: GPUs of a worker, also a share of one; default: 0.", panel=MACHINE, min=0),
    ] = None
    allow_mixed: Annotated[
        bool,
        option("--allow-mixed", help="With --ray: take nodes that give other pixels, too.", panel=MACHINE),
    ] = False

    @property
    def wanted(self) -> bool:
        """Return whether workers are asked for."""
        return self.workers is not None or self.devices is not None or self.ray is not None

    @contextmanager
    def opened(self, *, trust: bool) -> Iterator["Workers | None"]:
        """Open the workers that are asked for, None where none are; they end with the context.

        Raises SettingsError for options that do not go together and for a device that is none, JobError where no
        cluster answers.
        """
        if not self.wanted:
            yield None
            return
        from dreamvid.jobs.workers import Workers

        with Workers(self._local(trust=trust) if self.ray is None else self._of_ray(trust=trust)) as workers:
            yield workers

    def _local(self, *, trust: bool) -> "list[Worker]":
        from dreamvid.config.serialize import read_settings
        from dreamvid.core.errors import SettingsError
        from dreamvid.jobs.local_worker import LocalWorker
        from dreamvid.models.device import find_device

        if self.gpus is not None or self.allow_mixed:
            raise SettingsError("--gpus and --allow-mixed are for --ray: give that, or leave them out")
        names = [] if self.devices is None else [name.strip() for name in self.devices.split(",")]
        for name in names:
            find_device(read_settings({"compute": {"device": name}}, "--devices").compute.device)
        each = [names[number % len(names)] if names else None for number in range(self.workers or len(names))]
        return [LocalWorker(device, trust=trust) for device in each]

    def _of_ray(self, *, trust: bool) -> "list[Worker]":
        from dreamvid.core.errors import SettingsError
        from dreamvid.jobs.ray_worker import RayWorker, connect

        if self.devices is not None:
            raise SettingsError("--devices are those of this machine: with --ray, give --gpus")
        processors = connect(str(self.ray))
        count = processors if self.workers is None else self.workers
        return [RayWorker(gpus=self.gpus or 0.0, trust=trust, mixed=self.allow_mixed) for _ in range(count)]
