"""Layers that Keras does not have, and what recipes share. Import this before loading a model that may hold one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="mien")
class AffineSample(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Pictures seen through an affine map each, sampled bilinearly (Jaderberg et al. 2015, equations 1 and 5).

    Takes pictures float [N, H, W, C] of a fixed size and theta float [N, 6]: by how much the rows of a 2×3 matrix
    differ from the identity. The matrix maps places in the output to places in the input, (x, y) in -1..1 from edge
    to edge; what lies outside is 0. Gives [N, H, W, C]. Computes in float32 under any precision: half of it cannot
    count a picture's pixels.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - what every Keras layer takes
        super().__init__(**{**kwargs, "dtype": "float32"})

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        """Take the size of the pictures from [their shape, theta's shape]."""
        _, height, width, channels = input_shape[0]
        if height is None or width is None or channels is None:
            raise ValueError(f"{self.name}: the pictures' size must be known, not {input_shape[0]}")
        self._height, self._width, self._channels = height, width, channels
        super().build(input_shape)

    def call(self, inputs: list[Any]) -> Any:  # noqa: ANN401 - a tensor of whichever backend
        """[pictures, theta] to sampled pictures."""
        image, theta = inputs
        height, width = self._height, self._width
        x, y = np.meshgrid((2 * np.arange(width) + 1) / width - 1, (2 * np.arange(height) + 1) / height - 1)
        grid = np.stack([x.ravel(), y.ravel(), np.ones(height * width)])
        seen = ops.matmul(ops.reshape(theta, (-1, 2, 3)) + np.eye(2, 3), ops.cast(grid, theta.dtype))
        column = ((seen[:, 0] + 1) * width - 1) / 2
        row = ((seen[:, 1] + 1) * height - 1) / 2
        left, top = ops.floor(column), ops.floor(row)
        pixels = ops.reshape(image, (-1, height * width, self._channels))
        sampled = 0.0
        for dy in (0, 1):
            for dx in (0, 1):
                sampled += self._corner(pixels, column, row, left + dx, top + dy)
        return ops.reshape(sampled, (-1, height, width, self._channels))

    def _corner(self, pixels: Any, column: Any, row: Any, x: Any, y: Any) -> Any:  # noqa: ANN401
        """One of the four neighbours' share of the samples, [N, H·W, C]."""
        weight = (1 - ops.abs(column - x)) * (1 - ops.abs(row - y))
        inside = (x >= 0) & (x < self._width) & (y >= 0) & (y < self._height)
        place = ops.clip(y, 0, self._height - 1) * self._width + ops.clip(x, 0, self._width - 1)
        values = ops.take_along_axis(pixels, ops.expand_dims(ops.cast(place, "int32"), -1), axis=1)
        return values * ops.expand_dims(weight * ops.cast(inside, weight.dtype), -1)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The pictures' own shape."""
        return tuple(input_shape[0])


def every_layer(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """A model's layers with those of the models inside it, in a fixed order."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)


def conv_bn(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, relu: bool, name: str, scale: str = "ones"
) -> keras.KerasTensor:
    """A padded convolution without bias, batch normalization and, if asked for, ReLU, on a tensor [N, H, W, C].

    scale: what the normalization's scale starts from.
    """
    x = keras.layers.Conv2D(
        filters, kernel, stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    # Keras's default momentum, 0.99, leaves the statistics far behind the weights for thousands of steps.
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=scale, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x
