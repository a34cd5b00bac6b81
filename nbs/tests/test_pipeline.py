"What every trained generator shares: prompts and seeds, words, presets, data, files, and one `train` for all kinds"
import json
import os
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from t2v_learn.core import InputError
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.checkpoint import CheckpointError, load_state, load_weights, save_weights
from t2v_learn.training.loop import Every, Trainer
from t2v_learn.training.pipeline import (KINDS, FirstBatches, Preset, VideoGenerator, about_unknown, as_prompts, check_encoder, find_class,
                                         find_model, find_preset, first_batches, make_data, read_config, read_training, run_folder,
                                         seeded_noise, shipped_models, text_statistics, train, trained_on, unknown_words, watched,
                                         world_of)
from t2v_learn.video.containers import Clip
from t2v_learn.video.datasets import Prefetch, write_folder


class Linear(nn.Module):
    "From a pooled caption to a clip by one matrix"
    def __init__(self, shape):
        super().__init__()
        self.shape = tuple(shape)
        self.to_video = nn.Linear(384, torch.Size(shape).numel())

    def forward(self, text): return self.to_video(text.pooled).unflatten(1, self.shape)


class LinearVideo(VideoGenerator):
    "The smallest kind of model"
    kind = "text-to-video-linear"
    presets = {"tiny": Preset(None, batch_size=4, settings=dict(warmup=1), fine_tuning=dict(lr=1e-4))}
    further = True

    def network_config(self): return dict(linear=True)

    @classmethod
    def build_network(cls, config):
        if not config["linear"]: raise KeyError("linear")
        return Linear(config["shape"])

    @classmethod
    def start(cls, preset, data, config, progress=False, **options):
        seen = first_batches(data, n_batches=2)
        shape = [3, preset.n_frames, preset.size, preset.size]
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            network = Linear(shape)
        model = cls(network, shared_encoder(), dict(shape=shape, fps=preset.fps, words=seen.words), options["device"], config.precision)
        return model, model.trainer(data, config, **options)

    def trainer(self, data, config, **options):
        def loss(network, batch, generator):
            video, captions = batch
            return (network(self.encoder(captions)) - video).square().mean()
        return Trainer(self.network, loss, data, config, **options)

    @torch.no_grad()
    def __call__(self, prompt, seed=0):
        prompts, seeds = as_prompts(prompt, seed)
        clips = [Clip.from_tensor(x.clamp(-1, 1), self.config["fps"]) for x in self.network(self.encoder(prompts))]
        return clips[0] if isinstance(prompt, str) else clips


@cache
def shared_encoder(name="default"): return TextEncoder(name)


@pytest.fixture(autouse=True)
def linear(monkeypatch):
    "A third kind is one line of the table; BERT is loaded once"
    monkeypatch.setitem(KINDS, "linear", (LinearVideo.kind, __name__, "LinearVideo"))
    monkeypatch.setattr("t2v_learn.training.pipeline.TextEncoder", shared_encoder)


@pytest.fixture
def saved(tmp_path):
    "An untrained model and the folder it was saved in"
    model, _ = LinearVideo.start(LinearVideo.presets["tiny"], make_data(LinearVideo.presets["tiny"]), options_of(steps=1), device="cpu")
    return model, model.save_pretrained(tmp_path / "linear")


def options_of(**settings):
    from t2v_learn.training.optimizers import TrainConfig
    return TrainConfig(precision="fp32", **settings)


def test_noise_depends_on_its_own_seed_only():
    both = seeded_noise([3, 7], (3, 8, 4, 4))
    assert torch.equal(both[1:], seeded_noise([7], (3, 8, 4, 4))) and not torch.equal(both[0], both[1])
    many = seeded_noise(list(range(20)), (3, 8, 8, 8))
    assert abs(many.mean()) < .02 and abs(many.std() - 1) < .02


