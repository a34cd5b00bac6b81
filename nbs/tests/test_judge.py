"""The judge, examined in full: every row of its table, with the numbers the world's rules ask for"""
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from t2v_learn.core import InputError
from t2v_learn.video.clips import Clip
from t2v_learn.judge.controls import (CONTROLS, FULL_CONTROLS, always_said, any_full_scene, any_scene, derange, deranged_joint, drawn_scene,
                                      has_second_blob, is_blank, opposite, run_control, soft_full)
from t2v_learn.judge.learned_readers import (FullReader, TinyReader, agreement, load_reader, read_names, save_reader, train_full_reader)
from t2v_learn.judge.reader import read_scene, score, track
from t2v_learn.video.verify import jumps, only_actor, soft
from t2v_learn.video.world import KINDS, MOTIONS, World, label, path, render

SEED = 20_263   # used here only: never while tolerances were chosen
SIZES = {"clean render": 5000, "H.264, crf 18": 400, "GIF": 1000}
FULL_SIZES = {"clean render, drawn shapes": 5000, "clean render, test digits": 2000, "H.264, crf 18": 200}


def some(n, seed=0):
    generator = np.random.default_rng([SEED, seed])
    return [any_scene(generator) for _ in range(n)], generator


def some_full(n, seed=0, source=any_full_scene):
    generator = np.random.default_rng([SEED, seed, 1])
    return [source(generator) for _ in range(n)], generator


def examine(control, n, record_property):
    rate = run_control(control, n, SEED)
    record_property("rate", f"{rate:.2%} of {n}, must be {'at most' if control.at_most else 'at least'} {control.bar:.1%}")
    assert rate <= control.bar if control.at_most else rate >= control.bar


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROLS)
def test_control(name, record_property):
    examine(CONTROLS[name], SIZES.get(name, 1000), record_property)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL_CONTROLS)
def test_control_of_the_full_world(name, record_property):
    examine(FULL_CONTROLS[name], FULL_SIZES.get(name, 400), record_property)


@pytest.mark.slow
@pytest.mark.parametrize("n, source", [(5000, any_scene), (1000, any_full_scene)])
def test_deranged_captions_score_exactly_zero(n, source):
    assert deranged_joint(n, SEED, source) == 0


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
    reading = read_scene(np.zeros(shape, np.uint8), world="tiny")
    assert not reading and "not of the tiny world" in reading.reason and not any(reading.attributes.values())


def test_a_clip_of_no_world_is_refused_and_a_wrong_world_by_name():
    assert "not of the tiny or full world" in read_scene(np.zeros((7, 32, 32, 3), np.uint8)).reason
    assert "not of the full world" in read_scene(np.zeros((8, 32, 32, 3), np.uint8), world="full").reason
    with pytest.raises(InputError, match="huge"):
        read_scene(np.zeros((8, 32, 32, 3), np.uint8), world="huge")
    tiny, full = some(1)[0][0], some_full(1)[0][0]
    assert not any(score(render(tiny), full).values()) and not any(score(render(full), tiny).values())


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
    reader = load_reader("tiny")
    scenes, generator = some(200, 4)
    truth = [label(scene)["actors"][0] for scene in scenes]
    assert np.mean([a == b for a, b in zip(read_names([render(s) for s in scenes], reader), truth)]) >= .98
    assert agreement([soft(scene, generator) for scene in scenes], reader) >= .95
    assert agreement([jumps(scene, generator) for scene in scenes[:50]], reader) == 0
    assert np.isnan(agreement([is_blank(scene, generator) for scene in scenes[:5]], reader, over="read"))
    assert np.isnan(agreement([], reader))


def test_a_wrong_reader_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load_reader("nowhere")
    save_reader(TinyReader(), tmp_path)
    load_reader(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(dict(world_version=0)))
    with pytest.raises(InputError, match="version"):
        load_reader(tmp_path)
    save_reader(TinyReader(), tmp_path)
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(InputError, match="no reader"):
        load_reader(tmp_path)


def test_every_kind_of_motion_is_read_and_graded():
    generator = np.random.default_rng([SEED, 5])
    for kind in MOTIONS:
        for _ in range(4):
            scene = World("full").sample(generator, combination=("star", "pink", kind))
            assert score(render(scene), scene)["joint"], read_scene(render(scene)).reason
    assert set(KINDS) == {variant for variants in MOTIONS.values() for variant in variants}


