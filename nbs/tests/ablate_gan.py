"""What each part of lesson 15's training is worth: leave one out, train alike, read the clips.

`python nbs/tests/ablate_gan.py "no penalty" seed=1` trains one row of the lesson's table, about 10 minutes on a core;
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
from t2v_learn.judge.evaluate import evaluate
from t2v_learn.training.loop import make_optimizer

discriminator_loss, generator_loss, look = G.discriminator_loss, G.generator_loss, G.Discriminator.look


def keep(attribute, value, of=G):
    "Replace something of lesson 15's module."
    setattr(of, attribute, value)


def settings(**changes):
    preset = G.GAN_PRESETS["tiny"]
    keep("GAN_PRESETS", {"tiny": replace(preset, config=replace(preset.config, **changes))})


def without(part_of_d, part_of_g=None):
    "Losses without a part: zero, and without a gradient."
    def d_loss(*args, **options):
        parts = discriminator_loss(*args, **options)
        return parts | {part_of_d: parts[part_of_d].detach() * 0}
    def g_loss(*args):
        parts = generator_loss(*args)
        return parts | ({part_of_g: parts[part_of_g].detach() * 0} if part_of_g else {})
    keep("discriminator_loss", d_loss), keep("generator_loss", g_loss)


def without_pairs():
    "Each score against zero (non-saturating, Goodfellow et al. 2014) instead of against the score beside it."
    def d_loss(D, real, fake, text, gamma=0.0):
        parts, asked = discriminator_loss(D, real, fake, text, gamma), D.ask(text)
        seen, seen_fake = D.look(torch.cat([real, fake])).chunk(2)
        wrong = F.softplus(D.score(seen, asked.roll(1, 0))).mean()
        return parts | dict(real=F.softplus(-D.score(seen, asked)).mean() + F.softplus(D.score(seen_fake, asked)).mean(), fits=wrong)
    def g_loss(D, fake, text, score):
        return generator_loss(D, fake, text, score) | dict(fake=F.softplus(-D.score(D.look(fake), D.ask(text).detach())).mean())
    keep("discriminator_loss", d_loss), keep("generator_loss", g_loss)


def blind():
    "D does not see the text at all."
    without("picks", "told")
    keep("score", lambda self, seen, asked: self.real(seen)[:, 0].float() + 0 * asked.sum().float(), G.Discriminator)


def with_spectral_norm():
    "No penalty; instead each layer of D stretches nothing (Miyato et al. 2018)."
    settings(gamma=0.0)
    class Normed(G.Discriminator):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            for layer in [m for m in self.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]: spectral_norm(layer)
    keep("Discriminator", Normed)


def with_augmentation():
    "D sees each clip shifted by up to 3 pixels (Zhao et al. 2020)."
    def look_shifted(self, video):
        b, c, f, h, w = video.shape
        padded = F.pad(video.flatten(1, 2), (3, 3, 3, 3), value=-1.0).unflatten(1, (c, f))
        shifts = torch.randint(0, 7, (b, 2)).tolist()
        return look(self, torch.stack([clip[..., y:y + h, x:x + w] for clip, (y, x) in zip(padded, shifts)]))
    keep("look", look_shifted, G.Discriminator)


def with_two_rates():
    "D learns twice as fast as G (Heusel et al. 2017)."
    def two(self):
        rates = dict(discriminator=2 * self.config.lr, generator=self.config.lr)
        return {name: make_optimizer(getattr(self.model, name), self.config, rate) for name, rate in rates.items()}
    keep("make_optimizers", two, G.Duel)


VARIANTS = {
    "everything": lambda: None,
    "no picks": lambda: without("picks", "told"),
    "no pairs": without_pairs,
    "no penalty": lambda: settings(gamma=0.0),
    "torch start": lambda: keep("keep_strength", lambda *args, **options: None),
    "quiet .05": lambda: keep("turn_up", lambda states, quiet=.05, turn_up=G.turn_up: turn_up(states, .05)),
    "no text noise": lambda: settings(text_noise=0.0),
    "spectral norm": with_spectral_norm,
    "augmentation": with_augmentation,
    "two rates": with_two_rates,
    "penalty 1": lambda: settings(gamma=1.0),
    "no fits": lambda: without("fits"),
    "blind": blind,
}


def main(name, steps=1100, seed=0, n=512, save=None):
    VARIANTS[name]()
    trainers = []
    class Watched(G.GANTrainer):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            trainers.append(self)
    G.GANTrainer = Watched
    with TemporaryDirectory() as folder:
        try: model = G.train_gan(steps=steps, seed=seed, folder=Path(folder) / "run", progress=False,
                                 save_every_minutes=999.0, decay="none")
        except ValueError as error: return print(f"{name}, seed {seed}: {error}", flush=True)
    minute, raw = trainers[0].budget.minute, G.TextToVideoGAN(trainers[0].model.generator, model.encoder, model.config)
    for title, chosen in {name: model, f"{name}, not averaged": raw}.items():
        seen = evaluate(chosen, "seen", n=n, batch_size=128)
        new = evaluate(chosen, "held-out-combinations", n=n // 2, batch_size=128)
        rows = {"seen": seen, "held out": new}
        print(f"{title}, seed {seed}, {minute:.1f} min: " + "; ".join(f"{split} " + " ".join(
            f"{k} {100 * v.mean():.1f}" for k, v in report.right.items()) for split, report in rows.items()), flush=True)
    if save: model.save_pretrained(save, half=True)


if __name__ == "__main__":
    if len(sys.argv) < 2: print(*VARIANTS, sep="\n")
    else:
        options = dict(argument.split("=") for argument in sys.argv[2:])
        main(sys.argv[1], **{k: v if k == "save" else int(v) for k, v in options.items()})
