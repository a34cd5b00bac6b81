"Other answers to the exercises of lesson 11; see ../exercises.py"

# %% 1 right
def my_to_unit(frames):
    return (frames.astype(np.float32) - 127.5) / 127.5

# %% 1 right
def my_to_unit(frames):
    x = torch.from_numpy(frames).to(torch.float32)
    x *= 2 / 255
    x -= 1
    return x

# %% 1 wrong: float64
def my_to_unit(frames):
    return frames / 127.5 - 1

# %% 1 wrong: 255 steps, not 256
def my_to_unit(frames):
    return torch.as_tensor(frames).float() / 128 - 1

# %% 1 wrong: wrapped round
def my_to_unit(frames):
    return (frames * 2 / 255 - 1).astype(np.float32)

# %% 1 wrong: the interval [0, 1]
def my_to_unit(frames):
    return torch.as_tensor(frames).float() / 255

# %% 1 wrong: [-1, 0]
def my_to_unit(frames):
    return torch.as_tensor(frames).float() / 255 - 1

# %% 1 wrong: [-0.5, 0.5]
def my_to_unit(frames):
    return torch.as_tensor(frames).float() / 255 - .5

# %% 1 wrong: whole numbers
def my_to_unit(frames):
    return frames.astype(int) // 128 - 1

# %% 2 right
def my_indices(n_have, n_want):
    return np.floor(np.arange(n_want) * n_have / n_want).astype(int)

# %% 2 right
def my_indices(n_have, n_want):
    found = []
    for k in range(n_want):
        found.append(int(k * n_have / n_want))
    return torch.tensor(found)

# %% 2 wrong: half a part each
def my_indices(n_have, n_want):
    return np.linspace(0, n_have - 1, n_want).round().astype(int)

# %% 2 wrong: there is no frame 5.14286
def my_indices(n_have, n_want):
    return np.linspace(0, n_have, n_want)

# %% 2 wrong: the first frames
def my_indices(n_have, n_want):
    return list(range(n_want))

# %% 2 wrong: rounded too early
def my_indices(n_have, n_want):
    return [k * (n_have // n_want) for k in range(n_want)]

# %% 2 wrong: rounded up
def my_indices(n_have, n_want):
    return [round(k * n_have / n_want + 1e-9) for k in range(n_want)]

# %% 2 wrong: the middles of the parts
def my_indices(n_have, n_want):
    return [int((k + .5) * n_have / n_want) for k in range(n_want)]

# %% 2 wrong: there is no frame 36
def my_indices(n_have, n_want):
    return [(k + 1) * n_have // n_want for k in range(n_want)]

# %% 2 wrong: frame_indices does the work
def my_indices(n_have, n_want):
    return frame_indices(n_have, n_want)

# %% 3 right
def my_rate(frames, fps, new_fps):
    moments = np.arange(round(len(frames) / fps * new_fps)) / new_fps
    return frames[np.floor(moments * fps + 1e-9).astype(int)]

# %% 3 right
def my_rate(frames, fps, new_fps):
    n = int(len(frames) * new_fps / fps + .5)
    return np.stack([frames[k * len(frames) // n] for k in range(n)])

# %% 3 wrong: gets shorter in seconds
def my_rate(frames, fps, new_fps):
    return frames

# %% 3 wrong: 8 frames, not 12
def my_rate(frames, fps, new_fps):
    return np.repeat(frames, new_fps // fps, axis=0) if new_fps > fps else frames[::fps // new_fps]

# %% 3 wrong: in each other's place
def my_rate(frames, fps, new_fps):
    return frames[frame_indices(len(frames), round(len(frames) * fps / new_fps))]

# %% 3 wrong: are two of them mixed
def my_rate(frames, fps, new_fps):
    at = np.arange(round(len(frames) * new_fps / fps)) * fps / new_fps
    low = np.minimum(at.astype(int), len(frames) - 1)
    part = (at - low)[:, None, None, None]
    return (frames[low] * (1 - part) + frames[np.minimum(low + 1, len(frames) - 1)] * part).astype(np.uint8)

# %% 3 wrong: come before their moment
def my_rate(frames, fps, new_fps):
    moments = np.arange(round(len(frames) * new_fps / fps)) / new_fps
    return frames[np.clip(np.round(moments * fps).astype(int), 0, len(frames) - 1)]

# %% 3 wrong: multiply first, then divide
def my_rate(frames, fps, new_fps):
    new, at = [], 0
    while at < len(frames) and len(new) < round(len(frames) * new_fps / fps):
        new.append(frames[int(at)])
        at += fps / new_fps
    return new

# %% 3 wrong: no frame is left
def my_rate(frames, fps, new_fps):
    return [frame for frame in frames for _ in range(int(new_fps / fps))]

# %% 3 wrong: run in circles
def my_rate(frames, fps, new_fps):
    n = round(len(frames) * new_fps / fps)
    return np.resize(frames, (n, *frames.shape[1:]))

# %% 3 wrong: the last frame stands at the very end
def my_rate(frames, fps, new_fps):
    n = round(len(frames) * new_fps / fps)
    return frames[np.linspace(0, len(frames) - 1, n).round().astype(int)]
