"""Separable convolutions with squeeze-and-excitation and shortcuts (Gao and Ma).

    mien-train fit gao_se --data FOLDER

"A Robust Improved Network for Facial Expression Recognition". Published: 65.2 % of FER2013's test set.
Time: 128 minutes for 20 epochs of ``--schedule short`` on two shared cores beside other work; 64.3 % of PrivateTest
then. An epoch at 48 pixels takes 4 minutes there with nothing else running.

The network, for 48×48 grey (C = classes; each convolution is followed by batch normalization):

    stem       conv 3×3 32, ReLU, conv 3×3 32, ReLU                             48×48×32
    block 1–4  [separable 3×3 f, ReLU, separable 3×3 f, max-pool 3×3 / 2,       24×24×64, 12×12×128,
               attention] + shortcut [conv 1×1 f / 2], ReLU, dropout            6×6×256, 3×3×512
    head       global average pooling, dropout, dense C                         C
    attention  global average pooling, dense f/16, ReLU, dense f, sigmoid, multiplied by channel

As the paper states: a standard convolutional backbone, shortcuts, the attention block of its section 3.1 and
figure 4, separable convolutions (C₁K² + C₁C₂ weights, section 3.2), batch normalization, dropout, augmentation,
Adam with its default parameters, 50 epochs, the best of them by validation kept (EarlyStopping).

What it leaves open: figures 5 and 6, which draw the network and the block, are not in its text, so the number of
blocks, their widths and order are chosen here; r, which is 16 as in the squeeze-and-excitation paper; the batch,
64; where and how much dropout, 0.1 in the blocks and 0.4 in the head; the kinds of augmentation; "80 % of the
dataset", which is FER2013's own Training here; patience, 15 epochs on PublicTest's accuracy.
"""

from __future__ import annotations

import keras
from keras import layers

from train.augment import Augmentation
from train.data.faces import CLASSES
from train.recipes.base import Recipe

REDUCTION = 16


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)


def _attention(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    # Dense layers on a 1×1 picture are 1×1 convolutions, which convert without shape operators.
    y = layers.Conv2D(channels // REDUCTION, 1, activation="relu", name=f"{name}_reduce")(y)
    y = layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_excite")(y)
    return layers.Multiply(name=f"{name}_scale")([x, y])


def _block(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    y = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_a")(x)
    y = layers.ReLU(name=f"{name}_a_relu")(_norm(y, f"{name}_a"))
    y = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_b")(y)
    y = layers.MaxPooling2D(3, 2, padding="same", name=f"{name}_pool")(_norm(y, f"{name}_b"))
    y = _attention(y, f"{name}_attention")
    x = _norm(layers.Conv2D(filters, 1, 2, use_bias=False, name=f"{name}_skip")(x), f"{name}_skip")
    y = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
    return layers.SpatialDropout2D(0.1, name=f"{name}_dropout")(y)


def build() -> keras.Model:
    """Float32 [N, H, W, 1] in 0..1 (48×48 in the paper) to logits float32 [N, 7]."""
    image = keras.Input((None, None, 1), name="face")
    x = image
    for name in ("stem_a", "stem_b"):
        x = layers.Conv2D(32, 3, padding="same", use_bias=False, name=name)(x)
        x = layers.ReLU(name=f"{name}_relu")(_norm(x, name))
    for index, filters in enumerate((64, 128, 256, 512)):
        x = _block(x, filters, f"block{index + 1}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.4, name="dropout")(x)
    return keras.Model(image, layers.Dense(len(CLASSES), name="logits")(x), name="gao_se")


RECIPE = Recipe(
    name="gao_se",
    build=build,
    any_side=True,
    epochs=50,
    batch=64,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="constant",
    augmentation=Augmentation(shift=0.1, rotation_deg=10.0, scale=(0.9, 1.1), gain=0.0, bias=0.0, blur=0.0, erase=0.0),
    monitor="accuracy",
    patience=15,
)
