import math
from dataclasses import dataclass
import torch
from torch import Tensor

LOG_SNR_LIMIT = 20.0

class Process:
    "x_t = alpha(t) x_0 + sigma(t) noise, t in [0, 1]"
    def alpha(self, t: Tensor) -> Tensor: raise NotImplementedError
    def sigma(self, t: Tensor) -> Tensor: raise NotImplementedError
    def t_at(self, log_snr: Tensor) -> Tensor: raise NotImplementedError
    def log_snr(self, t: Tensor) -> Tensor:
        return (2 * (self.alpha(t).log() - self.sigma(t).log())).clamp(-LOG_SNR_LIMIT, LOG_SNR_LIMIT)

class RectifiedFlow(Process):
    def alpha(self, t): return 1 - t
    def sigma(self, t): return t
    def t_at(self, log_snr): return torch.sigmoid(-log_snr / 2)

class Cosine(Process):
    def alpha(self, t): return torch.cos(t * math.pi / 2)
    def sigma(self, t): return torch.sin(t * math.pi / 2)
    def t_at(self, log_snr): return torch.atan(torch.exp(-log_snr / 2)) * 2 / math.pi

def expand(t, x): return t.reshape(-1, *[1] * (x.ndim - 1))

def q_sample(process, x0, t, noise):
    return expand(process.alpha(t), x0) * x0 + expand(process.sigma(t), x0) * noise
