// The list of runs: as the server wrote it, made live.

import { Poll, address, ageElement, age, badge, count, drawing, element, number, patch, progressElements, say } from "./page.js";

const filters = document.getElementById("filters");
const table = document.getElementById("runs");
const body = table.tBodies[0];
const matching = document.getElementById("matching");
const empty = document.getElementById("empty");
const pages = document.getElementById("pages");
const compareForm = document.getElementById("compare");
const compareButton = document.getElementById("compare-button");
const clearButton = document.getElementById("clear");

const WIDTH = 120;
const HEIGHT = 24;
const LIMIT = 100;
const chosen = new Set();
const rows = new Map(); // run -> its row, and of what it was made
let question = questionHere();

function questionHere() {
  const given = new URLSearchParams(location.search);
  const asked = { sort: "", order: "", offset: "", search: "", health: "", state: "", profile: "" };
  for (const key of Object.keys(asked)) asked[key] = given.getAll(key).filter(Boolean).join(",");
  return asked;
}

function asked() {
  return { ...question, limit: LIMIT };
}

/** Ask something else: the address follows, so that it can be kept and gone back to. */
function askFor(changes, { replace = true } = {}) {
  question = { ...question, offset: "", ...changes };
  const here = address("", question);
  if (replace) history.replaceState(null, "", here);
  else history.pushState(null, "", here);
  showOrder();
  poll.now();
}

function course(line) {
  if (!line || line.values.length < 2) return [];
  const { values, metric } = line;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const scale = high > low ? (HEIGHT - 4) / (high - low) : 0;
  const points = values
    .map((value, at) => `${((WIDTH * at) / (values.length - 1)).toFixed(1)},${(HEIGHT - 2 - (value - low) * scale).toFixed(1)}`)
    .join(" ");
  const told = say("course_of", {
    metric: say(`course_${metric}`),
    first: number(values[0]),
    last: number(values.at(-1)),
  });
  const picture = drawing(
    "svg",
    {
      class: `spark ${metric}`,
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": told,
      preserveAspectRatio: "none",
    },
    drawing("polyline", { points }),
  );
  return [picture];
}

function what(run) {
  if (run.signal) return element("span", { class: "what" }, run.signal.title);
  if (run.earlier) return element("span", { class: "what dim" }, say("earlier", { title: run.earlier }));
  return null;
}

function row(run) {
  const pick = element("input", {
    type: "checkbox",
    name: "run",
    form: "compare",
    value: run.run,
    "aria-label": say("pick", { run: run.run }),
    onchange: () => choose(run.run, pick.checked),
  });
  pick.checked = chosen.has(run.run);
  const cell = (name, ...children) => element("td", { role: "cell", class: `c-${name}` }, ...children);
  return element(
    "tr",
    { role: "row" },
    cell("pick", pick),
    element(
      "th",
      { role: "rowheader", scope: "row", class: "c-run" },
      element("a", { href: address("run", { run: run.run }) }, run.run),
      element("small", {}, run.profile),
    ),
    cell("health", badge(run.health), " ", what(run)),
    cell("state", say(`state.${run.state}`)),
    cell("progress", ...progressElements(run.last_step, run.max_steps, run.progress)),
    cell("left", run.remaining_seconds === null ? "" : age(run.remaining_seconds)),
    cell("course", ...course(run.sparkline)),
    cell("last_record", run.last_record_timestamp === null ? "" : ageElement(run.last_record_timestamp)),
  );
}

/** Rows that are still the same stay, with the focus that may be in them. */
function showRows(runs) {
  const wanted = runs.map((run) => {
    const made = JSON.stringify(run);
    const known = rows.get(run.run);
    if (known?.made === made) return known.row;
    const fresh = row(run);
    if (known?.row.contains(document.activeElement)) keepFocus(known.row, fresh);
    rows.set(run.run, { made, row: fresh });
    return fresh;
  });
  const names = new Set(runs.map((run) => run.run));
  for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
  if (wanted.length !== body.rows.length || wanted.some((row, at) => body.rows[at] !== row)) {
    const focused = document.activeElement;
    body.replaceChildren(...wanted);
    if (body.contains(focused)) focused.focus({ preventScroll: true });
  }
}

