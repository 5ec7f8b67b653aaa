"""A crowd whose truth is known, as observations: what vision would have read, without a pixel.

``crowd(seed, people, seconds, fps, …)`` walks people before a screen (``tests.crowds.people``), leaves out what a
camera would not see (covered, cut by the picture's edge, turned away, missed), shakes the rest as the models do, names
it with the real ``Tracks``, and yields each frame's ``Observation`` with its ``Truth``. ``visits_of`` sums the truths
up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

import edge.demo
from edge.demo.puppet import frame_times
from edge.vision.features import EXPRESSION_MAX_YAW_DEG, PROPORTIONS_MAX_YAW_DEG
from edge.vision.following import whose_turn
from edge.vision.geometry import landmarks_box, mouth_opening, proportions
from edge.vision.likeness import Seen
from edge.vision.tracks import Tracks
from edge.vision.types import EXPRESSIONS, Array, Box, Face, HeadPose, Observation
from tests.crowds.people import HEIGHT, WIDTH, Interval, Visit, value, visits, within

#: Beyond this turn of the head neither detector nor mesh find a face.
UNSEEN_YAW_DEG = 65.0
#: Of a face, so much must be in the picture and not covered for it to be found.
SHOWN = 0.6
#: From so much on, its region in the next frame is surely its own.
CLEAR = 0.8
#: What the models add: standard deviations of the whole face's place, of its size and of each landmark, as shares of
#: the face's width, and of the angles in degrees.
PLACE, SIZE, POINT, ANGLE_DEG = 0.012, 0.01, 0.004, 2.0
#: How far the mesh's idea of one face's proportions wanders with the seconds; between people they differ by 0.06.
MOOD = 0.02
#: Chance that a face in plain view is missed in one frame; rate and length of longer gaps (a hand, a blurred head).
MISSED, GAPS_PER_S, GAP_S = 0.02, 0.03, (0.2, 0.7)
_HAPPY, _NEUTRAL = EXPRESSIONS.index("happiness"), EXPRESSIONS.index("neutral")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is there at one moment.

    visit: the visit's number. box: of the face, seen or not. visible: whether a camera can read it. attentive: whether
    the head is to the screen, within ``LOOKING_DEG``; otherwise it is ``STRAYING_DEG`` off or on its way.
    """

    visit: int
    box: Box
    visible: bool
    attentive: bool
    smiling: bool
    yaw_deg: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so in one frame.

    people: everybody whose way through the picture has begun and not ended, nearest first, also those out of sight.
    visits: whose face each of the observation's faces is, in their order.
    """

    t_s: float
    people: tuple[Person, ...]
    visits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stay:
    """One visit as a faultless observer would note it.

    began_s, ended_s: of the first and the last frame in which the face could be seen. seen_s, attentive_s, smiling_s:
    how much of it the face was visible, attentive (visible or not), smiling (likewise).
    """

    visit: int
    began_s: float
    ended_s: float
    seen_s: float
    attentive_s: float
    smiling_s: float

    @property
    def dwell_s(self) -> float:
        """From the first sight to the last."""
        return self.ended_s - self.began_s


def crowd(
    seed: int,
    people: int,
    seconds: float,
    fps: float,
    *,
    stay_s: Interval = (15.0, 60.0),
    detect_every_s: float = 0.1,
    read_faces: int | None = None,
    missed: float = MISSED,
    shake: float = 1.0,
) -> Iterator[tuple[Observation, Truth]]:
    """Frames of a crowd of at most ``people`` at once, with their truth.

    Frames come at ``fps`` with a tenth of a frame's jitter and one in fifty lost. stay_s: how long those stand who
    stay. detect_every_s: how often newcomers and those out of sight are looked for; everybody is near enough to be
    found then. read_faces: as in ``VisionSettings``. missed, shake: chance of a missed face, and how much the models
    shake, over the usual. The same seed gives the same crowd at any rate.
    """
    coming = visits(Random(seed), people, seconds, stay_s)
    tracks = Tracks(Random(seed))
    names: dict[int, str] = {}
    camera = _Camera(np.random.default_rng(seed), detect_every_s, read_faces, missed, shake)
    times = frame_times(seconds, fps, jitter_s=0.1 / fps, dropped=0.02, seed=seed)
    for seq, t_s in enumerate(times):
        there = present(coming, t_s)
        read = camera.read(there, t_s)
        unread = [names[visit] for visit in camera.unread if visit in names]
        seen = [
            Seen.of(
                points,
                landmarks_box(points),
                (WIDTH, HEIGHT),
                names.get(who.visit.number) if who.share > CLEAR else None,
            )
            for who, points in read
        ]
        named = tracks.name(seen, t_s, unread)
        names = {visit: name for visit, name in names.items() if visit in camera.unread}
        names |= {who.visit.number: name for (who, _), name in zip(read, named, strict=True)}
        faces = tuple(camera.face(who, points, name) for (who, points), name in zip(read, named, strict=True))
        observation = Observation(t_s, 1.7e9 + t_s, seq, "crowd", (WIDTH, HEIGHT), faces)
        visits_read = tuple(who.visit.number for who, _ in read)
        yield observation, Truth(t_s, tuple(who.person for who in there), visits_read)


def visits_of(truths: Iterable[Truth], glimpse_s: float = 0.0) -> list[Stay]:
    """Every visit of a crowd that could be seen at all, in the order of their beginning.

    glimpse_s: a face that is to be seen for less on end, from the first such frame to the last, is not seen.
    """
    truths = list(truths)
    seen = _sights(truths, glimpse_s)
    stays: dict[int, Stay] = {}
    before_s: float | None = None
    for truth in truths:
        dt_s = 0.0 if before_s is None else truth.t_s - before_s
        before_s = truth.t_s
        for person in truth.people:
            visible = (person.visit, truth.t_s) in seen
            stay = stays.get(person.visit)
            if stay is None:
                if visible:
                    stays[person.visit] = Stay(person.visit, truth.t_s, truth.t_s, 0.0, 0.0, 0.0)
                continue
            stays[person.visit] = Stay(
                visit=person.visit,
                began_s=stay.began_s,
                ended_s=truth.t_s if visible else stay.ended_s,
                seen_s=stay.seen_s + dt_s * visible,
                attentive_s=stay.attentive_s + dt_s * person.attentive,
                smiling_s=stay.smiling_s + dt_s * person.smiling,
            )
    return sorted(stays.values(), key=lambda stay: stay.began_s)


def _sights(truths: Iterable[Truth], glimpse_s: float) -> set[tuple[int, float]]:
    """In which frames, by visit and time, a face is seen."""
    seen: set[tuple[int, float]] = set()
    running: dict[int, list[float]] = {}
    for truth in truths:
        visible = {person.visit for person in truth.people if person.visible}
        running = {visit: [*running.get(visit, ()), truth.t_s] for visit in visible}
        for visit, times in running.items():
            if times[-1] - times[0] >= glimpse_s:
                seen |= {(visit, t_s) for t_s in times}
                running[visit] = times[:1] + times[-1:]
    return seen


def face_points(visit: Visit, t_s: float) -> Array:
    """Where the mesh of this face truly is, float32 [468, 3] in pixels, seen or not."""
    x, y, width = visit.place(t_s)
    broader, higher = visit.shape
    broader += MOOD * (np.sin(0.9 * t_s + visit.sway) + np.sin(3.1 * t_s + 2 * visit.sway))
    points = _USUAL * np.array([1.0, higher, 1.0])
    points[:, 0] *= 1.0 + broader * np.abs(2 * _USUAL[:, 0])
    yaw = np.deg2rad(value(visit.yaw, t_s))
    turn = np.array([[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]])
    return np.asarray(width * (points @ turn) + np.array([x, y, 0.0]), np.float32)


def shown(box: Box, nearer: Sequence[Box]) -> float:
    """The share of a face's box that lies in the picture and that no nearer face covers, 0..1, to about a hundredth."""
    steps = (np.arange(12) + 0.5) / 12
    x, y = box.x + box.width * steps[None, :], box.y + box.height * steps[:, None]
    free = (x >= 0) & (x < WIDTH) & (y >= 0) & (y < HEIGHT)
    for other in nearer:
        free &= ~((x >= other.x) & (x < other.x + other.width) & (y >= other.y) & (y < other.y + other.height))
    return float(free.mean())


