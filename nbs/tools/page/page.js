// The page: what is asked for, the steps as they come, the verdict and the score.
import {fetchFile, startNetwork} from "./network.js";
import {seededNoise} from "./noise.js";
import {makePrompts, readFeatures} from "./prompts.js";
import {grade} from "./reader.js";
import {refresh, toBytes} from "./sampler.js";

const at = id => document.getElementById(id);
const TITLES = {color: "Colour", shape: "Shape", motion: "Motion", template: "Wording"};
const PARTS = ["color", "shape", "motion"];
const KINDS = {seen: "as in training", unseen: "unseen combination", untrained: "a word it never read"};

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// --- pictures

function drawFrames(canvas, frames, first, n, settings) {
  const [c, , h, w] = settings.shape;
  canvas.width = n * w;
  canvas.height = h;
  const context = canvas.getContext("2d");
  for (let k = 0; k < n; k++) {
    const picture = context.createImageData(w, h);
    for (let p = 0; p < h * w; p++) {
      for (let channel = 0; channel < 3; channel++) picture.data[4 * p + channel] = frames[((first + k) * h * w + p) * c + channel];
      picture.data[4 * p + 3] = 255;
    }
    context.putImageData(picture, k * w, 0);
  }
}

// The two moving pictures and the strip; they show one step at a time
function makeScreen(settings) {
  const nFrames = settings.shape[1];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let path = [];
  let chosen = 0;
  let frame = 0;
  let paused = still;

  function draw() {
    if (!path.length) return;
    drawFrames(at("noisy"), path[chosen].x, frame, 1, settings);
    drawFrames(at("guess"), path[chosen].x0, frame, 1, settings);
  }
  function choose(index) {
    chosen = index;
    const n = settings.steps.length;
    const level = settings.steps[index].logSnr;
    at("step").value = index + 1;
    at("step").setAttribute("aria-valuetext", `step ${index + 1} of ${n}`);
    at("step-name").textContent = `${index + 1} of ${n}, log-SNR ${level.toFixed(0)}`;
    drawFrames(at("strip"), path[index].x0, 0, nFrames, settings);
    at("noisy").setAttribute("aria-label", `The noisy clip that step ${index + 1} is given`);
    at("guess").setAttribute("aria-label", `The guess of the clean clip at step ${index + 1}`);
    at("strip").setAttribute("aria-label", `The ${nFrames} frames of the guess at step ${index + 1}`);
    draw();
  }
  function setPaused(value) {
    paused = value;
    at("pause").textContent = paused ? "Play" : "Pause";
  }
  setPaused(paused);
  at("pause").addEventListener("click", () => setPaused(!paused));
  at("step").addEventListener("input", () => choose(at("step").valueAsNumber - 1));
  setInterval(() => {
    if (paused) return;
    frame = (frame + 1) % nFrames;
    draw();
  }, 1000 / settings.fps);

  return {
    clear() {
      path = [];
      frame = 0;
      at("step").disabled = at("pause").disabled = true;
    },
    add(x, x0) {
      path.push({x, x0});
      at("step").max = path.length;
      at("step").disabled = at("pause").disabled = false;
      choose(path.length - 1);
    },
  };
}

// --- the prompt, typed or put together

function makeChoices(page, prompts, onChange) {
  const groups = {
    ...Object.fromEntries(PARTS.map(part => [part, page.world[`${part}s`].map(value => [value, value])])),
    template: page.wordings.map((wording, index) => [wording, index]),
  };
  for (const [part, options] of Object.entries(groups)) {
    const group = element("fieldset", {}, element("legend", {textContent: TITLES[part]}));
    for (const [name, value] of options) {
      const input = element("input", {type: "radio", name: part, value: String(value)});
      const label = element("span", {}, name);
      if (part === "color") {
        const swatch = element("span", {className: "swatch"});
        swatch.style.background = `rgb(${page.world.palette[value].map(share => Math.round(share * 255)).join(" ")})`;
        label.prepend(swatch);
      }
      input.addEventListener("change", onChange);
      group.append(element("label", {className: "choice"}, input, label), " ");
    }
    at("choices").append(group);
  }
  const boxes = part => [...document.getElementsByName(part)];
  return {
    show(entry) {
      for (const part of [...PARTS, "template"]) {
        for (const box of boxes(part)) box.checked = box.value === String(entry[part]);
      }
    },
    entry() {
      const value = part => (boxes(part).find(box => box.checked) ?? boxes(part)[0]).value;
      const wanted = Object.fromEntries(PARTS.map(part => [part, value(part)]));
      return prompts.find({...wanted, template: Number(value("template")), untrained: ""});
    },
  };
}

