"""``mien``: from a camera's frames to events that other machines can act on, all of it on the device."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import MienError
from edge.version import version

if TYPE_CHECKING:
    from edge.analysis import Analysis
    from edge.config import Config

_EPILOG = """\
first steps:
  mien models install               fetch MediaPipe's face models, once
  mien demo                         see it work: no camera, no broker needed
  mien run 0                        camera 0, broker on this machine
  mien run 0 --broker mqtt://host   broker elsewhere
  mien watch --broker mqtt://host   see the events arrive
  mien analyze clip.mp4             what a recording shows
"""


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mien``; 0, or 2 for a mistake that the user can mend, said in one line."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.WARNING if arguments.quiet else logging.INFO,
        format="mien: %(message)s",
        stream=sys.stderr,
    )
    try:
        result: int = arguments.run(arguments)
    except MienError as error:
        print(f"mien: {error}", file=sys.stderr)
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, help: str, description: str) -> argparse.ArgumentParser:  # noqa: ANN401
        made = commands.add_parser(name, parents=[common], help=help, description=description)
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

    watch = command(
        "watch",
        _watch,
        "show events as they arrive",
        "Subscribes to a broker and prints the events and statuses of every device, one line each, until Ctrl-C.",
    )
    _add_broker(watch)
    watch.add_argument("--topic", action="append", metavar="FILTER", help="subscribe to this instead; may be repeated")
    watch.add_argument("--json", action="store_true", help="one JSON object a line: topic and payload")

    models = commands.add_parser("models", help="install and list the models").add_subparsers(
        required=True, metavar="COMMAND"
    )
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
    listing = models.add_parser("list", parents=[common], help="which models are there")
    listing.set_defaults(run=_models_list)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file; options on the command line win")


def _add_broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--broker", metavar="URL", help="mqtt://[user@]host[:port], mqtts:// for TLS (default: mqtt://localhost)"
    )
    parser.add_argument("--root", metavar="TOPIC", help="what all topics begin with (default: mien/1)")


def _config(arguments: argparse.Namespace) -> Config:
    from edge.config import load

    given = vars(arguments)
    overrides: dict[str, Any] = {
        "camera": {"source": given.get("source"), "loop": given.get("loop") or None},
        "broker": {"url": given.get("broker"), "root": given.get("root")},
        "outbox": {"path": given.get("outbox")},
    }
    tables: dict[str, dict[str, Any] | str] = {
        table: {key: value for key, value in values.items() if value is not None} for table, values in overrides.items()
    }
    if given.get("device") is not None:
        tables["device"] = given["device"]
    return load(given.get("config"), tables)


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
        noticed = f"at {event.time.timestamp():6.2f} s"
        since = (
            f"since {data.started_at.timestamp():.2f} s" if data.ended_at is None else f"for {data.duration_s:.2f} s"
        )
        print(f"  {noticed}  {data.kind} {data.phase} ({data.severity}), {since}")
    if not result.events:
        print("  no events")
    if result.flips_per_minute is not None:
        before, after = result.flips_per_minute
        print(f"  expression label changes a minute: {before:.0f} frame by frame, {after:.0f} as published")


def _watch(arguments: argparse.Namespace) -> int:
    from edge.delivery import BrokerSettings, Watcher

    given = {"url": arguments.broker, "root": arguments.root}
    settings = BrokerSettings.from_url(**{"url": "mqtt://localhost:1883"} | {k: v for k, v in given.items() if v})
    watcher = Watcher(settings, arguments.topic, raw=arguments.json)
    _on_stop_signal(watcher.stop)
    watcher.run()
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
    from edge.models import shipped_expression, status
    from edge.vision.expression import ExpressionModel

    for model in status():
        print(f"{model.state:8} {model.path}")
    bundle = shipped_expression()
    ExpressionModel(bundle, threads=1)
    print(f"{'ok':8} {bundle}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
