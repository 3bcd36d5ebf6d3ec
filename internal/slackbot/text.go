package slackbot

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"
)

// This file turns sentences into rich text. The change service's sentences are
// literal text, but for two kinds of markup: <@U1> is a person, and <time:UNIX|text>
// a moment, with how it reads in UTC; <day:UNIX|text> is a moment of another day.
// In rich text nothing else is alive, whatever a person or Baseten put into it.

var markup = regexp.MustCompile(`<@([UW][A-Z0-9]+)>|<(time|day):(\d+)\|([^>]*)>`)

// line is one line of rich text.
type line = []slack.RichTextSectionElement

// words turns a sentence into rich text, in which only people and times are alive.
func words(text string) line {
	var out line
	for at := 0; at < len(text); {
		m := markup.FindStringSubmatchIndex(text[at:])
		if m == nil {
			return append(out, literal(text[at:]))
		}
		if m[0] > 0 {
			out = append(out, literal(text[at:at+m[0]]))
		}
		part := func(i int) string { return text[at+m[2*i] : at+m[2*i+1]] }
		if m[2] >= 0 {
			out = append(out, person(part(1)))
		} else {
			unix, _ := strconv.ParseInt(part(3), 10, 64)
			out = append(out, moment(unix, part(2), part(4)))
		}
		at += m[1]
	}
	return out
}

// How Slack writes a moment in the zone of whoever reads it.
const (
	formatTime = "{time}"
	formatDay  = "{date_short_pretty} at {time}" // today at 15:04, Nov 3, 2026 at 15:04
)

func moment(unix int64, kind, text string) slack.RichTextSectionElement {
	format := formatTime
	if kind == "day" {
		format = formatDay
	}
	return slack.NewRichTextSectionDateElement(unix, format, nil, &text)
}

// spoken is rich text as the plain text of a message, for notifications and screen
// readers: everything escaped but people and times, which live there too.
func spoken(l line) string {
	var b strings.Builder
	for _, e := range l {
		switch e := e.(type) {
		case *slack.RichTextSectionTextElement:
			b.WriteString(escaped(e.Text))
		case *slack.RichTextSectionUserElement:
			b.WriteString("<@" + e.UserID + ">")
		case *slack.RichTextSectionDateElement:
			fmt.Fprintf(&b, "<!date^%d^%s|%s>", e.Timestamp, e.Format, *e.Fallback)
		}
	}
	return b.String()
}

// fallback is a sentence as the plain text of a message.
func fallback(text string) string { return spoken(words(text)) }

// bare is a sentence without any markup, for where Slack shows none.
func bare(text string) string {
	return markup.ReplaceAllStringFunc(text, func(found string) string {
		if m := markup.FindStringSubmatch(found); m[1] == "" {
			return m[4]
		}
		return "somebody else"
	})
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

// escaped is literal text in Slack's markup.
func escaped(text string) string { return slackutilsx.EscapeMessage(tame(text)) }

// tame takes from a text what no reader sees and what could turn the text around it:
// control characters and those that change the direction of writing.
func tame(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, text)
}

// oneLine is a foreign text that must not pass for a line of ours.
func oneLine(text string) string { return strings.Join(strings.Fields(tame(text)), " ") }

// inert is a foreign text that goes into a sentence: it holds no markup.
func inert(text string) string { return strings.ReplaceAll(oneLine(text), "<", "‹") }

// cut tames a text and keeps it within Slack's limit.
func cut(text string) string { return shorten(tame(text), mostText) }

func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
