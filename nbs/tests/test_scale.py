"""Scale: splits equal the whole, costs are those that are counted, and readers that share archives see each clip once, also after a kill

Also the program that a reader's process runs:  test_scale.py RANK FOLDER DIES_AT
"""
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import warnings
from collections import Counter
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from refusals import sentence
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from t2v_learn.beyond.scale import (BACKBONES, Backbone, Cost, Ring, ShardedData, Training, activation_memory, collective_bytes,
                                    count_tokens, ring_attention, state_memory, training_cost)
from t2v_learn.core import write_json
from t2v_learn.latent.transformer import TransformerConfig, VideoTransformer
from t2v_learn.text.bert import TextStates
from t2v_learn.video.datasets import Prefetch, open_sequence

HERE = Path(__file__)


def noise(*shape, seed=0): return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- rings

@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_exchanges_and_their_bytes(n):
    wholes = [noise(120, seed=k) for k in range(n)]
    ring = Ring(n)
    assert all(torch.allclose(total, sum(wholes)) for total in ring.all_reduce(wholes))
    assert ring.sent == [collective_bytes("all_reduce", wholes[0].nbytes, n)] * n
    ring = Ring(n)
    scattered = ring.reduce_scatter(wholes)
    assert torch.allclose(torch.cat(scattered), sum(wholes)) and len(scattered) == n
    assert ring.sent == [collective_bytes("reduce_scatter", wholes[0].nbytes, n)] * n
    ring = Ring(n)
    assert all(torch.equal(whole, wholes[0]) for whole in ring.all_gather(ring.chunks(wholes[0])))
    assert ring.sent == [collective_bytes("all_gather", wholes[0].nbytes, n)] * n


def test_no_device_sends_more_than_twice():
    assert max(collective_bytes("all_reduce", 1, n) for n in (2, 10, 10**6)) < 2 and collective_bytes("all_reduce", 1, 1) == 0


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("large", [1, 100])
def test_ring_attention_is_attention(n, large):
    "Also where scores are so large that exponentials without the largest would overflow"
    q, k, v = (noise(2, 3, 8, 4, seed=s).mul(large if s < 2 else 1).requires_grad_() for s in range(3))
    ring = Ring(n)
    out = torch.cat(ring_attention(*(list(x.chunk(n, 2)) for x in (q, k, v)), ring), 2)
    wanted = F.scaled_dot_product_attention(q, k, v)
    assert torch.allclose(out, wanted)
    mine, theirs = (torch.autograd.grad(o.square().sum(), (q, k, v)) for o in (out, wanted))
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(mine, theirs))
    assert ring.sent == [2 * collective_bytes("all_gather", k.nbytes, n)] * n


@pytest.mark.parametrize("call, said", [
    (lambda: Ring(0), "at least one"), (lambda: Ring(7).chunks(torch.zeros(10)), "equal chunks"),
    (lambda: collective_bytes("broadcast", 1, 2), "all_reduce"), (lambda: state_memory(1, "fp8"), "bf16"),
    (lambda: state_memory(1, sharding="some"), "zero2"), (lambda: count_tokens((16, 60, 64)), "multiples"),
    (lambda: count_tokens((0, 64, 64)), "multiples"), (lambda: count_tokens((82, 480, 832)), "one frame more"),
    (lambda: Training(1e9, batch=6, data=4), "evenly"),
    (lambda: Training(1e9, device="abacus"), "TPU v3"), (lambda: Training(1e9, mfu=0), "above 0"),
    (lambda: Training(1e9, context=2), "give a Backbone"), (lambda: Training(1e9, tensor=1.5), "whole number of at least 1"),
    (lambda: Training(1e9, n_clips=-5), "above 0"), (lambda: Training(1e9, n_clips=float("nan")), "above 0"),
    (lambda: Training(-1e9), "number of parameters"), (lambda: Training("Wan 2.1 1.3B"), "number of parameters"),
    (lambda: Training(1e9, device=(-1e12, 1e9)), "a pair"), (lambda: Training(1e9, device=(0, 1)), "a pair"),
    (lambda: Training(1e9, device=None), "a pair"), (lambda: count_tokens((16, 64)), "frames, height and width"),
    (lambda: count_tokens((16.5, 64, 64)), "whole numbers"), (lambda: count_tokens((16, 64, 64), (-4, -8, -8)), "whole numbers"),
    (lambda: count_tokens((16, 64, 64), (0, 8, 8)), "whole numbers")])
