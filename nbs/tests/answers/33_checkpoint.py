"Other answers to the exercises of lesson 33"

# %% 1 right
def my_newest(names):
    best = -1
    for name in names:
        number = int(name.replace("model-", "").replace(".pt", ""))
        if number > best:
            best = number
            found = name
    return found

# %% 1 right
my_newest = lambda names: sorted(names, key=lambda n: int("".join(filter(str.isdigit, n))))[-1]

# %% 1 wrong: compare words instead of numbers
def my_newest(names):
    return max(names)

# %% 1 wrong: nor does the length
def my_newest(names):
    return max(names, key=lambda name: (len(name), name))

# %% 1 wrong: the last of the list
def my_newest(names):
    return names[-1]

# %% 1 wrong: give back the name
def my_newest(names):
    return max(int(re.search(r"\d+", name)[0]) for name in names)

# %% 1 wrong: the oldest one
def my_newest(names):
    return sorted(names, key=lambda name: int(re.search(r"\d+", name)[0]), reverse=True)[-1]

# %% 1 wrong: changes what it is given
def my_newest(names):
    names.sort(key=lambda name: int(re.search(r"\d+", name)[0]))
    return names.pop()

# %% 2 right
def my_header(path):
    import struct
    with open(path, "rb") as file:
        n, = struct.unpack("<Q", file.read(8))
        table = json.loads(file.read(n).decode("utf-8"))
    table.pop("__metadata__", None)
    return {key: tuple(value["shape"]) for key, value in table.items()}

# %% 2 right
def my_header(path):
    found = {}
    from safetensors.torch import load_file
    for name, tensor in load_file(path).items():
        found[name] = list(tensor.shape)
    return found

# %% 2 wrong: __metadata__ is no tensor
def my_header(path):
    raw = Path(path).read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    return {name: entry.get("shape", []) for name, entry in header.items()}

# %% 2 wrong: these bytes are no text
def my_header(path):
    return json.loads(Path(path).read_bytes()[8:].decode("ascii") + "\xff".encode("latin1").decode("utf-8"))

# %% 2 wrong: what you parse is no JSON
def my_header(path):
    raw = Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    return json.loads(raw[:length])

# %% 2 wrong: lowest byte first
def my_header(path):
    raw = Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "big")
    return json.loads(raw[8:8 + length])

# %% 2 wrong: only its shape is asked for
def my_header(path):
    raw = Path(path).read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    return {name: entry for name, entry in header.items() if name != "__metadata__"}

# %% 2 wrong: return a dictionary
def my_header(path):
    raw = Path(path).read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    return [entry["shape"] for name, entry in header.items() if name != "__metadata__"]

# %% 3 right
def my_rewind(folder, step):
    "Whole folders vanish in one go when they are moved out"
    for path in _step_folders(folder):
        if _step_of(path) > step: shutil.move(path, tempfile.mkdtemp())
    return latest(folder)

# %% 3 right
def my_rewind(folder, step):
    home = Path(folder) / "checkpoints"
    stay = []
    for name in os.listdir(home):
        number = int(name.split("-")[1])
        if number <= step:
            stay.append((number, home / name))
            continue
        os.rename(home / name, home / (".old-" + name))
        shutil.rmtree(home / (".old-" + name), ignore_errors=True)
    return max(stay)[1]

# %% 3 wrong: rename it first
def my_rewind(folder, step):
    for path in _step_folders(folder):
        if _step_of(path) > step: shutil.rmtree(path)
    return latest(folder)

# %% 3 wrong: step 150 itself stays
def my_rewind(folder, step):
    for path in _step_folders(folder):
        if _step_of(path) >= step:
            gone = path.with_name("." + path.name)
            os.replace(path, gone)
            shutil.rmtree(gone)
    return latest(folder)

# %% 3 wrong: compare steps as numbers
def my_rewind(folder, step):
    for path in _step_folders(folder):
        if path.name > f"step-{step:06d}":
            gone = path.with_name("." + path.name)
            os.replace(path, gone)
            shutil.rmtree(gone)
    return latest(folder)

# %% 3 wrong: only the newest is gone
def my_rewind(folder, step):
    newest = latest(folder)
    gone = newest.with_name("." + newest.name)
    os.replace(newest, gone)
    shutil.rmtree(gone)
    return latest(folder)

# %% 3 wrong: the earlier checkpoints must stay
def my_rewind(folder, step):
    for path in _step_folders(folder):
        if _step_of(path) != step:
            gone = path.with_name("." + path.name)
            os.replace(path, gone)
            shutil.rmtree(gone)
    return latest(folder)

# %% 3 wrong: give back the newest checkpoint
def my_rewind(folder, step):
    for path in _step_folders(folder):
        if _step_of(path) > step:
            gone = path.with_name("." + path.name)
            os.replace(path, gone)
            shutil.rmtree(gone)
    return folder
