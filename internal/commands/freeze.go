package commands

import "slices"

// allModels stands for all models in a freeze.
const allModels = "*"

// parseFreeze reads MODEL|* [TARGET] { for | until | reason | break-glass }.
func (p parser) parseFreeze(tokens []token) (Command, *Mistake) {
	t := tail{parser: p, cmd: Command{Name: NameFreeze}, tokens: glue(tokens)}
	if len(tokens) > 0 && slices.Contains([]string{wordAll, "everything", "models"}, lower(tokens[0].text)) {
		return Command{}, t.refuse("Type * for all models. For a model called %s, type `model:%[1]s`.", lower(tokens[0].text)).
			with(t.instead(tokens[0], allModels))
	}
	m := t.read()
	if m == nil {
		m = t.finishFreeze()
	}
	if m != nil {
		return Command{}, m
	}
	return t.cmd, nil
}

// notOfFreeze refuses a word that a freeze does not take.
func (t *tail) notOfFreeze(tok token, head string) *Mistake {
	spec := t.spec()
	m := t.refuse("%q does not fit after %s. Type: %s.", echo(head), spec.Name, typed(spec.Usage))
	if line := t.without(tok); line != "" {
		return m.with(line)
	}
	for _, near := range nearWords(head) {
		if tok.assigned {
			near += t.text[tok.start+len(head) : tok.end]
		}
		m = m.with(t.instead(tok, near))
	}
	return m
}

// finishFreeze checks what can be checked only at the end.
func (t *tail) finishFreeze() *Mistake {
	spec := t.spec()
	if len(t.names) == 0 {
		return t.refuse("Freeze what? For example: %s", typed(spec.Examples[0]))
	}
	t.cmd.Model = t.names[0]
	if len(t.names) > 1 {
		t.cmd.Target = t.names[1]
	}
	var missing, words string
	if t.end == "" {
		missing, words = "an end", ` until="Mon 08:00"`
	}
	if t.cmd.Reason == "" {
		if missing != "" {
			missing += " and "
		}
		missing, words = missing+"a reason", words+` reason="launch"`
	}
	if missing != "" {
		return t.refuse("A freeze needs %s.", missing).example(t.understood(t.text + words))
	}
	return nil
}

// parseExtend reads ID [span] { for | reason }.
func (p parser) parseExtend(spec Spec, tokens []token) (Command, *Mistake) {
	c, m := p.startID(spec, tokens)
	if m != nil {
		return Command{}, m
	}
	t := tail{parser: p, cmd: c, tokens: glue(tokens[1:])}
	for t.next < len(t.tokens) {
		tok := t.tokens[t.next]
		t.next++
		if m := t.readOfExtend(spec, tok); m != nil {
			return Command{}, m
		}
	}
	if t.cmd.For == 0 {
		t.cmd.For = extendBy
	}
	return t.cmd, nil
}

func (t *tail) readOfExtend(spec Spec, tok token) *Mistake {
	head := tok.text
	if tok.assigned {
		head = tok.head
	}
	w, ok := vocabulary[spelled(head)]
	switch {
	case ok && w.is == isReason:
		return t.readReason(tok)
	case ok && w.is == isFor:
		return t.readFor(tok)
	case ok && w.is == isUntil:
		return t.refuse("%s says by how much longer. For example: %s", spec.Name, typed(spec.Examples[0]))
	case tok.plain() && head != "" && head[0] >= '0' && head[0] <= '9':
		return t.readSpan(tok, tok.asValue(), tok.quoted)
	}
	return t.refuse("%q does not fit after %s: only an ID, a time and a reason do. For example: %s", echo(head), spec.Name, typed(spec.Examples[0]))
}
