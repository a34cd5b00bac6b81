"The model in a page: what Python writes for it, what JavaScript makes of that, and both against the library"
import base64
import functools
import gzip
import http.server
import json
import os
import re
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from javascript import run_javascript
from refusals import sentence
from runs import find_browser

from t2v_learn import npm
from t2v_learn import page as page_module
from t2v_learn.core import InputError
from t2v_learn.diffusion.editing import TextToVideo
from t2v_learn.diffusion.guidance import sample
from t2v_learn.diffusion.sampling import recorded, refresh
from t2v_learn.judge.controls import CONTROLS, any_scene
from t2v_learn.page import ExportedUNet, _page_data, build_page, export_network, page_prompts, page_settings, page_sources, prompt_features
from t2v_learn.training.pipeline import start_noise
from t2v_learn.video.clips import to_uint8
from t2v_learn.video.verify import read_scene, score
from t2v_learn.video.world import Actor, Scene, World, caption, render

# a held-out combination and a seen one in each wording, and two words that training never read
PROMPTS = ["a red circle moving right", "a blue triangle moves up", "the square is green and moves down", "a white triangle moving left",
           "a purple circle moves to the left", "the square is yellow and moves up", "a crimson square moving down",
           "a green circle moves west"]


@pytest.fixture(scope="module")
def model():
    return TextToVideo.from_pretrained("tiny", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def page(model):
    "What the scripts read in page.json"
    prompts = page_prompts()
    pieces = [(model.encoder.tokenizer(prompt["text"])["input_ids"], None) for prompt in prompts]     # only how many there are counts
    return json.loads(json.dumps(_page_data(model, prompts, pieces, "")))


@contextmanager
def with_network(model, network):
    "The model with another network in the place of its U-Net; monkeypatch would leave none behind"
    unet = model.denoiser.unet
    model.denoiser.unet = network
    try: yield
    finally: model.denoiser.unet = unet


def world_of(page):
    settings = page["settings"]
    world = page["world"]
    return dict(shapes=world["shapes"], colors=world["palette"], directions=world["directions"], nFrames=settings["shape"][1],
                canvas=settings["shape"][2])


# --- prompts

def test_every_caption_of_training_is_there():
    texts = {prompt["text"]: prompt for prompt in page_prompts()}
    generator = np.random.default_rng(0)
    for split in ("seen", "held-out-combinations"):
        for _ in range(300):
            scene = World("tiny").sample(generator, split)
            actor = scene.actors[0]
            prompt = texts[caption(scene, generator)]
            assert (prompt["shape"], prompt["color"], prompt["motion"]) == (actor.shape, actor.color, actor.motion)
            assert not prompt["untrained"]


def test_one_reserved_word_is_there():
    "A caption of the reserved lexicon is there exactly where one word of it is reserved"
    texts = {prompt["text"]: prompt for prompt in page_prompts()}
    reserved = {prompt["untrained"] for prompt in page_prompts()} - {""}
    generator = np.random.default_rng(0)
    for _ in range(300):
        text = caption(World("tiny").sample(generator), generator, "reserved")
        found = reserved & set(text.split())
        assert (text in texts) == (len(found) == 1), text
        if text in texts: assert {texts[text]["untrained"]} == found


def test_features_are_those_of_the_encoder(model):
    "Batched or alone, a prompt says the same to the network"
    texts = [prompt["text"] for prompt in page_prompts()][::199] + PROMPTS
    nothing, *features = prompt_features(model, texts)
    conditioner = model.denoiser.unet.text_conditioner
    with torch.no_grad():
        for text, (words, vector) in zip(texts, features):
            alone, mask, pooled = conditioner(model.encoder([text]), torch.tensor([True]))
            torch.testing.assert_close(words, alone[mask], atol=1e-3, rtol=1e-5)
            torch.testing.assert_close(vector, pooled[0], atol=1e-4, rtol=1e-5)
        null, mask, pooled = conditioner(model.encoder(["anything"]), torch.tensor([False]))
    torch.testing.assert_close(nothing[0], null[mask])
    torch.testing.assert_close(nothing[1], pooled[0])


READ = """
import {makePrompts} from "./prompts.js";
const prompts = makePrompts(given.page);
console.log(JSON.stringify(given.texts.map(text => prompts.read(text))));
"""


def test_prompts_are_read(page, tmp_path):
    "Each by its own text, and with capitals, punctuation and articles as people type them"
    texts = [caption[0] for caption in page["captions"]]
    typed = [text.upper() + "!" for text in texts[:50]] + [text.replace("a ", "an ", 1) for text in texts[50:100]]
    read = run_javascript(READ, tmp_path, page=page, texts=texts + typed)
    assert [answer["entry"]["text"] for answer in read] == texts + texts[:50] + texts[50:100]
    held_out = {(e["shape"], e["color"], e["motion"]) for e in (answer["entry"] for answer in read) if e["isHeldOut"]}
    assert len(held_out) == 12


REFUSED = {  # typed: what is said
    "": "empty", "  ,.! ": "empty", "a red dog moving right": "no “dog”", "<b>red</b> circle": "no “b”", "a red thing": "no “thing”",
    "a circle moving right": "colour is missing", "red moving left": "shape is missing", "a red circle": "motion is missing",
    "a red blue circle moving left": "names 2 colours", "a red circle moves left and right": "names 2 motions",
    "a crimson disc moving left": "Only one word", "right moving circle red a": "this sentence is not",
    "toString constructor __proto__": "“tostring”", "ein roter Kreis": "“ein”", "\u202e🙂 é": "“é”", "x" * 5000: "“" + "x" * 24 + "…”",
    "word " * 200 + "a b c d e f g": "and 2 more",
}


def test_what_is_not_known_is_said(page, tmp_path):
    read = run_javascript(READ, tmp_path, page=page, texts=list(REFUSED))
    for (text, said), answer in zip(REFUSED.items(), read):
        assert said in answer.get("error", ""), (text[:50], answer)
        assert len(answer["error"]) < 500
        assert answer["suggestion"]["text"] in {caption[0] for caption in page["captions"]}


# --- noise and sampler

def test_seeds_are_those_of_torch(tmp_path):
    "The first and the later numbers of a generator, for seeds at both ends"
    seeds = [0, 1, 7, 2026, 2**31, 2**32 - 1]
    code = """
    import {seededNoise} from "./noise.js";
    const draw = seed => { const randn = seededNoise(seed); return [0, 1, 2].map(() => Array.from(randn(24576))); };
    console.log(JSON.stringify(given.seeds.map(draw)));
    """
    for seed, drawn in zip(seeds, run_javascript(code, tmp_path, seeds=seeds)):
        generator = torch.Generator().manual_seed(seed)
        expected = torch.stack([torch.randn(24576, generator=generator) for _ in range(3)])
        torch.testing.assert_close(torch.tensor(drawn), expected, atol=2e-5, rtol=1e-4)


class Formula(torch.nn.Module):
    "A network whose answer can be written in both languages: it depends on the clip, the noise level and the text"
    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))     # it says where the network lies

    def forward(self, x, log_snr, text, cond_mask=None):
        pooled = text.pooled[:, 0] if cond_mask is None else torch.where(cond_mask, text.pooled[:, 0], -0.5)
        return torch.sin(x * 3) * 0.5 + (log_snr * 0.05 + pooled)[:, None, None, None, None]


