# %% 1 right
def frechet_1d(a, b):
    s, t = np.std(a, ddof=1), np.std(b, ddof=1)
    return (np.mean(a) - np.mean(b))**2 + s**2 + t**2 - 2 * s * t

# %% 1 right
def frechet_1d(a, b):
    m, n = sum(a) / len(a), sum(b) / len(b)
    s = (sum((x - m)**2 for x in a) / len(a)) ** .5
    t = (sum((x - n)**2 for x in b) / len(b)) ** .5
    return (m - n)**2 + (s - t)**2

# %% 1 wrong: the *squared* distance is meant
def frechet_1d(a, b):
    return ((a.mean() - b.mean())**2 + (a.std() - b.std())**2) ** .5

# %% 1 wrong: standard deviations, not variances
def frechet_1d(a, b):
    return (a.mean() - b.mean())**2 + (a.var() - b.var())**2

# %% 1 wrong: the spreads differ, too
def frechet_1d(a, b):
    return (a.mean() - b.mean())**2

# %% 1 wrong: has a third term
def frechet_1d(a, b):
    return (a.mean() - b.mean())**2 + a.var() + b.var()

# %% 1 wrong: should return one number
def frechet_1d(a, b):
    return (a[:3000] - b[:3000])**2

# %% 2 right
def fool(clips):
    return torch.cat([clips[-1:], clips[:-1]])

# %% 2 right
def fool(clips):
    order = [(i + len(clips) // 2) % len(clips) for i in range(len(clips))]
    return clips.numpy()[order]

# %% 2 wrong: each right for its own prompt
def fool(clips):
    return clips

# %% 2 wrong: the Fréchet distance noticed
def fool(clips):
    return torch.randn_like(clips).clamp(-1, 1)

# %% 2 wrong: features of motion notice
def fool(clips):
    return clips.flip(2)

# %% 2 wrong: still show what their prompt asks for
def fool(clips):
    out = clips.clone()
    out[:10] = clips[:10].roll(1, 0)
    return out

# %% 2 wrong: the clips that were passed in have changed
def fool(clips):
    clips[:] = clips.roll(1, 0)
    return clips

# %% 3 right
def smallest_m(level):
    return next(m for m in range(1, 301) if sum(precision_recall(some[:300], some[300:], m)) / 2 >= level)

# %% 3 right
def smallest_m(level):
    tried = np.array([np.mean(precision_recall(some[:300], some[300:], m)) for m in range(1, 16)])
    return int(np.argmax(tried >= level)) + 1

# %% 3 wrong: still below 0.8; one more
def smallest_m(level):
    m = 1
    while np.mean(precision_recall(some[:300], some[300:], m)) < level: m += 1
    return m - 1

# %% 3 wrong: is m counted up once too often
def smallest_m(level):
    m = 0
    while True:
        m += 1
        if np.mean(precision_recall(some[:300], some[300:], m)) >= level: return m + 1

# %% 3 wrong: for every level
def smallest_m(level):
    return 3

# %% 3 wrong: take the mean of both
def smallest_m(level):
    m = 1
    while np.mean(precision_recall(some[:300], some[300:], m)) < level: m += 2
    return m
