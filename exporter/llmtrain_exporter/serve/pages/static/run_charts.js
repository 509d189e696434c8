// The charts of one run, over its steps or over time.

import { ChartSet } from "./chart.js";
import { Axis, linesOf, placeOf, rangesOf } from "./lines.js";
import { drawing, element } from "./elements.js";
import { count } from "./numbers.js";
import { say } from "./words.js";

/** `wanted()`: called when more detail of what is zoomed into would help. */
export class RunCharts {
  constructor(place, wanted) {
    this.place = place;
    this.wanted = wanted;
    this.marks = null; // what is to be seen beside the lines
    this.history = null;
    this.finer = null; // more of the history, of what is zoomed into
    this.time = false;
    this.drawn = ""; // which charts there are
    this.plots = new Map();
    this.timer = 0;
    this.set = new ChartSet((range) => this.zoomed(range));
    this.wholeButton = element("button", { type: "button", disabled: true, onclick: () => this.set.zoom(null) }, say("whole"));
    this.axisButtons = ["step", "time"].map((which) =>
      element("button", { type: "button", onclick: () => this.turn(which === "time") }, say(`over_${which}`)),
    );
    this.thinned = element("span", { class: "dim", role: "status" });
    this.groups = element("div", {});
  }

  /** Say something in the place of charts, or beside those that are there. */
  tell(text) {
    if (this.groups.isConnected) this.thinned.textContent = text;
    else this.place.replaceChildren(element("p", { class: "dim", role: "status" }, text));
  }

  show(marks, history) {
    this.marks = marks;
    this.set.unit = marks.unit;
    this.axisButtons[0].textContent = say(`over_${marks.unit}`);
    this.history = history;
    if (this.set.range && !history.exact) this.wanted();
    else this.draw();
  }

  showFiner(history) {
    if (!this.set.range) return;
    this.finer = history;
    this.draw();
  }

  /** The steps that are zoomed into. */
  get steps() {
    const [from, to] = this.set.range ?? [0, 0];
    if (!this.time) return [Math.floor(from), Math.ceil(to)];
    const { steps, times } = this.history;
    return [from, to].map((place) => {
      const at = times.findIndex((time) => time >= place);
      return steps[at === -1 ? steps.length - 1 : at];
    });
  }

  /** Show these steps, with some room on both sides. */
  zoomTo(first, last) {
    if (!this.history) return;
    const begin = this.marks.first ?? 0;
    const end = Math.max(this.marks.last ?? 1, begin + 1);
    const room = Math.max((last - first) * 0.5, (end - begin) * 0.02, 3);
    const place = (step) => placeOf(this.history, this.time, step);
    const range = [place(Math.max(first - room, begin)), place(Math.min(last + room, end))];
    this.set.zoom(range[1] > range[0] ? range : null);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.place.scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  }

  zoomed(range) {
    this.wholeButton.disabled = range === null;
    this.finer = null;
    clearTimeout(this.timer);
    if (range && this.history && !this.history.exact) this.timer = setTimeout(() => this.wanted(), 250);
    else this.draw();
  }

  turn(time) {
    this.time = time;
    this.finer = null;
    this.set.range = null;
    this.wholeButton.disabled = true;
    this.drawn = "";
    this.draw();
  }

  draw() {
    if (!this.history) return;
    const shown = this.finer ?? this.history;
    this.time &&= shown.times !== null;
    const axis = new Axis([shown, shown.evaluations], this.time);
    this.set.time = this.time;
    this.set.x = axis.x;
    this.set.backdrop = this.backdrop();
    this.thinned.textContent = shown.exact ? "" : say("thinned", { n: count(shown.steps.length), records: count(shown.records) });
    const specs = this.specs(shown, axis);
    const layout = JSON.stringify([this.time, specs.map((group) => [group.group, group.charts.map((chart) => chart.id)])]);
    if (layout !== this.drawn) this.layOut(specs);
    else for (const group of specs) for (const chart of group.charts) this.plots.get(chart.id).update(chart);
    this.drawn = layout;
    this.axisButtons.forEach((button, at) => button.setAttribute("aria-pressed", String((at === 1) === this.time)));
  }

  specs(shown, axis) {
    const peaks = this.peaks();
    return this.history.groups.map((group) => ({
      ...group,
      charts: group.charts.map((chart) => ({
        ...chart,
        ...rangesOf(chart, shown),
        lines: linesOf(chart, shown, axis, peaks),
      })),
    }));
  }

  /** Where the signals of a series were worst, by its name. */
  peaks() {
    const peaks = new Map();
    for (const { series, step, value, severity } of this.marks.peaks) {
      const known = peaks.get(series) ?? [];
      known.push([placeOf(this.history, this.time, step), value, severity]);
      peaks.set(series, known);
    }
    return peaks;
  }

  backdrop() {
    const { history, time, marks } = this;
    const place = (step) => placeOf(history, time, step);
    const end = time ? history.times.at(-1) : history.steps.reduce((most, step) => Math.max(most, step), 0);
    return {
      spans: marks.incidents.map(({ from, to }) => [place(from), to === null || to < from ? end : place(to)]),
      lines: marks.resumes.map(({ from, to }) => (time ? this.timeOfFall(from, to) : to)),
      acts: marks.guard.map(place),
    };
  }

  /** The time at which the steps went back. */
  timeOfFall(from, to) {
    const { steps, times } = this.history;
    const at = steps.findIndex((step, row) => row > 0 && step < steps[row - 1] && step <= to + 1 && steps[row - 1] >= from - 1);
    return times[Math.max(at, 0)];
  }

  layOut(specs) {
    if (!this.groups.isConnected) this.build();
    const open = new Set([...this.groups.querySelectorAll("details[open]")].map((details) => details.dataset.group));
    this.set.clear();
    this.plots.clear();
    this.groups.replaceChildren(...specs.map((group) => chartGroup(group, open, (spec) => this.add(spec))));
  }

  add(spec) {
    const plot = this.set.add(spec);
    this.plots.set(spec.id, plot);
    return plot;
  }

  build() {
    const times = this.history.times !== null;
    this.axisButtons[1].disabled = !times;
    this.axisButtons[1].title = times ? "" : say("no_times");
    const axis = element("div", { class: "group", role: "group", "aria-label": say("axis") }, ...this.axisButtons);
    this.place.replaceChildren(
      element("div", { class: "tools" }, element("h2", {}, this.place.getAttribute("aria-label")), axis, this.wholeButton, this.thinned),
      keys(this.marks),
      element("p", { class: "skip", id: "chart-keys" }, say("chart_keys")),
      this.groups,
    );
  }
}

/** Charts under their heading; groups that few look at are folded. */
export function chartGroup(group, open, add) {
  const grid = element("div", { class: "chart-grid" }, ...group.charts.map((spec) => add(spec).figure));
  if (!group.folded) return element("div", { class: "chart-group" }, element("h3", {}, group.title), grid);
  const summary = element("summary", {}, `${group.title} (${group.charts.length})`);
  return element("details", { class: "chart-group", "data-group": group.group, open: open.has(group.group) }, summary, grid);
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
