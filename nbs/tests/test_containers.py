"Clips in files: every frame in, every frame out, by time; what is readable of broken files; a write is whole or not at all"
import io
import os
import re
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imageio_ffmpeg import count_frames_and_secs, get_ffmpeg_exe
from PIL import Image, ImageOps

from t2v_learn.core import InputError
from t2v_learn.video import containers as module
from t2v_learn.video.clips import Clip, fit_square
from t2v_learn.video.containers import (_repeats, constant_rate, frame_ticks, probe, read_video, sample_uniformly, shown_at, write_sheet,
                                        write_video)

ENDINGS = ["gif", "png", "apng", "webp", "mp4", "mov", "mkv", "avi", "webm"]
LOSSY = ("mp4", "mov", "mkv", "avi")


def disc(n_frames=8, height=32, width=32, color=(255, 60, 40)):
    "A disc that moves to the right; few colours, so that a GIF can hold it exactly"
    y, x = np.mgrid[:height, :width] + 0.5
    centres = np.linspace(0.3, 0.7, n_frames) * width
    cover = [np.clip(min(height, width) / 5 - np.hypot(x - centre, y - height / 2), 0, 1)[..., None] for centre in centres]
    return (np.array(cover) * color).round().astype(np.uint8)


def half_still():
    "Frames 2 to 5 are equal, and the last two"
    return disc()[[0, 1, 2, 2, 2, 2, 3, 3]]


CLIPS = {"moving": disc(), "still": disc()[[3] * 8], "half still": half_still(), "one frame": disc(1), "two equal frames": disc()[[0, 0]],
         "odd": disc(5, 31, 33), "odd height": disc(3, 21, 40), "narrow": disc(4, 3, 50), "one pixel": disc(3, 1, 1),
         "long": disc(60, 16, 16),
         "noise": np.random.default_rng(0).integers(0, 256, (6, 24, 24, 3), dtype=np.uint8), "black": np.zeros((4, 16, 16, 3), np.uint8)}


def sentence(path, call):
    "The one sentence with which a call refuses a path"
    with pytest.raises(InputError) as caught: call()
    text = str(caught.value)
    assert Path(path).name in text and "\n" not in text and text.endswith("."), text
    return text


# --- round trips

