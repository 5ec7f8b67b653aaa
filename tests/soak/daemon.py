"""``make soak``: ``mien run`` on a looped clip at 30 frames a second, watched from outside for half an hour.

A puppet falls asleep once in each turn of the loop. Held against their bounds: the daemon's memory and descriptors,
how late its states arrive behind their capture time, whether that grows, whether each turn's sleep is told where the
clip has it, and how long it takes to end. Linux, mosquitto on the PATH; 0 where all holds, 1 where not.

    python -m tests.soak.daemon --minutes 30
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
from paho.mqtt.client import MQTTMessage

from edge.demo.puppet import Script, write_clip
from tests.delivery.parts import REPOSITORY, Mosquitto, Subscriber, find_mosquitto, wait_for
from tests.soak.process import Look, look

FPS = 30
SCRIPT = Script(duration_s=20.0, blinks=(2.0, 5.0, 15.0, 18.0), closures=((8.0, 12.0),))
#: Caches fill and the allocator settles; not counted.
WARM_UP_SHARE = 0.15
LOOK_EVERY_S = 2.0

MOST_GROWTH = 0.05
MOST_DESCRIPTORS = 2
#: How much later, in the median, states may arrive in the last third than in the first.
MOST_DRIFT_S = 0.05
#: A turn's microsleep against the clip's own time: a few frames.
MOST_OFF_S = 0.2
#: p95 of the last third over the first's; a busy machine's own noise is beside it.
MOST_P95 = 1.5
P95_NOISE_S = 0.02
MOST_END_S = 2.0


class Arrivals(Subscriber):
    """A subscriber that keeps when each message came."""

    def __init__(self, port: int) -> None:
        self.at: list[tuple[float, str, bytes]] = []
        super().__init__(port)
        self._client.on_message = self._keep

    def _keep(self, _client: object, _data: object, message: MQTTMessage) -> None:
        if not message.retain:  # what was said before we came is not late
            self.at.append((time.time(), message.topic, bytes(message.payload)))

    def goodbye(self) -> bool:
        """Whether the device has said that it stopped."""
        return any(topic.endswith("/status") and payload == b"stopped" for _, topic, payload in list(self.at))

    def lateness(self) -> list[tuple[float, float]]:
        """Of each driver's state: when it came, and how long after the frame that it tells of was taken."""
        states = [(at, json.loads(payload)) for at, topic, payload in list(self.at) if topic.endswith("/driver/state")]
        return [(at, at - datetime.fromisoformat(state["time"]).timestamp()) for at, state in states]

    def asleep(self) -> list[float]:
        """When each microsleep began, as its event says, in Unix time."""
        events = [json.loads(payload)["data"] for _, topic, payload in list(self.at) if topic.endswith("/driver/event")]
        starts = [event for event in events if (event["kind"], event["phase"]) == ("microsleep", "start")]
        return [datetime.fromisoformat(event["started_at"]).timestamp() for event in starts]


