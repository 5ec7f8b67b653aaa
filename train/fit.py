"""Fitting a recipe: epochs with progress, a checkpoint after each, the best or averaged weights as the result."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from train import checkpoint
from train.batches import Batches, as_input
from train.data.faces import CLASSES, Faces, Split
from train.distill import Distillation, describe
from train.distribute import Replicas
from train.fusion import best_weights, fuse
from train.layers import every_layer
from train.metrics import accuracy, softmax
from train.precision import Precision, float32_twin, policy, policy_of
from train.recipes.base import Distributions, Recipe, RecipeError, Stage
from train.schedules import best_epoch, optimizer, plateau_factor

#: What a run leaves in its folder: the raw network with its optimizer, to go on from; the result; the running
#: average; a row an epoch; what was asked for; and, of a fusion, its weights.
LAST = "last.keras"
BEST = "model.keras"
STATE = "state.npz"
HISTORY = "history.json"
RUN = "run.json"
FUSION = "fusion.json"

Report = Callable[[str], None]
History = list[dict[str, float]]


def fit(
    recipe: Recipe,
    faces: Faces,
    out: Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    resume: bool = False,
    precision: Precision = "auto",
    distribute: str | None = None,
    init: Path | None = None,
    distillation: Distillation | None = None,
    report: Report = print,
) -> keras.Model:
    """Train a recipe on the Training split; ``out/model.keras`` is the result, and is returned.

    PublicTest is scored after every epoch, PrivateTest never. With ``resume`` the run in ``out`` goes on from its
    last whole epoch and ends as it would have without the interruption. A fusion's parts are trained one after the
    other, each in a folder of ``out`` by its name; ``epochs`` counts for each.

    distribute: ``mirrored`` (all of this machine's GPUs) or ``multiworker`` (the machines of TF_CONFIG, which share
    ``out``). init: a ``.keras`` model of the same network to start from, for example to learn further faces; not for
    a fusion. distillation: teachers whose answers are mixed into the targets; asked once, before the first epoch.
    report: called with a line an epoch.
    Raises RecipeError for what cannot be fitted as asked.
    """
    replicas = Replicas(distribute) if distribute else None
    writes = replicas is None or replicas.chief
    report = report if writes else _say_nothing
    run = partial(
        _fit_one,
        faces=faces,
        epochs=epochs,
        seed=seed,
        resume=resume,
        policy_name=policy_of(precision, distributed=replicas is not None),
        replicas=replicas,
        init=init,
        distillation=distillation,
        report=report,
    )
    if recipe.parts and init is not None:
        raise RecipeError(f"{recipe.name} is a fusion: --init is for one network")
    if not recipe.parts:
        return run(recipe, out=out)
    models = []
    for part in recipe.parts:
        report(f"{recipe.name}: {part.name}")
        models.append(run(part, out=out / part.name))
    return _fuse(recipe, models, faces, out, writes, report)


def _say_nothing(line: str) -> None:
    """The report of every worker but the first."""


def _fit_one(
    recipe: Recipe,
    *,
    faces: Faces,
    out: Path,
    epochs: int | None,
    seed: int,
    resume: bool,
    policy_name: str,
    replicas: Replicas | None,
    init: Path | None,
    distillation: Distillation | None,
    report: Report,
) -> keras.Model:
    epochs = epochs or recipe.epochs
    data = _Data.of(recipe, faces)
    stages = recipe.plan(epochs)
    firsts = list(np.cumsum([0, *(stage.epochs for stage in stages)]))
    writes = replicas is None or replicas.chief
    out.mkdir(parents=True, exist_ok=True)
    if writes:
        checkpoint.recover(out)
    if replicas:
        replicas.agree([0.0])  # nobody looks before the chief has put the files in order
    history = _open(recipe, out, epochs, seed, resume, writes, distillation)
    if replicas and replicas.agree([len(history)]) != [len(history)]:
        raise RecipeError(f"{out}: holds another number of epochs than the first worker's; --out must be shared")
    targets = recipe.targets(data.training)
    if distillation:
        if recipe.classes != CLASSES:
            raise RecipeError(f"{recipe.name}: learns other classes than FER2013's seven, which teachers answer")
        public = faces.split(Split.PUBLIC_TEST)
        answers = distillation.answers(data.training, public, out, use_cache=resume, write_cache=writes, report=report)
        targets = distillation.mix(targets, answers)
    # Only now: the teachers' making draws random numbers, which a resumed run, with their answers at hand, does not.
    keras.utils.set_random_seed(seed)
    with replicas.scope if replicas else nullcontext():
        if history:
            model = keras.saving.load_model(out / LAST)
        else:
            with policy(policy_name):
                model = _build(recipe)
            if init is not None:
                _start_from(model, init, report)
    average = None
    if recipe.average is not None:
        average = Average.load(model, recipe.average, out / STATE) if history else Average(model, recipe.average)
    result = float32_twin(model)

    prepared = False
    for epoch in range(len(history), epochs):
        if _stands_still(recipe, history):
            report(f"no better {recipe.monitor} on PublicTest for {recipe.patience} epochs")
            break
        started = time.monotonic()
        stage = stages[index := int(np.searchsorted(firsts, epoch, side="right")) - 1]
        if epoch == firsts[index]:
            with replicas.scope if replicas else nullcontext():
                _compile(model, recipe, stage, len(data.training), distributed=replicas is not None)
            prepared = False
        if replicas and not prepared:
            replicas.prepare(model, recipe.side_at(0))
            prepared = True
        if recipe.schedule == "plateau":
            losses = [entry["public_test_loss"] for entry in history[firsts[index] :]]
            model.optimizer.learning_rate = stage.learning_rate * plateau_factor(losses)
        log = _one_epoch(model, recipe, data.training, targets, epochs, seed, epoch, replicas, average)
        if not math.isfinite(log["loss"]):
            raise RecipeError(f"{recipe.name}: the loss of epoch {epoch + 1} is {log['loss']}; see precision and seed")
        if average:
            average.copy_to(result)
            # An epoch that is not the result gets by with a glance: the whole took a seventh of its time.
            on_the_way = recipe.monitor is None and epoch + 1 < epochs
            refresh_batch_norm(result, data.training, seed, 1024 if on_the_way else 4096)
        else:
            result.set_weights(model.get_weights())
        right, loss = _score(result, data, recipe.batch)
        if replicas:
            right, loss = replicas.agree([right, loss])
        took = time.monotonic() - started
        history.append(
            log
            | {
                "public_test": right,
                "public_test_loss": loss,
                "learning_rate": float(model.optimizer.learning_rate),
                "seconds": round(took, 1),
                "side": recipe.side_at(epoch / epochs),
            }
        )
        left = took * (epochs - epoch - 1)
        report(
            f"epoch {epoch + 1}/{epochs}  loss {log['loss']:.3f}  training {log['accuracy']:.4f}  "
            f"PublicTest {right:.4f}  {took:.0f} s, about {left / 60:.0f} min left"
        )
        if writes:
            _save(out, recipe, model, result, average, history)
    if replicas:
        replicas.agree([0.0])  # nobody reads, or leaves, before the chief has written
    return keras.saving.load_model(out / BEST, compile=False) if (out / BEST).is_file() else result


@dataclass(frozen=True, slots=True)
class _Data:
    """What a recipe trains on, and what it is scored on after every epoch."""

    training: Faces
    pictures: NDArray[np.float32]
    truth: NDArray[np.uint8]
    targets: NDArray[np.float32]

    @classmethod
    def of(cls, recipe: Recipe, faces: Faces) -> _Data:
        training = recipe.select(faces.split(Split.TRAINING).without_blank())
        validation = recipe.select(faces.split(Split.PUBLIC_TEST))
        if len(training) < recipe.batch or not len(validation):
            raise RecipeError(
                f"{recipe.name} needs a batch of {recipe.batch} Training faces and some of PublicTest; the data holds "
                f"{len(training)} and {len(validation)}"
            )
        return cls(training, as_input(validation.pixels), recipe.truth(validation), recipe.targets(validation))


def _open(
    recipe: Recipe, out: Path, epochs: int, seed: int, resume: bool, writes: bool, distillation: Distillation | None
) -> History:
    """The epochs that a run in the folder has behind it; none for a new run, whose settings are noted there."""
    settings = {
        "recipe": recipe.name,
        "schedule": recipe.schedule,
        "epochs": epochs,
        "batch": recipe.batch,
        "seed": seed,
    }
    taught = distillation.facts if distillation else None
    if (out / HISTORY).is_file() and not resume:
        raise RecipeError(f"{out}: holds a run already; --resume goes on with it, another --out keeps it")
    if (out / RUN).is_file() and resume:
        before = json.loads((out / RUN).read_text())
        for name, value in settings.items():
            if before.get(name) != value:
                raise RecipeError(
                    f"{out}: started with {name} {before.get(name)}, not {value}; --resume needs the same"
                )
        if before.get("distillation") != taught:
            raise RecipeError(
                f"{out}: started with {describe(before.get('distillation'))}, not {describe(taught)}; "
                "--resume needs the same"
            )
    elif writes:
        facts = settings | {
            "distillation": taught,
            "classes": recipe.classes,
            "keras": keras.version(),
            "backend": keras.backend.backend(),
        }
        checkpoint.write(out, {RUN: lambda path: path.write_text(json.dumps(facts, indent=1))})
    if not (out / HISTORY).is_file():
        return []
    history: History = json.loads((out / HISTORY).read_text())
    return history


def _build(recipe: Recipe) -> keras.Model:
    if recipe.build is None:
        raise RecipeError(f"{recipe.name} is a fusion of fusions")
    return recipe.build()


def _start_from(model: keras.Model, path: Path, report: Report) -> None:
    """Give a new model the weights of a saved one of the same network, or of a shallower one or other classes.

    Layers that the saved one does not have start anew, as does its last one where the classes are others.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no such file; --init takes a model.keras of the same recipe")
    try:
        saved = {layer.name: layer for layer in _weighted(keras.saving.load_model(path, compile=False))}
    except ValueError as error:
        raise RecipeError(f"{path}: not a Keras model: {str(error).splitlines()[0]}") from None
    own = _weighted(model)
    new = [layer for layer in own if layer.name not in saved or (layer is own[-1] and _other(layer, saved))]
    strange = [layer.name for layer in own if layer not in new and _other(layer, saved)]
    strange += [name for name in saved if name not in {layer.name for layer in own}]
    if strange or len(new) == len(own):
        wrong = f"{strange[0]} differs" if strange else "none of its layers is there"
        raise RecipeError(f"{path}: not a {model.name} network: {wrong}; --init takes a model.keras of the same recipe")
    for layer in own:
        if layer not in new:
            layer.set_weights(saved[layer.name].get_weights())
    if new:
        report(f"{path}: has no {', '.join(layer.name for layer in new)}; they start anew")


