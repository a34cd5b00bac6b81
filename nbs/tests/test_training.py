"""Stopping and starting again: killed anywhere and resumed equals never killed, bit for bit; bad checkpoints are refused

Also a program of its own, so that there is something to kill:  test_training.py train FOLDER | kill-points FOLDER
"""
import json
import math
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from t2v_learn.training.checkpoint import CheckpointError, latest, load_state, load_weights, pack, save_state, save_weights, step_folders
from t2v_learn.training.loop import EMA, Budget, Every, Interrupted, TrainConfig, Trainer, adamw, make_optimizer, native_bf16, orthogonalize
from t2v_learn.video.clips import InputError

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and Unix signals")


class Toy(nn.Module):
    "A bit of everything that a checkpoint could forget: buffers that change, dropout, channels_last kernels, norms, a frozen part"
    def __init__(self, dim=8):
        super().__init__()
        self.conv = nn.Conv2d(3, dim, 3, padding=1).to(memory_format=torch.channels_last)
        self.norm, self.drop, self.out = nn.BatchNorm2d(dim), nn.Dropout(0.2), nn.Conv2d(dim, 3, 1)
        self.frozen = nn.Linear(3, 3).requires_grad_(False)

    def forward(self, x): return self.out(self.drop(torch.relu(self.norm(self.conv(x)))))


@pytest.fixture(autouse=True)
def one_thread():
    "Toys are too small to share: two threads would mostly wait for each other, above all on a busy machine"
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def noisy_loss(model, batch, generator):
    noise = torch.randn(batch.shape, generator=generator)
    return (model(batch + noise).float() - batch).square().mean()


def data(step): return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(step))


def toy(folder=None, model=None, callbacks=None, **settings):
    torch.manual_seed(0)
    config = TrainConfig(**dict(steps=60, precision="fp32", save_every_minutes=None) | settings)
    return Trainer(model or Toy(), noisy_loss, data, config, folder=folder, callbacks=callbacks, device="cpu")


def by_muon(folder=None, **settings):
    torch.manual_seed(0)
    return toy(folder, model=Outer(), optimizer="muon", **settings)


class Outer(Toy):
    "With a layer that Muon leaves to Adam"
    outer_layers = {"out": 2.0}


class Duel(Trainer):
    "Two players: an optimizer each, an average of one of them"
    def make_optimizers(self):
        critic = torch.optim.RMSprop([dict(params=self.model["d"].parameters(), lr=1e-3, base_lr=1e-3)])
        return {"g": adamw(self.model["g"], self.config), "d": critic}
    def averaged(self): return self.model["g"]

    def train_step(self, batch, generator):
        fake = self.model["g"](torch.randn(batch.shape, generator=generator))
        self.update("d", (self.model["d"](fake.detach()) - self.model["d"](batch)).mean())
        loss = -self.model["d"](fake).mean()
        self.update("g", loss)
        self.notes = dict(real=self.model["d"](batch).mean().detach()) if self.budget.step % 4 == 0 else {}
        return loss.detach()


def duel(folder=None, steps=40, **settings):
    torch.manual_seed(0)
    config = TrainConfig(steps=steps, precision="fp32", save_every_minutes=None, **settings)
    return Duel(nn.ModuleDict(dict(g=Toy(), d=nn.Conv2d(3, 1, 3))), None, data, config, folder=folder, device="cpu")


def equal(a, b):
    "Are the tensors of two trainers (or of two checkpoints) the same, bit for bit?"
    a, b = (pack(x) if isinstance(x, Trainer) else {k: t for k, t in load_state(x)[0].items() if k != "history"} for x in (a, b))
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def losses(trainer): return [row["loss"] for row in trainer.history]


# --- the same twice, and stopped between two steps

@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_twice_the_same(precision):
    if precision == "bf16" and not native_bf16(): pytest.skip("no bf16 in this processor")
    a, b = (toy(precision=precision).fit(progress=False) for _ in range(2))
    assert equal(a, b) and losses(a) == losses(b)
    assert not equal(a, toy(precision=precision, seed=1).fit(progress=False))
    assert all(t.dtype == torch.float32 for t in a.model.parameters())


