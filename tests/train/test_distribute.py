"""Two processes, or two devices of one, fit together and agree with one alone."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import keras
import pytest

from tests.train import tiny
from train.distribute import Replicas
from train.recipes import RecipeError

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    return tiny.run(tmp_path_factory.mktemp("alone")).history()


def _ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _same(one: list[dict[str, float]], other: list[dict[str, float]]) -> None:
    assert len(one) == len(other)
    for mine, theirs in zip(one, other, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-3)
        assert mine["accuracy"] == pytest.approx(theirs["accuracy"], abs=0.02)
        assert mine["public_test_loss"] == pytest.approx(theirs["public_test_loss"], rel=1e-3)


def test_two_workers_finish_a_fit_and_agree_with_one_process(tmp_path: Path, alone: list[dict[str, float]]) -> None:
    cluster = {"worker": [f"localhost:{port}" for port in _ports(2)]}
    workers = [
        tiny.run(
            tmp_path / "run",
            "distribute=multiworker",
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]
    try:
        histories = [worker.history() for worker in workers]
    finally:
        for worker in workers:
            worker.process.kill()
    assert histories[0] == histories[1]  # both read what the chief wrote
    _same(histories[0], alone)
    assert keras.saving.load_model(tmp_path / "run" / "model.keras", compile=False).count_params() > 0


def test_two_mirrored_devices_agree_with_one_even_when_resumed(tmp_path: Path, alone: list[dict[str, float]]) -> None:
    out = tmp_path / "run"
    broken = tiny.run(out, "distribute=mirrored", "devices=2", "sleep_at=15")  # in the second epoch of ten steps
    tiny.kill_asleep(broken.process)
    _same(tiny.run(out, "distribute=mirrored", "devices=2", "resume=1").history(), alone)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "needs TF_CONFIG in the environment, such as"),
        ("{", "TF_CONFIG is not as tf.distribute wants it"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "task index 1 of 1 workers"),
    ],
)
def test_a_wrong_tf_config_is_refused_before_anything_waits_for_it(
    config: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(RecipeError, match=message):
        Replicas("multiworker")


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RecipeError, match="mirrored needs KERAS_BACKEND=tensorflow"):
        Replicas("mirrored")


def test_a_batch_that_cannot_be_shared_evenly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    replicas: Any = Replicas("mirrored")
    monkeypatch.setattr(replicas, "count", 3)
    with pytest.raises(RecipeError, match="3 devices cannot share the recipe's batch of 14"):
        replicas.part(14)
