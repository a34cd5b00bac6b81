"Optimizers: each against PyTorch's own or against its definition, and settings that make no sense"
import math

import numpy as np
import pytest
import torch
from toys import Outer, Toy
from torch import nn

from t2v_learn.core import InputError
from t2v_learn.training.optimizers import (EMA, Muon, TrainConfig, adam_update, adamw, lr_scale, make_optimizer, native_bf16, newton_schulz,
                                           pick_precision, split_weights)


def random(*shape, seed=0): return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- Adam

@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_update_is_torchs_adamw(weight_decay):
    theirs = nn.Parameter(torch.ones(5))
    optimizer = torch.optim.AdamW([theirs], lr=2e-3, betas=(0.9, 0.99), weight_decay=weight_decay)
    p = torch.ones(5)
    m = v = torch.zeros(5)
    for t in range(1, 13):
        theirs.grad = random(5, seed=t)
        optimizer.step()
        p, m, v = adam_update(p, random(5, seed=t), m, v, t, weight_decay=weight_decay)
    assert torch.allclose(p, theirs, atol=1e-6)


def test_a_steady_gradient_of_any_size_moves_by_the_learning_rate():
    p = m = v = torch.zeros(3)
    for t in range(1, 7): p, m, v = adam_update(p, torch.tensor([100.0, 0.01, (-1.0)**t]), m, v, t, lr=1.0)
    assert torch.allclose(p[:2], torch.tensor([-6.0, -6.0]), atol=1e-3) and p[2].abs() < 1.5


def test_only_matrices_decay():
    model = Toy()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = adamw(model, TrainConfig(steps=1, lr=0.1, weight_decay=0.5))
    for p in model.parameters(): p.grad = torch.zeros_like(p) if p.requires_grad else None
    optimizer.step()
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"conv.weight", "out.weight"}


def test_each_trained_weight_is_in_one_group():
    model = Outer()
    groups = split_weights(model, TrainConfig(steps=1, lr=1e-3))
    ids = [id(p) for group in groups for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    factors = {id(p): group["factor"] for group in groups for p in group["params"]}
    assert factors[id(model.out.weight)] == factors[id(model.out.bias)] == 2.0 and factors[id(model.conv.weight)] == 1.0
    assert all(group["lr"] == group["base_lr"] == 1e-3 for group in groups)
    assert {group["lr"] for group in split_weights(model, TrainConfig(steps=1), lr=0.5)} == {0.5}


# --- Muon

def test_newton_schulz_keeps_directions():
    a = random(3, 6, 20)
    for g in (a, a.mT, 1e-3 * a):
        directions = newton_schulz(g)
        assert directions.shape == g.shape and directions.dtype == g.dtype
        u, _, v = torch.linalg.svd(g, full_matrices=False)
        assert (directions - u @ v).norm() < 0.35 * (u @ v).norm()
    assert not newton_schulz(torch.zeros(4, 4)).any()


def test_muon_is_torchs_muon_on_plain_matrices():
    mine, theirs = nn.Parameter(torch.ones(30, 12)), nn.Parameter(torch.ones(30, 12))
    ours = Muon([dict(params=[mine], lr=0.01, weight_decay=0.1, matrices=True)])
    torchs = torch.optim.Muon([theirs], lr=0.01, weight_decay=0.1, adjust_lr_fn="original")
    for step in range(8):
        for p, optimizer in ((mine, ours), (theirs, torchs)):
            p.grad = random(30, 12, seed=step)
            optimizer.step()
    assert (mine - theirs).norm() < 0.02 * (theirs - 1).norm()


def test_muon_moves_matrices_and_adam_the_rest():
    model = Outer()
    optimizer = make_optimizer(model, TrainConfig(steps=1, optimizer="muon", lr=1e-3, matrix_lr=0.5, weight_decay=0.0))
    assert [p for g in optimizer.param_groups if g["matrices"] for p in g["params"]] == [model.conv.weight]
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for p in model.parameters(): p.grad = random(*p.shape, seed=3)
    optimizer.step()
    moved = {name: (p - before[name]).detach() for name, p in model.named_parameters()}
    assert torch.allclose(moved["out.weight"].abs(), torch.tensor(2e-3), rtol=1e-2)          # Adam's first step
    assert (torch.linalg.svdvals(moved["conv.weight"].flatten(1) / 0.5) - 1).abs().max() < 0.4
    assert not moved["frozen.weight"].any()


# --- schedule, average, precision

def test_schedule_warms_up_stays_and_falls_to_zero():
    assert lr_scale(0, step=0, warmup=20) == 1 / 20 and lr_scale(0, step=19, warmup=20) == 1 == lr_scale(0, step=0, warmup=0)
    for decay in ("linear", "cosine", "1-sqrt"):
        scales = [lr_scale(progress / 100, decay=decay) for progress in range(101)]
        assert scales[:61] == [1.0] * 61 and scales[-1] == pytest.approx(0, abs=1e-9) and scales == sorted(scales, reverse=True)
        assert lr_scale(1.5, decay=decay) == scales[-1], "over time is over"
    assert lr_scale(0.8) == pytest.approx(0.5) == lr_scale(0.8, decay="cosine") and lr_scale(1.0, decay="none") == 1


def test_average_catches_up_early():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema = EMA(model, 0.998)
    nn.init.ones_(model.weight)
    ema.update(model)
    assert ema.model.weight.item() == pytest.approx(0.9)         # of the start only 1/10 stays
    for _ in range(99): ema.update(model)
    assert ema.model.weight.item() > 0.999


def test_average_is_a_copy_with_the_buffers_of_the_model():
    model = Toy()
    ema = EMA(model)
    model.train()(torch.randn(4, 3, 8, 8))
    ema.update(model)
    assert torch.equal(ema.model.norm.running_mean, model.norm.running_mean) and not ema.model.training
    assert not any(p.requires_grad for p in ema.model.parameters())
    other = Toy()
    ema.copy_to(other)
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), ema.model.state_dict().values()))


