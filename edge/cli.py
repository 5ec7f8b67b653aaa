"""``mien``: from a camera's frames to events that other machines can act on, all of it on the device."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge import logs
from edge.errors import MienError
from edge.version import version

if TYPE_CHECKING:
    from edge.analysis import Analysis
    from edge.config import Config

_EPILOG = """\
first steps:
  mien models install               fetch MediaPipe's face models, once
  mien demo                         see it work: no camera, no broker needed
  mien doctor                       is all there that it needs?
  mien run 0                        camera 0, broker on this machine
  mien run 0 --broker mqtt://host   broker elsewhere
  mien watch --broker mqtt://host   see the events arrive
  mien analyze clip.mp4             what a clip shows
  mien config init mien.toml        begin a configuration; then: mien run --config mien.toml
  mien record 0 --out drive.jsonl   keep a drive as numbers, then tune the rules on it:
  mien replay drive.jsonl --config other.toml --plot drive.png
"""


_WATCH_EPILOG = """\
for scripts:
  mien watch --json --severity warning | jq .payload.data.kind
  mien watch --kind sleep --count 1 --seconds 60 && echo "asleep within the last minute"
  mien watch --validate -q --seconds 60     quiet and 0 where a minute's messages keep the contract
"""


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mien``; 0, or 2 for a mistake that the user can mend, said in a line."""
    arguments = _parser().parse_args(argv)
    level = logging.DEBUG if arguments.verbose else logging.WARNING if arguments.quiet else logging.INFO
    tell = logs.configure(level, arguments.log)
    try:
        result: int = arguments.run(arguments)
    except MienError as error:
        for line in str(error).splitlines():  # several for a configuration with several mistakes
            tell(line)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining when it closes stdout.
        sys.stderr.close()
        return 0
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mien", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"mien {version()}")
    common = argparse.ArgumentParser(add_help=False)
    loudness = common.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="say more on stderr")
    loudness.add_argument("-q", "--quiet", action="store_true", help="say only warnings on stderr")
    common.add_argument(
        "--log",
        choices=logs.FORMS,
        default="auto",
        help="lines for people or JSON lines on stderr (default: JSON where it goes to systemd's journal)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str,
        run: Any,  # noqa: ANN401
        help: str,
        description: str,
        epilog: str | None = None,
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            parents=[common],
            help=help,
            description=textwrap.fill(description, 79),
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run)
        return made

    demo = command(
        "demo",
        _demo,
        "a puppet falls asleep: the whole way to MQTT, live",
        "Makes a clip of a portrait that blinks and falls asleep, runs the daemon on it with a broker of its own, "
        "prints each message as a subscriber receives it, and holds them against the clip's truth.",
    )
    demo.add_argument("--keep", type=Path, metavar="FILE", help="keep the puppet's clip (.mp4) here")

    run = command(
        "run",
        _run,
        "read a camera and publish events",
        "Reads a camera, a stream or a file in real time and publishes what it shows over MQTT. Events are kept on "
        "disk until the broker has acknowledged them.",
    )
    run.add_argument(
        "source", nargs="?", help="camera number, device path, file or URL (default: the configuration's, else 0)"
    )
    _add_config(run)
    _add_broker(run)
    run.add_argument("--device", metavar="ID", help="this device's level in the topics (default: the host's name)")
    run.add_argument("--outbox", type=Path, metavar="FILE", help="where events wait for the broker")
    run.add_argument("--loop", action="store_true", help="begin a file again at its end")
    run.add_argument(
        "--allow-offline",
        action="store_true",
        help="start without a broker and deliver once it answers (always so with --config)",
    )

    doctor = command(
        "doctor",
        _doctor,
        "is all there that mien run needs? With the mend",
        "Tries for real what mien run would use: models, camera, broker, alarm, rights, disk, clock, processor. Takes "
        "some 6 seconds; exit code 1 where one fails.",
    )
    doctor.add_argument(
        "source", nargs="?", help="camera number, device path, file or URL (default: the configuration's, else 0)"
    )
    _add_config(doctor)
    _add_broker(doctor)
    doctor.add_argument("--outbox", type=Path, metavar="FILE", help="as of mien run")
    doctor.add_argument("--json", action="store_true", help="one JSON object a line: name, verdict, what, mend")

    status = command(
        "status",
        _status,
        "what runs on this machine",
        "Tells what the daemon on this machine says of itself, broker or not. Exit code 1 where none runs, or one "
        "that has fallen silent. For devices elsewhere: mien watch --dashboard.",
    )
    _add_config(status)
    status.add_argument("--outbox", type=Path, metavar="FILE", help="as of the mien run that is asked about")
    status.add_argument("--json", action="store_true", help="all of it, as JSON")

    analyze = command(
        "analyze",
        _analyze,
        "what a recording shows, as events",
        "Reads every frame of a clip as fast as the machine can. The same clip gives the same events; their times "
        "count from the clip's start.",
    )
    analyze.add_argument("clip", type=Path, help="a video file or a GIF")
    analyze.add_argument("--out", type=Path, metavar="FILE", help="write the events as JSON lines")
    _add_config(analyze)

    record = command(
        "record",
        _record,
        "keep what is read as numbers, to tune the rules on",
        "Reads a camera, a stream or a file and writes what it reads of each frame as a line of JSON: eyes, mouth, "
        "head, expression, where each face is. Numbers only, never a picture. A file is read frame by frame as fast as "
        "the machine can; a live source until Ctrl-C, --seconds, or its end. No broker is needed. A kill costs the "
        "last second at most.",
    )
    record.add_argument(
        "source", nargs="?", help="camera number, device path, file or URL (default: the configuration's, else 0)"
    )
    record.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="drive.jsonl, or drive.jsonl.gz: a quarter of the size"
    )
    record.add_argument("--seconds", type=_positive, metavar="N", help="stop after this much of it")
    record.add_argument("--device", metavar="ID", help="this device's name in the events (default: the host's name)")
    _add_config(record)

    replay = command(
        "replay",
        _replay,
        "run the rules over a recording",
        "Runs the state rules over a recording, many times faster than it was driven. With the settings of then (no "
        "--config) the events are those of then, byte for byte; with --config they are what other thresholds would "
        "have given.",
    )
    replay.add_argument("recording", type=Path, help="what mien record wrote")
    replay.add_argument(
        "--config", type=Path, metavar="FILE", help="a TOML file whose [state] tables replace the recorded settings"
    )
    replay.add_argument("--out", type=Path, metavar="FILE", help="write the events as JSON lines")
    replay.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the drive on one page (.png, .svg, .pdf); needs mien[plot]"
    )

    watch = command(
        "watch",
        _watch,
        "show events as they arrive",
        "Subscribes to a broker and prints the events and statuses of every device, one line each, until Ctrl-C or "
        "enough. A broken connection is mended by itself.",
        epilog=_WATCH_EPILOG,
    )
    _add_broker(watch)
    watch.add_argument("--topic", action="append", metavar="FILTER", help="subscribe to this instead; may be repeated")
    look = watch.add_mutually_exclusive_group()
    look.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line: topic and payload; with --validate also violations and notes",
    )
    look.add_argument(
        "--dashboard",
        action="store_true",
        help="fill the terminal: drivers, what goes on, last events, health; needs mien[watch]",
    )
    chosen = watch.add_argument_group("which messages", "without these all; of one option any, of different ones all")
    chosen.add_argument("--device", action="append", metavar="ID", help="of this device; may be repeated")
    chosen.add_argument(
        "--kind", action="append", metavar="KIND", help="events of this kind (mien events kinds); may be repeated"
    )
    chosen.add_argument(
        "--severity", choices=("info", "notice", "warning", "critical"), help="events at least as grave as this"
    )
    chosen.add_argument(
        "--subject",
        action="append",
        choices=("driver", "expression", "audience"),
        help="what is about this; may be repeated",
    )
    watch.add_argument(
        "--validate",
        action="store_true",
        help="hold every message, states included, against the contract and tell what violates it; with -q show "
        "nothing else. Exit code 1 where something did",
    )
    watch.add_argument(
        "--count",
        type=_positive_int,
        metavar="N",
        help="end after N messages; exit code 1 where --seconds ends it first",
    )
    watch.add_argument("--seconds", type=_positive, metavar="S", help="end S seconds after subscribing")

    _add_events(commands, common)

    models = commands.add_parser(
        "models",
        help="install, list, verify and choose the models",
        description="The face models (MediaPipe's) and the expression models (mien's own and yours).",
    ).add_subparsers(required=True, metavar="COMMAND")
    install = models.add_parser(
        "install",
        parents=[common],
        help="fetch MediaPipe's face models",
        description="Takes the face detector, face mesh and iris models out of mediapipe's wheel, checks their "
        "sha256 and puts them into the user's data folder (or $MIEN_MODELS).",
    )
    install.add_argument("--wheel", type=Path, metavar="FILE", help="a mediapipe wheel at hand, instead of the index")
    install.add_argument("--force", action="store_true", help="install anew even where all is right")
    install.set_defaults(run=_models_install)
    listing = models.add_parser(
        "list",
        parents=[common],
        help="which models are there",
        description="Shows the face models and the expression models: which is active (*), its accuracy on FER2013's "
        "PrivateTest as int8, its temperature. Hashes are looked at; mien models verify also runs them.",
    )
    listing.set_defaults(run=_models_list)
    verify = models.add_parser(
        "verify",
        parents=[common],
        help="check models: seal, hash, shapes, self-test",
        description="Checks each model and says so in a line: an expression model's manifest (schema, seal), its hash, "
        "shapes and answers to its golden faces, tried in a process of its own first; a face model's hash. "
        "Exit code 1 where one fails.",
    )
    verify.add_argument(
        "models",
        nargs="*",
        metavar="NAME|PATH",
        help="shipped, an installed expression model, or a bundle's folder (default: all models that are there)",
    )
    _add_allow_unverified(verify)
    verify.set_defaults(run=_models_verify)
    use = models.add_parser(
        "use",
        parents=[common],
        help="choose the expression model",
        description="Verifies an expression model, copies it into the user's data folder where it is not there yet, "
        "and has it run from the next start on. 'mien models use shipped' goes back to mien's own. Should the model "
        "be found damaged later, mien's own takes over and the device's info says why.",
    )
    use.add_argument("model", metavar="NAME|PATH", help="shipped, an installed model's name, or a bundle's folder")
    use.add_argument("--force", action="store_true", help="replace an installed model of the same name")
    _add_allow_unverified(use)
    use.set_defaults(run=_models_use)
    _add_config_command(commands, common)
    return parser