def test_what_cannot_be(call, said):
    assert said in sentence(call)


# --- what a step computes and keeps

SHAPES = [dict(dim=64, n_heads=2, n_blocks=2, mlp_dim=256), dict(dim=96, n_heads=2, n_blocks=3, mlp_dim=96, channels=4)]


def own(config, grid):
    "A network, a clip and a prompt of 32 words"
    torch.manual_seed(0)
    clip = torch.randn(1, config.channels, *(size * part for size, part in zip(grid, config.patch)))
    text = TextStates(torch.randn(1, 32, config.text_dim), torch.ones(1, 32, dtype=torch.bool), torch.randn(1, config.text_dim))
    return VideoTransformer(config), (clip, torch.zeros(1), text)


@pytest.mark.parametrize("settings", SHAPES)
@pytest.mark.parametrize("grid", [(4, 8, 8), (2, 4, 16)])
def test_operations_are_those_that_pytorch_counts(settings, grid):
    config = TransformerConfig(**settings, text_dim=48, time_dim=16)
    network, inputs = own(config, grid)
    shape = Backbone.of(config)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        out = network(*inputs)
        forward = counter.get_total_flops()
        out.square().mean().backward()
    predicted = sum(shape.flops(prod(grid)).values())
    assert predicted == pytest.approx(forward, rel=.03) and 3 * predicted == pytest.approx(counter.get_total_flops(), rel=.05)
    assert shape.parameters == pytest.approx(sum(p.numel() for p in network.parameters()), rel=.1)


def test_activations_are_those_that_autograd_saves():
    config = TransformerConfig(dim=128, n_heads=2, n_blocks=3, mlp_dim=384, text_dim=48, time_dim=16)
    network, inputs = own(config, (8, 8, 8))
    own_data = {x.untyped_storage().data_ptr() for x in (*network.parameters(), *network.buffers())}
    saved = {}
    def note(x):
        if x.untyped_storage().data_ptr() not in own_data: saved[x.untyped_storage().data_ptr()] = x
        return x
    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x): network(*inputs)
    counted = sum(x.untyped_storage().nbytes() for x in saved.values())
    assert activation_memory(Backbone.of(config), 512, "fp32") == pytest.approx(counted, rel=.1)
    assert activation_memory(Backbone.of(config), 512, recompute=True) < activation_memory(Backbone.of(config), 512) / 2


def test_states_are_those_of_adamw():
    network = torch.nn.Linear(100, 200)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 100)).sum().backward()
    optimizer.step()
    counted = sum(x.nbytes for state in optimizer.state.values() for x in state.values())
    parameters = sum(p.numel() for p in network.parameters())
    assert state_memory(parameters, "fp32")["optimizer"] == pytest.approx(counted, rel=.001)
    assert sum(state_memory(parameters, "fp32").values()) == sum(state_memory(parameters, "bf16").values()) == 16 * parameters


@pytest.mark.parametrize("sharding, stated", [("none", 120), ("zero1", 31.4), ("zero2", 16.6), ("fsdp", 1.9)])
def test_memory_as_in_the_zero_paper(sharding, stated):
    "7.5 billion parameters on 64 devices: Rajbhandari et al. 2020, figure 1"
    assert sum(state_memory(7.5e9, sharding=sharding, n_devices=64).values()) / 1e9 == pytest.approx(stated, rel=.02)


@pytest.mark.parametrize("side, stated", [(256, 118.64), (512, 524.60)])
def test_operations_as_in_the_dit_paper(side, stated):
    "Multiply-adds: Peebles and Xie 2023, table 4 and section 5.1"
    ours = sum(BACKBONES["DiT-XL/2"].flops(count_tokens((1, side, side), (1, 8, 8))).values()) / 2e9
    assert ours == pytest.approx(stated, rel=.02)


@pytest.mark.parametrize("name, stated", [("DiT-XL/2", .675), ("Wan 2.1 1.3B", 1.3), ("Wan 2.1 14B", 14), ("CogVideoX 2B", 2),
                                          ("CogVideoX 5B", 5), ("HunyuanVideo", 13), ("Open-Sora 2.0", 11), ("Movie Gen", 30)])
