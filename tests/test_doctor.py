"""``mien doctor``: each thing tried for real, on machines on which one of them is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import doctor
from edge.camera import CameraSettings
from edge.config import Config
from edge.delivery import AlarmSettings, BrokerSettings, OutboxSettings
from edge.doctor import Finding, examine
from edge.running import Heat, Thermometer
from edge.state import StateSettings
from tests.delivery.parts import Mosquitto, free_port

pytestmark = pytest.mark.usefixtures("face_models")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short look is enough here."""
    monkeypatch.setattr(doctor, "LOOK_S", 0.8)


@pytest.fixture(scope="module")
def broker(mosquitto_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A real one that takes anybody."""
    started = Mosquitto(mosquitto_binary, tmp_path_factory.mktemp("broker")).start()
    yield started
    started.kill()


def found(folder: Path, **parts: Any) -> dict[str, Finding]:
    """The findings by name; by default neither camera nor broker is there."""
    given = {
        "device": "cab",
        "camera": CameraSettings(source="63"),
        "broker": BrokerSettings(url=f"mqtt://127.0.0.1:{free_port()}"),
        "outbox": OutboxSettings(path=folder / "outbox.sqlite"),
    }
    return {finding.name: finding for finding in examine(Config(**given | parts))}


def test_without_camera_and_broker_it_says_exactly_that(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge.cli", "doctor", "63", "--broker", f"mqtt://127.0.0.1:{free_port()}"]
    command += ["--outbox", str(tmp_path / "outbox.sqlite")]
    began_s = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert time.monotonic() - began_s < 10
    assert done.returncode == 1, done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert [line.split()[1] for line in failed] == ["camera", "broker"]
    assert "camera 63 cannot be opened" in failed[0]
    assert "nothing listens there (is the broker running?)" in failed[1]
    assert done.stdout.count("→") >= 2, "each comes with its mend"
    assert done.stderr == ""


def test_a_machine_with_all_it_needs_passes_and_says_what_it_saw(
    puppet_clip: Path, broker: Mosquitto, tmp_path: Path
) -> None:
    seen = found(
        tmp_path,
        camera=CameraSettings(source=str(puppet_clip)),
        broker=BrokerSettings(url=broker.url),
        alarm=AlarmSettings(command=["true"]),
    )
    assert not [finding for finding in seen.values() if finding.verdict == "fail"]
    assert set(seen) == {
        *("models", "camera", "speed", "face", "light", "broker"),
        *("alarm", "rights", "disk", "clock", "processor"),
    }
    assert "passes its self-test" in seen["models"].what
    assert "512 × 512" in seen["camera"].what
    assert seen["face"].what == "a face in 100% of the frames"
    assert "connected, MQTT 5" in seen["broker"].what


def test_machines_read_it_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edge.cli import main

    code = main(["doctor", "63", "--json", "--broker", "mqtt://127.0.0.1:1", "--outbox", str(tmp_path / "o.sqlite")])
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert all(set(finding) == {"name", "verdict", "what", "mend"} for finding in findings)
    assert [finding["name"] for finding in findings if finding["verdict"] == "fail"] == ["camera", "broker"]


def test_missing_models_are_said_and_the_rest_is_tried_all_the_same(
    puppet_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "none"))
    seen = found(tmp_path, camera=CameraSettings(source=str(puppet_clip)))
    assert seen["models"].verdict == "fail"
    assert "mien models install" in seen["models"].mend
    assert seen["camera"].verdict == "ok"
    assert seen["disk"].verdict == "ok"


def test_a_damaged_model_fails(face_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "models"
    shutil.copytree(face_models, broken)
    mesh = broken / "face_landmark.tflite"
    mesh.write_bytes(mesh.read_bytes()[:100_000])
    monkeypatch.setenv("MIEN_MODELS", str(broken))
    seen = found(tmp_path)
    assert seen["models"].verdict == "fail"
    assert "face_landmark.tflite" in seen["models"].what


def test_a_picture_without_a_face_is_a_warning_with_the_mend(shared: Path, tmp_path: Path) -> None:
    seen = found(tmp_path, camera=CameraSettings(source=str(shared / "data" / "clips" / "no-face.mp4")))
    assert seen["camera"].verdict in ("ok", "warn")
    assert seen["face"].verdict == "warn"
    assert "sit before the camera" in seen["face"].mend


def test_a_camera_that_opens_and_then_gives_nothing_fails(tmp_path: Path) -> None:
    script = "import os, time; os.write(1, os.urandom(320 * 240)); time.sleep(60)"
    camera = CameraSettings(command=(sys.executable, "-c", script), pixel_format="gray8", width=320, height=240)
    seen = found(tmp_path, camera=camera)
    assert seen["camera"].verdict == "fail"
    assert "fewer than two pictures" in seen["camera"].what


def test_a_broker_that_wants_a_login_and_one_that_is_none(
    start_mosquitto: Callable[..., Mosquitto], broker: Mosquitto, tmp_path: Path
) -> None:
    strict = start_mosquitto("allow_anonymous false")
    seen = found(tmp_path, broker=BrokerSettings(url=strict.url))
    assert seen["broker"].verdict == "fail"
    assert "refuses" in seen["broker"].what
    assert "broker.username" in seen["broker"].mend
    login = BrokerSettings(url=broker.url, username="cab", password_file=tmp_path / "none")
    seen = found(tmp_path, broker=login)
    assert "password_file" in seen["broker"].what


def test_an_alarm_that_could_not_be_heard_fails_and_none_at_all_is_a_warning(tmp_path: Path) -> None:
    assert found(tmp_path)["alarm"].verdict == "warn"
    kiosk = found(tmp_path, state=StateSettings(driver=False))
    assert "alarm" not in kiosk
    missing = found(tmp_path, alarm=AlarmSettings(command=["no-such-siren", "-l"]))["alarm"]
    assert (missing.verdict, missing.what) == ("fail", "no-such-siren: no such program")
    chip = AlarmSettings(gpio_chip=Path("/dev/gpiochip99"), gpio_line=17)
    assert found(tmp_path, alarm=chip)["alarm"].verdict == "fail"


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    # Not by its mode, which root need not heed.
    seen = found(tmp_path, outbox=OutboxSettings(path=Path("/proc/mien/outbox.sqlite")))
    assert seen["disk"].verdict == "fail"
    assert "set outbox.path" in seen["disk"].mend


def test_a_full_disk_and_a_hot_processor_are_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 1e18)
    monkeypatch.setattr(Thermometer, "read", lambda _self: Heat(81.2, ("throttled by the firmware",)))
    seen = found(tmp_path)
    assert seen["disk"].verdict == "warn"
    assert (seen["processor"].verdict, seen["processor"].what) == ("warn", "81 °C, throttled by the firmware")
    monkeypatch.setattr(Thermometer, "read", lambda _self: Heat(55.0, ()))
    assert found(tmp_path)["processor"].what == "55 °C, not throttled"
