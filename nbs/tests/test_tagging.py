"Tags, entities and what they are used for: the same grades as seqeval, files that are read or refused by line, prompts that become scenes"
import numpy as np
import pytest
import real_text
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from t2v_learn.core import InputError
from t2v_learn.judge.reader import score
from t2v_learn.text.tagging import (ENTITIES, UPOS, MostFrequent, PerceptronTagger, ProbeTagger, _check_drawable, _LayerProbe, _same_label,
                                    _text_encoder, asked_for, caption_taggers, compare_taggers, entity_f1, find_spans, layer_states,
                                    read_conll, read_conllu, scene_of, span_scores, tag_accuracy, tags_figure, true_tags, understand)
from t2v_learn.text.tokens import basic_words
from t2v_learn.video.world import World, caption, is_inside, is_tiny, label, render

PROMPT = "a red circle moving right"


def captions(n, seed, preset, split="seen", lexicon="training"):
    "Scenes with their captions"
    generator, world = np.random.default_rng(seed), World(preset)
    scenes = [world.sample(generator, split) for _ in range(n)]
    return [(scene, caption(scene, generator, lexicon)) for scene in scenes]


def tagged(n, seed, kind, **where):
    "Words and true tags of captions of both worlds"
    return [((found := true_tags(text))[0], found[kind]) for preset in ("tiny", "full") for _, text in captions(n, seed, preset, **where)]


# ---- entities and their grades

