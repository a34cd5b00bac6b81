"The denoiser: levels, configuration, preconditioning, weights of the loss, and that all of it learns"
import dataclasses
import json
from itertools import product

import pytest
import torch
from denoisers import clips, small_denoiser, states, without_gradient

from t2v_learn.core import InputError, shipped_folder
from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig, NoiseLevels, level_errors, level_errors_figure
from t2v_learn.diffusion.noise import SCHEDULES, TARGETS, append_dims, make_schedule, q_sample, to_target
from t2v_learn.training.loop import step_generator

FLOW = dict(schedule="flow", target="flow", weighting="flow", max_weight=None, sigma_data=0)
T = torch.tensor([.1, .3, .6, .9])


def generator(seed=0): return torch.Generator().manual_seed(seed)


# --- noise levels

def test_levels_take_turns_within_their_limits():
    levels = NoiseLevels(means=(-10, 0, 6), stds=(1, 2, .5), limits=(-11, 6.2))
    drawn = levels.sample(3000, generator())
    assert drawn.min() == -11 and drawn.max() == torch.tensor(6.2)
    for i, (mean, tolerance) in enumerate([(-10, .2), (0, .2), (6, .2)]): assert abs(drawn[i::3].mean() - mean) < tolerance
    assert torch.equal(drawn, levels.sample(3000, generator())) and not torch.equal(drawn, levels.sample(3000, generator(1)))


