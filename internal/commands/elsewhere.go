package commands

import (
	"slices"
	"strings"
)

// What people type who know other tools, or who answer the bot as they would a person.

// words of other tools, with the command that is meant.
var synonyms = map[string]Name{
	"show": NameStatus, "get": NameStatus, "describe": NameStatus,
	"ls": NameList, "models": NameList,
	"me": NameWhoami, "whois": NameWhoami,
	"approvals": NamePending, "requests": NamePending, "queue": NamePending,
	"log": NameHistory, "logs": NameHistory, "audit": NameHistory,
	"rollback": NameUndo, "revert": NameUndo,
	"withdraw": NameCancel,
	"lock":     NameFreeze, "pause": NameFreeze,
	"unlock": NameThaw, "unfreeze": NameThaw, "unpause": NameThaw,
	"prolong": NameExtend, "renew": NameExtend, "permanent": NameKeep,
	"freezes": NamePending,
}

// small talk, which asks for nothing.
var smallTalk = []string{"hi", "hello", "hey", "hallo", "thanks", "thank", "thx", "ok", "yes", "no", "test", "ping"}

// buttons are words that people type and that are pressed.
var buttons = []string{"approve", "deny", "reject", "confirm", "review"}

// pressed tells whoever types a decision to press the button, nil for any other text.
func pressed(tokens []token) *Mistake {
	if !slices.Contains(buttons, lower(tokens[0].text)) {
		return nil
	}
	m := mistake("To %s a request, press the button on its card. %s shows the requests that wait.", lower(tokens[0].text), typed(string(NamePending)))
	if len(tokens) == 1 {
		return m
	}
	id, ok := readID(tokens[1].text)
	plain := !slices.ContainsFunc(tokens, func(t token) bool { return !t.plain() })
	if len(tokens) > 2 && (!ok || !plain) {
		return nil // a model of that name
	}
	if ok {
		m.Request = id
	}
	return m
}

// elsewhere explains a text that was understood as a change and is none: words of other
// tools, greetings, the ID of a request. Nil where it is nothing of these.
func (p parser) elsewhere(tokens []token) *Mistake {
	first := tokens[0]
	word := lower(first.text)
	if id, ok := readID(first.text); ok && len(tokens) == 1 && strings.HasPrefix(first.text, "#") {
		m := mistake("#%s is a request, and a command says what to do with it. %s takes it back, %s puts back what it changed.",
			id, typed(string(NameCancel)+" #"+id), typed(string(NameUndo)+" #"+id))
		m.Request = id
		return m
	}
	if !first.plain() {
		return nil
	}
	if name, ok := synonyms[word]; ok {
		if line := p.understood(p.text[:first.start] + string(name) + p.text[first.end:]); line != "" {
			return mistake("%q is not a command. Did you mean %s?", echo(first.text), name).with(line)
		}
	}
	if slices.Contains(smallTalk, word) && len(tokens) <= 3 {
		return mistake("I show and change how models scale. %s shows all models, %s how one runs, %s everything else.",
			typed("list"), typed("status llama-70b"), typed("help"))
	}
	return nil
}
