// Charts with the tools above them, as a run's page and a comparison have them.

import { ChartSet } from "./chart.js";
import { saveCsv } from "./download.js";
import { element } from "./elements.js";
import { matching } from "./matching.js";
import { count } from "./numbers.js";
import { smoothed } from "./smooth.js";
import { Tools } from "./tools.js";
import { View } from "./view.js";
import { say } from "./words.js";

/**
 * `owner`: whose charts they are. It is told of a zoom or of another axis (`zoomed(range)`), after which it calls
 * `show`, and knows all values (`histories()`: [name, history] of each run). `axes`: what they may be drawn over.
 */
export class Board {
  constructor(place, owner, axes) {
    this.place = place;
    this.owner = owner;
    this.view = new View();
    this.there = ["step"]; // the axes that these charts have
    this.given = []; // groups of charts, all of them
    this.found = null; // the charts that match the filter, by id; null: all
    this.asked = ""; // what the filter was asked last
    this.outside = null; // a zoom, of an address, into what there is not
    this.drawn = ""; // which charts there are
    this.plots = new Map();
    this.set = new ChartSet(this.view, {
      zoomed: (range) => this.zoomed(range),
      pin: (id) => this.pin(id),
      histories: () => owner.histories(),
    });
    this.tools = new Tools(this, axes);
    this.groups = element("div", {});
  }

  /** What the charts are drawn over: what was chosen, where there is that. */
  get axis() {
    return this.there.includes(this.view.x) ? this.view.x : "step";
  }

  get isLogarithmic() {
    return this.view.logX && this.axis !== "time";
  }

  /** Put it into its place. `beside`: what stands between the tools and the charts. */
  build(...beside) {
    const keys = element("p", { class: "skip", id: "chart-keys" }, say("chart_keys"));
    this.place.replaceChildren(this.tools.element, ...beside, keys, this.groups);
  }

  get isBuilt() {
    return this.groups.isConnected;
  }

  /** Say something beside the tools, behind what is to be said of the axis. */
  tell(text) {
    this.tools.told.textContent = [...this.remarks(), text].filter(Boolean).join(" ");
  }

  *remarks() {
    const { set, outside } = this;
    if (outside) yield say("zoom_outside", { from: set.place(outside[0]), to: set.place(outside[1]) });
    if (set.placeless) yield say("log_x_missing", { n: count(set.placeless) });
  }

  /** What the charts are drawn over. `whole`: the axis of all that there is, where `axis` is of a part of it. */
  over(axis, whole = axis) {
    Object.assign(this.set, { axis: this.axis, isLogarithmic: this.isLogarithmic, x: axis.x, whole: whole.ends, placeless: whole.placeless });
  }

  /** All is there that there is: what an address wants to see beside it is told, and the whole shown. */
  settle() {
    const { view, set } = this;
    const [first, last] = set.whole;
    if (!view.range || !set.x.length || (view.range[0] <= last && view.range[1] >= first)) return;
    this.outside = view.range;
    view.range = null;
    view.keep();
  }

  turn(axis) {
    this.view.x = axis;
    this.view.range = null;
    this.drawn = "";
    this.zoomed(null);
  }

  zoomed(range) {
    this.outside = null;
    this.owner.zoomed(range);
    this.tools.show();
    this.view.keep();
  }

  pin(id) {
    this.view.pin(id);
    if (!this.view.pins.size) this.view.only = false;
    this.draw();
    this.plots.get(id)?.pinButton.focus();
  }

  filter(pattern) {
    this.view.filter = pattern;
    this.draw();
  }

  saveAll() {
    const names = this.chosen().flatMap((group) => group.charts.flatMap((chart) => chart.names));
    return saveCsv(document.title, this.owner.histories(), [...new Set(names)]);
  }

  /** Draw anew what was given, after another choice. */
  draw() {
    this.show(this.given, this.there);
    this.view.keep();
  }

  /** Show these charts, in their groups: new values for those that are there already. */
  show(groups, there) {
    this.given = groups;
    this.there = there;
    this.tools.show(there);
    this.match();
    const specs = this.chosen();
    const layout = JSON.stringify([this.axis, specs.map((group) => [group.group, group.folded, group.charts.map((chart) => chart.id)])]);
    if (layout !== this.drawn) this.layOut(specs);
    else for (const group of specs) for (const chart of group.charts) this.plots.get(chart.id).update(chart);
    this.drawn = layout;
  }

  /** What is pinned in front, then what matches. */
  chosen() {
    const { view } = this;
    const all = this.given.flatMap((group) => group.charts);
    const pinned = [...view.pins].map((id) => all.find((chart) => chart.id === id)).filter(Boolean);
    const lets = ({ id }) => !view.pins.has(id) && (this.found === null || this.found.has(id));
    const matched = this.given.map((group) => ({ ...group, folded: group.folded && !view.filter, charts: group.charts.filter(lets) }));
    const groups = [{ group: "pinned", title: say("pinned"), charts: pinned }, ...(view.only && pinned.length ? [] : matched)];
    const smooth = (chart) => ({ ...chart, lines: smoothed(chart.lines, view.smooth) });
    return groups.filter((group) => group.charts.length).map((group) => ({ ...group, charts: group.charts.map(smooth) }));
  }

  /** Ask which charts match, if that was not asked yet. */
  async match() {
    const charts = this.given.flatMap((group) => group.charts);
    const { filter } = this.view;
    const asked = filter ? JSON.stringify([filter, charts.map((chart) => chart.id)]) : "";
    if (asked === this.asked) return;
    this.asked = asked;
    let wrong = "";
    const found = !filter
      ? null
      : await matching(filter, charts.map((chart) => [chart.title, ...chart.names])).catch((error) => {
          wrong = error instanceof RangeError ? say("filter_slow") : say("filter_broken", { error: error.message });
          return null;
        });
    if (asked !== this.asked) return; // somebody went on typing
    this.tools.wrong.textContent = found?.length === 0 ? say("filter_none") : wrong;
    this.found = found && new Set(found.map((at) => charts[at].id));
    this.draw();
  }

  layOut(specs) {
    const open = new Set([...this.groups.querySelectorAll("details[open]")].map((details) => details.dataset.group));
    this.set.clear();
    this.plots.clear();
    this.groups.replaceChildren(...specs.map((group) => this.group(group, open)));
  }

  /** Charts under their heading; groups that few look at are folded. */
  group({ group, title, folded, charts }, open) {
    const grid = element("div", { class: "chart-grid" }, ...charts.map((spec) => this.add(spec).figure));
    if (!folded) return element("div", { class: "chart-group" }, element("h3", {}, title), grid);
    const summary = element("summary", {}, `${title} (${charts.length})`);
    return element("details", { class: "chart-group", "data-group": group, open: open.has(group) }, summary, grid);
  }

  add(spec) {
    const plot = this.set.add(spec);
    this.plots.set(spec.id, plot);
    return plot;
  }
}