@pytest.mark.parametrize("n", [1, 3, 4, 6])
def test_every_part_gets_its_turn_whatever_the_batch(n):
    levels = NoiseLevels((-5., 0., 5., 7.), (0.,) * 4)
    drawn = [levels.sample(n, generator(seed)).tolist() for seed in range(40)]
    assert {level for batch in drawn for level in batch} == {-5, 0, 5, 7}
    assert all(max(map(batch.count, batch)) <= -(-n // 4) for batch in drawn)


@pytest.mark.parametrize("wrong", [dict(means=(), stds=()), dict(means=(0, 1), stds=(1,)), dict(means=(0,), stds=(-1,))])
def test_levels_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="as many stds as means"): NoiseLevels(**wrong)


# --- configuration

def test_a_config_comes_back_from_json():
    for config in (DenoiserConfig(), DenoiserConfig(p_uncond=.3, levels=NoiseLevels((1,), (2,)), **FLOW)):
        again = DenoiserConfig.from_dict(json.loads(json.dumps(config.to_dict())))
        assert again == config and again.unet.widths == config.unet.widths


def test_the_shipped_config_is_the_default():
    config = json.loads((shipped_folder("tiny") / "config.json").read_text(encoding="utf-8"))
    assert DenoiserConfig.from_dict(config["denoiser"]) == DenoiserConfig()


@pytest.mark.parametrize("wrong, message", [
    (dict(target="score"), "choose one of: noise, x0, v, flow"), (dict(target="v"), "set sigma_data to 0"),
    (dict(weighting="uneven"), "choose one of: even, noise"), (dict(p_uncond=2), "between 0 and 1"),
    (dict(first_share=-.1), "between 0 and 1")])
def test_settings_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(InputError, match=message): DenoiserConfig(**wrong)


@pytest.mark.parametrize("change", [
    lambda d: d.pop("unet"), lambda d: d.update(size=3), lambda d: d["levels"].update(mean=1), lambda d: d.update(unet=3)])
def test_json_that_is_no_config_is_refused(change):
    settings = DenoiserConfig().to_dict()
    change(settings)
    with pytest.raises(InputError, match="no settings of a denoiser"): DenoiserConfig.from_dict(settings)


def test_motion_comes_first():
    config = DenoiserConfig(first_share=.2)
    assert config.levels_at(0) == config.levels_at(.19) == config.first_levels
    assert config.levels_at(.2) == config.levels_at(1.) == config.levels


# --- what an output means

@pytest.mark.parametrize("schedule, target", [*product(SCHEDULES, TARGETS)])
def test_the_predicted_parts_sum_to_the_input_and_a_right_output_gives_them_back(schedule, target):
    denoiser = Denoiser(DenoiserConfig(schedule=schedule, target=target, sigma_data=0))
    x0, noise = clips(4), clips(4, seed=2)
    x_t = q_sample(denoiser.schedule, x0, T, noise)
    found = denoiser.precondition(x_t, to_target(denoiser.schedule, x0, noise, T, target), T)
    for a, b in zip(found, (x0, noise)): torch.testing.assert_close(a, b, rtol=0, atol=2e-3)
    anything = denoiser.precondition(x_t, clips(4, seed=3), T)
    torch.testing.assert_close(q_sample(denoiser.schedule, anything[0], T, anything[1]), x_t, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_preconditioning_is_that_of_karras(schedule):
    "c_skip and c_out of EDM, table 1, for x0 + sigma noise; our c_out is theirs over sigma_data, which the output takes on"
    denoiser = Denoiser(DenoiserConfig(schedule=schedule, sigma_data=.3))
    x_t, output = clips(4), clips(4, seed=2)
    alpha, sigma = (append_dims(f(T), x_t) for f in (denoiser.schedule.alpha, denoiser.schedule.sigma))
    sigma = sigma / alpha
    c_skip = .3**2 / (sigma**2 + .3**2)
    c_out = sigma * .3 / (sigma**2 + .3**2).sqrt()
    x0, noise = denoiser.precondition(x_t, output, T)
    torch.testing.assert_close(x0, c_skip * x_t / alpha + c_out * output / .3, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(q_sample(denoiser.schedule, x0, T, noise), x_t, rtol=1e-4, atol=1e-4)


def test_without_noise_the_input_is_the_prediction_and_in_pure_noise_the_output():
    denoiser = Denoiser()
    x, output = clips(), clips(seed=2)
    torch.testing.assert_close(denoiser.precondition(x, output, torch.zeros(2))[0], x)
    torch.testing.assert_close(denoiser.precondition(x, output, torch.ones(2))[0], output)


def test_the_network_sees_log_snr_within_its_limits():
    denoiser = small_denoiser()
    seen = []
    denoiser.unet.register_forward_pre_hook(lambda module, args: seen.append(args[1]))
    for t in (torch.zeros(2), torch.ones(2), torch.tensor(.5)): denoiser(clips(), t, states())
    assert seen[0].tolist() == [8, 8] and seen[1].tolist() == [-15, -15]
    torch.testing.assert_close(seen[2], torch.zeros(2), rtol=0, atol=1e-5)


# --- units

def test_clips_are_normalised_once_and_restored():
    "Clips in [-1, 1] that are normalised again were a bug of public code: without a measurement nothing happens to them"
    denoiser = small_denoiser()
    video = clips() * .3 - .9
    assert torch.equal(denoiser.normalize(video), video)
    denoiser.fit_data(video)
    assert abs(denoiser.normalize(video).mean()) < 1e-5 and abs(denoiser.normalize(video).std() - 1) < 1e-4
    torch.testing.assert_close(denoiser.restore(denoiser.normalize(video)), video)
    denoiser.fit_data(torch.ones(1, 3, 2, 4, 4))
    assert torch.isfinite(denoiser.normalize(video)).all()                     # clips without any variance


def test_captions_are_measured_without_their_padding():
    denoiser = small_denoiser()
    text = states(b=20, n=9)
    junk = dataclasses.replace(text, tokens=text.tokens.masked_fill(~text.mask[..., None], 1e3))
    conditioner = denoiser.unet.text_conditioner
    for measured in (text, junk):
        denoiser.fit_text(measured)
        tokens = (text.tokens[text.mask] - conditioner.token_mean) @ conditioner.token_whitening
        assert tokens.mean(0).abs().max() < 1e-4 and (tokens.var(0).mean() - 1).abs() < .02
        pooled = (text.pooled - conditioner.pooled_mean) @ conditioner.pooled_whitening
        assert pooled.mean(0).abs().max() < 1e-4 and torch.isfinite(pooled).all()


# --- the loss

@pytest.mark.parametrize("schedule, weighting", [*product(SCHEDULES, TARGETS)])
def test_weights_are_the_squared_error_of_the_named_target(schedule, weighting):
    "With x_t given, an error in x0 is an error in every target: the weight is its square"
    denoiser = Denoiser(DenoiserConfig(schedule=schedule, weighting=weighting, max_weight=None))
    process = denoiser.schedule
    x0, noise = (clips(4, seed=seed).double() for seed in (1, 2))
    t = T.double()
    x_t = q_sample(process, x0, t, noise)
    wrong = x0 + .1
    wrong_noise = (x_t - append_dims(process.alpha(t), x0) * wrong) / append_dims(process.sigma(t), x0)
    error = to_target(process, wrong, wrong_noise, t, weighting) - to_target(process, x0, noise, t, weighting)
    torch.testing.assert_close(denoiser.weight(t, x0).expand_as(x0) * .1**2, error**2, rtol=1e-6, atol=1e-9)


def test_weights_are_even_over_what_is_left_and_limited():
    denoiser = Denoiser()
    t = denoiser.schedule.t_at(torch.tensor([-15., -8., -4., 8.]))
    weight = denoiser.weight(t, t[:, None])[:, 0]
    torch.testing.assert_close(weight, torch.tensor([1.03, 2., 8.39, 40.]), rtol=.01, atol=0)      # 1 + exp(log-SNR / 2 + 4), at most 40


def test_the_loss_at_the_start_is_known():
    "The last layer is zero: for the target flow the loss is the mean square of noise - x0, 1 + 1"
    loss = small_denoiser(random=False, **FLOW, p_given=0).loss(clips(64), states(64), generator())
    assert abs(loss.item() - 2) < .05


def test_the_loss_depends_on_its_generator_alone():
    denoiser = small_denoiser()
    loss = lambda seed, progress=1.: denoiser.loss(clips(), states(), generator(seed), progress).item()
    torch.manual_seed(1)
    first = loss(0)
    torch.manual_seed(2)
    assert loss(0) == first != loss(1)
    assert loss(0, .05) != first and loss(0, .05) == loss(0, .09)


def test_captions_are_taken_away_as_often_as_the_config_says():
    denoiser = small_denoiser(p_uncond=.25)
    masks = []
    denoiser.unet.register_forward_pre_hook(lambda module, args: masks.append(args[3]))
    with torch.no_grad():
        for seed in range(10): denoiser.loss(clips(40, f=1, side=8), states(40), generator(seed))
    assert abs(torch.cat(masks).float().mean() - .75) < .06


@pytest.mark.parametrize("settings", [{}, FLOW])
def test_every_parameter_gets_a_gradient_the_null_embedding_included(settings):
    denoiser = small_denoiser(p_uncond=.5, **settings)
    denoiser.loss(clips(8), states(8), generator()).backward()
    assert without_gradient(denoiser) == []
    denoiser.config.p_uncond = 0.
    denoiser.zero_grad()
    denoiser.loss(clips(8), states(8), generator()).backward()
    assert without_gradient(denoiser) == ["unet.text_conditioner.null_token", "unet.text_conditioner.null_pooled"]


@pytest.mark.parametrize("autocast", [False, True])
def test_gradient_checkpointing_gives_the_same_gradients_and_keeps_less(autocast):
    from t2v_learn.diffusion.unet3d import UNetStage
    denoiser = small_denoiser()
    found = []
    for on in (False, True):
        for module in denoiser.modules():
            if isinstance(module, UNetStage): module.grad_checkpoint = on
        denoiser.zero_grad()
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, kept=kept: kept.append(t.numel()) or t, lambda t: t):
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast): loss = denoiser.loss(clips(4), states(4), generator())
        loss.backward()
        found.append((loss.item(), [p.grad.clone() for p in denoiser.parameters()], sum(kept)))
    (loss, gradients, kept), (loss_again, gradients_again, kept_again) = found
    assert loss == loss_again and all(torch.equal(a, b) for a, b in zip(gradients, gradients_again)) and kept_again < kept / 2
    with torch.no_grad(): assert denoiser.loss(clips(4), states(4), generator()).item() == pytest.approx(loss, rel=1e-2)


def test_the_loss_of_a_batch_is_the_mean_over_its_shards():
    "Noise levels, noise and the captions that are taken away belong to a clip, whichever process it is computed in"
    denoiser = small_denoiser(p_uncond=.5)
    video = clips(6)
    text = states(6)
    def part(k, n):
        rows = dataclasses.replace(text, tokens=text.tokens[k::n], mask=text.mask[k::n], pooled=text.pooled[k::n])
        return denoiser.loss(video[k::n], rows, step_generator(0, 0, shard=(k, n))).item()
    for n in (2, 3, 6): assert sum(part(k, n) for k in range(n)) / n == pytest.approx(part(0, 1), rel=1e-5)
    assert part(0, 1) == denoiser.loss(video, text, step_generator(0, 0)).item()


def test_another_prompt_is_another_prediction():
    denoiser = small_denoiser()
    with torch.no_grad(): one, two = (denoiser.predict(clips(), torch.tensor(.8), states(seed=seed))[0] for seed in (0, 5))
    assert (one - two).abs().amax((1, 3, 4)).min() > 1e-3


@pytest.mark.parametrize("settings", [{}, FLOW])
def test_it_overfits_one_batch(settings):
    "With the same clips and the same noise in each step"
    denoiser = small_denoiser(random=False, **settings)
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=4e-3)
    losses = []
    for _ in range(80):
        optimizer.zero_grad()
        loss = denoiser.loss(clips(4, side=8), states(4), generator())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < .3 * losses[0], losses[::20]


