// The head of a channel: what this is, and what to try first.
import { h, put } from "./dom.js";

// First steps, as the demo's policy will decide them. A line is typed; a press is a
// button on the page to look for; a tool is one of the world tray, and minutes move its
// clock.
const STEPS = [
  { line: "/autoscale llama-70b production max=7", as: "U0ANA", what: "The model is at its limit: raise it. On call may, up to 8." },
  { line: '/autoscale llama-70b production max=12 reason="launch at noon"', as: "U0ANA", what: "Ask for more: a team lead has to agree." },
  { press: "Approve", as: "U0LEA", what: "Be that lead, and press it on the card." },
  { line: "/autoscale undo ", as: "U0ANA", what: "Take it back: completion offers its number." },
  { line: "/autoscale llama-70b staging min=1 for=1h", as: "U0BEN", what: "Only for an hour. Staging wants a second look of your own." },
  { press: "Confirm", as: "U0BEN", what: "Take that look, and press it on the card." },
  { minutes: 60, name: "Move the clock by 1 h", what: "The hour is over: staging goes back by itself, and the thread says so." },
  { line: '/autoscale llama-70b production max=20 break-glass reason="customers are waiting"', as: "U0ANA", what: "Nobody is there to agree: do it all the same. It is announced in #scaling-alarms." },
  { tool: "terraform", name: "Terraform puts it back", what: "The old settings are written over all of it. The threads say so." },
  { line: "/autoscale llama-70b production min=0", as: "U0LEA", what: "Ask for what the policy forbids, even to leads." },
  { line: "/autoscale llama-70b prodction max=5", what: "Mistype: nothing is guessed." },
  { line: "/autoscale status llama-70b", what: "Look before you ask." },
  { line: '/autoscale freeze llama-70b for=2h reason="launch"', as: "U0LEA", what: "Nobody changes it for two hours, but who may freeze can thaw it." },
];

let shown = "";

// drawIntro shows where one is. act is {fill(text), as(id), find(label), use(tool),
// move(minutes)}.
export function drawIntro(el, channel, state, act) {
  const signature = JSON.stringify([channel, state.me]);
  if (signature === shown) return;
  shown = signature;
  const here = channel.id === state.channels[0].id; // where they are meant to be tried
  put(el, h("div", { class: "intro" },
    h("h2", {}, channel.kind === "direct" ? `You and ${state.team.bot_name}` : `This is #${channel.name}`),
    here ? h("p", {}, "A small workspace to try the bot in: the real bot, a simulated Slack, and a simulated Baseten on the side. ",
      "You can be anybody, and break anything.") : h("p", {}, channel.topic),
    here && h("h3", {}, "Try, from the top"),
    here && h("ol", { class: "steps" }, STEPS.map((s) => step(s, state, act)))));
}

function step(s, state, act) {
  const name = (id) => state.people.find((p) => p.id === id)?.name;
  const other = s.as && s.as !== state.me;
  const be = () => other ? act.as(s.as) : Promise.resolve();
  const go = s.line ? () => be().then(() => act.fill(s.line)) : s.press ? () => be().then(() => act.find(s.press)) : s.minutes ? () => act.move(s.minutes) : () => act.use(s.tool);
  return h("li", {},
    h("button", { type: "button", class: "step", onclick: go },
      s.line ? h("code", {}, s.line.trim()) : h("span", { class: "do" }, s.press ? `Find the ${s.press} button` : s.name)),
    h("span", { class: "what" }, s.what, other && h("span", { class: "dim" }, ` (as ${name(s.as)})`)));
}

// ideas brings the first steps back into sight.
export function ideas(el) {
  el.scrollIntoView({ block: "start" });
  el.querySelector(".step")?.focus({ preventScroll: true });
}
