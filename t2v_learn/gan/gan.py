
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from t2v_learn.diffusion.unet3d import whitening
from t2v_learn.gan.convlstm import ConvLSTMCell
from t2v_learn.text.attention import bilinear_attention
from t2v_learn.text.bert import TextEncoder, TextStates
from t2v_learn.training.checkpoint import check_shapes, save_weights
from t2v_learn.training.loop import TrainConfig, Trainer, make_optimizer, pick_device, pick_precision
from t2v_learn.video.clips import Clip, InputError
from t2v_learn.video.datasets import Prefetch, WorldData, open_data, say_skipped
from t2v_learn.video.world import World


class SentenceReader(nn.Module):
    "A caption as one vector `s`, equally loud in all directions."
    def __init__(self,
        text_dim: int = 384,  # width of BERT's states
        dim: int = 128,       # width of s
    ):
        super().__init__()
        self.register_buffer("pooled_mean", torch.zeros(text_dim)), self.register_buffer("pooled_whiten", torch.eye(text_dim))
        self.sentence = nn.Linear(text_dim, dim)

    @torch.no_grad()
    def fit(self, text):
        "Measure the pooled states of training captions."
        self.pooled_mean.copy_(text.pooled.mean(0)), self.pooled_whiten.copy_(whitening(text.pooled))

    def forward(self, text):
        "Sentences `b d`."
        return self.sentence((text.pooled - self.pooled_mean) @ self.pooled_whiten)


class CaptionReader(SentenceReader):
    "A caption as a sentence `s` and words `V`."
    def __init__(self,
        text_dim: int = 384,  # width of BERT's states
        dim: int = 128,       # width of s and of each word
    ):
        super().__init__(text_dim, dim)
        self.register_buffer("tokens_mean", torch.zeros(text_dim)), self.register_buffer("tokens_whiten", torch.eye(text_dim))
        self.words = nn.Linear(text_dim, dim)

    @torch.no_grad()
    def fit(self, text):
        "Measure the states of training captions, pooled and of each piece."
        super().fit(text)
        states = text.tokens[text.mask]                              # n d: real pieces only
        self.tokens_mean.copy_(states.mean(0)), self.tokens_whiten.copy_(whitening(states))

    def forward(self, text):
        "Sentences `b d` and words `b n d`."
        return super().forward(text), self.words((text.tokens - self.tokens_mean) @ self.tokens_whiten)


@torch.no_grad()
def keep_strength(
    network: nn.Module,         # whose convolutions and linear layers start anew
    quieter: tuple = (),        # of these layers in it the start is
    factor: float = .5,         # multiplied by this
) -> None:
    "Start layers so that signals neither fade nor explode on their way (He et al. 2015, equation 10)."
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=.2)
            if layer.bias is not None: nn.init.zeros_(layer.bias)
    for layer in quieter: layer.weight.mul_(factor)


class Modulate(nn.Module):
    "Scale and shift each channel as a condition says (FiLM, Perez et al. 2018)."
    def __init__(self,
        cond_dim: int,  # width of the condition
        dim: int,       # channels
    ):
        super().__init__()
        self.knobs = nn.Linear(cond_dim, 2 * dim)

    def forward(self, x, y):
        "`x` is `b d h w`, `y` is `b c`; the result is like x."
        scale, shift = self.knobs(y)[:, :, None, None].chunk(2, 1)
        return x * (1 + scale) + shift


