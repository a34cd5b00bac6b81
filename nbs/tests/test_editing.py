"Video in: what is known stays to the last bit, whatever the size, the rate and the sampler; what cannot be done is said in a sentence"
import numpy as np
import pytest
import torch
from denoisers import clips as random_video
from refusals import sentence
from rerun import root
from small_model import FRAMES, SIZE, Encoder, small_model

from t2v_learn.core import read_json
from t2v_learn.diffusion.denoiser import Denoiser
from t2v_learn.diffusion.editing import EDITS, as_mask, editing_figure, editing_results, keep_known, measure_editing
from t2v_learn.diffusion.pipeline import TextToVideo
from t2v_learn.diffusion.sampling import SAMPLERS, ddim, euler, level_times
from t2v_learn.video.clips import Clip
from t2v_learn.video.verify import read_scene
from t2v_learn.video.world import World, render

PROMPT = "a red circle moving right"


@pytest.fixture(scope="module")
def model(): return small_model()


@pytest.fixture(scope="module")
def shipped():
    return TextToVideo.from_pretrained("tiny", device="cpu", precision="fp32")


def clip_of(n_frames=FRAMES, h=SIZE, w=SIZE, fps=8.0, seed=0):
    return Clip(np.random.default_rng(seed).integers(0, 256, (n_frames, h, w, 3), dtype=np.uint8), fps)


CLIP = clip_of()
HOLE = np.zeros((SIZE, SIZE), bool)
HOLE[2:9, 3:12] = True


# --- the known part

def some_mask():
    mask = torch.ones(2, 1, 4, 16, 16, dtype=torch.bool)
    mask[0, :, :2] = False
    mask[1, :, 3, :8] = False
    return mask


