"The learned readers: small networks that know nothing of the rules, as second judges"
import numpy as np
import pytest
from scenes import some, some_full

from t2v_learn.core import InputError
from t2v_learn.judge.controls import NEAR_MISSES, NO_SCENES, always_said, soft_full
from t2v_learn.judge.learned_readers import FullReader, TinyReader, agreement, load_reader, read_names, save_reader, train_full_reader
from t2v_learn.video.verify import soft
from t2v_learn.training.checkpoint import load_weights, save_weights
from t2v_learn.video.world import label, render


def test_the_shipped_reader_agrees_on_scenes_and_not_on_faults():
    reader = load_reader("tiny")
    scenes, generator = some(200, 4)
    truth = [label(scene)["actors"][0] for scene in scenes]
    assert np.mean([a == b for a, b in zip(read_names([render(s) for s in scenes], reader), truth)]) >= .98
    assert agreement([soft(scene, generator) for scene in scenes], reader) >= .95
    assert agreement([NEAR_MISSES["jump"](scene, generator) for scene in scenes[:50]], reader) == 0
    assert np.isnan(agreement([NO_SCENES["blank"](scene, generator) for scene in scenes[:5]], reader, over="read"))
    assert np.isnan(agreement([], reader))


def test_a_wrong_reader_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load_reader("nowhere")
    save_reader(TinyReader(), tmp_path)
    load_reader(tmp_path)
    weights, config = load_weights(tmp_path)
    save_weights(tmp_path, weights, config | dict(versions=config["versions"] | dict(world=0)))
    with pytest.raises(InputError, match="another version of the world"):
        load_reader(tmp_path)
    save_weights(tmp_path, weights, config | dict(kind="text-to-video"))
    with pytest.raises(InputError, match="not one of: reader-tiny"):
        load_reader(tmp_path)
    save_reader(TinyReader(), tmp_path)
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged"):
        load_reader(tmp_path)


def test_the_shipped_reader_of_the_full_world():
    reader, (scenes, generator) = load_reader("full"), some_full(150, 14)
    assert isinstance(reader, FullReader)
    truth = [dict(actors=always_said(scene), background=scene.background) for scene in scenes]
    clips = [render(scene) for scene in scenes]
    assert np.mean([a == b for a, b in zip(read_names(clips, reader), truth)]) >= .72       # 79 % of 400; digits are its weak side
    assert agreement(clips, reader) >= .72 and agreement([soft_full(s, generator) for s in scenes[:60]], reader) >= .68
    assert agreement([NEAR_MISSES["jump"](scene, generator) for scene in scenes[:30]], reader) == 0


def test_a_full_reader_is_saved_with_its_world_and_trains_everywhere(tmp_path):
    reader = train_full_reader(2)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in reader.parameters())
    save_reader(reader, tmp_path)
    again, clips = load_reader(tmp_path), [render(scene) for scene in some_full(4, 15)[0]]
    assert isinstance(again, FullReader) and read_names(clips, again) == read_names(clips, reader)


def test_networks_refuse_what_they_did_not_learn():
    reader = load_reader("tiny")
    blank = np.zeros((8, 32, 32, 3), np.uint8)
    with pytest.raises(InputError, match="over all or over read, not over 'every'"): agreement([blank], reader, over="every")
    for wrong in (blank[:4], blank[:, :16, :16]):
        with pytest.raises(InputError, match="clips of the world 'tiny'"): agreement([blank, wrong], reader)
    with pytest.raises(InputError, match="clips of the world 'full'"): read_names([blank], FullReader())
