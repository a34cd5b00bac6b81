"The tokenizer gives the ids that BERT was trained with, whatever is typed, and says what is wrong with a file"
import re
import unicodedata
from collections import Counter
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from t2v_learn.text import tokens
from t2v_learn.core import package_folder
from t2v_learn.text.tokens import SPECIAL, WordPieceTokenizer, basic_words, read_vocabulary, train_vocabulary, wordpieces
from t2v_learn.core import InputError
from t2v_learn.video.world import World, caption

VOCABULARY = package_folder() / "vocab.txt"
# marks, punctuation and invisible characters that came after Unicode 8, the version of the judge's tables
NEWER = """61d 7fd 890-891 898-89f 8ca-8e2 9fd-9fe a76 afa-aff b55 c04 c3c c77 c84 d00 d3b-d3c d81 eba 180f 1abf-1ace 1b7d-1b7e 1df6-1dfb
2e43-2e4f 2e52-2e5d a82c a8c5 a8ff 10d24-10d27 10eab-10ead 10f46-10f50 10f55-10f59 10f82-10f89 11070 11073-11074 110c2 110cd 111cf 1123e
1133b 11438-1143f 11442-11444 11446 1144b-1144f 1145a-1145b 1145d-1145e 11660-1166c 116b9 1182f-11837 11839-1183b 11938 1193b-1193c 1193e
11943-11946 119d4-119d7 119da-119db 119e0 119e2 11a01-11a0a 11a33-11a38 11a3b-11a47 11a51-11a56 11a59-11a5b 11a8a-11a96 11a98-11a9c
11a9e-11aa2 11c30-11c36 11c38-11c3d 11c3f 11c41-11c45 11c70-11c71 11c92-11ca7 11caa-11cb0 11cb2-11cb3 11cb5-11cb6 11d31-11d36 11d3a
11d3c-11d3d 11d3f-11d45 11d47 11d90-11d91 11d95 11d97 11ef3-11ef4 11ef7-11ef8 11fff 12ff1-12ff2 13430-13438 16e97-16e9a 16f4f 16fe2 16fe4
1cf00-1cf2d 1cf30-1cf46 1e000-1e006 1e008-1e018 1e01b-1e021 1e023-1e024 1e026-1e02a 1e130-1e136 1e2ae 1e2ec-1e2ef 1e944-1e94a 1e95e-1e95f"""


def code_points():
    "All characters that Python and the judge both know"
    known = unicodedata if unicodedata.unidata_version == "14.0.0" else unicodedata.ucd_3_2_0   # a later Python knows newer ones
    ends = [[int(end, 16) for end in entry.split("-")] for entry in NEWER.split()]
    newer = {code for first, *last in ends for code in range(first, (last or [first])[0] + 1)}
    return [chr(code) for code in range(0x110000) if code not in newer and known.category(chr(code)) not in ("Cn", "Cs")]


@pytest.fixture(scope="module", params=[True, False], ids=["uncased", "cased"])
def pair(request):
    "Ours and transformers' tokenizer, the Rust one, as functions from texts to ids"
    from transformers import BertTokenizer
    rust = BertTokenizer(vocab=str(VOCABULARY), do_lower_case=request.param)
    assert rust.is_fast
    ours = WordPieceTokenizer(list(read_vocabulary(VOCABULARY)), uncased=request.param)
    return lambda texts: [ours.encode(text) for text in texts], lambda texts: rust(list(texts), verbose=False)["input_ids"]


@pytest.fixture(scope="module")
def judge_words():
    "The Rust program's own basic tokenizer, which shows more than ids do: unknown words look alike there"
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    normalizer, cutter = BertNormalizer(), BertPreTokenizer()
    return lambda text: [word for word, _ in cutter.pre_tokenize_str(normalizer.normalize_str(text))]


def same(pair, texts):
    ours, theirs = (read(texts) for read in pair)
    differ = [text for text, a, b in zip(texts, ours, theirs) if a != b]
    assert not differ, f"{len(differ)} of {len(texts)} differ, the first is {ascii(differ[0])[:300]}"


# ---- the same ids

def test_captions(pair):
    generator = np.random.default_rng(1)
    corpora = [(World(preset), *kind) for preset in ("tiny", "full") for kind in (("seen", "training"), ("held-out-words", "reserved"))]
    texts = [caption(world.sample(generator, split), generator, lexicon) for world, split, lexicon in corpora for _ in range(1500)]
    same(pair, texts + [text.upper() for text in texts[::50]])


def test_python_reference(pair):
    whole = list(topics.values())
    same(pair, whole + [line for topic in whole for line in topic.split("\n")])


