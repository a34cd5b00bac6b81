// From what is typed to a prompt whose features are at hand, or to a sentence that says why not.

const WORD = /[\p{L}\p{N}]+/gu;
const PARTS = {color: "colour", shape: "shape", motion: "motion"};

const wordsOf = text => text.toLowerCase().match(WORD) ?? [];
const keyOf = words => words.map(word => word === "an" ? "a" : word).join(" ");
const list = words => words.map(word => `“${word}”`).join(", ");

// captions: of page.json, [text, pieces, shape, color, motion, template, untrained word or ""]; lexicon: word -> [part, value, trained]
export function makePrompts({captions, lexicon, heldOut}) {
  const entries = captions.map(([text, pieces, shape, color, motion, template, untrained], index) => {
    const isHeldOut = heldOut.some(([s, c, m]) => s === shape && c === color && m === motion);
    return {index, text, pieces, shape, color, motion, template, untrained, isHeldOut};
  });
  const knownWords = new Map(Object.entries(lexicon));
  const byKey = new Map(entries.map(entry => [keyOf(wordsOf(entry.text)), entry]));
  const isTrained = word => knownWords.get(word)[2];
  const find = wanted => entries.find(entry => Object.entries(wanted).every(([name, value]) => entry[name] === value));

  // Every value of each part that the words name
  function named(words) {
    const found = {color: new Set(), shape: new Set(), motion: new Set()};
    for (const word of words) {
      const [part, value] = knownWords.get(word) ?? [];
      if (part in found) found[part].add(value);
    }
    return found;
  }

  // {entry} or {error, suggestion: an entry near it or undefined}
  function read(text) {
    const words = wordsOf(text);
    if (!words.length) return {error: "The prompt is empty: say a colour, a shape and a motion.", suggestion: find({template: 0})};
    const entry = byKey.get(keyOf(words));
    if (entry) return {entry};
    const found = named(words);
    const first = Object.fromEntries(Object.entries(found).filter(([, values]) => values.size).map(([part, [value]]) => [part, value]));
    const suggestion = find({template: 0, untrained: "", ...first});
    const unknown = [...new Set(words)].filter(word => !knownWords.has(word));
    if (unknown.length) {
      const known = [...knownWords.keys()].filter(isTrained);
      const shown = unknown.slice(0, 5).map(word => word.length > 24 ? `${word.slice(0, 24)}…` : word);
      const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : "";
      return {error: `The model's world has no ${list(shown)}${more}. Its words: ${known.join(", ")}.`, suggestion};
    }
    for (const [part, values] of Object.entries(found)) {
      if (values.size > 1) return {error: `One thing at a time: the prompt names ${values.size} ${PARTS[part]}s.`, suggestion};
      if (!values.size) return {error: `The ${PARTS[part]} is missing: a prompt says colour, shape and motion.`, suggestion};
    }
    const untrained = [...new Set(words)].filter(word => !isTrained(word));
    if (untrained.length > 1) {
      return {error: `Only one word at a time that training never showed, not ${list(untrained)}.`, suggestion};
    }
    return {error: "The words are known, this sentence is not.", suggestion};
  }

  return {entries, find, read, heldOut: entries.filter(entry => entry.isHeldOut && !entry.untrained),
          untrained: entries.filter(entry => entry.untrained && !entry.isHeldOut)};
}

// The features of each entry, read from a file of float32: the words of a caption, n wordSize, then its prompt vector
export function readFeatures(buffer, pieces, settings) {
  const numbers = new Float32Array(buffer);
  let at = 0;
  const take = n => numbers.subarray(at, at += n);
  return pieces.map(n => ({words: take(n * settings.wordSize), prompt: take(settings.promptSize)}));
}
