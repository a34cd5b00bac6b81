"Clips in files: every frame in, every frame out; broken files end in one sentence; a write is whole or not at all"
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import count_frames_and_secs, get_ffmpeg_exe
from PIL import Image

from t2v_learn.core import InputError
from t2v_learn.video import containers as module
from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import _repeats, gif_durations, picture_size, probe, read_video, write_sheet, write_video

ENDINGS = ["gif", "png", "apng", "mp4", "webm"]


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
    if ending != "mp4" and (ending != "gif" or colors <= 256): assert (back.frames == frames).all()
    elif name != "noise": assert np.abs(back.frames.astype(int) - frames).mean() < 6
    if ending not in ("png", "apng") or len(frames) > 1: assert back.fps == 8   # a still PNG has no rate to keep
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["moving", "still", "half still", "odd"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_others_count_the_same_frames(tmp_path, ending, name):
    "Pillow and ffmpeg, asked directly"
    path = tmp_path / f"a.{ending}"
    write_video(Clip(CLIPS[name]), path)
    count = count_frames_and_secs(str(path))[0] if ending in ("mp4", "webm") else Image.open(path).n_frames
    assert count == len(CLIPS[name]) == probe(path.read_bytes())[1]


@pytest.mark.parametrize("fps", [1, 4, 7.5, 8, 12, 24, 25, 30, 50])
@pytest.mark.parametrize("ending", ["gif", "png", "mp4", "webm"])
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

@pytest.mark.parametrize("durations, grain, wanted", [([120, 250, 120], 10, [1, 2, 1]), ([30, 40, 30], 10, [1, 1, 1]),
                                                      ([50, 20, 20, 40], 10, [1, 1, 1, 1]), ([125, 1000], 0, [1, 8])])
def test_how_many_frames_an_image_stands_for(durations, grain, wanted):
    assert _repeats(durations, grain) == wanted



def test_merged_frames_are_given_back(tmp_path):
    "Pillow merges equal neighbours into one image that lasts longer"
    for ending, duration in (("gif", 100), ("gif", 125), ("png", 125)):
        first, *others = [Image.fromarray(frame) for frame in half_still()]
        first.save(tmp_path / f"a.{ending}", save_all=True, append_images=others, duration=duration)
        assert Image.open(tmp_path / f"a.{ending}").n_frames == 4
        back = read_video(tmp_path / f"a.{ending}")
        assert (back.frames == half_still()).all(), (ending, duration)


def test_durations_without_a_common_tick(tmp_path):
    first, *others = [Image.fromarray(frame) for frame in disc(6)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=[50, 20, 20, 40, 20, 70])
    assert len(read_video(tmp_path / "a.gif")) == 6


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


def test_uneven_times(tmp_path):
    "Five frames at irregular moments are five frames: none repeated, none dropped"
    source = ["-f", "lavfi", "-i", "testsrc=duration=2.4:size=48x36:rate=10",
              "-vf", "select='lt(n,3)+eq(n,13)+eq(n,23)'", "-fps_mode", "vfr"]
    for name in ("a.mp4", "a.webm"):
        subprocess.run([get_ffmpeg_exe(), "-v", "error", *source, str(tmp_path / name)], check=True)
        assert len(read_video(tmp_path / name)) == 5


def test_a_cover_is_no_frame(tmp_path):
    cover, *frames = [Image.fromarray(frame) for frame in disc(5)]
    cover.save(tmp_path / "a.png", save_all=True, default_image=True, append_images=frames, duration=125)
    assert (read_video(tmp_path / "a.png").frames == disc(5)[1:]).all()


def test_transparent_is_black(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert read_video(tmp_path / "a.png").frames.max() == 0


# --- damage

@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    for ending in ("gif", "png", "mp4", "webm"): write_video(Clip(CLIPS["noise"]), folder / f"a.{ending}")
    return {ending: (folder / f"a.{ending}").read_bytes() for ending in ("gif", "png", "mp4", "webm")}


@pytest.mark.parametrize("ending", ["gif", "png", "mp4", "webm"])
def test_cut_at_every_tenth(tmp_path, good, ending):
    path = tmp_path / f"cut.{ending}"
    for size in [len(good[ending]) * i // 10 for i in range(10)] + [len(good[ending]) - 1]:
        path.write_bytes(good[ending][:size])
        text = sentence(path, lambda: read_video(path))
        assert "too early" in text or size < 12, (size, text)


@pytest.mark.parametrize("ending", ["gif", "png", "mp4", "webm"])
def test_wrong_bytes_never_lose_frames_silently(tmp_path, good, ending):
    rng, path = np.random.default_rng(3), tmp_path / f"bad.{ending}"
    for i in range(40):
        data = bytearray(good[ending])
        for _ in range(rng.integers(1, 4)): data[rng.integers(len(data) if i % 2 else 120)] ^= rng.integers(1, 256)
        path.write_bytes(data)
        try: back = read_video(path)
        except InputError: sentence(path, lambda: read_video(path)); continue
        assert ending != "png", "a PNG has checksums"
        assert len(back) == probe(bytes(data))[1]


def test_smeared_pictures_are_refused(tmp_path, good):
    "Wrong bytes amid an MP4's pictures: ffmpeg makes up what is missing, and only its messages tell"
    data, path = bytearray(good["mp4"]), tmp_path / "bad.mp4"
    middle = (data.index(b"mdat") + len(data)) // 2
    data[middle:middle + 300] = np.random.default_rng(0).bytes(300)
    path.write_bytes(data)
    sentence(path, lambda: read_video(path))


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_a_decoder_that_loses_frames_is_noticed(tmp_path, monkeypatch, good, ending):
    run = module.run_ffmpeg
    monkeypatch.setattr(module, "run_ffmpeg", lambda *args, **given: (run(*args)[0][:-24 * 24 * 3], *run(*args)[1:]))
    (tmp_path / f"a.{ending}").write_bytes(good[ending])
    assert "states 6 frames, but 5" in sentence(f"a.{ending}", lambda: read_video(tmp_path / f"a.{ending}"))


def test_ffmpeg_is_told_what_it_may_open(tmp_path, monkeypatch, good):
    calls, run = [], module.run_ffmpeg
    monkeypatch.setattr(module, "run_ffmpeg", lambda *args, **given: calls.append(" ".join(args[0])) or run(*args))
    for ending, kind in (("mp4", "mov"), ("webm", "matroska")):
        (tmp_path / f"a.{ending}").write_bytes(good[ending])
        read_video(tmp_path / f"a.{ending}")
        before_input = calls.pop().split(" -i file:")[0]
        for word in (f"-f {kind}", "-protocol_whitelist file ", "-format_whitelist mov,matroska", "-timelimit 60"):
            assert word in before_input


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
    assert "no video" in sentence("tone.mp4", lambda: read_video(tmp_path / "tone.mp4"))


def test_huge_sizes_are_refused_before_decoding(tmp_path, good):
    data = bytearray(good["gif"]); data[6:10] = b"\xff\xff\xff\xff"
    (tmp_path / "huge.gif").write_bytes(data)
    assert "too large" in sentence("huge.gif", lambda: read_video(tmp_path / "huge.gif"))


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
        lengths = gif_durations(600, fps)
        assert min(lengths) >= 2 and max(lengths) - min(lengths) <= 1
        assert all(abs(sum(lengths[:n]) - 100 * n / fps) <= .5 for n in range(600))
    assert set(gif_durations(60, 1000)) == {2}                            # what is shorter is shown slowly by players


@pytest.mark.parametrize("ending", ["gif", "png", "mp4", "webm"])
def test_size_is_read_from_the_header(tmp_path, ending):
    write_video(Clip(disc(2, 21, 40)), tmp_path / f"a.{ending}")
    data = (tmp_path / f"a.{ending}").read_bytes()
    assert picture_size(data, probe(data)[0]) == (40, 21)



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
    for name in ("a.avi", "a", "a.gif.txt", ".gif"):
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
