"""The autoencoder, `emoji` and `full`, one after another on one GPU:

    python nbs/tools/train_latent.py FOLDER [--autoencoder SECONDS] [--emoji SECONDS] [--full SECONDS] [--clips N]

All that is learned from lies on the device: the emoji, N clips of the full world, which the processor's cores draw meanwhile, and later
their latents and the states of their captions. Each step is one CUDA graph (recorded.py). FOLDER gets `autoencoder`, `emoji` and `full`
as `load_autoencoder` and `from_pretrained` take them, and `looks.jsonl`: how good they were on the way, off the clock.

What ships had less noise at first (--shift -1); the second line goes on where `full` had come to, with other clips and the presets' noise,
and learns while they are drawn:

    python nbs/tools/train_latent.py FOLDER --full 270 --clips 240 --shift -1
    python nbs/tools/train_latent.py OTHER --autoencoder 0 --emoji 0 --full 630 --clips 240 --first-part 240 --first 15 \\
        --start FOLDER/full --lr .7

`full` on two CPU cores, in 95 minutes after 8 of drawing and encoding; run again, it goes on where it stopped, ten minutes at most before:

    OMP_NUM_THREADS=2 python nbs/tools/train_latent.py FOLDER --autoencoder 0 --emoji 0 --full 5700 --clips 24 --clips-a-step 64

What else runs on two CPU cores: train_autoencoder.py, `t2v train --arch dit`.
"""
import argparse
import json
import multiprocessing
import os
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recorded import DEVICE, Recorded, denoiser_loss
from train_autoencoder import emoji_clips, measure, unseen_clips

from t2v_learn.core import InputError, clone_folder, read_json, write_json
from t2v_learn.diffusion.guidance import sample
from t2v_learn.diffusion.sampling import refresh
from t2v_learn.judge.emoji import split_caption
from t2v_learn.judge.evaluate import eval_set
from t2v_learn.judge.reader import score
from t2v_learn.latent import autoencoder, transformer
from t2v_learn.latent.autoencoder import (Autoencoder, AutoencoderConfig, LossWeights, fit_latents, load_autoencoder, make_autoencoder_loss,
                                          save_autoencoder)
from t2v_learn.latent.latent_video import LatentDenoiser, LatentTextToVideo
from t2v_learn.text.bert import TextEncoder, TextStates
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.training.pipeline import FirstBatches, _evenly, caption_words, start_noise, text_statistics
from t2v_learn.video.clips import Clip
from t2v_learn.video.datasets import SequenceData, open_sequence
from t2v_learn.video.world import World, caption, render

PART = 1000                    # clips of the world that are drawn together
SEED = 777                     # of these clips
SPLITS = ("train", "held-out-combinations", "held-out-names")


# --- clips, once

def draw_part(job):
    "Clips of the full world, in a file, and their captions"
    part, folder = job
    if all((folder / f"{part}{end}").exists() for end in (".json", ".npy")):                # drawn before
        return read_json(folder / f"{part}.json", needs=("captions",))["captions"]
    torch.set_num_threads(1)
    rng = np.random.default_rng([SEED, part])
    world = World("full")
    clips, captions = [], []
    for _ in range(PART):
        scene = world.sample(rng, "seen")
        clips.append(render(scene))
        captions.append(caption(scene, rng))
    np.save(folder / f"{part}.npy", np.stack(clips).transpose(0, 4, 1, 2, 3))             # n c f h w
    write_json(folder / f"{part}.json", dict(captions=captions))
    return captions


@torch.no_grad()
def encode_part(job):
    "Where there is no GPU: the latents of such a part, in a file, instead of its clips"
    part, folder = job
    if not (folder / f"{part}-latents.npy").exists():
        torch.set_num_threads(1)
        captions = draw_part(job)
        ae = load_autoencoder()
        clips = torch.from_numpy(np.load(folder / f"{part}.npy"))
        latents = torch.cat([ae.encode(some.float() / 127.5 - 1).half() for some in clips.split(8)])
        np.save(folder / f"{part}-unfinished.npy", latents.numpy())
        os.replace(folder / f"{part}-unfinished.npy", folder / f"{part}-latents.npy")
        (folder / f"{part}.npy").unlink()
    else: captions = read_json(folder / f"{part}.json", needs=("captions",))["captions"]
    return captions


