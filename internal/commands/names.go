package commands

import (
	"strings"

	"autoscalebot/internal/baseten"
)

// maxName is the longest name that is read, in bytes. Baseten's deployment names
// have at most 255 characters.
const maxName = 255

// kinds are the prefixes that say what a name stands for.
var kinds = []struct{ prefix, kind string }{
	{"model:", KindModel},
	{"env:", KindEnvironment},
	{"environment:", KindEnvironment},
	{"deployment:", KindDeployment},
	{"deploy:", KindDeployment},
}

// cutKind takes the prefix off a name, in any case.
func cutKind(text string) (kind, name string, ok bool) {
	for _, k := range kinds {
		if len(text) >= len(k.prefix) && lower(text[:len(k.prefix)]) == k.prefix {
			return k.kind, text[len(k.prefix):], true
		}
	}
	return "", text, false
}

// nearKind returns the kind that a mistyped prefix may have meant, or "".
func nearKind(head string) string {
	for _, near := range baseten.Closest(head, []string{KindModel, KindEnvironment, KindDeployment}, 1) {
		return near
	}
	return ""
}

// readRef reads a name. What it is the name of is the caller's to check.
func readRef(t token) (Ref, *Mistake) {
	kind, name, prefixed := cutKind(t.text)
	if !prefixed && t.quoted && oneLine(t.inner) == name {
		name = t.inner // within quotes each space counts: names may differ in one
	}
	if prefixed {
		if label, ok := linkLabel(name); ok {
			name = label
		} else {
			name, _ = unquote(name)
		}
		if strings.TrimSpace(name) == "" {
			return Ref{}, mistake("Write the name right after the colon, for example `%s`.", Ref{kind, "llama-70b"})
		}
	} else if head, rest, ok := strings.Cut(name, ":"); ok {
		if near := nearKind(head); near != "" {
			return Ref{}, mistake("%q is no kind of name. Did you mean `%s:%s`?", echo(head), near, echo(rest))
		}
	}
	if m := checkName(name); m != nil {
		return Ref{}, m
	}
	return Ref{Kind: kind, Word: name}, nil
}

// checkName refuses what cannot be part of a name and is therefore something else
// that was mistyped.
func checkName(name string) *Mistake {
	switch {
	case strings.TrimSpace(name) == "":
		return mistake("There is an empty name between quotes. Type the name, for example `llama-70b`.")
	case len(name) > maxName:
		return mistake("%q is too long for a name: a name has at most %d bytes.", echo(name), maxName)
	case strings.ContainsAny(name, "<>"):
		return mistake("A name has no angle brackets. Type it without them: %s.", echo(name))
	case strings.ContainsAny(name, "\"`") || isQuote(name[0]) || isQuote(name[len(name)-1]):
		return mistake("The quote in %s has no partner. Put quotes around the whole name or leave them out.", echo(name))
	case name[0] == '/': // would read as the slash command
		return mistake("%s begins with a slash, and a name does not. Type team/name or the name alone.", echo(name))
	case strings.Contains(name, "*"):
		return mistake("%s is a pattern, and only list takes patterns. Type one whole name. %s shows which fit.", echo(name), typed("list "+echo(name)))
	}
	return nil
}

// modelRef reads the model, the first name of a command.
func modelRef(t token) (Ref, *Mistake) {
	r, m := readRef(t)
	if m == nil && r.Kind != "" && r.Kind != KindModel {
		return Ref{}, mistake("The model comes first, then the target. For example: %s", typed("llama-70b "+shown(r)+" max=7"))
	}
	return r, m
}

// targetRef reads the target, the second name of a command.
func targetRef(t token) (Ref, *Mistake) {
	r, m := readRef(t)
	if m == nil && r.Kind == KindModel {
		return Ref{}, mistake("After the model comes the target, an environment or a deployment. For example: %s", typed("llama-70b production max=7"))
	}
	return r, m
}

// shown writes refs for an example to type. If they cannot be repeated to the
// letter, capitals stand for them.
func shown(refs ...Ref) string {
	typed := make([]string, len(refs))
	for i, r := range refs {
		typed[i] = r.String()
	}
	text := strings.Join(typed, " ")
	if echo(text) == text {
		return text
	}
	for i, r := range refs {
		if typed[i] = "TARGET"; r.Kind == KindModel || r.Kind == "" && i == 0 {
			typed[i] = "MODEL"
		}
	}
	return strings.Join(typed, " ")
}
