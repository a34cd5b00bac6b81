"""How fast clips are drawn here: python nbs/tools/bench_world.py

Frames for each second of one core's time, whatever else runs on the machine. It is no test, since it measures the machine.
"""
import time

import numpy as np

from t2v_learn.video.world import World, caption, render


def rate(action, items):
    "How many items a second, in the best of five rounds over all of them"
    times = []
    for _ in range(5):
        start = time.process_time()
        for item in items: action(item)
        times.append(time.process_time() - start)
    return len(items) / min(times)


def measure(preset):
    "One line for a world"
    world, generator = World(preset), np.random.default_rng(0)
    scenes = [world.sample(generator) for _ in range(500)]
    drawn, said = rate(render, scenes), rate(lambda scene: caption(scene, generator), scenes)
    chosen = rate(lambda _: world.sample(generator), range(500))
    return f"{preset}: {drawn * world.n_frames:8,.0f} frames drawn a second, {chosen:6,.0f} scenes chosen, {said:6,.0f} captions said"


if __name__ == "__main__":
    for preset in ("tiny", "full"): print(measure(preset))
