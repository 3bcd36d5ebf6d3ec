// Messages of a channel or a thread.
import { h, icon, keyed } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { mrkdwn, clock, today } from "./text.js";

// Messages of one person that follow each other within this many seconds share a
// head.
const TOGETHER = 300;

// drawMessages shows messages. ctx is renderBlocks' without press, and
//   press(message, button, element)   a button was pressed
//   open(message)                     the thread is wanted; none in a thread
//   more(message, element)            the menu of the message is wanted
//   replies(message)                  the replies below a message
export function drawMessages(list, messages, ctx) {
  const rows = messages.map((m, i) => ({ m, joined: joins(m, messages[i - 1]), replies: ctx.open ? ctx.replies(m) : [] }));
  keyed(list, rows, ({ m }) => m.ts, ({ m, joined, replies }) => [m, joined, replies.map((r) => [r.ts, r.user]), ctx.names.me, today()],
    (row, had) => message(row, ctx, had));
}

function joins(m, before) {
  return before !== undefined && !m.deleted && !before.deleted && m.user === before.user && !m.ephemeral_for === !before.ephemeral_for
    && !m.blocks && !before.blocks && Number(m.ts) - Number(before.ts) < TOGETHER;
}

function message({ m, joined, replies }, ctx, had) {
  const person = ctx.names.person(m.user);
  const isPrivate = Boolean(m.ephemeral_for);
  const el = h("li", {
    class: ["message", joined && "joined", isPrivate && "private", m.deleted && "deleted"].filter(Boolean).join(" "),
    dataset: { ts: m.ts },
  },
    joined ? h("span", { class: "aside" }, clock(m.ts)) : avatar(person),
    h("div", { class: "body" },
      isPrivate && h("p", { class: "only-you" }, icon("eye"), "Only visible to you"),
      !joined && h("p", { class: "head" },
        h("span", { class: "name" }, person.name), person.bot && h("span", { class: "tag" }, "app"),
        person.role && h("span", { class: "role" }, person.role), clock(m.ts),
        m.edited && h("span", { class: "edited" }, "edited")),
      m.broadcast && ctx.open && h("button", { type: "button", class: "from-thread", onclick: () => ctx.open(m) }, "replied to a thread"),
      m.deleted ? h("p", { class: "dim" }, "This message was deleted.") : content(m, ctx),
      replies.length > 0 && threadLink(m, replies, ctx)),
    !isPrivate && !m.deleted && h("div", { class: "tools" },
      ctx.open && h("button", { type: "button", class: "tool", "aria-label": "Reply in thread", title: "Reply in thread", onclick: () => ctx.open(m) }, icon("reply")),
      h("button", {
        type: "button", class: "tool", "aria-label": "More actions", "aria-haspopup": "menu", title: "More actions",
        onclick: (e) => ctx.more(m, e.currentTarget),
      }, icon("more"))));
  if (had) el.classList.add("updated");
  return el;
}

function content(m, ctx) {
  const press = (button, _, element) => ctx.press(m, button, element);
  const blocks = m.blocks ? renderBlocks(m.blocks, { ...ctx, press }) : [];
  if (blocks.length === 0) return h("div", { class: "text" }, h("p", {}, mrkdwn(m.text, ctx.names)));
  return h("div", { class: "blocks" }, blocks);
}

function threadLink(m, replies, ctx) {
  const who = [...new Set(replies.map((r) => r.user))].slice(0, 3);
  return h("button", { type: "button", class: "thread-link", onclick: () => ctx.open(m) },
    who.map((id) => avatar(ctx.names.person(id), "tiny")),
    h("span", { class: "count" }, replies.length === 1 ? "1 reply" : `${replies.length} replies`),
    h("span", { class: "dim" }, "last at ", clock(replies.at(-1).ts)));
}

// avatar shows initials on a colour of the person's own, and the app's mark.
export function avatar(person, size = "") {
  if (person.app) return h("span", { class: `avatar ${size} robot`, "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const initials = person.name[0] + (person.surname?.[0] ?? "");
  return h("span", { class: `avatar ${size} tint-${person.tint}`, "aria-hidden": "true" }, initials);
}
