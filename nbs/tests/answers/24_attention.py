"Other answers to the exercises of lesson 24; see ../exercises.py"

# %% 1 right
def weights_of(query, keys):
    scores = torch.einsum("d,nd->n", query, keys) * query.shape[0] ** -.5
    exps = torch.exp(scores - scores.max())
    return exps / exps.sum()

# %% 1 right
def weights_of(query, keys):
    scores = [sum(q * k for q, k in zip(query.tolist(), key)) / len(query) ** .5 for key in keys.tolist()]
    return [math.exp(s) / sum(math.exp(t) for t in scores) for s in scores]

# %% 1 wrong: scaled_dot_product_attention does the work
def weights_of(query, keys):
    return scaled_dot_product_attention(query[None], keys, keys, return_weights=True)[1][0]

# %% 1 wrong: are not divided
def weights_of(query, keys):
    return (keys @ query).softmax(0)

# %% 1 wrong: not by d
def weights_of(query, keys):
    return (keys @ query / len(query)).softmax(0)

# %% 1 wrong: number of keys
def weights_of(query, keys):
    return (keys @ query / math.sqrt(len(keys))).softmax(0)

# %% 1 wrong: weighted mean instead of the weights
def weights_of(query, keys):
    return (keys @ query / math.sqrt(len(query))).softmax(0) @ keys

# %% 1 wrong: the softmax is missing
def weights_of(query, keys):
    return keys @ query / math.sqrt(len(query))

# %% 1 wrong: the exponential first
def weights_of(query, keys):
    scores = keys @ query
    return scores / scores.sum()

# %% 2 right
def past_mask(n):
    return torch.ones(1, n, n, dtype=torch.bool).tril()

# %% 2 right
def past_mask(n):
    return [[[key <= query for key in range(n)] for query in range(n)]]

# %% 2 wrong: the wrong way round
def past_mask(n):
    return torch.ones(1, n, n, dtype=torch.bool).triu()

# %% 2 wrong: must attend to itself
def past_mask(n):
    return torch.ones(1, n, n, dtype=torch.bool).tril(-1)

# %% 2 wrong: must be bool
def past_mask(n):
    return torch.ones(1, n, n).tril()

# %% 2 wrong: one more axis in front
def past_mask(n):
    return torch.ones(n, n, dtype=torch.bool).tril()

# %% 2 wrong: True and False are exchanged
def past_mask(n):
    return torch.ones(1, n, n, dtype=torch.bool).triu(1)

# %% 3 right
def attend_by_frame(attend, x, prompt, mask):
    b, f, n, d = x.shape
    prompt, mask = prompt.repeat_interleave(f, 0), mask.repeat_interleave(f, 0)
    return attend(x.reshape(b * f, n, d), prompt, mask).reshape(b, f, n, d)

# %% 3 right
def attend_by_frame(attend, x, prompt, mask):
    return attend(x.flatten(1, 2), prompt, mask).unflatten(1, x.shape[1:3])

# %% 3 wrong: called 3 times
def attend_by_frame(attend, x, prompt, mask):
    return torch.stack([attend(frame, prompt, mask) for frame in x.unbind(1)], dim=1)

# %% 3 wrong: repeat as (b f)
def attend_by_frame(attend, x, prompt, mask):
    f = x.shape[1]
    return attend(x.flatten(0, 1), prompt.repeat(f, 1, 1), mask.repeat(f, 1)).unflatten(0, (-1, f))

# %% 3 wrong: unfold the frames again
def attend_by_frame(attend, x, prompt, mask):
    f = x.shape[1]
    return attend(x.flatten(0, 1), prompt.repeat_interleave(f, 0), mask.repeat_interleave(f, 0))

# %% 3 wrong: the mask is not handed on
def attend_by_frame(attend, x, prompt, mask):
    f = x.shape[1]
    return attend(x.flatten(0, 1), prompt.repeat_interleave(f, 0)).unflatten(0, (-1, f))

# %% 3 wrong: the mask is not: repeat both
def attend_by_frame(attend, x, prompt, mask):
    f = x.shape[1]
    return attend(x.flatten(0, 1), prompt.repeat_interleave(f, 0), mask.repeat(f, 1)).unflatten(0, (-1, f))

# %% 3 wrong: changed places
def attend_by_frame(attend, x, prompt, mask):
    f = x.shape[1]
    folded = rearrange(x, "b f n d -> (f b) n d")
    return attend(folded, prompt.repeat(f, 1, 1), mask.repeat(f, 1)).unflatten(0, (-1, f))

# %% 4 right
def angles_2d(height, width, dim):
    down = rotary_angles(torch.arange(height), dim // 2)[:, None].expand(-1, width, -1)
    across = rotary_angles(torch.arange(width), dim // 2)[None].expand(height, -1, -1)
    return torch.cat([down, across], -1).flatten(0, 1)

# %% 4 right
def angles_2d(height, width, dim):
    speeds = 10_000. ** (-torch.arange(0, dim // 2, 2) / (dim // 2))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([torch.cat([r * speeds, c * speeds]) for r, c in zip(rows.flatten(), columns.flatten())])

# %% 4 wrong: rows and columns are exchanged
def angles_2d(height, width, dim):
    pixel = torch.arange(height * width)
    return torch.cat([rotary_angles(pixel % width, dim // 2), rotary_angles(pixel // width, dim // 2)], dim=-1)

# %% 4 wrong: divided by the height
def angles_2d(height, width, dim):
    pixel = torch.arange(height * width)
    return torch.cat([rotary_angles(pixel // height, dim // 2), rotary_angles(pixel % height, dim // 2)], dim=-1)

# %% 4 wrong: twice as many numbers
def angles_2d(height, width, dim):
    pixel = torch.arange(height * width)
    return torch.cat([rotary_angles(pixel // width, dim), rotary_angles(pixel % width, dim)], dim=-1)

# %% 4 wrong: rotate with both
def angles_2d(height, width, dim):
    pixel = torch.arange(height * width)
    return rotary_angles(pixel // width, dim) + rotary_angles(pixel % width, dim)

# %% 4 wrong: range of speeds of its own
def angles_2d(height, width, dim):
    pixel = torch.arange(height * width)
    return torch.cat([rotary_angles(pixel // width, dim)[:, :dim // 4], rotary_angles(pixel % width, dim)[:, dim // 4:]], dim=-1)

# %% 4 wrong: flatten the first two axes
def angles_2d(height, width, dim):
    down = rotary_angles(torch.arange(height), dim // 2)[:, None].expand(-1, width, -1)
    across = rotary_angles(torch.arange(width), dim // 2)[None].expand(height, -1, -1)
    return torch.cat([down, across], -1)
