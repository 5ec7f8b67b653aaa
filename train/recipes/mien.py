r"""The edge model: a small plain residual network that loses next to nothing in int8.

    mien-train fit mien --data FOLDER [--set mixup=0.2] [--teacher MODEL …]

Plain 3×3 convolutions, batch normalization and ReLU, which fold into the cheapest int8 kernels LiteRT has;
no swish, no squeeze-and-excitation, no dense layer on a pooled tensor. Seven residual blocks: 1.27 M parameters, 69 M
multiply-adds. Targets: 3/4 FER2013's label, 1/4 FERPlus's votes; with teachers, these mixed with what they answer.

The model that ships was trained in three runs on two shared x86-64 cores, 2026-11-22: with five blocks, 50 epochs in
95 minutes, PublicTest 67.0 %; with a camera's faults as well, 16 in 40 minutes, 68.0 %; with two blocks more, which
start as nothing, 50 in 109 minutes, PublicTest 68.5 %, PrivateTest 69.0 % (float32):

    mien-train fit mien --data FOLDER --set blocks=5
    mien-train fit mien --data FOLDER --out runs/mien-camera --init runs/mien/model.keras \
        --epochs 16 --set blocks=5 --set camera=0.4 --set learning_rate=1e-3 --set side=48
    mien-train fit mien --data FOLDER --out runs/mien-deep --init runs/mien-camera/model.keras --set camera=0.25

Options. ``camera``: share of the training faces under one of a camera's faults. ``mixup``: α of the Beta
distribution by which faces are mixed in pairs, 0.2 for example. ``learning_rate``: the highest. ``side``: of the
pictures throughout, instead of growing from 36 to 48 pixels. ``blocks``: 5 to 7. ``labels``: ``ferplus`` learns
FERPlus's votes among its eight emotions alone, for comparison with others; the device takes FER2013's seven.
"""

from __future__ import annotations

import math
from functools import partial

import keras
import numpy as np
from keras import layers

from train.augment import Augmentation
from train.data.faces import CLASSES, Faces, needed_votes
from train.layers import conv_bn
from train.metrics import FERPLUS_EMOTIONS
from train.recipes.base import Distributions, Mask, Recipe, RecipeError

#: Filters and stride of each residual block.
BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (128, 1))
#: So many of them there are at least; those beyond do nothing at first, as their last scale is zero (Goyal et al.
#: 2017), so that they can be added to a trained network.
LEAST = 5


def _block(x: keras.KerasTensor, filters: int, stride: int, name: str, scale: str) -> keras.KerasTensor:
    y = conv_bn(x, filters, 3, stride, True, f"{name}_a")
    y = conv_bn(y, filters, 3, 1, False, f"{name}_b", scale)
    if stride != 1 or x.shape[-1] != filters:
        x = conv_bn(x, filters, 1, stride, False, f"{name}_skip")
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, y]))


def build(blocks: int = len(BLOCKS), classes: int = len(CLASSES)) -> keras.Model:
    """Float32 [N, H, W, 1] in 0..1 (48×48 on the device) to logits float32 [N, classes]."""
    image = keras.Input((None, None, 1), name="face")
    x = conv_bn(image, 32, 3, 1, True, "stem")
    x = layers.MaxPooling2D(2, name="stem_pool")(x)
    for index, (filters, stride) in enumerate(BLOCKS[:blocks]):
        x = _block(x, filters, stride, f"block{index}", "ones" if index < LEAST else "zeros")
    x = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    # A 1×1 convolution, not Dense: Dense on a pooled tensor leaves shape operators in the converted model.
    x = layers.Conv2D(classes, 1, name="logits")(x)
    return keras.Model(image, layers.Reshape((classes,), name="expression")(x), name="mien")


def distributions(faces: Faces) -> Distributions:
    """FERPlus's votes as shares among its eight emotions, float32 [N, 8]; 0 for a face without any of them.

    Single votes are outliers and dropped where there are others, as Barsoum et al. 2016 do. Raises DataError for
    faces without votes.
    """
    votes = needed_votes(faces, "mien with labels=ferplus")[:, : len(FERPLUS_EMOTIONS)].astype(np.float32)
    agreed = np.where(votes > 1, votes, 0)
    votes = np.where(agreed.any(axis=1, keepdims=True), agreed, votes)
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1), np.float32)


def named(faces: Faces) -> Mask:
    """The faces of which most voters name an emotion rather than unknown or not-a-face; bool [N]."""
    return np.asarray(needed_votes(faces, "mien with labels=ferplus").argmax(axis=1) < len(FERPLUS_EMOTIONS))


def recipe(
    camera: float = 0.0,
    learning_rate: float = 2e-3,
    side: int = 0,
    mixup: float = 0.0,
    blocks: int = len(BLOCKS),
    labels: str = "fer2013",
) -> Recipe:
    """The recipe with its options.

    camera: share of the training faces under one of a camera's faults, such as dusk, blur, a hand before the face.
    side: of the pictures throughout; 0: they grow from 36 to 48 pixels, as suits a start from random weights.
    mixup: α of the Beta distribution by which faces are mixed in pairs; 0: they are not. blocks: how many of BLOCKS.
    labels: ``fer2013``: its label, a quarter of it FERPlus's votes; ``ferplus``: the votes among eight emotions alone.
    """
    if not (math.isfinite(mixup) and mixup >= 0):
        raise RecipeError(f"mien: mixup={mixup:g}: 0 turns it off, 0.1 to 0.4 are usual")
    if not LEAST <= blocks <= len(BLOCKS):
        raise RecipeError(f"mien: blocks={blocks}: it has {LEAST} to {len(BLOCKS)}")
    if labels not in ("fer2013", "ferplus"):
        raise RecipeError(f"mien: labels={labels}: fer2013 or ferplus")
    classes = FERPLUS_EMOTIONS if labels == "ferplus" else CLASSES
    return Recipe(
        name="mien",
        build=partial(build, blocks, len(classes)),
        classes=classes,
        where=named if labels == "ferplus" else None,
        distribution=distributions if labels == "ferplus" else None,
        epochs=50,
        batch=96,
        learning_rate=learning_rate,
        weight_decay=0.02,
        warmup_epochs=1.0,
        vote_share=0.25,
        label_smoothing=0.0,
        average=0.998,
        augmentation=Augmentation(camera=camera),
        mixup=mixup,
        resolutions=((0.0, side),) if side else ((0.0, 36), (0.4, 42), (0.75, 48)),
    )


OPTIONS: dict[str, type] = {
    "camera": float,
    "learning_rate": float,
    "side": int,
    "mixup": float,
    "blocks": int,
    "labels": str,
}
RECIPE = recipe()
