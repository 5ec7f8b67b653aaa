"""The apparent expression of one face, from a model bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.models.bundle import Bundle, load_bundle
from edge.models.manifest import MANIFEST_FILE, Manifest
from edge.vision.backend import VisionError
from edge.vision.crop import FER2013_MARGIN, SIZE, CropMargin
from edge.vision.interpreter import Model, TensorType
from edge.vision.trial import try_in_child
from edge.vision.types import EXPRESSIONS, Array

#: The one framing that this device makes; a model trained on another would be shown faces it has never seen.
CROP_FUNCTION = "edge.vision.crop.expression_crop"


class ExpressionModel:
    """A model that proved itself: whole by its manifest, of the right shape, and right about its golden faces.

    A bare ``.tflite`` proves only, in a child process, that it runs; what it says is taken as logits of grey 0 to 1.
    """

    def __init__(
        self,
        bundle: Path | Bundle,
        threads: int,
        *,
        allow_unverified: bool = False,
        fallback: str | None = None,
    ) -> None:
        """Loads a bundle from its folder, or one that is loaded already.

        allow_unverified: ``bundle`` may be a bare ``.tflite`` file. fallback: why this model runs in another's place.
        Raises ModelsError or VisionError, in one line naming the file that is missing, damaged or of another kind.
        """
        if isinstance(bundle, Path):
            bundle = load_bundle(bundle, allow_unverified=allow_unverified)
        manifest = bundle.manifest
        if manifest is None:
            try_in_child(bundle.content, str(bundle.path))
        else:
            _check_contract(manifest, bundle.path.with_name(MANIFEST_FILE))
        self._model = Model(bundle.content, str(bundle.path), threads)
        shapes = (self._model.input_shape, self._model.output_shapes)
        if shapes != ((1, SIZE, SIZE, 1), [(1, len(EXPRESSIONS))]):
            raise VisionError(
                f"{bundle.path}: takes {shapes[0]} and gives {shapes[1]}, not a face in and 7 logits out; "
                "use another model"
            )
        self._temperature = manifest.temperature if manifest else 1.0
        self._range = manifest.input.range if manifest else (0.0, 1.0)
        #: Hex digest of ``model.tflite``; events carry it.
        self.sha256 = bundle.sha256
        self.name = bundle.name
        #: Why this model runs in the place of the one that was asked for; None where it is that one.
        self.fallback = fallback
        if manifest is not None:
            self._self_test(manifest, bundle.path)

    def probabilities(self, crop: NDArray[np.uint8]) -> Array:
        """Calibrated probabilities, float32 [7] in the order of EXPRESSIONS, of an expression crop uint8 [48, 48]."""
        (logits,) = self._model.run_image(crop[:, :, None], *self._range)
        return calibrated(logits[0], self._temperature)

    def _self_test(self, manifest: Manifest, path: Path) -> None:
        """Holds the tensors against the manifest, and the answers to its golden faces. Raises VisionError."""
        for what, says, has in (
            ("input", manifest.input, self._model.input_type),
            ("output", manifest.output, self._model.output_types[0]),
        ):
            said = TensorType(says.dtype, says.scale, says.zero_point)
            if not has.agrees(said):
                raise VisionError(f"{path}: its {what} is {has}, the manifest says {said}; use another model")
        for number, case in enumerate(manifest.golden.cases):
            crop = np.frombuffer(case.input, np.uint8).reshape(SIZE, SIZE)
            off = float(np.abs(self.probabilities(crop) - np.array(case.probabilities)).max())
            if not off <= manifest.golden.tolerance:  # so that NaN fails as well
                raise VisionError(
                    f"{path}: fails its self-test, golden face {number} is {off:.3f} off where "
                    f"{manifest.golden.tolerance:g} is allowed; use another model"
                )


def calibrated(logits: Array, temperature: float) -> Array:
    """Probabilities, float32, of logits divided by the temperature (Guo et al. 2017), over the last axis."""
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), dtype=np.float32)


def _check_contract(manifest: Manifest, path: Path) -> None:
    """Whether the model speaks of the same classes and is used to the same crop. Raises VisionError."""
    if manifest.labels != EXPRESSIONS:
        raise VisionError(f"{path}: labels: must be {', '.join(EXPRESSIONS)}, in this order; use another model")
    if (manifest.input.height, manifest.input.width, manifest.input.channels) != (SIZE, SIZE, 1):
        raise VisionError(f"{path}: input: must be {SIZE} × {SIZE} × 1; use another model")
    crop = manifest.crop
    if crop.function != CROP_FUNCTION or CropMargin(crop.scale, crop.down) != FER2013_MARGIN:
        raise VisionError(
            f"{path}: crop: must be {CROP_FUNCTION} at scale {FER2013_MARGIN.scale}, down {FER2013_MARGIN.down}; "
            "use another model, or this mien's own"
        )
