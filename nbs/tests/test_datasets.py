"Folders, lists and digits that others made: all of them read, bad files named and skipped, the same batches whoever makes them"
import gzip
import io
import json
import os
import re
import shutil
import signal
import struct
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rerun import root
from refusals import sentence

from t2v_learn.video import datasets as module
from t2v_learn.core import InputError
from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import write_video
from t2v_learn.video.datasets import (
    MOVES, ClipFiles, MovingDigits, Prefetch, ReplayData, SequenceData, WorldData, _read_digits, _read_idx, builtin_digits, epoch_order,
    find_clips, move_digit, open_data, open_sequence, say_skipped, survey, write_folder)
from t2v_learn.video.world import WORLDS, World

SAMPLES = root / "data" / "samples"
GOOD = (SAMPLES / "00-white-triangle-right.gif").read_bytes()
posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")


@pytest.fixture(autouse=True)
def no_hang():
    "Whatever waits for ever is interrupted"
    if os.name != "posix": yield; return
    def late(*_): raise TimeoutError("this should not have waited")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def put(folder, name, clip=GOOD, text="a red circle moving right"):
    "A clip with its caption; None leaves one of them out"
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if clip is not None: file.write_bytes(clip)
    if text is not None: file.with_suffix(".txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def quietly(function, *args, **kwargs):
    "The result, and all warnings"
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    return result, [str(warning.message) for warning in warned]


def folder(path, **options):
    "The clips of a folder as a sequence"
    return ClipFiles(*find_clips(path), **options)


def same(a, b): return torch.equal(a[0], b[0]) and a[1] == b[1]


# --- folders

def test_nested_folders_in_the_order_of_names(tmp_path):
    names = ["b/2.gif", "a.gif", "b/1.GIF", "b/c/d/e/f.gif", "Z.gif", "b.gif"]
    for name in names: put(tmp_path, name, text=name)
    for name in (".hidden.gif", ".git/x.gif", "b/._1.gif", "notes.md", "b/data.json", "lonely.txt"): put(tmp_path, name, text=None)
    clips, captions, problems, facts = find_clips(tmp_path)
    assert captions == sorted(names) and facts == {"layout": "clips with .txt", "not used": "notes.md, data.json"}
    assert len(problems) == 1 and "lonely.txt has no clip" in problems[0]
    assert [clip.relative_to(tmp_path).as_posix() for clip in clips] == captions


def test_the_order_in_which_files_were_made_changes_nothing(tmp_path):
    for folder, order in (("a", range(20)), ("b", reversed(range(20)))):
        for i in order: put(tmp_path / folder, f"{i % 3}/{i}.gif", text=f"number {i}")
    a, b = (open_data(tmp_path / folder, batch_size=7, seed=3) for folder in "ab")
    assert all(same(a(step), b(step)) for step in range(6))


def test_any_size_length_and_rate(tmp_path):
    generator = np.random.default_rng(0)
    shapes = {"one.gif": (1, 64, 48, 8), "long.gif": (90, 20, 70, 30), "dot.png": (3, 1, 1, 8), "odd.mp4": (13, 33, 51, 25),
              "wide.webm": (5, 16, 160, 12.5), "thin.apng": (4, 200, 3, 4)}
    for name, (f, h, w, fps) in shapes.items():
        write_video(Clip(generator.integers(0, 256, (f, h, w, 3), dtype=np.uint8), fps), tmp_path / name)
        put(tmp_path, name, clip=None)
    for n_frames, size in ((8, 32), (16, 64), (1, 7)):
        data = open_data(tmp_path, batch_size=6, n_frames=n_frames, size=size, strict=True)
        video, captions = data(0)
        assert video.shape == (6, 3, n_frames, size, size) and len(captions) == 6
    text = str(survey(tmp_path))
    for part in ("6 clips can be used", "160x16 (1)", "and 2 more", "1 to 90", "25 a second (1)"): assert part in text, text


def test_other_videos_are_named(tmp_path):
    put(tmp_path, "good.gif")
    for name in ("old.rm", "deep/older.XYZ"): put(tmp_path, name)
    problems = folder(tmp_path).problems
    assert len(problems) == 2 and all("convert" in p for p in problems) and "older.XYZ" in problems[0] and "old.rm" in problems[1]


def test_quicktime_and_matroska_are_read(tmp_path):
    "And whatever else people have"
    names = ["a.mov", "b.mkv", "c.avi", "d.webp"]
    for name in names:
        write_video(Clip(np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)), tmp_path / name)
        put(tmp_path, name, clip=None)
    found = survey(tmp_path)
    assert found.usable == 4 and not found.problems and all(f"{name[2:]} (1)" in str(found) for name in names)


BAD_CAPTIONS = {"missing": None, "empty": b"", "blank": b" \r\n\t", "only a mark": b"\xef\xbb\xbf \n", "latin-1": "grün".encode("latin-1"),
                "utf-16": "a red circle".encode("utf-16"), "utf-16 without its mark": "a red circle".encode("utf-16-le"), "a picture": GOOD,
                "half a character": b"a \xed\xa0\x80", "a megabyte": b"a red circle " * 80_660, "a bit too long": b"x" * 10_001}
WORDS = {"missing": "has no caption", "empty": "is empty", "blank": "is empty", "only a mark": "is empty",
         "a megabyte": "longer than 10,000 bytes", "a bit too long": "longer than 10,000 bytes"}


@pytest.mark.parametrize("kind", BAD_CAPTIONS)
def test_bad_caption_is_named_and_its_clip_skipped(tmp_path, kind):
    put(tmp_path, "good.gif")
    put(tmp_path, "sub/bad.gif", text=BAD_CAPTIONS[kind])
    data, warned = quietly(open_data, tmp_path, batch_size=3)
    assert len(warned) == 1 and "bad" in warned[0] and WORDS.get(kind, "is not UTF-8") in warned[0] and len(warned[0]) < 400
    assert data(0)[1] == ["a red circle moving right"] * 3
    assert str(data.skipped) == "1 skipped because it cannot be used, 1 clips left."
    assert "bad" in sentence(open_data, tmp_path, strict=True)
    (tmp_path / "good.gif").unlink()
    assert "bad" in sentence(open_data, tmp_path)


def test_longest_caption_is_kept_whole(tmp_path):
    put(tmp_path, "a.gif", text=b"x" * 10_000)
    put(tmp_path, "b.gif", text="\ufeff  ein grüner\n Kreis – 圆 ")
    assert find_clips(tmp_path)[1:3] == (["x" * 10_000, "ein grüner Kreis – 圆"], [])


def test_a_long_caption_is_not_read_to_its_end(tmp_path):
    "A terabyte, most of it a hole"
    clip = put(tmp_path, "a.gif")
    try: os.truncate(clip.with_suffix(".txt"), 2**40)
    except OSError: pytest.skip("no files with holes here")
    assert "longer than" in sentence(open_data, tmp_path)