def _add_allow_unverified(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-unverified",
        action="store_true",
        help="also take a bare .tflite file without a manifest, tried in a process of its own first",
    )


def _add_config_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    verbs = commands.add_parser(
        "config",
        help="check, show and begin a configuration file",
        description="The configuration: docs/configuration.md has every key. Of the default, the preset, the file, the "
        "environment (MIEN_BROKER__URL sets broker.url) and the command line, the later wins.",
    ).add_subparsers(required=True, metavar="VERB")
    for name, run, help, description in (
        (
            *("check", _config_check, "whether a file is right, and all that is wrong with it"),
            "Reads the file, the environment and the options as mien run would; says in a line that all is fine, or "
            "names file, line, key and reason of each mistake and ends with 2.",
        ),
        (
            *("show", _config_show, "what is in effect, and where each value comes from"),
            "Prints every value in effect as TOML, beside it whether the default, the preset, a line of the file, the "
            "environment or the command line set it. Passwords are not shown.",
        ),
    ):
        verb = verbs.add_parser(name, parents=[common], help=help, description=description)
        verb.add_argument("config", nargs="?", type=Path, metavar="FILE", help="a TOML file (default: none)")
        _add_preset(verb)
        _add_broker(verb)
        verb.add_argument("--device", metavar="ID", help="as of mien run")
        verb.set_defaults(run=run)
    schema = verbs.add_parser(
        "schema", parents=[common], help="the file's JSON Schema", description="Prints the JSON Schema, for editors."
    )
    schema.set_defaults(run=_config_schema)
    init = verbs.add_parser(
        "init",
        parents=[common],
        help="write a file to begin with",
        description="Writes every key with its meaning, bounds and default, commented out; without FILE, prints it.",
    )
    init.add_argument("file", nargs="?", type=Path, metavar="FILE", help="where to; never over a file that is there")
    _add_preset(init)
    init.add_argument("--force", action="store_true", help="write over a file that is there")
    init.set_defaults(run=_config_init)


