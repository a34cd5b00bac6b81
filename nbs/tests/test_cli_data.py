"`t2v data`: what it says of clips and captions, with each of its options"
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from rerun import root

from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import write_video

CLIPS = sorted((root / "data" / "samples").glob("*.gif"))


def put(folder, *names):
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CLIPS[i], folder / name)


def facts(out):
    "The lines of a survey as a dict: what, how"
    return {line[2:11].strip(): line[12:] for line in out.splitlines() if line.startswith("  ") and not line.startswith("   ")}


@pytest.fixture
def msrvtt(tmp_path):
    "As people unpack it"
    put(tmp_path, *(f"msrvtt/videos/all/video{i}.gif" for i in range(4)))
    content = dict(videos=[dict(video_id=f"video{i}", split=split) for i, split in enumerate(("train", "train", "validate"))],
                   sentences=[dict(video_id=f"video{i}", caption=f"caption {i}", short=f"c{i}") for i in range(3)])
    file = tmp_path / "msrvtt" / "annotation" / "info.json"
    file.parent.mkdir()
    file.write_text(json.dumps(content))
    return file


def test_what_was_understood_is_said(t2v, msrvtt):
    status, out, err = t2v("data", "msrvtt")
    assert (status, err) == (0, []) and out.startswith("msrvtt: 2 clips can be used.\n")
    said = facts(out)
    assert said["layout"] == "a list" and said["list"].startswith("info.json") and said["split"] == "train, left out: val (1)"
    assert said["formats"] == "gif (2)" and said["sizes"] == "32x32 (2)" and said["seconds"] == "1" and said["fit"] == "all are square"
    assert said["captions"].startswith("2, 2 different") and out.partition("not listed (1):\n")[2].strip().endswith("video3.gif")
    assert t2v("data", "msrvtt", "--strict") == (0, out, [])
    (msrvtt.parents[1] / "videos" / "all" / "video1.gif").unlink()
    status, out, err = t2v("data", "msrvtt", "--strict")
    assert (status, len(err)) == (2, 1) and "1 cannot be used" in err[0] and "cannot be used (1):" in out


@pytest.mark.parametrize("split, n", [("train", 2), ("val", 1), ("validate", 1), ("all", 3)])
def test_split(t2v, msrvtt, split, n):
    status, out, err = t2v("data", msrvtt, "--split", split)
    assert (status, err) == (0, []) and f": {n} clips can be used." in out
    status, out, err = t2v("data", msrvtt, "--split", "best")
    assert (status, out, len(err)) == (2, "", 1) and "choose train, val or all" in err[0]


def test_videos(t2v, msrvtt, tmp_path):
    shutil.move(tmp_path / "msrvtt" / "videos", tmp_path / "elsewhere")
    assert t2v("data", msrvtt)[0] == 2
    status, out, err = t2v("data", msrvtt, "--videos", "elsewhere")
    assert (status, err) == (0, []) and ": 2 clips can be used." in out
    assert "no folder" in t2v("data", msrvtt, "--videos", "nowhere")[2][0]


def test_column(t2v, tmp_path):
    put(tmp_path, "a.gif", "b.gif")
    (tmp_path / "list.csv").write_text("video,caption,words\na.gif,short,a long caption\nb.gif,short,another\n")
    assert facts(t2v("data", "list.csv")[1])["such as"] == "short"
    said = facts(t2v("data", "list.csv", "--column", "words")[1])
    assert said["such as"] == "a long caption" and "caption: words" in said["list"]
    status, out, err = t2v("data", "list.csv", "--column", "wrods")
    assert (status, out, len(err)) == (2, "", 1) and "video, caption, words" in err[0]


def test_images(t2v, tmp_path):
    put(tmp_path, "clips/a.gif")
    for name in ("b.jpg", "c.png", "d.webp", "e.bmp"): Image.new("RGB", (32, 32)).save(tmp_path / "clips" / name)
    for name in "abcdef": (tmp_path / "clips" / f"{name}.txt").write_text(name)
    status, out, err = t2v("data", "clips")
    assert (status, err) == (0, []) and out.startswith("clips: 1 clips") and "cannot be used (5):" in out and "f.txt has no clip" in out
    assert t2v("data", "clips", "--strict")[0] == 2
    status, out, err = t2v("data", "clips", "--images")
    assert (status, err) == (0, []) and out.startswith("clips: 5 clips") and "cannot be used (1):" in out
    (tmp_path / "clips" / "f.txt").unlink()
    assert t2v("data", "clips", "--images", "--strict")[0] == 0


