"""Stopping and starting again: killed anywhere and resumed equals never killed, bit for bit; bad checkpoints are refused

Also a program of its own, so that there is something to kill:  test_checkpoint.py train FOLDER | kill-points FOLDER
"""
import json
import math
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn
from toys import Outer, Toy, equal, losses, noisy_loss, toy, toy_by_muon, toy_gan

from t2v_learn.core import InputError
from t2v_learn.training.checkpoint import (CheckpointError, Checkpoints, _history_rows, _history_table, _step_folders, file_format, latest,
                                           load_state, load_weights, read_tensors, save_state, save_weights, training_state, write_tensors)
from t2v_learn.training.loop import Every, Finished, Interrupted
from t2v_learn.training.optimizers import native_bf16

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and Unix signals")
pytestmark = pytest.mark.usefixtures("one_thread")


# --- resumed equals never stopped

@pytest.mark.parametrize("make", [toy, toy_by_muon, toy_gan])
@pytest.mark.parametrize("at", [1, 17, 39])
def test_resumed_equals_never_stopped(make, at, tmp_path):
    whole, stopped = make().fit(progress=False), make(tmp_path)
    for _ in range(at): stopped.one_step()
    stopped.save()
    resumed = make(tmp_path).fit(resume=True, progress=False)
    assert equal(resumed, whole) and losses(resumed) == losses(whole)
    assert [set(row) for row in resumed.history] == [set(row) for row in whole.history]
    assert resumed.ema.step == whole.ema.step and resumed.model.training


def test_bf16_resumed_equals_never_stopped(tmp_path):
    if not native_bf16(): pytest.skip("no bf16 in this processor")
    stopped = toy(tmp_path, precision="bf16")
    for _ in range(30): stopped.one_step()
    stopped.save()
    assert equal(toy(tmp_path, precision="bf16").fit(resume=True, progress=False), toy(precision="bf16").fit(progress=False))


def test_a_finished_training_is_not_trained_again(tmp_path):
    whole = toy(tmp_path).fit(progress=False)
    left = tmp_path / "checkpoints" / ".new-000060"                 # by a writer that was killed
    left.mkdir()
    again = toy(tmp_path)
    said = "nothing is left to train after step 60: raise --steps, now 60"
    with pytest.raises(Finished, match=said): again.fit(resume=True, progress=False)
    assert equal(again, whole) and latest(tmp_path).name == "step-000060" and not left.exists()
    longer = toy(tmp_path, steps=70).fit(resume=True, progress=False)
    assert longer.budget.step == 70 and not equal(longer, whole)


def test_finished_minutes_are_finished(tmp_path, clock):
    def trainer():
        made = toy(tmp_path, steps=None, minutes=0.1)
        made.data = clock.step(0.5)
        return made
    trainer().fit(progress=False)
    with pytest.raises(Finished, match="raise --minutes, now 0.1"): trainer().fit(resume=True, progress=False)


# --- from another folder

def test_a_moved_or_copied_folder_resumes(tmp_path):
    stopped = toy(tmp_path / "old")
    for _ in range(20): stopped.one_step()
    stopped.save()
    shutil.copytree(tmp_path / "old", tmp_path / "copy")
    shutil.move(tmp_path / "old", tmp_path / "elsewhere" / "moved")
    whole = toy().fit(progress=False)
    for folder in ("copy", "elsewhere/moved"): assert equal(toy(tmp_path / folder).fit(resume=True, progress=False), whole)


def test_a_training_goes_on_in_a_folder_of_its_own(tmp_path):
    old = toy(tmp_path / "old", save_every_steps=20)
    for _ in range(20): old.one_step()
    old.save()
    kept = load_state(tmp_path / "old")[0]
    branch = toy(tmp_path / "new").fit(resume=tmp_path / "old", progress=False)
    assert equal(branch, toy().fit(progress=False)) and losses(branch) == losses(toy().fit(progress=False))
    assert latest(tmp_path / "new").name == "step-000060" and latest(tmp_path / "old").name == "step-000020"
    assert all(torch.equal(t, kept[name]) for name, t in load_state(tmp_path / "old")[0].items() if name != "history")
    with pytest.raises(InputError, match="new already holds a training"): toy(tmp_path / "new").fit(resume=tmp_path / "old", progress=False)
    assert equal(toy(tmp_path / "old").fit(resume=str(tmp_path / "old"), progress=False), branch)     # its own folder, by name
    (tmp_path / "empty").mkdir()
    for name, said in (("nowhere", "there is no folder"), ("empty", "holds no checkpoint")):
        with pytest.raises(CheckpointError, match=said): toy(tmp_path / "third").fit(resume=tmp_path / name, progress=False)


