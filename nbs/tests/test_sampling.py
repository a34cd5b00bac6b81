"The samplers beside diffusers' schedulers, step by step, in 32 and 64 bits; a world whose denoiser is a formula; grids of times; measuring"
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from denoisers import small_denoiser, states
from matplotlib.figure import Figure
from refusals import sentence
from scipy.integrate import solve_ivp

from t2v_learn.diffusion.noise import SCHEDULES, TARGETS, from_target, make_schedule
from t2v_learn.diffusion.sampling import (SAMPLERS, GaussianMixture, ancestral_sigma, ddim, ddpm, dpmpp_2m, dpmpp_2m_sde,
                                          dpmpp_3m_sde, euler, fewest_calls, find_sampler, grade_clips, heun, karras_times, level_times,
                                          measure_samplers, order_figure, paths_figure, recorded, refresh, sampler_figure,
                                          sampling_times)
from t2v_learn.text.bert import TextStates
from t2v_learn.video.clips import Clip
from t2v_learn.video.world import World, render

diffusers = pytest.importorskip("diffusers")
every_sampler = pytest.mark.parametrize("name", SAMPLERS)
every_schedule = pytest.mark.parametrize("schedule", [pytest.param(make_schedule(name), id=name) for name in SCHEDULES])
TABLE = dict(num_train_timesteps=1000, beta_start=1e-4, beta_end=.02, beta_schedule="linear", clip_sample=False)
THEIR_NAMES = {"noise": "epsilon", "x0": "sample", "v": "v_prediction"}
WITH_NOISE = ("ddpm", "dpmpp_2m_sde", "dpmpp_3m_sde", "refresh")
EXACT = [name for name in SAMPLERS if name != "refresh"]                       # with enough steps
TOLERANCES = {torch.float32: 1e-4, torch.float64: 1e-8}
every_dtype = pytest.mark.parametrize("dtype", [pytest.param(dtype, id=str(dtype)[6:]) for dtype in TOLERANCES])


def made_up(x, t):
    "Stands for a network's output"
    return torch.sin(3 * x) * (.5 + float(t)) + .1 * x


def start(dtype=torch.float32, seed=3):
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def seeded(seed=7): return torch.Generator().manual_seed(seed)


def compare(wanted, sampler, schedule, times, target, **options):
    "Every x of ours beside theirs, against the largest number on the way"
    predict, seen = recorded(lambda x, t: from_target(schedule, x, made_up(x, t), t, target))
    last = sampler(predict, schedule, wanted[0], times, **options)
    assert len(wanted) == len(seen) + 1
    scale = max(1, max(x.abs().max().item() for x in wanted))
    apart = max((a - b).abs().max().item() for a, b in zip([*(x for _, x, _ in seen), last], wanted)) / scale
    assert apart <= TOLERANCES[last.dtype], f"{apart:.1e} apart"


# --- the same trajectory as diffusers

def walk_table(scheduler, dtype, steps, **options):
    "Every x of a scheduler that keeps a table of alpha_bar, which is ours here, and our times"
    scheduler.alphas_cumprod = make_schedule("ddpm").alpha_bar.to(dtype)
    scheduler.set_timesteps(steps)
    times = torch.cat([(scheduler.timesteps.to(dtype) + 1) / 1000, torch.zeros(1, dtype=dtype)])   # index i is our time (i + 1) / 1000
    seen = [start(dtype)]
    for i, t in zip(scheduler.timesteps, times):
        seen.append(scheduler.step(made_up(seen[-1], t), i, seen[-1], **options).prev_sample)
    return seen, times


@every_dtype
@pytest.mark.parametrize("target", THEIR_NAMES)
@pytest.mark.parametrize("steps", [5, 20])
def test_ddpm_is_that_of_diffusers(target, steps, dtype):
    scheduler = diffusers.DDPMScheduler(**TABLE, prediction_type=THEIR_NAMES[target])
    wanted, times = walk_table(scheduler, dtype, steps, generator=seeded())
    compare(wanted, ddpm, make_schedule("ddpm"), times, target, generator=seeded())