@pytest.mark.parametrize("prompt, seed, expected", [
    ("a red circle", 5, (["a red circle"], [5])), (["one", "two"], 5, (["one", "two"], [5, 6])),
    (["one", "two"], [9, 4], (["one", "two"], [9, 4])),
    (("one",), [2], (["one"], [2]))])
def test_prompts_and_seeds_are_two_lists(prompt, seed, expected): assert as_prompts(prompt, seed) == expected


@pytest.mark.parametrize("prompt, seed, said", [
    ("", 0, "empty"), ("  \n", 0, "empty"), ([], 0, "empty"), (["one", " "], 0, "empty"),
    (["one", "two"], [1], "2 prompts need as many seeds"),
    ("one", [1, 2], "1 prompts need as many seeds")])
def test_prompts_and_seeds_that_do_not_fit_are_refused(prompt, seed, said):
    with pytest.raises(InputError, match=said): as_prompts(prompt, seed)


def test_words_that_training_never_saw():
    known = ["a", "red", "circle", "moving", "right"]
    assert unknown_words("A red DRAGON, moving right; a dragon!", known) == ["dragon"]
    assert unknown_words("a red circle moving right", known) == [] == unknown_words("?!", known)
    assert unknown_words("ein roter Kreis", known) == ["ein", "roter", "kreis"]


def test_a_preset_has_a_name():
    assert find_preset("tiny", LinearVideo.presets) is LinearVideo.presets["tiny"]
    with pytest.raises(InputError, match="choose one of tiny"): find_preset("huge", LinearVideo.presets)
    for arch in ("unet3d", "gan"): assert find_preset("tiny", find_class(arch).presets).size == 32


def test_the_table_names_classes_of_their_kind():
    for arch, (kind, _, name) in KINDS.items():
        found = find_class(arch)
        assert issubclass(found, VideoGenerator) and found.kind == kind and found.__name__ == name
    assert len({kind for kind, _, _ in KINDS.values()}) == len(KINDS)
    with pytest.raises(InputError, match="choose one of unet3d, gan"): find_class("transformer")


def test_data_is_a_function_of_the_step():
    data, again = (make_data(Preset(None, batch_size=3), seed=1) for _ in range(2))
    video, captions = data(5)
    assert video.shape == (3, 3, 8, 32, 32) and captions == again(5)[1] and torch.equal(video, again(5)[0])
    assert not torch.equal(video, data(6)[0])


def test_a_preset_of_no_frames_is_refused():
    for name in ("n_frames", "size", "batch_size"):
        for wrong in (0, 32.0, "32", None, True):
            with pytest.raises(InputError, match=f"{name} is a whole number from 1 on, not {wrong!r}"): Preset(None, **{name: wrong})
        assert type(getattr(Preset(None, **{name: np.int64(4)}), name)) is int, "JSON knows no numbers of NumPy"


def test_the_world_has_its_own_size():
    with pytest.raises(InputError, match="8 frames of 32x32"): make_data(Preset(None, size=64))
    with pytest.raises(InputError, match="clips of your own"): make_data(Preset(None, n_frames=4))


class Listed:
    "Data that can list its captions: 900 of them, two words of each nowhere else"
    batch_size = 2
    def __init__(self): self.read = []
    def captions(self): return [f"clip {i} of{i}" for i in range(900)]
    def fps(self, n_frames): return n_frames / 4

    def __call__(self, step, shard=(0, 1)):
        self.read.append(step)
        generator = torch.Generator().manual_seed(step)
        return torch.rand(2, 3, 8, 32, 32, generator=generator) * 2 - 1, self.captions()[2 * step:2 * step + 2]


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: Prefetch(data, workers=0)])
def test_of_files_few_are_read_but_all_words_are_known(wrap):
    data = Listed()
    seen = first_batches(wrap(data))
    assert data.read == [0, 1] and len(seen.video) == 4
    assert len(seen.words) == 1 + 2 * 900 and seen.sampled
    assert 200 < len(seen.captions) <= 256 and seen.captions == sorted(seen.captions) and set(seen.captions) <= set(data.captions())
    assert max(seen.captions) > "clip 95" and min(seen.captions) < "clip 11"           # evenly spaced
    assert len(first_batches(wrap(data), n_batches=3, n_captions=5).captions) == 5


