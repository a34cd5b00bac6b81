"A clip: what it refuses, its tensor, its picture in a notebook, and its way to another length and size"
import base64

import numpy as np
import pytest
import torch

from t2v_learn.core import InputError
from t2v_learn.video.clips import Clip, frame_indices, resample, to_uint8, to_unit


def noise(*shape): return np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)


# --- two scales

def test_screen_values_come_back():
    every = np.arange(256, dtype=np.uint8)
    assert to_unit(every).dtype == torch.float32 and to_unit(every)[[0, -1]].tolist() == [-1, 1]
    assert (to_uint8(to_unit(every)) == every).all()


def test_model_values_are_clamped_and_rounded():
    assert to_uint8(torch.tensor([-9., .999, 1.02])).tolist() == [0, 255, 255]
    assert to_uint8(np.array([-1 + .6 / 127.5])).tolist() == [1]
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="NaN or infinity"): to_uint8(torch.tensor([0, bad]))


# --- the clip

@pytest.mark.parametrize("frames, fps, reason", [
    (noise(0, 4, 4), 8, "at least 1"), (noise(4, 4), 8, "(4, 4, 3)"), (noise(2, 4, 4)[..., :1], 8, "(2, 4, 4, 1)"),
    (noise(2, 4, 4) / 255, 8, "not uint8"), (noise(2, 4, 4), 0, "positive"), (noise(2, 4, 4), float("nan"), "positive")])
def test_nothing_is_no_clip(frames, fps, reason):
    with pytest.raises(InputError) as refused: Clip(frames, fps)
    assert reason in str(refused.value)


def test_tensor_and_back():
    clip = Clip(noise(5, 6, 7), fps=12)
    x = clip.tensor()
    assert x.shape == (3, 5, 6, 7) and x.is_contiguous() and -1 <= x.min() and x.max() <= 1
    back = Clip.from_tensor(x, fps=12)
    assert (back.frames == clip.frames).all() and back.fps == 12 and back.frames.flags["C_CONTIGUOUS"]
    with pytest.raises(InputError, match="pick one of the batch"): Clip.from_tensor(x[None])


@pytest.mark.parametrize("frames", [noise(6, 9, 9), np.repeat(noise(1, 9, 9), 6, axis=0)], ids=["moving", "still"])
def test_a_notebook_shows_every_frame(frames):
    data, size = Clip(frames)._repr_mimebundle_()
    assert list(data) == ["image/png"] and size == {"image/png": {"width": 192, "alt": "a moving picture of 6 frames"}}
    assert base64.b64decode(data["image/png"]).count(b"fcTL") == 6
    assert repr(Clip(frames)) == "Clip(6 frames, 9x9, 8 fps)" and len(Clip(frames)) == 6


# --- resampling

def test_frame_indices():
    for have in range(1, 40):
        assert (frame_indices(have, have) == np.arange(have)).all()
        for want in range(1, 40):
            index = frame_indices(have, want)
            assert len(index) == want and index.min() >= 0 and index.max() < have and (np.diff(index) >= 0).all()
            assert (index + frame_indices(have, want)[::-1] - (have - 1) <= 1).all()            # as much before as after
            if have % want == 0: assert len(set(np.diff(index))) <= 1                    # even steps where they can be
            if want >= have: assert set(index) == set(range(have))                       # nothing left out


@pytest.mark.parametrize("shape", [(8, 32, 32), (36, 60, 80), (5, 31, 33), (1, 7, 90), (3, 1, 1), (20, 200, 8)])
@pytest.mark.parametrize("n_frames,size", [(8, 32), (1, 1), (16, 64), (3, 17)])
def test_resample(shape, n_frames, size):
    clip = Clip(noise(*shape), fps=12)
    small = resample(clip, n_frames, size)
    assert small.frames.shape == (n_frames, size, size, 3) and small.frames.dtype == np.uint8
    assert len(small) / small.fps == pytest.approx(len(clip) / clip.fps)                 # as long in seconds
    flat = resample(Clip(np.full((*shape, 3), 77, np.uint8)), n_frames, size)
    assert (flat.frames == 77).all()                                                     # no dark borders
    mirrored = resample(Clip(np.ascontiguousarray(clip.frames[:, ::-1, ::-1])), n_frames, size).frames[:, ::-1, ::-1]
    if (shape[1] - min(shape[1:])) % 2 == (shape[2] - min(shape[1:])) % 2 == 0:
        assert np.abs(mirrored.astype(int) - small.frames).max() <= 1                    # no drift to one side


def test_resample_leaves_what_fits_and_owns_its_frames():
    clip = Clip(noise(8, 32, 32))
    same = resample(clip, 8, 32)
    assert (same.frames == clip.frames).all() and same.fps == clip.fps
    same.frames[:] = 0
    assert clip.frames.max() > 0
    for n_frames, size in ((0, 32), (8, 0)):
        with pytest.raises(InputError): resample(clip, n_frames, size)


def test_clips_that_count_backwards():
    frames = noise(4, 6, 8)
    for some in (frames[::-1], frames[:, ::-1], frames[:, :, ::-1]): assert torch.equal(to_unit(some), to_unit(some.copy()))
    assert to_unit(np.uint8(255)).shape == ()
