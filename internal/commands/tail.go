package commands

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"autoscalebot/internal/baseten"
)

// MaxReason is the longest reason, in characters.
const MaxReason = 500

// parseChange reads MODEL TARGET { setting | option }.
func parseChange(name Name, tokens []token) (Command, *Mistake) {
	t := tail{cmd: Command{Name: name}, tokens: glue(tokens)}
	m := t.read()
	if m == nil {
		m = t.finish()
	}
	if m != nil {
		return Command{}, m
	}
	return t.cmd, nil
}

// tail reads names, settings and options from left to right.
type tail struct {
	cmd    Command
	tokens []token
	next   int
	names  []Ref
	// timed is the setting just read, if it was a time: a unit that stands apart
	// belongs to it.
	timed baseten.Setting
	// loose is the reason just read, if it had no quotes: the words after it may
	// have been meant for it.
	loose string
}

// refuse makes a Mistake of a sentence about the change.
func (t *tail) refuse(format string, args ...any) *Mistake {
	if t.cmd.Name == NameChange {
		format += " Nothing was changed."
	}
	return mistake(format, args...)
}

func (t *tail) read() *Mistake {
	for t.next < len(t.tokens) {
		tok := t.tokens[t.next]
		t.next++
		_, _, isRef := cutKind(tok.text)
		var m *Mistake
		switch {
		case isRef && len(t.names) == 2:
			m = t.refuse("Model and target are %s already, so %q is too much.", shown(t.names...), echo(tok.text))
		case isRef, tok.plain() && len(t.names) < 2:
			m = t.readName(tok)
		default:
			m = t.readWord(tok)
		}
		if m != nil {
			return m
		}
	}
	return nil
}

func (t *tail) readName(tok token) *Mistake {
	read := targetRef
	if len(t.names) == 0 {
		read = modelRef
	}
	ref, m := read(tok)
	if m != nil {
		return m
	}
	// Settings may stand before the model, but they make no model of a command.
	if len(t.names) == 0 && ref.Kind == "" && t.cmd.Name == NameChange {
		if spec, ok := firstWord(ref.Word); ok {
			return t.refuse("%s is a command and has to come first. For a model of that name, type model:%[1]s.", spec.Name)
		}
		if slices.Contains(notYet, lower(ref.Word)) {
			return notAvailable(ref.Word)
		}
	}
	t.names = append(t.names, ref)
	return nil
}

// readWord reads a setting or an option.
func (t *tail) readWord(tok token) *Mistake {
	head := tok.text
	if tok.assigned {
		head = tok.head
	}
	timed, loose := t.timed, t.loose
	t.timed, t.loose = baseten.Setting{}, ""
	w, ok := vocabulary[spelled(head)]
	if !ok {
		return t.unknown(tok, head, timed, loose)
	}
	switch w.is {
	case isSetting:
		if !tok.assigned && timed.Word != "" && w.name == "min" && !t.valueFollows() {
			return t.apart(timed) // window=10 min
		}
		return t.readSetting(w.setting, tok)
	case isReason:
		return t.readReason(tok)
	case isNotYet:
		return t.refuse("%s is not available yet, and without it the change would mean something else.", w.name)
	}
	if tok.assigned {
		return t.refuse("%s takes no value: type %[1]s, or leave it out.", w.name)
	}
	if w.is == isDryRun {
		t.cmd.DryRun = true
	} else {
		t.cmd.BreakGlass = true
	}
	return nil
}

func (t *tail) valueFollows() bool {
	return t.next < len(t.tokens) && t.tokens[t.next].canBeValue()
}

// value returns what tok assigns, or else takes the word after it.
func (t *tail) value(tok token) (value string, quoted bool) {
	if tok.assigned {
		return tok.value, tok.valueQuoted
	}
	if !t.valueFollows() {
		return "", false
	}
	next := t.tokens[t.next]
	t.next++
	return next.asValue(), next.quoted
}

func (t *tail) readSetting(s baseten.Setting, tok token) *Mistake {
	value, _ := t.value(tok)
	if s.Unit == baseten.Percent && t.next < len(t.tokens) && t.tokens[t.next].text == "%" {
		t.next++
	}
	n, why := parseValue(s, value)
	if why != "" {
		return t.refuse("%s", why)
	}
	if before, twice := t.cmd.Settings[s.Field]; twice {
		return t.refuse("%s is given twice, as %d and as %d. Type it once.", s.Word, before, n)
	}
	if t.cmd.Settings == nil {
		t.cmd.Settings = baseten.Settings{}
	}
	t.cmd.Settings[s.Field] = n
	if s.Unit == baseten.Seconds {
		t.timed = s
	}
	return nil
}

func (t *tail) readReason(tok token) *Mistake {
	value, quoted := t.value(tok)
	if !quoted && value != "" && isQuote(value[0]) {
		return t.refuse(`The reason's closing quote is missing. Type reason="…" with a quote at both ends.`)
	}
	reason := strings.Join(strings.Fields(value), " ")
	switch n := utf8.RuneCountInString(reason); {
	case reason == "":
		return t.refuse(`The reason is empty. Type it in quotes, for example reason="launch at noon".`)
	case n > MaxReason:
		return t.refuse("The reason has %d characters, and at most %d are kept. Type a shorter one.", n, MaxReason)
	case t.cmd.Reason != "":
		return t.refuse("The reason is given twice. Type it once.")
	}
	t.cmd.Reason = reason
	if !quoted {
		t.loose = reason
	}
	return nil
}