def test_statistics_of_many_captions_are_those_of_each(encoder):
    captions = ["a red circle moving right", "a blue square", "the small triangle goes up and then down again", "emoji 🎈", "word " * 100]
    seen = FirstBatches(None, captions, [], sampled=True)
    found = text_statistics(encoder, seen)
    short = encoder(captions[:4])
    for pooled in short.pooled: assert (found.pooled - pooled).abs().amax(1).min() < 1e-4
    assert found.tokens.shape == (1, short.mask.sum() + 64, 384) and found.mask.all()    # the long one is cut
    assert text_statistics(encoder, seen, max_pieces=1).pooled.shape[0] == 1
    whole = FirstBatches(None, captions[:4], [])
    assert torch.equal(text_statistics(encoder, whole).tokens, short.tokens)


def test_what_takes_long_is_said(capsys, monkeypatch):
    class Clock:
        now = 0.0
        def monotonic(self):
            self.now += 20
            return self.now
    monkeypatch.setattr("t2v_learn.training.pipeline.time", Clock())
    assert list(watched(range(6), "reading clips")) == list(range(6))
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) < 6 and all(line.startswith("reading clips: ") and line.endswith(" of 6") for line in lines)
    assert list(watched(iter("ab"), "reading", progress=False)) == ["a", "b"]
    assert capsys.readouterr() == ("", "")


def test_a_look_at_the_first_batches():
    data = make_data(Preset(None, batch_size=3))
    seen = first_batches(data, n_batches=4)
    assert len(seen.video) == 12 and torch.equal(seen.video[3:6], data(1)[0])
    assert seen.captions == sorted({caption for step in range(4) for caption in data(step)[1]})
    assert all(unknown_words(caption, seen.words) == [] for caption in seen.captions) and seen.words == sorted(seen.words)


# --- files

def test_shipped_models_have_a_kind_and_a_class():
    assert {"tiny", "tiny-gan"} <= set(shipped_models()) and not any(name.startswith("reader") for name in shipped_models())
    for name in shipped_models(): assert find_model(name).is_dir()


@pytest.mark.parametrize("name", ["tyni", "a/b/c", "./nowhere", "../tiny", "owner/"])
def test_a_name_that_leads_nowhere(name):
    with pytest.raises(InputError, match="give one of"): find_model(name)


def test_a_folder_wins_only_with_a_path(tmp_path, monkeypatch):
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model("tiny") != Path("tiny") and find_model("./tiny") == Path("tiny")


def test_the_hub_is_asked_for_two_files_only(monkeypatch, tmp_path):
    import huggingface_hub
    asked = {}
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: asked.update(name=name, **options) or str(tmp_path))
    assert find_model("owner/model") == tmp_path
    assert asked == dict(name="owner/model", allow_patterns=["model.safetensors", "config.json"])
    def refuse(name, **options): raise OSError("no network")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(InputError, match="hub did not give"): find_model("owner/model")


def test_saved_and_loaded_draws_the_same(saved):
    model, folder = saved
    loaded = VideoGenerator.from_pretrained(folder, device="cpu", precision="fp32")
    assert type(loaded) is LinearVideo and loaded.config["words"] == model.config["words"]
    assert (loaded("a red circle").frames == model("a red circle").frames).all()
    assert not loaded.network.training


