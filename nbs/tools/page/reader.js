// What a clip of the tiny world shows: lesson 15 (t2v_learn.video.verify) in JavaScript, step by step and with the same answers.
// frames: Uint8Array of f h w c. `world` and `tolerances` are those of Python, as page.json holds them.

// --- numpy's habits: NaN spreads, the first of equals wins, a median of an even number is a mean, float32 where numpy has float32

const f32 = Math.fround;
const range = n => Array.from({length: n}, (_, i) => i);
const sum = values => values.reduce((a, b) => a + b, 0);
const largest = values => values.reduce((a, b) => Math.max(a, b));
const dot = (a, b) => sum(a.map((value, i) => value * b[i]));
const distance = (a, b) => Math.sqrt(sum(a.map((value, i) => (value - b[i]) ** 2)));

function argBest(values, better) {
  let best = 0;
  for (let i = 1; i < values.length && !Number.isNaN(values[best]); i++) {
    if (better(values[i], values[best]) || Number.isNaN(values[i])) best = i;
  }
  return best;
}
const argmax = values => argBest(values, (a, b) => a > b);
const argmin = values => argBest(values, (a, b) => a < b);

function median(values) {
  if (values.some(Number.isNaN)) return NaN;
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : f32(f32(sorted[half - 1] + sorted[half]) / 2);
}

// A number as Python formats it: exact halves go to the even digit
function fixed(value, digits) {
  if (Number.isNaN(value)) return "nan";
  const twice = Math.abs(value) * 10 ** digits * 2;
  const tie = Number.isInteger(value * 4) && Number.isInteger(twice) && twice % 2 === 1;
  if (!tie) return value.toFixed(digits);
  const below = (twice - 1) / 2;
  return (Math.sign(value) * (below + below % 2) / 10 ** digits).toFixed(digits);
}

// --- pixels: one frame at a time, h w booleans or numbers in a flat array

// The largest group of bright pixels that touch each other, corners included, and how large the next one is
function findBlob(bright, h, w) {
  const label = new Int32Array(h * w);
  const sizes = [0];
  for (let start = 0; start < h * w; start++) {
    if (!bright[start] || label[start]) continue;
    const number = sizes.length;
    const waiting = [start];
    label[start] = number;
    sizes.push(0);
    while (waiting.length) {
      const pixel = waiting.pop();
      sizes[number]++;
      for (const other of around(pixel, h, w)) {
        if (bright[other] && !label[other]) {
          label[other] = number;
          waiting.push(other);
        }
      }
    }
  }
  const first = argmax(sizes);
  const blob = Array.from(label, number => number === first && first > 0);
  return {blob, size: sizes[first], second: largest(sizes.map((size, i) => i === first ? 0 : size))};
}

function around(pixel, h, w) {
  const y = Math.floor(pixel / w);
  const x = pixel % w;
  const found = [];
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      if (y + dy >= 0 && y + dy < h && x + dx >= 0 && x + dx < w) found.push((y + dy) * w + x + dx);
    }
  }
  return found;
}

const dilate = (blob, h, w) => blob.map((_, pixel) => around(pixel, h, w).some(other => blob[other]));
const erode = (blob, h, w) => blob.map((_, pixel) => {           // a pixel at the border of the picture has too few around it
  const near = around(pixel, h, w);
  return near.length === 9 && near.every(other => blob[other]);
});

function innerColor(frame, blob, h, w) {
  const core = erode(blob, h, w);
  const inside = core.some(Boolean) ? core : blob;
  return [0, 1, 2].map(c => median(frame.filter((_, i) => i % 3 === c && inside[(i - c) / 3])));
}

// --- shapes as signed distances (lesson 14)

function corners(shape, size) {
  if (shape === "square") {
    const half = size * Math.sqrt(Math.PI) / 2;
    return [[-half, -half], [half, -half], [half, half], [-half, half]];
  }
  const side = size * Math.sqrt(4 * Math.PI / Math.sqrt(3));      // a triangle
  const height = side * Math.sqrt(3) / 2;
  return [[0, -2 * height / 3], [side / 2, height / 3], [-side / 2, height / 3]];
}

function polygonDistance(x, y, points) {
  let nearest = Infinity;                                         // squared
  let inside = false;
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points[(i + 1) % points.length];
    const ex = bx - ax;
    const ey = by - ay;
    const px = x - ax;
    const py = y - ay;
    const along = Math.min(Math.max((px * ex + py * ey) / (ex * ex + ey * ey), 0), 1);
    nearest = Math.min(nearest, (px - along * ex) ** 2 + (py - along * ey) ** 2);
    if (ey && (y >= ay) !== (y >= by) && px < py * ex / ey) inside = !inside;
  });
  return Math.sqrt(nearest) * (inside ? -1 : 1);
}