@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_round_trip(tmp_path, ending, name):
    frames, path = CLIPS[name], tmp_path / f"a.{ending}"
    write_video(Clip(frames), path)
    back = read_video(path)
    assert back.frames.shape == frames.shape
    colors = max(len(np.unique(frame.reshape(-1, 3), axis=0)) for frame in frames)
    if ending not in LOSSY and (ending != "gif" or colors <= 256): assert (back.frames == frames).all()
    elif name != "noise": assert np.abs(back.frames.astype(int) - frames).mean() < 6
    if ending not in ("png", "apng") or len(frames) > 1: assert back.fps == 8   # a still PNG has no rate to keep
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["moving", "still", "half still", "odd"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_others_count_the_same_frames(tmp_path, ending, name):
    "Pillow and ffmpeg, asked directly"
    path = tmp_path / f"a.{ending}"
    write_video(Clip(CLIPS[name]), path)
    count = Image.open(path).n_frames if ending in ("gif", "png", "apng", "webp") else count_frames_and_secs(str(path))[0]
    assert count == len(CLIPS[name]) == probe(path).n_frames


@pytest.mark.parametrize("fps", [1, 4, 7.5, 8, 12, 24, 25, 30, 50])
@pytest.mark.parametrize("ending", ["gif", "png", "webp", "mp4", "avi", "webm"])
def test_rate_comes_back(tmp_path, ending, fps):
    write_video(Clip(disc(9), fps=3), tmp_path / f"a.{ending}", fps=fps)
    back = read_video(tmp_path / f"a.{ending}")
    assert len(back) == 9
    assert back.fps == pytest.approx(fps, rel=.01 if ending == "gif" and fps % 1 else 1e-3)


def test_the_ending_may_lie(tmp_path):
    for ending in ("gif", "png", "mp4", "webm"):
        write_video(Clip(disc()), tmp_path / f"a.{ending}")
        (tmp_path / f"a.{ending}").rename(tmp_path / "a.dat")
        assert len(read_video(tmp_path / "a.dat")) == 8


# --- files of other programs

@pytest.mark.parametrize("durations, grain, wanted", [([120, 250, 120], 10, [1, 2, 1]), ([50, 20, 20, 40], 10, None),
                                                      ([100] * 7 + [5000], 10, [1] * 7 + [50]), ([125, 1000], 0, [1, 8])])
def test_how_many_frames_an_image_stands_for(durations, grain, wanted):
    counts = _repeats(np.array(durations) / 1000, grain / 1000)
    assert (counts if counts is None else counts.tolist()) == wanted


def test_merged_frames_are_given_back(tmp_path):
    "Pillow merges equal neighbours into one image that lasts longer"
    for ending, duration in (("gif", 100), ("gif", 125), ("png", 125)):
        first, *others = [Image.fromarray(frame) for frame in half_still()]
        first.save(tmp_path / f"a.{ending}", save_all=True, append_images=others, duration=duration)
        assert Image.open(tmp_path / f"a.{ending}").n_frames == 4
        back = read_video(tmp_path / f"a.{ending}")
        assert (back.frames == half_still()).all(), (ending, duration)


def on_screen(lasts, t):
    "The oracle, in words: the last frame that has begun"
    begins = [sum(lasts[:i]) for i in range(len(lasts))]
    return max(i for i, begin in enumerate(begins) if begin <= t + 1e-9)


@given(st.lists(st.floats(.004, 3), min_size=1, max_size=30), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_frame_k_is_what_a_player_shows_at_k_over_fps(lasts, n_frames):
    for index, fps in (sample_uniformly(lasts, n_frames), constant_rate(lasts)):
        assert len(index) / fps == pytest.approx(sum(lasts), rel=1e-3)                       # the duration is kept
        assert (np.diff(index) >= 0).all() and index[0] == 0
        begins = np.cumsum(lasts) - lasts
        tick = 1 / fps
        for k, i in enumerate(index):
            near = .011 + .05 * tick                                                             # even ones may be off by a little
            assert begins[i] <= k / fps + near and (i + 1 == len(lasts) or begins[i + 1] >= k / fps - near)
    times = np.linspace(0, sum(lasts) * .999, 17)
    assert [on_screen(lasts, t) for t in times] == shown_at(lasts, times).tolist()


UNEVEN = [.05] * 6 + [.5, .5, .5, .45, .5, .05]


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "mp4", "mkv", "ts"])
def test_uneven_times_are_kept(tmp_path, ending):
    "A bar that moves two pixels with each image, which last unevenly: it stands where a player shows it"
    frames = np.zeros((12, 16, 32, 3), np.uint8)
    for i in range(12): frames[i, :, 2 * i:2 * i + 4] = 255
    path = tmp_path / f"a.{ending}"
    if ending in ("gif", "png", "webp"):
        first, *others = [Image.fromarray(frame) for frame in frames]
        first.save(path, save_all=True, append_images=others, duration=[round(1000 * lasts) for lasts in UNEVEN], lossless=True)
    else: write_with_times(path, frames, UNEVEN)
    for how in ({}, dict(n_frames=8), dict(n_frames=50), dict(n_frames=5, size=16, fit="stretch")):
        clip = read_video(path, **how)
        assert len(clip) / clip.fps == pytest.approx(sum(UNEVEN), abs=.011 if ending in ("gif", "png", "webp") else .06)
        for k, frame in enumerate(clip.frames):
            bright = np.nonzero(frame[8, :, 0] > 128)[0]
            place = bright.mean() * 32 / frame.shape[1]
            wanted = {2 * on_screen(UNEVEN, max(0, t)) + 1.5 for t in (k / clip.fps - .011, k / clip.fps + .011)}
            assert min(abs(place - one) for one in wanted) < (2 if "size" in how else 1), (how, k)


def write_with_times(path, frames, lasts, **options):
    "A video whose frames last as long as they are told, by PyAV"
    with av.open(str(path), "w", options=options) as movie:
        h, w = frames.shape[1:3]
        stream = movie.add_stream("libx264", rate=1000, width=w, height=h, pix_fmt="yuv420p", options=dict(crf="12"))
        stream.codec_context.time_base = Fraction(1, 1000)
        at = 0
        for frame, seconds in zip(frames, lasts):
            picture = av.VideoFrame.from_ndarray(frame, "rgb24")
            picture.pts = round(1000 * at)
            picture.duration = round(1000 * seconds)
            picture.time_base = Fraction(1, 1000)
            at += seconds
            movie.mux(stream.encode(picture))
        movie.mux(stream.encode())


