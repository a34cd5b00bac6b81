"The GAN's networks and losses: what reaches a clip, what a score depends on, and losses against their formulas"
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastcore.test import test_fail as fails
from small_gan import noise

from t2v_learn.gan.gan import (FrameDecoder, GANConfig, ResBlockDown, TextProjection, discriminator_loss, generator_loss,
                               gradient_penalty, init_kaiming, relativistic_loss)
from t2v_learn.text.bert import TextStates
from t2v_learn.training.loop import missing_gradients, step_generator, step_seed



def rolled(text): return TextStates(text.tokens.roll(1, 0), text.mask.roll(1, 0), text.pooled.roll(1, 0))


# --- parts

def test_text_states_are_centred_whitened_and_noisy_in_training_only():
    torch.manual_seed(0)
    states = torch.randn(500, 6) * torch.tensor([3., 2, 1, 1, .1, .1]) + 5
    projection = TextProjection(6, 6, noise=.5)
    projection.fit(states)
    with torch.no_grad():
        projection.project.weight.copy_(torch.eye(6))
        projection.project.bias.zero_()
    white = projection.eval()(states)
    torch.testing.assert_close(white.mean(0), torch.zeros(6), rtol=0, atol=1e-4)
    assert 0.9 < white.var(0).mean() < 1.1
    assert white[:, 0].var() / white[:, 1].var() < 3 ** 2 / 2 ** 2              # directions of large variance come closer
    assert torch.equal(projection(states), white)
    noisy = projection.train()(states)
    assert abs((noisy - white).std().item() - .5) < .03


def test_layers_start_so_that_signals_keep_their_variance():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(*(m for _ in range(10) for m in (torch.nn.Linear(256, 256), torch.nn.LeakyReLU(.2))))
    x = torch.randn(64, 256)
    before = layers(x).std().item()
    init_kaiming(layers)
    assert before < .05 < .5 < layers(x).std().item() < 2
    full = layers[0].weight.std().item()
    init_kaiming(layers, scaled=(layers[0],), scale=.5)
    assert layers[0].weight.std().item() == pytest.approx(full / 2, rel=.05)


def test_a_block_halves_and_a_decoder_makes_frames_that_depend_on_the_condition():
    torch.manual_seed(0)
    assert ResBlockDown(5, 7)(torch.randn(2, 5, 8, 6)).shape == (2, 7, 4, 3)
    decoder = FrameDecoder(dim=8, cond_dim=5)
    h, cond = torch.randn(2, 8, 8, 8), torch.randn(2, 5)
    frames = decoder(h, cond)
    assert frames.shape == (2, 3, 32, 32) and frames.abs().max() <= 1.1
    assert (frames - decoder(h, cond.roll(1, 0))).abs().max() > 1e-3


# --- the networks

def test_clips_are_clips_and_attention_weights_sum_to_one(gan, batch):
    video, weights = gan.generator(batch[1], noise(4), return_weights=True)
    assert video.shape == (4, 3, 8, 32, 32) and video.abs().max() <= 1.1
    assert torch.allclose(weights.sum(-1), torch.ones(4, 8), atol=1e-5)
    assert not weights[~batch[1].mask[:, None].expand_as(weights)].any()


def test_words_sentence_and_noise_all_reach_the_clip(gan, batch):
    text, z = batch[1], noise(4)
    gan.eval()
    with torch.no_grad():
        clip = gan.generator(text, z)
        other_words = TextStates(text.tokens.roll(1, 0), text.mask.roll(1, 0), text.pooled)
        other_sentence = TextStates(text.tokens, text.mask, text.pooled.roll(1, 0))
        for changed in (gan.generator(other_words, z), gan.generator(other_sentence, z), gan.generator(text, z.roll(1, 0))):
            assert (clip - changed).abs().max() > 1e-4


def test_a_frame_does_not_depend_on_later_frames(gan, batch):
    z = noise(4)
    gan.eval()
    with torch.no_grad():
        before = gan.generator(batch[1], z)
        gan.generator.frame_embedding[5] += 1
        after = gan.generator(batch[1], z)
    assert torch.equal(before[:, :, :5], after[:, :, :5]) and not torch.allclose(before[:, :, 5], after[:, :, 5])


def test_padding_does_not_matter(gan, encoder):
    text = encoder(["a red circle moving right"])
    junk = TextStates(torch.where(text.mask[..., None], text.tokens, 99.0), text.mask, text.pooled)
    gan.eval()
    with torch.no_grad(): assert torch.equal(gan.generator(text, noise(1)), gan.generator(junk, noise(1)))


def test_captions_are_noisy_in_training_only(gan, batch):
    text, z = batch[1], noise(4)
    with torch.no_grad():
        assert not torch.equal(gan.generator(text, z), gan.generator(text, z))
        torch.manual_seed(1); once = gan.generator(text, z)
        torch.manual_seed(1); assert torch.equal(once, gan.generator(text, z))
        gan.eval()
        assert torch.equal(gan.generator(text, z), gan.generator(text, z))


