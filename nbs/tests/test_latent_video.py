"Text to video in latents: the straight line, latents made once, every call of the pixel model, saved and loaded, and what is refused"
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from refusals import sentence
from rerun import root

from t2v_learn import TextToVideo
from t2v_learn.judge.evaluate import eval_set
from t2v_learn.judge.reader import score
from t2v_learn.latent.autoencoder import Autoencoder, AutoencoderConfig, load_autoencoder
from t2v_learn.latent.latent_video import (LatentConfig, LatentData, LatentDenoiser, LatentTextToVideo, about_nearest, interpolate_prompts,
                                            latent_mask, nearest_captions)
from t2v_learn.latent.transformer import TransformerConfig
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.loop import Trainer, missing_gradients, step_generator
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.training.pipeline import VideoGenerator, train
from t2v_learn.video.clips import Clip, to_uint8
from t2v_learn.video.datasets import WorldData
from t2v_learn.video.world import World

SMALL = TransformerConfig(dim=48, n_heads=2, n_blocks=2, mlp_dim=64, time_dim=32)
PROMPT = "a red circle moving right"


@pytest.fixture(scope="module")
def encoder(): return TextEncoder()


@pytest.fixture(scope="module")
def model(encoder):
    "With random weights everywhere, so that the prompt counts"
    torch.manual_seed(0)
    denoiser = LatentDenoiser(LatentConfig(transformer=SMALL))
    for p in denoiser.parameters(): torch.nn.init.normal_(p, 0, .08)
    about = dict(shape=[3, 16, 64, 64], fps=8.0, words=PROMPT.split() + ["blue", "square", "up"])
    return LatentTextToVideo(denoiser, encoder, about, "cpu", "fp32")


@pytest.fixture(scope="module")
def clip():
    video, _ = WorldData(World("full"), 1)(0)
    return Clip(to_uint8(video[0].permute(1, 2, 3, 0)), 8.0)


def draw(model, *args, **settings): return model(*args, **dict(num_inference_steps=2) | settings)


# --- flow matching

