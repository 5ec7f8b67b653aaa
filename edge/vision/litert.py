"""MediaPipe's face models run directly in LiteRT: detect rarely, track between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEyes, FoundFace, Stopwatch, unwatched
from edge.vision.detector import Detection, Detector
from edge.vision.following import Followed, whose_turn
from edge.vision.geometry import landmarks_box
from edge.vision.iris import IrisModel
from edge.vision.mesh import FaceMesh, region_of_detection, region_of_landmarks
from edge.vision.reading import Reading, off_centre
from edge.vision.region import Region
from edge.vision.settings import VisionSettings
from edge.vision.tiles import holds, view_of, views
from edge.vision.turns import EyesByTurns
from edge.vision.types import Array, Box, EyeSource

#: Overlap (IoU) from which a detection is a face that is followed already. The detector frames brows to chin, the
#: landmarks' box reaches from the forehead down: of one face they overlap by half.
KNOWN_FACE = 0.25
#: A face found so far from its region's middle, in its heights, is looked at again where it was found, so
#: many times at most. Of a face 0.6 of its width aside the mesh reads half, is sure of it, and moves a sixth of the
#: way: two more looks came within 0.02 and 0.11 widths (the portrait, a face of a photo); 0.9 aside it sees none.
OFF_CENTRE, LOOKS = 0.15, 2
#: A face that is lost while another overlaps its box is behind that one, and looked for where it should come out.
BEHIND = 0.1
#: Eyes that the detector sees so many of its box's widths from where the mesh has them are where the detector says. As
#: mesh points, the right eye and the left one are a point of each upper lid.
MISPLACED, EYES = 0.3, (159, 386)
#: Where two faces touch, one that the detector does not see for so long is none: the mesh believes in ears and collars.
DOUBT_S = 0.5
#: The least height of a face, over the side of what is searched, that the detector hardly misses.
LEAST_HEIGHT = 0.15


class LiteRtFinder:
    """Finds faces with BlazeFace, the face mesh and the iris model (a ``FaceFinder``).

    A face found once is followed from its own landmarks, and behind another face from where it was going. The detector
    runs while no face is in view, in the frame where one was lost, and every ``detect_every_s`` while there is room
    for more. Where there are more faces than ``read_faces`` they take turns.
    """

    def __init__(self, folder: Path, settings: VisionSettings, stopwatch: Stopwatch = unwatched) -> None:
        """Loads the models from ``folder``. Raises VisionError naming a file that is missing or broken."""
        self._settings = settings
        self._watch = stopwatch
        self.detector = Detector(folder, settings.model_threads, settings.min_detection_score)
        self._mesh = FaceMesh(folder, settings.model_threads)
        self._iris = IrisModel(folder) if settings.eyes else None
        self._turns = EyesByTurns(self._iris) if self._iris is not None else None
        self._numbers = count()
        self._followed: list[Followed] = []
        self._unread: list[tuple[int, Box]] = []
        self._t_s = -np.inf
        self._detected_s = -np.inf
        self._searched = 0

    @property
    def eye_source(self) -> EyeSource:
        """The iris model."""
        return "iris"

    @property
    def unread(self) -> list[tuple[int, Box]]:
        """The faces followed but not read in the last image: their numbers, and where they should be."""
        return self._unread

    def find(self, image: NDArray[np.uint8], t_s: float) -> list[FoundFace]:
        """The faces read in a BGR uint8 image [H, W, 3] taken at ``t_s``; at most ``max_faces`` are followed."""
        self._forget((image.shape[1], image.shape[0]), t_s)
        turn = self._turn(t_s)
        read = self._read(image, turn, t_s)
        lost = self._lose(turn, read, t_s)
        in_view = sum(not face.covered for face in self._followed)
        if in_view < self._settings.max_faces and (lost or not in_view or self._due(t_s)):
            self._detected_s = t_s
            view, detections = self._search(image, lost)
            read = [self._put_right(image, one, detections) for one in self._confirmed(read, view, detections, t_s)]
            new = self._new(detections, t_s)[: self._settings.max_faces - in_view]
            self._followed += new
            if self._settings.read_faces is not None:
                new = new[: max(self._settings.read_faces - len(turn), 0)]
            read = self._read(image, new, t_s, read)
            self._lose(new, read, t_s)
        for one in read:
            one.face.take(one.landmarks, t_s)
        self._unread = [(face.number, face.box(t_s)) for face in self._followed if face.known and face.tried_s != t_s]
        return [FoundFace(one.box, one.score, one.landmarks, number=one.face.number) for one in read]

    def eyes(self, image: NDArray[np.uint8], faces: Sequence[FoundFace]) -> list[FoundEyes | None]:
        """The eyes of faces that ``find`` found in the image, read by the iris model, where they are asked for."""
        if self._iris is None or self._turns is None or not self._settings.eyes:
            return [None] * len(faces)
        self._turns.keep({number for number in [face.number for face in faces] if number is not None})
        found: list[FoundEyes | None] = []
        for face in faces:
            with self._watch("iris"):
                if self._settings.eyes_by_turns and face.number is not None:
                    found.append(self._turns.read(image, face.landmarks, face.number))
                else:
                    found.append(self._iris.read_both(image, face.landmarks))
        return found

    def adjust(self, settings: VisionSettings) -> None:
        """Takes over how many faces and how often to detect, the least presence, and whether eyes are read."""
        self._settings = settings

    def close(self) -> None:
        """Forgets the faces followed."""
        self._followed = []

    def _due(self, t_s: float) -> bool:
        return not 0 <= t_s - self._detected_s < self._settings.detect_every_s

    def _turn(self, t_s: float) -> list[Followed]:
        """The faces to read in this image."""
        heights = [face.box(t_s).height for face in self._followed]
        tried_s = [face.tried_s for face in self._followed]
        return [self._followed[at] for at in whose_turn(heights, tried_s, self._settings.read_faces)]

    def _forget(self, size: tuple[int, int], t_s: float) -> None:
        """Lets go of all where time runs backwards, of more than are asked for, and of those behind others for long."""
        if t_s < self._t_s:
            self._followed = []  # another recording
        self._t_s = t_s
        in_view = [face for face in self._followed if not face.covered]
        covered = [face for face in self._followed if face.covered and face.may_come_out(size, t_s)]
        self._followed = in_view[: self._settings.max_faces] + covered

    def _read(
        self, image: NDArray[np.uint8], faces: list[Followed], t_s: float, known: Sequence[Reading] = ()
    ) -> list[Reading]:
        """``known`` faces and those of ``faces`` that the mesh sees, each once."""
        read = []
        for face in faces:
            where = face.box(t_s)
            face.tried_s = t_s
            region = face.look_at(t_s)
            landmarks, score = self._look(image, region)
            for _ in range(LOOKS):
                if score < self._settings.min_presence or off_centre(landmarks_box(landmarks), region) <= OFF_CENTRE:
                    break
                region = region_of_landmarks(landmarks)
                landmarks, score = self._look(image, region)
            if score >= self._settings.min_presence:
                read.append(Reading.of(face, landmarks, score, where))
        # Two regions may slide onto one face; it is whose it was most likely to be.
        kept = list(known)
        for one in sorted(read, key=lambda one: one.astray):
            if not one.mistaken(kept):
                kept.append(one)
        return kept

    def _look(self, image: NDArray[np.uint8], region: Region) -> tuple[Array, float]:
        with self._watch("mesh"):
            return self._mesh.read(image, region)

    def _lose(self, tried: Sequence[Followed], read: Sequence[Reading], t_s: float) -> list[Box]:
        """Follows those no more that were not read, unless another hides them; where they should have been."""
        seen = {one.face.number for one in read}
        lost = []
        for face in tried:
            if face.number in seen or face.covered:
                continue
            box = face.box(t_s)
            if face.known and any(box.iou(one.box) >= BEHIND for one in read):
                face.covered = True
                continue
            self._followed.remove(face)
            if face.known:
                lost.append(box)
        return lost

    def _search(self, image: NDArray[np.uint8], lost: Sequence[Box]) -> tuple[Region, list[Detection]]:
        """The detector's faces, nearest first, and where it looked: where a face was lost, else place after place."""
        places = views((image.shape[1], image.shape[0]), self._settings.detect_tiles)
        view = view_of(lost[0], places) if lost else None
        if view is None:
            view = places[self._searched % len(places)]
            self._searched += 1
        with self._watch("detect"):
            detections = self.detector.detect(image, view)
        return view, sorted(detections, key=lambda found: -found.box.width)

    def _confirmed(
        self, read: Sequence[Reading], view: Region, detections: Sequence[Detection], t_s: float
    ) -> list[Reading]:
        """Those read, less what touches another face and was not seen there by the detector for ``DOUBT_S``."""
        kept = []
        for one in read:
            face = one.face
            if any(found.box.iou(one.box) >= KNOWN_FACE for found in detections):
                face.doubted_s = None
            elif face.doubted_s is None and holds(view, one.box) and one.box.height >= LEAST_HEIGHT * view.side:
                face.doubted_s = t_s
            doubted = face.doubted_s is not None and t_s - face.doubted_s > DOUBT_S
            if doubted and any(one.box.iou(other.box) > 0 for other in read if other is not one):
                self._followed.remove(face)
            else:
                kept.append(one)
        return kept

    def _put_right(self, image: NDArray[np.uint8], read: Reading, detections: Sequence[Detection]) -> Reading:
        """The face read again where the detector sees its eyes, if that is elsewhere."""
        found = max(detections, key=lambda found: found.box.iou(read.box), default=None)
        if found is None or found.box.iou(read.box) < KNOWN_FACE:
            return read
        off = np.linalg.norm(found.keypoints[:2] - read.landmarks[list(EYES), :2], axis=1).max()
        if off <= MISPLACED * found.box.width:
            return read
        landmarks, score = self._look(image, region_of_detection(found))
        if score < self._settings.min_presence:
            return read
        return replace(read, landmarks=landmarks, score=score, box=landmarks_box(landmarks))

    def _new(self, detections: Sequence[Detection], t_s: float) -> list[Followed]:
        """Those of the detector's faces that are not followed yet."""
        known = [face.box(t_s) for face in self._followed if not face.covered]
        return [
            Followed(next(self._numbers), region_of_detection(found))
            for found in detections
            if all(found.box.iou(box) < KNOWN_FACE for box in known)
        ]
