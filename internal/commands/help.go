package commands

import (
	"fmt"
	"slices"
	"strings"

	"autoscalebot/internal/baseten"
)

// HelpLine is one line of help: what can be typed, and the words around it.
type HelpLine struct {
	Before, Typed, After string
	// Command tells that Typed is a whole command, to be typed after the bot's name.
	Command bool
	// Indented lines belong to the one above.
	Indented bool
}

// String is the line in plain text.
func (l HelpLine) String() string {
	indent := ""
	if l.Indented {
		indent = "    "
	}
	return indent + l.Before + l.Typed + l.After
}

// Help explains a command, a setting or an option in a few lines of plain text
// without markup; "" gives the overview. An unknown topic gets a suggestion.
func Help(topic string) string {
	lines := HelpLines(topic)
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		out = append(out, l.String())
	}
	return strings.Join(out, "\n")
}

// HelpLines is the same line by line, for those who show what can be typed apart.
func HelpLines(topic string) []HelpLine {
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
			return []HelpLine{{Before: w.name + " is not available. " + adviceOn[w.name]}}
		default:
			i := slices.IndexFunc(options, func(o option) bool { return o.is == w.is })
			o := options[i]
			return []HelpLine{{Typed: o.usage, After: " " + o.help}, example("For example: ", o.sample)}
		}
	}
	return []HelpLine{{Before: noHelp(topic)}, example("To see all commands: ", "help")}
}

// example is a command that can be typed as it is.
func example(before, command string) HelpLine {
	return HelpLine{Before: before, Typed: command, Command: true}
}

func noHelp(topic string) string {
	text := fmt.Sprintf("There is no help on %q.", echo(topic))
	near := nearWords(topic)
	for _, command := range baseten.Closest(topic, firstWords(), 1) {
		near = append([]string{command}, near...)
	}
	if len(near) > 0 {
		text += fmt.Sprintf(" Did you mean %s?", either(near))
	}
	return text
}

// changeTopics are words that people look for the change under.
var changeTopics = []string{string(NameChange), "model", "target", "setting", "settings", "option", "options"}

func overview() []HelpLine {
	var out []HelpLine
	for _, s := range table {
		out = append(out, HelpLine{Typed: s.Usage, After: " — " + s.Summary, Command: true})
		if s.Name == NameChange {
			sample := example("for example: ", s.Examples[0])
			sample.Indented = true
			out = append(out, sample)
		}
	}
	var usages []string
	for _, o := range options {
		usages = append(usages, o.usage)
	}
	return append(out,
		HelpLine{Before: "A form with today's values: ", Typed: Slash},
		HelpLine{Before: "Settings: " + strings.Join(settingWords(), ", ")},
		HelpLine{Before: "Options: " + strings.Join(usages, ", ")},
		HelpLine{Before: "More about a word: ", Typed: "help window", Command: true})
}

func helpOnCommand(s Spec) []HelpLine {
	out := []HelpLine{{Typed: s.Usage, After: " — " + s.Summary + ".", Command: true}}
	for _, more := range s.More {
		out = append(out, HelpLine{Before: more})
	}
	if s.args == argsChange {
		out = append(out, HelpLine{Before: "Settings:"})
		for _, row := range baseten.AllSettings {
			out = append(out, HelpLine{Typed: row.Word, After: " — " + row.Help, Indented: true})
		}
	}
	out = append(out, HelpLine{Before: "For example:"})
	for _, e := range s.Examples {
		sample := example("", e)
		sample.Indented = true
		out = append(out, sample)
	}
	return out
}

func helpOnSetting(s baseten.Setting) []HelpLine {
	lines := []HelpLine{
		{Typed: s.Word, After: fmt.Sprintf(" (%s) — %s.", s.Label, s.Help)},
		{Before: rangeOf(s)},
	}
	switch s.Unit {
	case baseten.Seconds:
		lines = append(lines, HelpLine{Before: "A plain number is in seconds; 90s, 10m and 1h work too."})
	case baseten.Percent:
		lines = append(lines, HelpLine{Before: "The % may be left out."})
	}
	if s.Sticky {
		lines = append(lines, HelpLine{Before: "Once set, it can be changed but never cleared again."})
	}
	var also []string
	for _, sp := range spellings(s) {
		if sp != s.Word {
			also = append(also, sp)
		}
	}
	return append(lines,
		HelpLine{Before: fmt.Sprintf("Also typed as %s, with _ or -, and as --%s.", either(also), strings.ReplaceAll(string(s.Field), "_", "-"))},
		example("For example: ", "llama-70b production "+sample(s)))
}
