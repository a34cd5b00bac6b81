"Other answers to the exercises of lesson 25; see ../exercises.py"

# %% 1 right
def masked_max(tokens, mask):
    return torch.stack([states[real].max(0).values for states, real in zip(tokens, mask)])

# %% 1 right
def masked_max(tokens, mask):
    low = tokens.min() - 1
    return torch.where(mask.unsqueeze(-1), tokens, low).max(dim=1)[0]

# %% 1 wrong: as 0
def masked_max(tokens, mask):
    return (tokens * mask[..., None]).amax(1)

# %% 1 wrong: the padding takes part
def masked_max(tokens, mask):
    return tokens.amax(1)

# %% 1 wrong: changes what it is given
def masked_max(tokens, mask):
    tokens[~mask] = -torch.inf
    return tokens.amax(1)

# %% 1 wrong: take .values
def masked_max(tokens, mask):
    return tokens.masked_fill(~mask[..., None], -torch.inf).max(1)

# %% 1 wrong: the wrong way round
def masked_max(tokens, mask):
    return tokens.masked_fill(mask[..., None], -torch.inf).amax(1)

# %% 1 wrong: not over the dimensions
def masked_max(tokens, mask):
    return tokens.masked_fill(~mask[..., None], -torch.inf).amax(-1)

# %% 2 right
def surprise(caption, predict):
    words = caption.split()
    hidden = [" ".join("[MASK]" if i == at else word for i, word in enumerate(words)) for at in range(len(words))]
    return float(np.mean([-np.log(predict(text)[word]) for text, word in zip(hidden, words)]))

# %% 2 right
def surprise(caption, predict):
    words = caption.split(" ")
    costs = []
    for at in range(len(words)):
        copy = list(words)
        copy[at] = "[MASK]"
        costs.append(torch.tensor(predict(" ".join(copy))[words[at]]).log())
    return -torch.stack(costs).mean()

# %% 2 wrong: that is the sum
def surprise(caption, predict):
    words = caption.split()
    return sum(-math.log(predict(" ".join(words[:at] + ["[MASK]"] + words[at + 1:]))[word]) for at, word in enumerate(words))

# %% 2 wrong: the sign
def surprise(caption, predict):
    words = caption.split()
    return sum(math.log(predict(" ".join(words[:at] + ["[MASK]"] + words[at + 1:]))[word]) for at, word in enumerate(words)) / len(words)

# %% 2 wrong: one word is to be hidden at a time
def surprise(caption, predict):
    words = caption.split()
    return sum(-math.log(predict(caption.replace(word, "[MASK]"))[word]) for word in words) / len(words)

# %% 2 wrong: base 2
def surprise(caption, predict):
    words = caption.split()
    return sum(-math.log2(predict(" ".join(words[:at] + ["[MASK]"] + words[at + 1:]))[word]) for at, word in enumerate(words)) / len(words)

# %% 2 wrong: take the logarithm of each first
def surprise(caption, predict):
    words = caption.split()
    return -math.log(sum(predict(" ".join(words[:at] + ["[MASK]"] + words[at + 1:]))[word] for at, word in enumerate(words)) / len(words))

# %% 2 wrong: never asked
def surprise(caption, predict):
    words = caption.split()
    return sum(-math.log(predict(" ".join(words[:at] + ["[MASK]"] + words[at + 1:]))[words[at]]) for at in range(1, len(words))) / (len(words) - 1)

# %% 3 right
my_template = "a shade of {}"

# %% 3 right
my_template = " ".join(["the", "color", "{}"])

# %% 3 wrong: no other braces
my_template = "the color {} of {x"

# %% 3 wrong: hold the state
my_template = "red, green, blue, yellow, purple, white and {}"

# %% 3 wrong: has 0
my_template = "the color crimson"

# %% 3 wrong: fewer than the lesson's
my_template = "the wall was painted {}"

# %% 3 wrong: 7 are wanted
my_template = "painted in {}"

# %% 3 wrong: a template is a text
def my_template(color):
    return f"the color {color}"

