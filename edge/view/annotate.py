"""A clip's frames with what was read and judged drawn on, and under them the state and the clip as a strip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.events.models import SEVERITIES
from edge.view.drive import Bar, Drive
from edge.view.labels import Area, Room, Tags, plan_panels
from edge.view.plot import Limits
from edge.view.sketch import EyeSketch, FaceSketch, Points, Shot
from edge.view.strip import GROUND, INK, LADDER, QUIET, Strip
from edge.view.text import Colour, Image, width_of, write
from edge.view.words import measures, state_words
from edge.vision.types import EXPRESSIONS

#: Smaller pictures are enlarged to it: letters need pixels.
LEAST_HEIGHT = 480

# BGR.
_BOX: Colour = (255, 200, 80)
_LINE: Colour = (205, 230, 205)
_EYE: Colour = (80, 230, 255)
_EDGE: Colour = (25, 25, 25)
_NOTICE = SEVERITIES.index("notice")
#: How much of the picture shows through a label.
_GLASS = 0.25


@dataclass(frozen=True, slots=True)
class _Alert:
    """What alarms at a moment."""

    severity: str
    text: str


class Annotator:
    """Draws a clip's frames, in their order, after the whole of it is known.

    The picture keeps its pixels, is enlarged where it is less than LEAST_HEIGHT high, and nothing of it is hidden but
    what lies under a face's lines and labels: state and strip are added below it.

    Args:
        size: the frames' width and height.
        shots: what is known of each frame.
        drive: the clip's course.
        limits: drawn on the strip.
    """

    def __init__(self, size: tuple[int, int], shots: Sequence[Shot], drive: Drive, limits: Limits) -> None:
        width, height = size
        self._scale = max(1.0, LEAST_HEIGHT / height)
        self._inner = (round(width * self._scale), round(height * self._scale))
        wide, high = (side + side % 2 for side in self._inner)  # H.264 wants even sides
        self._unit = unit = max(0.8, min(wide / 540, high / LEAST_HEIGHT))
        self._small, self._large = round(13 * unit), round(17 * unit)
        self._bars = drive.bars
        self._strip = Strip(drive, wide, unit, limits)
        self._state_px = round(30 * unit)
        self._numbers_px = round(24 * unit) if any(shot.driver is not None for shot in shots) else 0
        below = self._state_px + self._numbers_px + self._strip.height + round(4 * unit)
        self._picture_size = (wide, high)
        self.size = (wide, high + below + (high + below) % 2)
        self._room = Room(*self._inner, self._scale, 6 * unit)
        self._row = round(17 * unit)
        self._panel_size = (round(216 * unit), (len(EXPRESSIONS) + 1) * self._row + round(10 * unit))
        self._panels = plan_panels(shots, self._panel_size, self._room)
        self._tags = Tags(self._room)

    def draw(self, image: Image, shot: Shot) -> Image:
        """The annotated frame, BGR uint8 [H, W, 3] of ``size``."""
        canvas = np.full((self.size[1], self.size[0], 3), GROUND, np.uint8)
        wide, high = self._picture_size
        canvas[:high, :wide] = self.draw_faces(image, shot)
        alert = self._alert(shot.t_s)
        if alert is not None:
            frame_px = max(2, round(4 * self._unit))
            cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), LADDER[alert.severity][0], frame_px)
        self._draw_state(canvas, shot, alert, high)
        self._draw_numbers(canvas, shot, high + self._state_px)
        top = high + self._state_px + self._numbers_px
        canvas[top : top + self._strip.height] = self._strip.at(shot.t_s)
        return canvas

    def draw_faces(self, image: Image, shot: Shot, *, labels: bool = True) -> Image:
        """The picture alone with the faces drawn on."""
        wide, high = self._picture_size
        if self._scale != 1.0:
            image = np.asarray(cv2.resize(image, self._inner, interpolation=cv2.INTER_CUBIC), np.uint8)
        picture = np.ascontiguousarray(image[: self._inner[1], : self._inner[0]])
        picture = np.asarray(
            cv2.copyMakeBorder(picture, 0, high - picture.shape[0], 0, wide - picture.shape[1], cv2.BORDER_REPLICATE),
            np.uint8,
        )
        for face in shot.faces:
            self._draw_face(picture, face)
        if labels:
            self._draw_labels(picture, shot)
        return picture

    def _draw_labels(self, picture: Image, shot: Shot) -> None:
        taken = [self._room.hull(face) for face in shot.faces]
        taken += [self._panels[face.track_id] for face in shot.faces if face.track_id in self._panels]
        for face in shot.faces:
            if face.probabilities is None:
                continue
            panel = self._panels.get(face.track_id)
            if panel is not None:
                self._draw_panel(picture, face, panel)
            else:
                taken += self._draw_tag(picture, face, taken)

    def _draw_face(self, picture: Image, face: FaceSketch) -> None:
        box = face.box
        stroke = max(1, round(box.width * self._scale / 260))
        for line in face.lines:
            # On a small face the dark edges would be all that is left of it.
            self._line(picture, line, _LINE, stroke, edged=box.width * self._scale > 14 * self._small)
        for eye, letter in ((face.right_eye, "R"), (face.left_eye, "L")):
            if eye is not None:
                self._draw_eye(picture, eye, stroke)
                if box.width * self._scale > 12 * self._small:
                    self._letter(picture, eye, letter)
        right, bottom = box.x + box.width, box.y + box.height
        corners = np.array([[box.x, box.y], [right, box.y], [right, bottom], [box.x, bottom]], np.float32)
        self._line(picture, np.concatenate([corners, corners[:1]]), _BOX, 2 * stroke if face.is_driver else stroke)

    def _draw_eye(self, picture: Image, eye: EyeSketch, stroke: int) -> None:
        if eye.iris is not None:
            self._draw_iris(picture, eye.lids * self._scale, eye.iris, stroke)
        self._line(picture, eye.lids, _EYE, stroke)

    def _draw_iris(self, picture: Image, lids: Points, iris: tuple[float, float, float], stroke: int) -> None:
        """As much of the iris as the lids leave open."""
        left, top = np.maximum(np.floor(lids.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(lids.max(axis=0)).astype(int) + 1
        under = picture[top:bottom, left:right]
        if not under.size:
            return
        open_part = np.zeros(under.shape[:2], np.uint8)
        cv2.fillPoly(open_part, [np.round(lids - (left, top)).astype(np.int32)], 1)
        drawn = under.copy()
        x, y, radius = (value * self._scale for value in iris)
        centre = (round((x - left) * 16), round((y - top) * 16))
        cv2.circle(drawn, centre, max(16, round(radius * 16)), _EYE, stroke, cv2.LINE_AA, shift=4)
        under[open_part > 0] = drawn[open_part > 0]

    def _letter(self, picture: Image, eye: EyeSketch, letter: str) -> None:
        """The person's own right and left, below the eye: in a mirrored picture they would be found swapped."""
        outer, inner = eye.lids[0] * self._scale, eye.lids[8] * self._scale
        along = inner - outer
        down = np.array([-along[1], along[0]]) * np.sign(along[0])
        x, y = (outer + inner) / 2 + 0.55 * down
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            write(picture, letter, x + dx, y + dy, self._small, _EDGE, align="centre")
        write(picture, letter, float(x), float(y), self._small, _EYE, align="centre")

    def _line(self, picture: Image, points: Points, colour: Colour, stroke: int, *, edged: bool = True) -> None:
        fixed = [np.round(points * self._scale * 16).astype(np.int32)]
        if edged:
            cv2.polylines(picture, fixed, False, _EDGE, stroke + 2, cv2.LINE_AA, shift=4)
        cv2.polylines(picture, fixed, False, colour, stroke, cv2.LINE_AA, shift=4)

    def _draw_panel(self, picture: Image, face: FaceSketch, area: Area) -> None:
        """Label and all seven probabilities, as bars."""
        _shade(picture, area)
        left, top, right, _ = area
        pad, y = 8 * self._unit, top + 5 * self._unit + self._row / 2
        probabilities = face.probabilities or ()
        write(picture, "apparent expression", left + pad, y, self._small, QUIET)
        bar_left = left + pad + max(width_of(name, self._small) for name in EXPRESSIONS) + pad
        bar_room = right - pad - width_of("100 %", self._small) - 4 * self._unit - bar_left
        for name, value in zip(EXPRESSIONS, probabilities, strict=True):
            y += self._row
            colour = _EYE if name == face.label else QUIET
            write(picture, name, left + pad, y, self._small, INK if name == face.label else (205, 205, 205))
            half = self._row * 0.3
            end = bar_left + max(1.0, bar_room * value)
            cv2.rectangle(picture, (round(bar_left), round(y - half)), (round(end), round(y + half)), colour, -1)
            write(picture, f"{value:.0%}".replace("%", " %"), right - pad, y, self._small, INK, align="right")

    def _draw_tag(self, picture: Image, face: FaceSketch, taken: Sequence[Area]) -> list[Area]:
        """The label, where there is room; which area it takes."""
        text = face.label or "unsure"
        if face.label is not None and face.probabilities is not None:
            text += f" {face.probabilities[EXPRESSIONS.index(face.label)]:.0%}".replace("%", " %")
        size = (width_of(text, self._small) + 10 * self._unit, 1.1 * self._row)
        area = self._tags.find(face, size, taken)
        if area is None:
            return []
        _shade(picture, area)
        write(picture, text, (area[0] + area[2]) / 2, (area[1] + area[3]) / 2, self._small, INK, align="centre")
        return [area]

    def _draw_state(self, canvas: Image, shot: Shot, alert: _Alert | None, top: int) -> None:
        ground, ink = (GROUND, INK) if alert is None else LADDER[alert.severity]
        bottom = top + self._state_px
        cv2.rectangle(canvas, (0, top), (canvas.shape[1] - 1, bottom - 1), ground, -1)
        text = state_words(shot) if alert is None else alert.text
        size = self._large
        while size > self._small and width_of(text, size) > canvas.shape[1] - 20 * self._unit:
            size -= 1
        write(canvas, text, 10 * self._unit, (top + bottom) / 2, size, ink)

    def _draw_numbers(self, canvas: Image, shot: Shot, top: int) -> None:
        """As many of the driver's measures as there is room for, the weightier first."""
        x, gap = 10 * self._unit, 22 * self._unit
        for text in () if shot.driver is None else measures(shot.driver):
            wide = width_of(text, self._small)
            if x + wide > canvas.shape[1] - 10 * self._unit:
                break
            write(canvas, text, x, top + self._numbers_px / 2, self._small, (205, 205, 205))
            x += wide + gap

    def _alert(self, t_s: float) -> _Alert | None:
        """The worst of the alarms that are on, with the others named."""
        told = [(severity, bar) for bar in self._bars if (severity := _severity_at(bar, t_s)) is not None]
        told = [each for each in told if SEVERITIES.index(each[0]) >= _NOTICE]
        if not told:
            return None
        told.sort(key=lambda each: (-SEVERITIES.index(each[0]), each[1].start_s))
        severity, bar = told[0]
        # The latest of the worst says most: asleep, not merely nodding off.
        severity, bar = max(
            (each for each in told if each[0] == severity), key=lambda each: (each[1].steps[0][0], each[1].kind)
        )
        text = f"{_named(bar)}: {severity}, for {t_s - bar.start_s:.1f} s"
        others = dict.fromkeys(_named(other).lower() for _, other in told if other is not bar)
        return _Alert(severity, text + (f", with {', '.join(others)}" if others else ""))


def _severity_at(bar: Bar, t_s: float) -> str | None:
    """What an episode was told as by then; None before it was recognized and after its end."""
    if bar.end_s is not None and t_s > bar.end_s:
        return None
    return next((severity for since_s, severity in reversed(bar.steps) if since_s <= t_s), None)


def _named(bar: Bar) -> str:
    return bar.kind.replace("_", " ").upper()


def _shade(picture: Image, area: Area) -> None:
    left, top, right, bottom = (round(value) for value in area)
    under = picture[max(top, 0) : bottom, max(left, 0) : right]
    if under.size:
        under[:] = cv2.convertScaleAbs(under, alpha=_GLASS, beta=_EDGE[0] * (1 - _GLASS))
