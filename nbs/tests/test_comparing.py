"Which of two models is better: intervals, sample sizes and tests beside SciPy and simulated experiments"
import numpy as np
import pytest
from scipy import stats

from t2v_learn.core import InputError
from t2v_learn.judge.comparing import (PairedTest, clips_to_tell, compare_reports, confusion, confusion_figure, coverage, mcnemar,
                                       pairs_to_tell, seed_interval)
from t2v_learn.judge.evaluate import Report, evaluate, wilson
from t2v_learn.video.world import World, render


def test_coverage_is_that_of_many_experiments():
    rng = np.random.default_rng(0)
    for n, p in ((20, .9), (64, .98)):
        ends = [wilson(k, n) for k in range(n + 1)]
        simulated = np.mean([ends[k][0] <= p <= ends[k][1] for k in rng.binomial(n, p, 50_000)])
        assert abs(simulated - coverage(wilson, n, p)[0]) < .005
    assert coverage(lambda k, n: (0, 1), 10, [.1, .5]).tolist() == pytest.approx([1, 1])
    assert coverage(lambda k, n: (2, 3), 10, .5)[0] == 0


@pytest.mark.parametrize("p, q", [(.5, .9), (.97, .98), (.9, .8)])
def test_so_many_clips_see_the_difference(p, q):
    n = clips_to_tell(p, q)
    assert n == clips_to_tell(q, p) < clips_to_tell(p, q, power=.9)
    a, b = (np.random.default_rng(seed).binomial(n, one, 40_000) / n for seed, one in ((0, p), (1, q)))
    mean = (a + b) / 2
    assert abs((np.abs(a - b) > 1.96 * np.sqrt(2 * mean * (1 - mean) / n)).mean() - .8) < .05      # 20 clips are coarse


@pytest.mark.parametrize("only_a, only_b", [(.015, .005), (.2, .1)])
def test_so_many_pairs_see_the_difference(only_a, only_b):
    n = pairs_to_tell(only_a, only_b)
    drawn = np.random.default_rng(0).multinomial(n, [only_a, only_b, 1 - only_a - only_b], 20_000)
    z = (drawn[:, 0] - drawn[:, 1]) / np.sqrt(np.maximum(drawn[:, 0] + drawn[:, 1], 1))
    assert abs((np.abs(z) > 1.96).mean() - .8) < .04
    independent = clips_to_tell(.9, .8)
    assert pairs_to_tell(.9 * .2, .8 * .1) == pytest.approx(independent, rel=.03), "independent failures: pairing saves nothing"


def test_paired_test():
    a = np.array([1] * 50 + [1] * 9 + [0] * 2 + [0] * 39)
    b = np.array([1] * 50 + [0] * 9 + [1] * 2 + [0] * 39)
    found = mcnemar(a, b)
    assert (found.both, found.only_a, found.only_b, found.neither, found.n) == (50, 9, 2, 39, 100)
    assert found.difference == pytest.approx(.07) and found.p_value == pytest.approx(stats.binomtest(9, 11).pvalue)
    low, high = found.interval
    assert low < .07 < high and mcnemar(b, a).interval == pytest.approx((-high, -low))
    assert PairedTest(10, 0, 0, 5).p_value == 1 and "+7.0%" in str(found) and "n = 100 pairs" in str(found)
    for wrong in (b[1:], b[:0]):
        with pytest.raises(InputError, match="same prompts"): mcnemar(a, wrong)


@pytest.mark.parametrize("test", [mcnemar([1], [0]), mcnemar([0], [1]), PairedTest(0, 9, 1, 0, (1.0, 1.0, .4)),
                                  PairedTest(0, 2, 0, 0, (1.0, 1.0))])
def test_no_difference_of_shares_is_larger_than_one(test):
    low, high = test.interval
    assert -1 <= low < test.difference <= high <= 1 or -1 <= low <= test.difference < high <= 1


@pytest.mark.parametrize("call", [
    lambda: clips_to_tell(1.5, .2), lambda: clips_to_tell(.9, .8, power=1), lambda: clips_to_tell(.9, .8, level=0),
    lambda: clips_to_tell(float("nan"), .5), lambda: pairs_to_tell(1.5, .2), lambda: pairs_to_tell(.8, .7),
    lambda: pairs_to_tell(.1, .2, power=0)])
