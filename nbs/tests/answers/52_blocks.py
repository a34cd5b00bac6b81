"Other answers to the exercises of lesson 52"

# %% 1 right
def my_film(film, x, cond):
    both = film.to_scale_shift(cond)[:, :, None, None]
    channels = x.shape[1]
    return x + x * both[:, :channels] + both[:, channels:]

# %% 1 right
def my_film(film, x, cond):
    scale, shift = rearrange(film.to_scale_shift(cond), "n (two c) -> two n c 1 1", two=2)
    return torch.addcmul(shift, x, scale.add(1))

# %% 1 wrong: instead of x * (1 + scale)
def my_film(film, x, cond):
    scale, shift = film.to_scale_shift(cond).chunk(2, 1)
    return x * scale[..., None, None] + shift[..., None, None]

# %% 1 wrong: which half is scale
def my_film(film, x, cond):
    shift, scale = film.to_scale_shift(cond)[..., None, None].chunk(2, 1)
    return x * (1 + scale) + shift

# %% 1 wrong: two more axes
def my_film(film, x, cond):
    return film.to_scale_shift(cond)

# %% 1 wrong: the shift is missing
def my_film(film, x, cond):
    scale, shift = film.to_scale_shift(cond).chunk(2, 1)
    return x * (1 + scale[..., None, None])

# %% 1 wrong: should be x * (1 + scale) + shift
def my_film(film, x, cond):
    scale, shift = film.to_scale_shift(cond)[..., None, None].chunk(2, 1)
    return (x + shift) * (1 + scale)

# %% 2 right
def past_conv(block, x, n_frames):
    h = rearrange(F.silu(block.norm(x)), "(b f) c h w -> b f h w c", f=n_frames)
    one = torch.cat([torch.zeros_like(h[:, :1]), h[:, :-1]], 1)
    two = torch.cat([torch.zeros_like(h[:, :2]), h[:, :-2]], 1)
    return x + rearrange(block.proj(torch.cat([two, one, h], -1)), "b f h w c -> (b f) c h w")

# %% 2 right
def past_conv(block, x, n_frames):
    "What the block adds, with an empty frame in front, is there a frame earlier"
    h = rearrange(F.silu(block.norm(x)), "(b f) c h w -> b f h w c", f=n_frames)
    empty = torch.zeros_like(h[:, 0])
    added = []
    for t in range(n_frames):
        seen = [h[:, s] if s >= 0 else empty for s in (t - 2, t - 1, t)]
        added.append(block.proj(torch.cat(seen, dim=-1)))
    return x + torch.stack(added, 1).flatten(0, 1).permute(0, 3, 1, 2)

# %% 2 wrong: that is the block itself
def past_conv(block, x, n_frames):
    return block(x, n_frames)

# %% 2 wrong: frame 3 sees a later frame
def past_conv(block, x, n_frames):
    h = rearrange(F.silu(block.norm(x)), "(b f) c h w -> b f h w c", f=n_frames)
    h = F.pad(h, (0, 0, 0, 0, 0, 0, 0, 2))
    h = block.proj(torch.cat([h[:, :-2], h[:, 1:-1], h[:, 2:]], -1))
    return x + rearrange(h, "b f h w c -> (b f) c h w")

# %% 2 wrong: should see the frames 1, 2 and 3
def past_conv(block, x, n_frames):
    h = rearrange(F.silu(block.norm(x)), "(b f) c h w -> b f h w c", f=n_frames)
    h = F.pad(h, (0, 0, 0, 0, 0, 0, 2, 0))
    h = block.proj(torch.cat([h[:, 2:], h[:, 2:], h[:, 2:]], -1))
    return x + rearrange(h, "b f h w c -> (b f) c h w")

# %% 2 wrong: order of the three frames
def past_conv(block, x, n_frames):
    h = rearrange(F.silu(block.norm(x)), "(b f) c h w -> b f h w c", f=n_frames)
    h = F.pad(h, (0, 0, 0, 0, 0, 0, 2, 0))
    h = block.proj(torch.cat([h[:, 2:], h[:, 1:-1], h[:, :-2]], -1))
    return x + rearrange(h, "b f h w c -> (b f) c h w")

# %% 2 wrong: is the input added to it
def past_conv(block, x, n_frames):
    h = rearrange(F.silu(block.norm(x)), "(b f) c h w -> b f h w c", f=n_frames)
    h = F.pad(h, (0, 0, 0, 0, 0, 0, 2, 0))
    h = block.proj(torch.cat([h[:, :-2], h[:, 1:-1], h[:, 2:]], -1))
    return rearrange(h, "b f h w c -> (b f) c h w")

# %% 2 wrong: pad so many frames
def past_conv(block, x, n_frames):
    return x[2:]

# %% 3 right
def frame_attention(block, x):
    added = []
    for frame in x:
        tokens = frame.flatten(1).T[None]
        added.append(block.attention(block.norm(tokens))[0].T.reshape(frame.shape))
    return x + torch.stack(added)

# %% 3 right
def frame_attention(block, x):
    n, c, height, width = x.shape
    h = x.permute(0, 2, 3, 1).reshape(n, height * width, c)
    h = block.attention(block.norm(h)).reshape(n, height, width, c)
    return h.permute(0, 3, 1, 2) + x

# %% 3 wrong: other frames are seen
def frame_attention(block, x):
    h = rearrange(x, "n c h w -> 1 (n h w) c")
    return x + rearrange(block.attention(block.norm(h)), "1 (n h w) c -> n c h w", h=x.shape[2], n=len(x))

# %% 3 wrong: is the input added
def frame_attention(block, x):
    h = rearrange(x, "n c h w -> n (h w) c")
    return rearrange(block.attention(block.norm(h)), "n (h w) c -> n c h w", h=x.shape[2])

# %% 3 wrong: h and w are swapped
def frame_attention(block, x):
    h = rearrange(x, "n c h w -> n (h w) c")
    return x + rearrange(block.attention(block.norm(h)), "n (w h) c -> n c h w", h=x.shape[2])

# %% 3 wrong: some position of the frame is not seen
def frame_attention(block, x):
    h = rearrange(x, "n c h w -> (n h) w c")
    return x + rearrange(block.attention(block.norm(h)), "(n h) w c -> n c h w", h=x.shape[2], n=len(x))

# %% 3 wrong: the tokens are not normalised
def frame_attention(block, x):
    h = rearrange(x, "n c h w -> n (h w) c")
    return x + rearrange(block.attention(h), "n (h w) c -> n c h w", h=x.shape[2])

# %% 3 wrong: make pictures of the tokens
def frame_attention(block, x):
    h = rearrange(x, "n c h w -> n (h w) c")
    return h + block.attention(block.norm(h))
