"""Expression networks of any make behind one face: grey pictures in, probabilities of emotions out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import MienError
from edge.vision.expression import ExpressionModel
from edge.vision.interpreter import Model
from train.data.faces import CLASSES, FERPLUS_COLUMNS, SIDE
from train.metrics import accuracy, softmax

if TYPE_CHECKING:
    import keras

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]

#: The columns of every network's answer here: FER2013's classes, then the one that only FERPlus has.
EMOTIONS = (*CLASSES, "contempt")
#: What a network's outputs are by their number, where the file does not say.
_LABELS = {len(names): names for names in (CLASSES, FERPLUS_COLUMNS[:8], FERPLUS_COLUMNS)}

#: What black and white become on the way into a network. imagenet: torchvision's mean and deviation by channel.
Scale = Literal["0..1", "-1..1", "0..255", "imagenet"]
SCALES: tuple[Scale, ...] = get_args(Scale)
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

_KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
_BATCH = 128


class ModelError(MienError):
    """A model that cannot be evaluated; the message names the file and the way out."""


@dataclass(slots=True)
class Network:
    """A network and what its pictures must look like.

    kind: for people. input_shape: height, width, channels. labels: what its outputs stand for. run: grey
    uint8 [N, 48, 48] and a scale to raw outputs float32 [N, labels]. gives_probabilities: or else logits.
    scale, and scale_source (stated by the file, asked for, found by trying, or the default), are None until
    settled. temperature: the file's own, where it has one; not applied.
    """

    path: Path
    kind: str
    input_shape: tuple[int, int, int]
    labels: tuple[str, ...]
    run: Callable[[Images, Scale], Floats]
    gives_probabilities: bool
    parameters: int | None = None
    temperature: float | None = None
    scale: Scale | None = None
    scale_source: str | None = None

    @property
    def name(self) -> str:
        """Folder and file, enough to tell models apart."""
        return str(Path(self.path.parent.name) / self.path.name)

    @property
    def file(self) -> Path:
        """The file with the weights."""
        return weights_file(self.path)

    def sha256(self) -> str:
        """Hex digest of the file with the weights."""
        return sha256_of(self.path)

    def probabilities(self, images: Images, done: Callable[[int], object] | None = None) -> Floats:
        """Float32 [N, 8] in the order of EMOTIONS, of grey faces uint8 [N, 48, 48].

        A network without contempt gives it 0. Where it has unknown or not-a-face, they are left out and the rest is
        scaled up to 1. ``done`` hears how many faces each step took.
        """
        scale = self.scale or "0..1"
        rows = [np.zeros((0, len(self.labels)), np.float32)]
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            rows.append(self.run(batch, scale))
            if done:
                done(len(batch))
        outputs = np.concatenate(rows)
        shares = outputs if self.gives_probabilities else softmax(outputs)
        emotions = np.zeros((len(shares), len(EMOTIONS)), np.float32)
        for column, label in enumerate(self.labels):
            if label in EMOTIONS:
                emotions[:, EMOTIONS.index(label)] = shares[:, column]
        emotions /= np.maximum(emotions.sum(axis=1, keepdims=True), 1e-12)
        return emotions

    def settle_scale(self, asked: Scale | None, images: Images, labels: NDArray[np.uint8]) -> None:
        """Fix the scale: the file's own, else the one asked for, else the one under which it reads faces best.

        A wrong scale costs tens of points of accuracy, so a few hundred labelled faces tell; 0..1 unless another
        is better by 5 points. Raises ModelError for a scale that does not fit.
        """
        if asked == "imagenet" and self.input_shape[2] != 3:
            raise ModelError(f"{self.path}: takes grey pictures; imagenet scales three channels")
        if self.scale is not None:
            if asked not in (None, self.scale):
                raise ModelError(f"{self.path}: its manifest says {self.scale}; leave --scale out")
            return
        if asked is not None:
            self.scale, self.scale_source = asked, "asked for"
            return
        self.scale, self.scale_source = "0..1", "default"
        if not len(images):
            return
        scores: dict[Scale, float] = {}
        for scale in SCALES if self.input_shape[2] == 3 else SCALES[:3]:
            self.scale = scale
            scores[scale] = accuracy(self.probabilities(images)[:, : len(CLASSES)], labels)
        best = max(SCALES, key=lambda scale: scores.get(scale, 0.0))
        if scores[best] < scores["0..1"] + 0.05:
            best = "0..1"
        self.scale, self.scale_source = best, f"found by trying on {len(images)} PublicTest faces"


def open_network(path: Path) -> Network:
    """A Keras file (.keras, or .h5 and .hdf5 of Keras 1 to 3), a .tflite file, or a bundle's folder.

    Raises ModelError for anything else, and for a network that does not take one picture and give 7, 8 or 10
    classes; VisionError for a damaged bundle.
    """
    if path.name == "model.tflite" and (path.parent / "manifest.json").is_file():
        path = path.parent
    if (path / "manifest.json").is_file():
        return _bundle(path)
    if not path.is_file():
        what = "has no manifest.json, so it is no bundle" if path.is_dir() else "not found"
        raise ModelError(f"{path}: {what}; name a .keras, .h5 or .tflite file or a bundle's folder")
    if path.suffix == ".tflite":
        return _tflite(path)
    if path.suffix in _KERAS_SUFFIXES:
        return _keras(path)
    raise ModelError(f"{path}: not a model by its name; name a .keras, .h5 or .tflite file or a bundle's folder")


def weights_file(model: Path) -> Path:
    """The file with the weights of a model, which is that file or a bundle's folder."""
    return model / "model.tflite" if model.is_dir() else model