def _add_events(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    events = commands.add_parser(
        "events",
        help="the contract with subscribers: schemas, examples, kinds",
        description="Prints the contract of the messages, piece by piece.",
    ).add_subparsers(required=True, metavar="WHAT")
    for name, help, argument, optional in (
        ("kinds", "the kinds of events: subject, severities, meaning", "", False),
        ("example", "a message as the device sends it, to test a subscriber with", "KIND|PAYLOAD", False),
        ("schema", "a payload's JSON Schema; without NAME all of them", "NAME", True),
        ("asyncapi", "topics, guarantees and messages as an AsyncAPI 3 document", "", False),
    ):
        piece = events.add_parser(name, parents=[common], help=help, description=f"Prints {help}.")
        if argument:
            piece.add_argument("name", metavar=argument, nargs="?" if optional else None)
        piece.set_defaults(run=_events, what=name)


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file; options on the command line win")
    _add_preset(parser)


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset", metavar="NAME", help="driver (no expressions), kiosk (no driver's rules) or full (the default)"
    )


def _add_broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--broker",
        metavar="URL",
        help="mqtt://[user@]host[:port], mqtts:// for TLS, ws:// or wss:// for WebSockets (default: mqtt://localhost)",
    )
    parser.add_argument("--root", metavar="TOPIC", help="what all topics begin with (default: mien/1)")


