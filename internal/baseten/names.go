package baseten

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// NotFoundError says that a word names nothing. Suggestions are at most three
// spellings that would name something; none of them may be acted on unasked.
type NotFoundError struct {
	// What was looked for: model, environment, deployment, or "environment or
	// deployment".
	What        string
	Word        string
	Suggestions []string
	// Known are spellings of those that there are, where they are few or the first of
	// them tell enough; at most mostKnown.
	Known []string
}

// mostKnown is how many names an answer lists.
const mostKnown = 10

// Error is one sentence for people.
func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("%s %q not found", e.What, e.Word)
	if len(e.Suggestions) == 0 {
		return text
	}
	return text + "; did you mean " + either(e.Suggestions) + "?"
}

// AmbiguousError says that a word names several things. Each choice is a spelling
// that names one of them alone. IDs are theirs, in the same order, "" for an
// environment: names may differ in what nobody sees.
type AmbiguousError struct {
	What    string
	Word    string
	Choices []string
	IDs     []string
}

func (e *AmbiguousError) add(choice, id string) {
	e.Choices, e.IDs = append(e.Choices, choice), append(e.IDs, id)
}

// Error is one sentence for people.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s %q could mean several things; write %s", e.What, e.Word, either(e.Choices))
}

// UnreadableError says that Baseten has what a word names, and describes it in a way
// that cannot be read.
type UnreadableError struct {
	What string
	Name string
	Why  string
}

// Error is one sentence for people.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("Baseten's data for %s %q cannot be read: %s", e.What, e.Name, e.Why)
}

// either writes "a", "a or b", "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// names is one list of models, indexed by everything that people may call a model.
// It never changes.
type names struct {
	models  []Model          // by name, then team, then ID
	by      map[string][]int // ID, name or team/name → positions in models
	alike   map[string][]int // name or team/name in any spelling → positions
	spelled []string         // what to offer for each model
}

func indexModels(models []Model) *names {
	models = slices.Clone(models)
	slices.SortFunc(models, func(a, b Model) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		if c := strings.Compare(a.Team, b.Team); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	models = slices.CompactFunc(models, func(a, b Model) bool { return a.ID == b.ID && a.ID != "" })

	n := &names{models: models, by: make(map[string][]int, 3*len(models)), alike: make(map[string][]int, 2*len(models)), spelled: make([]string, len(models))}
	for i, m := range models {
		put(n.by, i, m.ID, m.Name, m.qualified())
		put(n.alike, i, alike(m.Name), alike(m.qualified()))
	}
	for i := range models {
		models[i].SharedName = n.shared(models[i])
		n.spelled[i] = n.spell(i, models[i].Name, models[i].qualified())
	}
	return n
}

func put(index map[string][]int, i int, words ...string) {
	for _, word := range words {
		if word != "" && !slices.Contains(index[word], i) {
			index[word] = append(index[word], i)
		}
	}
}

// exact reports whether a word names something to the letter.
func (n *names) exact(word string) bool { return len(n.by[word]) > 0 }

// hits are the positions of what a word names: exactly, or else in another spelling.
func (n *names) hits(word string) []int {
	if n.exact(word) {
		return n.by[word]
	}
	return n.alike[alike(word)]
}

// shared reports whether another model has the same name.
func (n *names) shared(m Model) bool {
	return slices.ContainsFunc(n.by[m.Name], func(i int) bool { return n.models[i].Name == m.Name && n.models[i].ID != m.ID })
}

// qualified is team/name, "" for a model without a team.
func (m Model) qualified() string {
	if m.Team == "" {
		return ""
	}
	return m.Team + "/" + m.Name
}

// spell returns the first spelling that names the model at i alone. The ID is the
// last resort.
func (n *names) spell(i int, spellings ...string) string {
	for _, s := range spellings {
		plain := typable(s)
		if hits := n.hits(unquoted(plain)); plain != "" && len(hits) == 1 && hits[0] == i {
			return plain
		}
	}
	return n.models[i].ID
}

// resolve returns the one model that word names, or an *AmbiguousError or
// *UnreadableError, or found false.
func (n *names) resolve(word string) (m Model, found bool, err error) {
	hits := n.hits(word)
	switch len(hits) {
	case 0:
		return Model{}, false, nil
	case 1:
		m = n.models[hits[0]]
		if m.Unreadable != "" {
			return Model{}, true, &UnreadableError{What: "model", Name: cmp.Or(m.Name, m.ID), Why: m.Unreadable}
		}
		return m, true, nil
	}
	ambiguous := &AmbiguousError{What: "model", Word: word}
	for _, i := range hits {
		m := n.models[i]
		ambiguous.add(n.spell(i, m.qualified(), m.ID, m.Name), m.ID)
	}
	return Model{}, true, ambiguous
}

// notFound makes the error for a word that names nothing. Each suggestion names
// one model alone, also where several teams have its name.
func (n *names) notFound(word string) *NotFoundError {
	known := make([]spelling, len(n.models))
	_, name, qualified := strings.Cut(word, "/")
	for i, m := range n.models {
		known[i] = spelling{m.Name, n.spelled[i]}
		if qualified {
			known[i].name = m.qualified()
		}
	}
	guesses := suggest(word, known, mostSuggestions)
	if qualified && len(guesses) == 0 {
		// Perhaps the right name under a wrong team.
		for _, i := range n.hits(name) {
			if len(guesses) < mostSuggestions {
				guesses = append(guesses, n.spelled[i])
			}
		}
	}
	e := &NotFoundError{What: "model", Word: word, Suggestions: guesses}
	if len(n.models) <= mostKnown {
		e.Known = slices.DeleteFunc(slices.Clone(n.spelled), func(s string) bool { return s == "" })
	}
	return e
}
