"Attention equals independent implementations of it, with masks, positions and heads; FiLM is its formula"
import pytest
import torch
import torch.nn.functional as F

from t2v_learn.text.attention import (
    _FUSED_ABOVE,
    FiLM,
    MultiHeadAttention,
    RelativeBias,
    attention_figure,
    bilinear_attention,
    relative_bucket,
    rotary_angles,
    rotate,
    scaled_dot_product_attention,
    word_attention_figure,
)


# ---- the formulas

def test_bilinear_attention_is_a_loop_over_words():
    torch.manual_seed(0)
    s, V, W_a, mask = torch.randn(4, 3), torch.randn(4, 6, 5), torch.randn(3, 5), torch.rand(4, 6) > .4
    mask[:, 0], mask[2] = True, False                    # caption 2 has no word at all
    c, weights = bilinear_attention(s, V, W_a, mask)
    for b in (0, 1, 3):
        scores = torch.stack([s[b] @ W_a @ V[b, i] for i in range(6) if mask[b, i]]).softmax(0)
        assert torch.allclose(weights[b][mask[b]], scores, atol=1e-6) and (weights[b][~mask[b]] == 0).all()
        assert torch.allclose(c[b], (scores[:, None] * V[b][mask[b]]).sum(0), atol=1e-6)
    assert (weights[2] == 0).all() and (c[2] == 0).all()
    scores = F.bilinear(s[:, None].expand(4, 6, 3).reshape(24, 3), V.reshape(24, 5), W_a[None])
    assert torch.allclose(bilinear_attention(s, V, W_a)[1], scores.reshape(4, 6).softmax(-1), atol=1e-6)


def test_attention_without_positions_has_the_bits_it_always_had():
    "The trained weights of the library depend on these sums"
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 3, 5, 8), torch.randn(2, 3, 7, 8), torch.randn(2, 3, 7, 4)
    mask = torch.rand(2, 1, 5, 7) > .4
    scores = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).masked_fill(~mask, torch.finfo(torch.float32).min)
    want = scores.softmax(-1).masked_fill(~mask, 0) @ v
    assert torch.equal(scaled_dot_product_attention(q, k, v, mask), want)
    attend, x = MultiHeadAttention(12, 3), torch.randn(2, 5, 12)
    assert [name for name, _ in attend.named_parameters()] == ["to_q.weight", "to_out.weight", "to_out.bias", "to_k.weight", "to_v.weight"]
    assert torch.equal(attend(x), attend(x, bias=None, angles=None))


@pytest.mark.parametrize("masked", ["nothing", "padding", "pairs", "pairs and heads"])
@pytest.mark.parametrize("context_dim", [None, 24, 40])
def test_each_attention_is_pytorchs(context_dim, masked):
    "Self- and cross-attention, with every kind of mask, beside `nn.MultiheadAttention`; and the function beneath beside PyTorch's"
    torch.manual_seed(0)
    x, context = torch.randn(3, 6, 24), None if context_dim is None else torch.randn(3, 9, context_dim)
    seen = x if context is None else context
    n, wide = seen.shape[1:]
    mask = {"nothing": None, "padding": torch.arange(n) < torch.tensor([[n], [2], [5]]), "pairs": torch.rand(3, 6, n) > .5,
            "pairs and heads": torch.rand(3, 4, 6, n) > .5}[masked]
    if masked.startswith("pairs"): mask[..., 0] = True
    theirs = torch.nn.MultiheadAttention(24, 4, kdim=wide, vdim=wide, batch_first=True)
    torch.nn.init.normal_(theirs.in_proj_bias), torch.nn.init.normal_(theirs.out_proj.bias)
    ours = MultiHeadAttention(24, 4, context_dim=context_dim, bias=True)
    stacked = theirs.in_proj_weight
    matrices = stacked.chunk(3) if stacked is not None else (theirs.q_proj_weight, theirs.k_proj_weight, theirs.v_proj_weight)
    for part, weight, bias_ in zip((ours.to_q, ours.to_k, ours.to_v), matrices, theirs.in_proj_bias.chunk(3)):
        part.load_state_dict(dict(weight=weight, bias=bias_))
    ours.to_out.load_state_dict(theirs.out_proj.state_dict())
    forbidden = {}
    if masked == "padding": forbidden = dict(key_padding_mask=~mask)
    elif mask is not None: forbidden = dict(attn_mask=~(mask if mask.ndim == 4 else mask[:, None].expand(-1, 4, -1, -1)).flatten(0, 1))
    want, shares = theirs(x, seen, seen, average_attn_weights=False, **forbidden)
    got, weights = ours(x, context, mask, return_weights=True)
    assert (got - want).abs().max() < 1e-6 and (weights - shares).abs().max() < 1e-6
    q, k, v = torch.randn(3, 4, 6, 5), torch.randn(3, 4, n, 5), torch.randn(3, 4, n, 7)
    room = None if mask is None else mask[:, None, None] if mask.ndim == 2 else mask[:, None] if mask.ndim == 3 else mask
    want = F.scaled_dot_product_attention(q, k, v, room)
    assert (scaled_dot_product_attention(q, k, v, room) - want).abs().max() < 1e-6


