package slacksim

import (
	"encoding/json"
	"slices"
)

// Message is one message as people see it.
type Message struct {
	Channel  string          `json:"channel"`
	TS       string          `json:"ts"`
	ThreadTS string          `json:"thread_ts,omitempty"`
	User     string          `json:"user"`
	BotID    string          `json:"bot_id,omitempty"` // set on messages of the app
	Text     string          `json:"text"`
	Blocks   json.RawMessage `json:"blocks,omitempty"`
	Edited   bool            `json:"edited,omitempty"`
	// Broadcast replies are also shown in the channel (reply_broadcast).
	Broadcast bool `json:"broadcast,omitempty"`
	// EphemeralFor is the one user who sees the message; "" for everybody.
	EphemeralFor string `json:"ephemeral_for,omitempty"`
	// Deleted messages stay in the list as empty tombstones.
	Deleted bool `json:"deleted,omitempty"`
	// Via is how the app made the message: "api", "response_url" or "ack".
	Via string `json:"via,omitempty"`
	// Answers is the EnvelopeID of the delivery that a response answers.
	Answers string `json:"answers,omitempty"`
}

// Button is one button of a message.
type Button struct {
	BlockID  string `json:"block_id"`
	ActionID string `json:"action_id"`
	Text     string `json:"text"`
	Value    string `json:"value,omitempty"`
	Style    string `json:"style,omitempty"`
	URL      string `json:"url,omitempty"`
	Confirm  bool   `json:"confirm,omitempty"` // asks "are you sure?" first
}

// Buttons lists the buttons of a message in order.
func (m Message) Buttons() []Button {
	var found []Button
	walkElements(m.Blocks, func(blockID string, el map[string]any) {
		if el["type"] != "button" {
			return
		}
		_, confirm := el["confirm"]
		found = append(found, Button{
			BlockID: blockID, ActionID: str(el["action_id"]), Text: textOf(el["text"]), Value: str(el["value"]),
			Style: str(el["style"]), URL: str(el["url"]), Confirm: confirm,
		})
	})
	return found
}

// Messages lists the messages of a channel, threads included, oldest first.
func (s *Server) Messages(channelID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copyMessages(s.messages[channelID])
}

// Thread lists the root and the replies of a thread, oldest first.
func (s *Server) Thread(channelID, ts string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var thread []*Message
	for _, m := range s.messages[channelID] {
		if m.TS == ts || m.ThreadTS == ts {
			thread = append(thread, m)
		}
	}
	return copyMessages(thread)
}

// Ephemerals lists the messages that only this user sees in a channel, oldest
// first, those of Slack itself ("… failed with the error …") included.
func (s *Server) Ephemerals(userID, channelID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var mine []*Message
	for _, m := range s.ephemerals {
		if m.EphemeralFor == userID && m.Channel == channelID {
			mine = append(mine, m)
		}
	}
	return copyMessages(mine)
}

// Say posts a plain message by a person and returns its ts; "" when Slack would
// not let them (unknown person or channel, not a member, archived, no such
// thread). threadTS "" starts at top level. Text is as typed: Slack escapes it.
func (s *Server) Say(userID, channelID, threadTS, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.sayLocked(userID, channelID, threadTS, escape(text))
	if err != nil {
		return ""
	}
	return m.TS
}

func (s *Server) sayLocked(userID, channelID, threadTS, text string) (*Message, error) {
	c, err := s.actorLocked(userID, channelID)
	if err != nil {
		return nil, err
	}
	if c.Archived {
		return nil, refusedf("channel %s is archived", channelID)
	}
	if threadTS != "" && s.rootLocked(channelID, threadTS) == nil {
		return nil, refusedf("no thread %s in channel %s", threadTS, channelID)
	}
	m := &Message{Channel: channelID, TS: s.stampLocked(), ThreadTS: threadTS, User: userID, Text: text}
	s.messages[channelID] = append(s.messages[channelID], m)
	s.notifyLocked(m)
	s.touchLocked()
	return m, nil
}

// actorLocked finds the channel in which a person is about to act.
func (s *Server) actorLocked(userID, channelID string) (*Channel, error) {
	u, c := s.users[userID], s.channels[channelID]
	switch {
	case u == nil:
		return nil, refusedf("no user %s", userID)
	case u.gone():
		return nil, refusedf("user %s is deactivated", userID)
	case c == nil:
		return nil, refusedf("no channel %s", channelID)
	case !c.has(userID):
		return nil, refusedf("user %s is not in channel %s", userID, channelID)
	}
	return c, nil
}

// findLocked returns the message that can still be seen, or nil.
func (s *Server) findLocked(channelID, ts string) *Message {
	for _, m := range s.messages[channelID] {
		if m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// rootLocked returns the message that can be replied to, or nil.
func (s *Server) rootLocked(channelID, ts string) *Message {
	m := s.findLocked(channelID, ts)
	if m == nil || (m.ThreadTS != "" && m.ThreadTS != m.TS) {
		return nil
	}
	return m
}

func (s *Server) findEphemeralLocked(channelID, ts string) *Message {
	for _, m := range s.ephemerals {
		if m.Channel == channelID && m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// tellLocked shows a message of Slack itself to one person.
func (s *Server) tellLocked(userID, channelID, text string) {
	s.ephemerals = append(s.ephemerals, &Message{
		Channel: channelID, TS: s.stampLocked(), User: "USLACKBOT", Text: text, EphemeralFor: userID,
	})
	s.touchLocked()
}

// wireLocked is the message object of the Web API and of payloads.
func (s *Server) wireLocked(m *Message) map[string]any {
	w := map[string]any{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS, "team": s.opts.TeamID}
	if m.BotID != "" {
		w["bot_id"] = m.BotID
		w["app_id"] = s.opts.AppID
		w["bot_profile"] = map[string]any{
			"id": m.BotID, "app_id": s.opts.AppID, "name": s.opts.BotName, "deleted": false,
			"team_id": s.opts.TeamID, "updated": 1700000000,
		}
	}
	if len(m.Blocks) > 0 {
		w["blocks"] = m.Blocks
	}
	if m.ThreadTS != "" {
		w["thread_ts"] = m.ThreadTS
		if root := s.findLocked(m.Channel, m.ThreadTS); root != nil {
			w["parent_user_id"] = root.User
		}
	}
	if m.Broadcast {
		w["subtype"] = "thread_broadcast"
	}
	if replies := s.repliesLocked(m); replies > 0 {
		w["thread_ts"] = m.TS
		w["reply_count"] = replies
	}
	if m.Edited {
		w["edited"] = map[string]any{"user": m.User, "ts": m.TS}
	}
	return w
}

func (s *Server) repliesLocked(root *Message) int {
	n := 0
	for _, m := range s.messages[root.Channel] {
		if m.ThreadTS == root.TS && m.TS != root.TS {
			n++
		}
	}
	return n
}

func copyMessages(list []*Message) []Message {
	out := make([]Message, 0, len(list))
	for _, m := range list {
		out = append(out, *m)
	}
	return slices.Clip(out)
}
