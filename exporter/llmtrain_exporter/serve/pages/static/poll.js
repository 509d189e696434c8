// Questions to the exporter, asked again and again while somebody looks.

import { lang } from "./words.js";

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

/** The address of a question about runs as JSON. */
export function api(name, parameters) {
  return address(`api/v1/${name}`, { lang, ...parameters });
}

/** What the exporter answers: JSON as objects, fragments as text; an error with its own words where it says no. */
export async function ask(url, signal) {
  const answer = await fetch(url, { signal }).catch((error) => {
    throw Object.assign(error, { lost: true });
  });
  const content = await read(answer).catch((error) => {
    if (answer.ok) throw Object.assign(error, { lost: true });
    return {};
  });
  if (answer.status >= 500) throw Object.assign(new Error(answer.statusText), { lost: true });
  if (!answer.ok) throw refusal(answer, content);
  return { content, tag: answer.headers.get("etag") };
}

function refusal({ status, statusText }, content) {
  const markup = typeof content === "string" ? content : "";
  return Object.assign(new Error(content.error ?? statusText), { status, markup });
}

/** Rejects what somebody else says in the exporter's place: a proxy's error, a page to log in. */
async function read(answer) {
  return answer.headers.has("llmtrain-fragment") ? answer.text() : answer.json();
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
 * `question()` gives an address; `take(content)` sees an answer that differs from the last one; `refused(error)`
 * sees a clear no; `pause`: milliseconds to the next question, more after slow answers; null: asks only when it
 * is told to.
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
    const url = this.question();
    const { content, tag } = await ask(url, signal);
    if (signal.aborted) return;
    this.failures = 0;
    tellLost(this, false);
    const known = `${tag} ${url}`;
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