FOREIGN = {"fragments.mp4": ["-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov"],
           "late.mp4": ["-c:v", "libx264"],
           "gray.mp4": ["-c:v", "libx264", "-pix_fmt", "gray"],
           "vp8.webm": ["-c:v", "libvpx"],
           "live.webm": ["-c:v", "libvpx-vp9", "-live", "1"],
           "a.mkv": ["-c:v", "libx264"],
           "a.mov": ["-c:v", "mpeg4"],
           "a.gif": [],
           "a.apng": []}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files(tmp_path, name):
    source = ["-f", "lavfi", "-i", "testsrc=duration=2.4:size=48x36:rate=10"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, *FOREIGN[name], str(tmp_path / name)], check=True)
    back = read_video(tmp_path / name)
    assert back.frames.shape == (24, 36, 48, 3) and back.fps == pytest.approx(10, rel=.01)


def test_frames_that_are_never_shown(tmp_path):
    "VP8 in two passes keeps frames of its own to predict from; they are packets like any other"
    source = ["-f", "lavfi", "-i", "testsrc2=duration=6:size=64x48:rate=10", "-c:v", "libvpx", "-b:v", "60k", "-auto-alt-ref", "1",
              "-lag-in-frames", "25", "-arnr-maxframes", "7", "-arnr-strength", "5", "-passlogfile", str(tmp_path / "log")]
    for number, target in (("1", ["-f", "null", "-"]), ("2", [str(tmp_path / "a.webm")])):
        subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, "-pass", number, *target], check=True)
    packets = [get_ffmpeg_exe(), "-i", str(tmp_path / "a.webm"), "-c", "copy", "-f", "null", "-"]
    assert "frame=   60" not in subprocess.run(packets, capture_output=True, text=True).stderr, "this file hides nothing"
    assert len(read_video(tmp_path / "a.webm")) == 60


def test_images_that_were_left_out_are_given_back(tmp_path):
    "A screen recorder stores an image only when something changes: frames 0, 1, 2, 13 and 23 of 24"
    source = ["-f", "lavfi", "-i", "testsrc=duration=2.4:size=48x36:rate=10"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, str(tmp_path / "all.mp4")], check=True)
    whole = read_video(tmp_path / "all.mp4").frames
    for name in ("a.mp4", "a.webm"):
        some = ["-vf", "select='lt(n,3)+eq(n,13)+eq(n,23)'", "-fps_mode", "vfr"]
        subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, *some, str(tmp_path / name)], check=True)
        back = read_video(tmp_path / name)
        assert back.fps == pytest.approx(10, rel=.02) and 23 <= len(back) <= 25
        for k, i in enumerate([0, 1] + [2] * 11 + [13] * 10):
            assert np.abs(back.frames[k].astype(int) - whole[i]).mean() < 6, k


def test_a_cover_is_no_frame(tmp_path):
    cover, *frames = [Image.fromarray(frame) for frame in disc(5)]
    cover.save(tmp_path / "a.png", save_all=True, default_image=True, append_images=frames, duration=125)
    with warnings.catch_warnings():
        warnings.simplefilter("error")                                              # nothing is missing, so nothing is said
        assert (read_video(tmp_path / "a.png").frames == disc(5)[1:]).all() and probe(tmp_path / "a.png").n_frames == 4