def test_precision():
    assert pick_precision("fp32") == torch.float32 and pick_precision("bf16") == torch.bfloat16
    assert (pick_precision("auto") == torch.bfloat16) == native_bf16("cpu") and not native_bf16("meta")
    with pytest.raises(InputError, match="precision 'fp8' is unknown"): pick_precision("fp8")


# --- settings

@pytest.mark.parametrize("bad", [
    dict(), dict(steps=1, minutes=1), dict(steps=0), dict(minutes=-2), dict(steps=3, lr=math.nan), dict(steps=3, lr=0),
    dict(steps=3, grad_clip=0), dict(steps=3, precision="fp8"), dict(steps=3, decay="step"), dict(steps=3, optimizer="sgd"),
    dict(steps=3, decay_from=1.0), dict(steps=3, ema=1.0), dict(steps=3, grad_accum=0)])
def test_settings_that_make_no_sense(bad):
    with pytest.raises(InputError) as refused: TrainConfig(**bad)
    assert "budget" in str(refused.value) or any(name in str(refused.value) for name in bad)


def test_settings_name_the_optimizer():
    assert type(make_optimizer(Toy(), TrainConfig(steps=1))) is torch.optim.AdamW
    assert type(make_optimizer(Toy(), TrainConfig(steps=1, optimizer="muon"))) is Muon


@pytest.mark.parametrize("settings", [dict(seed=-1), dict(seed=2**64), dict(seed=.5), dict(grad_accum=1.5), dict(log_every=.5),
                                      dict(steps=2.5), dict(save_every_minutes=-1), dict(save_every_steps=-1)])
def test_settings_that_no_training_could_use(settings):
    with pytest.raises(InputError, match=next(iter(settings))): TrainConfig(**dict(steps=5) | settings)


def test_whole_numbers_of_numpy_become_plain_ones():
    config = TrainConfig(steps=np.int64(5), seed=np.int32(3))
    assert (type(config.steps), type(config.seed)) == (int, int) and (config.steps, config.seed) == (5, 3)


@pytest.mark.parametrize("settings, says", [
    (dict(betas=.9), "betas are two numbers"), (dict(betas=(.9,)), "betas are"), (dict(betas=(1.0, .9)), "betas are"),
    (dict(betas=(.9, math.nan)), "betas are"), (dict(betas=("a", "b")), "betas are"), (dict(lr=None), "lr must be above 0"),
    (dict(lr="1e-3"), "lr must be above 0"), (dict(matrix_lr=None), "matrix_lr"), (dict(weight_decay=-1), "weight_decay"),
    (dict(weight_decay=math.nan), "weight_decay must not be below 0"), (dict(warmup=math.nan), "warmup"), (dict(warmup=-1), "warmup"),
    (dict(log_every=None), "log_every")])
def test_settings_of_a_kind_that_no_training_could_use(settings, says):
    with pytest.raises(InputError, match=says): TrainConfig(steps=1, **settings)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_another_rate_is_taken_as_it_is(name):
    config = TrainConfig(steps=1, optimizer=name, lr=1e-3, matrix_lr=.5)
    for lr, share in ((0.0, 0), (2e-3, 2), (None, 1)):
        groups = make_optimizer(Outer(), config, lr).param_groups
        if name == "adamw":
            assert all(group["lr"] == pytest.approx(1e-3 * share) for group in groups)
            continue
        rates = {group["matrices"]: group["lr"] / group["factor"] for group in groups}
        assert rates[True] == pytest.approx(.5 * share) and rates[False] == pytest.approx(1e-3 * share)


def test_a_frozen_network_has_nothing_to_train():
    for name in ("adamw", "muon"):
        config = TrainConfig(steps=1, optimizer=name)
        with pytest.raises(InputError, match="requires_grad_"): make_optimizer(Toy().requires_grad_(False), config)
