"Other answers to the exercises of lesson 41"

# %% 1 right
def my_step(cell, x, h, c):
    z = F.conv2d(torch.cat([x, h], dim=1), cell.gates.weight, cell.gates.bias, padding=1)
    d = h.shape[1]
    write, keep, show = torch.sigmoid(z[:, :d]), torch.sigmoid(z[:, d:2 * d]), torch.sigmoid(z[:, 2 * d:3 * d])
    new = keep * c
    new += write * torch.tanh(z[:, 3 * d:])
    return [show * torch.tanh(new), new]

# %% 1 right
def my_step(cell, x, h, c):
    gates = rearrange(cell.gates(torch.cat((x, h), 1)), "b (k d) h w -> k b d h w", k=4)
    new_c = gates[1].sigmoid() * c + gates[0].sigmoid() * gates[3].tanh()
    return gates[2].sigmoid() * new_c.tanh(), new_c

# %% 1 wrong: PyTorch's order
def my_step(cell, x, h, c):
    i, f, g, o = cell.gates(torch.cat([x, h], 1)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c

# %% 1 wrong: not of the old one
def my_step(cell, x, h, c):
    i, f, o, g = cell.gates(torch.cat([x, h], 1)).chunk(4, 1)
    return o.sigmoid() * c.tanh(), f.sigmoid() * c + i.sigmoid() * g.tanh()

# %% 1 wrong: have changed places: f goes
def my_step(cell, x, h, c):
    i, f, o, g = cell.gates(torch.cat([x, h], 1)).chunk(4, 1)
    c = i.sigmoid() * c + f.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c

# %% 1 wrong: h comes first, then c
def my_step(cell, x, h, c):
    i, f, o, g = cell.gates(torch.cat([x, h], 1)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return c, o.sigmoid() * c.tanh()

# %% 1 wrong: x comes first in the stack
def my_step(cell, x, h, c):
    i, f, o, g = cell.gates(torch.cat([h, x], 1)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c

# %% 1 wrong: i and f are shares
def my_step(cell, x, h, c):
    i, f, o, g = cell.gates(torch.cat([x, h], 1)).chunk(4, 1)
    c = f * c + i * g.tanh()
    return o.sigmoid() * c.tanh(), c

# %% 1 wrong: g has no tanh
def my_step(cell, x, h, c):
    i, f, o, g = cell.gates(torch.cat([x, h], 1)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g
    return o.sigmoid() * c.tanh(), c

# %% 1 wrong: without its tanh
def my_step(cell, x, h, c):
    i, f, o, g = cell.gates(torch.cat([x, h], 1)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c, c

# %% 2 right
def n_weights(dim_in, dim, n_layers, kernel_size):
    total, channels = 0, dim_in
    for _ in range(n_layers):
        total += (channels + dim) * 4 * dim * kernel_size * kernel_size + 4 * dim
        channels = dim
    return total

# %% 2 right
def n_weights(dim_in, dim, n_layers, kernel_size):
    k2 = kernel_size**2
    return 4 * dim * n_layers + 4 * dim * k2 * (dim_in + dim + 2 * dim * (n_layers - 1))

# %% 2 wrong: each output has a bias
def n_weights(dim_in, dim, n_layers, kernel_size):
    def layer(d): return 4 * dim * kernel_size**2 * (d + dim)
    return layer(dim_in) + (n_layers - 1) * layer(dim)

# %% 2 wrong: four gates
def n_weights(dim_in, dim, n_layers, kernel_size):
    def layer(d): return dim * (kernel_size**2 * (d + dim) + 1)
    return layer(dim_in) + (n_layers - 1) * layer(dim)

# %% 2 wrong: the input has dim channels
def n_weights(dim_in, dim, n_layers, kernel_size):
    return n_layers * 4 * dim * (kernel_size**2 * (dim_in + dim) + 1)

# %% 2 wrong: kernel_size × kernel_size weights
def n_weights(dim_in, dim, n_layers, kernel_size):
    def layer(d): return 4 * dim * (kernel_size * (d + dim) + 1)
    return layer(dim_in) + (n_layers - 1) * layer(dim)

# %% 2 wrong: a cell sees x and h
def n_weights(dim_in, dim, n_layers, kernel_size):
    def layer(d): return 4 * dim * (kernel_size**2 * d + 1)
    return layer(dim_in) + (n_layers - 1) * layer(dim)

# %% 2 wrong: there are n_layers
def n_weights(dim_in, dim, n_layers, kernel_size):
    return 4 * dim * (kernel_size**2 * (dim_in + dim) + 1)

# %% 3 right
def forgetful(memory, x):
    shown = []
    for t in range(x.shape[1]):
        h, _ = memory(x[:, t:t + 1])
        shown.append(h)
    return torch.cat(shown, dim=1)

# %% 3 right
def forgetful(memory, x):
    b, f, _, h, w = x.shape
    out = torch.zeros(b, f, memory.cells[-1].dim, h, w)
    for n in range(b):
        for t in range(f):
            state, frame = memory.start_state(1, h, w), x[n:n + 1, t]
            for cell, empty in zip(memory.cells, state): frame, _ = cell(frame, empty)
            out[n, t] = frame[0]
    return out

# %% 3 wrong: that is the memory itself
def forgetful(memory, x):
    return memory(x)[0]

# %% 3 wrong: that is one frame
def forgetful(memory, x):
    return memory(x[:, -1:])[0]

# %% 3 wrong: c is kept
def forgetful(memory, x):
    state, shown = None, []
    for t in range(x.shape[1]):
        h, state = memory(x[:, t:t + 1], state)
        state = [(torch.zeros_like(a), c) for a, c in state]
        shown.append(h)
    return torch.cat(shown, 1)

# %% 3 wrong: h is kept
def forgetful(memory, x):
    state, shown = None, []
    for t in range(x.shape[1]):
        h, state = memory(x[:, t:t + 1], state)
        state = [(a, torch.zeros_like(c)) for a, c in state]
        shown.append(h)
    return torch.cat(shown, 1)

# %% 3 wrong: on the way back
def forgetful(memory, x):
    b, f = x.shape[:2]
    return rearrange(memory(x.flatten(0, 1)[:, None])[0][:, 0], "(f b) c h w -> b f c h w", b=b)

# %% 3 wrong: not b f dim h w
def forgetful(memory, x):
    return memory(x.flatten(0, 1)[:, None])[0]

# %% 4 right
def reach(n_frames, n_layers, kernel_size):
    steps = n_frames + n_layers - 1
    return int(steps * (kernel_size - 1) / 2)

# %% 4 right
def reach(n_frames, n_layers, kernel_size):
    "The longest way through a grid of cells, cell by cell"
    far = {}
    for t in range(n_frames):
        for n in range(n_layers):
            before = [far[key] for key in ((t - 1, n), (t, n - 1)) if key in far]
            far[t, n] = max(before, default=0) + kernel_size // 2
    return far[n_frames - 1, n_layers - 1]

# %% 4 wrong: layers times frames is too far
def reach(n_frames, n_layers, kernel_size):
    return n_frames * n_layers * (kernel_size // 2)

# %% 4 wrong: one too far
def reach(n_frames, n_layers, kernel_size):
    return (n_frames + n_layers) * (kernel_size // 2)

# %% 4 wrong: one too near
def reach(n_frames, n_layers, kernel_size):
    return (n_frames - 1 + n_layers - 1) * (kernel_size // 2)

# %% 4 wrong: the whole width
def reach(n_frames, n_layers, kernel_size):
    return (n_frames + n_layers - 1) * (kernel_size - 1)

# %% 4 wrong: only the layers
def reach(n_frames, n_layers, kernel_size):
    return n_layers * (kernel_size // 2)

# %% 4 wrong: only the frames
def reach(n_frames, n_layers, kernel_size):
    return n_frames * (kernel_size // 2)
