package commands

import (
	"cmp"
	"slices"
	"strings"
)

// Parse reads a text that somebody typed after the slash command or the mention.
// The error is a *Mistake always. An empty text asks for help.
func Parse(text string) (Command, error) {
	c, m := parse(text, false)
	if m != nil {
		return Command{}, m
	}
	return c, nil
}

// parser reads one text.
type parser struct {
	text string // normalised
	// corrected tells that the text is a corrected one, which is tried and not
	// corrected again.
	corrected bool
}

// understood returns a corrected line as it is to be typed, "" if it is not understood.
func (p parser) understood(line string) string {
	if p.corrected {
		return ""
	}
	if _, m := parse(line, true); m != nil {
		return ""
	}
	return strings.TrimSpace(line)
}

// without is the text without one of its words, as understood has it.
func (p parser) without(t token) string {
	return p.understood(strings.TrimRight(p.text[:t.start], " ") + " " + strings.TrimLeft(p.text[t.end:], " "))
}

func parse(text string, corrected bool) (Command, *Mistake) {
	text, m := normalise(text)
	if m != nil {
		return Command{}, m
	}
	p, tokens := parser{text, corrected}, tokenize(text, false)
	if len(tokens) == 0 {
		return Command{Name: NameHelp}, nil
	}
	first := tokens[0]
	if len(tokens) == 1 && slices.Contains([]string{"?", "-h", "--help"}, lower(first.text)) {
		return Command{Name: NameHelp}, nil
	}
	if (strings.HasPrefix(first.text, "/") || lower(first.text) == "@autoscale") && first.plain() {
		m := mistake("Leave out %s within the command.", echo(first.text)).with(p.without(first))
		if len(m.Lines) == 0 {
			m = m.example(table[0].Examples[0])
		}
		return Command{}, m
	}
	if slices.Contains(notYet, lower(first.text)) {
		return Command{}, notAvailable(first.text)
	}
	if m := pressed(tokens); m != nil {
		return Command{}, m
	}
	spec, ok := firstWord(first.text)
	if !ok || first.assigned {
		c, m := p.parseChange(NameChange, tokens)
		if m != nil && !p.corrected {
			m = cmp.Or(p.elsewhere(tokens), m)
		}
		return c, m
	}
	rest := tokens[1:]
	switch spec.args {
	case argsChange:
		return p.parseChange(spec.Name, rest)
	case argsModel, argsPast:
		return p.parseModel(spec, tokens)
	case argsMaybeGlob:
		return p.parseGlob(tokenize(text, true))
	case argsMaybeTopic:
		return parseTopic(rest)
	case argsID, argsIDWithReason:
		return p.parseID(spec, rest)
	case argsExtend:
		return p.parseExtend(spec, rest)
	case argsFreeze:
		return p.parseFreeze(rest)
	default:
		return parseAlone(spec, rest)
	}
}

// wordAll is what history takes in front of a model.
const wordAll = "all"

// isTaken reports whether a text that begins with the word is no change of a model.
func isTaken(word string) bool {
	_, ok := firstWord(word)
	return ok || alwaysOption(word) || slices.Contains(notYet, lower(word)) || slices.Contains(buttons, lower(word))
}

// parseModel reads [MODEL [TARGET]], with "all" before it where the command takes that.
func (p parser) parseModel(spec Spec, tokens []token) (c Command, m *Mistake) {
	c.Name = spec.Name
	if m := p.onlyPlain(spec, tokens); m != nil {
		return Command{}, m
	}
	tokens = tokens[1:]
	if spec.args == argsPast && len(tokens) > 0 && lower(tokens[0].text) == wordAll {
		c.All, tokens = true, tokens[1:]
	}
	switch {
	case len(tokens) == 0 && spec.args == argsModel:
		return Command{}, mistake("Which model? For example: %s", typed(spec.Examples[0]))
	case len(tokens) > 2:
		return Command{}, tooMuch(spec, tokens[2])
	}
	if len(tokens) > 0 {
		if c.Model, m = modelRef(tokens[0]); m != nil {
			return Command{}, m
		}
	}
	if len(tokens) > 1 {
		if c.Target, m = targetRef(tokens[1]); m != nil {
			return Command{}, m
		}
	}
	return c, nil
}

