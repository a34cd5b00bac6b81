"Packages from npm: names, archives that try to climb out, a cache that works without a network"
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from t2v_learn import npm
from t2v_learn.core import InputError
from t2v_learn.npm import npm_package


def archive(folder, files, name="thing", version="1.0.0"):
    "A .tgz as npm packs it"
    files = {"package/package.json": json.dumps(dict(name=name, version=version)), **files}
    with tarfile.open(folder / "thing.tgz", "w:gz") as packed:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            packed.addfile(member, io.BytesIO(text.encode()))
    return folder / "thing.tgz"


@pytest.fixture
def calls(monkeypatch):
    "Instead of npm: packs the files of `calls.files`, and counts"
    class Calls:
        files, about, n = {"package/a/b.js": "1"}, {}, 0
        def __call__(self, name, version, folder):
            self.n += 1
            return archive(folder, self.files, **self.about)
    calls = Calls()
    monkeypatch.setattr(npm, "_fetch", calls)
    return calls


def test_fetched_once(calls, tmp_path):
    folder = npm_package("thing", "1.0.0", tmp_path / "cache")
    assert (folder / "a" / "b.js").read_text() == "1"
    assert npm_package("thing", "1.0.0", tmp_path / "cache") == folder
    assert calls.n == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["thing-1.0.0"]


def test_a_damaged_package_is_fetched_again(calls, tmp_path):
    folder = npm_package("thing", "1.0.0", tmp_path)
    (folder / "package.json").write_text("{")
    (folder / "left.js").write_text("old")
    assert npm_package("thing", "1.0.0", tmp_path) == folder
    assert calls.n == 2
    assert not (folder / "left.js").exists()


@pytest.mark.parametrize("path", ["package/../../out.js", "../out.js", "/tmp/out.js", "package/a/../../../out.js", "package\\..\\out.js",
                                  "C:/out.js"])
def test_nothing_climbs_out(calls, tmp_path, path):
    calls.files = {path: "bad"}
    with pytest.raises(InputError, match="has no place in a package"): npm_package("thing", "1.0.0", tmp_path / "cache")
    assert [p.name for p in tmp_path.rglob("*")] == ["cache"]


def test_links_are_refused(tmp_path):
    with tarfile.open(tmp_path / "thing.tgz", "w:gz") as packed:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo("package/link")
            member.type = kind
            member.linkname = "/etc/passwd"
            packed.addfile(member)
    (tmp_path / "home").mkdir()
    with pytest.raises(InputError, match="has no place in a package"): npm._unpack(tmp_path / "thing.tgz", tmp_path / "home")
    assert not list((tmp_path / "home").iterdir())


def test_another_package_is_not_kept(calls, tmp_path):
    calls.about = dict(version="1.0.1")
    with pytest.raises(InputError, match="is another package"): npm_package("thing", "1.0.0", tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_npm(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="install Node.js") as error: npm_package("thing", "1.0.0", tmp_path)
    assert str(error.value).count(".") == str(error.value).count("1.0.0") * 2 + str(error.value).count("Node.js") + 1   # one sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stderr, said", [("npm error code ENOTFOUND\nnpm error network", "ENOTFOUND"), ("npm ERR! code E404\n", "E404"),
                                          ("", "exit status 1")])
def test_npm_fails(tmp_path, monkeypatch, stderr, said):
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/npm")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1, "", stderr))
    with pytest.raises(InputError, match=said): npm_package("thing", "1.0.0", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name, version", [("../thing", "1.0.0"), ("--pack", "1.0.0"), ("thing", "latest"), ("thing", "1.0"), ("thing", ""),
                                           ("a/b", "1.0.0"), ("thing@2", "1.0.0"), ("git+ssh://x", "1.0.0")])
def test_wrong_names(calls, tmp_path, name, version):
    with pytest.raises(InputError, match="is no"): npm_package(name, version, tmp_path)
    assert calls.n == 0


def test_a_cache_that_is_a_file(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(InputError, match="choose another folder"): npm_package("thing", "1.0.0", tmp_path / "cache")


def test_the_clone_ignores_its_cache():
    clone = Path(npm.__file__).resolve().parents[1]
    if not (clone / ".git").exists() or shutil.which("git") is None: pytest.skip("not in a git clone")
    assert subprocess.run(["git", "check-ignore", "-q", str(npm._npm_cache() / "thing-1.0.0" / "a.js")], cwd=clone).returncode == 0
