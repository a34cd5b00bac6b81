"Clips in tars: read where they lie, as webdataset reads them; whatever is wrong with an archive is named; the emoji that ship"
import io
import os
import re
import subprocess
import sys
import tarfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import sentence
from rerun import root

from t2v_learn.core import InputError
from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import Member, probe, read_video, write_video
from t2v_learn.video.datasets import Prefetch, find_in_tars, open_data, open_sequence, survey

EMOJI = root / "data" / "emoji"
SAMPLES = root / "data" / "samples"
GIF = (SAMPLES / "00-white-triangle-right.gif").read_bytes()


def pack(file, *members, **options):
    "A tar of (name, bytes) or of ready headers"
    with tarfile.open(file, "w", **options) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return file


def pair(key, text=b"a disc", clip=GIF, ending="gif"): return (f"{key}.{ending}", clip), (f"{key}.txt", text)


# --- a clip inside an archive is the clip

@pytest.mark.parametrize("ending", ["gif", "png", "webp", "mp4", "webm", "mkv"])
def test_read_where_it_lies(tmp_path, ending):
    "Every kind of file, by every way that reading takes"
    clip = read_video(SAMPLES / "00-white-triangle-right.gif")
    write_video(clip, tmp_path / f"a.{ending}")
    content = (tmp_path / f"a.{ending}").read_bytes()
    tar = pack(tmp_path / "clips.tar", *pair("first"), (f"a.{ending}", content), ("a.txt", b"a clip"))
    members, captions, problems, _ = find_in_tars([tar])
    assert captions == ["a disc", "a clip"] and not problems
    for settings in ({}, dict(n_frames=3), dict(n_frames=5, size=16)):
        assert (read_video(members[1], **settings).frames == read_video(tmp_path / f"a.{ending}", **settings).frames).all()
    assert probe(members[1]) == probe(tmp_path / f"a.{ending}")


