"Sentence vectors: cells equal to PyTorch's, a test that cannot be passed by counting words, odd prompts with a stated result"
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from t2v_learn.core import InputError
from t2v_learn.text.sentences import (GRUCell, Question, RNNCell, Score, SentenceEncoder, _describe, _meaning_batch, _random_actors,
                                      _score, _scores_figure, _twin, _word_ids, infonce, retrieval_accuracy, train_sentences,
                                      twin_questions, unroll, weighted_mean, word_questions)
from t2v_learn.text.word_vectors import SkipGramConfig, word2vec, words
from t2v_learn.video.world import RESERVED, World

PROMPT = "a red circle moving right"
SAID = [_describe([c], np.random.default_rng(seed)) for c in World("tiny").combinations() for seed in range(9)]
VOCABULARY = sorted({word for text in SAID for word in words(text)})
INDEX = {word: i for i, word in enumerate(VOCABULARY)}


def rng(seed=0):
    return np.random.default_rng(seed)


# ---- odd prompts

@pytest.mark.parametrize("text", ["", " \n", "?!…", "🔴 🙂", "\u200b"])
def test_a_prompt_without_words_is_refused(text):
    with pytest.raises(InputError, match="has no words"): _word_ids(INDEX, [PROMPT, text])


@pytest.mark.parametrize("wrong", [None, 7, b"red", "\ud800"])
def test_what_is_no_text_is_refused(wrong):
    with pytest.raises(InputError): _word_ids(INDEX, [wrong])


def test_unknown_words_are_skipped_and_long_prompts_read_to_the_end():
    texts = ["עיגול אדום נע ימינה", "a crimson circle", "A RED circle!", "red circle " * 9_091]
    ids, mask = _word_ids(INDEX, texts)
    assert mask.sum(1).tolist() == [0, 2, 3, 18_182] and ids.shape == mask.shape and not ids[~mask].any()
    table = torch.randn(len(INDEX), 6)
    means = weighted_mean(table[ids], mask.float())
    assert not means[0].any() and torch.allclose(means[3], (table[INDEX["red"]] + table[INDEX["circle"]]) / 2, atol=1e-4)
    ids, mask = _word_ids(INDEX, [])
    assert ids.shape == mask.shape == (0, 1)


# ---- means

@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 999))
def test_a_mean_knows_no_order_and_no_padding(n, padding, seed):
    rng = torch.Generator().manual_seed(seed)
    x, weights = torch.randn(2, n, 4, generator=rng), torch.rand(2, n, generator=rng) + .1
    mean, order = weighted_mean(x, weights), torch.randperm(n, generator=rng)
    assert torch.allclose(weighted_mean(x[:, order], weights[:, order]), mean, atol=1e-5)
    assert torch.allclose(weighted_mean(F.pad(x, (0, 0, 0, padding), value=9.), F.pad(weights, (0, padding))), mean, atol=1e-5)
    assert torch.allclose(weighted_mean(x, 3 * weights), mean, atol=1e-5)


# ---- cells

@pytest.mark.parametrize("ours, theirs", [(RNNCell, nn.RNN), (GRUCell, nn.GRU)])
@pytest.mark.parametrize("dim, hidden", [(5, 7), (32, 48), (1, 1)])
def test_cells_equal_torch_with_padding_and_gradients(ours, theirs, dim, hidden):
    torch.manual_seed(0)
    cell, judge = ours(dim, hidden), theirs(dim, hidden, batch_first=True)
    judge.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    x, mask = torch.randn(4, 9, dim), torch.arange(9) < torch.tensor([[9], [1], [6], [3]])
    packed = nn.utils.rnn.pack_padded_sequence(x, mask.sum(1), batch_first=True, enforce_sorted=False)
    wanted = nn.utils.rnn.pad_packed_sequence(judge(packed)[0], batch_first=True)[0]
    states = unroll(cell, x, mask)
    assert torch.allclose(states * mask[..., None], wanted, atol=1e-6)
    probe = torch.randn(4, hidden)
    (states[:, -1] * probe).sum().backward(), (judge(packed)[1][0] * probe).sum().backward()
    for name, p in cell.named_parameters(): assert torch.allclose(p.grad, getattr(judge, f"{name}_l0").grad, atol=1e-5), name


