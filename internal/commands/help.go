package commands

import (
	"fmt"
	"slices"
	"strings"

	"autoscalebot/internal/baseten"
)

// Help explains a command, a setting or an option in a few lines of plain text
// without markup; "" gives the overview. An unknown topic gets a suggestion.
func Help(topic string) string {
	if topic == "" {
		return overview()
	}
	if spec, ok := firstWord(topic); ok {
		return helpOnCommand(spec)
	}
	if slices.Contains(changeTopics, lower(topic)) {
		return helpOnCommand(table[0])
	}
	if w, ok := vocabulary[spelled(topic)]; ok {
		switch w.is {
		case isSetting:
			return helpOnSetting(w.setting)
		case isNotYet:
			return w.name + " is not available yet."
		default:
			i := slices.IndexFunc(options, func(o option) bool { return o.is == w.is })
			o := options[i]
			return fmt.Sprintf("%s %s\nFor example: %s", o.usage, o.help, o.sample)
		}
	}
	return noHelp(topic)
}

func noHelp(topic string) string {
	text := fmt.Sprintf("There is no help on %q.", echo(topic))
	near := nearWords(topic)
	for _, command := range Nearest(topic, firstWords(), 1) {
		near = append([]string{command}, near...)
	}
	if len(near) > 0 {
		text += fmt.Sprintf(" Did you mean %s?", either(near))
	}
	return text + " Type help to see all commands."
}

// changeTopics are words that people look for the change under.
var changeTopics = []string{string(NameChange), "model", "target", "setting", "settings", "option", "options"}

func overview() string {
	var b strings.Builder
	for _, s := range table {
		fmt.Fprintf(&b, "%s — %s\n", s.Usage, s.Summary)
		if s.Name == NameChange {
			fmt.Fprintf(&b, "    for example: %s\n", s.Examples[0])
		}
	}
	fmt.Fprintf(&b, "Settings: %s\n", strings.Join(settingWords(), ", "))
	var usages []string
	for _, o := range options {
		usages = append(usages, o.usage)
	}
	fmt.Fprintf(&b, "Options: %s\n", strings.Join(usages, ", "))
	b.WriteString("Type help and a word, for example help window, to learn more about it.")
	return b.String()
}

func helpOnCommand(s Spec) string {
	lines := []string{s.Usage + " — " + s.Summary + "."}
	lines = append(lines, s.More...)
	if s.args == argsChange {
		lines = append(lines, "Settings:")
		for _, row := range baseten.AllSettings {
			lines = append(lines, fmt.Sprintf("    %s — %s", row.Word, row.Help))
		}
	}
	lines = append(lines, "For example:")
	for _, e := range s.Examples {
		lines = append(lines, "    "+e)
	}
	return strings.Join(lines, "\n")
}

func helpOnSetting(s baseten.Setting) string {
	lines := []string{
		fmt.Sprintf("%s (%s) — %s.", s.Word, s.Label, s.Help),
		rangeOf(s),
	}
	switch s.Unit {
	case baseten.Seconds:
		lines = append(lines, "A plain number is in seconds; 90s, 10m and 1h work too.")
	case baseten.Percent:
		lines = append(lines, "The % may be left out.")
	}
	if s.Sticky {
		lines = append(lines, "Once set, it can be changed but never cleared again.")
	}
	var also []string
	for _, sp := range spellings(s) {
		if sp != s.Word {
			also = append(also, sp)
		}
	}
	lines = append(lines,
		fmt.Sprintf("Also typed as %s, with _ or -, and as --%s.", either(also), strings.ReplaceAll(string(s.Field), "_", "-")),
		"For example: llama-70b production "+sample(s))
	return strings.Join(lines, "\n")
}
