// The words that scripts say, in the page's language.

const words = JSON.parse(document.getElementById("words").textContent);

export const lang = words.lang;

/** A text with its {placeholders} filled. */
export function say(name, values = {}) {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}
