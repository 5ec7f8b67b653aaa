"""When and where the detector looks, and which face each of its detections is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import Stopwatch
from edge.vision.detector import MAX_OVERLAP, Detection, Detector
from edge.vision.following import Followed, apart
from edge.vision.framing import STRANGE
from edge.vision.likeness import ENTER, NEW, newcomers
from edge.vision.mesh import mesh_box
from edge.vision.motion import Motion
from edge.vision.region import Region
from edge.vision.settings import VisionSettings
from edge.vision.tiles import beyond, holds, view_of, views
from edge.vision.tracks import matched
from edge.vision.types import Box

#: In one image the detector looks by turns at so many places at most.
MOST = 2
#: A detection of at least this score will do for a face that is followed already.
FAINT = 0.3
#: The least height of a face, over the side of what is searched, that the detector finds at times, and hardly misses.
LEAST_HEIGHT, CLEAR_HEIGHT = 0.11, 0.14
#: A detection further off than so many standard deviations is another face. Of one that is hidden the square counts so
#: many times, and it is another face, too, further off than so many heights: what it will do is a guess.
FAR, HIDDEN_FAR, FARTHEST = 3.0, 2.0, 1.2
#: A detection no further than this from a face that the detector does not see, in heights, is that face after all.
SAME = 0.35
#: Whom the detector sees and nobody follows is remembered for so long.
STRANGER_S = 0.25
#: And only where people come in, at this density of newcomers: elsewhere most are parts of two faces.
ENTERING = NEW + ENTER * exp(-1)
#: A detection that reaches out of a tile, but not of the picture, by more than this share of its width is made of half
#: a face.
CUT = 0.05


@dataclass(slots=True)
class Stranger:
    """Somebody whom the detector sees and who is not followed, yet.

    motion: of the mesh's box, about. beside: the numbers of faces that were in view at the same time. before: the face
    that it was taken for at first, hidden as that is.
    """

    motion: Motion
    beside: frozenset[int]
    before: Followed | None = None

    def others(self, box: Box, t_s: float) -> frozenset[int]:
        """The numbers of faces that it is none of; box: where it is at ``t_s``."""
        if self.before is None or apart(box, self.before.box(t_s)) <= SAME:
            return self.beside
        return self.beside | {self.before.number}


class Search:
    """The detector's looks at successive images.

    views: where it has looked in the current one. detections: what it saw there, nearest first.
    """

    def __init__(self, detector: Detector, stopwatch: Stopwatch) -> None:
        self._detector = detector
        self._watch = stopwatch
        self._places: list[Region] = []
        self._looked_s: dict[Region, float] = {}
        self._t_s = self._searched_s = -np.inf
        self._strangers: list[Stranger] = []
        self.views: list[Region] = []
        self.detections: list[Detection] = []

    def begin(self, image: NDArray[np.uint8], t_s: float, settings: VisionSettings) -> None:
        """The next image has come, taken at ``t_s``."""
        if t_s < self._t_s:
            self._looked_s = {}
            self._searched_s = -np.inf
        self._strangers = [one for one in self._strangers if 0 <= t_s - one.motion.t_s <= STRANGER_S]
        self._image, self._t_s, self._every_s = image, t_s, settings.detect_every_s
        self._size = (image.shape[1], image.shape[0])
        self._places = views(self._size, settings.detect_tiles)
        self.views, self.detections = [], []

    def due(self) -> bool:
        """Whether it is time to look for further faces."""
        return not 0 <= self._t_s - self._searched_s < self._every_s

    def by_turns(self) -> None:
        """Looks at the place that was not looked at for longest, and at up to MOST where they are behind."""
        late = round(min((self._t_s - self._searched_s) / max(self._every_s, 1e-3), MOST))
        self._searched_s = self._t_s
        for _ in range(max(1, min(late, len(self._places)))):
            place = max(self._places, key=self._waiting)
            # Where a crowd is looked at in every image, the other places' turn comes no sooner than without.
            soon = self._waiting(place) < 0.9 * len(self._places) * self._every_s
            if place in self.views or (self.views and soon):
                break
            self._look(place)

    def _waiting(self, place: Region) -> float:
        """How long it has not been looked at; the whole picture, where there are tiles, counts half."""
        waited_s = self._t_s - self._looked_s.get(place, -np.inf)
        return waited_s / 2 if place is self._places[0] else waited_s

    def at(self, box: Box) -> None:
        """Looks at the place that holds ``box``, else at the next by turns, unless it has in this image."""
        if self.has_seen(box):
            return
        place = view_of(box, self._places)
        if place is None:
            self.by_turns()
        else:
            self._look(place)

    def again(self, boxes: Iterable[Box], *, at_once: bool = True, most: int = MOST) -> None:
        """Looks at the places that hold most of ``boxes``, up to so many in this image.

        at_once: also where it looked less than ``detect_every_s`` ago.
        """
        waiting = [self._shown(box) for box in boxes]
        rest_s = 0.0 if at_once else self._every_s
        places = [place for place in self._places if self._t_s - self._looked_s.get(place, -np.inf) >= rest_s]
        while len(self.views) < most:
            waiting = [box for box in waiting if not self.has_seen(box, CLEAR_HEIGHT)]
            number = {place: sum(_sees(place, box, CLEAR_HEIGHT) for box in waiting) for place in places}
            best = max(places, key=lambda place: (number[place], -place.side), default=None)
            if best is None or not number[best]:
                break
            self._look(best)

    def has_seen(self, box: Box, least: float = LEAST_HEIGHT) -> bool:
        """Whether it would have seen a face there in the current image."""
        return any(_sees(view, box, least) for view in self.views)

    def whose(self, faces: Sequence[Followed]) -> dict[int, Detection]:
        """By their numbers, faces that were read before with what it sees of each in the current image."""
        return whose(faces, self.detections, self._t_s, self._size, self._strangers)[0]

    def strangers(self, faces: Sequence[Followed]) -> list[tuple[Stranger, Detection]]:
        """Those who were seen beside ``faces`` lately and are none of these, with what it sees of each."""
        return whose(faces, self.detections, self._t_s, self._size, self._strangers)[1]

    def went_on(self, face: Followed) -> None:
        """What it saw in the place of a face that is hidden has left that place: it is somebody else's."""
        if face.again is not None:
            self._strangers.append(Stranger(face.again.seen, frozenset(), face))

    def note(
        self, seen: Mapping[int, Box], faces: Sequence[Followed], again: Sequence[tuple[Stranger, Detection]]
    ) -> None:
        """Remembers for a moment whom it sees beside those who are followed.

        seen: by their numbers, the faces in view; again: ``strangers``.
        """
        whose_now = self.whose(faces)
        beside = frozenset(number for number in whose_now if number in seen)
        for found in self.detections:
            box, mine = mesh_box(found), any(found is one for one in whose_now.values())
            before = next((one for one, its in again if its is found), None)
            if mine or newcomers(box, self._size) < ENTERING or any(apart(box, one) <= SAME for one in seen.values()):
                if before is not None:
                    self._strangers.remove(before)
            elif before is None:
                self._strangers.append(Stranger(Motion(box, self._t_s), beside))
            else:
                before.motion.take(box, self._t_s, STRANGE)
                before.beside |= beside

    def _shown(self, box: Box) -> Box:
        """The part of a box that is in the picture."""
        width, height = self._size
        left, top = min(max(box.x, 0.0), width), min(max(box.y, 0.0), height)
        right, bottom = min(max(box.x + box.width, left), width), min(max(box.y + box.height, top), height)
        return Box(left, top, right - left, bottom - top)

    def _look(self, place: Region) -> None:
        self._looked_s[place] = self._t_s
        self.views.append(place)
        with self._watch("detect"):
            seen = self._detector.detect(self._image, place, FAINT)
        seen = [found for found in seen if beyond(place, self._shown(found.box)) <= CUT * found.box.width]
        # One face in two views: whichever sees it better.
        every = sorted(self.detections + seen, key=lambda found: -found.score)
        kept: list[Detection] = []
        for found in every:
            if all(found.box.iou(other.box) <= MAX_OVERLAP for other in kept):
                kept.append(found)
        self.detections = sorted(kept, key=lambda found: -found.box.width)


