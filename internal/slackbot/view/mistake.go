package view

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// Mistake tells whoever typed a command what is wrong with it, and gives it back
// corrected. Threads take no slash commands: there the bot is mentioned instead.
func Mistake(m *commands.Mistake, inThread bool) Message { return MistakeAbout(m, inThread, "") }

// MistakeAbout is Mistake with the address of the card of the request that it is about, ""
// where there is none to show.
func MistakeAbout(m *commands.Mistake, inThread bool, card string) Message {
	var d draft
	lines := []prose{hint(m.Text, inThread)}
	if card != "" {
		lines = append(lines, say("Its card: ", link(change.ID(m.Request).String(), card)))
	}
	d.lines(append(lines, typedLines(m.Lines, inThread)...)...)
	if !m.Example {
		d.corrections(m.Lines)
	}
	return d.message()
}

// typedLines are whole commands, as they can be typed where they are read.
func typedLines(lines []string, inThread bool) []prose {
	out := make([]prose, 0, len(lines))
	for _, line := range lines {
		out = append(out, say(code(hereTyped(commands.Slash+" "+line, inThread))))
	}
	return out
}

// mostCorrections is how many corrected commands have a button.
const mostCorrections = 3

// corrections are buttons that run what may have been meant, for whoever presses them.
func (d *draft) corrections(lines []string) {
	const mostLabel, mostValue = 75, 2000
	var set []slack.BlockElement
	for _, line := range lines[:min(len(lines), mostCorrections)] {
		label := "Do That"
		if len(lines) > 1 {
			label = line
		}
		if len(line) > mostValue || len(lines) > 1 && shorten(visible(line), mostLabel) != line {
			continue // a button that does not show what it does is none
		}
		b := slack.NewButtonBlockElement(fmt.Sprintf("%s_%d", ActionDo, len(set)+1), line, plainText(label, mostLabel))
		set = append(set, b)
	}
	if set != nil {
		d.buttons(set...)
	}
}

// hint shows what stands between backquotes as something to type.
func hint(text string, inThread bool) prose {
	var out prose
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			out = say(out, code(hereTyped(part, inThread)))
		} else {
			out = say(out, part)
		}
	}
	return out
}

func hereTyped(command string, inThread bool) string {
	if rest, ok := strings.CutPrefix(command, commands.Slash); ok && inThread {
		return atBot + rest
	}
	return command
}