some_tags = ["O", "O", *(f"{prefix}-{name}" for prefix in "BI" for name in ("A", "B", "per-son"))]
bio = st.lists(st.sampled_from(some_tags), min_size=1, max_size=12)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(bio, bio), min_size=1, max_size=5))
def test_grades_are_seqevals(pairs):
    import warnings

    from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
    from seqeval.metrics.sequence_labeling import get_entities
    pairs = [(a[:n], b[:n]) for a, b in pairs for n in [min(len(a), len(b))]]
    true, found = map(list, zip(*pairs))
    for tags in true + found: assert find_spans(tags) == [(name, start, end + 1) for name, start, end in get_entities(tags)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")   # seqeval warns where there is nothing to divide by
        theirs = precision_score(true, found), recall_score(true, found), f1_score(true, found)
        report = classification_report(true, found, output_dict=True)
    ours = span_scores(true, found)
    assert ours["all"][:3] == pytest.approx(theirs, abs=1e-9)
    for name in ours.keys() - {"all"}:
        want = report[name]
        assert ours[name] == pytest.approx((want["precision"], want["recall"], want["f1-score"], want["support"]), abs=1e-9)


@pytest.mark.parametrize("wrong", ["X-COLOR", "COLOR", "", "b-COLOR", "B", "E-A"])
def test_what_is_no_bio_tag(wrong):
    with pytest.raises(InputError, match="no BIO tag"): find_spans(["O", wrong])


# ---- captions

@pytest.mark.parametrize("split", ["seen", "held-out-combinations", "held-out-words"])
@pytest.mark.parametrize("preset", ["tiny", "full"])
def test_every_caption_has_true_tags_and_they_name_what_is_graded(preset, split):
    for scene, text in captions(400, 5, preset, split, "reserved" if split == "held-out-words" else "training"):
        words, pos, tags = true_tags(text)
        assert words == basic_words(text) and len(words) == len(pos) == len(tags) and set(pos) <= set(UPOS)
        names = [name for name, *_ in find_spans(tags)]
        assert set(names) <= set(ENTITIES)
        assert [names.count(name) for name in ("SHAPE", "COLOR")] == [len(scene.actors)] * 2
        assert names.count("BACKGROUND") == ("background" in scene.said)
        assert names.count("SIZE") == sum("size" in actor for actor in label(scene)["actors"])
        assert names.count("SPEED") == sum("speed" in actor for actor in label(scene)["actors"])


@pytest.fixture(scope="module")
def perceptrons():
    return [PerceptronTagger().fit(tagged(600, 1, kind)) for kind in (1, 2)]


def test_perceptron_on_captions(perceptrons):
    "99.5 % of the words and F1 99 %, in combinations that it has never seen"
    pos, entities = perceptrons
    where = dict(seed=2, split="held-out-combinations")
    assert tag_accuracy(pos, tagged(500, kind=1, **where)) >= .995
    assert entity_f1(entities, tagged(500, kind=2, **where)) >= .99


@pytest.mark.parametrize("split", ["seen", "held-out-combinations", "held-out-words"])
def test_the_taggers_that_prompts_are_read_with(split):
    "The same bars with the words that are kept from the video model: its judge knows them"
    where = dict(seed=22, split=split, lexicon="reserved" if split == "held-out-words" else "training")
    pos, entities = caption_taggers()
    assert tag_accuracy(pos, tagged(300, kind=1, **where)) >= .995
    assert entity_f1(entities, tagged(300, kind=2, **where)) >= .99


def test_the_baseline_cannot_know_the_context(perceptrons):
    train, test = tagged(600, 1, 1), tagged(300, 2, 1, split="held-out-combinations")
    assert tag_accuracy(MostFrequent().fit(train), test) < .97
    assert perceptrons[0].tag(basic_words("a circle moves to the left"))[-1] == "NOUN"
    assert perceptrons[0].tag(basic_words("a circle moving left"))[-1] == "ADV"


@pytest.mark.slow
def test_probe_on_captions():
    "From BERT's states, with a linear map"
    where = dict(seed=2, split="held-out-combinations")
    assert tag_accuracy(ProbeTagger().fit(tagged(400, 1, 1)), tagged(150, kind=1, **where)) >= .995
    assert entity_f1(ProbeTagger().fit(tagged(400, 1, 2)), tagged(150, kind=2, **where)) >= .99


def test_training_twice_gives_the_same():
    train, test = tagged(40, 1, 1), [words for words, _ in tagged(40, 2, 1)]
    assert PerceptronTagger().fit(train).tag_all(test) == PerceptronTagger().fit(train).tag_all(test)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, two = ProbeTagger().fit(train, n_epochs=2), ProbeTagger().fit(train, n_epochs=2)
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(one.probe.out.weight, two.probe.out.weight)
    assert one.tag_all(test) == two.tag_all(test) and one.tag_all(test[:10]) == [one.tag(words) for words in test[:10]]


def test_tags_never_seen_and_sentences_without_words():
    train = [(["a", "b"], ["X", "Y"]), (["b", "a"], ["Y", "X"])]
    for tagger in (MostFrequent().fit(train), PerceptronTagger().fit(train), ProbeTagger().fit(train, n_epochs=1)):
        assert tagger.tag([]) == [] and len(tagger.tag(["🙂", "דג", "x" * 500])) == 3
        assert tag_accuracy(tagger, [(["zzz"], ["Z"])]) == 0


# ---- BERT's layers

def test_layers_are_those_of_bert_however_they_are_batched():
    sentences = [["a", "red", "circle"], ["Extraordinarily", "lilac", "!"], ["\u200b"], ["one"] * 60]
    found = layer_states(sentences)
    assert [tuple(s.shape) for s in found] == [(3, 7, 384), (3, 7, 384), (1, 7, 384), (60, 7, 384)]
    for words, states in zip(sentences, found): assert torch.allclose(layer_states([words])[0], states, atol=1e-4)
    with pytest.raises(InputError, match="600 pieces|602 pieces"): layer_states([["one"] * 600])


def test_a_state_belongs_to_the_first_piece_of_its_word():
    text_encoder, _ = _text_encoder()
    pieces = text_encoder.tokenize("a lilac disc")
    states = layer_states([["a", "lilac", "disc"]])[0][:, -1]
    where = [pieces.index(piece) for piece in ("a", "lil", "disc")] if "lil" in pieces else [1, 2, 4]
    assert torch.allclose(states, text_encoder(["a lilac disc"]).tokens[0, where], atol=1e-4)


def test_probe_mixes_layers_by_shares():
    probe = _LayerProbe(["A", "B"], 3, 4).eval()
    states, shapes = torch.randn(5, 3, 4), torch.rand(5, 4)
    assert torch.allclose(probe(states, shapes), probe.out(torch.cat([states.mean(1), shapes], 1)), atol=1e-6)
    probe.mix.data = torch.tensor([-50., 50., -50.])
    assert torch.allclose(probe(states, shapes), probe.out(torch.cat([states[:, 1], shapes], 1)), atol=1e-6)
    probe(states, shapes).sum().backward()
    assert all(p.grad is not None for p in probe.parameters())


# ---- files

ROW = "{}\t{}\tlemma\t{}\t_\t_\t0\troot\t_\t_"
GOOD = "\n".join(["# text = hi there", ROW.format(1, "hi", "INTJ"), ROW.format("2-3", "there", "_"), ROW.format(2, "the", "DET"),
                  ROW.format("2.1", "gone", "_"), ROW.format(3, "re", "X"), "", "", ROW.format(1, "ok", "NOUN"), ""])


def test_conllu(tmp_path):
    file = tmp_path / "x.conllu"
    for text in (GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, "\n\n" + GOOD + "\n \n"):
        file.write_bytes(text.encode())
        assert read_conllu(file) == [(["hi", "the", "re"], ["INTJ", "DET", "X"]), (["ok"], ["NOUN"])]


@pytest.mark.parametrize("old, new, message", [
    ("2\tthe\tlemma", "2\tthe", "line 4: a word has 10 columns divided by tabulators, and here are 9"),
    ("INTJ", "HELLO", "line 2: 'HELLO' is no part of speech"),
    ("3\tre", "7\tre", "line 6: word 3 should stand here, and the first column says '7'"),
    ("1\tok", "x\tok", "line 9: word 1 should stand here"),
    (GOOD, "# nothing\n\n", "holds no sentences"),
    (GOOD, "", "holds no sentences"),
])
def test_damaged_conllu(tmp_path, old, new, message):
    file = tmp_path / "x.conllu"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught: read_conllu(file)
    assert "x.conllu" in str(caught.value)


def test_conll(tmp_path):
    file = tmp_path / "x.conll"
    file.write_text("-DOCSTART- O\n\nEU\tB-org\nsays\tO\n\t\nNew B-place\nYork I-place\n", encoding="utf-8")
    assert read_conll(file) == [(["EU", "says"], ["B-org", "O"]), (["New", "York"], ["B-place", "I-place"])]
    file.write_text("EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n", encoding="utf-8")
    assert read_conll(file) == [(["EU", "rejects"], ["B-ORG", "O"])]
    assert read_conll(file, column=2) == [(["EU", "rejects"], ["B-NP", "B-VP"])]


@pytest.mark.parametrize("text, column, message", [
    ("EU\tB-org\nsays\n", -1, "line 2: a word and its tag are expected, and here is only 'says'"),
    ("EU\tB-org\n\nsays\tO\tO\n", 3, "line 1: a word and its tag"),
    ("EU\tB-org\n", -2, "line 1: a word and its tag"),
    ("EU\torg\n", -1, "line 1: 'org' is no BIO tag"),
    ("\n\n", -1, "holds no sentences"),
])
def test_damaged_conll(tmp_path, text, column, message):
    file = tmp_path / "x.conll"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught: read_conll(file, column)
    assert "x.conll" in str(caught.value)


def test_files_that_are_not_utf8(tmp_path):
    for name, read in (("x.conllu", read_conllu), ("x.conll", read_conll)):
        (tmp_path / name).write_bytes(b"# fine\ncaf\xe9\tO\n")
        with pytest.raises(InputError, match=f"{name}, line 2: this is not UTF-8"): read(tmp_path / name)
        with pytest.raises(InputError, match="cannot be read"): read(tmp_path / "none")


def test_taggers_side_by_side():
    found = compare_taggers(tagged(30, 1, 1), tagged(30, 2, 1), tag_accuracy)
    assert list(found) == ["most frequent", "perceptron", "probe"] and all(.7 < share <= 1 for share in found.values())


# ---- prompts become scenes

@pytest.mark.parametrize("split", ["seen", "held-out-combinations", "held-out-words"])
@pytest.mark.parametrize("preset", ["tiny", "full"])
def test_prompts_are_understood(preset, split):
    "At least 99 of 100 captions, none of which trained the tagger"
    pairs = captions(500, 77, preset, split, "reserved" if split == "held-out-words" else "training")

    def right(scene, text):
        try: return _same_label(understand(text), label(scene))
        except InputError: return False
    wrong = [text for scene, text in pairs if not right(scene, text)]
    assert len(wrong) <= .01 * len(pairs), wrong


@pytest.mark.parametrize("prompt", [
    "a red circle moving right", "A RED CIRCLE, moving right!", "a crimson disc drifting rightward",
    "the circle is red and moves to the right", "red circle moving right",
    "  a  red\tcircle moving east.", "Moving right: a red circle", "there is a scarlet ball going right"])
def test_one_scene_in_many_words(prompt):
    assert _same_label(understand(prompt), dict(actors=(dict(shape="circle", color="red", motion="right"),)))


def test_attributes_belong_to_their_actors():
    one = understand("a red circle moving left and a blue square moving up")
    two = understand("a blue circle moving left and a red square moving up")
    assert [a["color"] for a in one["actors"]] == ["red", "blue"] and [a["color"] for a in two["actors"]] == ["blue", "red"]
    assert [a["shape"] for a in one["actors"]] == ["circle", "square"] and [a["motion"] for a in two["actors"]] == ["left", "up"]
    assert not _same_label(one, two)
    both = understand("the star is pink and stands still while the digit 7 is green and goes down on dark blue")
    still, down = dict(shape="star", color="pink", motion="stands still"), dict(shape="7", color="green", motion="down")
    assert both == dict(background="dark blue", actors=(still, down))


@pytest.mark.parametrize("prompt, message", [
    ("", "names no shapes"), ("?!", "names no shapes"), ("🙂🙂", "names no shapes"), ("دائرة حمراء", "no shape"),
    ("a red hexagon moving right", "no shape 'hexagon'"), ("a circle moving left", "the color of the circle"),
    ("a red circle", "the motion of the circle"),
    ("a red circle moving right and a blue square moving up and a green star moving left", "names 3 shapes"),
    ("a red star spinning", "which way round"), ("a red circle spinning clockwise", "looks as if it stood still"),
    ("a cyan star growing on grey", None), ("a red circle moving left and a red square moving up", "differ in shape and in color"),
    ("a red circle growing and a blue square moving up", "can only do"), ("a small red star growing", "no size of its own"),
    ("a red star spinning clockwise slowly", "no speed of its own"), ("a large red star circling clockwise", "no room for a large star"),
    ("a large red star moving up and a blue heart standing still", "no room for a large star"),
])
def test_prompts_that_cannot_be_shown(prompt, message):
    if message is None: assert scene_of(prompt).background == "grey"
    else:
        with pytest.raises(InputError, match=message): scene_of(prompt)


@pytest.mark.parametrize("wrong", [None, 7, ["a red circle"]])
def test_prompts_that_are_no_text(wrong):
    with pytest.raises(InputError): understand(wrong)


def test_a_hundred_thousand_characters():
    assert understand(PROMPT + " " + "\n" * 100_000) == understand(PROMPT)
    assert len(caption_taggers()[0].tag(["circle"] * 15_000)) == 15_000


def test_scenes_show_what_was_asked_for():
    for preset in ("tiny", "full"):
        for scene, text in captions(60, 9, preset):
            shown = scene_of(text)
            _check_drawable(understand(text))
            asked = {a["shape"]: a for a in label(scene)["actors"]}
            assert all(asked[a["shape"]].items() <= a.items() for a in label(shown)["actors"]), text
            assert all(is_inside(a, shown.n_frames, shown.canvas) for a in shown.actors)
            if "background" in scene.said: assert shown.background == scene.background
    assert scene_of(PROMPT) == scene_of(PROMPT) != scene_of(PROMPT, np.random.default_rng(1))
    assert is_tiny(scene_of(PROMPT)) and not is_tiny(scene_of("a large red circle moving right"))


def test_a_clip_is_graded_against_a_prompt():
    clip = render(scene_of(PROMPT))
    all_right = dict.fromkeys(["shape", "color", "motion", "joint"], True)
    assert score(clip, "the disc is scarlet and moves east") == score(clip, scene_of(PROMPT)) == all_right
    assert not score(clip, "a red circle moving left")["joint"] and not score(clip, "a blue circle moving right")["color"]
    with pytest.raises(InputError, match="tiny world cannot show"): score(clip, "a pink star moving right")
    with pytest.raises(InputError, match="names no shapes"): score(clip, "")


def test_a_large_clip_is_graded_against_a_prompt():
    "The full world's clips, for prompts that the tiny one knows too"
    two, swapped = (f"a small red {one} moving left and a small blue {other} standing still on grey"
                    for one, other in (("circle", "square"), ("square", "circle")))
    for prompt, other in ((PROMPT, "a red circle moving up"), (two, swapped)):
        clip = render(scene_of(prompt, world="full"))
        assert clip.shape == (16, 64, 64, 3)
        assert score(clip, prompt)["joint"] and not score(clip, other)["joint"]


def test_only_what_a_prompt_says_is_graded():
    "The speed of one actor is said, that of the other is free"
    prompt = "a small red circle moving slowly to the left and a blue square moving right"
    asked, world = asked_for(prompt)
    assert world == "full" and asked["actors"][0]["speed"] == "slow" and asked["actors"][1].keys() == {"shape", "color", "motion"}
    clips = [render(scene_of(f"a red circle moving slowly left and a blue square moving {how} right")) for how in ("slowly", "quickly")]
    assert all(score(clip, prompt)["joint"] for clip in clips)
    assert [score(clip, prompt.replace("moving right", "moving quickly right"))["joint"] for clip in clips] == [False, True]


@pytest.mark.parametrize("prompt, world, found", [
    (PROMPT, None, "tiny"), (PROMPT, "full", "full"), (PROMPT, "tiny", "tiny"), ("a pink star growing", None, "full"),
    (PROMPT + " on grey", None, "full"), ("a small red circle moving right", None, "full")])
def test_the_smallest_world_that_can_show_it(prompt, world, found):
    assert asked_for(prompt, world)[1] == found
    assert is_tiny(scene_of(prompt, world=world)) == (found == "tiny")


def test_worlds_that_are_not_there():
    with pytest.raises(InputError, match="no world called 'huge'"): scene_of(PROMPT, world="huge")


# ---- text of your own

def test_the_command_for_text_of_your_own(tmp_path, capsys):
    texts = [text for _, text in captions(40, 4, "full")]
    plain, tree, conll, broken = (tmp_path / name for name in ("text.txt", "tree.conllu", "tags.conll", "broken.conll"))
    plain.write_text("\n".join([*texts, "Ünïcode 円!", ""]), encoding="utf-8")
    row = "{}\t{}\t_\t{}" + "\t_" * 6
    tree.write_text("\n\n".join("\n".join(row.format(i, *both) for i, both in enumerate(zip(*true_tags(text)[:2]), 1)) for text in texts))
    conll.write_text("\n\n".join("\n".join(map("\t".join, zip(*true_tags(text)[::2]))) for text in texts))
    broken.write_text("red\n")
    assert real_text.main("ids", str(plain)) == 0 and capsys.readouterr().out.count(" 0 differ") == 2
    assert real_text.main("pos", str(tree)) == 0 and "32 sentences to learn from, 8 with" in capsys.readouterr().out
    assert real_text.main("entities", str(conll), str(conll)) == 0 and "perceptron     F1 100.00%" in capsys.readouterr().out
    assert real_text.main("entities", str(conll), str(broken)) == 2 and "broken.conll, line 1" in capsys.readouterr().out
    assert [real_text.main(*typed) for typed in ((), ("pos",), ("entities", "one"), ("what", "file"))] == [2] * 4


# ---- drawing

def test_tags_are_drawn_with_their_entities():
    words, pos, tags = true_tags("a red circle moving right")
    axis = tags_figure(words, pos, tags).axes[0]
    assert [text.get_text() for text in axis.texts] == [x for pair in zip(words, pos) for x in pair] + ["COLOR", "SHAPE", "MOTION"]
    color, shape, motion = axis.patches
    assert color.get_x() < shape.get_x() < motion.get_x() and motion.get_width() > max(color.get_width(), shape.get_width())
    assert len({bar.get_facecolor() for bar in axis.patches}) == 3


def test_test_sets_may_be_generators():
    data = [(["a", "red", "circle"], ["DET", "ADJ", "NOUN"])] * 3
    tagger = MostFrequent().fit(data)
    assert tag_accuracy(tagger, (s for s in data)) == tag_accuracy(tagger, data) == 1
    bio = [(["a", "red"], ["O", "B-X"])] * 3
    tagger = MostFrequent().fit(bio)
    assert entity_f1(tagger, (s for s in bio)) == entity_f1(tagger, bio) == 1


def test_a_sentence_is_a_list_of_words():
    data = [(["a", "red", "circle"], ["DET", "ADJ", "NOUN"])] * 3
    taggers = [MostFrequent().fit(data).tag, PerceptronTagger().fit(data).tag, lambda text: layer_states([text])]
    for tag in taggers:
        with pytest.raises(InputError, match="'a red circle' as \\['a', 'red', 'circle'\\]"): tag("a red circle")
