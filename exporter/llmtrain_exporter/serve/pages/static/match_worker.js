// Looks for a regular expression in names. Whoever started it ends it where that takes too long.
"use strict";

self.onmessage = ({ data: { pattern, texts } }) => {
  try {
    const wanted = new RegExp(pattern, "i");
    const found = texts.flatMap((names, at) => (names.some((name) => wanted.test(name)) ? [at] : []));
    self.postMessage({ found });
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
self.postMessage({ ready: true });