def _config(arguments: argparse.Namespace) -> Config:
    from edge.config import load

    return load(vars(arguments).get("config"), _overrides(arguments))


def _overrides(arguments: argparse.Namespace) -> dict[str, dict[str, Any] | str]:
    """What the command line's options set in the configuration."""
    from edge.delivery.settings import typed_url

    given = vars(arguments)
    overrides: dict[str, Any] = {
        "camera": {"source": given.get("source"), "loop": given.get("loop") or None},
        "broker": {"url": typed_url(given["broker"]) if given.get("broker") else None, "root": given.get("root")},
        "outbox": {"path": given.get("outbox")},
    }
    tables: dict[str, dict[str, Any] | str] = {
        table: {key: value for key, value in values.items() if value is not None} for table, values in overrides.items()
    }
    tables |= {key: given[key] for key in ("device", "preset") if given.get(key) is not None}
    return tables


def _demo(arguments: argparse.Namespace) -> int:
    from edge.demo.show import show

    return show(keep=arguments.keep)


def _run(arguments: argparse.Namespace) -> int:
    from edge.daemon import run
    from edge.delivery import format_event

    config = _config(arguments)
    stop = threading.Event()
    _on_stop_signal(stop.set)
    log = logging.getLogger("mien")
    need_broker = arguments.config is None and not arguments.allow_offline
    summary = run(
        config, stop=stop, need_broker=need_broker, on_event=lambda event: log.info("%s", format_event(event))
    )
    fps = summary.frames / summary.seconds if summary.seconds else 0.0
    log.info(
        "%d frames in %.1f s (%.1f a second, %d dropped), %d events",
        *(summary.frames, summary.seconds, fps, summary.dropped, summary.events),
    )
    if summary.waiting:
        log.warning("%d events wait in %s; they go out with the next run", summary.waiting, config.outbox.path)
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from edge.doctor import examine

    failed = 0
    for finding in examine(_config(arguments)):
        failed += finding.verdict == "fail"
        print(json.dumps(asdict(finding), ensure_ascii=False) if arguments.json else finding, flush=True)
    return 1 if failed else 0


def _status(arguments: argparse.Namespace) -> int:
    from edge.running.status import lines, look

    report = look(_config(arguments).outbox.path)
    if report.trouble is not None:
        logging.getLogger("mien").warning("%s", report.trouble)
    if report.status is not None:
        print(report.status.model_dump_json(indent=2) if arguments.json else "\n".join(lines(report.status)))
    return 0 if report.trouble is None else 1


