package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxText is where Slack cuts a message's text off. The simulation refuses instead:
// a text that is cut says something else than was meant.
const maxText = 40_000

// content is what a message shows.
type content struct {
	text      string
	blocks    json.RawMessage
	hasText   bool
	hasBlocks bool // blocks were given, be it the empty list
}

// contentLocked reads and checks text and blocks.
func (s *Server) contentLocked(a args) (content, *apiError) {
	c := content{text: a["text"], hasText: a.has("text"), hasBlocks: strings.TrimSpace(a["blocks"]) != ""}
	for _, legacy := range []string{"attachments", "markdown_text"} {
		if a[legacy] != "" {
			return c, &apiError{code: "invalid_arguments", messages: []string{legacy + " is not simulated"}}
		}
	}
	if utf8.RuneCountInString(c.text) > maxText {
		return c, fail("msg_too_long")
	}
	if c.hasBlocks {
		blocks, err := s.checkBlocksLocked(a["blocks"], onMessage)
		if err != nil {
			return c, err
		}
		c.blocks = blocks
	}
	if strings.TrimSpace(c.text) == "" && len(c.blocks) == 0 {
		return c, fail("no_text")
	}
	return c, nil
}

// postableLocked finds the channel the bot wants to post to, a user ID meaning the
// direct message with that person. Channel names are refused, which Slack still
// takes: IDs, never names.
func (s *Server) postableLocked(id string) (*Channel, *apiError) {
	if id == "" {
		return nil, missingArg("channel")
	}
	if u := s.users[id]; u != nil {
		if u.Deleted {
			return nil, fail("channel_not_found")
		}
		c, _ := s.directMessageLocked(id)
		return c, nil
	}
	c := s.channels[id]
	in := c != nil && c.has(s.opts.BotUserID)
	switch {
	case c == nil, c.hidden() && !in:
		return nil, fail("channel_not_found")
	case c.Archived:
		return nil, fail("is_archived")
	case !in && !s.hasScopeLocked("chat:write.public"):
		return nil, fail("not_in_channel")
	}
	return c, nil
}

// threadLocked checks thread_ts. Real Slack posts at top level when the root is
// gone and takes a reply's ts for its thread's; both are mistakes of the app, so
// both are refused here.
func (s *Server) threadLocked(c *Channel, ts string) *apiError {
	switch {
	case ts == "":
		return nil
	case s.findLocked(c.ID, ts) == nil:
		return fail("message_not_found")
	case s.rootLocked(c.ID, ts) == nil:
		return fail("cannot_reply_to_message")
	}
	return nil
}

func (s *Server) chatPostMessage(call *apiCall) (map[string]any, *apiError) {
	c, err := s.postableLocked(call.args["channel"])
	if err != nil {
		return nil, err
	}
	body, err := s.contentLocked(call.args)
	if err != nil {
		return nil, err
	}
	if err := s.threadLocked(c, call.args["thread_ts"]); err != nil {
		return nil, err
	}
	m := s.postLocked(c.ID, call.args["thread_ts"], body, "api")
	m.Broadcast = m.ThreadTS != "" && call.args.bool("reply_broadcast")
	return map[string]any{"channel": c.ID, "ts": m.TS, "message": s.wireLocked(m)}, nil
}

// postLocked puts a message of the bot into a channel.
func (s *Server) postLocked(channelID, threadTS string, body content, via string) *Message {
	m := s.botMessageLocked(channelID, threadTS, body, via)
	s.messages[channelID] = append(s.messages[channelID], m)
	s.notifyLocked(m)
	s.touchLocked()
	return m
}

// whisperLocked shows a message of the bot to one person.
func (s *Server) whisperLocked(userID, channelID, threadTS string, body content, via string) *Message {
	m := s.botMessageLocked(channelID, threadTS, body, via)
	m.EphemeralFor = userID
	s.ephemerals = append(s.ephemerals, m)
	s.notifyLocked(m)
	s.touchLocked()
	return m
}

func (s *Server) botMessageLocked(channelID, threadTS string, body content, via string) *Message {
	return &Message{
		Channel: channelID, TS: s.stampLocked(), ThreadTS: threadTS,
		User: s.opts.BotUserID, BotID: s.botID(), Text: body.text, Blocks: body.blocks, Via: via,
	}
}