@dataclass(frozen=True, slots=True)
class Present:
    """One person in one frame. share: of the face that is to be seen."""

    visit: Visit
    person: Person
    points: Array
    share: float


def present(coming: Sequence[Visit], t_s: float) -> list[Present]:
    """Who is on their way through the picture, nearest first."""
    now = [visit for visit in coming if visit.span_s[0] <= t_s <= visit.span_s[1]]
    there: list[Present] = []
    for visit in sorted(now, key=lambda visit: -visit.place(t_s)[2]):
        points = face_points(visit, t_s)
        box, yaw_deg = landmarks_box(points), value(visit.yaw, t_s)
        share = shown(box, [other.person.box for other in there])
        visible = abs(yaw_deg) <= UNSEEN_YAW_DEG and share >= SHOWN
        looks, smiles = within(visit.looks, t_s), within(visit.smiles, t_s)
        there.append(Present(visit, Person(visit.number, box, visible, looks, smiles, yaw_deg), points, share))
    return there


class _Camera:
    """What comes of the truth on its way through camera and models."""

    def __init__(
        self, rng: np.random.Generator, detect_every_s: float, read_faces: int | None, missed: float, shake: float
    ) -> None:
        self._rng = rng
        self._detect_every_s, self._read_faces = detect_every_s, read_faces
        self._missed, self._shake = missed, shake
        self._detected_s = -np.inf
        self._tried_s: dict[int, float] = {}
        self._gaps: dict[int, Interval] = {}
        self._followed: set[int] = set()
        self.unread: set[int] = set()

    def read(self, there: Sequence[Present], t_s: float) -> list[tuple[Present, Array]]:
        """Whose face is found, with its landmarks as they were read, nearest first; sets whose was not looked for."""
        detects = t_s - self._detected_s >= 0.9 * self._detect_every_s
        if detects:
            self._detected_s = t_s
        sought = [who for who in there if who.visit.number in self._followed or (detects and who.person.visible)]
        heights = [who.person.box.height for who in sought]
        tried_s = [self._tried_s.get(who.visit.number, -np.inf) for who in sought]
        turn = [sought[at] for at in whose_turn(heights, tried_s, self._read_faces)]
        for who in turn:
            self._tried_s[who.visit.number] = t_s
        found = [who for who in turn if who.person.visible and not self._misses(who.visit.number, t_s)]
        self.unread = self._followed - {who.visit.number for who in turn}
        self._followed = self.unread | {who.visit.number for who in found}
        read = [(who, self._read(who)) for who in found]
        return sorted(read, key=lambda pair: -_area(landmarks_box(pair[1])))

    def face(self, present: Present, points: Array, name: str) -> Face:
        """The face that was read, under its name."""
        turn = self._rng.normal(0.0, ANGLE_DEG * self._shake, 3)
        yaw_deg = present.person.yaw_deg + float(turn[0])
        pose = HeadPose(yaw_deg, float(turn[1]), float(turn[2]))
        return Face(
            box=landmarks_box(points),
            score=float(min(present.share + 0.1, 1.0)),
            landmarks=points,
            track_id=name,
            mouth_opening=mouth_opening(points),
            pose=pose,
            expression=self._expression(present) if abs(yaw_deg) <= EXPRESSION_MAX_YAW_DEG else None,
            proportions=proportions(points) if abs(yaw_deg) <= PROPORTIONS_MAX_YAW_DEG else None,
        )

    def _misses(self, visit: int, t_s: float) -> bool:
        gap = self._gaps.get(visit)
        if gap is None or t_s >= gap[1]:
            since_s = t_s + float(self._rng.exponential(1 / GAPS_PER_S))
            gap = self._gaps[visit] = (since_s, since_s + float(self._rng.uniform(*GAP_S)))
        return gap[0] <= t_s or bool(self._rng.random() < self._missed)

    def _read(self, present: Present) -> Array:
        """The face's landmarks as a mesh would read them: a partly covered face is placed worse."""
        box, rng = present.person.box, self._rng
        shake = self._shake * box.width * (1.0 + 4.0 * (1.0 - present.share))
        middle = present.points.mean(axis=0)
        size = 1.0 + rng.normal(0.0, SIZE * self._shake)
        place = np.array([*rng.normal(0.0, PLACE * shake, 2), 0.0])
        jitter = rng.normal(0.0, POINT * self._shake * box.width, present.points.shape)
        return np.asarray(middle + (present.points - middle) * size + place + jitter, np.float32)

    def _expression(self, present: Present) -> Array:
        shares = np.full(len(EXPRESSIONS), 0.5)
        shares[_HAPPY if present.person.smiling else _NEUTRAL] = 12.0
        return self._rng.dirichlet(shares).astype(np.float32)


def _usual() -> Array:
    """The portrait's mesh about its middle, one wide."""
    with np.load(Path(edge.demo.__file__).with_name("portrait.npz")) as file:
        points: Array = file["landmarks"]
    box = landmarks_box(points)
    middle = np.array([box.x + box.width / 2, box.y + box.height / 2, points[:, 2].mean()])
    return np.asarray((points - middle) / box.width, np.float32)


_USUAL = _usual()


def _area(box: Box) -> float:
    return box.width * box.height
