package slacksim

import (
	"encoding/json"
)

// Click presses the button with this action ID under a message. A button that
// asks for confirmation is confirmed. The Delivery is refused when there is no such
// button (any more), or the person cannot see it.
func (s *Server) Click(userID, channelID, messageTS, actionID string) *Delivery {
	return s.click(userID, channelID, messageTS, func(b Button) bool { return b.ActionID == actionID }, actionID)
}

// ClickLabel presses the first button that reads label.
func (s *Server) ClickLabel(userID, channelID, messageTS, label string) *Delivery {
	return s.click(userID, channelID, messageTS, func(b Button) bool { return b.Text == label }, label)
}

func (s *Server) click(userID, channelID, messageTS string, match func(Button) bool, what string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, what, userID, channelID)
	c, err := s.clickerLocked(userID, channelID)
	if err != nil {
		return d.refuseLocked(err)
	}
	m := s.findLocked(channelID, messageTS)
	if m == nil {
		return d.refuseLocked(refusedf("no message %s in channel %s", messageTS, channelID))
	}
	return s.pressLocked(d, c, m, match)
}

// ClickEphemeral presses a button of a message that only this person sees.
func (s *Server) ClickEphemeral(userID, channelID, messageTS, actionID string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, actionID, userID, channelID)
	c, err := s.clickerLocked(userID, channelID)
	if err != nil {
		return d.refuseLocked(err)
	}
	m := s.findEphemeralLocked(channelID, messageTS)
	if m == nil || m.EphemeralFor != userID {
		return d.refuseLocked(refusedf("user %s sees no message %s in channel %s", userID, messageTS, channelID))
	}
	return s.pressLocked(d, c, m, func(b Button) bool { return b.ActionID == actionID })
}

// ClickStale presses a button as it stood in an earlier copy of the message, as a
// person does whose client has not yet shown the update.
func (s *Server) ClickStale(userID string, shown Message, actionID string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindInteractive, actionID, userID, shown.Channel)
	c, err := s.clickerLocked(userID, shown.Channel)
	if err != nil {
		return d.refuseLocked(err)
	}
	return s.pressLocked(d, c, &shown, func(b Button) bool { return b.ActionID == actionID })
}

// clickerLocked finds the channel for a person who need not be in it: anybody can
// look at a public one.
func (s *Server) clickerLocked(userID, channelID string) (*Channel, error) {
	u, c := s.users[userID], s.channels[channelID]
	switch {
	case u == nil:
		return nil, refusedf("no user %s", userID)
	case u.gone():
		return nil, refusedf("user %s is deactivated", userID)
	case c == nil:
		return nil, refusedf("no channel %s", channelID)
	case !c.has(userID) && (c.hidden() || u.IsRestricted || u.IsUltraRestricted || u.TeamID != s.opts.TeamID):
		return nil, refusedf("user %s cannot see channel %s", userID, channelID)
	}
	return c, nil
}

func (s *Server) pressLocked(d *Delivery, c *Channel, m *Message, match func(Button) bool) *Delivery {
	var button *Button
	var element map[string]any
	walkElements(m.Blocks, func(blockID string, el map[string]any) {
		if el["type"] != "button" || button != nil || !visibleTo(el, d.user) {
			return
		}
		b := Button{BlockID: blockID, ActionID: str(el["action_id"]), Text: textOf(el["text"]), Value: str(el["value"]), Style: str(el["style"]), URL: str(el["url"])}
		if match(b) {
			button, element = &b, el
		}
	})
	if button == nil {
		return d.refuseLocked(refusedf("message %s has no button %q for user %s", m.TS, d.what, d.user))
	}
	d.what = button.Text
	d.ResponseURL = s.newHookLocked("actions", d, m)
	d.TriggerID = s.newTriggerLocked(d.user)
	action := map[string]any{
		"type": "button", "action_id": button.ActionID, "block_id": button.BlockID,
		"text": element["text"], "action_ts": s.stampLocked(),
	}
	for _, optional := range []string{"value", "style", "url"} {
		if v, ok := element[optional]; ok {
			action[optional] = v
		}
	}
	ephemeral := m.EphemeralFor != ""
	container := map[string]any{"type": "message", "message_ts": m.TS, "channel_id": c.ID, "is_ephemeral": ephemeral}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	payload := s.interactionLocked("block_actions", d)
	payload["container"] = container
	payload["channel"] = map[string]any{"id": c.ID, "name": slashChannelName(c)}
	payload["state"] = map[string]any{"values": map[string]any{}}
	payload["response_url"] = d.ResponseURL
	payload["actions"] = []any{action}
	if !ephemeral {
		payload["message"] = s.wireLocked(m)
	}
	d.payload = encode(payload)
	d.onLost = func() {
		s.tellLocked(d.user, c.ID, `The button "`+d.what+`" failed: the app did not answer ("`+string(d.outcome)+`").`)
	}
	d.sendLocked(d.EnvelopeID, 0)
	return d
}

// interactionLocked is what all interaction payloads share. team is the actor's,
// not the workspace's: it proves nothing about who may act.
func (s *Server) interactionLocked(kind string, d *Delivery) map[string]any {
	u := s.users[d.user]
	domain := s.opts.TeamDomain
	if u.TeamID != s.opts.TeamID {
		domain = "elsewhere"
	}
	return map[string]any{
		"type": kind, "api_app_id": s.opts.AppID, "token": "sandbox-verification-token", "trigger_id": d.TriggerID,
		"user":       map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID},
		"team":       map[string]any{"id": u.TeamID, "domain": domain},
		"enterprise": nil, "is_enterprise_install": false,
	}
}

// visibleTo honours visible_to_user_ids of a button.
func visibleTo(el map[string]any, userID string) bool {
	ids, ok := el["visible_to_user_ids"].([]any)
	if !ok {
		return true
	}
	for _, id := range ids {
		if id == userID {
			return true
		}
	}
	return false
}

// walkElements calls visit for each interactive element of the blocks, in order.
func walkElements(blocks json.RawMessage, visit func(blockID string, el map[string]any)) {
	var list []map[string]any
	if json.Unmarshal(blocks, &list) != nil {
		return
	}
	walkBlocks(list, visit)
}

func walkBlocks(list []map[string]any, visit func(blockID string, el map[string]any)) {
	for _, b := range list {
		id := str(b["block_id"])
		for _, key := range []string{"accessory", "element"} {
			if el, ok := b[key].(map[string]any); ok {
				visit(id, el)
			}
		}
		for _, key := range []string{"elements", "actions"} {
			elements, _ := b[key].([]any)
			for _, e := range elements {
				if el, ok := e.(map[string]any); ok && el["action_id"] != nil {
					visit(id, el)
				}
			}
		}
		children, _ := b["child_blocks"].([]any)
		for _, child := range children {
			if cb, ok := child.(map[string]any); ok {
				walkBlocks([]map[string]any{cb}, visit)
			}
		}
	}
}
