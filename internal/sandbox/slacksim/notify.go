package slacksim

import (
	"encoding/json"
	"slices"
	"strings"
)

// keptNotifications bounds the record.
const keptNotifications = 200

// Why somebody hears of a message.
const (
	PingMention = "mention" // of the person, in a new message
	PingGroup   = "group"   // of a user group that the person is in
	PingAll     = "all"     // @channel, @here, @everyone
	PingDirect  = "direct"  // a direct message
	PingPrivate = "private" // only the person sees it, and only while looking
	PingNobody  = "nobody"  // an edit, or a message that names nobody
)

// Notification is what Slack tells of one message, on the phones of the people named.
type Notification struct {
	Serial   uint64   `json:"serial"`
	Channel  string   `json:"channel"`
	TS       string   `json:"ts"` // of the message
	ThreadTS string   `json:"thread_ts,omitempty"`
	At       string   `json:"at"` // when, as a ts
	From     string   `json:"from"`
	Why      string   `json:"why"`
	Users    []string `json:"users"`
	// Text is the message's top-level text, which is all that a notification shows.
	Text string `json:"text"`
	// Edits is how many edits of one message follow each other here; 0: it is new.
	Edits int `json:"edits,omitempty"`
}

// Notifications lists what was told, oldest first: at least the last 100 messages and
// edits. Threads that people follow are left out, since each can switch them off.
func (s *Server) Notifications() []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notifications)
}

// notifyLocked notes whom a new message reaches. Mentions count where they are shown:
// in the blocks, if there are any.
func (s *Server) notifyLocked(m *Message) {
	n := Notification{Channel: m.Channel, TS: m.TS, ThreadTS: m.ThreadTS, From: m.User, Text: m.Text, Why: PingNobody}
	c := s.channels[m.Channel]
	found := mentionsIn(m)
	switch {
	case m.EphemeralFor != "":
		n.Why, n.Users = PingPrivate, []string{m.EphemeralFor}
	case c.IM:
		n.Why, n.Users = PingDirect, s.othersLocked(c, m.User, c.Members)
	default:
		for _, why := range []struct {
			word  string
			users []string
		}{
			{PingMention, found.users}, {PingGroup, s.groupMembersLocked(found.groups)}, {PingAll, found.everybody(c)},
		} {
			if n.Users = s.othersLocked(c, m.User, why.users); len(n.Users) > 0 {
				n.Why = why.word
				break
			}
		}
		if all := s.othersLocked(c, m.User, slices.Concat(found.users, s.groupMembersLocked(found.groups), found.everybody(c))); len(all) > 0 {
			n.Users = all
		}
	}
	s.noteLocked(n)
}

// notifyEditLocked notes that an edit reaches nobody.
func (s *Server) notifyEditLocked(m *Message) {
	n := Notification{Channel: m.Channel, TS: m.TS, ThreadTS: m.ThreadTS, From: m.User, Text: m.Text, Why: PingNobody, Edits: 1}
	if last := len(s.notifications) - 1; last >= 0 {
		if before := s.notifications[last]; before.TS == m.TS && before.Edits > 0 {
			n.Edits = before.Edits + 1
			s.notifications = s.notifications[:last:last]
		}
	}
	s.noteLocked(n)
}

func (s *Server) noteLocked(n Notification) {
	if n.Users == nil {
		n.Users = []string{}
	}
	n.At = stampOf(s.opts.Now().UnixMicro())
	s.pings++
	n.Serial = s.pings
	if len(s.notifications) >= keptNotifications {
		s.notifications = s.notifications[keptNotifications/2:]
	}
	// Snapshots hold earlier slices: what they show is never written over.
	s.notifications = append(slices.Clip(s.notifications), n)
}

// othersLocked are the people among users who are in the channel, each once, without
// the author and without bots.
func (s *Server) othersLocked(c *Channel, author string, users []string) []string {
	var out []string
	for _, id := range users {
		u := s.users[id]
		if u != nil && !u.IsBot && id != author && c.has(id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func (s *Server) groupMembersLocked(groups []string) []string {
	var out []string
	for _, id := range groups {
		if g := s.usergroups[id]; g != nil && !g.Disabled {
			out = append(out, g.Members...)
		}
	}
	return out
}

// mentioned is whom a message names.
type mentioned struct {
	users, groups []string
	all           bool
}

func (found *mentioned) everybody(c *Channel) []string {
	if found.all {
		return c.Members
	}
	return nil
}

func mentionsIn(m *Message) mentioned {
	var found mentioned
	if len(m.Blocks) == 0 {
		found.mrkdwn(m.Text)
		return found
	}
	var blocks any
	_ = json.Unmarshal(m.Blocks, &blocks) // Checked when they came.
	found.walk(blocks)
	return found
}

// walk looks through blocks: elements that are mentions, and mrkdwn that holds some.
func (found *mentioned) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			found.walk(item)
		}
	case map[string]any:
		switch str(v["type"]) {
		case "user":
			found.users = append(found.users, str(v["user_id"]))
		case "usergroup":
			found.groups = append(found.groups, str(v["usergroup_id"]))
		case "broadcast":
			found.all = true
		case "mrkdwn", "markdown":
			found.mrkdwn(str(v["text"]))
		}
		for _, key := range []string{"elements", "text", "fields", "child_blocks", "rows", "title", "subtitle", "body", "rich_text_title"} {
			found.walk(v[key])
		}
	}
}

func (found *mentioned) mrkdwn(text string) {
	for _, parts := range reference.FindAllStringSubmatch(text, -1) {
		kind, id := parts[1], parts[2]
		switch {
		case kind == "@":
			found.users = append(found.users, id)
		case kind != "!":
		case strings.HasPrefix(id, "subteam^"):
			found.groups = append(found.groups, strings.TrimPrefix(id, "subteam^"))
		case id == "channel" || id == "here" || id == "everyone":
			found.all = true
		}
	}
}
