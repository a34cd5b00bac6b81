"""What each part of lesson 43's training is worth: leave one out, train alike, read the clips.

`python nbs/tools/ablate_gan.py "no penalty" seed=1` trains one row of the lesson's table, about 10 minutes on a core;
without a name it lists them.
"""
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

import t2v_learn.gan.gan as G
import t2v_learn.gan.train as T
from t2v_learn.judge.evaluate import evaluate
from t2v_learn.text.bert import whitening
from t2v_learn.training.optimizers import make_optimizer
from t2v_learn.training.pipeline import train

discriminator_loss = G.discriminator_loss
generator_loss = G.generator_loss
encode_video = G.Discriminator.encode_video


def replace_in(module, **changes):
    "Replace something of a lesson's module, or of a class."
    for name, value in changes.items(): setattr(module, name, value)


def settings(**changes):
    "The preset with other settings of the networks or their losses."
    preset = T.TextToVideoGAN.presets["tiny"]
    T.TextToVideoGAN.presets = {"tiny": replace(preset, network=replace(preset.network, **changes))}


def without(part_of_d, part_of_g=None):
    "Losses without a part: zero, and without a gradient."
    def d_loss(*args, **options):
        parts = discriminator_loss(*args, **options)
        return parts | {part_of_d: parts[part_of_d].detach() * 0}
    def g_loss(*args):
        parts = generator_loss(*args)
        return parts | ({part_of_g: parts[part_of_g].detach() * 0} if part_of_g else {})
    replace_in(T, discriminator_loss=d_loss, generator_loss=g_loss)


def without_pairs():
    "Each score against zero (non-saturating, Goodfellow et al. 2014) instead of against the score beside it."
    def d_loss(D, real, fake, text, gamma=0.0, shard=(0, 1)):
        parts = discriminator_loss(D, real, fake, text, gamma, shard)
        q = D.encode_text(text)
        phi, phi_fake = D.encode_video(torch.cat([real, fake])).chunk(2)
        real_or_fake = F.softplus(-D.score(phi, q)).mean() + F.softplus(D.score(phi_fake, q)).mean()
        return parts | dict(relativistic=real_or_fake, matching=F.softplus(D.score(phi, q.roll(1, 0))).mean())
    def g_loss(D, fake, text, score, shard=(0, 1)):
        own = F.softplus(-D.score(D.encode_video(fake), D.encode_text(text).detach())).mean()
        return generator_loss(D, fake, text, score, shard) | dict(relativistic=own)
    replace_in(T, discriminator_loss=d_loss, generator_loss=g_loss)


def without_caption():
    "D does not get the text at all."
    without("infonce", "infonce")
    replace_in(G.Discriminator, score=lambda self, phi, q: self.w(phi)[:, 0].float() + 0 * q.sum().float())


def with_spectral_norm():
    "No penalty; instead each layer of D stretches nothing (Miyato et al. 2018)."
    settings(gamma=0.0)
    class Normed(G.Discriminator):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            for layer in [m for m in self.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]: spectral_norm(layer)
    replace_in(G, Discriminator=Normed)


def with_augmentation():
    "D sees each clip shifted by up to 3 pixels (Zhao et al. 2020)."
    def encode_shifted(self, video):
        b, c, f, h, w = video.shape
        padded = F.pad(video.flatten(1, 2), (3, 3, 3, 3), value=-1.0).unflatten(1, (c, f))
        shifts = torch.randint(0, 7, (b, 2)).tolist()
        return encode_video(self, torch.stack([clip[..., y:y + h, x:x + w] for clip, (y, x) in zip(padded, shifts)]))
    replace_in(G.Discriminator, encode_video=encode_shifted)


def with_two_rates():
    "D learns twice as fast as G (Heusel et al. 2017)."
    def make_optimizers(self):
        rates = dict(discriminator=2 * self.config.lr, generator=self.config.lr)
        return {name: make_optimizer(getattr(self.model, name), self.config, rate) for name, rate in rates.items()}
    replace_in(T.GANTrainer, make_optimizers=make_optimizers)


ABLATIONS = {
    "everything": lambda: None,
    "no InfoNCE": lambda: without("infonce", "infonce"),
    "no pairs": without_pairs,
    "no penalty": lambda: settings(gamma=0.0),
    "PyTorch's initialisation": lambda: replace_in(G, init_kaiming=lambda *args, **options: None),
    "floor .05": lambda: replace_in(G, whitening=lambda states, floor: whitening(states, .05)),
    "no text noise": lambda: settings(text_noise=0.0),
    "spectral norm": with_spectral_norm,
    "augmentation": with_augmentation,
    "two rates": with_two_rates,
    "penalty 1": lambda: settings(gamma=1.0),
    "no matching": lambda: without("matching"),
    "no caption": without_caption,
}


def report_line(model, n):
    "The scores of a model, seen and held-out combinations, in %"
    rows = {"seen": evaluate(model, "seen", n=n, batch_size=128),
            "held out": evaluate(model, "held-out-combinations", n=n // 2, batch_size=128)}
    return "; ".join(f"{split} " + " ".join(f"{name} {100 * right.mean():.1f}" for name, right in report.right.items())
                     for split, report in rows.items())


def main(name, steps=1100, seed=0, n=512, save=None):
    ABLATIONS[name]()
    trainers = []
    class Noted(T.GANTrainer):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            trainers.append(self)
    T.GANTrainer = Noted
    with TemporaryDirectory() as folder:
        options = dict(progress=False, save_every_minutes=999.0, decay="none")
        try: model = train("gan", steps=steps, seed=seed, folder=Path(folder) / "run", **options)
        except ValueError as error: return print(f"{name}, seed {seed}: {error}", flush=True)
    trainer = trainers[0]
    latest = T.TextToVideoGAN(trainer.model.generator, model.encoder, model.config)
    for title, chosen in {name: model, f"{name}, not averaged": latest}.items():
        print(f"{title}, seed {seed}, {trainer.budget.minute:.1f} min: {report_line(chosen, n)}", flush=True)
    if save: model.save_pretrained(save, half=True)


if __name__ == "__main__":
    if len(sys.argv) < 2: print(*ABLATIONS, sep="\n")
    else:
        options = dict(argument.split("=") for argument in sys.argv[2:])
        main(sys.argv[1], **{k: v if k == "save" else int(v) for k, v in options.items()})
