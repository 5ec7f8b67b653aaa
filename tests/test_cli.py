"""The command line: a user's mistakes are told in one line, with exit code 2; and it ends as it should."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.camera.streams import mjpeg, running, until


def mien(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    import os

    return subprocess.run(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
        check=False,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2 and a single line on stderr that holds all the words."""
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("mien: ")
    for word in words:
        assert word in done.stderr


def test_help_shows_the_first_steps() -> None:
    done = mien("--help")
    assert done.returncode == 0
    for step in ("mien models install", "mien demo", "mien run 0", "mien watch"):
        assert step in done.stdout


@pytest.mark.parametrize("command", ["run", "analyze"])
def test_a_missing_file(command: str, face_models: Path, tmp_path: Path) -> None:
    assert_one_line(mien(command, tmp_path / "gone.mp4"), "gone.mp4", "no such file")


@pytest.mark.parametrize("command", ["run", "analyze"])
@pytest.mark.parametrize("name", ["notes.mp4", "notes.txt"])
def test_a_text_file_is_no_video_whatever_its_name(command: str, name: str, face_models: Path, tmp_path: Path) -> None:
    clip = tmp_path / name
    clip.write_text("this is not a video\n" * 100)
    assert_one_line(mien(command, clip), name, "no video")


def test_a_camera_that_is_not_there(face_models: Path) -> None:
    assert_one_line(mien("run", "63"), "camera 63", "/dev/video")


def test_a_broker_that_is_not_there(face_models: Path, puppet_clip: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        url = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"
        assert_one_line(mien("run", puppet_clip, "--broker", url, "--outbox", tmp_path / "o.sqlite"), url[7:], "broker")
        assert_one_line(mien("watch", "--broker", url), url[7:], "broker")


def test_a_broker_url_with_a_typo(face_models: Path) -> None:
    assert_one_line(mien("run", "0", "--broker", "mqt://host"), "broker.url", "mqtt://")
    assert_one_line(mien("watch", "--broker", "host"), "mqtt://")


def test_a_truncated_model(face_models: Path, tmp_path: Path, puppet_clip: Path) -> None:
    broken = tmp_path / "models"
    shutil.copytree(face_models, broken)
    mesh = broken / "face_landmark.tflite"
    mesh.write_bytes(mesh.read_bytes()[:100_000])
    done = mien("analyze", puppet_clip, MIEN_MODELS=str(broken))
    assert_one_line(done, "face_landmark.tflite", "mien models install --force")


def test_no_models_yet(tmp_path: Path, puppet_clip: Path) -> None:
    assert_one_line(mien("analyze", puppet_clip, MIEN_MODELS=str(tmp_path)), "mien models install")


def test_a_configuration_with_an_unknown_key(tmp_path: Path) -> None:
    config = tmp_path / "mien.toml"
    config.write_text('[camera]\nsorce = "0"\n')
    assert_one_line(mien("run", "--config", config), "mien.toml", "camera.sorce", "unknown key")


def test_a_configuration_that_is_not_toml(tmp_path: Path) -> None:
    config = tmp_path / "mien.toml"
    config.write_text("camera: 0\n")
    assert_one_line(mien("run", "--config", config), "mien.toml", "not TOML")
    assert_one_line(mien("run", "--config", tmp_path / "none.toml"), "none.toml", "No such file")


def test_an_output_that_cannot_be_written(face_models: Path, tmp_path: Path, puppet_clip: Path) -> None:
    done = mien("analyze", "-q", puppet_clip, "--out", tmp_path / "no" / "events.jsonl")
    assert_one_line(done, "events.jsonl", "--out")


def test_a_device_id_that_is_no_topic_level() -> None:
    assert_one_line(mien("run", "0", "--device", "cab/7"), "device 'cab/7'", "A-Z a-z 0-9")


#: Wakes the camera's server, once the interpreter has begun to shut down: what hung in OpenCV comes back just then.
WAKES_LATE = """
import os, sys, time
import edge.cli

class Late:
    def __init__(self):
        self.tools = os.kill, time.sleep

    def __del__(self):
        kill, sleep = self.tools
        kill({server}, {number})
        sleep(1.0)

sys.late = Late()
sys.exit(edge.cli.main())
"""


def test_a_camera_that_hangs_does_not_make_the_end_a_crash(face_models: Path, tmp_path: Path) -> None:
    outbox = tmp_path / "outbox.sqlite"
    with running(mjpeg()) as stream:
        assert stream.process is not None
        code = WAKES_LATE.format(server=stream.process.pid, number=int(signal.SIGCONT))
        where = ("--broker", "mqtt://127.0.0.1:9", "--allow-offline", "--outbox", str(outbox))
        daemon = subprocess.Popen(
            [sys.executable, "-c", code, "run", stream.settings.source, *where], stderr=subprocess.PIPE, text=True
        )
        try:
            until(outbox.with_suffix(".status.json").exists, 60)
            stream.signal(signal.SIGSTOP)
            time.sleep(0.3)  # until the reading thread waits for the next picture
            began_s = time.monotonic()
            daemon.terminate()
            _, said = daemon.communicate(timeout=20)
        finally:
            daemon.kill()
            daemon.wait()
    assert daemon.returncode == 0, said
    assert time.monotonic() - began_s < 4.0
    assert "terminate called" not in said
    assert "frames in" in said.splitlines()[-1], "what was said last has been written"
