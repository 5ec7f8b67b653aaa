"""What an alarm sounds through: a program, a buzzer on a GPIO line, a terminal's bell.

Each is driven by ``turn``, called when the alarm changes and when the output asked to be called again.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol, TextIO

from edge.delivery.errors import DeliveryError
from edge.delivery.settings import PASSWORD_VARIABLE, AlarmSettings, AlarmSeverity, Command

log = logging.getLogger(__name__)

#: How often an output looks after what it cannot wait for: the end of a program.
TICK_S = 0.05

# A program may tidy up for this long after it is told to end.
_GRACE_S = 0.5

# Between runs of a critical alarm's command: next to nothing, but a program that fails at once must not spin.
_CRITICAL_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """An alarm that is to be heard. Another object is another alarm, though all in it be the same.

    phase: ``start``, or ``update`` for one that is taken up again. since_s: monotonic seconds.
    """

    severity: AlarmSeverity
    kind: str
    episode_id: str
    phase: Literal["start", "update", "end"]
    since_s: float


class Output(Protocol):
    """Something that can be heard or felt; all calls from one thread."""

    def turn(self, sound: Sound | None, now_s: float) -> float:
        """Does what is due for ``sound`` (None: silence); returns for how many seconds that will do.

        Raises OSError where it cannot.
        """

    def close(self) -> None:
        """Falls silent and gives everything back."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Beeps: ``on_s`` seconds on, ``off_s`` off, over and over; infinity is for ever."""

    on_s: float
    off_s: float

    def at(self, elapsed_s: float) -> tuple[bool, float]:
        """Whether it is on ``elapsed_s`` seconds after its start, and for how many more."""
        place_s = elapsed_s % (self.on_s + self.off_s)
        if place_s < self.on_s:
            return True, self.on_s - place_s
        return False, self.on_s + self.off_s - place_s


def patterns(settings: AlarmSettings) -> dict[AlarmSeverity, Pattern]:
    """A notice is one beep, a warning beeps repeatedly, a critical alarm does not pause."""
    return {
        "notice": Pattern(settings.notice_beep_s, math.inf),
        "warning": Pattern(settings.warning_beep_s, settings.warning_pause_s),
        "critical": Pattern(math.inf, 0.0),
    }


class Buzzer:
    """A buzzer or relay on a GPIO line, through the ``gpiod`` package (libgpiod 2).

    Tested against the package's calls, not measured on hardware. Whether a line stays as it was when the process
    is killed depends on the chip: where that matters, use a buzzer that must be driven to sound.

    Raises:
        DeliveryError: the package, the chip or the line is missing or taken.
    """

    def __init__(self, settings: AlarmSettings) -> None:
        chip, line = str(settings.gpio_chip), settings.gpio_line
        try:
            gpiod: Any = import_module("gpiod")
            levels = import_module("gpiod.line")
        except ImportError:
            raise DeliveryError(
                "alarm.gpio_chip: the gpiod package is not installed: pip install 'mien[gpio]'"
            ) from None
        if not hasattr(gpiod, "request_lines"):
            raise DeliveryError("alarm.gpio_chip: gpiod 1.x is installed: pip install 'gpiod>=2.1'")
        self._line = line
        self._values = {True: levels.Value.ACTIVE, False: levels.Value.INACTIVE}
        as_output = gpiod.LineSettings(
            direction=levels.Direction.OUTPUT,
            active_low=settings.gpio_active_low,
            output_value=levels.Value.INACTIVE,
        )
        try:
            self._request = gpiod.request_lines(chip, consumer="mien-alarm", config={line: as_output})
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise DeliveryError(
                f"alarm.gpio_chip {chip}, gpio_line {line}: {why}; gpioinfo lists chips and lines, "
                "and the user must be in the group that owns the chip"
            ) from None
        self._patterns = patterns(settings)
        self._on = False

    def turn(self, sound: Sound | None, now_s: float) -> float:
        """Sets the line as the severity's pattern says."""
        on, left_s = self._patterns[sound.severity].at(now_s - sound.since_s) if sound else (False, math.inf)
        if on != self._on:
            self._request.set_value(self._line, self._values[on])
            self._on = on
        return left_s

    def close(self) -> None:
        """Switches the buzzer off and frees the line."""
        try:
            self._request.set_value(self._line, self._values[False])
        finally:
            self._request.release()


class Bell:
    """A terminal's bell: rings as each beep begins, and for a critical alarm as fast as one can tell rings apart."""

    def __init__(self, terminal: TextIO, settings: AlarmSettings) -> None:
        self._terminal = terminal
        self._patterns = patterns(settings) | {"critical": Pattern(0.15, 0.1)}
        self._on = False

    def turn(self, sound: Sound | None, now_s: float) -> float:
        """Rings where a beep begins."""
        on, left_s = self._patterns[sound.severity].at(now_s - sound.since_s) if sound else (False, math.inf)
        if on and not self._on:
            self._terminal.write("\a")
            self._terminal.flush()
        self._on = on
        return left_s

    def close(self) -> None:
        """A bell ends by itself."""


