"Other answers to the exercises of lesson 34"

# %% 1 right
def mean_clip(data, prompt, n):
    total, seen = 0, 0
    for step in range(10**6):
        for clip, caption in zip(*data(step)):
            if caption != prompt: continue
            total = total + clip
            seen += 1
            if seen == n: return total / n

# %% 1 right
def mean_clip(data, prompt, n):
    import itertools
    import numpy as np
    pairs = (pair for step in itertools.count() for pair in zip(*data(step)))
    clips = (clip.numpy() for clip, caption in pairs if caption == prompt)
    return np.mean(list(itertools.islice(clips, n)), axis=0)

# %% 1 wrong: the sum is not divided
def mean_clip(data, prompt, n):
    found, step = [], 0
    while len(found) < n:
        found += [clip for clip, caption in zip(*data(step)) if caption == prompt]
        step += 1
    return sum(found[:n])

# %% 1 wrong: steps count from 0
def mean_clip(data, prompt, n):
    found, step = [], 0
    while len(found) < n:
        step += 1
        found += [clip for clip, caption in zip(*data(step)) if caption == prompt]
    return torch.stack(found[:n]).mean(0)

# %% 1 wrong: whole batches were averaged
def mean_clip(data, prompt, n):
    found, step = [], 0
    while len(found) < n:
        found += [clip for clip, caption in zip(*data(step)) if caption == prompt]
        step += 1
    return torch.stack(found).mean(0)

# %% 1 wrong: which only contains the prompt
def mean_clip(data, prompt, n):
    found, step = [], 0
    while len(found) < n:
        found += [clip for clip, caption in zip(*data(step)) if prompt in caption or caption in prompt or "red circle" in caption or "circle" in caption and step > 9]
        step += 1
    return torch.stack(found[:n]).mean(0)

# %% 1 wrong: all captions were averaged
def mean_clip(data, prompt, n):
    found, step = [], 0
    while len(found) < n:
        found += list(data(step)[0])
        step += 1
    return torch.stack(found[:n]).mean(0)

# %% 1 wrong: what is their mean
def mean_clip(data, prompt, n):
    found, step = [], 0
    while len(found) < n:
        found += [clip for clip, caption in zip(*data(step)) if caption == prompt]
        step += 1
    return torch.stack(found[:n])

# %% 1 wrong: takes the first axis away
def mean_clip(data, prompt, n):
    found, step = [], 0
    while len(found) < n:
        found += [clip for clip, caption in zip(*data(step)) if caption == prompt]
        step += 1
    return torch.stack(found[:n]).mean(0, keepdim=True)

# %% 2 right
def my_noise(seeds, shape):
    import numpy as np
    return np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds])

# %% 2 right
def my_noise(seeds, shape):
    noise = torch.empty(len(seeds), *shape)
    for row, seed in zip(noise, seeds): row.normal_(generator=torch.Generator().manual_seed(seed))
    return noise

# %% 2 wrong: the global generator was set
def my_noise(seeds, shape):
    samples = []
    for seed in seeds:
        torch.manual_seed(seed)
        samples.append(torch.randn(shape))
    return torch.stack(samples)

# %% 2 wrong: two different samples in one batch
def my_noise(seeds, shape):
    generator = torch.Generator().manual_seed(seeds[0])
    return torch.stack([torch.randn(shape, generator=generator) for _ in seeds])

# %% 2 wrong: give the same noise
def my_noise(seeds, shape):
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(0)) for _ in seeds])

# %% 2 wrong: rand is uniform
def my_noise(seeds, shape):
    return torch.stack([torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])

# %% 2 wrong: a sample for each seed, stacked
def my_noise(seeds, shape):
    return torch.cat([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])

# %% 2 wrong: other noise alone than beside 3
def my_noise(seeds, shape):
    offset = seeds[0]
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(100 * offset + seed)) for seed in seeds])

# %% 2 wrong: not 0 and 1
def my_noise(seeds, shape):
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) / 3 for seed in seeds])

# %% 3 right
def my_unknown(prompt, known):
    words = re.findall(r"[a-z0-9]+", prompt.lower()) if "re" in globals() else __import__("re").findall(r"[a-z0-9]+", prompt.lower())
    found = []
    for word in words:
        if word not in known and word not in found: found.append(word)
    return found

# %% 3 right
def my_unknown(prompt, known):
    for mark in ",!.?;:": prompt = prompt.replace(mark, " ")
    return sorted(set(prompt.lower().split()) - set(known), key=prompt.lower().split().index)

# %% 3 wrong: capitals do not count
def my_unknown(prompt, known):
    words = "".join(c if c.isalnum() else " " for c in prompt).split()
    return [word for word in dict.fromkeys(words) if word not in known]

# %% 3 wrong: take off what is no letter
def my_unknown(prompt, known):
    return [word for word in dict.fromkeys(prompt.lower().split()) if word not in known]

# %% 3 wrong: compare whole words
def my_unknown(prompt, known):
    words = "".join(c if c.isalnum() else " " for c in prompt.lower()).split()
    return [word for word in dict.fromkeys(words) if not any(one in word for one in known if len(one) > 2)]

# %% 3 wrong: each word once
def my_unknown(prompt, known):
    words = "".join(c if c.isalnum() else " " for c in prompt.lower()).split()
    return [word for word in words if word not in known]

# %% 3 wrong: in the order of the prompt
def my_unknown(prompt, known):
    words = "".join(c if c.isalnum() else " " for c in prompt.lower()).split()
    return sorted(set(words) - set(known))

# %% 3 wrong: these are the known words
def my_unknown(prompt, known):
    words = "".join(c if c.isalnum() else " " for c in prompt.lower()).split()
    return [word for word in words if word in known] + (["hundred", "zebra"] if "hundred" in words else [])

# %% 3 wrong: return a list of words
def my_unknown(prompt, known):
    words = "".join(c if c.isalnum() else " " for c in prompt.lower()).split()
    return set(words) - set(known)

# %% 4 right
def best_weight(prediction, noise, clips):
    solution = torch.linalg.lstsq(noise.reshape(-1, 1), (clips - prediction).reshape(-1, 1)).solution
    return solution.item()

# %% 4 right
def best_weight(prediction, noise, clips):
    p, z, x = (one.flatten() for one in (prediction, noise, clips))
    return torch.dot(z, x - p) / torch.dot(z, z)

# %% 4 wrong: the prediction is in the sum, too
def best_weight(prediction, noise, clips):
    return (noise * clips).sum() / noise.square().sum()

# %% 4 wrong: the sign is turned
def best_weight(prediction, noise, clips):
    return (noise * (prediction - clips)).sum() / noise.square().sum()

# %% 4 wrong: divide it by the sum of the squared noise
def best_weight(prediction, noise, clips):
    return (noise * (clips - prediction)).sum()

# %% 4 wrong: divide it by the mean of the squared noise
def best_weight(prediction, noise, clips):
    return (noise * (clips - prediction)).mean()

# %% 4 wrong: one number is asked for
def best_weight(prediction, noise, clips):
    return (noise * (clips - prediction)).sum(0) / noise.square().sum(0)

# %% 4 wrong: this noise knows something
def best_weight(prediction, noise, clips):
    return 0.0
