// Light and dark colours: the system's choice, or the toggle's.
import { icon, put } from "./dom.js";

const $ = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  const chosen = localStorage.getItem("theme");
  const isDark = chosen ? chosen === "dark" : dark.matches;
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  put($("theme"), icon(isDark ? "sun" : "moon"));
  $("theme").setAttribute("aria-label", isDark ? "Use light colours" : "Use dark colours");
}

$("theme").addEventListener("click", () => {
  const isDark = (localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light")) === "dark";
  localStorage.setItem("theme", isDark ? "light" : "dark");
  paint();
});
dark.addEventListener("change", paint);
paint();
