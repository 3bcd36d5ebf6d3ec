// The policy: its file, to be edited, and what the bot made of it.
import { h, put } from "./dom.js";

const STATUS = {
  waiting: ["busy", "Saved. The bot looks at the file every second; while it is stopped, when it starts."],
  taken: ["good", "In force: the bot has taken this version."],
  refused: ["bad", "Refused: the bot keeps the version before, and said so in the channel for alarms."],
};

// drawPolicy shows the policy; save(text) promises why it could not be saved, or null.
export function drawPolicy(el, policy, save) {
  if (el.childElementCount === 0) build(el, save);
  const box = el.querySelector("textarea");
  const edited = box.value !== (el.saved ?? "");
  if (!edited && box.value !== policy.text) box.value = policy.text;
  el.saved = policy.text;
  mark(el);
  const [kind, words] = STATUS[policy.status];
  put(el.querySelector(".verdict"), h("span", { class: "lamp " + kind, "aria-hidden": "true" }), h("span", {}, words));
  const said = el.querySelector(".said");
  if (said.textContent !== (policy.words ?? "")) said.textContent = policy.words ?? "";
  const tests = (policy.tests ?? "").trim().split("\n").filter(Boolean);
  const results = el.querySelector(".results");
  if (results.dataset.was === policy.tests) return;
  results.dataset.was = policy.tests;
  put(results, tests.length > 0 && h("h3", {}, "Its tests"), tests.map((line) => {
    const [, verdict, rest] = line.match(/^(ok|FAIL)\s+(.*)$/) ?? [null, "", line];
    return h("p", { class: verdict === "FAIL" ? "bad" : "" }, verdict && h("strong", {}, verdict === "ok" ? "passed " : "failed "), rest);
  }));
}

function build(el, save) {
  const box = h("textarea", {
    class: "yaml", id: "policy-text", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-label": "The policy, as YAML",
    oninput: () => mark(el),
  });
  const problem = h("p", { class: "problem", role: "alert" });
  put(el,
    h("p", { class: "dim" }, "Who may change what, and who must agree. The first rule that matches decides."),
    box,
    h("div", { class: "policy-actions" },
      h("button", { type: "button", class: "btn primary", id: "policy-save", onclick: async () => { problem.textContent = await save(box.value) ?? ""; } }, "Save"),
      h("button", { type: "button", class: "btn", id: "policy-back", onclick: () => { box.value = el.saved; mark(el); } }, "Discard Edits")),
    problem,
    h("p", { class: "verdict", role: "status" }),
    h("pre", { class: "said" }),
    h("div", { class: "results" }));
}

// mark tells whether there is something to save.
function mark(el) {
  const edited = el.querySelector("textarea").value !== el.saved;
  el.querySelector("#policy-save").disabled = !edited;
  el.querySelector("#policy-back").disabled = !edited;
}
