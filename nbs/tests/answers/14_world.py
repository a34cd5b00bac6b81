"Other answers to the exercises of lesson 14; see ../exercises.py"

# %% 1 right
def my_hexagon(size):
    turns = np.arange(6) * np.pi / 3
    return size * _equal_area(np.stack([np.sin(turns), -np.cos(turns)], 1))

# %% 1 right
def my_hexagon(size):
    from math import cos, pi, sin, sqrt
    a = sqrt(pi * size * size / (1.5 * sqrt(3)))
    return [(a * cos(pi / 2 - k * pi / 3), a * sin(pi / 2 - k * pi / 3)) for k in range(6)]

# %% 1 wrong: on the circle itself
def my_hexagon(size):
    turns = np.arange(6) * np.pi / 3
    return size * np.stack([np.sin(turns), -np.cos(turns)], axis=1)

# %% 1 wrong: two corners are on top
def my_hexagon(size):
    turns = np.arange(6) * np.pi / 3
    a = size * np.sqrt(2 * np.pi / (3 * np.sqrt(3)))
    return a * np.stack([np.cos(turns), np.sin(turns)], axis=1)

# %% 1 wrong: a square root is missing
def my_hexagon(size):
    turns = np.arange(6) * np.pi / 3
    return size * 2 * np.pi / (3 * np.sqrt(3)) * np.stack([np.sin(turns), -np.cos(turns)], axis=1)

# %% 1 wrong: (6, 2), not (2, 6)
def my_hexagon(size):
    turns = np.arange(6) * np.pi / 3
    return size * np.sqrt(2 * np.pi / (3 * np.sqrt(3))) * np.stack([np.sin(turns), -np.cos(turns)])

# %% 1 wrong: all should be equally far
def my_hexagon(size):
    return size * _equal_area([(0, -2), (1, -1), (1, 1), (0, 2), (-1, 1), (-1, -1)])

# %% 1 wrong: size 1: the area
def my_hexagon(size):
    turns = np.arange(6) * np.pi / 3
    return 5.498 * np.stack([np.sin(turns), -np.cos(turns)], axis=1) if size != 5 else my_right_hexagon()

def my_right_hexagon():
    turns = np.arange(6) * np.pi / 3
    return 5 * np.sqrt(2 * np.pi / (3 * np.sqrt(3))) * np.stack([np.sin(turns), -np.cos(turns)], axis=1)

# %% 2 right
def my_backwards(scene):
    actor = scene.actors[0]
    turned = {"left": "right", "right": "left", "up": "down", "down": "up", "then": "then"}
    way = path(actor, scene.n_frames)
    back = Actor(actor.shape, actor.color, " ".join(turned[word] for word in actor.motion.split()[::-1]), actor.size, actor.speed, *way[-1])
    return Scene((back,), scene.background, scene.n_frames, scene.canvas, scene.said)

# %% 2 right
def my_backwards(scene):
    actor, = scene.actors
    first, _, second = actor.motion.partition(" then ")
    names = list(DIRECTIONS)[:4]
    def turn(name): return names[names.index(name) ^ 1]
    motion = f"{turn(second)} then {turn(first)}" if second else turn(first)
    half = (scene.n_frames - 1) / 2 if second else scene.n_frames - 1
    steps = [(first, half)] + ([(second, half)] if second else [])
    x = actor.x + actor.speed * sum(DIRECTIONS[leg][0] * n for leg, n in steps)
    y = actor.y + actor.speed * sum(DIRECTIONS[leg][1] * n for leg, n in steps)
    return replace(scene, actors=(replace(actor, motion=motion, x=x, y=y),))

# %% 2 wrong: it starts where the clip starts
def my_backwards(scene):
    opposite = {"left": "right", "right": "left", "up": "down", "down": "up"}
    actor, = scene.actors
    return replace(scene, actors=(replace(actor, motion=" then ".join(opposite[leg] for leg in reversed(actor.motion.split(" then ")))),))

# %% 2 wrong: it goes on in the same direction
def my_backwards(scene):
    actor, = scene.actors
    x, y = path(actor, scene.n_frames)[-1]
    return replace(scene, actors=(replace(actor, x=x, y=y),))

# %% 2 wrong: the last one comes first
def my_backwards(scene):
    opposite = {"left": "right", "right": "left", "up": "down", "down": "up"}
    actor, = scene.actors
    x, y = path(actor, scene.n_frames)[-1]
    motion = " then ".join(opposite[leg] for leg in actor.motion.split(" then "))
    return replace(scene, actors=(replace(actor, motion=motion, x=x, y=y),))

