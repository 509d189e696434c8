// What all pages share: words, elements, numbers and times as people read them, questions to the exporter.

export const words = JSON.parse(document.getElementById("words").textContent);
export const lang = words.lang;

/** A text of the page's language with its {placeholders} filled. */
export function say(name, values = {}) {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** So many of something. */
export function counted(name, many) {
  return say(many === 1 ? `${name}.one` : `${name}.many`, { n: count(many) });
}

/** An element with attributes and children. Texts become text, never markup. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** The same in an SVG picture. */
export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * Makes the children of a place what these are, and keeps all that is the same already: with it stay focus,
 * selection, scroll positions and what was unfolded. Listeners of kept elements stay as they were.
 */
export function patch(place, children) {
  const fresh = [children].flat(3).filter((child) => child !== null && child !== undefined && child !== false);
  fresh.forEach((child, at) => {
    const node = typeof child === "string" ? document.createTextNode(child) : child;
    const old = place.childNodes[at];
    if (!old) place.append(node);
    else if (old.nodeName !== node.nodeName || !patched(old, node)) old.replaceWith(node);
  });
  while (place.childNodes.length > fresh.length) place.lastChild.remove();
}

function patched(old, node) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return true;
  }
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && name !== "style" && !node.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (node.style && old.style.cssText !== node.style.cssText) old.style.cssText = node.style.cssText;
  patch(old, [...node.childNodes]);
  return true;
}

/** An address of this site with parameters; a language that was chosen stays. Lists become repeated ones. */
export function address(path, parameters = {}) {
  const here = new URLSearchParams(location.search);
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") pairs.append(key, one);
  }
  if (here.has("lang") && !pairs.has("lang")) pairs.set("lang", here.get("lang"));
  const text = pairs.toString();
  return text ? `${path}?${text}` : path || "./";
}

/** Four significant digits at the most, as everywhere else in the program: as Python's format ".4g" has it. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const text = rounded(value);
  const power = Number(text.split("e")[1]);
  if (power >= -4 && power < 4) return String(Number(text));
  return text.replace(/\.?0+e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
}

/** Four digits and a power of ten. What lies in the very middle goes to the even digit, not always up. */
function rounded(value) {
  const [, even, power] = /^(-?\d\.\d\d[02468])50*(e.*)$/.exec(value.toExponential(60)) ?? [];
  return even ? even + power : value.toExponential(3);
}

const SIZES = {
  bytes: [[2 ** 30, "GiB"], [2 ** 20, "MiB"]],
  seconds: [[86400, "d"], [3600, "h"], [60, "min"]],
};

/** A value with its unit, as short as it can be. */
export function withUnit(value, unit) {
  if (value === null || value === undefined) return "–";
  const [size, name] = (SIZES[unit] ?? []).find(([size]) => Math.abs(value) >= size) ?? [1, { bytes: "B", seconds: "s" }[unit]];
  return name ? `${number(value / size)} ${name}` : number(value);
}

/** A whole number with its thousands apart. */
export function count(value) {
  return value.toLocaleString("en-US");
}

const LENGTHS = [[86400, "days"], [3600, "hours"], [60, "minutes"], [1, "seconds"]];

/** A length of time in its largest unit that fits. */
export function age(seconds) {
  const [size, unit] = LENGTHS.find(([size]) => seconds >= size) ?? LENGTHS.at(-1);
  return say(unit, { n: Math.floor(Math.max(0, seconds) / size) });
}

/** How long ago a Unix time was. */
export function ago(timestamp) {
  return say("ago", { age: age(Date.now() / 1000 - timestamp) });
}

/** An age that stays right while the page is open. */
export function ageElement(timestamp, wording = "") {
  const told = ago(timestamp);
  const shown = wording ? say(wording, { ago: told }) : told;
  return element("time", {
    datetime: new Date(timestamp * 1000).toISOString(),
    title: new Date(timestamp * 1000).toLocaleString(lang),
    "data-since": timestamp,
    "data-wording": wording,
  }, shown);
}

setInterval(() => {
  for (const shown of document.querySelectorAll("time[data-since]")) {
    const told = ago(Number(shown.dataset.since));
    const text = shown.dataset.wording ? say(shown.dataset.wording, { ago: told }) : told;
    if (shown.textContent !== text) shown.textContent = text;
  }
}, 1000);