def test_cells_begin_as_torch_begins():
    for ours, theirs in ((RNNCell, nn.RNNCell), (GRUCell, nn.GRUCell)):
        a, b = ours(40, 100), theirs(40, 100)
        assert {n: p.shape for n, p in a.named_parameters()} == {n: p.shape for n, p in b.named_parameters()}
        for p in a.parameters(): assert .08 < p.abs().max() <= .1    # uniform up to 100 ** -.5


def test_a_sentence_without_words_stays_at_zero():
    states = unroll(GRUCell(4, 6), torch.randn(2, 3, 4), torch.tensor([[False] * 3, [True, False, False]]))
    assert not states[0].any() and torch.equal(states[1, 0], states[1, 2]) and states[1].any()


# ---- the test questions

def test_twins_are_made_of_the_same_words_and_mean_something_else():
    for n in (2, 3):
        for q in twin_questions(100, rng(), n_actors=n):
            assert sorted(words(q.right)) == sorted(words(q.wrong)) and len({q.query, q.right, q.wrong}) == 3
    assert twin_questions(20, rng()) == twin_questions(20, rng()) != twin_questions(20, rng(1))


def test_a_twin_differs():
    for seed in range(50):
        one, two = _random_actors(1, rng(seed)), _random_actors(2, rng(seed))
        assert sum(a != b for a, b in zip(one[0], _twin(one, rng(seed))[0])) == 1
        other = _twin(two, rng(seed))
        assert set(other) != set(two) and all(sorted(a) == sorted(b) for a, b in zip(zip(*other), zip(*two)))


def test_training_never_sees_what_the_test_asks():
    "Neither a combination that is held out nor a reserved word"
    batch = [text for seed in range(20) for part in _meaning_batch(32, rng(seed)) for text in part]
    hidden = {_describe([c], rng(seed)) for c in World("tiny").combinations("held-out-combinations") for seed in range(20)}
    assert len(hidden) == 36 and not [text for text in batch if any(part in text for part in hidden)]
    reserved = {word for group in RESERVED.values() for word in group}
    assert not reserved & {word for text in batch for word in words(text)}
    asked = twin_questions(100, rng())
    assert all(any(part in q.right for part in hidden) for q in asked)


def test_one_reserved_word_decides():
    reserved = {word for group in RESERVED.values() for word in group}
    questions = word_questions(3, rng())
    assert {q.group for q in questions} == reserved - set(RESERVED["moving"])
    for q in questions:
        assert reserved & set(words(q.query)) == {q.group} and not reserved & set(words(q.right + " " + q.wrong))
        assert len(set(words(q.right)) ^ set(words(q.wrong))) in (2, 4)      # "right" against "up": "to the" may go along
        assert not [w for w in ("a emerald", "a azure", "a ivory", "an red") if w in q.query]
    assert not reserved & {w for q in word_questions(3, rng(), reserved=False) for w in words(q.query)}


def test_scores_of_encoders_whose_marks_are_known():
    drawn = twin_questions(60, rng())
    times = Counter(text for q in drawn for text in (q.query, q.right, q.wrong))
    questions = [q for q in drawn if times[q.query] == times[q.right] == times[q.wrong] == 1]   # no text in two questions
    names = {text: n for n, q in enumerate(questions) for text in (q.query, q.right, q.wrong)}
    sides = {q.wrong for q in questions}
    knows = lambda texts: torch.stack([F.one_hot(torch.tensor(2 * names[t] + (t in sides)), 2 * len(questions)) for t in texts])
    fooled = {q.query for q in questions} | sides
    inverse = lambda texts: torch.tensor([[1., 0] if t in fooled else [0, 1.] for t in texts])
    same = lambda texts: torch.ones(len(texts), 4)
    assert retrieval_accuracy(knows, questions).share == 1 and retrieval_accuracy(inverse, questions).share == 0
    score = retrieval_accuracy(same, questions)
    assert score.share == .5 and score.low < .4 and score.high > .6 and score.n == len(questions) > 30
    with pytest.raises(InputError): retrieval_accuracy(same, [])