def sha256_of(model: Path) -> str:
    """Hex digest of the file with a model's weights, without opening the model."""
    return hashlib.sha256(weights_file(model).read_bytes()).hexdigest()


def run_facts(model: Path) -> dict[str, Any]:
    """What train.fit noted beside a model, in run.json: its recipe and the names of its classes; empty without."""
    try:
        facts = json.loads((model.parent / "run.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def adapt(images: Images, shape: tuple[int, int, int], scale: Scale) -> Floats:
    """Grey uint8 [N, H, W] as a network takes them: float32 [N, *shape], grey repeated over the channels."""
    height, width, channels = shape
    interpolation = cv2.INTER_AREA if height < images.shape[1] else cv2.INTER_LINEAR
    # Resized as floats: rounding to grey levels in between costs a network up to 0.2 points.
    grey = np.stack(
        [cv2.resize(image.astype(np.float32), (width, height), interpolation=interpolation) for image in images]
    )
    pictures = np.repeat(grey[..., np.newaxis], channels, axis=3)
    if scale == "0..255":
        return pictures
    if scale == "-1..1":
        return np.asarray(pictures / 127.5 - 1, np.float32)
    pictures /= 255
    return pictures if scale == "0..1" else (pictures - _IMAGENET_MEAN) / _IMAGENET_DEVIATION


def _bundle(folder: Path) -> Network:
    """Through the device's own code, which checks hash, labels and input."""
    model = ExpressionModel(folder, threads=1)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    temperature = float(manifest["temperature"])

    def run(images: Images, _scale: Scale) -> Floats:
        # The device divides by the manifest's temperature; taken back, so that every network is scored raw.
        shares = np.stack([model.probabilities(image) for image in images])
        return np.log(np.maximum(shares, np.float32(1e-30))) * np.float32(temperature)

    return Network(
        folder,
        "bundle in LiteRT",
        (SIDE, SIDE, 1),
        CLASSES,
        run,
        gives_probabilities=False,
        parameters=manifest.get("metrics", {}).get("parameters"),
        temperature=temperature,
        scale="0..1",
        scale_source="its manifest",
    )


def _tflite(path: Path) -> Network:
    model = Model.load(path, threads=1)
    shape = _picture_shape(path, [model.input_shape])
    if model.input_shape[0] != 1:
        raise ModelError(f"{path}: takes {model.input_shape[0]} pictures at once; convert it with a batch of 1")

    def run(images: Images, scale: Scale) -> Floats:
        return np.concatenate([model.run(picture[np.newaxis])[0] for picture in adapt(images, shape, scale)])

    labels = _labels(path, model.output_shapes)
    return Network(path, "TFLite in LiteRT", shape, labels, run, _gives_probabilities(run))


def _keras(path: Path) -> Network:
    import keras

    import train.layers  # noqa: F401 - registers the recipes' own layers with Keras

    class DepthwiseConv2D(keras.layers.DepthwiseConv2D):  # type: ignore[misc]  # keras ships no types
        """Keras 2 wrote ``groups``, always 1, which Keras 3 refuses."""

        def __init__(self, *args: Any, groups: int = 1, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
            super().__init__(*args, **kwargs)

    old = {} if path.suffix == ".keras" else {"DepthwiseConv2D": DepthwiseConv2D}
    try:
        model: keras.Model = keras.saving.load_model(path, custom_objects=old, compile=False)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(f"{path}: not a model that Keras {keras.__version__} can load: {reason}") from None
    # XLA costs more than it saves on a CPU under TensorFlow; JAX has nothing else.
    model.jit_compile = keras.backend.backend() == "jax"
    shape = _picture_shape(path, [tensor.shape for tensor in model.inputs])
    labels = _labels(path, [tensor.shape for tensor in model.outputs])

    def run(images: Images, scale: Scale) -> Floats:
        return np.asarray(model.predict_on_batch(adapt(images, shape, scale)), np.float32)

    return Network(path, "Keras", shape, labels, run, _gives_probabilities(run), parameters=model.count_params())


def _picture_shape(path: Path, inputs: Sequence[Sequence[int | None]]) -> tuple[int, int, int]:
    if len(inputs) != 1 or len(inputs[0]) != 4 or inputs[0][3] not in (1, 3):
        shown = ", ".join(str(tuple(shape)) for shape in inputs)
        raise ModelError(f"{path}: takes {shown}, not one picture [N, height, width, 1 or 3]")
    height, width, channels = inputs[0][1:]
    # A network for pictures of any size reads ours as they are.
    return height or SIDE, width or SIDE, channels or 1


def _labels(path: Path, outputs: Sequence[Sequence[int | None]]) -> tuple[str, ...]:
    count = outputs[0][1] if len(outputs) == 1 and len(outputs[0]) == 2 else None
    stated = tuple(run_facts(path).get("classes", ()))
    if len(stated) == count and set(CLASSES) <= set(stated) <= set(FERPLUS_COLUMNS):
        return stated
    if count in _LABELS:
        return _LABELS[count]
    shown = ", ".join(str(tuple(shape)) for shape in outputs)
    raise ModelError(
        f"{path}: gives {shown}, not 7 classes (FER2013's order), nor 8 or 10 (FERPlus's, with or without "
        "unknown and not-a-face)"
    )


def _gives_probabilities(run: Callable[[Images, Scale], Floats]) -> bool:
    """Whether outputs look like probabilities; within what int8 leaves of a sum of 1."""
    noise = np.random.default_rng(0).integers(0, 256, (16, SIDE, SIDE), np.uint8)
    outputs = run(noise, "0..1")
    return bool((outputs >= 0).all() and (np.abs(outputs.sum(axis=1) - 1) < 0.02).all())
