"""Another alarm while one sounds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.delivery import DeliveryError
from edge.delivery.settings import AlarmSettings
from edge.events import DeviceIdentity
from edge.running.siren import Siren
from edge.state.types import Severity
from tests.delivery.parts import make_event, wait_for


def ring(folder: Path, name: str) -> AlarmSettings:
    """A program that leaves a file of that name."""
    words = ("sh", "-c", f'echo "$MIEN_KIND" > "{folder}/{name}"')
    return AlarmSettings.model_validate({"command": {"warning": words, "critical": words}})


def test_what_sounds_goes_on_in_the_alarm_that_takes_over(tmp_path: Path) -> None:
    with Siren(ring(tmp_path, "old")) as siren:
        siren.tell([make_event(DeviceIdentity("cab"))])
        assert wait_for((tmp_path / "old").exists, 5)
        siren.adopt(ring(tmp_path, "new"))
        assert wait_for(lambda: (tmp_path / "new").exists() and (tmp_path / "new").read_text() == "microsleep\n", 5)


def test_a_snooze_holds_for_the_alarm_that_takes_over(tmp_path: Path) -> None:
    with Siren(ring(tmp_path, "old")) as siren:
        siren.snooze(30.0)
        siren.tell([make_event(DeviceIdentity("cab"))])
        siren.adopt(ring(tmp_path, "new"))
        time.sleep(0.5)
        assert not (tmp_path / "new").exists()
        siren.tell([make_event(DeviceIdentity("cab"), 1.0, Severity.CRITICAL)])
        assert wait_for((tmp_path / "new").exists, 5)
    assert not (tmp_path / "old").exists()


def test_an_alarm_that_cannot_be_had_leaves_the_old_one_ringing(tmp_path: Path) -> None:
    with Siren(ring(tmp_path, "old")) as siren:
        with pytest.raises(DeliveryError, match="gpio"):
            siren.adopt(AlarmSettings(gpio_chip=tmp_path / "gpiochip9", gpio_line=3))
        siren.tell([make_event(DeviceIdentity("cab"))])
        assert wait_for((tmp_path / "old").exists, 5)
