package view

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Limits of Slack that our texts could reach (docs.slack.dev/reference/block-kit).
const (
	mostText   = 3000   // characters of one text of a block
	mostSmall  = 2000   // characters of one text of a context line
	mostBlocks = 50     // blocks of a message
	mostPost   = 40_000 // characters of a posted message's text
	mostEdit   = 4_000  // chat.update refuses more
)

// Message is something to be shown: blocks, and the same in one plain text for
// notifications, screen readers, and workspaces that refuse the blocks.
type Message struct {
	Text   string
	Blocks []slack.Block
	// plain are the blocks with sections in place of rich text, alone is all that
	// they say.
	plain []slack.Block
	alone string
}

// Options are the message as a post of the client library, in a thread where thread
// is its root. Nothing is unfurled or linked that was not meant to be.
func (m Message) Options(thread string) []slack.MsgOption {
	return m.options(mostPost, thread)
}

// EditOptions are the message as an edit, which takes less text.
func (m Message) EditOptions() []slack.MsgOption { return m.options(mostEdit, "") }

func (m Message) options(most int, thread string) []slack.MsgOption {
	params := slack.NewPostMessageParameters()
	params.UnfurlLinks, params.UnfurlMedia, params.Parse, params.LinkNames = false, false, "none", 0
	params.ThreadTimestamp = thread
	out := []slack.MsgOption{slack.MsgOptionText(cutMarkup(m.Text, most), false), slack.MsgOptionPostMessageParameters(params), slack.MsgOptionDisableLinkUnfurl()}
	if m.Blocks != nil {
		out = append(out, slack.MsgOptionBlocks(m.Blocks...))
	}
	return out
}

// Page are the blocks of a page, which cannot do without any.
func (m Message) Page() []slack.Block {
	if m.Blocks != nil {
		return m.Blocks
	}
	return []slack.Block{slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, cutMarkup(m.Text, mostText), false, false), nil, nil)}
}

// Simpler is the message for a workspace that refuses its blocks: first with plain
// sections in place of rich text, which leaves the buttons; then all of it as text
// alone, which has no blocks to refuse.
func (m Message) Simpler() Message {
	if m.plain != nil {
		return Message{Text: m.Text, Blocks: m.plain, alone: m.alone}
	}
	return Message{Text: cmp.Or(m.alone, m.Text)}
}

// cutMarkup cuts escaped text to so many characters, never within an escape, a
// mention, a link or a moment: half of one would be alive, or garbage.
func cutMarkup(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	text = string([]rune(text)[:most-1])
	if open := strings.LastIndexByte(text, '<'); open > strings.LastIndexByte(text, '>') {
		text = text[:open]
	}
	if entity := strings.LastIndexByte(text, '&'); entity > strings.LastIndexByte(text, ';') {
		text = text[:entity]
	}
	return text + "…"
}
