"Other answers to the exercises of lesson 55"

# %% 1 right
def network_calls(name, steps):
    calls = 0
    for step in range(steps):
        calls += 1
        if name == "heun" and 0 < step < steps - 1: calls += 1
    return calls

# %% 1 right
network_calls = lambda name, steps: max(steps, 2 * steps - 2) if name == "heun" else steps

# %% 1 wrong: asks twice a step, but not
def network_calls(name, steps):
    return 2 * steps if name == "heun" else steps

# %% 1 wrong: first step asks once, too
def network_calls(name, steps):
    return 2 * steps - 1 if name == "heun" else steps

# %% 1 wrong: looks a second time
def network_calls(name, steps):
    return steps

# %% 1 wrong: the first and the last at once
def network_calls(name, steps):
    return 2 * steps - 2 if name == "heun" else steps

# %% 1 wrong: this one asks once a step
def network_calls(name, steps):
    return max(steps, 2 * steps - 2) if name in ("heun", "dpmpp_2m") else steps

# %% 2 right
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    lambda_t, lambda_s = torch.log(alpha / sigma), torch.log(alpha_next / sigma_next)
    return sigma_next / sigma * x - alpha_next * torch.expm1(-(lambda_s - lambda_t)) * x0

# %% 2 right
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    "exp(-h) is a ratio of ratios"
    shrunk = (alpha / sigma) / (alpha_next / sigma_next)
    return (sigma_next / sigma * x + alpha_next * (1 - shrunk) * x0).numpy()

# %% 2 wrong: its sign is turned
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    h = (alpha / sigma).log() - (alpha_next / sigma_next).log()
    return sigma_next / sigma * x + alpha_next * (1 - torch.exp(-h)) * x0

# %% 2 wrong: half of the log-SNR
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    h = 2 * (alpha_next / sigma_next).log() - 2 * (alpha / sigma).log()
    return sigma_next / sigma * x + alpha_next * (1 - torch.exp(-h)) * x0

# %% 2 wrong: not by alpha_next / alpha
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    h = (alpha_next / sigma_next).log() - (alpha / sigma).log()
    return alpha_next / alpha * x + alpha_next * (1 - torch.exp(-h)) * x0

# %% 2 wrong: alpha of the *next* time
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    h = (alpha_next / sigma_next).log() - (alpha / sigma).log()
    return sigma_next / sigma * x + alpha * (1 - torch.exp(-h)) * x0

# %% 2 wrong: upside down
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    h = (alpha_next / sigma_next).log() - (alpha / sigma).log()
    return sigma / sigma_next * x + alpha_next * (1 - torch.exp(-h)) * x0

# %% 2 wrong: not exp(-h) - 1
def exact_step(x, x0, alpha, sigma, alpha_next, sigma_next):
    h = (alpha_next / sigma_next).log() - (alpha / sigma).log()
    return sigma_next / sigma * x + alpha_next * torch.expm1(-h) * x0

# %% 3 right
def adams(predict, schedule, x, times):
    ratio = schedule.sigma(times) / schedule.alpha(times)
    d = ratio.diff()
    y = x / schedule.alpha(times[0])
    noises = []
    for i in range(len(d)):
        noises.append(predict(y * schedule.alpha(times[i]), times[i])[1])
        if i == 0: y = y + d[0] * noises[0]
        else: y = y + d[i] * ((1 + d[i] / (2 * d[i - 1])) * noises[i] - d[i] / (2 * d[i - 1]) * noises[i - 1])
    return y * schedule.alpha(times[-1])

# %% 3 right
def adams(predict, schedule, x, times):
    last_noise, last_d = None, None
    for k in range(len(times) - 1):
        a, a_next = schedule.alpha(times[k]), schedule.alpha(times[k + 1])
        n1 = predict(x, times[k])[1]
        d = schedule.sigma(times[k + 1]) / a_next - schedule.sigma(times[k]) / a
        if last_noise is None: last_noise, last_d = n1, d
        x = a_next * x / a + a_next * d * (n1 + d / 2 / last_d * (n1 - last_noise))
        last_noise, last_d = n1, d
    return x

# %% 3 wrong: exactly as far off as Euler
from t2v_learn.diffusion.sampling import ddim as adams

# %% 3 wrong: the sign of the correction
def adams(predict, schedule, x, times):
    before = None
    for t, t_next in zip(times, times[1:]):
        _, noise = predict(x, t)
        d = schedule.sigma(t_next) / schedule.alpha(t_next) - schedule.sigma(t) / schedule.alpha(t)
        direction = noise - (d / (2 * before[1]) * (noise - before[0]) if before else 0)
        x = schedule.alpha(t_next) * (x / schedule.alpha(t) + d * direction)
        before = noise, d
    return x

# %% 3 wrong: d_before that of the step before
def adams(predict, schedule, x, times):
    before = None
    for t, t_next in zip(times, times[1:]):
        _, noise = predict(x, t)
        d = schedule.sigma(t_next) / schedule.alpha(t_next) - schedule.sigma(t) / schedule.alpha(t)
        direction = noise + (1 / 4 * (noise - before) if before is not None else 0)
        x = schedule.alpha(t_next) * (x / schedule.alpha(t) + d * direction)
        before = noise
    return x

