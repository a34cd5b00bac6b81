"The blocks of the video network: what each computes, beside PyTorch's and diffusers' own, and what each can see"
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from t2v_learn.diffusion.blocks import (CrossAttention, SpaceTimeAttention, SpatialResBlock, TemporalAttention, TemporalConv, group_norm,
                                        position_embedding_2d, randomize_zeros, receptive_field, receptive_field_figure,
                                        timestep_embedding, zero_module)

DIM = 32
FRAMES = 4
COND = torch.randn(FRAMES, 8, generator=torch.Generator().manual_seed(1))
WORDS = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(2))
MASK = torch.tensor([[True] * 4 + [False] * 2])
BLOCKS = {   # name: how to make it, how to call it on one clip of FRAMES frames
    "SpatialResBlock": (lambda: SpatialResBlock(DIM, DIM, 8), lambda block, x: block(x, COND)),
    "TemporalConv": (lambda: TemporalConv(DIM), lambda block, x: block(x, FRAMES)),
    "TemporalAttention": (lambda: TemporalAttention(DIM), lambda block, x: block(x, FRAMES)),
    "SpaceTimeAttention": (lambda: SpaceTimeAttention(DIM), lambda block, x: block(x, FRAMES)),
    "CrossAttention": (lambda: CrossAttention(DIM, 16), lambda block, x: block(x, WORDS, MASK, FRAMES)),
}
every_block = pytest.mark.parametrize("name", BLOCKS)


def made(name, random=True):
    "A block as a function of `f c h w`, and the module"
    torch.manual_seed(0)
    make, call = BLOCKS[name]
    module = randomize_zeros(make()) if random else make()
    return lambda x: call(module, x), module


def frames(f=FRAMES, side=6, seed=0):
    return torch.randn(f, DIM, side, side, generator=torch.Generator().manual_seed(seed))


# --- embeddings

@pytest.mark.parametrize("max_period", [100., 10000.])
def test_timestep_embedding_is_that_of_diffusers(max_period):
    embeddings = pytest.importorskip("diffusers.models.embeddings")
    t = torch.tensor([0., 1, 7.5, 999])
    theirs = embeddings.get_timestep_embedding(t, 64, downscale_freq_shift=0, max_period=max_period)
    torch.testing.assert_close(timestep_embedding(t, 64, max_period), theirs, rtol=1e-4, atol=1e-4)


def test_timestep_embedding_takes_any_shape_and_has_one_length():
    embedding = timestep_embedding(torch.randn(2, 3) * 100, 32)
    assert embedding.shape == (2, 3, 32)
    torch.testing.assert_close(embedding.square().sum(-1), torch.full((2, 3), 16.))


def test_position_embedding_tells_all_positions_apart():
    positions = position_embedding_2d(16, 4, 5)
    assert positions.shape == (4, 5, 16) and len(positions.reshape(20, 16).unique(dim=0)) == 20
    assert torch.equal(positions[1, 0, :8], positions[1, 4, :8]) and torch.equal(positions[0, 2, 8:], positions[3, 2, 8:])   # row, column
    assert torch.equal(positions[:, 0, :8], timestep_embedding(torch.arange(4), 8, 100.))


# --- zeros and random numbers

def test_zero_module_and_randomize_zeros():
    layer = nn.Sequential(nn.Linear(4, 4), zero_module(nn.Linear(4, 4)))
    kept = layer[0].weight.clone()
    assert not layer[1].weight.any() and not layer[1].bias.any()
    assert randomize_zeros(layer, seed=3) is layer
    assert torch.equal(layer[0].weight, kept) and layer[1].weight.all() and not layer[1].bias.any()   # a bias of zero hides nothing
    again = randomize_zeros(nn.Sequential(nn.Linear(4, 4), zero_module(nn.Linear(4, 4))), seed=3)
    assert torch.equal(again[1].weight, layer[1].weight)


@every_block
def test_a_new_block_is_the_identity_and_learns_at_the_first_step(name):
    block, module = made(name, random=False)
    x = frames()
    assert torch.equal(block(x), x)
    (block(x) - torch.randn_like(x)).square().mean().backward()
    assert [n for n, p in module.named_parameters() if p.grad is not None and p.grad.any()]


@every_block
def test_every_parameter_gets_a_gradient(name):
    block, module = made(name)
    block(frames()).square().mean().backward()
    assert [n for n, p in module.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-9] == []


@every_block
def test_any_size_and_both_precisions(name):
    block, _ = made(name)
    with torch.no_grad():
        for h, w in ((1, 1), (3, 5)): assert block(torch.randn(FRAMES, DIM, h, w)).shape == (FRAMES, DIM, h, w)
        exact = block(frames())
        with torch.autocast("cpu", torch.bfloat16): rounded = block(frames())
    assert (rounded.float() - exact).abs().mean() < .03 * exact.abs().mean()


