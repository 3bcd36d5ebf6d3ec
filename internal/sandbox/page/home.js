// The app's Home tab, and the tabs above the direct message with it.
import { h, put } from "./dom.js";
import { viewForm } from "./forms.js";

const home = viewForm();

// drawHome shows what the app has published. act is viewForm's.
export function drawHome(el, view, botName, act) {
  if (!view) {
    home.forget();
    put(el, h("p", { class: "dim" }, `${botName} has nothing here yet. It is told that you have opened this tab, and may publish something.`));
    return;
  }
  const body = home.draw(view, act);
  if (body) {
    const back = home.focused();
    put(el, h("div", { class: "blocks" }, body));
    back();
  }
  home.answered(view);
}

// homeTabs are the two tabs of the app; choose(tab) moves to "home" or "messages".
export function homeTabs(chosen, choose) {
  return h("div", { class: "segments", role: "group", "aria-label": "Tabs of the app" },
    [["home", "Home"], ["messages", "Messages"]].map(([tab, name]) => h("button", {
      type: "button", class: "segment", "aria-pressed": String(tab === chosen), onclick: () => choose(tab),
    }, name)));
}
