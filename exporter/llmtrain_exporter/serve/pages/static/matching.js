// Which charts a regular expression finds, without ever holding the page up.

const LONGEST = 500; // milliseconds: some expressions would take years

/**
 * The places of those whose names match, in which `texts` has the names of each.
 *
 * Rejects with a SyntaxError where the expression is broken, with a RangeError where it takes too long.
 */
export function matching(pattern, texts) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("match_worker.js", import.meta.url));
    const end = (settle, value) => {
      clearTimeout(timer);
      worker.terminate();
      settle(value);
    };
    let timer = 0;
    worker.onmessage = ({ data: { ready, found, error } }) => {
      if (ready) {
        timer = setTimeout(() => end(reject, new RangeError()), LONGEST); // and not before: a network may be slow
        worker.postMessage({ pattern, texts });
      } else if (found) end(resolve, found);
      else end(reject, new SyntaxError(error));
    };
    worker.onerror = () => end(reject, new RangeError());
  });
}
