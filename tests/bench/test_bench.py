"""``mien bench``: what it counts, told by what it must add up to. No test here measures how fast this machine is."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from edge.bench.bench import Bench
from edge.bench.scene import LARGEST, Scene, scene_of, tiled
from edge.bench.stages import Stages
from edge.bench.tape import Tape
from edge.camera import Frame
from edge.cli import main
from edge.daemon import open_reader
from edge.vision import VisionSettings, interpreter


@pytest.fixture(scope="module")
def puppet() -> Scene:
    return scene_of(None, 20)


def test_a_bench_of_two_faces_writes_figures_that_add_up_and_a_page_with_a_picture(
    face_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, report = tmp_path / "bench.json", tmp_path / "report"
    asked = ["--faces", "2", "--threads", "1", "--frames", "20"]
    assert main(["bench", *asked, "--json", str(figures), "--report", str(report)]) == 0
    (result,) = Bench.model_validate_json(figures.read_text()).results
    assert result.faces_found == 2
    # The mesh and one or two eyes of each; the expression of each some ten times a second, the detector once.
    assert 4 < result.calls < 8
    assert sum(stage.share for stage in result.stages.values()) == pytest.approx(1)
    assert {"detect", "mesh", "iris", "lids", "crop", "expression", "quality", "other", "state", "outbox"} >= set(
        result.stages
    )
    # The models alone are less than all, and the stages that hold them more than the models.
    assert 1 < result.cpu.median < 10
    page = (report / "report.md").read_text()
    assert "| 2 | 1 |" in page
    assert "stages.png" in page
    assert (report / "stages.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((report / "bench.json").read_text()) == json.loads(figures.read_text())
    assert "overhead" in capsys.readouterr().out


def test_what_is_replayed_is_what_the_models_were_given(face_models: Path, puppet: Scene) -> None:
    frame = next(puppet.frames())
    tape = Tape()
    with open_reader(VisionSettings(threads=1), seed=0) as reader:
        with tape.recording():
            reader.read(frame)
        assert interpreter.listener is None
        assert len(tape) == 5  # detector, mesh, two eyes, expression
        model, index, _ = tape._calls[1]
        given, answer = model.get_tensor(index), model.get_tensor(model.get_output_details()[0]["index"])
        model.set_tensor(index, np.zeros_like(given))
        model.invoke()
        spent = tape.replay()
        assert spent.wall_s > 0
        assert spent.cpu_s > 0
        assert np.array_equal(model.get_tensor(index), given)
        assert np.array_equal(model.get_tensor(model.get_output_details()[0]["index"]), answer)


@pytest.mark.parametrize(("faces", "grid"), [(1, (1, 1)), (2, (2, 1)), (4, (2, 2)), (8, (3, 3))])
def test_several_faces_are_the_picture_side_by_side(faces: int, grid: tuple[int, int], puppet: Scene) -> None:
    frame = next(puppet.frames())
    columns, rows = grid
    image = tiled(frame, faces).image
    height, width = image.shape[:2]
    assert width / height == pytest.approx(columns / rows, abs=0.01)
    assert width <= LARGEST[0]
    assert height <= LARGEST[1]
    tiles = [image[row * height // rows :][: height // rows] for row in range(rows)]
    tiles = [tile[:, column * width // columns :][:, : width // columns] for tile in tiles for column in range(columns)]
    assert all(np.array_equal(tile, tiles[0]) for tile in tiles[:faces])
    assert not any(tile.any() for tile in tiles[faces:])


def test_time_that_no_stage_of_vision_took_is_the_rest() -> None:
    stages = Stages()
    stages.captured(0.25)
    with stages("find"), stages("mesh"):
        pass
    with stages("iris"):
        time.sleep(0.01)  # beside the rest, so it takes nothing from it
    with stages("observe"):
        pass
    with stages("state"):
        pass
    stages.frame()
    spent_s = stages.per_frame_s()
    assert list(spent_s) == ["capture", "mesh", "iris", "other", "state"]
    assert spent_s["capture"] == [0.25]
    assert all(seconds >= 0 for (seconds,) in spent_s.values())


def test_a_clip_too_short_to_take_turns_is_said_in_a_line(
    face_models: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--frames", "12", "--threads", "1"]) == 2
    assert "name a longer clip" in capsys.readouterr().err + caplog.text


def test_a_scene_gives_the_same_frames_each_time(puppet: Scene) -> None:
    once, again = (list[Frame](puppet.frames()) for _ in range(2))
    assert len(once) == 20
    assert all(np.array_equal(one.image, other.image) for one, other in zip(once, again, strict=True))
