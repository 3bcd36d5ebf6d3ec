package baseten

import (
	"cmp"
	"slices"
)

// Kinds of target, as people write them in front of a name and as the policy
// knows them.
const (
	TargetEnvironment = "environment"
	TargetDeployment  = "deployment"
)

// developmentWord names a model's development deployment, whatever its own name.
const developmentWord = "development"

// Exactly returns the target that was resolved before and stored: the environment
// of that name, or if environment is "" the deployment of that ID. It never looks
// at other spellings.
func (t Targets) Exactly(environment, deploymentID string) (Resolved, bool) {
	if environment != "" {
		for i := range t.Environments {
			if t.Environments[i].Name == environment {
				return t.environment(i), true
			}
		}
		return Resolved{}, false
	}
	for i := range t.Deployments {
		if t.Deployments[i].ID == deploymentID {
			return t.deployment(i), true
		}
	}
	return Resolved{}, false
}

// Resolve returns the target that word names: an environment by name, a deployment
// by name or ID, or "development" for the development deployment. kind is
// TargetEnvironment, TargetDeployment or "" for either. One thing under two
// spellings is one thing; two things under one spelling are an *AmbiguousError,
// and none is a *NotFoundError. A name may be spelled in another way, see alike, where
// that leaves one; an exact spelling always wins. What Baseten describes in a way that
// cannot be read is an *UnreadableError.
func (t Targets) Resolve(kind, word string) (Resolved, error) {
	envs, deps := t.match(kind, word)
	switch {
	case len(envs) == 1 && len(deps) == 0:
		return t.readable(t.environment(envs[0]))
	case len(envs) == 0 && len(deps) == 1:
		return t.readable(t.deployment(deps[0]))
	case len(envs) == 0 && len(deps) == 0:
		return Resolved{}, &NotFoundError{What: lookedFor(kind), Word: word, Suggestions: t.suggest(kind, word), Known: t.known(kind)}
	}
	ambiguous := &AmbiguousError{What: lookedFor(kind), Word: word}
	for _, i := range envs {
		ambiguous.add("env:"+t.spellEnvironment(i), "")
	}
	for _, i := range deps {
		ambiguous.add("deployment:"+t.spellDeployment(i, word), t.Deployments[i].ID)
	}
	return Resolved{}, ambiguous
}

func (t Targets) readable(r Resolved) (Resolved, error) {
	switch {
	case r.Environment != nil && r.Environment.Broken:
		return Resolved{}, &UnreadableError{What: TargetEnvironment, Name: r.Environment.Name, Why: r.Environment.Unreadable}
	case r.Environment == nil && r.Deployment.Broken:
		return Resolved{}, &UnreadableError{What: TargetDeployment, Name: cmp.Or(r.Deployment.Name, r.Deployment.ID), Why: r.Deployment.Unreadable}
	}
	return r, nil
}

func lookedFor(kind string) string {
	if kind == "" {
		return "environment or deployment"
	}
	return kind
}

// match returns the positions of what word names: exactly, or else in another spelling.
func (t Targets) match(kind, word string) (envs, deps []int) {
	if word == "" {
		return nil, nil
	}
	same := func(name string) bool { return name == word }
	if envs, deps = t.matching(kind, word, same); len(envs)+len(deps) > 0 {
		return envs, deps
	}
	folded := alike(word)
	return t.matching(kind, word, func(name string) bool { return alike(name) == folded })
}

func (t Targets) matching(kind, id string, same func(name string) bool) (envs, deps []int) {
	if kind != TargetDeployment {
		for i, e := range t.Environments {
			if same(e.Name) {
				envs = append(envs, i)
			}
		}
	}
	if kind != TargetEnvironment {
		for i, d := range t.Deployments {
			if d.ID == id || same(d.Name) || d.Development && same(developmentWord) {
				deps = append(deps, i)
			}
		}
	}
	return envs, deps
}

// spellEnvironment returns the environment's name as it is typed.
func (t Targets) spellEnvironment(i int) string {
	return cmp.Or(typable(t.Environments[i].Name), t.Environments[i].Name)
}

// spellDeployment returns a spelling that names the deployment at i alone, word itself
// where that is one of its own.
func (t Targets) spellDeployment(i int, word string) string {
	d := t.Deployments[i]
	own := word
	if own != d.ID && own != d.Name && own != developmentWord {
		own = d.Name
	}
	for _, s := range []string{own, d.ID, d.Name} {
		typed := typable(s)
		if _, deps := t.match(TargetDeployment, unquoted(typed)); len(deps) == 1 && deps[0] == i {
			return typed
		}
	}
	return d.ID
}