def test_transparent_is_black(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert read_video(tmp_path / "a.png").frames.max() == 0


# --- damage

@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    for ending in ENDINGS: write_video(Clip(CLIPS["noise"]), folder / f"a.{ending}")
    return {ending: (folder / f"a.{ending}").read_bytes() for ending in ENDINGS}


def read_with_warnings(path, **how):
    "What is read, or the sentence; and the warnings"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try: return read_video(path, **how), [str(one.message) for one in said]
        except InputError: return sentence(path, lambda: read_video(path, **how)), []


@pytest.mark.parametrize("ending", ENDINGS)
def test_cut_at_every_tenth(tmp_path, good, ending):
    "The frames that are left, and one warning that counts; or a sentence if nothing is left"
    path = tmp_path / f"cut.{ending}"
    whole = Clip(CLIPS["noise"])
    read = 0
    for size in [len(good[ending]) * i // 10 for i in range(10)] + [len(good[ending]) - 1]:
        path.write_bytes(good[ending][:size])
        end, said = read_with_warnings(path)
        if isinstance(end, str): continue
        assert len(end) <= len(whole)
        if len(end) < len(whole): assert len(said) == 1 and path.name in said[0] and re.search(r"\d", said[0]), (size, said)
        exact = ending not in (*LOSSY, "gif")
        if exact: assert (end.frames[:-1] == whole.frames[:len(end) - 1]).all()             # the last may be a part of one
        read += 1
    assert read >= (1 if ending in LOSSY else 4), "nothing could be read of any part"


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_missing_frames_are_counted(tmp_path, good, ending):
    "The last frame of a file that states six"
    path = tmp_path / f"cut.{ending}"
    path.write_bytes(good[ending][:-5])
    end, said = read_with_warnings(path)
    assert len(end) == 5 and re.search(r"states 6 frames, of which 5 can be read\.$", said[0])


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_lies_behind_is_no_damage(tmp_path, good, ending):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(good[ending] + b"left over" * 30)
    end, said = read_with_warnings(path)
    assert len(end) == 6 and not said


def test_smeared_pictures_are_said(tmp_path, good):
    "Wrong bytes amid an MP4's pictures: the decoder makes up what is missing"
    data = bytearray(good["mp4"])
    middle = (data.index(b"mdat") + len(data)) // 2
    data[middle:middle + 300] = np.random.default_rng(0).bytes(300)
    (tmp_path / "bad.mp4").write_bytes(data)
    for how in ({}, dict(n_frames=3, size=8)):
        end, said = read_with_warnings(tmp_path / "bad.mp4", **how)
        assert isinstance(end, str) or len(said) == 1


def test_what_is_no_video(tmp_path):
    Image.fromarray(disc()[0]).save(tmp_path / "photo.jpg")
    contents = {"empty.gif": b"", "text.mp4": b"remember the milk", "photo.gif": (tmp_path / "photo.jpg").read_bytes(),
                "list.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.mp4\n#EXT-X-ENDLIST\n",
                "concat.webm": b"ffconcat version 1.0\nfile real.mp4\n", "short.png": b"\x89PNG\r\n\x1a\n"}
    write_video(Clip(disc()), tmp_path / "real.mp4")
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        sentence(name, lambda name=name: read_video(tmp_path / name))
    assert "check the name" in sentence("lost.gif", lambda: read_video(tmp_path / "lost.gif"))
    assert "check the name" in sentence(tmp_path, lambda: read_video(tmp_path))


def test_sound_without_pictures(tmp_path):
    source = ["-f", "lavfi", "-i", "sine=duration=0.2"]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, str(tmp_path / "tone.mp4")], check=True)
    assert "no picture" in sentence("tone.mp4", lambda: read_video(tmp_path / "tone.mp4"))


def test_huge_sizes_are_refused_before_decoding(tmp_path, good):
    data = bytearray(good["gif"]); data[6:10] = b"\xff\xff\xff\xff"
    (tmp_path / "huge.gif").write_bytes(data)
    sentence("huge.gif", lambda: read_video(tmp_path / "huge.gif"))
    with open(tmp_path / "wide.png", "wb") as file: Image.new("1", (70_000, 1_000)).save(file, "PNG")
    assert "too large" in sentence("wide.png", lambda: read_video(tmp_path / "wide.png"))


# --- writing

@pytest.mark.parametrize("code", ["from t2v_learn import Clip",
                                  "import t2v_learn.training.pipeline; from t2v_learn.video.clips import Clip"])
