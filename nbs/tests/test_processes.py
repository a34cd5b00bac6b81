"""One training on several processes: the same curve as on one, stopped together, and a killed process leaves a checkpoint

Also the program that the processes run:  test_processes.py JOB FOLDER [SETTING=NUMBER ...]
"""
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_gan import SMALL
from torch import nn
from toys import ToyGAN, data, losses

from t2v_learn.core import InputError
from t2v_learn.training.checkpoint import Checkpoints, _digest, latest, training_state
from t2v_learn.training.loop import Every, Interrupted, Trainer, asked_processes, draw_rows, launch
from t2v_learn.training.optimizers import TrainConfig, adamw

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs Unix signals")
HERE = Path(__file__)


# --- what the processes run

def noisy_loss(model, batch, generator):
    noise = draw_rows(lambda n: torch.randn(n, *batch.shape[1:], generator=generator), len(batch), generator)
    return (model(batch + noise).float() - batch).square().mean()


def small_net(dim=8): return nn.Sequential(nn.Conv2d(3, dim, 3, padding=1), nn.SiLU(), nn.Conv2d(dim, 3, 1))


class PairGAN(ToyGAN):
    "A toy of two networks whose noise belongs to the rows"
    def make_optimizers(self): return {name: adamw(network, self.config) for name, network in self.model.items()}

    def train_step(self, batch, generator):
        noise = draw_rows(lambda n: torch.randn(n, *batch.shape[1:], generator=generator), len(batch), generator)
        fake = self.model["g"](noise)
        self.update("d", (self.model["d"](fake.detach()) - self.model["d"](batch)).mean())
        self.halfway()
        loss = -self.model["d"](fake).mean()
        self.update("g", loss)
        return loss.detach()

    def halfway(self): pass


def real_trainer(arch, options, settings):
    "Of the models that are shipped: the tiny U-Net in full, the GAN small; four clips a step"
    from t2v_learn.training.pipeline import find_class
    from t2v_learn.video.datasets import WorldData
    from t2v_learn.video.world import World
    kind = find_class(arch)
    preset = replace(kind.presets["tiny"], batch_size=4)
    if arch == "gan": preset = replace(preset, network=replace(preset.network, **SMALL))
    config = TrainConfig(**preset.settings | dict(steps=6, precision="fp32", seed=3) | settings)
    return kind.start(preset, WorldData(World(preset.world), 4, seed=3), config, **options)[1]


def trainer_of(job, folder, callbacks=(), **settings):
    rank = int(os.environ.get("RANK", 0))
    torch.manual_seed(rank)                                  # all begin with the weights of the first one
    options = dict(checkpoints=Checkpoints(folder), callbacks=list(callbacks), device="cpu")
    if job.startswith("real-"): return real_trainer(job.removeprefix("real-"), options, settings)
    config = TrainConfig(**dict(steps=30, precision="fp32", save_every_minutes=None, seed=3) | settings)
    if job != "gan": return Trainer(small_net(), noisy_loss, data, config, **options)
    return PairGAN(nn.ModuleDict(dict(g=small_net(), d=nn.Conv2d(3, 1, 3))), None, data, config, **options)


def die(rank, step):
    "A process kills itself in the middle of a step, as the machine might"
    def read(number, shard=(0, 1)):
        if number == step and int(os.environ["RANK"]) == rank: os.kill(os.getpid(), signal.SIGKILL)
        return data(number)[shard[0]::shard[1]]
    return read


def spoiled(trainer, job, rank):
    "The trainer of a job in which something goes wrong"
    me = trainer.processes.rank
    if job in ("kill0", "kill1", "kill2"): trainer.data = die(int(job[-1]), step=12)
    if job == "gan" and rank is not None:
        trainer.halfway = lambda: trainer.budget.step == 12 and me == rank and os.kill(os.getpid(), signal.SIGKILL)
    if job == "uneven": trainer.data = lambda step: data(step)[:3]
    if job == "unreadable":
        def read(step, shard=(0, 1)):
            if step == 2 and me == 1: raise InputError("clip 7 is damaged: delete it.")
            return data(step)[shard[0]::shard[1]]
        trainer.data = read
    if job == "nan": trainer.loss_fn = lambda model, *rest: noisy_loss(model, *rest) * (float("nan") if trainer.budget.step > 8 else 1)
    if job == "ctrl-c":
        def read(step, shard=(0, 1)):
            if step == 9 and me == 1: signal.raise_signal(signal.SIGINT)
            return data(step)[shard[0]::shard[1]]
        trainer.data = read
    return trainer


