// Block Kit as nodes: one function per kind of block.
import { h, icon } from "./dom.js";
import { mrkdwn, linkText, userChip, channelChip, groupChip, dateNode } from "./text.js";
import { emoji, withEmoji } from "./emoji.js";
import { field, input } from "./inputs.js";

// renderBlocks renders a message's or view's blocks. ctx is
//   names   who and what IDs stand for: me, user(id), channel(id), group(id)
//   press   called with a button (its JSON), its block_id and its element
//   form    in a view: its fields, see inputs.js
export function renderBlocks(blocks, ctx) {
  return (blocks ?? []).map((b) => (BLOCKS[b.type] ?? unknown)(b, ctx));
}

const BLOCKS = {
  section, header, context, divider, actions, rich_text, table, container, alert, image, input, markdown,
  data_table: dataTable,
};

// textObject renders plain_text as it is, and mrkdwn as markup.
export function textObject(text, ctx) {
  if (!text) return [];
  return text.type === "mrkdwn" ? mrkdwn(text.text, ctx.names) : plain(text.text, text.emoji !== false);
}

// plain keeps line breaks; short names of emoji work unless the app said no.
function plain(text, shortNames) {
  return text.split("\n").flatMap((line, i) => [
    i > 0 ? h("br") : null,
    ...(shortNames ? line.split(/(:[a-z0-9_+-]+:)/).map((p) => /^:[a-z0-9_+-]+:$/.test(p) ? emoji(p.slice(1, -1)) : withEmoji(p)) : withEmoji(line)),
  ]);
}

function unknown(b) {
  return h("div", { class: "b-unknown" }, `This page does not draw blocks of type “${b.type}”.`);
}

function section(b, ctx) {
  return h("div", { class: "b-section" },
    h("div", { class: "b-text" },
      b.text && h("p", {}, textObject(b.text, ctx)),
      b.fields && h("div", { class: "b-fields" }, b.fields.map((f) => h("p", {}, textObject(f, ctx))))),
    b.accessory && h("div", { class: "b-accessory" }, element(b.accessory, b, ctx)));
}

function header(b, ctx) {
  return h("h3", { class: "b-header" }, textObject(b.text, ctx));
}

function divider() {
  return h("hr", { class: "b-divider" });
}

function markdown(b, ctx) {
  return h("p", {}, mrkdwn(b.text.replaceAll("**", "*"), ctx.names));
}

function context(b, ctx) {
  return h("div", { class: "b-context" },
    b.elements.map((e) => e.type === "image" ? picture(e) : h("span", {}, textObject(e, ctx))));
}

function actions(b, ctx) {
  return h("div", { class: "b-actions", role: "group", "aria-label": "Actions" }, b.elements.map((e) => element(e, b, ctx)));
}

function element(e, block, ctx) {
  if (e.type === "button") return button(e, block, ctx);
  if (e.type === "image") return picture(e);
  if (ctx.form) return field(e, block, ctx);
  return h("span", { class: "b-unknown" }, `This page does not draw elements of type “${e.type}”.`);
}

function button(e, block, ctx) {
  // Hidden by the app from this person; the app must still refuse a press.
  if (e.visible_to_user_ids && !e.visible_to_user_ids.includes(ctx.names.me)) return null;
  if (e.url) return linkText(e.url, e.text.text);
  const el = h("button", {
    type: "button",
    class: ["btn", e.style].filter(Boolean).join(" "),
    "aria-label": e.accessibility_label,
    onclick: () => ctx.press(e, block.block_id, el),
  }, textObject(e.text, ctx));
  return el;
}

// Pictures would have to come from elsewhere, so their description stands in.
function picture(e) {
  return h("span", { class: "b-picture", role: "img", "aria-label": e.alt_text }, e.alt_text || "picture");
}

function image(b, ctx) {
  return h("figure", { class: "b-figure" }, picture(b), b.title && h("figcaption", {}, textObject(b.title, ctx)));
}

