// Where each list of messages is scrolled to.
const $ = (id) => document.getElementById(id);

const seen = {}; // which list was last drawn

// follow draws, and keeps the end of a list in sight if it was, or if the list is
// another one.
export function follow(scroll, list, last, drawIt) {
  const another = seen[scroll.id] !== list;
  if (!another) keepPlace(scroll);
  drawIt();
  if (another) {
    seen[scroll.id] = list;
    places[scroll.id] = last ? END : 0;
  }
  settle(scroll);
}

// Where each list is scrolled to: a list out of sight, as on a phone, has no place
// of its own. Who sent something wants to see it.
const END = Infinity, SENT = "sent";
const places = {};

function settle(scroll) {
  if (scroll.clientHeight === 0) return;
  const place = places[scroll.id] ?? 0;
  scroll.scrollTop = place === END || place === SENT ? scroll.scrollHeight : place;
  if (place === SENT && scroll.scrollTop > 0) places[scroll.id] = END;
}

function keepPlace(scroll) {
  if (scroll.clientHeight === 0 || places[scroll.id] === SENT) return;
  places[scroll.id] = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80 ? END : scroll.scrollTop;
}

for (const scroll of [$("scroll"), $("thread-scroll")]) {
  scroll.addEventListener("scroll", () => keepPlace(scroll));
  new ResizeObserver(() => settle(scroll)).observe(scroll);
}

// sent tells that somebody has sent something into a list, and wants to see it.
export const sent = (id) => { places[id] = SENT; };
