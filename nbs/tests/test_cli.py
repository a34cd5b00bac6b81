"The command line: what it refuses and how, what it warns of, and that a stopped training goes on as if nothing had happened"
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings

import pytest
from rerun import offline, root

from t2v_learn.video.containers import read_video

os.environ.update(offline)
shipped = pytest.mark.skipif(not (root / "t2v_learn" / "weights" / "tiny").is_dir(), reason="no model is shipped yet")
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
PROMPT = "a red circle moving right"
CALL = "from t2v_learn.cli import main; main()"
OFTEN = """
import os, signal, sys
from t2v_learn.diffusion.pipeline import TextToVideo
from t2v_learn.training import checkpoint, loop
TextToVideo.presets["tiny"].batch_size = 2
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
init, update, write = loop.Trainer.__init__, loop.Trainer.update, checkpoint.write_json
def often(self, *args, **kwargs):
    init(self, *args, **kwargs)
    self.saving = loop.Every(loop.Trainer.save, steps=1)
def mortal_update(self, *args):
    if moment == "in step 3" and self.budget.step == 2: die()
    update(self, *args)
def mortal_write(path, content):
    if moment == "while saving step 3" and ".new-000003" in str(path): die()
    write(path, content)
moment, *sys.argv[1:] = sys.argv[1:]
loop.Trainer.__init__, loop.Trainer.update, checkpoint.write_json = often, mortal_update, mortal_write
from t2v_learn.cli import main; main()
"""  # a training that saves after each step, and dies at a moment of our choice


def process(*args, code=CALL, module=False, **kwargs):
    "Arguments for a call of `t2v` in a process of its own; module: by `python -m`"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    start = ["-m", "t2v_learn"] if module else ["-c", code]
    return dict(args=[sys.executable, *start, *map(str, args)], env=env, **pipes, **kwargs)


@pytest.fixture(scope="module", autouse=True)
def small_batches():
    "Two clips a step, for this file only"
    from t2v_learn.diffusion.pipeline import TextToVideo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextToVideo.presets["tiny"], "batch_size", 2)
        yield


@pytest.fixture
def no_model(monkeypatch):
    "Fails the test if a model is loaded: what is wrong could have been seen before"
    from t2v_learn.training.pipeline import VideoGenerator
    monkeypatch.setattr(VideoGenerator, "from_pretrained", lambda *args, **kwargs: pytest.fail("the model was loaded first"))


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    "A folder of four captioned clips"
    from t2v_learn.video.datasets import write_folder
    folder = tmp_path_factory.mktemp("clips")
    write_folder(folder, n=4)
    return folder


def train(clips, out, *more, steps=5):
    return ["train", "--data", clips, "--steps", steps, "--seed", 3, "--out", out, *more]


@pytest.fixture(scope="module")
def trained(clips, tmp_path_factory):
    "The folder of a training that nothing disturbed"
    from t2v_learn.cli import run
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert run([str(a) for a in train(clips, out)]) == 0
    return out


def refused(answer, *parts):
    "Asserts that a call was refused in one sentence that says these things"
    status, out, err = answer
    assert (status, out, len(err)) == (2, "", 1), answer
    assert err[0].endswith((".", "`.", "`")), err[0]
    missing = [part for part in parts if str(part).lower() not in err[0].lower()]       # typer writes `prompt` or `PROMPT`
    assert not missing, f"{missing} not in {err[0]!r}"


def same_weights(a, b):
    from t2v_learn.training.checkpoint import load_weights
    a, b = load_weights(a)[0], load_weights(b)[0]
    return a.keys() == b.keys() and all(a[name].equal(b[name]) for name in a)


# Calls that cannot work

