# %% 1 right
def latent_numbers(frames, height, width, d):
    groups = -(-frames // 4)
    return groups * height * width * d // 64

# %% 1 right
def latent_numbers(frames, height, width, d):
    groups = 1 if frames == 1 else frames / 4
    return torch.tensor([groups, height / 8, width / 8, d]).prod()

# %% 1 wrong: 1 // 4 is 0
def latent_numbers(frames, height, width, d):
    return (frames // 4) * (height // 8) * (width // 8) * d

# %% 1 wrong: in *each* direction
def latent_numbers(frames, height, width, d):
    return max(1, frames // 4) * (height * width // 8) * d

# %% 1 wrong: red, green and blue are gone
def latent_numbers(frames, height, width, d):
    return max(1, frames // 4) * (height // 8) * (width // 8) * 3

# %% 1 wrong: time is made shorter, too
def latent_numbers(frames, height, width, d):
    return frames * (height // 8) * (width // 8) * d

# %% 2 right
def past_mean(x, k):
    out = torch.zeros_like(x)
    for t in range(x.shape[2]):
        out[:, :, t] = x[:, :, max(0, t - k + 1):t + 1].sum(2) / k
    return out

# %% 2 right
def past_mean(x, k):
    b, c, f, h, w = x.shape
    rows = rearrange(x, "b c f h w -> (b c h w) 1 f")
    out = F.conv1d(F.pad(rows, (k - 1, 0)), torch.full((1, 1, k), 1 / k))
    return rearrange(out, "(b c h w) 1 f -> b c f h w", b=b, c=c, h=h)

# %% 2 wrong: frame 0 saw frame 1
def past_mean(x, k):
    padded = F.pad(x, (0, 0, 0, 0, k // 2, k // 2))
    return sum(padded[:, :, j:j + x.shape[2]] for j in range(k)) / k

# %% 2 wrong: that is the future
def past_mean(x, k):
    padded = F.pad(x, (0, 0, 0, 0, 0, k - 1))
    return sum(padded[:, :, j:j + x.shape[2]] for j in range(k)) / k

# %% 2 wrong: the first frames divide by fewer
def past_mean(x, k):
    return torch.stack([x[:, :, max(0, t - k + 1):t + 1].mean(2) for t in range(x.shape[2])], 2)

# %% 2 wrong: pad k - 1 frames
def past_mean(x, k):
    return sum(x[:, :, j:x.shape[2] - k + 1 + j] for j in range(k)) / k

# %% 2 wrong: a frame counts itself, too
def past_mean(x, k):
    padded = F.pad(x, (0, 0, 0, 0, k, 0))
    return sum(padded[:, :, j:j + x.shape[2]] for j in range(k)) / k

# %% 2 wrong: these are sums
def past_mean(x, k):
    padded = F.pad(x, (0, 0, 0, 0, k - 1, 0))
    return sum(padded[:, :, j:j + x.shape[2]] for j in range(k))

# %% 2 wrong: have changed: work on new ones
def past_mean(x, k):
    for t in reversed(range(x.shape[2])):
        x[:, :, t] = x[:, :, max(0, t - k + 1):t + 1].sum(2) / k
    return x

# %% 3 right
def sees_future(layer):
    x = torch.randn(1, 4, 8, 6, 6)
    frames = torch.autograd.functional.jacobian(lambda x: layer(x).square().sum((0, 1, 3, 4)), x)      # 8, then x
    return any(bool((frames[t][:, :, t + 1:].abs() > 1e-6).any()) for t in range(7))

# %% 3 right
def sees_future(layer):
    base = np.random.default_rng(0).normal(size=(1, 4, 8, 6, 6)).astype("float32")
    def run(a): return layer(torch.tensor(a)).detach().numpy()
    leaks = []
    for t in range(1, 8):
        other = base.copy()
        other[:, :, t] *= -2
        leaks.append(abs(run(other) - run(base))[:, :, :t].max() > 1e-6)
    return any(leaks)

# %% 3 wrong: clone() it first
def sees_future(layer):
    x = torch.randn(1, 4, 8, 6, 6)
    changed = x
    changed[:, :, 4:] = 0
    return not torch.equal(layer(changed)[:, :, :4], layer(x)[:, :, :4])

# %% 3 wrong: compare only what came before
def sees_future(layer):
    x = torch.randn(1, 4, 8, 6, 6)
    changed = x.clone()
    changed[:, :, 4:] = 0
    return not torch.equal(layer(changed), layer(x))

# %% 3 wrong: as from frame 1 to frame 0
def sees_future(layer):
    x = torch.randn(1, 4, 8, 6, 6)
    changed = x.clone()
    changed[:, :, 7] += 1 + torch.rand(1, 4, 6, 6)
    return not torch.equal(layer(changed)[:, :, :7], layer(x)[:, :, :7])

# %% 3 wrong: look at the frame just before the change
def sees_future(layer):
    x = torch.randn(1, 4, 8, 6, 6)
    changed = x.clone()
    changed[:, :, 7] += 1 + torch.rand(1, 4, 6, 6)
    return not torch.equal(layer(changed)[:, :, 0], layer(x)[:, :, 0])

# %% 3 wrong: RMS norm sees the future for you
def sees_future(layer):
    return "Causal" not in repr(layer)

# %% 3 wrong: sees the *past*
def sees_future(layer):
    x = torch.randn(1, 4, 8, 6, 6)
    changed = x.clone()
    changed[:, :, 0] += 1 + torch.rand(1, 4, 6, 6)
    return not torch.allclose(layer(changed)[:, :, 1:], layer(x)[:, :, 1:])
