"Other answers to the exercises of lesson 56"

# %% 1 right
def rows(steps, scale):
    needs_prompt, needs_empty = scale != 0, scale != 1
    return steps * (needs_prompt + needs_empty)

# %% 1 right
def rows(steps, scale):
    total = 0
    for _ in range(steps):
        if scale == 0 or scale == 1: total += 1
        else: total += 2
    return total

# %% 1 wrong: with and without the prompt
def rows(steps, scale):
    return steps

# %% 1 wrong: need not be asked
def rows(steps, scale):
    return 2 * steps

# %% 1 wrong: at scale 0 the prompt's answer
def rows(steps, scale):
    return steps if scale == 1 else 2 * steps

# %% 1 wrong: at scale 1 the answer without
def rows(steps, scale):
    return 2 * steps if scale else steps

# %% 1 wrong: a scale below 0
def rows(steps, scale):
    return 2 * steps if scale > 1 else steps

# %% 1 wrong: not the calls
def rows(steps, scale):
    return steps * scale

# %% 2 right
def warm_guidance(cond, uncond, alpha):
    return torch.lerp(uncond, cond, 1 + 3 * alpha)

# %% 2 right
def warm_guidance(cond, uncond, alpha):
    scale = float(np.interp(float(alpha), [0, 1], [1, 4]))
    return scale * cond + (1 - scale) * uncond

# %% 2 wrong: in each other's place
def warm_guidance(cond, uncond, alpha):
    return cond + (1 + 3 * alpha) * (uncond - cond)

# %% 2 wrong: it rises from 0
def warm_guidance(cond, uncond, alpha):
    return uncond + 4 * alpha * (cond - uncond)

# %% 2 wrong: it falls from 4 to 1
def warm_guidance(cond, uncond, alpha):
    return uncond + (1 + 3 * (1 - alpha)) * (cond - uncond)

# %% 2 wrong: it rises to 5
def warm_guidance(cond, uncond, alpha):
    return uncond + (1 + 4 * alpha) * (cond - uncond)

# %% 2 wrong: not cond +
def warm_guidance(cond, uncond, alpha):
    return cond + (1 + 3 * alpha) * (cond - uncond)

# %% 2 wrong: the scale is 4 everywhere
def warm_guidance(cond, uncond, alpha):
    return uncond + 4 * (cond - uncond)

# %% 2 wrong: changes what it is given
def warm_guidance(cond, uncond, alpha):
    cond -= uncond
    cond *= 1 + 3 * alpha
    return uncond + cond

# %% 3 right
def both(empty, first, second, w):
    pulls = torch.stack([first, second]) - empty
    return empty + w * pulls.sum(0)

# %% 3 right
def both(empty, first, second, w):
    return w * first + w * second - (2 * w - 1) * empty

# %% 3 wrong: the second prompt does not pull
def both(empty, first, second, w):
    return empty + w * (first - empty)

# %% 3 wrong: the mean of the two lies between
def both(empty, first, second, w):
    return (first + second) / 2

# %% 3 wrong: the pulls are averaged
def both(empty, first, second, w):
    return empty + w * ((first + second) / 2 - empty)

# %% 3 wrong: is taken away only once
def both(empty, first, second, w):
    return empty + w * (first + second - empty)

# %% 3 wrong: not from what the first has made
def both(empty, first, second, w):
    guided = empty + w * (first - empty)
    return guided + w * (second - guided)

# %% 3 wrong: the empty answer itself is missing
def both(empty, first, second, w):
    return w * (first - empty) + w * (second - empty)