function describe(entry) {
  if (entry.isHeldOut) return "Training never showed this combination.";
  if (entry.untrained) return `Training never read “${entry.untrained}”.`;
  return "A combination and words of training.";
}

// --- verdict and score

function showVerdict(entry, result) {
  const {reading} = result;
  const heading = result.joint ? "All as asked" : reading.scene ? "Not as asked" : "Refused";
  const items = PARTS.map(part => {
    const read = reading.attributes[part] ?? "nothing of this world";
    const verdict = result[part] ? "as asked" : `asked for: ${entry[part]}`;
    return element("li", {className: result[part] ? "right" : "wrong"}, `${result[part] ? "✓" : "✗"} ${TITLES[part].toLowerCase()}: ${read}, ${verdict}`);
  });
  const why = reading.reason ? [element("p", {}, `Why it is no scene of this world: ${reading.reason}.`)] : [];
  at("verdict").replaceChildren(element("p", {className: `verdict ${result.joint ? "right" : "wrong"}`}, heading), element("ul", {}, ...items), ...why);
}

function makeScore() {
  const counts = Object.fromEntries(Object.keys(KINDS).map(kind => [kind, {clips: 0, right: 0}]));
  function draw() {
    at("score").replaceChildren(...Object.entries(KINDS).map(([kind, name]) => element("tr", {},
      element("th", {scope: "row", textContent: name}), element("td", {textContent: counts[kind].clips}),
      element("td", {textContent: counts[kind].right}))));
  }
  draw();
  return (entry, result) => {
    const kind = entry.untrained ? "untrained" : entry.isHeldOut ? "unseen" : "seen";
    counts[kind].clips++;
    counts[kind].right += result.joint;
    draw();
  };
}

// --- what can be asked of the page, by buttons and by tests

async function load() {
  const page = JSON.parse(new TextDecoder().decode(await fetchFile("page.json")));
  const settings = page.settings;
  const share = {"ort-wasm.gz": 0, "model.onnx": 0, "text.bin": 0};
  const watch = name => value => {
    share[name] = value;
    at("progress").value = Object.values(share).reduce((a, b) => a + b) / 3;
  };
  const [wasm, model, text] = await Promise.all(Object.keys(share).map(name => fetchFile(name, watch(name))));
  at("status").textContent = "The model is being made ready …";
  const network = await startNetwork(wasm, model, settings, Math.min(2, navigator.hardwareConcurrency || 1));
  const prompts = makePrompts(page);
  const [nothing, ...features] = readFeatures(text, [1, ...prompts.entries.filter(entry => !entry.untrained).map(entry => entry.pieces)], settings);
  settings.nothing = nothing;
  let more;                                                 // a promise: of prompts with a word that training never read
  function fetchMore() {
    const pieces = prompts.entries.slice(features.length).map(entry => entry.pieces);
    more ??= fetchFile("text-untrained.bin").then(buffer => readFeatures(buffer, pieces, settings)).catch(error => {
      more = undefined;                                     // and tried again when one is asked for
      throw error;
    });
    return more;
  }
  async function featuresOf(entry) {
    if (entry.index < features.length) return features[entry.index];
    return (await fetchMore())[entry.index - features.length];
  }
  const world = {shapes: page.world.shapes, colors: page.world.palette, directions: page.world.directions,
                 nFrames: settings.shape[1], canvas: settings.shape[2]};
  return {
    page, settings, prompts,
    complete: fetchMore().catch(() => {}),                  // then nothing more is fetched
    // The clip as bytes, f h w c. onStep gets {x, x0} of each step as bytes and says false to stop; then null comes back
    async generate(entry, randn, onStep = () => true) {
      const features = await featuresOf(entry);
      let clip = null;
      for await (const {x, x0} of refresh(network, features, randn, settings)) {
        clip = toBytes(x0, settings);
        if (onStep({x: toBytes(x, settings), x0: clip}) === false) return null;
      }
      return clip;
    },
    grade: (frames, entry) => grade(frames, entry, world, page.tolerances),
  };
}

