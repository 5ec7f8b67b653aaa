"""``mien demo``: a puppet falls asleep, and a subscriber hears of it over MQTT.

Everything between is what runs in a car: a video file, the daemon, the outbox, a broker. What arrives is held
against the puppet's script, so the demo fails when it should.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.camera import CameraSettings
from edge.config import Config
from edge.daemon import run
from edge.delivery import BrokerSettings, EmbeddedBroker, OutboxSettings, Watcher
from edge.demo.puppet import DEMO, Truth, write_clip
from edge.events import Event

DEVICE = "puppet"
#: How far an event may lie from the script's truth: a few frames at 30 a second, and the lids' own motion.
TOLERANCE_S = 0.2
#: Euro NCAP's bounds, as the state rules have them: how long the eyes are closed before each is reported.
REPORTED_AFTER_S = {"microsleep": 1.5, "sleep": 3.0}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the demo must show, whether it did, and the figure behind that."""

    what: str
    passed: bool
    figure: str


def show(keep: Path | None = None) -> int:
    """Run the demo on the terminal; 0 where every check passed, 1 otherwise. keep: where the clip is to stay."""
    logging.getLogger("edge").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="mien-demo-") as folder:
        clip = keep or Path(folder) / "puppet.mp4"
        print("Making a puppet of a public-domain portrait (Eileen Collins, NASA) …", flush=True)
        truth = write_clip(clip, DEMO)
        print(f"It blinks {len(truth.blinks)} times and falls asleep once, in {truth.duration_s:.0f} s; live now.\n")
        events: list[Event] = []
        with EmbeddedBroker() as broker:
            config = Config(
                device=DEVICE,
                camera=CameraSettings(id="puppet", source=str(clip)),
                broker=BrokerSettings(url=broker.url, protocol="3.1.1"),
                outbox=OutboxSettings(path=Path(folder) / "outbox.sqlite"),
            )
            with _Subscriber(config.broker, events.append):
                summary = run(config)
    fps = summary.frames / summary.seconds
    print(f"\n{summary.frames} frames at {fps:.0f} a second, {summary.dropped} dropped, {len(events)} events received.")
    results = checks(events, truth, summary.zero_wall_s or 0.0)
    for check in results:
        print(f"  {'ok ' if check.passed else 'NO '} {check.what:52} {check.figure}")
    print("\nNow yours: mien run 0 --broker mqtt://HOST, and mien watch --broker mqtt://HOST beside it.")
    return 0 if all(check.passed for check in results) else 1


class _Subscriber:
    """A ``mien watch`` in a thread, from before the first event until after the last."""

    def __init__(self, broker: BrokerSettings, on_event: Callable[[Event], None]) -> None:
        self._watcher = Watcher(broker, on_event=on_event)
        self._thread = threading.Thread(target=self._watcher.run, name="mien-demo-watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        self._watcher.subscribed.wait(10.0)

    def __exit__(self, *_: object) -> None:
        self._watcher.stop()
        self._thread.join(10.0)


def checks(events: Sequence[Event], truth: Truth, zero_wall_s: float) -> list[Check]:
    """Hold the events of a clip, in the order received, against its script.

    zero_wall_s: Unix time at which the clip began.
    """
    smiles = [event for event in events if (event.data.kind, event.data.phase) == ("happiness", "start")]
    found = [Check("the portrait smiles: happiness", bool(smiles), f"{len(smiles)} received")]
    ((fell_asleep_s, woke_s),) = truth.closures
    for kind, after_s in REPORTED_AFTER_S.items():
        for phase, due_s in (("start", fell_asleep_s + after_s), ("end", woke_s)):
            mine = [event for event in events if (event.data.kind, event.data.phase) == (kind, phase)]
            # An end is recognized a little after the eyes opened; it is the opening that it tells of.
            moments = [event.data.ended_at or event.time for event in mine]
            late_s = [moment.timestamp() - zero_wall_s - due_s for moment in moments]
            figure = ", ".join(f"{late:+.2f} s" for late in late_s) or "none received"
            passed = len(late_s) == 1 and abs(late_s[0]) <= TOLERANCE_S
            found.append(Check(f"{kind} {phase}, due at {due_s:.1f} s", passed, figure))
    alerts = {event.data.episode_id: event.data.kind for event in events if event.data.severity != "info"}
    figure = ", ".join(alerts.values()) or "none"
    found.append(Check("no alert but these two, none for the blinks", len(alerts) == 2, figure))
    return found
