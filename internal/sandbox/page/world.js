// The world tray: what can happen around the bot, and the clock.
import { h, icon, keyed, put } from "./dom.js";
import { aheadBy, now } from "./text.js";

const JUMPS = [[10, "+10 min"], [60, "+1 h"], [24 * 60, "+1 day"]];

// drawWorld shows the tools; use(name, on) uses one, and move(minutes) moves the clock.
export function drawWorld(tools, use, move) {
  const on = tools.filter((t) => t.on);
  put(document.getElementById("world-button"), icon("globe"), "World", on.length > 0 && h("span", { class: "badge" }, String(on.length)));
  document.getElementById("world-button").classList.toggle("hot", on.length > 0);
  const tray = document.getElementById("world-tray");
  if (tray.childElementCount === 0) {
    put(tray, h("h2", {}, "World"), h("p", { class: "dim" }, "What happens around the bot. Nothing here is a fault; see Faults for those."),
      h("section", { class: "clock-row", "aria-label": "Time" },
        h("div", {}, h("p", { class: "clock", id: "clock" }), h("p", { class: "dim" }, "Moves Slack, Baseten and the bot forward together: requests expire, reminders come, schedules begin, temporary changes and freezes end.")),
        h("div", { class: "jumps" }, JUMPS.map(([minutes, name]) => h("button", { type: "button", class: "btn", onclick: () => move(minutes) }, name)))),
      h("div", { class: "groups" }));
  }
  document.getElementById("clock").textContent = new Intl.DateTimeFormat(undefined, { weekday: "long", hour: "2-digit", minute: "2-digit" }).format(now())
    + (aheadBy() ? `, ${aheadBy()} ahead` : "");
  const groups = [...new Set(tools.map((t) => t.group))];
  keyed(tray.querySelector(".groups"), groups, (g) => g, (g) => g, (g) => h("section", { "aria-label": g }, h("h3", {}, g), h("div", {})));
  for (const section of tray.querySelectorAll(".groups > section")) {
    const own = tools.filter((t) => t.group === section.dataset.key);
    keyed(section.querySelector("div"), own, (t) => t.name, (t) => [t.label, t.text], (t) => tool(t, use));
    for (const t of own) update([...section.querySelector("div").children].find((el) => el.dataset.key === t.name), t);
  }
  keyed(document.getElementById("active-world"), on, (t) => t.name, (t) => t.label, (t) => h("button", {
    type: "button", class: "fault", title: "Turn off", onclick: () => use(t.name, false),
  }, h("span", {}, t.label), icon("close")));
}

function tool(t, use) {
  const words = h("span", { class: "words" }, h("span", { class: "what" }, t.label), h("span", { class: "dim line" }, t.text));
  if (t.once) return h("button", { type: "button", class: "once", onclick: () => use(t.name, true) }, icon("once"), words);
  return h("button", {
    type: "button", class: "switch", role: "switch", onclick: (e) => use(t.name, e.currentTarget.getAttribute("aria-checked") !== "true"),
  }, h("span", { class: "knob", "aria-hidden": "true" }), words);
}

function update(el, t) {
  if (!t.once) el.setAttribute("aria-checked", String(t.on));
  el.disabled = Boolean(t.idle);
  el.querySelector(".line").textContent = t.idle || t.text;
}
