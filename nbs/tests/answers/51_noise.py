"Other answers to the exercises of lesson 51"

# %% 1 right
def my_q_sample(schedule, x0, t, noise):
    clips = []
    for clip, time, eps in zip(x0, t, noise): clips.append(clip * schedule.alpha(time) + eps * schedule.sigma(time))
    return torch.stack(clips)

# %% 1 right
def my_q_sample(schedule, x0, t, noise):
    shape = (len(t),) + (1,) * (x0.ndim - 1)
    return torch.einsum("b, b c f h w -> b c f h w".replace(" ", ""), schedule.alpha(t), x0) + schedule.sigma(t).view(shape) * noise

# %% 1 wrong: swapped
def my_q_sample(schedule, x0, t, noise):
    return q_sample(schedule, noise, t, x0)

# %% 1 wrong: each clip get its own time
def my_q_sample(schedule, x0, t, noise):
    return schedule.alpha(t[1]) * x0 + schedule.sigma(t[1]) * noise

# %% 1 wrong: half clip, half noise
def my_q_sample(schedule, x0, t, noise):
    return q_sample(schedule, x0, t ** 2, noise)

# %% 1 wrong: no root is taken
def my_q_sample(schedule, x0, t, noise):
    alpha, sigma = append_dims(schedule.alpha(t), x0), append_dims(schedule.sigma(t), x0)
    return alpha.sqrt() * x0 + sigma.sqrt() * noise

# %% 1 wrong: does not become weaker
def my_q_sample(schedule, x0, t, noise):
    return x0 + append_dims(schedule.sigma(t), x0) * noise

# %% 1 wrong: not for the cosine
def my_q_sample(schedule, x0, t, noise):
    t = t[:, None, None, None, None]
    return (1 - t) * x0 + t * noise

# %% 1 wrong: the shape became
def my_q_sample(schedule, x0, t, noise):
    return x0[0] * schedule.alpha(t[0])

# %% 2 right
def unreadable_at(n_frames, one_frame=-4.0):
    level = one_frame - np.log(n_frames)
    return float(np.arctan(np.exp(-level / 2)) * 2 / np.pi)

# %% 2 right
def unreadable_at(n_frames, one_frame=-4.0):
    return make_schedule("cosine").t_at(one_frame - torch.tensor(float(n_frames)).log())

# %% 2 wrong: not of the cosine
def unreadable_at(n, one=-4.):
    return RectifiedFlow().t_at(torch.tensor(one - math.log(n))).item()

# %% 2 wrong: is the sign right
def unreadable_at(n, one=-4.):
    return Cosine().t_at(torch.tensor(one + math.log(n))).item()

# %% 2 wrong: not that to base 10
def unreadable_at(n, one=-4.):
    return Cosine().t_at(torch.tensor(one - math.log10(n))).item()

# %% 2 wrong: not that to base 2
def unreadable_at(n, one=-4.):
    return Cosine().t_at(torch.tensor(one - math.log2(n))).item()

# %% 2 wrong: the logarithm is missing
def unreadable_at(n, one=-4.):
    return Cosine().t_at(torch.tensor(one - n)).item()

# %% 2 wrong: that is the level itself
def unreadable_at(n, one=-4.):
    return one - math.log(n)

# %% 2 wrong: any level
def unreadable_at(n, one=-4.):
    return Cosine().t_at(torch.tensor(-4 - math.log(n))).item()

# %% 3 right
def x0_from_v(schedule, x_t, v, t):
    a, s = (append_dims(part, x_t) for part in (schedule.alpha(t), schedule.sigma(t)))
    noise = (s * x_t + a * v) / (a * a + s * s)
    return torch.where(a > 0.5, (x_t - s * noise) / a, (a * noise - v) / s)

# %% 3 right
def x0_from_v(schedule, x_t, v, t):
    "Two equations for each clip, solved"
    found = []
    for x, u, a, s in zip(x_t, v, schedule.alpha(t), schedule.sigma(t)):
        matrix = torch.stack([torch.stack([a, s]), torch.stack([-s, a])])
        found.append(torch.linalg.solve(matrix, torch.stack([x.flatten(), u.flatten()]))[0].reshape(x.shape))
    return torch.stack(found)

# %% 3 wrong: divide by what stands before x0: alpha² + sigma²
def x0_from_v(s, x_t, v, t):
    return append_dims(s.alpha(t), v) * x_t - append_dims(s.sigma(t), v) * v

# %% 3 wrong: is it alpha * x_t
def x0_from_v(s, x_t, v, t):
    return append_dims(s.alpha(t), v) * x_t + append_dims(s.sigma(t), v) * v

# %% 3 wrong: that is the noise
def x0_from_v(s, x_t, v, t):
    return append_dims(s.sigma(t), v) * x_t + append_dims(s.alpha(t), v) * v

# %% 3 wrong: not by its root
def x0_from_v(s, x_t, v, t):
    a, b = append_dims(s.alpha(t), v), append_dims(s.sigma(t), v)
    return (a * x_t - b * v) / (a**2 + b**2).sqrt()

# %% 3 wrong: the shape became
def x0_from_v(s, x_t, v, t):
    return (append_dims(s.alpha(t), v) * x_t - append_dims(s.sigma(t), v) * v)[0]

# %% 3 wrong: changes what it is given
def x0_from_v(s, x_t, v, t):
    a, b = append_dims(s.alpha(t), v), append_dims(s.sigma(t), v)
    x_t *= a
    return (x_t - b * v) / (a**2 + b**2)

# %% 4 right
def given_times(t, n_frames, given):
    keep = torch.ones(n_frames)
    for frame in given: keep[frame] = 0
    return torch.outer(t, keep)

# %% 4 right
def given_times(t, n_frames, given):
    clean = {frame % n_frames for frame in given}
    return [[0.0 if frame in clean else time.item() for frame in range(n_frames)] for time in t]

# %% 4 wrong: the last frame
def given_times(t, n, given):
    return [[0.0 if frame in given else time.item() for frame in range(n)] for time in t]

# %% 4 wrong: have changed
def given_times(t, n, given):
    times = t[:, None].expand(2, n)
    times.zero_()
    return times

# %% 4 wrong: share their memory
def given_times(t, n, given):
    times = t.clone()[:, None].expand(-1, n)
    times[:, 0] = 0
    return times

# %% 4 wrong: of their own clip
def given_times(t, n, given):
    times = torch.ones(2, n)
    times[:, given] = 0
    return times

# %% 4 wrong: the other way round
def given_times(t, n, given):
    times = torch.zeros(2, n)
    times[:, given] = t[:, None]
    return times

# %% 4 wrong: nothing is given
def given_times(t, n, given):
    return t[:, None].repeat(1, n)

# %% 4 wrong: not (8, 2)
def given_times(t, n, given):
    times = t[None].repeat(n, 1)
    times[given] = 0
    return times

# %% 4 wrong: of which number 2 is given
def given_times(t, n, given):
    times = t[:, None].repeat(1, n)
    times[:, :2] = 0
    times[:, -1] = 0
    return times