/** Progress with its numbers; nothing where nothing is known. */
export function progressElements(step, most, share) {
  if (step === null || step === undefined) return [];
  if (share === null || share === undefined) return [element("small", {}, count(step))];
  return [
    element("progress", { max: 1, value: Math.min(Math.max(share, 0), 1), "aria-label": say("progress") }),
    element("small", {}, `${count(step)} / ${count(most)}`),
  ];
}

/** A word for a run's health, with its colour. */
export function badge(health, text = say(`health.${health}`)) {
  return element("span", { class: `badge ${health}` }, text);
}

/** What the exporter answers; an error with its own words where it says no. */
export async function ask(path, parameters, signal) {
  const answer = await fetch(address(path, { lang, ...parameters }), { signal }).catch((error) => {
    throw Object.assign(error, { lost: true });
  });
  const content = await answer.json().catch((error) => {
    if (answer.ok) throw Object.assign(error, { lost: true });
    return {};
  });
  if (answer.status >= 500) throw Object.assign(new Error(answer.statusText), { lost: true });
  if (!answer.ok) throw Object.assign(new Error(content.error ?? answer.statusText), { status: answer.status });
  return { content, tag: answer.headers.get("etag") };
}

const lost = document.getElementById("lost");
const failing = new Set();

function tellLost(who, isLost) {
  if (isLost) failing.add(who);
  else failing.delete(who);
  lost.hidden = failing.size === 0;
}

/**
 * Asks again and again while the page is to be seen, and hands on what has changed.
 *
 * `question()` gives [path, parameters]; `take(content)` sees an answer that differs from the last one;
 * `refused(error)` sees a clear no; `pause`: milliseconds to the next question, more after slow answers; null:
 * asks only when it is told to.
 */
export class Poll {
  constructor(question, take, refused = () => {}, pause = 2000) {
    this.question = question;
    this.take = take;
    this.refused = refused;
    this.pause = pause;
    this.timer = 0;
    this.asking = null;
    this.again = false; // somebody wanted to know while a question was under way
    this.rest = 0; // when the next question may be asked after a slow answer
    this.known = "";
    this.failures = 0;
    if (pause !== null) document.addEventListener("visibilitychange", () => this.later(0));
  }

  /** Ask, whatever was asked before. */
  now() {
    this.asking?.abort();
    this.asking = null;
    return this.look();
  }

  /** Ask when the present question is answered, and not too often. */
  soon() {
    if (this.asking) this.again = true;
    else this.later(Math.max(0, this.rest - performance.now()));
  }

  later(milliseconds) {
    clearTimeout(this.timer);
    if (!this.asking && (this.pause === null || !document.hidden)) this.timer = setTimeout(() => this.look(), milliseconds);
  }

  async look() {
    clearTimeout(this.timer);
    const asking = (this.asking = new AbortController());
    const began = performance.now();
    try {
      await this.askAndTake(asking.signal);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.fail(error);
    } finally {
      if (this.asking === asking) this.end(performance.now() - began);
    }
  }

  async askAndTake(signal) {
    const [path, parameters] = this.question();
    const { content, tag } = await ask(path, parameters, signal);
    if (signal.aborted) return;
    this.failures = 0;
    tellLost(this, false);
    const known = JSON.stringify([tag, path, parameters]);
    if (known === this.known) return;
    this.known = known;
    this.take(content);
  }

  fail(error) {
    if (error.status) {
      tellLost(this, false);
      this.refused(error);
    } else if (error.lost) {
      this.failures += 1;
      tellLost(this, true);
    } else {
      throw error;
    }
  }

  end(took) {
    this.asking = null;
    const rest = 9 * Math.max(took - 200, 0);
    this.rest = performance.now() + rest;
    if (this.again) this.later(rest);
    else if (this.pause !== null) this.later(Math.min(this.pause * 2 ** this.failures, 30000) + rest);
    else if (this.failures) this.later(5000);
    this.again = false;
  }
}

const THEMES = ["auto", "light", "dark"];
const themeButton = document.getElementById("theme");

function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function showTheme() {
  const name = say(`theme_${theme()}`);
  themeButton.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme()];
  themeButton.setAttribute("aria-label", `${say("theme")}: ${name}`);
  themeButton.title = `${say("theme")}: ${name}`;
}

function turnTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // it holds until the page is left
  }
  showTheme();
  document.dispatchEvent(new Event("theme"));
}

themeButton.hidden = false;
themeButton.addEventListener("click", turnTheme);
showTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));
document.documentElement.classList.add("scripted");
