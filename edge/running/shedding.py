"""What is left out when there is too much to do: by rule, one thing at a time, and taken up again with patience.

Nothing is ever queued: a camera's frames that come too fast are dropped there. Pure: time and load are handed in.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from statistics import median
from typing import Literal

from edge.running.settings import SheddingSettings
from edge.vision.settings import VisionSettings

log = logging.getLogger(__name__)

#: What can be left out, the first first.
What = Literal["expression_rate", "detector", "faces", "second_opinion", "eyes"]

#: Load is judged over so long.
WINDOW_S = 1.0
#: A share of dropped frames that any machine may have.
DROPS = 0.1
#: Share of the time spent on frames below which there is room for more.
BUSY = 0.7
#: An expression must be read again well before it is no longer believed, a late or dropped frame included.
EXPRESSION_SHARES = (0.2, 0.5)
#: While somebody is followed, newcomers may wait for so long.
DETECT_EVERY_S = 2.0
#: With a driver to watch, a passenger must not take the only place.
FEWEST_FACES_WITH_DRIVER = 2
#: The wait for recovery doubles at most to this many times its first length.
MOST_PATIENCE = 16


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: what it leaves out, and what holds with it and all before it."""

    what: What
    vision: VisionSettings


def ladder(vision: VisionSettings, *, grace_s: float, driver: bool) -> tuple[Rung, ...]:
    """What can be left out of the configured reading, in order; only steps that spare something.

    grace_s: for how long an expression is believed after it was read. driver: whether there is one to watch; then
    eyes are always read, and fewer people followed. Of an audience all are followed and fewer of them read in one
    frame, and who comes is looked for as often as ever until nothing else can be spared.
    """
    rungs: list[Rung] = []

    def leave_out(what: What, **fewer: object) -> None:
        rungs.append(Rung(what, (rungs[-1].vision if rungs else vision).model_copy(update=fewer)))

    if vision.expression:
        for share in EXPRESSION_SHARES:
            if share * grace_s > vision.expression_every_s:
                leave_out("expression_rate", expression_every_s=share * grace_s)
    if vision.backend == "mediapipe":
        return tuple(rungs)  # the rest is settled when it starts
    rarely = vision.detect_every_s < DETECT_EVERY_S
    if driver:
        if rarely:
            leave_out("detector", detect_every_s=DETECT_EVERY_S)
        for faces in _halves(vision.max_faces, FEWEST_FACES_WITH_DRIVER):
            leave_out("faces", max_faces=faces)
    else:
        for faces in _halves(min(vision.read_faces or vision.max_faces, vision.max_faces), 1):
            leave_out("faces", read_faces=faces)
    if vision.landmarker is not None and vision.eyes:
        leave_out("second_opinion", landmarker=None)
    if vision.eyes and not driver:
        leave_out("eyes", eyes=False)
    if rarely and not driver:
        leave_out("detector", detect_every_s=DETECT_EVERY_S)
    return tuple(rungs)


