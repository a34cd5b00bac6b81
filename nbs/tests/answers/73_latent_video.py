# %% 1 right
def clean_from(x_t, velocity, t):
    noise = x_t + (1 - t) * velocity
    return noise - velocity

# %% 1 right
def clean_from(x_t, velocity, t):
    return torch.tensor([x - t * v for x, v in zip(x_t.tolist(), velocity.tolist())])

# %% 1 wrong: that is the other end
def clean_from(x_t, velocity, t):
    return x_t + (1 - t) * velocity

# %% 1 wrong: go against it
def clean_from(x_t, velocity, t):
    return x_t + t * velocity

# %% 1 wrong: leads beyond the clip
def clean_from(x_t, velocity, t):
    return x_t - velocity

# %% 1 wrong: how far is it to the clip
def clean_from(x_t, velocity, t):
    return x_t - (1 - t) * velocity

# %% 1 wrong: works on the caller's own tensor
def clean_from(x_t, velocity, t):
    x_t -= t * velocity
    return x_t

# %% 2 right
def places_of(frames, rows, columns):
    pixels = np.zeros((16, 64, 64), bool)
    pixels[frames[0]:frames[1] + 1, rows[0]:rows[1] + 1, columns[0]:columns[1] + 1] = True
    blocks = pixels.reshape(4, 4, 8, 8, 8, 8).any((1, 3, 5))
    return set(map(tuple, np.argwhere(blocks)))

# %% 2 right
def places_of(frames, rows, columns):
    found = set()
    for t in range(frames[0], frames[1] + 1):
        for y in range(rows[0], rows[1] + 1):
            for x in range(columns[0], columns[1] + 1): found.add((t // 4, y // 8, x // 8))
    return sorted(found)

# %% 2 wrong: `last` is included
def places_of(frames, rows, columns):
    (a, b), (c, d), (e, f) = frames, rows, columns
    return {(t, y, x) for t in range(a // 4, b // 4) for y in range(c // 8, d // 8) for x in range(e // 8, f // 8)}

# %% 2 wrong: a place that is touched at its edge counts
def places_of(frames, rows, columns):
    (a, b), (c, d), (e, f) = frames, rows, columns
    return {(t, y, x) for t in range(a // 4, max(a // 4 + 1, b // 4)) for y in range(c // 8, max(c // 8 + 1, d // 8)) for x in range(e // 8, max(e // 8 + 1, f // 8))}

# %% 2 wrong: is outside
def places_of(frames, rows, columns):
    (a, b), (c, d), (e, f) = frames, rows, columns
    return {(t, y, x) for t in range(a, b + 1) for y in range(c, d + 1) for x in range(e, f + 1)}

# %% 2 wrong: the first pixel's place counts
def places_of(frames, rows, columns):
    (a, b), (c, d), (e, f) = frames, rows, columns
    def up(n, k): return -(-n // k)
    return {(t, y, x) for t in range(up(a, 4), b // 4 + 1) for y in range(up(c, 8), d // 8 + 1) for x in range(up(e, 8), f // 8 + 1)}

# %% 2 wrong: does not touch (0, 0, 1)
def places_of(frames, rows, columns):
    (a, b), (c, d), (e, f) = frames, rows, columns
    return {(t, y, x) for t in range(a // 4, min(3, b // 4 + 1) + 1) for y in range(c // 8, min(7, d // 8 + 1) + 1) for x in range(e // 8, min(7, f // 8 + 1) + 1)}

# %% 3 right
def logit_normal(n, mean, std, generator):
    return 1 / (1 + torch.exp(-torch.normal(mean, std, (n,), generator=generator)))

# %% 3 right
def logit_normal(n, mean, std, generator):
    z = torch.randn(n, generator=generator, dtype=torch.float64).numpy()
    e = np.exp(mean + std * z)
    return e / (1 + e)

# %% 3 wrong: what is the inverse of the logit
def logit_normal(n, mean, std, generator):
    return mean + std * torch.randn(n, generator=generator)

# %% 3 wrong: not a variance
def logit_normal(n, mean, std, generator):
    return torch.sigmoid(mean + std**.5 * torch.randn(n, generator=generator))

# %% 3 wrong: the same generator gives other times
def logit_normal(n, mean, std, generator):
    return torch.sigmoid(mean + std * torch.randn(n))

# %% 3 wrong: t is measured from the other end
def logit_normal(n, mean, std, generator):
    return 1 - torch.sigmoid(mean + std * torch.randn(n, generator=generator))

# %% 3 wrong: uniform times
def logit_normal(n, mean, std, generator):
    return torch.sigmoid(mean + std * torch.rand(n, generator=generator))

# %% 3 wrong: first spread, then shift
def logit_normal(n, mean, std, generator):
    return torch.sigmoid((mean + torch.randn(n, generator=generator)) * std)