// parseGlob reads [GLOB].
func (p parser) parseGlob(tokens []token) (Command, *Mistake) {
	c := Command{Name: NameList}
	spec, _ := firstWord(string(c.Name))
	if m := p.onlyPlain(spec, tokens); m != nil {
		return Command{}, m
	}
	tokens = tokens[1:]
	if len(tokens) == 0 {
		return c, nil
	}
	if len(tokens) > 1 {
		return Command{}, tooMuch(spec, tokens[1])
	}
	c.Glob = tokens[0].text
	// A pattern is a name but for its asterisks.
	if stars := strings.Trim(c.Glob, "*"); stars != "" || c.Glob == "" {
		if m := checkName(strings.ReplaceAll(c.Glob, "*", "x")); m != nil {
			return Command{}, m
		}
	}
	if len(c.Glob) > maxName {
		return Command{}, checkName(c.Glob)
	}
	return c, nil
}

// parseTopic reads [WORD].
func parseTopic(tokens []token) (Command, *Mistake) {
	c := Command{Name: NameHelp}
	if len(tokens) == 0 {
		return c, nil
	}
	if len(tokens) > 1 {
		spec, _ := firstWord(string(c.Name))
		return Command{}, tooMuch(spec, tokens[1])
	}
	topic := strings.TrimLeft(lower(tokens[0].text), "- ")
	if m := checkName(topic); m != nil {
		return Command{}, mistake("There is no help on that. %s shows what there is help on.", typed("help"))
	}
	c.Topic = topic
	return c, nil
}

// parseID reads ID, and the reason where the command takes one.
func (p parser) parseID(spec Spec, tokens []token) (Command, *Mistake) {
	c, m := p.startID(spec, tokens)
	if m != nil {
		return Command{}, m
	}
	rest := glue(tokens[1:])
	if len(rest) == 0 {
		return c, nil
	}
	if spec.args != argsIDWithReason {
		return Command{}, tooMuch(spec, rest[0])
	}
	t := tail{parser: p, cmd: c, tokens: rest}
	if m := t.readReasonOnly(spec); m != nil {
		return Command{}, m
	}
	return t.cmd, nil
}

// startID reads the ID of a command that takes one.
func (p parser) startID(spec Spec, tokens []token) (Command, *Mistake) {
	what, where := "request", typed(string(NamePending))+" and "+typed(string(NameHistory))+" show"
	if spec.Name == NameThaw {
		what, where = "freeze", typed(string(NamePending))+" shows"
	}
	if len(tokens) == 0 {
		return Command{}, mistake("Which %s? For example: %s. %s %ss and their IDs.", what, typed(spec.Examples[0]), where, what)
	}
	id, ok := readID(tokens[0].text)
	if !ok {
		return Command{}, mistake("%q is not a %s ID: an ID is # and five letters or digits, as in %s. %s them.",
			echo(tokens[0].text), what, typed(spec.Examples[0]), where)
	}
	return Command{Name: spec.Name, ID: id}, nil
}

// readID reads five Crockford base32 characters: any case, o for 0, i and l for 1,
// with or without #.
func readID(text string) (string, bool) {
	text = strings.TrimPrefix(text, "#")
	text = strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(lower(text))
	if len(text) != 5 || strings.Trim(text, "0123456789abcdefghjkmnpqrstvwxyz") != "" {
		return "", false
	}
	return strings.ToUpper(text), true
}

func parseAlone(spec Spec, tokens []token) (Command, *Mistake) {
	if len(tokens) > 0 {
		return Command{}, tooMuch(spec, tokens[0])
	}
	return Command{Name: spec.Name}, nil
}

// notAvailable refuses the name of a feature that does not exist yet where a
// command or a model stands.
func notAvailable(word string) *Mistake {
	word = lower(word)
	return mistake("%s is not available, so nothing was changed. %s For a model called %[1]s, type `model:%[1]s`.", word, adviceOn[word])
}

// onlyPlain refuses settings and options after a command that takes names only.
func (p parser) onlyPlain(spec Spec, tokens []token) *Mistake {
	for _, t := range tokens[1:] {
		if !t.plain() {
			return mistake("%s takes no settings and no options, so %q does not fit. To change something, leave out %[1]s.", spec.Name, echo(t.text)).
				with(p.without(tokens[0]))
		}
	}
	return nil
}

func tooMuch(spec Spec, t token) *Mistake {
	return mistake("%q is too much after %s. Type: %s", echo(t.text), spec.Name, typed(spec.Usage))
}
