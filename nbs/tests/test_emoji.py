"The judge of the emoji: captions in two parts, tones by colour, every caption competes; what ships, measured on clips it never saw"
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from refusals import sentence
from rerun import root

from t2v_learn.judge.emoji import (TONES, ClipEncoder, EmojiJudge, color_histogram, fit_tones, harden, load_judge, read_tones, save_judge,
                                   score_emoji, share_right, split_caption)
from t2v_learn.text.bert import TextEncoder
from t2v_learn.training.checkpoint import CheckpointError
from t2v_learn.training.loop import missing_gradients
from t2v_learn.video.clips import Clip
from t2v_learn.video.datasets import open_sequence

EMOJI = root / "data" / "emoji"
shipped = pytest.mark.skipif(not (root / "t2v_learn" / "weights" / "judge-emoji").is_dir(), reason="no judge is shipped yet")


@pytest.fixture(scope="module")
def held_out():
    some = open_sequence(EMOJI, 16, 64, split="held-out-combinations")
    return [some[i][0] for i in range(len(some))], some.captions


@pytest.mark.parametrize("caption, parts", [
    ("dolphin", ("dolphin", None)), ("bald man, dark skin tone", ("bald man", "dark")),
    ("couple with heart, man and woman, medium-light skin tone", ("couple with heart, man and woman", "medium-light")),
    ("couple with heart, man and woman", ("couple with heart, man and woman", None))])
def test_captions_in_two_parts(caption, parts): assert split_caption(caption) == parts


def test_every_caption_has_its_parts():
    captions = open_sequence(EMOJI, 1, 8, split="all").captions
    toned = [text for text in captions if "skin tone" in text]
    assert len(toned) > 1300 and all(split_caption(text)[1] in TONES for text in toned)


def test_histogram_is_numpys():
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    counts = np.histogramdd(frames.reshape(-1, 3), bins=[np.linspace(0, 256, 9)] * 3)[0].ravel()
    counts[-1] = 0
    assert np.allclose(color_histogram(frames), np.sqrt(counts / counts.sum()))
    assert not color_histogram(np.full((2, 4, 4, 3), 255, np.uint8)).any(), "all white"


def test_tones_by_colour():
    clips = [np.full((2, 8, 8, 3), 20 + 45 * k, np.uint8) for k in range(5) for _ in range(3)]
    tones = [tone for tone in TONES for _ in range(3)]
    linear = fit_tones(np.stack([color_histogram(clip) for clip in clips]), tones)
    assert read_tones(linear, clips) == tones


def small(n=6):
    torch.manual_seed(0)
    judge = EmojiJudge(n, 24, 16)
    judge.pooled.normal_()
    return judge


def test_scores_are_scaled_cosines():
    judge = small()
    video = torch.rand(3, 3, 16, 64, 64) * 2 - 1
    a, b = judge.clip_encoder(video), F.normalize(judge.text(judge.pooled), dim=1)
    assert torch.allclose(judge(video), judge.log_scale.exp() * a @ b.T, atol=1e-5)
    assert torch.allclose(a.norm(dim=1), torch.ones(3), atol=1e-5)
    judge.log_scale.data.fill_(0)
    assert judge(video).abs().max() <= 1 + 1e-5


@pytest.mark.parametrize("f, size", [(16, 64), (8, 32), (1, 64)])
def test_clips_of_other_sizes(f, size):
    found = ClipEncoder(8)(torch.rand(2, 3, f, size, size))
    assert found.shape == (2, 8) and found.isfinite().all()


def test_order_of_frames_counts_a_little_and_their_content_more():
    torch.manual_seed(0)
    encoder = ClipEncoder(32).eval()
    clip = torch.rand(1, 3, 8, 32, 32) * 2 - 1
    with torch.no_grad(): same, shuffled, other = encoder(clip), encoder(clip[:, :, [3, 0, 5, 2, 7, 1, 6, 4]]), encoder(-clip)
    assert 0 < (same - shuffled).norm() < (same - other).norm()


