"""How hot the processor is, and whether it runs slower for it, where Linux or the board's firmware tells."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Heat changes slowly; a reading takes about a millisecond.
READ_EVERY_S = 5.0

# What a thermal zone or a hardware monitor is called that measures the processor (Pi, Jetson, Intel, Rockchip, AMD).
_PROCESSOR = ("cpu", "soc", "x86_pkg_temp", "tj", "coretemp", "k10temp", "zenpower")
# What a cooling device is called that slows the processor down (Linux, drivers/thermal/cpufreq_cooling.c and ACPI's).
_BRAKES = ("cpufreq", "thermal-cpufreq", "processor")
# Raspberry Pi's documentation of vcgencmd get_throttled: the bits that tell of now.
_FIRMWARE_BITS = {
    0: "too little voltage from the power supply",
    1: "frequency capped by the firmware",
    2: "throttled by the firmware",
    3: "soft temperature limit",
}
_VCGENCMD_LIMIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Heat:
    """The processor's state.

    temperature_c: of its hottest part; None where no sensor tells. throttled: why it runs slower than it could, empty
    where it doesn't; None where nothing here would tell.
    """

    temperature_c: float | None = None
    throttled: tuple[str, ...] | None = None


class Thermometer:
    """Reads the sensors that are there when it is made.

    root: where ``sys`` lies. vcgencmd: the Raspberry Pi's program, asked only where the kernel doesn't tell itself.
    """

    def __init__(self, root: Path = Path("/"), *, vcgencmd: str | None = "vcgencmd") -> None:
        self._sensors = _sensors(root / "sys")
        self._brakes = _brakes(root / "sys", vcgencmd)
        self._last = Heat()
        self._read_s = -math.inf

    def heat(self, now_s: float) -> Heat:
        """The last reading, renewed every ``READ_EVERY_S``; now_s: of any clock in seconds."""
        if now_s - self._read_s >= READ_EVERY_S:
            self._last, self._read_s = self.read(), now_s
        return self._last

    def read(self) -> Heat:
        """A reading of now."""
        degrees = [value / 1000 for path in self._sensors if (value := _number(path)) is not None]
        # A sensor that is switched off gives 0 or nonsense.
        degrees = [value for value in degrees if -40 < value < 150 and value != 0]
        answers = [brake() for brake in self._brakes]
        known = [answer for answer in answers if answer is not None]
        throttled = tuple(reason for answer in known for reason in answer) if known else None
        return Heat(max(degrees, default=None), throttled)


#: Why the processor is slowed down now; None where that cannot be told.
_Brake = Callable[[], tuple[str, ...] | None]


def _sensors(sys: Path) -> list[Path]:
    zones = sorted(sys.glob("class/thermal/thermal_zone*"))
    monitors = sorted(sys.glob("class/hwmon/hwmon*"))
    found = [zone / "temp" for zone in zones if _names(zone / "type", _PROCESSOR)]
    if not found:
        ours = [monitor for monitor in monitors if _names(monitor / "name", _PROCESSOR)]
        found = [path for monitor in ours for path in sorted(monitor.glob("temp*_input"))]
    return found or [zone / "temp" for zone in zones[:1]]


def _brakes(sys: Path, vcgencmd: str | None) -> list[_Brake]:
    brakes: list[_Brake] = []
    firmware = sorted(sys.glob("devices/platform/soc*/soc*firmware/get_throttled"))
    program = shutil.which(vcgencmd) if vcgencmd and not firmware else None
    if firmware:
        brakes.append(lambda: _firmware_says(_text(firmware[0])))
    elif program is not None:
        brakes.append(_Vcgencmd(program))
    devices = [path for path in sys.glob("class/thermal/cooling_device*") if _names(path / "type", _BRAKES)]
    if devices:
        brakes.append(lambda: _cooling(devices))
    if limits := sorted(sys.glob("devices/system/cpu/cpufreq/policy*/scaling_max_freq")):
        brakes.append(_FrequencyLimits(limits))
    counter = sys / "devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"
    if counter.exists():
        brakes.append(_ThrottleCounter(counter))
    return brakes


def _firmware_says(text: str | None) -> tuple[str, ...] | None:
    """What ``50005`` (the kernel's) or ``throttled=0x50005`` (vcgencmd's) means for now."""
    try:
        bits = int((text or "").rpartition("=")[2], 16)
    except ValueError:
        return None
    return tuple(words for bit, words in _FIRMWARE_BITS.items() if bits >> bit & 1)


class _Vcgencmd:
    """Asks the Pi's firmware through its program; one that hangs or fails is asked no more."""

    def __init__(self, program: str) -> None:
        self._program: str | None = program

    def __call__(self) -> tuple[str, ...] | None:
        if self._program is None:
            return None
        try:
            done = subprocess.run(
                [self._program, "get_throttled"], capture_output=True, timeout=_VCGENCMD_LIMIT_S, check=True
            )
        except (OSError, subprocess.SubprocessError):
            self._program = None
            return None
        return _firmware_says(done.stdout.decode("ascii", "replace").strip())


def _cooling(devices: list[Path]) -> tuple[str, ...]:
    slowed = any((_number(device / "cur_state") or 0) > 0 for device in devices)
    return ("slowed down by the kernel",) if slowed else ()


class _FrequencyLimits:
    """Limits lower than they once were: what they are at the start may be the owner's wish, and no throttling."""

    def __init__(self, limits: list[Path]) -> None:
        self._highest = {path: _number(path) or 0 for path in limits}

    def __call__(self) -> tuple[str, ...]:
        for path, highest in self._highest.items():
            now = _number(path) or highest
            self._highest[path] = max(now, highest)
            if now < highest:
                return (f"limited to {now / 1000:.0f} of {highest / 1000:.0f} MHz",)
        return ()


class _ThrottleCounter:
    """Intel's count of how often the package throttled itself: whether it did since the last reading."""

    def __init__(self, counter: Path) -> None:
        self._counter = counter
        self._last = _number(counter) or 0

    def __call__(self) -> tuple[str, ...]:
        last, self._last = self._last, _number(self._counter) or 0
        return ("throttled by the processor itself",) if self._last > last else ()


def _names(path: Path, names: tuple[str, ...]) -> bool:
    return (_text(path) or "").lower().startswith(names)


def _number(path: Path) -> int | None:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
