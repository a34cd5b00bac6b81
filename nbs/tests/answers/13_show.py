"Other answers to the exercises of lesson 13; see ../exercises.py"

# %% 1 right
def my_strip(frames, gap):
    f, h, w, c = frames.shape
    picture = np.full((h, f * (w + gap) - gap, c), 255, np.uint8)
    for i in range(f): picture[:, i * (w + gap):i * (w + gap) + w] = frames[i]
    return picture

# %% 1 right
def my_strip(frames, gap):
    spaced = np.pad(frames, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=255)
    picture = np.concatenate(list(spaced), axis=1)
    return torch.from_numpy(picture[:, :picture.shape[1] - gap])

# %% 1 wrong: a gap at an end
def my_strip(frames, gap):
    return np.concatenate(list(np.pad(frames, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=255)), axis=1)

# %% 1 wrong: one below the other
def my_strip(frames, gap):
    spaced = np.pad(frames, ((0, 0), (0, gap), (0, 0), (0, 0)), constant_values=255)
    picture = np.concatenate(list(spaced), axis=0)
    return picture[:len(picture) - gap]

# %% 1 wrong: should be white
def my_strip(frames, gap):
    spaced = np.pad(frames, ((0, 0), (0, 0), (0, gap), (0, 0)))
    picture = np.concatenate(list(spaced), axis=1)
    return picture[:, :picture.shape[1] - gap]

# %% 1 wrong: x[:, :-0] is empty
def my_strip(frames, gap):
    return np.concatenate(list(np.pad(frames, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=255)), axis=1)[:, :-gap]

# %% 1 wrong: mix rows and frames
def my_strip(frames, gap):
    f, h, w, c = frames.shape
    picture = np.full((h, f * (w + gap) - gap, c), 255, np.uint8)
    mixed = frames.reshape(h, f, w, c)
    for i in range(f): picture[:, i * (w + gap):i * (w + gap) + w] = mixed[:, i]
    return picture

# %% 1 wrong: the shape is
def my_strip(frames, gap):
    return frames.reshape(frames.shape[1], -1, 3)

# %% 2 right
def my_trace(frames):
    first, last = frames[0].astype(float), frames[-1].astype(float)
    moved = np.abs(first - last).max(-1, keepdims=True) > 20
    empty = frames[0, 0, 0].astype(float)
    there = np.abs(first - empty).max(-1, keepdims=True) > 20
    return np.where(moved & there, .5 * first + .5 * empty, last).round().astype(np.uint8)

# %% 2 right
def my_trace(frames):
    clip = torch.from_numpy(frames).float()
    empty = clip[:, 0, 0].mean(0)
    now = clip[len(clip) // 2] - empty
    before = .4 * (clip[0] - empty)
    return (empty + torch.where(now.abs() >= before.abs(), now, before)).round().to(torch.uint8)

# %% 2 wrong: _motion_hint does the work
def my_trace(frames):
    return _motion_hint(frames)

# %% 2 wrong: look alike
def my_trace(frames):
    return frames.mean(0).round().astype(np.uint8)

# %% 2 wrong: where the thing began
def my_trace(frames):
    return frames[-1]

# %% 2 wrong: where the thing went
def my_trace(frames):
    return frames[0]

# %% 2 wrong: uint8, not float64
def my_trace(frames):
    shares = np.linspace(.2, 1, len(frames))[:, None, None, None]
    return (frames * shares).max(0)

# %% 2 wrong: in which nothing moves
def my_trace(frames):
    return (np.abs(frames[-1].astype(float) - frames[0]) * [1, .5, .3] + np.minimum(frames[0], 60)).clip(0, 255).astype(np.uint8)

# %% 2 wrong: changes what it is given
def my_trace(frames):
    frames[0] //= 2
    return frames[[0, 4, 7]].max(0)

# %% 3 right
def repaired(x):
    red, green, blue = x
    return 2 * torch.stack([blue, green, red]) - 1

# %% 3 right
def repaired(x):
    return to_unit_from_screen(x[[2, 1, 0]] * 255)

def to_unit_from_screen(x):
    return x / 127.5 - 1

# %% 3 wrong: which two have changed places
def repaired(x):
    return x * 2 - 1

# %% 3 wrong: black is still grey
def repaired(x):
    return x.flip(0)

# %% 3 wrong: turns time round
def repaired(x):
    return (x * 2 - 1).flip(1)

# %% 3 wrong: must stay pale
def repaired(x):
    x = x.flip(0)
    return (x - x.min()) / (x.max() - x.min()) * 2 - 1

# %% 3 wrong: changes what it is given
def repaired(x):
    return x.mul_(2).sub_(1).flip(0)

# %% 3 wrong: dark and bright
def repaired(x):
    return (1 - 2 * x).flip(0)

# %% 3 wrong: do not clamp
def repaired(x):
    return (x * 2 - 1).flip(0).clamp(0, 1)
