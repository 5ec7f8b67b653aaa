"""Which face is the driver's."""

from __future__ import annotations

from edge.vision.types import Box, Face

#: A head that moved by a third of its width still overlaps its old box by half.
SAME_PLACE_IOU = 0.3
#: A driver who leant over comes back elsewhere under a new track id; sooner than this it may be someone beside them.
ELSEWHERE_AFTER_S = 2.0


class Seat:
    """Follows one person through frames.

    The driver is the largest face of the first frame with any, and stays it while its track lasts. When the track is
    gone, a face at the same place is the driver again; after ``ELSEWHERE_AFTER_S`` so is one elsewhere, unless it
    was seen beside the driver before (a passenger). After ``gone_s`` the largest face is somebody new.
    """

    def __init__(self, gone_s: float) -> None:
        self._gone_s = gone_s
        self._driver: Face | None = None
        self._seen_s = 0.0
        self._beside: frozenset[str] = frozenset()

    @property
    def track_id(self) -> str | None:
        """The track of the driver's face when it was last seen."""
        return None if self._driver is None else self._driver.track_id

    def find(self, t_s: float, faces: tuple[Face, ...]) -> tuple[Face | None, bool]:
        """The driver's face among ``faces`` at ``t_s``, and whether it is somebody new."""
        known = None if t_s - self._seen_s > self._gone_s else self._driver
        face = _largest(faces) if known is None else self._again(t_s, known, faces)
        if face is None:
            return None, False
        self._driver, self._seen_s = face, t_s
        self._beside = frozenset(
            other.track_id for other in faces if other is not face and other.box.iou(face.box) < SAME_PLACE_IOU
        )
        return face, known is None

    def _again(self, t_s: float, driver: Face, faces: tuple[Face, ...]) -> Face | None:
        for face in faces:
            if face.track_id == driver.track_id:
                return face
        others = tuple(face for face in faces if face.track_id not in self._beside)
        near = tuple(face for face in others if face.box.iou(driver.box) >= SAME_PLACE_IOU)
        if near:
            return max(near, key=lambda face: face.box.iou(driver.box))
        return _largest(others) if t_s - self._seen_s > ELSEWHERE_AFTER_S else None


def _largest(faces: tuple[Face, ...]) -> Face | None:
    return max(faces, key=lambda face: _area(face.box), default=None)


def _area(box: Box) -> float:
    return box.width * box.height
