"""What each part of the autoencoder and of the transformer is worth:

    python nbs/tools/measure_latent.py transformer SEED [--steps N]      a row for each of `CHANGES`, on the emoji
    python nbs/tools/measure_latent.py autoencoder [--steps N]           a row for each of `AUTOENCODERS`, from fresh weights
    python nbs/tools/measure_latent.py discriminator [--steps N]         trained further, with and without one
    python nbs/tools/measure_latent.py emoji                             the scores of the shipped model `emoji`, and its controls
    python nbs/tools/measure_latent.py full                              the scores of the shipped model `full`: 512 prompts of each split
    python nbs/tools/measure_latent.py samplers                          `full`, drawn in other ways: 128 prompts of another seed
    python nbs/tools/measure_latent.py prediction                        how far off `full` is in one step, by what moves how
    python nbs/tools/measure_latent.py gallery                           its clips of a fixed list of prompts, into data/gallery
    python nbs/tools/measure_latent.py decide [SEED] [--minutes M]       pixels or latents, U-Net or transformer: M minutes each
    python nbs/tools/measure_latent.py speed                             a training step and a clip of each of these

Rows go to nbs/7_latent/results, as soon as they are known; what stands there already is not trained again. Made for a GPU (see
recorded.py); on two CPU cores a row of the transformer takes half an hour.
"""
import argparse
import json
import os
import time
import warnings
from multiprocessing import get_context
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import torch
import torch.nn.functional as F
import train_many
from einops import rearrange
from recorded import DEVICE, Recorded, denoiser_loss, fit_together
from torch import nn
from train_autoencoder import measure, unseen_clips
from train_latent import (PART, SPLITS, Texts, all_emoji, all_latents, autoencoder_training, draw_part, drawn_clips,
                          keep_positions_on_device, machine, mean_score, nearest_score, new_denoiser, score_clip, transformer_training,
                          use_compiled_blocks, use_flat_convolutions, varied)

from t2v_learn.core import clone_folder, sha256, shipped_folder, write_json
from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig, NoiseLevels
from t2v_learn.diffusion.editing import TextToVideo
from t2v_learn.diffusion.unet3d import UNet3D, UNetConfig
from t2v_learn.judge.emoji import load_judge, score_emoji
from t2v_learn.judge.evaluate import eval_set, evaluate, save_score
from t2v_learn.judge.reader import score
from t2v_learn.latent.autoencoder import (Autoencoder, AutoencoderConfig, LossWeights, fit_pca, load_autoencoder,
                                          make_autoencoder_loss, pca_copy, psnr)
from t2v_learn.latent.latent_video import LatentConfig, LatentDenoiser, LatentTextToVideo, interpolate_prompts
from t2v_learn.latent.transformer import TransformerConfig, VideoTransformer, modulate, rotary_angles_3d, to_tokens, from_tokens
from t2v_learn.text.attention import rotate
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.training.pipeline import FirstBatches, caption_words, shipped_models, text_statistics
from t2v_learn.video.clips import Clip
from t2v_learn.video.datasets import open_sequence
from t2v_learn.video.world import KINDS, World, caption, render

RESULTS = Path(__file__).parents[1] / "7_latent" / "results"
START = Path(os.environ["AUTOENCODER"]) if "AUTOENCODER" in os.environ else "autoencoder"      # a folder, or the shipped one


def add_row(name, row):
    "To nbs/7_latent/results/NAME.json"
    file = RESULTS / f"{name}.json"
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows = json.loads(file.read_text())["rows"] if file.exists() else []
    write_json(file, dict(rows=[*rows, row]))
    print(json.dumps(row), flush=True)


def known(table, name):
    file = RESULTS / f"{table}.json"
    return file.exists() and any(row["name"] == name for row in json.loads(file.read_text())["rows"])


# --- the transformer

class Unrotated(nn.Module):
    "Attention that knows no positions"
    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def forward(self, x, angles=None): return self.attention(x)


class WithPositions(nn.Module):
    "A learned vector for each place, added to its token"
    def __init__(self, linear, n):
        super().__init__()
        self.linear = linear
        self.positions = nn.Parameter(.02 * torch.randn(n, linear.out_features))

    def forward(self, tokens): return self.linear(tokens) + self.positions


class Silent(nn.Module):
    "Attention to the words that adds nothing"
    def forward(self, x, context, mask): return torch.zeros_like(x)


def without_positions(denoiser):
    for block in denoiser.unet.blocks: block.self_attention = Unrotated(block.self_attention)


def with_learned_positions(denoiser):
    without_positions(denoiser)
    denoiser.unet.to_dim = WithPositions(denoiser.unet.to_dim, 64)


def without_words(denoiser):
    for block in denoiser.unet.blocks: block.cross_attention = Silent()


def without_pooled_text(denoiser):
    to_cond = denoiser.unet.text_conditioner.to_cond
    nn.init.zeros_(to_cond[1].weight)
    for p in to_cond.parameters(): p.requires_grad_(False)