function alert(b, ctx) {
  const level = ["info", "warning", "error", "success"].includes(b.level) ? b.level : "default";
  return h("div", { class: `b-alert ${level}`, role: "note" }, icon("warn"), h("p", {}, textObject(b.text, ctx)));
}

function container(b, ctx) {
  const title = [
    b.rich_text_title ? rich_text(b.rich_text_title, ctx) : h("strong", {}, textObject(b.title, ctx)),
    b.subtitle && h("span", { class: "dim" }, textObject(b.subtitle, ctx)),
  ];
  const body = h("div", { class: "b-body" }, renderBlocks(b.child_blocks, ctx));
  if (!b.is_collapsible) return h("section", { class: "b-container" }, h("div", { class: "b-title" }, title), body);
  return h("details", { class: "b-container", open: !b.default_collapsed }, h("summary", { class: "b-title" }, title), body);
}

function table(b, ctx) {
  const align = (i) => ({ right: "right", center: "center" })[b.column_settings?.[i]?.align];
  const cells = (row, tag) => row.map((c, i) => h(tag, { class: align(i), scope: tag === "th" && "col" }, cell(c, ctx)));
  return grid(b.rows, cells);
}

function dataTable(b, ctx) {
  const cells = (row, tag) => row.map((c, i) => tag === "td" && i === (b.row_header_column_index ?? -1)
    ? h("th", { scope: "row" }, cell(c, ctx))
    : h(tag, { scope: tag === "th" && "col" }, cell(c, ctx)));
  return grid(b.rows, cells, b.caption);
}

function grid([head, ...rows], cells, caption) {
  return h("div", { class: "b-table" }, h("table", {},
    caption && h("caption", {}, caption),
    h("thead", {}, h("tr", {}, cells(head, "th"))),
    h("tbody", {}, rows.map((r) => h("tr", {}, cells(r, "td"))))));
}

function cell(c, ctx) {
  switch (c.type) {
    case "rich_text": return rich_text(c, ctx);
    case "raw_number": return c.text ?? String(c.value);
    case "action": return cell(c.fallback ?? { type: "raw_text", text: c.element?.text?.text ?? "" }, ctx);
  }
  return withEmoji(c.text ?? "");
}

function rich_text(b, ctx) {
  return h("div", { class: "b-rich" }, b.elements.map((e) => (RICH[e.type] ?? unknown)(e, ctx)));
}

const RICH = {
  rich_text_section: (e, ctx) => h("p", {}, inline(e.elements, ctx)),
  rich_text_preformatted: (e, ctx) => h("pre", {}, inline(e.elements, ctx)),
  rich_text_quote: (e, ctx) => h("blockquote", {}, inline(e.elements, ctx)),
  rich_text_list: (e, ctx) => h(e.style === "ordered" ? "ol" : "ul", {
    class: `indent-${Math.min(e.indent ?? 0, 4)}`, start: e.style === "ordered" && e.offset ? e.offset + 1 : undefined,
  }, e.elements.map((item) => h("li", {}, inline(item.elements ?? [], ctx)))),
};

const inline = (elements, ctx) => elements.map((e) => styled(leaf(e, ctx), e.style));

function leaf(e, ctx) {
  switch (e.type) {
    case "text": return e.text.split("\n").flatMap((line, i) => [i ? h("br") : null, ...withEmoji(line)]);
    case "user": return userChip(e.user_id, ctx.names);
    case "channel": return channelChip(e.channel_id, ctx.names);
    case "usergroup": return groupChip(e.usergroup_id, ctx.names);
    case "broadcast": return h("span", { class: "chip loud" }, "@" + e.range);
    case "link": return linkText(e.url, e.text);
    case "emoji": return emoji(e.name);
    case "date": return dateNode(e.timestamp, e.format, e.fallback);
    case "color": return h("code", {}, e.value);
  }
  return h("span", { class: "dim" }, `[${e.type}]`);
}

function styled(node, style = {}) {
  if (style.code) node = h("code", {}, node);
  if (style.bold) node = h("strong", {}, node);
  if (style.italic) node = h("em", {}, node);
  if (style.strike) node = h("s", {}, node);
  return node;
}

