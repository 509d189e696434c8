// Several runs side by side: the server writes the tables, this keeps them up to date and draws the charts.

import { ChartSet } from "./chart.js";
import { element } from "./elements.js";
import { Axis } from "./lines.js";
import "./page.js";
import { Poll, api } from "./poll.js";
import { chartGroup } from "./run_charts.js";
import { swap } from "./swap.js";
import { say } from "./words.js";

const POINTS = 1000;

const page = document.getElementById("page");
const runs = new Map(); // by name: its colour, its history, how far its log was when that was asked for
const wholeButton = element("button", { type: "button", disabled: true, onclick: () => charts.zoom(null) }, say("whole"));
const groups = element("div", {});
const charts = new ChartSet((range) => {
  wholeButton.disabled = range === null;
});
const drawnCharts = new Map();
let drawn = "";

const poll = new Poll(() => `fragment/compare${location.search}`, show, () => {}, 3000);

function show(markup) {
  swap(page, markup);
  showCharts();
}

function showCharts() {
  const place = document.getElementById("charts");
  if (place === null) return; // there is nothing to compare
  if (!groups.isConnected) {
    place.replaceChildren(
      element("div", { class: "tools" }, element("h2", {}, place.getAttribute("aria-label")), wholeButton),
      element("p", { class: "skip", id: "chart-keys" }, say("chart_keys")),
      groups,
    );
  }
  for (const { run, colour, up_to } of JSON.parse(document.getElementById("marks").textContent)) {
    const known = runs.get(run) ?? { colour, history: null, upTo: "", poll: historyPoll(run) };
    runs.set(run, known);
    const upTo = JSON.stringify(up_to);
    if (upTo !== known.upTo) known.poll.soon();
    known.upTo = upTo;
  }
}

function historyPoll(run) {
  const take = (content) => {
    runs.get(run).history = content;
    draw();
  };
  return new Poll(() => api("history", { run, points: POINTS }), take, () => {}, null);
}

const EXTREMES = /(^|[ _])(min|max)$/;

/** One chart for each series that any of the runs has, in the order in which they come. */
function draw() {
  const there = [...runs].filter(([, { history }]) => history !== null);
  there.sort(([, one], [, other]) => one.colour.localeCompare(other.colour)); // as they were asked for
  const tables = there.flatMap(([, { history }]) => [history, history.evaluations]);
  const axis = new Axis(tables, false);
  charts.x = axis.x;
  const specs = groupsOf(there).map((group) => ({ ...group, charts: group.charts.map((chart) => ({ ...chart, limits: [], lines: linesFor(chart, there, axis) })) }));
  const layout = JSON.stringify(specs.map((group) => [group.group, group.charts.map((chart) => chart.id)]));
  if (layout !== drawn) layOut(specs);
  else for (const group of specs) for (const chart of group.charts) drawnCharts.get(chart.id).update(chart);
  drawn = layout;
}

function groupsOf(there) {
  const merged = new Map();
  for (const [, { history }] of there) {
    for (const group of history.groups) {
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

function linesFor(chart, there, axis) {
  return there.flatMap(([name, { colour, history }], at) => {
    const train = history.series.find((one) => one.name === chart.series);
    const evaluated = history.evaluations.series.find((one) => one.name === `${chart.series} (eval)`);
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

showCharts();
poll.now();
