"""The units as systemd reads them: right, as closed as promised, and open for what mien needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = DEPLOY / "systemd"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program in mien's place: systemd-analyze looks whether there is one."""
    for unit in (*UNITS.glob("*.service"), *UNITS.glob("*.target")):
        text = unit.read_text().replace("/opt/mien/current/bin/mien", "/bin/true")
        (tmp_path / unit.name.replace("@", "@mien")).write_text(text)
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    done = analyze("verify", "--man=no", *sorted(units.iterdir()))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize(("unit", "most"), [("mien-vision@mien.service", 2.0), ("mien-publish.service", 3.0)])
def test_a_unit_is_as_closed_as_promised(units: Path, unit: str, most: float) -> None:
    said = analyze("security", "--offline=true", "--no-pager", units / unit).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) <= most


def test_vision_has_no_network_and_publish_no_camera() -> None:
    vision, publish = ((UNITS / name).read_text() for name in ("mien-vision@.service", "mien-publish.service"))
    # Else a camera whose module loads later is forbidden: the device policy is made when the service starts.
    assert "\nAfter=modprobe@videodev.service\n" in vision
    for line in ("PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX", "TemporaryFileSystem=/run:ro"):
        assert f"\n{line}\n" in vision
    assert "\nPrivateDevices=yes\n" in publish
    assert "video" not in re.sub(r"#.*", "", publish)


@pytest.mark.parametrize("unit", ["mien-vision@.service", "mien-publish.service"])
def test_a_silent_service_is_restarted_and_never_given_up(unit: str) -> None:
    text = (UNITS / unit).read_text()
    for line in ("Type=notify", "WatchdogSec=120", "Restart=always", "StartLimitIntervalSec=0", "TimeoutStopSec=10"):
        assert f"\n{line}\n" in text