function keepFocus(old, fresh) {
  const tag = document.activeElement.tagName;
  queueMicrotask(() => fresh.querySelector(tag === "A" ? "a" : "input")?.focus({ preventScroll: true }));
}

function showOptions(name, counts) {
  const select = filters.elements[name];
  const known = new Map([...select.options].map((option) => [option.value, option]));
  for (const [value, many] of Object.entries(counts)) {
    const text = `${say(`${name}.${value}`).replace(`${name}.`, "")} (${count(many)})`;
    const option = known.get(value) ?? select.appendChild(element("option", { value }));
    if (option.textContent !== text) option.textContent = text;
    known.delete(value);
  }
  for (const [value, option] of known) if (value && value !== select.value) option.remove();
}

function showPages(list) {
  pages.hidden = list.matching <= list.runs.length;
  const end = list.offset + list.runs.length;
  const turn = (name, offset, possible, relation) =>
    possible
      ? element("a", {
          rel: relation,
          href: address("", { ...question, offset: offset || "" }),
        }, say(name))
      : element("span", { class: "dim" }, say(name));
  patch(pages, [
    turn("previous", Math.max(list.offset - LIMIT, 0), list.offset > 0, "prev"),
    element("span", {}, say("range", { first: list.offset + 1, last: end, n: count(list.matching) })),
    turn("next", end, end < list.matching, "next"),
  ]);
}


function showOrder() {
  const sort = question.sort || "health";
  for (const link of table.querySelectorAll("a[data-sort]")) {
    const head = link.parentElement;
    const current = link.dataset.sort === sort;
    if (current) head.setAttribute("aria-sort", question.order === "desc" ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
    link.href = address("", { ...question, ...turned(link.dataset.sort) });
  }
}

function turned(sort) {
  const current = (question.sort || "health") === sort;
  return { sort: sort === "health" ? "" : sort, order: current && question.order !== "desc" ? "desc" : "", offset: "" };
}

function showChoice() {
  compareButton.textContent = chosen.size ? say("compare_chosen", { n: chosen.size }) : say("compare_button");
  compareButton.disabled = chosen.size < 2;
  clearButton.hidden = chosen.size === 0;
}

function choose(run, isChosen) {
  if (isChosen) chosen.add(run);
  else chosen.delete(run);
  showChoice();
}

let wasReady = null;

function show(list) {
  if (list.ready && wasReady === false) location.reload(); // the sentence above is the server's
  wasReady = list.ready;
  const said = list.matching === list.total ? "count" : "count_of";
  const text = say(said, { n: count(list.matching), total: count(list.total) });
  if (matching.textContent !== text) matching.textContent = text;
  for (const name of ["health", "state", "profile"]) showOptions(name, list.counts[name]);
  showRows(list.runs);
  showPages(list);
  empty.hidden = list.matching > 0;
  empty.textContent = list.matching ? "" : say(list.total ? "none_match" : "none_yet");
}

const poll = new Poll(() => ["api/v1/list", asked()], show);

let typing = 0;
filters.elements.search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => askFor({ search: filters.elements.search.value.trim() }), 80);
});
for (const name of ["health", "state", "profile"]) {
  filters.elements[name].addEventListener("change", (event) => askFor({ [name]: event.target.value }));
}
filters.addEventListener("submit", (event) => {
  if (event.submitter === compareButton) return;
  event.preventDefault();
  askFor({ search: filters.elements.search.value.trim() });
});
table.tHead.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-sort]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  askFor(turned(link.dataset.sort));
});
pages.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  askFor({ offset: new URL(link.href).searchParams.get("offset") ?? "" }, { replace: false });
  document.getElementById("main").focus();
});
compareForm.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen.size > 1) location.assign(address("compare", { run: [...chosen] }));
});
clearButton.addEventListener("click", () => {
  chosen.clear();
  for (const box of body.querySelectorAll("input:checked")) box.checked = false;
  showChoice();
  compareButton.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  filters.elements.search.focus();
});
window.addEventListener("popstate", () => {
  question = questionHere();
  for (const name of ["search", "health", "state", "profile"]) filters.elements[name].value = question[name];
  showOrder();
  poll.now();
});

for (const box of body.querySelectorAll("input:checked")) chosen.add(box.value); // kept by the browser over a reload
showOrder();
showChoice();
poll.now();
