package commands

import (
	"slices"
	"strings"

	"autoscalebot/internal/baseten"
)

// missing says which part of a change is not there and shows the command with the
// words that were understood.
func (t *tail) missing() *Mistake {
	noSettings := len(t.cmd.Settings) == 0
	if command, ok := t.nearCommand(); ok && noSettings {
		m := mistake("%q is not a command. Did you mean %s?", echo(t.names[0].Word), command).with(t.asCommand(command))
		if spec, _ := firstWord(command); len(m.Lines) == 0 {
			m.Text += " Type: " + typed(spec.Usage)
		}
		return m
	}
	if m := t.notOurs(); m != nil && noSettings {
		return m
	}
	if joined, apart, ok := t.inOneWord(); ok {
		return t.refuse("Put a space between the model and the target.").
			with(t.understood(strings.Replace(t.text, joined, apart, 1)))
	}
	if noSettings && len(t.names) > 1 && t.filled() {
		t.names = t.names[1:]
	}
	switch {
	case len(t.names) == 0 && noSettings:
		return mistake("Which model, target and setting? For example: %s", typed(t.example()))
	case len(t.names) == 0:
		return mistake("Which model and which target? For example: %s", typed(t.example()))
	case len(t.names) == 1 && noSettings:
		return mistake("Which target and which setting? For example: %s. To see the settings: %s", typed(t.example()), typed("status "+shown(t.names[0])))
	case len(t.names) == 1:
		return mistake("Which target, an environment or a deployment? For example: %s", typed(t.example()))
	}
	return mistake("Which setting? For example: %s. To see the settings: %s", typed(t.example()), typed("status "+shown(t.names...)))
}

// inOneWord tells that model/target or model:target was typed, and what it is apart.
func (t *tail) inOneWord() (joined, apart string, ok bool) {
	if len(t.names) != 1 || t.names[0].Kind != "" || len(t.cmd.Settings) == 0 {
		return "", "", false
	}
	joined = t.names[0].Word
	parts := strings.FieldsFunc(joined, func(r rune) bool { return r == '/' || r == ':' })
	return joined, strings.Join(parts, " "), len(parts) == 2
}

// filled tells that the first name is a word that says nothing.
func (t *tail) filled() bool {
	return t.names[0].Kind == "" && slices.Contains(fillers, lower(t.names[0].Word))
}

// notOurs tells whoever wants something done to a model what this is for; nil where
// nobody does.
func (t *tail) notOurs() *Mistake {
	if t.cmd.Name != NameChange || len(t.names) == 0 || t.names[0].Kind != "" || !slices.Contains(notOurs, lower(t.names[0].Word)) {
		return nil
	}
	return t.refuse("I change autoscaling settings, and cannot %s anything. %s shows what I can.", lower(t.names[0].Word), typed("help"))
}

// nearCommand returns the command that the first name may have been meant for.
func (t *tail) nearCommand() (string, bool) {
	if t.cmd.Name != NameChange || len(t.names) == 0 || t.names[0].Kind != "" {
		return "", false
	}
	if command, ok := otherWords[lower(t.names[0].Word)]; ok {
		return command, true
	}
	near := baseten.Closest(t.names[0].Word, firstWords(), 1)
	if len(near) == 0 {
		return "", false
	}
	return near[0], true
}

// asCommand is the line with a command in the place of its first word.
func (t *tail) asCommand(command string) string { return t.instead(t.tokens[0], command) }

// example is a whole command made of what was understood.
func (t *tail) example() string {
	names := slices.Clone(t.names)
	for _, word := range []string{"llama-70b", "production"}[min(len(names), 2):] {
		names = append(names, Ref{Word: word})
	}
	return t.exampleOf(names...)
}

func (t *tail) exampleOf(names ...Ref) string {
	settings := "max=7"
	if len(t.cmd.Settings) > 0 {
		settings = t.cmd.Settings.String()
	}
	text := shown(names...) + " " + settings
	if t.cmd.Name != NameChange {
		text = string(t.cmd.Name) + " " + text
	}
	return text
}
