// Ages that stay right while a page is open.

import { lang, say } from "./words.js";

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** A length of time in its largest unit that fits. */
export function age(seconds) {
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? UNITS.at(-1);
  return `${Math.floor(Math.max(0, seconds) / size)} ${say(`unit.${unit}`)}`;
}

function ago(timestamp) {
  return say("ago", { time: age(Date.now() / 1000 - timestamp) });
}

/** Writes every age on the page as it is now; once a second that happens by itself. */
export function countOn() {
  for (const shown of document.querySelectorAll("time[data-at]")) {
    const timestamp = Number(shown.dataset.at);
    const text = ago(timestamp);
    if (shown.textContent !== text) shown.textContent = text;
    if (!shown.title) shown.title = new Date(timestamp * 1000).toLocaleString(lang);
  }
}

setInterval(countOn, 1000);
