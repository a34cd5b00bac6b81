"The tiny world's reader: what it reads, what it refuses, and that clips of the full world are not its business"
import numpy as np
import pytest
import torch
from scenes import some, some_full

from t2v_learn.core import InputError
from t2v_learn.video.clips import Clip
from t2v_learn.video.verify import TINY, TINY_WORLD, Unreadable, measure, noisy, only_actor, read_scene, score, soft, track
from t2v_learn.video.world import COLORS, path, render


def test_it_reads_what_was_drawn_clean_noisy_or_soft():
    scenes, generator = some(150, 20)
    assert all(score(render(scene), scene)["joint"] for scene in scenes)
    for draw in (noisy, soft): assert np.mean([score(draw(scene, generator), scene)["joint"] for scene in scenes]) >= .98


def test_measurements_come_before_names():
    scene = some(1, 21)[0][0]
    seen = measure(render(scene))
    assert np.abs(seen.centres - path(scene.actors[0], 8)).max() < .1 and abs(seen.size - scene.actors[0].size) < .1
    assert seen.misfits.shape[0] == len(TINY_WORLD.shapes)
    with pytest.raises(Unreadable, match="frame 3"): measure(render(scene) * (np.arange(8) != 3).astype(np.uint8)[:, None, None, None])


def test_tolerances_keep_names_apart():
    rgb = np.array([COLORS[name] for name in TINY_WORLD.colors])
    apart = np.linalg.norm(rgb[:, None] - rgb, axis=-1) + 9 * np.eye(len(rgb))
    assert 2 * TINY.color < apart.min() and TINY.color < np.linalg.norm(.5 * rgb, axis=-1).min()


def test_every_form_of_a_clip_reads_alike():
    frames = render(some(1)[0][0])
    assert len({str(read_scene(form).scene) for form in (frames, Clip(frames), Clip(frames).tensor(), torch.as_tensor(frames))}) == 1


def test_the_track_is_where_the_actor_was():
    for scene in some(20, 22)[0]: assert np.abs(track(render(scene)) - path(scene.actors[0], 8)).max() < .1
    assert track(np.zeros((8, 32, 32, 3), np.uint8)) is None


def test_each_attribute_counts_for_itself():
    scene = some(1, 1)[0][0]
    wrong = "red" if scene.actors[0].color != "red" else "blue"
    assert score(render(scene), only_actor(scene, color=wrong)) == dict(shape=True, color=False, motion=True, joint=False)
    assert not any(score(render(scene) * 0, scene).values())


def test_graders_name_what_is_no_scene():
    from t2v_learn.judge import reader
    clip = render(some(1, 1)[0][0])
    for grade in (score, reader.score):
        for wrong in (None, 3, ["a red circle moving left"]):
            with pytest.raises(InputError, match=f"is a Scene of lesson 14, not of type {type(wrong).__name__}"): grade(clip, wrong)


def test_a_clip_of_the_full_world_belongs_to_the_judge():
    frames = render(some_full(1)[0][0])
    try: reason = read_scene(frames).reason
    except InputError as error: reason = str(error)
    assert "judge.reader" in reason
