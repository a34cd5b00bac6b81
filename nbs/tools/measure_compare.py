"""Models and rivals on the same prompts and noise, for lesson 74:

    python nbs/tools/measure_compare.py [--n 240]

writes nbs/7_latent/results/compare.json: for each model and three seeds, accuracy on three splits, all measures of lesson 67 on seen
prompts, and what it costs. About 25 minutes on one core; rows that are there already stay.
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from t2v_learn.core import read_json, write_json
from t2v_learn.judge.evaluate import eval_set, evaluate
from t2v_learn.judge.measures import FeatureSpace, Known, measure_set, world_clips
from t2v_learn.latent.compare import NearestCaption, NoisyRenderer
from t2v_learn.training.pipeline import VideoGenerator
from t2v_learn.video.world import World

FILE = Path(__file__).resolve().parents[1] / "7_latent" / "results" / "compare.json"
SPLITS = ("seen", "held-out-combinations", "held-out-words")
SEEDS = (2026, 2027, 2028)
TRAINED = {"diffusion (tiny)": ("tiny", {}), "GAN (tiny-gan)": ("tiny-gan", {}), "diffusion, 3 minutes": ("tiny-early", {}),
           "prompt switched off": ("tiny", dict(guidance_scale=0.0))}


def cost(model):
    "Of a trained model: FLOPs of a clip, weights, minutes of training"
    with FlopCounterMode(display=False) as counter: model(["a red circle moving right"], seed=0)
    return dict(gflops=round(counter.get_total_flops() / 1e9, 2), parameters=sum(p.numel() for p in model.network.parameters()),
                minutes=model.config.get("trained", {}).get("minutes"))


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--n", type=int, default=240, help="clips of each split and seed")
    asked = asked.parse_args()
    torch.set_num_threads(1)
    known = Known(FeatureSpace(world_clips(400, seed=1)[0]), world_clips(512, seed=77)[0], world_clips(512, seed=88)[0])
    kept = read_json(FILE, needs=("rows",)) if FILE.exists() else dict(n=asked.n, seeds=SEEDS, rows={})
    models = {"nearest caption": lambda: (NearestCaption(), {}), "renderer, 1 % errors": lambda: (NoisyRenderer(.01), {})}
    models |= {name: lambda of=of, how=how: (VideoGenerator.from_pretrained(of), how) for name, (of, how) in TRAINED.items()}
    for name, load in models.items():
        row = kept["rows"].setdefault(name, dict(seeds=[], cost=dict(gflops=None, parameters=None, minutes=None)))
        if len(row["seeds"]) == len(SEEDS): continue
        model, how = load()
        if isinstance(model, VideoGenerator): row["cost"] = cost(model)
        for seed in SEEDS[len(row["seeds"]):]:
            reports = {split: evaluate(model, split, asked.n, seed, **how) for split in SPLITS}
            scenes, _ = eval_set(World("tiny"), "seen", asked.n, seed)
            found = measure_set(torch.stack([clip.tensor() for clip in reports["seen"].clips]), scenes, known)
            measures = {key: round(value, 5) if np.isfinite(value) else None for key, value in found.items()}
            splits = {split: [int(np.sum(report.right["joint"])), report.n] for split, report in reports.items()}
            right = {split: "".join(str(int(one)) for one in report.right["joint"]) for split, report in reports.items()}
            row["seeds"].append(dict(seed=seed, splits=splits, measures=measures, right=right))
            write_json(FILE, kept)
        print(name, [one["splits"] for one in row["seeds"]], flush=True)


if __name__ == "__main__": main()
