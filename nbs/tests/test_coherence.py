"Smooth time: the flow against known steps and another library, measures on known faults, the links, and the shipped generators"
import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.registration import optical_flow_ilk
from t2v_learn.gan.coherence import (LINKS, MEANS, Circles, FrameDiscriminator, LinkedGAN, LinkedGenerator, Means, coherence,
                                     color_flipping, flicker, flickering, frame_names, identity_lost, jittered, load_means,
                                     optical_flow, save_means, shuffled, spread, track_roughness, train_means, warp, warping_error)
from t2v_learn.gan.gan import generator_loss
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.checkpoint import CheckpointError, save_weights
from t2v_learn.training.loop import missing_gradients
from t2v_learn.video.clips import InputError
from t2v_learn.video.datasets import WorldData, stack_clips
from t2v_learn.video.verify import photographs, score, shape_changes
from t2v_learn.video.world import DIRECTIONS, World, caption, render


@pytest.fixture(scope="module")
def scenes():
    chance, world = np.random.default_rng(41), World("tiny")
    return [world.sample(chance, "held-out-combinations" if i % 2 else "seen") for i in range(60)]


@pytest.fixture(scope="module")
def clean(scenes): return stack_clips([render(scene) for scene in scenes])


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

CAUGHT = {shuffled: ("warping", "track"), jittered: ("track",), color_flipping: ("warping", "flicker", "color"),
          shape_changes: ("shape",), flickering: ("flicker",)}


@pytest.mark.parametrize("fault", CAUGHT, ids=lambda fault: fault.__name__)
def test_known_faults_are_seen(fault, scenes, clean):
    bad, good = coherence(clips_of(fault, scenes)), coherence(clean)
    for name in CAUGHT[fault]: assert worse(bad[name], good[name]) > .95, name
    if fault is not shape_changes: assert worse(bad["shape"], good["shape"]) < .55
    if fault is not color_flipping: assert worse(bad["color"], good["color"]) < .55


def test_more_of_a_fault_measures_more(scenes):
    rough = [track_roughness(clips_of(jittered, scenes, sigma=s)).mean() for s in (0, .1, .3, 1, 2)]
    light = [flicker(clips_of(flickering, scenes, depth=d)).mean() for d in (0, .05, .1, .2, .4)]
    left = [warping_error(clips_of(jittered, scenes, sigma=s)).mean() for s in (0, .5, 1, 2, 4)]
    for values in (rough, light, left): assert all(a < b for a, b in zip(values, values[1:])), values


def test_trembling_is_as_rough_as_variances_say(scenes):
    rough = track_roughness(clips_of(jittered, scenes, sigma=.5)).square().mean().sqrt()
    assert abs(rough / (12**.5 * .5) - 1) < .1


def test_a_flow_without_reach_explains_a_shuffled_film(scenes, clean):
    bad = clips_of(shuffled, scenes)
    assert worse(warping_error(bad, None), warping_error(clean, None)) < .75 < .99 < worse(warping_error(bad), warping_error(clean))


def test_empty_clips_are_measured_too():
    black = coherence(torch.full((2, 3, 8, 32, 32), -1.0))
    assert black["track"].isnan().all() and (black["shape"] == 1).all() and (black["color"] == 1).all()
    assert black["warping"].tolist() == [0, 0] and black["flicker"].tolist() == [0, 0]


def test_one_empty_frame_loses_the_name(clean):
    clip = clean[:1].clone(); clip[:, :, 3] = -1
    assert frame_names(clip[0])[3] == (None, None)
    torch.testing.assert_close(identity_lost(clip), torch.full((1, 2), 1 / 8))
    assert track_roughness(clip).isnan().all()


def test_values_beyond_the_range_are_cut(clean):
    for a, b in zip(coherence(1.1 * clean[:3]).values(), coherence((1.1 * clean[:3]).clamp(-1, 1)).values()): assert torch.equal(a, b)


def test_spread_is_the_distance_from_the_middle():
    def at(x): # a bright square whose middle is at x
        clip = torch.full((3, 8, 32, 32), -1.0); clip[:, :, 12:20, x - 4:x + 4] = 1
        return clip
    assert abs(spread([torch.stack([at(10), at(16)])]) - 3) < .05 and spread([torch.stack([at(10), at(10)])]) == 0
    assert np.isnan(spread([torch.full((2, 3, 8, 32, 32), -1.0)]))


# --- what links frames

@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("one_noise", [False, True])
def test_a_generator_of_each_kind_learns_in_all_its_parts(link, one_noise, encoder):
    torch.manual_seed(0)
    gan, (video, captions) = LinkedGAN(Means(True, one_noise, link)), WorldData(Circles(), 4)(0)
    gan.fit_text(encoder(captions))
    text = encoder(captions)
    fake = gan.generator(text, torch.randn(4, gan.generator.z_dim))
    assert fake.shape == video.shape and gan.generator.z_dim == (32 if one_noise else 256)
    sum(generator_loss(gan.discriminator, fake, text, torch.zeros(4)).values()).backward()
    assert missing_gradients(gan.generator) == []


