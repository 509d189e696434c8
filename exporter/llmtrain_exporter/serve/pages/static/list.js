// The list of runs: the server draws it, this keeps it up to date and asks for it as one types and chooses.

import { countOn } from "./ages.js";
import "./page.js";
import { Poll, address } from "./poll.js";
import { swap } from "./swap.js";
import { say } from "./words.js";

const FILTERS = ["search", "health", "state", "profile", "group"];

const list = document.getElementById("list");
const chosen = new Set(); // names of runs, on whichever page of the list they stand
const part = (id) => document.getElementById(id);
const compareWord = part("compare-button").textContent;
const control = (name) => part("filters").elements[name];

const poll = new Poll(
  () => `fragment/list${location.search}`,
  (markup) => {
    swap(list, markup);
    countOn();
    showChoice();
  },
);

/** Ask something else: the address follows, so that it can be kept and gone back to. */
function askFor(changes, way = "replace") {
  const asked = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries({ offset: "", ...changes })) {
    asked.delete(key);
    for (const one of [value].flat()) if (one) asked.append(key, one);
  }
  const here = String(asked) ? `?${asked}` : "./";
  if (way === "push") history.pushState(null, "", here);
  else history.replaceState(null, "", here);
  poll.now();
}

/** Where a link of the list leads is asked for; what was typed since it was drawn stays. */
function follow(link) {
  const { searchParams } = new URL(link.href);
  askFor(Object.fromEntries(["sort", "order", "offset", "pin"].map((key) => [key, searchParams.getAll(key)])), link.dataset.swap);
  if (link.dataset.swap === "push") part("main").focus();
}

function showChoice() {
  for (const box of list.querySelectorAll("input[name=run]")) box.checked = chosen.has(box.value);
  part("compare-button").textContent = chosen.size ? say("compare_chosen", { n: chosen.size }) : compareWord;
  part("compare-button").disabled = chosen.size < 2;
  part("clear").hidden = chosen.size === 0;
}

let typing = 0;
list.addEventListener("input", ({ target }) => {
  if (target !== control("search")) return;
  clearTimeout(typing);
  typing = setTimeout(() => askFor({ search: target.value.trim() }), 80);
});
list.addEventListener("change", ({ target }) => {
  if (target.name === "column") {
    askFor({ column: [...part("columns").querySelectorAll(":checked")].map((box) => box.value) });
  } else if (target.name === "run") {
    if (target.checked) chosen.add(target.value);
    else chosen.delete(target.value);
    showChoice();
  } else if (target.matches("select")) {
    askFor({ [target.name]: target.value });
  }
});
list.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target === part("filters")) askFor({ search: control("search").value.trim() });
  else if (chosen.size > 1) location.assign(address("compare", { run: [...chosen] }));
});
list.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    follow(link);
  } else if (event.target === part("clear")) {
    chosen.clear();
    showChoice();
    part("compare-button").focus();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  control("search").focus();
});
window.addEventListener("popstate", () => {
  const asked = new URLSearchParams(location.search);
  for (const name of FILTERS) if (control(name)) control(name).value = asked.get(name) ?? "";
  const columns = asked.getAll("column").join().split(",");
  for (const box of part("columns").querySelectorAll("input")) box.checked = columns.includes(box.value);
  poll.now();
});

for (const box of list.querySelectorAll("input[name=run]:checked")) chosen.add(box.value); // kept by the browser over a reload
showChoice();
poll.now();
