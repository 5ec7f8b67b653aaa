"""Each network has the layers, shapes and parameters that its paper states."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from tests.train.faces import striped, write_csv
from train.batches import Batches
from train.data import load_fer2013
from train.data.faces import DataError, Split
from train.fit import fit
from train.layers import AffineSample
from train.precision import float32_twin
from train.recipes import (
    RECIPES,
    SUMMARIES,
    RecipeError,
    cao_fusion,
    describe,
    gao_se,
    huo_stn,
    li_system,
    load,
    mien,
    ohlsen_vgg,
)

Picture = NDArray[np.float32]


def _pictures(count: int = 2, side: int = 48) -> Picture:
    return np.random.default_rng(0).random((count, side, side, 1), np.float32)


def _outputs(model: keras.Model, kind: type, side: int = 48) -> list[tuple[int, ...]]:
    """The output shapes of a model's layers of one kind for one 48×48 picture."""
    chosen: list[Any] = [layer for layer in model.layers if type(layer) is kind]
    probe = keras.Model(model.input, [layer.output for layer in chosen])
    return [tuple(output.shape[1:]) for output in probe(_pictures(1, side))]


# --- all of them


def test_naming_and_describing_recipes_loads_neither_keras_nor_tensorflow() -> None:
    code = (
        "import sys; from train.recipes import RECIPES, describe; [describe(name) for name in RECIPES]; "
        "print([name for name in ('keras', 'tensorflow') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", list(SUMMARIES))
def test_every_docstring_says_command_and_time(name: str) -> None:
    text = describe(name)
    assert f"mien-train fit {name} --data FOLDER" in text
    assert RECIPES[name].name == name
    if name != "mien":
        assert "As the paper states" in text
        assert "What it leaves open" in text
        assert "Published" in text
        assert "Time: " in text


def test_options_are_read_and_wrong_ones_refused() -> None:
    assert load("huo_stn", {"filters": "10", "hidden": "50"}).build().get_layer("dense").units == 50  # type: ignore[misc]
    with pytest.raises(RecipeError, match="no recipe 'resnet'; there is: mien"):
        load("resnet")
    with pytest.raises(RecipeError, match="gao_se has no option 'width'; it has: none"):
        load("gao_se", {"width": "2"})
    with pytest.raises(RecipeError, match="li_system: width=wide is not of type int"):
        load("li_system", {"width": "wide"})
    with pytest.raises(RecipeError, match="Inception-V3 needs 75"):
        load("cao_fusion", {"side": "48"})
    with pytest.raises(RecipeError, match="no part 'vgg'; it has: resnet50, resnet101, inception_v3"):
        load("cao_fusion", {"part": "vgg"})


@pytest.mark.parametrize("name", ["gao_se", "ohlsen_vgg", "huo_stn", "li_system"])
def test_a_few_steps_lower_the_loss_and_the_saved_model_says_the_same(name: str, tmp_path: Path) -> None:
    recipe = replace(RECIPES[name], batch=14, where=None, distribution=None, learning_rate=1e-3, schedule="constant")
    if name == "li_system":
        recipe = replace(load(name, {"width": "8"}), batch=14, learning_rate=0.002, schedule="constant")
    lines: list[str] = []
    model = fit(recipe, striped(160), tmp_path, epochs=2, report=lines.append)
    losses = [float(line.split("loss ")[1].split()[0]) for line in lines]
    assert losses[1] < losses[0]
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert np.allclose(model(_pictures()), again(_pictures()), atol=1e-4)


def test_epochs_are_shared_out_among_stages_in_proportion() -> None:
    recipe = cao_fusion.part_recipe("resnet50")
    assert [stage.epochs for stage in recipe.plan(60)] == [30, 30]
    assert [stage.epochs for stage in recipe.plan(3)] == [2, 1]
    assert [stage.epochs for stage in recipe.plan(2)] == [1, 1]
    with pytest.raises(RecipeError, match="2 stages and needs at least an epoch for each"):
        recipe.plan(1)


# --- gao_se


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_short_schedule_is_one_stage_of_fewer_epochs_for_every_network_and_part(name: str) -> None:
    own, short = RECIPES[name], RECIPES[name].shortened()
    assert short.epochs < own.epochs
    assert len(short.parts) == len(own.parts)
    for recipe in short.parts or (short,):
        (stage,) = recipe.plan(recipe.epochs)
        assert (stage.epochs, stage.frozen) == (recipe.epochs, ())
        assert (recipe.schedule, recipe.monitor) == ("cosine", None)
    assert short.side_at(1.0) == own.side_at(1.0)