def test_sampler_is_that_of_the_library(model, tmp_path):
    "Times, preconditioning, guidance and new noise: the same clip from the same noise, whatever the network says"
    settings = page_settings(model)
    noise, generators = start_noise([3], model.sample_shape)
    drawn = [noise[0], *(torch.randn(model.sample_shape, generator=generators[0]) for step in settings["steps"] if step["fresh"])]
    code = """
    import {refresh, toBytes} from "./sampler.js";
    const settings = {...given.settings, nothing: -0.5};
    const network = async (x, logSnr, text) => x.map(value => Math.sin(value * 3) * 0.5 + (logSnr * 0.05 + text));
    const noise = [...given.noise];
    const clips = [];
    const randn = () => Float32Array.from(noise.shift());
    for await (const {x0} of refresh(network, 0.25, randn, settings)) clips.push(Array.from(toBytes(x0, settings)));
    console.log(JSON.stringify({clips, left: noise.length}));
    """
    answer = run_javascript(code, tmp_path, settings=settings, noise=[numbers.flatten().tolist() for numbers in drawn])
    assert answer["left"] == 0
    text = model.encoder(["anything"])
    text.pooled[:] = 0.25
    seen = []
    def keep(predict):
        remember, path = recorded(predict)
        seen.append(path)
        return remember
    _, generators = start_noise([3], model.sample_shape)
    with with_network(model, Formula()):
        sample(model.denoiser, text, noise, model.times(13), refresh, 1.5, generators, interval=(-float("inf"), -3.5), wrap=keep)
    for (_, _, x0), theirs in zip(seen[0], answer["clips"], strict=True):
        ours = to_uint8(model.denoiser.restore(x0[0]).clamp(-1, 1)).transpose(1, 2, 3, 0)
        assert np.abs(ours.astype(int) - np.reshape(theirs, ours.shape)).max() <= 1


