"""Whether an int8 model may take its float parent's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quantize.compare import LayerError, to_blame

#: Percentage points of PrivateTest: 18 of its 3,589 faces.
MOST_DROP = 0.5
#: Times as fast as the float32 file in LiteRT at one thread: for less, nobody needs to give up float.
LEAST_SPEEDUP = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """drop: percentage points of accuracy lost. speedup: times as fast. failures: what is wrong, a sentence each."""

    drop: float
    speedup: float
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures


def judge(drop: float, speedup: float, errors: Sequence[LayerError]) -> Verdict:
    """The verdict on a drop in accuracy (a share of 1) and a speedup; a failure names the layers to blame."""
    points = 100 * drop
    failures = []
    # A rounding error of the subtraction is no lost face.
    if points > MOST_DROP + 1e-9:
        blamed = ", ".join(
            f"{each.layer} ({each.type}, {100 * each.added:.0f} % error of its own)" for each in to_blame(errors)
        )
        failures.append(
            f"loses {points:.2f} percentage points on PrivateTest, more than {MOST_DROP}; worst quantized: {blamed}; "
            "--keep-float LAYER leaves one float"
        )
    if speedup < LEAST_SPEEDUP:
        left = ", ".join(dict.fromkeys(each.layer for each in errors if each.dtype == "float32")) or "none"
        failures.append(
            f"{speedup:.1f} times as fast as float32 at one thread, less than {LEAST_SPEEDUP:g}; left float: {left}"
        )
    return Verdict(points, speedup, tuple(failures))
