package slackbot

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"
)

// Limits of Slack's blocks that our texts could reach (docs.slack.dev/reference/block-kit).
const (
	mostText    = 3000 // of one text
	mostContext = 10   // elements of a context block
)

// message is something to be shown: blocks, and the same in one plain text for
// notifications, screen readers, and workspaces that refuse the blocks.
type message struct {
	text   string
	blocks []slack.Block
}

// options are the message in the words of the client library. Nothing is unfurled
// or linked that was not meant to be.
func (m message) options(thread string) []slack.MsgOption {
	params := slack.NewPostMessageParameters()
	params.UnfurlLinks, params.UnfurlMedia, params.Parse, params.LinkNames = false, false, "none", 0
	params.ThreadTimestamp = thread
	out := []slack.MsgOption{slack.MsgOptionText(m.text, false), slack.MsgOptionPostMessageParameters(params)}
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

// plainMessage shows a text of the change service's words: literal, but for people
// and times.
func plainMessage(text string) message {
	return message{text: fallback(text), blocks: []slack.Block{rich(words(text)...)}}
}

// markup is what the change service's sentences may hold beside literal text:
// <@U1> for a person, <time:UNIX|text> for a moment.
var markup = regexp.MustCompile(`<@([UW][A-Z0-9]+)>|<time:(\d+)\|([^>]*)>`)

// words turns a sentence into rich text, in which only people and times are alive.
func words(text string) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for at := 0; at < len(text); {
		m := markup.FindStringSubmatchIndex(text[at:])
		if m == nil {
			return append(out, literal(text[at:]))
		}
		if m[0] > 0 {
			out = append(out, literal(text[at:at+m[0]]))
		}
		switch {
		case m[2] >= 0:
			out = append(out, slack.NewRichTextSectionUserElement(text[at+m[2]:at+m[3]], nil))
		default:
			unix, _ := strconv.ParseInt(text[at+m[4]:at+m[5]], 10, 64)
			out = append(out, moment(unix, text[at+m[6]:at+m[7]]))
		}
		at += m[1]
	}
	return out
}

// fallback is a sentence as the plain text of a message: everything escaped but
// people and times, which Slack shows as such there too.
func fallback(text string) string {
	var b strings.Builder
	for at := 0; at < len(text); {
		m := markup.FindStringSubmatchIndex(text[at:])
		if m == nil {
			b.WriteString(slackutilsx.EscapeMessage(text[at:]))
			break
		}
		b.WriteString(slackutilsx.EscapeMessage(text[at : at+m[0]]))
		if m[2] >= 0 {
			b.WriteString(text[at+m[0] : at+m[1]])
		} else {
			b.WriteString(text[at+m[6] : at+m[7]])
		}
		at += m[1]
	}
	return b.String()
}

// bare is a sentence without any markup, for where Slack shows none.
func bare(text string) string {
	return markup.ReplaceAllStringFunc(text, func(found string) string {
		if m := markup.FindStringSubmatch(found); m[1] == "" {
			return m[3]
		}
		return "somebody else"
	})
}

// moment is a time of day that each reader sees in their own zone.
func moment(unix int64, text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionDateElement(unix, "{time}", nil, &text)
}

func literal(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(cut(text), nil)
}

func bold(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(cut(text), &slack.RichTextSectionTextStyle{Bold: true})
}

func code(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(cut(text), &slack.RichTextSectionTextStyle{Code: true})
}

func person(id string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionUserElement(id, nil)
}

// rich is a block of one paragraph.
func rich(elements ...slack.RichTextSectionElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", slack.NewRichTextSection(elements...))
}

// lines is a block of several lines.
func lines(of ...[]slack.RichTextSectionElement) *slack.RichTextBlock {
	var all []slack.RichTextSectionElement
	for i, line := range of {
		if i > 0 {
			all = append(all, literal("\n"))
		}
		all = append(all, line...)
	}
	return rich(all...)
}

// preformatted is a block in a fixed-width font.
func preformatted(text string) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{literal(text)},
	})
}

// small is the context line under a message. Its parts are mrkdwn of ours; what is
// foreign in them has to be escaped.
func small(parts ...string) slack.Block {
	return slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, cut(strings.Join(parts, " · ")), false, false))
}

func escaped(text string) string { return slackutilsx.EscapeMessage(text) }

func button(action, label, value string, style slack.Style) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(action, value, slack.NewTextBlockObject(slack.PlainTextType, label, false, false))
	b.Style = style
	return b
}

// confirming lets Slack ask before the button counts.
func confirming(b *slack.ButtonBlockElement, title, text, yes string) *slack.ButtonBlockElement {
	plain := func(s string, most int) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, shorten(s, most), false, false)
	}
	b.Confirm = slack.NewConfirmationBlockObject(plain(title, 100), plain(text, 300), plain(yes, 30), plain("Back", 30))
	return b
}

// cut keeps a text within Slack's limit.
func cut(text string) string { return shorten(text, mostText) }

func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
