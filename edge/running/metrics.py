"""Figures for Prometheus, over HTTP; needs the ``metrics`` extra, and costs nothing where it is off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from edge.camera import Camera
from edge.closing import Closing
from edge.delivery import Delivery, Outbox
from edge.errors import MienError
from edge.events import Event
from edge.events.models import SEVERITIES, Severity
from edge.running import Heat, MetricsSettings
from edge.vision.backend import WHOLES, unwatched

try:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.registry import Collector
except ImportError:
    raise MienError(
        "metrics.port is set, but prometheus-client is not installed: pip install 'mien[metrics]'"
    ) from None

# Seconds: a frame at 60 a second to one that nobody needs any more; a model on a desktop to one on a slow board.
_LATENCY_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
_STAGE_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0)
#: The frame rate is counted over so long; without a frame for twice that it is 0.
_RATE_S = 1.0


class MetricsError(MienError):
    """The metrics cannot be served; the message names the address and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Who is asked when somebody fetches the metrics, in the fetcher's thread.

    camera: gives None where none has been open yet. reconnects: how often the broker was connected anew.
    """

    camera: Callable[[], Camera | None]
    outbox: Outbox
    publisher: Delivery
    reconnects: Callable[[], int]
    heat: Callable[[], Heat]
    shedding: Callable[[], Iterable[str]]


class Metrics(Closing):
    """Counts, and serves what it counted at ``/metrics``; a context manager. Needs ``settings.port``.

    Raises:
        MetricsError: the address cannot be listened on.
    """

    def __init__(self, settings: MetricsSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._registry = CollectorRegistry()
        registry = self._registry
        ProcessCollector(registry=registry)
        self._frames = Counter("mien_frames_total", "Frames read and judged.", registry=registry)
        self._faces = Gauge("mien_faces", "Faces in the last frame.", registry=registry)
        rate = Gauge("mien_frames_per_second", "Frames read in the last second.", registry=registry)
        rate.set_function(self._fps)
        self._latency = Histogram(
            "mien_frame_latency_seconds",
            "From a frame's capture to the state.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "mien_stage_seconds",
            "One run of a stage of vision.",
            ("stage",),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._alarms = Counter(
            "mien_alarms_total", "Alerts begun or risen to a severity.", ("kind", "severity"), registry=registry
        )
        self._running: dict[str, Severity] = {}
        self._rate = (0.0, 0, clock())  # the last rate; frames since, from when on
        self._last_frame_s = clock()
        try:
            self._server, self._thread = start_http_server(settings.port or 0, settings.host, self._registry)
        except OSError as error:
            raise MetricsError(
                f"metrics.port {settings.port}, metrics.host {settings.host}: {error.strerror or error}; "
                "set another, or none"
            ) from None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    def stage(self, stage: str) -> AbstractContextManager[None]:
        """Times one run of a stage: vision's stopwatch."""
        if stage in WHOLES:
            return unwatched(stage)  # the stages' times are to add up
        timer: AbstractContextManager[None] = self._stages.labels(stage).time()
        return timer

    def ask(self, sources: Sources) -> None:
        """From now on the metrics also tell of these."""
        self._registry.register(_Asked(sources))

    def frame(self, latency_s: float, faces: int) -> None:
        """A frame has become state. latency_s: since its capture."""
        self._frames.inc()
        self._latency.observe(max(0.0, latency_s))
        self._faces.set(faces)
        self._last_frame_s = now_s = self._clock()
        fps, frames, since_s = self._rate
        took_s = now_s - since_s
        self._rate = (fps, frames + 1, since_s) if took_s < _RATE_S else ((frames + 1) / took_s, 0, now_s)

    def events(self, events: Iterable[Event]) -> None:
        """Counts the alerts among events: each when it starts, and when its severity rises."""
        for event in events:
            data = event.data
            before = self._running.pop(data.episode_id, None)
            if data.severity == "info" or data.phase == "end":
                continue
            self._running[data.episode_id] = data.severity
            if before is None or SEVERITIES.index(data.severity) > SEVERITIES.index(before):
                self._alarms.labels(data.kind, data.severity).inc()

    def close(self) -> None:
        """Serves no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _fps(self) -> float:
        return self._rate[0] if self._clock() - self._last_frame_s < 2 * _RATE_S else 0.0


class _Asked(Collector):
    """What others count themselves, asked for when it is fetched."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        camera, outbox, heat = self._sources.camera(), self._sources.outbox, self._sources.heat()
        if camera is not None:
            yield CounterMetricFamily("mien_dropped_frames_total", "Frames that came too fast.", camera.dropped)
            yield CounterMetricFamily("mien_garbage_frames_total", "Pictures not to be decoded.", camera.garbage)
            yield CounterMetricFamily("mien_camera_reopened_total", "Times it was opened anew.", camera.reopened)
        delivers = camera is not None and camera.health.kind in ("running", "dark")
        yield GaugeMetricFamily("mien_camera_delivers", "1 while frames come.", delivers)
        yield GaugeMetricFamily("mien_outbox_events", "Events that wait for the broker.", outbox.depth())
        yield CounterMetricFamily(
            "mien_outbox_dropped_total", "Events given up since the outbox was made.", outbox.dropped()
        )
        trouble = outbox.trouble is not None
        yield GaugeMetricFamily("mien_outbox_trouble", "1 while events are kept in memory only.", trouble)
        yield GaugeMetricFamily("mien_broker_connected", "1 while connected.", self._sources.publisher.connected)
        yield CounterMetricFamily("mien_broker_reconnects_total", "Connections made anew.", self._sources.reconnects())
        if heat.temperature_c is not None:
            yield GaugeMetricFamily(
                "mien_temperature_celsius", "The processor's, its hottest part.", heat.temperature_c
            )
        if heat.throttled is not None:
            yield GaugeMetricFamily("mien_throttled", "1 while the processor is slowed down.", bool(heat.throttled))
        shedding = GaugeMetricFamily("mien_shedding", "1 for what is left out for want of time.", labels=["what"])
        for what in self._sources.shedding():
            shedding.add_metric([what], 1)
        yield shedding
