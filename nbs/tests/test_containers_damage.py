"""Files that were damaged, made by others, or made to do harm: each ends in a clip, with one warning that counts where some of it
is missing, or in one sentence; nothing else is opened, and no decoder brings this process down

How many cases end how:  pytest nbs/tests/test_containers_damage.py -s
"""
import ctypes
import io
import os
import pickle
import re
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import warnings
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from t2v_learn.core import InputError
from t2v_learn.video import containers as module
from t2v_learn.video.clips import Clip
from t2v_learn.video.containers import _MAX_FRAMES, read_video, write_video

GROUPS = {}
VIDEO_NAMES = ("gif", "png", "mp4", "webm")


def group(make):
    "A group of cases: a function of the samples that yields (name, bytes, what is right: numbers of frames, or 'refused', or either)"
    GROUPS[make.__name__.replace("_", " ")] = make
    return make


@contextmanager
def no_hang(seconds=300):
    "A read that does not end fails its test instead of stopping them all; the limit is no measure of speed"
    if not hasattr(signal, "setitimer"): yield; return
    def stop(*_): raise BaseException(f"still reading after {seconds} seconds")
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try: yield
    finally: signal.setitimer(signal.ITIMER_REAL, 0); signal.signal(signal.SIGALRM, before)


def ending_of(path, warned=False, **how):
    "How reading ends: a number of frames, or the sentence. Anything else fails, so does a warning, but one that counts if `warned`"
    with no_hang(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", module="PIL")                       # what Pillow says beside is its own
        try: end = read_video(path, **how)
        except InputError as error: end = str(error)
    assert len(said) <= warned, f"{path.name}: {said[0].message}"
    for one in said: assert path.name in str(one.message) and re.search(r"\d", str(one.message)), one.message
    if isinstance(end, str):
        assert path.name in end and "\n" not in end and end.endswith(".") and end.count(": ") == 1, end
        return end
    assert isinstance(end, Clip) and end.frames.dtype == np.uint8 and 0 < end.fps < float("inf")
    return len(end)


DAMAGED = {"whatever is readable", "refused"}     # what may be right for a file of which a part is lost


def check(cases, folder):
    "Run the cases of a group, and name all that went wrong"
    n, wrong = 0, []
    for label, data, right in cases:
        path = folder / label
        path.write_bytes(data)
        end = ending_of(path, warned=right > {"refused"} or DAMAGED <= right)
        if DAMAGED <= right: right = right | ({end} if isinstance(end, int) else set())
        if (end if isinstance(end, int) else "refused") not in right: wrong.append(f"{label}: {end}, not {right}")
        path.unlink()
        n += 1
    assert not wrong, "\n".join(wrong)
    assert n, "a group without cases"


# --- what is damaged: clips by our own writers, by Pillow and by ffmpeg

def noise(n_frames=6, size=24): return np.random.default_rng(0).integers(0, 256, (n_frames, size, size, 3), dtype=np.uint8)


def ffmpeg(*arguments, source="testsrc=duration=0.6:size=48x36:rate=10"):
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", source, *map(str, arguments)], check=True)


SOUND = ["-f", "lavfi", "-i", "sine=duration=0.6", "-map", "1:a", "-map", "0:v"]
FOREIGN = {"fragments.mp4": ["-c:v", "libx264", "-g", "2", "-movflags", "frag_keyframe+empty_moov"],
           "late.mp4": ["-c:v", "libx264"],
           "sound.mp4": [*SOUND, "-c:v", "mpeg4"],
           "vp8.webm": ["-c:v", "libvpx"],
           "live.webm": ["-c:v", "libvpx-vp9", "-live", "1"],
           "h264.mkv": [*SOUND, "-c:v", "libx264", "-c:a", "aac"],
           "ffmpeg.gif": []}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    "name -> bytes of whole files, each of 6 frames"
    folder = tmp_path_factory.mktemp("whole")
    for ending in VIDEO_NAMES: write_video(Clip(noise()), folder / f"ours.{ending}")
    for name, arguments in FOREIGN.items(): ffmpeg(*arguments, folder / name)
    first, *others = [Image.fromarray(frame) for frame in noise()[[0, 1, 1, 1, 2, 3]]]
    for ending in ("gif", "png"): first.save(folder / f"merged.{ending}", save_all=True, append_images=others, duration=100)
    assert all(ending_of(path) == 6 for path in folder.iterdir())
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@group
def cut(samples):
    for name, data in samples.items():
        for size in sorted({len(data) * i // 10 for i in range(1, 10)} | {len(data) - 1}):
            yield f"{size}-{name}", data[:size], DAMAGED


def wrong_bytes(data, kind, rng):
    "One way to damage a file, at a random place; every other time in its head"
    head = rng.random() < .5
    at, bad = int(rng.integers(4, min(len(data), 200 if head else len(data)) - 16)), bytearray(data)
    if kind == "bit": bad[at] ^= 1 << rng.integers(8)
    if kind == "byte": bad[at] ^= rng.integers(1, 256)
    if kind == "three":
        for place in rng.integers(4, len(data), 3): bad[place] ^= rng.integers(1, 256)
    if kind == "zeros": bad[at:at + 16] = bytes(16)
    if kind == "noise": bad[at:at + 16] = rng.bytes(16)
    if kind == "lost": del bad[at]
    if kind == "more": bad.insert(at, rng.integers(256))
    return bytes(bad)


@group
def wrong_bytes_inside(samples):
    rng = np.random.default_rng(4)
    for name, data in samples.items():
        for kind in ("bit", "bit", "byte", "byte", "byte", "three", "three", "zeros", "zeros", "noise", "noise", "lost", "lost", "more"):
            bad = wrong_bytes(data, kind, rng)
            if bad != data: yield f"{kind}-{zlib.crc32(bad):08x}-{name}", bad, DAMAGED


@group
def joined(samples):
    for name, data in samples.items():
        half = len(data) // 2
        yield f"twice-{name}", data + data, DAMAGED
        yield f"swapped-{name}", data[half:] + data[:half], DAMAGED
        yield f"behind-{name}", data + b"and some more bytes" * 50, {6}
        yield f"before-{name}", b"some bytes before" + data, DAMAGED
        yield f"hole-{name}", data[:half] + bytes(1000) + data[half:], DAMAGED


# --- nothing, or one

def boxes(data):
    "The boxes of one level of an MP4, as (name, contents)"
    found = []
    start = 0
    while start + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, start)
        found.append((name, data[start + 8:start + size]))
        start += size or len(data)
    return found


def box(name, contents): return struct.pack(">I4s", len(contents) + 8, name) + contents


def rebuild(data, path, change):
    "An MP4 with the contents of one box changed; None drops it"
    parts = []
    for name, contents in boxes(data):
        if name == path[0]: contents = change(contents) if len(path) == 1 else rebuild(contents, path[1:], change)
        if contents is not None: parts.append(box(name, contents))
    return b"".join(parts)


STBL = [b"moov", b"trak", b"mdia", b"minf", b"stbl"]


def chunk(name, data): return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(n_frames, width=1, height=1, promised=None, color=2, frame=(0, 0)):
    "An animated PNG of black frames, piece by piece; the frames after the first may have another size"
    line = {0: 1, 2: 3}[color]
    pixels = lambda w, h: zlib.compress((b"\0" + bytes(line * w)) * h)
    w, h = frame if any(frame) else (width, height)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)),
             chunk(b"acTL", struct.pack(">II", n_frames if promised is None else promised, 0))]
    first, later, number = pixels(width, height), pixels(w, h), 0
    for i in range(n_frames):
        parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *((w, h) if i else (width, height)), 0, 0, 1, 25, i % 2, 0)))
        parts.append(chunk(b"fdAT", struct.pack(">I", number + 1) + later) if i else chunk(b"IDAT", first))
        number += 2 if i else 1
    return b"".join(parts) + chunk(b"IEND", b"")


