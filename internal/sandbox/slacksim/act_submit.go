package slacksim

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Submit presses the submit button of a modal, after values were put in. What is not
// given stays as it is. The Delivery is refused where the Slack client would not send:
// a required input is empty, a number is out of its range.
//
// The ack decides: a bare one closes the modal; response_action errors shows
// View.Errors; update, push and clear do as they say; no ack in time leaves the
// modal open with View.Trouble.
func (s *Server) Submit(userID, viewID string, values Entered) *Delivery {
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
	if err := cmp.Or(v.enter(values), v.ready()); err != nil {
		return d.refuseLocked(err)
	}
	d.TriggerID = s.newTriggerLocked(v.UserID)
	payload := s.interactionLocked("view_submission", d)
	payload["view"] = s.viewObjectLocked(v)
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
