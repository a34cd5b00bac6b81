"""The judge, examined in full: every row of its table, with the numbers the world's rules ask for"""
import json

import numpy as np
import pytest
import torch

from t2v_learn.video.clips import Clip, InputError
from t2v_learn.video.verify import (CONTROLS, IndependentReader, agreement, any_scene, derange, deranged_joint, is_blank, jumps,
                                    only_actor, read_names, read_scene, run_control, save_reader, score, soft, track)
from t2v_learn.video.world import label, path, render

SEED = 20_263   # used here only: never while tolerances were chosen
SIZES = {"clean render": 5000, "H.264, crf 18": 400, "GIF": 1000}


def some(n, seed=0):
    generator = np.random.default_rng([SEED, seed])
    return [any_scene(generator) for _ in range(n)], generator


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROLS)
def test_control(name, record_property):
    control, n = CONTROLS[name], SIZES.get(name, 1000)
    rate = run_control(control, n, SEED)
    record_property("rate", rate)
    print(f"{name}: {rate:.2%} of {n}, must be {'at most' if control.at_most else 'at least'} {control.bar:.1%}")
    assert rate <= control.bar if control.at_most else rate >= control.bar


@pytest.mark.slow
def test_deranged_captions_score_exactly_zero():
    assert deranged_joint(5000, SEED) == 0


def test_every_kind_of_clip_reads_alike():
    scene = some(1)[0][0]
    frames = render(scene)
    forms = (frames, Clip(frames), Clip(frames).tensor(), torch.as_tensor(frames))
    readings = [read_scene(clip) for clip in forms]
    assert all(readings) and len({str(reading.scene) for reading in readings}) == 1


def test_the_scene_comes_back_with_its_numbers():
    for scene in some(100)[0]:
        said, read = scene.actors[0], read_scene(render(scene)).scene.actors[0]
        assert (read.shape, read.color, read.motion) == (said.shape, said.color, said.motion)
        assert abs(read.size - said.size) < .1 and abs(read.speed - said.speed) < .03
        assert np.abs(track(render(scene)) - path(said, 8)).max() < .1


def test_attributes_are_graded_one_by_one_and_joint_needs_a_scene():
    scene = some(1, 1)[0][0]
    wrong = "red" if scene.actors[0].color != "red" else "blue"
    assert score(render(scene), only_actor(scene, color=wrong)) == dict(shape=True, color=False, motion=True, joint=False)
    frozen = np.repeat(render(scene)[:1], 8, 0)
    assert score(frozen, scene) == dict(shape=True, color=True, motion=False, joint=False)
    assert not any(score(frozen * 0, scene).values())


@pytest.mark.parametrize("shape", [(7, 32, 32, 3), (8, 64, 64, 3), (16, 64, 64, 3)])
def test_clips_of_another_world_are_refused(shape):
    reading = read_scene(np.zeros(shape, np.uint8))
    assert not reading and "not of the tiny world" in reading.reason and not any(reading.attributes.values())


def test_a_refusal_always_has_a_reason():
    scenes, generator = some(40, 2)
    for name, control in CONTROLS.items():
        if "H.264" not in name:
            for scene in scenes:
                reading = read_scene(control.make(scene, generator))
                assert bool(reading) == (reading.reason == "") == (reading.scene is not None)


def test_derange_moves_every_label():
    generator = np.random.default_rng(0)
    for labels in (list("ab"), list("aabb"), list("aaabbbb")[:6], [label(s) for s in some(200, 3)[0]]):
        order = derange(labels, generator)
        assert sorted(order) == list(range(len(labels))) and all(labels[i] != labels[j] for i, j in enumerate(order))
    with pytest.raises(InputError, match="deranged"):
        derange(["a"] * 5, generator)


def test_the_shipped_reader_agrees_on_scenes_and_not_on_faults():
    reader = IndependentReader.from_pretrained("tiny")
    scenes, generator = some(200, 4)
    truth = [label(scene)["actors"][0] for scene in scenes]
    assert np.mean([a == b for a, b in zip(read_names([render(s) for s in scenes], reader), truth)]) >= .98
    assert agreement([soft(scene, generator) for scene in scenes], reader) >= .95
    assert agreement([jumps(scene, generator) for scene in scenes[:50]], reader) == 0
    assert np.isnan(agreement([is_blank(scene, generator) for scene in scenes[:5]], reader, over="read"))
    assert np.isnan(agreement([], reader))


def test_a_wrong_reader_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        IndependentReader.from_pretrained("nowhere")
    save_reader(IndependentReader(), tmp_path)
    IndependentReader.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(dict(world_version=0)))
    with pytest.raises(InputError, match="version"):
        IndependentReader.from_pretrained(tmp_path)
    save_reader(IndependentReader(), tmp_path)
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(InputError, match="no reader"):
        IndependentReader.from_pretrained(tmp_path)
