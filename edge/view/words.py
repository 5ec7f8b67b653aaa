"""A frame's state in words, for the line under its picture."""

from __future__ import annotations

from edge.state.types import DriverState
from edge.view.sketch import Shot

_BLINK_S = 0.5


def state_words(shot: Shot) -> str:
    """What is to be said first of a frame in which nothing alarms."""
    driver = shot.driver
    if driver is None:
        count = len(shot.faces)
        return "no face" if not count else "1 face" if count == 1 else f"{count} faces"
    if not driver.present:
        return "no driver in sight"
    if driver.eyes == "closed":
        # A blink is over before its tenths could be read.
        return "eyes closed" if driver.closed_for_s < _BLINK_S else f"eyes closed for {driver.closed_for_s:.1f} s"
    if driver.sensing != "good":
        return f"driver hard to read: {(driver.sensing_reason or driver.sensing).replace('_', ' ')}"
    if driver.attentive is False:
        return "driver looks away from the road"
    if driver.eyes == "unknown":
        return "driver in sight, eyes not readable"
    return "driver attentive" if driver.attentive else "driver in sight, eyes open"


def measures(driver: DriverState) -> list[str]:
    """What is known of the driver, the weightier first."""
    # Shut a little tighter than the usual floor is simply shut, to who reads it.
    both, right, left = (
        None if value is None else max(value, 0.0)
        for value in (driver.openness, driver.right_openness, driver.left_openness)
    )
    texts = ["eyes unknown" if both is None else f"eyes {both:.2f}"]
    if right is not None and left is not None:
        texts[0] += f" (R {right:.2f}, L {left:.2f})"
    if driver.yaw_off_deg is not None and driver.pitch_off_deg is not None:
        texts.append(f"yaw {driver.yaw_off_deg:+.0f}°, pitch {driver.pitch_off_deg:+.0f}°")
    if driver.perclos_60s is not None:
        texts.append(f"PERCLOS {driver.perclos_60s:.0%}".replace("%", " %"))
    if driver.blinks_per_minute is not None:
        texts.append(f"{driver.blinks_per_minute:.0f} blinks/min")
    if driver.mouth_opening is not None:
        texts.append(f"mouth {driver.mouth_opening:.2f}")
    if driver.fatigue is not None:
        texts.append(f"fatigue {driver.fatigue:.0f}")
    return texts
