// Slack's text markup (mrkdwn) and dates, as nodes.
import { h } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";

// One span of markup. Angle brackets come escaped from people and unescaped from
// apps that mean them, so they are looked for before entities are undone.
const SPAN = new RegExp([
  "`([^`\\n]+)`",
  "<([^<>\\n]+)>",
  "(?<![\\w*])\\*(?=\\S)([^*\\n]+?)(?<=\\S)\\*(?![\\w*])",
  "(?<!\\w)_(?=\\S)([^_\\n]+?)(?<=\\S)_(?!\\w)",
  "(?<![\\w~])~(?=\\S)([^~\\n]+?)(?<=\\S)~(?![\\w~])",
  ":([a-z0-9_+-]+):",
].join("|"), "g");

// unescape undoes Slack's three entities, once.
export const unescape = (s) => s.replace(/&(lt|gt|amp);/g, (_, e) => ({ lt: "<", gt: ">", amp: "&" })[e]);

// mrkdwn renders a text object's markup. names looks up people and channels.
export function mrkdwn(text, names) {
  const nodes = [];
  const fences = text.split("```");
  fences.forEach((part, i) => {
    const inFence = i % 2 === 1 && i < fences.length - 1;
    if (inFence) nodes.push(h("pre", {}, unescape(part.replace(/^\n|\n$/g, ""))));
    else nodes.push(...lines(i % 2 === 1 ? "```" + part : part, names));
  });
  return nodes;
}

function lines(text, names) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, i, all) => {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      if (quote) quote.append(h("br"));
      else nodes.push(quote = h("blockquote"));
      quote.append(...spans(quoted[1], names));
      return;
    }
    if (i > 0 && !quote) nodes.push(h("br"));
    quote = null;
    nodes.push(...spans(line, names));
  });
  return nodes;
}

function spans(text, names) {
  const nodes = [];
  let from = 0;
  for (const m of text.matchAll(SPAN)) {
    if (m.index > from) nodes.push(...withEmoji(unescape(text.slice(from, m.index))));
    from = m.index + m[0].length;
    const [, code, angle, bold, italic, strike, short] = m;
    if (code !== undefined) nodes.push(h("code", {}, unescape(code)));
    else if (angle !== undefined) nodes.push(reference(angle, names));
    else if (bold !== undefined) nodes.push(h("strong", {}, spans(bold, names)));
    else if (italic !== undefined) nodes.push(h("em", {}, spans(italic, names)));
    else if (strike !== undefined) nodes.push(h("s", {}, spans(strike, names)));
    else nodes.push(emoji(short));
  }
  if (from < text.length) nodes.push(...withEmoji(unescape(text.slice(from))));
  return nodes;
}

// reference renders what stands between angle brackets.
function reference(inner, names) {
  const [target, label] = split(inner, "|");
  switch (target[0]) {
    case "@": return userChip(target.slice(1), names);
    case "#": return channelChip(target.slice(1), names, label);
    case "!": return special(target.slice(1), label, names);
  }
  return linkText(unescape(target), label === undefined ? undefined : unescape(label));
}

function special(word, label, names) {
  const [kind, ...rest] = word.split("^");
  if (kind === "date") return dateNode(Number(rest[0]), rest[1] ?? "", label === undefined ? "" : unescape(label));
  if (kind === "subteam") return groupChip(rest[0], names, label);
  return h("span", { class: "chip loud" }, "@" + kind);
}

function split(s, mark) {
  const i = s.indexOf(mark);
  return i < 0 ? [s] : [s.slice(0, i), s.slice(i + 1)];
}

// linkText shows a link without being one: nothing on this page leads out.
export function linkText(url, label) {
  return h("span", { class: "link", title: `${url} (links do not open here)` }, label || url);
}

export const userChip = (id, names) => h("span", { class: id === names.me ? "chip me" : "chip" }, "@" + names.user(id));
export const channelChip = (id, names, label) => h("span", { class: "chip" }, "#" + (names.channel(id) ?? label ?? id));
export const groupChip = (id, names, label) => h("span", { class: "chip" }, "@" + (names.group(id) ?? (label ?? id).replace(/^@/, "")));

// dateNode renders Slack's date format in the reader's own time zone.
export function dateNode(seconds, format, fallback) {
  const at = new Date(seconds * 1000);
  if (!format || Number.isNaN(at.getTime())) return fallback || String(seconds);
  const as = (options) => new Intl.DateTimeFormat(undefined, options).format(at);
  const short = { year: "numeric", month: "short", day: "numeric" };
  const long = { weekday: "long", year: "numeric", month: "long", day: "numeric" };
  const forms = {
    date_num: () => at.toISOString().slice(0, 10),
    date_slash: () => as({ year: "numeric", month: "2-digit", day: "2-digit" }),
    date: () => as({ ...long, weekday: undefined }),
    date_short: () => as(short),
    date_long: () => as(long),
    day_divider_pretty: () => pretty(at, as(long)),
    date_pretty: () => pretty(at, as({ ...long, weekday: undefined })),
    date_short_pretty: () => pretty(at, as(short)),
    date_long_pretty: () => pretty(at, as(long)),
    date_long_full: () => as(long),
    date_long_full_pretty: () => pretty(at, as(long)),
    time: () => as({ hour: "numeric", minute: "2-digit" }),
    time_secs: () => as({ hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago: () => ago(at),
  };
  const text = format.replace(/\{(\w+)\}/g, (whole, name) => forms[name]?.() ?? whole);
  return h("time", { datetime: at.toISOString(), title: at.toString() }, text);
}

let ahead = 0; // of the world's clock, in milliseconds

// setNow tells what time it is in the world.
export const setNow = (milliseconds) => { ahead = milliseconds - Date.now(); };
export const now = () => new Date(Date.now() + ahead);
export const today = () => now().toDateString();

function pretty(at, otherwise) {
  const days = Math.round((midnight(now()) - midnight(at)) / 86400000);
  return { 0: "today", 1: "yesterday", [-1]: "tomorrow" }[days] ?? otherwise;
}

const midnight = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();

function ago(at) {
  const minutes = Math.round((at.getTime() - now().getTime()) / 60000);
  const say = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  if (Math.abs(minutes) < 60) return say.format(minutes, "minute");
  if (Math.abs(minutes) < 60 * 24) return say.format(Math.round(minutes / 60), "hour");
  return say.format(Math.round(minutes / 60 / 24), "day");
}

// clock is the time of day of a message's ts, with the weekday where that was not today.
export function clock(ts) {
  const at = new Date(Number(ts) * 1000);
  const weekday = midnight(at) === midnight(now()) ? undefined : "short";
  return h("time", { datetime: at.toISOString(), title: at.toString() },
    new Intl.DateTimeFormat(undefined, { weekday, hour: "2-digit", minute: "2-digit" }).format(at));
}

// ahead is how far the world's clock is before the real one: "1 day", or nothing.
export function aheadBy() {
  const minutes = Math.round(ahead / 60000);
  const parts = [[1440, "day"], [60, "hour"], [1, "minute"]].map(([size, name], i, all) => {
    const n = Math.floor((i ? minutes % all[i - 1][0] : minutes) / size);
    return n > 0 ? `${n} ${name}${n === 1 ? "" : "s"}` : "";
  });
  return parts.filter(Boolean).join(" ");
}
