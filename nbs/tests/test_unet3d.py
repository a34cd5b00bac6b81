"The U-Net: shapes, gradients, what the prompt changes and what must not matter, and that pictures stay apart"
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from denoisers import SMALL, clips, small_unet, states, without_gradient

from t2v_learn.core import InputError, shipped_folder
from t2v_learn.diffusion.blocks import CrossAttention, SpaceTimeAttention, TemporalAttention, receptive_field
from t2v_learn.diffusion.unet3d import (TextConditioner, UNet3D, UNetConfig, UNetStage, activations_figure, block_flops, block_times,
                                        block_times_figure, cut_skips, limit_norm, patchify, record_activations, record_attention,
                                        unet_figure, unpatchify, word_map_figure)
from t2v_learn.judge.evaluate import eval_set
from t2v_learn.text.bert import TextStates
from t2v_learn.training.pipeline import VideoGenerator
from t2v_learn.video.world import World

LOG_SNR = torch.tensor([0., -5.])
WITHOUT = torch.tensor([False, False])


@pytest.fixture(scope="module")
def unet(): return small_unet()


@pytest.fixture(scope="module")
def prediction(unet):
    with torch.no_grad(): return unet(clips(), LOG_SNR, states())


# --- its numbers

def test_the_config_refuses_levels_that_do_not_fit_and_takes_lists():
    with pytest.raises(InputError, match="one entry for each level"): UNetConfig(widths=(16, 32))
    config = UNetConfig(widths=[16, 32], temporal=[True] * 2, cross_attention=[True] * 2, spacetime_attention=[True] * 2)
    assert config.widths == (16, 32) and config.multiple == 4
    assert UNetConfig().multiple == 8 and UNetConfig(patch_size=4).multiple == 16


def test_shipped_weights_fit_the_default_network():
    from t2v_learn.training.checkpoint import load_weights
    weights, config = load_weights(shipped_folder("tiny"))
    assert UNetConfig(**config["denoiser"]["unet"]) == UNetConfig()
    names = {name.removeprefix("unet."): tuple(value.shape) for name, value in weights.items() if name.startswith("unet.")}
    assert names == {name: tuple(value.shape) for name, value in UNet3D().state_dict().items()}


def test_the_outer_layers_exist(unet):
    "Muon leaves them to Adam; a name that does not exist would be an error only in training"
    for name in unet.outer_layers: assert any(p.ndim == 4 for p in unet.get_submodule(name).parameters())


# --- patches

