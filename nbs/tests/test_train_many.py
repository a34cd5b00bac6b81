"The script that trained the shipped weights: its steps are those of the library, and its table goes on where it stopped"
import json

import pytest
import recorded
import torch
import train_many
from denoisers import SMALL

from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig
from t2v_learn.diffusion.unet3d import UNetConfig
from t2v_learn.text.bert import TextStates
from t2v_learn.training.optimizers import EMA, lr_scale, make_optimizer


class Captions:
    "States of 8 captions, by number"
    def __init__(self):
        g = torch.Generator().manual_seed(0)
        self.states = torch.randn(8, 5, 24, generator=g), torch.ones(8, 5, dtype=torch.bool), torch.randn(8, 24, generator=g)

    def __getitem__(self, i): return TextStates(*(states[i] for states in self.states))


@pytest.fixture
def run(monkeypatch):
    for module in (train_many, recorded): monkeypatch.setattr(module, "DEVICE", "cpu")
    torch.manual_seed(0)
    pool = torch.randint(0, 255, (8, 3, 4, 16, 16), dtype=torch.uint8)
    return train_many.Run(Denoiser(DenoiserConfig(UNetConfig(**SMALL))), pool, Captions(), torch.arange(8), steps=10, batch_size=4)


def test_its_updates_are_those_of_the_library(run):
    "Clipping, Muon and Adam, the rates' schedule, and the average"
    denoiser = Denoiser(run.model.config)
    denoiser.load_state_dict(run.model.state_dict())
    optimizer = make_optimizer(denoiser, run.config)
    average = EMA(denoiser, run.config.ema)
    for step in range(3):
        run.eager_step()
        for mine, theirs in zip(denoiser.parameters(), run.model.parameters()): mine.grad = theirs.grad.clone()
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), run.config.grad_clip)
        scale = lr_scale(step / 10, step, run.config.warmup, run.config.decay_from, run.config.decay)
        for group in optimizer.param_groups: group["lr"] = group["base_lr"] * scale
        optimizer.step()
        average.update(denoiser)
    pairs = [*zip(denoiser.parameters(), run.model.parameters()), *zip(average.model.parameters(), run.average.parameters())]
    assert max((mine - theirs).abs().max().item() for mine, theirs in pairs) < 1e-6


def test_what_is_on_the_way_is_kept(run):
    kept = dict(run.snapshots(2, 10))
    assert list(kept) == [2, 10] and run.done == 10
    assert not torch.equal(kept[2].unet.conv_in.weight, kept[10].unet.conv_in.weight)


@pytest.mark.parametrize("name", train_many.ROWS)
def test_each_row_can_be_built(name):
    "A fresh network predicts something of the right shape"
    denoiser = train_many.ROWS[name].get("build", train_many.recipe())().eval()
    text = TextStates(torch.randn(1, 3, 384), torch.ones(1, 3, dtype=torch.bool), torch.randn(1, 384))
    with torch.no_grad(): x0, _ = denoiser.predict(torch.randn(1, 3, 8, 32, 32), torch.tensor(0.5), text)
    assert x0.shape == (1, 3, 8, 32, 32) and x0.isfinite().all()


def test_a_finished_table_trains_nothing(tmp_path, monkeypatch, capsys):
    rows = [dict(name=name, seed=0) for name in train_many.ROWS]
    table = tmp_path / "rows.json"
    table.write_text(json.dumps(dict(rows=rows)))
    monkeypatch.setattr(train_many, "TABLE", table)
    train_many.ablations(1)
    assert capsys.readouterr().out.startswith("0 rows")