@pytest.mark.parametrize("name, old, new", [("arch", "unet3d", "gan"), ("preset", "tiny", "full"), ("size", 32, 64), ("frames", 8, 16)])
def test_another_kind_of_model_is_refused_in_one_sentence(name, old, new, tmp_path):
    trainer = toy(tmp_path, steps=4)
    trainer.extra = {name: old, "data": "here"}
    trainer.fit(progress=False)
    other = toy(tmp_path, model=nn.Linear(1, 1), steps=8)
    other.extra = {name: new, "data": "there"}
    with pytest.raises(CheckpointError, match=f"was trained with {name} {old}, not {new}: resume it with its own {name}") as refused:
        other.fit(resume=True, progress=False)
    assert "\n" not in str(refused.value)
    again = toy(tmp_path, steps=8)
    again.extra = {name: old, "data": "there"}
    assert again.fit(resume=True, progress=False).budget.step == 8                                      # the data may move


# --- SIGKILL

def run(*args):
    env = os.environ | dict(PYTHONPATH=str(Path(__file__).parents[2]))
    return subprocess.Popen([sys.executable, __file__, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    rng, lives = random.Random(), 0
    never = toy(steps=400).fit(progress=False)
    while True:
        process, lives = run("train", tmp_path / "run"), lives + 1
        process.stdout.readline()                                    # imports are done: training begins
        try: out, err = process.communicate(timeout=rng.uniform(0, 0.35) if lives <= 5 else 120)
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
        assert [p.name for p in _step_folders(tmp_path / f"{n}")] == ["step-000009", "step-000012"]
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
        def train(resume, folder=folder):
            with suppress(Finished): toy(folder, steps=12, save_every_steps=3).fit(resume=resume, progress=False)
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
    once, again = (toy(tmp_path / name, steps=step + 5).fit(resume=tmp_path, progress=False) for name in ("once", "again"))
    assert equal(once, again)


def test_ctrl_c_then_resume_equals_never_stopped(tmp_path):
    press = Every(lambda trainer: signal.raise_signal(signal.SIGINT), steps=25)
    with pytest.raises(Interrupted, match="stopped after step 25") as stopped: toy(tmp_path, callbacks=[press]).fit(progress=False)
    assert stopped.value.step == 25 and stopped.value.folder == tmp_path and latest(tmp_path).name == "step-000025"
    assert str(tmp_path) in str(stopped.value) and "resume" in str(stopped.value)
    assert equal(toy(tmp_path).fit(resume=True, progress=False), toy().fit(progress=False))


# --- the folder of a training

def test_a_training_is_not_overwritten(tmp_path):
    toy(tmp_path, steps=5).fit(progress=False)
    kept = load_state(tmp_path)[0]
    with pytest.raises(InputError, match="already holds a training"): toy(tmp_path).fit(progress=False)
    assert all(torch.equal(t, kept[name]) for name, t in load_state(tmp_path)[0].items() if name != "history")


def test_resume_where_nothing_was_saved_starts(tmp_path, capsys):
    assert equal(toy(tmp_path / "new").fit(resume=True, progress=False), toy().fit(progress=False))
    assert "no checkpoint" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_found_out_at_once(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        trainer = toy(folder)
        with pytest.raises(InputError, match="choose another folder"): trainer.fit(progress=False)
        assert trainer.budget.step == 0


def test_checkpoints_by_steps_and_minutes(tmp_path, clock):
    toy(tmp_path / "steps", save_every_steps=25).fit(progress=False)
    assert [p.name for p in _step_folders(tmp_path / "steps")] == ["step-000050", "step-000060"]
    saved = []
    trainer = toy(tmp_path / "minutes", steps=None, minutes=1, save_every_minutes=0.3)
    trainer.data, trainer.save = clock.step(0.5), lambda: saved.append(trainer.budget.step)
    trainer.fit(progress=False)
    assert saved == [36, 72, 108, 120]


def test_the_names_in_a_checkpoint_stay(tmp_path):
    "Trainings that were stopped by an earlier version have to resume with a later one"
    trainer = toy(tmp_path, model=nn.Linear(3, 3), steps=2)
    trainer.loss_fn = lambda model, batch, generator: model(batch.mean((2, 3))).square().mean()
    trainer.fit(progress=False)
    checkpoint = tmp_path / "checkpoints/step-000002"
    assert sorted(path.name for path in checkpoint.iterdir()) == ["state.json", "state.safetensors"]
    moments = {f"optimizer/main/{name}/{key}" for name in ("weight", "bias") for key in ("step", "exp_avg", "exp_avg_sq")}
    weights = {f"{part}/{name}" for part in ("model", "ema") for name in ("weight", "bias")}
    assert read_tensors(checkpoint / "state.safetensors").keys() == weights | moments | {"history"}
    meta = json.loads((checkpoint / "state.json").read_text())
    assert meta.keys() == {"step", "seconds", "pace", "ema_step", "columns", "config", "extra", "versions"}
    assert meta["columns"] == ["step", "minute", "loss", "lr"] and meta["versions"].keys() == {"t2v_learn", "torch", "world"}


def test_history_is_a_table_and_back():
    rows = [dict(step=1, loss=0.1 + 0.2), dict(step=2, loss=1e-30, penalty=3.0)]
    assert _history_rows(*_history_table(rows)) == rows and _history_rows(*_history_table([])) == []


def test_keep_says_how_many_checkpoints_stay(tmp_path):
    trainer = toy(steps=50, save_every_steps=10)
    trainer.checkpoints = Checkpoints(tmp_path, keep=3)
    trainer.fit(progress=False)
    assert [p.name for p in _step_folders(tmp_path)] == ["step-000030", "step-000040", "step-000050"]
    with pytest.raises(InputError, match="cannot keep -1"): Checkpoints(tmp_path, keep=-1)


def test_newest_is_a_number(tmp_path):
    for step in (9, 10, 99, 100, 999_999, 1_000_000): save_state(tmp_path, step, dict(x=torch.ones(1)), {})
    assert latest(tmp_path).name == "step-1000000" and [p.name for p in _step_folders(tmp_path)] == ["step-999999", "step-1000000"]
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
    before = {k: t.clone() for k, t in training_state(fresh).items()}
    with pytest.raises(CheckpointError, match=word) as refused: fresh.fit(resume=True, progress=False)
    assert str(state) in str(refused.value) and all(torch.equal(t, before[k]) for k, t in training_state(fresh).items())
    if word == "damaged": assert "go on from step-000002" in str(refused.value)


@pytest.mark.parametrize("damage", [
    lambda t, name: t.update({name: torch.zeros(1)}), lambda t, name: t.update({name: torch.zeros(1000)}),
    lambda t, name: t.update({name.replace("weight", "strange"): t.pop(name)}),
    lambda t, name: t.update({"optimizer/main/x": t.pop(name)})])
def test_a_memory_that_fits_no_weight_is_refused(damage, tmp_path):
    "Torch would train on with it, or crash"
    toy(tmp_path, steps=2).fit(progress=False)
    file = latest(tmp_path) / "state.safetensors"
    tensors = read_tensors(file)
    damage(tensors, next(name for name in tensors if name.startswith("optimizer/") and "weight" in name and tensors[name].ndim))
    write_tensors(file, tensors)
    fresh = toy(tmp_path, steps=4)
    before = {k: t.clone() for k, t in training_state(fresh).items()}
    with pytest.raises(CheckpointError, match="fits no weight"): fresh.fit(resume=True, progress=False)
    assert all(torch.equal(t, before[k]) for k, t in training_state(fresh).items())


@pytest.mark.parametrize("entry", [dict(config=[]), dict(extra=None), dict(step="x"), dict(seconds=None), dict(pace="x"), dict(columns={}),
                                   dict(ema_step=None)])
def test_entries_of_another_kind_are_refused(entry, tmp_path):
    toy(tmp_path, steps=2).fit(progress=False)
    file = latest(tmp_path) / "state.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | entry))
    with pytest.raises(CheckpointError, match=f"{next(iter(entry))} in it makes no sense: delete the folder"):
        toy(tmp_path, steps=4).fit(resume=True, progress=False)


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"step": 4}', "\x00\x01"])
def test_damaged_json_is_refused(text, tmp_path):
    toy(tmp_path, steps=4).fit(progress=False)
    path = tmp_path / "checkpoints/step-000004/state.json"
    path.write_text(text)
    with pytest.raises(CheckpointError) as refused: toy(tmp_path).fit(resume=True, progress=False)
    assert str(path) in str(refused.value) and "delete the folder" in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "1", "null", "\x00\x01"])