def raw_gif(n_frames, screen=(1, 1), place=(0, 0), size=(1, 1)):
    "A GIF of single pixels, piece by piece, which may claim other sizes"
    header = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
    box = b"!\xf9\x04\0\4\0\0\0," + struct.pack("<HHHHB", *place, *size, 0)
    parts = [box + b"\2\2" + pixel + b"\0" for pixel in (b"\x44\1", b"\x4c\1")]
    return header + b"".join(parts[i % 2] for i in range(n_frames)) + b";"


@group
def nothing_inside(samples):
    for ending in (*VIDEO_NAMES, "apng", "mkv"):
        yield f"empty.{ending}", b"", {"refused"}
        yield f"byte.{ending}", b"G", {"refused"}
        yield f"zeros.{ending}", bytes(5000), {"refused"}
    yield "no-image.gif", raw_gif(0), {"refused"}
    yield "no-frame.png", raw_png(0), {"refused"}
    yield "no-data.png", raw_png(1).split(b"\0\0\0\rIHDR")[0] + chunk(b"IEND", b""), {"refused"}
    yield "no-pixels.png", raw_png(1, 0, 0), {"refused"}
    yield "no-pixels.gif", raw_gif(1, (0, 0), size=(0, 0)), {"refused"}
    whole, zero = samples["late.mp4"], lambda contents: contents[:4] + bytes(len(contents) - 4)
    yield "no-frame.mp4", rebuild(rebuild(whole, [*STBL, b"stsz"], zero), [*STBL, b"stts"], zero), {"refused"}
    for name in (b"moov", b"mdat"): yield f"no-{name.decode()}.mp4", rebuild(whole, [name], lambda _: None), {"refused"}
    yield "no-ftyp.mp4", rebuild(whole, [b"ftyp"], lambda _: None), {6, "refused"}           # its tables point eight bytes too far
    for name in (b"stsz", b"stts", b"stsd", b"stco", b"stsc"):
        yield f"no-{name.decode()}.mp4", rebuild(whole, [*STBL, name], lambda _: None), DAMAGED
    parts = boxes(samples["fragments.mp4"])
    yield "no-fragment.mp4", b"".join(box(name, data) for name, data in parts if name not in (b"moof", b"mdat")), {"refused"}
    for name in ("ours.webm", "vp8.webm", "h264.mkv"):
        first = samples[name].index(b"\x1f\x43\xb6\x75")
        head = samples[name][:first]
        segment = head.index(b"\x18\x53\x80\x67") + 4
        yield f"no-block-{name}", head[:segment] + b"\x01" + b"\xff" * 7 + head[segment + 8:], {"refused"}


