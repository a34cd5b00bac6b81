"A learner's hands in a real browser: notebooks with widgets run in JupyterLab, their controls are moved; a fresh clone is read, not run"
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
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from rerun import notebooks, offline, root
from runs import files_of, find_browser, has_widget, unlike_stored

SECONDS = 900  # for the server to start and for all cells to run
REDRAW = 30    # for one move
SCREENSHOTS = Path(os.environ.get("T2V_SCREENSHOTS", root / "runs" / "screenshots"))   # kept; git ignores the second
# Lab shows "Idle" before a kernel is there, and a run asked for then is lost: wait for the kernel's first answer.
# `run-all-cells` resolves when the last cell is done; the errors among the outputs come back, and the notebook is saved.
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
    await panel.context.save();
    return {ran: code.filter(cell => cell.executionCount).length,
            errors: outputs.filter(out => out.output_type === 'error').map(out => `${out.ename}: ${out.evalue}`)};
  };
  return Promise.race([runAll(), tooLate]);
}"""
READ = """async (path) => {                                  // opened as a reader opens it: nothing is run
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', {path});
  window.opened = panel;
  await panel.context.ready;
  app.shell.activateById(panel.id);
  await panel.revealed;
  const cells = [...panel.content.model.cells].filter(cell => cell.type === 'code');
  const stored = cells.flatMap(cell => cell.outputs.toJSON()).filter(out => out.data && out.data['image/png']).length;
  const seen = () => [...panel.node.querySelectorAll('.jp-OutputArea-output img')];
  const done = img => img.complete && img.naturalWidth > 0 && img.offsetWidth > 0;
  for (let i = 0; i < 200 && !(seen().length >= stored && seen().every(done)); i++) await new Promise(go => setTimeout(go, 50));
  const videos = [...panel.node.querySelectorAll('video')];
  const widget = [...panel.content.model.cells].findIndex(cell => cell.type === 'code' && cell.outputs.toJSON().some(out =>
      out.data && out.data['application/vnd.jupyter.widget-view+json']));
  for (let i = 0; widget >= 0 && i < 3; i++) {                // pages grow while they are drawn
    panel.content.widgets[widget].node.scrollIntoView();
    await new Promise(go => setTimeout(go, 200));
  }
  const answer = {stored, shown: seen().length, broken: seen().filter(img => !done(img)).map(img => img.alt || img.src.slice(0, 60)),
                  still: videos.filter(video => video.readyState < 2 || !video.videoWidth).length,
                  complaints: [...panel.node.querySelectorAll('.jp-OutputArea-output')].map(out => out.innerText)
                                .filter(text => /Error (displaying|creating) widget|Loading widget/.test(text))};
  return answer;
}"""
CLOSE = """async () => {
  const panel = window.opened;               // not what has the focus, which may be nothing yet
  panel.context.model.dirty = false;
  await panel.sessionContext.shutdown();
  panel.close();
}"""
AREA = ".jp-OutputArea-output:has(.widget-vbox)"            # the output that one widget fills
CONTROLS = {"slider": ".noUi-handle", "menu": "select", "text": "input[type=text]", "number": "input[type=number]",
            "checkbox": "input[type=checkbox]", "tab": ".lm-TabBar-tab", "button": "button.jupyter-button"}
SHOWN = """async area => {                                     // what a widget shows: the bytes of its pictures, and its words
  const pictures = [...area.querySelectorAll('img')].filter(img => img.offsetParent);
  const hash = async img => {
    await img.decode();
    const bytes = await (await fetch(img.src)).arrayBuffer();
    return [...new Uint8Array(await crypto.subtle.digest('SHA-1', bytes))].join('.');
  };
  const words = [...area.querySelectorAll('.widget-html')].map(e => e.innerText).join('|');
  return {pictures: await Promise.all(pictures.map(hash)), words};
}"""
MISPLACED = """([area, css]) => {                              // controls that are cut off or cover each other
  const controls = [...area.querySelectorAll(css)].map(e => e.closest('.widget-inline-hbox, .widget-button') || e);
  const boxes = controls.map(e => e.getBoundingClientRect());
  const around = area.getBoundingClientRect();
  const name = i => controls[i].innerText || controls[i].className;
  const whole = b => b.left >= around.left - 1 && b.right <= around.right + 1 && b.width >= 20 && b.height >= 10;
  const cut = controls.flatMap((_, i) => whole(boxes[i]) ? [] : [name(i)]);
  for (const e of area.querySelectorAll('.widget-readout, .widget-label')) if (e.scrollWidth > e.clientWidth + 1) cut.push(e.innerText);
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  const covered = boxes.flatMap((a, i) => boxes.slice(i + 1).flatMap((b, j) =>
      controls[i] === controls[i + 1 + j] || apart(a, b) ? [] : [`${name(i)} and ${name(i + 1 + j)}`]));
  const wide = [...area.querySelectorAll('img')].filter(i => i.getBoundingClientRect().right > around.right + 1).length;
  return {cut, covered, wide};
}"""
SETTINGS = {  # draw every cell, also those out of sight; ask nothing, save nothing
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "kernelShutdown": True},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


def without_outputs(source, folder):
    "In the copy of the course, so that all that is seen comes from this run: its path there, and how many of its cells run"
    nb = nbformat.read(source, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "code": cell.outputs, cell.execution_count = [], None
    nbformat.write(nb, folder / source.relative_to(root))
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
    own = {f"JUPYTER_{k}_DIR": str(private / k) for k in ("CONFIG", "DATA", "RUNTIME")} | {"IPYTHONDIR": str(private / "ipython")}
    env = {**os.environ, **offline, **own, "T2V_PROGRESS": os.devnull}     # nobody has solved anything
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *(f"--{k}={v}" for k, v in options.items())]
    with open(private / "log", "w") as log: server = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + SECONDS
        while not answers(f"http://127.0.0.1:{port}/api/status?token={token}"):
            assert server.poll() is None and time.monotonic() < deadline, (private / "log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab?reset&token={token}"     # reset: nothing is open that was open before
    finally:
        server.terminate()
        try: server.wait(20)
        except subprocess.TimeoutExpired: server.kill()


@dataclass
class Lab:
    "JupyterLab on a copy of the course, and a browser"
    folder: Path
    url: str
    browser: object

    @contextmanager
    def page(self):
        "A page of JupyterLab with nothing open; the kernels that were started in it end with it"
        page = self.browser.new_page(viewport={"width": 1200, "height": 1200})
        page.set_default_timeout(REDRAW * 1000)
        page.mistakes = []
        page.on("pageerror", lambda error: page.mistakes.append(str(error)))
        try:
            page.goto(self.url, timeout=SECONDS * 1000)
            page.wait_for_function("() => window.jupyterapp", timeout=SECONDS * 1000)
            yield page
        finally:
            page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
            page.context.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    "One for all tests of a process: it takes as long to start as a short notebook to run"
    browser = find_browser()
    from playwright.sync_api import sync_playwright
    folder, private = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("private")
    shutil.copytree(root / "nbs", folder / "nbs", ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    for name in ("samples", "emoji"): shutil.copytree(root / "data" / name, folder / "data" / name)
    with jupyterlab(folder, private) as url, sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        try: yield Lab(folder, url, started)
        finally: started.close()


def screenshot(page, name):
    "Kept, for the eyes of people"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def shown(area):
    "What a widget shows; asked again while a picture is being replaced"
    deadline = time.monotonic() + REDRAW
    while True:
        try: return area.evaluate(SHOWN)
        except Exception:
            if time.monotonic() > deadline: raise
            time.sleep(0.02)


def differs(one, other):
    "The picture is another one; a widget that shows no picture shows other words"
    return one["pictures"] != other["pictures"] if one["pictures"] or other["pictures"] else one["words"] != other["words"]


def wait_until(area, wanted, what):
    deadline = time.monotonic() + REDRAW
    while not wanted(now := shown(area)):
        assert time.monotonic() < deadline, f"{what}: {area.inner_text()!r}"
        time.sleep(0.02)
    return now


def no_error(area, what):
    said = area.locator("[role=alert]").all_inner_texts()
    assert not said, f"{what}: {said}"


class Control:
    "One control of a widget, moved by keys"
    def __init__(self, area, kind, number):
        self.area, self.kind, self.element = area, kind, area.locator(CONTROLS[kind]).nth(number)

    def state(self):
        element = self.element
        if self.kind == "slider": return element.get_attribute("aria-valuenow"), element.get_attribute("aria-valuetext")
        if self.kind == "checkbox": return element.is_checked()
        if self.kind == "tab": return element.get_attribute("aria-selected")
        return element.input_value() if self.kind != "button" else None

    def keys(self):
        "A key that moves it, and one that moves it back"
        if self.kind == "slider":
            at_end = float(self.element.get_attribute("aria-valuenow")) >= float(self.element.get_attribute("aria-valuemax"))
            return ("ArrowLeft", "ArrowRight") if at_end else ("ArrowRight", "ArrowLeft")
        if self.kind == "menu":
            at_end = self.element.evaluate("e => e.selectedIndex === e.options.length - 1")
            return ("ArrowUp", "ArrowDown") if at_end else ("ArrowDown", "ArrowUp")
        return {"text": ("s", "Backspace"), "number": ("ArrowUp", "ArrowDown"), "checkbox": ("Space", "Space"),
                "tab": ("ArrowRight", "ArrowLeft"), "button": ("Enter", None)}[self.kind]

    def press(self, key):
        before = self.state()
        self.element.focus()
        if self.kind == "text": self.element.press("End")
        self.element.press(key)
        if self.kind != "button": assert self.state() != before or self.kind == "slider", f"{key} does not move it"
        return before


def controls_of(area):
    return [Control(area, kind, i) for kind, css in CONTROLS.items() for i in range(area.locator(css).count())]


def move_there_and_back(control, name):
    "The picture follows each move, and the same place shows the same picture"
    before = shown(control.area)
    there, back = control.keys()
    control.press(there)
    moved = wait_until(control.area, lambda now: differs(now, before), f"{name}, {there}: the picture did not change")
    no_error(control.area, f"{name}, {there}")
    control.press(back)
    wait_until(control.area, lambda now: differs(now, moved), f"{name}, {back}: the picture did not change")
    again = wait_until(control.area, lambda now: not differs(now, before), f"{name}: the same place shows another picture")
    no_error(control.area, f"{name}, {back}")
    return again


def press_buttons(area, others, name):
    "A widget with buttons does nothing until one is pressed: after each move of another control, and for those that only work meanwhile"
    buttons = [Control(area, "button", i) for i in range(area.locator(CONTROLS["button"]).count())]
    first, *later = [b for b in buttons if b.element.is_enabled()]
    assert not later, "which of several buttons does it?"
    def finish(before, what):
        wait_until(area, lambda now: differs(now, before) and first.element.is_enabled(), f"{name}, {what}: nothing came of it")
        no_error(area, f"{name}, {what}")
    for control in others:
        before = shown(area)
        control.press(control.keys()[0])
        first.press("Enter")
        finish(before, f"{control.kind}, then the button")
    for button in buttons:
        if button.element.is_enabled(): continue
        first.press("Enter")
        button.element.and_(area.page.locator(":enabled")).wait_for()
        button.press("Enter")
        wait_until(area, lambda now: "stopped" in now["words"] and first.element.is_enabled(), f"{name}, stop")
        no_error(area, f"{name}, stop")


def missed_by_tab(page, area):
    "Which of the enabled controls do not get the focus, when Tab is pressed again and again from the first one"
    kinds = area.evaluate("""(area, css) => {
      const controls = [...area.querySelectorAll(css)].filter(e => !e.disabled);
      controls.forEach((e, i) => e.dataset.control = i);
      controls[0].focus();
      return controls.map(e => e.className || e.type);
    }""", ", ".join(CONTROLS.values()))
    found = set()
    for _ in range(4 * len(kinds)):
        found.add(page.evaluate("() => document.activeElement.dataset.control"))
        page.keyboard.press("Tab")
    return [kind for i, kind in enumerate(kinds) if str(i) not in found]


def check_widget(page, area, name):
    "All that is asked of a widget; how many controls were moved"
    area.scroll_into_view_if_needed()
    no_error(area, name)
    controls = controls_of(area)
    assert controls, f"{name} has no controls"
    missed = missed_by_tab(page, area)
    assert not missed, f"{name}: Tab does not reach {missed}"
    others = [control for control in controls if control.kind != "button"]
    if len(others) < len(controls): press_buttons(area, others, name)
    else:
        for i, control in enumerate(others): move_there_and_back(control, f"{name}, control {i} ({control.kind})")
    return len(controls)


def check_layout(page, area, name):
    found = area.evaluate("(area, css) => (" + MISPLACED + ")([area, css])", ", ".join(CONTROLS.values()))
    assert found == {"cut": [], "covered": [], "wide": 0}, f"{name}: {found}"


def zoom(page, factor, width=1200, height=1200):
    "What the browser's own zoom does to a page: it has fewer, larger CSS pixels"
    page.set_viewport_size({"width": int(width / factor), "height": int(height / factor)})
    page.wait_for_timeout(500)


def test_a_widget_is_found_where_one_is_stored():
    assert {"explore", "13_show", "51_noise"} <= {path.stem for path in notebooks() if has_widget(path)}


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("source", [pytest.param(path, id=path.stem) for path in notebooks() if has_widget(path)])
def test_it_runs_and_every_control_moves_the_picture(source, lab, record_property):
    path, n_cells = without_outputs(source, lab.folder)
    files = files_of(lab.folder)
    start = time.monotonic()
    with lab.page() as page:
        done = page.evaluate(RUN_ALL, [path, SECONDS])
        assert done == {"ran": n_cells, "errors": []}
        differ = unlike_stored(nbformat.read(lab.folder / path, as_version=4), nbformat.read(source, as_version=4))
        assert not differ, f"stored outputs are not those of a run, in cells {differ}: python nbs/tools/rerun.py {path}"
        ran = time.monotonic() - start
        areas = page.locator(AREA)
        areas.first.wait_for()
        moved = 0
        for i in range(areas.count()):
            name = f"{source.stem}, widget {i}"
            try: moved += check_widget(page, areas.nth(i), name)
            finally: screenshot(page, f"{source.stem}-{i}")
        for factor in (1, 1.25):
            zoom(page, factor)
            for i in range(areas.count()):
                areas.nth(i).scroll_into_view_if_needed()
                if factor != 1: screenshot(page, f"{source.stem}-{i}-zoom")
                check_layout(page, areas.nth(i), f"{source.stem}, widget {i} at {factor:.0%}")
        assert not page.mistakes, page.mistakes
        record_property("cells run", n_cells)
        record_property("widgets", areas.count())
        record_property("controls moved", moved)
        record_property("seconds", f"{ran:.0f} to run, {time.monotonic() - start:.0f} in all")
        record_property("screenshots", str(SCREENSHOTS))
    left = files_of(lab.folder) - files
    assert not left, f"{source.name} leaves files behind: {sorted(p.name for p in left)}"


@pytest.mark.lab
@pytest.mark.slow
def test_a_fresh_clone_is_read_without_running(lab, record_property):
    if not (root / ".git").exists() or not shutil.which("git"): pytest.skip("not a git checkout, so it cannot be cloned")
    tracked = subprocess.run(["git", "ls-files", "nbs"], cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in tracked:
        if name.endswith(".ipynb") and (root / name).exists():
            (lab.folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, lab.folder / "clone" / name)
    start = time.monotonic()
    seen = 0
    with lab.page() as page:
        for source in notebooks():
            path = source.relative_to(root).as_posix()
            if path not in tracked: continue
            found = page.evaluate(READ, f"clone/{path}")
            assert found["shown"] >= found["stored"] and not (found["broken"] or found["still"] or found["complaints"]), (path, found)
            seen += found["shown"]
            if has_widget(source): screenshot(page, f"{source.stem}-unrun")
            page.evaluate(CLOSE)
    assert seen > 300
    record_property("pictures and clips decoded", seen)
    record_property("seconds", f"{time.monotonic() - start:.0f}")
