"Other answers to the exercises of lesson 23; see ../exercises.py"

# %% 1 right
def fading_mean(x, mask, fade):
    rows = []
    for vectors, real in zip(x, mask):
        vectors = vectors[real]
        weights = torch.tensor([fade ** k for k in range(len(vectors) - 1, -1, -1)])
        rows.append((weights[:, None] * vectors).sum(0) / weights.sum())
    return torch.stack(rows)

# %% 1 right
def fading_mean(x, mask, fade):
    weights = fade ** (mask.sum(1, keepdim=True) - 1 - torch.arange(mask.shape[1])).clamp(min=0) * mask
    weights = weights / weights.sum(1, keepdim=True)
    return torch.einsum("bn,bnd->bd", weights.to(x), x)

# %% 1 wrong: the padding counts
def fading_mean(x, mask, fade):
    n = x.shape[1]
    weights = fade ** (n - 1 - torch.arange(n)).expand(len(x), n)
    return weighted_mean(x, weights)

# %% 1 wrong: *first* word counts most
def fading_mean(x, mask, fade):
    return weighted_mean(x, fade ** torch.arange(x.shape[1]) * mask)

# %% 1 wrong: that is a sum
def fading_mean(x, mask, fade):
    still = mask.flip(1).cumsum(1).flip(1) - 1
    return ((fade ** still * mask)[..., None] * x).sum(1)

# %% 1 wrong: plain mean
def fading_mean(x, mask, fade):
    return weighted_mean(x, fade * mask)

# %% 1 wrong: not by the number of words
def fading_mean(x, mask, fade):
    still = mask.flip(1).cumsum(1).flip(1) - 1
    return ((fade ** still * mask)[..., None] * x).sum(1) / mask.sum(1, keepdim=True)

# %% 1 wrong: weights of the words alone
def fading_mean(x, mask, fade):
    n = x.shape[1]
    weights = fade ** (n - 1 - torch.arange(n)).float()
    return (weights[:, None] * x * mask[..., None]).sum(1) / weights.sum()

# %% 2 right
def bigrams(captions):
    from collections import Counter
    found = [Counter(zip(ws, ws[1:])) for ws in map(words, captions)]
    pairs = list(dict.fromkeys(pair for counts in found for pair in counts))
    return torch.tensor([[counts[pair] for pair in pairs] for counts in found]).float().reshape(len(captions), len(pairs))

# %% 2 right
def bigrams(captions):
    texts = [[f"{a} {b}" for a, b in zip(words(text), words(text)[1:])] for text in captions]
    names = sorted(set(sum(texts, [])), reverse=True)
    table = np.zeros((len(captions), len(names)), np.float32)
    for i, text in enumerate(texts):
        for pair in text: table[i, names.index(pair)] += 1
    return table

# %% 2 wrong: those are single words
def bigrams(captions):
    found = list(map(words, captions))
    names = sorted({word for ws in found for word in ws})
    return torch.tensor([[float(ws.count(name)) for name in names] for ws in found])

# %% 2 wrong: stands twice counts twice
def bigrams(captions):
    found = [set(zip(ws, ws[1:])) for ws in map(words, captions)]
    pairs = sorted(set().union(*found))
    return torch.tensor([[float(pair in own) for pair in pairs] for own in found]).reshape(len(captions), len(pairs))

# %% 2 wrong: the order counts
def bigrams(captions):
    found = [[tuple(sorted(pair)) for pair in zip(ws, ws[1:])] for ws in map(words, captions)]
    pairs = sorted({pair for own in found for pair in own})
    return torch.tensor([[float(own.count(pair)) for pair in pairs] for own in found]).reshape(len(captions), len(pairs))

# %% 2 wrong: capitals and punctuation
def bigrams(captions):
    found = [list(zip(ws, ws[1:])) for ws in (text.split() for text in captions)]
    pairs = sorted({pair for own in found for pair in own})
    return torch.tensor([[float(own.count(pair)) for pair in pairs] for own in found]).reshape(len(captions), len(pairs))

# %% 2 wrong: are no neighbours
def bigrams(captions):
    joined = words(" ".join(captions))
    pairs = sorted(set(zip(joined, joined[1:])))
    found = [list(zip(ws, ws[1:])) for ws in map(words, captions)]
    return torch.tensor([[float(own.count(pair)) for pair in pairs] for own in found])

# %% 3 right
def both_ways(forward, backward, x, mask):
    def read(cell, order):
        h = x.new_zeros(len(x), cell.hidden)
        for i in order: h = torch.where(mask[:, i, None], cell(x[:, i], h), h)
        return h
    n = x.shape[1]
    return torch.cat([read(forward, range(n)), read(backward, reversed(range(n)))], 1)

# %% 3 right
def both_ways(forward, backward, x, mask):
    rows = []
    for row, real in zip(x, mask):
        row = row[real][None]
        whole = torch.ones(row.shape[:2], dtype=torch.bool)
        rows.append(torch.hstack([unroll(forward, row, whole)[0, -1], unroll(backward, row.flip(1), whole)[0, -1]]))
    return torch.stack(rows)

# %% 3 wrong: the mask is not
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(forward, x, mask)[:, -1], unroll(backward, x.flip(1), mask)[:, -1]], 1)

# %% 3 wrong: turn the words around
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(forward, x, mask)[:, -1], unroll(backward, x, mask)[:, -1]], 1)

# %% 3 wrong: the batch around
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(forward, x, mask)[:, -1], unroll(backward, x.flip(0), mask.flip(0))[:, -1]], 1)

# %% 3 wrong: the last one has read everything
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(forward, x, mask)[:, -1], unroll(backward, x.flip(1), mask.flip(1))[:, 0]], 1)

# %% 3 wrong: changed places
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(backward, x.flip(1), mask.flip(1))[:, -1], unroll(forward, x, mask)[:, -1]], 1)

# %% 3 wrong: side by side is axis 1
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(forward, x, mask)[:, -1], unroll(backward, x.flip(1), mask.flip(1))[:, -1]])

# %% 3 wrong: only the last state
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(forward, x, mask), unroll(backward, x.flip(1), mask.flip(1)).flip(1)], 2)

# %% 3 wrong: by the same cell
def both_ways(forward, backward, x, mask):
    return torch.cat([unroll(forward, x, mask)[:, -1], unroll(forward, x.flip(1), mask.flip(1))[:, -1]], 1)