@group
def one_frame(samples):
    make = lambda ending: (write_video(Clip(noise(1)), path := samples.folder / f"one.{ending}"), path.read_bytes())[1]
    for ending in (*VIDEO_NAMES, "apng"): yield f"one.{ending}", make(ending), {1}
    for name, arguments in FOREIGN.items():
        ffmpeg(*arguments, samples.folder / name, source="testsrc=duration=0.1:size=48x36:rate=10")
        yield f"one-{name}", (samples.folder / name).read_bytes(), {1}


# --- names that lie

@group
def wrong_ending(samples):
    for name, data in samples.items():
        for ending in ("gif", "mp4", "webm", "png", "jpg", "txt"):
            if not name.endswith(ending): yield f"{Path(name).stem}.{ending}", data, {6}


def picture(kind, **settings):
    image = Image.fromarray(noise(1)[0])
    image.save(out := io.BytesIO(), kind, **settings)
    return out.getvalue()


@group
def image_with_a_videos_name(samples):
    for kind in ("JPEG", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "PDF", "SGI", "DDS", "JPEG2000"):
        try: data = picture(kind)
        except (KeyError, OSError): continue        # this Pillow was built without it
        for ending in VIDEO_NAMES: yield f"{kind}.{ending}", data, {1} if kind in ("JPEG", "BMP") and ending == "png" else {"refused"}
    first, *others = [Image.fromarray(frame) for frame in noise()]
    first.save(out := io.BytesIO(), "WEBP", save_all=True, append_images=others)
    for ending in VIDEO_NAMES: yield f"animated-webp.{ending}", out.getvalue(), {6}
    for ending in ("mp4", "webm"):                  # a still GIF, PNG or WebP is a clip of one frame, whatever it is called
        for kind in ("GIF", "PNG", "WEBP"): yield f"{kind}.{ending}", picture(kind), {1}


def packed(kind):
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive: archive.writestr("a.mp4", "a")
    else:
        with tarfile.open(fileobj=out, mode="w:gz") as archive: archive.addfile(tarfile.TarInfo("a.mp4"), io.BytesIO(b""))
    return out.getvalue()


TEXTS = {"milk": b"remember the milk", "utf-16": "Milch nicht vergessen".encode("utf-16"), "latin": "h\xe4user am see".encode("latin-1"),
         "html": b"<!DOCTYPE html><html><video src='a.mp4'></html>",
         "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='a.png'/></svg>",
         "json": b'{"caption": "a red circle"}', "csv": b"name,caption\na.mp4,a red circle\n",
         "srt": b"1\n00:00:00,000 --> 00:00:01,000\nHello\n",
         "ftyp": b"the ftypical text about boxes, where a box should be", "gif8": b"GIF8 is how a GIF begins, but this is a text.",
         "ebml": b"\x1aE\xdf\xa3 is how a WebM begins, but this is a text.",
         "png": b"\x89PNG\r\n\x1a\nis how a PNG begins, but this is a text.",
         "error": b"404 Not Found\n", "pickle": pickle.dumps({"a": 1}), "zip": packed("zip"), "tar": packed("tar"),
         "program": b"\x7fELF\2\1\1" + bytes(60), "exe": b"MZ" + bytes(200), "script": b"#!/bin/sh\necho hello\n",
         "lfs": b"version https://git-lfs.github.com/spec/v1\n"}


@group
def text_with_a_videos_name(samples):
    for name, data in TEXTS.items():
        for ending in ("mp4", "webm", "gif"): yield f"{name}.{ending}", data, {"refused"}


@group
def videos_in_other_formats(samples):
    for ending in ("avi", "flv", "mpg", "ts", "ogv", "wmv", "y4m", "nut", "h264", "mjpeg"):
        ffmpeg("-pix_fmt", "yuv420p", samples.folder / f"a.{ending}", source="testsrc=duration=0.24:size=48x36:rate=25")
        right = {"refused"} if ending in ("h264", "mjpeg") else {6}                 # no head by which to know them
        for name, ends in ((ending, {6}), ("mp4", right)): yield f"{ending}.{name}", (samples.folder / f"a.{ending}").read_bytes(), ends
    for ending in ("wav", "mp3", "m4a", "mka"):
        ffmpeg(samples.folder / f"a.{ending}", source="sine=duration=0.1")
        for name in ("mp4", "webm"): yield f"{ending}.{name}", (samples.folder / f"a.{ending}").read_bytes(), {"refused"}


# --- sizes and colours