function connect(model) {
  const {page, prompts, settings} = model;
  const screen = makeScreen(settings);
  const addToScore = makeScore();
  let running = false;
  let stopped = false;

  const choices = makeChoices(page, prompts, () => take(choices.entry()));
  at("captions").append(...prompts.entries.filter(entry => !entry.untrained).map(entry => element("option", {value: entry.text})));

  function take(entry) {
    at("prompt").value = entry.text;
    understand();
  }
  function understand() {
    const {entry, error, suggestion} = prompts.read(at("prompt").value);
    at("about-prompt").textContent = entry ? describe(entry) : error;
    at("about-prompt").classList.toggle("wrong", !entry);
    at("suggestion").hidden = Boolean(entry) || !suggestion;
    if (!at("suggestion").hidden) at("suggestion").textContent = `Take “${suggestion.text}”`;
    at("suggestion").onclick = () => {
      take(suggestion);
      at("prompt").focus();
    };
    if (entry) choices.show(entry);
    return entry;
  }
  function seed() {
    const value = at("seed").valueAsNumber;
    return Number.isInteger(value) && value >= 0 && value <= 4294967295 ? value : null;
  }
  function setRunning(value) {
    running = value;
    at("generate").disabled = value;
    at("stop").disabled = !value;
    if (value) at("progress").value = 0;
  }
  const anyOf = entries => entries[Math.floor(Math.random() * entries.length)];

  async function generate() {
    const entry = understand();
    if (running) return;
    if (!entry) return at("prompt").focus();
    if (seed() === null) {
      at("status").textContent = "The seed must be a whole number from 0 to 4294967295.";
      return at("seed").focus();
    }
    stopped = false;
    setRunning(true);
    screen.clear();
    const n = settings.steps.length;
    const began = performance.now();
    at("asked").textContent = `${entry.text} (seed ${seed()})`;
    if (entry.isHeldOut || entry.untrained) at("asked").append(" ", element("span", {className: "mark"}, entry.untrained ? KINDS.untrained : KINDS.unseen));
    at("status").textContent = "The noise goes …";
    at("verdict").replaceChildren(element("p", {}, "The reader waits for the last step."));
    let done = 0;
    try {
      const clip = await model.generate(entry, seededNoise(seed()), ({x, x0}) => {
        screen.add(x, x0);
        at("progress").value = ++done / n;
        return !stopped;
      });
      if (!clip || stopped) {
        at("status").textContent = `Stopped after step ${done} of ${n}.`;
        at("verdict").replaceChildren(element("p", {}, "No verdict: the clip is not finished."));
        return;
      }
      at("status").textContent = `Done in ${((performance.now() - began) / 1000).toFixed(1)} s.`;
      const result = model.grade(clip, entry);
      showVerdict(entry, result);
      addToScore(entry, result);
    } catch (error) {
      at("status").textContent = `That did not work: ${error.message}. Reload the page.`;
    } finally {
      setRunning(false);
    }
  }

  at("form").addEventListener("submit", event => {
    event.preventDefault();
    generate();
  });
  at("stop").addEventListener("click", () => { stopped = true; });
  at("prompt").addEventListener("input", understand);
  at("other-seed").addEventListener("click", () => { at("seed").value = Math.floor(Math.random() * 1_000_000); });
  at("unseen").addEventListener("click", () => take(anyOf(prompts.heldOut)));
  at("untrained").addEventListener("click", () => take(anyOf(prompts.untrained)));
  take(prompts.find({template: 0, color: "red", shape: "circle", motion: "right", untrained: ""}));
  at("step").max = 1;
}

at("status").textContent = "The model is being fetched …";
window.model = load();
window.model.then(model => {
  connect(model);
  at("about-model").textContent = model.page.about;
  if (model.page.home) at("home").append(element("a", {href: model.page.home}, "Back to the course"));
  at("progress").value = 0;
  at("status").textContent = "Ready.";
  at("generate").disabled = false;
}, error => {
  at("status").textContent = `The model could not be loaded: ${error.message}. Reload the page, or try another browser.`;
});
