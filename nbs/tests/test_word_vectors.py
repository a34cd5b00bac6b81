"Word vectors: each step equal to a slow one, the whole like gensim's, odd texts with a stated result"
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from t2v_learn.text.word_vectors import (GloVeConfig, SkipGramConfig, Vocabulary, WordVectors, analogy, cooccurrence, _epoch_pairs, glove,
                                         _glove_step, _glove_weight, _keep_probability, _negative_sampling_step, neighbour_overlap,
                                         _noise_distribution, python_reference, sentences, skip_gram_loss, _skip_gram_pairs, _spread_labels,
                                         vectors_figure, word2vec, words)
from t2v_learn.core import InputError
from t2v_learn.video.world import Actor, Scene, World, caption

PROMPT = "a red circle moving right"
COLORS, SHAPES = "red green blue yellow purple white".split(), "circle square triangle".split()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def captions():
    "Captions of the tiny world, all combinations alike"
    world, rng = World("tiny"), np.random.default_rng(0)
    combinations = world.combinations("seen") + world.combinations("held-out-combinations")
    drawn = (combinations[i] for i in rng.integers(len(combinations), size=2000))
    return [words(caption(Scene((Actor(*c, 5., 1.5, 16., 16.),)), rng)) for c in drawn]


@pytest.fixture(scope="module")
def reference():
    return python_reference()


# ---- text

@settings(max_examples=200, deadline=None)
@given(st.text())
def test_words_are_clean_and_stay_what_they_are(text):
    found = words(text)
    assert all(any(map(str.isalnum, word)) and not any(map(str.isspace, word)) for word in found)
    assert words(" ".join(found)) == found


@pytest.mark.parametrize("text, count", [("", 0), (" \n\t", 0), ("?!… -- «»", 0), ("🔴 🙂 ❤️", 0), ("\u200b", 0),
                                         (PROMPT, 5), (PROMPT.upper() + "!", 5), ("עיגול אדום נע ימינה", 4), ("دائرة حمراء تتحرك", 3),
                                         ("x" * 100_000, 1), ("red circle " * 9_091, 18_182)])
def test_odd_texts_have_a_stated_result(text, count):
    assert len(words(text)) == sum(map(len, sentences(text))) == count


@pytest.mark.parametrize("wrong", [None, 7, b"red", ["red"], "\ud800"])
def test_what_is_no_text_is_refused(wrong):
    for read in (words, sentences):
        with pytest.raises(InputError): read(wrong)


def test_sentences_end_where_they_end():
    assert sentences("A red circle. It moves!\n\nA blue square") == [["a", "red", "circle"], ["it", "moves"], ["a", "blue", "square"]]


def test_reference_is_there_and_a_python_without_it_is_told(reference, monkeypatch):
    assert sum(map(len, reference)) > 30_000 and all(reference)
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(InputError, match="pydoc_data"): python_reference()


def test_vocabulary_counts(captions):
    vocabulary = Vocabulary(captions)
    assert vocabulary.counts.sum() == sum(map(len, captions)) and (vocabulary.counts.diff() <= 0).all()
    ids, sentence = vocabulary.ids([*captions[:3], ["unheard"]])
    assert [vocabulary.words[i] for i in ids] == captions[0] + captions[1] + captions[2] and sentence.unique().tolist() == [0, 1, 2]
    assert [t.shape for t in vocabulary.ids([])] == [(0,), (0,)]


@pytest.mark.parametrize("wrong", [PROMPT, [PROMPT], [], [[]], [["circle"]], [["a"] * 9]])
def test_what_is_no_corpus_is_refused(wrong):
    with pytest.raises(InputError): Vocabulary(wrong)
    with pytest.raises(InputError): word2vec(wrong, seeded(), SkipGramConfig(min_count=1))
    with pytest.raises(InputError): glove(wrong, seeded(), GloVeConfig(min_count=1))


# ---- skip-gram

@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 6), st.integers(0, 999))
def test_pairs_are_those_of_the_loop(lengths, window, seed):
    rng = seeded(seed)
    sentence = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    ids, reach = torch.randint(20, sentence.shape, generator=rng), torch.randint(1, window + 1, sentence.shape, generator=rng)
    slow = [(ids[i].item(), ids[j].item()) for i in range(len(ids)) for j in range(len(ids))
            if i != j and sentence[i] == sentence[j] and abs(i - j) <= reach[i]]
    assert sorted(slow) == sorted(map(tuple, _skip_gram_pairs(ids, sentence, reach).T.tolist()))


def test_words_alone_in_their_sentences_have_no_context():
    corpus = [[word] for word in "red blue green".split()] * 4
    vectors = word2vec(corpus, seeded(), SkipGramConfig(min_count=1, n_epochs=2))
    assert vectors.vectors.isfinite().all() and not vectors.outer.any()
    assert glove(corpus, seeded(), GloVeConfig(min_count=1, n_epochs=2)).vectors.isfinite().all()


