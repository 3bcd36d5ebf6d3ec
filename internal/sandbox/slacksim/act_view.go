package slacksim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Suggestion is what the app offers in an external select for what was typed.
type Suggestion struct {
	BlockID  string          `json:"block_id"`
	ActionID string          `json:"action_id"`
	Query    string          `json:"query"`
	Options  json.RawMessage `json:"options,omitempty"`
	Groups   json.RawMessage `json:"option_groups,omitempty"`
	Loading  bool            `json:"loading,omitempty"`
	// Trouble: "Could not load": no ack in 3 s, or one that Slack cannot use.
	Trouble bool `json:"trouble,omitempty"`
}

// Act uses an element of the topmost modal, or of the Home tab, that tells the app at
// once: a button, a select or the like that stands in no input block, or an input with
// dispatch_action. value is as in Entered; a button has none. Other inputs are refused:
// they are sent by Submit. values are what else the person has put in before.
func (s *Server) Act(userID, viewID, blockID, actionID, value string, values Entered) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, actionID, userID, "")
	v, err := s.facingLocked(userID, viewID)
	if err != nil {
		return d.refuseLocked(err)
	}
	if err := v.enter(values); err != nil {
		return d.refuseLocked(err)
	}
	action, err := v.act(userID, blockID, actionID, value)
	if err != nil {
		return d.refuseLocked(err)
	}
	if text := textOf(action["text"]); text != "" {
		d.what = text
	}
	action["action_ts"] = s.stampLocked()
	d.TriggerID = s.newTriggerLocked(userID)
	payload := s.interactionLocked("block_actions", d)
	object := s.viewObjectLocked(v)
	payload["container"] = map[string]any{"type": "view", "view_id": v.ID}
	payload["view"], payload["state"], payload["actions"] = object, object["state"], []any{action}
	d.payload = encode(payload)
	d.onLost = func() { v.Trouble = true }
	v.Trouble = false
	d.sendLocked(d.EnvelopeID, 0)
	return d
}

// Enter puts values into the topmost modal without telling the app, as typing does.
func (s *Server) Enter(userID, viewID string, values Entered) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.facingLocked(userID, viewID)
	if err == nil {
		err = v.enter(values)
	}
	s.touchLocked()
	return err
}

// facingLocked finds a view that a person can use: the Home tab, or the topmost modal.
func (s *Server) facingLocked(userID, viewID string) (*View, error) {
	u := s.users[userID]
	if u == nil || u.gone() {
		return nil, refusedf("no user %s", userID)
	}
	i := slices.IndexFunc(s.views, func(v *View) bool { return v.ID == viewID && v.UserID == userID })
	if i < 0 {
		return nil, refusedf("user %s has no view %s open", userID, viewID)
	}
	v := s.views[i]
	if stack := s.stackLocked(userID); v.Type == "modal" && stack[len(stack)-1] != v {
		return nil, refusedf("view %s lies under another one", viewID)
	}
	return v, nil
}

// act is the action that a payload carries, once the element has been used.
func (v *View) act(userID, blockID, actionID, value string) (map[string]any, error) {
	var el map[string]any
	walkElements(v.Blocks, func(id string, e map[string]any) {
		if id == blockID && str(e["action_id"]) == actionID && visibleTo(e, userID) {
			el = e
		}
	})
	action := map[string]any{"type": str(el["type"]), "block_id": blockID, "action_id": actionID}
	switch {
	case el == nil:
		return nil, refusedf("view %s has no element %s in block %s", v.ID, actionID, blockID)
	case el["type"] == "button":
		for _, name := range []string{"text", "value", "style", "url"} {
			if given, ok := el[name]; ok {
				action[name] = given
			}
		}
		return action, nil
	case el["type"] == "overflow":
		option := optionOf(el, value)
		if option == nil {
			return nil, refusedf("%s has no option %q", actionID, value)
		}
		action["selected_option"] = option
		return action, nil
	}
	f, holds := fieldOf(v.Blocks, blockID, actionID)
	if !holds || !f.dispatches {
		return nil, refusedf("%s is sent with the form, not by itself", actionID)
	}
	if err := v.enter(Entered{blockID: {actionID: value}}); err != nil {
		return nil, err
	}
	for name, held := range v.fieldState(f) {
		action[name] = held
	}
	return action, nil
}

