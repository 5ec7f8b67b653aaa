"""MediaPipe's face models run directly in LiteRT: detect rarely, track between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEyes, FoundFace, Stopwatch, unwatched
from edge.vision.detector import Detection, Detector
from edge.vision.following import Followed, apart, crowded, whose_turn
from edge.vision.geometry import landmarks_box
from edge.vision.iris import IrisModel
from edge.vision.mesh import FaceMesh, mesh_box, region_of_detection, region_of_landmarks
from edge.vision.reading import Reading, misplaced, off_centre
from edge.vision.region import Region
from edge.vision.resting import Resting
from edge.vision.searching import CLEAR_HEIGHT, MOST, SAME, Search, Stranger
from edge.vision.settings import VisionSettings
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
#: Where two faces touch, one that the detector does not see for so long is none: the mesh believes in ears and collars.
DOUBT_S = 0.5


class LiteRtFinder:
    """Finds faces with BlazeFace, the face mesh and the iris model (a ``FaceFinder``).

    A face found once is followed from its own landmarks; where it was read but once, stands beside others or behind
    one, from where the detector sees it. The detector runs while no face is in view, in the frame where one was lost,
    every ``detect_every_s`` while there is room for more, and in each image where several stand close or one is new or
    hidden. Where there are more faces than ``read_faces`` they take turns; one alone that keeps still rests
    (``edge.vision.resting``).
    """

    def __init__(self, folder: Path, settings: VisionSettings, stopwatch: Stopwatch = unwatched) -> None:
        """Loads the models from ``folder``. Raises VisionError naming a file that is missing or broken."""
        self._settings = settings
        self._watch = stopwatch
        self.detector = Detector(folder, settings.model_threads, settings.min_detection_score)
        self._mesh = FaceMesh(folder, settings.model_threads, int8_weights=settings.int8_weights)
        self._iris = IrisModel(folder, int8_weights=settings.int8_weights) if settings.eyes else None
        self._turns = EyesByTurns(self._iris) if self._iris is not None else None
        self._search = Search(self.detector, stopwatch)
        self._resting = Resting()
        self._numbers = count()
        self._followed: list[Followed] = []
        self._unread: list[tuple[int, Box]] = []
        self._t_s = -np.inf

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
        search = self._search
        search.begin(image, t_s, self._settings)
        resting = self._resting.at(t_s, self._settings.mesh_every_s)
        if resting is not None and not (self._room() > 0 and search.due()):
            self._unread = []
            return [resting]
        if self._room() > 0 or self._hidden():
            uncertain = [face.box(t_s) for face in self._followed if self._uncertain(face, t_s)]
            search.again(uncertain, at_once=len(self._followed) > 1)
            if self._room() == self._settings.max_faces or search.due():
                search.by_turns()
        sighted = search.whose(self._followed)
        turn = self._turn(t_s, sighted)
        read = self._read(image, turn, t_s, sighted)
        lost = self._lose(turn, read, t_s)
        if lost and self._room() > 0:
            search.at(lost[0])
        strangers = search.strangers(self._followed)
        if search.views:
            read = self._confirmed(read, t_s)
            new = self._new(read, sighted, strangers, t_s)[: self._room()]
            self._followed += [face for face, _ in new]
            if self._settings.read_faces is not None:
                new = new[: max(self._settings.read_faces - len(turn), 0)]
            found = {face.number: detection for face, detection in new}
            read = self._read(image, [face for face, _ in new], t_s, found, read)
            self._lose([face for face, _ in new], read, t_s)
        read = [one for one in read if not one.face.waits(t_s, contested=one.contested(self._followed, t_s))]
        for one in read:
            one.face.take(one.landmarks, one.box, t_s, sighted.get(one.face.number))
        search.note({one.face.number: one.box for one in read}, self._followed, strangers)
        self._unread = [(face.number, face.box(t_s)) for face in self._followed if face.known and face.tried_s != t_s]
        faces = [
            FoundFace(one.box, one.score, one.landmarks, number=one.face.number, beside=one.face.beside) for one in read
        ]
        self._resting.take(faces, t_s, followed=len(self._followed))
        return faces

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

    def _room(self) -> int:
        """For how many faces more there is room."""
        return self._settings.max_faces - sum(not face.hidden for face in self._followed)

    def _hidden(self) -> bool:
        return any(face.hidden for face in self._followed)

    def _uncertain(self, face: Followed, t_s: float) -> bool:
        """Whether the mesh alone may take another face for it."""
        return face.unsettled or face.young(t_s) or crowded(face, self._followed, t_s)

    def _turn(self, t_s: float, sighted: Mapping[int, Detection]) -> list[Followed]:
        """The faces to read in this image; one that is hidden only where the detector sees it."""
        for face in self._followed:
            if face.hidden:
                face.tried_s = t_s
                if face.number not in sighted and self._search.has_seen(face.box(t_s)):
                    self._search.went_on(face)
        there = [face for face in self._followed if not face.hidden or face.comes_out(sighted.get(face.number), t_s)]
        heights = [face.box(t_s).height for face in there]
        tried_s = [face.tried_s for face in there]
        return [there[at] for at in whose_turn(heights, tried_s, self._settings.read_faces)]

    def _forget(self, size: tuple[int, int], t_s: float) -> None:
        """Lets go of all where time runs backwards, of more than are asked for, and of those behind others for long."""
        if t_s < self._t_s:
            self._followed = []  # another recording
        self._t_s = t_s
        in_view = [face for face in self._followed if not face.hidden]
        hidden = [face for face in self._followed if face.hidden and face.may_come_out(size, t_s)]
        self._followed = in_view[: self._settings.max_faces] + hidden

    def _read(
        self,
        image: NDArray[np.uint8],
        faces: Iterable[Followed],
        t_s: float,
        sighted: Mapping[int, Detection],
        known: Sequence[Reading] = (),
    ) -> list[Reading]:
        """``known`` and those of ``faces`` that the mesh sees, each once; sighted: where the detector sees any."""
        read, doubtful = [], []
        for face in faces:
            face.tried_s = t_s
            crowd = crowded(face, self._followed, t_s)
            unseen = self._search.has_seen(face.box(t_s), CLEAR_HEIGHT) and face.number not in sighted
            if face.known and crowd and unseen:
                continue  # the mesh would see another's face in its place
            one = self._read_one(image, face, t_s, sighted.get(face.number))
            if one is None:
                continue
            crowd |= unseen and len(self._followed) > 1
            if one.likely(t_s, sighted=face.number in sighted, crowded=crowd):
                read.append(one)
            else:
                doubtful.append(one)
        read += self._read_again(image, doubtful, t_s, sighted)
        # Two regions may slide onto one face; it is whose it was most likely to be.
        kept = list(known)
        for one in sorted(read, key=lambda one: one.astray):
            if not one.mistaken(kept):
                kept.append(one)
        return kept

    def _read_again(
        self, image: NDArray[np.uint8], doubtful: Sequence[Reading], t_s: float, sighted: Mapping[int, Detection]
    ) -> list[Reading]:
        """Faces that the mesh saw where they can hardly be, looked at where the detector sees them."""
        if not doubtful:
            return []
        self._search.again((one.face.box(t_s) for one in doubtful), most=MOST + 1)
        now = self._search.whose(self._followed)
        read = []
        for one in doubtful:
            face, found = one.face, now.get(one.face.number)
            if found is not None and face.number not in sighted:
                again = self._read_one(image, face, t_s, found, there=True)
                if again is not None and again.likely(t_s, sighted=True, crowded=True):
                    read.append(again)
            elif found is None and not (self._search.has_seen(face.box(t_s)) or crowded(face, self._followed, t_s)):
                read.append(one)
        return read

    def _read_one(
        self, image: NDArray[np.uint8], face: Followed, t_s: float, found: Detection | None, *, there: bool = False
    ) -> Reading | None:
        """What the mesh makes of a face; found: where the detector sees it, there: looked at there first."""
        where = face.box(t_s)
        region = region_of_detection(found) if there and found is not None else face.look_at(t_s, found)
        landmarks, score = self._look(image, region)
        box = landmarks_box(landmarks)
        for _ in range(LOOKS):
            if score < self._settings.min_presence or off_centre(box, region) <= OFF_CENTRE:
                break
            region = region_of_landmarks(landmarks, box)
            landmarks, score = self._look(image, region)
            box = landmarks_box(landmarks)
        if found is not None and score >= self._settings.min_presence and misplaced(landmarks, found):
            landmarks, score = self._look(image, region_of_detection(found))
            box = landmarks_box(landmarks)
            if misplaced(landmarks, found):
                return None
        return Reading.of(face, landmarks, score, box, where) if score >= self._settings.min_presence else None

    def _look(self, image: NDArray[np.uint8], region: Region) -> tuple[Array, float]:
        with self._watch("mesh"):
            return self._mesh.read(image, region)

    def _lose(self, tried: Iterable[Followed], read: Sequence[Reading], t_s: float) -> list[Box]:
        """Follows those no more that were not read, unless another hides them; where they should have been."""
        seen = {one.face.number for one in read}
        lost = []
        for face in tried:
            if face.number in seen or face.hidden:
                continue
            box = face.box(t_s)
            if face.known and (any(box.iou(one.box) >= BEHIND for one in read) or crowded(face, self._followed, t_s)):
                face.hidden = True
                continue
            self._followed.remove(face)
            if face.known:
                lost.append(box)
        return lost

    def _confirmed(self, read: Sequence[Reading], t_s: float) -> list[Reading]:
        """Those read, less what the detector should have seen and did not.

        Of those that are new at once, and after ``DOUBT_S`` of those that touch another face.
        """
        kept = []
        for one in read:
            face = one.face
            seen = any(found.box.iou(one.box) >= KNOWN_FACE for found in self._search.detections)
            missed = not seen and self._search.has_seen(one.box, CLEAR_HEIGHT)
            if seen:
                face.doubted_s = None
            elif missed and face.doubted_s is None:
                face.doubted_s = t_s
            unborn = missed and face.young(t_s)
            doubted = face.doubted_s is not None and t_s - face.doubted_s > DOUBT_S
            if unborn or (doubted and any(one.box.iou(other.box) > 0 for other in read if other is not one)):
                self._followed.remove(face)
            else:
                kept.append(one)
        return kept

    def _new(
        self,
        read: Sequence[Reading],
        sighted: Mapping[int, Detection],
        strangers: Sequence[tuple[Stranger, Detection]],
        t_s: float,
    ) -> list[tuple[Followed, Detection]]:
        """Those of the detector's faces that are not followed yet."""
        read_now = {one.face.number: one.box for one in read}
        # Of a face that touches another the detector may see a part, or more: that is no newcomer.
        boxes = [read_now.get(face.number) or face.box(t_s) for face in self._followed if face.there(t_s)]
        elsewhere = frozenset(face.number for face in self._followed if face.hidden and face.number in sighted)
        new = []
        for found in self._search.detections:
            stranger = next((one for one, its in strangers if its is found), None)
            if found.score < self._settings.min_detection_score or any(found is one for one in sighted.values()):
                continue
            if stranger is None and any(apart(mesh_box(found), box) <= SAME for box in boxes):
                continue
            beside = elsewhere if stranger is None else elsewhere | stranger.others(mesh_box(found), t_s)
            new.append((Followed(next(self._numbers), region_of_detection(found), beside=beside), found))
        return new