def main(job, folder, *settings):
    torch.set_num_threads(1)
    if asked_processes() > 1: return launch(asked_processes())
    settings = {name: float(value) if name == "minutes" else int(value) for name, value in (s.split("=") for s in settings)}
    rank = settings.pop("rank", None)
    if "minutes" in settings: settings["steps"] = None
    calls = []
    callbacks = [Every(lambda trainer: calls.append(trainer.budget.step), steps=10)]
    trainer = spoiled(trainer_of(job, folder, callbacks, **settings), job, rank)
    try: trainer.fit(resume=True, progress=False)
    except Interrupted as stopped: print(stopped, file=sys.stderr); return 130
    except InputError as error: print(error, file=sys.stderr); return 2
    digest = _digest({name: t.detach() for name, t in training_state(trainer).items()})
    print(json.dumps(dict(rank=trainer.processes.rank, n=trainer.processes.n, step=trainer.budget.step, losses=losses(trainer),
                          lr=[row["lr"] for row in trainer.history], digest=digest, calls=calls)))
    return 0


# --- how the tests start them

SERVER = multiprocessing.get_context("forkserver")       # imports once what all processes need, which takes longer than their work
SERVER.set_forkserver_preload(["test_processes", "accelerate", "accelerate.utils", "psutil", "torch._dynamo"])


@pytest.fixture(scope="module", autouse=True)
def server():
    "Knows where these tests and the library lie, before it starts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (HERE.parent, HERE.parents[2]))))
        yield


def one_process(rank, n, port, out, args):
    "What a launcher tells a process, and the job"
    os.environ.setdefault("OMP_NUM_THREADS", "1")                  # as `launch` does; else accelerate warns of it
    alone = dict(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=n, LOCAL_WORLD_SIZE=n, MASTER_ADDR="127.0.0.1", MASTER_PORT=port) if n > 1 else {}
    os.environ.update({name: str(value) for name, value in alone.items()})
    with open(f"{out}.out", "w") as stdout, open(f"{out}.err", "w") as stderr:
        os.dup2(stdout.fileno(), 1)
        os.dup2(stderr.fileno(), 2)
        status = main(*map(str, args))
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def run(n, *args):
    "A job on n processes: what each printed as JSON, else its lines on stderr; and the exit statuses"
    with tempfile.TemporaryDirectory() as home:
        outs = [Path(home, str(rank)) for rank in range(n)]
        port = free_port()
        started = [SERVER.Process(target=one_process, args=(rank, n, port, outs[rank], args)) for rank in range(n)]
        for process in started: process.start()
        for process in started: process.join(120)
        told = [(Path(f"{out}.out").read_text(), Path(f"{out}.err").read_text()) for out in outs]
    return [json.loads(out[out.index("{"):]) if "{" in out else err.splitlines() for out, err in told], [p.exitcode for p in started]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    "The training on one process"
    return run(1, "toy", tmp_path_factory.mktemp("one"))[0][0]


def furthest(a, b): return max(abs(x - y) for x, y in zip(a["losses"], b["losses"], strict=True))


# --- the same training

@pytest.mark.parametrize("n, parts", [(2, 1), (2, 2), (1, 4)])
def test_processes_and_parts_give_the_curve_of_one(n, parts, one, tmp_path, record_property):
    told, status = run(n, "toy", tmp_path, f"grad_accum={parts}")
    assert status == [0] * n, told
    record_property(f"{n} processes, {parts} parts: largest difference of a loss", furthest(told[0], one))
    for each in told:
        assert furthest(each, one) < 1e-6 and each["lr"] == one["lr"] and each["n"] == n
        assert each["digest"] == told[0]["digest"], "the processes hold different weights"
        assert each["calls"] == ([10, 20, 30] if each["rank"] == 0 else []), "callbacks are for the first process"
    assert latest(tmp_path).name == "step-000030"


def test_two_networks_on_two_processes(tmp_path):
    whole = run(1, "gan", tmp_path / "one")[0][0]
    told, status = run(2, "gan", tmp_path / "two")
    assert status == [0, 0], told
    assert max(furthest(each, whole) for each in told) < 1e-5 and told[0]["digest"] == told[1]["digest"]


