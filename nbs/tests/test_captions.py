"Captions as people keep them: every usual layout is read, and whatever is left out is named"
import csv
import json
import os
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from rerun import root
from refusals import sentence

from t2v_learn.core import InputError
from t2v_learn.video import datasets as module
from t2v_learn.video.clips import FITS, Clip
from t2v_learn.video.containers import write_video
from t2v_learn.video.datasets import LAYOUTS, ArrayClips, SequenceData, find_clips, open_data, open_sequence, survey

GOOD = (root / "data" / "samples" / "00-white-triangle-right.gif").read_bytes()


def put(folder, *names, text=None):
    "Clips, the same for each; with a text beside them, if one is given"
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(GOOD)
        if text is not None: file.with_suffix(".txt").write_text(text, encoding="utf-8")


def write(file, content):
    "A list: text as it is, anything else as JSON"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return file


def said(source, **options):
    "What is said of each clip, by its name without the ending, as a list; all of it without a problem"
    clips, captions, problems, _ = find_clips(source, **options)
    assert not problems, problems
    return {clip.stem: [text] if isinstance(text, str) else text for clip, text in zip(clips, captions)}


def named(problems, *names):
    "Whether each name is in exactly one of the problems, and there are no others"
    return len(problems) == len(names) and all(sum(name in problem for problem in problems) == 1 for name in names)


# --- names