def part_latents(ae, folder, part):
    "The latents of such a part; the file of its clips, 24 times as large, is not needed any more"
    if (folder / f"{part}-latents.npy").exists(): return torch.from_numpy(np.load(folder / f"{part}-latents.npy")).to(DEVICE)
    latents = all_latents(ae, torch.from_numpy(np.load(folder / f"{part}.npy")))
    (folder / f"{part}.npy").unlink()
    return latents


def drawn_clips(folder, parts): # uint8 `n c f h w`
    return torch.from_numpy(np.concatenate([np.load(folder / f"{part}.npy") for part in parts]))


def read_emoji(job):
    "Every n-th emoji of a split"
    split, k, n = job
    torch.set_num_threads(1)
    found = open_sequence(clone_folder("emoji"), 16, 64, split=split)
    return [(i, found.read(i).frames.transpose(3, 0, 1, 2), found.captions[i]) for i in range(k, len(found), n)]


def all_emoji(pool, n):
    "split -> clips uint8 `n c f h w`, captions"
    jobs = [(split, k, n) for split in SPLITS for k in range(n)]
    found = {split: [] for split in SPLITS}
    for (split, _, _), rows in zip(jobs, pool.map(read_emoji, jobs, chunksize=1)): found[split] += rows
    for rows in found.values(): rows.sort(key=lambda row: row[0])
    return {split: (torch.from_numpy(np.stack([row[1] for row in rows])), [row[2] for row in rows]) for split, rows in found.items()}


def score_clip(job):
    torch.set_num_threads(1)
    frames, scene = job
    return score(Clip(frames), scene)


def mean_score(scores):
    "Of each attribute: the share of the clips asked for it that are right"
    return {name: round(np.mean([one[name] for one in scores if name in one]), 3) for name in sorted(set().union(*scores))}


# --- the autoencoder, as a GPU likes it

def use_flat_convolutions():
    "Convolutions within pictures or over time as 2D ones with the channels last, and norm and activation as one kernel: the same numbers"
    def flat(self, x, cache=None):
        b, i, f, h, w = x.shape
        if cache is not None or self.weight.shape[2] > 1 and self.weight.shape[3] > 1: return spatial(self, x, cache)
        if self.weight.shape[2] == 1:
            pictures = x.permute(0, 2, 1, 3, 4).reshape(b * f, i, h, w)
            y = F.conv2d(pictures, self.weight[:, :, 0], self.bias, padding=self.padding)
            return y.reshape(b, f, *y.shape[1:]).permute(0, 2, 1, 3, 4)
        lines = F.pad(x.reshape(b, i, f, h * w), (0, 0, self.n_past, 0))
        y = F.conv2d(lines, self.weight[..., 0], self.bias, stride=(self.stride, 1))
        return y.reshape(*y.shape[:3], h, w)

    def norm_silu(x, gain):
        scale = (x.float().square().mean(1, keepdim=True) + 1e-12).rsqrt()
        return F.silu(x.float() * scale * gain).to(x.dtype)

    torch._dynamo.config.recompile_limit = 64
    fused = torch.compile(norm_silu, dynamic=False)

    def block(self, x, cache=None):
        if cache is not None: return plain_block(self, x, cache)
        h = self.space(fused(x, self.norm_space.gain))
        return x + self.time(fused(h, self.norm_time.gain))

    spatial, autoencoder.CausalConv3d.forward = autoencoder.CausalConv3d.forward, flat
    plain_block, autoencoder.CausalBlock.forward = autoencoder.CausalBlock.forward, block


@lru_cache
def color_orders(): # of the three colours: half of them as they are
    return torch.tensor([[0, 1, 2]] * 5 + [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], device=DEVICE)


def varied(clips, training, n):
    "n of the clips as floats, mirrored, backwards, with exchanged colours and moved, or not: `vary`, on the device"
    rows = training.below(len(clips), n)
    place = torch.arange(clips.shape[-1], device=DEVICE)
    x = (place + training.below(13, n, 1) - 6).clamp(0, len(place) - 1)                     # n w
    y = (place + training.below(13, n, 1) - 6).clamp(0, len(place) - 1)                     # n h
    x = torch.where(training.rand(n, 1) < .5, len(place) - 1 - x, x)
    chosen = clips[rows[:, None, None], :, :, y[:, :, None], x[:, None, :]]                 # n h w c f
    video = chosen.permute(0, 3, 4, 1, 2).float() / 127.5 - 1                               # n c f h w
    video = torch.where(training.rand(n, 1, 1, 1, 1) < .5, video, video.flip(2))
    orders = color_orders()
    return video[torch.arange(n, device=DEVICE)[:, None], orders[training.below(len(orders), n)]]


