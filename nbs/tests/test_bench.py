"Timing by turns, slopes, memory of a child, a whole bench at toy size, and what can be wrong with an entry of the speed-run"
import json
import re
import shutil
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from rerun import root
from scipy import stats

from t2v_learn.core import InputError, read_json, write_json
from t2v_learn.judge import bench as module
from t2v_learn.judge.bench import (PARTS, PLANS, BenchPlan, alternate, bench, bench_figure, bench_table, check_entry, loglog_slope, ratios,
                                   record_entry, significance, slopes_figure, speedrun_figure)
from t2v_learn.training.checkpoint import save_weights

TOY = PLANS["toy"]


# --- peers

def test_a_peer_that_is_not_here_leaves_no_stand_in(monkeypatch):
    "Neither of itself nor of torchvision, which other libraries look for"
    for name in ("torchvision", "video_diffusion_pytorch"): monkeypatch.setitem(sys.modules, name, None)   # importing it fails
    notes = []
    networks = module._load_networks(TOY, notes)
    assert "video-diffusion-pytorch" not in networks["U-Net"] and any("left out" in note for note in notes)
    assert not isinstance(sys.modules.get("torchvision"), MagicMock)
    import transformers                                                     # asks for torchvision's version
    assert transformers.utils.is_torchvision_available() in (True, False)


# --- timing

def test_functions_take_turns():
    order = []
    alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, runs=3)
    assert "".join(order) == "ab" + "ababab"                   # the warm-up, then the rounds


def test_a_turn_fills_its_time_and_a_long_call_is_made_once():
    class Clock:
        now = 0.0
        def __call__(self): return self.now
    clock = Clock()
    calls = {"short": 0, "long": 0}
    def work(name, seconds):
        calls[name] += 1
        clock.now += seconds
    taken = alternate({"short": lambda: work("short", 1), "long": lambda: work("long", 10)}, 2, 5, clock, warm_up=False)
    assert calls == {"short": 10, "long": 2} and taken == {"short": [1, 1], "long": [10, 10]}


def test_ratios_are_taken_within_rounds():
    "The first round was slow for both"
    found = ratios({"ours": [10., 1., 1.], "peer": [20., 2., 4.], "other": [5., .5, .5]}, "ours")
    assert found["peer"]["values"] == [2, 2, 4] and found["peer"]["median"] == 2 and (found["peer"]["min"], found["peer"]["max"]) == (2, 4)
    assert found["other"]["median"] == .5 and set(found) == {"peer", "other"}
    with pytest.raises(InputError, match="'nobody' was not measured"): ratios({"ours": [1.]}, "nobody")


def test_clocks():
    "Sleeping takes time on the wall and none of the processor; a child counts"
    before = module._processor_seconds()
    module._run_child("import time; t = time.process_time()\nwhile time.process_time() - t < .1: pass")
    assert module._processor_seconds() - before > .05
    with pytest.raises(InputError, match="no clock 'sun'"): BenchPlan(clock="sun")
    with pytest.raises(InputError, match="at least 1"): BenchPlan(runs=0)


@pytest.mark.parametrize("k", [0, .5, 1, 2.3])
def test_slope_of_known_power_laws(k):
    sizes = [1, 3, 4, 10]
    assert np.isclose(loglog_slope(sizes, [.02 * n**k for n in sizes]), k)


def test_slope_of_noisy_times_is_near():
    rng = np.random.default_rng(0)
    sizes = np.array([4, 8, 16, 32, 64])
    assert abs(loglog_slope(sizes, sizes**1.5 * rng.lognormal(0, .05, 5)) - 1.5) < .1


@pytest.mark.parametrize("sizes, seconds, said", [([4], [1], "two sizes"), ([1, 2], [1], "time for each"), ([0, 1], [1, 1], "above 0"),
                                                  ([1, 2], [0, 1], "above 0")])
def test_slope_refuses(sizes, seconds, said):
    with pytest.raises(InputError, match=said): loglog_slope(sizes, seconds)


def test_flops_of_fused_attention_are_counted():
    q = torch.randn(1, 2, 300, 16, requires_grad=True)
    def attend(): torch.nn.functional.scaled_dot_product_attention(q, q, q).sum().backward()
    assert module._count_flops(attend) == 3 * 2 * (2 * 2 * 300 * 300 * 16)               # two products, three times with the backward pass


# --- a whole bench