def test_settings_are_those_of_the_library(model):
    settings = page_settings(model)
    assert [step["guided"] for step in settings["steps"]].count(True) == 9
    assert [step["fresh"] for step in settings["steps"]] == [False] * 8 + [True] * 4 + [False]
    assert settings["steps"][0]["logSnr"] == -15 and settings["steps"][-1]["sigmaNext"] == 0


@pytest.fixture
def runtime(monkeypatch, tmp_path_factory):
    "A folder in the place of ONNX Runtime Web, for builds that never come to it"
    monkeypatch.setattr(page_module, "fetch_runtime", lambda: tmp_path_factory.mktemp("runtime"))


def test_models_that_do_not_fit_are_refused(tmp_path, runtime):
    assert "take tiny" in sentence(build_page, tmp_path / "page", "tiny-gan")
    for name in ("missing", "reader-tiny"): sentence(build_page, tmp_path / "new" / "page", name)
    assert not list(tmp_path.iterdir())


def test_folders_that_are_not_free(tmp_path, runtime):
    "Whatever lies there stays"
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "index.html").write_text("mine")
    for place in ("file", "full", "file/page"): sentence(build_page, tmp_path / place)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["file", "full", "full/index.html"]
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "index.html").read_text() == "mine"


def test_packages_that_are_missing(tmp_path, runtime, monkeypatch):
    monkeypatch.setattr(page_module, "find_spec", lambda name: None)
    assert "pip install onnx onnxscript" in sentence(build_page, tmp_path / "page")
    monkeypatch.undo()
    def no_runtime(*_): raise InputError("onnxruntime-web is not here.")
    monkeypatch.setattr(npm, "_fetch", no_runtime)
    monkeypatch.setattr(npm, "_npm_cache", lambda: tmp_path / "cache")
    assert sentence(build_page, tmp_path / "page") == "onnxruntime-web is not here."
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_failed_build_leaves_the_old_page(tmp_path, runtime, monkeypatch):
    old = tmp_path / "page"
    old.mkdir()
    for name in ("model.onnx", "page.json"): (old / name).write_text("old")
    def full(*_): raise OSError(28, "No space left on device")
    monkeypatch.setattr(page_module, "export_network", full)
    monkeypatch.setattr(page_module, "page_prompts", lambda: page_prompts()[:3])
    assert "No space left" in sentence(build_page, old)
    assert [(path.name, path.read_text()) for path in sorted(old.iterdir())] == [("model.onnx", "old"), ("page.json", "old")]
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_a_page_behind_a_link_is_replaced_and_the_link_stays(tmp_path, runtime, monkeypatch):
    (tmp_path / "real").mkdir()
    for name in ("model.onnx", "page.json"): (tmp_path / "real" / name).write_text("old")
    (tmp_path / "link").symlink_to("real")
    with page_module._whole_folder(tmp_path / "link") as new: (new / "page.json").write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "page.json").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert "the folder you are in" in sentence(build_page, ".")


