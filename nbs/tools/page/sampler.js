// From noise to a clip: lessons 54 to 57 in JavaScript. The network is the only part that is not written here.
// A clip is a Float32Array of c f h w numbers. Each step of the settings has alpha, sigma and logSnr of its time, alphaNext and sigmaNext
// of the next one, and whether guidance is on (guided) and the noise is drawn anew (fresh).

// x0 = c_skip x + c_out output (lesson 54)
function precondition(x, output, step, sigmaData) {
  const variance = sigmaData ** 2 * step.alpha ** 2 + step.sigma ** 2;
  const cSkip = sigmaData ** 2 * step.alpha / variance;
  const cOut = step.sigma / Math.sqrt(variance);
  return x.map((value, i) => cSkip * value + cOut * output[i]);
}

// The network's guess of the clean clip; with guidance two answers and a step beyond the better one (lesson 56)
async function predict(network, x, step, text, settings) {
  const asked = [network(x, step.logSnr, text)];
  if (step.guided) asked.push(network(x, step.logSnr, settings.nothing));
  const outputs = await Promise.all(asked);
  const [prompted, plain] = outputs.map(output => precondition(x, output, step, settings.sigmaData));
  return plain ? plain.map((away, i) => away + settings.guidanceScale * (prompted[i] - away)) : prompted;
}

// The sampler "refresh" (lesson 55): DDIM while the clip is decided, then entirely new noise at each step.
// network(x, logSnr, text): a promise of its output; randn(n): n normal numbers. Yields {x, x0} of each step, and the last x0 is the clip.
export async function* refresh(network, text, randn, settings) {
  const n = settings.shape.reduce((a, b) => a * b);
  let x = randn(n);
  for (const step of settings.steps) {
    const x0 = await predict(network, x, step, text, settings);
    yield {x, x0};
    const noise = step.fresh ? randn(n) : x.map((value, i) => (value - step.alpha * x0[i]) / step.sigma);
    x = x0.map((value, i) => step.alphaNext * value + step.sigmaNext * noise[i]);
  }
}

// From the network's units, c f h w, to bytes, f h w c
export function toBytes(x, settings) {
  const [c, f, h, w] = settings.shape;
  const pixels = f * h * w;
  const bytes = new Uint8Array(n_of(settings));
  for (let k = 0; k < c; k++) {
    for (let p = 0; p < pixels; p++) {
      const value = Math.min(Math.max(x[k * pixels + p] * settings.std + settings.mean, -1), 1);
      bytes[p * c + k] = Math.round((value + 1) * 127.5);
    }
  }
  return bytes;
}

const n_of = settings => settings.shape.reduce((a, b) => a * b);