def test_every_code_point(judge_words):
    "Each by itself between two letters: gone, a space, a word of its own, or part of the word"
    characters = code_points()
    assert len(characters) > (250_000 if unicodedata.unidata_version == "14.0.0" else 90_000)
    differ = [f"U+{ord(c):04X}" for c in characters if basic_words(f"a{c}b") != judge_words(f"a{c}b")]
    assert not differ, differ[:20]


def random_texts(n, seed, longest=30):
    "Strings of which half are likely characters and half are of any category"
    generator, by_kind = np.random.default_rng(seed), {}
    for c in code_points(): by_kind.setdefault(unicodedata.category(c), []).append(c)
    kinds = sorted(by_kind)
    likely = [*"aAzZ09 '-.,\t\n", *"éßİΣς円한กあ\u0301\u200b\u0345ǅﬁ", *SPECIAL, "[unk]", "##", "ing", "circle", "#", "x" * 99]
    pick = lambda options: options[generator.integers(len(options))]
    one = lambda: pick(likely) if generator.random() < .5 else pick(by_kind[pick(kinds)])
    return ["".join(one() for _ in range(generator.integers(1, longest + 1))) for _ in range(n)]


@pytest.mark.parametrize("n", [2000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_random_strings(pair, judge_words, n):
    "Their words as well as their ids"
    texts = random_texts(n, seed=7)
    same(pair, texts)
    differ = [ascii(text) for text in texts if basic_words(text) != judge_words(text)]
    assert not differ, differ[:3]


def test_marks_in_any_order(judge_words):
    "Only letters and the marks that combine with them, which the normal form sorts"
    marks = [c for c in code_points() if unicodedata.category(c)[0] == "M"]
    generator = np.random.default_rng(3)
    pick = lambda options: options[generator.integers(len(options))]
    for _ in range(3000):
        text = "".join(pick("aé한ộ\u0915" if generator.random() < .3 else marks) for _ in range(12))
        assert basic_words(text) == judge_words(text), ascii(text)


def test_long_words_and_long_texts(pair):
    same(pair, ["a" * n for n in (99, 100, 101, 1000)] + ["é" * 100, "é" * 101, "e\u0301" * 100, "円" * 1000])
    same(pair, ["circle " * 14_286, "," * 100_000])


def test_special_pieces_in_the_text(pair):
    same(pair, ["a [MASK] circle", "[MASK][MASK]x[SEP]", "[mask]", "[CLS", "[[MASK]]", "[PAD]é[UNK]", " [MASK] ", "Ü[MASK]Ü"])


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60))
def test_any_text_has_pieces_that_are_in_the_vocabulary(text):
    "Also of characters that nobody knows; words again as a text are the same words"
    words = basic_words(text)
    assert all(words) and not any(character.isspace() for word in words for character in word)
    assert all(set(wordpieces(word, {"[UNK]", "a", "##a"})) <= {"[UNK]", "a", "##a"} for word in words)
    if all(unicodedata.category(c) != "Cn" for c in text): assert basic_words(" ".join(words)) == words


# ---- and back

def test_decode_is_the_judges():
    from tokenizers.decoders import WordPiece
    judge, ours = WordPiece(cleanup=False), WordPieceTokenizer()
    for text in ["a red circle moving right", "A LILAC disc!", "", "déjà-vu 円形", *list(topics.values())[:5]]:
        assert ours.decode(ours.encode(text)) == judge.decode([piece for piece in ours.tokenize(text) if piece not in SPECIAL])


def test_ids_and_mask():
    tokenizer = WordPieceTokenizer([*SPECIAL, "red", "circle", "##s"])
    ids, mask = tokenizer(["red circles", ""])
    assert ids.tolist() == [[2, 5, 6, 7, 3], [2, 3, 0, 0, 0]] and mask.tolist() == [[True] * 5, [True] * 2 + [False] * 3]
    assert (ids.dtype, mask.dtype, len(tokenizer)) == (torch.int64, torch.bool, 8)
    with pytest.raises(InputError, match="5 pieces, and there is room for 4"): tokenizer(["red circles"], length=4)


# ---- training a vocabulary

def huggingface_vocabulary(counts, size):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    theirs = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    theirs.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(vocab_size=size, min_frequency=2, special_tokens=list(SPECIAL), show_progress=False)
    theirs.train_from_iterator((" ".join([word] * n) for word, n in counts.items()), trainer)
    return set(theirs.get_vocab())


