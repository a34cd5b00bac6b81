"Figures that show a training from the inside, and the table of ablations"
import json

import numpy as np
import pytest
from rerun import root

from t2v_learn.core import InputError
from t2v_learn.diffusion.recipe import ablation_figure, learning_figure, learning_strips_figure

RESULTS = root / "nbs" / "5_diffusion" / "results"


def row(name="the recipe", seed=0, joint=.5): return dict(name=name, seed=seed, steps=500, n=240, color=1.0, shape=.5, motion=.5,
        joint=joint, fidelity=28.0)


def texts(figure): return [text.get_text() for text in figure.axes[0].texts]


def test_the_table_says_means_and_spread_over_seeds():
    figure = ablation_figure([row(joint=.4), row(seed=1, joint=.6), row("no skips", joint=.1)])
    assert "50 % ± 14" in texts(figure) and "10 %" in texts(figure)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["the recipe  (2)", "no skips  (1)"]                          # best first, with the number of seeds


def test_a_table_without_its_reference_is_refused():
    with pytest.raises(InputError, match="no row 'the recipe'"): ablation_figure([row("no skips")])
    with pytest.raises(InputError, match="no row 'the recipe'"): ablation_figure([])


def test_strips_have_a_row_for_each_stop():
    clips = {minutes: np.zeros((2, 8, 16, 16, 3), np.uint8) for minutes in (0, 1, 3)}
    figure = learning_strips_figure(clips, ["a", "b"])
    assert len(figure.axes) == 6 and figure.axes[0].get_title() == "a" and figure.axes[2].get_ylabel() == "1 min"
    with pytest.raises(InputError, match="do not fit 1 prompts"): learning_strips_figure(clips, ["a"])


def test_an_untrained_network_has_errors_but_no_score():
    levels = [-10, 0, 4]
    records = {0: dict(n=0, right={}, levels=levels, errors=[1, .9, .8]),
               3: dict(n=120, right=dict(color=1.0, shape=.5), levels=levels, errors=[.9, .1, .05])}
    left, right = learning_figure(records).axes
    assert len(right.get_lines()) == 2 and len(left.containers) == 2 and [tick.get_text() for tick in left.get_xticklabels()] == ["3"]


def test_what_is_stored_can_be_drawn():
    stored = json.loads((RESULTS / "minutes.json").read_text())
    learning_figure({int(minutes): record for minutes, record in stored["minutes"].items()})
    rows = json.loads((RESULTS / "ablations.json").read_text())["rows"]
    assert len({(r["name"], r["seed"]) for r in rows}) == len(rows)
    ablation_figure(rows)
