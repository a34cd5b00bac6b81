"Guidance and its variants beside plain arithmetic; negative prompts; the loop around the samplers; measuring"
import numpy as np
import pytest
import torch
from denoisers import clips, small_denoiser, states
from matplotlib.figure import Figure
from refusals import sentence

from t2v_learn.core import InputError
from t2v_learn.diffusion.guidance import _start_beside_motion, classifier_free_guidance, guidance_figure, guide, measure_guidance, sample
from t2v_learn.diffusion.noise import q_sample
from t2v_learn.diffusion.sampling import SAMPLERS, ddim, level_times
from t2v_learn.text.bert import TextStates
from t2v_learn.video.world import DIRECTIONS, Actor, Scene, render

every_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values())


@pytest.fixture(scope="module")
def denoiser(): return small_denoiser().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def weaker(): return small_denoiser(seed=5).eval().requires_grad_(False)


def times(denoiser, steps=6): return level_times(denoiser.schedule, steps)


def x0_of(denoiser, t, text, with_prompt=True):
    return denoiser.predict(clips(), t, text, None if with_prompt else torch.tensor([False, False]))[0]


def rows_seen(denoiser, call):
    "How many clips each call of the U-Net had"
    sizes = []
    handle = denoiser.unet.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    try: call()
    finally: handle.remove()
    return sizes


# --- classifier-free guidance

@pytest.mark.parametrize("scale", [-1., 0., 1., 2., 7.5])
def test_guidance_is_uncond_plus_scale_times_the_difference(denoiser, scale):
    t = torch.tensor([.9, .4])
    cond = x0_of(denoiser, t, states())
    uncond = x0_of(denoiser, t, states(), with_prompt=False)
    assert not torch.allclose(cond, uncond, atol=.01)
    found = classifier_free_guidance(denoiser, clips(), t, states(), scale)
    torch.testing.assert_close(found, uncond + scale * (cond - uncond), rtol=1e-3, atol=1e-3)


def test_guidance_asks_for_no_more_than_it_needs(denoiser):
    def call():
        for scale in (0, 1, 2.): classifier_free_guidance(denoiser, clips(), torch.ones(2), states(), scale)
    assert rows_seen(denoiser, call) == [2, 2, 4]


@pytest.mark.parametrize("scale, changes", [(0, False), (1, True), (3., True)])
def test_the_prompt_changes_the_prediction_unless_the_scale_is_0(denoiser, scale, changes):
    one, two = (guide(denoiser, states(seed=seed), scale)(clips(), .8) for seed in (0, 5))
    for a, b in zip(one, two): assert torch.equal(a, b) is not changes


@pytest.mark.parametrize("settings", [{}, dict(rescale=.5), dict(interval=(-9, 9)), dict(negative=states(seed=5))])
def test_the_guided_pair_sums_to_what_was_given(denoiser, settings):
    x0, noise = guide(denoiser, states(), 3., **settings)(clips(), .6)
    torch.testing.assert_close(q_sample(denoiser.schedule, x0, torch.full((2,), .6), noise), clips(), rtol=1e-4, atol=1e-4)


def test_times_of_each_kind_mean_the_same(denoiser):
    "One number, one for each clip, one for each frame"
    predict = guide(denoiser, states(), 3.)
    for t in (torch.tensor(.6), torch.full((2,), .6), torch.full((2, 4), .6)):
        for a, b in zip(predict(clips(), t), predict(clips(), .6)): torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_given_frames_come_through(denoiser):
    "A frame with time 0 is its own prediction, and has no noise"
    t = torch.tensor([[0., .7, .7, .7]] * 2)
    x0, noise = guide(denoiser, states(), 3.)(clips(), t)
    torch.testing.assert_close(x0[:, :, 0], clips()[:, :, 0], rtol=0, atol=1e-4)
    assert not noise[:, :, 0].any() and noise[:, :, 1:].any() and x0.isfinite().all()


# --- negative prompts

