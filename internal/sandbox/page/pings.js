// What Slack would tell whom: a line for each message, newest first.
import { h, keyed } from "./dom.js";
import { avatar } from "./messages.js";
import { mrkdwn, clock } from "./text.js";

const WHY = {
  mention: "mentioned", group: "their group mentioned", all: "everybody in the channel", direct: "direct message", private: "seen while looking, no push",
};

// drawPings shows notifications of the app's and people's messages.
export function drawPings(el, pings, names) {
  keyed(el, pings.toReversed(), (p) => p.serial, (p) => [p, names.me], (p) => {
    const loud = p.users.length > 0;
    return h("li", { class: "ping" + (loud ? "" : " quiet-ping"), dataset: { why: p.edits ? "edit" : p.why } },
      h("p", { class: "ping-head" },
        loud ? p.users.map((id) => h("span", { class: "who" }, avatar(names.person(id), "tiny"), names.user(id))) : h("span", {}, p.edits ? "An edit notifies nobody" : "Nobody is notified"),
        p.edits > 1 && h("span", { class: "dim" }, `(${p.edits} edits)`),
        clock(p.at)),
      h("p", { class: "ping-text" }, mrkdwn(p.text, names)),
      h("p", { class: "dim ping-why" }, [loud && WHY[p.why], place(p, names), "by " + names.user(p.from)].filter(Boolean).join(" · ")));
  });
}

function place(p, names) {
  const channel = names.place(p.channel);
  return p.thread_ts && p.thread_ts !== p.ts ? `in a thread of ${channel}` : channel;
}
