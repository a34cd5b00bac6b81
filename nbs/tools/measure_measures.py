"""Which measure notices which fault, for lesson 67:

    python nbs/tools/measure_measures.py [--n 256]

writes nbs/6_judge/results/measures.json: all measures of `judge.measures` on clean sets of clips and on sets with seven faults at five
strengths. About a quarter of an hour on one core; sets that are there already stay.
"""
import argparse
from pathlib import Path

import numpy as np
import torch

from t2v_learn.core import read_json, write_json
from t2v_learn.judge.measures import FAULTS, SET_FAULTS, FeatureSpace, Known, measure_set, with_fault, world_clips

FILE = Path(__file__).resolve().parents[1] / "6_judge" / "results" / "measures.json"
STRENGTHS = (.05, .1, .2, .4, .8)
CLEAN = 8     # sets
REPEATS = 3   # sets of each fault and strength


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--n", type=int, default=256, help="clips of a set")
    asked = asked.parse_args()
    torch.set_num_threads(1)
    training = world_clips(1200, seed=77)
    known = Known(FeatureSpace(world_clips(400, seed=1)[0]), training[0][:512], world_clips(512, seed=88)[0])
    kept = read_json(FILE, needs=("clean",)) if FILE.exists() else dict(n=asked.n, clean=[], faulty=[])

    def measured(clips, scenes):
        found = measure_set(clips, scenes, known)
        return {name: round(value, 5) if np.isfinite(value) else None for name, value in found.items()}

    for k in range(len(kept["clean"]), CLEAN):
        kept["clean"].append(measured(*world_clips(asked.n, seed=1000 + k)))
        write_json(FILE, kept)
    done = {(row["fault"], row["strength"], row["repeat"]) for row in kept["faulty"]}
    for fault in [*FAULTS, *SET_FAULTS]:
        for strength in STRENGTHS:
            for repeat in range(REPEATS):
                if (fault, strength, repeat) in done: continue
                clips, scenes = world_clips(asked.n, seed=2000 + repeat)
                faulty = with_fault(fault, clips, scenes, strength, repeat, training)
                kept["faulty"].append(dict(fault=fault, strength=strength, repeat=repeat, values=measured(faulty, scenes)))
                write_json(FILE, kept)
        print(fault, flush=True)


if __name__ == "__main__": main()