def autoencoder_training(model, emoji, world, batch, weights, **settings):
    "Two thirds emoji, a third world"
    n_world = batch // 3
    plain = make_autoencoder_loss(weights)
    def loss(training):
        video = torch.cat([varied(emoji, training, batch - n_world), varied(world, training, n_world)])
        return plain(training.model, (video,), training.generator)
    config = TrainConfig(steps=1, **dict(optimizer="muon", lr=2e-3, matrix_lr=.02, warmup=50, decay_from=.4) | settings)
    return Recorded(model, loss, config)


@torch.no_grad()
def all_latents(model, clips):
    "Latents of uint8 clips `n c f h w`, in 16 bits on the device"
    found = []
    for part in clips.split(256):
        with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
            mean, _ = model.posterior(part.to(DEVICE).float() / 127.5 - 1)
        found.append(((mean.float() - model.latent_mean) / model.latent_std).half())
    return torch.cat(found)


def train_autoencoder(folder, emoji, world, seconds, say, unseen, batch):
    "The autoencoder, from fresh weights"
    training = autoencoder_training(Autoencoder(AutoencoderConfig()), emoji, world, batch, LossWeights())
    def look(training):
        found = {name: measure(training.average, some) for name, some in unseen.items()}
        say(what="autoencoder", step=training.done, loss=round(float(training.last_loss), 4), **found)
    training.fit(seconds=seconds, look=look, looks=4)
    model = training.average
    some = torch.cat([emoji[:1024], world[:512]]).float() / 127.5 - 1
    fit_latents(model, lambda step: (some[step::16], None))
    about = dict(steps=training.done, batch=batch, minutes=round(training.seconds / 60, 2), machine=machine(),
                 decibels={name: measure(model, some) for name, some in unseen.items()})
    save_autoencoder(model, folder / "autoencoder", **about)
    say(what="autoencoder, at its end", seconds=round(training.seconds, 1), **about)


# --- the transformers

def use_compiled_blocks():
    "In training, a block of the transformer as a few kernels instead of some two hundred: the same numbers"
    torch._dynamo.config.recompile_limit = 64
    plain = transformer.TransformerBlock.forward
    fused = torch.compile(plain, dynamic=False)
    def block(self, *args): return (fused if torch.is_grad_enabled() else plain)(self, *args)
    transformer.TransformerBlock.forward = block


def machine(): return torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU"


@torch.no_grad()
def states_of(encoder, captions, length=48):
    "Token states in 16 bits `n length d`, their mask, pooled states, on the device"
    bert = encoder.model.to(DEVICE)
    tokens, masks, pooled = [], [], []
    for k in range(0, len(captions), 512):
        ids = encoder.tokenizer(captions[k:k + 512], padding="max_length", max_length=length, return_tensors="pt").to(DEVICE)
        if ids["input_ids"].shape[1] > length: raise InputError("a caption has more word pieces than there is room for.")
        mask = ids["attention_mask"].bool()
        states = bert(ids["input_ids"], attention_mask=ids["attention_mask"]).last_hidden_state * mask[..., None]
        pooled.append(states.sum(1) / mask.sum(1, keepdim=True))
        tokens.append(states.half())
        masks.append(mask)
    return torch.cat(tokens), torch.cat(masks), torch.cat(pooled)