function shapeDistance(shape, size) {
  if (shape === "circle") return (x, y) => Math.hypot(x, y) - size;
  const points = corners(shape, size);
  return (x, y) => polygonDistance(x, y, points);
}

const EDGES = [1, 2];   // pixels from full to empty

// Squared difference from each drawn shape, per area: of the sharp or the soft drawing, whichever is nearer
function misfit(cover, area, [centreX, centreY], size, shape, h, w) {
  const distanceAt = shapeDistance(shape, size);
  const squared = EDGES.map(() => 0);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const far = distanceAt(x + .5 - centreX, y + .5 - centreY);
      EDGES.forEach((edge, i) => {
        const drawn = Math.min(Math.max(.5 - far / edge, 0), 1);
        squared[i] += (cover[y * w + x] - drawn) ** 2;
      });
    }
  }
  return Math.min(...squared) / area;
}

// --- measuring

class Unreadable extends Error {}

function measureFrame(frame, tolerances, h, w) {
  const level = range(h * w).map(p => Math.max(frame[3 * p], frame[3 * p + 1], frame[3 * p + 2]));
  const {blob, size, second} = findBlob(level.map(value => value > f32(tolerances.level)), h, w);
  if (size <= tolerances.speck) return {empty: true};
  const color = innerColor(frame, blob, h, w);
  const near = dilate(dilate(blob, h, w), h, w);
  const norm = f32(sum(color.map(value => f32(value * value))));
  const cover = near.map((isNear, p) => {
    const share = f32(dot(color, [frame[3 * p], frame[3 * p + 1], frame[3 * p + 2]]) / norm);
    return Math.min(Math.max(share, 0), 1) * isNear;
  });
  const area = f32(sum(cover));
  const centre = [sum(cover.map((value, p) => value * (p % w + .5))) / area,
                  sum(cover.map((value, p) => value * (Math.floor(p / w) + .5))) / area];
  const haze = sum(level.filter((_, p) => !near[p])) / Math.max(near.filter(isNear => !isNear).length, 1);
  return {color, cover, area, centre, second, haze};
}

function measure(frames, world, tolerances) {
  const [f, h, w] = [world.nFrames, world.canvas, world.canvas];
  const video = Float32Array.from(frames, byte => f32(byte / 255));
  const measured = range(f).map(t => measureFrame(video.slice(t * h * w * 3, (t + 1) * h * w * 3), tolerances, h, w));
  const empty = measured.findIndex(frame => frame.empty);
  if (empty >= 0) throw new Unreadable(`there is nothing in frame ${empty}`);
  const areas = measured.map(frame => frame.area);
  const size = f32(Math.sqrt(f32(median(areas) / f32(Math.PI))));     // equal-area radius
  return {
    areas, size,
    colors: measured.map(frame => frame.color),
    centres: measured.map(frame => frame.centre),
    second: measured.map(frame => frame.second),
    haze: measured.map(frame => frame.haze),
    misfits: world.shapes.map(shape => measured.map(({cover, area, centre}) => misfit(cover, area, centre, size, shape, h, w))),
  };
}

// --- names for what was measured: [name or null, reason or ""]

function readColor(measured, world, tolerances) {
  const names = Object.keys(world.colors);
  const distances = measured.colors.map(color => names.map(name => distance(color, world.colors[name])));
  const nearest = distances.map(argmin);
  const off = distances.map(each => each[argmin(each)]);
  if (largest(off) > tolerances.color) return [null, `the colour in frame ${argmax(off)} is none of the world's`];
  const other = nearest.findIndex(index => index !== nearest[0]);
  if (other >= 0) return [null, `${names[nearest[0]]} in frame 0, ${names[nearest[other]]} in frame ${other}`];
  return [names[nearest[0]], ""];
}

function readShape(measured, world, tolerances) {
  const names = world.shapes;
  const nearest = range(world.nFrames).map(t => argmin(measured.misfits.map(each => each[t])));
  const overall = argmin(measured.misfits.map(each => sum(each) / each.length));
  const other = nearest.findIndex(index => index !== overall);
  if (other >= 0) return [null, `a ${names[overall]}, but frame ${other} shows a ${names[nearest[other]]}`];
  const unclear = measured.misfits[overall].findIndex(value => value > tolerances.misfit);
  if (unclear >= 0) return [null, `the shape in frame ${unclear} is unclear`];
  return [names[overall], ""];
}

