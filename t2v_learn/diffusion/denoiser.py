from dataclasses import dataclass
import torch
from torch import nn
from .noise import *
from .unet3d import UNet3D, UNetConfig

@dataclass
class NoiseLevels:
    centers: tuple = (-5.2, 0.4); widths: tuple = (2.4, 2.4)
    def sample(self, n, generator=None):
        device = generator.device if generator else None
        k = torch.arange(n, device=device) % len(self.centers)
        c, w = torch.tensor(self.centers, device=device)[k], torch.tensor(self.widths, device=device)[k]
        return (c + w * torch.randn(n, generator=generator, device=device)).clamp(-12, 12)

class Denoiser(nn.Module):
    def __init__(self, config=UNetConfig(), process=None, levels=None, p_uncond=.1):
        super().__init__(); self.unet = UNet3D(config); self.process, self.levels, self.p_uncond = process or RectifiedFlow(), levels or NoiseLevels(), p_uncond
    def forward(self, x_t, t, text, keep=None):
        return self.unet(x_t, self.process.log_snr(t).clamp(-12, 12), text, keep)
    def loss(self, x0, text, generator):
        b = len(x0)
        t = self.process.t_at(self.levels.sample(b, generator))
        noise = torch.randn(x0.shape, generator=generator, device=x0.device)
        keep = torch.rand(b, generator=generator, device=x0.device) >= self.p_uncond
        u = self(q_sample(self.process, x0, t, noise), t, text, keep)
        return (u - (noise - x0)).square().mean()
