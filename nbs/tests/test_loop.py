"The trainer: the same twice, on time, stopped between two steps, and all of its parts"
import sys
import math
import signal

import pytest
import torch
from torch import nn
from toys import Toy, data, equal, losses, noisy_loss, toy, toy_gan

from t2v_learn.core import InputError
from t2v_learn.training.loop import (Budget, Every, Interrupted, Trainer, _duration, _is_lost, _n_rows, _ProgressBar, _read_rows,
                                     asked_processes, draw_rows, missing_gradients, pick_device, step_generator, step_seed, to_device)
from t2v_learn.training.optimizers import TrainConfig, native_bf16

pytestmark = pytest.mark.usefixtures("one_thread")


# --- it learns

def test_it_overfits_one_batch_and_reaches_every_parameter():
    trainer = toy(model=nn.Conv2d(3, 3, 1), steps=300, lr=3e-2, log_every=1)
    trainer.data = lambda step: data(0)
    trainer.loss_fn = lambda model, batch, generator: (model(batch) - batch.flip(1)).square().mean()
    trainer.fit(progress=False)
    assert losses(trainer)[-1] < losses(trainer)[0] / 1000 and missing_gradients(trainer.model) == []


def test_missing_gradients_names_what_the_loss_does_not_reach():
    model = Toy()
    assert missing_gradients(model) == [name for name, p in model.named_parameters() if p.requires_grad]       # nothing yet
    model.norm.weight.data.zero_()
    model(data(0)).square().mean().backward()
    assert {"conv.weight"} <= set(missing_gradients(model)) < {name for name, _ in model.named_parameters()}


# --- the same twice

@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_twice_the_same(precision):
    if precision == "bf16" and not native_bf16(): pytest.skip("no bf16 in this processor")
    a, b = (toy(precision=precision).fit(progress=False) for _ in range(2))
    assert equal(a, b) and losses(a) == losses(b)
    assert not equal(a, toy(precision=precision, seed=1).fit(progress=False))
    assert all(t.dtype == torch.float32 for t in a.model.parameters())


def test_two_precisions_side_by_side():
    if not native_bf16(): pytest.skip("no bf16 in this processor")
    trainers = [toy(precision=precision, steps=9) for precision in ("bf16", "fp32", "bf16", "fp32")]
    for _ in range(9):
        for trainer in trainers: trainer.one_step()
    assert equal(trainers[0], trainers[2]) and equal(trainers[1], trainers[3]) and not equal(trainers[0], trainers[1])


def test_what_ran_before_does_not_matter():
    torch.randn(1000)
    a = toy(callbacks=[Every(lambda trainer: (torch.randn(7), trainer.model.eval()), steps=3)]).fit(progress=False)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trainer = toy()
    torch.manual_seed(5)
    trainer.fit(progress=False)
    assert equal(a, trainer) and torch.equal(torch.get_rng_state(), before), "a training disturbed its caller's random numbers"


def test_random_numbers_belong_to_seed_and_step():
    seeds = [step_seed(seed, step) for seed in range(20) for step in range(20)]
    assert len(set(seeds)) == 400 and all(0 <= seed < 2**63 for seed in seeds)
    draw = lambda seed, step: torch.randn(4, generator=step_generator(seed, step))
    assert torch.equal(draw(0, 200), draw(0, 200)) and not torch.equal(draw(0, 1), draw(1, 0))


# --- two networks

def test_two_networks_with_an_optimizer_each():
    trainer = toy_gan().fit(progress=False)
    assert type(trainer.ema.model) is Toy and set(trainer.optimizers) == {"g", "d"}
    assert [set(row) - {"step", "minute", "loss", "lr"} for row in trainer.history[:4]] == [{"real"}, set(), set(), set()]
    assert missing_gradients(trainer.model["g"]) == missing_gradients(trainer.model["d"]) == []


# --- Ctrl-C

def press(steps): return [Every(lambda trainer: signal.raise_signal(signal.SIGINT), steps=steps)]


