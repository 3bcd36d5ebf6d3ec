// A view of the app, a form or the Home tab: drawn anew only when the app changes it,
// and then with what was typed still in it.
import { renderBlocks } from "./blocks.js";
import { values } from "./inputs.js";

// viewForm keeps one view on screen. act is
//   ctx                          renderBlocks'
//   confirm(button)              promises whether a button's question is answered by yes
//   act(view, block, action, value, values)       an element tells the app at once
//   suggest(view, block, action, query, values)   a select asks for options
export function viewForm() {
  let shown = "";      // ID and hash of the view on screen
  let fields = [];
  let errors = null;   // as they were last shown

  const held = (id) => id === shown.split(" ")[0] ? values(fields) : {};

  // draw returns the view's blocks as nodes, or null where it is on screen already.
  function draw(view, act) {
    const signature = `${view.id} ${view.hash} ${act.ctx.names.me}`;
    if (signature === shown) return null;
    const typed = held(view.id);
    const form = {
      fields: [],
      start: (b, e) => typed[b.block_id]?.[e.action_id] ?? view.entered?.[b.block_id]?.[e.action_id] ?? initially(e),
      act: (b, e, value) => act.act(view, b.block_id, e.action_id, value, values(fields)),
      suggest: (b, e, query) => act.suggest(view, b.block_id, e.action_id, query, values(fields)),
    };
    const press = async (button, blockID, element) => {
      if (!await act.confirm(button)) return;
      element.setAttribute("aria-busy", "true");
      await act.act(view, blockID, button.action_id, "", values(fields));
      setTimeout(() => element.removeAttribute("aria-busy"), 1200);
    };
    const body = renderBlocks(view.blocks, { ...act.ctx, form, press });
    before = remember();
    [shown, fields, errors] = [signature, form.fields, null];
    return body;
  }

  // Where the caret was in the fields before, and a way back to it in the new ones.
  let before = null;

  function remember() {
    const f = fields.find((each) => each.el === document.activeElement);
    return f && { blockID: f.blockID, actionID: f.actionID, at: f.el.selectionStart };
  }

  function focused() {
    const was = before;
    return () => {
      const f = was && fields.find((each) => each.blockID === was.blockID && each.actionID === was.actionID);
      if (!f) return;
      f.el.focus();
      if (was.at !== null && was.at !== undefined && f.el.setSelectionRange && f.el.type === "text") f.el.setSelectionRange(was.at, was.at);
    };
  }

  // answered shows what the app has said about a view that it did not change.
  function answered(view) {
    for (const s of view.suggestions ?? []) fields.find((f) => f.blockID === s.block_id && f.actionID === s.action_id)?.offer(s);
    const said = JSON.stringify(view.errors ?? {});
    if (said === errors) return;
    errors = said;
    for (const f of fields) f.problem(view.errors?.[f.blockID] ?? "");
    const first = fields.find((f) => view.errors?.[f.blockID]);
    first?.el.focus();
  }

  // ready tells whether everything that has to be filled in is, and says so where not.
  function ready() {
    for (const f of fields) f.problem(f.missing() ? "Please fill this in." : "");
    const missing = fields.find((f) => f.missing());
    missing?.el.focus();
    errors = null; // the same error may come again
    return !missing;
  }

  return { draw, answered, ready, focused, values: () => values(fields), forget: () => { [shown, fields] = ["", []]; } };
}

// initially is what an element holds before anybody touches it.
function initially(e) {
  const first = e.initial_value ?? e.initial_option?.value ?? e.initial_options?.map((o) => o.value).join("\n")
    ?? e.initial_user ?? e.initial_channel ?? e.initial_conversation ?? e.initial_date ?? e.initial_time ?? e.initial_date_time ?? "";
  return String(first);
}