// readReasonOnly reads what may follow undo ID.
func (t *tail) readReasonOnly(spec Spec) *Mistake {
	for t.next < len(t.tokens) {
		tok := t.tokens[t.next]
		t.next++
		head := tok.text
		if tok.assigned {
			head = tok.head
		}
		w, ok := vocabulary[spelled(head)]
		switch {
		case ok && w.is == isReason:
			if m := t.readReason(tok); m != nil {
				return m
			}
		case !ok && t.loose != "":
			return t.unquotedReason(tok)
		default:
			return mistake(`%q does not fit after %s: only an ID and reason="…" do. For example: %s`, echo(head), spec.Name, spec.Examples[0])
		}
	}
	return nil
}

// unknown explains a word that is neither a setting nor an option.
func (t *tail) unknown(tok token, head string, timed baseten.Setting, loose string) *Mistake {
	typed := echo(head)
	switch {
	case head == "":
		return mistake("There is a value without a setting before it. For example: %s", t.example())
	case loose != "" && tok.plain():
		return t.unquotedReason(tok)
	case strings.Contains(head, " "):
		return t.refuse("The quotes make one word of %q. Put quotes around a single name or a reason only.", typed)
	case timed.Word != "" && slices.Contains(timeUnits, lower(head)):
		return t.apart(timed)
	case len(t.names) == 2 && t.namesSetting(t.names[1]) && tok.plain() && len(t.cmd.Settings) == 0: // llama max 7
		return mistake("Which target? The model and the target come before the settings. For example: %s", t.exampleOf(t.names[0], Ref{Word: "production"}))
	}
	if near := nearWords(head); len(near) > 0 {
		return t.refuse("%q is not a setting or option. Did you mean %s?", typed, either(near))
	}
	if command, ok := t.nearCommand(); ok && tok.plain() && len(t.cmd.Settings) == 0 {
		return t.refuse("%q is not a command. Did you mean %s?", echo(t.names[0].Word), command)
	}
	return t.refuse("%q is not a setting or option. Settings are %s; options are reason, dry-run and break-glass.", typed, either(settingWords()))
}

// namesSetting tells that a plain name is the word of a setting.
func (t *tail) namesSetting(r Ref) bool {
	w, ok := vocabulary[spelled(r.Word)]
	return ok && w.is == isSetting && r.Kind == ""
}

func (t *tail) unquotedReason(tok token) *Mistake {
	return t.refuse(`A reason of several words needs quotes: reason="%s …".`, echo(firstRunes(t.cmd.Reason+" "+tok.text, maxEcho-2)))
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// timeUnits are words that people write after a number of seconds, minutes or
// hours. The one that is missing, min, is a setting.
var timeUnits = []string{"s", "sec", "secs", "second", "seconds", "m", "mins", "minute", "minutes", "h", "hr", "hour", "hours"}

// apart explains that a unit has to stand with its number.
func (t *tail) apart(s baseten.Setting) *Mistake {
	n := t.cmd.Settings[s.Field]
	return t.refuse("Write the unit right after the number: %s=%ds for seconds, %[1]s=%[2]dm for minutes.", s.Word, n)
}

func settingWords() []string {
	var out []string
	for _, s := range baseten.AllSettings {
		out = append(out, s.Word)
	}
	return out
}

// finish checks what can be checked only at the end.
func (t *tail) finish() *Mistake {
	if len(t.names) < 2 || len(t.cmd.Settings) == 0 {
		return t.missing()
	}
	t.cmd.Model, t.cmd.Target = t.names[0], t.names[1]
	s := t.cmd.Settings
	least, hasMin := s[baseten.MinReplica]
	most, hasMax := s[baseten.MaxReplica]
	if hasMin && hasMax && least > most {
		return t.refuse("min=%d is more than max=%d. The least number of replicas cannot exceed the most.", least, most)
	}
	if t.cmd.BreakGlass && t.cmd.Reason == "" {
		return t.refuse(`break-glass needs a reason. Add reason="…", for example reason="production is down".`)
	}
	return nil
}

// missing says which part of a change is not there and shows the command with the
// words that were understood.
func (t *tail) missing() *Mistake {
	noSettings := len(t.cmd.Settings) == 0
	if command, ok := t.nearCommand(); ok && noSettings {
		rest := ""
		if len(t.names) > 1 {
			rest = " " + shown(t.names[1])
		}
		return mistake("%q is not a command. Did you mean: %s%s", echo(t.names[0].Word), command, rest)
	}
	switch {
	case len(t.names) == 0 && noSettings:
		return mistake("Which model, target and setting? For example: %s", t.example())
	case len(t.names) == 0:
		return mistake("Which model and which target? For example: %s", t.example())
	case len(t.names) == 1 && noSettings:
		return mistake("Which target and which setting? For example: %s. To see the settings, type: status %s", t.example(), shown(t.names[0]))
	case len(t.names) == 1:
		return mistake("Which target, an environment or a deployment? For example: %s", t.example())
	}
	return mistake("Which setting? For example: %s. To see the settings, type: status %s", t.example(), shown(t.names...))
}

// nearCommand returns the command that the first name may have been meant for.
func (t *tail) nearCommand() (string, bool) {
	if t.cmd.Name != NameChange || len(t.names) == 0 || t.names[0].Kind != "" {
		return "", false
	}
	near := baseten.Closest(t.names[0].Word, firstWords(), 1)
	if len(near) == 0 {
		return "", false
	}
	return near[0], true
}

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
	text := fmt.Sprintf("%s %s", shown(names...), settings)
	if t.cmd.Name != NameChange {
		text = string(t.cmd.Name) + " " + text
	}
	return text
}
