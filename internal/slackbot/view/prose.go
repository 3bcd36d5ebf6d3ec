package view

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"autoscalebot/internal/authz"
)

// prose is a text in pieces.
type prose []piece

// piece is a part of a text that is shown in one way.
type piece struct {
	kind kind
	// text is the piece in plain text.
	text string
	// ref is the ID of a person or channel, or the address of a link.
	ref string
	// at and format are a moment's, format as Slack writes it for each reader.
	at     time.Time
	format string
}

type kind int

const (
	literal kind = iota
	strong
	typed // in a fixed-width font: something to type, or an ID
	arrow // between before and after; "to" where it is read aloud
	mention
	place
	address
	instant
)

// say joins parts to one text. A string is literal, a piece or prose is itself,
// anything else is what fmt makes of it. Parts that say nothing are left out.
func say(parts ...any) prose {
	var out prose
	for _, part := range parts {
		switch part := part.(type) {
		case prose:
			out = append(out, part...)
		case piece:
			out = append(out, part)
		default:
			if text := fmt.Sprint(part); text != "" {
				out = append(out, piece{text: text})
			}
		}
	}
	return out
}

// join puts a separator between texts, and leaves out those that say nothing.
func join(separator string, texts ...prose) prose {
	var out prose
	for _, text := range texts {
		if len(text) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, piece{text: separator})
		}
		out = append(out, text...)
	}
	return out
}

func bold(text string) piece { return piece{kind: strong, text: text} }

func code(text string) piece { return piece{kind: typed, text: text} }

func to() piece { return piece{kind: arrow, text: " → "} }

var (
	userID    = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	channelID = regexp.MustCompile(`^[CG][A-Z0-9]+$`)
	safeURL   = regexp.MustCompile(`^https://[^\s<>|]+$`)
)

// person mentions somebody.
func person(p authz.Person) piece {
	text := p.ID
	switch {
	case p.ID == "":
		return piece{text: "somebody"}
	case p.Name != "":
		text = "@" + name(p.Name)
	}
	if !userID.MatchString(p.ID) {
		return piece{text: text}
	}
	return piece{kind: mention, text: text, ref: p.ID}
}

// named is somebody's name, which notifies nobody.
func named(p authz.Person) piece {
	if p.Name == "" {
		return user(p.ID)
	}
	return piece{text: name(p.Name)}
}

func user(id string) piece { return person(authz.Person{ID: id}) }

func channel(id string) piece {
	if !channelID.MatchString(id) {
		return piece{text: name(id)}
	}
	return piece{kind: place, text: id, ref: id}
}

// link makes a text lead somewhere. An address that is not plainly one leads nowhere.
func link(text, url string) piece {
	if !safeURL.MatchString(url) {
		return piece{text: text}
	}
	return piece{kind: address, text: text, ref: url}
}

// How Slack writes a moment in the zone of whoever reads it: 3:04 PM, and
// today at 3:04 PM or Nov 3rd at 3:04 PM.
const (
	formatTime = "{time}"
	formatDay  = "{date_short_pretty} at {time}"
)

// on is a moment of any day; at is one of the same day, of which the hour is enough.
func on(t time.Time) piece { return when(t, formatDay, "2 Jan 15:04 UTC") }

func at(t time.Time) piece { return when(t, formatTime, "15:04 UTC") }

func when(t time.Time, format, layout string) piece {
	if t.IsZero() { // a row of another version may lack it
		return piece{text: "at an unknown time"}
	}
	return piece{kind: instant, at: t, format: format, text: t.UTC().Format(layout)}
}

// soon is at where the moment is within half a day of since, and on where it is not.
func soon(t, since time.Time) piece {
	if t.Sub(since).Abs() < 12*time.Hour {
		return at(t)
	}
	return on(t)
}

// atTime is soon in a sentence that needs an "at" before an hour.
func atTime(t, since time.Time) prose {
	if one := soon(t, since); one.format == formatTime {
		return say("at ", one)
	}
	return say(on(t))
}

// quiet names people instead of mentioning them.
func (p prose) quiet() prose {
	out := make(prose, 0, len(p))
	for _, one := range p {
		if one.kind == mention {
			one = piece{text: one.text}
		}
		out = append(out, one)
	}
	return out
}

// rich is the text as elements of rich text, in which nothing but pieces is alive.
// Pieces that say nothing are left out: Slack refuses them.
func (p prose) rich() []slack.RichTextSectionElement {
	out := make([]slack.RichTextSectionElement, 0, len(p))
	for _, one := range p {
		text := shorten(visible(one.text), mostText)
		switch {
		case one.kind == mention:
			out = append(out, slack.NewRichTextSectionUserElement(one.ref, nil))
		case one.kind == place:
			out = append(out, slack.NewRichTextSectionChannelElement(one.ref, nil))
		case one.kind == instant:
			out = append(out, slack.NewRichTextSectionDateElement(one.at.Unix(), one.format, nil, &text))
		case text == "":
		case one.kind == address:
			out = append(out, slack.NewRichTextSectionLinkElement(one.ref, text, nil))
		case one.kind == strong:
			out = append(out, slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Bold: true}))
		case one.kind == typed:
			out = append(out, slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Code: true}))
		default:
			out = append(out, slack.NewRichTextSectionTextElement(text, nil))
		}
	}
	return out
}

// markup is the text in Slack's markup, with everything escaped that is not a piece
// of its own. It is read aloud and stands in notifications.
func (p prose) markup() string {
	var b strings.Builder
	for _, one := range p {
		text := escaped(one.text)
		switch one.kind {
		case mention:
			text = "<@" + one.ref + ">"
		case place:
			text = "<#" + one.ref + ">"
		case address:
			text = "<" + one.ref + "|" + text + ">"
		case instant:
			text = fmt.Sprintf("<!date^%d^%s|%s>", one.at.Unix(), one.format, text)
		case arrow:
			text = " to "
		case literal, strong, typed:
		}
		b.WriteString(text)
	}
	return b.String()
}

// plain is the text without any markup, for a terminal, a file, or the error under a
// form's field.
func (p prose) plain() string {
	var b strings.Builder
	for _, one := range p {
		b.WriteString(visible(one.text))
	}
	return b.String()
}

// escaped is a text that Slack's markup takes literally.
func escaped(text string) string { return slackutilsx.EscapeMessage(visible(text)) }