def test_a_judge_of_frames_does_not_see_their_order(clean, encoder):
    torch.manual_seed(0)
    gan, order = LinkedGAN(Means()), torch.randperm(8)
    assert isinstance(gan.discriminator, FrameDiscriminator)
    with torch.no_grad(): seen, mixed = gan.discriminator.look(clean[:3]), gan.discriminator.look(clean[:3, :, order])
    torch.testing.assert_close(seen, mixed, rtol=1e-4, atol=1e-5)
    assert not isinstance(LinkedGAN(Means(True)).discriminator, FrameDiscriminator)


def test_circles_are_circles_and_held_out_ones_are_not_among_them():
    circles, dice = Circles(), np.random.default_rng(0)
    actors = [circles.sample(dice).actors[0] for _ in range(480)]
    seen = {(actor.shape, actor.color, actor.motion) for actor in actors}
    assert seen == {c for c in World("tiny").combinations("seen") if c[0] == "circle"}


# --- training, saving, loading

def test_training_twice_gives_the_same_and_survives_the_file(tmp_path):
    first, second = (train_means("watched, attention", steps=2, seed=3, progress=False) for _ in range(2))
    for name, value in first.state_dict().items(): assert torch.equal(value, second.state_dict()[name]), name
    other = train_means("nothing", steps=1, seed=3, progress=False)
    save_means({"nothing": other, "watched, attention": first}, tmp_path / "means")
    loaded = load_means(tmp_path / "means")
    assert list(loaded) == ["nothing", "watched, attention"]
    for generator, read in zip((other, first), loaded.values()):
        for name, value in generator.state_dict().items(): assert torch.equal(value.half().float(), read.state_dict()[name]), name


def test_wrong_names_and_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no means called 'hope'"): train_means("hope")
    with pytest.raises(CheckpointError, match="there is no"): load_means(tmp_path / "nowhere")
    save_weights(tmp_path / "other", {"a": torch.zeros(1)}, dict(kind="reader"))
    with pytest.raises(CheckpointError, match="kind"): load_means(tmp_path / "other")
    save_weights(tmp_path / "strange", {"a": torch.zeros(1)}, dict(kind="coherence", names=["luck"]))
    with pytest.raises(CheckpointError, match="unknown"): load_means(tmp_path / "strange")
    save_weights(tmp_path / "short", {"nothing/a": torch.zeros(1)}, dict(kind="coherence", names=["nothing"]))
    with pytest.raises(CheckpointError, match="no tensor"): load_means(tmp_path / "short")


def test_the_script_goes_on_where_it_stopped(tmp_path, monkeypatch):
    import train_means as script
    trained = []
    def quick(name):
        trained.append(name)
        return LinkedGenerator(MEANS[name].link, MEANS[name].one_noise)
    monkeypatch.setattr(script, "train_means", quick)
    script.main(tmp_path / "m", "watched", "nothing")
    script.main(tmp_path / "m")
    assert trained == ["watched", "nothing", *(name for name in MEANS if name not in ("watched", "nothing"))]
    assert list(load_means(tmp_path / "m")) == list(MEANS)


# --- the shipped generators, on captions and noise that the lesson does not use

@pytest.mark.slow
def test_what_the_lesson_says_of_the_shipped_generators_holds_elsewhere(encoder):
    circles, dice, generators, found, right = Circles(), np.random.default_rng(77), load_means(), {}, {}
    shown = [circles.sample(dice) for _ in range(64)]
    text = encoder([caption(scene, dice) for scene in shown])
    assert list(generators) == list(MEANS)
    for name, generator in generators.items():
        z = torch.randn(len(shown), generator.z_dim, generator=torch.Generator().manual_seed(78))
        with torch.no_grad(): video = generator(text, z).clamp(-1, 1)
        found[name] = {what: value.nanmean().item() for what, value in coherence(video).items()}
        right[name] = np.mean([score(clip, scene)["joint"] for clip, scene in zip(video, shown)])
    def rough(name): return found[name]["track"]
    assert min(rough("nothing"), rough("one noise")) > 2.5 * rough("watched")
    for link in ("convolution", "attention", "recurrence"): assert rough(f"watched, {link}") < .8 * rough("watched")
    assert rough("watched, one noise, recurrence") == min(map(rough, MEANS))
    for name in MEANS: assert (found[name]["flicker"] < .015) == name.startswith("watched, one noise"), name
    assert right["nothing"] == right["one noise"] == 0 and right["watched"] < .15
    assert all(right[name] > .3 for name in ("watched, convolution", "watched, one noise", "watched, one noise, recurrence"))