def test_interval_widens_when_a_group_stands_or_falls_together():
    vectors = {"q": [1., 0], "yes": [1, .1], "no": [0, 1.]}
    embed = lambda texts: torch.tensor([vectors[t] for t in texts])
    right, wrong = Question("q", "yes", "no", "g"), Question("q", "no", "yes", "g")
    make = lambda groups: [Question(q.query, q.right, q.wrong, f"{n}") for n, (q, times) in enumerate(groups) for _ in range(times)]
    wide = retrieval_accuracy(embed, make([(right, 50), (wrong, 50)] * 3))
    narrow = retrieval_accuracy(embed, make([(right, 1), (wrong, 1)] * 150))
    assert wide.share == narrow.share == .5 and wide.high - wide.low > 2 * (narrow.high - narrow.low)


# ---- learning

def test_infonce_is_the_formula():
    queries, keys = torch.randn(6, 4), torch.randn(6, 4)
    for temperature in (1., .1):
        logits = torch.tensor([[(q @ k).item() for k in keys] for q in queries]) / temperature
        wanted = -sum(logits[i, i] - logits[i].logsumexp(0) for i in range(6)) / 6
        assert abs(infonce(queries, keys, temperature) - wanted) < 1e-5
    assert abs(infonce(queries.bfloat16(), keys.bfloat16()) - infonce(queries, keys)) < .1   # computed in fp32


def test_each_encoder_learns_and_all_its_parameters_get_a_gradient():
    for how in ("mean", "rnn", "gru"):
        torch.manual_seed(0)
        encoder = SentenceEncoder(VOCABULARY, how, dim=16)
        losses = train_sentences(encoder, n_steps=20, batch=8)
        assert np.mean(losses[-5:]) < losses[0] and all(p.grad.abs().sum() > 0 for p in encoder.parameters())
        with torch.no_grad():
            alone, padded = encoder([PROMPT]), encoder([PROMPT, PROMPT + " and a blue square moving up"])
        assert torch.allclose(alone[0], padded[0], atol=1e-6)
    with pytest.raises(InputError, match="lstm"): SentenceEncoder(VOCABULARY, "lstm")


def test_no_training_teaches_a_mean_to_tell_twins_apart():
    torch.manual_seed(0)
    encoder = SentenceEncoder(VOCABULARY, "mean", dim=16)
    train_sentences(encoder, n_steps=30, batch=8)
    assert retrieval_accuracy(encoder, twin_questions(50, rng())).share == .5


@pytest.fixture(scope="module")
def gru():
    "A GRU trained as the lesson trains it"
    torch.manual_seed(0)
    encoder = SentenceEncoder(VOCABULARY, "gru")
    train_sentences(encoder)
    return encoder


@pytest.mark.slow
def test_a_gru_learns_to_tell_twins_apart(gru):
    "On combinations that its training never showed"
    twins, reserved = twin_questions(300, rng(1)), word_questions(10, rng(2))
    assert retrieval_accuracy(gru, twins).low > .8
    assert retrieval_accuracy(gru, reserved).high < .65 < .9 < retrieval_accuracy(gru, word_questions(10, rng(2), False)).low


