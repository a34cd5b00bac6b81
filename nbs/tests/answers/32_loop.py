"Other answers to the exercises of lesson 32"

# %% 1 right
def my_due(before, now, every):
    return int(now / every) != int(before / every)

# %% 1 right
def my_due(before, now, every):
    multiple = 0
    while multiple <= before: multiple += every
    if multiple <= now: return True
    else: return False

# %% 1 wrong: hit exactly
def my_due(before, now, every):
    return now % every == 0

# %% 1 wrong: where the step began
def my_due(before, now, every):
    return now >= every

# %% 1 wrong: several multiples
def my_due(before, now, every):
    return now // every == before // every + 1

# %% 1 wrong: begins on a multiple
def my_due(before, now, every):
    return now // every > before // every or before % every == 0

# %% 1 wrong: 0 is not in the interval
def my_due(before, now, every):
    return any(before < k * every <= now for k in range(100)) or before == 0

# %% 1 wrong: that ends on a multiple counts
def my_due(before, now, every):
    return any(before < k * every < now for k in range(100))

# %% 2 right
def my_gradient(net, ends, middle):
    sums = [torch.zeros_like(p) for p in net.parameters()]
    half = (len(ends) + 1) // 2
    for rows in (slice(0, half), slice(half, None)):
        loss = F.mse_loss(net(ends[rows]), middle[rows], reduction="sum") / middle.numel()
        for total, gradient in zip(sums, torch.autograd.grad(loss, list(net.parameters()))): total += gradient
    return sums

# %% 2 right
def my_gradient(net, ends, middle):
    for p in net.parameters(): p.grad = None
    for n in (0, 1):
        e, m = ends[4 * n:][:4 + n], middle[4 * n:][:4 + n]
        loss = ((net(e) - m) ** 2).mean() * len(e) / 9
        loss.backward()
    return tuple(p.grad for p in net.parameters())

# %% 2 wrong: in memory at once
def my_gradient(net, ends, middle):
    net.zero_grad()
    F.mse_loss(net(ends), middle).backward()
    return [p.grad for p in net.parameters()]

# %% 2 wrong: the old gradient was still there: clear
def my_gradient(net, ends, middle):
    for e, m in zip(ends.chunk(2), middle.chunk(2)):
        (F.mse_loss(net(e), m) * len(e) / len(ends)).backward()
    return [p.grad.clone() for p in net.parameters()]

# %% 2 wrong: Weigh each half
def my_gradient(net, ends, middle):
    net.zero_grad()
    for e, m in zip(ends.chunk(2), middle.chunk(2)):
        F.mse_loss(net(e), m).backward()
    return [p.grad.clone() for p in net.parameters()]

# %% 2 wrong: weigh them by 5/9 and 4/9
def my_gradient(net, ends, middle):
    net.zero_grad()
    for e, m in zip(ends.chunk(2), middle.chunk(2)):
        (F.mse_loss(net(e), m) / 2).backward()
    return [p.grad.clone() for p in net.parameters()]

# %% 2 wrong: only the last half is left
def my_gradient(net, ends, middle):
    for e, m in zip(ends.chunk(2), middle.chunk(2)):
        net.zero_grad()
        (F.mse_loss(net(e), m) * len(e) / len(ends)).backward()
    return [p.grad.clone() for p in net.parameters()]

# %% 2 wrong: does the odd one get lost
def my_gradient(net, ends, middle):
    net.zero_grad()
    half = len(ends) // 2
    for n in range(2):
        (F.mse_loss(net(ends[n * half:(n + 1) * half]), middle[n * half:(n + 1) * half]) / 2).backward()
    return [p.grad.clone() for p in net.parameters()]

# %% 2 wrong: and each half has the full weight
def my_gradient(net, ends, middle):
    for e, m in zip(ends.chunk(2), middle.chunk(2)):
        F.mse_loss(net(e), m).backward()
    return [p.grad.clone() for p in net.parameters()]

# %% 2 wrong: return a list with a tensor for each parameter
def my_gradient(net, ends, middle):
    net.zero_grad()
    for e, m in zip(ends.chunk(2), middle.chunk(2)):
        (F.mse_loss(net(e), m) * len(e) / len(ends)).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters()])

# %% 3 right
class MyTrainer(Trainer):
    def train_step(self, batch, generator):
        losses = [Trainer.train_step(self, batch, generator) for _ in range(2)]
        self.metrics["second"] = losses[1]
        return losses[0]

# %% 3 right
class MyTrainer(Trainer):
    "The first update written out"
    def train_step(self, batch, generator):
        loss = self.loss_fn(self.model, batch, generator)
        self.update("main", loss)
        second = super().train_step(batch, generator)
        self.metrics |= {"second": second.item()}
        return loss.detach()

# %% 3 wrong: put it into self.metrics
class MyTrainer(Trainer):
    def train_step(self, batch, generator):
        first = super().train_step(batch, generator)
        super().train_step(batch, generator)
        return first

# %% 3 wrong: the second loss is the first one again
class MyTrainer(Trainer):
    def train_step(self, batch, generator):
        first = super().train_step(batch, generator)
        super().train_step(batch, generator)
        self.metrics = dict(second=first)
        return first

# %% 3 wrong: no update follows it
class MyTrainer(Trainer):
    def train_step(self, batch, generator):
        first = super().train_step(batch, generator)
        self.metrics = dict(second=self.loss_fn(self.model, batch, generator).detach())
        return first

# %% 3 wrong: keep the first and return it
class MyTrainer(Trainer):
    def train_step(self, batch, generator):
        super().train_step(batch, generator)
        second = super().train_step(batch, generator)
        self.metrics = dict(second=second)
        return second

# %% 3 wrong: have the two changed places
class MyTrainer(Trainer):
    def train_step(self, batch, generator):
        first = super().train_step(batch, generator)
        second = super().train_step(batch, generator)
        self.metrics = dict(second=first)
        return second