def test_no_allowed_key_in_half_precision():
    q = torch.randn(1, 2, 3, 4, dtype=torch.bfloat16, requires_grad=True)
    mask = torch.tensor([[True, False, False], [False] * 3, [True] * 3])
    out = scaled_dot_product_attention(q, q, q, mask)
    out.float().sum().backward()
    assert (out[:, :, 1] == 0).all() and q.grad.isfinite().all()


def test_attention_gradients_by_finite_differences():
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, 3, dtype=torch.float64, requires_grad=True) for n in (4, 5, 5))
    mask = torch.rand(2, 4, 5) > .3
    mask[0, 1] = False
    assert torch.autograd.gradcheck(lambda *a: scaled_dot_product_attention(*a, mask), (q, k, v))


# ---- two ways to the same numbers

SHAPES = {   # in the course: clips, queries, width, heads, keys, width of the context
    "BERT": (4, 24, 384, 12, None, None), "frames": (64, 8, 96, 4, None, None), "pixels of a frame": (2, 256, 48, 4, None, None),
    "all positions of all frames": (2, 128, 128, 4, None, None), "from positions to words": (2, 512, 96, 4, 32, 128)}


def both(attend, *inputs):
    "Output and gradients of the plain formula, then those of the way that is taken without weights"
    found = []
    for return_weights in (True, False):
        x, *rest = (t.clone().requires_grad_() if t is not None and t.is_floating_point() else t for t in inputs)
        out = attend(x, *rest, return_weights=return_weights)
        if return_weights: out, _ = out
        grads = torch.autograd.grad(out.square().sum(), [x, *attend.parameters()])
        found.append([out.detach(), *grads])
    return zip(*found)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("masked", [False, True])
def test_the_fused_function_gives_the_numbers_of_the_formula(name, masked):
    torch.manual_seed(0)
    b, n, dim, n_heads, n_keys, context_dim = SHAPES[name]
    attend, x = MultiHeadAttention(dim, n_heads, context_dim), torch.randn(b, n, dim)
    context = None if n_keys is None else torch.randn(b, n_keys, context_dim)
    mask = torch.arange(n_keys or n) < torch.arange(3, b + 3)[:, None] if masked else None
    out, *grads = both(attend, x, context, mask)
    assert (out[0] - out[1]).abs().max() < 1e-5
    for plain, fused in grads: assert (plain - fused).abs().max() < 1e-5 * plain.abs().max().clamp(min=1)


def test_which_way_is_taken(monkeypatch):
    calls = []
    fused = F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda *args: calls.append(args[1].shape[-2]) or fused(*args))
    attend, bias = MultiHeadAttention(24, 4), RelativeBias(4)
    few, many = torch.randn(2, _FUSED_ABOVE, 24), torch.randn(2, _FUSED_ABOVE + 1, 24)
    for inputs in ((few,), (many,), (many, few), (few, many)): attend(*inputs)
    attend(many, return_weights=True)
    attend(many, bias=bias(len(many[0])))
    assert calls == [_FUSED_ABOVE + 1] * 2