@pytest.mark.slow
def test_who_has_read_much_leads_on_words_never_read(gru, record_property):
    "All encoders on one axis: the pretrained BERT's interval on held-out words lies above everybody else's"
    from t2v_learn.text.bert import TextEncoder, caption_bert
    drawn = rng()
    corpus = [words(_describe(_random_actors(1 + i % 2, drawn), drawn)) for i in range(4000)]
    vectors = word2vec(corpus, torch.Generator().manual_seed(0), SkipGramConfig(dim=32, min_count=1, sample=1, n_epochs=5))
    mean = lambda texts: weighted_mean(vectors.vectors[(given := _word_ids(vectors.index, texts))[0]], given[1].float())
    tiny, big = TextEncoder(str(caption_bert())), TextEncoder()
    encoders = {"mean word2vec": mean, "GRU": gru, "own tiny BERT": lambda t: tiny(t).pooled, "pretrained BERT": lambda t: big(t).pooled}
    eval_set = {"twins": twin_questions(300, rng(1)), "held-out words": word_questions(15, rng(2))}
    scores = {name: {part: retrieval_accuracy(embed, eval_set[part]) for part in eval_set} for name, embed in encoders.items()}
    for name, parts in scores.items():
        record_property(name, ", ".join(f"{part} {s.share:.1%} [{s.low:.1%}, {s.high:.1%}] of {s.n}" for part, s in parts.items()))
    heard = {name: parts["held-out words"] for name, parts in scores.items()}
    lead = heard.pop("pretrained BERT")
    assert lead.low > max(s.high for s in heard.values()) and lead.share > .75
    assert scores["mean word2vec"]["twins"].share == .5 and scores["GRU"]["twins"].low > scores["pretrained BERT"]["twins"].high


# ---- drawing

def test_chart_draws_each_score_with_its_interval():
    before = plt.get_fignums()
    scores = {"mean": {"twins": Score(.5, .45, .55, 100), "words": Score(.6, .5, .7, 100)}, "BERT": {"twins": Score(.8, .7, .9, 100)}}
    figure = _scores_figure(scores)
    axes, = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["mean", "BERT"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["twins", "words"]
    dots = [xy[0] for c in axes.collections if len(c.get_offsets()) and hasattr(c, "get_sizes") for xy in c.get_offsets().tolist()]
    lines = [tuple(path.vertices[:, 0]) for c in axes.collections if hasattr(c, "get_segments") for path in c.get_paths()]
    assert {.5, .6, .8} <= {round(x, 6) for x in dots} and {(.45, .55), (.5, .7), (.7, .9)} <= set(lines)
    assert plt.get_fignums() == before
    with pytest.raises(InputError): _scores_figure({})


@pytest.mark.parametrize("n", [0, 4, -1])
def test_as_many_things_as_there_are_shapes(n):
    with pytest.raises(InputError, match="one to three"): twin_questions(1, rng(), n_actors=n)


def test_an_encoder_works_where_it_lies():
    assert SentenceEncoder(VOCABULARY, "mean").to("meta")([PROMPT]).device.type == "meta"


def test_the_interval_is_about_the_score():
    "Also where groups differ in size: nine right ones of ten beside one wrong one"
    score = _score([[1.] * 90 + [0.] * 10, [0.]])
    assert score.low <= score.share <= score.high and score.share == 90 / 101
    many = _score([[1.] * 40] * 10 + [[0.]] * 10)
    assert many.low < many.share < many.high and many.low > .9


def test_encoders_that_give_no_vectors_are_not_graded():
    questions = twin_questions(20, rng())
    n = len({text for q in questions for text in (q.query, q.right, q.wrong)})
    for embed in (lambda texts: torch.full((len(texts), 3), float("nan")), lambda texts: torch.ones(len(texts) + 1, 3),
                  lambda texts: torch.ones(len(texts) - 1, 3)):
        with pytest.raises(InputError, match=f"a vector for each of {n} captions"): retrieval_accuracy(embed, questions)
    right = retrieval_accuracy(lambda texts: torch.ones(len(texts), 3), (q for q in questions))
    assert right.share == .5


def test_one_text_is_one_caption():
    encoder = SentenceEncoder(VOCABULARY, "mean", 8)
    assert torch.equal(encoder(PROMPT), encoder([PROMPT]))
