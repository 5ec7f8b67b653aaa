"""A crowd of puppets as pictures: the portrait's head, in many proportions and colours, on the paths of a crowd.

Slower than observations made up (``tests.crowds.crowd``) and with less to say about far and turned heads, as a puppet
turns by 35° at most; but through the real detector and mesh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

import edge.demo
from edge.camera.frame import Frame
from edge.demo.puppet import Person, Pose, Puppet, frame_times
from edge.demo.puppet_face import VIEW_CENTRE_X, VIEW_HEIGHT
from edge.vision import FaceReader, Observation
from edge.vision.geometry import landmarks_box
from edge.vision.types import Box
from tests.crowds.crowd import SHOWN, UNSEEN_YAW_DEG, Present, Truth, present
from tests.crowds.crowd import Person as Someone
from tests.crowds.people import HEIGHT, WIDTH, Visit, value, visits

Image = NDArray[np.uint8]

#: Pixels a side of the picture that a puppet's head is cut from.
_SIDE = 360
#: A puppet's turn goes by steps, so that few pictures need to be made.
_STEP_DEG, _MOST_DEG = 5.0, 35.0
#: Who is further away is too small for the detector with two tiles, so nobody is, on the way either: what is measured
#: is how faces are followed, not how far off they are found.
FAR_M = 1.7
#: A drawn head is a disc about the face's middle, so many of its heights above it, of so many of its widths.
_ABOVE, _RADIUS = 0.05, 0.72
#: A face that is to be seen for less than this on end, between two heads or at the picture's edge, in a frame or two at
#: ten a second, need not have been seen: a visit lasts from the first longer sight to the last.
GLIMPSE_S = 0.15
#: A face belongs to the truth's box that it overlaps by so much (IoU).
_SAME = 0.3
#: By so much less it still is somebody's who can be seen, rather than somebody's who cannot.
_SEEN = 0.05


def film(coming: Sequence[Visit], times: Iterable[float]) -> Iterator[tuple[float, Image, Truth]]:
    """Pictures [720, 1280, 3] of a crowd, BGR uint8, with their times and truth; its ``visits`` are empty."""
    wall = _wall()
    for t_s in times:
        there = present(coming, t_s)
        image = wall.copy()
        for who in reversed(there):
            yaw_deg = value(who.visit.yaw, t_s)
            head = _head(_person(who.visit.number), _step(yaw_deg)) if abs(yaw_deg) <= UNSEEN_YAW_DEG else _back()
            _paste(image, head, *who.visit.place(t_s))
        yield t_s, image, Truth(t_s, tuple(_people(there, t_s)), ())


def read(reader: FaceReader, coming: Sequence[Visit], times: Iterable[float]) -> Iterator[tuple[Observation, Truth]]:
    """What the reader makes of a film. ``visits``: whose face each is, -1 for what is nobody's."""
    for seq, (t_s, image, truth) in enumerate(film(coming, times)):
        seen = reader.read(Frame(image, t_s, wall_time=t_s, seq=seq, camera="crowd"))
        yield seen, Truth(t_s, truth.people, tuple(_whose(face.box, truth) for face in seen.faces))


def puppets(
    reader: FaceReader, seed: int, people: int, seconds: float, fps: float
) -> Iterator[tuple[Observation, Truth]]:
    """As ``crowd``, of a film of puppets, nobody further away than ``FAR_M``."""
    coming = [_near(visit) for visit in visits(Random(seed), people, seconds, (8.0, 30.0), FAR_M)]
    times = frame_times(seconds, fps, jitter_s=0.1 / fps, dropped=0.02, seed=seed)
    return read(reader, coming, times)


def _near(visit: Visit) -> Visit:
    return replace(visit, z=[(t_s, min(z_m, FAR_M)) for t_s, z_m in visit.z])


