"""The generators that lesson 44 compares: `python nbs/tools/train_variants.py FOLDER [NAME ...]` trains them, 8 minutes each on a core.

Each is added to FOLDER as soon as it is done, so that one can stop and go on with those that are missing.
"""
import sys
from pathlib import Path

from t2v_learn.gan.coherence import VARIANTS, load_variants, save_variants, train_variant


def main(folder, *names):
    done = load_variants(folder) if (Path(folder) / "config.json").is_file() else {}
    for name in names or [name for name in VARIANTS if name not in done]:
        done[name] = train_variant(name)
        save_variants({name: done[name] for name in VARIANTS if name in done}, folder)
        print(f"{name}: saved in {folder}")


if __name__ == "__main__":
    if len(sys.argv) < 2: sys.exit(__doc__)
    main(*sys.argv[1:])
