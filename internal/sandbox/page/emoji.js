// Emoji as small drawings, so that a system without an emoji font shows no boxes.
import { svg } from "./dom.js";

// Each is a list of [shape, attributes] on a 20×20 grid; c is a colour of COLOURS.
const COLOURS = {
  red: "#d6453d", amber: "#e8a33d", green: "#3a9a5b", blue: "#3b7dd8", white: "#f4f1ea", grey: "#8b8f94", dark: "#45484c", wood: "#a9713c", ice: "#5bb2e6",
};

const disc = (c) => ["circle", { cx: 10, cy: 10, r: 8.2, fill: c, stroke: c === "white" ? "grey" : undefined }];
const line = (c, d, width = 2.2) => ["path", { d, fill: "none", stroke: c, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" }];
const fill = (c, d) => ["path", { d, fill: c }];
const glass = (sand) => [
  line("wood", "M5 2.5h10M5 17.5h10", 1.8), fill("white", "M6 3.5h8c0 4-2.8 4.8-2.8 6.5s2.8 2.5 2.8 6.5H6c0-4 2.8-4.8 2.8-6.500S6 7.5 6 3.500z"),
  fill("amber", sand), line("grey", "M6 3.5h8c0 4-2.8 4.8-2.8 6.500s2.8 2.5 2.8 6.500H6c0-4 2.8-4.8 2.8-6.500S6 7.5 6 3.500z", 0.9),
];
const mark = (c, sign) => [disc(c), line("white", sign)];
const QUESTION = "M7.3 7.600c.2-3.3 5.5-3.3 5.5 0 0 2-2.7 2-2.7 4.200M10.1 15v.1";

const DRAWINGS = {
  "white check mark": [["rect", { x: 1.8, y: 1.8, width: 16.4, height: 16.4, rx: 3.5, fill: "green" }], line("white", "M5.5 10.4 8.6 13.5 14.6 6.7")],
  "check": [line("green", "M4 10.5 8.2 14.7 16 5.5", 2.8)],
  "cross": [line("red", "M4.5 4.500l11 11M15.5 4.500l-11 11", 3)],
  "no entry": [disc("red"), fill("white", "M5 8.600h10v2.800H5z")],
  "warning": [fill("amber", "M10 1.8 19 17.800H1z"), line("dark", "M10 7.200v5M10 15v.1", 2)],
  "hourglass running": glass("M8 6.500h4l-2 3zM10 10.500c2 1.6 2.6 2.7 2.8 5.200H7.200c.2-2.5.8-3.6 2.8-5.200z"),
  "hourglass done": glass("M7 12.500c2-1 4-1 6 0 .5 1 .8 2 .8 3.400H6.200c0-1.4.3-2.4.8-3.400z"),
  "question": [line("red", QUESTION, 2.6)],
  "white question": [line("grey", QUESTION, 2.6)],
  "alarm": [fill("red", "M4.5 14c0-9 11-9 11 0z"), fill("dark", "M3 14.200h14v3.300H3z"), line("red", "M10 1v2M2.5 4.5 4 6M17.5 4.5 16 6", 1.6)],
  "locked": [line("grey", "M6.5 9V6.500c0-4.7 7-4.7 7 0V9", 2), ["rect", { x: 4, y: 9, width: 12, height: 8.5, rx: 2, fill: "amber" }]],
  "unlocked": [line("grey", "M6.5 9V5.500c0-4.7 7-4.7 7 0", 2), ["rect", { x: 4, y: 9, width: 12, height: 8.5, rx: 2, fill: "amber" }]],
  "snowflake": [line("ice", "M10 2v16M3.1 6l13.8 8M16.9 6 3.1 14M7.8 3.5 10 5.500l2.2-2M7.8 16.500l2.2-2 2.2 2", 1.6)],
  "clock": [["circle", { cx: 10, cy: 10, r: 8, fill: "white", stroke: "grey", "stroke-width": 1.6 }], line("dark", "M10 5.500V10l3 2", 1.6)],
  "undo": [line("blue", "M7.5 4 3.5 8l4 4M4 8h7.500c6.5 0 6 8 .5 8H9", 2.2)],
  "repeat": [line("blue", "M3.5 9c.5-6 9-7 12-2.500M16.5 3v4h-4M16.5 11c-.5 6-9 7-12 2.500M3.5 17v-4h4", 2)],
  "eyes": [["ellipse", { cx: 5.8, cy: 10, rx: 4, ry: 5.5, fill: "white", stroke: "grey" }], ["ellipse", { cx: 14.2, cy: 10, rx: 4, ry: 5.5, fill: "white", stroke: "grey" }],
    ["circle", { cx: 6.8, cy: 11, r: 2, fill: "dark" }], ["circle", { cx: 15.2, cy: 11, r: 2, fill: "dark" }]],
  "fire engine": [fill("red", "M1.5 5.500h10v9h-10zM12 7.500h3.500l3 3.500v3.500H12z"), line("grey", "M2 3.500h9", 1.6), ["circle", { cx: 5, cy: 15, r: 2.2, fill: "dark" }], ["circle", { cx: 14.5, cy: 15, r: 2.2, fill: "dark" }]],
  "idea": [fill("amber", "M10 1.500c-7 0-7.5 7-3.5 10v2.500h7V11.500c4-3 3.5-10-3.5-10z"), line("grey", "M7.5 16h5M8.5 18h3", 1.6)],
  "information": [["rect", { x: 1.8, y: 1.8, width: 16.4, height: 16.4, rx: 3.5, fill: "blue" }], line("white", "M10 9.500v5M10 5.600v.1", 2.4)],
  "right": [["rect", { x: 1.8, y: 1.8, width: 16.4, height: 16.4, rx: 3.5, fill: "blue" }], line("white", "M5 10h9M10.5 6l4 4-4 4")],
  "green circle": [disc("green")], "yellow circle": [disc("amber")], "red circle": [disc("red")], "white circle": [disc("white")],
  "speech": [fill("blue", "M2 3.500h16v10.500H9l-4 3.500v-3.500H2z")],
  "party": [fill("amber", "M2 18 7 6.500l6.5 6.500z"), line("red", "M11 8c0-3 1-4 3-5M13 10c3-1 4-1 5 0", 1.6), ["circle", { cx: 8, cy: 3.5, r: 1.2, fill: "blue" }], ["circle", { cx: 16, cy: 14, r: 1.2, fill: "green" }]],
  "rocket": [fill("grey", "M10 1.500c4 3.5 4 8 2.5 12h-5C6 9.5 6 5 10 1.500z"), fill("red", "M7 10l-3 5 3.5-1.500zM13 10l3 5-3.5-1.500z"), line("amber", "M10 15v3.5", 2.4), ["circle", { cx: 10, cy: 7, r: 1.6, fill: "blue" }]],
  "robot": [["rect", { x: 3, y: 6, width: 14, height: 11, rx: 2.5, fill: "grey" }], line("grey", "M10 6V2.5", 1.6), ["circle", { cx: 7, cy: 10.5, r: 1.5, fill: "white" }], ["circle", { cx: 13, cy: 10.5, r: 1.5, fill: "white" }], line("white", "M7 14h6", 1.4)],
  "thumbs up": [fill("amber", "M2 9h3.500v8.500H2zM6.5 9 10 2c2 0 2.5 1.5 1.5 5h5.500c1.5 0 1.5 2 .5 2.5 1 .8.6 2.3-.5 2.6.6 1 .2 2.1-.8 2.4.3 1.5-.3 3-2 3H9l-2.5-1z")],
  "waving hand": [fill("amber", "M5 9 3.5 6.500c1-.8 1.7-.5 2.2.3L8 10l-2-4.500c.8-.8 1.6-.6 2 .2l2 3.5-1-4.200c.8-.6 1.7-.3 2 .6l1.5 5c.2-1.5 1-2.3 2-2 .5 4 0 9-4.5 9.400C7 18.3 6.5 13 5 9z")],
  "bell": [fill("amber", "M4 14.500c2-2 1-9 6-9.5 5 .5 4 7.5 6 9.500z"), line("amber", "M10 3v2", 2), line("wood", "M8.5 17h3", 2)],
  "magnifier": [["circle", { cx: 8.5, cy: 8.5, r: 5.5, fill: "white", stroke: "grey", "stroke-width": 2 }], line("grey", "M13 13l4.5 4.5", 2.6)],
  "incoming": [fill("blue", "M1.5 6.500h17v11h-17z"), line("white", "M2.5 7.5 10 13l7.5-5.5", 1.4), line("blue", "M10 1v3.5", 1.8)],
  "stopped": [disc("red"), fill("white", "M6.5 6.500h7v7h-7z")],
  "chart": [["rect", { x: 2, y: 2, width: 16, height: 16, rx: 2, fill: "white", stroke: "grey" }], line("red", "M4.5 14 8.5 9.500l3 2.500L15.5 6", 1.8)],
};

// What Slack calls them, and the characters they stand for.
const NAMES = {
  white_check_mark: ["✅", "white check mark"], heavy_check_mark: ["✔", "check"], x: ["❌", "cross"], no_entry: ["⛔", "no entry"], no_entry_sign: ["🚫", "no entry"],
  warning: ["⚠", "warning"], hourglass: ["⌛", "hourglass done"], hourglass_flowing_sand: ["⏳", "hourglass running"], question: ["❓", "question"],
  grey_question: ["❔", "white question"], rotating_light: ["🚨", "alarm"], lock: ["🔒", "locked"], unlock: ["🔓", "unlocked"], snowflake: ["❄", "snowflake"],
  ice_cube: ["🧊", "snowflake"], clock3: ["🕒", "clock"], alarm_clock: ["⏰", "clock"], stopwatch: ["⏱", "clock"], timer_clock: ["⏲", "clock"],
  leftwards_arrow_with_hook: ["↩", "undo"], arrows_counterclockwise: ["🔄", "repeat"], repeat: ["🔁", "repeat"], eyes: ["👀", "eyes"],
  fire_engine: ["🚒", "fire engine"], bulb: ["💡", "idea"], information_source: ["ℹ", "information"], arrow_right: ["➡", "right"],
  large_green_circle: ["🟢", "green circle"], large_yellow_circle: ["🟡", "yellow circle"], red_circle: ["🔴", "red circle"], white_circle: ["⚪", "white circle"],
  speech_balloon: ["💬", "speech"], tada: ["🎉", "party"], rocket: ["🚀", "rocket"], robot_face: ["🤖", "robot"], "+1": ["👍", "thumbs up"], thumbsup: ["👍", "thumbs up"],
  wave: ["👋", "waving hand"], bell: ["🔔", "bell"], mag: ["🔍", "magnifier"], mag_right: ["🔎", "magnifier"], incoming_envelope: ["📨", "incoming"],
  octagonal_sign: ["🛑", "stopped"], chart_with_upwards_trend: ["📈", "chart"],
};

const BY_CHARACTER = Object.fromEntries(Object.values(NAMES));
const CHARACTERS = new RegExp(`(${Object.keys(BY_CHARACTER).join("|")})\\uFE0F?`, "u");

// draw draws one emoji by the name of its drawing.
function draw(name) {
  const colour = (c) => COLOURS[c] ?? c;
  const shapes = DRAWINGS[name].map(([shape, attributes]) => svg(shape, Object.fromEntries(
    Object.entries(attributes).filter(([, v]) => v !== undefined).map(([k, v]) => [k, k === "fill" || k === "stroke" ? colour(v) : v]))));
  return svg("svg", { viewBox: "0 0 20 20", class: "emoji", role: "img", "aria-label": name }, ...shapes);
}

// emoji shows a short name of Slack's as a drawing, an unknown one as typed.
export const emoji = (short) => NAMES[short] ? draw(NAMES[short][1]) : `:${short}:`;

// withEmoji is text as nodes, its emoji drawn. What has no drawing stays a character.
export function withEmoji(text) {
  return text.split(CHARACTERS).map((part, i) => i % 2 === 1 ? draw(BY_CHARACTER[part]) : part).filter((part) => part !== "");
}
