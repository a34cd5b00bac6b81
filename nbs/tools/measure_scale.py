"""How long a step takes, and what a second process is worth: nbs/8_beyond/results/scale.json, which lesson 81 draws

    python nbs/tools/measure_scale.py [--toy] [--only peak|steps|processes] [--runs N] [--seconds S]

One thread measures the peak (a large matrix product) and steps of `VideoTransformer` at several sizes: forward, backward, AdamW, in
32 bits. Then a small network is trained in one process and in two, of one thread each, with the same batch in all, in turns. Run it
while nothing else runs. --toy: a few short steps, marked as such, to try the script. What --only leaves out stays as it was stored.
"""
import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from t2v_learn.core import write_json
from t2v_learn.latent.transformer import TransformerConfig, VideoTransformer
from t2v_learn.text.bert import TextStates
from t2v_learn.training.loop import Every, Trainer, asked_processes, draw_rows, launch
from t2v_learn.training.optimizers import TrainConfig

RESULTS = Path(__file__).parents[1] / "8_beyond" / "results" / "scale.json"
WORDS = 32
SIZES = [(128, 3, 512, (4, 4, 4), 8), (128, 3, 512, (4, 8, 8), 4), (320, 5, 1280, (4, 4, 4), 4), (320, 5, 1280, (4, 8, 8), 2),
         (320, 5, 1280, (8, 8, 8), 1), (640, 5, 2560, (4, 4, 4), 2), (640, 5, 2560, (4, 8, 8), 1)]     # d, blocks, m, tokens, clips
SMALL = TransformerConfig(dim=192, n_heads=3, n_blocks=4, mlp_dim=768)                                 # what the processes train
BATCH = 16


def spread(numbers):
    "Median, quartiles and how many"
    low, median, high = np.percentile(numbers, (25, 50, 75))
    return dict(n=len(numbers), median=float(median), low=float(low), high=float(high))


def repeat(function, seconds, at_least=5, warm=2):
    "Seconds of each call"
    for _ in range(warm): function()
    found = []
    end = time.perf_counter() + seconds
    while len(found) < at_least or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return found


def states(n):
    "Of n prompts, about nothing"
    return TextStates(torch.randn(n, WORDS, 384), torch.ones(n, WORDS, dtype=torch.bool), torch.randn(n, 384))


def measure_peak(seconds, side=1024):
    "Operations a second of a product of two large matrices"
    a, b = torch.randn(2, side, side).unbind(0)
    return spread([2 * side**3 / s for s in repeat(lambda: a @ b, seconds)])


def measure_step(dim, blocks, mlp_dim, grid, batch, seconds):
    "Forward, backward and AdamW"
    torch.manual_seed(0)
    network = VideoTransformer(TransformerConfig(dim=dim, n_heads=dim // 64, n_blocks=blocks, mlp_dim=mlp_dim))
    optimizer = torch.optim.AdamW(network.parameters())
    clip, text = torch.randn(batch, 16, grid[0], 2 * grid[1], 2 * grid[2]), states(batch)
    def step():
        optimizer.zero_grad()
        network(clip, torch.zeros(batch), text).square().mean().backward()
        optimizer.step()
    return dict(dim=dim, n_blocks=blocks, mlp_dim=mlp_dim, tokens=grid[0] * grid[1] * grid[2], batch=batch, n_words=WORDS,
                seconds=spread(repeat(step, seconds)))


# --- one process against two

def loss(network, batch, generator):
    "Noise is predicted from noise: what is learned does not matter"
    noise = draw_rows(lambda n: torch.randn(n, *batch.shape[1:], generator=generator), len(batch), generator)
    return (network(batch + noise, torch.zeros(len(batch)), states(len(batch))) - noise).square().mean()


def data(step, shard=(0, 1)):
    "Latents of 64 tokens a clip"
    return torch.randn(BATCH, 16, 4, 8, 8, generator=torch.Generator().manual_seed(step))[shard[0]::shard[1]]


def train(out, steps, warm):
    "What each process runs; the first writes down the pace"
    torch.set_num_threads(1)
    if asked_processes() > 1: return launch(asked_processes())
    torch.manual_seed(0)
    network = VideoTransformer(SMALL)
    config = TrainConfig(steps=warm + steps, precision="fp32", save_every_minutes=None, seed=0)
    times = []
    watch = Every(lambda trainer: times.append(trainer.budget.seconds), steps=1)
    trainer = Trainer(network, loss, data, config, callbacks=[watch], device="cpu")
    trainer.fit(progress=False)
    if trainer.processes.rank == 0:
        pace = steps / (times[-1] - times[warm - 1])
        write_json(out, dict(n_processes=trainer.processes.n, steps=steps, batch=BATCH, steps_a_second=pace,
                             parameters=sum(p.numel() for p in network.parameters())))
    return 0


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def run_processes(n, steps, warm):
    "A fresh training in n processes"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pace.json"
        command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", str(n), "--main_process_port",
                   str(free_port()), __file__, "--train", str(out), str(steps), str(warm)]
        env = os.environ | dict(PYTHONPATH=str(Path(__file__).parents[2]), OMP_NUM_THREADS="1")
        ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=1800)
        if ended.returncode: raise SystemExit(ended.stderr)
        return json.loads(out.read_text())


def main():
    if sys.argv[1:2] == ["--train"]: return train(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--toy", action="store_true")
    asked.add_argument("--only", choices=("peak", "steps", "processes"))
    asked.add_argument("--runs", type=int, default=5, help="trainings of each number of processes")
    asked.add_argument("--seconds", type=float, default=10, help="for each size")
    asked.add_argument("--steps", type=int, default=100, help="timed in each training")
    asked = asked.parse_args()
    if asked.toy: asked.runs, asked.seconds, asked.steps = 2, .2, 5
    torch.set_num_threads(1)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() and asked.only else {}
    found |= dict(toy=asked.toy, machine=f"{os.cpu_count()} CPU cores, torch {torch.__version__}, {platform.machine()}")
    if asked.only in (None, "peak"): found["peak"] = measure_peak(asked.seconds)
    if asked.only in (None, "steps"):
        found["steps"] = [measure_step(*size, asked.seconds) for size in (SIZES[:3] if asked.toy else SIZES)]
    if asked.only in (None, "processes"):
        found["processes"] = [run_processes(n, asked.steps, warm=2 if asked.toy else 10) for _ in range(asked.runs) for n in (1, 2)]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    write_json(RESULTS, found)
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__": sys.exit(main())