def test_a_clip_that_a_user_gets_can_save_itself(tmp_path, code):
    "The method is added by this module, so whatever hands out clips has to import it"
    code += "; import numpy as np; Clip(np.zeros((2, 8, 8, 3), np.uint8)).save('a.gif')"
    library = str(Path(module.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": library}, check=True)
    assert len(read_video(tmp_path / "a.gif")) == 2


def test_save_is_write_video_or_write_sheet(tmp_path):
    clip = Clip(disc())
    clip.save(tmp_path / "a.png")
    write_video(clip, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    clip.save(tmp_path / "a.png", sheet=True)
    write_sheet(clip, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (np.array(Image.open(tmp_path / "a.png"))[:, 32:64] == clip.frames[1]).all()


def test_rounding_of_a_gifs_clock_never_adds_up():
    for fps in (1, 7, 8, 12.5, 24, 30, 50):
        lengths = frame_ticks(600, fps)
        assert min(lengths) >= 2 and max(lengths) - min(lengths) <= 1
        assert all(abs(sum(lengths[:n]) - 100 * n / fps) <= .5 for n in range(600))


def test_a_gif_that_would_be_too_fast_is_said(tmp_path):
    with pytest.warns(UserWarning, match="at most 50 frames a second"): write_video(Clip(disc(), fps=120), tmp_path / "a.gif")
    assert read_video(tmp_path / "a.gif").fps == 50
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_video(Clip(disc(), fps=50), tmp_path / "a.gif")
        write_video(Clip(disc(), fps=120), tmp_path / "a.webp")
    assert read_video(tmp_path / "a.webp").fps == pytest.approx(120, rel=.02)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_probe_tells(tmp_path, ending):
    write_video(Clip(disc(5, 21, 40), fps=10), tmp_path / f"a.{ending}")
    info = probe(tmp_path / f"a.{ending}")
    assert (info.width, info.height, info.n_frames) == (40, 21, 5)
    assert info.duration == pytest.approx(.5, abs=.01) and info.fps == pytest.approx(10, rel=.02)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_who_reads_the_old_file_keeps_it(tmp_path, ending):
    "The new file takes the name of the old one, it is not written over it"
    path = tmp_path / f"a.{ending}"
    write_video(Clip(disc()), path)
    old = path.read_bytes()
    with open(path, "rb") as reader:
        write_video(Clip(disc(2)), path)
        assert reader.read() == old and len(read_video(path)) == 2


def test_unknown_endings(tmp_path):
    for name in ("a.wmv", "a", "a.gif.txt", ".gif"):
        assert ".webm" in sentence(name, lambda name=name: write_video(Clip(disc()), tmp_path / name))
    sentence("a.gif", lambda: Clip(disc()).save(tmp_path / "a.gif", sheet=True))
    sentence("nowhere", lambda: write_video(Clip(disc()), tmp_path / "nowhere" / "a.gif"))
    with pytest.raises(InputError): write_video(Clip(disc()), tmp_path / "a.gif", fps=-1)
    (tmp_path / "folder.gif").mkdir()
    sentence("folder.gif", lambda: write_video(Clip(disc()), tmp_path / "folder.gif"))
    assert os.listdir(tmp_path) == ["folder.gif"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("ending", ["gif", "png", "mp4", "webm"])
def test_the_old_file_survives(tmp_path, monkeypatch, ending, failure):
    path = tmp_path / f"a.{ending}"
    write_video(Clip(disc()), path)
    old = path.read_bytes()

    def half(frames, fps, target):
        target.write_bytes(b"half of it"); raise failure

    monkeypatch.setitem(module.WRITERS, f".{ending}", half)
    with pytest.raises(InputError if isinstance(failure, OSError) else KeyboardInterrupt): write_video(Clip(disc(2)), path)
    assert path.read_bytes() == old and os.listdir(tmp_path) == [path.name]


def test_formats_have_bounds(tmp_path):
    wide = np.zeros((1, 1, 70_000, 3), np.uint8)
    sentence("a.gif", lambda: write_video(Clip(wide), tmp_path / "a.gif"))
    sentence("a.mp4", lambda: write_video(Clip(wide), tmp_path / "a.mp4"))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.gif").write_bytes(b"old"); (tmp_path / "link.gif").symlink_to("real.gif")
    write_video(Clip(disc()), tmp_path / "link.gif")
    assert (tmp_path / "link.gif").is_symlink() and len(read_video(tmp_path / "real.gif")) == 8


def test_names_that_look_like_options_or_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-y.mp4", "pipe:1.mp4", "100%d.mp4", "häuser am see.webm", "a" * 200 + ".gif"):
        if sys.platform == "win32" and ":" in name: continue
        write_video(Clip(disc()), name)
        assert len(read_video(name)) == 8


# --- as a player shows it

def steps(n=16):
    "Grey steps of 8 i in the middle; corners red, green, blue and white"
    frames = np.empty((n, 48, 64, 3), np.uint8)
    for i, frame in enumerate(frames):
        frame[:] = 8 * i
        for (y, x), color in zip([(0, 0), (0, 48), (36, 0), (36, 48)], [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]):
            frame[y:y + 12, x:x + 16] = color
    return frames


def remux(source, target, *arguments, before=()):
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *before, "-i", str(source), *arguments, str(target)], check=True)


def as_ffmpeg_shows(path):
    "Frames by ffmpeg's own program, which turns, trims and squares as players do"
    size = [get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-vf", "scale='trunc(iw*sar+.5)':ih"]
    first = subprocess.run([*size, "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"], capture_output=True, check=True).stdout
    w, h = Image.open(io.BytesIO(first)).size
    raw = subprocess.run([*size, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, h, w, 3)


@pytest.mark.parametrize("turn", ["0", "90", "180", "270", "-90", "hflip", "vflip"])
def test_turned_and_mirrored(tmp_path, turn):
    write_video(Clip(steps(3)), tmp_path / "plain.mp4")
    flag = [f"-display_{turn}:v:0"] if "flip" in turn else ["-display_rotation:v:0", turn]
    for ending in ("mp4", "mov"):
        remux(tmp_path / "plain.mp4", tmp_path / f"a.{ending}", "-c", "copy", before=flag)
        shown = as_ffmpeg_shows(tmp_path / f"a.{ending}")
        back = read_video(tmp_path / f"a.{ending}")
        assert back.frames.shape == shown.shape and np.abs(back.frames.astype(int) - shown).mean() < 3
        info = probe(tmp_path / f"a.{ending}")
        assert (info.height, info.width) == shown.shape[1:3]


def test_pixels_that_are_not_square(tmp_path):
    write_video(Clip(steps(3)), tmp_path / "plain.mp4")
    remux(tmp_path / "plain.mp4", tmp_path / "wide.mp4", "-c:v", "libx264", "-vf", "setsar=2")
    assert read_video(tmp_path / "wide.mp4").frames.shape == (3, 48, 128, 3)
    assert probe(tmp_path / "wide.mp4").width == 128


@pytest.mark.parametrize("copied", [True, False])
def test_edit_lists(tmp_path, copied):
    "A phone trims without encoding anew: the frames before stay in the file, hidden"
    write_video(Clip(steps(30), fps=10), tmp_path / "plain.mp4")
    remux(tmp_path / "plain.mp4", tmp_path / "one.mp4", "-c:v", "libx264", "-g", "250", "-bf", "2")
    remux(tmp_path / "one.mp4", tmp_path / "cut.mp4", *(["-c", "copy"] if copied else ["-c:v", "libx264"]), before=["-ss", "2.4"])
    shown = as_ffmpeg_shows(tmp_path / "cut.mp4")
    back, said = read_with_warnings(tmp_path / "cut.mp4")
    assert len(back) == len(shown) <= 7 and not said
    assert np.abs(back.frames.astype(int) - shown).mean() < 3
    assert back.frames[0, 24, 32, 0] == pytest.approx(8 * 24, abs=6)
    assert (read_video(tmp_path / "cut.mp4", n_frames=len(shown)).frames == back.frames).all()


COLORS = {"bt601": ["-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m"],
          "bt709": ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"],
          "full": ["-color_range", "pc"], "ten": ["-pix_fmt", "yuv444p10le"]}


@pytest.mark.parametrize("name", COLORS)
def test_colors_by_tag(tmp_path, name):
    matrix = {"bt709": "bt709"}.get(name, "bt601")
    scale = f"scale=out_color_matrix={matrix}:out_range={'full' if name == 'full' else 'limited'}:flags=accurate_rnd+full_chroma_int"
    write_video(Clip(steps(3)), tmp_path / "a.png")
    pixels = [] if name == "ten" else ["-pix_fmt", "yuv444p"]
    remux(tmp_path / "a.png", tmp_path / "a.mp4", "-vf", scale, "-c:v", "libx264", "-crf", "4", *pixels, *COLORS[name])
    assert np.abs(read_video(tmp_path / "a.mp4").frames[:3].astype(int) - steps(3)).max() <= 8


@pytest.mark.parametrize("size", [(1280, 720), (640, 480)])
def test_high_definition_without_a_tag_is_bt709(tmp_path, size):
    matrix = "bt709" if size[1] >= 720 else "bt601"
    green = f"color=c=0x00ff00:s={size[0]}x{size[1]}:d=0.1:r=10"
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", green, "-vf", f"scale=out_color_matrix={matrix}",
                    "-c:v", "libx264", "-pix_fmt", "yuv420p", str(tmp_path / "a.mp4")], check=True)
    r, g, b = read_video(tmp_path / "a.mp4", size=32).frames[0, 16, 16].astype(int)
    assert r <= 4 and g >= 250 and b <= 4


@pytest.mark.parametrize("transfer, number", [("arib-std-b67", .75), ("smpte2084", .5807)])
def test_high_dynamic_range_is_tone_mapped(tmp_path, transfer, number):
    "White paper comes out white, colours come out as colours, and what is brighter is brighter still"
    luma = [round(64 + 876 * share) for share in (0, number / 2, number, 1)]
    terms = "+".join(f"{y}*eq(floor(X/16),{i})" for i, y in enumerate(luma))
    source = f"nullsrc=s=64x48:r=10:d=0.2,format=yuv444p10le,geq=lum='{terms}':cb=512:cr=512"
    tags = ["-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", transfer, "-color_range", "tv"]
    tagged = f"setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}:range=tv"
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, "-vf", tagged, "-c:v", "libx264", "-crf", "4", *tags,
                    str(tmp_path / "a.mp4")], check=True)
    for how in ({}, dict(n_frames=2, size=48, fit="stretch")):
        columns = [6, 18, 30, 42] if how else [8, 24, 40, 56]
        black, dark, white, bright = (int(v) for v in read_video(tmp_path / "a.mp4", **how).frames[0, 24, columns, 1])
        assert black <= 3 and 5 < dark < 150 and 245 <= white < bright <= 255


def clear(n=4):
    "A red disc on transparent white"
    y, x = np.mgrid[:48, :64]
    frames = np.full((n, 48, 64, 4), 255, np.uint8)
    for i, frame in enumerate(frames):
        inside = np.hypot(y - 24, x - 20 - 6 * i) < 10
        frame[..., 3] = 255 * inside
        frame[inside, 1:3] = 0
    return frames


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.webp", "a.mov", "a.webm", "vp8.webm", "ffv1.mkv"])
def test_transparent_is_the_background(tmp_path, name):
    frames = clear()
    first, *others = [Image.fromarray(frame) for frame in frames]
    path = tmp_path / name
    movie = dict(save_all=True, append_images=others, duration=100)
    codec = {"a.mov": ["-c:v", "qtrle", "-pix_fmt", "argb"], "a.webm": ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p"],
             "vp8.webm": ["-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"], "ffv1.mkv": ["-c:v", "ffv1", "-pix_fmt", "bgra"]}
    if name not in codec: first.save(path, disposal=2, lossless=True, **movie)
    else:
        first.save(tmp_path / "from.png", **movie)
        remux(tmp_path / "from.png", path, *codec[name])
    for ground in ((0, 0, 0), (0, 0, 255)):
        back = read_video(path, background=ground).frames
        assert np.abs(back[:, :4, :4].astype(int) - ground).max() <= 6
        assert back[0, 24, 20, 0] > 240 and back[0, 24, 20, 1:].max() < 30


def test_probe_tries_as_hard_as_reading(tmp_path, good):
    "A file whose tables lead astray: what can be read can be looked into"
    rng = np.random.default_rng(8)
    path = tmp_path / "bad.mp4"
    for _ in range(150):
        data = bytearray(good["mp4"])
        head = data.index(b"moov")
        for _ in range(2): data[head + int(rng.integers(4, 700))] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        end, _ = read_with_warnings(path, n_frames=1)
        try: info = probe(path)
        except InputError: continue
        assert info is not None and info.width > 0
        assert isinstance(end, (Clip, str))


# --- only what is needed

def test_reading_some_is_reading_all_and_choosing(tmp_path):
    frames = np.random.default_rng(2).integers(0, 256, (90, 3, 4, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    files = {"a.webm": {}, "g10.mp4": dict(g="10"), "open.mp4": dict(g="12", bf="3"), "a.ts": dict(g="10"), "a.gif": {}, "a.webp": {}}
    for name, options in files.items():
        path = tmp_path / name
        if options:
            write_video(Clip(frames, fps=30), tmp_path / "from.mp4")
            remux(tmp_path / "from.mp4", path, "-c:v", "libx264", *[word for key, value in options.items() for word in (f"-{key}", value)])
        else: write_video(Clip(frames, fps=30), path)
        whole = read_video(path)
        for n_frames, size, fit in ((8, 16, "crop"), (5, 32, "pad"), (90, 48, "stretch"), (1, 7, "crop"), (120, 8, "crop")):
            some = read_video(path, n_frames, size, fit)
            chosen = [min(len(whole) - 1, int(k * len(whole) / n_frames + 1e-6)) for k in range(n_frames)]
            assert (some.frames == fit_square(whole.frames[chosen], size, fit)).all(), (name, n_frames)
            assert len(some) / some.fps == pytest.approx(len(whole) / whole.fps, rel=.01)


def test_few_frames_are_converted_and_few_decoded(tmp_path, monkeypatch):
    "Two frames of a film with a keyframe every ten: what lies between is not decoded"
    write_video(Clip(steps(16).repeat(10, 0), fps=30), tmp_path / "from.mp4")
    remux(tmp_path / "from.mp4", tmp_path / "a.mp4", "-c:v", "libx264", "-g", "10")
    counts = {"picture": 0}
    picture = module._MovieFile.picture
    def counted(self, *args):
        counts["picture"] += 1
        counts["read"] = self.read + 1
        return picture(self, *args)
    monkeypatch.setattr(module._MovieFile, "picture", counted)
    clip = read_video(tmp_path / "a.mp4", n_frames=4, size=16)
    assert [int(frame[8, 8, 0]) for frame in clip.frames] == pytest.approx([0, 32, 64, 96], abs=4)
    assert counts["picture"] == 4 and counts["read"] < 40


def test_large_pictures_are_shrunk_on_the_way(tmp_path):
    "Memory is bounded by what is asked for: sixty frames of 1920x1080 would be 373 MB"
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc=s=1920x1080:r=30:d=2", "-c:v", "libx264", "-preset",
                    "ultrafast", "-pix_fmt", "yuv420p", str(tmp_path / "a.mp4")], check=True)
    code = ("import resource, sys; from t2v_learn.video.containers import read_video; import av, torch; read = lambda: "
            "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; before = read(); clip = read_video(sys.argv[1], 8, 64); "
            "print(clip.frames.shape, (read() - before) // 1024)")
    out = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.mp4")], capture_output=True, text=True, check=True).stdout
    assert out.startswith("(8, 64, 64, 3)") and int(out.split()[-1]) < 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_shown_upright(orientation, tmp_path):
    "As its EXIF says: cameras write what their sensor sees, and how they were held"
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:8, :8] = 255                                                            # the corner tells
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", quality=95, exif=exif)
    shown = ImageOps.exif_transpose(Image.open(tmp_path / "a.jpg"))
    clip, info = read_video(tmp_path / "a.jpg"), probe(tmp_path / "a.jpg")
    assert (info.width, info.height) == shown.size == clip.frames.shape[2:0:-1]
    assert abs(clip.frames[0].astype(int) - np.asarray(shown)).max() <= 2


