"""A training whose whole step is one CUDA graph: forward, backward, optimizer, averages, and all random numbers.

A small network's step is hundreds of small kernels, and starting each from Python takes longer than the GPU needs for it; a recorded step
is started once. So nothing in it may wait for the CPU: batches are drawn on the device, and every number that changes is a tensor there.
On a CPU, or with EAGER=1, the same step runs eagerly. The optimizer is that of `training.optimizers`, with its rates as tensors; its
updates equal the library's (test_train_many.py).
"""
import copy
import os
import time

import torch

from t2v_learn.diffusion.denoiser import _draw_given
from t2v_learn.training.optimizers import newton_schulz, split_weights

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def mixture(levels, batch): # means and spreads of a batch's log-SNR, in turns as `NoiseLevels.sample` has them
    part = torch.arange(batch) % len(levels.means)
    return torch.tensor(levels.means).float()[part].to(DEVICE), torch.tensor(levels.stds).float()[part].to(DEVICE)


def denoiser_loss(denoiser, clips, texts, numbers, batch, uniform=False, known=None):
    """`Denoiser.loss` with all random numbers drawn on the device, as `Recorded` takes it

    Clips are pixels in bytes, or latents in 16 bits; `known`: how many of them are there already, a tensor on the device, which may grow.
    """
    config = denoiser.config
    mixtures = [mixture(levels, batch) for levels in (config.first_levels, config.levels)]
    def loss(training):
        rows = training.below(len(clips) if known is None else known, batch)
        video = clips[rows].float()
        if clips.dtype == torch.uint8: video = video / 127.5 - 1
        early = training.progress < config.first_share
        mean, std = (torch.where(early, first, later) for first, later in zip(*mixtures))
        t = denoiser.schedule.t_at((mean + std * training.randn(batch)).clamp(*config.levels.limits))
        if uniform: t = training.rand(batch).clamp(0.002, 0.998)
        if config.p_given:
            given = _draw_given(batch, video.shape[2], config.p_given, training.generator)
            t = torch.where(given, 0.0, t[:, None])
        cond_mask = training.rand(batch) >= config.p_uncond
        return denoiser.loss_at(video, texts[numbers[rows]], t, training.randn(*video.shape), cond_mask)
    return loss