def test_ctrl_c_stops_between_two_steps_and_fit_goes_on():
    trainer = toy(callbacks=press(25))
    with pytest.raises(Interrupted, match="stopped after step 25; nothing was saved, because it has no folder") as stopped:
        trainer.fit(progress=False)
    assert stopped.value.step == 25 and stopped.value.folder is None and isinstance(stopped.value, KeyboardInterrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "the handler of the caller was not restored"
    trainer.callbacks = []
    assert equal(trainer.fit(progress=False), toy().fit(progress=False))


def test_a_second_ctrl_c_stops_at_once():
    trainer = toy(callbacks=press(25) + press(25))
    with pytest.raises(KeyboardInterrupt) as stopped: trainer.fit(progress=False)
    assert not isinstance(stopped.value, Interrupted)


def test_ctrl_c_in_the_last_step_is_a_finished_training():
    assert toy(callbacks=press(60)).fit(progress=False).budget.done


# --- budgets

@pytest.mark.parametrize("pace", [0.13, 0.25, 1.7])
def test_minutes_end_on_time(pace, clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)      # the bar of a terminal
    trainer = toy(steps=None, minutes=1)
    trainer.data = clock.step(pace)
    trainer.fit(progress=True)
    assert abs(trainer.budget.seconds - 60) <= pace / 2 + 1e-6 and abs(trainer.budget.step - 60 / pace) <= 1
    rates = [row["lr"] for row in trainer.history]
    assert max(rates) == pytest.approx(2e-3) and rates[-1] < 2e-3 * 4 * pace / 60 + 1e-9
    bar = capsys.readouterr().err
    assert "loss" in bar and "0:00 left" in bar and f"{pace:.2f} s a step: about {(60 - 5 * pace) / pace:.0f} steps in 1 minutes" in bar


def test_callbacks_cost_no_training_time(clock):
    trainer = toy(steps=None, minutes=1, callbacks=[Every(clock.wait(100), minutes=0.25)])
    trainer.data = clock.step(0.5)
    trainer.fit(progress=False)
    assert trainer.budget.step == 120 and 1300 < clock.now < 1470


def test_what_was_read_before_the_first_step_counts(clock):
    trainer = toy(steps=None, minutes=1)
    trainer.data = clock.step(0.5)
    trainer.budget.used = 45.0
    trainer.fit(progress=False)
    assert trainer.budget.step == 30 and abs(trainer.budget.seconds - 60) <= 0.25
    rates = [row["lr"] for row in trainer.history]
    assert max(rates) < 2e-3 and rates[-1] < 1e-4, "the schedule follows the whole budget"


def test_a_budget_that_is_used_up_before_the_first_step_gives_one(clock):
    trainer = toy(steps=None, minutes=1)
    trainer.data = clock.step(0.5)
    trainer.budget.used = 90.0
    assert trainer.fit(progress=False).budget.step == 1 and Budget(minutes=1, used=3).seconds == 3


def test_budget_follows_the_clock():
    budget = Budget(minutes=1)
    for pace in [0.5] * 60 + [3.0] * 100:
        if budget.done: break
        budget.used += pace
        budget.advance(pace)
    assert abs(budget.used - 60) <= 1.5 and budget.progress > 0.97


def test_every_counts_steps_and_minutes():
    by_steps, by_minutes = Every(print, steps=10), Every(print, minutes=0.25)
    budget, counts = Budget(minutes=1), [0, 0]
    for _ in range(100):
        budget.used += 0.6
        budget.advance(0.6)
        counts = [n + every.due(budget) for n, every in zip(counts, (by_steps, by_minutes))]
    assert counts == [10, 4] and not Every(print).due(budget)


def test_durations_are_readable():
    assert [_duration(s) for s in (-1, 7, 750, 3723)] == ["0:00", "0:07", "12:30", "1:02:03"]


def test_without_a_terminal_there_are_lines(capsys):
    trainer = toy(steps=30)
    with _ProgressBar(trainer.budget) as bar:
        assert bar.bar.mininterval == bar.bar.delay == 30
        bar.bar.mininterval = bar.bar.delay = 0.0                # 30 seconds have passed at each step
        for _ in range(3):
            trainer.one_step()
            bar.update(trainer.loss)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("| ")[-1].split(",")[0] for line in lines] == ["step 1", "step 2", "step 3", "step 3"]
    assert all("\r" not in line and line == line.strip() for line in lines) and "loss" in lines[-1] and "left" in lines[-1]


def test_without_a_terminal_there_is_no_line_before_30_seconds(capsys):
    toy(steps=40).fit(progress=True)
    assert capsys.readouterr().err == ""


# --- rows of a batch

