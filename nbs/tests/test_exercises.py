"The exercises: a stub is not solved, solutions in any style are, and the likely mistakes are told apart"
import json
from collections import Counter

import pytest
from exercises import CALL, answers, checks, lessons, solution, stub, texts, titles, verdict
from rerun import notebooks

from t2v_learn.exercises import answers as checking
from t2v_learn.exercises.answers import NotYet, beside, exercise, progress, progress_path, progress_table, solved

ALL = [(stem, n) for stem in lessons() for n in checks(stem)]
exercises = pytest.mark.parametrize("stem, number", [pytest.param(stem, n, id=f"{stem}-{n}") for stem, n in ALL])
OTHERS = [(stem, n, wanted, source) for stem in lessons() for n, wanted, source in answers(stem)]
WITHOUT = {"00_core", "index", "glossary", "main"}     # no lessons
COURSE = [p for p in notebooks() if p.stem not in WITHOUT and (p.parent.name[0].isdigit() or p.stem == "cli")]
MENDED = {                                             # lessons whose exercises have this form, and must keep it
    "11_clips", "12_containers", "13_show", "14_world", "15_verify", "16_datasets",
    "21_tokens", "22_word_vectors", "23_sentences", "24_attention", "25_bert", "26_tagging",
    "31_optimizers", "32_loop", "33_checkpoint", "34_pipeline",
    "41_convlstm", "42_gan", "43_gan_training", "44_coherence",
    "51_noise", "52_blocks", "53_unet3d", "54_denoiser", "55_sampling", "56_guidance", "57_pipeline", "58_editing", "59_recipe",
    "cli",
    "61_reader", "62_controls", "63_learned_readers", "64_evaluate", "65_emoji", "66_comparing", "67_measures",
    "68_why_is_it_noise", "69_bench",
    "71_autoencoder", "72_transformer", "73_latent_video", "74_compare",
    "81_scale"}


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("T2V_PROGRESS", str(tmp_path / "progress.jsonl"))


# --- the course

def test_no_lesson_goes_back():
    assert set(lessons()) >= MENDED


@pytest.mark.parametrize("stem", lessons())
def test_titles_in_the_lesson_are_those_of_the_checks(stem):
    "2 to 5 exercises, numbered from 1; a title says difficulty, importance and minutes, and the check says the same"
    assert 2 <= len(checks(stem)) <= 5
    assert list(checks(stem)) == list(texts(stem)) == list(range(1, len(checks(stem)) + 1))
    known = [(e.number, e.title, e.difficulty, e.importance, e.minutes) for e in checking.all_exercises() if e.lesson == stem]
    assert titles(stem) == known


def test_every_check_belongs_to_an_exercise():
    assert {(e.lesson, e.number) for e in checking.all_exercises()} == set(ALL)


@exercises
def test_a_check_is_asked_by_the_name_of_the_answer(stem, number):
    name, arguments = CALL.match(checks(stem)[number].source).groups()
    assert name == {"MyTrainer": "my_trainer"}.get(arguments.split(", ")[0], arguments.split(", ")[0])


@exercises
def test_stub_is_not_yet_right(stem, number):
    assert verdict(stem, number, stub(stem, number)).startswith("not yet: ")
    assert not solved()


@exercises
def test_solution_is_right(stem, number):
    assert verdict(stem, number, solution(stem, number)).startswith("right")
    assert list(solved()) == [(stem, number)]


@exercises
def test_lesson_is_stored_unsolved(stem, number):
    "A reader finds the stub's verdict under the check, not somebody's solution"
    stored = "".join(out.get("text", "") for out in checks(stem)[number].outputs)
    assert "not yet: " in stored and "right" not in stored.splitlines()[-1].split()[:1]


# --- other answers

@pytest.mark.parametrize("stem, number, wanted, source",
                         [pytest.param(*case, id=f"{case[0]}-{case[1]}-{i}") for i, case in enumerate(OTHERS)])
def test_other_answer_gets_its_verdict(stem, number, wanted, source):
    found = verdict(stem, number, source)
    if wanted == "right": assert found.startswith("right"), found
    else: assert found.startswith("not yet: ") and wanted in found, found


@pytest.mark.parametrize("stem", [stem for stem in lessons() if answers(stem)])
def test_two_styles_and_three_mistakes_for_each_exercise(stem):
    "Each mistake with a message of its own, which is not the stub's"
    right = Counter(n for n, wanted, _ in answers(stem) if wanted == "right")
    wrong = Counter(n for n, wanted, _ in answers(stem) if wanted != "right")
    assert all(right[n] >= 2 and wrong[n] >= 3 for n in checks(stem)), (right, wrong)
    for n in checks(stem):
        said = [verdict(stem, n, source) for number, wanted, source in answers(stem) if number == n and wanted != "right"]
        assert len(set(said)) == len(said), f"exercise {n}: the same message for two mistakes: {said}"
        assert verdict(stem, n, stub(stem, n)) not in said