@pytest.mark.parametrize("n_words, batch, n_noise, weight", [(20, 64, 5, 1.), (3, 200, 7, .3), (50, 1, 1, 2.)])
def test_step_goes_down_the_gradient(n_words, batch, n_noise, weight):
    "Also where a word occurs many times in a batch, as center, context and noise"
    rng = seeded()
    inner, outer = torch.randn(n_words, 8, generator=rng), torch.randn(n_words, 8, generator=rng)
    pairs, noise = torch.randint(n_words, (2, batch), generator=rng), torch.randint(n_words, (n_noise,), generator=rng)
    a, b = inner.clone().requires_grad_(), outer.clone().requires_grad_()
    loss = -F.logsigmoid((a[pairs[0]] * b[pairs[1]]).sum(1)).sum() - weight * F.logsigmoid(-(a[pairs[0]] @ b[noise].T)).sum()
    loss.backward()
    _negative_sampling_step(inner, outer, pairs, noise, weight, lr=.01)
    assert torch.allclose(inner, a.detach() - .01 * a.grad, atol=1e-5) and torch.allclose(outer, b.detach() - .01 * b.grad, atol=1e-5)


def test_shared_noise_is_right_on_average():
    "Over many draws, the step with shared noise is the step of the exact cost"
    rng, shares = seeded(), _noise_distribution(torch.tensor([50, 30, 10, 5, 5]))
    inner, outer, pairs = torch.randn(5, 4, generator=rng), torch.randn(5, 4, generator=rng), torch.randint(5, (2, 16), generator=rng)
    a, b = inner.clone().requires_grad_(), outer.clone().requires_grad_()
    vectors = WordVectors("abcde", a, b)
    vectors.vectors = a
    scores = a @ b.T
    exact = -(F.logsigmoid(scores[pairs[0], pairs[1]]) + 5 * (F.logsigmoid(-scores) @ shares)[pairs[0]]).sum()
    exact.backward()
    assert abs(exact.item() / 16 - skip_gram_loss(vectors, pairs, shares)) < 1e-5
    moved = torch.zeros(5, 4)
    for _ in range(3000):
        one, two = inner.clone(), outer.clone()
        _negative_sampling_step(one, two, pairs, shares.multinomial(8, replacement=True, generator=rng), 5 / 8, lr=1.)
        moved += (one - inner) / 3000
    assert (moved + a.grad).norm() < .03 * a.grad.norm()


def test_captions_teach_the_kinds_of_words(captions):
    costs = []
    vocabulary = Vocabulary(captions)
    pairs = _epoch_pairs(*vocabulary.ids(captions), torch.ones(len(vocabulary)), 5, seeded())
    vectors = word2vec(captions, seeded(), SkipGramConfig(dim=16, sample=1, n_epochs=8),
                       watch=lambda v: costs.append(skip_gram_loss(v, pairs, _noise_distribution(vocabulary.counts))))
    assert len(costs) == 8 and costs[-1] < costs[0] < 6 * np.log(2)
    for group in (COLORS, SHAPES):
        for word in group: assert vectors.nearest(word, 1)[0][0] in group


def test_same_seed_same_vectors(captions):
    for train, config in ((word2vec, SkipGramConfig(dim=8, n_epochs=1)), (glove, GloVeConfig(dim=8, n_epochs=1))):
        one, two, other = (train(captions, seeded(s), config).vectors for s in (0, 0, 1))
        assert torch.equal(one, two) and not torch.equal(one, other)


# ---- GloVe

def test_cooccurrence_is_that_of_the_loop(captions):
    ids, sentence = Vocabulary(captions).ids(captions[:60])
    table = torch.zeros(20, 20)
    for i in range(len(ids)):
        for j in range(len(ids)):
            if i != j and sentence[i] == sentence[j] and abs(i - j) <= 3: table[ids[i], ids[j]] += 1 / abs(i - j)
    pairs, x = cooccurrence(ids, sentence, window=3)
    assert torch.allclose(table[pairs[0], pairs[1]], x, atol=1e-4) and abs(table.sum() - x.sum()) < 1e-2
    pairs, x = cooccurrence(ids[:1], sentence[:1], window=3)
    assert pairs.shape == (2, 0) and x.shape == (0,)


