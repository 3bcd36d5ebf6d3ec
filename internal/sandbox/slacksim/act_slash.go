package slacksim

import (
	"encoding/json"
	"strings"
)

// Slash types the app's command with text in a channel, as a person does in the
// composer. Threads take no slash commands. The Delivery is refused when the
// person may not: not in the channel, deactivated, of another organisation.
func (s *Server) Slash(userID, channelID, text string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindSlash, strings.TrimSpace(s.opts.Command+" "+text), userID, channelID)
	c, err := s.actorLocked(userID, channelID)
	if err == nil {
		err = s.slashAllowedLocked(userID, c)
	}
	if err != nil {
		return d.refuseLocked(err)
	}
	d.ResponseURL = s.newHookLocked("commands", d, nil)
	d.TriggerID = s.newTriggerLocked(userID)
	d.payload = encode(map[string]any{
		"token": "sandbox-verification-token", "team_id": s.opts.TeamID, "team_domain": s.opts.TeamDomain,
		"channel_id": c.ID, "channel_name": slashChannelName(c),
		"user_id": userID, "user_name": s.users[userID].Name,
		"command": s.opts.Command, "text": strings.TrimSpace(text), "api_app_id": s.opts.AppID,
		"is_enterprise_install": "false", "response_url": d.ResponseURL, "trigger_id": d.TriggerID,
	})
	d.onLost = func() {
		s.tellLocked(userID, channelID, s.opts.Command+` failed with the error "`+string(d.outcome)+`"`)
	}
	d.onAck = func(payload json.RawMessage) { s.answerInAckLocked(d, c, payload) }
	d.sendLocked(d.EnvelopeID, 0)
	return d
}

func (s *Server) slashAllowedLocked(userID string, c *Channel) error {
	switch {
	case c.Archived:
		return refusedf("channel %s is archived", c.ID)
	case s.users[userID].TeamID != s.opts.TeamID:
		return refusedf("user %s is of another organisation and cannot see the app's commands", userID)
	case !s.hasScopeLocked("commands"):
		return refusedf("the app lacks the scope commands")
	}
	return nil
}

// slashChannelName is channel_name as slash commands carry it.
func slashChannelName(c *Channel) string {
	switch {
	case c.IM:
		return "directmessage"
	case c.Private:
		return "privategroup"
	}
	return c.Name
}

// answerInAckLocked shows the message an ack of a slash command carries. A payload
// without text shows nothing.
func (s *Server) answerInAckLocked(d *Delivery, c *Channel, payload json.RawMessage) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil {
		return
	}
	a := args{}
	for key, raw := range fields {
		a[key] = rawArg(raw)
	}
	body, err := s.contentLocked(a)
	if err != nil {
		if err.code != "no_text" {
			s.tellLocked(d.user, c.ID, s.opts.Command+` failed with the error "`+err.code+`"`)
		}
		return
	}
	s.respondLocked(d, c.ID, a, body, "ack")
}
