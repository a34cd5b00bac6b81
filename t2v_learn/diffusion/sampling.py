import torch
@torch.no_grad()
def guided(model, x, t, text, scale):
    b = len(x); tt = torch.full((b,), float(t))
    if scale == 1: return model(x, tt, text)
    if scale == 0: return model(x, tt, text, torch.zeros(b, dtype=torch.bool))
    from t2v_learn.text.bert import TextStates
    two = TextStates(*(torch.cat([a, a]) for a in (text.tokens, text.mask, text.pooled)))
    c, u = model(torch.cat([x, x]), torch.cat([tt, tt]), two, torch.arange(2 * b) < b).chunk(2)
    return u + scale * (c - u)

@torch.no_grad()
def sample_flow(model, text, shape, generator, steps=16, scale=3., shift=3.):
    s = torch.linspace(1, 0, steps + 1); ts = shift * s / (1 + (shift - 1) * s)
    x = torch.randn(shape, generator=generator)
    for a, b in zip(ts, ts[1:]): x = x + (b - a) * guided(model, x, a, text, scale)
    return x.clamp(-1, 1)
