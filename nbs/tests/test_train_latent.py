"The tools that train the latent models on a GPU: what they do otherwise gives the numbers of the library"
import multiprocessing.pool

import measure_latent
import numpy as np
import pytest
import torch
import train_latent
from recorded import Recorded, fit_together

from t2v_learn.latent import autoencoder, transformer
from t2v_learn.latent.autoencoder import Autoencoder, AutoencoderConfig, LossWeights
from t2v_learn.latent.latent_video import LatentConfig
from t2v_learn.text.bert import TextStates
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.video.clips import Clip
from t2v_learn.video.world import MOTIONS, SHAPES, World, render


class Chosen(Recorded):
    "Random numbers that are chosen"
    def __init__(self, numbers): self.numbers = iter(numbers)
    def rand(self, *shape): return torch.full(shape, next(self.numbers))


@pytest.fixture
def clips(): return torch.randint(0, 255, (3, 3, 4, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_flat_convolutions_give_the_same_numbers(monkeypatch):
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(4, (8, 16, 24), 1, 1))
    for p in model.parameters(): torch.nn.init.normal_(p, 0, .1)
    video = torch.rand(2, 3, 8, 16, 16) * 2 - 1
    mean, log_variance = model.posterior(video)
    copy = model.draw(mean)
    for owner in (autoencoder.CausalConv3d, autoencoder.CausalBlock): monkeypatch.setattr(owner, "forward", owner.forward)
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    train_latent.use_flat_convolutions()
    for mine, theirs in ((mean, model.posterior(video)[0]), (log_variance, model.posterior(video)[1]), (copy, model.draw(mean))):
        assert torch.allclose(mine, theirs, atol=1e-5)
    cache = {}
    pieces = torch.cat([model.posterior(video[:, :, k:k + 4], cache)[0] for k in (0, 4)], 2)
    assert torch.allclose(pieces, mean, atol=1e-5), "and in pieces"


def test_compiled_blocks_train_and_plain_ones_draw(monkeypatch):
    torch.manual_seed(0)
    compiled = []
    def compile(function, **options):
        def call(*args):
            compiled.append(function)
            return function(*args)
        return call
    monkeypatch.setattr(transformer.TransformerBlock, "forward", transformer.TransformerBlock.forward)
    monkeypatch.setattr(torch, "compile", compile)
    network = transformer.VideoTransformer(transformer.TransformerConfig(dim=32, n_heads=2, n_blocks=3, mlp_dim=64))
    text = TextStates(torch.randn(2, 5, 384), torch.ones(2, 5, dtype=torch.bool), torch.randn(2, 384))
    x, log_snr = torch.randn(2, 16, 4, 4, 4), torch.zeros(2)
    before = network(x, log_snr, text)
    train_latent.use_compiled_blocks()
    assert torch.equal(network(x, log_snr, text), before) and len(compiled) == 3
    with torch.no_grad(): assert torch.equal(network(x, log_snr, text), before) and len(compiled) == 3


@pytest.mark.slow
def test_a_block_is_one_graph():
    torch.manual_seed(0)
    block = transformer.TransformerBlock(32, 2, 64)
    angles = transformer.rotary_angles_3d((4, 2, 2), 16)
    given = (torch.randn(2, 16, 32), torch.randn(2, 20, 32), torch.arange(20) < torch.tensor([[20], [3]]), torch.randn(2, 1, 6, 32), angles)
    whole = torch.compile(transformer.TransformerBlock.forward, backend="aot_eager", fullgraph=True, dynamic=False)
    results = []
    for forward in (transformer.TransformerBlock.forward, whole):
        block.zero_grad()
        y = forward(block, *given)
        y.square().sum().backward()
        results.append([y.detach(), *(p.grad.clone() for p in block.parameters())])
    for mine, theirs in zip(*results): torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_clips_that_were_encoded_are_drawn_again_where_they_are_needed(tmp_path, clips, monkeypatch):
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(4, (8, 8, 8), 1, 1))
    np.save(tmp_path / "0.npy", clips.numpy())
    assert torch.equal(train_latent.part_latents(model, tmp_path, 0), train_latent.all_latents(model, clips))
    assert not list(tmp_path.iterdir()), "no latents that another autoencoder might take for its own"
    monkeypatch.setattr(train_latent, "PART", 2)
    captions = train_latent.draw_part((0, tmp_path))
    drawn = np.load(tmp_path / "0.npy")
    (tmp_path / "0.npy").unlink()
    assert train_latent.draw_part((0, tmp_path)) == captions and (np.load(tmp_path / "0.npy") == drawn).all()


