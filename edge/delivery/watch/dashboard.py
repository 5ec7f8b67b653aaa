"""A watcher's view that fills the terminal; needs rich (``mien[watch]``)."""

from __future__ import annotations

import sys
import termios
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from edge.delivery.errors import DeliveryError
from edge.delivery.watch.board import Board, Device, Running, worst
from edge.delivery.watch.contract import Findings
from edge.delivery.watch.lines import format_event, printable
from edge.delivery.watch.message import Heard, Selection
from edge.events import DriverSnapshot, Severity

# Redrawn at most this often when something is heard, and this seldom when nothing is, for what counts seconds.
_REDRAW_S = 0.25
_IDLE_S = 1.0

_BAR = 8
_EPISODES = 5

# Told by sign and word; colour only adds to that.
_SIGNS: dict[Severity, str] = {"info": "", "notice": "!", "warning": "!!", "critical": "!!!"}
_STYLES: dict[Severity, str] = {"info": "", "notice": "cyan", "warning": "yellow", "critical": "bold red"}
_STATUSES = {"online": "green", "offline": "bold red", "stopped": "dim"}

_HEAD = ("", "device", "status", "eyes", "openness", "PERCLOS", "fatigue", "attentive", "sensing")
_WIDTHS = (4, 0, 8, 8, 14, 8, 8, 10, 9)


