// Questions and forms in front of everything else.
import { h, put } from "./dom.js";
import { renderBlocks, textObject } from "./blocks.js";
import { values } from "./inputs.js";

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

let shown = ""; // ID and content of the view on screen
let inputs = [];

// drawView shows the topmost of a person's open views, or none. It is drawn anew
// only when the app has changed it. act is {ctx, submit(view, values), close(view)}.
export function drawView(view, act) {
  const dialog = document.getElementById("modal");
  if (!view) {
    shown = "";
    if (dialog.open) dialog.close();
    return;
  }
  const signature = JSON.stringify(view);
  if (signature === shown) return;
  shown = signature;
  inputs = [];
  const ctx = { ...act.ctx, inputs };
  const form = h("form", { method: "dialog", novalidate: true },
    h("h2", { id: "modal-title" }, view.title),
    h("div", { class: "dialog-body" }, renderBlocks(view.blocks, ctx)),
    view.trouble && h("p", { class: "problem", role: "alert" }, "We had some trouble connecting. Try again?"),
    h("div", { class: "dialog-actions" },
      h("button", { type: "button", class: "btn", onclick: () => act.close(view) }, view.close || "Close"),
      view.submit && h("button", { type: "submit", class: "btn primary" }, view.submit)));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    for (const i of inputs) i.problem(i.missing() ? "Please fill this in." : "");
    const missing = inputs.find((i) => i.missing());
    if (missing) missing.el.focus();
    else act.submit(view, values(inputs));
  });
  put(dialog, form);
  showErrors(view.errors);
  dialog.setAttribute("aria-labelledby", "modal-title");
  dialog.oncancel = (e) => { e.preventDefault(); act.close(view); };
  if (!dialog.open) dialog.showModal();
}

// showErrors puts the app's errors under the inputs they are about.
function showErrors(errors) {
  for (const [block, text] of Object.entries(errors ?? {})) {
    inputs.find((i) => i.blockID === block)?.problem(text);
  }
}