def test_the_noise_of_a_caption_belongs_to_its_row(gan, batch):
    text, z = batch[1], noise(4)
    def rows(k, n): return TextStates(text.tokens[k::n], text.mask[k::n], text.pooled[k::n])
    with torch.no_grad():
        torch.manual_seed(step_seed(0, 3))
        whole = gan.generator(text, z)
        assert torch.equal(gan.generator(text, z, generator=step_generator(0, 3)), whole)
        for k in range(2):
            half = gan.generator(rows(k, 2), z[k::2], generator=step_generator(0, 3, shard=(k, 2)))
            torch.testing.assert_close(half, whole[k::2], rtol=0, atol=1e-5)


def test_a_score_depends_on_text_places_and_order_of_frames_and_on_no_other_clip(gan, batch):
    video, text = batch
    D = gan.discriminator
    with torch.no_grad():
        phi, q = D.encode_video(video), D.encode_text(text)
        assert torch.allclose(D(video, text), D.score(phi, q))
        assert (D.score(phi, q) - D.score(phi, q.roll(1, 0))).abs().min() > 0
        for changed in (video.flip(2), video.roll(4, 3)): assert (D.encode_video(changed) - phi).abs().max() > 1e-3
        alone = torch.cat([D.encode_video(clip[None]) for clip in video])
    assert torch.allclose(alone, phi, atol=1e-4)


@pytest.mark.parametrize("wrong", [dict(dim=0), dict(gamma=-1.0), dict(penalty_every=0), dict(discriminator_dim=0),
                                   dict(dim=64.0), dict(n_frames="8")])
def test_impossible_settings_are_refused(wrong): fails(lambda: GANConfig(**wrong), contains=next(iter(wrong)))


# --- the losses

def test_losses_are_the_formulas(gan, batch):
    video, text = batch
    D, fake = gan.discriminator, gan.generator(text, noise(4)).detach()
    real_score, fake_score, wrong = D(video, text), D(fake, text), D(video, rolled(text))
    table = torch.stack([D(video[i:i + 1].expand(4, -1, -1, -1, -1), text) for i in range(4)])      # clip i with every caption
    parts = discriminator_loss(D, video, fake, text)
    assert set(parts) == {"relativistic", "matching", "infonce", "score"}
    assert torch.allclose(parts["relativistic"], torch.log1p(torch.exp(fake_score - real_score)).mean(), atol=1e-4)
    assert torch.allclose(parts["matching"], torch.log1p(torch.exp(wrong - real_score)).mean(), atol=1e-4)
    assert torch.allclose(parts["infonce"], F.cross_entropy(table, torch.arange(4)), atol=1e-4)     # w^T phi is the same for all captions
    losses = generator_loss(D, fake, text, real_score.detach())
    assert set(losses) == {"relativistic", "infonce"}
    assert torch.allclose(losses["relativistic"], torch.log1p(torch.exp(real_score - fake_score)).mean(), atol=1e-4)
    table = torch.stack([D(fake[i:i + 1].expand(4, -1, -1, -1, -1), text) for i in range(4)])
    assert torch.allclose(losses["infonce"], F.cross_entropy(table, torch.arange(4)), atol=1e-4)


def test_a_tie_is_a_tossed_coin():
    assert relativistic_loss(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(np.log(2))
    assert relativistic_loss(torch.tensor([9.]), torch.tensor([-9.])) < 1e-4


def test_the_penalty_is_the_squared_gradient(gan, batch):
    D, text = gan.discriminator.double(), batch[1]
    q = D.encode_text(TextStates(text.tokens.double(), text.mask, text.pooled.double()))[:1]
    video = batch[0][:1].double()
    found = gradient_penalty(D, video, q).item()
    def score(v): return (D.w(D.encode_video(v))[:, 0] + (D.encode_video(v) * q).sum(1) / D.encode_video(v).shape[1]**.5).sum()
    gradient = torch.autograd.functional.jacobian(score, video)
    assert found == pytest.approx(gradient.square().sum().item(), rel=1e-4)


def test_the_discriminator_learns_from_the_penalty(gan, batch):
    parts = discriminator_loss(gan.discriminator, batch[0], batch[0].flip(3), batch[1], gamma=3.0)
    parts["penalty"].backward()
    assert gan.discriminator.conv_in.weight.grad.any() and parts["penalty"] > 0


def test_the_generators_loss_reaches_all_its_weights(gan, batch):
    fake = gan.generator(batch[1], noise(4))
    sum(generator_loss(gan.discriminator, fake, batch[1], torch.zeros(4)).values()).backward()
    assert missing_gradients(gan.generator) == []
