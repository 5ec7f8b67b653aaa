"""ResNet-50, ResNet-101 and Inception-V3, trained apart and fused by weights (Cao et al.).

    mien-train fit cao_fusion --data FOLDER [--set side=96] [--set weights=none] [--set part=resnet50]

"Expression Recognition Based on Multi-level Multi-model Fusion Deep Convolutional Neural Network". Published, on
FER2013 with a validation set drawn at random: 66.86, 67.92 and 68.73 %, fused 71.78 %.
Time: the paper gives 20–30 minutes an epoch on an RTX 4000, so 60 to 90 hours for its 180 epochs. On two busy cores a
step of all of ResNet-50 takes 5.6 s and one of Inception-V3 6.5 s: 5.5 and 3.2 hours an epoch. With ``side=75`` and
``batch=32`` one epoch of the three takes 67 minutes there, and from scratch they are right for some 41 to 46 %.

Each network, for 48×48 grey and side 299:

    resize to 320×320, cut out the middle 299×299, three equal channels, -1..1 (Inception) or its 127.5-fold
    backbone          resnet50 23,587,712 parameters, resnet101 42,658,176, inception_v3 21,802,784 (Keras's count)
    head              global average pooling, dense 7: 14,343 parameters

The fused one: the sum of the three networks' logits, each by its weight, which softmax makes probabilities
(equation 1). The weights are those of best accuracy on PublicTest, in steps of 0.05, together 1.

As the paper states: ImageNet's weights and a new dense layer; 30 epochs of that layer alone at 0.001, then 30 of
all at 1e-4 (Inception 1e-5), batch 8 (Inception 16), Adam, cross-entropy, the best of each kept; a random 299×299
of the 320×320 picture and random flips in training, the middle 299×299 otherwise. Pictures in -1..1; Keras's
weights of the ResNets, unlike the paper's, want levels about a middle of 0, hence the 127.5-fold for these.

What it leaves open: how the weights of the fusion are found ("adjusted by changes in the accuracy"); the random
split, for which FER2013's own stand here, so that the figure is PrivateTest's.

Options. ``weights``: imagenet (fetched by Keras), a folder with Keras's three files
(``resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5`` and so on), or none: then there is no stage for the head
alone, 60 epochs at 1e-3 down to a hundredth of it. ``side``: of the picture that the networks see, at least 75.
``part``: one of the three networks alone, to train them on different machines into OUT/resnet50 and so on; a last
``fit cao_fusion --resume`` then finds them there. ``batch``: instead of the paper's; on a CPU, where every step of the
optimizer goes through all 43 million weights of ResNet-101, 32 takes three fifths of the time of 8.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
from keras import layers

from train.augment import NONE
from train.data.faces import CLASSES
from train.recipes.base import Recipe, RecipeError, Stage

OPTIONS = {"side": int, "weights": str, "part": str, "batch": int}

#: The paper's picture before and after cropping.
WHOLE, CROP = 320, 299
#: Inception-V3 has nothing left to pool below.
SMALLEST = 75
_MAKE = {
    "resnet50": keras.applications.ResNet50,
    "resnet101": keras.applications.ResNet101,
    "inception_v3": keras.applications.InceptionV3,
}
PARTS = tuple(_MAKE)


def backbone(part: str, side: int, weights: str) -> keras.Model:
    """One of the three, float32 [N, side, side, 3] to features float32 [N, 2048]."""
    source = None if weights == "none" else weights
    if weights not in ("none", "imagenet"):
        file = Path(weights) / f"{part}_weights_tf_dim_ordering_tf_kernels_notop.h5"
        if not file.is_file():
            raise RecipeError(f"{file}: not found; weights takes imagenet, none, or the folder of Keras's files")
        source = str(file)
    try:
        model = _MAKE[part](include_top=False, weights=source, input_shape=(side, side, 3), pooling="avg", name=part)
    except Exception as error:
        if source is None:
            raise
        # Keras raises whatever its download and h5py raise, and a bare Exception of its own.
        way_out = "--set weights=FOLDER takes Keras's files, --set weights=none starts without"
        raise RecipeError(f"{part}: no weights from {source} ({str(error).splitlines()[0]}); {way_out}") from error
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9  # the paper's framework's; Keras's own, 0.99, lags behind for thousands of steps
    return model


def build(part: str, side: int = CROP, weights: str = "imagenet") -> keras.Model:
    """Float32 [N, H, W, 1] in 0..1 to logits float32 [N, 7]."""
    image = keras.Input((None, None, 1), name="face")
    whole = whole_side(side)
    x = layers.Resizing(whole, whole, name="resize")(image)
    x = layers.CenterCrop(side, side, name="crop")(x)
    x = layers.Concatenate(name="grey_to_colour")([x, x, x])
    scale = 2.0 if part == "inception_v3" else 255.0
    x = layers.Rescaling(scale, -scale / 2, name="levels")(x)
    x = backbone(part, side, weights)(x)
    return keras.Model(image, layers.Dense(len(CLASSES), name="logits")(x), name=f"cao_{part}")


def whole_side(side: int) -> int:
    """The side of the picture that a crop of a side is cut from, in the paper's proportion."""
    return round(side * WHOLE / CROP)


def part_recipe(part: str, side: int = CROP, weights: str = "imagenet", batch: int = 0) -> Recipe:
    """The recipe of one of the three networks; batch 0 is the paper's."""
    inception = part == "inception_v3"
    whole = whole_side(side)
    head = Stage(30, 1e-3, frozen=(part,))
    every = Stage(30, 1e-5 if inception else 1e-4)
    scratch = weights == "none"
    return Recipe(
        name=part,
        build=partial(build, part, side, weights),
        epochs=60,
        batch=batch or (16 if inception else 8),
        optimizer="adam",
        learning_rate=1e-3,
        schedule="cosine" if scratch else "constant",
        stages=None if scratch else (head, every),
        # Shifted by up to half of what the crop leaves over: the crop of the middle is then one at random.
        augmentation=replace(NONE, flip=True, shift=(whole - side) / 2 / whole),
        resolutions=((0.0, whole),),
        monitor="accuracy",
    )


def recipe(side: int = CROP, weights: str = "imagenet", part: str | None = None, batch: int = 0) -> Recipe:
    """The fusion, or one part of it, at a size and from given weights; batch 0 is the paper's."""
    if side < SMALLEST:
        raise RecipeError(f"cao_fusion: side={side}: Inception-V3 needs {SMALLEST} at least")
    if batch < 0:
        raise RecipeError(f"cao_fusion: batch={batch}: 0 is the paper's, 32 suits a CPU")
    if part is not None:
        if part not in PARTS:
            raise RecipeError(f"cao_fusion has no part {part!r}; it has: {', '.join(PARTS)}")
        return part_recipe(part, side, weights, batch)
    return Recipe(
        name="cao_fusion",
        build=None,
        epochs=60,
        parts=tuple(part_recipe(name, side, weights, batch) for name in PARTS),
    )


RECIPE = recipe()
