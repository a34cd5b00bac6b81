"A GAN small enough for tests; the fixtures that build one stand in conftest.py"
import torch

SMALL = dict(dim=16, z_dim=8, discriminator_dim=8)   # of `GANConfig`


def noise(n, z_dim=8, seed=0):
    "z for n clips"
    return torch.randn(n, z_dim, generator=torch.Generator().manual_seed(seed))