@pytest.fixture(scope="module")
def results():
    "All parts but for those that start programs, at toy size; peers as far as they are here"
    threads = torch.get_num_threads()
    found = bench(replace(TOY, runs=2, threads=1), ("training", "calls", "data", "growth"))
    assert torch.get_num_threads() == threads
    return found


def test_bench_measures_all_it_says(results):
    names = [one["name"] for one in results["comparisons"]]
    assert {"training step, U-Net", "training step, transformer", "guided network call, U-Net", "drawing a clip, tiny"} <= set(names)
    for one in results["comparisons"]:
        for spread in one["values"].values():
            assert len(spread["values"]) == 2 and 0 < spread["min"] <= spread["median"] <= spread["max"]
    for grown in results["growth"].values(): assert set(grown) == set(TOY.growth)
    assert all(share["min"] > 0 for one in results["comparisons"] for share in one.get("utilisation", {}).values())


def test_results_survive_json(results, tmp_path):
    write_json(tmp_path / "bench.json", results)
    again = read_json(tmp_path / "bench.json")
    assert BenchPlan(**again["plan"]).runs == 2
    assert bench_table(again) == bench_table(results) and json.loads(json.dumps(results)) == again


def comparison(name, ratio, peers=True, **more):
    values = {"t2v_learn": [1., 1.], "peer": [ratio, ratio]}
    return module._comparison(name, "s", values, peers=peers) | more


def test_what_is_slower_than_a_peer_comes_first():
    three = [comparison("fast", 5), comparison("yardstick", .1, peers=False), comparison("slow", .5)]
    made = dict(comparisons=three, growth={}, notes=["a note"])
    lines = bench_table(made).splitlines()
    order = [name for line in lines for name in ("fast", "slow", "yardstick") if f"  {name}:" in line]
    assert order == ["slow", "fast", "yardstick"] and "ours is behind in 1" in bench_table(made) and lines[-1] == "note: a note"
    figure = bench_figure(made)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["slow: peer", "fast: peer", "yardstick: peer"]
    assert figure.axes[0].yaxis_inverted() and figure.axes[0].patches[0].get_facecolor() != figure.axes[0].patches[1].get_facecolor()


def test_figures_refuse_what_they_cannot_draw():
    with pytest.raises(InputError, match="no comparison"): bench_figure(dict(comparisons=[], growth={}))
    with pytest.raises(InputError, match="nothing of growth"): slopes_figure(dict(comparisons=[], growth={}))
    with pytest.raises(InputError, match="track of calls has no row"): speedrun_figure([], "calls")


def test_figures_draw(results):
    assert len(slopes_figure(results).axes) == 2 * len(TOY.growth)
    bars = sum(len(one["ratios"]) for one in results["comparisons"])
    assert len(bench_figure(results).axes[0].patches) == bars


def test_an_unknown_part_is_refused():
    with pytest.raises(InputError, match="no part 'speed'"): bench(TOY, ("speed",))


def test_a_stopped_bench_keeps_what_it_has(monkeypatch):
    def stop(*args): raise KeyboardInterrupt
    monkeypatch.setattr(module, "_measure_startup", stop)
    monkeypatch.setattr(module, "_measure_data", lambda *args: [comparison("data", 2)])
    found = bench(replace(TOY, peers=False), ("data", "startup", "memory"))
    assert [one["name"] for one in found["comparisons"]] == ["data"] and "stopped during startup" in found["notes"][-1]


def test_memory_is_that_of_a_fresh_process(monkeypatch):
    "The child's own peak, though this process has held more; one step of a toy network takes some"
    held = bytearray(2000 * 2**20)
    assert module._peak_memory() > 2000 and len(held)
    asked = dict(plan=asdict(TOY), family="U-Net", package="t2v_learn")
    code = "import sys; from t2v_learn.judge.bench import _memory_child; _memory_child(sys.argv[1])"
    before, after = map(float, module._run_child(code, json.dumps(asked)).split())
    assert 50 < before < after < 2000
    told = iter(["100 150", "100 400", "100 160", "100 420"])
    monkeypatch.setattr(module, "_run_child", lambda *args: next(told))
    found, = module._measure_memory(replace(TOY, runs=2), {"U-Net": {"t2v_learn": None, "peer": None}}, lambda text: None)
    assert found["unit"] == "MB" and found["ratios"]["peer"]["values"] == [300 / 50, 320 / 60]


