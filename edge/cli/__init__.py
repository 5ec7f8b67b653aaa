"""``mien``: from a camera's frames to events that other machines can act on, all of it on the device."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading

from edge import logs
from edge.cli import analyzing, audience, benching, configuration, models, recordings, running, viewing, watching
from edge.cli.options import Commands
from edge.errors import MienError
from edge.version import version

_DESCRIPTION = "From a camera's frames to events that other machines can act on, all of it on the device."

_EPILOG = """\
first steps:
  mien models install               fetch MediaPipe's face models, once
  mien demo                         see it work: no camera, no broker needed
  mien doctor                       try all that it needs; how to mend what fails
  mien run 0                        camera 0, broker on this machine
  mien run 0 --broker mqtt://host   broker elsewhere
  mien watch --broker mqtt://host   see the events arrive
  mien view 0                       see what it sees, live in a browser
  mien analyze clip.mp4             what a clip shows; --report clip.html as a page
  mien config init mien.toml        begin a configuration; then: mien run --config mien.toml
  mien bench                        how many frames a second this machine reads
  mien record 0 --out drive.jsonl   keep a drive as numbers, then tune the rules on it:
  mien replay drive.jsonl --config other.toml --plot drive.png

where something needs mien[plot], mien[video] and the like: pip install 'mien[plot]'
"""


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mien``; 0, or 2 for a mistake that the user can mend, said in a line.

    argv: the arguments; by default the process's own, and then the process itself ends here if it cannot otherwise.
    """
    code = _main(argv)
    if argv is None:
        _end_beside_hung_cameras(code)
    return code


def _main(argv: list[str] | None) -> int:
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
        prog="mien", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"mien {version()}")
    commands = Commands(parser)
    for module in (running, viewing, analyzing, recordings, watching, audience, models, benching, configuration):
        module.add(commands)
    return parser


def _end_beside_hung_cameras(code: int) -> None:
    """Ends the process at once where a camera's thread still hangs in its driver; all is written and closed by now.

    An interpreter that shuts down ends threads as they come back to it. One that comes back from OpenCV does so in a
    destructor, where C++ allows no end, and the whole process aborts: "terminate called without an active exception".
    """
    if any(thread.name.startswith("camera-") for thread in threading.enumerate()):
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # whoever read it has gone
        os._exit(code)
