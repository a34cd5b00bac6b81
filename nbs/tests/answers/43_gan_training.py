"Other answers to the exercises of lesson 43"

# %% 1 right
def evenness(counts):
    import math
    total, result = sum(counts.values()), 1
    for n in counts.values(): result *= (n / total) ** -(n / total)
    return result

# %% 1 right
def evenness(counts):
    return 2 ** stats.entropy(list(counts.values()), base=2)

# %% 1 wrong: that is the entropy
def evenness(counts):
    shares = np.array(list(counts.values())) / sum(counts.values())
    return float(-(shares * np.log(shares)).sum())

# %% 1 wrong: the sign is missing
def evenness(counts):
    shares = np.array(list(counts.values())) / sum(counts.values())
    return float(np.exp((shares * np.log(shares)).sum()))

# %% 1 wrong: log2 and e
def evenness(counts):
    shares = np.array(list(counts.values())) / sum(counts.values())
    return float(np.exp(-(shares * np.log2(shares)).sum()))

# %% 1 wrong: however rare
def evenness(counts):
    return len(counts)

# %% 1 wrong: shares first
def evenness(counts):
    n = np.array(list(counts.values()))
    return float(np.exp(-(n * np.log(n)).sum()))

# %% 1 wrong: 1 / sum of p²
def evenness(counts):
    shares = np.array(list(counts.values())) / sum(counts.values())
    return 1 / (shares**2).sum()

# %% 1 wrong: the shares are weights already
def evenness(counts):
    shares = np.array(list(counts.values())) / sum(counts.values())
    return float(np.exp(-np.mean(shares * np.log(shares))))

# %% 2 right
def one_noise_per_frame(generator, text, seed):
    rng = torch.Generator().manual_seed(seed)
    noises = torch.randn(8, len(text.pooled), 64, generator=rng)
    clips = torch.stack([generator(text, z) for z in noises])          # 8 b c f h w
    return torch.stack([clips[t, :, :, t] for t in range(8)], dim=2)

# %% 2 right
@torch.no_grad()
def one_noise_per_frame(generator, text, seed):
    random = np.random.default_rng(seed)
    result = None
    for t in range(8):
        clip = generator(text, torch.tensor(random.standard_normal((len(text.pooled), 64)), dtype=torch.float32))
        if result is None: result = clip.clone()
        result[:, :, t] = clip[:, :, t]
    return result

# %% 2 wrong: draw anew for each
def one_noise_per_frame(generator, text, seed):
    rng = torch.Generator().manual_seed(seed)
    return generator(text, torch.randn(len(text.pooled), 64, generator=rng))

# %% 2 wrong: seeded anew for each
def one_noise_per_frame(generator, text, seed):
    frames = []
    for t in range(8):
        rng = torch.Generator().manual_seed(seed)
        frames.append(generator(text, torch.randn(len(text.pooled), 64, generator=rng))[:, :, t])
    return torch.stack(frames, 2)

# %% 2 wrong: each frame is the first one
def one_noise_per_frame(generator, text, seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([generator(text, torch.randn(len(text.pooled), 64, generator=rng))[:, :, 0] for t in range(8)], 2)

# %% 2 wrong: all clips have the same noise
def one_noise_per_frame(generator, text, seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([generator(text, torch.randn(1, 64, generator=rng).expand(len(text.pooled), -1))[:, :, t] for t in range(8)], 2)

# %% 2 wrong: not b c f h w
def one_noise_per_frame(generator, text, seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([generator(text, torch.randn(len(text.pooled), 64, generator=rng))[:, :, t] for t in range(8)])

# %% 2 wrong: the global random generator
def one_noise_per_frame(generator, text, seed):
    torch.manual_seed(seed)
    return torch.stack([generator(text, torch.randn(len(text.pooled), 64))[:, :, t] for t in range(8)], 2)

# %% 2 wrong: z has a row
def one_noise_per_frame(generator, text, seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([generator(text, torch.randn(1, 64, generator=rng)).expand(4, -1, -1, -1, -1)[:, :, t] for t in range(8)], 2)

# %% 2 wrong: the same seed gives another clip
def one_noise_per_frame(generator, text, seed):
    rng = torch.Generator()
    rng.seed()
    return torch.stack([generator(text, torch.randn(len(text.pooled), 64, generator=rng))[:, :, t] for t in range(8)], 2)

# %% 3 right
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    with torch.no_grad(): frozen = generator(z)
    d_optimizer.zero_grad()
    d_loss = loss(discriminator(real), discriminator(frozen))
    d_loss.backward()
    d_optimizer.step()
    discriminator.requires_grad_(False)
    g_optimizer.zero_grad()
    g_loss = loss(discriminator(generator(z)), discriminator(real))
    g_loss.backward()
    g_optimizer.step()
    discriminator.requires_grad_(True)
    return [d_loss.detach(), g_loss.detach()]

# %% 3 right
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake, losses = generator(z), []
    for net, optimizer, sign, clips in ((discriminator, d_optimizer, 1, fake.detach()), (generator, g_optimizer, -1, fake)):
        gap = discriminator(real) - discriminator(clips)
        value = F.softplus(-sign * gap).mean()
        for p, g in zip(net.parameters(), torch.autograd.grad(value, list(net.parameters()))): p.grad = g
        optimizer.step()
        losses.append(value)
    return losses

# %% 3 wrong: D gets fake.detach()
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z)
    d_loss = loss(discriminator(real), discriminator(fake))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = loss(discriminator(fake), discriminator(real))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss

# %% 3 wrong: with D before its update
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z)
    d_loss = loss(discriminator(real), discriminator(fake.detach()))
    g_loss = loss(discriminator(fake), discriminator(real))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss

# %% 3 wrong: as it was before its update
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z)
    g_optimizer.zero_grad()
    g_loss = loss(discriminator(fake), discriminator(real))
    g_loss.backward()
    d_optimizer.zero_grad()
    d_loss = loss(discriminator(real), discriminator(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    g_optimizer.step()
    return d_loss, g_loss

# %% 3 wrong: real first in its loss
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z)
    d_loss = loss(discriminator(fake.detach()), discriminator(real))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = loss(discriminator(fake), discriminator(real))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss

# %% 3 wrong: fake first in its loss
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z)
    d_loss = loss(discriminator(real), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = loss(discriminator(real), discriminator(fake))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss

# %% 3 wrong: clear them before D's backward
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z)
    d_loss = loss(discriminator(real), discriminator(fake.detach()))
    d_loss.backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    g_loss = loss(discriminator(fake), discriminator(real))
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss

# %% 3 wrong: G has not learnt
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z).detach()
    d_loss = loss(discriminator(real), discriminator(fake))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = loss(discriminator(fake), discriminator(real))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return d_loss, g_loss

# %% 3 wrong: give back D's loss and then G's
def one_step(generator, discriminator, g_optimizer, d_optimizer, loss, real, z):
    fake = generator(z)
    d_loss = loss(discriminator(real), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = loss(discriminator(fake), discriminator(real))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    return g_loss, d_loss
