"""A short clip of a puppet that falls asleep, made and analyzed by the installed project, held against its script.

``python asleep.py FOLDER`` in an environment with ``mien[demo]``. What ``mien demo`` shows, without its live pace,
which an emulated processor cannot keep: the same puppet, vision, rules and checks, with the clip's own times.
Exits 1 where a check fails.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from edge.demo.puppet import Script, write_clip
from edge.demo.show import checks
from edge.events import Event

#: Enough open eyes to learn the driver by, two blinks, and a closure that becomes a sleep. 15 frames a second is the
#: least at which blinks are told.
SCRIPT = Script(duration_s=9.0, blinks=(1.0, (2.4, 2.6)), closures=((4.0, 8.0),))
FPS = 15.0


def main(folder: Path) -> int:
    """Print the checks; 0 where all passed."""
    clip, out = folder / "asleep.mp4", folder / "asleep.jsonl"
    started_s = time.monotonic()
    truth = write_clip(clip, SCRIPT, FPS)
    made_s = time.monotonic()
    subprocess.run([sys.executable, "-m", "edge.cli", "analyze", "--quiet", clip, "--out", out], check=True)
    analyzed_s = time.monotonic()
    events = [Event.model_validate_json(line) for line in out.read_text(encoding="utf-8").splitlines()]
    results = checks(events, truth, zero_wall_s=0.0)
    for check in results:
        print(f"{'ok ' if check.passed else 'NO '} {check.what:52} {check.figure}")
    frames = round(SCRIPT.duration_s * FPS)
    print(f"{frames} frames made in {made_s - started_s:.0f} s, read in {analyzed_s - made_s:.0f} s")
    return 0 if all(check.passed for check in results) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
