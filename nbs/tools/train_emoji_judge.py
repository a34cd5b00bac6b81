"""Train the judge of the emoji models on real clips:

    python nbs/tools/train_emoji_judge.py FOLDER [--steps N]

It sees clips of the training split only; of the others it knows the words. What it does with held-out clips is printed at the end.
About half an hour on two CPU cores.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from t2v_learn.core import clone_folder
from t2v_learn.judge.emoji import EmojiJudge, color_histogram, fit_tones, harden, save_judge, score_emoji, split_caption
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.loop import Every, Trainer, draw_rows
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.video.datasets import open_sequence

SPLITS = ("train", "held-out-combinations", "held-out-names")


def tone_reader(frames, tones):
    "Logistic regression on clips as they are, and on soft and grainy ones"
    looks = []
    for k, clip in enumerate(frames):
        video = torch.from_numpy(clip).permute(3, 0, 1, 2)[None] / 127.5 - 1
        hard = harden(video, torch.Generator().manual_seed(k))[0].permute(1, 2, 3, 0)
        looks += [clip, ((hard + 1) * 127.5).round().to(torch.uint8).numpy()]
    return fit_tones(np.stack([color_histogram(look) for look in looks]), [tone for tone in tones for _ in range(2)])


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("folder", type=Path)
    asked.add_argument("--steps", type=int, default=3600)
    asked.add_argument("--batch", type=int, default=64)
    asked = asked.parse_args()

    clips = {}
    for split in SPLITS:
        some = open_sequence(clone_folder("emoji"), 16, 64, split=split)
        clips[split] = ([some.read(i).frames for i in range(len(some))], some.captions)
    known = [text for _, captions in clips.values() for text in captions]
    frames, captions = clips["train"]
    n = len(frames)
    stacked = torch.from_numpy(np.stack(frames)[:, ::2]).permute(0, 4, 1, 2, 3)              # n 3 8 64 64, every second frame

    torch.manual_seed(0)
    judge = EmojiJudge(len(known))
    judge.read_captions(known, TextEncoder())
    toned = [i for i, text in enumerate(captions) if split_caption(text)[1]]
    judge.tones = tone_reader([frames[i] for i in toned], [split_caption(captions[i])[1] for i in toned])

    def data(step):
        own = torch.from_numpy(np.random.default_rng([0, step]).choice(n, asked.batch, replace=False))
        return stacked[own], own

    def loss(model, batch, generator):
        video, own = batch
        hard = draw_rows(lambda rows: harden(video / 127.5 - 1, generator), len(video), generator)
        return F.cross_entropy(model(hard, torch.arange(n)), own)

    def look(trainer):
        model = trainer.ema.model.eval()
        row = dict(step=trainer.budget.step, loss=round(float(trainer.loss), 3))
        for split, (some, texts) in clips.items():
            row[split] = round(np.mean(score_emoji(model, known, some[:200], texts[:200]).caption), 3)
        print(json.dumps(row), flush=True)

    config = TrainConfig(steps=asked.steps, lr=2e-3, precision="fp32", decay_from=.3)
    trainer = Trainer(judge, loss, data, config, callbacks=[Every(look, steps=200)]).fit(progress=False)
    judge = trainer.ema.model.eval()
    for split, (some, texts) in clips.items(): print(f"--- {split}\n{score_emoji(judge, known, some, texts)}")
    save_judge(judge, known, asked.folder, steps=asked.steps)


if __name__ == "__main__": main()