def test_the_loss_is_the_squared_error_of_the_velocity(model, encoder):
    "Whatever way it is computed"
    denoiser = model.denoiser
    x0 = torch.randn(3, 16, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    text = encoder([PROMPT] * 3)
    t = torch.tensor([.1, .5, .9])
    x_t = (1 - t.view(-1, 1, 1, 1, 1)) * x0 + t.view(-1, 1, 1, 1, 1) * noise
    velocity = denoiser(x_t, t, text)
    found = denoiser.loss_at(x0, text, t, noise, torch.ones(3, dtype=torch.bool))
    assert found.item() == pytest.approx((velocity - (noise - x0)).square().mean().item(), rel=1e-4)


def test_times_are_logit_normal():
    levels = LatentConfig().levels.sample(50_000, torch.Generator().manual_seed(0))
    t = LatentDenoiser(LatentConfig(transformer=SMALL)).schedule.t_at(levels)
    logits = torch.logit(t.double())
    assert logits.mean().item() == pytest.approx(.5, abs=.02) and logits.std().item() == pytest.approx(1, abs=.02)


def test_a_prediction_of_the_truth_samples_the_truth(model, monkeypatch):
    "The whole way from noise to a clip, with a network that knows the velocity"
    x0 = torch.randn(1, 16, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    def knows(x_t, log_snr, text, cond_mask=None):
        t = torch.sigmoid(-log_snr / 2).view(-1, 1, 1, 1, 1)
        return (x_t - x0) / t.clamp(min=1e-3)
    monkeypatch.setattr(model.denoiser.unet, "forward", knows)
    drawn = draw(model, PROMPT, num_inference_steps=8, sampler="euler")
    expected = to_uint8(model.denoiser.autoencoder.decode(x0)[0].clamp(-1, 1).permute(1, 2, 3, 0))
    assert np.abs(drawn.frames.astype(int) - expected).mean() < 3


def test_every_weight_gets_a_gradient(model, encoder):
    model.denoiser.zero_grad()
    x0 = torch.randn(4, 16, 4, 8, 8)
    model.denoiser.requires_grad_(True).loss(x0, encoder([PROMPT] * 4), step_generator(0, 7)).backward()
    keep = torch.tensor([True, True, False, True])
    model.denoiser.loss_at(x0, encoder([PROMPT] * 4), torch.rand(4), torch.randn(x0.shape), keep).backward()
    assert not missing_gradients(model.denoiser)
    model.denoiser.requires_grad_(False)


# --- latents

def test_latents_are_made_once_and_alike():
    calls = []
    class Counted(Autoencoder):
        def encode(self, video, cache=None):
            calls.append(len(video))
            return super().encode(video, cache)
    torch.manual_seed(0)
    autoencoder = Counted(AutoencoderConfig(4, (8, 8, 8), 1, 1)).eval()
    world = WorldData(World("full"), 4)
    data = LatentData(world, autoencoder)
    first = data(0)
    assert calls == [1] * 4 and torch.equal(data(0)[0], first[0]) and len(calls) == 4
    assert torch.equal(data(1, (1, 2))[0], data(1)[0][1::2]) and len(calls) == 8
    fresh = LatentData(data.data, autoencoder)
    assert torch.equal(fresh(0, (1, 2))[0], first[0][1::2]), "whatever was encoded before"
    small = LatentData(data.data, autoencoder, keep=2)
    assert torch.equal(small(0)[0], first[0]) and len(small.kept) == 2


@pytest.mark.parametrize("box, wanted", [((0, 0, 0, 0, 0, 0), 1), ((3, 4, 7, 8, 0, 63), 2 * 2 * 8), ((4, 15, 0, 63, 0, 63), 3 * 64)])
def test_a_hole_in_latents(box, wanted):
    a, b, c, d, e, f = box
    mask = torch.zeros(1, 16, 64, 64, dtype=torch.bool)
    mask[:, a:b + 1, c:d + 1, e:f + 1] = True
    assert latent_mask(mask).sum() == wanted


# --- every call of the pixel model

def test_same_seed_same_clip(model):
    one = draw(model, PROMPT, seed=3)
    draw(model, "a blue square moving up", seed=1)
    assert one.frames.shape == (16, 64, 64, 3) and (draw(model, PROMPT, seed=3).frames == one.frames).all()
    both = draw(model, [PROMPT] * 2, seed=2)
    assert np.abs(both[1].frames.astype(int) - one.frames).max() <= 2 and (both[0].frames != one.frames).any()


def test_the_prompt_and_guidance_count(model):
    one = draw(model, PROMPT)
    assert (draw(model, "a blue square moving up").frames != one.frames).any()
    assert (draw(model, PROMPT, guidance_scale=6.0).frames != one.frames).any()
    silent = [draw(model, prompt, guidance_scale=0.0).frames for prompt in (PROMPT, "a blue square moving up")]
    assert (silent[0] == silent[1]).all()
    assert (draw(model, PROMPT, negative_prompt="blue").frames != one.frames).any()


@pytest.mark.parametrize("sampler", ["refresh", "ddim", "euler", "heun", "dpmpp_2m", "dpmpp_2m_sde"])
def test_every_sampler(model, sampler): assert draw(model, PROMPT, sampler=sampler).frames.std() > 0


def test_refresh_ends_nearer_to_the_clip_than_in_pixels(model):
    levels = model.denoiser.schedule.log_snr(model.times(24))
    assert abs(levels[-2] - (3 - 15 / 24)) < 1e-3, "24 equal steps from -12 to 3, and the last call one step before the end"
    one = model(PROMPT, seed=3)
    assert (one.frames == model(PROMPT, 3, 24, sampler="refresh", guidance_scale=1.5, guidance_interval=None).frames).all()
    assert (one.frames != model(PROMPT, 3, guidance_interval=(-float("inf"), -3.5)).frames).any()


def test_what_is_given_stays(model, clip):
    further = model.continue_clip(clip, PROMPT, num_inference_steps=2)
    assert (further.frames[:4] == clip.frames[-4:]).all() and (further.frames[4:] != 0).any()
    still = model.continue_clip(Clip(clip.frames[:1], 8.0), PROMPT, num_inference_steps=2)
    assert (still.frames[:4] == clip.frames[0]).all()
    between = model.interpolate(clip, PROMPT, num_inference_steps=2)
    assert (between.frames[:4] == clip.frames[:4]).all() and (between.frames[-4:] == clip.frames[-4:]).all()
    mask = np.zeros((64, 64), bool)
    mask[10:30, 10:30] = True
    filled = model.inpaint(clip, mask, PROMPT, num_inference_steps=2)
    assert (filled.frames[:, ~mask] == clip.frames[:, ~mask]).all() and (filled.frames[:, mask] != clip.frames[:, mask]).any()
    longer = model.extend(clip, PROMPT, n_frames=20, num_inference_steps=2)
    assert len(longer.frames) == 20 and (longer.frames[:16] == clip.frames).all()


def test_given_latents_reach_the_network_as_clean_ones(model, clip, monkeypatch):
    asked = []
    forward = model.denoiser.unet.forward
    def spy(x, log_snr, text, cond_mask=None):
        asked.append(log_snr)
        return forward(x, log_snr, text, cond_mask)
    monkeypatch.setattr(model.denoiser.unet, "forward", spy)
    model.continue_clip(clip, PROMPT, n_given=8, num_inference_steps=2)
    assert asked[0].shape[1] == 4 and (asked[0][:, :2] == model.denoiser.config.levels.limits[1]).all() and (asked[0][:, 2:] < 0).all()


def test_edits(model, clip):
    near, far = (model.edit(clip, PROMPT, strength=s, num_inference_steps=4) for s in (.1, .9))
    copy = model.denoiser.restore(model.denoiser.normalize(clip.tensor()[None]))[0].clamp(-1, 1)
    off = [(one.tensor() - copy).abs().mean() for one in (near, far)]
    assert off[0] < off[1]
    assert model.edit(clip, PROMPT, invert=True, num_inference_steps=2).frames.shape == (16, 64, 64, 3)


@pytest.mark.parametrize("call, parts", [
    (lambda m, c: m.continue_clip(c, PROMPT, n_given=2), ["groups of 4", "not 2"]),
    (lambda m, c: m.continue_clip(c, PROMPT, n_given=16), ["1 to 15 frames can be given"]),
    (lambda m, c: m.continue_clip(Clip(c.frames[:3], c.fps), PROMPT), ["3 frames", "give a longer clip."]),
    (lambda m, c: m.continue_clip(Clip(c.frames[:5], c.fps), PROMPT, n_given=8), ["5 frames", "or fewer of its frames"]),
    (lambda m, c: m(PROMPT, num_inference_steps=True), ["from 1 to 1000"]),
    (lambda m, c: m.inpaint(c, np.arange(64)[:, None] % 8 < 4 + np.zeros((1, 64)), PROMPT), ["fills no place", "4 frames of 8x8"]),
    (lambda m, c: m(PROMPT, num_inference_steps=0), ["from 1 to 1000"]),
    (lambda m, c: m(""), ["empty"])])
def test_what_cannot_be_done_is_said_in_a_sentence(model, clip, call, parts):
    said = sentence(call, model, clip)
    assert all(part in said for part in parts), said


# --- saved, loaded, trained

def test_saved_and_loaded(model, tmp_path):
    model.save_pretrained(tmp_path / "one")
    back = TextToVideo.from_pretrained(tmp_path / "one", precision="fp32", device="cpu")
    assert isinstance(back, LatentTextToVideo) and (draw(back, PROMPT, seed=5).frames == draw(model, PROMPT, seed=5).frames).all()
    config = json.loads((tmp_path / "one" / "config.json").read_text())
    assert config["kind"] == "text-to-video-dit" and config["autoencoder"] == load_autoencoder().weights_hash
    assert (tmp_path / "one" / "model.safetensors").stat().st_size < 4e6, "the autoencoder is not in it"


def test_latents_of_another_autoencoder_are_refused(model, tmp_path):
    model.save_pretrained(tmp_path / "one", config=dict())
    place = tmp_path / "one" / "config.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | dict(autoencoder="0" * 64)))
    said = sentence(TextToVideo.from_pretrained, tmp_path / "one")
    assert "config.json: this model draws latents of another autoencoder" in said and "describe" not in said


@pytest.mark.parametrize("damage", [
    lambda c: c.update(kind=["text-to-video-dit"]), lambda c: c.update(kind={}), lambda c: c.update(shape=[3, float("inf"), 64, 64]),
    lambda c: c.update(shape=[3, 0, 64, 64]), lambda c: c.update(shape=[3, 16, -64, 64]), lambda c: c.update(shape=[1, 16, 64, 64]),
    lambda c: c.update(shape=[3, 10**9, 64, 64]), lambda c: c.update(fps=0), lambda c: c.update(fps=float("nan")),
    lambda c: c.update(words="a red"), lambda c: c.update(captions=5), lambda c: c.update(captions=[1]),
    lambda c: c["encoder"].update(name=5),
    *(lambda c, n=n: c["denoiser"]["transformer"].update(n_heads=n) for n in (0, -1)),
    *(lambda c, name=name: c["denoiser"]["transformer"].update({name: -1}) for name in ("mlp_dim", "text_dim", "time_dim"))])
def test_a_damaged_config_is_refused_in_a_sentence(model, damage, tmp_path):
    model.save_pretrained(tmp_path / "one")
    place = tmp_path / "one" / "config.json"
    config = json.loads(place.read_text())
    damage(config)
    place.write_text(json.dumps(config))
    assert "config.json" in sentence(TextToVideo.from_pretrained, tmp_path / "one")


def test_whole_numbers_of_numpy_are_whole_numbers(model):
    assert (draw(model, PROMPT, num_inference_steps=np.int64(2)).frames == draw(model, PROMPT).frames).all()


def test_channels_that_do_not_fit():
    autoencoder = Autoencoder(AutoencoderConfig(4, (8, 8, 8), 1, 1))
    assert "4 channels" in sentence(LatentDenoiser, LatentConfig(transformer=SMALL), autoencoder)


@pytest.mark.parametrize("sizes, parts", [(dict(frames=10), ["10 frames", "by 4"]), (dict(size=40), ["40x40", "multiple of 16"])])
def test_sizes_that_no_latents_have(sizes, parts, tmp_path):
    said = sentence(train, arch="dit", preset="emoji", steps=1, folder=tmp_path / "run", **sizes)
    assert all(part in said for part in parts)


def small_preset(monkeypatch):
    from dataclasses import replace
    network = LatentConfig(transformer=SMALL)
    presets = {name: replace(preset, network=network, batch_size=2) for name, preset in LatentTextToVideo.presets.items()}
    monkeypatch.setattr(LatentTextToVideo, "presets", presets)


@pytest.mark.parametrize("preset", ["emoji", "full"])
def test_trained_by_the_one_function(preset, tmp_path, monkeypatch):
    small_preset(monkeypatch)
    made = train(arch="dit", preset=preset, steps=3, folder=tmp_path / "run", progress=False, precision="fp32")
    assert isinstance(made, LatentTextToVideo) and made.config["trained"]["steps"] == 3
    back = TextToVideo.from_pretrained(tmp_path / "run", precision="fp32")
    assert (draw(back, "dolphin").frames == draw(made, "dolphin").frames).all()
    if preset == "full": return
    assert {"dolphin", "dark", "skin"} <= set(back.config["words"]) and back.config["trained"]["data"].endswith("emoji")


def test_killed_and_resumed_equals_never_killed(tmp_path, monkeypatch):
    from t2v_learn.training.loop import Every, Interrupted
    small_preset(monkeypatch)
    def stop(trainer): raise Interrupted(trainer.budget.step)
    settings = dict(arch="dit", preset="full", steps=4, progress=False, precision="fp32", save_every_steps=2)
    whole = train(folder=tmp_path / "whole", **settings)
    with pytest.raises(KeyboardInterrupt): train(folder=tmp_path / "run", callbacks=(Every(stop, steps=3),), **settings)
    again = train(folder=tmp_path / "run", resume=True, **settings)
    states = whole.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_it_learns_one_batch(encoder):
    torch.manual_seed(0)
    denoiser = LatentDenoiser(LatentConfig(transformer=TransformerConfig(dim=96, n_heads=2, n_blocks=2, mlp_dim=192)))
    about = dict(shape=[3, 16, 64, 64], fps=8.0, words=[])
    model = LatentTextToVideo(denoiser, encoder, about, "cpu", "fp32")
    batch = WorldData(World("full"), 4)(0)
    config = TrainConfig(steps=100, optimizer="muon", precision="fp32", save_every_minutes=None)
    trainer = model.trainer(lambda step, shard=(0, 1): batch, config)
    assert isinstance(trainer, Trainer)
    trainer.fit(progress=False)
    losses = [row["loss"] for row in trainer.history]
    assert np.mean(losses[-10:]) < .7 * np.mean(losses[:10])


@pytest.mark.slow
def test_the_command_line(tmp_path):
    def t2v(*args):
        line = [sys.executable, "-m", "t2v_learn", *map(str, args)]
        return subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    done = t2v("train", "--arch", "dit", "--preset", "emoji", "--steps", 1, "--batch-size", 2, "--out", "run")
    assert done.returncode == 0, done.stderr
    done = t2v("generate", "dolphin", "--model", "./run", "--steps", 2, "-o", "a.gif")
    assert done.returncode == 0 and (tmp_path / "a.gif").exists(), done.stderr
    sample = root / "data" / "samples" / "04-red-square-down.gif"
    done = t2v("edit", sample, "rocket", "--model", "./run", "--steps", 2, "-o", "b.gif")
    assert done.returncode == 0, done.stderr
    done = t2v("train", "--arch", "dit", "--preset", "full", "--steps", 1, "--batch-size", 2, "--out", "full")
    assert done.returncode == 0, done.stderr
    refused = t2v("evaluate", "--model", "./full", "--edits")
    assert refused.returncode == 2 and refused.stderr.startswith("--edits needs a model of the tiny world"), refused.stderr
    assert t2v("train", "--arch", "dit", "--steps", 1).returncode == 2, "there is no preset tiny of this kind"


# --- endless data, known captions, ways between prompts

@pytest.mark.parametrize("reuse", [1, 2, 8])
def test_which_batch_a_step_learns_from(reuse):
    data = LatentData(None, None, reuse=reuse)
    numbers = [data.batch_of(step) for step in range(200)]
    assert [numbers[step] for step in range(0, 200, reuse)] == list(range(-(-200 // reuse)))
    assert all(0 <= number <= step // reuse for step, number in enumerate(numbers)), "nothing is repeated before it was new"
    assert numbers == [LatentData(None, None, reuse=reuse).batch_of(step) for step in range(200)], "a function of the step"
    assert reuse == 1 or len(set(numbers[100:])) > 10, "old and new ones"


KNOWN = ["dog", "green apple", "woman running, dark skin tone", "man running", "Mrs. Claus", "two-thirty", "unicorn"]


@pytest.mark.parametrize("prompt, nearest", [
    ("dog", None), ("A dog.", None), ("the DOG", None), ("woman running dark skin tone", None), ("mrs claus", None),
    ("two thirty", None), ("a red apple", "green apple"), ("unicorns", "unicorn"), ("a runing man", "man running"),
    ("dark woman", "woman running, dark skin tone"), ("quarterly report", "none"), ("犬", "none"), ("🐶", "none"), ("a", "none"),
    ("dog " * 500 + "apple", "dog"), ("<b>dog</b> <i>", "dog")])
def test_a_prompt_that_no_caption_says(prompt, nearest):
    said = about_nearest([prompt], KNOWN)
    if nearest is None: assert said == ""
    else: assert said.startswith("never seen in training:") and ("nearest known: none" in said) == (nearest == "none")
    if nearest not in (None, "none"): assert nearest_captions(prompt, KNOWN)[0] == nearest


def test_many_strange_prompts_are_one_short_sentence():
    said = about_nearest([f"thing number {k}" for k in range(40)] + ["dog"], KNOWN)
    assert said.endswith("and 37 more.") and said.count("nearest") == 3 and "\n" not in said
    assert about_nearest(["x" * 3000], KNOWN).count("x") <= 100, "a long prompt is cut"
    assert about_nearest(["up\x1b[31m\nand down"], KNOWN).isprintable()


def test_the_warning_names_the_nearest_caption(model):
    kept = dict(model.config)
    model.config["captions"] = KNOWN
    try:
        with pytest.warns(UserWarning, match="green apple"): draw(model, "a red apple")
    finally: model.config = kept


def test_trained_on_files_it_keeps_their_captions(tmp_path, monkeypatch):
    small_preset(monkeypatch)
    made = train(arch="dit", preset="emoji", steps=1, folder=tmp_path / "run", progress=False, precision="fp32")
    back = TextToVideo.from_pretrained(tmp_path / "run", precision="fp32")
    assert "dolphin" in back.config["captions"] and len(back.config["captions"]) == 1922
    assert back.config["captions"] == made.config["captions"]


@pytest.mark.parametrize("other", ["a blue square moving up", "up", "a small blue square, which is moving up to the top of the picture"])
def test_ways_between_prompts_end_where_the_prompts_are(model, other):
    ways = interpolate_prompts(model, PROMPT, other, n=3, seed=4, num_inference_steps=2)
    for clip, prompt in ((ways[0], PROMPT), (ways[-1], other)):
        alone = draw(model, prompt, seed=4)
        assert np.abs(clip.frames.astype(int) - alone.frames).max() <= 1
    assert (ways[1].frames != ways[0].frames).any()
    assert "much longer" in sentence(lambda: interpolate_prompts(model, "dog", "dog " * 60))
    only, = interpolate_prompts(model, PROMPT, other, n=1, seed=4, num_inference_steps=2)
    assert np.abs(only.frames.astype(int) - draw(model, PROMPT, seed=4).frames).max() <= 1


@pytest.mark.parametrize("settings, part", [
    (dict(n=0), "of clips is a whole number from 1 on"), (dict(n=-1), "from 1 on, not -1"), (dict(n=1.5), "not 1.5"),
    (dict(seed=[1, 2]), "whole number"), (dict(seed=1.5), "whole number"), (dict(seed=None), "whole number"), (dict(seed=2**64), "64 bits"),
    (dict(first=""), "empty"), (dict(second=["dog"]), "text")])
def test_what_makes_no_way_between_prompts(model, settings, part):
    assert part in sentence(lambda: interpolate_prompts(model, **dict(first=PROMPT, second="dog", num_inference_steps=2) | settings))


def test_a_gan_has_no_way_between_prompts():
    gan = VideoGenerator.from_pretrained("tiny-gan", device="cpu")
    assert "diffusion model" in sentence(lambda: interpolate_prompts(gan, PROMPT, "a blue square"))


# --- the model that ships

@pytest.fixture(scope="module")
def shipped(): return TextToVideo.from_pretrained("emoji", precision="fp32")


@pytest.mark.filterwarnings("ignore:never seen")
def test_the_shipped_model_draws_what_it_is_asked_for(shipped):
    from t2v_learn.judge.emoji import load_judge, score_emoji
    judge, known = load_judge()
    asked = ["rocket", "unicorn", "fire", "ghost", "woman swimming, dark skin tone", "woman swimming, light skin tone"]
    clips = [clip.frames for clip in shipped(asked, seed=5, num_inference_steps=16)]
    found = score_emoji(judge, known, clips, asked)
    assert sum(found.name) >= 4 and all(found.top5) and sum(right for right in found.tone if right is not None) == 2
    assert sum(score_emoji(judge, known, clips, asked[1:] + asked[:1]).caption) <= 1, "exchanged captions"
    edges = [np.abs(np.diff(clip.astype(float), axis=2)).mean() for clip in clips]
    assert min(edges) > 1 and all((clip != clip[:1]).any() for clip in clips), "neither blank nor still"


def test_it_says_what_it_was_trained_on(shipped):
    assert shipped.config["trained"]["machine"] and shipped.config["autoencoder"] == load_autoencoder().weights_hash
    with pytest.warns(UserWarning, match="nearest known"): shipped("a quarterly report", num_inference_steps=2)
    assert about_nearest(["rocket"], shipped.config["captions"]) == ""


@pytest.mark.slow
def test_the_model_of_the_full_world_draws_what_it_is_asked_for():
    model = TextToVideo.from_pretrained("full", precision="fp32")
    scenes, prompts = eval_set(World("full"), "seen", 16, 9)
    clips = model(prompts, seed=5)
    scores = [score(clip, scene) for clip, scene in zip(clips, scenes)]
    right = {name: sum(one[name] for one in scores) for name in ("color", "motion", "shape", "joint")}
    assert right["color"] >= 13 and right["motion"] >= 11 and right["joint"] >= 10, right
    wrong = [score(clip, scene)["joint"] for clip, scene in zip(clips, scenes[1:] + scenes[:1])]
    assert sum(wrong) <= 1, "exchanged prompts"
    assert model.config["autoencoder"] == load_autoencoder().weights_hash and not model.config.get("captions")
