"The page's scripts, run by node"
import json
import os
import shutil
import subprocess
import sys

import pytest

from t2v_learn.page import page_sources


def run_javascript(code, folder, **values):
    """What a module prints as JSON. `code` may import the page's scripts, as in `import {grade} from "./reader.js"`; it finds
    `values` in `given`, and other files in `folder`, where it runs"""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI") == "true" and sys.platform == "linux": pytest.fail("CI must install nodejs")
        pytest.skip("no node on this machine (Debian: apt-get install nodejs)")
    for script in page_sources().glob("*.js"): shutil.copyfile(script, folder / script.name)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "given.json").write_text(json.dumps(values))
    (folder / "run.js").write_text('import {readFileSync} from "node:fs";\nconst given = JSON.parse(readFileSync("given.json"));\n' + code)
    done = subprocess.run([node, "run.js"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