class Growing:
    "Latents of the world and the states of their captions, on the device: room for all, filled while a network learns from the first"
    def __init__(self, ae, encoder, drawn, folder, first_part, room, length=40):
        self.ae, self.encoder, self.drawn, self.folder, self.length = ae, encoder, drawn, folder, length
        self.part = first_part                                           # the next one
        self.captions = []
        self.known = torch.zeros((), dtype=torch.long, device=DEVICE)    # how many clips are there: a number that a CUDA graph reads
        self.latents = torch.zeros(room, 16, 4, 8, 8, dtype=torch.float16, device=DEVICE)
        self.tokens = torch.zeros(room, length, encoder.dim, dtype=torch.float16, device=DEVICE)
        self.mask = torch.zeros(room, length, dtype=torch.bool, device=DEVICE)
        self.pooled = torch.zeros(room, encoder.dim, device=DEVICE)

    def add(self, wait=False):
        "The next part, if it is drawn"
        try: captions = self.drawn.next(None if wait else 0)
        except (StopIteration, multiprocessing.TimeoutError): return
        rows = slice(len(self.captions), len(self.captions) + len(captions))
        self.latents[rows] = part_latents(self.ae, self.folder, self.part)
        self.tokens[rows], self.mask[rows], self.pooled[rows] = states_of(self.encoder, captions, self.length)
        self.captions += captions
        self.part += 1
        self.known.fill_(len(self.captions))

    def __getitem__(self, k): return TextStates(self.tokens[k].float(), self.mask[k], self.pooled[k])


class Texts:
    "The states of captions, by number, on the device"
    def __init__(self, encoder, captions, length=48):
        self.captions = sorted(set(captions))
        self.numbers = {text: k for k, text in enumerate(self.captions)}
        self.tokens, self.mask, self.pooled = states_of(encoder, self.captions, length)
        encoder.model.cpu()
        self.longest = int(self.mask.sum(1).max())
        self.tokens, self.mask = self.tokens[:, :self.longest], self.mask[:, :self.longest]

    def __getitem__(self, k): return TextStates(self.tokens[k].float(), self.mask[k], self.pooled[k])
    def of(self, captions): return torch.tensor([self.numbers[text] for text in captions], device=DEVICE)


def keep_positions_on_device():
    "A CUDA graph may copy nothing from the CPU: angles are made once"
    plain, kept = transformer.rotary_angles_3d, {}
    def angles(grid, head_dim):
        if (grid, head_dim) not in kept: kept[grid, head_dim] = plain(grid, head_dim).to(DEVICE)
        return kept[grid, head_dim]
    transformer.rotary_angles_3d = angles


def shifted(preset, mean=None):
    "The settings of a preset; mean: of the log-SNR to learn at, instead of its own"
    config = LatentTextToVideo.presets[preset].network
    return config if mean is None else replace(config, levels=replace(config.levels, means=(mean,)))


def new_denoiser(config, encoder, captions, sampled, ae, seed=0):
    "Fresh weights, fitted to the captions as `TextToVideo.start` does"
    torch.manual_seed(seed)
    denoiser = LatentDenoiser(config, ae)
    captions = sorted(set(captions))
    seen = FirstBatches(None, _evenly(captions, 256) if sampled else captions[:1024], [], sampled)
    denoiser.fit_text(text_statistics(encoder, seen))
    return denoiser


def transformer_training(denoiser, latents, texts, numbers, batch=256, known=None, **settings):
    "With the settings of the presets"
    config = TrainConfig(steps=1, **LatentTextToVideo.presets["full"].settings | settings)
    return Recorded(denoiser, denoiser_loss(denoiser, latents, texts, numbers, batch, known=known), config)


@torch.no_grad()
def draw_latents(denoiser, texts, numbers, seed=0, steps=24, scale=1.5, batch=128):
    "Latents of a clip for each caption, drawn as the shipped models do it"
    kept, denoiser.restore = denoiser.restore, lambda x: x / 100          # `sample` cuts clips to [-1, 1]
    channels = denoiser.config.transformer.channels
    pipe = LatentTextToVideo.__new__(LatentTextToVideo)
    pipe.network = denoiser
    times = pipe.times(steps)
    drawn = []
    try:
        for k in range(0, len(numbers), batch):
            some = numbers[k:k + batch]
            noise, generators = start_noise([seed + k + i for i in range(len(some))], (channels, 4, 8, 8))
            with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
                drawn.append(100 * sample(denoiser, texts[some], noise.to(DEVICE), times, refresh, scale, generators).float())
    finally: denoiser.restore = kept
    return torch.cat(drawn)


