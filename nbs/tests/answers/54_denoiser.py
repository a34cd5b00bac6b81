"Other answers to the exercises of lesson 54"

# %% 1 right
def mean_level(levels):
    return np.mean(levels.means)

# %% 1 right
def mean_level(levels):
    total = 0
    for mean, _ in zip(levels.means, levels.stds): total += mean
    return torch.tensor(total / len(levels.stds))

# %% 1 wrong: the parts take turns
def mean_level(levels):
    return levels.means[0]

# %% 1 wrong: is the number of parts fixed
def mean_level(levels):
    return sum(levels.means) / 2

# %% 1 wrong: the stds do not matter.
def mean_level(levels):
    return sum(m * s for m, s in zip(levels.means, levels.stds)) / sum(levels.stds)

# %% 1 wrong: divide it by the number
def mean_level(levels):
    return sum(levels.means)

# %% 1 wrong: the middle one of the sorted means
def mean_level(levels):
    return float(np.median(levels.means))

# %% 1 wrong: the middle between the limits
def mean_level(levels):
    return (levels.limits[0] + levels.limits[1]) / 2

# %% 2 right
def flow_weight(schedule, t):
    return (1 + schedule.alpha(t) / schedule.sigma(t)).square()

# %% 2 right
def flow_weight(schedule, t):
    "By a derivative"
    x0 = torch.zeros_like(t, requires_grad=True)
    target = (1 - schedule.alpha(t) * x0) / schedule.sigma(t) - x0
    return torch.autograd.grad(target.sum(), x0)[0] ** 2

# %% 2 wrong: its square
def flow_weight(schedule, t):
    return (schedule.alpha(t) + schedule.sigma(t)) / schedule.sigma(t)

# %% 2 wrong: x0 itself is wrong too
def flow_weight(schedule, t):
    return (schedule.alpha(t) / schedule.sigma(t))**2

# %% 2 wrong: the cosine has another
def flow_weight(schedule, t):
    return 1 / t**2

# %% 2 wrong: do not cancel
def flow_weight(schedule, t):
    return (schedule.alpha(t) / schedule.sigma(t) - 1)**2

# %% 2 wrong: add first, then square
def flow_weight(schedule, t):
    return (schedule.alpha(t) / schedule.sigma(t))**2 + 1

# %% 2 wrong: have changed places
def flow_weight(schedule, t):
    return ((schedule.alpha(t) + schedule.sigma(t)) / schedule.alpha(t))**2

# %% 3 right
def loss_of_the_others(squared, times):
    frames = rearrange(squared, "b c f h w -> (b f) (c h w)") if "rearrange" in globals() else squared.transpose(1, 2).flatten(0, 1).flatten(1)
    return frames[times.flatten() > 0].mean()

# %% 3 right
def loss_of_the_others(squared, times):
    counts = (times > 0)[:, None, :, None, None].expand_as(squared)
    return torch.masked_select(squared, counts).mean()

# %% 3 wrong: still count
def loss_of_the_others(squared, times):
    return squared.mean()

# %% 3 wrong: divided by all frames
def loss_of_the_others(squared, times):
    return (squared.mean((1, 3, 4)) * (times > 0)).mean()

# %% 3 wrong: counts too much
def loss_of_the_others(squared, times):
    return torch.stack([s[:, t > 0].mean() for s, t in zip(squared, times)]).mean()

# %% 3 wrong: divided by frames, but summed
def loss_of_the_others(squared, times):
    counts = times > 0
    return (squared * counts[:, None, :, None, None]).sum() / counts.sum()

# %% 3 wrong: weighed with its time: it counts
def loss_of_the_others(squared, times):
    return (squared.mean((1, 3, 4)) * times).sum() / times.sum()

# %% 3 wrong: the other way round
def loss_of_the_others(squared, times):
    given = times == 0
    return (squared.mean((1, 3, 4)) * given).sum() / given.sum()

# %% 3 wrong: stay a tensor
def loss_of_the_others(squared, times):
    counts = times > 0
    return ((squared.mean((1, 3, 4)) * counts).sum() / counts.sum()).item()

# %% 4 right
def even_weights(errors):
    per_level = [sum(row.tolist()) / len(row) for row in errors]
    return [per_level[0] / one for one in per_level]

# %% 4 right
def even_weights(errors):
    weights = 1 / errors.sum(-1)
    return weights / weights[0]

# %% 4 wrong: divide by the error
def even_weights(errors):
    return errors.mean(1) / errors.mean(1)[0]

# %% 4 wrong: ratio of means
def even_weights(errors):
    return (errors[0] / errors).mean(1)

# %% 4 wrong: the first level should have weight 1
def even_weights(errors):
    return 1 / errors.mean(1)

# %% 4 wrong: sum to 1
def even_weights(errors):
    weights = 1 / errors.mean(1)
    return weights / weights.sum()

# %% 4 wrong: one weight for each of 3 levels
def even_weights(errors):
    return errors[0] / errors

# %% 4 wrong: but not equal
def even_weights(errors):
    return (errors[0].mean() / errors.mean(1)).sqrt()
