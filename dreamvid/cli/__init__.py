"""The command line: parses, shows progress, turns errors into exit codes. No decision about pixels is made here."""

import errno
import logging
import os
import sys
from pathlib import Path
from typing import Any

EXIT_CODES = {
    "SettingsError": 2,
    "SourceError": 3,
    "ToolError": 4,
    "NetError": 5,
    "JobError": 6,
}
COMPLETE = "_DREAMVID_COMPLETE"  # the variable in which a shell's completion script asks
BATCH_INCOMPLETE, REPAIRED, INTERRUPTED = 7, 8, 130


def main() -> None:
    """Runs `dreamvid` and ends the process with its documented exit code."""
    # OpenMP's threads spin while they wait. Beside any other busy process that makes a dream several times slower, and
    # alone on the machine sleeping costs next to nothing. It must be said before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.stderr is None:  # closed by whoever started this: nothing can be said, and everything else can be done
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code; a bug stays a traceback."""
    import typer
    from typer.main import get_command

    from dreamvid.cli.app import app
    from dreamvid.core.errors import DreamvidError

    usage_error: Any = typer.BadParameter.__mro__[1]  # of click, or of the copy that newer versions of typer bring
    command = get_command(app)
    if COMPLETE in os.environ:  # a shell asks what it may complete a line with
        command.main(prog_name="dreamvid", complete_var=COMPLETE)  # ends the process
    try:
        # Not through the command's own main, which keeps what an interrupt has to say to itself.
        with command.make_context("dreamvid", list(arguments)) as context:
            command.invoke(context)
        return 0
    except typer.Exit as stop:
        return stop.exit_code
    except usage_error as error:
        if message := error.format_message():  # none where the help has been shown
            _say(message)
        return EXIT_CODES["SettingsError"]
    except DreamvidError as error:
        _say(str(error))
        return EXIT_CODES[type(error).__name__]
    except KeyboardInterrupt as stop:
        _say(str(stop) or "stopped; the same command resumes from what is finished")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        return 0
    except OSError as error:  # where no disk was expected to be full: of temporary files, or of what is printed to
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" with {error.filename}" if error.filename else ""
        _say(f"the disk{where} is full: make room, and run again to go on")
        return EXIT_CODES["JobError"]
    finally:
        log = logging.getLogger("dreamvid")  # a program that calls this has its own way to show what is said
        log.handlers.clear()
        log.setLevel(logging.NOTSET)


def _say(message: str) -> None:
    print("dreamvid:", " ".join(message.split()), file=sys.stderr)
