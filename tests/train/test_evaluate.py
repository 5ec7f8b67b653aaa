"""Reports about networks of any make, whose scores are known beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import h5py
import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.models.manifest import seal
from quantize import bundle
from quantize.describe import Making
from quantize.describe import manifest as describe
from tests.train.faces import striped
from train.data import CLASSES, DataError, Faces, Split, load_fer2013
from train.data.faces import FERPLUS_COLUMNS
from train.evaluate import evaluate
from train.report.networks import EMOTIONS, ModelError, Network, Scale, adapt, open_network

FACES = striped(280)


def bundled(folder: Path, tflite: bytes) -> Path:
    """The network as the device loads it, at temperature 2."""
    making = Making("stripes", "none", "float32", "tensorflow", 0, 0, 0.0, ())
    manifest, _ = describe(tflite, "stripes", making, 2.0, {})
    return bundle.write(folder, tflite, seal(manifest))


def reader(side: int = 48, channels: int = 1, scale: Scale = "0..1", softmax: bool = False) -> keras.Model:
    """Reads the stripes of ``FACES`` without a mistake: nearest to the mean picture of each class.

    Pictures of another brightness, as a wrong scale makes them, look more or less like the first class.
    """
    training, shape = FACES.split(Split.TRAINING), (side, side, channels)
    means = [training.pixels[training.labels == label].mean(axis=0).astype(np.uint8) for label in range(len(CLASSES))]
    templates = adapt(np.stack(means), shape, scale).reshape(len(CLASSES), -1)
    black, white = adapt(np.stack([np.full((48, 48), grey, np.uint8) for grey in (0, 255)]), shape, scale)
    middle, contrast = templates.mean(axis=0), templates - templates.mean(axis=0)
    sharp = 20 / (contrast**2).sum(axis=1).max()
    weights = sharp * contrast.T
    bias = -sharp * (contrast @ middle + (contrast**2).sum(axis=1) / 2)
    brightness = 60 / (white - black).mean() / middle.size
    weights[:, 0] += brightness
    bias[0] -= brightness * middle.sum()
    image = keras.Input(shape, name="face")
    dense = keras.layers.Dense(len(CLASSES), activation="softmax" if softmax else None, name="expression")
    model = keras.Model(image, dense(keras.layers.Flatten()(image)))
    dense.set_weights([weights, bias])
    return model


def score(*models: Path, out: Path, faces: Faces = FACES, **options: Any) -> dict[str, Any]:
    options.setdefault("corruption_faces", 0)
    options.setdefault("report", lambda line: None)
    return evaluate(models, faces, out, **options)


def saved(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


def to_tflite(model: keras.Model) -> bytes:
    import tensorflow as tf

    face = keras.Input(model.input_shape[1:], batch_size=1)
    return bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Model(face, model(face))).convert())


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(reader(), tmp_path_factory.mktemp("keras") / "model.keras")


@pytest.fixture(scope="module")
def tflite() -> bytes:
    return to_tflite(reader())


def test_a_report_of_a_network_that_is_always_right(keras_file: Path, tmp_path: Path) -> None:
    history = [{"loss": 2 / epoch, "accuracy": 0.5, "public_test": 0.6, "seconds": 9.0} for epoch in (1, 2, 3)]
    (keras_file.parent / "history.json").write_text(json.dumps(history))
    lines: list[str] = []
    score(keras_file, out=tmp_path / "report", report=lines.append, corruption_faces=7, command="mien-train evaluate X")
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    private = metrics["private_test"]
    assert (private["accuracy"], private["macro_f1"], private["faces"], private["twins"]) == (1.0, 1.0, 42, 0)
    assert private["per_class"]["fear"] == {"rows": 6, "recall": 1.0, "precision": 1.0, "f1": 1.0}
    assert np.array_equal(private["confusion"], 6 * np.eye(7))
    raw, cooled = private["expected_calibration_error"].values()
    assert cooled <= raw
    assert set(metrics["corruptions"]["accuracy"]) >= {"jpeg", "hand", "misframing"}
    assert metrics["corruptions"]["faces"] == 7
    text = (tmp_path / "report" / "report.md").read_text()
    assert "`mien-train evaluate X`" in text
    assert "| happiness | 6 | 100.00 % | 100.00 % | 100.00 % |" in text
    for name in ("confusion", "curves", "reliability", "corruptions"):
        assert f"({name}.png)" in text
        picture = cv2.imread(str(tmp_path / "report" / f"{name}.png"))
        assert picture is not None
        assert picture.std() > 10
    assert not (tmp_path / "report" / "mistakes.png").exists()  # there is none to show
    assert "PrivateTest 100.00 %" in lines[-1]


def test_the_most_confident_mistakes_are_shown_where_there_are_any(keras_file: Path, tmp_path: Path) -> None:
    labels = FACES.labels.copy()
    labels[-1] = (labels[-1] + 1) % 7
    metrics = score(keras_file, out=tmp_path, faces=replace(FACES, labels=labels))
    assert metrics["private_test"]["accuracy"] == round(41 / 42, 4)
    assert (tmp_path / "mistakes.png").is_file()


@pytest.mark.parametrize(("side", "channels", "scale"), [(64, 1, "-1..1"), (32, 3, "imagenet"), (48, 3, "0..255")])
def test_size_channels_and_range_follow_the_network(side: int, channels: int, scale: Scale, tmp_path: Path) -> None:
    path = saved(reader(side, channels, scale, softmax=True), tmp_path / "model.keras")
    network = open_network(path)
    assert network.input_shape == (side, side, channels)
    assert network.gives_probabilities
    metrics = score(path, out=tmp_path / "report", scales=[scale])
    assert metrics["private_test"]["accuracy"] == 1.0
    assert metrics["models"][0]["scale_source"] == "asked for"


def test_a_range_that_nothing_states_is_found_by_trying(tmp_path: Path) -> None:
    path = saved(reader(scale="-1..1"), tmp_path / "model.keras")
    found = score(path, out=tmp_path / "found")
    assert found["models"][0]["scale"] == "-1..1"
    assert found["private_test"]["accuracy"] == 1.0
    wrong = score(path, out=tmp_path / "wrong", scales=["0..255"])
    assert wrong["private_test"]["accuracy"] < 0.9


def test_grey_is_repeated_and_scaled_as_said() -> None:
    white = np.full((1, 48, 48), 255, np.uint8)
    assert adapt(white, (24, 24, 3), "-1..1").tolist() == np.ones((1, 24, 24, 3)).tolist()
    assert adapt(white, (48, 48, 1), "0..255").max() == 255
    red, _, blue = adapt(white, (48, 48, 3), "imagenet")[0, 0, 0]
    assert (red, blue) == (pytest.approx((1 - 0.485) / 0.229), pytest.approx((1 - 0.406) / 0.225))


def test_tflite_bundle_and_old_keras_files_answer_as_the_network_they_come_from(
    keras_file: Path, tflite: bytes, tmp_path: Path
) -> None:
    (tmp_path / "plain.tflite").write_bytes(tflite)
    folder = bundled(tmp_path / "bundle", tflite)
    old = saved(reader(), tmp_path / "model.h5")
    pixels = FACES.split(Split.PRIVATE_TEST).pixels
    expected = open_network(keras_file).probabilities(pixels)
    for path in (tmp_path / "plain.tflite", folder, folder / "model.tflite", old):
        assert np.allclose(open_network(path).probabilities(pixels), expected, atol=1e-4), path
    shipped = open_network(folder / "model.tflite")
    assert (shipped.path, shipped.scale, shipped.temperature) == (folder, "0..1", 2.0)


def test_keras_2_files_with_grouped_depthwise_convolutions_load(tmp_path: Path) -> None:
    image = keras.Input((48, 48, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.DepthwiseConv2D(3)(image))
    path = saved(keras.Model(image, keras.layers.Dense(7)(x)), tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "DepthwiseConv2D":
                layer["config"]["groups"] = 1
        file.attrs["model_config"] = json.dumps(config)
    assert open_network(path).input_shape == (48, 48, 1)


def constant(*shares: float, labels: tuple[str, ...]) -> Network:
    """Gives the same probabilities for every picture."""

    def run(images: NDArray[np.uint8], scale: Scale) -> NDArray[np.float32]:
        return np.tile(np.array(shares, np.float32), (len(images), 1))

    return Network(Path("constant"), "made up", (48, 48, 1), labels, run, gives_probabilities=True)


def test_ferplus_networks_are_read_by_the_names_of_their_classes() -> None:
    columns = dict.fromkeys(FERPLUS_COLUMNS, 0.0) | {"contempt": 0.2, "anger": 0.3, "unknown": 0.5}
    (row,) = constant(*columns.values(), labels=FERPLUS_COLUMNS).probabilities(FACES.pixels[:1])
    assert dict(zip(EMOTIONS, row, strict=True)) == dict.fromkeys(EMOTIONS, 0.0) | {
        "contempt": pytest.approx(0.4),
        "anger": pytest.approx(0.6),
    }


def test_a_run_says_what_its_classes_are(tmp_path: Path) -> None:
    image = keras.Input((48, 48, 1))
    x = keras.layers.Dense(8)(keras.layers.Flatten()(image))
    path = saved(keras.Model(image, x), tmp_path / "model.keras")
    assert open_network(path).labels == FERPLUS_COLUMNS[:8]
    (tmp_path / "run.json").write_text(json.dumps({"recipe": "mien", "classes": EMOTIONS}))
    assert open_network(path).labels == EMOTIONS


def test_contempt_counts_as_wrong_for_a_network_without_it(keras_file: Path, tmp_path: Path) -> None:
    votes = np.zeros((len(FACES), 10), np.uint8)
    for row, label in enumerate(FACES.labels):
        votes[row, FERPLUS_COLUMNS.index(CLASSES[label])] = 9
    first, second, third = np.flatnonzero(FACES.splits == Split.PRIVATE_TEST)[:3]
    votes[[first, second, third]] = 0
    votes[[first, second], FERPLUS_COLUMNS.index("contempt")] = 8
    votes[third, FERPLUS_COLUMNS.index("unknown")] = 8
    metrics = score(keras_file, out=tmp_path, faces=replace(FACES, votes=votes))
    ferplus = metrics["ferplus"]
    assert (ferplus["faces"], ferplus["left_out"]) == (41, 1)
    assert ferplus["accuracy"] == round(39 / 41, 4)
    assert ferplus["accuracy_without_contempt"] == 1.0
    assert not ferplus["finds_contempt"]


def test_a_recipe_with_faces_of_its_own_is_scored_on_them_too(tmp_path: Path) -> None:
    votes = np.zeros((len(FACES), 10), np.uint8)
    votes[:, FERPLUS_COLUMNS.index("happiness")] = 8
    private = np.flatnonzero(FACES.splits == Split.PRIVATE_TEST)
    votes[private[:5], FERPLUS_COLUMNS.index("not_a_face")] = 2
    path = saved(reader(), tmp_path / "model.keras")
    (tmp_path / "run.json").write_text(json.dumps({"recipe": "ohlsen_vgg", "classes": CLASSES}))
    metrics = score(path, out=tmp_path / "report", faces=replace(FACES, votes=votes))
    happy = (FACES.labels[private[5:]] == CLASSES.index("happiness")).mean()
    assert metrics["own_subset"] == {"recipe": "ohlsen_vgg", "faces": 37, "accuracy": round(float(happy), 4)}


def test_an_ensemble_is_the_weighted_mean_of_probabilities(keras_file: Path, tmp_path: Path) -> None:
    image = keras.Input((48, 48, 1))
    always_happy = keras.layers.Dense(7, activation="softmax", kernel_initializer="zeros")
    model = keras.Model(image, always_happy(keras.layers.Flatten()(image)))
    always_happy.set_weights([np.zeros((2304, 7)), np.log([0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01])])
    happy = saved(model, tmp_path / "happy.keras")
    right = score(keras_file, happy, out=tmp_path / "a", weights=[9, 1])
    assert right["private_test"]["accuracy"] == 1.0
    swayed = score(keras_file, happy, out=tmp_path / "b", weights=[1, 9])
    assert swayed["private_test"]["accuracy"] == round(1 / 7, 4)
    assert [model["weight"] for model in swayed["models"]] == [0.1, 0.9]
    assert [model["accuracy"]["private_test"] for model in swayed["models"]] == [1.0, round(1 / 7, 4)]
    assert "| each alone |" in (tmp_path / "b" / "report.md").read_text()


def test_data_without_public_test_has_no_temperature(keras_file: Path, tmp_path: Path) -> None:
    faces = FACES.select(FACES.splits != Split.PUBLIC_TEST)
    metrics = score(keras_file, out=tmp_path, faces=faces)
    assert (metrics["temperature"], metrics["public_test"]) == (None, None)
    assert metrics["private_test"]["expected_calibration_error"]["at_temperature"] is None
    with pytest.raises(DataError, match="no PrivateTest faces"):
        score(keras_file, out=tmp_path, faces=FACES.split(Split.TRAINING))


def _text_file(folder: Path) -> Path:
    (folder / "model.keras").write_text("not a model")
    return folder / "model.keras"


def _thousand_classes(folder: Path) -> Path:
    image = keras.Input((48, 48, 1))
    x = keras.layers.Dense(1000)(keras.layers.GlobalAveragePooling2D()(image))
    return saved(keras.Model(image, x), folder / "model.keras")


def _two_channels(folder: Path) -> Path:
    image = keras.Input((48, 48, 2))
    return saved(keras.Model(image, keras.layers.Dense(7)(keras.layers.Flatten()(image))), folder / "model.keras")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda folder: folder / "none.keras", r"none\.keras: not found"),
        (lambda folder: folder, "has no manifest.json, so it is no bundle"),
        (lambda folder: Path(__file__), r"test_evaluate\.py: not a model by its name"),
        (_text_file, r"model\.keras: not a model that Keras .* can load"),
        (_thousand_classes, r"gives \(None, 1000\), not 7 classes"),
        (_two_channels, r"takes \(None, 48, 48, 2\), not one picture"),
    ],
)
def test_what_cannot_be_evaluated_is_named(make: Callable[[Path], Path], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=complaint) as error:
        score(make(tmp_path), out=tmp_path / "report")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "report").exists()


def test_options_that_do_not_fit_the_models_are_refused(keras_file: Path, tflite: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"weights 1, 2: give one a model \(1\)"):
        score(keras_file, out=tmp_path, weights=[1, 2])
    with pytest.raises(ModelError, match="2 scales for 1 models"):
        score(keras_file, out=tmp_path, scales=["0..1", "0..1"])
    with pytest.raises(ModelError, match="imagenet scales three channels"):
        score(keras_file, out=tmp_path, scales=["imagenet"])
    folder = bundled(tmp_path / "bundle", tflite)
    with pytest.raises(ModelError, match=r"its manifest says 0\.\.1"):
        score(folder, out=tmp_path, scales=["-1..1"])


def test_the_peers_network_scores_what_it_is_known_for(shared: Path, fer2013: Path, tmp_path: Path) -> None:
    metrics = score(shared / "models" / "peer-mini-xception.hdf5", out=tmp_path, faces=load_fer2013(fer2013))
    assert metrics["private_test"]["accuracy"] == pytest.approx(0.6567, abs=0.0006)
    assert metrics["models"][0]["scale"] == "-1..1"