def half_grey(x, t):
    "A predictor: half of x; it accepts a time per frame"
    return x / 2, x / 2


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("native", [False, True])
def test_what_is_known_comes_out_of_every_sampler(name, native, model):
    video = random_video()
    mask = some_mask()
    times = level_times(model.denoiser.schedule, 5)
    start = random_video(seed=3)
    predict = keep_known(model.denoiser, video, mask, native)(half_grey)
    drawn = SAMPLERS[name](predict, model.denoiser.schedule, start, times, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(drawn.expand_as(video)[~mask.expand_as(video)], video[~mask.expand_as(video)], atol=2e-4)


@pytest.mark.parametrize("t", [1.0, 0.7, 0.01])
def test_the_pair_is_still_x(t, model):
    x = random_video(seed=4)
    x0, noise = keep_known(model.denoiser, random_video(), some_mask())(half_grey)(x, t)
    t = torch.tensor(t)
    assert torch.allclose(model.denoiser.schedule.alpha(t) * x0 + model.denoiser.schedule.sigma(t) * noise, x, atol=1e-4)


def test_whole_frames_are_handed_over_clean_and_parts_are_not(model):
    asked = []
    def watch(x, t):
        asked.append((x, torch.as_tensor(t)))
        return half_grey(x, t)
    x = random_video(seed=4)
    video = random_video()
    keep_known(model.denoiser, video, some_mask())(watch)(x, 0.7)
    seen, t = asked.pop()
    assert t.tolist() == [[0, 0, pytest.approx(.7), pytest.approx(.7)], [pytest.approx(.7)] * 4]
    assert torch.equal(seen[0, :, :2], video[0, :, :2]) and torch.equal(seen[0, :, 2:], x[0, :, 2:]) and torch.equal(seen[1], x[1])
    keep_known(model.denoiser, video, some_mask(), native=False)(watch)(x, 0.7)
    seen, t = asked.pop()
    assert t.ndim == 0 and torch.equal(seen, x), "by replacement only, the network sees noise"


def test_a_real_network_takes_given_frames(model):
    "And they change what it says about the others"
    text = Encoder()([PROMPT])
    x = random_video(1, FRAMES, SIZE, seed=5)
    t = torch.full((1, FRAMES), .9)
    plain = model.denoiser.predict(x, t, text)[0]
    t[:, 0] = 0
    given = model.denoiser.predict(x, t, text)[0]
    assert (given - plain)[:, :, 1:].abs().max() > 1e-4


# --- the methods

def upper_half(clip):
    f, h, w, _ = clip.frames.shape
    return np.arange(h)[:, None] < np.full(w, h // 2)


METHODS = {"edit": lambda m, clip, **s: m.edit(clip, PROMPT, **s),
           "continue": lambda m, clip, **s: m.continue_clip(clip, PROMPT, n_given=1, **s),
           "interpolate": lambda m, clip, **s: m.interpolate(clip, PROMPT, **s),
           "inpaint": lambda m, clip, **s: m.inpaint(clip, upper_half(clip), PROMPT, **s)}


@pytest.mark.parametrize("n_frames, h, w, fps", [(8, 16, 16, 8), (3, 40, 24, 2), (30, 16, 64, 25), (9, 31, 33, 60), (2, 16, 16, 1.5)])
@pytest.mark.parametrize("name", METHODS)
def test_any_size_length_and_rate(model, name, n_frames, h, w, fps):
    drawn = METHODS[name](model, clip_of(n_frames, h, w, fps), num_inference_steps=1)
    assert drawn.frames.shape == (FRAMES, SIZE, SIZE, 3)
    if name == "continue": assert drawn.fps == pytest.approx(fps / max(1, round(fps / 8)))
    else: assert len(drawn) / drawn.fps == pytest.approx(n_frames / fps), "it lasts as long as it did"


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_clip(model, name):
    first, again, other = (METHODS[name](model, CLIP, num_inference_steps=2, seed=seed).frames for seed in (3, 3, 4))
    assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_any_sampler(model, name, sampler):
    drawn = METHODS[name](model, CLIP, num_inference_steps=3, sampler=sampler).frames
    plain = METHODS[name](model, CLIP, num_inference_steps=3).frames
    assert (drawn != plain).any()
    assert sentence(METHODS[name], model, CLIP, sampler="dddm").count("ddim")


def test_a_list_gives_a_list(model):
    both = model.continue_clip([CLIP, clip_of(seed=1)], [PROMPT, "a blue square moving up"], num_inference_steps=1)
    alone = model.continue_clip(clip_of(seed=1), "a blue square moving up", num_inference_steps=1, seed=1)
    assert len(both) == 2 and np.abs(both[1].frames.astype(int) - alone.frames).mean() < 1
    assert len(model.edit([CLIP], [PROMPT], num_inference_steps=1)) == 1


@pytest.mark.parametrize("n_given", [1, 2, 7])
def test_a_clip_goes_on_from_its_last_frames(model, n_given):
    drawn = model.continue_clip(CLIP, PROMPT, n_given=n_given, num_inference_steps=1)
    assert (drawn.frames[:n_given] == CLIP.frames[-n_given:]).all()


def test_a_fast_clip_goes_on_at_the_speed_of_the_model(model):
    drawn = model.continue_clip(clip_of(10, fps=25), PROMPT, num_inference_steps=1)
    assert (drawn.frames[:2] == clip_of(10, fps=25).frames[[6, 9]]).all() and drawn.fps == pytest.approx(25 / 3)


def test_a_still_picture_is_one_given_frame(model):
    still = Clip(CLIP.frames[:1])
    assert (model.continue_clip(still, PROMPT, num_inference_steps=1).frames[0] == still.frames[0]).all()
    assert len(model.extend(still, PROMPT, n_frames=9, num_inference_steps=1)) == 9


@pytest.mark.parametrize("n_frames, wanted", [(None, 16), (9, 9), (31, 31)])
def test_extended_clips_begin_with_the_clip(model, n_frames, wanted):
    longer = model.extend(CLIP, PROMPT, n_frames=n_frames, num_inference_steps=1)
    assert len(longer) == wanted and (longer.frames[:8] == CLIP.frames).all() and longer.fps == CLIP.fps


def test_windows_of_an_extended_clip_overlap(model, monkeypatch):
    begun = []
    once = TextToVideo.continue_clip
    def watch(self, clip, *rest, **settings):
        begun.append(clip[0].frames[-2:])
        return once(self, clip, *rest, **settings)
    monkeypatch.setattr(TextToVideo, "continue_clip", watch)
    longer = model.extend(CLIP, PROMPT, n_frames=20, num_inference_steps=1)
    assert len(begun) == 2 and (begun[1] == longer.frames[12:14]).all(), "the second window begins with the end of the first"


def test_clips_of_different_length_are_extended_together(model):
    longer = model.extend([CLIP, clip_of(3, seed=1)], [PROMPT] * 2, num_inference_steps=1)
    assert [len(one) for one in longer] == [16, 6] and (longer[1].frames[:3] == clip_of(3, seed=1).frames).all()


def test_both_ends_are_kept(model):
    drawn = model.interpolate(CLIP, PROMPT, num_inference_steps=1)
    assert (drawn.frames[[0, -1]] == CLIP.frames[[0, -1]]).all()
    last = clip_of(3, seed=2)
    drawn = model.interpolate(Clip(CLIP.frames[:1]), PROMPT, last, num_inference_steps=1)
    assert (drawn.frames[0] == CLIP.frames[0]).all() and (drawn.frames[-1] == last.frames[-1]).all() and drawn.fps == 8


@pytest.mark.parametrize("seed", range(3))
def test_outside_the_mask_nothing_changes(model, seed):
    mask = np.random.default_rng(seed).random((FRAMES, SIZE, SIZE)) < (.1, .5, .95)[seed]
    drawn = model.inpaint(CLIP, mask, PROMPT, num_inference_steps=2)
    assert (drawn.frames[~mask] == CLIP.frames[~mask]).all() and (drawn.frames[mask] != CLIP.frames[mask]).any()


def test_masks_of_every_form_mean_the_same(model):
    forms = [HOLE, HOLE.astype(float), torch.tensor(HOLE), np.stack([HOLE] * FRAMES),
             Clip((HOLE[None, ..., None] * np.full(3, 9)).astype(np.uint8))]
    wanted = as_mask(HOLE, CLIP, FRAMES, SIZE)
    assert wanted.sum() == FRAMES * HOLE.sum() and all(torch.equal(as_mask(form, CLIP, FRAMES, SIZE), wanted) for form in forms)
    both = model.inpaint([CLIP, CLIP], [HOLE, ~HOLE], [PROMPT] * 2, num_inference_steps=1)
    assert (both[0].frames[:, ~HOLE] == CLIP.frames[:, ~HOLE]).all() and (both[1].frames[:, HOLE] == CLIP.frames[:, HOLE]).all()


def test_a_mask_is_resampled_with_its_clip():
    mask = np.zeros((20, 32, 64), bool)
    mask[10:, :, 32:] = True                                           # the second half of the time, the right half of the picture
    small = as_mask(mask, clip_of(20, 32, 64), 8, 16)
    assert not small[:4].any() and small[4:, :, 8:].all() and not small[4:, :, :7].any()


def test_strength_0_gives_the_clip_back_and_1_nothing_of_it(model):
    assert (model.edit(CLIP, PROMPT, strength=0).frames == CLIP.frames).all()
    assert model.edit(clip_of(30, 20, 40, 10), PROMPT, strength=0).frames.shape == (FRAMES, SIZE, SIZE, 3)
    ends = [model.edit(clip_of(seed=seed), PROMPT, strength=1.0, num_inference_steps=2, seed=5).frames for seed in (0, 1)]
    assert (ends[0] == ends[1]).all() and (ends[0] == model(PROMPT, num_inference_steps=2, seed=5, guidance_scale=3.0).frames).all()


# --- inversion

def test_inversion_is_ddim_backwards(model, monkeypatch):
    "With a network that always sees the same noise, there and back is exact"
    seen = random_video(1, FRAMES, SIZE, seed=7)
    def constant(*args, **settings):
        return lambda x, t: (None, seen)
    monkeypatch.setattr("t2v_learn.diffusion.editing.guide", constant)
    noise = model.invert(CLIP, PROMPT, strength=.8, num_inference_steps=10)
    schedule = model.denoiser.schedule
    def back(x, t): return (x - schedule.sigma(t) * seen) / schedule.alpha(t), seen
    x0 = ddim(back, schedule, noise, model.times(10, .8, "ddim"))
    assert torch.allclose(model.denoiser.restore(x0)[0], CLIP.tensor(), atol=1e-3)
    assert torch.allclose(euler(back, schedule, noise, model.times(10, .8, "ddim")), x0, atol=1e-3)


def test_inversion_has_no_seed_and_depends_on_the_prompt(model):
    own = dict(invert=True, source_prompt="a blue circle", num_inference_steps=2)
    edits = [model.edit(CLIP, PROMPT, seed=seed, **own).frames for seed in (0, 1)]
    assert (edits[0] == edits[1]).all()
    first, other, none = (model.invert(CLIP, prompt, num_inference_steps=2) for prompt in (PROMPT, "a blue square", None))
    assert (first - other).abs().max() > 1e-4 and (first - none).abs().max() > 1e-4 and first.shape == (1, 3, FRAMES, SIZE, SIZE)


def test_a_clip_is_drawn_again_from_its_own_noise(shipped):
    scene = World("tiny").sample(np.random.default_rng(3))
    clip = Clip(render(scene))
    actor, = scene.actors
    prompt = f"a {actor.color} {actor.shape} moving {actor.motion}"
    x = shipped.invert(clip, prompt, strength=.6, num_inference_steps=16)
    times = shipped.times(16, .6, "ddim")
    own, any_ = (shipped.denoise([prompt], start, times, guidance_scale=1.0, sampler="ddim")[0] for start in (x, torch.randn_like(x)))
    assert (own - clip.tensor()).square().mean() < .1 * (any_ - clip.tensor()).square().mean()


# --- what is refused

NAN = CLIP.tensor() * float("nan")
SPOILT = HOLE.astype(float)
SPOILT[0, 0] = np.nan


@pytest.mark.parametrize("call, parts", [
    (lambda m: m.edit(CLIP, PROMPT, strength=-.1), ["strength", "between 0 and 1", "-0.1"]),
    (lambda m: m.edit(CLIP, PROMPT, strength=1.01), ["strength", "1.01"]),
    (lambda m: m.edit(CLIP, PROMPT, strength=float("nan")), ["strength", "nan"]),
    (lambda m: m.invert(CLIP, PROMPT, strength=0), ["strength", "above 0"]),
    (lambda m: m.edit(CLIP, PROMPT, source_prompt="a clip"), ["source prompt", "invert=True"]),
    (lambda m: m.edit(NAN, PROMPT), ["NaN"]),
    (lambda m: m.continue_clip(NAN, PROMPT), ["NaN"]),
    (lambda m: m.inpaint(NAN, HOLE, PROMPT), ["NaN"]),
    (lambda m: m.interpolate(CLIP, PROMPT, NAN), ["NaN"]), (lambda m: m.invert(NAN), ["NaN"]),
    (lambda m: m.edit("clip.gif", PROMPT), ["str", "read_video"]), (lambda m: m.edit(None, PROMPT), ["NoneType"]),
    (lambda m: m.edit(np.zeros((8, 16, 16)), PROMPT), ["four axes"]),
    (lambda m: m.edit(np.zeros((0, 16, 16, 3), np.uint8), PROMPT), ["shape"]),
    (lambda m: m.edit([CLIP, CLIP], PROMPT), ["2 clips", "not 1"]), (lambda m: m.inpaint([CLIP], HOLE, [PROMPT] * 3), ["1 clips", "not 3"]),
    (lambda m: m.extend([CLIP] * 2, PROMPT), ["2 clips", "not 1"]), (lambda m: m.invert([CLIP] * 2, PROMPT), ["2 clips", "not 1"]),
    (lambda m: m.interpolate([CLIP] * 2, [PROMPT] * 2, CLIP), ["1 clips", "not 2"]),
    (lambda m: m.edit([CLIP] * 2, [PROMPT] * 2, seed=[1]), ["2 prompts", "seeds"]), (lambda m: m.edit([], []), ["prompt is empty"]),
    (lambda m: m.continue_clip(CLIP, " "), ["prompt is empty"]),
    (lambda m: m.edit(CLIP, PROMPT, source_prompt=["a", "b"], invert=True), ["1 clips", "not 2"]),
    (lambda m: m.edit(CLIP, PROMPT, num_inference_steps=0), ["from 1 to 1000", "not 0"]),
    (lambda m: m.continue_clip(CLIP, PROMPT, num_inference_steps=10_000), ["from 1 to 1000", "not 10000"]),
    (lambda m: m.invert(CLIP, num_inference_steps=2.5), ["whole number", "2.5"]),
    (lambda m: m.interpolate(CLIP, PROMPT, sampler="dddm"), ["dddm", "ddim", "dpmpp_2m"]),
    (lambda m: m.inpaint(CLIP, HOLE, PROMPT, negative_prompt=" "), ["negative prompt is empty"]),
    (lambda m: m.continue_clip(CLIP, PROMPT, n_given=0), ["given frames", "from 1 on", "not 0"]),
    (lambda m: m.continue_clip(CLIP, PROMPT, n_given=8), ["1 to 7 frames can be given", "not 8"]),
    (lambda m: m.continue_clip(CLIP, PROMPT, n_given=2.0), ["whole number", "not 2.0"]),
    (lambda m: m.continue_clip(CLIP, PROMPT, n_given="2"), ["whole number", "'2'"]),
    (lambda m: m.extend(CLIP, PROMPT, 9.0), ["whole number", "not 9.0"]),
    (lambda m: m.edit(CLIP, PROMPT, strength="much"), ["strength", "much"]),
    (lambda m: m.invert(CLIP, strength=None), ["strength", "None"]),
    (lambda m: measure_editing(m, "color", n=0), ["n is a whole number"]), (lambda m: measure_editing(m, "color", seed=-1), ["seed"]),
    (lambda m: m.continue_clip(clip_of(3), PROMPT, n_given=4), ["3 frames", "or fewer of its frames"]),
    (lambda m: m.continue_clip(clip_of(8, fps=32), PROMPT, n_given=3), ["2 frames at 8 a second", "or fewer of its frames"]),
    (lambda m: m.extend(CLIP, PROMPT, n_frames=8), ["more than that", "not 8"]),
    (lambda m: m.extend(CLIP, PROMPT, n_given=9), ["frames can be given", "not 9"]),
    (lambda m: m.interpolate(Clip(CLIP.frames[:1]), PROMPT), ["one picture", "last one"]),
    (lambda m: m.inpaint(CLIP, HOLE & False, PROMPT), ["empty", "nothing to draw"]),
    (lambda m: m.inpaint(CLIP, HOLE | True, PROMPT), ["covers everything"]),
    (lambda m: m.inpaint(CLIP, HOLE[:8], PROMPT), ["16x8", "16x16"]),
    (lambda m: m.inpaint(CLIP, HOLE[None].repeat(3, 0), PROMPT), ["3 frames", "8 of"]),
    (lambda m: m.inpaint(CLIP, np.zeros(5), PROMPT), ["axes f h w", "(5,)"]), (lambda m: m.inpaint(CLIP, "left", PROMPT), ["axes f h w"]),
    (lambda m: m.inpaint(CLIP, SPOILT, PROMPT), ["mask", "NaN"]),
    (lambda m: m.inpaint([CLIP] * 2, [HOLE], [PROMPT] * 2), ["2 clips", "masks"]),
])
def test_what_cannot_be_done_is_said_in_a_sentence(model, call, parts):
    text = sentence(call, model)
    assert all(part in text for part in parts), text


def test_it_is_said_before_anything_is_drawn(model, monkeypatch):
    monkeypatch.setattr(Denoiser, "forward", lambda *args: pytest.fail("the network was asked first"))
    for call in (lambda: model.edit(CLIP, PROMPT, sampler="dddm"), lambda: model.inpaint(CLIP, HOLE, PROMPT, num_inference_steps=0),
                 lambda: model.continue_clip([CLIP, NAN], [PROMPT] * 2),
                 lambda: model.edit(CLIP, PROMPT, guidance_scale=1.0, negative_prompt="a")):
        sentence(call)


# --- measuring

class Echo:
    "Gives back what it was given: no edit, no motion"
    def edit(self, clip, prompt, **settings): return clip
    def continue_clip(self, clip, prompt, **settings): return [Clip(one.frames[[0] + [1] * 7]) for one in clip]
    def interpolate(self, clip, prompt, **settings): return clip
    def inpaint(self, clip, mask, prompt, **settings): return clip


@pytest.mark.parametrize("task", EDITS)
def test_what_is_not_edited_is_not_counted(task):
    found = measure_editing(Echo(), task, n=6, batch_size=4)
    others = {"color", "shape", "motion"} - {task}
    assert not found[task].any() and not found["all three"].any() and all(found[name].all() for name in others)
    assert task == "motion" or found["track"].all()


def test_what_is_filled_is_held_to_the_only_right_answer():
    perfect = [measure_editing(Echo(), task, n=6) for task in ("interpolate", "inpaint")]
    assert all(ok.all() for found in perfect for ok in found.values())
    stopped = measure_editing(Echo(), "continue", n=6)
    assert stopped["given equal"].all() and not stopped["motion"].any() and not stopped["track"].any()
    assert "continue" in sentence(measure_editing, Echo(), "size")


def test_results_are_complete_and_drawn():
    results = editing_results(Echo(), n=3, n_tuning=2, strengths=(.5, 1.0))
    assert set(results["curves"]) == set(EDITS) and results["tasks"]["continue"]["shares"]["motion"][0] == 0
    figure = editing_figure(results)
    assert len(figure.axes) == 3 and all(axis.get_xlabel() == "strength" for axis in figure.axes)
    assert "2 clips" in figure.axes[0].get_ylabel()


def test_stored_results_are_of_many_clips_and_what_was_promised():
    results = read_json(root / "nbs" / "5_diffusion" / "results" / "editing.json")
    tasks = {name: {key: share[0] for key, share in task["shares"].items()} for name, task in results["tasks"].items()}
    assert results["n"] >= 256 and results["seed"] != results["tuning_seed"]
    assert all(task[name] == 1 for task in tasks.values() for name in ("given equal",) if name in task)
    assert tasks["edit color"]["all three"] >= .97
    assert min(tasks[f"edit {name}"]["all three"] for name in ("shape", "motion")) >= .85
    assert min(tasks["continue"][name] for name in ("shape", "color", "motion")) >= .95
    assert tasks["interpolate"]["ends"] >= .9


def test_the_shipped_model_edits(shipped):
    source = shipped("a red square moving down", seed=1)
    edits = [shipped.edit(source, "a blue square moving down", strength=strength, seed=0).frames.astype(int) for strength in (.05, .3, .9)]
    distance = [np.abs(edit - source.frames).mean() for edit in edits]
    assert distance[0] < distance[1] < distance[2]
    changed = read_scene(shipped.edit(source, "a blue square moving down", strength=.6, seed=0)).scene.actors[0]
    assert (changed.shape, changed.color, changed.motion) == ("square", "blue", "down")


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_tensors_of_any_kind_are_clips(kind, model):
    given = CLIP.tensor().to(kind).requires_grad_()
    drawn = model.edit(given, PROMPT, num_inference_steps=1)
    assert drawn.frames.shape == model.edit(CLIP, PROMPT, num_inference_steps=1).frames.shape
    mask = torch.from_numpy(HOLE).clone()
    mask[2:4, 2:4] = True
    assert as_mask(mask.to(kind).requires_grad_(), CLIP, FRAMES, SIZE).any()


def test_nothing_is_not_the_default(model):
    for wrong in (dict(n_frames=0), dict(n_given=0), dict(n_given=-1)): sentence(model.extend, CLIP, PROMPT, **wrong)


@pytest.mark.parametrize("n_frames, n_given, ok", [(1, None, True), (2, None, False), (3, None, False), (4, None, True), (6, None, True),
                                                   (6, 4, True)])
def test_a_model_of_groups_extends_what_it_can(n_frames, n_given, ok, model, monkeypatch):
    "As latents have them: four frames at a time"
    asked = []
    def continue_clip(clips, prompts, n, *rest, **settings):
        asked.append(n)
        return [clip_of(FRAMES, seed=len(asked)) for _ in clips]
    monkeypatch.setattr(type(model), "whole_frames", 4)
    monkeypatch.setattr(model, "continue_clip", continue_clip)
    if not ok:
        assert "goes on from 4 frames" in sentence(model.extend, clip_of(n_frames), PROMPT, n_frames=20)
        return
    longer = model.extend(clip_of(n_frames), PROMPT, n_frames=20, n_given=n_given)
    assert len(longer) == 20 and all(n and n % 4 == 0 for n in asked)


def test_a_picture_is_a_mask_whatever_its_colours_and_how_opaque_it_is(model):
    clip = clip_of(5, 20, 30)
    plain = np.zeros((20, 30), bool)
    plain[4:12, 10:22] = True
    wanted = as_mask(plain, clip, FRAMES, SIZE)
    picture = plain[..., None] * np.array([0, 200, 0], np.uint8)
    opaque = np.full((20, 30, 1), 255, np.uint8)
    for mask in (picture, np.concatenate([picture, opaque], -1), np.repeat(picture[None], 5, 0)):
        assert torch.equal(as_mask(mask, clip, FRAMES, SIZE), wanted)


@pytest.mark.parametrize("where", [(slice(2, 3), slice(None), slice(None)), (slice(None), slice(None), slice(0, 3))])
def test_a_mask_that_the_model_does_not_see_is_not_called_empty(where):
    clip = clip_of(16, 16, 40)                      # of which every second frame is taken, and the middle square
    mask = np.zeros((16, 16, 40), bool)
    mask[where if where[0] != slice(2, 3) else (slice(1, 2), *where[1:])] = True
    said = sentence(as_mask, mask, clip, FRAMES, SIZE)
    assert "evenly spaced" in said and "middle square" in said and "empty" not in said


def test_strengths_of_any_number(model):
    assert (model.edit(CLIP, PROMPT, torch.tensor(.5)).frames == model.edit(CLIP, PROMPT, .5).frames).all()