def nearest_score(denoiser, texts, latents, captions, asked, seed=0):
    "Of the captions asked for: the share whose drawn latents lie nearest to their own clip's, among five; name right; name and tone right"
    drawn = draw_latents(denoiser, texts, texts.of([captions[k] for k in asked]), seed)
    distance = torch.cdist(drawn.flatten(1), latents.float().flatten(1))
    order = distance.topk(5, largest=False).indices.tolist()
    found = [[split_caption(captions[j]) for j in row] for row in order]
    own = [split_caption(captions[k]) for k in asked]
    return dict(n=len(asked), top1=round(np.mean([row[0] == k for row, k in zip(order, asked)]), 3),
                top5=round(np.mean([k in row for row, k in zip(order, asked)]), 3),
                name=round(np.mean([row[0][0] == mine[0] for row, mine in zip(found, own)]), 3),
                both=round(np.mean([row[0] == mine for row, mine in zip(found, own)]), 3))


def save_model(denoiser, encoder, folder, preset, captions, training, fps, before=None):
    "As `t2v train` leaves it; before: what is known of the training that this one went on from"
    before = before or dict(steps=0, minutes=0)
    about = dict(shape=[3, 16, 64, 64], fps=fps, words=caption_words(captions))
    about["trained"] = dict(preset=preset, data="emoji" if preset == "emoji" else None, steps=before["steps"] + training.done,
                            minutes=round(before["minutes"] + training.seconds / 60, 2), seed=training.config.seed,
                            script="nbs/tools/train_latent.py", machine=machine())
    LatentTextToVideo(denoiser.cpu(), encoder, about, "cpu", "fp32").save_pretrained(folder / preset, half=True)


def train_emoji(folder, emoji, ae, encoder, seconds, say, shift=None, **settings):
    "The model `emoji`"
    clips = torch.cat([emoji[split][0] for split in SPLITS])
    captions = [text for split in SPLITS for text in emoji[split][1]]
    n_train, n_held = len(emoji["train"][1]), len(emoji["held-out-combinations"][1])
    latents = all_latents(ae, clips)
    texts = Texts(encoder, captions)
    denoiser = new_denoiser(shifted("emoji", shift), encoder, emoji["train"][1], True, ae)
    training = transformer_training(denoiser, latents[:n_train], texts, texts.of(captions[:n_train]), **settings)
    seen = np.linspace(0, n_train - 1, 128).astype(int).tolist()
    def look(training):
        scores = {name: nearest_score(training.average, texts, latents, captions, asked)
                  for name, asked in (("seen", seen), ("held-out-combinations", list(range(n_train, n_train + n_held))))}
        say(what="emoji", step=training.done, loss=round(float(training.last_loss), 4), **scores)
    training.fit(seconds=seconds, look=look, looks=5)
    say(what="emoji, at its end", step=training.done, seconds=round(training.seconds, 1))
    fps = SequenceData(emoji_clips("train"), 1).fps(16)
    save_model(training.average, encoder, folder, "emoji", emoji["train"][1], training, fps)


