// What a screen reader or weak eyes would stumble over in the page as it is shown now:
// one line each, none when all is well.
(() => {
  const problems = [];
  const seen = (el) => el.checkVisibility({ visibilityProperty: true }) && el.getClientRects().length > 0;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const what = (el) => el.tagName.toLowerCase() + (el.id ? "#" + el.id : "") + (el.className.baseVal === undefined && el.className ? "." + el.className.split(" ").join(".") : "") + ` “${el.textContent.trim().slice(0, 30)}”`;
  const bad = (rule, el) => problems.push(rule + ": " + (el ? what(el) : ""));

  const ids = [...document.querySelectorAll("[id]")].map((el) => el.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) bad("id twice: " + id);
  if (!document.querySelector("dialog[open]")) {
    if (all("h1").length !== 1) bad(`${all("h1").length} h1`);
    if (all("main").length !== 1) bad(`${all("main").length} main`);
  }

  for (const li of all("li")) {
    const list = li.parentElement, role = li.getAttribute("role");
    const plain = !role && list.matches("ul:not([role]), ol:not([role])");
    const option = ["option", "presentation"].includes(role) && list.matches("[role=listbox]");
    if (!plain && !option) bad("li outside of a list", li);
  }
  const within = { option: "[role=listbox]", menuitem: "[role=menu]", radio: "[role=radiogroup]" };
  for (const [role, parent] of Object.entries(within)) for (const el of all(`[role=${role}]`)) if (!el.closest(parent)) bad(`${role} outside of ${parent}`, el);
  for (const el of all("[role=switch], [role=radio]")) if (!["true", "false"].includes(el.getAttribute("aria-checked"))) bad("no aria-checked", el);
  for (const el of all("[role=log]")) if (el.matches("ol, ul")) bad("a list that is a log", el);

  const text = (ids) => (ids ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const name = (el) => el.getAttribute("aria-label") || text(el.getAttribute("aria-labelledby")) || [...(el.labels ?? [])].map((l) => l.textContent).join(" ").trim()
    || (el.matches("input, select, textarea") ? "" : el.textContent.trim());
  for (const el of all("button, input, select, textarea, a[href], dialog[open], [role=dialog], [role=img], [role=log], [role=listbox], [role=menu], [role=region], [tabindex='0'], fieldset")) {
    if (!name(el)) bad("no name", el);
  }
  for (const el of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    for (const attribute of ["aria-labelledby", "aria-describedby"]) {
      for (const id of (el.getAttribute(attribute) ?? "").split(" ").filter(Boolean)) if (!document.getElementById(id)) bad(`${attribute} names nothing`, el);
    }
  }
  for (const el of all(".scroll")) if (el.scrollHeight > el.clientHeight + 1 && el.tabIndex < 0) bad("cannot be scrolled by keyboard", el);

  // Contrast of text with what lies behind it, by WCAG 2.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (front, back) => front.slice(0, 3).map((c, i) => c * front[3] + back[i] * (1 - front[3]));
  const behind = (el) => {
    const layers = [];
    for (let e = el; e; e = e.parentElement) {
      const layer = rgba(getComputedStyle(e).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((back, layer) => over(layer, back), [255, 255, 255]);
  };
  const light = (c) => c.map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const done = new Set();
  while (texts.nextNode()) {
    const el = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || done.has(el) || !seen(el) || el.closest("[aria-hidden=true], :disabled, .unseen, .skip, svg, option")) continue;
    if (document.querySelector("dialog[open]") && !el.closest("dialog")) continue;
    done.add(el);
    const style = getComputedStyle(el), back = behind(el);
    const [a, b] = [light(over(rgba(style.color), back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) bad(`contrast ${ratio.toFixed(2)}`, el);
  }
  return problems.join("\n");
})()