class JointBlock(nn.Module):
    "Clip and words in one attention, with weights of their own (MM-DiT: Esser et al. 2024, section 4)"
    def __init__(self, dim, n_heads, mlp_dim):
        super().__init__()
        self.n_heads = n_heads
        for part in ("clip", "words"):
            hidden = mlp_dim if part == "clip" else mlp_dim // 2
            self.add_module(f"qkv_{part}", nn.Linear(dim, 3 * dim))
            self.add_module(f"out_{part}", nn.Linear(dim, dim))
            self.add_module(f"norms_{part}", nn.ModuleList([nn.RMSNorm(dim // n_heads, eps=1e-6) for _ in range(2)]))
            self.add_module(f"mlp_{part}", nn.Sequential(nn.Linear(dim, hidden), nn.GELU("tanh"), nn.Linear(hidden, dim)))
            self.register_parameter(f"table_{part}", nn.Parameter(torch.zeros(6, dim)))
        self.norm = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)

    def heads(self, part, h):
        q, k, v = rearrange(getattr(self, f"qkv_{part}")(h), "b n (three h d) -> three b h n d", three=3, h=self.n_heads)
        norm_q, norm_k = getattr(self, f"norms_{part}")
        return norm_q(q).to(v.dtype), norm_k(k).to(v.dtype), v

    def forward(self, x, words, mask, modulation, angles): # the modulation of words is that of a clip's first token
        steer = {"clip": modulation + self.table_clip, "words": modulation[:, :1] + self.table_words}
        parts = {"clip": x, "words": words}
        found = {}
        for part, h in parts.items():
            shift, scale = steer[part].unbind(2)[:2]
            found[part] = self.heads(part, modulate(self.norm(h), shift, scale))
        q, k, v = found["clip"]
        found["clip"] = rotate(q, angles).to(v.dtype), rotate(k, angles).to(v.dtype), v
        q, k, v = (torch.cat([a, b], 2) for a, b in zip(found["clip"], found["words"]))
        seen = torch.cat([mask.new_ones(len(x), x.shape[1]), mask], 1)[:, None, None]
        out = rearrange(F.scaled_dot_product_attention(q, k, v, seen), "b h n d -> b n (h d)")
        mixed = dict(zip(parts, out.split([x.shape[1], words.shape[1]], 1)))
        for part in parts:
            _, _, gate, shift, scale, gate_mlp = steer[part].unbind(2)
            parts[part] = parts[part] + gate * getattr(self, f"out_{part}")(mixed[part])
            h = modulate(self.norm(parts[part]), shift, scale)
            parts[part] = parts[part] + gate_mlp * getattr(self, f"mlp_{part}")(h)
        return parts["clip"], parts["words"]


class JointTransformer(VideoTransformer):
    "`VideoTransformer` with joint attention: four such blocks have about as many weights as five with cross-attention"
    def __init__(self, config):
        super().__init__(config)
        self.blocks = nn.ModuleList(JointBlock(config.dim, config.n_heads, config.mlp_dim) for _ in range(4))

    def forward(self, x, log_snr, text, cond_mask=None):
        grid = tuple(size // part for size, part in zip(x.shape[2:], self.config.patch))
        angles = rotary(grid, self.config.dim // self.config.n_heads)
        if cond_mask is None: cond_mask = torch.ones(len(x), dtype=torch.bool, device=x.device)
        cond, words, mask = self.condition(log_snr, text, cond_mask, grid)
        x = self.to_dim(to_tokens(x, self.config.patch))
        modulation = rearrange(self.to_modulation(F.silu(cond)), "b n (six d) -> b n six d", six=6)
        for block in self.blocks: x, words = block(x, words, mask, modulation, angles)
        shift, scale = (cond[:, :, None] + self.table_out).unbind(2)
        x = self.from_dim(modulate(self.norm_out(x), shift, scale))
        return from_tokens(x, self.config.patch, grid).float()


_ANGLES = {}

def rotary(grid, head_dim):
    if (grid, head_dim) not in _ANGLES: _ANGLES[grid, head_dim] = rotary_angles_3d(grid, head_dim).to(DEVICE)
    return _ANGLES[grid, head_dim]


def with_joint_attention(denoiser): denoiser.unet = JointTransformer(denoiser.config.transformer)


def levels(mean): return dict(levels=NoiseLevels((mean,), (2,), (-14, 14)))


CHANGES = {     # name -> what is changed
    "the recipe": {},
    "learned positions": dict(change=with_learned_positions),
    "no positions": dict(change=without_positions),
    "text by adaLN only": dict(change=without_words),
    "text by cross-attention only": dict(change=without_pooled_text),
    "joint attention (MM-DiT)": dict(change=with_joint_attention),
    "patch 1x1x1, as many steps": dict(transformer=dict(patch=(1, 1, 1))),
    "patch 1x1x1, as many minutes": dict(transformer=dict(patch=(1, 1, 1)), share=.27),
    "predicts x0": dict(config=dict(target="x0", weighting="flow", max_weight=20.0)),
    "no timestep shift": dict(config=levels(0)),
    "larger timestep shift": dict(config=levels(-2.5)),
    "AdamW": dict(settings=dict(optimizer="adamw")),
}


def measure_transformers(seed, steps, only, batch):
    with get_context("fork").Pool(max(1, (os.cpu_count() or 2) // 4)) as pool: emoji = all_emoji(pool, 4)
    keep_positions_on_device()
    ae = load_autoencoder(START).to(DEVICE)
    encoder = TextEncoder()
    captions = [text for split in SPLITS for text in emoji[split][1]]
    n_train, n_held = len(emoji["train"][1]), len(emoji["held-out-combinations"][1])
    latents = all_latents(ae, torch.cat([emoji[split][0] for split in SPLITS]))
    texts = Texts(encoder, captions)
    numbers = texts.of(captions[:n_train])
    seen = np.linspace(0, n_train - 1, 192).astype(int).tolist()
    held = list(range(n_train, n_train + n_held))
    for name, change in CHANGES.items():
        if only and only not in name: continue
        if known(f"ablations-{seed}", name): continue
        config = LatentConfig(transformer=TransformerConfig(**change.get("transformer", {})), **change.get("config", {}))
        torch.manual_seed(seed)
        denoiser = new_denoiser(config, encoder, emoji["train"][1], True, ae, seed)
        if "change" in change:
            fitted = dict(denoiser.unet.text_conditioner.named_buffers())
            change["change"](denoiser)
            denoiser.unet.text_conditioner.load_state_dict(fitted, strict=False)
        settings = dict(seed=seed) | change.get("settings", {})
        training = transformer_training(denoiser, latents[:n_train], texts, numbers, batch, **settings)
        training.fit(steps=max(12, round(steps * change.get("share", 1))))
        scores = {split: nearest_score(training.average, texts, latents, captions, asked, seed=1000)
                  for split, asked in (("seen", seen), ("held-out-combinations", held))}
        add_row(f"ablations-{seed}", dict(name=name, seed=seed, steps=training.done, batch=batch, seconds=round(training.seconds, 2),
                                  machine=machine(), parameters=sum(p.numel() for p in training.params), **scores))


# --- the autoencoder

def edges(frames): # the mean step from pixel to pixel
    frames = frames.astype(float)
    return np.abs(np.diff(frames, axis=1)).mean() + np.abs(np.diff(frames, axis=2)).mean()


def high_frequencies(frames): # power in the upper half of spatial frequencies
    power = np.abs(np.fft.rfft2(frames.astype(float), axes=(1, 2)))**2                       # f h w/2+1 c
    rows, columns = np.abs(np.fft.fftfreq(frames.shape[1]))[:, None], np.fft.rfftfreq(frames.shape[2])[None]
    return power[:, (rows > .25) | (columns > .25)].sum()


def sharpness(clips, originals): # uint8 `f h w c` each
    "As a share of the originals', median over clips"
    return {name: round(float(np.median([part(a) / part(b) for a, b in zip(clips, originals)])), 3)
            for name, part in (("edges", edges), ("high", high_frequencies))}


def as_frames(video): # `b c f h w` in [-1, 1] -> uint8 `f h w c` each
    return list(((video.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 4, 1).cpu().numpy())


@torch.no_grad()
def copies_of(model, video): # uint8 `f h w c` each
    return [frames for some in video.split(16) for frames in as_frames(model.decode(model.encode(some.to(DEVICE))))]


AUTOENCODERS = {    # name -> channels of the latents, weights of the loss
    "16 channels": (16, {}),
    "48 channels": (48, {}),
    "8 channels": (8, {}),
    "no gradient loss": (16, dict(gradient=0.0)),
    "no squared error": (16, dict(squared=0.0)),
    "no KL": (16, dict(kl=0.0)),
    "100 times as much KL": (16, dict(kl=100 * LossWeights().kl)),
}


def clips_for_autoencoders(scratch):
    n = os.cpu_count() or 2
    scratch.mkdir(exist_ok=True)
    with get_context("fork").Pool(max(1, n - 1)) as pool:
        emoji = all_emoji(pool, n)["train"][0]
        missing = [(k, scratch) for k in range(4) if not (scratch / f"{k}.npy").exists()]
        pool.map(draw_part, missing)
    return emoji, drawn_clips(scratch, range(4))


PCA = (8, 16, 48)      # numbers a place of the latents

def add_pca_rows(emoji, world, unseen):
    "What the best linear map keeps at each rate"
    known_clips = torch.cat([emoji[::4], world[:PART // 2]]).float() / 127.5 - 1
    mean, directions = fit_pca(known_clips)
    for latent_dim in PCA:
        found = {}
        for name, clips in unseen.items():
            decibels = psnr(pca_copy(clips, mean, directions, latent_dim), clips)
            found[name] = dict(n=len(clips), mean=round(decibels.mean().item(), 2), p10=round(decibels.quantile(.1).item(), 2))
        name = f"PCA, {latent_dim}"
        if not known("autoencoders", name): add_row("autoencoders", dict(name=name, latent_dim=latent_dim, **found))


def measure_autoencoders(steps, batch, only, scratch):
    emoji, world = clips_for_autoencoders(scratch)
    unseen = unseen_clips()
    if not all(known("autoencoders", f"PCA, {latent_dim}") for latent_dim in PCA): add_pca_rows(emoji, world, unseen)
    use_flat_convolutions()
    emoji, world = emoji.to(DEVICE), world.to(DEVICE)
    for name, (latent_dim, weights) in AUTOENCODERS.items():
        if only and only not in name or known("autoencoders", name): continue
        torch.manual_seed(0)
        training = autoencoder_training(Autoencoder(AutoencoderConfig(latent_dim)), emoji, world, batch, LossWeights(**weights))
        training.fit(steps=steps)
        model = training.average
        with torch.no_grad():
            mean, log_variance = model.posterior(emoji[:64].float() / 127.5 - 1)
        spread = dict(latent_std=round(mean.float().std().item(), 3), noise_std=round((log_variance.float() / 2).exp().mean().item(), 4))
        about = dict(steps=steps, batch=batch, seconds=round(training.seconds, 1), machine=machine())
        found = {kind: measure(model, clips) for kind, clips in unseen.items()}
        sharp = {kind: sharpness(copies_of(model, clips), as_frames(clips)) for kind, clips in unseen.items()}
        add_row("autoencoders", dict(name=name, latent_dim=latent_dim, **about, **found, sharpness=sharp, **spread))


class Discriminator(nn.Module):
    "Whether patches of a clip are real; causal as the autoencoder is (hinge loss; patches: Isola et al. 2017)"
    def __init__(self, dims=(32, 64, 128)):
        super().__init__()
        layers, last = [], 3
        for dim in dims:
            layers += [nn.Conv3d(last, dim, (3, 4, 4), stride=(1, 2, 2), padding=1), nn.GroupNorm(8, dim), nn.SiLU()]
            last = dim
        self.layers = nn.Sequential(*layers, nn.Conv3d(last, 1, 1))

    def forward(self, video): return self.layers(video)


class Remembering(Autoencoder):
    "Keeps its last copy for the discriminator"
    def draw(self, latents, cache=None):
        self.copy = super().draw(latents, cache)
        return self.copy


class Opponents(nn.Module):
    def __init__(self, autoencoder):
        super().__init__()
        self.autoencoder, self.discriminator = Remembering(autoencoder.config), Discriminator()
        self.autoencoder.load_state_dict(autoencoder.state_dict())


def measure_discriminator(steps, batch, scratch):
    emoji, world = clips_for_autoencoders(scratch)
    unseen = unseen_clips()
    use_flat_convolutions()
    emoji, world = emoji.to(DEVICE), world.to(DEVICE)
    plain = make_autoencoder_loss()
    def row(name, model, seconds):
        found = {kind: measure(model, clips) for kind, clips in unseen.items()}
        sharp = {kind: sharpness(copies_of(model, clips), as_frames(clips)) for kind, clips in unseen.items()}
        about = dict(steps=steps, batch=batch, seconds=round(seconds, 1), machine=machine())
        add_row("discriminator", dict(name=name, **about, **found, sharpness=sharp))
    if not known("discriminator", "before"): row("before", load_autoencoder(START).to(DEVICE), 0.0)
    for share in (0.0, .02, .1):
        name = f"weight {share:g}"
        if known("discriminator", name): continue
        torch.manual_seed(0)
        both = Opponents(load_autoencoder(START))
        def loss(training, share=share):
            model = training.model
            video = torch.cat([varied(emoji, training, batch - batch // 3), varied(world, training, batch // 3)])
            rebuilt = plain(model.autoencoder, (video,), training.generator)
            if not share: return rebuilt
            copy = model.autoencoder.copy.float()
            frozen = {key: p.detach() for key, p in model.discriminator.named_parameters()}
            fooled = -torch.func.functional_call(model.discriminator, frozen, (copy,)).mean()
            real, false = model.discriminator(video), model.discriminator(copy.detach())
            return rebuilt + share * fooled + F.relu(1 - real).mean() + F.relu(1 + false).mean()
        config = TrainConfig(steps=1, optimizer="muon", lr=5e-4, matrix_lr=.005, warmup=20, decay_from=.4)
        training = Recorded(both, loss, config).fit(steps=steps)
        row(name, training.average.autoencoder, training.seconds)


# --- pixels or latents, U-Net or transformer

class LatentUNet(LatentDenoiser):
    "As `LatentDenoiser`, with a U-Net of about as many weights"
    def __init__(self, config, autoencoder):
        super().__init__(config, autoencoder)
        levels = dict(temporal=(True, True), cross_attention=(True, True), spacetime_attention=(False, True))
        self.unet = UNet3D(UNetConfig(channels=16, patch_size=1, widths=(160, 240), **levels))


def pixel_unet(config, autoencoder):
    lower = (False, True, True, True)
    return Denoiser(DenoiserConfig(UNetConfig(widths=(48, 96, 176, 208), temporal=lower, cross_attention=lower,
                                              spacetime_attention=(False, False, False, True))))


ARMS = {    # name -> network, pipeline, preset, how it draws, clips a step, seconds of such a step on one CPU core
    "latent transformer": (LatentDenoiser, LatentTextToVideo, "full", {}, 32, 2.1),
    "latent U-Net": (LatentUNet, LatentTextToVideo, "full", {}, 32, 2.1),
    "pixel U-Net": (pixel_unet, TextToVideo, "tiny", dict(guidance_scale=2.0), 16, 9.0),
}


def arm_training(name, seed, minutes, ae, encoder, captions, texts, pixels, latents):
    "One row of the figure, before its first step"
    build, kind, preset, _, batch, seconds = ARMS[name]
    torch.manual_seed(seed)
    denoiser = build(LatentConfig(), ae)
    denoiser.fit_text(text_statistics(encoder, FirstBatches(None, sorted(set(captions[:1280])), [])))
    denoiser.fit_data(pixels[:512].cpu().float() / 127.5 - 1)
    loss = denoiser_loss(denoiser, pixels if kind is TextToVideo else latents, texts, texts.of(captions), batch)
    return Recorded(denoiser, loss, TrainConfig(steps=round(2 * 60 * minutes / seconds), seed=seed, **kind.presets[preset].settings))


def add_scored_row(row, jobs, sets):
    for split, (drawn, job) in jobs.items():
        sharp = [edges(frames) / edges(render(scene)) for frames, scene in zip(drawn, sets[split][0])]
        row[split] = mean_score(job.get()) | dict(n=len(drawn), edges=round(float(np.mean(sharp)), 3))
    add_row(f"decide-{row['seed']}", row)


def measure_arms(seeds, minutes, only, scratch, parts=15, n=128):
    """As many steps as a training on two CPU cores makes in so many minutes, wherever they are made

    Seconds of a step were measured on one core of a processor without units for bf16, in float32: loss, gradient and optimizer (and, of
    latents, an eighth of a batch of clips encoded). They are what is compared; a GPU has other ratios, and trains the seeds side by side.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with get_context("fork").Pool(max(1, (os.cpu_count() or 2) - 1)) as pool:
        captions = [text for part in pool.map(draw_part, [(k, scratch) for k in range(parts)], chunksize=1) for text in part]
        keep_positions_on_device()
        train_many.keep_positions_on_device()
        ae = load_autoencoder(START).to(DEVICE)
        encoder = TextEncoder()
        pixels = drawn_clips(scratch, range(parts))
        latents = all_latents(ae, pixels)
        pixels = pixels.to(DEVICE)
        texts = Texts(encoder, captions)
        sets = {split: [some[:n] for some in eval_set(World("full"), split, n, 2026)] for split in ("seen", "held-out-combinations")}
        drawn_of = []                                                               # of each model: what is being scored meanwhile
        for name, (_, kind, _, drawing, batch, _) in ARMS.items():
            missing = [seed for seed in seeds if not known(f"decide-{seed}", name)]
            if only and only not in name or not missing: continue
            trainings = [arm_training(name, seed, minutes, ae, encoder, captions, texts, pixels, latents) for seed in missing]
            fit_together(trainings, trainings[0].config.steps)
            for seed, training in zip(missing, trainings):
                about = dict(shape=[3, 16, 64, 64], fps=8.0, words=caption_words(captions))
                model = kind(training.average, encoder, about, DEVICE)
                row = dict(name=name, seed=seed, minutes=minutes, steps=training.done, batch=batch, machine=machine(),
                           seconds=round(training.seconds, 1), loss=round(float(training.last_loss), 4),
                           parameters=sum(p.numel() for p in training.model.parameters()))
                began = time.perf_counter()
                jobs = {}
                for split, (scenes, prompts) in sets.items():
                    drawn = [clip.frames for k in range(0, n, 64) for clip in model(prompts[k:k + 64], seed=1000 + k, **drawing)]
                    jobs[split] = drawn, pool.map_async(score_clip, list(zip(drawn, scenes)))
                row["seconds_a_clip"] = round((time.perf_counter() - began) / (2 * n), 3)
                drawn_of.append((row, jobs))
            del trainings
            while drawn_of and all(job.ready() for _, job in drawn_of[0][1].values()): add_scored_row(*drawn_of.pop(0), sets)
        for row, jobs in drawn_of: add_scored_row(row, jobs, sets)


def measure_speed(rounds=5, prompt="a large red circle slowly moving right"):
    "Seconds of a training step and of a clip, for a network that knows nothing: medians on this machine"
    ae, encoder = load_autoencoder(START), TextEncoder()
    captions = ["a small blue star spinning clockwise", "there is a green digit 7 moving to the left slowly"]
    texts = Texts(encoder, captions)
    for name, (build, kind, preset, drawing, batch, _) in ARMS.items():
        denoiser = build(LatentConfig(), ae)
        denoiser.fit_text(text_statistics(encoder, FirstBatches(None, captions, [])))
        shape = (3, 16, 64, 64) if kind is TextToVideo else (16, 4, 8, 8)
        denoiser.fit_data(torch.randn(8, *shape).clamp(-1, 1))
        loss = denoiser_loss(denoiser, torch.randn(64, *shape).half(), texts, texts.of(32 * captions), batch)
        training = Recorded(denoiser, loss, TrainConfig(steps=1, **kind.presets[preset].settings))
        model = kind(training.average, encoder, dict(shape=[3, 16, 64, 64], fps=8.0, words=prompt.split()))
        seconds = dict(step=[], clip=[])
        for k in range(rounds + 1):                                                         # the first is not counted
            began = time.perf_counter()
            training.one_step()
            between = time.perf_counter()
            model(prompt, seed=k, **drawing)
            if k: seconds["step"].append(between - began), seconds["clip"].append(time.perf_counter() - between)
        add_row("speed", dict(name=name, batch=batch, threads=torch.get_num_threads(), machine=machine(),
                              **{f"seconds_a_{what}": round(float(np.median(some)), 3) for what, some in seconds.items()}))


# --- the shipped model `emoji`

def shares(score):
    "Of an `EmojiScore`: part -> right, of how many"
    tones = [one for one in score.tone if one is not None]
    parts = dict(caption=score.caption, top5=score.top5, name=score.name, tone=tones, both=score.both)
    return {name: [int(sum(right)), len(right)] for name, right in parts.items() if right}


def distances(clips, others): # root mean square in grey levels, `n m`
    a, b = (torch.from_numpy(np.stack(some)).float().flatten(1) for some in (clips, others))
    return torch.cdist(a, b).numpy() / a.shape[1]**.5


def measure_emoji(scratch, n_seen=512, n_seeds=3):
    "Does it draw what it is asked for, does it recombine, is it sharp, does it copy?"
    model = LatentTextToVideo.from_pretrained("emoji")
    judge, known_captions = load_judge()
    clips = {split: open_sequence(clone_folder("emoji"), 16, 64, split=split) for split in SPLITS}
    train = [clips["train"].read(i).frames for i in range(len(clips["train"]))]
    held = [clips["held-out-combinations"].read(i).frames for i in range(len(clips["held-out-combinations"]))]
    chosen = np.linspace(0, len(train) - 1, n_seen).astype(int).tolist()
    asked = {"seen": [clips["train"].captions[i] for i in chosen],
             "held-out-combinations": n_seeds * clips["held-out-combinations"].captions,
             "held-out-names": clips["held-out-names"].captions}
    found = dict(machine=machine(), steps=24, guidance_scale=1.5)
    def draw(model, captions, seed):
        warnings.simplefilter("ignore")
        return [clip.frames for k in range(0, len(captions), 16) for clip in model(captions[k:k + 16], seed=seed + k)]
    drawn, kept = {}, scratch / f"drawn-{sha256(shipped_folder('emoji') / 'model.safetensors')[:8]}.npz"
    if kept.exists(): drawn = {split: list(clips) for split, clips in np.load(kept).items()}
    else:
        scratch.mkdir(parents=True, exist_ok=True)
        for split, captions in asked.items(): drawn[split] = draw(model, captions, 10_000)
        np.savez(kept, **{split: np.stack(clips) for split, clips in drawn.items()})
    for split, captions in asked.items():
        found[split] = shares(score_emoji(judge, known_captions, drawn[split], captions))
        print(split, found[split], flush=True)
    own = [train[i] for i in chosen]
    copies = copies_of(model.denoiser.autoencoder, torch.from_numpy(np.stack(own)).permute(0, 4, 1, 2, 3) / 127.5 - 1)
    found["copies of the autoencoder"] = shares(score_emoji(judge, known_captions, copies, asked["seen"]))
    found["sharpness"] = {name: sharpness(some, own) for name, some in (("drawn", drawn["seen"]), ("copies", copies))}
    among = distances(train, train)
    np.fill_diagonal(among, np.inf)
    to_train, to_held = distances(drawn["held-out-combinations"], train), distances(drawn["held-out-combinations"], held)
    own_held = to_held[np.arange(len(to_held)), np.arange(len(to_held)) % len(held)]
    found["distance"] = {name: round(float(np.median(some)), 2) for name, some in (
        ("drawn, to its own clip", np.diag(distances(drawn["seen"], own))), ("copy, to its own clip", np.diag(distances(copies, own))),
        ("real, to the nearest other real one", among.min(1)), ("held out, to the nearest of training", to_train.min(1)),
        ("held out, to the real clip that was held out", own_held))}
    found["nearer to what was held out than to all of training"] = [int((own_held < to_train.min(1)).sum()), len(own_held)]
    torch.manual_seed(0)
    untrained = LatentTextToVideo(LatentDenoiser(model.denoiser.config), model.encoder, model.config)
    for p in untrained.denoiser.unet.parameters(): p.data.normal_(0, .02)
    turned = asked["seen"][7:71] + asked["seen"][:7]
    found["untrained"] = shares(score_emoji(judge, known_captions, draw(untrained, asked["seen"][:64], 0), asked["seen"][:64]))
    found["captions exchanged"] = shares(score_emoji(judge, known_captions, drawn["seen"][:71], turned))
    write_json(RESULTS / "emoji.json", found)
    print(json.dumps(found, indent=1))


# --- the shipped model `full`

WORLD_SPLITS = ("seen", "held-out-combinations", "held-out-words")
SAMPLING = {    # name -> what is told to the model; a number alone: where `refresh` ends
    "DPM-Solver++ 2M": dict(sampler="dpmpp_2m"),
    "DPM-Solver++ 2M, guidance 2": dict(sampler="dpmpp_2m", guidance_scale=2.0),
    "DPM-Solver++ 2M SDE": dict(sampler="dpmpp_2m_sde"),
    "refresh until -1": -1.0,
    "refresh until 1": 1.0,
    "refresh until 3": 3.0,
    "refresh until 5": 5.0,
    "refresh until 3, guidance 2": dict(guidance_scale=2.0),
    "refresh until 3, guided below -3.5": dict(guidance_interval=(-float("inf"), -3.5)),
}


def measure_samplers(n=128, seed=778):
    "The same network, prompts and first noise, and different ways from noise to a clip"
    for name, settings in SAMPLING.items():
        if known("samplers", name): continue
        model = LatentTextToVideo.from_pretrained("full")
        if not isinstance(settings, dict): model.refresh_until, settings = settings, {}
        found = evaluate(model, "seen", n=n, seed=seed, **settings).right
        right = {part: int(np.sum(ok)) for part, ok in found.items()}
        add_row("samplers", dict(name=name, n=n, seed=seed, right=right, of={part: len(ok) for part, ok in found.items()}))


def right_by_value(clips, scenes):
    "Of prompts with one actor: for each shape and each kind of motion, how often it is right, of how many"
    found = dict(shape={}, motion={})
    for clip, scene in zip(clips, scenes):
        if len(scene.actors) > 1: continue
        actor, right = scene.actors[0], score(clip, scene)
        for part, value in (("shape", actor.shape), ("motion", KINDS[actor.motion])):
            counts = found[part].setdefault(value, [0, 0])
            counts[0] += int(right[part])
            counts[1] += 1
    return found


def measure_full(n=512):
    "What the reader of the full world says: of all that is asked for, of prompts with one actor and with two, and of each attribute"
    file = RESULTS / "full.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    rows = kept.setdefault("rows", {})
    model = LatentTextToVideo.from_pretrained("full")
    for split in WORLD_SPLITS:
        if split in rows: continue
        report = evaluate(model, split, n=n, progress=True)
        save_score(shipped_folder("full"), report)
        command = f"t2v evaluate --model full --split {split} --n {n}"
        rows[split] = dict(command=command, n=report.n, interval=[round(float(end), 3) for end in report.interval],
                           agreement=round(report.agreement, 3), right={name: int(np.sum(ok)) for name, ok in report.right.items()},
                           of={name: len(ok) for name, ok in report.right.items()})
        if split == "seen":
            scenes, _ = eval_set(World("full"), split, n, report.settings["seed"])
            rows[split] |= {"one actor": right_by_value(report.clips, scenes), "settings": report.settings}
        write_json(file, kept)
        print(report, flush=True)
    if "copies" not in kept: write_json(file, kept | {"copies": copies_by_value(n, rows["seen"]["settings"]["seed"])})


@torch.no_grad()
def copies_by_value(n, seed):
    "The same for copies of real clips by the autoencoder, with noise on their latents as a share of these: how good can a drawn clip be?"
    scenes = [scene for scene in eval_set(World("full"), "seen", n, seed)[0] if len(scene.actors) == 1]
    model, generator = load_autoencoder(), torch.Generator().manual_seed(0)
    copies = {noise: [] for noise in ("0", "0.1", "0.2")}
    for k in range(0, len(scenes), 16):
        video = torch.from_numpy(np.stack([render(scene) for scene in scenes[k:k + 16]])).permute(0, 4, 1, 2, 3) / 127.5 - 1
        latents = model.encode(video)
        for noise, drawn in copies.items():
            drawn += as_frames(model.decode(latents + float(noise) * torch.randn(latents.shape, generator=generator)))
    return {noise: right_by_value(drawn, scenes) for noise, drawn in copies.items()}


@torch.no_grad()
def measure_prediction(n=48, seed=779, levels=(5, 3, 1, -1, -3)):
    "From a real clip's latents and some noise: how far off is the network's prediction in one step, and what does the reader find right?"
    generator = np.random.default_rng(seed)
    scenes = {group: [] for group in ("circles", "spins", "others")}
    while min(map(len, scenes.values())) < n:
        scene = World("full").sample(generator, "seen")
        kind = KINDS[scene.actors[0].motion]
        group = scenes[kind if kind in scenes else "others"]
        if len(scene.actors) == 1 and len(group) < n: group.append((scene, caption(scene, generator)))
    model = LatentTextToVideo.from_pretrained("full", precision="fp32")
    denoiser = model.denoiser
    for group, pairs in scenes.items():
        rows = {f"{level:g}": dict(error=[], right=[]) for level in (float("inf"), *levels)}        # without noise: the copies
        for k in range(0, n, 16):
            text = model.encoder([said for _, said in pairs[k:k + 16]])
            video = torch.from_numpy(np.stack([render(scene) for scene, _ in pairs[k:k + 16]])).permute(0, 4, 1, 2, 3) / 127.5 - 1
            latents = denoiser.normalize(video)
            noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed + k))
            for level, row in rows.items():
                t = torch.sigmoid(torch.tensor(-float(level) / 2))                          # of the straight line, with this log-SNR
                guess = denoiser.predict(torch.lerp(latents, noise, t), t, text)[0] if t else latents
                row["error"] += (guess - latents).square().flatten(1).mean(1).tolist()
                drawn = as_frames(denoiser.restore(guess))
                row["right"] += [score(Clip(frames), scene)["joint"] for frames, (scene, _) in zip(drawn, pairs[k:k + 16])]
        about = dict(n=n, seed=seed, levels=list(rows), right=[sum(row["right"]) for row in rows.values()])
        add_row("prediction", dict(name=group, **about, error=[round(float(np.mean(row["error"])), 5) for row in rows.values()],
                                   deviation=[round(float(np.std(row["error"])), 5) for row in rows.values()]))


def draw_cells(model, asked, folder, name, scenes=None, **settings):
    "The first sample of each prompt as a file, and a table of them to print; with scenes also whether the reader finds all of it right"
    cells = []
    for k, (prompt, clip) in enumerate(zip(asked, model(asked, seed=0, **settings))):
        file = f"{name}-{k + 1:02d}.webp"
        clip.save(folder / file)
        mark = "" if scenes is None else " ✓" if score(clip, scenes[k])["joint"] else " ✗"
        cells.append((f'<img src="../data/gallery/{file}" width="96">', prompt + mark))
    for row in range(0, len(cells), 4):
        for part in (0, 1): print("| " + " | ".join(cell[part] for cell in cells[row:row + 4]) + " |")


def draw_gallery(folder=RESULTS.parents[2] / "data" / "gallery"):
    "Every 240th caption of the training, every 15th combination that was held out, the first sample of each; and ways between two prompts"
    model = LatentTextToVideo.from_pretrained("emoji", precision="fp32")
    known_captions = open_sequence(clone_folder("emoji"), 16, 64, split="train").captions
    held = open_sequence(clone_folder("emoji"), 16, 64, split="held-out-combinations").captions
    warnings.simplefilter("ignore")
    asked = known_captions[::240][:8] + held[::15][:4]
    draw_cells(model, asked, folder, "emoji")
    if "full" in shipped_models():
        full = LatentTextToVideo.from_pretrained("full", precision="fp32")
        sets = [eval_set(World("full"), split, 4, 1) for split in WORLD_SPLITS]
        scenes, asked = ([one for found in sets for one in found[part][:4]] for part in (0, 1))
        draw_cells(full, asked, folder, "full", scenes)
    ways = [("woman running, light skin tone", "woman running, dark skin tone"), ("rocket", "fire")]
    rows = [np.concatenate([clip.frames[4] for clip in interpolate_prompts(model, *way)], 1) for way in ways]
    imageio.imwrite(folder / "between.png", np.concatenate(rows))


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = ("transformer", "autoencoder", "discriminator", "decide", "speed", "emoji", "full", "samplers", "prediction", "gallery")
    asked.add_argument("what", choices=names)
    asked.add_argument("seed", type=int, nargs="?", default=0)
    asked.add_argument("--steps", type=int, default=500)
    asked.add_argument("--batch", type=int, default=128)
    asked.add_argument("--minutes", type=float, default=120)
    asked.add_argument("--only", help="a part of the name")
    asked.add_argument("--scratch", type=Path, default=Path("/tmp/world-clips"))
    asked = asked.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    if DEVICE == "cuda": use_compiled_blocks()
    if asked.what == "transformer": measure_transformers(asked.seed, asked.steps, asked.only, asked.batch)
    elif asked.what == "autoencoder": measure_autoencoders(asked.steps, asked.batch, asked.only, asked.scratch)
    elif asked.what == "emoji": measure_emoji(asked.scratch)
    elif asked.what == "full": measure_full()
    elif asked.what == "samplers": measure_samplers()
    elif asked.what == "prediction": measure_prediction()
    elif asked.what == "gallery": draw_gallery()
    elif asked.what == "speed": measure_speed()
    elif asked.what == "decide": measure_arms(range(asked.seed, 3), asked.minutes, asked.only, asked.scratch)
    else: measure_discriminator(asked.steps, asked.batch, asked.scratch)


if __name__ == "__main__": main()