@pytest.mark.slow
@pytest.mark.parametrize("arch, most", [("unet3d", 1e-4), ("gan", 1e-4)])
def test_the_real_models_on_two_processes(arch, most, tmp_path, record_property):
    "Diffusion: noise levels, noise, dropped captions; the GAN: z, noise of the captions, comparisons within the batch, a gradient penalty"
    whole = run(1, f"real-{arch}", tmp_path / "one")[0][0]
    told, status = run(2, f"real-{arch}", tmp_path / "two")
    assert status == [0, 0], told
    record_property(f"{arch}, loss of each step, 1 process", [round(loss, 6) for loss in whole["losses"]])
    record_property(f"{arch}, loss of each step, 2 processes", [round(loss, 6) for loss in told[0]["losses"]])
    record_property(f"{arch}, largest difference", f"{furthest(told[0], whole):.1e}")
    assert furthest(told[0], whole) < most and told[0]["digest"] == told[1]["digest"]


def test_minutes_end_all_processes_together(tmp_path):
    told, status = run(2, "toy", tmp_path, "minutes=0.01")
    assert status == [0, 0], told
    assert told[0]["step"] == told[1]["step"] > 5 and told[0]["digest"] == told[1]["digest"] and told[0]["lr"] == told[1]["lr"]


def test_a_stopped_training_goes_on_with_another_number_of_processes(one, tmp_path):
    assert run(2, "ctrl-c", tmp_path)[1] == [130, 130]
    assert latest(tmp_path).name == "step-000010", "Ctrl-C in one process stops all after the same step"
    whole, status = run(1, "toy", tmp_path)
    assert status == [0] and furthest(whole[0], one) < 1e-6


# --- what goes wrong

@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_leaves_a_checkpoint_and_one_sentence(rank, one, tmp_path):
    told, status = run(2, f"kill{rank}", tmp_path)
    assert status[rank] == -signal.SIGKILL and status[1 - rank] == 2, told
    assert told[1 - rank] == [f"one of 2 processes has died, so the training stopped after step 12; its checkpoint lies in {tmp_path}: "
                              "resume it from there."]
    assert latest(tmp_path).name == "step-000012"
    again, status = run(2 - rank, "toy", tmp_path)
    assert status == [0] * (2 - rank) and furthest(again[0], one) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 2])
def test_of_several_that_are_left_one_speaks(rank, tmp_path):
    told, status = run(4, "kill0" if rank == 0 else "kill2", tmp_path)
    assert sorted(status) == [-signal.SIGKILL, 2, 2, 2] and latest(tmp_path).name == "step-000012"
    first = 1 if rank == 0 else 0
    assert [len(lines) for lines in told] == [int(each == first) for each in range(4)], told


def test_a_half_step_is_undone(tmp_path):
    "A process dies between the updates of two networks: the checkpoint holds neither"
    told, status = run(2, "gan", tmp_path / "killed", "rank=1")
    assert status == [2, -signal.SIGKILL], told
    assert latest(tmp_path / "killed").name == "step-000012"
    whole, status = run(1, "gan", tmp_path / "killed")
    assert status == [0] and furthest(whole[0], run(1, "gan", tmp_path / "whole")[0][0]) < 1e-5


@pytest.mark.parametrize("job, said", [("uneven", "a batch cannot be shared evenly by 2: choose a batch size that 2 divides."),
                                       ("unreadable", "clip 7 is damaged: delete it.")])
def test_what_one_process_refuses_all_refuse(job, said, tmp_path):
    told, status = run(2, job, tmp_path)
    assert status == [2, 2] and told == [[said], [said]]


def test_a_loss_that_is_no_number_is_kept_by_nobody(tmp_path):
    "The first process stops at its checkpoint; the second must not take it for dead and write one"
    told, status = run(2, "nan", tmp_path, "log_every=30", "save_every_steps=10")
    assert status == [2, 2] and "the loss is nan after step 10" in told[0][0], told
    assert latest(tmp_path) is None


# --- the launcher

def test_accelerate_launch_on_a_cpu_starts_all_processes(one, tmp_path):
    "It starts one, whatever was asked; that one starts the others"
    env = os.environ | dict(PYTHONPATH=str(HERE.parents[2]), OMP_NUM_THREADS="1")
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--main_process_port", str(free_port())]
    ended = subprocess.run([*command, HERE, "toy", tmp_path], env=env, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stderr
    told = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert sorted(each["rank"] for each in told) == [0, 1] and max(furthest(each, one) for each in told) < 1e-6


if __name__ == "__main__": sys.exit(main(*sys.argv[1:]))