@pytest.mark.parametrize("args, parts", [
    (["generate"], ["prompt", "t2v generate --help"]),
    (["generate", ""], ["prompt is empty"]),
    (["generate", " \n "], ["prompt is empty"]),
    (["generate", "\udcff"], ["UTF-8"]),
    (["generate", PROMPT, "-o", "clip.doc"], ["clip.doc", ".gif"]),
    (["generate", PROMPT, "-o", "clip"], ["clip", ".gif"]),
    (["generate", PROMPT, "-o", "clip.gif", "--sheet"], ["clip.gif", ".png"]),
    (["generate", PROMPT, "-o", "missing/clip.gif"], ["missing"]),
    (["generate", PROMPT, "-o", "folder.gif"], ["folder.gif", "folder"]),
    (["generate", PROMPT, "-o", "file/clip.gif"], ["file"]),
    (["generate", PROMPT, "-o", "x" * 300 + ".gif"], ["xxx"]),
    (["generate", PROMPT, "--steps", "many"], ["--steps"]),
    (["generate", PROMPT, "--steps", "0"], ["--steps", "0"]),
    (["generate", PROMPT, "--seed", "-1"], ["--seed"]),
    (["generate", PROMPT, "--guidance-scale", "nan"], ["--guidance-scale", "nan"]),
    (["generate", PROMPT, "--precision", "fp8"], ["--precision", "fp32"]),
    (["generate", PROMPT, "--colour"], ["--colour"]),
    (["generate", "two", "prompts"], ["prompts"]),
    (["generate", PROMPT, "--negative-prompt", " "], ["negative prompt is empty"]),
    (["generate", PROMPT, "-o", "clip.gif", "--format", "mp4"], ["--format", "clip.gif"]),
    (["generate", PROMPT, "-o", "-", "--format", "doc"], ["standard output", ".doc", ".gif"]),
    (["generate", PROMPT, "-o", "-", "--sheet"], ["standard output", "sheet", ".png"]),
    (["edit", "good.gif", PROMPT, "--negative-prompt", ""], ["negative prompt is empty"]),
    (["draw", PROMPT], ["draw"]),
    (["edit", "file"], ["prompt"]),
    (["edit", "missing.gif", PROMPT], ["missing.gif"]),
    (["edit", "file", PROMPT], ["file"]),
    (["edit", "broken.gif", PROMPT], ["broken.gif"]),
    (["edit", "good.gif", ""], ["prompt is empty"]),
    (["edit", "good.gif", PROMPT, "--strength", "1.5"], ["--strength", "1.5"]),
    (["edit", "good.gif", PROMPT, "-o", "clip.doc"], ["clip.doc"]),
], ids=lambda value: " ".join(value)[:40].encode("ascii", "replace").decode() if isinstance(value, list) else None)
def test_refused_before_a_model_is_loaded(t2v, no_model, clips, tmp_path, args, parts):
    (tmp_path / "file").write_text("no clip")
    (tmp_path / "folder.gif").mkdir()
    shutil.copy(next(clips.glob("*.gif")), tmp_path / "good.gif")
    (tmp_path / "broken.gif").write_bytes((tmp_path / "good.gif").read_bytes()[:200])
    before = {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")}
    refused(t2v(*args), *parts)
    assert before == {p: p.is_file() and p.read_bytes() for p in tmp_path.rglob("*")}


def test_a_folder_that_takes_no_files_is_refused_early(t2v, no_model, monkeypatch):
    def denied(*args, **kwargs): raise PermissionError(13, "Permission denied")
    monkeypatch.setattr("tempfile.TemporaryFile", denied)
    refused(t2v("generate", PROMPT), "Permission denied")


@pytest.mark.parametrize("args, parts", [
    (["--preset", "huge"], ["huge", "tiny"]),
    (["--data", "missing"], ["missing"]),
    (["--data", "empty"], ["empty", "no clips"]),
    (["--data", "mute"], ["clip.gif", "caption"]),
    (["--data", "broken"], ["clip.gif"]),
    (["--steps", "3", "--minutes", "1"], ["steps", "minutes"]),
    (["--steps", "0"], ["--steps"]),
    (["--minutes", "nan"], ["--minutes"]),
    (["--device", "abacus", "--steps", "1"], ["abacus"]),
    (["--out", "file", "--steps", "1"], ["file"]),
    (["--size", "20", "--data", "CLIPS"], ["20x20", "multiple of 8"]),
    (["--size", "64"], ["8 frames of 32x32"]),
    (["--size", "0"], ["--size"]),
    (["--frames", "0"], ["--frames"]),
    (["--arch", "gan", "--size", "64", "--data", "CLIPS"], ["32x32", "64x64"]),
    (["--batch-size", "0"], ["--batch-size"]),
    (["--lr", "0"], ["--lr"]),
    (["--fit", "squeeze", "--data", "CLIPS"], ["squeeze", "crop", "pad"]),
    (["--model", "huge", "--data", "CLIPS"], ["huge", "tiny"]),
    (["--model", "tiny-gan", "--data", "CLIPS"], ["tiny-gan", "diffusion"]),
    (["--model", "tiny", "--size", "64", "--data", "CLIPS"], ["32x32"]),
    (["--replay", "1"], ["--replay"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_training_refused(t2v, clips, tmp_path, args, parts):
    for name in ("empty", "mute", "broken"): (tmp_path / name).mkdir()
    good = next(clips.glob("*.gif")).read_bytes()
    (tmp_path / "mute" / "clip.gif").write_bytes(good)
    (tmp_path / "broken" / "clip.gif").write_bytes(good[:200])
    (tmp_path / "broken" / "clip.txt").write_text(PROMPT)
    (tmp_path / "file").write_text("no folder")
    before = set(tmp_path.rglob("*"))
    refused(t2v("train", *(clips if arg == "CLIPS" else arg for arg in args)), *parts)
    assert set(tmp_path.rglob("*")) == before, "something was left behind"


def test_unknown_model_names_the_shipped_ones(t2v, tmp_path):
    (tmp_path / "clip.gif").write_bytes(b"old")
    refused(t2v("generate", PROMPT, "--model", "huge", "-o", "clip.gif"), "huge", "tiny")
    refused(t2v("generate", PROMPT, "--model", ".", "-o", "clip.gif"))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("clip.gif", b"old")]


@pytest.mark.slow
@pytest.mark.parametrize("damage, part", [
    ("bit", "damaged"), ("half", "damaged"), ("pickle", "pickle"), ("shape", "but"), ("missing tensor", "no tensor"),
    ("no json", "config.json"), ("no config", "config.json"), ("empty config", "config.json")])
def test_unusable_model_refused(t2v, trained, tmp_path, damage, part):
    model = tmp_path / "model"
    model.mkdir()
    for name in ("model.safetensors", "config.json"): shutil.copy(trained / name, model)
    spoil(model / "model.safetensors", model / "config.json", damage)
    before = set(tmp_path.rglob("*"))
    refused(t2v("generate", PROMPT, "--model", "model"), "model", part)
    assert set(tmp_path.rglob("*")) == before


def spoil(weights, config, damage):
    "Damages a model on disk"
    from safetensors.torch import load_file, save_file
    data = weights.read_bytes()
    if damage == "bit": weights.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    if damage == "half": weights.write_bytes(data[:len(data) // 2])
    if damage == "pickle": weights.write_bytes(b"\x80\x04\x95" + data)
    if damage == "no json": config.write_text("{")
    if damage == "no config": config.unlink()
    if damage == "empty config": config.write_text("{}")
    if damage in ("shape", "missing tensor"):
        tensors = load_file(weights)
        name = max(tensors, key=lambda n: tensors[n].ndim)
        tensors[name] = tensors[name][..., :-1].contiguous() if tensors[name].shape[-1] > 1 else tensors[name][:-1].contiguous()
        if damage == "missing tensor": del tensors[name]
        save_file(tensors, weights)


@pytest.mark.slow
def test_damaged_checkpoint_refused(t2v, clips, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    newest = max((tmp_path / "run" / "checkpoints").iterdir()) / "state.safetensors"
    data = newest.read_bytes()
    for content in (data[:1000], b"\x80\x04\x95" + data):
        newest.write_bytes(content)
        refused(t2v(*train(clips, "run", "--resume", steps=9)), newest.parent.name)
    refused(t2v(*train(clips, "run")), "resume")       # nor is a training overwritten by mistake


def test_a_mistake_of_ours_is_one_line_too(t2v, monkeypatch):
    def broken(*args): raise ZeroDivisionError("division\nby zero")
    monkeypatch.setattr("t2v_learn.cli._check_prompt", broken)
    status, out, err = t2v("generate", PROMPT)
    assert status == 1 and len(err) == 1 and "T2V_DEBUG" in err[0]
    monkeypatch.setenv("T2V_DEBUG", "1")
    with pytest.raises(ZeroDivisionError): t2v("generate", PROMPT)


def test_own_process_ends_with_one_line_and_status_2(tmp_path):
    done = subprocess.run(**process("generate", "", cwd=tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "the prompt is empty: say what the video shows.\n")


def test_nobody_reads_on(tmp_path):
    "As of `t2v progress --all | head -1`: silence"
    call = process("progress", "--all", cwd=tmp_path)
    with subprocess.Popen(**call) as running:
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (141, "")


def test_closed_standard_output_takes_no_video(tmp_path):
    code = "import sys; sys.stdout = sys.__stdout__ = None; from t2v_learn.cli import main; main()"
    done = subprocess.run(**process("generate", PROMPT, "-o", "-", "--steps", 1, cwd=tmp_path, code=code))
    assert (done.returncode, done.stderr) == (2, "standard output is closed: name a file with -o.\n")


def test_links_that_lead_to_themselves_are_no_mistake_of_ours(t2v, no_model, tmp_path):
    for name in ("loop.gif", "loop", "loop.json"): (tmp_path / name).symlink_to(name)
    refused(t2v("edit", "loop.gif", PROMPT), "there is no file loop.gif")
    refused(t2v("page", "loop"), "leads to itself")
    refused(t2v("train", "--data", "loop", "--steps", 1, "--out", "run"), "loop")
    from t2v_learn.cli import _check_output
    _check_output(tmp_path / "loop.gif")                       # a file takes its place


def test_help_is_quick_and_loads_nothing_heavy():
    code = "import sys; from t2v_learn.cli import run; run(['--help']); run(['train', '--help']); " \
           "heavy = {'torch', 'transformers', 'matplotlib', 'accelerate', 'sklearn', 'ipywidgets'} " \
           "& set(sys.modules); assert not heavy, heavy"
    done = subprocess.run(**process(code=code))
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("generate", "edit", "Look at clips", "train", "evaluate", "models", "progress", "lab",
                                               "--resume"))


def test_the_version(t2v):
    from t2v_learn import __version__
    assert t2v("--version") == (0, f"t2v_learn {__version__}\n", [])


def test_python_m(tmp_path):
    done = subprocess.run(**process("--version", module=True, cwd=tmp_path))
    assert done.returncode == 0 and done.stdout.startswith("t2v_learn ")
    done = subprocess.run(**process("generate", "", module=True, cwd=tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "the prompt is empty: say what the video shows.\n")


def test_of_several_processes_the_first_one_speaks(t2v, monkeypatch, capfd):
    from t2v_learn.cli import say
    monkeypatch.setattr("accelerate.state.PartialState._shared_state", {})
    monkeypatch.setenv("RANK", "1")
    assert t2v("--version") == (0, "", []) and t2v("generate", "") == (2, "", [])
    say("a process is lost.", anyone=True)
    assert capfd.readouterr().err == "a process is lost.\n"
    monkeypatch.setenv("RANK", "0")
    assert t2v("--version")[1] and len(t2v("generate", "")[2]) == 1


# Calls that work

@shipped
def test_generate_overwrites_and_is_repeatable(t2v, tmp_path):
    (tmp_path / "a.gif").write_bytes(b"old")
    for name in ("a.gif", "b.gif"):
        status, out, err = t2v("generate", PROMPT, "-o", name, "--steps", 4)
        assert (status, err) == (0, []) and name in out
    a, b = read_video(tmp_path / "a.gif"), read_video(tmp_path / "b.gif")
    assert a.frames.shape == (8, 32, 32, 3) and (a.frames == b.frames).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "b.gif"]


@shipped
@pytest.mark.slow
def test_generated_video_shows_the_prompt(tmp_path):
    "As a user types it, in a process of its own"
    from t2v_learn.video.verify import read_scene
    done = subprocess.run(**process("generate", PROMPT, "-o", "clip.mp4", cwd=tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    scene = read_scene(read_video(tmp_path / "clip.mp4")).scene
    assert scene is not None and (scene.actors[0].color, scene.actors[0].shape, scene.actors[0].motion) == ("red", "circle", "right")


@shipped
def test_standard_output_is_the_video_and_nothing_else(tmp_path):
    call = process("generate", "a red elephant", "-o", "-", "--steps", 1, "--format", "mp4", cwd=tmp_path)
    done = subprocess.run(**call | dict(text=False))
    assert done.returncode == 0 and b"elephant" in done.stderr and b"8 frames of 32x32" in done.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "clip.mp4").write_bytes(done.stdout)
    assert len(read_video(tmp_path / "clip.mp4")) == 8


def test_a_terminal_shows_no_video(t2v, no_model, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    refused(t2v("generate", PROMPT, "-o", "-"), "terminal", "-o -")


def test_a_gif_that_would_be_too_fast_is_said(t2v, tmp_path, capfd):
    import numpy as np
    from t2v_learn.cli import _one_line_warnings, _save_clip
    from t2v_learn.video.containers import Clip
    for name, fps, said in (("a.gif", 100, 1), ("b.gif", 50, 0), ("c.mp4", 100, 0)):
        with _one_line_warnings(): _save_clip(Clip(np.zeros((8, 16, 16, 3), np.uint8), fps), tmp_path / name)
        err = capfd.readouterr().err
        assert err.count("\n") == said and ("at most 50 frames a second" in err) == bool(said)


@shipped
@pytest.mark.parametrize("name", ["clip.webm", "clip.png", "sheet.png"])
def test_endings(t2v, tmp_path, name):
    sheet = ["--sheet"] if name.startswith("sheet") else []
    assert t2v("generate", PROMPT, "-o", name, "--steps", 1, *sheet)[0] == 0
    assert len(read_video(tmp_path / name)) == (1 if sheet else 8)


@shipped
def test_edit(t2v, clips, tmp_path):
    source = next(clips.glob("*.gif"))
    status, out, err = t2v("edit", source, "a blue square moving up", "--strength", 0.5, "--steps", 2)
    assert (status, err) == (0, []) and len(read_video(tmp_path / "edited.gif")) == 8


@shipped
def test_an_edit_lasts_as_long_as_its_input(t2v, clips, tmp_path):
    import numpy as np
    from t2v_learn.video.containers import Clip
    Clip(np.zeros((12, 40, 64, 3), np.uint8), fps=3).save(tmp_path / "slow.mp4")
    assert t2v("edit", "slow.mp4", PROMPT, "--steps", 2, "-o", "edited.mp4")[0] == 0
    edited = read_video(tmp_path / "edited.mp4")
    assert len(edited) == 8 and edited.fps == pytest.approx(2)


@shipped
def test_a_negative_prompt_changes_the_clip(t2v, tmp_path):
    for name, more in (("a.gif", []), ("b.gif", ["--negative-prompt", "a blue circle moving right"])):
        assert t2v("generate", "a circle moving right", "-o", name, "--steps", 4, *more)[::2] == (0, [])
    assert (read_video(tmp_path / "a.gif").frames != read_video(tmp_path / "b.gif").frames).any()
    answer = t2v("generate", PROMPT, "--negative-prompt", "a blue circle", "--guidance-scale", 1)
    refused(answer, "negative prompt", "guidance scale above 1")


@shipped
def test_what_a_gan_does_not_take_is_said(t2v, tmp_path):
    assert t2v("generate", PROMPT, "--model", "tiny-gan")[2] == []
    status, out, err = t2v("generate", PROMPT, "--model", "tiny-gan", "--steps", 4, "--guidance-scale", 3, "--negative-prompt", "a square")
    assert status == 0 and len(err) == 1 and all(word in err[0] for word in ("warning", "steps", "guidance scale", "negative prompt"))
    refused(t2v("edit", tmp_path / "clip.gif", PROMPT, "--model", "tiny-gan"), "GAN cannot edit")


@shipped
@pytest.mark.parametrize("options", [("--steps", 1), ("--model", "tiny-gan")])
def test_unknown_words_are_named_by_any_model(t2v, tmp_path, options):
    status, out, err = t2v("generate", "a red elephant moving right", *options)
    assert status == 0 and len(err) == 1 and err[0].startswith("warning: ") and "elephant" in err[0] and "circle" not in err[0]
    assert (tmp_path / "clip.gif").exists()


@shipped
def test_long_prompt_is_cut_with_one_warning(t2v, tmp_path):
    status, out, err = t2v("generate", PROMPT + " and a red circle moving right" * 100, "--steps", 1)
    assert status == 0 and len(err) == 1 and err[0].startswith("warning: ") and "512" in err[0]
    assert (tmp_path / "clip.gif").exists()


def test_warnings_of_others_are_left_out(capfd):
    import t2v_learn
    from t2v_learn.cli import _one_line_warnings
    with _one_line_warnings():
        for file in (t2v_learn.__file__, "elsewhere.py"): warnings.warn_explicit(f"said in\n{file}", UserWarning, file, 1)
    assert capfd.readouterr().err.count("\n") == 1


@shipped
@pytest.mark.slow
def test_evaluate(t2v):
    status, out, err = t2v("evaluate", "--n", 8, "--steps", 4)
    assert (status, err) == (0, [])
    assert re.match(r"seen: joint \d+\.\d% \[\d+\.\d%, \d+\.\d%\] \(95 %, Wilson\), n = 8\n", out), out
    refused(t2v("evaluate", "--split", "unseen"), "unseen", "held-out-combinations")
    status, out, err = t2v("evaluate", "--n", 8, "--against", "tiny-gan")
    assert status == 0 and "tiny-gan, seen: joint" in out, err
    assert re.search(r"tiny against tiny-gan: difference [+-]\d+\.\d% .* n = 8 pairs: only the first right \d", out)
    refused(t2v("evaluate", "--against", "nobody"), "nobody")
    refused(t2v("evaluate", "--against", "emoji"), "emoji", "different worlds")
    refused(t2v("evaluate", "--against", "tiny-gan", "--edits"), "--against", "leave one of them out")


@shipped
@pytest.mark.slow
def test_models(t2v):
    status, out, err = t2v("models")
    assert (status, err) == (0, []) and "moving" in out
    for name in ("tiny", "tiny-gan"):
        head, = (line for line in out.splitlines() if line.startswith(f"{name}:"))
        assert "8 frames of 32x32" in head and "million weights" in head and "s a clip" in head
    assert re.search(r"seen: \d+\.\d% \[\d+\.\d%, \d+\.\d%\] of 512 clips", out)


@pytest.fixture
def progress_file(tmp_path, monkeypatch):
    "Where solved exercises are remembered, for this test only"
    file = tmp_path / "home" / "progress.jsonl"
    monkeypatch.setenv("T2V_PROGRESS", str(file))
    return file


def test_progress_of_somebody_who_begins(t2v, progress_file):
    from t2v_learn.exercises.answers import all_exercises
    every = all_exercises()
    status, out, err = t2v("progress")
    assert (status, err) == (0, [])
    *rows, total = out.splitlines()
    assert [row.split()[0] for row in rows] == list(dict.fromkeys(about.lesson for about in every))
    assert all(re.fullmatch(r"\S+ +0/\d +\d+ min\. left, next: 1\. .+ \((easy|medium|hard), \d+ min\.\)", row) for row in rows), rows
    hours = sum(about.minutes for about in every) / 60
    assert total == f"0 of {len(every)} exercises solved, {hours:.1f} hours left; remembered in {progress_file}"
    assert not progress_file.exists()                                     # asking writes nothing


def test_progress_counts_what_is_solved(t2v, progress_file):
    from t2v_learn.exercises.answers import all_exercises
    every = all_exercises()
    first = [about for about in every if about.lesson == every[0].lesson]
    progress_file.parent.mkdir()
    def solve(*some):
        lines = [f'{{"lesson": "{one.lesson}", "number": {one.number}}}\n' for one in some]
        progress_file.write_text("".join(lines) + "damaged\n")
    solve(first[0])
    out = t2v("progress")[1].splitlines()
    left = sum(about.minutes for about in first[1:])
    assert re.fullmatch(rf"{first[0].lesson} +1/{len(first)} +{left} min\. left, next: 2\. .+", out[0]), out[0]
    assert out[-1].startswith(f"1 of {len(every)} exercises solved, ")
    solve(*first)
    assert re.fullmatch(rf"{first[0].lesson} +{len(first)}/{len(first)} +0 min\. left, all solved", t2v("progress")[1].splitlines()[0])


def test_progress_lists_every_exercise(t2v, progress_file):
    from t2v_learn.exercises.answers import all_exercises
    every = all_exercises()
    progress_file.parent.mkdir()
    progress_file.write_text(f'{{"lesson": "{every[1].lesson}", "number": {every[1].number}, "when": "2026-11-27 10:00"}}\n')
    status, out, err = t2v("progress", "--all")
    assert (status, err) == (0, [])
    listed = [line for line in out.splitlines() if line.startswith("    ")]
    assert len(listed) == len(every) and all(about.title in line for about, line in zip(every, listed))
    assert listed[1].endswith(": solved 2026-11-27 10:00") and all(line.endswith(": open") for line in listed[:1] + listed[2:])


def test_progress_works_outside_a_clone(tmp_path):
    done = subprocess.run(**process("progress", cwd=tmp_path, module=True))
    assert done.returncode == 0 and " exercises solved, " in done.stdout, done.stderr


def test_progress_without_the_packages_of_the_lab(t2v, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("t2v_learn.exercises")]: monkeypatch.delitem(sys.modules, name)
    for name in ("ipywidgets", "ipykernel", "jupyterlab", "gensim", "diffusers"): monkeypatch.setitem(sys.modules, name, None)
    status, out, err = t2v("progress")
    assert status == 0 and "exercises solved" in out, err


@pytest.mark.slow
def test_a_model_of_ones_own_clips_is_evaluated_on_them(t2v, clips, trained):
    status, out, err = t2v("evaluate", "--model", trained, "--n", 4, "--steps", 2)
    assert status == 0 and "training loss" in out and "nearest training clip" in out and "log-SNR" in out
    status, out, err = t2v("evaluate", "--data", clips, "--n", 4, "--steps", 2)
    assert status == 0 and "clips of others" in out
    refused(t2v("evaluate", "--model", trained, "--edits"), "our own worlds")


@pytest.mark.slow
def test_a_training_is_diagnosed(t2v, tmp_path, trained):
    status, out, err = t2v("diagnose", trained)
    assert status == 0 and out.startswith(f"{trained}: a U-Net after "), (out, err)
    refused(t2v("diagnose", tmp_path / "nowhere"), "nowhere")
    (tmp_path / "empty").mkdir()
    refused(t2v("diagnose", tmp_path / "empty"), "holds no training", "t2v train")


# Training

@pytest.mark.slow
def test_trained_weights_go_on(t2v, clips, tmp_path):
    status, out, err = t2v("train", "--model", "tiny", "--data", clips, "--steps", 2, "--batch-size", 2, "--out", "run")
    assert status == 0 and "run" in out
    status, out, err = t2v("train", "--out", "run", "--resume", "--steps", 3)      # the model, the data and the batch are remembered
    assert status == 0, err
    from t2v_learn.training.pipeline import read_config, read_training
    assert read_training("run")["batch_size"] == 2 and read_config("run")["trained"]["steps"] == 3
    assert read_config("run")["trained"]["before"]["steps"] == 4690
    refused(t2v("train", "--out", "run", "--resume"), "nothing is left to train", "--steps")
    refused(t2v("train", "--out", "run", "--resume", "--arch", "gan"), "unet3d", "gan")


@pytest.mark.slow
def test_sizes_are_kept_for_resuming(t2v, clips, tmp_path):
    asked = ["--size", 16, "--frames", 4, "--batch-size", 2, "--grad-accum", 2, "--lr", 1e-3]
    assert t2v(*train(clips, "run", *asked, steps=1))[0] == 0
    assert t2v("train", "--out", "run", "--resume", "--steps", 2)[0] == 0
    from t2v_learn.training.pipeline import read_config, read_training
    kept = read_training("run")
    assert (kept["size"], kept["frames"], kept["batch_size"], kept["grad_accum"], kept["lr"]) == (16, 4, 2, 2, 1e-3)
    assert read_config("run")["shape"] == [3, 4, 16, 16]


@pytest.mark.slow
def test_same_seed_gives_equal_weights(t2v, clips, trained):
    "And the trained model can be used, with no checkpoint older than two left"
    assert t2v(*train(clips, "again"))[0] == 0
    assert same_weights("again", trained)
    assert t2v("generate", PROMPT, "--model", "again", "--steps", 1)[0] == 0


@pytest.mark.slow
@posix
@pytest.mark.parametrize("moment", ["in step 3", "while saving step 3"])
def test_killed_and_resumed_equals_never_killed(t2v, clips, trained, tmp_path, moment):
    done = subprocess.run(**process(moment, *train(clips, "run"), code=OFTEN, cwd=tmp_path))
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert [p.name for p in sorted((tmp_path / "run" / "checkpoints").glob("step-*"))] == ["step-000001", "step-000002"]
    status, out, err = t2v("train", "--data", clips, "--out", "run", "--resume")      # steps and seed are remembered
    assert status == 0, err
    assert same_weights("run", trained)


@pytest.mark.slow
@posix
def test_interrupted_says_how_to_go_on(t2v, clips, trained, tmp_path):
    with subprocess.Popen(**process("never", *train(clips, "my run", steps=1000), code=OFTEN, cwd=tmp_path)) as running:
        end = time.time() + 120
        while not list(tmp_path.glob("my run/checkpoints/step-*")) and running.poll() is None and time.time() < end: time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    *lines, err = err.splitlines()                       # before it, at most the lines of the progress
    assert running.returncode == 130 and all("%|" in line for line in lines), lines
    assert "--resume" in err and "--out 'my run'" in err
    step = max((tmp_path / "my run" / "checkpoints").iterdir()).name
    assert f"step {int(step.removeprefix('step-'))}," in err


def test_a_training_to_resume_must_be_there(t2v, clips):
    refused(t2v(*train(clips, "nowhere", "--resume")), "nowhere")


@pytest.mark.slow
def test_killed_before_its_first_checkpoint_it_starts_again(t2v, clips, trained, tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)       # what such a training leaves
    status, out, err = t2v(*train(clips, "run", "--resume"))
    assert status == 0 and "no checkpoint" in out and same_weights("run", trained)


# The course

def test_lab_elsewhere_says_how_to_get_the_course(t2v, monkeypatch):
    monkeypatch.setattr("t2v_learn.cli.course_folder", lambda *around: None)
    refused(t2v("lab"), "clone", "t2v lab")


def test_lab_without_jupyterlab_says_what_to_install(t2v, monkeypatch):
    monkeypatch.setattr("t2v_learn.cli.course_folder", lambda *around: root / "nbs")
    monkeypatch.setattr("importlib.util.find_spec", lambda *args: None)
    refused(t2v("lab"), 'pip install "t2v_learn[lab]"')


def test_lab_opens_the_course(t2v, monkeypatch):
    started = []
    monkeypatch.setattr("subprocess.run", lambda args, cwd: started.append((args, cwd)) or subprocess.CompletedProcess(args, 0))
    monkeypatch.setattr("signal.signal", lambda *args: None)
    assert t2v("lab", "--", "--no-browser")[0] == 0
    (args, cwd), = started
    assert args[1:] == ["-m", "jupyterlab", "--no-browser", "index.ipynb"] and cwd == root / "nbs"     # the tour
    assert (root / "nbs" / "index.ipynb").is_file()


@pytest.mark.parametrize("trained, data, split, said", [
    (dict(split="all"), None, None, "trained on these"), (dict(split="training"), None, None, "trained on these"),
    ({}, None, "training", "trained on these"), ({}, None, "all", "among them"), (dict(split="all"), None, "test", "trained on these"),
    ({}, None, "test", "held out"), (dict(split="train"), None, "validation", "held out"), ({}, "same", "test", "held out"),
    ({}, "same", None, "trained on these"), ({}, "other", None, "of others")])
def test_whose_clips_these_are(trained, data, split, said, tmp_path):
    from t2v_learn.cli import _about_clips
    for name in ("same", "other"): (tmp_path / name).mkdir()
    trained = trained | dict(data=str(tmp_path / "same"))
    assert said in _about_clips(trained, data and tmp_path / data, split)


def test_data_of_the_clone_is_known_by_its_name():
    from t2v_learn.cli import _about_clips
    assert "trained on these" in _about_clips(dict(data="emoji"), root / "data" / "emoji", None)
    assert "of others" in _about_clips(dict(data="emoji"), root / "data" / "samples", None)


@pytest.mark.parametrize("options", [["--deranged"], ["--edits"]])
def test_a_control_is_not_kept_as_the_score(options, t2v):
    status, out, err = t2v("evaluate", "--save", "--n", 4, *options)
    assert (status, out, len(err)) == (2, "", 1) and "--save" in err[0]
