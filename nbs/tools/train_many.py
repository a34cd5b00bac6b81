"""Many trainings of the tiny model beside each other: what the shipped weights and the ablations of lesson 59 were made with.

`python nbs/tools/train_many.py tiny FOLDER` trains the shipped recipe for 4,690 steps, 25 minutes at the pace of two CPU cores with bf16
(0.32 s a step), and keeps the weights after 1, 3, 10 and 25 minutes. `python nbs/tools/train_many.py ablations 3` trains what is missing of
the table of lesson 59 for 3 seeds, into nbs/5_diffusion/results/ablations.json; stopped, it goes on with the row that it was in.
`python nbs/tools/train_many.py copies` asks whether the shipped model repeats the clips that it was trained on.

On a GPU a whole training step is one CUDA graph (recorded.py), on 32,768 clips that are rendered in advance.
"""
import copy
import json
import sys
import types
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from recorded import DEVICE, Recorded, denoiser_loss
from torch import nn

from t2v_learn.core import write_json
from t2v_learn.diffusion import blocks, unet3d
from t2v_learn.diffusion.blocks import SpatialResBlock
from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig, NoiseLevels
from t2v_learn.diffusion.noise import append_dims
from t2v_learn.diffusion.pipeline import TextToVideo
from t2v_learn.diffusion.unet3d import UNetConfig
from t2v_learn.judge.evaluate import eval_set, evaluate, nearer_to_training, wilson
from t2v_learn.text.bert import TextEncoder, TextStates
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.training.pipeline import caption_words
from t2v_learn.video.datasets import WorldData
from t2v_learn.video.world import World, caption, render

TABLE = Path(__file__).parents[1] / "5_diffusion" / "results" / "ablations.json"
POOL_SEED = 777
N_POOL = 32_768
PACE = 0.32                                             # seconds a step on two CPU cores with bf16
SNAPSHOTS = {1: 188, 3: 563, 10: 1875, 25: 4690}        # minutes -> steps
WORLD = World("tiny")


# --- clips and captions, once