@group
def sizes(samples):
    rng = np.random.default_rng(5)
    for w, h in ((1, 1), (1, 2), (2, 1), (1, 9), (9, 1), (2, 2), (3, 5), (15, 17), (31, 33), (64, 17), (200, 3), (255, 257)):
        for ending in VIDEO_NAMES:
            write_video(Clip(rng.integers(0, 256, (3, h, w, 3), dtype=np.uint8)), path := samples.folder / f"a.{ending}")
            assert read_video(path).frames.shape == (3, h, w, 3)
            yield f"{w}x{h}.{ending}", path.read_bytes(), {3}


def disc(mode, n_frames=3):
    "A white disc that moves over a black or transparent ground, as Pillow pictures of some mode"
    y, x = np.mgrid[:16, :20]
    for i in range(n_frames):
        cover = (np.hypot(x - 6 - 3 * i, y - 8) < 4).astype(np.uint8) * 255
        if mode == "I;16": yield Image.fromarray(cover.astype(np.uint16) * 257)
        elif mode in ("RGBA", "LA"): yield Image.merge(mode, [Image.new("L", (20, 16), 255)] * (len(mode) - 1) + [Image.fromarray(cover)])
        elif mode in ("RGB+t", "L+t", "P+t"):               # one colour stands for transparent
            grey = Image.fromarray(np.where(cover, 255, 77).astype(np.uint8))
            yield grey.convert(mode[:-2]) if mode != "P+t" else grey.quantize(4)
        elif mode == "P": yield Image.fromarray(cover).quantize(4)
        else: yield Image.fromarray(cover).convert(mode)


def looks_right(path, n_frames):
    frames = read_video(path).frames.astype(int)
    wanted = np.stack([np.array(image.convert("RGB")) for image in disc("RGB", n_frames)])
    return frames.shape == wanted.shape and np.abs(frames - wanted).mean() < 12


@group
def grey_alpha_and_palettes(samples):
    clear = {"RGB+t": (77, 77, 77), "L+t": 77}
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "RGB+t", "L+t", "P+t"):
        for n in (1, 3):
            first, *others = disc(mode, n)
            settings = dict(transparency=clear.get(mode, first.getpixel((0, 0)))) if "+t" in mode else {}
            endings = ("png", "gif") if mode in ("1", "L", "P", "RGBA", "P+t") else ("png",)
            if mode == "I;16" and n > 1: continue             # Pillow writes no animations of these
            for ending in endings:
                path = samples.folder / f"{mode.replace(';', '-')}-{n}.{ending}"
                if ending == "gif": settings["disposal"] = 2
                first.save(path, save_all=n > 1, append_images=others, duration=100, **settings)
                assert looks_right(path, n), path.name
                yield path.name, path.read_bytes(), {n}


CODECS = {"gray.mp4": ["-c:v", "libx264", "-pix_fmt", "gray"], "444.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv444p"],
          "422.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv422p"], "10bit.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p10"],
          "mpeg4.mp4": ["-c:v", "mpeg4"], "hevc.mp4": ["-c:v", "libx265", "-x265-params", "log-level=none"],
          "mjpeg.mov": ["-c:v", "mjpeg"],
          "prores.mov": ["-c:v", "prores_ks"], "png.mov": ["-c:v", "png"], "alpha.mov": ["-c:v", "qtrle", "-pix_fmt", "argb"],
          "raw.mov": ["-c:v", "rawvideo", "-pix_fmt", "rgb24"], "ffv1.mkv": ["-c:v", "ffv1"], "huffyuv.mkv": ["-c:v", "huffyuv"],
          "raw.mkv": ["-c:v", "rawvideo", "-pix_fmt", "yuv420p"],
          "alpha.webm": ["-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"],
          "alpha9.webm": ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p"], "av1.webm": ["-c:v", "libaom-av1", "-cpu-used", "8"],
          "fast.mp4": ["-c:v", "libx264", "-r", "1000", "-frames:v", "6"], "slow.mp4": ["-c:v", "libx264"],
          "turned.mp4": ["-c:v", "libx264", "-display_rotation:v:0", "90"], "cover.mp4": None}


@group
def codecs_and_pixels(samples):
    have = subprocess.run([get_ffmpeg_exe(), "-hide_banner", "-encoders"], capture_output=True, text=True).stdout
    for name, arguments in CODECS.items():
        path = samples.folder / name
        if name == "cover.mp4":                              # a picture for the shelf, before the video
            Image.fromarray(noise(1)[0]).save(samples.folder / "cover.png")
            subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", "-i", samples.folder / "cover.png", "-f", "lavfi", "-i",
                            "testsrc=duration=0.6:size=48x36:rate=10", "-map", "0", "-map", "1", "-c:v:0", "copy", "-c:v:1", "libx264",
                            "-disposition:v:0", "attached_pic", path], check=True)
        elif "-display_rotation:v:0" in arguments:
            ffmpeg("-c:v", "libx264", samples.folder / "straight.mp4")
            subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", "-display_rotation:v:0", "90", "-i", samples.folder / "straight.mp4",
                            "-c", "copy", path], check=True)
            assert read_video(path).frames.shape == (6, 48, 36, 3)
        elif name == "slow.mp4": ffmpeg(*arguments, path, source="testsrc=duration=42:size=48x36:rate=1/7")
        elif arguments[1] in have: ffmpeg(*arguments, path)
        else: continue
        if name in ("fast.mp4", "slow.mp4"): assert read_video(path).fps == pytest.approx(1000 if "fast" in name else 1 / 7, rel=.02)
        yield name, path.read_bytes(), {6}


