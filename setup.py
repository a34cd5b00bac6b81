"Build t2v_learn from settings.ini, which holds its name, version and requirements."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.sdist import sdist

here = Path(__file__).parent
parser = ConfigParser(delimiters=["="])
parser.read(here / "settings.ini", encoding="utf-8")
cfg = parser["DEFAULT"]
lab = cfg["lab_requirements"].split()
play = cfg["play_requirements"].split()
docs = cfg["docs_requirements"].split()


class SdistWithSettings(sdist):
    "A source archive that can build itself: settings.ini travels along"

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, [*files, "settings.ini"])


setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8") if (here / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    author=cfg["author"],
    license="Apache-2.0",
    keywords=cfg["keywords"].split(),
    python_requires=">=" + cfg["min_python"],
    packages=find_packages(include=["t2v_learn", "t2v_learn.*"]),
    package_data={"t2v_learn": ["weights/**/*.safetensors", "weights/**/*.json", "weights/**/*.txt"]},
    install_requires=cfg["requirements"].split(),
    extras_require={"lab": lab, "play": play, "docs": docs, "bench": cfg["bench_requirements"].split(),
                    "dev": lab + play + docs + cfg["dev_requirements"].split()},
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    zip_safe=False,
    cmdclass={"sdist": SdistWithSettings},
)
