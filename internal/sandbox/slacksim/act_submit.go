package slacksim

import (
	"encoding/json"
	"slices"
)

// Submit presses the submit button of a modal. values are by block_id and
// action_id: the text typed, the value of the option chosen, the ID of the user,
// channel or conversation chosen, the date or time. What is not given keeps its
// initial value. The Delivery is refused when a required input is empty, as the
// Slack client does.
//
// The ack decides: a bare one closes the modal; response_action errors shows
// View.Errors; update, push and clear do as they say; no ack in time leaves the
// modal open with View.Trouble.
func (s *Server) Submit(userID, viewID string, values map[string]map[string]string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, "submit "+viewID, userID, "")
	i := slices.IndexFunc(s.views, func(v *View) bool { return v.ID == viewID && v.UserID == userID && v.Type == "modal" })
	if i < 0 || s.users[userID] == nil {
		return d.refuseLocked(refusedf("user %s has no modal %s open", userID, viewID))
	}
	return s.submitLocked(d, s.views[i], values)
}

// SubmitStale presses the submit button of a modal that somebody opened once, whether
// the app would open it for them now or not.
func (s *Server) SubmitStale(userID string, opened View, values map[string]map[string]string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, "submit "+opened.ID, userID, "")
	if s.users[userID] == nil {
		return d.refuseLocked(refusedf("no user %s", userID))
	}
	opened.UserID = userID
	return s.submitLocked(d, &opened, values)
}

func (s *Server) submitLocked(d *Delivery, v *View, values map[string]map[string]string) *Delivery {
	if v.Submit == "" {
		return d.refuseLocked(refusedf("modal %s has no submit button", v.ID))
	}
	state, err := viewState(v.Blocks, values)
	if err != nil {
		return d.refuseLocked(err)
	}
	d.TriggerID = s.newTriggerLocked(v.UserID)
	view := s.viewObjectLocked(v)
	view["state"] = map[string]any{"values": state}
	payload := s.interactionLocked("view_submission", d)
	payload["view"] = view
	payload["response_urls"] = []any{}
	d.payload = encode(payload)
	d.onLost = func() { v.Trouble = true }
	d.onAck = func(payload json.RawMessage) { s.submittedLocked(v, payload) }
	v.Errors, v.Trouble = nil, false
	d.sendLocked(d.EnvelopeID, 0)
	return d
}

// submittedLocked does what the ack of a submission asks for.
func (s *Server) submittedLocked(v *View, payload json.RawMessage) {
	var action struct {
		ResponseAction string            `json:"response_action"`
		Errors         map[string]string `json:"errors"`
		View           json.RawMessage   `json:"view"`
	}
	_ = json.Unmarshal(payload, &action) // A bare ack has no payload.
	switch action.ResponseAction {
	case "":
		s.views = slices.DeleteFunc(s.views, func(other *View) bool { return other == v })
	case "clear":
		s.clearStackLocked(v.UserID)
	case "errors":
		v.Errors = action.Errors
		v.Trouble = len(action.Errors) == 0 || !inputBlocks(v.Blocks, action.Errors)
	case "update", "push":
		next, err := s.parseViewLocked(string(action.View), "modal")
		if err != nil {
			v.Trouble = true
			break
		}
		if action.ResponseAction == "update" {
			s.replaceViewLocked(v, next)
			break
		}
		next.UserID = v.UserID
		v.Trouble = s.showModalLocked(next, true) != nil
	default:
		v.Trouble = true
	}
	s.touchLocked()
}

// inputBlocks reports whether all errors belong to input blocks: for others Slack
// shows only that there was trouble.
func inputBlocks(blocks json.RawMessage, errors map[string]string) bool {
	var list []map[string]any
	_ = json.Unmarshal(blocks, &list)
	inputs := map[string]bool{}
	for _, b := range list {
		inputs[str(b["block_id"])] = b["type"] == "input"
	}
	for id := range errors {
		if !inputs[id] {
			return false
		}
	}
	return true
}

// viewState builds state.values of a submission.
func viewState(blocks json.RawMessage, values map[string]map[string]string) (map[string]map[string]any, error) {
	var list []map[string]any
	if err := json.Unmarshal(blocks, &list); err != nil {
		return nil, refusedf("the modal's blocks are not JSON")
	}
	state := map[string]map[string]any{}
	used := 0
	for _, b := range list {
		if b["type"] != "input" {
			continue
		}
		id := str(b["block_id"])
		el, _ := b["element"].(map[string]any)
		actionID := str(el["action_id"])
		given, ok := values[id][actionID]
		if ok {
			used++
		}
		value, filled, err := elementState(el, given, ok)
		if err != nil {
			return nil, err
		}
		if !filled && b["optional"] != true {
			return nil, refusedf("input %s of the modal is required", id)
		}
		state[id] = map[string]any{actionID: value}
	}
	for _, actions := range values {
		used -= len(actions)
	}
	if used != 0 {
		return nil, refusedf("the modal has not all of the inputs that were filled in")
	}
	return state, nil
}

// elementState is the state of one input element.
func elementState(el map[string]any, given string, ok bool) (value map[string]any, filled bool, err error) {
	kind := str(el["type"])
	value = map[string]any{"type": kind}
	fields := map[string][2]string{
		"plain_text_input":     {"value", "initial_value"},
		"number_input":         {"value", "initial_value"},
		"email_text_input":     {"value", "initial_value"},
		"url_text_input":       {"value", "initial_value"},
		"users_select":         {"selected_user", "initial_user"},
		"channels_select":      {"selected_channel", "initial_channel"},
		"conversations_select": {"selected_conversation", "initial_conversation"},
		"datepicker":           {"selected_date", "initial_date"},
		"timepicker":           {"selected_time", "initial_time"},
	}
	if field, known := fields[kind]; known {
		if !ok {
			given = str(el[field[1]])
		}
		value[field[0]] = nil
		if given != "" {
			value[field[0]] = given
		}
		return value, given != "", nil
	}
	switch kind {
	case "static_select", "radio_buttons", "external_select":
		value["selected_option"] = el["initial_option"]
		if ok {
			option := optionOf(el, given)
			if option == nil && kind != "external_select" {
				return nil, false, refusedf("select %s has no option %q", str(el["action_id"]), given)
			}
			if option == nil {
				option = map[string]any{"text": map[string]any{"type": "plain_text", "text": given}, "value": given}
			}
			value["selected_option"] = option
		}
		return value, value["selected_option"] != nil, nil
	case "checkboxes":
		chosen := []any{}
		if initial, has := el["initial_options"].([]any); has && !ok {
			chosen = initial
		}
		if ok && given != "" {
			option := optionOf(el, given)
			if option == nil {
				return nil, false, refusedf("checkboxes %s have no option %q", str(el["action_id"]), given)
			}
			chosen = []any{option}
		}
		value["selected_options"] = chosen
		return value, len(chosen) > 0, nil
	}
	return nil, false, refusedf("input element %s is not simulated", kind)
}

func optionOf(el map[string]any, value string) map[string]any {
	options, _ := el["options"].([]any)
	groups, _ := el["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		more, _ := group["options"].([]any)
		options = append(slices.Clone(options), more...)
	}
	for _, o := range options {
		if option, _ := o.(map[string]any); option["value"] == value {
			return option
		}
	}
	return nil
}
