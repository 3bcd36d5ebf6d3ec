// Building the page from nodes. Nothing in this page is ever parsed as HTML:
// text from people, the bot or Baseten reaches the document as text only.

// h makes an element. Props starting with "on" are listeners; class, dataset and
// aria-… do what they say; true and false set and leave out an attribute.
export function h(tag, props = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "class") el.className = value;
    else if (name === "dataset") Object.assign(el.dataset, value);
    else el.setAttribute(name, value === true ? "" : String(value));
  }
  el.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

// keyed makes the children of parent match items, and keeps the element of every
// item whose content has not changed: focus, scroll position and animations
// survive, and a screen reader is told of new things only.
// sign says what an item looks like; make builds its element, given the old one.
export function keyed(parent, items, key, sign, make) {
  const old = new Map([...parent.children].map((el) => [el.dataset.key, el]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const k = String(key(item));
    const signature = JSON.stringify(sign(item));
    const had = old.get(k);
    let el = had;
    if (!had || had.signature !== signature) {
      el = make(item, had);
      el.dataset.key = k;
      el.signature = signature;
      if (had && had !== el) {
        if (place === had) place = el;
        const focused = had.contains(document.activeElement) ? document.activeElement.textContent : null;
        had.replaceWith(el);
        // Whoever was about to press a button still is.
        if (focused) [...el.querySelectorAll("button")].find((b) => b.textContent === focused)?.focus({ preventScroll: true });
      }
    }
    old.delete(k);
    if (el === place) place = place.nextElementSibling;
    else parent.insertBefore(el, place);
  }
  for (const el of old.values()) el.remove();
}

// put replaces the children of an element.
export function put(el, ...children) {
  el.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

const NS = "http://www.w3.org/2000/svg";

// Line drawings on a 16×16 grid.
const ICONS = {
  send: "M2.5 8h10M8.5 3.5 13 8l-4.5 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  hash: "M6.5 2.5 5 13.5M11 2.5 9.5 13.5M3 6h10.5M2.5 10.5H13",
  share: "M5.5 8.5 10.5 5.5M5.5 9l5 3M4 10.5a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4M12 6a1.7 1.7 0 1 0 0-3.4A1.7 1.7 0 0 0 12 6M12 14.4a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4",
  chat: "M2.5 3h11v8H7l-3 2.5V11H2.5z",
  moon: "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  bolt: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
  reply: "M2.5 3h11v8H7l-3 2.5V11H2.5z",
  warn: "M8 2 1.5 13.5h13zM8 6.5v3.5M8 11.8v.2",
  bulb: "M6 12.5h4M6.5 14.5h3M8 1.5a4.5 4.5 0 0 0-2.5 8.2V11h5V9.7A4.5 4.5 0 0 0 8 1.5",
  people: "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M10.5 2.8a2.5 2.5 0 0 1 0 4.4M12 9.8c1.5.5 2.5 1.8 2.5 3.7",
  more: "M3 8h.6M7.7 8h.6M12.4 8h.6",
  plus: "M8 3.5v9M3.5 8h9",
  globe: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M1.5 8h13M8 1.5c-4.5 4-4.5 9 0 13M8 1.5c4.5 4 4.5 9 0 13",
  once: "M6 3.5v9l6.5-4.5z",
  home: "M2 8l6-5.5L14 8M4 7v6.5h8V7",
  stack: "M2 5l6-3 6 3-6 3zM2 8l6 3 6-3M2 11l6 3 6-3",
};

// svg makes an element of a drawing.
export function svg(tag, attributes, ...children) {
  const el = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

// icon draws one of ICONS. It says nothing to a screen reader.
export const icon = (name) => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", class: "icon" }, svg("path", { d: ICONS[name] }));
