"The video transformer: equal to Wan's at every block, positions that only know distances, a level for each frame, words that count"
import pytest
import torch
from refusals import sentence
from torch import nn

from t2v_learn.latent.transformer import (TransformerBlock, TransformerConfig, VideoTransformer, attention_maps, copy_wan_weights,
                                          from_tokens, modulate, rotary_angles_3d, to_tokens, transformer_flops)
from t2v_learn.text.attention import MultiHeadAttention, rotate
from t2v_learn.text.bert import TextStates
from t2v_learn.training.loop import missing_gradients


def noise(*shape, seed=0): return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def states(b, n=6, dim=384, seed=0):
    "Of prompts of several lengths"
    mask = torch.arange(n) < torch.arange(n, n - b, -1).clamp(min=1)[:, None]
    tokens = noise(b, n, dim, seed=seed) * mask[..., None]
    return TextStates(tokens, mask, tokens.sum(1) / mask.sum(1, keepdim=True))


SMALL = dict(dim=48, n_heads=2, n_blocks=2, mlp_dim=64, time_dim=32)


def small(seed=0, **settings):
    "With random weights everywhere, so that no path is closed"
    torch.manual_seed(seed)
    model = VideoTransformer(TransformerConfig(**SMALL | settings))
    for p in model.parameters(): nn.init.normal_(p, 0, .1)
    return model.eval()


# --- equal to Wan's

WAN = [dict(num_attention_heads=4, attention_head_dim=32, num_layers=2, text_dim=384, freq_dim=64, ffn_dim=512, in_channels=16,
            out_channels=16),
       dict(num_attention_heads=2, attention_head_dim=24, num_layers=3, text_dim=64, freq_dim=32, ffn_dim=80, in_channels=4, out_channels=4,
            patch_size=(2, 2, 1)),
       dict(num_attention_heads=1, attention_head_dim=14, num_layers=1, text_dim=32, freq_dim=16, ffn_dim=20, in_channels=3, out_channels=3,
            patch_size=(1, 1, 1))]


def both(settings):
    wan = pytest.importorskip("diffusers").WanTransformer3DModel
    torch.manual_seed(1)
    theirs = wan(**settings).eval()
    heads, width = settings["num_attention_heads"], settings["attention_head_dim"]
    config = TransformerConfig(settings["in_channels"], settings.get("patch_size", (1, 2, 2)), heads * width, heads, settings["num_layers"],
                               settings["ffn_dim"], settings["text_dim"], settings["freq_dim"])
    ours = VideoTransformer(config).eval()
    with torch.no_grad():
        for block in theirs.blocks:
            norms = (block.attn1.norm_q, block.attn1.norm_k, block.attn2.norm_q, block.attn2.norm_k, block.norm2)
            for norm in norms: norm.weight.uniform_(.5, 1.5)
    copy_wan_weights(ours, theirs)
    return ours, theirs


def watch(network):
    "The outputs of its blocks"
    found = []
    for block in network.blocks: block.register_forward_hook(lambda module, args, out: found.append(out))
    return found


@pytest.mark.parametrize("settings", WAN, ids=["as in the lesson", "other patches", "one head"])
@pytest.mark.parametrize("grid", [(4, 8, 8), (2, 4, 10)])
def test_equals_wan_after_every_block(settings, grid):
    ours, theirs = both(settings)
    x = noise(2, settings["in_channels"], *grid)
    text = states(2, dim=settings["text_dim"])
    text = TextStates(text.tokens, torch.ones_like(text.mask), text.pooled)       # theirs has no mask
    time = torch.tensor([3., 977.])
    mine, other = watch(ours), watch(theirs)
    with torch.no_grad(): a, b = ours(x, time, text), theirs(x, time, text.tokens).sample
    assert len(mine) == settings["num_layers"] and all((p - q).abs().max() <= 1e-5 for p, q in zip(mine, other, strict=True))
    assert (a - b).abs().max() <= 1e-5 and b.abs().max() > .1


def test_equals_wan_with_a_time_for_each_frame():
    "As Wan 2.2 has it: each token has the time of its frame"
    ours, theirs = both(WAN[0])
    x = noise(1, 16, 3, 4, 4)
    text = states(1)
    times = torch.tensor([[0., 10., 500.]])
    with torch.no_grad(): a, b = ours(x, times, text), theirs(x, times.repeat_interleave(4, 1), text.tokens).sample
    assert (a - b).abs().max() <= 1e-5