def train_full(folder, world, ae, encoder, seconds, say, scorers, start=None, shift=None, **settings):
    "The model `full`; start: the model whose weights it goes on from"
    scenes, prompts = eval_set(World("full"), "seen", 128 if DEVICE == "cuda" else 48, 5)
    asked = Texts(encoder, prompts)
    denoiser, before = new_denoiser(shifted("full", shift), encoder, world.captions[:1280], False, ae), None
    if start:
        model = LatentTextToVideo.from_pretrained(start)
        denoiser.load_state_dict(model.denoiser.state_dict())
        before = model.config["trained"]
    numbers = torch.arange(len(world.latents), device=DEVICE)
    training = transformer_training(denoiser, world.latents, world, numbers, known=world.known, **settings)
    looks = []
    def tell():
        while looks:
            about, scores = looks.pop(0)
            say(**about, **mean_score(scores.get()))
    def look(training):
        drawn = draw_latents(training.average, asked, asked.of(prompts))
        with torch.no_grad(): video = torch.cat([ae.decode(some) for some in drawn.split(32)])
        frames = ((video.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 4, 1).cpu().numpy()
        scores = scorers.map_async(score_clip, list(zip(frames, scenes)))
        looks.append((dict(what="full", step=training.done, loss=round(float(training.last_loss), 4)), scores))
        if DEVICE == "cpu": tell()                                                         # where a GPU trains, it goes on meanwhile
    training.fit(seconds=seconds, look=look, looks=4, keep=folder / "full.training", meanwhile=world.add)
    say(what="full, at its end", step=training.done, seconds=round(training.seconds, 1), clips=len(world.captions))
    save_model(training.average, encoder, folder, "full", world.captions, training, 8.0, before)
    tell()


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("folder", type=Path)
    asked.add_argument("--autoencoder", type=float, default=230, help="seconds; 0: the shipped one")
    asked.add_argument("--emoji", type=float, default=60, help="seconds")
    asked.add_argument("--full", type=float, default=120, help="seconds")
    asked.add_argument("--clips", type=int, default=120, help="thousands of clips of the world")
    asked.add_argument("--first", type=int, default=20, help="thousands of them that the autoencoder sees, and from which on `full` learns")
    asked.add_argument("--first-part", type=int, default=0, help="the first of these thousands: others than an earlier training had")
    asked.add_argument("--start", help="the model whose weights `full` goes on from: a folder or a shipped one")
    asked.add_argument("--shift", type=float, help="the mean of log-SNR that both learn at, instead of the presets'")
    asked.add_argument("--lr", type=float, default=1.0, help="of `full`, as a share of the preset's")
    asked.add_argument("--scratch", type=Path, default=Path("/tmp/world-clips"), help="where these clips lie meanwhile")
    asked.add_argument("--encoder", default="default")
    asked.add_argument("--batch", type=int, default=64, help="clips a step of the autoencoder")
    asked.add_argument("--clips-a-step", type=int, default=256, help="of a transformer")
    asked = asked.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    began = time.perf_counter()
    asked.folder.mkdir(parents=True, exist_ok=True)
    asked.scratch.mkdir(parents=True, exist_ok=True)

    def say(**row):
        row = dict(at=round(time.perf_counter() - began, 1)) | row
        print(json.dumps(row), flush=True)
        with open(asked.folder / "looks.jsonl", "a") as looks: looks.write(json.dumps(row) + "\n")

    n = max(1, (os.cpu_count() or 2) - 1)
    fork = multiprocessing.get_context("fork")
    with fork.Pool(n) as pool, fork.Pool(max(1, n // 4)) as scorers:                   # these do not wait for the clips to be drawn
        emoji = all_emoji(pool, n) if asked.autoencoder or asked.emoji else {}
        parts = range(asked.first_part, asked.first_part + asked.clips)
        first = parts[:asked.first]
        if DEVICE == "cuda":
            use_flat_convolutions()
            use_compiled_blocks()
        keep_positions_on_device()
        if asked.autoencoder:
            pool.map(draw_part, [(part, asked.scratch) for part in first], chunksize=1)
            say(what=f"{sum(len(texts) for _, texts in emoji.values())} emoji and {len(first)} thousand clips of the world are drawn")
            unseen = unseen_clips()
            clips = drawn_clips(asked.scratch, first).to(DEVICE)
            train_autoencoder(asked.folder, emoji["train"][0].to(DEVICE), clips, asked.autoencoder, say, unseen, asked.batch)
            del clips
        draw = draw_part if DEVICE == "cuda" else encode_part
        drawn = pool.imap(draw, [(part, asked.scratch) for part in parts if asked.full])
        ae = load_autoencoder(asked.folder / "autoencoder" if (asked.folder / "autoencoder").exists() else "autoencoder").to(DEVICE)
        encoder = TextEncoder(asked.encoder)
        if asked.emoji: train_emoji(asked.folder, emoji, ae, encoder, asked.emoji, say, asked.shift, batch=asked.clips_a_step)
        if asked.full:
            world = Growing(ae, encoder, drawn, asked.scratch, asked.first_part, len(parts) * PART)
            for _ in first if DEVICE == "cuda" else parts: world.add(wait=True)            # a GPU learns from these while others are drawn
            say(what=f"{len(world.captions)} clips of the world are drawn and encoded")
            settings = LatentTextToVideo.presets["full"].settings
            settings = {name: asked.lr * settings[name] for name in ("lr", "matrix_lr")} | dict(batch=asked.clips_a_step)
            train_full(asked.folder, world, ae, encoder, asked.full, say, scorers, asked.start, asked.shift, **settings)


if __name__ == "__main__": main()