@pytest.mark.parametrize("make", [toy, by_muon, duel])
@pytest.mark.parametrize("at", [1, 17, 39])
def test_resumed_equals_never_stopped(make, at, tmp_path):
    whole, stopped = make().fit(progress=False), make(tmp_path)
    for _ in range(at): stopped.one_step()
    stopped.save()
    resumed = make(tmp_path).fit(resume=True, progress=False)
    assert equal(resumed, whole) and losses(resumed) == losses(whole)
    assert [set(row) for row in resumed.history] == [set(row) for row in whole.history]
    assert resumed.ema.step == whole.ema.step and resumed.model.training


def test_muon_moves_matrices_and_adam_the_rest():
    model = Outer()
    optimizer = make_optimizer(model, TrainConfig(steps=1, optimizer="muon", lr=1e-3, matrix_lr=0.5, weight_decay=0.0))
    assert [p for g in optimizer.param_groups if g["matrices"] for p in g["params"]] == [model.conv.weight]
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for p in model.parameters(): p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(3))
    optimizer.step()
    moved = {name: (p - before[name]).detach() for name, p in model.named_parameters()}
    assert torch.allclose(moved["out.weight"].abs(), torch.tensor(2e-3), rtol=1e-2)          # Adam's first step
    assert (torch.linalg.svdvals(moved["conv.weight"].flatten(1) / 0.5) - 1).abs().max() < 0.4
    assert not moved["frozen.weight"].any()


def test_orthogonalize_keeps_directions():
    a = torch.randn(3, 6, 20, generator=torch.Generator().manual_seed(0))
    for g in (a, a.mT, 1e-3 * a):
        turned = orthogonalize(g)
        assert turned.shape == g.shape and turned.dtype == g.dtype
        u, _, v = torch.linalg.svd(g, full_matrices=False)
        assert (turned - u @ v).norm() < 0.35 * (u @ v).norm()
    assert not orthogonalize(torch.zeros(4, 4)).any()


def test_two_precisions_side_by_side():
    if not native_bf16(): pytest.skip("no bf16 in this processor")
    trainers = [toy(precision=precision, steps=9) for precision in ("bf16", "fp32", "bf16", "fp32")]
    for _ in range(9):
        for trainer in trainers: trainer.one_step()
    assert equal(trainers[0], trainers[2]) and equal(trainers[1], trainers[3]) and not equal(trainers[0], trainers[1])


def test_bf16_resumed_equals_never_stopped(tmp_path):
    if not native_bf16(): pytest.skip("no bf16 in this processor")
    stopped = toy(tmp_path, precision="bf16")
    for _ in range(30): stopped.one_step()
    stopped.save()
    assert equal(toy(tmp_path, precision="bf16").fit(resume=True, progress=False), toy(precision="bf16").fit(progress=False))


def test_what_ran_before_does_not_matter():
    torch.randn(1000)
    a = toy(callbacks=[Every(lambda trainer: (torch.randn(7), trainer.model.eval()), steps=3)]).fit(progress=False)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trainer = toy()
    torch.manual_seed(5)
    trainer.fit(progress=False)
    assert equal(a, trainer) and torch.equal(torch.get_rng_state(), before), "a training disturbed its caller's dice"


def test_finished_training_resumes_to_itself(tmp_path):
    whole = toy(tmp_path).fit(progress=False)
    again = toy(tmp_path).fit(resume=True, progress=False)
    assert equal(again, whole) and again.budget.step == 60
    longer = toy(tmp_path, steps=70).fit(resume=True, progress=False)
    assert longer.budget.step == 70 and not equal(longer, whole)


# --- SIGKILL