def _weighted(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers that hold weights of their own."""
    return [layer for layer in every_layer(model) if layer.weights and not isinstance(layer, keras.Model)]


def _other(layer: keras.layers.Layer, saved: dict[str, keras.layers.Layer]) -> bool:
    """Whether a layer's weights have other shapes than those of the saved one of its name."""
    return [weight.shape for weight in layer.weights] != [weight.shape for weight in saved[layer.name].weights]


def _compile(model: keras.Model, recipe: Recipe, stage: Stage, faces: int, distributed: bool) -> None:
    """Set what learns and a fresh optimizer."""
    for layer in model.layers:
        layer.trainable = layer.name not in stage.frozen
    model.compile(
        optimizer=optimizer(recipe, stage, faces),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        # XLA costs more than it saves on a CPU under TensorFlow; JAX has nothing else.
        jit_compile=keras.backend.backend() == "jax" and not distributed,
    )


def _one_epoch(
    model: keras.Model,
    recipe: Recipe,
    training: Faces,
    targets: Distributions,
    epochs: int,
    seed: int,
    epoch: int,
    replicas: Replicas | None,
    average: Average | None,
) -> dict[str, float]:
    _seed_dropout(model, seed, epoch)
    part = replicas.part(recipe.batch) if replicas else slice(None)
    batches = Batches(training, recipe, epochs, seed, epoch, part, targets)
    callbacks = [average] if average else []
    if replicas:
        return replicas.epoch(model, batches, callbacks)
    log = model.fit(
        batches,
        epochs=epoch + 1,
        initial_epoch=epoch,
        verbose=int(sys.stdout.isatty()),
        callbacks=callbacks,
        # Keras would shuffle the batches by Python's own generator, which a resumed run finds in another state.
        shuffle=False,
    )
    return {name: float(values[-1]) for name, values in log.history.items()}


def _score(model: keras.Model, data: _Data, batch: int) -> tuple[float, float]:
    """Accuracy, and cross-entropy in nats, on PublicTest."""
    logits = model.predict(data.pictures, batch_size=4 * batch, verbose=0)
    surprise = -np.log(np.maximum(softmax(logits), 1e-12))
    return accuracy(logits, data.truth), float((data.targets * surprise).sum(axis=1).mean())


def _figures(recipe: Recipe, history: History) -> list[float]:
    return [entry["public_test_loss" if recipe.monitor == "loss" else "public_test"] for entry in history]


def _best(recipe: Recipe, history: History) -> int:
    """The epoch, counted from 0, that is the result so far."""
    if recipe.monitor is None:
        return len(history) - 1
    return best_epoch(_figures(recipe, history), lower_is_better=recipe.monitor == "loss")


def _stands_still(recipe: Recipe, history: History) -> bool:
    return recipe.patience is not None and len(history) - 1 - _best(recipe, history) >= recipe.patience


def _fuse(
    recipe: Recipe, models: Sequence[keras.Model], faces: Faces, out: Path, writes: bool, report: Report
) -> keras.Model:
    """Weigh trained networks on PublicTest and write them as one."""
    data = [_Data.of(part, faces) for part in recipe.parts]
    logits = [
        model.predict(one.pictures, batch_size=4 * part.batch, verbose=0)
        for model, one, part in zip(models, data, recipe.parts, strict=True)
    ]
    truth = data[0].truth
    weights = best_weights(logits, truth)
    fused = fuse(models, weights)
    names = [part.name for part in recipe.parts]
    scores = [accuracy(one, truth) for one in logits]
    together = accuracy(np.tensordot(np.array(weights, np.float32), np.stack(logits), axes=1), truth)
    facts = {
        "weights": dict(zip(names, weights, strict=True)),
        "public_test": dict(zip(names, scores, strict=True)) | {"fused": together},
    }
    if writes:
        checkpoint.write(out, {BEST: fused.save, FUSION: lambda path: path.write_text(json.dumps(facts, indent=1))})
    parts = ", ".join(
        f"{weight:g} × {name} ({score:.4f})" for name, weight, score in zip(names, weights, scores, strict=True)
    )
    report(f"PublicTest {together:.4f} = {parts}")
    return fused


class Average(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """A running average of the weights.

    Keras's own ``use_ema`` overwrites the weights with their average at the end of every ``fit()`` call while
    the batch-norm statistics stay those of the raw weights; called epoch by epoch that trains to chance.
    """

    def __init__(
        self, model: keras.Model, decay: float, values: list[NDArray[np.float32]] | None = None, step: int = 0
    ) -> None:
        super().__init__()
        self._decay = decay
        self._values = values or [np.array(w) for w in model.get_weights()]
        self._step = step

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras's names
        """Every few steps, move the average towards the weights."""
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


def refresh_batch_norm(model: keras.Model, faces: Faces, seed: int, images: int = 4096, batch: int = 256) -> None:
    """Set the batch-norm statistics to those of the model's present weights, from unaugmented faces."""
    norms = [layer for layer in every_layer(model) if isinstance(layer, keras.layers.BatchNormalization)]
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


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Start the layers' random states anew for an epoch: a saved model does not hold them, a resume needs them."""
    for index, layer in enumerate(every_layer(model)):
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign(np.array([seed + 1000 * index, epoch], np.uint32))


def _save(
    out: Path, recipe: Recipe, model: keras.Model, result: keras.Model, average: Average | None, history: History
) -> None:
    files: dict[str, Callable[[Path], object]] = {
        LAST: model.save,
        HISTORY: lambda path: path.write_text(json.dumps(history, indent=1)),
    }
    if average:
        files[STATE] = average.save
    if _best(recipe, history) == len(history) - 1:
        files[BEST] = result.save
    checkpoint.write(out, files)
