"Smooth time: the flow against known steps and another library, measures on known faults, the links, and the shipped generators"
import numpy as np
import pytest
import torch
from fastcore.test import test_fail as fails
from scipy import ndimage
from skimage.registration import optical_flow_ilk
from t2v_learn.gan.coherence import (FAULTS, VARIANTS, FrameDiscriminator, LinkedGenerator, Variant, _Circles, _flickering, _frame_labels,
                                     _jittered, _variant_gan, coherence, flicker, identity_changes, load_variants, optical_flow,
                                     save_variants, track_roughness, train_variant, warp, warping_error)
from t2v_learn.gan.gan import generator_loss
from t2v_learn.judge.controls import photographs
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.checkpoint import CheckpointError, save_weights
from t2v_learn.training.loop import missing_gradients
from t2v_learn.video.datasets import WorldData, stack_clips
from t2v_learn.video.verify import score, start_spread
from t2v_learn.video.world import DIRECTIONS, World, caption, render


@pytest.fixture(scope="module")
def scenes():
    rng, world = np.random.default_rng(41), World("tiny")
    return [world.sample(rng, "held-out-combinations" if i % 2 else "seen") for i in range(60)]


@pytest.fixture(scope="module")
def clean(scenes): return stack_clips([render(scene) for scene in scenes])


@pytest.fixture(scope="module")
def good(clean): return coherence(clean)


@pytest.fixture(scope="module")
def encoder(): return TextEncoder()


def clips_of(fault, scenes, **options):
    return stack_clips([fault(scene, np.random.default_rng([5, i]), **options) for i, scene in enumerate(scenes)])


def worse(bad, good): return ((bad[:, None] > good).double() + (bad[:, None] == good) / 2).mean().item()


# --- the flow