@pytest.mark.parametrize("patch_size", [1, 2, 4])
def test_patchify_is_pixel_unshuffle_and_unpatchify_its_inverse(patch_size):
    video = clips(f=3)
    patches = patchify(video, patch_size)
    assert patches.shape == (6, 3 * patch_size**2, 16 // patch_size, 16 // patch_size)
    assert torch.equal(patches, F.pixel_unshuffle(video.transpose(1, 2).flatten(0, 1), patch_size))
    assert torch.equal(unpatchify(patches, 2, patch_size), video)


# --- text

def test_the_null_embedding_is_one_word_and_the_same_for_all_prompts():
    torch.manual_seed(0)
    conditioner = TextConditioner(24, 16, 32)
    context, mask, cond = conditioner(states(), torch.tensor([True, False]))
    assert context.shape == (2, 6, 16) and cond.shape == (2, 32)
    assert mask.tolist() == [[True] * 4 + [False] * 2, [True] + [False] * 5]
    for a, b in zip(conditioner(states(), WITHOUT), conditioner(states(seed=5), WITHOUT)): assert torch.equal(a, b)


def test_the_conditioner_whitens():
    torch.manual_seed(0)
    conditioner = TextConditioner(24, 16, 32)
    text = states()
    plain = conditioner(text, ~WITHOUT)
    conditioner.token_mean.fill_(1.)
    conditioner.pooled_mean.fill_(2.)
    conditioner.token_whitening.copy_(3 * torch.eye(24))
    conditioner.pooled_whitening.copy_(4 * torch.eye(24))
    back = TextStates(text.tokens / 3 + 1, text.mask, text.pooled / 4 + 2)
    for a, b in zip(conditioner(back, ~WITHOUT), plain): torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_states_of_words_that_were_never_seen_are_shortened_and_no_others():
    x = torch.randn(2, 5, 384, generator=torch.Generator().manual_seed(0))
    assert torch.equal(limit_norm(x), x) and torch.equal(limit_norm(torch.zeros(1, 4)), torch.zeros(1, 4))
    far = limit_norm(12 * x)
    torch.testing.assert_close(far.norm(dim=-1), torch.full((2, 5), 3 * 384**.5))
    torch.testing.assert_close(F.cosine_similarity(far, x, -1), torch.ones(2, 5))
    torch.manual_seed(0)
    conditioner = TextConditioner(24, 16, 32)
    text = states()
    grown = [TextStates(times * text.tokens, text.mask, times * text.pooled) for times in (1, 50, 500)]
    mild, strong, stronger = (conditioner(one, ~WITHOUT) for one in grown)
    for a, b, c in zip(mild, strong, stronger):
        torch.testing.assert_close(b, c, rtol=1e-4, atol=1e-5)
        assert a.dtype == torch.bool or not torch.equal(a, b)


@pytest.mark.parametrize("model", ["tiny", "full"])
def test_no_caption_of_the_training_is_shortened(model):
    shipped = VideoGenerator.from_pretrained(model, device="cpu", precision="fp32")
    conditioner = shipped.denoiser.unet.text_conditioner
    text = shipped.encoder(eval_set(World(model), "seen", 200, 11)[1])
    for states_of, part in ((text.tokens[text.mask], "token"), (text.pooled, "pooled")):
        white = (states_of - getattr(conditioner, f"{part}_mean")) @ getattr(conditioner, f"{part}_whitening")
        assert torch.equal(limit_norm(white), white)


@pytest.mark.parametrize("other", ["tokens", "pooled"])
def test_both_ways_of_the_prompt_arrive_in_every_frame(unet, prediction, other):
    text = states()
    swapped = states(seed=5)
    mixed = replace(text, **{other: getattr(swapped, other)})
    with torch.no_grad(): changed = unet(clips(), LOG_SNR, mixed) - prediction
    assert changed.abs().amax((1, 3, 4)).min() > 1e-3


def test_padding_neighbours_and_a_prompt_taken_away_do_not_matter(unet, prediction):
    text = states()
    junk = TextStates(text.tokens.masked_fill(~text.mask[..., None], 7.), text.mask, text.pooled)
    first = TextStates(text.tokens[:1], text.mask[:1], text.pooled[:1])
    with torch.no_grad():
        torch.testing.assert_close(unet(clips(), LOG_SNR, junk), prediction, rtol=0, atol=1e-5)
        torch.testing.assert_close(unet(clips()[:1], LOG_SNR[:1], first), prediction[:1], rtol=0, atol=1e-4)
        without = unet(clips(), LOG_SNR, text, WITHOUT)
        assert torch.equal(without, unet(clips(), LOG_SNR, states(seed=5), WITHOUT))
        assert not torch.allclose(without, prediction, atol=.01)


def test_the_noise_level_matters(unet, prediction):
    with torch.no_grad(): assert not torch.allclose(unet(clips(), LOG_SNR + 2, states()), prediction, atol=.01)


# --- shapes

def test_an_untrained_network_predicts_zero_and_the_same_seed_makes_the_same_network():
    torch.manual_seed(3)
    one = UNet3D(UNetConfig(**SMALL))
    torch.manual_seed(3)
    two = UNet3D(UNetConfig(**SMALL))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values()))
    with torch.no_grad(): assert not one(clips(), LOG_SNR, states()).any()


def test_a_stage_has_the_blocks_that_its_level_asks_for():
    config = UNetConfig(**SMALL)
    blocks = [{name for name, block in UNetStage(16, 32, config, level).named_children() if block is not None} for level in range(3)]
    assert blocks[0] == {"res_block"}
    assert blocks[1] == blocks[0] | {"temporal_conv", "cross_attention", "temporal_attention"}
    assert blocks[2] == blocks[1] | {"spacetime_attention"}


