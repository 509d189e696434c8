// A run's page: what became of it, in words, in charts and as a table.

import { countOn } from "./ages.js";
import { element } from "./elements.js";
import "./page.js";
import { Poll, address, api } from "./poll.js";
import { RunCharts } from "./run_charts.js";
import { details, metrics } from "./tables.js";
import { actions, causes, happened, verdict } from "./told.js";
import { patch } from "./swap.js";
import { say } from "./words.js";

const POINTS = 2000;

const name = new URLSearchParams(location.search).get("run") ?? "";
const page = document.getElementById("page");
const card = (id) => element("section", { id, class: "card", hidden: true });
const parts = {
  verdict: card("verdict"),
  contents: element("nav", { class: "contents", "aria-label": say("contents") }),
  happened: card("happened"),
  why: card("why"),
  todo: card("todo"),
  charts: element("section", { id: "charts", "aria-label": say("charts"), hidden: true }),
  metrics: card("metrics"),
  details: card("details"),
};
let run = null;
let history = null;
let shownUpTo = ""; // how far the log was when its history was asked for

const charts = new RunCharts(parts.charts, () => finerPoll.now());

function build() {
  const left = element("div", { class: "stack" }, parts.happened, parts.why);
  page.replaceChildren(
    element("h1", { class: "run-name" }, run.run),
    parts.verdict,
    parts.contents,
    element("div", { class: "columns" }, left, parts.todo),
    parts.charts,
    parts.metrics,
    parts.details,
  );
  page.removeAttribute("aria-busy");
}

function put(part, children) {
  patch(parts[part], children);
  parts[part].hidden = parts[part].childNodes.length === 0;
}

function showMetrics() {
  put("metrics", metrics(run, showMetrics));
}

/** Links to the parts that there are. */
function showContents() {
  const words = { happened: "happened", charts: "charts", metrics: "metric_table", details: "details" };
  const there = Object.entries(words).filter(([part]) => !parts[part].hidden);
  patch(parts.contents, there.map(([part, word]) => element("a", { href: `#${part}` }, say(word))));
}

function showRun(content) {
  const isFirst = run === null;
  run = content;
  if (isFirst) build();
  parts.verdict.className = `card verdict ${run.health}`;
  put("verdict", verdict(run));
  countOn();
  put("happened", happened(run, (first, last) => charts.zoomTo(first, last)));
  put("why", causes(run));
  put("todo", actions(run));
  showMetrics();
  put("details", details(run));
  showCharts();
  showContents();
}

function showCharts() {
  const upTo = JSON.stringify([run.records, run.last_record_timestamp]); // a log written anew can be as long
  if (!history) charts.tell(say("reading_log"));
  else charts.show(run, history);
  if (upTo !== shownUpTo) historyPoll.soon();
  shownUpTo = upTo;
}

function showNoRun(error) {
  run = null;
  page.removeAttribute("aria-busy");
  page.replaceChildren(
    element("h1", { class: "run-name" }, name),
    element("p", {}, error.status === 404 ? say("no_run", { run: name }) : error.message),
    element("p", {}, element("a", { href: address("") }, say("all_runs"))),
  );
}

const runPoll = new Poll(() => api("run", { run: name }), showRun, showNoRun);

const historyPoll = new Poll(
  () => api("history", { run: name, points: POINTS }),
  (content) => {
    history = content;
    if (run) charts.show(run, history);
    showContents();
  },
  (error) => charts.tell(say("no_history", { error: error.message })),
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

runPoll.now();