class Dashboard:
    """All devices at a glance: the drivers, what goes on, the last events, the devices' health.

    selection: which episodes and events to show. out: a terminal.

    Raises:
        DeliveryError: out is no terminal.
    """

    turn_s = _REDRAW_S

    def __init__(
        self,
        broker: str,
        selection: Selection | None = None,
        *,
        out: TextIO | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = Console(file=out or sys.stdout, highlight=False)
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            raise DeliveryError("--dashboard needs a terminal to draw on; without it the messages come as lines")
        self._broker = broker
        self._board = Board(selection or Selection())
        self._clock_s = clock_s
        self._terminal = ExitStack()
        self._live: Live | None = None
        self._connection = "connecting"
        self._wrong = ""
        self._violations = 0
        self._drawn_s = -_IDLE_S
        self._changed = False

    def connected(self) -> None:
        """Takes the terminal over, the first time."""
        self._connection = "connected"
        self._changed = True
        if self._live is None:
            self._terminal.enter_context(_silent_keyboard())
            screen = Live(
                console=self._console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
            self._live = self._terminal.enter_context(screen)

    def lost(self, _broker: str, reason: str) -> None:
        """What was heard so far stays in sight, for as long as it holds."""
        self._connection = f"connection lost ({reason}), trying again"
        self._changed = True

    def show(self, heard: Heard, findings: Findings | None) -> None:
        """Takes a message in; it is drawn with the next turn."""
        self._board.hear(heard, self._clock_s())
        self._changed = True
        if findings is not None and findings.violations:
            self._violations += 1
            self._wrong = f"{heard.topic}: {findings.violations[0]}"

    def turn(self) -> None:
        """Draws, where something has changed or a second has passed."""
        now_s = self._clock_s()
        if self._live is None or now_s - self._drawn_s < (_REDRAW_S if self._changed else _IDLE_S):
            return
        self._drawn_s, self._changed = now_s, False
        self._live.update(self.picture(*self._console.size), refresh=True)

    def close(self) -> None:
        """Gives the terminal back as it was."""
        self._live = None
        self._terminal.close()

    def picture(self, width: int, height: int) -> Group:
        """What there is to see now, in ``height`` lines of ``width`` cells."""
        now_s = self._clock_s()
        running = self._board.running(now_s)
        devices = self._board.devices
        # Two lines each; title, heads, empty lines, five episodes and some events want 14.
        places = max(2, (height - 14) // 2)
        if len(devices) > places:
            order = ("critical", "warning", "notice", "info", None)
            devices.sort(key=lambda device: (order.index(worst(running, device.name)), device.status != "offline"))
            devices = devices[: places - 1]
        lines = [self._title(width), _row(_HEAD, width, style="dim")]
        for device in devices:
            lines += _device(device, worst(running, device.name), now_s, width, ascii_only=self._ascii)
        if missing := len(self._board.devices) - len(devices):
            lines.append(_line(f"    and {missing} more, with nothing worse", width, "dim"))
        elif not devices:
            lines.append(_line("    no device has said anything yet", width, "dim"))
        lines += [Text(), _line(f"Going on: {len(running) or 'nothing'}", width, "bold")]
        lines += [_running(one, width) for one in running[:_EPISODES]]
        if len(running) > _EPISODES:
            lines.append(_line(f"     and {len(running) - _EPISODES} more", width, "dim"))
        lines += [Text(), _line("Last events", width, "bold")]
        room = max(0, height - len(lines) - 1)
        last = list(self._board.events)[-room:][::-1] if room else []
        lines += [_line(format_event(event), width, _STYLES[event.data.severity]) for event in last]
        lines += [Text()] * (room - len(last))
        return Group(*lines[: height - 1], self._foot(width))

    @property
    def _ascii(self) -> bool:
        return not self._console.encoding.startswith("utf")

    def _title(self, width: int) -> Text:
        clock = datetime.now().astimezone().strftime("%H:%M:%S")
        state = _line(f"mien  {self._broker}  {self._connection}", max(1, width - len(clock) - 1))
        return Text.assemble((state.plain, "reverse"), (f" {clock}", "reverse"))

    def _foot(self, width: int) -> Text:
        said = f"{self._board.messages} messages"
        if self._violations:
            return _line(f"{said}, {self._violations} violate the contract, last {self._wrong}", width, "bold red")
        return _line(f"{said}   Ctrl-C ends", width, "dim")


def _device(device: Device, severity: Severity | None, now_s: float, width: int, *, ascii_only: bool) -> Iterable[Text]:
    sign, style = ("", "") if severity is None else (_SIGNS[severity], _STYLES[severity])
    cells: list[str | tuple[str, str]] = [(sign, style), (device.name, style or "bold")]
    cells.append((device.status or "unknown", _STATUSES.get(device.status, "")))
    driver = device.driver(now_s)
    yield _row((*cells, *_driver(driver, ascii_only=ascii_only)), width)
    yield _line(f"    {_fares(device, driver, now_s)}", width, "dim")


def _driver(driver: DriverSnapshot | None, *, ascii_only: bool) -> tuple[str, ...]:
    if driver is None:
        return ("-",) * 6
    if not driver.present:
        return ("nobody", *("-",) * 4, driver.sensing or "-")
    attentive = "-" if driver.attentive is None else "yes" if driver.attentive else "NO"
    return (
        "CLOSED" if driver.eyes == "closed" else driver.eyes,
        _bar(driver.openness, ascii_only=ascii_only),
        "-" if driver.perclos_60s is None else f"{driver.perclos_60s:.0%}",
        "-" if driver.fatigue is None else f"{driver.fatigue:.0f}/100",
        attentive,
        driver.sensing or "-",
    )


def _bar(openness: float | None, *, ascii_only: bool) -> str:
    if openness is None:
        return "-"
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    cells = round(min(max(openness, 0.0), 1.0) * _BAR)
    return f"{full * cells}{empty * (_BAR - cells)} {openness:.2f}"


def _fares(device: Device, driver: DriverSnapshot | None, now_s: float) -> str:
    """The device's health in a line that may be cut short: what is wrong comes first."""
    wrong, right = [], []
    for camera in () if device.away else device.cameras.values():
        said = f"camera {camera.camera} {camera.status}"
        if camera.status == "running":
            right.append(said)
        else:
            wrong.append(said + (f" ({camera.reason})" if camera.reason else ""))
    if driver is not None and driver.sensing_reason:
        wrong.append(f"sensing {driver.sensing}: {driver.sensing_reason}")
    told = []
    if (health := device.health(now_s)) is not None:
        if health.outbox_trouble:
            wrong.append(health.outbox_trouble)
        if health.outbox_dropped:
            wrong.append(f"{health.outbox_dropped} events dropped")
        for value, text in (
            (health.fps, "{:.1f} fps"),
            (health.latency_ms, "{:.0f} ms"),
            (health.temperature_c, "{:.0f} °C"),
            (health.outbox_depth, "{} waiting"),
        ):
            if value is not None:
                told.append(text.format(value))
    version = [] if device.info is None else [f"mien {device.info.version}"]
    return ", ".join((*wrong, *told, *right, *version))


def _running(running: Running, width: int) -> Text:
    since = "since before this watch" if running.for_s is None else f"for {running.for_s:.0f} s"
    sign = _SIGNS[running.severity]
    line = f"{sign:>4} {running.severity:8}  {running.device}  {running.kind}  {since}"
    return _line(line, width, _STYLES[running.severity])


def _row(cells: Iterable[str | tuple[str, str]], width: int, *, style: str = "") -> Text:
    """One line of the devices' table; the device's name takes what the others leave, 9 cells at least."""
    wide = max(9, width - 1 - sum(_WIDTHS))
    row = Text()
    for cell, columns in zip(cells, _WIDTHS, strict=True):
        text, own = (cell, style) if isinstance(cell, str) else cell
        row.append_text(_line(text, (columns or wide) - 1, own)).append(" ")
    row.truncate(width)
    return row


def _line(text: str, width: int, style: str = "") -> Text:
    """Text of exactly ``width`` cells, cut short where it must be."""
    line = Text(printable(text), style=style, no_wrap=True)
    line.truncate(width, overflow="ellipsis", pad=True)
    return line


@contextmanager
def _silent_keyboard() -> Iterator[None]:
    """Keys don't scribble over the picture, and what was typed doesn't reach the shell afterwards."""
    if sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    silent = termios.tcgetattr(sys.stdin)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)
