"Other answers to the exercises of lesson 59"

# %% 1 right
def slowest(record):
    best = None
    for name in record["right"]:
        if name == "joint": continue
        if best is None or record["right"][name] < record["right"][best]: best = name
    return best

# %% 1 right
def slowest(record):
    return sorted((record["right"][name], name) for name in ("color", "shape", "motion"))[0][1]

# %% 1 wrong: joint is no attribute
def slowest(record):
    return min(record["right"], key=record["right"].get)

# %% 1 wrong: that is the largest share
def slowest(record):
    return max(["color", "shape", "motion"], key=record["right"].get)

# %% 1 wrong: not the number
def slowest(record):
    return min(share for name, share in record["right"].items() if name != "joint")

# %% 1 wrong: it should look at each
def slowest(record):
    return "shape"

# %% 1 wrong: changes what it is given
def slowest(record):
    record["right"].pop("joint")
    return min(record["right"], key=record["right"].get)

# %% 2 right
def interval_of_difference(p, q, n):
    variance = sum(share - share**2 for share in (p, q)) / n
    return stats.norm.ppf(0.975) * np.sqrt(variance)

# %% 2 right
def interval_of_difference(p, q, n):
    import math
    return 1.96 * math.hypot(math.sqrt(p * (1 - p)), math.sqrt(q * (1 - q))) / math.sqrt(n)

# %% 2 wrong: that is the standard error
def interval_of_difference(p, q, n):
    return (p * (1 - p) / n + q * (1 - q) / n) ** 0.5

# %% 2 wrong: standard deviations do not
def interval_of_difference(p, q, n):
    return 1.96 * ((p * (1 - p) / n) ** 0.5 + (q * (1 - q) / n) ** 0.5)

# %% 2 wrong: the root is missing
def interval_of_difference(p, q, n):
    return 1.96 * (p * (1 - p) / n + q * (1 - q) / n)

# %% 2 wrong: that is the whole width
def interval_of_difference(p, q, n):
    return 2 * 1.96 * (p * (1 - p) / n + q * (1 - q) / n) ** 0.5

# %% 2 wrong: it is the n-th part
def interval_of_difference(p, q, n):
    return 1.96 * (p * (1 - p) + q * (1 - q)) ** 0.5

# %% 2 wrong: the interval of one share
def interval_of_difference(p, q, n):
    return 1.96 * (p * (1 - p) / n) ** 0.5

# %% 2 wrong: is a sum, not a difference
def interval_of_difference(p, q, n):
    return 1.96 * abs(p * (1 - p) / n - q * (1 - q) / n) ** 0.5

# %% 3 right
def fair_steps(steps, cost):
    return int(steps / cost + 0.5)

# %% 3 right
def fair_steps(steps, cost):
    return int(np.rint(np.divide(steps, cost)))

# %% 3 wrong: a dearer step means fewer
def fair_steps(steps, cost):
    return round(steps * cost)

# %% 3 wrong: round 318.47
def fair_steps(steps, cost):
    return steps / cost

# %% 3 wrong: do not cut
def fair_steps(steps, cost):
    return int(steps / cost)

# %% 3 wrong: not equal minutes
def fair_steps(steps, cost):
    return steps

# %% 4 right
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.2, minutes=3.0), mine=run("mine", 0.4, minutes=3.05))

# %% 4 right
from pathlib import Path
from fake_runs import run
my_run = {"mine": Path(run("mine", 0.95, minutes=8, n=480)), "recipe": Path(run("recipe", 0.85, minutes=9.9, n=480))}

# %% 4 wrong: luck alone reaches
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.2), mine=run("mine", 0.25))

# %% 4 wrong: not better
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.4), mine=run("mine", 0.2))

# %% 4 wrong: equal minutes, or the clock has won
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.2, minutes=3), mine=run("mine", 0.6, minutes=6))

# %% 4 wrong: has no score
from fake_runs import run
my_run = dict(recipe=run("recipe", None), mine=run("mine", 0.6))

# %% 4 wrong: or luck decides
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.2), mine=run("mine", 0.9, n=20))

# %% 4 wrong: the same prompts, steps and guidance
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.2, settings=dict(seed=2026)), mine=run("mine", 0.6, settings=dict(seed=2026, guidance_scale=2.0)))

# %% 4 wrong: it should begin from nothing
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.2), mine=run("mine", 0.9, model="tiny"))

# %% 4 wrong: at most ten minutes
from t2v_learn.core import shipped_folder
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.9, minutes=25), mine=shipped_folder("tiny"))

# %% 4 wrong: there is no folder
my_run = dict(recipe="runs/is-not-there", mine="runs/nor-this")

# %% 4 wrong: two folders are wanted
my_run = "runs/mine"

# %% 4 wrong: one and the same run
from fake_runs import run
my_run = dict(recipe=run("recipe", 0.2))
my_run["mine"] = my_run["recipe"]
