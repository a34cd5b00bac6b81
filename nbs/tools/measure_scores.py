"""The scores of the shipped models of the tiny world, for the README: nbs/6_judge/results/scores.json

    python nbs/tools/measure_scores.py [--again] [--toy]

Every row is what the command in it prints. Rows that are there already stay; --again measures all anew (about ten minutes on two cores).
Then `python nbs/tools/rerun.py nbs/index.ipynb && python nbs/tools/readme.py` draws the table. --toy: eight clips a row, to try the script.
"""
import argparse
import shlex
import time
from pathlib import Path

import numpy as np

from t2v_learn.core import read_json, write_json
from t2v_learn.judge.evaluate import evaluate
from t2v_learn.training.pipeline import VideoGenerator

FILE = Path(__file__).resolve().parents[1] / "6_judge" / "results" / "scores.json"
ROWS = [("seen in training", "t2v evaluate --model tiny --split seen"),
        ("combinations never seen", "t2v evaluate --model tiny --split held-out-combinations"),
        ("the prompt of another clip", "t2v evaluate --model tiny --deranged --n 128"),
        ("no prompt", "t2v evaluate --model tiny --guidance-scale 0 --n 128"),
        ("GAN, seen in training", "t2v evaluate --model tiny-gan --split seen"),
        ("GAN, combinations never seen", "t2v evaluate --model tiny-gan --split held-out-combinations"),
        ("GAN, the prompt of another clip", "t2v evaluate --model tiny-gan --deranged")]


def options(command):
    "What a command asks for, as arguments of `evaluate`"
    asked = argparse.ArgumentParser()
    asked.add_argument("--model")
    asked.add_argument("--split", default="seen")
    asked.add_argument("--deranged", action="store_true")
    asked.add_argument("--guidance-scale", type=float)
    asked.add_argument("--n", type=int)
    found = vars(asked.parse_args(shlex.split(command)[2:]))
    return {name: value for name, value in found.items() if value is not None}


def measure(command, toy):
    "A row of the table"
    asked = options(command)
    model = VideoGenerator.from_pretrained(asked.pop("model"))
    if toy: asked["n"] = 12
    start = time.perf_counter()
    report = evaluate(model, **asked)
    seconds = time.perf_counter() - start
    row = dict(command=command, seed=report.settings["seed"], n=report.n, seconds=round(seconds, 1))
    row["interval"] = [round(float(end), 4) for end in report.interval]
    row["right"] = {name: int(np.sum(right)) for name, right in report.right.items()}
    if len(report.fidelity):
        row |= dict(fidelity=round(float(np.mean(report.fidelity)), 1), fidelity_p10=round(float(np.percentile(report.fidelity, 10)), 1),
                    read=len(report.fidelity))
    row["spread"] = [round(float(each), 1) if np.isfinite(each) else None for each in report.spread]
    return row


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--again", action="store_true")
    asked.add_argument("--toy", action="store_true")
    asked = asked.parse_args()
    kept = read_json(FILE, needs=("rows",)) if FILE.exists() and not asked.again else dict(rows={})
    for name, command in ROWS:
        if name in kept["rows"]: continue
        kept["rows"][name] = measure(command, asked.toy)
        if not asked.toy: write_json(FILE, kept)
        print(name, kept["rows"][name], flush=True)


if __name__ == "__main__": main()
