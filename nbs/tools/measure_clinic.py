"""Small trainings with a planted fault each, and healthy ones, for lesson 68: does `diagnose` name the cause?

    python nbs/tools/measure_clinic.py              what is missing of all rows, a fault after the other, then the healthy ones
    python nbs/tools/measure_clinic.py --seeds 0    only these seeds
    python nbs/tools/measure_clinic.py --only "captions shifted by one"
    python nbs/tools/measure_clinic.py --mysteries  the three runs of the exercises
    python nbs/tools/measure_clinic.py --again      read the folders that are still there once more, without training

Each training takes half a minute to a minute on a core: a small U-Net for 160 steps, or a small GAN for 100, on the tiny world. A row goes
into nbs/6_judge/results/clinic.json as soon as it is known; rows that stand there are not trained again. Folders stay under --runs.
"""
import argparse
import base64
import io
import json
import shutil
import time
import warnings
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import t2v_learn.diffusion.pipeline
import t2v_learn.gan.train
from t2v_learn.diffusion.editing import TextToVideo
from t2v_learn.diffusion.unet3d import UNetConfig
from t2v_learn.gan.train import TextToVideoGAN
from t2v_learn.judge.diagnose import FAULTS, _diagnosis, _read_facts
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.checkpoint import load_state
from t2v_learn.training.pipeline import VideoGenerator, train
from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import write_video
from t2v_learn.video.world import World, caption, render

RESULTS = Path(__file__).parents[1] / "6_judge" / "results"
PROMPTS = ["a red circle moving right", "a blue square moving up"]
GROUP = "GAN"
SEEDS = (0, 1, 2)
MYSTERIES = dict(A="captions are always taken away", B="one noise for all frames", C="clips normalized twice")

UNET = UNetConfig(patch_size=4, widths=(32, 64), temporal=(False, True), cross_attention=(False, True), spacetime_attention=(False, True),
                  n_heads=2, context_dim=48, cond_dim=64)
ARCHS = dict(unet3d=dict(steps=160, batch_size=16), gan=dict(steps=100, batch_size=12))

HEALTHY = { # name -> how it differs from the small trainings above
    "plain": {},
    "half the rate": dict(lr=3e-4),
    "one and a half times the rate": dict(lr=9e-4),
    "AdamW": dict(optimizer="adamw", lr=2e-3),
    "few steps": dict(steps=60),
    "small batches": dict(batch_size=8),
    "wider": dict(widths=(48, 64)),
    "own clips": dict(folder=256),
    "few own clips": dict(folder=16),
    "resumed": dict(resumed=True),
    "interrupted": dict(stopped=True),
    "long warm-up": dict(warmup=60),
    "shorter average": dict(ema=0.98),
    "flow schedule": dict(schedule="flow"),
    "no given frames": dict(p_given=0.0),
    "GAN": dict(arch="gan"),
    "GAN, half the rate": dict(arch="gan", lr=2.5e-4),
    "GAN, wider": dict(arch="gan", dim=32),
    "GAN, small batches": dict(arch="gan", batch_size=8),
    "GAN, penalty 3": dict(arch="gan", gamma=3.0),
}