@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_random_numbers_of_rows_do_not_depend_on_the_shards(n):
    def draw(shard, rows):
        generator = step_generator(3, 7, shard=shard)
        levels = draw_rows(lambda m: torch.randint(9, (m,), generator=generator), rows, generator)
        return levels, draw_rows(lambda m: torch.randn(m, 5, generator=generator), rows, generator)
    whole = draw((0, 1), 6)
    for k in range(n): assert all(torch.equal(a, b[k::n]) for a, b in zip(draw((k, n), 6 // n), whole))
    assert torch.equal(whole[0], torch.randint(9, (6,), generator=step_generator(3, 7)))
    plain = torch.Generator().manual_seed(0)
    drawn = draw_rows(lambda m: torch.randn(m, generator=plain), 4, plain)
    assert torch.equal(drawn, torch.randn(4, generator=plain.manual_seed(0)))


def test_rows_are_read_by_shard_or_cut():
    batch = dict(video=torch.arange(6), captions=list("abcdef"), none=None)
    cut = _read_rows(lambda step: (batch, batch["captions"]), 0, (2, 3))
    assert cut[0]["video"].tolist() == [2, 5] and cut[0]["captions"] == cut[1] == ["c", "f"]
    assert cut[0]["none"] is None and _n_rows(cut) == 2 and _n_rows(None) == 0
    class Source:
        def __call__(self, step, shard=(0, 1)): return step, shard
    assert _read_rows(Source(), 4, (1, 2)) == (4, (1, 2)) and _read_rows(Source(), 4, (0, 1)) == (4, (0, 1))


# --- a batch in parts

def row_loss(model, batch, generator):
    noise = draw_rows(lambda n: torch.randn(n, *batch.shape[1:], generator=generator), len(batch), generator)
    return (model(batch + noise).float() - batch).square().mean()


@pytest.mark.parametrize("settings", [{}, dict(grad_clip=0.01), dict(optimizer="muon", lr=1e-3)])
def test_parts_of_a_batch_equal_the_batch(settings, record_property):
    def trained(parts):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 3, 1))
        config = TrainConfig(**dict(steps=20, precision="fp32", grad_accum=parts) | settings)
        return Trainer(model, row_loss, data, config, device="cpu").fit(progress=False)
    whole, halves, quarters = (trained(parts) for parts in (1, 2, 4))
    for each in (halves, quarters):
        difference = max(abs(a - b) for a, b in zip(losses(each), losses(whole), strict=True))
        record_property(f"{each.config.grad_accum} parts, {settings}", difference)
        assert difference < 1e-5 and each.budget.step == 20 and len(each.history) == 20 and each.ema.step == 20


def test_what_needs_the_whole_batch_refuses_parts():
    with pytest.raises(InputError, match="grad_accum must be 1 for a ToyGAN, not 2: its step needs the whole batch"): toy_gan(grad_accum=2)
    with pytest.raises(InputError, match="cannot be shared evenly by 3: choose a batch size that 3 divides"):
        toy(grad_accum=3).fit(progress=False)
    with pytest.raises(InputError, match="grad_checkpoint is not for a Toy, which keeps all its activations"): toy(grad_checkpoint=True)
    trainer = toy(grad_accum=2)
    def broken(step): raise InputError("clip 7 is damaged: delete it.")
    trainer.data = broken
    with pytest.raises(InputError, match="^clip 7 is damaged: delete it.$"): trainer.fit(progress=False)


def test_processes_that_were_asked_for(monkeypatch):
    assert asked_processes() == 1
    monkeypatch.setenv("MASTER_PORT", "29500")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    class Parent:
        def cmdline(self): return ["python", "accelerate", "launch", "--cpu", "--num_processes", "2", "train.py", "--num_processes", "5"]
        def parent(self): return self
    monkeypatch.setattr("psutil.Process", lambda *args: Parent())
    assert asked_processes() == 2
    with pytest.raises(InputError, match="accelerate launch --cpu starts one process only"): toy()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert asked_processes() == 1


def test_a_lost_process_is_told_from_a_mistake():
    error = RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:26812.")
    assert _is_lost(error) and not _is_lost(RuntimeError("shape '[2, 3]' is invalid for input of size 5"))
    trainer = toy()
    trainer.data = lambda step: data(step) if step < 3 else (_ for _ in ()).throw(error)
    with pytest.raises(RuntimeError, match="Connection closed"): trainer.fit(progress=False)     # alone, nobody else can be lost


# --- what is refused, and devices

def test_a_loss_that_is_no_number_stops():
    trainer = toy(log_every=7)
    trainer.loss_fn = lambda model, batch, generator: noisy_loss(model, batch, generator) * (math.nan if trainer.budget.step >= 12 else 1)
    with pytest.raises(InputError, match="the loss is nan after step 14: .* lower lr"): trainer.fit(progress=False)
    assert [row["step"] for row in trainer.history] == [7]


def test_resuming_needs_a_folder():
    with pytest.raises(InputError, match="a training without a folder has nothing to resume"): toy().fit(resume=True, progress=False)


def test_devices():
    assert pick_device("cpu").type == "cpu" and pick_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("abacus", "cuda:99"):
        with pytest.raises(InputError, match=f"there is no device '{name}' here: use auto or cpu"): pick_device(name)
    on_meta, captions = to_device((torch.ones(2), ["a red circle"]), torch.device("meta"))
    assert on_meta.device.type == "meta" and captions == ["a red circle"]


def test_the_loop_knows_no_checkpoint():
    "Whatever has `begin` and `save` will do"
    calls = []
    class Recorder:
        folder = "somewhere"
        def begin(self, trainer, resume): calls.append(("begin", resume))
        def save(self, trainer): calls.append(("save", trainer.budget.step))
    trainer = toy(steps=10, save_every_steps=4, callbacks=press(9))
    trainer.checkpoints = Recorder()
    with pytest.raises(Interrupted, match="its checkpoint lies in somewhere: resume it"): trainer.fit(resume=True, progress=False)
    assert calls == [("begin", True), ("save", 4), ("save", 8), ("save", 9)]
