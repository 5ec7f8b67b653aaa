"""Networks made by hand, right by construction, so that no test has to wait for training."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from tests.train.faces import striped
from train.data.faces import CLASSES, SIDE, Faces
from train.layers import AffineSample

Pictures = NDArray[np.uint8]


def stripes_reader() -> keras.Model:
    """Reads ``striped`` faces: a template of stripes for every class, whichever fits best."""
    clean = striped(len(CLASSES)).pixels.astype(np.float32)
    image = keras.Input((None, None, 1), name="face")
    score = layers.Conv2D(len(CLASSES), SIDE, name="templates")(image)
    model = keras.Model(image, layers.Reshape((len(CLASSES),), name="expression")(score), name="stripes")
    model.get_layer("templates").set_weights([_templates(clean), np.zeros(len(CLASSES), np.float32)])
    return model


def mirrored_noise(count: int) -> Faces:
    """Pictures of seven patterns as fine as pixels, each seen in a mirror and under noise; a third of each split."""
    rng = np.random.default_rng(1)
    labels = np.arange(count) % len(CLASSES)
    pictures = _patterns()[labels][:, :, ::-1] + rng.normal(0, 60, (count, SIDE, SIDE))
    return Faces(pictures.clip(0, 255).astype(np.uint8), labels.astype(np.uint8), (labels % 3).astype(np.uint8))


def mirror_reader() -> keras.Model:
    """Reads ``mirrored_noise``: a spatial transformer turns the picture back, then templates are laid on it.

    The patterns are as fine as pixels, so whoever samples half a pixel beside the right place reads noise.
    """
    image = keras.Input((SIDE, SIDE, 1), name="face")
    x = layers.Flatten(name="stn_flatten")(layers.AveragePooling2D(8, name="stn_pool")(image))
    theta = layers.Dense(6, name="stn_theta")(x)
    seen = AffineSample(name="stn_sample")([image, theta])
    score = layers.Conv2D(len(CLASSES), SIDE, name="templates")(seen)
    model = keras.Model(image, layers.Reshape((len(CLASSES),), name="expression")(score), name="mirror")
    # What the matrix differs by from the identity, with a little of the picture in it, as a trained one has.
    wander = np.random.default_rng(0).normal(0, 1e-3, (36, 6)).astype(np.float32)
    model.get_layer("stn_theta").set_weights([wander, np.array([-2, 0, 0, 0, 0, 0], np.float32)])
    model.get_layer("templates").set_weights([_templates(_patterns()), np.zeros(len(CLASSES), np.float32)])
    return model


def _patterns() -> NDArray[np.float32]:
    return np.random.default_rng(2).integers(0, 2, (len(CLASSES), SIDE, SIDE)).astype(np.float32) * 160 + 40


def _templates(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """A kernel [48, 48, 1, 7] whose answers are largest where a picture is its own."""
    centred = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    return np.asarray(centred.transpose(1, 2, 0)[:, :, None] / 255 / 20, np.float32)
