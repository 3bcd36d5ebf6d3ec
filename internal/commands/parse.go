package commands

import (
	"slices"
	"strings"
)

// Parse reads a text that somebody typed after the slash command or the mention.
// The error is a *Mistake always. An empty text asks for help.
func Parse(text string) (Command, error) {
	c, m := parse(text)
	if m != nil {
		return Command{}, m
	}
	return c, nil
}

func parse(text string) (Command, *Mistake) {
	text, m := normalise(text)
	if m != nil {
		return Command{}, m
	}
	tokens := tokenize(text, false)
	if len(tokens) == 0 {
		return Command{Name: NameHelp}, nil
	}
	first := tokens[0]
	if len(tokens) == 1 && slices.Contains([]string{"?", "-h", "--help"}, lower(first.text)) {
		return Command{Name: NameHelp}, nil
	}
	if strings.HasPrefix(first.text, "/") && first.plain() {
		return Command{}, mistake("Leave out %s and type what comes after it, for example llama-70b production max=7.", echo(first.text))
	}
	if slices.Contains(notYet, lower(first.text)) {
		return Command{}, notAvailable(first.text)
	}
	spec, ok := firstWord(first.text)
	if !ok || first.assigned {
		return parseChange(NameChange, tokens)
	}
	rest := tokens[1:]
	switch spec.args {
	case argsChange:
		return parseChange(spec.Name, rest)
	case argsModel, argsMaybeModel:
		return parseModel(spec, rest)
	case argsMaybeGlob:
		return parseGlob(tokenize(text, true)[1:])
	case argsMaybeTopic:
		return parseTopic(rest)
	case argsID, argsIDWithReason:
		return parseID(spec, rest)
	default:
		return parseAlone(spec, rest)
	}
}

// parseModel reads [MODEL [TARGET]].
func parseModel(spec Spec, tokens []token) (c Command, m *Mistake) {
	c.Name = spec.Name
	if m := onlyPlain(spec, tokens); m != nil {
		return Command{}, m
	}
	switch {
	case len(tokens) == 0 && spec.args == argsModel:
		return Command{}, mistake("Which model? For example: %s", spec.Examples[0])
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
func parseGlob(tokens []token) (Command, *Mistake) {
	c := Command{Name: NameList}
	spec, _ := firstWord(string(c.Name))
	if m := onlyPlain(spec, tokens); m != nil {
		return Command{}, m
	}
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
		return Command{}, mistake("There is no help on that. Type help to see what there is help on.")
	}
	c.Topic = topic
	return c, nil
}

// parseID reads ID, and the reason where the command takes one.
func parseID(spec Spec, tokens []token) (Command, *Mistake) {
	c := Command{Name: spec.Name}
	if len(tokens) == 0 {
		return Command{}, mistake("Which request? For example: %s. Type pending or history to see requests and their IDs.", spec.Examples[0])
	}
	id, ok := readID(tokens[0].text)
	if !ok {
		return Command{}, mistake("%q is not a request ID: an ID is # and five letters or digits, as in %s. Type pending or history to see them.", echo(tokens[0].text), spec.Examples[0])
	}
	c.ID = id
	rest := glue(tokens[1:])
	if len(rest) == 0 {
		return c, nil
	}
	if spec.args != argsIDWithReason {
		return Command{}, tooMuch(spec, rest[0])
	}
	t := tail{cmd: c, tokens: rest}
	if m := t.readReasonOnly(spec); m != nil {
		return Command{}, m
	}
	return t.cmd, nil
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
	return mistake("%s is not available yet, so nothing was changed. For a model called %[1]s, type model:%[1]s.", lower(word))
}

// onlyPlain refuses settings and options after a command that takes names only.
func onlyPlain(spec Spec, tokens []token) *Mistake {
	for _, t := range tokens {
		if !t.plain() {
			return mistake("%s takes no settings and no options, so %q does not fit. To change something, type MODEL TARGET max=7, without %s.", spec.Name, echo(t.text), spec.Name)
		}
	}
	return nil
}

func tooMuch(spec Spec, t token) *Mistake {
	return mistake("%q is too much after %s. Type: %s", echo(t.text), spec.Name, spec.Usage)
}