# --- claims, bombs, and lengths

def claim(samples, name, old, new):
    "A file in which one number has been replaced"
    assert samples[name].count(old) >= 1
    return samples[name].replace(old, new, 1)


def patched(data, at, new): return data[:at] + new + data[at + len(new):]


@group
def claims_beyond_all_bounds(samples):
    huge = 0xFFFFFFFF
    gif, mp4, webm, fragments = samples["ours.gif"], samples["late.mp4"], samples["ours.webm"], samples["fragments.mp4"]
    yield "screen.gif", patched(gif, 6, b"\xff" * 4), {"refused"}
    yield "first-image.gif", raw_gif(3, size=(65535, 65535)), DAMAGED
    yield "far-away.gif", raw_gif(3, place=(65535, 65535)), DAMAGED
    yield "later-image.gif", raw_gif(1)[:-1] + raw_gif(1, size=(60000, 60000))[19:], DAMAGED
    yield "image-outside.gif", raw_gif(1)[:-1] + raw_gif(1, place=(5, 5))[19:], DAMAGED
    for name, (w, h) in {"wide": (huge >> 1, 1), "high": (1, huge >> 1), "large": (65535, 65535), "just-too-large": (8193, 8192)}.items():
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
        yield f"{name}.png", patched(raw_png(2), 8, header), {"refused"}
    for count in (3, 2**16, 2**28, 2**31, huge): yield f"{count}-frames.png", raw_png(2, promised=count), DAMAGED
    yield "frame-outside.png", raw_png(3, 4, 4, frame=(5, 5)), DAMAGED
    yield "large-frame.png", raw_png(3, 4, 4, frame=(5000, 5000)), DAMAGED
    count = chunk(b"acTL", struct.pack(">II", 2, 0))
    yield "two-counts.png", raw_png(2).replace(count, count * 2), DAMAGED
    yield "text-bomb.png", raw_png(2)[:-12] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8))) + chunk(b"IEND", b""), DAMAGED
    yield "early-bomb.png", raw_png(2)[:33] + chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(10**8))) + raw_png(2)[33:], DAMAGED
    yield "profile-bomb.png", raw_png(2)[:33] + chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8))) + raw_png(2)[33:], DAMAGED
    size = lambda w, h: lambda data: patched(data, 40, struct.pack(">HH", w, h))
    for w, h in ((65535, 65535), (65535, 2), (4096, 4096 * 3)):
        lie = rebuild(mp4, [*STBL, b"stsd"], size(w, h))
        yield f"{w}x{h}.mp4", lie, DAMAGED
    number = lambda at, n: lambda data: patched(data, at, struct.pack(">I", n))
    for table, at in ((b"stsz", 8), (b"stts", 4), (b"stts", 8), (b"stsc", 4), (b"stco", 4), (b"stsd", 4)):
        for n in (5, 7, 2**24, huge):
            right = DAMAGED
            lie = rebuild(mp4, [*STBL, table], number(at, n))
            if lie != mp4: yield f"{table.decode()}-{at}-{n}.mp4", lie, right
    for n in (3, huge):
        both = rebuild(rebuild(mp4, [*STBL, b"stsz"], number(8, n)), [*STBL, b"stts"], number(8, n))
        yield f"both-tables-{n}.mp4", both, DAMAGED
    yield "all-sizes-alike.mp4", rebuild(mp4, [*STBL, b"stsz"], number(4, 1)), DAMAGED
    for n in (0, 3, 2**20, huge): yield f"trun-{n}.mp4", rebuild(fragments, [b"moof", b"traf", b"trun"], number(4, n)), DAMAGED
    yield "long-box.mp4", mp4 + struct.pack(">I4sQ", 1, b"free", 2**63), DAMAGED
    yield "short-box.mp4", mp4 + struct.pack(">I4s", 7, b"free"), DAMAGED
    deep = b""
    for _ in range(5000): deep = box(b"trak", deep)
    yield "deep.mp4", mp4[:mp4.index(b"moov") - 4] + box(b"moov", deep), DAMAGED
    width = webm.index(b"\xb0\x81\x18\xba\x81\x18")          # PixelWidth 24, PixelHeight 24
    wide = lambda w, h: b"\xb0\x84" + struct.pack(">I", w) + b"\xba\x84" + struct.pack(">I", h)
    for w, h in ((huge, huge), (65535, 65535), (0, 0), (8192, 8192)):
        yield f"{w}x{h}.webm", endless(webm[:width] + wide(w, h) + webm[width + 6:], webm, 6), DAMAGED
    yield "long-number.webm", webm + b"\0" * 9, DAMAGED
    yield "endless-block.webm", webm + b"\xa3\xff\x81\0\0\0", DAMAGED
    yield "laced.webm", patched(webm, webm.index(b"\xa3", webm.index(b"\x1f\x43\xb6\x75")) + 4, b"\6"), DAMAGED