class Program:
    """Runs a command when an alarm begins, and again until it is over.

    A program that is missing is told once, here: monitoring goes on without it.
    """

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings
        self._pauses: Mapping[AlarmSeverity, float] = {
            "notice": math.inf,
            "warning": settings.warning_pause_s if settings.command_repeat else math.inf,
            "critical": _CRITICAL_PAUSE_S if settings.command_repeat else math.inf,
        }
        self._sound: Sound | None = None
        self._current: _Run | None = None
        self._leaving: list[_Run] = []
        self._next_s = math.inf
        self._phase: Literal["start", "update", "end"] = "start"
        self._told: set[str] = set()
        for program in dict.fromkeys(command[0] for command in settings.command.values()):
            if shutil.which(program) is None:
                log.error("alarm.command: %s is not a program on this device; its alarms will not be heard", program)

    def turn(self, sound: Sound | None, now_s: float) -> float:
        """Starts what is due, ends what is over, kills what hangs."""
        if sound is not self._sound:
            self._change(sound, now_s)
        self._look_after(now_s)
        if self._sound is not None and now_s >= self._next_s:
            # First, so that a program that cannot be started is tried again, but not in every turn.
            self._next_s = now_s + self._pauses[self._sound.severity]
            self._current = self._start(self._sound, self._phase, now_s)
            self._phase = "update"
            self._next_s = math.inf  # until it has ended
        return TICK_S if self._current or self._leaving else self._next_s - now_s

    def close(self) -> None:
        """Falls silent; a program that does not end by itself, or when asked to, is killed."""
        try:
            self._change(None, time.monotonic())
        finally:
            for run in self._leaving:
                run.wait(_GRACE_S)
            self._leaving.clear()

    def _change(self, sound: Sound | None, now_s: float) -> None:
        before, self._sound = self._sound, sound
        if self._current is not None:
            self._leaving.append(self._current)
            self._current = None
        # A notice may finish what it says, unless another alarm needs the loudspeaker.
        if sound is not None or (before is not None and before.severity != "notice"):
            for run in self._leaving:
                run.end(now_s)
        self._next_s = math.inf
        if sound is not None:
            self._next_s, self._phase = now_s, sound.phase
        elif before is not None and self._settings.command_at_end:
            last = self._start(before, "end", now_s)
            self._leaving += [last] if last else []

    def _look_after(self, now_s: float) -> None:
        self._leaving = [run for run in self._leaving if not self._over(run, now_s)]
        if self._current is not None and self._sound is not None and self._over(self._current, now_s):
            self._current = None
            self._next_s = now_s + self._pauses[self._sound.severity]

    def _over(self, run: _Run, now_s: float) -> bool:
        code = run.process.poll()
        if code is None and now_s >= run.kill_at_s:
            run.kill()
            if not run.told_to_end:
                self._tell_once(f"{run.name} still ran after {self._settings.command_limit_s:g} s and was killed")
        elif code is not None and code > 0 and not run.told_to_end:
            self._tell_once(f"{run.name} ended with exit code {code}")
        return code is not None

    def _tell_once(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            log.warning("alarm.command: %s", what)

    def _start(self, sound: Sound, phase: str, now_s: float) -> _Run | None:
        command = self._settings.command.get(sound.severity)
        if command is None:
            return None
        about = {
            "MIEN_KIND": sound.kind,
            "MIEN_SEVERITY": sound.severity,
            "MIEN_PHASE": phase,
            "MIEN_EPISODE_ID": sound.episode_id,
        }
        return _Run(command, about, now_s + self._settings.command_limit_s)


class _Run:
    """One run of a command, in a process group of its own so that what it starts ends with it."""

    def __init__(self, command: Command, about: Mapping[str, str], kill_at_s: float) -> None:
        self.name = command[0]
        self.kill_at_s = kill_at_s
        self.told_to_end = False
        environment = {key: value for key, value in os.environ.items() if key != PASSWORD_VARIABLE}
        self.process = subprocess.Popen(
            command,
            env={**environment, **about},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end(self, now_s: float) -> None:
        """Asks it to end, once; it is killed if it has not after a moment."""
        if not self.told_to_end:
            self.told_to_end = True
            self.kill_at_s = min(self.kill_at_s, now_s + _GRACE_S)
            self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it without asking."""
        self._send(signal.SIGKILL)

    def wait(self, patience_s: float) -> None:
        """Waits for its end, and kills it where that does not come."""
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()

    def _send(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass  # it ended by itself just now
