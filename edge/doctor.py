"""``mien doctor``: tries each thing the device needs for real, and says how to mend what fails."""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np

from edge.camera import Camera, CameraSettings, Frame, open_camera
from edge.config import Config
from edge.daemon import open_reader
from edge.delivery import AlarmSettings, BrokerSettings
from edge.delivery.alarm_outputs import Buzzer
from edge.delivery.connection import Dialer
from edge.delivery.link import socket_beside
from edge.errors import MienError
from edge.events import system_clock_synced
from edge.running import Thermometer
from edge.running.status import look
from edge.vision import FaceReader, VisionSettings

Verdict = Literal["ok", "warn", "fail"]

#: Long enough for a camera to set its exposure and for a frame rate to be worth telling.
LOOK_S = 3.0
#: Nobody wants to wait longer for a network that does not answer.
PATIENCE_S = 3.0
#: Below it blinks are missed.
LEAST_FPS = 15.0
#: Of the face's mean grey level; below it eyes lose their contrast.
LEAST_BRIGHTNESS = 40.0
#: The outbox at its default size, twice.
LEAST_FREE_BYTES = 100_000_000
#: The Pi 4 and 5 slow down at 80 °C.
HOT_C = 75.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing tried. what: what was seen. mend: what to do about it, empty where all is well."""

    name: str
    verdict: Verdict
    what: str
    mend: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:4}  {self.name:10} {self.what}"
        return f"{line}\n{'':17}→ {self.mend}" if self.mend else line


def examine(config: Config) -> Iterator[Finding]:
    """Tries everything that ``mien run`` would use with this configuration; a finding as soon as it is had."""
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(open_reader(config.vision))
            yield _models(reader, config.vision)
        except MienError as error:
            reader = None
            yield Finding("models", "fail", str(error), "mien models install, then mien models verify")
        yield from _camera(config, reader)
    yield _broker(config)
    yield from _alarm(config.alarm, driver=config.state.driver)
    yield from _halves(config.outbox.path)
    yield _rights(config)
    yield _disk(config.outbox.path)
    yield _clock()
    yield from _processor(Thermometer())


def _models(reader: FaceReader, settings: VisionSettings) -> Finding:
    # Loading held hashes and golden faces against the models; whether they run shows only when they do.
    reader.read(Frame(np.zeros((192, 192, 3), np.uint8), 0.0, 0.0, 0, "doctor"))
    if reader.expression_fallback is not None:
        mend = "the model that ships runs instead: install yours again, or mien models use shipped"
        return Finding("models", "warn", reader.expression_fallback, mend)
    says = "face models whole and running"
    if settings.expression:
        says += f"; expression model {reader.expression_name} passes its self-test"
    return Finding("models", "ok", says)


def _camera(config: Config, reader: FaceReader | None) -> Iterator[Finding]:
    settings = config.camera.model_copy(update={"loop": True, "stall_s": min(config.camera.stall_s, PATIENCE_S)})
    try:
        with open_camera(settings) as camera:
            if reader is None:
                yield Finding("camera", "ok", f"{settings.source}: {camera.size[0]} × {camera.size[1]}")
            else:
                yield from _look(settings, camera, reader)
    except MienError as error:
        mend = "name another: mien doctor SOURCE takes a number, a device, a file or a URL"
        if look(config.outbox.path).status is not None:
            mend = "mien runs and may hold it: sudo systemctl stop mien.target, then ask again"
        yield Finding("camera", "fail", str(error), mend)


def _look(settings: CameraSettings, camera: Camera, reader: FaceReader) -> Iterator[Finding]:
    times: list[float] = []
    took_s: list[float] = []
    brightness: list[float] = []
    with_face = 0
    ends_s = time.monotonic() + LOOK_S
    while time.monotonic() < ends_s:
        frame = camera.next_frame(ends_s - time.monotonic())
        if frame is None:
            continue
        began_s = time.monotonic()
        observation = reader.read(frame)
        took_s.append(time.monotonic() - began_s)
        times.append(frame.t_s)
        with_face += bool(observation.faces)
        if observation.faces and observation.quality.brightness is not None:
            brightness.append(observation.quality.brightness)
    if len(times) < 2:
        reason = camera.health.reason or f"fewer than two pictures in {LOOK_S:g} s"
        yield Finding("camera", "fail", f"{settings.source}: {reason}", "check its cable, its network and its power")
        return
    yield from _seen(settings.source, camera, (len(times) - 1) / (times[-1] - times[0]), median(took_s))
    share = with_face / len(times)
    if share < 0.5:
        mend = "sit before the camera while this runs; a face needs an eighth of the picture's longer side"
        yield Finding("face", "warn", f"a face in {share:.0%} of the frames", mend)
    else:
        yield Finding("face", "ok", f"a face in {share:.0%} of the frames")
    if brightness:
        light = f"the face has {median(brightness):.0f} of 255 grey levels"
        if median(brightness) < LEAST_BRIGHTNESS:
            yield Finding("light", "warn", light, "too dark to read eyelids: light the face, or use an infrared camera")
        else:
            yield Finding("light", "ok", light)


def _seen(source: str, camera: Camera, fps: float, took_s: float) -> Iterator[Finding]:
    what = f"{source}: {camera.size[0]} × {camera.size[1]}, {fps:.1f} frames a second read, {camera.dropped} dropped"
    # A device that is too slow is the next finding's.
    if fps < LEAST_FPS <= 1 / took_s:
        mend = f'below {LEAST_FPS:g} blinks are missed: more light, camera.fps, or camera.pixel_format = "MJPG"'
        yield Finding("camera", "warn", what, mend)
    else:
        yield Finding("camera", "ok", what)
    speed = f"{took_s * 1000:.0f} ms to read a frame, {1 / took_s:.0f} a second at most"
    if 1 / took_s < LEAST_FPS:
        mend = "end what else runs here, or read less: vision.max_faces, vision.expression_every_s"
        yield Finding("speed", "warn", speed, mend)
    else:
        yield Finding("speed", "ok", speed)


def _broker(config: Config) -> Finding:
    patient: BrokerSettings = config.broker.model_copy(
        update={"connect_timeout_s": min(config.broker.connect_timeout_s, PATIENCE_S)}
    )

    def attempt() -> Finding:
        # Under another id than the daemon's, which may be connected: a broker throws out the first of two.
        session, outcome = Dialer(patient, f"mien-doctor-{config.device}").dial()
        if session is None:
            mend = "start it (sudo systemctl start mosquitto), or name another: --broker mqtt://host"
            if outcome.kind == "refused":
                mend = "check broker.username and its password, and the broker's rights for this device"
            return Finding("broker", "fail", outcome.reason, mend)
        who = f" as {config.broker.username}" if config.broker.username else ""
        how = f"{config.broker.address}: connected{who}, MQTT {session.protocol}{', TLS' if config.broker.tls else ''}"
        session.close()
        return Finding("broker", "ok", how)

    return _tried("broker", "name a file that mien's user can read", attempt)


def _alarm(settings: AlarmSettings, *, driver: bool) -> Iterator[Finding]:
    if settings.command:
        programs = dict.fromkeys(command[0] for command in settings.command.values())
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            mend = "install it, or name another in alarm.command"
            yield Finding("alarm", "fail", f"{', '.join(missing)}: no such program", mend)
        else:
            yield Finding("alarm", "ok", f"runs {', '.join(programs)}")
    if settings.gpio_chip is not None:

        def attempt() -> Finding:
            Buzzer(settings).close()
            return Finding("alarm", "ok", f"line {settings.gpio_line} of {settings.gpio_chip} can be had")

        yield _tried("alarm", "sudo usermod -aG gpio USER; while mien runs, it holds the line itself", attempt)
    if settings.bell:
        yield Finding("alarm", "ok", "rings the terminal that mien is started in")
    if driver and not (settings.command or settings.gpio_chip or settings.bell):
        mend = "set alarm.command, alarm.gpio_chip and alarm.gpio_line, or alarm.bell"
        yield Finding("alarm", "warn", "nothing wakes the driver on the spot", mend)


def _halves(outbox: Path) -> Iterator[Finding]:
    """Whether vision and publish, where they are two processes, run and know of each other."""
    report = look(outbox)
    status, publishing = report.status, report.publishing
    if publishing is None and not (status is not None and status.apart):
        return
    if status is None or publishing is None:
        yield Finding("halves", "fail", report.trouble or "", "journalctl -u 'mien-*' says why it ended")
        return
    if publishing.vision != status.pid:
        mend = f"both need the same configuration, and a group that both have: ls -l {socket_beside(outbox)}"
        yield Finding("halves", "fail", "mien vision and mien publish run and do not reach each other", mend)
    else:
        yield Finding("halves", "ok", f"vision is process {status.pid}, publish {publishing.pid}; they talk")


def _rights(config: Config) -> Finding:
    user = _name(getpass.getuser, os.getuid())
    devices = [*Path("/dev").glob("video*")] if _is_device(config.camera.source) else []
    if config.alarm.gpio_chip is not None and config.alarm.gpio_chip.exists():
        devices.append(config.alarm.gpio_chip)
    closed = sorted(str(device) for device in devices if not os.access(device, os.R_OK | os.W_OK))
    if closed:
        groups = " and ".join(sorted({_name(Path(device).group, Path(device).stat().st_gid) for device in closed}))
        mend = f"sudo usermod -aG {groups.replace(' and ', ',')} {user}, and log in again"
        return Finding("rights", "fail", f"{user} may not use {', '.join(closed)} (group {groups})", mend)
    where = f"; {len(devices)} devices can be used" if devices else ""
    as_root = " (a service of another user may use less: sudo -u USER mien doctor)" if os.geteuid() == 0 else ""
    return Finding("rights", "ok", f"asked as {user}{as_root}{where}")


def _name(ask: Callable[[], str], number: int) -> str:
    """A user's or a group's name, or its number where it has none, as in a container."""
    try:
        return ask()
    except (KeyError, OSError):
        return str(number)


def _is_device(source: str) -> bool:
    return source.isdecimal() or source.startswith("/dev/")


def _disk(outbox: Path) -> Finding:
    folder = outbox.expanduser().absolute().parent
    while not folder.exists():  # mien run makes what is missing
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"mien")
            trial.flush()
            os.fsync(trial.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        mend = "events would be kept in memory only: let this user write there, free space, or set outbox.path"
        return Finding("disk", "fail", f"{folder}: {error.strerror or error}", mend)
    what = f"{free / 1e6:,.0f} MB free in {folder}, which can be written"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", "warn", what, "free some space: events wait there while the broker is away")
    return Finding("disk", "ok", what)


def _clock() -> Finding:
    if system_clock_synced():
        return Finding("clock", "ok", "set by a time source")
    mend = "sudo timedatectl set-ntp true, or a real-time clock where there is no network"
    return Finding("clock", "warn", "not known to be set; events say time_synced: false", mend)


def _processor(thermometer: Thermometer) -> Iterator[Finding]:
    heat = thermometer.read()
    degrees = "" if heat.temperature_c is None else f"{heat.temperature_c:.0f} °C"
    if heat.throttled:
        what = ", ".join(filter(None, (degrees, *heat.throttled)))
        yield Finding("processor", "warn", what, "give it air, a fan, a power supply that is strong enough")
    elif heat.temperature_c is not None and heat.temperature_c >= HOT_C:
        yield Finding("processor", "warn", degrees, "it will slow down: give it air or a fan")
    elif degrees or heat.throttled is not None:
        yield Finding(
            "processor", "ok", ", ".join(filter(None, (degrees, "not throttled" if heat.throttled == () else "")))
        )
    else:
        yield Finding("processor", "ok", "tells neither its temperature nor whether it throttles")


def _tried(name: str, mend: str, attempt: Callable[[], Finding]) -> Finding:
    try:
        return attempt()
    except MienError as error:
        return Finding(name, "fail", str(error), mend)
