"""The exit code of `.ci/run`, in a small checkout whose tools are stubs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / ".ci" / "run"
README = "<!-- test command -->\n```bash\ntrue && {test}\n```\n"

# Makes no virtual environment, and is every version asked for.
PYTHON = """case "$*" in "-m venv"*) mkdir -p "$3" ;; *sys.executable*) echo "$0" ;; esac"""

pytestmark = pytest.mark.skipif(not RUN.is_file(), reason="an installed package has no .ci")


def _stub(path: Path, body: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("test", "other_python", "lint", "types", "code"),
    [
        ("true", "true", "true", "true", 0),
        ("false", "true", "true", "true", 1),
        ("true", "false", "true", "true", 1),
        ("true", "sleep 1; exit 1", "true", "true", 1),
        ("true", "sleep 1", "true", "true", 0),
        ("true", "true", "false", "true", 1),
        ("true", "true", "true", "false", 1),
    ],
)
def test_the_exit_code_is_zero_when_every_check_passed(tmp_path, test, other_python, lint, types, code):
    """Whether the other Pythons are done before the suite or after it."""
    shutil.copytree(RUN.parent, tmp_path / ".ci")
    (tmp_path / "README.md").write_text(README.format(test=test))
    (tmp_path / "pyproject.toml").write_text('requires-python = ">=3.11"\n')
    _stub(tmp_path / ".ci" / "check_python", other_python)
    for tool, body in (("python3", PYTHON), ("ruff", lint), ("mypy", types), ("pytest", "true")):
        _stub(tmp_path / "bin" / tool, body)

    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        [tmp_path / ".ci" / "run"], env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert ("all passed" in done.stdout) == (code == 0)
