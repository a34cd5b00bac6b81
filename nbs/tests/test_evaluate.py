"The score: intervals, evaluation sets, reports, and models whose score is known"
from dataclasses import replace

import numpy as np
import pytest
from scenes import some

from t2v_learn.core import InputError
from t2v_learn.judge.evaluate import SIZES, Report, bootstrap, eval_set, evaluate, evaluate_edits, wilson
from t2v_learn.judge.reader import read_scene
from t2v_learn.text.tagging import asked_for
from t2v_learn.video.clips import Clip
from t2v_learn.video.world import RESERVED, World, is_held_out, render


class Oracle:
    "A model that renders what its prompt says; a share of its clips shows something else"
    def __init__(self, wrong=0.0): self.wrong = wrong

    def __call__(self, prompts, seed, **settings):
        clips = []
        for prompt, one in zip(prompts, seed):
            generator = np.random.default_rng(one)
            combination = None
            if generator.random() >= self.wrong:
                actor, = asked_for(prompt)[0]["actors"]
                combination = actor["shape"], actor["color"], actor["motion"]
            split = "held-out-combinations" if combination and is_held_out(*combination) else "seen"
            clips.append(Clip(render(World("tiny").sample(generator, split, combination))))
        return clips


@pytest.mark.parametrize("k, n, low, high", [(8, 10, .4902, .9433), (0, 20, 0, .1611), (20, 20, .8389, 1), (461, 512, .87139, .92342)])
def test_wilson(k, n, low, high):
    assert np.allclose(wilson(k, n), (low, high), atol=6e-5)          # by the formula of Wilson 1927


def test_wilson_is_the_formula():
    for k, n in ((1, 3), (45, 50), (500, 512)):
        p, z = k / n, 1.959964
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        ends = ((p + z**2 / (2 * n) + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
        assert np.allclose(wilson(k, n), tuple(ends), atol=1e-6)


def test_wilson_covers_what_it_promises():
    rights = np.random.default_rng(0).binomial(200, 0.9, size=500)
    assert .92 < np.mean([wilson(k, 200)[0] <= .9 <= wilson(k, 200)[1] for k in rights]) < .98


def test_bootstrap_counts_groups_not_clips():
    one_bad = [np.ones(40)] * 11 + [np.zeros(40)]
    low, high = bootstrap(one_bad)
    assert high - low > 2 * (wilson(440, 480)[1] - wilson(440, 480)[0])
    assert bootstrap(one_bad) == (low, high) and bootstrap([np.ones(40)] * 12) == (1.0, 1.0)


def test_evaluation_sets():
    scenes, prompts = eval_set(World("tiny"), "held-out-combinations", 480, seed=1)
    keys = [(a.shape, a.color, a.motion) for a in (scene.actors[0] for scene in scenes)]
    assert len(scenes) == len(prompts) == 480 and all(keys.count(key) == 40 for key in keys) and all(is_held_out(*key) for key in set(keys))
    seen, _ = eval_set(World("tiny"), "seen", 60, seed=1)
    assert not any(is_held_out(a.shape, a.color, a.motion) for a in (scene.actors[0] for scene in seen))
    reserved = {word for words in RESERVED.values() for word in words}
    _, strange = eval_set(World("tiny"), "held-out-words", 40, seed=1)
    assert all(reserved & set(prompt.split()) for prompt in strange)
    assert eval_set(World("tiny"), "seen", 60, seed=2)[1] != eval_set(World("tiny"), "seen", 60, seed=1)[1]


def test_a_report_says_its_interval():
    right = dict(shape=[True, True], color=[True, False], joint=[True, False])
    report = Report("seen", right, [("circle", "red", "up")] * 2, 1.0)
    said = str(report)
    assert report.n == 2 and report.joint == .5 and report.interval == wilson(1, 2)
    assert "joint 50.0% [9.5%, 90.5%]" in said and "Wilson" in said and "n = 2" in said and "color 50.0%" in said and "100.0%" in said


def test_a_report_on_combinations_has_a_row_for_each():
    keys = [("circle", "red", "up")] * 3 + [("square", "blue", "left")] * 3
    report = Report("held-out-combinations", dict(joint=[1, 1, 0, 0, 0, 0]), keys, .5)
    assert report.interval == bootstrap([[1, 1, 0], [0, 0, 0]])
    assert "red circle up: 2/3" in str(report) and "blue square left: 0/3" in str(report)


def test_models_whose_score_is_known():
    assert evaluate(Oracle(), n=32).joint == 1 and evaluate(Oracle(), "held-out-combinations", n=12).joint == 1
    half = evaluate(Oracle(wrong=.5), n=64)
    assert .3 < half.joint < .75 and half.agreement > .9
    assert evaluate(Oracle(), n=32, deranged=True).joint == 0


def test_an_unknown_split_is_refused():
    with pytest.raises(InputError, match="held-out-words"): evaluate(Oracle(), "unseen")
    assert SIZES["held-out-combinations"] >= 480 and SIZES["seen"] >= 512


def test_edits_are_graded_with_and_without_the_clip():
    class Recolor(Oracle):
        "Draws what the prompt says, where the input's actor is"
        def edit(self, clips, prompts, seed, **settings):
            edited = []
            for clip, prompt in zip(clips, prompts):
                scene = read_scene(clip).scene
                actor, = asked_for(prompt)[0]["actors"]
                edited.append(Clip(render(replace(scene, actors=(replace(scene.actors[0], color=actor["color"]),)))))
            return edited
    found = evaluate_edits(Recolor(), n=16, batch_size=5)
    assert found["with the clip"]["all"] == 1 and found["without it"]["color"] == 1 and found["without it"]["all"] < .7


def test_scenes_of_tests_are_the_same_each_time():
    assert [str(scene) for scene in some(3)[0]] == [str(scene) for scene in some(3)[0]]