def test_fit(t2v, tmp_path):
    write_video(Clip(np.random.default_rng(0).integers(0, 256, (4, 18, 32, 3), dtype=np.uint8)), tmp_path / "a.gif")
    (tmp_path / "a.txt").write_text("wide")
    for fit, words in (("crop", "cuts off 44%"), ("pad", "44% of a frame black"), ("stretch", "44% shorter")):
        assert words in facts(t2v("data", ".", "--fit", fit)[1])["fit"]
    status, out, err = t2v("data", ".", "--fit", "squash")
    assert (status, out, len(err)) == (2, "", 1) and "crop, pad, stretch" in err[0]


def test_an_array_says_what_its_clips_are_called(t2v, tmp_path):
    np.save(tmp_path / "mnist_test_seq.npy", np.zeros((20, 5, 64, 64), np.uint8))
    status, out, err = t2v("data", "mnist_test_seq.npy")
    assert (status, err) == (0, []) and out.startswith("mnist_test_seq.npy: 5 clips") and "mnist_test_seq.txt" in facts(out)["captions"]


def test_an_unknown_list_is_answered_with_its_keys(t2v, tmp_path):
    put(tmp_path, "a.gif")
    (tmp_path / "list.json").write_text(json.dumps([{"film_no": 1, "words": "a cat"}]))
    status, out, err = t2v("data", "list.json")
    assert (status, out, len(err)) == (2, "", 1) and all(part in err[0] for part in ("film_no", "words", "video_id", "caption", "--column"))


def test_full_and_strict_stop_at_a_part(t2v, tmp_path):
    "A file that is cut after its first frames"
    put(tmp_path, "clips/a.gif", "clips/b.gif")
    for name in "ab": (tmp_path / "clips" / f"{name}.txt").write_text(name)
    file = tmp_path / "clips" / "b.gif"
    file.write_bytes(file.read_bytes()[:-len(file.read_bytes()) // 3])
    status, out, err = t2v("data", "clips", "--full")
    assert (status, err) == (0, []) and out.startswith("clips: 2 clips") and "b.gif" in out.partition("used in part (1):\n")[2]
    status, strict, err = t2v("data", "clips", "--full", "--strict")
    assert (status, strict, len(err)) == (2, out, 1) and "1 can be used only in part" in err[0]


def test_clips_set_aside_are_asked_for(t2v, tmp_path):
    put(tmp_path, "clips/test/a.gif")
    (tmp_path / "clips" / "test" / "a.txt").write_text("a cat")
    status, out, err = t2v("data", "clips")
    assert (status, out, len(err)) == (2, "", 1) and "--split test" in err[0]
    assert t2v("data", "clips", "--split", "test")[0] == t2v("data", "clips/test")[0] == 0


def test_digits_of_every_split(t2v):
    for split, n in (("training", "1,347"), ("test", "450"), ("all", "1,797")): assert n in t2v("data", "digits", "--split", split)[1]


def test_full(t2v, tmp_path, monkeypatch):
    "A file that only breaks when it is decoded"
    from t2v_learn.core import InputError
    from t2v_learn.video import datasets
    put(tmp_path, "clips/a.gif", "clips/b.gif")
    for name in "ab": (tmp_path / "clips" / f"{name}.txt").write_text(name)
    def breaks(path, *how, call=datasets.read_video):
        if path.stem == "b": raise InputError(f"{path} cannot be used, its pictures cannot be decoded: make or fetch it again.")
        return call(path, *how)
    monkeypatch.setattr(datasets, "read_video", breaks)
    assert t2v("data", "clips")[1].startswith("clips: 2 clips")
    out = t2v("data", "clips", "--full")[1]
    assert out.startswith("clips: 1 clips") and "b.gif cannot be used" in out