@pytest.mark.parametrize("name", ["TemporalConv", "TemporalAttention", "SpaceTimeAttention", "CrossAttention"])
def test_clips_of_a_batch_do_not_see_each_other(name):
    _, call = BLOCKS[name]
    _, module = made(name)
    two = torch.cat([frames(seed=3), frames(seed=4)])
    with torch.no_grad():
        if name == "CrossAttention": together = module(two, WORDS.expand(2, -1, -1), MASK.expand(2, -1), FRAMES)
        else: together = call(module, two)
        apart = torch.cat([call(module, two[:FRAMES]), call(module, two[FRAMES:])])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


# --- what each computes

def test_group_norm_normalises_each_picture():
    normalised = group_norm(32)(5 + 9 * torch.randn(4, 32, 8, 8))
    assert normalised.mean((1, 2, 3)).abs().max() < 1e-5 and (normalised.std((1, 2, 3)) - 1).abs().max() < 1e-2
    assert [group_norm(dim).num_groups for dim in (3, 16, 48, 96)] == [1, 1, 3, 6]


def test_the_residual_block_may_change_the_width_and_uses_the_condition():
    block = randomize_zeros(SpatialResBlock(3, DIM, 8))
    x = torch.randn(FRAMES, 3, 6, 6)
    with torch.no_grad():
        assert block(x, COND).shape == (FRAMES, DIM, 6, 6)
        changed = (block(x, COND) - block(x, COND.roll(1, 0))).abs().amax((1, 2, 3))
    assert (changed > 1e-3).all()


def test_the_temporal_convolution_is_conv3d():
    block = randomize_zeros(TemporalConv(DIM))
    conv = nn.Conv3d(DIM, DIM, (3, 1, 1), padding=(1, 0, 0))
    conv.weight.data = block.proj.weight.data.reshape(DIM, 3, DIM).transpose(1, 2)[..., None, None].contiguous()
    conv.bias.data = block.proj.bias.data
    x = torch.cat([frames(seed=3), frames(seed=4)])
    with torch.no_grad():
        unfolded = F.silu(block.norm(x)).unflatten(0, (2, FRAMES)).transpose(1, 2)                 # b c f h w
        wanted = x + conv(unfolded).transpose(1, 2).flatten(0, 1)
        torch.testing.assert_close(block(x, FRAMES), wanted, rtol=1e-4, atol=1e-5)


def test_attention_in_time_is_a_loop():
    x = frames()
    time, in_time = made("TemporalAttention")
    order = timestep_embedding(torch.arange(FRAMES), DIM, 100.)
    with torch.no_grad():
        for row, col in ((0, 0), (2, 5)):
            tokens = x[:, :, row, col]                                                             # f c
            wanted = tokens + in_time.attention(in_time.norm(tokens)[None] + order)[0]
            torch.testing.assert_close(time(x)[:, :, row, col], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name, ordered", [("TemporalConv", True), ("TemporalAttention", True), ("SpaceTimeAttention", True),
                                           ("CrossAttention", False)])
def test_which_blocks_know_the_order_of_frames(name, ordered):
    block, _ = made(name)
    x = frames()
    with torch.no_grad(): difference = (block(x.flip(0)) - block(x).flip(0)).abs().max()
    assert (difference > .01) if ordered else (difference < 1e-5)


def test_padding_of_the_prompt_does_not_matter_and_its_words_do():
    block, module = made("CrossAttention")
    x = frames()
    with torch.no_grad():
        attended = block(x)
        assert torch.equal(module(x, WORDS.masked_fill(~MASK[..., None], 9.), MASK, FRAMES), attended)
        assert not torch.allclose(module(x, WORDS.flip(-1), MASK, FRAMES), attended, atol=.01)
        assert torch.isfinite(module(x, WORDS, torch.zeros_like(MASK), FRAMES)).all()             # no word at all


# --- what each can see

def test_the_identity_sees_itself():
    field = receptive_field(lambda x: x, frames(side=9), frame=2)
    assert (field > 0).nonzero().tolist() == [[2, 4, 4]]
    assert (receptive_field(lambda x: x, frames(side=9), frame=1, row=0, col=8) > 0).nonzero().tolist() == [[1, 0, 8]]


@pytest.mark.parametrize("name, seen, alone", [
    ("SpatialResBlock", [2], False), ("CrossAttention", [2], True),
    ("TemporalConv", [1, 2, 3], False), ("TemporalAttention", [0, 1, 2, 3], True), ("SpaceTimeAttention", [0, 1, 2, 3], False)])
def test_receptive_fields(name, seen, alone):
    "Frames that one output position of frame 2 depends on, and whether it sees more of each than its own position"
    block, _ = made(name)
    field = receptive_field(block, frames(), frame=2)
    assert field.amax((1, 2)).nonzero().flatten().tolist() == seen
    if alone: assert {tuple(at[1:]) for at in field.nonzero().tolist()} == {(3, 3)}
    elif name != "TemporalConv": assert (field[seen] > 0).all()           # the convolution's neighbours count only by its normalisation


def test_the_figure_has_a_row_per_map_and_a_column_per_frame():
    field = receptive_field(made("TemporalConv")[0], frames())
    figure = receptive_field_figure({"one": field, "two": field})
    assert len(figure.axes) == 2 * FRAMES
