// The head of a channel: what this is, and what to try first.
import { h, put } from "./dom.js";

// First steps, as the demo's policy will decide them.
const STEPS = [
  { line: "/autoscale llama-70b production max=7", as: "U0ANA", what: "The model is at its limit: raise it. On call may, up to 8." },
  { line: "/autoscale llama-70b production max=12", as: "U0ANA", what: "Ask for more: a team lead has to approve. Then act as Lea." },
  { line: "/autoscale llama-70b production min=0", as: "U0LEA", what: "Ask for what the policy forbids, even to leads." },
  { line: "/autoscale llama-70b prodction max=5", what: "Mistype: nothing is guessed." },
  { line: "/autoscale status llama-70b", what: "Look before you ask." },
];

let shown = "";

// drawIntro shows where one is. act is {fill(text), as(id)}.
export function drawIntro(el, channel, state, act) {
  const signature = JSON.stringify([channel, state.me]);
  if (signature === shown) return;
  shown = signature;
  const name = (id) => state.people.find((p) => p.id === id)?.name;
  put(el, h("div", { class: "intro" },
    h("h3", {}, channel.kind === "direct" ? `You and ${state.team.bot_name}` : `This is #${channel.name}`),
    h("p", {}, "A small workspace to try the bot in: the real bot, a simulated Slack, and a simulated Baseten on the side. ",
      "You can be anybody, and break anything."),
    h("h4", {}, "Try"),
    h("ul", { class: "steps" }, STEPS.map((s) => h("li", {},
      h("button", {
        type: "button", class: "step",
        onclick: () => { if (s.as && s.as !== state.me) act.as(s.as); act.fill(s.line); },
      }, h("code", {}, s.line)),
      h("span", { class: "what" }, s.what, s.as && s.as !== state.me && h("span", { class: "dim" }, ` (as ${name(s.as)})`)))))));
}

// ideas brings the first steps back into sight.
export function ideas(el) {
  el.scrollIntoView({ block: "start" });
  el.querySelector(".step")?.focus({ preventScroll: true });
}