@every_dtype
@pytest.mark.parametrize("target", THEIR_NAMES)
@pytest.mark.parametrize("eta", [0., .5, 1.])
def test_ddim_is_that_of_diffusers(target, eta, dtype):
    "Their last step goes to alpha_bar = 1 if they are told so, as ours does"
    scheduler = diffusers.DDIMScheduler(**TABLE, prediction_type=THEIR_NAMES[target], set_alpha_to_one=True)
    wanted, times = walk_table(scheduler, dtype, 20, eta=eta, generator=seeded())
    compare(wanted, ddim, make_schedule("ddpm"), times, target, eta=eta, generator=seeded())


def in_64_bits(monkeypatch, scheduler):
    "Some schedulers round x to float32 at each step: what they call so is float64 now"
    import sys
    module = sys.modules[type(scheduler).__module__]
    monkeypatch.setattr(module, "torch", SimpleNamespace(**vars(torch) | dict(float32=torch.float64)))


def walk_sigmas(scheduler, schedule, times, divided, generator):
    "Every x of a scheduler with a table of sigma / alpha (for the flow: sigma), which is ours here; divided: it counts in x / alpha"
    twice = isinstance(scheduler, diffusers.HeunDiscreteScheduler)
    if twice: times = torch.cat([times[:1], times[1:-1].repeat_interleave(2), times[-1:]])
    scheduler.set_timesteps(len(times) // 2 if twice else len(times) - 1)
    flow = getattr(scheduler.config, "use_flow_sigmas", False)
    scheduler.sigmas = schedule.sigma(times) if flow else schedule.sigma(times) / schedule.alpha(times)
    scheduler.timesteps = torch.arange(len(times) - 1).float()
    scheduler.is_scale_input_called = True                                     # or it warns
    scale = schedule.alpha(times) if divided else torch.ones_like(times)
    seen = [start(times.dtype)]
    for i, t in enumerate(times[:-1]):
        x0, _ = from_target(schedule, seen[-1], made_up(seen[-1], t), t, "x0")
        options = {} if twice else dict(generator=generator)
        seen.append(scheduler.step(x0, scheduler.timesteps[i], seen[-1] / scale[i], **options).prev_sample * scale[i + 1])
    return seen


def theirs(name, schedule_name):
    "The scheduler of diffusers for a sampler, and whether it counts in x / alpha"
    if name == "euler": return diffusers.EulerDiscreteScheduler(prediction_type="sample"), True
    if name == "heun": return diffusers.HeunDiscreteScheduler(prediction_type="sample"), True
    settings = dict(prediction_type="sample", lower_order_final=False, final_sigmas_type="zero", use_flow_sigmas=schedule_name == "flow")
    algorithm = "sde-dpmsolver++" if name.endswith("sde") else "dpmsolver++"
    return diffusers.DPMSolverMultistepScheduler(**settings, algorithm_type=algorithm, solver_order=int(name[6])), False


@every_dtype
@pytest.mark.parametrize("grid", ["log-SNR", "Karras", "shifted"])
@pytest.mark.parametrize("schedule_name", ["cosine", "flow", "ddpm"])
@pytest.mark.parametrize("name", ["euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_3m_sde"])
def test_samplers_are_those_of_diffusers(name, schedule_name, grid, dtype, monkeypatch):
    "At the same noise levels, with the same noise, along the whole way; for 3M SDE with the weight of the curvature that they have"
    schedule = make_schedule(schedule_name)
    if grid == "log-SNR": times = torch.cat([schedule.t_at(torch.linspace(-9, 7, 20, dtype=dtype)), torch.zeros(1, dtype=dtype)])
    else: times = (karras_times(schedule, 12) if grid == "Karras" else sampling_times(12, start=.9)).to(dtype)
    if times[0] == 1: times[0] = (1 + times[1]) / 2                            # x / alpha is infinite in pure noise
    scheduler, divided = theirs(name, schedule_name)
    if dtype == torch.float64: in_64_bits(monkeypatch, scheduler)
    options = dict(like_diffusers=True) if name == "dpmpp_3m_sde" else {}
    wanted = walk_sigmas(scheduler, schedule, times, divided, seeded())
    compare(wanted, SAMPLERS[name], schedule, times, "x0", generator=seeded(), **options)


@pytest.mark.parametrize("sampler", [euler, ddim])
@pytest.mark.parametrize("shift", [1., 3.])
def test_euler_is_the_flow_scheduler_of_diffusers(sampler, shift):
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / 16, 16).tolist())
    times = sampling_times(16, shift)
    torch.testing.assert_close(scheduler.sigmas, times, rtol=0, atol=1e-6)
    seen = [start()]
    for i, t in zip(scheduler.timesteps, times): seen.append(scheduler.step(made_up(seen[-1], t), i, seen[-1]).prev_sample)
    compare(seen, sampler, make_schedule("flow"), times, "flow")