def test_startup_leaves_out_what_does_not_start(monkeypatch):
    def run(code):
        if "diffusers" in code: raise InputError("a measurement did not end well: no module.")
    monkeypatch.setattr(module, "_run_child", run)
    notes = []
    found = module._measure_startup(replace(TOY, runs=1), notes, lambda text: None)
    assert len(found) == len(module._STARTS) and "diffusers is left out" in notes[0]
    assert "diffusers" not in found[0]["values"] and "t2v_learn" in found[0]["values"]


def test_a_child_that_fails_is_one_sentence():
    with pytest.raises(InputError, match="ValueError: broken"): module._run_child("raise ValueError('broken')")


# --- peers

def test_a_missing_peer_is_a_note(monkeypatch, capfd):
    def missing(name): raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    real = module.import_module
    monkeypatch.setattr(module, "import_module", lambda name: real(name) if name.startswith("t2v_learn") else missing(name))
    notes = []
    networks = module._load_networks(TOY, notes)
    assert {family: list(those) for family, those in networks.items()} == {"U-Net": ["t2v_learn"], "transformer": ["t2v_learn"]}
    assert len(notes) == 3 and all("is not installed, so it is left out" in note and "[bench]" in note for note in notes)
    assert capfd.readouterr() == ("", "")


def test_a_broken_peer_is_a_note_and_its_warnings_are_not_seen(monkeypatch, capfd):
    def broken(plan):
        import warnings
        warnings.warn("set this flag", stacklevel=1)
        print("loading ...")
        raise RuntimeError("operator does\nnot exist")
    monkeypatch.setitem(module._CONTENDERS["U-Net"], "diffusers", (broken, None))
    notes = []
    module._load_networks(replace(TOY), notes)
    note, = (note for note in notes if note.startswith("diffusers (U-Net)"))
    assert "RuntimeError: operator does not exist" in note and "\n" not in note and capfd.readouterr() == ("", "")


def test_without_peers_nothing_is_noted():
    notes = []
    networks = module._load_networks(replace(TOY, peers=False), notes)
    assert notes == [] and all(list(those) == ["t2v_learn"] for those in networks.values())


def test_peers_have_about_as_many_parameters():
    networks = module._load_networks(PLANS["full"], [])
    for those in networks.values():
        ours = module._count(those["t2v_learn"])
        for package, network in those.items(): assert .8 < module._count(network) / ours < 1.25, package


def test_contenders_predict_clips_of_the_same_shape():
    for family, those in module._load_networks(TOY, []).items():
        x, text = module._inputs(family, TOY.frames, TOY.size, 2, TOY.words)
        for package, network in those.items(): assert module._CONTENDERS[family][package][1](network, x, text).shape == x.shape


def test_a_training_step_moves_all_that_can_move():
    network = module._our_unet(TOY)
    before = {name: p.detach().clone() for name, p in network.named_parameters() if "null" not in name}
    module._training_step("U-Net", "t2v_learn", network, TOY.frames, TOY.size, 2, TOY.words)()
    assert all(not torch.equal(p, before[name]) for name, p in network.named_parameters() if name in before)


# --- the test of the speed-run

def test_significance_is_the_one_sided_t_test():
    scores = [.95, .99, .999, .96, .995]
    assert np.isclose(significance(scores, 480), stats.ttest_1samp(scores, .97, alternative="greater").pvalue)
    assert significance([.99, .985, .99, .982, .988], 480) < .01 < significance([.98, .97, .975, .985, .965], 480)
    assert significance([.96] * 5, 480) > .5


def test_equal_scores_prove_no_more_than_their_clips():
    "Five times 98 % by five clips each is nothing; by ten thousand each it is"
    assert significance([.98] * 5, 5) > .3 and significance([.98] * 5, 10_000) < .01
    with pytest.raises(InputError, match="two seeds"): significance([.99], 480)


# --- entries

SHAPE = [3, 8, 32, 32]


@pytest.fixture
def entry(tmp_path):
    "An entry whose weights are one number: what is checked before a model is loaded"
    folder = tmp_path / "entry"
    for seed in range(5):
        trained = dict(preset="tiny", data=None, steps=100, minutes=20.0 + seed / 10, seed=seed)
        about = dict(kind="text-to-video", shape=SHAPE, words=["a", "circle", "red"], versions=dict(world=module.WORLD_VERSION))
        save_weights(folder / f"seed-{seed}", dict(weight=torch.zeros(1)), about | dict(trained=trained))
    write_json(folder / "entry.json", dict(track="minutes", author="someone", change="nothing", train=dict(preset="tiny", minutes=20),
                                           machine="2 cores", versions=module._world_versions()))
    return folder


