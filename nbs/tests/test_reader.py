"The reader of both worlds: what it reads, what it grades, and what it refuses"
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import SEED, some, some_full, two_actors

from t2v_learn.core import InputError
from t2v_learn.judge.controls import _drawn_scene
from t2v_learn.judge.reader import read_scene, score, track
from t2v_learn.video.clips import Clip
from t2v_learn.video.verify import only_actor
from t2v_learn.video.world import KINDS, MOTIONS, World, label, path, render


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


def test_every_kind_of_motion_is_read_and_graded():
    generator = np.random.default_rng([SEED, 5])
    for kind in MOTIONS:
        for _ in range(4):
            scene = World("full").sample(generator, combination=("star", "pink", kind))
            assert score(render(scene), scene)["joint"], read_scene(render(scene)).reason
    assert set(KINDS) == {variant for variants in MOTIONS.values() for variant in variants}


def test_a_full_scene_comes_back_and_can_be_drawn_again():
    for scene in some_full(60, 6, _drawn_scene)[0]:
        frames = render(scene)
        again = read_scene(frames).scene
        assert np.abs(render(again).astype(float) - frames).mean() < 1
        first = track(frames)[0]
        assert min(np.linalg.norm(first - path(actor, 16)[0]) for actor in scene.actors) < .1


def test_every_kind_of_full_clip_reads_alike():
    frames = render(some_full(1, 7)[0][0])
    forms = (frames, Clip(frames), Clip(frames).tensor(), torch.as_tensor(frames))
    assert len({str(read_scene(clip).scene) for clip in forms}) == 1 and read_scene(frames)


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
    for scene in some_full(40, 9, _drawn_scene)[0]:
        names = {name for actor in label(scene)["actors"] for name in actor} | set(label(scene)) - {"actors"} | {"joint"}
        assert set(score(render(scene), scene)) == names
        silent, other = replace(scene, said=()), "grey" if scene.background != "grey" else "black"
        assert score(render(replace(scene, background=other)), silent)["joint"]
        assert not score(render(replace(scene, background=other)), replace(scene, said=("background",)))["joint"]


def test_one_color_or_one_shape_for_two_is_not_of_this_world():
    for scene in two_actors(5, 13):
        one, two = scene.actors
        assert "same colour" in read_scene(render(replace(scene, actors=(one, replace(two, color=one.color))))).reason
