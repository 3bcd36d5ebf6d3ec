package slackbot

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"
)

// Limits of Slack's blocks that our texts could reach (docs.slack.dev/reference/block-kit).
const (
	mostText   = 3000 // characters of one text
	mostSmall  = 2000 // characters of one text of a context line
	mostBlocks = 50   // blocks of a message
	mostNamed  = 80   // characters of a foreign name; ours, so that a card stays a card
)

// message is something to be shown: blocks, and the same in one plain text for
// notifications, screen readers, and workspaces that refuse the blocks.
type message struct {
	text   string
	blocks []slack.Block
	// plain tells that the blocks are of the oldest kinds only.
	plain bool
}

// options are the message in the words of the client library. Nothing is unfurled
// or linked that was not meant to be.
func (m message) options(thread string) []slack.MsgOption {
	params := slack.NewPostMessageParameters()
	params.UnfurlLinks, params.UnfurlMedia, params.Parse, params.LinkNames = false, false, "none", 0
	params.ThreadTimestamp = thread
	out := []slack.MsgOption{slack.MsgOptionText(m.text, false), slack.MsgOptionPostMessageParameters(params), slack.MsgOptionDisableLinkUnfurl()}
	if m.blocks != nil {
		out = append(out, slack.MsgOptionBlocks(m.blocks...))
	}
	return out
}

func (m message) wire() *slack.Blocks {
	if m.blocks == nil {
		return nil
	}
	return &slack.Blocks{BlockSet: m.blocks}
}

// simpler is the message for a workspace that refuses its blocks: first with plain
// sections in place of rich text, which leaves the buttons; then all of it as text
// alone.
func (m message) simpler() message {
	if m.plain {
		return message{text: allText(m)}
	}
	out := message{text: m.text, plain: true}
	for _, b := range m.blocks {
		if rich, ok := b.(*slack.RichTextBlock); ok {
			b = section(rich)
		}
		out.blocks = append(out.blocks, b)
	}
	return out
}

// allText is what plain blocks say.
func allText(m message) string {
	var out []string
	for _, b := range m.blocks {
		switch b := b.(type) {
		case *slack.SectionBlock:
			out = append(out, b.Text.Text)
		case *slack.ContextBlock:
			var parts []string
			for _, e := range b.ContextElements.Elements {
				if t, ok := e.(*slack.TextBlockObject); ok && t.Type == slack.PlainTextType {
					parts = append(parts, escaped(t.Text))
				} else if ok {
					parts = append(parts, t.Text)
				}
			}
			out = append(out, strings.Join(parts, " "))
		}
	}
	if len(out) == 0 {
		return m.text
	}
	return strings.Join(out, "\n")
}

// section is rich text as the markup of old.
func section(rich *slack.RichTextBlock) slack.Block {
	var out []string
	for _, e := range rich.Elements {
		switch e := e.(type) {
		case *slack.RichTextSection:
			out = append(out, spoken(e.Elements))
		case *slack.RichTextQuote:
			out = append(out, "> "+strings.ReplaceAll(spoken(e.Elements), "\n", "\n> "))
		case *slack.RichTextPreformatted:
			out = append(out, "```"+strings.ReplaceAll(spoken(e.Elements), "`", "'")+"```")
		case *slack.RichTextList:
			for _, item := range e.Elements {
				if s, ok := item.(*slack.RichTextSection); ok {
					out = append(out, "• "+spoken(s.Elements))
				}
			}
		}
	}
	text := shorten(strings.Join(out, "\n"), mostText)
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, false), nil, nil)
}

// plainMessage shows a text of the change service's words: literal, but for people
// and times.
func plainMessage(text string) message {
	return message{text: fallback(text), blocks: []slack.Block{rich(words(text)...)}}
}

// rich is a block of one paragraph.
func rich(elements ...slack.RichTextSectionElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", slack.NewRichTextSection(full(elements)...))
}

// full leaves out what says nothing, which Slack refuses.
func full(l line) line {
	return slices.DeleteFunc(slices.Clone(l), func(e slack.RichTextSectionElement) bool {
		text, ok := e.(*slack.RichTextSectionTextElement)
		return ok && text.Text == ""
	})
}

// lines is a block of several lines.
func lines(of ...line) *slack.RichTextBlock {
	var all line
	for i, l := range of {
		if i > 0 {
			all = append(all, literal("\n"))
		}
		all = append(all, l...)
	}
	return rich(all...)
}

// bullets is a block of one list.
func bullets(items ...line) *slack.RichTextBlock {
	sections := make([]slack.RichTextElement, 0, len(items))
	for _, item := range items {
		sections = append(sections, slack.NewRichTextSection(full(item)...))
	}
	return slack.NewRichTextBlock("", slack.NewRichTextList(slack.RTEListBullet, 0, sections...))
}

// preformatted is a block in a fixed-width font, to be copied.
func preformatted(text string) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: line{literal(text)},
	})
}

// small is a context line of literal text.
func small(text string) slack.Block {
	return slack.NewContextBlock("", plainText(shorten(text, mostSmall)))
}

func plainText(text string) *slack.TextBlockObject {
	off := false // :names: of emoji stay as typed
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: cut(text), Emoji: &off}
}

func button(action, label, value string, style slack.Style) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(action, value, plainText(label))
	b.Style = style
	return b
}

// confirming lets Slack ask before the button counts.
func confirming(b *slack.ButtonBlockElement, title, text, yes string) *slack.ButtonBlockElement {
	b.Confirm = slack.NewConfirmationBlockObject(
		plainText(shorten(title, 100)), plainText(shorten(text, 300)), plainText(shorten(yes, 30)), plainText("Back"))
	return b
}
