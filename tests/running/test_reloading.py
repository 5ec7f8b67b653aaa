"""SIGHUP: a changed configuration is taken over by the daemon that runs, a wrong one is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from edge.demo.puppet import Script, write_clip
from edge.state import People, StateSettings
from edge.state.types import Episode
from tests.delivery.parts import REPOSITORY, Mosquitto, Subscriber, wait_for
from tests.delivery.test_commands import Dispatcher
from tests.running.test_service import Systemd
from tests.state.scenes import drive, expressing, times


def rules(**tables: dict[str, float]) -> StateSettings:
    return StateSettings.model_validate(tables)


def told(changes: list[Episode]) -> list[str]:
    return [f"{change.kind} {change.phase}" for change in changes]


def test_another_threshold_holds_from_the_next_frame_on() -> None:
    people = People(rules(eyes={"microsleep_s": 1.5}))
    drowsy = drive(times(24, 20), [(5, 6.2), (15, 16.2)])
    changes = [change for seen in drowsy if seen.t_s < 10 for change in people.update(seen)]
    changes += people.adopt(rules(eyes={"microsleep_s": 1.0}))
    assert told(changes) == []
    changes = [change for seen in drowsy if seen.t_s >= 10 for change in people.update(seen)]
    assert told(changes) == ["microsleep start", "microsleep end"]


def test_what_runs_under_the_old_rules_ends_and_the_other_rules_go_on() -> None:
    people = People(rules())
    for seen in drive(times(5, 20), [(2, 100)]):
        people.update(seen)
    smiling = expressing(times(10, 20, from_s=5.05), lambda _t_s: "happiness")
    for seen in smiling[:40]:
        people.update(seen)
    assert people.adopt(rules()) == []
    assert [state.label for state in people.expressions()] == ["happiness"]
    ends = people.adopt(rules(attention={"aside_deg": 40.0}))
    assert "happiness end" not in told(ends)
    assert [state.label for state in people.expressions()] == ["happiness"]
    assert told(people.adopt(rules(attention={"aside_deg": 40.0}, expression={"dwell_s": 0.6}))) == ["happiness end"]
    assert people.expressions() == []


def test_a_daemon_that_is_told_reads_its_configuration_anew(
    face_models: Path, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    clip, config, errors = tmp_path / "nodding-off.mp4", tmp_path / "mien.toml", tmp_path / "stderr"
    write_clip(clip, Script(duration_s=4.0, closures=((1.5, 2.7),)), fps=12)
    systemd = Systemd(tmp_path / "notify")
    hears, dispatcher = Subscriber(mosquitto.port), Dispatcher(mosquitto.port)

    def configure(microsleep_s: float, host: str) -> None:
        config.write_text(
            f"""device = "cab-7"
            broker.url = "mqtt://{host}:{mosquitto.port}"
            outbox.path = "{tmp_path / "outbox.sqlite"}"
            state.eyes.microsleep_s = {microsleep_s}
            [camera]
            source = "{clip}"
            loop = true
            """
        )

    def says(text: str) -> bool:
        return wait_for(lambda: text in errors.read_text(), 10)

    def microsleep_s() -> float:
        held: float = dispatcher.ask("command/config")["config"]["state"]["eyes"]["microsleep_s"]
        return held

    def kinds() -> set[str]:
        return {json.loads(event)["data"]["kind"] for event in hears.payloads("driver/event")}

    configure(2.0, "127.0.0.1")
    environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    with errors.open("wb") as said:
        command = [sys.executable, "-m", "edge.cli", "run", "--config", str(config)]
        daemon = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=said)
    try:
        assert wait_for(systemd.hears("READY=1"), 60), errors.read_text()
        assert wait_for(lambda: len(hears.payloads("watch/state")) >= 2)

        configure(200.0, "localhost")
        daemon.send_signal(signal.SIGHUP)
        assert says(f"not reloaded: {config}:4: state.eyes.microsleep_s: must be a number from 0.5 to 10"), (
            errors.read_text()
        )
        assert microsleep_s() == 2.0
        seen = len(hears.payloads("driver/state"))
        assert wait_for(lambda: len(hears.payloads("driver/state")) > seen + 4), "it lives on"
        assert kinds() == set(), "eyes were closed for 1.2 s only"

        configure(0.8, "localhost")
        daemon.send_signal(signal.SIGHUP)
        assert says("reloaded: state.eyes.microsleep_s\n"), errors.read_text()
        assert says("these wait for the next start: broker.url\n")
        assert microsleep_s() == 0.8
        assert wait_for(lambda: kinds() == {"microsleep"}), "eyes are closed for 1.2 s again and again"
        systemd.hears("")()
        heard = [word for _, word in systemd.told if word in ("READY=1", "RELOADING=1")]
        assert heard == ["READY=1", *("RELOADING=1", "READY=1") * 2]

        began_s = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0, errors.read_text()
        assert time.monotonic() - began_s < 2.0
        assert wait_for(lambda: hears.payloads("cab-7/status")[-1:] == [b"stopped"], 5)
    finally:
        daemon.kill()
        daemon.wait()
        dispatcher.close()
        hears.close()
        systemd.close()
