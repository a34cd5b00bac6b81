"A learner's hands: the slider of the noise lesson, moved in JupyterLab in a real browser"
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import nbformat
import pytest
from rerun import notebooks, offline, root

SECONDS = 240  # for the server to start and for all cells to run
REDRAW = 20    # for one step of the slider
SLIDER = ".jupyter-widgets.widget-slider .noUi-handle"
PICTURE = ".jupyter-widgets-output-area img, .widget-output img"
# Lab shows "Idle" before a kernel is there, and a run asked for then is lost: wait for the kernel's first answer.
# `run-all-cells` resolves when the last cell is done; the errors among the outputs come back.
RUN_ALL = """([path, seconds]) => {
  const tooLate = new Promise((_, refuse) => setTimeout(() => refuse(new Error(`not done in ${seconds} s`)), 1000 * seconds));
  const runAll = async () => {
    const app = window.jupyterapp;
    await app.restored;
    const panel = await app.commands.execute('docmanager:open', {path});
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    app.shell.activateById(panel.id);
    await app.commands.execute('notebook:run-all-cells');
    const code = [...panel.content.model.cells].filter(cell => cell.type === 'code');
    const outputs = code.flatMap(cell => cell.outputs.toJSON());
    return {ran: code.filter(cell => cell.executionCount).length,
            errors: outputs.filter(out => out.output_type === 'error').map(out => `${out.ename}: ${out.evalue}`)};
  };
  return Promise.race([runAll(), tooLate]);
}"""
SETTINGS = {  # draw every cell, also those out of sight; ask nothing, save nothing
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


def find_browser():
    "An installed Chromium or Chrome; without one the test is skipped, but not on the Linux machines of CI"
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found: return found
    if os.environ.get("CI") == "true" and sys.platform == "linux": pytest.fail("CI must install chromium")
    pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")


def working_copy(stem, folder):
    "The lesson in a folder of its own, without outputs, so that all that is seen comes from this run"
    source = next(p for p in notebooks() if p.stem == stem)
    nb = nbformat.read(source, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "code": cell.outputs, cell.execution_count = [], None
    target = folder / source.relative_to(root)
    target.parent.mkdir(parents=True)
    nbformat.write(nb, target)
    if (root / "data" / "samples").exists(): shutil.copytree(root / "data" / "samples", folder / "data" / "samples")
    return source.relative_to(root).as_posix(), sum(c.cell_type == "code" and bool(c.source.strip()) for c in nb.cells)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def answers(url):
    try: return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError: return False


@contextmanager
def jupyterlab(folder, private):
    "A JupyterLab on `folder` that knows nothing of this machine's settings; yields its address"
    (private / "settings").mkdir(parents=True)
    (private / "settings" / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    port, token = free_port(), secrets.token_hex(16)
    options = {"ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0, "ServerApp.root_dir": folder,
               "IdentityProvider.token": token, "LabApp.expose_app_in_browser": True, "LabApp.app_settings_dir": private / "settings",
               "LabApp.user_settings_dir": private / "user", "LabApp.workspaces_dir": private / "workspaces"}
    env = {**os.environ, **offline, **{f"JUPYTER_{k}_DIR": str(private / k) for k in ("CONFIG", "DATA", "RUNTIME")},
           "IPYTHONDIR": str(private / "ipython")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *(f"--{k}={v}" for k, v in options.items())]
    with open(private / "log", "w") as log: server = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + SECONDS
        while not answers(f"http://127.0.0.1:{port}/api/status?token={token}"):
            assert server.poll() is None and time.monotonic() < deadline, (private / "log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab?token={token}"
    finally:
        server.terminate()
        try: server.wait(20)
        except subprocess.TimeoutExpired: server.kill()


@contextmanager
def browser_page():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1200, "height": 1200})
        page.set_default_timeout(REDRAW * 1000)
        try: yield page
        finally: browser.close()


def picture(page, other_than=None):
    "What the widget shows, once it shows something `other_than` what it showed before"
    page.wait_for_function("([css, old]) => { const i = document.querySelector(css); return i && i.complete && i.src !== old }",
                           arg=[PICTURE, other_than])
    return page.locator(PICTURE).first.get_attribute("src")


def press(page, key):
    "Move the slider by one key; its new value, once it has one"
    slider = page.locator(SLIDER).first
    old = slider.get_attribute("aria-valuenow")
    slider.press(key)
    page.wait_for_function("([css, old]) => document.querySelector(css).getAttribute('aria-valuenow') !== old", arg=[SLIDER, old])
    return float(slider.get_attribute("aria-valuenow"))


@pytest.mark.slow
def test_slider_steps_a_clip_through_its_noising(tmp_path):
    find_browser()
    path, n_cells = working_copy("51_noise", tmp_path / "course")
    with jupyterlab(tmp_path / "course", tmp_path / "private") as url, browser_page() as page:
        page.goto(url, timeout=SECONDS * 1000)
        page.wait_for_function("() => window.jupyterapp", timeout=SECONDS * 1000)
        done = page.evaluate(RUN_ALL, [path, SECONDS])
        assert done == {"ran": n_cells, "errors": []}
        slider = page.locator(SLIDER).first
        start, before = float(slider.get_attribute("aria-valuenow")), picture(page)
        there, back = ("ArrowRight", "ArrowLeft") if start < float(slider.get_attribute("aria-valuemax")) else ("ArrowLeft", "ArrowRight")
        assert press(page, there) != start
        moved = picture(page, other_than=before)
        assert press(page, back) == start
        again = picture(page, other_than=moved)
        assert again == before, "the same slider position shows another picture: the noise must be drawn once"
