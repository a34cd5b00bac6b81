// The files of the model, and workers that run it.

// All of a file, with its progress as a share; what is packed with gzip is unpacked
export async function fetchFile(address, onProgress = () => {}) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the server has no ${address} (${answer.status})`);
  const total = Number(answer.headers.get("Content-Length"));
  const pieces = [];
  let done = 0;
  for (const reader = answer.body.getReader(); ;) {
    const {done: ended, value} = await reader.read();
    if (ended) break;
    pieces.push(value);
    done += value.length;
    if (total) onProgress(Math.min(done / total, 1));
  }
  onProgress(1);
  const whole = new Blob(pieces);
  const [first, second] = new Uint8Array(await whole.slice(0, 2).arrayBuffer());
  if (first !== 0x1f || second !== 0x8b) return whole.arrayBuffer();
  return new Response(whole.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function startWorker(wasm, model) {
  const worker = new Worker("worker.js", {type: "module"});
  const waiting = new Map();
  let next = 0;
  let fail;
  const ready = new Promise((resolve, refuse) => {
    fail = refuse;
    worker.addEventListener("message", ({data}) => {
      if (data.ready) resolve();
      else if (data.id === undefined) refuse(new Error(data.error));
      else {
        const {resolve: answer, refuse: decline} = waiting.get(data.id);
        waiting.delete(data.id);
        if (data.error) decline(new Error(data.error));
        else answer(data.output);
      }
    });
  });
  worker.addEventListener("error", event => {
    const error = new Error(event.message || "the worker did not start");
    fail(error);
    for (const {refuse} of waiting.values()) refuse(error);
  });
  worker.postMessage({wasm, model});
  const ask = message => new Promise((resolve, refuse) => {
    waiting.set(next, {resolve, refuse});
    worker.postMessage({...message, id: next++});
  });
  return {ready, ask, busy: () => waiting.size};
}

// network(x, logSnr, text): a promise of the output; calls made together run side by side, in as many workers as there are (1 or 2)
export async function startNetwork(wasm, model, settings, nWorkers) {
  const workers = Array.from({length: nWorkers}, () => startWorker(wasm, model));
  await Promise.all(workers.map(worker => worker.ready));
  return (x, logSnr, text) => {
    const idlest = workers.reduce((best, worker) => worker.busy() < best.busy() ? worker : best);
    return idlest.ask({x, logSnr, words: text.words, prompt: text.prompt, shape: settings.shape, wordSize: settings.wordSize});
  };
}