@pytest.mark.parametrize("name", ["gao_se", "li_system"])
def test_pictures_grow_only_where_the_network_takes_any_side(name: str) -> None:
    short = RECIPES[name].shortened()
    assert [short.side_at(progress) for progress in (0.0, 0.5, 0.9)] == [36, 42, 48]
    assert short.build is not None
    assert short.build()(np.zeros((1, 36, 36, 1), np.float32)).shape == (1, 7)
    fixed = RECIPES["huo_stn"].shortened()
    assert {fixed.side_at(progress) for progress in (0.0, 0.5, 0.9)} == {48}


def test_gao_separable_convolutions_have_the_parameters_of_section_3_2() -> None:
    model = gao_se.build()
    separable = [layer for layer in model.layers if isinstance(layer, layers.SeparableConv2D)]
    assert len(separable) == 8
    for layer in separable:
        c1, c2, k = layer.input.shape[-1], layer.output.shape[-1], 3
        assert layer.count_params() == c1 * k * k + c1 * c2
        # Equation 1: of a standard convolution's parameters, 1/C₂ + 1/K² are left.
        assert layer.count_params() / (c1 * k * k * c2) == pytest.approx(1 / c2 + 1 / k**2)


def test_gao_attention_squeezes_excites_and_scales_channels() -> None:
    model = gao_se.build()
    for index, filters in enumerate((64, 128, 256, 512), start=1):
        name = f"block{index}_attention"
        shapes = [tuple(model.get_layer(f"{name}_{part}").output.shape[1:]) for part in ("squeeze", "reduce", "excite")]
        assert shapes == [(1, 1, filters), (1, 1, filters // 16), (1, 1, filters)]
        assert model.get_layer(f"{name}_reduce").activation is keras.activations.relu
        assert model.get_layer(f"{name}_excite").activation is keras.activations.sigmoid
    assert _outputs(model, layers.SpatialDropout2D) == [(24, 24, 64), (12, 12, 128), (6, 6, 256), (3, 3, 512)]
    # The paper gives no count; this is what the chosen widths come to.
    assert model.count_params() == 778_691


# --- ohlsen_vgg


def test_ohlsen_layers_are_those_of_the_printed_figure() -> None:
    model = ohlsen_vgg.build()
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [32, 32, 64, 64, 128, 128, 128, 256, 256, 256]
    assert {(layer.kernel_size, layer.strides) for layer in convolutions} == {((3, 3), (1, 1))}
    pools = [layer for layer in model.layers if isinstance(layer, layers.MaxPooling2D)]
    assert {(layer.pool_size, layer.strides) for layer in pools} == {((2, 2), (2, 2))}
    assert _outputs(model, layers.MaxPooling2D) == [(24, 24, 32), (12, 12, 64), (6, 6, 128), (3, 3, 256)]
    assert _outputs(model, layers.Dense) == [(1024,), (7,)]
    widths = [1, *(layer.filters for layer in convolutions)]
    expected = sum(9 * before * after + after for before, after in itertools.pairwise(widths))
    expected += 3 * 3 * 256 * 1024 + 1024 + 1024 * 7 + 7
    assert model.count_params() == expected == 4_276_839


def test_ohlsen_subset_has_the_sizes_that_the_paper_prints(fer2013: Path) -> None:
    faces = load_fer2013(fer2013)
    votes = faces.votes
    assert votes is not None
    training, validation, test = (ohlsen_vgg.RECIPE.select(faces.split(split)) for split in Split)
    assert len(validation) == 3532
    assert len(test) == 3482
    # The paper's 28,221 without those that have no class over 0.5, which it also says it left out.
    assert ((votes[:, 9] == 0) & (votes[:, 8] <= 3) & (faces.splits == Split.TRAINING)).sum() == 28_221
    assert len(training) == 24_377
    assert ohlsen_vgg.distributions(training).max(axis=1).min() > 0.5
    assert np.array_equal(ohlsen_vgg.RECIPE.truth(test), ohlsen_vgg.distributions(test).argmax(axis=1))


def test_ohlsen_without_ferplus_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"put its fer2013new\.csv beside fer2013\.csv"):
        fit(RECIPES["ohlsen_vgg"], striped(70), tmp_path, report=lambda line: None)


def test_ohlsen_learns_distributions_of_seven_classes(tmp_path: Path) -> None:
    write_csv(striped(140), tmp_path, votes=True)
    faces = load_fer2013(tmp_path)
    assert faces.votes is not None
    faces.votes[0] = [1, 0, 0, 0, 3, 0, 0, 6, 0, 0]  # contempt is not one of the seven
    targets = Batches(faces.select(np.array([0])), replace(RECIPES["ohlsen_vgg"], batch=1), 1, 0, 0)[0][1]
    assert targets[0] == pytest.approx([0.75, 0, 0, 0, 0, 0, 0.25])


# --- huo_stn


def test_huo_layers_are_two_and_four_convolutions_and_two_dense_layers_each() -> None:
    model = huo_stn.build()
    assert _outputs(model, layers.Conv2D) == [
        *[(42, 42, 8), (17, 17, 10)],
        *[(46, 46, 64), (44, 44, 64), (20, 20, 64), (18, 18, 64)],
    ]
    assert _outputs(model, layers.MaxPooling2D) == [(21, 21, 8), (8, 8, 10), (22, 22, 64), (9, 9, 64)]
    assert _outputs(model, layers.Dense) == [(32,), (6,), (128,), (7,)]
    transformer = [layer for layer in model.layers if layer.name.startswith("stn_")]
    assert sum(layer.count_params() for layer in transformer) == 400 + 2010 + 20_512 + 198
    assert model.count_params() == 799_383


def test_huo_at_ten_filters_is_the_network_of_the_public_code() -> None:
    model = huo_stn.build(filters=10, hidden=50)
    convolutions = 100 + 3 * 910
    batch_norm, batch_statistics = 20, 20  # Keras counts the statistics as parameters, too
    dense = 810 * 50 + 50 + 50 * 7 + 7
    assert model.count_params() == 23_120 + convolutions + batch_norm + batch_statistics + dense


def test_a_transformer_that_has_not_learned_changes_nothing() -> None:
    model = huo_stn.build()
    seen = keras.Model(model.input, model.get_layer("stn_sample").output)(_pictures())
    assert np.allclose(seen, _pictures(), atol=1e-5)


def _sampled(theta: list[float], pictures: Picture) -> Picture:
    difference = np.array(theta, np.float32) - [1, 0, 0, 0, 1, 0]
    return np.asarray(AffineSample()([pictures, np.tile(difference, (len(pictures), 1))]))


def test_an_affine_map_shifts_flips_turns_and_blends_as_worked_out_by_hand() -> None:
    pictures = _pictures(3, 8)
    shifted = _sampled([1, 0, 0.25, 0, 1, 0], pictures)  # a quarter of half of 8 pixels: one pixel
    assert np.allclose(shifted[:, :, :-1], pictures[:, :, 1:], atol=1e-5)
    assert np.allclose(shifted[:, :, -1], 0)  # from outside
    assert np.allclose(_sampled([-1, 0, 0, 0, 1, 0], pictures), pictures[:, :, ::-1], atol=1e-5)
    assert np.allclose(_sampled([0, 1, 0, -1, 0, 0], pictures), np.rot90(pictures, 1, (2, 1)), atol=1e-5)
    between = _sampled([1, 0, 0.125, 0, 1, 0], pictures)
    assert np.allclose(between[:, :, :-1], (pictures[:, :, :-1] + pictures[:, :, 1:]) / 2, atol=1e-5)


def test_a_transformer_computes_in_float32_in_a_half_precision_model() -> None:
    assert AffineSample(dtype="mixed_bfloat16").compute_dtype == "float32"
    assert float32_twin(huo_stn.build()).get_layer("stn_sample").compute_dtype == "float32"


# --- li_system


def test_li_channels_double_where_the_size_is_halved() -> None:
    model = li_system.build()
    ends = [model.get_layer(f"stage{stage}_{blocks}_relu") for stage, blocks in enumerate((3, 4, 6, 3), start=1)]
    probe = keras.Model(model.input, [layer.output for layer in ends])
    shapes = [tuple(output.shape[1:]) for output in probe(_pictures(1))]
    assert shapes == [(24, 24, 128), (12, 12, 256), (6, 6, 512), (3, 3, 1024)]
    # The paper gives no count; this is what half of ResNet-50's width comes to.
    assert model.count_params() == 5_921_959


def test_li_at_full_width_has_the_parameters_of_resnet_50() -> None:
    model = li_system.build(width=64)
    learned = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    published = 25_557_032  # He et al.'s network with 1000 classes, as its reference implementations count
    stem, head = 7 * 7 * 3 * 64, 2048 * 1000 + 1000
    assert learned == published - stem - head + 3 * 3 * 1 * 64 + 2048 * 7 + 7


# --- cao_fusion


@pytest.mark.parametrize(
    ("part", "backbone", "convolutions"),
    [("resnet50", 23_587_712, 53), ("resnet101", 42_658_176, 104), ("inception_v3", 21_802_784, 94)],
)
def test_cao_networks_are_the_published_ones_with_seven_outputs(part: str, backbone: int, convolutions: int) -> None:
    model = cao_fusion.build(part, side=96, weights="none")
    inner = model.get_layer(part)
    assert inner.count_params() == backbone
    assert sum(isinstance(layer, layers.Conv2D) for layer in inner.layers) == convolutions
    assert inner.output_shape == (None, 2048)
    assert model.get_layer("logits").count_params() == 2048 * 7 + 7
    assert {layer.momentum for layer in inner.layers if isinstance(layer, layers.BatchNormalization)} == {0.9}


def test_cao_sees_the_middle_299_of_320_pixels_in_three_equal_channels_from_minus_one_to_one() -> None:
    assert cao_fusion.whole_side(299) == 320
    model = cao_fusion.build("inception_v3", side=96, weights="none")
    whole = cao_fusion.whole_side(96)
    picture = _pictures(1, whole)
    seen = np.asarray(keras.Model(model.input, model.get_layer("levels").output)(picture))
    margin = (whole - 96) // 2
    middle = picture[:, margin : margin + 96, margin : margin + 96] * 2 - 1
    assert seen.shape == (1, 96, 96, 3)
    assert np.allclose(seen, np.repeat(middle, 3, axis=-1), atol=1e-5)
    # On the device's 48×48, too.
    assert model.compute_output_shape((None, 48, 48, 1)) == (None, 7)


def test_cao_schedules_are_the_printed_ones() -> None:
    fusion = cao_fusion.recipe()
    assert [part.name for part in fusion.parts] == ["resnet50", "resnet101", "inception_v3"]
    assert [part.batch for part in fusion.parts] == [8, 8, 16]
    for part, fine in zip(fusion.parts, (1e-4, 1e-4, 1e-5), strict=True):
        assert part.stages is not None
        head, every = part.stages
        assert (head.epochs, head.learning_rate, head.frozen) == (30, 1e-3, (part.name,))
        assert (every.epochs, every.learning_rate, every.frozen) == (30, fine, ())
        assert part.optimizer == "adam"
    assert cao_fusion.recipe(weights="none").parts[0].stages is None


def test_cao_starts_from_a_folder_of_weights_and_says_which_file_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with pytest.raises(RecipeError, match=r"resnet50_weights_tf_dim_ordering_tf_kernels_notop\.h5: not found"):
        cao_fusion.backbone("resnet50", 64, str(tmp_path))
    source = cao_fusion.backbone("resnet50", 64, "none")
    source.save(file)  # in the old format, which that of Keras's own files is
    loaded = cao_fusion.backbone("resnet50", 64, str(tmp_path))
    pairs = zip(loaded.get_weights(), source.get_weights(), strict=True)
    assert all(np.array_equal(mine, theirs) for mine, theirs in pairs)
    file.write_bytes(b"not weights")
    with pytest.raises(RecipeError, match="--set weights=none starts without"):
        cao_fusion.backbone("resnet50", 64, str(tmp_path))


# --- mien


def test_mien_is_small_enough_for_the_edge() -> None:
    assert mien.build().count_params() == 1_271_079 <= 1_500_000
    assert mien.build(blocks=5).count_params() == 679_207
    with pytest.raises(RecipeError, match="blocks=8: it has 5 to 7"):
        load("mien", {"blocks": "8"})


def test_mien_may_learn_the_votes_among_eight_emotions_alone() -> None:
    faces = striped(4).select(np.arange(4))
    #              neutral happy surprise sad anger disgust fear contempt unknown not a face
    votes = np.array(
        [
            [5, 4, 1, 0, 0, 0, 0, 0, 0, 0],  # a single vote is an outlier
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0],  # unless it is all there is
            [2, 0, 0, 0, 0, 0, 0, 0, 8, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 10],
        ],
        np.uint8,
    )
    recipe = load("mien", {"labels": "ferplus"})
    chosen = recipe.select(replace(faces, votes=votes))
    assert len(chosen) == 2
    targets = np.array([[5 / 9, 4 / 9, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1]])
    assert np.allclose(recipe.targets(chosen), targets)
    assert recipe.truth(chosen).tolist() == [0, 7]
    assert recipe.classes[7] == "contempt"
    with pytest.raises(DataError, match=r"fer2013new\.csv"):
        recipe.targets(faces)
    with pytest.raises(RecipeError, match="labels=all: fer2013 or ferplus"):
        load("mien", {"labels": "all"})
