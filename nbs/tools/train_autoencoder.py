"""Train the autoencoder that ships, or one with other settings, for hours and with interruptions:

    python nbs/tools/train_autoencoder.py FOLDER --minutes M [--latent-dim D] [--batch N] [--only emoji|full]

    python nbs/tools/train_autoencoder.py FOLDER --minutes M --start t2v_learn/weights/autoencoder --decoder-noise .2

The second trains a decoder that forgives: the encoder stays, so that latents are the same, and they get noise before they are decoded.
The same line again goes on from the newest checkpoint, with more minutes if they were raised. Every ten minutes, and at the end, it says
how good copies are of clips that no training saw, in decibels: emoji of held-out names, and held-out combinations of the full world.
"""
import argparse
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from t2v_learn.core import clone_folder
from t2v_learn.latent.autoencoder import (Autoencoder, AutoencoderConfig, LossWeights, VariedData, _copy_loss, fit_latents,
                                          load_autoencoder, make_autoencoder_loss, psnr, save_autoencoder)
from t2v_learn.training.checkpoint import Checkpoints
from t2v_learn.training.loop import Every, Finished, Trainer, draw_rows
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.video.datasets import ClipFiles, Prefetch, ReplayData, SequenceData, WorldData, open_sequence, stack_clips
from t2v_learn.video.world import World



def emoji_clips(split=None):
    "The emoji, all of which may stay in memory"
    found = open_sequence(clone_folder("emoji"), 16, 64, split=split)
    return ClipFiles(found.clips, found.captions, n_frames=16, size=64, keep=2**30)


def training_data(batch_size, only, seed=0):
    "Varied emoji, and a third of clips of the full world"
    emoji = VariedData(SequenceData(emoji_clips(), batch_size, seed), seed)
    world = WorldData(World("full"), batch_size, seed)
    if only: return emoji if only == "emoji" else world
    return ReplayData(emoji, world, share=1 / 3)


def unseen_clips(n=64):
    "name -> clips that no training sees, `b c f h w`"
    emoji = emoji_clips("held-out-names")
    chosen = np.linspace(0, len(emoji) - 1, min(n, len(emoji))).astype(int)
    world, _ = WorldData(World("full"), n, seed=99, split="held-out-combinations")(0)
    return {"emoji": stack_clips([emoji[i][0] for i in chosen]), "full": world}


def forgiving_loss(most, weights=None):
    "The loss of copies whose latents got noise, `most` of their spread or less, another share for each clip"
    weights = weights or LossWeights()
    def loss(model, batch, generator):
        video = batch[0]
        with torch.no_grad(): latents, _ = model.posterior(video)
        place = dict(generator=generator, device=generator.device)
        noise = draw_rows(lambda n: torch.randn(n, *latents.shape[1:], **place), len(latents), generator)
        share = draw_rows(lambda n: torch.rand(n, 1, 1, 1, 1, **place), len(latents), generator)
        copy = model.draw(latents.float() + (most * share * noise).to(latents.device) * model.latent_std).float()
        return _copy_loss(copy, video, weights)
    return loss


@torch.no_grad()
def measure(model, clips):
    "Decibels of copies, their mean and 10th percentile"
    model.eval()
    device = next(model.parameters()).device
    copies = torch.cat([model.decode(model.encode(part.to(device))).cpu() for part in clips.split(8)])
    found = psnr(copies, clips)
    return dict(n=len(found), mean=round(found.mean().item(), 2), p10=round(found.quantile(.1).item(), 2))


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("folder", type=Path)
    asked.add_argument("--minutes", type=float, required=True)
    asked.add_argument("--latent-dim", type=int, default=16)
    asked.add_argument("--batch", type=int, default=12)
    asked.add_argument("--lr", type=float, default=2e-3)
    asked.add_argument("--matrix-lr", type=float, default=.02)
    asked.add_argument("--optimizer", default="muon")
    asked.add_argument("--kl", type=float, default=LossWeights.kl)
    asked.add_argument("--gradient", type=float, default=LossWeights.gradient)
    asked.add_argument("--precision", default="auto")
    asked.add_argument("--start", type=Path, help="weights to begin with, of a folder that an earlier training wrote, not random ones")
    asked.add_argument("--decoder-noise", type=float, default=0.0, help="train the decoder only, with so much noise on its latents at most")
    asked.add_argument("--only", choices=("emoji", "full"))
    asked.add_argument("--look", type=float, default=10, help="minutes between two looks")
    asked.add_argument("--unseen", type=int, default=64, help="clips of each kind that a look is at")
    asked = asked.parse_args()

    torch.manual_seed(0)
    model = load_autoencoder(asked.start).requires_grad_(True) if asked.start else Autoencoder(AutoencoderConfig(asked.latent_dim))
    loss = make_autoencoder_loss(LossWeights(kl=asked.kl, gradient=asked.gradient))
    if asked.decoder_noise:
        if not asked.start: raise SystemExit("--decoder-noise needs an encoder: name its folder with --start.")
        model.encoder.requires_grad_(False)
        loss = forgiving_loss(asked.decoder_noise, LossWeights(gradient=asked.gradient))
    config = TrainConfig(minutes=asked.minutes, optimizer=asked.optimizer, lr=asked.lr, matrix_lr=asked.matrix_lr,
                         precision=asked.precision, save_every_minutes=3)
    clips = unseen_clips(asked.unseen)

    def look(trainer):
        found = {name: measure(trainer.ema.model, some) for name, some in clips.items()}
        where = dict(minute=round(trainer.budget.minute, 1), step=trainer.budget.step)
        row = where | dict(loss=None if trainer.loss is None else round(float(trainer.loss), 4)) | found
        print(json.dumps(row), flush=True)
        with open(asked.folder / "looks.jsonl", "a") as looks: looks.write(json.dumps(row) + "\n")

    asked.folder.mkdir(parents=True, exist_ok=True)
    with Prefetch(training_data(asked.batch, asked.only), workers=1, ahead=3) as data:
        trainer = Trainer(model, loss, data, config, Checkpoints(asked.folder), callbacks=[Every(look, minutes=asked.look)])
        with suppress(Finished): trainer.fit(resume=True, progress=False)        # nothing left to train: only the end is done again
    look(trainer)
    model = trainer.ema.model
    if not asked.decoder_noise: fit_latents(model, training_data(asked.batch, asked.only), batches=16)
    save_autoencoder(model, asked.folder / "model", steps=trainer.budget.step, minutes=round(trainer.budget.minute, 1),
                     decibels={name: measure(model, some) for name, some in clips.items()})


if __name__ == "__main__": main()