def change(file, **entries):
    "Entries of a JSON file; None takes one away"
    found = read_json(file) | entries
    write_json(file, {name: value for name, value in found.items() if value is not None})


def exchange_weights(folder):
    "Weights of another training, which keep its settings, beside the config.json that was there"
    config = read_json(folder / "config.json")
    save_weights(folder, dict(weight=torch.ones(1)), config | dict(trained=dict(preset="tiny", minutes=3.0, script="train_many.py")))
    write_json(folder / "config.json", config)


def change_training(folder, **entries): change(folder / "config.json", trained=read_json(folder / "config.json")["trained"] | entries)


@pytest.fixture
def scores(monkeypatch):
    "A model that is no more than its config, and an `evaluate` that gives the scores of a list, a clip by two calls of its network"
    told = [.99, .985, .992, .988, .991]

    class Network(torch.nn.Module):
        def forward(self, x): return x
    def load(folder): return SimpleNamespace(config=read_json(folder / "config.json"), network=SimpleNamespace(unet=Network()))
    def evaluate(model, split, n, **settings):
        assert split == "held-out-combinations"
        n = n or 480
        model.network.unet(torch.zeros(2 * n, 1))
        return SimpleNamespace(joint=told[model.config["trained"]["seed"]], n=n, settings=settings)
    monkeypatch.setattr(module.VideoGenerator, "from_pretrained", load)
    monkeypatch.setattr(module, "evaluate", evaluate)
    return told


def test_a_good_entry_becomes_a_row(entry, scores, tmp_path):
    said = []
    row = check_entry(entry, say=said.append)
    assert row["joint"] == scores and row["n"] == 480 and row["calls"] == 2 and row["p"] < .01 and not row["retrained"]
    assert np.allclose(row["minutes"], [20, 20.1, 20.2, 20.3, 20.4]) and len(said) == 10
    text = record_entry(entry, tmp_path / "table.json", n=360)
    assert "20.2 minutes" in text and "someone" in text and "\n" not in text
    record_entry(entry, tmp_path / "table.json")
    rows = read_json(tmp_path / "table.json")["rows"]
    assert [one["n"] for one in rows] == [360, 480] and rows[1] == json.loads(json.dumps(row))
    assert len(speedrun_figure(rows).axes[0].patches) == 2


def test_a_row_for_calls(entry, scores):
    change(entry / "entry.json", track="calls", sample=dict(num_inference_steps=8))
    scores[:] = [.97, .972, .969, .974, .971]
    row = check_entry(entry)
    assert row["track"] == "calls" and row["sample"] == dict(num_inference_steps=8)
    assert speedrun_figure([row], "calls").axes[0].patches[0].get_width() == 2
    change(entry / "seed-3" / "config.json", kind="text-to-video-gan")
    with pytest.raises(InputError, match="seed-3 is no diffusion model"): check_entry(entry)


