# %% 1 right
def renderer_score(error, n_words):
    score = 1.0
    for _ in range(n_words): score *= 1 - error
    return score

# %% 1 right
def renderer_score(error, n_words):
    return np.exp(n_words * np.log1p(-error))

# %% 1 wrong: errors may fall on the same clip
def renderer_score(error, n_words):
    return 1 - n_words * error

# %% 1 wrong: not *all* are wrong
def renderer_score(error, n_words):
    return 1 - error ** n_words

# %% 1 wrong: a clip is right if all its words are
def renderer_score(error, n_words):
    return 1 - error

# %% 1 wrong: the accuracy is the rest
def renderer_score(error, n_words):
    return 1 - (1 - error) ** n_words

# %% 2 right
def mixer(prompts, seed):
    def named(prompt, names): return [name for name in names if f" {name}" in f" {prompt}"][0]
    table = {combination: split for split in SPLITS for combination in World("tiny").combinations(split)}
    clips = []
    for prompt, s in zip(prompts, seed):
        kind = tuple(named(prompt, names) for names in (WORLDS["tiny"].shapes, WORLDS["tiny"].colors, WORLDS["tiny"].motions))
        clips.append(render(World("tiny").sample(np.random.default_rng(s), table[kind], kind)))
    return clips

# %% 2 right
def mixer(prompts, seed):
    return NoisyRenderer(0.0)(prompts, seed)

# %% 2 wrong: a look-up of whole captions
def mixer(prompts, seed):
    return NearestCaption("tiny", 400)(prompts, seed)

# %% 2 wrong: motion is right in
def mixer(prompts, seed):
    clips = []
    for prompt, one in zip(prompts, seed):
        words = prompt.replace(",", " ").split()
        rng = np.random.default_rng(one)
        pick = [c for split in SPLITS for c in World("tiny").combinations(split) if c[0] in words and c[1] in words]
        read = pick[rng.integers(len(pick))]
        split = next(split for split in SPLITS if read in World("tiny").combinations(split))
        clips.append(Clip(render(World("tiny").sample(rng, split, read))))
    return clips

# %% 2 wrong: no shape and no colour is right
def mixer(prompts, seed):
    return [np.zeros((8, 32, 32, 3), np.uint8) for _ in prompts]

# %% 2 wrong: let the seed choose the place
def mixer(prompts, seed):
    return NoisyRenderer(0.0)(prompts, [0] * len(prompts))

# %% 2 wrong: 24 prompts want 24 clips
def mixer(prompts, seed):
    return NoisyRenderer(0.0)(prompts[:1], seed[:1])

# %% 3 right
def least_favourable(n):
    from math import comb
    for k in range(n // 2 + 1, n + 1):
        if 2 * sum(comb(n, j) for j in range(k, n + 1)) / 2**n < .05: return k

# %% 3 right
def least_favourable(n):
    from scipy import stats
    k = int(stats.binom.isf(.025, n, .5)) + 1
    while k > 0 and 2 * stats.binom.sf(k - 2, n, .5) < .05: k -= 1
    return k if k <= n and 2 * stats.binom.sf(k - 1, n, .5) < .05 else None

# %% 3 wrong: that is a one-sided test
def least_favourable(n):
    from math import comb
    return next((k for k in range((n + 1) // 2, n + 1) if sum(comb(n, j) for j in range(k, n + 1)) / 2**n < .05), None)

# %% 3 wrong: more than half is no evidence yet
def least_favourable(n):
    return n // 2 + 1

# %% 3 wrong: five of five happen
def least_favourable(n):
    from math import comb
    return next((k for k in range((n + 1) // 2, n + 1) if 2 * sum(comb(n, j) for j in range(k, n + 1)) / 2**n < .07), None)

# %% 3 wrong: all of them is too many to ask
def least_favourable(n):
    return n if n > 5 else None

# %% 3 wrong: one beside it
def least_favourable(n):
    from math import comb
    for k in range((n + 1) // 2, n + 1):
        if 2 * sum(comb(n, j) for j in range(k, n + 1)) / 2**n < .05: return k - 1
