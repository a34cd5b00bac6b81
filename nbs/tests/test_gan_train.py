"Training a GAN: one loop with two optimizers, its file, the shipped generator read by a program, and the command line"
from dataclasses import asdict

import numpy as np
import pytest
import torch
from small_gan import SMALL, noise

from t2v_learn import TextToVideo
from t2v_learn.core import InputError
from t2v_learn.gan.gan import GANConfig
from t2v_learn.gan.train import GANTrainer, TextToVideoGAN, count_scenes, scenes_figure
from t2v_learn.training.checkpoint import CheckpointError, Checkpoints, load_state, load_weights, save_weights
from t2v_learn.training.loop import Every, Interrupted, missing_gradients
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.training.pipeline import Preset, train
from t2v_learn.video.clips import Clip
from t2v_learn.video.datasets import WorldData
from t2v_learn.video.world import World



# --- the loop

def trainer_of(gan, encoder, folder=None, **settings):
    config = TrainConfig(**dict(steps=4, lr=1e-3, betas=(0.0, 0.99), weight_decay=0.0, grad_clip=None, precision="fp32") | settings)
    return GANTrainer(gan, encoder, WorldData(World("tiny"), 4, seed=1), config, checkpoints=folder and Checkpoints(folder), device="cpu")


def test_every_weight_of_both_gets_a_gradient(gan, encoder):
    trainer_of(gan, encoder, steps=1).fit(progress=False)
    assert missing_gradients(gan) == []


def test_each_update_changes_only_its_own_network(gan, encoder, batch):
    trainer, video, text = trainer_of(gan, encoder), *batch
    before = {name: p.detach().clone() for name, p in gan.named_parameters()}
    def moved(): return {name.split(".")[0] for name, p in gan.named_parameters() if not torch.equal(p, before[name])}
    fake = gan.generator(text, noise(4))
    parts = trainer.update_discriminator(video, fake.detach(), text)
    assert moved() == {"discriminator"}
    before |= {name: p.detach().clone() for name, p in gan.named_parameters()}
    trainer.update_generator(fake, text, parts["score"])
    assert moved() == {"generator"}


def test_a_gan_refuses_parts_of_a_batch(gan, encoder):
    with pytest.raises(InputError, match="grad_accum must be 1 for a GANTrainer, not 2"): trainer_of(gan, encoder, grad_accum=2)
    with pytest.raises(InputError, match="grad_checkpoint is not for a VideoGAN"): trainer_of(gan, encoder, grad_checkpoint=True)


def test_the_average_is_the_generators(gan, encoder):
    trainer = trainer_of(gan, encoder).fit(progress=False)
    assert type(trainer.ema.model) is type(gan.generator)
    assert {"loss", "d_matching", "d_infonce", "g_relativistic", "g_infonce"} <= set(trainer.history[-1])


def small(monkeypatch):
    "The tiny preset, with smaller networks and batches"
    preset = Preset(GANConfig(**SMALL), batch_size=4, settings=dict(lr=1e-3, betas=(0.0, 0.99), weight_decay=0.0, grad_clip=None))
    monkeypatch.setattr(TextToVideoGAN, "presets", dict(tiny=preset))


def same(a, b): return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_steps_are_deterministic_and_killed_and_resumed_equals_never_killed(tmp_path, monkeypatch):
    small(monkeypatch)
    options = dict(steps=4, precision="fp32", progress=False, device="cpu")
    train("gan", folder=tmp_path / "whole", **options)
    train("gan", folder=tmp_path / "again", **options)
    def stop(trainer): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        train("gan", folder=tmp_path / "killed", **options, save_every_steps=2, callbacks=(Every(stop, steps=3),))
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    train("gan", folder=tmp_path / "killed", **options, resume=True)
    whole, again, killed = (load_state(tmp_path / name)[0] for name in ("whole", "again", "killed"))
    def drop(state): return {name: t for name, t in state.items() if name != "history"}     # it holds minutes
    assert same(drop(whole), drop(again)) and same(drop(whole), drop(killed))
    for network in ("generator", "discriminator"): assert any(name.startswith(f"optimizer/{network}/") for name in whole)
    assert same(*(load_weights(tmp_path / name)[0] for name in ("whole", "killed")))


def test_another_seed_another_training(tmp_path, monkeypatch):
    small(monkeypatch)
    a, b = (train("gan", folder=tmp_path / str(seed), steps=1, seed=seed, progress=False, device="cpu") for seed in (0, 1))
    assert not same(a.generator.state_dict(), b.generator.state_dict())


def test_an_unknown_preset_is_refused(tmp_path):
    with pytest.raises(InputError, match="tiny"): train("gan", "huge", steps=1, folder=tmp_path / "x")
    assert not (tmp_path / "x").exists()


# --- its file

@pytest.fixture
def saved(gan, encoder, tmp_path):
    config = dict(gan=asdict(GANConfig(**SMALL)), shape=[3, 8, 32, 32], fps=8.0, words=["red"])
    TextToVideoGAN(gan.generator, encoder, config, "cpu", "fp32").save_pretrained(tmp_path / "gan")
    return tmp_path / "gan"


