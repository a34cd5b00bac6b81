"The noise lesson against diffusers, which was written by others, and at the edges that a lesson passes by"
import subprocess
import sys

import pytest
import torch

from t2v_learn.diffusion.noise import (DDPM, LOG_SNR_LIMIT, SCHEDULES, TARGETS, Cosine, RectifiedFlow, append_dims, from_target,
                                       make_schedule, q_sample, to_target)
from t2v_learn.core import InputError

diffusers = pytest.importorskip("diffusers")
every_schedule = pytest.mark.parametrize("name", SCHEDULES)
every_target = pytest.mark.parametrize("target", TARGETS)


@pytest.fixture
def pair():
    "Clips and noise, b c f h w"
    return torch.randn(2, 5, 3, 4, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("n_steps, start, end", [(1000, 1e-4, .02), (10, 1e-3, .2), (250, .001, .012)])
def test_ddpm_is_the_table_of_diffusers(pair, n_steps, start, end):
    theirs = diffusers.DDPMScheduler(n_steps, beta_start=start, beta_end=end, beta_schedule="linear")
    ours, t = DDPM(n_steps, start, end), torch.arange(1, n_steps + 1) / n_steps
    torch.testing.assert_close(ours.beta.float(), theirs.betas)
    torch.testing.assert_close(ours.alpha_bar.float(), theirs.alphas_cumprod, rtol=1e-4, atol=1e-8)
    torch.testing.assert_close(ours.alpha(t) ** 2, theirs.alphas_cumprod, rtol=1e-4, atol=1e-8)
    torch.testing.assert_close(ours.sigma(t) ** 2, 1 - theirs.alphas_cumprod, rtol=1e-4, atol=1e-6)
    assert torch.equal(ours.index(t), torch.arange(n_steps))


def test_q_sample_is_add_noise_of_diffusers(pair):
    theirs, (x0, noise) = diffusers.DDPMScheduler(1000, beta_schedule="linear"), pair
    for index in torch.arange(1000).split(5):
        ours = q_sample(DDPM(), x0, (index + 1) / 1000, noise)
        torch.testing.assert_close(ours, theirs.add_noise(x0, noise, index), rtol=1e-4, atol=1e-5)


def test_flow_is_scale_noise_of_diffusers(pair):
    theirs, (x0, noise) = diffusers.FlowMatchEulerDiscreteScheduler(1000), pair
    times = theirs.timesteps[[0, 100, 500, 900, 999]]
    ours = q_sample(RectifiedFlow(), x0, times / 1000, noise)
    torch.testing.assert_close(ours, theirs.scale_noise(x0, times, noise), rtol=1e-5, atol=1e-6)


def test_v_is_get_velocity_of_diffusers(pair):
    theirs, (x0, noise), index = diffusers.DDPMScheduler(1000), pair, torch.tensor([0, 10, 400, 800, 999])
    ours = to_target(DDPM(), x0, noise, (index + 1) / 1000, "v")
    torch.testing.assert_close(ours, theirs.get_velocity(x0, noise, index), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("target, their_name", [("noise", "epsilon"), ("x0", "sample"), ("v", "v_prediction")])
def test_from_target_is_the_estimate_inside_diffusers(pair, target, their_name):
    theirs = diffusers.DDPMScheduler(1000, prediction_type=their_name, clip_sample=False)
    x_t, prediction = pair
    for index in (1, 10, 400, 800, 999):
        t = torch.full((5,), (index + 1) / 1000)
        estimate = theirs.step(prediction, index, x_t, generator=torch.Generator().manual_seed(0)).pred_original_sample
        torch.testing.assert_close(from_target(DDPM(), x_t, prediction, t, target)[0], estimate, rtol=2e-4, atol=2e-4)


@every_schedule
@every_target
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_there_and_back(pair, name, target, dtype):
    schedule, (x0, noise), t = make_schedule(name), pair.to(dtype), torch.tensor([.03, .2, .5, .8, .97], dtype=dtype)
    right = to_target(schedule, x0, noise, t, target)
    found_x0, found_noise = from_target(schedule, q_sample(schedule, x0, t, noise), right, t, target)
    assert found_x0.dtype == found_noise.dtype == dtype
    tolerance = dict(rtol=0, atol=1e-3 if dtype == torch.float32 else 1e-9)
    torch.testing.assert_close(found_x0, x0, **tolerance)
    torch.testing.assert_close(found_noise, noise, **tolerance)


@every_schedule
@every_target
def test_the_ends_are_finite_and_right_where_they_can_be(pair, name, target):
    "At t = 0 x_t is the clip, at t = 1 the noise; the other one is told by v and flow, and by noise and x0 not at all"
    schedule, (x0, noise) = make_schedule(name), pair
    for end, known in ((0., 0), (1., 1)):
        t = torch.full((5,), end)
        right = to_target(schedule, x0, noise, t, target)
        found = from_target(schedule, q_sample(schedule, x0, t, noise), right, t, target)
        assert all(torch.isfinite(x).all() for x in found)
        torch.testing.assert_close(found[known], pair[known], rtol=0, atol=1e-5)
        untold = (target, end) in (("noise", 1.), ("x0", 0.)) and not (name == "ddpm" and end == 1)   # DDPM ends before pure noise
        torch.testing.assert_close(found[1 - known], 0 * x0 if untold else pair[1 - known], rtol=0, atol=2e-3)


@every_schedule
def test_log_snr_falls_and_t_at_is_its_inverse(name):
    schedule, t = make_schedule(name), torch.linspace(0, 1, 10_001)
    levels = schedule.log_snr(t)
    assert torch.isfinite(levels).all() and (levels.diff() <= 0).all() and levels.abs().max() <= LOG_SNR_LIMIT
    wanted = torch.linspace(-9.5, 12, 500)
    found = schedule.t_at(wanted)
    assert ((found >= 0) & (found <= 1)).all()
    torch.testing.assert_close(schedule.log_snr(found), wanted, rtol=0, atol=5e-3)
    assert schedule.t_at(torch.tensor([[3., -3.], [0., 1.]])).shape == (2, 2)


def test_levels_beyond_the_table_are_its_ends():
    assert DDPM().t_at(torch.tensor([-15., -50.])).tolist() == [1, 1]
    assert DDPM().t_at(torch.tensor(60.)) < 1e-6


def test_the_cosine_ends_in_pure_noise():
    one = torch.ones(1)
    assert Cosine().alpha(one) == 0 and Cosine().sigma(one) == 1 and Cosine().log_snr(one) == -LOG_SNR_LIMIT


def test_each_clip_gets_its_own_time(pair):
    x0, noise = pair
    for name, schedule in SCHEDULES.items():
        t = torch.linspace(0, 1, 5)
        together = q_sample(schedule(), x0, t, noise)
        apart = torch.cat([q_sample(schedule(), x0[i:i + 1], t[i:i + 1], noise[i:i + 1]) for i in range(5)])
        torch.testing.assert_close(together, apart, msg=name)


def test_each_frame_gets_its_own_time(pair):
    "Times `b f`: every frame as in a clip that has its time everywhere, there and back; at t = 0 it is given"
    x0, noise = pair                                       # b c f h w, 4 frames
    t = torch.rand(5, 4, generator=torch.Generator().manual_seed(1))
    t[:, 1] = 0
    assert append_dims(t, x0).shape == (5, 1, 4, 1, 1)
    for name in SCHEDULES:
        schedule = make_schedule(name)
        together = q_sample(schedule, x0, t, noise)
        for i in range(4): torch.testing.assert_close(together[:, :, i], q_sample(schedule, x0, t[:, i], noise)[:, :, i])
        assert torch.equal(together[:, :, 1], x0[:, :, 1])
        found, _ = from_target(schedule, together, to_target(schedule, x0, noise, t, "v"), t, "v")
        torch.testing.assert_close(found, x0, rtol=0, atol=1e-3)


def test_the_schedule_of_the_course_is_the_cosine():
    assert isinstance(make_schedule(), Cosine)


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="choose one of: flow, cosine, ddpm"): make_schedule("linear")
    with pytest.raises(InputError, match="choose one of: noise, x0, v, flow"):
        from_target(RectifiedFlow(), torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1), "epsilon")


def test_importing_it_is_light():
    heavy = "{'matplotlib', 'ipywidgets', 'transformers', 'sklearn', 'diffusers'}"
    code = f"import sys, t2v_learn.diffusion.noise; print(*{heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