def test_half_is_half(saved, tmp_path):
    model, folder = saved
    model.save_pretrained(tmp_path / "half", half=True)
    def size(folder): return (folder / "model.safetensors").stat().st_size
    assert size(tmp_path / "half") < .51 * size(folder)
    loaded = VideoGenerator.from_pretrained(tmp_path / "half", precision="fp32")
    assert next(loaded.network.parameters()).dtype == torch.float32
    difference = loaded("a red circle").frames.astype(int) - model("a red circle").frames
    assert abs(difference).max() <= 1


DAMAGES = {
    "no shape": (lambda c: c.pop("shape"), "does not describe a video model"),
    "a short shape": (lambda c: c.update(shape=[3, 8]), "does not describe"),
    "words of numbers": (lambda c: c.update(words=[1]), "does not describe"),
    "fps": (lambda c: c.update(fps="fast"), "does not describe"),
    "no encoder": (lambda c: c.pop("encoder"), "does not describe"),
    "an encoder by name": (lambda c: c.update(encoder="default"), "does not describe"),
    "no network": (lambda c: c.pop("linear"), "does not describe"),
    "another size": (lambda c: c.update(shape=[3, 8, 16, 16]), "in the file but"),
    "another BERT": (lambda c: c["encoder"].update(revision="0"), "another version of the text encoder"),
    "another kind": (lambda c: c.update(kind="reader"), "kind 'reader'"),
    "no kind": (lambda c: c.pop("kind"), "kind None")}


@pytest.mark.parametrize("damage, said", DAMAGES.values(), ids=DAMAGES)
def test_what_does_not_fit_is_refused(saved, damage, said):
    weights, config = load_weights(saved[1])
    damage(config)
    save_weights(saved[1], weights, config)
    with pytest.raises((InputError, CheckpointError), match=said): VideoGenerator.from_pretrained(saved[1])


@pytest.mark.parametrize("arch, name", [("unet3d", "tiny"), ("gan", "tiny-gan")])
@pytest.mark.parametrize("damage", [lambda c: c.pop("denoiser", c.pop("gan", None)),
                                    lambda c: c.get("denoiser", c.get("gan")).update(arms=2)])
def test_settings_of_a_shipped_kind_that_describe_nothing(arch, name, damage, tmp_path):
    config = json.loads((find_model(name) / "config.json").read_text())
    damage(config)
    save_weights(tmp_path / "broken", {}, config)
    with pytest.raises(InputError): VideoGenerator.from_pretrained(tmp_path / "broken")


def test_an_encoder_is_known_by_its_revision():
    encoder = TextEncoder()
    check_encoder(encoder, dict(name="default", revision=encoder.revision), Path("model"))
    with pytest.raises(InputError, match="model was trained with another version"):
        check_encoder(encoder, dict(name="default", revision="0"), Path("model"))


# --- the hub

def test_a_folder_whose_name_is_no_text_gets_its_card(saved, tmp_path):
    folder = tmp_path / os.fsdecode(b"r\xff")
    saved[0].save_pretrained(folder)
    assert (folder / "README.md").exists() and "r\\udcff" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_model_card_says_what_it_is(saved):
    card = (saved[1] / "README.md").read_text()
    assert card.startswith("---\n") and "library_name: t2v_learn" in card and "pipeline_tag: text-to-video" in card
    assert "8 frames of 32x32" in card and "from_pretrained" in card and all(word in card for word in saved[0].config["words"])


def test_a_card_that_somebody_wrote_stays(saved):
    model, folder = saved
    (folder / "README.md").write_text("mine")
    model.save_pretrained(folder)
    assert (folder / "README.md").read_text() == "mine"


