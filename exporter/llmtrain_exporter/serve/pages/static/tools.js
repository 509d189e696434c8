// What stands above charts: over what they are drawn, how smooth, which of them.

import { element } from "./elements.js";
import { SMOOTHEST } from "./view.js";
import { say } from "./words.js";

const TYPED = 150; // milliseconds after the last letter

/** The tools of a board, whose `view` they change. `axes`: those that there may be. */
export class Tools {
  constructor(board, axes) {
    const { view } = board;
    this.board = board;
    this.names = axes;
    this.axes = new Map(axes.map((axis) => [axis, element("button", { type: "button", onclick: () => board.turn(axis) }, say(`over_${axis}`))]));
    this.whole = element("button", { type: "button", disabled: view.range === null, onclick: () => board.set.zoom(null) }, say("whole"));
    this.logX = this.toggle(say("log_x"), "logX", () => board.turn(view.x));
    this.logY = this.toggle(say("log_y"), "logY", () => board.set.redraw());
    this.only = this.toggle(say("pinned_only"), "only", () => board.draw());
    this.told = element("span", { class: "dim", role: "status" });
    this.wrong = element("span", { class: "wrong", role: "status" });
    this.element = element(
      "div",
      { class: "tools" },
      element("h2", {}, board.place.getAttribute("aria-label")),
      element("div", { class: "group", role: "group", "aria-label": say("axis") }, ...this.axes.values()),
      this.whole,
      this.smoothing(),
      element("div", { class: "group", role: "group", "aria-label": say("logarithmic") }, this.logX, this.logY),
      element(
        "div",
        { class: "which" },
        this.filter(),
        this.only,
        element("button", { type: "button", title: say("download_all"), onclick: () => board.saveAll() }, "CSV"),
        this.told,
      ),
    );
  }

  smoothing() {
    const { view } = this.board;
    const shown = element("output", {}, String(view.smooth));
    const slider = element("input", {
      type: "range",
      min: 0,
      max: SMOOTHEST,
      step: 0.01,
      oninput: () => {
        view.smooth = Number(slider.value);
        shown.textContent = slider.value;
        this.board.draw();
      },
    });
    slider.value = view.smooth;
    return element("label", { class: "dim", title: say("smoothing_means") }, say("smoothing"), slider, shown);
  }

  filter() {
    let timer = 0;
    const box = element("input", {
      type: "search",
      placeholder: say("filter_charts"),
      "aria-label": say("filter_charts"),
      maxlength: 200,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.board.filter(box.value), TYPED);
      },
    });
    box.value = this.board.view.filter;
    return element("span", { class: "filter" }, box, this.wrong);
  }

  toggle(text, name, changed) {
    const { view } = this.board;
    return element("button", {
      type: "button",
      onclick: () => {
        view[name] = !view[name];
        changed();
        this.show();
        view.keep();
      },
    }, text);
  }

  /** Which axes there are, which is taken, and what is switched on. */
  show(there = this.there) {
    const { board } = this;
    this.there = there;
    for (const [axis, button] of this.axes) {
      button.hidden = !there.includes(axis);
      press(button, axis === board.axis);
    }
    this.whole.disabled = board.view.range === null;
    this.logX.disabled = board.axis === "time";
    press(this.logX, board.isLogarithmic);
    press(this.logY, board.view.logY);
    this.only.disabled = !board.view.pins.size;
    press(this.only, board.view.only);
  }
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", String(pressed));
}
