"Looking at clips: every pixel and frame is shown as it is, captions stay with their clips, the map knows every lesson"
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from rerun import notebooks

from t2v_learn.core import InputError
from t2v_learn.video.clips import Clip
from t2v_learn.video.show import (_as_list, _motion_hint, _positions, _station, _tile, animate, as_frames, as_png, film, picture_grid,
                                  pipeline_figure, sheet, show_video, strip)

CLIPS = [Clip(np.random.default_rng(i).integers(0, 256, (8, 24, 32, 3), dtype=np.uint8), fps=5) for i in range(5)]
CAPTIONS = [f"clip number {i} of a few" for i in range(5)]
BATCH = torch.stack([clip.tensor() for clip in CLIPS])   # b c f h w
STILL = np.repeat(CLIPS[0].frames[:1], 8, axis=0)


KEPT = {"clip": CLIPS[0], "array": CLIPS[0].frames, "tensor": CLIPS[0].tensor(),
        "screen values in a tensor": torch.from_numpy(CLIPS[0].frames), "model values in an array": CLIPS[0].tensor().numpy()}


@pytest.mark.parametrize("clip", KEPT.values(), ids=KEPT)
def test_one_clip_however_it_is_kept(clip):
    assert (as_frames(clip) == CLIPS[0].frames).all() and as_frames(clip).dtype == np.uint8
    assert len(_as_list(clip)) == 1 and len(_as_list([clip] * 3)) == 3


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int64])
def test_whole_numbers_that_are_no_screen_values(dtype):
    "They would wrap round: 256 would be shown as black"
    wide = CLIPS[0].frames.astype(dtype)
    assert (as_frames(wide) == CLIPS[0].frames).all()
    for wrong in (256, -1) if np.issubdtype(dtype, np.signedinteger) else (256,):
        wide[0, 0, 0, 0] = wrong
        with pytest.raises(ValueError, match="0 to 255"): as_frames(wide)


def test_many_clips():
    for given in (CLIPS, BATCH, list(BATCH)): assert all((a == b.frames).all() for a, b in zip(_as_list(given), CLIPS, strict=True))
    with pytest.raises(ValueError, match="no clip"): _as_list([])
    with pytest.raises(ValueError, match="four axes"): as_frames(CLIPS[0].frames[0])


@pytest.mark.parametrize("shape, dtype", [((8, 32, 32, 1), np.uint8), ((3, 8, 32, 32), np.uint8), ((8, 32, 32, 4), np.uint8),
                                          ((8, 32, 32, 3), np.float32), ((1, 8, 32, 32), np.float64)])
def test_three_colours_in_their_place(shape, dtype):
    for show in (as_frames, strip, show_video, sheet, animate):
        with pytest.raises(InputError, match="three colours"): show(np.zeros(shape, dtype))


def test_several_clips_may_come_from_a_generator():
    assert animate(clip for clip in CLIPS).data == animate(CLIPS).data
    for show in (sheet, animate):
        for ncols in (0, -1, 2.5):
            with pytest.raises(InputError, match="ncols is a whole number"): show(CLIPS, ncols=ncols)


@pytest.mark.parametrize("wrong", [None, "clip.gif", [[1], [2, 3]], {}, np.array("a"), np.array([None])])
def test_what_is_no_clip_is_named(wrong):
    with pytest.raises(InputError, match=f"of type {type(wrong).__name__}"): as_frames(wrong)


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_film_leaves_every_pixel_as_it_is(gap):
    frames = CLIPS[0].frames
    picture = film(frames, gap)
    assert picture.shape == (24, 8 * (32 + gap) - gap, 3)
    for i, frame in enumerate(frames):
        start = i * (32 + gap)
        assert (picture[:, start:start + 32] == frame).all() and (picture[:, start + 32:start + 32 + gap] == 255).all()


@pytest.mark.parametrize("draw", [strip, sheet, animate])
def test_captions_that_do_not_fit_are_refused(draw):
    with pytest.raises(ValueError, match="4 captions do not fit 5 clips"): draw(CLIPS, CAPTIONS[:4])


