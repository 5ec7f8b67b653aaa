"""A Keras model to a full-integer TFLite model: int8 in, int8 out, one face at a time."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from train.batches import as_input


def to_int8(model: keras.Model, calibration: NDArray[np.uint8]) -> bytes:
    """Full-integer post-training quantization, calibrated on grey faces uint8 [N, S, S]."""
    side = calibration.shape[1]
    # A dynamic batch would leave hundreds of shape operators in the file.
    face = keras.Input((side, side, 1), batch_size=1, name="face")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(face, model(face)))

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for image in as_input(calibration):
            yield [image[np.newaxis]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # It asks for training-time statistics although the representative faces give them, and lists every variable.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected", UserWarning)
        return bytes(converter.convert())