func (s *Server) chatPostEphemeral(call *apiCall) (map[string]any, *apiError) {
	c, err := s.postableLocked(call.args["channel"])
	if err != nil {
		return nil, err
	}
	user := call.args["user"]
	if user == "" {
		return nil, missingArg("user")
	}
	if s.users[user] == nil || !c.has(user) {
		return nil, fail("user_not_in_channel")
	}
	body, err := s.contentLocked(call.args)
	if err != nil {
		return nil, err
	}
	if err := s.threadLocked(c, call.args["thread_ts"]); err != nil {
		return nil, err
	}
	m := s.whisperLocked(user, c.ID, call.args["thread_ts"], body, "api")
	return map[string]any{"message_ts": m.TS}, nil
}

// ownLocked finds a message that the bot wants to change.
func (s *Server) ownLocked(a args, denied string) (*Message, *apiError) {
	c := s.channels[a["channel"]]
	switch {
	case a["channel"] == "":
		return nil, missingArg("channel")
	case a["ts"] == "":
		return nil, missingArg("ts")
	case c == nil, c.hidden() && !c.has(s.opts.BotUserID):
		return nil, fail("channel_not_found")
	}
	m := s.findLocked(c.ID, a["ts"])
	switch {
	case m == nil:
		return nil, fail("message_not_found")
	case m.BotID != s.botID():
		return nil, fail(denied)
	case c.Archived:
		return nil, fail("is_inactive")
	}
	return m, nil
}

func (s *Server) chatUpdate(call *apiCall) (map[string]any, *apiError) {
	m, err := s.ownLocked(call.args, "cant_update_message")
	if err != nil {
		return nil, err
	}
	body, err := s.contentLocked(call.args)
	if err != nil {
		return nil, err
	}
	s.editLocked(m, body)
	return map[string]any{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": s.wireLocked(m)}, nil
}

// editLocked replaces what a message shows: a text alone removes the blocks, blocks
// alone keep the text and leave no "edited" mark.
func (s *Server) editLocked(m *Message, body content) {
	m.Blocks = body.blocks
	if body.hasText {
		m.Text = body.text
		m.Edited = true
	}
	s.notifyEditLocked(m)
	s.touchLocked()
}

func (s *Server) chatDelete(call *apiCall) (map[string]any, *apiError) {
	m, err := s.ownLocked(call.args, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.deleteLocked(m)
	return map[string]any{"channel": m.Channel, "ts": m.TS}, nil
}

func (s *Server) deleteLocked(m *Message) {
	m.Deleted, m.Text, m.Blocks = true, "", nil
	s.touchLocked()
}

// DeleteMessage deletes a message as an admin would; the thread under it loses its
// root. It reports whether there was such a message.
func (s *Server) DeleteMessage(channelID, ts string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.findLocked(channelID, ts)
	if m == nil {
		return false
	}
	s.deleteLocked(m)
	return true
}

// DismissEphemerals makes the messages only this user sees go away, as a reload of
// the Slack client does.
func (s *Server) DismissEphemerals(userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ephemerals = slices.DeleteFunc(s.ephemerals, func(m *Message) bool { return m.EphemeralFor == userID })
	s.touchLocked()
}

func (s *Server) chatGetPermalink(call *apiCall) (map[string]any, *apiError) {
	id, ts := call.args["channel"], call.args["message_ts"]
	c := s.channels[id]
	switch {
	case id == "":
		return nil, missingArg("channel")
	case ts == "":
		return nil, missingArg("message_ts")
	case c == nil, c.hidden() && !c.has(s.opts.BotUserID):
		return nil, fail("channel_not_found")
	}
	m := s.findLocked(id, ts)
	if m == nil {
		return nil, fail("message_not_found")
	}
	link := fmt.Sprintf("https://%s.slack.com/archives/%s/p%s", s.opts.TeamDomain, id, strings.ReplaceAll(ts, ".", ""))
	if m.ThreadTS != "" {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + id
	}
	return map[string]any{"channel": id, "permalink": link}, nil
}
