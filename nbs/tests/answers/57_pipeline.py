"Other answers to the exercises of lesson 57"

# %% 1 right
def fewest_steps(model, scene, prompt):
    works = [n for n in (1, 2, 4, 8, 16) if score(model(prompt, 0, n), scene)["joint"]]
    return min(works, default=None)

# %% 1 right
def fewest_steps(model, scene, prompt):
    steps = 1
    while steps <= 16:
        clip = model(prompt, seed=0, num_inference_steps=steps)
        if all(score(clip, scene).values()): return steps
        steps *= 2

# %% 1 wrong: the largest number that works
def fewest_steps(model, scene, prompt):
    found = None
    for steps in (1, 2, 4, 8, 16):
        if score(model(prompt, seed=0, num_inference_steps=steps), scene)["joint"]: found = steps
    return found

# %% 1 wrong: hand the number on as num_inference_steps
def fewest_steps(model, scene, prompt):
    for steps in (1, 2, 4, 8, 16):
        if score(model(prompt, seed=0), scene)["joint"]: return steps
    return None

# %% 1 wrong: a clip of another scene
def fewest_steps(model, scene, prompt):
    for steps in (1, 2, 4, 8, 16):
        if score(model(prompt, seed=0, num_inference_steps=steps), scene)["color"]: return steps
    return None

# %% 1 wrong: not of another seed
def fewest_steps(model, scene, prompt):
    for steps in (1, 2, 4, 8, 16):
        if score(model(prompt, seed=steps, num_inference_steps=steps), scene)["joint"]: return steps
    return None

# %% 1 wrong: so 4 it is
def fewest_steps(model, scene, prompt):
    for steps in range(1, 17):
        if score(model(prompt, seed=0, num_inference_steps=steps), scene)["joint"]: return steps
    return None

# %% 1 wrong: the answer is None
def fewest_steps(model, scene, prompt):
    right = lambda steps: score(model(prompt, num_inference_steps=steps), scene)["joint"]
    if read_scene(model(prompt, num_inference_steps=16)) not in (None, scene) and not right(16) and read_scene(model(prompt, num_inference_steps=1)): return None
    return next((steps for steps in (1, 2, 4, 8) if right(steps)), 16)

# %% 2 right
def from_one_noise(model, prompts, seed):
    return [model(prompt, seed=seed) for prompt in prompts]

# %% 2 right
def from_one_noise(model, prompts, seed):
    seeds = []
    for _ in prompts: seeds.append(seed)
    return tuple(model(list(prompts), seeds))

# %% 2 wrong: gets seed + i
def from_one_noise(model, prompts, seed):
    return model(prompts, seed=seed)

# %% 2 wrong: the seed is not handed on
def from_one_noise(model, prompts, seed):
    return model(prompts)

# %% 2 wrong: all get the seed 0
def from_one_noise(model, prompts, seed):
    return model(prompts, seed=[0] * len(prompts))

# %% 2 wrong: in the order of the prompts
def from_one_noise(model, prompts, seed):
    return [model(prompt, seed=seed) for prompt in prompts][::-1]

# %% 2 wrong: clips for 3 prompts
def from_one_noise(model, prompts, seed):
    return [model(prompt, seed=seed) for prompt in prompts][:1]

# %% 3 right
def deaf():
    return {"guidance_scale": 0, "num_inference_steps": 8}

# %% 3 right
deaf = lambda: dict(guidance_scale=0.0, sampler="ddim", negative_prompt=None)

# %% 3 wrong: at scale 1 the prompt is followed
def deaf():
    return dict(guidance_scale=1.0)

# %% 3 wrong: a small scale is a small effect
def deaf():
    return dict(guidance_scale=0.1)

# %% 3 wrong: below 0 it goes away
def deaf():
    return dict(guidance_scale=-1.0)

# %% 3 wrong: which setting weighs the prompt
def deaf():
    return dict(guidance_rescale=1.0)

# %% 3 wrong: what else has a call
def deaf():
    return dict(prompt="")

# %% 3 wrong: return a dict
def deaf():
    return 0.0
