# %% 1 right
def my_wilson(k, n):
    z2 = 1.959964 ** 2
    root = (z2 * (4 * n * (k / n) * (1 - k / n) + z2)) ** .5
    return [(2 * k + z2 - root) / (2 * (n + z2)), (2 * k + z2 + root) / (2 * (n + z2))]

# %% 1 right
def my_wilson(k, n):
    z = 1.96
    a, b, c = 1 + z * z / n, -(2 * k / n + z * z / n), (k / n) ** 2     # where (p - k/n)^2 = z^2 p (1 - p) / n
    return np.sort(np.roots([a, b, c]).real)

# %% 1 wrong: that is the plain interval
def my_wilson(k, n):
    p = k / n
    half = 1.96 * sqrt(p * (1 - p) / n)
    return p - half, p + half

# %% 1 wrong: divide all of it by
def my_wilson(k, n):
    p, z = k / n, 1.96
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p + z**2 / (2 * n) - half, p + z**2 / (2 * n) + half

# %% 1 wrong: belongs under the root
def my_wilson(k, n):
    p, z = k / n, 1.96
    half = z * sqrt(p * (1 - p) / n)
    return (p + z**2 / (2 * n) - half) / (1 + z**2 / n), (p + z**2 / (2 * n) + half) / (1 + z**2 / n)

# %% 1 wrong: z is 1.96
def my_wilson(k, n):
    p, z = k / n, 1.645
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (p + z**2 / (2 * n) - half) / (1 + z**2 / n), (p + z**2 / (2 * n) + half) / (1 + z**2 / n)

# %% 1 wrong: the lower end comes first
def my_wilson(k, n):
    p, z = k / n, 1.96
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (p + z**2 / (2 * n) + half) / (1 + z**2 / n), (p + z**2 / (2 * n) - half) / (1 + z**2 / n)

# %% 1 wrong: what is under the root
def my_wilson(k, n):
    p, z = k / n, 1.96
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2))
    return (p + z**2 / (2 * n) - half) / (1 + z**2 / n), (p + z**2 / (2 * n) + half) / (1 + z**2 / n)

# %% 2 right
def clips_needed(p, half_width):
    return next(n for n in range(1, 10**6) if wilson(round(p * n), n)[1] - wilson(round(p * n), n)[0] <= 2 * half_width)

# %% 2 right
def clips_needed(p, half_width):
    low, high = 1, 10**6
    while high - low > 1:                                # bisection
        n = (low + high) // 2
        a, b = wilson(int(p * n + .5), n)
        low, high = (n, high) if (b - a) / 2 > half_width else (low, n)
    return high

# %% 2 wrong: a quarter of what it takes
def clips_needed(p, half_width):
    n = 1
    while wilson(round(p * n), n)[1] - wilson(round(p * n), n)[0] > 4 * half_width: n += 1
    return n

# %% 2 wrong: four times what it takes
def clips_needed(p, half_width):
    n = 1
    while wilson(round(p * n), n)[1] - wilson(round(p * n), n)[0] > half_width: n += 1
    return n

# %% 2 wrong: the plain formula says so
def clips_needed(p, half_width):
    return 1.96**2 * p * (1 - p) / half_width**2

# %% 2 wrong: a 95 % interval has 1.96
def clips_needed(p, half_width):
    return max(1, p * (1 - p) / half_width**2)

# %% 3 right
def blind(prompts, seed):
    clips = []
    for s in seed:
        generator = np.random.default_rng(s)
        clips.append(render(World("tiny").sample(generator)))
    return clips

# %% 3 right
def blind(prompts, seed):
    world = World("tiny")
    return np.stack([render(world.sample(np.random.default_rng([7, s]))) for s in seed])

# %% 3 wrong: it draws one scene for all seeds
def blind(prompts, seed):
    return [render(World("tiny").sample(np.random.default_rng(0))) for _ in prompts]

# %% 3 wrong: give other clips the second time
def blind(prompts, seed):
    return [render(World("tiny").sample(np.random.default_rng())) for _ in seed]

# %% 3 wrong: it is not blind
def blind(prompts, seed):
    return [render(World("tiny").sample(np.random.default_rng(s + len(p)))) for p, s in zip(prompts, seed)]

# %% 3 wrong: show no scene
def blind(prompts, seed):
    return [np.random.default_rng(s).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8) for s in seed]

# %% 3 wrong: 144 prompts want 144 clips
def blind(prompts, seed):
    return [render(World("tiny").sample(np.random.default_rng(seed[0])))]

# %% 4 right
def my_bootstrap(groups, generator):
    n = len(groups)
    means = sorted(np.mean([groups[i].mean() for i in generator.integers(0, n, n)]) for _ in range(2000))
    return means[50], means[-51]

# %% 4 right
def my_bootstrap(groups, generator):
    means = torch.tensor([float(np.mean(g)) for g in groups])
    rows = torch.from_numpy(generator.integers(len(means), size=(2000, len(means))))
    return torch.quantile(means[rows].mean(1), torch.tensor([.025, .975])).tolist()

# %% 4 wrong: clips were drawn anew
def my_bootstrap(groups, generator):
    clips = np.concatenate(groups)
    drawn = generator.choice(clips, (2000, len(clips)))
    return np.percentile(drawn.mean(1), [2.5, 97.5])

# %% 4 wrong: are groups drawn *with* replacement
def my_bootstrap(groups, generator):
    means = np.array([np.mean(group) for group in groups])
    drawn = [generator.permutation(means).mean().round(6) for _ in range(2000)]
    return np.percentile(drawn, [2.5, 97.5])

# %% 4 wrong: there are 90 %, not 95 %
def my_bootstrap(groups, generator):
    means = np.array([np.mean(group) for group in groups])
    return np.percentile(generator.choice(means, (2000, len(means))).mean(1), [5, 95])

# %% 4 wrong: the scatter of single combinations
def my_bootstrap(groups, generator):
    means = np.array([np.mean(group) for group in groups])
    return np.percentile(generator.choice(means, 2000), [2.5, 97.5])

# %% 4 wrong: another generator gives exactly the same
def my_bootstrap(groups, generator):
    means = np.array([np.mean(group) for group in groups])
    drawn = np.random.default_rng(0).choice(means, (2000, len(means)))
    return np.percentile(drawn.mean(1), [2.5, 97.5])
