"Other answers to the exercises of lesson 12; see ../exercises.py"

# %% 1 right
def my_ticks(n_frames, fps):
    moments = np.round(np.arange(n_frames + 1) * 100 / fps).astype(int)
    return np.diff(moments)

# %% 1 right
def my_ticks(n_frames, fps):
    lengths, shown = [], 0
    for i in range(1, n_frames + 1):
        lengths.append(round(100 * i / fps) - shown)
        shown += lengths[-1]
    return lengths

# %% 1 wrong: added 480 times
def my_ticks(n_frames, fps):
    return [int(np.floor(100 / fps + .5))] * n_frames if fps < 20 else list(frame_ticks(n_frames, fps))

# %% 1 wrong: added 90 times
def my_ticks(n_frames, fps):
    return [round(100 / fps)] * n_frames

# %% 1 wrong: whole hundredths
def my_ticks(n_frames, fps):
    return [100 / fps] * n_frames

# %% 1 wrong: cut off instead of rounded
def my_ticks(n_frames, fps):
    moments = [int(100 * i / fps) for i in range(n_frames + 1)]
    return [b - a for a, b in zip(moments, moments[1:])]

# %% 1 wrong: a length lies between two moments
def my_ticks(n_frames, fps):
    moments = [round(100 * i / fps) for i in range(n_frames)]
    return [b - a for a, b in zip(moments, moments[1:])]

# %% 1 wrong: all the short ones in one place
def my_ticks(n_frames, fps):
    short = int(100 / fps)
    extra = round(100 * n_frames / fps) - short * n_frames
    return [short + 1] * extra + [short] * (n_frames - extra)

# %% 2 right
def on_screen(durations, t):
    begins = np.cumsum([0, *durations[:-1]])
    return int(np.searchsorted(begins, t, side="right")) - 1

# %% 2 right
def on_screen(durations, t):
    ends, i = durations[0], 0
    while t >= ends and i < len(durations) - 1:
        i += 1
        ends += durations[i]
    return i

# %% 2 wrong: < or <=
def on_screen(durations, t):
    for i, lasts in enumerate(durations):
        if t <= lasts: return i
        t -= lasts
    return len(durations) - 1

# %% 2 wrong: after the end
def on_screen(durations, t):
    for i, lasts in enumerate(durations):
        if t < lasts: return i
        t -= lasts

# %% 2 wrong: add up what was before
def on_screen(durations, t):
    return min(int(t / (sum(durations) / len(durations))), len(durations) - 1)

# %% 2 wrong: do you count from 1
def on_screen(durations, t):
    for i, lasts in enumerate(durations):
        if t < lasts: return i + 1
        t -= lasts
    return len(durations)

# %% 2 wrong: changes the list
def on_screen(durations, t):
    i = 0
    while len(durations) > 1 and t >= durations[0]:
        t -= durations.pop(0)
        i += 1
    return i

# %% 3 right
def png_pieces(data):
    data, names = data[8:], []
    while data:
        size = int.from_bytes(data[:4], "big")
        names.append(str(data[4:8], "ascii"))
        data = data[12 + size:]
    return names

# %% 3 right
def png_pieces(data):
    def walk(pos):
        while pos < len(data):
            yield "".join(map(chr, data[pos + 4:pos + 8]))
            pos += sum(byte << shift for byte, shift in zip(data[pos:pos + 4], (24, 16, 8, 0))) + 12
    return tuple(walk(8))

# %% 3 wrong: Name and checksum are to be passed
def png_pieces(data):
    pos, names = 8, []
    while pos < len(data):
        size, name = struct.unpack_from(">I4s", data, pos)
        names.append(name.decode())
        pos += 8 + size
    return names

# %% 3 wrong: the largest byte
def png_pieces(data):
    pos, names = 8, []
    while pos < len(data):
        size, name = struct.unpack_from("<I4s", data, pos)
        names.append(name.decode())
        pos += 12 + size
    return names

# %% 3 wrong: instead of jumping
def png_pieces(data):
    import re
    return [name.decode() for name in re.findall(b"IHDR|acTL|fcTL|IDAT|fdAT|tEXt|IEND", data)]

# %% 3 wrong: bytes; .decode()
def png_pieces(data):
    pos, names = 8, []
    while pos < len(data):
        size, name = struct.unpack_from(">I4s", data, pos)
        names.append(name)
        pos += 12 + size
    return names

# %% 3 wrong: after the signature
def png_pieces(data):
    pos, names = 0, []
    while pos < len(data):
        size, name = struct.unpack_from(">I4s", data, pos)
        names.append(name.decode("latin-1"))
        pos += 12 + size
    return names

# %% 3 wrong: IEND, is missing
def png_pieces(data):
    pos, names = 8, []
    while True:
        size, name = struct.unpack_from(">I4s", data, pos)
        if size == 0: return names
        names.append(name.decode())
        pos += 12 + size
