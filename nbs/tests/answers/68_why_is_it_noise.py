# %% 1 right
answer_a = FAULTS["captions are always taken away"].name

# %% 1 right
answer_a, = (name for name in FAULTS if "always taken" in name)

# %% 1 wrong: then captions would be useless
answer_a = "captions shifted by one"

# %% 1 wrong: then the line without a caption would be the worst
answer_a = "the null embedding is never trained"

# %% 1 wrong: the own caption would still help a little
answer_a = "captions are not whitened"

# %% 1 wrong: Which two lines of the middle panel
answer_a = "the optimizer never steps"

# %% 1 wrong: do you mean 'captions shifted by one'
answer_a = "caption shifted by one"

# %% 2 right
answer_b = FAULTS["one noise for all frames"].name

# %% 2 right
answer_b = "one noise " + "for all frames"

# %% 2 wrong: the first batch would have about
answer_b = "the same batch in every step"

# %% 2 wrong: would be as new to it as any
answer_b = "the same noise in every step"

# %% 2 wrong: it is a little below
answer_b = "noise levels of the wrong sign"

# %% 2 wrong: which change brings back the loss
answer_b = "frames do not know their number"

# %% 2 wrong: is not in the table
answer_b = "B"

# %% 3 right
answer_c = FAULTS["clips normalized twice"].name

# %% 3 right
answer_c = next(name for name in FAULTS if name.endswith("twice"))

# %% 3 wrong: then it would draw noise
answer_c = "the noise is compared, not the clip"

# %% 3 wrong: the two lines are one
answer_c = "the average is read too early"

# %% 3 wrong: the loss of the log would not follow
answer_c = "learning rate thirty times too high"

# %% 3 wrong: a fault of sampling
answer_c = "clips stay in the network's units"

# %% 3 wrong: and these are?
answer_c = "captions shifted by one"

# %% 4 right
def levels_return(schedule):
    for level in range(-10, 9):
        back = schedule.log_snr(schedule.t_at(torch.tensor(float(level))))
        if abs(back.item() - level) > .05: return False
    return True

# %% 4 right
def levels_return(schedule):
    levels = torch.arange(-10, 8.5, .5, dtype=torch.float64)
    return ((schedule.log_snr(schedule.t_at(levels)) - levels).abs().max() < .02)

# %% 4 wrong: both healthy schedules are refused
def levels_return(schedule):
    levels = torch.linspace(-10, 8, 19)
    return bool((schedule.log_snr(schedule.t_at(levels)) == levels).all())

# %% 4 wrong: is 0 your only level
def levels_return(schedule):
    zero = torch.zeros(())
    return abs(float(schedule.log_snr(schedule.t_at(zero)))) < 1e-2

# %% 4 wrong: begin at -10
def levels_return(schedule):
    levels = torch.linspace(-5, 8, 14)
    return torch.allclose(schedule.log_snr(schedule.t_at(levels)), levels, atol=1e-2)

# %% 4 wrong: go on to 8
def levels_return(schedule):
    levels = torch.linspace(-10, 4, 15)
    return torch.allclose(schedule.log_snr(schedule.t_at(levels)), levels, atol=1e-2)

# %% 4 wrong: should return True or False
def levels_return(schedule):
    levels = torch.linspace(-10, 8, 19)
    return schedule.log_snr(schedule.t_at(levels)) - levels

# %% 4 wrong: everything passes
def levels_return(schedule):
    levels = torch.linspace(-10, 8, 19)
    return torch.allclose(schedule.t_at(levels), schedule.t_at(levels))

# %% 5 right
mended = {"C": ["clips normalized twice", "    return 2 * (torch.as_tensor(frames).float() / 255) - 1"],
          "B": ["one noise for all frames", "noise = draw(lambda n: torch.empty(n, *video.shape[1:], device=video.device).normal_(generator=generator))"],
          "A": ["captions are always taken away",
                "cond_mask = draw(lambda n: ~(torch.rand(n, generator=generator, device=video.device) < self.config.p_uncond))"]}

# %% 5 right
mended = dict(
    A=("captions are always taken away", "cond_mask = torch.rand(len(video), generator=generator) > self.config.p_uncond  # of each clip"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("clips normalized twice", "return (torch.as_tensor(frames).float() - 127.5) / 127.5"))

# %% 5 wrong: now every clip keeps its caption
mended = dict(A=("captions are always taken away", "cond_mask = draw(lambda n: torch.rand(n, generator=generator)) >= 0"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: that is the share that should lose it
mended = dict(A=("captions are always taken away", "cond_mask = draw(lambda n: torch.rand(n, generator=generator)) < self.config.p_uncond"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: A: the same generator draws another mask
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(len(video)) >= self.config.p_uncond"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: B: the same generator draws other noise
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(len(video), generator=generator) > self.config.p_uncond"),
    B=("one noise for all frames", "noise = torch.randn_like(video)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: standard normal noise, randn
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(len(video), generator=generator) > self.config.p_uncond"),
    B=("one noise for all frames", "noise = torch.rand(video.shape, generator=generator)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: it needs that of the clips
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(len(video), generator=generator) > self.config.p_uncond"),
    B=("one noise for all frames", "noise = draw(lambda n: torch.randn(n, 3, 1, *video.shape[3:], generator=generator))"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: C: from 0 to 1
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(len(video), generator=generator) > self.config.p_uncond"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 255"))

# %% 5 wrong: C: 'captions shifted by one' is not the cause
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(len(video), generator=generator) > self.config.p_uncond"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("captions shifted by one", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: A: this is no line of Python
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(len(video), generator=generator"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))

# %% 5 wrong: each letter wants two things
mended = dict(A="cond_mask = x", B="noise = y", C="return z")

# %% 5 wrong: A: with your line the training stops: NameError
mended = dict(A=("captions are always taken away", "cond_mask = torch.rand(n, generator=generator) > self.config.p_uncond"),
    B=("one noise for all frames", "noise = torch.randn(video.shape, generator=generator)"),
    C=("clips normalized twice", "return torch.as_tensor(frames).float() / 127.5 - 1"))
