"""The tiny world keeps its promises: splits, geometry, captions, and the same clips for ever"""
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from t2v_learn.video.clips import InputError
from t2v_learn.video.datasets import WorldData
from t2v_learn.video.world import (COLORS, MOTIONS, RESERVED, SHAPES, TRAINING_WORDS, Actor, Scene, World, caption, coverage,
                                   extent, is_inside, label, path, polygon, render)

WORLD = World("tiny")
SEEN, HELD_OUT = WORLD.combinations("seen"), WORLD.combinations("held-out-combinations")


def words(text):
    return set(text.split())


def scenes(n, seed=0, split="seen"):
    generator = np.random.default_rng([11, seed])
    return [WORLD.sample(generator, split) for _ in range(n)]


def test_splits_partition_all_combinations():
    assert len(SEEN) == 60 and len(HELD_OUT) == 12
    assert set(SEEN) | set(HELD_OUT) == set(product(SHAPES, COLORS, MOTIONS)) and not set(SEEN) & set(HELD_OUT)
    assert WORLD.combinations("held-out-words") == SEEN


def test_held_out_counts_per_value():
    for shape in SHAPES:
        assert sum(c[0] == shape for c in HELD_OUT) == 4
    for color in COLORS:
        assert sum(c[1] == color for c in HELD_OUT) == 2


@pytest.mark.parametrize("i, j", [(0, 1), (0, 2), (1, 2)])
def test_every_pair_of_a_held_out_triple_is_seen(i, j):
    assert {(c[i], c[j]) for c in HELD_OUT} <= {(c[i], c[j]) for c in SEEN}


@pytest.mark.parametrize("split, allowed", [("seen", SEEN), ("held-out-combinations", HELD_OUT), ("held-out-words", SEEN)])
def test_samples_stay_in_their_split(split, allowed):
    found = {(a.shape, a.color, a.motion) for scene in scenes(600, split=split) for a in scene.actors}
    assert found <= set(allowed) and len(found) > .9 * len(allowed)


def test_numbers_are_those_of_the_world():
    actors = [scene.actors[0] for scene in scenes(1000)]
    sizes, speeds = [a.size for a in actors], [a.speed for a in actors]
    assert 4.2 <= min(sizes) < 4.25 and 5.45 < max(sizes) <= 5.5
    assert 1.2 <= min(speeds) < 1.25 and 1.85 < max(speeds) <= 1.9


def test_actors_are_wholly_inside_by_geometry_and_by_pixels():
    for scene in scenes(2000, 1) + scenes(500, 2, "held-out-combinations"):
        actor = scene.actors[0]
        assert is_inside(actor, scene.n_frames, scene.canvas)
        drawn = coverage(actor, scene.n_frames, scene.canvas).sum((1, 2))
        wider = coverage(replace(actor, x=actor.x + 16, y=actor.y + 16), 8, 64).sum((1, 2))
        assert np.abs(drawn - wider).max() < 1e-2   # a larger canvas shows no more of it


def test_starts_use_all_the_room_there_is():
    actors = [scene.actors[0] for scene in scenes(3000, 3)]
    gaps = [a.x - extent(a.shape, a.size)[0] for a in actors if a.motion == "right"]
    assert min(gaps) < .3


def test_shapes_of_one_size_have_one_area():
    for shape, size in product(SHAPES, (4.2, 4.7, 5.5)):
        if shape != "circle":
            (x, y), (x2, y2) = polygon(shape, size).T, np.roll(polygon(shape, size), -1, 0).T
            assert np.isclose(abs((x * y2 - x2 * y).sum()) / 2, np.pi * size ** 2)
        for offset in (0, .25, .5):
            actor = Actor(shape, "red", "right", size, 0, 16 + offset, 16 + offset / 2)
            assert coverage(actor, 1, 32).sum() == pytest.approx(np.pi * size ** 2, rel=.02)


