# %% 1 right
def swapped(scene, generator):
    order = np.arange(scene.n_frames)
    i = int(generator.integers(0, scene.n_frames - 1))
    order[i], order[i + 1] = i + 1, i
    return render(scene)[order]

# %% 1 right
def swapped(scene, generator):
    frames = list(render(scene))
    i = generator.choice(len(frames) - 1)
    frames[i], frames[i + 1] = frames[i + 1], frames[i]
    return np.stack(frames)

# %% 1 wrong: is gone and its neighbour is there twice
def swapped(scene, generator):
    frames = render(scene)
    i = generator.integers(scene.n_frames - 1)
    frames[i], frames[i + 1] = frames[i + 1], frames[i]
    return frames

# %% 1 wrong: it is always frames 3 and 4
def swapped(scene, generator):
    frames = render(scene)
    frames[[3, 4]] = frames[[4, 3]]
    return frames

# %% 1 wrong: frames 6 and 7 never changed places
def swapped(scene, generator):
    frames = render(scene)
    i = generator.integers(scene.n_frames - 2)
    frames[[i, i + 1]] = frames[[i + 1, i]]
    return frames

# %% 1 wrong: they are no neighbours
def swapped(scene, generator):
    frames = render(scene)
    i, j = generator.choice(scene.n_frames, 2, replace=False)
    frames[[i, j]] = frames[[j, i]]
    return frames

# %% 1 wrong: the same seed gives another clip
def swapped(scene, generator):
    frames = render(scene)
    i = np.random.randint(scene.n_frames - 1)
    frames[[i, i + 1]] = frames[[i + 1, i]]
    return frames

# %% 1 wrong: of the frames have changed; two should
def swapped(scene, generator):
    return render(scene)[generator.permutation(scene.n_frames)]

# %% 2 right
accepted = {"faded", "shape changes", "colour flips"}

# %% 2 right
accepted = ("shape changes", "colour flips", "faded")

# %% 2 wrong: backwards: the actor ends where it should begin
accepted = ["colour flips", "shape changes", "faded", "backwards"]

# %% 2 wrong: frozen: first and last frame are the same
accepted = ["colour flips", "shape changes", "faded", "frozen"]

# %% 2 wrong: faded: half of 255
accepted = ["colour flips", "shape changes"]

# %% 2 wrong: colour flips: the rule sees how bright
accepted = ["shape changes", "faded"]

# %% 2 wrong: shape changes: another shape at the same place
accepted = ["faded", "colour flips"]

# %% 2 wrong: 'fades' is none of the five
accepted = ["fades", "colour flips"]

# %% 3 right
def others(labels):
    import itertools
    n = len(labels)
    return next(list(p) for p in itertools.permutations(range(n)) if all(labels[i] != labels[j] for i, j in enumerate(p)))

# %% 3 right
def others(labels):
    order = np.argsort(np.array(labels), kind="stable")
    most = np.unique(labels, return_counts=True)[1].max()
    found = np.empty(len(labels), int)
    found[order] = np.roll(order, -most)
    return found

# %% 3 wrong: from elsewhere: that is no wrong caption
def others(labels):
    return [(i + 1) % len(labels) for i in range(len(labels))]

# %% 3 wrong: keeps its own label
def others(labels):
    return list(range(len(labels)))[::-1]

# %% 3 wrong: does not have each index once
def others(labels):
    return [next(j for j, other in enumerate(labels) if other != label) for label in labels]

# %% 3 wrong: these are labels
def others(labels):
    return labels[1:] + labels[:1]