def test_glove_goes_down_the_gradient_by_adagrad():
    rng = seeded()
    tables = [torch.randn(9, n, generator=rng) for n in (6, 6, 1, 1)]
    memory = [1 + torch.rand(t.shape, generator=rng) for t in tables]
    pairs, x = torch.randint(9, (2, 80), generator=rng), 1 + 30 * torch.rand(80, generator=rng)
    (u, v, b, c), (i, j), past = [t.clone().requires_grad_() for t in tables], pairs, [m.clone() for m in memory]
    cost = _glove_weight(x, 10.) * ((u[i] * v[j]).sum(1) + b[i, 0] + c[j, 0] - x.log()) ** 2
    gradients = torch.autograd.grad(cost.sum() / 2, (u, v, b, c))
    assert abs(_glove_step(tables, memory, pairs, x, lr=.1, x_max=10.) - cost.mean()) < 1e-4
    for old, new, m, g in zip((u, v, b, c), tables, past, gradients):
        assert torch.allclose(new, old - .1 * g / (m + g ** 2).sqrt(), atol=1e-5)


def test_glove_with_room_enough_fits_the_table(captions):
    costs = []
    glove(captions[:200], seeded(), GloVeConfig(dim=32, min_count=1, n_epochs=600, lr=.3, batch=10_000), watch=costs.append)
    assert costs[-1] < 1e-3 < .1 < costs[0]


def test_glove_finds_the_kinds_too(captions):
    vectors = glove(captions, seeded(), GloVeConfig(dim=16, n_epochs=200))
    for group in (COLORS, SHAPES):
        for word in group: assert vectors.nearest(word, 1)[0][0] in group


# ---- what the vectors are asked

def test_unknown_words_are_named():
    vectors = WordVectors(["up", "down"], torch.eye(2))
    assert "up" in vectors and "crimson" not in vectors
    for ask in (lambda: vectors["crimson"], lambda: vectors.nearest("crimson"), lambda: analogy(vectors, "up", "down", "crimson")):
        with pytest.raises(InputError, match="'crimson' has no vector"): ask()


def test_analogy_in_a_world_where_it_holds():
    corners = torch.tensor([[1., 0, 2], [1, 1, 2], [1, 0, 3], [1, 1, 3], [-1, 1, 0]])
    square = WordVectors("small large smaller larger other".split(), corners)
    assert analogy(square, "small", "large", "smaller")[0][0] == "larger"
    assert [w for w, _ in square.nearest("small", 9)] == [w for w, _ in square.nearest(square["small"], 9, without=("small",))]


def test_overlap_of_neighbours():
    one = WordVectors([f"w{i}" for i in range(40)], torch.randn(40, 8, generator=seeded()))
    shuffled = torch.randperm(40, generator=seeded(1))
    same = WordVectors([one.words[i] for i in shuffled], one.vectors[shuffled] * 3)
    other = WordVectors(one.words, torch.randn(40, 8, generator=seeded(2)))
    assert neighbour_overlap(one, same) == 1 and neighbour_overlap(one, other) == neighbour_overlap(other, one) < .5
    with pytest.raises(InputError, match="same words"): neighbour_overlap(one, WordVectors(["up"], torch.ones(1, 8)))


# ---- drawing

@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 4), st.floats(0, 4)), min_size=1, max_size=25))
def test_labels_cover_neither_each_other_nor_dots(points):
    points, sizes = torch.tensor(points), torch.tensor([.9, .2]).expand(len(points), 2)
    at = _spread_labels(points + .1, sizes, points, .12)
    cover = ((sizes - (at[:, None] - at).abs()) > 1e-3).all(2) & ~torch.eye(len(at), dtype=torch.bool)
    dotted = ((sizes + .12) / 2 - (at[:, None] + sizes[:, None] / 2 - points).abs() > 1e-3).all(2)
    assert not cover.any() and not dotted.any() and torch.equal(at[:, 0], points[:, 0] + .1)


def test_map_shows_each_word_once_and_changes_nothing():
    before = plt.get_fignums()
    vectors = WordVectors(COLORS + SHAPES, torch.randn(9, 8, generator=seeded()))
    kept = vectors.vectors.clone()
    figure = vectors_figure(vectors, [*COLORS, *SHAPES, "red"], {"red": (1, .1, .1)})
    axes, = figure.axes
    assert [t.get_text() for t in axes.texts] == COLORS + SHAPES
    assert axes.collections[0].get_facecolor()[0, :3].tolist() == pytest.approx([1, .1, .1])
    assert plt.get_fignums() == before and torch.equal(vectors.vectors, kept)
    assert vectors_figure(WordVectors("abc", torch.ones(3, 4)), list("abc")).axes, "words in one place"
    for wrong in (["red"], ["red"] * 5, ["red", "blue", "crimson"]):
        with pytest.raises(InputError): vectors_figure(vectors, wrong)


# ---- beside gensim