@every_dtype
def test_refresh_is_the_consistency_sampler_of_diffusers(dtype, monkeypatch):
    "Where all noise is new; without its mixing in of x, which matters only for networks distilled so"
    scheduler = diffusers.LCMScheduler(**TABLE, prediction_type="sample", set_alpha_to_one=True)
    monkeypatch.setattr(scheduler, "get_scalings_for_boundary_condition_discrete", lambda timestep: (0, 1))
    scheduler.alphas_cumprod = make_schedule("ddpm").alpha_bar.to(dtype)
    scheduler.set_timesteps(timesteps=[979, 779, 499, 259, 19])
    times = torch.cat([(scheduler.timesteps.to(dtype) + 1) / 1000, torch.zeros(1, dtype=dtype)])
    generator = seeded()
    wanted = [start(dtype)]
    for i, t in zip(scheduler.timesteps, times):
        x0, _ = from_target(make_schedule("ddpm"), wanted[-1], made_up(wanted[-1], t), t, "x0")
        wanted.append(scheduler.step(x0, i, wanted[-1], generator=generator).prev_sample)
    compare(wanted, refresh, make_schedule("ddpm"), times, "x0", generator=seeded(), fresh_above=-float("inf"))


@every_schedule
def test_refresh_is_ddim_until_it_is_new_noise(schedule):
    "Up to the step that ends above the level, the same points; from there the same prediction with noise that knows nothing of x"
    times = schedule.t_at(torch.tensor([-8., -6., -4.5, -3., 0.]).double())
    paths = []
    for sampler, options in ((ddim, {}), (refresh, dict(fresh_above=-4.))):
        predict, seen = recorded(CLOUDS.denoiser(schedule))
        sampler(predict, schedule, points(2000), times, seeded(4), **options)
        paths.append([x for _, x, _ in seen])
    for a, b in zip(paths[0][:3], paths[1][:3]): torch.testing.assert_close(a, b)
    x0, noise = CLOUDS.denoiser(schedule)(paths[1][2], times[2])
    fresh = (paths[1][3] - schedule.alpha(times[3]) * x0) / schedule.sigma(times[3])
    assert abs(fresh.std() - 1) < .05 and abs((fresh * noise).mean()) < .08     # 4.6 standard errors


def test_the_curvature_of_diffusers_has_another_weight():
    "And only it: with four steps the third and the fourth differ; when theirs is mended, this test says so"
    schedule = make_schedule("cosine")
    times = schedule.t_at(torch.linspace(-5, 3, 5))
    scheduler, _ = theirs("dpmpp_3m_sde", "cosine")
    wanted = walk_sigmas(scheduler, schedule, times, False, seeded())
    predict, seen = recorded(lambda x, t: from_target(schedule, x, made_up(x, t), t, "x0"))
    dpmpp_3m_sde(predict, schedule, start(), times, seeded())
    apart = [(a - b).abs().max().item() for (_, a, _), b in zip(seen, wanted)]
    assert max(apart[:3]) < 1e-5 < .01 < apart[3]


# --- what holds between them

@every_schedule
@pytest.mark.parametrize("target", TARGETS)
def test_euler_and_ddim_take_the_same_step(schedule, target):
    "In every schedule: divided by alpha + sigma, both mix the predicted ends"
    predict = lambda x, t: from_target(schedule, x, made_up(x, t), t, target)
    times = torch.linspace(.98, 0, 9)
    a, b = (s(predict, schedule, start(), times) for s in (euler, ddim))
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3 * b.abs().max().item())


CLOUDS = GaussianMixture(torch.tensor([[-1.2, -.8], [1.2, -.8], [0., 1.3]]), .2)


def points(n, dtype=torch.float64): return torch.randn(n, 2, generator=seeded(0), dtype=dtype)


