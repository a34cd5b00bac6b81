"Other answers to the exercises of lesson 58"

# %% 1 right
def moving_hole(n_frames, size, width):
    columns = np.arange(size)
    left = np.rint(np.arange(n_frames) * (size - width) / (n_frames - 1))
    inside = (columns >= left[:, None]) & (columns < left[:, None] + width)
    return np.repeat(inside[:, None, :], size, axis=1)

# %% 1 right
def moving_hole(n_frames, size, width):
    hole = torch.zeros(n_frames, size, size, dtype=torch.bool)
    for k in range(n_frames):
        left = (size - width) * k // (n_frames - 1)
        hole[k, :, left:left + width] = True
    return hole

# %% 1 wrong: of True and False
def moving_hole(n_frames, size, width):
    mask = np.zeros((n_frames, size, size))
    for k, left in enumerate(np.linspace(0, size - width, n_frames).round().astype(int)): mask[k, :, left:left + width] = 1
    return mask

# %% 1 wrong: is that a row
def moving_hole(n_frames, size, width):
    mask = np.zeros((n_frames, size, size), bool)
    for k, top in enumerate(np.linspace(0, size - width, n_frames).round().astype(int)): mask[k, top:top + width] = True
    return mask

# %% 1 wrong: it does not move
def moving_hole(n_frames, size, width):
    mask = np.zeros((n_frames, size, size), bool)
    mask[:, :, :width] = True
    return mask

# %% 1 wrong: columns wide in every frame
def moving_hole(n_frames, size, width):
    mask = np.zeros((n_frames, size, size), bool)
    for k, left in enumerate(np.linspace(0, size, n_frames).round().astype(int)): mask[k, :, left:left + width] = True
    return mask

# %% 1 wrong: ends at the border
def moving_hole(n_frames, size, width):
    mask = np.zeros((n_frames, size, size), bool)
    for k in range(n_frames): mask[k, :, k * (size - width) // n_frames:k * (size - width) // n_frames + width] = True
    return mask

# %% 1 wrong: the other way round
def moving_hole(n_frames, size, width):
    mask = np.ones((n_frames, size, size), bool)
    for k, left in enumerate(np.linspace(0, size - width, n_frames).round().astype(int)): mask[k, :, left:left + width] = False
    return mask

# %% 1 wrong: a mask has no colours
def moving_hole(n_frames, size, width):
    mask = np.zeros((n_frames, size, size, 3), bool)
    for k, left in enumerate(np.linspace(0, size - width, n_frames).round().astype(int)): mask[k, :, left:left + width] = True
    return mask

# %% 1 wrong: not for 3 of 16
def moving_hole(n_frames, size, width):
    mask = np.zeros((n_frames, size, size), bool)
    for k, left in enumerate((0, 4, 7, 11, 15, 19, 22, 26)[:n_frames]): mask[k, :, left:left + width] = True
    return mask

# %% 2 right
def with_known(x, x0, noise, alpha, sigma, known, value):
    new = x0.clone()
    new[known] = value[known]
    return new, (x - alpha * new) / sigma

# %% 2 right
def with_known(x, x0, noise, alpha, sigma, known, value):
    keep = known.float()
    new = keep * value + (1 - keep) * x0
    return [new, noise - alpha / sigma * (new - x0)]

# %% 2 wrong: with the old noise
def with_known(x, x0, noise, alpha, sigma, known, value):
    return torch.where(known, value, x0), noise

# %% 2 wrong: the other way round
def with_known(x, x0, noise, alpha, sigma, known, value):
    x0 = torch.where(known, x0, value)
    return x0, (x - alpha * x0) / sigma

# %% 2 wrong: divided by sigma
def with_known(x, x0, noise, alpha, sigma, known, value):
    x0 = torch.where(known, value, x0)
    return x0, x - alpha * x0

# %% 2 wrong: changes what it is given
def with_known(x, x0, noise, alpha, sigma, known, value):
    x0[known] = value[known]
    return x0, (x - alpha * x0) / sigma

# %% 2 wrong: x0 comes first
def with_known(x, x0, noise, alpha, sigma, known, value):
    x0 = torch.where(known, value, x0)
    return (x - alpha * x0) / sigma, x0

# %% 2 wrong: where nothing is known
def with_known(x, x0, noise, alpha, sigma, known, value):
    x0 = torch.where(known, value, torch.zeros_like(x0))
    return x0, (x - alpha * x0) / sigma

# %% 2 wrong: alpha is missing
def with_known(x, x0, noise, alpha, sigma, known, value):
    x0 = torch.where(known, value, x0)
    return x0, (x - x0) / sigma

# %% 3 right
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    ratio = alpha_next / alpha
    return ratio * x + (sigma_next - ratio * sigma) * noise

# %% 3 right
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    "In x / alpha, where the way is straight"
    y = x / alpha + (sigma_next / alpha_next - sigma / alpha) * noise
    return (alpha_next * y).numpy()

# %% 3 wrong: x is no clean clip
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    return alpha_next * x + sigma_next * noise

# %% 3 wrong: mix for the next time
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    x0 = (x - sigma * noise) / alpha
    return alpha * x0 + sigma * noise

# %% 3 wrong: the division is missing
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    return alpha_next * (x - sigma * noise) + sigma_next * noise

# %% 3 wrong: that is the clean clip
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    return (x - sigma * noise) / alpha

# %% 3 wrong: have changed places
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    x0 = (x - sigma * noise) / alpha
    return sigma_next * x0 + alpha_next * noise

# %% 3 wrong: which has some already
def step_back(x, noise, alpha, sigma, alpha_next, sigma_next):
    return x + sigma_next * noise

# %% 4 right
def way_back(model, clip, prompt):
    backwards = Clip(clip.frames[::-1], clip.fps)
    return model.interpolate(backwards, prompt, last=backwards)

# %% 4 right
def way_back(model, clip, prompt):
    start = clip.frames[-1]
    end = clip.frames[0]
    return model.interpolate(clip=Clip(start[None], clip.fps), prompt=prompt, last=Clip(np.stack([end]), clip.fps), num_inference_steps=13)

# %% 4 wrong: swap the two ends
def way_back(model, clip, prompt):
    return model.interpolate(clip, prompt)

# %% 4 wrong: interpolate takes the *first*
def way_back(model, clip, prompt):
    return model.interpolate(clip, prompt, Clip(clip.frames[:1], clip.fps))

# %% 4 wrong: so cut the first frame out
def way_back(model, clip, prompt):
    return model.interpolate(Clip(clip.frames[-1:], clip.fps), prompt, clip)

# %% 4 wrong: the model draws nothing
def way_back(model, clip, prompt):
    return Clip(clip.frames[::-1].copy(), clip.fps)

# %% 4 wrong: only the way back
def way_back(model, clip, prompt):
    back = model.interpolate(Clip(clip.frames[-1:], clip.fps), prompt, Clip(clip.frames[:1], clip.fps))
    return Clip(np.concatenate([clip.frames, back.frames]), clip.fps)

# %% 4 wrong: hand the prompt on
def way_back(model, clip, prompt):
    return model.interpolate(Clip(clip.frames[-1:], clip.fps), "back: " + prompt, Clip(clip.frames[:1], clip.fps))

# %% 4 wrong: return a Clip
def way_back(model, clip, prompt):
    return model.interpolate(Clip(clip.frames[-1:], clip.fps), prompt, Clip(clip.frames[:1], clip.fps)).frames