@pytest.mark.parametrize("f, h, w", [(1, 16, 16), (5, 16, 24), (9, 8, 8)])
def test_any_length_and_any_multiple_of_the_smallest_size(unet, f, h, w):
    with torch.no_grad(): assert unet(torch.randn(2, 3, f, h, w), LOG_SNR, states()).shape == (2, 3, f, h, w)


@pytest.mark.parametrize("h, w", [(12, 16), (16, 30), (7, 7)])
def test_other_sizes_are_refused(unet, h, w):
    with pytest.raises(InputError, match=f"{h}x{w}.*multiples of 8"): unet(torch.randn(2, 3, 4, h, w), LOG_SNR, states())


def test_a_network_without_levels_below(unet):
    flat = small_unet(widths=(16,), temporal=(True,), cross_attention=(False,), spacetime_attention=(False,))
    with torch.no_grad(): assert flat(torch.randn(2, 3, 4, 6, 6), LOG_SNR, states()).shape == (2, 3, 4, 6, 6)


def test_bf16_comes_back_as_float32(unet, prediction):
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16): rounded = unet(clips(), LOG_SNR, states())
    assert rounded.dtype == torch.float32 and (rounded - prediction).abs().mean() < .05 * prediction.abs().mean()


# --- what it records

def test_activations_are_recorded_and_hooks_removed(unet, prediction):
    with torch.no_grad(), record_activations(unet) as outputs: watched = unet(clips(), LOG_SNR, states())
    assert torch.equal(watched, prediction)
    shapes = {name: tuple(x.shape[1:]) for name, x in outputs.items()}
    assert shapes == {"conv_in": (16, 8, 8), "down.0": (16, 8, 8), "down.1": (32, 4, 4), "down.2": (32, 2, 2), "mid": (32, 2, 2),
                      "up.0": (32, 2, 2), "up.1": (32, 4, 4), "up.2": (16, 8, 8), "conv_out": (12, 8, 8)}
    outputs.clear()
    with torch.no_grad(): unet(clips(), LOG_SNR, states())
    assert not outputs


def test_attention_weights_are_recorded_and_leave_padding_out(unet, prediction):
    with torch.no_grad(), record_attention(unet) as weights: watched = unet(clips(), LOG_SNR, states())
    assert torch.equal(watched, prediction) and list(weights) == ["down.1", "down.2", "mid", "up.0", "up.1"]
    assert weights["up.0"].shape == (2, 2, 4 * 2 * 2, 6) and not weights["up.0"][0, :, :, 4:].any()
    for w in weights.values(): torch.testing.assert_close(w.sum(-1), torch.ones(w.shape[:-1]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind, stages, shape", [
    (CrossAttention, ["down.1", "down.2", "mid", "up.0", "up.1"], (2, 2, 4 * 2 * 2, 6)),
    (TemporalAttention, ["down.1", "down.2", "mid", "up.0", "up.1"], (2 * 2 * 2, 2, 4, 4)),
    (SpaceTimeAttention, ["down.2", "mid", "up.0"], (2, 2, 4 * 2 * 2, 4 * 2 * 2))])
def test_each_kind_of_attention_is_recorded_and_its_rows_sum_to_one(unet, prediction, kind, stages, shape):
    with torch.no_grad(), record_attention(unet, kind) as weights: watched = unet(clips(), LOG_SNR, states())
    assert torch.equal(watched, prediction) and list(weights) == stages and weights["up.0"].shape == shape
    for w in weights.values(): torch.testing.assert_close(w.sum(-1), torch.ones(w.shape[:-1]), rtol=0, atol=1e-5)
    weights.clear()
    with torch.no_grad(): unet(clips(), LOG_SNR, states())
    assert not weights                                                                     # the hooks are gone


