// The message box: completion, history, sending.
import { h, icon, put } from "./dom.js";
import { complete } from "./complete.js";

let serial = 0;

// composer fills a form with a message box. what is
//   label()        what the box says while it is empty
//   world()        what complete needs
//   send(text)     promises null, or why it was not sent
//   history()      an array of earlier lines, oldest first, to which sent ones are added
//   shortcuts      optional: opens the app's shortcuts beside an element
//   ideas          optional: opens the list of first steps
export function composer(form, what) {
  const id = `options-${++serial}`;
  const box = h("textarea", {
    id: form.id === "composer-form" ? "composer" : "thread-composer", rows: 1, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
    "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": id, "aria-label": what.label(),
    oninput: () => { chosen = -1; refresh(); }, onkeydown: key, onclick: refresh, onblur: () => setTimeout(close, 120), onfocus: refresh,
    // Only Shift+Enter breaks a line, also where a keyboard's Enter is no key press.
    onbeforeinput: (e) => { if (e.inputType === "insertLineBreak" && !mayBreak) e.preventDefault(); },
  });
  const list = h("ul", { class: "options", id, role: "listbox", "aria-label": "What can come next", hidden: true });
  const problem = h("p", { class: "problem", role: "alert" });
  const send = h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send"));
  put(form, list, problem,
    h("div", { class: "box" },
      what.shortcuts && h("button", {
        type: "button", class: "tool", "aria-label": "Shortcuts", "aria-haspopup": "menu", title: "Shortcuts",
        onclick: (e) => what.shortcuts(e.currentTarget),
      }, icon("plus")),
      box, send),
    h("p", { class: "keys" },
      h("span", {}, h("kbd", {}, "/"), " commands"), h("span", {}, h("kbd", {}, "Tab"), " completes"), h("span", {}, h("kbd", {}, "↑"), " brings back"),
      what.ideas && h("button", { type: "button", class: "quiet", onclick: what.ideas }, icon("bulb"), "First steps")));
  form.addEventListener("submit", (e) => { e.preventDefault(); submit(); });

  let offer = { from: 0, to: 0, items: [] };
  let chosen = -1; // index among the items that can be chosen; -1: none yet
  let mayBreak = false;
  let back = 0;    // how far back in the history the box is

  function refresh() {
    problem.textContent = "";
    box.style.height = "auto";
    box.style.height = Math.min(box.scrollHeight, 160) + "px";
    send.disabled = box.value.trim() === "";
    offer = document.activeElement === box && back === 0 ? complete(box.value, box.selectionStart, what.world()) : { items: [] };
    draw();
  }

  const selectable = () => offer.items.filter((i) => i.text !== undefined);

  function draw() {
    const items = offer.items;
    list.hidden = items.length === 0;
    let group = "", n = -1;
    put(list, items.map((item) => {
      const head = item.group === group ? null : h("li", { class: "group", role: "presentation" }, group = item.group);
      if (item.text === undefined) return [head, h("li", { class: "remark", role: "presentation" }, item.hint)];
      const at = ++n;
      return [head, h("li", {
        id: `${id}-${at}`, role: "option", class: "option", "aria-selected": String(at === Math.max(chosen, 0)),
        onmousedown: (e) => { e.preventDefault(); accept(at); },
      }, h("span", { class: "word" }, item.text), h("span", { class: "hint" }, item.hint))];
    }));
    const active = document.getElementById(`${id}-${Math.max(chosen, 0)}`);
    if (active) box.setAttribute("aria-activedescendant", active.id);
    else box.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    offer = { items: [] };
    draw();
  }

  function accept(at) {
    const item = selectable()[at];
    const after = box.value.slice(offer.to);
    const text = item.text + (item.stay || after.startsWith(" ") ? "" : " ");
    const { from } = offer;
    box.value = box.value.slice(0, from) + text + after;
    box.setSelectionRange(from + text.length, from + text.length);
    chosen = -1;
    box.focus();
    refresh();
  }

  function key(e) {
    if (e.isComposing) return;
    mayBreak = e.shiftKey;
    const open = selectable().length > 0;
    const word = box.value.slice(offer.from, offer.to);
    const half = open && word !== "" && !selectable().some((i) => i.text === word); // what is whole is sent
    switch (e.key) {
      case "Tab":
        if (!open || e.shiftKey) return;
        accept(Math.max(chosen, 0));
        break;
      case "Enter":
        if (e.shiftKey) return;
        if (chosen >= 0 || half) accept(Math.max(chosen, 0));
        else submit();
        break;
      case "ArrowDown":
      case "ArrowUp": {
        const step = e.key === "ArrowDown" ? 1 : -1;
        if (back > 0 || box.value === "") { if (!recall(-step)) return; break; }
        if (!open) return;
        const n = selectable().length;
        chosen = (Math.max(chosen, 0) + (chosen < 0 && step > 0 && n > 1 ? 1 : chosen < 0 && step > 0 ? 0 : step) + n) % n;
        draw();
        break;
      }
      case "Escape":
        if (list.hidden) return;
        close();
        break;
      default:
        back = 0;
        return;
    }
    e.preventDefault();
  }

  // recall moves through the history; by 1 is one line further back.
  function recall(by) {
    const lines = what.history();
    const to = Math.min(back + by, lines.length);
    if (to < 0 || to === back) return false;
    back = to;
    box.value = back === 0 ? "" : lines[lines.length - back];
    box.setSelectionRange(box.value.length, box.value.length);
    refresh();
    return true;
  }

  async function submit() {
    const text = box.value.trim();
    if (text === "") return;
    back = 0;
    box.value = "";
    refresh();
    close();
    const why = await what.send(text);
    if (why === null) {
      what.history().push(text);
      return;
    }
    if (box.value === "") box.value = text;
    refresh();
    close();
    problem.textContent = why;
  }

  refresh();
  return {
    fill(text) {
      back = 0;
      box.value = text;
      box.focus();
      box.setSelectionRange(text.length, text.length);
      refresh();
      if (!text.endsWith(" ")) close(); // what is missing is offered
    },
    relabel: () => { box.placeholder = what.label(); box.setAttribute("aria-label", what.label()); },
    focus: () => box.focus(),
  };
}