def endless(data, before, more):
    "A WebM that grew by some bytes inside its track: the pieces around it get their lengths right"
    data = bytearray(data)
    for name in (b"\xe0", b"\xae", b"\x16\x54\xae\x6b"):
        at = before.index(name, before.index(b"\x16\x54\xae\x6b")) + len(name)
        end = at + 9 - before[at].bit_length()                # a number's first byte says how many bytes it has
        value = int.from_bytes(before[at:end]) & ((1 << 7 * (end - at)) - 1)
        data[at:end] = ((value + more) | 1 << 7 * (end - at)).to_bytes(end - at)
    segment = before.index(b"\x18\x53\x80\x67") + 4
    data[segment:segment + 8] = b"\x01" + b"\xff" * 7
    return bytes(data)


@group
def long_clips(samples):
    def loop(name, times, *arguments):
        "A thousand frames, again and again"
        part, whole = samples.folder / f"part-{name}", samples.folder / name
        ffmpeg(*arguments, part, source="color=red:size=2x2:rate=100:duration=10")
        subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", "-stream_loop", str(times - 1), "-i", part, "-c", "copy", whole], check=True)
        return whole.read_bytes()
    yield "20000.gif", raw_gif(20_000), {20_000}
    yield "20000.png", raw_png(20_000), {20_000}
    yield "20000.mp4", loop("long.mp4", 20, "-c:v", "libx264"), {20_000}
    yield "20000.mkv", loop("long.mkv", 20, "-c:v", "rawvideo"), {20_000}
    yield f"{_MAX_FRAMES + 1}.gif", raw_gif(_MAX_FRAMES + 1), {"refused"}
    yield f"{_MAX_FRAMES + 1}.png", raw_png(_MAX_FRAMES + 1), {"refused"}
    yield "132000.mp4", loop("longer.mp4", 132, "-c:v", "libx264"), {"refused"}
    yield "132000.mkv", loop("longer.mkv", 132, "-c:v", "rawvideo"), {"refused"}


@group
def crumbs(samples):
    "Files of countless pieces that hold nothing"
    many = 2**19
    yield "crumbs.gif", raw_gif(2)[:-1] + b"!\1\0" * many + b";", {2, "refused"}
    yield "crumbs.png", raw_png(2)[:-12] + chunk(b"tEXt", b"") * many + chunk(b"IEND", b""), {2, "refused"}
    yield "crumbs.mp4", samples["late.mp4"] + box(b"free", b"") * many, {6, "refused"}
    yield "crumbs.webm", samples["ours.webm"] + b"\xec\x80" * many, {6, "refused"}


@group
def large_clips(samples):
    def video(n, name, *arguments):
        ffmpeg(*arguments, "-frames:v", n, samples.folder / name, source="color=red:size=4096x4096:rate=10")
        return (samples.folder / name).read_bytes()
    blank = Image.new("P", (4096, 4096))
    blank.save(out := io.BytesIO(), "GIF")
    still = out.getvalue()
    more = raw_gif(16)[19:]                                  # single pixels, painted over it
    yield "2.gif", still[:-1] + raw_gif(1)[19:], {3}           # the first lasts two and a half times as long as the second
    yield "17.gif", still[:-1] + more, {"refused"}
    yield "2.png", raw_png(2, 4096, 4096, color=0, frame=(1, 1)), {2}
    yield "17.png", raw_png(17, 4096, 4096, color=0, frame=(1, 1)), {"refused"}
    h264, vp8 = ["-c:v", "libx264", "-preset", "ultrafast"], ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]
    yield "2.mp4", video(2, "2.mp4", *h264), {2}
    yield "17.mp4", video(17, "17.mp4", *h264), {"refused"}
    yield "2.webm", video(2, "2.webm", *vp8), {2}
    yield "17.mkv", video(17, "17.mkv", *h264), {"refused"}


class Samples(dict):
    "The whole files, and a folder to make others in"


def cases_of(name, samples, folder):
    folder.mkdir()
    given = Samples(samples)
    given.folder = folder
    return GROUPS[name](given)


SLOW = ("long clips", "crumbs", "large clips")


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in GROUPS])
def test_each_ends_well(name, samples, tmp_path):
    (tmp_path / "cases").mkdir()
    check(cases_of(name, samples, tmp_path / "made"), tmp_path / "cases")


# --- nothing else is opened

class Trap:
    "A file that must not be opened and an address that must not be called; it counts who does"
    def __init__(self, folder, video):
        self.folder, self.secret, self.calls = folder, folder / "secret.mp4", 0
        self.secret.write_bytes(video)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/secret.mp4"
        threading.Thread(target=self.answer, daemon=True).start()
        libc = ctypes.CDLL(None, use_errno=True)
        self.watch = libc.inotify_init1(os.O_NONBLOCK)
        libc.inotify_add_watch(self.watch, os.fsencode(self.secret), 0x20)          # IN_OPEN

    def answer(self):
        while True:
            try: caller, _ = self.server.accept()
            except OSError: return
            self.calls += 1
            caller.close()

    def sprung(self):
        "Who came since the last question: how often the file was opened, the address called"
        try: opened = len(os.read(self.watch, 2**16)) // 16
        except BlockingIOError: opened = 0
        calls, self.calls = self.calls, 0
        return opened, calls