# %% 3 wrong: calls for 100 steps
def adams(predict, schedule, x, times):
    before = None
    for t, t_next in zip(times, times[1:]):
        _, noise = predict(x, t)
        d = schedule.sigma(t_next) / schedule.alpha(t_next) - schedule.sigma(t) / schedule.alpha(t)
        direction = noise
        if before is not None:
            t_before, x_before, d_before = before
            direction = noise + d / (2 * d_before) * (noise - predict(x_before, t_before)[1])
        before = t, x, d
        x = schedule.alpha(t_next) * (x / schedule.alpha(t) + d * direction)
    return x

# %% 3 wrong: multiplies all of it
def adams(predict, schedule, x, times):
    before = None
    for t, t_next in zip(times, times[1:]):
        _, noise = predict(x, t)
        d = schedule.sigma(t_next) / schedule.alpha(t_next) - schedule.sigma(t) / schedule.alpha(t)
        direction = noise + (d / (2 * before[1]) * (noise - before[0]) if before else 0)
        x = schedule.alpha(t_next) * x / schedule.alpha(t) + d * direction
        before = noise, d
    return x

# %% 4 right
def my_sampler(predict, schedule, x):
    "Multistep in x0 over h, with times of its own"
    times = [1.0] + [schedule.t_at(torch.tensor(level)).item() for level in (-9, -7, -5.3, -3.8, -2.3, -0.8, 0.8, 2.6, 5)] + [0.0]
    memory = []
    for t, s in zip(times[:-1], times[1:]):
        t, s = torch.tensor(t, dtype=x.dtype), torch.tensor(s, dtype=x.dtype)
        x0 = predict(x, t)[0]
        level, level_next = schedule.log_snr(t) / 2, schedule.log_snr(s) / 2
        step = level_next - level
        D = x0
        if memory and s > 0:
            r = (level - memory[-1][1]) / step
            D = (1 + 1 / (2 * r)) * x0 - memory[-1][0] / (2 * r)
        x = schedule.sigma(s) / schedule.sigma(t) * x - schedule.alpha(s) * torch.expm1(-step) * D
        memory.append((x0, level))
    return x

# %% 4 right
def my_sampler(predict, schedule, x):
    "The line through two predictions, 9 calls"
    levels = torch.linspace(-10, 8, 9)
    times = torch.cat([torch.ones(1), schedule.t_at(levels[1:-1]), torch.zeros(1)])
    old = None
    for i in range(len(times) - 1):
        x0, noise = predict(x, times[i])
        better = x0
        if old is not None and i < len(times) - 2: better = x0 + (x0 - old) / 2
        noise = (x - schedule.alpha(times[i]) * better) / schedule.sigma(times[i])
        x, old = schedule.alpha(times[i + 1]) * better + schedule.sigma(times[i + 1]) * noise, x0
    return x

# %% 4 wrong: about as far as DDIM
def my_sampler(predict, schedule, x):
    times = level_times(schedule, 10)
    for t, t_next in zip(times, times[1:]):
        x0, noise = predict(x, t)
        x = schedule.alpha(t_next) * x0 + schedule.sigma(t_next) * noise
    return x

# %% 4 wrong: at most 10 are allowed
def my_sampler(predict, schedule, x):
    times = level_times(schedule, 40)
    for t, t_next in zip(times, times[1:]):
        x0, noise = predict(x, t)
        x = schedule.alpha(t_next) * x0 + schedule.sigma(t_next) * noise
    return x

# %% 4 wrong: a sampler of the lesson takes these steps
def my_sampler(predict, schedule, x):
    return dpmpp_2m(predict, schedule, x, level_times(schedule, 10))

# %% 4 wrong: the sign of what you correct
def my_sampler(predict, schedule, x):
    times, before = level_times(schedule, 10), None
    for t, t_next in zip(times, times[1:]):
        x0, noise = predict(x, t)
        guess = x0 if before is None else x0 - (x0 - before) / 2
        noise = (x - schedule.alpha(t) * guess) / schedule.sigma(t)
        x, before = schedule.alpha(t_next) * guess + schedule.sigma(t_next) * noise, x0
    return x

# %% 4 wrong: the samples are no numbers
def my_sampler(predict, schedule, x):
    times = level_times(schedule, 10)
    y = x / schedule.alpha(times[0])
    for t, t_next in zip(times, times[1:]):
        x0, noise = predict(schedule.alpha(t) * y, t)
        y = y + (schedule.sigma(t_next) / schedule.alpha(t_next) - schedule.sigma(t) / schedule.alpha(t)) * noise
    return y

# %% 4 wrong: 10 are allowed
def my_sampler(predict, schedule, x):
    times = level_times(schedule, 7)
    for t, t_next in zip(times, times[1:]):
        x0, noise = predict(x, t)
        x = schedule.alpha(t_next) * x0 + schedule.sigma(t_next) * noise
    return x

# %% 4 wrong: the network was asked at time 0
def my_sampler(predict, schedule, x):
    for t in level_times(schedule, 9):
        x0, noise = predict(x, t)
        x = schedule.alpha(t) * x0 + schedule.sigma(t) * noise
    return x

# %% 4 wrong: samples of the shape
def my_sampler(predict, schedule, x):
    times = level_times(schedule, 10)
    states = [x]
    for t, t_next in zip(times, times[1:]):
        x0, noise = predict(states[-1], t)
        states.append(schedule.alpha(t_next) * x0 + schedule.sigma(t_next) * noise)
    return torch.stack(states)