@pytest.mark.parametrize("wrong, said", [
    (lambda e: (e / "entry.json").unlink(), "there is no file .*entry.json"),
    (lambda e: (e / "entry.json").write_text("{"), "damaged or no JSON: write it as lesson 69 shows"),
    (lambda e: change(e / "entry.json", author=None), "says nothing about 'author'"),
    (lambda e: change(e / "entry.json", track="seconds"), "no track 'seconds': choose one of minutes, calls"),
    (lambda e: change(e / "entry.json", train=dict(model="tiny")), "model is the same for all entries"),
    (lambda e: change(e / "entry.json", train=dict(magic=1)), "train in entry.json knows no 'magic'"),
    (lambda e: change(e / "entry.json", train="t2v train"), "train in entry.json must be names with their values"),
    (lambda e: change(e / "entry.json", sample=dict(steps=4)), "sample in entry.json knows no 'steps': choose of .*num_inference_steps"),
    (lambda e: change(e / "entry.json", versions=dict(world=0, reader="x")), "version 0 of the world"),
    (lambda e: change(e / "entry.json", versions=module._world_versions() | dict(reader="x")), "version x of the reader"),
    (lambda e: shutil.rmtree(e / "seed-4"), "five trained models or more.*has 4"),
    (lambda e: (e / "seed-2").rename(e / "seed-7"), "seed-2 is missing"),
    (lambda e: (e / "seed-1" / "config.json").unlink(), "there is no file .*seed-1/config.json"),
    (lambda e: change(e / "seed-1" / "config.json", versions=dict(world=0)), "seed-1 was trained on version 0 of the world"),
    (lambda e: change_training(e / "seed-2", minutes=None), "seed-2 says nothing of the minutes"),
    *((lambda e, minutes=minutes: change_training(e / "seed-2", minutes=minutes), "seed-2 says nothing of the minutes")
      for minutes in (0, -5, float("inf"), float("nan"), True, "20")),
    (lambda e: change(e / "seed-2" / "config.json", trained="abc"), "config.json in seed-2 is damaged"),
    (lambda e: (e / "seed-3" / "model.safetensors").unlink(), "there is no file .*seed-3/model.safetensors"),
    (lambda e: exchange_weights(e / "seed-3"), "seed-3 was trained by train_many.py"),
    (lambda e: change(e / "entry.json", track=["minutes"]), r"no track \['minutes'\]"),
    (lambda e: change(e / "entry.json", sample=dict(guidance_scale="2")), "guidance_scale in entry.json is a number, not '2'"),
    (lambda e: change_training(e / "seed-2", seed=9), "seed-2 was trained with seed 9"),
    (lambda e: change_training(e / "seed-2", script="train_many.py"), "seed-2 was trained by train_many.py"),
    (lambda e: change_training(e / "seed-2", data="clips"), "seed-2 was not trained from nothing"),
    (lambda e: change_training(e / "seed-2", model="tiny", before={}), "seed-2 was not trained from nothing"),
    (lambda e: change_training(e / "seed-2", preset="full"), "seed-2 was not trained from nothing"),
])
def test_what_is_wrong_with_an_entry_is_one_sentence(entry, wrong, said, monkeypatch):
    "And it is said before a model is loaded"
    monkeypatch.setattr(module.VideoGenerator, "from_pretrained", lambda *args: pytest.fail("the model was loaded first"))
    wrong(entry)
    with pytest.raises(InputError, match=said) as caught: check_entry(entry)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_checkpoint_that_says_something_else(entry, monkeypatch):
    monkeypatch.setattr(module, "read_training", lambda folder: dict(lr=.002, step=100) if folder.name == "seed-1" else {})
    change(entry / "entry.json", train=dict(preset="tiny", minutes=20, lr=.001))
    with pytest.raises(InputError, match=r"seed-1 was trained with lr 0.002, and entry.json says 0.001"): check_entry(entry)


def test_a_mean_that_luck_explains_is_refused(entry, scores, tmp_path):
    scores[:] = [.98, .96, .985, .972, .978]
    table = tmp_path / "table.json"
    with pytest.raises(InputError, match=r"97\.50%, not significantly above 97% \(p = 0\.\d+"): record_entry(entry, table)
    with pytest.raises(InputError, match="not significantly"): record_entry(entry, None)
    kept = json.loads(table.read_text())
    assert kept["rows"] == [] and [row["joint"] for row in kept["refused"]] == [scores], "a try that failed counts"
    with pytest.raises(InputError): record_entry(entry, table)
    assert len(json.loads(table.read_text())["refused"]) == 2
    scores[:] = [.99, .995, .992, .99, .993]
    record_entry(entry, table)
    kept = json.loads(table.read_text())
    assert len(kept["rows"]) == 1 and len(kept["refused"]) == 2


def test_no_entry_at_all(tmp_path):
    with pytest.raises(InputError, match="there is no folder"): check_entry(tmp_path / "nothing")
    (tmp_path / "table.json").write_text("[]")
    with pytest.raises(InputError, match="does not hold a JSON object"): record_entry(tmp_path, tmp_path / "table.json")
    for content in ('{"rows": null}', '{"rows": {"a": 1}}', '{"rows": [], "refused": null}'):
        (tmp_path / "table.json").write_text(content)
        with pytest.raises(InputError, match="is no table of the speed-run"): record_entry(tmp_path, tmp_path / "table.json")
        assert (tmp_path / "table.json").read_text() == content
    with pytest.raises(InputError, match="does not exist"): record_entry(tmp_path, tmp_path / "nowhere" / "table.json")


def test_trained_again(entry, scores, monkeypatch):
    "In clean folders, with the entry's options, on the CPU; these minutes count"
    seen = []
    def train(**options):
        seen.append(options)
        assert torch.get_num_threads() <= 2 and not options["folder"].exists()
        config = dict(trained=dict(seed=options["seed"], minutes=11.0))
        return SimpleNamespace(config=config, network=SimpleNamespace(unet=torch.nn.Identity()))
    monkeypatch.setattr(module, "train", train)
    row = check_entry(entry, retrain=True)
    assert row["minutes"] == [11.0] * 5 and row["retrained"] and [one["seed"] for one in seen] == [0, 1, 2, 3, 4]
    assert all(one["preset"] == "tiny" and one["minutes"] == 20 and one["device"] == "cpu" for one in seen)


