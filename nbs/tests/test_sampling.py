"The samplers beside diffusers' schedulers, step by step; guidance; and the loop around them"
import pytest
import torch
from denoisers import clips, small_denoiser, states

from t2v_learn.core import InputError
from t2v_learn.diffusion.noise import SCHEDULES, TARGETS, from_target, make_schedule, q_sample
from t2v_learn.diffusion.sampling import (ancestral_sigma, cfg_denoiser, classifier_free_guidance, ddim, ddpm, euler, level_times, sample,
                                          sampling_times)

diffusers = pytest.importorskip("diffusers")
SAMPLERS = (euler, ddim, ddpm)
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS)
every_schedule = pytest.mark.parametrize("name", SCHEDULES)
TABLE = dict(num_train_timesteps=1000, beta_start=1e-4, beta_end=.02, beta_schedule="linear", clip_sample=False)
THEIR_NAMES = {"noise": "epsilon", "x0": "sample", "v": "v_prediction"}


def made_up(x, t):
    "Stands for a network's output"
    return torch.sin(3 * x) * (.5 + float(t)) + .1 * x


def start(seed=3): return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def recorded(predict):
    "A prediction that keeps each x it is given"
    seen = []
    def record(x, t):
        seen.append(x)
        return predict(x, t)
    return record, seen


def theirs(scheduler, to_t, **options):
    "Every x of a scheduler of diffusers; to_t turns its timesteps into our times"
    x = start()
    steps = [x]
    for step in scheduler.timesteps:
        x = scheduler.step(made_up(x, to_t(step)), step, x, **options).prev_sample
        steps.append(x)
    return steps


def perfect(schedule):
    "The best prediction for a world of two numbers, -1 and 1"
    def predict(x, t):
        alpha, sigma = schedule.alpha(t), schedule.sigma(t)
        x0 = torch.tanh(alpha * x / sigma**2)
        return x0, (x - alpha * x0) / sigma
    return predict


# --- the same trajectory as diffusers

def compare(wanted, sampler, schedule, target, times, **options):
    predict, seen = recorded(lambda x, t: from_target(schedule, x, made_up(x, t), t, target))
    last = sampler(predict, schedule, start(), times, **options)
    assert len(wanted) == len(seen) + 1 == len(times)
    for step, (a, b) in enumerate(zip([*seen, last], wanted)):
        assert torch.allclose(a, b, rtol=2e-3, atol=2e-3 * b.abs().max().item()), f"step {step}: {(a - b).abs().max()} apart"


@pytest.mark.parametrize("target", THEIR_NAMES)
@pytest.mark.parametrize("steps", [5, 20])
def test_ddpm_is_that_of_diffusers(target, steps):
    scheduler = diffusers.DDPMScheduler(**TABLE, prediction_type=THEIR_NAMES[target])
    scheduler.set_timesteps(steps)
    times = torch.cat([(scheduler.timesteps + 1) / 1000, torch.zeros(1)])     # table index i is our time (i + 1) / 1000
    wanted = theirs(scheduler, lambda i: (i + 1) / 1000, generator=torch.Generator().manual_seed(7))
    compare(wanted, ddpm, make_schedule("ddpm"), target, times, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("target", THEIR_NAMES)
@pytest.mark.parametrize("eta", [0., .5, 1.])
def test_ddim_is_that_of_diffusers(target, eta):
    "Their last step goes to alpha_bar = 1 if they are told so, as ours does"
    scheduler = diffusers.DDIMScheduler(**TABLE, prediction_type=THEIR_NAMES[target], set_alpha_to_one=True)
    scheduler.set_timesteps(20)
    times = torch.cat([(scheduler.timesteps + 1) / 1000, torch.zeros(1)])
    wanted = theirs(scheduler, lambda i: (i + 1) / 1000, eta=eta, generator=torch.Generator().manual_seed(7))
    compare(wanted, ddim, make_schedule("ddpm"), target, times, eta=eta, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("sampler", [euler, ddim])
@pytest.mark.parametrize("shift", [1., 3.])
def test_euler_is_that_of_diffusers(sampler, shift):
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / 16, 16).tolist())
    times = sampling_times(16, shift)
    torch.testing.assert_close(scheduler.sigmas, times, rtol=0, atol=1e-6)
    compare(theirs(scheduler, lambda t: t / 1000), sampler, make_schedule("flow"), "flow", times)


# --- what holds between them

@every_schedule
@pytest.mark.parametrize("target", TARGETS)
def test_euler_and_ddim_take_the_same_step(name, target):
    "In every schedule: divided by alpha + sigma, both mix the predicted ends"
    schedule = make_schedule(name)
    predict = lambda x, t: from_target(schedule, x, made_up(x, t), t, target)
    times = torch.linspace(.98, 0, 9)
    a, b = (s(predict, schedule, start(), times) for s in (euler, ddim))
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3 * b.abs().max().item())


