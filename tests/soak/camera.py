"""Live streams killed, stopped, frozen and changed in size, again and again: does anything leak?

``python -m tests.soak.camera [ROUNDS [STREAM]]`` runs each kind of stream in a process of its own, all at once, and
prints what each process holds as the rounds go by. Exits with 1 where a stream was not followed or something grew.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest

from edge.camera import Camera, CameraError, Condition, open_camera
from tests.camera.streams import LARGE, SMALL, Program, Stream, frame_of, mjpeg, mpegts, rtsp, watch_until

ROUNDS = 50
#: By then each kind of trouble has come, and the allocator's arenas have their size.
WARM_UP = 10
TROUBLES = ("kill", "stop", "freeze", "resize")
STREAMS: dict[str, Callable[[Path], Stream]] = {
    "command": Program,
    "http mjpeg": lambda _folder: mjpeg(),
    "tcp mpegts": lambda _folder: mpegts("tcp"),
    "udp mpegts": lambda _folder: mpegts("udp"),
    "rtsp": lambda _folder: rtsp(),
}

#: Allowed between the median of the first rounds after the warm-up and that of the last.
GROWTH_FDS, GROWTH_THREADS, GROWTH_RSS = 0, 0, 0.05


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds."""

    fds: int
    threads: int
    children: int
    rss_mb: float

    def __str__(self) -> str:
        return f"{self.fds} descriptors, {self.threads} threads, {self.children} children, {self.rss_mb:.1f} MB"

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        # What the allocator's arenas, one a thread, keep for later is not held by anybody.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        me = Path("/proc/self")
        status = dict(line.split(":", 1) for line in (me / "status").read_text().splitlines())
        children = (me / "task").glob("*/children")
        return cls(
            fds=len(list((me / "fd").iterdir())) - 1,
            threads=int(status["Threads"]),
            children=sum(len(path.read_text().split()) for path in children),
            rss_mb=int(status["VmRSS"].split()[0]) / 1024,
        )


@dataclass
class Trial:
    """One kind of stream and the camera that follows it."""

    name: str
    stream: Stream
    camera: Camera
    size: tuple[int, int] = SMALL
    recovered_s: list[float] = field(default_factory=list)
    told: list[Condition] = field(default_factory=list)

    def go_through(self, trouble: str) -> None:
        """Make trouble, mend it, and wait for a fresh frame; raises AssertionError where none comes."""
        before = frame_of(self.camera, self.size)
        if trouble == "freeze" and self.name not in ("http mjpeg", "command"):
            trouble = "kill"
        if trouble == "resize":
            self.size = LARGE if self.size == SMALL else SMALL
        elif trouble == "stop":
            self.stream.signal(signal.SIGSTOP)
            watch_until(self.camera, "lost")
        elif trouble == "freeze":
            self.stream.start(self.size, "frozen")
            watch_until(self.camera, "frozen")
        began_s = time.monotonic()
        self.stream.start(self.size)
        while (after := frame_of(self.camera, self.size)).t_s < began_s + 0.2 or self.camera.health.kind != "running":
            pass
        assert after.t_s > before.t_s
        assert after.seq > before.seq
        self.recovered_s.append(time.monotonic() - began_s)


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    if len(sys.argv) > 2:
        return _soak(sys.argv[2], rounds)
    # A process for each, as on a device: so that whatever grows has a name.
    print(f"{rounds} rounds of {', '.join(TROUBLES)}")
    again = (sys.executable, "-m", "tests.soak.camera", str(rounds))
    return max([child.wait() for child in [subprocess.Popen([*again, name]) for name in STREAMS]])


def _soak(name: str, rounds: int) -> int:
    logging.getLogger("edge.camera").setLevel(logging.CRITICAL)
    dice = random.Random(0)
    held: list[Held] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            trial = _trial(stack, name, STREAMS[name](folder))
        except pytest.skip.Exception as skipped:
            print(f"{name} is left out: {skipped}")
            return 0
        for at in range(rounds):
            trial.go_through(dice.choice(TROUBLES))
            _settle()
            held.append(Held.now())
            if at % max(rounds // 5, 1) == 0:
                print(f"{name:12} round {at:3}: {held[-1]}", flush=True)
        took, kinds = sorted(trial.recovered_s), [condition.kind for condition in trial.told]
        print(
            f"{name:12} back after {median(took):.1f} s in the median, {took[-1]:.1f} s at most; reopened "
            f"{trial.camera.reopened}; told lost {kinds.count('lost')}, frozen {kinds.count('frozen')}, "
            f"sizes {sum('now, no more' in (condition.reason or '') for condition in trial.told)}"
        )
    return _verdict(name, held[min(WARM_UP, len(held) - 1) :])


def _trial(stack: ExitStack, name: str, stream: Stream) -> Trial:
    stack.callback(stream.kill)
    stream.start(SMALL)
    settings = stream.settings.model_copy(update={"frozen_s": 0.5, "stall_s": 2.0})
    for _ in range(5):
        with contextlib.suppress(CameraError):  # a UDP stream that has not begun cannot be told from none
            camera = stack.enter_context(open_camera(settings))
            break
    else:
        raise AssertionError(f"{name} cannot be opened")
    trial = Trial(name, stream, camera)
    camera.listen(trial.told.append)
    return trial


def _settle() -> None:
    """Until the camera has one reader again, and no more."""
    ends_s = time.monotonic() + 10
    while time.monotonic() < ends_s and sum(thread.name == "camera-main" for thread in threading.enumerate()) != 1:
        time.sleep(0.05)


def _verdict(name: str, held: list[Held]) -> int:
    part = max(len(held) // 4, 1)
    first, last = held[:part], held[-part:]
    fds, threads, rss = (
        (median(getattr(one, name) for one in first), median(getattr(one, name) for one in last))
        for name in ("fds", "threads", "rss_mb")
    )
    flat = (
        fds[1] - fds[0] <= GROWTH_FDS
        and threads[1] - threads[0] <= GROWTH_THREADS
        and rss[1] / rss[0] - 1 <= GROWTH_RSS
    )
    print(
        f"{name:12} {'flat' if flat else 'GROWS'}: descriptors {fds[0]:g} → {fds[1]:g}, threads {threads[0]:g} → "
        f"{threads[1]:g}, memory {rss[0]:.1f} → {rss[1]:.1f} MB ({rss[1] / rss[0] - 1:+.1%})",
        flush=True,
    )
    return 0 if flat else 1


if __name__ == "__main__":
    raise SystemExit(main())