@posix
def test_links_lead_nowhere_but_into_the_folder(tmp_path, monkeypatch):
    outside, home = tmp_path / "outside", tmp_path / "home"
    secret = put(outside, "secret.gif", text="the password is 1234")
    put(home, "real/good.gif", text="good")
    put(home, "mute.gif", text=None)
    links = {"inside.gif": "real/good.gif", "inside.txt": "real/good.txt", "film.gif": secret, "mute.txt": secret.with_suffix(".txt"),
             "gone.gif": "nowhere.gif", "loop.gif": "loop.gif", "folder": outside, "again": "real", "up": "..",
             "climb.gif": "../outside/secret.gif"}
    for name, target in links.items(): (home / name).symlink_to(target)
    for name in ("film.txt", "gone.txt", "loop.txt", "climb.txt"): (home / name).write_text("a caption of its own")
    opened = []
    monkeypatch.setattr(module, "read_video", lambda path, *how, read=module.read_video: opened.append(Path(path)) or read(path, *how))
    data, warned = quietly(open_data, home, batch_size=4)
    said = [caption for step in range(3) for caption in quietly(data, step)[0][1]]
    assert set(said) == {"good"} and len(data.sequence) == 2
    for name in ("film.gif", "mute.txt", "folder", "climb.gif", "gone.gif", "loop.gif"):
        assert sum(f"/{name} " in line for line in warned) == 1, (name, warned)
    assert len(warned) == 7 and sum("leads out of" in line for line in warned) == 5 and "1234" not in " ".join(warned), warned
    assert {path.name for path in opened} == {"good.gif", "inside.gif"}


@posix
def test_the_folder_itself_may_be_a_link(tmp_path):
    put(tmp_path / "real", "a/good.gif")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "a" / "same.gif").symlink_to("good.gif")
    put(tmp_path / "real", "a/same.gif", clip=None)
    data = open_data(tmp_path / "link", strict=True)
    assert len(data.sequence) == 2


@posix
def test_pipes_are_not_waited_for(tmp_path):
    put(tmp_path, "good.gif")
    put(tmp_path, "pipe.gif", clip=None); os.mkfifo(tmp_path / "pipe.gif")
    put(tmp_path, "mute.gif", text=None); os.mkfifo(tmp_path / "mute.txt")
    os.mkfifo(tmp_path / "list.json"); os.mkfifo(tmp_path / "t10k-images-idx3-ubyte")
    problems = folder(tmp_path).problems
    assert len(problems) == 3 and all(name in problem for name, problem in zip(("mute.txt", "pipe.gif", "t10k-images"), problems))
    for name in ("list.json", "t10k-images-idx3-ubyte"): sentence(open_sequence, tmp_path / name)


def test_a_closed_folder_is_named(tmp_path, monkeypatch):
    put(tmp_path, "good.gif"); put(tmp_path, "closed/lost.gif")
    scandir = os.scandir
    def denied(path):
        if str(path).endswith("closed"): raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)
    monkeypatch.setattr(os, "scandir", denied)
    problem, = folder(tmp_path).problems
    assert "closed" in problem and "Permission denied" in problem


@pytest.mark.parametrize("name", ["two\nlines.gif", "\x1b[2Jwiped.gif", "tab\tbed.gif", b"not utf-8 \xff.gif"])
def test_names_are_safe_to_print(tmp_path, name):
    put(tmp_path, "good.gif")
    try: put(tmp_path, os.fsdecode(name), text=None)
    except OSError: pytest.skip("no such names here")
    data, (warned,) = quietly(open_data, tmp_path)
    assert warned.isprintable() and warned.isascii() and "has no caption" in warned
    str(survey(tmp_path)).encode()


def test_a_folder_called_digits_is_a_folder(tmp_path, monkeypatch):
    put(tmp_path, "digits/a.gif")
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_sequence("digits"), ClipFiles) and isinstance(open_sequence(Path("digits")), ClipFiles)
    monkeypatch.chdir(tmp_path / "digits")
    assert isinstance(open_sequence(Path("digits")), MovingDigits)


def test_no_folder_no_clips_no_set(tmp_path):
    assert "no clip" in sentence(SequenceData, [])
    put(tmp_path, "film.gif")
    (tmp_path / "empty").mkdir()
    assert "no folder" in sentence(open_data, tmp_path / "missing")
    assert "holds no clips" in sentence(open_data, tmp_path / "empty")
    assert "no set of clips" in sentence(open_data, tmp_path / "film.gif")


# --- hundreds of files and one that is bad

@pytest.fixture(scope="module")
def hundreds(tmp_path_factory):
    "Hundreds of clips in three folders, of all formats, each with a caption of its own"
    folder = tmp_path_factory.mktemp("hundreds")
    sources = sorted(clip for clip in SAMPLES.iterdir() if clip.suffix in (".gif", ".png"))
    for i in range(300):
        source = sources[i % len(sources)]
        put(folder, f"{i // 100}/{i:03d}{source.suffix}", source.read_bytes(), f"number {i}")
    return folder


@pytest.fixture
def one_bad(hundreds):
    "Number 143, cut before its first picture"
    file, = (file for file in hundreds.glob("1/143.*") if file.suffix != ".txt")
    data = file.read_bytes()
    file.write_bytes(data[:60])
    yield file
    file.write_bytes(data)


def test_nothing_is_read_before_it_is_asked_for(hundreds, monkeypatch):
    reads = []
    monkeypatch.setattr(module, "read_video", lambda path, *how, read=module.read_video: reads.append(path) or read(path, *how))
    data = open_data(hundreds, batch_size=16)
    assert len(data.sequence) == 300 and not reads
    data(0); data(0)
    assert len(reads) == 16


def test_one_bad_file_is_named_skipped_and_counted(hundreds, one_bad):
    data = open_data(hundreds, batch_size=15)
    warned, numbers = [], []
    for step in range(20):
        (_, captions), more = quietly(data, step)
        warned += more; numbers += [int(caption.split()[1]) for caption in captions]
    assert len(warned) == 1 and warned[0].startswith("skipped: ") and one_bad.name in warned[0] and "cannot be used" in warned[0]
    assert len(numbers) == 300 and set(numbers) == set(range(300)) - {143}
    assert str(data.skipped) == "1 skipped because it cannot be used, 299 clips left."
    assert quietly(say_skipped, data)[1] == [str(data.skipped)]


