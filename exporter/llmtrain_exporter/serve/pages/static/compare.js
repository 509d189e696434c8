// Several runs side by side: the server writes the tables, this keeps them up to date and draws the charts.

import { Axis, axesOf } from "./axis.js";
import { Board } from "./board.js";
import { element } from "./elements.js";
import "./page.js";
import { Poll, address, api } from "./poll.js";
import { swap } from "./swap.js";
import { say } from "./words.js";

const POINTS = 1000;

const page = document.getElementById("page");
const runs = new Map(); // by name: its colour, its history, how far its log was when that was asked for
const asked = new URLSearchParams(location.search).getAll("run");
let board = null;

const poll = new Poll(() => address("fragment/compare", { run: asked }), show, () => {}, 3000);

function show(markup) {
  swap(page, markup);
  showCharts();
}

function showCharts() {
  const place = document.getElementById("charts");
  if (place === null) return; // there is nothing to compare
  if (board?.place !== place) {
    board = new Board(place, { histories: known, zoomed: draw }, ["step", "epoch", "tokens", "elapsed"]);
    board.build();
  }
  let grown = false;
  for (const { run, colour, up_to } of JSON.parse(document.getElementById("marks").textContent)) {
    const known = runs.get(run) ?? { colour, history: null, upTo: "", poll: historyPoll(run) };
    runs.set(run, known);
    const upTo = JSON.stringify(up_to);
    if (upTo !== known.upTo) known.poll.soon();
    grown ||= upTo !== known.upTo;
    known.upTo = upTo;
  }
  if (grown && document.getElementById("parting")) partingPoll.soon();
}

function historyPoll(run) {
  const take = (content) => {
    runs.get(run).history = content;
    draw();
  };
  return new Poll(() => api("history", { run, points: POINTS }), take, () => {}, null);
}

const partingPoll = new Poll(() => api("parting", { run: asked }), ({ partings }) => {
  const place = document.getElementById("parting");
  const told = partings.map(({ text }) => element("li", {}, text));
  place.replaceChildren(element("h2", {}, place.getAttribute("aria-label")), element("ul", { class: "plain" }, ...told));
  place.hidden = !told.length;
}, () => {}, null);

const EXTREMES = /(^|[ _])(min|max)$/;

/** The histories that there are, by name, as their runs were asked for. */
function known() {
  const there = [...runs].filter(([, { history }]) => history !== null);
  there.sort(([, one], [, other]) => one.colour.localeCompare(other.colour));
  return there.map(([name, { history }]) => [name, history]);
}

/** One chart for each series that any of the runs has, in the order in which they come. */
function draw() {
  const there = known();
  if (!there.length) return;
  board.there = board.tools.names.filter((axis) => there.some(([, history]) => axesOf(history, "elapsed").includes(axis)));
  const without = there.filter(([, history]) => !axesOf(history, "elapsed").includes(board.axis)).map(([name]) => name);
  const tables = there.flatMap(([, history]) => [[history, history], [history, history.evaluations]]);
  const axis = new Axis(tables, board.axis, board.isLogarithmic);
  board.over(axis);
  if (there.length === runs.size) board.settle();
  board.tell(without.length ? say("without_axis", { runs: without.join(", ") }) : "");
  const drawn = (chart) => ({ ...chart, limits: [], lines: linesFor(chart, there, axis) });
  board.show(groupsOf(there).map((group) => ({ ...group, charts: group.charts.map(drawn) })), board.there);
}

function groupsOf(there) {
  const merged = new Map();
  for (const [, history] of there) {
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
  return shown.map((name) => ({ ...chart, id: name, name, names: [name, `${name} (eval)`], title: names.length > 1 ? name.replace(/^\S+ /, `${chart.title}: `) : chart.title }));
}

function linesFor({ names: [trained, evaluated] }, there, axis) {
  return there.flatMap(([run, history], at) => {
    const { colour } = runs.get(run);
    const train = history.series.find((one) => one.name === trained);
    const evaluation = history.evaluations.series.find((one) => one.name === evaluated);
    const lines = [];
    if (train) lines.push({ label: run, colour, kind: "line", values: axis.spread(2 * at, train.values, "live", train.non_finite) });
    if (evaluation) lines.push({ label: `${run}: ${say("evaluation")}`, colour, kind: "points", joined: !train, partner: train ? run : null, values: axis.spread(2 * at + 1, evaluation.values) });
    return lines;
  });
}

showCharts();
poll.now();
