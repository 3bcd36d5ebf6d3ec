// What can come next in the composer: a pure function of the text and the world.
// The grammar is what the bot's help says; the page shares no code with it.

const COMMANDS = [
  ["status", "settings and replicas of a model, right now"],
  ["list", "models, optionally those that match a glob"],
  ["can", "what the policy would decide, changing nothing"],
  ["pending", "requests that wait for an approver"],
  ["reviews", "each break-glass that nobody reviewed yet"],
  ["history", "what was changed, by whom"],
  ["cancel", "withdraw a request of yours"],
  ["undo", "ask for the settings as they were before"],
  ["extend", "let a temporary change last longer"],
  ["keep", "keep a temporary change for good"],
  ["freeze", "stop changes of a model until a time"],
  ["thaw", "end a freeze"],
  ["whoami", "your ID, your groups, the rules that name you"],
  ["help", "commands and settings"],
];

const SETTINGS = [
  ["min", "min_replica", "replicas, 0 or more"],
  ["max", "max_replica", "replicas, 1 or more"],
  ["window", "autoscaling_window", "10–3600 s, or 10m"],
  ["delay", "scale_down_delay", "0–3600 s, or 2m"],
  ["concurrency", "concurrency_target", "requests per replica"],
  ["utilization", "target_utilization_percentage", "1–100 %"],
  ["tokens", "target_in_flight_tokens", "per replica; can never be cleared"],
  ["down-rate", "max_scale_down_rate", "1–50 %; can never be cleared"],
];

const OPTIONS = [
  ["reason=\"", "why; kept with the request"],
  ["for=", "for how long, as in 2h; then it goes back by itself"],
  ["until=", "until when, as in 18:00; then it goes back by itself"],
  ["dry-run", "show what would happen"],
  ["break-glass", "skip the approval, loudly; needs a reason"],
];

// What options mean in a freeze.
const FREEZE = {
  "reason=\"": "why; everybody who is stopped reads it",
  "for=": "for how long, as in 2h",
  "until=": "until when, as in 18:00",
  "break-glass": "let requests through that skip their approval",
};

// What for and until take, and extend.
const LENGTHS = [["30m", "30 minutes"], ["1h", "one hour"], ["2h", "two hours"], ["8h", "eight hours"], ["2d", "two days"]];
const MOMENTS = [["18:00", "today, or tomorrow where that has passed"], ['"Mon 08:00"', "next Monday morning"]];
const EXTENSIONS = ["1h", "2h", "8h"];

// complete returns what fits at the caret as {from, to, items}, where an item is
// {text, hint, group, stay}: text replaces the characters from…to, and stay says
// that no space follows it. An item with no text is a remark.
export function complete(line, caret, world) {
  const head = line.slice(0, caret);
  const from = head.search(/\S*$/);
  const word = head.slice(from);
  const before = head.slice(0, from).trim().split(/\s+/).filter(Boolean);
  const items = candidates(before, word, world)
    .filter((i) => i.text === undefined || (fits(i.text, word) && i.text !== word));
  return { from, to: caret, items };
}

const fits = (text, word) => text.toLowerCase().startsWith(word.toLowerCase());

function candidates(before, word, world) {
  if (before.length === 0) return openers(word, world);
  if (before[0] === "/invite") return before.length === 1 ? [{ text: "@" + world.bot, hint: "let the bot into this channel", group: "Bot" }] : [];
  if (before[0] !== world.command && before[0] !== "@" + world.bot) return [];
  return command(before.slice(1), word, world);
}

function openers(word, world) {
  if (word.startsWith("/") && !world.inThread) {
    return [
      { text: world.command, hint: "MODEL TARGET setting=value…", group: "Commands" },
      { text: "/invite", hint: "@" + world.bot + ": let the bot into this channel", group: "Commands" },
    ];
  }
  if (!word.startsWith("@")) return [];
  return [{ text: "@" + world.bot, hint: "the same commands, answered in the thread", group: "People" }];
}