@pytest.mark.parametrize("scale", [-1., 0., 1., 2., 7.5])
def test_a_negative_prompt_stands_where_the_null_embedding_stood(denoiser, scale):
    "Beside two passes of their own, one for each prompt, whatever the lengths of both"
    t = torch.tensor([.9, .4])
    for negative in (states(seed=5), states(n=9, seed=5), states(n=3, seed=5)):
        cond, away = (x0_of(denoiser, t, text) for text in (states(), negative))
        found = classifier_free_guidance(denoiser, clips(), t, states(), scale, negative)
        torch.testing.assert_close(found, away + scale * (cond - away), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("scale", [0., 2., 5.])
def test_the_null_embedding_as_a_negative_prompt_is_guidance_as_ever(denoiser, scale):
    "Words whose states are the null embedding's: what the network sees is then the same"
    conditioner = denoiser.unet.text_conditioner
    mask = torch.ones(2, 1, dtype=torch.bool)
    null = TextStates(conditioner.null_token.expand(2, 1, -1), mask, conditioner.null_pooled.expand(2, -1))
    x, t, text = clips(), torch.tensor([.9, .4]), states()
    torch.testing.assert_close(classifier_free_guidance(denoiser, x, t, text, scale, null),
                               classifier_free_guidance(denoiser, x, t, text, scale), rtol=1e-4, atol=1e-4)


def test_a_negative_prompt_needs_no_third_row(denoiser):
    def call():
        for scale in (0., 1., 2.): classifier_free_guidance(denoiser, clips(), torch.ones(2), states(), scale, states(seed=5))
    assert rows_seen(denoiser, call) == [4, 2, 4]


def test_the_way_of_a_negative_prompt_step_by_step(denoiser):
    "The sampler beside Euler's line in s = sigma / (alpha + sigma), each prompt and each clip in a pass of its own"
    def one(text, i): return type(text)(text.tokens[i:i + 1], text.mask[i:i + 1], text.pooled[i:i + 1])
    negative = states(n=8, seed=5)
    found = sample(denoiser, states(), clips(), times(denoiser), guidance_scale=3., negative=negative)
    schedule = denoiser.schedule
    for i in range(2):
        x = clips()[i:i + 1]
        for now, after in zip(times(denoiser), times(denoiser)[1:]):
            t = now.reshape(1)
            good, bad = (denoiser.precondition(x, denoiser(x, t, one(text, i)), t)[0] for text in (states(), negative))
            x0 = 3 * good - 2 * bad                                       # both are linear in what the network says
            noise = (x - schedule.alpha(now) * x0) / schedule.sigma(now)
            ends = [schedule.sigma(t) / (schedule.alpha(t) + schedule.sigma(t)) for t in (now, after)]
            line = x / (schedule.alpha(now) + schedule.sigma(now)) + (ends[1] - ends[0]) * (noise - x0)
            x = (schedule.alpha(after) + schedule.sigma(after)) * line
        torch.testing.assert_close(found[i:i + 1], denoiser.restore(x).clamp(-1, 1), rtol=0, atol=5e-3)
    assert not torch.allclose(found, sample(denoiser, states(), clips(), times(denoiser), guidance_scale=3.), atol=.01)


# --- rescaled, in an interval, autoguidance

@pytest.mark.parametrize("rescale", [0., .3, 1.])
def test_rescaling_is_that_of_diffusers(denoiser, rescale):
    "Each clip for itself; with 1 the standard deviation is that of the answer with the prompt"
    stable = pytest.importorskip("diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion")
    t = torch.tensor([.9, .4])
    cond = x0_of(denoiser, t, states())
    guided = classifier_free_guidance(denoiser, clips(), t, states(), 5.)
    found = classifier_free_guidance(denoiser, clips(), t, states(), 5., rescale=rescale)
    torch.testing.assert_close(found, stable.rescale_noise_cfg(guided, cond, guidance_rescale=rescale), rtol=1e-3, atol=1e-3)
    if rescale == 1: torch.testing.assert_close(found.std((1, 2, 3, 4)), cond.std((1, 2, 3, 4)), rtol=1e-3, atol=1e-3)
    else: assert (guided.std((1, 2, 3, 4)) - cond.std((1, 2, 3, 4))).abs().min() > 1e-3


@pytest.mark.parametrize("level, inside", [(-9.5, False), (-8.9, True), (-4., True), (-.1, True), (.5, False)])
def test_outside_the_interval_the_answer_is_the_plain_one(denoiser, level, inside):
    t = denoiser.schedule.t_at(torch.tensor(level)).item()
    predict = guide(denoiser, states(), 3., interval=(-9, 0))
    wanted = guide(denoiser, states(), 3. if inside else 1.)(clips(), t)
    for a, b in zip(predict(clips(), t), wanted): assert torch.equal(a, b)
    assert rows_seen(denoiser, lambda: predict(clips(), t)) == [4 if inside else 2]


def test_the_level_of_an_interval_is_that_of_the_noisiest_frame(denoiser):
    predict = guide(denoiser, states(), 3., interval=(-9, 0))
    t = denoiser.schedule.t_at(torch.tensor([[20., 3., -4., -4.]] * 2))
    assert rows_seen(denoiser, lambda: predict(clips(), t)) == [4]


@pytest.mark.parametrize("scale", [0., 1., 2., 5.])
def test_autoguidance_moves_away_from_the_weaker_network(denoiser, weaker, scale):
    t = torch.tensor([.9, .4])
    good, bad = (x0_of(network, t, states()) for network in (denoiser, weaker))
    found = classifier_free_guidance(denoiser, clips(), t, states(), scale, weaker=weaker)
    torch.testing.assert_close(found, bad + scale * (good - bad), rtol=1e-3, atol=1e-3)
    assert scale == 1 or not torch.allclose(found, classifier_free_guidance(denoiser, clips(), t, states(), scale), atol=.01)


def test_a_network_is_not_guided_by_itself(denoiser):
    "Where both agree, nothing changes"
    t = torch.tensor([.9, .4])
    found = classifier_free_guidance(denoiser, clips(), t, states(), 5., weaker=denoiser)
    torch.testing.assert_close(found, x0_of(denoiser, t, states()), rtol=0, atol=1e-4)


def test_sample_takes_every_variant(denoiser, weaker):
    variants = [{}, dict(rescale=1.), dict(interval=(-5, 2)), dict(weaker=weaker), dict(negative=states(seed=5))]
    found = [sample(denoiser, states(), clips(), times(denoiser), guidance_scale=3., **settings) for settings in variants]
    assert all(not torch.allclose(a, b, atol=.01) for i, a in enumerate(found) for b in found[:i])


@pytest.mark.parametrize("settings, says", [
    (dict(rescale=-.1), "between 0 and 1, not -0.1"), (dict(rescale=2), "between 0 and 1"), (dict(rescale=float("nan")), "between 0 and 1"),
    (dict(interval=(3, -3)), "from a lower log-SNR to a higher one, not from 3 to -3"), (dict(interval=(1, 1)), "from a lower"),
    (dict(interval=(float("nan"), 1)), "from a lower"), (dict(negative=states(), weaker=small_denoiser()), "not both")])
def test_settings_that_contradict_themselves_are_refused(denoiser, settings, says):
    assert says in sentence(guide, denoiser, states(), 2., **settings)
    assert says in sentence(sample, denoiser, states(), clips(), times(denoiser), **settings)


def test_a_weaker_network_that_measures_clips_otherwise_is_refused(denoiser):
    other = small_denoiser()
    other.fit_data(clips() * .3 - .5)
    assert "other units" in sentence(guide, denoiser, states(), weaker=other)


# --- the whole

@every_sampler
def test_sample_is_the_sampler_with_guidance_in_the_clips_units(sampler):
    denoiser = small_denoiser()
    denoiser.fit_data(clips() * .3 - .5)
    found = sample(denoiser, states(), clips(), times(denoiser), sampler, 3., torch.Generator().manual_seed(1))
    with torch.no_grad():
        predict = guide(denoiser, states(), 3.)
        x = sampler(predict, denoiser.schedule, clips(), times(denoiser), torch.Generator().manual_seed(1))
    assert torch.equal(found, (x * denoiser.data_std + denoiser.data_mean).clamp(-1, 1)) and not found.requires_grad


def test_ddim_and_a_scale_of_2_are_the_defaults(denoiser):
    assert torch.equal(sample(denoiser, states(), clips(), times(denoiser)), sample(denoiser, states(), clips(), times(denoiser), ddim, 2.))


def test_the_same_noise_gives_the_same_clip_and_another_prompt_another(denoiser):
    one = sample(denoiser, states(), clips(), times(denoiser))
    torch.randn(3)
    assert torch.equal(sample(denoiser, states(), clips(), times(denoiser)), one)
    assert not torch.allclose(sample(denoiser, states(seed=5), clips(), times(denoiser)), one, atol=.01)
    assert not torch.allclose(sample(denoiser, states(), clips(seed=9), times(denoiser)), one, atol=.01)


def test_a_clip_alone_is_the_clip_in_a_batch(denoiser):
    text = states()
    alone = type(text)(text.tokens[:1], text.mask[:1], text.pooled[:1])
    torch.testing.assert_close(sample(denoiser, alone, clips()[:1], times(denoiser)), sample(denoiser, text, clips(), times(denoiser))[:1],
                               rtol=0, atol=1e-3)


def test_wrap_stands_between_guidance_and_the_sampler(denoiser):
    "Here it puts one clip in the place of every prediction"
    wanted = torch.full_like(clips(), .25)
    def wrap(predict):
        def replaced(x, t):
            x0, noise = predict(x, t)
            assert x0.shape == noise.shape == x.shape
            return wanted, noise
        return replaced
    found = sample(denoiser, states(), clips(), times(denoiser), wrap=wrap)
    torch.testing.assert_close(found, denoiser.restore(wanted), rtol=0, atol=1e-5)


def test_prompts_that_do_not_fit_are_refused(denoiser):
    with pytest.raises(InputError, match="2 prompts do not fit 3 clips"): sample(denoiser, states(), clips(3), times(denoiser))
    with pytest.raises(InputError, match="3 prompts do not fit 2 clips"):
        sample(denoiser, states(), clips(), times(denoiser), negative=states(3))


def test_nan_is_refused_wherever_it_comes_from(denoiser):
    x = clips()
    x[1, 0, 0, 0, 0] = float("nan")
    assert "NaN or infinity" in sentence(sample, denoiser, states(), x, times(denoiser))
    assert "gave NaN or infinity" in sentence(sample, denoiser, states(), clips(), times(denoiser), guidance_scale=float("nan"))
    damaged = small_denoiser()
    next(damaged.unet.parameters()).data.fill_(float("nan"))
    assert "weights are damaged" in sentence(sample, damaged, states(), clips(), times(damaged))


@pytest.mark.parametrize("sampler", ["ddim", "heun"])
@pytest.mark.parametrize("progress", [False, True])
def test_a_bar_is_shown_if_it_is_asked_for(denoiser, progress, sampler, capsys):
    sample(denoiser, states(), clips(), times(denoiser, 3), SAMPLERS[sampler], progress=progress)
    out, err = capsys.readouterr()
    assert out == "" and ("denoising" in err if progress else err == "")


# --- measuring

def encoder(prompts): return states(len(prompts))


def test_measure_guidance_has_a_row_for_each_point():
    "With a network that draws nothing readable: the numbers still have their names"
    denoiser = small_denoiser().eval()
    rows = measure_guidance(denoiser, encoder, {"a": {}, "b": dict(rescale=.5)}, (1., 2.), n_prompts=2, per_prompt=2, steps=2)
    assert [(row["kind"], row["scale"]) for row in rows] == [("plain", 1.), ("a", 2.), ("b", 2.)]
    assert all(row["n"] == 4 and row["prompts"] == 2 for row in rows)
    assert all({"joint", "readable", "spread", "spread_error", "starts"} <= set(row) for row in rows)
    assert [row["kind"] for row in measure_guidance(denoiser, encoder, {"a": {}}, (3.,), 2, 2, 1)] == ["a"]


@pytest.mark.parametrize("motion", ["left", "right", "up", "down"])
def test_a_start_is_seen_along_its_motion(motion):
    "Five pixels behind the middle and three to the side, whatever the motion"
    dx, dy = DIRECTIONS[motion]
    actor = Actor("circle", "red", motion, 5., 1.5, x=16 - 5 * dx - 3 * dy, y=16 - 5 * dy + 3 * dx)
    scene = Scene((actor,), canvas=32, n_frames=8)
    np.testing.assert_allclose(_start_beside_motion(render(scene), scene), [-5, 3], atol=.1)
    assert _start_beside_motion(np.zeros((8, 32, 32, 3), np.uint8), scene) is None


def test_guidance_figure_shows_three_costs():
    rows = [dict(kind=kind, scale=scale, n=64, joint=60, readable=60, fidelity=30., fidelity_std=2., spread=5., spread_error=.2)
            for kind, scale in (("plain", 1.), ("one", 2.), ("one", 8.), ("other", 2.), ("other", 8.))]
    rows[-1] |= dict(joint=0, readable=0)                                       # where nothing is readable, there is no fidelity
    figure = guidance_figure(rows, world_spread=7.2)
    assert isinstance(figure, Figure) and len(figure.axes) == 3
    assert all(ax.get_xlabel() == "guidance scale" and ax.get_ylabel() for ax in figure.axes)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["one", "other"]
    assert any(np.allclose(line.get_ydata(), 7.2) for line in figure.axes[1].lines)
