"""The command: one line says where the page is, Ctrl-C ends it, and what is wrong is said in a line."""

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from dreamvid import cli
from dreamvid.studio.run import bound

Capture = pytest.CaptureFixture[str]


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from dreamvid import cli; sys.exit(cli.run(['studio', '.']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "dreamvid: the studio needs starlette and uvicorn: run `pip install 'dreamvid[studio]'`\n"


def test_it_says_where_the_page_is_and_ends_with_ctrl_c(folder: Path) -> None:
    (folder / "own.toml").write_text('preset = "calm"')
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += (
        "sys.argv = ['dreamvid', 'studio', '--no-open', '--config', 'own.toml']; from dreamvid.cli import main; main()"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with started:
        assert started.stdout is not None and started.stderr is not None
        address = started.stdout.readline().strip()
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert b"<title>dreamvid studio</title>" in answer.read() and answer.url.startswith(f"{address}s/")
            events = urllib.request.urlopen(f"{answer.url}events", timeout=20)
        assert b'"preset":"calm"' in events.readline() + events.readline()
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=30) == 0  # although a page is open
        events.close()
        assert started.stdout.read() == "" and started.stderr.read() == ""  # the token is in no log


def test_a_port_that_is_taken_is_said(tmp_path: Path, capfd: Capture) -> None:
    taken = bound(0)
    port = taken.getsockname()[1]
    assert cli.run(["studio", str(tmp_path), "--port", str(port), "--no-open"]) == 2
    assert f"--port {port}: " in capfd.readouterr().err
    taken.close()


def test_a_folder_that_is_none_is_said(tmp_path: Path, capfd: Capture) -> None:
    assert cli.run(["studio", str(tmp_path / "away"), "--no-open"]) == 2
    assert "away is no folder: name the folder that your clips are in" in capfd.readouterr().err
