# %% 1 right
def junk(generator):
    clip = np.zeros((8, 32, 32, 3), np.uint8)
    clip[:, generator.integers(0, 8):] = (255, 255, 255)
    clip[:, :, :2] = 0
    return clip

# %% 1 right
def junk(generator):
    color = generator.choice([[255, 255, 255], [255, 230, 26]])
    one = np.zeros((32, 32, 3), np.uint8)
    one[4:28, 4 + generator.integers(4):28] = color
    return np.tile(one, (8, 1, 1, 1))

# %% 1 wrong: the network is
def junk(generator):
    return generator.integers(0, 60, (8, 32, 32, 3)).astype(np.uint8)

# %% 1 wrong: show a scene
def junk(generator):
    return render(any_scene(generator))

# %% 1 wrong: a clip is uint8 from 0 to 255
def junk(generator):
    return generator.random((8, 32, 32, 3))

# %% 1 wrong: seeds 0 and 1 give the same clip
def junk(generator):
    clip = np.zeros((8, 32, 32, 3), np.uint8)
    clip[:, :, 8:24] = 255
    return clip

# %% 1 wrong: the shape is (3, 8, 32, 32)
def junk(generator):
    return np.zeros((3, 8, 32, 32), np.uint8)

# %% 2 right
def ceiling(p, q):
    return 1 - (1 - p) - (1 - q) + (1 - p) * (1 - q)

# %% 2 right
def ceiling(p, q):
    both_right = np.prod([p, q])
    return torch.tensor(both_right)

# %% 2 wrong: the smaller one would be right
def ceiling(p, q):
    return min(p, q)

# %% 2 wrong: two wrong readings are never equal
def ceiling(p, q):
    return p * q + (1 - p) * (1 - q)

# %% 2 wrong: a mean of the two
def ceiling(p, q):
    return (p + q) / 2

# %% 2 wrong: it is the least that is possible
def ceiling(p, q):
    return p + q - 1

# %% 3 right
def answer_or_none(logits, names, sure):
    shares = np.exp(logits.numpy() - logits.numpy().max(1, keepdims=True))
    shares = shares / shares.sum(1, keepdims=True)
    return [names[row.argmax()] if row.max() >= sure else None for row in shares]

# %% 3 right
def answer_or_none(logits, names, sure):
    out = []
    for row in logits.tolist():
        weights = [2.718281828459045 ** v for v in row]
        top = max(range(len(row)), key=row.__getitem__)
        out.append(names[top] if weights[top] / sum(weights) >= sure else None)
    return out

# %% 3 wrong: these are logits that are compared
def answer_or_none(logits, names, sure):
    value, best = logits.max(1)
    return [names[i] if v >= sure else None for v, i in zip(value.tolist(), best.tolist())]

# %% 3 wrong: the softmax goes over the clips
def answer_or_none(logits, names, sure):
    shares = logits.softmax(0)
    return [names[i] if shares[k, i] >= sure else None for k, i in enumerate(logits.argmax(1).tolist())]

# %% 3 wrong: no answer there
def answer_or_none(logits, names, sure):
    return [names[i] for i in logits.argmax(1).tolist()]

# %% 3 wrong: names were asked for
def answer_or_none(logits, names, sure):
    probability, best = logits.softmax(1).max(1)
    return [i if p >= sure else None for p, i in zip(probability.tolist(), best.tolist())]
