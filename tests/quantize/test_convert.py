"""Every network becomes a file that LiteRT runs, and what int8 would ruin stays float."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from quantize import golden
from quantize.calibration import as_the_device_feeds
from quantize.compare import layer_errors, to_blame
from quantize.convert import KINDS, Parent, by_tensorflow
from quantize.errors import QuantizeError
from quantize.graph import float_layers, operators, partitions
from quantize.measure import logits
from quantize.quiet import hushed
from tests.quantize.models import mirror_reader, mirrored_noise, stripes_reader
from tests.train import tiny
from tests.train.faces import striped
from train.fusion import fuse
from train.recipes import cao_fusion, gao_se, huo_stn, li_system, mien, ohlsen_vgg

PICTURES = golden.faces(0, 24)


def _small_cao(monkeypatch: pytest.MonkeyPatch) -> keras.Model:
    """The fusion with its own resizing, scaling and weighting, around backbones of one normalized convolution."""

    def backbone(part: str, side: int, weights: str) -> keras.Model:
        image = keras.Input((side, side, 3))
        x = layers.Conv2D(8, 3, 2, use_bias=False, name="conv")(image)
        x = layers.ReLU()(layers.BatchNormalization(name="bn")(x))
        model = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(x), name=part)
        # Statistics that no single face has.
        scale, shift = np.full(8, 1.2, np.float32), np.linspace(-0.2, 0.2, 8, dtype=np.float32)
        model.get_layer("bn").set_weights([scale, shift, 0.5 * shift, 4 * scale])
        return model

    monkeypatch.setattr(cao_fusion, "backbone", backbone)
    return fuse([cao_fusion.build(part, 75, "none") for part in cao_fusion.PARTS], [0.2, 0.3, 0.5])


#: At reduced width where the whole network takes long; ``python -m tests.quantize.every_recipe`` converts them whole.
NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "mien": mien.build,
    "gao_se": gao_se.build,
    "ohlsen_vgg": ohlsen_vgg.build,
    "huo_stn": partial(huo_stn.build, filters=10, hidden=50),
    "li_system": partial(li_system.build, width=8),
}


def test_batch_norm_deep_inside_keeps_its_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models in models were once exported as in training: without an error, and with other answers."""
    keras.utils.set_random_seed(0)
    parent = Parent(_small_cao(monkeypatch))
    expected = parent.model.predict(as_the_device_feeds(PICTURES[:4]), verbose=0)
    assert np.allclose(logits(parent.float32, PICTURES[:4], "fusion"), expected, atol=1e-3)
    assert {operator.type for operator in operators(parent.float32, parent.layers)}.isdisjoint(
        {"SQUARED_DIFFERENCE", "ASSIGN_VARIABLE"}
    )