def test_angles_equal_wan_positions():
    rope = pytest.importorskip("diffusers.models.transformers.transformer_wan").WanRotaryPosEmbed(64, (1, 1, 1), 1024)
    cos, sin = rope(torch.zeros(1, 1, 5, 6, 7))
    angles = rotary_angles_3d((5, 6, 7), 64)
    assert (angles.cos().repeat_interleave(2, 1) - cos[0, :, 0]).abs().max() < 1e-6
    assert (angles.sin().repeat_interleave(2, 1) - sin[0, :, 0]).abs().max() < 1e-6


# --- tokens and positions

@pytest.mark.parametrize("patch", [(1, 1, 1), (1, 2, 2), (2, 2, 4)])
def test_tokens_and_back(patch):
    x = noise(2, 3, 4, 4, 8)
    tokens = to_tokens(x, patch)
    grid = tuple(n // k for n, k in zip(x.shape[2:], patch))
    volume = patch[0] * patch[1] * patch[2]
    reordered = tokens.unflatten(2, (3, volume)).transpose(2, 3).flatten(2)
    assert torch.equal(from_tokens(reordered, patch, grid), x)
    conv = nn.Conv3d(3, 5, patch, patch)
    linear = tokens @ conv.weight.flatten(1).T + conv.bias
    assert torch.allclose(conv(x).flatten(2).mT, linear, atol=1e-5), "a patch convolution is a linear map"


@pytest.mark.parametrize("shape", [(1, 16, 4, 7, 8), (1, 16, 4, 8, 3)])
def test_patches_that_do_not_fit(shape):
    assert "multiples" in sentence(small(), torch.zeros(shape), torch.zeros(1), states(1))


def test_heads_that_do_not_fit():
    assert "heads" in sentence(TransformerConfig, dim=50, n_heads=4)


@pytest.mark.parametrize("head_dim", [8, 14, 24, 64])
def test_only_distances_count(head_dim):
    angles = rotary_angles_3d((4, 5, 6), head_dim).view(4, 5, 6, -1)
    q, k = noise(2, 1, head_dim).double().unbind(0)
    def product(a, b): return (rotate(q, angles[a][None]) * rotate(k, angles[b][None])).sum()
    for a, b, step in (((0, 0, 0), (1, 1, 1), (2, 3, 4)), ((3, 2, 0), (0, 0, 5), (0, 2, 0))):
        moved = [tuple(i + s for i, s in zip(place, step)) for place in (a, b)]
        assert torch.isclose(product(a, b), product(*moved))
    axes = [product((0, 0, 0), place).item() for place in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0))]
    assert len({round(x, 6) for x in axes}) == 4, "the three directions are told apart"


def test_qk_norm_bounds_the_scores():
    torch.manual_seed(0)
    layer = MultiHeadAttention(32, 2, qk_norm=True)
    x = noise(2, 20, 32)
    assert torch.allclose(layer(x, return_weights=True)[1], layer(100 * x, return_weights=True)[1], atol=1e-4)
    assert "norm_q.weight" in layer.state_dict() and "norm_q.weight" not in MultiHeadAttention(32, 2).state_dict()


# --- the network

def test_it_begins_with_nothing_to_say():
    torch.manual_seed(0)
    model = VideoTransformer(TransformerConfig(**SMALL))
    x, context, mask = noise(2, 9, 48), noise(2, 4, 48), torch.ones(2, 4, dtype=torch.bool)
    block = model.blocks[0]
    assert torch.equal(block(x, context, mask, torch.zeros(1, 1, 6, 48), rotary_angles_3d((1, 3, 3), 24)), x)
    assert model(noise(2, 16, 2, 4, 4), torch.zeros(2), states(2)).abs().max() == 0


def test_modulation_is_the_formula():
    x, shift, scale = noise(2, 5, 8), noise(2, 1, 8), noise(2, 1, 8, seed=1)
    assert torch.equal(modulate(x, shift, scale), x * (1 + scale) + shift)


def test_every_weight_gets_a_gradient():
    model = small()
    keep = torch.tensor([True, False])
    model(noise(2, 16, 2, 4, 4), torch.tensor([-3., 2.]), states(2), keep).square().mean().backward()
    assert not missing_gradients(model)


def test_every_token_sees_every_other():
    model = small()
    x = noise(1, 16, 2, 4, 4).requires_grad_()
    model(x, torch.zeros(1), states(1))[0, 0, 0, 0, 0].backward()
    assert (x.grad[0].abs().amax(0) > 0).all()