// The straight and even track nearest to the centres (least squares)
function fitTrack(centres) {
  const times = range(centres.length);
  const middle = sum(times) / times.length;
  const spread = sum(times.map(t => (t - middle) ** 2));
  const mean = [0, 1].map(axis => sum(centres.map(centre => centre[axis])) / times.length);
  const slope = [0, 1].map(axis => sum(centres.map((centre, t) => (t - middle) * (centre[axis] - mean[axis]))) / spread);
  const fitted = times.map(t => [0, 1].map(axis => mean[axis] + (t - middle) * slope[axis]));
  return {slope, fitted};
}

function nameDirection([sx, sy], world, tolerances) {
  const names = Object.keys(world.directions);
  const name = names.reduce((best, next) => dot(world.directions[next], [sx, sy]) > dot(world.directions[best], [sx, sy]) ? next : best);
  const [dx, dy] = world.directions[name];
  const speed = dx * sx + dy * sy;
  const sideways = Math.abs(dx * sy - dy * sx);
  if (!(tolerances.speeds[0] <= speed && speed <= tolerances.speeds[1])) {
    return [null, `a speed of ${fixed(speed, 1)} pixels a frame is not of this world`];
  }
  if (sideways > tolerances.sideways) return [null, `it drifts sideways by ${fixed(sideways, 1)} pixels a frame`];
  return [name, ""];
}

function readMotion(measured, world, tolerances) {
  const {centres} = measured;
  const {slope, fitted} = fitTrack(centres);
  const off = centres.map((centre, t) => distance(centre, fitted[t]));
  const uneven = centres.slice(1).map((centre, t) => distance(centre.map((value, axis) => value - centres[t][axis]), slope));
  if (largest(off) > tolerances.offTrack) return [null, `frame ${argmax(off)} is ${fixed(largest(off), 1)} pixels off the track`];
  if (largest(uneven) > tolerances.step) return [null, `the step to frame ${argmax(uneven) + 1} is off by ${fixed(largest(uneven), 1)} pixels`];
  return nameDirection(slope, world, tolerances);
}

function checkAlone(measured, tolerances) {
  const {areas, size, second, haze} = measured;
  const change = areas.map(area => Math.abs(f32(f32(f32(Math.sqrt(f32(area / f32(Math.PI)))) / size) - 1)));
  if (largest(haze) > tolerances.haze) return `the background of frame ${argmax(haze)} is not black`;
  if (largest(second) > tolerances.speck) return `there is a second thing in frame ${argmax(second)}`;
  if (!(tolerances.sizes[0] <= size && size <= tolerances.sizes[1])) return `a radius of ${fixed(size, 1)} pixels is not of this world`;
  if (largest(change) > f32(tolerances.breathing)) return `in frame ${argmax(change)} the size differs by ${fixed(largest(change) * 100, 0)}%`;
  return "";
}

// {scene: {shape, color, motion, size, speed, x, y} or null, reason, attributes: {shape, color, motion}, each a name or null}
export function readScene(frames, world, tolerances) {
  let measured;
  try {
    measured = measure(frames, world, tolerances);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return {scene: null, reason: error.message, attributes: {shape: null, color: null, motion: null}};
  }
  const [shape, whyShape] = readShape(measured, world, tolerances);
  const [color, whyColor] = readColor(measured, world, tolerances);
  const [motion, whyMotion] = readMotion(measured, world, tolerances);
  const attributes = {shape, color, motion};
  const reason = checkAlone(measured, tolerances) || whyShape || whyColor || whyMotion;
  if (reason) return {scene: null, reason, attributes};
  const {slope, fitted} = fitTrack(measured.centres);
  return {scene: {...attributes, size: measured.size, speed: Math.hypot(...slope), x: fitted[0][0], y: fitted[0][1]}, reason, attributes};
}

// What was read against what was asked for: {shape, color, motion, joint} and the reading
export function grade(frames, wanted, world, tolerances) {
  const reading = readScene(frames, world, tolerances);
  const right = Object.fromEntries(["shape", "color", "motion"].map(name => [name, reading.attributes[name] === wanted[name]]));
  return {...right, joint: reading.scene !== null && Object.values(right).every(Boolean), reading};
}
