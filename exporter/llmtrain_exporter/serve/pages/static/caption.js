// The head of a chart: what it is called and means, and what can be done with it.

import { saveCsv, savePng } from "./download.js";
import { element } from "./elements.js";
import { say } from "./words.js";

/** The parts above a plot, and its buttons that change: {parts, log, pin}. */
export function caption(plot) {
  const { title, name, meaning } = plot.spec;
  const explained = element("p", { class: "meaning", hidden: true }, meaning);
  const about = unfolds("?", say("about", { title }), explained, meaning);
  const saving = element(
    "p",
    { class: "saving", hidden: true },
    element("button", { type: "button", onclick: () => saveCsv(title, plot.set.histories(), plot.spec.names) }, "CSV"),
    element("button", { type: "button", onclick: () => savePng(plot) }, "PNG"),
  );
  const save = unfolds("↓", `${say("download")}: ${title}`, saving, say("download"));
  const log = button(say("log"), `${say("logarithmic")}: ${title}`, say("logarithmic"), () => plot.turnScale());
  const pin = button("☆", `${say("pin")}: ${title}`, say("pin"), () => plot.set.pin(plot.spec.id));
  const head = element(
    "figcaption",
    {},
    element("h4", {}, title),
    element("span", { class: "side" }, log, save, pin, meaning ? about : null),
    name && name !== title ? element("code", {}, name) : null,
  );
  return { parts: [head, explained, saving], log, pin };
}

/** A button that shows and hides what stands below the head. */
function unfolds(text, label, shown, title) {
  const made = button(text, label, title, () => {
    shown.hidden = !shown.hidden;
    made.setAttribute("aria-expanded", String(!shown.hidden));
  });
  made.setAttribute("aria-expanded", "false");
  return made;
}

function button(text, label, title, onclick) {
  return element("button", { type: "button", class: "quiet", "aria-label": label, title, onclick }, text);
}