def test_a_damaged_clip_is_named_with_its_archive(tmp_path):
    tar = pack(tmp_path / "clips.tar", *pair("good"), *pair("bad", clip=b"no clip at all"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        batch = open_data(tar, batch_size=2)(0)
    assert batch[1] == ["a disc"] * 2 and any("clips.tar: bad.gif" in str(one.message) for one in said)
    assert "bad.gif" in sentence(open_data, tar, strict=True)


def avif(frames, **options):
    out = io.BytesIO()
    first, *others = map(Image.fromarray, frames)
    first.save(out, "AVIF", save_all=True, append_images=others, quality=95, subsampling="4:4:4", **options)
    return out.getvalue()


@pytest.mark.parametrize("name", ["a.avif", "a.dat.avif", "a.webp"])
def test_animated_avif(tmp_path, name):
    "All frames with their times, whatever the file is called; only the first is what another reader would give"
    frames = read_video(SAMPLES / "00-white-triangle-right.gif").frames
    (tmp_path / name).write_bytes(avif(frames, duration=80))
    clip = read_video(tmp_path / name)
    assert clip.frames.shape == frames.shape and np.abs(clip.frames.astype(int) - frames).mean() < 2
    assert clip.fps == pytest.approx(12.5, rel=.01) and probe(tmp_path / name).n_frames == 8


def test_uneven_and_still_avif(tmp_path):
    frames = read_video(SAMPLES / "00-white-triangle-right.gif").frames[:3]
    (tmp_path / "a.avif").write_bytes(avif(frames, duration=[100, 300, 100]))
    clip = read_video(tmp_path / "a.avif")
    assert len(clip.frames) == 5 and clip.fps == pytest.approx(10, rel=.01)
    Image.fromarray(frames[0]).save(tmp_path / "still.avif", quality=95)
    assert len(read_video(tmp_path / "still.avif").frames) == 1
    (tmp_path / "cut.avif").write_bytes(avif(frames, duration=100)[:300])
    assert "cut.avif" in sentence(read_video, tmp_path / "cut.avif")


def test_a_still_avif_in_a_folder_counts_with_images(tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.avif")
    (tmp_path / "a.txt").write_text("red")
    assert "still picture" in sentence(open_data, tmp_path) and len(open_sequence(tmp_path, images=True)) == 1


# --- what is wrong with an archive

def problems_of(tar): return find_in_tars([tar])[2]


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x", "C:\\x"])
def test_names_that_climb_out(tmp_path, name):
    tar = pack(tmp_path / "a.tar", *pair("good"), *pair(name))
    said = problems_of(tar)
    assert len(find_in_tars([tar])[0]) == 1 and all("leads out of the archive" in one for one in said) and len(said) == 2
    assert not list(tmp_path.parent.glob("x*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices(tmp_path, kind):
    info = tarfile.TarInfo("b.gif")
    info.type = kind
    info.linkname = "/etc/passwd"
    said, = (one for one in problems_of(pack(tmp_path / "a.tar", *pair("a"), info)) if "b.gif" in one)
    assert "link or the like" in said


def test_half_pairs_and_strangers(tmp_path):
    tar = pack(tmp_path / "a.tar", *pair("a"), ("b.gif", GIF), ("c.txt", b"a square"), ("d.gif", GIF), ("d.txt", b" \n"), ("e.pdf", b"x"))
    said = problems_of(tar)
    assert [sum(word in one for one in said) for word in ("b has no caption", "c has no clip", "d.txt is empty", "e is no clip")] == [1] * 4
    assert len(said) == 4


def header(name, size, kind=tarfile.REGTYPE):
    "A header that states any size"
    info = tarfile.TarInfo(name)
    info.type = kind
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = size.to_bytes(12, "big", signed=True) if size < 0 else b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("size", [-1, -512, -1024, -(10**9)])
@pytest.mark.parametrize("first", [True, False])
def test_sizes_below_zero(tmp_path, size, first):
    "Neither an endless loop nor bytes of others"
    good = pack(tmp_path / "good.tar", *pair("a")).read_bytes()
    good = good[:len(good.rstrip(b"\0")) // 512 * 512 + 512]
    (tmp_path / "a.tar").write_bytes((b"" if first else good) + header("b.gif", size) + GIF + bytes(2000))
    try: clips, _, said, _ = find_in_tars([tmp_path / "a.tar"])
    except InputError: assert first
    else: assert len(clips) == 1 and said


def test_thousands_of_long_names(tmp_path):
    (tmp_path / "a.tar").write_bytes(header("././@LongLink", 0, tarfile.GNUTYPE_LONGNAME) * 3000 + bytes(1024))
    try: find_in_tars([tmp_path / "a.tar"])
    except InputError: pass


@pytest.mark.parametrize("seed", [1, 3])
def test_a_name_with_two_splits_has_none(tmp_path, seed):
    pack(tmp_path / "set-train-val-000.tar", *pair("a"))
    line = f"from t2v_learn.video.datasets import *; print(open_sequence({str(tmp_path)!r}).facts.get('split'))"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, env=os.environ | dict(PYTHONHASHSEED=str(seed)))
    assert done.stdout.strip() == "None", done.stderr


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "avif"])
def test_still_pictures_count_only_if_asked_for(tmp_path, ending):
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, {"jpg": "JPEG"}.get(ending, ending.upper()))
    tar = pack(tmp_path / "a.tar", *pair("a", clip=out.getvalue(), ending=ending))
    clips, _, said, _ = find_in_tars([tar])
    assert not clips and "still picture" in said[0] and len(said) == 1
    assert len(find_in_tars([tar], images=True)[0]) == 1


def test_the_column_that_was_asked_for(tmp_path):
    tar = pack(tmp_path / "a.tar", ("a.gif", GIF), ("a.json", b'{"caption": "one", "prompt": "two"}'))
    assert find_in_tars([tar])[1] == ["one"] and find_in_tars([tar], column="prompt")[1] == ["two"]
    assert "'nope' with a caption" in find_in_tars([tar], column="nope")[2][0]
    both = pack(tmp_path / "b.tar", *pair("a"), ("a.json", b'{"caption": "one", "prompt": "two"}'))
    assert find_in_tars([both])[1] == ["a disc"] and find_in_tars([both], column="prompt")[1] == ["two"], "what was asked for, not the text"
    assert "leave --column out" in sentence(lambda: find_in_tars([pack(tmp_path / "c.tar", *pair("a"))], column="prompt"))


def test_what_has_the_name_of_another_clip_is_named(tmp_path):
    "A second clip is not lost in silence; a still beside a clip is its thumbnail, in any order"
    tar = pack(tmp_path / "a.tar", ("a.b.gif", GIF), *pair("a"))
    clips, _, (said,), _ = find_in_tars([tar])
    assert len(clips) == 1 and "is not used, since" in said and said.count(".gif") == 2
    still = io.BytesIO()
    Image.new("RGB", (8, 8)).save(still, "JPEG")
    for images in (False, True):
        (clip,), _, problems, _ = find_in_tars([pack(tmp_path / "b.tar", ("a.jpg", still.getvalue()), *pair("a"))], images=images)
        assert str(clip).endswith("a.gif") and not problems


def test_names_part_at_their_first_dot(tmp_path):
    *others, said = problems_of(pack(tmp_path / "a.tar", *pair("v1.0"), *pair("v1.5")))
    assert "take dots out of names" in said and "v1.0.gif" in said and "v1.5.gif" in others[0]


@pytest.mark.parametrize("name", ["train/000.tar", "a.tar.gz"])
def test_archives_in_places_where_none_are_read(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    pack(tmp_path / name, *pair("a"))
    assert "is an archive; name it" in str(survey(tmp_path))


@pytest.mark.parametrize("name", ["x-{000..002}.tar", "x-*.tar"])
def test_patterns_of_names(tmp_path, name):
    assert "patterns of names are not read" in sentence(lambda: open_data(tmp_path / name, 2, 16))


@pytest.mark.parametrize("name, content, word", [
    ("a.json", b'{"id": 3}', "no key that captions have"), ("a.json", b'{"caption": "%s"}' % (b"x" * 1_100_000), "keep only"),
    ("a.txt", b"x" * 20_000, "longer than 10,000")], ids=["no key", "long json", "long text"])
def test_captions_that_cannot_be(tmp_path, name, content, word):
    said, = problems_of(pack(tmp_path / "a.tar", ("a.gif", GIF), (name, content)))
    assert word in said


def test_twice_the_same(tmp_path):
    said, = problems_of(pack(tmp_path / "a.tar", *pair("a"), ("a.GIF", GIF)))
    assert "twice" in said


def test_captions_in_json_and_several(tmp_path):
    tar = pack(tmp_path / "a.tar", ("a.gif", GIF), ("a.json", b'{"caption": "a disc", "id": 3}'),
               ("b.gif", GIF), ("b.json", b'{"captions": ["one", "two"]}'),
               ("c.gif", GIF), ("c.json", b"{"),
               ("d/e.gif", GIF), ("d/e.txt", "été".encode()), ("d/e.json", b'{"caption": "not this"}'))
    _, captions, said, _ = find_in_tars([tar])
    assert captions == ["a disc", ["one", "two"], "été"] and "c.json is no JSON" in said[0] and len(said) == 1


def test_files_of_a_mac_and_folders_are_no_clips(tmp_path):
    folder = tarfile.TarInfo("d")
    folder.type = tarfile.DIRTYPE
    tar = pack(tmp_path / "a.tar", folder, ("d/._a.gif", b"x"), *pair("./d/a"))
    assert find_in_tars([tar])[1:3] == (["a disc"], [])


@pytest.mark.parametrize("share", [.1, .3, .5, .7, .9, .97])
def test_cut_short(tmp_path, share):
    "Wherever an archive ends, what came before is used, and the end is missed"
    tar = pack(tmp_path / "a.tar", *(member for k in range(6) for member in pair(f"{k}", f"clip {k}".encode())))
    data = tar.read_bytes()
    end = len(data.rstrip(b"\0"))
    tar.write_bytes(data[:int(share * end)])
    try: clips, captions, said, _ = find_in_tars([tar])
    except InputError as error:
        assert share == .1 and "a.tar" in str(error)
        return
    assert captions == [f"clip {k}" for k in range(len(clips))] and len(clips) == int(share * 6.0001)
    assert any("ends too early" in one for one in said)
    for clip in clips: assert read_video(clip).frames.shape == (8, 32, 32, 3)


def test_cut_between_two_files(tmp_path):
    "No half file tells, only the blocks that end a tar"
    tar = pack(tmp_path / "a.tar", *pair("a"))
    one = len(tar.read_bytes().rstrip(b"\0"))
    tar.write_bytes(tar.read_bytes()[:-(-one // 512) * 512])
    said, = problems_of(tar)
    assert "ends too early" in said


def test_two_archives_in_one_file(tmp_path):
    one = pack(tmp_path / "a.tar", *pair("a")).read_bytes()
    (tmp_path / "b.tar").write_bytes(one + pack(tmp_path / "c.tar", *pair("c")).read_bytes())
    said, = problems_of(tmp_path / "b.tar")
    assert "behind its end" in said


@pytest.mark.parametrize("content", [b"", b"x" * 99, b"x" * 5000, GIF])
def test_no_archive(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    assert "no tar archive" in sentence(open_data, tmp_path / "a.tar")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar.zst", "a.tar.xz"])
def test_compressed(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x1f\x8b" + bytes(100))
    assert "unpack" in sentence(open_data, tmp_path / name)


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names(tmp_path, format):
    key = "é" * 30 + "/" + "x" * 60 + "/" + "y" * 40
    tar = pack(tmp_path / "a.tar", *pair(key), format=format)
    assert find_in_tars([tar])[1:3] == (["a disc"], [])


def test_splits_by_the_names_of_archives(tmp_path):
    for name, n in (("train-000", 3), ("train-001", 2), ("held-out-names-000", 4), ("val", 1)):
        pack(tmp_path / f"set-{name}.tar", *(member for k in range(n) for member in pair(f"{name}-{k}")))
    assert [len(open_sequence(tmp_path, split=split)) for split in (None, "held-out-names", "val", "all")] == [5, 4, 1, 10]
    assert "held-out-names" in sentence(open_sequence, tmp_path, split="held-out-words")
    assert "held-out-names (4)" in str(survey(tmp_path))


# --- the emoji

@pytest.fixture(scope="module")
def emoji(): return open_sequence(EMOJI, n_frames=16, size=64, split="all")


def test_webdataset_reads_them(emoji):
    "The library that made the form, in its own order: the same clips, the same captions"
    import webdataset
    shards = sorted(map(str, EMOJI.glob("*.tar")))
    read = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False))
    assert [sample["txt"].decode() for sample in read] == emoji.captions
    for i in range(0, len(read), 97):
        assert read[i]["avif"] == emoji.clips[i].open().read() and read[i]["__key__"] == Path(emoji.clips[i].name).stem


def test_every_emoji_can_be_read(emoji):
    assert not emoji.problems and len(emoji) == len(set(emoji.captions)) > 2000
    for i in range(0, len(emoji), 11):
        frames = emoji.read(i).frames
        assert frames.shape == (16, 64, 64, 3) and np.abs(np.diff(frames.astype(int), axis=0)).max() > 8, emoji.captions[i]
        assert np.median(frames[:, 0, 0]) > 240, "on white"


def test_size_and_words(emoji):
    assert sum(file.stat().st_size for file in EMOJI.iterdir()) <= 25e6
    words = {word for caption in emoji.captions for word in re.findall(r"[\w'-]+", caption.lower())}
    assert 600 <= len(words) <= 630
    assert {"LICENSE", "README.md"} <= {file.name for file in EMOJI.iterdir()}


TONE = r", (light|medium-light|medium|medium-dark|dark) skin tone$"


def test_splits_hold_out_what_they_say():
    train, combinations, names = (open_sequence(EMOJI, split=split).captions for split in (None, "held-out-combinations", "held-out-names"))
    def name(caption): return re.sub(TONE, "", caption)
    seen = Counter(map(name, train))
    assert all(re.search(TONE, caption) and seen[name(caption)] >= 1 for caption in combinations), "the name is seen, in other tones"
    assert not set(seen) & set(map(name, names))
    assert not set(train) & set(combinations) and len(set(map(name, names))) >= 25
    assert len(set(map(name, combinations))) == len(combinations) >= 60


def test_shared_out_without_overlap_or_loss():
    "Over processes and threads: each clip once an epoch, whoever reads it"
    data = open_data(EMOJI, batch_size=30, n_frames=1, size=8)
    n = len(data.sequence)
    steps = -(-n // 30)
    alone = [data(step) for step in range(steps)]
    for world_size in (2, 3):
        for step in range(0, steps, 9):
            shares = [data(step, (k, world_size)) for k in range(world_size)]
            together = [None] * 30
            for k, (_, captions) in enumerate(shares): together[k::world_size] = captions
            assert together == alone[step][1]
    said = [caption for _, captions in alone for caption in captions][:n]
    assert len(set(said)) == n, "each clip once an epoch"
    with Prefetch(data, workers=3) as ahead:
        for step in range(8): assert torch.equal(ahead(step)[0], alone[step][0]) and ahead(step + 0)[1] == alone[step][1]


def test_shuffled_and_another_order_every_epoch():
    data = open_data(EMOJI, batch_size=500, n_frames=1, size=8)
    n = len(data.sequence)
    orders = [[data.index(epoch * n + place) for place in range(n)] for epoch in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(n)) and orders[0] != orders[1] and orders[0] != sorted(orders[0])


def test_t2v_data_looks_at_them():
    done = subprocess.run([sys.executable, "-m", "t2v_learn", "data", str(EMOJI)], capture_output=True, text=True)
    assert done.returncode == 0 and "clips can be used" in done.stdout and "avif" in done.stdout and "webdataset" in done.stdout


def test_a_member_is_read_into_memory_only_as_far_as_it_may_be(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"x")
    assert "unpack it" in sentence(read_video, Member(tmp_path / "a.tar", "a.gif", 0, 2**40))
    assert "no file" in sentence(read_video, Member(tmp_path / "none.tar", "a.gif", 0, 9))


def test_a_clip_keeps_its_duration():
    clip = open_sequence(EMOJI, n_frames=16, size=64).read(0)
    assert isinstance(clip, Clip) and .2 < len(clip.frames) / clip.fps < 4