class Recorded:
    "`loss(training)` gives a scalar for a new batch, with random numbers of `training.rand` and `randn`; config.steps need not be set"
    def __init__(self, model, loss, config, bf16=DEVICE == "cuda"):
        self.model, self.loss, self.config, self.bf16 = model.to(DEVICE), loss, config, bf16
        self.average = copy.deepcopy(model).eval().requires_grad_(False)
        self.generator = torch.Generator(DEVICE).manual_seed(1000 * config.seed + 17)
        self.step = torch.zeros((), device=DEVICE, dtype=torch.float64)
        self.steps = torch.ones((), device=DEVICE, dtype=torch.float64)       # of the whole training
        self.ema = torch.tensor(config.ema, dtype=torch.float64, device=DEVICE)
        self.last_loss = torch.zeros((), device=DEVICE)
        self.params = [p for p in model.parameters() if p.requires_grad]
        self.matrices, self.others, rates, decays = {}, [], [], []
        muon = config.optimizer == "muon"
        for group in split_weights(model, config):
            for p in group["params"]:
                if muon and group["matrices"]: self.matrices.setdefault(tuple(p.flatten(1).shape), []).append(p)
                else:
                    self.others.append(p)
                    rates.append(torch.full((p.numel(),), group["lr"] * (group["factor"] if muon else 1)))
                    decays.append(torch.full((p.numel(),), group["weight_decay"]))
        self.rates, self.decays = torch.cat(rates).to(DEVICE), torch.cat(decays).to(DEVICE)
        self.m, self.v = torch.zeros_like(self.rates), torch.zeros_like(self.rates)
        self.momentum = {shape: torch.zeros(len(ps), *shape, device=DEVICE) for shape, ps in self.matrices.items()}
        self.done, self.seconds = 0, 0.0
        self.replay = None

    @property
    def progress(self): return self.step / self.steps
    def rand(self, *shape): return torch.rand(*shape, device=DEVICE, generator=self.generator)
    def randn(self, *shape): return torch.randn(*shape, device=DEVICE, generator=self.generator)
    def below(self, n, *shape): return (self.rand(*shape) * n).long().clamp(max=n - 1)

    def scale(self):
        left = ((1 - self.progress) / (1 - self.config.decay_from)).clamp(0, 1)
        return (((self.step + 1) / max(1, self.config.warmup)).clamp(max=1) * left).float()

    @torch.no_grad()
    def update(self):
        "Muon for matrices, Adam for the others, and the average"
        c, s = self.config, self.scale()
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm([p.grad for p in self.params])))
        clip = (c.grad_clip / (norm + 1e-6)).clamp(max=1)
        g = torch.cat([p.grad.flatten() for p in self.others]) * clip
        self.m.lerp_(g, 1 - c.betas[0])
        self.v.mul_(c.betas[1]).addcmul_(g, g, value=1 - c.betas[1])
        t = self.step + 1
        m_hat = self.m / (1 - c.betas[0]**t).float()
        v_hat = self.v / (1 - c.betas[1]**t).float()
        flat = torch.cat([p.flatten() for p in self.others])
        flat = flat * (1 - s * self.rates * self.decays) - s * self.rates * m_hat / (v_hat.sqrt() + 1e-8)
        for p, new in zip(self.others, flat.split([p.numel() for p in self.others])): p.copy_(new.view(p.shape))
        for (rows, columns), ps in self.matrices.items():
            gradients = torch.stack([p.grad.flatten(1) for p in ps]) * clip
            memory = self.momentum[rows, columns].lerp_(gradients, 0.05)
            directions = newton_schulz(gradients.lerp(memory, 0.95))
            step = s * c.matrix_lr * max(1, rows / columns)**0.5
            for p, direction in zip(ps, directions):
                p.copy_(p * (1 - s * c.matrix_lr * c.weight_decay) - step * direction.reshape(p.shape))
        share = 1 - torch.minimum(self.ema, (1 + self.step) / (10 + self.step)).float()
        averages = [q for p, q in zip(self.model.parameters(), self.average.parameters()) if p.requires_grad]
        moved = torch._foreach_sub(self.params, averages)
        torch._foreach_mul_(moved, share)
        torch._foreach_add_(averages, moved)
        self.step += 1

    def eager_step(self):
        self.model.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE, torch.bfloat16, enabled=self.bf16, cache_enabled=False): loss = self.loss(self)
        loss.backward()
        for p in self.params:
            if p.grad is None: p.grad = torch.zeros_like(p)
        self.update()
        self.last_loss.copy_(loss.detach())

    def record(self):
        "The steps that warm it up leave no trace"
        kept = [(x, x.clone()) for x in (*self.model.state_dict().values(), *self.average.state_dict().values(),
                                         self.m, self.v, self.step, *self.momentum.values())]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3): self.eager_step()
        torch.cuda.current_stream().wait_stream(stream)
        for x, before in kept: x.copy_(before)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.generator)
        self.model.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph, stream=stream): self.eager_step()
        self.replay = graph.replay

    def one_step(self):
        self.replay() if self.replay else self.eager_step()
        self.done += 1

    def make_ready(self):
        if DEVICE == "cuda" and not self.replay and not os.environ.get("EAGER"): self.record()

    def pace(self, n=10):
        "Seconds a step, measured over the next n, in which the rate only rises"
        self.one_step()
        if DEVICE == "cuda": torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(n): self.one_step()
        if DEVICE == "cuda": torch.cuda.synchronize()
        return (time.perf_counter() - began) / n

    def state(self):
        return dict(model=self.model.state_dict(), average=self.average.state_dict(), m=self.m, v=self.v, step=self.step,
                    momentum=list(self.momentum.values()), generator=self.generator.get_state(), seconds=self.seconds)

    @torch.no_grad()
    def load(self, state):
        "What `state` gave; the random numbers go on where they were"
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for x, kept in zip((self.m, self.v, self.step, *self.momentum.values()),
                           (state["m"], state["v"], state["step"], *state["momentum"])): x.copy_(kept)
        self.generator.set_state(state["generator"])
        self.done, self.seconds = int(state["step"]), state["seconds"]

    def fit(self, steps=None, seconds=None, look=None, looks=10, keep=None, every=600, meanwhile=None):
        """So many steps, or as many as fit into so many seconds at the pace so far; look(self) now and then, off the clock, and
        meanwhile() every 50 steps, on it.
        The state goes into the file `keep` every so many seconds, and a training that broke off goes on from there."""
        if keep and keep.exists(): self.load(torch.load(keep, map_location="cpu", weights_only=True))
        first, before, off_clock = self.done, self.seconds, 0.0
        self.steps.fill_(steps or 10**9)                                      # the warm-up comes first in any case
        self.make_ready()
        pace = before / first if first else self.pace()
        began = kept_at = time.perf_counter()
        looked = int(looks * before / seconds) if seconds else looks * first // steps
        looked_at = None
        while True:
            self.seconds = (before or 11 * pace) + time.perf_counter() - began - off_clock
            if seconds and (self.done in (first, 11) or self.done % 50 == 0):
                steps = max(self.done, round(self.done + (seconds - self.seconds) * self.done / self.seconds))
                self.steps.fill_(steps)
            if self.done >= steps: break
            self.one_step()
            if self.done % 50 == 0 and DEVICE == "cuda": torch.cuda.synchronize()
            if self.done % 50 == 0 and meanwhile: meanwhile()
            start = time.perf_counter()
            if look and looks * self.done // steps > looked:
                looked, looked_at = looks * self.done // steps, self.done
                look(self)
            if keep and start - kept_at > every:
                kept_at = start
                torch.save(self.state(), keep.with_suffix(".new"))
                os.replace(keep.with_suffix(".new"), keep)
            off_clock += time.perf_counter() - start
        if DEVICE == "cuda": torch.cuda.synchronize()
        if look and looked_at != self.done: look(self)                        # the end came earlier than was planned
        if keep: keep.unlink(missing_ok=True)
        return self


def fit_together(trainings, steps):
    "So many steps of each. The graphs of small networks leave most of a GPU idle, so they run side by side, each in its own stream"
    for training in trainings:
        training.steps.fill_(steps)
        training.make_ready()
    streams = [torch.cuda.Stream() if DEVICE == "cuda" else None for _ in trainings]
    if DEVICE == "cuda": torch.cuda.synchronize()
    began = time.perf_counter()
    for k in range(steps):
        for training, stream in zip(trainings, streams):
            with torch.cuda.stream(stream): training.one_step()
        if k % 20 == 0 and DEVICE == "cuda": torch.cuda.synchronize()
    if DEVICE == "cuda": torch.cuda.synchronize()
    for training in trainings: training.seconds = (time.perf_counter() - began) / len(trainings)
    return trainings
