// The charts of one run, over its steps or over time.

import { Axis, axesOf, over, placeOf, stepAt } from "./axis.js";
import { Board } from "./board.js";
import { drawing, element } from "./elements.js";
import { linesOf, rangesOf } from "./lines.js";
import { count } from "./numbers.js";
import { say } from "./words.js";

/** `wanted()`: called when more detail of what is zoomed into would help. */
export class RunCharts {
  constructor(place, run, wanted) {
    this.place = place;
    this.run = run;
    this.wanted = wanted;
    this.marks = null; // what is to be seen beside the lines
    this.history = null;
    this.finer = null; // more of the history, of what is zoomed into
    this.timer = 0;
    this.board = new Board(place, this, ["step", "epoch", "tokens", "time"]);
  }

  /** Say something in the place of charts, or beside those that are there. */
  tell(text) {
    if (this.board.isBuilt) this.board.tell(text);
    else this.place.replaceChildren(element("p", { class: "dim", role: "status" }, text));
  }

  show(marks, history) {
    this.marks = marks;
    this.board.set.unit = marks.unit;
    this.history = history;
    if (!this.board.isBuilt) this.build();
    this.draw();
    if (this.board.view.range && !history.exact) this.wanted();
  }

  build() {
    this.board.tools.axes.get("step").textContent = say(`over_${this.marks.unit}`);
    this.board.build(keys(this.marks));
  }

  showFiner(history) {
    if (!this.board.view.range) return;
    this.finer = { ...history, axes: this.history.axes };
    this.draw();
  }

  histories() {
    return [[this.run, this.history]];
  }

  /** The steps that are zoomed into. */
  get steps() {
    const [from, to] = this.board.view.range ?? [0, 0];
    if (this.board.axis === "step") return [Math.floor(from), Math.ceil(to)];
    return [from, to].map((place) => stepAt(this.history, this.board.axis, place));
  }

  /** Show these steps, with some room on both sides. */
  zoomTo(first, last) {
    if (!this.history) return;
    const begin = this.marks.first ?? 0;
    const end = Math.max(this.marks.last ?? 1, begin + 1);
    const room = Math.max((last - first) * 0.5, (end - begin) * 0.02, 3);
    const range = [Math.max(first - room, begin), Math.min(last + room, end)].map((step) => this.placeOf(step));
    this.board.set.zoom(range[1] > range[0] ? range : null);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.place.scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  }

  placeOf(step) {
    return placeOf(this.history, this.board.axis, step);
  }

  zoomed(range) {
    this.finer = null;
    clearTimeout(this.timer);
    if (range && this.history && !this.history.exact) this.timer = setTimeout(() => this.wanted(), 250);
    else this.draw();
  }

  draw() {
    if (!this.history) return;
    const { board } = this;
    const shown = this.finer ?? this.history;
    board.there = axesOf(this.history, "time");
    const axisOf = (history) => new Axis([[history, history], [history, history.evaluations]], board.axis, board.isLogarithmic);
    const axis = axisOf(shown);
    board.over(axis, shown === this.history ? axis : axisOf(this.history));
    board.settle();
    board.set.backdrop = this.backdrop(axis.x);
    board.tell(shown.exact ? "" : say("thinned", { n: count(shown.steps.length), records: count(shown.records) }));
    board.show(this.specs(shown, axis), board.there);
  }

  specs(shown, axis) {
    const peaks = this.peaks();
    const drawn = (chart) => ({ ...chart, names: chart.series, ...rangesOf(chart, shown), lines: linesOf(chart, shown, axis, this.board.axis, peaks) });
    return this.history.groups.map((group) => ({ ...group, charts: group.charts.map(drawn) }));
  }

  /** Where the signals of a series were worst, by its name. */
  peaks() {
    const peaks = new Map();
    for (const { series, step, value, severity } of this.marks.peaks) {
      const known = peaks.get(series) ?? [];
      known.push([this.placeOf(step), value, severity]);
      peaks.set(series, known);
    }
    return peaks;
  }

  backdrop([first]) {
    const { history, marks } = this;
    const place = (step) => Math.max(this.placeOf(step), first);
    const end = over(history, history, this.board.axis).reduce((most, x) => Math.max(most, x ?? most), first);
    return {
      spans: marks.incidents.map(({ from, to }) => [place(from), to === null || to < from ? end : place(to)]),
      lines: marks.resumes.map(({ from, to }) => (this.board.axis === "time" ? this.timeOfFall(from, to) : place(to))),
      acts: marks.guard.map(place),
    };
  }

  /** The time at which the steps went back. */
  timeOfFall(from, to) {
    const { steps, times } = this.history;
    const at = steps.findIndex((step, row) => row > 0 && step < steps[row - 1] && step <= to + 1 && steps[row - 1] >= from - 1);
    return times[Math.max(at, 0)];
  }
}

/** What the marks in the charts mean. */
function keys(marks) {
  const line = (colour, dash) =>
    drawing("path", { d: "M1 6h22", fill: "none", stroke: `var(--${colour})`, "stroke-width": 2, "stroke-dasharray": dash });
  const box = (colour, x, width) => drawing("rect", { x, y: 0, width, height: 12, fill: `var(--${colour})` });
  const mark = (picture, word) =>
    element("li", {}, drawing("svg", { viewBox: "0 0 24 12", "aria-hidden": "true" }, picture), say(word));
  return element(
    "ul",
    { class: "keys", "aria-label": say("legend") },
    mark(line("base", "4 3"), "own_level"),
    mark(line("watch", "5 2"), "limit_warning"),
    mark(line("broken", "5 2"), "limit_critical"),
    mark(box("fine", 10, 4), "key_healthy"),
    mark(drawing("path", { d: "M8 2h8l-4 8z", fill: "var(--broken)" }), "key_spike"),
    mark(drawing("circle", { cx: 12, cy: 6, r: 5, fill: "none", stroke: "var(--broken)", "stroke-width": 2 }), "key_peak"),
    mark(drawing("circle", { cx: 12, cy: 6, r: 3, fill: "none", stroke: "var(--s2)", "stroke-width": 2 }), "evaluation"),
    marks.incidents.length ? mark(box("band", 1, 22), "key_incident") : null,
    marks.resumes.length ? mark(line("info", "2 2"), "key_resume") : null,
    marks.guard.length ? mark(line("healthy", "5 2"), "key_guard") : null,
  );
}