def draw_part(part):
    "Clips and captions of one of 64 parts of the pool"
    rng = np.random.default_rng([POOL_SEED, part])
    videos, captions = [], []
    for _ in range(N_POOL // 64):
        scene = WORLD.sample(rng, "seen")
        videos.append(render(scene))
        captions.append(caption(scene, rng))
    return np.stack(videos), captions


def make_pool(n_parts=64):
    "Clips `n c f h w`, uint8, and their captions"
    parts = [draw_part(part) for part in range(n_parts)]
    videos = torch.from_numpy(np.concatenate([videos for videos, _ in parts]))
    return videos.permute(0, 4, 1, 2, 3).contiguous(), sum((captions for _, captions in parts), [])


class Captions:
    "The states of all captions of the world, by number"
    def __init__(self):
        rng = np.random.default_rng(0)
        splits = ("seen", "held-out-combinations")
        words = {caption(WORLD.sample(rng, split, c), rng) for split in splits for c in WORLD.combinations(split) for _ in range(40)}
        self.words = sorted(words)
        self.numbers = {text: i for i, text in enumerate(self.words)}
        self.encoder = TextEncoder()
        text = self.encoder(self.words)
        self.states = [states.to(DEVICE) for states in (text.tokens, text.mask, text.pooled)]

    def __getitem__(self, i): return TextStates(*(states[i] for states in self.states))


def keep_positions_on_device():
    "A CUDA graph may copy nothing from the CPU: the embeddings of positions are made once"
    in_plane = lru_cache(None)(lambda *size: blocks_positions(*size).to(DEVICE))
    blocks_positions = blocks.position_embedding_2d
    unet3d.position_embedding_2d = lambda *size: in_plane(*size)
    old = blocks.SpaceTimeAttention.positions
    everywhere = lru_cache(None)(lambda *size: old(None, *size).to(DEVICE))
    blocks.SpaceTimeAttention.positions = lambda self, *size: everywhere(*size)


# --- one training

class Run(Recorded):
    "A training of a denoiser on a pool of clips"
    def __init__(self, denoiser, pool, captions, numbers, steps, seed=0, batch_size=16, uniform=False, **settings):
        denoiser.fit_text(TextStates(*(s.cpu() for s in vars(captions[numbers.unique()]).values())))
        denoiser.fit_data(pool[:512].float().cpu() / 127.5 - 1)
        config = TrainConfig(steps=steps, seed=seed, **TextToVideo.presets["tiny"].settings | settings)
        super().__init__(denoiser, denoiser_loss(denoiser, pool, captions, numbers, batch_size, uniform), config, bf16=False)
        self.steps.fill_(steps)

    def snapshots(self, *steps):
        "All steps; yields the averaged weights after each of some numbers of them"
        if DEVICE == "cuda": self.record()
        while self.done < self.config.steps:
            self.one_step()
            if self.done in steps: yield self.done, copy.deepcopy(self.average).cpu()


# --- the rows of the table: what is changed

def recipe(unet=None, change=None, levels=None, **settings):
    "A function that makes a denoiser of the recipe, with something changed"
    def build():
        if levels: settings["levels"] = NoiseLevels(*levels)
        denoiser = Denoiser(DenoiserConfig(UNetConfig(**unet or {}), **dict(p_given=0.0) | settings))
        if change: change(denoiser)
        return denoiser
    return build


def stages(denoiser): return [*denoiser.unet.down, denoiser.unet.mid, *denoiser.unet.up]


def without_temporal_attention(denoiser):
    for stage in stages(denoiser): stage.temporal_attention = None


def without_pooled_text(denoiser):
    norm = denoiser.unet.text_conditioner.to_cond[1]
    nn.init.zeros_(norm.weight)
    for p in denoiser.unet.text_conditioner.to_cond.parameters(): p.requires_grad_(False)


class _NoSkip(nn.Module):
    "A stage on the way up that does not see its skip connection"
    def __init__(self, stage):
        super().__init__()
        self.stage = stage

    def forward(self, x, *others):
        here, skip = x.chunk(2, 1)
        return self.stage(torch.cat([here, torch.zeros_like(skip)], 1), *others)


def without_skips(denoiser): denoiser.unet.up = nn.ModuleList(_NoSkip(stage) for stage in denoiser.unet.up)


class _FullConv(nn.Module):
    "A 3x3x3 convolution over frames that are folded into the batch; it starts as the 3x3 one that it replaces, nearly"
    def __init__(self, flat, n_frames=8):
        super().__init__()
        self.n_frames = n_frames
        self.conv = nn.Conv3d(flat.in_channels, flat.out_channels, 3, padding=1)
        weight = torch.randn_like(self.conv.weight) * flat.weight.std() * 0.1
        weight[:, :, 1] = flat.weight.detach()
        self.conv.weight.data.copy_(weight)
        self.conv.bias.data.copy_(flat.bias.detach())

    def forward(self, x):
        n, c, h, w = x.shape
        x = x.reshape(n // self.n_frames, self.n_frames, c, h, w).transpose(1, 2)
        return self.conv(x).transpose(1, 2).reshape(n, -1, h, w)


def with_full_convolutions(denoiser):
    for stage in stages(denoiser):
        if stage.temporal_conv is None: continue
        stage.temporal_conv = None
        stage.res_block.conv1 = _FullConv(stage.res_block.conv1)
        stage.res_block.conv2 = _FullConv(stage.res_block.conv2)


class _Two(nn.Module):
    "Two residual blocks, one after the other"
    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x, cond): return self.second(self.first(x, cond), cond)


def with_second_block(denoiser):
    width, cond_dim = denoiser.config.unet.widths[0], denoiser.config.unet.cond_dim
    for stage in (denoiser.unet.down[0], denoiser.unet.up[-1]):
        stage.res_block = _Two(stage.res_block, SpatialResBlock(width, width, cond_dim))


def with_min_snr(denoiser):
    "Hang et al. 2023: an error in x0 counts SNR times, at most 5 times"
    def weight(self, t, x):
        return (append_dims(self.schedule.alpha(t), x) / append_dims(self.schedule.sigma(t), x)).square().clamp(max=5.0)
    denoiser.weight = types.MethodType(weight, denoiser)


def predicting(target, schedule="cosine"):
    return dict(build=recipe(target=target, weighting=target, sigma_data=0, max_weight=None, schedule=schedule))


LATE = dict(first_share=0.0)
ROWS = {   # name -> what is changed; `cost`: CPU seconds of a step, relative to the recipe's
    "the recipe": {},
    "no temporal attention": dict(build=recipe(change=without_temporal_attention), cost=0.82),
    "no cross-attention": dict(build=recipe(dict(cross_attention=(False,) * 3)), cost=0.87),
    "no pooled text in FiLM": dict(build=recipe(change=without_pooled_text)),
    "no skip connections": dict(build=recipe(change=without_skips)),
    "full 3D convolutions": dict(build=recipe(change=with_full_convolutions), cost=1.57),
    "temporal layers at full size too": dict(build=recipe(dict(temporal=(True,) * 3)), cost=1.13),
    "second block at full size": dict(build=recipe(change=with_second_block), cost=1.09),
    "predicts v": predicting("v"),
    "predicts the noise": predicting("noise"),
    "predicts the flow's velocity": predicting("flow", "flow"),
    "predicts x0, no preconditioning": dict(build=recipe(sigma_data=0)),
    "schedule: flow": dict(build=recipe(schedule="flow")),
    "schedule: linear betas": dict(build=recipe(schedule="ddpm")),
    "levels: uniform in t": dict(uniform=True),
    "levels: logit-normal": dict(build=recipe(levels=((0.0,), (2.0,)), **LATE)),
    "levels: shifted": dict(build=recipe(levels=((-4.4,), (3.2,)), **LATE)),
    "levels: half and half": dict(build=recipe(levels=((-7.2, -1.6), (2.4, 2.4)), **LATE)),
    "no first levels": dict(build=recipe(**LATE)),
    "weights: min-SNR": dict(build=recipe(change=with_min_snr)),
    "weights: those of v": dict(build=recipe(weighting="v", max_weight=5)),
    "no EMA": dict(ema=0.0),
    "captions dropped: 0 %": dict(build=recipe(p_uncond=0.0)),
    "captions dropped: 30 %": dict(build=recipe(p_uncond=0.3)),
    "AdamW": dict(optimizer="adamw", lr=1e-3, cost=0.93),
    "rates 1.7 times as high": dict(lr=1e-3, matrix_lr=0.02),
    "frames given in 15 %": dict(build=recipe(p_given=0.15)),
    "batch of 8": dict(batch_size=8, cost=0.5),
}
STEPS = 500       # of the recipe; the others get as many as fit into the same minutes


# --- reading

def as_model(denoiser, captions, steps):
    "The denoiser as a whole pipeline"
    config = dict(shape=[3, 8, 32, 32], fps=8.0, words=caption_words(captions.words))
    config["trained"] = dict(preset="tiny", steps=steps, minutes=round(steps * PACE / 60, 2), seed=0, script="nbs/tools/train_many.py")
    return TextToVideo(denoiser, captions.encoder, config, DEVICE, "fp32")


def measure(denoiser, captions, steps):
    "What is right on held-out combinations, and how clean it is"
    report = evaluate(as_model(denoiser, captions, steps), "held-out-combinations", n=240, seed=11, guidance_scale=2.0)
    rights = {name: float(np.mean(right)) for name, right in report.right.items()}
    return rights | dict(n=report.n, fidelity=float(np.mean(report.fidelity)) if len(report.fidelity) else None)


def ablations(n_seeds):
    "What is missing of the table, row by row"
    rows = json.loads(TABLE.read_text())["rows"] if TABLE.exists() else []
    missing = [(name, seed) for seed in range(n_seeds) for name in ROWS if not any((r["name"], r["seed"]) == (name, seed) for r in rows)]
    print(f"{len(missing)} rows are missing", flush=True)
    if not missing: return
    pool, words = make_pool()
    captions = Captions()
    numbers = torch.tensor([captions.numbers[text] for text in words], device=DEVICE)
    for name, seed in missing:
        row = dict(ROWS[name])
        steps = round(STEPS / row.pop("cost", 1.0))
        torch.manual_seed(seed)
        denoiser = row.pop("build", recipe())()
        run = Run(denoiser, pool.to(DEVICE), captions, numbers, steps, seed, **row)
        for _ in run.snapshots(): pass
        rows.append(dict(name=name, seed=seed, steps=steps, **measure(run.average, captions, steps)))
        write_json(TABLE, dict(rows=rows))
        print(rows[-1], flush=True)


def train_tiny(folder):
    "The shipped recipe, and its weights on the way"
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pool, words = make_pool()
    captions = Captions()
    numbers = torch.tensor([captions.numbers[text] for text in words], device=DEVICE)
    torch.manual_seed(0)
    run = Run(Denoiser(), pool.to(DEVICE), captions, numbers, SNAPSHOTS[25])
    for step, denoiser in run.snapshots(*SNAPSHOTS.values()):
        as_model(denoiser, captions, step).save_pretrained(folder / f"{step}", half=True)
        print(f"{folder / str(step)} after {step} steps", flush=True)


def count_copies(n=256, n_known=4096):
    "The test for memorization, with clips of the very pool that the shipped model was trained on"
    seen = make_pool(n_known * 64 // N_POOL)[0].float() / 127.5 - 1
    unseen, _ = WorldData(WORLD, len(seen), seed=10**6)(0)
    model = TextToVideo.from_pretrained("tiny")
    prompts = eval_set(WORLD, "seen", n, 2026)[1]
    drawn = torch.stack([clip.tensor() for i in range(0, n, 32) for clip in model(prompts[i:i + 32], seed=i)])
    k, n = nearer_to_training(drawn, seen, unseen)
    print(f"nearer to one of {len(seen)} training clips than to one of as many new ones: {k} of {n}, 95 % interval {wilson(k, n)}")


if __name__ == "__main__":
    keep_positions_on_device()
    torch.backends.cuda.matmul.allow_tf32 = True
    if sys.argv[1:2] == ["tiny"]: train_tiny(sys.argv[2])
    elif sys.argv[1:2] == ["ablations"]: ablations(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
    elif sys.argv[1:2] == ["copies"]: count_copies()
    else: print(__doc__)
