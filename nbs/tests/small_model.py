"A whole pipeline without BERT and with a small random network, for test_diffusion_pipeline and test_editing"
import torch
from denoisers import SMALL

from t2v_learn.diffusion.blocks import randomize_zeros
from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig
from t2v_learn.diffusion.pipeline import TextToVideo
from t2v_learn.diffusion.unet3d import UNetConfig
from t2v_learn.text.bert import TextStates

SIZE = 16
FRAMES = 8


class Encoder:
    "States that depend on the words only"
    name = "none"
    revision = "0"

    def __call__(self, prompts):
        tokens = torch.stack([torch.randn(6, 24, generator=torch.Generator().manual_seed(sum(prompt.encode()))) for prompt in prompts])
        return TextStates(tokens, torch.ones(len(prompts), 6, dtype=torch.bool), tokens.mean(1))


def small_model():
    "A small random network for 8 frames of 16x16"
    torch.manual_seed(0)
    denoiser = randomize_zeros(Denoiser(DenoiserConfig(UNetConfig(**SMALL))))
    words = "a an red blue circle square moving right left up down clip".split()
    return TextToVideo(denoiser, Encoder(), dict(shape=[3, FRAMES, SIZE, SIZE], fps=8.0, words=words), "cpu", "fp32")