def test_warping_by_whole_pixels_is_shifting():
    image = torch.randn(2, 3, 9, 12)
    flow = torch.tensor([2.0, -1.0])[None, :, None, None].expand(2, 2, 9, 12)
    torch.testing.assert_close(warp(image, flow)[..., 1:, :-2], image[..., :-1, 2:], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(warp(image, 0 * flow), image, rtol=1e-4, atol=1e-5)


def shifted_photographs(dx, dy):
    for photo in photographs():
        smooth = ndimage.gaussian_filter(photo[:400, :600] / 255, (2, 2, 0))
        pair = smooth, ndimage.shift(smooth, (dy, dx, 0), order=3, mode="nearest")
        yield [torch.tensor(p[100:228, 200:328]).permute(2, 0, 1)[None].float() * 2 - 1 for p in pair]


@pytest.mark.parametrize("step", [(0.5, 0.0), (1.3, -0.7), (3.0, 2.0), (-4.0, 3.0)])
def test_flow_of_shifted_photographs_is_the_shift_and_that_of_another_library(step):
    for first, second in shifted_photographs(*step):
        flow = optical_flow(first, second, levels=3, window=7)[0, :, 8:-8, 8:-8].numpy()
        down, right = optical_flow_ilk(first[0].mean(0).numpy(), second[0].mean(0).numpy(), radius=7)
        theirs = np.stack([right, down])[:, 8:-8, 8:-8]
        assert np.median(np.linalg.norm(flow - np.array(step)[:, None, None], axis=0)) < .15
        assert np.median(np.linalg.norm(flow - theirs, axis=0)) < .15


def test_flow_in_the_world_is_the_known_step(scenes, clean):
    for t in (0, 6):
        flow, there = optical_flow(clean[:, :, t], clean[:, :, t + 1]), clean[:, :, t].amax(1) > 0
        measured = np.array([step[:, on].mean(1).numpy() for step, on in zip(flow, there)])
        true = np.array([np.array(DIRECTIONS[s.actors[0].motion]) * s.actors[0].speed for s in scenes])
        off = np.linalg.norm(measured - true, axis=1)
        assert np.median(off) < .15 and np.quantile(off, .9) < .4


# --- the measures

CAUGHT = {"shuffled": ("warping", "track"), "jittered": ("track",), "colour flips": ("warping", "flicker", "color"),
          "shape changes": ("shape",), "flickering": ("flicker",)}


@pytest.mark.parametrize("fault", CAUGHT)
def test_known_faults_are_seen(fault, scenes, good):
    bad = coherence(clips_of(FAULTS[fault], scenes))
    for name in CAUGHT[fault]: assert worse(bad[name], good[name]) > .95, name
    if fault != "shape changes": assert worse(bad["shape"], good["shape"]) < .55
    if fault != "colour flips": assert worse(bad["color"], good["color"]) < .55


def test_more_of_a_fault_measures_more(scenes):
    rough = [track_roughness(clips_of(_jittered, scenes, sigma=s)).mean() for s in (0, .1, .3, 1, 2)]
    light = [flicker(clips_of(_flickering, scenes, depth=d)).mean() for d in (0, .05, .1, .2, .4)]
    left = [warping_error(clips_of(_jittered, scenes, sigma=s)).mean() for s in (0, .5, 1, 2, 4)]
    for values in (rough, light, left): assert all(a < b for a, b in zip(values, values[1:])), values


def test_trembling_is_as_rough_as_variances_say(scenes):
    rough = track_roughness(clips_of(_jittered, scenes, sigma=.5)).square().mean().sqrt()
    assert abs(rough / (12**.5 * .5) - 1) < .1


def test_a_flow_without_reach_explains_a_shuffled_film(scenes, clean):
    bad = clips_of(FAULTS["shuffled"], scenes)
    assert worse(warping_error(bad, None), warping_error(clean, None)) < .75 < .99 < worse(warping_error(bad), warping_error(clean))


def test_empty_clips_are_measured_too():
    black = coherence(torch.full((2, 3, 8, 32, 32), -1.0))
    assert black["track"].isnan().all() and (black["shape"] == 1).all() and (black["color"] == 1).all()
    assert black["warping"].tolist() == [0, 0] and black["flicker"].tolist() == [0, 0]


def test_an_empty_frame_has_no_label(clean):
    clip = clean[:1].clone(); clip[:, :, 3] = -1
    assert _frame_labels(clip[0])[3] == (None, None)
    torch.testing.assert_close(identity_changes(clip), torch.full((1, 2), 1 / 8))
    assert track_roughness(clip).isnan().all()


def test_values_beyond_the_range_are_cut(clean):
    for a, b in zip(coherence(1.1 * clean[:3]).values(), coherence((1.1 * clean[:3]).clamp(-1, 1)).values()): assert torch.equal(a, b)


def test_spread_is_the_distance_from_the_middle():
    def at(x): # a bright square whose middle is at x
        clip = torch.full((3, 8, 32, 32), -1.0); clip[:, :, 12:20, x - 4:x + 4] = 1
        return clip
    assert abs(start_spread([torch.stack([at(10), at(16)])]) - 3) < .05 and start_spread([torch.stack([at(10), at(10)])]) == 0
    assert np.isnan(start_spread([torch.full((2, 3, 8, 32, 32), -1.0)]))


# --- what links frames

@pytest.mark.parametrize("link", ("none", "recurrence", "convolution", "attention"))
@pytest.mark.parametrize("one_noise", [False, True])
def test_a_generator_of_each_kind_learns_in_all_its_parts(link, one_noise, encoder):
    torch.manual_seed(0)
    gan, (video, captions) = _variant_gan(Variant(True, one_noise, link)), WorldData(_Circles(), 4)(0)
    gan.fit_text(encoder(captions))
    text = encoder(captions)
    fake = gan.generator(text, torch.randn(4, gan.generator.z_dim))
    assert fake.shape == video.shape and gan.generator.z_dim == (32 if one_noise else 256)
    sum(generator_loss(gan.discriminator, fake, text, torch.zeros(4)).values()).backward()
    assert missing_gradients(gan.generator) == []


def test_a_judge_of_frames_does_not_see_their_order(clean, encoder):
    torch.manual_seed(0)
    gan, order = _variant_gan(Variant()), torch.randperm(8)
    assert isinstance(gan.discriminator, FrameDiscriminator)
    with torch.no_grad(): seen, mixed = gan.discriminator.encode_video(clean[:3]), gan.discriminator.encode_video(clean[:3, :, order])
    torch.testing.assert_close(seen, mixed, rtol=1e-4, atol=1e-5)
    assert not isinstance(_variant_gan(Variant(True)).discriminator, FrameDiscriminator)


def test_circles_are_circles_and_held_out_ones_are_not_among_them():
    circles, rng = _Circles(), np.random.default_rng(0)
    actors = [circles.sample(rng).actors[0] for _ in range(480)]
    seen = {(actor.shape, actor.color, actor.motion) for actor in actors}
    assert seen == {c for c in World("tiny").combinations("seen") if c[0] == "circle"}


# --- training, saving, loading

def test_training_twice_gives_the_same_and_survives_the_file(tmp_path):
    first, second = (train_variant("video D, attention", steps=2, seed=3, progress=False) for _ in range(2))
    for name, value in first.state_dict().items(): assert torch.equal(value, second.state_dict()[name]), name
    other = LinkedGenerator()
    for part in ("sentence", "words"): getattr(other, part).load_state_dict(getattr(first, part).state_dict())   # measured once for all
    save_variants({"baseline": other, "video D, attention": first}, tmp_path / "variants")
    loaded = load_variants(tmp_path / "variants")
    assert list(loaded) == ["baseline", "video D, attention"]
    for generator, read in zip((other, first), loaded.values()):
        for name, value in generator.state_dict().items(): assert torch.equal(value.half().float(), read.state_dict()[name]), name


def test_wrong_names_and_files_are_refused(tmp_path):
    fails(lambda: train_variant("hope"), contains="no variant called 'hope'")
    with pytest.raises(CheckpointError, match="there is no"): load_variants(tmp_path / "nowhere")
    save_weights(tmp_path / "other", {"a": torch.zeros(1)}, dict(kind="reader"))
    with pytest.raises(CheckpointError, match="kind"): load_variants(tmp_path / "other")
    save_weights(tmp_path / "strange", {"a": torch.zeros(1)}, dict(kind="coherence", names=["luck"]))
    with pytest.raises(CheckpointError, match="unknown"): load_variants(tmp_path / "strange")
    save_weights(tmp_path / "short", {"baseline/a": torch.zeros(1)}, dict(kind="coherence", names=["baseline"]))
    with pytest.raises(CheckpointError, match="no tensor"): load_variants(tmp_path / "short")


def test_the_script_goes_on_where_it_stopped(tmp_path, monkeypatch):
    import train_variants as script
    trained = []
    def quick(name):
        trained.append(name)
        return LinkedGenerator(VARIANTS[name].link, VARIANTS[name].one_noise)
    monkeypatch.setattr(script, "train_variant", quick)
    script.main(tmp_path / "m", "video D", "baseline")
    script.main(tmp_path / "m")
    assert trained == ["video D", "baseline", *(name for name in VARIANTS if name not in ("video D", "baseline"))]
    assert list(load_variants(tmp_path / "m")) == list(VARIANTS)


# --- the shipped generators, on captions and noise that the lesson does not use

@pytest.mark.slow
def test_what_the_lesson_says_of_the_shipped_generators_holds_elsewhere(encoder):
    circles, rng, generators, found, right = _Circles(), np.random.default_rng(77), load_variants(), {}, {}
    shown = [circles.sample(rng) for _ in range(64)]
    text = encoder([caption(scene, rng) for scene in shown])
    assert list(generators) == list(VARIANTS)
    for name, generator in generators.items():
        z = torch.randn(len(shown), generator.z_dim, generator=torch.Generator().manual_seed(78))
        with torch.no_grad(): video = generator(text, z).clamp(-1, 1)
        found[name] = {what: value.nanmean().item() for what, value in coherence(video).items()}
        right[name] = np.mean([score(clip, scene)["joint"] for clip, scene in zip(video, shown)])
    def rough(name): return found[name]["track"]
    assert min(rough("baseline"), rough("one noise")) > 2.5 * rough("video D")
    for link in ("convolution", "attention", "recurrence"): assert rough(f"video D, {link}") < .8 * rough("video D")
    assert rough("video D, one noise, recurrence") == min(map(rough, VARIANTS))
    for name in VARIANTS: assert (found[name]["flicker"] < .015) == name.startswith("video D, one noise"), name
    assert right["baseline"] == right["one noise"] == 0 and right["video D"] < .15
    assert all(right[name] > .3 for name in ("video D, convolution", "video D, one noise", "video D, one noise, recurrence"))


def test_flow_is_followed_where_the_clip_lies():
    assert warp(torch.zeros(1, 3, 8, 8, device="meta"), torch.zeros(1, 2, 8, 8, device="meta")).device.type == "meta"
