"The causal autoencoder: no future, in pieces to the bit, equal to diffusers' parts; what it cannot take; what ships, measured"
import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import train_autoencoder
from refusals import sentence
from rerun import root
from torch import nn

from t2v_learn.latent.autoencoder import (Autoencoder, AutoencoderConfig, CausalBlock, CausalConv3d, DoubleSize, DoubleTime, HalfSize,
                                          HalfTime, LossWeights, RMSNorm, VariedData, fit_latents, fit_pca, gradient_loss, kl_loss,
                                          load_autoencoder, make_autoencoder_loss, pca_copy, psnr, save_autoencoder, vary)
from t2v_learn.training.checkpoint import CheckpointError
from t2v_learn.training.loop import Trainer, missing_gradients
from t2v_learn.training.optimizers import TrainConfig
from t2v_learn.video.datasets import WorldData, open_sequence, stack_clips
from t2v_learn.video.world import World

shipped = pytest.mark.skipif(not (root / "t2v_learn" / "weights" / "autoencoder").is_dir(), reason="no autoencoder is shipped yet")


def small(seed=0, latent_dim=4, dims=(8, 12, 16)):
    "With random weights everywhere, so that no path is closed"
    torch.manual_seed(seed)
    model = Autoencoder(AutoencoderConfig(latent_dim, dims, 1, 2))
    for p in model.parameters(): nn.init.normal_(p, 0, .15 * (12 / dims[1]) ** .5 if p.ndim > 1 else .5)
    return model.eval()


def noise(*shape, seed=0): return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- the parts against independent ones

@pytest.mark.parametrize("kernel, stride", [((3, 3, 3), 1), ((1, 3, 3), 1), ((3, 1, 1), 1), ((3, 1, 1), 2), ((1, 1, 1), 1), ((2, 3, 3), 1),
                                            ((4, 1, 1), 2)])
def test_causal_conv_is_a_padded_conv3d(kernel, stride):
    conv = CausalConv3d(3, 5, kernel, stride)
    x = noise(2, 3, 8, 6, 7)
    h, w = kernel[1] // 2, kernel[2] // 2
    other = F.conv3d(F.pad(x, (w, w, h, h, kernel[0] - stride, 0)), conv.weight, conv.bias, stride=(stride, 1, 1))
    assert conv(x).shape == other.shape and torch.allclose(conv(x), other, atol=1e-5)


def wan(): return pytest.importorskip("diffusers.models.autoencoders.autoencoder_kl_wan")


def copy_weights(ours, theirs):
    with torch.no_grad():
        for a, b in zip(ours, theirs, strict=True): a.copy_(b.view_as(a))


@pytest.mark.parametrize("kernel, padding", [((3, 3, 3), 1), ((3, 1, 1), (1, 0, 0)), (1, 0)])
def test_equals_wan_causal_conv(kernel, padding):
    theirs = wan().WanCausalConv3d(4, 6, kernel, padding=padding)
    ours = CausalConv3d(4, 6, kernel if isinstance(kernel, tuple) else (1, 1, 1))
    copy_weights([ours.weight, ours.bias], [theirs.weight, theirs.bias])
    x = noise(2, 4, 5, 6, 6)
    assert (ours(x) - theirs(x)).abs().max() <= 1e-5
    cache = {}
    ours(x[:, :, :3], cache)
    if ours.n_past: assert (ours(x[:, :, 3:], cache) - theirs(x[:, :, 3:], x[:, :, 1:3])).abs().max() <= 1e-5, "their cache is ours"


def test_equals_wan_rms_norm():
    theirs = wan().WanRMS_norm(6, images=False)
    ours = RMSNorm(6)
    with torch.no_grad(): theirs.gamma.copy_(noise(6, 1, 1, 1))
    copy_weights([ours.gain], [theirs.gamma])
    x = noise(2, 6, 3, 4, 4) * 5
    assert (ours(x) - theirs(x)).abs().max() <= 1e-5


