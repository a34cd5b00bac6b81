"Other answers to the exercises of lesson 22; see ../exercises.py"

# %% 1 right
def cosine(a, b):
    return (a * b).sum() / ((a ** 2).sum() * (b ** 2).sum()) ** .5

# %% 1 right
def cosine(a, b):
    a, b = a / torch.linalg.vector_norm(a), b / torch.linalg.vector_norm(b)
    return float(sum(x * y for x, y in zip(a.tolist(), b.tolist())))

# %% 1 wrong: cosine_similarity does the work
def cosine(a, b):
    return F.cosine_similarity(a, b, dim=0)

# %% 1 wrong: how many numbers there are
def cosine(a, b):
    dot = 0
    for i in range(len(a)): dot = dot + a[i] * b[i]
    return dot / len(a)

# %% 1 wrong: divide by both lengths
def cosine(a, b):
    return a @ b

# %% 1 wrong: the roots are missing
def cosine(a, b):
    return a @ b / ((a @ a) * (b @ b))

# %% 1 wrong: changes what it is given
def cosine(a, b):
    a /= a.norm()
    b /= b.norm()
    return a @ b

# %% 1 wrong: not by their sum
def cosine(a, b):
    return a @ b / (a.norm() + b.norm())

# %% 1 wrong: products are summed up
def cosine(a, b):
    return a * b / (a.norm() * b.norm())

# %% 1 wrong: direction is wanted
def cosine(a, b):
    return (a - b).norm()

# %% 2 right
def odd_one(vectors, group):
    units = [F.normalize(vectors[word], dim=0) for word in group]
    alike = {word: sum(float(u @ other) for other in units) for word, u in zip(group, units)}
    return min(alike, key=alike.get)

# %% 2 right
def odd_one(vectors, group):
    table = np.stack([np.asarray(vectors[word], dtype=float) for word in group])
    table = table / np.sqrt((table ** 2).sum(1))[:, None]
    middle = table.mean(0)
    return sorted(group, key=lambda word: table[group.index(word)] @ middle)[0]

# %% 2 wrong: largest instead of the smallest
def odd_one(vectors, group):
    units = F.normalize(torch.stack([vectors[word] for word in group]), dim=1)
    return group[(units @ units.mean(0)).argmax()]

# %% 2 wrong: pulled by the long ones
def odd_one(vectors, group):
    table = torch.stack([vectors[word] for word in group])
    return group[F.cosine_similarity(table, table.mean(0), dim=1).argmin()]

# %% 2 wrong: the word is wanted
def odd_one(vectors, group):
    units = F.normalize(torch.stack([vectors[word] for word in group]), dim=1)
    return (units @ units.mean(0)).argmin()

# %% 2 wrong: compare directions
def odd_one(vectors, group):
    table = torch.stack([vectors[word] for word in group])
    return group[(table - table.mean(0)).norm(dim=1).argmax()]

# %% 2 wrong: products grow with the length
def odd_one(vectors, group):
    table = torch.stack([vectors[word] for word in group])
    return group[(table @ table.mean(0)).argmin()]

# %% 3 right
def ppmi(table):
    p = table / table.sum()
    independent = torch.outer(p.sum(1), p.sum(0))
    return torch.where(p > independent, torch.log(p.clamp(min=1e-12) / independent.clamp(min=1e-12)), 0)

# %% 3 right
def ppmi(table):
    x = table.numpy().astype(np.float64)
    with np.errstate(all="ignore"):
        pmi = np.log(x) + np.log(x.sum()) - np.log(x.sum(1))[:, None] - np.log(x.sum(0))
    return np.where(np.isfinite(pmi) & (pmi > 0), pmi, 0)

# %% 3 wrong: its entries are 0
def ppmi(table):
    return (table * table.sum() / (table.sum(1, keepdim=True) * table.sum(0))).log().clamp(min=0)

# %% 3 wrong: log 0 is minus infinity
def ppmi(table):
    return (table * table.sum() / (table.sum(1, keepdim=True) * table.sum(0))).log()

# %% 3 wrong: negative entries are left
def ppmi(table):
    return (table * table.sum() / (table.sum(1, keepdim=True) * table.sum(0))).log().nan_to_num(0, neginf=0)

# %% 3 wrong: whole table is missing
def ppmi(table):
    return (table / (table.sum(1, keepdim=True) * table.sum(0))).log().clamp(min=0).nan_to_num()

# %% 3 wrong: base 2
def ppmi(table):
    return (table * table.sum() / (table.sum(1, keepdim=True) * table.sum(0))).log2().clamp(min=0).nan_to_num()

# %% 3 wrong: *and* column
def ppmi(table):
    return (table * table.sum() / table.sum(1, keepdim=True)).log().clamp(min=0).nan_to_num()

# %% 3 wrong: the logarithm is missing
def ppmi(table):
    return (table * table.sum() / (table.sum(1, keepdim=True) * table.sum(0))).nan_to_num()
