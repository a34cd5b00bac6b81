"Small models and trainings that test_loop and test_checkpoint train"
import torch
from torch import nn

from t2v_learn.training.checkpoint import Checkpoints, load_state, training_state
from t2v_learn.training.loop import Trainer
from t2v_learn.training.optimizers import TrainConfig, adamw


class Toy(nn.Module):
    "A bit of everything that a checkpoint could forget: buffers that change, dropout, channels_last kernels, norms, a frozen part"
    def __init__(self, dim=8):
        super().__init__()
        self.conv = nn.Conv2d(3, dim, 3, padding=1).to(memory_format=torch.channels_last)
        self.norm, self.drop, self.out = nn.BatchNorm2d(dim), nn.Dropout(0.2), nn.Conv2d(dim, 3, 1)
        self.frozen = nn.Linear(3, 3).requires_grad_(False)

    def forward(self, x): return self.out(self.drop(torch.relu(self.norm(self.conv(x)))))


class Outer(Toy):
    "With a layer that Muon leaves to Adam"
    outer_layers = {"out": 2.0}


class ToyGAN(Trainer):
    "Two networks: an optimizer each, an average of one of them"
    def make_optimizers(self):
        rmsprop = torch.optim.RMSprop([dict(params=self.model["d"].parameters(), lr=1e-3, base_lr=1e-3)])
        return {"g": adamw(self.model["g"], self.config), "d": rmsprop}

    def averaged(self): return self.model["g"]

    def train_step(self, batch, generator):
        fake = self.model["g"](torch.randn(batch.shape, generator=generator))
        self.update("d", (self.model["d"](fake.detach()) - self.model["d"](batch)).mean())
        loss = -self.model["d"](fake).mean()
        self.update("g", loss)
        self.metrics = dict(real=self.model["d"](batch).mean().detach()) if self.budget.step % 4 == 0 else {}
        return loss.detach()


def noisy_loss(model, batch, generator):
    noise = torch.randn(batch.shape, generator=generator)
    return (model(batch + noise).float() - batch).square().mean()


def data(step): return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step))


def toy(folder=None, model=None, callbacks=None, **settings):
    "A trainer of a `Toy`, with checkpoints if a folder is given"
    torch.manual_seed(0)
    config = TrainConfig(**dict(steps=60, precision="fp32", save_every_minutes=None) | settings)
    return Trainer(model or Toy(), noisy_loss, data, config, folder and Checkpoints(folder), callbacks=callbacks, device="cpu")


def toy_by_muon(folder=None, **settings):
    torch.manual_seed(0)
    return toy(folder, model=Outer(), optimizer="muon", **settings)


def toy_gan(folder=None, steps=40, **settings):
    torch.manual_seed(0)
    config = TrainConfig(steps=steps, precision="fp32", save_every_minutes=None, **settings)
    networks = nn.ModuleDict(dict(g=Toy(), d=nn.Conv2d(3, 1, 3)))
    return ToyGAN(networks, None, data, config, folder and Checkpoints(folder), device="cpu")


def equal(a, b):
    "Are the tensors of two trainers (or of the newest checkpoints in two folders) the same, bit for bit?"
    a, b = (training_state(x) if isinstance(x, Trainer) else {k: t for k, t in load_state(x)[0].items() if k != "history"} for x in (a, b))
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def losses(trainer): return [row["loss"] for row in trainer.history]