@pytest.fixture
def trap(tmp_path, samples):
    if not sys.platform.startswith("linux"): pytest.skip("who opens a file is watched with Linux's inotify")
    made = Trap(tmp_path, samples["late.mp4"])
    yield made
    made.server.close(); os.close(made.watch)


def playlists(trap):
    "name -> text; each asks for the secret file or address"
    m3u8 = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:9\n{}#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    targets = {"near": "secret.mp4", "far": str(trap.secret), "file": f"file:{trap.secret}", "uri": trap.secret.as_uri(), "http": trap.url,
               "concat": f"concat:{trap.secret}|{trap.secret}", "subfile": f"subfile,,start,0,end,0,,:{trap.secret}",
               "up": f"../{trap.folder.name}/secret.mp4"}
    lists = {f"m3u8-{name}": m3u8.format("", target) for name, target in targets.items()}
    lists |= {f"ffconcat-{name}": f"ffconcat version 1.0\nfile '{target}'\n" for name, target in targets.items()}
    lists["m3u8-key"] = m3u8.format(f'#EXT-X-KEY:METHOD=AES-128,URI="{trap.url}"\n', "secret.mp4")
    lists["m3u8-map"] = m3u8.format(f'#EXT-X-MAP:URI="{trap.url}"\n', "secret.mp4")
    lists["m3u8-master"] = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{trap.url}\n#EXT-X-STREAM-INF:BANDWIDTH=2\nsecret.mp4\n"
    lists["m3u"] = f"{trap.url}\nsecret.mp4\n"
    lists["pls"] = f"[playlist]\nFile1={trap.url}\nFile2=secret.mp4\nNumberOfEntries=2\nVersion=2\n"
    lists["xspf"] = f"<?xml version='1.0'?><playlist version='1'><trackList><track><location>{trap.url}</location></track></trackList>"
    lists["asx"] = f"<asx version='3.0'><entry><ref href='{trap.url}'/></entry></asx>"
    lists["smil"] = f"SMILtext<smil><body><video src='{trap.url}'/></body></smil>"
    lists["rtsp"] = f"RTSPtextrtsp://{trap.url[7:]}"
    here = "IN IP4 127.0.0.1"
    lists["sdp"] = f"v=0\no=- 0 0 {here}\ns=a\nc={here}\nt=0 0\nm=video {trap.port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    mpd = "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' mediaPresentationDuration='PT1S'><Period>{}</Period></MPD>"
    parts = "<AdaptationSet mimeType='video/mp4'><Representation id='1' bandwidth='1'>{}</Representation></AdaptationSet>"
    lists["dash"] = "<?xml version='1.0'?>" + mpd.format(parts.format(f"<BaseURL>{trap.url}</BaseURL>"))
    lists["avisynth"] = f'AviSource("{trap.secret}")\n'
    lists["lavfi"] = f"movie={trap.secret}"
    lists["idx"] = "# VobSub index file, v7\nid: en, index: 0\n"
    return lists


SIGNED = {"gif": b"GIF89a", "png": b"\x89PNG\r\n\x1a\n", "mp4": struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0),
          "webm": b"\x1aE\xdf\xa3\x80"}


def alias(path):
    "A Macintosh alias, by which an MP4 says that its pictures lie in another file"
    name = os.fsencode(path)
    record = bytes(4) + bytes(10) + b"\0" + bytes(27) + bytes(12) + bytes([9]) + b"secret.mp4".ljust(63, b"\0") + bytes(16)
    name += bytes(len(name) % 2)
    record += struct.pack(">HH", 1, 1) + bytes(16) + struct.pack(">HH", 2, len(name)) + name + struct.pack(">HH", 0xFFFF, 0)
    return box(b"alis", record.ljust(200, b"\0"))


def references(trap, video):
    "name -> MP4s that say that their pictures are elsewhere"
    dref = lambda entry: rebuild(video, [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"], lambda _: struct.pack(">II", 0, 1) + entry)
    movie = lambda kind, target: box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", box(
        b"rdrf", struct.pack(">I4sI", 0, kind, len(target)) + target))))
    there = [os.fsencode(trap.secret), trap.url.encode(), trap.secret.as_uri().encode()]
    files = {f"url-{i}": dref(box(b"url ", bytes(4) + target + b"\0")) for i, target in enumerate(there)}
    files |= {f"urn-{i}": dref(box(b"urn ", bytes(4) + b"a\0" + target + b"\0")) for i, target in enumerate(there)}
    files |= {f"alias-{i}": dref(alias(os.fsdecode(target))) for i, target in enumerate([*there, b"secret.mp4"])}
    return files | {f"movie-{i}": movie(b"url ", target) for i, target in enumerate(there)}


