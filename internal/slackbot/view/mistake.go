package view

import (
	"strings"

	"autoscalebot/internal/commands"
)

// Mistake tells whoever typed a command what is wrong with it, and gives it back
// corrected. Threads take no slash commands: there the bot is mentioned instead.
func Mistake(m *commands.Mistake, inThread bool) Message {
	lines := []prose{hint(m.Text, inThread)}
	for _, line := range m.Lines {
		lines = append(lines, say(code(hereTyped(commands.Slash+" "+line, inThread))))
	}
	var d draft
	d.lines(lines...)
	return d.message()
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