def _people(there: Sequence[Present], t_s: float) -> Iterator[Someone]:
    """Who is there, nearest first, as they are drawn.

    A puppet turns within its outline, and its head with the hair is larger than its face. Visible is a face that
    is not turned too far and to be seen, in the picture and not behind nearer heads, by ``SHOWN``.
    """
    free = np.ones((HEIGHT, WIDTH), np.uint8)
    for who in there:
        x, y, width = who.visit.place(t_s)
        face = _face_box()
        height = width * face.height / face.width
        across = width * _person(who.visit.number).width
        box = Box(x - across / 2, y - height / 2, across, height)
        left, top = max(round(box.x), 0), max(round(box.y), 0)
        part = free[top : max(round(box.y + height), 0), left : max(round(box.x + across), 0)]
        share = float(part.sum()) / (across * height)
        visible = abs(who.person.yaw_deg) <= UNSEEN_YAW_DEG and share >= SHOWN
        yield replace(who.person, box=box, visible=visible)
        cv2.circle(free, (round(x), round(y - _ABOVE * height)), round(_RADIUS * width), 0, cv2.FILLED)


def _whose(box: Box, truth: Truth) -> int:
    there = [person for person in truth.people if person.box.iou(box) >= _SAME]
    # Where one stands before another and both boxes agree, it is whoever can be seen.
    best = max(there, key=lambda person: person.box.iou(box) + _SEEN * person.visible, default=None)
    return -1 if best is None else best.visit


def _step(yaw_deg: float) -> float:
    return float(np.clip(_STEP_DEG * round(yaw_deg / _STEP_DEG), -_MOST_DEG, _MOST_DEG))


def _person(number: int) -> Person:
    rng = Random(number)
    tone = rng.uniform(0.6, 1.05)
    return Person(
        width=rng.uniform(0.9, 1.1),
        nose=rng.uniform(0.9, 1.12),
        tone=(tone * rng.uniform(0.9, 1.1), tone, tone * rng.uniform(0.95, 1.05)),
    )


@lru_cache(maxsize=1)
def _puppet() -> Puppet:
    return Puppet((_SIDE, _SIDE))


@lru_cache(maxsize=1)
def _face_box() -> Box:
    """Where the puppet's face is in its picture."""
    with np.load(Path(edge.demo.__file__).with_name("portrait.npz")) as file:
        box = landmarks_box(file["landmarks"])
    scale = _SIDE / VIEW_HEIGHT
    left = _SIDE / 2 - scale * VIEW_CENTRE_X
    return Box(left + scale * box.x, scale * box.y, scale * box.width, scale * box.height)


@lru_cache(maxsize=256)
def _head(person: Person, yaw_deg: float) -> tuple[Image, NDArray[np.float32]]:
    """The head with its hair, and its opacity, 0..1."""
    return _puppet().render(Pose(yaw_deg=yaw_deg, person=person)), _opacity()


@lru_cache(maxsize=1)
def _back() -> tuple[Image, NDArray[np.float32]]:
    """A head from behind."""
    return np.full((_SIDE, _SIDE, 3), (35, 45, 60), np.uint8), _opacity()


@lru_cache(maxsize=1)
def _opacity() -> NDArray[np.float32]:
    box = _face_box()
    opacity = np.zeros((_SIDE, _SIDE), np.uint8)
    centre = (round(box.x + box.width / 2), round(box.y + (0.5 - _ABOVE) * box.height))
    cv2.ellipse(opacity, centre, (round(_RADIUS * box.width), round(_RADIUS * box.height)), 0, 0, 360, 255, cv2.FILLED)
    return np.asarray(cv2.GaussianBlur(opacity, (0, 0), 0.03 * box.width) / np.float32(255), np.float32)[..., None]


def _paste(image: Image, head: tuple[Image, NDArray[np.float32]], x: float, y: float, width: float) -> None:
    box = _face_box()
    scale = width / box.width
    view = np.array([[scale, 0, x - scale * (box.x + box.width / 2)], [0, scale, y - scale * (box.y + box.height / 2)]])
    left, top = np.floor(view[:, 2]).astype(int)
    side = int(np.ceil(scale * _SIDE)) + 1
    view[:, 2] -= (left, top)
    picture, opacity = (cv2.warpAffine(part, view, (side, side), flags=cv2.INTER_AREA) for part in head)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, WIDTH), min(top + side, HEIGHT)
    if x0 >= x1 or y0 >= y1:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    share = opacity[part][..., None]
    under = image[y0:y1, x0:x1]
    under[:] = (under * (1 - share) + picture[part] * share).astype(np.uint8)


@lru_cache(maxsize=1)
def _wall() -> Image:
    noise = np.random.default_rng(0).normal(150.0, 40.0, (HEIGHT // 40, WIDTH // 40, 3)).astype(np.float32)
    return np.clip(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
