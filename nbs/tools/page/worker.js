// The network in a thread of its own, so that the page stays quick. Two of these ask with and without the prompt at the same time.
// First message: {wasm, model}, two ArrayBuffers; later ones: {id, x, logSnr, words, prompt}, answered with {id, output}.
import * as ort from "./ort.js";

ort.env.wasm.numThreads = 1;    // more threads would need headers that a plain server does not send

const session = new Promise((resolve, refuse) => {
  self.addEventListener("message", ({data: {wasm, model}}) => {
    ort.env.wasm.wasmBinary = wasm;
    ort.InferenceSession.create(model, {executionProviders: ["wasm"], graphOptimizationLevel: "all"}).then(resolve, refuse);
  }, {once: true});
});
session.then(() => self.postMessage({ready: true}), error => self.postMessage({error: String(error)}));

self.addEventListener("message", async ({data}) => {
  if (data.id === undefined) return;
  try {
    const wordSize = data.wordSize;
    const {output} = await (await session).run({
      x: new ort.Tensor("float32", data.x, [1, ...data.shape]),
      log_snr: new ort.Tensor("float32", [data.logSnr], [1]),
      words: new ort.Tensor("float32", data.words, [1, data.words.length / wordSize, wordSize]),
      prompt: new ort.Tensor("float32", data.prompt, [1, data.prompt.length]),
    });
    self.postMessage({id: data.id, output: output.data});
  } catch (error) {
    self.postMessage({id: data.id, error: String(error)});
  }
});
