"""Fitting a recipe: epochs with progress, a checkpoint after each, the averaged weights as the result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from train.batches import Batches, as_input, steps
from train.data.faces import Faces, Split
from train.recipes.base import Recipe

LAST = "last.keras"
BEST = "model.keras"
STATE = "state.npz"
HISTORY = "history.json"


def fit(
    recipe: Recipe,
    faces: Faces,
    out: Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    resume: bool = False,
    report: Callable[[str], None] = print,
) -> keras.Model:
    """Train a recipe on the Training split; ``out/model.keras`` is the averaged network afterwards.

    PublicTest is scored after every epoch, PrivateTest never. With ``resume`` the run in ``out`` goes on from
    its last whole epoch.
    """
    out.mkdir(parents=True, exist_ok=True)
    epochs = epochs or recipe.epochs
    training = faces.split(Split.TRAINING).without_blank()
    validation = faces.split(Split.PUBLIC_TEST)
    keras.utils.set_random_seed(seed)
    history: list[dict[str, float]] = []
    if resume and (out / LAST).is_file():
        model = keras.saving.load_model(out / LAST)
        average = Average.load(model, recipe.average, out / STATE)
        history = json.loads((out / HISTORY).read_text())
    else:
        model = recipe.build()
        model.compile(
            optimizer=keras.optimizers.AdamW(
                _schedule(recipe, len(training), epochs), weight_decay=recipe.weight_decay
            ),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            # XLA costs more than it saves on a CPU under TensorFlow; JAX has nothing else.
            jit_compile=keras.backend.backend() == "jax",
        )
        average = Average(model, recipe.average)
    averaged = keras.models.clone_model(model)
    for epoch in range(len(history), epochs):
        started = time.monotonic()
        _seed_dropout(model, seed, epoch)
        batches = Batches(training, recipe, epochs, seed, epoch)
        log = model.fit(batches, epochs=epoch + 1, initial_epoch=epoch, verbose=1, callbacks=[average])
        average.copy_to(averaged)
        refresh_batch_norm(averaged, training, seed)
        scores = accuracy(averaged, validation)
        took = time.monotonic() - started
        entry = {name: float(values[-1]) for name, values in log.history.items()}
        history.append(entry | {"public_test": scores, "seconds": round(took, 1), "side": recipe.side_at(epoch / epochs)})
        left = took * (epochs - epoch - 1)
        report(
            f"epoch {epoch + 1}/{epochs}  loss {entry['loss']:.3f}  training {entry['accuracy']:.4f}  "
            f"PublicTest {scores:.4f}  {took:.0f} s, about {left / 60:.0f} min left"
        )
        _save(out, model, averaged, average, history)
    return keras.saving.load_model(out / BEST, compile=False)


class Average(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """A running average of the weights.

    Keras's own ``use_ema`` overwrites the weights with their average at the end of every ``fit()`` call while
    the batch-norm statistics stay those of the raw weights; called epoch by epoch that trains to chance.
    """

    def __init__(self, model: keras.Model, decay: float, values: list[NDArray[np.float32]] | None = None, step: int = 0):
        super().__init__()
        self._decay = decay
        self._values = values or [np.array(w) for w in model.get_weights()]
        self._step = step

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._step += 1
        if self._step % EVERY:
            return
        # Early on the average follows closely, or it would remember the random start.
        decay = min(self._decay**EVERY, self._step / (self._step + 10 * EVERY))
        for value, weight in zip(self._values, self.model.get_weights(), strict=True):
            value += (1 - decay) * (weight - value)

    def copy_to(self, model: keras.Model) -> None:
        """Give a model of the same build the averaged weights; its batch-norm statistics want refreshing."""
        model.set_weights(self._values)

    def save(self, path: Path) -> None:
        """Write the average for ``load``."""
        np.savez(path, *self._values, step=self._step)

    @classmethod
    def load(cls, model: keras.Model, decay: float, path: Path) -> Average:
        """Go on from a saved average."""
        with np.load(path) as stored:
            values = [stored[f"arr_{index}"] for index in range(len(stored.files) - 1)]
            return cls(model, decay, values, int(stored["step"]))


#: Steps between two updates of the average: copying the weights out costs time, and they move slowly.
EVERY = 8


def refresh_batch_norm(model: keras.Model, faces: Faces, seed: int, images: int = 4096, batch: int = 512) -> None:
    """Set the batch-norm statistics to those of the model's present weights, from unaugmented faces."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    rows = np.random.default_rng(seed).permutation(len(faces))[:images]
    pixels = as_input(faces.pixels[rows])
    momenta = [layer.momentum for layer in norms]
    for count, start in enumerate(range(0, len(pixels), batch)):
        for layer in norms:
            layer.momentum = count / (count + 1)  # a plain mean over the batches
        model(pixels[start : start + batch], training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def accuracy(model: keras.Model, faces: Faces) -> float:
    """Share of faces whose likeliest class is their FER2013 label."""
    logits = model.predict(as_input(faces.pixels), batch_size=512, verbose=0)
    return float((logits.argmax(axis=1) == faces.labels).mean())


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Start the layers' random states anew for an epoch: a saved model does not hold them, a resume needs them."""
    for index, layer in enumerate(model.layers):
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign(np.array([seed + 1000 * index, epoch], np.uint32))


def _schedule(recipe: Recipe, faces: int, epochs: int) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup = steps(faces, recipe.batch, recipe.warmup_epochs)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 20,
        decay_steps=max(1, steps(faces, recipe.batch, epochs) - warmup),
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )


def _save(out: Path, model: keras.Model, averaged: keras.Model, average: Average, history: list[dict[str, float]]) -> None:
    """Write every file aside first and move the history last: it says how many epochs the others hold."""
    parts = {LAST: model.save, BEST: averaged.save, STATE: average.save}
    for name, write in parts.items():
        write(out / f"tmp-{name}")
    for name in parts:
        (out / f"tmp-{name}").replace(out / name)
    (out / f"tmp-{HISTORY}").write_text(json.dumps(history, indent=1))
    (out / f"tmp-{HISTORY}").replace(out / HISTORY)