@every_schedule
def test_ddpm_is_ddim_with_eta_1(name):
    schedule = make_schedule(name)
    a = ddpm(perfect(schedule), schedule, start(), level_times(schedule, 20), torch.Generator().manual_seed(5))
    b = ddim(perfect(schedule), schedule, start(), level_times(schedule, 20), torch.Generator().manual_seed(5), eta=1.)
    torch.testing.assert_close(a, b, rtol=0, atol=2e-3)


def test_ancestral_sigma_is_beta_tilde():
    "Ho et al. 2020, eq. 7, at every step of the table; and 0 where the clip is clean"
    schedule = make_schedule("ddpm")
    bar = schedule.alpha_bar
    beta_tilde = (1 - bar[:-1]) / (1 - bar[1:]) * schedule.beta[1:]
    t = torch.arange(1, 1001, dtype=torch.float64) / 1000
    torch.testing.assert_close(ancestral_sigma(schedule, t[1:], t[:-1]) ** 2, beta_tilde, rtol=1e-6, atol=0)
    for name in SCHEDULES: assert ancestral_sigma(make_schedule(name), torch.tensor(.5), torch.tensor(0.)) == 0


@every_sampler
@every_schedule
def test_no_noise_at_the_last_step(sampler, name):
    "The end is the predicted x0 itself, whatever was drawn on the way"
    schedule = make_schedule(name)
    x0 = torch.full((1, 4), .5)
    predict = lambda x, t: (x0, (x - schedule.alpha(t) * x0) / schedule.sigma(t))
    for seed in (0, 1):
        options = dict(eta=1.) if sampler is ddim else {}
        last = sampler(predict, schedule, torch.randn(1, 4), torch.tensor([.9, .5, 0.]), torch.Generator().manual_seed(seed), **options)
        torch.testing.assert_close(last, x0, rtol=0, atol=1e-5)


@every_sampler
@every_schedule
def test_samples_of_a_known_world_follow_its_distribution(sampler, name):
    "Half of the numbers are -1 and half 1"
    schedule = make_schedule(name)
    many = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    ends = sampler(perfect(schedule), schedule, many, level_times(schedule, 64), torch.Generator().manual_seed(1))
    assert ((ends.abs() - 1).abs() < .02).float().mean() > .99
    assert abs((ends > 0).float().mean() - .5) < .05                       # 4.5 standard errors


@pytest.mark.parametrize("sampler, drawn", [(euler, False), (ddim, False), (ddpm, True)])
def test_who_draws_random_numbers(sampler, drawn):
    schedule = make_schedule("flow")
    end = lambda seed: sampler(perfect(schedule), schedule, start(), torch.linspace(1, .2, 5), torch.Generator().manual_seed(seed))
    assert torch.equal(end(0), end(0)) and torch.equal(end(0), end(1)) is not drawn


# --- times

@pytest.mark.parametrize("shift", [.5, 1., 3.])
def test_sampling_times_fall_from_start_to_0(shift):
    times = sampling_times(10, shift)
    assert len(times) == 11 and times[0] == 1 and times[-1] == 0 and (times.diff() < 0).all()
    assert sampling_times(10, shift, start=.5)[0] == times[5]


@every_schedule
def test_level_times_are_equal_steps_of_log_snr(name):
    schedule = make_schedule(name)
    times = level_times(schedule, 10)
    assert len(times) == 11 and times[0] == 1 and times[-1] == 0 and (times.diff() < 0).all()
    levels = schedule.log_snr(times[2:-1]) if name == "ddpm" else schedule.log_snr(times[1:-1])       # DDPM ends at -10
    torch.testing.assert_close(levels.diff(), torch.full((len(levels) - 1,), 2.), rtol=0, atol=.02)
    torch.testing.assert_close(schedule.log_snr(level_times(schedule, 4, start=.5)[0]), torch.tensor(-2.), rtol=0, atol=.01)


@pytest.mark.parametrize("times, message", [
    (lambda: sampling_times(0), "at least 1 step"), (lambda: sampling_times(4, start=0), "start lies in"),
    (lambda: sampling_times(4, shift=0), "shift above 0"), (lambda: sampling_times(4, start=1.1), "start lies in"),
    (lambda: level_times(make_schedule(), 0), "at least 1 step"), (lambda: level_times(make_schedule(), 4, start=-1), "start lies in")])
def test_times_that_cannot_be_are_refused(times, message):
    with pytest.raises(InputError, match=message): times()


# --- guidance

@pytest.fixture(scope="module")
def denoiser(): return small_denoiser().eval().requires_grad_(False)


