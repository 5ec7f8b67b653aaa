"""The metrics as Prometheus fetches them: over HTTP, read with its own parser."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.camera import CameraSettings, Frame, open_camera
from edge.delivery import BrokerSettings, Outbox, OutboxSettings, Publisher
from edge.events import DeviceIdentity, Event
from edge.running import Heat, MetricsSettings
from tests.clock import Clock
from tests.delivery.parts import free_port, make_event, make_info

pytest.importorskip("prometheus_client", reason="needs the metrics extra")
from prometheus_client.parser import text_string_to_metric_families

from edge.running.metrics import Metrics, MetricsError, Sources

Labels = frozenset[tuple[str, str]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Iterator[Metrics]:
    with Metrics(MetricsSettings(port=free_port()), clock=clock) as served:
        yield served


def scrape(metrics: Metrics) -> dict[str, dict[Labels, float]]:
    """Every sample, by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def only(samples: dict[Labels, float]) -> float:
    (value,) = samples.values()
    return value


def test_frames_latency_and_faces_are_counted(metrics: Metrics, clock: Clock) -> None:
    for _ in range(60):
        clock.now_s += 0.05
        metrics.frame(0.03, faces=2)
    metrics.frame(0.7, faces=1)
    seen = scrape(metrics)
    assert only(seen["mien_frames_total"]) == 61
    assert only(seen["mien_faces"]) == 1
    assert only(seen["mien_frames_per_second"]) == pytest.approx(20, rel=0.1)
    assert only(seen["mien_frame_latency_seconds_count"]) == 61
    assert only(seen["mien_frame_latency_seconds_sum"]) == pytest.approx(60 * 0.03 + 0.7)
    assert seen["mien_frame_latency_seconds_bucket"][frozenset({("le", "0.05")})] == 60
    clock.now_s += 5
    assert only(scrape(metrics)["mien_frames_per_second"]) == 0, "the camera has fallen silent"


def test_the_stages_of_a_real_reading_are_timed(
    metrics: Metrics, face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    from edge.expression import open_expression
    from edge.vision import FaceReader, VisionSettings

    settings = VisionSettings()
    with FaceReader(
        settings, face_models=face_models, expression=open_expression(settings), stopwatch=metrics.stage
    ) as reader:
        for at in range(3):
            reader.read(Frame(portrait, at / 30, at / 30, at, "cab"))
    seen = scrape(metrics)
    counts = {dict(labels)["stage"]: value for labels, value in seen["mien_stage_seconds_count"].items()}
    every_frame = dict.fromkeys(("mesh", "iris", "lids", "quality"), 3)
    assert counts == {"detect": 1, "crop": 1, "expression": 1} | every_frame
    assert all(0 < took_s < 5 for took_s in seen["mien_stage_seconds_sum"].values())


def with_phase(event: Event, phase: str, severity: str) -> Event:
    return replace_data(event, phase=phase, severity=severity)


def replace_data(event: Event, **values: Any) -> Event:
    return event.model_copy(update={"data": event.data.model_copy(update=values)})


def test_an_alert_counts_when_it_starts_and_when_it_rises_not_when_it_goes_on(metrics: Metrics) -> None:
    event = make_event(DeviceIdentity("cab"))
    steps = (("start", "warning"), ("update", "warning"), ("update", "critical"), ("end", "critical"))
    for phase, severity in steps:
        metrics.events([with_phase(event, phase, severity)])
    metrics.events([replace_data(event, kind="yawn", severity="info", episode_id="other")])
    alarms = scrape(metrics)["mien_alarms_total"]
    assert alarms == {
        frozenset({("kind", "microsleep"), ("severity", "warning")}): 1,
        frozenset({("kind", "microsleep"), ("severity", "critical")}): 1,
    }


def test_what_others_count_is_asked_for_when_it_is_fetched(metrics: Metrics, puppet_clip: Path, tmp_path: Path) -> None:
    device = DeviceIdentity("cab")
    heat = [Heat(71.5, ("throttled by the firmware",))]
    with (
        Outbox(OutboxSettings(path=tmp_path / "outbox.sqlite")) as outbox,
        open_camera(CameraSettings(source=str(puppet_clip))) as camera,
    ):
        publisher = Publisher(BrokerSettings(), outbox, make_info(device))
        metrics.ask(
            Sources(
                camera=lambda: camera,
                outbox=outbox,
                publisher=publisher,
                reconnects=lambda: 3,
                heat=lambda: heat[0],
                shedding=lambda: ("expression_rate", "faces"),
            )
        )
        outbox.put(make_event(device))
        camera.dropped = 7
        seen = scrape(metrics)
        assert only(seen["mien_outbox_events"]) == 1
        assert only(seen["mien_outbox_trouble"]) == 0
        assert only(seen["mien_dropped_frames_total"]) == 7
        assert only(seen["mien_camera_delivers"]) == 1
        assert only(seen["mien_broker_connected"]) == 0
        assert only(seen["mien_broker_reconnects_total"]) == 3
        assert only(seen["mien_temperature_celsius"]) == 71.5
        assert only(seen["mien_throttled"]) == 1
        assert seen["mien_shedding"] == {frozenset({("what", what)}): 1 for what in ("expression_rate", "faces")}
        heat[0] = Heat()
        seen = scrape(metrics)
        assert "mien_temperature_celsius" not in seen, "unknown is not zero"
        assert "mien_throttled" not in seen
        publisher.close(0.0)


def test_they_are_for_this_machine_alone_unless_said_otherwise_and_off_by_default() -> None:
    assert MetricsSettings().port is None
    assert MetricsSettings().host == "127.0.0.1"


def test_a_port_that_is_taken_is_said_in_a_line(metrics: Metrics) -> None:
    with pytest.raises(MetricsError, match=rf"metrics.port {metrics.port}.*in use; set another"):
        Metrics(MetricsSettings(port=metrics.port))


def test_closing_frees_the_port() -> None:
    settings = MetricsSettings(port=free_port())
    for _ in range(2):
        with Metrics(settings) as served:
            assert scrape(served)


def test_without_the_package_the_way_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import edge.running.metrics"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "MienError: metrics.port" in done.stderr
    assert "pip install 'mien[metrics]'" in done.stderr
