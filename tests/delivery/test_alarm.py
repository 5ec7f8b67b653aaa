"""The alarm that a driver hears: real programs, a real terminal; GPIO against the package's own calls."""

from __future__ import annotations

import logging
import math
import os
import select
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ValidationError

import edge.daemon
from edge.config import ConfigError, load
from edge.delivery import Alarm, AlarmSettings, DeliveryError, VehicleSettings
from edge.delivery.alarm import Ladder
from edge.delivery.alarm_outputs import Buzzer, Pattern, Sound
from edge.events import DeviceIdentity, Event

from . import sleeper
from .parts import REPOSITORY, free_port, make_event, wait_for

DEVICE = DeviceIdentity("cab-7")
WRITE = 'echo "$MIEN_KIND $MIEN_SEVERITY $MIEN_PHASE $MIEN_EPISODE_ID" >> "$0"'

Severity = Literal["info", "notice", "warning", "critical"]
Phase = Literal["start", "update", "end"]


def told(phase: Phase, episode: str, severity: Severity = "warning", kind: str = "microsleep") -> Event:
    """An event of an episode, with a kind and severity to choose."""
    event = make_event(DEVICE)
    fields = {"phase": phase, "episode_id": episode, "severity": severity, "kind": kind}
    return event.model_copy(update={"data": event.data.model_copy(update=fields)})


class Drive:
    """A ladder and what happens to it."""

    def __init__(self) -> None:
        self.ladder = Ladder()

    def heed(self, at_s: float, *events: Event) -> str | None:
        self.ladder.heed([event.data for event in events], at_s)
        return self.at(at_s)

    def at(self, at_s: float) -> str | None:
        sound = self.ladder.sound(at_s)
        return f"{sound.episode_id} {sound.severity}" if sound else None


def test_the_highest_severity_sounds_and_silence_comes_with_the_last_end() -> None:
    drive = Drive()
    assert drive.heed(0, told("start", "yawn", "info")) is None
    assert drive.heed(1, told("start", "a", "notice")) == "a notice"
    assert drive.heed(2, told("start", "b", "critical")) == "b critical"
    assert drive.heed(3, told("start", "c", "warning")) == "b critical"
    assert drive.heed(4, told("update", "b", "critical")) == "b critical"
    assert drive.heed(5, told("end", "b", "critical")) == "c warning"
    assert drive.heed(6, told("end", "c", "warning")) is None, "the notice was for its moment"
    assert drive.heed(7, told("end", "a", "notice")) is None


def test_an_episode_that_gets_worse_alarms_anew_and_one_that_calms_down_falls_silent() -> None:
    drive = Drive()
    assert drive.heed(0, told("start", "a", "info")) is None
    assert drive.heed(1, told("update", "a", "warning")) == "a warning"
    assert drive.heed(2, told("update", "a", "critical")) == "a critical"
    assert drive.heed(3, told("update", "a", "warning")) == "a warning"
    assert drive.heed(4, told("update", "a", "info")) is None


def test_ends_of_one_frame_do_not_sound_what_lies_beneath() -> None:
    drive = Drive()
    drive.heed(0, told("start", "micro", "warning"))
    drive.heed(1, told("start", "sleep", "critical"))
    assert drive.heed(2, told("end", "sleep", "critical"), told("end", "micro", "warning")) is None


def test_an_alarm_that_is_over_at_once_is_heard_all_the_same() -> None:
    drive = Drive()
    assert drive.heed(0, told("start", "a"), told("end", "a")) == "a warning"
    assert drive.at(0.1) == "a warning"
    assert drive.at(0.2) is None


def test_a_snooze_silences_all_but_critical_and_what_still_runs_comes_back() -> None:
    drive = Drive()
    drive.heed(0, told("start", "a", "warning"))
    drive.ladder.snooze(60, 1.0)
    assert drive.at(1) is None
    assert drive.heed(2, told("start", "b", "notice")) is None
    assert drive.heed(3, told("start", "c", "critical")) == "c critical"
    assert drive.heed(4, told("end", "c", "critical")) is None
    assert drive.ladder.changes_in_s(4) == pytest.approx(57)
    assert drive.at(60.9) is None
    assert drive.at(61.1) == "a warning"


def test_beeps_are_once_repeated_or_without_end() -> None:
    notice, warning, critical = Pattern(0.15, math.inf), Pattern(0.3, 0.7), Pattern(math.inf, 0.0)
    assert notice.at(0.0) == (True, 0.15)
    assert notice.at(0.2) == (False, math.inf)
    assert [warning.at(t)[0] for t in (0.0, 0.29, 0.31, 0.99, 1.01, 1.31)] == [True, True, False, False, True, False]
    assert critical.at(1e6) == (True, math.inf)


