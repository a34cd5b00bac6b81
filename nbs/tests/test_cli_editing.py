"The command line on video: five commands that begin with a clip, on any file, and what they refuse before a model is loaded"
import numpy as np
import pytest
from rerun import root
from test_cli import clips, no_model, refused   # noqa: F401  fixtures

from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import read_video

PROMPT = "a red circle moving right"
shipped = pytest.mark.skipif(not (root / "t2v_learn" / "weights" / "tiny").is_dir(), reason="no model is shipped yet")


def disc(n, h, w):
    "A white disc that falls, on grey"
    y, x = np.mgrid[:h, :w] + .5
    inside = np.stack([np.hypot(x - w / 2, y - h * (.2 + .6 * k / n)) < h / 6 for k in range(n)])
    return np.where(inside[..., None], [255] * 3, [40] * 3).astype(np.uint8)


@pytest.fixture
def films(tmp_path):
    "An MP4 of 30 frames of 64x48 at 25 a second, a GIF of the model's size, a picture, and masks"
    Clip(disc(30, 48, 64), 25).save(tmp_path / "long.mp4")
    Clip(disc(8, 32, 32), 8).save(tmp_path / "good.gif")
    Clip(disc(1, 48, 64), 8).save(tmp_path / "still.png")
    half = np.zeros((1, 48, 64, 3), np.uint8)
    half[:, 24:] = 255
    Clip(half, 8).save(tmp_path / "half.png")
    Clip(half[:, :32, :32] * 0, 8).save(tmp_path / "black.png")
    return tmp_path


CALLS = {"edit": [], "continue": [], "extend": [], "interpolate": [], "inpaint": ["--box", "4,4,20,20"]}
NAMES = {"edit": "edited", "continue": "continued", "extend": "extended", "interpolate": "between", "inpaint": "inpainted"}


@shipped
@pytest.mark.parametrize("command", CALLS)
@pytest.mark.parametrize("source", ["long.mp4", "good.gif"])
def test_each_takes_any_clip(t2v, films, command, source):
    status, out, err = t2v(command, source, PROMPT, "--steps", 1, *CALLS[command])
    assert (status, err) == (0, []) and f"{NAMES[command]}.gif" in out
    before, after = read_video(films / source), read_video(films / f"{NAMES[command]}.gif")
    assert after.frames.shape[1:] == (32, 32, 3)
    if command in ("edit", "interpolate", "inpaint"): assert len(after) / after.fps == pytest.approx(len(before) / before.fps, abs=.05)
    if command == "extend": assert len(after) == 2 * (10 if source == "long.mp4" else 8)


@shipped
def test_a_still_picture_goes_on(t2v, films):
    assert t2v("continue", "still.png", PROMPT, "--steps", 1)[0] == 0 and len(read_video(films / "continued.gif")) == 8
    assert t2v("interpolate", "still.png", PROMPT, "--last", "long.mp4", "--steps", 1, "-o", "between.png")[0] == 0
    refused(t2v("interpolate", "still.png", PROMPT, "--steps", 1), "last")


@shipped
@pytest.mark.parametrize("where, free", [
    (["--box", "0,0,32,8"], lambda m: m[:, :8]), (["--frames", "2:5"], lambda m: m[2:5]),
    (["--box", "16,0,16,32", "--frames", "0:1"], lambda m: m[:1, :, 16:])])
def test_outside_the_mask_nothing_changes(t2v, films, where, free):
    before = read_video(films / "good.gif").frames
    assert t2v("inpaint", "good.gif", PROMPT, "--steps", 1, "-o", "filled.png", *where)[0] == 0
    changed = (read_video(films / "filled.png").frames != before).any(-1)
    mask = np.zeros(changed.shape, bool)
    free(mask)[:] = True
    assert changed[mask].any() and not changed[~mask].any()


