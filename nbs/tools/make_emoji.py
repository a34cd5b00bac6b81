"""Make `data/emoji` from the npm packages `@lobehub/fluent-emoji-anim-1` to `-4`: needs `npm` and `pip install emoji==2.16.0`.

    python nbs/tools/make_emoji.py PLACE_FOR_DOWNLOADS
"""
import hashlib
import io
import re
import subprocess
import sys
import tarfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from t2v_learn.core import atomic_path

HOME = Path(__file__).resolve().parents[2] / "data" / "emoji"
PACKAGES = [f"@lobehub/fluent-emoji-anim-{k}" for k in (1, 2, 3, 4)]
LEFT_OUT = {"middle finger"}     # a gesture that does not belong in a class
N_FRAMES = 16
SIZE = 64
QUALITY = 85                     # of AVIF, with whole colours (4:4:4): 43 dB
PER_SHARD = 300                  # clips

TONE = re.compile(r"\b(light|medium-light|medium|medium-dark|dark) skin tone\b")
HAIR = r"(.+) (red|curly|white|blond) hair"
PLAIN = [(r"(.+) bald", r"bald \1"),                         # Unicode's `man: bald` is in plain order a bald man
         (HAIR, r"\1 with \2 hair"),
         (r"(.+) beard", r"\1 with beard"),
         (r"(couple with heart|kiss) (\w+) (\w+)", r"\1, \2 and \3"),
         (r"family (\w+) (\w+)", r"family of \1 and \2"),
         (r"family (\w+) (\w+) (\w+)", r"family of \1, \2 and \3"),
         (r"family (\w+) (\w+) (\w+) (\w+)", r"family of \1, \2, \3 and \4")]


def unicode_names():
    "Code points without the variation selector -> Unicode's short name"
    from emoji import EMOJI_DATA
    return {text.replace("\ufe0f", ""): entry["en"].strip(":").replace("_", " ") for text, entry in EMOJI_DATA.items()}


def plain_name(name):
    "(name in plain order, skin tone or '')"
    tone = TONE.search(name)
    name = " ".join(TONE.sub("", name).replace("’", "'").split())
    for pattern, order in PLAIN:
        if re.fullmatch(pattern, name): name = re.sub(pattern, order, name)
    return name, tone[0] if tone else ""


def share(*words):
    "A number from 0 to 1 that only the words decide"
    return int.from_bytes(hashlib.sha256("|".join(words).encode()).digest()[:8], "big") / 2**64


def choose_split(name, tone, tones):
    "By a hash of name and tone: 5 % of the names, and of a quarter of the names that have several tones one tone"
    if share("held-out name", name) < .05: return "held-out-names"
    if len(tones) > 1 and share("held-out combination", name) < .25:
        if tone == min(tones, key=lambda one: share("held-out tone", name, one)): return "held-out-combinations"
    return "train"


def download(place):
    "All pictures of the packages"
    for package in PACKAGES:
        archive = place / (package[1:].replace("/", "-") + ".tgz")
        if not archive.exists():
            packed = subprocess.run(["npm", "pack", "--silent", f"{package}@1.0.0"], cwd=place, check=True, capture_output=True, text=True)
            (place / packed.stdout.split()[-1]).rename(archive)
        folder = archive.with_suffix("")
        if not folder.exists():
            part = folder.with_suffix(".part")
            with tarfile.open(archive) as tar: tar.extractall(part, filter="data")
            part.rename(folder)
    return sorted(place.glob("*/package/assets/*.webp"), key=lambda file: file.name)


def text_of(file):
    "The emoji that a file is named by; empty where a code is none"
    codes = [int(code, 16) for code in file.stem.split("-")]
    return "".join(chr(code) for code in codes if code != 0xfe0f) if max(codes) < 0x110000 else ""


def read_frames(file):
    "uint8 `f h w c` at even times, on white, and seconds; None of a still picture"
    picture = Image.open(file)
    if getattr(picture, "n_frames", 1) == 1: return None
    shown = []
    ends = []
    for i in range(picture.n_frames):
        picture.seek(i)
        shown.append(picture.convert("RGBA"))                          # decoded here, and only then its duration is known
        ends.append((ends[-1] if ends else 0) + picture.info["duration"])
    frames = []
    for k in range(N_FRAMES):
        i = int(np.searchsorted(ends, (k + .5) / N_FRAMES * ends[-1], side="right"))
        white = Image.new("RGBA", shown[i].size, "white")
        white.alpha_composite(shown[i])
        frames.append(white.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX))
    return frames, ends[-1] / 1000


def encode(file):
    "An AVIF of 16 frames; None of a still picture"
    found = read_frames(file)
    if found is None: return None
    frames, seconds = found
    packed = io.BytesIO()
    frames[0].save(packed, "AVIF", save_all=True, append_images=frames[1:], duration=round(1000 * seconds / N_FRAMES),
                   quality=QUALITY, subsampling="4:4:4", speed=2, max_threads=1)
    return packed.getvalue()


def write_shards(split, clips):
    "Tar files that are the same whenever they are made: each clip and its caption, in the order of a hash"
    clips = sorted(clips, key=lambda clip: share("order", clip[0]))
    paths = []
    for k in range(0, len(clips), PER_SHARD):
        path = HOME / f"emoji-{split}-{k // PER_SHARD:03d}.tar"
        with atomic_path(path) as part, tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
            for key, caption, data in clips[k:k + PER_SHARD]:
                for ending, content in (("avif", data), ("txt", caption.encode())):
                    member = tarfile.TarInfo(f"{key}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        paths.append(path)
    return paths


def main(place):
    names = unicode_names()
    named = [(file, *plain_name(names[text_of(file)])) for file in download(place) if text_of(file) in names]
    with ProcessPoolExecutor() as pool:
        packed = list(tqdm(pool.map(encode, [file for file, _, _ in named], chunksize=16), total=len(named)))
    moving = [(file.stem, name, tone, data) for (file, name, tone), data in zip(named, packed) if data and name not in LEFT_OUT]
    print(f"{len(named):,} pictures with a name; {sum(data is not None for data in packed):,} of them move; {len(moving):,} are kept")

    tones = {}
    for _, name, tone, _ in moving: tones.setdefault(name, set()).update({tone} - {""})
    splits = {}
    for key, name, tone, data in moving:
        caption = f"{name}, {tone}" if tone else name
        splits.setdefault(choose_split(name, tone, tones[name]), []).append((key, caption, data))
    captions = [caption for clips in splits.values() for _, caption, _ in clips]
    words = {word for caption in captions for word in re.findall(r"[\w'-]+", caption.lower())}
    assert len(set(captions)) == len(captions), "each caption belongs to one clip"
    print(f"{len(captions):,} captions, all different, of {len(words)} words; {len(tones)} names")

    HOME.mkdir(parents=True, exist_ok=True)
    for old in HOME.glob("emoji-*.tar"): old.unlink()
    for split, clips in sorted(splits.items()):
        paths = write_shards(split, clips)
        print(f"{split:22s} {len(clips):5,} clips in {len(paths)} shards, {sum(path.stat().st_size for path in paths) / 1e6:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) != 2: sys.exit(__doc__.split("\n\n")[1].strip())
    main(Path(sys.argv[1]))
