# %% 1 right
def worse_ahead(p, q, n):
    total = 0
    for j in range(n + 1):
        total += stats.binom.pmf(j, n, q) * stats.binom.sf(j, n, p)      # the first has more than j
    return total

# %% 1 right
def worse_ahead(p, q, n):
    pmf = [stats.binom.pmf(np.arange(n + 1), n, share) for share in (p, q)]
    difference = np.convolve(pmf[0], pmf[1][::-1])                       # from -n to n
    return float(difference[n + 1:].sum())

# %% 1 wrong: that counts ties, too
def worse_ahead(p, q, n):
    k = np.arange(n + 1)
    return np.tril(stats.binom.pmf(k, n, p)[:, None] * stats.binom.pmf(k, n, q)).sum()

# %% 1 wrong: are p and q swapped
def worse_ahead(p, q, n):
    k = np.arange(n + 1)
    return np.triu(stats.binom.pmf(k, n, p)[:, None] * stats.binom.pmf(k, n, q), 1).sum()

# %% 1 wrong: a normal curve in place
def worse_ahead(p, q, n):
    return stats.norm.sf((q - p) / np.sqrt((p * (1 - p) + q * (1 - q)) / n))

# %% 1 wrong: should return one number
def worse_ahead(p, q, n):
    k = np.arange(n + 1)
    return stats.binom.pmf(k, n, p) * stats.binom.cdf(k - 1, n, q)

# %% 2 right
def by_hand(only_a, only_b):
    n = only_a + only_b
    far = abs(only_a - only_b)
    return sum(math.comb(n, k) for k in range(n + 1) if abs(n - 2 * k) >= far) / 2**n

# %% 2 right
def by_hand(only_a, only_b):
    return stats.binomtest(only_a, only_a + only_b).pvalue

# %% 2 wrong: that is one side only
def by_hand(only_a, only_b):
    n = only_a + only_b
    return sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n

# %% 2 wrong: both tails share the middle
def by_hand(only_a, only_b):
    n = only_a + only_b
    return 2 * sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n

# %% 2 wrong: add what is more uneven
def by_hand(only_a, only_b):
    n = only_a + only_b
    return 2 * math.comb(n, only_a) / 2**n

# %% 2 wrong: ends before 2
def by_hand(only_a, only_b):
    n = only_a + only_b
    return min(1, 2 * sum(math.comb(n, k) for k in range(min(only_a, only_b))) / 2**n)

# %% 2 wrong: the chi-square approximation
def by_hand(only_a, only_b):
    return stats.chi2.sf((only_a - only_b)**2 / (only_a + only_b), 1)

# %% 3 right
def right_when_read(counts):
    read = [row[:-1] for row in counts.tolist()]
    return sum(row[i] for i, row in enumerate(read)) / sum(map(sum, read))

# %% 3 right
def right_when_read(counts):
    counts = np.delete(counts, -1, axis=1)
    return np.diag(counts).sum() / counts.sum()

# %% 3 wrong: leave it out
def right_when_read(counts):
    return np.trace(counts) / counts.sum()

# %% 3 wrong: a mean over rows counts rare rows
def right_when_read(counts):
    return np.mean(np.diag(counts) / counts[:, :-1].sum(1))

# %% 3 wrong: how many are right; divide
def right_when_read(counts):
    return np.trace(counts)

# %% 3 wrong: the share that could be read at all
def right_when_read(counts):
    return counts[:, :-1].sum() / counts.sum()
