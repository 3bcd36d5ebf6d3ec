// The page: reads the state, draws it, and sends what people do.
import { h, icon, keyed, put } from "./dom.js";
import { drawMessages, avatar } from "./messages.js";
import { drawModels } from "./baseten.js";
import { composer } from "./composer.js";
import { confirmPress, drawView } from "./dialogs.js";
import { drawFaults, drawBot } from "./trays.js";
import { drawWorld } from "./world.js";
import { drawPolicy } from "./policy.js";
import { drawPings } from "./pings.js";
import { drawHome, homeTabs } from "./home.js";
import { openMenu } from "./menu.js";
import { follow, sent } from "./follow.js";
import { setNow } from "./text.js";
import { drawIntro, ideas } from "./intro.js";
import "./theme.js";

const $ = (id) => document.getElementById(id);

let state = null;                       // the last /state
const at = new URLSearchParams(location.hash.slice(1)); // as, channel, thread, tab: this window's own place
const histories = {};                   // lines sent, by person

// Requests for the state and their answers can overtake each other: only the
// answer to the last one counts.
let asked = 0, newest = null;

// refresh reads the state anew. Where it was overtaken it ends with the one that is newer.
function refresh() {
  newest = read(++asked);
  return newest;
}

async function read(n) {
  let answer;
  try {
    answer = await fetch("/state?as=" + encodeURIComponent(at.get("as") ?? ""));
  } catch {
    return offline();
  }
  const next = await answer.json();
  if (n !== asked) return newest;
  state = next;
  setNow(state.now);
  document.body.classList.remove("offline");
  draw();
}

function offline() {
  document.body.classList.add("offline");
  say("The sandbox has ended. Start it again with: go run ./cmd/sandbox");
}

// go moves this tab to another person, channel or thread.
function go(place) {
  for (const [key, value] of Object.entries(place)) value ? at.set(key, value) : at.delete(key);
  history.replaceState(null, "", "#" + at);
  if ("as" in place) return refresh();
  draw();
  return Promise.resolve();
}

// act does something as the present person, and promises null, or why it cannot
// be done.
async function act(deed) {
  let answer;
  try {
    answer = await fetch("/do", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ as: state.me, ...deed }),
    });
  } catch {
    offline();
    return "The sandbox has ended.";
  }
  return answer.status === 204 ? null : (await answer.json()).problem;
}

const attempt = async (deed) => say(await act(deed));

let toastTimer = 0;

function say(problem) {
  clearTimeout(toastTimer);
  $("toast").textContent = problem ?? "";
  if (problem) toastTimer = setTimeout(() => { $("toast").textContent = ""; }, 8000);
}

// --- what things are called ---

function names() {
  const index = Object.fromEntries(state.people.map((p, i) => [p.id, { ...p, app: p.id === state.team.bot_user_id, tint: state.actors.includes(p.id) ? state.actors.indexOf(p.id) : 6 }]));
  const person = (id) => index[id] ?? { id, name: id, tint: 6 };
  return {
    me: state.me,
    people: state.people.filter((p) => state.actors.includes(p.id)),
    channels: state.channels.filter((c) => c.kind !== "direct"),
    person,
    user: (id) => person(id).name,
    channel: (id) => state.channels.find((c) => c.id === id)?.name,
    place: (id) => { const c = state.channels.find((each) => each.id === id); return c ? title(c) : "elsewhere"; },
    group: (id) => state.usergroups.find((g) => g.id === id)?.handle,
  };
}

// Each person has a direct message with the app of their own.
const direct = () => at.get("channel")?.startsWith("D") ? state.channels.find((c) => c.kind === "direct") : undefined;
const channel = () => state.channels.find((c) => c.id === at.get("channel")) ?? direct() ?? state.channels[0];
const messages = () => state.messages[channel().id] ?? [];
const isReply = (m) => Boolean(m.thread_ts) && m.thread_ts !== m.ts;
const atHome = () => channel().kind === "direct" && at.get("tab") === "home";
const repliesTo = (m) => messages().filter((r) => r.thread_ts === m.ts && r.ts !== m.ts);

function context() {
  return {
    names: names(),
    press: async (m, button, element) => {
      if (!await confirmPress(button, { names: names() })) return;
      element.setAttribute("aria-busy", "true");
      const problem = await act({ action: "click", channel: m.channel, ts: m.ts, action_id: button.action_id, private: Boolean(m.ephemeral_for) });
      say(problem);
      setTimeout(() => element.removeAttribute("aria-busy"), problem ? 0 : 1200);
    },
  };
}

