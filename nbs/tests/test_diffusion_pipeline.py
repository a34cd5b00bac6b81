"Text to video: one call, seeds, samplers, guidance, words that are not known, the shipped model, a training of one's own"
import warnings

import numpy as np
import pytest
import torch
from refusals import sentence
from small_model import small_model

from t2v_learn.core import InputError
from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig
from t2v_learn.diffusion.pipeline import TextToVideo
from t2v_learn.diffusion.sampling import SAMPLERS
from t2v_learn.training.loop import Every
from t2v_learn.training.checkpoint import load_state, load_weights
from t2v_learn.training.pipeline import train
from t2v_learn.video.verify import read_scene

PROMPT = "a red circle moving right"


@pytest.fixture(scope="module")
def model():
    "The shipped one, in 32 bits"
    return TextToVideo.from_pretrained("tiny", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def random_model(): return small_model()


def pixels(clip): return clip.frames.astype(int)


def test_a_seed_gives_the_same_clip_whatever_ran_before(model):
    first = model(PROMPT, seed=5, num_inference_steps=4)
    model("a white square moving down", seed=1, num_inference_steps=2)
    torch.randn(7)
    assert np.array_equal(pixels(model(PROMPT, seed=5, num_inference_steps=4)), pixels(first))
    assert np.abs(pixels(model(PROMPT, seed=6, num_inference_steps=4)) - pixels(first)).max() > 30


def test_a_list_gives_a_list(model):
    prompts = [PROMPT, "a blue square moving up"]
    both = model(prompts, seed=3, num_inference_steps=4)
    alone = model(prompts[1], seed=4, num_inference_steps=4)
    assert len(both) == 2 and all(clip.frames.shape == (8, 32, 32, 3) and clip.fps == 8 for clip in both)
    assert np.abs(pixels(both[1]) - pixels(alone)).mean() < 1


def test_clips_show_what_was_asked_for(model):
    for prompt, wanted in ((PROMPT, ("circle", "red", "right")), ("a blue square moving up", ("square", "blue", "up"))):
        actor = read_scene(model(prompt, seed=0)).scene.actors[0]
        assert (actor.shape, actor.color, actor.motion) == wanted


def test_guidance_moves_away_from_the_unconditional_prediction(model):
    strips = [pixels(model(PROMPT, seed=2, num_inference_steps=4, guidance_scale=scale)) for scale in (0.0, 1.0, 2.0)]
    other = pixels(model("a blue square moving up", seed=2, num_inference_steps=4, guidance_scale=0.0))
    assert np.array_equal(strips[0], other), "at 0 the prompt must not count"
    assert np.abs(strips[1] - strips[2]).max() > 5


def test_negative_prompts_are_one_for_all_or_one_for_each(model):
    free, unwanted = ["a circle moving right"] * 2, "a blue circle moving right"
    plain = model(free, seed=3, num_inference_steps=4)
    both = model(free, seed=3, num_inference_steps=4, negative_prompt=unwanted)
    each = model(free, seed=3, num_inference_steps=4, negative_prompt=[unwanted, "a red square moving up"])
    assert np.abs(pixels(both[0]) - pixels(plain[0])).max() > 5 and np.array_equal(pixels(both[0]), pixels(each[0]))
    assert np.abs(pixels(both[1]) - pixels(each[1])).max() > 5


@pytest.mark.parametrize("call, said", [
    (lambda m: m(PROMPT, negative_prompt=" "), "negative prompt is empty"),
    (lambda m: m(PROMPT, negative_prompt=["one", "two"]), "1 prompts need as many negative prompts, not 2"),
    (lambda m: m(PROMPT, negative_prompt="a square", guidance_scale=1.0), "guidance scale above 1, not 1"),
    (lambda m: m("  "), "empty"), (lambda m: m(PROMPT, num_inference_steps=0), "from 1 to 1000, not 0"),
    (lambda m: m([PROMPT], seed=[1, 2]), "as many seeds"), (lambda m: m(PROMPT, num_inference_steps=10_000), "1 to 1000, not 10000"),
    (lambda m: m(PROMPT, num_inference_steps=2.5), "whole number"),
    (lambda m: m(PROMPT, sampler="dddm"), "ddpm, ddim, euler, heun, dpmpp_2m"),
    (lambda m: m(PROMPT, negative_prompt=[3]), "text, not int"), (lambda m: m(PROMPT, negative_prompt=3), "text, not int"),
    (lambda m: m(PROMPT, guidance_scale="2"), "guidance_scale is a number, not '2'"), (lambda m: m(PROMPT, guidance_scale=None), "number"),
    (lambda m: m(PROMPT, guidance_interval=5), "two numbers"), (lambda m: m(PROMPT, guidance_interval=(3,)), "two numbers"),
    (lambda m: m(PROMPT, guidance_rescale=1.5), "rescale"), (lambda m: m(PROMPT, guidance_interval=(2, -2)), "interval")])
def test_what_makes_no_clip_is_refused(random_model, call, said):
    assert said in sentence(call, random_model)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_sampler_is_repeatable(random_model, sampler):
    first, again = (pixels(random_model(PROMPT, seed=5, num_inference_steps=3, sampler=sampler)) for _ in range(2))
    assert np.array_equal(first, again)


def test_samplers_and_guidance_are_handed_on(model):
    plain, *others = (pixels(model(PROMPT, seed=5, num_inference_steps=4, **settings)) for settings in (
        {}, dict(sampler="ddpm"), dict(sampler="dpmpp_2m_sde"), dict(guidance_scale=3.0, guidance_rescale=.8),
        dict(guidance_interval=(-4, 4))))
    assert all(np.abs(other - plain).max() > 1 for other in others)
    no_guidance = pixels(model(PROMPT, seed=5, num_inference_steps=4, guidance_interval=(19.9, 20)))
    assert np.array_equal(no_guidance, pixels(model(PROMPT, seed=5, num_inference_steps=4, guidance_scale=1.0)))


def test_a_clip_is_the_same_beside_others_where_noise_is_added(random_model):
    both = random_model(["a red circle", "a blue square"], seed=3, num_inference_steps=6)
    alone = random_model("a blue square", seed=4, num_inference_steps=6)
    assert np.abs(pixels(both[1]) - pixels(alone)).max() <= 1


def test_a_strength_is_the_same_noise_for_all_samplers(random_model):
    for strength in (.1, .5, .9):
        levels = [random_model.denoiser.schedule.log_snr(random_model.times(13, strength, sampler)[0]) for sampler in SAMPLERS]
        assert all(level == pytest.approx(1 - 13 * strength, abs=1e-3) for level in levels)
    assert [random_model.times(13, sampler=sampler)[0] for sampler in SAMPLERS] == [1] * len(SAMPLERS)


def test_what_wraps_the_predictor_is_asked_at_every_step(random_model):
    times = random_model.times(3)
    asked = []
    def wrap(predict):
        def watch(x, t):
            asked.append(float(t))
            return predict(x, t)
        return watch
    random_model.denoise([PROMPT], torch.randn(1, 3, 8, 16, 16), times, wrap=wrap)
    assert asked == [pytest.approx(float(t)) for t in times[:-1]]


# --- words that are not known

def test_a_call_warns_once(random_model):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        random_model(["a red elephant"] * 3, num_inference_steps=1, negative_prompt="a zebra")
        random_model(PROMPT, num_inference_steps=1)
    text, = (str(one.message) for one in said)
    assert "elephant" in text and "zebra" in text


# --- training

@pytest.fixture
def small(monkeypatch):
    "The tiny preset with smaller batches"
    monkeypatch.setattr(TextToVideo.presets["tiny"], "batch_size", 2)


def test_a_training_starts_fitted_to_its_data(small):
    from t2v_learn.training.optimizers import TrainConfig
    from t2v_learn.training.pipeline import make_data
    preset = TextToVideo.presets["tiny"]
    data = make_data(preset)
    model, trainer = TextToVideo.start(preset, data, TrainConfig(steps=1, precision="fp32"), device="cpu")
    assert isinstance(model.denoiser, Denoiser) and trainer.model is model.denoiser
    seen = model.denoiser.normalize(torch.cat([data(step)[0] for step in range(40)]))
    assert abs(seen.mean()) < 1e-3 and abs(seen.std() - 1) < 1e-3
    assert {"red", "circle", "moving"} <= set(model.config["words"]) and "crimson" not in model.config["words"]
    assert DenoiserConfig.from_dict(model.network_config()["denoiser"]) == preset.network


def test_saved_and_loaded_draws_the_same_and_resuming_knows_what_it_was(small, tmp_path):
    trained = train(steps=2, folder=tmp_path, progress=False, precision="fp32", device="cpu")
    loaded = TextToVideo.from_pretrained(tmp_path, precision="fp32", device="cpu")
    assert np.array_equal(*(pixels(m(PROMPT, num_inference_steps=2)) for m in (trained, loaded)))
    kept = {name: value for name, value in load_state(tmp_path)[1]["extra"].items() if value not in (None, False)}
    assert kept == dict(arch="unet3d", preset="tiny", size=32, frames=8)


def test_the_fast_preset_is_for_the_same_world(tmp_path, monkeypatch):
    from t2v_learn.judge.evaluate import evaluate
    monkeypatch.setattr(TextToVideo.presets["tiny-fast"], "batch_size", 2)
    train(preset="tiny-fast", steps=2, folder=tmp_path, progress=False, precision="fp32", device="cpu")
    model = TextToVideo.from_pretrained(tmp_path, precision="fp32", device="cpu")
    assert model.denoiser.unet.config.patch_size == 4 and model.config["trained"]["preset"] == "tiny-fast"
    assert evaluate(model, n=2, num_inference_steps=2).n == 2, "its clips can be read as those of tiny"


@pytest.mark.slow
def test_killed_and_resumed_equals_never_killed(small, tmp_path):
    options = dict(steps=6, precision="fp32", progress=False, device="cpu")
    train(folder=tmp_path / "whole", **options)
    def stop(trainer): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        train(folder=tmp_path / "killed", save_every_steps=3, callbacks=(Every(stop, steps=4),), **options)
    train(folder=tmp_path / "killed", resume=True, **options)
    whole, killed = (load_weights(tmp_path / name)[0] for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_sizes_must_survive_the_halving():
    from dataclasses import replace
    preset = TextToVideo.presets["tiny"]
    for size in (8, 16, 64, 72): assert TextToVideo.fit_preset(replace(preset, size=size)).size == size
    for size in (4, 20, 33):
        with pytest.raises(InputError, match="take a multiple of 8"): TextToVideo.fit_preset(replace(preset, size=size))


@pytest.mark.slow
def test_trained_weights_go_on_where_they_are(small, tmp_path):
    "At a rate of nearly nothing they draw what they drew; the new words are known"
    from t2v_learn.video.datasets import write_folder
    write_folder(tmp_path / "clips", n=4)
    model = train(None, model="tiny", data=tmp_path / "clips", steps=2, lr=1e-9, batch_size=4, folder=tmp_path / "run", progress=False,
                  precision="fp32", device="cpu")
    shipped = TextToVideo.from_pretrained("tiny", device="cpu", precision="fp32")
    assert np.abs(pixels(model(PROMPT, num_inference_steps=2)) - pixels(shipped(PROMPT, num_inference_steps=2))).max() <= 2
    assert model.denoiser.data_std == shipped.denoiser.data_std and model.config["trained"]["replay"] == .75
