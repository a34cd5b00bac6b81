"""The oldest versions that settings.ini allows, as constraints for pip: python nbs/tools/lower_bounds.py > oldest.txt

In a fresh environment, `pip install -c oldest.txt -e ".[dev]" && pytest -m "not slow"` then says whether they still work.
"""
from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement

root = Path(__file__).resolve().parents[2]


def oldest(text):
    "`torch>=2.9,<2.14` as `torch==2.9`; None for a requirement without a lower bound"
    requirement = Requirement(text)
    found = [part.version for part in requirement.specifier if part.operator in (">=", "==")]
    return f"{requirement.name}=={found[0]}" if found else None


if __name__ == "__main__":
    parser = ConfigParser(delimiters=["="])
    parser.read(root / "settings.ini", encoding="utf-8")
    settings = parser["DEFAULT"]
    groups = ("requirements", "lab_requirements", "play_requirements", "docs_requirements", "dev_requirements")
    texts = " ".join(settings[name] for name in groups).split()
    print("\n".join(filter(None, map(oldest, texts))))
