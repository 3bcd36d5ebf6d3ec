// The trays of the top strip: faults, and the bot.
import { h, icon, keyed, put } from "./dom.js";

const SIDES = { slack: "Slack", baseten: "Baseten" };

// drawFaults shows the switches of both sides; turn(side, name, on) turns one.
export function drawFaults(switches, turn) {
  const all = Object.keys(SIDES).flatMap((side) => switches[side].map((s) => ({ side, ...s })));
  const on = all.filter((s) => s.on);
  const button = document.getElementById("faults-button");
  put(button, icon("bolt"), "Faults", on.length > 0 && h("span", { class: "badge" }, String(on.length)));
  button.classList.toggle("hot", on.length > 0);

  const tray = document.getElementById("fault-tray");
  if (tray.childElementCount === 0) {
    put(tray, h("h2", {}, "Faults"), h("p", { class: "dim" }, "Break something, then make a request, and see what the thread says."),
      h("div", { class: "sides" }, Object.entries(SIDES).map(([side, name]) => h("section", { "aria-label": name },
        h("h3", {}, name), h("div", { dataset: { side } })))));
  }
  for (const side of Object.keys(SIDES)) {
    const inOrder = switches[side].toSorted((a, b) => a.momentary - b.momentary);
    keyed(tray.querySelector(`[data-side=${side}]`), inOrder, (s) => s.name, (s) => s.text, (s) => s.momentary
      ? h("button", { type: "button", class: "once", onclick: () => turn(side, s.name, true) }, icon("once"), h("span", {}, s.text))
      : h("button", {
        type: "button", class: "switch", role: "switch",
        onclick: (e) => turn(side, s.name, e.currentTarget.getAttribute("aria-checked") !== "true"),
      }, h("span", { class: "knob", "aria-hidden": "true" }), h("span", {}, s.text)));
    for (const s of switches[side].filter((each) => !each.momentary)) {
      [...tray.querySelectorAll(`[data-side=${side}] > *`)].find((el) => el.dataset.key === s.name).setAttribute("aria-checked", String(s.on));
    }
  }

  keyed(document.getElementById("active-faults"), on, (s) => s.side + s.name, (s) => s.text, (s) => h("button", {
    type: "button", class: "fault", title: "Turn off", onclick: () => turn(s.side, s.name, false),
  }, h("span", {}, `${SIDES[s.side]}: ${s.text}`), icon("close")));
}

// drawBot shows how the bot is; turn(on) starts or stops it.
export function drawBot(bot, turn) {
  const connected = bot.connections > 0;
  const [kind, word] = bot.stopping ? ["busy", "Bot stopping"]
    : connected ? ["good", "Bot connected"]
    : bot.running ? ["busy", "Bot starting"]
      : bot.problem ? ["bad", "Bot ended"]
        : ["bad", "No bot"];
  put(document.getElementById("bot-status"), h("span", { class: "lamp " + kind, "aria-hidden": "true" }), word);
  put(document.getElementById("bot-tray"),
    h("h2", {}, "The bot"),
    h("p", {}, bot.stopping ? "It was told to stop: it finishes or hands on what is under way, and answers what it has acknowledged." : connected ? `It holds ${bot.connections} Socket Mode ${bot.connections === 1 ? "connection" : "connections"}.`
      : "It holds no connection: commands and clicks fail."),
    bot.problem && h("pre", {}, bot.problem),
    bot.switchable && [
      h("p", { class: "dim" }, "Stop it in the middle of a request and start it again: what it has acknowledged is finished or reported."),
      h("button", {
        type: "button", class: "btn" + (bot.running ? "" : " primary"), disabled: bot.stopping, onclick: () => turn(!bot.running),
      }, bot.stopping ? "Stopping…" : bot.running ? "Stop the bot" : "Start the bot"),
    ]);
}
