// Ages that stay right while a page is open.

import { lang, say } from "./words.js";

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

function ago(timestamp) {
  const seconds = Math.max(0, Date.now() / 1000 - timestamp);
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? UNITS.at(-1);
  return say("ago", { time: `${Math.floor(seconds / size)} ${say(`unit.${unit}`)}` });
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

countOn();
setInterval(countOn, 1000);