def _halves(number: int, least: int) -> list[int]:
    """Half of it, half of that and so on, down to the least."""
    halves = []
    while number > least:
        number = max(number // 2, least)
        halves.append(number)
    return halves


class Shedder:
    """Climbs the ladder while there is too much to do, and down again when there is time to spare.

    Too much: frames are handled late, or dropped while fewer than enough are read, for ``shed_after_s``; or the
    processor throttles for ``cool_after_s``. To spare: none of that, and 30 % of the time left, for
    ``recover_after_s``; between the two, all stays as it is.
    """

    def __init__(self, settings: SheddingSettings, vision: VisionSettings, *, grace_s: float, driver: bool) -> None:
        self._settings = settings
        self._level = 0
        self.configure(vision, grace_s=grace_s, driver=driver)
        self._window_s: float | None = None
        self._latencies_s: list[float] = []
        self._dropped = 0
        self._overloaded = _Lasting()
        self._hot = _Lasting()
        self._spare = _Lasting()
        self._patience_s = settings.recover_after_s
        self._recovered_s = -math.inf

    def configure(self, vision: VisionSettings, *, grace_s: float, driver: bool) -> None:
        """Takes over another configuration; what is left out of it stays the same, as far as it can."""
        self._vision = vision
        self._ladder = ladder(vision, grace_s=grace_s, driver=driver) if self._settings.on else ()
        self._level = min(self._level, len(self._ladder))

    @property
    def vision(self) -> VisionSettings:
        """What is to be read now."""
        return self._ladder[self._level - 1].vision if self._level else self._vision

    @property
    def shedding(self) -> tuple[What, ...]:
        """What is left out now, the first first; empty while all is read as configured."""
        return tuple(dict.fromkeys(rung.what for rung in self._ladder[: self._level]))

    def frame(self, now_s: float, *, latency_s: float, dropped: int, throttled: bool) -> bool:
        """Takes a frame into account that has been handled; whether ``vision`` is another now.

        now_s: monotonic seconds. latency_s: from its capture until now. dropped: frames that the camera has dropped
        since it was opened.
        """
        if self._window_s is None:
            self._window_s, self._dropped = now_s, dropped
            return False
        self._latencies_s.append(latency_s)
        if now_s - self._window_s < WINDOW_S:
            return False
        changed = self._judge(now_s, now_s - self._window_s, dropped - self._dropped, throttled=throttled)
        self._window_s, self._dropped = now_s, dropped
        self._latencies_s.clear()
        return changed

    def _judge(self, now_s: float, took_s: float, drops: int, *, throttled: bool) -> bool:
        frames = len(self._latencies_s)
        fps = frames / took_s
        latency_s = median(self._latencies_s)
        late = latency_s > self._settings.latency_s
        dropping = drops > DROPS * (drops + frames)
        overloaded_s = self._overloaded.seconds(late or (dropping and fps < self._settings.enough_fps), now_s)
        hot_s = self._hot.seconds(throttled, now_s)
        # A frame's latency is its handling and what it waited for that: busy is never more than this.
        spare_s = self._spare.seconds(not (late or dropping or throttled) and latency_s * fps < BUSY, now_s)
        if overloaded_s >= self._settings.shed_after_s or hot_s >= self._settings.cool_after_s:
            load = f"{fps:.0f} frames a second read, {drops} dropped, {latency_s * 1000:.0f} ms from capture to state"
            return self._shed(now_s, "the processor throttles" if throttled else load)
        if spare_s >= self._patience_s:
            return self._recover(now_s)
        return False

    def _shed(self, now_s: float, why: str) -> bool:
        self._overloaded.restart(now_s)
        self._hot.restart(now_s)
        if self._level == len(self._ladder):
            return False
        too_soon = now_s - self._recovered_s < self._patience_s
        first_s = self._settings.recover_after_s
        self._patience_s = min(2 * self._patience_s, MOST_PATIENCE * first_s) if too_soon else first_s
        self._level += 1
        log.warning("too much to do (%s): leaving out %s", why, ", ".join(self.shedding))
        return True

    def _recover(self, now_s: float) -> bool:
        self._spare.restart(now_s)
        if self._level == 0:
            return False
        self._level -= 1
        self._recovered_s = now_s
        log.info("time to spare: leaving out %s", ", ".join(self.shedding) or "nothing any more")
        return True


class _Lasting:
    """For how long something has been so."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def seconds(self, so: bool, now_s: float) -> float:
        """Seconds for which it has been so, -1 where it is not."""
        if not so:
            self._since_s = None
            return -1.0
        if self._since_s is None:
            # It was so during the window that has just ended.
            self._since_s = now_s - WINDOW_S
        return now_s - self._since_s

    def restart(self, now_s: float) -> None:
        """Count anew."""
        self._since_s = now_s if self._since_s is not None else None
