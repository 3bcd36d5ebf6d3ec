// The fields of views: inputs, selects and the like, and what they hold.
import { h } from "./dom.js";
import { textObject } from "./blocks.js";
import { externalSelect, neverSends } from "./suggest.js";

let serial = 0;

// A form (ctx.form) is
//   fields           the list to which each field is added: {blockID, actionID, value(), el, problem(text), offer(suggestion)}
//   start(b, e)      what a field holds at first, as the simulated Slack writes it
//   act(b, e, value) tells the app at once
//   suggest(b, e, query)   asks the app for options

// input renders an input block, in a view only.
export function input(b, ctx) {
  if (!ctx.form) return h("div", { class: "b-unknown" }, "This page draws inputs in forms only.");
  const made = make(b.element, b, ctx, b.dispatch_action === true);
  if (!made) return unknown(b.element);
  const { el, value, id } = made;
  const problem = h("p", { class: "problem", id: `${id}-problem`, role: "alert" });
  const hint = b.hint && h("p", { class: "hint", id: `${id}-hint` }, textObject(b.hint, ctx));
  made.focus.setAttribute("aria-describedby", `${id}-problem` + (b.hint ? ` ${id}-hint` : ""));
  add(made, b, b.element, ctx, {
    missing: () => !b.optional && value() === "",
    problem: (text) => { problem.textContent = text; made.focus.toggleAttribute("aria-invalid", text !== ""); },
  });
  const group = el.matches("fieldset");
  if (group) el.setAttribute("aria-labelledby", `${id}-label`);
  return h("div", { class: "b-input" },
    h(group ? "div" : "label", { for: group ? undefined : id, id: `${id}-label`, class: "label" },
      textObject(b.label, ctx), b.optional && h("span", { class: "dim" }, " (optional)")),
    el, hint, problem);
}

// field renders an element outside of input blocks: it tells the app at once.
export function field(e, b, ctx) {
  const made = make(e, b, ctx, true);
  if (!made) return unknown(e);
  made.focus.setAttribute("aria-label", e.placeholder?.text ?? b.text?.text ?? "Choose");
  add(made, b, e, ctx, { missing: () => false, problem: () => {} });
  return h("div", { class: "b-field" }, made.el);
}

const unknown = (e) => h("div", { class: "b-unknown" }, `This page does not draw elements of type “${e.type}”.`);

function make(e, b, ctx, dispatches) {
  const build = ELEMENTS[e.type];
  if (!build) return null;
  const id = `input-${++serial}`;
  const tell = dispatches ? (value) => ctx.form.act(b, e, value) : () => {};
  const made = build(e, id, { start: ctx.form.start(b, e), tell, dispatches, ctx, b });
  return { id, focus: made.el, offer: () => {}, ...made };
}

function add(made, b, e, ctx, rest) {
  ctx.form.fields.push({ blockID: b.block_id, actionID: e.action_id, el: made.focus, value: made.value, offer: made.offer, ...rest });
}

const text = (more = {}) => (e, id, { start, tell, dispatches }) => {
  const multiline = e.multiline === true;
  const when = e.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const el = h(multiline ? "textarea" : "input", {
    id, class: "field", rows: multiline ? 3 : undefined, maxlength: e.max_length, placeholder: e.placeholder?.text, ...more,
    oninput: () => { if (when.includes("on_character_entered")) tell(el.value); },
    onkeypress: dispatches && !multiline ? neverSends : undefined,
    onkeydown: (event) => {
      if (event.key !== "Enter" || multiline || !dispatches) return;
      event.preventDefault();
      if (when.includes("on_enter_pressed")) tell(el.value);
    },
  });
  el.value = start;
  return { el, value: () => el.value };
};

const picker = (type) => (e, id, { start, tell }) => {
  const el = h("input", { id, class: "field", type, onchange: () => tell(el.value) });
  el.value = start;
  return { el, value: () => el.value };
};

const ELEMENTS = {
  plain_text_input: text(),
  email_text_input: text({ inputmode: "email" }),
  url_text_input: text({ inputmode: "url" }),
  number_input: (e, id, how) => text({ inputmode: e.is_decimal_allowed ? "decimal" : "numeric", min: e.min_value, max: e.max_value })(e, id, how),
  datepicker: picker("date"),
  timepicker: picker("time"),
  datetimepicker: (e, id, { start, tell }) => {
    const local = (seconds) => new Date((Number(seconds) - new Date().getTimezoneOffset() * 60) * 1000).toISOString().slice(0, 16);
    const el = h("input", { id, class: "field", type: "datetime-local", onchange: () => tell(value()) });
    const value = () => el.value === "" ? "" : String(new Date(el.value).getTime() / 1000);
    el.value = start === "" ? "" : local(start);
    return { el, value };
  },
  static_select: select,
  multi_static_select: (e, id, how) => boxes("checkbox", { ...e, options: options(e) }, id, how),
  external_select: externalSelect,
  users_select: (e, id, how) => select({ ...e, options: how.ctx.names.people.map((p) => plainOption(p.name, p.id)) }, id, how),
  conversations_select: channels,
  channels_select: channels,
  radio_buttons: (e, id, how) => boxes("radio", e, id, how),
  checkboxes: (e, id, how) => boxes("checkbox", e, id, how),
};

const plainOption = (name, value) => ({ text: { type: "plain_text", text: name }, value });
const options = (e) => e.options ?? (e.option_groups ?? []).flatMap((g) => g.options);

function channels(e, id, how) {
  return select({ ...e, options: how.ctx.names.channels.map((c) => plainOption("#" + c.name, c.id)) }, id, how);
}

function select(e, id, { start, tell }) {
  const one = (o) => h("option", { value: o.value }, o.text.text + (o.description ? ` · ${o.description.text}` : ""));
  const el = h("select", { id, class: "field", onchange: () => tell(el.value) },
    h("option", { value: "" }, e.placeholder?.text ?? "Choose…"),
    e.option_groups ? e.option_groups.map((g) => h("optgroup", { label: g.label.text }, g.options.map(one))) : options(e).map(one));
  el.value = start;
  return { el, value: () => el.value };
}

function boxes(type, e, id, { start, tell, ctx }) {
  const held = start.split("\n");
  const ticks = e.options.map((o) => ({ o, box: h("input", { type, name: id, onchange: () => tell(value()) }) }));
  for (const t of ticks) t.box.checked = held.includes(t.o.value);
  const value = () => ticks.filter((t) => t.box.checked).map((t) => t.o.value).join("\n");
  const el = h("fieldset", { id }, ticks.map(({ o, box }) => h("label", { class: "tick" }, box,
    h("span", {}, textObject(o.text, ctx), o.description && h("span", { class: "dim" }, " ", textObject(o.description, ctx))))));
  return { el, value };
}

// values gathers what fields hold, by block ID and action ID.
export function values(fields) {
  const out = {};
  for (const f of fields) (out[f.blockID] ??= {})[f.actionID] = f.value();
  return out;
}
