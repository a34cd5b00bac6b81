# %% 1 right
def times_as_long(ours, theirs):
    return np.median(np.array(theirs) / np.array(ours))

# %% 1 right
def times_as_long(ours, theirs):
    ratios = sorted(theirs[i] / ours[i] for i in range(len(ours)))
    n = len(ratios)
    return ratios[n // 2] if n % 2 else (ratios[n // 2 - 1] + ratios[n // 2]) / 2

# %% 1 wrong: theirs by ours
def times_as_long(ours, theirs):
    return median(a / b for a, b in zip(ours, theirs))

# %% 1 wrong: a slow round counts most
def times_as_long(ours, theirs):
    return sum(theirs) / sum(ours)

# %% 1 wrong: divide within each round first
def times_as_long(ours, theirs):
    return median(theirs) / median(ours)

# %% 1 wrong: one round with a hiccup moves it
def times_as_long(ours, theirs):
    return float(np.mean(np.array(theirs) / np.array(ours)))

# %% 1 wrong: the mean of the middle two
def times_as_long(ours, theirs):
    return sorted(b / a for a, b in zip(ours, theirs))[len(ours) // 2]

# %% 2 right
def mfu(flops, seconds, side, product_seconds):
    peak = (side * side * (2 * side)) / product_seconds
    ours = flops / seconds
    return ours / peak

# %% 2 right
def mfu(flops, seconds, side, product_seconds):
    from fractions import Fraction
    return Fraction(flops) * Fraction(product_seconds) / (Fraction(seconds) * 2 * side**3)

# %% 2 wrong: and as many additions
def mfu(flops, seconds, side, product_seconds):
    return flops / seconds / (side**3 / product_seconds)

# %% 2 wrong: your fraction is upside down
def mfu(flops, seconds, side, product_seconds):
    return (2 * side**3 / product_seconds) / (flops / seconds)

# %% 2 wrong: each is a sum of n products
def mfu(flops, seconds, side, product_seconds):
    return flops / seconds / (2 * side**2 / product_seconds)

# %% 2 wrong: where are the seconds
def mfu(flops, seconds, side, product_seconds):
    return flops / (2 * side**3)

# %% 3 right
def slope_without(sizes, seconds, fixed):
    x, y = np.log(sizes), np.log(np.array(seconds) - fixed)
    return np.cov(x, y)[0, 1] / np.var(x, ddof=1)

# %% 3 right
def slope_without(sizes, seconds, fixed):
    left = [s - fixed for s in seconds]
    return np.polyfit(np.log2(sizes), np.log2(left), 1)[0]

# %% 3 wrong: the fixed cost is still in it
def slope_without(sizes, seconds, fixed):
    return loglog_slope(sizes, seconds)

# %% 3 wrong: take logarithms of both
def slope_without(sizes, seconds, fixed):
    return np.polyfit(sizes, seconds - fixed, 1)[0]

# %% 3 wrong: the seconds that were passed in have changed
def slope_without(sizes, seconds, fixed):
    seconds -= fixed
    return loglog_slope(sizes, seconds)

# %% 3 wrong: how fast do seconds grow
def slope_without(sizes, seconds, fixed):
    return loglog_slope(seconds - fixed, sizes)

# %% 3 wrong: where both have one
def slope_without(sizes, seconds, fixed):
    return np.polyfit(sizes, np.log(seconds - fixed), 1)[0]

# %% 4 right
def seeds_needed(mean, s, bar):
    import itertools
    return next(k for k in itertools.count(5) if (mean - bar) * k**.5 / s > stats.t.ppf(.99, k - 1))

# %% 4 right
def seeds_needed(mean, s, bar):
    for k in range(5, 10000):
        scores = np.array([mean + s * ((k - 1) / k * k / 2) ** .5, mean - s * ((k - 1) / k * k / 2) ** .5] + [mean] * (k - 2))
        if stats.ttest_1samp(scores, bar, alternative="greater").pvalue < .01: return k

# %% 4 wrong: an entry has five at least
def seeds_needed(mean, s, bar):
    k = 2
    while stats.t.sf((mean - bar) / (s / math.sqrt(k)), k - 1) >= 0.01: k += 1
    return k

# %% 4 wrong: so it is Student's t
def seeds_needed(mean, s, bar):
    k = 5
    while stats.norm.sf((mean - bar) / (s / math.sqrt(k))) >= 0.01: k += 1
    return k

# %% 4 wrong: two-sided
def seeds_needed(mean, s, bar):
    k = 5
    while 2 * stats.t.sf((mean - bar) / (s / math.sqrt(k)), k - 1) >= 0.01: k += 1
    return k

# %% 4 wrong: k - 1 degrees of freedom
def seeds_needed(mean, s, bar):
    k = 5
    while stats.t.sf((mean - bar) / (s / math.sqrt(k)), k) >= 0.01: k += 1
    return k

# %% 4 wrong: the mean scatters by s / sqrt(k)
def seeds_needed(mean, s, bar):
    k = 5
    while stats.t.sf((mean - bar) / (s / k), k - 1) >= 0.01: k += 1
    return k
