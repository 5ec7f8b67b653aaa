"""Data parallel training through ``tf.distribute``: the same steps as on one device, each batch shared out.

Keras's own ``fit`` does not run under MultiWorkerMirroredStrategy (keras 3.15, keras-team/keras issue 20585: it
fails building the metrics from batches of several workers). The train step that ``fit`` runs does, so it is run
here, under either strategy.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np

from train.batches import Batch, Batches
from train.layers import every_layer
from train.recipes.base import RecipeError

KINDS = ("mirrored", "multiworker")
_EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'


class Replicas:
    """The devices that share every batch, those of this process and those of the others."""

    def __init__(self, kind: str) -> None:
        """Join them; ``multiworker`` waits for the other workers of ``TF_CONFIG``. Call before anything else."""
        if kind not in KINDS:
            raise RecipeError(f"--distribute takes {' or '.join(KINDS)}, not {kind}")
        if keras.backend.backend() != "tensorflow":
            raise RecipeError(
                f"--distribute {kind} needs KERAS_BACKEND=tensorflow: tf.distribute cannot share out "
                f"what {keras.backend.backend()} runs"
            )
        import tensorflow as tf

        if kind == "multiworker":
            _check_config(os.environ.get("TF_CONFIG", ""))
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        else:
            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            self._strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        self._tf = tf
        self._total = tf.function(lambda value: self._strategy.run(_all_reduce, args=(value,)))
        self.count: int = self._strategy.num_replicas_in_sync
        self._own: list[int] = []
        self._values(self._note)

    @property
    def chief(self) -> bool:
        """Whether this process writes the files; exactly one does."""
        return self._own[0] == 0

    @property
    def scope(self) -> Any:  # noqa: ANN401 - tensorflow ships no types
        """A context in which to build, load and compile the model."""
        return self._strategy.scope()

    def part(self, batch: int) -> slice:
        """The rows of every batch that this process needs."""
        if batch % self.count:
            raise RecipeError(f"{self.count} devices cannot share the recipe's batch of {batch} evenly; take fewer")
        each = batch // self.count
        return slice(self._own[0] * each, (self._own[-1] + 1) * each)

    def prepare(self, model: keras.Model, side: int) -> None:
        """Make a model ready after it was compiled or loaded: batch statistics over all devices, all variables made."""
        for layer in every_layer(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
        # Variables cannot be made inside the step that all devices run.
        with self.scope:
            model.optimizer.build(model.trainable_variables)
            x = np.zeros((self.count, side, side, 1), np.float32)
            model._symbolic_build(data_batch=(x, np.zeros((self.count, model.output_shape[-1]), np.float32)))
        self._step = self._tf.function(lambda x, y: self._strategy.run(model.train_step, args=((x, y),)))

    def epoch(
        self, model: keras.Model, batches: Batches, callbacks: Sequence[keras.callbacks.Callback]
    ) -> dict[str, float]:
        """One pass of a prepared model over the batches; the mean loss and metrics over all devices."""
        for callback in callbacks:
            callback.set_model(model)
        model.reset_metrics()
        bar = keras.utils.Progbar(len(batches), verbose=int(self.chief and sys.stdout.isatty()), unit_name="step")
        for index, (x, y) in enumerate(_ahead(batches)):
            self._step(self._shared(x), self._shared(y))
            for callback in callbacks:
                callback.on_train_batch_end(index)
            bar.update(index + 1)
        return {name: float(value) for name, value in model.get_metrics_result().items()}

    def agree(self, values: Sequence[float]) -> list[float]:
        """The chief's values, on every worker: decisions taken from them are then the same everywhere."""
        mine = np.array(values if self.chief else [0.0] * len(values), np.float64)
        # Only the first replica's count, so the sum is the chief's.
        given = self._values(lambda replica: self._tf.constant(mine if replica == 0 else 0 * mine))
        summed = self._strategy.experimental_local_results(self._total(given))[0]
        return [float(value) for value in summed.numpy()]

    def _note(self, replica: int) -> int:
        self._own.append(replica)
        return replica

    def _shared(self, rows: Any) -> Any:  # noqa: ANN401
        each, first = len(rows) // len(self._own), self._own[0]
        shares = {replica: rows[(replica - first) * each :][:each] for replica in self._own}
        return self._values(lambda replica: self._tf.constant(shares[replica]))

    def _values(self, of_replica: Any) -> Any:  # noqa: ANN401
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: of_replica(context.replica_id_in_sync_group)
        )


def _all_reduce(value: Any) -> Any:  # noqa: ANN401
    import tensorflow as tf

    # A plain constant lies on no device yet, which the collective refuses.
    return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(value))


def _check_config(text: str) -> None:
    if not text:
        raise RecipeError(f"--distribute multiworker needs TF_CONFIG in the environment, such as {_EXAMPLE}")
    try:
        config = json.loads(text)
        workers, index = config["cluster"]["worker"], config["task"]["index"]
    except (ValueError, KeyError, TypeError):
        raise RecipeError(f"TF_CONFIG is not as tf.distribute wants it, such as {_EXAMPLE}") from None
    if not 0 <= index < len(workers):
        raise RecipeError(f"TF_CONFIG: task index {index} of {len(workers)} workers")


def _ahead(batches: Batches) -> Iterator[Batch]:
    """The batches, each made while the one before is trained on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(batches.__getitem__, 0)
        for index in range(len(batches)):
            ready = coming.result()
            if index + 1 < len(batches):
                coming = pool.submit(batches.__getitem__, index + 1)
            yield ready