def test_chances_that_are_none(call):
    with pytest.raises(InputError, match="give (numbers from 0 to 1|shares)"): call()


def test_interval_of_a_difference_keeps_its_promise():
    rng = np.random.default_rng(0)
    inside = 0
    for only_a, only_b, same in rng.multinomial(200, [.06, .03, .91], 2000):
        low, high = PairedTest(same, only_a, only_b, 0).interval
        inside += low <= .03 <= high
    assert .93 < inside / 2000 < .98


def test_reports_of_other_scenes_are_refused():
    def blind(prompts, seed): return [render(World("tiny").sample(np.random.default_rng(s))) for s in seed]
    one, same, other = (evaluate(blind, n=6, seed=seed) for seed in (1, 1, 2))
    found = compare_reports(one, same)
    assert found.only_a == found.only_b == 0 and found.n == 6
    assert compare_reports(one, same, "color").n == 6
    with pytest.raises(InputError, match="different scenes.* same split, n and seed"): compare_reports(one, other)
    with pytest.raises(InputError, match="there is no 'weight'.* color"): compare_reports(one, same, "weight")
    def one_combination(ok): # right on all but one of twelve combinations of ten
        keys = [("circle", "red", str(i // 10)) for i in range(120)]
        return Report("held-out-combinations", dict(joint=np.array([i >= 10 or ok for i in range(120)])), keys, 1.0, dict(seed=1))
    paired = compare_reports(one_combination(True), one_combination(False))
    assert paired.only_a == 10 and len(paired.groups) == 12 and paired.p_value == 1, "one combination is one piece of evidence"
    assert mcnemar([True] * 120, one_combination(False).right["joint"]).p_value < .01
    assert paired.interval[0] < 0 < paired.interval[1] and "n = 120 pairs of 12 combinations" in str(paired)
    elsewhere = Report("held-out-words", one.right, one.keys, 1.0, one.settings)
    with pytest.raises(InputError, match="different scenes"): compare_reports(one, elsewhere)


def test_confusion():
    counts = confusion(["up", "up", "down", "down"], ["up", None, "up", "sideways"], ["up", "down"])
    assert counts.tolist() == [[1, 0, 1], [1, 0, 1]] and counts.sum() == 4
    with pytest.raises(InputError, match="'left' was asked for"): confusion(["left"], ["up"], ["up", "down"])
    with pytest.raises(ValueError): confusion(["up"], ["up", "up"], ["up"])
    axes = confusion_figure({"motion": (counts, ["up", "down"])}).axes
    assert [text.get_text() for text in axes[0].texts] == ["1", "1", "1", "1"] and axes[0].get_ylabel() == "asked for"


def test_seeds_and_impossible_questions():
    low, high = seed_interval([.9, .92, .97])
    assert (low, high) == pytest.approx(stats.t.interval(.95, 2, np.mean([.9, .92, .97]), stats.sem([.9, .92, .97])))
    with pytest.raises(InputError, match="two or more"): seed_interval([.9])
    for ask in (clips_to_tell, pairs_to_tell):
        with pytest.raises(InputError, match="two different shares"): ask(.3, .3)


def test_edges_of_a_paired_comparison():
    with pytest.raises(InputError, match="one or more"): mcnemar([], [])
    for marks in (["True", "False"], [55.2, 30.1], [1, float("nan")], [None, True]):
        for pair in ((marks, [1, 0]), ([1, 0], marks)):
            with pytest.raises(InputError, match="True or False, or 1 or 0"): mcnemar(*pair)
    alone = PairedTest(1, 2, 3, 4, groups=(.5,))
    assert alone.p_value == 1.0 and "p = 1" in str(alone)
    everywhere = PairedTest(0, 24, 0, 0, groups=(1.0,) * 12)
    low, high = everywhere.interval
    assert low < 1 and high - low > .05, "twelve equal differences are no proof of more"
    assert "p = " in str(everywhere)
