"""The ladder of the speed-run, a change at a time: `python nbs/tools/measure_speedrun.py FOLDER`

Trains each rung for 8 minutes with one seed, alone on two CPU cores, and scores it on 120 prompts of held-out combinations that no entry is
scored on. Writes nbs/6_judge/results/speedrun_rungs.json, from which lesson 69 draws. A rung whose model lies in FOLDER is not trained
again.
"""
import sys
from dataclasses import replace
from pathlib import Path

from t2v_learn.core import write_json
from t2v_learn.diffusion.denoiser import DenoiserConfig
from t2v_learn.diffusion.pipeline import TextToVideo
from t2v_learn.diffusion.unet3d import UNetConfig
from t2v_learn.judge.evaluate import evaluate
from t2v_learn.training.pipeline import train

TABLE = Path(__file__).parents[1] / "6_judge" / "results" / "speedrun_rungs.json"
MINUTES, SEED, N, PROMPTS = 8, 10, 120, 7
COARSE, NO_WORDS = dict(patch_size=4), dict(cross_attention=(False, False, False))
RUNGS = {   # what is new -> the name of its model, how it is trained, how it is sampled
    "the recipe": ("recipe", dict(), dict()),
    "(batches of 8 clips)": ("batches", dict(batch_size=8), dict()),
    "patches of 4": ("coarse", dict(unet=COARSE), dict()),
    "no cross-attention": ("no-words", dict(unet=COARSE | NO_WORDS), dict()),
    "an average over 50 steps": ("average", dict(unet=COARSE | NO_WORDS, ema=0.98), dict()),
    "20 steps of sampling": ("average", dict(unet=COARSE | NO_WORDS, ema=0.98), dict(num_inference_steps=20)),
}


def trained(folder, unet=None, batch_size=16, **settings):
    "A model of the recipe with something changed; that of an earlier call, if there is one"
    if not (folder / "model.safetensors").exists():
        recipe = TextToVideo.presets["tiny"]
        TextToVideo.presets["tiny-rung"] = replace(recipe, network=DenoiserConfig(UNetConfig(**unet or {})), batch_size=batch_size,
                                                   settings=recipe.settings | settings)
        train(preset="tiny-rung", minutes=MINUTES, seed=SEED, folder=folder, device="cpu")
    return TextToVideo.from_pretrained(folder, device="cpu")


def main(folder):
    rows = []
    for change, (name, how, sampling) in RUNGS.items():
        model = trained(Path(folder) / name, **how)
        report = evaluate(model, "held-out-combinations", N, seed=PROMPTS, guidance_scale=2.0, **sampling)
        row = dict(change=change, steps=model.config["trained"]["steps"], joint=report.joint, interval=report.interval,
                   fidelity=float(report.fidelity.mean()) if len(report.fidelity) else None)
        print(row, flush=True)
        rows.append(row)
        write_json(TABLE, dict(minutes=MINUTES, seed=SEED, n=N, prompts=PROMPTS, guidance_scale=2.0, rows=rows))


if __name__ == "__main__": main(sys.argv[1])
