"""Where each face's label stands: beside faces, never on one where there is room, and still while the face moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.view.sketch import FaceSketch, Shot

#: Left, top, right, bottom, in pixels.
Area = tuple[float, float, float, float]

#: A panel that stands clear of all faces for less of the time is not worth its room.
_CLEAR_SHARE = 0.97
#: More tracks than this get one-line labels: panels for all would leave no picture.
_MOST_PANELS = 4
#: A label moves to a better place only for this share of its area, so that it doesn't hop.
_HOP_SHARE = 0.15
#: A label that hid more than this share of its area of faces and other labels isn't drawn.
_HIDES_SHARE = 0.25


def overlap(a: Area, b: Area) -> float:
    """The area that two share."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return wide * high if wide > 0 and high > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """The picture that labels lie on: its size, how much larger than the frame it is, and the gap to its edge."""

    width: int
    height: int
    scale: float
    margin: float

    def hull(self, face: FaceSketch) -> Area:
        """A face with all that is drawn of it."""
        left, top, right, bottom = (value * self.scale for value in face.hull)
        return (left, top, right, bottom)


def plan_panels(shots: Iterable[Shot], size: tuple[float, float], room: Room) -> dict[str, Area]:
    """Fixed places for the tracks whose panel, of this width and height, hides no face while they are in sight."""
    faces: dict[str, list[tuple[Area, list[Area]]]] = defaultdict(list)
    for shot in shots:
        hulls = [room.hull(face) for face in shot.faces]
        for face, hull in zip(shot.faces, hulls, strict=True):
            if face.probabilities is not None:
                faces[face.track_id].append((hull, hulls))
    at_once = max((len(hulls) for seen in faces.values() for _, hulls in seen), default=0)
    if at_once > _MOST_PANELS:
        return {}
    spots = list(_spots(size, room))
    planned: dict[str, Area] = {}
    for track_id, seen in sorted(faces.items(), key=lambda each: -len(each[1])):
        together = {other for other, theirs in faces.items() if other != track_id and _meet(seen, theirs)}
        free = [spot for spot in spots if not any(overlap(spot, planned[o]) for o in together if o in planned)]
        share = {spot: sum(not any(overlap(spot, h) for h in hulls) for _, hulls in seen) / len(seen) for spot in free}
        clear = [spot for spot in free if share[spot] >= _CLEAR_SHARE]
        if clear:
            middle = [sum(hull[k] for hull, _ in seen) / len(seen) for k in range(4)]
            planned[track_id] = min(
                clear, key=lambda spot: _distance(spot, (middle[0], middle[1], middle[2], middle[3]))
            )
    return planned


def _meet(seen: list[tuple[Area, list[Area]]], theirs: list[tuple[Area, list[Area]]]) -> bool:
    """Whether two tracks are in sight at once."""
    frames = {id(hulls) for _, hulls in seen}
    return any(id(hulls) in frames for _, hulls in theirs)


def _spots(size: tuple[float, float], room: Room) -> Iterable[Area]:
    """The picture's corners, then the middles of its sides."""
    wide, high = size
    right, bottom = room.width - room.margin - wide, room.height - room.margin - high
    if right < room.margin or bottom < room.margin:
        return
    for top in (room.margin, bottom, (room.margin + bottom) / 2):
        for left in (right, room.margin):
            yield (left, top, left + wide, top + high)


def _distance(a: Area, b: Area) -> float:
    return float(((a[0] + a[2] - b[0] - b[2]) ** 2 + (a[1] + a[3] - b[1] - b[3]) ** 2) ** 0.5)


class Tags:
    """One-line labels that go along with their faces."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._place: dict[str, int] = {}

    def find(self, face: FaceSketch, size: tuple[float, float], taken: Sequence[Area]) -> Area | None:
        """Where, at its face, a label of this width and height hides the least of what is ``taken``.

        That is faces and other labels; None where there is no room.
        """
        spots = self._spots(self._room.hull(face), size)
        cost = [sum(overlap(spot, other) for other in taken) for spot in spots]
        best = min(range(len(spots)), key=lambda place: (cost[place], place))
        kept = self._place.get(face.track_id, best)
        if cost[kept] > cost[best] + _HOP_SHARE * size[0] * size[1]:
            kept = best
        self._place[face.track_id] = kept
        return spots[kept] if cost[kept] <= _HIDES_SHARE * size[0] * size[1] else None

    def _spots(self, hull: Area, size: tuple[float, float]) -> list[Area]:
        """Above, below, right and left of the face, first at its middle or top; all within the picture."""
        (wide, high), room = size, self._room
        (left, top, right, bottom), gap = hull, room.margin / 2
        middle, above, below = (left + right - wide) / 2, top - gap - high, bottom + gap
        corners = [(middle, above), (middle, below), (right + gap, top), (left - gap - wide, top)]
        corners += [(x, y) for y in (above, below) for x in (left, right - wide)]
        corners += [(x, bottom - high) for x in (right + gap, left - gap - wide)]
        spots = []
        for left, top in corners:
            x, y = min(max(left, 0.0), max(room.width - wide, 0.0)), min(max(top, 0.0), max(room.height - high, 0.0))
            spots.append((x, y, x + wide, y + high))
        return spots
