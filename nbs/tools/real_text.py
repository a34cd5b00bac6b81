"""The tokenizer and the taggers on text of your own: python nbs/tools/real_text.py ids FILE ... | pos TREEBANK | entities TRAIN TEST

ids         our ids beside those of transformers' Rust tokenizer: each line, and each file as one text, with and without capitals
pos         the three taggers, trained on the first 80 % of the sentences of a CoNLL-U file and graded on the last 20 %
entities    the three taggers, trained on one CoNLL file and graded on another, with the probe's grade for each name
"""
import sys

from t2v_learn.core import bert_folder
from t2v_learn.text.tagging import compare_taggers, read_conll, read_conllu, span_scores, tag_accuracy
from t2v_learn.text.tokens import WordPieceTokenizer, read_utf8
from t2v_learn.core import InputError


def rust_tokenizer(uncased=True):
    "The judge, as a function from texts to ids"
    from transformers import BertTokenizer
    judge = BertTokenizer(vocab=str(bert_folder("default") / "vocab.txt"), do_lower_case=uncased)
    assert judge.is_fast
    return lambda texts: judge(list(texts), verbose=False)["input_ids"]


def compare_ids(*paths):
    "How many texts of each file have other ids than the judge gives them; all of them together"
    differ = 0
    for path in paths:
        whole = read_utf8(path)
        texts = [whole, *whole.split("\n")]
        for uncased in (True, False):
            ours = WordPieceTokenizer(uncased=uncased)
            wrong = sum(ours.encode(text) != ids for text, ids in zip(texts, rust_tokenizer(uncased)(texts)))
            kind, n_ids = "uncased" if uncased else "cased", len(ours.encode(whole))
            print(f"{path} {kind}: {len(texts)} texts, {n_ids} ids, {wrong} differ", flush=True)
            differ += wrong
    return differ


def compare_pos(path):
    "Shares of right words: the baseline, the perceptron, the probe"
    sentences = read_conllu(path)
    cut = len(sentences) * 8 // 10
    train, test = sentences[:cut], sentences[cut:]
    n_words = sum(len(words) for words, _ in test)
    print(f"{len(train)} sentences to learn from, {len(test)} with {n_words} words to be graded on", flush=True)
    shares = compare_taggers(train, test, tag_accuracy)
    for name, share in shares.items(): print(f"{name:14} {share:.2%} of the words")
    return shares


def compare_entities(train_path, test_path):
    "F1 over entities: the baseline, the perceptron, the probe"
    train, test, kept = read_conll(train_path), read_conll(test_path), []

    def grade(tagger, sentences):
        found = tagger.tag_all([words for words, _ in sentences])
        kept.append(span_scores([tags for _, tags in sentences], found))
        return kept[-1]["all"][2]
    print(f"{len(train)} sentences to learn from, {len(test)} to be graded on", flush=True)
    scores = compare_taggers(train, test, grade)
    for (name, f1), spans in zip(scores.items(), kept):
        print(f"{name:14} F1 {f1:6.2%}, precision {spans['all'][0]:6.2%}, recall {spans['all'][1]:6.2%}")
    for name, (_, _, f1, n) in kept[-1].items(): print(f"    {name:14} F1 {f1:6.2%} of {n}")
    return scores


COMMANDS = dict(ids=compare_ids, pos=compare_pos, entities=compare_entities)


def main(command="", *paths):
    "0 if all went well and all ids are the same"
    if command not in COMMANDS or not paths or command != "ids" and len(paths) != {"pos": 1, "entities": 2}[command]:
        print(__doc__)
        return 2
    try: found = COMMANDS[command](*paths)
    except InputError as error:
        print(error)
        return 2
    return int(command == "ids" and found > 0)


if __name__ == "__main__": sys.exit(main(*sys.argv[1:]))