def test_trained_vocabulary_beside_huggingfaces():
    "Both glue the most frequent pair; they differ only where two pairs are equally frequent, and in letters that never begin a word"
    words = Counter(word for name in sorted(topics)[::4] for word in basic_words(topics[name]))
    ours = train_vocabulary(words, 800)
    theirs = huggingface_vocabulary(words, 800)
    new = lambda vocabulary: {piece for piece in vocabulary if len(piece.removeprefix("##")) > 1}
    common = len(new(ours) & new(theirs)) / min(len(new(ours)), len(new(theirs)))
    assert len(ours) == len(set(ours)) == 800 and common > .95, common


def test_every_prefix_of_a_vocabulary_spells_all_its_words():
    words = Counter(word for name in sorted(topics)[:20] for word in basic_words(topics[name]))
    vocabulary = train_vocabulary(words, 600)
    fewer = [sum(n * len(wordpieces(word, set(vocabulary[:size]))) for word, n in words.items()) for size in (200, 300, 400, 500, 600)]
    assert fewer == sorted(fewer, reverse=True) and fewer[0] > fewer[-1]
    assert not any("[UNK]" in wordpieces(word, set(vocabulary[:200])) for word in words if len(word) <= 100)


def test_rare_pairs_stay_apart():
    assert train_vocabulary(Counter(ab=1, cd=2), 99) == [*SPECIAL, "##b", "##d", "a", "c", "cd"]
    assert train_vocabulary(Counter(), 5) == list(SPECIAL)


# ---- files

@pytest.mark.parametrize("lines, message", [
    (["[PAD]", "[CLS]", "[SEP]", "a"], r"no \[UNK\]"),
    ([*SPECIAL, "a", "b", "a"], "line 8: 'a' stands in line 6 already"),
    ([*SPECIAL, "a", "", "b"], "line 7: an empty line"),
    (["a"], r"no \[PAD\] and no \[UNK\] and no \[CLS\] and no \[SEP\]"),
    ([""], "line 1"),
])
def test_damaged_vocabulary(tmp_path, lines, message):
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught: read_vocabulary(file)
    assert "vocab.txt" in str(caught.value)
    with pytest.raises(InputError): WordPieceTokenizer(lines)


def test_vocabulary_is_read_as_it_was_written(tmp_path):
    "Windows line ends, a byte order mark, a missing last line end; and pieces that Python would take for line ends"
    pieces, file = [*SPECIAL, "a", "\x85", "\u2028", "\x0b", "b"], tmp_path / "vocab.txt"
    for data in ("\n".join(pieces), "\n".join(pieces) + "\n", "\r\n".join(pieces) + "\r\n", "\ufeff" + "\n".join(pieces)):
        file.write_bytes(data.encode())
        assert list(read_vocabulary(file)) == pieces


def test_bytes_that_are_not_utf8(tmp_path):
    file = tmp_path / "latin.txt"
    file.write_bytes(b"[PAD]\n[UNK]\ncaf\xe9\n")
    with pytest.raises(InputError, match="latin.txt, line 3: this is not UTF-8"): tokens.read_utf8(file)
    with pytest.raises(InputError, match="cannot be read"): tokens.read_utf8(tmp_path / "none.txt")
    with pytest.raises(InputError, match="cannot be read"): tokens.read_utf8(tmp_path)


@pytest.mark.parametrize("wrong", [None, 7, b"red", ["red"], "red\ud83d", "\udc00"])
def test_what_is_no_text(wrong):
    with pytest.raises(InputError): WordPieceTokenizer(list(SPECIAL)).encode(wrong)


# ---- drawing

def test_pieces_are_drawn_in_their_colors():
    axis = tokens.pieces_figure({"one": ["[CLS]", "lila", "##c", "[UNK]", "##"], "two": [" ", "\u200b", "円"]}).axes[0]
    shown = {text.get_text(): text.get_bbox_patch().get_facecolor()[:3] for text in axis.texts if text.get_bbox_patch()}
    color = lambda name: tuple(int(tokens._PIECE_COLORS[name][i:i + 2], 16) / 255 for i in (1, 3, 5))
    assert shown["lila"] == color("word") == shown["##"] and shown["##c"] == color("rest")
    assert shown["[CLS]"] == color("special") and shown["[UNK]"] == color("unknown")
    assert {"␣", "U+200B", "U+5186"} < set(shown)


def test_tries_are_drawn_where_they_are():
    tries = tokens.greedy_tries("reds", {"red", "##s"})
    assert tries == [(0, 4, False), (0, 3, True), (3, 4, True)]
    axis = tokens._tries_figure("reds", tries).axes[0]
    assert [(bar.get_x(), bar.get_width()) for bar in axis.patches] == [(0, 4), (0, 3), (3, 1)]
    assert axis.patches[0].get_facecolor() != axis.patches[1].get_facecolor() == axis.patches[2].get_facecolor()
    assert re.fullmatch("redsreds", "".join(text.get_text() for text in axis.texts))