def test_push_to_hub_uploads_what_save_writes(saved, monkeypatch):
    import huggingface_hub.hub_mixin as mixin
    found = {}

    class Hub:
        def __init__(self, token=None): pass
        def create_repo(self, repo_id, **options): return type("Repo", (), dict(repo_id=repo_id))
        def upload_folder(self, repo_id, folder_path, **options):
            found.update(repo=repo_id, files={path.name for path in Path(folder_path).iterdir()}, config=load_weights(folder_path)[1])
            return "https://hub/commit"

    monkeypatch.setattr(mixin, "HfApi", Hub)
    assert saved[0].push_to_hub("owner/linear") == "https://hub/commit"
    assert found["repo"] == "owner/linear" and found["files"] == {"model.safetensors", "config.json", "README.md"}
    assert found["config"]["kind"] == LinearVideo.kind

    def refuse(self, **options): raise OSError("no network")
    monkeypatch.setattr(Hub, "create_repo", refuse)
    with pytest.raises(InputError, match="did not take 'owner/linear'"): saved[0].push_to_hub("owner/linear")
    with pytest.raises(InputError, match="did not take"): saved[0].push_to_hub("not a name")


# --- training

def test_training_saves_the_averaged_weights(tmp_path):
    averaged, latest = {}, {}
    def look(trainer):
        averaged.update({name: t.clone() for name, t in trainer.ema.model.state_dict().items()})
        latest.update({name: t.clone() for name, t in trainer.model.state_dict().items()})
    model = train("linear", steps=3, folder=tmp_path / "run", progress=False, device="cpu", callbacks=(Every(look, steps=3),))
    weights, config = load_weights(tmp_path / "run")
    assert all(torch.equal(weights[name], averaged[name]) for name in averaged)
    assert not any(torch.equal(weights[name], latest[name]) for name in averaged)
    assert config["trained"] == model.config["trained"] and config["trained"]["steps"] == 3 and config["trained"]["preset"] == "tiny"
    kept = {name: value for name, value in load_state(tmp_path / "run")[1]["extra"].items() if value not in (None, False)}
    assert kept == dict(arch="linear", preset="tiny", size=32, frames=8)


