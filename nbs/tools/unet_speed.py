"""What could make the U-Net of lesson 53 faster on this processor: `python nbs/tools/unet_speed.py [ROUNDS [compile]]` prints its table,
some minutes; with `compile` the row of torch.compile too, which takes long to begin.

Each variant computes the same with the same weights. All take turns in every round, on one core; a ratio is the median over rounds of
(time of the variant / time of the network as it is in the same round), with the smallest and the largest.
"""
import statistics
import sys
import time
from contextlib import contextmanager, nullcontext
from copy import deepcopy

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

import t2v_learn.text.attention as attention
from t2v_learn.diffusion.blocks import randomize_zeros
from t2v_learn.diffusion.unet3d import UNet3D
from t2v_learn.text.bert import TextStates


class LinearConv(nn.Module):
    "A 1x1 convolution as a product over the channels."
    def __init__(self, conv):
        super().__init__()
        self.weight = conv.weight
        self.bias = conv.bias

    def forward(self, x): return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class FusedTemporalConv(nn.Module):
    "One product with three outputs for each frame, added up with the frames shifted, instead of three frames side by side."
    def __init__(self, block):
        super().__init__()
        self.norm = block.norm
        self.proj = block.proj

    def forward(self, x, n_frames):
        h = rearrange(F.silu(self.norm(x)), "(b f) c h w -> b f h w c", f=n_frames)
        before, now, after = F.linear(h, rearrange(self.proj.weight, "o (k i) -> (k o) i", k=3)).chunk(3, -1)
        now = now + self.proj.bias + F.pad(before[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0)) + F.pad(after[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
        return x + rearrange(now, "b f h w c -> (b f) c h w")


def replaced(unet, wanted, make):
    "A copy in which every block of a kind is another."
    unet = deepcopy(unet)
    for parent in list(unet.modules()):
        for name, child in list(parent.named_children()):
            if wanted(child): setattr(parent, name, make(child))
    return unet


def contiguous(unet):
    "A copy that keeps channels before rows and columns, weights and activations."
    unet = deepcopy(unet).to(memory_format=torch.contiguous_format)
    unet.conv_in.register_forward_pre_hook(lambda module, args: (args[0].contiguous(),))
    return unet


@contextmanager
def fused_above(n_keys):
    "PyTorch's fused attention for more keys than these only."
    before = attention._FUSED_ABOVE
    attention._FUSED_ABOVE = n_keys
    try: yield
    finally: attention._FUSED_ABOVE = before


def conditions(n):
    "Noise levels and captions for n clips."
    g = torch.Generator().manual_seed(0)
    text = TextStates(torch.randn(n, 16, 384, generator=g), torch.ones(n, 16, dtype=torch.bool), torch.randn(n, 384, generator=g))
    return torch.zeros(n), text


def train(unet, n=16):
    "Forward and backward pass of n clips."
    x = torch.randn(n, 3, 8, 32, 32)
    unet.zero_grad()
    (unet(x, *conditions(n)) - x).square().mean().backward()


@torch.no_grad()
def call(unet, n=2):
    "One forward pass: a guided step for one clip has the prompt and its absence."
    unet(torch.randn(n, 3, 8, 32, 32), *conditions(n))


def seconds(function, *args):
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def measure(rounds, with_compile):
    "name: (ratios of training steps, ratios of calls)"
    torch.manual_seed(0)
    unet = randomize_zeros(UNet3D())
    is_1x1 = lambda module: isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)
    variants = {
        "as it is": (unet, nullcontext),
        "without channels_last": (contiguous(unet), nullcontext),
        "1x1 convolutions as linear layers": (replaced(unet, is_1x1, LinearConv), nullcontext),
        "temporal convolution: one product, shifted sums": (replaced(unet, lambda m: type(m).__name__ == "TemporalConv",
                FusedTemporalConv), nullcontext),
        "fused attention for all lengths": (unet, lambda: fused_above(0)),
        "fused attention for none": (unet, lambda: fused_above(10**9))}
    if with_compile: variants["torch.compile"] = (torch.compile(unet, dynamic=False), nullcontext)
    x = torch.randn(2, 3, 8, 32, 32)
    with torch.no_grad():
        expected = unet(x, *conditions(2))
        for name, (network, setting) in variants.items():
            with setting(): assert torch.allclose(network(x, *conditions(2)), expected, atol=1e-5), name
    taken = {name: ([], []) for name in variants}
    for _ in range(rounds + 1):                       # the first round warms up
        for name, (network, setting) in variants.items():
            with setting():
                taken[name][0].append(seconds(train, network))
                taken[name][1].append(statistics.median(seconds(call, network) for _ in range(3)))
    ratios = {name: tuple([a / b for a, b in zip(mine[1:], base[1:])] for mine, base in zip(taken[name], taken["as it is"]))
            for name in taken}
    for n in (1, 8):
        apart = [seconds(call, unet, n) + seconds(call, unet, n) for _ in range(rounds)]
        together = [seconds(call, unet, 2 * n) for _ in range(rounds)]
        ratios[f"both guidance passes in one batch, {n} clip{'s' * (n > 1)}"] = ([], [a / b for a, b in zip(together, apart)])
    return ratios


def main(rounds=9, *options):
    torch.set_num_threads(1)
    print("| tried | training step | network call |\n| --- | --- | --- |")
    for name, both in measure(int(rounds), "compile" in options).items():
        cells = [f"{statistics.median(r):.2f} ({min(r):.2f}–{max(r):.2f})" if r else "" for r in both]
        print(f"| {name} | {cells[0]} | {cells[1]} |", flush=True)


if __name__ == "__main__": main(*sys.argv[1:])
