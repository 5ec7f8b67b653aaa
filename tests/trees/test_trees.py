"""The trees' scripts: mistakes told in a line, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

TREES = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mien" / "trees"


def run(script: str, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([TREES / script, *arguments], input=text, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """An amd64 tree, where one lies in the cache: making one takes minutes."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None or not list(CACHE.glob("debian-12-amd64-*.tar")):
        pytest.skip("needs root, debootstrap and a cached tree: sudo tests/trees/make amd64 FOLDER")
    folder = Path(tempfile.mkdtemp(prefix="mien-tree-"))
    try:
        made = run("make", "amd64", folder)
        assert made.returncode == 0, made.stderr
        yield folder
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)


@pytest.mark.parametrize("script", ["make", "enter", "arm64"])
def test_each_script_says_how_it_is_used(script: str) -> None:
    assert run(script, "--help").stdout.startswith(f"Usage: {script} ")


@pytest.mark.parametrize("script", ["make", "enter", "arm64"])
def test_the_scripts_are_clean(script: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck: apt-get install shellcheck")
    assert subprocess.run(["shellcheck", TREES / script], capture_output=True, text=True, check=False).stdout == ""


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("make", ["riscv64", "tree"], "no architecture riscv64: amd64 or arm64"),
        ("make", ["amd64"], "takes ARCH and FOLDER"),
        ("make", ["--quick", "amd64", "tree"], "no option --quick"),
        ("enter", ["nowhere", "true"], "no tree in nowhere: make one with tests/trees/make"),
        ("enter", ["/", "true"], "/ is this machine itself"),
        ("enter", ["--bind", "/nothing:/there", "tree", "true"], "no /nothing here"),
    ],
)
def test_a_mistake_is_told_in_a_line(script: str, arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(script, *arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("needs root and debootstrap, which are asked for first")
    (tmp_path / "letters").write_text("dear")
    done = run("make", "amd64", tmp_path)
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (2, ["letters"])
    assert "is not empty" in done.stderr


def test_what_runs_in_a_tree_has_its_input_output_and_status(tree: Path) -> None:
    done = run("enter", tree, "sh", "-c", "cat; cat /etc/debian_version >&2; exit 7", text="hello")
    assert (done.returncode, done.stdout, done.stderr[:3]) == (7, "hello", "12.")


def test_offline_there_is_a_loopback_and_nothing_else(tree: Path) -> None:
    code = "import socket; socket.create_server(('127.0.0.1', 0)); print(socket.if_nameindex())"
    assert run("enter", "--offline", tree, "python3", "-c", code).stdout == "[(1, 'lo')]\n"


@pytest.mark.parametrize("signalled", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_kill_leaves_no_process_and_no_mount(tree: Path, signalled: signal.Signals) -> None:
    # A time of sleep that nobody else sleeps.
    entered = subprocess.Popen([TREES / "enter", tree, "sleep", f"{signalled}1234.5"])
    asleep = ["pgrep", "-fx", f"sleep {signalled}1234.5"]
    while subprocess.run(asleep, capture_output=True, check=False).returncode:
        time.sleep(0.05)
    entered.send_signal(signalled)
    entered.wait(10)
    while not subprocess.run(asleep, capture_output=True, check=False).returncode:
        time.sleep(0.05)
    assert str(tree) not in Path("/proc/self/mounts").read_text()