def _analyze(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from edge.analysis import analyze, write_events

    config = _config(arguments)
    with tqdm(unit=" frames", leave=False, disable=arguments.quiet or not sys.stderr.isatty()) as bar:

        def advance(total: int | None) -> None:
            bar.total = total
            bar.update()

        result = analyze(arguments.clip, config, on_frame=advance)
    if arguments.out is not None:
        write_events(result.events, arguments.out)
    if not arguments.quiet:
        _print_analysis(arguments.clip, result)
    return 0


def _print_analysis(clip: Path, result: Analysis) -> None:
    print(f"{clip.name}: {result.frames} frames, {result.duration_s:.1f} s, a face in {result.face_share:.0%} of them")
    for event in result.events:
        data = event.data
        noticed = f"at {event.time.timestamp() - result.began_at_s:6.2f} s"
        began_s = data.started_at.timestamp() - result.began_at_s
        since = f"since {began_s:.2f} s" if data.ended_at is None else f"for {data.duration_s:.2f} s"
        print(f"  {noticed}  {data.kind} {data.phase} ({data.severity}), {since}")
    if not result.events:
        print("  no events")
    if result.flips_per_minute is not None:
        before, after = result.flips_per_minute
        print(f"  expression label changes a minute: {before:.0f} frame by frame, {after:.0f} as published")


def _record(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from edge.daemon import Step
    from edge.delivery import format_event
    from edge.recording import record

    stop = threading.Event()
    _on_stop_signal(stop.set)
    log = logging.getLogger("mien")
    with tqdm(unit=" frames", leave=False, disable=arguments.quiet or not sys.stderr.isatty()) as bar:

        def advance(step: Step, total: int | None) -> None:
            bar.total = total
            bar.update(step.observation is not None)
            if total is None:  # live: somebody may be watching
                for event in step.events:
                    log.info("%s", format_event(event))

        done = record(_config(arguments), arguments.out, seconds=arguments.seconds, stop=stop, on_step=advance)
    log.info(
        "%s: %d frames, %.1f s, %.1f MB (%d dropped)",
        *(arguments.out, done.frames, done.seconds, arguments.out.stat().st_size / 1e6, done.dropped),
    )
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    from edge.analysis import write_events
    from edge.config import load
    from edge.recording import Recording, limits_of, recorded_settings, replay
    from edge.view.drive import Drive
    from edge.view.plot import draw_drive, duration, require_matplotlib

    if arguments.plot is not None:
        require_matplotlib()
    drive = None if arguments.plot is None else Drive()
    with Recording(arguments.recording) as recording:
        settings = recorded_settings(recording) if arguments.config is None else load(arguments.config).state
        started_s = time.monotonic()
        result = replay(recording, settings, drive=drive)
        took_s = time.monotonic() - started_s
    if arguments.out is not None:
        write_events(result.events, arguments.out)
    if drive is not None:
        source = recording.header.source
        title = f"{arguments.recording.name}: {duration(result.duration_s)} of "
        title += f"camera {source}" if source.isdecimal() else source
        if arguments.config is not None:
            title += f", judged by {arguments.config.name}"
        draw_drive(drive, arguments.plot, title=title, limits=limits_of(settings))
    if not arguments.quiet:
        _print_analysis(arguments.recording, result)
        print(f"  replayed in {took_s:.2f} s, {result.duration_s / took_s:.0f} times as fast as it was recorded")
    return 0


def _watch(arguments: argparse.Namespace) -> int:
    from edge.delivery import BrokerSettings, Watcher
    from edge.delivery.settings import typed_url
    from edge.delivery.watch import View
    from edge.delivery.watch.contract import Contract
    from edge.delivery.watch.lines import Lines
    from edge.delivery.watch.message import Selection
    from edge.events.catalogue import KINDS
    from edge.events.lookup import check_name

    given = {"url": arguments.broker and typed_url(arguments.broker), "root": arguments.root}
    settings = BrokerSettings.from_url(**{"url": "mqtt://localhost:1883"} | {k: v for k, v in given.items() if v})
    selection = Selection(
        devices=frozenset(arguments.device or ()),
        kinds=frozenset(check_name(kind, (known.name for known in KINDS), "kind") for kind in arguments.kind or ()),
        subjects=frozenset(arguments.subject or ()),
        severity=arguments.severity,
    )
    contract = Contract() if arguments.validate else None
    view: View = Lines(raw=arguments.json, only_findings=arguments.validate and arguments.quiet)
    topics = arguments.topic
    if arguments.dashboard:
        from edge.delivery.watch.board import require_rich

        require_rich()
        from edge.delivery.watch.dashboard import Dashboard

        # All that its devices say; what is chosen of that is for the board to show.
        topics = topics or selection.filters(settings.root, states=True)
        view, selection = Dashboard(settings.address, selection), Selection(devices=selection.devices)
    watcher = Watcher(
        settings,
        topics,
        view=view,
        selection=selection,
        contract=contract,
        count=arguments.count,
        seconds=arguments.seconds,
    )
    _on_stop_signal(watcher.stop)
    watcher.run()
    if contract is not None:
        logging.getLogger("mien").log(logging.WARNING if contract.wrong else logging.INFO, "%s", contract.summary())
    too_few = arguments.seconds is not None and watcher.shown < (arguments.count or 0)
    return 1 if too_few or (contract is not None and contract.wrong) else 0


def _events(arguments: argparse.Namespace) -> int:
    from edge.events import lookup
    from edge.events.asyncapi import asyncapi

    said: Any = {
        "kinds": lambda: "\n".join(lookup.kinds()),
        "example": lambda: lookup.example(arguments.name),
        "schema": lambda: lookup.schema(arguments.name),
        "asyncapi": asyncapi,
    }[arguments.what]()
    # A status is a bare word.
    print(said if isinstance(said, str) else json.dumps(said, indent=2, ensure_ascii=False))
    return 0


def _config_check(arguments: argparse.Namespace) -> int:
    from edge.config import load_with_origins
    from edge.config.writing import summary

    loaded = load_with_origins(arguments.config, _overrides(arguments))
    if not arguments.quiet:
        print(summary(arguments.config, loaded))
    return 0


def _config_show(arguments: argparse.Namespace) -> int:
    from edge.config import load_with_origins
    from edge.config.writing import shown

    print(shown(load_with_origins(arguments.config, _overrides(arguments))), end="")
    return 0


def _config_schema(_arguments: argparse.Namespace) -> int:
    from edge.config.page import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0


def _config_init(arguments: argparse.Namespace) -> int:
    from edge.config.writing import initial, write_initial

    if arguments.file is None:
        print(initial(arguments.preset), end="")
        return 0
    write_initial(arguments.file, arguments.preset, force=arguments.force)
    if not arguments.quiet:
        print(f"{arguments.file}: written; check it with: mien config check {arguments.file}")
    return 0


def _on_stop_signal(stop: Callable[[], None]) -> None:
    """Have Ctrl-C and SIGTERM end a command where it is ready to end, not in the midst of a message."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())


def _models_install(arguments: argparse.Namespace) -> int:
    from edge.models import face_models_folder
    from edge.models.install import install

    done = install(wheel=arguments.wheel, force=arguments.force, progress=not arguments.quiet)
    if not arguments.quiet:
        print(f"{face_models_folder()}: {'installed' if done else 'all there already'}")
    return 0


def _models_list(_arguments: argparse.Namespace) -> int:
    from edge.models import face_models_folder, status
    from edge.models.store import expression_models_folder, listing

    print(f"face models in {face_models_folder()}")
    for face_model in status():
        print(f"  {face_model.state:8} {face_model.name}")
    print(f"expression models in {expression_models_folder()}, * is active")
    models = listing()
    width = max(len(model.name) for model in models)
    for model in models:
        says = "bare, unverified" if model.manifest is None else ""
        if model.problem is not None:
            says = model.problem
        elif model.manifest is not None:
            accuracy = "not measured" if model.int8_accuracy is None else f"{model.int8_accuracy:.1%}"
            says = f"int8 accuracy {accuracy}, temperature {model.manifest.temperature:g}, {model.manifest.name}"
        print(f"{'*' if model.active else ' '} {'damaged' if model.problem else 'ok':8} {model.name:{width}}  {says}")
    return 0


def _models_verify(arguments: argparse.Namespace) -> int:
    from edge.expression import verify
    from edge.models import face_models_folder, shipped_expression, status
    from edge.models.store import find, installed

    paths = [find(name) for name in arguments.models] or [shipped_expression(), *installed()]
    all_right = True
    if not arguments.models:
        for model in status():
            print(f"{model.state:8} {model.path}")
            all_right &= model.state == "ok"
        if not all_right:
            print(f"mien: {face_models_folder()}: run: mien models install --force", file=sys.stderr)
    for path in paths:
        try:
            verify(path, allow_unverified=arguments.allow_unverified)
        except MienError as error:
            print(f"failed   {error}")
            all_right = False
        else:
            print(f"ok       {path}")
    return 0 if all_right else 1


def _models_use(arguments: argparse.Namespace) -> int:
    from edge.expression import use

    name = use(arguments.model, allow_unverified=arguments.allow_unverified, force=arguments.force)
    if not arguments.quiet:
        print(f"{name}: runs from the next start on")
        if name.endswith(".tflite"):
            print("A bare model also needs, in the configuration: [vision] allow_unverified = true")
    return 0


if __name__ == "__main__":
    sys.exit(main())
