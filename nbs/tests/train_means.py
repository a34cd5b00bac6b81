"""The generators that lesson 16 compares: `python nbs/tests/train_means.py FOLDER [NAME ...]` trains them, 8 minutes each on a core.

Each is added to FOLDER as soon as it is done, so that one can stop and go on with those that are missing.
"""
import sys
from pathlib import Path

from t2v_learn.gan.coherence import MEANS, load_means, save_means, train_means


def main(folder, *names):
    done = load_means(folder) if (Path(folder) / "config.json").is_file() else {}
    for name in names or [name for name in MEANS if name not in done]:
        done[name] = train_means(name)
        save_means({name: done[name] for name in MEANS if name in done}, folder)
        print(f"{name}: saved in {folder}")


if __name__ == "__main__":
    if len(sys.argv) < 2: sys.exit(__doc__)
    main(*sys.argv[1:])
