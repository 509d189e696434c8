// A run's page: the server writes it, this keeps it up to date and draws the charts.

import { countOn } from "./ages.js";
import "./page.js";
import { Poll, address, api } from "./poll.js";
import { RunCharts } from "./run_charts.js";
import { swap } from "./swap.js";
import { say } from "./words.js";

const POINTS = 2000;

const name = new URLSearchParams(location.search).get("run") ?? "";
const page = document.getElementById("page");
let charts = null;
let history = null;
let shownUpTo = ""; // how far the log was when its history was asked for

const runPoll = new Poll(() => address("fragment/run", { run: name }), show, (error) => error.markup && show(error.markup));

const historyPoll = new Poll(
  () => api("history", { run: name, points: POINTS }),
  (content) => {
    history = content;
    showCharts();
  },
  (error) => charts?.tell(say("no_history", { error: error.message })),
  null,
);

const finerPoll = new Poll(
  () => {
    const [from, to] = charts.steps;
    return api("history", { run: name, points: POINTS, from, to });
  },
  (content) => charts.showFiner(content),
  () => {},
  null,
);

function show(markup) {
  swap(page, markup);
  countOn();
  showCharts();
}

function showCharts() {
  const place = document.getElementById("charts");
  if (place === null) return; // there is no such run
  if (charts?.place !== place) charts = new RunCharts(place, name, () => finerPoll.now());
  const marks = JSON.parse(document.getElementById("marks").textContent);
  if (history) charts.show(marks, history);
  else charts.tell(say("reading_log"));
  const upTo = JSON.stringify(marks.up_to);
  if (upTo !== shownUpTo) historyPoll.soon();
  shownUpTo = upTo;
}

/** Into the clipboard; where a browser allows that only on secure sites, the text is marked. */
async function copy(button) {
  const shown = button.previousElementSibling;
  const word = button.textContent;
  try {
    await navigator.clipboard.writeText(shown.textContent);
    button.textContent = say("copied");
    button.disabled = true;
    setTimeout(() => Object.assign(button, { textContent: word, disabled: false }), 1500);
  } catch {
    getSelection().selectAllChildren(shown);
  }
}

page.addEventListener("click", ({ target }) => {
  const track = target.closest(".track");
  if (track) charts.zoomTo(Number(track.dataset.first), Number(track.dataset.last));
  else if (target.matches(".copy")) copy(target);
});

showCharts();
runPoll.now();