# --- what checks share

def _judge(yours):
    found = yours(5)
    if found == 2: raise NotYet("half of 5 is 2.5.")
    if found != 2.5: raise NotYet("something else.")
    return "for odd numbers, too."


@pytest.fixture
def half(monkeypatch):
    monkeypatch.setattr(checking, "EXERCISES", {})
    return exercise("99_none", 1, "Half", "easy", 1, 5)(_judge)


def test_verdicts(half, capsys):
    for answer in (lambda x: x // 2, lambda x: x / 2, lambda x: x / nothing, lambda: 0, None):     # noqa: F821
        assert half(answer) is None                                                                # nothing that a notebook would show
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["not yet: half of 5 is 2.5.", "right: for odd numbers, too."]
    assert all(line.startswith("not yet: your answer stops with ") for line in lines[2:4]) and len(lines) == 5
    assert lines[4] == "not yet: hand the function itself to the check, without brackets behind it, not NoneType."
    assert "NameError" in lines[2] and "x / nothing" in lines[2]                                   # the reader's own line


def test_a_check_that_stumbles_does_not_accuse_the_answer(half, capsys):
    judge = eval(compile("lambda yours: yours(5)[0]", "of the check", "eval"))
    checked = exercise("99_none", 2, "Half", "easy", 1, 5)(judge)
    checked(lambda x: None)
    said = capsys.readouterr().out
    assert "the check cannot use what your answer gives (TypeError" in said and "stops with" not in said


def test_stopping_a_check_stops_it(half):
    def asks_to_stop(x): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): half(asks_to_stop)


def test_right_answers_are_remembered_once(half):
    for _ in range(3): half(lambda x: x / 2)
    assert len(progress_path().read_text().splitlines()) == 1
    assert list(solved()) == [("99_none", 1)]


def test_damaged_lines_cost_no_other(half):
    progress_path().write_bytes(b'{"lesson": "99_no\n\xff\xfe\n[]\n7\n{"lesson": 3, "number": 1}\n')
    half(lambda x: x / 2)
    assert list(solved()) == [("99_none", 1)]


@pytest.mark.parametrize("before", [b'{"lesson": "99_no', b"", b"\xff", b'{"lesson": 3}\n'])
def test_a_line_that_was_torn_does_not_swallow_the_next_one(before, half):
    progress_path().write_bytes(before)
    half(lambda x: x / 2)
    assert list(solved()) == [("99_none", 1)]
    assert progress_path().read_bytes().startswith(before)


def test_floats_choose_no_frames(capsys):
    import numpy as np
    import torch

    from t2v_learn.exercises.video import my_indices
    for wrong in (lambda h, w: np.floor(np.arange(w) * h / w), lambda h, w: [float(k * h // w) for k in range(w)],
                  lambda h, w: torch.arange(w).float().mul(h / w).floor()):
        my_indices(wrong)
        assert "they are floats" in capsys.readouterr().out
    for right in (lambda h, w: np.arange(w) * h // w, lambda h, w: [k * h // w for k in range(w)], lambda h, w: torch.arange(w) * h // w):
        my_indices(right)
        assert capsys.readouterr().out.splitlines()[-1].startswith("right")


def test_a_place_that_cannot_be_written_stops_nobody(half, monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "progress.jsonl", tmp_path):
        monkeypatch.setenv("T2V_PROGRESS", str(place))
        half(lambda x: x / 2)
        out = capsys.readouterr().out
        assert "right" in out and "not remembered" in out


def test_progress_counts_what_is_done(half):
    before, = (row for row in progress() if row["lesson"] == "99_none")
    half(lambda x: x / 2)
    after, = (row for row in progress() if row["lesson"] == "99_none")
    assert (before["n"], before["solved"], before["minutes"], before["next"].title) == (1, 0, 5, "Half")
    assert (after["solved"], after["minutes"], after["next"]) == (1, 0, None)
    assert "solved" in progress_table()


def test_progress_is_empty_without_a_file():
    assert solved() == {} and not progress_path().exists()


@pytest.mark.parametrize("pair", [([1, 2], [2, 1]), (3, 4.5), ([[1, 2]], [[2, 1]]), ("a", "b"), (None, 3), ([1, [2]], [1, 2]),
                                  ([float("nan")], [1]), ([], [1])])
def test_beside_draws_or_prints_anything(pair, capsys):
    beside(*pair)
    assert capsys.readouterr().out


def test_beside_draws_clips(capsys):
    import torch
    beside(torch.zeros(2, 3, 4, 8, 8), torch.ones(3, 4, 8, 8))
    assert "Figure" in capsys.readouterr().out


def test_an_answer_that_prints_is_judged_by_the_last_line():
    assert verdict("51_noise", 1, solution("51_noise", 1) + "\nprint('not yet: a test')").startswith("right")
    assert json.dumps(list(solved().items())).count("51_noise") == 1
