"""Two models on the same prompts and noise, clip by clip, for lesson 66:

    python nbs/tools/measure_comparing.py [--n 480]

writes nbs/6_judge/results/comparing.json: for each model and way of drawing, which clips of held-out combinations were right, what was
asked and what was read. About four minutes a row on one core; rows that are there already stay.
"""
import argparse
from pathlib import Path

import torch

from t2v_learn.core import read_json, write_json
from t2v_learn.judge.evaluate import evaluate
from t2v_learn.training.pipeline import VideoGenerator
from t2v_learn.video.verify import read_scene

FILE = Path(__file__).resolve().parents[1] / "6_judge" / "results" / "comparing.json"
ROWS = {    # name -> model, how it draws
    "early": ("tiny-early", {}),
    "early, 9 steps": ("tiny-early", dict(num_inference_steps=9)),
    "early, no guidance": ("tiny-early", dict(guidance_scale=1.0)),
    "tiny": ("tiny", {}),
    "tiny-gan": ("tiny-gan", {}),
}


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--n", type=int, default=480)
    asked = asked.parse_args()
    torch.set_num_threads(1)
    kept = read_json(FILE, needs=("rows",)) if FILE.exists() else dict(rows={})
    for name, (model, settings) in ROWS.items():
        if name in kept["rows"]: continue
        report = evaluate(VideoGenerator.from_pretrained(model), "held-out-combinations", asked.n, **settings)
        right = {part: "".join(str(int(one)) for one in flags) for part, flags in report.right.items()}
        read = [[value or "-" for value in read_scene(clip).attributes.values()] for clip in report.clips]      # -: nothing
        asked_for, found = (" | ".join(" ".join(key) for key in keys) for keys in (report.keys, read))
        kept["rows"][name] = dict(model=model, settings=settings, n=report.n, seed=report.settings["seed"], right=right,
                                  asked=asked_for, read=found)
        write_json(FILE, kept)
        print(report, flush=True)


if __name__ == "__main__": main()
