// A small menu below a button.
import { h, put } from "./dom.js";

// openMenu shows entries, [{name, hint, choose}], beside a button until one is chosen.
export function openMenu(button, entries, label) {
  const menu = document.getElementById("menu");
  const close = () => { menu.hidePopover(); button.focus(); };
  menu.setAttribute("aria-label", label);
  put(menu, entries.map((e) => h("button", { type: "button", role: "menuitem", class: "entry", onclick: () => { close(); e.choose(); } },
    h("span", {}, e.name), e.hint && h("span", { class: "dim" }, e.hint))));
  menu.onkeydown = (event) => {
    const all = [...menu.children], at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") close();
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length).focus();
  };
  menu.showPopover();
  // Placed where there is room, by script: its own stylesheet cannot know.
  const from = button.getBoundingClientRect(), size = menu.getBoundingClientRect();
  const below = from.bottom + 4 + size.height < innerHeight;
  const rightwards = from.left + size.width + 8 < innerWidth;
  menu.style.left = (rightwards ? from.left : Math.max(8, from.right - size.width)) + "px";
  menu.style.top = (below ? from.bottom + 4 : Math.max(8, from.top - size.height - 4)) + "px";
  menu.firstElementChild.focus();
}