// known are spellings of what there is, at most mostKnown, environments first.
func (t Targets) known(kind string) []string {
	var out []string
	offer := func(prefix, spelled string) {
		if envs, deps := t.match("", unquoted(spelled)); len(envs)+len(deps) != 1 {
			spelled = prefix + spelled
		}
		if len(out) < mostKnown && !slices.Contains(out, spelled) {
			out = append(out, spelled)
		}
	}
	if kind != TargetDeployment {
		for i := range t.Environments {
			offer("env:", t.spellEnvironment(i))
		}
	}
	if kind != TargetEnvironment {
		for i, d := range t.Deployments {
			offer("deployment:", t.spellDeployment(i, d.Name))
		}
	}
	return out
}

// suggest returns at most three spellings that name something, for a word that
// does not, or not as this kind.
func (t Targets) suggest(kind, word string) []string {
	var out []string
	if envs, deps := t.match("", word); len(envs) > 0 {
		out = append(out, "env:"+t.spellEnvironment(envs[0]))
	} else if len(deps) > 0 {
		out = append(out, "deployment:"+t.spellDeployment(deps[0], word))
	}
	out = append(out, suggest(word, t.spellings(kind), mostSuggestions)...)
	return out[:min(len(out), mostSuggestions)]
}

// spellings are all names of a kind, each typed with its prefix where it could
// mean something else without.
func (t Targets) spellings(kind string) []spelling {
	var out []spelling
	offer := func(name, prefix, typed string) {
		if envs, deps := t.match("", unquoted(typed)); len(envs)+len(deps) != 1 {
			typed = prefix + typed
		}
		out = append(out, spelling{name, typed})
	}
	if kind != TargetDeployment {
		for i, e := range t.Environments {
			offer(e.Name, "env:", t.spellEnvironment(i))
		}
	}
	if kind != TargetEnvironment {
		for i, d := range t.Deployments {
			offer(d.Name, "deployment:", t.spellDeployment(i, d.Name))
			offer(d.ID, "deployment:", t.spellDeployment(i, d.ID))
			if d.Development {
				offer(developmentWord, "deployment:", t.spellDeployment(i, developmentWord))
			}
		}
	}
	return out
}

func (t Targets) environment(i int) Resolved {
	env := &t.Environments[i]
	r := Resolved{ModelID: t.ModelID, Model: t.Model, Environment: env, Deployment: env.Current, ReadAt: t.ReadAt, Stale: t.Stale, Err: t.Err}
	if env.Current != nil {
		r.Serves, r.Development = env.Name, env.Current.Development
		_, others := t.places(env.Current)
		r.Promoting = slices.DeleteFunc(others, func(e string) bool { return e == env.Name })
	}
	return r
}

func (t Targets) deployment(i int) Resolved {
	dep := &t.Deployments[i]
	r := Resolved{ModelID: t.ModelID, Model: t.Model, Deployment: dep, Development: dep.Development, ReadAt: t.ReadAt, Stale: t.Stale, Err: t.Err}
	r.Serves, r.Promoting = t.places(dep)
	for i := range t.Environments {
		if r.Serves != "" && t.Environments[i].Name == r.Serves {
			r.In = &t.Environments[i]
		}
	}
	return r
}

// places tells which environment a deployment serves, and which others it is
// connected with. The two lists are read at the same time, not in one transaction:
// where they disagree, both are named, so that no rule about production is missed.
func (t Targets) places(d *Deployment) (serves string, others []string) {
	add := func(env string) {
		if env != "" && env != serves && !slices.Contains(others, env) {
			others = append(others, env)
		}
	}
	for _, e := range t.Environments {
		if e.Current == nil || e.Current.ID != d.ID {
			continue
		}
		if serves == "" {
			serves = e.Name
		} else {
			add(e.Name)
		}
	}
	if serves == "" && !t.candidateFor(d, d.environment()) {
		serves = d.environment()
	}
	add(d.environment())
	for _, e := range t.Environments {
		if e.Candidate != nil && e.Candidate.ID == d.ID {
			add(e.Name)
		}
	}
	return serves, others
}

// candidateFor reports whether d is still being promoted into env.
func (t Targets) candidateFor(d *Deployment, env string) bool {
	return slices.ContainsFunc(t.Environments, func(e Environment) bool {
		return e.Name == env && e.Candidate != nil && e.Candidate.ID == d.ID
	})
}
