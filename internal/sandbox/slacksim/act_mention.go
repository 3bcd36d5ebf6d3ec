package slacksim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Mention posts "@bot text" as a person, and tells the app by an app_mention
// event. As in Slack, there is no event where the app is not in the channel, nor
// in direct messages; the message is posted all the same and the Delivery refused.
// Text is as typed: Slack escapes it.
func (s *Server) Mention(userID, channelID, threadTS, text string) *Delivery {
	return s.LateMention(userID, channelID, threadTS, text, 0)
}

// LateMention is a Mention that was typed some time ago and that the app is told of only
// now, as after an outage of Slack.
func (s *Server) LateMention(userID, channelID, threadTS, text string, age time.Duration) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindEvent, strings.TrimSpace("@"+s.opts.BotName+" "+text), userID, channelID)
	escaped := strings.TrimSpace("<@" + s.opts.BotUserID + "> " + escape(text))
	m, err := s.sayLocked(userID, channelID, threadTS, escaped)
	if err != nil {
		return d.refuseLocked(err)
	}
	if age > 0 {
		m.TS = stampOf(s.opts.Now().Add(-age).UnixMicro())
	}
	d.MessageTS = m.TS
	c, u := s.channels[channelID], s.users[userID]
	event := map[string]any{
		"type": "app_mention", "user": userID, "text": escaped, "ts": m.TS, "channel": channelID,
		"team": s.opts.TeamID, "event_ts": m.TS, "client_msg_id": s.idLocked("msg-"),
		"blocks": []any{map[string]any{
			"type": "rich_text", "block_id": s.idLocked("b"), "elements": []any{map[string]any{
				"type": "rich_text_section", "elements": []any{
					map[string]any{"type": "user", "user_id": s.opts.BotUserID},
					map[string]any{"type": "text", "text": " " + text},
				},
			}},
		}},
	}
	if m.ThreadTS != "" {
		event["thread_ts"] = m.ThreadTS
		event["parent_user_id"] = s.rootLocked(channelID, m.ThreadTS).User
	}
	if u.TeamID != s.opts.TeamID {
		event["user_team"], event["source_team"] = u.TeamID, u.TeamID
	}
	switch {
	case c.IM:
		return d.refuseLocked(refusedf("Slack sends no app_mention for direct messages"))
	case !c.has(s.opts.BotUserID):
		return d.refuseLocked(refusedf("the app is not in channel %s and hears nothing", channelID))
	}
	return s.sendEventLocked(d, "app_mention", event, c.ExtShared)
}

// Event sends an event of the Events API. payload is the inner event; type and
// event_ts are filled in. It does not change the workspace: an event that tells
// of something that is not so is a test's own affair.
func (s *Server) Event(eventType string, payload map[string]any) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.newDeliveryLocked(KindEvent, eventType, "", "")
	event := maps.Clone(payload)
	if event == nil {
		event = map[string]any{}
	}
	event["type"] = eventType
	if _, ok := event["event_ts"]; !ok {
		event["event_ts"] = s.stampLocked()
	}
	return s.sendEventLocked(d, eventType, event, false)
}

// UsergroupChanged sets the members of a group and sends the event Slack sends.
func (s *Server) UsergroupChanged(id string, members ...string) *Delivery {
	s.mu.Lock()
	g := s.usergroups[id]
	if g == nil {
		defer s.mu.Unlock()
		return s.newDeliveryLocked(KindEvent, "subteam_members_changed", "", "").refuseLocked(refusedf("no user group %s", id))
	}
	before := g.Members
	handle := g.Handle
	s.mu.Unlock()
	s.AddUsergroup(id, handle, members...)
	added, removed := difference(members, before), difference(before, members)
	now := s.opts.Now().Unix()
	return s.Event("subteam_members_changed", map[string]any{
		"subteam_id": id, "team_id": s.opts.TeamID, "date_previous_update": now - 1, "date_update": now,
		"added_users": added, "added_users_count": len(added), "removed_users": removed, "removed_users_count": len(removed),
	})
}

// UserChanged replaces a user and sends the user_change event.
func (s *Server) UserChanged(u User) *Delivery {
	s.AddUser(u)
	s.mu.Lock()
	object := userObject(s.users[u.ID])
	s.mu.Unlock()
	return s.Event("user_change", map[string]any{"user": object, "cache_ts": s.opts.Now().Unix()})
}

func difference(a, b []string) []string {
	out := []string{}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x == y
		}
		if !found {
			out = append(out, x)
		}
	}
	return out
}

// eventScope is the scope without which Slack does not send an event.
func eventScope(eventType string) string {
	switch eventType {
	case "app_mention":
		return "app_mentions:read"
	case "subteam_members_changed", "subteam_updated", "subteam_created":
		return "usergroups:read"
	case "user_change", "team_join":
		return "users:read"
	}
	return ""
}

func (s *Server) sendEventLocked(d *Delivery, eventType string, event map[string]any, extShared bool) *Delivery {
	if scope := eventScope(eventType); scope != "" && !s.hasScopeLocked(scope) {
		return d.refuseLocked(refusedf("the app lacks the scope %s", scope))
	}
	d.EventID = s.idLocked("Ev")
	inner, err := json.Marshal(event)
	if err != nil {
		return d.refuseLocked(fmt.Errorf("event %s is not JSON: %w", eventType, err))
	}
	d.payload = encode(map[string]any{
		"token": "sandbox-verification-token", "team_id": s.opts.TeamID, "api_app_id": s.opts.AppID,
		"context_team_id": s.opts.TeamID, "context_enterprise_id": nil,
		"type": "event_callback", "event": json.RawMessage(inner), "event_id": d.EventID, "event_time": s.opts.Now().Unix(),
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": s.opts.TeamID, "user_id": s.opts.BotUserID, "is_bot": true, "is_enterprise_install": false,
		}},
		"is_ext_shared_channel": extShared, "event_context": "4-" + d.EventID,
	})
	d.sendLocked(d.EnvelopeID, 0)
	return d
}