def main() -> int:
    """Soak, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes: float = parser.parse_args().minutes
    binary = find_mosquitto()
    if binary is None:
        print("mosquitto is not installed: apt install mosquitto")
        return 2
    with tempfile.TemporaryDirectory(prefix="mien-soak-") as name:
        folder = Path(name)
        clip = folder / "sleeper.mp4"
        write_clip(clip, SCRIPT, fps=FPS)
        broker = Mosquitto(binary, folder).start()
        arrivals = Arrivals(broker.port)
        try:
            looks, end_s, stopped, last_words = soak(clip, broker, arrivals, folder, minutes * 60)
        finally:
            arrivals.close()
            broker.kill()
        return report(looks, arrivals, end_s, stopped, last_words)


def soak(
    clip: Path, broker: Mosquitto, arrivals: Arrivals, folder: Path, seconds: float
) -> tuple[list[Look], float, bool, str]:
    """Runs the daemon; how it fared, how long its end took, whether it said goodbye, and its last line."""
    command = [sys.executable, "-m", "edge.cli", "run", str(clip), "--loop", "--device", "soak"]
    command += ["--broker", broker.url, "--outbox", str(folder / "outbox.sqlite")]
    with (folder / "stderr").open("wb") as errors:
        daemon = subprocess.Popen(command, cwd=REPOSITORY, stderr=errors)
        try:
            came = wait_for(lambda: bool(arrivals.at), 60)
            looks = []
            ends_s = time.monotonic() + seconds
            while came and time.monotonic() < ends_s and daemon.poll() is None:
                looks.append(look(daemon.pid))
                time.sleep(LOOK_EVERY_S)
            if not looks or daemon.poll() is not None:
                sys.exit((folder / "stderr").read_text())
            began_s = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)
            end_s = time.monotonic() - began_s
        finally:
            daemon.kill()
            daemon.wait()
    stopped = wait_for(
        lambda: any(topic.endswith("/status") and said == b"stopped" for _, topic, said in arrivals.at), 5
    )
    return looks, end_s, stopped, (folder / "stderr").read_text().splitlines()[-1]


def report(looks: list[Look], arrivals: Arrivals, end_s: float, stopped: bool, last_words: str) -> int:
    """Prints figures and verdicts; 0 where all hold."""
    warm_at = looks[0].at + WARM_UP_SHARE * (looks[-1].at - looks[0].at)
    warm = [each for each in looks if each.at >= warm_at]
    late = [(at, late_s) for at, late_s in arrivals.lateness() if at >= warm_at]
    third = max(1, len(warm) // 3)
    rss = [statistics.median(each.rss for each in part) for part in (warm[:third], warm[-third:])]
    descriptors = [max(each.descriptors for each in part) for part in (warm[:third], warm[-third:])]
    first, last = ([late_s for _, late_s in part] for part in (late[: len(late) // 3], late[-(len(late) // 3) :]))
    p95 = [float(np.percentile(part, 95)) for part in (first, last)]
    drift_s = statistics.median(last) - statistics.median(first)
    growth = rss[1] / rss[0] - 1
    slept = arrivals.asleep()
    off_s = [at - slept[0] - round((at - slept[0]) / SCRIPT.duration_s) * SCRIPT.duration_s for at in slept]
    turns = round((slept[-1] - slept[0]) / SCRIPT.duration_s) + 1 if slept else 0
    checks = (
        (f"memory grows by less than {MOST_GROWTH:.0%}", growth < MOST_GROWTH, f"{growth:+.1%}, {rss[1] / 1e6:.0f} MB"),
        (
            "descriptors stay",
            descriptors[1] - descriptors[0] <= MOST_DESCRIPTORS,
            f"{descriptors[0]} and {descriptors[1]}",
        ),
        ("states arrive no later than at first", abs(drift_s) < MOST_DRIFT_S, f"{drift_s * 1000:+.0f} ms"),
        (
            "p95 from capture to subscriber is flat",
            p95[1] < MOST_P95 * p95[0] + P95_NOISE_S,
            f"{p95[0] * 1000:.0f} and {p95[1] * 1000:.0f} ms",
        ),
        ("each turn's microsleep is told once", len(slept) == turns > 1, f"{len(slept)} in {turns} turns"),
        (
            "and where the clip has it",
            max(map(abs, off_s), default=1.0) < MOST_OFF_S,
            f"at most {max(map(abs, off_s), default=0.0) * 1000:.0f} ms off",
        ),
        (f"SIGTERM ends it in {MOST_END_S:g} s", end_s < MOST_END_S, f"{end_s:.2f} s"),
        ("with a goodbye", stopped, "stopped" if stopped else "nothing"),
    )
    busy = (warm[-1].cpu_s - warm[0].cpu_s) / (warm[-1].at - warm[0].at)
    load = os.getloadavg()[0]
    print(
        f"{(looks[-1].at - looks[0].at) / 60:.1f} min, {busy:.2f} processors used of {os.cpu_count()}, load {load:.1f}"
    )
    print(last_words)
    for what, passed, figure in checks:
        print(f"  {'ok ' if passed else 'NO '} {what:44} {figure}")
    return 0 if all(passed for _, passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