@pytest.mark.parametrize("level", range(3))
def test_each_skip_connection_can_be_cut_and_is_used(unet, prediction, level):
    "Cut at a level, only the stages from there on differ; afterwards all is as before"
    with torch.no_grad():
        with record_activations(unet) as whole: unet(clips(), LOG_SNR, states())
        with cut_skips(unet, (level,)) as same, record_activations(unet) as without: cut = unet(clips(), LOG_SNR, states())
        assert same is unet and not torch.allclose(cut, prediction, atol=.01)
        changed = [name for name in whole if not torch.equal(whole[name], without[name])]
        assert changed == [f"up.{i}" for i in range(2 - level, 3)] + ["conv_out"]
        assert torch.equal(unet(clips(), LOG_SNR, states()), prediction)


def test_a_cut_skip_is_mended_after_an_error(unet, prediction):
    with pytest.raises(InputError), cut_skips(unet, (0, 1, 2)): unet(torch.randn(2, 3, 4, 12, 16), LOG_SNR, states())
    with torch.no_grad(): assert torch.equal(unet(clips(), LOG_SNR, states()), prediction)


# --- figures

@pytest.fixture(scope="module")
def stages(unet):
    with torch.no_grad(), record_activations(unet) as outputs: unet(clips(), LOG_SNR, states())
    return outputs


def test_the_unet_figure_says_where_noise_level_and_words_enter(unet, stages):
    figure = unet_figure(unet, stages)
    ax, = figure.axes
    said = " ".join(text.get_text() for text in ax.texts)
    for words in ("noise level", "prompt as a whole", "number of the frame", "cross-attention", "skip connection",
            "mid: 32×2×2"): assert words in said, words
    boxes = [artist.patch.get_edgecolor()[:3] for artist in ax.artists]
    assert len(boxes) == len(stages) and len(set(boxes)) == 2
    assert sum(box == max(set(boxes), key=boxes.count)
            for box in boxes) == 5               # the stages with cross-attention have an orange frame
    figure.canvas.draw()


def test_the_activations_figure_has_a_row_per_stage_and_the_channels_that_vary_most_first():
    maps = torch.zeros(2, 5, 4, 4)
    maps[1, 2, 0, 0] = 9.                           # varies most
    maps[1, 4, 1] = 1.
    figure = activations_figure({"a": maps, "b": maps[:, :2]}, picture=1, n_channels=3)
    assert len(figure.axes) == 2 and [len(ax.images) for ax in figure.axes] == [3, 2] and figure.axes[0].texts[0].get_text() == "a"
    first, second = (image.get_array() for image in figure.axes[0].images[:2])
    assert first[0, 0] == 1 and first.sum() == 1 and second[1].min() == 1                   # each by its own largest value
    figure.canvas.draw()


def test_the_word_map_figure_pairs_each_clip_with_its_map():
    figure = word_map_figure(torch.zeros(2, 3, 4, 8, 8), torch.rand(2, 4, 2, 2), ["early", "late"])
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    assert len(panels) == 2 * 2 * 4 and [ax.get_ylabel() for ax in panels if ax.get_ylabel()] == ["early", "late"]
    assert all(ax.images[0].get_clim() == (0, 1) for ax in panels[4:8])                     # one scale for all maps
    figure.canvas.draw()


# --- where the time goes

def test_block_times_add_up_to_the_step_and_flops_to_what_is_counted():
    unet = small_unet()
    optimizer = torch.optim.SGD(unet.parameters(), lr=1e-3)
    def step():
        optimizer.zero_grad()
        unet(clips(), LOG_SNR, states()).square().mean().backward()
        optimizer.step()
    step()
    before = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in unet.modules()]
    seconds = block_times(unet, step)
    blocks = {"SpatialResBlock", "TemporalConv", "SpaceTimeAttention", "CrossAttention", "TemporalAttention", "TextConditioner"}
    assert set(seconds) == blocks | {"optimizer", "rest"}
    assert all(forward > 0 and backward > 0 for name, (forward, backward) in seconds.items() if name in blocks)
    assert seconds["optimizer"][0] > 0 and seconds["rest"][0] > 0 == seconds["rest"][1]
    assert before == [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in unet.modules()]
    flops = block_flops(unet, lambda: unet(clips(), LOG_SNR, states()))
    assert set(flops) == blocks | {"rest"} and flops["rest"] > 0
    blocks_of_temporal = [module for module in unet.modules() if type(module).__name__ == "TemporalConv"]
    pixels = [2 * 4 * side**2 for side in (4, 2, 2, 2, 4)]                                  # b f h w, in the order of the stages
    by_hand = sum(2 * n * block.proj.weight.numel() for n, block in zip(pixels, [blocks_of_temporal[i] for i in (0, 1, 2, 3, 4)]))
    assert flops["TemporalConv"] == by_hand