def test_what_is_no_part_of_a_page_is_not_removed(tmp_path, runtime):
    old = tmp_path / "page"
    old.mkdir()
    for name in ("model.onnx", "page.json", "CNAME"): (old / name).write_text("old")
    assert "CNAME, which is no part of a page" in sentence(build_page, old)
    assert len(list(old.iterdir())) == 3


def test_from_the_command_line(t2v, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    status, out, err = t2v("page", "thesis")
    assert (status, out, len(err)) == (2, "", 1) and "is no page of t2v" in err[0]


# --- the reader

GRADE = """
import {grade} from "./reader.js";
const clips = readFileSync("clips.bin");
const n = clips.length / given.wanted.length;
const read = (wanted, i) => grade(new Uint8Array(clips.subarray(i * n, (i + 1) * n)), wanted, given.world, given.tolerances);
console.log(JSON.stringify(given.wanted.map(read)));
"""


def assert_read_alike(clips, scenes, page, folder):
    "Both readers say the same of each clip: attributes, verdict, and the reason to the letter"
    (folder / "clips.bin").write_bytes(b"".join(np.ascontiguousarray(clip).tobytes() for clip in clips))
    actors = [scene.actors[0] for scene in scenes]
    wanted = [dict(shape=actor.shape, color=actor.color, motion=actor.motion) for actor in actors]
    graded = run_javascript(GRADE, folder, wanted=wanted, world=world_of(page), tolerances=page["tolerances"])
    for clip, scene, theirs in zip(clips, scenes, graded, strict=True):
        with np.errstate(all="ignore"):
            ours = read_scene(clip)
            verdict = {name: bool(right) for name, right in score(clip, scene).items()}
        reading = theirs.pop("reading")
        assert (reading["attributes"], reading["reason"]) == (ours.attributes, ours.reason)
        assert theirs == verdict
        assert bool(ours) == (reading["scene"] is not None)
        if ours:
            for name in ("size", "speed", "x", "y"): assert abs(getattr(ours.scene.actors[0], name) - reading["scene"][name]) < 1e-4


def controls(n, generator):
    "n clips of each of the judge's controls: clean ones, damage, near misses, and what is no scene at all"
    rows = [row for row in CONTROLS["tiny"].values() for _ in range(n)]
    scenes = [row.source(generator) for row in rows]
    return [row.make(scene, generator) for row, scene in zip(rows, scenes)], scenes


def between(n, generator):
    "n clips between a render and noise, and n whose pixels are pure red, green or blue: where numbers are near a tolerance, or no numbers"
    scenes = [any_scene(generator) for _ in range(2 * n)]
    videos = [render(scene) / 255 for scene in scenes]
    shares = generator.uniform(0, 0.6, n)
    mixed = [video * (1 - share) + generator.random(video.shape) * share for video, share in zip(videos[:n], shares)]
    bright = [video.max(-1) > 0.4 for video in videos[n:]]
    primaries = [np.eye(3)[generator.integers(0, 3, one.shape)] * one[..., None] for one in bright]
    return [(video * 255).astype(np.uint8) for video in mixed + primaries], scenes


def test_reader_is_that_of_the_library(page, tmp_path):
    "Of 122 clips; the slow round reads 600"
    generator = np.random.default_rng([20_263, 8])
    clips, scenes = controls(6, generator)
    more, others = between(10, generator)
    assert_read_alike(clips + more, scenes + others, page, tmp_path)


# --- the sources

class Elements(HTMLParser):
    "All elements of a document, as (tag, attributes)"
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes): self.found.append((tag, dict(attributes)))


def test_the_document_is_whole():
    "Every id that a script looks for is there, every field has a label, every picture a text; nothing comes from elsewhere"
    html = (page_sources() / "index.html").read_text(encoding="utf-8")
    elements = Elements(html).found
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    scripts = "".join(path.read_text(encoding="utf-8") for path in page_sources().glob("*.js"))
    assert set(re.findall(r"""(?:at|getElementById)\("([\w-]+)"\)""", scripts)) <= set(ids)
    labels = {attributes.get("for") for tag, attributes in elements if tag == "label"}
    for tag, attributes in elements:
        if tag == "input": assert attributes["id"] in labels
        if tag in ("canvas", "progress"): assert attributes.get("aria-label")
        for name in ("src", "href"): assert not re.match(r"(\w+:)?//|https?:", attributes.get(name, "").removeprefix("data:,"))
        assert not any(name.startswith("on") for name in attributes), "no script inside the document"
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", scripts), "what is typed stays text"


