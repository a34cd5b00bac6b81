// Normal numbers as torch draws them on a CPU, so that a seed means the same clip here and in Python:
// the Mersenne Twister (Matsumoto & Nishimura, 1998), 24 bits a number, and the Box-Muller transform in blocks of 16.

function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let next = 624;
  return () => {                                           // 32 random bits
    if (next === 624) {
      for (let i = 0; i < 624; i++) {
        const mixed = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      next = 0;
    }
    let bits = state[next++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
}

// seed: a whole number from 0 to 2^32 - 1; gives randn(n) -> Float32Array, for n that are multiples of 16
export function seededNoise(seed) {
  const random = twister(seed);
  return n => {
    const numbers = Float32Array.from({length: n}, () => (random() & 0xffffff) / 2 ** 24);
    for (let i = 0; i < n; i += 16) {
      for (let j = i; j < i + 8; j++) {
        const radius = Math.sqrt(-2 * Math.log(1 - numbers[j]));
        const angle = 2 * Math.PI * numbers[j + 8];
        numbers[j] = radius * Math.cos(angle);
        numbers[j + 8] = radius * Math.sin(angle);
      }
    }
    return numbers;
  };
}