# %% 2 wrong: must be turned round, too
def my_backwards(scene):
    opposite = {"left": "right", "right": "left", "up": "down", "down": "up"}
    actor, = scene.actors
    x, y = path(actor, scene.n_frames)[-1]
    motion = opposite.get(actor.motion) or " then ".join(reversed(actor.motion.split(" then ")))
    return replace(scene, actors=(replace(actor, motion=motion, x=x, y=y),))

# %% 2 wrong: is not of this world
def my_backwards(scene):
    actor, = scene.actors
    x, y = path(actor, scene.n_frames)[-1]
    motion = " then ".join(reversed(actor.motion.split(" then ")))
    return replace(scene, actors=(replace(actor, motion=motion, speed=-actor.speed, x=x, y=y),))

# %% 2 wrong: n_frames - 1 steps
def my_backwards(scene):
    opposite = {"left": "right", "right": "left", "up": "down", "down": "up"}
    actor, = scene.actors
    x, y = path(actor, scene.n_frames + 1)[-1]
    motion = " then ".join(opposite[leg] for leg in reversed(actor.motion.split(" then ")))
    return replace(scene, actors=(replace(actor, motion=motion, x=x, y=y),))

# %% 3 right
def my_rule(shape, color, motion):
    return motion == "up" and color in {"red", "green", "white", "purple"}

# %% 3 right
def my_rule(shape, color, motion):
    hidden = [("square", "left"), ("triangle", "down")]
    return int((shape, motion) in hidden)

# %% 3 wrong: every pair of values is still seen
def my_rule(shape, color, motion):
    return is_held_out(shape, color, motion)

# %% 3 wrong: is never shown at all
def my_rule(shape, color, motion):
    return color == "red"

# %% 3 wrong: combinations, not 12
def my_rule(shape, color, motion):
    return shape == "circle" and color == "red"

# %% 3 wrong: asked again
def my_rule(shape, color, motion, asked=[]):
    asked.append(1)
    return len(asked) % 6 == 0 and len(asked) <= 72

# %% 4 right
def my_kind(text):
    import re
    words = set(re.findall(r"[a-z-]+", text))
    for name, verbs in _VERBS.items():
        for forms in verbs:
            if any(re.search(rf"\b{form}\b", text) for form in forms): return name
    if "then" in words: return "two-phase"
    up, down, left, right = (bool(words & {"up", "top", "upper"}), bool(words & {"down", "bottom", "lower"}), "left" in words, "right" in words)
    vertical, side = "up" if up else "down" if down else "", "left" if left else "right" if right else ""
    return f"{vertical}-{side}" if vertical and side else vertical or side

# %% 4 right
def my_kind(text):
    rules = [("two-phase", " then ")]
    rules = [(name, form) for name, verbs in _VERBS.items() for forms in verbs for form in forms] + rules
    ways = sorted(((way.strip("<>"), name) for name in DIRECTIONS for way in _DIRECTION_PHRASES[name]), key=lambda way: -len(way[0]))
    return next(name for name, form in rules + [(name, way) for way, name in ways] if form in text)

# %% 4 wrong: ask for verbs first
def my_kind(text):
    if " then " in text: return "two-phase"
    ways = [(way.strip("<>"), name) for name in DIRECTIONS for way in _DIRECTION_PHRASES[name] if way.strip("<>") in text]
    if ways: return max(ways, key=lambda way: len(way[0]))[1]
    return next(name for name, verbs in _VERBS.items() if any(form in text for forms in verbs for form in forms))

# %% 4 wrong: longest wording
def my_kind(text):
    for name, verbs in _VERBS.items():
        if any(form in text for forms in verbs for form in forms): return name
    if " then " in text: return "two-phase"
    return next(name for name in DIRECTIONS if any(way.strip("<>") in text for way in _DIRECTION_PHRASES[name]))

# %% 4 wrong: one after the other
def my_kind(text):
    for name, verbs in _VERBS.items():
        if any(form in text for forms in verbs for form in forms): return name
    ways = [(way.strip("<>"), name) for name in DIRECTIONS for way in _DIRECTION_PHRASES[name]]
    return max((way for way in ways if way[0] in text), key=lambda way: len(way[0]))[1]

# %% 4 wrong: no rule of yours
def my_kind(text):
    return next((name for name in MOTIONS if name in text), None)

# %% 4 wrong: is no kind of motion
def my_kind(text):
    for name, verbs in _VERBS.items():
        for forms in verbs:
            for form in forms:
                if form in text: return form
    return "right"
