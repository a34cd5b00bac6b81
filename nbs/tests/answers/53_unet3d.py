"Other answers to the exercises of lesson 53"

# %% 1 right
def bottom(config, size):
    return size / config.patch_size * 2 ** (1 - len(config.widths))

# %% 1 right
def bottom(config, size):
    n = size // config.patch_size
    level = 1
    while level < len(config.temporal):
        n, level = n // 2, level + 1
    return n

# %% 1 wrong: did you forget the patches
def bottom(config, size):
    return size // 2**(len(config.widths) - 1)

# %% 1 wrong: only n - 1 times
def bottom(config, size):
    return size // config.patch_size // 2**len(config.widths)

# %% 1 wrong: only the patches count
def bottom(config, size):
    return size // config.patch_size

# %% 1 wrong: for the default network only
def bottom(config, size):
    return size // 8

# %% 1 wrong: forgotten, and it is halved once too often
def bottom(config, size):
    return size // 2**len(config.widths)

# %% 1 wrong: not by their number
def bottom(config, size):
    return size / config.patch_size / max(1, 2 * (len(config.widths) - 1))

# %% 2 right
def only_pooled(text):
    tokens = text.tokens[:1, :1].expand_as(text.tokens)
    return TextStates(tokens, torch.ones_like(text.mask), text.pooled)

# %% 2 right
def only_pooled(text):
    from dataclasses import is_dataclass
    b, n, d = text.tokens.shape
    mask = torch.zeros(b, n, dtype=torch.bool)
    mask[:, 0] = True
    return TextStates(tokens=torch.full((b, n, d), 0.5), mask=mask, pooled=text.pooled.clone())

# %% 2 wrong: how long a prompt is
def only_pooled(text):
    return TextStates(torch.zeros_like(text.tokens), text.mask, text.pooled)

# %% 2 wrong: no word is left
def only_pooled(text):
    return TextStates(0 * text.tokens, torch.zeros_like(text.mask), text.pooled)

# %% 2 wrong: should stay as they are
def only_pooled(text):
    return TextStates(0 * text.tokens, torch.ones_like(text.mask), 0 * text.pooled)

# %% 2 wrong: have changed
def only_pooled(text):
    text.tokens.zero_()
    text.mask.fill_(True)
    return text

# %% 2 wrong: the tokens still depend
def only_pooled(text):
    return TextStates(text.tokens.mean(1, keepdim=True).expand_as(text.tokens), torch.ones_like(text.mask), text.pooled)

# %% 2 wrong: the mask is b n
def only_pooled(text):
    return TextStates(torch.zeros(1, 1, 384), torch.ones(1, 1, dtype=torch.bool), text.pooled)

# %% 3 right
def leaks(block, x):
    return any((receptive_field(block, x, frame=i)[[j for j in range(len(x)) if j != i]] > 0).any() for i in range(len(x)))

# %% 3 right
def leaks(block, x):
    before = block(x)
    for i in range(x.shape[0]):
        other = x.clone()
        other[i] = torch.rand_like(other[i]) * 3
        after = block(other)
        for j in range(x.shape[0]):
            if j != i and not torch.equal(after[j], before[j]): return True
    return False

# %% 3 wrong: accuses everybody
def leaks(block, x):
    return True

# %% 3 wrong: it finds nothing
def leaks(block, x):
    return False

# %% 3 wrong: leave its own influence out
def leaks(block, x):
    changed = x.clone()
    changed[0] += 1 + x[0].square()
    return bool((block(changed) != block(x)).any())

# %% 3 wrong: change each frame, and look at all others
def leaks(block, x):
    changed = x.clone()
    changed[0] += 1 + x[0].square()
    return bool((block(changed) != block(x))[1:].any())

# %% 3 wrong: a thousandth of another frame
def leaks(block, x):
    for i in range(len(x)):
        changed = x.clone()
        changed[i] += 1
        moved = (block(changed) - block(x)).flatten(1).abs().amax(1) > 0.01
        moved[i] = False
        if moved.any(): return True
    return False

# %% 3 wrong: changes what it is given
def leaks(block, x):
    before = block(x)
    for i in range(len(x)):
        x[i] += 1
        moved = (block(x) - before).flatten(1).abs().amax(1) > 0
        moved[:i + 1] = False
        if moved.any(): return True
    return False

# %% 4 right
def favourite_words(weights, pieces):
    n = len(pieces)
    words = []
    for head in weights:
        total = head[:, :n].sum(dim=0).tolist()
        words.append(pieces[total.index(max(total))])
    return words

# %% 4 right
def favourite_words(weights, pieces):
    import numpy as np
    return tuple(np.array(pieces)[weights.numpy().sum(1)[:, :len(pieces)].argmax(axis=1)].tolist())

# %% 4 wrong: mean over heads instead
def favourite_words(weights, pieces):
    return [pieces[i] for i in weights[..., :len(pieces)].mean(0).argmax(-1)]

# %% 4 wrong: not the largest weight
def favourite_words(weights, pieces):
    return [pieces[i] for i in weights[..., :len(pieces)].amax(1).argmax(-1)]

# %% 4 wrong: these are numbers
def favourite_words(weights, pieces):
    return weights[..., :len(pieces)].mean(1).argmax(-1).tolist()

# %% 4 wrong: looks most at padding
def favourite_words(weights, pieces):
    return [pieces[i] for i in weights.mean(1).argmax(-1).tolist()]

# %% 4 wrong: is it the smallest weight
def favourite_words(weights, pieces):
    return [pieces[i] for i in weights[..., :len(pieces)].mean(1).argmin(-1).tolist()]

# %% 4 wrong: return a list of word pieces
def favourite_words(weights, pieces):
    return pieces[weights[..., :len(pieces)].mean((0, 1)).argmax().item()]
