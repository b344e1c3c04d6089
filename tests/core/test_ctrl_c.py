"""Ctrl-C at the moments at which Python itself prints a traceback, or loses it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
PRESS = "import os, signal, sys, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
SAID = "dreamvid: stopped at once; the same command resumes from what is finished\n"
ENDS = {
    "while a module is imported": "import pressed",
    "while an object is removed": "class A:\n    def __del__(self):\n        exec(PRESS)\nA()\ntime.sleep(9)",
    "twice": "try:\n    exec(PRESS)\nexcept KeyboardInterrupt:\n    exec(PRESS)",
    "in what is done at last": "try:\n    exec(PRESS)\nfinally:\n    exec(PRESS)",
}


def ran(code: str, folder: Path) -> tuple[int, str, str]:
    """Run code that has Ctrl-C answered; return its exit code and what it wrote."""
    (folder / "pressed.py").write_text(PRESS)
    head = f"import time\nfrom dreamvid.core import ctrl_c\nctrl_c.answer()\nPRESS = {PRESS!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", head + code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # the tests may run in the background
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("moment", ENDS)
def test_it_ends_the_process_where_it_would_not_get_through(moment: str, tmp_path: Path) -> None:
    began = time.monotonic()
    assert ran(ENDS[moment], tmp_path) == (130, "", SAID)
    assert time.monotonic() - began < 8


def test_once_is_an_exception(tmp_path: Path) -> None:
    code = "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(9)\n"
    code += "except KeyboardInterrupt:\n    print('caught')"
    assert ran(code, tmp_path) == (0, "caught\n", "")


def test_a_command_in_the_background_is_left_alone(tmp_path: Path) -> None:
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nctrl_c.answer()\n"
    code += "signal.raise_signal(signal.SIGINT)\nprint('on')"
    assert ran(code, tmp_path) == (0, "on\n", "")


def test_other_errors_that_nobody_can_catch_are_still_printed(tmp_path: Path) -> None:
    code = "class A:\n    def __del__(self):\n        raise ValueError('mine')\na = A()\ndel a\n"
    code, out, err = ran(code, tmp_path)
    assert (code, out) == (0, "")
    assert "ValueError: mine" in err