def test_damaged_settings_of_a_model_are_refused(text, tmp_path):
    save_weights(tmp_path, Toy().state_dict(), dict(kind="toy"))
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match="get it again") as refused: load_weights(tmp_path)
    assert str(tmp_path / "config.json") in str(refused.value)


def test_every_flipped_bit_is_found_or_does_no_harm(tmp_path):
    path = tmp_path / "small.safetensors"
    write_tensors(path, dict(bias=torch.tensor([1.0, -2.0]), steps=torch.tensor(7)))
    good, whole = path.read_bytes(), read_tensors(path)
    found = 0
    for i in range(len(good)):
        path.write_bytes(good[:i] + bytes([good[i] ^ 4]) + good[i + 1:])
        try: assert all(torch.equal(t, whole[name]) for name, t in read_tensors(path).items()), f"byte {i}"
        except CheckpointError: found += 1
    assert found > 0.9 * len(good)


def test_formats_are_told_by_their_first_bytes(tmp_path):
    write_tensors(tmp_path / "a", dict(a=torch.ones(2)))
    torch.save(dict(a=torch.ones(2)), tmp_path / "b")
    (tmp_path / "c").write_bytes(pickle.dumps(dict(a=1)))
    (tmp_path / "d").write_bytes(b"")
    assert [file_format(tmp_path / name) for name in "abcd"] == ["safetensors", "pickle", "pickle", "unknown"]


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
    with pytest.raises(CheckpointError, match="has no tensor 'g.conv.weight'"): toy_gan(tmp_path).fit(resume=True, progress=False)
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