def test_addresses_in_the_sources():
    "None but the one that says how to open the page"
    for path in page_sources().glob("*.*"):
        found = re.findall(r"https?://[^\s\"'”]+", path.read_text(encoding="utf-8"))
        assert set(found) <= {"http://localhost:8000."}, path.name


# --- the page as it is built

def pytorch_paths(model):
    "The guesses of x0 at all steps for each prompt, uint8 `steps f h w c`, and the noise they came from"
    paths = []
    def keep(predict):
        remember, path = recorded(predict)
        paths.append(path)
        return remember
    noise, generators = start_noise(list(range(len(PROMPTS))), model.sample_shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")      # of the words that training never read
        model.denoise(PROMPTS, noise, model.times(13), generators=generators, wrap=keep)
    x0 = torch.stack([model.denoiser.restore(x0).clamp(-1, 1) for _, _, x0 in paths[0]], 1)               # b steps c f h w
    return to_uint8(x0).transpose(0, 1, 3, 4, 5, 2)


def noise_of(seed, model):
    "All that one clip takes from its generator, one after the other: where it starts, and what is drawn anew"
    generator = torch.Generator().manual_seed(seed)
    n = 1 + sum(step["fresh"] for step in page_settings(model)["steps"])
    return np.stack([torch.randn(model.sample_shape, generator=generator).numpy() for _ in range(n)])


@pytest.fixture(scope="module")
def built(tmp_path_factory, model):
    "The folder of a page and PyTorch's clips; built once for all processes that test"
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ: shared = shared.parent
    with pytest.MonkeyPatch.context() as patch:
        def refuse(*_): raise InputError("onnxruntime-web was not fetched yet (t2v page FOLDER, with a network).")
        patch.setattr(npm, "_fetch", refuse)
        try: (shared / "page-begun").mkdir()
        except FileExistsError:
            for _ in range(6000):
                if (shared / "page-done").exists(): break
                time.sleep(0.1)
            if not (shared / "page").is_dir(): pytest.skip((shared / "page-done").read_text())
            return shared / "page", np.load(shared / "paths.npy")
        said = "the page was not built"
        try:
            build_page(shared / "page", home="../index.html")
            np.save(shared / "paths.npy", pytorch_paths(model))
        except InputError as error:
            said = str(error)
            if os.environ.get("CI") == "true" and sys.platform == "linux": raise
            pytest.skip(said)
        finally: (shared / "page-done").write_text(said)
    return shared / "page", np.load(shared / "paths.npy")


def difference(a, b):
    "In grey levels"
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.slow
def test_what_is_built(built, page, model):
    folder, _ = built
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sum(sizes.values()) <= 25e6, sizes
    told = json.loads((folder / "page.json").read_text())
    assert told == page | {"home": "../index.html"}
    n_trained = sum(not caption[6] for caption in told["captions"])
    numbers = [n * 128 + 256 for n in [1, *(caption[1] for caption in told["captions"])]]
    assert sizes["text.bin"] == 4 * sum(numbers[: n_trained + 1])
    assert sizes["text-untrained.bin"] == 4 * sum(numbers[n_trained + 1:])
    assert gzip.decompress((folder / "ort-wasm.gz").read_bytes())[:4] == b"\0asm"
    assert b"/" + b"t2v_learn/" not in (folder / "model.onnx").read_bytes(), "the file tells where it was made"
    assert not [path.name for path in folder.parent.iterdir() if path.name.startswith(".page-")]
    assert export_network(model) == (folder / "model.onnx").read_bytes(), "two builds differ"


@pytest.mark.slow
def test_onnxruntime_and_pytorch_agree(built, model, record_property):
    "Over the whole way, with the same noise"
    pytest.importorskip("onnxruntime")
    folder, paths = built
    with with_network(model, ExportedUNet(folder / "model.onnx", model, PROMPTS)): worst = difference(pytorch_paths(model), paths)
    record_property("onnxruntime and PyTorch, largest difference in grey levels", f"{worst} ({len(PROMPTS)} prompts, 13 steps)")
    assert worst <= 2


@pytest.mark.slow
def test_reader_is_that_of_the_library_on_600_clips(built, page, tmp_path, record_property):
    "Among them all guesses on the way to 8 generated clips"
    _, paths = built
    generator = np.random.default_rng([20_263, 9])
    clips, scenes = controls(24, generator)
    more, others = between(50, generator)
    about = {prompt["text"]: prompt for prompt in page_prompts()}
    asked = [Scene((Actor(*(about[text][name] for name in ("shape", "color", "motion")), 5, 1.5, 0, 0),)) for text in PROMPTS]
    generated = list(paths.reshape(-1, *paths.shape[2:]))
    clips = clips + more + generated
    assert_read_alike(clips, scenes + others + [scene for scene in asked for _ in range(paths.shape[1])], page, tmp_path)
    record_property("clips that both readers read alike", len(clips))
    assert len(clips) >= 600


# --- in a browser

SECONDS = 120    # for the model to be loaded, or for one clip, on a busy machine
DRAW = """async ([prompt, noise]) => {
  const model = await window.model;
  await model.complete;
  const numbers = new Float32Array(Uint8Array.from(atob(noise), letter => letter.charCodeAt()).buffer);
  let at = 0;
  const randn = n => numbers.slice(at, at += n);
  const {entry, error} = model.prompts.read(prompt);
  if (error) throw new Error(error);
  let guesses = "";
  const began = performance.now();
  const clip = await model.generate(entry, randn, ({x0}) => { for (const byte of x0) guesses += String.fromCharCode(byte); });
  const seconds = (performance.now() - began) / 1000;
  const {reading, ...verdict} = model.grade(clip, entry);
  return {guesses: btoa(guesses), seconds, verdict, left: numbers.length - at};
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass


@contextmanager
def served(folder):
    "The address of a plain static server"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try: yield f"http://127.0.0.1:{server.server_port}/"
    finally: server.shutdown()


@contextmanager
def opened(folder, **options):
    "The page in a real browser, when it is ready; at the end, nothing may have gone wrong and nothing have come from elsewhere"
    executable = find_browser()
    playwright = pytest.importorskip("playwright.sync_api")
    with served(folder) as address, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(1000 * SECONDS)
        wrong = []
        page.on("request", lambda request: request.url.startswith((address, "data:")) or wrong.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
        page.on("dialog", lambda dialog: wrong.append(dialog.message) or dialog.dismiss())
        page.goto(address)
        playwright.expect(page.locator("#status")).to_have_text("Ready.", timeout=1000 * SECONDS)
        playwright.expect.set_options(timeout=1000 * SECONDS)
        yield page, playwright.expect, wrong
        browser.close()
        assert not wrong, wrong


@pytest.mark.slow
def test_browser_and_pytorch_agree(built, model, record_property):
    "The same noise, the same clip, at each of the steps; with the network cut once the page is loaded"
    folder, paths = built
    about = {prompt["text"]: prompt for prompt in page_prompts()}
    worst = 0
    seconds = []
    with opened(folder) as (page, _, wrong):
        page.evaluate("async () => { await (await window.model).complete; }")
        page.context.set_offline(True)
        assert not page.evaluate("() => fetch('page.json?again').then(() => true, () => false)"), "the network is not cut"
        for i, prompt in enumerate(PROMPTS):
            drawn = page.evaluate(DRAW, [prompt, base64.b64encode(noise_of(i, model).tobytes()).decode()])
            assert drawn["left"] == 0
            theirs = np.frombuffer(base64.b64decode(drawn["guesses"]), np.uint8).reshape(paths[i].shape)
            worst = max(worst, difference(theirs, paths[i]))
            wanted = about[prompt]
            scene = Scene((Actor(wanted["shape"], wanted["color"], wanted["motion"], 5, 1.5, 0, 0),))
            assert drawn["verdict"] == {name: bool(right) for name, right in score(paths[i][-1], scene).items()}, prompt
            seconds.append(drawn["seconds"])
        assert len(wrong) == 1 and "ERR_INTERNET_DISCONNECTED" in wrong.pop(), "more was fetched than what the test asked for"
    record_property("browser and PyTorch, largest difference in grey levels", f"{worst} ({len(PROMPTS)} prompts, 13 steps)")
    record_property("seconds a clip in the browser", f"{min(seconds):.1f} to {max(seconds):.1f}")
    assert worst <= 2


def strip_of(page):
    "The pixels of the strip: all frames of the step that is shown"
    return page.evaluate("""() => {
      const canvas = document.getElementById('strip');
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
      copy.drawImage(canvas, 0, 0);
      return Array.from(copy.getImageData(0, 0, canvas.width, canvas.height).data);
    }""")


@pytest.mark.slow
def test_by_hand(built):
    "Keys only, on a small screen: a prompt that is typed, a seed, the clip that PyTorch draws from it, the verdict, the score"
    folder, paths = built
    with opened(folder, viewport=dict(width=390, height=800), reduced_motion="reduce") as (page, expect, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.focus("#prompt")
        page.keyboard.press("Control+A")
        page.keyboard.type("The SQUARE is green, and moves down!")
        assert page.locator("[name=color]:checked").get_attribute("value") == "green"
        page.focus("#seed")
        page.keyboard.press("Control+A")
        page.keyboard.type("2")
        page.keyboard.press("Enter")
        expect(page.locator("#generate")).to_be_disabled()
        expect(page.locator("#verdict .verdict")).to_have_text("All as asked")
        expect(page.locator("#generate")).to_be_enabled()
        assert page.locator("#score tr").nth(0).inner_text().split("\t")[1:] == ["1", "1"]
        assert page.locator("#progress").evaluate("bar => bar.value") == 1
        shown = np.reshape(strip_of(page), (32, 8, 32, 4))[..., :3].swapaxes(0, 1)         # f h w c
        assert difference(shown, paths[2][-1]) <= 2
        page.focus("#step")
        for _ in range(12): page.keyboard.press("ArrowLeft")
        expect(page.locator("#step-name")).to_contain_text("1 of 13")
        first = np.reshape(strip_of(page), (32, 8, 32, 4))[..., :3].swapaxes(0, 1)
        assert difference(first, paths[2][0]) <= 2 and difference(first, shown) > 50
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_what_is_unseen_unknown_or_stopped(built):
    "The marks of what training never showed, prompts that are refused, HTML in a prompt, a wrong seed, a stop"
    folder, _ = built
    with opened(folder, color_scheme="dark") as (page, expect, _):
        page.fill("#prompt", "<img src=x onerror=alert(1)> <b>red</b>")
        expect(page.locator("#about-prompt")).to_contain_text("has no “img”")
        page.click("#generate")
        expect(page.locator("#asked")).to_have_text("No clip yet.")
        assert page.locator("main img, main b").count() == 0
        page.click("#suggestion")
        assert page.input_value("#prompt") == "a red circle moving down"
        page.fill("#seed", "-1")
        page.click("#generate")
        expect(page.locator("#status")).to_contain_text("whole number from 0")
        page.fill("#seed", "5")
        page.click("#unseen")
        expect(page.locator("#about-prompt")).to_have_text("Training never showed this combination.")
        page.click("#generate")
        expect(page.locator("#asked .mark")).to_have_text("unseen combination")
        page.click("#stop")
        expect(page.locator("#status")).to_contain_text("Stopped after step")
        expect(page.locator("#verdict")).to_have_text("No verdict: the clip is not finished.")
        page.click("#untrained")
        expect(page.locator("#about-prompt")).to_contain_text("Training never read “")
        page.click("#generate")
        expect(page.locator("#verdict .verdict")).to_be_visible()
        counts = [row.split("\t")[1] for row in page.locator("#score tr").all_inner_texts()]
        assert counts == ["0", "0", "1"]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
        assert page.locator("#home a").get_attribute("href") == "../index.html"
