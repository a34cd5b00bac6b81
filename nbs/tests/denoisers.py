"A small U-Net and denoiser, captions and clips that test_unet3d, test_denoiser and test_sampling share"
import torch

from t2v_learn.diffusion.blocks import randomize_zeros
from t2v_learn.diffusion.denoiser import Denoiser, DenoiserConfig
from t2v_learn.diffusion.unet3d import UNet3D, UNetConfig
from t2v_learn.text.bert import TextStates

SMALL = dict(widths=(16, 32, 32), n_heads=2, text_dim=24, context_dim=16, cond_dim=32)


def states(b=2, n=6, dim=24, seed=0):
    "Captions as an encoder could give them: the first is two word pieces shorter than the others"
    tokens = torch.randn(b, n, dim, generator=torch.Generator().manual_seed(seed))
    mask = torch.ones(b, n, dtype=torch.bool)
    mask[0, -2:] = False
    tokens = tokens * mask[..., None]
    return TextStates(tokens, mask, tokens.sum(1) / mask.sum(1, keepdim=True))


def clips(b=2, f=4, side=16, seed=1):
    return torch.randn(b, 3, f, side, side, generator=torch.Generator().manual_seed(seed))


def small_unet(seed=0, **settings):
    "With random weights where training starts from zeros, so that every block does something"
    torch.manual_seed(seed)
    return randomize_zeros(UNet3D(UNetConfig(**SMALL | settings)))


def small_denoiser(seed=0, random=True, **settings):
    torch.manual_seed(seed)
    denoiser = Denoiser(DenoiserConfig(UNetConfig(**SMALL), **settings))
    return randomize_zeros(denoiser) if random else denoiser


def without_gradient(model):
    "Names of the parameters that a backward pass did not reach"
    return [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
