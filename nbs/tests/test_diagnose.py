"The clinic: every planted line stands in the library once, is applied, undone, and told by its check; and what diagnose makes of numbers"
import inspect
from pathlib import Path

import pytest
import torch
from rerun import root

import t2v_learn.diffusion.pipeline as diffusion
from t2v_learn.core import InputError, read_json
from t2v_learn.diffusion.denoiser import DenoiserConfig
from t2v_learn.diffusion.editing import TextToVideo
from t2v_learn.diffusion.unet3d import UNetConfig
from t2v_learn.judge.diagnose import (FAULTS, LEVELS, RULES, Diagnosis, Fault, _clips_facts, _diagnosis, _optimizer_facts,
                                      decision_figure, diagnose)
from t2v_learn.training.pipeline import Preset, train
from t2v_learn.video.clips import to_unit

every = pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS.items()])
RESULTS = root / "nbs" / "6_judge" / "results" / "clinic.json"
ROWS = read_json(RESULTS, needs=("rows",))["rows"]


# --- the register

@every
def test_planted_line_stands_there_once(fault):
    "So that an edit of the library breaks this test, and not the lesson"
    assert inspect.getsource(fault.function).count(fault.old) == 1


@every
def test_one_line_is_changed(fault):
    changed = [line for line in fault.diff().splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [line[0] for line in changed] == ["-", "+"]
    assert fault.old in changed[0] and fault.new in changed[1]


@every
def test_line_numbers_are_those_of_the_file(fault):
    "The diff could be applied"
    name = fault.diff().splitlines()[0].removeprefix("--- a/")
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    first = int(fault.diff().splitlines()[2].split(",")[0].removeprefix("@@ -"))
    assert fault.old in "\n".join(lines[first - 1:first + 3])


@every
def test_check_tells_the_fault(fault, one_thread):
    "True, false while the line is planted, true again"
    code = fault.function.__code__
    assert fault.check() is True
    with fault.planted():
        assert fault.function.__code__ is not code
        assert fault.check() is False
    assert fault.function.__code__ is code
    assert fault.check() is True


def test_an_error_uproots_the_line():
    fault = FAULTS["clips normalized twice"]
    with pytest.raises(KeyError), fault.planted():
        assert float(to_unit(torch.tensor(0))) == -3
        raise KeyError
    assert float(to_unit(torch.tensor(0))) == -1


def test_a_line_that_is_gone_is_named():
    fault = Fault("x", "data", "", "", "", to_unit, "no such line", "", bool)
    with pytest.raises(InputError, match="stands 0 times in to_unit"): fault.source()


def test_words_of_the_register():
    "A check has a sentence, and no sentence is left out"
    for fault in FAULTS.values():
        assert all(text.endswith(".") for text in (fault.symptom, fault.why, fault.mend, fault.check.__doc__)), fault.name
    assert set(RULES) >= {name for name, fault in FAULTS.items() if fault.traced}


def test_decision_figure_names_the_groups():
    said = {text.get_text() for text in decision_figure().axes[0].texts}
    assert {fault.group for fault in FAULTS.values()} - {"GAN"} <= said


# --- diagnose on made-up numbers

def facts(**changes):
    "Of a training without a fault"
    own = [0.89, 0.76, 0.38, 0.20, 0.14, 0.12, 0.08]
    healthy = dict(step=160, arch="unet3d", lr=6e-4, begun=2.3, worst=9.0, logged=1.9, lr_top=6e-4, touched=True,
                   counted=160.0, silent=[], clips_mean=-0.91, clips_std=0.35, data_mean=-0.92, data_std=0.35, jump=0.24,
                   captions=32, seen=2560, whitened=True, own=own, raw_own=own, other=[0.96, 0.92, 0.66, 0.34, 0.19, 0.14, 0.09],
                   none=[0.94, 0.85, 0.49, 0.23, 0.15, 0.12, 0.08], to_clip=0.11, to_noise=1.8, fresh=1.9, same_batch=2.1, still_noise=2.2,
                   same_noise=1.8, other_noise=1.8)
    return healthy | changes


HIGH = dict(fresh=4.0, same_batch=4.1, still_noise=4.5)      # losses of new batches that are not those of the log


def causes(**changes): return [finding.cause for finding in _diagnosis(facts(**changes))]


def test_nothing_unusual():
    assert causes() == []
    assert str(Diagnosis("mine", [], [])).splitlines() == ["mine", "nothing unusual"]


@pytest.mark.parametrize("changes, cause", [
    (dict(touched=False, counted=None), "the optimizer never steps"),
    (dict(silent=["unet.text_conditioner.null_token"]), "the null embedding is never trained"),
    (dict(silent=["unet.frame_embedding.0.weight"]), "frames do not know their number"),
    (dict(silent=["unet.mid.conv1.weight"]), "some weights are never trained"),
    (dict(counted=80.0), "the optimizer's memory is lost"),
    (dict(data_mean=-2.8, data_std=0.7), "clips normalized twice"),
    (dict(whitened=False), "captions are not whitened"),
    (dict(jump=0.95), "background changes in every frame"),
    (dict(own=[1.0] * len(LEVELS)), "the average is read too early"),
    (dict(to_noise=0.5, to_clip=1.2), "the noise is compared, not the clip"),
    (dict(same_batch=0.6, fresh=5.0), "the same batch in every step"),
    (dict(same_noise=1.2, fresh=2.4), "the same noise in every step"),
    (dict(still_noise=1.2, fresh=2.4), "one noise for all frames"),
    (dict(**HIGH, raw_own=[1, 0.96, 0.85, 0.5, 0.2, 0.09, 0.05]), "noise levels of the wrong sign"),
    (HIGH, "another loss than the log's"),
    (dict(other=facts()["own"], none=facts()["own"]), "captions shifted by one"),
    (dict(other=facts()["own"], none=[0.8 * error for error in facts()["own"]]), "captions are always taken away"),
])
def test_cause_of_numbers(changes, cause):
    assert causes(**changes)[0] == cause


@pytest.mark.parametrize("changes", [
    dict(to_noise=0.93, to_clip=1.05), dict(same_batch=0.6, fresh=5.0), dict(same_noise=1.2, fresh=2.4), dict(still_noise=1.2, fresh=2.4),
    HIGH, dict(**HIGH, raw_own=[1, 0.96, 0.85, 0.5, 0.2, 0.09, 0.05]), dict(own=[1.0] * len(LEVELS))])
@pytest.mark.parametrize("early", [dict(step=2, seen=4, counted=2.0), dict(step=160, seen=320), dict(step=40, seen=5000, counted=40.0)])
def test_a_beginner_is_not_accused(changes, early):
    assert causes(**changes) and causes(**changes, **early) == []


def test_clips_of_one_color_are_the_cause():
    assert causes(clips_std=0.0, clips_mean=-1.0, data_mean=-1.0, data_std=0.0) == ["clips show nothing"]


def test_what_is_not_learnt_yet_is_no_alarm():
    "A model that cannot tell captions apart because it cannot draw yet"
    early = [0.98, 0.96, 0.9, 0.7, 0.5, 0.3, 0.2]
    assert causes(own=early, raw_own=early, other=early, none=early) == []


def test_a_cheap_noise_is_no_alarm_where_the_log_is_right():
    "As in a training of seed 1: by chance the first step's noise costs less, but the log's loss is that of new batches"
    assert causes(same_noise=1.87, other_noise=2.06, fresh=1.86, logged=1.91) == []


def test_units_of_a_model_trained_further_are_its_own():
    assert causes(data_mean=0.4, further=True) == []


def test_a_consequence_comes_after_its_cause():
    found = causes(touched=False, counted=None, other=facts()["own"], none=facts()["own"])
    assert found[0] == "the optimizer never steps"


def test_a_log_alone_is_read():
    "Of a training that was interrupted, no clip can be tried"
    log = {name: facts()[name] for name in ("step", "arch", "lr", "logged", "lr_top", "touched", "counted", "silent")}
    assert _diagnosis(log) == []
    assert [finding.cause for finding in _diagnosis(log | dict(counted=3.0))] == ["the optimizer's memory is lost"]


def test_frames_that_jump():
    "Frames of their own jump by 1; one clip, again and again, has nothing to be compared with"
    video = torch.rand(16, 3, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    assert _clips_facts(video, ["a"] * 16)["jump"] == pytest.approx(1, abs=0.05)
    assert _clips_facts(video[:, :, :1].expand(-1, -1, 8, -1, -1), ["a"] * 16)["jump"] == 0
    assert _clips_facts(video[:1].expand(16, -1, -1, -1, -1), ["a"] * 16)["jump"] == 0


def test_optimizer_memory_is_read():
    "AdamW's names and Muon's; a weight without memory is silent"
    one = torch.ones(2)
    tensors = {"model/a": one, "model/b": one, "model/c.token_mean": one, "optimizer/main/b/m": torch.zeros(2),
               "optimizer/main/a/exp_avg": one, "optimizer/main/a/exp_avg_sq": one, "optimizer/main/a/step": torch.tensor(7.0)}
    assert _optimizer_facts(tensors) == dict(touched=True, counted=7.0, silent=["b"])


# --- the stored trainings

@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['planted'] or row['healthy']}, seed {row['seed']}") for row in ROWS])
def test_stored_findings_are_those_of_the_rules(row):
    "What clinic.json says was found is found by the rules as they are"
    assert [finding.cause for finding in _diagnosis(row["facts"])] == row["found"]


# --- a folder

@pytest.fixture
def tiny(monkeypatch, encoder):
    "The preset `tiny` with a very small network"
    unet = UNetConfig(patch_size=8, widths=(16, 32), temporal=(False, True), cross_attention=(False, True),
                      spacetime_attention=(False, True), n_heads=2, context_dim=16, cond_dim=16)
    settings = TextToVideo.presets["tiny"].settings
    monkeypatch.setattr(TextToVideo, "presets", dict(tiny=Preset(DenoiserConfig(unet), settings=settings)))
    monkeypatch.setattr(diffusion, "TextEncoder", lambda: encoder)


def trained(folder, **settings):
    train(folder=folder, steps=22, batch_size=8, precision="fp32", device="cpu", progress=False, save_every_minutes=None, **settings)
    return folder


def test_a_healthy_folder_is_silent(tmp_path, tiny, one_thread):
    report = diagnose(trained(tmp_path / "run"))
    assert not report and "nothing unusual" in str(report) and "22 steps" in str(report)


def test_a_planted_folder_is_named(tmp_path, tiny, one_thread):
    with FAULTS["the null embedding is never trained"].planted(): trained(tmp_path / "run")
    report = diagnose(str(tmp_path / "run"))
    assert report.findings[0].cause == "the null embedding is never trained"
    assert "null_token" in str(report) and "do:" in str(report)


def test_an_interrupted_folder_is_read(tmp_path, tiny, one_thread):
    folder = trained(tmp_path / "run")
    for name in ("config.json", "model.safetensors"): (folder / name).unlink()
    report = diagnose(folder)
    assert not report and "not finished" in str(report)


@pytest.mark.parametrize("name, message", [("", "holds no training"), ("none", "there is no folder")])
def test_folders_without_a_training_are_refused(tmp_path, name, message):
    with pytest.raises(InputError, match=message) as error: diagnose(Path(tmp_path) / name)
    assert "\n" not in str(error.value)
