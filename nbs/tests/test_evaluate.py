"The score: intervals, evaluation sets, reports, and models whose score is known"
import json
from collections import Counter

import numpy as np
import pytest
import torch
from scenes import some
from scipy import stats

from t2v_learn.core import InputError
from t2v_learn.judge.evaluate import (LEVELS, SIZES, Report, _combinations_of, bootstrap, eval_set, evaluate, evaluate_clips,
                                      nearer_to_training, nearest_clips, save_score, spread_within, wilson)
from t2v_learn.text.tagging import asked_for
from t2v_learn.video.clips import Clip
from t2v_learn.video.world import RESERVED, World, is_held_out, kind, render


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


@pytest.mark.parametrize("k, n", [(5, 3), (0, 0), (-1, 4)])
def test_wilson_of_no_share(k, n):
    with pytest.raises(InputError, match="is no share"): wilson(k, n)


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


def test_the_interval_is_about_the_score_also_where_combinations_differ_in_size():
    rng = np.random.default_rng(0)
    groups = [rng.random(size) < share for size, share in [(40, .9)] * 20 + [(2, .1)] * 60]
    low, high = bootstrap(groups)
    assert low < np.concatenate(groups).mean() < high
    equal = [rng.random(40) < .8 for _ in range(12)]
    means = ([np.mean(group) for group in equal],)
    plain = stats.bootstrap(means, np.mean, n_resamples=4000, method="percentile", random_state=0).confidence_interval
    assert np.allclose(bootstrap(equal), plain)


@pytest.mark.parametrize("preset", ["tiny", "full"])
def test_clips_are_counted_under_the_combination_that_was_asked_for(preset):
    world = World(preset)
    n = len(world.combinations("held-out-combinations"))
    scenes, _ = eval_set(world, "held-out-combinations", 2 * n, seed=2026)
    keys = _combinations_of(scenes, world, "held-out-combinations")
    assert set(Counter(keys).values()) == {2} and len(set(keys)) == n
    for scene, (shape, color, motion) in zip(scenes, keys):
        actor = scene.actors[0]
        assert (actor.shape, actor.color) == (shape, color) and kind(actor.motion) == motion


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


def test_a_report_says_how_clean_the_clips_are_and_how_far_they_spread():
    report = evaluate(Oracle(), n=180)
    assert report.fidelity.min() > 35 and len(report.fidelity) == 180 and report.nearer == ()      # an oracle was not trained
    assert abs(report.spread[0] / report.spread[1] - 1) < .2                                        # it draws as the world does
    assert " dB on average" in str(report) and "in the world" in str(report)


def test_noise_costs_fidelity_and_one_start_costs_spread():
    class Still(Oracle):
        "Always the same clip of a combination, with grain"
        def __call__(self, prompts, seed, **settings):
            clips = super().__call__(prompts, [0] * len(prompts))
            noise = [np.random.default_rng(one).normal(0, 5, clip.frames.shape) for one, clip in zip(seed, clips)]
            return [Clip((clip.frames + grain).clip(0, 255).astype(np.uint8), clip.fps) for clip, grain in zip(clips, noise)]
    report = evaluate(Still(), n=180)
    assert report.joint > .95 and np.mean(report.fidelity) < 40 and report.spread[0] < 1 < report.spread[1]