def use_small_presets(widths=(32, 64), schedule="cosine", p_given=0.15, dim=24, gamma=10.0):
    "The preset `tiny` of both kinds, with small networks."
    unet = replace(UNET, widths=widths)
    tiny = TextToVideo.presets["tiny"]
    network = replace(tiny.network, unet=unet, schedule=schedule, p_given=p_given)
    TextToVideo.presets = dict(tiny=replace(tiny, network=network, settings=tiny.settings | dict(warmup=20)))
    tiny = TextToVideoGAN.presets["tiny"]
    network = replace(tiny.network, dim=dim, z_dim=16, discriminator_dim=dim // 2, gamma=gamma)
    TextToVideoGAN.presets = dict(tiny=replace(tiny, network=network, settings=tiny.settings | dict(warmup=10)))


def share_encoder():
    "One BERT for all trainings of this process: captions are encoded once."
    encoder = TextEncoder()
    for module in (t2v_learn.diffusion.pipeline, t2v_learn.gan.train): module.TextEncoder = lambda *args: encoder


def write_clips(folder, n, seed):
    "A folder of captioned clips of the tiny world, as a user might have it."
    folder.mkdir(parents=True)
    rng = np.random.default_rng([seed, 9])
    for i in range(n):
        scene = World("tiny").sample(rng)
        write_video(Clip(render(scene)), folder / f"{i:03d}.png")
        (folder / f"{i:03d}.txt").write_text(caption(scene, rng))


def train_run(folder, seed, fault=None, arch="unet3d", own=0, resumed=False, stopped=False, **changes):
    "One training; with a fault, its line is planted while it lasts. Of a fault of resuming, the second half."
    sizes = {name: changes.pop(name) for name in ("widths", "schedule", "p_given", "dim", "gamma") if name in changes}
    use_small_presets(**sizes)
    settings = ARCHS[arch] | dict(arch=arch, preset="tiny", seed=seed, folder=folder, progress=False, device="cpu", precision="fp32",
                                  save_every_minutes=None) | changes
    with fault.planted() if fault else nullcontext():
        if own:
            write_clips(folder.with_name(folder.name + "-clips"), own, seed)
            settings["data"] = folder.with_name(folder.name + "-clips")
        if resumed or stopped: train(**settings | dict(steps=settings["steps"] // 2))
        if stopped:
            for name in ("config.json", "model.safetensors"): (folder / name).unlink()
            return
        train(**settings, resume=resumed)


def thumbnails(folder):
    "What a run draws for two prompts, four frames each, as a PNG of few colours; empty where the run was not finished."
    if not (folder / "config.json").exists(): return ""
    model = VideoGenerator.from_pretrained(folder, "cpu", "fp32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clips = model(PROMPTS, seed=0)
    rows = [np.concatenate(list(clip.frames[[0, 2, 5, 7]]), 1) for clip in clips]
    beside = io.BytesIO()
    Image.fromarray(np.concatenate(rows, 1)).quantize(32, dither=Image.Dither.NONE).save(beside, "PNG", optimize=True)
    return base64.b64encode(beside.getvalue()).decode()


def curve(losses, n=80):
    "At most n means of neighbouring steps"
    return [round(float(part.mean()), 4) for part in np.array_split(np.array(losses), min(n, len(losses)))] if losses else []


def rounded(value):
    "Facts as JSON, with four digits"
    if isinstance(value, float): return float(f"{value:.4g}") if np.isfinite(value) else None
    if isinstance(value, list): return [rounded(one) for one in value]
    return value


def make_row(folder, about, picture):
    "What a folder tells, and what `diagnose` makes of it"
    began = time.perf_counter()
    facts = _read_facts(folder)
    found = [finding.cause for finding in _diagnosis(facts)]
    seconds = time.perf_counter() - began
    tensors, meta = load_state(folder)
    columns = dict(zip(meta["columns"], tensors["history"].T.tolist()))
    curves = {name: curve(columns[name]) for name in ("loss", "d_matching", "g_relativistic") if name in columns}
    facts["silent"] = facts["silent"][:4]
    strip = dict(strip=thumbnails(folder)) if picture else {}
    return about | dict(found=found, seconds=round(seconds, 1), curves=curves, facts={k: rounded(v) for k, v in facts.items()}) | strip


def tasks(seeds, only):
    "What has to be trained: (name of the folder, what is planted or healthy, options)"
    for seed in seeds:
        for name, fault in FAULTS.items():
            if not fault.traced or (only and name not in only): continue
            options = dict(arch="gan") if fault.group == GROUP else {}
            if name == "background changes in every frame": options["own"] = 128
            if name == "the optimizer's memory is lost": options["resumed"] = True
            yield f"{name.replace(' ', '-')}-{seed}", dict(planted=name, seed=seed), options | dict(fault=fault)
    for i, (name, changes) in enumerate(HEALTHY.items()):
        if i % len(SEEDS) not in seeds and not only: continue
        if only and name not in only: continue
        options = {("own" if key == "folder" else key): value for key, value in changes.items()}
        yield f"healthy-{i:02d}", dict(planted=None, healthy=name, seed=10 + i), options


def save(rows, file="clinic.json"):
    RESULTS.mkdir(exist_ok=True)
    text = ",\n".join(json.dumps(row) for row in rows)
    json.loads(f"[{text}]")
    with open(RESULTS / file, "w", encoding="utf-8") as out: out.write('{"rows": [\n' + text + "\n]}\n")


def make_mysteries(runs):
    "The three runs of the exercises, under letters"
    share_encoder()
    rows = []
    for letter, name in MYSTERIES.items():
        folder = runs / f"mystery-{letter}"
        if not (folder / "config.json").exists(): train_run(folder, 100, FAULTS[name])
        row = make_row(folder, {}, picture=True)
        rows.append(dict(letter=letter) | {part: row[part] for part in ("curves", "facts", "strip")})
        save(rows, "mysteries.json")


def main(seeds, only, runs, again):
    share_encoder()
    file = RESULTS / "clinic.json"
    rows = json.loads(file.read_text())["rows"] if file.exists() else []
    def key(row): return row["planted"], row.get("healthy"), row["seed"]
    for name, about, options in tasks(seeds, only):
        folder = runs / name
        old = next((row for row in rows if key(row) == key(about)), None)
        whole = (folder / ("checkpoints" if options.get("stopped") else "config.json")).exists()      # not one that was killed
        if old and not (again and whole): continue
        began = time.perf_counter()
        if not whole:
            for left in runs.glob(f"{name}*"): shutil.rmtree(left)
            train_run(folder, about["seed"], **options)
        row = make_row(folder, about, picture=about["seed"] == 0 and old is None)
        if old and "strip" in old: row["strip"] = old["strip"]
        rows = [one for one in rows if key(one) != key(about)] + [row]
        save(rows)
        print(f"{name}: {row['found'] or 'nothing unusual'} ({time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--only", nargs="*", metavar="NAME")
    parser.add_argument("--runs", type=Path, default=Path("runs/clinic"))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--mysteries", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.mysteries: make_mysteries(args.runs)
    else: main(args.seeds, args.only, args.runs, args.again)