@shipped
def test_a_mask_from_a_file(t2v, films):
    assert t2v("inpaint", "long.mp4", PROMPT, "--mask", "half.png", "--steps", 1, "-o", "filled.png")[0] == 0
    before = read_video(films / "long.mp4", n_frames=8, size=32).frames
    changed = (read_video(films / "filled.png").frames != before).any(-1)
    assert changed[:, 17:].any() and not changed[:, :15].any()
    refused(t2v("inpaint", "good.gif", PROMPT, "--mask", "black.png", "--steps", 1), "nothing to draw", "above 16 of 255")


@shipped
def test_inversion_and_samplers_by_name(t2v, films):
    calls = {"plain.png": [], "own.png": ["--invert", "--source-prompt", "a white circle moving down"], "other.png": ["--sampler", "ddpm"]}
    for name, more in calls.items(): assert t2v("edit", "good.gif", PROMPT, "--steps", 3, "-o", name, *more)[::2] == (0, [])
    plain, own, other = (read_video(films / name).frames.astype(int) for name in calls)
    assert np.abs(plain - own).max() > 5 and np.abs(plain - other).max() > 5
    assert t2v("edit", "good.gif", PROMPT, "--strength", 0, "-o", "same.png")[0] == 0
    assert (read_video(films / "same.png").frames == read_video(films / "good.gif").frames).all()


@shipped
def test_unknown_words_are_named_once(t2v, films):
    for call in (["edit", "good.gif"], ["generate"], ["generate", "--model", "tiny-gan"]):
        steps = [] if "tiny-gan" in call else ["--steps", 1]
        status, out, err = t2v(call[0], *call[1:], "a red elephant moving right", *steps)
        assert status == 0 and len(err) == 1 and err[0].count("elephant") == 1 and err[0].startswith("warning: "), (call, err)


@pytest.mark.parametrize("args, parts", [
    (["edit", "good.gif", PROMPT, "--strength", "-0.1"], ["--strength", "-0.1"]),
    (["edit", "good.gif", PROMPT, "--strength", "nan"], ["--strength", "nan"]),
    (["edit", "good.gif", PROMPT, "--source-prompt", "a circle"], ["--source-prompt", "--invert"]),
    (["edit", "good.gif", PROMPT, "--invert", "--source-prompt", " "], ["source prompt is empty"]),
    (["edit", "good.gif", PROMPT, "--sampler", "dddm"], ["dddm", "ddim", "dpmpp_2m"]),
    (["edit", "good.gif", PROMPT, "--steps", "10000"], ["--steps", "10000"]),
    (["edit", "good.gif", PROMPT, "--model", "tiny-gan"], ["GAN cannot edit"]),
    (["generate", PROMPT, "--sampler", "dddm"], ["dddm", "ddim"]),
    (["generate", PROMPT, "--sampler", "ddim", "--model", "tiny-gan"], ["GAN", "sampler"]),
    (["continue", "good.gif"], ["prompt"]), (["continue", "good.gif", " "], ["prompt is empty"]),
    (["continue", "missing.gif", PROMPT], ["missing.gif"]), (["continue", "good.gif", PROMPT, "--given", "0"], ["--given"]),
    (["continue", "good.gif", PROMPT, "--model", "tiny-gan"], ["GAN cannot edit or continue"]),
    (["extend", "good.gif", PROMPT, "--length", "1"], ["--length"]), (["extend", "good.gif", PROMPT, "-o", "clip.doc"], ["clip.doc"]),
    (["interpolate", "good.gif", PROMPT, "--last", "missing.png"], ["missing.png"]),
    (["interpolate", "good.gif", PROMPT, "--negative-prompt", " "], ["negative prompt is empty"]),
    (["inpaint", "good.gif", PROMPT], ["--mask", "--box", "--frames"]),
    (["inpaint", "good.gif", PROMPT, "--mask", "half.png", "--box", "0,0,4,4"], ["--mask", "--box"]),
    (["inpaint", "good.gif", PROMPT, "--mask", "half.png"], ["64x48", "32x32"]),
    (["inpaint", "good.gif", PROMPT, "--mask", "missing.png"], ["missing.png"]),
    (["inpaint", "good.gif", PROMPT, "--box", "0,0,40,8"], ["32x32", "0,0,40,8"]),
    (["inpaint", "good.gif", PROMPT, "--box", "1,2,3"], ["1,2,3"]),
    (["inpaint", "good.gif", PROMPT, "--box", "0,0,0,8"], ["0,0,0,8"]), (["inpaint", "good.gif", PROMPT, "--box", "a,b,c,d"], ["a,b,c,d"]),
    (["inpaint", "good.gif", PROMPT, "--frames", "5:3"], ["5:3", "8"]), (["inpaint", "good.gif", PROMPT, "--frames", "2:9"], ["2:9", "8"]),
    (["inpaint", "good.gif", PROMPT, "--frames", "x"], ["--frames", "x"]),
    (["inpaint", "long.mp4", PROMPT, "--box", "0,0,8,48"], ["nothing to draw", "--fit pad", "a larger box"]),
    (["inpaint", "long.mp4", PROMPT, "--frames", "1:3"], ["nothing to draw", "8 frames, evenly spaced", "more frames"]),
], ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else None)
def test_refused_before_a_model_is_loaded(t2v, no_model, films, args, parts):   # noqa: F811
    before = {p: p.read_bytes() for p in films.iterdir()}
    refused(t2v(*args), *parts)
    assert before == {p: p.read_bytes() for p in films.iterdir()}