def test_equals_wan_downsampling_in_space_and_time():
    "Theirs takes the first frame apart; after it, with that frame as the past, both are the same"
    theirs = wan().WanResample(6, "downsample3d")
    space = HalfSize(6, 6)
    time = HalfTime(6)
    copy_weights([space.conv.weight, space.conv.bias, time.weight, time.bias],
                 [theirs.resample[1].weight, theirs.resample[1].bias, theirs.time_conv.weight, theirs.time_conv.bias])
    x = noise(2, 6, 9, 8, 8)
    kept = [None]
    theirs(x[:, :, :1], kept, [0])
    expected = theirs(x[:, :, 1:], kept, [0])
    cache = {time: space(x[:, :, :1])}
    assert (time(space(x[:, :, 1:]), cache) - expected).abs().max() <= 1e-5
    flat = wan().WanResample(6, "downsample2d")
    copy_weights([space.conv.weight, space.conv.bias], [flat.resample[1].weight, flat.resample[1].bias])
    assert (space(x) - flat(x)).abs().max() <= 1e-5


def test_equals_wan_upsampling_in_space_and_time():
    theirs = wan().WanResample(6, "upsample3d", 4)
    time = DoubleTime(6)
    space = DoubleSize(6, 4)
    copy_weights([space.conv.weight, space.conv.bias, time.conv.weight, time.conv.bias],
                 [theirs.resample[1].weight, theirs.resample[1].bias, theirs.time_conv.weight, theirs.time_conv.bias])
    x = noise(2, 6, 5, 4, 4)
    kept = ["Rep"]
    cache = {}
    for part in (x[:, :, :3], x[:, :, 3:]):
        assert (space(time(part, cache)) - theirs(part, kept, [0])).abs().max() <= 1e-5


def test_equals_wan_residual_block():
    "Theirs has full kernels; ours are full ones with zeros where they do not look"
    theirs = wan().WanResidualBlock(6, 6)
    ours = CausalBlock(6)
    for p in ours.parameters(): nn.init.normal_(p, 0, .3)
    with torch.no_grad():
        for p in theirs.parameters(): p.zero_()
        theirs.norm1.gamma.copy_(ours.norm_space.gain.view_as(theirs.norm1.gamma))
        theirs.norm2.gamma.copy_(ours.norm_time.gain.view_as(theirs.norm2.gamma))
        theirs.conv1.weight[:, :, 2] = ours.space.weight[:, :, 0]
        theirs.conv2.weight[..., 1, 1] = ours.time.weight[..., 0, 0]
        theirs.conv1.bias.copy_(ours.space.bias)
        theirs.conv2.bias.copy_(ours.time.bias)
    x = noise(2, 6, 5, 6, 6)
    assert (ours(x) - theirs(x)).abs().max() <= 1e-5


# --- no future

@pytest.mark.parametrize("first", range(1, 16))
def test_no_latent_sees_a_later_frame(first):
    model = small()
    video = noise(1, 3, 16, 16, 24).clamp(-1, 1)
    changed = video.clone()
    changed[:, :, first:] = noise(1, 3, 16 - first, 16, 24, seed=1).clamp(-1, 1)
    moved = (model.encode(changed) - model.encode(video)).abs().amax((0, 1, 3, 4))
    k = first // 4                                  # the group of the first frame that changed
    assert moved[:k].eq(0).all() and moved[k] > 0


@pytest.mark.parametrize("first", range(1, 4))
def test_no_frame_is_drawn_from_later_latents(first):
    model = small()
    latents = noise(1, 4, 4, 2, 3)
    changed = latents.clone()
    changed[:, :, first:] += 1
    moved = (model.decode(changed) - model.decode(latents)).abs().amax((0, 1, 3, 4))
    assert moved[:4 * first].eq(0).all() and moved[4 * first:4 * first + 4].gt(0).all()


def test_the_past_is_seen():
    "Each layer over time hands something on: the first frame reaches the second group"
    model = small()
    video = noise(1, 3, 8, 16, 16).clamp(-1, 1)
    changed = video.clone()
    changed[:, :, 3] *= -1
    assert (model.encode(changed) - model.encode(video)).abs()[:, :, 1].max() > 1e-4