def test_it_learns_to_tell_prompts_apart():
    "Two clips, two captions, pure noise: only the caption can say which clip it is"
    denoiser = small_denoiser(random=False, schedule="flow", sigma_data=0, p_uncond=0.)
    text = states()
    video = clips(side=8)
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=4e-3)
    for step in range(80):
        optimizer.zero_grad()
        x0, _ = denoiser.predict(clips(side=8, seed=step), torch.tensor(1.), text)
        (x0 - video).square().mean().backward()
        optimizer.step()
    with torch.no_grad(): x0, _ = denoiser.predict(clips(side=8, seed=999), torch.tensor(1.), text)
    apart = (x0[:, None] - video[None]).square().mean((2, 3, 4, 5))            # prediction, clip
    assert (apart.diag() < .8 * apart.flip(1).diag()).all(), apart


def test_schedules_have_their_own_denoiser():
    for name in SCHEDULES: assert type(Denoiser(DenoiserConfig(schedule=name)).schedule) is type(make_schedule(name))
    with pytest.raises(InputError, match="choose one of: flow, cosine, ddpm"): Denoiser(DenoiserConfig(schedule="linear"))


# --- a time for each frame

def test_given_frames_come_out_as_they_went_in():
    "Time 0 for a frame: it is clean in x_t, and the prediction hands it through, whatever the network says"
    denoiser = small_denoiser()
    x0, noise = clips(), clips(seed=2)
    times = torch.tensor([[0., 0., .6, .6], [.6, 0., .6, 0.]])
    x_t = q_sample(denoiser.schedule, x0, times, noise)
    predicted, left = denoiser.predict(x_t, times, states())
    for row, frames in enumerate(([0, 1], [1, 3])):
        torch.testing.assert_close(x_t[row, :, frames], x0[row, :, frames])
        torch.testing.assert_close(predicted[row, :, frames], x0[row, :, frames])
    torch.testing.assert_close(q_sample(denoiser.schedule, predicted, times, left), x_t, rtol=1e-3, atol=1e-3)