# %% 4 right
def my_layer(x, mask, part, n_heads):
    b, n, d = x.shape
    q, k, v = (part[f"to_{name}"](x).view(b, n, n_heads, d // n_heads).transpose(1, 2) for name in "qkv")
    scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * (d // n_heads) ** -.5 + torch.where(mask, 0, -1e9)[:, None, None]
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    x = part["norm_attended"](x + part["to_out"]((weights @ v).transpose(1, 2).reshape(b, n, d)))
    return part["norm_fed"](part["narrow"](F.gelu(part["widen"](x))) + x)

# %% 4 right
def my_layer(x, mask, part, n_heads):
    q, k, v = part["to_q"](x), part["to_k"](x), part["to_v"](x)
    width = x.shape[-1] // n_heads
    heads = []
    for h in range(n_heads):
        own = slice(h * width, (h + 1) * width)
        rows = []
        for one in range(len(x)):
            real = mask[one]
            weights = F.softmax(q[one, :, own] @ k[one, real, own].T / math.sqrt(width), dim=-1)
            rows.append(weights @ v[one, real, own])
        heads.append(torch.stack(rows))
    x = part["norm_attended"](part["to_out"](torch.cat(heads, -1)) + x)
    wide = part["widen"](x)
    return part["norm_fed"](x + part["narrow"](wide * (1 + torch.erf(wide / 2 ** .5)) / 2))

# %% 4 wrong: scaled_dot_product_attention does the work
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    q, k, v = split(part["to_q"](x)), split(part["to_k"](x)), split(part["to_v"](x))
    attended = F.scaled_dot_product_attention(q, k, v, mask[:, None, None])
    x = part["norm_attended"](x + part["to_out"](attended.transpose(1, 2).flatten(2)))
    return part["norm_fed"](x + part["narrow"](F.gelu(part["widen"](x))))

# %% 4 wrong: not of all
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    q, k, v = split(part["to_q"](x)), split(part["to_k"](x)), split(part["to_v"](x))
    scores = (q @ k.mT / x.shape[-1] ** .5).masked_fill(~mask[:, None, None], -torch.inf)
    x = part["norm_attended"](x + part["to_out"]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))
    return part["norm_fed"](x + part["narrow"](F.gelu(part["widen"](x))))

# %% 4 wrong: padding is attended to
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    q, k, v = split(part["to_q"](x)), split(part["to_k"](x)), split(part["to_v"](x))
    scores = q @ k.mT / q.shape[-1] ** .5
    x = part["norm_attended"](x + part["to_out"]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))
    return part["norm_fed"](x + part["narrow"](F.gelu(part["widen"](x))))

# %% 4 wrong: tanh approximation
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    q, k, v = split(part["to_q"](x)), split(part["to_k"](x)), split(part["to_v"](x))
    scores = (q @ k.mT / q.shape[-1] ** .5).masked_fill(~mask[:, None, None], -torch.inf)
    x = part["norm_attended"](x + part["to_out"]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))
    return part["norm_fed"](x + part["narrow"](F.gelu(part["widen"](x), approximate="tanh")))

# %% 4 wrong: that is ReLU
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    q, k, v = split(part["to_q"](x)), split(part["to_k"](x)), split(part["to_v"](x))
    scores = (q @ k.mT / q.shape[-1] ** .5).masked_fill(~mask[:, None, None], -torch.inf)
    x = part["norm_attended"](x + part["to_out"]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))
    return part["norm_fed"](x + part["narrow"](F.relu(part["widen"](x))))

# %% 4 wrong: pre-norm
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    normed = part["norm_attended"](x)
    q, k, v = split(part["to_q"](normed)), split(part["to_k"](normed)), split(part["to_v"](normed))
    scores = (q @ k.mT / q.shape[-1] ** .5).masked_fill(~mask[:, None, None], -torch.inf)
    x = x + part["to_out"]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
    return x + part["narrow"](F.gelu(part["widen"](part["norm_fed"](x))))

# %% 4 wrong: are interleaved
def my_layer(x, mask, part, n_heads):
    q, k, v = (rearrange(part[f"to_{name}"](x), "b n (d h) -> b h n d", h=n_heads) for name in "qkv")
    scores = (q @ k.mT / q.shape[-1] ** .5).masked_fill(~mask[:, None, None], -torch.inf)
    x = part["norm_attended"](x + part["to_out"](rearrange(scores.softmax(-1) @ v, "b h n d -> b n (d h)")))
    return part["norm_fed"](x + part["narrow"](F.gelu(part["widen"](x))))

from einops import rearrange

# %% 4 wrong: attention is not added
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    q, k, v = split(part["to_q"](x)), split(part["to_k"](x)), split(part["to_v"](x))
    scores = (q @ k.mT / q.shape[-1] ** .5).masked_fill(~mask[:, None, None], -torch.inf)
    x = part["norm_attended"](part["to_out"]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))
    return part["norm_fed"](x + part["narrow"](F.gelu(part["widen"](x))))

# %% 4 wrong: Mask the keys
def my_layer(x, mask, part, n_heads):
    def split(t): return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    q, k, v = split(part["to_q"](x)), split(part["to_k"](x)), split(part["to_v"](x))
    scores = (q @ k.mT / q.shape[-1] ** .5).masked_fill(~mask[:, None, :, None], -torch.inf)
    x = part["norm_attended"](x + part["to_out"]((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))
    return part["norm_fed"](x + part["narrow"](F.gelu(part["widen"](x))))