// Suggest types into an external select; the app's options are in View.Suggestions once
// it has acknowledged. The Delivery is refused where Slack does not ask yet: the query is
// shorter than min_query_length, which is 3 where the app does not say.
func (s *Server) Suggest(userID, viewID, blockID, actionID, query string, values Entered) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, actionID+": "+strconv.Quote(query), userID, "")
	v, err := s.facingLocked(userID, viewID)
	if err != nil {
		return d.refuseLocked(err)
	}
	f, ok := fieldOf(v.Blocks, blockID, actionID)
	if !ok || !strings.HasSuffix(f.kind(), "external_select") {
		return d.refuseLocked(refusedf("view %s has no external select %s in block %s", viewID, actionID, blockID))
	}
	least := 3.0
	if given, ok := number(f.el["min_query_length"]); ok {
		least = given
	}
	if float64(utf8.RuneCountInString(query)) < least {
		return d.refuseLocked(refusedf("%s asks the app from %.0f characters on", actionID, least))
	}
	if err := v.enter(values); err != nil {
		return d.refuseLocked(err)
	}
	payload := s.interactionLocked("block_suggestion", d)
	delete(payload, "trigger_id")
	payload["container"] = map[string]any{"type": "view", "view_id": v.ID}
	payload["view"] = s.viewObjectLocked(v)
	payload["block_id"], payload["action_id"], payload["value"] = blockID, actionID, query
	d.payload = encode(payload)
	asked := Suggestion{BlockID: blockID, ActionID: actionID, Query: query, Loading: true}
	v.suggest(asked)
	d.onLost = func() { v.suggest(Suggestion{BlockID: blockID, ActionID: actionID, Query: query, Trouble: true}) }
	d.onAck = func(payload json.RawMessage) { v.suggest(s.suggestedLocked(v, asked, payload)) }
	d.sendLocked(d.EnvelopeID, 0)
	return d
}

// suggest shows what is known of one select, unless something else was typed since.
func (v *View) suggest(next Suggestion) {
	i := slices.IndexFunc(v.Suggestions, func(g Suggestion) bool { return g.BlockID == next.BlockID && g.ActionID == next.ActionID })
	list := slices.Clone(v.Suggestions) // Replaced, never written to: snapshots hold it.
	switch {
	case i < 0:
		list = append(list, next)
	case next.Loading || list[i].Query == next.Query:
		list[i] = next
	}
	v.Suggestions = list
}

// suggestedLocked reads the options in the ack of a block_suggestion.
func (s *Server) suggestedLocked(v *View, asked Suggestion, payload json.RawMessage) Suggestion {
	asked.Loading = false
	var answer map[string]any
	_ = json.Unmarshal(payload, &answer) // A bare ack has no payload.
	options, has := answer["options"].([]any)
	groups, grouped := answer["option_groups"].([]any)
	k := s.checkerLocked(onModal, "")
	if grouped {
		k.groups(groups, "")
	} else {
		k.optionList(options, "/options", optionRule{least: 0, most: 100, plain: true})
	}
	if (!has && !grouped) || len(k.problems) > 0 {
		asked.Trouble = true
		return asked
	}
	asked.Options, asked.Groups = encode(options), encode(groups)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		more, _ := group["options"].([]any)
		options = append(options, more...)
	}
	for _, o := range options {
		option, _ := o.(map[string]any)
		v.remember(asked.BlockID, asked.ActionID, option)
	}
	return asked
}