def test_one_time_for_all_frames_is_the_time_of_the_clip():
    denoiser = small_denoiser()
    with torch.no_grad():
        per_clip = denoiser.predict(clips(), T[:2], states())
        per_frame = denoiser.predict(clips(), T[:2, None].expand(-1, 4), states())
    for a, b in zip(per_clip, per_frame): torch.testing.assert_close(a, b)


def test_the_network_sees_the_level_of_each_frame():
    denoiser = small_denoiser()
    times = torch.full((2, 4), .5)
    changed = times.clone()
    changed[:, 0] = .2
    with torch.no_grad(): assert not torch.allclose(denoiser(clips(), times, states()), denoiser(clips(), changed, states()), atol=1e-3)


def test_given_frames_are_drawn_as_often_as_the_config_says_and_never_all():
    from t2v_learn.diffusion.denoiser import _draw_given
    given = _draw_given(4000, 8, .4, generator())
    some = given.any(1)
    assert abs(some.float().mean() - .4) < .04 and not given.all(1).any()
    first = torch.arange(8) < given.sum(1, keepdim=True)
    assert .4 < (given == first).all(1)[some].float().mean() < .65    # half of them begin the clip, some of the others by chance
    assert given[some][:, -1].float().mean() > .25
    assert not _draw_given(100, 8, 0., generator()).any()