def _sees(place: Region, box: Box, least: float = LEAST_HEIGHT) -> bool:
    return holds(place, box) and box.height >= least * place.side


def whose(
    faces: Sequence[Followed],
    detections: Sequence[Detection],
    t_s: float,
    size: tuple[int, int],
    strangers: Sequence[Stranger] = (),
) -> tuple[dict[int, Detection], list[tuple[Stranger, Detection]]]:
    """What the detector sees of each at ``t_s``: of faces that were read before, by their numbers, and of strangers.

    size: of the picture (width, height).
    """
    known = [(face, face.motion) for face in faces if face.motion is not None]
    if not (known or strangers) or not detections:
        return {}, []
    far = [[_far(face, motion, found, t_s) for found in detections] for face, motion in known]
    far += [[_odds(one.motion, mesh_box(found), t_s, STRANGE) for found in detections] for one in strangers]
    odds = np.array(far) + 2 * np.log([newcomers(mesh_box(found), size) for found in detections])
    pairs = matched(odds, 0.0)
    return (
        {known[at][0].number: detections[which] for at, which in pairs if at < len(known)},
        [(strangers[at - len(known)], detections[which]) for at, which in pairs if at >= len(known)],
    )


def _far(face: Followed, motion: Motion, found: Detection, t_s: float) -> float:
    """How unlikely a detection is a face's, as in ``_odds``."""
    box, blur = face.framing.mesh_box(found), face.framing.blur
    off = motion.off(box, t_s, blur)
    guess = face.hidden and face.readings > 1 and face.again is None
    if off > FAR**2 or (guess and (apart(motion.box(t_s), box) > FARTHEST or off * HIDDEN_FAR > FAR**2)):
        return inf
    return _odds(motion if face.again is None else face.again.motion, box, t_s, blur)


def _odds(motion: Motion, box: Box, t_s: float, blur: float) -> float:
    """How unlikely it is there: minus twice the logarithm of a density, infinite beyond all doubt."""
    off = motion.off(box, t_s, blur)
    return inf if off > FAR**2 else off + motion.spread(t_s, blur)