def run(*args):
    env = os.environ | dict(PYTHONPATH=str(Path(__file__).parents[2]))
    return subprocess.Popen([sys.executable, __file__, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    dice, lives = random.Random(), 0
    never = toy(steps=400).fit(progress=False)
    while True:
        process, lives = run("train", tmp_path / "run"), lives + 1
        process.stdout.readline()                                    # imports are done: training begins
        try: out, err = process.communicate(timeout=dice.uniform(0, 0.35) if lives <= 5 else 120)
        except subprocess.TimeoutExpired: process.kill(); process.communicate(); continue
        assert process.returncode == 0, err
        break
    assert lives > 1 and latest(tmp_path / "run").name == "step-000400"
    assert equal(tmp_path / "run", never), f"{lives} lives later the weights differ"


@posix
@pytest.mark.slow
def test_killed_at_each_call_to_the_file_system(tmp_path):
    never = toy(steps=12, save_every_steps=3).fit(progress=False)
    out, err = run("kill-points", tmp_path).communicate(timeout=300)
    points = json.loads(out.splitlines()[-1])
    assert len(points) > 20, err
    for n, status in points:
        assert status == [signal.SIGKILL, 0], f"kill before call {n}: {status} {err}"
        assert equal(tmp_path / f"{n}", never), f"killed before call {n} and resumed: other weights"
        assert [p.name for p in step_folders(tmp_path / f"{n}")] == ["step-000009", "step-000012"]
        assert not list((tmp_path / f"{n}/checkpoints").glob(".*")), f"killed before call {n}: something was left behind"


def die_at_call(n, folder):
    "The process kills itself before its n-th call that opens, makes, renames or removes something in a folder"
    calls = iter(range(1, 10**6))
    def hook(event, args):
        touches = event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree")
        if touches and str(folder) in str(args[0]) and next(calls) == n: os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)


def in_a_child(work):
    "Runs work() in a forked process: the signal that ended it, or its exit status"
    pid = os.fork()
    if pid == 0:
        status = 1
        try: work(); status = 0
        finally: os._exit(status)
    return abs(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def kill_points(home):
    "For n = 1, 2, ...: a training that dies before call n, then its resumption; until one lives through"
    toy()                          # imports what the children need, and runs no backward, which would not survive a fork
    points = []
    for n in range(1, 1000):
        folder = home / f"{n}"
        def train(resume, folder=folder): return toy(folder, steps=12, save_every_steps=3).fit(resume=resume, progress=False)
        def doomed(n=n, folder=folder, train=train): die_at_call(n, folder); train(False)
        died = in_a_child(doomed)
        if died == 0: break
        points.append((n, [died, in_a_child(lambda train=train: train(True))]))
    print(json.dumps(points))


# --- Ctrl-C

@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_checkpoint(how, tmp_path):
    process = run("train", tmp_path, "slowly")
    while "stepping" not in process.stdout.readline(): pass
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    step = load_state(tmp_path)[1]["step"]
    assert f"stopped after step {step}" in out and str(tmp_path) in out and "resume" in out and 0 < step < 400
    once, again = (toy(tmp_path, steps=step + 5).fit(resume=True, progress=False) for _ in range(2))
    assert equal(once, again)


def test_ctrl_c_then_resume_equals_never_stopped(tmp_path):
    press = Every(lambda trainer: signal.raise_signal(signal.SIGINT), steps=25)
    with pytest.raises(Interrupted, match="stopped after step 25") as stopped: toy(tmp_path, callbacks=[press]).fit(progress=False)
    assert stopped.value.step == 25 and stopped.value.folder == tmp_path and latest(tmp_path).name == "step-000025"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "the handler of the caller was not restored"
    assert equal(toy(tmp_path).fit(resume=True, progress=False), toy().fit(progress=False))


def test_ctrl_c_in_the_last_step_is_a_finished_training(tmp_path):
    press = Every(lambda trainer: signal.raise_signal(signal.SIGINT), steps=60)
    assert toy(tmp_path, callbacks=[press]).fit(progress=False).budget.done


# --- the folder of a training

def test_a_training_is_not_overwritten(tmp_path):
    toy(tmp_path, steps=5).fit(progress=False)
    kept = load_state(tmp_path)[0]
    with pytest.raises(InputError, match="already holds a training"): toy(tmp_path).fit(progress=False)
    assert all(torch.equal(t, kept[name]) for name, t in load_state(tmp_path)[0].items() if name != "history")


def test_resume_where_nothing_was_saved_starts(tmp_path, capsys):
    assert equal(toy(tmp_path / "new").fit(resume=True, progress=False), toy().fit(progress=False))
    assert "no checkpoint" in capsys.readouterr().out
    with pytest.raises(InputError, match="folder"): toy().fit(resume=True, progress=False)


def test_a_folder_that_cannot_be_written_is_found_out_at_once(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        trainer = toy(folder)
        with pytest.raises(InputError, match="name another folder"): trainer.fit(progress=False)
        assert trainer.budget.step == 0


def test_checkpoints_by_steps_and_minutes(tmp_path, clock):
    toy(tmp_path / "steps", save_every_steps=25).fit(progress=False)
    assert [p.name for p in step_folders(tmp_path / "steps")] == ["step-000050", "step-000060"]
    saved = []
    trainer = toy(tmp_path / "minutes", steps=None, minutes=1, save_every_minutes=0.3)
    trainer.data, trainer.save = clock.step(0.5), lambda: saved.append(trainer.budget.step)
    trainer.fit(progress=False)
    assert saved == [36, 72, 108, 120]


def test_newest_is_a_number(tmp_path):
    for step in (9, 10, 99, 100, 999_999, 1_000_000): save_state(tmp_path, step, dict(x=torch.ones(1)), {})
    assert latest(tmp_path).name == "step-1000000" and [p.name for p in step_folders(tmp_path)] == ["step-999999", "step-1000000"]
    (tmp_path / "checkpoints" / "step-best").mkdir()
    assert latest(tmp_path).name == "step-1000000"


# --- damage

def spoil(path, how):
    good = path.read_bytes()
    if how == "truncated": path.write_bytes(good[:len(good) // 2])
    if how == "nearly empty": path.write_bytes(good[:5])
    if how == "empty": path.write_bytes(b"")
    if how == "one bit": path.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    if how == "noise": path.write_bytes(random.Random(0).randbytes(5000))
    if how == "huge header": path.write_bytes(b"\xff" * 8 + good[8:])
    if how == "pickle": path.write_bytes(pickle.dumps(dict(a=1)))
    if how == "old pickle": torch.save(dict(a=torch.ones(3)), path, _use_new_zipfile_serialization=False)
    if how == "torch.save": torch.save(dict(a=torch.ones(3)), path)
    if how == "missing": path.unlink()


DAMAGES = ["truncated", "nearly empty", "empty", "one bit", "noise", "huge header", "pickle", "old pickle", "torch.save", "missing"]


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_files_are_refused(how, tmp_path):
    toy(tmp_path, steps=4, save_every_steps=2).fit(progress=False)
    save_weights(tmp_path, Toy().state_dict(), dict(kind="toy"))
    state = tmp_path / "checkpoints/step-000004/state.safetensors"
    for path in (state, tmp_path / "model.safetensors"): spoil(path, how)
    word = "pickle" if how in ("pickle", "old pickle", "torch.save") else "no file" if how == "missing" else "damaged"
    with pytest.raises(CheckpointError, match=word) as refused: load_weights(tmp_path)
    assert str(tmp_path / "model.safetensors") in str(refused.value) and "\n" not in str(refused.value)
    fresh = toy(tmp_path)
    before = {k: t.clone() for k, t in pack(fresh).items()}
    with pytest.raises(CheckpointError, match=word) as refused: fresh.fit(resume=True, progress=False)
    assert str(state) in str(refused.value) and all(torch.equal(t, before[k]) for k, t in pack(fresh).items())
    if word == "damaged": assert "go on from step-000002" in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"step": 4}', "\x00\x01"])
def test_damaged_json_is_refused(text, tmp_path):
    toy(tmp_path, steps=4).fit(progress=False)
    path = tmp_path / "checkpoints/step-000004/state.json"
    path.write_text(text)
    with pytest.raises(CheckpointError) as refused: toy(tmp_path).fit(resume=True, progress=False)
    assert str(path) in str(refused.value)


def test_pickles_are_not_run(tmp_path):
    class Bomb:
        def __reduce__(self): return os.mkdir, (str(tmp_path / "boom"),)
    (tmp_path / "config.json").write_text("{}")
    for save in (torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))):
        save(Bomb(), tmp_path / "model.safetensors")
        with pytest.raises(CheckpointError, match="pickle"): load_weights(tmp_path)
    assert not (tmp_path / "boom").exists()


def test_other_models_are_refused(tmp_path):
    toy(tmp_path, steps=4).fit(progress=False)
    with pytest.raises(CheckpointError, match=r"'conv.weight' is \(8, 3, 3, 3\) in the file but \(16, 3, 3, 3\) in this model"):
        toy(tmp_path, model=Toy(16)).fit(resume=True, progress=False)
    with pytest.raises(CheckpointError, match="has no tensor 'g.conv.weight'"): duel(tmp_path).fit(resume=True, progress=False)
    with pytest.raises(CheckpointError, match="seed 0, not 3"): toy(tmp_path, seed=3).fit(resume=True, progress=False)
    save_weights(tmp_path / "model", Toy().state_dict(), dict(kind="toy", versions=dict(encoder="abc")))
    with pytest.raises(CheckpointError, match="'toy', not 'unet3d'"): load_weights(tmp_path / "model", kind="unet3d")
    state, config = load_weights(tmp_path / "model" / "model.safetensors", kind="toy")
    Toy().load_state_dict(state)
    assert config["versions"].keys() == {"encoder", "t2v_learn", "torch", "world"}
    with pytest.raises(CheckpointError, match="there is no"): load_weights(tmp_path / "nowhere")


def test_writing_fails_whole(tmp_path, monkeypatch):
    save_weights(tmp_path, Toy().state_dict(), dict(kind="toy"))
    good = (tmp_path / "model.safetensors").read_bytes()
    def full(*args, **kwargs): raise OSError(28, "No space left on device")
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError): save_weights(tmp_path, Toy(16).state_dict(), dict(kind="toy"))
    assert (tmp_path / "model.safetensors").read_bytes() == good and len(list(tmp_path.iterdir())) == 2


def test_shared_and_strided_tensors(tmp_path):
    x = torch.arange(6.0)
    tensors = dict(a=x, b=x.view(2, 3).T, c=torch.tensor(3), d=torch.zeros(0, 2), e=x.bfloat16(), f=torch.tensor([True]))
    save_state(tmp_path, 1, tensors, {})
    back = load_state(tmp_path)[0]
    assert all(torch.equal(back[k], t) and back[k].dtype == t.dtype for k, t in tensors.items())


# --- budgets, averages, losses that are no number

@pytest.fixture
def clock(monkeypatch):
    "A clock that only moves when it is told to, so that a busy machine does not matter"
    class Clock:
        now = 1000.0
        def perf_counter(self): return self.now
        def step(self, seconds): return lambda step: setattr(self, "now", self.now + seconds) or data(step)
        def wait(self, seconds): return lambda trainer: setattr(self, "now", self.now + seconds)
    clock = Clock()
    monkeypatch.setattr("t2v_learn.training.loop.time", clock)
    return clock


@pytest.mark.parametrize("pace", [0.13, 0.25, 1.7])
def test_minutes_end_on_time(pace, clock, tmp_path, capsys):
    trainer = toy(tmp_path, steps=None, minutes=1)
    trainer.data = clock.step(pace)
    trainer.fit(progress=True)
    assert abs(trainer.budget.seconds - 60) <= pace / 2 + 1e-6 and abs(trainer.budget.step - 60 / pace) <= 1
    rates = [row["lr"] for row in trainer.history]
    assert max(rates) == pytest.approx(2e-3) and rates[-1] < 2e-3 * 4 * pace / 60 + 1e-9
    bar = capsys.readouterr().err
    assert "loss" in bar and "0:00 left" in bar and f"{pace:.2f} s a step: about {(60 - 5 * pace) / pace:.0f} steps in 1 minutes" in bar
    assert toy(tmp_path, steps=None, minutes=1).fit(resume=True, progress=False).budget.step == trainer.budget.step, "the time was used up"


def test_minutes_go_on_where_they_stopped(clock, tmp_path):
    press = [Every(lambda trainer: signal.raise_signal(signal.SIGINT), minutes=0.4)]
    trainer = toy(tmp_path, steps=None, minutes=1, callbacks=press)
    trainer.data = clock.step(0.5)
    with pytest.raises(Interrupted): trainer.fit(progress=False)
    clock.now += 1e5                                             # a night passes
    resumed = toy(tmp_path, steps=None, minutes=1)
    resumed.data = clock.step(0.5)
    resumed.fit(resume=True, progress=False)
    assert trainer.budget.step == 48 and resumed.budget.step == 120
    assert [row["minute"] for row in resumed.history] == pytest.approx([i / 120 for i in range(1, 121)])


def test_callbacks_cost_no_training_time(clock):
    trainer = toy(steps=None, minutes=1, callbacks=[Every(clock.wait(100), minutes=0.25)])
    trainer.data = clock.step(0.5)
    trainer.fit(progress=False)
    assert trainer.budget.step == 120 and 1300 < clock.now < 1470


def test_budget_follows_the_clock():
    budget = Budget(minutes=1)
    for pace in [0.5] * 60 + [3.0] * 100:
        if budget.done: break
        budget.used += pace
        budget.advance(pace)
    assert abs(budget.used - 60) <= 1.5 and budget.progress > 0.97


@pytest.mark.parametrize("bad", [
    dict(), dict(steps=1, minutes=1), dict(steps=0), dict(minutes=-2), dict(steps=3, lr=math.nan), dict(steps=3, lr=0),
    dict(steps=3, precision="fp8"), dict(steps=3, decay="step"), dict(steps=3, decay_from=1.0), dict(steps=3, ema=1.0)])
def test_settings_that_make_no_sense(bad):
    with pytest.raises(InputError): TrainConfig(**bad)


def test_a_loss_that_is_no_number_stops_and_is_not_saved(tmp_path):
    trainer = toy(tmp_path, save_every_steps=10, log_every=7)
    trainer.loss_fn = lambda model, batch, generator: noisy_loss(model, batch, generator) * (math.nan if trainer.budget.step >= 12 else 1)
    with pytest.raises(InputError, match="the loss is nan after step 14: .* lower lr"): trainer.fit(progress=False)
    assert latest(tmp_path).name == "step-000010"


def test_average_catches_up_early():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema = EMA(model, 0.998)
    nn.init.ones_(model.weight)
    for _ in range(100): ema.update(model)
    assert ema.model.weight.item() > 0.999


def test_only_matrices_decay():
    still, moved = Toy(), {}
    before = {name: p.detach().clone() for name, p in still.named_parameters()}
    optimizer = adamw(still, TrainConfig(steps=1, lr=0.1, weight_decay=0.5))
    for p in still.parameters(): p.grad = torch.zeros_like(p) if p.requires_grad else None
    optimizer.step()
    moved = {name for name, p in still.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"conv.weight", "out.weight"}


def main(job, folder, *how):
    torch.set_num_threads(1)
    if job == "kill-points": return kill_points(Path(folder))
    slowly = [Every(lambda trainer: time.sleep(0.01), steps=1),
              Every(lambda trainer: print("stepping", flush=True), steps=6)] if how else None
    trainer = toy(folder, steps=400, save_every_steps=5, callbacks=slowly)
    print("here we go", flush=True)
    try: trainer.fit(resume=True, progress=False)
    except Interrupted as stopped: print(stopped); sys.exit(130)


if __name__ == "__main__": main(*sys.argv[1:])