@pytest.mark.parametrize("n_keys", [5, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_allowed_key_gives_zeros_and_finite_gradients(n_keys, dtype):
    torch.manual_seed(0)
    attend = MultiHeadAttention(24, 4, context_dim=16).to(dtype)
    x, context = torch.randn(2, 7, 24, dtype=dtype, requires_grad=True), torch.randn(2, n_keys, 16, dtype=dtype, requires_grad=True)
    mask = torch.arange(n_keys) < torch.tensor([[3], [0]])
    out = attend(x, context, mask)
    out.float().square().sum().backward()
    assert torch.equal(out[1], attend.to_out.bias.expand(7, 24)) and x.grad.isfinite().all() and x.grad[0].abs().sum() > 0
    assert (x.grad[1] == 0).all() and (context.grad[1] == 0).all() and context.grad.isfinite().all()


# ---- positions

@pytest.mark.parametrize("n_buckets, max_distance", [(32, 128), (8, 20), (64, 1000)])
def test_buckets_are_those_of_t5(n_buckets, max_distance):
    from transformers.models.t5.modeling_t5 import T5Attention
    distance = torch.arange(-1500, 1501)
    theirs = T5Attention._relative_position_bucket(distance, True, n_buckets, max_distance)
    assert torch.equal(relative_bucket(distance, n_buckets, max_distance), theirs)


def test_attention_with_a_relative_bias_is_that_of_t5():
    from transformers import T5Config
    from transformers.models.t5.modeling_t5 import T5Attention
    torch.manual_seed(0)
    theirs = T5Attention(T5Config(d_model=24, d_kv=6, num_heads=4, dropout_rate=0.), has_relative_attention_bias=True, layer_idx=0).eval()
    ours, bias, x = MultiHeadAttention(24, 4), RelativeBias(4), torch.randn(2, 40, 24)
    with torch.no_grad():
        for name in "qkv": getattr(ours, f"to_{name}").weight.copy_(getattr(theirs, name).weight)
        ours.to_q.weight.mul_(6 ** .5)                    # T5 does not divide by the square root of d
        ours.to_out.weight.copy_(theirs.o.weight), ours.to_out.bias.zero_()
        torch.nn.init.normal_(theirs.relative_attention_bias.weight)
        bias.table.weight.copy_(theirs.relative_attention_bias.weight)
        assert (ours(x, bias=bias(40)) - theirs(x)[0]).abs().max() < 1e-5
    assert torch.equal(bias(3, 40), bias(40)[:, :3])


def test_rotary_positions_are_those_of_roformer_and_of_llama():
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
    from transformers.models.roformer.modeling_roformer import RoFormerSelfAttention
    torch.manual_seed(0)
    q, k = torch.randn(2, 3, 11, 8), torch.randn(2, 3, 11, 8)
    angles = rotary_angles(torch.arange(11), 8)
    table = torch.cat([angles.sin(), angles.cos()], -1)[None, None]
    theirs = RoFormerSelfAttention.apply_rotary_position_embeddings(table, q, k)
    assert all(torch.allclose(rotate(x, angles), y, atol=1e-6) for x, y in zip((q, k), theirs))
    halves = lambda x: torch.cat([x[..., 0::2], x[..., 1::2]], -1)      # LLaMA pairs number i with number i + d/2
    wide = torch.cat([angles, angles], -1)[None]
    theirs = apply_rotary_pos_emb(halves(q), halves(k), wide.cos(), wide.sin())
    assert all(torch.allclose(halves(rotate(x, angles)), y, atol=1e-6) for x, y in zip((q, k), theirs))


def test_positions_reach_every_parameter_and_keep_the_precision():
    torch.manual_seed(0)
    attend, bias, x = MultiHeadAttention(24, 4, bias=True), RelativeBias(4), torch.randn(2, 9, 24)
    angles = rotary_angles(torch.arange(9) / 3, 6)
    attend(x, bias=bias(9), angles=angles).square().sum().backward()
    assert all(p.grad is not None for p in [*attend.parameters(), *bias.parameters()]) and bias.table.weight.grad.abs().sum() > 0
    with torch.autocast("cpu", torch.bfloat16): assert attend(x, bias=bias(9), angles=angles).dtype == torch.bfloat16


def test_positions_that_do_not_fit():
    attend, x = MultiHeadAttention(24, 4), torch.randn(2, 9, 24)
    with pytest.raises(ValueError, match="do not fit 9 positions of 6 numbers"): attend(x, angles=rotary_angles(torch.arange(8), 6))
    with pytest.raises(ValueError, match="do not fit 5 positions"): attend(x, x[:, :5], angles=rotary_angles(torch.arange(9), 6))
    with pytest.raises(ValueError, match="left over"): rotary_angles(torch.arange(9), 7)
    for wrong in ((2, 128), (32, 8)):
        with pytest.raises(ValueError, match="cannot share"): relative_bucket(torch.arange(9), *wrong)


# ---- FiLM

def test_film_is_its_formula_for_each_picture_and_channel():
    torch.manual_seed(0)
    film, x, cond = FiLM(7, 3, zero_init=False), torch.randn(4, 3, 5, 6), torch.randn(4, 7)
    numbers = cond @ film.to_scale_shift.weight.T + film.to_scale_shift.bias             # n 2c: scales, then shifts
    want = torch.stack([torch.stack([x[n, c] * (1 + numbers[n, c]) + numbers[n, 3 + c] for c in range(3)]) for n in range(4)])
    assert torch.allclose(film(x, cond), want, atol=1e-6)
    assert list(film.state_dict()) == ["to_scale_shift.weight", "to_scale_shift.bias"]       # shipped weights have these names


def test_film_starts_as_the_identity_or_as_pytorch_starts():
    x, cond = torch.randn(4, 3, 5, 6), torch.randn(4, 7)
    film = FiLM(7, 3)
    assert torch.equal(film(x, cond), x)
    (film(x, cond) * torch.randn_like(x)).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in film.parameters())                            # and can leave it
    torch.manual_seed(0)
    own = FiLM(7, 3, zero_init=False)
    torch.manual_seed(0)
    assert torch.equal(own.to_scale_shift.weight, torch.nn.Linear(7, 6).weight)


# ---- drawing

def test_attention_is_drawn_where_it_lies():
    weights = torch.zeros(2, 9, 4)
    weights[0, 5, 1] = 1     # frame 0, row 1, column 2 attends to word 1
    axes = word_attention_figure(weights, ["a", "b"], torch.rand(2, 3, 3, 3)).axes
    strips = [ax.images[0].get_array() for ax in axes]
    assert len(strips) == 6 and [ax.get_ylabel() for ax in axes[::2]] == ["", "a", "b"]
    assert strips[4][1, 2] == 1 and sum(float(s.sum()) for s in strips[2:]) == 1
    heads = attention_figure(torch.eye(4).expand(3, 4, 4), list("abcd"), list("efgh"), ["1", "2", "3"]).axes
    assert len(heads) == 3 and [t.get_text() for t in heads[0].get_yticklabels()] == list("abcd")


@pytest.mark.parametrize("n", [4, 40])
def test_masks_of_numbers_are_refused_however_many_keys_there_are(n):
    "PyTorch's fused function would add them to the scores"
    x = torch.randn(1, n, 8)
    keep = torch.ones(1, n, dtype=torch.bool)
    for mask in (keep.float(), keep.long()):
        with pytest.raises(TypeError, match="mask must be bool"): MultiHeadAttention(8, 2)(x, mask=mask)
        with pytest.raises(TypeError, match="mask must be bool"): bilinear_attention(x[:, 0], x, torch.eye(8), mask=mask)
