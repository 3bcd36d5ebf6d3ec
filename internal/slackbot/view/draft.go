package view

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// draft is a message that is being written, block by block: as rich text, and as
// plain sections for workspaces that refuse that.
type draft struct {
	text   []string // the plain text, line by line
	blocks []slack.Block
	plain  []slack.Block
	alone  []string // all that the blocks say
}

// lines shows lines of text and has them in the plain text. Empty ones are left out.
func (d *draft) lines(lines ...prose) {
	d.show(lines...)
	d.speak(lines...)
}

// show shows lines of text.
func (d *draft) show(lines ...prose) {
	if text := join("\n", lines...); len(text) > 0 {
		d.rich(slack.NewRichTextSection(text.rich()...), text.markup())
	}
}

// speak adds to the plain text alone.
func (d *draft) speak(lines ...prose) {
	for _, line := range lines {
		if len(line) > 0 {
			d.text = append(d.text, line.markup())
		}
	}
}

// quote shows somebody else's words in lines that nobody can take for ours.
func (d *draft) quote(text string) {
	if text == "" {
		return
	}
	var quoted []string
	for line := range strings.Lines(text) {
		quoted = append(quoted, "> "+escaped(strings.TrimSuffix(line, "\n")))
	}
	d.rich(&slack.RichTextQuote{Type: slack.RTEQuote, Elements: say(text).rich()}, strings.Join(quoted, "\n"))
	d.speak(say(text))
}

// copyable shows text in a fixed-width font, to be copied.
func (d *draft) copyable(text string) {
	if text == "" {
		return
	}
	d.rich(&slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: say(text).rich()}, escaped(text))
	d.speak(say(text))
}

// bullets shows a list.
func (d *draft) bullets(items []prose) {
	sections := make([]slack.RichTextElement, 0, len(items))
	lines := make([]string, 0, len(items))
	for _, item := range items {
		sections = append(sections, slack.NewRichTextSection(item.rich()...))
		lines = append(lines, "• "+item.markup())
	}
	d.rich(slack.NewRichTextList(slack.RTEListBullet, 0, sections...), strings.Join(lines, "\n"))
	d.speak(items...)
}

func (d *draft) rich(element slack.RichTextElement, markup string) {
	d.blocks = append(d.blocks, slack.NewRichTextBlock("", element))
	d.plain = append(d.plain, slack.NewSectionBlock(
		slack.NewTextBlockObject(slack.MarkdownType, cutMarkup(markup, mostText), false, false), nil, nil))
	d.alone = append(d.alone, markup)
}

// small shows one line in small print, in parts. A part that mentions somebody or leads
// somewhere holds no foreign text beside: it is markup.
func (d *draft) small(parts ...prose) {
	var elements []slack.MixedElement
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		element := plainText(part.plain(), mostSmall)
		if slices.ContainsFunc(part, func(p piece) bool { return p.kind == mention || p.kind == address || p.kind == instant }) {
			element = slack.NewTextBlockObject(slack.MarkdownType, part.markup(), false, false)
		}
		elements = append(elements, element)
	}
	if elements == nil {
		return
	}
	block := slack.NewContextBlock("", elements...)
	d.blocks, d.plain = append(d.blocks, block), append(d.plain, block)
	d.alone = append(d.alone, join(" ", parts...).markup())
}

// buttons shows what can be pressed.
func (d *draft) buttons(set ...slack.BlockElement) {
	block := slack.NewActionBlock("", set...)
	d.blocks, d.plain = append(d.blocks, block), append(d.plain, block)
}

func (d *draft) message() Message {
	return Message{Text: strings.Join(d.text, "\n"), Blocks: d.blocks, plain: d.plain, alone: strings.Join(d.alone, "\n")}
}

// plainText is a text in which nothing is alive; names of emoji stay as typed.
func plainText(text string, most int) *slack.TextBlockObject {
	off := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: shorten(visible(text), most), Emoji: &off}
}

// button makes a button about what, whose value is the request's ID and nothing else.
func button(action, label string, id change.ID, what string) *slack.ButtonBlockElement {
	return labelled(action, label, string(id), what)
}

func labelled(action, label, value, what string) *slack.ButtonBlockElement {
	const mostLabel, mostValue = 75, 2000
	b := slack.NewButtonBlockElement(action, shorten(value, mostValue), plainText(label, mostLabel))
	b.AccessibilityLabel = shorten(visible(label+": "+what), mostLabel)
	return b
}

// confirming lets Slack ask before the button counts. The text is one short line:
// Slack would cut a list.
func confirming(b *slack.ButtonBlockElement, title, text, yes string) *slack.ButtonBlockElement {
	b.Confirm = slack.NewConfirmationBlockObject(plainText(title, 100), plainText(text, 300), plainText(yes, 30), plainText("Back", 30))
	return b
}