def test_one_call_serves_both_kinds(saved):
    model = TextToVideo.from_pretrained(saved, precision="fp32")
    assert isinstance(model, TextToVideoGAN)
    clip = model("a red circle moving right", seed=3, num_inference_steps=16, guidance_scale=2.0)
    assert isinstance(clip, Clip) and clip.frames.shape == (8, 32, 32, 3)
    both = model(["a blue square moving up", "a red circle moving right"], seed=[1, 3])
    assert np.abs(both[1].frames.astype(int) - clip.frames).max() <= 1            # a clip's noise is its seed's alone
    assert np.array_equal(model("a red circle moving right", seed=3).frames, clip.frames)


def test_a_gan_cannot_edit(saved):
    model = TextToVideo.from_pretrained(saved)
    for name in ("edit", "continue_clip", "extend", "interpolate", "inpaint", "invert"):
        with pytest.raises(InputError, match="cannot edit"): getattr(model, name)(Clip(np.zeros((8, 32, 32, 3), np.uint8)), "a red circle")
    with pytest.raises(InputError, match="empty"): model("  ")


def test_half_is_half_and_draws_nearly_the_same(saved, tmp_path):
    model = TextToVideo.from_pretrained(saved, precision="fp32")
    model.save_pretrained(tmp_path / "half", half=True)
    def size(folder): return (folder / "model.safetensors").stat().st_size
    assert size(tmp_path / "half") < .55 * size(saved)
    half = TextToVideo.from_pretrained(tmp_path / "half", precision="fp32")
    a, b = (m("a red circle moving right", seed=1).frames.astype(int) for m in (model, half))
    assert np.abs(a - b).mean() <= 1


@pytest.mark.parametrize("damage, said", [
    (lambda c: c.pop("gan"), "does not describe a video model"), (lambda c: c["gan"].update(arms=2), "does not describe a video model"),
    (lambda c: c.pop("fps"), "does not describe a video model"), (lambda c: c.update(words=3), "does not describe a video model"),
    (lambda c: c["gan"].update(dim=32), "16"), (lambda c: c["encoder"].update(revision="0"), "another version")])
def test_what_does_not_fit_is_refused(saved, tmp_path, damage, said):
    weights, config = load_weights(saved)
    damage(config)
    save_weights(tmp_path / "damaged", weights, config)
    with pytest.raises((InputError, CheckpointError), match=said): TextToVideo.from_pretrained(tmp_path / "damaged")


# --- what is in the clips

def test_scenes_are_counted_and_drawn():
    from t2v_learn.video.world import render
    scenes = [World("tiny").sample(np.random.default_rng(seed)) for seed in range(6)]
    clips = [Clip(render(scene)) for scene in scenes] + [Clip(np.zeros((8, 32, 32, 3), np.uint8))]
    counts = count_scenes(clips)
    assert sum(counts["scene"].values()) == 7 and counts["scene"][None] == counts["color"][None] == 1
    assert counts["color"][scenes[0].actors[0].color] == sum(s.actors[0].color == scenes[0].actors[0].color for s in scenes)
    figure = scenes_figure({"these": counts, "the same": counts})
    assert len(figure.axes) == 6 and sum(bar.get_height() for bar in figure.axes[0].patches) == 7


# --- the shipped one

@pytest.mark.slow
def test_the_shipped_gan_follows_its_prompts():
    from t2v_learn.judge.evaluate import evaluate
    model = TextToVideo.from_pretrained("tiny-gan")
    assert evaluate(model, "seen", n=128, batch_size=128).joint >= .95
    assert evaluate(model, "held-out-combinations", n=120, batch_size=120).joint >= .93
    assert evaluate(model, "seen", n=128, deranged=True, batch_size=128).joint <= .03


def test_interrupted_says_where_it_stands(tmp_path, monkeypatch):
    small(monkeypatch)
    import os
    import signal
    def ctrl_c(trainer): os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Interrupted, match="resume"):
        train("gan", folder=tmp_path / "a", steps=4, progress=False, device="cpu", callbacks=(Every(ctrl_c, steps=2),))
    assert train("gan", folder=tmp_path / "a", steps=4, progress=False, device="cpu", resume=True).config["trained"]["steps"] == 4


# --- on the command line

def test_train_generate_and_resume_on_the_command_line(t2v, tmp_path, monkeypatch):
    small(monkeypatch)
    assert t2v("train", "--arch", "gan", "--preset", "tiny", "--steps", 2, "--precision", "fp32")[0] == 0
    assert (tmp_path / "runs" / "tiny-gan" / "model.safetensors").is_file()
    assert t2v("generate", "a red circle moving right", "--model", "runs/tiny-gan", "-o", "a.gif")[0] == 0
    assert (tmp_path / "a.gif").is_file()
    assert t2v("train", "--resume", "--steps", 3, "--out", "runs/tiny-gan", "--precision", "fp32")[0] == 0     # it knows what it was
    assert load_weights(tmp_path / "runs" / "tiny-gan")[1]["trained"]["steps"] == 3
    for said, answer in (("cannot edit", t2v("edit", "a.gif", "a blue square moving up", "--model", "runs/tiny-gan")),
                         ("unet3d, gan", t2v("train", "--arch", "rnn", "--steps", 1))):
        assert answer[0] == 2 and said in answer[2][-1]


def test_it_trains_on_a_folder_of_clips(tmp_path, monkeypatch):
    small(monkeypatch)
    from t2v_learn.video.datasets import write_folder
    write_folder(tmp_path / "clips", n=4)
    model = train("gan", data=tmp_path / "clips", steps=1, folder=tmp_path / "run", progress=False, device="cpu")
    assert len(model("a red circle moving right")) == 8
