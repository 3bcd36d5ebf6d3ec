package authz

import (
	"errors"
	"path"
	"strings"

	"autoscalebot/internal/baseten"
)

// Pattern is one of a rule's models or targets: a pattern of path.Match, except that
// its wildcards match a slash too. A deny rule about "*" must not miss a name for
// having one. Upper and lower case differ.
type Pattern struct {
	text    string
	literal bool
	slashed bool
	pattern string // without slashes
}

// slashless hides slashes from path.Match, to which they are separators.
var slashless = strings.NewReplacer("/", "\x00")

// NewPattern reads a pattern.
func NewPattern(text string) (Pattern, error) {
	if text == "" || strings.TrimSpace(text) != text {
		return Pattern{}, errors.New("empty, or with space around it")
	}
	if _, err := path.Match(text, ""); err != nil {
		return Pattern{}, errors.New("wildcards are *, ? and [a-z]")
	}
	// To path.Match [!s] is an exclamation mark or an s: a deny would never match.
	if strings.Contains(text, "[!") {
		return Pattern{}, errors.New("write [^…] for any character but these")
	}
	return Pattern{
		text:    text,
		literal: !strings.ContainsAny(text, `*?[\`),
		slashed: strings.Contains(text, "/"),
		pattern: slashless.Replace(text),
	}, nil
}

// match takes a name without slashes (see slashless).
func (p Pattern) match(name string) bool {
	if name == "" || p.literal {
		return name != "" && p.pattern == name
	}
	ok, err := path.Match(p.pattern, name)
	return ok && err == nil
}

// targetNames is every name of a target, without slashes.
type targetNames struct {
	model, modelID, fullModel string
	targets                   []string
}

// namesOf lists what rules' models and targets are held against: of the model, its
// name, its ID and team/name; of the target, the environment asked for, the
// environments that the deployment serves or is being promoted into, the
// deployment's name and ID, and "development".
func namesOf(t baseten.Target) targetNames {
	full := t.Model
	if t.Team != "" {
		full = t.Team + "/" + t.Model
	}
	n := targetNames{model: slashless.Replace(t.Model), modelID: slashless.Replace(t.ModelID), fullModel: slashless.Replace(full)}
	for _, name := range append([]string{t.Environment, t.Serves, t.Deployment, t.DeploymentID}, t.Promoting...) {
		if name = slashless.Replace(name); name != "" {
			n.targets = appendNew(n.targets, name)
		}
	}
	if t.Development {
		n.targets = appendNew(n.targets, "development")
	}
	return n
}

// isModel holds a pattern with a slash against team/name, any other against the
// name and the ID: "ml*" must not reach the models of a team called mlops.
func (n *targetNames) isModel(p Pattern) bool {
	if p.slashed {
		return p.match(n.fullModel)
	}
	return p.match(n.model) || p.match(n.modelID)
}

func (n *targetNames) isTarget(p Pattern) bool {
	for _, name := range n.targets {
		if p.match(name) {
			return true
		}
	}
	return false
}