@pytest.mark.parametrize("fps", [0.5, 1 / 60, 0.00074, 0.00037])
def test_very_slow_clips_keep_their_duration(fps, tmp_path):
    Clip(disc(4), fps).save(tmp_path / "a.mp4")
    assert probe(tmp_path / "a.mp4").duration == pytest.approx(4 / fps, rel=.01)


def test_a_film_whose_beginning_is_lost(tmp_path):
    "The first picture that can be decoded stands for all before it"
    write_video(Clip(disc(24), 12.0), tmp_path / "a.mp4", g="8", bf="0")
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    with av.open(str(tmp_path / "a.mp4")) as film:
        keys = [packet.pos for packet in film.demux(video=0) if packet.size and packet.is_keyframe]
    for i in range(keys[0], keys[1]): data[i] = 0
    (tmp_path / "b.mp4").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        info = probe(tmp_path / "b.mp4")
        one = read_video(tmp_path / "b.mp4", n_frames=1)
    assert (info.width, info.height) == (32, 32) and len(one) == 1


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("fps", [1000, 1500, 1920])
def test_fast_clips_are_kept_whole_or_refused(ending, fps, tmp_path):
    path = tmp_path / f"a.{ending}"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try: write_video(Clip(disc()), path, fps=fps)
        except InputError as error:
            assert fps > 1000 and (ending == "avi" or "milliseconds" in str(error)) and not path.exists()
            return
        assert ending not in ("webp", "webm", "mkv") or fps == 1000
        back = read_video(path)
    for line in said: assert fps <= 1000 or ".webp" not in str(line.message), "advice that could not be followed"
    if not said: assert len(back) == 8 and back.fps == pytest.approx(fps, rel=.01)


