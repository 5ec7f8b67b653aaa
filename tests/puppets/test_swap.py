"""Somebody else takes the wheel in mid-clip: narrower eyes, another face, glasses on one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.demo.puppet import STRANGER, Glasses, Person, Script
from edge.vision import FaceReader
from tests.puppets.drives import TOLERANCE_S, Drive, watch

SWAP_S = 9.0
RIMLESS = Person(glasses="rimless")
RIMMED = Person(glasses="rimmed")
#: The iris model takes rims for lids: how far lids that have met are open is known from this many blinks on.
BLINKS = 5


def swapped(reader: FaceReader, first: Person, second: Person) -> Drive:
    """Both blink, then sleep; between them the picture changes from one frame to the next."""
    script = Script(
        duration_s=19.5,
        person=first,
        blinks=tuple(start + 0.8 * k for start in (0.6, SWAP_S + 1.6) for k in range(BLINKS)),
        closures=((4.8, 7.2), (15.2, 18.5)),
        swaps=((SWAP_S, second),),
    )
    return watch(reader, script)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(Person(), STRANGER, id="wide eyes, then narrow ones"),
        pytest.param(STRANGER, RIMLESS, id="narrow eyes, then wide ones with glasses"),
        pytest.param(RIMMED, replace(STRANGER, glasses="rimless"), id="first with rims, then without"),
        pytest.param(Person(), replace(STRANGER, glasses="rimmed"), id="then with rims"),
    ],
)
def test_both_drivers_closures_are_caught(reader: FaceReader, first: Person, second: Person) -> None:
    drive = swapped(reader, first, second)
    starts, ends = drive.starts("microsleep"), drive.ends("microsleep")
    assert [start.started_s for start in starts] == pytest.approx([4.8, 15.2], abs=TOLERANCE_S)
    assert [end.ended_s for end in ends] == pytest.approx([7.2, 18.5], abs=TOLERANCE_S)
    assert [start.t_s for start in drive.starts("sleep")] == pytest.approx([18.2], abs=TOLERANCE_S)
    true = [start for start, _ in drive.truth.blinks]
    assert all(min(abs(blink.started_s - start) for start in true) < TOLERANCE_S for blink in drive.blinks)
    if not first.glasses and not second.glasses:
        assert len(drive.blinks) == len(true)


@pytest.mark.parametrize("glasses", [None, "rimless", "rimmed", "dark"])
def test_no_closure_is_read_into_the_swap(reader: FaceReader, glasses: Glasses | None) -> None:
    """From wide eyes to narrow ones, and back again."""
    other = replace(STRANGER, glasses=glasses)
    script = Script(duration_s=13.0, swaps=((5.0, other), (9.0, Person())))
    drive = watch(reader, script)
    assert not drive.closures()
    assert not drive.blinks
    assert not drive.kinds() & {"microsleep", "sleep"}
    assert all(state.eyes != "closed" for state in drive.states)