// inView is what forms and the Home tab need.
function inView() {
  return {
    ctx: { names: names() },
    confirm: (button) => confirmPress(button, { names: names() }),
    act: (view, block_id, action_id, value, values) => attempt({ action: "act", view: view.id, block_id, action_id, value, values }),
    suggest: (view, block_id, action_id, value, values) => attempt({ action: "suggest", view: view.id, block_id, action_id, value, values }),
    submit: (view, values) => attempt({ action: "submit", view: view.id, values }),
    close: (view) => attempt({ action: "close_view", view: view.id }),
  };
}

// shortcuts are the app's for one place: "global", or "message" with the message.
const shortcuts = (type, m) => state.team.shortcuts.filter((s) => s.type === type).map((s) => ({
  name: s.name, hint: state.team.bot_name,
  choose: () => attempt({ action: "shortcut", name: s.callback_id, channel: m?.channel ?? "", ts: m?.ts ?? "" }),
}));

// --- drawing ---

function draw() {
  document.title = `${title(channel())} · Autoscale sandbox`;
  $("team").textContent = state.team.name;
  drawPeople();
  drawChannels();
  drawChat();
  drawThread();
  drawModels($("models"), state.models);
  $("baseten-counts").textContent = `${count(state.counts.patches, "change")} in ${count(state.counts.requests, "call")} so far`;
  drawFaults(state.switches, (side, name, on) => attempt({ action: "switch", side, name, on }));
  drawBot(state.bot, (on) => attempt({ action: "bot", on }));
  drawWorld(state.world, (name, on) => attempt({ action: "world", name, on, channel: channel().id }), (minutes) => attempt({ action: "clock", minutes }));
  drawPolicy($("policy"), state.policy, (text) => act({ action: "policy", text }));
  drawPings($("pings"), state.pings, names());
  drawView(state.views.at(-1), inView());
  $("thread-form").hidden = $("thread").hidden;
  document.body.dataset.ready = "true";
}

const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const title = (c) => c.kind === "direct" ? state.team.bot_name : "#" + c.name;
const KIND_ICON = { public: "hash", private: "lock", shared: "share", direct: "chat" };

function drawPeople() {
  const people = names();
  keyed($("people"), state.actors, (id) => id, (id) => [id === state.me], (id) => {
    const p = people.person(id);
    const on = id === state.me;
    return h("button", {
      type: "button", class: "person", role: "radio", "aria-checked": String(on), tabindex: on ? 0 : -1,
      onclick: () => go({ as: id }), onkeydown: stepRadio,
    }, avatar(p, "small"), h("span", { class: "who" }, h("span", { class: "name" }, p.name), h("span", { class: "role" }, p.role)));
  });
}

// Arrow keys move through the people, as in any group of radio buttons.
function stepRadio(e) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
  if (!step) return;
  e.preventDefault();
  const to = state.actors.at((state.actors.indexOf(state.me) + step) % state.actors.length);
  at.set("as", to);
  history.replaceState(null, "", "#" + at);
  refresh().then(() => $("people").querySelector("[aria-checked=true]").focus());
}

function drawChannels() {
  const here = channel().id;
  keyed($("channels"), state.channels, (c) => c.id, (c) => [c, c.id === here, state.team], (c) => h("li", {},
    h("button", {
      type: "button", class: "channel", "aria-current": c.id === here ? "page" : undefined,
      onclick: () => { document.body.dataset.pane = "chat"; go({ channel: c.id, thread: null }); },
    }, icon(KIND_ICON[c.kind]), h("span", {}, c.kind === "direct" ? state.team.bot_name : c.name),
    !c.bot_in && h("span", { class: "note" }, "no bot"), c.kind === "shared" && h("span", { class: "note" }, "shared"))));
}

let homeOf = ""; // whose Home tab the app was last told of

function drawChat() {
  const c = channel();
  const choose = (tab) => go({ tab: tab === "home" ? "home" : null });
  put($("channel-head"), h("div", {}, h("h2", {}, icon(KIND_ICON[c.kind]), c.kind === "direct" ? state.team.bot_name : c.name), h("p", {}, c.topic)),
    c.kind === "direct" && homeTabs(atHome() ? "home" : "messages", choose));
  document.querySelector(".chat").classList.toggle("at-home", atHome());
  if (!atHome()) homeOf = "";
  else if (homeOf !== state.me) {
    homeOf = state.me;
    attempt({ action: "home" });
  }
  if (atHome()) drawHome($("home"), state.home, state.team.bot_name, inView());
  drawIntro($("intro"), c, state, {
    fill: (text) => chat.fill(text), as: (id) => go({ as: id }), find: findButton,
    use: (name) => attempt({ action: "world", name, on: true }),
    move: (minutes) => attempt({ action: "clock", minutes }),
  });
  const top = messages().filter((m) => !isReply(m) || m.broadcast);
  follow($("scroll"), c.id, top.at(-1)?.ts, () => drawMessages($("messages"), top, {
    ...context(), replies: repliesTo, more,
    open: (m) => { go({ thread: m.thread_ts || m.ts }); document.body.dataset.pane = "thread"; thread.focus(); },
  }));
  chat.relabel();
}