def test_given_frames_have_time_zero_in_training_and_do_not_count():
    denoiser = small_denoiser(p_given=1.)
    seen = []
    denoiser.unet.register_forward_pre_hook(lambda module, args: seen.append(args))
    with torch.no_grad(): denoiser.loss(clips(6), states(6), generator())
    x_t, level = seen[0][:2]
    given = level == denoiser.config.levels.limits[1]                                      # b f: the clean end of what the network is told
    assert level.shape == (6, 4) and given.any()
    for row, frame in given.nonzero().tolist(): torch.testing.assert_close(x_t[row, :, frame], clips(6)[row, :, frame])


# --- errors by level

LEVELS = torch.tensor([-6., 0., 6.])


def test_the_error_of_doing_nothing_is_known():
    "The last layer is zero, so c_skip x_t is left: (1 - alpha c_skip)^2 of the clip and (sigma c_skip)^2 of the noise"
    denoiser = small_denoiser(random=False)
    found = level_errors(denoiser, clips(8), states(8), LEVELS)["all"]
    t = denoiser.schedule.t_at(LEVELS)
    c_skip = denoiser.precondition(torch.ones(3, 1), torch.zeros(3, 1), t)[0][:, 0]
    expected = (1 - denoiser.schedule.alpha(t) * c_skip)**2 + (denoiser.schedule.sigma(t) * c_skip)**2
    assert found.shape == (3, 8)
    torch.testing.assert_close(found.mean(1), expected, rtol=.05, atol=1e-4)


def test_errors_by_level_are_those_of_the_formula():
    denoiser = small_denoiser().eval().requires_grad_(False)
    video = clips(3)
    text = states(3)
    found = level_errors(denoiser, video, text, torch.tensor([-2.0]), seed=5)["all"][0]
    schedule = denoiser.schedule
    sigma2 = torch.tensor(2.0).sigmoid().item()             # variance of the noise at this log-SNR
    for i in range(3):
        noise = torch.randn(3, 4, 16, 16, generator=torch.Generator().manual_seed(5 + i))
        x_t = (1 - sigma2) ** .5 * video[i] + sigma2 ** .5 * noise
        one = type(text)(text.tokens[i:i + 1], text.mask[i:i + 1], text.pooled[i:i + 1])
        x0, _ = denoiser.predict(x_t[None], schedule.t_at(torch.tensor([-2.0])), one)
        assert float(found[i]) == pytest.approx(float((x0[0] - video[i]).square().mean()), rel=.02)


def test_errors_of_parts_make_up_the_whole_and_depend_on_the_seed():
    denoiser = small_denoiser()
    video, text = clips(3), states(3)
    left = torch.zeros(3, 4, 16, 16, dtype=torch.bool)
    left[..., :4] = True
    found = level_errors(denoiser, video, text, LEVELS, dict(left=left, right=~left))
    assert list(found) == ["all", "left", "right"]
    torch.testing.assert_close(found["left"] / 4 + 3 * found["right"] / 4, found["all"])
    again = level_errors(denoiser, video, text, LEVELS)["all"]
    assert torch.equal(found["all"], again) and not torch.equal(level_errors(denoiser, video, text, LEVELS, seed=1)["all"], again)


def test_the_figure_of_errors_has_bars_and_names():
    figure = level_errors_figure(LEVELS, dict(all=torch.rand(3, 5), edges=torch.rand(3, 5)))
    ax, = figure.axes
    assert ax.get_yscale() == "log" and "log-SNR" in ax.get_xlabel() and [text.get_text()
            for text in ax.get_legend().get_texts()] == ["all", "edges"]
    assert len(ax.containers) == 2
    figure.canvas.draw()


@pytest.mark.parametrize("limits", [(8, -15), (3, 3), (1,), (1, 2, 3)])
def test_limits_of_noise_go_upwards(limits):
    with pytest.raises(InputError, match="a lower log-SNR and a higher one"): NoiseLevels(limits=limits)


@pytest.mark.parametrize("weight", [0, -3, float("nan")])
def test_an_error_counts_for_something(weight):
    with pytest.raises(InputError, match="max_weight must be above 0"): DenoiserConfig(max_weight=weight)


def test_one_number_does_not_vary():
    denoiser = small_denoiser()
    denoiser.fit_data(torch.full((1, 1, 1, 1, 1), .5))
    assert denoiser.data_std.isfinite() and denoiser.normalize(torch.full((1, 3, 1, 8, 8), .5)).isfinite().all()
