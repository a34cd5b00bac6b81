"""What lessons 55 and 56 draw: samplers and kinds of guidance, measured on a shipped model, into nbs/5_diffusion/results/*.json.

    python nbs/tools/measure_diffusion.py [--n 64] [--points 30] [--threads 1] [samplers] [guidance]

Each point is written as soon as it is there, and a run that was stopped goes on where it was. A file that was measured with other weights
or another n is begun anew. Both together take about 40 minutes on one core for n = 64.
"""
import argparse
from pathlib import Path

import numpy as np
import torch

from t2v_learn import TextToVideo
from t2v_learn.core import read_json, sha256, shipped_folder, write_json
from t2v_learn.diffusion.guidance import _start_beside_motion as start_beside_motion
from t2v_learn.diffusion.guidance import measure_guidance
from t2v_learn.diffusion.sampling import measure_samplers
from t2v_learn.training.pipeline import find_model
from t2v_learn.video.verify import start_spread
from t2v_learn.video.world import World, render

RESULTS = Path(__file__).resolve().parents[1] / "5_diffusion" / "results"
CALLS = (8, 4, 2, 16, 6, 12)                  # the most telling ones first
SCALES = (2.0, 6.0, 4.0, 1.5)


def begun(name, about):
    "What a stopped run left, if it measured the same"
    path = RESULTS / f"{name}.json"
    if path.exists() and (found := read_json(path, needs=("of", "rows")))["of"] == about: return found["rows"]
    return []


def save(name, about, text, rows, **more):
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / f"{name}.json", dict(about=text, of=about, **more, rows=rows))


def samplers(model, about, n, points):
    "All samplers on the grid of the pipeline; two of them at eight calls on the others"
    text = f"{n} clips a point, prompts of the seen combinations, seed 0, no guidance"
    rows = begun("samplers", about)
    done = {(row["sampler"], row["grid"], row["calls"]) for row in rows}
    names = ["refresh", "ddim", "ddpm", "dpmpp_2m", "heun", "dpmpp_2m_sde", "dpmpp_3m_sde"]             # euler takes ddim's steps
    wanted = [(name, "log-SNR to 1" if name == "refresh" else "log-SNR", calls) for calls in CALLS for name in names]
    others = [("refresh", "log-SNR"), ("ddim", "log-SNR to 1"), ("ddim", "Karras"), ("ddim", "shifted"), ("ddim", "time")]
    wanted[3 * len(names):3 * len(names)] = [(*pair, 8) for pair in others]
    for name, grid, calls in wanted[:points]:
        if (name, grid, calls) in done: continue
        rows += measure_samplers(model.denoiser, model.encoder, (name,), (calls,), (grid,), n)
        save("samplers", about, text, sorted(rows, key=lambda row: (row["sampler"], row["grid"], row["calls"])))
        print(rows[-1], flush=True)


def real_clips(per_prompt, n_prompts=64):
    "The spread of starts of real clips, as many of each prompt as are generated; and where two of each start, beside their motion"
    world = World("tiny")
    chance = np.random.default_rng(1)
    asked = [world.combinations()[i] for i in chance.integers(len(world.combinations()), size=n_prompts)]
    scenes = [[world.sample(chance, combination=combination) for _ in range(per_prompt)] for combination in asked]
    starts = [start_beside_motion(render(scene), scene) for of_one in scenes for scene in of_one[:2]]
    return round(start_spread([[render(scene) for scene in of_one] for of_one in scenes]), 3), starts


def guidance(model, about, n, points, per_prompt=8):
    "Each kind over the scale; autoguidance where an early checkpoint is shipped"
    kinds = {"classifier-free": {}, "rescaled 0.7": dict(rescale=0.7), "in an interval": dict(interval=(-9.0, -3.5))}
    if shipped_folder("tiny-early").exists():
        kinds["autoguidance"] = dict(weaker=TextToVideo.from_pretrained("tiny-early", precision="fp32").denoiser)
    text = f"{n} clips a point, {per_prompt} of each of {n // per_prompt} seen prompts, seed 0, 7 steps of refresh"
    rows = begun("guidance", about)
    done = {(row["kind"], row["scale"]) for row in rows}
    spread, starts = real_clips(per_prompt)
    wanted = [("plain", 1.0)] + [(kind, scale) for scale in SCALES for kind in kinds]
    for kind, scale in wanted[:points]:
        if (kind, scale) in done: continue
        found = measure_guidance(model.denoiser, model.encoder, {kind: kinds.get(kind, {})}, (scale,), n // per_prompt, per_prompt)
        rows += [row for row in found if row["kind"] == kind]
        rows.sort(key=lambda row: (["plain", *kinds].index(row["kind"]), row["scale"]))
        save("guidance", about, text, rows, world_spread=spread, world_starts=starts)
        print(kind, scale, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="samplers|guidance", default=["samplers", "guidance"])
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--points", type=int, help="only the first so many of each, the most telling ones")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="tiny")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = TextToVideo.from_pretrained(options.model, precision="fp32")
    about = dict(model=options.model, weights=sha256(find_model(options.model) / "model.safetensors")[:16], n=options.n)
    for what in options.what: dict(samplers=samplers, guidance=guidance)[what](model, about, options.n, options.points)


if __name__ == "__main__": main()