@pytest.mark.parametrize("name", [*NETWORKS, "cao_fusion"])
def test_every_recipes_network_runs_in_litert_in_int8(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keras.utils.set_random_seed(0)
    model = NETWORKS[name]() if name in NETWORKS else _small_cao(monkeypatch)
    parent = Parent(model)
    content = parent.convert("int8", "ai-edge-quantizer", as_the_device_feeds(PICTURES[:8]))
    graph = operators(content, parent.layers)
    assert {"int8"} == {graph[0].dtype, graph[-1].dtype} or name == "huo_stn"
    assert not {"SHAPE", "PACK"} & {operator.type for operator in graph}  # the batch is fixed
    assert bool(float_layers(graph)) == (name == "huo_stn")
    float_answers = model.predict(as_the_device_feeds(PICTURES), verbose=0)
    answers = logits(content, PICTURES, name)
    off = np.sqrt(np.square(answers - float_answers).mean() / np.square(float_answers).mean())
    assert off < 0.2


@pytest.fixture(scope="module")
def mirror() -> Parent:
    return Parent(mirror_reader())


def test_a_spatial_transformer_keeps_its_accuracy_where_the_plain_converter_falls_to_chance(mirror: Parent) -> None:
    faces = mirrored_noise(140)
    calibration = as_the_device_feeds(faces.pixels[:35])

    def accuracy(answers: NDArray[np.float32]) -> float:
        return float((answers.argmax(axis=1) == faces.labels).mean())

    assert accuracy(mirror.model.predict(as_the_device_feeds(faces.pixels), verbose=0)) == 1
    with hushed():
        plain = by_tensorflow(mirror.converter(), "int8", calibration)
    assert accuracy(logits(plain, faces.pixels, "plain")) < 0.5  # chance is 0.14

    assert mirror.tools("int8") == ("ai-edge-quantizer",)
    ours = mirror.convert("int8", "ai-edge-quantizer", calibration)
    assert accuracy(logits(ours, faces.pixels, "ours")) > 0.99
    graph = operators(ours, mirror.layers)
    assert {"stn_theta", "stn_sample"} <= set(float_layers(graph))
    assert {operator.dtype for operator in graph if operator.layer == "templates"} == {"int8"}

    blamed = to_blame(layer_errors(mirror.float32, plain, calibration[:4], mirror.layers))
    assert {each.layer for each in blamed} == {"stn_sample"}
    healthy = layer_errors(mirror.float32, ours, calibration[:4], mirror.layers)
    assert next(each for each in healthy if each.layer == "templates").error < 0.05


def test_what_the_user_names_stays_float_and_the_rest_does_not() -> None:
    parent = Parent(tiny.build(), ("^logits$", "MEAN"))
    assert {operator.layer for operator in parent.kept} == {"pool", "logits"}
    content = parent.convert("int8", "ai-edge-quantizer", as_the_device_feeds(striped(7).pixels))
    graph = operators(content, parent.layers)
    assert float_layers(graph) == ("pool", "logits")
    assert [each.dtype for each in graph if each.type == "CONV_2D"] == ["int8", "int8"]


def test_a_pattern_or_a_tool_that_cannot_be_followed_is_told_in_one_line() -> None:
    model = stripes_reader()
    with pytest.raises(QuantizeError, match=r"--keep-float lgoits: no layer has that name; there is: templates"):
        _ = Parent(model, ("lgoits",)).kept
    with pytest.raises(QuantizeError, match=r"--keep-float \(: not a regular expression"):
        _ = Parent(model, ("(",)).kept
    faces = as_the_device_feeds(striped(7).pixels)
    with pytest.raises(QuantizeError, match="cannot leave templates float; for int8 take ai-edge-quantizer"):
        Parent(model, ("templates",)).convert("int8", "tensorflow", faces)
    with pytest.raises(QuantizeError, match="makes integers alone; for float16 take tensorflow"):
        Parent(model).convert("float16", "ai-edge-quantizer", faces)
    image = keras.Input((64, 64, 3))
    with pytest.raises(QuantizeError, match="the device reads faces of 48×48×1 into 7 logits"):
        Parent(keras.Model(image, layers.GlobalAveragePooling2D()(image)))


def test_every_kind_says_what_its_parent_says_and_keeps_numbers_as_its_name_tells() -> None:
    faces = striped(70)
    parent = Parent(stripes_reader())
    inputs = as_the_device_feeds(faces.pixels)
    expected = parent.model.predict(inputs, verbose=0).argmax(axis=1)
    for kind in KINDS:
        content = parent.convert(kind, parent.tools(kind)[0], inputs[:14])
        assert (logits(content, faces.pixels, kind).argmax(axis=1) == expected).mean() == 1, kind
        dtype = {"int8": "int8", "int16x8": "int16"}.get(kind, "float32")
        assert {operator.dtype for operator in operators(content, parent.layers) if operator.is_float} == (
            {"float32"} if dtype == "float32" else set()
        )
        if kind in ("int8", "float32"):
            (whole,) = partitions(content)
            assert len(whole) == len(operators(content))
