import torch
from torch import nn
class ConvLSTMCell(nn.Module):
    def __init__(self, dim_in, dim, kernel_size=3):
        super().__init__(); self.gates = nn.Conv2d(dim_in+dim, 4*dim, kernel_size, padding=kernel_size//2); self.dim = dim
        with torch.no_grad(): self.gates.bias[dim:2*dim] = 1
    def forward(self, x, state):
        h, c = state
        i, f, o, g = self.gates(torch.cat([x, h], 1)).chunk(4, 1)
        c = f.sigmoid()*c + i.sigmoid()*g.tanh(); return o.sigmoid()*c.tanh(), c