@pytest.mark.parametrize("scale", [-1., 0., 1., 2., 7.5])
def test_guidance_is_uncond_plus_scale_times_the_difference(denoiser, scale):
    x, t, text = clips(), torch.tensor([.9, .4]), states()
    cond = denoiser(x, t, text)
    uncond = denoiser(x, t, text, torch.tensor([False, False]))
    assert not torch.allclose(cond, uncond, atol=.01)
    found = classifier_free_guidance(denoiser, x, t, text, scale)
    torch.testing.assert_close(found, uncond + scale * (cond - uncond), rtol=1e-3, atol=1e-3)


def test_guidance_asks_for_no_more_than_it_needs(denoiser):
    sizes = []
    handle = denoiser.unet.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    for scale in (0, 1, 2.): classifier_free_guidance(denoiser, clips(), torch.ones(2), states(), scale)
    handle.remove()
    assert sizes == [2, 2, 4]


@pytest.mark.parametrize("scale, changes", [(0, False), (1, True), (3., True)])
def test_the_prompt_changes_the_prediction_unless_the_scale_is_0(denoiser, scale, changes):
    one, two = (cfg_denoiser(denoiser, states(seed=seed), scale)(clips(), .8) for seed in (0, 5))
    for a, b in zip(one, two): assert torch.equal(a, b) is not changes


def test_the_guided_pair_sums_to_what_was_given(denoiser):
    x0, noise = cfg_denoiser(denoiser, states(), 3.)(clips(), .6)
    torch.testing.assert_close(q_sample(denoiser.schedule, x0, torch.full((2,), .6), noise), clips(), rtol=1e-4, atol=1e-4)


# --- negative prompts

@pytest.mark.parametrize("scale", [-1., 0., 1., 2., 7.5])
def test_a_negative_prompt_stands_where_the_null_embedding_stood(denoiser, scale):
    "Beside two passes of their own, one for each prompt, whatever the lengths of both"
    x, t, text = clips(), torch.tensor([.9, .4]), states()
    for negative in (states(seed=5), states(n=9, seed=5), states(n=3, seed=5)):
        cond = denoiser(x, t, text)
        away = denoiser(x, t, negative)
        found = classifier_free_guidance(denoiser, x, t, text, scale, negative)
        torch.testing.assert_close(found, away + scale * (cond - away), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("scale", [0., 2., 5.])
def test_the_null_embedding_as_a_negative_prompt_is_guidance_as_ever(denoiser, scale):
    "Words whose states are the null embedding's: what the network sees is then the same"
    conditioner = denoiser.unet.text_conditioner
    mask = torch.ones(2, 1, dtype=torch.bool)
    null = type(states())(conditioner.null_token.expand(2, 1, -1), mask, conditioner.null_pooled.expand(2, -1))
    x, t, text = clips(), torch.tensor([.9, .4]), states()
    torch.testing.assert_close(classifier_free_guidance(denoiser, x, t, text, scale, null),
                               classifier_free_guidance(denoiser, x, t, text, scale), rtol=1e-4, atol=1e-4)


def test_a_negative_prompt_needs_no_third_row(denoiser):
    sizes = []
    handle = denoiser.unet.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    for scale in (0., 1., 2.): classifier_free_guidance(denoiser, clips(), torch.ones(2), states(), scale, states(seed=5))
    handle.remove()
    assert sizes == [4, 2, 4]


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


def test_negative_prompts_that_do_not_fit_are_refused(denoiser):
    with pytest.raises(InputError, match="3 prompts do not fit 2 clips"):
        sample(denoiser, states(), clips(), times(denoiser), negative=states(3))


# --- the whole

def times(denoiser, steps=6): return level_times(denoiser.schedule, steps)


@every_sampler
def test_sample_is_the_sampler_with_guidance_in_the_clips_units(sampler):
    denoiser = small_denoiser()
    denoiser.fit_data(clips() * .3 - .5)
    found = sample(denoiser, states(), clips(), times(denoiser), sampler, 3., torch.Generator().manual_seed(1))
    with torch.no_grad():
        predict = cfg_denoiser(denoiser, states(), 3.)
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


def test_prompts_that_do_not_fit_are_refused(denoiser):
    with pytest.raises(InputError, match="2 prompts do not fit 3 clips"): sample(denoiser, states(), clips(3), times(denoiser))


@pytest.mark.parametrize("progress", [False, True])
def test_a_bar_is_shown_if_it_is_asked_for(denoiser, progress, capsys):
    sample(denoiser, states(), clips(), times(denoiser, 3), progress=progress)
    out, err = capsys.readouterr()
    assert out == "" and ("denoising" in err if progress else err == "")
