"Other answers to the exercises of lesson 31"

# %% 1 right
def my_update(weight, gradient, v):
    new_v = torch.add(gradient, v, alpha=0.9)
    new_weight = weight.clone()
    new_weight -= 0.1 * new_v
    return [new_weight, new_v]

# %% 1 right
my_update = lambda p, g, velocity: (p - 0.1 * (0.9 * velocity + g), 0.9 * velocity + g)

# %% 1 wrong: the gradient alone
def my_update(p, g, velocity):
    return p - 0.1 * g, g

# %% 1 wrong: did you move by the old velocity
def my_update(p, g, velocity):
    return p - 0.1 * velocity, 0.9 * velocity + g

# %% 1 wrong: changes what it is given
def my_update(p, g, velocity):
    velocity *= 0.9
    velocity += g
    p -= 0.1 * velocity
    return p, velocity

# %% 1 wrong: belongs to the weight's step
def my_update(p, g, velocity):
    velocity = 0.9 * velocity + 0.1 * g
    return p - velocity, velocity

# %% 1 wrong: descent goes against
def my_update(p, g, velocity):
    velocity = 0.9 * velocity + g
    return p + 0.1 * velocity, velocity

# %% 1 wrong: the weight comes first
def my_update(p, g, velocity):
    velocity = 0.9 * velocity + g
    return velocity, p - 0.1 * velocity

# %% 1 wrong: the old velocity came back
def my_update(p, g, velocity):
    return p - 0.1 * (0.9 * velocity + g), velocity

# %% 1 wrong: give back two things
def my_update(p, g, velocity):
    return p - 0.1 * (0.9 * velocity + g)

# %% 1 wrong: for any weights
def my_update(p, g, velocity):
    velocity = 0.9 * velocity + g
    return 1 - 0.1 * velocity, velocity

# %% 2 right
def my_average(values, decay):
    average, t = values[0], 0
    while t < len(values):
        keep = (1 + t) / (10 + t)
        if keep > decay: keep = decay
        average += (1 - keep) * (values[t] - average)
        t += 1
    return average

# %% 2 right
def my_average(values, decay):
    kept = torch.tensor([min(decay, (1 + t) / (10 + t)) for t in range(len(values))])
    weights = (1 - kept) * torch.cat([kept.flip(0).cumprod(0).flip(0)[1:], torch.ones(1)])
    return values[0] * kept.prod() + (weights * torch.tensor(values)).sum()

# %% 2 wrong: is your max a min
def my_average(values, decay):
    average = values[0]
    for t, value in enumerate(values):
        d = max(decay, (1 + t) / (10 + t))
        average = d * average + (1 - d) * value
    return average

# %% 2 wrong: does t start at 1
def my_average(values, decay):
    average = values[0]
    for t, value in enumerate(values, 1):
        d = min(decay, (1 + t) / (10 + t))
        average = d * average + (1 - d) * value
    return average

# %% 2 wrong: not at 0
def my_average(values, decay):
    average = 0
    for t, value in enumerate(values):
        d = min(decay, (1 + t) / (10 + t))
        average = d * average + (1 - d) * value
    return average

# %% 2 wrong: the first value makes an update, too
def my_average(values, decay):
    average = values[0]
    for t, value in enumerate(values[1:]):
        d = min(decay, (1 + t) / (10 + t))
        average = d * average + (1 - d) * value
    return average

# %% 2 wrong: where is the warm-up
def my_average(values, decay):
    average = values[0]
    for value in values: average = decay * average + (1 - decay) * value
    return average

# %% 2 wrong: in each other's place
def my_average(values, decay):
    average = values[0]
    for t, value in enumerate(values):
        d = min(decay, (1 + t) / (10 + t))
        average = (1 - d) * average + d * value
    return average

# %% 2 wrong: the plain mean
def my_average(values, decay):
    return sum(values) / len(values)

# %% 2 wrong: add up to 1
def my_average(values, decay):
    return sum(0.1 * v for v in values)

# %% 3 right
def my_directions(g):
    u, s, vh = np.linalg.svd(g.numpy(), full_matrices=False)
    return np.einsum("ij,jk->ik", u, vh)

# %% 3 right
def my_directions(g):
    "Each singular value is divided by itself"
    u, s, v = torch.svd(g)
    return u @ torch.diag(s / s) @ v.T

# %% 3 wrong: U V instead of U V^T
def my_directions(g):
    u, s, vt = torch.linalg.svd(g, full_matrices=False)
    return u @ vt.T

# %% 3 wrong: U alone
def my_directions(g):
    return torch.linalg.svd(g, full_matrices=False)[0]

# %% 3 wrong: newton_schulz, whose
def my_directions(g):
    return newton_schulz(g)

# %% 3 wrong: leave S out
def my_directions(g):
    u, s, vt = torch.linalg.svd(g, full_matrices=False)
    return u @ torch.diag(s) @ vt

# %% 3 wrong: one length for the whole matrix
def my_directions(g):
    return g / g.norm()

# %% 3 wrong: one length for each column
def my_directions(g):
    return g / g.norm(dim=0)

# %% 3 wrong: not (20, 6)
def my_directions(g):
    u, s, vt = torch.linalg.svd(g)
    return u

# %% 3 wrong: not for a wide one
def my_directions(g):
    values, vectors = torch.linalg.eigh(g.T @ g)
    return g @ vectors @ torch.diag(values.clamp(min=1e-6).rsqrt()) @ vectors.T * (1 if len(g) > g.shape[1] else 2)