def test_words_count_and_padding_does_not():
    model = small()
    x = noise(2, 16, 2, 4, 4)
    text = states(2)
    out = model(x, torch.zeros(2), text)
    assert (model(x, torch.zeros(2), states(2, seed=5)) - out).abs().max() > 1e-3
    padded = TextStates(nn.functional.pad(text.tokens, (0, 0, 0, 4), value=9.0), nn.functional.pad(text.mask, (0, 4)), text.pooled)
    assert (model(x, torch.zeros(2), padded) - out).abs().max() < 1e-5
    order = TextStates(text.tokens.flip(0), text.mask.flip(0), text.pooled)
    assert (model(x, torch.zeros(2), order) - out).abs().max() > 1e-3, "words alone, with the same pooled vector"
    pooled = TextStates(text.tokens, text.mask, text.pooled.flip(0))
    assert (model(x, torch.zeros(2), pooled) - out).abs().max() > 1e-3, "the pooled vector alone"


def test_without_a_prompt_no_prompt_counts():
    model = small()
    x = noise(2, 16, 2, 4, 4)
    none = torch.zeros(2, dtype=torch.bool)
    assert torch.allclose(model(x, torch.zeros(2), states(2), none), model(x, torch.zeros(2), states(2, seed=3), none), atol=1e-6)


def test_a_level_for_each_frame():
    model = small()
    x = noise(2, 16, 3, 4, 4)
    same = torch.tensor([-2., 1.])
    assert torch.allclose(model(x, same, states(2)), model(x, same[:, None].expand(2, 3), states(2)), atol=1e-5)
    other = same[:, None].repeat(1, 3)
    other[:, 1] += 3
    moved = (model(x, other, states(2)) - model(x, same, states(2))).abs().amax((0, 1, 3, 4))
    assert moved[1] > moved[0] and moved[1] > moved[2]


def test_rows_of_a_batch_do_not_meet():
    model = small()
    x = noise(3, 16, 2, 4, 4)
    text = states(3)
    def row(i): return TextStates(text.tokens[i:i + 1], text.mask[i:i + 1], text.pooled[i:i + 1])
    alone = [model(x[i:i + 1], torch.tensor([float(i)]), row(i)) for i in range(3)]
    assert torch.allclose(torch.cat(alone), model(x, torch.arange(3.), text), atol=1e-5)


@pytest.mark.parametrize("grid", [(4, 4, 4), (8, 4, 8)])
def test_flops_are_those_that_pytorch_counts(grid, monkeypatch):
    from torch.utils.flop_counter import FlopCounterMode
    monkeypatch.setattr("t2v_learn.text.attention._FUSED_ABOVE", 10**6)     # the fused function is not counted
    config = TransformerConfig(dim=64, n_heads=2, n_blocks=3, mlp_dim=96)
    model = VideoTransformer(config)
    x = noise(1, 16, grid[0], 2 * grid[1], 2 * grid[2])
    text = states(1, n=16)
    with FlopCounterMode(display=False) as counter, torch.no_grad(): model(x, torch.zeros(1), text)
    each = counter.get_flop_counts()
    blocks = sum(sum(counts.values()) for name, counts in each.items() if name.count(".") == 2 and ".blocks." in name)
    assert sum(transformer_flops(config, grid).values()) == pytest.approx(blocks, rel=.02)


def test_a_block_alone():
    block = TransformerBlock(16, 2, 32)
    out = block(noise(2, 8, 16), noise(2, 3, 16), torch.ones(2, 3, dtype=torch.bool), noise(2, 8, 6, 16), rotary_angles_3d((2, 2, 2), 8))
    assert out.shape == (2, 8, 16) and out.isfinite().all()


@pytest.mark.parametrize("block", [0, 1])
def test_attention_maps_are_the_weights_that_are_used(block):
    torch.manual_seed(0)
    model = VideoTransformer(TransformerConfig(dim=32, n_heads=2, n_blocks=2, mlp_dim=32))
    for p in model.parameters(): nn.init.normal_(p, 0, .2)
    x, text = noise(1, 16, 4, 8, 8), states(1, n=5)
    before = model(x, torch.zeros(1), text)
    tokens, words = attention_maps(model, x, torch.zeros(1), text, block)
    assert tokens.shape == (64, 64) and words.shape[0] == 64
    assert torch.allclose(tokens.sum(1), torch.ones(64), atol=1e-5) and torch.allclose(words.sum(1), torch.ones(64), atol=1e-5)
    assert torch.equal(model(x, torch.zeros(1), text), before), "asking leaves nothing behind"
    assert words[:, ~text.mask[0]].abs().max() == 0 if (~text.mask).any() else True