def conv(dim_in: int, dim: int, kernel_size: int = 3) -> nn.Conv2d: # that keeps height and width
    "A convolution with padding"
    return nn.Conv2d(dim_in, dim, kernel_size, padding=kernel_size // 2)

class Painter(nn.Module):
    "A frame from a state and a condition."
    def __init__(self,
        dim: int = 64,        # channels of the state
        cond_dim: int = 256,  # width of the condition
    ):
        super().__init__()
        self.knobs = nn.ModuleList(Modulate(cond_dim, dim) for _ in range(4))
        self.convs = nn.ModuleList(conv(dim, dim) for _ in range(3))
        self.last = conv(dim, 12)                               # each place paints 2x2 pixels
        keep_strength(self.convs, (self.convs[0], self.convs[2]))

    def forward(self, h, y):
        "States `b d 8 8` and conditions `b c` to frames `b 3 32 32`, a little beyond [-1, 1]."
        x = h.contiguous(memory_format=torch.channels_last)
        x = x + self.convs[0](F.silu(self.knobs[0](x, y)))
        x = F.interpolate(x, scale_factor=2)                    # b d 16 16
        x = self.convs[1](F.silu(self.knobs[1](x, y)))
        x = x + self.convs[2](F.silu(self.knobs[2](x, y)))
        x = self.last(F.silu(self.knobs[3](x, y)))              # b 12 16 16
        return 1.1 * F.pixel_shuffle(x, 2).float().tanh()


class GeneratorParts(nn.Module):
    "What a generator is made of."
    def __init__(self,
        text_dim: int = 384,  # width of BERT's states
        dim: int = 64,        # channels of the ConvLSTM's state
        word_dim: int = 128,  # width of s and of each word
        z_dim: int = 64,      # width of the noise
        n_frames: int = 8,    # frames a clip
        n_places: int = 8,    # height and width of the state; frames are four times as large
    ):
        super().__init__()
        self.z_dim, self.n_frames, self.n_places = z_dim, n_frames, n_places
        self.reader = CaptionReader(text_dim, word_dim)
        self.mix = nn.Sequential(nn.Linear(word_dim + z_dim, 256), nn.SiLU(), nn.Linear(256, word_dim))
        self.scatter = nn.Linear(word_dim + z_dim, 16 * n_places**2)                  # where things begin
        self.begin = conv(16, 2 * dim)
        self.W_a = nn.Parameter(torch.randn(dim, word_dim) * .05)
        self.moments = nn.Parameter(torch.randn(n_frames, word_dim) * .5)             # one vector per frame: what time is it
        self.tell, self.places = nn.Linear(3 * word_dim, 32), nn.Parameter(torch.randn(1, 32, n_places, n_places) * .1)
        self.cell, self.painter = ConvLSTMCell(32, dim), Painter(dim, 2 * word_dim)
        for part in (self.reader, self.mix, self.scatter): keep_strength(part)


class Generator(GeneratorParts):
    "G(s, z): clips from captions and noise, frame by frame (a ConvLSTM that attends to words)."
    def listen(self, h, V, mask):
        "The state asks the words: a context vector `b e` and the shares of the words `b n`."
        return bilinear_attention(h.mean((2, 3)), V, self.W_a, mask)

    def start(self, s, z):
        "The first state, a pair of `b d h w`."
        x = self.scatter(torch.cat([s, z], 1)).unflatten(1, (16, self.n_places, self.n_places))
        h, c = self.begin(x).chunk(2, 1)
        return h.tanh(), c

    def forward(self, text, z, return_weights=False):
        "Clips `b c f h w` for noise `b z`; with `return_weights` also how much each frame listened to each word, `b f n`."
        s, V = self.reader(text)
        scene, state = self.mix(torch.cat([s, z], 1)), self.start(s, z)
        states, told, weights = [], [], []
        for moment in self.moments:
            c, shares = self.listen(state[0], V, text.mask)
            x = self.tell(torch.cat([c, scene, moment.expand_as(c)], 1))              # b 32
            state = self.cell(x[:, :, None, None] + self.places, state)
            states.append(state[0]), told.append(torch.cat([c, scene], 1)), weights.append(shares)
        frames = self.painter(torch.stack(states, 1).flatten(0, 1), torch.stack(told, 1).flatten(0, 1))
        video = rearrange(frames, "(b f) c h w -> b c f h w", f=self.n_frames)
        return (video, torch.stack(weights, 1)) if return_weights else video


class Smaller(nn.Module):
    "Two convolutions beside a shortcut, then half the height and width (He et al. 2016)."
    def __init__(self,
        dim_in: int, # channels that come in
        dim: int,    # channels that go out
    ):
        super().__init__()
        self.first, self.second, self.shortcut = conv(dim_in, dim_in), conv(dim_in, dim), conv(dim_in, dim, 1)

    def forward(self, x):
        "`b c h w` to `b d h/2 w/2`."
        change = self.second(leaky(self.first(leaky(x))))
        return F.avg_pool2d(self.shortcut(x) + change, 2)

def leaky(x: Tensor) -> Tensor: # of the same shape
    "A bent line that lets a little through, so that no gradient is ever zero"
    return F.leaky_relu(x, .2)


class DiscriminatorParts(nn.Module):
    "What a discriminator is made of."
    def __init__(self,
        text_dim: int = 384,  # width of BERT's states
        n_frames: int = 8,    # frames a clip
        dim: int = 48,        # channels after the first convolution; twice as many later
        view_dim: int = 256,  # width of what each of the three looks says
    ):
        super().__init__()
        self.n_frames, wide = n_frames, 2 * dim
        self.enter, self.to_eight, self.to_four = conv(12, dim), Smaller(dim, wide), Smaller(wide, wide)
        self.by_place = nn.Linear(wide * 16, view_dim)                       # 4x4 places of each frame
        self.shapes = nn.ModuleList([conv(wide, 160), conv(160, 160)])
        self.anywhere = nn.Linear(160, view_dim)
        self.narrow = nn.Conv2d(wide, 32, 1)
        self.moves = nn.ModuleList([conv(32 * n_frames, 192), conv(192, 192), conv(192, 192)])
        self.over_time = nn.Linear(192 * 16, view_dim)
        self.combine = nn.Linear(3 * view_dim, 3 * view_dim)
        self.real = nn.Linear(3 * view_dim, 1, bias=False)                   # w; a bias would cancel in every comparison
        self.reader, self.think = SentenceReader(text_dim), nn.Sequential(nn.Linear(128, 128), nn.SiLU())
        self.fits = nn.Linear(128, 3 * view_dim)                             # q
        keep_strength(self, (self.to_eight.second, self.to_four.second))
        with torch.no_grad(): self.real.weight.mul_(.2), self.fits.weight.mul_(.2)    # no opinion yet


class Discriminator(DiscriminatorParts):
    "D(V, s): how real a clip looks, and how well it fits a caption."
    def look(self, video):
        "What there is to say about clips `b c f h w`: a vector each, `b d`."
        x = rearrange(video, "b c f (h p) (w q) -> (b f) (c p q) h w", p=2, q=2).contiguous(memory_format=torch.channels_last)
        x = self.to_eight(self.enter(x))                                         # (b f) 96 8 8
        frames = leaky(self.by_place(leaky(self.to_four(x)).flatten(1)))     # (b f) d
        shapes = leaky(self.shapes[0](leaky(x)))
        shapes = leaky(shapes + .3 * self.shapes[1](shapes)).amax((2, 3))    # where it is strongest
        shapes = leaky(self.anywhere(shapes))                                # (b f) d
        seen = torch.cat([self.watch(x), *(rearrange(v, "(b f) d -> b f d", f=self.n_frames).mean(1) for v in (frames, shapes))], 1)
        return seen + leaky(self.combine(seen))

    def watch(self, x):
        "All frames of `(b f) c 8 8` at once: `b d`."
        y = leaky(self.moves[0](leaky(rearrange(self.narrow(x), "(b f) c h w -> b (f c) h w", f=self.n_frames))))
        y = F.avg_pool2d(leaky(y + .3 * self.moves[1](y)), 2)
        y = leaky(y + .3 * self.moves[2](y))                                 # b 192 4 4
        return leaky(self.over_time(y.flatten(1)))

    def ask(self, text):
        "What to look for: a vector for each caption, `b d`."
        s = self.reader(text)
        return self.fits(s + self.think(s))

    def score(self, seen, asked):
        "D for what was seen and asked, `b`."
        return (self.real(seen)[:, 0] + (seen * asked).sum(1) / seen.shape[1]**.5).float()

    def forward(self, video, text):
        "D(V, s), `b`: large means real and fitting."
        return self.score(self.look(video), self.ask(text))


def beats(
    better: Tensor, # scores, `b`
    worse: Tensor,  # scores, `b`
) -> Tensor:        # a number; small when `better` wins by far
    "How far the first is from beating the second, pair by pair: mean softplus(worse - better) (Jolicoeur-Martineau 2019)."
    return F.softplus(worse - better).mean()


def picks(
    seen: Tensor,  # what was seen of clips, `b d`
    asked: Tensor, # their captions, in the same order, `b d`
) -> Tensor:       # a number; 0 if each clip is sure of its own caption
    "Cross-entropy of finding a clip's own caption among all of the batch (InfoNCE, van den Oord et al. 2018, equation 4)."
    scores = (seen @ asked.T).float() / seen.shape[1]**.5          # clips, captions
    return F.cross_entropy(scores, torch.arange(len(seen), device=seen.device))


def steepness(
    discriminator: Discriminator, # D
    video: Tensor,                # clips, `b c f h w`
    asked: Tensor,                # their captions as D asks them, `b d`
) -> Tensor:                      # a number that can itself be differentiated
    "Mean squared length of D's gradient in the pixels (R1 on real clips, R2 on fakes; Mescheder et al. 2018)."
    video = video.detach().requires_grad_(True)
    score = discriminator.score(discriminator.look(video), asked)
    slope, = torch.autograd.grad(score.sum(), video, create_graph=True)
    return reduce(slope.float().square(), "b c f h w -> b", "sum").mean()


def discriminator_loss(
    discriminator: Discriminator, # D
    real: Tensor,                 # clips, `b c f h w`
    fake: Tensor,                 # G's clips for the same captions, without G's graph
    text: TextStates,             # the captions
    gamma: float = 0.0,           # what steepness costs; 0: not measured
) -> dict:                        # name of a part -> number; D makes the sum small
    "Real beats fake, its own caption beats another's, each clip finds its caption; and gently."
    asked = discriminator.ask(text)
    seen, seen_fake = discriminator.look(torch.cat([real, fake])).chunk(2)
    score = discriminator.score(seen, asked)
    parts = dict(real=beats(score, discriminator.score(seen_fake, asked)),
                 fits=beats(score, discriminator.score(seen, asked.roll(1, 0))), picks=picks(seen, asked))
    if gamma:
        half = len(real) // 2 or 1
        both, twice = torch.cat([real[:half], fake[:half]]), torch.cat([asked[:half]] * 2)
        parts["steep"] = gamma * steepness(discriminator, both, twice)      # half of R1 and half of R2 each: their mean
    return parts | dict(score=score.detach())


def generator_loss(
    discriminator: Discriminator, # D, as it is
    fake: Tensor,                 # G's clips, with G's graph
    text: TextStates,             # their captions
    score_real: Tensor,           # D's score of the real clips beside them, `b`
) -> dict:                        # name of a part -> number; G makes the sum small
    "A fake beats the real clip beside it, and its own caption is found."
    asked, seen = discriminator.ask(text).detach(), discriminator.look(fake)
    return dict(fake=beats(discriminator.score(seen, asked), score_real), told=picks(seen, asked))


@dataclass
class GANConfig:
    "Both players, but for their weights, and the rules of their duel."
    text_dim: int = 384       # width of BERT's states
    dim: int = 64             # channels of the generator's state
    z_dim: int = 64           # width of the noise
    n_frames: int = 8         # frames a clip
    size: int = 32            # height and width in pixels
    look_dim: int = 48        # channels of the discriminator's first convolution
    gamma: float = 10.0       # what steepness costs
    penalty_every: int = 8    # steps between two measurements of steepness

    def __post_init__(self):
        if self.size != 32: raise InputError(f"this GAN draws 32x32 pixels, not {self.size}x{self.size}: resize the clips.")
        for name in ("text_dim", "dim", "z_dim", "n_frames", "look_dim", "penalty_every"):
            if getattr(self, name) < 1: raise InputError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.gamma < 0: raise InputError(f"gamma must not be negative, as {self.gamma} is.")


class VideoGAN(nn.Module):
    "Both players."
    def __init__(self,
        config: GANConfig | None = None, # None: the defaults
    ):
        super().__init__()
        self.config = c = config or GANConfig()
        self.generator = Generator(c.text_dim, c.dim, z_dim=c.z_dim, n_frames=c.n_frames)
        self.discriminator = Discriminator(c.text_dim, c.n_frames, c.look_dim)

    def fit_text(self, text):
        "Measure the states of training captions, for both players."
        self.generator.reader.fit(text), self.discriminator.reader.fit(text)


PLAYERS = ("discriminator", "generator")

class Duel(Trainer):
    "The loop of lesson 12 with two players, each with an optimizer of its own."
    def __init__(self,
        model: VideoGAN,        # both players, trained in place
        encoder: TextEncoder,   # turns captions into states
        data: object,           # data(step) -> (video, captions)
        config: TrainConfig,    # the settings; betas without momentum, no grad_clip
        **options: object,      # folder, extra, callbacks, device: as `Trainer` takes them
    ):
        self.encoder = encoder
        super().__init__(model, None, data, config, **options)

    def make_optimizers(self): return {name: make_optimizer(getattr(self.model, name), self.config) for name in PLAYERS}
    def averaged(self): return self.model.generator


class GANTrainer(Duel):
    "One step: D moves, then G."
    def train_step(self, batch, generator):
        "D's loss; its parts and G's go into the history."
        video, text = batch[0], self.encoder(batch[1]).to(self.device)
        z = torch.randn(len(video), self.model.config.z_dim, generator=generator, device=self.device)
        with self.autocast(): fake = self.model.generator(text, z)
        parts = self.move_discriminator(video, fake.detach(), text)
        self.move_generator(fake, text, parts["score"])
        return parts["real"].detach()

    def move_discriminator(self, video, fake, text):
        c = self.model.config
        gamma = c.gamma * c.penalty_every if self.budget.step % c.penalty_every == 0 else 0.0
        self.model.discriminator.requires_grad_(True)
        with self.autocast(): parts = discriminator_loss(self.model.discriminator, video, fake, text, gamma)
        self.update("discriminator", sum(loss for name, loss in parts.items() if name != "score"))
        self.notes |= {name: loss.detach() for name, loss in parts.items() if name in ("fits", "picks")}
        return parts

    def move_generator(self, fake, text, score):
        self.model.discriminator.requires_grad_(False)           # G's gradient passes through D and leaves it as it is
        with self.autocast(): parts = generator_loss(self.model.discriminator, fake, text, score)
        self.update("generator", sum(parts.values()))
        self.notes |= {name: loss.detach() for name, loss in parts.items()}
        self.model.discriminator.requires_grad_(True)


class SavedGAN:
    "A generator, the text encoder it was trained with, and how they are saved and loaded."
    kind = "text-to-video-gan"

    def __init__(self,
        generator: Generator,     # the trained (averaged) network
        encoder: TextEncoder,     # the BERT it was trained with
        config: dict,             # "gan" (of `GANConfig`), "shape" (c, f, h, w), "fps", "words" seen in training
        device: str = "auto",     # see `pick_device`
        precision: str = "auto",  # "fp32", "bf16" or "auto": bf16 where the processor has it
    ):
        self.device = pick_device(device)
        self.generator, self.encoder, self.config = generator.to(self.device).eval(), encoder, config
        self.bf16 = pick_precision(precision, self.device) == torch.bfloat16

    def save_pretrained(self, folder, half=False):
        "Write `model.safetensors` and `config.json`; `half=True` stores 16-bit numbers, half the size."
        weights = {k: v.half() if half and v.is_floating_point() else v for k, v in self.generator.state_dict().items()}
        encoder = dict(name=self.encoder.name, revision=self.encoder.revision)
        return save_weights(folder, weights, self.config | dict(kind=self.kind, encoder=encoder))

    @classmethod
    def from_weights(cls, weights, config, folder, device="auto", precision="auto"):
        "From what `load_weights` found in a folder; refuses what does not fit together."
        from t2v_learn.diffusion.pipeline import check_encoder
        try: gan, encoder = GANConfig(**config["gan"]), TextEncoder(config["encoder"]["name"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{folder}/config.json does not describe a GAN ({type(error).__name__}: {error}): get it again.") from None
        check_encoder(encoder, config["encoder"], folder)
        generator = Generator(gan.text_dim, gan.dim, z_dim=gan.z_dim, n_frames=gan.n_frames)
        check_shapes(weights, generator.state_dict(), folder)
        generator.load_state_dict({k: v.float() for k, v in weights.items()})
        return cls(generator, encoder, config, device, precision)


class TextToVideoGAN(SavedGAN):
    "A trained generator, behind the same call as the diffusion model."
    @torch.no_grad()
    def __call__(self,
        prompt: str | list[str],                # what the clip shall show; a list gives a list of clips
        seed: int | list[int] = 0,              # of the noise; clip i of a list gets seed + i
        num_inference_steps: int | None = None, # ignored: a GAN draws in one pass
        guidance_scale: float | None = None,    # ignored: its text is not an option
        progress: bool = False,                 # ignored: it is done before a bar would be drawn
    ) -> Clip | list[Clip]:
        "Generate a clip for each prompt."
        from t2v_learn.diffusion.pipeline import as_prompts, seeded_noise
        prompts, seeds = as_prompts(prompt, seed)
        z, text = seeded_noise(seeds, (self.generator.z_dim,)).to(self.device), self.encoder(prompts).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16): video = self.generator(text, z)
        clips = [Clip.from_tensor(v.clamp(-1, 1), self.config["fps"]) for v in video.float().cpu()]
        return clips[0] if isinstance(prompt, str) else clips

    def edit(self, clip, prompt, **settings):
        "A GAN starts from noise only."
        raise InputError("a GAN cannot edit a clip, since it never sees one: use a diffusion model, such as tiny.")


GAN_PRESETS = {"tiny": dict(config=GANConfig(), batch_size=16,
                            settings=dict(lr=5e-4, betas=(0.0, 0.99), weight_decay=0.0, grad_clip=None, ema=0.998, warmup=100, decay_from=0.6))}

def new_gan(
    config: GANConfig,    # both players' sizes
    data: object,         # data(step) -> (video, captions)
    encoder: TextEncoder, # turns captions into states
    seed: int = 0,        # of the first weights
    n_batches: int = 40,  # batches whose captions are measured
) -> tuple:               # an untrained `VideoGAN`, the words it will see
    "Two fresh players, made for the captions of this data."
    from t2v_learn.diffusion.pipeline import unknown_words
    captions = sorted({caption for step in range(n_batches) for caption in data(step)[1]})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        gan = VideoGAN(config)
    gan.fit_text(encoder(captions))
    return gan, sorted({word for caption in captions for word in unknown_words(caption, [])})


def train_gan(
    preset: str = "tiny",                 # one of `GAN_PRESETS`
    data: str | Path | None = None,       # captioned clips, see `open_data`; None: the endless tiny world
    strict: bool = False,                 # stop at clips that cannot be used, instead of skipping them
    minutes: float | None = None,         # budget in minutes, or
    steps: int | None = None,             # budget in steps
    seed: int = 0,                        # of weights, batches and noise
    folder: str | Path = "runs/tiny-gan", # where checkpoints and the finished model go
    resume: bool = False,                 # go on from the newest checkpoint
    precision: str = "auto",              # "fp32", "bf16" or "auto"
    device: str = "auto",                 # see `pick_device`
    progress: bool = True,                # show a progress bar
    callbacks: tuple = (),                # of `Every`
    **settings,                           # other fields of `TrainConfig`
) -> TextToVideoGAN:                      # the trained model, saved in `folder`
    "Train both players and save the generator. Stopped by Ctrl-C, it leaves a checkpoint to resume from."
    if preset not in GAN_PRESETS: raise InputError(f"there is no preset {preset!r}: choose one of {', '.join(GAN_PRESETS)}.")
    chosen = GAN_PRESETS[preset]
    c, batch_size = chosen["config"], chosen["batch_size"]
    settings = TrainConfig(minutes=minutes, steps=steps, seed=seed, precision=precision, **chosen["settings"] | settings)
    source = open_data(data, batch_size, seed, c.n_frames, c.size, strict) if data else WorldData(World("tiny"), batch_size, seed)
    with Prefetch(source, workers=2 if data else 0) as batches:
        encoder = TextEncoder()
        gan, words = new_gan(c, batches, encoder, seed)
        trainer = GANTrainer(gan, encoder, batches, settings, folder=folder, callbacks=list(callbacks), device=device,
                             extra=dict(arch="gan", preset=preset, data=data and str(data), strict=strict))
        try: trainer.fit(resume=resume, progress=progress)
        finally: say_skipped(source)
    trained = dict(preset=preset, steps=trainer.budget.step, minutes=round(trainer.budget.minute, 2), seed=seed)
    config = dict(gan=asdict(c), shape=[3, c.n_frames, c.size, c.size], fps=8.0, words=words, trained=trained)
    model = TextToVideoGAN(trainer.ema.model, encoder, config, device, precision)
    model.save_pretrained(folder)
    return model


def count_scenes(
    clips: list, # of `Clip`
) -> dict:       # attribute -> name -> how many; under "scene" combinations, and None for what cannot be read
    "What a program reads in many clips: the histogram that shows a collapse."
    from collections import Counter
    from t2v_learn.video.verify import read_scene
    counts = {name: Counter() for name in ("shape", "color", "motion", "scene")}
    for clip in clips:
        actors = (reading := read_scene(clip)) and reading.scene.actors
        for name in ("shape", "color", "motion"): counts[name][getattr(actors[0], name) if actors else None] += 1
        counts["scene"][(actors[0].shape, actors[0].color, actors[0].motion) if actors else None] += 1
    return counts


def scenes_figure(
    several: dict, # title -> what `count_scenes` gave
):                 # a matplotlib Figure
    "Shapes, colours and motions that were read, one row per collection of clips."
    from matplotlib.figure import Figure
    from t2v_learn.video.world import PRESETS
    figure = Figure(figsize=(9, 1.6 * len(several)), layout="constrained")
    names = {name: [*getattr(PRESETS["tiny"], f"{name}s"), None] for name in ("shape", "color", "motion")}
    for row, (title, counts) in zip(figure.subplots(len(several), 3, squeeze=False), several.items()):
        for ax, (attribute, known) in zip(row, names.items()):
            ax.bar([name or "unread" for name in known], [counts[attribute][name] for name in known], color="tab:blue")
            ax.tick_params(labelsize=7)
        row[0].set_ylabel(title, fontsize=9)
    return figure