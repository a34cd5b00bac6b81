# %% 1 right
def devices_needed(parameters, gigabytes):
    n = 1
    while sum(state_memory(parameters, "bf16", "fsdp", n).values()) > gigabytes * 1e9: n += 1
    return n

# %% 1 right
def devices_needed(parameters, gigabytes):
    return -(-int(16 * parameters) // int(gigabytes * 10**9))

# %% 1 wrong: those hold the weights
def devices_needed(parameters, gigabytes):
    return ceil(2 * parameters / (gigabytes * 1e9))

# %% 1 wrong: 4 of 16 bytes
def devices_needed(parameters, gigabytes):
    return ceil(4 * parameters / (gigabytes * 1e9))

# %% 1 wrong: round up, not down
def devices_needed(parameters, gigabytes):
    return int(16 * parameters / (gigabytes * 1e9))

# %% 1 wrong: do not add one
def devices_needed(parameters, gigabytes):
    return int(16 * parameters / (gigabytes * 1e9)) + 1

# %% 1 wrong: Round up.
def devices_needed(parameters, gigabytes):
    return 16 * parameters / (gigabytes * 1e9)

# %% 2 right
def ulysses_bytes(n_tokens, dim, n_devices):
    share = n_tokens / n_devices * dim / n_devices * 2
    return 4 * share * (n_devices - 1)

# %% 2 right
def ulysses_bytes(n_tokens, dim, n_devices):
    tokens = n_tokens // n_devices
    sent = 0
    for tensor in ("queries", "keys", "values", "results"):
        for other in range(1, n_devices): sent += tokens * (dim // n_devices) * 2
    return sent

# %% 2 wrong: the results come back as well
def ulysses_bytes(n_tokens, dim, n_devices):
    return 3 * 2 * n_tokens * dim // n_devices * (n_devices - 1) // n_devices

# %% 2 wrong: a device has only its own tokens
def ulysses_bytes(n_tokens, dim, n_devices):
    return 4 * 2 * n_tokens * dim * (n_devices - 1) // n_devices

# %% 2 wrong: to its own heads
def ulysses_bytes(n_tokens, dim, n_devices):
    return 4 * 2 * n_tokens * dim // n_devices

# %% 2 wrong: each has 2 bytes
def ulysses_bytes(n_tokens, dim, n_devices):
    return 4 * n_tokens * dim // n_devices * (n_devices - 1) // n_devices

# %% 2 wrong: that is one tensor
def ulysses_bytes(n_tokens, dim, n_devices):
    return 2 * n_tokens * dim // n_devices * (n_devices - 1) // n_devices

# %% 3 right
def achieved_mfu(forward, clips_a_second, n_devices, peak):
    done = clips_a_second * (forward + 2 * forward)
    return done / (n_devices * peak)

# %% 3 right
def achieved_mfu(forward, clips_a_second, n_devices, peak):
    return np.prod([3., forward, clips_a_second, 1 / n_devices, 1 / peak])

# %% 3 wrong: costs two more forward passes
def achieved_mfu(forward, clips_a_second, n_devices, peak):
    return forward * clips_a_second / n_devices / peak

# %% 3 wrong: divide by their number
def achieved_mfu(forward, clips_a_second, n_devices, peak):
    return 3 * forward * clips_a_second / peak

# %% 3 wrong: a share, not a percentage
def achieved_mfu(forward, clips_a_second, n_devices, peak):
    return 300 * forward * clips_a_second / n_devices / peak

# %% 3 wrong: 3 in all
def achieved_mfu(forward, clips_a_second, n_devices, peak):
    return 2 * forward * clips_a_second / n_devices / peak

# %% 3 wrong: upside down
def achieved_mfu(forward, clips_a_second, n_devices, peak):
    return n_devices * peak / (3 * forward * clips_a_second)

# %% 4 right
def lost_clips(archives, readers, batch):
    mine = [archives[r::readers] for r in range(readers)]
    steps = [sum(one) // batch for one in mine]
    seen = batch * readers * sorted(steps)[0]
    return sum(map(sum, mine)) - seen

# %% 4 right
def lost_clips(archives, readers, batch):
    left = np.zeros(readers, int)
    for i, n in enumerate(archives): left[i % readers] += n
    seen = 0
    while (left >= batch).all():
        left -= batch
        seen += batch * readers
    return np.sum(archives) - seen

# %% 4 wrong: may be incomplete
def lost_clips(archives, readers, batch):
    return sum(archives) - readers * min(sum(archives[r::readers]) for r in range(readers))

# %% 4 wrong: all stop with the first
def lost_clips(archives, readers, batch):
    return sum(sum(archives[r::readers]) % batch for r in range(readers))

# %% 4 wrong: whole archives go to a reader
def lost_clips(archives, readers, batch):
    return sum(archives) % (readers * batch)

# %% 4 wrong: dealt in turn, as cards
def lost_clips(archives, readers, batch):
    k = len(archives) // readers
    return sum(archives) - readers * (min(sum(archives[r * k:(r + 1) * k]) for r in range(readers)) // batch) * batch

# %% 4 wrong: that is how many are seen
def lost_clips(archives, readers, batch):
    return readers * batch * min(sum(archives[r::readers]) // batch for r in range(readers))