# --- budgets in minutes, losses that are no number

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


def test_a_loss_that_is_no_number_stops_and_is_not_saved(tmp_path):
    trainer = toy(tmp_path, save_every_steps=10, log_every=7)
    trainer.loss_fn = lambda model, batch, generator: noisy_loss(model, batch, generator) * (math.nan if trainer.budget.step >= 12 else 1)
    with pytest.raises(InputError, match="the loss is nan after step 14: .* lower lr"): trainer.fit(progress=False)
    assert latest(tmp_path).name == "step-000010"


def main(job, folder, *how):
    torch.set_num_threads(1)
    if job == "kill-points": return kill_points(Path(folder))
    slowly = [Every(lambda trainer: time.sleep(0.01), steps=1),
              Every(lambda trainer: print("stepping", flush=True), steps=6)] if how else None
    trainer = toy(folder, steps=400, save_every_steps=5, callbacks=slowly)
    print("here we go", flush=True)
    try: trainer.fit(resume=True, progress=False)
    except Finished: pass                                             # killed after its last step
    except Interrupted as stopped: print(stopped); sys.exit(130)


if __name__ == "__main__": main(*sys.argv[1:])


def test_another_optimizer_is_refused(tmp_path):
    toy_by_muon(tmp_path, steps=4).fit(progress=False)
    other = toy(tmp_path, model=Outer(), steps=8)
    with pytest.raises(CheckpointError, match="optimizer muon, not adamw"): other.fit(resume=True, progress=False)


def test_settings_that_cannot_be_kept_are_refused_before_the_first_step(tmp_path):
    trainer = toy(tmp_path, steps=4)
    trainer.extra = dict(videos=Path("clips"))
    with pytest.raises(InputError, match="cannot be kept as JSON"): trainer.fit(progress=False)
    assert trainer.budget.step == 0 and latest(tmp_path) is None
