// Questions and forms in front of everything else.
import { h, put } from "./dom.js";
import { textObject } from "./blocks.js";
import { viewForm } from "./forms.js";

// confirmPress asks what a button's confirm object says, and promises true or
// false. Without one it is true at once.
export function confirmPress(button, ctx) {
  const ask = button.confirm;
  if (!ask) return Promise.resolve(true);
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    const answer = (yes) => () => { dialog.close(); resolve(yes); };
    put(dialog,
      h("h2", { id: "confirm-title" }, textObject(ask.title, ctx)),
      h("p", {}, textObject(ask.text, ctx)),
      h("div", { class: "dialog-actions" },
        h("button", { type: "button", class: "btn", onclick: answer(false) }, textObject(ask.deny, ctx)),
        h("button", { type: "button", class: `btn ${ask.style === "danger" ? "danger" : "primary"}`, onclick: answer(true) }, textObject(ask.confirm, ctx))));
    dialog.setAttribute("aria-labelledby", "confirm-title");
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
    dialog.querySelector(".btn:last-child").focus();
  });
}

const modal = viewForm();

// drawView shows the topmost of a person's open views, or none. act is viewForm's, and
// submit(view, values), close(view).
export function drawView(view, act) {
  const dialog = document.getElementById("modal");
  if (!view) {
    modal.forget();
    if (dialog.open) dialog.close();
    return;
  }
  const body = modal.draw(view, act);
  if (body) { // drawn anew
    const form = h("form", { method: "dialog", novalidate: true },
      h("h2", { id: "modal-title" }, view.title),
      h("div", { class: "dialog-body" }, body),
      h("p", { class: "problem trouble", role: "alert" }),
      h("div", { class: "dialog-actions" },
        h("button", { type: "button", class: "btn", onclick: () => act.close(view) }, view.close || "Close"),
        view.submit && h("button", { type: "submit", class: "btn primary" }, view.submit)));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      if (modal.ready()) act.submit(view, modal.values());
    });
    const back = modal.focused();
    put(dialog, form);
    dialog.setAttribute("aria-labelledby", "modal-title");
    dialog.oncancel = (e) => { e.preventDefault(); act.close(view); };
    if (!dialog.open) dialog.showModal();
    back();
  }
  dialog.querySelector(".trouble").textContent = view.trouble ? "We had some trouble connecting. Try again?" : "";
  modal.answered(view);
}
