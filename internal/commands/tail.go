package commands

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"autoscalebot/internal/baseten"
)

// parseChange reads MODEL TARGET { setting | option }.
func (p parser) parseChange(name Name, tokens []token) (Command, *Mistake) {
	t := tail{parser: p, cmd: Command{Name: name}, tokens: glue(tokens)}
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
	parser
	cmd    Command
	tokens []token
	next   int
	names  []Ref
	// timed is the setting just read, if it was a time: a unit that stands apart
	// belongs to it. timedAt is where it stands.
	timed   baseten.Setting
	timedAt token
	// end is for or until, whichever was read; endAt is where it stands.
	end   string
	endAt token
	// reason is the word that began the reason, nil before it was read.
	reason *token
}

// refuse makes a Mistake of a sentence about the change.
func (t *tail) refuse(format string, args ...any) *Mistake {
	if t.spec().Changes {
		format += " Nothing was changed."
	}
	return mistake(format, args...)
}

// spec is the row of the command that is read.
func (t *tail) spec() Spec {
	return table[slices.IndexFunc(table, func(s Spec) bool { return s.Name == t.cmd.Name })]
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
		case isRef, tok.plain() && len(t.names) < 2 && !t.startsOption(tok):
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

// startsReason tells that a word begins a reason.
func startsReason(tok token) bool {
	w, ok := vocabulary[spelled(tok.text)]
	return ok && w.is == isReason
}

// alwaysOption tells that a word is an option wherever it stands: were reason read as a
// name, the words after it could be read as settings.
func alwaysOption(text string) bool {
	w, ok := vocabulary[spelled(text)]
	return ok && (w.is == isReason || w.is == isFor || w.is == isUntil)
}

// startsOption tells that a plain word is no name. In a freeze, where the target may be
// left out, that is true of every option.
func (t *tail) startsOption(tok token) bool {
	w, ok := vocabulary[spelled(tok.text)]
	return alwaysOption(tok.text) || ok && w.is != isSetting && t.cmd.Name == NameFreeze
}

func (t *tail) readName(tok token) *Mistake {
	if t.cmd.Name == NameFreeze && len(t.names) == 0 && tok.text == allModels {
		t.names = append(t.names, Ref{Word: allModels})
		return nil
	}
	read := targetRef
	if len(t.names) == 0 {
		read = modelRef
	}
	ref, m := read(tok)
	if m != nil {
		if head, name, ok := strings.Cut(tok.text, ":"); ok && nearKind(head) != "" {
			m = m.with(t.instead(tok, nearKind(head)+":"+name))
		}
		return m
	}
	// Settings may stand before the model, but they make no model of a command.
	if len(t.names) == 0 && ref.Kind == "" && t.cmd.Name == NameChange {
		if spec, ok := firstWord(ref.Word); ok {
			return t.refuse("%s is a command and has to come first. For a model of that name, type `model:%[1]s`.", spec.Name)
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
	timed := t.timed
	t.timed = baseten.Setting{}
	w, ok := vocabulary[spelled(head)]
	switch {
	case t.cmd.Name == NameFreeze && (!ok || w.is == isSetting || w.is == isDryRun):
		return t.notOfFreeze(tok, head)
	case !ok:
		return t.unknown(tok, head, timed)
	}
	switch w.is {
	case isSetting:
		if !tok.assigned && timed.Word != "" && w.name == "min" && !t.valueFollows() {
			return t.apart(timed, tok) // window=10 min
		}
		return t.readSetting(w.setting, tok)
	case isReason:
		return t.readReason(tok)
	case isFor:
		return t.readFor(tok)
	case isUntil:
		return t.readUntil(tok)
	case isNotYet:
		return t.refuse("%s is not available, and without it the change would mean something else. %s", w.name, adviceOn[w.name])
	}
	if tok.assigned {
		return t.refuse("%s takes no value: type %[1]s, or leave it out.", w.name).with(t.instead(tok, w.name))
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
	value, quoted := t.value(tok)
	if s.Unit == baseten.Percent && t.next < len(t.tokens) && t.tokens[t.next].text == "%" {
		t.next++
	}
	tok.end = max(tok.end, t.tokens[t.next-1].end)
	if m := t.joined(tok, quoted); m != nil {
		return m
	}
	n, why := parseValue(s, value)
	if why != "" {
		m := t.refuse("%s", why)
		if line := t.instead(tok, s.Word+"="+meant(s, value)); line != "" {
			return m.with(line)
		}
		return m.example(t.instead(tok, sample(s)))
	}
	if before, twice := t.cmd.Settings[s.Field]; twice {
		return t.refuse("%s is given twice, as %d and as %d. Type it once.", s.Word, before, n)
	}
	if t.cmd.Settings == nil {
		t.cmd.Settings = baseten.Settings{}
	}
	t.cmd.Settings[s.Field] = n
	if s.Unit == baseten.Seconds {
		t.timed, t.timedAt = s, tok
	}
	return nil
}

// joined explains settings with commas in place of spaces between them.
func (t *tail) joined(tok token, quoted bool) *Mistake {
	word := t.text[tok.start:tok.end]
	if quoted || !strings.ContainsAny(word, ",;") {
		return nil
	}
	apart := oneLine(strings.NewReplacer(",", " ", ";", " ").Replace(word))
	before, after := t.text[:tok.start], t.text[tok.end:]
	line := t.understood(before + apart + after)
	if line == "" { // perhaps more of them stand further on
		for _, next := range slices.Backward(t.tokens[t.next:]) {
			if next.assigned && !next.valueQuoted && !next.quoted && !startsReason(token{text: next.head}) {
				after = after[:next.start-tok.end] + strings.TrimRight(next.text, ",;") + after[next.end-tok.end:]
			}
		}
		line = t.understood(before + apart + after)
	}
	if line == "" && strings.Count(apart, "=") < 2 {
		return nil
	}
	return t.refuse("Put a space between settings: `%s`.", echo(apart)).with(line)
}

// unknown explains a word that is neither a setting nor an option.
func (t *tail) unknown(tok token, head string, timed baseten.Setting) *Mistake {
	word := echo(head)
	switch {
	case head == "":
		return mistake("There is a value without a setting before it. For example: %s", typed(t.example()))
	case t.reason != nil && t.insideReason(tok):
		return t.refuse("There are quotes within the quotes of the reason, so it is not clear where it ends.").
			with(t.quotedReason(*t.reason, t.inQuotes(*t.reason))...)
	case tok.plain() && t.notOurs() != nil:
		return t.notOurs()
	case len(t.names) == 2 && tok.plain() && t.filled():
		m := t.refuse("Leave out %q: the model comes first.", echo(t.names[0].Word))
		if line := t.without(t.tokens[0]); line != "" {
			return m.with(line)
		}
		return m.example(t.understood(t.exampleOf(t.names[1], Ref{Word: tok.text})))
	case strings.Contains(head, " "):
		return t.refuse("The quotes make one word of %q. Put quotes around a single name or a reason only.", word).
			with(t.instead(tok, tok.inner))
	case timed.Word != "" && unitOf(head) != "":
		return t.apart(timed, tok)
	case len(t.names) == 2 && t.namesSetting(t.names[1]) && tok.plain() && len(t.cmd.Settings) == 0: // llama max 7
		return mistake("Which target? The model and the target come before the settings. For example: %s", typed(t.exampleOf(t.names[0], Ref{Word: "production"})))
	}
	if n, err := strconv.Atoi(head); err == nil && tok.plain() { // llama-70b production 7
		return t.refuse("Which setting should be %d?", n).with(t.instead(tok, "min="+head), t.instead(tok, "max="+head))
	}
	if span := meantSpan(head); tok.plain() && t.forInstead(tok, span) != "" { // max=7 2h
		return t.refuse("%q is not a setting or option. Did you mean for=%s?", word, span).with(t.forInstead(tok, span))
	}
	if near := nearWords(head); len(near) > 0 {
		var fit, lines []string
		for _, n := range near {
			raw := t.text[tok.start:tok.end]
			if line := t.instead(tok, strings.Replace(raw, head, n, 1)); line != "" {
				fit, lines = append(fit, n), append(lines, line)
			}
		}
		if fit != nil {
			near = fit
		}
		return t.refuse("%q is not a setting or option. Did you mean %s?", word, either(near)).with(lines...)
	}
	if command, ok := t.nearCommand(); ok && tok.plain() && len(t.cmd.Settings) == 0 {
		return t.refuse("%q is not a command. Did you mean %s?", echo(t.names[0].Word), command).with(t.asCommand(command))
	}
	if line := t.spaced(); line != "" {
		return t.refuse("%q is not a setting or option. A name with spaces needs quotes.", word).with(line)
	}
	return t.refuse("%q is not a setting or option. Settings are %s; options are %s.", word, either(settingWords()), either(optionWords()))
}

// spaced is the line with its first two words as one name, where a third one follows
// that is no word of the grammar: llama 70b production.
func (t *tail) spaced() string {
	if t.next != 3 || len(t.names) != 2 || !t.tokens[2].plain() || t.tokens[0].quoted || t.tokens[1].quoted {
		return ""
	}
	if slices.Contains([]string{"production", "staging", "development"}, lower(t.names[1].Word)) {
		return "" // a target already
	}
	from, to := t.tokens[0].start, t.tokens[1].end
	return t.understood(t.text[:from] + quote(oneLine(t.text[from:to])) + t.text[to:])
}

// namesSetting tells that a plain name is the word of a setting.
func (t *tail) namesSetting(r Ref) bool {
	w, ok := vocabulary[spelled(r.Word)]
	return ok && w.is == isSetting && r.Kind == ""
}

// instead is the line with other words in the place of tok, "" where that would not be
// understood either.
func (t *tail) instead(tok token, words string) string {
	return t.understood(t.text[:tok.start] + words + t.text[tok.end:])
}

// apart explains that a unit has to stand with its number.
func (t *tail) apart(s baseten.Setting, unit token) *Mistake {
	n := t.cmd.Settings[s.Field]
	whole := t.timedAt
	whole.end = unit.end
	return t.refuse("Write the unit right after the number: `%s=%ds` for seconds, `%[1]s=%[2]dm` for minutes.", s.Word, n).
		with(t.instead(whole, fmt.Sprintf("%s=%d%s", s.Word, n, unitOf(unit.text))))
}

func settingWords() []string {
	var out []string
	for _, s := range baseten.AllSettings {
		out = append(out, s.Word)
	}
	return out
}

func optionWords() []string {
	var out []string
	for _, o := range options {
		out = append(out, o.name)
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
		return t.refuse("break-glass needs a reason.").example(t.understood(t.text + ` reason="production is down"`))
	}
	return nil
}
