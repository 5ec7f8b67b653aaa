"""Half precision where the hardware computes faster in it, and float32 copies of what was trained so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import keras

Precision = Literal["auto", "float32", "bfloat16", "float16"]


def policy_of(precision: Precision, distributed: bool = False) -> str:
    """Keras's dtype policy. ``auto``: bfloat16 on GPUs that have it (since Ampere), float16 on older, else float32.

    Not float16 on several GPUs at once, where the scaling of the loss would have to agree between them.
    """
    if precision == "float32":
        return "float32"
    if precision != "auto":
        return f"mixed_{precision}"
    capability = _gpu()
    if capability is None:
        return "float32"
    if capability >= 8:
        return "mixed_bfloat16"
    return "float32" if distributed else "mixed_float16"


def _gpu() -> int | None:
    """The least compute capability's major number of the GPUs; None without GPU, or one that does not tell."""
    if keras.backend.backend() == "jax":
        import jax  # type: ignore[import-not-found, unused-ignore]  # not where TensorFlow is used

        found = [str(getattr(gpu, "compute_capability", "")) for gpu in jax.local_devices() if gpu.platform == "gpu"]
        majors = [int(value.split(".")[0]) for value in found if value]
        return min(majors, default=None)
    import tensorflow as tf

    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return min((detail["compute_capability"][0] for detail in details if "compute_capability" in detail), default=None)


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Build layers under a dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def float32_twin(model: keras.Model) -> keras.Model:
    """A model of the same build in float32, with weights of its own."""

    def in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = {**layer.get_config(), "dtype": "float32"}
        if "synchronized" in config:
            config["synchronized"] = False  # batch statistics over several devices are the training's own affair
        return layer.__class__.from_config(config)

    return keras.models.clone_model(model, clone_function=in_float32, recursive=True)