def test_killed_and_resumed_equals_never_killed(tmp_path):
    options = dict(steps=6, progress=False, device="cpu")
    train("linear", folder=tmp_path / "whole", **options)
    def stop(trainer): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        train("linear", folder=tmp_path / "killed", save_every_steps=3, callbacks=(Every(stop, steps=4),), **options)
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    train("linear", folder=tmp_path / "killed", resume=True, **options)
    whole, killed = (load_weights(tmp_path / name)[0] for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_training_on_a_folder_of_clips(tmp_path):
    write_folder(tmp_path / "clips", n=4)
    model = train("linear", data=tmp_path / "clips", steps=1, folder=tmp_path / "run", progress=False, device="cpu")
    assert load_state(tmp_path / "run")[1]["extra"]["data"] == str(tmp_path / "clips")
    assert len(model("a red circle moving right")) == 8


def test_an_unknown_name_is_refused_before_anything_is_written(tmp_path):
    for wrong, said in ((dict(arch="rnn"), "unet3d, gan"), (dict(preset="huge"), "choose one of tiny"),
                        (dict(steps=0), "steps must be above 0"), (dict(minutes=1.0), "either steps or minutes")):
        with pytest.raises(InputError, match=said): train(**dict(arch="linear", steps=1, folder=tmp_path / "x") | wrong)
    assert not (tmp_path / "x").exists()


def test_where_a_training_is_kept():
    assert run_folder("tiny") == Path("runs/tiny") and run_folder("tiny", "gan") == Path("runs/tiny-gan")


def slow_clips(folder, n=4, fps=2.0, captions=None):
    "Captioned clips of 8 frames at this rate"
    folder.mkdir()
    video, said = make_data(Preset(None, batch_size=n))(0)
    for i, clip in enumerate(video):
        Clip.from_tensor(clip, fps).save(folder / f"{i}.gif")
        (folder / f"{i}.txt").write_text((captions or said)[i])
    return folder


def fitted(arch="linear", **options): return train(arch, **dict(steps=1, progress=False, device="cpu", precision="fp32") | options)


@pytest.mark.parametrize("frames, fps", [(8, 2.0), (4, 2.0), (4, 8.0)])
def test_clips_last_as_long_as_those_of_the_training(tmp_path, frames, fps):
    model = fitted(data=slow_clips(tmp_path / "clips", fps=fps), folder=tmp_path / "run", frames=frames, size=16, batch_size=2)
    clip = VideoGenerator.from_pretrained(tmp_path / "run")("a red circle")
    assert clip.frames.shape == (frames, 16, 16, 3) and len(clip) / clip.fps == pytest.approx(8 / fps, rel=.03)
    assert model.config["fps"] == pytest.approx(frames * fps / 8, rel=.03)


def test_words_of_all_captions_are_known(tmp_path):
    captions = [f"a thing number{i}" for i in range(12)]
    model = fitted(data=slow_clips(tmp_path / "clips", n=12, captions=captions), folder=tmp_path / "run", batch_size=1)
    assert model.config["words"] == sorted({"a", "thing", *(f"number{i}" for i in range(12))})


def test_what_is_asked_for_is_kept_and_lr_moves_all_rates(tmp_path):
    asked = {}
    def look(trainer): asked.update(config=trainer.config, rows=len(trainer.data(0)[1]))
    fitted(folder=tmp_path / "run", batch_size=3, lr=4e-3, grad_accum=2, callbacks=(Every(look, steps=1),))
    assert asked["config"].lr == 4e-3 and asked["config"].matrix_lr == pytest.approx(.04) and asked["rows"] == 6
    kept = read_training(tmp_path / "run")
    assert (kept["batch_size"], kept["lr"], kept["grad_accum"], kept["size"], kept["frames"], kept["step"]) == (3, 4e-3, 2, 32, 8, 1)
    assert read_training(tmp_path) == {}


def test_reading_counts_in_the_minutes(tmp_path, monkeypatch):
    import time
    class Clock:
        def __init__(self): self.now = 0.0
        def perf_counter(self):
            self.now += 100
            return self.now
        def __getattr__(self, name): return getattr(time, name)
    monkeypatch.setattr("t2v_learn.training.pipeline.time", Clock())
    with pytest.raises(InputError, match="reading the data took 100 s, and 1.5 minutes are over"):
        fitted(steps=None, minutes=1.5, folder=tmp_path / "short")
    used = []
    fitted(folder=tmp_path / "run", callbacks=(Every(lambda trainer: used.append(trainer.budget.seconds), steps=1),))
    assert used[0] >= 100


def test_a_resumed_training_is_the_one_that_was_begun(tmp_path, monkeypatch):
    fitted(folder=tmp_path / "run")
    with pytest.raises(InputError, match="holds a training of linear, not of gan: leave arch out"):
        fitted("gan", folder=tmp_path / "run", resume=True)
    with pytest.raises(InputError, match="nothing is left to train"): fitted(folder=tmp_path / "run", resume=True)
    (tmp_path / "run" / "model.safetensors").unlink()               # killed between its last checkpoint and its model
    fitted(folder=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "model.safetensors").exists()
    assert fitted(folder=tmp_path / "run", resume=True, steps=2).config["trained"]["steps"] == 2


def test_resumed_from_another_folder_it_finds_its_clips(tmp_path, monkeypatch):
    slow_clips(tmp_path / "clips")
    monkeypatch.chdir(tmp_path)
    fitted(data="clips", folder="run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert Path(read_training("../run")["data"]) == tmp_path / "clips"


# --- what a model was trained on

def test_a_model_knows_what_it_was_trained_on(tmp_path):
    assert world_of(read_config("tiny")) == world_of(read_config("tiny-gan")) == "tiny"
    config = fitted(data=slow_clips(tmp_path / "clips"), folder=tmp_path / "run", frames=4).config
    assert world_of(config) is None and config["trained"]["data"] == str(tmp_path / "clips")
    video, captions = trained_on(config, batch_size=3)(0)
    assert video.shape == (3, 3, 4, 32, 32) and captions == make_data(Preset(None, n_frames=4, batch_size=3), tmp_path / "clips")(0)[1]
    shutil.rmtree(tmp_path / "clips")
    assert trained_on(config) is None
    assert world_of(config | dict(trained=dict(preset="tiny"), words=["a", "cat"])) is None
    tiny = read_config("tiny")
    for preset, world in (("tiny-fast", "tiny"), ("tiny-", "tiny"), ("tinyfast", None), ("full-fast", None), (None, None)):
        assert world_of(tiny | dict(trained=tiny["trained"] | dict(preset=preset))) == world, "a preset's name begins with its world's"
    assert trained_on(config | dict(trained={})) is None


def test_nobody_learns_where_the_clips_lay(tmp_path, saved, monkeypatch):
    model = saved[0]
    model.config["trained"] = dict(preset="tiny", data="/home/me/clips", before=dict(data="/home/me/old"), replay=.5)
    found = {}
    monkeypatch.setattr("huggingface_hub.hub_mixin.ModelHubMixin.push_to_hub", lambda self, repo_id, **options: found.update(self.config))
    model.push_to_hub("owner/linear")
    assert found["trained"] == dict(preset="tiny", data="clips", before=dict(data="old"), replay=.5)
    assert "/home" not in str(model.generate_model_card()) and model.config["trained"]["data"] == "/home/me/clips"


# --- going on from trained weights

@pytest.fixture
def trained(tmp_path): return fitted(steps=2, folder=tmp_path / "base")


def test_weights_are_trained_further_with_old_clips_among_the_new(tmp_path, trained):
    clips = slow_clips(tmp_path / "clips", captions=["a cat"] * 4, fps=8.0)
    batches = []
    def look(trainer): batches.append(trainer.data(trainer.budget.step - 1)[1])
    before = load_weights(tmp_path / "base")[0]
    model = fitted(None, model=tmp_path / "base", data=clips, steps=4, folder=tmp_path / "run", lr=1e-6, callbacks=(Every(look, steps=1),))
    assert [captions.count("a cat") for captions in batches] == [1, 1, 1, 1]                       # of four, by default
    assert [captions.index("a cat") for captions in batches] == [0, 3, 2, 1], "always in the same row: it would miss noise levels"
    after = load_weights(tmp_path / "run")[0]
    assert all(torch.allclose(after[name], before[name], atol=1e-4) for name in before), "these are not the weights that were given"
    config = model.config
    assert set(config["words"]) == {"cat", *trained.config["words"]} and config["fps"] == 8.0
    record = config["trained"]
    assert record["replay"] == .75 and record["model"] == str(tmp_path / "base") and record["before"] == trained.config["trained"]
    assert world_of(config) == "tiny", "it still draws the world, and can be measured on it"
    assert trained_on(config, batch_size=4)(0)[1].count("a cat") == 1


def test_without_old_clips_it_is_said(tmp_path, trained):
    clips = slow_clips(tmp_path / "clips", captions=["a cat"] * 4)
    with pytest.warns(UserWarning, match="new clips only"):
        model = fitted(model=tmp_path / "base", data=clips, replay=0.0, folder=tmp_path / "run")
    assert world_of(model.config) is None and model.config["fps"] == 2.0


def test_a_rate_that_does_not_fit_both_is_said(tmp_path, trained):
    with pytest.warns(UserWarning, match="keeps its 8 frames a second: a clip of yours that lasts 4.0 s will be drawn in 1.0 s"):
        model = fitted(model=tmp_path / "base", data=slow_clips(tmp_path / "clips"), folder=tmp_path / "run")
    assert model.config["fps"] == 8.0


def test_what_cannot_be_trained_further_is_refused(tmp_path, trained):
    clips = slow_clips(tmp_path / "clips")
    for wrong, said in ((dict(model="tiny-gan"), "cannot be trained further"), (dict(size=16), "leave size and frames out"),
                        (dict(frames=4), "8 frames of 32x32"), (dict(model="nowhere"), "there is no model"),
                        (dict(arch="gan"), "is a linear, not a gan")):
        with pytest.raises(InputError, match=said):
            fitted(**dict(arch=None, model=tmp_path / "base", data=clips, folder=tmp_path / "x") | wrong)
    weights, config = load_weights(tmp_path / "base")
    save_weights(tmp_path / "lost", weights, config | dict(trained=dict(preset="tiny", data="/gone")))
    with pytest.raises(InputError, match="is not here, so nothing can be replayed"):
        fitted(model=tmp_path / "lost", data=clips, folder=tmp_path / "x", replay=.5)
    assert not (tmp_path / "x").exists()


def test_killed_and_resumed_while_trained_further(tmp_path, trained):
    options = dict(model=tmp_path / "base", data=slow_clips(tmp_path / "clips", fps=8.0), steps=6)
    fitted(folder=tmp_path / "whole", **options)
    def stop(trainer): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        fitted(folder=tmp_path / "killed", save_every_steps=3, callbacks=(Every(stop, steps=4),), **options)
    fitted(folder=tmp_path / "killed", resume=True, **options)
    whole, killed = (load_weights(tmp_path / name)[0] for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_sizes_that_a_network_cannot_take_are_refused_before_anything_slow(tmp_path):
    for wrong, said in ((dict(arch="unet3d", size=20), "take a multiple of 8"), (dict(arch="gan", size=64), "32x32 only"),
                        (dict(frames=0), "n_frames is a whole number from 1 on"), (dict(size=64), "8 frames of 32x32"),
                        (dict(batch_size=0), "batch_size is a whole number from 1 on")):
        with pytest.raises(InputError, match=said): fitted(**dict(folder=tmp_path / "x") | wrong)
    assert find_class("gan").fit_preset(Preset(find_class("gan").presets["tiny"].network, n_frames=5)).network.n_frames == 5
    assert not (tmp_path / "x").exists()


# --- words that are not known

@pytest.mark.parametrize("prompts, parts", [
    (["a red elephant"], ["elephant", "sure effect"]), (["elephants"], ["no word", "elephants", "anything"]), (["🎈🎈"], ["no word"]),
    (["a red circle", "a red elephant in Paris"], ["elephant", "paris", "sure effect"]), (["a red circle", "?!"], ["no word"])])
def test_what_is_said_of_unknown_words(prompts, parts):
    said = about_unknown(prompts, ["a", "red", "circle", "in"])
    assert all(part in said for part in parts) and "\n" not in said and said.endswith(".")


def test_nothing_is_said_of_known_words_and_not_too_much_of_many():
    assert about_unknown(["A red, RED circle!", "a"], ["a", "red", "circle"]) == ""
    said = about_unknown(["a " + " ".join(f"w{i}" for i in range(2000))], ["a"])
    assert "w9 and 1,990 more" in said and len(said) < 200


PROMPT = "a red circle moving right"


@pytest.mark.parametrize("seed", [np.int64(3), np.arange(2)[1], [np.int32(1)]])
def test_numpys_whole_numbers_are_seeds(seed):
    assert as_prompts(PROMPT, seed)[1] == [int(np.ravel(seed)[0])] and all(type(one) is int for one in as_prompts(PROMPT, seed)[1])


@pytest.mark.parametrize("prompt, seed", [(PROMPT, None), (PROMPT, 1.5), (PROMPT, "1"), (PROMPT, 2**64), (PROMPT, -2**63 - 1),
                                          (PROMPT, [None]), (None, 0), ([None], 0), (7, 0), ([PROMPT, 7], 0)])
def test_prompts_and_seeds_that_are_none(prompt, seed):
    with pytest.raises(InputError): as_prompts(prompt, seed)
