// The Baseten panel: models, what serves them, their settings and replicas.
import { h, keyed } from "./dom.js";

const SETTINGS = [
  ["min_replica", "min"], ["max_replica", "max"], ["autoscaling_window", "window", " s"], ["scale_down_delay", "delay", " s"],
  ["concurrency_target", "concurrency"], ["target_utilization_percentage", "utilization", " %"],
  ["target_in_flight_tokens", "tokens"], ["max_scale_down_rate", "down-rate", " %"],
];

// More dots than this say less than the number beside them.
const MOST_DOTS = 24;

export function drawModels(parent, models) {
  const shared = (m) => models.filter((o) => o.name === m.name).length > 1;
  keyed(parent, models, (m) => m.id, (m) => m.name, (m) => h("article", { class: "model", "aria-label": m.name },
    h("header", {}, h("h3", {}, shared(m) ? h("span", { class: "dim" }, m.team + "/") : null, m.name), h("span", { class: "dim" }, m.instance_type)),
    h("div", { class: "targets" })));
  for (const m of models) {
    const card = [...parent.children].find((el) => el.dataset.key === m.id);
    drawTargets(card.querySelector(".targets"), m);
  }
}

function drawTargets(parent, model) {
  const deployment = (id) => model.deployments.find((d) => d.id === id);
  const serving = model.environments.map((e) => ({ key: "env:" + e.name, name: e.name, env: e, d: deployment(e.deployment), settings: e.settings }));
  const others = model.deployments.filter((d) => !d.environment).map((d) => ({
    key: d.id, name: d.development ? "development" : d.name, env: null, d, settings: d.settings,
  }));
  const targets = [...serving, ...others];
  keyed(parent, targets, (t) => t.key, (t) => t.key, target);
  for (const t of targets) update([...parent.children].find((el) => el.dataset.key === t.key), t);
}

function target() {
  return h("section", { class: "target" },
    h("div", { class: "target-head" }, h("h4", {}), h("span", { class: "serves dim" }), h("span", { class: "state" })),
    h("p", { class: "note", hidden: true }),
    h("div", { class: "dots", role: "img" }),
    h("dl", { class: "settings" }));
}

function update(el, t) {
  el.classList.toggle("idle", !t.env);
  el.querySelector("h4").textContent = t.name;
  el.querySelector(".serves").textContent = t.env ? (t.d ? `serves ${t.d.name}` : "serves nothing") : "deployment";
  const state = el.querySelector(".state");
  const word = stateWord(t);
  state.textContent = word.text;
  state.className = "state " + word.kind;
  const note = el.querySelector(".note");
  note.textContent = t.env?.schedule ? `schedule ${t.env.schedule} in force: ${bounds(t.d?.settings)}` : "";
  note.hidden = note.textContent === "";
  dots(el.querySelector(".dots"), t);
  settings(el.querySelector(".settings"), t.settings);
}

const bounds = (s) => s ? `min ${s.min_replica}, max ${s.max_replica}` : "";

function stateWord({ d, env }) {
  if (!d) return { text: "empty", kind: "" };
  if (env?.candidate) return { text: "promotion under way", kind: "busy" };
  if (env && !env.settled) return { text: "applying", kind: "busy" };
  if (d.active_replicas < d.desired_replicas) return { text: "scaling up", kind: "busy" };
  if (d.active_replicas > d.desired_replicas) return { text: "scaling down", kind: "busy" };
  const text = d.status.toLowerCase().replaceAll("_", " ");
  return { text, kind: { ACTIVE: "good", SCALED_TO_ZERO: "", INACTIVE: "" }[d.status] ?? "bad" };
}

// One dot a replica: running, starting or stopping, and room up to max.
function dots(el, { d, settings }) {
  const s = d?.settings ?? settings; // of a schedule in force, not of the environment
  const active = d?.active_replicas ?? 0, desired = d?.desired_replicas ?? 0, most = s?.max_replica ?? 0;
  const kinds = [];
  for (let i = 0; i < Math.min(MOST_DOTS, Math.max(active, desired, most)); i++) {
    if (i < active) kinds.push(i < desired ? "on" : "going");
    else kinds.push(i < desired ? "coming" : "room");
  }
  keyed(el, kinds.map((kind, i) => ({ kind, i })), (k) => k.i, (k) => k.kind, (k, had) => {
    const dot = had ?? h("span");
    dot.className = "dot " + k.kind;
    return dot;
  });
  el.dataset.count = most > MOST_DOTS ? `${active} of up to ${most}` : `${active} / ${most}`;
  el.setAttribute("aria-label", `${active} replicas running, ${desired} wanted, ${most} at most`);
}

function settings(el, s) {
  const rows = SETTINGS.filter(([field]) => s && s[field] !== null).map(([field, word, unit = ""]) => ({ word, text: s[field] + unit }));
  keyed(el, rows, (r) => r.word, (r) => r.text, (r, had) => {
    const row = h("div", {}, h("dt", {}, r.word), h("dd", {}, r.text));
    if (had) row.className = "moved";
    return row;
  });
}
