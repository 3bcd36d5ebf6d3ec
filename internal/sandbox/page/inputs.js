// Input blocks of views, and what they hold.
import { h } from "./dom.js";
import { textObject } from "./blocks.js";

let serial = 0;

// input renders an input block and, in a view, adds it to ctx.inputs as
// {blockID, actionID, value(), el, problem(text)}.
export function input(b, ctx) {
  const id = `input-${++serial}`;
  const make = ELEMENTS[b.element.type];
  if (!make) return h("div", { class: "b-unknown" }, `This page does not draw inputs of type “${b.element.type}”.`);
  const { el, value } = make(b.element, id, ctx);
  const problem = h("p", { class: "problem", id: `${id}-problem`, role: "alert" });
  const hint = b.hint && h("p", { class: "hint", id: `${id}-hint` }, textObject(b.hint, ctx));
  el.setAttribute("aria-describedby", `${id}-problem` + (b.hint ? ` ${id}-hint` : ""));
  ctx.inputs?.push({
    blockID: b.block_id, actionID: b.element.action_id, el,
    value,
    missing: () => !b.optional && value() === "",
    problem: (text) => { problem.textContent = text; el.toggleAttribute("aria-invalid", text !== ""); },
  });
  const group = el.matches("fieldset");
  return h("div", { class: "b-input" },
    h(group ? "div" : "label", { for: group ? undefined : id, class: "label" },
      textObject(b.label, ctx), b.optional && h("span", { class: "dim" }, " (optional)")),
    el, hint, problem);
}

const ELEMENTS = {
  plain_text_input: (e, id) => {
    const el = h(e.multiline ? "textarea" : "input", {
      id, class: "field", rows: e.multiline ? 3 : undefined, maxlength: e.max_length, placeholder: e.placeholder?.text,
    });
    el.value = e.initial_value ?? "";
    return { el, value: () => el.value };
  },
  number_input: (e, id) => {
    const el = h("input", {
      id, class: "field", inputmode: "decimal", type: "number", step: e.is_decimal_allowed ? "any" : "1",
      min: e.min_value, max: e.max_value, placeholder: e.placeholder?.text,
    });
    el.value = e.initial_value ?? "";
    return { el, value: () => el.value };
  },
  static_select: (e, id) => {
    const options = e.options ?? (e.option_groups ?? []).flatMap((g) => g.options);
    return select(id, options, e);
  },
  users_select: (e, id, ctx) => {
    const options = ctx.names.people.map((p) => ({ text: { text: p.name }, value: p.id }));
    return select(id, options, { ...e, initial_option: { value: e.initial_user } });
  },
  radio_buttons: (e, id, ctx) => boxes("radio", id, e, [e.initial_option], ctx),
  checkboxes: (e, id, ctx) => boxes("checkbox", id, e, e.initial_options ?? [], ctx),
};

function select(id, options, e) {
  const el = h("select", { id, class: "field" },
    h("option", { value: "" }, e.placeholder?.text ?? "Choose…"),
    options.map((o, i) => h("option", { value: i }, o.text.text)));
  const chosen = options.findIndex((o) => o.value === e.initial_option?.value);
  el.value = chosen < 0 ? "" : String(chosen);
  return { el, value: () => (el.value === "" ? "" : options[Number(el.value)].value) };
}

// The simulated Slack takes one ticked box of a group.
function boxes(type, id, e, chosen, ctx) {
  const ticks = e.options.map((o) => ({ o, box: h("input", { type, name: id }) }));
  for (const t of ticks) t.box.checked = chosen.some((c) => c?.value === t.o.value);
  const el = h("fieldset", { id }, ticks.map(({ o, box }) => h("label", { class: "tick" }, box, h("span", {}, textObject(o.text, ctx)))));
  return { el, value: () => ticks.find((t) => t.box.checked)?.o.value ?? "" };
}

// values gathers what inputs hold, by block ID and action ID.
export function values(inputs) {
  const out = {};
  for (const i of inputs) (out[i.blockID] ??= {})[i.actionID] = i.value();
  return out;
}
