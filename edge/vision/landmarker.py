"""A second opinion on the eyelids: the blink scores of a user's ``face_landmarker.task``.

That file is MediaPipe's bundle for its Face Landmarker task: a zip of a detector, a mesh of 478 points that follows
lids and irises, and a model of 52 blendshapes (Grishchenko et al. 2023, arXiv:2309.05782). Here the mesh looks where
the face was found, and the blendshapes take what it saw.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import VisionError
from edge.vision.interpreter import Model
from edge.vision.mesh import region_of_landmarks
from edge.vision.types import Array

MESH_FILE, BLENDSHAPES_FILE = "face_landmarks_detector.tflite", "face_blendshapes.tflite"
SIZE = 256
POINTS = 478
#: The mesh's outputs, and the blendshapes', in the models' order.
_LANDMARKS, _PRESENCE = 0, 1
_BLINK_LEFT, _BLINK_RIGHT = 9, 10
# fmt: off
#: Which of the points the blendshape model takes, in its order (the model's interface, as documented by MediaPipe's
#: face_blendshapes_graph.cc, Apache-2.0); the last ten are the irises.
BLENDSHAPE_POINTS = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)
# fmt: on


class Landmarker:
    """The bundle's mesh and blendshapes; its detector is not needed."""

    def __init__(self, path: Path, threads: int) -> None:
        """Loads the models. Raises VisionError naming ``path`` where it is missing, broken or another kind of file."""
        mesh, blendshapes = _unpack(path)
        self._mesh = Model(mesh, f"{path}: {MESH_FILE}", threads)
        self._blendshapes = Model(blendshapes, f"{path}: {BLENDSHAPES_FILE}", threads)
        shapes = (self._mesh.input_shape, self._mesh.output_shapes[:2], self._blendshapes.input_shape)
        wanted = ((1, SIZE, SIZE, 3), [(1, 1, 1, 3 * POINTS), (1, 1, 1, 1)], (1, len(BLENDSHAPE_POINTS), 2))
        if shapes != wanted or self._blendshapes.output_shapes != [(52,)]:
            raise _unfit(path, "its models take or give other shapes")

    def blinks(self, image: NDArray[np.uint8], landmarks: Array) -> tuple[float, float] | None:
        """How far the right and the left eye are closed, 0..1, of the face with these mesh ``landmarks`` in ``image``.

        None where this mesh sees no face.
        """
        region = region_of_landmarks(landmarks)
        outputs = self._mesh.run_image(region.crop_rgb(image, SIZE))
        if float(outputs[_PRESENCE].item()) < 0:  # a logit: as likely as not
            return None
        points = outputs[_LANDMARKS].reshape(POINTS, 3)[BLENDSHAPE_POINTS, :2]
        # The model does not mind scale, place or tilt, so the crop's own pixels serve.
        (scores,) = self._blendshapes.run(points[None])
        return float(scores[_BLINK_RIGHT]), float(scores[_BLINK_LEFT])


def _unpack(path: Path) -> tuple[bytes, bytes]:
    try:
        with zipfile.ZipFile(path.expanduser()) as bundle:
            return bundle.read(MESH_FILE), bundle.read(BLENDSHAPES_FILE)
    except OSError as error:
        raise VisionError(
            f"vision.landmarker: {path}: {error.strerror or error}; name a face_landmarker.task, or leave it out"
        ) from None
    except KeyError as error:
        raise _unfit(path, str(error.args[0])) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _unfit(path, str(error) or type(error).__name__) from None


def _unfit(path: Path, reason: str) -> VisionError:
    return VisionError(
        f"vision.landmarker: {path}: no face_landmarker.task with blendshapes ({reason}); download it again"
    )