def test_a_full_scene_comes_back_and_can_be_drawn_again():
    for scene in some_full(60, 6, drawn_scene)[0]:
        frames = render(scene)
        again = read_scene(frames).scene
        assert np.abs(render(again).astype(float) - frames).mean() < 1
        first = track(frames)[0]
        assert min(np.linalg.norm(first - path(actor, 16)[0]) for actor in scene.actors) < .1


def test_every_kind_of_full_clip_reads_alike():
    frames = render(some_full(1, 7)[0][0])
    forms = (frames, Clip(frames), Clip(frames).tensor(), torch.as_tensor(frames))
    assert len({str(read_scene(clip).scene) for clip in forms}) == 1 and read_scene(frames)


def two_actors(n, seed):
    generator = np.random.default_rng([SEED, seed])
    return [any_full_scene(generator, lambda scene: len(scene.actors) == 2) for _ in range(n)]


def test_the_order_of_two_actors_is_not_graded_but_their_number_is():
    for scene in two_actors(10, 8):
        swapped = replace(scene, actors=scene.actors[::-1])
        assert score(render(scene), swapped)["joint"] and score(render(swapped), scene)["joint"]
        for alone in scene.actors:
            graded = score(render(replace(scene, actors=(alone,))), scene)
            assert not graded["joint"] and not graded["shape"] and graded.get("background", True)
        crossed = tuple(replace(a, color=b.color) for a, b in zip(scene.actors, scene.actors[::-1]))
        graded = score(render(scene), replace(scene, actors=crossed))
        assert not graded["joint"] and sum(graded[name] for name in ("shape", "color", "motion")) < 3   # colours bind to shapes


def test_only_what_is_said_is_graded():
    for scene in some_full(40, 9, drawn_scene)[0]:
        names = {name for actor in label(scene)["actors"] for name in actor} | set(label(scene)) - {"actors"} | {"joint"}
        assert set(score(render(scene), scene)) == names
        silent, other = replace(scene, said=()), "grey" if scene.background != "grey" else "black"
        assert score(render(replace(scene, background=other)), silent)["joint"]
        assert not score(render(replace(scene, background=other)), replace(scene, said=("background",)))["joint"]


def test_backwards_and_back_again():
    assert all(opposite(opposite(motion)) == motion and opposite(motion) in KINDS for motion in KINDS)
    assert opposite("right then up") == "down then left" and opposite("up-left") == "down-right"
    assert opposite("spins clockwise") == "spins counter-clockwise" and opposite("bounces sideways") == "bounces sideways"


def test_a_full_refusal_always_has_a_reason():
    scenes, generator = some_full(15, 10)
    for name, control in FULL_CONTROLS.items():
        if "H.264" not in name:
            for scene in scenes:
                reading = read_scene(control.make(scene, generator))
                assert bool(reading) == (reading.reason == "") == (reading.scene is not None)


def test_a_third_thing_beside_two_is_refused():
    generator = np.random.default_rng([SEED, 11])
    for scene in two_actors(10, 12):
        reading = read_scene(has_second_blob(scene, generator))
        assert not reading and len(reading.attributes["actors"]) == 2


def test_one_color_or_one_shape_for_two_is_not_of_this_world():
    for scene in two_actors(5, 13):
        one, two = scene.actors
        assert "same colour" in read_scene(render(replace(scene, actors=(one, replace(two, color=one.color))))).reason


def test_the_shipped_reader_of_the_full_world():
    reader, (scenes, generator) = load_reader("full"), some_full(150, 14)
    assert isinstance(reader, FullReader)
    truth = [dict(actors=always_said(scene), background=scene.background) for scene in scenes]
    clips = [render(scene) for scene in scenes]
    assert np.mean([a == b for a, b in zip(read_names(clips, reader), truth)]) >= .72       # 79 % of 400; digits are its weak side
    assert agreement(clips, reader) >= .72 and agreement([soft_full(s, generator) for s in scenes[:60]], reader) >= .68
    assert agreement([jumps(scene, generator) for scene in scenes[:30]], reader) == 0


def test_a_full_reader_is_saved_with_its_world_and_trains_everywhere(tmp_path):
    reader = train_full_reader(2)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in reader.parameters())
    save_reader(reader, tmp_path)
    again, clips = load_reader(tmp_path), [render(scene) for scene in some_full(4, 15)[0]]
    assert isinstance(again, FullReader) and read_names(clips, again) == read_names(clips, reader)
