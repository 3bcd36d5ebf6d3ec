package authz

import (
	"errors"
	"path"
	"strings"
)

// glob is a pattern of path.Match, except that its wildcards match a slash too: a
// deny rule about "*" must not miss a name for having one. Upper and lower case
// differ.
type glob struct {
	text    string
	literal bool
	slashed bool
	pattern string // without slashes
}

// slashless hides slashes from path.Match, to which they are separators.
var slashless = strings.NewReplacer("/", "\x00")

func newGlob(text string) (glob, error) {
	if text == "" || strings.TrimSpace(text) != text {
		return glob{}, errors.New("empty, or with space around it")
	}
	if _, err := path.Match(text, ""); err != nil {
		return glob{}, errors.New("wildcards are *, ? and [a-z]")
	}
	return glob{
		text:    text,
		literal: !strings.ContainsAny(text, `*?[\`),
		slashed: strings.Contains(text, "/"),
		pattern: slashless.Replace(text),
	}, nil
}

// match takes a name without slashes (see slashless).
func (g glob) match(name string) bool {
	if name == "" || g.literal {
		return name != "" && g.pattern == name
	}
	ok, err := path.Match(g.pattern, name)
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
func namesOf(t Target) targetNames {
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
func (n *targetNames) isModel(g glob) bool {
	if g.slashed {
		return g.match(n.fullModel)
	}
	return g.match(n.model) || g.match(n.modelID)
}

func (n *targetNames) isTarget(g glob) bool {
	for _, name := range n.targets {
		if g.match(name) {
			return true
		}
	}
	return false
}
