// A select whose options the app brings while one types.
import { h, put } from "./dom.js";

// neverSends keeps Enter from sending the form that a field stands in.
export const neverSends = (event) => { if (event.key === "Enter") event.preventDefault(); };

const PAUSE = 150; // milliseconds between the last key and the question

// What options are called, by value: a view that is drawn again shows its choice by name.
const known = new Map();

export function externalSelect(e, id, { start, tell, ctx, b }) {
  const least = e.min_query_length ?? 3;
  let chosen = start, items = [], at = -1, timer = 0, asked = null;
  if (e.initial_option) known.set(e.initial_option.value, e.initial_option.text.text);

  const box = h("input", {
    id, class: "field", type: "text", role: "combobox", autocomplete: "off", "aria-expanded": "false", "aria-autocomplete": "list",
    "aria-controls": `${id}-list`, placeholder: e.placeholder?.text ?? "Type to search…",
    onfocus: () => { box.select(); ask(""); }, onclick: () => { if (list.hidden) ask(""); },
    oninput: () => { clearTimeout(timer); timer = setTimeout(() => ask(box.value), PAUSE); },
    onkeydown: key, onkeypress: neverSends, onblur: () => setTimeout(leave, 150),
  });
  const list = h("ul", { class: "choices", id: `${id}-list`, role: "listbox", "aria-label": "Options", hidden: true });
  const status = h("p", { class: "choices status", role: "status", hidden: true });
  const el = h("div", { class: "b-suggest" }, box, list, status);
  box.value = known.get(chosen) ?? chosen;

  function ask(query) {
    if (query.length < least) {
      show([], least > 0 && query !== "" ? `Type at least ${least} characters` : "");
      return;
    }
    asked = query;
    show([], "Loading…");
    ctx.form.suggest(b, e, query);
  }

  // offer takes what the app has answered.
  function offer(s) {
    if (asked === null || s.query !== asked || s.loading || document.activeElement !== box) return;
    asked = null;
    const all = s.option_groups?.length ? s.option_groups.flatMap((g) => g.options.map((o) => ({ ...o, group: g.label.text }))) : s.options ?? [];
    for (const o of all) known.set(o.value, o.text.text);
    show(all, s.trouble ? "Could not load the options" : all.length === 0 ? "No results" : "");
  }

  function show(next, word) {
    items = next;
    at = -1;
    status.textContent = word;
    status.hidden = word === "";
    draw();
  }

  function draw() {
    let group;
    list.hidden = items.length === 0;
    box.setAttribute("aria-expanded", String(!list.hidden));
    put(list, items.map((o, i) => [
      o.group !== undefined && o.group !== group && h("li", { class: "group", role: "presentation" }, group = o.group),
      h("li", {
        class: "choice", role: "option", id: `${id}-${i}`, "aria-selected": String(i === at),
        onmousedown: (event) => { event.preventDefault(); choose(o); },
      }, h("span", {}, o.text.text), o.description && h("span", { class: "dim" }, o.description.text)),
    ]));
    if (at >= 0) box.setAttribute("aria-activedescendant", `${id}-${at}`);
    else box.removeAttribute("aria-activedescendant");
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
  }

  function choose(option) {
    chosen = option?.value ?? "";
    box.value = option?.text.text ?? "";
    show([], "");
    tell(chosen);
  }

  function leave() {
    if (document.activeElement === box) return;
    clearTimeout(timer);
    asked = null;
    show([], "");
    if (box.value.trim() === "" && chosen !== "") choose(null);
    box.value = known.get(chosen) ?? chosen;
  }

  function key(event) {
    const open = !list.hidden;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        if (!open) { ask(box.value === (known.get(chosen) ?? "") ? "" : box.value); break; }
        at = (Math.max(at, event.key === "ArrowUp" ? 0 : -1) + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
        draw();
        break;
      case "Enter":
        if (open) choose(items[Math.max(at, 0)]);
        break;
      case "Escape":
        if (!open && status.hidden) return;
        show([], "");
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  return { el, focus: box, value: () => chosen, offer };
}