def test_a_bad_file_changes_only_its_own_place(hundreds, one_bad):
    "And what stands in for it follows from seed and position, whatever was read before"
    place = epoch_order(0, 0, 300).tolist().index(143)
    first, _ = quietly(open_data(hundreds, batch_size=15), place // 15)
    late = open_data(hundreds, batch_size=15)
    for step in (7, place // 15 + 1, 30): quietly(late, step)
    again, warned = quietly(late, place // 15)
    assert same(first, again)
    file, data = one_bad, GOOD
    file.write_bytes(data)
    whole = open_data(hundreds, batch_size=15)(place // 15)
    differ = [i for i, (a, b) in enumerate(zip(first[1], whole[1])) if a != b]
    assert differ == [place % 15] and whole[1][place % 15] == "number 143"


def test_strict_stops(hundreds, one_bad):
    "Before the first step, or, if the file broke later, when it is met"
    assert one_bad.name in sentence(open_data, hundreds, strict=True)
    data = SequenceData(folder(hundreds), batch_size=15, strict=True)
    assert one_bad.name in sentence(lambda: [data(step) for step in range(20)])


def test_strict_stops_at_what_can_be_read_in_part_only(tmp_path):
    "A file that is cut after its first frames: a warning, or an error where all should be perfect"
    put(tmp_path, "a.gif"); put(tmp_path, "b.gif", GOOD[:len(GOOD) * 2 // 3])
    data, warned = quietly(open_data, tmp_path, batch_size=2)
    assert not warned and len(quietly(data, 0)[1]) == 1
    text, warned = quietly(sentence, open_data, tmp_path, strict=True)
    assert "b.gif" in text and not warned
    found, warned = quietly(survey, tmp_path, full=True)
    assert found.usable == 2 and not found.problems and not warned and len(found.damaged) == 1 and "b.gif" in found.damaged[0]
    found.check()
    assert "1 can be used only in part" in sentence(found.check, strict=True)
    put(tmp_path, "b.gif")
    survey(tmp_path, full=True).check(strict=True)


def test_other_warnings_stay_warnings(tmp_path):
    def speak(i): warnings.warn(f"{tmp_path} says {i}", stacklevel=1)
    def note():
        with module._note_damage([tmp_path / "a.gif"]) as damaged: list(module._map_in_threads(speak, range(3)))
        return damaged
    damaged, warned = quietly(note)
    assert not damaged and sorted(warned) == [f"{tmp_path} says {i}" for i in range(3)]


def test_progress_without_a_terminal_is_lines(capfd):
    "One every half minute, and none for what takes no time; in a terminal a bar, after two seconds"
    from tqdm import tqdm
    assert survey(SAMPLES, progress=True).usable == 16 and capfd.readouterr().err == ""
    options = module._progress_options(terminal=False)
    assert options["mininterval"] == 30 and module._progress_options(terminal=True)["delay"] == 2
    for _ in tqdm(range(3), **options | dict(delay=0, mininterval=0)): pass
    err = capfd.readouterr().err
    assert "\r" not in err and all("/3" in line for line in err.splitlines()) and len(err.splitlines()) >= 3


def test_all_but_one_bad(tmp_path):
    for i in range(30): put(tmp_path, f"{i:02d}.gif", GOOD if i == 17 else GOOD[:99], f"number {i}")
    data = open_data(tmp_path, batch_size=4)
    batches, warned = quietly(lambda: [data(step) for step in range(8)])
    assert {caption for _, captions in batches for caption in captions} == {"number 17"}
    assert len(warned) == 11 and "t2v data" in warned[-1]           # ten by name, and a line
    assert str(data.skipped) == "29 skipped because they cannot be used, 1 clips left."
    put(tmp_path, "17.gif", GOOD[:50])
    text, warned = quietly(sentence, open_data(tmp_path), 0)
    assert "None of the 30 clips" in text and text.count(".gif") == 1 and not warned


@pytest.mark.parametrize("keep, kept", [(0, 0), (24_575, 0), (24_576, 1), (250_000, 10), (2**28, 60)])
def test_memory_is_bounded(hundreds, keep, kept):
    "Also when several threads read"
    sequence = folder(hundreds, keep=keep)
    for _ in range(2):
        with ThreadPoolExecutor(4) as pool: clips = list(pool.map(lambda i: sequence[i][0], range(60)))
    assert set(sequence.cache) == set(range(kept)) and sum(frames.nbytes for frames in sequence.cache.values()) <= keep
    free = folder(hundreds)
    assert all((clip == free[i][0]).all() for i, clip in enumerate(clips))


def test_kept_clips_are_not_read_again(tmp_path, monkeypatch):
    for i in range(12): put(tmp_path, f"{i:02d}.gif")
    reads = []
    monkeypatch.setattr(module, "read_video", lambda path, *how, read=module.read_video: reads.append(path.name) or read(path, *how))
    data = SequenceData(folder(tmp_path, keep=5 * 24_576), batch_size=12)
    for epoch in range(4): data(epoch)
    assert len(reads) == 5 + 4 * 7 and sum(name == "11.gif" for name in reads) == 4


# --- the same batches, whoever makes them

def sources(tmp_path):
    "One of each kind, two of them with bad files"
    for i in range(9): put(tmp_path / "folder", f"{i % 2}/{i}.gif", GOOD if i != 4 else GOOD[:200], f"number {i}")
    content = [dict(video=f"{i}.gif", caption=[f"number {i}", f"clip {i}"]) for i in range(12)]
    (tmp_path / "folder" / "list.json").write_text(json.dumps(content))
    write_mnist(tmp_path / "mnist", 40)
    return {name: lambda seed, name=name: open_data(tmp_path / name if name != "digits" else name, batch_size=5, seed=seed)
            for name in ("folder", "folder/list.json", "mnist", "digits")} | {"world": lambda seed: WorldData(World(), 5, seed)}


KINDS = ["folder", "folder/list.json", "mnist", "digits", "world"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_a_function_of_seed_and_step(tmp_path, kind):
    make = sources(tmp_path)[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, other, third = make(0), make(0), make(1)
        steps = {step: one(step) for step in (0, 1, 2, 5, 40)}
        for step in (40, 2, 5, 0, 0, 1): assert same(other(step), steps[step])
        assert not same(steps[0], steps[1]) and not same(third(0), steps[0]) and not same(third(0), steps[1])
        video, captions = steps[0]
        assert video.shape == (5, 3, 8, 32, 32) and video.dtype == torch.float32 and all(isinstance(text, str) for text in captions)


@pytest.mark.parametrize("kind", KINDS)
def test_workers_change_nothing(tmp_path, kind):
    "Neither threads, however many, nor the order in which steps are asked for"
    make = sources(tmp_path)[kind]
    asked = [0, 1, 2, 3, 7, 9, 11, 11, 4, 0, 25]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [make(3)(step) for step in asked]
        for workers in (0, 1, 2, 5):
            with Prefetch(make(3), workers) as data:
                assert all(same(data(step), batch) for step, batch in zip(asked, expected)), workers


class Steps(torch.utils.data.Dataset):
    "Any source of batches, as PyTorch's workers want it"
    def __init__(self, data, n): self.data, self.n = data, n
    def __len__(self): return self.n
    def __getitem__(self, step): return self.data(step)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process starts for seconds")
@pytest.mark.parametrize("kind", ["folder", "digits", "world"])
def test_worker_processes_change_nothing(tmp_path, kind):
    data = sources(tmp_path)[kind](3)
    batches = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for workers in (0, 2):
            loader = torch.utils.data.DataLoader(Steps(data, 6), batch_size=None, num_workers=workers)
            batches[workers] = list(loader)
    assert len(batches[0]) == 6
    assert all(torch.equal(a[0], b[0]) and list(a[1]) == list(b[1]) for a, b in zip(batches[0], batches[2]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3, 5])
def test_shards_are_the_rows_of_the_batch(tmp_path, kind, n):
    "Bit for bit, each for itself and in any order; ahead or not"
    make = sources(tmp_path)[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = {step: make(2)(step) for step in (0, 1, 2, 7)}
        for k in reversed(range(n)):
            with Prefetch(make(2)) as ahead:
                for data in (make(2), ahead):
                    for step, (video, captions) in whole.items(): assert same(data(step, shard=(k, n)), (video[k::n], captions[k::n]))


@pytest.mark.parametrize("shard, part", [((5, 6), "larger batch"), ((2, 2), "no part 2"), ((-1, 2), "no part -1"), ((0, 0), "no part 0")])
def test_shards_that_cannot_be(tmp_path, shard, part):
    for data in (WorldData(World(), 5), open_data("digits", batch_size=5), ReplayData(WorldData(World(), 5), WorldData(World(), 5))):
        assert part in sentence(data, 0, shard)


def test_a_shard_reads_its_own_rows_only(tmp_path, monkeypatch):
    for i in range(12): put(tmp_path, f"{i:02d}.gif", text=f"number {i}")
    read = []
    monkeypatch.setattr(module, "read_video", lambda path, *how, call=module.read_video: read.append(path) or call(path, *how))
    _, captions = open_data(tmp_path, batch_size=12)(0, shard=(1, 4))
    assert len(read) == len(captions) == 3
    drawn = []
    monkeypatch.setattr(module, "render", lambda scene, render=module.render: drawn.append(scene) or render(scene))
    WorldData(World(), 12)(0, shard=(1, 4))
    assert len(drawn) == 3


def test_shards_are_made_ahead():
    "Micro-batches of one process: (k, n) in turn at each step"
    made = []
    def data(step, shard=(0, 1)):
        made.append((step, shard))
        return step, shard
    shards = [(2, 6), (3, 6)]
    with Prefetch(data, workers=2, ahead=2) as ahead:
        for step in range(10):
            for shard in shards:
                assert ahead(step, shard) == (step, shard)
                assert len(ahead.pending) <= 4
        ahead.pool.shutdown()
    assert len(made) == len(set(made)) and {(step, shard) for step in range(10) for shard in shards} <= set(made)


# --- what a training wants to know beforehand

def test_captions_and_rates_of_every_source(tmp_path):
    for i in range(1, 4):
        write_video(Clip(np.zeros((6 * (i + 1), 16, 16, 3), np.uint8), 6), tmp_path / f"{i}.mp4")
        put(tmp_path, f"{i}.mp4", clip=None, text=f"number {i}")
    data = open_data(tmp_path, batch_size=2)
    assert data.captions() == ["number 1", "number 2", "number 3"]
    assert data.fps(8) == pytest.approx(8 / 3) and data.fps(12) == pytest.approx(4)
    digits = open_data("digits")
    assert len(digits.captions()) == 80 and digits(0)[1][0] in digits.captions() and digits.fps(8) is None
    assert WorldData(World()).captions() is None and WorldData(World()).fps(8) is None
    assert SequenceData([(np.zeros((1, 4, 4, 3), np.uint8), ["a", "b"])]).captions() == ["a", "b"]


def test_the_rate_is_measured_on_a_sample_and_survives_damage(tmp_path, monkeypatch):
    for i in range(200): put(tmp_path, f"{i:03d}.gif", GOOD if i else GOOD[:40])
    asked = []
    monkeypatch.setattr(module, "probe", lambda path, probe=module.probe: asked.append(path) or probe(path))
    assert open_data(tmp_path).fps(8) == pytest.approx(8) and 32 <= len(asked) <= 64


# --- old clips among new ones

def replay(share=.5, batch_size=8, seed=0):
    return ReplayData(open_data("digits", batch_size=batch_size, seed=seed), WorldData(World(), batch_size, seed), share)


@pytest.mark.parametrize("share, old", [(.25, 2), (.5, 4), (.01, 1), (.99, 7), (.3, 2)])
def test_a_share_of_each_batch_is_old(share, old):
    data = replay(share)
    for step in (0, 5):
        video, captions = data(step)
        assert video.shape == (8, 3, 8, 32, 32) and sum("digit" not in caption for caption in captions) == old
        assert same((video, captions), replay(share)(step)) and not same((video, captions), replay(share, seed=1)(step))
        for n in (2, 3, 8):
            for k in range(n): assert same(data(step, shard=(k, n)), (video[k::n], captions[k::n]))
    assert not same(data(0), data(1))


def test_new_clips_keep_their_epochs():
    "Each is shown once before any is shown again, as without the old ones"
    sequence = [(np.full((1, 4, 4, 3), i, np.uint8), f"new {i}") for i in range(6)]
    old = SequenceData([(np.zeros((1, 4, 4, 3), np.uint8), "old")], batch_size=4)
    data = ReplayData(SequenceData(sequence, batch_size=4), old, share=.25)
    said = [caption for step in range(4) for caption in data(step)[1] if caption != "old"]
    assert sorted(said[:6]) == sorted(said[6:]) == [f"new {i}" for i in range(6)]
    assert data.captions() == [f"new {i}" for i in range(6)] + ["old"] and data.fps(8) is None
    assert old.batch_size == 4 and ReplayData(WorldData(World(), 4), WorldData(World(), 4)).captions() is None


def test_what_a_mixture_skips_is_counted(tmp_path):
    for i in range(4): put(tmp_path, f"{i}.gif", GOOD if i else GOOD[:99], f"number {i}")
    data = ReplayData(open_data(tmp_path, batch_size=8), WorldData(World(), 8))
    _, warned = quietly(data, 0)
    assert len(warned) == 1 and "0.gif" in warned[0] and quietly(say_skipped, data)[1] == [str(data.skipped)]


@pytest.mark.parametrize("bad_new, bad_old", [(0, 0), (1, 0), (0, 2), (2, 3)])
def test_losses_of_both_sources_are_counted(tmp_path, bad_new, bad_old):
    "What is known from the start, and what is met in training"
    for name, bad in (("new", bad_new), ("old", bad_old)):
        for i in range(5): put(tmp_path / name, f"{i}.gif", GOOD[:99] if i < bad else GOOD, f"number {i}")
        if bad: put(tmp_path / name, "mute.gif", text=None)
    (new, old), _ = quietly(lambda: [open_data(tmp_path / name, batch_size=4) for name in ("new", "old")])
    data = ReplayData(new, old)
    quietly(lambda: [data(step) for step in range(5)])
    lost = bad_new + bool(bad_new) + bad_old + bool(bad_old)
    assert len(data.skipped) == lost
    _, warned = quietly(say_skipped, data)
    assert warned == ([f"{lost} skipped because they cannot be used, {10 - bad_new - bad_old} clips left."] if lost else [])


def test_a_mixture_with_one_source_that_counts(tmp_path):
    put(tmp_path, "a.gif"); put(tmp_path, "mute.gif", text=None)
    listed, _ = quietly(open_data, tmp_path, batch_size=4)
    world = WorldData(World(), 4)
    assert len(ReplayData(listed, world).skipped) == len(ReplayData(world, listed).skipped) == 1
    assert ReplayData(world, world).skipped is None


@pytest.mark.parametrize("share, batch_size, part", [(0, 8, "above 0"), (1, 8, "below 1"), (float("nan"), 8, "share"),
                                                     (.5, 1, "at least 2")])
def test_mixtures_that_are_none(share, batch_size, part):
    assert part in sentence(replay, share, batch_size)


def test_no_more_is_made_ahead_than_was_asked_for():
    made, most = [], []
    def data(step):
        made.append(step)
        return step
    with Prefetch(data, workers=2, ahead=3) as ahead:
        for step in range(0, 60, 3):                       # one of three processes
            assert ahead(step) == step
            most.append(len(ahead.pending))
        ahead.pool.shutdown()
    assert max(most) == 3 and set(made) <= {1, 2, 3, *range(0, 70, 3)}


def test_an_error_ahead_comes_when_its_step_does():
    def data(step):
        if step == 3: raise InputError("step 3 is bad.")
        return step
    with Prefetch(data, workers=2) as ahead:
        assert [ahead(step) for step in range(3)] == [0, 1, 2]
        assert sentence(ahead, 3) == "step 3 is bad." and ahead(4) == 4


def test_every_epoch_shows_every_clip_once_and_every_caption_in_turn(tmp_path):
    for i in range(7): put(tmp_path, f"video{i}.gif")
    content = [dict(video_id=f"video{i}", caption=[f"{i} {n}" for n in range(i + 1)]) for i in range(7)]
    (tmp_path / "list.json").write_text(json.dumps(content))
    data = open_data(tmp_path / "list.json", batch_size=7)
    epochs = [data(step)[1] for step in range(6 * 7)]
    for said in epochs: assert sorted(caption.split()[0] for caption in said) == list("0123456")
    for i in range(7):
        turns = [next(c for c in said if c[0] == str(i)) for said in epochs]
        for start in range(0, 42 - i, i + 1): assert len(set(turns[start:start + i + 1])) == i + 1


@pytest.mark.parametrize("preset", WORLDS)
def test_any_world(preset):
    world = World(preset)
    for split in ("seen", "held-out-combinations", "held-out-words"):
        data = WorldData(world, batch_size=3, split=split)
        video, captions = data(1)
        assert video.shape == (3, 3, world.n_frames, world.size, world.size) and all(captions) and same((video, captions), data(1))


# --- MSR-VTT

def old_layout(said, **splits):
    videos = [dict(video_id=name, split=splits.get(name, "train"), category=3, id=i) for i, name in enumerate(said)]
    return dict(info=dict(year="2016"), videos=videos,
                sentences=[dict(caption=text, video_id=name, sen_id=i) for i, (name, texts) in enumerate(said.items()) for text in texts])


def listed(tmp_path, content, **kwargs):
    (tmp_path / "list.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return ClipFiles(*find_clips(tmp_path / "list.json", **kwargs))


def test_both_layouts_say_the_same(tmp_path):
    for i in range(3): put(tmp_path, f"TrainVal/video{i}.gif", text=None)
    said = {f"video{i}": [f"first {i}", f"second\n  {i}"] for i in range(3)}
    contents = [old_layout(said), [dict(video=f"{name}.gif", caption=texts) for name, texts in said.items()],
                [dict(video_id=name, video=f"somewhere/else/{name}.gif", caption=text) for name, texts in said.items() for text in texts]]
    for content in contents:
        found = listed(tmp_path, content)
        assert [clip.name for clip in found.clips] == ["video0.gif", "video1.gif", "video2.gif"] and not found.problems
        assert found.captions == [[f"first {i}", f"second {i}"] for i in range(3)]


def test_videos_may_lie_elsewhere_and_splits_are_chosen(tmp_path):
    for i in range(3): put(tmp_path / "films", f"video{i}.gif", text=None)
    content = old_layout({f"video{i}": ["a cat"] for i in range(3)}, video1="validate")
    splits = (None, "all", "train", "validate")
    names = {split: [clip.stem for clip in listed(tmp_path, content, videos=tmp_path / "films", split=split).clips] for split in splits}
    train = ["video0", "video2"]
    assert names == {None: train, "all": ["video0", "video1", "video2"], "train": train, "validate": ["video1"]}
    assert "test" in sentence(listed, tmp_path, content, split="test")


NAMES = ["../secret", "../secret.gif", "a/../../secret", "/etc/passwd", "..\\secret", "C:\\secret", "c:secret", "..", "sub/..",
         "//host/share/x", "\0", "", " ", None, 7, ["video0"], {"x": 1}]


@pytest.mark.parametrize("layout", ["old", "new"])
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_ids_that_lead_elsewhere_are_refused(tmp_path, name, layout, monkeypatch):
    put(tmp_path, "secret.gif")
    home = tmp_path / "home"
    put(home, "video0.gif", text=None)
    entries = [dict(video_id=n, caption="a cat") for n in (name, "video0")]
    content = dict(videos=[], sentences=entries) if layout == "old" else [dict(video=e["video_id"], caption="a cat") for e in entries]
    opened = []
    monkeypatch.setattr(module, "read_video", lambda path, *how, read=module.read_video: opened.append(path) or read(path, *how))
    found = listed(home, content)
    assert [clip.name for clip in found.clips] == ["video0.gif"]
    problem, = found.problems
    parts = ("leads out", repr(name)) if isinstance(name, str) and name.strip() else ("without the name",)
    if name == 7: parts = ("video 7", "is not in")         # a number may be an id
    assert all(part in problem for part in parts), problem
    found[0]
    assert [path.name for path in opened] == ["video0.gif"]


@posix
def test_a_video_that_is_a_link_out_is_refused(tmp_path):
    secret = put(tmp_path, "secret.gif")
    put(tmp_path / "home", "video0.gif", text=None)
    (tmp_path / "home" / "video1.gif").symlink_to(secret)
    found = listed(tmp_path / "home", [dict(video=f"video{i}.gif", caption="a cat") for i in range(2)])
    assert len(found) == 1 and "video1.gif" in found.problems[0] and "leads out" in found.problems[0]


BAD_TEXTS = [None, "", "  \n", 7, ["a cat", ["a dog"]], {"a": "cat"}, "x" * 2**20, "a\0cat", "half \ud83d", []]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=lambda text: repr(text)[:20])
def test_bad_captions_in_a_list_are_named(tmp_path, text):
    for i in range(2): put(tmp_path, f"video{i}.gif", text=None)
    found = listed(tmp_path, [dict(video="video0.gif", caption=text), dict(video="video1.gif", caption="a dog")])
    assert found.problems and all("video0" in problem and len(problem) < 400 for problem in found.problems), found.problems
    assert found.captions == ["a cat"] * (text == BAD_TEXTS[4]) + ["a dog"]       # one good caption is enough


def test_videos_that_are_not_there_or_twice_there(tmp_path):
    for name in ("video0.gif", "a/video1.gif", "b/video1.mp4", "video2.gif", "video9.gif"): put(tmp_path, name, text=None)
    found = listed(tmp_path, old_layout({f"video{i}": ["a cat"] for i in range(4)} | {"video9": []}))
    assert [clip.name for clip in found.clips] == ["video0.gif", "video2.gif"]
    assert len(found.problems) == 3
    for name, part in (("video1", "may be"), ("video3", "is not in"), ("video9", "no good caption")):
        assert sum(name in problem and part in problem for problem in found.problems) == 1, found.problems
    assert [clip.name for clip in listed(tmp_path, [dict(video="b/video1.mp4", caption="a cat")]).clips] == ["video1.mp4"]


@pytest.mark.parametrize("content", ["", "{", "null", "7", '"video0"', "{}", '{"videos": []}', '{"sentences": {}}', "[]",
                                     "[" * 100_000, "\ufeff[]", '{"sentences": [], "videos": 3}', '{"sentences": []}', "9" * 5000,
                                     "[7]", "[null, []]", '[{"caption": "a cat"}]', '{"a":' * 900 + "1" + "}" * 900],
                         ids=lambda text: text[:30])
def test_lists_that_are_none_are_refused(tmp_path, content):
    put(tmp_path, "video0.gif")
    assert "list.json" in sentence(listed, tmp_path, content)


@pytest.mark.parametrize("content", ['{"sentences": ["video0"], "videos": [7]}', '{"sentences": [{}], "videos": [{}]}',
                                     '[{"video": null, "caption": "a cat"}]'])
def test_entries_that_are_none_are_problems(tmp_path, content):
    put(tmp_path, "video0.gif")
    found = listed(tmp_path, content)
    assert not len(found) and found.problems
    sentence(open_data, tmp_path / "list.json")


# --- MNIST's files and moving digits

def idx(values): return struct.pack(f">I{values.ndim}I", 0x800 + values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


def write_mnist(folder, n=200, part="t10k", ending="", side=28):
    "Real digits from scikit-learn in MNIST's files, blown up to its size"
    folder.mkdir(parents=True, exist_ok=True)
    pictures, labels = (values[:n] for values in builtin_digits())
    times = side // 8
    pictures = np.pad(pictures.repeat(times, 1).repeat(times, 2), ((0, 0), *[((side - 8 * times) // 2,) * 2] * 2))
    pack = gzip.compress if ending else bytes
    (folder / f"{part}-images-idx3-ubyte{ending}").write_bytes(pack(idx(pictures)))
    (folder / f"{part}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(labels)))
    return pictures, labels


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_mnist_files_are_read(tmp_path, part, ending):
    pictures, labels = write_mnist(tmp_path, part=part, ending=ending)
    for source in (tmp_path, tmp_path / f"{part}-images-idx3-ubyte{ending}"):
        sequence = open_sequence(source)
        assert (sequence.pictures == pictures).all() and (sequence.labels == labels).all() and len(sequence) == 1600
    video, captions = open_data(tmp_path, batch_size=4, strict=True)(0)
    assert video.shape == (4, 3, 8, 32, 32) and video.max() > .5 and all(c.startswith("the digit ") for c in captions)


def test_digits_of_every_split(tmp_path):
    "By any of its usual names, built in or from files"
    write_mnist(tmp_path, n=20, part="train")
    write_mnist(tmp_path, n=10, part="t10k", ending=".gz")
    numbers = {"train": (1347, 20), "test": (450, 10), "all": (1797, 30)}
    splits = {None: "train", "train": "train", "training": "train", "test": "test", "Testing": "test", "all": "all", "ALL": "all"}
    for split, part in splits.items():
        built_in, written = numbers[part]
        assert len(open_sequence("digits", split=split).pictures) == built_in
        sequence = open_sequence(tmp_path, split=split)
        assert len(sequence.pictures) == len(sequence.labels) == written
    for source in ("digits", tmp_path): assert "train or test, or all" in sentence(open_sequence, source, split="val")
    (tmp_path / "train-images-idx3-ubyte").unlink()
    assert len(open_sequence(tmp_path, split="all").pictures) == 10
    write_mnist(tmp_path, n=20, part="train", side=16)
    assert "different sizes" in sentence(open_sequence, tmp_path, split="all")


def test_training_digits_come_first_and_either_may_be_zipped(tmp_path):
    write_mnist(tmp_path, n=10, part="t10k")
    write_mnist(tmp_path, n=20, part="train", ending=".gz")
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(gzip.decompress(labels.read_bytes()))
    labels.unlink()
    assert len(open_sequence(tmp_path).pictures) == 20


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("name", ["images-idx3", "labels-idx1"])
def test_cut_idx_files_are_refused(tmp_path, name, ending):
    write_mnist(tmp_path, n=30, ending=ending)
    file = tmp_path / f"t10k-{name}-ubyte{ending}"
    whole = file.read_bytes()
    cuts = {0, 1, 3, 4, 7, 8, 11, 15, 16, len(whole) - 1, *(len(whole) * tenth // 10 for tenth in range(1, 10))}
    for cut in sorted(cuts & set(range(len(whole)))):
        file.write_bytes(whole[:cut])
        assert file.name in sentence(open_data, tmp_path), cut
    file.write_bytes(whole + b"more")
    assert ending or "more" in sentence(open_data, tmp_path)     # after the end of a gzip there may be anything


def test_flipped_bytes_in_a_zipped_file_are_found(tmp_path):
    write_mnist(tmp_path, n=50, ending=".gz")
    file = tmp_path / "t10k-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    for place in range(20, len(whole) - 4, len(whole) // 25):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1:])
        assert file.name in sentence(open_data, tmp_path), place


def header(magic, *lengths, order=">"): return struct.pack(f"{order}{1 + len(lengths)}I", magic, *lengths)


HEADERS = {"a picture": b"GIF89a" + bytes(30), "text": b"no images", "two axes": header(0x802, 8, 8) + bytes(64),
           "numbers of another type": header(0xD03, 1, 8, 8) + bytes(256), "none at all": header(0x803, 0, 28, 28),
           "no pixels": header(0x803, 5, 0, 28), "far too many": header(0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1),
           "huge pictures": header(0x803, 1, 1, 257) + bytes(257), "a gigabyte promised": header(0x803, 2**20, 32, 32),
           "the other order": header(0x803, 1, 8, 8, order="<") + bytes(64)}


@pytest.mark.parametrize("kind", HEADERS)
def test_wrong_idx_headers_are_refused(tmp_path, kind):
    write_mnist(tmp_path, n=1)
    for data, ending in ((HEADERS[kind], ""), (gzip.compress(HEADERS[kind]), ".gz")):
        file = tmp_path / f"train-images-idx3-ubyte{ending}"
        file.write_bytes(data)
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(1)))
        assert file.name in sentence(open_data, file)
        file.unlink()


def test_pictures_and_labels_must_belong_together(tmp_path):
    pictures, labels = write_mnist(tmp_path, n=20)
    file = tmp_path / "t10k-labels-idx1-ubyte"
    for wrong in (labels[:-1], np.append(labels, 3), labels[:0]):
        file.write_bytes(idx(wrong))
        text = sentence(open_data, tmp_path)
        assert "20 pictures" in text and f"{len(wrong)} labels" in text if len(wrong) else file.name in text
    file.write_bytes(idx(np.where(labels == 3, 10, labels)))
    assert "label 10" in sentence(open_data, tmp_path)
    file.write_bytes(idx(pictures))
    assert file.name in sentence(open_data, tmp_path)
    file.unlink()
    assert file.name in sentence(open_data, tmp_path)
    file.write_bytes(idx(labels))
    assert "labels, not pictures" in sentence(_read_digits, file)
    assert "train or test" in sentence(builtin_digits, "validation")


def test_blank_pictures_are_named_and_skipped(tmp_path):
    pictures, labels = write_mnist(tmp_path, n=20)
    pictures[[4, 11]] = 0
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(pictures))
    data, warned = quietly(open_data, tmp_path)
    assert len(warned) == 2 and "Picture 4," in warned[0] and "Picture 11," in warned[1] and len(data.sequence) == 18 * 8
    assert "Picture 4," in sentence(open_data, tmp_path, strict=True)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(0 * pictures))
    assert "None of the 20" in sentence(open_data, tmp_path)


@pytest.mark.parametrize("size, n_frames", [(32, 8), (64, 16), (20, 5)])
@pytest.mark.parametrize("move", MOVES)
def test_digits_move_as_said(move, size, n_frames):
    "The centre of the ink goes where the caption says, straight, and the ink is all there in every frame"
    generator, (dx, dy) = np.random.default_rng(0), np.array(MOVES[move])
    picture = np.pad(builtin_digits()[0][40].repeat(3, 0).repeat(3, 1), 2)
    y, x = np.mgrid[:size, :size]
    for source in (picture, builtin_digits()[0][7]):
        frames = move_digit(source, move, generator, n_frames, size)
        assert frames.shape == (n_frames, size, size, 3) and frames.dtype == np.uint8 and frames.max() > 150
        ink = frames[..., 0].astype(float)
        mass = ink.sum((1, 2))
        assert mass.min() > .97 * mass.max(), "some of it left the frame"     # a row of pixels is 5 % of a digit, rounding 1.5 %
        centres = np.stack([(ink * x).sum((1, 2)), (ink * y).sum((1, 2))], 1) / mass[:, None]
        gone = (centres - centres[0]) @ (dx, dy)
        aside = np.abs((centres - centres[0]) @ (dy, dx)).max()
        assert aside < .2
        there = (n_frames - 1) // 2 if "then" in move else n_frames - 1
        assert gone[there] > .15 * size and (np.diff(gone[:there + 1]) > .1).all()
        if "then" in move: assert abs(gone[-1]) < .2 and np.allclose(gone, gone[::-1], atol=.2)


def test_every_digit_is_shown_in_every_move():
    pictures, labels = builtin_digits("test")
    sequence = MovingDigits(pictures[:30], labels[:30])
    said = [sequence[i][1] for i in range(len(sequence))]
    assert sorted(said) == sorted(f"the digit {label} moves {move}" for label in labels[:30] for move in MOVES)
    assert "the digit 3 moves up then down" in said
    assert (sequence[5][0] == sequence[5][0]).all() and not (sequence[0][0] == sequence[8][0]).all()


def test_the_built_in_digits_are_split_as_the_world_splits_them():
    (train, a), (test, b) = builtin_digits(), builtin_digits("test")
    assert len(train) == len(a) == 1347 and len(test) == len(b) == 450 and train.max() == 255 and set(a) == set(b) == set(range(10))


def test_idx_files_hold_what_was_put_in(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    for data in (idx(values), gzip.compress(idx(values))):
        (tmp_path / "a").write_bytes(data)
        assert (_read_idx(tmp_path / "a") == values).all()


# --- the command line

def test_t2v_data_says_what_is_there(t2v, tmp_path):
    shutil.copytree(SAMPLES, tmp_path / "clips" / "deep")
    status, out, err = t2v("data", "clips")
    assert (status, err) == (0, []) and out.startswith("clips: 16 clips can be used.\n")
    for part in ("gif (10), mp4 (2), png (2), webm (2)", "32x32 (16)", "8 a second (16)", "16, 16 different; words: 5 to 7", "cannot"):
        assert (part in out) == (part != "cannot"), out
    assert t2v("data", "clips", "--strict")[0] == 0


def test_t2v_data_names_every_file_that_cannot_be_used(t2v, tmp_path):
    for i in range(40): put(tmp_path / "clips", f"{i:02d}.gif", GOOD if i % 2 else GOOD[:i])
    put(tmp_path / "clips", "mute.gif", text=None)
    put(tmp_path / "clips", "old.xyz")
    status, out, err = t2v("data", "clips")
    assert (status, err) == (0, []) and out.startswith("clips: 20 clips can be used.\n")
    bad = out.partition("\ncannot be used (22):\n")[2].splitlines()
    names = [*(f"{i:02d}.gif" for i in range(0, 40, 2)), "mute.gif", "old.xyz"]
    assert len(bad) == 22 and all(sum(name in line for line in bad) == 1 for name in names)
    status, strict, err = t2v("data", "clips", "--strict")
    assert status == 2 and strict == out and len(err) == 1 and "22" in err[0]


@pytest.mark.parametrize("name, part", [("missing", "no folder"), ("empty", "no clips"), ("film.gif", "no set"), ("broken.json", "no JSON"),
                                        ("mnist", "cut")])
def test_t2v_data_refuses_what_is_no_set(t2v, tmp_path, name, part):
    (tmp_path / "empty").mkdir()
    put(tmp_path, "film.gif"); (tmp_path / "broken.json").write_text("{")
    write_mnist(tmp_path / "mnist"); (tmp_path / "mnist" / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08")
    status, out, err = t2v("data", name)
    assert (status, out, len(err)) == (2, "", 1) and part in err[0] and name in err[0]


def test_t2v_data_without_any_usable_clip(t2v, tmp_path):
    put(tmp_path / "clips", "a.gif", GOOD[:99]); put(tmp_path / "clips", "b.gif", text=None)
    status, out, err = t2v("data", "clips")
    assert status == 2 and len(err) == 1 and "None of the 2 clips" in err[0]
    assert out.startswith("clips: 0 clips can be used.\n") and sum("a.gif" in line or "b.gif" in line for line in out.splitlines()) == 2


def test_t2v_data_looks_at_lists_and_digits_too(t2v, tmp_path):
    for i in range(3): put(tmp_path, f"films/video{i}.gif", text=None)
    (tmp_path / "list.json").write_text(json.dumps(old_layout({f"video{i}": ["a cat", "a small cat"] for i in range(4)})))
    status, out, err = t2v("data", "list.json")
    assert (status, err) == (0, []) and "3 clips" in out.splitlines()[0] and "6, 2 different" in out and "video3" in out.splitlines()[-1]
    write_mnist(tmp_path / "mnist", n=20)
    for name, pictures in (("mnist", "20 of 28x28"), ("digits", "1,347 of 8x8")):
        status, out, err = t2v("data", name)
        assert (status, err) == (0, []) and pictures in out.splitlines()[1]


def test_a_warning_does_not_share_its_line_with_the_progress_bar(capfd):
    from tqdm import tqdm

    from t2v_learn.cli import say
    with tqdm(total=10, file=sys.stderr, ncols=40) as bar:
        bar.update(3)
        say("warning: skipped: a.gif")
        bar.update(3)
    assert any(line.rsplit("\r", 1)[-1] == "warning: skipped: a.gif" for line in capfd.readouterr().err.split("\n"))


@pytest.fixture
def small_batches(monkeypatch):
    from t2v_learn.diffusion.pipeline import TextToVideo
    monkeypatch.setattr(TextToVideo.presets["tiny"], "batch_size", 2)


def weights(folder):
    from t2v_learn.training.checkpoint import load_weights
    return load_weights(folder)[0]


@pytest.mark.slow
def test_training_skips_names_and_counts(t2v, tmp_path, small_batches):
    "And is the same training again"
    shutil.copytree(SAMPLES, tmp_path / "clips")
    (tmp_path / "clips" / "04-red-square-down.gif").write_bytes(GOOD[:60])
    (tmp_path / "clips" / "06-red-circle-up.txt").unlink()
    for out in ("one", "two"):
        status, _, err = t2v("train", "--data", "clips", "--steps", 3, "--out", out)
        assert status == 0 and len(err) == 3 and all(line.startswith("warning: ") for line in err), err
        assert "06-red-circle-up" in err[0] and "04-red-square-down.gif" in err[1]
        assert err[2] == "warning: 2 skipped because they cannot be used, 14 clips left."
    assert all(value.equal(weights("two")[name]) for name, value in weights("one").items())


@pytest.mark.slow
def test_strict_training_does_not_start(t2v, tmp_path, small_batches):
    shutil.copytree(SAMPLES, tmp_path / "clips")
    (tmp_path / "clips" / "15-blue-triangle-down.png").write_bytes(b"no video")
    status, out, err = t2v("train", "--data", "clips", "--steps", 3, "--strict")
    assert (status, out, len(err)) == (2, "", 1) and "15-blue-triangle-down.png" in err[0] and not (tmp_path / "runs").exists()
    shutil.copy(SAMPLES / "15-blue-triangle-down.png", tmp_path / "clips")
    status, out, err = t2v("train", "--data", "clips", "--steps", 3, "--strict")
    assert (status, err) == (0, [])
    (tmp_path / "clips" / "old.avi").write_bytes(b"")                   # a resumed training is as strict as it was
    assert t2v("train", "--data", "clips", "--resume", "--out", "runs/clips", "--steps", 5)[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["digits", "list.json", "mnist"])
def test_training_on_anything(t2v, tmp_path, small_batches, kind):
    for i, clip in enumerate(sorted(SAMPLES.glob("*.gif"))): put(tmp_path, f"films/video{i}.gif", clip.read_bytes(), text=None)
    (tmp_path / "list.json").write_text(json.dumps(old_layout({f"video{i}": ["a cat", "a small cat"] for i in range(10)})))
    write_mnist(tmp_path / "mnist")
    status, out, err = t2v("train", "--data", kind, "--steps", 2)
    assert (status, err) == (0, []) and (tmp_path / "runs" / kind.split(".")[0] / "model.safetensors").exists(), err


def test_a_mixture_of_a_mixture(share=.75):
    "What was trained further with old clips is trained further again"
    inner = ReplayData(WorldData(World(), 16, 1), WorldData(World(), 16, 2), .75)
    data = ReplayData(open_data("digits", batch_size=16), inner, .75)
    assert (data.batch_size, data.new.batch_size, data.old.batch_size) == (16, 4, 12)
    assert (data.old.new.batch_size, data.old.old.batch_size) == (3, 9) and (inner.batch_size, inner.new.batch_size) == (16, 4)
    video, captions = data(3)
    assert len(video) == 16 and sum("digit" in caption for caption in captions) == 4
    for n in (2, 8):
        for k in range(n): assert same(data(3, shard=(k, n)), (video[k::n], captions[k::n]))


def test_one_clip_in_colours_is_one_clip(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (16, 24, 24, 3), dtype=np.uint8)
    np.save(tmp_path / "a.npy", frames)
    (tmp_path / "a.txt").write_text("a clip\n")
    clips = open_sequence(tmp_path / "a.npy", n_frames=16, size=24)
    assert len(clips) == 1 and clips.captions == [["a clip"]] and (clips[0][0] == frames).all()


@pytest.mark.parametrize("content", [{"video": ["a.gif"], "words": ["a cat"]}, {"video": {"0": "a.gif"}, "words": {"0": "a cat"}},
                                     {"a.gif": {"words": "a cat"}}, [{"video": "a.gif", "words": "a cat"}],
                                     {"videos": [{"video_id": "a"}], "sentences": [{"video_id": "a", "words": "a cat"}]},
                                     {"train": [{"video": "a.gif", "words": "a cat"}]}])
def test_the_key_of_captions_is_found_in_every_shape(content, tmp_path):
    put(tmp_path, "a.gif", text=None)
    (tmp_path / "list.json").write_text(json.dumps(content))
    clips, _ = quietly(open_sequence, tmp_path / "list.json", column="words")
    assert list(map(list, clips.captions)) == [["a cat"]] or list(clips.captions) == ["a cat"]


@pytest.mark.parametrize("ending, text, said", [
    (".json", '[{"words": "x"}, {"words": "y"}]', "words"), (".json", '[["a"], []]', "entry 2"),
    (".json", "5", "no list"), (".json", "null", "no list"), (".csv", "id,words\n0,x\n1,y\n", "words")])
def test_captions_of_an_array_that_say_nothing(ending, text, said, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((20, 2, 16, 16), np.uint8))
    (tmp_path / f"a{ending}").write_text(text)
    assert said in sentence(open_sequence, tmp_path / "a.npy")
    if said == "words": assert [list(one) for one in open_sequence(tmp_path / "a.npy", column="words").captions] == [["x"], ["y"]]


@pytest.mark.parametrize("beside", ["features.npy", "clips.tar"])
def test_what_lies_beside_clips_is_no_data_set(beside, tmp_path):
    put(tmp_path / "videos", "a.gif")
    if beside.endswith("npy"): np.save(tmp_path / beside, np.zeros((4, 8), np.float32))
    else: shutil.make_archive(str(tmp_path / "clips"), "tar", tmp_path / "videos")
    clips, _ = quietly(open_sequence, tmp_path)
    assert len(clips) == 1 and clips.read(0).frames.shape[0] == 8


def test_a_picture_beside_an_array_is_a_clip_only_if_asked_for(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((20, 2, 16, 16), np.uint8))
    still = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(still, "PNG")
    put(tmp_path, "plot.png", still.getvalue())
    assert len(quietly(open_sequence, tmp_path)[0]) == 2
    assert quietly(open_sequence, tmp_path, images=True)[0].captions[0] == "a red circle moving right"


@pytest.mark.parametrize("name", ["captions_idx.json", "train_idx.csv"])
def test_a_list_may_be_called_an_index(name, tmp_path):
    put(tmp_path, "a.gif", text=None)
    rows = [{"video": "a.gif", "caption": "a cat"}]
    (tmp_path / name).write_text(json.dumps(rows) if name.endswith("json") else "video,caption\na.gif,a cat\n")
    assert len(quietly(open_sequence, tmp_path / name)[0]) == 1


@pytest.mark.parametrize("text", ["\u200b", "\u00ad", "\x07", " \u2060 ", "\u0301", "\ufffd"])
def test_a_caption_that_nobody_can_see_is_none(text, tmp_path):
    "The text encoder finds nothing in it, and would stop the training"
    put(tmp_path, "a.gif", text="a cat")
    put(tmp_path, "b.gif", text=text)
    clips, warned = quietly(open_sequence, tmp_path)
    assert len(clips) == 1 and any("b.txt" in one and "empty" in one for one in [*warned, *clips.problems])


@pytest.mark.parametrize("n", [12, 16, 18, 20, 21])
def test_a_webp_that_ends_in_its_head(n, tmp_path):
    put(tmp_path, "a.gif")
    put(tmp_path, "b.webp", (b"RIFF\0\0\0\0WEBPVP8X" + bytes(10))[:n])
    (video, captions), _ = quietly(lambda: open_data(tmp_path, batch_size=4)(0))
    assert len(video) == 4 and set(captions) == {"a red circle moving right"}


def test_places_that_cannot_be_opened(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    assert "cannot be made" in sentence(write_folder, tmp_path / "file")
    assert re.search("cannot be opened|There is no folder", sentence(open_sequence, "x" * 300))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "make it readable" in sentence(open_sequence, tmp_path)
