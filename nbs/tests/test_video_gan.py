"The GAN: its losses, its duel in the course's loop, its file, and the shipped one read by a program"
from dataclasses import asdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from t2v_learn import TextToVideo
from t2v_learn.gan.gan import (GANConfig, GANPreset, GANTrainer, TextToVideoGAN, VideoGAN, beats, count_scenes, discriminator_loss,
                               generator_loss, keep_strength, picks, scenes_figure, steepness, train_gan)
from t2v_learn.text.bert import TextEncoder, TextStates
from t2v_learn.training.checkpoint import CheckpointError, load_state, load_weights
from t2v_learn.training.loop import Every, Interrupted, TrainConfig, missing_gradients
from t2v_learn.video.clips import Clip, InputError
from t2v_learn.video.datasets import WorldData
from t2v_learn.video.world import World

SMALL = dict(dim=16, z_dim=8, look_dim=8)


@pytest.fixture(scope="module")
def encoder(): return TextEncoder()


@pytest.fixture(scope="module")
def batch(encoder):
    video, captions = WorldData(World("tiny"), 4, seed=5)(0)
    return video, encoder(captions)


@pytest.fixture
def gan(encoder):
    torch.manual_seed(0)
    gan = VideoGAN(GANConfig(**SMALL))
    gan.fit_text(encoder(WorldData(World("tiny"), 32, seed=5)(0)[1]))
    return gan


def noise(n, z_dim=8, seed=0): return torch.randn(n, z_dim, generator=torch.Generator().manual_seed(seed))


# --- the players

def test_clips_are_clips_and_shares_are_shares(gan, batch):
    video, weights = gan.generator(batch[1], noise(4), return_weights=True)
    assert video.shape == (4, 3, 8, 32, 32) and video.abs().max() <= 1.1
    assert torch.allclose(weights.sum(-1), torch.ones(4, 8), atol=1e-5)
    assert not weights[~batch[1].mask[:, None].expand_as(weights)].any()


def test_words_sentence_and_noise_all_reach_the_clip(gan, batch):
    text, z = batch[1], noise(4)
    gan.eval()
    with torch.no_grad():
        clip = gan.generator(text, z)
        other_words = TextStates(text.tokens.roll(1, 0), text.mask.roll(1, 0), text.pooled)
        other_sentence = TextStates(text.tokens, text.mask, text.pooled.roll(1, 0))
        for changed in (gan.generator(other_words, z), gan.generator(other_sentence, z), gan.generator(text, z.roll(1, 0))):
            assert (clip - changed).abs().max() > 1e-4


def test_a_frame_knows_nothing_of_later_frames(gan, batch):
    z = noise(4)
    gan.eval()
    with torch.no_grad():
        before = gan.generator(batch[1], z)
        gan.generator.moments[5] += 1
        after = gan.generator(batch[1], z)
    assert torch.equal(before[:, :, :5], after[:, :, :5]) and not torch.allclose(before[:, :, 5], after[:, :, 5])


def test_padding_is_not_heard(gan, encoder):
    text = encoder(["a red circle moving right"])
    junk = TextStates(torch.where(text.mask[..., None], text.tokens, 99.0), text.mask, text.pooled)
    gan.eval()
    with torch.no_grad(): assert torch.equal(gan.generator(text, noise(1)), gan.generator(junk, noise(1)))


def test_captions_are_blurred_in_training_only(gan, batch):
    text, z = batch[1], noise(4)
    with torch.no_grad():
        assert not torch.equal(gan.generator(text, z), gan.generator(text, z))
        torch.manual_seed(1); once = gan.generator(text, z)
        torch.manual_seed(1); assert torch.equal(once, gan.generator(text, z))
        gan.eval()
        assert torch.equal(gan.generator(text, z), gan.generator(text, z))


def test_the_discriminator_sees_text_places_and_order_of_frames(gan, batch):
    video, text = batch
    D = gan.discriminator
    with torch.no_grad():
        seen = D.look(video)
        assert torch.allclose(D(video, text), D.score(seen, D.ask(text)))
        assert (D.score(seen, D.ask(text)) - D.score(seen, D.ask(text).roll(1, 0))).abs().min() > 0
        for changed in (video.flip(2), video.roll(4, 3)): assert (D.look(changed) - seen).abs().max() > 1e-3
        alone = torch.cat([D.look(clip[None]) for clip in video])
    assert torch.allclose(alone, seen, atol=1e-4)                   # no clip knows of its neighbours


