"""The command `dreamvid doctor`, which says what of an installation works."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from dreamvid.cli import EXIT_CODES

DOCTOR = ("dreamvid doctor", "dreamvid doctor --json > doctor.json")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, for scripts.")] = False,
) -> None:
    """Try every part that films need, and say what works: for a report of a fault. It names no path of yours."""
    from dreamvid.jobs import doctor as parts

    found = []
    for check in parts.examine():
        found.append(check)
        if not as_json:
            state = "ok" if check.works else "FAILS" if check.needed else "-"
            print(f"{state:6}{check.kind:8} {check.name:26} {check.words}".rstrip(), flush=True)
    if as_json:
        print(json.dumps({"checks": [asdict(check) for check in found]}))
    if any(check.needed and not check.works for check in found):
        raise typer.Exit(EXIT_CODES["ToolError"])
