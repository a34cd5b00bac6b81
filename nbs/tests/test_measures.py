"Measures of sets of clips: beside NumPy's own, on clouds whose answer is known, and on graded faults"
import numpy as np
import pytest
from scipy import linalg

from t2v_learn.core import InputError
from t2v_learn.judge.measures import (FAULTS, SET_FAULTS, FeatureSpace, Known, diversity, frechet_distance, kernel_distance, least_noticed,
                                      measure_set, notices_figure, precision_recall, with_fault, world_clips)
from t2v_learn.judge.reader import score


@pytest.fixture(scope="module")
def world(): return world_clips(60, seed=0)


@pytest.fixture(scope="module")
def training(): return world_clips(900, seed=1)


def test_frechet_distance_is_that_of_the_square_root_by_schur():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5)), 2 + rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    wanted = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a + cov_b - 2 * linalg.sqrtm(cov_a @ cov_b).real)
    assert frechet_distance(a, b) == pytest.approx(wanted) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, a[:, ::-1] * 0 + a) == pytest.approx(0, abs=1e-6)
    dead = np.c_[a, np.zeros(300)], np.c_[b, np.zeros(200)]                          # a singular covariance
    assert frechet_distance(*dead) == pytest.approx(wanted)
    with pytest.raises(InputError, match="two clips or more"): frechet_distance(a[:1], b)
    one = frechet_distance(a[:, :1], b[:, :1])                        # of one feature: two normal distributions
    assert one == pytest.approx((a[:, 0].mean() - b[:, 0].mean())**2 + (a[:, 0].std(ddof=1) - b[:, 0].std(ddof=1))**2)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    k = lambda a, b: (a @ b / 3 + 1) ** 3
    within = [np.mean([k(a, b) for i, a in enumerate(some) for j, b in enumerate(some) if i != j]) for some in (x, y)]
    wanted = sum(within) - 2 * np.mean([[k(a, b) for b in y] for a in x])
    assert kernel_distance(x, y) == pytest.approx(wanted)
    same = [kernel_distance(*rng.normal(size=(2, 30, 3))) for _ in range(400)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 20, "on average 0 between equal worlds"
    with pytest.raises(InputError, match="two clips or more"): kernel_distance(x, y[:1])


def test_precision_and_recall_of_half_a_world():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + [50, 0]
    real = np.r_[left, right]
    precision, recall = precision_recall(real, left + rng.normal(0, .01, left.shape))
    assert precision > .95 and .45 < recall <= .55, "all that is drawn is real, half of what is real is drawn"
    assert precision_recall(left, right) == (0, 0) and precision_recall(left, left) == (1, 1)
    assert diversity(left) < diversity(real)
    with pytest.raises(InputError, match="give larger sets"): precision_recall(left[:3], right)


@pytest.mark.parametrize("name", [*FAULTS, *SET_FAULTS])
def test_faults_grow_with_their_strength(name, world, training):
    clips, scenes = world
    before = clips.clone()
    changes = [(with_fault(name, clips, scenes, s, 0, training) - clips).square().mean() for s in (0.0, .3, 1.0)]
    assert changes[0] == 0 < changes[1] < changes[2] and clips.equal(before), "and what is given stays as it was"
    assert with_fault(name, clips, scenes, .5, 3, training).equal(with_fault(name, clips, scenes, .5, 3, training))


def test_set_faults_follow_the_prompt(world, training):
    clips, scenes = world
    for name in SET_FAULTS:
        faulty = with_fault(name, clips, scenes, 1.0, 0, training)
        assert np.mean([score(clip, scene)["joint"] for clip, scene in zip(faulty, scenes)]) == 1
    with pytest.raises(InputError, match="no fault 'rust'.*blur"): with_fault("rust", clips, scenes, 1.0, 0)


def test_measures_of_a_set(world, training):
    clips, scenes = world
    known = Known(FeatureSpace(world_clips(200, seed=2)[0]), training[0][:100], world_clips(100, seed=4)[0])
    clean, copied, noisy = (measure_set(some, scenes, known) for some in (
        clips, with_fault("training clips", clips, scenes, 1.0, 0, (training[0][:100], training[1][:100])),
        with_fault("grain", clips, scenes, .4, 0)))
    assert clean["accuracy"] == 1 and clean["fidelity"] > 45 and clean["copies"] < .75 and len(clean) == 10
    assert noisy["fidelity"] < 30 and noisy["warping error"] > 2 * clean["warping error"]
    assert noisy["Fréchet distance"] > clean["Fréchet distance"] and copied["copies"] > clean["copies"]
    assert np.isnan(measure_set(with_fault("grain", clips, scenes, 1.0, 0), scenes, known)["fidelity"]), "none can be read"
    with pytest.raises(InputError, match="how clips vary"): FeatureSpace(clips[:1])


def test_noticing_starts_where_it_lasts():
    clean = [0.0, .1, -.1, .05]
    assert least_noticed(clean, {.1: [5.0], .2: [0.0], .4: [5.0], .8: [9.0]}) == (.4, 1), "0.1 was a whim"
    assert least_noticed(clean, {.1: [-5.0], .2: [-5.0]}) == (.1, -1)
    assert least_noticed(clean, {.1: [5.0], .2: [0.0]})[0] == float("inf")
    assert least_noticed(clean, {.1: [0.0], .2: [np.nan]}) == (.2, -1), "no value at all is noticed"
    axes = notices_figure({("accuracy", "blur"): (.4, -1), ("accuracy", "grain"): (float("inf"), 1)}).axes[0]
    assert [text.get_text() for text in axes.texts] == ["40% ↓", "–"]


@pytest.mark.parametrize("clean", [[], [.5], [.5, float("nan")]])
def test_scatter_needs_two_values(clean):
    with pytest.raises(InputError, match="two or more"): least_noticed(clean, {.1: [.5], .8: [.5]})


def test_sets_that_say_nothing_are_refused(world):
    clips, scenes = world_clips(3, seed=5)
    known = Known(FeatureSpace(world[0]), world[0][:2], world[0][2:4])
    with pytest.raises(InputError, match="3 clips need as many scenes, not 1"): measure_set(clips, scenes[:1], known)
    with pytest.raises(InputError, match="all alike"): FeatureSpace(clips[[0] * 5])
