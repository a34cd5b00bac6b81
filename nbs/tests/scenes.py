"What the tests of the judge share: scenes from seeds that were used nowhere else"
import numpy as np

from t2v_learn.judge.controls import any_full_scene, any_scene

SEED = 20_263   # used in tests only: never while tolerances were chosen


def some(n, seed=0):
    "n tiny scenes, and the generator they came from"
    generator = np.random.default_rng([SEED, seed])
    return [any_scene(generator) for _ in range(n)], generator


def some_full(n, seed=0, source=any_full_scene):
    "n full scenes, and the generator they came from"
    generator = np.random.default_rng([SEED, seed, 1])
    return [source(generator) for _ in range(n)], generator


def two_actors(n, seed):
    "n full scenes of two actors each"
    generator = np.random.default_rng([SEED, seed])
    return [any_full_scene(generator, lambda scene: len(scene.actors) == 2) for _ in range(n)]