def test_calls_of_a_real_model_are_counted(monkeypatch):
    from small_model import small_model
    model = small_model()
    with module._count_calls(model) as counted:
        model(["a red circle moving right", "a blue square moving up"], num_inference_steps=3, guidance_scale=1.0)
        assert counted["rows"] == 2 * 3
        model("a red circle moving right", num_inference_steps=3, guidance_scale=2.0, guidance_interval=None)
        assert counted["rows"] == 6 + 2 * 3
    model("a red circle moving right", num_inference_steps=2)
    assert counted["rows"] == 12, "the hook is still there"


def test_a_gan_makes_one_call_a_clip():
    from t2v_learn.training.pipeline import VideoGenerator
    model = VideoGenerator.from_pretrained("tiny-gan", device="cpu")
    with module._count_calls(model) as counted: model(["a red circle moving right", "a blue square moving up"])
    assert counted["rows"] == 2


@pytest.mark.slow
def test_what_a_real_training_leaves_is_understood(tmp_path):
    "Minutes and options of a training of two steps, from its own config and checkpoint"
    from t2v_learn.training.pipeline import train
    model = train(preset="tiny", steps=2, batch_size=2, seed=0, folder=tmp_path / "seed-0", device="cpu", progress=False)
    change_training(tmp_path / "seed-0", minutes=12.5)                       # two steps are 0.0 minutes
    entry = dict(track="minutes", train=dict(preset="tiny", steps=2, batch_size=2))
    assert model.config["trained"]["seed"] == 0 and module._check_trained(tmp_path / "seed-0", 0, entry) == 12.5
    for option, value in dict(steps=3, preset="full", batch_size=16).items():
        with pytest.raises(InputError, match=f"seed-0 was trained with {option} .*entry.json says {value}"):
            module._check_trained(tmp_path / "seed-0", 0, entry | dict(train={option: value}))


# --- the command, and what is stored

@pytest.mark.parametrize("args, said", [
    ("--only speed", "no part 'speed'"), ("--retrain", "--record"), ("--n 5", "--record"), ("--output a.gif", ".json"),
    ("--figure a.json", ".png"), ("--output missing/a.json", "missing"), ("--record nowhere", "no folder nowhere"), ("--runs 0", "--runs"),
    ("--clock sun", "sun"),
    ("--record x --quick", "--quick"), ("--only growth --figure a.png", "growth alone")])
def test_command_refuses(t2v, args, said):
    status, out, err = t2v("bench", *args.split())
    assert status == 2 and out == "" and len(err) == 1 and said in err[0], err


def test_command_measures_and_writes(t2v, monkeypatch, tmp_path):
    monkeypatch.setitem(module.PLANS, "quick", replace(TOY, peers=False))
    status, out, err = t2v("bench", *"--quick --only calls --only data --runs 1 --threads 1 --output b.json --figure b.png".split())
    assert status == 0 and "YARDSTICKS" in out and any("guided network call" in line for line in err)
    assert read_json(tmp_path / "b.json")["plan"]["runs"] == 1 and (tmp_path / "b.png").stat().st_size > 5000


def test_stored_results_can_be_drawn():
    stored = read_json(root / "nbs/6_judge/results/bench.json")
    assert BenchPlan(**stored["plan"]).peers and set(stored) >= {"comparisons", "growth", "machine", "notes"}
    assert bench_figure(stored) and slopes_figure(stored)
    rows = read_json(root / "nbs/6_judge/results/speedrun.json")["rows"]
    assert all(row["p"] < .01 and len(row["joint"]) >= 5 for row in rows)


def test_parts_are_those_of_the_help(t2v):
    _, out, _ = t2v("bench", "--help")
    said = re.sub(r"\s+", " ", out)
    assert all(part in said for part in PARTS)


def test_a_part_that_fails_leaves_the_others(monkeypatch):
    def fails(*_): raise InputError("no word of it.")
    monkeypatch.setattr(module, "_measure_memory", fails)
    monkeypatch.setattr(module, "_measure_data", lambda *_: [dict(name="data")])
    found = bench(replace(TOY, peers=False), ("data", "memory"))
    assert found["comparisons"] == [dict(name="data")] and "memory could not be measured: no word of it." in found["notes"]
