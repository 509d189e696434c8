// What every page does: its appearance is chosen, its ages count on.

import "./ages.js";
import { say } from "./words.js";

const THEMES = ["auto", "light", "dark"];
const themeButton = document.getElementById("theme");

function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function showTheme() {
  const name = say(`theme_${theme()}`);
  themeButton.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme()];
  themeButton.setAttribute("aria-label", `${say("theme")}: ${name}`);
  themeButton.title = `${say("theme")}: ${name}`;
}

function turnTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // it holds until the page is left
  }
  showTheme();
  document.dispatchEvent(new Event("theme"));
}

themeButton.hidden = false;
themeButton.addEventListener("click", turnTheme);
showTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));
document.documentElement.classList.add("scripted");