@every_schedule
def test_ddpm_is_ddim_with_eta_1(schedule):
    perfect = CLOUDS.denoiser(schedule)
    a = ddpm(perfect, schedule, points(50), level_times(schedule, 20).double(), seeded(5))
    b = ddim(perfect, schedule, points(50), level_times(schedule, 20).double(), seeded(5), eta=1.)
    torch.testing.assert_close(a, b, rtol=0, atol=1e-4)


@every_schedule
@pytest.mark.parametrize("sampler", [dpmpp_2m_sde, dpmpp_3m_sde])
def test_without_a_memory_the_sde_step_is_ddpms(schedule, sampler):
    perfect = CLOUDS.denoiser(schedule)
    for times in (torch.tensor([.8, .4]).double(), torch.tensor([.6, 0]).double()):
        ours, wanted = (s(perfect, schedule, points(50), times, seeded()) for s in (sampler, ddpm))
        torch.testing.assert_close(ours, wanted)


@every_schedule
@pytest.mark.parametrize("sampler", [heun, dpmpp_2m])
def test_without_a_memory_or_a_second_look_the_step_is_ddims(schedule, sampler):
    perfect = CLOUDS.denoiser(schedule)
    times = torch.tensor([.6, 0]).double()
    torch.testing.assert_close(sampler(perfect, schedule, points(50), times), ddim(perfect, schedule, points(50), times))


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
def test_no_noise_at_the_last_step(name, schedule):
    "The end is the predicted x0 itself, whatever was drawn on the way, from pure noise on"
    x0 = torch.full((1, 4), .5)
    predict = lambda x, t: (x0, (x - schedule.alpha(t) * x0) / schedule.sigma(t))
    for seed in (0, 1):
        last = SAMPLERS[name](predict, schedule, torch.randn(1, 4), torch.tensor([1., .9, .7, .5, 0.]), seeded(seed))
        torch.testing.assert_close(last, x0, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", EXACT)
@every_schedule
def test_samples_of_a_known_world_follow_its_distribution(name, schedule):
    "A third in each cloud, and clouds as wide as they are"
    ends = SAMPLERS[name](CLOUDS.denoiser(schedule), schedule, points(3000), level_times(schedule, 64).double(), seeded(1))
    distance, cloud = torch.cdist(ends, CLOUDS.means.double()).min(1)
    assert abs(cloud.bincount(minlength=3) / 3000 - 1 / 3).max() < .04         # 4.6 standard errors
    assert abs((distance.square().mean() / 2).sqrt() / CLOUDS.std - 1) < .1


@every_sampler
def test_who_draws_random_numbers(name):
    schedule = make_schedule("flow")
    end = lambda seed: SAMPLERS[name](CLOUDS.denoiser(schedule), schedule, points(5), torch.linspace(1, .2, 5).double(), seeded(seed))
    assert torch.equal(end(0), end(0)) and torch.equal(end(0), end(1)) is (name not in WITH_NOISE)


@every_sampler
@every_schedule
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_calls_and_finite_numbers(name, schedule, steps):
    "From pure noise on, Heun asks once in the first and the last step and twice in the others; DDPM's table ends before pure noise"
    predict, seen = recorded(CLOUDS.denoiser(schedule))
    assert SAMPLERS[name](predict, schedule, points(5).float(), level_times(schedule, steps), seeded()).isfinite().all()
    once = 2 if schedule.log_snr(torch.tensor(1.)) <= -20 else 1
    assert len(seen) == (steps + max(0, steps - once) if name == "heun" else steps)


@pytest.mark.parametrize("name", WITH_NOISE)
def test_a_generator_for_each_sample(name):
    "Two samples with two generators are each alone with its own"
    schedule = make_schedule("cosine")
    def end(x, generator): return SAMPLERS[name](CLOUDS.denoiser(schedule), schedule, x, level_times(schedule, 8).double(), generator)
    both = end(points(2), [seeded(1), seeded(2)])
    for i in range(2): torch.testing.assert_close(both[i:i + 1], end(points(2)[i:i + 1], [seeded(1 + i)]))
    assert not torch.allclose(both[1:], end(points(2)[1:], [seeded(1)]))


@pytest.mark.parametrize("sampler, per_step, order", [(ddim, 1, 1), (euler, 1, 1), (heun, 2, 2), (dpmpp_2m, 1, 2)])
def test_order_of_the_method(sampler, per_step, order):
    "Against an exact solution by another program: the error falls as it should"
    schedule = make_schedule("cosine")
    perfect = CLOUDS.denoiser(schedule)
    x = points(8)
    def times(n): return schedule.t_at(torch.linspace(-6, 4, n + 1, dtype=torch.float64))
    def slope(level, flat):
        "dx / dlevel, for x = alpha x0 + sigma noise with alpha^2 = sigmoid(level): derivatives of alpha and sigma by hand"
        t = schedule.t_at(torch.tensor(level).double())
        x0, noise = perfect(torch.from_numpy(flat).reshape(-1, 2), t)
        alpha, sigma = schedule.alpha(t), schedule.sigma(t)
        return (alpha * sigma**2 / 2 * x0 - sigma * alpha**2 / 2 * noise).flatten().numpy()
    exact = solve_ivp(slope, (-6, 4), x.flatten().numpy(), rtol=1e-10, atol=1e-10).y[:, -1].reshape(-1, 2)
    errors = [(sampler(perfect, schedule, x, times(n)).numpy() - exact) for n in (80 // per_step, 160 // per_step)]
    coarse, fine = (np.linalg.norm(error, axis=1).mean() for error in errors)
    assert abs(np.log2(coarse / fine) - order) < .35 and fine < .02


# --- the world in the plane

@pytest.mark.parametrize("t", [.95, .5, .1])
def test_the_formula_is_the_mean_of_what_may_have_become_x(t):
    "Beside a weighted mean over 200,000 points of the world"
    schedule = make_schedule("cosine")
    clean = CLOUDS.sample(200_000, seeded(1)).double()
    x = torch.tensor([[.3, .4], [-1., -.5]]).double()
    t = torch.tensor(t).double()
    weight = torch.softmax(-torch.cdist(x, schedule.alpha(t) * clean).square() / (2 * schedule.sigma(t) ** 2), 1)
    x0, noise = CLOUDS.denoiser(schedule)(x, t)
    torch.testing.assert_close(x0, weight @ clean, rtol=0, atol=.03)
    torch.testing.assert_close(schedule.alpha(t) * x0 + schedule.sigma(t) * noise, x)


def test_recorded_keeps_what_was_asked_and_said():
    predict, seen = recorded(lambda x, t: (x + 1, x - 1))
    ddim(predict, make_schedule("flow"), torch.ones(3), torch.tensor([.5, .25, 0.]))
    assert [t.item() for t, _, _ in seen] == [.5, .25] and all(torch.equal(x0, x + 1) for _, x, x0 in seen)


# --- times

@pytest.mark.parametrize("shift", [.5, 1., 3.])
def test_sampling_times_fall_from_start_to_0(shift):
    times = sampling_times(10, shift)
    assert len(times) == 11 and times[0] == 1 and times[-1] == 0 and (times.diff() < 0).all()
    assert sampling_times(10, shift, start=.5)[0] == times[5]


@every_schedule
def test_level_times_are_equal_steps_of_log_snr(schedule):
    times = level_times(schedule, 10)
    assert len(times) == 11 and times[0] == 1 and times[-1] == 0 and (times.diff() < 0).all()
    noisy = max(-12, schedule.log_snr(torch.tensor(1.)).item())                # DDPM ends at -10
    levels = schedule.log_snr(times[1:-1])
    torch.testing.assert_close(levels.diff(), torch.full((len(levels) - 1,), (8 - noisy) / 10), rtol=0, atol=.02)
    torch.testing.assert_close(schedule.log_snr(level_times(schedule, 4, start=.5)[0]), torch.tensor((8 + noisy) / 2), rtol=0, atol=.01)


@every_schedule
@pytest.mark.parametrize("grid", [level_times, karras_times])
@pytest.mark.parametrize("steps", [1, 2, 20, 1000])
def test_every_grid_falls_and_can_be_walked(grid, schedule, steps):
    times = grid(schedule, steps)
    assert len(times) == steps + 1 and times[0] == 1 and times[-1] == 0 and (times.diff() < 0).all()
    if steps <= 20: assert dpmpp_2m(CLOUDS.denoiser(schedule), schedule, points(3).float(), times).isfinite().all()


def test_karras_times_are_those_of_diffusers():
    schedule = make_schedule("cosine")
    sigmas = torch.tensor([-12., 8.]).mul(-.5).exp()
    wanted = diffusers.EulerDiscreteScheduler()._convert_to_karras(sigmas.numpy(), 10)
    times = karras_times(schedule, 10)[1:-1].double()                          # the first one moved to pure noise
    np.testing.assert_allclose(schedule.sigma(times) / schedule.alpha(times), wanted[1:], rtol=1e-3)


@pytest.mark.parametrize("grid", [sampling_times, lambda *args, **options: level_times(make_schedule("cosine"), *args, **options),
                                  lambda *args, **options: karras_times(make_schedule("cosine"), *args, **options)])
@pytest.mark.parametrize("steps, start, says", [(0, 1, "at least 1 step"), (-3, 1, "at least 1 step"), (10_000, 1, "most 1000, not 10000"),
                                                (2.5, 1, "not 2.5"), (4, 0, "start lies in"), (4, 1.1, "start lies in"),
                                                (4, float("nan"), "start lies in")])
def test_times_that_cannot_be_are_refused(grid, steps, start, says):
    assert says in sentence(grid, steps, start=start)


def test_shapes_of_grids_that_cannot_be_are_refused():
    for shift in (0, -1, float("nan")): assert "shift must be above 0" in sentence(sampling_times, 4, shift=shift)
    for rho in (0, float("nan")): assert "rho must be above 0" in sentence(karras_times, make_schedule("cosine"), 4, rho=rho)


@every_sampler
@pytest.mark.parametrize("times", [[.5], [.2, .5], [.5, .5, 0], [1.5, 0], [.5, -.1], [float("nan"), 0], [.5, float("nan")]])
def test_samplers_refuse_times_that_do_not_fall(name, times):
    assert "must fall" in sentence(SAMPLERS[name], lambda x, t: (x, x), make_schedule("cosine"), torch.ones(2), torch.tensor(times))


@every_sampler
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_samplers_refuse_what_is_no_number(name, bad):
    x = torch.tensor([1., bad])
    assert "NaN or infinity" in sentence(SAMPLERS[name], lambda x, t: (x, x), make_schedule("cosine"), x, torch.tensor([.5, 0.]))


def test_find_sampler_knows_all_and_names_them():
    assert [find_sampler(name) for name in SAMPLERS] == list(SAMPLERS.values()) and len(SAMPLERS) == 8
    said = sentence(find_sampler, "magic")
    assert "'magic'" in said and all(name in said for name in SAMPLERS)


# --- measuring

class Oracle(torch.nn.Module):
    "A denoiser that knows the clip: the encoder's tokens hold its number"
    def __init__(self, videos, right=True):
        super().__init__()
        self.videos, self.right, self.schedule = videos, right, make_schedule("cosine")
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def predict(self, x, t, text):
        x0 = self.videos[text.tokens[:, 0, 0].long()]
        if not self.right: x0 = -x0
        return x0, (x - self.schedule.alpha(t) * x0) / self.schedule.sigma(t)

    def restore(self, x): return x


def numbers(prompts):
    tokens = torch.arange(len(prompts)).reshape(-1, 1, 1).float()
    return TextStates(tokens, torch.ones(len(prompts), 1, dtype=torch.bool), tokens[:, 0])


@pytest.fixture(scope="module")
def scenes():
    "Those that measure_samplers draws for seed 0"
    from t2v_learn.video.world import caption
    chance = np.random.default_rng(0)
    drawn = [World("tiny").sample(chance) for _ in range(5)]
    for scene in drawn: caption(scene, chance)
    return drawn


def videos(scenes): return torch.stack([Clip(render(scene), 8).tensor() for scene in scenes])


def test_measure_samplers_counts_calls_and_grades(scenes):
    grids = ("log-SNR", "Karras", "shifted", "time")
    rows = measure_samplers(Oracle(videos(scenes)), numbers, ("ddim", "heun", "ddpm"), calls=(1, 4), grids=grids, n=5, batch_size=2)
    found = [(row["sampler"], row["grid"], row["calls"]) for row in rows]
    assert found == [(name, grid, calls) for name in ("ddim", "heun", "ddpm") for grid in grids for calls in (1, 4)]
    assert all(row["joint"] == row["n"] == row["readable"] == 5 and row["fidelity"] > 45 for row in rows)
    wrong = measure_samplers(Oracle(videos(scenes), right=False), numbers, ("ddim",), calls=(2,), n=5)
    assert wrong[0]["joint"] == wrong[0]["readable"] == 0 and "fidelity" not in wrong[0]


def test_grades_are_those_of_score_and_fidelity(scenes):
    clips = list(videos(scenes))
    found = grade_clips(clips[:4] + clips[:1], scenes)                         # the last one shows another scene
    assert found["n"] == 5 and found["joint"] == 4 and found["readable"] == 5 and found["fidelity"] > 45
    with pytest.raises(ValueError): grade_clips(clips, scenes[:2])


ROWS = [dict(sampler=name, grid="log-SNR", calls=calls, n=64, joint=joint, readable=joint, fidelity=20. + calls, fidelity_std=2.)
        for name, joints in (("ddim", (0, 50, 63)), ("heun", (0, 20, 64))) for calls, joint in zip((2, 8, 16), joints)]


def test_fewest_calls():
    assert fewest_calls(ROWS) == dict(ddim=16, heun=16) and fewest_calls(ROWS, .75) == dict(ddim=8, heun=16)
    assert fewest_calls(ROWS[:2] + ROWS[3:]) == dict(ddim=None, heun=16)


def labels(figure): return [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes]


def test_figures_name_their_axes():
    figure = sampler_figure(ROWS)
    assert isinstance(figure, Figure) and all(x == "calls of the network" and y for x, y in labels(figure))
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["ddim", "heun"]
    figure = order_figure({"a": ([8, 16, 32], [.4, .1, .025])})
    assert "order 2.0" in figure.axes[0].get_legend().get_texts()[0].get_text() and all(labels(figure)[0])
    path = torch.randn(5, 3, 2)
    figure = paths_figure({"one": path, "two": path}, CLOUDS, exact=path)
    assert [ax.get_title() for ax in figure.axes] == ["one", "two"] and all(labels(figure)[0])


def test_ends_that_are_exchanged_and_grids_that_no_number_holds():
    schedule = make_schedule("cosine")
    for times in (level_times, karras_times): assert "lower log-SNR to a higher one" in sentence(times, schedule, 4, noisy=8., clean=-8.)
    assert "shift" in sentence(sampling_times, 4, shift=float("inf")) and "0.1 at least" in sentence(karras_times, schedule, 4, rho=.01)
    for times in (lambda n: level_times(schedule, n), lambda n: karras_times(schedule, n), sampling_times):
        for steps in (2.0, True, "2"): assert "whole number" in sentence(times, steps)


@pytest.mark.parametrize("kind", [list, tuple])
def test_each_clip_has_a_generator_of_its_own(kind):
    def generators(*seeds): return kind(torch.Generator().manual_seed(seed) for seed in seeds)
    def ask(generator): return ddpm(lambda x, t: (x, x * 0), schedule, x, times, generator)
    schedule, x = make_schedule("cosine"), torch.randn(1, 3, 2, 4, 4).repeat(3, 1, 1, 1, 1)
    times = level_times(schedule, 3)
    different = ask(generators(1, 2, 1))
    assert torch.equal(different[0], different[2]) and not torch.equal(different[0], different[1])
    for seeds in ((1,), (1, 2)): assert f"{len(seeds)} generators do not fit 3 clips" in sentence(ask, generators(*seeds))


def test_noise_of_a_sampler_does_not_repeat_in_the_next_batch(monkeypatch):
    from t2v_learn.diffusion import sampling
    seen = []
    def asks(predict, schedule, x, times, generator): return seen.append(torch.randn(3, generator=generator)) or x
    monkeypatch.setitem(SAMPLERS, "asks", asks)
    def encoder(prompts): return states(len(prompts))
    sampling.measure_samplers(small_denoiser(), encoder, ("asks",), (2,), n=4, batch_size=2)
    assert len(seen) == 2 and not torch.equal(*seen)