def test_parameters_as_stated(name, stated):
    assert BACKBONES[name].parameters / 1e9 == pytest.approx(stated, rel=.2)


@pytest.mark.parametrize("clip, compression, tokens", [((16, 64, 64), (4, 8, 8), 64), ((81, 720, 1280), (4, 8, 8), 75600),
                                                       ((49, 480, 720), (4, 8, 8), 17550), ((1, 256, 256), (1, 8, 8), 256)])
def test_tokens(clip, compression, tokens):
    assert count_tokens(clip, compression) == tokens


# --- the calculator

WAN = dict(backbone=BACKBONES["Wan 2.1 14B"], clip=(81, 480, 832), batch=64)


def test_splits_share_what_they_say():
    whole = training_cost(Training(**WAN))
    for way in ("data", "tensor", "context"):
        split = training_cost(Training(**WAN, **{way: 4}))
        assert split.hours == pytest.approx(whole.hours / 4) and split.device_hours == pytest.approx(whole.device_hours)
        assert split.memory["activations"] == pytest.approx(whole.memory["activations"] / 4)
        assert split.memory["weights"] == pytest.approx(whole.memory["weights"] / (4 if way == "tensor" else 1))
    assert not whole.fits and sum(whole.sent.values()) == 0


def test_what_is_sent():
    size = 2 * BACKBONES["Wan 2.1 14B"].parameters
    sent = training_cost(Training(**WAN, data=8)).sent
    assert sent == {"weights and gradients": pytest.approx(2 * 7 / 8 * size)}
    assert training_cost(Training(**WAN, data=8, sharding="zero2")).sent == sent
    once = training_cost(Training(**WAN, data=8, sharding="fsdp")).sent["weights and gradients"]
    assert once == pytest.approx(1.5 * sent["weights and gradients"])
    assert training_cost(Training(**WAN, data=8, sharding="fsdp", micro=1)).sent["weights and gradients"] == pytest.approx(8 * once)
    token_bytes = 64 * 32760 * 5120 * 2
    sent = training_cost(Training(**WAN, tensor=4)).sent
    assert sent["activations"] == pytest.approx(2 * 3 * 40 * 2 * 3 / 4 * token_bytes) and sent["keys and values"] == 0
    sent = training_cost(Training(**WAN, context=4)).sent
    assert sent["keys and values"] == pytest.approx(6 * 40 * 3 / 4 * token_bytes) and sent["activations"] == 0


def test_only_a_number_of_parameters():
    cost = training_cost(Training(2e9, clip=(16, 64, 64), n_clips=1000, batch=10, device=(1e12, 1e9), mfu=.5))
    assert cost.tokens == 64 and cost.flops == 6 * 2e9 * 64 * 1000 and cost.steps == 100 and cost.flops_step == cost.flops / 100
    assert cost.hours == pytest.approx(cost.flops / .5e12 / 3600) and np.isnan(cost.memory["activations"])


def test_computing_blocks_again_is_a_fourth_pass():
    "Time and what is executed grow by a third; the operations that MFU counts do not"
    whole = training_cost(Training(**WAN))
    again = training_cost(Training(**WAN, recompute=True))
    assert whole.executed == whole.flops == again.flops and again.flops_step == whole.flops_step
    assert again.executed == pytest.approx(4 / 3 * whole.flops) and again.hours == pytest.approx(4 / 3 * whole.hours)
    assert again.device_hours == pytest.approx(4 / 3 * whole.device_hours)
    assert again.memory["activations"] < whole.memory["activations"] / 10
    assert "blocks computed again" in str(again) and "computed again" not in str(whole)


def test_a_cost_prints_itself():
    text = str(training_cost(Training(**WAN)))
    assert isinstance(training_cost(Training(**WAN)), Cost) and "32,760 tokens" in text and "does not fit into 80" in text


# --- readers that share archives