@pytest.mark.parametrize("ending, options, parts", [
    ("mp4", dict(preset="nope"), ["check preset"]), ("gif", dict(crf="18"), ["no crf", "leave that out"]),
    ("png", dict(crf=1), ["no crf"])])
def test_options_of_encoders(ending, options, parts, tmp_path):
    with pytest.raises(InputError) as caught: write_video(Clip(disc()), tmp_path / f"a.{ending}", **options)
    assert all(part in str(caught.value) for part in parts) and not os.listdir(tmp_path)


def test_options_may_be_numbers(tmp_path):
    write_video(Clip(disc()), tmp_path / "a.mp4", crf=40)
    write_video(Clip(disc()), tmp_path / "b.mp4", crf="40")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("background", ["red", (300, 0, 0), (-1, 0, 0), (1, 2), None, 5, (0, 0, float("nan"))])
def test_backgrounds_that_are_no_colour(background, tmp_path):
    write_video(Clip(disc()), tmp_path / "a.png")
    with pytest.raises(InputError, match="red, green and blue, each from 0 to 255"): read_video(tmp_path / "a.png", background=background)


def test_what_is_no_file_is_not_called_damaged(tmp_path):
    os.mkfifo(tmp_path / "pipe.gif")
    for name, says in (("x" * 300 + ".gif", "there is no file"), ("pipe.gif", "device or a pipe"), (os.devnull, "device or a pipe"),
                       (".", "is a folder"), ("gone.gif", "there is no file")):
        for look in (read_video, probe):
            with pytest.raises(InputError, match=says): look(tmp_path / name)