def test_layers_start_so_that_signals_keep_their_strength():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(*(m for _ in range(10) for m in (torch.nn.Linear(256, 256), torch.nn.LeakyReLU(.2))))
    x = torch.randn(64, 256)
    faint = layers(x).std().item()
    keep_strength(layers)
    assert faint < .05 < .5 < layers(x).std().item() < 2
    quiet = layers[0].weight.std().item()
    keep_strength(layers, (layers[0],), .5)
    assert layers[0].weight.std().item() == pytest.approx(quiet / 2, rel=.05)


# --- the losses

def test_losses_are_the_formulas(gan, batch):
    video, text = batch
    D, fake = gan.discriminator, gan.generator(text, noise(4)).detach()
    real_score, fake_score = D(video, text), D(fake, text)
    wrong = D(video, TextStates(text.tokens.roll(1, 0), text.mask.roll(1, 0), text.pooled.roll(1, 0)))
    table = torch.stack([D(video[i:i + 1].expand(4, -1, -1, -1, -1), text) for i in range(4)])      # clip i with every caption
    parts = discriminator_loss(D, video, fake, text)
    assert set(parts) == {"real", "fits", "picks", "score"}
    assert torch.allclose(parts["real"], torch.log1p(torch.exp(fake_score - real_score)).mean(), atol=1e-4)
    assert torch.allclose(parts["fits"], torch.log1p(torch.exp(wrong - real_score)).mean(), atol=1e-4)
    assert torch.allclose(parts["picks"], F.cross_entropy(table, torch.arange(4)), atol=1e-4)       # w^T phi is the same for all captions
    mine = generator_loss(D, fake, text, real_score.detach())
    assert torch.allclose(mine["fake"], torch.log1p(torch.exp(real_score - fake_score)).mean(), atol=1e-4)


def test_steepness_is_the_squared_slope(gan, batch):
    D, asked = gan.discriminator.double(), gan.discriminator.ask(TextStates(*(t.double() if t.is_floating_point() else t for t in
                                                                             (batch[1].tokens, batch[1].mask, batch[1].pooled))))[:1]
    video = batch[0][:1].double()
    found = steepness(D, video, asked).item()
    def score(v): return (D.real(D.look(v))[:, 0] + (D.look(v) * asked).sum(1) / D.look(v).shape[1]**.5).sum()
    slope = torch.autograd.functional.jacobian(score, video)
    assert found == pytest.approx(slope.square().sum().item(), rel=1e-4)


def test_a_gentle_discriminator_is_trained_by_steepness(gan, batch):
    parts = discriminator_loss(gan.discriminator, batch[0], batch[0].flip(3), batch[1], gamma=3.0)
    parts["steep"].backward()
    assert gan.discriminator.enter.weight.grad.any() and parts["steep"] > 0