def test_it_learns_and_every_weight_is_reached():
    judge = small(4)
    video = torch.rand(4, 3, 8, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    optimizer = torch.optim.AdamW(judge.parameters(), lr=1e-3)
    for _ in range(200):
        loss = F.cross_entropy(judge(video), torch.arange(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < .2 and (judge(video).argmax(1) == torch.arange(4)).all() and not missing_gradients(judge)


def test_captions_are_whitened():
    judge = EmojiJudge(40)
    things = ("dog", "cat", "car", "hat", "sun", "cup", "key", "bag")
    captions = [f"{color} {thing}" for color in ("red", "blue", "green", "old", "new") for thing in things]
    judge.read_captions(captions, TextEncoder())
    assert judge.pooled.isfinite().all() and judge.pooled.mean(0).abs().max() < 1e-3 and judge.pooled.norm(dim=1).min() > .1


def test_hardened_clips():
    video = torch.rand(6, 3, 4, 64, 64) * 2 - 1
    one, two = (harden(video, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two) and one.shape == video.shape and one.abs().max() <= 1
    assert not torch.equal(one, harden(video, torch.Generator().manual_seed(4)))


def test_what_is_right_of_a_clip():
    "Of clips whose nearest captions are known"
    known = ["a, light skin tone", "a, dark skin tone", "b", "c", "d", "e", "f"]
    class Fixed(EmojiJudge):
        def forward(self, video, among=None): return F.one_hot(torch.tensor([0, 0, 2, 6]), 7) + torch.arange(7) * .01
    judge = Fixed(7, 24, 16)
    grey = [np.full((16, 64, 64, 3), level, np.uint8) for level in (30, 90, 150, 200, 240)]
    twice = [color_histogram(clip) for clip in grey for _ in range(2)]
    judge.tones = fit_tones(np.stack(twice), [tone for tone in TONES for _ in range(2)])
    score = score_emoji(judge, known, [grey[0], grey[0], grey[4], grey[2]], [known[0], known[1], "b", "c"])
    assert score.caption == [True, False, True, False] and score.name == [True, True, True, False]
    assert score.tone == [True, False, None, None] and score.both == [True, False, True, False]
    assert score.top5 == [True, False, True, True]
    assert "name and tone  50.0 %" in str(score)


def test_what_it_cannot_judge():
    judge = small(2)
    clip = np.zeros((16, 64, 64, 3), np.uint8)
    assert "toaster" in sentence(score_emoji, judge, ["a", "b"], [clip], ["toaster"])
    assert "as many captions" in sentence(score_emoji, judge, ["a", "b"], [clip], ["a", "b"])
    for wrong in ([clip[:, :48, :48]], [clip, clip[:4]]):
        assert "64x64 pixels that are equally long" in sentence(score_emoji, judge, ["a", "b"], wrong, ["a"] * len(wrong))
    assert "knows 2 captions, not 1" in sentence(score_emoji, judge, ["a"], [clip], ["a"])
    assert "knows 2 captions, not 3" in sentence(save_judge, judge, ["a", "b", "c"], "nowhere")


def test_clips_of_a_model_are_graded_as_arrays_are():
    judge = small(2)
    judge.tones = fit_tones(np.random.default_rng(0).random((10, judge.tones.in_features)), list(TONES) * 2)
    arrays = [np.full((16, 64, 64, 3), level, np.uint8) for level in (30, 90)]
    assert score_emoji(judge, ["a", "b"], [Clip(a) for a in arrays], ["a", "b"]) == score_emoji(judge, ["a", "b"], arrays, ["a", "b"])


def test_saved_and_loaded(tmp_path):
    judge = small().eval()
    judge = EmojiJudge(6).eval()
    judge.pooled.normal_()
    save_judge(judge, list("abcdef"), tmp_path / "one")
    back, known = load_judge(tmp_path / "one")
    video = torch.rand(2, 3, 16, 64, 64) * 2 - 1
    assert known == list("abcdef") and torch.allclose(back(video), judge(video), atol=.1)
    with pytest.raises(CheckpointError, match="kind"): load_judge("tiny")


def test_shares_with_intervals(): assert share_right([True] * 98 + [False] * 2) == "98.0 % [93.0, 99.4] of 100"


@shipped
def test_what_ships_knows_clips_it_never_saw(held_out):
    "Real ones, of names that it knows in other tones; and nothing where there is nothing to know"
    judge, known = load_judge()
    score = score_emoji(judge, known, *held_out)
    assert np.mean(score.name) >= .85 and np.mean(score.tone) >= .95 and np.mean(score.top5) >= .95
    exchanged = score_emoji(judge, known, held_out[0], held_out[1][5:] + held_out[1][:5])
    assert not any(exchanged.caption) and np.mean(exchanged.name) < .1
    noise = list(np.random.default_rng(0).integers(0, 256, (20, 16, 64, 64, 3), dtype=np.uint8))
    assert sum(score_emoji(judge, known, noise, held_out[1][:20]).caption) <= 1
    train = open_sequence(EMOJI, 16, 64)
    parts = [split_caption(text) for text in train.captions]
    other = [next(i for i, (name, tone) in enumerate(parts) if tone and name == split_caption(text)[0]) for text in held_out[1]]
    repeated = score_emoji(judge, known, [train[i][0] for i in other], held_out[1])
    assert np.mean(repeated.both) < .1 < .8 < np.mean(repeated.name), "whoever only repeats is found out"


def test_tones_need_clips_of_all_five():
    assert "no clip has the tone" in sentence(fit_tones, np.zeros((4, 8)), [TONES[0], TONES[0], TONES[1], TONES[1]])