function drawThread() {
  const root = messages().find((m) => m.ts === at.get("thread"));
  $("thread").hidden = !root;
  if (!root) {
    if (document.body.dataset.pane === "thread") document.body.dataset.pane = "chat";
    return;
  }
  if ($("thread-head").childElementCount === 0) {
    put($("thread-head"), h("div", {}, h("h2", {}, "Thread"), h("p", { id: "thread-of" })),
      h("button", { type: "button", class: "tool", "aria-label": "Close the thread", onclick: closeThread }, icon("close")));
  }
  $("thread-of").textContent = title(channel());
  const list = [root, ...repliesTo(root)];
  follow($("thread-scroll"), root.ts, list.at(-1).ts, () => drawMessages($("thread-messages"), list, { ...context(), more }));
  thread.relabel();
}

// findButton brings the newest button of that name into sight, for somebody to press.
function findButton(label) {
  const all = [...document.querySelectorAll("#messages .btn")].filter((b) => b.textContent.startsWith(label));
  if (all.length === 0) return say(`No card has a button “${label}” now. Ask for something first.`);
  all.at(-1).scrollIntoView({ block: "center" });
  all.at(-1).focus();
}

// more opens the menu of a message.
const more = (m, button) => openMenu(button, shortcuts("message", m), "More");

function closeThread() {
  go({ thread: null });
  chat.focus();
}

// --- writing ---

const REQUEST_ID = /#[0-9A-HJKMNP-TV-Z]{5}\b/g;

function world(inThread) {
  return {
    command: state.team.command, bot: state.team.bot_name, models: state.models, inThread,
    requests: [...new Set(JSON.stringify(messages()).match(REQUEST_ID) ?? [])].reverse(),
  };
}

// send does what a line means: a command, a mention of the bot, or talk.
function send(text, threadTS) {
  sent(threadTS ? "thread-scroll" : "scroll");
  const place = { channel: channel().id, thread: threadTS ?? "" };
  if (text.startsWith("/")) return act({ action: "slash", text, ...place });
  const at = "@" + state.team.bot_name;
  if (text === at || text.startsWith(at + " ")) return act({ action: "mention", text: text.slice(at.length).trim(), ...place });
  return act({ action: "say", text, ...place });
}

const lines = () => histories[state?.me] ??= [];
const nowhere = { command: "/", bot: "", models: [], requests: [] };

const chat = composer($("composer-form"), {
  label: () => state ? `Message ${title(channel())} as ${names().user(state.me)}` : "Message",
  world: () => state ? world(false) : nowhere,
  send: (text) => send(text), history: lines,
  shortcuts: (button) => openMenu(button, shortcuts("global"), "Shortcuts"),
  ideas: () => { if (channel() !== state.channels[0]) go({ channel: state.channels[0].id, thread: null }); ideas($("intro")); },
});

const thread = composer($("thread-form"), {
  label: () => state ? `Reply as ${names().user(state.me)}, or @${state.team.bot_name} …` : "Reply",
  world: () => state ? world(true) : nowhere,
  send: (text) => send(text, at.get("thread")), history: lines,
});

// --- the frame around it ---

// Wide windows show one of the last three panes beside the chat, narrow ones one pane.
for (const tab of document.querySelectorAll("[data-pane]:not(body)")) {
  tab.addEventListener("click", () => {
    document.body.dataset.pane = tab.dataset.pane;
    if (["baseten", "policy", "pings"].includes(tab.dataset.pane)) document.body.dataset.beside = tab.dataset.pane;
    for (const t of document.querySelectorAll(".beside-tabs button")) t.setAttribute("aria-pressed", String(t.dataset.pane === document.body.dataset.beside));
  });
}

document.addEventListener("keydown", (e) => {
  const writing = e.target.matches("textarea") && e.target.value !== "";
  if (e.key === "Escape" && !e.defaultPrevented && !writing && at.get("thread") && !document.querySelector("dialog[open], :popover-open")) closeThread();
});

const events = new EventSource("/events");
events.addEventListener("changed", refresh);
events.addEventListener("error", () => { if (state) offline(); });