def test_strips_and_sheets():
    figure = strip(BATCH, CAPTIONS)
    assert len(figure.axes) == 5 and [axis.get_title(loc="left") for axis in figure.axes] == CAPTIONS
    assert (figure.axes[2].images[0].get_array() == film(CLIPS[2].frames)).all()
    assert figure.axes[0].images[0].get_interpolation() == "nearest"
    assert len(strip(CLIPS[0].frames[:1], "one frame").axes) == 1
    assert len(sheet(CLIPS, CAPTIONS, ncols=2).axes) == 5


def test_pictures_are_enlarged_to_whole_dots():
    figure = picture_grid([clip.frames[0] for clip in CLIPS], None, ncols=3, scale=3)
    for axis in figure.axes:
        box = axis.get_window_extent()
        assert box.width == pytest.approx(96) and box.height == pytest.approx(72)
    boxes = [axis.get_position() for axis in figure.axes]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_motion_is_hinted_at_and_nothing_else():
    assert (_motion_hint(STILL) == STILL[0]).all() and (_motion_hint(STILL[:1]) == STILL[0]).all()
    dot = np.zeros((8, 9, 80, 3), np.uint8)
    for t in range(8): dot[t, 3:6, 10 * t:10 * t + 5] = 200
    hint = _motion_hint(dot)[4, :, 0]
    assert hint[42] == 200 and hint[2] == 90 and set(hint.tolist()) == {0, 90, 200}     # frame 4 in full, frame 0 at 0.45


def test_moving_pictures_keep_their_frames():
    for clip in (CLIPS[0], STILL, BATCH[0]): assert show_video(clip).data.count(b"fcTL") == 8
    assert show_video(CLIPS[0], width=77).width == 77
    shown = CLIPS[0]._repr_mimebundle_()
    assert shown == show_video(CLIPS[0])._repr_mimebundle_()                            # a clip shows itself in the same way


def test_a_grid_of_clips():
    wall = _tile([CLIPS[0].frames, CLIPS[1].frames[:3]], None, ncols=2)
    assert wall.shape == (8, 26, 68, 3)
    assert (wall[:, :24, :32] == CLIPS[0].frames).all()
    assert (wall[:3, :24, 34:66] == CLIPS[1].frames[:3]).all() and (wall[3:, :24, 34:66] == CLIPS[1].frames[2]).all()   # waits on its last
    assert animate(BATCH, CAPTIONS).data.count(b"fcTL") == 8


# --- the map

def test_the_map_marks_one_station_and_knows_every_lesson():
    assert len(set(_positions().values())) == len(_positions())
    for name in ("clips", "BERT", "presets", "GAN", "U-Net", "score"):
        marked = [text.get_text() for text in pipeline_figure(name).axes[0].texts if text.get_weight() == "bold"]
        assert marked == [name]
    lessons = [path.stem.partition("_")[2] for path in notebooks() if path.stem[:2].isdigit() and path.parent.name[0] in "1234567"]
    assert len(lessons) > 20
    for name in lessons: assert _station({"gan_training": "gan.train"}.get(name, name)) in _positions()
    with pytest.raises(ValueError, match="no station 'moon'; there are: clips"): pipeline_figure("moon")


def test_names_on_the_map_do_not_touch():
    for here in ("checkpoint", "denoiser"):
        figure = pipeline_figure(here)
        figure.canvas.draw()
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0 and box.y1 <= figure.bbox.height for box in boxes)


# --- as a file

def test_any_figure_becomes_a_png():
    picture = Image.fromarray(CLIPS[0].frames[0])
    assert as_png(strip(CLIPS[0]))[:4] == b"\x89PNG" and as_png(show_video(CLIPS[0])) == show_video(CLIPS[0]).data
    assert (np.array(Image.open(BytesIO(as_png(picture)))) == CLIPS[0].frames[0]).all()


def test_mirrored_and_reversed_clips():
    "NumPy counts backwards in them, which torch refuses"
    for frames in (CLIPS[0].frames[::-1], CLIPS[0].frames[:, :, ::-1]):
        assert (as_frames(frames) == frames).all() and (as_frames(Clip(frames).tensor()) == frames).all()
    model_values = CLIPS[0].tensor().numpy()[:, ::-1]
    assert (as_frames(model_values) == CLIPS[0].frames[::-1]).all()


def test_a_caption_with_dollars_is_no_formula():
    strip(CLIPS[:2], ["from $5 to $10", "$^$"]).savefig(drawn := BytesIO())
    assert drawn.tell()