@shipped
@pytest.mark.parametrize("args, parts", [
    (["continue", "good.gif", "--given", "9"], ["1 to 7 frames can be given", "not 9"]),
    (["extend", "good.gif", "--length", "8"], ["more than that", "not 8"]),
    (["inpaint", "good.gif", "--frames", "0:8"], ["covers everything"])])
def test_refused_with_the_model_at_hand(t2v, films, args, parts):
    refused(t2v(args[0], args[1], PROMPT, *args[2:], "--steps", 1), *parts)
    assert not (films / f"{NAMES[args[0]]}.gif").exists()


@pytest.fixture
def uneven(tmp_path):
    "Sixteen pictures as an animated PNG, of which the first eight last 50 ms and the others 500; and a GIF that stores equal frames once"
    from PIL import Image
    pictures = [Image.fromarray(frame) for frame in disc(16, 32, 32)]
    pictures[0].save(tmp_path / "uneven.png", save_all=True, append_images=pictures[1:], duration=[50] * 8 + [500] * 8)
    still = pictures[:1] * 8 + pictures[8:]
    still[0].save(tmp_path / "merged.gif", save_all=True, append_images=still[1:], duration=100)
    masks = [Image.new("L", (32, 32), 255 * (k >= 8)) for k in range(16)]
    masks[0].save(tmp_path / "mask.gif", save_all=True, append_images=masks[1:], duration=100)
    return tmp_path


@shipped
@pytest.mark.parametrize("source, where, drawn", [
    ("uneven.png", ["--frames", "0:8"], [0]), ("uneven.png", ["--frames", "8:88"], [1, 2, 3, 4, 5, 6, 7]),
    ("merged.gif", ["--frames", "8:16"], [4, 5, 6, 7]), ("merged.gif", ["--frames", "0:2"], [0]),
    ("merged.gif", ["--mask", "mask.gif"], [4, 5, 6, 7])])
def test_frames_are_counted_by_their_time(t2v, uneven, source, where, drawn):
    from t2v_learn.video.containers import probe
    assert probe(uneven / source).n_shown == len(read_video(uneven / source)) > probe(uneven / source).n_frames or source == "uneven.png"
    before = read_video(uneven / source, n_frames=8, size=32).frames
    status, _, said = t2v("inpaint", source, PROMPT, "--steps", 1, "-o", "filled.png", *where)
    assert status == 0, said
    changed = (read_video(uneven / "filled.png").frames != before).any((1, 2, 3))
    assert np.flatnonzero(changed).tolist() == drawn
    if where[0] == "--frames": assert any("last unequally" in line and where[1] in line for line in said), "how they are counted is said"


def test_a_mask_of_another_length_is_refused(t2v, no_model, uneven):   # noqa: F811
    refused(t2v("inpaint", "uneven.png", PROMPT, "--mask", "mask.gif"), "2 frames in 1.6 s, the clip 88 in 4.4 s", "make them alike")
