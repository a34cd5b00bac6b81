"Rivals that need no training: what they must and what they cannot do"
import numpy as np
import pytest

from t2v_learn.core import InputError
from t2v_learn.judge.evaluate import evaluate
from t2v_learn.latent.compare import NearestCaption, NoisyRenderer


@pytest.mark.parametrize("error", [0.0, .1, .5])
def test_the_renderer_errs_as_often_as_it_is_told(error):
    for split in ("seen", "held-out-combinations"):
        report = evaluate(NoisyRenderer(error), split, n=240)
        wanted = (1 - error) ** 3
        assert abs(report.joint - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / report.n), split
        assert abs(np.mean(report.right["color"]) - (1 - error)) <= 4 * np.sqrt(error * (1 - error) / report.n)


def test_the_renderer_guesses_words_that_it_does_not_know():
    report = evaluate(NoisyRenderer(0), "held-out-words", n=120)
    assert report.joint < .6 and evaluate(NoisyRenderer(0), "seen", n=60, deranged=True).joint == 0


def test_the_nearest_caption_repeats_and_cannot_recombine():
    rival = NearestCaption(n=600)
    assert evaluate(rival, "seen", n=60).joint > .9
    assert evaluate(rival, "held-out-combinations", n=24).joint == 0
    one, two = rival(["a red circle moving right"] * 2, seed=[0, 1])
    assert (one.frames == two.frames).all(), "it has one clip for a prompt"
    assert len(rival(["quarterly report"])) == 1, "and always some clip"


def test_rivals_refuse_what_makes_no_sense():
    for error in (-.1, 1.5):
        with pytest.raises(InputError, match="from 0 to 1"): NoisyRenderer(error)
    with pytest.raises(InputError, match="3 prompts need as many seeds"): NoisyRenderer()(["a red circle"] * 3, [0])
    with pytest.raises(InputError, match="one or more"): NearestCaption(n=0)


@pytest.mark.parametrize("prompt", ["a red circle moving right", "A RED circle, moving right.", "red circle (right)!"])
def test_rivals_are_called_as_models_are(prompt):
    from t2v_learn.video.verify import read_scene
    reading = [read_scene(NoisyRenderer(0.0)(prompt, seed)).attributes for seed in range(4)]
    assert all(one == dict(shape="circle", color="red", motion="right") for one in reading)
    nearest = NearestCaption(n=50)
    assert (nearest(prompt).frames == nearest([prompt])[0].frames).all() and len(NoisyRenderer()([prompt] * 2, 7)) == 2