def pack(folder, sizes):
    "Tars of still pictures, each with its own caption"
    folder.mkdir(exist_ok=True)
    number = 0
    for k, size in enumerate(sizes):
        with tarfile.open(folder / f"clips-{k:03d}.tar", "w") as tar:
            for _ in range(size):
                picture = io.BytesIO()
                Image.new("RGB", (8, 8), (number % 256, number // 256, 0)).save(picture, "PNG")
                for ending, content in (("png", picture.getvalue()), ("txt", f"clip {number}".encode())):
                    info = tarfile.TarInfo(f"{number:04d}.{ending}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
                number += 1
    return folder


def opened(folder, **settings):
    return ShardedData(open_sequence(folder, n_frames=1, size=8, images=True), **dict(batch_size=8, n_ranks=2, n_workers=2) | settings)


class Steps(torch.utils.data.Dataset):
    "A batch for each step, as torch's DataLoader wants it"
    def __init__(self, data, shard):
        self.data = data
        self.shard = shard

    def __getitem__(self, step): return self.data(step, shard=self.shard)[1]


def read(rank, folder, dies_at):
    "A process: its rows by two loaders, from the last written step on; each is noted, then written as done; in between it may die"
    done = folder / f"done-{rank}.json"
    start = json.loads(done.read_text())["step"] if done.exists() else 0
    steps = Steps(opened(folder / "tars"), (rank, 2))
    loader = torch.utils.data.DataLoader(steps, batch_size=None, sampler=range(start, 20), num_workers=2)
    for step, captions in enumerate(loader, start):
        with open(folder / f"seen-{rank}.txt", "a") as seen: seen.write("".join(f"{step} {caption}\n" for caption in captions))
        if step == dies_at: os.killpg(0, signal.SIGKILL)                             # with its loaders
        write_json(done, dict(step=step + 1))
    return 0


def seen(folder):
    "What all steps have shown, the last note of each counting: an earlier one is of a step that was never done"
    found = []
    for rank in (0, 1):
        lines = [line.split(" ", 1) for line in (folder / f"seen-{rank}.txt").read_text().splitlines()]
        latest = {}
        for step, caption in lines: latest.setdefault(int(step), []).append(caption)
        for step in range(20): found += latest[step][-4:]                               # four rows a step
    return found


def run_readers(folder, dies_at):
    "Both processes to their end: their exit statuses"
    paths = [str(path) for path in (HERE.parents[2], HERE.parent, HERE.parents[1] / "tools")]
    env = os.environ | dict(PYTHONPATH=os.pathsep.join(paths), OMP_NUM_THREADS="1")
    commands = [[sys.executable, HERE, str(rank), folder, str(step)] for rank, step in enumerate(dies_at)]
    started = [subprocess.Popen(command, env=env, start_new_session=True) for command in commands]
    return [process.wait(600) for process in started]


@pytest.mark.skipif(os.name != "posix", reason="needs Unix signals")
def test_killed_in_the_middle_and_resumed_every_clip_once(tmp_path):
    "Two processes with two loader processes each, over archives of unequal size: 160 clips are 20 steps of 8"
    pack(tmp_path / "tars", [37, 50, 3, 41, 29])
    assert run_readers(tmp_path, dies_at=(7, 12)) == [-signal.SIGKILL] * 2
    assert [json.loads((tmp_path / f"done-{rank}.json").read_text())["step"] for rank in (0, 1)] == [7, 12]
    assert run_readers(tmp_path, dies_at=(-1, -1)) == [0, 0]
    assert Counter(seen(tmp_path)) == Counter(f"clip {k}" for k in range(160)), "every clip exactly once"
    data = opened(tmp_path / "tars")
    never_killed = [caption for rank in (0, 1) for step in range(20) for caption in data(step, (rank, 2))[1]]
    assert seen(tmp_path) == never_killed, "in the order of a run that nobody killed"


@pytest.mark.parametrize("sizes", [[37, 50, 3, 41, 29], [5, 5, 5, 5, 5, 6], [40]])
@pytest.mark.parametrize("n_ranks, n_workers", [(1, 1), (2, 2), (4, 1), (1, 3)])
def test_pieces_of_an_epoch_are_all_clips(sizes, n_ranks, n_workers, tmp_path):
    "Whatever the sizes: pieces are disjoint, differ by one clip at most, and no clip of a piece comes again before all of it has come"
    data = opened(pack(tmp_path / "tars", sizes), n_ranks=n_ranks, n_workers=n_workers)
    n, readers = sum(sizes), n_ranks * n_workers
    taken = {reader: [] for reader in range(readers)}
    for step in range(4 * n // 8):
        for row in range(8): taken[row % n_ranks * n_workers + step % n_workers].append(data.index(step * 8 + row))
    lengths = [(reader + 1) * n // readers - reader * n // readers for reader in range(readers)]
    assert max(lengths) - min(lengths) <= 1 and sum(lengths) == n
    for epoch in (0, 1):
        pieces = [taken[reader][epoch * length:(epoch + 1) * length] for reader, length in enumerate(lengths)]
        assert sorted(i for piece in pieces for i in piece) == list(range(n)), f"epoch {epoch}"
    jumps = sum(b != a + 1 for piece in pieces for a, b in zip(piece, piece[1:]))
    assert jumps <= len(sizes) + readers, "read from front to back"


def test_batches_do_not_depend_on_who_reads_them(tmp_path):
    "All at once, by rows of two, of four, ahead by threads: the same clips; another seed, others"
    folder = pack(tmp_path / "tars", [20, 12, 8])
    data = opened(folder)
    for step in (0, 3, 11):
        whole = data(step)[1]
        for n in (2, 4): assert [whole[k::n] for k in range(n)] == [opened(folder)(step, (k, n))[1] for k in range(n)]
    with Prefetch(opened(folder), workers=3) as ahead:
        assert [ahead(step)[1] for step in range(12)] == [data(step)[1] for step in range(12)]
    assert opened(folder, seed=1)(0)[1] != data(0)[1]


def test_whole_archives_lose_clips(tmp_path):
    "What this is for: webdataset's own split, each reader every n-th archive, is uneven"
    webdataset = pytest.importorskip("webdataset")
    folder = pack(tmp_path / "tars", [37, 50, 3, 41, 29])
    archives = sorted(map(str, folder.glob("*.tar")))
    counts = []
    for reader in range(4):
        mine = archives[reader::4]
        counts.append(sum(1 for _ in webdataset.WebDataset(mine, shardshuffle=False, empty_check=False)))
    assert sum(counts) == 160 and max(counts) - min(counts) > 20


@pytest.mark.parametrize("settings, said", [(dict(batch_size=7), "evenly"), (dict(n_workers=50), "too few")])
def test_readers_that_cannot_be(settings, said, tmp_path):
    assert said in sentence(opened, pack(tmp_path / "tars", [5, 5]), **settings)


def test_only_tars(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a")
    assert "tars" in sentence(ShardedData, open_sequence(tmp_path, n_frames=1, size=8, images=True), 1)


def test_a_damaged_clip_has_a_stand_in(tmp_path):
    folder = pack(tmp_path / "tars", [6, 6])
    archive = folder / "clips-000.tar"
    with tarfile.open(archive) as tar: place = tar.getmember("0002.png").offset_data
    content = bytearray(archive.read_bytes())
    content[place:place + 40] = b"x" * 40
    archive.write_bytes(content)
    data = opened(folder, batch_size=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        captions = [caption for step in range(3) for caption in data(step)[1]]
    assert "clip 2" not in captions and len(captions) == 12 and len(data.skipped) == 1


if __name__ == "__main__": sys.exit(read(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))


@pytest.mark.parametrize("call", [lambda: Training(1e9, data=0), lambda: Training(1e9, batch=0), lambda: Training(1e9, micro=0),
                                  lambda: Training(1e9, context=0), lambda: Training(1e9, tensor=-1), lambda: state_memory(1, n_devices=0),
                                  lambda: collective_bytes("all_reduce", 1, 0)])
def test_no_device_trains_nothing(call): assert "not" in sentence(call)


def test_what_is_not_known_is_not_called_too_much():
    cost = training_cost(Training(1e9))
    assert cost.fits is None and "activations unknown" in str(cost) and "what is known fits" in str(cost) and "nan" not in str(cost)
    large = training_cost(Training(1e12))
    assert large.fits is False and "does not fit" in str(large)


@pytest.mark.parametrize("call", ["all_gather", "reduce_scatter", "all_reduce"])
@pytest.mark.parametrize("n", [1, 3])
def test_each_device_of_a_ring_has_a_tensor(call, n):
    assert f"{n} tensors do not fit a ring of 2" in sentence(getattr(Ring(2), call), [torch.ones(8)] * n)