def test_clips_are_varied_on_the_device(clips):
    plain = [.5, .5, .5, .9, .1, 0.]                    # which clip, no way across, none down, not mirrored, not backwards, colours kept
    found = train_latent.varied(clips, Chosen(plain), 1)
    assert torch.allclose(found, clips[1:2].float() / 127.5 - 1)
    for place, value, change in ((1, .9, lambda x: x.roll(-5, -1)[..., :10]), (2, .9, lambda x: x.roll(-5, -2)[..., :10, :]),
                                 (3, .1, lambda x: x.flip(-1)), (4, .9, lambda x: x.flip(2)), (5, .55, lambda x: x[:, [0, 2, 1]])):
        numbers = [*plain]
        numbers[place] = value
        wanted = change(clips[1:2].float() / 127.5 - 1)
        changed = train_latent.varied(clips, Chosen(numbers), 1)
        assert torch.allclose(changed[..., :wanted.shape[-2], :wanted.shape[-1]], wanted), place


def test_a_budget_in_seconds_ends_with_the_rate_at_zero(clips):
    world = torch.zeros(3, 3, 4, 16, 16, dtype=torch.uint8)
    torch.manual_seed(0)
    training = train_latent.autoencoder_training(Autoencoder(AutoencoderConfig(4, (8, 8, 8), 1, 1)), clips, world, 3, LossWeights())
    seen = []
    training.fit(seconds=1.0, look=lambda one: seen.append(one.done), looks=2)
    assert training.done >= 12 and float(training.progress) == 1 and float(training.scale()) == 0 and seen[-1] == training.done
    assert all(torch.isfinite(p).all() for p in training.average.parameters())


def test_the_end_is_looked_at_though_it_comes_early(clips, monkeypatch):
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(4, (8, 8, 8), 1, 1))
    training = train_latent.autoencoder_training(model, clips, clips[:, :, :4], 3, LossWeights())
    now = [0.0]
    monkeypatch.setattr("recorded.time.perf_counter", lambda: now[0])
    def one_step():
        now[0] += 1 if training.done < 45 else 30                             # somebody else begins to compute
        training.done += 1
    monkeypatch.setattr(training, "one_step", one_step)
    seen = []
    training.fit(seconds=95, look=lambda one: seen.append(one.done), looks=1)
    assert seen == [training.done] and training.done == 50 and float(training.steps) == 50


def test_a_training_that_broke_off_goes_on(clips, tmp_path):
    class Broken(Exception): pass

    def fit(keep=None, stop=None):
        torch.manual_seed(0)
        model = Autoencoder(AutoencoderConfig(4, (8, 8, 8), 1, 1))
        training = train_latent.autoencoder_training(model, clips, clips[:, :, :4], 3, LossWeights())
        def look(one):
            if one.done == stop: raise Broken
        return training.fit(steps=20, look=look, looks=20, keep=keep, every=0)

    whole = fit()
    keep = tmp_path / "kept"
    with pytest.raises(Broken): fit(keep, stop=15)
    assert keep.exists()
    again = fit(keep)
    assert again.done == 20 and not keep.exists()
    assert again.generator.get_state().equal(whole.generator.get_state())
    for a, b in zip(whole.average.parameters(), again.average.parameters()): assert a.equal(b)


def test_a_part_of_the_world_is_drawn_once(tmp_path, monkeypatch):
    monkeypatch.setattr(train_latent, "PART", 3)
    captions = train_latent.draw_part((0, tmp_path))
    assert len(captions) == 3 and train_latent.drawn_clips(tmp_path, [0]).shape == (3, 3, 16, 64, 64)
    monkeypatch.setattr(train_latent, "render", None)
    assert train_latent.draw_part((0, tmp_path)) == captions


