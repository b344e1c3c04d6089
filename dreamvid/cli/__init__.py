"""The command line: parses options, shows progress, maps errors to exit codes; nothing here affects pixels."""

import os
import signal
import sys

from dreamvid.core import ctrl_c

# All other modules are imported in functions, after Ctrl-C has its answer.

EXIT_CODES = {
    "SettingsError": 2,
    "SourceError": 3,
    "ToolError": 4,
    "NetError": 5,
    "JobError": 6,
}
COMPLETE = "_DREAMVID_COMPLETE"  # the environment variable by which a shell requests completions
BATCH_INCOMPLETE, REPAIRED, INTERRUPTED = 7, 8, ctrl_c.INTERRUPTED


def main() -> None:
    """Run `dreamvid` and end the process with its documented exit code."""
    ctrl_c.answer()
    from dreamvid.core import memory

    # OpenMP's threads spin while they wait. Next to any other busy process that makes a dream several times slower; but
    # where they sleep at once, waking them takes longer than the next of many short waits. So they spin for a moment.
    # Both must be set before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    memory.guard("torch")
    if sys.stderr is None:  # closed by the parent process: messages are dropped, everything else works
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # where `run` did not see it: before its first line, or after its last
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors other than DreamvidError are bugs and are not caught."""
    import errno
    import logging
    from typing import Any

    import typer
    from typer.main import get_command

    from dreamvid.cli.app import app
    from dreamvid.core import memory
    from dreamvid.core.errors import DreamvidError

    usage_error: Any = typer.BadParameter.__mro__[1]  # click's, or that of the copy of click in newer versions of typer
    command = get_command(app)
    if COMPLETE in os.environ:  # a shell requests completions
        command.main(prog_name="dreamvid", complete_var=COMPLETE)  # ends the process
    try:
        # Not by command.main, which would drop the message of a KeyboardInterrupt.
        with command.make_context("dreamvid", list(arguments)) as context:
            command.invoke(context)
        return 0
    except typer.Exit as stop:
        return stop.exit_code
    except usage_error as error:
        if message := error.format_message():  # empty if the help has been shown
            dashed = next((word for word in arguments if word.startswith("-") and os.path.exists(word)), None)  # noqa: PTH110
            _say(message if dashed is None else f"{message}; the file is given as ./{dashed}")
        return EXIT_CODES["SettingsError"]
    except DreamvidError as error:
        for line in error.lines:
            _say(line)
        return next(EXIT_CODES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in EXIT_CODES)
    except KeyboardInterrupt as stop:
        _say(str(stop) or "stopped; the same command resumes from what is finished")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        return 0
    except Exception as error:
        if memory.ran_out(error):
            _say(memory.ADVICE)
            return EXIT_CODES["ToolError"]
        # A full disk not handled elsewhere: of temporary files, or of redirected output.
        if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" with {error.filename}" if error.filename else ""
        _say(f"the disk{where} is full: free some space, and run the same command again to resume")
        return EXIT_CODES["JobError"]
    finally:
        log = logging.getLogger("dreamvid")  # a program that calls this function may configure the log itself
        for handler in log.handlers:
            handler.close()
        log.handlers.clear()
        log.setLevel(logging.NOTSET)


def _say(message: str) -> None:
    import logging

    from dreamvid.core.errors import one_line

    said = one_line(message)
    print("dreamvid:", said, file=sys.stderr)
    for handler in logging.getLogger("dreamvid").handlers:
        if isinstance(handler, logging.FileHandler):  # --log-file
            record = {"name": "dreamvid", "levelname": "ERROR", "levelno": logging.ERROR, "msg": said}
            handler.handle(logging.makeLogRecord(record))