# Programs


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def shell(script: str, *arguments: str | Path) -> list[str]:
    return ["sh", "-c", script, *map(str, arguments)]


def test_a_program_runs_within_a_moment_and_knows_what_it_is_about(tmp_path: Path) -> None:
    delays_ms = []
    for number in range(5):
        said = tmp_path / f"said-{number}"
        with Alarm(AlarmSettings(command=shell(WRITE, said))) as alarm:
            time.sleep(0.05)
            start = time.monotonic()
            alarm.tell([told("start", "e1", "critical", "sleep")])
            assert wait_for(lambda path=said: bool(lines(path)))  # type: ignore[misc]
            delays_ms.append((time.monotonic() - start) * 1000)
        assert lines(said)[0] == "sleep critical start e1"
    print(f"alarm to a line in a file, through sh: {[round(ms) for ms in delays_ms]} ms")
    assert statistics.median(delays_ms) < 250


def test_a_warning_is_repeated_until_it_ends_and_then_stopped_with_all_it_started(tmp_path: Path) -> None:
    said, child = tmp_path / "said", tmp_path / "child"
    settings = AlarmSettings(
        command={
            "warning": shell(WRITE, said),
            "critical": shell('sleep 60 & echo $! > "$0.new"; mv "$0.new" "$0"; wait', child),
        },
        warning_pause_s=0.05,
    )
    with Alarm(settings) as alarm:
        alarm.tell([told("start", "a")])
        assert wait_for(lambda: len(lines(said)) >= 3)
        alarm.tell([told("start", "b", "critical", "sleep")])
        assert wait_for(child.exists)
        grandchild = int(child.read_text())
        spoken = len(lines(said))
        assert _runs(grandchild)
        alarm.tell([told("end", "b", "critical", "sleep"), told("end", "a")])
        assert wait_for(lambda: not _runs(grandchild), 3)
        time.sleep(0.3)
        assert len(lines(said)) == spoken
    assert lines(said)[:2] == ["microsleep warning start a", "microsleep warning update a"]


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_notice_speaks_once_and_to_its_end(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with Alarm(AlarmSettings(command=shell(f"sleep 0.3; {WRITE}", said))) as alarm:
        alarm.tell([told("start", "a", "notice", "yawn"), told("end", "a", "notice", "yawn")])
        assert wait_for(lambda: bool(lines(said)))
        time.sleep(0.3)
    assert lines(said) == ["yawn notice start a"]


def test_a_program_can_hear_of_the_end(tmp_path: Path) -> None:
    said = tmp_path / "said"
    settings = AlarmSettings(command=shell(WRITE, said), command_repeat=False, command_at_end=True)
    with Alarm(settings) as alarm:
        alarm.tell([told("start", "a")])
        assert wait_for(lambda: len(lines(said)) == 1)
        alarm.tell([told("end", "a")])
        assert wait_for(lambda: len(lines(said)) == 2)
        alarm.tell([told("start", "b")])
        assert wait_for(lambda: len(lines(said)) == 3)
    assert [line.split()[2:] for line in lines(said)] == [["start", "a"], ["end", "a"], ["start", "b"], ["end", "b"]]


def test_a_program_that_hangs_is_killed_and_the_frame_loop_never_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = tmp_path / "runs"
    deaf = shell('trap "" TERM; echo x >> "$0"; while :; do sleep 0.1; done', runs)
    took_ms = []
    with Alarm(AlarmSettings(command=deaf, command_limit_s=0.3)) as alarm:
        alarm.tell([told("start", "a", "critical", "sleep")])
        while len(lines(runs)) < 2:
            start = time.perf_counter()
            alarm.tell([told("update", "a", "critical", "sleep")])
            took_ms.append((time.perf_counter() - start) * 1000)
            time.sleep(0.002)
        closing = time.monotonic()
    assert time.monotonic() - closing < 2
    print(f"tell: median {statistics.median(took_ms):.4f} ms, longest {max(took_ms):.2f} ms of {len(took_ms)}")
    assert statistics.median(took_ms) < 1.0
    hung = [record.message for record in caplog.records if "still ran after 0.3 s" in record.message]
    assert len(hung) == 1, "told once"


def test_a_missing_program_is_one_line_at_the_start_and_the_others_sound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = tmp_path / "said"
    settings = AlarmSettings(
        command={"warning": ["no-such-siren"], "critical": shell(WRITE, said)}, warning_pause_s=0.01
    )
    with caplog.at_level(logging.WARNING), Alarm(settings) as alarm:
        assert [record.message for record in caplog.records] == [
            "alarm.command: no-such-siren is not a program on this device; its alarms will not be heard"
        ]
        alarm.tell([told("start", "a")])
        time.sleep(0.2)
        alarm.tell([told("start", "b", "critical")])
        assert wait_for(lambda: bool(lines(said)))
    assert len(caplog.records) == 2, "and one when it was needed"


def test_a_password_is_not_handed_to_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_MQTT_PASSWORD", "hush")
    said = tmp_path / "said"
    with Alarm(AlarmSettings(command=shell('env > "$0.new"; mv "$0.new" "$0"', said))) as alarm:
        alarm.tell([told("start", "a")])
        assert wait_for(said.exists)
    assert "MIEN_KIND=microsleep" in lines(said)
    assert "hush" not in said.read_text()


def test_a_snooze_has_a_limit(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with Alarm(AlarmSettings(command=shell(WRITE, said), snooze_limit_s=0.3, warning_pause_s=0.05)) as alarm:
        alarm.snooze(1e9)
        alarm.tell([told("start", "a")])
        time.sleep(0.15)
        assert not said.exists()
        assert wait_for(said.exists, 2)


# A terminal


def test_the_bell_rings_on_a_terminal_once_for_a_notice_and_on_and_on_for_critical() -> None:
    near, far = os.openpty()
    with os.fdopen(near, "rb", buffering=0) as listener, os.fdopen(far, "w") as terminal:

        def rings(for_s: float) -> int:
            until_s, count = time.monotonic() + for_s, 0
            while (left_s := until_s - time.monotonic()) > 0:
                if select.select([listener], [], [], left_s)[0]:
                    count += listener.read(100).count(b"\a")
            return count

        with Alarm(AlarmSettings(bell=True), terminal=terminal) as alarm:
            alarm.tell([told("start", "a", "notice")])
            assert rings(0.35) == 1
            alarm.tell([told("start", "b", "critical")])
            assert rings(0.8) >= 3
            alarm.tell([told("end", "b", "critical")])
            rings(0.1)
            assert rings(0.3) == 0


def test_a_bell_without_a_terminal_is_told_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (tmp_path / "log").open("w") as file, Alarm(AlarmSettings(bell=True), terminal=file) as alarm:
        alarm.tell([told("start", "a")])
    assert ["not started in a terminal" in record.message for record in caplog.records] == [True]


# GPIO


class FakeGpiod:
    """The part of gpiod 2 that a buzzer needs, remembering what was called, with times."""

    def __init__(self, refuse: Exception | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.times_s: list[float] = []
        self.refuse = refuse
        self.fails = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        line: Any = ModuleType("gpiod.line")
        line.Value = SimpleNamespace(ACTIVE="on", INACTIVE="off")
        line.Direction = SimpleNamespace(OUTPUT="output")
        gpiod: Any = ModuleType("gpiod")
        gpiod.line, gpiod.LineSettings, gpiod.request_lines = line, dict, self._request
        monkeypatch.setitem(sys.modules, "gpiod", gpiod)
        monkeypatch.setitem(sys.modules, "gpiod.line", line)

    def _request(self, path: str, *, consumer: str, config: dict[int | str, dict[str, Any]]) -> FakeGpiod:
        if self.refuse is not None:
            raise self.refuse
        self.calls.append(("request", path, consumer, config))
        return self

    def set_value(self, line: int | str, value: str) -> None:
        if self.fails > 0:
            self.fails -= 1
            raise OSError(5, "Input/output error")
        self.calls.append((line, value))
        self.times_s.append(time.monotonic())

    def release(self) -> None:
        self.calls.append(("release",))


BUZZER = AlarmSettings(
    gpio_chip=Path("/dev/gpiochip0"), gpio_line=17, notice_beep_s=0.1, warning_beep_s=0.1, warning_pause_s=0.1
)


def test_the_buzzer_beeps_by_severity_and_ends_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    gpiod = FakeGpiod()
    gpiod.install(monkeypatch)
    with Alarm(BUZZER) as alarm:
        alarm.tell([told("start", "a", "notice")])
        assert wait_for(lambda: len(gpiod.times_s) == 2)
        time.sleep(0.3)
        assert gpiod.calls[1:] == [(17, "on"), (17, "off")], "one short beep"
        assert gpiod.times_s[1] - gpiod.times_s[0] == pytest.approx(0.1, abs=0.08)
        alarm.tell([told("start", "b", "warning")])
        assert wait_for(lambda: len(gpiod.times_s) >= 8)
        alarm.tell([told("start", "c", "critical")])
        time.sleep(0.1)
        steady = len(gpiod.calls)
        assert gpiod.calls[-1] == (17, "on")
        time.sleep(0.4)
        assert len(gpiod.calls) == steady, "critical does not pause"
        alarm.tell([told("end", "c", "critical"), told("end", "b")])
        assert wait_for(lambda: gpiod.calls[-1] == (17, "off"), 1)
        alarm.tell([told("start", "d", "critical")])
        assert wait_for(lambda: gpiod.calls[-1] == (17, "on"), 1)
    assert gpiod.calls[0] == (
        *("request", "/dev/gpiochip0", "mien-alarm"),
        {17: {"direction": "output", "active_low": False, "output_value": "off"}},
    )
    assert gpiod.calls[-2:] == [(17, "off"), ("release",)], "left silent"


def test_a_line_that_fails_is_told_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gpiod = FakeGpiod()
    gpiod.install(monkeypatch)
    gpiod.fails = 3
    with Alarm(BUZZER) as alarm:
        alarm.tell([told("start", "a", "critical")])
        assert wait_for(lambda: (17, "on") in gpiod.calls, 2)
    assert [record.message for record in caplog.records] == [
        "alarm.gpio: [Errno 5] Input/output error; monitoring goes on"
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory"), "/dev/gpiochip0, gpio_line 17: No such file or directory"),
        (PermissionError(13, "Permission denied"), "Permission denied; .* group"),
        (OSError(16, "Device or resource busy"), "Device or resource busy"),
        (ValueError("line offset of out range"), "out range"),
    ],
)
def test_a_line_that_cannot_be_had_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    FakeGpiod(refuse=error).install(monkeypatch)
    with pytest.raises(DeliveryError, match=words) as refusal:
        Alarm(BUZZER)
    assert "\n" not in str(refusal.value)


def test_without_the_package_the_buzzer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(DeliveryError, match=r"pip install 'mien\[gpio\]'"):
        Alarm(BUZZER)


def test_the_real_package_takes_our_calls_and_misses_the_chip() -> None:
    pytest.importorskip("gpiod", reason="gpiod is not installed: pip install 'mien[gpio]'")
    missing = BUZZER.model_copy(update={"gpio_chip": Path("/dev/gpiochip-of-nobody")})
    with pytest.raises(DeliveryError, match="No such file or directory"):
        Buzzer(missing)


# Settings


@pytest.mark.parametrize(
    ("alarm", "words"),
    [
        ('command = "aplay alarm.wav"', "alarm.command: must be a list of arguments"),
        ("command = []", "alarm.command"),
        ('[alarm.command]\nloud = ["a"]', "alarm.command"),
        ('gpio_chip = "/dev/gpiochip0"', "gpio_chip and gpio_line go together"),
        ("command_limit_s = 0", "alarm.command_limit_s"),
        ("bells = true", "alarm.bells: unknown key"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(tmp_path: Path, alarm: str, words: str) -> None:
    file = tmp_path / "mien.toml"
    file.write_text(f"{'' if alarm.startswith('[') else '[alarm]'}\n{alarm}\n")
    with pytest.raises(ConfigError) as error:
        load(file)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_one_command_may_serve_all_severities_or_each_have_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mien.toml"
    file.write_text('[alarm]\ncommand = ["aplay", "alarm.wav"]\n')
    assert load(file).alarm.command == dict.fromkeys(("notice", "warning", "critical"), ("aplay", "alarm.wav"))
    file.write_text('[alarm.command]\ncritical = ["siren"]\n')
    assert load(file).alarm.command == {"critical": ("siren",)}
    with pytest.raises(ValidationError):
        AlarmSettings(bell=True).bell = False  # type: ignore[misc]


@pytest.mark.parametrize("model", [AlarmSettings, VehicleSettings])
def test_every_setting_has_a_title_and_a_description(model: type[BaseModel]) -> None:
    assert not [name for name, field in model.model_fields.items() if not (field.title and field.description)]


# The whole daemon, its driver asleep


def wait_in_thread(what: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=what)
    thread.start()
    return thread


def test_the_alarm_sounds_before_the_event_is_in_the_outbox(tmp_path: Path) -> None:
    """Another program holds the outbox, the broker is away: the driver hears it, the event still waits for the disk."""
    path, alarm = tmp_path / "outbox.sqlite", tmp_path / "alarm"
    at_s: dict[str, float] = {}

    def alarmed() -> bool:
        if alarm.is_symlink():
            at_s.setdefault("alarm", time.monotonic())
        return alarm.is_symlink()

    config = sleeper.config(
        path, f"mqtt://127.0.0.1:{free_port()}", alarm={"command": [*sleeper.LINK_THE_ALARM, str(alarm)]}
    )
    with sleeper.sleeping(alarmed) as pictures:
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        pictures.begun = lambda: holder.execute("BEGIN IMMEDIATE")

        def stored(event: Event) -> None:
            at_s.setdefault(event.data.kind, time.monotonic())

        daemon = wait_in_thread(lambda: edge.daemon.run(config, need_broker=False, on_event=stored, drain_s=0.0))
        assert wait_for(alarmed)
        assert alarm.readlink().name.partition("-")[2] in {"warning", "critical"}
        assert holder.execute("SELECT COUNT(*) FROM events").fetchone() == (0,)
        assert "microsleep" not in at_s
        time.sleep(0.2)
        holder.execute("ROLLBACK")
        daemon.join(10)
        assert not daemon.is_alive()
        holder.close()
    print(f"the alarm sounded {at_s['microsleep'] - at_s['alarm']:.2f} s before the event was stored")
    assert at_s["microsleep"] - at_s["alarm"] > 0.15


@pytest.mark.parametrize(
    ("disk", "outbox"),
    [("full", "outbox.sqlite"), ("fills", "outbox.sqlite"), ("fine", "/proc/outbox.sqlite")],
    ids=["full from the start", "fills up", "not to be written"],
)
def test_the_alarm_sounds_with_the_disk_full_or_read_only_and_the_broker_away(
    tmp_path: Path, disk: str, outbox: str
) -> None:
    alarm = tmp_path / "alarm"
    command = ["-m", "tests.delivery.sleeper", tmp_path / outbox, f"mqtt://127.0.0.1:{free_port()}", alarm, disk]
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert alarm.readlink().name.partition("-")[2] in {"warning", "critical"}
    assert f"outbox {tmp_path / outbox}: " in done.stderr, "the disk did refuse"
    assert "Traceback" not in done.stderr


def test_a_broker_that_never_answers_does_not_hold_up_the_monitor(tmp_path: Path) -> None:
    alarm = tmp_path / "alarm"
    with socket.create_server(("127.0.0.1", 0)) as silent, sleeper.sleeping(alarm.is_symlink):
        config = sleeper.config(
            tmp_path / "outbox.sqlite",
            f"mqtt://127.0.0.1:{silent.getsockname()[1]}",
            alarm={"command": [*sleeper.LINK_THE_ALARM, str(alarm)]},
        )
        start = time.monotonic()
        daemon = wait_in_thread(lambda: edge.daemon.run(config, need_broker=False, drain_s=0.0))
        assert wait_for(alarm.is_symlink)
        took_s = time.monotonic() - start
        daemon.join(15)
        assert wait_for(lambda: not any(thread.name == "mien-publisher" for thread in threading.enumerate()))
    print(f"from start to alarm, 41.5 s of driving as fast as it goes, no answer from the broker: {took_s:.2f} s")
    assert took_s < 1.5, "less than one attempt to connect takes"


def test_frames_are_not_held_up_while_programs_start(tmp_path: Path) -> None:
    """A loop that does nothing else, beside an alarm whose command is started again and again."""

    def gaps_ms(for_s: float) -> list[float]:
        gaps, last = [], time.perf_counter()
        until = last + for_s
        while last < until:
            time.sleep(0.001)
            now = time.perf_counter()
            gaps.append((now - last) * 1000)
            last = now
        return gaps

    quiet = gaps_ms(0.5)
    with Alarm(AlarmSettings(command=["true"])) as alarm:
        alarm.tell([told("start", "a", "critical")])
        loud = gaps_ms(1.0)
    print(f"a turn of the loop: {_spread(quiet)} in silence, {_spread(loud)} under alarm")
    assert statistics.median(loud) < statistics.median(quiet) + 1.0


def _spread(values: Iterable[float]) -> str:
    ordered = sorted(values)
    late = ordered[int(len(ordered) * 0.99)]
    return f"median {statistics.median(ordered):.2f}, 99 % {late:.2f}, longest {ordered[-1]:.1f} ms"


def test_a_sound_is_not_another_though_all_in_it_be_the_same() -> None:
    assert Sound("notice", "yawn", "a", "start", 0.0) != Sound("notice", "yawn", "a", "start", 0.0)