def test_triangles_point_up():
    picture = coverage(Actor("triangle", "red", "up", 5, 0, 16, 16), 1, 32)[0]
    widths = (picture > .5).sum(1)
    assert widths[8:11].max() < widths[17:20].min()


def test_motion_goes_where_it_says():
    for motion, (dx, dy) in MOTIONS.items():
        assert np.allclose(np.diff(path(Actor("circle", "red", motion, 5, 1.5, 16, 16), 8), axis=0), (1.5 * dx, 1.5 * dy))
    video = render(Scene((Actor("circle", "red", "down", 5, 1.5, 16, 8),)))
    rows = (video[..., 0] * np.arange(32)[:, None]).sum((1, 2)) / video[..., 0].sum((1, 2))
    assert (np.diff(rows) > 1.4).all()   # down means larger row numbers


def test_render_draws_later_actors_on_top_and_the_exact_colour_inside():
    below, above = Actor("circle", "red", "right", 5, 0, 16, 16), Actor("square", "blue", "right", 4.2, 0, 16, 16)
    video = render(Scene((below, above)))
    assert video.dtype == np.uint8 and video.shape == (8, 32, 32, 3)
    assert (video[:, 16, 16] == np.round(np.float32(COLORS["blue"]) * 255 + 1e-3)).all() and (video[:, 0, 0] == 0).all()


def test_training_captions_and_reserved_words_are_disjoint():
    reserved = {word for choices in RESERVED.values() for word in choices}
    generator = np.random.default_rng(5)
    said = set().union(*(words(caption(scene, generator)) for scene in scenes(2000, 4)))
    assert said == TRAINING_WORDS and not said & reserved and len(reserved) == 26
    for scene in scenes(1000, 5):
        assert words(caption(scene, generator, "reserved")) & reserved
        assert words(caption(scene, None, "reserved")) & reserved
    used = set().union(*(words(caption(scene, generator, "reserved")) for scene in scenes(2000, 6)))
    assert reserved <= used and used <= reserved | TRAINING_WORDS | {"an"}


def test_captions_are_true_and_labels_say_the_same():
    generator = np.random.default_rng(6)
    for scene in scenes(300, 7):
        said = label(scene)["actors"][0]
        assert set(said.values()) <= words(caption(scene, generator)) and set(said) == {"shape", "color", "motion"}
        assert caption(scene) == f"a {said['color']} {said['shape']} moving {said['motion']}"


def test_wrong_names_are_refused_in_one_sentence():
    for wrong in (lambda: World("huge"), lambda: WORLD.combinations("test"), lambda: WorldData(WORLD, split="test"),
                  lambda: caption(scenes(1)[0], lexicon="slang")):
        with pytest.raises(InputError, match=r"^There is no .* choose .*\.$"):
            wrong()


def test_batches_are_a_function_of_seed_and_step():
    data = WorldData(WORLD, batch_size=4, seed=3)
    later, first = data(9), data(0)
    fresh = WorldData(World("tiny"), batch_size=4, seed=3)(9)
    assert torch.equal(later[0], fresh[0]) and later[1] == fresh[1] and not torch.equal(first[0], later[0])
    assert later[0].shape == (4, 3, 8, 32, 32) and later[0].dtype == torch.float32
    assert later[0].min() == -1 and later[0].max() <= 1


def test_the_world_of_version_1_never_changes():
    "Trained weights belong to these clips; a change here needs a new WORLD_VERSION"
    video, captions = WorldData(WORLD, batch_size=8, seed=0)(0)
    assert captions == CAPTIONS
    assert [round(v) for v in ((video + 1) * 127.5).sum((1, 2, 3, 4)).tolist()] == pytest.approx(SUMS, abs=60)


CAPTIONS = ["a yellow triangle moves up",
            "a white square moves to the right",
            "the square is purple and moves left",
            "the triangle is white and moves left",
            "a green circle moving left",
            "the circle is white and moves left",
            "a blue triangle moves up",
            "a white triangle moves up"]
SUMS = [267796, 560097, 310863, 511926, 159853, 490152, 242471, 371532]
