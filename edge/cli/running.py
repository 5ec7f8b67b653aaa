"""``mien demo``, ``run``, ``doctor`` and ``status``: the daemon, and whether all is well with it."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli.options import Commands, add_broker, add_config, add_source, configured, on_stop_signal, overrides

if TYPE_CHECKING:
    from edge.running.reloading import Rereading


def add(commands: Commands) -> None:
    """Makes them."""
    demo = commands.add(
        "demo",
        _demo,
        "a puppet falls asleep: the whole way to MQTT, live",
        "Makes a clip of a portrait that blinks and falls asleep, runs the daemon on it with a broker of its own, "
        "prints each message as a subscriber receives it, and holds them against the clip's truth.",
    )
    demo.add_argument("--keep", type=Path, metavar="FILE", help="keep the puppet's clip (.mp4) here")

    run = commands.add(
        "run",
        _run,
        "read a camera and publish events",
        "Reads a camera, a stream or a file in real time and publishes what it shows over MQTT. Events are kept on "
        "disk until the broker has acknowledged them.",
    )
    add_source(run)
    add_config(run)
    add_broker(run)
    run.add_argument("--device", metavar="ID", help="this device's level in the topics (default: the host's name)")
    run.add_argument("--outbox", type=Path, metavar="FILE", help="where events wait for the broker")
    run.add_argument("--loop", action="store_true", help="begin a file again at its end")
    run.add_argument(
        "--allow-offline",
        action="store_true",
        help="start without a broker and deliver once it answers (always so with --config)",
    )

    vision = commands.add(
        "vision",
        _vision,
        "the half of mien run that sees the camera, without a network",
        "Reads the camera and judges what it shows as mien run does, but opens no network socket: events go into the "
        "outbox, all else through a Unix socket beside it to mien publish. Both take the same configuration.",
    )
    publish = commands.add(
        "publish",
        _publish,
        "the half of mien run that has the network, without a camera",
        "Publishes over MQTT what mien vision leaves in the outbox and says through the Unix socket beside it, and "
        "hands it commands and the vehicle's speed. Both take the same configuration.",
    )
    for half in (vision, publish):
        half.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            required=True,
            help="a TOML file, the same for both halves",
        )

    doctor = commands.add(
        "doctor",
        _doctor,
        "tries all that mien run needs; how to mend what fails",
        "Tries for real what mien run would use: models, camera, broker, alarm, rights, disk, clock, processor. Takes "
        "some 6 seconds; exit code 1 where one fails.",
    )
    add_source(doctor)
    add_config(doctor)
    add_broker(doctor)
    doctor.add_argument("--outbox", type=Path, metavar="FILE", help="where mien run is to keep its events")
    doctor.add_argument("--json", action="store_true", help="one JSON object a line: name, verdict, what, mend")

    status = commands.add(
        "status",
        _status,
        "what runs on this machine",
        "Tells what the daemon on this machine says of itself, broker or not. Exit code 1 where none runs, or one "
        "that has fallen silent. For devices elsewhere: mien watch --dashboard.",
    )
    add_config(status)
    status.add_argument("--outbox", type=Path, metavar="FILE", help="where the mien run asked about keeps its events")
    status.add_argument("--json", action="store_true", help="all of it, as JSON")


def _on_hangup(reread: Rereading) -> None:
    """Have SIGHUP say that the configuration is to be read anew."""

    def want(*_: object) -> None:
        reread.wanted = True

    signal.signal(signal.SIGHUP, want)


def _demo(arguments: argparse.Namespace) -> int:
    from edge.demo.show import show

    return show(keep=arguments.keep)


def _run(arguments: argparse.Namespace) -> int:
    need_broker = arguments.config is None and not arguments.allow_offline
    return _watch(arguments, need_broker=need_broker)


def _vision(arguments: argparse.Namespace) -> int:
    return _watch(arguments, need_broker=False, apart=True)


def _watch(arguments: argparse.Namespace, *, need_broker: bool, apart: bool = False) -> int:
    from edge.daemon import run
    from edge.delivery import format_event

    config = configured(arguments)
    if apart:
        from edge.running.apart import require_no_network

        require_no_network(config)
    stop = threading.Event()
    on_stop_signal(stop.set)
    log = logging.getLogger("mien")
    summary = run(
        config,
        stop=stop,
        need_broker=need_broker,
        on_event=lambda event: log.info("%s", format_event(event)),
        reread=_rereading(arguments),
        apart=apart,
    )
    fps = summary.frames / summary.seconds if summary.seconds else 0.0
    log.info(
        "%d frames in %.1f s (%.1f a second, %d dropped), %d events",
        *(summary.frames, summary.seconds, fps, summary.dropped, summary.events),
    )
    if summary.waiting and not apart:
        log.warning("%d events wait in %s; they go out with the next run", summary.waiting, config.outbox.path)
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    from edge.publishing import publish

    config = configured(arguments)
    stop = threading.Event()
    on_stop_signal(stop.set)
    waiting = publish(config, stop=stop, reread=_rereading(arguments))
    if waiting:
        log = logging.getLogger("mien")
        log.warning("%d events wait in %s; they go out with the next start", waiting, config.outbox.path)
    return 0


def _rereading(arguments: argparse.Namespace) -> Rereading | None:
    """Where there is a configuration file, how SIGHUP has it read anew."""
    from edge.config import reload
    from edge.running.reloading import Rereading

    if arguments.config is None:
        return None
    reread = Rereading(lambda old: reload(old, arguments.config, overrides(arguments)))
    _on_hangup(reread)
    return reread


def _doctor(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from edge.doctor import examine

    failed = 0
    for finding in examine(configured(arguments)):
        failed += finding.verdict == "fail"
        print(json.dumps(asdict(finding), ensure_ascii=False) if arguments.json else finding, flush=True)
    return 1 if failed else 0


def _status(arguments: argparse.Namespace) -> int:
    from edge.running.status import lines, look, publishing_lines

    report = look(configured(arguments).outbox.path)
    if report.trouble is not None:
        logging.getLogger("mien").warning("%s", report.trouble)
    status, publishing = report.status, report.publishing
    if arguments.json and (status is not None or publishing is not None):
        said = {} if status is None else status.model_dump(mode="json")
        said["publishing"] = None if publishing is None else publishing.model_dump(mode="json")
        print(json.dumps(said, indent=2, ensure_ascii=False))
    elif not arguments.json:
        said_lines = [] if status is None else lines(status)
        said_lines += [] if publishing is None else publishing_lines(publishing)
        print("".join(f"{line}\n" for line in said_lines), end="")
    return 0 if report.trouble is None else 1
