"""A residual network of bottlenecks, the classifier of a whole system (Li et al.).

    mien-train fit li_system --data FOLDER [--set width=64]

"Expression Recognition System Based on Deep Learning Framework". Published: no accuracy on FER2013.
Time: 6 to 10 minutes an epoch on two cores, alone or beside other work; the four of ``--schedule short --epochs 4``,
33 minutes, leave it at 37 % of PrivateTest.

The network, for 48×48 grey and width 32 (each convolution is followed by batch normalization and ReLU):

    stem        conv 3×3 width                                              48×48×32
    stage 1     3 bottlenecks of width, the first with stride 2             24×24×128
    stage 2     4 bottlenecks of 2 · width, the first with stride 2         12×12×256
    stage 3     6 bottlenecks of 4 · width, the first with stride 2         6×6×512
    stage 4     3 bottlenecks of 8 · width, the first with stride 2         3×3×1024
    head        global average pooling, dense 7                             7
    bottleneck  [conv 1×1 w, conv 3×3 w, conv 1×1 4w] + shortcut, ReLU      (equations 1 and 2)

As the paper states: residual blocks with shortcuts, bottlenecks whose 1×1 convolutions spare the 3×3 one, strided
convolutions in place of pooling, twice the channels where the size is halved, global average pooling in place of
dense layers, seven classes.

What it leaves open: nearly everything else. The counts 3, 4, 6, 3 are ResNet-50's; the stem is 3×3 without
stride, since 48×48 would be 12×12 after ResNet's own; width 32 is half of ResNet-50's 64, which ``--set width=64``
gives. The schedule is that of the residual network's paper (He et al. 2016): SGD with momentum 0.9, decay 1e-4,
learning rate 0.05 at batch 128 (theirs: 0.1 at 256), divided by 10 when the error stands still. The 40 epochs and
the augmentation are chosen here.

The system around it, detection, landmarks, probabilities drawn on live video, is what the rest of this project does.
"""

from __future__ import annotations

from functools import partial

import keras
from keras import layers

from train.augment import Augmentation
from train.data.faces import CLASSES
from train.layers import conv_bn
from train.recipes.base import Recipe

OPTIONS = {"width": int}


def _bottleneck(x: keras.KerasTensor, width: int, stride: int, name: str) -> keras.KerasTensor:
    y = conv_bn(x, width, 1, 1, True, f"{name}_reduce")
    y = conv_bn(y, width, 3, stride, True, f"{name}_conv")
    y = conv_bn(y, 4 * width, 1, 1, False, f"{name}_expand")
    if stride != 1 or x.shape[-1] != 4 * width:
        x = conv_bn(x, 4 * width, 1, stride, False, f"{name}_skip")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def build(width: int = 32) -> keras.Model:
    """Float32 [N, H, W, 1] in 0..1 (48×48 in FER2013) to logits float32 [N, 7]."""
    image = keras.Input((None, None, 1), name="face")
    x = conv_bn(image, width, 3, 1, True, "stem")
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for index in range(blocks):
            x = _bottleneck(x, width * 2**stage, 2 if index == 0 else 1, f"stage{stage + 1}_{index + 1}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(len(CLASSES), name="logits")(x), name="li_system")


def recipe(width: int = 32) -> Recipe:
    """The recipe at another width; 64 is ResNet-50's."""
    return Recipe(
        name="li_system",
        build=partial(build, width),
        any_side=True,
        epochs=40,
        batch=128,
        optimizer="sgd",
        momentum=0.9,
        learning_rate=0.05,
        weight_decay=1e-4,
        schedule="plateau",
        augmentation=Augmentation(gain=0.15, bias=10.0, blur=0.0, erase=0.1),
        monitor="accuracy",
    )


RECIPE = recipe()