def playlist_cases(trap, samples):
    for name, text in playlists(trap).items():
        for ending in ("mp4", "webm", "gif"): yield f"{name}.{ending}", text.encode(), {"refused"}
        for ending in ("mp4", "webm", "png"): yield f"signed-{name}.{ending}", SIGNED[ending] + b"\n" + text.encode(), {"refused"}
    for name, data in references(trap, samples["late.mp4"]).items():
        yield f"{name}.mp4", data, {6, "refused"} if "movie" not in name else {"refused"}       # 6: from the file itself


def test_playlists_open_nothing(trap, samples):
    check(playlist_cases(trap, samples), trap.folder)
    assert trap.sprung() == (0, 0)


@pytest.mark.parametrize("name, ending, options, sprung", [
    ("ffconcat-near", "mp4", [], (1, 0)), ("m3u8-near", "m3u8", [], (1, 0)),
    ("ffconcat-http", "mp4", ["-f", "concat", "-safe", "0", "-protocol_whitelist", "file,http,tcp"], (0, 1)),
    ("alias-0", "mp4", ["-enable_drefs", "1", "-use_absolute_path", "1"], (1, 0))])
def test_the_trap_works(trap, samples, name, ending, options, sprung):
    "The same files, given to an ffmpeg that nobody has told what it may open, or that was told too much"
    path = trap.folder / f"list.{ending}"
    path.write_bytes(playlists(trap)[name].encode() if name in playlists(trap) else references(trap, samples["late.mp4"])[name])
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *options, "-i", path, "-f", "null", "-"], capture_output=True, cwd=trap.folder)
    opened, called = trap.sprung()
    assert (opened > 0, called > 0) == (sprung[0] > 0, sprung[1] > 0)


def test_the_library_itself_keeps_to_its_formats(trap):
    "Even where our look at the first bytes would fail: PyAV, with what we give it"
    for text in playlists(trap).values():
        (trap.folder / "list.mp4").write_text(text)
        refusals = (av.FFmpegError, module.DamagedFile)
        with open(trap.folder / "list.mp4", "rb") as file, pytest.raises(refusals): module._MovieFile(file)
    assert trap.sprung() == (0, 0)


# --- what is decoded, and for how long

def test_too_large_is_refused_before_decoding(samples, tmp_path, monkeypatch):
    def never(*args, **settings): raise AssertionError("it was decoded")
    for film in (module._MovieFile, module._PictureFile): monkeypatch.setattr(film, "frames", never)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 16384, 4096, 8, 2, 0, 0, 0))
    files = {"a.gif": raw_gif(5, (16384, 4096)), "a.png": patched(raw_png(5), 8, header),
             "b.gif": raw_gif(_MAX_FRAMES + 1), "b.png": raw_png(_MAX_FRAMES + 1)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        assert "too large to be read at once" in ending_of(tmp_path / name)


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.gif"
    path.write_bytes(raw_gif(1))
    os.truncate(path, module._MAX_BYTES + 1)                      # sparse: it takes no room
    assert "too large" in ending_of(path)


def test_a_decoder_that_takes_for_ever_is_stopped(samples, tmp_path, monkeypatch):
    class Slow:
        now = 0.0
        @classmethod
        def thread_time(cls):
            cls.now += 40
            return cls.now
    monkeypatch.setattr(module, "time", Slow)
    for name in ("ours.mp4", "ours.webm", "ours.gif", "ours.png"):
        (tmp_path / name).write_bytes(samples[name])
        assert "takes too long" in ending_of(tmp_path / name)


def test_no_memory_is_a_sentence(samples, tmp_path, monkeypatch):
    def none(*args): raise MemoryError
    monkeypatch.setattr(module, "_on_ground", none)
    (tmp_path / "a.gif").write_bytes(samples["ours.gif"])
    assert "memory" in ending_of(tmp_path / "a.gif")


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="a file that is there but cannot be read: Linux has one")
def test_what_cannot_be_opened():
    assert "cannot be opened" in ending_of(Path("/proc/self/mem"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are Unix")
def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "broken.mp4").symlink_to("nowhere")
    for name in ("folder.mp4", "broken.mp4", "a\udcff.mp4"): assert "check the name" in ending_of(tmp_path / name)
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero")): assert "a device or a pipe: save what it gives as a file" in ending_of(path)


@pytest.mark.slow
def test_hundreds_of_cases_and_none_twice(trap, samples, tmp_path, record_property):
    groups = {name: cases_of(name, samples, tmp_path / name) for name in GROUPS if name not in SLOW}
    groups["playlists"] = playlist_cases(trap, samples)
    seen, counts = {}, Counter()
    for name, cases in groups.items():
        for label, data, right in cases:
            case = Path(label).suffix, hash(data)
            assert seen.setdefault(case, (name, label)) == (name, label), f"{label} is the same case as {seen[case]}"
            counts["must be refused" if right == {"refused"} else "may be read" if "refused" in right else "must be read"] += 1
    for kind, n in counts.items(): record_property(kind, n)
    assert counts.total() >= 500 and min(counts["must be read"], counts["must be refused"]) >= 100
