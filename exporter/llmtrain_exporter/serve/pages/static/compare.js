// Several runs side by side: their charts over the steps, and what was set differently.

import { ChartSet } from "./chart.js";
import { Axis } from "./lines.js";
import { lineColour } from "./marks.js";
import { element } from "./elements.js";
import { count, number } from "./numbers.js";
import "./page.js";
import { Poll, address, api } from "./poll.js";
import { chartGroup } from "./run_charts.js";
import { badge, progressElements, written } from "./told.js";
import { patch } from "./swap.js";
import { say } from "./words.js";

const MOST = 8;
const POINTS = 1000;
const asked = [...new Set(new URLSearchParams(location.search).getAll("run"))];
const names = asked.slice(0, MOST);
const page = document.getElementById("page");
const stories = new Map();
const histories = new Map();
const refused = new Map();

const summary = element("section", { class: "card" });
const settings = element("section", { class: "card" });
const wholeButton = element("button", { type: "button", disabled: true, onclick: () => charts.zoom(null) }, say("whole"));
const groups = element("div", {});
const charts = new ChartSet((range) => {
  wholeButton.disabled = range === null;
});
const drawnCharts = new Map();
let drawn = "";

function there() {
  return names.filter((name) => stories.has(name));
}

function runKey(name) {
  const swatch = element("span", { class: "swatch" });
  swatch.style.background = `var(--${lineColour(names.indexOf(name))})`;
  return element("span", { class: "run-key" }, swatch, element("a", { href: address("run", { run: name }) }, name));
}

function start() {
  page.removeAttribute("aria-busy");
  const title = element("h1", {}, say("compare"));
  if (names.length < 2) {
    page.replaceChildren(title, element("p", {}, say("compare_none")), element("p", {}, element("a", { href: address("") }, say("all_runs"))));
    if (!names.length) return;
  } else {
    page.replaceChildren(title);
  }
  if (asked.length > MOST) page.append(element("p", { class: "notice" }, say("compare_many", { n: MOST })));
  page.append(
    summary,
    settings,
    element("section", { "aria-label": say("charts") },
      element("div", { class: "tools" }, element("h2", {}, say("charts")), wholeButton),
      element("p", { class: "skip", id: "chart-keys" }, say("chart_keys")),
      groups),
  );
  for (const name of names) follow(name);
}

function follow(name) {
  let shownUpTo = "";
  const history = new Poll(
    () => api("history", { run: name, points: POINTS }),
    (content) => {
      histories.set(name, content);
      draw();
    },
    () => {},
    null,
  );
  const story = new Poll(
    () => api("run", { run: name }),
    (content) => {
      stories.set(name, content);
      refused.delete(name);
      show();
      const upTo = JSON.stringify([content.records, content.last_record_timestamp]);
      if (upTo !== shownUpTo) history.soon();
      shownUpTo = upTo;
    },
    (error) => {
      refused.set(name, error.status === 404 ? say("no_run", { run: name }) : error.message);
      show();
    },
    3000,
  );
  story.now();
}

// Tables.

function show() {
  showSummary();
  showSettings();
}

function showSummary() {
  const heads = ["run", "verdict", "state", "progress", "worst", "incident_count", "best_loss"];
  const row = (name) => {
    const run = stories.get(name);
    if (!run) return element("tr", {}, element("th", { scope: "row" }, runKey(name)), element("td", { colspan: heads.length }, refused.get(name) ?? say("loading")));
    const best = run.best && run.base !== "grpo" ? number(run.best.eval_loss) : "";
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, runKey(name)),
      element("td", {}, badge(run.health, run.health_text)),
      element("td", {}, run.state_text),
      element("td", { class: "number" }, ...progressElements(run.last_step, run.max_steps, run.progress)),
      element("td", {}, run.title === run.health_text ? "" : run.title),
      element("td", { class: "number" }, count(run.incidents.length)),
      element("td", { class: "number" }, best),
      element("td", {}, removeButton(name)),
    );
  };
  patch(summary, [
    element("h2", {}, say("side_by_side")),
    table(say("side_by_side"), heads, names.map(row)),
  ]);
}

function removeButton(name) {
  if (names.length < 3) return null;
  const others = asked.filter((other) => other !== name);
  return element("a", { href: address("compare", { run: others }), "aria-label": say("remove", { run: name }), title: say("remove", { run: name }) }, "✕");
}