function command(words, word, world) {
  if (words.length === 0) {
    return [...models(world), ...COMMANDS.map(([text, hint]) => ({ text, hint, group: "Commands" }))];
  }
  const [first, ...rest] = words;
  switch (first) {
    case "list": case "pending": case "whoami": case "reviews": return [];
    case "help": return rest.length ? [] : COMMANDS.map(([text, hint]) => ({ text, hint, group: "Commands" }));
    case "extend":
      return rest.length === 1 ? EXTENSIONS.map((text) => ({ text, hint: "longer", group: "Time" })) : rest.length ? [] : requests(world);
    case "cancel": case "undo": case "keep": case "thaw":
      return rest.length ? [] : requests(world);
    case "freeze": return rest.length === 0 ? [{ text: "*", hint: "all models", group: "Models" }, ...models(world)] : freeze(rest, word, world);
    case "status": case "history": return rest.length === 0 ? models(world) : rest.length === 1 ? targets(rest[0], world) : [];
    case "can": return rest.length === 0 ? models(world) : change(rest, word, world);
  }
  return change(words, word, world);
}

const requests = (world) => world.requests.map((text) => ({ text, hint: "seen in this channel", group: "Requests" }));

// ends are values of for= and until=, once one of them is typed.
function ends(word) {
  const [option] = word.match(/^(for|until)=/) ?? [];
  if (!option) return undefined;
  return (option === "for=" ? LENGTHS : MOMENTS).map(([text, hint]) => ({ text: option + text, hint, group: "Time" }));
}

function freeze([model, ...rest], word, world) {
  const typing = ends(word);
  if (typing) return typing;
  const used = new Set(rest.map((w) => w.split("=")[0]));
  const named = rest.some((w) => !w.includes("=") && w !== "break-glass");
  return [
    ...(model === "*" || named || used.size ? [] : targets(model, world)),
    ...OPTIONS.filter(([text]) => text !== "dry-run" && !used.has(text.split("=")[0]))
      .map(([text, hint]) => ({ text, hint: FREEZE[text] ?? hint, group: "Options", stay: /["=]$/.test(text) })),
  ];
}

function models(world) {
  return world.models.map((m) => ({ text: handle(m, world), hint: `${m.instance_type} · ${m.id}`, group: "Models" }));
}

// handle is how to type a model: its name, or team/name where two teams share it.
function handle(model, world) {
  const shared = world.models.filter((m) => m.name === model.name).length > 1;
  return shared ? `${model.team}/${model.name}` : model.name;
}

const find = (typed, world) => world.models.find((m) => handle(m, world) === typed || m.id === typed);

function targets(typed, world) {
  const model = find(typed, world);
  if (!model) return [];
  const name = (id) => model.deployments.find((d) => d.id === id)?.name ?? "nothing";
  return [
    ...model.environments.map((e) => ({
      text: e.name, hint: `environment, serves ${name(e.deployment)} · min ${e.settings.min_replica}, max ${e.settings.max_replica}`, group: "Targets",
    })),
    ...model.deployments.map((d) => ({
      text: d.development ? "development" : d.name,
      hint: `deployment ${d.id}` + (d.environment ? `, serves ${d.environment}` : "") + ` · ${d.status.toLowerCase().replaceAll("_", " ")}`, group: "Targets",
    })),
  ];
}

function settingsOf(modelTyped, targetTyped, world) {
  const model = find(modelTyped, world);
  const is = (d) => d.id === targetTyped || d.name === targetTyped || (d.development && targetTyped === "development");
  return model?.environments.find((e) => e.name === targetTyped)?.settings ?? model?.deployments.find(is)?.settings;
}

function change([model, target, ...rest], word, world) {
  if (target === undefined) return targets(model, world);
  const now = settingsOf(model, target, world);
  const current = (field) => now ? ` · now ${now[field] ?? "not set"}` : "";
  const end = ends(word);
  if (end) return end;
  const typing = word.match(/^([a-z-]+)=/);
  if (typing) {
    const setting = SETTINGS.find(([name]) => name === typing[1]);
    return setting ? [{ hint: setting[2] + current(setting[1]), group: setting[0] }] : [];
  }
  const used = new Set(rest.map((w) => w.split("=")[0]));
  return [
    ...SETTINGS.filter(([name]) => !used.has(name)).map(([name, field, hint]) => ({ text: name + "=", hint: hint + current(field), group: "Settings", stay: true })),
    ...OPTIONS.filter(([text]) => !used.has(text.split("=")[0])).map(([text, hint]) => ({ text, hint, group: "Options", stay: /["=]$/.test(text) })),
  ];
}