def test_a_training_learns_from_what_is_there_while_more_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(train_latent, "PART", 3)
    monkeypatch.setattr(train_latent, "states_of", lambda encoder, captions, length: (
        torch.full((3, length, 4), float(len(captions))), torch.ones(3, length, dtype=torch.bool), torch.zeros(3, 4)))
    monkeypatch.setattr(train_latent, "part_latents", lambda ae, folder, part: torch.full((3, 16, 4, 8, 8), float(part)))
    with multiprocessing.pool.ThreadPool(1) as pool:
        drawn = pool.imap(train_latent.draw_part, [(part, tmp_path) for part in (7, 8)])
        world = train_latent.Growing(None, type("E", (), dict(dim=4)), drawn, tmp_path, 7, 6)
        world.add(wait=True)
        assert float(world.known) == 3 and world.latents[:3].eq(7).all() and world.latents[3:].eq(0).all()
        world.add(wait=True)
        world.add(wait=True)                                                               # there is no more
    assert float(world.known) == 6 and world.latents[3:].eq(8).all() and len(set(world.captions)) > 1
    rows = Chosen([.999]).below(world.known, 2)
    assert rows.dtype == torch.long and rows.tolist() == [5, 5] and Chosen([0.]).below(world.known, 1).tolist() == [0]


def test_trainings_side_by_side_are_those_one_after_another():
    def trainings():
        torch.manual_seed(0)
        loss = lambda one: one.model(one.randn(3, 2)).square().mean()
        return [Recorded(torch.nn.Linear(2, 2), loss, TrainConfig(steps=1, seed=seed)) for seed in (0, 1)]
    together = fit_together(trainings(), 20)
    for mine, alone in zip(together, trainings()):
        alone.fit(steps=20)
        assert mine.done == 20 and mine.average.weight.equal(alone.average.weight)


def test_right_by_value_counts_prompts_with_one_actor():
    rng = np.random.default_rng(0)
    scenes = [World("full").sample(rng, "seen") for _ in range(40)]
    alone = [scene for scene in scenes if len(scene.actors) == 1]
    found = measure_latent.right_by_value([Clip(render(scene)) for scene in scenes], scenes)
    for part, options in (("shape", SHAPES), ("motion", MOTIONS)):
        assert set(found[part]) <= set(options)
        assert sum(of for _, of in found[part].values()) == len(alone) < 40
        assert sum(right for right, _ in found[part].values()) >= len(alone) - 1
    wrong = measure_latent.right_by_value([Clip(render(scene)) for scene in alone[1:] + alone[:1]], alone)
    assert sum(right for right, _ in wrong["shape"].values()) < len(alone) / 2


@pytest.mark.parametrize("name", measure_latent.ARMS)
def test_each_network_of_the_deciding_figure_has_about_as_many_weights(name):
    build, kind, preset, *_ = measure_latent.ARMS[name]
    network = build(LatentConfig(), autoencoder.load_autoencoder())
    assert preset in kind.presets and 8.5e6 < sum(p.numel() for p in network.parameters()) < 9.5e6


def test_the_score_of_true_latents_is_one(monkeypatch):
    captions = ["fox", "runner, dark skin tone", "runner, light skin tone"]
    latents = torch.randn(3, 4, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    texts = type("T", (), dict(of=lambda self, some: torch.tensor([captions.index(text) for text in some])))()
    monkeypatch.setattr(train_latent, "draw_latents", lambda denoiser, texts, numbers, seed: latents[numbers])
    monkeypatch.setattr(torch.Tensor, "topk", lambda x, k, **options: torch.sort(x, 1), raising=False)
    assert train_latent.nearest_score(None, texts, latents, captions, [0, 1, 2]) == dict(n=3, top1=1, top5=1, name=1, both=1)
    monkeypatch.setattr(train_latent, "draw_latents", lambda denoiser, texts, numbers, seed: latents[[0, 2, 1]])
    found = train_latent.nearest_score(None, texts, latents, captions, [0, 1, 2])
    assert found["top1"] == found["both"] == pytest.approx(1 / 3, abs=.01) and found["name"] == 1


def test_steps_and_rates():
    config = TrainConfig(steps=1, warmup=4, decay_from=.5)
    training = Recorded(torch.nn.Linear(2, 2), lambda one: one.model(one.rand(3, 2)).square().mean(), config)
    training.fit(steps=20)
    assert training.done == 20 and np.isfinite(float(training.last_loss))