def by_gensim(corpus, vocabulary, seed, config):
    from gensim.models import Word2Vec
    model = Word2Vec(corpus, vector_size=config.dim, window=config.window, min_count=config.min_count, sg=1, negative=config.n_negative,
                     sample=config.sample, epochs=config.n_epochs, alpha=config.lr, workers=1, seed=seed)
    rows = [model.wv.key_to_index[word] for word in vocabulary.words]
    return model, WordVectors(vocabulary.words, torch.tensor(model.wv.vectors[rows]), torch.tensor(model.syn1neg[rows]))


def test_shares_and_questions_are_gensims(reference):
    pytest.importorskip("gensim")
    vocabulary, config = Vocabulary(reference, 5), SkipGramConfig(n_epochs=1)
    model, vectors = by_gensim(reference, vocabulary, 1, config)
    kept = torch.tensor([model.wv.get_vecattr(word, "sample_int") / 2 ** 32 for word in vocabulary.words])
    assert torch.allclose(_keep_probability(vocabulary.counts, config.sample), kept.float(), atol=1e-6)
    noise = np.diff(model.cum_table / model.cum_table[-1], prepend=0)[[model.wv.key_to_index[word] for word in vocabulary.words]]
    assert np.abs(_noise_distribution(vocabulary.counts).numpy() - noise).max() < 1e-6
    for word in ("list", "true"):
        assert vectors.nearest(word, 8) == [(w, pytest.approx(c, abs=1e-5)) for w, c in model.wv.most_similar(word, topn=8)]
    theirs = model.wv.most_similar(positive=["methods", "function"], negative=["method"], topn=8)
    assert [w for w, _ in analogy(vectors, "method", "methods", "function", 8)] == [w for w, _ in theirs]


@pytest.mark.slow
def test_word2vec_is_like_gensims(reference, record_property):
    "Same text, same settings: as near to gensim as gensim to itself with another seed, and as low a cost; GloVe stands beside them"
    pytest.importorskip("gensim")
    config, vocabulary, threads, found, rate = SkipGramConfig(), Vocabulary(reference, 5), torch.get_num_threads(), {}, {}
    text = int(vocabulary.counts.sum())
    torch.set_num_threads(1)   # as gensim with one worker
    try:
        for name, readings, train in (("word2vec", config.n_epochs, lambda: word2vec(reference, seeded(), config)),
                                      ("gensim", config.n_epochs, lambda: by_gensim(reference, vocabulary, 1, config)[1]),
                                      ("GloVe", GloVeConfig().n_epochs, lambda: glove(reference, seeded()))):
            start = time.process_time()
            found[name] = train()
            rate[name] = readings * text / (time.process_time() - start)
    finally: torch.set_num_threads(threads)
    again = by_gensim(reference, vocabulary, 2, config)[1]
    pairs = _epoch_pairs(*vocabulary.ids(reference), _keep_probability(vocabulary.counts, config.sample), config.window, seeded(9))
    cost = {name: skip_gram_loss(found[name], pairs, _noise_distribution(vocabulary.counts)) for name in ("word2vec", "gensim")}
    common, ceiling, counted = (neighbour_overlap(found["gensim"], v) for v in (found["word2vec"], again, found["GloVe"]))
    record_property("words a second of processor time, every reading counted",
                    ", ".join(f"{name} {r:,.0f} ({r / rate['gensim']:.2f} of gensim)" for name, r in rate.items()))
    record_property("neighbours in common with gensim", f"word2vec {common:.1%}, GloVe {counted:.1%}, another seed {ceiling:.1%}")
    record_property("cost of a pair", f"word2vec {cost['word2vec']:.3f}, gensim {cost['gensim']:.3f}")
    assert common > ceiling - .1 and common > .5 and counted > 10 * 10 / len(vocabulary.words)
    assert cost["word2vec"] < 1.03 * cost["gensim"] < 1.03 * 6 * np.log(2)


def test_without_subsampling_every_word_stays():
    assert torch.equal(_keep_probability(torch.tensor([1., 100.]), 0), torch.ones(2))
    with pytest.raises(InputError, match="0 or more"): _keep_probability(torch.tensor([1., 2.]), -1)


@pytest.mark.parametrize("n", [0, 9, 10])
def test_as_many_neighbours_as_words(n):
    vectors = WordVectors([f"w{i}" for i in range(9)], torch.randn(9, 4, generator=seeded()))
    with pytest.raises(InputError, match="neighbours"): neighbour_overlap(vectors, vectors, n)
    assert neighbour_overlap(vectors, vectors, 8) == 1


def test_a_corpus_may_be_a_generator():
    corpus = [["a", "b"], ["a", "b", "c"]]
    assert Vocabulary(s for s in corpus).words == Vocabulary(corpus).words
    for wrong in (("a b" for _ in range(2)), "a b"):
        with pytest.raises(InputError, match="make it with sentences"): Vocabulary(wrong)