def test_spread_needs_no_large_groups():
    rng = np.random.default_rng(1)
    starts = rng.normal(0, 3, (2000, 2)) + np.repeat(rng.normal(0, 40, (1000, 2)), 2, 0)
    keys = [i // 2 for i in range(2000)]
    assert abs(spread_within(starts, keys) - 18 ** .5) < .2
    starts[::7] = np.nan                                                                           # clips in which nothing was found
    assert abs(spread_within(starts, keys) - 18 ** .5) < .3
    assert np.isnan(spread_within(starts * np.nan, keys)) and np.isnan(spread_within(starts, list(range(2000))))


def test_a_model_that_repeats_its_training_clips_is_told():
    seen, unseen, new = (random_clips(150, seed=i) for i in range(3))
    copies = seen[:60] + .1 * torch.randn(60, *seen.shape[1:], generator=torch.Generator().manual_seed(0))
    assert nearer_to_training(copies, seen, unseen) == (60, 60)
    low, high = wilson(*nearer_to_training(new[:60], seen, unseen))
    assert low < .5 < high
    right = dict(joint=[True] * 60)
    keys = [("circle", "red", "up")] * 60
    assert "it repeats what it saw" in str(Report("seen", right, keys, 1.0, nearer=(60, 60)))
    assert "nothing is copied" in str(Report("seen", right, keys, 1.0, nearer=(31, 60)))
    with pytest.raises(InputError, match="149 training clips need as many"): nearer_to_training(new, seen[1:], unseen)


def test_an_unknown_split_is_refused():
    with pytest.raises(InputError, match="held-out-words"): evaluate(Oracle(), "unseen")
    assert SIZES["held-out-combinations"] >= 480 and SIZES["seen"] >= 512


def test_scenes_of_tests_are_the_same_each_time():
    assert [str(scene) for scene in some(3)[0]] == [str(scene) for scene in some(3)[0]]


def test_a_score_is_kept_beside_its_weights(tmp_path):
    before = dict(kind="text-to-video", weights="abc", shape=[3, 8, 32, 32])
    (tmp_path / "config.json").write_text(json.dumps(before))
    right = dict(joint=[True] * 9 + [False])
    for split in ("seen", "held-out-words"): save_score(tmp_path, Report(split, right, [("circle", "red", "up")] * 10, 1.0, dict(seed=7)))
    after = json.loads((tmp_path / "config.json").read_text())
    assert {name: after[name] for name in before} == before and set(after["score"]) == {"seen", "held-out-words"}
    kept = after["score"]["seen"]
    save_score(tmp_path, Report("seen", right, [("circle", "red", "up")] * 10, 1.0, fidelity=np.array([30.0, 40.0]), spread=(6.0, 7.0)))
    looks = json.loads((tmp_path / "config.json").read_text())["score"]["seen"]
    assert (looks["fidelity"], looks["fidelity_p10"], looks["spread"]) == (35.0, 31.0, 6.0)
    assert (kept["joint"], kept["n"], kept["settings"]) == (.9, 10, dict(seed=7))
    assert np.allclose(kept["interval"], wilson(9, 10), atol=1e-4)


def test_a_score_with_numbers_of_numpy_and_without_an_end_is_kept(tmp_path):
    settings = dict(seed=np.int64(3), guidance_scale=np.float32(1.5), guidance_interval=(-np.inf, -3.5), negative_prompt=None)
    for before in ({}, dict(score=None), dict(score=[])):
        (tmp_path / "config.json").write_text(json.dumps(before))
        save_score(tmp_path, Report("seen", dict(joint=[True]), [("circle", "red", "up")], 1.0, settings))
        def refuse(text): pytest.fail(f"{text} is no JSON")
        kept = json.loads((tmp_path / "config.json").read_text(), parse_constant=refuse)["score"]["seen"]["settings"]
        assert kept == dict(seed=3, guidance_scale=1.5, guidance_interval=["-inf", -3.5], negative_prompt=None)


@pytest.mark.parametrize("settings", [dict(n=0), dict(n=-3), dict(n=2.5), dict(n="4"), dict(seed=-1), dict(seed=None), dict(batch_size=0)])
def test_numbers_that_cannot_be_evaluated(settings):
    with pytest.raises(InputError, match="is a whole number from"): evaluate(lambda prompts, seed: pytest.fail("it was asked"), **settings)


def test_a_function_that_gives_too_few_clips():
    with pytest.raises(InputError, match="gave 2 clips for 4 prompts"):
        evaluate(lambda prompts, seed: [Clip(np.zeros((8, 32, 32, 3), np.uint8))] * 2, n=4)


# --- clips that no program can read

def random_clips(n, f=4, size=16, seed=0): return torch.rand(n, 3, f, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Sequence:
    "Data with a list of clips, the first batches of which hold each once"
    def __init__(self, video, captions, batch_size=4):
        self.video, self.said, self.batch_size = video, captions, batch_size
        self.sequence = range(len(video))

    def __call__(self, step, shard=(0, 1)):
        rows = [i % len(self.video) for i in range(step * self.batch_size, (step + 1) * self.batch_size)]
        return self.video[rows], [self.said[i] for i in rows]


class Painter:
    "A model that draws the clip of its data that it was told of, or noise"
    config = dict(shape=[3, 4, 16, 16], trained={}, words=[])
    def __init__(self, known=None): self.known = known or {}

    def __call__(self, prompts, seed, **settings):
        drawn = [self.known.get(prompt, random_clips(1, seed=one % 1000)[0]) for prompt, one in zip(prompts, seed)]
        return [Clip.from_tensor(clip, 8) for clip in drawn]


def test_distances_are_in_grey_levels_and_leave_out_the_clip_itself():
    known = random_clips(5)
    near, index = nearest_clips(known[[3, 1]] + .1, known)
    assert np.allclose(near, 12.75, atol=.05) and index.tolist() == [3, 1]
    by_hand = min(float((known[0] - other).square().mean().sqrt()) for other in known[1:]) * 127.5
    assert nearest_clips(known, known, skip=True)[0][0] == pytest.approx(by_hand, rel=1e-4)


def test_copies_are_seen_and_so_are_prompts_that_are_followed():
    video, captions = random_clips(6), [f"clip {i}" for i in range(6)]
    data = Sequence(video, captions)
    learnt = evaluate_clips(Painter(dict(zip(captions, video))), data, "six clips", n=6)
    assert learnt.n == 6 and len(learnt.distances) == 3 and learnt.distances.max() < 1 and learnt.matches.all()
    assert learnt.chance == pytest.approx(1 / 6) and learnt.errors == {}
    said = str(learnt)
    assert said.startswith("six clips, n = 6") and "copies, nearer than a third of that: 3 of 3" in said and "100.0% [" in said
    free = evaluate_clips(Painter(), data, n=6)
    assert free.distances.min() > free.among.min() / 2 and "of that: 0 of 3" in str(free)
    assert len(evaluate_clips(Painter(), Sequence(video[:1], captions[:1]), n=4).among) == 0


@pytest.mark.slow
def test_a_denoiser_has_a_loss_at_each_level():
    from t2v_learn import TextToVideo
    from t2v_learn.training.pipeline import trained_on
    model = TextToVideo.from_pretrained("tiny", device="cpu")
    report = evaluate_clips(model, n=8, num_inference_steps=4)
    own, other = (np.array([np.mean(report.errors[level][k]) for level in LEVELS]) for k in (0, 1))
    assert list(report.errors) == list(LEVELS) and own[0] > own[2] > own[-1] and own.sum() < other.sum()
    assert trained_on(model.config) is not None and len(report.distances) == 4
    said = str(evaluate_clips(model, n=1, num_inference_steps=1))
    assert "(one clip: no interval, and no other caption)" in said and "nan" not in said


def test_models_that_cannot_be_measured_are_refused():
    from t2v_learn.training.pipeline import VideoGenerator
    class Other(VideoGenerator):
        def __init__(self, **trained): self.config = dict(shape=[3, 8, 32, 32], words=["a", "cat"], trained=trained)
    for other in (Other(data="/gone"), Other()):
        with pytest.raises(InputError, match="evaluate it on clips with captions"): evaluate(other)
        with pytest.raises(InputError, match="is not here: give clips with captions"): evaluate_clips(other)
    for n in (0, 2.0):
        with pytest.raises(InputError, match="n is a whole number"): evaluate_clips(Painter(), Sequence(random_clips(2), ["a", "b"]), n=n)


@pytest.mark.parametrize("shape", [(8, 16, 16, 3), (4, 32, 32, 3), (16, 64, 64, 3)])
def test_models_that_draw_another_world_are_told_at_the_first_batch(shape):
    asked = []
    def model(prompts, seed): return asked.append(len(prompts)) or [Clip(np.zeros(shape, np.uint8))] * len(prompts)
    with pytest.raises(InputError, match="the model draws clips of shape"): evaluate(model, n=8, batch_size=2)
    assert asked == [2]


@pytest.mark.parametrize("k, n", [(.8, 512), (2.9, 3), (float("nan"), 3), (1, float("inf")), ("1", 2), (None, 2)])
def test_shares_are_no_counts(k, n):
    with pytest.raises(InputError, match="whole numbers"): wilson(k, n)


def test_a_bootstrap_needs_groups():
    for groups in ([[1, 0]], [[], [1, 0]], []):
        with pytest.raises(InputError, match="two or more, none empty"): bootstrap(groups)
    alone = Report("held-out-combinations", {"joint": np.array([True, False])}, [("a", "b", "c")] * 2, 1.0)
    with pytest.raises(InputError, match="two or more"): str(alone)


# --- the full world

def renders(scenes): return lambda prompts, seed: [Clip(render(scenes[prompt])) for prompt in prompts]


@pytest.mark.parametrize("split", ["seen", "held-out-words"])
def test_true_clips_of_the_full_world_are_right(split):
    scenes, prompts = eval_set(World("full"), split, 12, 2026)
    report = evaluate(renders(dict(zip(prompts, scenes))), split, n=12, world="full")
    assert report.joint > .8 and {"one actor", "two actors"} <= set(report.right)
    assert len(report.right["one actor"]) + len(report.right["two actors"]) == 12
    assert len(report.right["background"]) == sum(" on " in f" {p} " or "against" in p or "background" in p for p in prompts) < 12
    assert f"two actors {np.mean(report.right['two actors']):.1%} (n = {len(report.right['two actors'])})" in str(report)
    wrong = evaluate(renders(dict(zip(prompts, scenes[1:] + scenes[:1]))), split, n=12, world="full")
    assert wrong.joint < .2


def test_a_model_of_the_full_world_knows_its_world():
    from t2v_learn.training.pipeline import VideoGenerator
    class Other(VideoGenerator):
        def __init__(self): self.config = dict(shape=[3, 16, 64, 64], words=["a", "circle", "red"], trained=dict(preset="full", script="x"))
        def __call__(self, prompts, seed): return [np.zeros((16, 64, 64, 3), np.uint8) for _ in prompts]
    report = evaluate(Other(), "held-out-combinations", n=3)
    assert report.joint == 0 and report.n == len(World("full").combinations("held-out-combinations"))
    assert len(str(report).splitlines()) < 12, "two hundred combinations are not listed"


# --- several batches at once

def test_batches_side_by_side_give_the_clips_of_one_after_the_other():
    import torch

    from t2v_learn import TextToVideo
    from t2v_learn.judge.evaluate import _generate_all
    tiny = TextToVideo.from_pretrained("tiny")
    threads = torch.get_num_threads()
    prompts = [f"a {color} circle moving {way}" for color in ("red", "green", "blue") for way in ("left", "up")]
    settings = dict(num_inference_steps=2)
    try:
        torch.set_num_threads(2)
        clips = _generate_all(tiny, prompts, 7, 2, False, settings)
        assert torch.get_num_threads() == 2                                                   # as it was
        with pytest.raises(TypeError): _generate_all(tiny, prompts, 7, 2, False, dict(wrong=1))
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        alone = _generate_all(tiny, prompts, 7, 2, False, settings)
    finally: torch.set_num_threads(threads)
    assert len(clips) == len(prompts)
    for one, other in zip(clips, alone): assert abs(one.frames.astype(int) - other.frames.astype(int)).max() <= 1