def test_the_figure_of_block_times_sorts_and_leaves_out_what_takes_no_time():
    seconds = {"a": (.2, .6), "b": (.1, .3), "small": (.001, .001), "optimizer": (.05, 0.)}
    figure = block_times_figure(seconds, {"a": 8e9, "b": 1e9, "small": 1e9}, pace=2e10)
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["small", "optimizer", "b", "a"]
    assert sum(bar.get_width() for bar in left.patches) == pytest.approx(100)
    assert sorted(bar.get_width() for bar in right.patches) == pytest.approx([1e9 / .4 / 2e10, 8e9 / .8 / 2e10])
    figure.canvas.draw()


# --- gradients

def test_every_parameter_gets_a_gradient_the_null_embedding_included():
    unet = small_unet()
    loss = lambda cond_mask: (unet(clips(), LOG_SNR, states(), cond_mask) - clips(seed=2)).square().mean()
    loss(torch.tensor([True, False])).backward()
    assert without_gradient(unet) == []
    unet.zero_grad()
    loss(None).backward()                              # guidance away from what was never trained: a bug of public code
    assert without_gradient(unet) == ["text_conditioner.null_token", "text_conditioner.null_pooled"]


def test_the_last_layer_learns_first_and_then_all():
    "At the start only the zeroed output layer has a gradient; one step later nothing is left out"
    torch.manual_seed(0)
    unet = UNet3D(UNetConfig(**SMALL))
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-3)
    names = {name for name, _ in unet.named_parameters()}
    for step in range(4):
        optimizer.zero_grad()
        (unet(clips(), LOG_SNR, states(), torch.tensor([True, False])) - clips(seed=2)).square().mean().backward()
        if step == 0: assert {name.split(".")[0] for name in names - set(without_gradient(unet))} == {"conv_out"}
        optimizer.step()
    assert without_gradient(unet) == []


# --- frames

def field(unet, frame, images):
    "Where an output position of a frame looks, `f h w`"
    text = states(b=1)
    def call(x): return unet(x.transpose(0, 1)[None], LOG_SNR[:1], text, images=images)[0].transpose(0, 1)
    return receptive_field(call, clips(b=1)[0].transpose(0, 1), frame=frame)


@pytest.mark.parametrize("frame", range(4))
def test_pictures_leak_nothing_and_frames_of_a_clip_see_all(unet, frame):
    "A mask for what is present leaked in public code, by attention or by statistics that frames share: here the gradient is exactly 0"
    assert (field(unet, frame, images=False) > 0).all()
    alone = field(unet, frame, images=True)
    assert (alone[frame] > 0).all() and alone.sum() == alone[frame].sum()


def test_pictures_have_no_order_and_frames_have(unet, prediction):
    order = torch.tensor([2, 0, 3, 1])
    text = states()
    with torch.no_grad():
        pictures = unet(clips(), LOG_SNR, text, images=True)
        torch.testing.assert_close(unet(clips()[:, :, order], LOG_SNR, text, images=True), pictures[:, :, order], rtol=0, atol=1e-4)
        assert not torch.allclose(unet(clips()[:, :, order], LOG_SNR, text), prediction[:, :, order], atol=.01)


def test_pictures_train_all_but_what_looks_along_time(unet):
    unet = small_unet()
    unet(clips(), LOG_SNR, states(), torch.tensor([True, False]), images=True).square().mean().backward()
    rest = without_gradient(unet)
    assert rest and all("temporal" in name or name.startswith("frame_embedding") for name in rest)
    assert {name.split(".")[0] for name in rest} == {"down", "mid", "up", "frame_embedding"}
