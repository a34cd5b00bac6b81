# %% 1 right
def chance(n_captions, k):
    return 1 - (n_captions - k) / n_captions

# %% 1 right
def chance(n_captions, k):
    from math import comb
    return comb(n_captions - 1, k - 1) / comb(n_captions, k)

# %% 1 wrong: that is the chance of being the nearest
def chance(n_captions, k):
    return 1 / n_captions

# %% 1 wrong: none is drawn twice
def chance(n_captions, k):
    return 1 - (1 - 1 / n_captions) ** k

# %% 1 wrong: is above 1
def chance(n_captions, k):
    return n_captions / k

# %% 1 wrong: one of the k is enough
def chance(n_captions, k):
    return 1 / n_captions ** k

# %% 2 right
def contrastive_loss(scores, own):
    top = scores.max(dim=1, keepdim=True).values
    log_sum = top[:, 0] + (scores - top).exp().sum(1).log()
    picked = scores.gather(1, own[:, None])[:, 0]
    return (log_sum - picked).mean()

# %% 2 right
def contrastive_loss(scores, own):
    from scipy.special import log_softmax
    logs = log_softmax(np.asarray(scores), axis=1)
    return -np.take_along_axis(logs, np.asarray(own)[:, None], axis=1).mean()

# %% 2 right
def contrastive_loss(scores, own):
    losses = [-torch.log_softmax(row, 0)[k].item() for row, k in zip(scores, own)]
    return sum(losses) / len(losses)

# %% 2 wrong: exp overflows
def contrastive_loss(scores, own):
    shares = scores.exp() / scores.exp().sum(1, keepdim=True)
    return -shares[torch.arange(len(own)), own].log().mean()

# %% 2 wrong: the softmax goes over the clips
def contrastive_loss(scores, own):
    return -scores.log_softmax(0)[torch.arange(len(own)), own].mean()

# %% 2 wrong: takes every clip with every one
def contrastive_loss(scores, own):
    return -scores.log_softmax(1)[:, own].mean()

# %% 2 wrong: return the mean over the clips
def contrastive_loss(scores, own):
    return -scores.log_softmax(1)[torch.arange(len(own)), own]

# %% 2 wrong: *minus* the log
def contrastive_loss(scores, own):
    return scores.log_softmax(1)[torch.arange(len(own)), own].mean()

# %% 2 wrong: which one is its own, `own` says
def contrastive_loss(scores, own):
    labels = torch.arange(len(scores))
    return -scores.log_softmax(dim=-1)[labels, labels].mean()

# %% 2 wrong: the scores come as they are
def contrastive_loss(scores, own, temperature=0.07):
    logits = scores / temperature
    return -logits.log_softmax(dim=-1).gather(1, own.unsqueeze(1)).mean()

# %% 2 wrong: (logsumexp)
def contrastive_loss(scores, own):
    import math
    total = 0
    for i in range(len(scores)):
        row = [math.exp(float(s)) for s in scores[i]]
        total -= math.log(row[int(own[i])] / sum(row))
    return total / len(scores)

# %% 2 wrong: 4 times the mean
def contrastive_loss(scores, own):
    return -scores.log_softmax(1)[torch.arange(len(own)), own].sum()

# %% 3 right
def tones_of(captions):
    from collections import defaultdict
    groups = defaultdict(list)
    for name, tone in map(split_caption, captions):
        if tone is not None: groups[name].append(tone)
    return {k: v for k, v in groups.items() if len(v) >= 2}

# %% 3 right
def tones_of(captions):
    pairs = [split_caption(c) for c in captions if split_caption(c)[1]]
    names = dict.fromkeys(n for n, _ in pairs)
    all_of = {n: tuple(t for m, t in pairs if m == n) for n in names}
    return {n: t for n, t in all_of.items() if len(t) > 1}

# %% 3 wrong: b has no tone at all
def tones_of(captions):
    found = {}
    for name, tone in map(split_caption, captions): found.setdefault(name, []).append(tone)
    return found

# %% 3 wrong: c has one tone
def tones_of(captions):
    found = {}
    for name, tone in map(split_caption, captions):
        if tone: found.setdefault(name, []).append(tone)
    return found

# %% 3 wrong: None is among the tones
def tones_of(captions):
    found = {}
    for name, tone in map(split_caption, captions): found.setdefault(name, []).append(tone)
    return {n: t for n, t in found.items() if len(t) > 2 or n[0] == "d"}

# %% 3 wrong: a set has no order
def tones_of(captions):
    found = {}
    for name, tone in map(split_caption, captions):
        if tone: found.setdefault(name, set()).add(tone)
    return {n: t for n, t in found.items() if len(t) > 1}

# %% 3 wrong: sorted by the alphabet
def tones_of(captions):
    found = {}
    for name, tone in map(split_caption, captions):
        if tone: found.setdefault(name, []).append(tone)
    return {n: sorted(t) for n, t in found.items() if len(t) > 1}