def test_ties_and_certainty():
    assert beats(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(np.log(2))
    assert picks(torch.zeros(5, 8), torch.randn(5, 8)).item() == pytest.approx(np.log(5), rel=1e-5)


# --- the duel

def duel(gan, encoder, folder=None, **settings):
    config = TrainConfig(**dict(steps=4, lr=1e-3, betas=(0.0, 0.99), weight_decay=0.0, grad_clip=None, precision="fp32") | settings)
    return GANTrainer(gan, encoder, WorldData(World("tiny"), 4, seed=1), config, folder=folder, device="cpu")


def test_every_weight_of_both_gets_a_gradient(gan, encoder):
    duel(gan, encoder, steps=1).fit(progress=False)
    assert missing_gradients(gan) == []


def test_each_move_changes_only_its_own_player(gan, encoder, batch):
    trainer, video, text = duel(gan, encoder), *batch
    before = {name: p.detach().clone() for name, p in gan.named_parameters()}
    def moved(): return {name.split(".")[0] for name, p in gan.named_parameters() if not torch.equal(p, before[name])}
    fake = gan.generator(text, noise(4))
    parts = trainer.move_discriminator(video, fake.detach(), text)
    assert moved() == {"discriminator"}
    before |= {name: p.detach().clone() for name, p in gan.named_parameters()}
    trainer.move_generator(fake, text, parts["score"])
    assert moved() == {"generator"}


def test_the_average_is_the_generators(gan, encoder):
    trainer = duel(gan, encoder).fit(progress=False)
    assert type(trainer.ema.model) is type(gan.generator)
    assert {"loss", "fits", "picks", "fake", "told"} <= set(trainer.history[-1])


def small(monkeypatch):
    "The tiny preset, with smaller players and batches"
    preset = GANPreset(GANConfig(**SMALL), batch_size=4, settings=dict(lr=1e-3, betas=(0.0, 0.99), weight_decay=0.0, grad_clip=None))
    monkeypatch.setattr("t2v_learn.gan.gan.GAN_PRESETS", dict(tiny=preset))


def same(a, b): return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_steps_are_deterministic_and_killed_and_resumed_equals_never_killed(tmp_path, monkeypatch):
    small(monkeypatch)
    options = dict(steps=6, precision="fp32", progress=False, device="cpu")
    train_gan(folder=tmp_path / "whole", **options)
    train_gan(folder=tmp_path / "again", **options)
    def stop(trainer): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        train_gan(folder=tmp_path / "killed", **options, save_every_steps=3, callbacks=(Every(stop, steps=4),))
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    train_gan(folder=tmp_path / "killed", **options, resume=True)
    whole, again, killed = (load_state(tmp_path / name)[0] for name in ("whole", "again", "killed"))
    def drop(state): return {name: t for name, t in state.items() if name != "history"}     # it holds minutes
    assert same(drop(whole), drop(again)) and same(drop(whole), drop(killed))
    for player in ("generator", "discriminator"): assert any(name.startswith(f"optimizer/{player}/") for name in whole)
    assert same(*(load_weights(tmp_path / name)[0] for name in ("whole", "killed")))


def test_another_seed_another_training(tmp_path, monkeypatch):
    small(monkeypatch)
    a, b = (train_gan(folder=tmp_path / str(seed), steps=1, seed=seed, progress=False, device="cpu") for seed in (0, 1))
    assert not same(a.generator.state_dict(), b.generator.state_dict())


@pytest.mark.parametrize("wrong", [dict(size=64), dict(dim=0), dict(gamma=-1.0), dict(penalty_every=0)])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong)) if "size" not in wrong else "32x32"): GANConfig(**wrong)


def test_an_unknown_preset_is_refused(tmp_path):
    with pytest.raises(InputError, match="tiny"): train_gan("huge", steps=1, folder=tmp_path / "x")
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
    with pytest.raises(InputError, match="cannot edit"): model.edit(Clip(np.zeros((8, 32, 32, 3), np.uint8)), "a red circle moving right")
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
    (lambda c: c.pop("gan"), "does not describe a GAN"), (lambda c: c["gan"].update(arms=2), "does not describe a GAN"),
    (lambda c: c.pop("fps"), "does not describe a GAN"), (lambda c: c.update(words=3), "does not describe a GAN"),
    (lambda c: c["gan"].update(dim=32), "16"), (lambda c: c["encoder"].update(revision="0"), "another version")])
def test_what_does_not_fit_is_refused(saved, damage, said):
    weights, config = load_weights(saved)
    damage(config)
    with pytest.raises((InputError, CheckpointError), match=said): TextToVideoGAN.from_weights(weights, config, saved)


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
    assert evaluate(model, "seen", batch_size=128).joint >= .75
    assert evaluate(model, "held-out-combinations", batch_size=128).joint >= .60
    assert evaluate(model, "seen", deranged=True, batch_size=128).joint <= .03


def test_interrupted_says_where_it_stands(tmp_path, monkeypatch):
    small(monkeypatch)
    import os
    import signal
    def ctrl_c(trainer): os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Interrupted, match="resume"):
        train_gan(folder=tmp_path / "a", steps=4, progress=False, device="cpu", callbacks=(Every(ctrl_c, steps=2),))
    assert train_gan(folder=tmp_path / "a", steps=4, progress=False, device="cpu", resume=True).config["trained"]["steps"] == 4


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
    model = train_gan(data=tmp_path / "clips", steps=1, folder=tmp_path / "run", progress=False, device="cpu")
    assert len(model("a red circle moving right")) == 8