@pytest.mark.parametrize("of_clip, of_text", [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC"), ("NFD", "NFD")])
def test_accents_may_be_written_either_way(tmp_path, of_clip, of_text):
    "One character, or a letter and its accent; beside the clip, in a list, and in a folder's name"
    name = "ünïcödé/café"
    put(tmp_path, unicodedata.normalize(of_clip, name) + ".gif")
    (tmp_path / unicodedata.normalize(of_clip, "ünïcödé") / (unicodedata.normalize(of_text, "café") + ".txt")).write_text("beside")
    assert list(said(tmp_path).values()) == [["beside"]]
    write(tmp_path / "list.json", [{"video": unicodedata.normalize(of_text, name), "caption": "listed"}])
    assert list(said(tmp_path / "list.json").values()) == [["listed"]]


@pytest.mark.parametrize("clip", ["a.GIF", "a.gif", "a.GiF"])
@pytest.mark.parametrize("text", ["a.txt", "a.TXT"])
def test_the_case_of_endings_does_not_matter(tmp_path, clip, text):
    put(tmp_path, clip)
    (tmp_path / text).write_text("a cat")
    assert said(tmp_path) == {"a": ["a cat"]}
    write(tmp_path / "list.csv", "video,caption\na.gif,listed\n")
    assert said(tmp_path / "list.csv") == {"a": ["listed"]}


def test_an_exact_name_goes_before_one_that_is_alike(tmp_path):
    put(tmp_path, "a.gif", "sub/a.gif", "b/x.gif", "c/x.gif")
    (tmp_path / "a.txt").write_text("exact")
    (tmp_path / "a.TXT").write_text("alike")
    (tmp_path / "sub/a.TXT").write_text("only one")
    clips, captions, problems, _ = find_clips(tmp_path)
    assert captions == ["exact", "only one"] and named(problems, "a.TXT", "b/x.gif", "c/x.gif")
    write(tmp_path / "list.json", {"a.gif": "above", "sub/a": "below", "c/x.gif": "third"})
    clips, captions, problems, facts = find_clips(tmp_path / "list.json")
    assert [clip.relative_to(tmp_path).as_posix() for clip in clips] == ["a.gif", "sub/a.gif", "c/x.gif"] and not problems
    assert named(facts["not listed"], "b/x.gif")


def test_a_name_with_two_clips_is_named(tmp_path):
    put(tmp_path, "a/x.gif", "b/x.gif", "y.gif")
    write(tmp_path / "list.json", {"x": "a cat", "y": "a dog"})
    clips, _, problems, _ = find_clips(tmp_path / "list.json")
    assert [clip.stem for clip in clips] == ["y"] and len(problems) == 1 and "may be" in problems[0]


def test_names_with_odd_characters(tmp_path):
    names = ["a.b.c", "with space", "-dash", "100%03d", "glob[1]", "quote'", "semi;colon&amp", "视频", "x.mp4"]
    put(tmp_path, *(f"{name}.gif" for name in names), text="a cat")
    assert said(tmp_path) == {name: ["a cat"] for name in names}
    for ending in (".gif", ""):
        write(tmp_path / "list.json", {name + ending: name for name in names})
        assert said(tmp_path / "list.json") == {name: [name] for name in names}


def test_a_list_may_name_the_film_before_it_was_converted(tmp_path):
    put(tmp_path, "videos/v_Archery_g01.gif", "videos/b.gif")
    write(tmp_path / "list.json", {"Archery/v_Archery_g01.avi": "archery", "/".join("abcdefg") + "/b.mp4": "b"})
    assert said(tmp_path / "list.json") == {"v_Archery_g01": ["archery"], "b": ["b"]}


def test_names_may_lead_up_to_where_the_clips_are(tmp_path):
    "By `..` or from the root, but to nowhere else"
    home = tmp_path / "msrvtt"
    put(home, "videos/all/a.gif", "videos/all/b.gif", "videos/all/c.gif")
    put(tmp_path, "secret.gif")
    names = ["../videos/all/a.gif", str(home.absolute() / "videos/all/b.gif"), "./videos/all/c.gif"]
    names += ["../../secret.gif", str(tmp_path / "secret.gif")]
    file = write(home / "annotation" / "list.json", [{"path": name, "text": name[-5]} for name in names])
    for source in (home, file):
        clips, captions, problems, _ = find_clips(source)
        assert captions == ["a", "b", "c"] and len(problems) == 2 and all("leads out" in problem for problem in problems)


# --- nothing is just missing

def test_pictures_are_named_or_used(tmp_path):
    "A still picture is a clip of one frame where that is wanted; moving pictures of the same kinds always are"
    put(tmp_path, "a.gif", text="a clip")
    for name in ("b.jpg", "c.jpeg", "d.png", "e.webp", "f.bmp"):
        Image.new("RGB", (8, 8), "red").save(tmp_path / name)
        (tmp_path / name).with_suffix(".txt").write_text(name)
    frames = [Image.fromarray(np.full((8, 8, 3), 60 * i, np.uint8)) for i in range(4)]
    frames[0].save(tmp_path / "g.webp", save_all=True, append_images=frames[1:], duration=100)
    write_video(Clip(np.stack([np.array(frame) for frame in frames])), tmp_path / "h.png")
    for name in "gh": (tmp_path / f"{name}.txt").write_text(name)
    (tmp_path / "i.txt").write_text("a caption whose clip was lost")
    clips, _, problems, _ = find_clips(tmp_path)
    assert "".join(clip.stem for clip in clips) == "agh"
    assert named(problems, "b.jpg", "c.jpeg", "d.png", "e.webp", "f.bmp", "i.txt")
    assert sum("--images" in problem for problem in problems) == 5
    clips, _, problems, _ = find_clips(tmp_path, images=True)
    assert "".join(clip.stem for clip in clips) == "abcdefgh" and named(problems, "i.txt")
    (tmp_path / "i.txt").unlink()
    video, captions = open_data(tmp_path, batch_size=8, images=True, strict=True)(0)
    assert video.shape == (8, 3, 8, 32, 32)
    still = captions.index("b.jpg")
    assert (video[still] == video[still][:, :1]).all()
    assert "still picture" in sentence(open_data, tmp_path, strict=True)


def test_everything_that_is_left_out_is_named(tmp_path):
    "Of files of all kinds, with and without captions, each is used, or a problem, or among what is not used"
    chosen = random.Random(0)
    kinds = [".gif", ".GIF", ".jpg", ".md", ".json", ".zip", ".mp3", ".npy", ".xyz", ""]
    for i in range(60):
        file = tmp_path / chosen.choice(["", "sub", "sub/deep"]) / f"{i:02d}{chosen.choice(kinds)}"
        write(file, "anything")
        if file.suffix.lower() == ".gif": file.write_bytes(GOOD)
        if chosen.random() < .5: write(file.with_suffix(".txt"), "a red circle")
    for name in ("README.txt", "LICENSE", "Thumbs.db"): write(tmp_path / name, "not a clip")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    clips, captions, problems, facts = find_clips(tmp_path)
    assert len(clips) > 2 and len(problems) == len(set(problems))
    texts = {clip.with_suffix(".txt") for clip in clips}
    for file in set(files) - set(clips) - texts:
        beside = str(file.with_suffix("")) + "." if file.suffix == ".txt" else f"{file} "      # a caption is named, or what it is beside
        sidecar = file.with_suffix(".txt") in texts
        assert any(beside in f"{problem} " for problem in problems) or file.name in facts["not used"] or sidecar, file
    counted = [file for file in files if file not in clips and file.suffix != ".txt" and file.with_suffix(".txt") in texts]
    assert all(f"{file.suffix.lower()} beside a clip" in facts["not used"] for file in counted)


def test_what_is_called_like_a_clip_is_no_problem(tmp_path):
    "Sound, subtitles, and the JSON that a downloader leaves for each clip"
    put(tmp_path, "a.gif", "b.gif", text="a cat")
    for name in ("a.wav", "a.srt", "a.json", "b.json"): write(tmp_path / name, "{}")
    not_used = ".json beside a clip (2), .srt beside a clip (1), .wav beside a clip (1)"
    assert find_clips(tmp_path)[2:] == ([], {"layout": "clips with .txt", "not used": not_used})
    open_data(tmp_path, strict=True)


def test_around_a_list_only_clips_are_looked_at(tmp_path):
    "It may lie among downloads of all kinds; but what it calls a clip and is none is named"
    put(tmp_path, "a.gif", "b.gif")
    for name in ("book.pdf", "setup.exe", "song.mp3", "c.xyz", "notes.txt"): write(tmp_path / name, "no clip")
    write(tmp_path / "list.json", {"a": "a cat", "c": "a dog"})
    clips, _, problems, facts = find_clips(tmp_path / "list.json")
    assert [clip.stem for clip in clips] == ["a"] and named(problems, "c.xyz") and "setup.exe" in facts["not used"]
    assert named(facts["not listed"], "b.gif")


def test_a_list_may_be_of_some_of_the_clips(tmp_path):
    "Those that it does not name are named and counted, pictures too, and nothing stops because of them"
    put(tmp_path, "a.gif", "b.gif", "sub/c.gif", "d.gif")
    Image.new("RGB", (8, 8)).save(tmp_path / "cover.jpg")
    for name, content in (("list.json", {"a": "a cat"}), ("list.csv", "video,caption\na,a cat\n"), ("videos.txt", "a.gif\n")):
        file = write(tmp_path / name, content)
        if name == "videos.txt": write(tmp_path / "prompts.txt", "a cat\n")
        for source in (tmp_path, file):
            found = survey(source)
            assert found.usable == 1 and not found.problems and named(found.not_listed, "b.gif", "c.gif", "d.gif", "cover.jpg")
            assert "not listed (4):" in str(found) and "cannot be used" not in str(found)
            found.check(strict=True)
            assert len(open_data(source, batch_size=1, strict=True).skipped) == 0
        file.unlink()


@pytest.mark.parametrize("name", ["thumbs up", "desktop-1", "license plate", "README", "readme", "copying a key", "changelog"])
def test_a_clip_may_be_called_like_a_note(tmp_path, name):
    "And its caption, beside it or in a folder of its own"
    put(tmp_path, f"beside/{name}.gif", "beside/a.gif", text="a cat")
    assert said(tmp_path / "beside") == {name: ["a cat"], "a": ["a cat"]}
    put(tmp_path, f"apart/videos/{name}.gif")
    write(tmp_path / "apart" / "captions" / f"{name}.txt", "a cat")
    assert said(tmp_path / "apart") == {name: ["a cat"]}
    put(tmp_path, f"mute/{name}.gif")
    assert named(find_clips(tmp_path / "mute")[2], f"{name}.gif")


@pytest.mark.parametrize("name", "Thumbs.db desktop.ini README README.txt readme_en.txt LICENSE-MIT.txt a.sha256 LICENCE".split())
def test_notes_are_no_data(tmp_path, name):
    put(tmp_path, "a.gif", text="a cat")
    write(tmp_path / name, "about these clips")
    assert find_clips(tmp_path)[2:] == ([], {"layout": "clips with .txt", "not used": name})


def test_a_folder_without_any_caption_names_each_clip(tmp_path):
    put(tmp_path, "a.gif", "holiday/b.gif")
    _, _, problems, facts = find_clips(tmp_path)
    assert named(problems, "a.gif", "b.gif") and "a.txt" in problems[0] and facts["layout"] == "clips without captions"
    assert "None of the 2" in sentence(open_data, tmp_path)


# --- splits

def test_folders_called_train_and_test_are_splits(tmp_path):
    for split in ("train", "Validation", "test"): put(tmp_path, f"{split}/{split[0]}.gif", text=split)
    put(tmp_path, "both.gif", text="both")
    assert said(tmp_path) == {"t": ["train"], "both": ["both"]}
    assert said(tmp_path, split="val") == {"V": ["Validation"], "both": ["both"]}
    assert set(said(tmp_path, split="all")) == {"t", "V", "both"} and len(find_clips(tmp_path, split="all")[0]) == 4
    assert find_clips(tmp_path)[3]["split"] == "train, left out: val (1), test (1)"
    assert "choose test, train, val or all" in sentence(find_clips, tmp_path, split="tets")


@pytest.mark.parametrize("folder", ["test", "Val", "validation", "dev", "testing"])
def test_what_was_set_aside_is_not_trained_on(tmp_path, folder):
    "Whether there is a split for training or just the other clips"
    put(tmp_path, "a.gif", "more/b.gif", text="a cat")
    put(tmp_path, f"{folder}/c.gif", f"{folder}/d.gif", text="set aside")
    assert said(tmp_path) == {"a": ["a cat"], "b": ["a cat"]}
    assert "left out: " in find_clips(tmp_path)[3]["split"] and "(2)" in find_clips(tmp_path)[3]["split"]
    assert set(said(tmp_path, split=folder)) == {"a", "b", "c", "d"} == set(said(tmp_path, split="all"))
    write(tmp_path / "list.json", [{"video": name, "caption": name, "split": split} for name, split in zip("abc", ("", "odd", folder))])
    assert said(tmp_path / "list.json") == {"a": ["a"], "b": ["b"]}


@pytest.mark.parametrize("folder", ["test", "val"])
def test_if_all_is_set_aside_a_sentence_says_so(tmp_path, folder):
    "Until somebody asks for the split, or names what it lies in"
    put(tmp_path, f"set/{folder}/a.gif", f"set/{folder}/b.gif", text="a cat")
    put(tmp_path, "lists/a.gif")
    write(tmp_path / "lists" / f"{folder}.json", [{"video": "a", "caption": "a cat"}])
    put(tmp_path, "stated/a.gif")
    write(tmp_path / "stated" / "list.json", [{"video": "a", "caption": "a cat", "split": folder}])
    for name in ("set", "lists", "stated"):
        text = sentence(open_data, tmp_path / name)
        assert "set aside" in text and f"--split {folder}" in text and name in text
        assert "a" in said(tmp_path / name, split=folder) and "a" in said(tmp_path / name, split="all")
    assert len(said(tmp_path / "set" / folder)) == 2
    assert said(tmp_path / "lists" / f"{folder}.json") == {"a": ["a cat"]}
    assert "set aside" in sentence(open_data, tmp_path / "stated" / "list.json")


def test_without_splits_there_is_none_to_ask_for(tmp_path):
    put(tmp_path / "plain", "a.gif", text="a cat")
    assert "says nothing about splits" in sentence(find_clips, tmp_path / "plain", split="train")


def test_lists_of_several_splits_are_one_set(tmp_path):
    "As files called by their split, and as folders that are"
    for split in ("train", "test", "validation"):
        put(tmp_path, f"flat/videos/{split}1.gif", f"hub/{split}/1.gif")
        write(tmp_path / f"flat/msrvtt_{split}.json", [{"video": f"{split}1", "caption": split}])
        write(tmp_path / f"hub/{split}/metadata.csv", f"file_name,text\n1.gif,{split}\n")
    for folder in ("flat", "hub"):
        assert list(said(tmp_path / folder).values()) == [["train"]]
        assert list(said(tmp_path / folder, split="dev").values()) == [["validation"]]
        clips, captions, problems, facts = find_clips(tmp_path / folder, split="all")
        assert sorted(captions) == ["test", "train", "validation"] and not problems and facts["list"].count(",") == 3
    assert said(tmp_path / "hub" / "test" / "metadata.csv") == {"1": ["test"]}


def test_clips_are_counted_and_not_their_captions(tmp_path):
    "What is left out, in one list and in several"
    put(tmp_path, *(f"{set_}/video{i}.gif" for set_ in ("one", "two") for i in range(6)))
    said = {f"video{i}": [f"{i} {n}" for n in range(20)] for i in range(6)}
    splits = dict(zip(said, ("train", "train", "test", "test", "test", "val")))
    rows = [{"video": name, "caption": text, "split": splits[name]} for name, texts in said.items() for text in texts]
    write(tmp_path / "one" / "list.json", rows)
    for split in set(splits.values()): write(tmp_path / "two" / f"{split}.json", [row for row in rows if row["split"] == split])
    for set_ in ("one", "two"):
        text = find_clips(tmp_path / set_)[3]["split"]
        assert text.startswith("train, left out: ") and "test (3)" in text and "val (1)" in text


def test_a_clip_that_is_missing_is_named_once(tmp_path):
    "However many captions it has, in one list and in several"
    put(tmp_path, "a.gif", "b.gif")
    for split, name in (("train", "a"), ("val", "b")):
        write(tmp_path / f"{split}.json", [{"video": video, "caption": text} for video in (name, f"lost {name}") for text in "xyz"])
        assert named(find_clips(tmp_path, split=split)[2], f"lost {name}")
    assert named(find_clips(tmp_path, split="all")[2], "lost a", "lost b")


# --- MSR-VTT and other JSON

def msrvtt(n=3):
    "As it is published: two lists, ids of clips as texts, ids of sentences as numbers"
    videos = [dict(category=9, url="https://example.com", video_id=f"video{i}", split=split, id=i, **{"start time": 1.0, "end time": 9.0})
              for i, split in zip(range(n), ("train", "validate", "test"))]
    return dict(info={}, videos=videos, sentences=[dict(caption=f"caption {i}", video_id=f"video{i}", sen_id=i) for i in range(n)])


@pytest.mark.parametrize("places", ["videos/all", "TrainValVideo", "."])
def test_msrvtt_as_people_unpack_it(tmp_path, places):
    "By its folder, by the folder of its lists, and by the list"
    home = tmp_path / "msrvtt"
    put(home, *(f"{places}/video{i}.gif" for i in range(3)))
    file = write(home / ("videodatainfo.json" if places == "." else "annotation/train_val_videodatainfo.json"), msrvtt())
    write(file.with_name("MSR_VTT.json"), dict(images=[], annotations=[]))
    for source in (home, file.parent, file):
        assert said(source) == {"video0": ["caption 0"]}
        for name in ("validate", "val", "validation"): assert said(source, split=name) == {"video1": ["caption 1"]}
        assert len(said(source, split="all")) == 3
        assert find_clips(source)[3]["split"] == "train, left out: val (1), test (1)"
    assert said(file, videos=home / places) == {"video0": ["caption 0"]}
    open_data(home, batch_size=2, strict=True)


def test_the_clips_may_lie_anywhere(tmp_path):
    put(tmp_path, "far/away/video0.gif", "far/away/video1.gif", "near/video0.gif", "near/video9.gif")
    write(tmp_path / "near" / "list.json", {"video0": "a cat", "video1": "a dog"})
    clips, *_ = find_clips(tmp_path / "near", videos=tmp_path / "far")
    assert [clip.parent.name for clip in clips] == ["away", "away"]
    assert "no folder" in sentence(find_clips, tmp_path / "near", videos=tmp_path / "fra")


def test_twenty_captions_a_clip(tmp_path):
    put(tmp_path, "video0.gif", "video1.gif")
    content = dict(videos=[dict(video_id=f"video{i}", split="train") for i in range(2)],
                   sentences=[dict(video_id=f"video{i}", caption=f"{i} {n}") for n in range(20) for i in range(2)])
    write(tmp_path / "train.json", content)
    assert said(tmp_path) == {f"video{i}": [f"{i} {n}" for n in range(20)] for i in range(2)}
    assert sorted(open_data(tmp_path).captions()) == sorted(f"{i} {n}" for n in range(20) for i in range(2))


ENTRY = {"video": "video0.gif", "caption": "a cat"}
SHAPES = {
    "a list": [ENTRY, {"video": "video1.gif", "caption": ["a dog", "a pet"]}],
    "a caption an entry": [ENTRY, {"video": "video1.gif", "caption": "a dog"}, {"video": "video1.gif", "caption": "a pet"}],
    "pairs": [["video0.gif", "a cat"], ["video1.gif", ["a dog", "a pet"]]],
    "a list in an object": {"version": 2, "info": {"year": 2016}, "data": [ENTRY, {"video": "video1", "caption": ["a dog", "a pet"]}]},
    "a list a split": {"train": [ENTRY, {"video": "video1", "caption": ["a dog", "a pet"]}], "val": [], "test": []},
    "COCO": {"images": [{"id": 7, "file_name": "video0.gif", "license": 1}, {"id": 1, "file_name": "video1.gif", "license": 7}],
             "annotations": [{"id": 7, "image_id": 1, "caption": "a dog"}, {"id": 1, "image_id": 1, "caption": "a pet"},
                             {"id": 3, "image_id": 7, "caption": "a cat"}]},
    "COCO with names as ids": {"images": [{"id": "video0"}, {"id": "video1"}], "annotations": [
        {"image_id": f"video{i}", "caption": text, "id": n} for n, (i, text) in enumerate([(0, "a cat"), (1, "a dog"), (1, "a pet")])]},
    "a map": {"video0": "a cat", "video1.gif": ["a dog", "a pet"]},
    "a map to objects": {"video0": {"caption": "a cat", "fps": 25}, "video1": {"captions": ["a dog", "a pet"]}},
    "a map to lists of objects": {"video0": [{"caption": "a cat"}], "video1": [{"caption": "a dog"}, {"caption": "a pet"}]},
    "a map in an object": {"database": {"video0": {"sentences": ["a cat"]}, "video1": {"sentences": ["a dog", "a pet"]}}},
    "a map a split": {"train": {"video0": "a cat", "video1": ["a dog", "a pet"]}, "val": {"video7": "not for training"}},
    "a map of numbers to objects": {"0": ENTRY, "1": {"video": "video1", "caption": "a dog"}, "2": {"video": "video1", "caption": "a pet"}},
    "maps in parts": {"part 1": {"video0": "a cat"}, "part 2": {"video1": ["a dog", "a pet"]}},
    "rows": [["video0.gif", "a cat"], ["video1.gif", "a dog", "a pet"]],
    "columns": {"video": ["video0", "video1", "video1"], "caption": ["a cat", "a dog", "a pet"]},
    "columns by number": {"video": {"0": "video0", "1": "video1", "2": "video1"}, "caption": {"0": "a cat", "1": "a dog", "2": "a pet"}},
    "sentences of tokens": [{"filename": "video0.gif", "sentences": [{"tokens": ["a", "cat"], "raw": "a cat"}]},
                            {"filename": "video1.gif", "sentences": [{"raw": "a dog"}, {"raw": "a pet"}]}],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_json_of_any_usual_shape(tmp_path, shape):
    put(tmp_path, "videos/video0.gif", "videos/video1.gif")
    file = write(tmp_path / "list.json", SHAPES[shape])
    for source in (tmp_path, file): assert said(source) == {"video0": ["a cat"], "video1": ["a dog", "a pet"]}


@pytest.mark.parametrize("name", ["list.jsonl", "list.ndjson", "list.json", "metadata.jsonl"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_json_lines_whatever_the_ending_says(tmp_path, name, mark):
    put(tmp_path, "video0.gif", "video1.gif")
    lines = [json.dumps(ENTRY), "", json.dumps({"file_name": "video1.gif", "text": "a dog"})]
    file = write(tmp_path / name, mark + "\r\n".join(lines) + "\n")
    for source in (tmp_path, file): assert said(source) == {"video0": ["a cat"], "video1": ["a dog"]}
    write(file, [ENTRY, {"video": "video1", "caption": "a dog"}])
    assert said(file) == {"video0": ["a cat"], "video1": ["a dog"]}


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_list_may_be_a_link_where_it_was_pointed_at(tmp_path):
    "Whoever names it knows it; one that merely lies in a folder leads nowhere"
    put(tmp_path / "set", "video0.gif")
    write(tmp_path / "list.json", [ENTRY])
    (tmp_path / "set" / "list.json").symlink_to(tmp_path / "list.json")
    assert said(tmp_path / "set" / "list.json") == {"video0": ["a cat"]}
    assert "leads out" in sentence(find_clips, tmp_path / "set")


def test_a_bad_line_is_named_and_the_others_are_used(tmp_path):
    put(tmp_path, "video0.gif", "video1.gif")
    file = write(tmp_path / "list.jsonl", json.dumps(ENTRY) + '\n{"video": "video1", "cap\n')
    clips, _, problems, _ = find_clips(file)
    assert [clip.stem for clip in clips] == ["video0"] and named(problems, "Line 2")


@pytest.mark.parametrize("video", "video path file_name filename file video_path videoid videoID video_id image_id clip id name".split())
def test_keys_that_people_use(tmp_path, video):
    put(tmp_path, "video0.gif")
    for text in "caption captions text sentence sentences cap prompt description Caption enCap".split():
        write(tmp_path / "list.json", [{"fps": 25, text: "a cat", "num_frames": 8, video: "video0"}])
        assert said(tmp_path) == {"video0": ["a cat"]}, text


UNKNOWN = {"list": [{"film_no": 3, "words": "a cat"}], "object": {"items": [{"film_no": 3, "words": "a cat"}]},
           "names": {"film_no": 3, "words": "a cat"},
           "lines": '{"film_no": 3, "words": "a cat"}\n{"film_no": 4, "words": "a dog"}'}


@pytest.mark.parametrize("shape", UNKNOWN)
def test_an_unknown_shape_is_answered_with_the_keys(tmp_path, shape):
    "Those that were found, and those that would be understood; for the file and for its folder"
    put(tmp_path, "video0.gif")
    file = write(tmp_path / "list.json", UNKNOWN[shape])
    for source in (tmp_path, file):
        text = sentence(find_clips, source)
        for part in ("list.json", "film_no", "words", "video_id", "caption", "--column"): assert part in text, text


def test_a_column_can_be_named(tmp_path):
    put(tmp_path, "video0.gif")
    file = write(tmp_path / "list.json", [{"video": "video0", "caption": "short", "Long Caption": "a long one", "words": "other"}])
    assert said(file) == {"video0": ["short"]}
    assert said(file, column="long_caption") == {"video0": ["a long one"]} and said(file, column="words") == {"video0": ["other"]}
    text = sentence(find_clips, file, column="wrods")
    assert "wrods" in text and "words" in text and "Long Caption" in text
    put(tmp_path / "beside", "a.gif", text="a cat")
    assert "no columns" in sentence(find_clips, tmp_path / "beside", column="words")


@pytest.mark.parametrize("key", ["split", "Subset", "partition"])
def test_entries_may_state_their_split(tmp_path, key):
    put(tmp_path, *(f"video{i}.gif" for i in range(4)))
    rows = [{"video": f"video{i}", "caption": str(i), key: part} for i, part in enumerate(("training", "validation", "TEST", ["odd"]))]
    file = write(tmp_path / "list.json", rows)
    assert said(file) == {"video0": ["0"]} and said(file, split="test") == {"video2": ["2"]} and len(said(file, split="all")) == 4


# --- tables

def test_webvid(tmp_path):
    "Its captions stand under `name`, the names under `videoid`, the folders under `page_dir`"
    put(tmp_path, "videos/1023.gif", "videos/000001_000050/1024.gif")
    lines = ["videoid,contentUrl,duration,page_dir,name", "1023,http://x/1023.mp4,PT00H00M08S,000001_000050,A red square moves",
             '1024,http://x/1024.mp4,PT00H00M08S,000001_000050,"A square, red, moves"', ""]
    file = write(tmp_path / "results_2M_train.csv", "\n".join(lines))
    for options in (dict(source=tmp_path), dict(source=file), dict(source=file, videos=tmp_path / "videos")):
        assert said(**options) == {"1023": ["A red square moves"], "1024": ["A square, red, moves"]}
    assert find_clips(file)[3]["list"] == "results_2M_train.csv (clip: videoid, caption: name)"


def test_a_table_may_begin_with_empty_lines_and_has_no_endless_fields(tmp_path):
    put(tmp_path, "a.gif", "b.gif")
    file = write(tmp_path / "list.csv", "\n  \n\nvideo,caption\na.gif,a cat\nb.gif,a dog\nb.gif,one,too many\n")
    found, captions, problems, _ = find_clips(file)
    assert captions == ["a cat", "a dog"] and "Line 7 of" in problems[0]
    file = write(tmp_path / "list.csv", f"video,caption\na.gif,{'x' * 200_000}\n")
    assert "shorten it" in sentence(find_clips, file)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["metadata.csv", "list.tsv"])
def test_tables(tmp_path, delimiter, name):
    "With any separator, Windows' line ends, a mark at the start, line breaks in quotes"
    put(tmp_path, "a.gif", "sub/b.gif")
    with open(tmp_path / name, "w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file, delimiter=delimiter)
        table.writerows([["file_name", "text", "fps"], ["a.gif", "ein Kreis, groß; rot", 8], ["sub/b.gif", 'the "second"\nclip', 8]])
    for source in (tmp_path, tmp_path / name): assert said(source) == {"a": ["ein Kreis, groß; rot"], "b": ['the "second" clip']}


def test_lines_of_a_table_that_are_wrong_are_named(tmp_path):
    "Above all a caption with commas and no quotes: it must not be cut at the first"
    put(tmp_path, "a.gif", "b.gif", "c.gif", "d.gif")
    file = write(tmp_path / "list.csv", "video,caption\na.gif,a cat\nb.gif,a square, red, moves\nc.gif\nd.gif,\n,a dog\n")
    clips, captions, problems, facts = find_clips(file)
    assert captions == ["a cat"] and named(problems, "Line 3", "of c.gif", "of d.gif", "without the name")
    assert named(facts["not listed"], "b.gif")
    write(file, 'video,caption\na.gif,a cat\nb.gif,"a" dog\n')
    assert "after line 2" in sentence(find_clips, file)
    for content in (b"video,caption\na.gif,gr\xfcn\n", b'video,caption\na.gif,"open\n', b"", b"video,caption\n"):
        file.write_bytes(content)
        assert "list.csv" in sentence(find_clips, file)


@pytest.mark.parametrize("head, before", [(",file_name,text", "{},"), ("file_name,,text", None), (",,file_name,text", "{},{},")])
def test_columns_without_a_name_are_passed_over(tmp_path, head, before):
    "As pandas writes its index"
    put(tmp_path, "a.gif", "b.gif")
    start = [(before or "").replace("{}", str(i)) for i in range(2)]
    rows = [f"{start[0]}a.gif,a cat", f'{start[1]}b.gif,"a dog, red"'] if before else ["a.gif,0,a cat", 'b.gif,1,"a dog, red"']
    file = write(tmp_path / "list.csv", "\n".join([head, *rows]) + "\n")
    for source in (tmp_path, file): assert said(source) == {"a": ["a cat"], "b": ["a dog, red"]}
    write(file, "\n".join([head, *rows, f"{start[0]}a.gif,0,too,many,fields"]) + "\n")
    assert named(find_clips(file)[2], "Line 4")


@pytest.mark.parametrize("content", ["video0.gif,a red circle\n", "video0.gif,a red circle\nvideo1.gif,a cat\n",
                                     "video0.gif,a red circle\nvideo1.gif,a cat, asleep\n",
                                     "0,video0.gif,a red circle\n1,video1.gif,a, b\n"])
@pytest.mark.parametrize("name, tab", [("list.csv", ","), ("list.tsv", "\t")])
def test_a_table_without_a_header_is_answered_with_its_columns(tmp_path, content, name, tab):
    put(tmp_path, "video0.gif", "video1.gif")
    file = write(tmp_path / name, content.replace(",", tab))
    for source in (tmp_path, file):
        text = sentence(find_clips, source)
        for part in (name, "columns", "first line", "video0.gif", "a red circle", "file_name", "--column"): assert part in text, text


def test_a_table_of_which_every_line_is_bad(tmp_path):
    "The first of them says why"
    put(tmp_path, "a.gif")
    file = write(tmp_path / "list.csv", "video,caption\na.gif,a cat, asleep\na.gif,a cat, awake\n")
    assert "Line 2" in sentence(find_clips, file) and "quotes" in sentence(find_clips, file)


# --- lines, folders of texts, classes

@pytest.mark.parametrize("prompts, videos", [("prompts.txt", "videos.txt"), ("prompt.txt", "videos.txt"), ("captions.txt", "video.txt")])
def test_prompts_beside_videos(tmp_path, prompts, videos):
    put(tmp_path, "videos/1.gif", "videos/2.gif")
    write(tmp_path / videos, "videos/1.gif\r\nvideos/2.gif\r\n\r\n")
    write(tmp_path / prompts, "\ufeffa red square moves\na square, red\n")
    for source in (tmp_path, tmp_path / prompts, tmp_path / videos):
        assert said(source) == {"1": ["a red square moves"], "2": ["a square, red"]}
    write(tmp_path / prompts, "one line too few")
    text = sentence(find_clips, tmp_path)
    assert prompts in text and "1 lines" in text and "has 2" in text
    write(tmp_path / prompts, "\nthe first is empty\n")
    clips, _, problems, _ = find_clips(tmp_path)
    assert [clip.stem for clip in clips] == ["2"] and named(problems, "1.gif")


def test_texts_in_a_folder_of_their_own(tmp_path):
    put(tmp_path, "videos/a.gif", "videos/sub/b.gif")
    for name in ("a", "sub/b"): write(tmp_path / "captions" / f"{name}.txt", f"caption {name[-1]}")
    assert said(tmp_path) == said(tmp_path / "captions", videos=tmp_path / "videos") == {"a": ["caption a"], "b": ["caption b"]}
    write(tmp_path / "captions" / "lost.txt", "no clip")
    put(tmp_path, "videos/mute.gif")
    assert named(find_clips(tmp_path)[2], "lost.txt", "mute.gif")


@pytest.mark.parametrize("folder, words", [("ApplyEyeMakeup", "apply eye makeup"), ("apply_eye_makeup", "apply eye makeup"),
                                           ("playing guitar", "playing guitar"), ("TVShow", "tv show"),
                                           ("Archery", "archery"), ("打球", "打球"), ("Jump3Times", "jump3 times")])
def test_names_of_folders_as_words(tmp_path, folder, words):
    put(tmp_path, f"{folder}/v_1.gif", "Other/v_2.gif")
    assert said(tmp_path) == {"v_1": [words], "v_2": ["other"]}


def test_classes_with_splits_and_alone(tmp_path):
    for split in ("train", "test"): put(tmp_path, f"ucf/{split}/Archery/{split}1.gif", f"ucf/{split}/TaiChi/{split}2.gif")
    assert said(tmp_path / "ucf") == {"train1": ["archery"], "train2": ["tai chi"]}
    assert said(tmp_path / "ucf", split="test") == {"test1": ["archery"], "test2": ["tai chi"]}
    put(tmp_path, "one/Archery/v_Archery_g01_c01.gif", "films/holiday/a.gif", "plain/videos/a.gif", "plain/clips/b.gif")
    assert said(tmp_path / "one") == {"v_Archery_g01_c01": ["archery"]}
    for folder in ("films", "plain"): assert "no caption" in sentence(open_data, tmp_path / folder)       # their names say nothing


def test_a_layout_can_be_added(tmp_path, monkeypatch):
    put(tmp_path, "a_cat__1.gif", "a_dog__2.gif")
    def read(files): return module._Reading([(clip, clip.stem.split("__")[0].replace("_", " "), None) for clip in files.clips], [])
    monkeypatch.setitem(LAYOUTS, "captions in names", read)
    assert said(tmp_path) == {"a_cat__1": ["a cat"], "a_dog__2": ["a dog"]} and find_clips(tmp_path)[3]["layout"] == "captions in names"


# --- arrays

@pytest.mark.parametrize("shape, n, frames", [((20, 4, 64, 64), 4, 20), ((30, 20, 64, 64), 30, 20), ((20, 30, 32, 32), 30, 20),
                                              ((12, 40, 32, 32), 40, 12), ((40, 12, 32, 32, 1), 40, 12), ((5, 20, 16, 24, 3), 5, 20)])
def test_moving_mnist(tmp_path, shape, n, frames):
    "Frames first or clips first; what a clip is called without a caption is said"
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, shape, dtype=np.uint8)
    np.save(tmp_path / "mnist_test_seq.npy", array)
    for source in (tmp_path, tmp_path / "mnist_test_seq.npy"):
        sequence = open_sequence(source, n_frames=frames, size=shape[2])
        clip, text = sequence[2]
        assert len(sequence) == n and clip.shape == (frames, shape[2], shape[2], 3) and "digits" in text
        one = array[2] if shape[0] == n else array[:, 2]
        middle = (shape[3] - shape[2]) // 2
        assert (clip[..., 0] == one.reshape(frames, shape[2], shape[3], -1)[:, :, middle:middle + shape[2], 0]).all()
    out = str(survey(tmp_path))
    assert f"{n} clips can be used" in out and f"{n} of {frames} frames" in out and "'two moving handwritten digits'" in out
    data = open_data(tmp_path, batch_size=4)
    assert data(0)[0].shape == (4, 3, 8, 32, 32) and data.fps(8) is None and len(data.captions()) == n


LISTS = {"a.txt": "zero\none\ntwo\n", "captions.txt": "zero\none\ntwo", "a.json": ["zero", "one", "two"],
         "prompts.txt": "zero\r\none\r\ntwo\r\n",
         "a.jsonl": '{"text": "zero"}\n{"text": "one"}\n{"text": "two"}', "a.csv": "n,caption\n0,zero\n1,one\n2,two\n"}


@pytest.mark.parametrize("name", LISTS)
def test_captions_of_an_array(tmp_path, name):
    np.save(tmp_path / "a.npy", np.zeros((20, 3, 16, 16), np.uint8))
    write(tmp_path / name, LISTS[name])
    data = SequenceData(ArrayClips(tmp_path / "a.npy"), batch_size=3)
    assert data.captions() == ["zero", "one", "two"] and sorted(data(0)[1]) == ["one", "two", "zero"]
    assert name in str(survey(tmp_path))
    np.save(tmp_path / "a.npy", np.zeros((20, 4, 16, 16), np.uint8))
    assert name in sentence(open_data, tmp_path) and "4 clips" in sentence(open_data, tmp_path)


def test_arrays_that_are_no_clips_are_refused(tmp_path):
    file = tmp_path / "a.npy"
    for array, part in ((np.zeros((20, 4, 8, 8), np.float32), "float32"), (np.zeros((20, 8, 8), np.uint8), "shape"),
                        (np.zeros((20, 0, 8, 8), np.uint8), "shape"),
                        (np.zeros((20, 4, 8, 8, 2), np.uint8), "shape"), (np.array([{}], object), "no array")):
        np.save(file, array)
        assert part in sentence(open_data, file) and "a.npy" in sentence(open_data, file)
    np.save(file, np.zeros((20, 4, 8, 8), np.uint8))
    whole = file.read_bytes()
    for cut in (0, 5, 60, len(whole) - 1):
        file.write_bytes(whole[:cut])
        assert "a.npy" in sentence(open_data, file), cut


def test_arrays_of_splits(tmp_path):
    "The one that was asked for, or a sentence; never another one"
    for name, n in (("train", 3), ("test", 2)): np.save(tmp_path / f"{name}.npy", np.zeros((20, n, 8, 8), np.uint8))
    for split, n in ((None, 3), ("train", 3), ("Testing", 2)): assert len(open_sequence(tmp_path, split=split)) == n
    assert "2 arrays" in sentence(open_sequence, tmp_path, split="all") and "'val'" in sentence(open_sequence, tmp_path, split="val")
    (tmp_path / "train.npy").unlink()
    assert len(open_sequence(tmp_path)) == len(open_sequence(tmp_path, split="all")) == 2
    assert "'train'" in sentence(open_sequence, tmp_path, split="train")


# --- fitting, and what the survey says of it

def test_fit_is_handed_through(tmp_path):
    "A wide clip, white to the left and the right: cut off, kept, squeezed"
    frames = np.zeros((8, 16, 32, 3), np.uint8)
    frames[:, :, :4] = frames[:, :, -4:] = 255
    write_video(Clip(frames), tmp_path / "wide.gif")
    (tmp_path / "wide.txt").write_text("a gate")
    bright = {}
    for fit in FITS:
        video, _ = open_data(tmp_path, batch_size=1, size=16, fit=fit)(0)
        assert video.shape == (1, 3, 8, 16, 16)
        bright[fit] = ((video + 1) / 2).mean().item()
    assert bright["crop"] < .01 and bright["pad"] == pytest.approx(.125, abs=.03) and bright["stretch"] == pytest.approx(.25, abs=.03)
    assert all(fit in sentence(open_data, tmp_path, fit="squash") for fit in FITS)


def test_the_survey_says_what_is_lost(tmp_path):
    for name, h, w in (("a", 16, 16), ("b", 12, 16), ("c", 9, 16)):
        write_video(Clip(np.random.default_rng(0).integers(0, 256, (4, h, w, 3), dtype=np.uint8)), tmp_path / f"{name}.gif")
        (tmp_path / f"{name}.txt").write_text(name)
    for fit, words in (("crop", "cuts off 25%"), ("pad", "leaves 25% of a frame black"), ("stretch", "longer side 25% shorter")):
        text = str(survey(tmp_path, fit=fit))
        assert words in text and "the most: 44%" in text, text
    for name in "bc": (tmp_path / f"{name}.gif").unlink(), (tmp_path / f"{name}.txt").unlink()
    assert "all are square" in str(survey(tmp_path))


def test_a_survey_asks_files_and_does_not_decode_them(tmp_path, monkeypatch):
    put(tmp_path, *(f"{i}.gif" for i in range(12)), text="a cat")
    read = []
    monkeypatch.setattr(module, "read_video", lambda path, *how, read_video=module.read_video: read.append(path) or read_video(path, *how))
    asked = []
    monkeypatch.setattr(module, "probe", lambda path, probe=module.probe: asked.append(path) or probe(path))
    assert survey(tmp_path).usable == 12 and not read and len(asked) == 12
    assert survey(tmp_path, full=True).usable == 12 and len(read) == 12


def test_a_full_survey_finds_what_breaks_in_reading(tmp_path, monkeypatch):
    put(tmp_path, "a.gif", "b.gif", text="a cat")
    def breaks(path, *how, read_video=module.read_video):
        if Path(path).stem == "b": raise InputError(f"{path} cannot be used, its pictures cannot be decoded: make or fetch it again.")
        return read_video(path, *how)
    monkeypatch.setattr(module, "read_video", breaks)
    assert survey(tmp_path).usable == 2 and named(survey(tmp_path, full=True).problems, "b.gif")


def test_thousands_of_clips_are_opened_without_reading_one(tmp_path, monkeypatch):
    for i in range(2000): put(tmp_path, f"{i % 10}/{i:04d}.gif", text=f"number {i}")
    for name in ("read_video", "probe"): monkeypatch.setattr(module, name, lambda path, *how: pytest.fail("a clip was opened"))
    data = open_data(tmp_path)
    assert sorted(data.captions()) == sorted(f"number {i}" for i in range(2000))


# --- whatever JSON holds

KEYS = st.sampled_from("video caption text id image_id videos images sentences annotations train split name video0 video1.gif data".split())
WORDS = st.sampled_from(["video0", "video1.gif", "a cat", "", "../x", "\ud83d"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), WORDS)
ANY_JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=14)


@settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(ANY_JSON, st.sampled_from([None, "all"]))
def test_any_json_is_read_or_refused(tmp_path_factory, content, split):
    "Never a crash; and what is read is text, of clips that are there"
    home = tmp_path_factory.getbasetemp() / "any_json"
    put(home, "video0.gif", "video1.gif")
    (home / "list.json").write_text(json.dumps(content))
    try: clips, captions, problems, _ = find_clips(home / "list.json", split=split)
    except InputError: return
    assert len(clips) == len(captions) and all(clip.exists() for clip in clips) and all(isinstance(problem, str) for problem in problems)
    assert all(isinstance(text, str) and text.strip() for said in captions for text in ([said] if isinstance(said, str) else said))
