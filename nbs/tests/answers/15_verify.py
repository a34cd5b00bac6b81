"Other answers to the exercises of lesson 15; see ../exercises.py"

# %% 1 right
def palest(rgb, tolerance):
    r, g, b = rgb
    return 1 - min(tolerance / (r * r + g * g + b * b) ** .5, 1)

# %% 1 right
def palest(rgb, tolerance):
    shares = np.linspace(0, 1, 10001)
    full = np.array(rgb)
    off = np.linalg.norm(full - shares[:, None] * full, axis=1)
    return shares[off <= tolerance + 1e-9].min()

# %% 1 wrong: not what is left
def palest(rgb, tolerance):
    return tolerance / np.linalg.norm(rgb)

# %% 1 wrong: largest of the three
def palest(rgb, tolerance):
    return max(0, 1 - tolerance / max(rgb))

# %% 1 wrong: square root is missing
def palest(rgb, tolerance):
    return max(0, 1 - tolerance / sum(part ** 2 for part in rgb))

# %% 1 wrong: no sum of parts
def palest(rgb, tolerance):
    return max(0, 1 - tolerance / sum(rgb))

# %% 1 wrong: less than nothing
def palest(rgb, tolerance):
    return 1 - tolerance / np.linalg.norm(rgb)

# %% 1 wrong: of length 1 only
def palest(rgb, tolerance):
    return 1 - tolerance

# %% 2 right
def off_track(centres):
    t = np.arange(len(centres))
    A = np.stack([t, np.ones(len(t))], axis=1)
    fit, *_ = np.linalg.lstsq(A, centres, rcond=None)
    return max(float(np.hypot(*row)) for row in centres - A @ fit)

# %% 2 right
def off_track(centres):
    t = np.arange(len(centres)) - (len(centres) - 1) / 2
    mean = centres.mean(0)
    slope = (t[:, None] * (centres - mean)).sum(0) / (t ** 2).sum()
    return torch.tensor(centres - mean - t[:, None] * slope).norm(dim=1).max()

# %% 2 wrong: fit_track does the work
def off_track(centres):
    slope, track = fit_track(centres)
    return np.linalg.norm(centres - track, axis=1).max()

# %% 2 wrong: the mean over frames
def off_track(centres):
    t = np.arange(len(centres))
    slope, start = np.polyfit(t, centres, 1)
    return np.linalg.norm(centres - start - t[:, None] * slope, axis=1).mean()

# %% 2 wrong: larger of the two coordinates
def off_track(centres):
    t = np.arange(len(centres))
    slope, start = np.polyfit(t, centres, 1)
    return np.abs(centres - start - t[:, None] * slope).max()

# %% 2 wrong: the first and the last
def off_track(centres):
    track = np.linspace(centres[0], centres[-1], len(centres))
    return np.linalg.norm(centres - track, axis=1).max()

# %% 2 wrong: time should count
def off_track(centres):
    middle = centres - centres.mean(0)
    normal = np.linalg.svd(middle)[2][1]
    return np.abs(middle @ normal).max()

# %% 2 wrong: a squared distance
def off_track(centres):
    t = np.arange(len(centres))
    slope, start = np.polyfit(t, centres, 1)
    return ((centres - start - t[:, None] * slope) ** 2).sum(1).max()

# %% 2 wrong: one number is wanted
def off_track(centres):
    t = np.arange(len(centres))
    slope, start = np.polyfit(t, centres, 1)
    return np.linalg.norm(centres - start - t[:, None] * slope, axis=1)

# %% 2 wrong: begin at the first centre
def off_track(centres):
    t = np.arange(len(centres))[:, None]
    slope = ((centres - centres[0]) * t).sum(0) / (t ** 2).sum()
    return np.linalg.norm(centres - centres[0] - t * slope, axis=1).max()

# %% 3 right
def zigzag(x, y, speed, n_frames):
    centres = [(x, y)]
    for t in range(n_frames - 1):
        x, y = x + speed, y + (speed if t % 4 < 2 else -speed)
        centres.append((x, y))
    return centres

def reads_zigzag(clip):
    try: centres = measure(clip).centres
    except Unreadable: return False
    right, down = np.diff(centres, axis=0).T
    signs = np.array([1, 1, -1, -1] * 2)[:len(down)]
    return (right > .6).all() and (down * signs > .6).all() and np.ptp(right) < 1.2

# %% 3 right
def zigzag(x, y, speed, n_frames):
    heights = torch.tensor([0, 1, 2, 1]).repeat(n_frames)[:n_frames]
    return torch.stack([x + speed * torch.arange(n_frames), y + speed * heights], dim=1)

def reads_zigzag(clip):
    try: centres = measure(clip).centres
    except Unreadable: return False
    def misfit(speed): return np.linalg.norm(centres - centres.mean(0) - (drawn(speed) - drawn(speed).mean(0)), axis=1).max()
    def drawn(speed): return zigzag(0, 0, speed, len(clip)).numpy()
    return min(misfit(speed) for speed in np.arange(1.1, 1.9, .05)) < .8

# %% 3 wrong: it goes up first; y points down
def zigzag(x, y, speed, n_frames):
    t = np.arange(n_frames)
    return np.stack([x + speed * t, y - speed * abs((t + 2) % 4 - 2)], axis=1)

def reads_zigzag(clip):
    return True

# %% 3 wrong: it turns in every frame
def zigzag(x, y, speed, n_frames):
    t = np.arange(n_frames)
    return np.stack([x + speed * t, y + speed * (t % 2)], axis=1)

def reads_zigzag(clip):
    return True

# %% 3 wrong: catch it
def zigzag(x, y, speed, n_frames):
    t = np.arange(n_frames)
    return np.stack([x + speed * t, y + speed * abs((t + 2) % 4 - 2)], axis=1)

def reads_zigzag(clip):
    steps = np.diff(measure(clip).centres, axis=0)
    wanted = np.diff(zigzag(0, 0, 1, len(clip)), axis=0)
    speed = (steps * wanted).mean()
    return speed > .8 and abs(steps - speed * wanted).max() < .6 * speed

# %% 3 wrong: so is everything that turns
def zigzag(x, y, speed, n_frames):
    t = np.arange(n_frames)
    return np.stack([x + speed * t, y + speed * abs((t + 2) % 4 - 2)], axis=1)

def reads_zigzag(clip):
    try: measured = measure(clip)
    except Unreadable: return False
    slope, track = fit_track(measured.centres)
    return abs(measured.centres - track).max() > 1

# %% 3 wrong: y is right, and x?
def zigzag(x, y, speed, n_frames):
    t = np.arange(n_frames)
    return np.stack([x + speed * t, y + speed * abs((t + 2) % 4 - 2)], axis=1)

def reads_zigzag(clip):
    try: down = np.diff(measure(clip).centres[:, 1])
    except Unreadable: return False
    return (down * [1, 1, -1, -1, 1, 1, -1] > .6).all()

# %% 3 wrong: is there room for it
def zigzag(x, y, speed, n_frames):
    t = np.arange(n_frames)
    return np.stack([x + speed * t, y + speed * abs((t + 2) % 4 - 2)], axis=1)

def reads_zigzag(clip):
    try: centres = measure(clip).centres
    except Unreadable: return False
    speed = np.diff(centres[:, 0]).mean()
    return abs(centres - zigzag(*centres[0], speed, len(clip))).max() < .05

# %% 3 wrong: does it turn at all
def zigzag(x, y, speed, n_frames):
    t = np.arange(n_frames)
    return np.stack([x + speed * t, y + speed * abs((t + 2) % 4 - 2)], axis=1)

def reads_zigzag(clip):
    return True
