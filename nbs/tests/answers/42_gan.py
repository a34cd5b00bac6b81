"Other answers to the exercises of lesson 42"

# %% 1 right
def chance_level(n):
    return infonce(torch.zeros(n, 2), torch.zeros(n, 2))

# %% 1 right
def chance_level(n):
    import math
    return -math.log(1 / n)

# %% 1 wrong: is the probability
def chance_level(n):
    return 1 / n

# %% 1 wrong: that counts bits
def chance_level(n):
    return np.log2(n)

# %% 1 wrong: the sign
def chance_level(n):
    return np.log(1 / n)

# %% 1 wrong: for 16 only
def chance_level(n):
    return 2.7725887

# %% 1 wrong: are n - 1
def chance_level(n):
    return np.log(n - 1)

# %% 1 wrong: what is its cross-entropy
def chance_level(n):
    return np.log(n) / n

# %% 2 right
def hinge(a_real, a_fake):
    zero = torch.zeros(())
    return torch.maximum(zero, 1 - a_real).mean() + torch.maximum(zero, 1 + a_fake).mean()

# %% 2 right
def hinge(a_real, a_fake):
    total_real = sum(torch.clamp(1 - a, min=0) for a in a_real)
    total_fake = sum(torch.clamp(1 + a, min=0) for a in a_fake)
    return total_real / len(a_real) + total_fake / len(a_fake)

# %% 2 wrong: the signs
def hinge(a_real, a_fake):
    return F.relu(1 + a_real).mean() + F.relu(1 - a_fake).mean()

# %% 2 wrong: goes on for ever
def hinge(a_real, a_fake):
    return (1 - a_real).mean() + (1 + a_fake).mean()

# %% 2 wrong: take means
def hinge(a_real, a_fake):
    return F.relu(1 - a_real).sum() + F.relu(1 + a_fake).sum()

# %% 2 wrong: not the mean over all clips
def hinge(a_real, a_fake):
    return F.relu(torch.cat([1 - a_real, 1 + a_fake])).mean()

# %% 2 wrong: are added, not averaged
def hinge(a_real, a_fake):
    return (F.relu(1 - a_real).mean() + F.relu(1 + a_fake).mean()) / 2

# %% 2 wrong: the mean comes last
def hinge(a_real, a_fake):
    return max(0, (1 - a_real).mean()) + max(0, (1 + a_fake).mean())

# %% 2 wrong: the margin is 1
def hinge(a_real, a_fake):
    return F.relu(-a_real).mean() + F.relu(a_fake).mean()

# %% 2 wrong: must stay a tensor
def hinge(a_real, a_fake):
    return (F.relu(1 - a_real).mean() + F.relu(1 + a_fake).mean()).item()

# %% 3 right
def wrong_by_luck(labels):
    equal = 0
    for i in range(len(labels)):
        if labels[i] == labels[(i + 1) % len(labels)]: equal += 1
    return equal / len(labels)

# %% 3 right
def wrong_by_luck(labels):
    labels = np.array(labels)
    return (labels == np.roll(labels, 1)).mean()

# %% 3 wrong: the last clip has a neighbour
def wrong_by_luck(labels):
    return sum(a == b for a, b in zip(labels, labels[1:])) / len(labels)

# %% 3 wrong: as many pairs as clips
def wrong_by_luck(labels):
    return float(np.mean([a == b for a, b in zip(labels, labels[1:])]))

# %% 3 wrong: divide it by all
def wrong_by_luck(labels):
    return sum(a == b for a, b in zip(labels, labels[1:] + labels[:1]))

# %% 3 wrong: not every other one
def wrong_by_luck(labels):
    return float(np.mean([a == b for i, a in enumerate(labels[:50]) for j, b in enumerate(labels[:50]) if i != j]))

# %% 3 wrong: how often is it right
def wrong_by_luck(labels):
    return float(np.mean([a != b for a, b in zip(labels, labels[1:] + labels[:1])]))

# %% 3 wrong: share of different labels
def wrong_by_luck(labels):
    return len(set(labels)) / len(labels)

# %% 3 wrong: changes what it is given
def wrong_by_luck(labels):
    labels.append(labels[0])
    return sum(a == b for a, b in zip(labels, labels[1:])) / (len(labels) - 1)

# %% 4 right
def my_penalty(score, video):
    video = video.clone().requires_grad_()
    total = score(video).sum()
    g = torch.autograd.grad(outputs=total, inputs=video, create_graph=True, retain_graph=True)[0]
    return torch.linalg.vector_norm(g.flatten(1), dim=1).pow(2).mean()

# %% 4 right
def my_penalty(score, video):
    "Clip by clip"
    lengths = []
    for clip in video.detach():
        clip = clip[None].requires_grad_(True)
        g, = torch.autograd.grad(score(clip)[0], clip, create_graph=True)
        lengths.append((g * g).sum())
    return torch.stack(lengths).mean()

# %% 4 wrong: create_graph=True keeps
def my_penalty(score, video):
    video = video.detach().requires_grad_(True)
    gradient, = torch.autograd.grad(score(video).sum(), video)
    return gradient.square().flatten(1).sum(1).mean()

# %% 4 wrong: the length itself
def my_penalty(score, video):
    video = video.detach().requires_grad_(True)
    gradient, = torch.autograd.grad(score(video).sum(), video, create_graph=True)
    return gradient.flatten(1).norm(dim=1).mean()

# %% 4 wrong: a squared length is the sum
def my_penalty(score, video):
    video = video.detach().requires_grad_(True)
    gradient, = torch.autograd.grad(score(video).sum(), video, create_graph=True)
    return gradient.square().mean()

# %% 4 wrong: take that of the sum
def my_penalty(score, video):
    video = video.detach().requires_grad_(True)
    gradient, = torch.autograd.grad(score(video).mean(), video, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()

# %% 4 wrong: WGAN-GP
def my_penalty(score, video):
    video = video.detach().requires_grad_(True)
    gradient, = torch.autograd.grad(score(video).sum(), video, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()

# %% 4 wrong: take their mean
def my_penalty(score, video):
    video = video.detach().requires_grad_(True)
    gradient, = torch.autograd.grad(score(video).sum(), video, create_graph=True)
    return gradient.square().sum()

# %% 4 wrong: the squared score
def my_penalty(score, video):
    return score(video).square().mean()
