"Other answers to the exercises of lesson 44"

# %% 1 right
def expected_roughness(sigma):
    variance_x = sigma**2 + (2 * sigma) ** 2 + sigma**2
    return np.sqrt(variance_x + variance_x)

# %% 1 right
def expected_roughness(sigma):
    return torch.tensor([1.0, -2.0, 1.0]).norm() * 2**0.5 * sigma

# %% 1 wrong: x alone
def expected_roughness(sigma):
    return 6**0.5 * sigma

# %% 1 wrong: take the root
def expected_roughness(sigma):
    return 12 * sigma**2

# %% 1 wrong: not 2 times
def expected_roughness(sigma):
    return (2 * (1 + 2 + 1)) ** 0.5 * sigma

# %% 1 wrong: variances do.
def expected_roughness(sigma):
    return (1 + 2 + 1) * sigma

# %% 1 wrong: a first difference
def expected_roughness(sigma):
    return (2 * (1 + 1)) ** 0.5 * sigma

# %% 1 wrong: the root is over the 12
def expected_roughness(sigma):
    return 12 * sigma

# %% 2 right
def my_flicker(video):
    light = video.flatten(3).mean(-1).numpy()
    return np.sqrt((np.diff(light, n=2, axis=-1) ** 2).mean(axis=(1, 2)))

# %% 2 right
def my_flicker(video):
    found = []
    for clip in video:
        light = clip.mean(dim=[-1, -2])
        step = light[:, 1:] - light[:, :-1]
        change = step[:, 1:] - step[:, :-1]
        found.append((change**2).mean() ** 0.5)
    return found

# %% 2 wrong: a first difference
def my_flicker(video):
    return video.mean((3, 4)).diff().square().mean((1, 2)).sqrt()

# %% 2 wrong: the root is missing
def my_flicker(video):
    return video.mean((3, 4)).diff(n=2).square().mean((1, 2))

# %% 2 wrong: red and blue may flicker
def my_flicker(video):
    return video.mean((1, 3, 4)).diff(n=2).square().mean(1).sqrt()

# %% 2 wrong: along time, the third axis
def my_flicker(video):
    return video.mean((3, 4)).diff(n=2, dim=1).square().mean((1, 2)).sqrt()

# %% 2 wrong: one number for each
def my_flicker(video):
    return video.mean((3, 4)).diff(n=2).square().mean().sqrt()

# %% 2 wrong: comes before the difference
def my_flicker(video):
    return video.diff(n=2, dim=2).square().mean((1, 2, 3, 4)).sqrt()

# %% 2 wrong: absolute values
def my_flicker(video):
    return video.mean((3, 4)).diff(n=2).abs().mean((1, 2))

# %% 3 right
def hidden(there, back):
    w, v = there, warp(back, there)
    u = w + v
    return u[:, 0]**2 + u[:, 1]**2 > 0.01 * (w[:, 0]**2 + w[:, 1]**2 + v[:, 0]**2 + v[:, 1]**2) + 0.5

# %% 3 right
def hidden(there, back):
    returned = warp(back, there)
    both = torch.cat([there, returned], 1)
    return torch.linalg.vector_norm(there + returned, dim=1, keepdim=True).square() > 0.01 * both.square().sum(1, keepdim=True) + 0.5

# %% 3 wrong: turn it around
def hidden(there, back):
    back = warp(back, there)
    return (there + back).square().sum(1) <= 0.01 * (there.square() + back.square()).sum(1) + 0.5

# %% 3 wrong: starts where the way there ends
def hidden(there, back):
    return (there + back).square().sum(1) > 0.01 * (there.square() + back.square()).sum(1) + 0.5

# %% 3 wrong: the other one is warped
def hidden(there, back):
    there = warp(there, back)
    return (there + back).square().sum(1) > 0.01 * (there.square() + back.square()).sum(1) + 0.5

# %% 3 wrong: not their difference
def hidden(there, back):
    back = warp(back, there)
    return (there - back).square().sum(1) > 0.01 * (there.square() + back.square()).sum(1) + 0.5

# %% 3 wrong: squared lengths
def hidden(there, back):
    back = warp(back, there)
    return (there + back).norm(dim=1) > 0.01 * (there.norm(dim=1) + back.norm(dim=1)) + 0.5

# %% 3 wrong: one truth value for each place
def hidden(there, back):
    back = warp(back, there)
    return (there + back).square() > 0.01 * (there.square() + back.square()) + 0.5

# %% 4 right
def fools_all(scene):
    "A quarter turn: what moved to the right moves up"
    return np.rot90(render(scene), axes=(1, 2))

# %% 4 right
def fools_all(scene):
    "Another colour, throughout"
    actor = scene.actors[0]
    other = "blue" if actor.color != "blue" else "red"
    return render(replace(scene, actors=(replace(actor, color=other),)))

# %% 4 wrong: it stands still
def fools_all(scene):
    return np.repeat(render(scene)[:1], 8, axis=0)

# %% 4 wrong: seen by warping, track
def fools_all(scene):
    return render(scene)[[3, 0, 6, 1, 7, 2, 5, 4]]

# %% 4 wrong: all clips show what the scene says
def fools_all(scene):
    return render(scene)

# %% 4 wrong: of 12 clips still show
def fools_all(scene):
    return render(scene)[:, :, ::-1].copy()

# %% 4 wrong: a clip is blank
def fools_all(scene):
    return np.zeros((8, 32, 32, 3), np.uint8)

# %% 4 wrong: frames are numpy uint8
def fools_all(scene):
    return render(scene)[::-1] / 255

# %% 4 wrong: seen by warping, shape
def fools_all(scene):
    frames = render(scene)
    shape = "circle" if scene.actors[0].shape != "circle" else "square"
    frames[4:] = render(replace(scene, actors=(replace(scene.actors[0], shape=shape),)))[4:]
    return frames

# %% 4 wrong: seen by warping, flicker
def fools_all(scene):
    light = np.array([1, .7, 1, .7, 1, .7, 1, .7])[:, None, None, None]
    return (render(scene)[::-1] * light).astype(np.uint8)
