"""Ten plain convolutions and two dense layers on FERPlus's distributions (Ohlsen).

    mien-train fit ohlsen_vgg --data FOLDER        (fer2013.csv and FERPlus's fer2013new.csv)

"Facial Expression Recognition with Convolutional Neural Networks". Published: 73.2 % of its own 3,482 test faces
after 24 epochs of 15 minutes in all on a K80. Time: not measured; 0.55 s a step of 64 on two
busy cores, so about 3.5 minutes an epoch there.

The network, bottom-up as the paper prints it, for 48×48 grey:

    conv 3×3 32, conv 3×3 32, max-pool 2×2              24×24×32
    conv 3×3 64, conv 3×3 64, max-pool 2×2              12×12×64
    conv 3×3 128, three times, max-pool 2×2             6×6×128
    conv 3×3 256, three times, max-pool 2×2             3×3×256
    dense 1024                                          1024
    dense 7                                             7

As the paper states: ReLU, no augmentation, cross-entropy with FERPlus's distributions, Adam at 0.001, stopped
when the validation loss falls no more. Seven classes, FER2013's: the paper numbers them 0–6 with 3 = happy and
6 = neutral, so FERPlus's eighth, contempt, is left out with unknown and not-a-face, and the rest is normalized.

What it leaves open: padding ("same", or four poolings do not fit); no dropout and no batch normalization are
drawn and none is used; the first weights (He's, since ten layers without batch normalization hardly start from
smaller ones); the batch, 64; patience, 5 epochs.

Where it contradicts itself: it says that only faces with a class probability over 0.5 were trained on, and that
these are 28,221, with 3,532 for validation and 3,482 for test. The three counts are exactly those of the faces
that nobody voted not-a-face and at most three people unknown. A share over 0.5 among the seven classes is had
by 24,606, 3,168 and 3,120 faces. Here validation and test are its 3,532 and 3,482 faces, so that the accuracy is
measured on the same ones, and training takes those of its 28,221 that do have a class over 0.5.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from train.data.faces import CLASSES, FERPLUS_COLUMNS, Faces, Split, needed_votes, soft_targets
from train.recipes.base import Distributions, Mask, Recipe

#: Most votes for unknown that a face of the paper's subset has.
UNKNOWN = 3


def distributions(faces: Faces) -> Distributions:
    """FERPlus's votes among the seven classes, float32 [N, 7]; FER2013's label where nobody voted for one."""
    needed_votes(faces, "ohlsen_vgg")
    return soft_targets(faces, vote_share=1.0)


def subset(faces: Faces) -> Mask:
    """The paper's faces of each split; of Training those with a class over 0.5 alone."""
    votes = needed_votes(faces, "ohlsen_vgg")
    named = votes[:, FERPLUS_COLUMNS.index("not_a_face")] == 0
    named &= votes[:, FERPLUS_COLUMNS.index("unknown")] <= UNKNOWN
    clear = distributions(faces).max(axis=1) > 0.5
    return np.asarray(named & (clear | (faces.splits != Split.TRAINING)))


def build() -> keras.Model:
    """Float32 [N, 48, 48, 1] in 0..1 to logits float32 [N, 7]."""
    image = keras.Input((48, 48, 1), name="face")
    x = image
    for stage, (filters, depth) in enumerate([(32, 2), (64, 2), (128, 3), (256, 3)], start=1):
        for index in range(1, depth + 1):
            x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name=f"conv{stage}_{index}")(
                x
            )
            x = layers.ReLU(name=f"relu{stage}_{index}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(1024, activation="relu", kernel_initializer="he_normal", name="dense")(x)
    return keras.Model(image, layers.Dense(len(CLASSES), name="logits")(x), name="ohlsen_vgg")


RECIPE = Recipe(
    name="ohlsen_vgg",
    build=build,
    epochs=24,
    batch=64,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="constant",
    where=subset,
    distribution=distributions,
    monitor="loss",
    patience=5,
)