function table(label, heads, rows) {
  const head = element("thead", {}, element("tr", {}, ...heads.map((word) => element("th", { scope: "col" }, say(word))), element("td", {})));
  return element(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": label },
    element("table", { class: "table" }, head, element("tbody", {}, ...rows)),
  );
}

function showSettings() {
  const runs = there();
  const known = runs.map((name) => ({ profile: stories.get(name).profile, ...stories.get(name).info, ...stories.get(name).settings }));
  const keys = [...new Set(known.flatMap(Object.keys))];
  const differ = keys.filter((key) => new Set(known.map((each) => each[key] ?? null)).size > 1);
  const rows = differ.map((key) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, key),
      ...known.map((each) => element("td", { class: "number" }, key in each ? written(each[key]) : element("span", { class: "dim" }, say("unknown")))),
    ),
  );
  const heads = [element("th", { scope: "col" }, say("setting")), ...runs.map((name) => element("th", { scope: "col" }, runKey(name)))];
  settings.hidden = runs.length < 2;
  patch(settings, [
    element("h2", {}, say("differ")),
    rows.length
      ? element(
          "div",
          { class: "scroller", tabindex: "0", role: "region", "aria-label": say("differ") },
          element("table", { class: "table" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)),
        )
      : element("p", { class: "dim" }, say("none_differ")),
  ]);
}

// Charts.

const EXTREMES = /(^|[ _])(min|max)$/;

/** One chart for each series that any of the runs has, in the order in which they come. */
function draw() {
  const runs = names.filter((name) => histories.has(name));
  const tables = runs.flatMap((name) => [histories.get(name), histories.get(name).evaluations]);
  const axis = new Axis(tables, false);
  charts.x = axis.x;
  const specs = groupsOf(runs).map((group) => ({ ...group, charts: group.charts.map((chart) => ({ ...chart, limits: [], lines: linesFor(chart, runs, axis) })) }));
  const layout = JSON.stringify(specs.map((group) => [group.group, group.charts.map((chart) => chart.id)]));
  if (layout !== drawn) layOut(specs);
  else for (const group of specs) for (const chart of group.charts) drawnCharts.get(chart.id).update(chart);
  drawn = layout;
}

function groupsOf(runs) {
  const merged = new Map();
  for (const name of runs) {
    for (const group of histories.get(name).groups) {
      const known = merged.get(group.group) ?? { ...group, charts: new Map() };
      merged.set(group.group, known);
      for (const chart of group.charts) for (const one of seriesOf(chart)) known.charts.set(one.id, one);
    }
  }
  return [...merged.values()].map((group) => ({ ...group, charts: [...group.charts.values()] }));
}

/** The charts that one chart of a run becomes: each shows one series of every run. */
function seriesOf(chart) {
  const names = [...new Set(chart.series.map((name) => name.replace(/ \(eval\)$/, "")))];
  const shown = names.length > 1 ? names.filter((name) => !EXTREMES.test(name)) : names;
  return shown.map((name) => ({ ...chart, id: name, name, series: name, title: names.length > 1 ? name.replace(/^\S+ /, `${chart.title}: `) : chart.title }));
}

function linesFor(chart, runs, axis) {
  return runs.flatMap((name, at) => {
    const history = histories.get(name);
    const train = history.series.find((one) => one.name === chart.series);
    const evaluated = history.evaluations.series.find((one) => one.name === `${chart.series} (eval)`);
    const colour = lineColour(names.indexOf(name));
    const lines = [];
    if (train) lines.push({ label: name, colour, kind: "line", values: axis.spread(2 * at, train.values, "live", train.non_finite) });
    if (evaluated) lines.push({ label: `${name}: ${say("evaluation")}`, colour, kind: "points", joined: !train, partner: train ? name : null, values: axis.spread(2 * at + 1, evaluated.values) });
    return lines;
  });
}

function layOut(specs) {
  const open = new Set([...groups.querySelectorAll("details[open]")].map((details) => details.dataset.group));
  charts.clear();
  drawnCharts.clear();
  const add = (spec) => {
    const plot = charts.add(spec);
    drawnCharts.set(spec.id, plot);
    return plot;
  };
  const filled = specs.filter((group) => group.charts.length);
  groups.replaceChildren(...filled.map((group) => chartGroup(group, open, add)));
}

start();
