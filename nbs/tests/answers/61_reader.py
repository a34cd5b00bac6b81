# %% 1 right
def one_wrong(scene):
    new = next(c for c in COLORS if c != scene.actors[0].color and c != scene.actors[1].color)
    return replace(scene, actors=(scene.actors[0], replace(scene.actors[1], color=new)))

# %% 1 right
def one_wrong(scene):
    names = list(COLORS)
    k = names.index(scene.actors[0].color)
    while names[k] in {a.color for a in scene.actors}: k = (k + 1) % len(names)
    return only_actor(scene, color=names[k])

# %% 1 wrong: a white and a purple actor come back as they were
def one_wrong(scene):
    return only_actor(scene, color="white")

# %% 1 wrong: the colours have changed places
def one_wrong(scene):
    a, b = scene.actors
    return replace(scene, actors=(replace(a, color=b.color), replace(b, color=a.color)))

# %% 1 wrong: both colours have changed
def one_wrong(scene):
    free = [color for color in COLORS if color not in [a.color for a in scene.actors]]
    return replace(scene, actors=tuple(replace(a, color=c) for a, c in zip(scene.actors, free)))

# %% 1 wrong: is no colour of this world
def one_wrong(scene):
    return only_actor(scene, color="black")

# %% 1 wrong: should return a scene of two actors
def one_wrong(scene):
    free = [color for color in COLORS if color not in [a.color for a in scene.actors]]
    return replace(scene.actors[0], color=free[0])

# %% 1 wrong: shape is wrong, too
def one_wrong(scene):
    free = [color for color in COLORS if color not in [a.color for a in scene.actors]]
    return only_actor(scene, color=free[0], shape="circle" if scene.actors[0].shape != "circle" else "square")

# %% 2 right
def accelerating(n_frames):
    x = np.array([[1, t * t] for t in range(n_frames)], float)
    return TrackModel(kind="accelerates", x=x, y=np.ones((n_frames, 1)))

# %% 2 right
def accelerating(n_frames):
    return TrackModel("accelerates", np.vander(np.arange(n_frames), 3)[:, [0, 2]] * 1.0, np.full((n_frames, 1), 2.0))

# %% 2 wrong: it fits motion at constant speed, too
def accelerating(n_frames):
    t = np.arange(n_frames)
    one = np.ones(n_frames)
    return TrackModel("accelerates", np.stack([one, t, t**2], 1), one[:, None])

# %% 2 wrong: x and y are tables of frames by functions
def accelerating(n_frames):
    t = np.arange(n_frames)
    return TrackModel("accelerates", np.stack([np.ones(n_frames), t**2], 1), np.ones(n_frames))

# %% 2 wrong: it fits only tracks that begin at x = 0
def accelerating(n_frames):
    t = np.arange(n_frames)
    return TrackModel("accelerates", (t**2)[:, None], np.ones((n_frames, 1)))

# %% 2 wrong: a row is a frame, a column a function
def accelerating(n_frames):
    t = np.arange(n_frames)
    return TrackModel("accelerates", np.stack([np.ones(n_frames), t**2]), np.ones((1, n_frames)))

# %% 2 wrong: this one accelerates downwards
def accelerating(n_frames):
    t = np.arange(n_frames)
    return TrackModel("accelerates", np.ones((n_frames, 1)), np.stack([np.ones(n_frames), t**2], 1))

# %% 2 wrong: 11 frames want 11 rows, not 16
def accelerating(n_frames):
    t = np.arange(16)
    return TrackModel("accelerates", np.stack([np.ones(16), t**2], 1), np.ones((16, 1)))

# %% 2 wrong: y may accelerate, too
def accelerating(n_frames):
    t = np.arange(n_frames)
    both = np.stack([np.ones(n_frames), t**2], 1)
    return TrackModel("accelerates", both, both)

# %% 3 right
def centre_of(cover):
    rows, columns = np.indices(cover.shape) + .5
    return np.array([np.average(columns, weights=cover), np.average(rows, weights=cover)])

# %% 3 right
def centre_of(cover):
    total = sx = sy = 0.0
    for i, row in enumerate(cover.tolist()):
        for j, share in enumerate(row):
            total += share
            sx += share * (j + .5)
            sy += share * (i + .5)
    return [sx / total, sy / total]

# %% 3 wrong: that is y, then x
def centre_of(cover):
    rows, columns = np.indices(cover.shape) + .5
    return np.average(rows, weights=cover), np.average(columns, weights=cover)

# %% 3 wrong: half a pixel to the upper left
def centre_of(cover):
    rows, columns = np.indices(cover.shape)
    return np.average(columns, weights=cover), np.average(rows, weights=cover)

# %% 3 wrong: every pixel counted as much
def centre_of(cover):
    y, x = np.argwhere(cover > 0).mean(0) + .5
    return x, y

# %% 3 wrong: divide by the area
def centre_of(cover):
    rows, columns = np.indices(cover.shape) + .5
    return (columns * cover).sum(), (rows * cover).sum()

# %% 3 wrong: should return two numbers
def centre_of(cover):
    return cover.mean()

# %% 4 right
def goes_clockwise(centres):
    x, y = (centres - centres.mean(0)).T
    turned = np.unwrap(np.arctan2(y, x))
    return turned[-1] > turned[0]

# %% 4 right
def goes_clockwise(centres):
    steps = [b - a for a, b in zip(centres, centres[1:])]
    return sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(steps, steps[1:])) > 0

# %% 4 wrong: all are the other way round
def goes_clockwise(centres):
    x, y = (centres - centres.mean(0)).T
    return bool((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() < 0)

# %% 4 wrong: right around the point (0, 0)
def goes_clockwise(centres):
    x, y = centres.T
    return bool(x[0] * y[1] > y[0] * x[1])

# %% 4 wrong: an angle jumps from pi to -pi
def goes_clockwise(centres):
    x, y = (centres - centres.mean(0)).T
    angle = np.arctan2(y, x)
    return angle[-1] > angle[0]

# %% 4 wrong: always True
def goes_clockwise(centres):
    return True

# %% 4 wrong: should return True or False
def goes_clockwise(centres):
    x, y = (centres - centres.mean(0)).T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum()