@pytest.mark.parametrize("parts", [(4, 4, 4, 4), (8, 8), (4, 12), (12, 4)])
@pytest.mark.parametrize("widths", [(8, 12, 16), (64, 128, 192)])
def test_in_pieces_to_the_bit(parts, widths):
    "Small or as shipped: PyTorch chooses other kernels, and other orders of sums, for other sizes"
    model = small(dims=widths)
    video = noise(2, 3, 16, 24, 16).clamp(-1, 1)
    whole = model.encode(video)
    cache = {}
    pieces = torch.cat([model.encode(part, cache) for part in video.split(parts, 2)], 2)
    assert torch.equal(pieces, whole)
    cache = {}
    drawn = torch.cat([model.decode(part, cache) for part in whole.split([n // 4 for n in parts], 2)], 2)
    assert torch.equal(drawn, model.decode(whole))
    with torch.no_grad(): at_once, drawn_at_once = model.posterior(video)[0], model.draw(whole)
    assert torch.allclose(whole, at_once, atol=1e-3, rtol=1e-3) and torch.allclose(drawn, drawn_at_once, atol=1e-3, rtol=1e-3)


def test_a_picture_is_a_clip_of_one_frame():
    model = small()
    picture = noise(2, 3, 1, 16, 16).clamp(-1, 1)
    assert torch.equal(model.encode(picture), model.encode(picture.expand(-1, -1, 4, -1, -1)))


@pytest.mark.parametrize("h, w, f", [(8, 8, 4), (16, 64, 8), (128, 8, 20)])
def test_any_size_that_can_be_halved(h, w, f):
    model = small()
    video = noise(1, 3, f, h, w)
    assert model.encode(video).shape == (1, 4, f // 4, h // 8, w // 8) and model.decode(model.encode(video)).shape == video.shape


# --- what cannot be

@pytest.mark.parametrize("shape, parts", [
    ((1, 3, 6, 16, 16), ["6 frames", "take 4"]), ((1, 3, 3, 16, 16), ["3 frames"]), ((1, 3, 0, 16, 16), ["0 frames"]),
    ((1, 3, 8, 20, 16), ["16x20", "multiples of 8"]), ((1, 3, 8, 0, 16), ["multiples of 8"]), ((1, 4, 8, 16, 16), ["b 3 f h w"]),
    ((3, 8, 16, 16), ["b 3 f h w"])])
def test_clips_that_it_cannot_take(shape, parts):
    said = sentence(small().encode, torch.zeros(shape))
    assert all(part in said for part in parts)


@pytest.mark.parametrize("shape", [(1, 16, 4, 2, 2), (4, 4, 2, 2)])
def test_latents_of_another_autoencoder(shape):
    assert "not of this autoencoder" in sentence(small().decode, torch.zeros(shape))


@pytest.mark.parametrize("settings", [dict(latent_dim=0), dict(dims=(8, 8)), dict(dims=(8, 0, 8))])
def test_settings_that_cannot_be(settings):
    sentence(AutoencoderConfig, **settings)


# --- learning

def test_the_loss_reaches_every_weight_and_one_batch_is_learnt():
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderConfig(8, (16, 24, 32), 1, 1))
    video = WorldData(World("full"), 2)(0)
    video = (video[0][:, :, :, ::2, ::2], video[1])
    config = TrainConfig(steps=60, optimizer="muon", precision="fp32", save_every_minutes=None, ema=.9)
    before = psnr(model.decode(model.encode(video[0])), video[0]).mean()
    trainer = Trainer(model, make_autoencoder_loss(), lambda step: video, config)
    trainer.fit(progress=False)
    assert not missing_gradients(model)
    after = psnr(trainer.ema.model.decode(trainer.ema.model.encode(video[0])), video[0]).mean()
    assert trainer.history[-1]["loss"] < trainer.history[0]["loss"] / 2 and after > before + 6


def test_terms_of_the_loss():
    a, b = noise(2, 3, 4, 8, 8), noise(2, 3, 4, 8, 8, seed=1)
    assert gradient_loss(a, a + 1) < 1e-6 < gradient_loss(a, b)
    mean, log_variance = noise(1000), noise(1000, seed=1)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, (log_variance / 2).exp()), normal(0, 1)).mean()
    assert torch.isclose(kl_loss(mean, log_variance), expected, rtol=1e-4)
    model = small()
    batch = (a.clamp(-1, 1),)
    def total(**weights):
        nothing = dict(absolute=0, squared=0, gradient=0, kl=0)
        return make_autoencoder_loss(LossWeights(**nothing | weights))(model, batch, torch.Generator().manual_seed(0)).item()
    one = sum(total(**{name: weight}) for name, weight in asdict(LossWeights()).items())
    assert one == pytest.approx(make_autoencoder_loss()(model, batch, torch.Generator().manual_seed(0)).item(), rel=1e-5)


def test_psnr_is_the_usual_one():
    from skimage.metrics import peak_signal_noise_ratio
    a, b = noise(3, 3, 4, 8, 8).clamp(-1, 1), noise(3, 3, 4, 8, 8, seed=1).clamp(-1, 1)
    expected = [peak_signal_noise_ratio(y.numpy(), x.numpy(), data_range=2) for x, y in zip(a, b)]
    assert np.allclose(psnr(a, b).numpy(), expected, atol=1e-3)
    assert torch.equal(psnr(a * 9, b), psnr((a * 9).clamp(-1, 1), b)), "what is too bright is cut first"


def test_pca_is_that_of_scikit_learn():
    from einops import rearrange
    from sklearn.decomposition import PCA
    videos = WorldData(World("full"), 24)(0)[0]
    mean, directions = fit_pca(videos)
    blocks = rearrange(videos, "b c (f t) (h p) (w q) -> (b f h w) (t p q c)", t=4, p=8, q=8).numpy()
    other = PCA(16).fit(blocks)
    error = ((other.inverse_transform(other.transform(blocks)) - blocks) ** 2).mean()
    assert ((pca_copy(videos, mean, directions, 16) - videos) ** 2).mean().item() == pytest.approx(error, rel=1e-3)


def test_variants_are_a_function_of_the_step():
    data = VariedData(WorldData(World("full"), 4), seed=3)
    first = data(5)
    assert torch.equal(first[0], data(5)[0]) and not torch.equal(first[0], data(6)[0]) and first[1] == data(5)[1]
    assert data(5, (1, 2))[0].shape[0] == 2 and first[0].abs().max() <= 1
    clip = WorldData(World("full"), 1)(0)[0]
    still = vary(clip, np.random.default_rng(0), most=0)
    assert still.shape == clip.shape and torch.allclose(still.mean(), clip.mean(), atol=1e-5), "no pixel is made up"


def test_latents_are_normalized():
    model = small()
    data = WorldData(World("full"), 4)
    fit_latents(model, data, batches=4)
    with torch.no_grad(): latents = torch.cat([model.encode(data(step)[0]) for step in range(4)])
    assert latents.mean((0, 2, 3, 4)).abs().max() < 1e-3 and (latents.std((0, 2, 3, 4)) - 1).abs().max() < 1e-3


# --- weights

def test_saved_and_loaded(tmp_path):
    model = small()
    fit_latents(model, WorldData(World("full"), 2), batches=1)
    save_autoencoder(model, tmp_path / "one", half=False, steps=3)
    back = load_autoencoder(tmp_path / "one")
    video = noise(1, 3, 4, 16, 16)
    assert torch.equal(back.encode(video), model.encode(video)) and not any(p.requires_grad for p in back.parameters())
    assert len(back.weights_hash) == 64 and json.loads((tmp_path / "one" / "config.json").read_text())["steps"] == 3


def test_what_is_no_autoencoder(tmp_path):
    assert "nowhere" in sentence(load_autoencoder, tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="kind"): load_autoencoder("tiny")
    save_autoencoder(small(), tmp_path / "one")
    config = json.loads((tmp_path / "one" / "config.json").read_text())
    (tmp_path / "one" / "config.json").write_text(json.dumps(config | dict(autoencoder=dict(latent_dim=8, dims=[8, 12, 16]))))
    with pytest.raises(CheckpointError): load_autoencoder(tmp_path / "one")
    (tmp_path / "one" / "config.json").write_text(json.dumps(config | dict(autoencoder=dict(colour=3))))
    with pytest.raises(CheckpointError, match="how to build"): load_autoencoder(tmp_path / "one")


@shipped
def test_what_ships_makes_good_copies():
    "Of pictures and scenes that it never saw, and better by far than a linear map"
    model = load_autoencoder()
    emoji = open_sequence(root / "data" / "emoji", 16, 64, split="held-out-names")
    clips = stack_clips([emoji[i][0] for i in range(0, len(emoji), 6)])
    world = WorldData(World("full"), 12, seed=7, split="held-out-combinations")(0)[0]
    found = {name: psnr(model.decode(model.encode(some)), some).mean().item() for name, some in (("emoji", clips), ("full", world))}
    promised = json.loads((root / "t2v_learn" / "weights" / "autoencoder" / "config.json").read_text())["decibels"]
    assert all(found[name] > promised[name]["mean"] - 1.5 for name in found), found


@pytest.mark.slow
def test_the_script_trains_and_goes_on(tmp_path):
    line = [sys.executable, str(root / "nbs" / "tools" / "train_autoencoder.py"), str(tmp_path), "--batch", "2", "--unseen", "2"]
    first = subprocess.run([*line, "--minutes", "0.05"], capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    one = json.loads(first.stdout.splitlines()[-1])
    more = one["minute"] + .2                                     # a slow machine's first step may have taken longer than its budget
    again = subprocess.run([*line, "--minutes", str(more)], capture_output=True, text=True)
    two = json.loads(again.stdout.splitlines()[-1])
    assert two["step"] > one["step"] >= 1 and load_autoencoder(tmp_path / "model").config.latent_dim == 16


def test_a_forgiving_decoder_learns_from_noisy_latents():
    model = small().requires_grad_(True)
    model.encoder.requires_grad_(False)
    video = torch.rand(2, 3, 8, 16, 16) * 2 - 1
    def loss(most): return train_autoencoder.forgiving_loss(most)(model, (video,), torch.Generator().manual_seed(0))
    loss(.5).backward()
    assert all(p.grad is None for p in model.encoder.parameters()) and all(p.grad is not None for p in model.decoder.parameters())
    copy = model.draw(model.posterior(video)[0])
    difference = copy - video
    clean = (difference.abs() + 5 * difference**2).mean() + .5 * gradient_loss(copy, video)
    assert loss(0).item() == pytest.approx(clean.item(), rel=1e-5)
    assert loss(.5).item() != loss(0).item()


def test_a_folder_of_that_name_does_not_stand_in_the_way(tmp_path, monkeypatch):
    shipped = load_autoencoder().weights_hash
    monkeypatch.chdir(tmp_path)
    save_autoencoder(small(), tmp_path / "autoencoder")
    assert load_autoencoder().weights_hash == shipped != load_autoencoder(tmp_path / "autoencoder").weights_hash


def test_what_is_too_bright_is_cut_in_both():
    x = 3 * torch.rand(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0)) - 1
    assert psnr(x, x).min() > 100


def test_latents_of_one_place_say_nothing():
    model = Autoencoder(AutoencoderConfig(dims=(4, 4, 4)))
    assert "look at more or larger clips" in sentence(fit_latents, model, lambda step: (torch.rand(1, 3, 4, 8, 8), None), 1)
    fit_latents(model, lambda step: (torch.rand(2, 3, 4, 8, 8), None), 2)
    assert model.latent_std.isfinite().all()
